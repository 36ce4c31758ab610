/* quality/runner_test.c -- a whole run on lake tables: quarantine, counts, scores, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "quality/ledger.h"
#include "quality/runner.h"

struct fixture {
    char directory[40];
    struct tarn_state *state;
    struct tarn_lake *lake;
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
    f->arena = tarn_arena_new();
    strcpy(f->directory, "/tmp/tarn-quality-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    const char *path = tarn_arena_format(f->arena, "%s/state.db", f->directory);
    const char *root = tarn_arena_format(f->arena, "%s/lake", f->directory);
    assert_int_equal(tarn_state_open(path, &f->state, &err), TARN_OK);
    assert_int_equal(tarn_lake_open(f->state, root, &f->lake, &err), TARN_OK);
    assert_int_equal(tarn_engine_open(&options, &f->engine, &err), TARN_OK);
    assert_int_equal(tarn_session_open(f->engine, &f->session, &err), TARN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    tarn_suites_release(&f->suites);
    tarn_session_close(f->session);
    tarn_engine_close(f->engine);
    tarn_lake_close(f->lake);
    tarn_state_close(f->state);
    assert_int_equal(tarn_path_remove(f->directory, &err), TARN_OK);
    tarn_arena_free(f->arena);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *ns, const char *name, const char *query)
{
    struct tarn_error err;
    struct tarn_lake_write write = {.ns = ns,
                                    .name = name,
                                    .query = query,
                                    .mode = TARN_LAKE_OVERWRITE,
                                    .schema = TARN_LAKE_SCHEMA_SYNC};
    if (tarn_lake_write(f->lake, f->session, &write, NULL, NULL, NULL, &err) != TARN_OK)
        fail_msg("%s", err.text);
}

static enum tarn_status try_run(struct fixture *f, const char *text,
                                const struct tarn_quality_options *options, struct tarn_error *err)
{
    struct tarn_quality quality = {f->session, f->lake, f->state, NULL};
    tarn_suites_release(&f->suites);
    TARN_TRY(tarn_suites_parse(tarn_text_of(text), "q.yml", f->arena, &f->suites, err));
    return tarn_quality_run(&quality, &f->suites, options, f->arena, &f->report, err);
}

static void run(struct fixture *f, const char *text)
{
    struct tarn_error err;
    struct tarn_quality_options options = {.run_id = "run-1"};
    if (try_run(f, text, &options, &err) != TARN_OK)
        fail_msg("%s", err.text);
}

/* All values of a query's rows, separated by spaces and line ends. */
static void expect_rows(struct fixture *f, const char *query, const char *expected)
{
    struct tarn_error err;
    TARN_BUFFER(out, 1 << 20);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    if (tarn_session_query(f->session, query, NULL, 0, &result, &err) != TARN_OK)
        fail_msg("%s", err.text);
    size_t rows;
    do {
        assert_int_equal(tarn_result_next(result, &rows, &err), TARN_OK);
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < tarn_result_column_count(result); i++) {
                struct tarn_vector v = tarn_result_vector(result, i);
                tarn_vector_format(&v, row, &out);
                tarn_buffer_append_char(&out,
                                        i + 1 == tarn_result_column_count(result) ? '\n' : ' ');
            }
    } while (rows > 0);
    assert_string_equal(tarn_buffer_str(&out), expected);
}

static const char bronze_orders[] =
    "SELECT *, 'orders/a.csv' AS _file, 'l' AS _load_id, TIMESTAMP '2026-01-01' AS _loaded_at, "
    "DATE '2026-01-01' AS _arrived_on FROM (VALUES ('1', '10', '5.00', 2::BIGINT), ('2', NULL, "
    "'6.00', 3), ('3', '10', 'abc', 4), ('1', '10', '5.00', 5), ('4', '77', '-2', 6), (NULL, '10', "
    "'x', 7), ('1', '10', '7.00', 1)) AS v(order_id, customer_id, amount, _line)";

