/* model/template/methods.c -- finds methods, and those of lists, tuples, dicts and sets.
 *
 * What changes a container first checks that it is the render's own: shared ones belong to the
 * project. */
#include "model/template/methods.h"

#include "model/template/filters.h"

static const struct method *const tables[TARN_VALUE_MISSING + 1] = {
    [TARN_VALUE_STRING] = string_methods, [TARN_VALUE_LIST] = list_methods,
    [TARN_VALUE_TUPLE] = tuple_methods,   [TARN_VALUE_DICT] = dict_methods,
    [TARN_VALUE_SET] = set_methods,       [TARN_VALUE_FLOAT] = float_methods,
};

const struct method *method_find(enum tarn_value_kind kind, struct tarn_text name)
{
    for (const struct method *method = tables[kind]; method && method->name; method++)
        if (tarn_text_is(name, method->name))
            return method;
    return NULL;
}

static enum tarn_status check_own(const struct tarn_call *call, const struct tarn_heap *heap,
                                  struct tarn_error *err)
{
    if (heap == call->heap)
        return TARN_OK;
    return tarn_fail(
        err, TARN_INVALID,
        "%s(): this %s belongs to the project and is shared by all its templates; change a copy",
        call->name, tarn_value_type_name(call_receiver(call)));
}

static enum tarn_status fail_count(const struct tarn_call *call, const char *expected,
                                   struct tarn_error *err)
{
    return tarn_fail(err, TARN_INVALID, "%s() takes %s (%zu given)", call->name, expected,
                     call->arg_count + call->kwarg_count);
}

static enum tarn_status need_args(const struct tarn_call *call, size_t least, size_t most,
                                  struct tarn_error *err)
{
    static const char *const words[] = {"no arguments", "exactly one argument",
                                        "exactly two arguments", "at most three arguments"};
    if (call->kwarg_count > 0)
        return tarn_fail(err, TARN_INVALID, "%s() takes no keyword arguments", call->name);
    if (call->arg_count < least || call->arg_count > most)
        return fail_count(call, words[most > 3 ? 3 : most], err);
    return TARN_OK;
}

static enum tarn_status int_argument(const struct tarn_call *call, size_t position, int64_t missing,
                                     int64_t *ret, struct tarn_error *err)
{
    *ret = missing;
    if (position >= call->arg_count || value_to_int64(call->args[position], ret))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                     tarn_value_type_name(call->args[position]));
}

static enum tarn_status need_hashable(struct tarn_value key, struct tarn_error *err)
{
    if (tarn_value_is_hashable(key))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "unhashable type: '%s'", tarn_value_type_name(key));
}

