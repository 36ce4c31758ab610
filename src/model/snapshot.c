/* model/snapshot.c -- dbt's snapshots: every version of every row with the time it was valid.
 *
 * The new table is put together in one SELECT: closed versions as they are, open ones closed when
 * their row changed or went, and a new open version for every new or changed row. */
#include <stdio.h>

#include "base/clock.h"
#include "model/worker.h"

enum { QUERY_BYTES_MAX = 64 << 20 };

struct snapshot {
    struct tarn_arena *arena;
    const char *source; /* the compiled SQL */
    const char *table;  /* quoted */
    const char **keys;
    size_t key_count;
    const char *updated_at; /* strategy timestamp: a column; check: the time of the run */
    const char *changed;    /* condition over `old` and `new` */
    bool by_time;
    const char *hard_deletes;
};

static const char *ident(struct tarn_arena *arena, const char *name)
{
    return tarn_sql_identifier_in(arena, name);
}

static enum tarn_status check_condition(struct tarn_model_worker *w, struct snapshot *s,
                                        const struct tarn_model_node *node, struct tarn_error *err)
{
    struct tarn_value wanted = tarn_node_config(node, "check_cols");
    const char **columns;
    size_t count;
    if (tarn_value_is_nothing(wanted))
        return tarn_fail(
            err, TARN_CONFIG,
            "the snapshot '%s' has strategy check and needs check_cols: a list, or all",
            node->name);
    if (tarn_value_text_is(wanted, "all")) {
        struct tarn_column *all;
        TARN_TRY(tarn_session_describe(w->session, s->source, s->arena, &all, &count, err));
        columns = tarn_arena_array(s->arena, count + 1, sizeof *columns);
        for (size_t i = 0; i < count; i++)
            columns[i] = all[i].name;
    } else {
        columns = tarn_value_strings(s->arena, wanted, &count);
    }
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&sql, "%sold.%s IS DISTINCT FROM new.%s", i ? " OR " : "",
                           ident(s->arena, columns[i]), ident(s->arena, columns[i]));
    s->changed = tarn_arena_strdup(s->arena, count ? tarn_buffer_str(&sql) : "false");
    return TARN_OK;
}

static enum tarn_status read_settings(struct tarn_model_worker *w, struct snapshot *s,
                                      const struct tarn_model_node *node, struct tarn_error *err)
{
    const char *strategy = tarn_node_config_str(node, "strategy", "", s->arena);
    char now[TARN_TIME_TEXT_BYTES];
    s->keys = tarn_value_strings(s->arena, tarn_node_config(node, "unique_key"), &s->key_count);
    if (s->key_count == 0)
        return tarn_fail(err, TARN_CONFIG, "the snapshot '%s' needs unique_key", node->name);
    s->hard_deletes = tarn_node_config_str(
        node, "hard_deletes",
        tarn_node_config_bool(node, "invalidate_hard_deletes", false) ? "invalidate" : "ignore",
        s->arena);
    if (strcmp(strategy, "timestamp") == 0) {
        const char *column = tarn_node_config_str(node, "updated_at", NULL, s->arena);
        if (!column)
            return tarn_fail(err, TARN_CONFIG,
                             "the snapshot '%s' has strategy timestamp and needs updated_at",
                             node->name);
        s->by_time = true;
        s->updated_at =
            tarn_arena_format(s->arena, "CAST(new.%s AS TIMESTAMP)", ident(s->arena, column));
        s->changed = tarn_arena_format(s->arena, "old.dbt_valid_from < %s", s->updated_at);
        return TARN_OK;
    }
    if (strcmp(strategy, "check") != 0)
        return tarn_fail(err, TARN_CONFIG,
                         "the strategy of the snapshot '%s' is timestamp or check, not '%s'",
                         node->name, strategy);
    s->updated_at = tarn_arena_format(s->arena, "TIMESTAMP '%s'",
                                      tarn_time_format(w->project->started_us, now));
    char *z = strchr(s->updated_at, 'Z');
    if (z)
        *z = ' ';
    return check_condition(w, s, node, err);
}

