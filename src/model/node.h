/* model/node.h -- a dbt project in memory: packages, macros, and the nodes that make its graph.
 *
 * Filled by one thread while the project is parsed, then only read: many threads run its nodes.
 * Texts live in the project's arena, template values in its heap; both end with
 * tarn_model_project_free. */
#ifndef TARN_MODEL_NODE_H
#define TARN_MODEL_NODE_H

#include <pthread.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/name_map.h"
#include "model/template/template.h"
#include "project/yaml.h"

enum tarn_node_kind {
    TARN_NODE_MODEL,
    TARN_NODE_SEED,
    TARN_NODE_SNAPSHOT,
    TARN_NODE_TEST,
    TARN_NODE_ANALYSIS,
    TARN_NODE_SOURCE,
    TARN_NODE_EXPOSURE,
    TARN_NODE_UNIT_TEST,
};
enum { TARN_NODE_KINDS = TARN_NODE_UNIT_TEST + 1 };

struct tarn_model_package {
    const char *name;
    const char *version;
    const char *root;             /* absolute */
    bool is_root;                 /* the project itself */
    bool is_built_in;             /* macros that are part of the program */
    const struct tarn_yaml *yaml; /* dbt_project.yml; NULL for a built-in one */
    struct tarn_value vars;
    const char **paths[6]; /* by enum tarn_path_kind; each ended by NULL */
};
enum tarn_path_kind {
    TARN_PATH_MODELS,
    TARN_PATH_SEEDS,
    TARN_PATH_MACROS,
    TARN_PATH_TESTS,
    TARN_PATH_SNAPSHOTS,
    TARN_PATH_ANALYSES,
};

struct tarn_model_macro {
    const char *name; /* what it is called by: "test_unique" for {% test unique %} */
    const char *unique_id;
    const struct tarn_model_package *package;
    const char *path; /* below the package root */
    const struct tarn_template *tmpl;
    const struct tarn_template_block *block;
    const char *description;
};

struct tarn_model_column {
    const char *name;
    const char *description;
    const char *data_type; /* NULL when not given */
    struct tarn_value meta, tags;
    bool quote;
};

struct tarn_model_ref {
    const char *package; /* NULL: any */
    const char *name;
    const char *version; /* NULL when not given */
};
struct tarn_model_source_ref {
    const char *source, *table;
};

struct tarn_model_node;
struct tarn_model_nodes {
    struct tarn_model_node **items;
    size_t count, cap;
};

struct tarn_model_node {
    enum tarn_node_kind kind;
    size_t index; /* in the project's list of nodes */
    const char *unique_id;
    const char *name;
    const struct tarn_model_package *package;
    const char *path;          /* below its folder of models: "staging/stg_orders.sql" */
    const char *original_path; /* below the package root: "models/staging/stg_orders.sql" */
    const char *file;          /* absolute */
    const char *patch_path;    /* the YAML file that describes it, or NULL */
    const char **fqn;
    size_t fqn_count;
    const char *database, *schema, *alias; /* what it is in the lake; alias is the table's name */
    const char *description;
    const char *version;                 /* of a versioned model, or NULL */
    bool is_latest;                      /* the version that ref() without one means */
    const struct tarn_yaml *yaml;        /* its entry in a YAML file, or NULL */
    const struct tarn_yaml *source_yaml; /* SOURCE: the source that the table belongs to */
    const struct tarn_yaml *model_yaml;  /* of a version: the model's entry */
    struct tarn_value config, config_call, meta;
    struct tarn_text raw_code;
    unsigned first_line;
    struct tarn_template *tmpl;
    struct tarn_model_column *columns;
    size_t column_count;
    struct tarn_model_ref *refs;
    size_t ref_count, ref_cap;
    struct tarn_model_source_ref *source_refs;
    size_t source_ref_count, source_ref_cap;
    const struct tarn_model_macro **macros;
    size_t macro_count, macro_cap;
    struct tarn_model_nodes parents, children;
    char checksum[TARN_SHA256_HEX_BYTES];

