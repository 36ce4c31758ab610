/* model/select_int.h -- private to select.c, selectors.c and select_state.c: a selection while it
 * is worked out. A set of nodes is a bool per node of the project. */
#ifndef TARN_MODEL_SELECT_INT_H
#define TARN_MODEL_SELECT_INT_H

#include <jansson.h>

#include "model/select.h"

struct word {
    const char *text;    /* as typed, for messages */
    bool with_relatives; /* @: children, and all parents of those */
    bool parents, children;
    size_t parent_depth, child_depth;
    const char *method, *argument; /* "config", "materialized" */
    const char *value;
};

struct selector {
    struct tarn_model_project *project;
    struct tarn_arena *arena;
    size_t count;
    bool must_exist; /* a plain name that matches nothing is an error, no warning */
    const char *state_folder;
    json_t *old, *current, *results; /* select_state.c: manifests, and results of an earlier run */
    unsigned depth;                  /* of selectors within selectors */
};

/* Which tests come along with what is selected (dbt's indirect selection). */
enum tarn_indirect {
    TARN_INDIRECT_EAGER,
    TARN_INDIRECT_CAUTIOUS,
    TARN_INDIRECT_BUILDABLE,
    TARN_INDIRECT_EMPTY
};

bool *select_new_set(struct selector *s);
/* One word, with the tests that come along. */
CHECKED enum tarn_status select_word(struct selector *s, const char *text,
                                     enum tarn_indirect indirect, bool *set,
                                     struct tarn_error *err);
/* Words between commas and spaces. */
CHECKED enum tarn_status select_text(struct selector *s, const char *text, bool *set,
                                     struct tarn_error *err);

/* selectors.c: a selector of selectors.yml; `name` NULL: the one that is the default, and
 * *ret_found tells whether there is one. */
CHECKED enum tarn_status select_by_selector(struct selector *s, const char *name, bool *set,
                                            bool *ret_found, struct tarn_error *err);

/* select_state.c */
CHECKED enum tarn_status select_state_load(struct selector *s, const struct word *w,
                                           struct tarn_error *err);
void select_state_release(struct selector *s);
bool select_by_state(struct selector *s, const struct tarn_model_node *node, const struct word *w);
bool select_by_result(struct selector *s, const struct tarn_model_node *node, const struct word *w);

#endif
