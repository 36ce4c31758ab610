/* model/template/filters_sequence.c -- filters over sequences that give their result at once. */
#include "base/hash.h"
#include "model/template/filters.h"
#include "model/template/operator.h"
#include "model/template/template.h"
#include "model/template/text_ops.h"
#include "model/template/utf8.h"

CALLABLE(filter_length)
{
    static const char *const names[] = {"obj", NULL};
    struct tarn_value value;
    size_t length;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    if (!tarn_value_length(value, &length))
        return tarn_fail(err, TARN_INVALID, "object of type '%s' has no len()",
                         tarn_value_type_name(value));
    *ret = tarn_value_int((int64_t)length);
    return TARN_OK;
}

CALLABLE(filter_list)
{
    static const char *const names[] = {"value", NULL};
    struct tarn_value value;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    return tarn_value_to_list(call->heap, value, ret, err);
}

CALLABLE(filter_first)
{
    static const char *const names[] = {"seq", NULL};
    struct tarn_value value;
    struct walk walk;
    bool done;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    TARN_TRY(walk_begin(&walk, call->heap, value, err));
    TARN_TRY(walk_next(&walk, ret, &done, err));
    if (done)
        *ret = undefined_hint(call->heap, "No first item, sequence was empty.");
    return TARN_OK;
}

static bool is_reversible(struct tarn_value value)
{
    return value_is_iterable(value) && value.kind != TARN_VALUE_ITERATOR &&
           value.kind != TARN_VALUE_SET && value.kind != TARN_VALUE_UNDEFINED;
}

CALLABLE(filter_last)
{
    static const char *const names[] = {"seq", NULL};
    struct tarn_value value, list;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    if (value.kind == TARN_VALUE_UNDEFINED) {
        *ret = undefined_hint(call->heap, "No last item, sequence was empty.");
        return TARN_OK;
    }
    if (!is_reversible(value))
        return tarn_fail(err, TARN_INVALID, "'%s' object is not reversible",
                         tarn_value_type_name(value));
    TARN_TRY(tarn_value_to_list(call->heap, value, &list, err));
    size_t count = tarn_list_count(list);
    *ret = count ? tarn_list_at(list, count - 1)
                 : undefined_hint(call->heap, "No last item, sequence was empty.");
    return TARN_OK;
}

CALLABLE(filter_random)
{
    static const char *const names[] = {"seq", NULL};
    struct tarn_value value;
    size_t length;
    uint64_t draw;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    if (!tarn_value_length(value, &length))
        return tarn_fail(err, TARN_INVALID, "object of type '%s' has no len()",
                         tarn_value_type_name(value));
    tarn_random_bytes(&draw, sizeof draw);
    if (length == 0)
        *ret = undefined_hint(call->heap, "No random item, sequence was empty.");
    else if (!value_get_item(call->heap, value, tarn_value_int((int64_t)(draw % length)), ret))
        return tarn_fail(err, TARN_INVALID, "'%s' object is not subscriptable",
                         tarn_value_type_name(value));
    return TARN_OK;
}

static struct tarn_value reversed_text(struct tarn_heap *heap, struct tarn_text text)
{
    TARN_BUFFER(out, text.len + 1);
    size_t end = text.len;
    while (end > 0) {
        size_t start = end - 1;
        while (start > 0 && ((unsigned char)text.data[start] & 0xc0) == 0x80)
            start--;
        tarn_buffer_append(&out, text.data + start, end - start);
        end = start;
    }
    return buffer_value(heap, &out);
}

CALLABLE(filter_reverse)
{
    static const char *const names[] = {"value", NULL};
    struct tarn_value value, list;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    if (value.kind == TARN_VALUE_STRING) {
        *ret = reversed_text(call->heap, tarn_value_text(value));
        return TARN_OK;
    }
    if (!value_is_iterable(value))
        return tarn_fail(err, TARN_INVALID, "argument must be iterable");
    TARN_TRY(tarn_value_to_list(call->heap, value, &list, err));
    struct tarn_value reversed = tarn_value_list(call->heap);
    for (size_t i = tarn_list_count(list); i-- > 0;)
        tarn_list_append(reversed, tarn_list_at(list, i));
    *ret = is_reversible(value) ? tarn_value_iterator(call->heap, reversed) : reversed;
    if (ret->kind == TARN_VALUE_ITERATOR)
        ret->as.iterator->type_name = "list_reverseiterator";
    return TARN_OK;
}

