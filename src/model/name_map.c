/* model/name_map.c -- see name_map.h. */
#include "model/name_map.h"

#include "base/hash.h"
#include "base/memory.h"

void tarn_name_map_release(struct tarn_name_map *map)
{
    free(map->entries);
    *map = (struct tarn_name_map){0};
}

static struct tarn_name_map_entry *find(const struct tarn_name_map *map, struct tarn_text key)
{
    for (size_t i = tarn_hash64(key) & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
        struct tarn_name_map_entry *entry = &map->entries[i];
        if (!entry->key ||
            (strncmp(entry->key, key.data, key.len) == 0 && entry->key[key.len] == 0))
            return entry;
    }
}

static void grow(struct tarn_name_map *map)
{
    struct tarn_name_map bigger = {.cap = map->cap ? map->cap * 2 : 64, .count = map->count};
    bigger.entries = tarn_alloc_array(bigger.cap, sizeof *bigger.entries);
    for (size_t i = 0; i < map->cap; i++)
        if (map->entries[i].key)
            *find(&bigger, tarn_text_of(map->entries[i].key)) = map->entries[i];
    free(map->entries);
    *map = bigger;
}

void tarn_name_map_put(struct tarn_name_map *map, const char *key, void *value)
{
    if (map->count * 2 >= map->cap)
        grow(map);
    struct tarn_name_map_entry *entry = find(map, tarn_text_of(key));
    map->count += entry->key == NULL;
    *entry = (struct tarn_name_map_entry){key, value};
}

void *tarn_name_map_get_text(const struct tarn_name_map *map, struct tarn_text key)
{
    return map->cap ? find(map, key)->value : NULL;
}

void *tarn_name_map_get(const struct tarn_name_map *map, const char *key)
{
    return tarn_name_map_get_text(map, tarn_text_of(key));
}

const char *tarn_name_map_nearest(const struct tarn_name_map *map, const char *wanted)
{
    const char **names = tarn_alloc_array(map->count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < map->cap; i++)
        if (map->entries[i].key)
            names[count++] = map->entries[i].key;
    const char *nearest = tarn_text_nearest(wanted, names, count);
    free(names);
    return nearest;
}
