/* cli/models.c -- see models.h. */
#include "cli/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/workspace.h"
#include "quality/runner.h"

enum { JSON_BYTES_MAX = 1 << 30 };

void tarn_models_arguments_release(struct tarn_models_arguments *arguments)
{
    tarn_strings_release(&arguments->select);
    tarn_strings_release(&arguments->exclude);
    tarn_strings_release(&arguments->resource_types);
    tarn_strings_release(&arguments->exclude_resource_types);
}

enum tarn_status tarn_models_parse(int argc, char **argv, struct tarn_models_arguments *a,
                                   struct tarn_error *err)
{
    const struct tarn_option options[] = {
        {"select", 's', TARN_OPTION_LIST, &a->select},
        {"models", 'm', TARN_OPTION_LIST, &a->select},
        {"selector", 0, TARN_OPTION_STR, &a->selector},
        {"state", 0, TARN_OPTION_STR, &a->state},
        {"exclude", 0, TARN_OPTION_LIST, &a->exclude},
        {"resource-type", 0, TARN_OPTION_LIST, &a->resource_types},
        {"exclude-resource-type", 0, TARN_OPTION_LIST, &a->exclude_resource_types},
        {"vars", 0, TARN_OPTION_STR, &a->vars},
        {"full-refresh", 'f', TARN_OPTION_FLAG, &a->full_refresh},
        {"event-time-start", 0, TARN_OPTION_STR, &a->event_start},
        {"event-time-end", 0, TARN_OPTION_STR, &a->event_end},
        {"empty", 0, TARN_OPTION_FLAG, &a->empty},
        {"fail-fast", 'x', TARN_OPTION_FLAG, &a->fail_fast},
        {"store-failures", 0, TARN_OPTION_FLAG, &a->store_failures},
        {"run-id", 0, TARN_OPTION_STR, &a->run_id},
        {"profiles-dir", 0, TARN_OPTION_STR, &a->profiles_dir},
        {"profile", 0, TARN_OPTION_STR, &a->profile},
        {"output", 0, TARN_OPTION_STR, &a->output},
        {"verbose", 'v', TARN_OPTION_FLAG, &a->verbose},
    };
    return tarn_options_parse(argc, argv, &a->common, options, TARN_COUNT(options), NULL, err);
}

struct tarn_selection tarn_models_selection(const struct tarn_models_arguments *a)
{
    return (struct tarn_selection){
        .select = a->select.items,
        .select_count = a->select.count,
        .exclude = a->exclude.items,
        .exclude_count = a->exclude.count,
        .resource_types = a->resource_types.items,
        .resource_type_count = a->resource_types.count,
        .exclude_resource_types = a->exclude_resource_types.items,
        .exclude_resource_type_count = a->exclude_resource_types.count,
        .selector = a->selector,
        .state = a->state,
    };
}

enum tarn_status tarn_models_load(const struct tarn_models_arguments *a,
                                  const struct tarn_project *project, const char *catalog,
                                  const char *command, struct tarn_model_project **ret_models,
                                  struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(project->directory, "dbt_project.yml");
    if (!tarn_file_exists(path))
        return tarn_fail(err, TARN_CONFIG,
                         "%s has no dbt_project.yml, so it has no models; make the file with at "
                         "least `name: %s`",
                         project->directory, project->name);
    const struct tarn_model_options options = {
        .directory = project->directory,
        .profiles_dir = a->profiles_dir,
        .profile = a->profile,
        .target = a->common.target,
        .catalog = catalog,
        .vars = a->vars,
        .command = command,
        .full_refresh = a->full_refresh,
    };
    return tarn_model_project_load(&options, ret_models, err);
}

void tarn_models_print_warnings(const struct tarn_models_arguments *a,
                                const struct tarn_model_project *models)
{
    for (size_t i = 0; !a->common.quiet && i < models->warning_count; i++)
        fprintf(stderr, "warning: %s\n", models->warnings[i]);
}

/* A run that a scheduler started has its id, and each of its tasks is a run of models of its own.
 */
static char *run_id_of(const struct tarn_models_arguments *a)
{
    const char *run = getenv("TARN_RUN_ID"), *task = getenv("TARN_TASK");
    if (a->run_id)
        return tarn_strdup(a->run_id);
    return run && *run ? tarn_format("%s/%s", run, task ? task : "") : NULL;
}

static bool is_failure(const struct tarn_model_result *result)
{
    return result->status == TARN_MODEL_STATUS_ERROR || result->status == TARN_MODEL_STATUS_FAIL;
}

