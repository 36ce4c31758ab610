/* model/template/value.c -- what Python's bool(), ==, <, len() and type() say about a value. See
 * value.h. */
#include <math.h>

#include "model/template/utf8.h"
#include "model/template/value_int.h"

/* Values nested deeper than this compare as different: a list can hold itself. */
enum { VALUE_DEPTH_MAX = 100 };

struct tarn_text tarn_value_text(struct tarn_value value)
{
    if (value.kind != TARN_VALUE_STRING)
        return (struct tarn_text){"", 0};
    return (struct tarn_text){value.as.chars, value.len};
}

bool tarn_value_text_is(struct tarn_value value, const char *literal)
{
    return value.kind == TARN_VALUE_STRING && tarn_text_is(tarn_value_text(value), literal);
}

const char *tarn_value_type_name(struct tarn_value value)
{
    static const char *const names[] = {
        [TARN_VALUE_UNDEFINED] = "Undefined", [TARN_VALUE_NONE] = "NoneType",
        [TARN_VALUE_BOOL] = "bool",           [TARN_VALUE_INT] = "int",
        [TARN_VALUE_FLOAT] = "float",         [TARN_VALUE_STRING] = "str",
        [TARN_VALUE_LIST] = "list",           [TARN_VALUE_TUPLE] = "tuple",
        [TARN_VALUE_DICT] = "dict",           [TARN_VALUE_SET] = "set",
        [TARN_VALUE_RANGE] = "range",         [TARN_VALUE_VIEW] = "dict_keys",
        [TARN_VALUE_ITERATOR] = "generator",  [TARN_VALUE_NAMESPACE] = "Namespace",
        [TARN_VALUE_FUNCTION] = "function",   [TARN_VALUE_METHOD] = "builtin_function_or_method",
        [TARN_VALUE_MACRO] = "Macro",         [TARN_VALUE_OBJECT] = "object",
        [TARN_VALUE_MISSING] = "missing",
    };
    if (value.kind == TARN_VALUE_OBJECT)
        return value.as.object->type->name;
    if (value.kind == TARN_VALUE_ITERATOR)
        return value.as.iterator->type_name;
    if (value.kind == TARN_VALUE_VIEW && value.as.view->kind == VIEW_VALUES)
        return "dict_values";
    if (value.kind == TARN_VALUE_VIEW && value.as.view->kind == VIEW_ITEMS)
        return "dict_items";
    return names[value.kind];
}

bool value_is_number(struct tarn_value value)
{
    return value.kind == TARN_VALUE_BOOL || value.kind == TARN_VALUE_INT ||
           value.kind == TARN_VALUE_FLOAT;
}

double value_real(struct tarn_value value)
{
    if (value.kind == TARN_VALUE_FLOAT)
        return value.as.real;
    return value.kind == TARN_VALUE_BOOL ? (double)value.as.boolean : (double)value.as.integer;
}

bool value_to_int64(struct tarn_value value, int64_t *ret)
{
    if (value.kind == TARN_VALUE_INT)
        *ret = value.as.integer;
    else if (value.kind == TARN_VALUE_BOOL)
        *ret = value.as.boolean;
    else
        return false;
    return true;
}

bool tarn_value_length(struct tarn_value value, size_t *ret_length)
{
    switch ((enum tarn_value_kind)value.kind) {
    case TARN_VALUE_UNDEFINED:
        *ret_length = 0;
        return true;
    case TARN_VALUE_STRING:
        *ret_length = utf8_count(tarn_value_text(value));
        return true;
    case TARN_VALUE_LIST:
    case TARN_VALUE_TUPLE:
        *ret_length = value.as.list->count;
        return true;
    case TARN_VALUE_DICT:
    case TARN_VALUE_SET:
        *ret_length = value.as.dict->count;
        return true;
    case TARN_VALUE_RANGE:
        *ret_length = (size_t)value.as.range->count;
        return true;
    case TARN_VALUE_VIEW:
        *ret_length = value.as.view->dict.as.dict->count;
        return true;
    case TARN_VALUE_OBJECT:
        return value.as.object->type->length &&
               value.as.object->type->length(value.as.object->data, ret_length);
    case TARN_VALUE_NONE:
    case TARN_VALUE_BOOL:
    case TARN_VALUE_INT:
    case TARN_VALUE_FLOAT:
    case TARN_VALUE_ITERATOR:
    case TARN_VALUE_NAMESPACE:
    case TARN_VALUE_FUNCTION:
    case TARN_VALUE_METHOD:
    case TARN_VALUE_MACRO:
    case TARN_VALUE_MISSING:
        break;
    }
    return false;
}

