/* schedule/cron.c -- see cron.h. Days are searched first, then the times of the day that fits. */
#include "schedule/cron.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/text.h"

enum { DAY_S = 86400, DAYS_SEARCHED_MAX = 366 * 9 /* a 29 February may be eight years away */ };

struct field {
    const char *name;
    int low, high;
    const char *const *names; /* of low, low + 1, ...; NULL: none */
};

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                          "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};
static const struct field fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, month_names},
    {"day of the week", 0, 7, weekday_names}, /* 7 is Sunday, too */
};

static const struct {
    const char *name, *expression;
} nicknames[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

static bool parse_value(const struct field *field, struct tarn_text text, int *ret_value)
{
    for (int i = 0; field->names && field->names[i]; i++)
        if (text.len == 3 && strncasecmp(text.data, field->names[i], 3) == 0) {
            *ret_value = field->low + i;
            return true;
        }
    int64_t value;
    if (text.len == 0 || !isdigit((unsigned char)text.data[0]) ||
        !tarn_text_to_int64(text, &value) || value < field->low || value > field->high)
        return false;
    *ret_value = (int)value;
    return true;
}

/* One item of a list: `*`, a, a-b, each with an optional /step. */
static bool parse_item(const struct field *field, struct tarn_text item, uint64_t *bits)
{
    struct tarn_text range = {0}, low_text = {0};
    struct tarn_text rest = item;
    if (!tarn_text_split(&rest, '/', &range))
        return false;
    bool has_step = range.len < item.len;
    int64_t step = 1;
    if (has_step && (!tarn_text_to_int64(rest, &step) || step < 1 || step > 59))
        return false;
    int low = field->low, high = field->high;
    if (!tarn_text_is(range, "*")) {
        struct tarn_text high_text = range;
        if (!tarn_text_split(&high_text, '-', &low_text) || !parse_value(field, low_text, &low))
            return false;
        if (low_text.len < range.len) {
            if (!parse_value(field, high_text, &high) || high < low)
                return false;
        } else if (!has_step) {
            high = low;
        }
    }
    for (int64_t value = low; value <= high; value += step)
        *bits |= 1ull << value;
    return true;
}

static enum tarn_status parse_field(const struct field *field, struct tarn_text text,
                                    const char *expression, uint64_t *ret_bits,
                                    struct tarn_error *err)
{
    uint64_t bits = 0;
    struct tarn_text rest = text, item;
    bool good = text.len > 0 && text.data[text.len - 1] != ',';
    while (good && tarn_text_split(&rest, ',', &item))
        good = parse_item(field, item, &bits);
    if (!good)
        return tarn_fail(err, TARN_CONFIG,
                         "the schedule '%s': '%.*s' is no %s; write *, or %d to %d, with a-b, a,b "
                         "and /step",
                         expression, TARN_TEXT_ARGS(text), field->name, field->low, field->high);
    *ret_bits = bits;
    return TARN_OK;
}

/* Cuts at white space; returns how many parts there are, at most `max` + 1. */
static size_t split_fields(const char *expression, struct tarn_text *parts, size_t max)
{
    size_t count = 0;
    for (const char *c = expression; *c;) {
        while (isspace((unsigned char)*c))
            c++;
        const char *start = c;
        while (*c && !isspace((unsigned char)*c))
            c++;
        if (c == start)
            break;
        if (count == max)
            return max + 1;
        parts[count++] = (struct tarn_text){start, (size_t)(c - start)};
    }
    return count;
}

static bool day_matches(const struct tarn_cron *cron, int64_t days)
{
    int year;
    unsigned month, day;
    tarn_civil_from_days(days, &year, &month, &day);
    if (!(cron->months >> month & 1))
        return false;
    bool by_day = cron->days >> day & 1;
    bool by_weekday = cron->weekdays >> (((days + 4) % 7 + 7) % 7) & 1;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool ever_fires(const struct tarn_cron *cron)
{
    int64_t first = tarn_days_from_civil(2000, 1, 1);
    for (int64_t day = first; day < first + DAYS_SEARCHED_MAX; day++)
        if (day_matches(cron, day))
            return true;
    return false;
}

enum tarn_status tarn_cron_parse(const char *expression, struct tarn_cron *ret_cron,
                                 struct tarn_error *err)
{
    const char *text = expression;
    for (size_t i = 0; i < TARN_COUNT(nicknames); i++)
        if (strcmp(expression, nicknames[i].name) == 0)
            text = nicknames[i].expression;
    struct tarn_text parts[TARN_COUNT(fields)];
    if (split_fields(text, parts, TARN_COUNT(parts)) != TARN_COUNT(parts))
        return tarn_fail(err, TARN_CONFIG,
                         "the schedule '%s' is no cron expression; write minute, hour, day of the "
                         "month, month and day of the week, e.g. '0 5 * * *', or @daily",
                         expression);
    uint64_t bits[TARN_COUNT(fields)];
    for (size_t i = 0; i < TARN_COUNT(fields); i++)
        TARN_TRY(parse_field(&fields[i], parts[i], expression, &bits[i], err));
    struct tarn_cron cron = {
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .any_hour = parts[1].data[0] == '*',
        .any_day = parts[2].data[0] == '*',
        .any_weekday = parts[4].data[0] == '*',
    };
    if (!ever_fires(&cron))
        return tarn_fail(err, TARN_CONFIG, "the schedule '%s' names a date that never comes",
                         expression);
    *ret_cron = cron;
    return TARN_OK;
}

/* Fixed hours: each wall-clock time of the day once. */
static bool next_fixed(const struct tarn_cron *cron, const struct tarn_timezone *zone, int64_t day,
                       int64_t after_s, int64_t *ret_next)
{
    for (int64_t minute = 0; minute < 24 * 60; minute++) {
        if (!(cron->hours >> minute / 60 & 1) || !(cron->minutes >> minute % 60 & 1))
            continue;
        int64_t instant = tarn_timezone_instant(zone, day * DAY_S + minute * 60);
        if (instant > after_s) {
            *ret_next = instant;
            return true;
        }
    }
    return false;
}

/* Any hour: each minute of real time whose wall clock fits. */
static bool next_running(const struct tarn_cron *cron, const struct tarn_timezone *zone,
                         int64_t day, int64_t after_s, int64_t *ret_next)
{
    int64_t start = tarn_timezone_instant(zone, day * DAY_S);
    int64_t end = tarn_timezone_instant(zone, (day + 1) * DAY_S);
    if (after_s >= start)
        start += (after_s - start) / 60 * 60 + 60;
    for (int64_t instant = start; instant < end; instant += 60) {
        int64_t local = instant + tarn_timezone_offset(zone, instant) - day * DAY_S;
        int64_t minute = (local + DAY_S) % DAY_S / 60;
        if (cron->hours >> minute / 60 & 1 && cron->minutes >> minute % 60 & 1) {
            *ret_next = instant;
            return true;
        }
    }
    return false;
}

int64_t tarn_cron_next(const struct tarn_cron *cron, const struct tarn_timezone *zone,
                       int64_t after_s)
{
    int64_t local = after_s + tarn_timezone_offset(zone, after_s);
    int64_t today = local / DAY_S - (local % DAY_S < 0);
    /* A day early: a clock put back over midnight makes yesterday's times come again. */
    for (int64_t day = today - 1; day < today + DAYS_SEARCHED_MAX; day++) {
        int64_t next;
        if (day_matches(cron, day) &&
            (cron->any_hour ? next_running(cron, zone, day, after_s, &next)
                            : next_fixed(cron, zone, day, after_s, &next)))
            return next;
    }
    return INT64_MAX; /* tarn_cron_parse refuses what never fires */
}
