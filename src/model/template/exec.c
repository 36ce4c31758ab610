/* model/template/exec.c -- what tags and text do. One function per kind of statement, in one table.
 */
#include "model/template/runtime.h"

typedef enum flow execute_fn(struct tarn_template_run *run, struct frame *frame,
                             const struct node *node);

enum flow flow_of(struct tarn_template_run *run, enum tarn_status status)
{
    if (status == TARN_OK)
        return FLOW_NEXT;
    run->status = status;
    return FLOW_FAIL;
}

static enum flow fail_at(struct tarn_template_run *run, const struct frame *frame,
                         const struct node *node, enum tarn_status status)
{
    if (status != TARN_OK)
        run_locate(run, frame, node);
    return flow_of(run, status);
}

/* --- scopes
 * ------------------------------------------------------------------------------------------------------------
 */

void scope_enter(struct tarn_template_run *run, struct frame *frame,
                 const struct scope_loads *loads)
{
    for (size_t i = 0; i < loads->count; i++) {
        const struct scope_load *load = &loads->items[i];
        if (load->kind == LOAD_ALIAS)
            frame->slots[load->slot] = run_read_slot(run, frame, load->alias, TARN_NONE);
        else if (load->kind == LOAD_RESOLVE)
            frame->slots[load->slot] = run_resolve(run, frame->tmpl, load->name);
        else if (load->kind == LOAD_UNDEFINED)
            frame->slots[load->slot].kind = TARN_VALUE_MISSING;
    }
}

void scope_leave(struct frame *frame, const struct scope_loads *loads)
{
    for (size_t i = 0; i < loads->count; i++)
        frame->slots[loads->items[i].slot].kind = TARN_VALUE_MISSING;
}

/* --- assignment
 * ----------------------------------------------------------------------------------------------------------
 */

static enum tarn_status assign_attribute(struct tarn_template_run *run, struct frame *frame,
                                         const struct node *target, struct tarn_value value)
{
    struct tarn_value space =
        run_read_slot(run, frame, target->as.namespace_ref.ref, target->as.namespace_ref.name);
    if (space.kind != TARN_VALUE_NAMESPACE)
        return tarn_fail(run->err, TARN_INVALID, "cannot assign attribute on non-namespace object");
    if (space.as.dict->heap != run->heap)
        return tarn_fail(run->err, TARN_INVALID,
                         "this namespace belongs to the project and cannot be changed");
    tarn_dict_put(space, target->as.namespace_ref.attribute, value);
    return TARN_OK;
}

static enum tarn_status assign_items(struct tarn_template_run *run, struct frame *frame,
                                     const struct node *target, struct tarn_value value)
{
    struct tarn_value list;
    size_t wanted = target->as.list.count;
    if (!value_is_iterable(value))
        return tarn_fail(run->err, TARN_INVALID, "cannot unpack non-iterable %s object",
                         tarn_value_type_name(value));
    if (value.kind == TARN_VALUE_TUPLE || value.kind == TARN_VALUE_LIST)
        list = value;
    else
        TARN_TRY(tarn_value_to_list(run->heap, value, &list, run->err));
    size_t count = list.as.list->count;
    if (count > wanted)
        return tarn_fail(run->err, TARN_INVALID, "too many values to unpack (expected %zu)",
                         wanted);
    if (count < wanted)
        return tarn_fail(run->err, TARN_INVALID,
                         "not enough values to unpack (expected %zu, got %zu)", wanted, count);
    for (size_t i = 0; i < wanted; i++)
        TARN_TRY(assign(run, frame, target->as.list.items[i], list.as.list->items[i]));
    return TARN_OK;
}

enum tarn_status assign(struct tarn_template_run *run, struct frame *frame,
                        const struct node *target, struct tarn_value value)
{
    if (target->kind == NODE_TUPLE)
        return assign_items(run, frame, target, value);
    if (target->kind == NODE_NAMESPACE_REF)
        return assign_attribute(run, frame, target, value);
    run_write_slot(frame, target->as.name.ref, value);
    return TARN_OK;
}

/* `set a.x = ...` complains of a non-namespace before the value is computed. */
static enum tarn_status check_namespaces(struct tarn_template_run *run, struct frame *frame,
                                         const struct node *target)
{
    if (target->kind == NODE_TUPLE) {
        for (size_t i = 0; i < target->as.list.count; i++)
            TARN_TRY(check_namespaces(run, frame, target->as.list.items[i]));
        return TARN_OK;
    }
    if (target->kind != NODE_NAMESPACE_REF)
        return TARN_OK;
    struct tarn_value space =
        run_read_slot(run, frame, target->as.namespace_ref.ref, target->as.namespace_ref.name);
    if (space.kind == TARN_VALUE_NAMESPACE)
        return TARN_OK;
    return tarn_fail(run->err, TARN_INVALID, "cannot assign attribute on non-namespace object");
}

