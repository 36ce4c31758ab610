/* model/yaml_value.c -- YAML trees as template values; texts with tags are rendered natively, as
 * dbt does for its own files. */
#include <stdio.h>

#include "model/context.h"

static enum tarn_status render_scalar(struct tarn_model_context *context, struct tarn_heap *heap,
                                      const struct tarn_yaml *yaml, struct tarn_value *ret_value,
                                      struct tarn_error *err)
{
    char name[600];
    struct tarn_value rendered;
    struct tarn_text text = {yaml->text, yaml->text_len};
    if (!context || !tarn_template_has_tags(text)) {
        *ret_value = tarn_value_text_copy(heap, text);
        return TARN_OK;
    }
    snprintf(name, sizeof name, "%s:%d", yaml->file, yaml->line);
    TARN_TRY(tarn_model_render_native(context, name, text, &rendered, err));
    return tarn_value_copy(heap, rendered, ret_value, err);
}

static bool is_raw(const char *const *raw_keys, const char *key)
{
    for (; raw_keys && *raw_keys; raw_keys++)
        if (strcmp(*raw_keys, key) == 0)
            return true;
    return false;
}

static enum tarn_status map_value(struct tarn_model_context *context, struct tarn_heap *heap,
                                  const struct tarn_yaml *yaml, const char *const *raw_keys,
                                  struct tarn_value *ret_value, struct tarn_error *err)
{
    struct tarn_value dict = tarn_value_dict(heap), item;
    for (size_t i = 0; i < yaml->count; i++) {
        const char *key = tarn_yaml_key(yaml, i);
        struct tarn_model_context *used = is_raw(raw_keys, key) ? NULL : context;
        TARN_TRY(tarn_model_yaml_value(used, heap, yaml->items[i], raw_keys, &item, err));
        tarn_dict_put(dict, tarn_value_str(heap, key), item);
    }
    *ret_value = dict;
    return TARN_OK;
}

enum tarn_status tarn_model_yaml_value(struct tarn_model_context *context, struct tarn_heap *heap,
                                       const struct tarn_yaml *yaml, const char *const *raw_keys,
                                       struct tarn_value *ret_value, struct tarn_error *err)
{
    struct tarn_value list, item;
    switch (yaml->kind) {
    case TARN_YAML_NULL:
        *ret_value = TARN_NONE;
        return TARN_OK;
    case TARN_YAML_BOOL:
        *ret_value = tarn_value_bool(yaml->boolean);
        return TARN_OK;
    case TARN_YAML_INT:
        *ret_value = tarn_value_int(yaml->integer);
        return TARN_OK;
    case TARN_YAML_FLOAT:
        *ret_value = tarn_value_float(yaml->real);
        return TARN_OK;
    case TARN_YAML_STRING:
        return render_scalar(context, heap, yaml, ret_value, err);
    case TARN_YAML_LIST:
        list = tarn_value_list(heap);
        for (size_t i = 0; i < yaml->count; i++) {
            TARN_TRY(tarn_model_yaml_value(context, heap, yaml->items[i], raw_keys, &item, err));
            tarn_list_append(list, item);
        }
        *ret_value = list;
        return TARN_OK;
    case TARN_YAML_MAP:
        break;
    }
    return map_value(context, heap, yaml, raw_keys, ret_value, err);
}
