/* model/config.c -- where a node's configuration comes from, weakest first: dbt_project.yml of its
 * package, dbt_project.yml of the project, its YAML entry, config() in its file. */
#include "model/context.h"
#include "model/project.h"

/* Texts under these keys are templates for the moment the node runs. */
static const char *const raw_keys[] = {"pre-hook", "post-hook", "pre_hook", "post_hook", NULL};

enum merge { MERGE_REPLACE, MERGE_APPEND, MERGE_UPDATE };

static enum merge merge_of(struct tarn_text key)
{
    static const char *const appended[] = {"tags", "pre-hook", "post-hook", "packages"};
    static const char *const updated[] = {"meta", "docs", "quoting", "column_types", "grants"};
    for (size_t i = 0; i < TARN_COUNT(appended); i++)
        if (tarn_text_is(key, appended[i]))
            return MERGE_APPEND;
    for (size_t i = 0; i < TARN_COUNT(updated); i++)
        if (tarn_text_is(key, updated[i]))
            return MERGE_UPDATE;
    return MERGE_REPLACE;
}

static void append_all(struct tarn_value list, struct tarn_value from)
{
    if (tarn_value_is(from, TARN_VALUE_LIST) || tarn_value_is(from, TARN_VALUE_TUPLE)) {
        for (size_t i = 0; i < tarn_list_count(from); i++)
            tarn_list_append(list, tarn_list_at(from, i));
    } else if (!tarn_value_is_nothing(from)) {
        tarn_list_append(list, from);
    }
}

static bool list_has(struct tarn_value list, struct tarn_value item)
{
    for (size_t i = 0; i < tarn_list_count(list); i++)
        if (tarn_value_equal(tarn_list_at(list, i), item))
            return true;
    return false;
}

static struct tarn_value without_repeats(struct tarn_heap *heap, struct tarn_value list)
{
    struct tarn_value unique = tarn_value_list(heap);
    for (size_t i = 0; i < tarn_list_count(list); i++)
        if (!list_has(unique, tarn_list_at(list, i)))
            tarn_list_append(unique, tarn_list_at(list, i));
    return unique;
}

static struct tarn_value merged(struct tarn_heap *heap, struct tarn_text key, struct tarn_value old,
                                struct tarn_value new)
{
    enum merge kind = merge_of(key);
    if (kind == MERGE_APPEND) {
        struct tarn_value list = tarn_value_list(heap);
        append_all(list, old);
        append_all(list, new);
        return tarn_text_is(key, "tags") ? without_repeats(heap, list) : list;
    }
    if (kind == MERGE_UPDATE && tarn_value_is(old, TARN_VALUE_DICT) &&
        tarn_value_is(new, TARN_VALUE_DICT)) {
        struct tarn_value dict = tarn_value_dict(heap), k, v;
        for (size_t i = 0; i < tarn_dict_count(old); i++) {
            tarn_dict_at(old, i, &k, &v);
            tarn_dict_put(dict, k, v);
        }
        for (size_t i = 0; i < tarn_dict_count(new); i++) {
            tarn_dict_at(new, i, &k, &v);
            tarn_dict_put(dict, k, v);
        }
        return dict;
    }
    return new;
}

void tarn_model_config_merge(struct tarn_heap *heap, struct tarn_value into, struct tarn_value from)
{
    if (!tarn_value_is(from, TARN_VALUE_DICT))
        return;
    for (size_t i = 0; i < tarn_dict_count(from); i++) {
        struct tarn_value key, value;
        tarn_dict_at(from, i, &key, &value);
        struct tarn_text text = tarn_value_text(key);
        if (tarn_text_is(text, "pre_hook"))
            text = TARN_TEXT("pre-hook");
        else if (tarn_text_is(text, "post_hook"))
            text = TARN_TEXT("post-hook");
        tarn_dict_put(into, tarn_value_text_copy(heap, text),
                      merged(heap, text, tarn_dict_get_text(into, text), value));
    }
}

/* The configuration at one level of a tree: keys with a plus, and plain keys whose value is no
 * map (those are the next level). */
