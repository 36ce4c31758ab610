/* ingest/parquet.h -- Parquet files as rows for SQL: DuckDB reads them, with the types they have.
 */
#ifndef TARN_INGEST_PARQUET_H
#define TARN_INGEST_PARQUET_H

#include "base/buffer.h"
#include "engine/session.h"
#include "ingest/columns.h"
#include "ingest/landing.h"

/* Reads the footer: columns and rows, or why it is no Parquet file. */
CHECKED enum tarn_status tarn_parquet_examine(struct tarn_session *session,
                                              struct tarn_arena *arena,
                                              struct tarn_landing_file *file,
                                              struct tarn_error *err);
/* Reads all of it; a file with damaged pages is rejected. For finding the culprit afterwards. */
CHECKED enum tarn_status tarn_parquet_verify(struct tarn_session *session, struct tarn_arena *arena,
                                             struct tarn_landing_file *file,
                                             struct tarn_error *err);

/* The type a Parquet column has in bronze: its own, or the nearest that the lake can keep. */
const char *tarn_parquet_bronze_type(const struct tarn_type *type, struct tarn_arena *arena);

struct tarn_parquet_load {
    struct tarn_landing_file **files;
    size_t count;
    const struct tarn_columns *columns; /* types that the table has; others keep the file's */
    bool rescue;
    const char *load_id;
    const char *loaded_at; /* a SQL timestamp literal's text */
};
/* Appends one SELECT per group of files with the same columns, joined by UNION ALL BY NAME. */
void tarn_parquet_sql(const struct tarn_parquet_load *load, struct tarn_buffer *sql);
/* Whether a value may not fit the table's type, so that the table needs _rescued. */
bool tarn_parquet_misfits(const struct tarn_type *file, const struct tarn_type *table);

#endif
