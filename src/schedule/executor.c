/* schedule/executor.c -- see executor.h.
 *
 * The loop: start what is ready, sleep until a child ends, a signal comes or a time is up, act on
 * it. A success is recorded before anything that needs it starts. The beginning of a try is
 * recorded when nothing else is to do, or with its end: a runner that dies before leaves only a
 * stray, which the next one ends. */
#include "schedule/executor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "schedule/process.h"
#include "schedule/task_command.h"

enum {
    TICK_MS = 100,
    HEARTBEAT_US = 5 * 1000 * 1000,
    BEGIN_UNRECORDED_MS = 20,    /* a try shorter than this is recorded in one transaction */
    GRACE_US = 10 * 1000 * 1000, /* between SIGTERM and SIGKILL */

    SUMMARY_BYTES_MAX = 300,
    ERROR_BYTES_MAX = 2000,
};

struct task {
    const struct tarn_dag_task *declared;
    enum tarn_task_state state;
    pid_t pid;
    int64_t try_number; /* over all runners of this run */
    int64_t tries_here; /* what the retries are counted on */
    int64_t started_us; /* wall clock, for the record */
    int64_t started_at; /* monotonic, as all the times below */
    int64_t deadline_at;
    int64_t kill_at;  /* 0: not asked to stop */
    int64_t retry_at; /* RETRYING */
    int64_t retry_in_us;
    bool unrecorded; /* its beginning is not in the state file yet */
    bool timed_out;
    bool checks_failed;
    char *log;
    char *summary_file;
};

struct executor {
    const struct tarn_run_plan *plan;
    struct tarn_arena *arena;
    struct task *tasks;
    size_t count;
    int64_t slots;
    int64_t heartbeat_at;
    char *log_directory;
    int signals; /* signalfd */
    int stop_signal;
    struct tarn_error *err;
};

static void tell(struct executor *e, const struct task *task, const char *summary,
                 const char *error)
{
    int64_t now = tarn_monotonic_us();
    struct tarn_task_event event = {
        .task = task->declared->name,
        .index = (size_t)(task - e->tasks),
        .state = task->state,
        .try_number = task->try_number,
        .elapsed_us = task->started_at ? now - task->started_at : 0,
        .retry_in_ms = task->state == TARN_TASK_RETRYING ? task->retry_in_us / 1000 : 0,
        .summary = summary,
        .error = error,
        .log = task->log ? task->log : "",
    };
    e->plan->listener.changed(e->plan->listener.context, &event);
}

static bool has_ended(enum tarn_task_state state)
{
    return state != TARN_TASK_WAITING && state != TARN_TASK_RUNNING && state != TARN_TASK_RETRYING;
}

/* What the needs of a waiting task mean for it. */
enum readiness { NOT_YET, READY, NEVER };

static enum readiness readiness_of(const struct executor *e, const struct task *task)
{
    const struct tarn_dag_task *declared = task->declared;
    bool all_succeeded = true;
    for (size_t i = 0; i < declared->need_count; i++) {
        enum tarn_task_state state = e->tasks[declared->needs[i]].state;
        if (!has_ended(state))
            return NOT_YET;
        /* a task left out by --from or --only is taken as done */
        all_succeeded &= state == TARN_TASK_SUCCESS || state == TARN_TASK_SKIPPED;
    }
    return all_succeeded || declared->trigger == TARN_DAG_ALL_DONE ? READY : NEVER;
}

static size_t count_running(const struct executor *e, int pool)
{
    size_t running = 0;
    for (size_t i = 0; i < e->count; i++)
        running += e->tasks[i].state == TARN_TASK_RUNNING &&
                   (pool < 0 || e->tasks[i].declared->pool == pool);
    return running;
}

static bool has_slot(const struct executor *e, const struct task *task)
{
    int pool = task->declared->pool;
    return (int64_t)count_running(e, -1) < e->slots &&
           (pool < 0 || (int64_t)count_running(e, pool) < e->plan->dag->pools[pool].slots);
}