static enum flow exec_set(struct tarn_template_run *run, struct frame *frame,
                          const struct node *node)
{
    struct tarn_value value;
    enum tarn_status status = check_namespaces(run, frame, node->as.set.target);
    if (status == TARN_OK)
        status = eval(run, frame, node->as.set.value, &value);
    if (status == TARN_OK)
        status = assign(run, frame, node->as.set.target, value);
    return fail_at(run, frame, node, status);
}

/* --- output
 * ----------------------------------------------------------------------------------------------------------------
 */

struct tarn_value run_take_output(struct tarn_template_run *run, size_t mark)
{
    struct tarn_text text = {tarn_buffer_str(&run->out) + mark, run->out.len - mark};
    struct tarn_value value = tarn_value_text_copy(run->heap, text);
    run->out.len = mark;
    return value;
}

/* Constants next to each other are one piece of text, as in jinja2's compiled code. */
static void push_native(struct tarn_template_run *run, struct tarn_value value, bool is_constant,
                        bool after_constant)
{
    struct tarn_value pieces = *run->native;
    if (is_constant)
        value = tarn_value_to_string(run->heap, value);
    if (!is_constant || !after_constant) {
        tarn_list_append(pieces, value);
        return;
    }
    TARN_BUFFER(joined, run->out.max_bytes);
    size_t last = tarn_list_count(pieces) - 1;
    tarn_value_print(tarn_list_at(pieces, last), &joined);
    tarn_value_print(value, &joined);
    tarn_list_set(pieces, last, buffer_value(run->heap, &joined));
}

static enum flow exec_native_output(struct tarn_template_run *run, struct frame *frame,
                                    const struct node *node)
{
    bool after_constant = false;
    for (size_t i = 0; i < node->as.list.count; i++) {
        struct tarn_value value;
        enum tarn_status status = eval(run, frame, node->as.list.items[i], &value);
        if (status != TARN_OK)
            return flow_of(run, status);
        bool is_constant = node_is_constant(node->as.list.items[i]);
        push_native(run, value, is_constant, after_constant);
        after_constant = is_constant;
    }
    return FLOW_NEXT;
}

static enum flow exec_output(struct tarn_template_run *run, struct frame *frame,
                             const struct node *node)
{
    if (run->native && run->capture_depth == 0)
        return exec_native_output(run, frame, node);
    for (size_t i = 0; i < node->as.list.count; i++) {
        const struct node *item = node->as.list.items[i];
        if (item->kind == NODE_CONST) {
            tarn_value_print(item->as.constant, &run->out);
            continue;
        }
        struct tarn_value value;
        enum tarn_status status = eval(run, frame, item, &value);
        if (status != TARN_OK)
            return flow_of(run, status);
        tarn_value_print(value, &run->out);
    }
    return FLOW_NEXT;
}

/* --- tags with bodies
 * ---------------------------------------------------------------------------------------------------------
 */

static enum flow exec_if(struct tarn_template_run *run, struct frame *frame,
                         const struct node *node)
{
    for (size_t i = 0; i < node->as.if_.count; i++) {
        const struct if_branch *branch = &node->as.if_.branches[i];
        struct tarn_value test = TARN_TRUE;
        if (branch->test) {
            enum tarn_status status = eval(run, frame, branch->test, &test);
            if (status != TARN_OK)
                return flow_of(run, status);
        }
        if (tarn_value_truth(test))
            return exec_body(run, frame, &branch->body);
    }
    return FLOW_NEXT;
}

/* Runs the body in a scope of its own and gives what it printed. */
static enum flow capture(struct tarn_template_run *run, struct frame *frame,
                         const struct scope_loads *loads, const struct node_list *body,
                         struct tarn_value *ret)
{
    size_t mark = run->out.len;
    scope_enter(run, frame, loads);
    run->capture_depth++;
    enum flow flow = exec_body(run, frame, body);
    run->capture_depth--;
    *ret = run_take_output(run, mark);
    return flow;
}

static enum flow exec_set_block(struct tarn_template_run *run, struct frame *frame,
                                const struct node *node)
{
    struct tarn_value value;
    enum flow flow =
        capture(run, frame, &node->as.set_block.loads, &node->as.set_block.body, &value);
    if (flow != FLOW_NEXT)
        return flow;
    enum tarn_status status = TARN_OK;
    if (node->as.set_block.filter)
        status = eval_filter(run, frame, node->as.set_block.filter, &value, &value);
    if (status == TARN_OK)
        status = assign(run, frame, node->as.set_block.target, value);
    scope_leave(frame, &node->as.set_block.loads);
    return fail_at(run, frame, node, status);
}

