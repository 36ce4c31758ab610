/* model/template/walk.c -- going through anything that can be iterated. See value_int.h. */
#include "model/template/utf8.h"
#include "model/template/value_int.h"

bool value_is_iterable(struct tarn_value value)
{
    switch ((enum tarn_value_kind)value.kind) {
    case TARN_VALUE_UNDEFINED:
    case TARN_VALUE_STRING:
    case TARN_VALUE_LIST:
    case TARN_VALUE_TUPLE:
    case TARN_VALUE_DICT:
    case TARN_VALUE_SET:
    case TARN_VALUE_RANGE:
    case TARN_VALUE_VIEW:
    case TARN_VALUE_ITERATOR:
        return true;
    case TARN_VALUE_OBJECT:
        return value.as.object->type->iterate != NULL;
    case TARN_VALUE_NONE:
    case TARN_VALUE_BOOL:
    case TARN_VALUE_INT:
    case TARN_VALUE_FLOAT:
    case TARN_VALUE_NAMESPACE:
    case TARN_VALUE_FUNCTION:
    case TARN_VALUE_METHOD:
    case TARN_VALUE_MACRO:
    case TARN_VALUE_MISSING:
        break;
    }
    return false;
}

static bool is_dict_like(struct tarn_value value)
{
    return value.kind == TARN_VALUE_DICT || value.kind == TARN_VALUE_SET;
}

enum tarn_status walk_begin(struct walk *walk, struct tarn_heap *heap, struct tarn_value value,
                            struct tarn_error *err)
{
    if (!value_is_iterable(value))
        return tarn_fail(err, TARN_INVALID, "'%s' object is not iterable",
                         tarn_value_type_name(value));
    if (value.kind == TARN_VALUE_OBJECT)
        value = value.as.object->type->iterate(heap, value.as.object->data);
    *walk = (struct walk){.value = value, .heap = heap};
    if (is_dict_like(value))
        walk->first_count = value.as.dict->count;
    else if (value.kind == TARN_VALUE_VIEW)
        walk->first_count = value.as.view->dict.as.dict->count;
    return TARN_OK;
}

static enum tarn_status next_entry(struct walk *walk, struct tarn_dict *dict, enum view_kind kind,
                                   const char *type_name, struct tarn_value *ret, bool *ret_done,
                                   struct tarn_error *err)
{
    if (dict->count != walk->first_count)
        return tarn_fail(err, TARN_INVALID, "%s changed size during iteration", type_name);
    if (walk->position >= dict->count) {
        *ret_done = true;
        return TARN_OK;
    }
    const struct dict_entry *entry = &dict->entries[walk->position++];
    if (kind == VIEW_ITEMS)
        *ret = tarn_value_tuple(walk->heap, (struct tarn_value[]){entry->key, entry->value}, 2);
    else
        *ret = kind == VIEW_KEYS ? entry->key : entry->value;
    return TARN_OK;
}

static enum tarn_status next_character(struct walk *walk, struct tarn_value *ret, bool *ret_done)
{
    struct tarn_text text = tarn_value_text(walk->value);
    if (walk->position >= text.len) {
        *ret_done = true;
        return TARN_OK;
    }
    size_t start = walk->position;
    utf8_next(text, &walk->position);
    *ret = tarn_value_text_ref((struct tarn_text){text.data + start, walk->position - start});
    return TARN_OK;
}

enum tarn_status walk_next(struct walk *walk, struct tarn_value *ret, bool *ret_done,
                           struct tarn_error *err)
{
    struct tarn_value value = walk->value;
    *ret_done = false;
    switch ((enum tarn_value_kind)value.kind) {
    case TARN_VALUE_LIST:
    case TARN_VALUE_TUPLE:
        if (walk->position >= value.as.list->count)
            *ret_done = true;
        else
            *ret = value.as.list->items[walk->position++];
        return TARN_OK;
    case TARN_VALUE_STRING:
        return next_character(walk, ret, ret_done);
    case TARN_VALUE_DICT:
        return next_entry(walk, value.as.dict, VIEW_KEYS, "dictionary", ret, ret_done, err);
    case TARN_VALUE_SET:
        return next_entry(walk, value.as.dict, VIEW_KEYS, "Set", ret, ret_done, err);
    case TARN_VALUE_VIEW:
        return next_entry(walk, value.as.view->dict.as.dict, value.as.view->kind, "dictionary", ret,
                          ret_done, err);
    case TARN_VALUE_RANGE:
        if ((int64_t)walk->position >= value.as.range->count)
            *ret_done = true;
        else
            *ret = tarn_value_int(value.as.range->start +
                                  (int64_t)walk->position++ * value.as.range->step);
        return TARN_OK;
    case TARN_VALUE_ITERATOR:
        return value.as.iterator->next(value.as.iterator, ret, ret_done, err);
    case TARN_VALUE_UNDEFINED:
    case TARN_VALUE_NONE:
    case TARN_VALUE_BOOL:
    case TARN_VALUE_INT:
    case TARN_VALUE_FLOAT:
    case TARN_VALUE_NAMESPACE:
    case TARN_VALUE_FUNCTION:
    case TARN_VALUE_METHOD:
    case TARN_VALUE_MACRO:
    case TARN_VALUE_OBJECT:
    case TARN_VALUE_MISSING:
        break;
    }
    *ret_done = true;
    return TARN_OK;
}

enum tarn_status tarn_value_to_list(struct tarn_heap *heap, struct tarn_value value,
                                    struct tarn_value *ret_list, struct tarn_error *err)
{
    struct walk walk;
    TARN_TRY(walk_begin(&walk, heap, value, err));
    struct tarn_value list = tarn_value_list(heap);
    for (;;) {
        struct tarn_value item;
        bool done;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            break;
        tarn_list_append(list, item);
        if (tarn_heap_is_over(heap))
            return tarn_fail(err, TARN_TOO_LARGE,
                             "the list needs more than the %zu bytes a render may use",
                             heap->max_bytes);
    }
    *ret_list = list;
    return TARN_OK;
}

struct walk_iterator {
    struct tarn_iterator base;
    struct walk walk;
};

static enum tarn_status walk_iterator_next(struct tarn_iterator *iterator, struct tarn_value *ret,
                                           bool *ret_done, struct tarn_error *err)
{
    return walk_next(&((struct walk_iterator *)iterator)->walk, ret, ret_done, err);
}

enum tarn_status value_iterator(struct tarn_heap *heap, struct tarn_value value,
                                struct tarn_value *ret, struct tarn_error *err)
{
    if (value.kind == TARN_VALUE_ITERATOR) {
        *ret = value;
        return TARN_OK;
    }
    struct walk_iterator *iterator = tarn_heap_alloc(heap, sizeof *iterator);
    TARN_TRY(walk_begin(&iterator->walk, heap, value, err));
    iterator->base =
        (struct tarn_iterator){.type_name = "generator", .next = walk_iterator_next, .heap = heap};
    *ret = (struct tarn_value){.kind = TARN_VALUE_ITERATOR, .as.iterator = &iterator->base};
    return TARN_OK;
}

struct tarn_value tarn_value_iterator(struct tarn_heap *heap, struct tarn_value list)
{
    struct walk_iterator *iterator = tarn_heap_alloc(heap, sizeof *iterator);
    iterator->base =
        (struct tarn_iterator){.type_name = "generator", .next = walk_iterator_next, .heap = heap};
    iterator->walk = (struct walk){.value = list, .heap = heap};
    return (struct tarn_value){.kind = TARN_VALUE_ITERATOR, .as.iterator = &iterator->base};
}
