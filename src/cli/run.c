/* cli/run.c -- `tarn run`: a dag by its name; without one, the project's models as in dbt. */
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/dag_run.h"

static const char help[] =
    "Usage: tarn run DAG [options]           runs dags/DAG.yml\n"
    "       tarn run [DAG] --resume          goes on with its newest run that did not succeed\n"
    "       tarn run [--select MODEL...]     runs the project's models (see `tarn build --help`)\n"
    "\n"
    "Tasks run as processes of their own, side by side where the dag allows it. Every change is "
    "in\n"
    "the state file before the next step begins, so a run that was ended in any way can be "
    "resumed.\n"
    "\n"
    "  --date DAY          the day it is for, e.g. 2026-03-01 (default: today in the dag's zone)\n"
    "  --from TASK         this task and everything that needs it\n"
    "  --only TASK         this task alone\n"
    "  --param NAME=VALUE  sets a param of the dag (TARN_PARAM_NAME for commands, a var for "
    "models)\n"
    "  --resume            goes on with a run; tasks that succeeded are not run again\n"
    "\n" TARN_COMMON_HELP "\n"
    "Exit codes: 0 done, 1 checks failed, 2 usage or configuration, 3 a task failed otherwise;\n"
    "ended by the signal itself (130 in a shell) after Ctrl-C.\n"
    "\n"
    "Examples:\n"
    "  tarn run daily_etl --date 2026-03-01\n"
    "  tarn run daily_etl --from build\n"
    "  tarn run --resume\n";

struct arguments {
    struct tarn_common common;
    struct tarn_launch_request request;
    struct tarn_strings params;
    struct tarn_strings names;
};

static enum tarn_status parse_params(struct arguments *arguments, struct tarn_arena *arena,
                                     struct tarn_error *err)
{
    size_t count = arguments->params.count;
    struct tarn_dag_pair *pairs = tarn_arena_array(arena, count + 1, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        const char *text = arguments->params.items[i], *equals = strchr(text, '=');
        if (!equals || equals == text)
            return tarn_fail(err, TARN_USAGE, "--param is NAME=VALUE, not '%s'", text);
        pairs[i].name = tarn_arena_strndup(arena, text, (size_t)(equals - text));
        pairs[i].value = equals + 1;
    }
    arguments->request.params = pairs;
    arguments->request.param_count = count;
    return TARN_OK;
}

static enum tarn_status run_dag(struct arguments *arguments, struct tarn_arena *arena,
                                struct tarn_run_result *result, struct tarn_error *err)
{
    struct tarn_project *project;
    struct tarn_state *state = NULL;
    struct tarn_launch launch = {0};
    const struct tarn_common *common = &arguments->common;
    TARN_TRY(tarn_project_open(common->project, common->data, common->target, &project, err));
    enum tarn_status status = tarn_directory_make(project->data, err);
    if (status == TARN_OK)
        status = tarn_state_open(tarn_project_data_path(project, "state.db"), &state, err);
    if (status == TARN_OK)
        status =
            tarn_dag_run(common, project, state, &arguments->request, arena, &launch, result, err);
    if (status == TARN_OK && launch.nothing_to_resume && !common->quiet)
        fprintf(stderr,
                launch.run.run_id ? "There is nothing to resume: the run %s succeeded.\n"
                                  : "There is nothing to resume%s.\n",
                launch.run.run_id ? launch.run.run_id : "");
    tarn_state_close(state);
    tarn_project_close(project);
    return status;
}

static enum tarn_status parse_and_run(int argc, char **argv, struct arguments *arguments,
                                      struct tarn_run_result *result, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_launch_request *request = &arguments->request;
    const struct tarn_option options[] = {
        {"date", 0, TARN_OPTION_STR, &request->date},
        {"from", 0, TARN_OPTION_STR, &request->from},
        {"only", 0, TARN_OPTION_STR, &request->only},
        {"param", 0, TARN_OPTION_LIST, &arguments->params},
        {"resume", 0, TARN_OPTION_FLAG, &request->resume},
    };
    TARN_TRY(tarn_options_parse(argc, argv, &arguments->common, options, TARN_COUNT(options),
                                &arguments->names, err));
    if (arguments->names.count > 1)
        return tarn_fail(err, TARN_USAGE, "one dag at a time, not '%s' and '%s'",
                         arguments->names.items[0], arguments->names.items[1]);
    request->dag = arguments->names.count ? arguments->names.items[0] : NULL;
    TARN_TRY(parse_params(arguments, arena, err));
    return run_dag(arguments, arena, result, err);
}

/* A positional argument, --resume, --from or --only mean a dag; anything else is dbt's run. */
static bool means_dag(int argc, char **argv)
{
    static const char *const dag_options[] = {"--resume", "--from", "--only", "--date", "--param"};
    static const char *const values[] = {"--project", "--data", "--target", "--memory-limit",
                                         "--threads"};
    for (int i = 1; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        for (size_t k = 0; k < TARN_COUNT(dag_options); k++)
            if (strlen(dag_options[k]) == len && strncmp(argv[i], dag_options[k], len) == 0)
                return true;
        bool takes_value = false;
        for (size_t k = 0; k < TARN_COUNT(values); k++)
            takes_value = takes_value || strcmp(argv[i], values[k]) == 0;
        i += takes_value;
        if (takes_value || strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--quiet") == 0)
            continue;
        return argv[i][0] != '-'; /* a name, or an option that only models have */
    }
    return false;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    if (!means_dag(argc, argv))
        return tarn_models_run(argc, argv, err);
    struct arguments arguments = {0};
    struct tarn_run_result result = {0};
    enum tarn_status status = parse_and_run(argc, argv, &arguments, &result, err);
    tarn_strings_release(&arguments.params);
    tarn_strings_release(&arguments.names);
    if (result.signal) { /* so that whoever started it sees what ended it */
        fprintf(stderr, "tarn run: %s\n", err->text);
        signal(result.signal, SIG_DFL);
        raise(result.signal);
    }
    return status;
}

const struct tarn_command tarn_command_run = {
    .name = "run",
    .summary = "run a dag (or, without a name, the project's models)",
    .help = help,
    .run = run,
};
