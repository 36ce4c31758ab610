/* model/template/format_int.h -- a format as numbers and text are put with; % and format specs both
 * fill it. */
#ifndef TARN_MODEL_TEMPLATE_FORMAT_INT_H
#define TARN_MODEL_TEMPLATE_FORMAT_INT_H

#include "model/template/format.h"

enum { WIDTH_MAX = 100000, NUMBER_TEXT_BYTES = 512, PRECISION_MAX = 100 };

struct spec {
    struct tarn_text fill; /* one character */
    char align;            /* < > ^ = or 0 */
    char sign;             /* + - space */
    bool alternate;
    int64_t width;
    char grouping;     /* , _ or 0 */
    int64_t precision; /* -1: none */
    char type;         /* 0: none */
};

/* Spaces, no width, no precision. */
extern const struct spec spec_plain;

void spec_put_number(const struct spec *spec, bool negative, const char *base_prefix,
                     const char *digits, struct tarn_buffer *out);
void spec_put_real(struct spec spec, double value, struct tarn_buffer *out);
void spec_put_text(const struct spec *spec, struct tarn_text text, struct tarn_buffer *out);
void spec_integer_digits(uint64_t value, unsigned base, bool upper, char out[NUMBER_TEXT_BYTES]);
/* Digits at *i; false when there are none (*ret is zero). Stops growing past WIDTH_MAX. */
bool spec_read_int(struct tarn_text text, size_t *i, int64_t *ret);
/* The character at *i when it is one of these (and moves on), otherwise NUL. */
char spec_take_char(struct tarn_text text, size_t *i, const char *any_of);

#endif
