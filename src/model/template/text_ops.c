/* model/template/text_ops.c -- see text_ops.h. */
#include "model/template/text_ops.h"

#include <ctype.h>
#include <errno.h>

#include "model/template/template.h"
#include "model/template/utf8.h"

static void append_case(struct tarn_buffer *out, uint32_t c, enum text_case to, bool starts_word,
                        bool is_first)
{
    bool upper = to == CASE_UPPER || (to == CASE_TITLE && starts_word) ||
                 (to == CASE_CAPITALIZE && is_first) || (to == CASE_SWAP && char_is_lower(c));
    if (upper)
        char_append_upper(out, c);
    else
        char_append_lower(out, c);
}

struct tarn_value text_case(struct tarn_heap *heap, struct tarn_text text, enum text_case to)
{
    TARN_BUFFER(out, text.len * 3 + 16);
    bool after_letter = false;
    for (size_t i = 0; i < text.len;) {
        bool is_first = i == 0;
        uint32_t c = utf8_next(text, &i);
        append_case(&out, c, to, !after_letter, is_first);
        after_letter = char_is_upper(c) || char_is_lower(c);
    }
    return buffer_value(heap, &out);
}

bool text_is_case(struct tarn_text text, bool upper)
{
    bool found = false;
    for (size_t i = 0; i < text.len;) {
        uint32_t c = utf8_next(text, &i);
        if (upper ? char_is_lower(c) : char_is_upper(c))
            return false;
        found = found || (upper ? char_is_upper(c) : char_is_lower(c));
    }
    return found;
}

static bool is_stripped(uint32_t c, const struct tarn_text *chars)
{
    if (!chars)
        return char_is_space(c);
    for (size_t i = 0; i < chars->len;)
        if (utf8_next(*chars, &i) == c)
            return true;
    return false;
}

static size_t previous_start(struct tarn_text text, size_t end)
{
    size_t start = end - 1;
    while (start > 0 && ((unsigned char)text.data[start] & 0xc0) == 0x80)
        start--;
    return start;
}

struct tarn_text text_strip(struct tarn_text text, const struct tarn_text *chars, bool left,
                            bool right)
{
    while (left && text.len > 0) {
        size_t next = 0;
        if (!is_stripped(utf8_next(text, &next), chars))
            break;
        text = (struct tarn_text){text.data + next, text.len - next};
    }
    while (right && text.len > 0) {
        size_t start = previous_start(text, text.len), next = start;
        if (!is_stripped(utf8_next(text, &next), chars))
            break;
        text.len = start;
    }
    return text;
}

const char *text_find_last(struct tarn_text text, struct tarn_text wanted)
{
    for (size_t i = text.len + 1; i-- > 0;)
        if (i + wanted.len <= text.len && memcmp(text.data + i, wanted.data, wanted.len) == 0)
            return text.data + i;
    return NULL;
}

static void reverse_list(struct tarn_value list)
{
    size_t count = tarn_list_count(list);
    for (size_t i = 0; i < count / 2; i++) {
        struct tarn_value swapped = tarn_list_at(list, i);
        tarn_list_set(list, i, tarn_list_at(list, count - 1 - i));
        tarn_list_set(list, count - 1 - i, swapped);
    }
}

static void push_part(struct tarn_value list, const char *start, const char *end)
{
    tarn_list_append(list, tarn_value_text_ref((struct tarn_text){start, (size_t)(end - start)}));
}

struct tarn_value text_split_space(struct tarn_heap *heap, struct tarn_text text, int64_t most,
                                   bool from_right)
{
    struct tarn_value list = tarn_value_list(heap);
    for (int64_t cuts = 0;; cuts++) {
        text = text_strip(text, NULL, !from_right, from_right);
        if (text.len == 0)
            break;
        if (most >= 0 && cuts >= most) {
            text = text_strip(text, NULL, from_right, !from_right);
            push_part(list, text.data, text.data + text.len);
            break;
        }
        size_t at = from_right ? text.len : 0;
        while (from_right ? at > 0 : at < text.len) {
            size_t start = from_right ? previous_start(text, at) : at, next = start;
            if (char_is_space(utf8_next(text, &next)))
                break;
            at = from_right ? start : next;
        }
        if (from_right) {
            push_part(list, text.data + at, text.data + text.len);
            text.len = at;
        } else {
            push_part(list, text.data, text.data + at);
            text = (struct tarn_text){text.data + at, text.len - at};
        }
    }
    if (from_right)
        reverse_list(list);
    return list;
}

struct tarn_value text_split_on(struct tarn_heap *heap, struct tarn_text text,
                                struct tarn_text separator, int64_t most, bool from_right)
{
    struct tarn_value list = tarn_value_list(heap);
    for (int64_t cuts = 0; most < 0 || cuts < most; cuts++) {
        const char *found = from_right ? text_find_last(text, separator)
                                       : memmem(text.data, text.len, separator.data, separator.len);
        if (!found)
            break;
        const char *end = text.data + text.len;
        if (from_right) {
            push_part(list, found + separator.len, end);
            text.len = (size_t)(found - text.data);
        } else {
            push_part(list, text.data, found);
            text = (struct tarn_text){found + separator.len, (size_t)(end - found) - separator.len};
        }
    }
    push_part(list, text.data, text.data + text.len);
    if (from_right)
        reverse_list(list);
    return list;
}

