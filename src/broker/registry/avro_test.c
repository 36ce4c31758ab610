/* broker/registry/avro_test.c -- Avro schemas: stored text, normal form, compatibility, values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/registry/schema.h"
#include "broker/registry/wire_format.h"

static struct tarn_schema *parse(const char *text)
{
    struct tarn_error err;
    struct tarn_schema *schema = NULL;
    if (tarn_schema_parse(TARN_SCHEMA_AVRO, tarn_text_of(text), NULL, 0, true, &schema, &err) !=
        TARN_OK)
        fail_msg("%s: %s", text, err.text);
    return schema;
}

static void stores_text(void **state)
{
    (void)state;
    static const struct {
        const char *given, *stored, *normal; /* normal NULL: as stored */
    } cases[] = {
        {"\"string\"", "\"string\"", NULL},
        {" { \"type\" : \"int\" } ", "\"int\"", NULL},
        {"{\"type\":{\"type\":\"int\"}}", "\"int\"", NULL},
        {"{\"type\":\"bytes\",\"scale\":2,\"precision\":9,\"logicalType\":\"decimal\"}",
         "{\"type\":\"bytes\",\"scale\":2,\"precision\":9,\"logicalType\":\"decimal\"}",
         "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}"},
        {"{\"name\":\"a.b.R\",\"fields\":[{\"type\":[\"null\",\"R\"],\"default\":null,\"name\":"
         "\"n\"},{\"name\":\"e\",\"type\":{\"symbols\":[\"X\"],\"type\":\"enum\",\"name\":\"E\"}},"
         "{\"name\":\"o\",\"type\":\"a.b.E\",\"order\":\"ignore\"}],\"type\":\"record\",\"x\":1.0}",
         "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"n\","
         "\"type\":[\"null\",\"R\"],\"default\":null},{\"name\":\"e\",\"type\":{\"type\":\"enum\","
         "\"name\":\"E\",\"symbols\":[\"X\"]}},{\"name\":\"o\",\"type\":\"E\",\"order\":\"ignore\"}"
         "],\"x\":1.0}",
         NULL},
        {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"aliases\":[\"z\",\"m.a\"],"
         "\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"namespace\":\"\",\"name\":"
         "\"F\",\"size\":4},\"b\":1,\"a\":2}]}",
         "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[{\"name\":\"f\","
         "\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"\",\"size\":4},\"b\":1,\"a\":"
         "2}],\"aliases\":[\"z\",\"m.a\"]}",
         "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[{\"name\":\"f\","
         "\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"\",\"size\":4},\"a\":2,\"b\":"
         "1}],\"aliases\":[\"m.a\",\"z\"]}"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_schema *schema = parse(cases[i].given);
        assert_string_equal(tarn_schema_text(schema).data, cases[i].stored);
        assert_string_equal(tarn_schema_normal_text(schema).data,
                            cases[i].normal ? cases[i].normal : cases[i].stored);
        tarn_schema_unref(schema);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "line 1"},
        {"\"Unknown\"", "Undefined name: \"Unknown\""},
        {"{\"type\":\"record\",\"fields\":[]}", "No name"},
        {"{\"type\":\"record\",\"name\":\"R\"}", "no fields"},
        {"{\"type\":\"record\",\"name\":\"1\",\"fields\":[]}", "Illegal character in: 1"},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
         "{\"name\":\"a\",\"type\":\"int\"}]}",
         "Duplicate field a"},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\","
         "\"default\":\"x\"}]}",
         "Invalid default for field a: \"x\" not a int"},
        {"[\"int\",[\"int\"]]", "Nested union"},
        {"[\"int\",\"int\"]", "Duplicate in union: int"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}", "Duplicate enum symbol"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"B\"}", "Default: B"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "Invalid or no size"},
        {"{\"type\":\"map\"}", "Map has no values"},
        {"7", "a schema is"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err;
        struct tarn_schema *schema = NULL;
        assert_int_not_equal(tarn_schema_parse(TARN_SCHEMA_AVRO, tarn_text_of(cases[i].text), NULL,
                                               0, true, &schema, &err),
                             TARN_OK);
        assert_null(schema);
        if (!strstr(err.text, cases[i].why))
            fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].why, err.text);
    }
}

