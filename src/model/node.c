/* model/node.c -- see node.h. */
#include "model/node.h"

#include <stdio.h>

const char *tarn_node_kind_name(enum tarn_node_kind kind)
{
    static const char *const names[TARN_NODE_KINDS] = {
        [TARN_NODE_MODEL] = "model",       [TARN_NODE_SEED] = "seed",
        [TARN_NODE_SNAPSHOT] = "snapshot", [TARN_NODE_TEST] = "test",
        [TARN_NODE_ANALYSIS] = "analysis", [TARN_NODE_SOURCE] = "source",
        [TARN_NODE_EXPOSURE] = "exposure", [TARN_NODE_UNIT_TEST] = "unit_test",
    };
    return names[kind];
}

void tarn_model_nodes_add(struct tarn_model_nodes *nodes, struct tarn_model_node *node)
{
    TARN_RESERVE(nodes->items, nodes->cap, nodes->count + 1);
    nodes->items[nodes->count++] = node;
}

struct tarn_value tarn_node_config(const struct tarn_model_node *node, const char *key)
{
    if (!tarn_value_is(node->config, TARN_VALUE_DICT))
        return TARN_UNDEFINED;
    return tarn_dict_get_str(node->config, key);
}

const char *tarn_node_config_str(const struct tarn_model_node *node, const char *key,
                                 const char *fallback, struct tarn_arena *arena)
{
    struct tarn_value value = tarn_node_config(node, key);
    if (tarn_value_is_nothing(value))
        return fallback;
    TARN_BUFFER(text, 1 << 20);
    tarn_value_print(value, &text);
    return tarn_arena_strdup(arena, tarn_buffer_str(&text));
}

bool tarn_node_config_bool(const struct tarn_model_node *node, const char *key, bool fallback)
{
    struct tarn_value value = tarn_node_config(node, key);
    if (tarn_value_is_nothing(value))
        return fallback;
    if (tarn_value_is_string(value))
        return tarn_value_text_is(value, "true") || tarn_value_text_is(value, "True");
    return tarn_value_truth(value);
}

const char *tarn_node_materialized(const struct tarn_model_node *node)
{
    static const char *const known[] = {"view",      "table",    "incremental",
                                        "ephemeral", "snapshot", "seed",
                                        "test",      "external", "materialized_view"};
    struct tarn_value value = tarn_node_config(node, "materialized");
    for (size_t i = 0; i < TARN_COUNT(known); i++)
        if (tarn_value_text_is(value, known[i]))
            return known[i];
    if (tarn_value_is_string(value))
        return "custom";
    switch (node->kind) {
    case TARN_NODE_SEED:
        return "seed";
    case TARN_NODE_SNAPSHOT:
        return "snapshot";
    case TARN_NODE_TEST:
        return "test";
    case TARN_NODE_MODEL:
    case TARN_NODE_ANALYSIS:
    case TARN_NODE_SOURCE:
    case TARN_NODE_EXPOSURE:
    case TARN_NODE_UNIT_TEST:
        break;
    }
    return "view";
}

bool tarn_node_is_ephemeral(const struct tarn_model_node *node)
{
    return node->kind == TARN_NODE_MODEL && strcmp(tarn_node_materialized(node), "ephemeral") == 0;
}

void tarn_model_warn(struct tarn_model_project *project, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    TARN_RESERVE(project->warnings, project->warning_cap, project->warning_count + 1);
    project->warnings[project->warning_count++] = tarn_arena_strdup(project->arena, text);
}

const char **tarn_value_strings(struct tarn_arena *arena, struct tarn_value value,
                                size_t *ret_count)
{
    bool many = tarn_value_is(value, TARN_VALUE_LIST) || tarn_value_is(value, TARN_VALUE_TUPLE);
    size_t count = many ? tarn_list_count(value) : !tarn_value_is_nothing(value);
    const char **texts = tarn_arena_array(arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        TARN_BUFFER(text, 1 << 20);
        tarn_value_print(many ? tarn_list_at(value, i) : value, &text);
        texts[i] = tarn_arena_strdup(arena, tarn_buffer_str(&text));
    }
    if (ret_count)
        *ret_count = count;
    return texts;
}
