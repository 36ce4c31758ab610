/* cli/tables.c -- `tarn tables`: what is in the lake. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/workspace.h"

static const char help[] =
    "Usage: tarn tables [NAMESPACE] [options]\n"
    "\n"
    "Lists the lake's tables and views: rows, files, size and when each last changed.\n"
    "\n"
    "  --format FORMAT     table (default), markdown, csv or json\n"
    "\n" TARN_COMMON_HELP;

struct line {
    const struct tarn_lake_entry *entry;
    int64_t rows, files, size_bytes;
    int64_t changed_us; /* 0: never */
    const char *problem;
};

static void read_line(struct tarn_lake *lake, struct tarn_arena *arena, struct line *line)
{
    struct tarn_lake_table table;
    struct tarn_error err;
    if (line->entry->is_view)
        return;
    if (tarn_lake_describe(lake, line->entry->ns, line->entry->name, (struct tarn_lake_at){0},
                           arena, &table, &err) != TARN_OK) {
        line->problem = tarn_arena_strdup(arena, err.text);
        return;
    }
    line->rows = table.rows;
    line->files = table.file_count;
    line->size_bytes = table.size_bytes;
    if (table.snapshot_count > 0)
        line->changed_us = table.snapshots[table.snapshot_count - 1].time_us;
}

static void print_lines(const struct line *lines, size_t count, enum tarn_print_format format,
                        struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    static const char *const names[] = {"table", "kind", "rows", "files", "size", "changed (UTC)"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], i >= 2 && i <= 4);
    for (size_t i = 0; i < count; i++) {
        const struct line *line = &lines[i];
        char size[TARN_COUNT_TEXT_BYTES], time[TARN_TIME_TEXT_BYTES];
        bool counts = !line->entry->is_view && !line->problem;
        tarn_table_cell(table,
                        tarn_arena_format(arena, "%s.%s", line->entry->ns, line->entry->name));
        tarn_table_cell(table, line->problem ? "DAMAGED" : line->entry->is_view ? "view" : "table");
        if (counts) {
            tarn_table_cell_int(table, line->rows);
            tarn_table_cell_int(table, line->files);
            tarn_table_cell(table, tarn_size_text(line->size_bytes, size));
        } else {
            for (int n = 0; n < 3; n++)
                tarn_table_cell(table, "");
        }
        time[0] = 0;
        if (line->changed_us) {
            tarn_time_format(line->changed_us, time);
            time[10] = ' '; /* 2026-03-01 12:34:56 */
            time[19] = 0;
        }
        tarn_table_cell(table, time);
    }
    tarn_table_write(table, format, 0, stdout);
}

static void print_json(const struct line *lines, size_t count)
{
    TARN_BUFFER(out, 1 << 28);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    char time[TARN_TIME_TEXT_BYTES];
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        const struct line *line = &lines[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "namespace", line->entry->ns);
        tarn_json_put_str(&w, "name", line->entry->name);
        tarn_json_put_str(&w, "kind", line->entry->is_view ? "view" : "table");
        if (line->problem)
            tarn_json_put_str(&w, "error", line->problem);
        if (!line->entry->is_view && !line->problem) {
            tarn_json_put_int(&w, "rows", line->rows);
            tarn_json_put_int(&w, "files", line->files);
            tarn_json_put_int(&w, "size_bytes", line->size_bytes);
            tarn_json_put_str(&w, "changed",
                              line->changed_us ? tarn_time_format(line->changed_us, time) : NULL);
        }
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    puts(tarn_buffer_str(&out));
}

static enum tarn_status list(struct tarn_workspace *ws, const char *ns,
                             enum tarn_print_format format, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_lake_list entries;
    TARN_TRY(tarn_lake_list(ws->lake, ns, arena, &entries, err));
    struct line *lines = tarn_arena_array(arena, entries.count + 1, sizeof *lines);
    const char *problem = NULL;
    for (size_t i = 0; i < entries.count; i++) {
        lines[i].entry = &entries.entries[i];
        read_line(ws->lake, arena, &lines[i]);
        problem = problem ? problem : lines[i].problem;
    }
    if (format == TARN_PRINT_JSON)
        print_json(lines, entries.count);
    else if (entries.count > 0)
        print_lines(lines, entries.count, format, arena);
    else
        printf("There are no tables%s%s yet; `tarn ingest FILE...` makes some.\n", ns ? " in " : "",
               ns ? ns : "");
    return problem ? tarn_fail(err, TARN_CORRUPT, "%s", problem) : TARN_OK;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    struct tarn_strings names = {0};
    const char *format_text = NULL;
    const struct tarn_option options[] = {{"format", 'f', TARN_OPTION_STR, &format_text}};
    struct tarn_workspace ws;
    enum tarn_print_format format = TARN_PRINT_TABLE;
    enum tarn_status status =
        tarn_options_parse(argc, argv, &common, options, TARN_COUNT(options), &names, err);
    if (common.json)
        format = TARN_PRINT_JSON;
    if (status == TARN_OK)
        status = tarn_print_format_parse(format_text, &format, err);
    if (status == TARN_OK && names.count > 1)
        status = tarn_fail(err, TARN_USAGE, "it takes one namespace, not %zu", names.count);
    if (status == TARN_OK)
        status = tarn_workspace_open_existing(&common, &ws, err);
    if (status == TARN_OK) {
        status = list(&ws, names.count ? names.items[0] : NULL, format, err);
        tarn_workspace_close(&ws);
    }
    tarn_strings_release(&names);
    return status;
}

const struct tarn_command tarn_command_tables = {
    .name = "tables",
    .summary = "list the lake's tables",
    .help = help,
    .run = run,
};
