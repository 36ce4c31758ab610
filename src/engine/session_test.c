/* engine/session_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <poll.h>
#include <pthread.h>

#include <cmocka.h>

#include "base/json_writer.h"
#include "engine/session.h"
#include "engine/source.h"

struct fixture {
    struct tarn_engine *engine;
    struct tarn_session *session;
};

static int set_up(void **state)
{
    struct fixture *f = tarn_alloc(sizeof *f);
    struct tarn_error err;
    struct tarn_engine_options options = {.threads = 2, .catalog = "we\"ird"};
    assert_int_equal(tarn_engine_open(&options, &f->engine, &err), TARN_OK);
    assert_int_equal(tarn_session_open(f->engine, &f->session, &err), TARN_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tarn_session_close(f->session);
    tarn_engine_close(f->engine);
    free(f);
    return 0;
}

static void expect_json(struct tarn_session *session, const char *sql, const char *expected)
{
    struct tarn_error err;
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    if (tarn_session_query(session, sql, NULL, 0, &result, &err) != TARN_OK)
        fail_msg("%s", err.text);
    TARN_BUFFER(out, 1 << 20);
    struct tarn_json_writer w = tarn_json_writer(&out, 0);
    tarn_json_array_begin(&w);
    size_t rows;
    do {
        assert_int_equal(tarn_result_next(result, &rows, &err), TARN_OK);
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < tarn_result_column_count(result); i++) {
                struct tarn_vector v = tarn_result_vector(result, i);
                tarn_vector_json(&v, row, &w);
            }
    } while (rows > 0);
    tarn_json_array_end(&w);
    assert_string_equal(tarn_buffer_str(&out), expected);
}

static void every_type(void **state)
{
    struct fixture *f = *state;
    expect_json(
        f->session,
        "SELECT true, -1::TINYINT, 255::UTINYINT, "
        "170141183460469231731687303715884105727::HUGEINT, "
        "-0.05::DECIMAL(3,2), 12345678901234567890.12::DECIMAL(38,2), 0.1::FLOAT, 0.1::DOUBLE, "
        "'x''y', "
        "'\\xAA'::BLOB, DATE '1969-12-31', TIME '01:02:03.5', TIMESTAMP '1969-12-31 23:59:59.25', "
        "TIMESTAMPTZ '2020-01-01 01:00:00+01', INTERVAL '1 month 2 days', "
        "'01234567-89ab-cdef-0123-456789abcdef'::UUID, 'b'::ENUM('a','b'), [1,NULL], {'a': 1, 'b': "
        "'x'}, "
        "MAP {'k': 2}, NULL",
        "[true,-1,255,170141183460469231731687303715884105727,-0.05,12345678901234567890.12,0.1,0."
        "1,"
        "\"x'y\",\"\\\\xAA\",\"1969-12-31\",\"01:02:03.5\",\"1969-12-31 23:59:59.25\","
        "\"2020-01-01 00:00:00+00\",\"1 month 2 "
        "days\",\"01234567-89ab-cdef-0123-456789abcdef\",\"b\","
        "[1,null],{\"a\":1,\"b\":\"x\"},{\"k\":2},null]");
}

static void scripts_and_errors(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    uint64_t changed = 0;
    assert_int_equal(tarn_session_run(f->session,
                                      "CREATE TABLE t(a INT); INSERT INTO t SELECT * FROM range(5)",
                                      &changed, &err),
                     TARN_OK);
    assert_int_equal(changed, 5);
    int64_t sum;
    assert_int_equal(
        tarn_session_query_int(f->session, "SELECT sum(a) FROM \"we\"\"ird\".t", &sum, &err),
        TARN_OK);
    assert_int_equal(sum, 10);
    assert_int_equal(tarn_session_run(f->session, "SELECT 1;\nSELEC 2", NULL, &err), TARN_SQL);
    assert_non_null(strstr(err.text, "LINE 2"));
    assert_int_equal(tarn_session_run(f->session, "SELECT nope FROM t", NULL, &err), TARN_SQL);
    assert_int_equal(tarn_session_run(f->session, "SELECT 'x'::INT FROM t", NULL, &err), TARN_SQL);
}

static void parameters(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    struct tarn_param params[] = {TARN_PARAM_I(7), TARN_PARAM_S("x'; DROP TABLE t")};
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    assert_int_equal(tarn_session_query(f->session, "SELECT $1 + 1, $2", params, 2, &result, &err),
                     TARN_OK);
    size_t rows;
    assert_int_equal(tarn_result_next(result, &rows, &err), TARN_OK);
    struct tarn_vector text = tarn_result_vector(result, 1);
    assert_true(tarn_text_is(tarn_vector_text(&text, 0), "x'; DROP TABLE t"));
}

struct counter {
    _Atomic int64_t next;
    int64_t end;
};

static enum tarn_status count_up(void *context, void *thread_state, struct tarn_source_chunk *chunk,
                                 struct tarn_error *err)
{
    (void)thread_state;
    struct counter *counter = context;
    int64_t first = counter->next;
    counter->next += TARN_SOURCE_CHUNK_ROWS;
    if (first == 99 * TARN_SOURCE_CHUNK_ROWS)
        return tarn_fail(err, TARN_IO, "the source broke");
    for (; chunk->rows < TARN_SOURCE_CHUNK_ROWS && first + (int64_t)chunk->rows < counter->end;
         chunk->rows++) {
        size_t row = chunk->rows;
        ((int64_t *)chunk->vectors[0].data)[row] = first + (int64_t)row;
        if (row % 2)
            tarn_vector_set_null(&chunk->vectors[1], row);
        else
            tarn_vector_set_text(&chunk->vectors[1], row,
                                 TARN_TEXT("a text too long to be inlined"));
    }
    return TARN_OK;
}

static void rows_from_c(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_column columns[] = {{"n", tarn_type_parse(arena, "BIGINT")},
                                    {"t", tarn_type_parse(arena, "VARCHAR")}};
    struct counter counter = {.end = 10000};
    struct tarn_source source = {.column_count = 2,
                                 .columns = columns,
                                 .max_threads = 1,
                                 .context = &counter,
                                 .fill = count_up};
    uint64_t id;
    char name[TARN_SOURCE_SQL_BYTES], sql[200];
    tarn_source_add(f->engine, &source, &id, name);
    snprintf(sql, sizeof sql, "SELECT count(*), sum(n), count(t), max(t) FROM %s", name);
    expect_json(f->session, sql, "[10000,49995000,5000,\"a text too long to be inlined\"]");
    counter.next = 0;
    counter.end = 1000000000;
    assert_int_equal(tarn_session_run(f->session, sql, NULL, &err), TARN_SQL);
    assert_non_null(strstr(err.text, "the source broke"));
    tarn_source_remove(f->engine, id);
    assert_int_equal(tarn_session_run(f->session, sql, NULL, &err), TARN_SQL);
}

static void *run_long_statement(void *session)
{
    struct tarn_error err;
    int64_t value;
    (void)!tarn_session_query_int(session,
                                  "SELECT max(length(md5(md5(md5(md5(i::VARCHAR)))))) FROM watched",
                                  &value, &err); /* interrupted when the test has seen enough */
    return NULL;
}

static void watching_and_interrupting(void **state)
{
    struct fixture *f = *state;
    struct tarn_error err;
    pthread_t thread;
    assert_int_equal(tarn_session_run(f->session,
                                      "CREATE TEMP TABLE watched AS FROM range(3000000) r(i)", NULL,
                                      &err),
                     TARN_OK);
    assert_int_equal(tarn_session_watch(f->session, &err), TARN_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_long_statement, f->session), 0);
    double seen = -1;
    for (int i = 0; i < 5000 && seen <= 0; i++) {
        seen = tarn_session_progress(f->session);
        poll(NULL, 0, 2);
    }
    tarn_session_interrupt(f->session);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(seen > 0 && seen <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(watching_and_interrupting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scripts_and_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_from_c, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
