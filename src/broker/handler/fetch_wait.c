/* broker/handler/fetch_wait.c -- see fetch_wait.h. */
#include "broker/handler/fetch_wait.h"

#include "base/memory.h"
#include "broker/broker.h"
#include "broker/log/partition.h"

struct tarn_fetch_waits {
    struct tarn_timers *timers;
    struct tarn_fetch_wait *woken;
};

struct tarn_fetch_waits *tarn_fetch_waits_new(struct tarn_broker *broker)
{
    struct tarn_fetch_waits *waits = tarn_alloc(sizeof *waits);
    waits->timers = tarn_broker_timers(broker);
    return waits;
}

void tarn_fetch_waits_free(struct tarn_fetch_waits *waits)
{
    free(waits);
}

/* ---- the list of a partition ---- */

static void enter(struct tarn_fetch_watch *watch, struct tarn_partition *partition)
{
    struct tarn_fetch_watch *first = tarn_partition_user(partition);
    watch->partition = partition;
    watch->next = first;
    watch->previous = NULL;
    if (first)
        first->previous = watch;
    tarn_partition_set_user(partition, watch);
}

static void leave(struct tarn_fetch_watch *watch)
{
    if (!watch->partition)
        return;
    if (watch->previous)
        watch->previous->next = watch->next;
    else
        tarn_partition_set_user(watch->partition, watch->next);
    if (watch->next)
        watch->next->previous = watch->previous;
    watch->partition = NULL;
}

/* ---- waking ---- */

static void wake(struct tarn_fetch_waits *waits, struct tarn_fetch_wait *wait)
{
    if (wait->is_woken)
        return;
    wait->is_woken = true;
    wait->next_woken = waits->woken;
    waits->woken = wait;
}

void tarn_fetch_waits_changed(struct tarn_fetch_waits *waits, struct tarn_partition *partition,
                              bool gone)
{
    for (struct tarn_fetch_watch *watch = tarn_partition_user(partition); watch;) {
        struct tarn_fetch_watch *next = watch->next;
        wake(waits, watch->wait);
        if (gone)
            watch->partition = NULL;
        watch = next;
    }
    if (gone)
        tarn_partition_set_user(partition, NULL);
}

void tarn_fetch_waits_run(struct tarn_fetch_waits *waits)
{
    while (waits->woken) {
        struct tarn_fetch_wait *wait = waits->woken;
        waits->woken = wait->next_woken;
        wait->is_woken = false;
        wait->woken(wait, false);
    }
}

static void on_timeout(struct tarn_timer *timer)
{
    struct tarn_fetch_wait *wait = TARN_TIMER_OWNER(timer, struct tarn_fetch_wait, timer);
    wait->woken(wait, true);
}

void tarn_fetch_wait_park(struct tarn_fetch_waits *waits, struct tarn_fetch_wait *wait,
                          struct tarn_partition *const *partitions, size_t count,
                          struct tarn_arena *arena, int64_t timeout_ms,
                          void (*woken)(struct tarn_fetch_wait *wait, bool timed_out))
{
    *wait =
        (struct tarn_fetch_wait){.waits = waits,
                                 .watches = tarn_arena_array(arena, count, sizeof *wait->watches),
                                 .watch_count = count,
                                 .woken = woken};
    for (size_t i = 0; i < count; i++) {
        wait->watches[i].wait = wait;
        enter(&wait->watches[i], partitions[i]);
    }
    tarn_timer_start(waits->timers, &wait->timer, timeout_ms, on_timeout);
}

void tarn_fetch_wait_leave(struct tarn_fetch_wait *wait)
{
    struct tarn_fetch_waits *waits = wait->waits;
    tarn_timer_stop(waits->timers, &wait->timer);
    for (size_t i = 0; i < wait->watch_count; i++)
        leave(&wait->watches[i]);
    wait->watch_count = 0;
    if (!wait->is_woken)
        return;
    struct tarn_fetch_wait **at = &waits->woken;
    while (*at != wait)
        at = &(*at)->next_woken;
    *at = wait->next_woken;
    wait->is_woken = false;
}
