/* lake/lake_test.c -- tables through the public functions: write, read back, evolve, travel,
 * conflict, maintain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "store/state.h"

struct world {
    char *folder;
    struct tarn_state *state;
    struct tarn_lake *lake;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_error err;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != TARN_OK) {                                                                   \
            print_error("%s: %s\n", #call, w->err.text);                                           \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static int set_up(void **state)
{
    char uuid[TARN_UUID_BYTES];
    struct world *w = tarn_alloc(sizeof *w);
    *state = w;
    w->arena = tarn_arena_new();
    w->folder = tarn_format("/tmp/tarn-lake-test-%s", tarn_uuid(uuid));
    OK(tarn_directory_make(w->folder, &w->err));
    OK(tarn_state_open(tarn_arena_format(w->arena, "%s/state.db", w->folder), &w->state, &w->err));
    OK(tarn_lake_open(w->state, tarn_arena_format(w->arena, "%s/lake", w->folder), &w->lake,
                      &w->err));
    struct tarn_engine_options options = {.threads = 2};
    OK(tarn_engine_open(&options, &w->engine, &w->err));
    OK(tarn_session_open(w->engine, &w->session, &w->err));
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    tarn_session_close(w->session);
    tarn_engine_close(w->engine);
    tarn_lake_close(w->lake);
    tarn_state_close(w->state);
    OK(tarn_path_remove(w->folder, &w->err));
    tarn_arena_free(w->arena);
    free(w->folder);
    free(w);
    return 0;
}

static struct tarn_lake_result put(struct world *w, struct tarn_lake_write write)
{
    struct tarn_lake_result result = {0};
    write.ns = write.ns ? write.ns : "s";
    write.name = write.name ? write.name : "t";
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, &result, &w->err));
    return result;
}

/* One text per row, columns joined by '|'; rows by '\n'. */
static const char *ask(struct world *w, const char *sql)
{
    TARN_BUFFER(out, 1 << 20);
    struct tarn_result *result;
    OK(tarn_session_query(w->session, sql, NULL, 0, &result, &w->err));
    for (;;) {
        size_t rows;
        OK(tarn_result_next(result, &rows, &w->err));
        if (rows == 0)
            break;
        for (size_t row = 0; row < rows; row++) {
            tarn_buffer_append_str(&out, out.len ? "\n" : "");
            for (size_t c = 0; c < tarn_result_column_count(result); c++) {
                struct tarn_vector v = tarn_result_vector(result, c);
                tarn_buffer_append_str(&out, c ? "|" : "");
                tarn_vector_format(&v, row, &out);
            }
        }
    }
    tarn_result_free(result);
    return tarn_arena_strdup(w->arena, tarn_buffer_str(&out));
}

static const char *read_table(struct world *w, const char *sql)
{
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    return ask(w, sql);
}

static void append_and_read(void **state)
{
    struct world *w = *state;
    struct tarn_lake_result r =
        put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, 'x' AS b"});
    assert_true(r.created);
    assert_int_equal(r.rows, 1);
    assert_int_equal(r.files, 1);
    assert_true(r.snapshot_id > 0 && r.snapshot_id < (1LL << 53));
    put(w, (struct tarn_lake_write){.query = "SELECT 2 AS a, 'y' AS b;  "});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"), "1|x\n2|y");
    put(w, (struct tarn_lake_write){.query = "SELECT 3 AS a, 'z' AS b -- the end",
                                    .mode = TARN_LAKE_OVERWRITE});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"), "3|z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(append_and_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
