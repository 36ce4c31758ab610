/* model/template/json.c -- json.loads and json.dumps as Python's json module does them. */
#include <jansson.h>
#include <math.h>

#include "model/template/utf8.h"
#include "model/template/value_int.h"

enum { JSON_DEPTH_MAX = 100 };

static struct tarn_value from_jansson(struct tarn_heap *heap, json_t *json)
{
    if (json_is_string(json))
        return tarn_value_text_copy(
            heap, (struct tarn_text){json_string_value(json), json_string_length(json)});
    if (json_is_integer(json))
        return tarn_value_int(json_integer_value(json));
    if (json_is_real(json))
        return tarn_value_float(json_real_value(json));
    if (json_is_boolean(json))
        return tarn_value_bool(json_is_true(json));
    if (json_is_array(json)) {
        struct tarn_value list = list_value(list_new(heap, json_array_size(json)));
        for (size_t i = 0; i < json_array_size(json); i++)
            tarn_list_append(list, from_jansson(heap, json_array_get(json, i)));
        return list;
    }
    if (json_is_object(json)) {
        struct tarn_value dict = tarn_value_dict(heap);
        const char *key;
        json_t *item;
        json_object_foreach (json, key, item)
            tarn_dict_put(dict, tarn_value_str(heap, key), from_jansson(heap, item));
        return dict;
    }
    return TARN_NONE;
}

enum tarn_status tarn_value_from_json(struct tarn_heap *heap, struct tarn_text text,
                                      struct tarn_value *ret_value, struct tarn_error *err)
{
    json_error_t problem;
    json_t *json = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (!json)
        return tarn_fail(err, TARN_INVALID, "reading JSON, line %d column %d: %s", problem.line,
                         problem.column, problem.text);
    *ret_value = from_jansson(heap, json);
    json_decref(json);
    return TARN_OK;
}

struct json_printer {
    const struct tarn_value_json_options *options;
    struct tarn_buffer *out;
    int depth;
};

static enum tarn_status print_json(struct json_printer *printer, struct tarn_value value,
                                   struct tarn_error *err);

static void print_unit(struct tarn_buffer *out, uint32_t unit)
{
    tarn_buffer_printf(out, "\\u%04x", unit);
}

