/* lake/lake_test.c -- tables through the public functions: write, read back, evolve, travel,
 * conflict, maintain. */
#include <stdio.h>
#include <unistd.h>

#include "lake/lake_fixture.h"

static int set_up(void **state)
{
    *state = open_world(2);
    return 0;
}

static struct tarn_lake_result put(struct world *w, struct tarn_lake_write write)
{
    struct tarn_lake_result result = {0};
    write.ns = write.ns ? write.ns : "s";
    write.name = write.name ? write.name : "t";
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, &result, &w->err));
    return result;
}

static void append_and_read(void **state)
{
    struct world *w = *state;
    struct tarn_lake_result r =
        put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, 'x' AS b"});
    assert_true(r.created);
    assert_int_equal(r.rows, 1);
    assert_int_equal(r.files, 1);
    assert_true(r.snapshot_id > 0 && r.snapshot_id < (1LL << 53));
    put(w, (struct tarn_lake_write){.query = "SELECT 2 AS a, 'y' AS b;  "});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"), "1|x\n2|y");
    put(w, (struct tarn_lake_write){.query = "SELECT 3 AS a, 'z' AS b -- the end",
                                    .mode = TARN_LAKE_OVERWRITE});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"), "3|z");
}

/* Fails, and returns the error's text. */
static const char *refuse(struct world *w, struct tarn_lake_write write, enum tarn_status status)
{
    write.ns = "s";
    write.name = write.name ? write.name : "t";
    assert_int_equal(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err),
                     status);
    return w->err.text;
}

static struct tarn_lake_table describe(struct world *w)
{
    struct tarn_lake_table table;
    OK(tarn_lake_describe(w->lake, "s", "t", (struct tarn_lake_at){0}, w->arena, &table, &w->err));
    return table;
}

static size_t files_on_disk(struct world *w, const char *suffix)
{
    struct tarn_file_list list;
    OK(tarn_directory_list(tarn_arena_format(w->arena, "%s/lake", w->folder), suffix, w->arena,
                           &list, &w->err));
    return list.count;
}

static const char all_types[] =
    "SELECT true AS b, 1::TINYINT AS ti, 2::SMALLINT AS si, 3 AS i, 4::BIGINT AS bi, 5::UTINYINT "
    "AS uti, "
    "6::USMALLINT AS usi, 7::UINTEGER AS ui, 18446744073709551615::UBIGINT AS ubi, sum(9) AS hi, "
    "1.5::FLOAT AS f, -2.5::DOUBLE AS d, 12.34::DECIMAL(4,2) AS d4, -12345678.9::DECIMAL(18,1) AS "
    "d18, "
    "12345678901234567890.123::DECIMAL(38,3) AS d38, 'Zo\xc3\xab' AS s, '\\x00\\xFF'::BLOB AS bl, "
    "DATE '1969-12-31' AS dt, TIME '23:59:59.5' AS tm, TIMESTAMP '1969-12-31 23:59:59.999999' AS "
    "ts, "
    "TIMESTAMP_S '2024-01-02 03:04:05' AS tss, TIMESTAMP_MS '2024-01-02 03:04:05.678' AS tsm, "
    "TIMESTAMP_NS '2024-01-02 03:04:05.123456' AS tsn, TIMESTAMPTZ '2024-01-02 03:04:05+02' AS tz, "
    "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u, 'low'::ENUM('low', 'high') AS e, "
    "'{\"k\":1}'::JSON AS j, "
    "[1, NULL, 3] AS l, {'x': 1, 'y': ['a', 'b']} AS st, MAP {'k': 1.5} AS m, [{'q': 1}] AS ls, "
    "NULL AS n";

