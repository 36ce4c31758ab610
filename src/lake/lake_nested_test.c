/* lake/lake_nested_test.c -- nested columns whose members were renamed, added, dropped, widened and
 * added again, read by field id: structs, lists and maps of them, in old and new files at once. */
#include "lake/lake_fixture.h"
#include "lake/lake_int.h"

static int set_up(void **state)
{
    *state = open_world(2);
    return 0;
}

static void put(struct world *w, struct tarn_lake_write write)
{
    write.ns = "s";
    write.name = "t";
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err));
}

static void append(struct world *w, const char *query)
{
    put(w, (struct tarn_lake_write){.query = query, .schema = TARN_LAKE_SCHEMA_ADD});
}

static void alter(struct world *w, struct tarn_lake_change change)
{
    OK(tarn_lake_alter(w->lake, "s", "t", &change, 1, &w->err));
}

static void refuse(struct world *w, struct tarn_lake_change change, const char *why)
{
    assert_int_equal(tarn_lake_alter(w->lake, "s", "t", &change, 1, &w->err), TARN_INVALID);
    if (!strstr(w->err.text, why))
        fail_msg("%s", w->err.text);
}

/* The result as one text, rows and columns separated. */
static const char everything[] = "SELECT * FROM s.t ORDER BY id";

static void renamed_member(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': 10, 'b': 'x'} AS v UNION ALL SELECT 2, NULL");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "size of it"});
    append(w, "SELECT 3 AS id, {'size of it': 30, 'b': 'z'} AS v");
    assert_string_equal(read_table(w, everything), "1|{'size of it': 10, 'b': x}\n2|NULL\n"
                                                   "3|{'size of it': 30, 'b': z}");
    assert_string_equal(read_table(w, "SELECT sum(v.\"size of it\") FROM s.t WHERE v.b < 'z'"),
                        "10");
}

/* The name of a dropped member is used again: old values are not the new member's. */
static void name_used_again(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': 10, 'b': 'x'} AS v");
    alter(w, (struct tarn_lake_change){.kind = TARN_LAKE_DROP_COLUMN, .column = "v.a"});
    assert_string_equal(read_table(w, everything), "1|{'b': x}");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_ADD_COLUMN, .column = "v.a", .type = "INTEGER"});
    append(w, "SELECT 2 AS id, {'a': 20, 'b': 'y'} AS v");
    assert_string_equal(read_table(w, everything), "1|{'b': x, 'a': NULL}\n2|{'b': y, 'a': 20}");
}

/* Two members swap their names. */
static void swapped_names(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': 10, 'b': 20} AS v");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "c"});
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.b", .new_name = "a"});
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.c", .new_name = "b"});
    assert_string_equal(read_table(w, everything), "1|{'b': 10, 'a': 20}");
}

/* Nothing of the struct that a file has is left; whether it was NULL still shows. */
static void no_member_left(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': {'x': 1}, 'b': 2} AS v UNION ALL SELECT 2, NULL");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_ADD_COLUMN, .column = "v.c", .type = "VARCHAR"});
    alter(w, (struct tarn_lake_change){.kind = TARN_LAKE_DROP_COLUMN, .column = "v.a"});
    alter(w, (struct tarn_lake_change){.kind = TARN_LAKE_DROP_COLUMN, .column = "v.b"});
    append(w, "SELECT 3 AS id, {'c': 'new'} AS v");
    assert_string_equal(read_table(w, everything), "1|{'c': NULL}\n2|NULL\n3|{'c': new}");
}

/* In lists, in maps, in structs of them. */
static void deep(void **state)
{
    struct world *w = *state;
    static const struct tarn_lake_change changes[] = {
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "l.element.a", .new_name = "a2"},
        {.kind = TARN_LAKE_WIDEN_COLUMN, .column = "l.element.a2", .type = "BIGINT"},
        {.kind = TARN_LAKE_ADD_COLUMN, .column = "l.element.n", .type = "DATE"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "m.value.b", .new_name = "b2"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "v.in.c", .new_name = "c2"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "v.in", .new_name = "inner"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "v.many.element.element.d", .new_name = "d2"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "l", .new_name = "list of"},
    };
    append(w, "SELECT 1 AS id, [{'a': 1::INTEGER, 'b': 'x'}, NULL] AS l, "
              "MAP {'k': {'a': 1, 'b': 2}, 'none': NULL} AS m, "
              "{'in': {'c': 1.5::DOUBLE}, 'many': [[{'d': 4}], NULL]} AS v "
              "UNION ALL SELECT 2, NULL, NULL, NULL UNION ALL SELECT 3, [], MAP {}, "
              "{'in': NULL, 'many': []}");
    OK(tarn_lake_alter(w->lake, "s", "t", changes, TARN_COUNT(changes), &w->err));
    append(w, "SELECT 4 AS id, [{'a2': 5000000000, 'b': 'y', 'n': DATE '2024-02-29'}] AS "
              "\"list of\", MAP {'k': {'a': 3, 'b2': 4}} AS m, "
              "{'inner': {'c2': 2.5::DOUBLE}, 'many': [[{'d2': 5}]]} AS v");
    assert_string_equal(read_table(w, everything),
                        "1|[{'a2': 1, 'b': x, 'n': NULL}, NULL]|{k={'a': 1, 'b2': 2}, none=NULL}|"
                        "{'inner': {'c2': 1.5}, 'many': [[{'d2': 4}], NULL]}\n"
                        "2|NULL|NULL|NULL\n"
                        "3|[]|{}|{'inner': NULL, 'many': []}\n"
                        "4|[{'a2': 5000000000, 'b': y, 'n': 2024-02-29}]|{k={'a': 3, 'b2': 4}}|"
                        "{'inner': {'c2': 2.5}, 'many': [[{'d2': 5}]]}");
}

