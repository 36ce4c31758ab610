/* cli/runs.c -- `tarn runs`: what was run, how it went, and where the logs are. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/options.h"
#include "project/project.h"
#include "schedule/process.h"
#include "store/run.h"

enum { JSON_BYTES_MAX = 64 << 20, RUNS_SHOWN = 20 };

static const char help[] =
    "Usage: tarn runs [--dag NAME] [--limit N]     the newest runs\n"
    "       tarn runs ID                           one run: its tasks, tries and logs\n"
    "\n"
    "A beginning of an id is enough. A run that says `broken off` has lost its process:\n"
    "`tarn run DAG --resume` goes on with it.\n"
    "\n"
    "  --dag NAME   only runs of this dag\n"
    "  --limit N    how many (default 20)\n"
    "\n" TARN_COMMON_HELP;

/* "broken off" when it says that it is running and its process is gone. */
static const char *state_word(const struct tarn_run_row *run)
{
    if (run->state == TARN_RUN_RUNNING &&
        !tarn_process_alive((pid_t)run->owner_pid, run->owner_identity, run->heartbeat_us))
        return "broken off";
    return tarn_run_state_name(run->state);
}

static void format_seconds(char *out, size_t size_bytes, int64_t started_us, int64_t ended_us)
{
    if (started_us && ended_us >= started_us)
        snprintf(out, size_bytes, "%.2f s", (double)(ended_us - started_us) / 1e6);
    else
        snprintf(out, size_bytes, "-");
}

static void put_time(struct tarn_json_writer *w, const char *key, int64_t time_us)
{
    char text[TARN_TIME_TEXT_BYTES];
    tarn_json_put_str(w, key, time_us ? tarn_time_format(time_us, text) : NULL);
}

static void put_run(struct tarn_json_writer *w, const struct tarn_run_row *run)
{
    tarn_json_put_str(w, "run_id", run->run_id);
    tarn_json_put_str(w, "dag", run->dag);
    tarn_json_put_str(w, "date", run->logical_date);
    tarn_json_put_str(w, "state", state_word(run));
    put_time(w, "started", run->started_us);
    put_time(w, "ended", run->ended_us);
    tarn_json_key(w, "params");
    tarn_json_raw(w, tarn_text_of(run->params));
}

static enum tarn_status print_json(struct tarn_buffer *text, struct tarn_error *err)
{
    TARN_TRY(tarn_buffer_check(text, "the list of runs", err));
    puts(tarn_buffer_str(text));
    return TARN_OK;
}

static enum tarn_status list_json(const struct tarn_run_list *list, struct tarn_error *err)
{
    TARN_BUFFER(text, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 2);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < list->count; i++) {
        tarn_json_object_begin(&w);
        put_run(&w, &list->rows[i]);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    return print_json(&text, err);
}

static enum tarn_status list_runs(struct tarn_state *state, const char *dag, int64_t limit,
                                  bool json, struct tarn_arena *arena, struct tarn_error *err)
{
    struct tarn_run_list list;
    TARN_TRY(tarn_run_list(state, dag, limit, arena, &list, err));
    if (json)
        return list_json(&list, err);
    if (list.count == 0) {
        puts("There are no runs yet; `tarn run DAG` makes one.");
        return TARN_OK;
    }
    printf("%-36s %-10s %-10s %-20s %10s\n", "run", "date", "state", "started (UTC)", "time");
    for (size_t i = 0; i < list.count; i++) {
        const struct tarn_run_row *run = &list.rows[i];
        char started[TARN_TIME_TEXT_BYTES], seconds[40];
        tarn_time_format(run->started_us, started);
        format_seconds(seconds, sizeof seconds, run->started_us, run->ended_us);
        printf("%-36s %-10s %-10s %.10s %.8s  %10s\n", run->run_id, run->logical_date,
               state_word(run), started, started + 11, seconds);
    }
    return TARN_OK;
}

static void put_try(struct tarn_json_writer *w, const struct tarn_run_try_row *attempt)
{
    tarn_json_object_begin(w);
    tarn_json_put_int(w, "try", attempt->try_number);
    put_time(w, "started", attempt->started_us);
    put_time(w, "ended", attempt->ended_us);
    tarn_json_key(w, "exit_code");
    if (attempt->exit_code >= 0)
        tarn_json_int(w, attempt->exit_code);
    else
        tarn_json_null(w);
    tarn_json_put_int(w, "signal", attempt->signal);
    tarn_json_put_str(w, "error", attempt->error);
    tarn_json_put_str(w, "log", attempt->log);
    tarn_json_object_end(w);
}

