/* source/synthetic/fault.h -- damage on purpose: which row or file suffers what, and how a value
 * looks afterwards.
 *
 * A row has at most one fault, chosen by one draw; so a finding downstream has exactly one cause.
 * Files have faults of their own (late, truncated, a changed schema). Every fault that is carried
 * out goes into the ledger. */
#ifndef TARN_SOURCE_SYNTHETIC_FAULT_H
#define TARN_SOURCE_SYNTHETIC_FAULT_H

#include "source/synthetic/batch.h"

/* X(name, text, kind in the ledger, needs a column) */
#define TARN_SYNTH_FAULT_MAP(X)                                                                    \
    X(NULL, "null", "null", true)                                                                  \
    X(WRONG_TYPE, "wrong_type", "type", true)                                                      \
    X(MIXED_DATE, "mixed_date", "format", true)                                                    \
    X(CASE_VARIANT, "case_variant", "set", true)                                                   \
    X(WHITESPACE, "whitespace", "format", true)                                                    \
    X(BAD_EMAIL, "bad_email", "format", true)                                                      \
    X(NEGATIVE, "negative", "range", true)                                                         \
    X(ABSURD, "absurd", "range", true)                                                             \
    X(ORPHAN, "orphan", "orphan", true)                                                            \
    X(ENCODING, "encoding", "other", true)                                                         \
    X(DUPLICATE_SAME, "duplicate_same", "duplicate", false)                                        \
    X(DUPLICATE_CHANGED, "duplicate_changed", "duplicate", true)                                   \
    X(NEAR_DUPLICATE, "near_duplicate", "other", true)                                             \
    X(LATE_FILE, "late_file", "other", false)                                                      \
    X(TRUNCATED_FILE, "truncated_file", "other", false)                                            \
    X(SCHEMA_CHANGE, "schema_change", "other", true)

enum tarn_synth_fault_kind {
#define X(name, text, kind, column) TARN_SYNTH_FAULT_##name,
    TARN_SYNTH_FAULT_MAP(X)
#undef X
        TARN_SYNTH_FAULT_COUNT
};

extern const char *const tarn_synth_fault_names[TARN_SYNTH_FAULT_COUNT + 1]; /* ends in NULL */

struct tarn_synth_fault {
    enum tarn_synth_fault_kind fault;
    const struct tarn_yaml *node;
    double rate;      /* share of the rows, or of the files */
    uint64_t below;   /* rows: the fault of draws below this and not below the previous fault's */
    const char *kind; /* as the ledger spells it */
    size_t column_count;
    const struct tarn_synth_field **columns; /* one of them is damaged, by a second draw */
    int64_t days_min, days_max;              /* LATE_FILE */
    int64_t from_day;                        /* SCHEMA_CHANGE */
    const char *rename_to; /* SCHEMA_CHANGE: of columns[0]; NULL: it is gained then */
};

/* entity->faults from its `faults:`. */
CHECKED enum tarn_status tarn_synth_faults_read(struct tarn_synth_entity *entity,
                                                struct tarn_error *err);
/* `child` refers to `entity`: CONFIG when a fault would leave its rows without a parent unrecorded.
 */
CHECKED enum tarn_status tarn_synth_faults_check(struct tarn_synth_entity *entity,
                                                 const struct tarn_synth_entity *child,
                                                 struct tarn_error *err);
/* The fault of a row, NULL for most; a pure function of the row. */
const struct tarn_synth_fault *tarn_synth_fault_of_row(const struct tarn_synth_entity *entity,
                                                       uint64_t row);
/* Which of the fault's columns it hits in this row. */
const struct tarn_synth_field *tarn_synth_fault_column(const struct tarn_synth_entity *entity,
                                                       const struct tarn_synth_fault *fault,
                                                       uint64_t row);
uint64_t tarn_synth_fault_draw(const struct tarn_synth_entity *entity, uint64_t row);
/* True for faults that write a row a second time. */
bool tarn_synth_fault_repeats(const struct tarn_synth_fault *fault);

/* The damaged value of row i of the batch. `original` is the value as it would have been written.
 * False when the fault cannot change this value (letter case of digits): the row stays sound. The
 * text lives in the batch's scratch. */
bool tarn_synth_fault_damage(const struct tarn_synth_fault *fault,
                             const struct tarn_synth_field *field, struct tarn_synth_batch *batch,
                             size_t i, struct tarn_text original, struct tarn_text *ret);
/* The value of `field` in the changed copy of row i. */
struct tarn_text tarn_synth_fault_change(const struct tarn_synth_fault *fault,
                                         const struct tarn_synth_field *field,
                                         struct tarn_synth_batch *batch, size_t i,
                                         struct tarn_text original);

#endif
