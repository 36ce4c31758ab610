/* cli/version.c -- `tarn version`. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    TARN_TRY(tarn_options_parse(argc, argv, &common, NULL, 0, NULL, err));
    puts(common.json ? "{\"version\": \"" TARN_VERSION "\"}" : "tarn " TARN_VERSION);
    return TARN_OK;
}

const struct tarn_command tarn_command_version = {
    .name = "version",
    .summary = "print the version",
    .help = "Usage: tarn version [--json]\n"
            "\n"
            "Prints the version; `tarn doctor` prints those of the libraries, too.\n",
    .run = run,
};
