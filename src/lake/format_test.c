/* lake/format_test.c -- the bytes of Iceberg: Avro containers, single values and bounds, transforms
 * (with the spec's own vectors), schemas, metadata, manifests, and what happens when they are
 * damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lake/avro.h"
#include "lake/bounds.h"
#include "lake/manifest.h"
#include "lake/metadata.h"
#include "lake/schema.h"
#include "lake/transform.h"

static int set_up(void **state)
{
    *state = tarn_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    tarn_arena_free(*state);
    return 0;
}

static struct tarn_text bytes_of(struct tarn_arena *arena, const struct tarn_buffer *buffer)
{
    return (struct tarn_text){tarn_arena_strndup(arena, buffer->data, buffer->len), buffer->len};
}

/* ---- Avro ---- */

static const char avro_schema[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"field-"
    "id\":1},"
    "{\"name\":\"b\",\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":2},"
    "{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":\"int\",\"element-id\":9},\"field-id\":"
    "3},"
    "{\"name\":\"d\",\"type\":{\"type\":\"map\",\"values\":\"double\"},\"field-id\":4},"
    "{\"name\":\"e\",\"type\":{\"type\":\"fixed\",\"name\":\"f3\",\"size\":3},\"field-id\":5},"
    "{\"name\":\"g\",\"type\":\"f3\",\"field-id\":6},{\"name\":\"h\",\"type\":\"boolean\",\"field-"
    "id\":7}]}";

static struct tarn_text write_avro(struct tarn_arena *arena, size_t count)
{
    struct tarn_error err;
    TARN_BUFFER(records, 1 << 24);
    TARN_BUFFER(out, 1 << 24);
    for (size_t i = 0; i < count; i++) {
        tarn_avro_put_long(&records, i == 0 ? INT64_MIN : (int64_t)i - 1);
        tarn_avro_put_long(&records, i % 2);
        if (i % 2)
            tarn_avro_put_str(&records, "text");
        tarn_avro_put_long(&records, 2);
        tarn_avro_put_long(&records, -1);
        tarn_avro_put_long(&records, 64);
        tarn_avro_put_long(&records, 0);
        tarn_avro_put_long(&records, -1); /* a block with its size in bytes */
        tarn_avro_put_long(&records, 10);
        tarn_avro_put_str(&records, "k");
        tarn_avro_put_double(&records, 0.5);
        tarn_avro_put_long(&records, 0);
        tarn_buffer_append(&records, "abcdef", 6);
        tarn_avro_put_bool(&records, true);
    }
    struct tarn_avro_meta meta = {"key", TARN_TEXT("value")};
    assert_int_equal(
        tarn_avro_file_write(&out, avro_schema, &meta, 1, tarn_buffer_text(&records), count, &err),
        TARN_OK);
    return bytes_of(arena, &out);
}

static void avro_round_trip(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_error err;
    static const size_t counts[] = {0, 1, 2, 5000}; /* the last one is deflated */
    for (size_t c = 0; c < TARN_COUNT(counts); c++) {
        struct tarn_text bytes = write_avro(arena, counts[c]);
        struct tarn_avro_file file;
        assert_int_equal(tarn_avro_file_read(bytes, "x.avro", arena, &file, &err), TARN_OK);
        assert_int_equal(file.record_count, counts[c]);
        assert_true(tarn_text_is(tarn_avro_meta_get(&file, "key"), "value"));
        assert_null(tarn_avro_meta_get(&file, "none").data);
        if (counts[c] == 0)
            continue;
        assert_true(tarn_avro_get(&file.records[0], 1)->integer == INT64_MIN);
        assert_int_equal(tarn_avro_get(&file.records[0], 2)->kind, TARN_AVRO_NULL);
        assert_int_equal(tarn_avro_get(&file.records[0], 3)->count, 2);
        assert_int_equal(tarn_avro_get(&file.records[0], 3)->items[0].integer, -1);
        assert_true(tarn_text_is(tarn_avro_get(&file.records[0], 4)->items[0].bytes, "k"));
        assert_true(tarn_avro_get(&file.records[0], 4)->items[1].real == 0.5);
        assert_true(tarn_text_is(tarn_avro_get(&file.records[0], 6)->bytes, "def"));
        assert_null(tarn_avro_get(&file.records[0], 99));
        if (counts[c] > 1)
            assert_true(tarn_text_is(tarn_avro_get(&file.records[1], 2)->bytes, "text"));
    }
}

