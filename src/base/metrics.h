/* base/metrics.h -- named counters and gauges of the process, for /metrics and run summaries.
 *
 * A metric is a static struct that registers itself on first use; adding is one relaxed atomic add.
 * Names follow Prometheus' conventions (tarn_lake_commits_total). */
#ifndef TARN_BASE_METRICS_H
#define TARN_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buffer.h"

struct tarn_counter {
    const char *name;
    const char *help;
    _Atomic int64_t value;
    _Atomic int registered;
    struct tarn_counter *next;
};

#define TARN_COUNTER(variable, metric_name, metric_help)                                           \
    static struct tarn_counter variable = {.name = (metric_name), .help = (metric_help)}

void tarn_counter_add(struct tarn_counter *counter, int64_t amount);
/* Appends every registered counter in Prometheus text format 0.0.4, in order of name. */
void tarn_metrics_write(struct tarn_buffer *out);

#endif
