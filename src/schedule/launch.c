/* schedule/launch.c -- see launch.h. */
#include "schedule/launch.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "schedule/process.h"

enum { DAY_S = 86400, PARAMS_BYTES_MAX = 1 << 20 };

struct launch {
    const struct tarn_launch_request *request;
    struct tarn_arena *arena;
    struct tarn_launch *result;
    struct tarn_run_list dead; /* runs whose processes may have left children */
};

/* The run's date and the instants at which that day begins and ends in the dag's zone. */
static enum tarn_status choose_date(const struct tarn_launch_request *request,
                                    const struct tarn_dag *dag, struct tarn_arena *arena,
                                    struct tarn_run_row *run, struct tarn_error *err)
{
    int64_t day;
    if (request->date) {
        int64_t time_us;
        if (strlen(request->date) != 10 || !tarn_time_parse(tarn_text_of(request->date), &time_us))
            return tarn_fail(err, TARN_USAGE, "--date is a day such as 2026-03-01, not '%s'",
                             request->date);
        day = time_us / 1000000 / DAY_S - (time_us < 0 && time_us / 1000000 % DAY_S != 0);
    } else {
        int64_t now = tarn_now_us() / 1000000;
        day = (now + tarn_timezone_offset(dag->timezone, now)) / DAY_S;
    }
    char text[TARN_TIME_TEXT_BYTES];
    run->logical_date = tarn_arena_strdup(arena, tarn_date_format(day, text));
    run->interval_start_us = tarn_timezone_instant(dag->timezone, day * DAY_S) * 1000000;
    run->interval_end_us = tarn_timezone_instant(dag->timezone, (day + 1) * DAY_S) * 1000000;
    return TARN_OK;
}

static const struct tarn_dag_pair *find_pair(const struct tarn_dag_pair *pairs, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return &pairs[i];
    return NULL;
}

static enum tarn_status check_params(const struct tarn_launch_request *request,
                                     const struct tarn_dag *dag, struct tarn_error *err)
{
    for (size_t i = 0; dag->param_count && i < request->param_count; i++) {
        const char *name = request->params[i].name;
        if (find_pair(dag->params, dag->param_count, name))
            continue;
        TARN_BUFFER(all, 1000);
        for (size_t at = 0; at < dag->param_count; at++)
            tarn_buffer_printf(&all, "%s%s", at ? ", " : "", dag->params[at].name);
        return tarn_fail(err, TARN_USAGE, "the dag %s has no param '%s'; it has %s", dag->name,
                         name, tarn_buffer_str(&all));
    }
    return TARN_OK;
}

/* The dag's params with the request's over them, as a JSON object of texts. */
static enum tarn_status make_params(const struct tarn_launch_request *request,
                                    const struct tarn_dag *dag, struct tarn_arena *arena,
                                    const char **ret_params, struct tarn_error *err)
{
    TARN_TRY(check_params(request, dag, err));
    TARN_BUFFER(text, PARAMS_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 0);
    tarn_json_object_begin(&w);
    for (size_t i = 0; i < dag->param_count; i++)
        if (!find_pair(request->params, request->param_count, dag->params[i].name))
            tarn_json_put_str(&w, dag->params[i].name, dag->params[i].value);
    for (size_t i = 0; i < request->param_count; i++)
        if (!find_pair(request->params + i + 1, request->param_count - i - 1,
                       request->params[i].name)) /* the last of a name counts */
            tarn_json_put_str(&w, request->params[i].name, request->params[i].value);
    tarn_json_object_end(&w);
    TARN_TRY(tarn_buffer_check(&text, "--param", err));
    *ret_params = tarn_arena_strdup(arena, tarn_buffer_str(&text));
    return TARN_OK;
}

/* Marks `index` and everything that needs it, directly or not. */
static void mark_downstream(const struct tarn_dag *dag, size_t index, bool *marked)
{
    marked[index] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < dag->task_count; i++)
            for (size_t n = 0; n < dag->tasks[i].need_count && !marked[i]; n++)
                if (marked[dag->tasks[i].needs[n]])
                    changed = marked[i] = true;
    }
}

