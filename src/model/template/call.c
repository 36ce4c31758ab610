/* model/template/call.c -- calling: arguments, macros, functions, methods, filters and tests. */
#include "model/template/call.h"

#include <stdio.h>

#include "model/template/filters.h"
#include "model/template/methods.h"
#include "model/template/runtime.h"
#include "model/template/tests.h"

bool value_is_callable(struct tarn_value value)
{
    if (value.kind == TARN_VALUE_OBJECT)
        return value.as.object->type->call != NULL;
    return value.kind == TARN_VALUE_FUNCTION || value.kind == TARN_VALUE_METHOD ||
           value.kind == TARN_VALUE_MACRO || value.kind == TARN_VALUE_UNDEFINED;
}

/* --- macros
 * ----------------------------------------------------------------------------------------------------------------
 */

struct tarn_value macro_value(struct tarn_template_run *run, const struct macro_code *code,
                              struct frame *frame)
{
    struct tarn_macro *macro = tarn_heap_alloc(run->heap, sizeof *macro);
    *macro = (struct tarn_macro){code, frame};
    return (struct tarn_value){.kind = TARN_VALUE_MACRO, .as.macro = macro};
}

void macro_print_repr(const struct tarn_macro *macro, struct tarn_buffer *out)
{
    if (macro->code->name.len == 0) {
        tarn_buffer_append_str(out, "<Macro anonymous>");
        return;
    }
    tarn_buffer_append_str(out, "<Macro ");
    print_string_repr(macro->code->name, out);
    tarn_buffer_append_char(out, '>');
}

bool macro_attribute(struct tarn_heap *heap, const struct tarn_macro *macro, struct tarn_text name,
                     struct tarn_value *ret)
{
    const struct macro_code *code = macro->code;
    if (tarn_text_is(name, "name") || tarn_text_is(name, "__name__")) {
        *ret = code->name.len ? tarn_value_text_ref(code->name) : TARN_NONE;
    } else if (tarn_text_is(name, "arguments")) {
        struct tarn_list *list = list_new(heap, code->params.count);
        for (size_t i = 0; i < code->params.count; i++)
            list->items[list->count++] = code->params.items[i]->as.name.text;
        *ret = tuple_value(list);
    } else if (tarn_text_is(name, "catch_kwargs")) {
        *ret = tarn_value_bool(code->uses_kwargs);
    } else if (tarn_text_is(name, "catch_varargs")) {
        *ret = tarn_value_bool(code->uses_varargs);
    } else if (tarn_text_is(name, "caller")) {
        *ret = tarn_value_bool(code->uses_caller);
    } else {
        return false;
    }
    return true;
}

static const char *macro_name(const struct macro_code *code)
{
    return code->name.len ? code->name.data : "caller";
}

static int macro_name_len(const struct macro_code *code)
{
    return code->name.len ? (int)code->name.len : (int)strlen("caller");
}

/* The keyword's value, which is then used up; false when it was not given. */
static bool take_keyword(const struct tarn_call *call, bool *used, struct tarn_text name,
                         struct tarn_value *ret)
{
    for (size_t i = 0; i < call->kwarg_count; i++)
        if (!used[i] && tarn_text_equal(call->kwargs[i].name, name)) {
            used[i] = true;
            *ret = call->kwargs[i].value;
            return true;
        }
    return false;
}

static enum tarn_status bind_rest(struct tarn_template_run *run, const struct macro_code *code,
                                  const struct tarn_call *call, const bool *used,
                                  struct frame *frame)
{
    size_t params = code->params.count;
    struct tarn_value others = TARN_NONE;
    if (code->uses_kwargs)
        others = tarn_value_dict(run->heap);
    for (size_t i = 0; i < call->kwarg_count; i++) {
        if (used[i])
            continue;
        struct tarn_text name = call->kwargs[i].name;
        if (!code->uses_kwargs && tarn_text_is(name, "caller"))
            return tarn_fail(
                run->err, TARN_INVALID,
                "macro '%.*s' was invoked with two values for the special caller argument. This is "
                "most likely a bug.",
                macro_name_len(code), macro_name(code));
        if (!code->uses_kwargs)
            return tarn_fail(run->err, TARN_INVALID,
                             "macro '%.*s' takes no keyword argument '%.*s'", macro_name_len(code),
                             macro_name(code), TARN_TEXT_ARGS(name));
        tarn_dict_put(others, tarn_value_text_ref(name), call->kwargs[i].value);
    }
    if (code->uses_kwargs)
        frame->slots[code->kwargs_slot] = others;
    size_t extra = call->arg_count > params ? call->arg_count - params : 0;
    if (code->uses_varargs)
        frame->slots[code->varargs_slot] =
            tarn_value_tuple(run->heap, extra ? call->args + params : NULL, extra);
    else if (extra > 0)
        return tarn_fail(run->err, TARN_INVALID, "macro '%.*s' takes not more than %zu argument(s)",
                         macro_name_len(code), macro_name(code), params);
    return TARN_OK;
}

