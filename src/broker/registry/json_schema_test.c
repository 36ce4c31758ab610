/* broker/registry/json_schema_test.c -- JSON Schemas: what is taken, stored, and compatible. */
#include "broker/registry/schema_fixture.h"

static enum tarn_status try_parse(const char *text, struct tarn_schema **ret_schema,
                                  struct tarn_error *err)
{
    return tarn_schema_parse(TARN_SCHEMA_JSON, tarn_text_of(text), NULL, 0, true, ret_schema, err);
}

static struct tarn_schema *parse(const char *text)
{
    return parse_schema(TARN_SCHEMA_JSON, text);
}

static void stores_text(void **state)
{
    (void)state;
    struct tarn_schema *schema =
        parse(" { \"type\" : \"object\", \"b\": [1.0, 2.50, 1e3], \"a\": \"\\u00e9\\n\" } ");
    assert_string_equal(tarn_schema_text(schema).data,
                        "{\"type\":\"object\",\"b\":[1.0,2.5,1000.0],\"a\":\"\xc3\xa9\\n\"}");
    assert_string_equal(tarn_schema_normal_text(schema).data,
                        "{\"a\":\"\xc3\xa9\\n\",\"b\":[1.0,2.5,1000.0],\"type\":\"object\"}");
    tarn_schema_unref(schema);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{", "line 1"},
        {"3", "an object or a boolean"},
        {"{\"type\":\"text\"}", "unknown type \"text\""},
        {"{\"properties\":[]}", "\"properties\" must be"},
        {"{\"properties\":{\"a\":7}}", "properties/a"},
        {"{\"required\":[1]}", "\"required\" must be"},
        {"{\"enum\":1}", "\"enum\" must be"},
        {"{\"allOf\":{}}", "\"allOf\" must be"},
        {"{\"pattern\":\"(\"}", "no regular expression"},
        {"{\"$ref\":\"#/definitions/gone\"}", "Unresolved $ref '#/definitions/gone'"},
        {"{\"$ref\":\"http://example.com/a.json\"}", "nothing is fetched"},
        {"{\"$ref\":\"#\"}", "back to itself"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_error err;
        struct tarn_schema *schema = NULL;
        assert_int_not_equal(try_parse(cases[i].text, &schema, &err), TARN_OK);
        if (!strstr(err.text, cases[i].why))
            fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].why, err.text);
    }
}

static void follows_references(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "{\"$ref\":\"#/definitions/a~1b\",\"definitions\":{\"a/b\":{\"type\":\"string\"}}}",
        "{\"properties\":{\"next\":{\"$ref\":\"#\"}}}",
        "{\"$ref\":\"#x\",\"$defs\":{\"y\":{\"$anchor\":\"x\",\"type\":\"null\"}}}",
        "{\"$id\":\"http://example.com/"
        "root.json\",\"$ref\":\"item.json\",\"$defs\":{\"i\":{\"$id\":"
        "\"http://example.com/item.json\",\"type\":\"null\"}}}",
        "{\"items\":[{\"$ref\":\"#/items/1\"},{\"type\":\"string\"}]}",
    };
    for (size_t i = 0; i < TARN_COUNT(fine); i++)
        tarn_schema_unref(parse(fine[i]));
    const struct tarn_schema_dependency dependency = {TARN_TEXT("other.json"),
                                                      TARN_TEXT("{\"type\":\"string\"}")};
    struct tarn_error err;
    struct tarn_schema *schema;
    assert_int_equal(tarn_schema_parse(TARN_SCHEMA_JSON, TARN_TEXT("{\"$ref\":\"other.json\"}"),
                                       &dependency, 1, true, &schema, &err),
                     TARN_OK);
    tarn_schema_unref(schema);
}

#define OPEN(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define CLOSED(properties)                                                                         \
    "{\"type\":\"object\",\"properties\":{" properties "},\"additionalProperties\":false}"
#define PARTLY(properties)                                                                         \
    "{\"type\":\"object\",\"properties\":{" properties "},\"additionalProperties\":{\"type\":"     \
    "\"string\"}}"

