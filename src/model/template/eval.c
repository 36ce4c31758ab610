/* model/template/eval.c -- the values of expressions. One function per kind of node, in one table.
 */
#include <stdio.h>

#include "model/template/operator.h"
#include "model/template/runtime.h"

typedef enum tarn_status evaluate_fn(struct tarn_template_run *run, struct frame *frame,
                                     const struct node *node, struct tarn_value *ret);

enum tarn_status run_step(struct tarn_template_run *run)
{
    if (++run->steps > run->options.max_steps)
        return tarn_fail(run->err, TARN_TOO_LARGE,
                         "the template does not come to an end (limit %llu steps)",
                         (unsigned long long)run->options.max_steps);
    if (tarn_heap_is_over(run->heap))
        return tarn_fail(run->err, TARN_TOO_LARGE,
                         "the template needs more memory than a render may use (%zu bytes)",
                         run->heap->max_bytes);
    if (run->out.overflow)
        return tarn_fail(run->err, TARN_TOO_LARGE,
                         "the template prints more than a render may (%zu bytes)",
                         run->out.max_bytes);
    if (run->depth > RUN_DEPTH_MAX)
        return tarn_fail(run->err, TARN_TOO_LARGE, "nested too deep (limit %d)", RUN_DEPTH_MAX);
    return TARN_OK;
}

/* Adds "; did you mean 'x'?" to the error of an undefined name when the context or the template has
 * one that is near. */
static void suggest_name(struct tarn_template_run *run, const struct frame *frame)
{
    static const char ending[] = "' is undefined";
    char *text = run->err->text;
    size_t len = strlen(text), end = sizeof ending - 1;
    if (len <= end + 1 || text[0] != '\'' || strcmp(text + len - end, ending) != 0)
        return;
    const char *wanted = tarn_arena_strndup(run->heap->arena, text + 1, len - end - 1);
    size_t count = 0, blocks = frame->tmpl->blocks.count;
    const char **names =
        tarn_arena_array(run->heap->arena, run->names.as.dict->count + blocks + 1, sizeof *names);
    for (size_t i = 0; i < blocks; i++)
        if (frame->tmpl->blocks.codes[i])
            names[count++] = frame->tmpl->blocks.items[i].macro_name;
    for (size_t i = 0; i < run->names.as.dict->count; i++) {
        const struct dict_entry *entry = &run->names.as.dict->entries[i];
        if (entry->value.kind != TARN_VALUE_MISSING)
            names[count++] = tarn_value_cstr(run->heap, entry->key);
    }
    const char *nearest = tarn_text_nearest(wanted, names, count);
    if (nearest)
        (void)snprintf(text + len, sizeof run->err->text - len, "; did you mean '%s'?",
                       nearest); /* may be cut off */
}

void run_locate(struct tarn_template_run *run, const struct frame *frame, const struct node *node)
{
    if (run->is_located || run->returning)
        return;
    run->is_located = true;
    suggest_name(run, frame);
    (void)tarn_error_wrap(run->err, "%s:%u:%u", frame->tmpl->name, node->line,
                          node->column); /* only adds text */
}

struct frame *run_frame(struct tarn_template_run *run, struct frame *parent,
                        const struct tarn_template *tmpl, uint32_t slot_count)
{
    struct frame *frame =
        tarn_heap_alloc(run->heap, sizeof *frame + slot_count * sizeof frame->slots[0]);
    frame->parent = parent;
    frame->tmpl = tmpl;
    for (uint32_t i = 0; i < slot_count; i++)
        frame->slots[i].kind = TARN_VALUE_MISSING;
    return frame;
}

/* --- names
 * -----------------------------------------------------------------------------------------------------------
 */

struct tarn_value run_resolve(struct tarn_template_run *run, const struct tarn_template *tmpl,
                              struct tarn_value name)
{
    struct tarn_value value = {.kind = TARN_VALUE_MISSING};
    if (!tarn_dict_find(run->names, name, &value)) {
        struct tarn_text text = tarn_value_text(name);
        bool found = (run->options.resolve &&
                      run->options.resolve(run->options.userdata, run, text, &value)) ||
                     global_find(run->heap, text, &value);
        if (!found)
            value.kind = TARN_VALUE_MISSING;
        tarn_dict_put(run->names, tarn_value_text_copy(run->heap, text), value);
    }
    if (value.kind != TARN_VALUE_MISSING || !tmpl || !tmpl->hide_macros)
        return value;
    for (size_t i = 0; i < tmpl->blocks.count; i++)
        if (tmpl->blocks.codes[i] &&
            tarn_text_equal(tmpl->blocks.codes[i]->name, tarn_value_text(name))) {
            struct frame *frame = run_frame(run, NULL, tmpl, tmpl->slot_count);
            frame->is_detached = true;
            return macro_value(run, tmpl->blocks.codes[i], frame);
        }
    return value;
}

