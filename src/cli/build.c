/* cli/build.c -- `tarn build`. */
#include "cli/command.h"
#include "cli/models.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_BUILD, "build", argc, argv, err);
}

const struct tarn_command tarn_command_build = {
    .name = "build",
    .summary = "make the project's seeds, models and snapshots, and test them",
    .help =
        "Usage: tarn build [options]\n\n"
        "Makes seeds, models and snapshots in the order of their refs and runs the tests of each\n"
        "right after it; what depends on something that failed is skipped (exit code 1).\n"
        "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
        "  tarn build\n"
        "  tarn build --select staging+ --exclude tag:slow\n"
        "  tarn build --full-refresh --vars '{start: 2026-01-01}'\n",
    .run = run,
};
