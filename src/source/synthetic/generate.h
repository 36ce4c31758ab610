/* source/synthetic/generate.h -- runs a synthetic source: plan, files, ledger, fingerprint.
 *
 * Files are written into a hidden folder beside their place and appear all at once by one rename;
 * the fingerprint comes last, so a run that was cut short is simply done again. */
#ifndef TARN_SOURCE_SYNTHETIC_GENERATE_H
#define TARN_SOURCE_SYNTHETIC_GENERATE_H

#include "base/buffer.h"
#include "base/progress.h"
#include "source/synthetic/spec.h"

struct tarn_generate_options {
    const char *data; /* the data folder */
    struct tarn_synth_options spec;
    unsigned threads;
    bool force; /* also when it is up to date, and over files of other parameters */
    struct tarn_progress *progress;
};

struct tarn_generate_entity {
    const char *name;
    uint64_t rows, files, bytes, faults, lost_rows;
};

struct tarn_generate_result {
    bool up_to_date; /* nothing was done */
    const char *source;
    size_t entity_count;
    struct tarn_generate_entity *entities; /* in `arena` */
};

/* Generates what the source file declares into <data>/landing/<source>/ and <data>/ledger/. EXISTS
 * when the files of other parameters are there and `force` is not set. */
CHECKED enum tarn_status tarn_generate(const char *source_file,
                                       const struct tarn_generate_options *options,
                                       struct tarn_arena *arena,
                                       struct tarn_generate_result *ret_result,
                                       struct tarn_error *err);

#endif
