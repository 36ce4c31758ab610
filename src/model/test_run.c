/* model/test_run.c -- runs tests: each alone as dbt does, or the simple ones of one table in a
 * single statement, which is what makes many small tests cheap. */
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "model/relation.h"
#include "model/worker.h"

enum { QUERY_BYTES_MAX = 64 << 20 };

static const char *setting(struct tarn_model_worker *w, const struct tarn_model_node *test,
                           const char *key, const char *fallback)
{
    return tarn_node_config_str(test, key, fallback, w->context.arena);
}

static bool stores_failures(const struct tarn_model_worker *w, const struct tarn_model_node *test)
{
    struct tarn_value as = tarn_node_config(test, "store_failures_as");
    if (tarn_value_text_is(as, "ephemeral"))
        return false;
    if (tarn_value_is_string(as))
        return true;
    return tarn_node_config_bool(test, "store_failures", w->options->store_failures);
}

/* Fills status and message from what the test counted. */
static void judge(struct tarn_model_worker *w, const struct tarn_model_node *test, int64_t failures,
                  bool should_warn, bool should_error, struct tarn_model_result *result)
{
    const char *severity = setting(w, test, "severity", "error");
    bool error = strcasecmp(severity, "warn") != 0 && should_error;
    bool warn = !error && should_warn;
    result->failures = failures;
    result->status = error  ? TARN_MODEL_STATUS_FAIL
                     : warn ? TARN_MODEL_STATUS_WARN
                            : TARN_MODEL_STATUS_PASS;
    result->message = "";
    if (error || warn)
        result->message = tarn_arena_format(
            w->arena, "Got %lld result%s, configured to %s if %s", (long long)failures,
            failures == 1 ? "" : "s", error ? "fail" : "warn",
            setting(w, test, error ? "error_if" : "warn_if", "!= 0"));
}