static const char bronze_suite[] =
    "suites:\n"
    "- name: bronze_orders\n"
    "  table: bronze.orders\n"
    "  quarantine: true\n"
    "  key: [_file, _line]\n"
    "  expectations:\n"
    "  - not_null: [order_id, customer_id]\n"
    "  - unique: order_id\n"
    "  - parses_as: {column: amount, type: 'DECIMAL(9,2)'}\n"
    "  - between: {column: amount, as: 'DECIMAL(9,2)', min: 0, severity: warn}\n"
    "  - foreign_key: {column: customer_id, to: bronze.customers.customer_id}\n"
    "- name: bronze_customers\n"
    "  table: bronze.customers\n"
    "  quarantine: true\n"
    "  expectations:\n"
    "  - not_null: customer_id\n";

static void make_bronze(struct fixture *f)
{
    put(f, "bronze", "orders", bronze_orders);
    put(f, "bronze", "customers",
        "SELECT '10' AS customer_id, 'c.csv' AS _file, 1::BIGINT AS _line");
}

static void failing_rows_go_to_quarantine(void **state)
{
    struct fixture *f = *state;
    make_bronze(f);
    run(f, bronze_suite);
    assert_true(f->report.success);
    expect_rows(f,
                "SELECT _line, rule, kind, severity, column_name, value, run_id FROM "
                "quarantine.orders ORDER BY ALL",
                "2 unique(order_id) duplicate error order_id 1 run-1\n"
                "3 not_null(customer_id) null error customer_id NULL run-1\n"
                "4 parses_as(amount) type error amount abc run-1\n"
                "5 unique(order_id) duplicate error order_id 1 run-1\n"
                "6 between(amount) range warn amount -2 run-1\n"
                "6 foreign_key(customer_id) orphan error customer_id 77 run-1\n"
                "7 not_null(order_id) null error order_id NULL run-1\n"
                "7 parses_as(amount) type error amount x run-1\n");
    expect_rows(f, "SELECT \"row\" FROM quarantine.orders WHERE _line = 4",
                "{\"order_id\":\"3\",\"customer_id\":\"10\",\"amount\":\"abc\"}\n");
    assert_int_equal(f->report.suites[0].quarantine_records, 8);
    assert_int_equal(f->report.suites[0].quarantine_rows, 6);
    /* there, with its columns, although nothing failed */
    expect_rows(f, "SELECT count(*) FROM quarantine.customers", "0\n");
    expect_rows(f,
                "SELECT typeof(checked_at), typeof(_line) FROM (SELECT NULL) LEFT JOIN "
                "quarantine.customers ON true",
                "TIMESTAMP BIGINT\n");
}

static void a_run_replaces_the_quarantine(void **state)
{
    struct fixture *f = *state;
    make_bronze(f);
    run(f, bronze_suite);
    put(f, "bronze", "orders",
        "SELECT '1' AS order_id, '10' AS customer_id, '1' AS amount, "
        "'f' AS _file, 1::BIGINT AS _line");
    run(f, bronze_suite);
    expect_rows(f, "SELECT count(*) FROM quarantine.orders", "0\n");
    struct tarn_lake_table table;
    struct tarn_error err;
    assert_int_equal(tarn_lake_describe(f->lake, "quarantine", "orders", (struct tarn_lake_at){0},
                                        f->arena, &table, &err),
                     TARN_OK);
    assert_int_equal(table.snapshot_count, 2);
}

/* Two suites on one table: running one of them must not drop the other's records. */
static void suites_share_a_quarantine(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    static const char more[] = "- name: more\n"
                               "  table: bronze.orders\n"
                               "  quarantine: true\n"
                               "  expectations:\n"
                               "  - in_set: {column: amount, values: ['5.00'], kind: range}\n";
    make_bronze(f);
    const char *text = tarn_arena_format(f->arena, "%s%s", bronze_suite, more);
    run(f, text);
    expect_rows(f, "SELECT count(*) FROM quarantine.orders", "13\n");
    struct tarn_quality_options one = {.suite = "more"};
    assert_int_equal(try_run(f, text, &one, &err), TARN_OK);
    assert_int_equal(f->report.suite_count, 2);
    expect_rows(f, "SELECT count(*) FROM quarantine.orders", "13\n");
}

