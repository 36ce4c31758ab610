/* store/run.c -- see run.h. */
#include "store/run.h"

#include <assert.h>

static const char *const run_state_names[] = {
#define X(name, text) text,
    TARN_RUN_STATE_MAP(X)
#undef X
};

static const char *const task_state_names[] = {
#define X(name, text) text,
    TARN_TASK_STATE_MAP(X)
#undef X
};

const char *tarn_run_state_name(enum tarn_run_state state)
{
    assert((size_t)state < TARN_COUNT(run_state_names));
    return run_state_names[state];
}

const char *tarn_task_state_name(enum tarn_task_state state)
{
    assert((size_t)state < TARN_COUNT(task_state_names));
    return task_state_names[state];
}

/* The schema's CHECK allows these names only, so one that is not there means a damaged file. */
static enum tarn_status state_of(const char *const *names, size_t count, const char *name,
                                 int *ret_state, struct tarn_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *ret_state = (int)i;
            return TARN_OK;
        }
    return tarn_fail(err, TARN_CORRUPT, "reading a run: the state file says '%s'", name);
}

static void bind_time(struct tarn_statement *statement, int index, int64_t time_us)
{
    if (time_us)
        tarn_bind_int(statement, index, time_us);
    else
        tarn_bind_str(statement, index, NULL);
}

static char *column_copy(struct tarn_statement *statement, int index, struct tarn_arena *arena)
{
    const char *text = tarn_column_str(statement, index);
    return tarn_arena_strdup(arena, text ? text : "");
}

struct insertion {
    const struct tarn_run_row *run;
    const struct tarn_run_task_row *tasks;
    size_t task_count;
};

static enum tarn_status insert_run(struct tarn_state *state, const struct tarn_run_row *run,
                                   struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state,
        "INSERT INTO run (run_id, dag, logical_date, interval_start_us, interval_end_us, state, "
        "params, started_us, owner_pid, owner_identity, heartbeat_us) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?8)",
        &s, err));
    tarn_bind_str(s, 1, run->run_id);
    tarn_bind_str(s, 2, run->dag);
    tarn_bind_str(s, 3, run->logical_date);
    tarn_bind_int(s, 4, run->interval_start_us);
    tarn_bind_int(s, 5, run->interval_end_us);
    tarn_bind_str(s, 6, tarn_run_state_name(run->state));
    tarn_bind_str(s, 7, run->params);
    tarn_bind_int(s, 8, run->started_us);
    tarn_bind_int(s, 9, run->owner_pid);
    tarn_bind_str(s, 10, run->owner_identity);
    return tarn_statement_finish(s, NULL, err);
}

static enum tarn_status insert_task(struct tarn_state *state, const char *run_id, size_t position,
                                    const struct tarn_run_task_row *task, struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state, "INSERT INTO run_task (run_id, position, task, state) VALUES (?, ?, ?, ?)", &s,
        err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_int(s, 2, (int64_t)position);
    tarn_bind_str(s, 3, task->task);
    tarn_bind_str(s, 4, tarn_task_state_name(task->state));
    return tarn_statement_finish(s, NULL, err);
}

static enum tarn_status insert_all(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct insertion *insertion = context;
    TARN_TRY(insert_run(state, insertion->run, err));
    for (size_t i = 0; i < insertion->task_count; i++)
        TARN_TRY(insert_task(state, insertion->run->run_id, i, &insertion->tasks[i], err));
    return TARN_OK;
}

enum tarn_status tarn_run_insert(struct tarn_state *state, const struct tarn_run_row *run,
                                 const struct tarn_run_task_row *tasks, size_t task_count,
                                 struct tarn_error *err)
{
    struct insertion insertion = {run, tasks, task_count};
    return tarn_state_transaction(state, insert_all, &insertion, err);
}

struct take_over {
    const char *run_id;
    int64_t owner_pid;
    const char *owner_identity;
    int64_t now_us;
};

