/* schedule/timezone.c -- see timezone.h.
 *
 * TZif: a header of 44 bytes ("TZif", version, six counts), the data block with 4-byte times, and
 * from version 2 on a second header and block with 8-byte times and a footer "\n<POSIX TZ>\n". Only
 * the second block is used; it is found by skipping the first. */
#include "schedule/timezone.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/file.h"

enum {
    DAY_S = 86400,
    HEADER_BYTES = 44,
    FILE_BYTES_MAX = 1 << 20,
    TRANSITIONS_MAX = 10000,
    OFFSET_S_MAX = 26 * 3600, /* RFC 9636, 3.2 */
};

/* One of the two dates of a POSIX rule: Mm.w.d, Jn or n, and the local time of the change. */
struct rule_date {
    char kind; /* 'M', 'J' or 'n' */
    int month, week, day;
    int64_t time_s;
};

struct rule {
    bool present;
    bool has_summer;
    int64_t standard_s, summer_s; /* east of UTC */
    struct rule_date start, end;
};

struct tarn_timezone {
    size_t count;
    const int64_t *times;   /* ascending instants at which the offset changes */
    const int64_t *offsets; /* offsets[i] holds from times[i] on */
    int64_t first_offset;   /* before times[0] */
    struct rule rule;       /* after the last of `times` */
};

/* A cursor over text or bytes; every read checks the end. */
struct cursor {
    const unsigned char *at, *end;
    bool failed;
};

static int64_t read_big_endian(struct cursor *c, size_t size_bytes)
{
    if ((size_t)(c->end - c->at) < size_bytes) {
        c->failed = true;
        return 0;
    }
    uint64_t value = c->at[0] & 0x80 ? UINT64_MAX : 0; /* two's complement */
    for (size_t i = 0; i < size_bytes; i++)
        value = value << 8 | *c->at++;
    return (int64_t)value;
}

static bool take(struct cursor *c, char wanted)
{
    if (c->at < c->end && *c->at == (unsigned char)wanted) {
        c->at++;
        return true;
    }
    return false;
}

static int64_t read_number(struct cursor *c)
{
    if (c->at == c->end || !isdigit(*c->at))
        c->failed = true;
    int64_t value = 0;
    while (c->at < c->end && isdigit(*c->at) && value < 100000)
        value = value * 10 + (*c->at++ - '0');
    return value;
}

/* [+-]hh[:mm[:ss]] */
static int64_t read_clock(struct cursor *c)
{
    bool negative = take(c, '-');
    if (!negative)
        (void)take(c, '+');
    int64_t seconds = read_number(c) * 3600;
    if (take(c, ':'))
        seconds += read_number(c) * 60;
    if (take(c, ':'))
        seconds += read_number(c);
    if (seconds > 167 * 3600 + 3599)
        c->failed = true;
    return negative ? -seconds : seconds;
}

static void skip_abbreviation(struct cursor *c)
{
    const unsigned char *start = c->at;
    if (take(c, '<')) {
        while (c->at < c->end && *c->at != '>')
            c->at++;
        if (!take(c, '>'))
            c->failed = true;
        return;
    }
    while (c->at < c->end && isalpha(*c->at))
        c->at++;
    if (c->at - start < 3)
        c->failed = true;
}

static struct rule_date read_rule_date(struct cursor *c)
{
    struct rule_date date = {.kind = 'n', .time_s = 2 * 3600};
    if (!take(c, ',')) {
        c->failed = true;
    } else if (take(c, 'M')) {
        date.kind = 'M';
        date.month = (int)read_number(c);
        c->failed |= !take(c, '.');
        date.week = (int)read_number(c);
        c->failed |= !take(c, '.');
        date.day = (int)read_number(c);
        c->failed |=
            date.month < 1 || date.month > 12 || date.week < 1 || date.week > 5 || date.day > 6;
    } else {
        date.kind = take(c, 'J') ? 'J' : 'n';
        date.day = (int)read_number(c);
        c->failed |= date.day > 365;
    }
    if (take(c, '/'))
        date.time_s = read_clock(c);
    return date;
}