static void counts_must_add_up(void **state)
{
    struct fixture *f = *state;
    static const char counts[] = "reconcile:\n"
                                 "- name: orders\n"
                                 "  in: bronze.orders\n"
                                 "  out: silver.orders\n"
                                 "  quarantined: quarantine.orders\n"
                                 "  held: [0, 'select 0']\n";
    make_bronze(f);
    put(f, "silver", "orders", "SELECT 1 AS order_id");
    run(f, tarn_arena_format(f->arena, "%s%s", bronze_suite, counts));
    assert_true(f->report.success); /* 7 = 1 + 6; the warning takes no row out */
    put(f, "silver", "orders", "SELECT 1 AS order_id UNION ALL SELECT 2");
    run(f, tarn_arena_format(f->arena, "%s%s", bronze_suite, counts));
    assert_false(f->report.success);
    assert_int_equal(f->report.reconciles[0].difference, -1);
    TARN_BUFFER(text, 1 << 20);
    tarn_quality_write_text(&f->report, &text);
    assert_non_null(strstr(tarn_buffer_str(&text),
                           "7 in = 2 out + 6 quarantined + 0 held; 1 rows are too many"));
    struct tarn_quality_options silver = {.layer = "silver"};
    struct tarn_error err;
    assert_int_equal(
        try_run(f, tarn_arena_format(f->arena, "%s%s", bronze_suite, counts), &silver, &err),
        TARN_OK);
    assert_int_equal(f->report.suite_count, 0);
    assert_int_equal(f->report.reconcile_count, 1);
}