static struct frame *frame_at(struct frame *frame, unsigned hops)
{
    for (; hops > 0; hops--)
        frame = frame->parent;
    return frame;
}

struct tarn_value run_read_slot(struct tarn_template_run *run, struct frame *frame,
                                struct slot_ref ref, struct tarn_value name)
{
    if (ref.is_global)
        return run_resolve(run, frame->tmpl, name);
    struct frame *owner = frame_at(frame, ref.hops);
    struct tarn_value value = owner->slots[ref.slot];
    if (value.kind == TARN_VALUE_MISSING && owner->is_detached) {
        value = run_resolve(run, frame->tmpl, name);
        if (value.kind != TARN_VALUE_MISSING)
            return value;
        for (size_t i = 0; i < owner->tmpl->blocks.count; i++) {
            struct macro_code *code = owner->tmpl->blocks.codes[i];
            if (code && tarn_text_equal(code->name, tarn_value_text(name)))
                return macro_value(run, code, owner);
        }
    }
    return value;
}

void run_write_slot(struct frame *frame, struct slot_ref ref, struct tarn_value value)
{
    frame_at(frame, ref.hops)->slots[ref.slot] = value;
}

static enum tarn_status eval_name(struct tarn_template_run *run, struct frame *frame,
                                  const struct node *node, struct tarn_value *ret)
{
    *ret = run_read_slot(run, frame, node->as.name.ref, node->as.name.text);
    if (ret->kind == TARN_VALUE_MISSING) {
        struct tarn_undefined *undefined = tarn_heap_alloc(run->heap, sizeof *undefined);
        *undefined = (struct tarn_undefined){.kind = UNDEFINED_NAME, .name = node->as.name.text};
        *ret = (struct tarn_value){.kind = TARN_VALUE_UNDEFINED, .as.undefined = undefined};
    }
    return TARN_OK;
}

/* --- literals
 * ----------------------------------------------------------------------------------------------------------
 */

static enum tarn_status eval_const(struct tarn_template_run *run, struct frame *frame,
                                   const struct node *node, struct tarn_value *ret)
{
    (void)run;
    (void)frame;
    *ret = node->as.constant;
    return TARN_OK;
}

static enum tarn_status eval_sequence(struct tarn_template_run *run, struct frame *frame,
                                      const struct node *node, struct tarn_value *ret)
{
    struct tarn_list *list = list_new(run->heap, node->as.list.count);
    for (size_t i = 0; i < node->as.list.count; i++) {
        TARN_TRY(eval(run, frame, node->as.list.items[i], &list->items[i]));
        list->count++;
    }
    *ret = node->kind == NODE_LIST ? list_value(list) : tuple_value(list);
    return TARN_OK;
}

static enum tarn_status eval_dict(struct tarn_template_run *run, struct frame *frame,
                                  const struct node *node, struct tarn_value *ret)
{
    struct tarn_value dict = tarn_value_dict(run->heap);
    for (size_t i = 0; i < node->as.dict.keys.count; i++) {
        struct tarn_value key, value;
        TARN_TRY(eval(run, frame, node->as.dict.keys.items[i], &key));
        TARN_TRY(eval(run, frame, node->as.dict.values.items[i], &value));
        if (!tarn_value_is_hashable(key))
            return tarn_fail(run->err, TARN_INVALID, "unhashable type: '%s'",
                             tarn_value_type_name(key));
        tarn_dict_put(dict, key, value);
    }
    *ret = dict;
    return TARN_OK;
}

