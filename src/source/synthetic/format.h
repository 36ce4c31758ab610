/* source/synthetic/format.h -- values as text, fast: each function writes at `at` and returns what
 * is behind it.
 *
 * The caller guarantees room: TARN_PUT_VALUE_BYTES for a number, date or time; 2 * len + 2 for CSV
 * text, 6 * len + 2 for JSON text. */
#ifndef TARN_SOURCE_SYNTHETIC_FORMAT_H
#define TARN_SOURCE_SYNTHETIC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { TARN_PUT_VALUE_BYTES = 40 };

/* memcpy for the short texts that most values are. */
static inline char *tarn_put_bytes(char *at, const char *bytes, size_t len)
{
    if (len > 16) {
        memcpy(at, bytes, len);
    } else if (len >= 8) {
        memcpy(at, bytes, 8);
        memcpy(at + len - 8, bytes + len - 8, 8);
    } else if (len >= 4) {
        memcpy(at, bytes, 4);
        memcpy(at + len - 4, bytes + len - 4, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            at[i] = bytes[i];
    }
    return at + len;
}

extern const char tarn_digit_pairs[200]; /* "00" to "99" */

static inline char *tarn_put_pair(char *at, unsigned value)
{
    memcpy(at, tarn_digit_pairs + 2 * value, 2);
    return at + 2;
}

static inline unsigned tarn_digit_count(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Exactly `digits` digits, leading zeros included. */
static inline char *tarn_put_digits(char *at, uint64_t value, unsigned digits)
{
    char *end = at + digits;
    for (; digits >= 2; digits -= 2, value /= 100)
        memcpy(at + digits - 2, tarn_digit_pairs + 2 * (value % 100), 2);
    if (digits == 1)
        *at = (char)('0' + value % 10);
    return end;
}

static inline char *tarn_put_int(char *at, int64_t value)
{
    if (value < 0)
        *at++ = '-';
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return tarn_put_digits(at, magnitude, tarn_digit_count(magnitude));
}

/* With leading zeros up to `digits`. */
static inline char *tarn_put_padded(char *at, uint64_t value, unsigned digits)
{
    unsigned count = tarn_digit_count(value);
    return tarn_put_digits(at, value, count > digits ? count : digits);
}

/* An unscaled decimal: 1299 with scale 2 is 12.99. */
char *tarn_put_decimal(char *at, int64_t value, unsigned scale);
static inline char *tarn_put_cents(char *at, int64_t value)
{
    if (value < 0)
        *at++ = '-';
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t whole = magnitude / 100;
    at = tarn_put_digits(at, whole, tarn_digit_count(whole));
    *at++ = '.';
    return tarn_put_pair(at, (unsigned)(magnitude - whole * 100));
}

/* At most six decimals, no exponent below 1e12, the same bytes everywhere. */
char *tarn_put_real(char *at, double value);
char *tarn_put_date(char *at, int64_t days);    /* 2026-10-31 */
char *tarn_put_time(char *at, int64_t time_us); /* 2026-10-31 14:05:09 */
char *tarn_put_csv(char *at, struct tarn_text text);
char *tarn_put_json(char *at, struct tarn_text text); /* with the quotes */

/* No byte of it needs quoting in CSV or escaping in JSON. */
bool tarn_text_is_plain(struct tarn_text text);

#endif