static void nests_only_so_deep(void **state)
{
    (void)state;
    TARN_BUFFER(text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        tarn_buffer_append_str(&text, "{\"type\":\"array\",\"items\":");
    tarn_buffer_append_str(&text, "\"int\"");
    for (int i = 0; i < 2000; i++)
        tarn_buffer_append_char(&text, '}');
    struct tarn_error err;
    struct tarn_schema *schema = NULL;
    assert_int_not_equal(
        tarn_schema_parse(TARN_SCHEMA_AVRO, tarn_buffer_text(&text), NULL, 0, true, &schema, &err),
        TARN_OK);
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define FIELD_OR(name, type, or) "{\"name\":\"" name "\",\"type\":" type ",\"default\":" or "}"
#define ENUM(symbols) "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"

/* The reader, the writer, and the beginning of what is wrong; NULL when nothing is. */
static const struct {
    const char *reader, *writer, *wrong;
} pairs[] = {
    {"\"int\"", "\"int\"", NULL},
    {"\"long\"", "\"int\"", NULL},
    {"\"float\"", "\"long\"", NULL},
    {"\"double\"", "\"float\"", NULL},
    {"\"bytes\"", "\"string\"", NULL},
    {"\"string\"", "\"bytes\"", NULL},
    {"\"int\"", "\"long\"",
     "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the %s schema "
     "does "
     "not match with the %s schema', additionalInfo:'reader type: INT not compatible with writer "
     "type: LONG'}"},
    {"\"null\"", "\"boolean\"", "{errorType:'TYPE_MISMATCH'"},
    {"\"float\"", "\"double\"", "{errorType:'TYPE_MISMATCH'"},
    {RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), NULL},
    {RECORD(FIELD("a", "\"int\"") "," FIELD_OR("b", "\"int\"", "1")), RECORD(FIELD("a", "\"int\"")),
     NULL},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), RECORD(FIELD("a", "\"int\"")),
     "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path "
     "'/fields/1' in the %s schema has no default value and is missing in the %s schema', "
     "additionalInfo:'b'}"},
    {RECORD(FIELD("a", "\"string\"")), RECORD(FIELD("a", "\"int\"")),
     "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type')"},
    {RECORD("{\"name\":\"n\",\"type\":\"int\",\"aliases\":[\"a\"]}"), RECORD(FIELD("a", "\"int\"")),
     NULL},
    {"{\"type\":\"record\",\"name\":\"Q\",\"fields\":[]}", RECORD(""),
     "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', "
     "additionalInfo:'expected: R'}"},
    {"{\"type\":\"record\",\"name\":\"Q\",\"aliases\":[\"R\"],\"fields\":[]}", RECORD(""), NULL},
    {"{\"type\":\"record\",\"name\":\"other.R\",\"fields\":[]}", RECORD(""), NULL},
    {ENUM("\"A\",\"B\""), ENUM("\"A\""), NULL},
    {ENUM("\"A\""), ENUM("\"A\",\"C\",\"B\""),
     "{errorType:'MISSING_ENUM_SYMBOLS', description:'The %s schema is missing enum symbols '[B, "
     "C]' at path '/symbols' in the %s schema', additionalInfo:'[B, C]'}"},
    {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"A\"}",
     ENUM("\"A\",\"B\""), NULL},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}",
     "{\"type\":\"fixed\",\"name\":\"F\",\"size\":8}",
     "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' "
     "in the %s schema does not match with the %s schema', additionalInfo:'expected: 8, found: "
     "4'}"},
    {"{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"string\"}",
     "{errorType:'TYPE_MISMATCH', description:'The type (path '/items')"},
    {"{\"type\":\"map\",\"values\":\"long\"}", "{\"type\":\"map\",\"values\":\"int\"}", NULL},
    {"{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"array\",\"items\":\"int\"}",
     "{errorType:'TYPE_MISMATCH'"},
    {"[\"null\",\"string\"]", "\"string\"", NULL},
    {"[\"null\",\"string\"]", "\"int\"",
     "{errorType:'MISSING_UNION_BRANCH', description:'The %s schema is missing a type inside a "
     "union field at path '/' in the %s schema', additionalInfo:'reader union lacking writer type: "
     "INT'}"},
    {"\"string\"", "[\"string\"]", NULL},
    {"\"string\"", "[\"string\",\"null\"]", "{errorType:'TYPE_MISMATCH'"},
    {"[\"int\",\"string\"]", "[\"string\",\"int\"]", NULL},
    {"[\"int\"]", "[\"int\",\"boolean\"]",
     "{errorType:'MISSING_UNION_BRANCH', description:'The %s schema is missing a type inside a "
     "union field at path '/1' in the %s schema', additionalInfo:'reader union lacking writer "
     "type: BOOLEAN'}"},
    {RECORD(FIELD("n", "[\"null\",\"R\"]")), RECORD(FIELD("n", "[\"null\",\"R\"]")), NULL},
    {RECORD(FIELD("n", "[\"null\",\"R\"]") "," FIELD("v", "\"int\"")),
     RECORD(FIELD("n", "[\"null\",\"R\"]") "," FIELD("v", "\"long\"")),
     "{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/1/type')"},
};

