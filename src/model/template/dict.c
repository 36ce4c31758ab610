/* model/template/dict.c -- lists, tuples, dicts, sets, namespaces.
 *
 * A dict keeps its entries dense in insertion order, with a hash index beside them once it has more
 * than a few. Removing moves the entries behind it up: rare in templates, and walks stay simple. */
#include <assert.h>

#include "base/hash.h"
#include "model/template/value_int.h"

enum { DICT_SMALL = 8 };

struct tarn_list *list_new(struct tarn_heap *heap, size_t cap)
{
    struct tarn_list *list = tarn_heap_alloc(heap, sizeof *list);
    list->heap = heap;
    list->cap = cap;
    if (cap > 0)
        list->items = tarn_heap_alloc(heap, tarn_size_mul(cap, sizeof *list->items));
    return list;
}

struct tarn_value list_value(struct tarn_list *list)
{
    return (struct tarn_value){.kind = TARN_VALUE_LIST, .as.list = list};
}

struct tarn_value tuple_value(struct tarn_list *list)
{
    return (struct tarn_value){.kind = TARN_VALUE_TUPLE, .as.list = list};
}

struct tarn_value tarn_value_list(struct tarn_heap *heap)
{
    return list_value(list_new(heap, 0));
}

struct tarn_value tarn_value_tuple(struct tarn_heap *heap, const struct tarn_value *items,
                                   size_t count)
{
    struct tarn_list *list = list_new(heap, count);
    if (count > 0)
        memcpy(list->items, items, count * sizeof *items);
    list->count = count;
    return tuple_value(list);
}

static void list_grow(struct tarn_list *list)
{
    size_t cap = list->cap ? list->cap * 2 : 4;
    struct tarn_value *items = tarn_heap_alloc(list->heap, tarn_size_mul(cap, sizeof *items));
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    list->cap = cap;
}

size_t tarn_list_count(struct tarn_value list)
{
    bool is_list = list.kind == TARN_VALUE_LIST || list.kind == TARN_VALUE_TUPLE;
    return is_list ? list.as.list->count : 0;
}

struct tarn_value tarn_list_at(struct tarn_value list, size_t index)
{
    assert(index < list.as.list->count);
    return list.as.list->items[index];
}

void tarn_list_append(struct tarn_value value, struct tarn_value item)
{
    struct tarn_list *list = value.as.list;
    if (list->count == list->cap)
        list_grow(list);
    list->items[list->count++] = item;
}

void tarn_list_set(struct tarn_value list, size_t index, struct tarn_value item)
{
    assert(index < list.as.list->count);
    list.as.list->items[index] = item;
}

void list_insert(struct tarn_list *list, size_t index, struct tarn_value item)
{
    if (list->count == list->cap)
        list_grow(list);
    memmove(list->items + index + 1, list->items + index, (list->count - index) * sizeof item);
    list->items[index] = item;
    list->count++;
}

void list_remove(struct tarn_list *list, size_t index)
{
    list->count--;
    memmove(list->items + index, list->items + index + 1,
            (list->count - index) * sizeof *list->items);
}

static struct tarn_value dict_value(struct tarn_heap *heap, enum tarn_value_kind kind)
{
    struct tarn_dict *dict = tarn_heap_alloc(heap, sizeof *dict);
    dict->heap = heap;
    return (struct tarn_value){.kind = (uint8_t)kind, .as.dict = dict};
}

struct tarn_value tarn_value_dict(struct tarn_heap *heap)
{
    return dict_value(heap, TARN_VALUE_DICT);
}

struct tarn_value tarn_value_set(struct tarn_heap *heap)
{
    return dict_value(heap, TARN_VALUE_SET);
}

struct tarn_value tarn_value_namespace(struct tarn_heap *heap)
{
    return dict_value(heap, TARN_VALUE_NAMESPACE);
}

bool tarn_value_is_hashable(struct tarn_value value)
{
    if (value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_DICT ||
        value.kind == TARN_VALUE_SET)
        return false;
    if (value.kind == TARN_VALUE_TUPLE)
        for (size_t i = 0; i < value.as.list->count; i++)
            if (!tarn_value_is_hashable(value.as.list->items[i]))
                return false;
    return true;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ULL;
    return x ^ (x >> 29);
}