static enum flow exec_filter_block(struct tarn_template_run *run, struct frame *frame,
                                   const struct node *node)
{
    struct tarn_value value;
    enum flow flow =
        capture(run, frame, &node->as.filter_block.loads, &node->as.filter_block.body, &value);
    if (flow != FLOW_NEXT)
        return flow;
    enum tarn_status status = eval_filter(run, frame, node->as.filter_block.filter, &value, &value);
    if (status == TARN_OK && run->native && run->capture_depth == 0)
        tarn_list_append(*run->native, value);
    else if (status == TARN_OK)
        tarn_value_print(value, &run->out);
    scope_leave(frame, &node->as.filter_block.loads);
    return fail_at(run, frame, node, status);
}

static enum flow exec_with(struct tarn_template_run *run, struct frame *frame,
                           const struct node *node)
{
    size_t count = node->as.with.values.count;
    struct tarn_list *values = list_new(run->heap, count);
    for (size_t i = 0; i < count; i++) {
        enum tarn_status status =
            eval(run, frame, node->as.with.values.items[i], &values->items[i]);
        if (status != TARN_OK)
            return flow_of(run, status);
    }
    scope_enter(run, frame, &node->as.with.loads);
    for (size_t i = 0; i < count; i++) {
        enum tarn_status status =
            assign(run, frame, node->as.with.targets.items[i], values->items[i]);
        if (status != TARN_OK)
            return fail_at(run, frame, node, status);
    }
    enum flow flow = exec_body(run, frame, &node->as.with.body);
    scope_leave(frame, &node->as.with.loads);
    return flow;
}

static enum flow exec_macro(struct tarn_template_run *run, struct frame *frame,
                            const struct node *node)
{
    if (!node->as.macro.is_hidden)
        run_write_slot(frame, node->as.macro.ref, macro_value(run, node->as.macro.code, frame));
    return FLOW_NEXT;
}

static enum flow exec_call_block(struct tarn_template_run *run, struct frame *frame,
                                 const struct node *node)
{
    struct tarn_value caller = macro_value(run, node->as.call_block.code, frame);
    struct tarn_value result;
    enum tarn_status status = eval_call(run, frame, node->as.call_block.call, &caller, &result);
    if (status != TARN_OK)
        return fail_at(run, frame, node, status);
    if (run->native && run->capture_depth == 0)
        tarn_list_append(*run->native, result);
    else
        tarn_value_print(result, &run->out);
    return FLOW_NEXT;
}

static enum flow exec_do(struct tarn_template_run *run, struct frame *frame,
                         const struct node *node)
{
    struct tarn_value ignored;
    return flow_of(run, eval(run, frame, node->as.operand, &ignored));
}

static enum flow exec_break(struct tarn_template_run *run, struct frame *frame,
                            const struct node *node)
{
    (void)run;
    (void)frame;
    return node->kind == NODE_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
}

static enum flow exec_nothing(struct tarn_template_run *run, struct frame *frame,
                              const struct node *node)
{
    (void)run;
    (void)frame;
    (void)node;
    return FLOW_NEXT;
}

static execute_fn *const executors[NODE_KIND_COUNT] = {
    [NODE_OUTPUT] = exec_output,
    [NODE_FOR] = exec_for,
    [NODE_IF] = exec_if,
    [NODE_MACRO] = exec_macro,
    [NODE_CALL_BLOCK] = exec_call_block,
    [NODE_FILTER_BLOCK] = exec_filter_block,
    [NODE_WITH] = exec_with,
    [NODE_SET] = exec_set,
    [NODE_SET_BLOCK] = exec_set_block,
    [NODE_DO] = exec_do,
    [NODE_BREAK] = exec_break,
    [NODE_CONTINUE] = exec_break,
    [NODE_TEXT_BLOCK] = exec_nothing,
};

enum flow exec_body(struct tarn_template_run *run, struct frame *frame,
                    const struct node_list *body)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct node *node = body->items[i];
        enum tarn_status status = run_step(run);
        if (status != TARN_OK)
            return fail_at(run, frame, node, status);
        run->depth++;
        enum flow flow = executors[node->kind](run, frame, node);
        run->depth--;
        if (flow != FLOW_NEXT)
            return flow;
    }
    return FLOW_NEXT;
}
