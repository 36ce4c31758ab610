/* cli/ingest.c -- `tarn ingest`: landing files, or a person's own, into bronze. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/workspace.h"
#include "ingest/ingest.h"

static const char help[] =
    "Usage: tarn ingest [options]              loads everything new below <data>/landing\n"
    "       tarn ingest FILE... [options]      copies files there first, then loads them\n"
    "\n"
    "Files are CSV (any delimiter), JSON, newline-delimited JSON or Parquet, plain or packed with\n"
    "gzip or zstd. Each becomes rows of the table bronze.NAME, where NAME is the file's name or\n"
    "--table. A FILE may be a folder or a pattern such as 'exports/*.csv'. Types are inferred; a\n"
    "value that does not fit its column is kept in the column _rescued. What cannot be read goes\n"
    "to bronze.rejected_rows or bronze.rejected_files with the reason. Loading the same content\n"
    "again changes nothing.\n"
    "\n"
    "  --table NAME        the table that the FILEs go to\n"
    "  --format FORMAT     csv, json, ndjson or parquet (default: by the file's name)\n"
    "  --retry             also loads files again that were rejected before\n"
    "\n" TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn ingest customers.csv orders-2026-*.csv.gz\n"
    "  tarn ingest exports/ --table events\n";

struct arguments {
    struct tarn_common common;
    const char *table, *format;
    bool retry;
    struct tarn_strings files;
};

struct names {
    const char **items;
    size_t count, cap;
    struct tarn_ingest_reject *known; /* given files that were loaded before */
    size_t known_count, known_cap;
};

static enum tarn_status copy_one(const struct tarn_ingest *ingest, const struct arguments *args,
                                 const char *path, struct tarn_arena *arena, struct names *names,
                                 struct tarn_error *err)
{
    const char *name, *known;
    TARN_TRY(tarn_ingest_copy(ingest, path, args->table, arena, &name, &known, err));
    if (known) {
        TARN_RESERVE(names->known, names->known_cap, names->known_count + 1);
        names->known[names->known_count++] =
            (struct tarn_ingest_reject){tarn_arena_strdup(arena, path), known};
        return TARN_OK;
    }
    TARN_RESERVE(names->items, names->cap, names->count + 1);
    names->items[names->count++] = name;
    return TARN_OK;
}

/* A project's own files are no data: nobody who types `tarn ingest .` there means its models. */
static enum tarn_status check_folder(const char *path, struct tarn_error *err)
{
    static const char *const marks[] = {"tarn.yml", "dbt_project.yml"};
    for (size_t i = 0; i < TARN_COUNT(marks); i++) {
        TARN_AUTO_FREE char *mark = tarn_path_join(path, marks[i]);
        if (tarn_file_exists(mark))
            return tarn_fail(err, TARN_USAGE,
                             "loading %s: the folder is a project (it has %s), whose own files are "
                             "no data; name files or a folder in it, such as `tarn ingest data`",
                             path, marks[i]);
    }
    return TARN_OK;
}

static enum tarn_status copy_path(const struct tarn_ingest *ingest, const struct arguments *args,
                                  const char *path, struct tarn_arena *arena, struct names *names,
                                  struct tarn_error *err)
{
    struct tarn_file_list list;
    if (!tarn_directory_exists(path))
        return copy_one(ingest, args, path, arena, names, err);
    TARN_TRY(check_folder(path, err));
    TARN_TRY(tarn_directory_list(path, "", arena, &list, err));
    if (list.count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "loading %s: the folder holds no files", path);
    for (size_t i = 0; i < list.count; i++)
        TARN_TRY(copy_one(ingest, args, list.paths[i], arena, names, err));
    return TARN_OK;
}

