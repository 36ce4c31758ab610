/* source/synthetic/season.c -- see season.h. */
#include "source/synthetic/season.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "source/synthetic/real.h"

static const int64_t second_us = 1000000;
static const int64_t hour_us = 3600 * 1000000LL;

void tarn_season_flat(struct tarn_season *season)
{
    *season = (struct tarn_season){0};
    for (int i = 0; i < 24; i++)
        season->hour[i] = 1;
    for (int i = 0; i < 7; i++)
        season->weekday[i] = 1;
    for (int i = 0; i < 12; i++)
        season->month[i] = 1;
}

double tarn_season_day_rate(const struct tarn_season *season, int64_t first_day, int64_t day)
{
    int year;
    unsigned month, day_of_month;
    tarn_civil_from_days(day, &year, &month, &day_of_month);
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    double rate = season->weekday[weekday] * season->month[month - 1];
    rate *= tarn_real_pow(1 + season->trend, (double)(day - first_day) / 365.25);
    for (size_t i = 0; i < season->spike_count; i++)
        if (day >= season->spikes[i].from_day && day <= season->spikes[i].to_day)
            rate *= season->spikes[i].times;
    return rate;
}

/* A Poisson count in all but name: mean and variance are `mean`, and it needs no table per hour. */
static double noisy(double mean, uint64_t draw)
{
    double p = ((double)(draw >> 12) + 0.5) * 0x1.0p-52;
    if (mean < 12) {
        double term = tarn_real_exp(-mean), sum = term;
        int64_t k = 0;
        while (p > sum && k < 200) {
            k++;
            term *= mean / (double)k;
            sum += term;
        }
        return (double)k;
    }
    double value = mean + __builtin_sqrt(mean) * tarn_real_normal_quantile(p);
    return value > 0 ? value : 0;
}

/* Uniform order statistics within one hour: partial sums of exponentials over their total. */
static void fill_hour(uint64_t key, uint64_t hour_at, int64_t start_us, size_t count, int64_t *out,
                      double *gaps)
{
    uint64_t base = tarn_draw(key, hour_at);
    double total = 0;
    for (size_t i = 0; i <= count; i++) {
        double u = ((double)(tarn_draw(base, i) >> 12) + 0.5) * 0x1.0p-52;
        total -= tarn_real_log(u);
        gaps[i] = total;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t within = tarn_real_floor(gaps[i] / total * 3600.0);
        out[i] = start_us + (within < 3600 ? within : 3599) * second_us;
    }
}

void tarn_season_times(const struct tarn_season *season, uint64_t key, int64_t from_day,
                       int64_t to_day, size_t count, int64_t *out)
{
    size_t hours = (size_t)(to_day - from_day) * 24;
    if (count == 0 || hours == 0)
        return;
    TARN_AUTO_FREE double *rates = tarn_alloc_array(hours, sizeof *rates);
    double total = 0;
    for (size_t h = 0; h < hours; h += 24) {
        double day = tarn_season_day_rate(season, from_day, from_day + (int64_t)(h / 24));
        for (size_t i = 0; i < 24; i++)
            total += rates[h + i] = day * season->hour[i];
    }
    uint64_t noise_key = tarn_mix64(key ^ 0x6a09e667f3bcc909ULL);
    double drawn = 0;
    for (size_t h = 0; h < hours; h++) {
        rates[h] = noisy(rates[h] * (double)count / total, tarn_draw(noise_key, h));
        drawn += rates[h];
    }
    TARN_AUTO_FREE double *gaps = tarn_alloc_array(count + 1, sizeof *gaps);
    double sum = 0;
    size_t done = 0;
    for (size_t h = 0; h < hours; h++) {
        sum += rates[h];
        size_t until = h + 1 == hours ? count
                       : drawn > 0    ? (size_t)(sum / drawn * (double)count + 0.5)
                                      : 0;
        if (until > count)
            until = count;
        if (until > done) {
            fill_hour(key, h, from_day * 24 * hour_us + (int64_t)h * hour_us, until - done,
                      out + done, gaps);
            done = until;
        }
    }
}
