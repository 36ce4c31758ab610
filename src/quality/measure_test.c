/* quality/measure_test.c -- from a suite's text to counts: every expectation against small tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "quality/runner.h"

struct fixture {
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_suites suites;
    struct tarn_quality_report report;
};

static int set_up(void **state)
{
    struct fixture *f = tarn_alloc(sizeof *f);
    struct tarn_error err;
    struct tarn_engine_options options = {.threads = 2};
    assert_int_equal(tarn_engine_open(&options, &f->engine, &err), TARN_OK);
    assert_int_equal(tarn_session_open(f->engine, &f->session, &err), TARN_OK);
    f->arena = tarn_arena_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tarn_suites_release(&f->suites);
    tarn_arena_free(f->arena);
    tarn_session_close(f->session);
    tarn_engine_close(f->engine);
    free(f);
    return 0;
}

static void sql(struct fixture *f, const char *text)
{
    struct tarn_error err;
    if (tarn_session_run(f->session, text, NULL, &err) != TARN_OK)
        fail_msg("%s", err.text);
}

/* Runs the expectations (YAML list items) on s.t; the error's text when that fails, else NULL. */
static const char *run(struct fixture *f, const char *options, const char *expectations)
{
    static struct tarn_error err;
    TARN_BUFFER(text, 1 << 20);
    tarn_suites_release(&f->suites);
    tarn_buffer_printf(&text, "suites:\n- name: x\n  table: s.t\n%s  expectations:\n%s", options,
                       expectations);
    struct tarn_quality quality = {.session = f->session};
    struct tarn_quality_options all = {0};
    if (tarn_suites_parse(tarn_buffer_text(&text), "x.yml", f->arena, &f->suites, &err) ==
            TARN_OK &&
        tarn_quality_run(&quality, &f->suites, &all, f->arena, &f->report, &err) == TARN_OK)
        return NULL;
    return err.text;
}

static void expect_fine(const char *error)
{
    if (error)
        fail_msg("%s", error);
}

/* Per expectation: "ok 2/5" (unexpected of considered) or "no 2/5"; with an observed value "ok
 * 12.5". */
static void expect(struct fixture *f, const char *expectations, const char *expected)
{
    expect_fine(run(f, "", expectations));
    TARN_BUFFER(got, 1 << 20);
    for (size_t i = 0; i < f->report.suites[0].count; i++) {
        const struct tarn_outcome *o = &f->report.suites[0].outcomes[i];
        tarn_buffer_printf(&got, "%s%s ", i ? ", " : "", o->success ? "ok" : "no");
        if (o->observed_json)
            tarn_buffer_append_str(&got, o->observed_json);
        else
            tarn_buffer_printf(&got, "%d/%d", (int)o->unexpected_count, (int)o->considered_count);
    }
    assert_string_equal(tarn_buffer_str(&got), expected);
}

static void expect_error(struct fixture *f, const char *expectations, const char *part)
{
    const char *text = run(f, "", expectations);
    if (!text)
        fail_msg("no error, expected: %s", part);
    if (!strstr(text, part))
        fail_msg("'%s' does not contain '%s'", text, part);
}

static void make_orders(struct fixture *f)
{
    sql(f, "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT * FROM (VALUES"
           "(1, 'placed', 10.50::DECIMAL(9,2), DATE '2026-01-01', 'a@x.com', '5'),"
           "(2, 'paid', 20.00, DATE '2026-01-02', 'b@x.com', '6.5'),"
           "(2, 'PAID', -1.00, DATE '2026-01-03', 'broken', 'seven'),"
           "(3, NULL, NULL, NULL, NULL, NULL),"
           "(4, 'paid', 99.99, DATE '2026-02-01', 'd@x.com', ''))"
           "AS v(id, status, amount, day, email, text)");
}

