/* lake/bounds.c -- see bounds.h. Little-endian machines only, as the rest of the tree. */
#include "lake/bounds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

enum { SHORT_LEN = 16 };

static struct tarn_text copy(struct tarn_arena *arena, const void *bytes, size_t len)
{
    return (struct tarn_text){tarn_arena_strndup(arena, bytes, len), len};
}

struct tarn_text tarn_bound_of_int32(int32_t value, struct tarn_arena *arena)
{
    return copy(arena, &value, sizeof value);
}

struct tarn_text tarn_bound_of_int64(int64_t value, struct tarn_arena *arena)
{
    return copy(arena, &value, sizeof value);
}

struct tarn_text tarn_bound_of_int128(__int128 value, struct tarn_arena *arena)
{
    unsigned char bytes[16];
    for (int i = 15; i >= 0; i--) {
        bytes[i] = (unsigned char)(value & 0xff);
        value >>= 8;
    }
    size_t start = 0;
    while (start < 15 && ((bytes[start] == 0x00 && bytes[start + 1] < 0x80) ||
                          (bytes[start] == 0xff && bytes[start + 1] >= 0x80)))
        start++;
    return copy(arena, bytes + start, sizeof bytes - start);
}

bool tarn_bound_int64(struct tarn_text bytes, int64_t *ret_value)
{
    int32_t narrow;
    if (bytes.len == sizeof narrow) {
        memcpy(&narrow, bytes.data, sizeof narrow);
        *ret_value = narrow;
        return true;
    }
    if (bytes.len != sizeof *ret_value)
        return false;
    memcpy(ret_value, bytes.data, sizeof *ret_value);
    return true;
}

bool tarn_bound_int128(struct tarn_text bytes, __int128 *ret_value)
{
    if (bytes.len == 0 || bytes.len > 16)
        return false;
    unsigned __int128 value = (signed char)bytes.data[0] < 0 ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.data[i];
    *ret_value = (__int128)value;
    return true;
}

/* ---- text to value ---- */

/* Reads up to `max` digits; false when there are fewer than `min`. */
static bool take_digits(struct tarn_text *rest, size_t min, size_t max, int64_t *ret_value)
{
    int64_t value = 0;
    size_t count = 0;
    while (count < max && count < rest->len && rest->data[count] >= '0' && rest->data[count] <= '9')
        value = value * 10 + (rest->data[count++] - '0');
    rest->data += count;
    rest->len -= count;
    *ret_value = value;
    return count >= min;
}

static bool take(struct tarn_text *rest, const char *literal)
{
    if (!tarn_text_starts(*rest, literal))
        return false;
    rest->data += strlen(literal);
    rest->len -= strlen(literal);
    return true;
}

