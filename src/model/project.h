/* model/project.h -- reads a dbt project: dbt_project.yml, profiles.yml, installed packages,
 * macros, models, seeds, snapshots, tests and the YAML that describes them, into a linked graph. */
#ifndef TARN_MODEL_PROJECT_H
#define TARN_MODEL_PROJECT_H

#include "model/node.h"

struct tarn_model_options {
    const char *directory;    /* with dbt_project.yml */
    const char *profiles_dir; /* NULL: the project's, then ~/.dbt */
    const char *profile;      /* NULL: the project's */
    const char *target;       /* NULL: the profile's */
    const char *catalog;      /* the database's name in SQL; NULL: the profile's, or "tarn" */
    const char *vars;         /* a YAML or JSON map, or NULL */
    const char *command;      /* for `flags.WHICH`; NULL: "build" */
    bool full_refresh;
};

/* CONFIG names file:line and the nearest valid name: bad YAML or Jinja, duplicate models, unknown
 * ref or source, a cycle (printed). Free with tarn_model_project_free. */
CHECKED enum tarn_status tarn_model_project_load(const struct tarn_model_options *options,
                                                 struct tarn_model_project **ret_project,
                                                 struct tarn_error *err);
void tarn_model_project_free(struct tarn_model_project *project); /* NULL is fine */

/* The steps of loading, each in a file of its own. */
struct tarn_model_context;
/* profile.c: fills project->target. */
CHECKED enum tarn_status tarn_model_read_profile(struct tarn_model_project *project,
                                                 struct tarn_model_context *context,
                                                 const struct tarn_model_options *options,
                                                 struct tarn_error *err);
/* macros.c */
CHECKED enum tarn_status tarn_model_read_macros(struct tarn_model_project *project,
                                                struct tarn_error *err);
/* properties.c: reads every YAML file below the folders of a package; makes sources and exposures,
 * keeps patches for models, seeds, snapshots and macros. */
CHECKED enum tarn_status tarn_model_read_properties(struct tarn_model_project *project,
                                                    struct tarn_model_context *context,
                                                    struct tarn_error *err);
/* parse.c: finds and renders the models, seeds, snapshots and singular tests. */
CHECKED enum tarn_status tarn_model_read_nodes(struct tarn_model_project *project,
                                               struct tarn_model_context *context,
                                               struct tarn_error *err);
/* generic_test.c: the tests that YAML files declare. */
CHECKED enum tarn_status tarn_model_make_tests(struct tarn_model_project *project,
                                               struct tarn_model_context *context,
                                               struct tarn_error *err);
/* graph.c: resolves refs and sources into parents and children, and looks for cycles. */
CHECKED enum tarn_status tarn_model_link(struct tarn_model_project *project,
                                         struct tarn_error *err);
/* Every node after its parents; `ret_order` has project->nodes.count entries, to be freed. */
struct tarn_model_node **tarn_model_order(const struct tarn_model_project *project);

/* properties.c: what YAML files say about something. */
struct tarn_model_patch {
    const struct tarn_yaml *yaml;
    const struct tarn_model_package *package;
    const char *path; /* of the YAML file, below the package root */
    bool is_used;
    /* Of a version: the model's own entry, name and version. */
    const struct tarn_yaml *model_yaml;
    const char *name, *version;
    bool is_latest;
};
/* `kind` is "models", "seeds", "snapshots", "macros", "analyses"; NULL when nothing is said. */
struct tarn_model_patch *tarn_model_patch_find(const struct tarn_model_project *project,
                                               const char *kind,
                                               const struct tarn_model_package *package,
                                               const char *name);
/* Description, columns, meta and docs of a node from its patch. */
CHECKED enum tarn_status tarn_model_patch_node(struct tarn_model_project *project,
                                               struct tarn_model_context *context,
                                               const struct tarn_model_patch *patch,
                                               struct tarn_model_node *node,
                                               struct tarn_error *err);

/* config.c */
/* Merges `from` over `into` as dbt does: tags and hooks are appended, meta and docs merged, the
 * rest replaced; a none clears. Both are dicts; `into` belongs to `heap`. */
void tarn_model_config_merge(struct tarn_heap *heap, struct tarn_value into,
                             struct tarn_value from);
/* What dbt_project.yml (of the package, then of the project) says for this path of names. */
CHECKED enum tarn_status tarn_model_config_inherit(struct tarn_model_project *project,
                                                   struct tarn_model_context *context,
                                                   const struct tarn_model_package *package,
                                                   const char *section, const char *const *fqn,
                                                   size_t fqn_count, struct tarn_value into,
                                                   struct tarn_error *err);
/* Complete configuration of a node from all places; sets schema, database and alias. */
CHECKED enum tarn_status tarn_model_config_node(struct tarn_model_project *project,
                                                struct tarn_model_context *context,
                                                struct tarn_model_node *node,
                                                const struct tarn_model_patch *patch,
                                                struct tarn_error *err);

/* The part of a YAML file's or model's path that names are made of: [package, folders...] in the
 * arena with room for `more` names; `path` is below its folder of models. */
const char **tarn_model_fqn(struct tarn_arena *arena, const struct tarn_model_package *package,
                            const char *path, size_t more, size_t *ret_count);
/* The path below the folder of `kind` that it is in; itself when in none. */
const char *tarn_model_path_below(const struct tarn_model_package *package,
                                  const char *original_path);

/* parse.c */
struct tarn_model_node *tarn_model_node_new(struct tarn_model_project *project,
                                            enum tarn_node_kind kind,
                                            const struct tarn_model_package *package,
                                            const char *name);
/* Puts a complete node into the project's tables: among the disabled ones when it is disabled. */
CHECKED enum tarn_status tarn_model_node_add(struct tarn_model_project *project,
                                             struct tarn_model_node *node, struct tarn_error *err);
void tarn_model_add_ref(struct tarn_model_node *node, struct tarn_model_ref ref);
void tarn_model_add_source_ref(struct tarn_model_node *node, struct tarn_model_source_ref ref);
void tarn_model_add_macro(struct tarn_model_node *node, const struct tarn_model_macro *macro);
CHECKED enum tarn_status tarn_model_parse_template(struct tarn_model_project *project,
                                                   const char *name, struct tarn_text source,
                                                   unsigned first_line,
                                                   struct tarn_template **ret_template,
                                                   struct tarn_error *err);

#endif
