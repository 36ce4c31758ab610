/* model/template/filters_lazy.c -- filters that give their items one by one, as jinja2's generators
 * do: nothing happens before somebody asks, and what was asked for is gone. */
#include "model/template/filters.h"
#include "model/template/runtime.h"
#include "model/template/tests.h"

/* An iterator over an iterable, with what the filter needs to know. */
struct lazy {
    struct tarn_iterator base;
    struct walk walk;
    bool is_empty;         /* a false value gives nothing, whatever it is */
    struct tarn_call call; /* of the filter */
    struct attribute_path path;
    struct tarn_value name; /* map, select: the filter or test to apply; undefined: none */
    size_t first_arg;       /* its arguments start here */
    bool negate;
    struct tarn_value seen; /* unique */
    int64_t size;           /* batch, slice */
    int64_t number;         /* slice: the next one */
    int64_t offset;
    struct tarn_value items;
    struct tarn_value fill;
};

typedef enum tarn_status next_fn(struct tarn_iterator *iterator, struct tarn_value *ret,
                                 bool *ret_done, struct tarn_error *err);

static struct lazy *lazy_new(struct tarn_call *call, next_fn *next)
{
    struct lazy *lazy = tarn_heap_alloc(call->heap, sizeof *lazy);
    lazy->base = (struct tarn_iterator){"generator", next, call->heap, call->run};
    lazy->call = *call;
    return lazy;
}

static struct tarn_value lazy_value(struct lazy *lazy)
{
    return (struct tarn_value){.kind = TARN_VALUE_ITERATOR, .as.iterator = &lazy->base};
}

/* The walk starts with the first item that is asked for, so that errors come as late as jinja2's.
 */
static enum tarn_status next_source(struct lazy *lazy, struct tarn_value *ret, bool *ret_done,
                                    struct tarn_error *err)
{
    if (lazy->is_empty) {
        *ret_done = true;
        return TARN_OK;
    }
    if (!lazy->walk.heap)
        TARN_TRY(walk_begin(&lazy->walk, lazy->base.heap, lazy->call.args[0], err));
    if (lazy->base.run)
        TARN_TRY(run_step(lazy->base.run));
    return walk_next(&lazy->walk, ret, ret_done, err);
}

/* Calls a filter or test by name with the item in front of the remaining arguments. */
static enum tarn_status apply(struct lazy *lazy, tarn_function_fn *fn, const char *name,
                              struct tarn_value item, struct tarn_value *ret,
                              struct tarn_error *err)
{
    size_t extra =
        lazy->call.arg_count > lazy->first_arg ? lazy->call.arg_count - lazy->first_arg : 0;
    struct tarn_value *args = tarn_heap_alloc(lazy->base.heap, (extra + 1) * sizeof *args);
    args[0] = item;
    if (extra > 0)
        memcpy(args + 1, lazy->call.args + lazy->first_arg, extra * sizeof *args);
    struct tarn_call call = lazy->call;
    call.name = name;
    call.args = args;
    call.arg_count = extra + 1;
    *ret = TARN_NONE;
    return fn(&call, ret, err);
}

static enum tarn_status fail_no_such(struct tarn_value name, const char *what,
                                     struct tarn_error *err)
{
    TARN_BUFFER(text, 1000);
    tarn_value_print_repr(name, &text);
    return tarn_fail(err, TARN_INVALID, "No %s named %s.", what, tarn_buffer_str(&text));
}

/* --- map
 * -------------------------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status map_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                 bool *ret_done, struct tarn_error *err)
{
    struct lazy *lazy = (struct lazy *)iterator;
    struct tarn_value item;
    *ret_done = false;
    bool has_name = lazy->call.arg_count > 1;
    if (!lazy->is_empty && !has_name &&
        tarn_call_arg(&lazy->call, 9, "attribute").kind == TARN_VALUE_UNDEFINED)
        return tarn_fail(err, TARN_INVALID, "map requires a filter argument");
    TARN_TRY(next_source(lazy, &item, ret_done, err));
    if (*ret_done)
        return TARN_OK;
    if (!has_name)
        return path_get(&lazy->call, &lazy->path, item, ret, err);
    const struct filter *filter = filter_find(tarn_value_text(lazy->name));
    if (!filter)
        return fail_no_such(lazy->name, "filter", err);
    return apply(lazy, filter->fn, filter->name, item, ret, err);
}

CALLABLE(filter_map)
{
    (void)err;
    struct lazy *lazy = lazy_new(call, map_next);
    lazy->is_empty = !tarn_value_truth(call->args[0]);
    lazy->path = (struct attribute_path){.attribute = tarn_call_arg(call, SIZE_MAX, "attribute"),
                                         .fallback = tarn_call_arg(call, SIZE_MAX, "default")};
    lazy->name = tarn_call_arg(call, 1, NULL);
    lazy->first_arg = 2;
    *ret = lazy_value(lazy);
    return TARN_OK;
}

/* --- select, reject and their attr forms
 * ------------------------------------------------------------------------------------------------------
 */

