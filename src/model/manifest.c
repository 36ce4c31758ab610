/* model/manifest.c -- target/manifest.json in dbt's format, version 12, written as a stream: large
 * projects have manifests of many megabytes. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "model/relation.h"
#include "model/runner.h"
#include "model/worker.h"

enum { MANIFEST_BYTES_MAX = 1 << 30, VALUE_BYTES_MAX = 64 << 20 };

struct manifest {
    const struct tarn_model_project *project;
    const char **compiled; /* by node index; NULL entries: not compiled */
    struct tarn_json_writer json;
    double created_at;
};

static void put_value(struct tarn_json_writer *w, const char *key, struct tarn_value value)
{
    TARN_BUFFER(text, VALUE_BYTES_MAX);
    struct tarn_error ignored;
    tarn_json_key(w, key);
    if (value.kind == TARN_VALUE_UNDEFINED ||
        tarn_value_to_json(value, NULL, &text, &ignored) != TARN_OK)
        tarn_json_null(w);
    else
        tarn_json_raw(w, tarn_buffer_text(&text));
}

static void put_empty_object(struct tarn_json_writer *w, const char *key)
{
    tarn_json_key(w, key);
    tarn_json_object_begin(w);
    tarn_json_object_end(w);
}

static void put_empty_array(struct tarn_json_writer *w, const char *key)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    tarn_json_array_end(w);
}

static void put_null(struct tarn_json_writer *w, const char *key)
{
    tarn_json_key(w, key);
    tarn_json_null(w);
}

/* The value of a configuration, or what dbt writes when it is not set. */
static void put_config_or(struct manifest *m, const struct tarn_model_node *node, const char *key,
                          const char *fallback_json)
{
    struct tarn_value value = tarn_node_config(node, key);
    if (!tarn_value_is_nothing(value)) {
        put_value(&m->json, key, value);
        return;
    }
    tarn_json_key(&m->json, key);
    tarn_json_raw(&m->json, tarn_text_of(fallback_json));
}

static void put_hooks(struct manifest *m, const struct tarn_model_node *node, const char *key)
{
    struct tarn_json_writer *w = &m->json;
    struct tarn_value hooks = tarn_node_config(node, key);
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; tarn_value_is(hooks, TARN_VALUE_LIST) && i < tarn_list_count(hooks); i++) {
        struct tarn_value hook = tarn_list_at(hooks, i), transaction = TARN_TRUE;
        if (tarn_value_is(hook, TARN_VALUE_DICT)) {
            transaction = tarn_dict_get_str(hook, "transaction");
            hook = tarn_dict_get_str(hook, "sql");
        }
        tarn_json_object_begin(w);
        tarn_json_key(w, "sql");
        tarn_json_text(w, tarn_value_text(hook));
        tarn_json_put_bool(w, "transaction",
                           transaction.kind == TARN_VALUE_UNDEFINED ||
                               tarn_value_truth(transaction));
        put_null(w, "index");
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
}

struct config_key {
    const char *key, *fallback;
};
static const struct config_key common_config[] = {
    {"enabled", "true"}, {"alias", "null"}, {"schema", "null"}, {"database", "null"},
    {"tags", "[]"},      {"meta", "{}"},    {"group", "null"},
};
static const struct config_key node_config[] = {
    {"incremental_strategy", "null"},
    {"batch_size", "null"},
    {"lookback", "1"},
    {"begin", "null"},
    {"persist_docs", "{}"},
    {"quoting", "{}"},
    {"column_types", "{}"},
    {"full_refresh", "null"},
    {"unique_key", "null"},
    {"on_schema_change", "\"ignore\""},
    {"on_configuration_change", "\"apply\""},
    {"grants", "{}"},
    {"packages", "[]"},
    {"event_time", "null"},
    {"concurrent_batches", "null"},
};
static const struct config_key test_config[] = {
    {"severity", "\"ERROR\""}, {"store_failures", "null"}, {"store_failures_as", "null"},
    {"where", "null"},         {"limit", "null"},          {"fail_calc", "\"count(*)\""},
    {"warn_if", "\"!= 0\""},   {"error_if", "\"!= 0\""},
};
/* Written by code of their own. */
static const char *const special_config[] = {"materialized", "pre-hook", "post-hook", "docs",
                                             "contract"};

