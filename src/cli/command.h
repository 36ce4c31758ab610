/* cli/command.h -- the subcommands of `tarn`: one file each, one table that lists them (main.c).
 *
 * A command parses its own arguments with cli/options.h, does its work and returns a status; main.c
 * prints the error once and turns the status into the exit code (0 fine, 1 checks failed, 2 usage
 * or config error, 3 runtime error). */
#ifndef TARN_CLI_COMMAND_H
#define TARN_CLI_COMMAND_H

#include "base/error.h"

struct tarn_command {
    const char *name;
    const char *summary; /* one line for `tarn --help` */
    const char *help;    /* whole text of `tarn NAME --help`: usage, options, examples */
    /* argv[0] is the command's own name. */
    enum tarn_status (*run)(int argc, char **argv, struct tarn_error *err);
};

extern const struct tarn_command tarn_command_broker;
extern const struct tarn_command tarn_command_build;
extern const struct tarn_command tarn_command_compile;
extern const struct tarn_command tarn_command_consume;
extern const struct tarn_command tarn_command_describe;
extern const struct tarn_command tarn_command_doctor;
extern const struct tarn_command tarn_command_generate;
extern const struct tarn_command tarn_command_groups;
extern const struct tarn_command tarn_command_ingest;
extern const struct tarn_command tarn_command_init;
extern const struct tarn_command tarn_command_ls;
extern const struct tarn_command tarn_command_maintain;
extern const struct tarn_command tarn_command_produce;
extern const struct tarn_command tarn_command_quality;
extern const struct tarn_command tarn_command_report;
extern const struct tarn_command tarn_command_retry;
extern const struct tarn_command tarn_command_run;
extern const struct tarn_command tarn_command_runs;
extern const struct tarn_command tarn_command_seed;
extern const struct tarn_command tarn_command_snapshot;
extern const struct tarn_command tarn_command_source;
extern const struct tarn_command tarn_command_sql;
extern const struct tarn_command tarn_command_tables;
extern const struct tarn_command tarn_command_test;
extern const struct tarn_command tarn_command_topics;
extern const struct tarn_command tarn_command_up;
extern const struct tarn_command tarn_command_version;

/* `tarn run` without a dag: the project's models. */
CHECKED enum tarn_status tarn_models_run(int argc, char **argv, struct tarn_error *err);

#endif