static enum tarn_status passes(struct lazy *lazy, struct tarn_value item, bool *ret,
                               struct tarn_error *err)
{
    struct tarn_value value;
    TARN_TRY(path_get(&lazy->call, &lazy->path, item, &value, err));
    if (lazy->call.arg_count >= lazy->first_arg) {
        const struct test *test = test_find(tarn_value_text(lazy->name));
        if (!test)
            return fail_no_such(lazy->name, "test", err);
        TARN_TRY(apply(lazy, test->fn, test->name, value, &value, err));
    }
    *ret = tarn_value_truth(value) != lazy->negate;
    return TARN_OK;
}

static enum tarn_status select_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                    bool *ret_done, struct tarn_error *err)
{
    struct lazy *lazy = (struct lazy *)iterator;
    for (;;) {
        bool passed = false;
        TARN_TRY(next_source(lazy, ret, ret_done, err));
        if (*ret_done)
            return TARN_OK;
        TARN_TRY(passes(lazy, *ret, &passed, err));
        if (passed)
            return TARN_OK;
    }
}

static enum tarn_status missing_attribute(struct tarn_iterator *iterator, struct tarn_value *ret,
                                          bool *ret_done, struct tarn_error *err)
{
    (void)iterator;
    (void)ret;
    (void)ret_done;
    return tarn_fail(err, TARN_INVALID, "Missing parameter for attribute name");
}

static struct tarn_value select_items(struct tarn_call *call, bool by_attribute, bool negate)
{
    bool is_complete = !by_attribute || call->arg_count > 1;
    struct lazy *lazy = lazy_new(call, is_complete ? select_next : missing_attribute);
    lazy->is_empty = !tarn_value_truth(call->args[0]);
    lazy->negate = negate;
    size_t name_at = by_attribute ? 2 : 1;
    if (by_attribute)
        lazy->path.attribute = tarn_call_arg(call, 1, NULL);
    lazy->name = tarn_call_arg(call, name_at, NULL);
    lazy->first_arg = name_at + 1;
    return lazy_value(lazy);
}

CALLABLE(filter_select)
{
    (void)err;
    *ret = select_items(call, false, false);
    return TARN_OK;
}

CALLABLE(filter_reject)
{
    (void)err;
    *ret = select_items(call, false, true);
    return TARN_OK;
}

CALLABLE(filter_selectattr)
{
    (void)err;
    *ret = select_items(call, true, false);
    return TARN_OK;
}

CALLABLE(filter_rejectattr)
{
    (void)err;
    *ret = select_items(call, true, true);
    return TARN_OK;
}

