/* model/config_object.c -- dbt's `config` and `exceptions`. */
#include "model/context_int.h"

#include "base/log.h"

#define CONTEXT(call) ((struct tarn_model_context *)(call)->userdata)

/* config(materialized='table', ...): kept while parsing, says nothing while running. */
static enum tarn_status config_call(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_model_node *node = context->node;
    *ret = tarn_value_str_ref("");
    if (context->execute || !node)
        return TARN_OK;
    struct tarn_heap *heap = context->project->heap;
    if (!tarn_value_is(node->config_call, TARN_VALUE_DICT))
        node->config_call = tarn_value_dict(heap);
    struct tarn_value key, value;
    for (size_t i = 0; i < call->kwarg_count; i++) {
        TARN_TRY(tarn_value_copy(heap, call->kwargs[i].value, &value, err));
        struct tarn_text name = call->kwargs[i].name;
        if (tarn_text_is(name, "pre_hook"))
            name = TARN_TEXT("pre-hook");
        else if (tarn_text_is(name, "post_hook"))
            name = TARN_TEXT("post-hook");
        tarn_dict_put(node->config_call, tarn_value_text_copy(heap, name), value);
    }
    for (size_t i = 0; i < call->arg_count; i++) {
        if (!tarn_value_is(call->args[i], TARN_VALUE_DICT))
            return tarn_fail(err, TARN_CONFIG, "config() takes name=value, not %s",
                             tarn_value_type_name(call->args[i]));
        TARN_TRY(tarn_value_copy(heap, call->args[i], &value, err));
        struct tarn_value entry;
        for (size_t k = 0; k < tarn_dict_count(value); k++) {
            tarn_dict_at(value, k, &key, &entry);
            tarn_dict_put(node->config_call, key, entry);
        }
    }
    return TARN_OK;
}

static bool lookup(struct tarn_model_context *context, struct tarn_text name,
                   struct tarn_value *ret)
{
    const struct tarn_model_node *node = context->node;
    if (!node)
        return false;
    *ret = tarn_value_is(node->config, TARN_VALUE_DICT) ? tarn_dict_get_text(node->config, name)
                                                        : TARN_UNDEFINED;
    if (ret->kind == TARN_VALUE_UNDEFINED && tarn_text_is(name, "materialized"))
        *ret = tarn_value_str_ref(tarn_node_materialized(node));
    return ret->kind != TARN_VALUE_UNDEFINED;
}

static enum tarn_status config_get(struct tarn_call *call, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    static const char *const names[] = {"name", "default", "validator", NULL};
    struct tarn_value v[3];
    TARN_TRY(tarn_call_bind(call, names, 1, v, err));
    struct tarn_model_context *context = CONTEXT(call);
    if (!context->execute && context->node && context->node->kind != TARN_NODE_TEST) {
        *ret = tarn_value_str_ref(""); /* as dbt: nothing is known yet */
        return TARN_OK;
    }
    if (!lookup(context, tarn_value_text(v[0]), ret))
        *ret = v[1].kind == TARN_VALUE_UNDEFINED ? TARN_NONE : v[1];
    return TARN_OK;
}

static enum tarn_status config_require(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_value name = tarn_call_arg(call, 0, "name");
    if (!context->execute) {
        *ret = tarn_value_str_ref("");
        return TARN_OK;
    }
    if (!lookup(context, tarn_value_text(name), ret))
        return tarn_fail(err, TARN_CONFIG,
                         "config '%s' is required and is not set; add it to config()",
                         tarn_value_cstr(call->heap, name));
    return TARN_OK;
}

static enum tarn_status config_meta_get(struct tarn_call *call, struct tarn_value *ret,
                                        struct tarn_error *err)
{
    (void)err;
    struct tarn_value meta, name = tarn_call_arg(call, 0, "name");
    *ret = TARN_UNDEFINED;
    if (lookup(CONTEXT(call), TARN_TEXT("meta"), &meta) && tarn_value_is(meta, TARN_VALUE_DICT))
        *ret = tarn_dict_get(meta, name);
    if (ret->kind == TARN_VALUE_UNDEFINED)
        *ret = tarn_call_arg(call, 1, "default");
    if (ret->kind == TARN_VALUE_UNDEFINED)
        *ret = TARN_NONE;
    return TARN_OK;
}

static enum tarn_status persists(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = TARN_FALSE; /* the lake's tables carry their descriptions anyway */
    return TARN_OK;
}

static bool config_attribute(struct tarn_heap *heap, void *self, struct tarn_text name,
                             struct tarn_value *ret)
{
    (void)heap;
    struct tarn_model_context *context = self;
    return context->execute && lookup(context, name, ret);
}

static const struct tarn_object_method config_methods[] = {
    {"get", config_get},
    {"require", config_require},
    {"set", config_call},
    {"meta_get", config_meta_get},
    {"persist_relation_docs", persists},
    {"persist_column_docs", persists},
    {NULL, NULL},
};

static bool config_attribute_or_method(struct tarn_heap *heap, void *self, struct tarn_text name,
                                       struct tarn_value *ret)
{
    for (size_t i = 0; config_methods[i].name; i++)
        if (tarn_text_is(name, config_methods[i].name))
            return false; /* config.get is the method, whatever a project calls its keys */
    return config_attribute(heap, self, name, ret);
}

static const struct tarn_object_type config_type = {
    .name = "Config",
    .get = config_attribute_or_method,
    .methods = config_methods,
    .call = config_call,
};

struct tarn_value tarn_context_config(struct tarn_model_context *context)
{
    return tarn_value_object(tarn_model_context_heap(context), &config_type, context);
}

/* --- exceptions */

static enum tarn_status raise_error(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)ret;
    const char *text = tarn_context_text(call, tarn_call_arg(call, 0, "msg"));
    return tarn_fail(err, TARN_CONFIG, "%s", text ? text : "an error was raised without a text");
}

static enum tarn_status warn(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    (void)err;
    const char *text = tarn_context_text(call, tarn_call_arg(call, 0, "msg"));
    const struct tarn_model_node *node = CONTEXT(call)->node;
    *ret = tarn_value_str_ref("");
    if (CONTEXT(call)->execute)
        tarn_log(TARN_LOG_WARN, text ? text : "",
                 TARN_LOG_STR("node", node ? node->unique_id : ""));
    else
        tarn_model_warn(CONTEXT(call)->project, "%s%s%s", node ? node->original_path : "",
                        node ? ": " : "", text ? text : "");
    return TARN_OK;
}

static const struct tarn_object_method exception_methods[] = {
    {"raise_compiler_error", raise_error},
    {"raise_not_implemented", raise_error},
    {"raise_parsing_error", raise_error},
    {"raise_database_error", raise_error},
    {"raise_dependency_error", raise_error},
    {"raise_duplicate_patch_name", raise_error},
    {"raise_fail_fast_error", raise_error},
    {"missing_config", raise_error},
    {"missing_relation", raise_error},
    {"missing_materialization", raise_error},
    {"relation_wrong_type", raise_error},
    {"column_type_missing", raise_error},
    {"raise_contract_error", raise_error},
    {"warn", warn},
    {NULL, NULL},
};
static const struct tarn_object_type exceptions_type = {.name = "exceptions",
                                                        .methods = exception_methods};

struct tarn_value tarn_context_exceptions(struct tarn_model_context *context)
{
    return tarn_value_object(tarn_model_context_heap(context), &exceptions_type, context);
}
