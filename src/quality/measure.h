/* quality/measure.h -- measures all checks of one table in as few scans as possible.
 *
 * Row-wise conditions and aggregates of all checks become the columns of one SELECT per relation
 * scanned, equal ones once. A unique key costs one more pass: a bitmap over the key's range for
 * dense integers, else one hash aggregate; a foreign key one anti-join. Samples of unexpected
 * values are fetched only for checks that have any. */
#ifndef TARN_QUALITY_MEASURE_H
#define TARN_QUALITY_MEASURE_H

#include "quality/check.h"

struct tarn_measure_options {
    size_t sample_max;        /* unexpected values kept per check */
    size_t suite_id;          /* keeps the tables of suites apart */
    bool collect;             /* keep the unexpected rows; see tarn_measure_bad_table */
    const char *const *index; /* columns that name a row in samples */
    size_t index_count;
};

struct tarn_sample {
    const char *value_json;
    const char *index_json; /* {"column": value, "key": ...}; NULL without index columns */
};

struct tarn_outcome {
    const struct tarn_check *check;
    bool success;
    int64_t table_rows;       /* of the table; 0 when it was not scanned */
    int64_t element_count;    /* rows looked at */
    int64_t considered_count; /* of them, with a value to judge */
    int64_t unexpected_count;
    int64_t surplus_count;     /* UNIQUE: rows beyond the first of each key */
    const char *observed_json; /* AGGREGATE, CATALOG; NULL for others */
    const char *observed_text;
    bool has_number; /* observed is a number */
    double number;
    double score; /* AGGREGATE with a score, otherwise 1 */
    /* UNIQUE and REFERENCE with unexpected rows: temporary table of the keys (__key0, ...). */
    const char *offenders;
    /* ROW, UNIQUE, REFERENCE: SQL that is true for an unexpected row of the scanned relation. */
    const char *condition;
    struct tarn_sample *samples;
    size_t sample_count;
};

/* `checks` are of one table. CONFIG with file:line when a check's SQL is at fault. The temporary
 * tables live until tarn_measure_release. */
CHECKED enum tarn_status tarn_measure(const struct tarn_check *checks, size_t count,
                                      const struct tarn_measure_options *options,
                                      struct tarn_arena *arena, struct tarn_outcome *outcomes,
                                      struct tarn_error *err);
void tarn_measure_release(const struct tarn_outcome *outcomes, size_t count,
                          const struct tarn_measure_options *options);

/* With `collect`: the temporary table of all rows that are unexpected to any check over the table
 * itself: its columns, __row (the source's columns as JSON text) and a flag __bad<i> per check i
 * for which tarn_outcome_is_collected. The rows are filtered while they are counted, which saves
 * a pass. */
const char *tarn_measure_bad_table(const struct tarn_measure_options *options,
                                   struct tarn_arena *arena);
/* Conditions over another relation than the table (comparisons with the row before) name no row of
 * the table. */
bool tarn_outcome_is_collected(const struct tarn_outcome *outcome);

#endif