static enum tarn_status set_state(struct executor *e, struct task *task, enum tarn_task_state state)
{
    task->state = state;
    TARN_TRY(tarn_run_task_set(e->plan->state, e->plan->run.run_id, task->declared->name, state,
                               tarn_now_us(), e->err));
    tell(e, task, "", "");
    return TARN_OK;
}

static struct tarn_run_try_row try_row(const struct task *task)
{
    return (struct tarn_run_try_row){
        .task = task->declared->name,
        .try_number = task->try_number,
        .pid = task->pid,
        .log = task->log,
        .started_us = task->started_us,
        .exit_code = -1,
        .error = "",
    };
}

/* A log of this name is of a try that was never recorded: its runner died. */
static void name_files(struct executor *e, struct task *task)
{
    TARN_AUTO_FREE char *base = tarn_format("%s/%s.%lld", e->log_directory, task->declared->name,
                                            (long long)task->try_number);
    task->log = tarn_arena_format(e->arena, "%s.log", base);
    task->summary_file = tarn_arena_format(e->arena, "%s.summary", base);
    (void)unlink(task->summary_file); /* usually not there */
}

static enum tarn_status finish_try(struct executor *e, struct task *task,
                                   struct tarn_process_exit end, const char *failure);

static enum tarn_status start_task(struct executor *e, struct task *task)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_task_command command;
    struct tarn_error failure = {0};
    task->try_number++;
    task->tries_here++;
    task->timed_out = false;
    task->kill_at = 0;
    name_files(e, task);
    task->started_us = tarn_now_us();
    task->started_at = tarn_monotonic_us();
    task->deadline_at = task->started_at + task->declared->timeout_ms * 1000;
    enum tarn_status status = tarn_task_command_make(e->plan, task->declared, task->try_number,
                                                     task->summary_file, arena, &command, &failure);
    task->pid = 0;
    if (status == TARN_OK)
        status =
            tarn_process_start(&(struct tarn_process_spec){command.argv, command.environment,
                                                           e->plan->project_directory, task->log},
                               &task->pid, &failure);
    task->state = TARN_TASK_RUNNING;
    task->unrecorded = true;
    if (status != TARN_OK) {
        struct tarn_process_exit none = {.exit_code = tarn_status_exit_code(status)};
        return finish_try(e, task, none, failure.text);
    }
    tell(e, task, "", "");
    return TARN_OK;
}

/* Starts what can start; repeats while a change of state may free others. */
static enum tarn_status start_ready(struct executor *e)
{
    int64_t now = tarn_monotonic_us();
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < e->count; i++) {
            struct task *task = &e->tasks[i];
            enum readiness readiness = task->state == TARN_TASK_WAITING ? readiness_of(e, task)
                                       : task->state == TARN_TASK_RETRYING && task->retry_at <= now
                                           ? READY
                                           : NOT_YET;
            if (readiness == NEVER) {
                TARN_TRY(set_state(e, task, TARN_TASK_UPSTREAM_FAILED));
                changed = true;
            } else if (readiness == READY && has_slot(e, task)) {
                TARN_TRY(start_task(e, task));
                changed |= task->state != TARN_TASK_RUNNING;
            }
        }
    }
    return TARN_OK;
}

/* The last line that says something; a long one is cut at its end. */
static char *last_line(const char *path, size_t max_bytes, struct tarn_arena *arena)
{
    enum { TAIL_BYTES = 8192 };
    char tail[TAIL_BYTES];
    FILE *file = fopen(path, "re");
    if (!file)
        return tarn_arena_strdup(arena, "");
    if (fseek(file, -(long)sizeof tail, SEEK_END) != 0)
        rewind(file);
    struct tarn_text text = {tail, fread(tail, 1, sizeof tail, file)};
    fclose(file);
    text = tarn_text_trim(text);
    const char *newline = text.len ? memrchr(text.data, '\n', text.len) : NULL;
    if (newline)
        text = (struct tarn_text){newline + 1, text.len - (size_t)(newline + 1 - text.data)};
    text = tarn_text_trim(text);
    if (text.len > max_bytes)
        text.len = max_bytes;
    text.len = tarn_utf8_valid_prefix(text);
    return tarn_arena_strndup(arena, text.data, text.len);
}

