/* cli/options_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/options.h"

static enum tarn_status parse(const char *line, struct tarn_common *common,
                              struct tarn_strings *select, struct tarn_strings *positional,
                              struct tarn_error *err)
{
    static char copy[500];
    static char *argv[40];
    snprintf(copy, sizeof copy, "%s", line);
    int argc = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    struct tarn_option options[] = {{"select", 's', TARN_OPTION_LIST, select}};
    return tarn_options_parse(argc, argv, common, options, 1, positional, err);
}

static void takes(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_common common = {0};
    TARN_AUTO(tarn_strings_release) struct tarn_strings select = {0};
    TARN_AUTO(tarn_strings_release) struct tarn_strings positional = {0};
    assert_int_equal(parse("build here --select a +b --json -s c --threads=3 --data d -- --x",
                           &common, &select, &positional, &err),
                     TARN_OK);
    assert_int_equal(select.count, 3);
    assert_string_equal(select.items[1], "+b");
    assert_string_equal(select.items[2], "c");
    assert_int_equal(common.threads, 3);
    assert_true(common.json);
    assert_string_equal(common.data, "d");
    assert_int_equal(positional.count, 2);
    assert_string_equal(positional.items[1], "--x");
}

static void refuses(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_common common = {0};
    TARN_AUTO(tarn_strings_release) struct tarn_strings select = {0};
    assert_int_equal(parse("build --slect a", &common, &select, NULL, &err), TARN_USAGE);
    assert_string_equal(err.text, "there is no option '--slect'; did you mean --select?");
    assert_int_equal(parse("build --threads many", &common, &select, NULL, &err), TARN_USAGE);
    assert_string_equal(err.text, "--threads takes a whole number, not 'many'");
    assert_int_equal(parse("build --data", &common, &select, NULL, &err), TARN_USAGE);
    assert_int_equal(parse("build --json=yes", &common, &select, NULL, &err), TARN_USAGE);
    assert_int_equal(parse("build extra", &common, &select, NULL, &err), TARN_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
