/* cli/options.h -- command-line arguments: a table says what there is, the parser fills it.
 *
 *   --name VALUE, --name=VALUE, -n VALUE; flags take none; a LIST takes every argument up to the
 * next option (as dbt's
 *   --select does) and may be repeated; "--" ends the options. Mistakes are USAGE errors with the
 * nearest valid name. */
#ifndef TARN_CLI_OPTIONS_H
#define TARN_CLI_OPTIONS_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct tarn_strings {
    const char **items;
    size_t count, cap;
};

enum tarn_option_kind {
    TARN_OPTION_FLAG, /* bool * */
    TARN_OPTION_STR,  /* const char ** */
    TARN_OPTION_INT,  /* int64_t * */
    TARN_OPTION_LIST, /* struct tarn_strings * */
};

struct tarn_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: no short form */
    enum tarn_option_kind kind;
    void *value;
};

/* What every command takes. */
struct tarn_common {
    const char *project;
    const char *data;
    const char *target;
    const char *memory_limit;
    int64_t threads; /* 0: the project's */
    bool json;
    bool quiet;
};
#define TARN_COMMON_HELP                                                                           \
    "Common options:\n"                                                                            \
    "  --project DIR       the project folder (default: the nearest one above with tarn.yml)\n"    \
    "  --data DIR          where its data lies (default: <project>/.tarn)\n"                       \
    "  --target NAME       which target of tarn.yml (default: its default_target)\n"               \
    "  --threads N         how many cores to use\n"                                                \
    "  --memory-limit SIZE e.g. 2GB\n"                                                             \
    "  --json              results as JSON on standard output\n"                                   \
    "  --quiet             no progress\n"

/* Parses argv[1..]. Arguments that belong to no option go to `positional` (NULL: there must be
 * none). The texts are argv's. */
CHECKED enum tarn_status tarn_options_parse(int argc, char **argv, struct tarn_common *common,
                                            const struct tarn_option *options, size_t count,
                                            struct tarn_strings *positional,
                                            struct tarn_error *err);
void tarn_strings_add(struct tarn_strings *strings, const char *text); /* not copied */
void tarn_strings_release(struct tarn_strings *strings);               /* usable with TARN_AUTO */

#endif
