/* model/compile.h -- the SQL of a node: its template rendered, ephemeral parents put in front. */
#ifndef TARN_MODEL_COMPILE_H
#define TARN_MODEL_COMPILE_H

#include "model/context.h"

/* Begins the context for `node`. The text lives in the context's arena, until its next begin. */
CHECKED enum tarn_status tarn_model_compile(struct tarn_model_context *context,
                                            struct tarn_model_node *node, const char **ret_sql,
                                            struct tarn_error *err);
/* Puts `ctes` ("__dbt__cte__a as (...)") in front of a statement that may begin with WITH itself.
 */
void tarn_model_inject_ctes(struct tarn_text sql, struct tarn_text ctes, struct tarn_buffer *out);

/* <target>/compiled/<package>/<path of the file>, in `arena`; `folder` is "compiled" or "run". */
const char *tarn_model_target_file(const struct tarn_model_project *project,
                                   const struct tarn_model_node *node, const char *folder,
                                   struct tarn_arena *arena);
/* Writes such a file, making its folders. */
CHECKED enum tarn_status tarn_model_write_target(const char *path, struct tarn_text text,
                                                 struct tarn_error *err);

#endif
