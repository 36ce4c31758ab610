/* base/clock.h -- time: UTC microseconds since 1970 for what people see, monotonic for durations.
 */
#ifndef TARN_BASE_CLOCK_H
#define TARN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

int64_t tarn_now_us(void);       /* wall clock, UTC microseconds */
int64_t tarn_monotonic_us(void); /* for durations only */

/* Days since 1970-01-01 of a civil date (proleptic Gregorian), and back. */
int64_t tarn_days_from_civil(int year, unsigned month, unsigned day);
void tarn_civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day);

enum { TARN_TIME_TEXT_BYTES = 40 };
/* "2026-03-01T12:34:56.123456Z" (microseconds left out when zero); returns `out`. */
char *tarn_time_format(int64_t time_us, char out[TARN_TIME_TEXT_BYTES]);
/* "2026-03-01"; returns `out`. */
char *tarn_date_format(int64_t days, char out[TARN_TIME_TEXT_BYTES]);
/* Reads YYYY-MM-DD[(T| )HH:MM[:SS[.ffffff]][Z]] as UTC; false when it is anything else. */
bool tarn_time_parse(struct tarn_text text, int64_t *ret_time_us);

#endif