static void types(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){.query = all_types});
    put(w, (struct tarn_lake_write){.query = "SELECT NULL::BOOLEAN AS b",
                                    .schema = TARN_LAKE_SCHEMA_IGNORE});
    assert_string_equal(read_table(w, "SELECT * FROM s.t WHERE b"),
                        "true|1|2|3|4|5|6|7|18446744073709551615|9|1.5|-2.5|12.34|-12345678.9|"
                        "12345678901234567890.123|"
                        "Zo\xc3\xab|\\x00\\xFF|1969-12-31|23:59:59.5|1969-12-31 "
                        "23:59:59.999999|2024-01-02 03:04:05|"
                        "2024-01-02 03:04:05.678|2024-01-02 03:04:05.123456|2024-01-02 01:04:05+00|"
                        "f79c3e09-677c-4bbd-a479-3f349cb785e7|low|{\"k\":1}|[1, NULL, 3]|{'x': 1, "
                        "'y': [a, b]}|{k=1.5}|"
                        "[{'q': 1}]|NULL");
    assert_string_equal(ask(w, "SELECT count(*), count(d38), count(st) FROM s.t"), "2|1|1");
    struct tarn_lake_table table = describe(w);
    static const char *const expected[] = {"boolean",
                                           "int",
                                           "int",
                                           "int",
                                           "long",
                                           "int",
                                           "int",
                                           "long",
                                           "decimal(20, 0)",
                                           "decimal(38, 0)",
                                           "float",
                                           "double",
                                           "decimal(4, 2)",
                                           "decimal(18, 1)",
                                           "decimal(38, 3)",
                                           "string",
                                           "binary",
                                           "date",
                                           "time",
                                           "timestamp",
                                           "timestamp",
                                           "timestamp",
                                           "timestamp",
                                           "timestamptz",
                                           "uuid",
                                           "string",
                                           "string",
                                           "list<int>",
                                           "struct<x: int, y: list<string>>",
                                           "map<string, decimal(2, 1)>",
                                           "list<struct<q: int>>",
                                           "int"};
    assert_int_equal(table.column_count, TARN_COUNT(expected));
    for (size_t i = 0; i < table.column_count; i++)
        assert_string_equal(table.columns[i].type, expected[i]);
}

static void no_iceberg_form(void **state)
{
    struct world *w = *state;
    const char *text = refuse(w, (struct tarn_lake_write){.query = "SELECT INTERVAL 1 DAY AS span"},
                              TARN_UNSUPPORTED);
    assert_non_null(strstr(text, "\"span\" is of type INTERVAL"));
    text = refuse(w, (struct tarn_lake_write){.query = "SELECT 'infinity'::TIMESTAMP AS at"},
                  TARN_INVALID);
    assert_non_null(strstr(text, "holds infinity"));
    text = refuse(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, 2 AS A"}, TARN_INVALID);
    assert_non_null(strstr(text, "twice"));
    refuse(w, (struct tarn_lake_write){.query = "SELECT nonsense"}, TARN_SQL);
    refuse(w,
           (struct tarn_lake_write){.query = "SELECT 1/0 AS a, error('boom') AS b FROM range(3)"},
           TARN_SQL);
    assert_int_equal(files_on_disk(w, ""), 0); /* nothing is left behind */
}

static void funny_names(void **state)
{
    struct world *w = *state;
    static const char query[] =
        "SELECT 1 AS \"we\"\"ird\", 2 AS \"a.b\", 3 AS \"gr\xc3\xb6\xc3\x9f"
        "e \xf0\x9f\x98\x80\", "
        "4 AS \"select\", 5 AS \"9lives\", 6 AS \"a_x2Eb\", {'p \"q': 7} AS \"[]*?\"";
    struct tarn_lake_write write = {.ns = "my \"ns\"/..", .name = "t.\xc3\xa9 '1'", .query = query};
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err));
    write.partition_by = (const char *const[]){"\"we\"\"ird\""};
    write.partition_count = 1;
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err));
    OK(tarn_lake_attach(w->lake, w->session, write.ns, write.name, NULL, &w->err));
    assert_string_equal(ask(w, "SELECT \"we\"\"ird\", \"a.b\", \"gr\xc3\xb6\xc3\x9f"
                               "e \xf0\x9f\x98\x80\", \"select\", "
                               "\"9lives\", \"a_x2Eb\", \"[]*?\".\"p \"\"q\" FROM \"my "
                               "\"\"ns\"\"/..\".\"t.\xc3\xa9 '1'\""),
                        "1|2|3|4|5|6|7\n1|2|3|4|5|6|7");
}

