/* model/name_map.h -- a hash table from names to pointers. Keys are not copied. */
#ifndef TARN_MODEL_NAME_MAP_H
#define TARN_MODEL_NAME_MAP_H

#include <stddef.h>

#include "base/text.h"

struct tarn_name_map {
    struct tarn_name_map_entry {
        const char *key;
        void *value;
    } * entries; /* a power of two, open addressing */
    size_t count, cap;
};

void tarn_name_map_release(struct tarn_name_map *map);
/* Replaces what is there; `key` must live as long as the map. */
void tarn_name_map_put(struct tarn_name_map *map, const char *key, void *value);
void *tarn_name_map_get(const struct tarn_name_map *map, const char *key); /* NULL: none */
void *tarn_name_map_get_text(const struct tarn_name_map *map, struct tarn_text key);
/* The key that looks most like `wanted`, for "did you mean"; NULL when none is near. */
const char *tarn_name_map_nearest(const struct tarn_name_map *map, const char *wanted);

#endif
