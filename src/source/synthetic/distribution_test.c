/* source/synthetic/distribution_test.c -- the arithmetic beneath the generators: accuracy, moments,
 * alias tables, picks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "source/synthetic/distribution.h"
#include "source/synthetic/format.h"
#include "source/synthetic/pick.h"
#include "source/synthetic/real.h"
#include "source/synthetic/season.h"

enum { DRAWS = 200000 };

static void assert_near(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", got, tolerance, wanted);
}

static void real_functions(void **state)
{
    (void)state;
    for (double x = -300; x < 300; x += 0.37) {
        assert_near(tarn_real_exp(x) / exp(x), 1, 1e-14);
        assert_near(tarn_real_log(exp(x)), log(exp(x)), 1e-13 * fabs(x) + 1e-15);
    }
    for (double p = 1e-12; p < 1; p += 0.00137) {
        double x = tarn_real_normal_quantile(p);
        assert_near(tarn_real_normal_cdf(x), p, 1e-12);
        assert_near(0.5 * erfc(-x / sqrt(2)), p, 1e-12);
    }
    assert_near(tarn_real_pow(2, 10), 1024, 1e-9);
    assert_int_equal(tarn_real_round(2.5), 3);
    assert_int_equal(tarn_real_round(-2.5), -3);
    assert_int_equal(tarn_real_floor(-0.1), -1);
}

struct moments {
    double mean, sd;
};

static struct moments draw_moments(struct tarn_distribution d)
{
    struct tarn_arena *arena = tarn_arena_new();
    struct tarn_error err = {0};
    if (d.min == 0 && d.max == 0) {
        d.min = -1e300;
        d.max = 1e300;
    }
    assert_int_equal(tarn_distribution_init(&d, arena, &err), TARN_OK);
    double sum = 0, squares = 0;
    uint64_t key = tarn_draw_key(1, (uint64_t)d.kind, 2);
    for (uint64_t row = 0; row < DRAWS; row++) {
        double x;
        tarn_distribution_draw(&d, key, &row, 1, &x);
        sum += x;
        squares += x * x;
    }
    tarn_arena_free(arena);
    double mean = sum / DRAWS;
    return (struct moments){mean, sqrt(squares / DRAWS - mean * mean)};
}

static void moments_are_right(void **state)
{
    (void)state;
    static const struct {
        struct tarn_distribution d;
        double mean, sd;
    } cases[] = {
        {{.kind = TARN_DISTRIBUTION_CONSTANT, .a = 7}, 7, 0},
        {{.kind = TARN_DISTRIBUTION_UNIFORM, .a = 2, .b = 8}, 5, 1.7320508},
        {{.kind = TARN_DISTRIBUTION_NORMAL, .a = 10, .b = 3}, 10, 3},
        {{.kind = TARN_DISTRIBUTION_LOGNORMAL, .a = 20, .b = 0.5}, 22.6629691, 12.0778},
        {{.kind = TARN_DISTRIBUTION_EXPONENTIAL, .a = 4}, 4, 4},
        {{.kind = TARN_DISTRIBUTION_POISSON, .a = 3.5}, 3.5, 1.8708287},
        {{.kind = TARN_DISTRIBUTION_POISSON, .a = 5000}, 5000, 70.710678},
        {{.kind = TARN_DISTRIBUTION_GEOMETRIC, .a = 0.25}, 3, 3.4641016},
        {{.kind = TARN_DISTRIBUTION_GEOMETRIC, .a = 0.0001}, 9999, 9999.5},
        {{.kind = TARN_DISTRIBUTION_GAMMA, .a = 2.5, .b = 2}, 5, 3.1622777},
        {{.kind = TARN_DISTRIBUTION_GAMMA, .a = 0.5, .b = 2}, 1, 1.4142136},
        {{.kind = TARN_DISTRIBUTION_PARETO, .a = 2, .b = 5}, 2.5, 0.6454972},
        {{.kind = TARN_DISTRIBUTION_ZIPF, .a = 3, .b = 1}, 1.6363636, 0.7713892},
        {{.kind = TARN_DISTRIBUTION_WEIBULL, .a = 2, .b = 3}, 2.6586807, 1.3897522},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct moments got = draw_moments(cases[i].d);
        double error = cases[i].sd / sqrt(DRAWS);
        assert_near(got.mean, cases[i].mean, 4.5 * error + 1e-9);
        assert_near(got.sd, cases[i].sd, 0.03 * cases[i].sd + 1e-9);
    }
}

static void values_are_clamped(void **state)
{
    (void)state;
    struct tarn_distribution d = {.kind = TARN_DISTRIBUTION_NORMAL, .b = 100, .min = -1, .max = 2};
    for (uint64_t row = 0; row < 1000; row++) {
        double x = tarn_distribution_draw_one(&d, tarn_draw(1, row));
        assert_true(x >= -1 && x <= 2);
    }
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    static const struct tarn_distribution bad[] = {
        {.kind = TARN_DISTRIBUTION_UNIFORM, .a = 2, .b = 1},
        {.kind = TARN_DISTRIBUTION_NORMAL, .b = -1},
        {.kind = TARN_DISTRIBUTION_LOGNORMAL, .a = 0, .b = 1},
        {.kind = TARN_DISTRIBUTION_GEOMETRIC, .a = 1},
        {.kind = TARN_DISTRIBUTION_POISSON, .a = 0},
        {.kind = TARN_DISTRIBUTION_POISSON, .a = NAN},
        {.kind = TARN_DISTRIBUTION_ZIPF, .a = 1e12, .b = 1},
        {.kind = TARN_DISTRIBUTION_CONSTANT, .min = 2, .max = 1},
    };
    struct tarn_arena *arena = tarn_arena_new();
    for (size_t i = 0; i < TARN_COUNT(bad); i++) {
        struct tarn_distribution d = bad[i];
        struct tarn_error err = {0};
        assert_int_equal(tarn_distribution_init(&d, arena, &err), TARN_CONFIG);
        assert_true(err.text[0] != 0);
    }
    tarn_arena_free(arena);
}

static void alias_draws_the_weights(void **state)
{
    (void)state;
    static const double weights[] = {5, 0, 1, 3.5, 0.5};
    struct tarn_arena *arena = tarn_arena_new();
    struct tarn_alias alias;
    tarn_alias_init(&alias, weights, 5, arena);
    double counts[5] = {0};
    for (uint64_t row = 0; row < DRAWS; row++)
        counts[tarn_alias_draw(&alias, tarn_draw(3, row))]++;
    for (size_t i = 0; i < 5; i++)
        assert_near(counts[i] / DRAWS, weights[i] / 10, 0.005);
    assert_true(counts[1] == 0);
    tarn_arena_free(arena);
}

static void a_permutation_hits_every_place_once(void **state)
{
    (void)state;
    for (uint64_t count = 1; count < 700; count += 37) {
        TARN_AUTO_FREE uint8_t *seen = tarn_alloc(count);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t at = tarn_permute(i, count, 99);
            assert_true(at < count && !seen[at]);
            seen[at] = 1;
        }
    }
}

static void picks_follow_zipf_and_stay_active(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    struct tarn_pick pick;
    tarn_pick_init(&pick, 5, ROWS, 1);
    double counts[ROWS] = {0}, most = 0, harmonic = 0;
    for (uint64_t row = 0; row < DRAWS; row++)
        counts[tarn_pick_draw(&pick, tarn_draw(1, row), ROWS)]++;
    for (int i = 0; i < ROWS; i++) {
        most = counts[i] > most ? counts[i] : most;
        harmonic += 1.0 / (i + 1);
    }
    assert_near(most / DRAWS, 1 / harmonic, 0.004);
    for (uint64_t row = 0; row < 20000; row++) {
        size_t active = 1 + row % ROWS;
        assert_true(tarn_pick_draw(&pick, tarn_draw(2, row), active) < active);
    }
    tarn_pick_release(&pick);
}

static void arrivals_follow_the_season(void **state)
{
    (void)state;
    enum { ROWS = 50000 };
    struct tarn_season season;
    tarn_season_flat(&season);
    for (int hour = 0; hour < 12; hour++)
        season.hour[hour] = 0;
    struct tarn_season_spike spike = {.from_day = 20010, .to_day = 20010, .times = 5};
    season.spikes = &spike;
    season.spike_count = 1;
    TARN_AUTO_FREE int64_t *times = tarn_alloc_array(ROWS, sizeof *times);
    tarn_season_times(&season, 4, 20000, 20100, ROWS, times);
    double spike_rows = 0;
    int64_t day_us = 86400 * 1000000LL;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(i == 0 || times[i] >= times[i - 1]);
        assert_true(times[i] >= 20000 * day_us && times[i] < 20100 * day_us);
        assert_true(times[i] % day_us >= day_us / 2);
        spike_rows += times[i] / day_us == 20010;
    }
    assert_near(spike_rows / ROWS, 5.0 / 104, 0.006);
}

static void assert_put(char *end, char *start, const char *wanted)
{
    *end = 0;
    assert_string_equal(start, wanted);
}

static void values_are_formatted(void **state)
{
    (void)state;
    char out[200];
    assert_put(tarn_put_int(out, INT64_MIN), out, "-9223372036854775808");
    assert_put(tarn_put_int(out, 0), out, "0");
    assert_put(tarn_put_int(out, 12345), out, "12345");
    assert_put(tarn_put_padded(out, 42, 5), out, "00042");
    assert_put(tarn_put_padded(out, 123456, 5), out, "123456");
    assert_put(tarn_put_decimal(out, -5, 2), out, "-0.05");
    assert_put(tarn_put_decimal(out, 129900, 2), out, "1299.00");
    assert_put(tarn_put_decimal(out, 1234567, 3), out, "1234.567");
    assert_put(tarn_put_real(out, 0.1), out, "0.1");
    assert_put(tarn_put_real(out, -2), out, "-2.0");
    assert_put(tarn_put_time(out, 0), out, "1970-01-01 00:00:00");
    assert_put(tarn_put_date(out, 20757), out, "2026-10-31");
    assert_put(tarn_put_csv(out, TARN_TEXT("a \"b\", c")), out, "\"a \"\"b\"\", c\"");
    assert_put(tarn_put_csv(out, TARN_TEXT(" x")), out, "\" x\"");
    assert_put(tarn_put_json(out, TARN_TEXT("a\"\\\n\x01")), out, "\"a\\\"\\\\\\u000a\\u0001\"");
    for (int64_t value = 1; value < INT64_MAX / 10; value = value * 10 + 7) {
        char wanted[30];
        snprintf(wanted, sizeof wanted, "%lld", (long long)value);
        assert_put(tarn_put_int(out, value), out, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_functions),
        cmocka_unit_test(moments_are_right),
        cmocka_unit_test(values_are_clamped),
        cmocka_unit_test(bad_parameters_are_refused),
        cmocka_unit_test(alias_draws_the_weights),
        cmocka_unit_test(a_permutation_hits_every_place_once),
        cmocka_unit_test(picks_follow_zipf_and_stay_active),
        cmocka_unit_test(arrivals_follow_the_season),
        cmocka_unit_test(values_are_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
