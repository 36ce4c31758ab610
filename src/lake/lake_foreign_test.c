/* lake/lake_foreign_test.c -- tables as other engines leave them: position and equality delete
 * files, format version 3, damaged and missing files. The commits are made here by hand, below the
 * public functions. */
#include <stdio.h>
#include <unistd.h>

#include "lake/lake_fixture.h"
#include "lake/lake_int.h"

static void put(struct world *w, const char *query)
{
    struct tarn_lake_write write = {.ns = "s", .name = "t", .query = query};
    OK(tarn_lake_write(w->lake, w->session, &write, NULL, NULL, NULL, &w->err));
}

static int set_up(void **state)
{
    struct world *w = *state = open_world(1);
    put(w, "SELECT i, 'v' || i AS v FROM range(10) AS r(i)");
    return 0;
}

static const char *data_file(struct world *w, size_t at)
{
    struct tarn_lake_file *files;
    size_t count;
    OK(tarn_lake_files(w->lake, "s", "t", (struct tarn_lake_at){0}, w->arena, &files, &count,
                       &w->err));
    assert_true(at < count);
    return files[at].path;
}

static const struct tarn_metadata *load(struct world *w, struct lake_scope *scope)
{
    const struct tarn_metadata *metadata = NULL;
    OK(lake_load_table(scope, "s", "t", &metadata, &w->err));
    return metadata;
}

static const char *create_file(struct world *w, const struct tarn_metadata *m, const char *name,
                               struct tarn_text bytes)
{
    const char *path = tarn_arena_format(w->arena, "%s/metadata/%s", m->location, name);
    OK(tarn_file_create(path, bytes, &w->err));
    return path;
}

static json_t *snapshot_json(const struct tarn_metadata *m, const char *list)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:{s:s}}", "snapshot-id", (json_int_t)4242,
                     "parent-snapshot-id", (json_int_t)m->snapshot->id, "sequence-number",
                     (json_int_t)m->last_sequence_number + 1, "timestamp-ms",
                     (json_int_t)m->last_updated_ms + 1, "manifest-list",
                     json_sprintf("file://%s", list), "summary", "operation", "delete");
}

static void swap_pointer(struct world *w, struct lake_scope *scope, struct tarn_metadata_edit *edit)
{
    TARN_BUFFER(out, 1 << 20);
    const char **dropped;
    size_t dropped_count;
    bool swapped;
    OK(tarn_metadata_finish(edit, w->arena, &out, &dropped, &dropped_count, &w->err));
    const char *path =
        create_file(w, edit->base, "00009-foreign.metadata.json", tarn_buffer_text(&out));
    struct tarn_catalog_entry entry = {"s", "t", tarn_arena_format(w->arena, "file://%s", path),
                                       false};
    OK(tarn_catalog_swap(w->state, &entry,
                         tarn_arena_format(w->arena, "file://%s", edit->base->path), &swapped,
                         &w->err));
    assert_true(swapped);
    (void)scope;
}

/* Commits one delete file as Flink or Spark would. */
static void commit_deletes(struct world *w, struct tarn_data_file *file)
{
    LAKE_SCOPE(scope, w->lake);
    const struct tarn_metadata *m = load(w, &scope);
    const struct tarn_manifest_file *old;
    size_t old_count;
    TARN_BUFFER(bytes, 1 << 20);
    struct tarn_entry entry = {TARN_ENTRY_ADDED, 4242, -1, -1, file};
    OK(tarn_manifest_write(&entry, 1, m->schema, m->spec, true, &bytes, &w->err));
    struct tarn_manifest_file manifests[20];
    tarn_manifest_describe(&entry, 1, m->spec, m->last_sequence_number + 1, w->arena,
                           &manifests[0]);
    manifests[0].location = tarn_arena_format(
        w->arena, "file://%s", create_file(w, m, "deletes.avro", tarn_buffer_text(&bytes)));
    manifests[0].length = (int64_t)bytes.len;
    manifests[0].is_deletes = true;
    manifests[0].sequence_number = m->last_sequence_number + 1;
    manifests[0].added_snapshot_id = 4242;
    OK(lake_load_manifests(&scope, m->snapshot, &old, &old_count, &w->err));
    memcpy(&manifests[1], old, old_count * sizeof *old);
    tarn_buffer_clear(&bytes);
    OK(tarn_manifest_list_write(manifests, old_count + 1, 4242, m->snapshot->id,
                                m->last_sequence_number + 1, &bytes, &w->err));
    const char *list = create_file(w, m, "list.avro", tarn_buffer_text(&bytes));
    struct tarn_metadata_edit edit = tarn_metadata_edit(m);
    tarn_metadata_add_snapshot(&edit, snapshot_json(m, list));
    swap_pointer(w, &scope, &edit);
    tarn_metadata_edit_release(&edit);
}

static struct tarn_data_file delete_file(struct world *w, enum tarn_content content,
                                         const char *select, const char *ids)
{
    char *path = tarn_arena_format(w->arena, "%s/deletes.parquet", w->folder);
    OK(tarn_session_runf(w->session, &w->err, "COPY (%s) TO '%s' (FORMAT parquet, FIELD_IDS {%s})",
                         select, path, ids));
    return (struct tarn_data_file){.content = content,
                                   .location = path,
                                   .format = "parquet",
                                   .record_count = 1,
                                   .size_bytes = 1,
                                   .sort_order_id = -1};
}

