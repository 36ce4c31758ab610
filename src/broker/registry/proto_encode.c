/* broker/registry/proto_encode.c -- JSON as Protobuf's binary encoding, the reverse of
 * proto_decode.c. Fields go by their JSON name or their own. */
#include <errno.h>
#include <math.h>

#include "broker/registry/proto.h"
#include "broker/registry/wire_format.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_START = 3, WIRE_END = 4, WIRE_32 = 5 };

struct writer {
    struct tarn_buffer *out;
    struct tarn_error *err;
    int depth;
};

static enum tarn_status write_message(struct writer *w, const struct tarn_pb_message *message,
                                      const json_t *json);

static void put_varint(struct tarn_buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        tarn_buffer_append_char(out, (char)(0x80 | (value & 0x7f)));
    tarn_buffer_append_char(out, (char)value);
}

static void put_fixed(struct tarn_buffer *out, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        tarn_buffer_append_char(out, (char)(value >> (8 * i)));
}

static void put_tag(struct tarn_buffer *out, const struct tarn_pb_field *field, int wire)
{
    put_varint(out, (uint64_t)field->number << 3 | (uint64_t)wire);
}

static enum tarn_status unfit(struct writer *w, const struct tarn_pb_field *field,
                              const json_t *json)
{
    TARN_BUFFER(text, 200);
    tarn_json_value_write(&text, json, false);
    return tarn_fail(
        w->err, TARN_INVALID, "field %s: %s does not fit %s", field->name, tarn_buffer_str(&text),
        tarn_pb_kind_names[field->kind] ? tarn_pb_kind_names[field->kind] : field->type_name);
}

/* A whole number, also as text or as 1.0; unsigned ones keep all 64 bits. */
static bool whole_number(const json_t *json, bool is_unsigned, int64_t *ret_value)
{
    const char *text = json_string_value(json);
    if (json_is_integer(json)) {
        *ret_value = json_integer_value(json);
        return !is_unsigned || *ret_value >= 0;
    }
    if (json_is_real(json)) {
        double real = json_real_value(json);
        *ret_value = fabs(real) < 9e18 ? (int64_t)real : 0;
        return real == floor(real) && fabs(real) < 9e18 && (!is_unsigned || real >= 0);
    }
    if (!text || !*text)
        return false;
    char *end;
    errno = 0;
    if (is_unsigned && *text != '-')
        *ret_value = (int64_t)strtoull(text, &end, 10);
    else
        *ret_value = strtoll(text, &end, 10);
    return !*end && errno == 0 && (!is_unsigned || *text != '-');
}

static bool enum_number(const struct tarn_pb_enum *values, const json_t *json, int64_t *ret_value)
{
    const char *name = json_string_value(json);
    for (size_t i = 0; name && i < values->value_count; i++) {
        if (strcmp(values->values[i].name, name) != 0)
            continue;
        *ret_value = values->values[i].number;
        return true;
    }
    return whole_number(json, false, ret_value) && *ret_value >= INT32_MIN &&
           *ret_value <= INT32_MAX;
}

static bool real_number(const json_t *json, double *ret_value)
{
    const char *text = json_string_value(json);
    if (json_is_number(json)) {
        *ret_value = json_number_value(json);
        return true;
    }
    if (text && strcmp(text, "NaN") == 0)
        *ret_value = (double)NAN;
    else if (text && strcmp(text, "Infinity") == 0)
        *ret_value = (double)INFINITY;
    else if (text && strcmp(text, "-Infinity") == 0)
        *ret_value = -(double)INFINITY;
    else
        return text && tarn_text_to_double(tarn_text_of(text), ret_value);
    return true;
}

