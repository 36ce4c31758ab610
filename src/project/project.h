/* project/project.h -- a project folder: where it is, its tarn.yml, where its data lies.
 *
 * A folder with dbt_project.yml and no tarn.yml is a project too: it gets the defaults. Everything
 * lives in the arena of the project until tarn_project_close. */
#ifndef TARN_PROJECT_PROJECT_H
#define TARN_PROJECT_PROJECT_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "project/yaml.h"

struct tarn_project {
    struct tarn_arena *arena;
    const char *directory;   /* absolute */
    const char *name;        /* tarn.yml's, else dbt_project.yml's, else the folder's */
    const char *description; /* "" when none */
    const char *data;        /* absolute: <directory>/.tarn, tarn.yml's `data`, or the caller's */
    const char *target_name; /* "dev" when none is declared */
    const struct tarn_yaml *root;   /* tarn.yml; NULL when there is none */
    const struct tarn_yaml *target; /* its map below `targets`; NULL when none */
    uint64_t memory_limit_bytes;    /* 0: the engine's default */
    unsigned threads;               /* 0: all cores */
};

/* Opens the project in `directory`, or when NULL in the nearest folder above the current one that
 * has tarn.yml or dbt_project.yml. `data` and `target` (may be NULL) override what the project
 * says. NOT_FOUND says how to make one; CONFIG names file:line. */
CHECKED enum tarn_status tarn_project_open(const char *directory, const char *data,
                                           const char *target, struct tarn_project **ret_project,
                                           struct tarn_error *err);
/* Whether the current folder, or one above it, is a project: for commands that also work outside.
 */
bool tarn_project_here(void);
void tarn_project_close(struct tarn_project *project); /* NULL is fine */
/* Absolute path of something below the project folder, in its arena. */
const char *tarn_project_path(const struct tarn_project *project, const char *relative);
/* Absolute path of something below the data folder, in its arena. */
const char *tarn_project_data_path(const struct tarn_project *project, const char *relative);
/* Bytes of "512MB", "4 GB", "1.5GiB", "800000"; false when it is none of these. */
bool tarn_parse_bytes(const char *text, uint64_t *ret_bytes);

#endif