static bool is_listed(const struct config_key *keys, size_t count, struct tarn_text key)
{
    for (size_t i = 0; i < count; i++)
        if (tarn_text_is(key, keys[i].key))
            return true;
    return false;
}

static void put_config_list(struct manifest *m, const struct tarn_model_node *node,
                            const struct config_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_config_or(m, node, keys[i].key, keys[i].fallback);
}

static void put_other_config(struct manifest *m, const struct tarn_model_node *node)
{
    bool test = node->kind == TARN_NODE_TEST;
    struct tarn_value key, value;
    for (size_t i = 0;
         tarn_value_is(node->config, TARN_VALUE_DICT) && i < tarn_dict_count(node->config); i++) {
        tarn_dict_at(node->config, i, &key, &value);
        struct tarn_text name = tarn_value_text(key);
        bool known = is_listed(common_config, TARN_COUNT(common_config), name) ||
                     (test ? is_listed(test_config, TARN_COUNT(test_config), name)
                           : is_listed(node_config, TARN_COUNT(node_config), name));
        for (size_t k = 0; k < TARN_COUNT(special_config) && !known; k++)
            known = tarn_text_is(name, special_config[k]);
        if (known)
            continue;
        char text[200];
        snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(name));
        put_value(&m->json, text, value);
    }
}

/* {"show": true, "node_color": ...} */
static void put_docs(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_value docs = tarn_node_config(node, "docs"), show = TARN_TRUE, color = TARN_NONE;
    if (tarn_value_is(docs, TARN_VALUE_DICT)) {
        struct tarn_value given = tarn_dict_get_str(docs, "show");
        show = given.kind == TARN_VALUE_UNDEFINED ? show : given;
        given = tarn_dict_get_str(docs, "node_color");
        color = given.kind == TARN_VALUE_UNDEFINED ? color : given;
    }
    tarn_json_key(&m->json, "docs");
    tarn_json_object_begin(&m->json);
    tarn_json_put_bool(&m->json, "show", tarn_value_truth(show));
    put_value(&m->json, "node_color", color);
    tarn_json_object_end(&m->json);
}

static void put_contract(struct manifest *m, const struct tarn_model_node *node, bool with_checksum)
{
    struct tarn_value contract = tarn_node_config(node, "contract");
    bool enforced = tarn_value_is(contract, TARN_VALUE_DICT) &&
                    tarn_value_truth(tarn_dict_get_str(contract, "enforced"));
    tarn_json_key(&m->json, "contract");
    tarn_json_object_begin(&m->json);
    tarn_json_put_bool(&m->json, "enforced", enforced);
    tarn_json_put_bool(&m->json, "alias_types", true);
    if (with_checksum)
        put_null(&m->json, "checksum");
    tarn_json_object_end(&m->json);
}

static void put_config(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "config");
    tarn_json_object_begin(w);
    put_config_list(m, node, common_config, TARN_COUNT(common_config));
    tarn_json_put_str(w, "materialized", tarn_node_materialized(node));
    if (node->kind == TARN_NODE_TEST) {
        put_config_list(m, node, test_config, TARN_COUNT(test_config));
    } else {
        put_config_list(m, node, node_config, TARN_COUNT(node_config));
        put_hooks(m, node, "pre-hook");
        put_hooks(m, node, "post-hook");
        put_docs(m, node);
        put_contract(m, node, false);
    }
    put_other_config(m, node);
    tarn_json_object_end(w);
}

