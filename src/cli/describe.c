/* cli/describe.c -- `tarn describe`: one table or view, whole. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/lake_query.h"
#include "cli/table_print.h"

static const char help[] =
    "Usage: tarn describe NAMESPACE.TABLE [options]\n"
    "\n"
    "Shows a table's columns with types and descriptions, its partitions and its snapshots, or a\n"
    "view's SQL.\n"
    "\n"
    "  --at WHEN           as it was at a time (2026-03-01, 2026-03-01T12:30) or snapshot\n"
    "\n" TARN_COMMON_HELP;

static void print_columns(const struct tarn_lake_table *t, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    tarn_table_column(table, "column", false);
    tarn_table_column(table, "type", false);
    tarn_table_column(table, "description", false);
    for (size_t i = 0; i < t->column_count; i++) {
        tarn_table_cell(table, t->columns[i].name);
        tarn_table_cell(table, t->columns[i].required ? tarn_arena_format(arena, "%s NOT NULL",
                                                                          t->columns[i].duckdb_type)
                                                      : t->columns[i].duckdb_type);
        tarn_table_cell(table, t->columns[i].doc);
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static void print_snapshots(const struct tarn_lake_table *t, struct tarn_arena *arena)
{
    enum { SHOWN = 15 };
    struct tarn_table *table = tarn_table_new(arena);
    static const char *const names[] = {"snapshot", "time (UTC)", "operation", "added",
                                        "deleted",  "rows",       "files"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], i == 0 || i > 2);
    size_t first = t->snapshot_count > SHOWN ? t->snapshot_count - SHOWN : 0;
    for (size_t i = t->snapshot_count; i-- > first;) {
        const struct tarn_lake_snapshot *s = &t->snapshots[i];
        char time[TARN_TIME_TEXT_BYTES];
        tarn_table_cell(table, tarn_arena_format(arena, "%s%" PRId64,
                                                 s->id == t->snapshot_id ? "→ " : "", s->id));
        tarn_table_cell(table, tarn_time_format(s->time_us, time));
        tarn_table_cell(table, s->operation);
        tarn_table_cell_int(table, s->added_rows);
        tarn_table_cell_int(table, s->deleted_rows);
        tarn_table_cell_int(table, s->total_rows);
        tarn_table_cell_int(table, s->total_files);
    }
    if (t->snapshot_count == 0)
        return;
    puts("");
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
    if (first > 0)
        printf("and %zu older ones\n", first);
}

static void print_table(const struct tarn_lake_table *t, struct tarn_arena *arena)
{
    char rows[TARN_COUNT_TEXT_BYTES], files[TARN_COUNT_TEXT_BYTES], size[TARN_COUNT_TEXT_BYTES];
    printf("%s.%s: %s row%s in %s file%s, %s\n", t->ns, t->name, tarn_count_text(t->rows, rows),
           t->rows == 1 ? "" : "s", tarn_count_text(t->file_count, files),
           t->file_count == 1 ? "" : "s", tarn_size_text(t->size_bytes, size));
    for (size_t i = 0; i < t->property_count; i++)
        if (strcmp(t->properties[i].key, "comment") == 0)
            puts(t->properties[i].value);
    for (size_t i = 0; i < t->partition_count; i++)
        printf("%s%s(%s)%s", i ? ", " : "partitioned by ", t->partition[i].transform,
               t->partition[i].column, i + 1 == t->partition_count ? "\n" : "");
    printf("at %s\n\n", t->location);
    print_columns(t, arena);
    print_snapshots(t, arena);
}

static void json_snapshots(struct tarn_json_writer *w, const struct tarn_lake_table *t)
{
    tarn_json_key(w, "snapshots");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < t->snapshot_count; i++) {
        const struct tarn_lake_snapshot *s = &t->snapshots[i];
        char time[TARN_TIME_TEXT_BYTES], id[TARN_COUNT_TEXT_BYTES];
        snprintf(id, sizeof id, "%" PRId64, s->id); /* text: larger than JavaScript's integers */
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "id", id);
        tarn_json_put_str(w, "time", tarn_time_format(s->time_us, time));
        tarn_json_put_str(w, "operation", s->operation);
        tarn_json_put_int(w, "added_rows", s->added_rows);
        tarn_json_put_int(w, "deleted_rows", s->deleted_rows);
        tarn_json_put_int(w, "rows", s->total_rows);
        tarn_json_put_int(w, "files", s->total_files);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
}

