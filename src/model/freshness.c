/* model/freshness.c -- see freshness.h. */
#include "model/freshness.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "model/compile.h"
#include "model/relation.h"

enum { JSON_BYTES_MAX = 64 << 20 };

struct measuring {
    struct tarn_model_project *project;
    struct tarn_lake *lake;
    struct tarn_session *session;
    struct tarn_arena *arena;
};

const char *tarn_freshness_status_name(enum tarn_freshness_status status)
{
    static const char *const names[] = {"pass", "warn", "error", "runtime error"};
    return names[status];
}

/* --- what is declared */

/* A key of the source's entry, also below its `config`. */
static const struct tarn_yaml *declared(const struct tarn_yaml *yaml, const char *key)
{
    const struct tarn_yaml *found = tarn_yaml_get(tarn_yaml_get(yaml, "config"), key);
    return found ? found : tarn_yaml_get(yaml, key);
}

/* The table's own `freshness` adds to the source's key by key; null at the table turns it off. */
static struct tarn_value setting(const struct tarn_model_project *project,
                                 const struct tarn_model_node *source, const char *key)
{
    if (tarn_value_is(source->freshness, TARN_VALUE_DICT)) {
        struct tarn_value own = tarn_dict_get_str(source->freshness, key);
        if (own.kind != TARN_VALUE_UNDEFINED)
            return own;
    }
    const struct tarn_yaml *mine = declared(source->yaml, "freshness");
    if (mine && mine->kind == TARN_YAML_NULL)
        return TARN_NONE;
    const struct tarn_yaml *theirs = tarn_yaml_get(declared(source->source_yaml, "freshness"), key);
    struct tarn_value value = TARN_NONE;
    struct tarn_error ignored; /* it was read once already, with the source's configuration */
    if (theirs && tarn_model_yaml_value(NULL, project->heap, theirs, NULL, &value, &ignored))
        return TARN_NONE;
    return value;
}

static enum tarn_status limit_of(const struct tarn_model_node *source, struct tarn_value limit,
                                 int64_t *ret_us, struct tarn_error *err)
{
    static const struct {
        const char *name;
        int64_t us;
    } periods[] = {{"minute", 60000000}, {"hour", 3600000000}, {"day", 86400000000}};
    struct tarn_value count = TARN_NONE, period = TARN_NONE;
    *ret_us = INT64_MAX;
    if (tarn_value_is(limit, TARN_VALUE_DICT)) {
        count = tarn_dict_get_str(limit, "count");
        period = tarn_dict_get_str(limit, "period");
    }
    if (tarn_value_is_nothing(count) && tarn_value_is_nothing(period))
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(periods); i++) {
        if (!tarn_value_text_is(period, periods[i].name) || !tarn_value_is(count, TARN_VALUE_INT) ||
            count.as.integer < 0 || count.as.integer > INT64_MAX / periods[i].us)
            continue;
        *ret_us = count.as.integer * periods[i].us;
        return TARN_OK;
    }
    return tarn_fail(err, TARN_CONFIG,
                     "%s:%d: a limit of freshness is {count: 12, period: minute, hour or day}",
                     source->yaml->file, source->yaml->line);
}

static enum tarn_status expect(const struct measuring *m, const struct tarn_model_node *source,
                               struct tarn_freshness *f, int64_t *ret_warn_us,
                               int64_t *ret_error_us, struct tarn_error *err)
{
    struct tarn_value filter = setting(m->project, source, "filter");
    *f = (struct tarn_freshness){.source = source,
                                 .message = "",
                                 .warn_after = setting(m->project, source, "warn_after"),
                                 .error_after = setting(m->project, source, "error_after")};
    if (tarn_value_is_string(filter))
        f->filter =
            tarn_arena_strndup(m->arena, tarn_value_text(filter).data, tarn_value_text(filter).len);
    TARN_TRY(limit_of(source, f->warn_after, ret_warn_us, err));
    return limit_of(source, f->error_after, ret_error_us, err);
}

/* --- measuring */

