/* cli/workspace.h -- what a command works on: the project, its state file, DuckDB and the lake,
 * opened together. */
#ifndef TARN_CLI_WORKSPACE_H
#define TARN_CLI_WORKSPACE_H

#include "base/progress.h"
#include "cli/options.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "project/project.h"
#include "store/state.h"

struct tarn_workspace {
    struct tarn_project *project;
    struct tarn_state *state;
    struct tarn_lake *lake;
    struct tarn_engine *engine;
    struct tarn_progress *progress; /* quiet with --json or --quiet */
};

/* Opens everything, making the data folder when it is missing. For commands that only read there is
 * _existing: a folder that --data names has to be there. */
CHECKED enum tarn_status tarn_workspace_open(const struct tarn_common *common,
                                             struct tarn_workspace *ret_workspace,
                                             struct tarn_error *err);
CHECKED enum tarn_status tarn_workspace_open_existing(const struct tarn_common *common,
                                                      struct tarn_workspace *ret_workspace,
                                                      struct tarn_error *err);
/* Usable with TARN_AUTO; zeroed is fine. DuckDB is left as it is: the process has to end with
 * _exit, as main does. */
void tarn_workspace_close(struct tarn_workspace *workspace);

#endif
