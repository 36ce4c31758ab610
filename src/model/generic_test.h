/* model/generic_test.h -- tests that YAML files declare on a model, column, seed, snapshot or
 * source: one node each, named and identified as dbt does, so that other tools find them again. */
#ifndef TARN_MODEL_GENERIC_TEST_H
#define TARN_MODEL_GENERIC_TEST_H

#include "model/context.h"

/* dbt's names for a test: the full one (for its id) and the short one, below 64 characters (for its
 * file and table). */
void tarn_model_test_names(struct tarn_arena *arena, const char *test, const char *on,
                           struct tarn_value kwargs, const char **ret_full, const char **ret_short);

/* The macro that makes a test's SQL; NULL when there is none. */
const struct tarn_model_macro *tarn_model_test_macro(const struct tarn_model_project *project,
                                                     const struct tarn_model_node *test);

/* Appends the SQL of a generic test: the macro called with its arguments, of which those that look
 * like ref(...), source(...), var(...) or hold tags are evaluated first. */
CHECKED enum tarn_status tarn_model_test_render(struct tarn_model_context *context,
                                                struct tarn_model_node *test,
                                                struct tarn_buffer *out, struct tarn_error *err);

#endif