static void compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(pairs); i++) {
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        struct tarn_schema_messages messages = {.arena = arena};
        struct tarn_schema *reader = parse(pairs[i].reader), *writer = parse(pairs[i].writer);
        bool fine = tarn_schema_can_read(reader, writer, &messages);
        if (fine != (pairs[i].wrong == NULL) ||
            (!fine && !tarn_text_starts(tarn_text_of(messages.items[0]), pairs[i].wrong)))
            fail_msg("%s reading %s: %s", pairs[i].reader, pairs[i].writer,
                     fine ? "taken" : messages.items[0]);
        tarn_schema_unref(reader);
        tarn_schema_unref(writer);
    }
}

/* A chain of records, each with two unions that lead on: without a memory this takes 2^40 steps. */
static void compares_quickly(void **state)
{
    (void)state;
    struct tarn_schema *schemas[2];
    for (int which = 0; which < 2; which++) {
        TARN_BUFFER(text, 1 << 20);
        for (int i = 0; i < 40; i++)
            tarn_buffer_printf(&text,
                               "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\","
                               "\"type\":[\"null\",",
                               i);
        tarn_buffer_append_str(&text, which ? "\"int\"" : "\"boolean\"");
        for (int i = 40; i-- > 0;)
            tarn_buffer_printf(&text, "]},{\"name\":\"b\",\"type\":[\"null\",\"%s%.0d\"]}]}",
                               i == 39 ? "long" : "R", i == 39 ? 0 : i + 1);
        schemas[which] = parse(tarn_buffer_str(&text));
    }
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_schema_messages messages = {.arena = arena};
    assert_false(tarn_schema_can_read(schemas[0], schemas[1], &messages));
    tarn_schema_unref(schemas[0]);
    tarn_schema_unref(schemas[1]);
}

/* Schema, JSON, bytes in hex (Avro specification's own examples and others). */
static const struct {
    const char *schema, *json, *hex;
} values[] = {
    {"\"null\"", "null", ""},
    {"\"boolean\"", "true", "01"},
    {"\"int\"", "-64", "7F"},
    {"\"int\"", "64", "8001"},
    {"\"long\"", "9223372036854775807", "FEFFFFFFFFFFFFFFFF01"},
    {"\"long\"", "-9223372036854775808", "FFFFFFFFFFFFFFFFFF01"},
    {"\"float\"", "1.5", "0000C03F"},
    {"\"double\"", "0.1", "9A9999999999B93F"},
    {"\"string\"", "\"foo\"", "06666F6F"},
    {"\"bytes\"", "\"\xc3\xbf\\u0000A\"", "06FF0041"},
    {RECORD(FIELD("a", "\"long\"") "," FIELD("b", "\"string\"")), "{\"a\":27,\"b\":\"foo\"}",
     "3606666F6F"},
    {ENUM("\"A\",\"B\",\"C\",\"D\""), "\"D\"", "06"},
    {"{\"type\":\"array\",\"items\":\"long\"}", "[3,27]", "04063600"},
    {"{\"type\":\"array\",\"items\":\"long\"}", "[]", "00"},
    {"{\"type\":\"map\",\"values\":\"int\"}", "{\"k\":1}", "02026B0200"},
    {"[\"null\",\"string\"]", "null", "00"},
    {"[\"null\",\"string\"]", "{\"string\":\"a\"}", "020261"},
    {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"ab\"", "6162"},
};

static void to_hex(const struct tarn_buffer *bytes, char *out)
{
    for (size_t i = 0; i < bytes->len; i++)
        sprintf(out + 2 * i, "%02X", (uint8_t)bytes->data[i]);
    out[2 * bytes->len] = 0;
}

static void values_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(values); i++) {
        struct tarn_error err;
        struct tarn_schema *schema = parse(values[i].schema);
        TARN_BUFFER(bytes, 1000);
        TARN_BUFFER(back, 1000);
        char hex[100];
        json_t *json = json_loads(values[i].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        if (tarn_schema_encode(schema, json, &bytes, &err) != TARN_OK)
            fail_msg("%s", err.text);
        to_hex(&bytes, hex);
        assert_string_equal(hex, values[i].hex);
        if (tarn_schema_decode(schema, tarn_buffer_text(&bytes), &back, &err) != TARN_OK)
            fail_msg("%s", err.text);
        assert_string_equal(tarn_buffer_str(&back), values[i].json);
        json_decref(json);
        tarn_schema_unref(schema);
    }
}

