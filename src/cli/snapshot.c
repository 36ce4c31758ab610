/* cli/snapshot.c -- `tarn snapshot`. */
#include "cli/command.h"
#include "cli/models.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_SNAPSHOT, "snapshot", argc, argv, err);
}

const struct tarn_command tarn_command_snapshot = {
    .name = "snapshot",
    .summary = "record the changes of the project's snapshots",
    .help = "Usage: tarn snapshot [options]\n\n"
            "Adds new versions of changed rows to the snapshots below snapshots/.\n"
            "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
            "  tarn snapshot\n",
    .run = run,
};
