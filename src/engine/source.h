/* engine/source.h -- lets C code produce rows for SQL: SELECT ... FROM <text that tarn_source_add
 * returns>.
 *
 * One table function is registered per engine; a source is looked up by its number, so nothing is
 * left in the catalog. The fastest way into DuckDB: parsers and generators fill vectors, SQL and
 * COPY take them from there. */
#ifndef TARN_ENGINE_SOURCE_H
#define TARN_ENGINE_SOURCE_H

#include "engine/session.h"

enum { TARN_SOURCE_CHUNK_ROWS = 2048, TARN_SOURCE_SQL_BYTES = 48 };

struct tarn_source_chunk {
    size_t column_count;
    struct tarn_vector *vectors; /* write into data; tarn_vector_set_null / _set_text */
    size_t rows; /* set by fill: at most TARN_SOURCE_CHUNK_ROWS; 0 ends this thread's share */
};

struct tarn_source {
    size_t column_count;
    const struct tarn_column *columns; /* scalar types only; must live until removed */
    uint64_t row_estimate;             /* 0: unknown; feeds the progress bar and the planner */
    unsigned max_threads; /* how many threads may call fill at once; 1 keeps the order */
    void *context;
    /* Per thread; `open` may be NULL. Returns the thread's own state. */
    void *(*open)(void *context);
    void (*close)(void *thread_state);
    /* Fills the next chunk of this thread. Called until it sets rows = 0 or fails. */
    enum tarn_status (*fill)(void *context, void *thread_state, struct tarn_source_chunk *chunk,
                             struct tarn_error *err);
};

/* Makes the source visible; writes "tarn_source(N)" to `out_sql`. `source` must stay until removed.
 * A source may be scanned once only unless its fill can start over in `open`. */
void tarn_source_add(struct tarn_engine *engine, const struct tarn_source *source, uint64_t *ret_id,
                     char out_sql[TARN_SOURCE_SQL_BYTES]);
void tarn_source_remove(struct tarn_engine *engine, uint64_t id);

/* A scalar type from its SQL text ("BIGINT", "DECIMAL(18,2)", "VARCHAR"), in `arena`; NULL when it
 * is none. */
const struct tarn_type *tarn_type_parse(struct tarn_arena *arena, const char *sql);

#endif
