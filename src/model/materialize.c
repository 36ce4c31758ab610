/* model/materialize.c -- what a node becomes in the lake: a table, a view, an increment. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "model/worker.h"
#include "store/model.h"

enum { HOOK_BYTES_MAX = 16 << 20 };

/* --- hooks */

static bool is_blank(const char *text)
{
    while (*text && (isspace((unsigned char)*text) || *text == ';'))
        text++;
    return *text == 0;
}

static enum tarn_status run_hooks(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                  const char *key, struct tarn_error *err)
{
    struct tarn_value hooks = tarn_node_config(node, key);
    for (size_t i = 0; tarn_value_is(hooks, TARN_VALUE_LIST) && i < tarn_list_count(hooks); i++) {
        struct tarn_value hook = tarn_list_at(hooks, i);
        if (tarn_value_is(hook, TARN_VALUE_DICT))
            hook = tarn_dict_get_str(hook, "sql");
        TARN_BUFFER(sql, HOOK_BYTES_MAX);
        if (tarn_model_render_text(&w->context, key, 1, tarn_value_text(hook), &sql, err) !=
            TARN_OK)
            return tarn_error_wrap(err, "the %s of '%s'", key, node->name);
        if (is_blank(tarn_buffer_str(&sql)))
            continue;
        if (tarn_session_run(w->session, tarn_buffer_str(&sql), NULL, err) != TARN_OK)
            return tarn_error_wrap(err, "the %s of '%s': %s", key, node->name,
                                   tarn_buffer_str(&sql));
    }
    return TARN_OK;
}

/* --- committing */

struct done {
    struct tarn_model_worker *worker;
    const struct tarn_model_node *node;
    struct tarn_model_result *result;
};

static enum tarn_status record_done(void *context, struct tarn_state *state, struct tarn_error *err)
{
    struct done *done = context;
    const struct tarn_model_run_row row = {
        .run_id = done->worker->run_id,
        .unique_id = done->node->unique_id,
        .status = "success",
        .rows = done->result->rows,
        .snapshot_id = done->result->snapshot_id,
        .started_us = done->result->execute_started_us,
        .ended_us = tarn_now_us(),
    };
    return tarn_model_run_put(state, &row, err);
}

static enum tarn_status prepare_and_finish(struct tarn_lake_commit *commit,
                                           struct tarn_model_worker *w, struct done *done,
                                           const struct tarn_lake_write *write,
                                           struct tarn_error *err)
{
    struct tarn_lake_result written;
    int64_t started = tarn_monotonic_us();
    TARN_TRY(tarn_lake_prepare(commit, w->session, write, &written, err));
    int64_t prepared = tarn_monotonic_us();
    done->result->rows = written.rows;
    done->result->snapshot_id = written.snapshot_id;
    done->result->sql_us += prepared - started;
    TARN_TRY(tarn_lake_finish(commit, record_done, done, err));
    done->result->commit_us += tarn_monotonic_us() - prepared;
    return TARN_OK;
}

enum tarn_status tarn_worker_commit(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                    struct tarn_lake_write *write, struct tarn_model_result *result,
                                    struct tarn_error *err)
{
    struct done done = {w, node, result};
    struct tarn_lake_property summary[] = {{"tarn.run-id", w->run_id},
                                           {"tarn.node", node->unique_id}};
    write->summary = summary;
    write->summary_count = TARN_COUNT(summary);
    struct tarn_lake_commit *commit = tarn_lake_begin(w->lake);
    enum tarn_status status = prepare_and_finish(commit, w, &done, write, err);
    tarn_lake_commit_free(commit);
    if (status != TARN_OK)
        return status;
    int64_t started = tarn_monotonic_us();
    status = tarn_lake_attach(w->lake, w->session, node->schema, node->alias, NULL, err);
    result->commit_us += tarn_monotonic_us() - started;
    return status;
}

/* --- tables */

static void take_docs(struct tarn_model_worker *w, const struct tarn_model_node *node,
                      struct tarn_lake_write *write)
{
    struct tarn_lake_doc *docs =
        tarn_arena_array(w->context.arena, node->column_count + 1, sizeof *docs);
    size_t count = 0;
    for (size_t i = 0; i < node->column_count; i++)
        if (node->columns[i].description[0])
            docs[count++] =
                (struct tarn_lake_doc){node->columns[i].name, node->columns[i].description};
    write->docs = docs;
    write->doc_count = count;
    write->comment = node->description[0] ? node->description : NULL;
}