static enum tarn_status take_over(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct take_over *by = context;
    struct tarn_statement *s;
    TARN_TRY(tarn_statement_begin(
        state,
        "UPDATE run SET state = 'running', ended_us = NULL, owner_pid = ?2, owner_identity = ?3, "
        "heartbeat_us = ?4 WHERE run_id = ?1",
        &s, err));
    tarn_bind_str(s, 1, by->run_id);
    tarn_bind_int(s, 2, by->owner_pid);
    tarn_bind_str(s, 3, by->owner_identity);
    tarn_bind_int(s, 4, by->now_us);
    enum tarn_status status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    TARN_TRY(status);
    TARN_TRY(tarn_statement_begin(state,
                                  "UPDATE run_task SET state = 'waiting', ended_us = NULL, "
                                  "summary = '', error = '' "
                                  "WHERE run_id = ?1 AND state NOT IN ('success', 'skipped')",
                                  &s, err));
    tarn_bind_str(s, 1, by->run_id);
    status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    return status;
}

enum tarn_status tarn_run_take_over(struct tarn_state *state, const char *run_id, int64_t owner_pid,
                                    const char *owner_identity, int64_t now_us,
                                    struct tarn_error *err)
{
    struct take_over by = {run_id, owner_pid, owner_identity, now_us};
    return tarn_state_transaction(state, take_over, &by, err);
}

