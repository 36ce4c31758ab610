/* model/template/module_datetime.c -- datetime.datetime, date, timedelta and timezone.utc; pytz.utc
 * is the same zone. */
#include <math.h>

#include "base/clock.h"
#include "model/template/datetime.h"
#include "model/template/modules.h"
#include "model/template/template.h"

struct delta {
    int64_t us;
};

static const struct tarn_object_type datetime_type;
static const struct tarn_object_type date_type;
static const struct tarn_object_type delta_type;
static const struct tarn_object_type zone_type;

static struct tarn_value new_moment(struct tarn_heap *heap, struct moment moment)
{
    struct moment *copy = tarn_heap_alloc(heap, sizeof *copy);
    *copy = moment;
    return tarn_value_object(heap, moment.is_date ? &date_type : &datetime_type, copy);
}

static struct tarn_value new_delta(struct tarn_heap *heap, int64_t us)
{
    struct delta *delta = tarn_heap_alloc(heap, sizeof *delta);
    delta->us = us;
    return tarn_value_object(heap, &delta_type, delta);
}

static struct tarn_value new_zone(struct tarn_heap *heap, int64_t offset_us)
{
    struct delta *zone = tarn_heap_alloc(heap, sizeof *zone);
    zone->us = offset_us;
    return tarn_value_object(heap, &zone_type, zone);
}

static const struct moment *as_moment(struct tarn_value value)
{
    const struct moment *moment = tarn_value_object_data(value, &datetime_type);
    return moment ? moment : tarn_value_object_data(value, &date_type);
}

static const struct delta *as_delta(struct tarn_value value)
{
    return tarn_value_object_data(value, &delta_type);
}

struct tarn_value tarn_value_datetime(struct tarn_heap *heap, int64_t time_us, bool utc)
{
    return new_moment(heap, (struct moment){.local_us = time_us, .is_aware = utc});
}

static int64_t utc_us(const struct moment *moment)
{
    return moment->local_us - moment->offset_us;
}

/* --- arithmetic and order
 * -------------------------------------------------------------------------------------------------------------
 */

/* What is past the years 1 to 9999 is no moment. */
static bool shift(struct tarn_heap *heap, const struct moment *moment, int64_t us,
                  struct tarn_value *ret)
{
    struct moment shifted = *moment;
    int64_t first = tarn_days_from_civil(1, 1, 1) * US_PER_DAY,
            last = tarn_days_from_civil(10000, 1, 1) * US_PER_DAY;
    if (moment->is_date)
        us = (int64_t)floor((double)us / (double)US_PER_DAY) * US_PER_DAY;
    if (__builtin_add_overflow(shifted.local_us, us, &shifted.local_us) ||
        shifted.local_us < first || shifted.local_us >= last)
        return false;
    *ret = new_moment(heap, shifted);
    return true;
}

static bool moment_binary(struct tarn_heap *heap, enum tarn_binary_op op, struct tarn_value left,
                          struct tarn_value right, struct tarn_value *ret)
{
    const struct moment *a = as_moment(left), *b = as_moment(right);
    const struct delta *delta = a ? as_delta(right) : as_delta(left);
    if (op == TARN_OP_SUB && a && b && a->is_date == b->is_date && a->is_aware == b->is_aware)
        *ret = new_delta(heap, utc_us(a) - utc_us(b));
    else if (op == TARN_OP_SUB && a && delta)
        return shift(heap, a, -delta->us, ret);
    else if (op == TARN_OP_ADD && (a || b) && delta)
        return shift(heap, a ? a : b, delta->us, ret);
    else
        return false;
    return true;
}

static bool moment_equal(void *self, struct tarn_value other)
{
    const struct moment *a = self, *b = as_moment(other);
    return b && a->is_date == b->is_date && a->is_aware == b->is_aware && utc_us(a) == utc_us(b);
}

static uint64_t moment_hash(void *self)
{
    return value_hash(tarn_value_int(utc_us(self)));
}

static bool moment_compare(void *self, struct tarn_value other, int *ret_order)
{
    const struct moment *a = self, *b = as_moment(other);
    if (!b || a->is_date != b->is_date || a->is_aware != b->is_aware)
        return false;
    *ret_order = (utc_us(a) > utc_us(b)) - (utc_us(a) < utc_us(b));
    return true;
}