static void put_columns(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "columns");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < node->column_count; i++) {
        const struct tarn_model_column *column = &node->columns[i];
        tarn_json_key(w, column->name);
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "name", column->name);
        tarn_json_put_str(w, "description", column->description);
        put_value(w, "meta", column->meta);
        tarn_json_put_str(w, "data_type", column->data_type);
        put_empty_array(w, "constraints");
        tarn_json_key(w, "quote");
        if (column->quote)
            tarn_json_bool(w, true);
        else
            tarn_json_null(w);
        tarn_json_key(w, "config");
        tarn_json_object_begin(w);
        put_value(w, "meta", column->meta);
        put_value(w, "tags", column->tags);
        tarn_json_object_end(w);
        put_value(w, "tags", column->tags);
        put_null(w, "granularity");
        tarn_json_object_end(w);
    }
    tarn_json_object_end(w);
}

static void put_refs(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "refs");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < node->ref_count; i++) {
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "name", node->refs[i].name);
        tarn_json_put_str(w, "package", node->refs[i].package);
        tarn_json_put_str(w, "version", node->refs[i].version);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    tarn_json_key(w, "sources");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < node->source_ref_count; i++) {
        tarn_json_array_begin(w);
        tarn_json_str(w, node->source_refs[i].source);
        tarn_json_str(w, node->source_refs[i].table);
        tarn_json_array_end(w);
    }
    tarn_json_array_end(w);
}

static void put_id_list(struct tarn_json_writer *w, const char *key,
                        const struct tarn_model_nodes *nodes)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < nodes->count; i++)
        tarn_json_str(w, nodes->items[i]->unique_id);
    tarn_json_array_end(w);
}

static void put_depends_on(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "depends_on");
    tarn_json_object_begin(w);
    tarn_json_key(w, "macros");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < node->macro_count; i++)
        tarn_json_str(w, node->macros[i]->unique_id);
    tarn_json_array_end(w);
    if (node->kind != TARN_NODE_SEED)
        put_id_list(w, "nodes", &node->parents);
    tarn_json_object_end(w);
}

static void put_fqn(struct manifest *m, const struct tarn_model_node *node)
{
    tarn_json_key(&m->json, "fqn");
    tarn_json_array_begin(&m->json);
    for (size_t i = 0; i < node->fqn_count; i++)
        tarn_json_str(&m->json, node->fqn[i]);
    tarn_json_array_end(&m->json);
}

static void put_identity(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    if (node->kind != TARN_NODE_EXPOSURE) {
        tarn_json_put_str(w, "database", node->database);
        tarn_json_put_str(w, "schema", node->schema);
    }
    tarn_json_put_str(w, "name", node->name);
    tarn_json_put_str(w, "resource_type", tarn_node_kind_name(node->kind));
    tarn_json_put_str(w, "package_name", node->package->name);
    tarn_json_put_str(w, "path", node->path);
    tarn_json_put_str(w, "original_file_path", node->original_path);
    tarn_json_put_str(w, "unique_id", node->unique_id);
    put_fqn(m, node);
}

static void put_relation_name(struct manifest *m, const struct tarn_model_node *node)
{
    TARN_BUFFER(name, 1 << 16);
    bool has = node->kind != TARN_NODE_TEST && node->kind != TARN_NODE_ANALYSIS &&
               !tarn_node_is_ephemeral(node);
    struct tarn_relation relation = tarn_relation_of_node(node);
    relation.database_asked = true;
    tarn_relation_print(&relation, &name);
    tarn_json_put_str(&m->json, "relation_name", has ? tarn_buffer_str(&name) : NULL);
}

static void put_test(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    if (!node->is_generic)
        return;
    tarn_json_put_str(w, "column_name", node->column_name);
    tarn_json_put_str(w, "file_key_name", node->file_key_name);
    tarn_json_put_str(w, "attached_node",
                      node->attached && node->attached->kind != TARN_NODE_SOURCE
                          ? node->attached->unique_id
                          : NULL);
    tarn_json_key(w, "test_metadata");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "name", node->test_name);
    put_value(w, "kwargs", node->kwargs);
    tarn_json_put_str(w, "namespace", node->test_namespace);
    tarn_json_object_end(w);
}