/* --- unique
 * ----------------------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status unique_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                    bool *ret_done, struct tarn_error *err)
{
    struct lazy *lazy = (struct lazy *)iterator;
    for (;;) {
        struct tarn_value key, ignored;
        TARN_TRY(next_source(lazy, ret, ret_done, err));
        if (*ret_done)
            return TARN_OK;
        TARN_TRY(path_get(&lazy->call, &lazy->path, *ret, &key, err));
        if (!tarn_value_is_hashable(key))
            return tarn_fail(err, TARN_INVALID, "unhashable type: '%s'", tarn_value_type_name(key));
        if (tarn_dict_find(lazy->seen, key, &ignored))
            continue;
        tarn_dict_put(lazy->seen, key, TARN_NONE);
        return TARN_OK;
    }
}

CALLABLE(filter_unique)
{
    static const char *const names[] = {"value", "case_sensitive", "attribute", NULL};
    struct tarn_value values[3];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    struct lazy *lazy = lazy_new(call, unique_next);
    lazy->path = (struct attribute_path){.attribute = values[2],
                                         .ignore_case = !tarn_value_truth(values[1])};
    lazy->seen = tarn_value_set(call->heap);
    *ret = lazy_value(lazy);
    return TARN_OK;
}

/* --- batch and slice
 * ---------------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status batch_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                   bool *ret_done, struct tarn_error *err)
{
    struct lazy *lazy = (struct lazy *)iterator;
    struct tarn_value batch = tarn_value_list(lazy->base.heap), item;
    bool done = false;
    if (lazy->items.kind == TARN_VALUE_LIST) /* the item that opened this batch */
        batch = lazy->items;
    lazy->items = TARN_NONE;
    for (;;) {
        TARN_TRY(next_source(lazy, &item, &done, err));
        if (done)
            break;
        if ((int64_t)tarn_list_count(batch) == lazy->size) {
            lazy->items = tarn_value_list(lazy->base.heap);
            tarn_list_append(lazy->items, item);
            *ret = batch;
            *ret_done = false;
            return TARN_OK;
        }
        tarn_list_append(batch, item);
    }
    *ret = batch;
    *ret_done = tarn_list_count(batch) == 0;
    for (int64_t i = (int64_t)tarn_list_count(batch);
         !*ret_done && !is_absent(lazy->fill) && i < lazy->size; i++)
        tarn_list_append(batch, lazy->fill);
    return TARN_OK;
}

static enum tarn_status size_argument(struct tarn_value value, int64_t *ret, struct tarn_error *err)
{
    if (!value_to_int64(value, ret))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(value));
    if (*ret > TARN_TEMPLATE_RANGE_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "%lld is over the limit of %d", (long long)*ret,
                         TARN_TEMPLATE_RANGE_MAX);
    return TARN_OK;
}

CALLABLE(filter_batch)
{
    static const char *const names[] = {"value", "linecount", "fill_with", NULL};
    struct tarn_value values[3];
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    struct lazy *lazy = lazy_new(call, batch_next);
    TARN_TRY(size_argument(values[1], &lazy->size, err));
    lazy->fill = values[2];
    *ret = lazy_value(lazy);
    return TARN_OK;
}

static enum tarn_status slice_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                   bool *ret_done, struct tarn_error *err)
{
    struct lazy *lazy = (struct lazy *)iterator;
    if (lazy->number == 0 && lazy->items.kind != TARN_VALUE_LIST)
        TARN_TRY(tarn_value_to_list(lazy->base.heap, lazy->call.args[0], &lazy->items, err));
    if (lazy->size == 0)
        return tarn_fail(err, TARN_INVALID, "integer division or modulo by zero");
    *ret_done = lazy->number >= lazy->size;
    if (*ret_done)
        return TARN_OK;
    int64_t count = (int64_t)tarn_list_count(lazy->items);
    int64_t per_slice = count / lazy->size, with_extra = count % lazy->size;
    int64_t start = lazy->offset + lazy->number * per_slice;
    if (lazy->number < with_extra)
        lazy->offset++;
    int64_t end = lazy->offset + (lazy->number + 1) * per_slice;
    struct tarn_value slice = tarn_value_list(lazy->base.heap);
    for (int64_t i = start; i < end; i++)
        tarn_list_append(slice, tarn_list_at(lazy->items, (size_t)i));
    if (!is_absent(lazy->fill) && lazy->number >= with_extra)
        tarn_list_append(slice, lazy->fill);
    lazy->number++;
    *ret = slice;
    return TARN_OK;
}

CALLABLE(filter_slice)
{
    static const char *const names[] = {"value", "slices", "fill_with", NULL};
    struct tarn_value values[3];
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    struct lazy *lazy = lazy_new(call, slice_next);
    TARN_TRY(size_argument(values[1], &lazy->size, err));
    lazy->fill = values[2];
    *ret = lazy_value(lazy);
    return TARN_OK;
}

const struct filter lazy_filters[] = {
    {"map", filter_map},
    {"select", filter_select},
    {"reject", filter_reject},
    {"selectattr", filter_selectattr},
    {"rejectattr", filter_rejectattr},
    {"unique", filter_unique},
    {"batch", filter_batch},
    {"slice", filter_slice},
    {NULL, NULL},
};