static enum tarn_status take_level(struct tarn_model_context *context, struct tarn_heap *heap,
                                   const struct tarn_yaml *level, struct tarn_value into,
                                   struct tarn_error *err)
{
    struct tarn_value own = tarn_value_dict(heap);
    for (size_t i = 0; i < level->count; i++) {
        const char *key = tarn_yaml_key(level, i);
        bool has_plus = key[0] == '+';
        if (!has_plus && level->items[i]->kind == TARN_YAML_MAP)
            continue;
        key += has_plus;
        while (*key == ' ')
            key++;
        bool raw = false;
        for (size_t k = 0; raw_keys[k]; k++)
            raw = raw || strcmp(raw_keys[k], key) == 0;
        struct tarn_value value;
        TARN_TRY(tarn_model_yaml_value(raw ? NULL : context, heap, level->items[i], raw_keys,
                                       &value, err));
        tarn_dict_put_str(own, key, value);
    }
    tarn_model_config_merge(heap, into, own);
    return TARN_OK;
}

static enum tarn_status take_tree(struct tarn_model_context *context, struct tarn_heap *heap,
                                  const struct tarn_yaml *tree, const char *const *fqn,
                                  size_t fqn_count, struct tarn_value into, struct tarn_error *err)
{
    for (size_t i = 0; tree && tree->kind == TARN_YAML_MAP; i++) {
        TARN_TRY(take_level(context, heap, tree, into, err));
        tree = i < fqn_count ? tarn_yaml_get(tree, fqn[i]) : NULL;
    }
    return TARN_OK;
}

enum tarn_status tarn_model_config_inherit(struct tarn_model_project *project,
                                           struct tarn_model_context *context,
                                           const struct tarn_model_package *package,
                                           const char *section, const char *const *fqn,
                                           size_t fqn_count, struct tarn_value into,
                                           struct tarn_error *err)
{
    const struct tarn_yaml *tree;
    if (!package->is_root && package->yaml) {
        TARN_TRY(tarn_yaml_map(package->yaml, section, &tree, err));
        TARN_TRY(take_tree(context, project->heap, tree, fqn, fqn_count, into, err));
    }
    TARN_TRY(tarn_yaml_map(project->packages[0]->yaml, section, &tree, err));
    return take_tree(context, project->heap, tree, fqn, fqn_count, into, err);
}

/* `config:` of a YAML entry, and what dbt also takes one level up. */
static enum tarn_status take_patch(struct tarn_model_project *project,
                                   struct tarn_model_context *context, const struct tarn_yaml *yaml,
                                   struct tarn_value into, struct tarn_error *err)
{
    static const char *const direct[] = {"tags", "meta", "docs", "enabled", "group", "access"};
    struct tarn_value own = tarn_value_dict(project->heap), value;
    for (size_t i = 0; i < TARN_COUNT(direct); i++) {
        const struct tarn_yaml *entry = tarn_yaml_get(yaml, direct[i]);
        if (!entry)
            continue;
        TARN_TRY(tarn_model_yaml_value(context, project->heap, entry, raw_keys, &value, err));
        tarn_dict_put_str(own, direct[i], value);
    }
    tarn_model_config_merge(project->heap, into, own);
    const struct tarn_yaml *config;
    TARN_TRY(tarn_yaml_map(yaml, "config", &config, err));
    if (!config)
        return TARN_OK;
    TARN_TRY(tarn_model_yaml_value(context, project->heap, config, raw_keys, &value, err));
    tarn_model_config_merge(project->heap, into, value);
    return TARN_OK;
}

static const char *section_of(enum tarn_node_kind kind)
{
    switch (kind) {
    case TARN_NODE_SEED:
        return "seeds";
    case TARN_NODE_SNAPSHOT:
        return "snapshots";
    case TARN_NODE_TEST:
        return "data_tests";
    case TARN_NODE_SOURCE:
        return "sources";
    case TARN_NODE_EXPOSURE:
        return "exposures";
    case TARN_NODE_ANALYSIS:
        return "analyses";
    case TARN_NODE_UNIT_TEST:
        return "unit_tests";
    case TARN_NODE_MODEL:
        break;
    }
    return "models";
}

