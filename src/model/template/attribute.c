/* model/template/attribute.c -- subscripts, slices and attributes. See operator.h. */
#include "model/template/call.h"
#include "model/template/methods.h"
#include "model/template/operator.h"
#include "model/template/utf8.h"

static struct tarn_value bind_method(struct tarn_heap *heap, struct tarn_value receiver,
                                     const struct method *method)
{
    struct tarn_method *bound = tarn_heap_alloc(heap, sizeof *bound);
    *bound = (struct tarn_method){receiver, method};
    return (struct tarn_value){.kind = TARN_VALUE_METHOD, .as.method = bound};
}

static bool object_attribute(struct tarn_heap *heap, struct tarn_object *object,
                             struct tarn_text name, struct tarn_value *ret)
{
    const struct tarn_object_type *type = object->type;
    if (type->get && type->get(heap, object->data, name, ret))
        return true;
    for (const struct tarn_object_method *method = type->methods; method && method->name; method++)
        if (tarn_text_is(name, method->name)) {
            *ret = tarn_value_function(heap, method->name, method->fn, object->data);
            return true;
        }
    return false;
}

bool value_own_attribute(struct tarn_heap *heap, struct tarn_value value, struct tarn_text name,
                         struct tarn_value *ret)
{
    if (value.kind == TARN_VALUE_OBJECT)
        return object_attribute(heap, value.as.object, name, ret);
    if (value.kind == TARN_VALUE_NAMESPACE)
        return tarn_dict_find(value, tarn_value_text_ref(name), ret);
    if (value.kind == TARN_VALUE_MACRO)
        return macro_attribute(heap, value.as.macro, name, ret);
    if (value.kind == TARN_VALUE_TUPLE && value.as.list->is_group &&
        (tarn_text_is(name, "grouper") || tarn_text_is(name, "list"))) {
        *ret = value.as.list->items[tarn_text_is(name, "grouper") ? 0 : 1];
        return true;
    }
    const struct method *method = method_find((enum tarn_value_kind)value.kind, name);
    if (!method)
        return false;
    *ret = bind_method(heap, value, method);
    return true;
}

static bool list_item(const struct tarn_list *list, struct tarn_value key, struct tarn_value *ret)
{
    int64_t index;
    if (!value_to_int64(key, &index))
        return false;
    if (index < 0)
        index += (int64_t)list->count;
    if (index < 0 || index >= (int64_t)list->count)
        return false;
    *ret = list->items[index];
    return true;
}

struct tarn_text text_slice(struct tarn_text text, size_t start, size_t stop)
{
    size_t from = utf8_offset(text, start);
    struct tarn_text rest = {text.data + from, text.len - from};
    size_t len = stop > start ? utf8_offset(rest, stop - start) : 0;
    return (struct tarn_text){rest.data, len};
}

static bool text_item(struct tarn_value value, struct tarn_value key, struct tarn_value *ret)
{
    int64_t index;
    struct tarn_text text = tarn_value_text(value);
    if (!value_to_int64(key, &index))
        return false;
    if (index < 0)
        index += (int64_t)utf8_count(text);
    if (index < 0)
        return false;
    struct tarn_text item = text_slice(text, (size_t)index, (size_t)index + 1);
    if (item.len == 0)
        return false;
    *ret = tarn_value_text_ref(item);
    return true;
}

static bool range_item(const struct tarn_range *range, struct tarn_value key,
                       struct tarn_value *ret)
{
    int64_t index;
    if (!value_to_int64(key, &index))
        return false;
    if (index < 0)
        index += range->count;
    if (index < 0 || index >= range->count)
        return false;
    *ret = tarn_value_int(range->start + index * range->step);
    return true;
}

static bool object_item(struct tarn_heap *heap, struct tarn_object *object, struct tarn_value key,
                        struct tarn_value *ret)
{
    if (object->type->get_item)
        return object->type->get_item(heap, object->data, key, ret);
    return false;
}

bool value_get_item(struct tarn_heap *heap, struct tarn_value value, struct tarn_value key,
                    struct tarn_value *ret)
{
    if (value.kind == TARN_VALUE_DICT)
        return tarn_value_is_hashable(key) && tarn_dict_find(value, key, ret);
    if (value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_TUPLE)
        return list_item(value.as.list, key, ret);
    if (value.kind == TARN_VALUE_STRING)
        return text_item(value, key, ret);
    if (value.kind == TARN_VALUE_RANGE)
        return range_item(value.as.range, key, ret);
    return value.kind == TARN_VALUE_OBJECT && object_item(heap, value.as.object, key, ret);
}

static bool is_private(struct tarn_text name)
{
    return name.len > 2 && name.data[0] == '_' && name.data[1] == '_';
}

struct tarn_value value_subscript(struct tarn_heap *heap, struct tarn_value value,
                                  struct tarn_value key)
{
    struct tarn_value item;
    if (value_get_item(heap, value, key, &item))
        return item;
    if (tarn_value_is_string(key) && !is_private(tarn_value_text(key)) &&
        value_own_attribute(heap, value, tarn_value_text(key), &item))
        return item;
    return undefined_attribute(heap, value, key);
}