static void values(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect(f, "  - not_null: [id, status]\n", "ok 0/5, no 1/5");
    expect(f, "  - null: status\n", "no 4/5");
    expect(f, "  - unique: [id, email]\n", "no 2/5, ok 0/4");
    expect(f, "  - in_set: {column: status, values: [placed, paid]}\n", "no 1/4");
    expect(f, "  - not_in_set: {column: status, values: [PAID]}\n", "no 1/4");
    expect(f, "  - in_set: {column: id, values: [1, '2', 3.0]}\n", "no 1/5");
    expect(f, "  - between: {column: amount, min: 10.50, max: 99.99}\n", "no 1/4");
    expect(f, "  - between: {column: amount, min: 10.50, max: 99.99, strict_min: true}\n",
           "no 2/4");
    expect(f, "  - between: {column: amount, max: 99.99, strict_max: true}\n", "no 1/4");
    expect(f, "  - between: {column: day, min: '2026-01-02'}\n", "no 1/4");
    expect(f, "  - between: {column: text, min: 5, max: 6}\n", "no 1/2");
    expect(f, "  - length_between: {column: status, min: 5, max: 6}\n", "no 3/4");
    expect(f, "  - length_between: {column: status, min: 4}\n", "ok 0/4");
    expect(f, "  - length_equal: {column: status, value: 4}\n", "no 1/4");
    expect(f, "  - matches: {column: email, regex: '@'}\n", "no 1/4");
    expect(f, "  - not_matches: {column: email, regex: '@'}\n", "no 3/4");
    expect(f, "  - matches_list: {column: email, regexes: ['^a', '^b', 'k']}\n", "no 1/4");
    expect(f, "  - matches_list: {column: email, regexes: ['@', '^a'], match_on: all}\n", "no 3/4");
    expect(f, "  - not_matches_list: {column: email, regexes: ['^a', '^b']}\n", "no 3/4");
    expect(f, "  - like: {column: email, pattern: '%@x.com'}\n", "no 1/4");
    expect(f, "  - not_like_list: {column: email, patterns: ['a%', 'b%']}\n", "no 3/4");
}

static void text_as_types(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect(f, "  - parses_as: {column: text, type: 'DECIMAL(9,2)'}\n", "no 2/4");
    expect(f, "  - parses_as: {column: text, type: BIGINT}\n", "no 3/4");
    expect(f, "  - parses_as: {column: text, type: DOUBLE, null_values: ['']}\n", "no 1/3");
    expect(f, "  - not_null: {column: text, null_values: ['']}\n", "no 2/5");
    expect(f, "  - between: {column: text, as: INTEGER, min: 6}\n", "no 1/2");
    expect(f, "  - between: {column: text, value: 'length(text)', min: 1, max: 3}\n", "no 2/4");
    sql(f, "CREATE OR REPLACE TABLE s.t AS SELECT unnest(['$1,234.50', '12', '12 EUR', 'abc', '', "
           "NULL]) AS text, unnest(['2026-01-02', '02/01/2026', '2026-13-01', 'x', NULL, NULL]) AS "
           "day, unnest(['{\"a\": 1}', '[]', '{', NULL, NULL, NULL]) AS json");
    expect(f, "  - parses_as: {column: text, type: 'DECIMAL(9,2)', strip: '[$, ]|EUR'}\n",
           "no 2/5");
    expect(f, "  - date_parses: {column: day, formats: ['%Y-%m-%d', '%d/%m/%Y']}\n", "no 2/4");
    expect(f, "  - date_parses: {column: day, formats: '%Y-%m-%d'}\n", "no 3/4");
    expect(f, "  - dateutil_parseable: day\n", "no 2/4");
    expect(f, "  - json_parseable: json\n", "no 1/3");
}