/* Files are rewritten in the new form: by upsert, by delete, by compaction. */
static void rewritten(void **state)
{
    struct world *w = *state;
    append(w, "SELECT i AS id, {'a': i * 10, 'b': 'x'} AS v, 'name' AS filename "
              "FROM range(1, 5) AS r(i)");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "n"});
    put(w,
        (struct tarn_lake_write){
            .query = "SELECT 2::BIGINT AS id, {'n': 21::BIGINT, 'b': 'up'} AS v, 'f' AS filename",
            .mode = TARN_LAKE_UPSERT,
            .keys = (const char *const[]){"id"},
            .key_count = 1});
    assert_string_equal(read_table(w, "SELECT id, v FROM s.t ORDER BY id"),
                        "1|{'n': 10, 'b': x}\n2|{'n': 21, 'b': up}\n3|{'n': 30, 'b': x}\n"
                        "4|{'n': 40, 'b': x}");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.n", .new_name = "o"});
    put(w, (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "v.o = 30"});
    assert_string_equal(read_table(w, "SELECT id, v.o FROM s.t ORDER BY id"), "1|10\n2|21\n4|40");
    struct tarn_lake_maintenance done;
    OK(tarn_lake_compact(w->lake, w->session, "s", "t", 0, &done, &w->err));
    assert_int_equal(done.files_after, 1);
    assert_string_equal(read_table(w, "SELECT id, v.o FROM s.t ORDER BY id"), "1|10\n2|21\n4|40");
}

/* The table as it was, under the names it had. */
static void earlier_snapshot(void **state)
{
    struct world *w = *state;
    struct tarn_lake_table table;
    append(w, "SELECT 1 AS id, {'a': 10} AS v");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "b"});
    append(w, "SELECT 2 AS id, {'b': 20} AS v");
    OK(tarn_lake_describe(w->lake, "s", "t", (struct tarn_lake_at){0}, w->arena, &table, &w->err));
    const struct tarn_lake_attach then = {
        .at.snapshot_id = table.snapshots[0].id, .as_schema = "main", .as_name = "then"};
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", &then, &w->err));
    assert_string_equal(read_table(w, "SELECT * FROM main.then"), "1|{'a': 10}");
    assert_string_equal(read_table(w, everything), "1|{'b': 10}\n2|{'b': 20}");
}

/* No footers are read where names and field ids agree all along. */
static void fast_path(void **state)
{
    struct world *w = *state;
    const char *sql;
    append(w, "SELECT 1 AS id, {'a': 10, 'b': 'x'} AS v, [{'q': 1}] AS l");
    append(w, "SELECT 2 AS id, {'a': 20, 'b': 'x', 'new': 1} AS v, [{'q': 1}] AS l");
    alter(w, (struct tarn_lake_change){.kind = TARN_LAKE_DROP_COLUMN, .column = "v.b"});
    OK(tarn_lake_relation_sql(w->lake, NULL, "s", "t", NULL, w->arena, &sql, &w->err));
    assert_null(strstr(sql, "struct_pack"));
    assert_string_equal(read_table(w, everything),
                        "1|{'a': 10, 'new': NULL}|[{'q': 1}]\n2|{'a': 20, 'new': 1}|[{'q': 1}]");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "c"});
    assert_int_equal(tarn_lake_relation_sql(w->lake, NULL, "s", "t", NULL, w->arena, &sql, &w->err),
                     TARN_INVALID);
    OK(tarn_lake_relation_sql(w->lake, w->session, "s", "t", NULL, w->arena, &sql, &w->err));
    assert_non_null(strstr(sql, "struct_pack"));
}

static void refused_changes(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': 1, 'b': 2} AS v, [{'q': 1}] AS l, MAP {{'k': 1}: 2} AS m, "
              "{'only': 1} AS one, 7 AS \"v.a\"");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_DROP_COLUMN, "v.x", NULL, NULL, NULL},
           "is not there");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_RENAME_COLUMN, "v.b", "A", NULL, NULL},
           "is there already");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_ADD_COLUMN, "v.b", NULL, "INTEGER", NULL},
           "is there already");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_DROP_COLUMN, "one.only", NULL, NULL, NULL},
           "is the last one");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_RENAME_COLUMN, "l.element", "x", NULL, NULL},
           "consists of");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_ADD_COLUMN, "m.key.z", NULL, "INTEGER", NULL},
           "map's key");
    refuse(w, (struct tarn_lake_change){TARN_LAKE_RENAME_COLUMN, "m.key.k", "z", NULL, NULL},
           "map's key");
    alter(w, (struct tarn_lake_change){TARN_LAKE_RENAME_COLUMN, "v.a", "plain", NULL, NULL});
    assert_string_equal(read_table(w, "SELECT v, plain FROM s.t"), "{'a': 1, 'b': 2}|7");
}

