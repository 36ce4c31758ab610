/* model/template/datetime.h -- moments as Python's datetime module has them, and their text.
 * Proleptic Gregorian calendar, no time zones but fixed offsets from UTC. */
#ifndef TARN_MODEL_TEMPLATE_DATETIME_H
#define TARN_MODEL_TEMPLATE_DATETIME_H

#include "model/template/value_int.h"

enum { US_PER_SECOND = 1000000 };
#define US_PER_DAY (86400LL * US_PER_SECOND)

/* A date (at midnight) or a datetime: local microseconds since 1970, and how far local time is
 * ahead of UTC. */
struct moment {
    int64_t local_us;
    bool is_date;
    bool is_aware;
    int64_t offset_us;
};

struct civil {
    int year;
    unsigned month, day, hour, minute, second, us;
};
struct civil civil_of(const struct moment *moment);
/* Days since 1970 of the local date. */
int64_t moment_days(const struct moment *moment);
/* INVALID when it is not a date between the years 1 and 9999. */
CHECKED enum tarn_status moment_of(struct civil civil, struct moment *ret, struct tarn_error *err);

void moment_isoformat(const struct moment *moment, char separator, struct tarn_buffer *out);
void moment_strftime(const struct moment *moment, struct tarn_text format, struct tarn_buffer *out);
CHECKED enum tarn_status moment_strptime(struct tarn_text text, struct tarn_text format,
                                         struct moment *ret, struct tarn_error *err);
/* ISO 8601 as datetime.fromisoformat takes it. */
CHECKED enum tarn_status moment_from_iso(struct tarn_text text, bool is_date, struct moment *ret,
                                         struct tarn_error *err);
struct iso_week {
    int year;
    int week;
    int weekday; /* Monday is 1 */
};
struct iso_week iso_week_of(const struct moment *moment);

#endif