static void options_apply(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect(f, "  - in_set: {column: status, values: [placed, paid], mostly: 0.75}\n", "ok 1/4");
    expect(f, "  - in_set: {column: status, values: [placed, paid], mostly: 0.76}\n", "no 1/4");
    expect(f, "  - not_null: amount\n    where: id < 3\n", "ok 0/3");
    expect(f, "  - unique: id\n    where: status = 'paid'\n", "ok 0/2");
    assert_int_equal(f->report.scores[0].rows, 5); /* of the table, not of the condition */
    expect(f, "  - mean_between: {column: amount, min: 5, where: status = 'nowhere'}\n", "no null");
    assert_int_equal(f->report.scores[0].rows, 5);
    expect(f,
           "  - unique: {column: id, row_condition: 'amount < 50 and status.notNull()', "
           "condition_parser: pandas}\n",
           "no 2/3");
    expect(f, "  - mean_between: {column: amount, min: 5, where: id < 3}\n",
           "ok 9.833333333333334");
    expect_fine(run(f, "  severity: warn\n", "  - not_null: status\n"));
    assert_true(f->report.success);
    assert_false(f->report.suites[0].outcomes[0].success);
    expect_fine(run(f, "", "  - not_null: [status]\n    name: has_status\n"));
    assert_false(f->report.success);
    assert_string_equal(f->suites.suites[0].expectations[0].rule, "has_status");
}

static void several_columns(void **state)
{
    struct fixture *f = *state;
    sql(f,
        "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT * FROM (VALUES (1, 1, 2), (2, 1, 5), (2, 1, "
        "5), (NULL, NULL, 9), (NULL, NULL, NULL), (7, NULL, 1)) AS v(a, b, c)");
    expect(f, "  - compound_unique: [a, b]\n", "no 2/4");
    expect(f, "  - compound_unique: {columns: [a, b], ignore_row_if: never}\n", "no 4/6");
    expect(f, "  - pair_equal: {a: a, b: b}\n", "no 3/4");
    expect(f, "  - pair_equal: {a: a, b: b, ignore_row_if: either_value_is_missing}\n", "no 2/3");
    expect(f, "  - pair_greater: {a: a, b: b}\n", "no 2/4");
    expect(f, "  - pair_greater: {a: a, b: b, or_equal: true}\n", "no 1/4");
    expect(f, "  - pair_in_set: {a: a, b: b, value_pairs: [[1, 1], [7, null]]}\n", "no 2/4");
    expect(f, "  - unique_within_record: [a, b]\n", "no 1/4");
    expect(f, "  - multicolumn_sum_equal: {columns: [a, b, c], sum_total: 8}\n", "no 3/5");
    expect(f, "  - condition: {sql: a >= b, columns: [a, b]}\n", "ok 0/3");
    expect(f, "  - condition: a > b\n", "no 1/3");
    expect(f, "  - increasing: a\n", "ok 0/4");
    expect(f, "  - increasing: {column: a, strictly: true}\n", "no 1/4");
    expect(f, "  - decreasing: {column: a, order_by: a desc}\n", "ok 0/4");
    expect(f, "  - z_score_below: {column: c, threshold: 1.2, double_sided: true}\n", "no 1/5");
}

static void other_tables(void **state)
{
    struct fixture *f = *state;
    sql(f, "CREATE SCHEMA s; CREATE SCHEMA o; CREATE TABLE s.t AS SELECT unnest(['1', '2', '2', "
           "'9', NULL, 'x']) AS k; CREATE TABLE o.parent AS SELECT * FROM (VALUES (1, true), (2, "
           "false), (NULL, true)) AS v(id, live)");
    expect(f, "  - foreign_key: {column: k, to: o.parent.id}\n", "no 2/5");
    expect(f, "  - foreign_key: {column: k, to: o.parent, field: id, as: BIGINT}\n", "no 1/4");
    expect(f, "  - relationships: {column: k, to: o.parent.id, to_where: live}\n", "no 4/5");
    expect(f, "  - row_count_equal_table: o.parent\n", "no {\"self\":6,\"other\":3}");
    expect(f, "  - no_rows: select * from {batch} where k = 'x'\n", "no 1");
    expect(f, "  - no_rows: \"select * from {batch} where k = 'y';\"\n", "ok 0");
}