enum tarn_status tarn_run_heartbeat(struct tarn_state *state, const char *run_id, int64_t now_us,
                                    struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(
        tarn_statement_begin(state, "UPDATE run SET heartbeat_us = ?2 WHERE run_id = ?1", &s, err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_int(s, 2, now_us);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_run_finish(struct tarn_state *state, const char *run_id,
                                 enum tarn_run_state run_state, int64_t now_us,
                                 struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state, "UPDATE run SET state = ?2, ended_us = ?3, heartbeat_us = ?3 WHERE run_id = ?1", &s,
        err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_str(s, 2, tarn_run_state_name(run_state));
    tarn_bind_int(s, 3, now_us);
    return tarn_statement_finish(s, NULL, err);
}

struct try_change {
    const char *run_id;
    const struct tarn_run_try_row *attempt;
    enum tarn_task_state task_state;
    const char *summary;
};

/* REPLACE: a runner that died between starting a try and writing it down leaves the same number to
 * the next one. */
static enum tarn_status try_begin(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct try_change *change = context;
    const struct tarn_run_try_row *attempt = change->attempt;
    struct tarn_statement *s;
    TARN_TRY(tarn_statement_begin(
        state,
        "INSERT OR REPLACE INTO run_try (run_id, task, try, pid, log, started_us) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        &s, err));
    tarn_bind_str(s, 1, change->run_id);
    tarn_bind_str(s, 2, attempt->task);
    tarn_bind_int(s, 3, attempt->try_number);
    tarn_bind_int(s, 4, attempt->pid);
    tarn_bind_str(s, 5, attempt->log);
    tarn_bind_int(s, 6, attempt->started_us);
    enum tarn_status status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    TARN_TRY(status);
    TARN_TRY(tarn_statement_begin(state,
                                  "UPDATE run_task SET state = 'running', tries = ?3, "
                                  "started_us = ?4 WHERE run_id = ?1 AND task = ?2",
                                  &s, err));
    tarn_bind_str(s, 1, change->run_id);
    tarn_bind_str(s, 2, attempt->task);
    tarn_bind_int(s, 3, attempt->try_number);
    tarn_bind_int(s, 4, attempt->started_us);
    status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    return status;
}

enum tarn_status tarn_run_try_begin(struct tarn_state *state, const char *run_id,
                                    const struct tarn_run_try_row *attempt, struct tarn_error *err)
{
    struct try_change change = {.run_id = run_id, .attempt = attempt};
    return tarn_state_transaction(state, try_begin, &change, err);
}

static enum tarn_status try_end(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct try_change *change = context;
    const struct tarn_run_try_row *attempt = change->attempt;
    struct tarn_statement *s;
    TARN_TRY(tarn_statement_begin(
        state,
        "UPDATE run_try SET ended_us = ?4, exit_code = ?5, signal = ?6, error = ?7 "
        "WHERE run_id = ?1 AND task = ?2 AND try = ?3",
        &s, err));
    tarn_bind_str(s, 1, change->run_id);
    tarn_bind_str(s, 2, attempt->task);
    tarn_bind_int(s, 3, attempt->try_number);
    tarn_bind_int(s, 4, attempt->ended_us);
    if (attempt->exit_code >= 0)
        tarn_bind_int(s, 5, attempt->exit_code);
    bind_time(s, 6, attempt->signal);
    tarn_bind_str(s, 7, attempt->error);
    enum tarn_status status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    TARN_TRY(status);
    TARN_TRY(tarn_statement_begin(state,
                                  "UPDATE run_task SET state = ?3, ended_us = ?4, summary = ?5, "
                                  "error = ?6 WHERE run_id = ?1 AND task = ?2",
                                  &s, err));
    tarn_bind_str(s, 1, change->run_id);
    tarn_bind_str(s, 2, attempt->task);
    tarn_bind_str(s, 3, tarn_task_state_name(change->task_state));
    tarn_bind_int(s, 4, attempt->ended_us);
    tarn_bind_str(s, 5, change->summary);
    tarn_bind_str(s, 6, attempt->error);
    status = tarn_statement_finish(s, NULL, err);
    tarn_statement_end(s);
    return status;
}

enum tarn_status tarn_run_try_end(struct tarn_state *state, const char *run_id,
                                  const struct tarn_run_try_row *attempt,
                                  enum tarn_task_state task_state, const char *summary,
                                  struct tarn_error *err)
{
    struct try_change change = {run_id, attempt, task_state, summary};
    return tarn_state_transaction(state, try_end, &change, err);
}

enum tarn_status tarn_run_task_set(struct tarn_state *state, const char *run_id, const char *task,
                                   enum tarn_task_state task_state, int64_t now_us,
                                   struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state, "UPDATE run_task SET state = ?3, ended_us = ?4 WHERE run_id = ?1 AND task = ?2", &s,
        err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_str(s, 2, task);
    tarn_bind_str(s, 3, tarn_task_state_name(task_state));
    tarn_bind_int(s, 4, now_us);
    return tarn_statement_finish(s, NULL, err);
}

#define RUN_COLUMNS                                                                                \
    "run_id, dag, logical_date, interval_start_us, interval_end_us, state, params, started_us, "   \
    "ended_us, owner_pid, owner_identity, heartbeat_us"

static enum tarn_status read_run(struct tarn_statement *s, struct tarn_arena *arena,
                                 struct tarn_run_row *ret_run, struct tarn_error *err)
{
    int state = 0;
    TARN_TRY(
        state_of(run_state_names, TARN_COUNT(run_state_names), tarn_column_str(s, 5), &state, err));
    *ret_run = (struct tarn_run_row){
        .run_id = column_copy(s, 0, arena),
        .dag = column_copy(s, 1, arena),
        .logical_date = column_copy(s, 2, arena),
        .interval_start_us = tarn_column_int(s, 3),
        .interval_end_us = tarn_column_int(s, 4),
        .state = (enum tarn_run_state)state,
        .params = column_copy(s, 6, arena),
        .started_us = tarn_column_int(s, 7),
        .ended_us = tarn_column_int(s, 8),
        .owner_pid = tarn_column_int(s, 9),
        .owner_identity = column_copy(s, 10, arena),
        .heartbeat_us = tarn_column_int(s, 11),
    };
    return TARN_OK;
}

/* Makes room for one more row in an arena; rows are few, so growing by copy is fine. */
static void *grow(struct tarn_arena *arena, const void *rows, size_t count, size_t size_bytes)
{
    if (count & (count - 1)) /* full only at powers of two */
        return (void *)rows;
    char *grown = tarn_arena_array(arena, count ? count * 2 : 1, size_bytes);
    if (count)
        memcpy(grown, rows, count * size_bytes);
    return grown;
}

static enum tarn_status read_runs(struct tarn_statement *s, struct tarn_arena *arena,
                                  struct tarn_run_list *ret_list, struct tarn_error *err)
{
    struct tarn_run_list list = {0};
    for (;;) {
        bool row;
        TARN_TRY(tarn_statement_step(s, &row, err));
        if (!row)
            break;
        list.rows = grow(arena, list.rows, list.count, sizeof *list.rows);
        TARN_TRY(read_run(s, arena, &list.rows[list.count++], err));
    }
    *ret_list = list;
    return TARN_OK;
}

enum tarn_status tarn_run_list(struct tarn_state *state, const char *dag, int64_t limit,
                               struct tarn_arena *arena, struct tarn_run_list *ret_list,
                               struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "SELECT " RUN_COLUMNS " FROM run WHERE ?1 IS NULL OR dag = ?1 "
                                  "ORDER BY started_us DESC, rowid DESC LIMIT ?2",
                                  &s, err));
    tarn_bind_str(s, 1, dag);
    tarn_bind_int(s, 2, limit);
    return read_runs(s, arena, ret_list, err);
}

enum tarn_status tarn_run_list_running(struct tarn_state *state, const char *dag,
                                       struct tarn_arena *arena, struct tarn_run_list *ret_list,
                                       struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "SELECT " RUN_COLUMNS
                                  " FROM run WHERE state = 'running' AND (?1 IS NULL OR dag = ?1) "
                                  "ORDER BY started_us",
                                  &s, err));
    tarn_bind_str(s, 1, dag);
    return read_runs(s, arena, ret_list, err);
}

enum tarn_status tarn_run_get(struct tarn_state *state, const char *run_id,
                              struct tarn_arena *arena, struct tarn_run_row *ret_run,
                              struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "SELECT " RUN_COLUMNS
                                  " FROM run WHERE substr(run_id, 1, length(?1)) = ?1 "
                                  "ORDER BY run_id <> ?1 LIMIT 2",
                                  &s, err));
    tarn_bind_str(s, 1, run_id);
    struct tarn_run_list list;
    TARN_TRY(read_runs(s, arena, &list, err));
    if (list.count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no run '%s'; `tarn runs` lists them",
                         run_id);
    if (list.count > 1 && strcmp(list.rows[0].run_id, run_id) != 0)
        return tarn_fail(err, TARN_USAGE, "'%s' begins more than one run's id; give more of it",
                         run_id);
    *ret_run = list.rows[0];
    return TARN_OK;
}

