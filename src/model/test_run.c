/* model/test_run.c -- runs tests: each alone as dbt does, or the simple ones of one table in a
 * single statement, which is what makes many small tests cheap. */
#include <ctype.h>
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
    TARN_TRY(tarn_session_fetch(w->session, tarn_buffer_str(&sql), &answer, err));
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

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether any of `words` stands in the text outside quotes. */
static bool has_word(struct tarn_text text, const char *const *words)
{
    char quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (quote) {
            quote = c == quote ? 0 : quote;
            continue;
        }
        if (c == '\'' || c == '"') {
            quote = c;
            continue;
        }
        if (!isalpha((unsigned char)c) || (i > 0 && is_word_char(text.data[i - 1])))
            continue;
        for (size_t w = 0; words[w]; w++) {
            size_t len = strlen(words[w]);
            if (text.len - i >= len && strncasecmp(text.data + i, words[w], len) == 0 &&
                (text.len - i == len || !is_word_char(text.data[i + len])))
                return true;
        }
    }
    return false;
}

/* What a statement must not have to be nothing but "rows for which a condition is true". */
static const char *const other_clauses[] = {"with",  "group",     "having", "order",   "limit",
                                            "union", "intersect", "except", "qualify", "window",
                                            "join",  "offset",    "using",  "fetch",   NULL};
static const char *const select_word[] = {"select", NULL};

static struct tarn_text skip_blanks(struct tarn_text text)
{
    while (text.len && strchr(" \t\r\n", *text.data))
        text = (struct tarn_text){text.data + 1, text.len - 1};
    return text;
}

/* Moves *text behind `word` and the blanks around it; false when it does not stand there. */
static bool take(struct tarn_text *text, const char *word)
{
    struct tarn_text at = skip_blanks(*text);
    size_t len = strlen(word);
    if (at.len <= len || strncasecmp(at.data, word, len) != 0 ||
        (is_word_char(word[len - 1]) && is_word_char(at.data[len])))
        return false;
    *text = skip_blanks((struct tarn_text){at.data + len, at.len - len});
    return true;
}

/* "select a, b from TABLE where CONDITION": the condition. Anything else is not taken apart. */
static bool condition_of(struct tarn_text sql, const char *table, struct tarn_text *ret_condition)
{
    if (!take(&sql, "select"))
        return false;
    /* plain names only: an aggregate would always give a row */
    while (sql.len && !take(&sql, "from")) {
        if (!is_word_char(*sql.data) && !strchr("*,.\" \t\r\n", *sql.data))
            return false;
        bool word = is_word_char(*sql.data);
        do
            sql = (struct tarn_text){sql.data + 1, sql.len - 1};
        while (word && sql.len && is_word_char(*sql.data));
    }
    if (!take(&sql, table) || !take(&sql, "where"))
        return false;
    *ret_condition = sql;
    return sql.len > 0 && !memchr(sql.data, ';', sql.len) && !has_word(sql, other_clauses) &&
           !has_word(sql, select_word);
}

/* A test macro that looks like it makes such a statement; its SQL decides. */
static bool is_simple_macro(const struct tarn_model_macro *macro)
{
    struct tarn_text body = macro->block->body;
    while (body.len > 1 && body.data[0] != 's' && body.data[0] != 'S') {
        const char *end = body.data[0] == '{' ? memmem(body.data, body.len, "%}", 2) : NULL;
        size_t skip = end ? (size_t)(end - body.data) + 2 : 1;
        if (!end && !strchr(" \t\r\n-", body.data[0]))
            return false;
        body = (struct tarn_text){body.data + skip, body.len - skip};
    }
    return take(&body, "select") && !has_word(body, other_clauses) && !has_word(body, select_word);
}

static bool is_built_in(const struct tarn_model_node *test, const char *name)
{
    return !test->test_namespace && strcmp(test->test_name, name) == 0 && test->macro_count > 0 &&
           test->macros[0]->package->is_built_in;
}

