/* broker/registry/proto_test.c -- .proto files: stored text, errors, compatibility, values. */
#include "broker/registry/schema_fixture.h"

#define P3 "syntax = \"proto3\";\n"

static enum tarn_status try_parse(const char *text, struct tarn_schema **ret_schema,
                                  struct tarn_error *err)
{
    return tarn_schema_parse(TARN_SCHEMA_PROTOBUF, tarn_text_of(text), NULL, 0, true, ret_schema,
                             err);
}

static struct tarn_schema *parse(const char *text)
{
    return parse_schema(TARN_SCHEMA_PROTOBUF, text);
}

static const char everything[] =
    "// a comment\n" P3 "package shop.v1; import \"google/protobuf/timestamp.proto\";\n"
    "option java_package=\"com.shop\"; /* another */\n"
    "message Order { reserved 9, 20 to 30; int64 id=1; repeated string tags=2;\n"
    " map<string,Item> items=3; oneof pay { string card=4; bool cash=5; }\n"
    " message Item { double price=1 [deprecated=true]; optional sint32 count=2; }\n"
    " enum Kind { NEW=0; OLD=-1; } Kind kind=6; google.protobuf.Timestamp made_at=7;\n"
    " repeated uint32 codes=8; bytes raw=10; }\n"
    "service Shop { rpc Get(Order) returns (stream Order) { option (x).y = \"z\"; } }\n";

static void stores_text(void **state)
{
    (void)state;
    struct tarn_schema *schema = parse(everything);
    assert_string_equal(
        tarn_schema_text(schema).data,
        "syntax = \"proto3\";\npackage shop.v1;\nimport \"google/protobuf/timestamp.proto\";\n"
        "option java_package = \"com.shop\";\n\nmessage Order {\n  reserved 9, 20 to 30;\n"
        "  int64 id = 1;\n  repeated string tags = 2;\n  map<string, Item> items = 3;\n"
        "  oneof pay {\n    string card = 4;\n    bool cash = 5;\n  }\n  message Item {\n"
        "    double price = 1 [deprecated = true];\n    optional sint32 count = 2;\n  }\n"
        "  enum Kind {\n    NEW = 0;\n    OLD = -1;\n  }\n  Kind kind = 6;\n"
        "  google.protobuf.Timestamp made_at = 7;\n  repeated uint32 codes = 8;\n"
        "  bytes raw = 10;\n}\n\nservice Shop {\n  rpc Get (Order) returns (stream Order) {\n"
        "    option (x).y = \"z\";\n  }\n}\n");
    struct tarn_schema *again = parse(tarn_schema_text(schema).data);
    assert_string_equal(tarn_schema_text(again).data, tarn_schema_text(schema).data);
    tarn_schema_unref(schema);
    tarn_schema_unref(again);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "defines no message"},
        {"syntax = \"proto9\"; message A {}", "expected \"proto2\" or \"proto3\""},
        {P3 "message A { int32 a = 0; }", "out of range"},
        {P3 "message A { int32 a = 536870912; }", "out of range"},
        {P3 "message A { int32 a = 1; int32 b = 1; }", "two fields"},
        {P3 "message A { B b = 1; }", "the type \"B\" of the field b of A is not known"},
        {P3 "message A {} message A {}", "defined twice"},
        {P3 "message A { int32 a = 1 }", "expected ;, not }"},
        {P3 "message A { map<float, int32> m = 1; }", "a map's key may not be float"},
        {P3 "enum E {}", "has no values"},
        {P3 "message A { /* ", "a comment that does not end"},
        {P3 "option a = \"x", "a text that does not end"},
        {P3 "message A {", "the end"},
        {P3 "message \x01 {}", "unexpected character"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err;
        struct tarn_schema *schema = NULL;
        assert_int_not_equal(try_parse(cases[i].text, &schema, &err), TARN_OK);
        if (!strstr(err.text, cases[i].why))
            fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].why, err.text);
    }
}

/* The newer file, the older, and the kind of the first difference; NULL when there is none. */
static const struct schema_pair pairs[] = {
    {P3 "message A { int32 a = 1; int32 b = 2; }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message A { }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message A { int32 renamed = 1; }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message A { int64 a = 1; }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message A { bytes a = 1; }", P3 "message A { string a = 1; }", NULL},
    {P3 "message A { sint32 a = 1; }", P3 "message A { int32 a = 1; }",
     "FIELD_SCALAR_KIND_CHANGED"},
    {P3 "message A { string a = 1; }", P3 "message A { int32 a = 1; }",
     "FIELD_SCALAR_KIND_CHANGED"},
    {P3 "enum E { X = 0; } message A { E a = 1; }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message B {} message A { B a = 1; }", P3 "message A { int32 a = 1; } message B {}",
     "FIELD_KIND_CHANGED"},
    {P3 "message B {} message C {} message A { C a = 1; }",
     P3 "message B {} message C {} message A { B a = 1; }", "FIELD_NAMED_TYPE_CHANGED"},
    {P3 "message A { map<string, int32> m = 1; }", P3 "message A { map<string, int64> m = 1; }",
     NULL},
    {P3 "message A { map<string, int32> m = 1; }", P3 "message A { map<int32, int32> m = 1; }",
     "FIELD_SCALAR_KIND_CHANGED"},
    {P3 "message A { }", P3 "message A { } message B { }", "MESSAGE_REMOVED"},
    {P3 "message B { } message A { }", P3 "message A { } message B { }", NULL},
    {P3 "package b; message A { }", P3 "package a; message A { }", "PACKAGE_CHANGED"},
    {P3 "message A { oneof o { int32 a = 1; } }", P3 "message A { int32 a = 1; }", NULL},
    {P3 "message A { oneof o { int32 a = 1; int32 b = 2; } }",
     P3 "message A { int32 a = 1; int32 b = 2; }", "MULTIPLE_FIELDS_MOVED_TO_ONEOF"},
    {P3 "message A { oneof o { int32 a = 1; int32 b = 2; } }",
     P3 "message A { oneof o { int32 a = 1; } int32 b = 2; }", "FIELD_MOVED_TO_EXISTING_ONEOF"},
    {P3 "message A { oneof o { int32 a = 1; } }",
     P3 "message A { oneof o { int32 a = 1; int32 b = 2; } }", "ONEOF_FIELD_REMOVED"},
    {P3 "message A { int32 a = 1; int32 b = 2; }",
     P3 "message A { oneof o { int32 a = 1; int32 b = 2; } }", NULL},
    {P3 "message A { }", P3 "message A { oneof o { int32 a = 1; } }", NULL},
    {"message A { required int32 a = 1; }", "message A { }", "REQUIRED_FIELD_ADDED"},
    {"message A { }", "message A { required int32 a = 1; }", "REQUIRED_FIELD_REMOVED"},
    {"message A { optional int32 a = 1; }", "message A { repeated int32 a = 1; }",
     "FIELD_NUMERIC_LABEL_CHANGED"},
    {"message A { optional string a = 1; }", "message A { repeated string a = 1; }", NULL},
};

