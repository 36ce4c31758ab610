/* model/template/loop.c -- for loops and the `loop` variable.
 *
 * Items are taken one by one, the condition of the loop is asked when its item is taken, and
 * loop.last takes the next item early: the same order of effects as jinja2's generators. A
 * recursive loop's body is a unit of its own that loop(items) runs again, one frame per level. */
#include "model/template/runtime.h"

struct loop {
    struct tarn_template_run *run;
    struct frame *frame;
    const struct for_code *code;
    struct walk walk;
    struct tarn_value iterable;
    struct tarn_value previous; /* MISSING: none; the same below */
    struct tarn_value current;
    struct tarn_value after;
    struct tarn_value last_changed;
    int64_t index0;
    int64_t length; /* -1: not asked yet */
    bool drained;   /* the rest has been taken and passed the condition */
    int64_t depth0;
};

static const struct tarn_value nothing = {.kind = TARN_VALUE_MISSING};

/* The next item that passes the condition. */
static enum tarn_status take(struct loop *loop, struct tarn_value *ret, bool *ret_done)
{
    struct tarn_template_run *run = loop->run;
    const struct for_code *code = loop->code;
    for (;;) {
        struct tarn_value test;
        TARN_TRY(run_step(run));
        TARN_TRY(walk_next(&loop->walk, ret, ret_done, run->err));
        if (*ret_done || !code->test || loop->drained)
            return TARN_OK;
        scope_enter(run, loop->frame, &code->test_loads);
        TARN_TRY(assign(run, loop->frame, code->test_target, *ret));
        TARN_TRY(eval(run, loop->frame, code->test, &test));
        if (tarn_value_truth(test))
            return TARN_OK;
    }
}

static enum tarn_status peek(struct loop *loop)
{
    bool done;
    struct tarn_value item;
    if (loop->after.kind != TARN_VALUE_MISSING)
        return TARN_OK;
    TARN_TRY(take(loop, &item, &done));
    if (!done)
        loop->after = item;
    return TARN_OK;
}

static enum tarn_status advance(struct loop *loop, bool *ret_done)
{
    struct tarn_value item = loop->after;
    *ret_done = false;
    if (item.kind == TARN_VALUE_MISSING)
        TARN_TRY(take(loop, &item, ret_done));
    if (*ret_done)
        return TARN_OK;
    loop->after = nothing;
    loop->index0++;
    loop->previous = loop->current;
    loop->current = item;
    return TARN_OK;
}

/* len() when the iterable has one and no condition picks; otherwise what is left is taken and
 * counted. */
static enum tarn_status find_length(struct loop *loop)
{
    size_t length;
    if (loop->length >= 0)
        return TARN_OK;
    if (!loop->code->test && tarn_value_length(loop->iterable, &length)) {
        loop->length = (int64_t)length;
        return TARN_OK;
    }
    struct tarn_value rest = tarn_value_list(loop->run->heap);
    for (;;) {
        struct tarn_value item;
        bool done;
        TARN_TRY(take(loop, &item, &done));
        if (done)
            break;
        tarn_list_append(rest, item);
    }
    loop->length = (int64_t)tarn_list_count(rest) + loop->index0 + 1 +
                   (loop->after.kind != TARN_VALUE_MISSING);
    loop->drained = true;
    loop->walk = (struct walk){.value = rest, .heap = loop->run->heap};
    return TARN_OK;
}

static enum tarn_status next_item(struct loop *loop, struct tarn_value *ret)
{
    TARN_TRY(peek(loop));
    bool is_last = loop->after.kind == TARN_VALUE_MISSING;
    *ret = is_last ? undefined_hint(loop->run->heap, "there is no next item") : loop->after;
    return TARN_OK;
}

enum tarn_status loop_attribute(struct tarn_template_run *run, void *data, struct tarn_text name,
                                struct tarn_value *ret, bool *ret_found)
{
    struct loop *loop = data;
    *ret_found = true;
    if (tarn_text_is(name, "index")) {
        *ret = tarn_value_int(loop->index0 + 1);
    } else if (tarn_text_is(name, "index0")) {
        *ret = tarn_value_int(loop->index0);
    } else if (tarn_text_is(name, "first")) {
        *ret = tarn_value_bool(loop->index0 == 0);
    } else if (tarn_text_is(name, "last")) {
        TARN_TRY(peek(loop));
        *ret = tarn_value_bool(loop->after.kind == TARN_VALUE_MISSING);
    } else if (tarn_text_is(name, "length")) {
        TARN_TRY(find_length(loop));
        *ret = tarn_value_int(loop->length);
    } else if (tarn_text_is(name, "revindex") || tarn_text_is(name, "revindex0")) {
        TARN_TRY(find_length(loop));
        *ret = tarn_value_int(loop->length - loop->index0 - tarn_text_is(name, "revindex0"));
    } else if (tarn_text_is(name, "depth") || tarn_text_is(name, "depth0")) {
        *ret = tarn_value_int(loop->depth0 + tarn_text_is(name, "depth"));
    } else if (tarn_text_is(name, "previtem")) {
        bool is_first = loop->index0 == 0;
        *ret = is_first ? undefined_hint(run->heap, "there is no previous item") : loop->previous;
    } else if (tarn_text_is(name, "nextitem")) {
        TARN_TRY(next_item(loop, ret));
    } else {
        *ret_found = false;
    }
    return TARN_OK;
}

/* --- loop.cycle, loop.changed, loop(items)
 * -------------------------------------------------------------------------------- */

