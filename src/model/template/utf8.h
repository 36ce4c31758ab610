/* model/template/utf8.h -- code points in UTF-8 text, and Python's character classes and cases. */
#ifndef TARN_MODEL_TEMPLATE_UTF8_H
#define TARN_MODEL_TEMPLATE_UTF8_H

#include "base/buffer.h"
#include "base/text.h"

/* Code points in the text; a byte that is not UTF-8 counts as one. */
size_t utf8_count(struct tarn_text text);
bool utf8_is_ascii(struct tarn_text text);
/* Reads the code point at *position and moves behind it; position < len. */
uint32_t utf8_next(struct tarn_text text, size_t *position);
/* Byte offset of code point `index` (text.len when there are fewer). */
size_t utf8_offset(struct tarn_text text, size_t index);
void utf8_append(struct tarn_buffer *out, uint32_t code_point);
/* Bytes of the code point that starts with this byte. */
size_t utf8_width(unsigned char first);

bool char_is_space(uint32_t c);
bool char_is_alpha(uint32_t c);
bool char_is_digit(uint32_t c);
bool char_is_upper(uint32_t c);
bool char_is_lower(uint32_t c);
bool char_is_printable(uint32_t c);
/* Append the upper or lower form ("ß" becomes "SS"). */
void char_append_upper(struct tarn_buffer *out, uint32_t c);
void char_append_lower(struct tarn_buffer *out, uint32_t c);

#endif