/* False when the text is no POSIX TZ rule. */
static bool parse_rule(struct tarn_text text, struct rule *ret_rule)
{
    struct cursor c = {(const unsigned char *)text.data,
                       (const unsigned char *)text.data + text.len, false};
    struct rule rule = {.present = true};
    skip_abbreviation(&c);
    rule.standard_s = -read_clock(&c); /* POSIX counts west */
    if (!c.failed && c.at < c.end) {
        rule.has_summer = true;
        skip_abbreviation(&c);
        rule.summer_s = rule.standard_s + 3600;
        if (c.at < c.end && *c.at != ',')
            rule.summer_s = -read_clock(&c);
        rule.start = read_rule_date(&c);
        rule.end = read_rule_date(&c);
    }
    if (c.failed || c.at != c.end)
        return false;
    *ret_rule = rule;
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int weekday_of(int64_t days) /* 0 = Sunday; 1970-01-01 was a Thursday */
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

/* The day, counted from 1970-01-01, on which the rule's date falls in a year. */
static int64_t rule_day(const struct rule_date *date, int year)
{
    int64_t new_year = tarn_days_from_civil(year, 1, 1);
    if (date->kind == 'n')
        return new_year + date->day;
    if (date->kind == 'J') /* from 1, 29 February never counted */
        return new_year + date->day - 1 + (date->day >= 60 && is_leap(year));
    int64_t first = tarn_days_from_civil(year, (unsigned)date->month, 1);
    int64_t day = first + (date->day - weekday_of(first) + 7) % 7 + 7 * (date->week - 1);
    int64_t next_month = date->month == 12
                             ? tarn_days_from_civil(year + 1, 1, 1)
                             : tarn_days_from_civil(year, (unsigned)date->month + 1, 1);
    return day >= next_month ? day - 7 : day; /* week 5 means the last */
}

static int year_of(int64_t instant_s)
{
    int year;
    unsigned month, day;
    int64_t days = instant_s / DAY_S - (instant_s % DAY_S < 0);
    tarn_civil_from_days(days, &year, &month, &day);
    return year;
}

static int64_t rule_offset(const struct rule *rule, int64_t instant_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    int year = year_of(instant_s + rule->standard_s);
    int64_t start = rule_day(&rule->start, year) * DAY_S + rule->start.time_s - rule->standard_s;
    int64_t end = rule_day(&rule->end, year) * DAY_S + rule->end.time_s - rule->summer_s;
    bool summer = start < end ? instant_s >= start && instant_s < end
                              : instant_s >= start || instant_s < end; /* southern half */
    return summer ? rule->summer_s : rule->standard_s;
}

int64_t tarn_timezone_offset(const struct tarn_timezone *zone, int64_t instant_s)
{
    if (zone->count == 0 || instant_s < zone->times[0])
        return zone->count == 0 && zone->rule.present ? rule_offset(&zone->rule, instant_s)
                                                      : zone->first_offset;
    if (instant_s >= zone->times[zone->count - 1] && zone->rule.present)
        return rule_offset(&zone->rule, instant_s);
    size_t low = 0, high = zone->count; /* times[low] <= instant < times[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= instant_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offsets[low];
}

int64_t tarn_timezone_instant(const struct tarn_timezone *zone, int64_t local_s)
{
    /* Offsets change rarely, so those a day before and after are all that can hold here. */
    int64_t before = tarn_timezone_offset(zone, local_s - DAY_S - OFFSET_S_MAX / 2);
    int64_t after = tarn_timezone_offset(zone, local_s + DAY_S + OFFSET_S_MAX / 2);
    int64_t with_before = local_s - before, with_after = local_s - after;
    bool before_holds = tarn_timezone_offset(zone, with_before) == before;
    if (before_holds)
        return with_before;
    if (tarn_timezone_offset(zone, with_after) == after)
        return with_after;
    /* Left out: the change lies between the two readings; it is the first instant of the new
     * offset. */
    int64_t low = with_after, high = with_before;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (tarn_timezone_offset(zone, middle) == before)
            low = middle;
        else
            high = middle;
    }
    return high;
}

struct header {
    int version;
    int64_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt; /* RFC 9636's names */
};

static struct header read_header(struct cursor *c)
{
    struct header h = {0};
    if (c->end - c->at < HEADER_BYTES || memcmp(c->at, "TZif", 4) != 0) {
        c->failed = true;
        return h;
    }
    h.version = c->at[4];
    c->at += 20;
    int64_t *const counts[] = {&h.isutcnt, &h.isstdcnt, &h.leapcnt,
                               &h.timecnt, &h.typecnt,  &h.charcnt};
    for (size_t i = 0; i < TARN_COUNT(counts); i++) {
        *counts[i] = read_big_endian(c, 4);
        c->failed |= *counts[i] < 0 || *counts[i] > TRANSITIONS_MAX;
    }
    return h;
}

static void skip(struct cursor *c, int64_t size_bytes)
{
    if (c->failed || c->end - c->at < size_bytes)
        c->failed = true;
    else
        c->at += size_bytes;
}

