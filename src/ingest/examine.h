/* ingest/examine.h -- finds out how each landing file is to be read, or why it cannot be. */
#ifndef TARN_INGEST_EXAMINE_H
#define TARN_INGEST_EXAMINE_H

#include <pthread.h>

#include "ingest/landing.h"

struct tarn_examiner {
    struct tarn_arena *arena; /* what is found lives here; shared by threads through the lock */
    pthread_mutex_t lock;
    const char *spill_directory;
    unsigned threads;
};

/* Opens the CSV or JSON file and fills in its dialect, layout and, for CSV, columns and body; or
 * says in file->rejected why it cannot be read as it should be. Thread-safe. Fails only when the
 * machine does. */
CHECKED enum tarn_status tarn_examine(struct tarn_examiner *examiner,
                                      struct tarn_landing_file *file, struct tarn_error *err);

/* Reads through the files whose columns or types are not known yet (JSON; CSV without a
 * declaration) on all threads, and fills in columns and guesses. */
void tarn_survey(struct tarn_examiner *examiner, struct tarn_landing_file **files, size_t count);

/* The next piece of a file, by its format. */
struct tarn_cutter {
    const struct tarn_landing_file *file;
    struct tarn_csv_cutter csv;
    struct tarn_json_cutter json;
};
void tarn_cutter_start(struct tarn_cutter *cutter, const struct tarn_landing_file *file);
bool tarn_cutter_next(struct tarn_cutter *cutter, struct tarn_piece *ret_piece);

#endif