static uint64_t hash_real(double real)
{
    if (real >= -9.2e18 && real <= 9.2e18 && real == (double)(int64_t)real)
        return mix((uint64_t)(int64_t)real + 1);
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return mix(bits);
}

uint64_t value_hash(struct tarn_value value)
{
    if (value.kind == TARN_VALUE_STRING)
        return tarn_hash64(tarn_value_text(value));
    if (value.kind == TARN_VALUE_FLOAT)
        return hash_real(value.as.real);
    int64_t integer;
    if (value_to_int64(value, &integer))
        return mix((uint64_t)integer + 1);
    if (value.kind == TARN_VALUE_TUPLE) {
        uint64_t hash = 77;
        for (size_t i = 0; i < value.as.list->count; i++)
            hash = mix(hash * 31 + value_hash(value.as.list->items[i]));
        return hash;
    }
    if (value.kind == TARN_VALUE_OBJECT) {
        const struct tarn_object *object = value.as.object;
        return object->type->hash ? object->type->hash(object->data) : mix((uintptr_t)object->data);
    }
    if (value.kind == TARN_VALUE_UNDEFINED || value.kind == TARN_VALUE_NONE)
        return mix(value.kind + 1000);
    return mix((uintptr_t)value.as.list);
}

static bool same_key(const struct dict_entry *entry, struct tarn_value key, uint64_t hash)
{
    if (entry->hash != hash)
        return false;
    if (entry->key.kind == TARN_VALUE_STRING && key.kind == TARN_VALUE_STRING)
        return entry->key.len == key.len && memcmp(entry->key.as.chars, key.as.chars, key.len) == 0;
    return tarn_value_equal(entry->key, key);
}

static void index_insert(struct tarn_dict *dict, size_t entry_number)
{
    size_t mask = dict->index_size - 1;
    size_t slot = dict->entries[entry_number].hash & mask;
    while (dict->index[slot])
        slot = (slot + 1) & mask;
    dict->index[slot] = (uint32_t)entry_number + 1;
}

static void index_rebuild(struct tarn_dict *dict)
{
    if (dict->count <= DICT_SMALL) {
        dict->index = NULL;
        dict->index_size = 0;
        return;
    }
    size_t size = 32;
    while (size < dict->cap * 2)
        size *= 2;
    if (size > dict->index_size || !dict->index)
        dict->index = tarn_heap_alloc(dict->heap, tarn_size_mul(size, sizeof *dict->index));
    else
        size = dict->index_size;
    memset(dict->index, 0, size * sizeof *dict->index);
    dict->index_size = size;
    for (size_t i = 0; i < dict->count; i++)
        index_insert(dict, i);
}

/* The entry's number, or count when there is none. */
static size_t find_entry(const struct tarn_dict *dict, struct tarn_value key, uint64_t hash)
{
    if (!dict->index) {
        for (size_t i = 0; i < dict->count; i++)
            if (same_key(&dict->entries[i], key, hash))
                return i;
        return dict->count;
    }
    size_t mask = dict->index_size - 1;
    for (size_t slot = hash & mask; dict->index[slot]; slot = (slot + 1) & mask)
        if (same_key(&dict->entries[dict->index[slot] - 1], key, hash))
            return dict->index[slot] - 1;
    return dict->count;
}

size_t tarn_dict_count(struct tarn_value dict)
{
    return dict.as.dict->count;
}

void tarn_dict_at(struct tarn_value dict, size_t index, struct tarn_value *ret_key,
                  struct tarn_value *ret_value)
{
    assert(index < dict.as.dict->count);
    *ret_key = dict.as.dict->entries[index].key;
    *ret_value = dict.as.dict->entries[index].value;
}

bool tarn_dict_find(struct tarn_value value, struct tarn_value key, struct tarn_value *ret_value)
{
    const struct tarn_dict *dict = value.as.dict;
    size_t i = find_entry(dict, key, value_hash(key));
    if (i == dict->count)
        return false;
    *ret_value = dict->entries[i].value;
    return true;
}

struct tarn_value tarn_dict_get(struct tarn_value dict, struct tarn_value key)
{
    struct tarn_value value;
    return tarn_dict_find(dict, key, &value) ? value : TARN_UNDEFINED;
}

