/* ingest/ingest.h -- landing to bronze, exactly once.
 *
 * New files are found out about (examine, survey), read as rows by all threads and appended to
 * bronze.<entity>, one commit for all tables of a run. That each file was loaded is written in the
 * same SQLite transaction that moves the tables' pointers, so that a crash at any moment leaves
 * both or neither. A file is known by its content: the same bytes for the same entity load once. */
#ifndef TARN_INGEST_INGEST_H
#define TARN_INGEST_INGEST_H

#include "base/progress.h"
#include "engine/session.h"
#include "ingest/landing.h"
#include "lake/lake.h"
#include "project/project.h"
#include "store/state.h"

/* Named limit: files of one commit; more take several. */
enum { TARN_INGEST_BATCH_FILES = 10000 };

struct tarn_ingest {
    const struct tarn_project *project;
    struct tarn_state *state;
    struct tarn_lake *lake;
    struct tarn_engine *engine;
    struct tarn_progress *progress; /* may be NULL */
    /* Only these, by their names below landing/; NULL: everything there. */
    const char *const *names;
    size_t name_count;
    enum tarn_format format; /* of `names`; UNKNOWN: by declaration or name */
    bool retry;              /* load files again that were rejected before */
};

struct tarn_ingest_table {
    const char *entity;
    int64_t files, rows, rejected_rows, rejected_files, duplicates;
    int64_t bytes;
    const char *failed; /* why nothing of it was loaded, or NULL */
};
struct tarn_ingest_reject {
    const char *file, *reason;
};
struct tarn_ingest_result {
    const char *load_id;
    struct tarn_ingest_table *tables;
    size_t table_count;
    struct tarn_ingest_reject *rejected; /* whole files */
    size_t rejected_count;
    struct tarn_ingest_reject *duplicates; /* reason: the file that has the same content */
    size_t duplicate_count;
    int64_t known; /* files that were loaded before */
    struct tarn_ingest_table total;
};

/* Loads what is new. A table that cannot be written is left out and named in its `failed`; the
 * others are committed, and the first such error is returned with the result filled in. */
CHECKED enum tarn_status tarn_ingest_run(const struct tarn_ingest *ingest, struct tarn_arena *arena,
                                         struct tarn_ingest_result *ret, struct tarn_error *err);

/* Copies a file to landing/files/<table>/<today>/ (durably) and gives its name below landing/.
 * `table` may be NULL: from the file's name. A file that lies below landing/ already stays where it
 * is. When this content was loaded for the table before nothing is copied, and *ret_known is the
 * name of the file it came in; otherwise it is NULL. */
CHECKED enum tarn_status tarn_ingest_copy(const struct tarn_ingest *ingest, const char *path,
                                          const char *table, struct tarn_arena *arena,
                                          const char **ret_name, const char **ret_known,
                                          struct tarn_error *err);

#endif