static void schema_policies(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, 'x' AS b"});
    const char *text =
        refuse(w, (struct tarn_lake_write){.query = "SELECT 2 AS a, 1.5 AS c"}, TARN_INVALID);
    assert_non_null(strstr(text, "only the query has \"c\", only the table has \"b\""));
    put(w, (struct tarn_lake_write){.query = "SELECT 2 AS a, 1.5 AS c",
                                    .schema = TARN_LAKE_SCHEMA_IGNORE});
    put(w,
        (struct tarn_lake_write){.query = "SELECT 3 AS c, 4 AS a", .schema = TARN_LAKE_SCHEMA_ADD});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"),
                        "1|x|NULL\n2|NULL|NULL\n4|NULL|3");
    put(w, (struct tarn_lake_write){.query = "SELECT 5 AS a, 6 AS d",
                                    .schema = TARN_LAKE_SCHEMA_SYNC});
    assert_string_equal(read_table(w, "SELECT * FROM s.t ORDER BY a"),
                        "1|NULL\n2|NULL\n4|NULL\n5|6");
    put(w, (struct tarn_lake_write){.query = "SELECT 5000000000 AS a",
                                    .schema = TARN_LAKE_SCHEMA_ADD});
    assert_string_equal(describe(w).columns[0].type, "long"); /* widened */
    put(w, (struct tarn_lake_write){.query = "SELECT 7 AS a", .schema = TARN_LAKE_SCHEMA_ADD});
    assert_string_equal(read_table(w, "SELECT sum(a) FROM s.t"), "5000000019");
    text = refuse(
        w, (struct tarn_lake_write){.query = "SELECT 1.5 AS a", .schema = TARN_LAKE_SCHEMA_ADD},
        TARN_INVALID);
    assert_non_null(strstr(text, "BIGINT in the table and DECIMAL(2,1) in the query"));
}

static void rebuild_keeps_ids(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, 'x' AS b"});
    struct tarn_lake_write again = {.query = "SELECT 'y' AS b, DATE '2024-01-01' AS a, 2 AS c",
                                    .mode = TARN_LAKE_OVERWRITE,
                                    .schema = TARN_LAKE_SCHEMA_SYNC};
    put(w, again);
    struct tarn_lake_table table = describe(w);
    assert_string_equal(table.columns[0].name, "b");
    assert_int_equal(table.columns[0].id, 2); /* the same column */
    assert_int_equal(table.columns[1].id, 3); /* another type: another column */
    assert_int_equal(table.columns[2].id, 4);
    assert_string_equal(read_table(w, "SELECT * FROM s.t"), "y|2024-01-01|2");
    assert_false(put(w, again).schema_changed);
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS z WHERE false",
                                    .mode = TARN_LAKE_OVERWRITE,
                                    .schema = TARN_LAKE_SCHEMA_SYNC});
    assert_string_equal(read_table(w, "SELECT count(*), count(z) FROM s.t"), "0|0");
}

static void empty_table(void **state)
{
    struct world *w = *state;
    struct tarn_lake_result r =
        put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, [{'x': 1}] AS l WHERE false"});
    assert_true(r.created);
    assert_int_equal(r.snapshot_id, 0);
    assert_string_equal(read_table(w, "SELECT count(*) FROM s.t"), "0");
    assert_string_equal(ask(w, "SELECT typeof(a), typeof(l) FROM (SELECT 1) LEFT JOIN s.t ON true"),
                        "INTEGER|STRUCT(x INTEGER)[]");
    assert_int_equal(files_on_disk(w, ".parquet"), 0);
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a, [{'x': 1}] AS l WHERE false"});
    assert_int_equal(describe(w).snapshot_count, 0);
}

static void docs_and_properties(void **state)
{
    struct world *w = *state;
    struct tarn_lake_write write = {
        .query = "SELECT 1 AS a",
        .docs = (const struct tarn_lake_doc[]){{"A", "the \"first\""}, {"none", "ignored"}},
        .doc_count = 2,
        .comment = "what it is",
        .summary = (const struct tarn_lake_property[]){{"tarn.run-id", "r1"}},
        .summary_count = 1,
    };
    put(w, write);
    struct tarn_lake_table table = describe(w);
    assert_string_equal(table.columns[0].doc, "the \"first\"");
    assert_string_equal(table.properties[0].value, "what it is");
    assert_non_null(strstr(table.snapshots[0].summary_json, "\"tarn.run-id\":\"r1\""));
    assert_int_equal(table.rows, 1);
    assert_int_equal(table.file_count, 1);
}

static const char *counted(struct world *w, struct tarn_lake_filter filter)
{
    struct tarn_lake_attach options = {
        .filters = &filter, .filter_count = 1, .as_schema = "s", .as_name = "pruned"};
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", &options, &w->err));
    return ask(w, "SELECT count(*) FROM s.pruned");
}

