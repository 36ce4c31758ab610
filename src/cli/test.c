/* cli/test.c -- `tarn test`. */
#include "cli/command.h"
#include "cli/models.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_TEST, "test", argc, argv, err);
}

const struct tarn_command tarn_command_test = {
    .name = "test",
    .summary = "run the project's tests",
    .help = "Usage: tarn test [options]\n\n"
            "Runs the generic and singular tests of what is there; exit code 1 when one fails.\n"
            "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
            "  tarn test\n"
            "  tarn test --select orders --store-failures\n",
    .run = run,
};