static enum tarn_status cycle(struct tarn_call *call, struct tarn_value *ret,
                              struct tarn_error *err)
{
    const struct loop *loop = call->userdata;
    if (call->arg_count == 0)
        return tarn_fail(err, TARN_INVALID, "no items for cycling given");
    *ret = call->args[(size_t)loop->index0 % call->arg_count];
    return TARN_OK;
}

static enum tarn_status changed(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    (void)err;
    struct loop *loop = call->userdata;
    struct tarn_value now = tarn_value_tuple(call->heap, call->args, call->arg_count);
    bool same =
        loop->last_changed.kind != TARN_VALUE_MISSING && tarn_value_equal(loop->last_changed, now);
    loop->last_changed = now;
    *ret = tarn_value_bool(!same);
    return TARN_OK;
}

static enum flow run_loop(struct tarn_template_run *run, struct frame *frame,
                          const struct for_code *code, struct tarn_value iterable, int64_t depth0);

/* The body over other items, as text. */
static enum tarn_status recurse(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    const struct loop *loop = call->userdata;
    struct tarn_template_run *run = loop->run;
    if (!loop->code->is_recursive)
        return tarn_fail(err, TARN_INVALID,
                         "The loop must have the 'recursive' marker to be called recursively.");
    if (call->arg_count != 1)
        return tarn_fail(err, TARN_INVALID, "loop() takes one iterable");
    size_t mark = run->out.len;
    struct frame *frame =
        run_frame(run, loop->frame->parent, loop->frame->tmpl, loop->code->slot_count);
    run->capture_depth++;
    enum flow flow = run_loop(run, frame, loop->code, call->args[0], loop->depth0 + 1);
    run->capture_depth--;
    *ret = run_take_output(run, mark);
    return flow == FLOW_FAIL ? run->status : TARN_OK;
}

static bool loop_length(void *self, size_t *ret_length)
{
    struct loop *loop = self;
    if (find_length(loop) != TARN_OK)
        return false;
    *ret_length = (size_t)loop->length;
    return true;
}

static void loop_print(void *self, struct tarn_buffer *out)
{
    struct loop *loop = self;
    size_t length = 0;
    (void)loop_length(loop, &length); /* zero is as good as any when it fails */
    tarn_buffer_printf(out, "<LoopContext %lld/%zu>", (long long)loop->index0 + 1, length);
}

static const struct tarn_object_method loop_methods[] = {
    {"cycle", cycle}, {"changed", changed}, {NULL, NULL}};

const struct tarn_object_type loop_type = {
    .name = "jinja2.runtime.LoopContext",
    .methods = loop_methods,
    .call = recurse,
    .print = loop_print,
    .length = loop_length,
};

/* --- the loop itself
 * ------------------------------------------------------------------------------------------------------
 */

static enum flow run_body(struct loop *loop, struct tarn_value loop_value, bool *ran_through)
{
    struct tarn_template_run *run = loop->run;
    const struct for_code *code = loop->code;
    enum tarn_status status = assign(run, loop->frame, code->target, loop->current);
    if (status != TARN_OK)
        return flow_of(run, status);
    if (code->uses_loop)
        loop->frame->slots[code->loop_slot] = loop_value;
    scope_enter(run, loop->frame, &code->loads);
    enum flow flow = exec_body(run, loop->frame, &code->body);
    if (flow == FLOW_NEXT)
        *ran_through = true;
    return flow;
}

/* jinja2 runs the else part unless one pass came to its end: also when the first pass was broken
 * off. */
static enum flow run_else(struct tarn_template_run *run, struct frame *frame,
                          const struct for_code *code)
{
    scope_enter(run, frame, &code->else_loads);
    enum flow flow = exec_body(run, frame, &code->else_body);
    scope_leave(frame, &code->else_loads);
    return flow;
}

static enum flow run_loop(struct tarn_template_run *run, struct frame *frame,
                          const struct for_code *code, struct tarn_value iterable, int64_t depth0)
{
    struct loop *loop = tarn_heap_alloc(run->heap, sizeof *loop);
    *loop = (struct loop){.run = run,
                          .frame = frame,
                          .code = code,
                          .iterable = iterable,
                          .previous = nothing,
                          .current = nothing,
                          .after = nothing,
                          .last_changed = nothing,
                          .index0 = -1,
                          .length = -1,
                          .depth0 = depth0};
    enum tarn_status status = walk_begin(&loop->walk, run->heap, iterable, run->err);
    if (status != TARN_OK)
        return flow_of(run, status);
    struct tarn_value value = TARN_NONE;
    if (code->uses_loop)
        value = tarn_value_object(run->heap, &loop_type, loop);
    bool ran_through = false;
    for (;;) {
        bool done;
        status = advance(loop, &done);
        if (status != TARN_OK)
            return flow_of(run, status);
        if (done)
            break;
        enum flow flow = run_body(loop, value, &ran_through);
        if (flow == FLOW_FAIL)
            return flow;
        if (flow == FLOW_BREAK)
            break;
    }
    scope_leave(frame, &code->loads);
    if (code->else_body.count > 0 && !ran_through)
        return run_else(run, frame, code);
    return FLOW_NEXT;
}

enum flow exec_for(struct tarn_template_run *run, struct frame *frame, const struct node *node)
{
    const struct for_code *code = node->as.for_;
    struct tarn_value iterable;
    enum tarn_status status = eval(run, frame, code->iter, &iterable);
    if (status != TARN_OK)
        return flow_of(run, status);
    if (code->is_recursive)
        frame = run_frame(run, frame, frame->tmpl, code->slot_count);
    enum flow flow = run_loop(run, frame, code, iterable, 0);
    if (flow == FLOW_FAIL)
        run_locate(run, frame, node);
    return flow;
}
