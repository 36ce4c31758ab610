/* cli/dag_run.h -- carries out a run of a dag with its progress on the screen or as JSON lines:
 * what `tarn run` and `tarn up` share. */
#ifndef TARN_CLI_DAG_RUN_H
#define TARN_CLI_DAG_RUN_H

#include "cli/options.h"
#include "project/project.h"
#include "schedule/launch.h"

/* Launches and executes. The project must be open; the request's project_directory is set here.
 * *ret_launch lives in the arena. CHECKS_FAILED or INTERNAL when tasks failed, CANCELLED when a
 * signal ended it (ret_result->signal). */
CHECKED enum tarn_status tarn_dag_run(const struct tarn_common *common,
                                      const struct tarn_project *project, struct tarn_state *state,
                                      struct tarn_launch_request *request, struct tarn_arena *arena,
                                      struct tarn_launch *ret_launch,
                                      struct tarn_run_result *ret_result, struct tarn_error *err);

/* The path of the running program, in the arena. */
const char *tarn_program_path(struct tarn_arena *arena);

#endif
