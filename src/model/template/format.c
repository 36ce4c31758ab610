/* model/template/format.c -- see format.h. Numbers and padding are shared; the three syntaxes only
 * fill struct spec. */
#include "model/template/format.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "model/template/operator.h"
#include "model/template/template.h"
#include "model/template/utf8.h"

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

static const struct spec plain_spec = {.fill = {" ", 1}, .sign = '-', .precision = -1};

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

static void put_number(const struct spec *spec, bool negative, const char *base_prefix,
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

static void integer_digits(uint64_t value, unsigned base, bool upper, char out[NUMBER_TEXT_BYTES])
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
    integer_digits(magnitude, base, spec->type == 'X', digits);
    put_number(spec, value < 0, prefix, digits, out);
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

static void put_real(struct spec spec, double value, struct tarn_buffer *out)
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
    put_number(&spec, negative, "", digits, out);
}

static void put_text(const struct spec *spec, struct tarn_text text, struct tarn_buffer *out)
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

static bool read_int(struct tarn_text text, size_t *i, int64_t *ret)
{
    size_t start = *i;
    int64_t value = 0;
    for (; *i < text.len && isdigit((unsigned char)text.data[*i]); ++*i)
        if (value <= WIDTH_MAX)
            value = value * 10 + (text.data[*i] - '0');
    *ret = value;
    return *i > start;
}

static char take_char(struct tarn_text text, size_t *i, const char *any_of)
{
    if (*i >= text.len || !text.data[*i] || !strchr(any_of, text.data[*i]))
        return '\0';
    return text.data[(*i)++];
}

static enum tarn_status read_spec(struct tarn_text text, struct spec *spec, struct tarn_error *err)
{
    size_t i = 0;
    *spec = plain_spec;
    size_t width = text.len ? utf8_width((unsigned char)text.data[0]) : 0;
    if (text.len > width && is_align(text.data[width])) {
        spec->fill = (struct tarn_text){text.data, width};
        spec->align = text.data[width];
        i = width + 1;
    } else {
        spec->align = take_char(text, &i, "<>^=");
    }
    char sign = take_char(text, &i, "+- ");
    spec->sign = sign ? sign : '-';
    spec->alternate = take_char(text, &i, "#") != '\0';
    if (take_char(text, &i, "0") && !spec->align) {
        spec->fill = TARN_TEXT("0");
        spec->align = '=';
    }
    (void)read_int(text, &i, &spec->width); /* none is zero */
    spec->grouping = take_char(text, &i, ",_");
    if (take_char(text, &i, ".") && !read_int(text, &i, &spec->precision))
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
        put_real(*spec, value_real(value), out);
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
    if (value.kind == TARN_VALUE_BOOL && !spec.type) {
        put_text(&spec, tarn_text_of(value.as.boolean ? "True" : "False"), out);
        return TARN_OK;
    }
    if (value_is_number(value))
        return format_number(&spec, value, out, err);
    if (value.kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "unsupported format string passed to %s.__format__",
                         tarn_value_type_name(value));
    if (spec.type && spec.type != 's')
        return fail_type(&spec, value, err);
    if (spec.align == '=')
        return tarn_fail(err, TARN_INVALID, "'=' alignment not allowed in string format specifier");
    put_text(&spec, tarn_value_text(value), out);
    return TARN_OK;
}

/* --- str.format
 * ---------------------------------------------------------------------------------------------------------------
 */

struct brace_reader {
    struct tarn_call *call;
    struct tarn_buffer *out;
    struct tarn_error *err;
    size_t next_index;
    bool is_automatic;
    bool is_manual;
};

static enum tarn_status positional(struct brace_reader *reader, size_t index,
                                   struct tarn_value *ret)
{
    if (index >= reader->call->arg_count)
        return tarn_fail(reader->err, TARN_INVALID,
                         "Replacement index %zu out of range for positional args tuple", index);
    *ret = reader->call->args[index];
    return TARN_OK;
}

static enum tarn_status first_of_field(struct brace_reader *reader, struct tarn_text name,
                                       struct tarn_value *ret)
{
    int64_t index;
    if (name.len == 0) {
        if (reader->is_manual)
            return tarn_fail(
                reader->err, TARN_INVALID,
                "cannot switch from manual field specification to automatic field numbering");
        reader->is_automatic = true;
        return positional(reader, reader->next_index++, ret);
    }
    if (tarn_text_to_int64(name, &index) && index >= 0) {
        if (reader->is_automatic)
            return tarn_fail(
                reader->err, TARN_INVALID,
                "cannot switch from automatic field numbering to manual field specification");
        reader->is_manual = true;
        return positional(reader, (size_t)index, ret);
    }
    for (size_t i = 0; i < reader->call->kwarg_count; i++)
        if (tarn_text_equal(reader->call->kwargs[i].name, name)) {
            *ret = reader->call->kwargs[i].value;
            return TARN_OK;
        }
    return tarn_fail(reader->err, TARN_INVALID, "KeyError: '%.*s'", TARN_TEXT_ARGS(name));
}