static void scores_and_choices(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    make_bronze(f);
    struct tarn_quality_options one = {.table = "bronze.orders"};
    assert_int_equal(try_run(f, bronze_suite, &one, &err), TARN_OK);
    assert_int_equal(f->report.suite_count, 1);
    const struct tarn_table_score *score = &f->report.scores[0];
    assert_int_equal(score->rows, 7);
    assert_true(score->dimensions[TARN_DIMENSION_COMPLETENESS] == 12.0 / 14);
    assert_true(score->dimensions[TARN_DIMENSION_UNIQUENESS] == 4.0 / 6);
    assert_true(score->dimensions[TARN_DIMENSION_VALIDITY] == 9.0 / 12);
    assert_true(score->dimensions[TARN_DIMENSION_INTEGRITY] == 5.0 / 6);
    assert_true(score->dimensions[TARN_DIMENSION_FRESHNESS] < 0);
    struct tarn_quality_options wrong = {.suite = "bronze_order"};
    assert_int_equal(try_run(f, bronze_suite, &wrong, &err), TARN_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'bronze_orders'"));
    struct tarn_quality_options all = {0};
    assert_int_equal(
        try_run(f, "suites:\n- {name: a, table: bronze.order, expectations: []}\n", &all, &err),
        TARN_CONFIG);
    assert_non_null(strstr(err.text, "q.yml:2"));
    assert_non_null(strstr(err.text, "did you mean 'bronze.orders'"));
}

static void results_are_kept(void **state)
{
    struct fixture *f = *state;
    make_bronze(f);
    run(f, bronze_suite);
    run(f, bronze_suite); /* the same id replaces */
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    struct tarn_error err;
    bool row;
    assert_int_equal(
        tarn_statement_begin(f->state,
                             "SELECT count(*), sum(unexpected_count), (SELECT count(*) FROM "
                             "quality_suite), (SELECT max(overall) FROM quality_table_score), "
                             "(SELECT count(*) FROM quality_run) FROM quality_result",
                             &s, &err),
        TARN_OK);
    assert_int_equal(tarn_statement_step(s, &row, &err), TARN_OK);
    assert_int_equal(tarn_column_int(s, 0), 7);
    assert_int_equal(tarn_column_int(s, 1), 1 + 1 + 3 + 2 + 1 + 1);
    assert_int_equal(tarn_column_int(s, 2), 2);
    assert_true(tarn_column_double(s, 3) == 1);
    assert_int_equal(tarn_column_int(s, 4), 1);
}

static void json_is_great_expectations(void **state)
{
    struct fixture *f = *state;
    make_bronze(f);
    run(f, "suites:\n- name: s\n  table: bronze.orders\n  key: _line\n  expectations:\n"
           "  - in_set: {column: amount, values: ['5.00', abc], mostly: 0.9}\n");
    TARN_BUFFER(out, 1 << 20);
    struct tarn_json_writer w = tarn_json_writer(&out, 0);
    tarn_quality_write_result(&f->report.suites[0].outcomes[0], TARN_RESULT_SUMMARY, &w);
    assert_string_equal(
        tarn_buffer_str(&out),
        "{\"element_count\":7,\"unexpected_count\":4,\"unexpected_percent\":57.142857142857146,"
        "\"partial_unexpected_list\":[\"6.00\",\"-2\",\"x\",\"7.00\"],\"missing_count\":0,"
        "\"missing_percent\":0,\"unexpected_percent_total\":57.142857142857146,"
        "\"unexpected_percent_nonmissing\":57.142857142857146,"
        "\"partial_unexpected_index_list\":[{\"amount\":\"6.00\",\"_line\":3},"
        "{\"amount\":\"-2\",\"_line\":6},{\"amount\":\"x\",\"_line\":7},"
        "{\"amount\":\"7.00\",\"_line\":1}],"
        "\"partial_unexpected_counts\":[{\"value\":\"6.00\",\"count\":1},"
        "{\"value\":\"-2\",\"count\":1},{\"value\":\"x\",\"count\":1},"
        "{\"value\":\"7.00\",\"count\":1}]}");
    assert_false(f->report.success);
}

static void the_ledger_is_compared(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    struct tarn_ledger_score score;
    make_bronze(f);
    run(f, bronze_suite);
    put(f, "bronze", "rejected_rows",
        "SELECT 'orders/a.csv' AS _file, 9::BIGINT AS _line, 'orders' AS entity, 'not UTF-8' AS "
        "reason, 'x' AS raw");
    const char *path = tarn_arena_format(f->arena, "%s/faults.parquet", f->directory);
    assert_int_equal(tarn_ledger_compare(f->session, f->lake, path, f->arena, &score, &err),
                     TARN_NOT_FOUND);
    if (tarn_session_runf(
            f->session, &err,
            "COPY (SELECT 'orders' AS entity, 'orders/a.csv' AS file, CAST(l AS BIGINT) AS line, c "
            "AS column_name, k AS kind, x AS fault, '' AS original, '' AS damaged FROM (VALUES (3, "
            "'customer_id', 'null', 'null'), (4, 'amount', 'type', 'wrong_type'), (6, "
            "'customer_id', 'orphan', 'orphan'), (6, 'amount', 'range', 'negative'), (2, "
            "'order_id', 'duplicate', 'duplicate_changed'), (5, NULL, 'duplicate', "
            "'duplicate_same'), (7, 'order_id', 'null', 'null'), (1, 'amount', 'range', 'absurd'), "
            "(9, 'customer_id', 'other', 'encoding'), (NULL, NULL, 'other', 'late_file'), (3, "
            "'order_id', 'duplicate', 'duplicate_same')) AS v(l, c, k, x)) TO '%s' (FORMAT "
            "parquet)",
            path) != TARN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tarn_lake_attach_all(f->lake, f->session, f->arena, NULL, &err), TARN_OK);
    if (tarn_ledger_compare(f->session, f->lake, path, f->arena, &score, &err) != TARN_OK)
        fail_msg("%s", err.text);
    /* the absurd amount, and the duplicate in line 3, of which only a NULL was found */
    assert_int_equal(score.structural_injected, 9);
    assert_int_equal(score.structural_found, 7);
    assert_int_equal(score.miss_count, 3);
    /* 'x' in line 7 is no fault by the ledger */
    assert_int_equal(score.findings, 9);
    assert_int_equal(score.true_findings, 8);
    assert_int_equal(score.alarm_count, 1);
    assert_int_equal(score.alarms[0].line, 7);
    assert_string_equal(score.alarms[0].what, "parses_as(amount)");
    assert_int_equal(tarn_ledger_keep(f->state, &score, &err), TARN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failing_rows_go_to_quarantine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_replaces_the_quarantine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(suites_share_a_quarantine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_must_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scores_and_choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_ledger_is_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_is_great_expectations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