/* A file of that very name comes before the pattern that it might also be. */
static enum tarn_status copy_argument(const struct tarn_ingest *ingest,
                                      const struct arguments *args, const char *argument,
                                      struct tarn_arena *arena, struct names *names,
                                      struct tarn_error *err)
{
    glob_t found;
    struct stat info;
    if (lstat(argument, &info) == 0 || !strpbrk(argument, "*?["))
        return copy_path(ingest, args, argument, arena, names, err);
    int outcome = glob(argument, 0, NULL, &found);
    if (outcome == GLOB_NOMATCH)
        return tarn_fail(err, TARN_NOT_FOUND, "loading %s: no file matches the pattern", argument);
    if (outcome != 0)
        return tarn_fail(err, TARN_IO, "loading %s: the folders cannot be read", argument);
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < found.gl_pathc && status == TARN_OK; i++)
        status = copy_path(ingest, args, found.gl_pathv[i], arena, names, err);
    globfree(&found);
    return status;
}

/* ---- what is said
 * --------------------------------------------------------------------------------------- */

static void print_rejects(const char *gap, const char *title, const char *between,
                          const struct tarn_ingest_reject *list, size_t count)
{
    enum { SHOWN = 20 };
    if (count == 0)
        return;
    printf("%s%s\n", gap, title);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        printf("  %s%s%s\n", list[i].file, between, list[i].reason);
    if (count > SHOWN)
        printf("  and %zu more\n", count - SHOWN);
}

static void print_tables(const struct tarn_ingest_result *result, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    char size[TARN_COUNT_TEXT_BYTES];
    tarn_table_column(table, "table", false);
    tarn_table_column(table, "files", true);
    tarn_table_column(table, "rows", true);
    tarn_table_column(table, "rejected rows", true);
    tarn_table_column(table, "rejected files", true);
    tarn_table_column(table, "size", true);
    for (size_t i = 0; i < result->table_count; i++) {
        const struct tarn_ingest_table *one = &result->tables[i];
        tarn_table_cell(table, tarn_arena_format(arena, "bronze.%s", one->entity));
        tarn_table_cell_int(table, one->files);
        tarn_table_cell_int(table, one->rows);
        tarn_table_cell_int(table, one->rejected_rows);
        tarn_table_cell_int(table, one->rejected_files);
        tarn_table_cell(table, tarn_size_text(one->bytes, size));
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static void print_text(const struct tarn_ingest_result *result, const struct names *names,
                       struct tarn_arena *arena)
{
    char files[TARN_COUNT_TEXT_BYTES];
    int64_t known = result->known + (int64_t)names->known_count;
    if (result->table_count > 0)
        print_tables(result, arena);
    const char *gap = result->table_count > 0 ? "\n" : "";
    print_rejects(gap, "These files were loaded before; nothing was changed:", " = ", names->known,
                  names->known_count);
    print_rejects("\n", "The same content as another file, loaded once:", " = ", result->duplicates,
                  result->duplicate_count);
    print_rejects("\n", "Rejected (in bronze.rejected_files):", ": ", result->rejected,
                  result->rejected_count);
    if (result->total.rejected_rows > 0)
        printf("\n%s in bronze.rejected_rows with the reason.\n",
               result->total.rejected_rows == 1 ? "One record could not be read: it is"
                                                : "Some records could not be read: they are");
    if (result->table_count == 0 && known == 0)
        puts("There is nothing in landing/ to load; `tarn ingest FILE...` takes files from "
             "elsewhere.");
    else if (result->table_count == 0 && result->known > 0)
        printf("Nothing new: %s file%s loaded before.\n", tarn_count_text(result->known, files),
               result->known == 1 ? " was" : "s were");
}

static void json_rejects(struct tarn_json_writer *w, const char *key, const char *what,
                         const struct tarn_ingest_reject *list, size_t count)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "file", list[i].file);
        tarn_json_put_str(w, what, list[i].reason);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
}

