/* base/clock.c -- see clock.h. Civil date arithmetic after Howard Hinnant's "chrono-compatible
 * low-level date algorithms" (public domain). */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { SECOND_US = 1000000 };
static const int64_t DAY_US = 86400LL * SECOND_US;

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t tarn_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t tarn_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t tarn_days_from_civil(int year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned year_of_era = (unsigned)(y - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

void tarn_civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned day_of_era = (unsigned)(z - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = (int)((int64_t)year_of_era + era * 400 + (*ret_month <= 2));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

char *tarn_date_format(int64_t days, char out[TARN_TIME_TEXT_BYTES])
{
    int year;
    unsigned month, day;
    tarn_civil_from_days(days, &year, &month, &day);
    snprintf(out, TARN_TIME_TEXT_BYTES, "%04d-%02u-%02u", year, month, day);
    return out;
}

char *tarn_time_format(int64_t time_us, char out[TARN_TIME_TEXT_BYTES])
{
    int64_t days = floor_div(time_us, DAY_US);
    int64_t rest = time_us - days * DAY_US;
    int seconds = (int)(rest / SECOND_US), micros = (int)(rest % SECOND_US);
    char date[TARN_TIME_TEXT_BYTES];
    int len =
        snprintf(out, TARN_TIME_TEXT_BYTES, "%.16sT%02d:%02d:%02d", tarn_date_format(days, date),
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (micros)
        len += snprintf(out + len, TARN_TIME_TEXT_BYTES - (size_t)len, ".%06d", micros);
    snprintf(out + len, TARN_TIME_TEXT_BYTES - (size_t)len, "Z");
    return out;
}

/* Exactly `digits` decimal digits at *at; moves on. */
static bool take_number(struct tarn_text text, size_t *at, size_t digits, unsigned *ret_value)
{
    unsigned value = 0;
    if (text.len - *at < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(text.data[*at + i] - '0');
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *at += digits;
    *ret_value = value;
    return true;
}

static bool take_char(struct tarn_text text, size_t *at, char c)
{
    if (*at >= text.len || text.data[*at] != c)
        return false;
    ++*at;
    return true;
}

static bool take_fraction(struct tarn_text text, size_t *at, unsigned *ret_micros)
{
    unsigned micros = 0, scale = 100000;
    size_t start = *at;
    for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at, scale /= 10)
        micros += (unsigned)(text.data[*at] - '0') * scale;
    *ret_micros = micros;
    return *at > start;
}

bool tarn_time_parse(struct tarn_text text, int64_t *ret_time_us)
{
    size_t at = 0;
    unsigned year, month, day, hour = 0, minute = 0, second = 0, micros = 0;
    if (!take_number(text, &at, 4, &year) || !take_char(text, &at, '-') ||
        !take_number(text, &at, 2, &month) || !take_char(text, &at, '-') ||
        !take_number(text, &at, 2, &day))
        return false;
    if (take_char(text, &at, 'T') || take_char(text, &at, ' ')) {
        if (!take_number(text, &at, 2, &hour) || !take_char(text, &at, ':') ||
            !take_number(text, &at, 2, &minute))
            return false;
        if (take_char(text, &at, ':') && !take_number(text, &at, 2, &second))
            return false;
        if (take_char(text, &at, '.') && !take_fraction(text, &at, &micros))
            return false;
        (void)take_char(text, &at, 'Z'); /* UTC either way */
    }
    if (at != text.len || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    int64_t days = tarn_days_from_civil((int)year, month, day);
    int check_year;
    unsigned check_month, check_day;
    tarn_civil_from_days(days, &check_year, &check_month, &check_day);
    if (check_day != day || check_month != month) /* 30 February */
        return false;
    *ret_time_us =
        days * DAY_US + ((int64_t)hour * 3600 + minute * 60 + second) * SECOND_US + micros;
    return true;
}
