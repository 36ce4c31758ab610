/* ingest/scan.h -- CSV and JSON files as rows for SQL.
 *
 * Threads take pieces of the files from one queue and fill DuckDB's vectors; texts are pointers
 * into the mapped files. Records that cannot be read go to the spool. Column names decide where a
 * value goes, so files with other orders, more or fewer columns mix. */
#ifndef TARN_INGEST_SCAN_H
#define TARN_INGEST_SCAN_H

#include "engine/session.h"
#include "ingest/columns.h"
#include "ingest/landing.h"
#include "ingest/spool.h"

struct tarn_scan_options {
    struct tarn_landing_file **files;
    size_t file_count;
    const struct tarn_columns *columns;
    bool rescue; /* add _rescued: values that do not fit their column's type, as a JSON object */
    const char *load_id;
    int64_t loaded_us;
    struct tarn_spool *spool; /* tarn_reject.file is the address of the file */
    struct tarn_arena *arena;
    unsigned threads;
};

struct tarn_scan;
/* `*ret_sql` is what to select from: the columns, then _file, _line, _load_id, _loaded_at,
 * _arrived_on and, when asked for, _rescued. Everything in the options must live until the scan is
 * freed; it can be read once. Counts per file are in files[i]->rows and rejected_rows. */
void tarn_scan_open(struct tarn_engine *engine, const struct tarn_scan_options *options,
                    struct tarn_scan **ret, const char **ret_sql);
void tarn_scan_free(struct tarn_scan *scan); /* NULL is fine */
/* After the statement: INTERNAL when a file's bytes were not all read. */
CHECKED enum tarn_status tarn_scan_check(const struct tarn_scan *scan, struct tarn_error *err);

#endif
