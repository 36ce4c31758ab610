/* model/template/static_calls.c -- the calls that stand in a source, found without running it. See
 * template.h. */
#include "model/template/ast.h"

struct finder {
    struct tarn_heap *heap;
    void (*visit)(void *userdata, const struct tarn_template_static_call *call);
    void *userdata;
};

/* The value of a literal; undefined and false for anything else. */
static bool literal(struct tarn_heap *heap, const struct node *node, struct tarn_value *ret)
{
    bool is_literal = true;
    *ret = TARN_UNDEFINED;
    if (node->kind == NODE_CONST) {
        *ret = node->as.constant;
    } else if (node->kind == NODE_NEGATE && node->as.operand->kind == NODE_CONST &&
               node->as.operand->as.constant.kind == TARN_VALUE_INT) {
        *ret = tarn_value_int(-node->as.operand->as.constant.as.integer);
    } else if (node->kind == NODE_LIST || node->kind == NODE_TUPLE) {
        struct tarn_list *list = list_new(heap, node->as.list.count);
        for (size_t i = 0; i < node->as.list.count; i++)
            is_literal &= literal(heap, node->as.list.items[i], &list->items[list->count++]);
        *ret = node->kind == NODE_LIST ? list_value(list) : tuple_value(list);
    } else if (node->kind == NODE_DICT) {
        *ret = tarn_value_dict(heap);
        for (size_t i = 0; i < node->as.dict.keys.count; i++) {
            struct tarn_value key, value;
            is_literal &= literal(heap, node->as.dict.keys.items[i], &key);
            is_literal &= literal(heap, node->as.dict.values.items[i], &value);
            if (tarn_value_is_hashable(key))
                tarn_dict_put(*ret, key, value);
        }
    } else {
        is_literal = false;
    }
    return is_literal;
}

/* name or name.name...; false for callees that are something else. */
static bool callee_name(const struct node *node, struct tarn_buffer *out)
{
    if (node->kind == NODE_ATTRIBUTE) {
        if (!callee_name(node->as.attribute.object, out))
            return false;
        tarn_buffer_append_char(out, '.');
        tarn_value_print(node->as.attribute.name, out);
        return true;
    }
    if (node->kind != NODE_NAME)
        return false;
    tarn_value_print(node->as.name.text, out);
    return true;
}

static void tell_call(const struct finder *finder, const struct node *node, struct tarn_text name)
{
    const struct call_args *from = &node->as.call.args;
    struct tarn_list *args = list_new(finder->heap, from->args.count);
    struct tarn_named_value *kwargs =
        tarn_heap_alloc(finder->heap, (from->kwargs.count + 1) * sizeof *kwargs);
    bool is_literal = !from->star && !from->double_star;
    for (size_t i = 0; i < from->args.count; i++)
        is_literal &= literal(finder->heap, from->args.items[i], &args->items[args->count++]);
    for (size_t i = 0; i < from->kwargs.count; i++) {
        kwargs[i].name = from->keywords[i];
        is_literal &= literal(finder->heap, from->kwargs.items[i], &kwargs[i].value);
    }
    struct tarn_template_static_call call = {
        .name = name,
        .args = args->items,
        .arg_count = args->count,
        .kwargs = kwargs,
        .kwarg_count = from->kwargs.count,
        .is_literal = is_literal,
        .line = node->line,
    };
    finder->visit(finder->userdata, &call);
}

static void find_calls(void *userdata, struct node *node)
{
    struct finder *finder = userdata;
    TARN_BUFFER(name, 4096);
    if (node->kind == NODE_CALL && callee_name(node->as.call.callee, &name) && !name.overflow)
        tell_call(finder, node, tarn_value_text(buffer_value(finder->heap, &name)));
    node_each_child(node, find_calls, finder);
}

void tarn_template_each_call(const struct tarn_template *tmpl, struct tarn_heap *heap,
                             void (*visit)(void *userdata,
                                           const struct tarn_template_static_call *call),
                             void *userdata)
{
    struct finder finder = {heap, visit, userdata};
    for (size_t i = 0; i < tmpl->body.count; i++)
        find_calls(&finder, tmpl->body.items[i]);
}