/* Every prefix and every single damaged byte: an error that names the file, or a file; never a
 * crash. */
static void avro_damaged(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_text good = write_avro(arena, 2);
    struct tarn_error err;
    struct tarn_avro_file file;
    for (size_t len = 0; len < good.len; len++) {
        TARN_AUTO_FREE char *cut = tarn_strndup(good.data, len);
        TARN_AUTO_ARENA struct tarn_arena *scratch = tarn_arena_new();
        enum tarn_status status = tarn_avro_file_read((struct tarn_text){cut, len}, "the/file.avro",
                                                      scratch, &file, &err);
        if (status == TARN_OK)
            assert_int_equal(file.record_count, 0); /* cut just behind the header */
        else
            assert_non_null(strstr(err.text, "the/file.avro"));
    }
    for (size_t at = 0; at < good.len; at++) {
        TARN_AUTO_FREE char *bad = tarn_strndup(good.data, good.len);
        TARN_AUTO_ARENA struct tarn_arena *scratch = tarn_arena_new();
        bad[at] = (char)(bad[at] ^ 0x55);
        (void)!tarn_avro_file_read((struct tarn_text){bad, good.len}, "the/file.avro", scratch,
                                   &file, &err);
    }
}

/* ---- single values ---- */

static const struct tarn_iceberg_type
    boolean_type = {.kind = TARN_ICEBERG_BOOLEAN},
    int_type = {.kind = TARN_ICEBERG_INT}, long_type = {.kind = TARN_ICEBERG_LONG},
    float_type = {.kind = TARN_ICEBERG_FLOAT}, double_type = {.kind = TARN_ICEBERG_DOUBLE},
    date_type = {.kind = TARN_ICEBERG_DATE}, time_type = {.kind = TARN_ICEBERG_TIME},
    timestamp_type = {.kind = TARN_ICEBERG_TIMESTAMP},
    timestamptz_type = {.kind = TARN_ICEBERG_TIMESTAMPTZ},
    string_type = {.kind = TARN_ICEBERG_STRING}, uuid_type = {.kind = TARN_ICEBERG_UUID},
    binary_type = {.kind = TARN_ICEBERG_BINARY},
    decimal_type = {.kind = TARN_ICEBERG_DECIMAL, .precision = 9, .scale = 2},
    wide_type = {.kind = TARN_ICEBERG_DECIMAL, .precision = 38, .scale = 0};

static const char *hex(struct tarn_arena *arena, struct tarn_text bytes)
{
    return tarn_bound_text(&binary_type, bytes, arena);
}

