/* model/template/print.c -- Python's str() and repr(). */
#include <math.h>
#include <stdio.h>

#include "model/template/call.h"
#include "model/template/utf8.h"
#include "model/template/value_int.h"

enum { PRINT_DEPTH_MAX = 100 };

static void repr_at(struct tarn_value value, struct tarn_buffer *out, int depth);

size_t float_text(double value, char out[FLOAT_TEXT_BYTES])
{
    if (isnan(value))
        return (size_t)snprintf(out, FLOAT_TEXT_BYTES, "nan");
    if (isinf(value))
        return (size_t)snprintf(out, FLOAT_TEXT_BYTES, value > 0 ? "inf" : "-inf");
    char digits[FLOAT_TEXT_BYTES];
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*e", precision - 1, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    char *exponent_at = strchr(digits, 'e');
    int exponent = atoi(exponent_at + 1);
    *exponent_at = '\0';
    size_t len = strlen(digits);
    while (len > 1 && digits[len - 1] == '0')
        digits[--len] = '\0';
    if (digits[len - 1] == '.')
        digits[--len] = '\0';
    bool negative = digits[0] == '-';
    int significant = (int)len - negative - (strchr(digits, '.') ? 1 : 0);
    if (exponent < -4 || exponent >= 16)
        return (size_t)snprintf(out, FLOAT_TEXT_BYTES, "%se%c%02d", digits,
                                exponent < 0 ? '-' : '+', abs(exponent));
    int decimals = significant - 1 - exponent;
    return (size_t)snprintf(out, FLOAT_TEXT_BYTES, "%.*f", decimals < 1 ? 1 : decimals, value);
}

static void print_escaped(uint32_t c, char quote, struct tarn_buffer *out)
{
    if (c == (uint32_t)quote || c == '\\')
        tarn_buffer_printf(out, "\\%c", (char)c);
    else if (c == '\n')
        tarn_buffer_append_str(out, "\\n");
    else if (c == '\r')
        tarn_buffer_append_str(out, "\\r");
    else if (c == '\t')
        tarn_buffer_append_str(out, "\\t");
    else if (char_is_printable(c))
        utf8_append(out, c);
    else if (c < 0x100)
        tarn_buffer_printf(out, "\\x%02x", c);
    else
        tarn_buffer_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

void print_string_repr(struct tarn_text text, struct tarn_buffer *out)
{
    bool has_single = memchr(text.data, '\'', text.len) != NULL;
    bool has_double = memchr(text.data, '"', text.len) != NULL;
    char quote = has_single && !has_double ? '"' : '\'';
    tarn_buffer_append_char(out, quote);
    for (size_t i = 0; i < text.len;)
        print_escaped(utf8_next(text, &i), quote, out);
    tarn_buffer_append_char(out, quote);
}

static void print_items(const struct tarn_list *list, struct tarn_buffer *out, int depth)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            tarn_buffer_append_str(out, ", ");
        repr_at(list->items[i], out, depth);
    }
}

static void print_entries(const struct tarn_dict *dict, enum view_kind kind,
                          struct tarn_buffer *out, int depth)
{
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0)
            tarn_buffer_append_str(out, ", ");
        if (kind != VIEW_VALUES)
            repr_at(dict->entries[i].key, out, depth);
        if (kind == VIEW_ITEMS)
            tarn_buffer_append_str(out, ": ");
        if (kind != VIEW_KEYS)
            repr_at(dict->entries[i].value, out, depth);
    }
}

static void print_dict(const struct tarn_dict *dict, struct tarn_buffer *out, int depth)
{
    tarn_buffer_append_char(out, '{');
    print_entries(dict, VIEW_ITEMS, out, depth);
    tarn_buffer_append_char(out, '}');
}

static void print_tuple(const struct tarn_list *list, struct tarn_buffer *out, int depth)
{
    tarn_buffer_append_char(out, '(');
    print_items(list, out, depth);
    tarn_buffer_append_str(out, list->count == 1 ? ",)" : ")");
}

static void print_view(const struct tarn_view *view, struct tarn_buffer *out, int depth)
{
    const struct tarn_dict *dict = view->dict.as.dict;
    static const char *const names[] = {"dict_keys([", "dict_values([", "dict_items(["};
    tarn_buffer_append_str(out, names[view->kind]);
    if (view->kind != VIEW_ITEMS) {
        print_entries(dict, view->kind, out, depth);
    } else {
        for (size_t i = 0; i < dict->count; i++) {
            tarn_buffer_append_str(out, i > 0 ? ", (" : "(");
            repr_at(dict->entries[i].key, out, depth);
            tarn_buffer_append_str(out, ", ");
            repr_at(dict->entries[i].value, out, depth);
            tarn_buffer_append_char(out, ')');
        }
    }
    tarn_buffer_append_str(out, "])");
}

