/* lake/transform.c -- see transform.h. */
#include "lake/transform.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"

#define US_PER_HOUR 3600000000LL
#define US_PER_DAY 86400000000LL

static const char *const plain_names[] = {
    [TARN_TRANSFORM_IDENTITY] = "identity", [TARN_TRANSFORM_BUCKET] = "bucket",
    [TARN_TRANSFORM_TRUNCATE] = "truncate", [TARN_TRANSFORM_YEAR] = "year",
    [TARN_TRANSFORM_MONTH] = "month",       [TARN_TRANSFORM_DAY] = "day",
    [TARN_TRANSFORM_HOUR] = "hour",         [TARN_TRANSFORM_VOID] = "void",
};

static bool has_width(enum tarn_transform_kind kind)
{
    return kind == TARN_TRANSFORM_BUCKET || kind == TARN_TRANSFORM_TRUNCATE;
}

static enum tarn_transform_kind kind_of(struct tarn_text name)
{
    for (size_t i = 0; i < TARN_COUNT(plain_names); i++)
        if (name.len == strlen(plain_names[i]) &&
            strncasecmp(name.data, plain_names[i], name.len) == 0)
            return (enum tarn_transform_kind)i;
    return TARN_TRANSFORM_UNKNOWN;
}

struct tarn_transform tarn_transform_parse(const char *text)
{
    struct tarn_transform unknown = {TARN_TRANSFORM_UNKNOWN, 0};
    size_t name_len = strcspn(text, "[");
    struct tarn_transform transform = {kind_of((struct tarn_text){text, name_len}), 0};
    if (has_width(transform.kind)) {
        int end = 0;
        if (sscanf(text + name_len, "[ %d ]%n", &transform.width, &end) < 1 || end == 0 ||
            text[name_len + (size_t)end] != 0 || transform.width < 1)
            return unknown;
        return transform;
    }
    return text[name_len] == 0 ? transform : unknown;
}

char *tarn_transform_text(struct tarn_transform transform, struct tarn_arena *arena)
{
    if (transform.kind == TARN_TRANSFORM_UNKNOWN)
        return tarn_arena_strdup(arena, "unknown");
    if (has_width(transform.kind))
        return tarn_arena_format(arena, "%s[%d]", plain_names[transform.kind], transform.width);
    return tarn_arena_strdup(arena, plain_names[transform.kind]);
}

static const char *unquoted(struct tarn_text name, struct tarn_arena *arena)
{
    name = tarn_text_trim(name);
    if (name.len < 2 || name.data[0] != '"' || name.data[name.len - 1] != '"')
        return tarn_arena_strndup(arena, name.data, name.len);
    char *out = tarn_arena_alloc(arena, name.len);
    size_t len = 0;
    for (size_t i = 1; i + 1 < name.len; i++) {
        out[len++] = name.data[i];
        i += name.data[i] == '"';
    }
    return out;
}

enum tarn_status tarn_transform_declared(const char *text, struct tarn_arena *arena,
                                         struct tarn_transform *ret_transform,
                                         const char **ret_column, struct tarn_error *err)
{
    struct tarn_text whole = tarn_text_trim(tarn_text_of(text));
    const char *open = whole.len ? memchr(whole.data, '(', whole.len) : NULL;
    if (whole.len > 0 && (!open || whole.data[0] == '"')) {
        *ret_transform = (struct tarn_transform){TARN_TRANSFORM_IDENTITY, 0};
        *ret_column = unquoted(whole, arena);
        return TARN_OK;
    }
    struct tarn_transform transform = {TARN_TRANSFORM_UNKNOWN, 0};
    if (open && whole.data[whole.len - 1] == ')') {
        transform.kind =
            kind_of(tarn_text_trim((struct tarn_text){whole.data, (size_t)(open - whole.data)}));
        struct tarn_text inside = {open + 1, whole.len - (size_t)(open - whole.data) - 2};
        const char *comma = inside.len ? memchr(inside.data, ',', inside.len) : NULL;
        int64_t width = 0;
        if (has_width(transform.kind) && comma) {
            struct tarn_text number = {inside.data, (size_t)(comma - inside.data)};
            if (!tarn_text_to_int64(tarn_text_trim(number), &width) || width < 1 || width > INT_MAX)
                transform.kind = TARN_TRANSFORM_UNKNOWN;
            inside = (struct tarn_text){comma + 1, inside.len - number.len - 1};
        } else if (has_width(transform.kind)) {
            transform.kind = TARN_TRANSFORM_UNKNOWN;
        }
        transform.width = (int)width;
        *ret_column = unquoted(inside, arena);
    }
    if (transform.kind == TARN_TRANSFORM_UNKNOWN || (*ret_column)[0] == 0)
        return tarn_fail(
            err, TARN_INVALID,
            "'%s' is no partition; write a column, year(c), month(c), day(c), hour(c), "
            "bucket(16, c) or truncate(4, c)",
            text);
    *ret_transform = transform;
    return TARN_OK;
}