static void put_model(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    struct tarn_value access = tarn_node_config(node, "access");
    if (node->kind != TARN_NODE_MODEL)
        return;
    put_value(w, "access",
              tarn_value_is_nothing(access) ? tarn_value_str_ref("protected") : access);
    put_empty_array(w, "constraints");
    tarn_json_put_str(w, "version", node->version);
    put_null(w, "latest_version");
    put_null(w, "deprecation_date");
    put_empty_array(w, "primary_key");
    put_null(w, "time_spine");
}

static void put_code(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    const char *compiled = m->compiled ? m->compiled[node->index] : NULL;
    tarn_json_key(w, "raw_code");
    tarn_json_text(w, node->raw_code.data ? node->raw_code : TARN_TEXT(""));
    if (node->kind == TARN_NODE_SEED) {
        tarn_json_put_str(w, "root_path", node->package->root);
        return;
    }
    tarn_json_put_str(w, "language", "sql");
    put_refs(m, node);
    put_empty_array(w, "metrics");
    put_contract(m, node, true);
    if (compiled) {
        tarn_json_put_bool(w, "compiled", true);
        tarn_json_put_str(w, "compiled_code", compiled);
        put_empty_array(w, "extra_ctes");
        tarn_json_put_bool(w, "extra_ctes_injected", true);
    }
}

static void put_node(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    struct tarn_value tags = tarn_node_config(node, "tags"), meta = tarn_node_config(node, "meta");
    tarn_json_object_begin(w);
    put_identity(m, node);
    tarn_json_put_str(w, "alias", node->alias);
    tarn_json_key(w, "checksum");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "name", node->checksum[0] ? "sha256" : "none");
    tarn_json_put_str(w, "checksum", node->checksum);
    tarn_json_object_end(w);
    put_config(m, node);
    tarn_json_key(w, "tags");
    if (tarn_value_is(tags, TARN_VALUE_LIST)) {
        TARN_BUFFER(text, VALUE_BYTES_MAX);
        struct tarn_error ignored;
        bool ok = tarn_value_to_json(tags, NULL, &text, &ignored) == TARN_OK;
        tarn_json_raw(w, ok ? tarn_buffer_text(&text) : TARN_TEXT("[]"));
    } else {
        tarn_json_array_begin(w);
        tarn_json_array_end(w);
    }
    tarn_json_put_str(w, "description", node->description);
    put_columns(m, node);
    if (tarn_value_is(meta, TARN_VALUE_DICT))
        put_value(w, "meta", meta);
    else
        put_empty_object(w, "meta");
    put_null(w, "group");
    put_docs(m, node);
    tarn_json_put_str(w, "patch_path", node->patch_path);
    tarn_json_key(w, "build_path");
    tarn_json_null(w);
    put_empty_object(w, "unrendered_config");
    tarn_json_put_double(w, "created_at", m->created_at);
    put_relation_name(m, node);
    put_depends_on(m, node);
    put_code(m, node);
    put_test(m, node);
    put_model(m, node);
    tarn_json_object_end(w);
}

static void put_source(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    struct tarn_value meta = tarn_node_config(node, "meta"), tags = tarn_node_config(node, "tags");
    tarn_json_object_begin(w);
    put_identity(m, node);
    tarn_json_put_str(w, "source_name", node->source_name);
    tarn_json_put_str(w, "source_description", node->source_description);
    tarn_json_put_str(w, "loader", node->loader);
    tarn_json_put_str(w, "identifier", node->alias);
    put_empty_object(w, "quoting");
    tarn_json_put_str(w, "loaded_at_field", node->loaded_at_field);
    put_value(w, "freshness", node->freshness);
    put_null(w, "external");
    tarn_json_put_str(w, "description", node->description);
    put_columns(m, node);
    if (tarn_value_is(meta, TARN_VALUE_DICT))
        put_value(w, "meta", meta);
    else
        put_empty_object(w, "meta");
    put_value(w, "source_meta", node->source_meta);
    if (tarn_value_is(tags, TARN_VALUE_LIST))
        put_value(w, "tags", tags);
    else
        put_empty_array(w, "tags");
    tarn_json_key(w, "config");
    tarn_json_object_begin(w);
    put_config_or(m, node, "enabled", "true");
    tarn_json_object_end(w);
    put_null(w, "patch_path");
    put_empty_object(w, "unrendered_config");
    put_relation_name(m, node);
    tarn_json_put_double(w, "created_at", m->created_at);
    tarn_json_object_end(w);
}