enum tarn_status tarn_run_tasks(struct tarn_state *state, const char *run_id,
                                struct tarn_arena *arena, struct tarn_run_task_list *ret_list,
                                struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state,
        "SELECT task, state, tries, started_us, ended_us, summary, error FROM run_task "
        "WHERE run_id = ? ORDER BY position",
        &s, err));
    tarn_bind_str(s, 1, run_id);
    struct tarn_run_task_list list = {0};
    for (;;) {
        bool row;
        int task_state = 0;
        TARN_TRY(tarn_statement_step(s, &row, err));
        if (!row)
            break;
        TARN_TRY(state_of(task_state_names, TARN_COUNT(task_state_names), tarn_column_str(s, 1),
                          &task_state, err));
        list.rows = grow(arena, list.rows, list.count, sizeof *list.rows);
        list.rows[list.count++] = (struct tarn_run_task_row){
            .task = column_copy(s, 0, arena),
            .state = (enum tarn_task_state)task_state,
            .tries = tarn_column_int(s, 2),
            .started_us = tarn_column_int(s, 3),
            .ended_us = tarn_column_int(s, 4),
            .summary = column_copy(s, 5, arena),
            .error = column_copy(s, 6, arena),
        };
    }
    *ret_list = list;
    return TARN_OK;
}

enum tarn_status tarn_run_tries(struct tarn_state *state, const char *run_id,
                                struct tarn_arena *arena, struct tarn_run_try_list *ret_list,
                                struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state,
        "SELECT task, try, pid, log, started_us, ended_us, exit_code, signal, error FROM run_try "
        "WHERE run_id = ? ORDER BY task, try",
        &s, err));
    tarn_bind_str(s, 1, run_id);
    struct tarn_run_try_list list = {0};
    for (;;) {
        bool row;
        TARN_TRY(tarn_statement_step(s, &row, err));
        if (!row)
            break;
        list.rows = grow(arena, list.rows, list.count, sizeof *list.rows);
        list.rows[list.count++] = (struct tarn_run_try_row){
            .task = column_copy(s, 0, arena),
            .try_number = tarn_column_int(s, 1),
            .pid = tarn_column_int(s, 2),
            .log = column_copy(s, 3, arena),
            .started_us = tarn_column_int(s, 4),
            .ended_us = tarn_column_int(s, 5),
            .exit_code = tarn_column_is_null(s, 6) ? -1 : tarn_column_int(s, 6),
            .signal = tarn_column_int(s, 7),
            .error = column_copy(s, 8, arena),
        };
    }
    *ret_list = list;
    return TARN_OK;
}
