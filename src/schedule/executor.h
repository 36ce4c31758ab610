/* schedule/executor.h -- carries out one run of a dag: starts tasks as child processes when what
 * they need is done, retries, times out, and writes every change to the state file before acting on
 * it.
 *
 * One thread (the caller's, which must live to the end: children die with it). SIGINT, SIGTERM and
 * SIGHUP end the run in an orderly way while it executes: children get SIGTERM, after ten seconds
 * or a second signal SIGKILL, and what was reached is recorded. */
#ifndef TARN_SCHEDULE_EXECUTOR_H
#define TARN_SCHEDULE_EXECUTOR_H

#include "schedule/dag.h"
#include "store/run.h"

struct tarn_task_event {
    const char *task;
    size_t index;
    enum tarn_task_state state;
    int64_t try_number;  /* 0 when it had none */
    int64_t elapsed_us;  /* of the try */
    int64_t retry_in_ms; /* RETRYING */
    const char *summary; /* "" when none */
    const char *error;   /* "" when none */
    const char *log;     /* "" when none */
};

/* What the caller is told, on its own thread. */
struct tarn_run_listener {
    void *context;
    void (*changed)(void *context, const struct tarn_task_event *event);
    void (*tick)(void *context); /* about ten times a second while tasks run; NULL: never */
};

struct tarn_run_plan {
    struct tarn_state *state;
    const struct tarn_dag *dag;
    struct tarn_run_row run; /* as recorded; its owner is this process */
    const char *project_directory;
    const char *data_directory;
    const char *target;       /* NULL: the project's */
    const char *memory_limit; /* for each task; NULL: the project's */
    int64_t threads;          /* for each task; 0: the project's */
    const char *program;      /* the tarn that runs the tasks */
    const struct tarn_run_task_row
        *tasks; /* the dag's, in its order; waiting, success or skipped */
    struct tarn_run_listener listener;
};

struct tarn_run_result {
    enum tarn_run_state state;
    size_t succeeded, failed, not_run; /* not_run: skipped, upstream failed, cancelled */
    bool only_checks_failed; /* every failure was exit code 1: bad data, not a broken machine */
    int signal;              /* that ended the run; 0: none */
};

/* OK also when tasks fail: *ret_result says so. An error only when the run itself cannot go on (the
 * state file cannot be written); its children are ended first. */
CHECKED enum tarn_status tarn_run_execute(const struct tarn_run_plan *plan,
                                          struct tarn_run_result *ret_result,
                                          struct tarn_error *err);

#endif