static char *describe_failure(struct executor *e, const struct task *task,
                              struct tarn_process_exit end)
{
    const char *line = last_line(task->log, ERROR_BYTES_MAX, e->arena);
    if (task->timed_out)
        return tarn_arena_format(e->arena, "ran longer than its timeout of %.3g s",
                                 (double)task->declared->timeout_ms / 1000);
    if (end.signal)
        return tarn_arena_format(e->arena, "ended by signal %d (%s)%s%s", end.signal,
                                 strsignal(end.signal), *line ? ": " : "", line);
    if (*line)
        return tarn_arena_strdup(e->arena, line);
    return tarn_arena_format(e->arena, "exit code %d", end.exit_code);
}

/* A command of tarn's own that failed its checks (1) or was asked for what cannot be (2) fails the
 * same way again. */
static bool may_help_to_retry(const struct task *task, struct tarn_process_exit end)
{
    return task->declared->is_command || (end.exit_code != 1 && end.exit_code != 2);
}

static int64_t retry_delay_us(const struct task *task)
{
    int64_t delay = task->declared->retry_delay_ms, max = task->declared->retry_delay_max_ms;
    for (int64_t i = 1; i < task->tries_here && delay < max; i++)
        delay *= 2;
    return (delay < max ? delay : max) * 1000;
}

static enum tarn_task_state state_after(struct executor *e, struct task *task,
                                        struct tarn_process_exit end)
{
    if (end.exit_code == 0 && !task->timed_out)
        return TARN_TASK_SUCCESS;
    if (e->stop_signal)
        return TARN_TASK_CANCELLED;
    if (task->tries_here <= task->declared->retries && may_help_to_retry(task, end))
        return TARN_TASK_RETRYING;
    return TARN_TASK_FAILED;
}

struct ending {
    struct executor *executor;
    struct task *task;
    const struct tarn_run_try_row *row;
    const char *summary;
};

static enum tarn_status record_end(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct ending *ending = context;
    const char *run_id = ending->executor->plan->run.run_id;
    if (ending->task->unrecorded)
        TARN_TRY(tarn_run_try_begin(state, run_id, ending->row, err));
    ending->task->unrecorded = false;
    return tarn_run_try_end(state, run_id, ending->row, ending->task->state, ending->summary, err);
}

/* `failure`: why it did not even start; NULL: the log tells. */
static enum tarn_status finish_try(struct executor *e, struct task *task,
                                   struct tarn_process_exit end, const char *failure)
{
    task->state = state_after(e, task, end);
    task->checks_failed = end.exit_code == 1 && !task->declared->is_command;
    if (task->state == TARN_TASK_RETRYING) {
        task->retry_in_us = retry_delay_us(task);
        task->retry_at = tarn_monotonic_us() + task->retry_in_us;
    }
    struct tarn_run_try_row row = try_row(task);
    row.ended_us = tarn_now_us();
    row.exit_code = end.exit_code;
    row.signal = end.signal;
    if (task->state != TARN_TASK_SUCCESS)
        row.error = failure ? failure : describe_failure(e, task, end);
    const char *summary = last_line(task->summary_file, SUMMARY_BYTES_MAX, e->arena);
    (void)unlink(task->summary_file);
    task->pid = 0;
    struct ending ending = {e, task, &row, summary};
    TARN_TRY(tarn_state_transaction(e->plan->state, record_end, &ending, e->err));
    tell(e, task, summary, row.error);
    return TARN_OK;
}

static enum tarn_status reap_children(struct executor *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct tarn_process_exit end;
        if (e->tasks[i].pid && tarn_process_reap(e->tasks[i].pid, &end))
            TARN_TRY(finish_try(e, &e->tasks[i], end, NULL));
    }
    return TARN_OK;
}

