/* broker/registry/avro_encode.c -- JSON as Avro's binary encoding, the reverse of avro_decode.c.
 *
 * Takes Avro's JSON encoding and what people type instead: a union value without its tag when it
 * fits one branch, a missing field that has a default. */
#include <math.h>

#include "broker/registry/avro.h"

/* Trying branches of nested unions multiplies; a value that fits is found long before this many. */
enum { TRIES_MAX = 1000000 };

struct writer {
    struct tarn_buffer *out;
    struct tarn_error *err;
    struct tarn_error *ignored; /* what is wrong with a branch that was only tried */
    size_t tries;
    int depth;
};

static enum tarn_status write_value(struct writer *w, const struct tarn_avro *type,
                                    const json_t *json);

static void write_long(struct writer *w, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; zigzag >= 0x80; zigzag >>= 7)
        tarn_buffer_append_char(w->out, (char)(0x80 | (zigzag & 0x7f)));
    tarn_buffer_append_char(w->out, (char)zigzag);
}

static enum tarn_status unfit(struct writer *w, const struct tarn_avro *type, const json_t *json)
{
    TARN_BUFFER(text, 200);
    tarn_json_value_write(&text, json, false);
    return tarn_fail(w->err, TARN_INVALID, "%s does not fit %s", tarn_buffer_str(&text),
                     tarn_avro_branch_name(type));
}

static enum tarn_status write_int(struct writer *w, const struct tarn_avro *type,
                                  const json_t *json)
{
    if (!json_is_integer(json))
        return unfit(w, type, json);
    int64_t value = json_integer_value(json);
    if (type->kind == TARN_AVRO_INT && (value < INT32_MIN || value > INT32_MAX))
        return unfit(w, type, json);
    write_long(w, value);
    return TARN_OK;
}

static bool number_of(const json_t *json, double *ret_value)
{
    const char *name = json_string_value(json);
    if (json_is_number(json))
        *ret_value = json_number_value(json);
    else if (name && strcmp(name, "NaN") == 0)
        *ret_value = (double)NAN;
    else if (name && strcmp(name, "Infinity") == 0)
        *ret_value = (double)INFINITY;
    else if (name && strcmp(name, "-Infinity") == 0)
        *ret_value = -(double)INFINITY;
    else
        return false;
    return true;
}

static enum tarn_status write_number(struct writer *w, const struct tarn_avro *type,
                                     const json_t *json)
{
    double value;
    uint64_t bits = 0;
    bool is_float = type->kind == TARN_AVRO_FLOAT;
    if (!number_of(json, &value))
        return unfit(w, type, json);
    if (is_float) {
        float narrow = (float)value;
        uint32_t low;
        memcpy(&low, &narrow, sizeof low);
        bits = low;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    for (int i = 0; i < (is_float ? 4 : 8); i++)
        tarn_buffer_append_char(w->out, (char)(bits >> (8 * i)));
    return TARN_OK;
}

/* Text whose code points are bytes. */
static enum tarn_status write_latin1(struct writer *w, const struct tarn_avro *type,
                                     const json_t *json)
{
    const unsigned char *at = (const unsigned char *)json_string_value(json);
    const unsigned char *end = at + json_string_length(json);
    TARN_BUFFER(bytes, json_string_length(json) + 8);
    while (at < end) {
        unsigned code = *at++;
        if (code >= 0x80) { /* valid UTF-8, since jansson took it */
            if (code > 0xc3)
                return unfit(w, type, json);
            code = (code & 0x1f) << 6 | (*at++ & 0x3f);
        }
        tarn_buffer_append_char(&bytes, (char)code);
    }
    if (type->kind == TARN_AVRO_FIXED && bytes.len != type->size_bytes)
        return unfit(w, type, json);
    if (type->kind == TARN_AVRO_BYTES)
        write_long(w, (int64_t)bytes.len);
    tarn_buffer_append_text(w->out, tarn_buffer_text(&bytes));
    return TARN_OK;
}

static enum tarn_status write_string(struct writer *w, const struct tarn_avro *type,
                                     const json_t *json)
{
    if (!json_is_string(json))
        return unfit(w, type, json);
    if (type->kind != TARN_AVRO_STRING)
        return write_latin1(w, type, json);
    write_long(w, (int64_t)json_string_length(json));
    tarn_buffer_append(w->out, json_string_value(json), json_string_length(json));
    return TARN_OK;
}

static enum tarn_status write_enum(struct writer *w, const struct tarn_avro *type,
                                   const json_t *json)
{
    const char *symbol = json_string_value(json);
    for (size_t i = 0; symbol && i < type->symbol_count; i++) {
        if (strcmp(type->symbols[i], symbol) != 0)
            continue;
        write_long(w, (int64_t)i);
        return TARN_OK;
    }
    return unfit(w, type, json);
}

/* A default of a union field is written in the branch it fits. */
static enum tarn_status write_record(struct writer *w, const struct tarn_avro *type,
                                     const json_t *json)
{
    if (!json_is_object(json))
        return unfit(w, type, json);
    size_t used = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct tarn_avro_field *field = &type->fields[i];
        const json_t *value = json_object_get(json, field->name);
        used += value != NULL;
        if (!value)
            value = field->default_value;
        if (!value)
            return tarn_fail(w->err, TARN_INVALID, "field %s of %s is missing and has no default",
                             field->name, type->full_name);
        if (write_value(w, field->type, value) != TARN_OK)
            return tarn_error_wrap(w->err, "field %s", field->name);
    }
    if (used == json_object_size(json))
        return TARN_OK;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        size_t i = 0;
        while (i < type->field_count && strcmp(type->fields[i].name, key) != 0)
            i++;
        if (i == type->field_count)
            return tarn_fail(w->err, TARN_INVALID, "%s has no field %s", type->full_name, key);
    }
    return TARN_OK;
}