CALLABLE(filter_join)
{
    static const char *const names[] = {"value", "d", "attribute", NULL};
    struct tarn_value values[3];
    struct walk walk;
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    struct attribute_path path = {.attribute = values[2]};
    struct tarn_value separator = values[1];
    if (separator.kind == TARN_VALUE_UNDEFINED)
        separator = tarn_value_str_ref("");
    TARN_TRY(walk_begin(&walk, call->heap, values[0], err));
    for (size_t i = 0;; i++) {
        struct tarn_value item;
        bool done;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            break;
        TARN_TRY(path_get(call, &path, item, &item, err));
        if (i > 0)
            tarn_value_print(separator, &out);
        tarn_value_print(item, &out);
    }
    TARN_TRY(tarn_buffer_check(&out, "the filter join", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(filter_default)
{
    static const char *const names[] = {"value", "default_value", "boolean", NULL};
    struct tarn_value values[3];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    bool replace = values[0].kind == TARN_VALUE_UNDEFINED ||
                   (tarn_value_truth(values[2]) && !tarn_value_truth(values[0]));
    bool has_default =
        call->arg_count > 1 || tarn_call_arg(call, 9, "default_value").kind != TARN_VALUE_UNDEFINED;
    *ret = !replace ? values[0] : has_default ? values[1] : tarn_value_str_ref("");
    return TARN_OK;
}

CALLABLE(filter_attr)
{
    static const char *const names[] = {"obj", "name", NULL};
    struct tarn_value values[2];
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    if (values[1].kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "attribute name must be string, not '%s'",
                         tarn_value_type_name(values[1]));
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (!value_own_attribute(call->heap, values[0], tarn_value_text(values[1]), ret))
        *ret = undefined_attribute(call->heap, values[0], values[1]);
    return TARN_OK;
}

CALLABLE(filter_items)
{
    static const char *const names[] = {"value", NULL};
    struct tarn_value value, dict = tarn_value_dict(call->heap);
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    bool is_mapping = value.kind == TARN_VALUE_DICT ||
                      (value.kind == TARN_VALUE_OBJECT && value.as.object->type->is_mapping);
    if (is_mapping)
        TARN_TRY(dict_update(call->heap, dict, value, err));
    else if (value.kind != TARN_VALUE_UNDEFINED)
        return tarn_fail(err, TARN_INVALID, "Can only get item pairs from a mapping.");
    struct tarn_view *view = tarn_heap_alloc(call->heap, sizeof *view);
    *view = (struct tarn_view){VIEW_ITEMS, dict};
    return value_iterator(call->heap, (struct tarn_value){.kind = TARN_VALUE_VIEW, .as.view = view},
                          ret, err);
}

/* --- sums, extremes
 * ----------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(filter_sum)
{
    static const char *const names[] = {"iterable", "attribute", "start", NULL};
    struct tarn_value values[3];
    struct walk walk;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    struct attribute_path path = {.attribute = values[1]};
    struct tarn_value sum = values[2].kind == TARN_VALUE_UNDEFINED ? tarn_value_int(0) : values[2];
    TARN_TRY(walk_begin(&walk, call->heap, values[0], err));
    if (sum.kind == TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "sum() can't sum strings [use ''.join(seq) instead]");
    for (;;) {
        struct tarn_value item;
        bool done;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            break;
        TARN_TRY(path_get(call, &path, item, &item, err));
        TARN_TRY(value_binary(call->heap, TARN_OP_ADD, sum, item, &sum, err));
    }
    *ret = sum;
    return TARN_OK;
}

static enum tarn_status extreme(struct tarn_call *call, int wanted_order, struct tarn_value *ret,
                                struct tarn_error *err)
{
    static const char *const names[] = {"value", "case_sensitive", "attribute", NULL};
    struct tarn_value values[3], best_key = TARN_NONE;
    struct walk walk;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    struct attribute_path path = {.attribute = values[2],
                                  .ignore_case = !tarn_value_truth(values[1])};
    TARN_TRY(walk_begin(&walk, call->heap, values[0], err));
    *ret = undefined_hint(call->heap, "No aggregated item, sequence was empty.");
    for (bool first = true;; first = false) {
        struct tarn_value item, key;
        bool done;
        int order = wanted_order;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            return TARN_OK;
        TARN_TRY(path_get(call, &path, item, &key, err));
        if (!first)
            TARN_TRY(tarn_value_compare(key, best_key, &order, err));
        if (order == wanted_order) {
            *ret = item;
            best_key = key;
        }
    }
}

CALLABLE(filter_min)
{
    return extreme(call, -1, ret, err);
}

CALLABLE(filter_max)
{
    return extreme(call, 1, ret, err);
}

/* --- order
 * ---------------------------------------------------------------------------------------------------------------------------------
 */

/* The keys of several attributes ("a,b.c") as one list, as sort() compares them. */
static enum tarn_status multi_key(struct tarn_call *call, struct tarn_value attribute,
                                  bool ignore_case, struct tarn_value item, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    struct tarn_value key = tarn_value_list(call->heap), part_value;
    struct attribute_path path = {.attribute = attribute, .ignore_case = ignore_case};
    struct tarn_text rest = tarn_value_text(attribute), part;
    *ret = key;
    if (attribute.kind != TARN_VALUE_STRING) {
        TARN_TRY(path_get(call, &path, item, &part_value, err));
        tarn_list_append(key, part_value);
        return TARN_OK;
    }
    while (tarn_text_split(&rest, ',', &part)) {
        path.attribute = tarn_value_text_ref(part);
        TARN_TRY(path_get(call, &path, item, &part_value, err));
        tarn_list_append(key, part_value);
    }
    return TARN_OK;
}

CALLABLE(filter_sort)
{
    static const char *const names[] = {"value", "reverse", "case_sensitive", "attribute", NULL};
    struct tarn_value values[4], list;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    TARN_TRY(tarn_value_to_list(call->heap, values[0], &list, err));
    size_t count = tarn_list_count(list);
    bool ignore_case = !tarn_value_truth(values[2]);
    struct tarn_list *keys = list_new(call->heap, count);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(
            multi_key(call, values[3], ignore_case, tarn_list_at(list, i), &keys->items[i], err));
    TARN_TRY(
        sort_by_keys(list.as.list->items, keys->items, count, tarn_value_truth(values[1]), err));
    *ret = list;
    return TARN_OK;
}

CALLABLE(filter_dictsort)
{
    static const char *const names[] = {"value", "case_sensitive", "by", "reverse", NULL};
    struct tarn_value values[4];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    bool by_value = tarn_value_text_is(values[2], "value");
    if (!by_value && values[2].kind != TARN_VALUE_UNDEFINED &&
        !tarn_value_text_is(values[2], "key"))
        return tarn_fail(err, TARN_INVALID, "You can only sort by either \"key\" or \"value\"");
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (values[0].kind != TARN_VALUE_DICT)
        return tarn_fail(err, TARN_INVALID, "'%s' object has no attribute 'items'",
                         tarn_value_type_name(values[0]));
    size_t count = tarn_dict_count(values[0]);
    struct tarn_list *pairs = list_new(call->heap, count), *keys = list_new(call->heap, count);
    struct attribute_path path = {.attribute = TARN_NONE,
                                  .ignore_case = !tarn_value_truth(values[1])};
    for (size_t i = 0; i < count; i++) {
        struct tarn_value pair[2];
        tarn_dict_at(values[0], i, &pair[0], &pair[1]);
        pairs->items[pairs->count++] = tarn_value_tuple(call->heap, pair, 2);
        TARN_TRY(path_get(call, &path, pair[by_value], &keys->items[i], err));
    }
    TARN_TRY(sort_by_keys(pairs->items, keys->items, count, tarn_value_truth(values[3]), err));
    *ret = list_value(pairs);
    return TARN_OK;
}

static struct tarn_value new_group(struct tarn_heap *heap, struct tarn_value grouper,
                                   struct tarn_value items)
{
    struct tarn_value group = tarn_value_tuple(heap, (struct tarn_value[]){grouper, items}, 2);
    group.as.list->is_group = true;
    return group;
}

CALLABLE(filter_groupby)
{
    static const char *const names[] = {"value", "attribute", "default", "case_sensitive", NULL};
    struct tarn_value values[4], list, items = TARN_NONE, grouper;
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    TARN_TRY(tarn_value_to_list(call->heap, values[0], &list, err));
    size_t count = tarn_list_count(list);
    struct attribute_path path = {values[1], values[2], !tarn_value_truth(values[3])};
    struct tarn_list *keys = list_new(call->heap, count);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(path_get(call, &path, tarn_list_at(list, i), &keys->items[i], err));
    TARN_TRY(sort_by_keys(list.as.list->items, keys->items, count, false, err));
    path.ignore_case = false;
    *ret = tarn_value_list(call->heap);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !tarn_value_equal(keys->items[i], keys->items[i - 1])) {
            items = tarn_value_list(call->heap);
            TARN_TRY(path_get(call, &path, tarn_list_at(list, i), &grouper, err));
            tarn_list_append(*ret, new_group(call->heap, grouper, items));
        }
        tarn_list_append(items, tarn_list_at(list, i));
    }
    return TARN_OK;
}

const struct filter sequence_filters[] = {
    {"length", filter_length},
    {"count", filter_length},
    {"list", filter_list},
    {"first", filter_first},
    {"last", filter_last},
    {"random", filter_random},
    {"reverse", filter_reverse},
    {"join", filter_join},
    {"default", filter_default},
    {"d", filter_default},
    {"attr", filter_attr},
    {"items", filter_items},
    {"sum", filter_sum},
    {"min", filter_min},
    {"max", filter_max},
    {"sort", filter_sort},
    {"dictsort", filter_dictsort},
    {"groupby", filter_groupby},
    {NULL, NULL},
};
