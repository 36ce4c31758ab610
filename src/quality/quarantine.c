/* quality/quarantine.c -- failing rows of quarantine suites as lake tables.
 *
 * Measuring keeps the rows for which any rule's condition is true, with one flag per rule; the
 * records are cut out of this small set, one SELECT per rule. Of rows that share a key the first by
 * arrival, file and line stays. All quarantine tables are replaced in one commit. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "quality/runner.h"

enum { SQL_MAX_BYTES = 64 << 20 };

#define NAMESPACE TARN_QUARANTINE_NAMESPACE

static const char no_records[] =
    "SELECT CAST(NULL AS VARCHAR) AS _file, CAST(NULL AS BIGINT) AS _line,\n"
    "  CAST(NULL AS VARCHAR) AS rule, CAST(NULL AS VARCHAR) AS kind,\n"
    "  CAST(NULL AS VARCHAR) AS severity, CAST(NULL AS VARCHAR) AS column_name,\n"
    "  CAST(NULL AS VARCHAR) AS value, CAST(NULL AS VARCHAR) AS \"row\",\n"
    "  CAST(NULL AS VARCHAR) AS run_id, CAST(NULL AS TIMESTAMP) AS checked_at\n"
    "WHERE false";

struct writer {
    const struct tarn_quality *quality;
    struct tarn_suite_report *suites;
    size_t suite_count;
    const char *run_id;
    const char *checked_at; /* SQL */
    struct tarn_arena *arena;
    struct tarn_session *session;    /* of the thread that writes */
    struct tarn_lake_commit *commit; /* NULL: without a lake */
};

static bool has_column(const struct tarn_check_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

/* Whether the outcome has rows to put aside. */
static bool has_records(const struct tarn_outcome *o)
{
    return o->unexpected_count > 0 && tarn_outcome_is_collected(o);
}

static const char *bad_table(struct writer *w, size_t suite)
{
    return tarn_measure_bad_table(&w->suites[suite].measured, w->arena);
}

/* Which of the rows of a repeated key stays: the first that arrived. */
static const char *arrival_order(struct writer *w, const struct tarn_check_table *table)
{
    static const char *const order[] = {"_arrived_on", "_file", "_line"};
    TARN_BUFFER(sql, 4096);
    for (size_t i = 0; i < TARN_COUNT(order); i++)
        if (has_column(table, order[i]))
            tarn_buffer_printf(&sql, "%s%s", sql.len ? ", " : "", order[i]);
    return sql.len ? tarn_arena_strdup(w->arena, tarn_buffer_str(&sql)) : "__row";
}

/* The bad rows of one rule: for a unique key without the first of each. */
static const char *rows_of_rule(struct writer *w, size_t at, size_t rule)
{
    const struct tarn_suite_report *s = &w->suites[at];
    const struct tarn_check *check = s->outcomes[rule].check;
    const char *bad = bad_table(w, at);
    if (check->e->type->shape != TARN_SHAPE_UNIQUE)
        return tarn_arena_format(w->arena, "%s WHERE __bad%zu", bad, rule);
    TARN_BUFFER(keys, SQL_MAX_BYTES);
    for (size_t i = 0; i < check->key_count; i++)
        tarn_buffer_printf(&keys, "%s%s", i ? ", " : "", check->keys[i]);
    return tarn_arena_format(w->arena,
                             "(SELECT *, row_number() OVER (PARTITION BY %s ORDER BY %s) AS __copy "
                             "FROM %s WHERE __bad%zu) WHERE __copy > 1",
                             tarn_buffer_str(&keys), arrival_order(w, &s->table), bad, rule);
}

static void append_records(struct writer *w, size_t at, struct tarn_buffer *sql)
{
    const struct tarn_suite_report *s = &w->suites[at];
    for (size_t i = 0; i < s->count; i++) {
        const struct tarn_outcome *o = &s->outcomes[i];
        if (!has_records(o))
            continue;
        tarn_buffer_printf(sql, "\nUNION ALL SELECT %s, %s, ",
                           has_column(&s->table, "_file") ? "_file" : "NULL",
                           has_column(&s->table, "_line") ? "_line" : "NULL");
        tarn_sql_literal(sql, tarn_text_of(o->check->e->rule));
        tarn_buffer_printf(sql, ", '%s', '%s', ", tarn_quality_kinds[o->check->e->kind],
                           tarn_severity_name(o->check->e->severity));
        tarn_sql_literal(sql, tarn_text_of(o->check->column_name ? o->check->column_name : ""));
        tarn_buffer_printf(sql, ", %s, __row, ",
                           o->check->shown_text ? o->check->shown_text : "NULL");
        tarn_sql_literal(sql, tarn_text_of(w->run_id));
        tarn_buffer_printf(sql, ", %s FROM %s", w->checked_at, rows_of_rule(w, at, i));
    }
}

static bool same_quarantine(const struct tarn_suite_report *a, const struct tarn_suite_report *b)
{
    return a->suite->quarantine && b->suite->quarantine &&
           strcmp(a->suite->table, b->suite->table) == 0;
}

static bool is_first(const struct writer *w, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_quarantine(&w->suites[i], &w->suites[at]))
            return false;
    return w->suites[at].suite->quarantine;
}

