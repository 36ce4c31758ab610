/* ingest/infer_test.c -- classes of texts, types of columns, texts as values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/source.h"
#include "ingest/infer.h"

static enum tarn_value_class class_of(const char *text)
{
    return tarn_value_classify(tarn_text_of(text), NULL, NULL);
}

static void classes(void **state)
{
    (void)state;
    assert_int_equal(class_of("  "), TARN_CLASS_EMPTY);
    assert_int_equal(class_of("True"), TARN_CLASS_BOOLEAN);
    assert_int_equal(class_of("-12"), TARN_CLASS_BIGINT);
    assert_int_equal(class_of("0"), TARN_CLASS_BIGINT);
    assert_int_equal(class_of("007"), TARN_CLASS_TEXT);
    assert_int_equal(class_of("99999999999999999999"), TARN_CLASS_TEXT);
    assert_int_equal(class_of("12.50"), TARN_CLASS_DECIMAL);
    assert_int_equal(class_of("0.5"), TARN_CLASS_DECIMAL);
    assert_int_equal(class_of("1."), TARN_CLASS_TEXT);
    assert_int_equal(class_of("1e5"), TARN_CLASS_DOUBLE);
    assert_int_equal(class_of("1.123456789012345"), TARN_CLASS_DOUBLE);
    assert_int_equal(class_of("2026-03-01"), TARN_CLASS_DATE);
    assert_int_equal(class_of("2026-02-30"), TARN_CLASS_TEXT);
    assert_int_equal(class_of("2026-03-01 12:34:56"), TARN_CLASS_TIMESTAMP);
    assert_int_equal(class_of("01/03/2026"), TARN_CLASS_TEXT);
    assert_int_equal(class_of("555-1234"), TARN_CLASS_TEXT);
    assert_int_equal(class_of("-"), TARN_CLASS_TEXT);
}

static const char *type_of(const char *const *texts, size_t count, size_t repeat,
                           struct tarn_arena *arena)
{
    struct tarn_guess first = {0}, all = {0};
    for (size_t i = 0; i < count; i++)
        tarn_guess_add(i == 0 ? &first : &all, tarn_text_of(texts[i]));
    for (size_t i = 1; i < repeat; i++)
        tarn_guess_add(&all, tarn_text_of(texts[0]));
    tarn_guess_merge(&all, &first);
    return tarn_guess_type(&all, arena);
}
#define TYPE_OF(repeat, ...)                                                                       \
    type_of((const char *const[]){__VA_ARGS__},                                                    \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), repeat, arena)

static void types(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    assert_string_equal(TYPE_OF(1, "1", "", "3"), "BIGINT");
    assert_string_equal(TYPE_OF(1, "1", "2.5"), "DECIMAL(18,2)");
    assert_string_equal(TYPE_OF(1, "1", "2.5125"), "DECIMAL(18,4)");
    assert_string_equal(TYPE_OF(1, "1", "2e10"), "DOUBLE");
    assert_string_equal(TYPE_OF(1, "2026-01-01", "2026-01-02T10:00"), "TIMESTAMP");
    assert_string_equal(TYPE_OF(1, "2026-01-01"), "DATE");
    assert_string_equal(TYPE_OF(1, "true", "FALSE"), "BOOLEAN");
    assert_string_equal(TYPE_OF(1, "", ""), "VARCHAR");
    assert_string_equal(TYPE_OF(1, "1", "n/a"), "VARCHAR");
    assert_string_equal(TYPE_OF(98, "1", "n/a"), "VARCHAR");
    assert_string_equal(TYPE_OF(99, "1", "n/a"), "BIGINT"); /* one of a hundred is rescued */
}

static bool store(const char *type, const char *text, int64_t *ret, bool *ret_null)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    int64_t cell = 0;
    uint64_t validity = ~UINT64_C(0);
    struct tarn_vector vector = {tarn_type_parse(arena, type), &cell, &validity, NULL};
    assert_non_null(vector.type);
    bool fits = tarn_value_store(&vector, 0, tarn_text_of(text));
    *ret_null = tarn_vector_is_null(&vector, 0);
    *ret = *ret_null ? 0 : tarn_vector_int64(&vector, 0);
    return fits;
}

static void values(void **state)
{
    (void)state;
    int64_t value;
    bool null;
    assert_true(store("BIGINT", " -42 ", &value, &null));
    assert_int_equal(value, -42);
    assert_true(store("DECIMAL(18,2)", "12.5", &value, &null));
    assert_int_equal(value, 1250);
    assert_true(store("DECIMAL(18,2)", "-0.050", &value, &null));
    assert_int_equal(value, -5);
    assert_true(store("DATE", "1970-01-02", &value, &null));
    assert_int_equal(value, 1);
    assert_true(store("TIMESTAMP", "1970-01-01 00:00:01", &value, &null));
    assert_int_equal(value, 1000000);
    assert_true(store("BOOLEAN", "TRUE", &value, &null));
    assert_int_equal(value, 1);
    assert_true(store("BIGINT", "", &value, &null));
    assert_true(null);
}

static void misfits(void **state)
{
    (void)state;
    int64_t value;
    bool null;
    static const struct {
        const char *type, *text;
    } cases[] = {
        {"BIGINT", "12.5"},
        {"BIGINT", "n/a"},
        {"BIGINT", "9223372036854775808"},
        {"INTEGER", "3000000000"},
        {"DATE", "2026-13-01"},
        {"DATE", "2026-01-01 10:00"},
        {"DECIMAL(18,2)", "12.345"},
        {"DOUBLE", "0x10"},
        {"DECIMAL(4,2)", "100.00"},
        {"BOOLEAN", "yes"},
        {"TIMESTAMP", "soon"},
        {"DECIMAL(18,2)", "12345678901234567.00"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        assert_false(store(cases[i].type, cases[i].text, &value, &null));
        assert_true(null);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(types),
        cmocka_unit_test(values),
        cmocka_unit_test(misfits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
