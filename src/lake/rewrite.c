/* lake/rewrite.c -- UPSERT, REPLACE_WHERE and DELETE by copy-on-write, see lake.h.
 *
 * First the new rows are written, so that their bounds prune the files that can hold the same keys;
 * then the files that do hold matching rows are found, and only those are rewritten without them.
 */
#include <string.h>

#include "lake/form.h"
#include "lake/write_int.h"

struct rewriting {
    struct lake_scope *scope;
    struct tarn_session *session;
    const struct tarn_lake_write *write;
    struct lake_change *change;
    const char *keys_sql; /* SELECT of the new rows' keys; NULL for DELETE and REPLACE_WHERE */
    struct tarn_error *err;
};

/* ---- pruning ---- */

/* The bound over all new files, data NULL when one of them has none. */
static struct tarn_text outer_bound(const struct lake_change *change, size_t file_count,
                                    const struct tarn_iceberg_field *field, bool upper)
{
    struct tarn_text outer = {NULL, 0};
    for (size_t i = 0; i < file_count; i++) {
        const struct tarn_column_stats *stats = tarn_data_file_stats(change->added[i], field->id);
        struct tarn_text bound = !stats  ? (struct tarn_text){NULL, 0}
                                 : upper ? stats->upper
                                         : stats->lower;
        bool known = true;
        if (!bound.data || (stats->nan_count != 0 && (field->type->kind == TARN_ICEBERG_FLOAT ||
                                                      field->type->kind == TARN_ICEBERG_DOUBLE)))
            return (struct tarn_text){NULL, 0};
        int order = outer.data ? tarn_bound_compare(field->type, bound, outer, &known) : 0;
        if (!known)
            return (struct tarn_text){NULL, 0};
        if (!outer.data || (upper ? order > 0 : order < 0))
            outer = bound;
    }
    return outer;
}

static size_t key_predicates(const struct rewriting *r, size_t new_files,
                             struct lake_predicate *predicates)
{
    size_t count = 0;
    for (size_t i = 0; i < r->write->key_count; i++) {
        const struct tarn_iceberg_field *field =
            tarn_iceberg_field_find(&r->change->schema, r->write->keys[i]);
        struct tarn_text lower = outer_bound(r->change, new_files, field, false);
        struct tarn_text upper = outer_bound(r->change, new_files, field, true);
        if (lower.data)
            predicates[count++] = (struct lake_predicate){field, TARN_LAKE_GE, lower};
        if (upper.data)
            predicates[count++] = (struct lake_predicate){field, TARN_LAKE_LE, upper};
    }
    return count;
}

/* ---- SQL over the old rows ---- */

/* The files' rows with the column LAKE_FILE_COLUMN. */
static enum tarn_status scan_sql(const struct rewriting *r, const char *const *paths, size_t count,
                                 const char **ret_sql)
{
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    TARN_TRY(lake_scan_write(r->session, r->change->base, &r->change->schema, paths, count,
                             r->scope->arena, &sql, r->err));
    *ret_sql = tarn_arena_strdup(r->scope->arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

static const char *key_condition(const struct rewriting *r)
{
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    for (size_t i = 0; i < r->write->key_count; i++) {
        const char *name = tarn_iceberg_field_find(&r->change->schema, r->write->keys[i])->name;
        const char *quoted = tarn_sql_identifier_in(r->scope->arena, name);
        tarn_buffer_printf(&sql, "%st.%s = k.%s", i ? " AND " : "", quoted, quoted);
    }
    return tarn_arena_strdup(r->scope->arena, tarn_buffer_str(&sql));
}

static const char *keys_select(const struct rewriting *r, size_t new_files)
{
    const char **paths = tarn_arena_array(r->scope->arena, new_files, sizeof *paths);
    for (size_t i = 0; i < new_files; i++)
        paths[i] = tarn_location_path(r->change->added[i]->location);
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < r->write->key_count; i++) {
        tarn_buffer_append_str(&sql, i ? ", " : "");
        tarn_sql_identifier(&sql,
                            tarn_iceberg_field_find(&r->change->schema, r->write->keys[i])->name);
    }
    tarn_buffer_append_str(&sql, " FROM ");
    lake_read_parquet(&r->change->schema, paths, new_files, &sql);
    return tarn_arena_strdup(r->scope->arena, tarn_buffer_str(&sql));
}

/* dbt's incremental_predicates name the table DBT_INTERNAL_DEST; plain column names work as well.
 */
static const char *condition(const struct rewriting *r)
{
    return r->write->where ? r->write->where : "true";
}

static char *matching_files_sql(const struct rewriting *r, const char *scan)
{
    if (!r->keys_sql)
        return tarn_arena_format(r->scope->arena,
                                 "SELECT DISTINCT " LAKE_FILE_COLUMN
                                 " FROM %s AS \"DBT_INTERNAL_DEST\" WHERE (%s\n)",
                                 scan, condition(r));
    return tarn_arena_format(r->scope->arena,
                             "SELECT DISTINCT t." LAKE_FILE_COLUMN " FROM (SELECT * FROM %s AS "
                             "\"DBT_INTERNAL_DEST\" WHERE (%s\n)) AS t SEMI JOIN (%s) AS k ON %s",
                             scan, condition(r), r->keys_sql, key_condition(r));
}

static char *survivors_sql(const struct rewriting *r, const char *scan)
{
    const char *spared =
        tarn_arena_format(r->scope->arena,
                          "SELECT * EXCLUDE (" LAKE_FILE_COLUMN
                          ") FROM %s AS \"DBT_INTERNAL_DEST\" WHERE NOT coalesce((%s\n), false)",
                          scan, condition(r));
    if (!r->keys_sql)
        return (char *)(uintptr_t)spared;
    char *unmatched = tarn_arena_format(r->scope->arena,
                                        "SELECT * EXCLUDE (" LAKE_FILE_COLUMN
                                        ") FROM (SELECT * FROM %s AS \"DBT_INTERNAL_DEST\" "
                                        "WHERE (%s\n)) AS t ANTI JOIN (%s) AS k ON %s",
                                        scan, condition(r), r->keys_sql, key_condition(r));
    return r->write->where
               ? tarn_arena_format(r->scope->arena, "%s UNION ALL %s", spared, unmatched)
               : unmatched;
}

/* ---- finding and rewriting ---- */

static enum tarn_status find_matching(const struct rewriting *r, const struct lake_plan *plan,
                                      bool *is_matched)
{
    const char **paths = tarn_arena_array(r->scope->arena, plan->file_count, sizeof *paths);
    for (size_t i = 0; i < plan->file_count; i++)
        paths[i] = tarn_location_path(plan->files[i]->file->location);
    const char *scan;
    TARN_TRY(scan_sql(r, paths, plan->file_count, &scan));
    const char *sql = matching_files_sql(r, scan);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(r->session, sql, &result, r->err));
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, r->err));
        if (rows == 0)
            return TARN_OK;
        struct tarn_vector names = tarn_result_vector(result, 0);
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < plan->file_count; i++)
                if (tarn_text_is(tarn_vector_text(&names, row), paths[i]))
                    is_matched[i] = true;
    }
}