static enum tarn_status put_whole(struct writer *w, const struct tarn_pb_field *field,
                                  const json_t *json)
{
    enum tarn_pb_kind kind = field->kind;
    bool is_unsigned = kind == TARN_PB_UINT32 || kind == TARN_PB_UINT64 ||
                       kind == TARN_PB_FIXED32 || kind == TARN_PB_FIXED64;
    bool is_short = kind == TARN_PB_INT32 || kind == TARN_PB_UINT32 || kind == TARN_PB_SINT32 ||
                    kind == TARN_PB_FIXED32 || kind == TARN_PB_SFIXED32;
    int64_t value;
    if (!whole_number(json, is_unsigned, &value))
        return unfit(w, field, json);
    if (is_short &&
        (is_unsigned ? (uint64_t)value > UINT32_MAX : value < INT32_MIN || value > INT32_MAX))
        return unfit(w, field, json);
    if (kind == TARN_PB_SINT32 || kind == TARN_PB_SINT64)
        put_varint(w->out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
    else if (kind == TARN_PB_FIXED32 || kind == TARN_PB_SFIXED32)
        put_fixed(w->out, (uint64_t)value, 4);
    else if (kind == TARN_PB_FIXED64 || kind == TARN_PB_SFIXED64)
        put_fixed(w->out, (uint64_t)value, 8);
    else
        put_varint(w->out, (uint64_t)value);
    return TARN_OK;
}

static enum tarn_status put_real(struct writer *w, const struct tarn_pb_field *field,
                                 const json_t *json)
{
    double value;
    if (!real_number(json, &value))
        return unfit(w, field, json);
    if (field->kind == TARN_PB_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        put_fixed(w->out, bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        put_fixed(w->out, bits, 8);
    }
    return TARN_OK;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool from_base64(const char *text, size_t len, struct tarn_buffer *out)
{
    uint32_t bits = 0;
    while (len && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            tarn_buffer_append_char(out, (char)(bits >> (6 - 2 * (i % 4))));
    }
    return len % 4 != 1;
}

/* A value without its tag, of a kind that is not a list of bytes. */
static enum tarn_status put_number(struct writer *w, const struct tarn_pb_field *field,
                                   const json_t *json)
{
    int64_t number;
    if (field->kind == TARN_PB_FLOAT || field->kind == TARN_PB_DOUBLE)
        return put_real(w, field, json);
    if (field->kind == TARN_PB_BOOL) {
        if (!json_is_boolean(json))
            return unfit(w, field, json);
        put_varint(w->out, json_is_true(json));
        return TARN_OK;
    }
    if (field->kind != TARN_PB_ENUM)
        return put_whole(w, field, json);
    if (!enum_number(field->values, json, &number))
        return unfit(w, field, json);
    put_varint(w->out, (uint64_t)number);
    return TARN_OK;
}

static int wire_of(enum tarn_pb_kind kind)
{
    if (kind == TARN_PB_STRING || kind == TARN_PB_BYTES || kind == TARN_PB_MESSAGE)
        return WIRE_BYTES;
    if (kind == TARN_PB_GROUP)
        return WIRE_START;
    if (kind == TARN_PB_DOUBLE || kind == TARN_PB_FIXED64 || kind == TARN_PB_SFIXED64)
        return WIRE_64;
    if (kind == TARN_PB_FLOAT || kind == TARN_PB_FIXED32 || kind == TARN_PB_SFIXED32)
        return WIRE_32;
    return WIRE_VARINT;
}

static enum tarn_status put_bytes(struct writer *w, const struct tarn_pb_field *field,
                                  const json_t *json)
{
    TARN_BUFFER(inner, w->out->max_bytes);
    if (field->kind == TARN_PB_MESSAGE) {
        struct writer nested = {&inner, w->err, w->depth};
        if (write_message(&nested, field->message, json) != TARN_OK)
            return tarn_error_wrap(w->err, "field %s", field->name);
    } else if (!json_is_string(json)) {
        return unfit(w, field, json);
    } else if (field->kind == TARN_PB_STRING) {
        tarn_buffer_append(&inner, json_string_value(json), json_string_length(json));
    } else if (!from_base64(json_string_value(json), json_string_length(json), &inner)) {
        return unfit(w, field, json);
    }
    TARN_TRY(tarn_buffer_check(&inner, "a message", w->err));
    put_varint(w->out, inner.len);
    tarn_buffer_append_text(w->out, tarn_buffer_text(&inner));
    return TARN_OK;
}

static enum tarn_status put_value(struct writer *w, const struct tarn_pb_field *field,
                                  const json_t *json)
{
    int wire = wire_of(field->kind);
    put_tag(w->out, field, wire);
    if (wire == WIRE_BYTES)
        return put_bytes(w, field, json);
    if (wire != WIRE_START)
        return put_number(w, field, json);
    TARN_TRY(write_message(w, field->message, json));
    put_tag(w->out, field, WIRE_END);
    return TARN_OK;
}

static enum tarn_status put_list(struct writer *w, const struct tarn_pb_field *field,
                                 const json_t *json)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(json))
        return unfit(w, field, json);
    if (!field->is_packed || wire_of(field->kind) == WIRE_BYTES || !json_array_size(json)) {
        json_array_foreach (json, i, item) {
            TARN_TRY(put_value(w, field, item));
        }
        return TARN_OK;
    }
    TARN_BUFFER(packed, w->out->max_bytes);
    struct writer inner = {&packed, w->err, w->depth};
    json_array_foreach (json, i, item) {
        TARN_TRY(put_number(&inner, field, item));
    }
    TARN_TRY(tarn_buffer_check(&packed, "a list", w->err));
    put_tag(w->out, field, WIRE_BYTES);
    put_varint(w->out, packed.len);
    tarn_buffer_append_text(w->out, tarn_buffer_text(&packed));
    return TARN_OK;
}

static enum tarn_status put_map(struct writer *w, const struct tarn_pb_field *field,
                                const json_t *json)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return unfit(w, field, json);
    const struct tarn_pb_field *key_field = &field->message->fields[0];
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        TARN_BUFFER(entry, w->out->max_bytes);
        struct writer inner = {&entry, w->err, w->depth};
        bool is_bool = key_field->kind == TARN_PB_BOOL;
        json_t *text = is_bool ? json_boolean(strcmp(key, "true") == 0) : json_string(key);
        enum tarn_status status = put_value(&inner, key_field, text);
        json_decref(text);
        if (status == TARN_OK)
            status = put_value(&inner, &field->message->fields[1], value);
        TARN_TRY(status);
        TARN_TRY(tarn_buffer_check(&entry, "an entry of a map", w->err));
        put_tag(w->out, field, WIRE_BYTES);
        put_varint(w->out, entry.len);
        tarn_buffer_append_text(w->out, tarn_buffer_text(&entry));
    }
    return TARN_OK;
}

