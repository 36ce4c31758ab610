/* cli/source.c -- `tarn source freshness`: how old the data of the sources is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/models.h"
#include "cli/table_print.h"
#include "cli/workspace.h"
#include "model/freshness.h"

enum { JSON_BYTES_MAX = 64 << 20 };

/* "3 days", "5 hours", "12 minutes", "40 seconds" */
static const char *age_text(int64_t us, struct tarn_arena *arena)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    int64_t seconds = us / 1000000;
    size_t i = 0;
    while (i + 1 < TARN_COUNT(units) && seconds < 2 * units[i].seconds)
        i++;
    int64_t count = seconds / units[i].seconds;
    return tarn_arena_format(arena, "%" PRId64 " %s%s", count, units[i].name,
                             count == 1 ? "" : "s");
}

static void print_text(const struct tarn_freshness *results, size_t count, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    tarn_table_column(table, "source", false);
    tarn_table_column(table, "status", false);
    tarn_table_column(table, "age", true);
    tarn_table_column(table, "", false);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_freshness *f = &results[i];
        bool known = f->status != TARN_FRESHNESS_RUNTIME_ERROR;
        tarn_table_cell(table,
                        tarn_arena_format(arena, "%s.%s", f->source->source_name, f->source->name));
        tarn_table_cell(table, tarn_freshness_status_name(f->status));
        tarn_table_cell(table, known ? age_text(f->measured_us - f->loaded_us, arena) : "");
        tarn_table_cell(table, f->message);
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static enum tarn_status report(const struct tarn_models_arguments *a,
                               const struct tarn_model_project *models,
                               const struct tarn_freshness *results, size_t count,
                               struct tarn_arena *arena, struct tarn_error *err)
{
    size_t old = 0;
    if (a->common.json) {
        TARN_BUFFER(json, JSON_BYTES_MAX);
        tarn_model_freshness_json(models, results, count, &json);
        puts(tarn_buffer_str(&json));
    } else if (count == 0) {
        puts("No source declares `freshness` with warn_after or error_after.");
    } else {
        print_text(results, count, arena);
    }
    fflush(stdout);
    for (size_t i = 0; i < count; i++)
        old += results[i].status == TARN_FRESHNESS_ERROR ||
               results[i].status == TARN_FRESHNESS_RUNTIME_ERROR;
    if (old == 0)
        return TARN_OK;
    return tarn_fail(err, TARN_CHECKS_FAILED, "%zu of %zu sources are not as fresh as declared",
                     old, count);
}

static enum tarn_status measure(const struct tarn_models_arguments *a, struct tarn_workspace *ws,
                                struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_model_project *models;
    struct tarn_freshness *results;
    size_t count;
    struct tarn_selection selection = tarn_models_selection(a);
    TARN_TRY(tarn_models_load(a, ws->project, tarn_engine_catalog(ws->engine), "freshness", &models,
                              err));
    enum tarn_status status = tarn_model_freshness(models, ws->engine, ws->lake, &selection, arena,
                                                   &results, &count, err);
    if (status == TARN_OK)
        status = tarn_model_write_freshness(models, results, count, err);
    tarn_models_print_warnings(a, models);
    if (status == TARN_OK)
        status = report(a, models, results, count, arena, err);
    tarn_model_project_free(models);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    TARN_AUTO(tarn_models_arguments_release) struct tarn_models_arguments arguments = {0};
    TARN_AUTO(tarn_workspace_close) struct tarn_workspace workspace = {0};
    if (argc < 2 || strcmp(argv[1], "freshness") != 0)
        return tarn_fail(err, TARN_USAGE, "write `tarn source freshness`");
    TARN_TRY(tarn_models_parse(argc - 1, argv + 1, &arguments, err));
    TARN_TRY(tarn_workspace_open(&arguments.common, &workspace, err));
    return measure(&arguments, &workspace, err);
}

const struct tarn_command tarn_command_source = {
    .name = "source",
    .summary = "tell how old the data of the sources is",
    .help = "Usage: tarn source freshness [options]\n\n"
            "Compares the age of each source with what its `freshness` declares (warn_after,\n"
            "error_after) and writes target/sources.json. The age is that of the newest\n"
            "loaded_at_field; without one, of the last commit to the table. Exit code 1 when a\n"
            "source is older than error_after.\n"
            "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
            "  tarn source freshness\n"
            "  tarn source freshness --select source:bronze\n",
    .run = run,
};