static void partitions(void **state)
{
    struct world *w = *state;
    struct tarn_lake_write write = {
        .query = "SELECT TIMESTAMP '1969-12-30 12:00:00' + INTERVAL (i * 6) HOUR AS at, i, "
                 "CASE WHEN i % 3 > 0 THEN 'r/' || i % 3 END AS region FROM range(12) AS r(i)",
        .partition_by = (const char *const[]){"day(at)", "region"},
        .partition_count = 2,
    };
    struct tarn_lake_result r = put(w, write);
    assert_int_equal(r.files, 10);
    assert_string_equal(read_table(w, "SELECT count(*), sum(i), count(DISTINCT region) FROM s.t"),
                        "12|66|2");
    struct tarn_lake_file *files;
    size_t count;
    OK(tarn_lake_files(w->lake, "s", "t", (struct tarn_lake_at){0}, w->arena, &files, &count,
                       &w->err));
    assert_int_equal(count, 10);
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(files[i].partition, "at_day=1969-12-30/region=null") == 0;
    assert_true(found);
    assert_string_equal(counted(w, (struct tarn_lake_filter){"at", TARN_LAKE_LT, "1969-12-31"}),
                        "2");
    assert_string_equal(
        counted(w, (struct tarn_lake_filter){"at", TARN_LAKE_EQ, "1970-01-01 06:00:00"}), "3");
    /* the literal's own day may hold what is asked for */
    assert_string_equal(
        counted(w, (struct tarn_lake_filter){"at", TARN_LAKE_LT, "1969-12-31 18:00:00"}), "6");
    assert_string_equal(
        counted(w, (struct tarn_lake_filter){"at", TARN_LAKE_GT, "1969-12-31 06:00:00"}), "9");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"region", TARN_LAKE_EQ, "r/1"}), "4");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"region", TARN_LAKE_IS_NULL, NULL}),
                        "4");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"i", TARN_LAKE_GE, "11"}), "1");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"i", TARN_LAKE_GT, "11"}), "0");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"i", TARN_LAKE_EQ, "no number"}),
                        "12");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"nowhere", TARN_LAKE_EQ, "1"}), "12");
}

static void replace_partitions(void **state)
{
    struct world *w = *state;
    struct tarn_lake_write write = {
        .query = "SELECT DATE '2024-01-01' + i::INTEGER AS d, i FROM range(3) AS r(i)",
        .partition_by = (const char *const[]){"d"},
        .partition_count = 1,
    };
    put(w, write);
    struct tarn_lake_result r =
        put(w, (struct tarn_lake_write){.query = "SELECT DATE '2024-01-02' AS d, 100 AS i",
                                        .mode = TARN_LAKE_REPLACE_PARTITIONS});
    assert_int_equal(r.deleted_rows, 1);
    assert_string_equal(read_table(w, "SELECT d, i FROM s.t ORDER BY d"),
                        "2024-01-01|0\n2024-01-02|100\n2024-01-03|2");
    struct tarn_lake_table table = describe(w);
    assert_string_equal(table.snapshots[1].operation, "overwrite");
    assert_int_equal(table.snapshots[1].total_rows, 3);
    assert_int_equal(table.file_count, 3);
}

static void all_transforms(void **state)
{
    struct world *w = *state;
    static const char *const specs[] = {
        "year(at)", "month(at)", "hour(at)", "truncate(10, i)", "truncate(1, s)", "at", "f",
        "u",        "dec",       "yes"};
    for (size_t i = 0; i < TARN_COUNT(specs); i++) {
        put(w,
            (struct tarn_lake_write){
                .name = "p",
                .mode = TARN_LAKE_OVERWRITE,
                .partition_by = &specs[i],
                .partition_count = 1,
                .query =
                    "SELECT TIMESTAMP '1969-11-30 12:30:00' + INTERVAL (i * 20) DAY AS at, (i - "
                    "2)::INTEGER AS i, "
                    "'\xc3\xa9' || i AS s, i / 2 AS f, "
                    "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u, "
                    "(i - 1.25)::DECIMAL(9,2) AS dec, i = 2 AS yes FROM range(5) AS r(i) UNION ALL "
                    "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL"});
        OK(tarn_lake_attach(w->lake, w->session, "s", "p", NULL, &w->err));
        assert_string_equal(ask(w, "SELECT count(*), sum(i), sum(dec), count(\"at\") FROM s.p"),
                            "6|0|3.75|5");
    }
}

/* Buckets and truncated decimals, of every type that can be: the rows come back, and a reader that
 * looks for one value prunes to the file whose partition it computes itself. */
