/* store/state_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/state.h"

static char directory[] = "/tmp/tarn-state-test-XXXXXX";
static char *path;

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    path = tarn_path_join(directory, "state.db");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct tarn_error err;
    assert_int_equal(tarn_path_remove(directory, &err), TARN_OK);
    free(path);
    return 0;
}

static enum tarn_status insert(struct tarn_state *state, void *name, struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "INSERT INTO iceberg_tables(catalog_name, table_namespace, "
                                  "table_name) VALUES ('t', 'n', ?)",
                                  &s, err));
    tarn_bind_str(s, 1, name);
    return tarn_statement_finish(s, NULL, err);
}

static enum tarn_status insert_then_fail(struct tarn_state *state, void *name,
                                         struct tarn_error *err)
{
    TARN_TRY(tarn_state_transaction(state, insert, name, err)); /* nested: joins */
    return tarn_fail(err, TARN_INTERNAL, "on purpose");
}

static int64_t count(struct tarn_state *state)
{
    struct tarn_error err;
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    bool row;
    assert_int_equal(tarn_statement_begin(state, "SELECT count(*) FROM iceberg_tables", &s, &err),
                     TARN_OK);
    assert_int_equal(tarn_statement_step(s, &row, &err), TARN_OK);
    return tarn_column_int(s, 0);
}

static void transactions(void **unused)
{
    (void)unused;
    struct tarn_error err;
    struct tarn_state *state, *other;
    assert_int_equal(tarn_state_open(path, &state, &err), TARN_OK);
    assert_int_equal(tarn_state_transaction(state, insert, (void *)"a", &err), TARN_OK);
    assert_int_equal(tarn_state_transaction(state, insert_then_fail, (void *)"b", &err),
                     TARN_INTERNAL);
    assert_string_equal(err.text, "on purpose");
    assert_int_equal(tarn_state_transaction(state, insert, (void *)"a", &err), TARN_EXISTS);
    assert_int_equal(tarn_state_open(path, &other, &err),
                     TARN_OK); /* a second one sees what is committed */
    assert_int_equal(count(other), 1);
    tarn_state_close(other);
    tarn_state_close(state);
}

static void processes_wait_for_each_other(void **unused)
{
    (void)unused;
    enum { WRITERS = 4, ROWS = 25 };
    struct tarn_error err;
    pid_t ids[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        ids[i] = fork();
        if (ids[i] != 0)
            continue;
        struct tarn_state *state;
        int failed = tarn_state_open(path, &state, &err) != TARN_OK;
        for (int row = 0; row < ROWS && !failed; row++) {
            char name[32];
            snprintf(name, sizeof name, "%d-%d", i, row);
            failed = tarn_state_transaction(state, insert, name, &err) != TARN_OK;
        }
        if (failed)
            fprintf(stderr, "%s\n", err.text);
        _exit(failed);
    }
    for (int i = 0; i < WRITERS; i++) {
        int result;
        assert_int_equal(waitpid(ids[i], &result, 0), ids[i]);
        assert_int_equal(result, 0);
    }
    struct tarn_state *state;
    assert_int_equal(tarn_state_open(path, &state, &err), TARN_OK);
    assert_int_equal(count(state), WRITERS * ROWS);
    tarn_state_close(state);
}

static void not_a_database(void **unused)
{
    (void)unused;
    struct tarn_error err;
    struct tarn_state *state;
    assert_int_equal(
        tarn_file_create(
            path, TARN_TEXT("this is no database, but it is long enough to look at, really"), &err),
        TARN_OK);
    assert_int_equal(tarn_state_open(path, &state, &err), TARN_CORRUPT);
    assert_non_null(strstr(err.text, path));
}

static void from_the_future(void **unused)
{
    (void)unused;
    struct tarn_error err;
    struct tarn_state *state;
    assert_int_equal(tarn_state_open(path, &state, &err), TARN_OK);
    struct tarn_statement *s;
    assert_int_equal(tarn_statement_begin(state, "PRAGMA user_version = 9999", &s, &err), TARN_OK);
    assert_int_equal(tarn_statement_finish(s, NULL, &err), TARN_OK);
    tarn_statement_end(s);
    tarn_state_close(state);
    assert_int_equal(tarn_state_open(path, &state, &err), TARN_CONFIG);
    assert_non_null(strstr(err.text, "newer Tarn"));
}

static void open_and_close(void)
{
    struct tarn_state *db;
    struct tarn_error err;
    for (int i = 0; i < 5; i++) {
        if (tarn_state_open(path, &db, &err) != TARN_OK) {
            fprintf(stderr, "%s\n", err.text);
            _exit(1);
        }
        tarn_state_close(db);
    }
    _exit(0);
}

/* A new file is turned to WAL and migrated by whoever comes first; the last to close takes it out
 * of use while others open it. */
static void processes_open_at_once(void **state)
{
    (void)state;
    pid_t children[6];
    for (int round = 0; round < 30; round++) {
        (void)unlink(path);
        for (size_t i = 0; i < TARN_COUNT(children); i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0)
                open_and_close();
        }
        for (size_t i = 0; i < TARN_COUNT(children); i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(processes_wait_for_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_a_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(from_the_future, set_up, tear_down),
        cmocka_unit_test_setup_teardown(processes_open_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