static void encodings(void **state)
{
    static const struct {
        const struct tarn_iceberg_type *type;
        const char *text, *hex; /* NULL: refused */
    } cases[] = {
        {&boolean_type, "true", "01"},
        {&boolean_type, "0", "00"},
        {&int_type, "34", "22000000"},
        {&int_type, "-1", "ffffffff"},
        {&int_type, "2147483648", NULL},
        {&long_type, "-9223372036854775808", "0000000000000080"},
        {&float_type, "1.5", "0000c03f"},
        {&double_type, "-2.5", "00000000000004c0"},
        {&double_type, "nan", NULL},
        {&date_type, "1969-12-31", "ffffffff"},
        {&date_type, "0001-01-01 (BC)", "5805f5ff"},
        {&date_type, "2024-13-01", NULL},
        {&date_type, "infinity", NULL},
        {&time_type, "00:00:01.5", "60e3160000000000"},
        {&timestamp_type, "1969-12-31 23:59:59.999999", "ffffffffffffffff"},
        {&timestamp_type, "1970-01-01", "0000000000000000"},
        {&timestamp_type, "1970-01-01T00:00:00.000001", "0100000000000000"},
        {&timestamptz_type, "1970-01-01 02:00:00+02", "0000000000000000"},
        {&timestamptz_type, "1969-12-31 19:30:00-04:30", "0000000000000000"},
        {&timestamp_type, "tomorrow", NULL},
        {&string_type, "iceberg", "69636562657267"},
        {&uuid_type, "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09677c4bbda4793f349cb785e7"},
        {&uuid_type, "f79c", NULL},
        {&binary_type, "00fF", "00ff"},
        {&decimal_type, "14.20", "058c"},
        {&decimal_type, "-0.01", "ff"},
        {&decimal_type, "1.28", "0080"},
        {&decimal_type, "-1.28", "80"},
        {&decimal_type, "0.00", "00"},
        {&decimal_type, "5", "01f4"},
        {&decimal_type, "1.234", NULL},
        {&decimal_type, "12345678.90", NULL},
        {&wide_type, "99999999999999999999999999999999999999", "4b3b4ca85a86c47a098a223fffffffff"},
    };
    struct tarn_arena *arena = *state;
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_text bytes;
        bool good = tarn_bound_encode(cases[i].type, tarn_text_of(cases[i].text), arena, &bytes);
        if (good != (cases[i].hex != NULL))
            print_error("%s\n", cases[i].text);
        assert_int_equal(good, cases[i].hex != NULL);
        if (good)
            assert_string_equal(hex(arena, bytes), cases[i].hex);
    }
}

static const char *shorten(struct tarn_arena *arena, const struct tarn_iceberg_type *type,
                           bool upper, const char *text)
{
    struct tarn_text out, in = tarn_text_of(text);
    return tarn_bound_shorten(type, upper, in, arena, &out)
               ? tarn_arena_strndup(arena, out.data, out.len)
               : NULL;
}