static void bucket_partitions(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *spec, *column, *value;
    } cases[] = {
        {"bucket(3, i)", "i", "17"},
        {"bucket(3, l)", "l", "-17"},
        {"bucket(3, s)", "s", "\xc3\xa9 17"},
        {"bucket(3, d)", "d", "1970-01-18"},
        {"bucket(3, at)", "at", "1970-01-18 00:00:00.000001"},
        {"bucket(3, tz)", "tz", "1970-01-18 00:00:00+00"},
        {"bucket(3, tm)", "tm", "17:30:00.5"},
        {"bucket(3, dec)", "dec", "-0.17"},
        {"bucket(3, wide)", "wide", "-1234567890123456789012345695.17"},
        {"bucket(3, u)", "u", "00000000-0000-4000-8000-000000000017"},
        {"truncate(5, dec)", "dec", "-0.17"},
        {"truncate(700, wide)", "wide", "-1234567890123456789012345695.17"},
        {"truncate(100000, small)", "small", "1.7"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        const char *name = tarn_arena_format(w->arena, "b%zu", i);
        put(w,
            (struct tarn_lake_write){
                .name = name,
                .partition_by = &cases[i].spec,
                .partition_count = 1,
                .query = "SELECT i::INTEGER AS i, -i AS l, '\xc3\xa9 ' || i AS s, "
                         "DATE '1970-01-01' + i::INTEGER AS d, TIMESTAMP '1970-01-01 "
                         "00:00:00.000001' + INTERVAL (i) DAY AS at, TIMESTAMPTZ '1970-01-01 "
                         "00:00:00+00' + INTERVAL (i) DAY AS tz, TIME '00:30:00.5' + INTERVAL (i) "
                         "HOUR AS tm, (-i / 100)::DECIMAL(9,2) AS dec, "
                         "('-12345678901234567890123456' || (78 + i) || '.' || "
                         "lpad(i::VARCHAR, 2, '0'))::DECIMAL(38,2) AS wide, "
                         "('00000000-0000-4000-8000-0000000000' || lpad(i::VARCHAR, 2, '0'))::UUID "
                         "AS u, (i / 10)::DECIMAL(4,1) AS small FROM range(22) AS r(i) "
                         "UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
                         "NULL, NULL"});
        OK(tarn_lake_attach(w->lake, w->session, "s", name, NULL, &w->err));
        assert_string_equal(
            ask(w,
                tarn_arena_format(w->arena, "SELECT count(*), sum(l), count(u) FROM s.%s", name)),
            "23|-231|22");
        struct tarn_lake_filter filter = {cases[i].column, TARN_LAKE_EQ, cases[i].value};
        const struct tarn_lake_attach pruned = {
            .filters = &filter, .filter_count = 1, .as_schema = "s", .as_name = "pruned"};
        OK(tarn_lake_attach(w->lake, w->session, "s", name, &pruned, &w->err));
        const char *found = ask(
            w, tarn_arena_format(
                   w->arena, "SELECT count(*) < 22, count(*) FILTER (\"%s\" = '%s') FROM s.pruned",
                   cases[i].column, cases[i].value));
        if (strcmp(found, strcmp(cases[i].column, "small") ? "true|1" : "false|1") != 0)
            fail_msg("%s: %s", cases[i].spec, found);
    }
}

static void upsert(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) /* three files of disjoint keys */
        put(w, (struct tarn_lake_write){
                   .query = tarn_arena_format(
                       w->arena, "SELECT (i + %d)::INTEGER AS k, 'old' AS v FROM range(10) AS r(i)",
                       i * 100)});
    struct tarn_lake_write write = {
        .query = "SELECT 105 AS k, 'new' AS v UNION ALL SELECT 999, 'new' UNION ALL "
                 "SELECT NULL, 'none'",
        .mode = TARN_LAKE_UPSERT,
        .keys = (const char *const[]){"k"},
        .key_count = 1};
    struct tarn_lake_result r = put(w, write);
    assert_int_equal(r.rows, 3);
    assert_int_equal(r.deleted_rows, 1);
    assert_int_equal(r.files, 2); /* the new rows and one rewritten file */
    assert_string_equal(read_table(w, "SELECT v, count(*) FROM s.t GROUP BY 1 ORDER BY 1"),
                        "new|2\nnone|1\nold|29");
    write.query = "SELECT 1 AS k, 'newer' AS v UNION ALL SELECT 105, 'newer'";
    write.where = "DBT_INTERNAL_DEST.v = 'old'";
    put(w, write);
    assert_string_equal(read_table(w, "SELECT v, count(*) FROM s.t GROUP BY 1 ORDER BY 1"),
                        "new|2\nnewer|2\nnone|1\nold|28");
    write.query = "SELECT 1 AS k, 'x' AS v, 5 AS extra";
    write.where = NULL;
    write.schema = TARN_LAKE_SCHEMA_ADD;
    put(w, write);
    assert_string_equal(read_table(w, "SELECT count(*), sum(extra) FROM s.t"), "33|5");
    write.query = "SELECT 1 AS k, 'x' AS v WHERE false";
    put(w, write);
    assert_string_equal(read_table(w, "SELECT count(*) FROM s.t"), "33");
}

