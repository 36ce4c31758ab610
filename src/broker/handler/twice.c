/* broker/handler/twice.c -- see twice.h. */
#include "broker/handler/twice.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    const struct tarn_naming *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = len ? memcmp(a->name.data, b->name.data, len) : 0;
    return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

bool *tarn_named_twice(struct tarn_arena *arena, struct tarn_naming *names, size_t count)
{
    bool *twice = tarn_arena_array(arena, count + 1, sizeof *twice);
    for (size_t i = 0; i < count; i++)
        names[i].index = i;
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 1; i < count; i++) {
        if (compare(&names[i - 1], &names[i]) == 0)
            twice[names[i - 1].index] = twice[names[i].index] = true;
    }
    return twice;
}