/* --- lists
 * ----------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(list_append)
{
    (void)ret;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(check_own(call, call_receiver(call).as.list->heap, err));
    tarn_list_append(call_receiver(call), call->args[0]);
    return TARN_OK;
}

CALLABLE(list_extend)
{
    (void)ret;
    struct tarn_value items;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(check_own(call, call_receiver(call).as.list->heap, err));
    TARN_TRY(tarn_value_to_list(call->heap, call->args[0], &items, err));
    for (size_t i = 0; i < tarn_list_count(items); i++)
        tarn_list_append(call_receiver(call), tarn_list_at(items, i));
    return TARN_OK;
}

CALLABLE(list_insert_at)
{
    (void)ret;
    int64_t index;
    struct tarn_list *list = call_receiver(call).as.list;
    TARN_TRY(need_args(call, 2, 2, err));
    TARN_TRY(check_own(call, list->heap, err));
    TARN_TRY(int_argument(call, 0, 0, &index, err));
    if (index < 0)
        index = index < -(int64_t)list->count ? 0 : index + (int64_t)list->count;
    list_insert(list, index > (int64_t)list->count ? list->count : (size_t)index, call->args[1]);
    return TARN_OK;
}

CALLABLE(list_pop)
{
    int64_t index;
    struct tarn_list *list = call_receiver(call).as.list;
    TARN_TRY(need_args(call, 0, 1, err));
    TARN_TRY(check_own(call, list->heap, err));
    TARN_TRY(int_argument(call, 0, -1, &index, err));
    if (list->count == 0)
        return tarn_fail(err, TARN_INVALID, "pop from empty list");
    if (index < 0)
        index += (int64_t)list->count;
    if (index < 0 || index >= (int64_t)list->count)
        return tarn_fail(err, TARN_INVALID, "pop index out of range");
    *ret = list->items[index];
    list_remove(list, (size_t)index);
    return TARN_OK;
}

static bool find_item(const struct tarn_list *list, struct tarn_value item, size_t from,
                      size_t *ret)
{
    for (size_t i = from; i < list->count; i++)
        if (tarn_value_equal(list->items[i], item)) {
            *ret = i;
            return true;
        }
    return false;
}

CALLABLE(list_remove_item)
{
    (void)ret;
    size_t index;
    struct tarn_list *list = call_receiver(call).as.list;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(check_own(call, list->heap, err));
    if (!find_item(list, call->args[0], 0, &index))
        return tarn_fail(err, TARN_INVALID, "list.remove(x): x not in list");
    list_remove(list, index);
    return TARN_OK;
}

CALLABLE(list_index)
{
    size_t index;
    int64_t from;
    TARN_TRY(need_args(call, 1, 2, err));
    TARN_TRY(int_argument(call, 1, 0, &from, err));
    if (!find_item(call_receiver(call).as.list, call->args[0], from < 0 ? 0 : (size_t)from,
                   &index)) {
        TARN_BUFFER(item, 1000);
        tarn_value_print_repr(call->args[0], &item);
        return tarn_fail(err, TARN_INVALID, "%s is not in list", tarn_buffer_str(&item));
    }
    *ret = tarn_value_int((int64_t)index);
    return TARN_OK;
}

CALLABLE(list_count)
{
    const struct tarn_list *list = call_receiver(call).as.list;
    int64_t count = 0;
    TARN_TRY(need_args(call, 1, 1, err));
    for (size_t i = 0; i < list->count; i++)
        count += tarn_value_equal(list->items[i], call->args[0]);
    *ret = tarn_value_int(count);
    return TARN_OK;
}

CALLABLE(list_reverse)
{
    (void)ret;
    struct tarn_list *list = call_receiver(call).as.list;
    TARN_TRY(need_args(call, 0, 0, err));
    TARN_TRY(check_own(call, list->heap, err));
    for (size_t i = 0; i < list->count / 2; i++) {
        struct tarn_value swapped = list->items[i];
        list->items[i] = list->items[list->count - 1 - i];
        list->items[list->count - 1 - i] = swapped;
    }
    return TARN_OK;
}

CALLABLE(list_sort)
{
    (void)ret;
    static const char *const names[] = {"reverse", NULL};
    struct tarn_value reverse;
    struct tarn_list *list = call_receiver(call).as.list;
    TARN_TRY(check_own(call, list->heap, err));
    if (call->arg_count > 0)
        return tarn_fail(err, TARN_INVALID, "sort() takes no positional arguments");
    TARN_TRY(tarn_call_bind(call, names, 0, &reverse, err));
    TARN_AUTO_FREE struct tarn_value *keys = tarn_alloc_array(list->count + 1, sizeof *keys);
    if (list->count > 0)
        memcpy(keys, list->items, list->count * sizeof *keys);
    return sort_by_keys(list->items, keys, list->count, tarn_value_truth(reverse), err);
}

CALLABLE(list_copy)
{
    TARN_TRY(need_args(call, 0, 0, err));
    return tarn_value_to_list(call->heap, call_receiver(call), ret, err);
}

CALLABLE(list_clear)
{
    (void)ret;
    TARN_TRY(need_args(call, 0, 0, err));
    TARN_TRY(check_own(call, call_receiver(call).as.list->heap, err));
    call_receiver(call).as.list->count = 0;
    return TARN_OK;
}

const struct method list_methods[] = {
    {"append", list_append}, {"extend", list_extend},   {"insert", list_insert_at},
    {"pop", list_pop},       {"index", list_index},     {"remove", list_remove_item},
    {"count", list_count},   {"reverse", list_reverse}, {"sort", list_sort},
    {"copy", list_copy},     {"clear", list_clear},     {NULL, NULL},
};
const struct method tuple_methods[] = {{"index", list_index}, {"count", list_count}, {NULL, NULL}};

/* --- dicts
 * ----------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(dict_get)
{
    TARN_TRY(need_args(call, 1, 2, err));
    TARN_TRY(need_hashable(call->args[0], err));
    if (!tarn_dict_find(call_receiver(call), call->args[0], ret))
        *ret = call->arg_count > 1 ? call->args[1] : TARN_NONE;
    return TARN_OK;
}

static enum tarn_status make_view(struct tarn_call *call, enum view_kind kind,
                                  struct tarn_value *ret, struct tarn_error *err)
{
    TARN_TRY(need_args(call, 0, 0, err));
    struct tarn_view *view = tarn_heap_alloc(call->heap, sizeof *view);
    *view = (struct tarn_view){kind, call_receiver(call)};
    *ret = (struct tarn_value){.kind = TARN_VALUE_VIEW, .as.view = view};
    return TARN_OK;
}

CALLABLE(dict_keys)
{
    return make_view(call, VIEW_KEYS, ret, err);
}

CALLABLE(dict_values)
{
    return make_view(call, VIEW_VALUES, ret, err);
}

CALLABLE(dict_items)
{
    return make_view(call, VIEW_ITEMS, ret, err);
}

CALLABLE(dict_update_method)
{
    (void)ret;
    struct tarn_value dict = call_receiver(call);
    TARN_TRY(check_own(call, dict.as.dict->heap, err));
    if (call->arg_count > 1)
        return tarn_fail(err, TARN_INVALID, "update expected at most 1 argument, got %zu",
                         call->arg_count);
    if (call->arg_count == 1)
        TARN_TRY(dict_update(call->heap, dict, call->args[0], err));
    for (size_t i = 0; i < call->kwarg_count; i++)
        tarn_dict_put(dict, tarn_value_text_ref(call->kwargs[i].name), call->kwargs[i].value);
    return TARN_OK;
}

CALLABLE(dict_pop)
{
    struct tarn_value dict = call_receiver(call);
    TARN_TRY(need_args(call, 1, 2, err));
    TARN_TRY(check_own(call, dict.as.dict->heap, err));
    TARN_TRY(need_hashable(call->args[0], err));
    if (tarn_dict_find(dict, call->args[0], ret)) {
        tarn_dict_remove(dict, call->args[0]);
    } else if (call->arg_count > 1) {
        *ret = call->args[1];
    } else {
        TARN_BUFFER(key, 1000);
        tarn_value_print_repr(call->args[0], &key);
        return tarn_fail(err, TARN_INVALID, "KeyError: %s", tarn_buffer_str(&key));
    }
    return TARN_OK;
}

CALLABLE(dict_popitem)
{
    struct tarn_value pair[2], dict = call_receiver(call);
    TARN_TRY(need_args(call, 0, 0, err));
    TARN_TRY(check_own(call, dict.as.dict->heap, err));
    if (dict.as.dict->count == 0)
        return tarn_fail(err, TARN_INVALID, "popitem(): dictionary is empty");
    tarn_dict_at(dict, dict.as.dict->count - 1, &pair[0], &pair[1]);
    tarn_dict_remove(dict, pair[0]);
    *ret = tarn_value_tuple(call->heap, pair, 2);
    return TARN_OK;
}

CALLABLE(dict_setdefault)
{
    struct tarn_value dict = call_receiver(call);
    TARN_TRY(need_args(call, 1, 2, err));
    TARN_TRY(need_hashable(call->args[0], err));
    if (tarn_dict_find(dict, call->args[0], ret))
        return TARN_OK;
    TARN_TRY(check_own(call, dict.as.dict->heap, err));
    *ret = call->arg_count > 1 ? call->args[1] : TARN_NONE;
    tarn_dict_put(dict, call->args[0], *ret);
    return TARN_OK;
}

CALLABLE(dict_copy)
{
    struct tarn_value copy = tarn_value_dict(call->heap);
    TARN_TRY(need_args(call, 0, 0, err));
    copy.kind = call_receiver(call).kind;
    *ret = copy;
    const struct tarn_dict *dict = call_receiver(call).as.dict;
    for (size_t i = 0; i < dict->count; i++)
        tarn_dict_put(copy, dict->entries[i].key, dict->entries[i].value);
    return TARN_OK;
}

CALLABLE(dict_clear_method)
{
    (void)ret;
    TARN_TRY(need_args(call, 0, 0, err));
    TARN_TRY(check_own(call, call_receiver(call).as.dict->heap, err));
    dict_clear(call_receiver(call).as.dict);
    return TARN_OK;
}

CALLABLE(dict_fromkeys)
{
    struct tarn_value keys;
    TARN_TRY(need_args(call, 1, 2, err));
    TARN_TRY(tarn_value_to_list(call->heap, call->args[0], &keys, err));
    *ret = tarn_value_dict(call->heap);
    for (size_t i = 0; i < tarn_list_count(keys); i++) {
        TARN_TRY(need_hashable(tarn_list_at(keys, i), err));
        tarn_dict_put(*ret, tarn_list_at(keys, i), call->arg_count > 1 ? call->args[1] : TARN_NONE);
    }
    return TARN_OK;
}

const struct method dict_methods[] = {
    {"get", dict_get},
    {"items", dict_items},
    {"keys", dict_keys},
    {"values", dict_values},
    {"update", dict_update_method},
    {"pop", dict_pop},
    {"popitem", dict_popitem},
    {"setdefault", dict_setdefault},
    {"copy", dict_copy},
    {"clear", dict_clear_method},
    {"fromkeys", dict_fromkeys},
    {NULL, NULL},
};

/* --- sets
 * -----------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(set_add)
{
    (void)ret;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(check_own(call, call_receiver(call).as.dict->heap, err));
    TARN_TRY(need_hashable(call->args[0], err));
    tarn_dict_put(call_receiver(call), call->args[0], TARN_NONE);
    return TARN_OK;
}

CALLABLE(set_discard)
{
    (void)ret;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(check_own(call, call_receiver(call).as.dict->heap, err));
    TARN_TRY(need_hashable(call->args[0], err));
    tarn_dict_remove(call_receiver(call), call->args[0]);
    return TARN_OK;
}

CALLABLE(set_union)
{
    struct tarn_value items;
    TARN_TRY(dict_copy(
        &(struct tarn_call){.heap = call->heap, .userdata = call->userdata, .name = call->name},
        ret, err));
    for (size_t a = 0; a < call->arg_count; a++) {
        TARN_TRY(tarn_value_to_list(call->heap, call->args[a], &items, err));
        for (size_t i = 0; i < tarn_list_count(items); i++) {
            TARN_TRY(need_hashable(tarn_list_at(items, i), err));
            tarn_dict_put(*ret, tarn_list_at(items, i), TARN_NONE);
        }
    }
    return TARN_OK;
}

/* Items of the receiver that are (or are not) in the argument. */
static enum tarn_status pick_items(struct tarn_call *call, bool wanted, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    struct tarn_value items, other = tarn_value_set(call->heap), ignored;
    const struct tarn_dict *set = call_receiver(call).as.dict;
    TARN_TRY(need_args(call, 1, 1, err));
    TARN_TRY(tarn_value_to_list(call->heap, call->args[0], &items, err));
    for (size_t i = 0; i < tarn_list_count(items); i++) {
        TARN_TRY(need_hashable(tarn_list_at(items, i), err));
        tarn_dict_put(other, tarn_list_at(items, i), TARN_NONE);
    }
    *ret = tarn_value_set(call->heap);
    for (size_t i = 0; i < set->count; i++)
        if (tarn_dict_find(other, set->entries[i].key, &ignored) == wanted)
            tarn_dict_put(*ret, set->entries[i].key, TARN_NONE);
    return TARN_OK;
}

CALLABLE(set_intersection)
{
    return pick_items(call, true, ret, err);
}

CALLABLE(set_difference)
{
    return pick_items(call, false, ret, err);
}

CALLABLE(set_issubset)
{
    struct tarn_value missing;
    TARN_TRY(pick_items(call, false, &missing, err));
    *ret = tarn_value_bool(tarn_dict_count(missing) == 0);
    return TARN_OK;
}

const struct method set_methods[] = {
    {"add", set_add},
    {"discard", set_discard},
    {"remove", set_discard},
    {"union", set_union},
    {"intersection", set_intersection},
    {"difference", set_difference},
    {"issubset", set_issubset},
    {"copy", dict_copy},
    {"clear", dict_clear_method},
    {NULL, NULL},
};

CALLABLE(float_is_integer)
{
    TARN_TRY(need_args(call, 0, 0, err));
    double real = call_receiver(call).as.real;
    *ret = tarn_value_bool(real - real == 0 && real == (double)(int64_t)real);
    return TARN_OK;
}

const struct method float_methods[] = {{"is_integer", float_is_integer}, {NULL, NULL}};
