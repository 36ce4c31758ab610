/* model/select.h -- dbt's node selection: "+orders", "tag:daily,staging", "2+path:models/marts",
 * "@x".
 *
 * Words separated by space are united, by comma intersected. A word is
 * [@] [[N]+] [method[.argument]:] value [+[N]]; values may hold * ? []. Methods: fqn, name, tag,
 * path, file, package, source, exposure, config.KEY, resource_type, test_name, test_type, version,
 * access, group, state, result. A test is selected with any of its parents. */
#ifndef TARN_MODEL_SELECT_H
#define TARN_MODEL_SELECT_H

#include "model/node.h"

struct tarn_selection {
    const char *const *select; /* each may hold several words; none: everything */
    size_t select_count;
    const char *const *exclude;
    size_t exclude_count;
    const char *const *resource_types; /* "model", "test", ...; none: all that the command takes */
    size_t resource_type_count;
    const char *const *exclude_resource_types;
    size_t exclude_resource_type_count;
    const char
        *selector;     /* one of selectors.yml; NULL: none, or the default when nothing is said */
    const char *state; /* folder with an earlier run's artifacts; NULL: not given */
};

/* Sets ret_selected[i] for every node i of the project. `kinds` is a mask of 1 << enum
 * tarn_node_kind: what the command takes at all. CONFIG for a word that cannot be read, USAGE for a
 * plain name to select that nothing has; any other word that matches nothing is a warning in the
 * project. */
CHECKED enum tarn_status tarn_model_select(struct tarn_model_project *project,
                                           const struct tarn_selection *selection, unsigned kinds,
                                           bool *ret_selected, struct tarn_error *err);

#endif