static const struct tarn_pb_field *find_field(const struct tarn_pb_message *message,
                                              const char *name)
{
    for (size_t i = 0; i < message->field_count; i++)
        if (strcmp(message->fields[i].json_name, name) == 0 ||
            strcmp(message->fields[i].name, name) == 0)
            return &message->fields[i];
    return NULL;
}

static enum tarn_status check_required(struct writer *w, const struct tarn_pb_message *message,
                                       const json_t *json)
{
    for (size_t i = 0; i < message->field_count; i++) {
        const struct tarn_pb_field *field = &message->fields[i];
        if (field->label == TARN_PB_REQUIRED && !json_object_get(json, field->name) &&
            !json_object_get(json, field->json_name))
            return tarn_fail(w->err, TARN_INVALID, "the required field %s of %s is missing",
                             field->name, message->full_name);
    }
    return TARN_OK;
}

static enum tarn_status write_message(struct writer *w, const struct tarn_pb_message *message,
                                      const json_t *json)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return tarn_fail(w->err, TARN_INVALID, "%s must be an object", message->full_name);
    if (w->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(w->err, TARN_INVALID, "messages nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    w->depth++;
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        const struct tarn_pb_field *field = find_field(message, key);
        if (!field)
            return tarn_fail(w->err, TARN_INVALID, "%s has no field %s", message->full_name, key);
        if (json_is_null(value))
            continue;
        TARN_TRY(field->is_map                      ? put_map(w, field, value)
                 : field->label == TARN_PB_REPEATED ? put_list(w, field, value)
                                                    : put_value(w, field, value));
    }
    w->depth--;
    return check_required(w, message, json);
}

enum tarn_status tarn_pb_encode(const struct tarn_schema *schema, const json_t *json,
                                struct tarn_buffer *payload, struct tarn_error *err)
{
    static const int32_t first[] = {0};
    const struct tarn_pb_file *file = tarn_pb_of(schema);
    struct writer writer = {.out = payload, .err = err};
    if (!file->types.message_count)
        return tarn_fail(err, TARN_INVALID, "encoding Protobuf: the schema has no message");
    tarn_wire_format_write_indexes(payload, first, 1);
    if (write_message(&writer, file->types.messages[0], json) != TARN_OK)
        return tarn_error_wrap(err, "encoding Protobuf");
    return tarn_buffer_check(payload, "a value in Protobuf", err);
}