/* What models write is read again at once, by their children and tests: a codec that is quick both
 * ways saves an eighth of a build's time. Bronze, which is kept for long, stays with zstd. */
static const struct tarn_lake_property model_codec = {TARN_LAKE_CODEC_PROPERTY, "snappy"};

static struct tarn_lake_write write_of(struct tarn_model_worker *w,
                                       const struct tarn_model_node *node, const char *query)
{
    struct tarn_lake_write write = {
        .ns = node->schema,
        .name = node->alias,
        .query = query,
        .mode = TARN_LAKE_OVERWRITE,
        .schema = TARN_LAKE_SCHEMA_SYNC,
        .properties = &model_codec,
        .property_count = 1,
    };
    struct tarn_value partition = tarn_node_config(node, "partition_by");
    if (tarn_value_is_nothing(partition))
        partition = tarn_node_config(node, "partitioned_by");
    write.partition_by = tarn_value_strings(w->context.arena, partition, &write.partition_count);
    if (write.partition_count == 0)
        write.partition_by = NULL;
    struct tarn_value order = tarn_node_config(node, "order_by");
    if (tarn_value_is_nothing(order))
        order = tarn_node_config(node, "sorted_by");
    size_t count;
    const char **terms = tarn_value_strings(w->context.arena, order, &count);
    for (size_t i = 0; i < count; i++)
        write.order_by =
            i == 0 ? terms[0]
                   : tarn_arena_format(w->context.arena, "%s, %s", write.order_by, terms[i]);
    take_docs(w, node, &write);
    return write;
}

/* A view where a table is to be, or the other way round, goes first. */
static enum tarn_status make_room(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                  enum tarn_lake_kind wanted, enum tarn_lake_kind *ret_kind,
                                  struct tarn_error *err)
{
    TARN_TRY(tarn_lake_kind_of(w->lake, node->schema, node->alias, ret_kind, err));
    if (*ret_kind == TARN_LAKE_NOTHING || *ret_kind == wanted)
        return TARN_OK;
    TARN_TRY(tarn_lake_drop(w->lake, node->schema, node->alias, NULL, NULL, err));
    *ret_kind = TARN_LAKE_NOTHING;
    return TARN_OK;
}

static enum tarn_status make_table(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                   const char *query, struct tarn_model_result *result,
                                   struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    TARN_TRY(make_room(w, node, TARN_LAKE_TABLE, &kind, err));
    struct tarn_lake_write write = write_of(w, node, query);
    return tarn_worker_commit(w, node, &write, result, err);
}

static enum tarn_status make_incremental(struct tarn_model_worker *w,
                                         const struct tarn_model_node *node, const char *query,
                                         struct tarn_model_result *result, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    bool full = tarn_node_config_bool(node, "full_refresh", w->project->full_refresh);
    TARN_TRY(make_room(w, node, TARN_LAKE_TABLE, &kind, err));
    struct tarn_lake_write write = write_of(w, node, query);
    if (kind == TARN_LAKE_TABLE && !full)
        TARN_TRY(tarn_worker_plan_incremental(w, node, query, &write, err));
    return tarn_worker_commit(w, node, &write, result, err);
}

static enum tarn_status make_microbatch(struct tarn_model_worker *w, struct tarn_model_node *node,
                                        struct tarn_model_result *result, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    const char *query, *where;
    bool full = tarn_node_config_bool(node, "full_refresh", w->project->full_refresh);
    TARN_TRY(make_room(w, node, TARN_LAKE_TABLE, &kind, err));
    bool is_first = kind != TARN_LAKE_TABLE || full;
    TARN_TRY(tarn_worker_plan_microbatch(w, node, is_first, &query, &where, err));
    TARN_TRY(tarn_worker_contract(w, node, query, &query, err));
    struct tarn_lake_write write = write_of(w, node, query);
    if (!is_first) {
        TARN_TRY(tarn_worker_plan_incremental(w, node, query, &write, err));
        write.mode = TARN_LAKE_REPLACE_WHERE;
        write.where = where;
    }
    return tarn_worker_commit(w, node, &write, result, err);
}

