/* schedule/launch.h -- decides which run is carried out: a new one, or one that was broken off.
 *
 * At most one live run per dag: who else runs it is looked up and the new run written in one
 * transaction. A run whose process is gone is recognised by pid and identity, never by waiting; its
 * stray children are ended before the next one starts. */
#ifndef TARN_SCHEDULE_LAUNCH_H
#define TARN_SCHEDULE_LAUNCH_H

#include "schedule/executor.h"

struct tarn_launch_request {
    const char *project_directory;
    const char
        *dag; /* NULL: with `resume` that of the newest run, otherwise the only one or daily_etl */
    const char *date; /* YYYY-MM-DD; NULL: today in the dag's zone */
    const char *from; /* this task and all that need it; NULL: all */
    const char *only; /* this task alone; NULL: all */
    const struct tarn_dag_pair *params;
    size_t param_count;
    bool resume;
};

struct tarn_launch {
    const struct tarn_dag *dag;
    struct tarn_run_row run;
    const struct tarn_run_task_row *tasks;
    bool nothing_to_resume;   /* `run` is the newest run, which succeeded, or has a NULL run_id */
    const char *replaced_run; /* id of a dead run that this one takes the place of; NULL: none */
    size_t kept;              /* tasks that had succeeded before and are not run again */
};

/* Writes the run down as this process's. CONFLICT when a live process runs the dag; USAGE for a
 * task, date or param that does not fit. */
CHECKED enum tarn_status tarn_launch_prepare(struct tarn_state *state,
                                             const struct tarn_launch_request *request,
                                             struct tarn_arena *arena,
                                             struct tarn_launch *ret_launch,
                                             struct tarn_error *err);

#endif