static void compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(pairs); i++)
        compare_pair(TARN_SCHEMA_PROTOBUF, &pairs[i]);
}

static void to_hex(const struct tarn_buffer *bytes, char *out)
{
    for (size_t i = 0; i < bytes->len; i++)
        sprintf(out + 2 * i, "%02X", (uint8_t)bytes->data[i]);
    out[2 * bytes->len] = 0;
}

static void values_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *given, *hex, *back;
    } cases[] = {
        /* Protobuf's own example: the number 150 in field 1 is 08 96 01 */
        {"{\"id\":150}", "00089601",
         "{\"id\":\"150\",\"tags\":[],\"items\":{},\"kind\":\"NEW\",\"codes\":[],\"raw\":\"\"}"},
        {"{\"id\":\"-1\",\"tags\":[\"a\",\"b\"],\"cash\":true,\"kind\":\"OLD\",\"codes\":[1,300],"
         "\"raw\":\"AQI=\",\"made_at\":{\"seconds\":\"5\"},\"items\":{\"k\":{\"price\":1.5,"
         "\"count\":-2}}}",
         "0008FFFFFFFFFFFFFFFFFF0112016112016228"
         "0130FFFFFFFFFFFFFFFFFF01420301AC02"
         "520201023A0208051A100A016B120B09000000000000F83F1003",
         "{\"id\":\"-1\",\"tags\":[\"a\",\"b\"],\"items\":{\"k\":{\"price\":1.5,\"count\":-2}},"
         "\"cash\":true,\"kind\":\"OLD\",\"madeAt\":{\"seconds\":\"5\",\"nanos\":0},\"codes\":[1,"
         "300],\"raw\":\"AQI=\"}"},
    };
    struct tarn_schema *schema = parse(everything);
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err;
        TARN_BUFFER(bytes, 1000);
        TARN_BUFFER(back, 1000);
        char hex[500];
        json_t *json = json_loads(cases[i].given, 0, NULL);
        assert_non_null(json);
        if (tarn_schema_encode(schema, json, &bytes, &err) != TARN_OK)
            fail_msg("%s", err.text);
        to_hex(&bytes, hex);
        assert_string_equal(hex, cases[i].hex);
        if (tarn_schema_decode(schema, tarn_buffer_text(&bytes), &back, &err) != TARN_OK)
            fail_msg("%s", err.text);
        assert_string_equal(tarn_buffer_str(&back), cases[i].back);
        json_decref(json);
    }
    tarn_schema_unref(schema);
}

static void refuses_values(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{\"id\":1.5}",
                                        "{\"id\":true}",
                                        "{\"nothing\":1}",
                                        "{\"tags\":\"a\"}",
                                        "{\"kind\":\"NONE\"}",
                                        "{\"raw\":\"!\"}",
                                        "{\"codes\":[-1]}",
                                        "{\"codes\":[4294967296]}",
                                        "{\"items\":[]}",
                                        "{\"cash\":\"yes\"}",
                                        "[]"};
    struct tarn_schema *schema = parse(everything);
    for (size_t i = 0; i < TARN_COUNT(wrong); i++) {
        struct tarn_error err;
        TARN_BUFFER(bytes, 1000);
        json_t *json = json_loads(wrong[i], 0, NULL);
        if (tarn_schema_encode(schema, json, &bytes, &err) != TARN_INVALID)
            fail_msg("%s was taken", wrong[i]);
        json_decref(json);
    }
    static const struct tarn_text bytes[] = {{"", 0},
                                             {"\0\x08", 2},
                                             {"\0\x12\x05"
                                              "a",
                                              4},
                                             {"\0\x0d", 2},
                                             {"\0\x12\x01\xff", 4},
                                             {"\x02\x0e\0", 3},
                                             {"\0\x02", 2},
                                             {"\0\x0b", 2}};
    for (size_t i = 0; i < TARN_COUNT(bytes); i++) {
        struct tarn_error err;
        TARN_BUFFER(json, 1000);
        if (tarn_schema_decode(schema, bytes[i], &json, &err) != TARN_CORRUPT)
            fail_msg("bytes %zu were taken", i);
    }
    tarn_schema_unref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_text), cmocka_unit_test(refuses), cmocka_unit_test(compares),
        cmocka_unit_test(values_go_both_ways), cmocka_unit_test(refuses_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