/* name, name.attribute, name[index]... */
static enum tarn_status field_value(struct brace_reader *reader, struct tarn_text field,
                                    struct tarn_value *ret)
{
    struct tarn_heap *heap = reader->call->heap;
    size_t i = 0;
    while (i < field.len && field.data[i] != '.' && field.data[i] != '[')
        i++;
    TARN_TRY(first_of_field(reader, (struct tarn_text){field.data, i}, ret));
    while (i < field.len) {
        bool is_index = field.data[i] == '[';
        size_t start = ++i;
        while (i < field.len &&
               (is_index ? field.data[i] != ']' : field.data[i] != '.' && field.data[i] != '['))
            i++;
        struct tarn_text part = {field.data + start, i - start};
        int64_t index;
        if (is_index && i < field.len)
            i++;
        if (ret->kind == TARN_VALUE_UNDEFINED)
            return fail_undefined(*ret, reader->err);
        if (is_index && tarn_text_to_int64(part, &index))
            *ret = value_subscript(heap, *ret, tarn_value_int(index));
        else if (is_index)
            *ret = value_subscript(heap, *ret, tarn_value_text_ref(part));
        else
            *ret = value_attribute(heap, *ret, tarn_value_text_ref(part));
    }
    return TARN_OK;
}

static enum tarn_status format_field(struct brace_reader *reader, struct tarn_text field,
                                     int depth);

/* Replaces the fields in a spec: "{:{width}}". */
static enum tarn_status format_nested(struct brace_reader *reader, struct tarn_text spec,
                                      struct tarn_buffer *out, int depth)
{
    struct tarn_buffer *outer = reader->out;
    reader->out = out;
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; status == TARN_OK && i < spec.len; i++) {
        const char *end = spec.data[i] == '{' ? memchr(spec.data + i, '}', spec.len - i) : NULL;
        if (!end) {
            tarn_buffer_append_char(out, spec.data[i]);
            continue;
        }
        size_t len = (size_t)(end - (spec.data + i)) - 1;
        status = format_field(reader, (struct tarn_text){spec.data + i + 1, len}, depth);
        i += len + 1;
    }
    reader->out = outer;
    return status;
}

static enum tarn_status format_field(struct brace_reader *reader, struct tarn_text field, int depth)
{
    struct tarn_heap *heap = reader->call->heap;
    struct tarn_text name = field, spec = {"", 0};
    struct tarn_value value;
    char conversion = '\0';
    if (depth > 2)
        return tarn_fail(reader->err, TARN_INVALID, "Max string recursion exceeded");
    for (size_t i = 0, brackets = 0; i < field.len; i++) {
        brackets += field.data[i] == '[';
        brackets -= field.data[i] == ']' && brackets > 0;
        if (brackets || (field.data[i] != '!' && field.data[i] != ':'))
            continue;
        name.len = i;
        if (field.data[i] == '!' && i + 1 < field.len) {
            conversion = field.data[i + 1];
            i += 2;
        }
        if (i < field.len && field.data[i] == ':')
            spec = (struct tarn_text){field.data + i + 1, field.len - i - 1};
        break;
    }
    TARN_TRY(field_value(reader, name, &value));
    TARN_BUFFER(text, TARN_TEMPLATE_TEXT_BYTES_MAX);
    if (conversion == 'r' || conversion == 'a') {
        tarn_value_print_repr(value, &text);
        value = buffer_value(heap, &text);
        tarn_buffer_clear(&text);
    } else if (conversion == 's') {
        value = tarn_value_to_string(heap, value);
    } else if (conversion) {
        return tarn_fail(reader->err, TARN_INVALID, "Unknown conversion specifier %c", conversion);
    }
    TARN_TRY(format_nested(reader, spec, &text, depth + 1));
    return spec_format(heap, value, tarn_buffer_text(&text), reader->out, reader->err);
}

/* The end of the field that starts behind the brace at `i`; braces may nest. */
static size_t field_end(struct tarn_text text, size_t i)
{
    int nested = 1;
    for (; i < text.len; i++) {
        nested += text.data[i] == '{';
        nested -= text.data[i] == '}';
        if (nested == 0)
            break;
    }
    return i;
}

