/* base/text.c -- see text.h. */
#include "base/text.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

bool tarn_text_equal(struct tarn_text a, struct tarn_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool tarn_text_is(struct tarn_text text, const char *literal)
{
    return tarn_text_equal(text, tarn_text_of(literal));
}

bool tarn_text_starts(struct tarn_text text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool tarn_text_ends(struct tarn_text text, const char *suffix)
{
    size_t len = strlen(suffix);
    return text.len >= len && memcmp(text.data + text.len - len, suffix, len) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct tarn_text tarn_text_trim(struct tarn_text text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

bool tarn_text_split(struct tarn_text *rest, char separator, struct tarn_text *ret_part)
{
    if (!rest->data)
        return false;
    const char *at = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    if (!at) {
        *ret_part = *rest;
        *rest = (struct tarn_text){NULL, 0};
        return true;
    }
    size_t len = (size_t)(at - rest->data);
    *ret_part = (struct tarn_text){rest->data, len};
    *rest = (struct tarn_text){at + 1, rest->len - len - 1};
    return true;
}

bool tarn_text_to_int64(struct tarn_text text, int64_t *ret_value)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative || (text.len > 0 && text.data[0] == '+') ? 1 : 0;
    if (at == text.len)
        return false;
    int64_t value = 0;
    for (; at < text.len; at++) {
        char c = text.data[at];
        int digit = c - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool tarn_text_to_double(struct tarn_text text, double *ret_value)
{
    char copy[64];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    char *end;
    errno = 0;
    double value = strtod(copy, &end);
    if (*end != 0 || end == copy || is_space(copy[0]) || errno == ERANGE)
        return false;
    *ret_value = value;
    return true;
}

/* Length of the valid UTF-8 sequence at p with `left` bytes, 0 when invalid. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xc2 && c <= 0xdf   ? 2
                 : (c & 0xf0) == 0xe0     ? 3
                 : c >= 0xf0 && c <= 0xf4 ? 4
                                          : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c == 0xe0 && p[1] < 0xa0) || (c == 0xf0 && p[1] < 0x90);
    bool out_of_range = (c == 0xed && p[1] > 0x9f) || (c == 0xf4 && p[1] > 0x8f);
    return overlong || out_of_range ? 0 : len;
}

size_t tarn_utf8_valid_prefix(struct tarn_text text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    size_t at = 0;
    while (at < text.len) {
        uint64_t eight;
        if (text.len - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
            if ((eight & 0x8080808080808080ULL) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t len = utf8_sequence(p + at, text.len - at);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

size_t tarn_utf8_encode(uint32_t code_point, char *out)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code_point >>= 6)
        out[i] = (char)(0x80 | (code_point & 0x3f));
    out[0] = (char)(lead[len] | code_point);
    return len;
}

bool tarn_text_glob(const char *pattern, const char *text)
{
    return fnmatch(pattern, text, 0) == 0;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t tarn_text_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), width = nb + 1;
    TARN_AUTO_FREE size_t *cells = tarn_alloc_array((na + 1) * width, sizeof *cells);
    for (size_t i = 0; i <= na; i++) {
        for (size_t j = 0; j <= nb; j++) {
            if (i == 0 || j == 0) {
                cells[i * width + j] = i + j;
                continue;
            }
            size_t replace = cells[(i - 1) * width + j - 1] + (a[i - 1] != b[j - 1]);
            size_t best =
                min3(replace, cells[(i - 1) * width + j] + 1, cells[i * width + j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                cells[(i - 2) * width + j - 2] + 1 < best)
                best = cells[(i - 2) * width + j - 2] + 1;
            cells[i * width + j] = best;
        }
    }
    return cells[na * width + nb];
}

const char *tarn_text_nearest(const char *wanted, const char *const *names, size_t count)
{
    size_t wanted_len = strlen(wanted);
    size_t limit = wanted_len / 3 + 1;
    const char *best = NULL;
    size_t best_distance = limit + 1;
    if (wanted_len > 200) /* no typing mistake, and the table would be large */
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t distance = tarn_text_distance(wanted, names[i]);
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

char *tarn_count_text(int64_t value, char out[TARN_COUNT_TEXT_BYTES])
{
    char digits[TARN_COUNT_TEXT_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value), to = 0;
    for (int i = 0; i < len; i++) {
        int left = len - i;
        out[to++] = digits[i];
        if (left > 1 && (left - 1) % 3 == 0 && digits[i] != '-')
            out[to++] = ',';
    }
    out[to] = 0;
    return out;
}
