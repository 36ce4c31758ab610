/* model/template/datetime_text.c -- strftime, strptime and ISO 8601, in the C locale. See
 * datetime.h. */
#include <ctype.h>
#include <stdio.h>

#include "base/clock.h"
#include "model/template/datetime.h"

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

int64_t moment_days(const struct moment *moment)
{
    int64_t days = moment->local_us / US_PER_DAY;
    return moment->local_us % US_PER_DAY < 0 ? days - 1 : days;
}

struct civil civil_of(const struct moment *moment)
{
    struct civil civil;
    int64_t days = moment_days(moment);
    int64_t us = moment->local_us - days * US_PER_DAY;
    tarn_civil_from_days(days, &civil.year, &civil.month, &civil.day);
    civil.us = (unsigned)(us % US_PER_SECOND);
    int64_t seconds = us / US_PER_SECOND;
    civil.hour = (unsigned)(seconds / 3600);
    civil.minute = (unsigned)(seconds / 60 % 60);
    civil.second = (unsigned)(seconds % 60);
    return civil;
}

static unsigned days_in_month(int year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

enum tarn_status moment_of(struct civil civil, struct moment *ret, struct tarn_error *err)
{
    if (civil.year < 1 || civil.year > 9999)
        return tarn_fail(err, TARN_INVALID, "year %d is out of range", civil.year);
    if (civil.month < 1 || civil.month > 12)
        return tarn_fail(err, TARN_INVALID, "month must be in 1..12");
    if (civil.day < 1 || civil.day > days_in_month(civil.year, civil.month))
        return tarn_fail(err, TARN_INVALID, "day is out of range for month");
    if (civil.hour > 23 || civil.minute > 59 || civil.second > 59 || civil.us > 999999)
        return tarn_fail(err, TARN_INVALID, "hour, minute, second or microsecond is out of range");
    int64_t days = tarn_days_from_civil(civil.year, civil.month, civil.day);
    int64_t seconds = civil.hour * 3600LL + civil.minute * 60LL + civil.second;
    *ret = (struct moment){.local_us = days * US_PER_DAY + seconds * US_PER_SECOND + civil.us};
    return TARN_OK;
}

static void print_offset(const struct moment *moment, const char *separator,
                         struct tarn_buffer *out)
{
    int64_t minutes = moment->offset_us / US_PER_SECOND / 60;
    int64_t magnitude = minutes < 0 ? -minutes : minutes;
    tarn_buffer_printf(out, "%c%02lld%s%02lld", minutes < 0 ? '-' : '+', (long long)magnitude / 60,
                       separator, (long long)magnitude % 60);
}

void moment_isoformat(const struct moment *moment, char separator, struct tarn_buffer *out)
{
    struct civil civil = civil_of(moment);
    tarn_buffer_printf(out, "%04d-%02u-%02u", civil.year, civil.month, civil.day);
    if (moment->is_date)
        return;
    tarn_buffer_printf(out, "%c%02u:%02u:%02u", separator, civil.hour, civil.minute, civil.second);
    if (civil.us)
        tarn_buffer_printf(out, ".%06u", civil.us);
    if (moment->is_aware)
        print_offset(moment, ":", out);
}

static int weekday_of(const struct moment *moment)
{
    int64_t day = (moment_days(moment) + 4) % 7; /* 1970-01-01 was a Thursday */
    return (int)(day < 0 ? day + 7 : day);
}

static int day_of_year(const struct moment *moment, int year)
{
    return (int)(moment_days(moment) - tarn_days_from_civil(year, 1, 1)) + 1;
}

struct iso_week iso_week_of(const struct moment *moment)
{
    int weekday = weekday_of(moment) == 0 ? 7 : weekday_of(moment);
    /* the Thursday of the week decides its year */
    struct moment thursday = *moment;
    thursday.local_us += (4 - weekday) * US_PER_DAY;
    int year = civil_of(&thursday).year;
    return (struct iso_week){year, (day_of_year(&thursday, year) - 1) / 7 + 1, weekday};
}

static void put_time_directive(const struct moment *moment, struct civil c, char directive,
                               struct tarn_buffer *out)
{
    unsigned hour12 = c.hour % 12 == 0 ? 12 : c.hour % 12;
    switch (directive) {
    case 'H':
        tarn_buffer_printf(out, "%02u", c.hour);
        break;
    case 'I':
        tarn_buffer_printf(out, "%02u", hour12);
        break;
    case 'M':
        tarn_buffer_printf(out, "%02u", c.minute);
        break;
    case 'S':
        tarn_buffer_printf(out, "%02u", c.second);
        break;
    case 'f':
        tarn_buffer_printf(out, "%06u", c.us);
        break;
    case 'p':
        tarn_buffer_append_str(out, c.hour < 12 ? "AM" : "PM");
        break;
    case 'z':
        if (moment->is_aware)
            print_offset(moment, "", out);
        break;
    case 'Z':
        if (moment->is_aware)
            tarn_buffer_append_str(out, "UTC");
        if (moment->is_aware && moment->offset_us)
            print_offset(moment, ":", out);
        break;
    case 's':
        tarn_buffer_printf(out, "%lld",
                           (long long)((moment->local_us - moment->offset_us) / US_PER_SECOND));
        break;
    case 'T':
    case 'X':
        tarn_buffer_printf(out, "%02u:%02u:%02u", c.hour, c.minute, c.second);
        break;
    case 'R':
        tarn_buffer_printf(out, "%02u:%02u", c.hour, c.minute);
        break;
    default:
        tarn_buffer_printf(out, "%%%c", directive);
    }
}

static void put_date_directive(const struct moment *moment, struct civil c, char directive,
                               struct tarn_buffer *out)
{
    int weekday = weekday_of(moment), yearday = day_of_year(moment, c.year);
    struct iso_week week = iso_week_of(moment);
    switch (directive) {
    case 'Y':
        tarn_buffer_printf(out, "%d", c.year);
        break;
    case 'y':
        tarn_buffer_printf(out, "%02d", c.year % 100);
        break;
    case 'm':
        tarn_buffer_printf(out, "%02u", c.month);
        break;
    case 'd':
        tarn_buffer_printf(out, "%02u", c.day);
        break;
    case 'e':
        tarn_buffer_printf(out, "%2u", c.day);
        break;
    case 'j':
        tarn_buffer_printf(out, "%03d", yearday);
        break;
    case 'B':
        tarn_buffer_append_str(out, month_names[c.month - 1]);
        break;
    case 'b':
    case 'h':
        tarn_buffer_printf(out, "%.3s", month_names[c.month - 1]);
        break;
    case 'A':
        tarn_buffer_append_str(out, day_names[weekday]);
        break;
    case 'a':
        tarn_buffer_printf(out, "%.3s", day_names[weekday]);
        break;
    case 'w':
        tarn_buffer_printf(out, "%d", weekday);
        break;
    case 'u':
        tarn_buffer_printf(out, "%d", week.weekday);
        break;
    case 'G':
        tarn_buffer_printf(out, "%d", week.year);
        break;
    case 'V':
        tarn_buffer_printf(out, "%02d", week.week);
        break;
    case 'U':
        tarn_buffer_printf(out, "%02d", (yearday + 6 - weekday) / 7);
        break;
    case 'W':
        tarn_buffer_printf(out, "%02d", (yearday + 6 - (weekday + 6) % 7) / 7);
        break;
    case 'F':
        tarn_buffer_printf(out, "%d-%02u-%02u", c.year, c.month, c.day);
        break;
    case 'D':
    case 'x':
        tarn_buffer_printf(out, "%02u/%02u/%02d", c.month, c.day, c.year % 100);
        break;
    case 'c':
        tarn_buffer_printf(out, "%.3s %.3s %2u %02u:%02u:%02u %d", day_names[weekday],
                           month_names[c.month - 1], c.day, c.hour, c.minute, c.second, c.year);
        break;
    default:
        put_time_directive(moment, c, directive, out);
    }
}

void moment_strftime(const struct moment *moment, struct tarn_text format, struct tarn_buffer *out)
{
    struct civil civil = civil_of(moment);
    for (size_t i = 0; i < format.len; i++) {
        if (format.data[i] != '%' || i + 1 == format.len) {
            tarn_buffer_append_char(out, format.data[i]);
            continue;
        }
        char directive = format.data[++i];
        if (directive == '-' && i + 1 < format.len) { /* glibc's "without padding" */
            TARN_BUFFER(padded, 64);
            put_date_directive(moment, civil, format.data[++i], &padded);
            const char *text = tarn_buffer_str(&padded);
            while (text[0] == '0' && text[1])
                text++;
            tarn_buffer_append_str(out, text);
        } else if (directive == '%') {
            tarn_buffer_append_char(out, '%');
        } else {
            put_date_directive(moment, civil, directive, out);
        }
    }
}

/* --- reading
 * --------------------------------------------------------------------------------------------------------------------
 */

struct reader {
    struct tarn_text text;
    size_t position;
    struct civil civil;
    int yearday; /* 0: not given */
    bool is_pm;
    bool has_half;
    bool is_aware;
    int64_t offset_us;
};

static bool read_digits(struct reader *reader, size_t least, size_t most, unsigned *ret)
{
    size_t count = 0;
    unsigned value = 0;
    while (count < most && reader->position < reader->text.len &&
           isdigit((unsigned char)reader->text.data[reader->position])) {
        value = value * 10 + (unsigned)(reader->text.data[reader->position++] - '0');
        count++;
    }
    *ret = value;
    return count >= least;
}

static bool read_fraction(struct reader *reader, unsigned *ret_us)
{
    size_t start = reader->position;
    if (!read_digits(reader, 1, 6, ret_us))
        return false;
    for (size_t digits = reader->position - start; digits < 6; digits++)
        *ret_us *= 10;
    return true;
}

/* The number of the name that stands here, whole or as its first three letters; -1 when there is
 * none. */
static int read_name(struct reader *reader, const char *const *names, int count)
{
    const char *rest = reader->text.data + reader->position;
    size_t left = reader->text.len - reader->position;
    for (int whole = 1; whole >= 0; whole--)
        for (int i = 0; i < count; i++) {
            size_t len = whole ? strlen(names[i]) : 3;
            if (left >= len && strncasecmp(rest, names[i], len) == 0) {
                reader->position += len;
                return i;
            }
        }
    return -1;
}

static bool read_char(struct reader *reader, char c)
{
    if (reader->position >= reader->text.len || reader->text.data[reader->position] != c)
        return false;
    reader->position++;
    return true;
}

/* Z, +HH:MM, +HHMM */
static bool read_offset(struct reader *reader)
{
    unsigned hours, minutes = 0;
    reader->is_aware = true;
    if (read_char(reader, 'Z'))
        return true;
    bool negative = read_char(reader, '-');
    if (!negative && !read_char(reader, '+'))
        return false;
    if (!read_digits(reader, 2, 2, &hours))
        return false;
    bool colon = read_char(reader, ':');
    if (!read_digits(reader, 2, 2, &minutes) && colon)
        return false;
    int64_t offset = (hours * 3600LL + minutes * 60LL) * US_PER_SECOND;
    reader->offset_us = negative ? -offset : offset;
    return true;
}

static bool read_directive(struct reader *reader, char directive)
{
    unsigned number = 0;
    int name;
    switch (directive) {
    case 'Y':
        if (!read_digits(reader, 4, 4, &number))
            return false;
        reader->civil.year = (int)number;
        return true;
    case 'y':
        if (!read_digits(reader, 2, 2, &number))
            return false;
        reader->civil.year = (int)(number < 69 ? 2000 + number : 1900 + number);
        return true;
    case 'm':
        return read_digits(reader, 1, 2, &reader->civil.month);
    case 'd':
    case 'e':
        return read_digits(reader, 1, 2, &reader->civil.day);
    case 'j':
        if (!read_digits(reader, 1, 3, &number))
            return false;
        reader->yearday = (int)number;
        return true;
    case 'H':
    case 'I':
        return read_digits(reader, 1, 2, &reader->civil.hour);
    case 'M':
        return read_digits(reader, 1, 2, &reader->civil.minute);
    case 'S':
        return read_digits(reader, 1, 2, &reader->civil.second);
    case 'f':
        return read_fraction(reader, &reader->civil.us);
    case 'z':
        return read_offset(reader);
    case 'B':
    case 'b':
        name = read_name(reader, month_names, 12);
        reader->civil.month = (unsigned)(name + 1);
        return name >= 0;
    case 'A':
    case 'a':
        return read_name(reader, day_names, 7) >= 0;
    case 'p':
        reader->has_half = true;
        reader->is_pm = read_char(reader, 'P') || read_char(reader, 'p');
        return (reader->is_pm || read_char(reader, 'A') || read_char(reader, 'a')) &&
               (read_char(reader, 'M') || read_char(reader, 'm'));
    case 'F':
        return read_directive(reader, 'Y') && read_char(reader, '-') &&
               read_directive(reader, 'm') && read_char(reader, '-') && read_directive(reader, 'd');
    case 'T':
        return read_directive(reader, 'H') && read_char(reader, ':') &&
               read_directive(reader, 'M') && read_char(reader, ':') && read_directive(reader, 'S');
    default:
        return directive == '%' && read_char(reader, '%');
    }
}

static bool read_format(struct reader *reader, struct tarn_text format)
{
    for (size_t i = 0; i < format.len; i++) {
        bool is_directive = format.data[i] == '%' && i + 1 < format.len;
        if (is_directive && !read_directive(reader, format.data[++i]))
            return false;
        if (!is_directive && !read_char(reader, format.data[i]))
            return false;
    }
    return reader->position == reader->text.len;
}

static enum tarn_status finish(struct reader *reader, struct moment *ret, struct tarn_error *err)
{
    if (reader->has_half)
        reader->civil.hour = reader->civil.hour % 12 + (reader->is_pm ? 12 : 0);
    TARN_TRY(moment_of(reader->civil, ret, err));
    if (reader->yearday > 0)
        ret->local_us += (reader->yearday - 1) * US_PER_DAY;
    ret->is_aware = reader->is_aware;
    ret->offset_us = reader->offset_us;
    return TARN_OK;
}

enum tarn_status moment_strptime(struct tarn_text text, struct tarn_text format, struct moment *ret,
                                 struct tarn_error *err)
{
    struct reader reader = {.text = text, .civil = {.year = 1900, .month = 1, .day = 1}};
    if (!read_format(&reader, format))
        return tarn_fail(err, TARN_INVALID, "time data '%.*s' does not match format '%.*s'",
                         TARN_TEXT_ARGS(text), TARN_TEXT_ARGS(format));
    return finish(&reader, ret, err);
}

static bool read_iso_time(struct reader *reader)
{
    if (!read_directive(reader, 'H'))
        return false;
    if (read_char(reader, ':') && !read_directive(reader, 'M'))
        return false;
    if (read_char(reader, ':') && !read_directive(reader, 'S'))
        return false;
    if (read_char(reader, '.') && !read_fraction(reader, &reader->civil.us))
        return false;
    return reader->position == reader->text.len || read_offset(reader);
}

enum tarn_status moment_from_iso(struct tarn_text text, bool is_date, struct moment *ret,
                                 struct tarn_error *err)
{
    struct reader reader = {.text = text, .civil = {.year = 1900, .month = 1, .day = 1}};
    bool valid = read_directive(&reader, 'F');
    if (valid && !is_date && reader.position < text.len) {
        reader.position++; /* any one character between date and time */
        valid = read_iso_time(&reader);
    }
    if (!valid || reader.position != text.len)
        return tarn_fail(err, TARN_INVALID, "Invalid isoformat string: '%.*s'",
                         TARN_TEXT_ARGS(text));
    TARN_TRY(finish(&reader, ret, err));
    ret->is_date = is_date;
    return TARN_OK;
}