static enum tarn_status bind_arguments(struct tarn_template_run *run, const struct macro_code *code,
                                       const struct tarn_call *call, struct frame *frame)
{
    bool *used = tarn_heap_alloc(run->heap, call->kwarg_count + 1);
    bool found_caller = false;
    for (size_t i = 0; i < code->params.count; i++) {
        struct tarn_text name = tarn_value_text(code->params.items[i]->as.name.text);
        struct tarn_value value = {.kind = TARN_VALUE_MISSING};
        if (i < call->arg_count)
            value = call->args[i];
        else
            (void)take_keyword(call, used, name, &value); /* the default is for later */
        found_caller = found_caller || tarn_text_is(name, "caller");
        run_write_slot(frame, code->params.items[i]->as.name.ref, value);
    }
    if (code->uses_caller && !found_caller) {
        struct tarn_value caller = TARN_NONE;
        if (!take_keyword(call, used, TARN_TEXT("caller"), &caller) ||
            caller.kind == TARN_VALUE_NONE)
            caller = undefined_hint(run->heap, "No caller defined");
        frame->slots[code->caller_slot] = caller;
    }
    return bind_rest(run, code, call, used, frame);
}

static enum tarn_status fill_defaults(struct tarn_template_run *run, const struct macro_code *code,
                                      struct frame *frame)
{
    size_t first_default = code->params.count - code->defaults.count;
    for (size_t i = 0; i < code->params.count; i++) {
        const struct node *param = code->params.items[i];
        struct tarn_value value =
            run_read_slot(run, frame, param->as.name.ref, param->as.name.text);
        if (value.kind != TARN_VALUE_MISSING)
            continue;
        if (i >= first_default)
            TARN_TRY(eval(run, frame, code->defaults.items[i - first_default], &value));
        else
            value = undefined_hint(run->heap, "parameter '%.*s' was not provided",
                                   TARN_TEXT_ARGS(tarn_value_text(param->as.name.text)));
        run_write_slot(frame, param->as.name.ref, value);
    }
    return TARN_OK;
}

/* "in macro m (file:line)" under the error, for the innermost calls. */
static void add_stack_line(struct tarn_template_run *run, const struct macro_code *code)
{
    enum { STACK_LINES_MAX = 12 };
    if (run->returning || run->macro_count > STACK_LINES_MAX)
        return;
    size_t len = strlen(run->err->text);
    (void)snprintf(run->err->text + len, sizeof run->err->text - len, "\n  in macro %.*s (%s:%u)",
                   macro_name_len(code), macro_name(code), code->tmpl->name,
                   code->line); /* may be cut off */
}

static enum tarn_status run_macro_body(struct tarn_template_run *run, const struct macro_code *code,
                                       struct frame *frame, struct tarn_value *ret)
{
    size_t mark = run->out.len;
    scope_enter(run, frame, &code->loads);
    enum tarn_status status = fill_defaults(run, code, frame);
    if (status == TARN_OK) {
        enum flow flow = exec_body(run, frame, &code->body);
        status = flow == FLOW_FAIL ? run->status : TARN_OK;
    }
    *ret = run_take_output(run, mark);
    return status;
}

static enum tarn_status call_macro(struct tarn_template_run *run, const struct tarn_macro *macro,
                                   const struct tarn_call *call, struct tarn_value *ret)
{
    const struct macro_code *code = macro->code;
    if (run->macro_count == TARN_TEMPLATE_MACRO_DEPTH_MAX)
        return tarn_fail(run->err, TARN_TOO_LARGE,
                         "macro calls are nested too deep (limit %d): '%.*s' probably calls itself "
                         "without an end",
                         TARN_TEMPLATE_MACRO_DEPTH_MAX, macro_name_len(code), macro_name(code));
    struct frame *frame = run_frame(run, macro->frame, code->tmpl, code->slot_count);
    TARN_TRY(bind_arguments(run, code, call, frame));
    run->macros[run->macro_count++] = code;
    run->capture_depth++;
    enum tarn_status status = run_macro_body(run, code, frame, ret);
    run->capture_depth--;
    run->macro_count--;
    if (status != TARN_OK && run->returning && code->name.len > 0) {
        run->returning = false;
        *ret = run->return_value;
        return TARN_OK;
    }
    if (status != TARN_OK)
        add_stack_line(run, code);
    return status;
}