static void ask_to_stop(struct task *task, int64_t now)
{
    if (task->kill_at)
        return;
    tarn_process_signal(task->pid, SIGTERM);
    task->kill_at = now + GRACE_US;
}

static void stop_overdue(struct executor *e)
{
    int64_t now = tarn_monotonic_us();
    for (size_t i = 0; i < e->count; i++) {
        struct task *task = &e->tasks[i];
        if (!task->pid)
            continue;
        if (task->deadline_at <= now && !task->kill_at && !e->stop_signal) {
            task->timed_out = true;
            ask_to_stop(task, now);
        }
        if (task->kill_at && task->kill_at <= now) {
            tarn_process_signal(task->pid, SIGKILL);
            task->kill_at = now + GRACE_US;
        }
    }
}

static enum tarn_status cancel(struct executor *e, int number)
{
    int64_t now = tarn_monotonic_us();
    bool again = e->stop_signal != 0;
    e->stop_signal = number;
    for (size_t i = 0; i < e->count; i++) {
        struct task *task = &e->tasks[i];
        if (task->pid && again)
            tarn_process_signal(task->pid, SIGKILL);
        else if (task->pid)
            ask_to_stop(task, now);
        else if (!has_ended(task->state))
            TARN_TRY(set_state(e, task, TARN_TASK_CANCELLED));
    }
    return TARN_OK;
}

static enum tarn_status handle_signals(struct executor *e)
{
    struct signalfd_siginfo info;
    while (read(e->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            TARN_TRY(cancel(e, (int)info.ssi_signo));
    return reap_children(e);
}

static enum tarn_status record_begun(struct tarn_state *state, void *context,
                                     struct tarn_error *err)
{
    struct executor *e = context;
    for (size_t i = 0; i < e->count; i++) {
        struct task *task = &e->tasks[i];
        struct tarn_run_try_row row = try_row(task);
        if (task->unrecorded)
            TARN_TRY(tarn_run_try_begin(state, e->plan->run.run_id, &row, err));
        task->unrecorded = false;
    }
    return TARN_OK;
}

static bool any_unrecorded(const struct executor *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->tasks[i].unrecorded)
            return true;
    return false;
}

/* Milliseconds until something is due, at most a tick while tasks run. */
static int sleep_ms(const struct executor *e)
{
    int64_t now = tarn_monotonic_us(), next = e->heartbeat_at;
    for (size_t i = 0; i < e->count; i++) {
        const struct task *task = &e->tasks[i];
        int64_t due = task->state == TARN_TASK_RETRYING ? task->retry_at
                      : task->pid == 0                  ? INT64_MAX
                      : task->kill_at                   ? task->kill_at
                                                        : task->deadline_at;
        next = due < next ? due : next;
    }
    int64_t wait_ms = next <= now ? 0 : (next - now + 999) / 1000;
    int64_t max_ms = any_unrecorded(e)        ? BEGIN_UNRECORDED_MS
                     : e->plan->listener.tick ? TICK_MS
                                              : INT32_MAX;
    return (int)(wait_ms < max_ms ? wait_ms : max_ms);
}

static enum tarn_status beat(struct executor *e)
{
    int64_t now = tarn_monotonic_us();
    if (e->plan->listener.tick)
        e->plan->listener.tick(e->plan->listener.context);
    if (now < e->heartbeat_at)
        return TARN_OK;
    e->heartbeat_at = now + HEARTBEAT_US;
    return tarn_run_heartbeat(e->plan->state, e->plan->run.run_id, tarn_now_us(), e->err);
}

static bool all_ended(const struct executor *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (!has_ended(e->tasks[i].state))
            return false;
    return true;
}

static enum tarn_status run_loop(struct executor *e)
{
    for (;;) {
        if (!e->stop_signal)
            TARN_TRY(start_ready(e));
        if (all_ended(e))
            return TARN_OK;
        struct pollfd wake = {.fd = e->signals, .events = POLLIN};
        int woken = poll(&wake, 1, sleep_ms(e));
        if (woken < 0 && errno != EINTR)
            return tarn_fail_errno(e->err, "waiting for tasks");
        if (woken == 0 && any_unrecorded(e))
            TARN_TRY(tarn_state_transaction(e->plan->state, record_begun, e, e->err));
        TARN_TRY(handle_signals(e));
        stop_overdue(e);
        TARN_TRY(beat(e));
    }
}

/* After an error: no child may outlive the run. */
static void kill_children(struct executor *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->tasks[i].pid)
            tarn_process_signal(e->tasks[i].pid, SIGKILL);
    for (size_t i = 0; i < e->count; i++) {
        struct tarn_process_exit end;
        while (e->tasks[i].pid && !tarn_process_reap(e->tasks[i].pid, &end))
            poll(NULL, 0, 1);
        e->tasks[i].pid = 0;
    }
}