static const char *loaded_at_query(const struct tarn_model_node *source)
{
    const struct tarn_yaml *query = declared(source->yaml, "loaded_at_query");
    if (!query)
        query = declared(source->source_yaml, "loaded_at_query");
    return query && query->kind != TARN_YAML_NULL ? query->text : NULL;
}

/* When the lake's table was last written to. */
static enum tarn_status last_commit(const struct measuring *m, struct tarn_freshness *f,
                                    struct tarn_error *err)
{
    struct tarn_lake_table table;
    const struct tarn_model_node *source = f->source;
    TARN_TRY(tarn_lake_describe(m->lake, source->schema, source->alias, (struct tarn_lake_at){0},
                                m->arena, &table, err));
    if (table.snapshot_count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "%s.%s was never written to", source->schema,
                         source->alias);
    f->loaded_us = table.snapshots[table.snapshot_count - 1].time_us;
    return TARN_OK;
}

static enum tarn_status measure(const struct measuring *m, struct tarn_freshness *f,
                                struct tarn_error *err)
{
    const char *query = loaded_at_query(f->source);
    TARN_BUFFER(sql, 1 << 20);
    f->measured_us = tarn_now_us();
    if (!query && !f->source->loaded_at_field)
        return last_commit(m, f, err);
    if (query) {
        tarn_buffer_printf(&sql, "SELECT epoch_us(CAST((%s\n) AS TIMESTAMP))", query);
    } else {
        struct tarn_relation relation = tarn_relation_of_node(f->source);
        tarn_buffer_printf(&sql, "SELECT epoch_us(CAST(max(%s) AS TIMESTAMP)) FROM ",
                           f->source->loaded_at_field);
        tarn_relation_print(&relation, &sql);
        if (f->filter)
            tarn_buffer_printf(&sql, " WHERE %s", f->filter);
    }
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of freshness", err));
    TARN_TRY(tarn_session_query_int(m->session, tarn_buffer_str(&sql), &f->loaded_us, err));
    if (f->loaded_us == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "no row says when it was loaded");
    return TARN_OK;
}

static enum tarn_status judge(const struct measuring *m, const struct tarn_model_node *source,
                              struct tarn_freshness *f, struct tarn_error *err)
{
    int64_t warn_us, error_us;
    struct tarn_error problem;
    TARN_TRY(expect(m, source, f, &warn_us, &error_us, err));
    if (warn_us == INT64_MAX && error_us == INT64_MAX) {
        f->source = NULL; /* nothing is declared */
        return TARN_OK;
    }
    if (measure(m, f, &problem) != TARN_OK) {
        f->status = TARN_FRESHNESS_RUNTIME_ERROR;
        f->message = tarn_arena_strdup(m->arena, problem.text);
        return TARN_OK;
    }
    int64_t age_us = f->measured_us - f->loaded_us;
    f->status = age_us > error_us  ? TARN_FRESHNESS_ERROR
                : age_us > warn_us ? TARN_FRESHNESS_WARN
                                   : TARN_FRESHNESS_PASS;
    return TARN_OK;
}

enum tarn_status tarn_model_freshness(struct tarn_model_project *project,
                                      struct tarn_engine *engine, struct tarn_lake *lake,
                                      const struct tarn_selection *selection,
                                      struct tarn_arena *arena, struct tarn_freshness **ret_results,
                                      size_t *ret_count, struct tarn_error *err)
{
    size_t total = project->nodes.count, count = 0;
    struct measuring m = {project, lake, NULL, arena};
    bool *chosen = tarn_arena_array(arena, total + 1, sizeof *chosen);
    struct tarn_freshness *results = tarn_arena_array(arena, total + 1, sizeof *results);
    const char *problems = "";
    TARN_TRY(tarn_model_select(project, selection, 1u << TARN_NODE_SOURCE, chosen, err));
    TARN_TRY(tarn_session_open(engine, &m.session, err));
    enum tarn_status status = tarn_lake_attach_all(lake, m.session, arena, &problems, err);
    for (size_t i = 0; i < total && status == TARN_OK; i++) {
        if (!chosen[i])
            continue;
        status = judge(&m, project->nodes.items[i], &results[count], err);
        count += status == TARN_OK && results[count].source;
    }
    tarn_session_close(m.session);
    *ret_results = results;
    *ret_count = count;
    return status;
}