static enum tarn_status write_blocks(struct writer *w, const struct tarn_avro *type,
                                     const json_t *json)
{
    bool is_map = type->kind == TARN_AVRO_MAP;
    size_t count = is_map ? json_object_size(json) : json_array_size(json), i;
    if (!(is_map ? json_is_object(json) : json_is_array(json)))
        return unfit(w, type, json);
    const char *key;
    json_t *value;
    if (count)
        write_long(w, (int64_t)count);
    if (is_map) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
            write_long(w, (int64_t)strlen(key));
            tarn_buffer_append_str(w->out, key);
            if (write_value(w, type->item, value) != TARN_OK)
                return tarn_error_wrap(w->err, "key %s", key);
        }
    } else {
        json_array_foreach (json, i, value)
            if (write_value(w, type->item, value) != TARN_OK)
                return tarn_error_wrap(w->err, "item %zu", i);
    }
    write_long(w, 0);
    return TARN_OK;
}

/* The branch that a tagged value names, its value in *ret_value; NULL when it is not tagged. */
static const json_t *tagged(const struct tarn_avro *type, const json_t *json, size_t *ret_index)
{
    if (json_object_size(json) != 1)
        return NULL;
    const char *tag = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)json));
    for (size_t i = 0; i < type->branch_count; i++) {
        if (strcmp(tag, tarn_avro_branch_name(type->branches[i])) != 0)
            continue;
        *ret_index = i;
        return json_object_get(json, tag);
    }
    return NULL;
}

/* Tries one branch; leaves `out` as it was when the value does not fit it. */
static bool try_branch(struct writer *w, const struct tarn_avro *type, size_t index,
                       const json_t *json)
{
    struct tarn_error *err = w->err;
    size_t before = w->out->len;
    if (++w->tries > TRIES_MAX)
        return false;
    w->err = w->ignored;
    write_long(w, (int64_t)index);
    bool fits = write_value(w, type->branches[index], json) == TARN_OK;
    w->err = err;
    if (!fits)
        w->out->len = before;
    return fits;
}

static enum tarn_status write_union(struct writer *w, const struct tarn_avro *type,
                                    const json_t *json)
{
    size_t index;
    const json_t *value = tagged(type, json, &index);
    if (value && try_branch(w, type, index, value))
        return TARN_OK;
    for (size_t i = 0; i < type->branch_count; i++)
        if (try_branch(w, type, i, json))
            return TARN_OK;
    if (value && w->tries < TRIES_MAX) { /* say what is wrong inside of the branch that was named */
        write_long(w, (int64_t)index);
        return write_value(w, type->branches[index], value);
    }
    return unfit(w, type, json);
}

static enum tarn_status write_any(struct writer *w, const struct tarn_avro *type,
                                  const json_t *json)
{
    switch (type->kind) {
    case TARN_AVRO_NULL:
        return json_is_null(json) ? TARN_OK : unfit(w, type, json);
    case TARN_AVRO_BOOLEAN:
        if (!json_is_boolean(json))
            return unfit(w, type, json);
        tarn_buffer_append_char(w->out, json_is_true(json));
        return TARN_OK;
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
        return write_int(w, type, json);
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
        return write_number(w, type, json);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING:
    case TARN_AVRO_FIXED:
        return write_string(w, type, json);
    case TARN_AVRO_RECORD:
        return write_record(w, type, json);
    case TARN_AVRO_ENUM:
        return write_enum(w, type, json);
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
        return write_blocks(w, type, json);
    case TARN_AVRO_UNION:
        return write_union(w, type, json);
    }
    return unfit(w, type, json);
}

static enum tarn_status write_value(struct writer *w, const struct tarn_avro *type,
                                    const json_t *json)
{
    if (w->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(w->err, TARN_INVALID, "the value is nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    w->depth++;
    enum tarn_status status = write_any(w, type, json);
    w->depth--;
    return status;
}

enum tarn_status tarn_avro_encode(const struct tarn_schema *schema, const json_t *json,
                                  struct tarn_buffer *payload, struct tarn_error *err)
{
    struct tarn_error ignored;
    struct writer writer = {.out = payload, .err = err, .ignored = &ignored};
    if (write_value(&writer, tarn_avro_of(schema)->root, json) != TARN_OK)
        return tarn_error_wrap(err, "encoding Avro");
    return tarn_buffer_check(payload, "a value in Avro", err);
}
