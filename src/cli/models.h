/* cli/models.h -- what the commands over a dbt project share: build, run, test, seed, snapshot,
 * compile and ls. */
#ifndef TARN_CLI_MODELS_H
#define TARN_CLI_MODELS_H

#include "cli/options.h"
#include "model/runner.h"
#include "project/project.h"

struct tarn_models_arguments {
    struct tarn_common common;
    struct tarn_strings select, exclude, resource_types, exclude_resource_types;
    const char *selector, *state;
    const char *event_start, *event_end;
    const char *vars, *run_id, *profiles_dir, *profile;
    const char *output; /* ls */
    bool full_refresh, fail_fast, store_failures, verbose, empty;
};

#define TARN_MODELS_HELP                                                                           \
    "  -s, --select WORD...   which nodes: names, +parents, children+, tag:X, path:X, a,b, ...\n"  \
    "  --exclude WORD...      which of them not\n"                                                 \
    "  --selector NAME        a selection of selectors.yml\n"                                      \
    "  --state DIR            an earlier run's target folder, for state:modified and "             \
    "result:fail\n"                                                                                \
    "  --resource-type TYPE   model, seed, snapshot, test, source, ... (may be repeated)\n"        \
    "  --vars '{NAME: VALUE}' vars for templates\n"                                                \
    "  -f, --full-refresh     make incremental models and seeds anew\n"                            \
    "  --event-time-start T   with --event-time-end: which batches of microbatch models to make\n" \
    "  --empty                models see no rows: makes every table, empty, to try the SQL\n"      \
    "  -x, --fail-fast        stop at the first failure\n"                                         \
    "  --store-failures       keep the rows that fail a test as tables\n"                          \
    "  --run-id ID            goes on with that run: what it has committed is not made again\n"    \
    "  --profiles-dir DIR     where profiles.yml is (default: the project, then ~/.dbt)\n"         \
    "  --profile NAME         which profile (default: the project's)\n"                            \
    "  -v, --verbose          a line for each test that passes, too\n"                             \
    "\n"

/* Usable with TARN_AUTO. */
void tarn_models_arguments_release(struct tarn_models_arguments *arguments);
CHECKED enum tarn_status tarn_models_parse(int argc, char **argv,
                                           struct tarn_models_arguments *arguments,
                                           struct tarn_error *err);
/* Parses the arguments, runs and prints: the whole of a subcommand. CHECKS_FAILED when a node
 * failed. */
CHECKED enum tarn_status tarn_models_command(enum tarn_model_command command, const char *name,
                                             int argc, char **argv, struct tarn_error *err);
/* The same with arguments that were parsed already; `name` is the subcommand's. USAGE when there is
 * no such one. */
CHECKED enum tarn_status tarn_models_command_with(const char *name,
                                                  const struct tarn_models_arguments *arguments,
                                                  struct tarn_error *err);
/* Reads the dbt project of a project folder. `catalog` may be NULL. */
CHECKED enum tarn_status tarn_models_load(const struct tarn_models_arguments *arguments,
                                          const struct tarn_project *project, const char *catalog,
                                          const char *command,
                                          struct tarn_model_project **ret_models,
                                          struct tarn_error *err);
struct tarn_selection tarn_models_selection(const struct tarn_models_arguments *arguments);
/* What the parser found odd, on standard error. */
void tarn_models_print_warnings(const struct tarn_models_arguments *arguments,
                                const struct tarn_model_project *models);

#endif
