/* model/template/format_brace.c -- str.format: "{0.name:>8}". See format.h. */
#include "model/template/format.h"
#include "model/template/operator.h"
#include "model/template/template.h"

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
