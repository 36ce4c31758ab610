/* test/fuzz/registry_value.c -- bytes of any kind as values of a schema: decoding stays inside them
 * and gives JSON, and what that JSON encodes to decodes to the same JSON. */
#include <assert.h>

#include "broker/registry/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    enum tarn_schema_type type;
    const char *text;
} schemas[] = {
    {TARN_SCHEMA_AVRO,
     "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"int\","
     "\"string\",\"R\"]},{\"name\":\"b\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"map\","
     "\"values\":\"bytes\"}}},{\"name\":\"c\",\"type\":{\"type\":\"enum\",\"name\":\"E\","
     "\"symbols\":[\"X\",\"Y\"]}},{\"name\":\"d\",\"type\":{\"type\":\"fixed\",\"name\":\"F\","
     "\"size\":2}},{\"name\":\"e\",\"type\":[\"double\",\"float\",\"long\",\"boolean\"]}]}"},
    {TARN_SCHEMA_AVRO, "{\"type\":\"array\",\"items\":\"null\"}"},
    {TARN_SCHEMA_PROTOBUF,
     "syntax = \"proto3\"; message M { int32 a = 1; sint64 b = 2; fixed32 c = 3; double d = 4;"
     " string e = 5; bytes f = 6; M g = 7; repeated int32 h = 8; map<string, M> i = 9;"
     " map<int64, E> j = 10; oneof k { bool l = 11; float m = 12; } enum E { Z = 0; N = -1; } }"},
    {TARN_SCHEMA_PROTOBUF, "message M { optional group G = 1 { repeated M m = 2; required string s "
                           "= 3; } repeated fixed64 p = 4 [packed = true]; }"},
    {TARN_SCHEMA_JSON, "true"},
};

/* Decoded once more after encoding, the JSON is the same. */
static void check_back(const struct tarn_schema *schema, const struct tarn_buffer *json)
{
    struct tarn_error err;
    TARN_BUFFER(bytes, 1 << 22);
    TARN_BUFFER(again, 1 << 22);
    json_error_t error;
    json_t *value = json_loadb(json->data, json->len,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    /* map keys may hold NUL, or come twice, which no JSON object can */
    bool is_plain = value && tarn_schema_encode(schema, value, &bytes, &err) == TARN_OK;
    json_decref(value);
    if (!is_plain)
        return;
    enum tarn_status status = tarn_schema_decode(schema, tarn_buffer_text(&bytes), &again, &err);
    assert(status == TARN_OK || status == TARN_TOO_LARGE);
    assert(status != TARN_OK || tarn_schema_type(schema) != TARN_SCHEMA_AVRO ||
           tarn_text_equal(tarn_buffer_text(json), tarn_buffer_text(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t which = data[0] % TARN_COUNT(schemas);
    struct tarn_error err;
    struct tarn_schema *schema = NULL;
    enum tarn_status status = tarn_schema_parse(
        schemas[which].type, tarn_text_of(schemas[which].text), NULL, 0, true, &schema, &err);
    assert(status == TARN_OK);
    TARN_AUTO_FREE char *copy = tarn_alloc(size);
    memcpy(copy, data + 1, size - 1);
    TARN_BUFFER(json, 1 << 20);
    if (tarn_schema_decode(schema, (struct tarn_text){copy, size - 1}, &json, &err) == TARN_OK)
        check_back(schema, &json);
    tarn_schema_unref(schema);
    return 0;
}