static bool takes(enum tarn_transform_kind kind, enum tarn_iceberg_kind type)
{
    bool dated = type == TARN_ICEBERG_DATE || type == TARN_ICEBERG_TIMESTAMP ||
                 type == TARN_ICEBERG_TIMESTAMPTZ;
    switch (kind) {
    case TARN_TRANSFORM_IDENTITY:
    case TARN_TRANSFORM_VOID:
        return true;
    case TARN_TRANSFORM_BUCKET:
        return type != TARN_ICEBERG_BOOLEAN && type != TARN_ICEBERG_FLOAT &&
               type != TARN_ICEBERG_DOUBLE;
    case TARN_TRANSFORM_TRUNCATE:
        return type == TARN_ICEBERG_INT || type == TARN_ICEBERG_LONG ||
               type == TARN_ICEBERG_DECIMAL || type == TARN_ICEBERG_STRING ||
               type == TARN_ICEBERG_BINARY;
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
    case TARN_TRANSFORM_DAY:
        return dated;
    case TARN_TRANSFORM_HOUR:
        return dated && type != TARN_ICEBERG_DATE;
    case TARN_TRANSFORM_UNKNOWN:
        return false;
    }
    return false;
}

const struct tarn_iceberg_type *tarn_transform_result(struct tarn_transform transform,
                                                      const struct tarn_iceberg_type *source)
{
    static const struct tarn_iceberg_type int_type = {.kind = TARN_ICEBERG_INT};
    static const struct tarn_iceberg_type date_type = {.kind = TARN_ICEBERG_DATE};
    if (tarn_iceberg_is_nested(source) || !takes(transform.kind, source->kind))
        return NULL;
    if (transform.kind == TARN_TRANSFORM_DAY)
        return &date_type;
    return transform.kind == TARN_TRANSFORM_IDENTITY || transform.kind == TARN_TRANSFORM_TRUNCATE ||
                   transform.kind == TARN_TRANSFORM_VOID
               ? source
               : &int_type;
}

/* A value as what tarn_murmur3 takes (engine/function.c) for its hash by Appendix B. */
static void hashed_sql(const struct tarn_iceberg_type *source, const char *x,
                       struct tarn_buffer *out)
{
    switch ((int)source->kind) {
    case TARN_ICEBERG_DATE:
        tarn_buffer_printf(out, "CAST(%s - DATE '1970-01-01' AS BIGINT)", x);
        return;
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        tarn_buffer_printf(out, "CAST(epoch_us(%s) AS BIGINT)", x);
        return;
    case TARN_ICEBERG_DECIMAL:
        tarn_buffer_printf(out, "CAST(replace(CAST(%s AS VARCHAR), '.', '') AS HUGEINT)", x);
        return;
    case TARN_ICEBERG_STRING:
        tarn_buffer_printf(out, "encode(%s)", x);
        return;
    case TARN_ICEBERG_UUID:
        tarn_buffer_printf(out, "unhex(replace(CAST(%s AS VARCHAR), '-', ''))", x);
        return;
    case TARN_ICEBERG_BINARY:
    case TARN_ICEBERG_FIXED:
        tarn_buffer_printf(out, "CAST(%s AS BLOB)", x);
        return;
    default:
        tarn_buffer_printf(out, "CAST(%s AS BIGINT)", x);
        return;
    }
}