/* --- attributes and methods
 * ------------------------------------------------------------------------------------------------------------
 */

static bool moment_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                       struct tarn_value *ret)
{
    const struct moment *moment = self;
    struct civil civil = civil_of(moment);
    if (tarn_text_is(name, "year"))
        *ret = tarn_value_int(civil.year);
    else if (tarn_text_is(name, "month"))
        *ret = tarn_value_int(civil.month);
    else if (tarn_text_is(name, "day"))
        *ret = tarn_value_int(civil.day);
    else if (moment->is_date)
        return false;
    else if (tarn_text_is(name, "hour"))
        *ret = tarn_value_int(civil.hour);
    else if (tarn_text_is(name, "minute"))
        *ret = tarn_value_int(civil.minute);
    else if (tarn_text_is(name, "second"))
        *ret = tarn_value_int(civil.second);
    else if (tarn_text_is(name, "microsecond"))
        *ret = tarn_value_int(civil.us);
    else if (tarn_text_is(name, "tzinfo"))
        *ret = moment->is_aware ? new_zone(heap, moment->offset_us) : TARN_NONE;
    else
        return false;
    return true;
}

static void moment_print(void *self, struct tarn_buffer *out)
{
    moment_isoformat(self, ' ', out);
}

static void moment_print_repr(void *self, struct tarn_buffer *out)
{
    const struct moment *moment = self;
    struct civil c = civil_of(moment);
    tarn_buffer_printf(out, "datetime.%s(%d, %u, %u", moment->is_date ? "date" : "datetime", c.year,
                       c.month, c.day);
    if (!moment->is_date)
        tarn_buffer_printf(out, ", %u, %u", c.hour, c.minute);
    if (c.second || c.us)
        tarn_buffer_printf(out, ", %u", c.second);
    if (c.us)
        tarn_buffer_printf(out, ", %u", c.us);
    if (moment->is_aware)
        tarn_buffer_append_str(out, ", tzinfo=datetime.timezone.utc");
    tarn_buffer_append_char(out, ')');
}

enum { MOMENT_TEXT_BYTES = 64 * 1024 };