static enum tarn_status one_json(const struct tarn_run_row *run,
                                 const struct tarn_run_task_list *tasks,
                                 const struct tarn_run_try_list *tries, struct tarn_error *err)
{
    TARN_BUFFER(text, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 2);
    tarn_json_object_begin(&w);
    put_run(&w, run);
    tarn_json_key(&w, "tasks");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < tasks->count; i++) {
        const struct tarn_run_task_row *task = &tasks->rows[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "task", task->task);
        tarn_json_put_str(&w, "state", tarn_task_state_name(task->state));
        tarn_json_put_str(&w, "summary", task->summary);
        tarn_json_put_str(&w, "error", task->error);
        tarn_json_key(&w, "tries");
        tarn_json_array_begin(&w);
        for (size_t t = 0; t < tries->count; t++)
            if (strcmp(tries->rows[t].task, task->task) == 0)
                put_try(&w, &tries->rows[t]);
        tarn_json_array_end(&w);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    return print_json(&text, err);
}

static void print_tries(const struct tarn_run_try_list *tries, const char *task)
{
    for (size_t i = 0; i < tries->count; i++) {
        const struct tarn_run_try_row *attempt = &tries->rows[i];
        if (strcmp(attempt->task, task) != 0)
            continue;
        printf("      try %lld  %s\n", (long long)attempt->try_number, attempt->log);
        if (*attempt->error)
            printf("             %s\n", attempt->error);
    }
}

static enum tarn_status show_run(struct tarn_state *state, const char *run_id, bool json,
                                 struct tarn_arena *arena, struct tarn_error *err)
{
    struct tarn_run_row run;
    struct tarn_run_task_list tasks;
    struct tarn_run_try_list tries;
    TARN_TRY(tarn_run_get(state, run_id, arena, &run, err));
    TARN_TRY(tarn_run_tasks(state, run.run_id, arena, &tasks, err));
    TARN_TRY(tarn_run_tries(state, run.run_id, arena, &tries, err));
    if (json)
        return one_json(&run, &tasks, &tries, err);
    char time[TARN_TIME_TEXT_BYTES], seconds[40];
    format_seconds(seconds, sizeof seconds, run.started_us, run.ended_us);
    printf("run %s: %s for %s, %s, started %s, %s\n", run.run_id, run.dag, run.logical_date,
           state_word(&run), tarn_time_format(run.started_us / 1000000 * 1000000, time), seconds);
    for (size_t i = 0; i < tasks.count; i++) {
        const struct tarn_run_task_row *task = &tasks.rows[i];
        format_seconds(seconds, sizeof seconds, task->started_us, task->ended_us);
        printf("  %-24s %-16s %10s  %s\n", task->task, tarn_task_state_name(task->state), seconds,
               task->summary);
        print_tries(&tries, task->task);
    }
    return TARN_OK;
}

struct arguments {
    struct tarn_common common;
    const char *dag;
    int64_t limit;
    struct tarn_strings ids;
};

static enum tarn_status show(const struct arguments *arguments, const struct tarn_project *project,
                             struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *path = tarn_project_data_path(project, "state.db");
    bool json = arguments->common.json;
    if (!tarn_file_exists(path)) {
        puts(json ? "[]" : "There are no runs yet; `tarn run DAG` makes one.");
        return TARN_OK;
    }
    struct tarn_state *state;
    TARN_TRY(tarn_state_open(path, &state, err));
    enum tarn_status status =
        arguments->ids.count ? show_run(state, arguments->ids.items[0], json, arena, err)
                             : list_runs(state, arguments->dag, arguments->limit, json, arena, err);
    tarn_state_close(state);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments arguments = {.limit = RUNS_SHOWN};
    const struct tarn_option options[] = {
        {"dag", 0, TARN_OPTION_STR, &arguments.dag},
        {"limit", 0, TARN_OPTION_INT, &arguments.limit},
    };
    struct tarn_project *project = NULL;
    const struct tarn_common *common = &arguments.common;
    enum tarn_status status = tarn_options_parse(argc, argv, &arguments.common, options,
                                                 TARN_COUNT(options), &arguments.ids, err);
    if (status == TARN_OK)
        status = tarn_project_open(common->project, common->data, common->target, &project, err);
    if (status == TARN_OK)
        status = show(&arguments, project, err);
    tarn_project_close(project);
    tarn_strings_release(&arguments.ids);
    return status;
}

const struct tarn_command tarn_command_runs = {
    .name = "runs",
    .summary = "list past runs, or one run's tasks and logs",
    .help = help,
    .run = run,
};
