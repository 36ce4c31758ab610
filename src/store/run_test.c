/* store/run_test.c -- runs, tasks and tries are kept as they were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/run.h"

static char directory[] = "/tmp/tarn-run-test-XXXXXX";
static struct tarn_state *db;
static struct tarn_arena *arena;
static struct tarn_error err;

static const struct tarn_run_task_row tasks[] = {
    {.task = "b", .state = TARN_TASK_WAITING},
    {.task = "a", .state = TARN_TASK_SKIPPED},
    {.task = "c", .state = TARN_TASK_WAITING},
};

static void insert(const char *run_id, const char *dag, int64_t started_us)
{
    struct tarn_run_row run = {.run_id = run_id,
                               .dag = dag,
                               .logical_date = "2026-03-01",
                               .interval_start_us = 1,
                               .interval_end_us = 2,
                               .state = TARN_RUN_RUNNING,
                               .params = "{\"k\":\"v\"}",
                               .started_us = started_us,
                               .owner_pid = 42,
                               .owner_identity = "me"};
    assert_int_equal(tarn_run_insert(db, &run, tasks, TARN_COUNT(tasks), &err), TARN_OK);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    TARN_AUTO_FREE char *path = tarn_path_join(directory, "state.db");
    assert_int_equal(tarn_state_open(path, &db, &err), TARN_OK);
    arena = tarn_arena_new();
    insert("etl-1-aa", "etl", 100);
    insert("etl-2-ab", "etl", 200);
    insert("other-1", "other", 300);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tarn_arena_free(arena);
    tarn_state_close(db);
    assert_int_equal(tarn_path_remove(directory, &err), TARN_OK);
    return 0;
}

static struct tarn_run_task_row task_row(const char *run_id, size_t index)
{
    struct tarn_run_task_list list;
    assert_int_equal(tarn_run_tasks(db, run_id, arena, &list, &err), TARN_OK);
    assert_int_equal(list.count, TARN_COUNT(tasks));
    return list.rows[index];
}

static void test_runs_are_found(void **state)
{
    (void)state;
    struct tarn_run_row run;
    struct tarn_run_list list;
    assert_int_equal(tarn_run_list(db, "etl", 10, arena, &list, &err), TARN_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.rows[0].run_id, "etl-2-ab"); /* newest first */
    assert_int_equal(tarn_run_list(db, NULL, 1, arena, &list, &err), TARN_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.rows[0].run_id, "other-1");
    assert_int_equal(tarn_run_get(db, "oth", arena, &run, &err), TARN_OK);
    assert_string_equal(run.params, "{\"k\":\"v\"}");
    assert_int_equal(run.owner_pid, 42);
    assert_int_equal(run.ended_us, 0);
    assert_int_equal(tarn_run_get(db, "etl-", arena, &run, &err), TARN_USAGE);
    assert_int_equal(tarn_run_get(db, "%", arena, &run, &err), TARN_NOT_FOUND);
}

static void test_an_id_is_taken_once(void **state)
{
    (void)state;
    struct tarn_run_row run;
    assert_int_equal(tarn_run_get(db, "other-1", arena, &run, &err), TARN_OK);
    assert_int_equal(tarn_run_insert(db, &run, tasks, TARN_COUNT(tasks), &err), TARN_EXISTS);
    assert_string_equal(task_row("other-1", 0).task, "b"); /* the dag's order */
    assert_int_equal(task_row("other-1", 1).state, TARN_TASK_SKIPPED);
}

static void test_tries(void **state)
{
    (void)state;
    struct tarn_run_try_row attempt = {.task = "b",
                                       .try_number = 1,
                                       .pid = 7,
                                       .log = "/log",
                                       .started_us = 10,
                                       .exit_code = -1,
                                       .error = ""};
    assert_int_equal(tarn_run_try_begin(db, "etl-1-aa", &attempt, &err), TARN_OK);
    assert_int_equal(task_row("etl-1-aa", 0).state, TARN_TASK_RUNNING);
    attempt.ended_us = 20;
    attempt.signal = 9;
    attempt.error = "killed";
    assert_int_equal(tarn_run_try_end(db, "etl-1-aa", &attempt, TARN_TASK_RETRYING, "half", &err),
                     TARN_OK);
    attempt = (struct tarn_run_try_row){.task = "b",
                                        .try_number = 2,
                                        .log = "/log2",
                                        .started_us = 30,
                                        .ended_us = 40,
                                        .error = ""};
    assert_int_equal(tarn_run_try_begin(db, "etl-1-aa", &attempt, &err), TARN_OK);
    assert_int_equal(tarn_run_try_begin(db, "etl-1-aa", &attempt, &err), TARN_OK); /* again */
    assert_int_equal(tarn_run_try_end(db, "etl-1-aa", &attempt, TARN_TASK_SUCCESS, "3 rows", &err),
                     TARN_OK);
    struct tarn_run_try_list list;
    assert_int_equal(tarn_run_tries(db, "etl-1-aa", arena, &list, &err), TARN_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.rows[0].exit_code, -1);
    assert_int_equal(list.rows[0].signal, 9);
    assert_string_equal(list.rows[0].error, "killed");
    assert_int_equal(list.rows[1].exit_code, 0);
    assert_int_equal(task_row("etl-1-aa", 0).tries, 2);
    assert_string_equal(task_row("etl-1-aa", 0).summary, "3 rows");
    assert_int_equal(task_row("etl-2-ab", 0).tries, 0); /* another run's task of that name */
}

static void test_taking_over_keeps_what_succeeded(void **state)
{
    (void)state;
    assert_int_equal(tarn_run_task_set(db, "etl-1-aa", "b", TARN_TASK_SUCCESS, 5, &err), TARN_OK);
    assert_int_equal(tarn_run_task_set(db, "etl-1-aa", "c", TARN_TASK_FAILED, 6, &err), TARN_OK);
    assert_int_equal(tarn_run_finish(db, "etl-1-aa", TARN_RUN_FAILED, 7, &err), TARN_OK);
    struct tarn_run_list running;
    assert_int_equal(tarn_run_list_running(db, "etl", arena, &running, &err), TARN_OK);
    assert_int_equal(running.count, 1);
    assert_int_equal(tarn_run_take_over(db, "etl-1-aa", 43, "you", 8, &err), TARN_OK);
    assert_int_equal(task_row("etl-1-aa", 0).state, TARN_TASK_SUCCESS);
    assert_int_equal(task_row("etl-1-aa", 1).state, TARN_TASK_SKIPPED);
    assert_int_equal(task_row("etl-1-aa", 2).state, TARN_TASK_WAITING);
    struct tarn_run_row run;
    assert_int_equal(tarn_run_get(db, "etl-1-aa", arena, &run, &err), TARN_OK);
    assert_int_equal(run.state, TARN_RUN_RUNNING);
    assert_int_equal(run.ended_us, 0);
    assert_string_equal(run.owner_identity, "you");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_id_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taking_over_keeps_what_succeeded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
