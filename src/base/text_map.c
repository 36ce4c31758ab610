/* base/text_map.c -- linear probing; removed entries stay as marks until the table is rebuilt, so a
 * walk may remove. Rebuilt when three quarters are taken. */
#include "base/text_map.h"

#include "base/hash.h"
#include "base/memory.h"

struct tarn_text_entry {
    struct tarn_text name; /* data NULL: never used */
    uint64_t hash;
    void *value; /* NULL: gone */
};

void tarn_text_map_release(struct tarn_text_map *map)
{
    free(map->entries);
    *map = (struct tarn_text_map){0};
}

/* An empty name needs an address too, to be told from a free entry. */
static struct tarn_text named(struct tarn_text name)
{
    return name.data ? name : (struct tarn_text){"", 0};
}

static struct tarn_text_entry *find(const struct tarn_text_map *map, struct tarn_text name,
                                    uint64_t hash)
{
    if (map->capacity == 0)
        return NULL;
    for (size_t at = hash & (map->capacity - 1);; at = (at + 1) & (map->capacity - 1)) {
        struct tarn_text_entry *entry = &map->entries[at];
        if (!entry->name.data)
            return NULL;
        if (entry->value && entry->hash == hash && tarn_text_equal(entry->name, name))
            return entry;
    }
}

static void insert(struct tarn_text_map *map, struct tarn_text name, uint64_t hash, void *value)
{
    size_t at = hash & (map->capacity - 1);
    while (map->entries[at].name.data)
        at = (at + 1) & (map->capacity - 1);
    map->entries[at] = (struct tarn_text_entry){name, hash, value};
    map->count++;
    map->taken++;
}

static void rebuild(struct tarn_text_map *map)
{
    struct tarn_text_map old = *map;
    size_t capacity = 16;
    while (capacity < old.count * 2 + 2)
        capacity *= 2;
    *map = (struct tarn_text_map){
        .entries = tarn_alloc_array(capacity, sizeof(struct tarn_text_entry)),
        .capacity = capacity,
    };
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].value)
            insert(map, old.entries[i].name, old.entries[i].hash, old.entries[i].value);
    }
    free(old.entries);
}

void *tarn_text_map_get(const struct tarn_text_map *map, struct tarn_text name)
{
    struct tarn_text_entry *entry = find(map, name, tarn_hash64(name));
    return entry ? entry->value : NULL;
}

void tarn_text_map_put(struct tarn_text_map *map, struct tarn_text name, void *value)
{
    name = named(name);
    uint64_t hash = tarn_hash64(name);
    struct tarn_text_entry *entry = find(map, name, hash);
    if (entry) {
        entry->name = name;
        entry->value = value;
        return;
    }
    if ((map->taken + 1) * 4 > map->capacity * 3)
        rebuild(map);
    insert(map, name, hash, value);
}

void *tarn_text_map_remove(struct tarn_text_map *map, struct tarn_text name)
{
    struct tarn_text_entry *entry = find(map, name, tarn_hash64(name));
    if (!entry)
        return NULL;
    void *value = entry->value;
    entry->value = NULL;
    entry->name = (struct tarn_text){"", 0}; /* its name may be freed now */
    map->count--;
    return value;
}

void *tarn_text_map_next(const struct tarn_text_map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        struct tarn_text_entry *entry = &map->entries[(*cursor)++];
        if (entry->value)
            return entry->value;
    }
    return NULL;
}
