/* ingest/landing.h -- the files below landing/ and what is known of each: whose they are, how they
 * are to be read, what came of it.
 *
 * A file lies at <source>/<entity>/<YYYY-MM-DD>/<name>, where the date is the day it arrived. A
 * path with fewer parts is taken as far as it goes: the folder it lies in is the entity, the file's
 * own date the arrival. The files in the project's sources/ may declare how an entity's files are
 * read. */
#ifndef TARN_INGEST_LANDING_H
#define TARN_INGEST_LANDING_H

#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "ingest/csv.h"
#include "ingest/input.h"
#include "ingest/json_record.h"

struct tarn_load;    /* store/load.h */
struct tarn_project; /* project/project.h */

enum tarn_format {
    TARN_FORMAT_CSV,
    TARN_FORMAT_JSON,
    TARN_FORMAT_NDJSON,
    TARN_FORMAT_PARQUET,
    TARN_FORMAT_UNKNOWN,
};
const char *tarn_format_name(enum tarn_format format);
/* By the name's ending (.csv, .tsv, .txt, .json, .ndjson, .jsonl, .parquet, each also with .gz or
 * .zst). */
enum tarn_format tarn_format_of_name(const char *name);
/* "csv", "json", ...; UNKNOWN for anything else. */
enum tarn_format tarn_format_parse(const char *text);

/* How a source's file says an entity is to be read. */
struct tarn_declared {
    const char *source, *entity;
    enum tarn_format format;
    enum tarn_encoding encoding;
    char delimiter; /* 0: found out */
    int header;     /* 1 yes, 0 no, -1: found out */
    const char *
        *columns; /* names for files without a header; otherwise at least one must be there */
    size_t column_count;
    const char **table_columns; /* what the table has even when no file brings it */
    size_t table_column_count;
};
struct tarn_declarations {
    struct tarn_declared *items;
    size_t count;
};
/* Reads every .yml file in <project>/sources. A project without that folder declares nothing. */
CHECKED enum tarn_status tarn_declarations_read(const struct tarn_project *project,
                                                struct tarn_arena *arena,
                                                struct tarn_declarations *ret,
                                                struct tarn_error *err);
const struct tarn_declared *tarn_declarations_find(const struct tarn_declarations *declarations,
                                                   const char *source, const char *entity);

struct tarn_landing_file {
    const char *path; /* absolute */
    const char *name; /* below landing/: the column _file */
    const char *source, *entity;
    const struct tarn_declared *declared; /* NULL: types are inferred */
    enum tarn_format format;
    int64_t arrived_day; /* days since 1970 */
    int64_t size_bytes, modified_us;
    char sha256[TARN_SHA256_HEX_BYTES];

    const char *rejected;            /* why the whole file cannot be read; NULL: it can */
    const char *duplicate_of;        /* the loaded file with the same content */
    const struct tarn_load *earlier; /* what is recorded of it; NULL: nothing */
    struct tarn_error *failed;       /* the machine could not read it; NULL: it could */
    bool left_out;                   /* its table could not be written */

    /* of a readable CSV or JSON file */
    struct tarn_input input;
    struct tarn_text body; /* without the header */
    int64_t body_line;
    struct tarn_csv_dialect dialect;
    enum tarn_json_layout layout;
    const char **columns; /* as bronze names them; CSV: in the file's order */
    size_t column_count;
    struct tarn_guess *guesses; /* per column, when types are inferred */
    int *slots;                 /* CSV: the scan's column of each field */

    /* of a readable Parquet file */
    struct tarn_column *parquet_columns;

    /* what came of it */
    _Atomic int64_t rows, rejected_rows, pieces_open;
    _Atomic int64_t bytes_read;
};

struct tarn_landing_list {
    struct tarn_landing_file **files; /* by arrival, then name */
    size_t count;
};
/* Every file below `root`, or below `root`/`only` (may be NULL). */
CHECKED enum tarn_status tarn_landing_list(const char *root,
                                           const struct tarn_declarations *declarations,
                                           struct tarn_arena *arena, struct tarn_landing_list *ret,
                                           struct tarn_error *err);
/* One file by its path below `root`, which tells everything but the size. */
struct tarn_landing_file *tarn_landing_file_of(const char *root, const char *name,
                                               const struct tarn_declarations *declarations,
                                               struct tarn_arena *arena);
/* A table's name from any text: lower case, everything but letters and digits as one '_'. */
char *tarn_entity_name(struct tarn_text text, struct tarn_arena *arena);

#endif
