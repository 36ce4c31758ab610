/* schedule/dag.h -- dags/NAME.yml: tasks, what each needs, and how it is run.
 *
 *   schedule: "0 5 * * *"        cron; left out: only by hand
 *   timezone: Europe/Berlin      default UTC
 *   max_parallel: 4              default: the cores
 *   pools: {io: 2}               at most so many tasks of a pool at once
 *   params: {days: 30}           defaults of --param
 *   report: daily_kpi            what `tarn up` prints at the end
 *   defaults: {retries: 2, retry_delay: 1s, timeout: 10m}
 *   tasks:
 *     ingest: {type: ingest, needs: [generate], retries: 1}
 *
 * Every mistake names file:line. All of it lives in the caller's arena and does not change. */
#ifndef TARN_SCHEDULE_DAG_H
#define TARN_SCHEDULE_DAG_H

#include "base/error.h"
#include "base/memory.h"
#include "project/yaml.h"
#include "schedule/cron.h"

enum { TARN_DAG_TASKS_MAX = 1000, TARN_DAG_RETRIES_MAX = 100 };

enum tarn_dag_trigger {
    TARN_DAG_ALL_SUCCESS, /* every task it needs succeeded */
    TARN_DAG_ALL_DONE,    /* every task it needs has ended, however */
};

struct tarn_dag_pair {
    const char *name;
    const char *value;
};

struct tarn_dag_pool {
    const char *name;
    int64_t slots;
};

struct tarn_dag_task {
    const char *name;
    const char *type;         /* "ingest", "command", ... */
    bool is_command;          /* words are a program of its own, not one of tarn's commands */
    bool takes_vars;          /* the run's params become --vars */
    const char *const *words; /* what is run, ended by NULL; may hold ${NAME} of the environment */
    const struct tarn_dag_pair *vars;
    size_t var_count;
    const struct tarn_dag_pair *env; /* the dag's, then the task's own */
    size_t env_count;
    const size_t *needs; /* indices of tasks */
    size_t need_count;
    enum tarn_dag_trigger trigger;
    int64_t retries;
    int64_t retry_delay_ms;     /* doubled after each try ... */
    int64_t retry_delay_max_ms; /* ... up to this */
    int64_t timeout_ms;
    int pool; /* index, -1: none */
};

struct tarn_dag {
    const char *name;
    const char *path;
    const char *description; /* "" when none */
    const char *report;      /* NULL when none */
    bool scheduled;          /* cron is set */
    const char *schedule;    /* as written; NULL when none */
    struct tarn_cron cron;
    const struct tarn_timezone *timezone;
    int64_t max_parallel; /* 0: the cores */
    const struct tarn_dag_pool *pools;
    size_t pool_count;
    const struct tarn_dag_pair *params;
    size_t param_count;
    const struct tarn_dag_task *tasks; /* in the file's order */
    size_t task_count;
};

CHECKED enum tarn_status tarn_dag_read(const char *path, struct tarn_arena *arena,
                                       const struct tarn_dag **ret_dag, struct tarn_error *err);
/* The dag of that name below <project>/dags; NOT_FOUND lists those there are. NULL stands for the
 * only one, or daily_etl. */
CHECKED enum tarn_status tarn_dag_find(const char *project_directory, const char *name,
                                       struct tarn_arena *arena, const struct tarn_dag **ret_dag,
                                       struct tarn_error *err);
/* Index of the task; NOT_FOUND names the nearest. */
CHECKED enum tarn_status tarn_dag_task_find(const struct tarn_dag *dag, const char *name,
                                            size_t *ret_index, struct tarn_error *err);
/* Milliseconds of "500ms", "30s", "5m", "2h", "1d" or seconds as a number; false when it is none of
 * these. */
bool tarn_duration_parse(const char *text, int64_t *ret_ms);

#endif