struct tarn_value value_attribute(struct tarn_heap *heap, struct tarn_value value,
                                  struct tarn_value name)
{
    struct tarn_value item;
    if (value_own_attribute(heap, value, tarn_value_text(name), &item) ||
        value_get_item(heap, value, name, &item))
        return item;
    return undefined_attribute(heap, value, name);
}

struct tarn_value tarn_value_get_attr(struct tarn_heap *heap, struct tarn_value value,
                                      struct tarn_text name)
{
    return value_subscript(heap, value, tarn_value_text_ref(name));
}

/* --- slices
 * ---------------------------------------------------------------------------------------------------------
 */

struct slice {
    int64_t start;
    int64_t stop;
    int64_t step;
    int64_t count;
};

static enum tarn_status slice_part(struct tarn_value part, int64_t missing, int64_t *ret,
                                   struct tarn_error *err)
{
    *ret = missing;
    if (part.kind == TARN_VALUE_NONE || value_to_int64(part, ret))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID,
                     "slice indices must be integers or None or have an __index__ method");
}

static int64_t clamp_index(int64_t index, int64_t length, int64_t low, int64_t high)
{
    if (index < 0)
        index = index < -length ? low : index + length;
    if (index < low)
        return low;
    return index > high ? high : index;
}

/* CPython's slice.indices. */
static enum tarn_status slice_resolve(const struct tarn_value parts[3], int64_t length,
                                      struct slice *slice, struct tarn_error *err)
{
    int64_t start, stop;
    TARN_TRY(slice_part(parts[2], 1, &slice->step, err));
    if (slice->step == 0)
        return tarn_fail(err, TARN_INVALID, "slice step cannot be zero");
    bool back = slice->step < 0;
    int64_t low = back ? -1 : 0, high = back ? length - 1 : length;
    TARN_TRY(slice_part(parts[0], 0, &start, err));
    TARN_TRY(slice_part(parts[1], 0, &stop, err));
    slice->start = parts[0].kind == TARN_VALUE_NONE ? (back ? high : low)
                                                    : clamp_index(start, length, low, high);
    slice->stop = parts[1].kind == TARN_VALUE_NONE ? (back ? low : high)
                                                   : clamp_index(stop, length, low, high);
    __int128 span =
        back ? (__int128)slice->start - slice->stop : (__int128)slice->stop - slice->start;
    __int128 stride = back ? -(__int128)slice->step : slice->step;
    slice->count = span > 0 ? (int64_t)((span + stride - 1) / stride) : 0;
    return TARN_OK;
}

static struct tarn_value slice_text(struct tarn_heap *heap, struct tarn_text text,
                                    const struct slice *slice)
{
    if (slice->step == 1)
        return tarn_value_text_ref(
            text_slice(text, (size_t)slice->start, (size_t)(slice->start + slice->count)));
    TARN_BUFFER(out, text.len + 1);
    bool ascii = utf8_is_ascii(text);
    for (int64_t i = 0; i < slice->count; i++) {
        size_t index = (size_t)(slice->start + i * slice->step);
        if (ascii)
            tarn_buffer_append_char(&out, text.data[index]);
        else
            tarn_buffer_append_text(&out, text_slice(text, index, index + 1));
    }
    return buffer_value(heap, &out);
}

enum tarn_status value_slice(struct tarn_heap *heap, struct tarn_value value,
                             const struct tarn_value parts[3], struct tarn_value *ret,
                             struct tarn_error *err)
{
    size_t length;
    struct slice slice;
    bool is_list = value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_TUPLE;
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, err);
    if (!is_list && value.kind != TARN_VALUE_STRING && value.kind != TARN_VALUE_RANGE)
        return tarn_fail(err, TARN_INVALID,
                         value.kind == TARN_VALUE_DICT ? "unhashable type: 'slice'"
                                                       : "'%s' object is not subscriptable",
                         tarn_value_type_name(value));
    (void)tarn_value_length(value, &length); /* these three have one */
    TARN_TRY(slice_resolve(parts, (int64_t)length, &slice, err));
    if (value.kind == TARN_VALUE_STRING) {
        *ret = slice_text(heap, tarn_value_text(value), &slice);
    } else if (value.kind == TARN_VALUE_RANGE) {
        const struct tarn_range *range = value.as.range;
        *ret = tarn_value_range(heap, range->start + slice.start * range->step,
                                range->start + slice.stop * range->step, range->step * slice.step);
    } else {
        struct tarn_list *list = list_new(heap, (size_t)slice.count);
        for (int64_t i = 0; i < slice.count; i++)
            list->items[list->count++] = value.as.list->items[slice.start + i * slice.step];
        *ret = (struct tarn_value){.kind = value.kind, .as.list = list};
    }
    return TARN_OK;
}
