/* cli/up.c -- `tarn up`: the whole project in one command, then its report and where everything is.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/dag_run.h"
#include "lake/lake.h"

static const char help[] =
    "Usage: tarn up [--batch] [--project DIR]\n"
    "\n"
    "Runs the project's dag (daily_etl, or the only one) with live progress, prints the report "
    "that\n"
    "the dag names and says where everything lies. A run of it that was broken off is replaced;\n"
    "`tarn run --resume` goes on with one instead.\n"
    "\n"
    "  --batch   stop after the report, also when there is something to serve\n"
    "\n" TARN_COMMON_HELP;

/* Shows the report by the command that makes it; on the same standard output. */
static enum tarn_status print_report(const struct tarn_common *common,
                                     const struct tarn_project *project, const char *report,
                                     struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *program = tarn_program_path(arena);
    const char *argv[] = {program,
                          "report",
                          report,
                          "--project",
                          project->directory,
                          "--data",
                          project->data,
                          common->json ? "--json" : "--quiet",
                          NULL};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execv(program, (char *const *)argv);
        _exit(127);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (pid < 0)
        return tarn_fail_errno(err, "starting the report %s", report);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return tarn_fail(err, TARN_INTERNAL, "the report %s failed; the run itself succeeded",
                         report);
    return TARN_OK;
}

/* A path as a person would type it from here. */
static const char *from_here(const char *path, struct tarn_arena *arena)
{
    char here[4096];
    if (!getcwd(here, sizeof here - 1))
        return path;
    size_t len = strlen(here);
    if (len > 1 && strncmp(path, here, len) == 0 && path[len] == '/')
        return tarn_arena_strdup(arena, path + len + 1);
    return path;
}

/* How much a person would rather see the table: a result before what it was made of. */
static int interest_of(const struct tarn_lake_entry *entry)
{
    if (strcmp(entry->ns, "gold") == 0)
        return 3;
    if (strcmp(entry->ns, "bronze") != 0 && strcmp(entry->ns, "quarantine") != 0)
        return 2;
    return strncmp(entry->name, "rejected_", strlen("rejected_")) != 0;
}

/* NULL when there is none. */
static const char *table_to_show(const struct tarn_project *project, struct tarn_state *state,
                                 struct tarn_arena *arena)
{
    struct tarn_lake *lake;
    struct tarn_lake_list list = {0};
    struct tarn_error err; /* only an example is lost */
    if (tarn_lake_open(state, tarn_project_data_path(project, "lake"), &lake, &err) != TARN_OK)
        return NULL;
    const struct tarn_lake_entry *shown = NULL;
    if (tarn_lake_list(lake, NULL, arena, &list, &err) == TARN_OK)
        for (size_t i = 0; i < list.count; i++)
            if (!shown || interest_of(&list.entries[i]) > interest_of(shown))
                shown = &list.entries[i];
    const char *name = shown ? tarn_arena_format(arena, "%s.%s", shown->ns, shown->name) : NULL;
    tarn_lake_close(lake);
    return name;
}

/* The options that a command typed here needs to mean this project and data. */
static const char *options_from_here(const struct tarn_common *common,
                                     const struct tarn_project *project, struct tarn_arena *arena)
{
    char here[4096];
    bool inside = getcwd(here, sizeof here) && strcmp(here, project->directory) == 0;
    const char *where =
        inside ? ""
               : tarn_arena_format(arena, " --project %s", from_here(project->directory, arena));
    return common->data
               ? tarn_arena_format(arena, "%s --data %s", where, from_here(project->data, arena))
               : where;
}

static void print_where(const struct tarn_common *common, const struct tarn_project *project,
                        struct tarn_state *state, const char *run_id)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *data = from_here(project->data, arena);
    const char *program = from_here(tarn_program_path(arena), arena);
    const char *options = options_from_here(common, project, arena);
    const char *table = table_to_show(project, state, arena);
    printf("\nWhere everything lies\n"
           "  raw files, as they arrived      %s/landing\n"
           "  tables (Iceberg, Parquet)       %s/lake\n"
           "  state (runs, checks, pointers)  %s/state.db\n"
           "  logs of this run                %s/log/%s\n",
           data, data, data, data, run_id);
    printf("\nWhat to try next\n  %s tables%s\n", program, options);
    if (table)
        printf("  %s sql \"from %s limit 5\"%s\n", program, table, options);
    printf("  %s runs%s\n  %s doctor%s\n", program, options, program, options);
}

static enum tarn_status bring_up(const struct tarn_common *common,
                                 const struct tarn_project *project, bool batch, int *ret_signal,
                                 struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_state *state;
    struct tarn_launch_request request = {0};
    struct tarn_launch launch = {0};
    struct tarn_run_result result = {0};
    TARN_TRY(tarn_directory_make(project->data, err));
    TARN_TRY(tarn_state_open(tarn_project_data_path(project, "state.db"), &state, err));
    enum tarn_status status =
        tarn_dag_run(common, project, state, &request, arena, &launch, &result, err);
    *ret_signal = result.signal;
    if (status == TARN_OK && launch.dag->report)
        status = print_report(common, project, launch.dag->report, err);
    bool silent = status != TARN_OK || common->json || common->quiet;
    if (!silent)
        print_where(common, project, state, launch.run.run_id);
    tarn_state_close(state);
    if (!silent && !batch)
        puts(
            "\nThere is no console in this version, so this is the end: the same as with --batch.");
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    bool batch = false;
    const struct tarn_option options[] = {{"batch", 0, TARN_OPTION_FLAG, &batch}};
    TARN_TRY(tarn_options_parse(argc, argv, &common, options, TARN_COUNT(options), NULL, err));
    struct tarn_project *project;
    int ended_by = 0;
    TARN_TRY(tarn_project_open(common.project, common.data, common.target, &project, err));
    enum tarn_status status = bring_up(&common, project, batch, &ended_by, err);
    tarn_project_close(project);
    if (ended_by) { /* so that whoever started it sees what ended it */
        fprintf(stderr, "tarn up: %s\n", err->text);
        signal(ended_by, SIG_DFL);
        raise(ended_by);
    }
    return status;
}

const struct tarn_command tarn_command_up = {
    .name = "up",
    .summary = "run the whole project and print its report",
    .help = help,
    .run = run,
};