static enum tarn_status make_snapshot(struct tarn_model_worker *w,
                                      const struct tarn_model_node *node,
                                      struct tarn_model_result *result, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    const char *query;
    TARN_TRY(make_room(w, node, TARN_LAKE_TABLE, &kind, err));
    TARN_TRY(
        tarn_worker_plan_snapshot(w, node, result->compiled, kind == TARN_LAKE_TABLE, &query, err));
    struct tarn_lake_write write = write_of(w, node, query);
    return tarn_worker_commit(w, node, &write, result, err);
}

static enum tarn_status make_view(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                  struct tarn_model_result *result, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    struct done done = {w, node, result};
    TARN_TRY(make_room(w, node, TARN_LAKE_VIEW, &kind, err));
    int64_t started = tarn_monotonic_us();
    TARN_TRY(tarn_lake_set_view(w->lake, w->session, node->schema, node->alias, result->compiled,
                                node->description[0] ? node->description : NULL, record_done, &done,
                                err));
    TARN_TRY(tarn_lake_attach(w->lake, w->session, node->schema, node->alias, NULL, err));
    result->commit_us += tarn_monotonic_us() - started;
    return TARN_OK;
}

static enum tarn_status make_seed(struct tarn_model_worker *w, struct tarn_model_node *node,
                                  struct tarn_model_result *result, struct tarn_error *err)
{
    const char *query;
    int64_t started = tarn_monotonic_us();
    TARN_TRY(tarn_worker_read_seed(w, node, &query, err));
    result->sql_us += tarn_monotonic_us() - started;
    enum tarn_status status = make_table(w, node, query, result, err);
    struct tarn_error ignored;
    (void)!tarn_session_run(w->session, "DROP TABLE IF EXISTS temp.main.tarn_seed", NULL, &ignored);
    return status;
}

/* --- a node */

static void write_run_file(struct tarn_model_worker *w, const struct tarn_model_node *node,
                           const char *kind, const char *compiled)
{
    TARN_BUFFER(sql, 128 << 20);
    struct tarn_error ignored;
    if (!compiled)
        return;
    tarn_buffer_printf(&sql, "create or replace %s ", kind);
    tarn_sql_identifier(&sql, node->schema);
    tarn_buffer_append_char(&sql, '.');
    tarn_sql_identifier(&sql, node->alias);
    tarn_buffer_append_str(&sql, " as (\n");
    tarn_buffer_append_str(&sql, compiled);
    tarn_buffer_append_str(&sql, "\n);\n");
    /* only for people to look at: not being able to write it stops nothing */
    (void)!tarn_model_write_target(
        tarn_model_target_file(w->project, node, "run", w->context.arena), tarn_buffer_text(&sql),
        &ignored);
}

static enum tarn_status make(struct tarn_model_worker *w, struct tarn_model_node *node,
                             struct tarn_model_result *result, struct tarn_error *err)
{
    const char *kind = tarn_node_materialized(node);
    if (node->kind == TARN_NODE_SEED)
        return make_seed(w, node, result, err);
    if (node->kind == TARN_NODE_SNAPSHOT)
        return make_snapshot(w, node, result, err);
    const char *query;
    if (strcmp(kind, "incremental") == 0 && tarn_worker_is_microbatch(node))
        return make_microbatch(w, node, result, err);
    TARN_TRY(tarn_worker_contract(w, node, result->compiled, &query, err));
    write_run_file(w, node, strcmp(kind, "view") == 0 ? "view" : "table", result->compiled);
    if (strcmp(kind, "view") == 0)
        return make_view(w, node, result, err);
    if (strcmp(kind, "incremental") == 0)
        return make_incremental(w, node, query, result, err);
    if (strcmp(kind, "table") == 0 || strcmp(kind, "materialized_view") == 0)
        return make_table(w, node, query, result, err);
    struct tarn_value wanted = tarn_node_config(node, "materialized");
    return tarn_fail(
        err, TARN_UNSUPPORTED,
        "the materialization '%.*s' is not one of table, view, incremental, ephemeral, "
        "seed, snapshot",
        TARN_TEXT_ARGS(tarn_value_text(wanted)));
}

enum tarn_status tarn_worker_materialize(struct tarn_model_worker *w, struct tarn_model_node *node,
                                         struct tarn_model_result *result, struct tarn_error *err)
{
    TARN_TRY(run_hooks(w, node, "pre-hook", err));
    enum tarn_status status = make(w, node, result, err);
    if (status != TARN_OK) {
        if (status == TARN_SQL && result->compiled)
            tarn_worker_explain(w, node, result->compiled, err);
        return status;
    }
    return run_hooks(w, node, "post-hook", err);
}
