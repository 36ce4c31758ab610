/* cli/compile.c -- `tarn compile`. */
#include "cli/command.h"
#include "cli/models.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_COMPILE, "compile", argc, argv, err);
}

const struct tarn_command tarn_command_compile = {
    .name = "compile",
    .summary = "render the project's models and tests to plain SQL",
    .help = "Usage: tarn compile [options]\n\n"
            "Writes the SQL of models, tests and analyses to target/compiled and changes nothing.\n"
            "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
            "  tarn compile --select customers\n",
    .run = run,
};
