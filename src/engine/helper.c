/* engine/helper.c -- the threads that help statements which take long.
 *
 * A session's own thread works on its statement; DuckDB's background threads are switched off,
 * since with them every task of every small statement wakes a thread that finds nothing left to do,
 * which costs a tenth of the time of a run of small statements. A helper joins when a statement has
 * run for a while and there are fewer busy sessions than threads. While statements come and go it
 * dozes and looks again every millisecond; it sleeps for good when there are none. */
#include <time.h>

#include "base/clock.h"
#include "engine/engine_int.h"

enum { JOIN_AFTER_US = 1000, DOZE_NS = 1000 * 1000, DOZES_MAX = 20, TASKS_AT_ONCE = 1 };

/* With the lock. */
static bool is_wanted(const struct tarn_helpers *h)
{
    return h->busy > 0 && h->busy + h->helping < h->threads &&
           tarn_monotonic_us() - h->busy_since_us >= JOIN_AFTER_US;
}

/* With the lock. Returns when there may be something to do. */
static void rest(struct tarn_helpers *h, unsigned *dozes)
{
    if (h->busy > 0)
        *dozes = 0;
    if (++*dozes > DOZES_MAX) {
        h->sleeping++;
        pthread_cond_wait(&h->changed, &h->lock);
        h->sleeping--;
        *dozes = 0;
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += DOZE_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&h->changed, &h->lock, &until);
}

static void *help(void *argument)
{
    struct tarn_engine *engine = argument;
    struct tarn_helpers *h = &engine->helpers;
    unsigned dozes = 0;
    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (!is_wanted(h)) {
            rest(h, &dozes);
            continue;
        }
        h->helping++;
        pthread_mutex_unlock(&h->lock);
        duckdb_execute_tasks(engine->database, TASKS_AT_ONCE); /* waits up to 5 ms for one */
        pthread_mutex_lock(&h->lock);
        h->helping--;
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

void tarn_helpers_start(struct tarn_engine *engine)
{
    struct tarn_helpers *h = &engine->helpers;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&h->lock, NULL);
    h->threads = engine->threads;
    h->ids = tarn_alloc_array(engine->threads, sizeof *h->ids);
    while (h->count + 1 < engine->threads &&
           pthread_create(&h->ids[h->count], NULL, help, engine) == 0)
        h->count++; /* fewer than wanted is only slower */
}

void tarn_helpers_stop(struct tarn_engine *engine)
{
    struct tarn_helpers *h = &engine->helpers;
    if (!h->ids)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
    for (unsigned i = 0; i < h->count; i++)
        pthread_join(h->ids[i], NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->changed);
    free(h->ids);
    h->ids = NULL;
}

void tarn_helpers_enter(struct tarn_engine *engine)
{
    struct tarn_helpers *h = &engine->helpers;
    pthread_mutex_lock(&h->lock);
    if (h->busy++ == 0)
        h->busy_since_us = tarn_monotonic_us();
    if (h->sleeping > 0)
        pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

void tarn_helpers_leave(struct tarn_engine *engine)
{
    struct tarn_helpers *h = &engine->helpers;
    pthread_mutex_lock(&h->lock);
    h->busy--;
    pthread_mutex_unlock(&h->lock);
}
