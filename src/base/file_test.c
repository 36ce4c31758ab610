/* base/file_test.c -- durable writes leave the old state or the new one, whichever call fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"

static char directory[] = "/tmp/tarn-file-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct tarn_error err;
    return tarn_path_remove(directory, &err) == TARN_OK ? 0 : -1;
}

static void paths(void **state)
{
    (void)state;
    static const char *const rows[][3] = {{"a", "b", "a/b"},
                                          {"a/", "/b", "a/b"},
                                          {"/", "b", "/b"},
                                          {"", "b", "b"},
                                          {"a//", "b/c", "a/b/c"}};
    for (size_t i = 0; i < TARN_COUNT(rows); i++) {
        TARN_AUTO_FREE char *joined = tarn_path_join(rows[i][0], rows[i][1]);
        assert_string_equal(joined, rows[i][2]);
    }
    assert_string_equal(tarn_path_extension("a.b/c.csv"), ".csv");
    assert_string_equal(tarn_path_extension("a.b/c"), "");
    assert_string_equal(tarn_path_extension(".hidden"), "");
}

static void expect_content(const char *path, const char *expected)
{
    struct tarn_error err;
    TARN_BUFFER(text, 1000);
    assert_int_equal(tarn_file_read(path, &text, &err), TARN_OK);
    assert_string_equal(tarn_buffer_str(&text), expected);
}

static void replace_with_every_call_failing(void **state)
{
    (void)state;
    struct tarn_error err;
    TARN_AUTO_FREE char *path = tarn_path_join(directory, "f");
    assert_int_equal(tarn_file_create(path, TARN_TEXT("old"), &err), TARN_OK);
    assert_int_equal(tarn_file_create(path, TARN_TEXT("again"), &err), TARN_EXISTS);
    (void)tarn_file_fail_at(0);
    assert_int_equal(tarn_file_replace(path, TARN_TEXT("old"), &err), TARN_OK);
    uint64_t calls = tarn_file_fail_at(0);
    assert_true(calls >= 5); /* create, write, sync, rename, directory sync */
    for (uint64_t nth = 1; nth <= calls; nth++) {
        (void)tarn_file_fail_at(nth);
        assert_int_equal(tarn_file_replace(path, TARN_TEXT("new"), &err), TARN_IO);
        (void)tarn_file_fail_at(0);
        expect_content(path,
                       nth == calls ? "new" : "old"); /* renamed, but the directory did not sync */
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        struct tarn_file_list list;
        assert_int_equal(tarn_directory_list(directory, "", arena, &list, &err), TARN_OK);
        assert_int_equal(list.count, 1);
    }
}

static void lists_and_limits(void **state)
{
    (void)state;
    struct tarn_error err;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO_FREE char *deep = tarn_path_join(directory, "x/y");
    TARN_AUTO_FREE char *b = tarn_path_join(deep, "b.csv");
    TARN_AUTO_FREE char *a = tarn_path_join(directory, "a.csv");
    TARN_AUTO_FREE char *hidden = tarn_path_join(directory, ".c.csv");
    assert_int_equal(tarn_directory_make(deep, &err), TARN_OK);
    assert_int_equal(tarn_directory_make(deep, &err), TARN_OK);
    assert_int_equal(tarn_file_create(b, TARN_TEXT("123456"), &err), TARN_OK);
    assert_int_equal(tarn_file_create(a, TARN_TEXT("1"), &err), TARN_OK);
    assert_int_equal(tarn_file_create(hidden, TARN_TEXT("1"), &err), TARN_OK);
    struct tarn_file_list list;
    assert_int_equal(tarn_directory_list(directory, ".csv", arena, &list, &err), TARN_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.paths[0], a);
    assert_string_equal(list.paths[1], b);
    TARN_BUFFER(small, 5);
    assert_int_equal(tarn_file_read(b, &small, &err), TARN_TOO_LARGE);
    assert_int_equal(tarn_directory_make(a, &err), TARN_EXISTS);
    char hash[TARN_SHA256_HEX_BYTES];
    assert_int_equal(tarn_sha256_file(a, hash, &err), TARN_OK);
    assert_string_equal(hash, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    assert_int_equal(tarn_sha256_file("/nowhere", hash, &err), TARN_NOT_FOUND);
}

static void count_index(void *context, size_t index)
{
    __atomic_fetch_add((size_t *)context, index, __ATOMIC_RELAXED);
}

static void parallel(void **state)
{
    (void)state;
    size_t sum = 0;
    tarn_parallel_for(4, 1000, count_index, &sum);
    assert_int_equal(sum, 499500);
    tarn_parallel_for(4, 0, count_index, &sum);
    assert_int_equal(sum, 499500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test_setup_teardown(replace_with_every_call_failing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_and_limits, set_up, tear_down),
        cmocka_unit_test(parallel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
