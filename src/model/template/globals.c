/* model/template/globals.c -- the names that are always there: jinja2's own, and dbt's return. */
#include "model/template/call.h"
#include "model/template/runtime.h"

static enum tarn_status index_argument(struct tarn_value value, int64_t *ret,
                                       struct tarn_error *err)
{
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, err);
    if (value_to_int64(value, ret))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                     tarn_value_type_name(value));
}

static enum tarn_status call_range(struct tarn_call *call, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    int64_t numbers[3] = {0, 0, 1};
    if (call->arg_count < 1 || call->arg_count > 3 || call->kwarg_count > 0)
        return tarn_fail(err, TARN_INVALID, "range expected 1 to 3 arguments, got %zu",
                         call->arg_count);
    for (size_t i = 0; i < call->arg_count; i++)
        TARN_TRY(index_argument(call->args[i], &numbers[i], err));
    if (call->arg_count == 1) {
        numbers[1] = numbers[0];
        numbers[0] = 0;
    }
    if (numbers[2] == 0)
        return tarn_fail(err, TARN_INVALID, "range() arg 3 must not be zero");
    *ret = tarn_value_range(call->heap, numbers[0], numbers[1], numbers[2]);
    if (ret->as.range->count > TARN_TEMPLATE_RANGE_MAX)
        return tarn_fail(err, TARN_TOO_LARGE,
                         "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).",
                         TARN_TEMPLATE_RANGE_MAX);
    return TARN_OK;
}

/* dict(mapping or pairs, key=value...), also for namespace(). */
static enum tarn_status fill_dict(struct tarn_call *call, struct tarn_value dict,
                                  struct tarn_error *err)
{
    if (call->arg_count > 1)
        return tarn_fail(err, TARN_INVALID, "dict expected at most 1 argument, got %zu",
                         call->arg_count);
    if (call->arg_count == 1)
        TARN_TRY(dict_update(call->heap, dict, call->args[0], err));
    for (size_t i = 0; i < call->kwarg_count; i++)
        tarn_dict_put(dict, tarn_value_text_ref(call->kwargs[i].name), call->kwargs[i].value);
    return TARN_OK;
}

static enum tarn_status call_dict(struct tarn_call *call, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    *ret = tarn_value_dict(call->heap);
    return fill_dict(call, *ret, err);
}

static enum tarn_status call_namespace(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    *ret = tarn_value_namespace(call->heap);
    return fill_dict(call, *ret, err);
}

/* --- cycler and joiner
 * -------------------------------------------------------------------------------------------------------
 */

struct cycler {
    struct tarn_value items;
    size_t position;
};

static bool cycler_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                       struct tarn_value *ret)
{
    (void)heap;
    const struct cycler *cycler = self;
    if (tarn_text_is(name, "current"))
        *ret = tarn_list_at(cycler->items, cycler->position);
    else if (tarn_text_is(name, "pos"))
        *ret = tarn_value_int((int64_t)cycler->position);
    else if (tarn_text_is(name, "items"))
        *ret = cycler->items;
    else
        return false;
    return true;
}

static enum tarn_status cycler_next(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)err;
    struct cycler *cycler = call->userdata;
    *ret = tarn_list_at(cycler->items, cycler->position);
    cycler->position = (cycler->position + 1) % tarn_list_count(cycler->items);
    return TARN_OK;
}

static enum tarn_status cycler_reset(struct tarn_call *call, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    (void)err;
    (void)ret;
    ((struct cycler *)call->userdata)->position = 0;
    return TARN_OK;
}

static const struct tarn_object_method cycler_methods[] = {
    {"next", cycler_next}, {"reset", cycler_reset}, {NULL, NULL}};
static const struct tarn_object_type cycler_type = {
    .name = "jinja2.utils.Cycler", .get = cycler_get, .methods = cycler_methods};

static enum tarn_status call_cycler(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    if (call->arg_count == 0)
        return tarn_fail(err, TARN_INVALID, "at least one item has to be provided");
    struct cycler *cycler = tarn_heap_alloc(call->heap, sizeof *cycler);
    cycler->items = tarn_value_tuple(call->heap, call->args, call->arg_count);
    *ret = tarn_value_object(call->heap, &cycler_type, cycler);
    return TARN_OK;
}

struct joiner {
    struct tarn_value separator;
    bool used;
};

static enum tarn_status joiner_call(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)err;
    struct joiner *joiner = call->userdata;
    *ret = joiner->used ? joiner->separator : tarn_value_str_ref("");
    joiner->used = true;
    return TARN_OK;
}

static const struct tarn_object_type joiner_type = {.name = "jinja2.utils.Joiner",
                                                    .call = joiner_call};

static enum tarn_status call_joiner(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    static const char *const names[] = {"sep", NULL};
    struct tarn_value separator;
    TARN_TRY(tarn_call_bind(call, names, 0, &separator, err));
    struct joiner *joiner = tarn_heap_alloc(call->heap, sizeof *joiner);
    joiner->separator =
        separator.kind == TARN_VALUE_UNDEFINED ? tarn_value_str_ref(", ") : separator;
    *ret = tarn_value_object(call->heap, &joiner_type, joiner);
    return TARN_OK;
}

/* --- return
 * ---------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status call_return(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    static const char *const names[] = {"data", NULL};
    struct tarn_value data;
    (void)ret;
    TARN_TRY(tarn_call_bind(call, names, 0, &data, err));
    bool in_macro = false;
    for (size_t i = 0; i < call->run->macro_count; i++)
        in_macro = in_macro || call->run->macros[i]->name.len > 0;
    if (!in_macro)
        return tarn_fail(err, TARN_INVALID, "return() stands outside a macro");
    call->run->returning = true;
    call->run->return_value = call->arg_count + call->kwarg_count == 0 ? TARN_NONE : data;
    return TARN_CANCELLED;
}

static const struct global {
    const char *name;
    tarn_function_fn *fn;
} globals[] = {
    {"range", call_range},   {"dict", call_dict},     {"namespace", call_namespace},
    {"cycler", call_cycler}, {"joiner", call_joiner}, {"return", call_return},
};

bool global_find(struct tarn_heap *heap, struct tarn_text name, struct tarn_value *ret)
{
    for (size_t i = 0; i < TARN_COUNT(globals); i++)
        if (tarn_text_is(name, globals[i].name)) {
            *ret = tarn_value_function(heap, globals[i].name, globals[i].fn, NULL);
            return true;
        }
    return false;
}
