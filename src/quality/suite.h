/* quality/suite.h -- reads a project's quality folder: suites of expectations and reconciliations,
 * in Tarn's short YAML and in Great Expectations' format (0.18 and 1.x).
 *
 * What is read is checked for spelling and shape; whether columns exist is found out when a suite
 * is bound to its table (quality/check.h). Everything lives in the arena that is given. */
#ifndef TARN_QUALITY_SUITE_H
#define TARN_QUALITY_SUITE_H

#include "quality/expectation.h"

struct tarn_suite {
    const char *name;
    const char *ns, *table;
    const char *layer; /* bronze, silver, gold */
    const char *description;
    bool quarantine;
    const char **key;
    size_t key_count;
    struct tarn_expectation *expectations;
    size_t expectation_count;
    const struct tarn_yaml *node;
    const struct tarn_yaml *table_node; /* where the table's name stands */
    const struct tarn_yaml *meta;
};

enum {
    TARN_RECONCILE_IN,
    TARN_RECONCILE_OUT,
    TARN_RECONCILE_QUARANTINED,
    TARN_RECONCILE_DUPLICATES,
    TARN_RECONCILE_HELD,
    TARN_RECONCILE_PARTS
};
extern const char *const tarn_reconcile_part_names[TARN_RECONCILE_PARTS];

struct tarn_reconcile {
    const char *name;
    const char *layer; /* NULL: only checked when no layer is asked for */
    const char *description;
    const struct tarn_yaml *parts[TARN_RECONCILE_PARTS]; /* NULL: 0 */
    const struct tarn_yaml *node;
};

struct tarn_suites {
    struct tarn_suite *suites;
    size_t suite_count, suite_cap;
    struct tarn_reconcile *reconciles;
    size_t reconcile_count, reconcile_cap;
};
void tarn_suites_release(struct tarn_suites *suites);

/* Every *.yml, *.yaml and *.json below `directory`, by path. A missing folder gives none. CONFIG
 * names file:line. */
CHECKED enum tarn_status tarn_suites_read(const char *directory, struct tarn_arena *arena,
                                          struct tarn_suites *ret_suites, struct tarn_error *err);
/* Adds what one document holds. `text` as from a file called `name`. */
CHECKED enum tarn_status tarn_suites_parse(struct tarn_text text, const char *name,
                                           struct tarn_arena *arena, struct tarn_suites *suites,
                                           struct tarn_error *err);
/* bronze, silver or gold for a namespace. */
const char *tarn_layer_of(const char *ns);

#endif