static void position_deletes(void **state)
{
    struct world *w = *state;
    put(w, "SELECT i + 100 AS i, 'v' AS v FROM range(5) AS r(i)");
    const char *select = tarn_arena_format(
        w->arena, "SELECT 'file://%s' AS file_path, x::BIGINT AS pos FROM (VALUES (0), (3)) v(x)",
        data_file(w, 0));
    struct tarn_data_file file = delete_file(w, TARN_CONTENT_POSITION_DELETES, select,
                                             "file_path: 2147483546, pos: 2147483545");
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    int64_t before = atoll(ask(w, "SELECT sum(i) FROM s.t"));
    commit_deletes(w, &file);
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT count(*) FROM s.t"), "13");
    assert_true(atoll(ask(w, "SELECT sum(i) FROM s.t")) < before);

    struct tarn_lake_write upsert = {.ns = "s",
                                     .name = "t",
                                     .query = "SELECT 5::BIGINT AS i, 'n' AS v",
                                     .mode = TARN_LAKE_UPSERT,
                                     .keys = (const char *const[]){"i"},
                                     .key_count = 1};
    assert_int_equal(tarn_lake_write(w->lake, w->session, &upsert, NULL, NULL, NULL, &w->err),
                     TARN_UNSUPPORTED);
    put(w, "SELECT 1000 AS i, 'after' AS v"); /* an append leaves the deletes alone */
    struct tarn_lake_maintenance done;
    OK(tarn_lake_compact(w->lake, w->session, "s", "t", 0, &done, &w->err));
    assert_int_equal(done.files_after, 1);
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT count(*) FROM s.t"), "14");
    OK(tarn_lake_write(w->lake, w->session, &upsert, NULL, NULL, NULL,
                       &w->err)); /* the deletes are applied and gone */
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT count(*) FROM s.t"), "14");
}

static void equality_deletes(void **state)
{
    struct world *w = *state;
    int ids[] = {1};
    struct tarn_data_file file =
        delete_file(w, TARN_CONTENT_EQUALITY_DELETES,
                    "SELECT x::BIGINT AS i FROM (VALUES (3), (7), (50)) v(x)", "i: 1");
    file.equality_ids = ids;
    file.equality_count = 1;
    commit_deletes(w, &file);
    put(w, "SELECT 3 AS i, 'again' AS v"); /* newer than the delete: stays */
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(
        ask(w, "SELECT count(*), count(*) FILTER (i = 3), count(*) FILTER (i = 7) FROM s.t"),
        "9|1|0");
    const struct tarn_lake_change drop = {.kind = TARN_LAKE_DROP_COLUMN, .column = "i"};
    OK(tarn_lake_alter(w->lake, "s", "t", &drop, 1, &w->err));
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT count(*), count(*) FILTER (v = 'v7') FROM s.t"),
                        "9|0"); /* what was deleted by it stays deleted */
}

static void expect_corrupt(struct world *w, const char *path)
{
    tarn_lake_close(w->lake); /* forgets what it had read */
    open_lake(w);
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err), TARN_CORRUPT);
    assert_non_null(strstr(w->err.text, path));
    assert_non_null(strstr(w->err.text, "backup"));
    const char *problems;
    OK(tarn_lake_attach_all(w->lake, w->session, w->arena, &problems, &w->err));
    assert_non_null(strstr(problems, path));
}

/* Each metadata file in turn: emptied, cut, filled with junk, removed. */
static void damaged_files(void **state)
{
    struct world *w = *state;
    struct tarn_file_list list;
    OK(tarn_directory_list(tarn_arena_format(w->arena, "%s/lake/s/t/metadata", w->folder), "",
                           w->arena, &list, &w->err));
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < list.count; i++) {
        TARN_BUFFER(good, 1 << 20);
        OK(tarn_file_read(list.paths[i], &good, &w->err));
        struct tarn_text damages[] = {{"", 0},
                                      {good.data, good.len / 2},
                                      {good.data, good.len - 1},
                                      TARN_TEXT("junk \x01\xff")};
        for (size_t d = 0; d < TARN_COUNT(damages); d++) {
            OK(tarn_file_replace(list.paths[i], damages[d], &w->err));
            expect_corrupt(w, tarn_path_name(list.paths[i]));
        }
        assert_int_equal(unlink(list.paths[i]), 0);
        expect_corrupt(w, tarn_path_name(list.paths[i]));
        struct tarn_lake_maintenance done;
        assert_int_equal(tarn_lake_sweep(w->lake, 0, &done, &w->err),
                         TARN_CORRUPT); /* nothing is swept then */
        OK(tarn_file_create(list.paths[i], tarn_buffer_text(&good), &w->err));
    }
    OK(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err));
    assert_string_equal(ask(w, "SELECT count(*) FROM s.t"), "10");
}

static void version_three(void **state)
{
    struct world *w = *state;
    LAKE_SCOPE(scope, w->lake);
    const struct tarn_metadata *m = load(w, &scope);
    struct tarn_metadata_edit edit = tarn_metadata_edit(m);
    json_object_set_new(edit.json, "format-version", json_integer(3));
    swap_pointer(w, &scope, &edit);
    tarn_metadata_edit_release(&edit);
    assert_int_equal(tarn_lake_attach(w->lake, w->session, "s", "t", NULL, &w->err),
                     TARN_UNSUPPORTED);
    assert_non_null(strstr(w->err.text, "format version 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(position_deletes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equality_deletes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_three, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
