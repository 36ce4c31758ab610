/* base/pool.h -- a fixed set of threads that run jobs; the caller waits for all of them. */
#ifndef TARN_BASE_POOL_H
#define TARN_BASE_POOL_H

#include <stddef.h>

/* Cores this process may use (sched_getaffinity), at least 1. */
unsigned tarn_cpu_count(void);

/* Runs work(context, i) for every i below `count` on up to `threads` threads (the caller's is one
 * of them) and returns when all are done. Jobs start in order; which thread runs which is not
 * defined. */
void tarn_parallel_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                       void *context);

#endif