/* A name macro that the project overrides, called as dbt does; otherwise false. */
static enum tarn_status call_name_macro(struct tarn_model_context *context,
                                        struct tarn_model_node *node, const char *macro_name,
                                        struct tarn_value custom, const char **ret_name,
                                        struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    const struct tarn_model_macro *macro = tarn_name_map_get(&project->root_macros, macro_name);
    if (!macro)
        macro = tarn_model_dispatch(project, macro_name, NULL);
    if (!macro || macro->package->is_built_in)
        return TARN_OK;
    struct tarn_heap *heap = tarn_model_context_heap(context);
    struct tarn_value model = tarn_model_node_value(heap, node);
    struct tarn_value args[] = {custom, model}, result;
    TARN_TRY(tarn_template_call_macro(context->run, macro->tmpl, macro->name, args, 2, NULL, 0,
                                      &result, err));
    struct tarn_text text = tarn_text_trim(tarn_text_of(tarn_value_cstr(heap, result)));
    *ret_name = tarn_arena_strndup(project->arena, text.data, text.len);
    return TARN_OK;
}

static const char *trimmed(struct tarn_model_project *project, struct tarn_value value)
{
    struct tarn_text text = tarn_text_trim(tarn_text_of(tarn_value_cstr(project->heap, value)));
    return tarn_arena_strndup(project->arena, text.data, text.len);
}

static enum tarn_status name_node(struct tarn_model_context *context, struct tarn_model_node *node,
                                  struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    bool snapshot = node->kind == TARN_NODE_SNAPSHOT;
    struct tarn_value schema = tarn_node_config(node, "schema");
    struct tarn_value alias = tarn_node_config(node, "alias");
    struct tarn_value database = tarn_node_config(node, "database");
    if (node->kind == TARN_NODE_TEST && tarn_value_is_nothing(schema))
        schema = tarn_value_str_ref("dbt_test__audit");
    if (snapshot && schema.kind == TARN_VALUE_UNDEFINED)
        schema = tarn_node_config(node, "target_schema");
    if (schema.kind == TARN_VALUE_UNDEFINED)
        schema = TARN_NONE;
    if (alias.kind == TARN_VALUE_UNDEFINED)
        alias = TARN_NONE;
    node->database = project->target.database;
    if (!tarn_value_is_nothing(database))
        node->database = trimmed(project, database);
    node->schema = tarn_value_is_nothing(schema)
                       ? project->target.schema
                       : tarn_arena_format(project->arena, "%s_%s", project->target.schema,
                                           trimmed(project, schema));
    node->alias = node->name;
    if (!tarn_value_is_nothing(alias))
        node->alias = trimmed(project, alias);
    else if (node->version)
        node->alias = tarn_arena_format(project->arena, "%s_v%s", node->name, node->version);
    if (snapshot && tarn_node_config(node, "target_schema").kind != TARN_VALUE_UNDEFINED) {
        node->schema = trimmed(project, schema);
        return TARN_OK;
    }
    TARN_TRY(call_name_macro(context, node, "generate_schema_name", schema, &node->schema, err));
    return call_name_macro(context, node, "generate_alias_name", alias, &node->alias, err);
}

enum tarn_status tarn_model_config_node(struct tarn_model_project *project,
                                        struct tarn_model_context *context,
                                        struct tarn_model_node *node,
                                        const struct tarn_model_patch *patch,
                                        struct tarn_error *err)
{
    struct tarn_value config = tarn_value_dict(project->heap);
    if (node->kind == TARN_NODE_TEST)
        TARN_TRY(tarn_model_config_inherit(project, context, node->package, "tests", node->fqn,
                                           node->fqn_count, config, err));
    TARN_TRY(tarn_model_config_inherit(project, context, node->package, section_of(node->kind),
                                       node->fqn, node->fqn_count, config, err));
    if (patch && patch->model_yaml)
        TARN_TRY(take_patch(project, context, patch->model_yaml, config, err));
    if (patch)
        TARN_TRY(take_patch(project, context, patch->yaml, config, err));
    tarn_model_config_merge(project->heap, config, node->config_call);
    struct tarn_value enabled = tarn_dict_get_str(config, "enabled");
    if (tarn_value_is_string(enabled))
        tarn_dict_put_str(config, "enabled",
                          tarn_value_bool(tarn_value_text_is(enabled, "true") ||
                                          tarn_value_text_is(enabled, "True")));
    node->config = config;
    return name_node(context, node, err);
}
