/* broker/server/timers.c -- a binary heap of deadlines; see timers.h. */
#include "broker/server/timers.h"

#include <assert.h>
#include <uv.h>

#include "base/memory.h"

struct tarn_timers {
    uv_timer_t uv;
    uv_loop_t *loop;
    struct tarn_timer **heap; /* heap[0] is not used: positions start at 1 */
    size_t count, cap;
};

struct tarn_timers *tarn_timers_new(struct uv_loop_s *loop)
{
    struct tarn_timers *timers = tarn_alloc(sizeof *timers);
    timers->loop = loop;
    uv_timer_init(loop, &timers->uv);
    timers->uv.data = timers;
    uv_unref((uv_handle_t *)&timers->uv);
    return timers;
}

static void on_closed(uv_handle_t *handle)
{
    struct tarn_timers *timers = handle->data;
    free(timers->heap);
    free(timers);
}

void tarn_timers_free(struct tarn_timers *timers)
{
    for (size_t i = 1; i <= timers->count; i++)
        timers->heap[i]->position = 0;
    timers->count = 0;
    uv_close((uv_handle_t *)&timers->uv, on_closed);
}

static void place(struct tarn_timers *timers, size_t position, struct tarn_timer *timer)
{
    timers->heap[position] = timer;
    timer->position = position;
}

static void sift_up(struct tarn_timers *timers, size_t position)
{
    struct tarn_timer *timer = timers->heap[position];
    while (position > 1 && timers->heap[position / 2]->due_ms > timer->due_ms) {
        place(timers, position, timers->heap[position / 2]);
        position /= 2;
    }
    place(timers, position, timer);
}

static void sift_down(struct tarn_timers *timers, size_t position)
{
    struct tarn_timer *timer = timers->heap[position];
    for (;;) {
        size_t child = position * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child + 1]->due_ms < timers->heap[child]->due_ms)
            child++;
        if (timers->heap[child]->due_ms >= timer->due_ms)
            break;
        place(timers, position, timers->heap[child]);
        position = child;
    }
    place(timers, position, timer);
}

static void take_out(struct tarn_timers *timers, struct tarn_timer *timer)
{
    size_t position = timer->position;
    struct tarn_timer *last = timers->heap[timers->count--];
    timer->position = 0;
    if (last == timer)
        return;
    place(timers, position, last);
    sift_up(timers, position);
    sift_down(timers, last->position);
}

static void arm(struct tarn_timers *timers);

void tarn_timers_run_due(struct tarn_timers *timers)
{
    int64_t now = (int64_t)uv_now(timers->loop);
    while (timers->count > 0 && timers->heap[1]->due_ms <= now) {
        struct tarn_timer *timer = timers->heap[1];
        take_out(timers, timer);
        timer->fire(timer);
    }
    arm(timers);
}

static void on_due(uv_timer_t *uv)
{
    tarn_timers_run_due(uv->data);
}

static void arm(struct tarn_timers *timers)
{
    if (timers->count == 0) {
        uv_timer_stop(&timers->uv);
        return;
    }
    int64_t wait = timers->heap[1]->due_ms - (int64_t)uv_now(timers->loop);
    uv_timer_start(&timers->uv, on_due, wait > 0 ? (uint64_t)wait : 0, 0);
}

void tarn_timer_start(struct tarn_timers *timers, struct tarn_timer *timer, int64_t delay_ms,
                      void (*fire)(struct tarn_timer *timer))
{
    assert(fire);
    int64_t now = (int64_t)uv_now(timers->loop);
    struct tarn_timer *first = timers->count > 0 ? timers->heap[1] : NULL;
    int64_t first_due = first ? first->due_ms : 0;
    if (timer->position)
        take_out(timers, timer);
    timer->due_ms = delay_ms > INT64_MAX - now ? INT64_MAX : now + (delay_ms > 0 ? delay_ms : 0);
    timer->fire = fire;
    TARN_RESERVE(timers->heap, timers->cap, timers->count + 2);
    timers->heap[++timers->count] = timer;
    timer->position = timers->count;
    sift_up(timers, timer->position);
    if (!first || timers->heap[1] != first || timers->heap[1]->due_ms != first_due)
        arm(timers);
}

void tarn_timer_stop(struct tarn_timers *timers, struct tarn_timer *timer)
{
    if (!timer->position)
        return;
    bool was_first = timer->position == 1;
    take_out(timers, timer);
    if (was_first && timers->count == 0)
        arm(timers); /* a later deadline may stay: waking up early once is cheaper than re-arming */
}