static bool ends_line(uint32_t c)
{
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

struct tarn_value text_split_lines(struct tarn_heap *heap, struct tarn_text text, bool keep_ends)
{
    struct tarn_value list = tarn_value_list(heap);
    size_t start = 0;
    for (size_t i = 0; i < text.len;) {
        size_t end = i;
        uint32_t c = utf8_next(text, &i);
        if (!ends_line(c))
            continue;
        if (c == '\r' && i < text.len && text.data[i] == '\n')
            i++;
        push_part(list, text.data + start, text.data + (keep_ends ? i : end));
        start = i;
    }
    if (start < text.len)
        push_part(list, text.data + start, text.data + text.len);
    return list;
}

/* An empty text is found in front of every character and at the end. */
static void replace_between(struct tarn_text text, struct tarn_text new_text, int64_t most,
                            struct tarn_buffer *out)
{
    int64_t done = 0;
    size_t i = 0;
    for (;;) {
        if (most < 0 || done++ < most)
            tarn_buffer_append_text(out, new_text);
        if (i >= text.len)
            break;
        size_t start = i;
        utf8_next(text, &i);
        tarn_buffer_append(out, text.data + start, i - start);
    }
}

enum tarn_status text_replace(struct tarn_heap *heap, struct tarn_text text,
                              struct tarn_text old_text, struct tarn_text new_text, int64_t most,
                              struct tarn_value *ret, struct tarn_error *err)
{
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    if (old_text.len == 0)
        replace_between(text, new_text, most, &out);
    for (int64_t done = 0; old_text.len > 0; done++) {
        const char *found = most >= 0 && done >= most
                                ? NULL
                                : memmem(text.data, text.len, old_text.data, old_text.len);
        if (!found) {
            tarn_buffer_append_text(&out, text);
            break;
        }
        size_t at = (size_t)(found - text.data);
        tarn_buffer_append(&out, text.data, at);
        tarn_buffer_append_text(&out, new_text);
        text = (struct tarn_text){found + old_text.len, text.len - at - old_text.len};
    }
    TARN_TRY(tarn_buffer_check(&out, "replacing text", err));
    *ret = buffer_value(heap, &out);
    return TARN_OK;
}

enum tarn_status text_pad(struct tarn_heap *heap, struct tarn_text text, int64_t width,
                          struct tarn_text fill, enum pad_side side, struct tarn_value *ret,
                          struct tarn_error *err)
{
    int64_t length = (int64_t)utf8_count(text);
    int64_t missing = width > length ? width - length : 0;
    if (missing > TARN_TEMPLATE_TEXT_BYTES_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "a width of %lld is over the limit of %d",
                         (long long)width, TARN_TEMPLATE_TEXT_BYTES_MAX);
    int64_t before = side == PAD_LEFT ? missing : 0;
    if (side == PAD_BOTH)
        before = missing / 2 + (missing & width & 1);
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX * 4ULL + text.len + 16);
    for (int64_t i = 0; i < before; i++)
        tarn_buffer_append_text(&out, fill);
    tarn_buffer_append_text(&out, text);
    for (int64_t i = before; i < missing; i++)
        tarn_buffer_append_text(&out, fill);
    *ret = buffer_value(heap, &out);
    return TARN_OK;
}

/* Digits with single underscores between them, as Python allows; false when it is anything else. */
static bool copy_digits(struct tarn_text text, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool between = i > 0 && i + 1 < text.len && isalnum((unsigned char)text.data[i - 1]) &&
                       isalnum((unsigned char)text.data[i + 1]);
        if (c == '_' && between)
            continue;
        if (c == '_' || c == '\0' || len + 1 >= size)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return len > 0;
}

bool text_to_int(struct tarn_text text, int base, int64_t *ret)
{
    char digits[80];
    if (!copy_digits(text_strip(text, NULL, true, true), digits, sizeof digits))
        return false;
    const char *start = digits + (digits[0] == '-' || digits[0] == '+');
    if (!isalnum((unsigned char)*start))
        return false;
    if (base == 2 && start[0] == '0' && tolower((unsigned char)start[1]) == 'b')
        memmove(digits + (start - digits), start + 2, strlen(start + 2) + 1);
    if (base == 8 && start[0] == '0' && tolower((unsigned char)start[1]) == 'o')
        memmove(digits + (start - digits), start + 2, strlen(start + 2) + 1);
    if (base != 16 && base != 0 && start[0] == '0' && tolower((unsigned char)start[1]) == 'x' &&
        base < 34)
        return false;
    char *end;
    errno = 0;
    *ret = strtoll(digits, &end, base);
    return !errno && *end == '\0' && end != digits;
}

bool text_to_real(struct tarn_text text, double *ret)
{
    char digits[400];
    if (!copy_digits(text_strip(text, NULL, true, true), digits, sizeof digits))
        return false;
    const char *start = digits + (digits[0] == '-' || digits[0] == '+');
    if (start[0] == '0' && tolower((unsigned char)start[1]) == 'x')
        return false;
    if (isalpha((unsigned char)*start) && strcasecmp(start, "nan") != 0 &&
        strcasecmp(start, "inf") != 0 && strcasecmp(start, "infinity") != 0)
        return false;
    char *end;
    *ret = strtod(digits, &end);
    return *end == '\0' && end != digits && !isspace((unsigned char)digits[0]);
}