static void put_exposure(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    static const struct config_key keys[] = {
        {"type", "\"dashboard\""}, {"owner", "{}"}, {"label", "null"}, {"maturity", "null"},
        {"url", "null"},           {"meta", "{}"},  {"tags", "[]"},
    };
    tarn_json_object_begin(w);
    put_identity(m, node);
    for (size_t i = 0; i < TARN_COUNT(keys); i++) {
        struct tarn_value value = tarn_dict_get_str(node->extra, keys[i].key);
        if (tarn_value_is_nothing(value)) {
            tarn_json_key(w, keys[i].key);
            tarn_json_raw(w, tarn_text_of(keys[i].fallback));
        } else {
            put_value(w, keys[i].key, value);
        }
    }
    tarn_json_put_str(w, "description", node->description);
    tarn_json_key(w, "config");
    tarn_json_object_begin(w);
    put_config_or(m, node, "enabled", "true");
    tarn_json_object_end(w);
    put_empty_object(w, "unrendered_config");
    put_depends_on(m, node);
    put_refs(m, node);
    put_empty_array(w, "metrics");
    tarn_json_put_double(w, "created_at", m->created_at);
    tarn_json_object_end(w);
}

static void put_unit_config(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "config");
    tarn_json_object_begin(w);
    put_config_or(m, node, "tags", "[]");
    put_config_or(m, node, "meta", "{}");
    put_config_or(m, node, "enabled", "true");
    tarn_json_object_end(w);
}

/* rows, format and fixture as they were written, with dbt's defaults. */
static void put_rows(struct manifest *m, struct tarn_value entry, bool is_given)
{
    struct tarn_json_writer *w = &m->json;
    static const char *const keys[] = {"rows", "format", "fixture"};
    tarn_json_object_begin(w);
    if (is_given)
        put_value(w, "input", tarn_dict_get_str(entry, "input"));
    for (size_t i = 0; i < TARN_COUNT(keys); i++) {
        struct tarn_value value = tarn_dict_get_str(entry, keys[i]);
        if (i == 1 && tarn_value_is_nothing(value))
            value = tarn_value_str_ref("dict");
        put_value(w, keys[i], tarn_value_is_nothing(value) ? TARN_NONE : value);
    }
    tarn_json_object_end(w);
}

static void put_unit_test(struct manifest *m, const struct tarn_model_node *node)
{
    struct tarn_json_writer *w = &m->json;
    struct tarn_value given = tarn_dict_get_str(node->extra, "given");
    struct tarn_value overrides = tarn_dict_get_str(node->extra, "overrides");
    tarn_json_object_begin(w);
    put_value(w, "model", tarn_dict_get_str(node->extra, "model"));
    tarn_json_key(w, "given");
    tarn_json_array_begin(w);
    for (size_t i = 0; tarn_value_is(given, TARN_VALUE_LIST) && i < tarn_list_count(given); i++)
        put_rows(m, tarn_list_at(given, i), true);
    tarn_json_array_end(w);
    tarn_json_key(w, "expect");
    put_rows(m, tarn_dict_get_str(node->extra, "expect"), false);
    tarn_json_put_str(w, "name", node->name);
    tarn_json_put_str(w, "resource_type", "unit_test");
    tarn_json_put_str(w, "package_name", node->package->name);
    tarn_json_put_str(w, "path", node->path);
    tarn_json_put_str(w, "original_file_path", node->original_path);
    tarn_json_put_str(w, "unique_id", node->unique_id);
    put_fqn(m, node);
    tarn_json_put_str(w, "description", node->description ? node->description : "");
    if (tarn_value_is(overrides, TARN_VALUE_DICT))
        put_value(w, "overrides", overrides);
    else
        put_null(w, "overrides");
    put_depends_on(m, node);
    put_unit_config(m, node);
    tarn_json_put_str(w, "checksum", node->checksum);
    tarn_json_put_str(w, "schema", node->schema);
    tarn_json_put_double(w, "created_at", m->created_at);
    put_null(w, "versions");
    put_null(w, "version");
    tarn_json_object_end(w);
}