static void print_json_character(struct json_printer *printer, uint32_t c)
{
    struct tarn_buffer *out = printer->out;
    if (c == '"' || c == '\\')
        tarn_buffer_printf(out, "\\%c", (char)c);
    else if (c == '\n')
        tarn_buffer_append_str(out, "\\n");
    else if (c == '\r')
        tarn_buffer_append_str(out, "\\r");
    else if (c == '\t')
        tarn_buffer_append_str(out, "\\t");
    else if (c == '\b')
        tarn_buffer_append_str(out, "\\b");
    else if (c == '\f')
        tarn_buffer_append_str(out, "\\f");
    else if (c > 0xffff) {
        print_unit(out, 0xd800 + ((c - 0x10000) >> 10));
        print_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else if (c < ' ' || c >= 0x7f)
        c == 0x7f ? tarn_buffer_append_char(out, 0x7f) : print_unit(out, c);
    else if (printer->options->html_safe && strchr("<>&'", (int)c))
        print_unit(out, c);
    else
        tarn_buffer_append_char(out, (char)c);
}

static void print_json_text(struct json_printer *printer, struct tarn_text text)
{
    tarn_buffer_append_char(printer->out, '"');
    for (size_t i = 0; i < text.len;)
        print_json_character(printer, utf8_next(text, &i));
    tarn_buffer_append_char(printer->out, '"');
}

/* The comma and the line break in front of item `index`. */
static void print_separator(struct json_printer *printer, size_t index)
{
    bool one_line = printer->options->indent <= 0;
    if (index > 0)
        tarn_buffer_append_str(printer->out, one_line ? ", " : ",");
    if (!one_line)
        tarn_buffer_printf(printer->out, "\n%*s", printer->options->indent * printer->depth, "");
}

static void print_end(struct json_printer *printer, const char *bracket)
{
    printer->depth--;
    if (printer->options->indent > 0)
        tarn_buffer_printf(printer->out, "\n%*s", printer->options->indent * printer->depth, "");
    tarn_buffer_append_str(printer->out, bracket);
}

static enum tarn_status print_json_list(struct json_printer *printer, const struct tarn_list *list,
                                        struct tarn_error *err)
{
    if (list->count == 0) {
        tarn_buffer_append_str(printer->out, "[]");
        return TARN_OK;
    }
    tarn_buffer_append_char(printer->out, '[');
    printer->depth++;
    for (size_t i = 0; i < list->count; i++) {
        print_separator(printer, i);
        TARN_TRY(print_json(printer, list->items[i], err));
    }
    print_end(printer, "]");
    return TARN_OK;
}

static enum tarn_status print_json_key(struct json_printer *printer, struct tarn_value key,
                                       struct tarn_error *err)
{
    if (key.kind == TARN_VALUE_STRING) {
        print_json_text(printer, tarn_value_text(key));
        return TARN_OK;
    }
    if (!value_is_number(key) && key.kind != TARN_VALUE_NONE)
        return tarn_fail(err, TARN_INVALID, "keys must be str, int, float, bool or None, not %s",
                         tarn_value_type_name(key));
    tarn_buffer_append_char(printer->out, '"');
    TARN_TRY(print_json(printer, key, err));
    tarn_buffer_append_char(printer->out, '"');
    return TARN_OK;
}

/* Entry numbers in order of key; keys that cannot be ordered fail as Python's sort does. */
static enum tarn_status sort_entries(const struct tarn_dict *dict, size_t *order,
                                     struct tarn_error *err)
{
    for (size_t i = 0; i < dict->count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            int compared;
            TARN_TRY(tarn_value_compare(dict->entries[i].key, dict->entries[order[at - 1]].key,
                                        &compared, err));
            if (compared >= 0)
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return TARN_OK;
}

static enum tarn_status print_json_dict(struct json_printer *printer, const struct tarn_dict *dict,
                                        struct tarn_error *err)
{
    if (dict->count == 0) {
        tarn_buffer_append_str(printer->out, "{}");
        return TARN_OK;
    }
    TARN_AUTO_FREE size_t *order = tarn_alloc_array(dict->count, sizeof *order);
    for (size_t i = 0; i < dict->count; i++)
        order[i] = i;
    if (printer->options->sort_keys)
        TARN_TRY(sort_entries(dict, order, err));
    tarn_buffer_append_char(printer->out, '{');
    printer->depth++;
    for (size_t i = 0; i < dict->count; i++) {
        print_separator(printer, i);
        TARN_TRY(print_json_key(printer, dict->entries[order[i]].key, err));
        tarn_buffer_append_str(printer->out, ": ");
        TARN_TRY(print_json(printer, dict->entries[order[i]].value, err));
    }
    print_end(printer, "}");
    return TARN_OK;
}

static void print_json_float(struct json_printer *printer, double real)
{
    char text[FLOAT_TEXT_BYTES];
    if (isnan(real))
        tarn_buffer_append_str(printer->out, "NaN");
    else if (isinf(real))
        tarn_buffer_append_str(printer->out, real > 0 ? "Infinity" : "-Infinity");
    else
        tarn_buffer_append(printer->out, text, float_text(real, text));
}

static enum tarn_status print_json(struct json_printer *printer, struct tarn_value value,
                                   struct tarn_error *err)
{
    if (printer->depth > JSON_DEPTH_MAX)
        return tarn_fail(err, TARN_INVALID, "JSON nested more than %d levels deep", JSON_DEPTH_MAX);
    if (value.kind == TARN_VALUE_STRING)
        print_json_text(printer, tarn_value_text(value));
    else if (value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_TUPLE)
        return print_json_list(printer, value.as.list, err);
    else if (value.kind == TARN_VALUE_DICT)
        return print_json_dict(printer, value.as.dict, err);
    else if (value.kind == TARN_VALUE_NONE)
        tarn_buffer_append_str(printer->out, "null");
    else if (value.kind == TARN_VALUE_BOOL)
        tarn_buffer_append_str(printer->out, value.as.boolean ? "true" : "false");
    else if (value.kind == TARN_VALUE_INT)
        tarn_buffer_printf(printer->out, "%lld", (long long)value.as.integer);
    else if (value.kind == TARN_VALUE_FLOAT)
        print_json_float(printer, value.as.real);
    else
        return tarn_fail(err, TARN_INVALID, "Object of type %s is not JSON serializable",
                         tarn_value_type_name(value));
    return TARN_OK;
}

enum tarn_status tarn_value_to_json(struct tarn_value value,
                                    const struct tarn_value_json_options *options,
                                    struct tarn_buffer *out, struct tarn_error *err)
{
    static const struct tarn_value_json_options plain = {0};
    struct json_printer printer = {options ? options : &plain, out, 0};
    return print_json(&printer, value, err);
}
