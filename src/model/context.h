/* model/context.h -- what a template of a dbt project sees: ref, source, config, var, this, target,
 * adapter and the rest, while the project is parsed and while its nodes run.
 *
 * A context belongs to one thread and renders one node at a time. While parsing (`execute` false)
 * ref, source, config and the macros that were used are written into the node; while running they
 * are resolved. */
#ifndef TARN_MODEL_CONTEXT_H
#define TARN_MODEL_CONTEXT_H

#include "model/node.h"

struct tarn_lake;
struct tarn_session;
struct tarn_progress;

/* What a running node may touch. */
struct tarn_model_world {
    struct tarn_lake *lake;
    struct tarn_session *session;
    struct tarn_progress *progress;
};

/* What stands in for the world while a unit test compiles its model. */
struct tarn_model_fixture {
    const struct tarn_model_node *node;
    const char *name; /* of the CTE __dbt__cte__NAME */
};
struct tarn_model_stand_ins {
    const struct tarn_model_fixture *fixtures;
    size_t count;
    struct tarn_value macros, vars, env_vars; /* dicts, or undefined */
};

/* A stretch of time: end is not part of it. */
struct tarn_model_batch {
    int64_t start_us, end_us;
};

struct tarn_model_context {
    struct tarn_model_project *project;
    struct tarn_template_run *run;
    struct tarn_arena *arena;                 /* ends with the node */
    struct tarn_model_node *node;             /* NULL for YAML values and hooks of the run */
    const struct tarn_model_package *package; /* whose vars are meant when there is no node */
    bool execute;
    bool strict; /* while parsing: a missing name is an error, not an undefined */
    const struct tarn_model_world *world; /* NULL while parsing */
    struct tarn_model_nodes ctes; /* ephemeral models that were referred to, parents first */
    struct tarn_value statements; /* results by name: statement, load_result */
    const struct tarn_model_nodes *selected;      /* for `selected_resources`; may be NULL */
    struct tarn_value results;                    /* for on-run-end; undefined otherwise */
    const struct tarn_model_stand_ins *stand_ins; /* NULL: none */
    const struct tarn_model_batch *batch;   /* of a microbatch model: what refs see; NULL: all */
    bool empty;                             /* refs see no rows */
    const struct tarn_model_node *referred; /* what the last ref, source or `this` meant */
};

/* `world` may be NULL: then nothing can be executed. */
void tarn_model_context_init(struct tarn_model_context *context, struct tarn_model_project *project,
                             const struct tarn_model_world *world);
void tarn_model_context_release(struct tarn_model_context *context);
/* Forgets the last node and makes ready for this one. */
void tarn_model_context_begin(struct tarn_model_context *context, struct tarn_model_node *node,
                              bool execute);
/* Values made here live until the next begin. */
struct tarn_heap *tarn_model_context_heap(struct tarn_model_context *context);

/* Renders a text that may hold tags; appends to `out`. `name` and `first_line` stand in errors. */
CHECKED enum tarn_status tarn_model_render_text(struct tarn_model_context *context,
                                                const char *name, unsigned first_line,
                                                struct tarn_text text, struct tarn_buffer *out,
                                                struct tarn_error *err);
/* A YAML tree as a value in `heap`, texts with tags rendered natively (`context` NULL: not
 * rendered). Keys named in `raw_keys` (ended by NULL; may be NULL) keep their text. */
CHECKED enum tarn_status tarn_model_yaml_value(struct tarn_model_context *context,
                                               struct tarn_heap *heap, const struct tarn_yaml *yaml,
                                               const char *const *raw_keys,
                                               struct tarn_value *ret_value,
                                               struct tarn_error *err);
/* A text rendered natively: "{{ 1 + 1 }}" gives 2. In the context's heap. */
CHECKED enum tarn_status tarn_model_render_native(struct tarn_model_context *context,
                                                  const char *name, struct tarn_text text,
                                                  struct tarn_value *ret_value,
                                                  struct tarn_error *err);
/* microbatch.c: the condition that `column` lies in the batch, as SQL. */
const char *tarn_model_batch_filter(const struct tarn_model_batch *batch, const char *column,
                                    struct tarn_arena *arena);
/* Looks up a macro as dbt's adapter.dispatch does: the search order of `package` (NULL: the
 * project, then the built-in ones), with the prefixes duckdb__ and default__. */
const struct tarn_model_macro *tarn_model_dispatch(const struct tarn_model_project *project,
                                                   const char *name, const char *package);
/* A var as templates see it; undefined when it is not set anywhere. */
struct tarn_value tarn_model_var(const struct tarn_model_project *project,
                                 const struct tarn_model_package *package, const char *name);
/* A node as templates and manifest readers know it (`model`, `graph.nodes`), in `heap`. */
struct tarn_value tarn_model_node_value(struct tarn_heap *heap, const struct tarn_model_node *node);

#endif