static void put_macro(struct manifest *m, const struct tarn_model_macro *macro)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, macro->unique_id);
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "name", macro->name);
    tarn_json_put_str(w, "resource_type", "macro");
    tarn_json_put_str(w, "package_name", macro->package->name);
    tarn_json_put_str(w, "path", macro->path);
    tarn_json_put_str(w, "original_file_path", macro->path);
    tarn_json_put_str(w, "unique_id", macro->unique_id);
    tarn_json_key(w, "macro_sql");
    tarn_json_text(w, macro->block->source);
    tarn_json_key(w, "depends_on");
    tarn_json_object_begin(w);
    put_empty_array(w, "macros");
    tarn_json_object_end(w);
    tarn_json_put_str(w, "description", macro->description);
    put_empty_object(w, "meta");
    tarn_json_key(w, "docs");
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "show", true);
    put_null(w, "node_color");
    tarn_json_object_end(w);
    put_null(w, "patch_path");
    tarn_json_key(w, "arguments");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < macro->block->argument_count; i++) {
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "name", macro->block->arguments[i].name);
        put_null(w, "type");
        tarn_json_put_str(w, "description", "");
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    tarn_json_put_double(w, "created_at", m->created_at);
    put_null(w, "supported_languages");
    tarn_json_object_end(w);
}

static void put_metadata(struct manifest *m)
{
    struct tarn_json_writer *w = &m->json;
    char text[TARN_TIME_TEXT_BYTES];
    tarn_json_key(w, "metadata");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "dbt_schema_version", "https://schemas.getdbt.com/dbt/manifest/v12.json");
    tarn_json_put_str(w, "dbt_version", "1.10.0");
    tarn_json_put_str(w, "generated_at", tarn_time_format(tarn_now_us(), text));
    tarn_json_put_str(w, "invocation_id", m->project->invocation_id);
    tarn_json_put_str(w, "invocation_started_at", tarn_time_format(m->project->started_us, text));
    put_empty_object(w, "env");
    tarn_json_put_str(w, "project_name", m->project->name);
    put_null(w, "project_id");
    put_null(w, "user_id");
    tarn_json_put_bool(w, "send_anonymous_usage_stats", false);
    tarn_json_put_str(w, "adapter_type", "duckdb");
    tarn_json_key(w, "quoting");
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "database", true);
    tarn_json_put_bool(w, "schema", true);
    tarn_json_put_bool(w, "identifier", true);
    put_null(w, "column");
    tarn_json_object_end(w);
    tarn_json_object_end(w);
}

static bool is_in(const struct tarn_model_node *node, enum tarn_node_kind section)
{
    if (section == TARN_NODE_SOURCE || section == TARN_NODE_EXPOSURE ||
        section == TARN_NODE_UNIT_TEST)
        return node->kind == section;
    return node->kind != TARN_NODE_SOURCE && node->kind != TARN_NODE_EXPOSURE &&
           node->kind != TARN_NODE_UNIT_TEST;
}

static void put_section(struct manifest *m, const char *key, enum tarn_node_kind section,
                        void (*put)(struct manifest *m, const struct tarn_model_node *node))
{
    tarn_json_key(&m->json, key);
    tarn_json_object_begin(&m->json);
    for (size_t i = 0; i < m->project->nodes.count; i++) {
        const struct tarn_model_node *node = m->project->nodes.items[i];
        if (!is_in(node, section))
            continue;
        tarn_json_key(&m->json, node->unique_id);
        put(m, node);
    }
    tarn_json_object_end(&m->json);
}

