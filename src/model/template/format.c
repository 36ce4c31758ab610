/* model/template/format.c -- see format.h. Numbers and padding are shared; the three syntaxes only
 * fill struct spec. */
#include "model/template/format_int.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "model/template/operator.h"
#include "model/template/template.h"
#include "model/template/utf8.h"

const struct spec spec_plain = {.fill = {" ", 1}, .sign = '-', .precision = -1};

static void pad(const struct spec *spec, struct tarn_text prefix, struct tarn_text body,
                char default_align, struct tarn_buffer *out)
{
    char align = spec->align ? spec->align : default_align;
    int64_t missing = spec->width - (int64_t)(utf8_count(prefix) + utf8_count(body));
    int64_t before = missing <= 0                   ? 0
                     : align == '>' || align == '=' ? missing
                     : align == '^'                 ? missing / 2
                                                    : 0;
    int64_t after = missing <= 0 ? 0 : missing - before;
    if (align == '=')
        tarn_buffer_append_text(out, prefix);
    for (int64_t i = 0; i < before; i++)
        tarn_buffer_append_text(out, spec->fill);
    if (align != '=')
        tarn_buffer_append_text(out, prefix);
    tarn_buffer_append_text(out, body);
    for (int64_t i = 0; align != '=' && i < after; i++)
        tarn_buffer_append_text(out, spec->fill);
}

/* Puts separators between the digits before the point. */
static void group_digits(const char *digits, char separator, int group, char *out, size_t size)
{
    size_t whole = strspn(digits, group == 3 ? "0123456789" : "0123456789abcdefABCDEF");
    size_t len = 0;
    for (size_t i = 0; digits[i] && len + 2 < size; i++) {
        if (i > 0 && i < whole && (whole - i) % (size_t)group == 0)
            out[len++] = separator;
        out[len++] = digits[i];
    }
    out[len] = '\0';
}

void spec_put_number(const struct spec *spec, bool negative, const char *base_prefix,
                     const char *digits, struct tarn_buffer *out)
{
    char grouped[NUMBER_TEXT_BYTES * 2];
    char prefix[8];
    int group =
        spec->type == 'x' || spec->type == 'X' || spec->type == 'b' || spec->type == 'o' ? 4 : 3;
    const char *sign = negative ? "-" : spec->sign == '+' ? "+" : spec->sign == ' ' ? " " : "";
    (void)snprintf(prefix, sizeof prefix, "%s%s", sign, base_prefix); /* at most 3 characters */
    if (spec->grouping) {
        group_digits(digits, spec->grouping, group, grouped, sizeof grouped);
        digits = grouped;
    }
    pad(spec, tarn_text_of(prefix), tarn_text_of(digits), '>', out);
}