/* --- sources.json */

static void put_time(struct tarn_json_writer *w, const char *key, int64_t time_us)
{
    char text[TARN_TIME_TEXT_BYTES];
    tarn_json_put_str(w, key, tarn_time_format(time_us, text));
}

static void put_limit(struct tarn_json_writer *w, const char *key, struct tarn_value limit)
{
    TARN_BUFFER(text, 1 << 16);
    struct tarn_error ignored;
    tarn_json_key(w, key);
    if (tarn_value_is(limit, TARN_VALUE_DICT) &&
        tarn_value_to_json(limit, NULL, &text, &ignored) == TARN_OK)
        tarn_json_raw(w, tarn_buffer_text(&text));
    else
        tarn_json_raw(w, TARN_TEXT("{\"count\": null, \"period\": null}"));
}

static void put_result(struct tarn_json_writer *w, const struct tarn_freshness *f)
{
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "unique_id", f->source->unique_id);
    if (f->status == TARN_FRESHNESS_RUNTIME_ERROR) {
        tarn_json_put_str(w, "error", f->message);
    } else {
        put_time(w, "max_loaded_at", f->loaded_us);
        put_time(w, "snapshotted_at", f->measured_us);
        tarn_json_put_double(w, "max_loaded_at_time_ago_in_s",
                             (double)(f->measured_us - f->loaded_us) / 1e6);
    }
    tarn_json_put_str(w, "status", tarn_freshness_status_name(f->status));
    if (f->status != TARN_FRESHNESS_RUNTIME_ERROR) {
        tarn_json_key(w, "criteria");
        tarn_json_object_begin(w);
        put_limit(w, "warn_after", f->warn_after);
        put_limit(w, "error_after", f->error_after);
        tarn_json_put_str(w, "filter", f->filter);
        tarn_json_object_end(w);
        tarn_json_key(w, "adapter_response");
        tarn_json_object_begin(w);
        tarn_json_object_end(w);
        tarn_json_key(w, "timing");
        tarn_json_array_begin(w);
        tarn_json_array_end(w);
        tarn_json_put_str(w, "thread_id", "Thread-1");
        tarn_json_put_double(w, "execution_time", 0);
    }
    tarn_json_object_end(w);
}

void tarn_model_freshness_json(const struct tarn_model_project *project,
                               const struct tarn_freshness *results, size_t count,
                               struct tarn_buffer *out)
{
    struct tarn_json_writer w = tarn_json_writer(out, 0);
    int64_t now_us = tarn_now_us();
    tarn_json_object_begin(&w);
    tarn_json_key(&w, "metadata");
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "dbt_schema_version", "https://schemas.getdbt.com/dbt/sources/v3.json");
    tarn_json_put_str(&w, "dbt_version", "1.10.0");
    put_time(&w, "generated_at", now_us);
    tarn_json_put_str(&w, "invocation_id", project->invocation_id);
    put_time(&w, "invocation_started_at", project->started_us);
    tarn_json_key(&w, "env");
    tarn_json_object_begin(&w);
    tarn_json_object_end(&w);
    tarn_json_object_end(&w);
    tarn_json_key(&w, "results");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < count; i++)
        put_result(&w, &results[i]);
    tarn_json_array_end(&w);
    tarn_json_put_double(&w, "elapsed_time", (double)(now_us - project->started_us) / 1e6);
    tarn_json_object_end(&w);
}

enum tarn_status tarn_model_write_freshness(const struct tarn_model_project *project,
                                            const struct tarn_freshness *results, size_t count,
                                            struct tarn_error *err)
{
    TARN_BUFFER(json, JSON_BYTES_MAX);
    tarn_model_freshness_json(project, results, count, &json);
    TARN_TRY(tarn_buffer_check(&json, "sources.json", err));
    bool absolute = project->target_path[0] == '/';
    TARN_AUTO_FREE char *path =
        tarn_format("%s%s%s/sources.json", absolute ? "" : project->directory, absolute ? "" : "/",
                    project->target_path);
    return tarn_model_write_target(path, tarn_buffer_text(&json), err);
}