static void put_docs_section(struct manifest *m)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "docs");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < m->project->doc_count; i++) {
        const struct tarn_model_docs *docs = m->project->doc_list[i];
        tarn_json_key(w, docs->unique_id);
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "name", docs->name);
        tarn_json_put_str(w, "resource_type", "doc");
        tarn_json_put_str(w, "package_name", docs->package->name);
        tarn_json_put_str(w, "path", docs->path);
        tarn_json_put_str(w, "original_file_path", docs->path);
        tarn_json_put_str(w, "unique_id", docs->unique_id);
        tarn_json_put_str(w, "block_contents", docs->contents);
        tarn_json_object_end(w);
    }
    tarn_json_object_end(w);
}

static void put_graph(struct manifest *m)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "parent_map");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < m->project->nodes.count; i++)
        put_id_list(w, m->project->nodes.items[i]->unique_id, &m->project->nodes.items[i]->parents);
    tarn_json_object_end(w);
    tarn_json_key(w, "child_map");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < m->project->nodes.count; i++)
        put_id_list(w, m->project->nodes.items[i]->unique_id,
                    &m->project->nodes.items[i]->children);
    tarn_json_object_end(w);
}

static void put_disabled(struct manifest *m)
{
    struct tarn_json_writer *w = &m->json;
    tarn_json_key(w, "disabled");
    tarn_json_object_begin(w);
    const char **compiled = m->compiled;
    m->compiled = NULL;
    for (size_t i = 0; i < m->project->disabled.count; i++) {
        const struct tarn_model_node *node = m->project->disabled.items[i];
        if (!is_in(node, TARN_NODE_MODEL))
            continue;
        tarn_json_key(w, node->unique_id);
        tarn_json_array_begin(w);
        put_node(m, node);
        tarn_json_array_end(w);
    }
    m->compiled = compiled;
    tarn_json_object_end(w);
}

static void put_all(struct manifest *m)
{
    static const char *const empty[] = {"metrics",         "groups",    "saved_queries",
                                        "semantic_models", "selectors", "group_map"};
    struct tarn_json_writer *w = &m->json;
    tarn_json_object_begin(w);
    put_metadata(m);
    put_section(m, "nodes", TARN_NODE_MODEL, put_node);
    put_section(m, "sources", TARN_NODE_SOURCE, put_source);
    tarn_json_key(w, "macros");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < m->project->macro_count; i++)
        put_macro(m, m->project->macros[i]);
    tarn_json_object_end(w);
    put_docs_section(m);
    put_section(m, "exposures", TARN_NODE_EXPOSURE, put_exposure);
    put_section(m, "unit_tests", TARN_NODE_UNIT_TEST, put_unit_test);
    for (size_t i = 0; i < TARN_COUNT(empty); i++)
        put_empty_object(w, empty[i]);
    put_disabled(m);
    put_graph(m);
    tarn_json_object_end(w);
}

void tarn_model_manifest_json(const struct tarn_model_project *project,
                              const struct tarn_model_run_result *result, struct tarn_buffer *out)
{
    TARN_AUTO_FREE const char **compiled =
        tarn_alloc_array(project->nodes.count + 1, sizeof *compiled);
    for (size_t i = 0; result && i < result->count; i++)
        compiled[result->results[i].node->index] = result->results[i].compiled;
    struct manifest m = {.project = project,
                         .compiled = compiled,
                         .json = tarn_json_writer(out, 0),
                         .created_at = (double)project->started_us / 1e6};
    put_all(&m);
}

enum tarn_status tarn_model_write_manifest(const struct tarn_model_project *project,
                                           const struct tarn_model_run_result *result,
                                           struct tarn_error *err)
{
    TARN_BUFFER(json, MANIFEST_BYTES_MAX);
    tarn_model_manifest_json(project, result, &json);
    TARN_TRY(tarn_buffer_check(&json, "manifest.json", err));
    bool absolute = project->target_path[0] == '/';
    TARN_AUTO_FREE char *path =
        tarn_format("%s%s%s/manifest.json", absolute ? "" : project->directory, absolute ? "" : "/",
                    project->target_path);
    return tarn_model_write_target(path, tarn_buffer_text(&json), err);
}
