/* cli/dag_run.c -- see dag_run.h. JSON lines go to standard output, one object per change. */
#include "cli/dag_run.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/progress.h"

enum { JSON_LINE_BYTES_MAX = 1 << 16, LOG_LINES_SHOWN = 12, LABEL_COLUMNS_MIN = 12 };

struct display {
    const struct tarn_launch *launch;
    struct tarn_progress *progress;
    struct tarn_progress_step **steps; /* of running tasks */
    bool json;
    bool quiet;
};

const char *tarn_program_path(struct tarn_arena *arena)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len <= 0 || (size_t)len == sizeof path)
        return "/proc/self/exe";
    return tarn_arena_strndup(arena, path, (size_t)len);
}

static void print_json_event(const struct display *display, const struct tarn_task_event *event)
{
    char time[TARN_TIME_TEXT_BYTES];
    TARN_BUFFER(line, JSON_LINE_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&line, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "event", "task");
    tarn_json_put_str(&w, "time", tarn_time_format(tarn_now_us(), time));
    tarn_json_put_str(&w, "run_id", display->launch->run.run_id);
    tarn_json_put_str(&w, "task", event->task);
    tarn_json_put_str(&w, "state", tarn_task_state_name(event->state));
    tarn_json_put_int(&w, "try", event->try_number);
    tarn_json_put_double(&w, "seconds", (double)event->elapsed_us / 1e6);
    tarn_json_put_str(&w, "summary", event->summary);
    tarn_json_put_str(&w, "error", event->error);
    tarn_json_put_str(&w, "log", event->log);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&line));
    fflush(stdout);
}

/* The end of a failed task's log, so that nobody has to look for it first. */
static void show_failure(const struct display *display, const struct tarn_task_event *event)
{
    char tail[8192];
    FILE *file = fopen(event->log, "re");
    if (!file) {
        tarn_progress_say(display->progress, "      %s", event->error);
        return;
    }
    if (fseek(file, -(long)sizeof tail, SEEK_END) != 0)
        rewind(file);
    struct tarn_text text = {tail, fread(tail, 1, sizeof tail, file)};
    fclose(file);
    text = tarn_text_trim(text);
    if (text.len == 0)
        text = tarn_text_of(event->error);
    size_t lines = 0, start = text.len;
    while (start > 0 && (text.data[start - 1] != '\n' || ++lines < LOG_LINES_SHOWN))
        start--;
    struct tarn_text rest = {text.data + start, text.len - start}, line;
    while (tarn_text_split(&rest, '\n', &line))
        tarn_progress_say(display->progress, "      %.*s", TARN_TEXT_ARGS(line));
    tarn_progress_say(display->progress, "      (the whole log: %s)", event->log);
}

static void show_event(struct display *display, const struct tarn_task_event *event)
{
    struct tarn_progress_step **step = &display->steps[event->index];
    switch (event->state) {
    case TARN_TASK_RUNNING:
        *step = tarn_progress_begin(display->progress, event->task, 0);
        return;
    case TARN_TASK_SUCCESS:
        tarn_progress_end(*step, true, "%s", event->summary);
        break;
    case TARN_TASK_RETRYING:
        tarn_progress_end(*step, false, "try %lld failed, again in %.3g s: %.300s",
                          (long long)event->try_number, (double)event->retry_in_ms / 1000,
                          event->error);
        break;
    case TARN_TASK_FAILED:
        if (!*step) /* it could not even start */
            *step = tarn_progress_begin(display->progress, event->task, 0);
        tarn_progress_end(*step, false, "failed%s%s", *event->summary ? ": " : "", event->summary);
        show_failure(display, event);
        break;
    case TARN_TASK_CANCELLED:
        if (*step)
            tarn_progress_warn(*step, "stopped");
        break;
    case TARN_TASK_UPSTREAM_FAILED:
        tarn_progress_skip(tarn_progress_begin(display->progress, event->task, 0),
                           "not run: what it needs failed");
        break;
    case TARN_TASK_SKIPPED:
    case TARN_TASK_WAITING:
        break;
    }
    *step = NULL;
}

static void on_change(void *context, const struct tarn_task_event *event)
{
    struct display *display = context;
    if (display->json)
        print_json_event(display, event);
    show_event(display, event);
}

static void on_tick(void *context)
{
    struct display *display = context;
    for (size_t i = 0; i < display->launch->dag->task_count; i++)
        tarn_progress_advance(display->steps[i], 0);
}

