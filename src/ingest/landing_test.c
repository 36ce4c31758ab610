/* ingest/landing_test.c -- paths and names in landing/, columns by name, spooled rejects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ingest/columns.h"
#include "ingest/landing.h"
#include "ingest/spool.h"

static void paths(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_declared shop = {.source = "shop", .entity = "orders", .format = TARN_FORMAT_JSON};
    struct tarn_declarations declarations = {&shop, 1};
    struct tarn_landing_file *file =
        tarn_landing_file_of("/nowhere", "shop/orders/2026-03-01/a.csv", &declarations, arena);
    assert_string_equal(file->source, "shop");
    assert_string_equal(file->entity, "orders");
    assert_int_equal(file->arrived_day, tarn_days_from_civil(2026, 3, 1));
    assert_ptr_equal(file->declared, &shop);
    assert_int_equal(file->format, TARN_FORMAT_JSON); /* the declaration, not the name */
    file = tarn_landing_file_of("/nowhere", "Some Folder/b.parquet", &declarations, arena);
    assert_string_equal(file->entity, "some_folder");
    assert_null(file->declared);
    assert_int_equal(file->format, TARN_FORMAT_PARQUET);
    file = tarn_landing_file_of("/nowhere", "Orders 2026.csv.gz", &declarations, arena);
    assert_string_equal(file->entity, "orders_2026");
}

static void formats(void **state)
{
    (void)state;
    assert_int_equal(tarn_format_of_name("x.CSV"), TARN_FORMAT_CSV);
    assert_int_equal(tarn_format_of_name("x.tsv.gz"), TARN_FORMAT_CSV);
    assert_int_equal(tarn_format_of_name("x.jsonl.ZST"), TARN_FORMAT_NDJSON);
    assert_int_equal(tarn_format_of_name("x.jsonl"), TARN_FORMAT_NDJSON);
    assert_int_equal(tarn_format_of_name("x.json"), TARN_FORMAT_JSON);
    assert_int_equal(tarn_format_of_name("x.xlsx"), TARN_FORMAT_UNKNOWN);
    assert_int_equal(tarn_format_of_name("x"), TARN_FORMAT_UNKNOWN);
}

static void names(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    assert_string_equal(tarn_entity_name(TARN_TEXT("  Big-Data (v2) "), arena), "big_data_v2");
    assert_string_equal(tarn_entity_name(TARN_TEXT("---"), arena), "data");
}

static void columns(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(tarn_columns_release) struct tarn_columns columns;
    tarn_columns_init(&columns, arena);
    assert_int_equal(tarn_columns_find(&columns, TARN_TEXT("a")), -1);
    for (int i = 0; i < 500; i++) {
        char *name = tarn_arena_format(arena, "Column%d", i);
        assert_int_equal(tarn_columns_add(&columns, tarn_text_of(name)), i);
    }
    assert_int_equal(tarn_columns_add(&columns, TARN_TEXT("COLUMN77")), 77);
    assert_int_equal(tarn_columns_find(&columns, TARN_TEXT("column499")), 499);
    int own = tarn_columns_add(&columns, TARN_TEXT("_file"));
    assert_string_equal(columns.items[own].name, "_file_2");
}

static void add(struct tarn_spool *spool, uint64_t file, const char *reason, struct tarn_text raw)
{
    struct tarn_error err;
    struct tarn_reject reject = {file, (int64_t)file * 10, tarn_text_of(reason), raw};
    assert_int_equal(tarn_spool_add(spool, &reject, &err), TARN_OK);
}

static void spool(void **state)
{
    (void)state;
    struct tarn_spool *spool;
    struct tarn_error err;
    struct tarn_reject got;
    bool more;
    assert_int_equal(tarn_spool_open("/tmp", &spool, &err), TARN_OK);
    TARN_AUTO_FREE char *large = tarn_alloc(TARN_REJECT_RAW_BYTES * 3);
    memset(large, 'x', TARN_REJECT_RAW_BYTES * 3);
    add(spool, 1, "first", TARN_TEXT("plain"));
    add(spool, 2, "bytes", TARN_TEXT("a\xff\0b\xc3\xab"));
    add(spool, 3, "long", (struct tarn_text){large, TARN_REJECT_RAW_BYTES * 3});
    assert_int_equal(tarn_spool_count(spool), 3);
    assert_int_equal(tarn_spool_rewind(spool, &err), TARN_OK);
    assert_int_equal(tarn_spool_next(spool, &got, &more, &err), TARN_OK);
    assert_true(tarn_text_is(got.reason, "first") && tarn_text_is(got.raw, "plain"));
    assert_int_equal(got.line, 10);
    assert_int_equal(tarn_spool_next(spool, &got, &more, &err), TARN_OK);
    assert_true(tarn_text_is(got.raw, "a\\xFF\\x00b\xc3\xab"));
    assert_int_equal(tarn_spool_next(spool, &got, &more, &err), TARN_OK);
    assert_int_equal(got.raw.len, TARN_REJECT_RAW_BYTES + 3);
    assert_int_equal(tarn_spool_next(spool, &got, &more, &err), TARN_OK);
    assert_false(more);
    tarn_spool_close(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),   cmocka_unit_test(formats), cmocka_unit_test(names),
        cmocka_unit_test(columns), cmocka_unit_test(spool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
