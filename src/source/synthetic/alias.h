/* source/synthetic/alias.h -- draws from a finite distribution in constant time (Walker 1977, Vose
 * 1991).
 *
 * One 64-bit draw gives both the slot (high half) and the coin (low half). */
#ifndef TARN_SOURCE_SYNTHETIC_ALIAS_H
#define TARN_SOURCE_SYNTHETIC_ALIAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct tarn_alias_slot {
    uint32_t keep; /* the slot itself when the coin is below this, otherwise `other` */
    uint32_t other;
};

struct tarn_alias {
    uint32_t count;
    struct tarn_alias_slot *slots;
};

/* Weights are not negative and not all zero; at most 2^24 of them. The table lives in `arena`. */
void tarn_alias_init(struct tarn_alias *alias, const double *weights, size_t count,
                     struct tarn_arena *arena);

static inline uint32_t tarn_alias_draw(const struct tarn_alias *alias, uint64_t draw)
{
    uint32_t slot = (uint32_t)(((draw >> 32) * alias->count) >> 32);
    return (uint32_t)draw < alias->slots[slot].keep ? slot : alias->slots[slot].other;
}

#endif