/* Times, types and footer of the second block. */
static void read_block(struct cursor *c, const struct header *h, struct tarn_arena *arena,
                       struct tarn_timezone *zone)
{
    int64_t *times = tarn_arena_array(arena, (size_t)h->timecnt + 1, sizeof *times);
    int64_t *offsets = tarn_arena_array(arena, (size_t)h->timecnt + 1, sizeof *offsets);
    int64_t *types = tarn_arena_array(arena, (size_t)h->typecnt + 1, sizeof *types);
    for (int64_t i = 0; i < h->timecnt; i++)
        times[i] = read_big_endian(c, 8);
    const unsigned char *indices = c->at;
    skip(c, h->timecnt);
    for (int64_t i = 0; i < h->typecnt; i++) {
        types[i] = read_big_endian(c, 4);
        skip(c, 2);
    }
    for (int64_t i = 0; i < h->timecnt && !c->failed; i++) {
        c->failed |= indices[i] >= h->typecnt;
        offsets[i] = c->failed ? 0 : types[indices[i]];
    }
    skip(c, h->charcnt + h->leapcnt * 12 + h->isstdcnt + h->isutcnt);
    zone->count = (size_t)h->timecnt;
    zone->times = times;
    zone->offsets = offsets;
    zone->first_offset = types[0];
    if (c->failed || !take(c, '\n'))
        return;
    const unsigned char *end = memchr(c->at, '\n', (size_t)(c->end - c->at));
    if (end && end > c->at)
        c->failed |= !parse_rule((struct tarn_text){(const char *)c->at, (size_t)(end - c->at)},
                                 &zone->rule);
}

static bool parse_file(struct tarn_text bytes, struct tarn_arena *arena, struct tarn_timezone *zone)
{
    struct cursor c = {(const unsigned char *)bytes.data,
                       (const unsigned char *)bytes.data + bytes.len, false};
    struct header first = read_header(&c);
    if (c.failed || first.version < '2') /* version 1 ended with the 32-bit clocks */
        return false;
    skip(&c, first.timecnt * 5 + first.typecnt * 6 + first.charcnt + first.leapcnt * 8 +
                 first.isstdcnt + first.isutcnt);
    struct header second = read_header(&c);
    if (c.failed || second.typecnt < 1)
        return false;
    read_block(&c, &second, arena, zone);
    return !c.failed;
}

static bool is_zone_name(const char *name)
{
    if (!isalpha((unsigned char)*name) || strstr(name, ".."))
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
            return false;
    return true;
}

enum tarn_status tarn_timezone_from_bytes(struct tarn_text bytes, const char *name,
                                          struct tarn_arena *arena,
                                          const struct tarn_timezone **ret_zone,
                                          struct tarn_error *err)
{
    struct tarn_timezone *zone = tarn_arena_alloc(arena, sizeof *zone);
    if (!parse_file(bytes, arena, zone))
        return tarn_fail(err, TARN_CORRUPT,
                         "reading the time zone '%s': its file is no TZif file; reinstall tzdata",
                         name);
    *ret_zone = zone;
    return TARN_OK;
}

enum tarn_status tarn_timezone_open(const char *name, struct tarn_arena *arena,
                                    const struct tarn_timezone **ret_zone, struct tarn_error *err)
{
    if (strcmp(name, "UTC") == 0) /* also where no zone files are installed */
        return tarn_timezone_from_rule("UTC0", arena, ret_zone, err);
    if (!is_zone_name(name))
        return tarn_fail(err, TARN_CONFIG,
                         "'%s' is no time zone; write one such as Europe/Berlin or UTC", name);
    const char *directory = getenv("TZDIR");
    TARN_AUTO_FREE char *path = tarn_path_join(directory ? directory : "/usr/share/zoneinfo", name);
    TARN_BUFFER(bytes, FILE_BYTES_MAX);
    if (tarn_directory_exists(path) || tarn_file_read(path, &bytes, err) != TARN_OK)
        return tarn_fail(err, TARN_CONFIG,
                         "this system does not know the time zone '%s'; write one such as "
                         "Europe/Berlin, or install the package tzdata",
                         name);
    return tarn_timezone_from_bytes(tarn_buffer_text(&bytes), name, arena, ret_zone, err);
}

enum tarn_status tarn_timezone_from_rule(const char *rule, struct tarn_arena *arena,
                                         const struct tarn_timezone **ret_zone,
                                         struct tarn_error *err)
{
    struct tarn_timezone *zone = tarn_arena_alloc(arena, sizeof *zone);
    if (!parse_rule(tarn_text_of(rule), &zone->rule))
        return tarn_fail(err, TARN_CONFIG, "'%s' is no POSIX time zone rule", rule);
    *ret_zone = zone;
    return TARN_OK;
}
