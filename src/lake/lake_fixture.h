/* lake/lake_fixture.h -- a lake in a folder of its own, with an engine and a session, for the tests
 * beside it. */
#ifndef TARN_LAKE_LAKE_FIXTURE_H
#define TARN_LAKE_LAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* In functions with a `struct world *w`. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != TARN_OK) {                                                                   \
            print_error("%s: %s\n", #call, w->err.text);                                           \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static inline void open_lake(struct world *w)
{
    OK(tarn_lake_open(w->state, tarn_arena_format(w->arena, "%s/lake", w->folder), &w->lake,
                      &w->err));
}

static inline struct world *open_world(unsigned threads)
{
    char uuid[TARN_UUID_BYTES];
    struct world *w = tarn_alloc(sizeof *w);
    w->arena = tarn_arena_new();
    w->folder = tarn_format("/tmp/tarn-lake-test-%s", tarn_uuid(uuid));
    OK(tarn_directory_make(w->folder, &w->err));
    OK(tarn_state_open(tarn_arena_format(w->arena, "%s/state.db", w->folder), &w->state, &w->err));
    open_lake(w);
    struct tarn_engine_options options = {.threads = threads};
    OK(tarn_engine_open(&options, &w->engine, &w->err));
    OK(tarn_session_open(w->engine, &w->session, &w->err));
    return w;
}

static inline int tear_down(void **state)
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

/* One text per row, columns joined by '|'; rows by '\n'. */
static inline const char *ask(struct world *w, const char *sql)
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

/* The same of the table s.t as it is now. */
static inline const char *read_table(struct world *w, const char *sql)
{
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    return ask(w, sql);
}

#endif