enum tarn_status brace_format(struct tarn_call *call, struct tarn_text text, struct tarn_value *ret,
                              struct tarn_error *err)
{
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    struct brace_reader reader = {.call = call, .out = &out, .err = err};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_doubled = i + 1 < text.len && text.data[i + 1] == c;
        if (c != '{' && c != '}') {
            tarn_buffer_append_char(&out, c);
        } else if (is_doubled) {
            tarn_buffer_append_char(&out, c);
            i++;
        } else if (c == '}') {
            return tarn_fail(err, TARN_INVALID, "Single '}' encountered in format string");
        } else {
            size_t end = field_end(text, i + 1);
            if (end == text.len)
                return tarn_fail(err, TARN_INVALID,
                                 i + 1 == text.len ? "Single '{' encountered in format string"
                                                   : "expected '}' before end of string");
            TARN_TRY(format_field(&reader, (struct tarn_text){text.data + i + 1, end - i - 1}, 1));
            i = end;
        }
    }
    TARN_TRY(tarn_buffer_check(&out, "str.format", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

/* --- text % values
 * --------------------------------------------------------------------------------------------------------------
 */

struct percent_reader {
    struct tarn_heap *heap;
    struct tarn_value values;
    size_t next;
    struct tarn_buffer *out;
    struct tarn_error *err;
};

static bool is_mapping_argument(struct tarn_value value)
{
    return value.kind == TARN_VALUE_DICT ||
           (value.kind == TARN_VALUE_OBJECT && value.as.object->type->is_mapping);
}

static enum tarn_status next_argument(struct percent_reader *reader, struct tarn_value *ret)
{
    bool is_tuple = reader->values.kind == TARN_VALUE_TUPLE;
    size_t count = is_tuple ? reader->values.as.list->count : 1;
    if (reader->next >= count)
        return tarn_fail(reader->err, TARN_INVALID, "not enough arguments for format string");
    *ret = is_tuple ? reader->values.as.list->items[reader->next] : reader->values;
    reader->next++;
    return TARN_OK;
}

static enum tarn_status number_argument(struct percent_reader *reader, struct spec *spec,
                                        struct tarn_value value)
{
    int64_t integer;
    bool is_integer = value_to_int64(value, &integer);
    char type = spec->type;
    if (strchr("eEfFgG", type)) {
        if (value.kind == TARN_VALUE_UNDEFINED)
            return fail_undefined(value, reader->err);
        if (!value_is_number(value))
            return tarn_fail(reader->err, TARN_INVALID, "must be real number, not %s",
                             tarn_value_type_name(value));
        put_real(*spec, value_real(value), reader->out);
        return TARN_OK;
    }
    if (value.kind == TARN_VALUE_FLOAT && strchr("diu", type) && isfinite(value.as.real))
        integer = (int64_t)value.as.real;
    else if (!is_integer)
        return tarn_fail(reader->err, TARN_INVALID, "%%%c format: %s is required, not %s", type,
                         strchr("diu", type) ? "a real number" : "an integer",
                         tarn_value_type_name(value));
    char digits[NUMBER_TEXT_BYTES];
    uint64_t magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : 10;
    integer_digits(magnitude, base, type == 'X', digits);
    size_t len = strlen(digits);
    if (spec->precision > (int64_t)len && spec->precision < NUMBER_TEXT_BYTES - 1) {
        size_t zeros = (size_t)spec->precision - len;
        memmove(digits + zeros, digits, len + 1);
        memset(digits, '0', zeros);
    }
    const char *prefix = !spec->alternate ? ""
                         : type == 'x'    ? "0x"
                         : type == 'X'    ? "0X"
                         : base == 8      ? "0o"
                                          : "";
    put_number(spec, integer < 0, prefix, digits, reader->out);
    return TARN_OK;
}

static enum tarn_status put_argument(struct percent_reader *reader, struct spec *spec,
                                     struct tarn_value value)
{
    TARN_BUFFER(text, TARN_TEMPLATE_TEXT_BYTES_MAX);
    if (!spec->align)
        spec->align = '>';
    if (spec->precision > PRECISION_MAX && !strchr("sra", spec->type))
        spec->precision = PRECISION_MAX;
    if (spec->type == 's') {
        tarn_value_print(value, &text);
    } else if (spec->type == 'r' || spec->type == 'a') {
        tarn_value_print_repr(value, &text);
    } else if (spec->type == 'c') {
        if (value.kind == TARN_VALUE_INT)
            utf8_append(&text, (uint32_t)value.as.integer);
        else if (value.kind == TARN_VALUE_STRING && utf8_count(tarn_value_text(value)) == 1)
            tarn_value_print(value, &text);
        else
            return tarn_fail(reader->err, TARN_INVALID, "%%c requires int or char");
    } else {
        return number_argument(reader, spec, value);
    }
    if (strchr("sra", spec->type) || spec->type == 'c') {
        if (spec->align == '=') {
            spec->align = '>';
            spec->fill = TARN_TEXT(" ");
        }
        put_text(spec, tarn_buffer_text(&text), reader->out);
    }
    return TARN_OK;
}

static enum tarn_status star_or_int(struct percent_reader *reader, struct tarn_text text, size_t *i,
                                    int64_t *ret)
{
    struct tarn_value value;
    if (!take_char(text, i, "*")) {
        (void)read_int(text, i, ret); /* none leaves zero */
    } else {
        TARN_TRY(next_argument(reader, &value));
        if (!value_to_int64(value, ret))
            return tarn_fail(reader->err, TARN_INVALID, "* wants int");
    }
    if (*ret > WIDTH_MAX || *ret < -WIDTH_MAX)
        return tarn_fail(reader->err, TARN_TOO_LARGE,
                         "a width or precision in a format is over the limit of %d", WIDTH_MAX);
    return TARN_OK;
}

static void read_flags(struct tarn_text text, size_t *i, struct spec *spec)
{
    char flag;
    while ((flag = take_char(text, i, "-+ #0"))) {
        if (flag == '-')
            spec->align = '<';
        else if (flag == '+' || (flag == ' ' && spec->sign != '+'))
            spec->sign = flag;
        else if (flag == '#')
            spec->alternate = true;
        else if (flag == '0' && spec->align != '<') {
            spec->align = '=';
            spec->fill = TARN_TEXT("0");
        }
    }
    if (spec->align == '<')
        spec->fill = TARN_TEXT(" ");
}

/* One directive; `*i` stands behind the percent sign. */
static enum tarn_status read_directive(struct percent_reader *reader, struct tarn_text text,
                                       size_t *i)
{
    struct spec spec = plain_spec;
    struct tarn_value value = TARN_UNDEFINED;
    bool has_key = false;
    if (*i < text.len && text.data[*i] == '(') {
        const char *end = memchr(text.data + *i, ')', text.len - *i);
        if (!is_mapping_argument(reader->values))
            return tarn_fail(reader->err, TARN_INVALID, "format requires a mapping");
        if (!end)
            return tarn_fail(reader->err, TARN_INVALID, "incomplete format key");
        struct tarn_text key = {text.data + *i + 1, (size_t)(end - (text.data + *i)) - 1};
        if (!value_get_item(reader->heap, reader->values, tarn_value_text_ref(key), &value))
            return tarn_fail(reader->err, TARN_INVALID, "KeyError: '%.*s'", TARN_TEXT_ARGS(key));
        *i = (size_t)(end - text.data) + 1;
        has_key = true;
    }
    read_flags(text, i, &spec);
    TARN_TRY(star_or_int(reader, text, i, &spec.width));
    if (spec.width < 0) {
        spec.align = '<';
        spec.width = -spec.width;
    }
    if (take_char(text, i, ".")) {
        spec.precision = 0;
        TARN_TRY(star_or_int(reader, text, i, &spec.precision));
    }
    (void)take_char(text, i, "hlL"); /* C's length modifiers mean nothing */
    if (*i >= text.len)
        return tarn_fail(reader->err, TARN_INVALID, "incomplete format");
    spec.type = text.data[(*i)++];
    if (spec.type == '%') {
        tarn_buffer_append_char(reader->out, '%');
        return TARN_OK;
    }
    if (!strchr("diouxXeEfFgGcrsa", spec.type))
        return tarn_fail(reader->err, TARN_INVALID,
                         "unsupported format character '%c' (0x%x) at index %zu", spec.type,
                         (unsigned)spec.type, *i - 1);
    if (!has_key)
        TARN_TRY(next_argument(reader, &value));
    return put_argument(reader, &spec, value);
}

enum tarn_status percent_format(struct tarn_heap *heap, struct tarn_text text,
                                struct tarn_value value, struct tarn_value *ret,
                                struct tarn_error *err)
{
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    struct percent_reader reader = {.heap = heap, .values = value, .out = &out, .err = err};
    for (size_t i = 0; i < text.len;) {
        if (text.data[i] != '%') {
            tarn_buffer_append_char(&out, text.data[i++]);
            continue;
        }
        i++;
        TARN_TRY(read_directive(&reader, text, &i));
    }
    size_t given = value.kind == TARN_VALUE_TUPLE ? value.as.list->count : 1;
    bool has_items = is_mapping_argument(value) || value.kind == TARN_VALUE_LIST ||
                     value.kind == TARN_VALUE_RANGE || value.kind == TARN_VALUE_UNDEFINED;
    if (reader.next < given && !has_items)
        return tarn_fail(err, TARN_INVALID, "not all arguments converted during string formatting");
    TARN_TRY(tarn_buffer_check(&out, "formatting text with %", err));
    *ret = buffer_value(heap, &out);
    return TARN_OK;
}
