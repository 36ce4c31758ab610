/* base/text_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"

static void utf8(void **state)
{
    (void)state;
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("plain ascii text")), 16);
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80")),
                     13);
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("ab\xff")), 2);
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("a\xc0\x80")), 1);     /* overlong */
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("a\xed\xa0\x80")), 1); /* surrogate */
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("a\xf4\x90\x80\x80")),
                     1);                                                 /* above U+10FFFF */
    assert_int_equal(tarn_utf8_valid_prefix(TARN_TEXT("a\xe2\x82")), 1); /* cut */
}

static void nearest(void **state)
{
    (void)state;
    const char *names[] = {"sources", "models", "seeds"};
    assert_string_equal(tarn_text_nearest("modles", names, 3), "models");
    assert_string_equal(tarn_text_nearest("seed", names, 3), "seeds");
    assert_null(tarn_text_nearest("zebra", names, 3));
}

static void numbers(void **state)
{
    (void)state;
    int64_t value;
    assert_true(tarn_text_to_int64(TARN_TEXT("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_false(tarn_text_to_int64(TARN_TEXT("9223372036854775808"), &value));
    assert_false(tarn_text_to_int64(TARN_TEXT("12a"), &value));
    assert_false(tarn_text_to_int64(TARN_TEXT(""), &value));
}

static void counts(void **state)
{
    (void)state;
    char text[TARN_COUNT_TEXT_BYTES];
    assert_string_equal(tarn_count_text(0, text), "0");
    assert_string_equal(tarn_count_text(999, text), "999");
    assert_string_equal(tarn_count_text(-1000, text), "-1,000");
    assert_string_equal(tarn_count_text(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

static void times(void **state)
{
    (void)state;
    int64_t at;
    char text[TARN_TIME_TEXT_BYTES];
    assert_true(tarn_time_parse(TARN_TEXT("1969-12-31T23:59:59.5Z"), &at));
    assert_int_equal(at, -500000);
    assert_string_equal(tarn_time_format(at, text), "1969-12-31T23:59:59.500000Z");
    assert_true(tarn_time_parse(TARN_TEXT("2024-02-29"), &at));
    assert_string_equal(tarn_time_format(at, text), "2024-02-29T00:00:00Z");
    assert_false(tarn_time_parse(TARN_TEXT("2023-02-29"), &at));
    assert_false(tarn_time_parse(TARN_TEXT("2023-02-28 25:00"), &at));
}

static void json(void **state)
{
    (void)state;
    TARN_BUFFER(buffer, 1000);
    struct tarn_json_writer w = tarn_json_writer(&buffer, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "a\"b", "x\n\x01\xff");
    tarn_json_key(&w, "list");
    tarn_json_array_begin(&w);
    tarn_json_double(&w, 0.1);
    tarn_json_int(&w, -3);
    tarn_json_null(&w);
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    assert_string_equal(buffer.data,
                        "{\"a\\\"b\":\"x\\n\\u0001\xef\xbf\xbd\",\"list\":[0.1,-3,null]}");
}

static void buffer_limit(void **state)
{
    (void)state;
    TARN_BUFFER(buffer, 4);
    tarn_buffer_append_str(&buffer, "abc");
    tarn_buffer_append_str(&buffer, "de");
    assert_string_equal(buffer.data, "abc");
    struct tarn_error err;
    assert_int_equal(tarn_buffer_check(&buffer, "the name", &err), TARN_TOO_LARGE);
    assert_string_equal(err.text, "the name is over the limit of 4 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8),         cmocka_unit_test(nearest), cmocka_unit_test(numbers),
        cmocka_unit_test(counts),       cmocka_unit_test(times),   cmocka_unit_test(json),
        cmocka_unit_test(buffer_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
