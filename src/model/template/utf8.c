/* model/template/utf8.c -- see utf8.h. Classes beyond ASCII are the C library's for C.UTF-8. */
#include "model/template/utf8.h"

#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <wctype.h>

static locale_t utf8_locale;
static pthread_once_t utf8_locale_once = PTHREAD_ONCE_INIT;

static void open_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    if (!utf8_locale)
        utf8_locale = newlocale(LC_CTYPE_MASK, "C", NULL);
}

static locale_t ctype(void)
{
    pthread_once(&utf8_locale_once, open_locale);
    return utf8_locale;
}

size_t utf8_width(unsigned char first)
{
    if (first < 0xc2)
        return 1;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 1;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

uint32_t utf8_next(struct tarn_text text, size_t *position)
{
    const unsigned char *bytes = (const unsigned char *)text.data + *position;
    size_t left = text.len - *position;
    size_t width = utf8_width(bytes[0]);
    static const uint32_t first_mask[] = {0, 0xff, 0x1f, 0x0f, 0x07};
    uint32_t code_point = bytes[0] & first_mask[width];
    if (width > left)
        width = 0;
    for (size_t i = 1; i < width; i++) {
        if (!is_continuation(bytes[i])) {
            width = 0;
            break;
        }
        code_point = (code_point << 6) | (bytes[i] & 0x3f);
    }
    if (width == 0) {
        *position += 1;
        return bytes[0];
    }
    *position += width;
    return code_point;
}

bool utf8_is_ascii(struct tarn_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

size_t utf8_count(struct tarn_text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; count++)
        utf8_next(text, &i);
    return count;
}

size_t utf8_offset(struct tarn_text text, size_t index)
{
    size_t position = 0;
    while (index > 0 && position < text.len) {
        utf8_next(text, &position);
        index--;
    }
    return position;
}

void utf8_append(struct tarn_buffer *out, uint32_t c)
{
    char bytes[4];
    size_t len;
    if (c < 0x80) {
        bytes[0] = (char)c;
        len = 1;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xc0 | (c >> 6));
        bytes[1] = (char)(0x80 | (c & 0x3f));
        len = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xe0 | (c >> 12));
        bytes[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        bytes[2] = (char)(0x80 | (c & 0x3f));
        len = 3;
    } else {
        bytes[0] = (char)(0xf0 | (c >> 18));
        bytes[1] = (char)(0x80 | ((c >> 12) & 0x3f));
        bytes[2] = (char)(0x80 | ((c >> 6) & 0x3f));
        bytes[3] = (char)(0x80 | (c & 0x3f));
        len = 4;
    }
    tarn_buffer_append(out, bytes, len);
}

bool char_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool char_is_alpha(uint32_t c)
{
    if (c < 0x80)
        return isalpha((int)c);
    return iswalpha_l((wint_t)c, ctype()) && !char_is_digit(c);
}

bool char_is_digit(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    return c == 0xb2 || c == 0xb3 || c == 0xb9 || (c >= 0x660 && c <= 0x669) ||
           (c >= 0x966 && c <= 0x96f) || (c >= 0xff10 && c <= 0xff19);
}

bool char_is_upper(uint32_t c)
{
    return c < 0x80 ? c >= 'A' && c <= 'Z' : iswupper_l((wint_t)c, ctype());
}

bool char_is_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z';
    return c == 0xdf || c == 0xaa || c == 0xba || iswlower_l((wint_t)c, ctype());
}

bool char_is_printable(uint32_t c)
{
    if (c < 0x80)
        return c >= ' ' && c < 0x7f;
    if (c == 0xad || (c != ' ' && char_is_space(c)))
        return false;
    return iswprint_l((wint_t)c, ctype());
}

void char_append_upper(struct tarn_buffer *out, uint32_t c)
{
    if (c < 0x80)
        tarn_buffer_append_char(out, (char)toupper((int)c));
    else if (c == 0xdf)
        tarn_buffer_append_str(out, "SS");
    else
        utf8_append(out, (uint32_t)towupper_l((wint_t)c, ctype()));
}

void char_append_lower(struct tarn_buffer *out, uint32_t c)
{
    if (c < 0x80)
        tarn_buffer_append_char(out, (char)tolower((int)c));
    else
        utf8_append(out, (uint32_t)towlower_l((wint_t)c, ctype()));
}