/* --- operators
 * ------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status eval_binary(struct tarn_template_run *run, struct frame *frame,
                                    const struct node *node, struct tarn_value *ret)
{
    struct tarn_value left, right;
    TARN_TRY(eval(run, frame, node->as.binary.left, &left));
    TARN_TRY(eval(run, frame, node->as.binary.right, &right));
    return value_binary(run->heap, (enum tarn_binary_op)node->as.binary.op, left, right, ret,
                        run->err);
}

static enum tarn_status eval_and_or(struct tarn_template_run *run, struct frame *frame,
                                    const struct node *node, struct tarn_value *ret)
{
    struct tarn_value left;
    TARN_TRY(eval(run, frame, node->as.binary.left, &left));
    if (tarn_value_truth(left) == (node->kind == NODE_OR)) {
        *ret = left;
        return TARN_OK;
    }
    return eval(run, frame, node->as.binary.right, ret);
}

static enum tarn_status eval_not(struct tarn_template_run *run, struct frame *frame,
                                 const struct node *node, struct tarn_value *ret)
{
    struct tarn_value value;
    TARN_TRY(eval(run, frame, node->as.operand, &value));
    *ret = tarn_value_bool(!tarn_value_truth(value));
    return TARN_OK;
}

static enum tarn_status eval_sign(struct tarn_template_run *run, struct frame *frame,
                                  const struct node *node, struct tarn_value *ret)
{
    struct tarn_value value;
    int64_t integer;
    TARN_TRY(eval(run, frame, node->as.operand, &value));
    if (node->kind == NODE_NEGATE)
        return value_negate(run->heap, value, ret, run->err);
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, run->err);
    if (value_to_int64(value, &integer))
        *ret = tarn_value_int(integer);
    else if (value.kind == TARN_VALUE_FLOAT)
        *ret = value;
    else
        return tarn_fail(run->err, TARN_INVALID, "bad operand type for unary +: '%s'",
                         tarn_value_type_name(value));
    return TARN_OK;
}

/* a < b < c: each operand once, up to the first that is false. */
static enum tarn_status eval_compare(struct tarn_template_run *run, struct frame *frame,
                                     const struct node *node, struct tarn_value *ret)
{
    struct tarn_value left, right;
    bool holds = true;
    TARN_TRY(eval(run, frame, node->as.compare.first, &left));
    for (size_t i = 0; holds && i < node->as.compare.others.count; i++) {
        TARN_TRY(eval(run, frame, node->as.compare.others.items[i], &right));
        TARN_TRY(value_compare_op(run->heap, (enum compare_op)node->as.compare.ops[i], left, right,
                                  &holds, run->err));
        left = right;
    }
    *ret = tarn_value_bool(holds);
    return TARN_OK;
}

static enum tarn_status eval_concat(struct tarn_template_run *run, struct frame *frame,
                                    const struct node *node, struct tarn_value *ret)
{
    TARN_BUFFER(text, TARN_TEMPLATE_TEXT_BYTES_MAX);
    for (size_t i = 0; i < node->as.list.count; i++) {
        struct tarn_value value;
        TARN_TRY(eval(run, frame, node->as.list.items[i], &value));
        tarn_value_print(value, &text);
    }
    TARN_TRY(tarn_buffer_check(&text, "joining text with ~", run->err));
    *ret = buffer_value(run->heap, &text);
    return TARN_OK;
}

static enum tarn_status eval_condition(struct tarn_template_run *run, struct frame *frame,
                                       const struct node *node, struct tarn_value *ret)
{
    struct tarn_value test;
    TARN_TRY(eval(run, frame, node->as.condition.test, &test));
    if (tarn_value_truth(test))
        return eval(run, frame, node->as.condition.yes, ret);
    if (node->as.condition.no)
        return eval(run, frame, node->as.condition.no, ret);
    *ret = undefined_hint(
        run->heap,
        "the inline if-expression on line %u in '%s' evaluated to false and no else section "
        "was defined.",
        node->line, frame->tmpl->name);
    return TARN_OK;
}

/* --- attributes and subscripts
 * ------------------------------------------------------------------------------------------ */

static enum tarn_status of_undefined(struct tarn_template_run *run, struct tarn_value value,
                                     struct tarn_value *ret)
{
    if (!run->options.lenient_undefined)
        return fail_undefined(value, run->err);
    *ret = value;
    return TARN_OK;
}

static bool is_dunder(struct tarn_text name)
{
    return name.len > 4 && memcmp(name.data, "__", 2) == 0 &&
           memcmp(name.data + name.len - 2, "__", 2) == 0;
}

static enum tarn_status eval_attribute(struct tarn_template_run *run, struct frame *frame,
                                       const struct node *node, struct tarn_value *ret)
{
    struct tarn_value object, name = node->as.attribute.name;
    bool found = false;
    TARN_TRY(eval(run, frame, node->as.attribute.object, &object));
    if (object.kind == TARN_VALUE_UNDEFINED && !is_dunder(tarn_value_text(name)))
        return of_undefined(run, object, ret);
    void *loop = tarn_value_object_data(object, &loop_type);
    if (loop)
        TARN_TRY(loop_attribute(run, loop, tarn_value_text(name), ret, &found));
    if (!found)
        *ret = value_attribute(run->heap, object, name);
    return TARN_OK;
}