static void print_json(const struct tarn_lake_table *t)
{
    TARN_BUFFER(out, 1 << 28);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "namespace", t->ns);
    tarn_json_put_str(&w, "name", t->name);
    tarn_json_put_str(&w, "location", t->location);
    tarn_json_put_str(&w, "metadata_location", t->metadata_location);
    tarn_json_put_int(&w, "rows", t->rows);
    tarn_json_put_int(&w, "files", t->file_count);
    tarn_json_put_int(&w, "size_bytes", t->size_bytes);
    tarn_json_key(&w, "columns");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < t->column_count; i++) {
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "name", t->columns[i].name);
        tarn_json_put_str(&w, "type", t->columns[i].duckdb_type);
        tarn_json_put_str(&w, "iceberg_type", t->columns[i].type);
        tarn_json_put_int(&w, "id", t->columns[i].id);
        tarn_json_put_str(&w, "description", t->columns[i].doc);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_key(&w, "partition");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < t->partition_count; i++) {
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "column", t->partition[i].column);
        tarn_json_put_str(&w, "transform", t->partition[i].transform);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    json_snapshots(&w, t);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static enum tarn_status describe_view(struct tarn_workspace *ws, const char *ns, const char *name,
                                      bool json, struct tarn_arena *arena, struct tarn_error *err)
{
    const char *sql;
    TARN_TRY(tarn_lake_get_view(ws->lake, ns, name, arena, &sql, err));
    if (!json) {
        printf("%s.%s is a view:\n\n%s\n", ns, name, sql);
        return TARN_OK;
    }
    TARN_BUFFER(out, 1 << 24);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "namespace", ns);
    tarn_json_put_str(&w, "name", name);
    tarn_json_put_str(&w, "view_sql", sql);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
    return TARN_OK;
}

/* "orders" alone is looked for in every namespace. */
static enum tarn_status split_name(struct tarn_workspace *ws, const char *text,
                                   struct tarn_arena *arena, const char **ret_ns,
                                   const char **ret_name, struct tarn_error *err)
{
    const char *dot = strchr(text, '.');
    struct tarn_lake_list list;
    if (dot) {
        *ret_ns = tarn_arena_strndup(arena, text, (size_t)(dot - text));
        *ret_name = dot + 1;
        return TARN_OK;
    }
    TARN_TRY(tarn_lake_list(ws->lake, NULL, arena, &list, err));
    size_t found = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.entries[i].name, text) != 0)
            continue;
        *ret_ns = list.entries[i].ns;
        *ret_name = list.entries[i].name;
        found++;
    }
    if (found == 1)
        return TARN_OK;
    return tarn_fail(err, found ? TARN_USAGE : TARN_NOT_FOUND,
                     found ? "'%s' is in several namespaces; say which, e.g. bronze.%s"
                           : "there is no table '%s'; `tarn tables` lists them (%s)",
                     text, found ? text : "a table is NAMESPACE.NAME");
}

static enum tarn_status describe(struct tarn_workspace *ws, const char *text,
                                 struct tarn_lake_at at, bool json, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *ns, *name;
    enum tarn_lake_kind kind;
    struct tarn_lake_table table;
    TARN_TRY(split_name(ws, text, arena, &ns, &name, err));
    TARN_TRY(tarn_lake_kind_of(ws->lake, ns, name, &kind, err));
    if (kind == TARN_LAKE_VIEW)
        return describe_view(ws, ns, name, json, arena, err);
    TARN_TRY(tarn_lake_describe(ws->lake, ns, name, at, arena, &table, err));
    if (json)
        print_json(&table);
    else
        print_table(&table, arena);
    return TARN_OK;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    struct tarn_strings names = {0};
    const char *at_text = NULL;
    const struct tarn_option options[] = {{"at", 0, TARN_OPTION_STR, &at_text}};
    struct tarn_workspace ws;
    struct tarn_lake_at at = {0};
    enum tarn_status status =
        tarn_options_parse(argc, argv, &common, options, TARN_COUNT(options), &names, err);
    if (status == TARN_OK && names.count != 1)
        status = tarn_fail(err, TARN_USAGE, "say which table, e.g. `tarn describe bronze.orders`");
    if (status == TARN_OK && at_text)
        status = tarn_at_parse(at_text, &at, err);
    if (status == TARN_OK)
        status = tarn_workspace_open_existing(&common, &ws, err);
    if (status == TARN_OK) {
        status = describe(&ws, names.items[0], at, common.json, err);
        tarn_workspace_close(&ws);
    }
    tarn_strings_release(&names);
    return status;
}

const struct tarn_command tarn_command_describe = {
    .name = "describe",
    .summary = "show a table's columns, partitions and snapshots",
    .help = help,
    .run = run,
};
