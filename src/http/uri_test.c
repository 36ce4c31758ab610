/* http/uri_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/uri.h"

static void decodes(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_text text;
    assert_true(tarn_http_decode(TARN_TEXT("a%20b%2Fc+d"), false, arena, &text));
    assert_true(tarn_text_is(text, "a b/c+d"));
    assert_true(tarn_http_decode(TARN_TEXT("a+b%2b"), true, arena, &text));
    assert_true(tarn_text_is(text, "a b+"));
    assert_false(tarn_http_decode(TARN_TEXT("%"), false, arena, &text));
    assert_false(tarn_http_decode(TARN_TEXT("%4"), false, arena, &text));
    assert_false(tarn_http_decode(TARN_TEXT("%zz"), false, arena, &text));
    assert_false(tarn_http_decode(TARN_TEXT("a%00"), false, arena, &text));
    assert_false(tarn_http_decode(TARN_TEXT("%ff"), false, arena, &text));
    assert_true(tarn_http_decode(TARN_TEXT("%41"), false, arena, &text));
    assert_true(tarn_text_is(text, "A"));
    assert_true(
        tarn_text_is(tarn_http_encode(TARN_TEXT("a b/\xc3\xa9~"), arena), "a%20b%2F%C3%A9~"));
}

static void queries(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_http_param *params;
    size_t count;
    assert_true(tarn_http_query_parse(TARN_TEXT("a=1&b=&c&&d=x=y"), arena, &params, &count));
    assert_int_equal(count, 4);
    assert_true(tarn_text_is(params[0].value, "1"));
    assert_true(tarn_text_is(params[1].value, ""));
    assert_true(tarn_text_is(params[2].name, "c"));
    assert_true(tarn_text_is(params[3].value, "x=y"));
    assert_true(tarn_http_query_parse((struct tarn_text){NULL, 0}, arena, &params, &count));
    assert_int_equal(count, 0);
    assert_false(tarn_http_query_parse(TARN_TEXT("a=%"), arena, &params, &count));
    char many[TARN_HTTP_QUERY_PARAMS_MAX * 2 + 3];
    for (size_t i = 0; i + 1 < sizeof many; i += 2)
        memcpy(many + i, "a&", 2);
    assert_false(
        tarn_http_query_parse((struct tarn_text){many, sizeof many - 1}, arena, &params, &count));
}

static enum tarn_http_match match(const char *pattern, const char *path, struct tarn_arena *arena,
                                  struct tarn_http_param *params, size_t *count)
{
    return tarn_http_path_match(pattern, tarn_text_of(path), arena, params, count);
}

static void paths(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_http_param params[TARN_HTTP_PATH_PARAMS_MAX];
    size_t count = 0;
    assert_int_equal(match("/", "/", arena, params, &count), TARN_HTTP_MATCH);
    assert_int_equal(match("/a", "/", arena, params, &count), TARN_HTTP_NO_MATCH);
    assert_int_equal(match("/a", "/a/", arena, params, &count), TARN_HTTP_MATCH);
    assert_int_equal(match("/a", "/a/b", arena, params, &count), TARN_HTTP_NO_MATCH);
    assert_int_equal(match("/a/{x}/c", "/a/b%2Fb/c", arena, params, &count), TARN_HTTP_MATCH);
    assert_int_equal(count, 1);
    assert_true(tarn_text_is(params[0].name, "x"));
    assert_true(tarn_text_is(params[0].value, "b/b"));
    assert_int_equal(match("/a/{x}/c", "/a//c", arena, params, &count), TARN_HTTP_NO_MATCH);
    assert_int_equal(match("/a/{x}", "/a/%", arena, params, &count), TARN_HTTP_BAD_PATH);
    assert_int_equal(match("/f/{path...}", "/f/a/b%20c", arena, params, &count), TARN_HTTP_MATCH);
    assert_true(tarn_text_is(params[0].name, "path"));
    assert_true(tarn_text_is(params[0].value, "a/b c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes), cmocka_unit_test(queries),
                                       cmocka_unit_test(paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
