/* schedule/cron_test.c -- cron fields, and next runs across clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schedule/cron.h"

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static int64_t at(const char *text)
{
    int64_t time_us;
    assert_true(tarn_time_parse(tarn_text_of(text), &time_us));
    return time_us / 1000000;
}

static void expect_next(const char *rule, const char *expression, const char *after,
                        const char *wanted)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err;
    struct tarn_cron cron;
    const struct tarn_timezone *zone;
    assert_int_equal(tarn_cron_parse(expression, &cron, &err), TARN_OK);
    assert_int_equal(tarn_timezone_from_rule(rule, arena, &zone, &err), TARN_OK);
    char text[TARN_TIME_TEXT_BYTES];
    tarn_time_format(tarn_cron_next(&cron, zone, at(after)) * 1000000, text);
    assert_string_equal(text, wanted);
}

static void test_plain_times(void **state)
{
    (void)state;
    expect_next("UTC0", "0 5 * * *", "2026-03-01T05:00", "2026-03-02T05:00:00Z");
    expect_next("UTC0", "0 5 * * *", "2026-03-01T04:59:59", "2026-03-01T05:00:00Z");
    expect_next("UTC0", "*/15 * * * *", "2026-03-01T05:00:01", "2026-03-01T05:15:00Z");
    expect_next("UTC0", "@monthly", "2026-01-31T12:00", "2026-02-01T00:00:00Z");
    expect_next("UTC0", "30 6 * * MON-FRI", "2026-03-06T07:00", "2026-03-09T06:30:00Z");
    expect_next("UTC0", "0 0 29 2 *", "2026-03-01", "2028-02-29T00:00:00Z");
    expect_next("UTC0", "0 0 29 2 *", "2096-03-01", "2104-02-29T00:00:00Z");
    expect_next("UTC0", "0 0 * * 7", "2026-03-02", "2026-03-08T00:00:00Z");
}

static void test_either_day_field(void **state)
{
    (void)state;
    expect_next("UTC0", "0 0 13 * FRI", "2026-03-01", "2026-03-06T00:00:00Z");
    expect_next("UTC0", "0 0 13 * FRI", "2026-04-10", "2026-04-13T00:00:00Z");
    expect_next("UTC0", "0 0 */2 * MON", "2026-03-03", "2026-03-09T00:00:00Z");
}

/* Berlin, 2026-03-29: 02:00 becomes 03:00 (01:00 UTC). 2026-10-25: 03:00 becomes 02:00 (01:00 UTC).
 */
static void test_time_left_out(void **state)
{
    (void)state;
    expect_next(berlin, "30 2 * * *", "2026-03-28T12:00", "2026-03-29T01:00:00Z");
    expect_next(berlin, "30 2 * * *", "2026-03-29T01:00", "2026-03-30T00:30:00Z");
    expect_next(berlin, "0 5 * * *", "2026-03-28T12:00", "2026-03-29T03:00:00Z");
}

static void test_time_there_twice(void **state)
{
    (void)state;
    expect_next(berlin, "30 2 * * *", "2026-10-24T12:00", "2026-10-25T00:30:00Z");
    expect_next(berlin, "30 2 * * *", "2026-10-25T00:30", "2026-10-26T01:30:00Z");
    expect_next(berlin, "0 5 * * *", "2026-10-24T12:00", "2026-10-25T04:00:00Z");
}

static void test_every_hour_keeps_real_time(void **state)
{
    (void)state;
    expect_next(berlin, "30 * * * *", "2026-10-25T00:30", "2026-10-25T01:30:00Z");
    expect_next(berlin, "30 * * * *", "2026-03-29T00:30", "2026-03-29T01:30:00Z");
}

static void test_southern_half_and_midnight_change(void **state)
{
    (void)state;
    /* Sydney: summer over new year */
    expect_next("AEST-10AEDT,M10.1.0,M4.1.0/3", "0 6 * * *", "2026-01-10T00:00",
                "2026-01-10T19:00:00Z");
    expect_next("AEST-10AEDT,M10.1.0,M4.1.0/3", "0 6 * * *", "2026-07-10T00:00",
                "2026-07-10T20:00:00Z");
    /* Azores: clocks go back over midnight, 01:00 becomes 00:00 */
    expect_next("<-01>1<+00>,M3.5.0/0,M10.5.0/1", "30 0 * * *", "2026-10-25T00:29",
                "2026-10-25T00:30:00Z");
    expect_next("<-01>1<+00>,M3.5.0/0,M10.5.0/1", "30 0 * * *", "2026-10-25T00:30",
                "2026-10-26T01:30:00Z");
}

static void test_bad_expressions(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "a * * * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "1,, * * * *",
        "1, * * * *",
        "-1 * * * *",
        "@often",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "1-2-3 * * * *",
        "/5 * * * *",
        "*/x * * * *",
    };
    for (size_t i = 0; i < TARN_COUNT(bad); i++) {
        struct tarn_cron cron;
        struct tarn_error err = {0};
        if (tarn_cron_parse(bad[i], &cron, &err) != TARN_CONFIG)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

static void test_system_zones_agree_with_rules(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err;
    const struct tarn_timezone *zone, *rule;
    if (tarn_timezone_open("Europe/Berlin", arena, &zone, &err) != TARN_OK)
        skip(); /* no tzdata here */
    assert_int_equal(tarn_timezone_from_rule(berlin, arena, &rule, &err), TARN_OK);
    for (int64_t instant = at("1997-01-01"); instant < at("2060-01-01"); instant += 1800)
        if (tarn_timezone_offset(zone, instant) != tarn_timezone_offset(rule, instant))
            fail_msg("offsets differ at %lld", (long long)instant);
    assert_int_equal(tarn_timezone_offset(zone, at("1850-01-01")), 3208); /* local mean time */
    assert_int_equal(tarn_timezone_instant(zone, at("2026-10-25T02:30")), at("2026-10-25T00:30"));
    assert_int_equal(tarn_timezone_instant(zone, at("2026-03-29T02:30")), at("2026-03-29T01:00"));
}

static void test_unknown_zones(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    static const char *const bad[] = {"",
                                      "Europe",
                                      "Europe/Nowhere",
                                      "../etc/passwd",
                                      "/etc/passwd",
                                      "Europe/../../../etc/passwd"};
    for (size_t i = 0; i < TARN_COUNT(bad); i++) {
        struct tarn_error err;
        const struct tarn_timezone *zone;
        assert_int_equal(tarn_timezone_open(bad[i], arena, &zone, &err), TARN_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_times),
        cmocka_unit_test(test_either_day_field),
        cmocka_unit_test(test_time_left_out),
        cmocka_unit_test(test_time_there_twice),
        cmocka_unit_test(test_every_hour_keeps_real_time),
        cmocka_unit_test(test_southern_half_and_midnight_change),
        cmocka_unit_test(test_bad_expressions),
        cmocka_unit_test(test_system_zones_agree_with_rules),
        cmocka_unit_test(test_unknown_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