static enum tarn_status choose_tasks(const struct tarn_launch_request *request,
                                     const struct tarn_dag *dag, struct tarn_arena *arena,
                                     const struct tarn_run_task_row **ret_tasks,
                                     struct tarn_error *err)
{
    bool *chosen = tarn_arena_array(arena, dag->task_count, sizeof *chosen);
    size_t index;
    if (request->from && request->only)
        return tarn_fail(err, TARN_USAGE, "--from and --only exclude each other; give one");
    if (request->from || request->only) {
        const char *name = request->from ? request->from : request->only;
        if (tarn_dag_task_find(dag, name, &index, err) != TARN_OK)
            return err->status = TARN_USAGE;
    }
    if (request->only)
        chosen[index] = true;
    else if (request->from)
        mark_downstream(dag, index, chosen);
    else
        memset(chosen, true, dag->task_count);
    struct tarn_run_task_row *tasks = tarn_arena_array(arena, dag->task_count, sizeof *tasks);
    for (size_t i = 0; i < dag->task_count; i++)
        tasks[i] = (struct tarn_run_task_row){
            .task = dag->tasks[i].name,
            .state = chosen[i] ? TARN_TASK_WAITING : TARN_TASK_SKIPPED,
            .summary = "",
            .error = "",
        };
    *ret_tasks = tasks;
    return TARN_OK;
}

/* CONFLICT when a live process runs the dag; otherwise fills launch->dead. */
static enum tarn_status check_others(struct tarn_state *state, struct launch *launch,
                                     const char *dag, struct tarn_error *err)
{
    struct tarn_run_list running;
    TARN_TRY(tarn_run_list_running(state, dag, launch->arena, &running, err));
    for (size_t i = 0; i < running.count; i++) {
        const struct tarn_run_row *run = &running.rows[i];
        if (tarn_process_alive((pid_t)run->owner_pid, run->owner_identity, run->heartbeat_us))
            return tarn_fail(err, TARN_CONFLICT,
                             "the dag %s is being run by process %lld (run %s); wait until it is "
                             "done, or end it with `kill %lld`",
                             dag, (long long)run->owner_pid, run->run_id,
                             (long long)run->owner_pid);
    }
    launch->dead = running;
    return TARN_OK;
}

static void set_owner(struct tarn_run_row *run, struct tarn_arena *arena)
{
    char identity[TARN_PROCESS_IDENTITY_BYTES];
    run->owner_pid = getpid();
    run->owner_identity = tarn_arena_strdup(arena, tarn_process_identity(getpid(), identity));
    run->heartbeat_us = tarn_now_us();
}

/* The dead runs that are not gone on with. */
static enum tarn_status mark_lost(struct tarn_state *state, struct launch *launch,
                                  struct tarn_error *err)
{
    struct tarn_launch *result = launch->result;
    for (size_t i = 0; i < launch->dead.count; i++) {
        const char *run_id = launch->dead.rows[i].run_id;
        if (result->run.run_id && strcmp(run_id, result->run.run_id) == 0)
            continue;
        result->replaced_run = run_id;
        TARN_TRY(tarn_run_finish(state, run_id, TARN_RUN_LOST, tarn_now_us(), err));
    }
    return TARN_OK;
}

static enum tarn_status write_new(struct tarn_state *state, void *context, struct tarn_error *err)
{
    struct launch *launch = context;
    struct tarn_launch *result = launch->result;
    TARN_TRY(check_others(state, launch, result->dag->name, err));
    TARN_TRY(mark_lost(state, launch, err));
    return tarn_run_insert(state, &result->run, result->tasks, result->dag->task_count, err);
}

static enum tarn_status start_new(struct tarn_state *state, struct launch *launch,
                                  struct tarn_error *err)
{
    const struct tarn_launch_request *request = launch->request;
    struct tarn_launch *result = launch->result;
    TARN_TRY(
        tarn_dag_find(request->project_directory, request->dag, launch->arena, &result->dag, err));
    struct tarn_run_row *run = &result->run;
    TARN_TRY(choose_date(request, result->dag, launch->arena, run, err));
    TARN_TRY(make_params(request, result->dag, launch->arena, &run->params, err));
    TARN_TRY(choose_tasks(request, result->dag, launch->arena, &result->tasks, err));
    char unique[TARN_UUID_BYTES];
    const char *d = run->logical_date;
    run->run_id = tarn_arena_format(launch->arena, "%s-%.4s%.2s%.2s-%.8s", result->dag->name, d,
                                    d + 5, d + 8, tarn_uuid(unique));
    run->dag = result->dag->name;
    run->state = TARN_RUN_RUNNING;
    run->started_us = tarn_now_us();
    set_owner(run, launch->arena);
    return tarn_state_transaction(state, write_new, launch, err);
}

