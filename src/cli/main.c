/* cli/main.c -- the table of subcommands, dispatch, and the one place where an error becomes text
 * and an exit code. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

/* One line each, so that two new commands do not meet in one. */
/* clang-format off */
static const struct tarn_command *const commands[] = {
    &tarn_command_broker,
    &tarn_command_build,
    &tarn_command_compile,
    &tarn_command_consume,
    &tarn_command_describe,
    &tarn_command_doctor,
    &tarn_command_generate,
    &tarn_command_groups,
    &tarn_command_ingest,
    &tarn_command_init,
    &tarn_command_ls,
    &tarn_command_maintain,
    &tarn_command_produce,
    &tarn_command_quality,
    &tarn_command_report,
    &tarn_command_retry,
    &tarn_command_run,
    &tarn_command_runs,
    &tarn_command_seed,
    &tarn_command_snapshot,
    &tarn_command_source,
    &tarn_command_sql,
    &tarn_command_tables,
    &tarn_command_test,
    &tarn_command_topics,
    &tarn_command_up,
    &tarn_command_version,
};
/* clang-format on */

static void print_help(FILE *out)
{
    fputs("tarn: a whole data platform in one program\n\nUsage: tarn COMMAND [options]\n\n", out);
    for (size_t i = 0; i < TARN_COUNT(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`tarn COMMAND --help` tells more about one of them.\n", out);
}

static const struct tarn_command *find_command(const char *name, struct tarn_error *err)
{
    const char *names[TARN_COUNT(commands)];
    for (size_t i = 0; i < TARN_COUNT(commands); i++) {
        names[i] = commands[i]->name;
        if (strcmp(name, names[i]) == 0)
            return commands[i];
    }
    const char *nearest = tarn_text_nearest(name, names, TARN_COUNT(names));
    tarn_fail(err, TARN_USAGE, "there is no command '%s'%s%s%s; `tarn --help` lists them", name,
              nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    struct tarn_error err = {0};
    const struct tarn_command *command = find_command(name, &err);
    enum tarn_status status = err.status;
    if (command && wants_help(argc - 1, argv + 1)) {
        fputs(command->help, stdout);
        return 0;
    }
    if (command)
        status = command->run(argc - 1, argv + 1, &err);
    if (status != TARN_OK && err.text[0])
        fprintf(stderr, "tarn %s: %s\n", name, err.text);
    fflush(NULL);
    _exit(tarn_status_exit_code(status)); /* see tarn_engine_leave */
}