/* The width counts units of the last digit: truncate[50] of 10.65 is 10.50. */
static void truncate_decimal_sql(int width, const struct tarn_iceberg_type *source, const char *x,
                                 struct tarn_buffer *out)
{
    TARN_BUFFER(w, 100);
    tarn_buffer_printf(&w, "%0*d", source->scale + 1, width);
    char digits[100];
    int whole = (int)w.len - source->scale;
    snprintf(digits, sizeof digits, "%.*s.%s", whole, tarn_buffer_str(&w),
             tarn_buffer_str(&w) + whole);
    tarn_buffer_printf(out, "CAST(%s - ((%s %% %s) + %s) %% %s AS DECIMAL(%d,%d))", x, x, digits,
                       digits, digits, source->precision, source->scale);
}

void tarn_transform_sql(struct tarn_transform transform, const struct tarn_iceberg_type *source,
                        const char *expression, struct tarn_buffer *out)
{
    TARN_BUFFER(utc, 1 << 20);
    tarn_buffer_printf(&utc,
                       source->kind == TARN_ICEBERG_TIMESTAMPTZ ? "(%s AT TIME ZONE 'UTC')" : "%s",
                       expression);
    const char *x = tarn_buffer_str(&utc);
    int w = transform.width;
    switch (transform.kind) {
    case TARN_TRANSFORM_IDENTITY:
        tarn_buffer_append_str(out, expression);
        return;
    case TARN_TRANSFORM_YEAR:
        tarn_buffer_printf(out, "CAST(year(%s) - 1970 AS INTEGER)", x);
        return;
    case TARN_TRANSFORM_MONTH:
        tarn_buffer_printf(out, "CAST((year(%s) - 1970) * 12 + month(%s) - 1 AS INTEGER)", x, x);
        return;
    case TARN_TRANSFORM_DAY:
        tarn_buffer_printf(out, "CAST(%s AS DATE)", x);
        return;
    case TARN_TRANSFORM_HOUR:
        tarn_buffer_printf(out,
                           "CAST((epoch_us(%s) - ((epoch_us(%s) %% 3600000000) + 3600000000) %% "
                           "3600000000) // 3600000000 AS INTEGER)",
                           x, x);
        return;
    case TARN_TRANSFORM_TRUNCATE:
        if (source->kind == TARN_ICEBERG_STRING)
            tarn_buffer_printf(out, "left(%s, %d)", x, w);
        else if (source->kind == TARN_ICEBERG_BINARY)
            tarn_buffer_printf(out, "unhex(left(hex(%s), 2 * %d))", x, w);
        else if (source->kind == TARN_ICEBERG_DECIMAL)
            truncate_decimal_sql(w, source, x, out);
        else
            tarn_buffer_printf(out, "(%s - ((%s %% %d) + %d) %% %d)", x, x, w, w, w);
        return;
    case TARN_TRANSFORM_BUCKET:
        tarn_buffer_append_str(out, "((tarn_murmur3(");
        hashed_sql(source, expression, out);
        tarn_buffer_printf(out, ") & 2147483647) %% %d)", w);
        return;
    case TARN_TRANSFORM_VOID:
    case TARN_TRANSFORM_UNKNOWN:
        tarn_buffer_append_str(out, "NULL");
        return;
    }
}