static void takes_plain_unions_and_defaults(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_schema *schema =
        parse(RECORD(FIELD_OR("a", "[\"null\",\"string\"]", "null") "," FIELD("b", "[\"int\"]")));
    TARN_BUFFER(bytes, 100);
    char hex[100];
    json_t *json = json_loads("{\"b\":1}", 0, NULL),
           *wrong = json_loads("{\"b\":1,\"c\":1}", 0, NULL);
    assert_int_equal(tarn_schema_encode(schema, json, &bytes, &err), TARN_OK);
    to_hex(&bytes, hex);
    assert_string_equal(hex, "000002");
    assert_int_equal(tarn_schema_encode(schema, wrong, &bytes, &err), TARN_INVALID);
    assert_non_null(strstr(err.text, "no field c"));
    json_decref(json);
    json_decref(wrong);
    tarn_schema_unref(schema);
}

static void refuses_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *bytes;
        size_t len;
    } cases[] = {
        {"\"int\"", "", 0},
        {"\"int\"", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {"\"int\"", "\xfe\xff\xff\xff\xff\xff\x01", 7},
        {"\"int\"", "\x02\x02", 2}, /* left over */
        {"\"string\"",
         "\x08"
         "ab",
         3},
        {"\"string\"", "\x01", 1}, /* length -1 */
        {"\"string\"", "\x02\xff", 2},
        {"\"boolean\"", "\x02", 1},
        {"[\"null\"]", "\x02", 1},
        {ENUM("\"A\""), "\x02", 1},
        {"{\"type\":\"array\",\"items\":\"null\"}", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
        {RECORD(FIELD("n", "[\"null\",\"R\"]")), "\x02\x02\x02\x02", 4},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err;
        struct tarn_schema *schema = parse(cases[i].schema);
        TARN_BUFFER(json, 10 << 20);
        assert_int_equal(tarn_schema_decode(
                             schema, (struct tarn_text){cases[i].bytes, cases[i].len}, &json, &err),
                         TARN_CORRUPT);
        tarn_schema_unref(schema);
    }
}

static void wire_formats(void **state)
{
    (void)state;
    TARN_BUFFER(bytes, 100);
    tarn_wire_format_write_id(&bytes, 258);
    tarn_buffer_append_str(&bytes, "x");
    struct tarn_wire_format format = tarn_wire_format_parse(tarn_buffer_text(&bytes));
    assert_int_equal(format.kind, TARN_WIRE_ID);
    assert_int_equal(format.id, 258);
    assert_true(tarn_text_is(format.payload, "x"));
    assert_int_equal(tarn_wire_format_parse(TARN_TEXT("{\"a\":1}")).kind, TARN_WIRE_PLAIN);
    const struct tarn_topic_header header = {TARN_TEXT(TARN_WIRE_HEADER_VALUE),
                                             {"\1abcdefghijklmnop", 17}};
    const struct tarn_topic_record record = {
        .value = TARN_TEXT("payload"), .headers = &header, .header_count = 1};
    format = tarn_wire_format_read(&record, false);
    assert_int_equal(format.kind, TARN_WIRE_GUID);
    assert_memory_equal(format.guid, "abcdefghijklmnop", 16);
    assert_true(format.in_header && tarn_text_is(format.payload, "payload"));
    tarn_buffer_clear(&bytes);
    const int32_t nested[] = {2, 0, 77};
    int32_t indexes[TARN_WIRE_INDEXES_MAX];
    size_t count;
    struct tarn_text rest;
    tarn_wire_format_write_indexes(&bytes, nested, 3);
    assert_true(tarn_wire_format_indexes(tarn_buffer_text(&bytes), indexes, &count, &rest));
    assert_int_equal(count, 3);
    assert_memory_equal(indexes, nested, sizeof nested);
    assert_int_equal(rest.len, 0);
    assert_true(tarn_wire_format_indexes((struct tarn_text){"\0a", 2}, indexes, &count, &rest));
    assert_true(count == 1 && indexes[0] == 0 && rest.len == 1);
    assert_false(
        tarn_wire_format_indexes((struct tarn_text){"\x04\x02", 2}, indexes, &count, &rest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stores_text),
                                       cmocka_unit_test(refuses),
                                       cmocka_unit_test(nests_only_so_deep),
                                       cmocka_unit_test(compares),
                                       cmocka_unit_test(compares_quickly),
                                       cmocka_unit_test(values_go_both_ways),
                                       cmocka_unit_test(takes_plain_unions_and_defaults),
                                       cmocka_unit_test(refuses_bytes),
                                       cmocka_unit_test(wire_formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
