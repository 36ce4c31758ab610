/* cli/seed.c -- `tarn seed`. */
#include "cli/command.h"
#include "cli/models.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    return tarn_models_command(TARN_MODEL_SEED, "seed", argc, argv, err);
}

const struct tarn_command tarn_command_seed = {
    .name = "seed",
    .summary = "load the project's seeds (CSV files) into tables",
    .help =
        "Usage: tarn seed [options]\n\n"
        "Loads the CSV files below seeds/ into tables, types inferred unless column_types says.\n"
        "\n" TARN_MODELS_HELP TARN_COMMON_HELP "\nExamples:\n"
        "  tarn seed\n"
        "  tarn seed --select country_codes\n",
    .run = run,
};
