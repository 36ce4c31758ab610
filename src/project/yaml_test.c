/* project/yaml_test.c -- expectations follow PyYAML 6's safe_load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "project/yaml.h"

static struct tarn_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = tarn_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tarn_arena_free(arena);
    return 0;
}

static const struct tarn_yaml *parse(const char *text)
{
    struct tarn_error err;
    const struct tarn_yaml *root;
    if (tarn_yaml_parse(tarn_text_of(text), "x.yml", 1, arena, &root, &err) != TARN_OK)
        fail_msg("%s", err.text);
    return root;
}

static void expect_error(const char *text, const char *expected)
{
    struct tarn_error err;
    const struct tarn_yaml *root;
    assert_int_equal(tarn_yaml_parse(tarn_text_of(text), "x.yml", 1, arena, &root, &err),
                     TARN_CONFIG);
    assert_non_null(strstr(err.text, expected));
}

static void scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tarn_yaml_kind kind;
    } rows[] = {
        {"yes", TARN_YAML_BOOL},     {"Off", TARN_YAML_BOOL},
        {"y", TARN_YAML_STRING},     {"'yes'", TARN_YAML_STRING},
        {"~", TARN_YAML_NULL},       {"", TARN_YAML_NULL},
        {"012", TARN_YAML_INT},      {"0x1f", TARN_YAML_INT},
        {"1_000", TARN_YAML_INT},    {"089", TARN_YAML_STRING},
        {"-3", TARN_YAML_INT},       {"1.5", TARN_YAML_FLOAT},
        {"1e5", TARN_YAML_STRING},   {"1.0e+5", TARN_YAML_FLOAT},
        {".5", TARN_YAML_FLOAT},     {".inf", TARN_YAML_FLOAT},
        {"1.2.3", TARN_YAML_STRING}, {"2026-01-01", TARN_YAML_STRING},
        {"a b", TARN_YAML_STRING},   {"99999999999999999999", TARN_YAML_STRING},
    };
    for (size_t i = 0; i < TARN_COUNT(rows); i++) {
        char text[100];
        snprintf(text, sizeof text, "k: %s", rows[i].text);
        assert_int_equal(tarn_yaml_get(parse(text), "k")->kind, rows[i].kind);
    }
    assert_int_equal(tarn_yaml_get(parse("k: 012"), "k")->integer, 10);
    assert_int_equal(tarn_yaml_get(parse("k: -0x10"), "k")->integer, -16);
}

static void merges(void **state)
{
    (void)state;
    const struct tarn_yaml *root =
        parse("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nb2: *a\nx: 1\nx: 2\n");
    const struct tarn_yaml *b = tarn_yaml_get(root, "b");
    assert_int_equal(b->count, 2);
    assert_int_equal(tarn_yaml_get(b, "x")->integer, 1);
    assert_int_equal(tarn_yaml_get(b, "y")->integer, 3);
    assert_int_equal(tarn_yaml_get(root, "x")->integer, 2);
}

static void mistakes(void **state)
{
    (void)state;
    struct tarn_error err;
    expect_error("a: [1, 2", "began on line 1");
    expect_error("a:\n\tb: 1", "x.yml:2");
    expect_error("a: *nope", "x.yml:1:4");
    expect_error("a: 1\n---\nb: 2", "second document");
    expect_error("a: \xff\xfe", "UTF-8");
    const struct tarn_yaml *root = parse("name: x\nsuorces: 1\nsize: big\nmode: fsat\n");
    static const char *const keys[] = {"name", "sources", "size", "mode", NULL};
    assert_int_equal(tarn_yaml_expect_keys(root, "the project", keys, &err), TARN_CONFIG);
    assert_string_equal(err.text,
                        "x.yml:2: the project has no key 'suorces'; did you mean 'sources'?");
    int64_t number = 0;
    assert_int_equal(tarn_yaml_int(root, "size", 0, 9, &number, &err), TARN_CONFIG);
    assert_string_equal(err.text, "x.yml:3: size is an integer, not text ('big')");
    static const char *const modes[] = {"fast", "slow", NULL};
    int mode;
    assert_int_equal(tarn_yaml_choice(root, "mode", modes, &mode, &err), TARN_CONFIG);
    assert_string_equal(err.text, "x.yml:4: mode cannot be 'fsat'; did you mean 'fast'?");
}

static void deep_and_odd(void **state)
{
    (void)state;
    char deep[500];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    expect_error(deep, "deeper");
    expect_error("? [a, b]\n: 1", "a key is text");
    assert_int_equal(parse("")->kind, TARN_YAML_NULL);
    assert_int_equal(parse("# only a comment\n")->kind, TARN_YAML_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scalars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep_and_odd, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