static const char *match(const struct snapshot *s)
{
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    for (size_t i = 0; i < s->key_count; i++)
        tarn_buffer_printf(&sql, "%sold.%s IS NOT DISTINCT FROM new.%s", i ? " AND " : "",
                           ident(s->arena, s->keys[i]), ident(s->arena, s->keys[i]));
    return tarn_arena_strdup(s->arena, tarn_buffer_str(&sql));
}

static const char *version_columns(const struct snapshot *s)
{
    TARN_BUFFER(keys, QUERY_BYTES_MAX);
    for (size_t i = 0; i < s->key_count; i++)
        tarn_buffer_printf(&keys, "coalesce(CAST(new.%s AS VARCHAR), '') || '|' || ",
                           ident(s->arena, s->keys[i]));
    return tarn_arena_format(s->arena,
                             "md5(%scoalesce(CAST(%s AS VARCHAR), '')) AS dbt_scd_id, "
                             "%s AS dbt_updated_at, %s AS dbt_valid_from, "
                             "CAST(NULL AS TIMESTAMP) AS dbt_valid_to",
                             tarn_buffer_str(&keys), s->updated_at, s->updated_at, s->updated_at);
}

static void append_next(const struct snapshot *s, const char *run_time, struct tarn_buffer *sql)
{
    const char *on = match(s);
    bool invalidate = strcmp(s->hard_deletes, "ignore") != 0;
    tarn_buffer_printf(sql, "WITH new AS (\n%s\n), ", s->source);
    tarn_buffer_printf(sql, "open_rows AS (SELECT * FROM %s WHERE dbt_valid_to IS NULL) ",
                       s->table);
    tarn_buffer_printf(sql, "SELECT * FROM %s WHERE dbt_valid_to IS NOT NULL UNION ALL BY NAME ",
                       s->table);
    tarn_buffer_printf(
        sql,
        "SELECT old.* REPLACE (CASE WHEN new.__tarn_there IS NULL THEN %s WHEN %s THEN %s ELSE "
        "NULL END AS dbt_valid_to) FROM open_rows AS old LEFT JOIN (SELECT *, 1 AS __tarn_there "
        "FROM new) AS new ON %s UNION ALL BY NAME ",
        invalidate ? run_time : "CAST(NULL AS TIMESTAMP)", s->changed, s->updated_at, on);
    tarn_buffer_printf(sql,
                       "SELECT new.*, %s FROM new LEFT JOIN (SELECT *, 1 AS __tarn_there FROM "
                       "open_rows) AS old ON %s WHERE old.__tarn_there IS NULL OR (%s)",
                       version_columns(s), on, s->changed);
}

enum tarn_status tarn_worker_plan_snapshot(struct tarn_model_worker *w,
                                           const struct tarn_model_node *node, const char *compiled,
                                           bool exists, const char **ret_query,
                                           struct tarn_error *err)
{
    struct snapshot s = {.arena = w->context.arena, .source = compiled};
    TARN_TRY(read_settings(w, &s, node, err));
    s.table = tarn_arena_format(s.arena, "%s.%s", ident(s.arena, node->schema),
                                ident(s.arena, node->alias));
    char now[TARN_TIME_TEXT_BYTES];
    char *run_time =
        tarn_arena_format(s.arena, "TIMESTAMP '%s'", tarn_time_format(w->project->started_us, now));
    if (strchr(run_time, 'Z'))
        *strchr(run_time, 'Z') = ' ';
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    if (exists)
        append_next(&s, run_time, &sql);
    else
        tarn_buffer_printf(&sql, "SELECT new.*, %s FROM (\n%s\n) AS new", version_columns(&s),
                           compiled);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a snapshot", err));
    *ret_query = tarn_arena_strdup(s.arena, tarn_buffer_str(&sql));
    return TARN_OK;
}