static void figures(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect(f, "  - min_between: {column: amount, min: -1, max: 0}\n", "ok -1.00");
    expect(f, "  - max_between: {column: day, max: '2026-01-31'}\n", "no \"2026-02-01\"");
    expect(f, "  - sum_between: {column: amount, min: 129.49, max: 129.49}\n", "ok 129.49");
    expect(f, "  - median_between: {column: amount, min: 15, max: 16}\n", "ok 15.25");
    expect(f, "  - stdev_between: {column: id, min: 1.14, max: 1.141}\n", "ok 1.140175425099138");
    expect(f,
           "  - quantiles_between: {column: id, quantile_ranges: {quantiles: [0, 0.5, 1], "
           "value_ranges: [[1, 1], [2, null], [null, 3]]}}\n",
           "no [1,2,4]");
    expect(f, "  - unique_count_between: {column: id, min: 4, max: 4}\n", "ok 4");
    expect(f, "  - unique_proportion_between: {column: id, min: 0.8}\n", "ok 0.8");
    expect(f, "  - non_null_proportion_between: {column: status, min: 0.81}\n", "no 0.8");
    expect(f, "  - distinct_in_set: {column: status, values: [paid, placed, PAID, x]}\n",
           "ok [\"PAID\",\"paid\",\"placed\"]");
    expect(f, "  - distinct_contain: {column: status, values: [paid, x]}\n",
           "no [\"PAID\",\"paid\",\"placed\"]");
    expect(f, "  - distinct_equal: {column: status, values: [paid, paid, placed, PAID]}\n",
           "ok [\"PAID\",\"paid\",\"placed\"]");
    expect(f, "  - most_common_in_set: {column: status, values: [paid]}\n", "ok [\"paid\"]");
    expect(f, "  - most_common_in_set: {column: amount, values: [20], ties_okay: true}\n",
           "ok [-1.00,10.50,20.00,99.99]");
    expect(f, "  - fresh: {column: day, max_age: 1 day, as_of: \"timestamp '2026-02-02'\"}\n",
           "ok \"2026-02-01 00:00:00\"");
    expect(f, "  - fresh: {column: day, max_age: 1 day, as_of: \"timestamp '2026-02-05'\"}\n",
           "no \"2026-02-01 00:00:00\"");
    assert_true(f->report.scores[0].dimensions[TARN_DIMENSION_FRESHNESS] == 0.25);
}

static void tables(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect(f, "  - row_count_equal: 5\n", "ok 5");
    expect(f, "  - row_count_between: {min: 6}\n", "no 5");
    expect(f, "  - column_count_equal: 6\n", "ok 6");
    expect(f, "  - column_count_between: {min: 6, strict_min: true}\n", "no 6");
    expect(f, "  - column_exists: status\n", "ok 0/0");
    expect(f, "  - column_exists: {column: status, column_index: 0}\n", "no 0/0");
    expect(f, "  - column_exists: nothing\n", "no 0/0");
    expect(f, "  - columns_ordered: [id, status, amount, day, email, text]\n",
           "ok [\"id\",\"status\",\"amount\",\"day\",\"email\",\"text\"]");
    expect(f, "  - columns_set: [status, id]\n",
           "no [\"id\",\"status\",\"amount\",\"day\",\"email\",\"text\"]");
    expect(f, "  - columns_set: {columns: [status, id], exact: false}\n",
           "ok [\"id\",\"status\",\"amount\",\"day\",\"email\",\"text\"]");
    expect(f, "  - of_type: {column: amount, type: 'DECIMAL(9,2)'}\n", "ok \"DECIMAL(9,2)\"");
    expect(f, "  - of_type: {column: amount, type: decimal}\n", "ok \"DECIMAL(9,2)\"");
    expect(f, "  - of_type: {column: id, type: BIGINT}\n", "no \"INTEGER\"");
    expect(f, "  - in_type_list: {column: status, types: [int64, str]}\n", "ok \"VARCHAR\"");
}

