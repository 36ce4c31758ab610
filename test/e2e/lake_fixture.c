/* test/e2e/lake_fixture.c -- writes a data folder with every kind of lake table and prints, as
 * JSON, what DuckDB reads from them: lake_fixture DATA. Readers that nobody here wrote are compared
 * with that.
 *
 * {"tables": [{"ns", "name", "metadata", "columns": [{"name", "type"}], "rows": [[text or null,
 * ...]]}]} */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "store/state.h"

struct world {
    struct tarn_state *state;
    struct tarn_lake *lake;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_error err;
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != TARN_OK) {                                                                   \
            fprintf(stderr, "lake_fixture: %s\n", w->err.text);                                    \
            exit(3);                                                                               \
        }                                                                                          \
    } while (0)

static void put(struct world *w, const char *name, struct tarn_lake_write write)
{
    write.ns = "fixture";
    write.name = name;
    MUST(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err));
}

static void write_types(struct world *w)
{
    put(w, "types",
        (struct tarn_lake_write){
            .query =
                "SELECT i % 2 = 0 AS b, (i - 2)::INTEGER AS i, (i - 2) * 4000000000000 AS l, (i / "
                "4)::FLOAT AS f, "
                "(i - 2) / 3 AS d, ((i - 2) * 1234567 / 100)::DECIMAL(9,2) AS d9, "
                "((i - 2) * 123456789012 / 10000)::DECIMAL(18,4) AS d18, "
                "((i - 2)::DECIMAL(38,0) * 12345678901234567890123)::DECIMAL(38,6) AS d38, sum(i) "
                "OVER () AS huge, "
                "'Zo\xc3\xab ' || i || ' \xe2\x82\xac \xf0\x9f\x98\x80' AS s, encode('bytes ' || "
                "i) AS bl, "
                "DATE '1969-12-30' + i::INTEGER AS dt, TIME '23:59:59.999999' - INTERVAL (i) HOUR "
                "AS tm, "
                "TIMESTAMP '1969-12-31 23:59:58.999999' + INTERVAL (i) SECOND AS ts, "
                "TIMESTAMPTZ '2024-03-10 00:00:00+00' + INTERVAL (i) HOUR AS tz, "
                "('00000000-0000-4000-8000-00000000000' || i)::UUID AS u, [i, NULL, i + 1] AS li, "
                "{'x': i, 'y': 'y' || i} AS st, MAP {'k' || i: i} AS m FROM range(6) AS r(i) "
                "UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
                "NULL, NULL, NULL, NULL, "
                "NULL, NULL, NULL, NULL, NULL",
        });
}

static void write_partitioned(struct world *w)
{
    static const char query[] =
        "SELECT TIMESTAMP '1969-12-30 12:00:00' + INTERVAL (i * 9) HOUR AS happened, i, "
        "CASE WHEN i % 3 > 0 THEN 'region ' || i % 3 END AS region, (i * 1.25)::DECIMAL(9,2) AS "
        "amount "
        "FROM range(20) AS r(i)";
    put(w, "by_day",
        (struct tarn_lake_write){.query = query,
                                 .partition_by = (const char *const[]){"day(happened)"},
                                 .partition_count = 1});
    put(w, "by_day",
        (struct tarn_lake_write){
            .query = "SELECT TIMESTAMP '1969-12-31 01:00:00' AS happened, 99::BIGINT AS i, "
                     "'new' AS region, 0.5::DECIMAL(9,2) AS amount",
            .mode = TARN_LAKE_REPLACE_PARTITIONS});
    put(w, "by_region",
        (struct tarn_lake_write){.query = query,
                                 .partition_by = (const char *const[]){"region", "month(happened)"},
                                 .partition_count = 2});
    put(w, "by_bucket",
        (struct tarn_lake_write){.query = query,
                                 .partition_by =
                                     (const char *const[]){"bucket(4, i)", "bucket(2, region)"},
                                 .partition_count = 2});
    put(w, "by_amount",
        (struct tarn_lake_write){.query = query,
                                 .partition_by = (const char *const[]){"truncate(500, amount)"},
                                 .partition_count = 1});
}

static void write_evolved(struct world *w)
{
    put(w, "evolved",
        (struct tarn_lake_write){.query =
                                     "SELECT i::INTEGER AS id, 'a' || i AS old_name, i AS gone, "
                                     "(i / 4)::FLOAT AS ratio FROM range(3) AS r(i)"});
    struct tarn_lake_change changes[] = {
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "old_name", .new_name = "new_name"},
        {.kind = TARN_LAKE_WIDEN_COLUMN, .column = "id", .type = "BIGINT"},
        {.kind = TARN_LAKE_WIDEN_COLUMN, .column = "ratio", .type = "DOUBLE"},
        {.kind = TARN_LAKE_DROP_COLUMN, .column = "gone"},
        {.kind = TARN_LAKE_ADD_COLUMN, .column = "added", .type = "DATE", .doc = "came later"},
    };
    MUST(tarn_lake_alter(w->lake, "fixture", "evolved", changes, TARN_COUNT(changes), &w->err));
    put(w, "evolved",
        (struct tarn_lake_write){
            .query = "SELECT 5000000000 AS id, 'z' AS new_name, 0.25::DOUBLE AS ratio, "
                     "DATE '2024-02-29' AS added"});
}

