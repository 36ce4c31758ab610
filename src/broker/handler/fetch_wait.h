/* broker/handler/fetch_wait.h -- fetches that wait for records (long polls). Loop thread.
 *
 * A waiting fetch stands in the list of each of its partitions; when one of them changes, the fetch
 * is looked at once before the loop sleeps, however often its partitions changed in that turn.
 * Nothing polls. */
#ifndef TARN_BROKER_HANDLER_FETCH_WAIT_H
#define TARN_BROKER_HANDLER_FETCH_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/server/timers.h"

struct tarn_arena;
struct tarn_broker;
struct tarn_fetch_wait;
struct tarn_fetch_waits;
struct tarn_partition;

/* The fetch in the list of one partition. */
struct tarn_fetch_watch {
    struct tarn_fetch_wait *wait;
    struct tarn_partition *partition; /* NULL: not in a list */
    struct tarn_fetch_watch *next, *previous;
};

/* Embedded in the fetch. */
struct tarn_fetch_wait {
    struct tarn_fetch_waits *waits;
    struct tarn_fetch_watch *watches;
    size_t watch_count;
    struct tarn_timer timer;
    struct tarn_fetch_wait *next_woken;
    bool is_woken;
    /* Called when a partition has changed or the time is up: answers after tarn_fetch_wait_leave,
     * or goes on waiting. */
    void (*woken)(struct tarn_fetch_wait *wait, bool timed_out);
};

struct tarn_fetch_waits *tarn_fetch_waits_new(struct tarn_broker *broker);
void tarn_fetch_waits_free(struct tarn_fetch_waits *waits);
void tarn_fetch_waits_changed(struct tarn_fetch_waits *waits, struct tarn_partition *partition,
                              bool gone);
void tarn_fetch_waits_run(struct tarn_fetch_waits *waits);

/* `partitions` may hold one twice. Memory for the lists comes from the arena. */
void tarn_fetch_wait_park(struct tarn_fetch_waits *waits, struct tarn_fetch_wait *wait,
                          struct tarn_partition *const *partitions, size_t count,
                          struct tarn_arena *arena, int64_t timeout_ms,
                          void (*woken)(struct tarn_fetch_wait *wait, bool timed_out));
void tarn_fetch_wait_leave(struct tarn_fetch_wait *wait);

#endif