/* --- calling any value
 * ------------------------------------------------------------------------------------------------------
 */

static enum tarn_status fail_not_callable(struct tarn_template_run *run, struct tarn_value callee)
{
    if (callee.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(callee, run->err);
    return tarn_fail(run->err, TARN_INVALID, "'%s' object is not callable",
                     tarn_value_type_name(callee));
}

enum tarn_status call_value(struct tarn_template_run *run, struct tarn_value callee,
                            struct tarn_call *call, struct tarn_value *ret)
{
    *ret = TARN_NONE;
    call->run = run;
    call->heap = run->heap;
    if (callee.kind == TARN_VALUE_MACRO)
        return call_macro(run, callee.as.macro, call, ret);
    if (callee.kind == TARN_VALUE_FUNCTION) {
        call->userdata = callee.as.function->userdata;
        call->name = callee.as.function->name;
        return callee.as.function->fn(call, ret, run->err);
    }
    if (callee.kind == TARN_VALUE_METHOD) {
        call->userdata = &callee.as.method->receiver;
        call->name = callee.as.method->method->name;
        return callee.as.method->method->fn(call, ret, run->err);
    }
    if (callee.kind == TARN_VALUE_OBJECT && callee.as.object->type->call) {
        call->userdata = callee.as.object->data;
        call->name = callee.as.object->type->name;
        return callee.as.object->type->call(call, ret, run->err);
    }
    if (callee.kind == TARN_VALUE_UNDEFINED && run->options.lenient_undefined) {
        *ret = callee;
        return TARN_OK;
    }
    return fail_not_callable(run, callee);
}

/* --- evaluating arguments
 * ---------------------------------------------------------------------------------------------------
 */

struct arguments {
    struct tarn_list *args;
    struct tarn_named_value *kwargs;
    size_t kwarg_count;
    size_t kwarg_cap;
};

static void add_keyword(struct tarn_template_run *run, struct arguments *out, struct tarn_text name,
                        struct tarn_value value)
{
    if (out->kwarg_count == out->kwarg_cap) {
        size_t cap = out->kwarg_cap ? out->kwarg_cap * 2 : 4;
        struct tarn_named_value *kwargs = tarn_heap_alloc(run->heap, cap * sizeof *kwargs);
        if (out->kwarg_count > 0)
            memcpy(kwargs, out->kwargs, out->kwarg_count * sizeof *kwargs);
        out->kwargs = kwargs;
        out->kwarg_cap = cap;
    }
    out->kwargs[out->kwarg_count++] = (struct tarn_named_value){name, value};
}

static enum tarn_status add_new_keyword(struct tarn_template_run *run, struct arguments *out,
                                        struct tarn_text name, struct tarn_value value)
{
    for (size_t i = 0; i < out->kwarg_count; i++)
        if (tarn_text_equal(out->kwargs[i].name, name))
            return tarn_fail(run->err, TARN_INVALID,
                             "got multiple values for keyword argument '%.*s'",
                             TARN_TEXT_ARGS(name));
    add_keyword(run, out, name, value);
    return TARN_OK;
}

static enum tarn_status spread_list(struct tarn_template_run *run, struct arguments *out,
                                    struct tarn_value value)
{
    struct tarn_value list;
    if (!value_is_iterable(value))
        return tarn_fail(run->err, TARN_INVALID, "argument after * must be an iterable, not %s",
                         tarn_value_type_name(value));
    TARN_TRY(tarn_value_to_list(run->heap, value, &list, run->err));
    for (size_t i = 0; i < tarn_list_count(list); i++)
        tarn_list_append(list_value(out->args), tarn_list_at(list, i));
    return TARN_OK;
}

static enum tarn_status spread_mapping(struct tarn_template_run *run, struct arguments *out,
                                       struct tarn_value value)
{
    bool is_mapping = value.kind == TARN_VALUE_DICT ||
                      (value.kind == TARN_VALUE_OBJECT && value.as.object->type->is_mapping);
    if (!is_mapping)
        return tarn_fail(run->err, TARN_INVALID, "argument after ** must be a mapping, not %s",
                         tarn_value_type_name(value));
    struct walk walk;
    TARN_TRY(walk_begin(&walk, run->heap, value, run->err));
    for (;;) {
        struct tarn_value key, item = TARN_UNDEFINED;
        bool done;
        TARN_TRY(walk_next(&walk, &key, &done, run->err));
        if (done)
            return TARN_OK;
        if (!tarn_value_is_string(key))
            return tarn_fail(run->err, TARN_INVALID, "keywords must be strings");
        if (value.kind == TARN_VALUE_DICT)
            item = tarn_dict_get(value, key);
        else
            (void)value.as.object->type->get_item(run->heap, value.as.object->data, key,
                                                  &item); /* a key it named itself */
        TARN_TRY(add_new_keyword(run, out, tarn_value_text(key), item));
    }
}

static enum tarn_status eval_arguments(struct tarn_template_run *run, struct frame *frame,
                                       const struct call_args *args, const struct tarn_value *first,
                                       struct arguments *out)
{
    *out = (struct arguments){.args = list_new(run->heap, args->args.count + (first ? 1 : 0))};
    if (first)
        tarn_list_append(list_value(out->args), *first);
    for (size_t i = 0; i < args->args.count; i++) {
        struct tarn_value value;
        TARN_TRY(eval(run, frame, args->args.items[i], &value));
        tarn_list_append(list_value(out->args), value);
    }
    for (size_t i = 0; i < args->kwargs.count; i++) {
        struct tarn_value value;
        TARN_TRY(eval(run, frame, args->kwargs.items[i], &value));
        TARN_TRY(add_new_keyword(run, out, args->keywords[i], value));
    }
    struct tarn_value spread;
    if (args->star) {
        TARN_TRY(eval(run, frame, args->star, &spread));
        TARN_TRY(spread_list(run, out, spread));
    }
    if (args->double_star) {
        TARN_TRY(eval(run, frame, args->double_star, &spread));
        TARN_TRY(spread_mapping(run, out, spread));
    }
    return TARN_OK;
}

static struct tarn_call call_with(struct tarn_template_run *run, const struct arguments *arguments,
                                  const char *name)
{
    return (struct tarn_call){
        .run = run,
        .heap = run->heap,
        .name = name,
        .args = arguments->args->items,
        .arg_count = arguments->args->count,
        .kwargs = arguments->kwargs,
        .kwarg_count = arguments->kwarg_count,
    };
}

enum tarn_status eval_call(struct tarn_template_run *run, struct frame *frame,
                           const struct node *node, const struct tarn_value *caller,
                           struct tarn_value *ret)
{
    struct tarn_value callee;
    struct arguments arguments;
    TARN_TRY(eval(run, frame, node->as.call.callee, &callee));
    TARN_TRY(eval_arguments(run, frame, &node->as.call.args, NULL, &arguments));
    if (caller)
        TARN_TRY(add_new_keyword(run, &arguments, TARN_TEXT("caller"), *caller));
    struct tarn_call call = call_with(run, &arguments, "");
    return call_value(run, callee, &call, ret);
}

enum tarn_status eval_filter(struct tarn_template_run *run, struct frame *frame,
                             const struct node *node, const struct tarn_value *captured,
                             struct tarn_value *ret)
{
    struct tarn_value object;
    struct arguments arguments;
    const struct node *inner = node->as.filter.object;
    if (!node->as.filter.filter)
        return tarn_fail(run->err, TARN_INVALID, "No filter named '%.*s' found.",
                         TARN_TEXT_ARGS(node->as.filter.name));
    if (!inner)
        object = captured ? *captured : TARN_NONE;
    else if (captured && inner->kind == NODE_FILTER)
        TARN_TRY(eval_filter(run, frame, inner, captured, &object));
    else
        TARN_TRY(eval(run, frame, inner, &object));
    TARN_TRY(eval_arguments(run, frame, &node->as.filter.args, &object, &arguments));
    struct tarn_call call = call_with(run, &arguments, node->as.filter.filter->name);
    *ret = TARN_NONE;
    return node->as.filter.filter->fn(&call, ret, run->err);
}

enum tarn_status eval_test(struct tarn_template_run *run, struct frame *frame,
                           const struct node *node, struct tarn_value *ret)
{
    struct tarn_value object;
    struct arguments arguments;
    if (!node->as.test.test)
        return tarn_fail(run->err, TARN_INVALID, "No test named '%.*s' found.",
                         TARN_TEXT_ARGS(node->as.test.name));
    TARN_TRY(eval(run, frame, node->as.test.object, &object));
    TARN_TRY(eval_arguments(run, frame, &node->as.test.args, &object, &arguments));
    struct tarn_call call = call_with(run, &arguments, node->as.test.test->name);
    *ret = TARN_NONE;
    return node->as.test.test->fn(&call, ret, run->err);
}

/* --- what callees do with their arguments
 * ------------------------------------------------------------------------------------ */

struct tarn_value tarn_call_arg(const struct tarn_call *call, size_t position, const char *name)
{
    if (position < call->arg_count)
        return call->args[position];
    for (size_t i = 0; name && i < call->kwarg_count; i++)
        if (tarn_text_is(call->kwargs[i].name, name))
            return call->kwargs[i].value;
    return TARN_UNDEFINED;
}

struct parameters {
    const char *const *names;
    size_t count;       /* plain ones */
    size_t total;       /* with * and ** */
    size_t star;        /* index, or total */
    size_t double_star; /* index, or total */
};

static struct parameters read_parameters(const char *const *names)
{
    struct parameters parameters = {.names = names};
    while (names[parameters.total])
        parameters.total++;
    parameters.count = parameters.star = parameters.double_star = parameters.total;
    for (size_t i = 0; i < parameters.total; i++) {
        if (names[i][0] != '*')
            continue;
        if (i < parameters.count)
            parameters.count = i;
        if (names[i][1] == '*')
            parameters.double_star = i;
        else
            parameters.star = i;
    }
    return parameters;
}

static enum tarn_status bind_keyword(struct tarn_call *call, const struct parameters *parameters,
                                     const struct tarn_named_value *kwarg, bool *given,
                                     struct tarn_value *values, struct tarn_error *err)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (!tarn_text_is(kwarg->name, parameters->names[i]))
            continue;
        if (given[i])
            return tarn_fail(err, TARN_INVALID, "%s() got multiple values for argument '%s'",
                             call->name, parameters->names[i]);
        given[i] = true;
        values[i] = kwarg->value;
        return TARN_OK;
    }
    if (parameters->double_star == parameters->total)
        return tarn_fail(err, TARN_INVALID, "%s() got an unexpected keyword argument '%.*s'",
                         call->name, TARN_TEXT_ARGS(kwarg->name));
    tarn_dict_put(values[parameters->double_star], tarn_value_text_ref(kwarg->name), kwarg->value);
    return TARN_OK;
}

