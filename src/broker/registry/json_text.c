/* broker/registry/json_text.c -- JSON values as one line of text, as Confluent's registry writes
 * them: no white space, members in order, real numbers in their shortest form with a point. */
#include <stdio.h>

#include "broker/registry/schema_int.h"

void tarn_json_string_write(struct tarn_buffer *out, struct tarn_text text)
{
    size_t plain = 0;
    tarn_buffer_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        tarn_buffer_append(out, text.data + plain, i - plain);
        plain = i + 1;
        const char *short_form = c == '"'    ? "\\\""
                                 : c == '\\' ? "\\\\"
                                 : c == '\n' ? "\\n"
                                 : c == '\r' ? "\\r"
                                 : c == '\t' ? "\\t"
                                 : c == '\b' ? "\\b"
                                 : c == '\f' ? "\\f"
                                             : NULL;
        if (short_form)
            tarn_buffer_append_str(out, short_form);
        else
            tarn_buffer_printf(out, "\\u%04X", c);
    }
    tarn_buffer_append(out, text.data + plain, text.len - plain);
    tarn_buffer_append_char(out, '"');
}

static void write_real(struct tarn_buffer *out, double value)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        double back;
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (tarn_text_to_double(tarn_text_of(digits), &back) && back == value)
            break;
    }
    tarn_buffer_append_str(out, digits);
    if (!strpbrk(digits, ".e"))
        tarn_buffer_append_str(out, ".0");
}

struct member {
    const char *key;
    size_t key_len;
    const json_t *value;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_object(struct tarn_buffer *out, const json_t *json, bool is_sorted)
{
    size_t count = json_object_size(json), i = 0;
    TARN_AUTO_FREE struct member *members = tarn_alloc_array(count + 1, sizeof *members);
    const char *key;
    size_t key_len;
    json_t *value;
    json_object_keylen_foreach((json_t *)(uintptr_t)json, key, key_len, value)
    {
        members[i++] = (struct member){key, key_len, value};
    }
    if (is_sorted)
        qsort(members, count, sizeof *members, by_key);
    tarn_buffer_append_char(out, '{');
    for (i = 0; i < count; i++) {
        if (i)
            tarn_buffer_append_char(out, ',');
        tarn_json_string_write(out, (struct tarn_text){members[i].key, members[i].key_len});
        tarn_buffer_append_char(out, ':');
        tarn_json_value_write(out, members[i].value, is_sorted);
    }
    tarn_buffer_append_char(out, '}');
}

void tarn_json_value_write(struct tarn_buffer *out, const json_t *json, bool is_sorted)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        write_object(out, json, is_sorted);
        break;
    case JSON_ARRAY:
        tarn_buffer_append_char(out, '[');
        for (size_t i = 0; i < json_array_size(json); i++) {
            if (i)
                tarn_buffer_append_char(out, ',');
            tarn_json_value_write(out, json_array_get(json, i), is_sorted);
        }
        tarn_buffer_append_char(out, ']');
        break;
    case JSON_STRING:
        tarn_json_string_write(
            out, (struct tarn_text){json_string_value(json), json_string_length(json)});
        break;
    case JSON_INTEGER:
        tarn_buffer_printf(out, "%lld", (long long)json_integer_value(json));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(json));
        break;
    case JSON_TRUE:
        tarn_buffer_append_str(out, "true");
        break;
    case JSON_FALSE:
        tarn_buffer_append_str(out, "false");
        break;
    case JSON_NULL:
        tarn_buffer_append_str(out, "null");
        break;
    }
}