static void empty_and_odd_tables(void **state)
{
    struct fixture *f = *state;
    sql(f, "CREATE SCHEMA s; CREATE TABLE s.t(\"a b\"\"c\" INTEGER, \"sel'ect\" VARCHAR, \"x.y\" "
           "DATE)");
    expect(f,
           "  - not_null: ['a b\"c', \"sel'ect\", x.y]\n"
           "  - unique: 'a b\"c'\n"
           "  - in_set: {column: \"sel'ect\", values: [\"it's\"]}\n"
           "  - compound_unique: ['a b\"c', x.y]\n",
           "ok 0/0, ok 0/0, ok 0/0, ok 0/0, ok 0/0, ok 0/0");
    expect(f, "  - min_between: {column: x.y, min: '2026-01-01'}\n", "no null");
    sql(f, "INSERT INTO s.t VALUES (1, 'it''s', DATE '2026-01-01'), (1, 'no', DATE '2026-01-01')");
    expect(f,
           "  - unique: 'a b\"c'\n"
           "  - in_set: {column: \"sel'ect\", values: [\"it's\"]}\n"
           "  - compound_unique: ['a b\"c', x.y]\n",
           "no 2/2, no 1/2, no 2/2");
}

/* Keys that are dense integers go through a bitmap, others through a hash table: same answer. */
static void unique_keys_of_any_kind(void **state)
{
    struct fixture *f = *state;
    sql(f,
        "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT i AS dense, i * 1000000007 AS sparse, "
        "CAST(i AS VARCHAR) AS text, CAST(i - 500 AS TINYINT) AS tiny FROM range(400, 600) r(i)");
    expect(f, "  - unique: [dense, sparse, text, tiny]\n",
           "ok 0/200, ok 0/200, ok 0/200, ok 0/200");
    sql(f, "INSERT INTO s.t SELECT * FROM s.t LIMIT 3");
    expect(f, "  - unique: [dense, sparse, text, tiny]\n",
           "no 6/203, no 6/203, no 6/203, no 6/203");
    assert_int_equal(f->report.suites[0].outcomes[0].surplus_count, 3);
}

static void mistakes_are_located(void **state)
{
    struct fixture *f = *state;
    make_orders(f);
    expect_error(f, "  - not_nul: id\n",
                 "x.yml:5: there is no expectation 'not_nul'; did you mean 'not_null'");
    expect_error(f, "  - not_null: idd\n", "x.yml:5: s.t has no column 'idd'; did you mean 'id'");
    expect_error(f, "  - between: {column: id, minn: 3}\n",
                 "between does not take 'minn'; did you mean 'min'");
    expect_error(f, "  - between: {column: id}\n", "between needs 'min' or 'max'");
    expect_error(f, "  - between: {column: id, min: abc}\n",
                 "'abc' is no value to compare with INTEGER");
    expect_error(f, "  - between: {min: 3}\n", "between needs 'column'");
    expect_error(f, "  - not_null: id\n    severity: fatal\n", "x.yml:6");
    expect_error(f, "  - not_null: id\n    mostly: 2\n", "mostly must be a fraction");
    expect_error(f, "  - not_null: id\n  - matches: {column: email, regex: '('}\n",
                 "x.yml:6: matches(email)");
    expect_error(f, "  - not_null: id\n    where: nonsense = 1\n", "x.yml:5: not_null(id)");
    expect_error(f, "  - parses_as: {column: text, type: DECIMALL}\n",
                 "there is no type 'DECIMALL'");
    expect_error(f, "  - foreign_key: {column: id, to: s.nothing.id}\n",
                 "there is no table s.nothing");
    expect_error(f, "  - not_null: id\n    unique: id\n", "one line holds one expectation");
    expect_error(f, "  - fresh: {column: day, max_age: soon}\n", "x.yml:5: fresh(day)");
    expect_error(f, "  - no_rows: select * from nowhere\n", "x.yml:5: no_rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_as_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_apply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_and_odd_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unique_keys_of_any_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_are_located, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