static void print_json_end(const struct tarn_launch *launch, const struct tarn_run_result *result,
                           double seconds)
{
    TARN_BUFFER(line, JSON_LINE_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&line, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "event", "run");
    tarn_json_put_str(&w, "run_id", launch->run.run_id);
    tarn_json_put_str(&w, "dag", launch->run.dag);
    tarn_json_put_str(&w, "date", launch->run.logical_date);
    tarn_json_put_str(&w, "state", tarn_run_state_name(result->state));
    tarn_json_put_int(&w, "succeeded", (int64_t)result->succeeded);
    tarn_json_put_int(&w, "failed", (int64_t)result->failed);
    tarn_json_put_int(&w, "not_run", (int64_t)result->not_run);
    tarn_json_put_int(&w, "kept", (int64_t)launch->kept);
    tarn_json_put_double(&w, "seconds", seconds);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&line));
}

static void say_start(struct tarn_progress *progress, const struct tarn_launch *launch)
{
    if (launch->replaced_run)
        tarn_progress_say(progress, "This replaces %s, which was broken off.",
                          launch->replaced_run);
    if (launch->kept)
        tarn_progress_say(progress, "%s for %s goes on: %zu of %zu tasks are done (run %s)",
                          launch->run.dag, launch->run.logical_date, launch->kept,
                          launch->dag->task_count, launch->run.run_id);
    else
        tarn_progress_say(progress, "%s for %s (run %s)", launch->run.dag, launch->run.logical_date,
                          launch->run.run_id);
}

static enum tarn_status status_of(const struct tarn_launch *launch,
                                  const struct tarn_run_result *result, struct tarn_error *err)
{
    const char *run_id = launch->run.run_id, *dag = launch->run.dag;
    if (result->state == TARN_RUN_CANCELLED)
        return tarn_fail(err, TARN_CANCELLED,
                         "%s was stopped; `tarn run %s --resume` goes on with it (run %s)", dag,
                         dag, run_id);
    if (result->state == TARN_RUN_SUCCESS)
        return TARN_OK;
    return tarn_fail(err, result->only_checks_failed ? TARN_CHECKS_FAILED : TARN_INTERNAL,
                     "%zu of %zu tasks of %s failed; `tarn runs %s` shows their logs, `tarn run %s "
                     "--resume` goes on when it is mended",
                     result->failed, launch->dag->task_count, dag, run_id, dag);
}

static enum tarn_status execute(const struct tarn_common *common,
                                const struct tarn_project *project, struct tarn_state *state,
                                const struct tarn_launch *launch, struct display *display,
                                struct tarn_arena *arena, struct tarn_run_result *ret_result,
                                struct tarn_error *err)
{
    int64_t start = tarn_monotonic_us();
    struct tarn_run_plan plan = {
        .state = state,
        .dag = launch->dag,
        .run = launch->run,
        .project_directory = project->directory,
        .data_directory = project->data,
        .target = common->target,
        .program = tarn_program_path(arena),
        .memory_limit = common->memory_limit,
        .threads = common->threads,
        .tasks = launch->tasks,
        .listener = {.context = display,
                     .changed = on_change,
                     .tick = isatty(STDERR_FILENO) ? on_tick : NULL},
    };
    say_start(display->progress, launch);
    size_t label_columns = LABEL_COLUMNS_MIN;
    for (size_t i = 0; i < launch->dag->task_count; i++) {
        size_t len = strlen(launch->dag->tasks[i].name);
        label_columns = len > label_columns ? len : label_columns;
    }
    tarn_progress_label_columns(display->progress, label_columns);
    TARN_TRY(tarn_run_execute(&plan, ret_result, err));
    double seconds = (double)(tarn_monotonic_us() - start) / 1e6;
    if (common->json)
        print_json_end(launch, ret_result, seconds);
    tarn_progress_say(display->progress, "%s: %zu of %zu tasks done in %.1f s", launch->run.dag,
                      ret_result->succeeded, launch->dag->task_count, seconds);
    return status_of(launch, ret_result, err);
}

enum tarn_status tarn_dag_run(const struct tarn_common *common, const struct tarn_project *project,
                              struct tarn_state *state, struct tarn_launch_request *request,
                              struct tarn_arena *arena, struct tarn_launch *ret_launch,
                              struct tarn_run_result *ret_result, struct tarn_error *err)
{
    request->project_directory = project->directory;
    struct tarn_launch launch = {0};
    TARN_TRY(tarn_launch_prepare(state, request, arena, &launch, err));
    *ret_launch = launch;
    if (launch.nothing_to_resume) {
        *ret_result = (struct tarn_run_result){.state = TARN_RUN_SUCCESS};
        return TARN_OK;
    }
    struct display display = {
        .launch = &launch,
        .progress = tarn_progress_new(common->json || common->quiet),
        .steps = tarn_arena_array(arena, launch.dag->task_count, sizeof *display.steps),
        .json = common->json,
    };
    enum tarn_status status =
        execute(common, project, state, &launch, &display, arena, ret_result, err);
    tarn_progress_free(display.progress);
    return status;
}
