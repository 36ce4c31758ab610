/* cli/workspace.c -- see workspace.h. */
#include "cli/workspace.h"

#include "base/file.h"

static enum tarn_status open_engine(const struct tarn_common *common,
                                    const struct tarn_project *project,
                                    struct tarn_engine **ret_engine, struct tarn_error *err)
{
    const char *database = "tarn";
    if (project->target)
        TARN_TRY(tarn_yaml_str(project->target, "database", &database, err));
    struct tarn_engine_options options = {
        .memory_limit_bytes = project->memory_limit_bytes,
        .threads = common->threads > 0 ? (unsigned)common->threads : project->threads,
        .temp_directory = tarn_project_data_path(project, "tmp"),
        .catalog = database,
    };
    if (common->memory_limit &&
        !tarn_parse_bytes(common->memory_limit, &options.memory_limit_bytes))
        return tarn_fail(err, TARN_USAGE, "--memory-limit is a size such as 2GB or 512MB, not '%s'",
                         common->memory_limit);
    TARN_TRY(tarn_directory_make(options.temp_directory, err));
    return tarn_engine_open(&options, ret_engine, err);
}

static enum tarn_status open_parts(const struct tarn_common *common, struct tarn_workspace *ws,
                                   struct tarn_error *err)
{
    TARN_TRY(tarn_project_open(common->project, common->data, common->target, &ws->project, err));
    TARN_TRY(tarn_directory_make(ws->project->data, err));
    TARN_TRY(tarn_state_open(tarn_project_data_path(ws->project, "state.db"), &ws->state, err));
    TARN_TRY(
        tarn_lake_open(ws->state, tarn_project_data_path(ws->project, "lake"), &ws->lake, err));
    return open_engine(common, ws->project, &ws->engine, err);
}

enum tarn_status tarn_workspace_open(const struct tarn_common *common,
                                     struct tarn_workspace *ret_workspace, struct tarn_error *err)
{
    struct tarn_workspace ws = {.progress = tarn_progress_new(common->json || common->quiet)};
    enum tarn_status status = open_parts(common, &ws, err);
    if (status != TARN_OK) {
        tarn_workspace_close(&ws);
        return status;
    }
    *ret_workspace = ws;
    return TARN_OK;
}

enum tarn_status tarn_workspace_open_existing(const struct tarn_common *common,
                                              struct tarn_workspace *ret_workspace,
                                              struct tarn_error *err)
{
    if (common->data && !tarn_directory_exists(common->data))
        return tarn_fail(
            err, TARN_USAGE,
            "opening the data folder %s: it is not there; name another with --data, or "
            "`tarn ingest` or `tarn up` make it",
            common->data);
    return tarn_workspace_open(common, ret_workspace, err);
}

void tarn_workspace_close(struct tarn_workspace *workspace)
{
    tarn_engine_leave(workspace->engine);
    tarn_lake_close(workspace->lake);
    tarn_state_close(workspace->state);
    tarn_project_close(workspace->project);
    tarn_progress_free(workspace->progress);
    *workspace = (struct tarn_workspace){0};
}
