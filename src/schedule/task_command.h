/* schedule/task_command.h -- the command line and environment of one try of a task. */
#ifndef TARN_SCHEDULE_TASK_COMMAND_H
#define TARN_SCHEDULE_TASK_COMMAND_H

#include "schedule/executor.h"

struct tarn_task_command {
    char **argv;        /* ended by NULL */
    char **environment; /* ended by NULL */
};

/* The environment is this process's, then the dag's and the task's `env`, the run's params as
 * TARN_PARAM_<NAME>, and
 *
 *   TARN             the program that runs the tasks
 *   TARN_PROJECT     the project folder, where it runs
 *   TARN_DATA        its data folder
 *   TARN_RUN_ID      TARN_DAG  TARN_TASK  TARN_TRY
 *   TARN_DATE        the run's logical date, YYYY-MM-DD
 *   TARN_INTERVAL_START, TARN_INTERVAL_END   its day in UTC, YYYY-MM-DDTHH:MM:SSZ
 *   TARN_SUMMARY_FILE   where the task may write one line on what it did
 *
 * ${NAME} in the task's words is replaced from that environment; CONFIG when there is no such name.
 * Everything lives in the arena. */
CHECKED enum tarn_status
tarn_task_command_make(const struct tarn_run_plan *plan, const struct tarn_dag_task *task,
                       int64_t try_number, const char *summary_file, struct tarn_arena *arena,
                       struct tarn_task_command *ret_command, struct tarn_error *err);

#endif