bool tarn_value_truth(struct tarn_value value)
{
    if (value.kind == TARN_VALUE_BOOL)
        return value.as.boolean;
    if (value.kind == TARN_VALUE_INT)
        return value.as.integer != 0;
    if (value.kind == TARN_VALUE_FLOAT)
        return value.as.real != 0;
    if (value.kind == TARN_VALUE_STRING)
        return value.len > 0;
    if (value.kind == TARN_VALUE_NONE || value.kind == TARN_VALUE_UNDEFINED)
        return false;
    if (value.kind == TARN_VALUE_OBJECT && value.as.object->type->truth)
        return value.as.object->type->truth(value.as.object->data);
    size_t length;
    return !tarn_value_length(value, &length) || length > 0;
}

static bool equal_at(struct tarn_value a, struct tarn_value b, int depth);

static bool equal_lists(const struct tarn_list *a, const struct tarn_list *b, int depth)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!equal_at(a->items[i], b->items[i], depth))
            return false;
    return true;
}

static bool equal_dicts(struct tarn_value a, struct tarn_value b, int depth)
{
    const struct tarn_dict *dict = a.as.dict;
    if (dict->count != b.as.dict->count)
        return false;
    for (size_t i = 0; i < dict->count; i++) {
        struct tarn_value other;
        if (!tarn_dict_find(b, dict->entries[i].key, &other))
            return false;
        if (a.kind == TARN_VALUE_DICT && !equal_at(dict->entries[i].value, other, depth))
            return false;
    }
    return true;
}

static bool equal_numbers(struct tarn_value a, struct tarn_value b)
{
    int64_t left, right;
    if (value_to_int64(a, &left) && value_to_int64(b, &right))
        return left == right;
    return value_real(a) == value_real(b);
}

static bool equal_ranges(const struct tarn_range *a, const struct tarn_range *b)
{
    if (a->count != b->count)
        return false;
    return a->count == 0 || (a->start == b->start && (a->count == 1 || a->step == b->step));
}

static bool equal_objects(struct tarn_value a, struct tarn_value b)
{
    if (a.kind == TARN_VALUE_OBJECT && a.as.object->type->equal)
        return a.as.object->type->equal(a.as.object->data, b);
    if (b.kind == TARN_VALUE_OBJECT && b.as.object->type->equal)
        return b.as.object->type->equal(b.as.object->data, a);
    return a.kind == b.kind && a.as.object->type == b.as.object->type &&
           a.as.object->data == b.as.object->data;
}

static bool equal_at(struct tarn_value a, struct tarn_value b, int depth)
{
    if (depth > VALUE_DEPTH_MAX)
        return false;
    if (value_is_number(a) && value_is_number(b))
        return equal_numbers(a, b);
    if (a.kind == TARN_VALUE_OBJECT || b.kind == TARN_VALUE_OBJECT)
        return equal_objects(a, b);
    if (a.kind != b.kind)
        return false;
    switch ((enum tarn_value_kind)a.kind) {
    case TARN_VALUE_UNDEFINED:
    case TARN_VALUE_NONE:
        return true;
    case TARN_VALUE_STRING:
        return tarn_text_equal(tarn_value_text(a), tarn_value_text(b));
    case TARN_VALUE_LIST:
    case TARN_VALUE_TUPLE:
        return a.as.list == b.as.list || equal_lists(a.as.list, b.as.list, depth + 1);
    case TARN_VALUE_DICT:
    case TARN_VALUE_SET:
        return a.as.dict == b.as.dict || equal_dicts(a, b, depth + 1);
    case TARN_VALUE_RANGE:
        return equal_ranges(a.as.range, b.as.range);
    case TARN_VALUE_VIEW:
        return a.as.view->kind == b.as.view->kind && a.as.view->kind != VIEW_VALUES &&
               equal_dicts(a.as.view->dict, b.as.view->dict, depth + 1);
    case TARN_VALUE_FUNCTION:
        return a.as.function->fn == b.as.function->fn &&
               a.as.function->userdata == b.as.function->userdata;
    case TARN_VALUE_METHOD:
        return a.as.method->method == b.as.method->method &&
               equal_at(a.as.method->receiver, b.as.method->receiver, depth + 1);
    case TARN_VALUE_ITERATOR:
    case TARN_VALUE_NAMESPACE:
    case TARN_VALUE_MACRO:
        return a.as.macro == b.as.macro;
    case TARN_VALUE_BOOL:
    case TARN_VALUE_INT:
    case TARN_VALUE_FLOAT:
    case TARN_VALUE_OBJECT:
    case TARN_VALUE_MISSING:
        break;
    }
    return false;
}

bool tarn_value_equal(struct tarn_value a, struct tarn_value b)
{
    return equal_at(a, b, 0);
}

static enum tarn_status compare_lists(const struct tarn_list *a, const struct tarn_list *b,
                                      int *ret_order, struct tarn_error *err)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!tarn_value_equal(a->items[i], b->items[i]))
            return tarn_value_compare(a->items[i], b->items[i], ret_order, err);
    *ret_order = (a->count > b->count) - (a->count < b->count);
    return TARN_OK;
}

