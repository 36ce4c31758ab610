/* model/incremental.c -- how an incremental model's rows join its table: append, replace by key
 * (delete+insert and merge), or replace by partition. */
#include <stdio.h>
#include <strings.h>

#include "model/worker.h"

enum { QUERY_BYTES_MAX = 64 << 20 };

static enum tarn_status schema_policy(const struct tarn_model_node *node,
                                      enum tarn_lake_schema_policy *ret, struct tarn_error *err)
{
    static const struct {
        const char *name;
        enum tarn_lake_schema_policy policy;
    } policies[] = {
        {"ignore", TARN_LAKE_SCHEMA_IGNORE},
        {"fail", TARN_LAKE_SCHEMA_FAIL},
        {"append_new_columns", TARN_LAKE_SCHEMA_ADD},
        {"sync_all_columns", TARN_LAKE_SCHEMA_SYNC},
    };
    struct tarn_value value = tarn_node_config(node, "on_schema_change");
    *ret = TARN_LAKE_SCHEMA_IGNORE;
    if (tarn_value_is_nothing(value))
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(policies); i++) {
        if (tarn_value_text_is(value, policies[i].name)) {
            *ret = policies[i].policy;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_CONFIG,
                     "on_schema_change is one of ignore, fail, append_new_columns, "
                     "sync_all_columns, not '%.*s'",
                     TARN_TEXT_ARGS(tarn_value_text(value)));
}

static bool in_list(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static void append_match(struct tarn_buffer *sql, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(sql, i ? " AND old." : "old.");
        tarn_sql_identifier(sql, keys[i]);
        tarn_buffer_append_str(sql, " = new.");
        tarn_sql_identifier(sql, keys[i]);
    }
}

/* merge_update_columns and merge_exclude_columns: rows that are there keep the values of the other
 * columns, so the whole row is put together from both. */
static enum tarn_status merged_query(struct tarn_model_worker *w,
                                     const struct tarn_model_node *node, const char *compiled,
                                     struct tarn_lake_write *write, struct tarn_error *err)
{
    size_t update_count, exclude_count, column_count;
    struct tarn_arena *arena = w->context.arena;
    struct tarn_value update = tarn_node_config(node, "merge_update_columns");
    struct tarn_value exclude = tarn_node_config(node, "merge_exclude_columns");
    const char **updated = tarn_value_strings(arena, update, &update_count);
    const char **excluded = tarn_value_strings(arena, exclude, &exclude_count);
    if (update_count == 0 && exclude_count == 0)
        return TARN_OK;
    struct tarn_column *columns;
    TARN_TRY(tarn_session_describe(w->session, compiled, arena, &columns, &column_count, err));
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < column_count; i++) {
        const char *name = columns[i].name;
        bool taken = update_count ? in_list(updated, update_count, name)
                                  : !in_list(excluded, exclude_count, name);
        taken = taken || in_list(write->keys, write->key_count, name);
        TARN_BUFFER(quoted, QUERY_BYTES_MAX);
        tarn_sql_identifier(&quoted, name);
        const char *q = tarn_buffer_str(&quoted);
        tarn_buffer_append_str(&sql, i ? ", " : "");
        if (taken)
            tarn_buffer_printf(&sql, "new.%s", q);
        else
            tarn_buffer_printf(&sql, "CASE WHEN old.%s IS NULL THEN new.%s ELSE old.%s END AS %s",
                               "__tarn_there", q, q, q);
    }
    tarn_buffer_append_str(&sql, " FROM (\n");
    tarn_buffer_append_str(&sql, compiled);
    tarn_buffer_append_str(&sql, "\n) AS new LEFT JOIN (SELECT *, 1 AS __tarn_there FROM ");
    tarn_sql_identifier(&sql, node->schema);
    tarn_buffer_append_char(&sql, '.');
    tarn_sql_identifier(&sql, node->alias);
    tarn_buffer_append_str(&sql, ") AS old ON ");
    append_match(&sql, write->keys, write->key_count);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a merge", err));
    write->query = tarn_arena_strdup(arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

/* dbt's predicates speak of DBT_INTERNAL_DEST (or DBT_INTERNAL_TARGET); here only the table's own
 * columns are meant, so the prefix goes. */
static const char *without_prefix(struct tarn_arena *arena, const char *text)
{
    static const char *const prefixes[] = {"DBT_INTERNAL_DEST.", "DBT_INTERNAL_TARGET."};
    TARN_BUFFER(out, QUERY_BYTES_MAX);
    while (*text) {
        size_t skipped = 0;
        for (size_t i = 0; i < TARN_COUNT(prefixes) && !skipped; i++)
            if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0)
                skipped = strlen(prefixes[i]);
        if (skipped)
            text += skipped;
        else
            tarn_buffer_append_char(&out, *text++);
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}

static enum tarn_status plan_predicates(struct tarn_model_worker *w,
                                        const struct tarn_model_node *node,
                                        struct tarn_lake_write *write, struct tarn_error *err)
{
    struct tarn_value value = tarn_node_config(node, "incremental_predicates");
    if (tarn_value_is_nothing(value))
        value = tarn_node_config(node, "predicates");
    size_t count;
    const char **predicates = tarn_value_strings(w->context.arena, value, &count);
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        TARN_BUFFER(rendered, QUERY_BYTES_MAX);
        TARN_TRY(tarn_model_render_text(&w->context, "incremental_predicates", 1,
                                        tarn_text_of(predicates[i]), &rendered, err));
        tarn_buffer_printf(&sql, "%s(%s)", i ? " AND " : "", tarn_buffer_str(&rendered));
    }
    if (count > 0)
        write->where = without_prefix(w->context.arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

enum tarn_status tarn_worker_plan_incremental(struct tarn_model_worker *w,
                                              const struct tarn_model_node *node,
                                              const char *compiled, struct tarn_lake_write *write,
                                              struct tarn_error *err)
{
    TARN_TRY(schema_policy(node, &write->schema, err));
    write->must_exist = true;
    write->keys = tarn_value_strings(w->context.arena, tarn_node_config(node, "unique_key"),
                                     &write->key_count);
    struct tarn_value strategy = tarn_node_config(node, "incremental_strategy");
    const char *name = tarn_value_is_nothing(strategy)
                           ? (write->key_count ? "delete+insert" : "append")
                           : tarn_value_cstr(tarn_model_context_heap(&w->context), strategy);
    bool by_key = strcmp(name, "delete+insert") == 0 || strcmp(name, "delete_insert") == 0 ||
                  strcmp(name, "merge") == 0;
    if (strcmp(name, "microbatch") == 0) { /* the mode is the caller's */
        write->key_count = 0;
        return TARN_OK;
    }
    if (strcmp(name, "append") == 0 || (by_key && write->key_count == 0)) {
        write->mode = TARN_LAKE_APPEND;
        write->key_count = 0;
        return TARN_OK;
    }
    if (strcmp(name, "insert_overwrite") == 0) {
        write->mode = TARN_LAKE_REPLACE_PARTITIONS;
        write->key_count = 0;
        return TARN_OK;
    }
    if (!by_key)
        return tarn_fail(err, TARN_UNSUPPORTED,
                         "the incremental_strategy '%s' is not one of append, delete+insert, "
                         "merge, insert_overwrite, microbatch",
                         name);
    write->mode = TARN_LAKE_UPSERT;
    TARN_TRY(plan_predicates(w, node, write, err));
    return strcmp(name, "merge") == 0 ? merged_query(w, node, compiled, write, err) : TARN_OK;
}
