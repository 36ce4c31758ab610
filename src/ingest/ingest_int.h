/* ingest/ingest_int.h -- private to ingest.c, plan.c and rejects.c: one batch of files on its way.
 */
#ifndef TARN_INGEST_INGEST_INT_H
#define TARN_INGEST_INGEST_INT_H

#include "ingest/examine.h"
#include "ingest/ingest.h"
#include "ingest/spool.h"

struct tarn_batch {
    const struct tarn_ingest *ingest;
    struct tarn_arena *arena;
    struct tarn_examiner examiner;
    struct tarn_session *session;
    struct tarn_spool *spool;
    const char *load_id;
    int64_t started_us;
    struct tarn_landing_file **files; /* by arrival, then name */
    size_t count;
    int64_t known;
};

/* The files to look at: all of landing, or the named ones. */
CHECKED enum tarn_status tarn_plan_list(const struct tarn_ingest *ingest, struct tarn_arena *arena,
                                        struct tarn_landing_list *ret, struct tarn_error *err);
/* Drops from batch->files what is loaded already (counted in batch->known), marks duplicates, and
 * examines the rest. */
CHECKED enum tarn_status tarn_plan_batch(struct tarn_batch *batch, struct tarn_error *err);

/* Prepares bronze.rejected_files and bronze.rejected_rows: what this batch adds, or an empty table
 * when there is none yet. */
CHECKED enum tarn_status tarn_rejects_prepare(struct tarn_batch *batch,
                                              struct tarn_lake_commit *commit,
                                              struct tarn_error *err);

#endif
