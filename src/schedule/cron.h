/* schedule/cron.h -- cron expressions and when they fire next.
 *
 * Five fields: minute hour day-of-month month day-of-week, each `*`, numbers, names (JAN, MON),
 * ranges a-b, steps /n and lists; or @hourly @daily @midnight @weekly @monthly @yearly @annually.
 * As in cron(8), when both day fields are restricted a day matches that fits either. */
#ifndef TARN_SCHEDULE_CRON_H
#define TARN_SCHEDULE_CRON_H

#include "schedule/timezone.h"

struct tarn_cron {
    uint64_t minutes;  /* bit n: minute n */
    uint32_t hours;    /* 0-23 */
    uint32_t days;     /* 1-31 */
    uint32_t months;   /* 1-12 */
    uint32_t weekdays; /* 0-6, 0 is Sunday */
    bool any_hour;     /* the hour field begins with `*` */
    bool any_day, any_weekday;
};

/* CONFIG says which field is wrong and what it may be; also for a date that never comes (30
 * February). */
CHECKED enum tarn_status tarn_cron_parse(const char *expression, struct tarn_cron *ret_cron,
                                         struct tarn_error *err);

/* The first time after `after_s` (seconds since 1970) that the expression fires in the zone.
 *
 * When the clocks change: a job at fixed hours runs once, at the jump when its time is left out and
 * at the first of two when its time is there twice; a job of every hour keeps to real time. */
int64_t tarn_cron_next(const struct tarn_cron *cron, const struct tarn_timezone *zone,
                       int64_t after_s);

#endif