/* The newer schema, the older, and the kind of the first difference; NULL when there is none. */
static const struct schema_pair pairs[] = {
    {"true", "{\"type\":\"string\"}", NULL},
    {"{\"type\":\"string\"}", "true", "TYPE_CHANGED"},
    {"{\"type\":\"string\"}", "false", NULL},
    {"{\"type\":\"number\"}", "{\"type\":\"integer\"}", NULL},
    {"{\"type\":\"integer\"}", "{\"type\":\"number\"}", "TYPE_NARROWED"},
    {"{\"type\":\"string\"}", "{\"type\":\"number\"}", "TYPE_CHANGED"},
    {"{\"type\":\"string\",\"title\":\"b\"}", "{\"type\":\"string\",\"title\":\"a\"}", NULL},
    {"{\"type\":\"string\",\"maxLength\":3}", "{\"type\":\"string\"}", "MAX_LENGTH_ADDED"},
    {"{\"type\":\"string\",\"maxLength\":3}", "{\"type\":\"string\",\"maxLength\":4}",
     "MAX_LENGTH_DECREASED"},
    {"{\"type\":\"string\",\"maxLength\":5}", "{\"type\":\"string\",\"maxLength\":4}", NULL},
    {"{\"type\":\"string\",\"minLength\":5}", "{\"type\":\"string\",\"minLength\":4}",
     "MIN_LENGTH_INCREASED"},
    {"{\"type\":\"string\"}", "{\"type\":\"string\",\"minLength\":4}", NULL},
    {"{\"type\":\"string\",\"pattern\":\"a\"}", "{\"type\":\"string\"}", "PATTERN_ADDED"},
    {"{\"type\":\"string\",\"pattern\":\"a\"}", "{\"type\":\"string\",\"pattern\":\"b\"}",
     "PATTERN_CHANGED"},
    {"{\"type\":\"number\",\"maximum\":1.5}", "{\"type\":\"number\",\"maximum\":2}",
     "MAXIMUM_DECREASED"},
    {"{\"type\":\"number\",\"exclusiveMinimum\":1}", "{\"type\":\"number\"}",
     "EXCLUSIVE_MINIMUM_ADDED"},
    {"{\"type\":\"number\",\"multipleOf\":0.50}", "{\"type\":\"number\",\"multipleOf\":0.5}", NULL},
    {"{\"type\":\"number\",\"multipleOf\":6}", "{\"type\":\"number\",\"multipleOf\":3}",
     "MULTIPLE_OF_EXPANDED"},
    {"{\"type\":\"number\",\"multipleOf\":3}", "{\"type\":\"number\",\"multipleOf\":6}", NULL},
    {"{\"type\":\"number\",\"multipleOf\":4}", "{\"type\":\"number\",\"multipleOf\":6}",
     "MULTIPLE_OF_CHANGED"},
    {"{\"enum\":[\"a\",\"b\"]}", "{\"enum\":[\"a\"]}", NULL},
    {"{\"enum\":[\"a\"]}", "{\"enum\":[\"a\",\"b\"]}", "ENUM_ARRAY_NARROWED"},
    {"{\"enum\":[\"c\"]}", "{\"enum\":[\"a\"]}", "ENUM_ARRAY_CHANGED"},
    {"{\"const\":1}", "{\"const\":2}", "ENUM_ARRAY_CHANGED"},
    {OPEN("\"a\":{}"), OPEN(""), NULL},
    {OPEN("\"a\":{\"type\":\"string\"}"), OPEN(""),
     "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"},
    {OPEN(""), OPEN("\"a\":{\"type\":\"string\"}"), NULL},
    {CLOSED("\"a\":{\"type\":\"string\"}"), CLOSED(""), NULL},
    {CLOSED(""), CLOSED("\"a\":{\"type\":\"string\"}"),
     "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"},
    {CLOSED(""), CLOSED("\"a\":false"), NULL},
    {CLOSED(""), OPEN(""), "ADDITIONAL_PROPERTIES_REMOVED"},
    {OPEN(""), CLOSED(""), NULL},
    {PARTLY(""), OPEN(""), "ADDITIONAL_PROPERTIES_NARROWED"},
    {PARTLY("\"a\":{\"type\":\"string\"}"), PARTLY(""), NULL},
    {PARTLY("\"a\":{\"type\":\"number\"}"), PARTLY(""), "TYPE_CHANGED"},
    {PARTLY(""), PARTLY("\"a\":{\"type\":\"string\"}"), NULL},
    {PARTLY(""), PARTLY("\"a\":{\"type\":\"number\"}"), "TYPE_CHANGED"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}",
     OPEN("\"a\":{\"type\":\"string\"}"), "REQUIRED_ATTRIBUTE_ADDED"},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"default\":\"\"}},"
     "\"required\":[\"a\"]}",
     OPEN("\"a\":{\"type\":\"string\"}"), NULL},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
     "\"additionalProperties\":false}",
     CLOSED(""), "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"},
    {"{\"type\":\"object\",\"patternProperties\":{\"^s\":{\"type\":\"string\"}},\"properties\":{"
     "\"s1\":{\"type\":\"string\"}}}",
     "{\"type\":\"object\",\"patternProperties\":{\"^s\":{\"type\":\"string\"}}}", NULL},
    {"{\"type\":\"object\",\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"type\":\"object\"}",
     "DEPENDENCY_ARRAY_ADDED"},
    {"{\"type\":\"object\",\"minProperties\":2}", "{\"type\":\"object\"}", "MIN_PROPERTIES_ADDED"},
    {"{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
     "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}", "TYPE_CHANGED"},
    {"{\"type\":\"array\",\"uniqueItems\":true}", "{\"type\":\"array\"}", "UNIQUE_ITEMS_ADDED"},
    {"{\"type\":\"array\",\"prefixItems\":[{},{\"type\":\"string\"}]}",
     "{\"type\":\"array\",\"prefixItems\":[{}]}", "ITEM_ADDED_TO_OPEN_CONTENT_MODEL"},
    {"{\"type\":\"array\",\"prefixItems\":[{},{\"type\":\"string\"}],\"items\":false}",
     "{\"type\":\"array\",\"prefixItems\":[{}],\"items\":false}", NULL},
    {"{\"type\":\"array\",\"items\":[{}],\"additionalItems\":false}",
     "{\"type\":\"array\",\"items\":[{},{\"type\":\"string\"}],\"additionalItems\":false}",
     "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"},
    {"{\"type\":[\"string\",\"null\"]}", "{\"type\":\"string\"}", NULL},
    {"{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}", "TYPE_CHANGED"},
    {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
     "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", NULL},
    {"{\"oneOf\":[{\"type\":\"string\"}]}",
     "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "SUM_TYPE_NARROWED"},
    {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
     "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "COMBINED_TYPE_SUBSCHEMAS_CHANGED"},
    {"{\"allOf\":[{\"type\":\"string\"},{\"maxLength\":3}]}",
     "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}", "COMBINED_TYPE_CHANGED"},
    {"{\"not\":{\"type\":\"string\"}}", "{\"not\":{\"type\":\"string\",\"maxLength\":3}}",
     "NOT_TYPE_EXTENDED"},
    {"{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"properties\":{\"n\":{\"$ref\":\"#/$defs/t\"},"
     "\"v\":{\"type\":\"integer\"}}}}}",
     "{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"properties\":{\"n\":{\"$ref\":\"#/$defs/t\"},"
     "\"v\":{\"type\":\"number\"}}}}}",
     "TYPE_NARROWED"},
};

static void compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(pairs); i++)
        compare_pair(TARN_SCHEMA_JSON, &pairs[i]);
}

static void says_where(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_schema_messages messages = {.arena = arena};
    struct tarn_schema *fresh = parse(OPEN("\"a\":{\"items\":{\"maximum\":1}}"));
    struct tarn_schema *old = parse(OPEN("\"a\":{\"items\":{\"maximum\":2}}"));
    assert_false(tarn_schema_can_read(fresh, old, &messages));
    assert_string_equal(messages.items[0],
                        "{errorType:\"MAXIMUM_DECREASED\", description:\"The value at path "
                        "'#/properties/a/items/maximum' in the %s schema is less than its value in "
                        "the %s schema'}");
    tarn_schema_unref(fresh);
    tarn_schema_unref(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stores_text), cmocka_unit_test(refuses),
                                       cmocka_unit_test(follows_references),
                                       cmocka_unit_test(compares), cmocka_unit_test(says_where)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
