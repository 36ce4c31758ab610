/* cli/retry.c -- `tarn retry`: runs again what failed or was skipped in the last run of models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/models.h"

enum { RESULTS_BYTES_MAX = 1 << 30 };

/* The last run_results.json, in the folder that dbt_project.yml names. */
static enum tarn_status read_results(const struct tarn_project *project, struct tarn_arena *arena,
                                     json_t **ret_results, struct tarn_error *err)
{
    const char *target = "target";
    const struct tarn_yaml *root;
    TARN_BUFFER(text, RESULTS_BYTES_MAX);
    TARN_TRY(tarn_yaml_read(tarn_project_path(project, "dbt_project.yml"), arena, &root, err));
    TARN_TRY(tarn_yaml_str(root, "target-path", &target, err));
    const char *path = tarn_arena_format(arena, "%s/run_results.json", target);
    if (target[0] != '/')
        path = tarn_project_path(project, path);
    if (tarn_file_read(path, &text, err) != TARN_OK)
        return tarn_error_wrap(err, "there is no earlier run to go on from");
    *ret_results = json_loadb(tarn_buffer_str(&text), text.len, 0, NULL);
    if (!*ret_results)
        return tarn_fail(err, TARN_CONFIG, "%s is no JSON; run `tarn build` again", path);
    return TARN_OK;
}

static void add_unfinished(json_t *results, struct tarn_arena *arena,
                           struct tarn_models_arguments *a)
{
    static const char *const again[] = {"error", "fail", "skipped", "runtime error",
                                        "partial success"};
    json_t *list = json_object_get(results, "results"), *one;
    size_t i;
    json_array_foreach (list, i, one) {
        const char *id = json_string_value(json_object_get(one, "unique_id"));
        const char *status = json_string_value(json_object_get(one, "status"));
        for (size_t k = 0; id && status && k < TARN_COUNT(again); k++)
            if (strcmp(status, again[k]) == 0)
                tarn_strings_add(&a->select, tarn_arena_strdup(arena, id));
    }
}

/* What the run was told, unless this one is told otherwise. */
static void take_settings(json_t *args, struct tarn_arena *arena, struct tarn_models_arguments *a)
{
    json_t *vars = json_object_get(args, "vars");
    a->full_refresh |= json_is_true(json_object_get(args, "full_refresh"));
    if (!a->vars && json_object_size(vars) > 0) {
        TARN_AUTO_FREE char *text = json_dumps(vars, JSON_COMPACT);
        a->vars = tarn_arena_strdup(arena, text ? text : "{}");
    }
}

static enum tarn_status retry(struct tarn_models_arguments *a, struct tarn_arena *arena,
                              struct tarn_error *err)
{
    struct tarn_project *project;
    json_t *results = NULL;
    TARN_TRY(tarn_project_open(a->common.project, a->common.data, a->common.target, &project, err));
    enum tarn_status status = read_results(project, arena, &results, err);
    tarn_project_close(project);
    TARN_TRY(status);
    json_t *args = json_object_get(results, "args");
    const char *which = json_string_value(json_object_get(args, "which"));
    const char *command = tarn_arena_strdup(arena, which ? which : "build");
    add_unfinished(results, arena, a);
    take_settings(args, arena, a);
    json_decref(results);
    if (a->select.count == 0) {
        if (!a->common.quiet && !a->common.json)
            puts("There is nothing to run again: all of the last run succeeded.");
        return TARN_OK;
    }
    return tarn_models_command_with(command, a, err);
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    TARN_AUTO(tarn_models_arguments_release) struct tarn_models_arguments arguments = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_TRY(tarn_models_parse(argc, argv, &arguments, err));
    if (arguments.select.count || arguments.exclude.count || arguments.selector)
        return tarn_fail(err, TARN_USAGE,
                         "it runs what did not succeed; to choose, use `tarn build --select "
                         "result:error+`");
    return retry(&arguments, arena, err);
}

const struct tarn_command tarn_command_retry = {
    .name = "retry",
    .summary = "run again what failed or was skipped in the last run of models",
    .help =
        "Usage: tarn retry [options]\n\n"
        "Takes the command, vars and full refresh of the last `tarn build`, run, test, seed or\n"
        "snapshot (target/run_results.json) and runs what failed or was skipped in it again.\n"
        "\n" TARN_MODELS_HELP TARN_COMMON_HELP,
    .run = run,
};
