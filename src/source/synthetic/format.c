/* source/synthetic/format.c -- see format.h. */
#include "source/synthetic/format.h"

#include <stdio.h>

#include "base/clock.h"
#include "source/synthetic/real.h"

const char tarn_digit_pairs[200] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

char *tarn_put_decimal(char *at, int64_t value, unsigned scale)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    if (scale == 0)
        return tarn_put_int(at, value);
    if (scale == 2)
        return tarn_put_cents(at, value);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0)
        *at++ = '-';
    uint64_t whole = magnitude / powers[scale];
    at = tarn_put_digits(at, whole, tarn_digit_count(whole));
    *at++ = '.';
    return tarn_put_digits(at, magnitude % powers[scale], scale);
}

char *tarn_put_real(char *at, double value)
{
    if (!(value > -1e12 && value < 1e12))
        return at + snprintf(at, TARN_PUT_VALUE_BYTES, "%.17g", value);
    char *end = tarn_put_decimal(at, tarn_real_round(value * 1e6), 6);
    while (end[-1] == '0' && end[-2] != '.')
        end--;
    return end;
}

char *tarn_put_date(char *at, int64_t days)
{
    int year;
    unsigned month, day;
    tarn_civil_from_days(days, &year, &month, &day);
    at = tarn_put_padded(at, (uint64_t)year, 4);
    *at++ = '-';
    at = tarn_put_pair(at, month);
    *at++ = '-';
    return tarn_put_pair(at, day);
}

char *tarn_put_time(char *at, int64_t time_us)
{
    int64_t seconds = time_us / 1000000 - (time_us % 1000000 < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    unsigned second = (unsigned)(seconds - days * 86400);
    at = tarn_put_date(at, days);
    *at++ = ' ';
    at = tarn_put_pair(at, second / 3600);
    *at++ = ':';
    at = tarn_put_pair(at, second / 60 % 60);
    *at++ = ':';
    return tarn_put_pair(at, second % 60);
}

static bool csv_needs_quotes(struct tarn_text text)
{
    if (text.len > 0 && (text.data[0] == ' ' || text.data[text.len - 1] == ' '))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == ',' || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

char *tarn_put_csv(char *at, struct tarn_text text)
{
    if (!csv_needs_quotes(text))
        return tarn_put_bytes(at, text.data, text.len);
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            *at++ = '"';
        *at++ = text.data[i];
    }
    *at++ = '"';
    return at;
}

char *tarn_put_json(char *at, struct tarn_text text)
{
    static const char hex[] = "0123456789abcdef";
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            *at++ = (char)c;
        } else if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else {
            at = tarn_put_bytes(at, "\\u00", 4);
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at++ = '"';
    return at;
}

bool tarn_text_is_plain(struct tarn_text text)
{
    if (text.len > 0 && (text.data[0] == ' ' || text.data[text.len - 1] == ' '))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == ',' || c == '"' || c == '\\')
            return false;
    }
    return true;
}
