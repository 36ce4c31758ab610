/* source/synthetic/season.h -- when things happen: arrivals of a Poisson process whose rate follows
 * the clock.
 *
 * rate(t) = hour of day x weekday x month x trend x spikes. The number of rows is given, so the
 * process is drawn conditioned on it: every hour gets a Poisson share of the rows in proportion to
 * its rate, and the arrivals within an hour are uniform order statistics (spacings of
 * exponentials). */
#ifndef TARN_SOURCE_SYNTHETIC_SEASON_H
#define TARN_SOURCE_SYNTHETIC_SEASON_H

#include <stddef.h>
#include <stdint.h>

struct tarn_season_spike {
    int64_t from_day, to_day; /* days since 1970, both included */
    double times;
};

struct tarn_season {
    double hour[24];
    double weekday[7]; /* Monday first */
    double month[12];
    double trend; /* growth of the rate per year: 0.3 is 30 % more after a year */
    size_t spike_count;
    const struct tarn_season_spike *spikes;
};

/* The same rate all the time. */
void tarn_season_flat(struct tarn_season *season);
/* Relative rate of a whole day; `first_day` is where the trend starts from 1. */
double tarn_season_day_rate(const struct tarn_season *season, int64_t first_day, int64_t day);
/* Fills out[0..count) with ascending UTC microseconds (whole seconds) in the days [from_day,
 * to_day). */
void tarn_season_times(const struct tarn_season *season, uint64_t key, int64_t from_day,
                       int64_t to_day, size_t count, int64_t *out);

#endif