    /* TEST */
    bool is_generic;
    const char *test_name, *test_namespace; /* "unique", "dbt_utils" or NULL */
    const char *column_name;
    const char *file_key_name; /* the short name (for the compiled file) */
    struct tarn_value kwargs;
    struct tarn_model_node *attached; /* of a UNIT_TEST the model */

    /* SOURCE */
    const char *source_name, *source_description, *loader, *loaded_at_field;
    struct tarn_value freshness, source_meta;

    /* EXPOSURE, UNIT_TEST: the whole entry */
    struct tarn_value extra;
};

struct tarn_model_docs {
    const char *name, *unique_id, *path, *contents;
    const struct tarn_model_package *package;
};

struct tarn_model_target {
    const char *profile_name, *name, *schema, *database, *type;
    unsigned threads;
    struct tarn_value extra; /* the profile's other keys */
};

struct tarn_model_project {
    struct tarn_arena *arena;
    struct tarn_heap *heap;
    const char *directory, *name, *target_path;
    struct tarn_model_target target;
    struct tarn_model_package **packages; /* the project itself first, the built-in ones last */
    size_t package_count, package_cap;
    struct tarn_template **templates; /* all that were parsed, to be freed */
    size_t template_count, template_cap;

    struct tarn_model_nodes all_nodes;       /* every node ever made, to be freed */
    struct tarn_model_nodes nodes, disabled; /* what the project has */
    struct tarn_name_map node_by_id;
    struct tarn_name_map by_name;      /* ref-able nodes by name: struct tarn_model_nodes * */
    struct tarn_name_map sources;      /* "source.table" */
    struct tarn_name_map disabled_ids; /* names of models that are disabled */

    struct tarn_model_macro **macros;
    size_t macro_count, macro_cap;
    struct tarn_name_map macro_by_name; /* "package.name", and "name" for the one that wins */
    struct tarn_name_map root_macros;   /* the project's own: they win over the context's names */
    struct tarn_name_map package_by_name;
    struct tarn_name_map docs; /* struct tarn_model_docs by "package.name" and "name" */
    struct tarn_model_docs **doc_list;
    size_t doc_count, doc_cap;
    struct tarn_name_map patches;  /* struct tarn_model_patch by "kind:package:name" */
    struct tarn_name_map versions; /* the same by "package:file stem" */

    struct tarn_value cli_vars;                 /* dict */
    struct tarn_value root_vars;                /* dict, as in dbt_project.yml */
    struct tarn_value on_run_start, on_run_end; /* lists of SQL templates */
    struct tarn_value graph;                    /* dbt's `graph`, made when first asked for */
    pthread_mutex_t graph_lock;
    struct tarn_value flags; /* dict */
    bool full_refresh;
    const char *command; /* "build", "run", ... */
    char invocation_id[TARN_UUID_BYTES];
    int64_t started_us;
    char **warnings;
    size_t warning_count, warning_cap;
};

const char *tarn_node_kind_name(enum tarn_node_kind kind); /* "model", "seed", ... */
void tarn_model_nodes_add(struct tarn_model_nodes *nodes, struct tarn_model_node *node);
/* A value of the node's configuration; undefined when it is not set. */
struct tarn_value tarn_node_config(const struct tarn_model_node *node, const char *key);
/* The same as text in `arena`, `fallback` when it is not set or none. */
const char *tarn_node_config_str(const struct tarn_model_node *node, const char *key,
                                 const char *fallback, struct tarn_arena *arena);
bool tarn_node_config_bool(const struct tarn_model_node *node, const char *key, bool fallback);
/* "table", "view", "incremental", "ephemeral", "seed", "test", ... */
const char *tarn_node_materialized(const struct tarn_model_node *node);
bool tarn_node_is_ephemeral(const struct tarn_model_node *node);
/* Keeps a warning to be shown at the end of the parse. */
void tarn_model_warn(struct tarn_model_project *project, const char *format, ...) TARN_PRINTF(2, 3);
/* Copies a list or single string into the arena as a NULL-ended list. */
const char **tarn_value_strings(struct tarn_arena *arena, struct tarn_value value,
                                size_t *ret_count);

#endif