struct tarn_value tarn_dict_get_text(struct tarn_value dict, struct tarn_text key)
{
    return tarn_dict_get(dict, tarn_value_text_ref(key));
}

struct tarn_value tarn_dict_get_str(struct tarn_value dict, const char *key)
{
    return tarn_dict_get_text(dict, tarn_text_of(key));
}

void tarn_dict_put(struct tarn_value value, struct tarn_value key, struct tarn_value item)
{
    struct tarn_dict *dict = value.as.dict;
    uint64_t hash = value_hash(key);
    size_t i = find_entry(dict, key, hash);
    if (i < dict->count) {
        dict->entries[i].value = item;
        return;
    }
    if (dict->count == dict->cap) {
        size_t cap = dict->cap ? dict->cap * 2 : 4;
        struct dict_entry *entries =
            tarn_heap_alloc(dict->heap, tarn_size_mul(cap, sizeof *entries));
        if (dict->count > 0)
            memcpy(entries, dict->entries, dict->count * sizeof *entries);
        dict->entries = entries;
        dict->cap = cap;
        dict->entries[dict->count++] = (struct dict_entry){key, item, hash};
        index_rebuild(dict);
        return;
    }
    dict->entries[dict->count++] = (struct dict_entry){key, item, hash};
    if (dict->index)
        index_insert(dict, dict->count - 1);
    else if (dict->count > DICT_SMALL)
        index_rebuild(dict);
}

void tarn_dict_put_str(struct tarn_value dict, const char *key, struct tarn_value value)
{
    tarn_dict_put(dict, tarn_value_str_ref(key), value);
}

bool tarn_dict_remove(struct tarn_value value, struct tarn_value key)
{
    struct tarn_dict *dict = value.as.dict;
    size_t i = find_entry(dict, key, value_hash(key));
    if (i == dict->count)
        return false;
    dict->count--;
    memmove(dict->entries + i, dict->entries + i + 1, (dict->count - i) * sizeof *dict->entries);
    index_rebuild(dict);
    return true;
}

void dict_clear(struct tarn_dict *dict)
{
    dict->count = 0;
    index_rebuild(dict);
}

static enum tarn_status update_from_pairs(struct tarn_heap *heap, struct tarn_value dict,
                                          struct tarn_value from, struct tarn_error *err)
{
    struct walk walk;
    TARN_TRY(walk_begin(&walk, heap, from, err));
    for (size_t number = 0;; number++) {
        struct tarn_value pair, list;
        bool done;
        TARN_TRY(walk_next(&walk, &pair, &done, err));
        if (done)
            return TARN_OK;
        TARN_TRY(tarn_value_to_list(heap, pair, &list, err));
        if (list.as.list->count != 2)
            return tarn_fail(
                err, TARN_INVALID,
                "dictionary update sequence element #%zu has length %zu; 2 is required", number,
                list.as.list->count);
        if (!tarn_value_is_hashable(list.as.list->items[0]))
            return tarn_fail(err, TARN_INVALID, "unhashable type: '%s'",
                             tarn_value_type_name(list.as.list->items[0]));
        tarn_dict_put(dict, list.as.list->items[0], list.as.list->items[1]);
    }
}

enum tarn_status dict_update(struct tarn_heap *heap, struct tarn_value dict, struct tarn_value from,
                             struct tarn_error *err)
{
    if (from.kind == TARN_VALUE_DICT) {
        const struct tarn_dict *other = from.as.dict;
        for (size_t i = 0; i < other->count; i++)
            tarn_dict_put(dict, other->entries[i].key, other->entries[i].value);
        return TARN_OK;
    }
    if (from.kind != TARN_VALUE_OBJECT || !from.as.object->type->is_mapping)
        return update_from_pairs(heap, dict, from, err);
    struct tarn_value keys, item;
    TARN_TRY(tarn_value_to_list(heap, from, &keys, err));
    for (size_t i = 0; i < tarn_list_count(keys); i++)
        if (from.as.object->type->get_item(heap, from.as.object->data, tarn_list_at(keys, i),
                                           &item))
            tarn_dict_put(dict, tarn_list_at(keys, i), item);
    return TARN_OK;
}
