/* quality/gx_test.c -- the same verdicts and counts as Great Expectations: a suite whose
 * expectations carry what Great Expectations 1.2 found (test/data/gx_vectors.json, written by
 * make_gx_vectors.py beside it). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "quality/runner.h"

/* The sources' own folder is known from this file; tests run in the build folder. */
static char *data_path(const char *name)
{
    const char *here = __FILE__;
    size_t folder = (size_t)(tarn_path_name(here) - here);
    return tarn_format("%.*s../../test/data/%s", (int)folder, here, name);
}

static bool same_number(const struct tarn_yaml *expected, double got)
{
    double wanted;
    return tarn_text_to_double(tarn_text_of(expected->text), &wanted) &&
           fabs(wanted - got) <= 1e-9 * fmax(1, fabs(wanted));
}

/* What differs, NULL when nothing does. */
static const char *difference(const struct tarn_outcome *o, const struct tarn_yaml *expected)
{
    enum tarn_check_shape shape = o->check->e->type->shape;
    bool counts = shape == TARN_SHAPE_ROW || shape == TARN_SHAPE_UNIQUE;
    const struct tarn_yaml *elements = tarn_yaml_get(expected, "element_count");
    const struct tarn_yaml *unexpected = tarn_yaml_get(expected, "unexpected_count");
    const struct tarn_yaml *missing = tarn_yaml_get(expected, "missing_count");
    const struct tarn_yaml *observed = tarn_yaml_get(expected, "observed_value");
    if (tarn_yaml_get(expected, "success")->boolean != o->success)
        return "success";
    if (counts && elements && elements->integer != o->element_count)
        return "element_count";
    if (counts && unexpected && unexpected->integer != o->unexpected_count)
        return "unexpected_count";
    if (counts && missing && missing->integer != o->element_count - o->considered_count)
        return "missing_count";
    bool number =
        observed && (observed->kind == TARN_YAML_INT || observed->kind == TARN_YAML_FLOAT);
    if (number && shape == TARN_SHAPE_AGGREGATE && !same_number(observed, o->number))
        return "observed_value";
    return NULL;
}

static void verdicts_are_great_expectations(void **unused)
{
    (void)unused;
    struct tarn_error err;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_suites suites = {0};
    struct tarn_quality_report report;
    struct tarn_engine_options options = {.threads = 2};
    struct tarn_quality_options all = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO_FREE char *path = data_path("gx_vectors.json");
    TARN_BUFFER(text, 16 << 20);
    if (tarn_file_read(path, &text, &err) != TARN_OK ||
        tarn_suites_parse(tarn_buffer_text(&text), "gx_vectors.json", arena, &suites, &err) !=
            TARN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tarn_engine_open(&options, &engine, &err), TARN_OK);
    assert_int_equal(tarn_session_open(engine, &session, &err), TARN_OK);
    const struct tarn_suite *suite = &suites.suites[0];
    const char *table = tarn_yaml_get(suite->meta, "sql")->text;
    const char *sql = tarn_arena_format(arena, "CREATE SCHEMA s; CREATE TABLE s.t AS %s", table);
    struct tarn_quality quality = {.session = session};
    if (tarn_session_run(session, sql, NULL, &err) != TARN_OK ||
        tarn_quality_run(&quality, &suites, &all, arena, &report, &err) != TARN_OK)
        fail_msg("%s", err.text);
    int wrong = 0;
    assert_true(suite->expectation_count > 600);
    for (size_t i = 0; i < suite->expectation_count; i++) {
        const struct tarn_expectation *e = &suite->expectations[i];
        const struct tarn_outcome *o = &report.suites[0].outcomes[i];
        const char *what = difference(o, tarn_yaml_get(e->meta, "expected"));
        if (!what)
            continue;
        wrong++;
        print_error("line %d: %s: %s differs: got %d of %d unexpected, observed %s, success %d\n",
                    e->node->line, e->rule, what, (int)o->unexpected_count,
                    (int)o->considered_count, o->observed_text ? o->observed_text : "-",
                    o->success);
    }
    assert_int_equal(wrong, 0);
    tarn_suites_release(&suites);
    tarn_session_close(session);
    tarn_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts_are_great_expectations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