static void replace_where(void **state)
{
    struct world *w = *state;
    struct tarn_lake_write write = {.query = "SELECT i, 'old' AS v FROM range(10) AS r(i)",
                                    .mode = TARN_LAKE_REPLACE_WHERE,
                                    .where = "i >= 5"};
    put(w, write); /* creates the table */
    put(w, (struct tarn_lake_write){.query = "SELECT NULL AS i, 'none' AS v"});
    write.query = "SELECT i, 'new' AS v FROM range(5, 7) AS r(i)";
    struct tarn_lake_result r = put(w, write);
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.deleted_rows, 5);
    assert_string_equal(read_table(w, "SELECT v, count(*), sum(i) FROM s.t GROUP BY 1 ORDER BY 1"),
                        "new|2|11\nnone|1|NULL\nold|5|10");
    write.query = "SELECT 1 AS i, 'x' AS v WHERE false";
    r = put(w, write); /* nothing comes, what is there goes all the same */
    assert_int_equal(r.deleted_rows, 2);
    assert_string_equal(read_table(w, "SELECT count(*) FROM s.t"), "6");
}

static void delete_rows(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){.query = "SELECT i FROM range(10) AS r(i)"});
    put(w, (struct tarn_lake_write){
               .query = "SELECT i + 100 AS i FROM range(10) AS r(i) UNION ALL SELECT NULL"});
    struct tarn_lake_result r =
        put(w, (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "i < 5"});
    assert_int_equal(r.deleted_rows, 5);
    assert_string_equal(read_table(w, "SELECT count(*), min(i) FROM s.t"), "16|5");
    r = put(w, (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "i < 100"});
    assert_int_equal(r.files, 0);
    assert_string_equal(describe(w).snapshots[3].operation, "delete");
    r = put(w, (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "i = -1"});
    assert_int_equal(r.deleted_rows, 0);
    assert_int_equal(describe(w).snapshot_count, 4);
    assert_string_equal(read_table(w, "SELECT count(*) FROM s.t"), "11");
}

static void time_travel(void **state)
{
    struct world *w = *state;
    struct tarn_lake_result first = put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a"});
    put(w, (struct tarn_lake_write){.query = "SELECT 2 AS b",
                                    .mode = TARN_LAKE_OVERWRITE,
                                    .schema = TARN_LAKE_SCHEMA_SYNC});
    struct tarn_lake_attach then = {
        .at.snapshot_id = first.snapshot_id, .as_schema = "s", .as_name = "old"};
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", &then, &w->err));
    assert_string_equal(ask(w, "SELECT a FROM s.old"), "1");
    struct tarn_lake_attach at = {
        .at.time_us = describe(w).snapshots[0].time_us, .as_schema = "s", .as_name = "at"};
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", &at, &w->err));
    at.at.time_us = 1;
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "t", &at, &w->err), TARN_NOT_FOUND);
    then.at.snapshot_id = 42;
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "t", &then, &w->err),
                     TARN_NOT_FOUND);
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "tt", NULL, &w->err),
                     TARN_NOT_FOUND);
    assert_non_null(strstr(w->err.text, "did you mean s.t?"));
}

static void alter(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){
               .query = "SELECT 1 AS a, 2.5::FLOAT AS b, 'x' AS c, 1.25::DECIMAL(3,2) AS d"});
    struct tarn_lake_change changes[] = {
        {TARN_LAKE_RENAME_COLUMN, "a", "id", NULL, NULL},
        {TARN_LAKE_WIDEN_COLUMN, "id", NULL, "BIGINT", NULL},
        {TARN_LAKE_WIDEN_COLUMN, "b", NULL, "DOUBLE", NULL},
        {TARN_LAKE_WIDEN_COLUMN, "d", NULL, "DECIMAL(10,2)", NULL},
        {TARN_LAKE_DROP_COLUMN, "c", NULL, NULL, NULL},
        {TARN_LAKE_ADD_COLUMN, "c", NULL, "DATE", "anew"},
        {TARN_LAKE_SET_PROPERTY, "owner", NULL, "me", NULL},
    };
    OK(tarn_lake_alter(w->lake, "s", "t", changes, TARN_COUNT(changes), &w->err));
    put(w, (struct tarn_lake_write){.query =
                                        "SELECT 5000000000 AS id, 1e300 AS b, "
                                        "12345678.25::DECIMAL(10,2) AS d, DATE '2024-01-01' AS c"});
    assert_string_equal(read_table(w, "SELECT id, b, d, c FROM s.t ORDER BY id"),
                        "1|2.5|1.25|NULL\n5000000000|1e+300|12345678.25|2024-01-01");
    assert_string_equal(counted(w, (struct tarn_lake_filter){"id", TARN_LAKE_GT, "4"}),
                        "1"); /* old bounds are 4 bytes */
    assert_string_equal(counted(w, (struct tarn_lake_filter){"b", TARN_LAKE_LT, "3"}), "1");
    struct tarn_lake_change wrong = {TARN_LAKE_WIDEN_COLUMN, "id", NULL, "INTEGER", NULL};
    assert_int_equal(tarn_lake_alter(w->lake, "s", "t", &wrong, 1, &w->err), TARN_INVALID);
    wrong = (struct tarn_lake_change){TARN_LAKE_RENAME_COLUMN, "id", "b", NULL, NULL};
    assert_int_equal(tarn_lake_alter(w->lake, "s", "t", &wrong, 1, &w->err), TARN_INVALID);
}

