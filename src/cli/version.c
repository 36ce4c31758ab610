/* cli/version.c -- `tarn version`. */
#include <stdio.h>

#include "cli/command.h"

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    (void)argc;
    (void)argv;
    (void)err;
    puts("tarn " TARN_VERSION);
    return TARN_OK;
}

const struct tarn_command tarn_command_version = {
    .name = "version",
    .summary = "print the version",
    .help = "Usage: tarn version\n",
    .run = run,
};