static void shortening(void **state)
{
    struct tarn_arena *arena = *state;
    assert_string_equal(shorten(arena, &string_type, true, "short"), "short");
    assert_string_equal(shorten(arena, &string_type, true, "0123456789abcdef"), "0123456789abcdef");
    assert_string_equal(shorten(arena, &string_type, false, "0123456789abcdefg"),
                        "0123456789abcdef");
    assert_string_equal(shorten(arena, &string_type, true, "0123456789abcdefg"),
                        "0123456789abcdeg");
    assert_string_equal(
        shorten(arena, &string_type, true,
                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9zz"),
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xaa");
    assert_string_equal(shorten(arena, &string_type, true, "0123456789abcde\xf4\x8f\xbf\xbfz"),
                        "0123456789abcdf");
    assert_string_equal(shorten(arena, &string_type, true, "0123456789abcde\xed\x9f\xbfz"),
                        "0123456789abcde\xee\x80\x80");
    char highest[4 * 17 + 1] = "";
    for (int i = 0; i < 17; i++)
        strcat(highest, "\xf4\x8f\xbf\xbf");
    assert_null(shorten(arena, &string_type, true, highest));
    struct tarn_text zero;
    assert_true(tarn_bound_encode(&double_type, TARN_TEXT("-0.0"), arena, &zero));
    struct tarn_text out;
    assert_true(tarn_bound_shorten(&double_type, true, zero, arena, &out));
    assert_string_equal(hex(arena, out), "0000000000000000");
    assert_true(tarn_bound_shorten(&double_type, false, out, arena, &out));
    assert_string_equal(hex(arena, out), "0000000000000080");
}

static void comparing(void **state)
{
    struct tarn_arena *arena = *state;
    static const struct {
        const struct tarn_iceberg_type *type;
        const char *low, *high;
    } cases[] = {{&int_type, "-5", "3"},
                 {&double_type, "-1e300", "0.5"},
                 {&decimal_type, "-1.29", "1.28"},
                 {&string_type, "a", "b"},
                 {&string_type, "a", "aa"},
                 {&date_type, "1969-01-01", "1970-01-01"},
                 {&uuid_type, "00000000-0000-0000-0000-000000000001",
                  "f79c3e09-677c-4bbd-a479-3f349cb785e7"}};
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_text low, high;
        bool known;
        assert_true(tarn_bound_encode(cases[i].type, tarn_text_of(cases[i].low), arena, &low));
        assert_true(tarn_bound_encode(cases[i].type, tarn_text_of(cases[i].high), arena, &high));
        assert_int_equal(tarn_bound_compare(cases[i].type, low, high, &known), -1);
        assert_int_equal(tarn_bound_compare(cases[i].type, high, low, &known), 1);
        assert_int_equal(tarn_bound_compare(cases[i].type, low, low, &known), 0);
        assert_true(known);
    }
    bool known;
    struct tarn_text narrow = tarn_bound_of_int32(7, arena), wide = tarn_bound_of_int64(8, arena);
    assert_int_equal(tarn_bound_compare(&long_type, narrow, wide, &known),
                     -1); /* written before a promotion */
    (void)tarn_bound_compare(&long_type, TARN_TEXT("abc"), wide, &known);
    assert_false(known);
}

/* ---- transforms ---- */

static void hashes(void **state)
{
    struct tarn_arena *arena = *state;
    static const struct {
        const struct tarn_iceberg_type *type;
        const char *text;
        int32_t hash;
    } cases[] = {
        {&int_type, "34", 2017239379},
        {&long_type, "34", 2017239379},
        {&decimal_type, "14.20", -500754589},
        {&date_type, "2017-11-16", -653330422},
        {&time_type, "22:31:08", -662762989},
        {&timestamp_type, "2017-11-16T22:31:08", -2047944441},
        {&timestamp_type, "2017-11-16T22:31:08.000001", -1207196810},
        {&timestamptz_type, "2017-11-16T14:31:08-08:00", -2047944441},
        {&string_type, "iceberg", 1210000089},
        {&uuid_type, "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340},
        {&binary_type, "00010203", -188683207},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_text bytes;
        uint32_t hash;
        assert_true(tarn_bound_encode(cases[i].type, tarn_text_of(cases[i].text), arena, &bytes));
        assert_true(tarn_transform_hash(cases[i].type, bytes, &hash));
        assert_int_equal((int32_t)hash, cases[i].hash);
    }
}

static void transforming(void **state)
{
    struct tarn_arena *arena = *state;
    static const struct {
        const char *transform;
        const struct tarn_iceberg_type *type;
        const char *value, *result;
    } cases[] = {
        {"year", &date_type, "1969-12-31", "-1"},
        {"month", &date_type, "1970-02-01", "1"},
        {"month", &timestamp_type, "1969-12-31 23:59:59", "-1"},
        {"day", &timestamp_type, "1969-12-31 23:59:59.999999", "1969-12-31"},
        {"hour", &timestamp_type, "1969-12-31 23:59:59.999999", "-1"},
        {"hour", &timestamp_type, "2017-12-01 10:12:55", "420034"},
        {"truncate[10]", &int_type, "-1", "-10"},
        {"truncate[10]", &long_type, "19", "10"},
        {"truncate[50]", &decimal_type, "10.65", "10.50"},
        {"truncate[3]", &string_type, "iceberg", "ice"},
        {"truncate[2]", &string_type, "\xc3\xa9\xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9"},
        {"bucket[16]", &int_type, "34", "3"},
        {"identity", &string_type, "x", "x"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct tarn_transform transform = tarn_transform_parse(cases[i].transform);
        struct tarn_text in, out;
        const struct tarn_iceberg_type *type = tarn_transform_result(transform, cases[i].type);
        assert_non_null(type);
        assert_string_equal(tarn_transform_text(transform, arena), cases[i].transform);
        assert_true(tarn_bound_encode(cases[i].type, tarn_text_of(cases[i].value), arena, &in));
        assert_true(tarn_transform_apply(transform, cases[i].type, in, arena, &out));
        assert_string_equal(tarn_bound_text(type, out, arena), cases[i].result);
    }
    assert_int_equal(tarn_transform_parse("bucket[0]").kind, TARN_TRANSFORM_UNKNOWN);
    assert_int_equal(tarn_transform_parse("days").kind, TARN_TRANSFORM_UNKNOWN);
    assert_null(tarn_transform_result(tarn_transform_parse("day"), &string_type));
}

static void declared(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_error err;
    struct tarn_transform transform;
    const char *column;
    assert_int_equal(
        tarn_transform_declared(" bucket(16, \"a \"\"b\") ", arena, &transform, &column, &err),
        TARN_OK);
    assert_int_equal(transform.width, 16);
    assert_string_equal(column, "a \"b");
    assert_int_equal(tarn_transform_declared("Day( at )", arena, &transform, &column, &err),
                     TARN_OK);
    assert_int_equal(transform.kind, TARN_TRANSFORM_DAY);
    assert_string_equal(column, "at");
    assert_int_equal(tarn_transform_declared("\"f(x)\"", arena, &transform, &column, &err),
                     TARN_OK);
    assert_string_equal(column, "f(x)");
    static const char *const wrong[] = {"",      "week(at)", "bucket(at)", "bucket(0, at)",
                                        "day()", "day(at"};
    for (size_t i = 0; i < TARN_COUNT(wrong); i++)
        assert_int_equal(tarn_transform_declared(wrong[i], arena, &transform, &column, &err),
                         TARN_INVALID);
}

/* ---- metadata ---- */

static struct tarn_metadata *parse(const char *text, enum tarn_status expected)
{
    struct tarn_error err = {0};
    struct tarn_metadata *metadata = NULL;
    enum tarn_status status =
        tarn_metadata_parse(tarn_text_of(text), "/t/metadata/1.json", &metadata, &err);
    if (status != expected)
        print_error("%s\n", err.text);
    assert_int_equal(status, expected);
    if (expected != TARN_OK)
        assert_non_null(strstr(err.text, "/t/metadata/1.json"));
    return metadata;
}

static const char foreign[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"file:///"
    "t\",\"last-sequence-number\":34,"
    "\"last-updated-ms\":1602638573590,\"last-column-id\":5,\"current-schema-id\":1,\"schemas\":[{"
    "\"type\":\"struct\","
    "\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":\"long\"}]},{"
    "\"type\":\"struct\","
    "\"schema-id\":1,\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,\"name\":\"x\","
    "\"required\":true,\"type\":\"long\"},"
    "{\"id\":2,\"name\":\"y\",\"required\":false,\"type\":\"decimal(9,2)\",\"doc\":\"comment\"},{"
    "\"id\":3,\"name\":\"l\","
    "\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":4,\"element-required\":false,"
    "\"element\":\"fixed[16]\"}}]}],"
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[{\"name\":\"x\","
    "\"transform\":\"identity\","
    "\"source-id\":1,\"field-id\":1000}]}],\"last-partition-id\":1000,\"default-sort-order-id\":0,"
    "\"sort-orders\":[],"
    "\"properties\":{\"k\":\"v\"},\"current-snapshot-id\":2,\"unknown\":{\"kept\":true},"
    "\"snapshots\":[{\"snapshot-id\":1,"
    "\"timestamp-ms\":1000,\"sequence-number\":0,\"summary\":{\"operation\":\"append\"},\"manifest-"
    "list\":\"file:/t/1.avro\"},"
    "{\"snapshot-id\":2,\"parent-snapshot-id\":1,\"timestamp-ms\":2000,\"sequence-number\":1,"
    "\"summary\":{\"operation\":"
    "\"append\",\"total-records\":\"7\"},\"manifest-list\":\"/t/"
    "2.avro\",\"schema-id\":1}],\"snapshot-log\":[{\"snapshot-id\":1,"
    "\"timestamp-ms\":1000},{\"snapshot-id\":2,\"timestamp-ms\":2000}],\"metadata-log\":[]}";

static void metadata_parsing(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_metadata *m = parse(foreign, TARN_OK);
    assert_string_equal(m->location, "/t");
    assert_int_equal(m->schema->field_count, 3);
    assert_string_equal(tarn_iceberg_type_text(m->schema->fields[2].type, arena),
                        "list<fixed[16]>");
    assert_string_equal(m->schema->fields[1].doc, "comment");
    assert_int_equal(m->spec->fields[0].result->kind, TARN_ICEBERG_LONG);
    assert_int_equal(m->snapshot->id, 2);
    assert_int_equal(tarn_snapshot_counter(m->snapshot, "total-records"), 7);
    assert_int_equal(tarn_metadata_snapshot_at(m, 1500)->id, 1);
    assert_null(tarn_metadata_snapshot_at(m, 999));
    assert_string_equal(tarn_metadata_property(m, "k"), "v");
    tarn_metadata_unref(m);
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "nonsense",
        "{\"format-version\":2}",
        "{\"format-version\":2,\"location\":\"/t\",\"last-updated-ms\":1,\"last-column-id\":1}"};
    for (size_t i = 0; i < TARN_COUNT(wrong); i++)
        parse(wrong[i], TARN_CORRUPT);
    parse("{\"format-version\":3}", TARN_UNSUPPORTED);
}

static void metadata_editing(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_metadata *m = parse(foreign, TARN_OK);
    struct tarn_error err;
    struct tarn_metadata_edit edit = tarn_metadata_edit(m);
    assert_int_equal(tarn_metadata_set_schema(&edit, &m->schemas[0], 5),
                     0); /* an equal schema is used again */
    struct tarn_iceberg_field field = {.id = 6, .name = "new", .type = &string_type};
    struct tarn_iceberg_schema schema = {.fields = &field, .field_count = 1};
    assert_int_equal(tarn_metadata_set_schema(&edit, &schema, 6), 2);
    struct tarn_spec_want wants[] = {{1, "x", {TARN_TRANSFORM_IDENTITY, 0}},
                                     {6, "new_trunc", {TARN_TRANSFORM_TRUNCATE, 4}}};
    tarn_metadata_set_spec(&edit, wants, 2);
    tarn_metadata_set_property(&edit, "k", NULL);
    int64_t gone[] = {1, 2};
    assert_int_equal(tarn_metadata_remove_snapshots(&edit, gone, 2), 1); /* the current one stays */
    const char **dropped;
    size_t dropped_count;
    TARN_BUFFER(out, 1 << 20);
    assert_int_equal(tarn_metadata_finish(&edit, arena, &out, &dropped, &dropped_count, &err),
                     TARN_OK);
    tarn_metadata_edit_release(&edit);
    struct tarn_metadata *after = parse(tarn_buffer_str(&out), TARN_OK);
    assert_int_equal(after->schema->id, 2);
    assert_int_equal(after->last_column_id, 6);
    assert_int_equal(after->spec->id, 1);
    assert_int_equal(after->spec->fields[0].field_id, 1000); /* an equal field keeps its id */
    assert_int_equal(after->spec->fields[1].field_id, 1001);
    assert_int_equal(after->snapshot_count, 1);
    assert_true(json_is_true(json_object_get(json_object_get(after->json, "unknown"), "kept")));
    assert_null(tarn_metadata_property(after, "k"));
    assert_string_equal(tarn_metadata_property(m, "k"), "v"); /* the base is as it was */
    assert_int_equal(json_array_size(json_object_get(after->json, "metadata-log")), 1);
    tarn_metadata_unref(after);
    tarn_metadata_unref(m);
}

/* ---- manifests ---- */

static void manifest_round_trip(void **state)
{
    struct tarn_arena *arena = *state;
    struct tarn_error err;
    struct tarn_metadata *m = parse(foreign, TARN_OK);
    struct tarn_column_stats stats[] = {
        {1, 100, 7, 0, -1, TARN_TEXT("\1\0\0\0\0\0\0\0"), TARN_TEXT("\x9\0\0\0\0\0\0\0")},
        {2, 50, 7, 7, 0, {NULL, 0}, {NULL, 0}}};
    struct tarn_text partition = tarn_bound_of_int64(-3, arena);
    int64_t splits[] = {4, 1000};
    struct tarn_data_file file = {.location = "file:///t/data/1.parquet",
                                  .format = "PARQUET",
                                  .partition = &partition,
                                  .partition_count = 1,
                                  .record_count = 7,
                                  .size_bytes = 1234,
                                  .stats = stats,
                                  .stats_count = 2,
                                  .split_offsets = splits,
                                  .split_count = 2,
                                  .sort_order_id = -1};
    struct tarn_entry entries[] = {{TARN_ENTRY_ADDED, 77, -1, -1, &file},
                                   {TARN_ENTRY_DELETED, 77, 3, 2, &file}};
    TARN_BUFFER(out, 1 << 20);
    assert_int_equal(tarn_manifest_write(entries, 2, m->schema, m->spec, false, &out, &err),
                     TARN_OK);
    struct tarn_manifest_file manifest;
    tarn_manifest_describe(entries, 2, m->spec, 9, arena, &manifest);
    assert_int_equal(manifest.added_files, 1);
    assert_int_equal(manifest.deleted_rows, 7);
    assert_int_equal(manifest.min_sequence_number, 9);
    manifest.location = "file:///t/metadata/m.avro";
    manifest.length = (int64_t)out.len;
    manifest.sequence_number = 9;
    manifest.added_snapshot_id = 77;
    struct tarn_entry *back;
    size_t count;
    struct tarn_text bytes = bytes_of(arena, &out);
    assert_int_equal(tarn_manifest_read(bytes, &manifest, m, arena, &back, &count, &err), TARN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(back[0].sequence_number, 9); /* inherited */
    assert_int_equal(back[1].sequence_number, 3);
    assert_int_equal(back[1].file_sequence_number, 2);
    assert_true(tarn_text_equal(back[0].file->partition[0], partition));
    assert_int_equal(back[0].file->stats_count, 2);
    assert_int_equal(tarn_data_file_stats(back[0].file, 1)->upper.data[0], 9);
    assert_int_equal(tarn_data_file_stats(back[0].file, 2)->nan_count, 0);
    assert_null(tarn_data_file_stats(back[0].file, 2)->lower.data);
    assert_int_equal(back[0].file->split_offsets[1], 1000);
    assert_int_equal(back[0].file->sort_order_id, -1);

    tarn_buffer_clear(&out);
    assert_int_equal(tarn_manifest_list_write(&manifest, 1, 77, 0, 9, &out, &err), TARN_OK);
    struct tarn_manifest_file *list;
    assert_int_equal(
        tarn_manifest_list_read(bytes_of(arena, &out), "list", arena, &list, &count, &err),
        TARN_OK);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].location, manifest.location);
    assert_int_equal(list[0].length, manifest.length);
    assert_false(list[0].partitions[0].contains_null);
    assert_true(tarn_text_equal(list[0].partitions[0].upper, partition));
    tarn_metadata_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(avro_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(avro_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(encodings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shortening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transforming, set_up, tear_down),
        cmocka_unit_test_setup_teardown(declared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metadata_parsing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metadata_editing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(manifest_round_trip, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