static enum tarn_status note(void *context, struct tarn_state *state, struct tarn_error *err)
{
    (void)state;
    int *calls = context;
    ++*calls;
    return *calls > 1 ? tarn_fail(err, TARN_CHECKS_FAILED, "no") : TARN_OK;
}

static void commit_together(void **state)
{
    struct world *w = *state;
    int calls = 0;
    for (int round = 0; round < 2; round++) {
        struct tarn_lake_commit *commit = tarn_lake_begin(w->lake);
        struct tarn_lake_result a, b;
        struct tarn_lake_write one = {.ns = "s", .name = "t", .query = "SELECT 1 AS a"};
        struct tarn_lake_write two = {.ns = "s", .name = "u", .query = "SELECT 2 AS a"};
        OK(tarn_lake_prepare(commit, w->session, &one, &a, &w->err));
        OK(tarn_lake_prepare(commit, w->session, &two, &b, &w->err));
        assert_int_equal(tarn_lake_prepare(commit, w->session, &two, &b, &w->err), TARN_INVALID);
        enum tarn_status status = tarn_lake_finish(commit, note, &calls, &w->err);
        assert_int_equal(status, round ? TARN_CHECKS_FAILED : TARN_OK);
        tarn_lake_commit_free(commit);
    }
    assert_string_equal(read_table(w, "SELECT count(*) FROM s.t"),
                        "1"); /* the second round left nothing */
    assert_int_equal(files_on_disk(w, ".parquet"), 2);
}