static void print_json(const struct tarn_ingest_result *result, const struct names *names)
{
    TARN_BUFFER(out, 1 << 28);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "load_id", result->load_id);
    tarn_json_put_int(&w, "files", result->total.files);
    tarn_json_put_int(&w, "rows", result->total.rows);
    tarn_json_put_int(&w, "rejected_rows", result->total.rejected_rows);
    tarn_json_put_int(&w, "rejected_files", result->total.rejected_files);
    tarn_json_put_int(&w, "known_files", result->known + (int64_t)names->known_count);
    tarn_json_key(&w, "tables");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < result->table_count; i++) {
        const struct tarn_ingest_table *one = &result->tables[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "table", one->entity);
        tarn_json_put_int(&w, "files", one->files);
        tarn_json_put_int(&w, "rows", one->rows);
        tarn_json_put_int(&w, "rejected_rows", one->rejected_rows);
        tarn_json_put_int(&w, "rejected_files", one->rejected_files);
        tarn_json_put_int(&w, "duplicates", one->duplicates);
        tarn_json_put_int(&w, "bytes", one->bytes);
        tarn_json_put_str(&w, "error", one->failed);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    json_rejects(&w, "rejected", "reason", result->rejected, result->rejected_count);
    json_rejects(&w, "duplicates", "of", result->duplicates, result->duplicate_count);
    json_rejects(&w, "known", "as", names->known, names->known_count);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static void summarise(const struct tarn_ingest_result *result)
{
    char rows[TARN_COUNT_TEXT_BYTES], files[TARN_COUNT_TEXT_BYTES], bad[TARN_COUNT_TEXT_BYTES];
    if (result->total.files == 0) {
        tarn_summary_write("nothing new");
        return;
    }
    bool rejected = result->total.rejected_rows > 0;
    tarn_summary_write("%s rows from %s file%s%s%s%s", tarn_count_text(result->total.rows, rows),
                       tarn_count_text(result->total.files, files),
                       result->total.files == 1 ? "" : "s", rejected ? ", " : "",
                       rejected ? tarn_count_text(result->total.rejected_rows, bad) : "",
                       rejected ? " rejected" : "");
}

static enum tarn_status ingest_with(const struct arguments *args, struct tarn_workspace *ws,
                                    struct tarn_arena *arena, struct names *names,
                                    struct tarn_error *err)
{
    struct tarn_ingest_result result = {0};
    struct tarn_ingest ingest = {.project = ws->project,
                                 .state = ws->state,
                                 .lake = ws->lake,
                                 .engine = ws->engine,
                                 .progress = ws->progress,
                                 .retry = args->retry,
                                 .format = TARN_FORMAT_UNKNOWN};
    if (args->format)
        ingest.format = tarn_format_parse(args->format);
    if (args->format && ingest.format == TARN_FORMAT_UNKNOWN)
        return tarn_fail(err, TARN_USAGE, "--format is csv, json, ndjson or parquet, not '%s'",
                         args->format);
    for (size_t i = 0; i < args->files.count; i++)
        TARN_TRY(copy_argument(&ingest, args, args->files.items[i], arena, names, err));
    ingest.names = args->files.count > 0 ? names->items : NULL;
    ingest.name_count = names->count;
    enum tarn_status status = TARN_OK;
    if (args->files.count == 0 || names->count > 0)
        status = tarn_ingest_run(&ingest, arena, &result, err);
    if (status == TARN_OK || result.table_count > 0) {
        if (args->common.json)
            print_json(&result, names);
        else
            print_text(&result, names, arena);
        summarise(&result);
    }
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct arguments args = {0};
    const struct tarn_option options[] = {
        {"table", 't', TARN_OPTION_STR, &args.table},
        {"format", 'f', TARN_OPTION_STR, &args.format},
        {"retry", 0, TARN_OPTION_FLAG, &args.retry},
    };
    struct tarn_workspace ws;
    struct names names = {0};
    enum tarn_status status = tarn_options_parse(argc, argv, &args.common, options,
                                                 TARN_COUNT(options), &args.files, err);
    if (status == TARN_OK && args.files.count == 0 && (args.table || args.format))
        status = tarn_fail(err, TARN_USAGE, "--table and --format need a FILE");
    if (status == TARN_OK)
        status = tarn_workspace_open(&args.common, &ws, err);
    if (status == TARN_OK) {
        status = ingest_with(&args, &ws, arena, &names, err);
        tarn_workspace_close(&ws);
    }
    free(names.items);
    free(names.known);
    tarn_strings_release(&args.files);
    return status;
}

const struct tarn_command tarn_command_ingest = {
    .name = "ingest",
    .summary = "load files into bronze tables, each exactly once",
    .help = help,
    .run = run,
};