static enum tarn_status eval_slice_of(struct tarn_template_run *run, struct frame *frame,
                                      struct tarn_value object, const struct node *slice,
                                      struct tarn_value *ret)
{
    struct tarn_value parts[3] = {TARN_NONE, TARN_NONE, TARN_NONE};
    const struct node *const nodes[3] = {slice->as.slice.start, slice->as.slice.stop,
                                         slice->as.slice.step};
    for (int i = 0; i < 3; i++)
        if (nodes[i])
            TARN_TRY(eval(run, frame, nodes[i], &parts[i]));
    return value_slice(run->heap, object, parts, ret, run->err);
}

static enum tarn_status eval_subscript(struct tarn_template_run *run, struct frame *frame,
                                       const struct node *node, struct tarn_value *ret)
{
    struct tarn_value object, index;
    bool found = false;
    TARN_TRY(eval(run, frame, node->as.subscript.object, &object));
    if (node->as.subscript.index->kind == NODE_SLICE)
        return object.kind == TARN_VALUE_UNDEFINED && run->options.lenient_undefined
                   ? of_undefined(run, object, ret)
                   : eval_slice_of(run, frame, object, node->as.subscript.index, ret);
    TARN_TRY(eval(run, frame, node->as.subscript.index, &index));
    if (object.kind == TARN_VALUE_UNDEFINED)
        return of_undefined(run, object, ret);
    void *loop = tarn_value_object_data(object, &loop_type);
    if (loop && tarn_value_is_string(index))
        TARN_TRY(loop_attribute(run, loop, tarn_value_text(index), ret, &found));
    if (!found)
        *ret = value_subscript(run->heap, object, index);
    return TARN_OK;
}

/* --- the table
 * ----------------------------------------------------------------------------------------------------------
 */

static enum tarn_status eval_plain_call(struct tarn_template_run *run, struct frame *frame,
                                        const struct node *node, struct tarn_value *ret)
{
    return eval_call(run, frame, node, NULL, ret);
}

static enum tarn_status eval_plain_filter(struct tarn_template_run *run, struct frame *frame,
                                          const struct node *node, struct tarn_value *ret)
{
    return eval_filter(run, frame, node, NULL, ret);
}

static evaluate_fn *const evaluators[NODE_KIND_COUNT] = {
    [NODE_CONST] = eval_const,
    [NODE_NAME] = eval_name,
    [NODE_LIST] = eval_sequence,
    [NODE_TUPLE] = eval_sequence,
    [NODE_DICT] = eval_dict,
    [NODE_BINARY] = eval_binary,
    [NODE_AND] = eval_and_or,
    [NODE_OR] = eval_and_or,
    [NODE_NOT] = eval_not,
    [NODE_NEGATE] = eval_sign,
    [NODE_PLUS] = eval_sign,
    [NODE_COMPARE] = eval_compare,
    [NODE_CONCAT] = eval_concat,
    [NODE_CONDITION] = eval_condition,
    [NODE_ATTRIBUTE] = eval_attribute,
    [NODE_SUBSCRIPT] = eval_subscript,
    [NODE_CALL] = eval_plain_call,
    [NODE_FILTER] = eval_plain_filter,
    [NODE_TEST] = eval_test,
};

enum tarn_status eval(struct tarn_template_run *run, struct frame *frame, const struct node *node,
                      struct tarn_value *ret)
{
    enum tarn_status status = run_step(run);
    if (status == TARN_OK) {
        run->depth++;
        status = evaluators[node->kind](run, frame, node, ret);
        run->depth--;
    }
    if (status != TARN_OK)
        run_locate(run, frame, node);
    return status;
}

struct constant_check {
    bool is_constant;
};

static void check_constant(void *userdata, struct node *node)
{
    struct constant_check *check = userdata;
    if (!node_is_constant(node))
        check->is_constant = false;
}

bool node_is_constant(const struct node *node)
{
    if (node->kind == NODE_NAME || node->kind == NODE_CALL || node->kind == NODE_FILTER ||
        node->kind == NODE_TEST || node->kind > NODE_LAST_EXPRESSION)
        return false;
    struct constant_check check = {true};
    node_each_child((struct node *)node, check_constant, &check); /* the walk only reads */
    return check.is_constant;
}