static struct tarn_run_result sum_up(const struct executor *e)
{
    struct tarn_run_result result = {.only_checks_failed = true, .signal = e->stop_signal};
    bool cancelled = false;
    for (size_t i = 0; i < e->count; i++) {
        const struct task *task = &e->tasks[i];
        result.succeeded += task->state == TARN_TASK_SUCCESS;
        result.failed += task->state == TARN_TASK_FAILED;
        result.not_run += task->state == TARN_TASK_SKIPPED ||
                          task->state == TARN_TASK_UPSTREAM_FAILED ||
                          task->state == TARN_TASK_CANCELLED;
        result.only_checks_failed &= task->state != TARN_TASK_FAILED || task->checks_failed;
        cancelled |= task->state == TARN_TASK_CANCELLED;
    }
    result.state = cancelled       ? TARN_RUN_CANCELLED
                   : result.failed ? TARN_RUN_FAILED
                                   : TARN_RUN_SUCCESS;
    result.only_checks_failed &= result.failed > 0;
    return result;
}

static enum tarn_status prepare(struct executor *e)
{
    const struct tarn_run_plan *plan = e->plan;
    e->log_directory =
        tarn_arena_format(e->arena, "%s/log/%s", plan->data_directory, plan->run.run_id);
    TARN_TRY(tarn_directory_make(e->log_directory, e->err));
    e->count = plan->dag->task_count;
    e->tasks = tarn_arena_array(e->arena, e->count, sizeof *e->tasks);
    for (size_t i = 0; i < e->count; i++)
        e->tasks[i] = (struct task){
            .declared = &plan->dag->tasks[i],
            .state = plan->tasks[i].state,
            .try_number = plan->tasks[i].tries,
        };
    e->slots = plan->dag->max_parallel ? plan->dag->max_parallel : (int64_t)tarn_cpu_count();
    e->heartbeat_at = tarn_monotonic_us() + HEARTBEAT_US;
    return TARN_OK;
}

static enum tarn_status run_and_record(struct executor *e, struct tarn_run_result *ret_result)
{
    enum tarn_status status = run_loop(e);
    if (status != TARN_OK) {
        kill_children(e);
        return status;
    }
    struct tarn_run_result result = sum_up(e);
    TARN_TRY(
        tarn_run_finish(e->plan->state, e->plan->run.run_id, result.state, tarn_now_us(), e->err));
    *ret_result = result;
    return TARN_OK;
}

enum tarn_status tarn_run_execute(const struct tarn_run_plan *plan,
                                  struct tarn_run_result *ret_result, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct executor e = {.plan = plan, .arena = arena, .err = err};
    TARN_TRY(prepare(&e));
    sigset_t wanted, before;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &wanted, &before) != 0)
        return tarn_fail(err, TARN_INTERNAL, "blocking signals failed");
    e.signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    enum tarn_status status =
        e.signals < 0 ? tarn_fail_errno(err, "opening a signalfd") : run_and_record(&e, ret_result);
    if (e.signals >= 0)
        close(e.signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
