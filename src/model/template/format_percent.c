/* model/template/format_percent.c -- text % values: "%(name)5.2f". See format.h. */
#include <math.h>

#include "model/template/format_int.h"
#include "model/template/operator.h"
#include "model/template/template.h"
#include "model/template/utf8.h"

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
        spec_put_real(*spec, value_real(value), reader->out);
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
    spec_integer_digits(magnitude, base, type == 'X', digits);
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
    spec_put_number(spec, integer < 0, prefix, digits, reader->out);
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
        spec_put_text(spec, tarn_buffer_text(&text), reader->out);
    }
    return TARN_OK;
}

static enum tarn_status star_or_int(struct percent_reader *reader, struct tarn_text text, size_t *i,
                                    int64_t *ret)
{
    struct tarn_value value;
    if (!spec_take_char(text, i, "*")) {
        (void)spec_read_int(text, i, ret); /* none leaves zero */
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
    while ((flag = spec_take_char(text, i, "-+ #0"))) {
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
    struct spec spec = spec_plain;
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
    if (spec_take_char(text, i, ".")) {
        spec.precision = 0;
        TARN_TRY(star_or_int(reader, text, i, &spec.precision));
    }
    (void)spec_take_char(text, i, "hlL"); /* C's length modifiers mean nothing */
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
