/* model/node_value.c -- a node as dbt's templates know it: the same keys as in manifest.json. */
#include "model/context.h"
#include "model/relation.h"

static struct tarn_value text_list(struct tarn_heap *heap, const char *const *items, size_t count)
{
    struct tarn_value list = tarn_value_list(heap);
    for (size_t i = 0; i < count; i++)
        tarn_list_append(list, tarn_value_str_ref(items[i]));
    return list;
}

static struct tarn_value columns_value(struct tarn_heap *heap, const struct tarn_model_node *node)
{
    struct tarn_value dict = tarn_value_dict(heap);
    for (size_t i = 0; i < node->column_count; i++) {
        const struct tarn_model_column *column = &node->columns[i];
        struct tarn_value item = tarn_value_dict(heap);
        tarn_dict_put_str(item, "name", tarn_value_str_ref(column->name));
        tarn_dict_put_str(item, "description", tarn_value_str_ref(column->description));
        tarn_dict_put_str(item, "data_type", tarn_value_str_ref(column->data_type));
        tarn_dict_put_str(item, "meta", column->meta);
        tarn_dict_put_str(item, "tags", column->tags);
        tarn_dict_put_str(item, "quote", tarn_value_bool(column->quote));
        tarn_dict_put_str(dict, column->name, item);
    }
    return dict;
}

static struct tarn_value depends_on(struct tarn_heap *heap, const struct tarn_model_node *node)
{
    struct tarn_value nodes = tarn_value_list(heap), macros = tarn_value_list(heap);
    for (size_t i = 0; i < node->parents.count; i++)
        tarn_list_append(nodes, tarn_value_str_ref(node->parents.items[i]->unique_id));
    for (size_t i = 0; i < node->macro_count; i++)
        tarn_list_append(macros, tarn_value_str_ref(node->macros[i]->unique_id));
    struct tarn_value dict = tarn_value_dict(heap);
    tarn_dict_put_str(dict, "nodes", nodes);
    tarn_dict_put_str(dict, "macros", macros);
    return dict;
}

static struct tarn_value config_value(struct tarn_heap *heap, const struct tarn_model_node *node)
{
    struct tarn_value dict = tarn_value_dict(heap), key, value;
    tarn_dict_put_str(dict, "enabled", TARN_TRUE);
    tarn_dict_put_str(dict, "materialized", tarn_value_str_ref(tarn_node_materialized(node)));
    tarn_dict_put_str(dict, "tags", tarn_value_list(heap));
    tarn_dict_put_str(dict, "meta", tarn_value_dict(heap));
    tarn_dict_put_str(dict, "schema", TARN_NONE);
    tarn_dict_put_str(dict, "alias", TARN_NONE);
    tarn_dict_put_str(dict, "database", TARN_NONE);
    tarn_dict_put_str(dict, "full_refresh", TARN_NONE);
    tarn_dict_put_str(dict, "unique_key", TARN_NONE);
    for (size_t i = 0;
         tarn_value_is(node->config, TARN_VALUE_DICT) && i < tarn_dict_count(node->config); i++) {
        tarn_dict_at(node->config, i, &key, &value);
        tarn_dict_put(dict, key, value);
    }
    return dict;
}

static void put_test(struct tarn_heap *heap, struct tarn_value dict,
                     const struct tarn_model_node *node)
{
    tarn_dict_put_str(dict, "column_name", tarn_value_str_ref(node->column_name));
    tarn_dict_put_str(dict, "attached_node",
                      tarn_value_str_ref(node->attached ? node->attached->unique_id : NULL));
    if (!node->is_generic)
        return;
    struct tarn_value metadata = tarn_value_dict(heap);
    tarn_dict_put_str(metadata, "name", tarn_value_str_ref(node->test_name));
    tarn_dict_put_str(metadata, "namespace", tarn_value_str_ref(node->test_namespace));
    tarn_dict_put_str(metadata, "kwargs", node->kwargs);
    tarn_dict_put_str(dict, "test_metadata", metadata);
}

static void put_source(struct tarn_value dict, const struct tarn_model_node *node)
{
    tarn_dict_put_str(dict, "source_name", tarn_value_str_ref(node->source_name));
    tarn_dict_put_str(dict, "source_description", tarn_value_str_ref(node->source_description));
    tarn_dict_put_str(dict, "identifier", tarn_value_str_ref(node->alias));
    tarn_dict_put_str(dict, "loader", tarn_value_str_ref(node->loader));
    tarn_dict_put_str(dict, "loaded_at_field", tarn_value_str_ref(node->loaded_at_field));
    tarn_dict_put_str(dict, "freshness", node->freshness);
    tarn_dict_put_str(dict, "source_meta", node->source_meta);
}

struct tarn_value tarn_model_node_value(struct tarn_heap *heap, const struct tarn_model_node *node)
{
    struct tarn_value dict = tarn_value_dict(heap), config = config_value(heap, node);
    tarn_dict_put_str(dict, "unique_id", tarn_value_str_ref(node->unique_id));
    tarn_dict_put_str(dict, "name", tarn_value_str_ref(node->name));
    tarn_dict_put_str(dict, "resource_type", tarn_value_str_ref(tarn_node_kind_name(node->kind)));
    tarn_dict_put_str(dict, "package_name", tarn_value_str_ref(node->package->name));
    tarn_dict_put_str(dict, "path", tarn_value_str_ref(node->path));
    tarn_dict_put_str(dict, "original_file_path", tarn_value_str_ref(node->original_path));
    tarn_dict_put_str(dict, "root_path", tarn_value_str_ref(node->package->root));
    tarn_dict_put_str(dict, "patch_path", tarn_value_str_ref(node->patch_path));
    tarn_dict_put_str(dict, "database", tarn_value_str_ref(node->database));
    tarn_dict_put_str(dict, "schema", tarn_value_str_ref(node->schema));
    tarn_dict_put_str(dict, "alias", tarn_value_str_ref(node->alias));
    tarn_dict_put_str(dict, "fqn", text_list(heap, node->fqn, node->fqn_count));
    tarn_dict_put_str(dict, "version", tarn_value_str_ref(node->version));
    tarn_dict_put_str(dict, "description", tarn_value_str_ref(node->description));
    tarn_dict_put_str(dict, "config", config);
    tarn_dict_put_str(dict, "tags", tarn_dict_get_str(config, "tags"));
    tarn_dict_put_str(dict, "meta", tarn_dict_get_str(config, "meta"));
    tarn_dict_put_str(dict, "columns", columns_value(heap, node));
    tarn_dict_put_str(dict, "depends_on", depends_on(heap, node));
    tarn_dict_put_str(dict, "language", tarn_value_str_ref("sql"));
    tarn_dict_put_str(dict, "raw_code", tarn_value_text_ref(node->raw_code));
    tarn_dict_put_str(dict, "raw_sql", tarn_value_text_ref(node->raw_code));
    if (node->schema && node->alias) {
        TARN_BUFFER(name, 1 << 16);
        struct tarn_relation relation = tarn_relation_of_node(node);
        relation.database_asked = true;
        tarn_relation_print(&relation, &name);
        tarn_dict_put_str(dict, "relation_name",
                          tarn_value_text_copy(heap, tarn_buffer_text(&name)));
    }
    if (node->kind == TARN_NODE_TEST)
        put_test(heap, dict, node);
    if (node->kind == TARN_NODE_SOURCE)
        put_source(dict, node);
    return dict;
}
