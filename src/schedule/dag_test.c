/* schedule/dag_test.c -- reading dags: durations, defaults, command lines. What is refused is in
 * test/e2e/schedule.test.js. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "schedule/dag.h"

static char directory[] = "/tmp/tarn-dag-test-XXXXXX";
static struct tarn_arena *arena;

static int set_up(void **state)
{
    (void)state;
    struct tarn_error err;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    TARN_AUTO_FREE char *dags = tarn_path_join(directory, "dags");
    assert_int_equal(tarn_directory_make(dags, &err), TARN_OK);
    arena = tarn_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct tarn_error err;
    tarn_arena_free(arena);
    assert_int_equal(tarn_path_remove(directory, &err), TARN_OK);
    return 0;
}

static char *write_dag(const char *name, const char *text)
{
    struct tarn_error err;
    char *path = tarn_arena_format(arena, "%s/dags/%s", directory, name);
    assert_int_equal(tarn_file_create(path, tarn_text_of(text), &err), TARN_OK);
    return path;
}

static const struct tarn_dag *read_dag(const char *text)
{
    struct tarn_error err = {0};
    const struct tarn_dag *dag;
    if (tarn_dag_read(write_dag("etl.yml", text), arena, &dag, &err) != TARN_OK)
        fail_msg("%s", err.text);
    return dag;
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},   {"30s", 30000},    {"30", 30000},
                {"1.5s", 1500},   {"5m", 300000},    {"2h", 7200000},
                {"1d", 86400000}, {" 10 s ", 10000}, {"0", 0}};
    static const char *const bad[] = {"", "s", "5 weeks", "-1s", "1e3", "1..5s", "99999999999d"};
    int64_t ms;
    for (size_t i = 0; i < TARN_COUNT(good); i++) {
        assert_true(tarn_duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < TARN_COUNT(bad); i++)
        if (tarn_duration_parse(bad[i], &ms))
            fail_msg("'%s' was taken", bad[i]);
}

static void test_defaults_and_own_settings(void **state)
{
    (void)state;
    const struct tarn_dag *dag = read_dag("schedule: '@daily'\n"
                                          "timezone: UTC\n"
                                          "pools: {io: 3}\n"
                                          "env: {A: 1, B: 2}\n"
                                          "defaults: {retries: 2, retry_delay: 1s, timeout: 5m}\n"
                                          "tasks:\n"
                                          "  a: {type: ingest}\n"
                                          "  b:\n"
                                          "    type: build\n"
                                          "    needs: a\n"
                                          "    retries: 0\n"
                                          "    timeout: 10s\n"
                                          "    pool: io\n"
                                          "    trigger: all_done\n"
                                          "    env: {B: 3}\n");
    assert_string_equal(dag->name, "etl");
    assert_true(dag->scheduled);
    assert_int_equal(dag->task_count, 2);
    const struct tarn_dag_task *a = &dag->tasks[0], *b = &dag->tasks[1];
    assert_int_equal(a->retries, 2);
    assert_int_equal(a->retry_delay_ms, 1000);
    assert_int_equal(a->timeout_ms, 300000);
    assert_int_equal(a->pool, -1);
    assert_int_equal(a->trigger, TARN_DAG_ALL_SUCCESS);
    assert_int_equal(b->retries, 0);
    assert_int_equal(b->timeout_ms, 10000);
    assert_int_equal(b->pool, 0);
    assert_int_equal(b->trigger, TARN_DAG_ALL_DONE);
    assert_int_equal(b->need_count, 1);
    assert_int_equal(b->needs[0], 0);
    assert_int_equal(b->env_count, 3); /* the later B counts */
    assert_string_equal(b->env[2].value, "3");
}

static void expect_words(const struct tarn_dag_task *task, const char *wanted)
{
    TARN_BUFFER(text, 1000);
    for (size_t i = 0; task->words[i]; i++)
        tarn_buffer_printf(&text, "%s%s", i ? "|" : "", task->words[i]);
    assert_string_equal(tarn_buffer_str(&text), wanted);
}

static void test_command_lines(void **state)
{
    (void)state;
    const struct tarn_dag *dag =
        read_dag("tasks:\n"
                 "  a: {type: generate, source: shop, args: [--scale, 2]}\n"
                 "  b: {type: build, select: ['+gold', 'tag:x'], full_refresh: true}\n"
                 "  c: {type: report, report: daily_kpi}\n"
                 "  d: {type: command, command: 'echo $HOME'}\n"
                 "  e: {type: command, command: [ls, -l], args: x}\n"
                 "  f: {type: build, full_refresh: false}\n");
    expect_words(&dag->tasks[0], "generate|shop|--scale|2");
    expect_words(&dag->tasks[1], "build|--select|+gold|tag:x|--full-refresh");
    expect_words(&dag->tasks[2], "report|daily_kpi");
    expect_words(&dag->tasks[3], "/bin/sh|-c|echo $HOME");
    expect_words(&dag->tasks[4], "ls|-l|x");
    expect_words(&dag->tasks[5], "build");
    assert_false(dag->tasks[2].is_command);
    assert_true(dag->tasks[3].is_command);
}

static void test_finding_a_dag(void **state)
{
    (void)state;
    static const char text[] = "tasks:\n  a: {type: ingest}\n";
    struct tarn_error err;
    const struct tarn_dag *dag;
    assert_int_equal(tarn_dag_find(directory, NULL, arena, &dag, &err), TARN_NOT_FOUND);
    write_dag("one.yml", text);
    assert_int_equal(tarn_dag_find(directory, NULL, arena, &dag, &err), TARN_OK);
    assert_string_equal(dag->name, "one");
    write_dag("two.yml", "name: other\ntasks:\n  a: {type: ingest}\n");
    assert_int_equal(tarn_dag_find(directory, NULL, arena, &dag, &err), TARN_NOT_FOUND);
    assert_int_equal(tarn_dag_find(directory, "other", arena, &dag, &err), TARN_OK);
    write_dag("daily_etl.yaml", text);
    assert_int_equal(tarn_dag_find(directory, NULL, arena, &dag, &err), TARN_OK);
    assert_string_equal(dag->name, "daily_etl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test_setup_teardown(test_defaults_and_own_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_command_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_finding_a_dag, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
