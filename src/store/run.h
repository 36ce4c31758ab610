/* store/run.h -- runs of dags, their tasks and tries, as rows of the state file.
 *
 * Each function is one durable transaction, or joins the caller's. What is read lives in the
 * caller's arena. Times are UTC microseconds, 0 for "not yet". That a dag
 * has one live run at most is the caller's to see to, who knows processes: it looks and inserts
 * inside one tarn_state_transaction. */
#ifndef TARN_STORE_RUN_H
#define TARN_STORE_RUN_H

#include "store/state.h"

#define TARN_RUN_STATE_MAP(X)                                                                      \
    X(RUNNING, "running")                                                                          \
    X(SUCCESS, "success")                                                                          \
    X(FAILED, "failed")                                                                            \
    X(CANCELLED, "cancelled") /* by a person */                                                    \
    X(LOST, "lost")           /* its process died; a later run took its place */

enum tarn_run_state {
#define X(name, text) TARN_RUN_##name,
    TARN_RUN_STATE_MAP(X)
#undef X
};

#define TARN_TASK_STATE_MAP(X)                                                                     \
    X(WAITING, "waiting")                                                                          \
    X(RUNNING, "running")                                                                          \
    X(RETRYING, "retrying") /* a try failed, the next one waits for its time */                    \
    X(SUCCESS, "success")                                                                          \
    X(FAILED, "failed")                                                                            \
    X(SKIPPED, "skipped")                 /* left out by --from or --only */                       \
    X(UPSTREAM_FAILED, "upstream_failed") /* not run: what it needs did not succeed */             \
    X(CANCELLED, "cancelled")

enum tarn_task_state {
#define X(name, text) TARN_TASK_##name,
    TARN_TASK_STATE_MAP(X)
#undef X
};

const char *tarn_run_state_name(enum tarn_run_state state);
const char *tarn_task_state_name(enum tarn_task_state state);

struct tarn_run_row {
    const char *run_id;
    const char *dag;
    const char *logical_date; /* YYYY-MM-DD */
    int64_t interval_start_us, interval_end_us;
    enum tarn_run_state state;
    const char *params; /* JSON object */
    int64_t started_us, ended_us;
    int64_t owner_pid;
    const char *owner_identity;
    int64_t heartbeat_us;
};

struct tarn_run_task_row {
    const char *task;
    enum tarn_task_state state;
    int64_t tries;
    int64_t started_us, ended_us;
    const char *summary;
    const char *error;
};

struct tarn_run_try_row {
    const char *task;
    int64_t try_number; /* from 1 */
    int64_t pid;
    const char *log;
    int64_t started_us, ended_us;
    int64_t exit_code; /* -1: none */
    int64_t signal;    /* 0: none */
    const char *error;
};

struct tarn_run_list {
    struct tarn_run_row *rows;
    size_t count;
};
struct tarn_run_task_list {
    struct tarn_run_task_row *rows;
    size_t count;
};
struct tarn_run_try_list {
    struct tarn_run_try_row *rows;
    size_t count;
};

/* Writes the run and its tasks (name and state of each). EXISTS when the id is taken. */
CHECKED enum tarn_status tarn_run_insert(struct tarn_state *state, const struct tarn_run_row *run,
                                         const struct tarn_run_task_row *tasks, size_t task_count,
                                         struct tarn_error *err);
/* The run becomes this owner's and `running` again; tasks that did not succeed and are not skipped
 * wait again. */
CHECKED enum tarn_status tarn_run_take_over(struct tarn_state *state, const char *run_id,
                                            int64_t owner_pid, const char *owner_identity,
                                            int64_t now_us, struct tarn_error *err);
CHECKED enum tarn_status tarn_run_heartbeat(struct tarn_state *state, const char *run_id,
                                            int64_t now_us, struct tarn_error *err);
CHECKED enum tarn_status tarn_run_finish(struct tarn_state *state, const char *run_id,
                                         enum tarn_run_state run_state, int64_t now_us,
                                         struct tarn_error *err);

/* A try has started: the task is running. */
CHECKED enum tarn_status tarn_run_try_begin(struct tarn_state *state, const char *run_id,
                                            const struct tarn_run_try_row *attempt,
                                            struct tarn_error *err);
/* The try has ended and the task with it (or it waits for its next try). `exit_code` -1 and
 * `signal` 0 mean none. */
CHECKED enum tarn_status tarn_run_try_end(struct tarn_state *state, const char *run_id,
                                          const struct tarn_run_try_row *attempt,
                                          enum tarn_task_state task_state, const char *summary,
                                          struct tarn_error *err);
/* A task that gets no try changes its state. */
CHECKED enum tarn_status tarn_run_task_set(struct tarn_state *state, const char *run_id,
                                           const char *task, enum tarn_task_state task_state,
                                           int64_t now_us, struct tarn_error *err);

/* Newest first; `dag` NULL for all dags; at most `limit`. */
CHECKED enum tarn_status tarn_run_list(struct tarn_state *state, const char *dag, int64_t limit,
                                       struct tarn_arena *arena, struct tarn_run_list *ret_list,
                                       struct tarn_error *err);
/* Those that say they are running, of one dag or (NULL) of all. */
CHECKED enum tarn_status tarn_run_list_running(struct tarn_state *state, const char *dag,
                                               struct tarn_arena *arena,
                                               struct tarn_run_list *ret_list,
                                               struct tarn_error *err);
/* NOT_FOUND names the id; a unique beginning of an id is enough. */
CHECKED enum tarn_status tarn_run_get(struct tarn_state *state, const char *run_id,
                                      struct tarn_arena *arena, struct tarn_run_row *ret_run,
                                      struct tarn_error *err);
/* In the dag's order. */
CHECKED enum tarn_status tarn_run_tasks(struct tarn_state *state, const char *run_id,
                                        struct tarn_arena *arena,
                                        struct tarn_run_task_list *ret_list,
                                        struct tarn_error *err);
/* By task and number. */
CHECKED enum tarn_status tarn_run_tries(struct tarn_state *state, const char *run_id,
                                        struct tarn_arena *arena,
                                        struct tarn_run_try_list *ret_list, struct tarn_error *err);

#endif
