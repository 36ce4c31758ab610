/* model/template/string_literal.c -- see string_literal.h. Unknown escapes keep their backslash, as
 * in Python. */
#include "model/template/string_literal.h"

#include <ctype.h>

#include "model/template/utf8.h"
#include "model/template/value_int.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `count` hex digits behind the letter at *i; moves *i behind them. */
static bool read_hex(struct tarn_text text, size_t *i, size_t count, struct tarn_buffer *out)
{
    uint32_t code_point = 0;
    if (*i + count >= text.len)
        return false;
    for (size_t n = 1; n <= count; n++) {
        int digit = hex_digit(text.data[*i + n]);
        if (digit < 0)
            return false;
        code_point = code_point * 16 + (uint32_t)digit;
    }
    *i += count + 1;
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000))
        return false;
    utf8_append(out, code_point);
    return true;
}

static void read_octal(struct tarn_text text, size_t *i, struct tarn_buffer *out)
{
    uint32_t code_point = 0;
    for (int n = 0; n < 3 && *i < text.len && text.data[*i] >= '0' && text.data[*i] <= '7'; n++)
        code_point = code_point * 8 + (uint32_t)(text.data[(*i)++] - '0');
    utf8_append(out, code_point);
}

static const char *read_escape(struct tarn_text text, size_t *i, struct tarn_buffer *out)
{
    static const char from[] = "\\'\"abfnrtv";
    static const char to[] = "\\'\"\a\b\f\n\r\t\v";
    char c = text.data[*i];
    const char *simple = strchr(from, c);
    if (simple && c) {
        tarn_buffer_append_char(out, to[simple - from]);
        ++*i;
    } else if (c == '\n') {
        ++*i;
    } else if (c >= '0' && c <= '7') {
        read_octal(text, i, out);
    } else if (c == 'x' || c == 'u' || c == 'U') {
        if (!read_hex(text, i, c == 'x' ? 2 : c == 'u' ? 4 : 8, out))
            return c == 'x'   ? "truncated \\xXX escape"
                   : c == 'u' ? "truncated \\uXXXX escape"
                              : "truncated \\UXXXXXXXX escape";
    } else if (c == 'N') {
        return "\\N{...} escapes are not supported; write \\uXXXX";
    } else {
        tarn_buffer_append_char(out, '\\');
    }
    return NULL;
}

const char *string_literal_read(struct tarn_heap *heap, struct tarn_text inside,
                                struct tarn_value *ret)
{
    if (inside.len == 0 || !memchr(inside.data, '\\', inside.len)) {
        *ret = tarn_value_text_ref(inside);
        return NULL;
    }
    TARN_BUFFER(out, inside.len * 4 + 16);
    for (size_t i = 0; i < inside.len;) {
        if (inside.data[i] != '\\' || i + 1 == inside.len) {
            tarn_buffer_append_char(&out, inside.data[i++]);
            continue;
        }
        i++;
        const char *problem = read_escape(inside, &i, &out);
        if (problem)
            return problem;
    }
    *ret = buffer_value(heap, &out);
    return NULL;
}
