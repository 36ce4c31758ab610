/* base/text_map.h -- from names to pointers: a hash table with open addressing.
 *
 * The names belong to what is stored and have to live as long as it is in the map. Walking goes in
 * no particular order; removing while walking is fine, putting is not. */
#ifndef TARN_BASE_TEXT_MAP_H
#define TARN_BASE_TEXT_MAP_H

#include <stddef.h>

#include "base/text.h"

struct tarn_text_map {
    struct tarn_text_entry *entries; /* capacity a power of two; value NULL: free or gone */
    size_t capacity;
    size_t count; /* in use */
    size_t taken; /* in use or gone */
};

void tarn_text_map_release(struct tarn_text_map *map); /* the values stay their owner's */
/* NULL when there is none. */
void *tarn_text_map_get(const struct tarn_text_map *map, struct tarn_text name);
/* `value` is not NULL; takes the place of an earlier one of that name. */
void tarn_text_map_put(struct tarn_text_map *map, struct tarn_text name, void *value);
/* Returns what was taken out, or NULL. */
void *tarn_text_map_remove(struct tarn_text_map *map, struct tarn_text name);
/* Walks: start with *cursor = 0; NULL at the end. */
void *tarn_text_map_next(const struct tarn_text_map *map, size_t *cursor);

#endif