/* The recorded tasks in the dag's order; CONFIG when the dag has other ones by now. */
static enum tarn_status match_tasks(struct tarn_state *state, struct launch *launch,
                                    struct tarn_error *err)
{
    struct tarn_launch *result = launch->result;
    const struct tarn_dag *dag = result->dag;
    struct tarn_run_task_list recorded;
    TARN_TRY(tarn_run_tasks(state, result->run.run_id, launch->arena, &recorded, err));
    struct tarn_run_task_row *tasks =
        tarn_arena_array(launch->arena, dag->task_count, sizeof *tasks);
    size_t matched = 0;
    for (size_t i = 0; i < dag->task_count; i++)
        for (size_t r = 0; r < recorded.count; r++)
            if (strcmp(recorded.rows[r].task, dag->tasks[i].name) == 0) {
                tasks[i] = recorded.rows[r];
                matched++;
            }
    if (matched != dag->task_count || matched != recorded.count)
        return tarn_fail(err, TARN_CONFIG,
                         "resuming the run %s: %s has other tasks than it had then; start anew "
                         "with `tarn run %s`",
                         result->run.run_id, dag->path, dag->name);
    for (size_t i = 0; i < dag->task_count; i++)
        result->kept += tasks[i].state == TARN_TASK_SUCCESS;
    result->tasks = tasks;
    return TARN_OK;
}

static enum tarn_status take_over(struct tarn_state *state, void *context, struct tarn_error *err)
{
    struct launch *launch = context;
    struct tarn_launch *result = launch->result;
    struct tarn_run_list newest;
    TARN_TRY(tarn_run_list(state, launch->request->dag, 1, launch->arena, &newest, err));
    if (newest.count)
        result->run = newest.rows[0];
    result->nothing_to_resume = newest.count == 0 || newest.rows[0].state == TARN_RUN_SUCCESS;
    if (result->nothing_to_resume)
        return TARN_OK;
    struct tarn_run_row *run = &result->run;
    TARN_TRY(check_others(state, launch, run->dag, err));
    TARN_TRY(mark_lost(state, launch, err));
    TARN_TRY(tarn_dag_find(launch->request->project_directory, run->dag, launch->arena,
                           &result->dag, err));
    set_owner(run, launch->arena);
    TARN_TRY(tarn_run_take_over(state, run->run_id, run->owner_pid, run->owner_identity,
                                run->heartbeat_us, err));
    run->state = TARN_RUN_RUNNING;
    return match_tasks(state, launch, err);
}

static enum tarn_status resume(struct tarn_state *state, struct launch *launch,
                               struct tarn_error *err)
{
    const struct tarn_launch_request *request = launch->request;
    if (request->date || request->from || request->only || request->param_count)
        return tarn_fail(err, TARN_USAGE,
                         "--resume goes on with a run as it was started; it takes no --date, "
                         "--from, --only or --param");
    return tarn_state_transaction(state, take_over, launch, err);
}

/* Whatever the dead runs and (after an orderly end there is none) this one left behind. */
static enum tarn_status end_strays(const struct launch *launch, struct tarn_error *err)
{
    for (size_t i = 0; i < launch->dead.count; i++)
        TARN_TRY(tarn_process_end_strays(launch->dead.rows[i].run_id, NULL, err));
    return TARN_OK;
}

enum tarn_status tarn_launch_prepare(struct tarn_state *state,
                                     const struct tarn_launch_request *request,
                                     struct tarn_arena *arena, struct tarn_launch *ret_launch,
                                     struct tarn_error *err)
{
    struct tarn_launch result = {0};
    struct launch launch = {.request = request, .arena = arena, .result = &result};
    TARN_TRY(request->resume ? resume(state, &launch, err) : start_new(state, &launch, err));
    if (!result.nothing_to_resume) {
        enum tarn_status status = end_strays(&launch, err);
        if (status != TARN_OK) {
            struct tarn_error second; /* the first error is the one to report */
            (void)!tarn_run_finish(state, result.run.run_id, TARN_RUN_FAILED, tarn_now_us(),
                                   &second);
            return status;
        }
    }
    *ret_launch = result;
    return TARN_OK;
}
