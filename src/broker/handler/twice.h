/* broker/handler/twice.h -- what a request names more than once. By sorting: a request may name a
 * million things. */
#ifndef TARN_BROKER_HANDLER_TWICE_H
#define TARN_BROKER_HANDLER_TWICE_H

#include "base/memory.h"
#include "base/text.h"

struct tarn_naming {
    struct tarn_text name;
    int32_t kind; /* names of different kinds are different */
    size_t index; /* filled in */
};

/* For each of the `count` names, in the given order, whether there is another like it. Reorders
 * `names`; memory in the arena. */
bool *tarn_named_twice(struct tarn_arena *arena, struct tarn_naming *names, size_t count);

#endif