static void describe_failure(const struct tarn_model_result *result, struct tarn_buffer *out)
{
    const struct tarn_model_node *node = result->node;
    if (result->status == TARN_MODEL_STATUS_ERROR)
        tarn_buffer_append_str(out, result->message);
    else
        tarn_buffer_printf(out, "test %s (%s): %s; its SQL: %s", node->name, node->original_path,
                           result->message,
                           node->is_generic ? "see target/compiled" : node->original_path);
}

/* Only what there was: nobody wants to read how many did not fail. */
static void summarise(const struct tarn_model_run_result *result)
{
    size_t tests = 0;
    for (size_t i = 0; i < result->count; i++)
        tests += result->results[i].status == TARN_MODEL_STATUS_PASS;
    const struct {
        size_t count;
        const char *what;
    } parts[] = {{result->failed, "failed"},
                 {result->warned, "warned"},
                 {result->skipped, "skipped"},
                 {result->passed - tests, "made"},
                 {tests, "tests passed"}};
    TARN_BUFFER(text, 1000);
    for (size_t i = 0; i < TARN_COUNT(parts); i++) {
        char count[TARN_COUNT_TEXT_BYTES];
        if (parts[i].count)
            tarn_buffer_printf(&text, "%s%s %s", text.len ? ", " : "",
                               tarn_count_text((int64_t)parts[i].count, count), parts[i].what);
    }
    tarn_summary_write("%s", text.len ? tarn_buffer_str(&text) : "nothing to do");
}

/* Prints all failures but the first, which becomes the command's error. */
static enum tarn_status report(const struct tarn_models_arguments *a,
                               const struct tarn_model_run_result *result, struct tarn_error *err)
{
    TARN_BUFFER(first, 1 << 20);
    bool seen = false;
    if (!a->common.json)
        printf("Done. PASS=%zu WARN=%zu ERROR=%zu SKIP=%zu TOTAL=%zu\n", result->passed,
               result->warned, result->failed, result->skipped, result->count);
    fflush(stdout);
    for (size_t i = 0; i < result->count; i++) {
        TARN_BUFFER(text, 1 << 20);
        if (!is_failure(&result->results[i]))
            continue;
        describe_failure(&result->results[i], seen ? &text : &first);
        if (seen)
            fprintf(stderr, "%s\n", tarn_buffer_str(&text));
        seen = true;
    }
    summarise(result);
    if (result->failed == 0)
        return TARN_OK;
    return tarn_fail(err, TARN_CHECKS_FAILED, "%zu of %zu failed, %zu skipped: %s", result->failed,
                     result->count, result->skipped, tarn_buffer_str(&first));
}

/* ---- quarantine tables that nothing has been put into yet */

static const struct tarn_suite *quarantine_suite(const struct tarn_suites *suites,
                                                 const char *table)
{
    for (size_t i = 0; i < suites->suite_count; i++)
        if (suites->suites[i].quarantine && strcmp(suites->suites[i].table, table) == 0)
            return &suites->suites[i];
    return NULL;
}

static enum tarn_status check_suite(const struct tarn_suites *suites,
                                    const struct tarn_suite *suite, const struct tarn_workspace *ws,
                                    struct tarn_arena *arena, struct tarn_error *err)
{
    struct tarn_quality_report report;
    struct tarn_quality quality = {NULL, ws->lake, ws->state, ws->progress};
    struct tarn_quality_options options = {.suite = suite->name, .format = TARN_RESULT_BASIC};
    TARN_TRY(tarn_session_open(ws->engine, &quality.session, err));
    enum tarn_status status = tarn_quality_run(&quality, suites, &options, arena, &report, err);
    tarn_session_close(quality.session);
    return status;
}

/* A quarantine table that is a source and was never written: the suite that fills it is run. */
static enum tarn_status fill_quarantine(const struct tarn_model_node *source,
                                        struct tarn_suites *suites, const struct tarn_workspace *ws,
                                        struct tarn_arena *arena, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    TARN_TRY(tarn_lake_kind_of(ws->lake, source->schema, source->alias, &kind, err));
    if (kind != TARN_LAKE_NOTHING)
        return TARN_OK;
    if (suites->suite_count == 0)
        TARN_TRY(tarn_suites_read(tarn_project_path(ws->project, "quality"), arena, suites, err));
    const struct tarn_suite *suite = quarantine_suite(suites, source->alias);
    if (!suite)
        return TARN_OK;
    TARN_TRY(tarn_lake_kind_of(ws->lake, suite->ns, suite->table, &kind, err));
    return kind == TARN_LAKE_NOTHING ? TARN_OK : check_suite(suites, suite, ws, arena, err);
}

