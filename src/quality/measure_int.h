/* quality/measure_int.h -- what measuring (measure.c) and keeping and showing unexpected rows
 * (measure_rows.c) share. Private to the two. */
#ifndef TARN_QUALITY_MEASURE_INT_H
#define TARN_QUALITY_MEASURE_INT_H

#include "quality/measure.h"

/* Prefix of the tables of one run. They stand in the engine's own memory, not in a session's,
 * because suites are measured by several sessions and quarantined by one. */
#define TARN_MEASURE_TABLES "memory.main.tarn_quality_"

enum {
    TARN_MEASURE_SQL_BYTES = 32 << 20,
    TARN_MEASURE_VALUE_BYTES = 1 << 20,
    SLOTS_PER_CHECK = 5,
};

/* One column of a fused SELECT. */
struct tarn_slot {
    const char *sql;
    bool is_null;
    bool truth; /* BOOLEAN */
    bool is_number;
    int64_t integer;
    double real;
    const char *json;
    const char *text;
};

/* All slots over one relation. */
struct tarn_scan {
    const char *source;
    struct tarn_slot *slots;
    size_t count, cap;
};

struct tarn_plan {
    const struct tarn_check *checks;
    struct tarn_outcome *outcomes;
    size_t count;
    const struct tarn_measure_options *options;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_scan *scans; /* at most one per check */
    size_t scan_count;
    /* Per check: which scan, and which of its slots. */
    size_t *scan_of;
    size_t (*slots_of)[SLOTS_PER_CHECK];
};

/* The relation that a check scans. */
static inline const char *tarn_relation_of(const struct tarn_check *check)
{
    return check->source ? check->source : check->table->sql;
}

/* Runs the slots as one SELECT and fills in their values. */
CHECKED enum tarn_status tarn_scan_run(struct tarn_plan *p, struct tarn_scan *scan,
                                       struct tarn_error *err);
/* Keeps the unexpected rows in the bad table and takes the counts from it. */
CHECKED enum tarn_status tarn_measure_collect(struct tarn_plan *p, struct tarn_error *err);
CHECKED enum tarn_status tarn_measure_samples(struct tarn_plan *p, struct tarn_outcome *o,
                                              struct tarn_error *err);

#endif