void spec_integer_digits(uint64_t value, unsigned base, bool upper, char out[NUMBER_TEXT_BYTES])
{
    char reversed[72];
    size_t len = 0;
    do {
        reversed[len++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
        value /= base;
    } while (value);
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = '\0';
}

static void put_integer(const struct spec *spec, int64_t value, struct tarn_buffer *out)
{
    char digits[NUMBER_TEXT_BYTES];
    unsigned base = spec->type == 'x' || spec->type == 'X' ? 16
                    : spec->type == 'o'                    ? 8
                    : spec->type == 'b'                    ? 2
                                                           : 10;
    const char *prefix = "";
    if (spec->alternate)
        prefix = spec->type == 'x'   ? "0x"
                 : spec->type == 'X' ? "0X"
                 : base == 8         ? "0o"
                 : base == 2         ? "0b"
                                     : "";
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    spec_integer_digits(magnitude, base, spec->type == 'X', digits);
    spec_put_number(spec, value < 0, prefix, digits, out);
}

/* repr() with at least the given significant digits, for a float without a type. */
static void real_general(const struct spec *spec, double magnitude, char *out, size_t size)
{
    char format[16];
    char type = spec->type ? spec->type : 'g';
    int precision = spec->precision < 0 ? 6 : (int)spec->precision;
    if (!spec->type && spec->precision == 0)
        precision = 1;
    (void)snprintf(format, sizeof format, spec->alternate ? "%%#.*%c" : "%%.*%c",
                   type == 'n' ? 'g' : type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out, size, format, precision, magnitude); /* 512 bytes hold any double */
#pragma GCC diagnostic pop
    bool bare = !strpbrk(out, ".einEIN");
    if (!spec->type && bare && strlen(out) + 3 < size)
        strcat(out, ".0");
}

void spec_put_real(struct spec spec, double value, struct tarn_buffer *out)
{
    char digits[NUMBER_TEXT_BYTES];
    double magnitude = fabs(value);
    bool negative = signbit(value) && !isnan(value);
    bool percent = spec.type == '%';
    if (!spec.type && spec.precision < 0) {
        digits[float_text(magnitude, digits)] = '\0';
    } else {
        if (percent) {
            spec.type = 'f';
            magnitude *= 100;
        }
        if (isnan(value) || isinf(value))
            (void)snprintf(digits, sizeof digits, "%s", isnan(value) ? "nan" : "inf"); /* fits */
        else
            real_general(&spec, magnitude, digits, sizeof digits);
        if (percent)
            strcat(digits, "%");
    }
    if (isupper((unsigned char)spec.type))
        for (char *c = digits; *c; c++)
            *c = (char)toupper((unsigned char)*c);
    spec_put_number(&spec, negative, "", digits, out);
}

void spec_put_text(const struct spec *spec, struct tarn_text text, struct tarn_buffer *out)
{
    if (spec->precision >= 0)
        text = text_slice(text, 0, (size_t)spec->precision);
    pad(spec, (struct tarn_text){"", 0}, text, '<', out);
}

/* --- format specs
 * -------------------------------------------------------------------------------------------------------------
 */

static bool is_align(char c)
{
    return c == '<' || c == '>' || c == '^' || c == '=';
}

bool spec_read_int(struct tarn_text text, size_t *i, int64_t *ret)
{
    size_t start = *i;
    int64_t value = 0;
    for (; *i < text.len && isdigit((unsigned char)text.data[*i]); ++*i)
        if (value <= WIDTH_MAX)
            value = value * 10 + (text.data[*i] - '0');
    *ret = value;
    return *i > start;
}

char spec_take_char(struct tarn_text text, size_t *i, const char *any_of)
{
    if (*i >= text.len || !text.data[*i] || !strchr(any_of, text.data[*i]))
        return '\0';
    return text.data[(*i)++];
}

static enum tarn_status read_spec(struct tarn_text text, struct spec *spec, struct tarn_error *err)
{
    size_t i = 0;
    *spec = spec_plain;
    size_t width = text.len ? utf8_width((unsigned char)text.data[0]) : 0;
    if (text.len > width && is_align(text.data[width])) {
        spec->fill = (struct tarn_text){text.data, width};
        spec->align = text.data[width];
        i = width + 1;
    } else {
        spec->align = spec_take_char(text, &i, "<>^=");
    }
    char sign = spec_take_char(text, &i, "+- ");
    spec->sign = sign ? sign : '-';
    spec->alternate = spec_take_char(text, &i, "#") != '\0';
    if (spec_take_char(text, &i, "0") && !spec->align) {
        spec->fill = TARN_TEXT("0");
        spec->align = '=';
    }
    (void)spec_read_int(text, &i, &spec->width); /* none is zero */
    spec->grouping = spec_take_char(text, &i, ",_");
    if (spec_take_char(text, &i, ".") && !spec_read_int(text, &i, &spec->precision))
        return tarn_fail(err, TARN_INVALID, "Format specifier missing precision");
    if (spec->width > WIDTH_MAX || spec->precision > WIDTH_MAX)
        return tarn_fail(err, TARN_TOO_LARGE,
                         "a width or precision in a format is over the limit of %d", WIDTH_MAX);
    if (i < text.len)
        spec->type = text.data[i++];
    if (i < text.len)
        return tarn_fail(err, TARN_INVALID, "Invalid format specifier");
    return TARN_OK;
}

static enum tarn_status fail_type(const struct spec *spec, struct tarn_value value,
                                  struct tarn_error *err)
{
    return tarn_fail(err, TARN_INVALID, "Unknown format code '%c' for object of type '%s'",
                     spec->type, tarn_value_type_name(value));
}

static enum tarn_status format_number(struct spec *spec, struct tarn_value value,
                                      struct tarn_buffer *out, struct tarn_error *err)
{
    int64_t integer;
    bool is_integer = value_to_int64(value, &integer);
    bool wants_real = spec->type && strchr("eEfFgG%", spec->type);
    if (spec->precision > PRECISION_MAX)
        spec->precision = PRECISION_MAX;
    if (is_integer && spec->type == 'c') {
        TARN_BUFFER(text, 8);
        utf8_append(&text, (uint32_t)integer);
        pad(spec, (struct tarn_text){"", 0}, tarn_buffer_text(&text), '<', out);
    } else if (is_integer && (!spec->type || strchr("dboxXn", spec->type))) {
        if (spec->precision >= 0)
            return tarn_fail(err, TARN_INVALID,
                             "Precision not allowed in integer format specifier");
        put_integer(spec, integer, out);
    } else if (wants_real || (!is_integer && (!spec->type || spec->type == 'n'))) {
        spec_put_real(*spec, value_real(value), out);
    } else {
        return fail_type(spec, value, err);
    }
    return TARN_OK;
}

enum tarn_status spec_format(struct tarn_heap *heap, struct tarn_value value, struct tarn_text text,
                             struct tarn_buffer *out, struct tarn_error *err)
{
    struct spec spec;
    struct tarn_value method;
    if (text.len == 0) {
        tarn_value_print(value, out);
        return TARN_OK;
    }
    if (value.kind == TARN_VALUE_OBJECT &&
        value_own_attribute(heap, value, TARN_TEXT("__format__"), &method)) {
        struct tarn_value argument = tarn_value_text_ref(text), formatted;
        struct tarn_call call = {.heap = heap,
                                 .userdata = value.as.object->data,
                                 .name = "__format__",
                                 .args = &argument,
                                 .arg_count = 1};
        TARN_TRY(method.as.function->fn(&call, &formatted, err));
        tarn_value_print(formatted, out);
        return TARN_OK;
    }
    TARN_TRY(read_spec(text, &spec, err));
    if (value_is_number(value))
        return format_number(&spec, value, out, err);
    if (value.kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "unsupported format string passed to %s.__format__",
                         tarn_value_type_name(value));
    if (spec.type && spec.type != 's')
        return fail_type(&spec, value, err);
    if (spec.align == '=')
        return tarn_fail(err, TARN_INVALID, "'=' alignment not allowed in string format specifier");
    spec_put_text(&spec, tarn_value_text(value), out);
    return TARN_OK;
}