/* Models leave out what was quarantined, so a first build checks what they read: it would fail for
 * want of the table, or let bad rows through. */
static enum tarn_status fill_quarantines(const struct tarn_model_project *models,
                                         const struct tarn_workspace *ws, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(tarn_suites_release) struct tarn_suites suites = {0};
    for (size_t i = 0; i < models->nodes.count; i++) {
        const struct tarn_model_node *node = models->nodes.items[i];
        if (node->kind == TARN_NODE_SOURCE && strcmp(node->schema, TARN_QUARANTINE_NAMESPACE) == 0)
            TARN_TRY(fill_quarantine(node, &suites, ws, arena, err));
    }
    return TARN_OK;
}

static enum tarn_status time_of(const char *option, const char *text, bool *ret_has,
                                int64_t *ret_us, struct tarn_error *err)
{
    *ret_has = text != NULL;
    if (text && !tarn_time_parse(tarn_text_of(text), ret_us))
        return tarn_fail(err, TARN_USAGE,
                         "--%s is a time such as 2026-03-01 or 2026-03-01 12:00:00, "
                         "not '%s'",
                         option, text);
    return TARN_OK;
}

static enum tarn_status run_models(enum tarn_model_command command, const char *name,
                                   const struct tarn_models_arguments *a, struct tarn_workspace *ws,
                                   struct tarn_error *err)
{
    struct tarn_model_project *models;
    struct tarn_model_run_result result;
    struct tarn_selection selection = tarn_models_selection(a);
    TARN_AUTO_FREE char *run_id = run_id_of(a);
    struct tarn_model_run_options options = {
        .command = command,
        .selection = &selection,
        .fail_fast = a->fail_fast,
        .verbose = a->verbose,
        .store_failures = a->store_failures,
        .threads = a->common.threads > 0 ? (unsigned)a->common.threads : 0,
        .run_id = run_id,
        .progress = ws->progress,
        .empty = a->empty,
    };
    TARN_TRY(time_of("event-time-start", a->event_start, &options.has_event_start,
                     &options.event_start_us, err));
    TARN_TRY(time_of("event-time-end", a->event_end, &options.has_event_end, &options.event_end_us,
                     err));
    TARN_TRY(tarn_models_load(a, ws->project, tarn_engine_catalog(ws->engine), name, &models, err));
    enum tarn_status status = TARN_OK;
    if (command != TARN_MODEL_COMPILE)
        status = fill_quarantines(models, ws, err);
    if (status == TARN_OK)
        status = tarn_model_run(models, ws->engine, ws->lake, ws->state, &options, &result, err);
    tarn_models_print_warnings(a, models);
    if (status == TARN_OK) {
        if (a->common.json) {
            TARN_BUFFER(json, JSON_BYTES_MAX);
            tarn_model_run_results_json(models, &result, &json);
            puts(tarn_buffer_str(&json));
        }
        status = report(a, &result, err);
        tarn_arena_free(result.arena);
    }
    tarn_model_project_free(models);
    return status;
}

static enum tarn_status run_command(enum tarn_model_command command, const char *name,
                                    const struct tarn_models_arguments *a, struct tarn_error *err)
{
    struct tarn_workspace workspace;
    TARN_TRY(tarn_workspace_open(&a->common, &workspace, err));
    enum tarn_status status = run_models(command, name, a, &workspace, err);
    tarn_workspace_close(&workspace);
    return status;
}

enum tarn_status tarn_models_command_with(const char *name, const struct tarn_models_arguments *a,
                                          struct tarn_error *err)
{
    static const struct {
        const char *name;
        enum tarn_model_command command;
    } commands[] = {{"build", TARN_MODEL_BUILD},
                    {"run", TARN_MODEL_RUN},
                    {"test", TARN_MODEL_TEST},
                    {"seed", TARN_MODEL_SEED},
                    {"snapshot", TARN_MODEL_SNAPSHOT}};
    for (size_t i = 0; i < TARN_COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return run_command(commands[i].command, name, a, err);
    return tarn_fail(err, TARN_USAGE, "`tarn %s` is nothing that can be run again", name);
}

enum tarn_status tarn_models_command(enum tarn_model_command command, const char *name, int argc,
                                     char **argv, struct tarn_error *err)
{
    TARN_AUTO(tarn_models_arguments_release) struct tarn_models_arguments arguments = {0};
    TARN_TRY(tarn_models_parse(argc, argv, &arguments, err));
    return run_command(command, name, &arguments, err);
}

enum tarn_status tarn_models_run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_RUN, "run", argc, argv, err);
}