CALLABLE(moment_call_strftime)
{
    static const char *const names[] = {"format", NULL};
    struct tarn_value format;
    TARN_BUFFER(out, MOMENT_TEXT_BYTES);
    TARN_TRY(tarn_call_bind(call, names, 1, &format, err));
    moment_strftime(call->userdata, tarn_value_text(format), &out);
    TARN_TRY(tarn_buffer_check(&out, "strftime", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(moment_call_isoformat)
{
    (void)err;
    struct tarn_text separator = tarn_value_text(tarn_call_arg(call, 0, "sep"));
    TARN_BUFFER(out, MOMENT_TEXT_BYTES);
    moment_isoformat(call->userdata, separator.len ? separator.data[0] : 'T', &out);
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(moment_call_date)
{
    (void)err;
    struct moment date = {.local_us = moment_days(call->userdata) * US_PER_DAY, .is_date = true};
    *ret = new_moment(call->heap, date);
    return TARN_OK;
}

CALLABLE(moment_call_weekday)
{
    (void)err;
    *ret = tarn_value_int(iso_week_of(call->userdata).weekday - 1);
    return TARN_OK;
}

CALLABLE(moment_call_isoweekday)
{
    (void)err;
    *ret = tarn_value_int(iso_week_of(call->userdata).weekday);
    return TARN_OK;
}

CALLABLE(moment_call_isocalendar)
{
    (void)err;
    struct iso_week week = iso_week_of(call->userdata);
    struct tarn_value parts[3] = {tarn_value_int(week.year), tarn_value_int(week.week),
                                  tarn_value_int(week.weekday)};
    *ret = tarn_value_tuple(call->heap, parts, 3);
    return TARN_OK;
}

CALLABLE(moment_call_timestamp)
{
    (void)err;
    *ret = tarn_value_float((double)utc_us(call->userdata) / US_PER_SECOND);
    return TARN_OK;
}

CALLABLE(moment_call_utcoffset)
{
    (void)err;
    const struct moment *moment = call->userdata;
    *ret = moment->is_aware ? new_delta(call->heap, moment->offset_us) : TARN_NONE;
    return TARN_OK;
}

CALLABLE(moment_call_astimezone)
{
    struct moment moment = *(const struct moment *)call->userdata;
    struct tarn_value zone = tarn_call_arg(call, 0, "tz");
    const struct delta *offset = tarn_value_object_data(zone, &zone_type);
    if (!offset && !tarn_value_is_nothing(zone))
        return tarn_fail(err, TARN_INVALID,
                         "tzinfo argument must be None or of a tzinfo subclass, not type '%s'",
                         tarn_value_type_name(zone));
    int64_t utc = utc_us(&moment);
    moment.is_aware = true;
    moment.offset_us = offset ? offset->us : 0;
    moment.local_us = utc + moment.offset_us;
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

static bool take_number(struct tarn_value value, unsigned *into)
{
    int64_t number;
    if (!value_to_int64(value, &number) || number < 0 || number > 9999999)
        return value.kind == TARN_VALUE_UNDEFINED;
    *into = (unsigned)number;
    return true;
}

/* year, month, day, hour, minute, second, microsecond, tzinfo into a moment; what is not given
 * stays as it is in `from`. */
static enum tarn_status fill_moment(struct tarn_call *call, const char *const *names,
                                    size_t required, struct moment from, struct moment *ret,
                                    struct tarn_error *err)
{
    struct tarn_value values[8];
    struct civil civil = civil_of(&from);
    unsigned year = (unsigned)civil.year;
    unsigned *const parts[7] = {&year,         &civil.month,  &civil.day, &civil.hour,
                                &civil.minute, &civil.second, &civil.us};
    TARN_TRY(tarn_call_bind(call, names, required, values, err));
    size_t count = from.is_date ? 3 : 7;
    for (size_t i = 0; i < count; i++)
        if (!take_number(values[i], parts[i]))
            return tarn_fail(err, TARN_INVALID, "%s() argument '%s' is no valid number", call->name,
                             names[i]);
    civil.year = (int)year;
    TARN_TRY(moment_of(civil, ret, err));
    ret->is_date = from.is_date;
    ret->is_aware = from.is_aware;
    ret->offset_us = from.offset_us;
    if (from.is_date || values[7].kind == TARN_VALUE_UNDEFINED)
        return TARN_OK;
    const struct delta *zone = tarn_value_object_data(values[7], &zone_type);
    ret->is_aware = zone != NULL;
    ret->offset_us = zone ? zone->us : 0;
    return TARN_OK;
}

static const char *const datetime_names[] = {"year",   "month",       "day",    "hour", "minute",
                                             "second", "microsecond", "tzinfo", NULL};
static const char *const date_names[] = {"year", "month", "day", NULL};

CALLABLE(moment_call_replace)
{
    const struct moment *from = call->userdata;
    struct moment moment;
    TARN_TRY(
        fill_moment(call, from->is_date ? date_names : datetime_names, 0, *from, &moment, err));
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

static const struct tarn_object_method moment_methods[] = {
    {"strftime", moment_call_strftime},       {"__format__", moment_call_strftime},
    {"isoformat", moment_call_isoformat},     {"date", moment_call_date},
    {"weekday", moment_call_weekday},         {"isoweekday", moment_call_isoweekday},
    {"isocalendar", moment_call_isocalendar}, {"timestamp", moment_call_timestamp},
    {"utcoffset", moment_call_utcoffset},     {"astimezone", moment_call_astimezone},
    {"replace", moment_call_replace},         {NULL, NULL},
};

static const struct tarn_object_type datetime_type = {
    .name = "datetime.datetime",
    .get = moment_get,
    .methods = moment_methods,
    .print = moment_print,
    .print_repr = moment_print_repr,
    .equal = moment_equal,
    .hash = moment_hash,
    .compare = moment_compare,
    .binary = moment_binary,
};
static const struct tarn_object_type date_type = {
    .name = "datetime.date",
    .get = moment_get,
    .methods = moment_methods,
    .print = moment_print,
    .print_repr = moment_print_repr,
    .equal = moment_equal,
    .hash = moment_hash,
    .compare = moment_compare,
    .binary = moment_binary,
};

/* --- timedelta
 * -------------------------------------------------------------------------------------------------------------------------
 */

static int64_t delta_days(const struct delta *delta)
{
    int64_t days = delta->us / US_PER_DAY;
    return delta->us % US_PER_DAY < 0 ? days - 1 : days;
}

static bool delta_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                      struct tarn_value *ret)
{
    (void)heap;
    const struct delta *delta = self;
    int64_t rest = delta->us - delta_days(delta) * US_PER_DAY;
    if (tarn_text_is(name, "days"))
        *ret = tarn_value_int(delta_days(delta));
    else if (tarn_text_is(name, "seconds"))
        *ret = tarn_value_int(rest / US_PER_SECOND);
    else if (tarn_text_is(name, "microseconds"))
        *ret = tarn_value_int(rest % US_PER_SECOND);
    else
        return false;
    return true;
}

static void delta_print(void *self, struct tarn_buffer *out)
{
    const struct delta *delta = self;
    long long days = delta_days(delta), rest = delta->us - days * US_PER_DAY,
              seconds = rest / US_PER_SECOND;
    if (days != 0)
        tarn_buffer_printf(out, "%lld day%s, ", days, days == 1 || days == -1 ? "" : "s");
    tarn_buffer_printf(out, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (rest % US_PER_SECOND)
        tarn_buffer_printf(out, ".%06lld", rest % US_PER_SECOND);
}

static bool delta_binary(struct tarn_heap *heap, enum tarn_binary_op op, struct tarn_value left,
                         struct tarn_value right, struct tarn_value *ret)
{
    const struct delta *a = as_delta(left), *b = as_delta(right);
    int64_t us = 0;
    if (a && b && (op == TARN_OP_ADD || op == TARN_OP_SUB)) {
        bool overflow = op == TARN_OP_ADD ? __builtin_add_overflow(a->us, b->us, &us)
                                          : __builtin_sub_overflow(a->us, b->us, &us);
        if (overflow)
            return false;
        *ret = new_delta(heap, us);
    } else if (a && b && op == TARN_OP_DIV && b->us) {
        *ret = tarn_value_float((double)a->us / (double)b->us);
    } else if (a && b && op == TARN_OP_FLOORDIV && b->us) {
        *ret = tarn_value_int((int64_t)floor((double)a->us / (double)b->us));
    } else if (op == TARN_OP_MUL && (a ? value_is_number(right) : value_is_number(left))) {
        double product = (double)(a ? a->us : b->us) * value_real(a ? right : left);
        if (fabs(product) > 9e18)
            return false;
        *ret = new_delta(heap, (int64_t)rint(product));
    } else if (a && op == TARN_OP_DIV && value_is_number(right) && value_real(right) != 0) {
        *ret = new_delta(heap, (int64_t)rint((double)a->us / value_real(right)));
    } else {
        return false;
    }
    return true;
}

static bool delta_equal(void *self, struct tarn_value other)
{
    const struct delta *delta = as_delta(other);
    return delta && delta->us == ((const struct delta *)self)->us;
}

static bool delta_compare(void *self, struct tarn_value other, int *ret_order)
{
    const struct delta *a = self, *b = as_delta(other);
    if (!b)
        return false;
    *ret_order = (a->us > b->us) - (a->us < b->us);
    return true;
}

static uint64_t delta_hash(void *self)
{
    return value_hash(tarn_value_int(((const struct delta *)self)->us));
}

static bool delta_truth(void *self)
{
    return ((const struct delta *)self)->us != 0;
}

CALLABLE(delta_total_seconds)
{
    (void)err;
    *ret = tarn_value_float((double)((const struct delta *)call->userdata)->us / US_PER_SECOND);
    return TARN_OK;
}

static const struct tarn_object_method delta_methods[] = {{"total_seconds", delta_total_seconds},
                                                          {NULL, NULL}};
static const struct tarn_object_type delta_type = {
    .name = "datetime.timedelta",
    .get = delta_get,
    .methods = delta_methods,
    .print = delta_print,
    .truth = delta_truth,
    .equal = delta_equal,
    .hash = delta_hash,
    .compare = delta_compare,
    .binary = delta_binary,
};

CALLABLE(make_delta)
{
    static const char *const names[] = {"days",    "seconds", "microseconds", "milliseconds",
                                        "minutes", "hours",   "weeks",        NULL};
    static const double units[] = {(double)US_PER_DAY,      1e6, 1, 1e3, 6e7, 3.6e9,
                                   7.0 * (double)US_PER_DAY};
    struct tarn_value values[7];
    double us = 0;
    TARN_TRY(tarn_call_bind(call, names, 0, values, err));
    for (int i = 0; i < 7; i++) {
        if (values[i].kind == TARN_VALUE_UNDEFINED)
            continue;
        if (!value_is_number(values[i]))
            return tarn_fail(err, TARN_INVALID, "unsupported type for timedelta %s component: %s",
                             names[i], tarn_value_type_name(values[i]));
        us += value_real(values[i]) * units[i];
    }
    if (fabs(us) > 9e18)
        return tarn_fail(err, TARN_INVALID, "the timedelta is too long");
    *ret = new_delta(call->heap, (int64_t)rint(us));
    return TARN_OK;
}

/* --- time zones
 * ----------------------------------------------------------------------------------------------------------------------------
 */

static void zone_print(void *self, struct tarn_buffer *out)
{
    const struct delta *zone = self;
    int64_t minutes = zone->us / US_PER_SECOND / 60, magnitude = minutes < 0 ? -minutes : minutes;
    tarn_buffer_append_str(out, "UTC");
    if (minutes)
        tarn_buffer_printf(out, "%c%02lld:%02lld", minutes < 0 ? '-' : '+',
                           (long long)magnitude / 60, (long long)magnitude % 60);
}

/* pytz: zone.localize(naive) */
CALLABLE(zone_localize)
{
    const struct moment *moment = as_moment(tarn_call_arg(call, 0, "dt"));
    if (!moment || moment->is_aware)
        return tarn_fail(err, TARN_INVALID, "Not naive datetime (tzinfo is already set)");
    struct moment local = *moment;
    local.is_aware = true;
    local.offset_us = ((const struct delta *)call->userdata)->us;
    *ret = new_moment(call->heap, local);
    return TARN_OK;
}

static const struct tarn_object_method zone_methods[] = {{"localize", zone_localize}, {NULL, NULL}};
static const struct tarn_object_type zone_type = {
    .name = "datetime.timezone", .print = zone_print, .methods = zone_methods};

CALLABLE(make_zone)
{
    const struct delta *offset = as_delta(tarn_call_arg(call, 0, "offset"));
    if (!offset)
        return tarn_fail(err, TARN_INVALID, "timezone() argument 1 must be datetime.timedelta");
    *ret = new_zone(call->heap, offset->us);
    return TARN_OK;
}

CALLABLE(pytz_timezone)
{
    struct tarn_value name = tarn_call_arg(call, 0, "zone");
    struct tarn_text text = tarn_value_text(name);
    if (!tarn_text_is(text, "UTC") && !tarn_text_is(text, "utc") &&
        !tarn_text_is(text, "Etc/UTC") && !tarn_text_is(text, "GMT"))
        return tarn_fail(
            err, TARN_UNSUPPORTED,
            "pytz.timezone('%.*s'): templates know UTC only; convert in SQL with AT TIME ZONE",
            TARN_TEXT_ARGS(text));
    *ret = new_zone(call->heap, 0);
    return TARN_OK;
}

/* --- the classes
 * ---------------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(class_now)
{
    struct tarn_value zone = tarn_call_arg(call, 0, "tz");
    const struct delta *offset = tarn_value_object_data(zone, &zone_type);
    if (!offset && !tarn_value_is_nothing(zone))
        return tarn_fail(err, TARN_INVALID,
                         "tzinfo argument must be None or of a tzinfo subclass, not type '%s'",
                         tarn_value_type_name(zone));
    struct moment moment = {.local_us = tarn_now_us(), .is_aware = offset != NULL};
    moment.offset_us = offset ? offset->us : 0;
    moment.local_us += moment.offset_us;
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

CALLABLE(class_today)
{
    (void)err;
    struct moment now = {.local_us = tarn_now_us()};
    *ret = new_moment(call->heap,
                      (struct moment){.local_us = moment_days(&now) * US_PER_DAY, .is_date = true});
    return TARN_OK;
}

CALLABLE(class_strptime)
{
    static const char *const names[] = {"date_string", "format", NULL};
    struct tarn_value values[2];
    struct moment moment;
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    for (int i = 0; i < 2; i++)
        if (values[i].kind != TARN_VALUE_STRING)
            return tarn_fail(err, TARN_INVALID, "strptime() argument %d must be str, not %s", i + 1,
                             tarn_value_type_name(values[i]));
    TARN_TRY(moment_strptime(tarn_value_text(values[0]), tarn_value_text(values[1]), &moment, err));
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

static enum tarn_status from_iso(struct tarn_call *call, bool is_date, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    struct tarn_value text = tarn_call_arg(call, 0, NULL);
    struct moment moment;
    if (text.kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "fromisoformat: argument must be str");
    TARN_TRY(moment_from_iso(tarn_value_text(text), is_date, &moment, err));
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

CALLABLE(datetime_fromisoformat)
{
    return from_iso(call, false, ret, err);
}

CALLABLE(date_fromisoformat)
{
    return from_iso(call, true, ret, err);
}

CALLABLE(class_fromtimestamp)
{
    struct tarn_value seconds = tarn_call_arg(call, 0, NULL);
    if (!value_is_number(seconds) || fabs(value_real(seconds)) > 2e11)
        return tarn_fail(err, TARN_INVALID,
                         "fromtimestamp: the timestamp is no number or out of range");
    bool aware = tarn_value_object_data(tarn_call_arg(call, 1, "tz"), &zone_type) != NULL;
    *ret =
        tarn_value_datetime(call->heap, (int64_t)rint(value_real(seconds) * US_PER_SECOND), aware);
    return TARN_OK;
}

CALLABLE(make_datetime)
{
    struct moment moment;
    TARN_TRY(fill_moment(call, datetime_names, 3, (struct moment){0}, &moment, err));
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

CALLABLE(make_date)
{
    struct moment moment;
    TARN_TRY(fill_moment(call, date_names, 3, (struct moment){.is_date = true}, &moment, err));
    *ret = new_moment(call->heap, moment);
    return TARN_OK;
}

static const struct tarn_object_method datetime_class_methods[] = {
    {"now", class_now},
    {"utcnow", class_now},
    {"today", class_now},
    {"strptime", class_strptime},
    {"fromisoformat", datetime_fromisoformat},
    {"fromtimestamp", class_fromtimestamp},
    {"utcfromtimestamp", class_fromtimestamp},
    {NULL, NULL},
};
static const struct tarn_object_method date_class_methods[] = {
    {"today", class_today}, {"fromisoformat", date_fromisoformat}, {NULL, NULL}};

static bool zone_class_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                           struct tarn_value *ret)
{
    (void)self;
    if (!tarn_text_is(name, "utc"))
        return false;
    *ret = new_zone(heap, 0);
    return true;
}

static const struct tarn_object_type datetime_class = {
    .name = "type", .methods = datetime_class_methods, .call = make_datetime};
static const struct tarn_object_type date_class = {
    .name = "type", .methods = date_class_methods, .call = make_date};
static const struct tarn_object_type delta_class = {.name = "type", .call = make_delta};
static const struct tarn_object_type zone_class = {
    .name = "type", .get = zone_class_get, .call = make_zone};

struct tarn_value module_datetime(struct tarn_heap *heap)
{
    struct tarn_value module = module_new(heap, NULL);
    tarn_dict_put_str(module, "datetime", tarn_value_object(heap, &datetime_class, NULL));
    tarn_dict_put_str(module, "date", tarn_value_object(heap, &date_class, NULL));
    tarn_dict_put_str(module, "timedelta", tarn_value_object(heap, &delta_class, NULL));
    tarn_dict_put_str(module, "timezone", tarn_value_object(heap, &zone_class, NULL));
    return module;
}

struct tarn_value module_pytz(struct tarn_heap *heap)
{
    static const struct module_function functions[] = {{"timezone", pytz_timezone}, {NULL, NULL}};
    struct tarn_value module = module_new(heap, functions);
    tarn_dict_put_str(module, "utc", new_zone(heap, 0));
    tarn_dict_put_str(module, "UTC", new_zone(heap, 0));
    return module;
}