static enum tarn_status rewrite_files(const struct rewriting *r, const struct lake_plan *plan,
                                      const bool *is_matched)
{
    struct lake_change *change = r->change;
    const char **paths = tarn_arena_array(r->scope->arena, plan->file_count, sizeof *paths);
    int64_t before = 0, after = 0;
    change->removed = tarn_arena_array(change->arena, plan->file_count, sizeof *change->removed);
    for (size_t i = 0; i < plan->file_count; i++) {
        if (!is_matched[i])
            continue;
        const struct tarn_data_file *file = plan->files[i]->file;
        paths[change->removed_count] = tarn_location_path(file->location);
        change->removed[change->removed_count++] = tarn_arena_strdup(change->arena, file->location);
        before += file->record_count;
    }
    if (change->removed_count == 0)
        return TARN_OK;
    const char *scan;
    TARN_TRY(scan_sql(r, paths, change->removed_count, &scan));
    TARN_TRY(lake_copy(r->session, change, survivors_sql(r, scan), NULL, &after, r->err));
    change->deleted_rows = before - after;
    return TARN_OK;
}

static enum tarn_status check_local(const struct rewriting *r, const struct lake_plan *plan)
{
    if (plan->delete_count > 0)
        return tarn_fail(
            r->err, TARN_UNSUPPORTED,
            "changing rows of %s.%s: another engine left delete files in it; compact the table "
            "first",
            r->write->ns, r->write->name);
    for (size_t i = 0; i < plan->file_count; i++)
        if (!tarn_location_path(plan->files[i]->file->location))
            return tarn_fail(r->err, TARN_UNSUPPORTED,
                             "changing rows of %s.%s: %s is not on a local disk", r->write->ns,
                             r->write->name, plan->files[i]->file->location);
    return TARN_OK;
}

static enum tarn_status check_keys(const struct rewriting *r)
{
    if (r->write->key_count == 0)
        return tarn_fail(r->err, TARN_INVALID, "merging into %s.%s: it needs a unique key",
                         r->write->ns, r->write->name);
    for (size_t i = 0; i < r->write->key_count; i++) {
        const struct tarn_iceberg_field *field =
            tarn_iceberg_field_find(&r->change->schema, r->write->keys[i]);
        if (!field || tarn_iceberg_is_nested(field->type))
            return tarn_fail(
                r->err, TARN_INVALID,
                "merging into %s.%s: the key \"%s\" is not a plain column of the table",
                r->write->ns, r->write->name, r->write->keys[i]);
    }
    return TARN_OK;
}

enum tarn_status lake_rewrite(struct lake_scope *scope, struct tarn_session *session,
                              const struct tarn_lake_write *write, struct lake_change *change,
                              struct tarn_error *err)
{
    struct rewriting r = {scope, session, write, change, NULL, err};
    struct lake_plan plan;
    size_t predicate_count = 0, new_files = change->added_count;
    struct lake_predicate *predicates =
        tarn_arena_array(scope->arena, 2 * write->key_count, sizeof *predicates);
    bool upsert = write->mode == TARN_LAKE_UPSERT;
    if (upsert)
        TARN_TRY(check_keys(&r));
    if (!change->base || !change->base->snapshot || (upsert && new_files == 0))
        return TARN_OK;
    if (upsert) {
        predicate_count = key_predicates(&r, new_files, predicates);
        r.keys_sql = keys_select(&r, new_files);
    }
    TARN_TRY(lake_plan_files(scope, change->base, change->base->snapshot, predicates,
                             predicate_count, &plan, err));
    TARN_TRY(check_local(&r, &plan));
    change->must_match_base = true;
    if (plan.file_count == 0)
        return TARN_OK;
    bool *is_matched = tarn_arena_array(scope->arena, plan.file_count, sizeof *is_matched);
    TARN_TRY(find_matching(&r, &plan, is_matched));
    return rewrite_files(&r, &plan, is_matched);
}
