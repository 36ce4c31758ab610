/* broker/rest/data.c -- keys and values between JSON and bytes: base64, JSON, text, and what a
 * registered schema says. */
#include <openssl/evp.h>
#include <strings.h>

#include "broker/registry/schema_int.h"
#include "broker/registry/wire_format.h"
#include "broker/rest/rest_int.h"

enum { VALUE_MAX_BYTES = 16 << 20 };

static const char *const names[] = {
    [TARN_REST_BINARY] = "BINARY",         [TARN_REST_JSON] = "JSON",
    [TARN_REST_STRING] = "STRING",         [TARN_REST_AVRO] = "AVRO",
    [TARN_REST_JSONSCHEMA] = "JSONSCHEMA", [TARN_REST_PROTOBUF] = "PROTOBUF"};

const char *tarn_rest_format_name(enum tarn_rest_format format)
{
    return names[format];
}

bool tarn_rest_format_parse(struct tarn_text name, enum tarn_rest_format *ret_format)
{
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        if (name.len != strlen(names[i]) || strncasecmp(name.data, names[i], name.len) != 0)
            continue;
        *ret_format = (enum tarn_rest_format)i;
        return true;
    }
    return false;
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

struct tarn_text tarn_rest_base64(const char *text, struct tarn_arena *arena)
{
    size_t len = strlen(text), count = 0;
    while (len && text[len - 1] == '=')
        len--;
    char *out = tarn_arena_alloc(arena, len + 1);
    uint32_t bits = 0;
    if (len % 4 == 1)
        return (struct tarn_text){NULL, 0};
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return (struct tarn_text){NULL, 0};
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            out[count++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    return (struct tarn_text){out, count};
}

static enum tarn_schema_type type_of(enum tarn_rest_format format)
{
    return format == TARN_REST_AVRO       ? TARN_SCHEMA_AVRO
           : format == TARN_REST_PROTOBUF ? TARN_SCHEMA_PROTOBUF
                                          : TARN_SCHEMA_JSON;
}

static enum tarn_status find_schema(struct tarn_rest *rest, enum tarn_rest_format format,
                                    const struct tarn_rest_schema *wanted, const char *subject,
                                    int32_t *ret_id, struct tarn_schema **ret_schema,
                                    struct tarn_error *err)
{
    struct tarn_registry *registry = rest->options.registry;
    if (!registry)
        return tarn_fail(err, TARN_INVALID, "writing %s data: no schema registry is running",
                         names[format]);
    *ret_id = wanted->id;
    if (wanted->text)
        TARN_TRY(tarn_registry_register(registry, subject, type_of(format),
                                        tarn_text_of(wanted->text), ret_id, err));
    if (*ret_id)
        return tarn_registry_schema(registry, *ret_id, ret_schema, err);
    return tarn_registry_latest(registry, subject, ret_id, ret_schema, err);
}

static enum tarn_status encode_schema(struct tarn_rest *rest, enum tarn_rest_format format,
                                      const struct tarn_rest_schema *wanted, const char *subject,
                                      const json_t *data, struct tarn_buffer *out, int32_t *ret_id,
                                      struct tarn_error *err)
{
    struct tarn_schema *schema;
    TARN_TRY(find_schema(rest, format, wanted, subject, ret_id, &schema, err));
    enum tarn_status status;
    tarn_wire_format_write_id(out, *ret_id);
    if (tarn_schema_type(schema) != type_of(format))
        status = tarn_fail(err, TARN_INVALID, "schema %d is no %s schema", *ret_id, names[format]);
    else
        status = tarn_schema_encode(schema, data, out, err);
    tarn_schema_unref(schema);
    return status;
}

enum tarn_status tarn_rest_encode(struct tarn_rest *rest, enum tarn_rest_format format,
                                  const struct tarn_rest_schema *schema, const char *topic,
                                  bool is_key, const json_t *data, struct tarn_arena *arena,
                                  struct tarn_text *ret_bytes, int32_t *ret_schema_id,
                                  struct tarn_error *err)
{
    TARN_BUFFER(out, VALUE_MAX_BYTES);
    *ret_bytes = (struct tarn_text){NULL, 0};
    if (!data || (json_is_null(data) && format <= TARN_REST_STRING))
        return TARN_OK;
    if (format <= TARN_REST_STRING && format != TARN_REST_JSON && !json_is_string(data))
        return tarn_fail(err, TARN_INVALID, "%s data must be a string", names[format]);
    if (format == TARN_REST_BINARY) {
        *ret_bytes = tarn_rest_base64(json_string_value(data), arena);
        return ret_bytes->data ? TARN_OK
                               : tarn_fail(err, TARN_INVALID, "BINARY data must be base64");
    }
    if (format == TARN_REST_STRING)
        tarn_buffer_append(&out, json_string_value(data), json_string_length(data));
    else if (format == TARN_REST_JSON)
        tarn_json_value_write(&out, data, false);
    else
        TARN_TRY(encode_schema(
            rest, format, schema,
            schema->subject ? schema->subject
                            : tarn_arena_format(arena, "%s-%s", topic, is_key ? "key" : "value"),
            data, &out, ret_schema_id, err));
    TARN_TRY(tarn_buffer_check(&out, "a record's data", err));
    *ret_bytes =
        (struct tarn_text){tarn_arena_strndup(arena, tarn_buffer_str(&out), out.len), out.len};
    return TARN_OK;
}

static void write_base64(struct tarn_buffer *json, struct tarn_text bytes)
{
    TARN_AUTO_FREE unsigned char *text = tarn_alloc(4 * (bytes.len / 3 + 1) + 1);
    EVP_EncodeBlock(text, (const unsigned char *)bytes.data, (int)bytes.len);
    tarn_json_string_write(json, tarn_text_of((const char *)text));
}

static enum tarn_status decode_schema(struct tarn_rest *rest,
                                      const struct tarn_topic_record *record, bool is_key,
                                      struct tarn_buffer *json, struct tarn_error *err)
{
    struct tarn_wire_format wire = tarn_wire_format_read(record, is_key);
    struct tarn_schema *schema;
    if (wire.kind == TARN_WIRE_PLAIN || !rest->options.registry)
        return tarn_fail(err, TARN_CORRUPT,
                         "the record at offset %lld of %s-%d names no schema; read it as binary",
                         (long long)record->offset, record->topic, record->partition);
    TARN_TRY(wire.kind == TARN_WIRE_ID
                 ? tarn_registry_schema(rest->options.registry, wire.id, &schema, err)
                 : tarn_registry_schema_of_guid(rest->options.registry, wire.guid, &schema, err));
    enum tarn_status status = tarn_schema_decode(schema, wire.payload, json, err);
    tarn_schema_unref(schema);
    return status;
}

enum tarn_status tarn_rest_decode(struct tarn_rest *rest, enum tarn_rest_format format,
                                  const struct tarn_topic_record *record, bool is_key,
                                  struct tarn_buffer *json, struct tarn_error *err)
{
    struct tarn_text bytes = is_key ? record->key : record->value;
    if (!bytes.data) {
        tarn_buffer_append_str(json, "null");
    } else if (format == TARN_REST_BINARY) {
        write_base64(json, bytes);
    } else if (format == TARN_REST_STRING) {
        if (tarn_utf8_valid_prefix(bytes) != bytes.len)
            return tarn_fail(err, TARN_CORRUPT, "the record at offset %lld is not UTF-8",
                             (long long)record->offset);
        tarn_json_string_write(json, bytes);
    } else if (format == TARN_REST_JSON) {
        json_error_t error;
        json_t *value = json_loadb(bytes.data, bytes.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (!value)
            return tarn_fail(err, TARN_CORRUPT, "the record at offset %lld is not JSON: %s",
                             (long long)record->offset, error.text);
        tarn_json_value_write(json, value, false);
        json_decref(value);
    } else {
        return decode_schema(rest, record, is_key, json, err);
    }
    return TARN_OK;
}
