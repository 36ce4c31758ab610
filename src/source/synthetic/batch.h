/* source/synthetic/batch.h -- rows of one entity in columns: what the generators fill and the
 * writers read.
 *
 * A batch is a set of row numbers; a field's column is drawn the first time that it is asked for.
 * Everything lives in the scratch memory of the thread that made the batch. */
#ifndef TARN_SOURCE_SYNTHETIC_BATCH_H
#define TARN_SOURCE_SYNTHETIC_BATCH_H

#include "source/synthetic/scratch.h"
#include "source/synthetic/spec.h"

enum { TARN_SYNTH_BATCH_ROWS = 2048 };

struct tarn_synth_vector {
    enum tarn_synth_type type;
    uint8_t scale;
    uint8_t *nulls; /* 1 where null; NULL: no nulls */
    union {
        int64_t *ints; /* INT, DECIMAL, BOOL, DATE, TIME */
        double *reals;
        struct tarn_text *texts;
    };
    int64_t *targets;               /* references: the row of the target, -1 for none */
    struct tarn_synth_batch *items; /* LIST: the inner rows ... */
    uint32_t *starts;               /* ... of row i are starts[i] to starts[i + 1] */
};

struct tarn_synth_batch {
    const struct tarn_synth_entity *entity;
    struct tarn_scratch *scratch;
    size_t count;
    const uint64_t *rows;
    struct tarn_synth_vector **vectors; /* per field; NULL: not drawn yet */
    int64_t *parents; /* row of the parent, -1 for none; NULL: not asked for yet */
    /* rows of a list only */
    struct tarn_synth_batch *outer;
    const uint32_t *outer_at; /* index into `outer` */
    const uint8_t *states;    /* state of the machine */
    const struct tarn_synth_machine *const *machines;
    const int64_t *times;
};

/* `rows` must live as long as the batch. */
struct tarn_synth_batch *tarn_synth_batch_new(const struct tarn_synth_entity *entity,
                                              struct tarn_scratch *scratch, const uint64_t *rows,
                                              size_t count);
/* Rows first, first + 1, ... */
struct tarn_synth_batch *tarn_synth_batch_range(const struct tarn_synth_entity *entity,
                                                struct tarn_scratch *scratch, uint64_t first,
                                                size_t count);
/* The column of a field. */
struct tarn_synth_vector *tarn_synth_column(struct tarn_synth_batch *batch,
                                            const struct tarn_synth_field *field);
/* The parent's row per row. */
const int64_t *tarn_synth_parents(struct tarn_synth_batch *batch);
/* A field of another entity at the rows `targets` (-1 gives null). */
struct tarn_synth_vector *tarn_synth_gather(struct tarn_synth_batch *batch,
                                            const struct tarn_synth_field *field,
                                            const int64_t *targets);

struct tarn_synth_vector *tarn_synth_vector_new(struct tarn_scratch *scratch,
                                                enum tarn_synth_type type, size_t count);
/* Makes room for nulls (all clear) when there is none yet. */
uint8_t *tarn_synth_vector_nulls(struct tarn_scratch *scratch, struct tarn_synth_vector *vector,
                                 size_t count);
/* The numbers of an INT, DECIMAL, REAL or BOOL vector as doubles. */
const double *tarn_synth_as_reals(struct tarn_scratch *scratch,
                                  const struct tarn_synth_vector *vector, size_t count);
/* The numbers as integers with `scale` decimals, rounded half away from zero. */
const int64_t *tarn_synth_as_scaled(struct tarn_scratch *scratch,
                                    const struct tarn_synth_vector *vector, unsigned scale,
                                    size_t count);
/* Any column as text, nulls as empty. */
const struct tarn_text *tarn_synth_as_texts(struct tarn_scratch *scratch,
                                            const struct tarn_synth_vector *vector, size_t count);
/* One value as text, without quotes; room for TARN_PUT_VALUE_BYTES or the text's length. */
char *tarn_synth_put_value(char *at, const struct tarn_synth_vector *vector, size_t row);

#endif
