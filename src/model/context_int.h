/* model/context_int.h -- shared by the files that make up a context: context.c (names), functions.c
 * (what they do), adapter.c (the adapter object), config_object.c. */
#ifndef TARN_MODEL_CONTEXT_INT_H
#define TARN_MODEL_CONTEXT_INT_H

#include "model/context.h"

/* Context functions by name; false when there is none. */
bool tarn_context_function(struct tarn_model_context *context, struct tarn_text name,
                           struct tarn_value *ret);
/* `config`, `adapter`, `exceptions`, `var`. */
struct tarn_value tarn_context_config(struct tarn_model_context *context);
struct tarn_value tarn_context_adapter(struct tarn_model_context *context);
struct tarn_value tarn_context_exceptions(struct tarn_model_context *context);
/* A macro as a value of this run, recorded with the node while parsing. */
bool tarn_context_macro(struct tarn_model_context *context, const struct tarn_model_macro *macro,
                        struct tarn_value *ret);
/* Runs one or more statements; *ret_table has the rows of the last one. */
CHECKED enum tarn_status tarn_context_query(struct tarn_model_context *context, const char *sql,
                                            struct tarn_value *ret_table, struct tarn_error *err);
/* The value that a unit test gives `name` in one of its `overrides`; false when it gives none. */
bool tarn_context_override(struct tarn_value overrides, struct tarn_text name,
                           struct tarn_value *ret);
/* The given rows of a unit test in the place of `node`; false when it gives none. */
bool tarn_context_fixture(struct tarn_model_context *context, const struct tarn_model_node *node,
                          struct tarn_value *ret);
enum { TARN_MD5_HEX_BYTES = 33 };
/* dbt's hashes of names are MD5; returns `out`. */
char *tarn_md5_hex(struct tarn_text text, char out[TARN_MD5_HEX_BYTES]);
/* Text argument as a NUL-terminated string; NULL when it was not given or is none. */
const char *tarn_context_text(const struct tarn_call *call, struct tarn_value value);

#endif
