/* source/synthetic/plan.h -- what must be known before any row can be drawn: how many rows every
 * entity has, when they happen, whose children they are, which files they go to, and the columns
 * that other entities look up. */
#ifndef TARN_SOURCE_SYNTHETIC_PLAN_H
#define TARN_SOURCE_SYNTHETIC_PLAN_H

#include "source/synthetic/batch.h"

/* One file: the rows [first, end) of its entity, plus the duplicates that land among them. */
struct tarn_synth_file {
    const char *path; /* below landing/: shop/orders/2026-10-31/orders-20261031.csv */
    int64_t from_day; /* the first day that it covers */
    int64_t arrived_day;
    uint64_t first, end;
    uint64_t cut; /* the row that a truncated file ends in, UINT64_MAX: not truncated */
    size_t extra_first, extra_end; /* of the entity's extras */
    bool renamed;                  /* after the change of schema */
    bool late;
};

/* A row that is written again: `row` stands once more behind row `after`. */
struct tarn_synth_extra {
    uint64_t row;
    uint64_t after;
    uint32_t fault; /* index into the entity's faults */
};

struct tarn_synth_plan {
    uint64_t rows;
    int64_t *times;     /* ascending; NULL: the parent's time */
    uint8_t *streams;   /* NULL: all of stream 0 */
    uint32_t *parents;  /* UINT32_MAX: none; NULL: the entity has no parent */
    uint64_t *children; /* of a lone stream `of` a parent: rows children[p] to children[p + 1] */
    struct tarn_synth_vector **kept; /* per field; NULL: not kept */
    void **kept_memory;              /* texts of the kept columns, one block per range of rows */
    size_t kept_memory_count, kept_memory_cap;
    size_t file_count;
    struct tarn_synth_file *files;
    size_t extra_count, extra_cap;
    struct tarn_synth_extra *extras; /* by `after`, then by row */
};

/* Counts, times, parents and files of every entity, then the kept columns; in order of dependence.
 */
CHECKED enum tarn_status tarn_synth_plan_make(struct tarn_synth_spec *spec, unsigned threads,
                                              struct tarn_error *err);
void tarn_synth_plan_release(struct tarn_synth_spec *spec);
/* When the row happens (its own time or its parent's), UTC microseconds. */
int64_t tarn_synth_row_time(const struct tarn_synth_entity *entity, uint64_t row);
/* How many rows of the entity happened at or before `time_us`; entities with times of their own. */
uint64_t tarn_synth_rows_until(const struct tarn_synth_entity *entity, int64_t time_us);

#endif