static void write_nested(struct world *w)
{
    put(w, "nested",
        (struct tarn_lake_write){.query =
                                     "SELECT i AS id, {'a': i * 10, 'b': 'b' || i, 'c': i / 4} "
                                     "AS v FROM range(3) AS r(i) UNION ALL SELECT 9, NULL"});
    struct tarn_lake_change changes[] = {
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "v.a", .new_name = "n"},
        {.kind = TARN_LAKE_DROP_COLUMN, .column = "v.c"},
        {.kind = TARN_LAKE_RENAME_COLUMN, .column = "v.b", .new_name = "c"},
    };
    MUST(tarn_lake_alter(w->lake, "fixture", "nested", changes, TARN_COUNT(changes), &w->err));
    put(w, "nested", (struct tarn_lake_write){.query = "SELECT 5 AS id, {'n': 50, 'c': 'z'} AS v"});
}

static void write_changed(struct world *w)
{
    for (int i = 0; i < 3; i++)
        put(w, "changed",
            (struct tarn_lake_write){
                .query = tarn_arena_format(
                    w->arena, "SELECT (i + %d)::INTEGER AS id, 'old' AS v FROM range(5) AS r(i)",
                    i * 10)});
    put(w, "changed",
        (struct tarn_lake_write){.query = "SELECT 12 AS id, 'new' AS v UNION ALL SELECT 77, 'new'",
                                 .mode = TARN_LAKE_UPSERT,
                                 .keys = (const char *const[]){"id"},
                                 .key_count = 1});
    put(w, "changed", (struct tarn_lake_write){.mode = TARN_LAKE_DELETE, .where = "id < 3"});
}

static void write_merged(struct world *w)
{
    for (int i = 0; i < 105;
         i++) /* enough for manifests to be merged and metadata files to be dropped */
        put(w, "merged",
            (struct tarn_lake_write){.query = tarn_arena_format(w->arena, "SELECT %d AS i", i)});
    put(w, "names",
        (struct tarn_lake_write){
            .query = "SELECT 1 AS \"a.b\", 2 AS \"we\"\"ird\", 3 AS \"gr\xc3\xb6\xc3\x9f"
                     "e\", "
                     "4 AS \"select\", 5 AS \"9lives\""});
}

static void print_rows(struct world *w, const char *name, struct tarn_json_writer *json)
{
    TARN_BUFFER(text, 1 << 20);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    char *sql = tarn_arena_format(w->arena, "SELECT * FROM fixture.%s ORDER BY ALL", name);
    MUST(tarn_session_query(w->session, sql, NULL, 0, &result, &w->err));
    tarn_json_key(json, "rows");
    tarn_json_array_begin(json);
    for (size_t rows = 1; rows > 0;) {
        MUST(tarn_result_next(result, &rows, &w->err));
        for (size_t row = 0; row < rows; row++) {
            tarn_json_array_begin(json);
            for (size_t c = 0; c < tarn_result_column_count(result); c++) {
                struct tarn_vector vector = tarn_result_vector(result, c);
                tarn_buffer_clear(&text);
                tarn_vector_format(&vector, row, &text);
                tarn_json_str(json,
                              tarn_vector_is_null(&vector, row) ? NULL : tarn_buffer_str(&text));
            }
            tarn_json_array_end(json);
        }
    }
    tarn_json_array_end(json);
}

static void print_table(struct world *w, const char *name, struct tarn_json_writer *json)
{
    struct tarn_lake_table table;
    MUST(tarn_lake_describe(w->lake, "fixture", name, (struct tarn_lake_at){0}, w->arena, &table,
                            &w->err));
    MUST(tarn_lake_attach(w->lake, w->session, "fixture", name, NULL, &w->err));
    tarn_json_object_begin(json);
    tarn_json_put_str(json, "ns", "fixture");
    tarn_json_put_str(json, "name", name);
    tarn_json_put_str(json, "location", table.location);
    tarn_json_put_str(json, "metadata", table.metadata_location);
    tarn_json_key(json, "columns");
    tarn_json_array_begin(json);
    for (size_t i = 0; i < table.column_count; i++) {
        tarn_json_object_begin(json);
        tarn_json_put_str(json, "name", table.columns[i].name);
        tarn_json_put_str(json, "type", table.columns[i].type);
        tarn_json_object_end(json);
    }
    tarn_json_array_end(json);
    print_rows(w, name, json);
    tarn_json_object_end(json);
}

static void write_and_print(struct world *w)
{
    static const char *const names[] = {"types",  "by_day",  "by_region", "by_bucket", "evolved",
                                        "nested", "changed", "merged",    "names"};
    write_types(w);
    write_partitioned(w);
    write_evolved(w);
    write_nested(w);
    write_changed(w);
    write_merged(w);
    TARN_BUFFER(out, 16 << 20);
    struct tarn_json_writer json = tarn_json_writer(&out, 0);
    tarn_json_object_begin(&json);
    tarn_json_key(&json, "tables");
    tarn_json_array_begin(&json);
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        print_table(w, names[i], &json);
    tarn_json_array_end(&json);
    tarn_json_object_end(&json);
    puts(tarn_buffer_str(&out));
}

int main(int argc, char **argv)
{
    struct world world = {.arena = tarn_arena_new()}, *w = &world;
    struct tarn_engine *engine;
    struct tarn_engine_options options = {.threads = 2};
    if (argc != 2) {
        fputs("Usage: lake_fixture DATA\n", stderr);
        return 2;
    }
    MUST(tarn_directory_make(argv[1], &w->err));
    MUST(tarn_state_open(tarn_arena_format(w->arena, "%s/state.db", argv[1]), &w->state, &w->err));
    MUST(tarn_lake_open(w->state, tarn_arena_format(w->arena, "%s/lake", argv[1]), &w->lake,
                        &w->err));
    MUST(tarn_engine_open(&options, &engine, &w->err));
    MUST(tarn_session_open(engine, &w->session, &w->err));
    write_and_print(w);
    tarn_session_close(w->session);
    tarn_engine_close(engine);
    tarn_lake_close(w->lake);
    tarn_state_close(w->state);
    tarn_arena_free(w->arena);
    return 0;
}