static void views(void **state)
{
    struct world *w = *state;
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a"});
    OK(tarn_lake_set_view(w->lake, NULL, "a", "second", "SELECT a + 1 AS b FROM z.first", NULL,
                          NULL, NULL, &w->err));
    OK(tarn_lake_set_view(w->lake, NULL, "z", "first", "SELECT a FROM s.t -- it's", "why", NULL,
                          NULL, &w->err));
    OK(tarn_lake_set_view(w->lake, NULL, "z", "broken", "SELECT a FROM s.gone", NULL, NULL, NULL,
                          &w->err));
    const char *problems, *sql;
    OK(tarn_lake_attach_all(w->lake, w->session, w->arena, &problems, &w->err));
    assert_non_null(strstr(problems, "attaching z.broken"));
    assert_null(strchr(problems, '\n') && strstr(problems, "a.second") ? problems : NULL);
    assert_string_equal(ask(w, "SELECT b FROM a.second"), "2");
    put(w, (struct tarn_lake_write){.query = "SELECT 'x' AS c, 5 AS a",
                                    .mode = TARN_LAKE_OVERWRITE,
                                    .schema = TARN_LAKE_SCHEMA_SYNC});
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT b FROM a.second"), "6");
    OK(tarn_lake_get_view(w->lake, "z", "first", w->arena, &sql, &w->err));
    assert_string_equal(sql, "SELECT a FROM s.t -- it's");
    OK(tarn_lake_set_view(w->lake, w->session, "z", "first", "SELECT 10 AS a", NULL, NULL, NULL,
                          &w->err));
    OK(tarn_lake_attach(w->lake, w->session, "z", "first", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT b FROM a.second"), "11");
    assert_int_equal(
        tarn_lake_set_view(w->lake, NULL, "s", "t", "SELECT 1", NULL, NULL, NULL, &w->err),
        TARN_EXISTS);
    refuse(w, (struct tarn_lake_write){.query = "SELECT 1 AS a", .name = "t"}, TARN_INVALID);
    struct tarn_lake_write over = {.ns = "z", .name = "first", .query = "SELECT 1 AS a"};
    assert_int_equal(tarn_lake_write(w->lake, w->session, &over, NULL, NULL, NULL, &w->err),
                     TARN_EXISTS);
    OK(tarn_lake_drop(w->lake, "z", "first", NULL, NULL, &w->err));
    OK(tarn_lake_drop(w->lake, "z", "first", NULL, NULL, &w->err));
    struct tarn_lake_list list;
    OK(tarn_lake_list(w->lake, "z", w->arena, &list, &w->err));
    assert_int_equal(list.count, 1);
}

static void drop_and_rename(void **state)
{
    struct world *w = *state;
    enum tarn_lake_kind kind;
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a"});
    OK(tarn_lake_rename(w->lake, "s", "t", "s2", "u", &w->err));
    put(w,
        (struct tarn_lake_write){.query = "SELECT 2 AS a"}); /* in the same folder, side by side */
    OK(tarn_lake_attach(w->lake, w->session, "s2", "u", NULL, &w->err));
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT * FROM s2.u, s.t"), "1|2");
    assert_int_equal(tarn_lake_rename(w->lake, "s", "t", "s2", "u", &w->err), TARN_EXISTS);
    assert_int_equal(tarn_lake_rename(w->lake, "s", "x", "s2", "y", &w->err), TARN_NOT_FOUND);
    OK(tarn_lake_drop(w->lake, "s", "t", NULL, NULL, &w->err));
    OK(tarn_lake_kind_of(w->lake, "s", "t", &kind, &w->err));
    assert_int_equal(kind, TARN_LAKE_NOTHING);
    struct tarn_lake_maintenance done;
    const char *killed = tarn_arena_format(w->arena, "%s/lake/s/t/data/tmp-1", w->folder);
    OK(tarn_directory_make(tarn_arena_format(w->arena, "%s/p=1", killed), &w->err));
    OK(tarn_file_create(tarn_arena_format(w->arena, "%s/p=1/x.parquet", killed), TARN_TEXT("x"),
                        &w->err));
    OK(tarn_lake_sweep(w->lake, -1, &done, &w->err));
    assert_int_equal(done.files_removed, 0); /* too young */
    OK(tarn_lake_sweep(w->lake, 0, &done, &w->err));
    assert_false(tarn_directory_exists(killed));
    assert_int_equal(done.files_removed, 5); /* that one, and data, manifest, list, metadata */
    OK(tarn_lake_attach(w->lake, w->session, "s2", "u", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT * FROM s2.u"), "1");
}

static void maintenance(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 120; i++) /* past the number at which manifests are merged */
        put(w, (struct tarn_lake_write){.query = tarn_arena_format(w->arena, "SELECT %d AS a", i)});
    struct tarn_lake_table table = describe(w);
    assert_int_equal(table.file_count, 120);
    assert_int_equal(table.rows, 120);
    assert_int_equal(files_on_disk(w, ".metadata.json"), 21);
    struct tarn_lake_maintenance done;
    OK(tarn_lake_compact(w->lake, w->session, "s", "t", 0, &done, &w->err));
    assert_int_equal(done.files_before, 120);
    assert_int_equal(done.files_after, 1);
    assert_string_equal(read_table(w, "SELECT count(*), sum(a) FROM s.t"), "120|7140");
    OK(tarn_lake_compact(w->lake, w->session, "s", "t", 0, &done, &w->err));
    assert_int_equal(done.files_after, 1);
    assert_string_equal(describe(w).snapshots[120].operation, "replace");
    OK(tarn_lake_expire(w->lake, "s", "t", 0, 0, &done, &w->err));
    assert_int_equal(done.snapshots_expired, 0); /* all are younger than five days */
    OK(tarn_lake_expire(w->lake, "s", "t", INT64_MAX, 1, &done, &w->err));
    assert_int_equal(done.snapshots_expired, 120);
    assert_int_equal(files_on_disk(w, ".parquet"), 1);
    assert_string_equal(read_table(w, "SELECT count(*), sum(a) FROM s.t"), "120|7140");
    OK(tarn_lake_sweep(w->lake, 0, &done, &w->err));
    assert_int_equal(done.files_removed, 0);
    put(w, (struct tarn_lake_write){.query = "SELECT 1 AS a"});
    assert_string_equal(read_table(w, "SELECT count(*), sum(a) FROM s.t"), "121|7141");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(append_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_iceberg_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(funny_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema_policies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rebuild_keeps_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(docs_and_properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(partitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replace_partitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_transforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bucket_partitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(upsert, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delete_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replace_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_travel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commit_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drop_and_rename, set_up, tear_down),
        cmocka_unit_test_setup_teardown(maintenance, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