enum tarn_status tarn_call_bind(struct tarn_call *call, const char *const *names, size_t required,
                                struct tarn_value *ret_values, struct tarn_error *err)
{
    enum { PARAMETERS_MAX = 32 };
    bool given[PARAMETERS_MAX] = {false};
    struct parameters parameters = read_parameters(names);
    for (size_t i = 0; i < parameters.total; i++)
        ret_values[i] = TARN_UNDEFINED;
    size_t positional = call->arg_count < parameters.count ? call->arg_count : parameters.count;
    for (size_t i = 0; i < positional; i++) {
        ret_values[i] = call->args[i];
        given[i] = true;
    }
    if (parameters.star < parameters.total)
        ret_values[parameters.star] =
            tarn_value_tuple(call->heap, call->args + positional, call->arg_count - positional);
    else if (call->arg_count > positional)
        return tarn_fail(err, TARN_INVALID, "%s() takes %zu positional argument%s but %zu %s given",
                         call->name, parameters.count, parameters.count == 1 ? "" : "s",
                         call->arg_count, call->arg_count == 1 ? "was" : "were");
    if (parameters.double_star < parameters.total)
        ret_values[parameters.double_star] = tarn_value_dict(call->heap);
    for (size_t i = 0; i < call->kwarg_count; i++)
        TARN_TRY(bind_keyword(call, &parameters, &call->kwargs[i], given, ret_values, err));
    for (size_t i = 0; i < required; i++)
        if (!given[i])
            return tarn_fail(err, TARN_INVALID, "%s() missing required argument '%s'", call->name,
                             names[i]);
    return TARN_OK;
}