static int order_reals(double a, double b)
{
    return isnan(a) || isnan(b) ? ORDER_NONE : (a > b) - (a < b);
}

enum tarn_status tarn_value_compare(struct tarn_value a, struct tarn_value b, int *ret_order,
                                    struct tarn_error *err)
{
    if (a.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(a, err);
    if (b.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(b, err);
    int64_t left, right;
    if (value_to_int64(a, &left) && value_to_int64(b, &right)) {
        *ret_order = (left > right) - (left < right);
        return TARN_OK;
    }
    if (value_is_number(a) && value_is_number(b)) {
        *ret_order = order_reals(value_real(a), value_real(b));
        return TARN_OK;
    }
    if (a.kind == TARN_VALUE_STRING && b.kind == TARN_VALUE_STRING) {
        int order = memcmp(a.as.chars, b.as.chars, a.len < b.len ? a.len : b.len);
        *ret_order = order ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
        return TARN_OK;
    }
    if (a.kind == b.kind && (a.kind == TARN_VALUE_LIST || a.kind == TARN_VALUE_TUPLE))
        return compare_lists(a.as.list, b.as.list, ret_order, err);
    if (a.kind == TARN_VALUE_OBJECT && a.as.object->type->compare &&
        a.as.object->type->compare(a.as.object->data, b, ret_order))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "'<' not supported between instances of '%s' and '%s'",
                     tarn_value_type_name(a), tarn_value_type_name(b));
}

static enum tarn_status copy_at(struct tarn_heap *heap, struct tarn_value value, int depth,
                                struct tarn_value *ret, struct tarn_error *err);

static enum tarn_status copy_list(struct tarn_heap *heap, struct tarn_value value, int depth,
                                  struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_list *copy = list_new(heap, value.as.list->count);
    copy->is_group = value.as.list->is_group;
    for (size_t i = 0; i < value.as.list->count; i++) {
        struct tarn_value item;
        TARN_TRY(copy_at(heap, value.as.list->items[i], depth, &item, err));
        tarn_list_append(list_value(copy), item);
    }
    *ret = (struct tarn_value){.kind = value.kind, .as.list = copy};
    return TARN_OK;
}

static enum tarn_status copy_dict(struct tarn_heap *heap, struct tarn_value value, int depth,
                                  struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_value copy = tarn_value_dict(heap);
    copy.kind = value.kind;
    for (size_t i = 0; i < value.as.dict->count; i++) {
        struct tarn_value key, item;
        TARN_TRY(copy_at(heap, value.as.dict->entries[i].key, depth, &key, err));
        TARN_TRY(copy_at(heap, value.as.dict->entries[i].value, depth, &item, err));
        tarn_dict_put(copy, key, item);
    }
    *ret = copy;
    return TARN_OK;
}

static enum tarn_status copy_at(struct tarn_heap *heap, struct tarn_value value, int depth,
                                struct tarn_value *ret, struct tarn_error *err)
{
    if (depth > VALUE_DEPTH_MAX)
        return tarn_fail(err, TARN_INVALID, "cannot copy a value nested more than %d levels deep",
                         VALUE_DEPTH_MAX);
    if (value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_TUPLE)
        return copy_list(heap, value, depth + 1, ret, err);
    if (value.kind == TARN_VALUE_DICT || value.kind == TARN_VALUE_SET ||
        value.kind == TARN_VALUE_NAMESPACE)
        return copy_dict(heap, value, depth + 1, ret, err);
    if (value.kind == TARN_VALUE_MACRO || value.kind == TARN_VALUE_ITERATOR ||
        value.kind == TARN_VALUE_METHOD)
        return tarn_fail(err, TARN_INVALID, "a %s cannot be kept beyond the render that made it",
                         tarn_value_type_name(value));
    if (value.kind == TARN_VALUE_STRING)
        *ret = tarn_value_text_copy(heap, tarn_value_text(value));
    else if (value.kind == TARN_VALUE_RANGE)
        *ret = tarn_value_range(heap, value.as.range->start, value.as.range->stop,
                                value.as.range->step);
    else if (value.kind == TARN_VALUE_OBJECT)
        *ret = tarn_value_object(heap, value.as.object->type, value.as.object->data);
    else if (value.kind == TARN_VALUE_FUNCTION)
        *ret = tarn_value_function(heap, value.as.function->name, value.as.function->fn,
                                   value.as.function->userdata);
    else if (value.kind == TARN_VALUE_VIEW)
        return tarn_value_to_list(heap, value, ret, err);
    else
        *ret = value.kind == TARN_VALUE_UNDEFINED ? TARN_UNDEFINED : value;
    return TARN_OK;
}

enum tarn_status tarn_value_copy(struct tarn_heap *heap, struct tarn_value value,
                                 struct tarn_value *ret_copy, struct tarn_error *err)
{
    return copy_at(heap, value, 0, ret_copy, err);
}