bool tarn_worker_can_fuse(const struct tarn_model_worker *w, const struct tarn_model_node *test)
{
    static const char *const settings[] = {
        "where",    "limit",          "fail_calc",        "warn_if",
        "error_if", "store_failures", "store_failures_as"};
    if (!test->is_generic || test->macro_count == 0 || tarn_node_is_ephemeral(test->attached) ||
        stores_failures(w, test))
        return false;
    for (size_t i = 0; i < TARN_COUNT(settings); i++)
        if (!tarn_value_is_nothing(tarn_node_config(test, settings[i])))
            return false;
    if (tarn_name_map_get(&w->project->root_macros, "get_where_subquery"))
        return false;
    return is_built_in(test, "unique") || is_built_in(test, "accepted_values") ||
           is_simple_macro(test->macros[0]);
}

/* accepted_values groups by value first, to report each once; to know whether there is one it need
 * not: its "where value_field not in (...)" over the rows does. */
static bool accepted_condition(const char *compiled, const char *column, struct tarn_buffer *out)
{
    const char *tail = strstr(compiled, "where value_field not in (");
    if (!tail)
        return false;
    tarn_buffer_printf(out, "%s %s", column, tail + strlen("where value_field "));
    return true;
}

/* Appends one number that is zero exactly when the test passes; false when there is none. */
static bool append_check(const struct tarn_model_node *test, const char *table,
                         const char *compiled, struct tarn_buffer *sql)
{
    TARN_BUFFER(condition, QUERY_BYTES_MAX);
    struct tarn_text text = TARN_TEXT("");
    if (is_built_in(test, "unique") && test->column_name) {
        tarn_buffer_printf(sql, "(SELECT count(*) FROM (\n%s\n))", compiled);
        return true;
    }
    if (is_built_in(test, "accepted_values") && test->column_name &&
        accepted_condition(compiled, test->column_name, &condition))
        text = tarn_buffer_text(&condition);
    else if (!condition_of(tarn_text_of(compiled), table, &text))
        return false;
    tarn_buffer_printf(sql, "count(*) FILTER (WHERE %.*s\n)", TARN_TEXT_ARGS(text));
    return true;
}

/* Fills counts; -1 for a test that has to run by itself. */
static enum tarn_status run_fused(struct tarn_model_worker *w, struct tarn_model_node *const *tests,
                                  size_t count, const struct tarn_model_result *results,
                                  int64_t *counts, struct tarn_error *err)
{
    TARN_BUFFER(table, QUERY_BYTES_MAX);
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    struct tarn_relation relation = tarn_relation_of_node(tests[0]->attached);
    size_t taken = 0;
    tarn_relation_print(&relation, &table);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        TARN_BUFFER(check, QUERY_BYTES_MAX);
        counts[i] = -1;
        if (!append_check(tests[i], tarn_buffer_str(&table), results[i].compiled, &check))
            continue;
        tarn_buffer_printf(&sql, "%s%s", taken ? ", " : "", tarn_buffer_str(&check));
        counts[i] = (int64_t)taken++;
    }
    if (taken == 0)
        return TARN_OK;
    tarn_buffer_printf(&sql, " FROM %s", tarn_buffer_str(&table));
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of tests", err));
    TARN_AUTO_RESULT struct tarn_result *answer = NULL;
    size_t rows;
    TARN_TRY(tarn_session_fetch(w->session, tarn_buffer_str(&sql), &answer, err));
    TARN_TRY(tarn_result_next(answer, &rows, err));
    for (size_t i = 0; i < count && rows == 1; i++) {
        if (counts[i] < 0)
            continue;
        struct tarn_vector vector = tarn_result_vector(answer, (size_t)counts[i]);
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
    TARN_TRY(run_fused(w, tests, count, results, counts, err));
    int64_t ended = tarn_now_us();
    for (size_t i = 0; i < count; i++) {
        /* each its share of the statement, so that times of tests add up */
        int64_t share = (ended - started) / (int64_t)count;
        results[i].execute_started_us = started + (int64_t)i * share;
        results[i].execute_ended_us = results[i].execute_started_us + share;
        results[i].sql_us = share;
        if (counts[i] == 0) {
            judge(w, tests[i], 0, false, false, &results[i]);
            continue;
        }
        /* what exactly failed, and how much of it, is the single test's to say */
        TARN_TRY(tarn_worker_test(w, tests[i], &results[i], err));
        results[i].execute_ended_us = tarn_now_us();
    }
    return TARN_OK;
}