static bool take_date(struct tarn_text *rest, int64_t *ret_days)
{
    int64_t year, month, day;
    if (!take_digits(rest, 4, 6, &year) || !take(rest, "-") || !take_digits(rest, 2, 2, &month) ||
        !take(rest, "-") || !take_digits(rest, 2, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return false;
    if (take(rest, " (BC)"))
        year = 1 - year;
    *ret_days = tarn_days_from_civil((int)year, (unsigned)month, (unsigned)day);
    return true;
}

static bool take_time(struct tarn_text *rest, int64_t *ret_us)
{
    int64_t hour, minute, second = 0, micros = 0;
    if (!take_digits(rest, 2, 2, &hour) || !take(rest, ":") || !take_digits(rest, 2, 2, &minute))
        return false;
    if (take(rest, ":") && !take_digits(rest, 2, 2, &second))
        return false;
    if (take(rest, ".")) {
        size_t before = rest->len;
        if (!take_digits(rest, 1, 6, &micros))
            return false;
        for (size_t digits = before - rest->len; digits < 6; digits++)
            micros *= 10;
    }
    *ret_us = ((hour * 60 + minute) * 60 + second) * 1000000 + micros;
    return hour <= 24 && minute <= 59 && second <= 60;
}

static bool take_zone(struct tarn_text *rest, int64_t *ret_us)
{
    int64_t hours, minutes = 0;
    *ret_us = 0;
    if (rest->len == 0 || take(rest, "Z"))
        return true;
    bool west = rest->data[0] == '-';
    if (!take(rest, "+") && !take(rest, "-"))
        return false;
    if (!take_digits(rest, 2, 2, &hours))
        return false;
    if (take(rest, ":") && !take_digits(rest, 2, 2, &minutes))
        return false;
    *ret_us = (hours * 60 + minutes) * 60000000 * (west ? -1 : 1);
    return true;
}

static bool parse_timestamp(struct tarn_text text, int64_t *ret_us)
{
    int64_t days, us = 0, zone = 0;
    if (!take_date(&text, &days))
        return false;
    if (text.len > 0 && ((!take(&text, " ") && !take(&text, "T")) || !take_time(&text, &us)))
        return false;
    if (!take_zone(&text, &zone) || text.len > 0)
        return false;
    *ret_us = days * 86400000000 + us - zone;
    return true;
}

static bool parse_decimal(struct tarn_text text, int precision, int scale, __int128 *ret_value)
{
    bool negative = text.len > 0 && text.data[0] == '-', dot = false;
    size_t at = negative || (text.len > 0 && text.data[0] == '+') ? 1 : 0;
    __int128 value = 0;
    int digits = 0, behind = 0;
    if (at == text.len)
        return false;
    for (; at < text.len; at++) {
        char c = text.data[at];
        if (c == '.' && !dot) {
            dot = true;
            continue;
        }
        if (c < '0' || c > '9' || (dot && behind == scale))
            return false;
        digits += value != 0 || c != '0';
        behind += dot;
        if (digits > precision)
            return false;
        value = value * 10 + (c - '0');
    }
    for (; behind < scale; behind++) {
        digits += value != 0;
        if (digits > precision)
            return false;
        value *= 10;
    }
    *ret_value = negative ? -value : value;
    return true;
}

static bool parse_uuid(struct tarn_text text, unsigned char out[16])
{
    size_t nibbles = 0;
    memset(out, 0, 16);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        int value = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (c == '-')
            continue;
        if (value < 0 || nibbles == 32)
            return false;
        out[nibbles / 2] = (unsigned char)(out[nibbles / 2] << 4 | value);
        nibbles++;
    }
    return nibbles == 32;
}

static bool parse_hex(struct tarn_text text, struct tarn_arena *arena, struct tarn_text *ret_bytes)
{
    unsigned char *bytes = tarn_arena_alloc(arena, text.len / 2 + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        int value = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (value < 0)
            return false;
        bytes[i / 2] = (unsigned char)(bytes[i / 2] << 4 | value);
    }
    *ret_bytes = (struct tarn_text){(char *)bytes, text.len / 2};
    return text.len % 2 == 0;
}

static bool encode_float(enum tarn_iceberg_kind kind, struct tarn_text text,
                         struct tarn_arena *arena, struct tarn_text *ret_bytes)
{
    double value;
    if (!tarn_text_to_double(text, &value) || isnan(value))
        return false;
    if (kind == TARN_ICEBERG_FLOAT) {
        float narrow = (float)value;
        *ret_bytes = copy(arena, &narrow, sizeof narrow);
    } else {
        *ret_bytes = copy(arena, &value, sizeof value);
    }
    return true;
}

static bool encode_integer(const struct tarn_iceberg_type *type, struct tarn_text text,
                           struct tarn_arena *arena, struct tarn_text *ret_bytes)
{
    int64_t value, zone;
    bool narrow = type->kind == TARN_ICEBERG_INT || type->kind == TARN_ICEBERG_DATE;
    bool good;
    if (type->kind == TARN_ICEBERG_DATE)
        good = take_date(&text, &value) && text.len == 0;
    else if (type->kind == TARN_ICEBERG_TIME)
        good = take_time(&text, &value) && take_zone(&text, &zone) && text.len == 0;
    else if (type->kind == TARN_ICEBERG_INT || type->kind == TARN_ICEBERG_LONG)
        good = tarn_text_to_int64(text, &value);
    else
        good = parse_timestamp(text, &value);
    if (!good || (narrow && value != (int32_t)value))
        return false;
    *ret_bytes =
        narrow ? tarn_bound_of_int32((int32_t)value, arena) : tarn_bound_of_int64(value, arena);
    return true;
}

static bool encode_boolean(struct tarn_text text, struct tarn_arena *arena,
                           struct tarn_text *ret_bytes)
{
    bool yes = tarn_text_is(text, "1") || (text.len == 4 && strncasecmp(text.data, "true", 4) == 0);
    bool no = tarn_text_is(text, "0") || (text.len == 5 && strncasecmp(text.data, "false", 5) == 0);
    *ret_bytes = copy(arena, yes ? "\x01" : "\x00", 1);
    return yes || no;
}

bool tarn_bound_encode(const struct tarn_iceberg_type *type, struct tarn_text text,
                       struct tarn_arena *arena, struct tarn_text *ret_bytes)
{
    __int128 unscaled;
    unsigned char uuid[16];
    switch (type->kind) {
    case TARN_ICEBERG_BOOLEAN:
        return encode_boolean(text, arena, ret_bytes);
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        return encode_integer(type, text, arena, ret_bytes);
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
        return encode_float(type->kind, text, arena, ret_bytes);
    case TARN_ICEBERG_STRING:
        *ret_bytes = copy(arena, text.data, text.len);
        return true;
    case TARN_ICEBERG_BINARY:
    case TARN_ICEBERG_FIXED:
        return parse_hex(text, arena, ret_bytes);
    case TARN_ICEBERG_UUID:
        if (!parse_uuid(text, uuid))
            return false;
        *ret_bytes = copy(arena, uuid, sizeof uuid);
        return true;
    case TARN_ICEBERG_DECIMAL:
        if (!parse_decimal(text, type->precision, type->scale, &unscaled))
            return false;
        *ret_bytes = tarn_bound_of_int128(unscaled, arena);
        return true;
    case TARN_ICEBERG_STRUCT:
    case TARN_ICEBERG_LIST:
    case TARN_ICEBERG_MAP:
        return false;
    }
    return false;
}

bool tarn_bound_is_infinite(struct tarn_text text)
{
    return tarn_text_is(text, "infinity") || tarn_text_is(text, "-infinity");
}

/* ---- shortening ---- */

static size_t sequence_start(const char *data, size_t end)
{
    while (end > 0 && ((unsigned char)data[end - 1] & 0xc0) == 0x80)
        end--;
    return end > 0 ? end - 1 : 0;
}

static uint32_t decode_point(const unsigned char *p, size_t len)
{
    static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = p[0] & first_mask[len];
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (p[i] & 0x3f);
    return point;
}

static size_t encode_point(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(first[len] | point);
    return len;
}

/* The smallest text of at most this many characters that is above every text with this prefix. */
static bool increment_text(struct tarn_text prefix, struct tarn_arena *arena,
                           struct tarn_text *ret_bytes)
{
    for (size_t end = prefix.len; end > 0;) {
        size_t start = sequence_start(prefix.data, end);
        size_t len = end - start;
        uint32_t point =
            len <= 4 ? decode_point((const unsigned char *)prefix.data + start, len) : 0x10ffff;
        if (point < 0x10ffff) {
            point = point == 0xd7ff ? 0xe000 : point + 1;
            char *out = tarn_arena_alloc(arena, start + 5);
            memcpy(out, prefix.data, start);
            *ret_bytes = (struct tarn_text){out, start + encode_point(point, out + start)};
            return true;
        }
        end = start;
    }
    return false;
}

static bool increment_bytes(struct tarn_text prefix, struct tarn_arena *arena,
                            struct tarn_text *ret_bytes)
{
    for (size_t end = prefix.len; end > 0; end--) {
        if ((unsigned char)prefix.data[end - 1] == 0xff)
            continue;
        char *out = tarn_arena_strndup(arena, prefix.data, end);
        out[end - 1] = (char)((unsigned char)out[end - 1] + 1);
        *ret_bytes = (struct tarn_text){out, end};
        return true;
    }
    return false;
}

static size_t prefix_len(struct tarn_text text, bool characters)
{
    size_t at = 0;
    for (size_t count = 0; at < text.len && count < SHORT_LEN; count++) {
        at++;
        while (characters && at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

static struct tarn_text signed_zero(struct tarn_text bytes, bool upper, struct tarn_arena *arena)
{
    char *out = tarn_arena_strndup(arena, bytes.data, bytes.len);
    bool zero = true;
    for (size_t i = 0; i + 1 < bytes.len; i++)
        zero = zero && out[i] == 0;
    if (zero && bytes.len > 0 && (out[bytes.len - 1] & 0x7f) == 0)
        out[bytes.len - 1] = upper ? 0 : (char)0x80;
    return (struct tarn_text){out, bytes.len};
}

bool tarn_bound_shorten(const struct tarn_iceberg_type *type, bool upper, struct tarn_text bytes,
                        struct tarn_arena *arena, struct tarn_text *ret_bytes)
{
    if (type->kind == TARN_ICEBERG_FLOAT || type->kind == TARN_ICEBERG_DOUBLE) {
        *ret_bytes = signed_zero(bytes, upper, arena);
        return true;
    }
    bool text = type->kind == TARN_ICEBERG_STRING;
    *ret_bytes = bytes;
    if (!text && type->kind != TARN_ICEBERG_BINARY)
        return true;
    if (text && tarn_utf8_valid_prefix(bytes) != bytes.len)
        return false;
    struct tarn_text prefix = {bytes.data, prefix_len(bytes, text)};
    if (prefix.len == bytes.len)
        return true;
    *ret_bytes = prefix;
    if (!upper)
        return true;
    return text ? increment_text(prefix, arena, ret_bytes)
                : increment_bytes(prefix, arena, ret_bytes);
}

/* ---- comparing and printing ---- */

static bool as_double(struct tarn_text bytes, double *ret_value)
{
    float narrow;
    if (bytes.len == sizeof narrow) {
        memcpy(&narrow, bytes.data, sizeof narrow);
        *ret_value = (double)narrow;
        return true;
    }
    if (bytes.len != sizeof *ret_value)
        return false;
    memcpy(ret_value, bytes.data, sizeof *ret_value);
    return true;
}

static int compare_bytes(struct tarn_text a, struct tarn_text b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

int tarn_bound_compare(const struct tarn_iceberg_type *type, struct tarn_text a, struct tarn_text b,
                       bool *ret_known)
{
    int64_t x, y;
    double p, q;
    __int128 m, n;
    *ret_known = true;
    switch ((int)type->kind) {
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
        *ret_known = as_double(a, &p) && as_double(b, &q) && !isnan(p) && !isnan(q);
        return *ret_known ? (p > q) - (p < q) : 0;
    case TARN_ICEBERG_DECIMAL:
        *ret_known = tarn_bound_int128(a, &m) && tarn_bound_int128(b, &n);
        return *ret_known ? (m > n) - (m < n) : 0;
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        *ret_known = tarn_bound_int64(a, &x) && tarn_bound_int64(b, &y);
        return *ret_known ? (x > y) - (x < y) : 0;
    case TARN_ICEBERG_STRUCT:
    case TARN_ICEBERG_LIST:
    case TARN_ICEBERG_MAP:
        *ret_known = false;
        return 0;
    default:
        return compare_bytes(a, b);
    }
}

static char *decimal_text(__int128 value, int scale, struct tarn_arena *arena)
{
    char digits[48];
    size_t at = sizeof digits;
    bool negative = value < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    digits[--at] = 0;
    for (int place = 0; rest > 0 || place <= scale; place++) {
        if (place == scale && scale > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (negative)
        digits[--at] = '-';
    return tarn_arena_strdup(arena, digits + at);
}

static char *hex_text(struct tarn_text bytes, struct tarn_arena *arena)
{
    char *out = tarn_arena_alloc(arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned char)bytes.data[i]);
    return out;
}

static char *time_text(enum tarn_iceberg_kind kind, int64_t value, struct tarn_arena *arena)
{
    char text[TARN_TIME_TEXT_BYTES];
    if (kind == TARN_ICEBERG_DATE)
        return tarn_arena_strdup(arena, tarn_date_format(value, text));
    tarn_time_format(value, text);
    if (kind == TARN_ICEBERG_TIME)
        return tarn_arena_strndup(arena, text + 11, strlen(text) - 12);
    return tarn_arena_strndup(arena, text, strlen(text) - (kind == TARN_ICEBERG_TIMESTAMP));
}

char *tarn_bound_text(const struct tarn_iceberg_type *type, struct tarn_text bytes,
                      struct tarn_arena *arena)
{
    int64_t integer = 0;
    double real = 0;
    __int128 wide = 0;
    switch ((int)type->kind) {
    case TARN_ICEBERG_BOOLEAN:
        return tarn_arena_strdup(arena, bytes.len && bytes.data[0] ? "true" : "false");
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
        return tarn_bound_int64(bytes, &integer)
                   ? tarn_arena_format(arena, "%lld", (long long)integer)
                   : hex_text(bytes, arena);
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        return tarn_bound_int64(bytes, &integer) ? time_text(type->kind, integer, arena)
                                                 : hex_text(bytes, arena);
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
        return as_double(bytes, &real) ? tarn_arena_format(arena, "%.17g", real)
                                       : hex_text(bytes, arena);
    case TARN_ICEBERG_DECIMAL:
        return tarn_bound_int128(bytes, &wide) ? decimal_text(wide, type->scale, arena)
                                               : hex_text(bytes, arena);
    case TARN_ICEBERG_STRING:
        return tarn_arena_strndup(arena, bytes.data, bytes.len);
    default:
        return hex_text(bytes, arena);
    }
}
