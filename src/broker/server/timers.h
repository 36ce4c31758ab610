/* broker/server/timers.h -- any number of deadlines on the loop thread over one uv timer.
 *
 * The uv timer is armed for the earliest deadline only and not at all while nothing waits, so an
 * idle broker does not wake up. A tarn_timer is embedded in what waits; it may be stopped or freed
 * at once (no close callback as uv's own timers need), also from within its own callback. */
#ifndef TARN_BROKER_SERVER_TIMERS_H
#define TARN_BROKER_SERVER_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct tarn_timers;

struct tarn_timer {
    int64_t due_ms;  /* of the loop's clock */
    size_t position; /* in the heap, from 1; 0: not waiting */
    void (*fire)(struct tarn_timer *timer);
};

struct tarn_timers *tarn_timers_new(struct uv_loop_s *loop);
/* Forgets all timers; the memory goes when the loop has closed the uv timer: run the loop once
 * more. */
void tarn_timers_free(struct tarn_timers *timers);

/* Calls fire once after `delay_ms`; a timer that is waiting is moved. Zeroed memory is a timer that
 * does not wait. */
void tarn_timer_start(struct tarn_timers *timers, struct tarn_timer *timer, int64_t delay_ms,
                      void (*fire)(struct tarn_timer *timer));
void tarn_timer_stop(struct tarn_timers *timers,
                     struct tarn_timer *timer); /* not waiting is fine */
/* Fires what is due already. The loop does so only after it has served what came in meanwhile,
 * which is kind to members of groups when the machine was busy. */
void tarn_timers_run_due(struct tarn_timers *timers);
static inline bool tarn_timer_waits(const struct tarn_timer *timer)
{
    return timer->position != 0;
}

/* The struct that a timer is embedded in: struct parked *p = TARN_TIMER_OWNER(timer, struct parked,
 * timer); */
#define TARN_TIMER_OWNER(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