/* ---- files of other writers, put in the place of the table's one file ---- */

static void replace_file(struct world *w, const char *select, const char *options)
{
    struct tarn_lake_file *files;
    size_t count;
    OK(tarn_lake_files(w->lake, "s", "t", (struct tarn_lake_at){0}, w->arena, &files, &count,
                       &w->err));
    assert_int_equal(count, 1);
    OK(tarn_session_runf(w->session, &w->err, "COPY (%s) TO '%s' (FORMAT parquet%s)", select,
                         files[0].path, options));
}

static void expect_unsupported(struct world *w, const char *why)
{
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err),
                     TARN_UNSUPPORTED);
    if (!strstr(w->err.text, why))
        fail_msg("%s", w->err.text);
}

static void rename_member(struct world *w)
{
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "n"});
}

/* Members without ids, with other ids, of another kind: said, not read as NULL. */
static void unmappable_files(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1 AS id, {'a': 10} AS v, [1] AS l");
    rename_member(w);
    replace_file(w, "SELECT 1 AS id, {'a': 10} AS v, [1] AS l", "");
    expect_unsupported(w, "no field ids");
    replace_file(w, "SELECT 1 AS id, {'a': 10} AS v, [1] AS l", ", FIELD_IDS {id: 1, v: 2}");
    expect_unsupported(w, "is a struct without field ids");
    replace_file(w, "SELECT 1 AS id, [10] AS v, [1] AS l", ", FIELD_IDS {id: 1, v: 2}");
    expect_unsupported(w, "is built otherwise");
    replace_file(w, "SELECT 1 AS id, [1] AS l",
                 ", FIELD_IDS {id: 1, l: {__duckdb_field_id: 4, element: 77}}");
    expect_unsupported(w, "other field ids");
}

/* Files without field ids, which a name mapping explains (Spark's add_files and PyIceberg's). */
static void adopted_files(void **state)
{
    struct world *w = *state;
    append(w, "SELECT 1::BIGINT AS id, {'a': 10::BIGINT} AS v, [{'x': 1}] AS l, 5 AS later");
    replace_file(w,
                 "SELECT 7::INTEGER AS nr, {'a': 70::INTEGER, 'z': 'z'} AS old, [{'x1': 3}, "
                 "NULL] AS l UNION ALL SELECT 8, NULL, NULL",
                 "");
    alter(w, (struct tarn_lake_change){
                 .kind = TARN_LAKE_SET_PROPERTY,
                 .column = "schema.name-mapping.default",
                 .type = "[{\"field-id\": 1, \"names\": [\"id\", \"nr\"]}, {\"field-id\": 2, "
                         "\"names\": [\"old\"], \"fields\": [{\"field-id\": 3, \"names\": "
                         "[\"a\"]}]}, {\"field-id\": 4, \"names\": [\"l\"], \"fields\": "
                         "[{\"field-id\": 5, \"names\": [\"element\"], \"fields\": "
                         "[{\"field-id\": 6, \"names\": [\"x1\"]}]}]}]"});
    rename_member(w);
    assert_string_equal(read_table(w, everything), "7|{'n': 70}|[{'x': 3}, NULL]|NULL\n"
                                                   "8|NULL|NULL|NULL");
    put(w, (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "id = 8"});
    append(w, "SELECT 9 AS id, {'n': 90} AS v, [{'x': 9}] AS l, 6 AS later");
    assert_string_equal(read_table(w, everything), "7|{'n': 70}|[{'x': 3}, NULL]|NULL\n"
                                                   "9|{'n': 90}|[{'x': 9}]|6");
}

/* Java and PyIceberg escape what Avro's names cannot hold, in structs as well. */
static void escaped_names(void **state)
{
    struct world *w = *state;
    struct tarn_lake_maintenance done;
    append(w, "SELECT 1 AS id, {'a b': 10} AS v");
    put(w, (struct tarn_lake_write){.query = "SELECT 2 AS id, {'a b': 20} AS v",
                                    .mode = TARN_LAKE_OVERWRITE});
    OK(tarn_lake_expire(w->lake, "s", "t", INT64_MAX, 1, &done, &w->err));
    assert_int_equal(done.snapshots_expired, 1); /* who wrote first is not known any more */
    replace_file(w, "SELECT 3 AS id, {'a_x20b': 30} AS v",
                 ", FIELD_IDS {id: 1, v: {__duckdb_field_id: 2, a_x20b: 3}}");
    assert_string_equal(read_table(w, everything), "3|{'a b': 30}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(renamed_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(name_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(swapped_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_member_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(earlier_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fast_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unmappable_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(adopted_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escaped_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