/* Failing rows become a table beside the others, and the test counts that. */
static enum tarn_status store(struct tarn_model_worker *w, struct tarn_model_node *test,
                              const char *query, const char **ret_query,
                              struct tarn_model_result *result, struct tarn_error *err)
{
    struct tarn_lake_write write = {
        .ns = test->schema,
        .name = test->alias,
        .query = query,
        .mode = TARN_LAKE_OVERWRITE,
        .schema = TARN_LAKE_SCHEMA_SYNC,
        .comment = "rows that failed a test",
    };
    TARN_TRY(tarn_worker_commit(w, test, &write, result, err));
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    struct tarn_relation relation = tarn_relation_of_node(test);
    tarn_buffer_append_str(&sql, "select * from ");
    tarn_relation_print(&relation, &sql);
    *ret_query = tarn_arena_strdup(w->context.arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

static enum tarn_status count_failures(struct tarn_model_worker *w, struct tarn_model_node *test,
                                       const char *query, struct tarn_model_result *result,
                                       struct tarn_error *err)
{
    const char *calc = setting(w, test, "fail_calc", "count(*)");
    const char *limit = setting(w, test, "limit", NULL);
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    tarn_buffer_printf(&sql,
                       "select cast(coalesce(%s, 0) as bigint) as failures, coalesce(%s %s, false) "
                       "as should_warn, coalesce(%s %s, false) as should_error from (\n%s\n%s%s) "
                       "dbt_internal_test",
                       calc, calc, setting(w, test, "warn_if", "!= 0"), calc,
                       setting(w, test, "error_if", "!= 0"), query, limit ? "limit " : "",
                       limit ? limit : "");
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a test", err));
    TARN_AUTO_RESULT struct tarn_result *answer = NULL;
    size_t rows;
    TARN_TRY(tarn_session_query(w->session, tarn_buffer_str(&sql), NULL, 0, &answer, err));
    TARN_TRY(tarn_result_next(answer, &rows, err));
    if (rows != 1)
        return tarn_fail(err, TARN_SQL, "the test '%s' gave %zu rows instead of one", test->name,
                         rows);
    struct tarn_vector failures = tarn_result_vector(answer, 0),
                       should_warn = tarn_result_vector(answer, 1),
                       should_error = tarn_result_vector(answer, 2);
    judge(w, test, tarn_vector_int64(&failures, 0), tarn_vector_int64(&should_warn, 0) != 0,
          tarn_vector_int64(&should_error, 0) != 0, result);
    return TARN_OK;
}

enum tarn_status tarn_worker_test(struct tarn_model_worker *w, struct tarn_model_node *test,
                                  struct tarn_model_result *result, struct tarn_error *err)
{
    TARN_TRY(tarn_worker_compile(w, test, result, err));
    const char *query = result->compiled;
    enum tarn_status status = TARN_OK;
    int64_t started = tarn_monotonic_us();
    if (stores_failures(w, test))
        status = store(w, test, query, &query, result, err);
    if (status == TARN_OK)
        status = count_failures(w, test, query, result, err);
    result->sql_us = tarn_monotonic_us() - started;
    if (status == TARN_SQL)
        tarn_worker_explain(w, test, result->compiled, err);
    return status;
}

/* --- many at once */

static bool plain_literal(struct tarn_value value)
{
    switch (value.kind) {
    case TARN_VALUE_STRING:
        return !tarn_template_has_tags(tarn_value_text(value));
    case TARN_VALUE_INT:
    case TARN_VALUE_FLOAT:
    case TARN_VALUE_BOOL:
        return true;
    default:
        return false;
    }
}

static bool literal_values(const struct tarn_model_node *test)
{
    struct tarn_value values = tarn_dict_get_str(test->kwargs, "values");
    if (!tarn_value_is(values, TARN_VALUE_LIST) || tarn_list_count(values) == 0)
        return false;
    for (size_t i = 0; i < tarn_list_count(values); i++)
        if (!plain_literal(tarn_list_at(values, i)))
            return false;
    return true;
}

bool tarn_worker_can_fuse(const struct tarn_model_worker *w, const struct tarn_model_node *test)
{
    static const char *const settings[] = {
        "where",    "limit",          "fail_calc",        "warn_if",
        "error_if", "store_failures", "store_failures_as"};
    if (!test->is_generic || test->test_namespace || !test->column_name ||
        tarn_node_is_ephemeral(test->attached) || stores_failures(w, test))
        return false;
    for (size_t i = 0; i < TARN_COUNT(settings); i++)
        if (!tarn_value_is_nothing(tarn_node_config(test, settings[i])))
            return false;
    bool accepted = strcmp(test->test_name, "accepted_values") == 0;
    size_t arguments = tarn_dict_count(test->kwargs);
    bool plain =
        (strcmp(test->test_name, "not_null") == 0 || strcmp(test->test_name, "unique") == 0) &&
        arguments == 2;
    if (!plain && !(accepted && literal_values(test)))
        return false;
    return test->macro_count > 0 && test->macros[0]->package->is_built_in &&
           !tarn_name_map_get(&w->project->root_macros, "get_where_subquery");
}

static void append_values(const struct tarn_model_node *test, struct tarn_buffer *sql)
{
    struct tarn_value values = tarn_dict_get_str(test->kwargs, "values");
    struct tarn_value quote = tarn_dict_get_str(test->kwargs, "quote");
    bool quoted = tarn_value_is_nothing(quote) || tarn_value_truth(quote);
    for (size_t i = 0; i < tarn_list_count(values); i++) {
        TARN_BUFFER(text, QUERY_BYTES_MAX);
        tarn_value_print(tarn_list_at(values, i), &text);
        tarn_buffer_append_str(sql, i ? ", " : "");
        if (quoted)
            tarn_sql_literal(sql, tarn_buffer_text(&text));
        else
            tarn_buffer_append_text(sql, tarn_buffer_text(&text));
    }
}

/* One number that is zero exactly when the test passes. */
static void append_check(const struct tarn_model_node *test, const char *table,
                         struct tarn_buffer *sql)
{
    const char *column = test->column_name;
    if (strcmp(test->test_name, "not_null") == 0) {
        tarn_buffer_printf(sql, "count(*) FILTER (WHERE %s IS NULL)", column);
    } else if (strcmp(test->test_name, "unique") == 0) {
        tarn_buffer_printf(sql,
                           "(SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s IS NOT NULL GROUP BY "
                           "%s HAVING count(*) > 1))",
                           table, column, column);
    } else {
        tarn_buffer_printf(sql, "count(*) FILTER (WHERE %s NOT IN (", column);
        append_values(test, sql);
        tarn_buffer_append_str(sql, "))");
    }
}

static enum tarn_status run_fused(struct tarn_model_worker *w, struct tarn_model_node *const *tests,
                                  size_t count, int64_t *counts, struct tarn_error *err)
{
    TARN_BUFFER(table, QUERY_BYTES_MAX);
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    struct tarn_relation relation = tarn_relation_of_node(tests[0]->attached);
    tarn_relation_print(&relation, &table);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(&sql, i ? ", " : "");
        append_check(tests[i], tarn_buffer_str(&table), &sql);
    }
    tarn_buffer_printf(&sql, " FROM %s", tarn_buffer_str(&table));
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of tests", err));
    TARN_AUTO_RESULT struct tarn_result *answer = NULL;
    size_t rows;
    TARN_TRY(tarn_session_query(w->session, tarn_buffer_str(&sql), NULL, 0, &answer, err));
    TARN_TRY(tarn_result_next(answer, &rows, err));
    for (size_t i = 0; i < count && rows == 1; i++) {
        struct tarn_vector vector = tarn_result_vector(answer, i);
        counts[i] = tarn_vector_int64(&vector, 0);
    }
    return TARN_OK;
}

enum tarn_status tarn_worker_test_fused(struct tarn_model_worker *w,
                                        struct tarn_model_node *const *tests, size_t count,
                                        struct tarn_model_result *results, struct tarn_error *err)
{
    int64_t *counts = tarn_arena_array(w->arena, count, sizeof *counts);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(tarn_worker_compile(w, tests[i], &results[i], err));
    int64_t started = tarn_now_us();
    TARN_TRY(run_fused(w, tests, count, counts, err));
    int64_t ended = tarn_now_us();
    for (size_t i = 0; i < count; i++) {
        results[i].execute_started_us = started;
        results[i].execute_ended_us = ended;
        results[i].sql_us = (ended - started) / (int64_t)count;
        if (counts[i] == 0) {
            judge(w, tests[i], 0, false, false, &results[i]);
            continue;
        }
        /* what exactly failed, and how much of it, is the single test's to say */
        results[i].execute_started_us = tarn_now_us();
        TARN_TRY(tarn_worker_test(w, tests[i], &results[i], err));
        results[i].execute_ended_us = tarn_now_us();
    }
    return TARN_OK;
}
