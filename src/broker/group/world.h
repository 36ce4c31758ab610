/* broker/group/world.h -- what a coordinator needs from around it: the log, deadlines, the time.
 *
 * Passed in, so that tests turn the clock by hand. Loop thread. */
#ifndef TARN_BROKER_GROUP_WORLD_H
#define TARN_BROKER_GROUP_WORLD_H

#include <stdint.h>

#include "broker/server/timers.h"

struct tarn_log;

struct tarn_world {
    struct tarn_log *log;
    struct tarn_timers *timers; /* handed to the next two */
    /* tarn_timer_start and tarn_timer_stop, or a test's. */
    void (*timer_start)(struct tarn_timers *timers, struct tarn_timer *timer, int64_t delay_ms,
                        void (*fire)(struct tarn_timer *timer));
    void (*timer_stop)(struct tarn_timers *timers, struct tarn_timer *timer);
    int64_t (*now_ms)(void *context); /* wall clock, UTC milliseconds */
    void *clock_context;
};

static inline void tarn_world_start(const struct tarn_world *world, struct tarn_timer *timer,
                                    int64_t delay_ms, void (*fire)(struct tarn_timer *timer))
{
    world->timer_start(world->timers, timer, delay_ms < 0 ? 0 : delay_ms, fire);
}
static inline void tarn_world_stop(const struct tarn_world *world, struct tarn_timer *timer)
{
    world->timer_stop(world->timers, timer);
}
static inline int64_t tarn_world_now_ms(const struct tarn_world *world)
{
    return world->now_ms(world->clock_context);
}

#endif
