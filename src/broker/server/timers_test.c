/* Deadlines over one uv timer: order, stopping, moving, and that nothing is armed while nothing
 * waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "base/memory.h"
#include "broker/server/timers.h"

enum { TIMERS = 200 };

struct waiting {
    struct tarn_timer timer;
    int number;
};

static int fired[TIMERS], fired_count;
static struct tarn_timers *timers;
static uv_async_t keep; /* the timers do not keep a loop alive by themselves */

static void note(struct tarn_timer *timer)
{
    fired[fired_count++] = TARN_TIMER_OWNER(timer, struct waiting, timer)->number;
}

static void again(struct tarn_timer *timer)
{
    note(timer);
    if (fired_count < 3)
        tarn_timer_start(timers, timer, 1, again);
}

static int open_loop(void **state)
{
    uv_loop_t *loop = tarn_alloc(sizeof *loop);
    uv_loop_init(loop);
    uv_async_init(loop, &keep, NULL);
    timers = tarn_timers_new(loop);
    fired_count = 0;
    *state = loop;
    return 0;
}

static int close_loop(void **state)
{
    uv_loop_t *loop = *state;
    tarn_timers_free(timers);
    uv_close((uv_handle_t *)&keep, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
    free(loop);
    return 0;
}

static void run_until(uv_loop_t *loop, int count)
{
    while (fired_count < count)
        uv_run(loop, UV_RUN_NOWAIT);
}

static void test_they_come_in_order(void **state)
{
    struct waiting waiting[TIMERS] = {{{0}, 0}};
    for (int i = 0; i < TIMERS; i++) {
        int number = i * 37 % TIMERS;
        waiting[number].number = number;
        tarn_timer_start(timers, &waiting[number].timer, number / 4, note);
    }
    for (int i = 0; i < TIMERS; i += 2)
        tarn_timer_stop(timers, &waiting[i].timer);
    run_until(*state, TIMERS / 2);
    for (int i = 1; i < fired_count; i++)
        assert_true(fired[i - 1] / 4 <= fired[i] / 4);
    for (int i = 0; i < TIMERS; i++)
        assert_false(tarn_timer_waits(&waiting[i].timer));
    assert_int_equal(fired_count, TIMERS / 2);
}

static void test_one_may_be_moved_and_started_again(void **state)
{
    struct waiting late = {{0}, 1}, repeated = {{0}, 2}, never = {{0}, 3};
    tarn_timer_start(timers, &never.timer, INT64_MAX, note);
    tarn_timer_start(timers, &late.timer, 100000, note);
    tarn_timer_start(timers, &late.timer, 0, note);
    run_until(*state, 1);
    assert_int_equal(fired[0], 1);
    fired_count = 0;
    tarn_timer_start(timers, &repeated.timer, 1, again);
    run_until(*state, 3);
    assert_int_equal(fired[2], 2);
    assert_true(tarn_timer_waits(&never.timer));
}

static void test_nothing_is_armed_when_nothing_waits(void **state)
{
    struct waiting waiting = {{0}, 1};
    uv_loop_t *loop = *state;
    uv_run(loop, UV_RUN_NOWAIT);
    tarn_timer_start(timers, &waiting.timer, 5000, note);
    assert_true(uv_backend_timeout(loop) > 4000);
    tarn_timer_stop(timers, &waiting.timer);
    tarn_timer_stop(timers, &waiting.timer);
    assert_int_equal(uv_backend_timeout(loop), -1);
}

static void test_due_ones_can_be_fired_early(void **state)
{
    (void)state;
    struct waiting due = {.number = 1}, later = {.number = 2};
    tarn_timer_start(timers, &due.timer, 0, note);
    tarn_timer_start(timers, &later.timer, 60000, note);
    tarn_timers_run_due(timers);
    assert_int_equal(fired_count, 1);
    assert_int_equal(fired[0], 1);
    assert_false(tarn_timer_waits(&due.timer));
    assert_true(tarn_timer_waits(&later.timer));
    tarn_timer_stop(timers, &later.timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_they_come_in_order, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_one_may_be_moved_and_started_again, open_loop,
                                        close_loop),
        cmocka_unit_test_setup_teardown(test_due_ones_can_be_fired_early, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_nothing_is_armed_when_nothing_waits, open_loop,
                                        close_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