static void print_range(const struct tarn_range *range, struct tarn_buffer *out)
{
    tarn_buffer_printf(out, "range(%lld, %lld", (long long)range->start, (long long)range->stop);
    if (range->step != 1)
        tarn_buffer_printf(out, ", %lld", (long long)range->step);
    tarn_buffer_append_char(out, ')');
}

static void print_object(const struct tarn_object *object, struct tarn_buffer *out, bool as_repr)
{
    if (as_repr && object->type->print_repr)
        object->type->print_repr(object->data, out);
    else if (object->type->print)
        object->type->print(object->data, out);
    else
        tarn_buffer_printf(out, "<%s>", object->type->name);
}

static void print_plain(struct tarn_value value, struct tarn_buffer *out)
{
    char text[FLOAT_TEXT_BYTES];
    if (value.kind == TARN_VALUE_INT)
        tarn_buffer_printf(out, "%lld", (long long)value.as.integer);
    else if (value.kind == TARN_VALUE_FLOAT)
        tarn_buffer_append(out, text, float_text(value.as.real, text));
    else if (value.kind == TARN_VALUE_BOOL)
        tarn_buffer_append_str(out, value.as.boolean ? "True" : "False");
    else if (value.kind == TARN_VALUE_NONE)
        tarn_buffer_append_str(out, "None");
    else if (value.kind == TARN_VALUE_UNDEFINED)
        tarn_buffer_append_str(out, "Undefined");
    else if (value.kind == TARN_VALUE_RANGE)
        print_range(value.as.range, out);
    else if (value.kind == TARN_VALUE_MACRO)
        macro_print_repr(value.as.macro, out);
    else if (value.kind == TARN_VALUE_FUNCTION)
        tarn_buffer_printf(out, "<function %s>", value.as.function->name);
    else if (value.kind == TARN_VALUE_METHOD)
        tarn_buffer_printf(out, "<built-in method %s of %s object>", value.as.method->method->name,
                           tarn_value_type_name(value.as.method->receiver));
    else
        tarn_buffer_printf(out, "<%s object>", tarn_value_type_name(value));
}

static void repr_at(struct tarn_value value, struct tarn_buffer *out, int depth)
{
    if (depth > PRINT_DEPTH_MAX || out->overflow) {
        tarn_buffer_append_str(out, "...");
        return;
    }
    if (value.kind == TARN_VALUE_STRING) {
        print_string_repr(tarn_value_text(value), out);
    } else if (value.kind == TARN_VALUE_LIST) {
        tarn_buffer_append_char(out, '[');
        print_items(value.as.list, out, depth + 1);
        tarn_buffer_append_char(out, ']');
    } else if (value.kind == TARN_VALUE_TUPLE) {
        print_tuple(value.as.list, out, depth + 1);
    } else if (value.kind == TARN_VALUE_DICT) {
        print_dict(value.as.dict, out, depth + 1);
    } else if (value.kind == TARN_VALUE_SET && value.as.dict->count == 0) {
        tarn_buffer_append_str(out, "set()");
    } else if (value.kind == TARN_VALUE_SET) {
        tarn_buffer_append_char(out, '{');
        print_entries(value.as.dict, VIEW_KEYS, out, depth + 1);
        tarn_buffer_append_char(out, '}');
    } else if (value.kind == TARN_VALUE_VIEW) {
        print_view(value.as.view, out, depth + 1);
    } else if (value.kind == TARN_VALUE_NAMESPACE) {
        tarn_buffer_append_str(out, "<Namespace ");
        print_dict(value.as.dict, out, depth + 1);
        tarn_buffer_append_char(out, '>');
    } else if (value.kind == TARN_VALUE_OBJECT) {
        print_object(value.as.object, out, true);
    } else {
        print_plain(value, out);
    }
}

void tarn_value_print_repr(struct tarn_value value, struct tarn_buffer *out)
{
    repr_at(value, out, 0);
}

void tarn_value_print(struct tarn_value value, struct tarn_buffer *out)
{
    if (value.kind == TARN_VALUE_STRING)
        tarn_buffer_append(out, value.as.chars, value.len);
    else if (value.kind == TARN_VALUE_OBJECT)
        print_object(value.as.object, out, false);
    else if (value.kind != TARN_VALUE_UNDEFINED)
        repr_at(value, out, 0);
}

struct tarn_value tarn_value_to_string(struct tarn_heap *heap, struct tarn_value value)
{
    if (value.kind == TARN_VALUE_STRING)
        return value;
    TARN_BUFFER(out, heap->max_bytes);
    tarn_value_print(value, &out);
    return buffer_value(heap, &out);
}

const char *tarn_value_cstr(struct tarn_heap *heap, struct tarn_value value)
{
    struct tarn_text text = tarn_value_text(tarn_value_to_string(heap, value));
    char *copy = tarn_heap_alloc(heap, tarn_size_add(text.len, 1));
    memcpy(copy, text.data, text.len);
    return copy;
}