static enum tarn_status count_records(struct writer *w, size_t at, struct tarn_error *err)
{
    struct tarn_suite_report *s = &w->suites[at];
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    tarn_buffer_printf(&sql,
                       "SELECT count(*), count(DISTINCT struct_pack(f := _file, l := _line, r := "
                       "\"row\")) FILTER (WHERE severity = 'error') FROM (%s",
                       no_records);
    append_records(w, at, &sql);
    tarn_buffer_append_str(&sql, ")");
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a quarantine", err));
    TARN_TRY(tarn_session_fetch(w->session, tarn_buffer_str(&sql), &result, err));
    size_t rows;
    TARN_TRY(tarn_result_next(result, &rows, err));
    struct tarn_vector records = tarn_result_vector(result, 0);
    struct tarn_vector distinct = tarn_result_vector(result, 1);
    s->quarantine_records = tarn_vector_int64(&records, 0);
    s->quarantine_rows = tarn_vector_int64(&distinct, 0);
    return TARN_OK;
}

/* Without a lake the quarantine is a table of the session. */
static enum tarn_status write_plain(struct writer *w, const char *name, const char *query,
                                    struct tarn_error *err)
{
    const char *sql = tarn_arena_format(w->arena, "CREATE OR REPLACE TABLE " NAMESPACE ".%s AS %s",
                                        tarn_sql_identifier_in(w->arena, name), query);
    return tarn_session_run(w->session, sql, NULL, err);
}

static enum tarn_status write_one(struct writer *w, size_t at, struct tarn_error *err)
{
    const char *name = w->suites[at].suite->table;
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    tarn_buffer_append_str(&sql, no_records);
    for (size_t i = at; i < w->suite_count; i++)
        if (same_quarantine(&w->suites[at], &w->suites[i]))
            append_records(w, i, &sql);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a quarantine", err));
    if (!w->commit)
        return write_plain(w, name, tarn_buffer_str(&sql), err);
    struct tarn_lake_property summary = {"tarn.quality-run", w->run_id};
    struct tarn_lake_write write = {
        .ns = NAMESPACE,
        .name = name,
        .query = tarn_buffer_str(&sql),
        .mode = TARN_LAKE_OVERWRITE,
        .schema = TARN_LAKE_SCHEMA_SYNC,
        .order_by = "_file, _line",
        .comment = "Rows that failed quality rules, one per row and rule",
        .summary = &summary,
        .summary_count = 1,
    };
    if (tarn_lake_prepare(w->commit, w->session, &write, NULL, err) != TARN_OK)
        return tarn_error_wrap(err, "writing " NAMESPACE ".%s", name);
    return TARN_OK;
}

/* Quarantines are written side by side: each is small. */
struct writing {
    struct writer *writer;
    pthread_mutex_t lock; /* arena, status, err */
    enum tarn_status status;
    struct tarn_error *err;
};

static void write_suite(void *context, size_t at)
{
    struct writing *all = context;
    struct tarn_error err;
    struct writer own = *all->writer;
    if (!own.suites[at].suite->quarantine)
        return;
    own.arena = tarn_arena_new();
    enum tarn_status status =
        tarn_session_open(tarn_session_engine(own.quality->session), &own.session, &err);
    if (status == TARN_OK)
        status = count_records(&own, at, &err);
    if (status == TARN_OK && is_first(&own, at))
        status = write_one(&own, at, &err);
    tarn_session_close(own.session);
    pthread_mutex_lock(&all->lock);
    tarn_arena_adopt(all->writer->arena, own.arena);
    if (status != TARN_OK && all->status == TARN_OK) {
        all->status = status;
        *all->err = err;
    }
    pthread_mutex_unlock(&all->lock);
}

static enum tarn_status write_tables(struct writer *w, struct tarn_error *err)
{
    struct tarn_error scratch;
    struct writing all = {.writer = w, .status = TARN_OK, .err = err ? err : &scratch};
    if (!w->commit)
        TARN_TRY(tarn_session_run(w->quality->session, "CREATE SCHEMA IF NOT EXISTS " NAMESPACE,
                                  NULL, err));
    pthread_mutex_init(&all.lock, NULL);
    tarn_parallel_for(tarn_engine_threads(tarn_session_engine(w->quality->session)), w->suite_count,
                      write_suite, &all);
    pthread_mutex_destroy(&all.lock);
    TARN_TRY(all.status);
    return w->commit ? tarn_lake_finish(w->commit, NULL, NULL, err) : TARN_OK;
}

static enum tarn_status attach_tables(struct writer *w, struct tarn_error *err)
{
    for (size_t i = 0; i < w->suite_count; i++)
        if (is_first(w, i))
            TARN_TRY(tarn_lake_attach(w->quality->lake, w->quality->session, NAMESPACE,
                                      w->suites[i].suite->table, NULL, err));
    return TARN_OK;
}

enum tarn_status tarn_quarantine_write(const struct tarn_quality *quality,
                                       struct tarn_suite_report *suites, size_t suite_count,
                                       const char *run_id, int64_t checked_at_us,
                                       struct tarn_arena *arena, struct tarn_error *err)
{
    struct writer w = {.quality = quality,
                       .suites = suites,
                       .suite_count = suite_count,
                       .run_id = run_id,
                       .arena = arena};
    bool any = false;
    for (size_t i = 0; i < suite_count; i++)
        any |= suites[i].suite->quarantine;
    if (!any)
        return TARN_OK;
    w.checked_at = tarn_arena_format(arena, "make_timestamp(%" PRId64 ")", checked_at_us);
    w.commit = quality->lake ? tarn_lake_begin(quality->lake) : NULL;
    enum tarn_status status = write_tables(&w, err);
    tarn_lake_commit_free(w.commit);
    if (status == TARN_OK && quality->lake)
        status = attach_tables(&w, err);
    return status;
}