/* ---- values ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static bool apply_dated(enum tarn_transform_kind kind, const struct tarn_iceberg_type *source,
                        struct tarn_text bytes, struct tarn_arena *arena,
                        struct tarn_text *ret_bytes)
{
    int64_t value;
    if (!tarn_bound_int64(bytes, &value))
        return false;
    int64_t days = source->kind == TARN_ICEBERG_DATE ? value : floor_div(value, US_PER_DAY);
    int64_t result = days;
    if (kind == TARN_TRANSFORM_HOUR) {
        result = floor_div(value, US_PER_HOUR);
    } else if (kind != TARN_TRANSFORM_DAY) {
        int year;
        unsigned month, day;
        if (days < -365000000 || days > 365000000)
            return false;
        tarn_civil_from_days(days, &year, &month, &day);
        result = kind == TARN_TRANSFORM_YEAR ? year - 1970 : (year - 1970) * 12LL + (int)month - 1;
    }
    if (result != (int32_t)result)
        return false;
    *ret_bytes = tarn_bound_of_int32((int32_t)result, arena);
    return true;
}

static size_t characters_len(struct tarn_text text, int count)
{
    size_t at = 0;
    for (; count > 0 && at < text.len; count--) {
        at++;
        while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

static bool apply_truncate(int width, const struct tarn_iceberg_type *source,
                           struct tarn_text bytes, struct tarn_arena *arena,
                           struct tarn_text *ret_bytes)
{
    int64_t value;
    __int128 wide;
    if (source->kind == TARN_ICEBERG_STRING || source->kind == TARN_ICEBERG_BINARY) {
        size_t len = source->kind == TARN_ICEBERG_STRING ? characters_len(bytes, width)
                     : bytes.len < (size_t)width         ? bytes.len
                                                         : (size_t)width;
        *ret_bytes = (struct tarn_text){bytes.data, len};
        return true;
    }
    if (source->kind == TARN_ICEBERG_DECIMAL) {
        if (!tarn_bound_int128(bytes, &wide))
            return false;
        *ret_bytes = tarn_bound_of_int128(wide - ((wide % width) + width) % width, arena);
        return true;
    }
    if (!tarn_bound_int64(bytes, &value))
        return false;
    int64_t low;
    if (__builtin_sub_overflow(value, ((value % width) + width) % width, &low))
        return false;
    if (source->kind == TARN_ICEBERG_INT && low != (int32_t)low)
        return false;
    *ret_bytes = source->kind == TARN_ICEBERG_INT ? tarn_bound_of_int32((int32_t)low, arena)
                                                  : tarn_bound_of_int64(low, arena);
    return true;
}

bool tarn_transform_apply(struct tarn_transform transform, const struct tarn_iceberg_type *source,
                          struct tarn_text bytes, struct tarn_arena *arena,
                          struct tarn_text *ret_bytes)
{
    uint32_t hash;
    switch (transform.kind) {
    case TARN_TRANSFORM_IDENTITY:
        *ret_bytes = bytes;
        return true;
    case TARN_TRANSFORM_BUCKET:
        if (!tarn_transform_hash(source, bytes, &hash))
            return false;
        *ret_bytes =
            tarn_bound_of_int32((int32_t)((hash & INT32_MAX) % (uint32_t)transform.width), arena);
        return true;
    case TARN_TRANSFORM_TRUNCATE:
        return apply_truncate(transform.width, source, bytes, arena, ret_bytes);
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
    case TARN_TRANSFORM_DAY:
    case TARN_TRANSFORM_HOUR:
        return apply_dated(transform.kind, source, bytes, arena, ret_bytes);
    case TARN_TRANSFORM_VOID:
    case TARN_TRANSFORM_UNKNOWN:
        return false;
    }
    return false;
}

bool tarn_transform_is_monotonic(struct tarn_transform transform)
{
    return transform.kind != TARN_TRANSFORM_BUCKET && transform.kind != TARN_TRANSFORM_VOID &&
           transform.kind != TARN_TRANSFORM_UNKNOWN;
}

/* ---- hashing ---- */

bool tarn_transform_hash(const struct tarn_iceberg_type *type, struct tarn_text bytes,
                         uint32_t *ret_hash)
{
    int64_t value;
    __int128 wide;
    switch ((int)type->kind) {
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        if (!tarn_bound_int64(bytes, &value))
            return false;
        *ret_hash = tarn_murmur3((struct tarn_text){(const char *)&value, sizeof value});
        return true;
    case TARN_ICEBERG_DECIMAL:
        if (!tarn_bound_int128(bytes, &wide))
            return false;
        *ret_hash = tarn_murmur3_int128(wide);
        return true;
    case TARN_ICEBERG_STRING:
    case TARN_ICEBERG_BINARY:
    case TARN_ICEBERG_FIXED:
    case TARN_ICEBERG_UUID:
        *ret_hash = tarn_murmur3(bytes);
        return true;
    default:
        return false;
    }
}
