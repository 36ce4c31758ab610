/* source/synthetic/alias.c -- see alias.h. */
#include "source/synthetic/alias.h"

#include <assert.h>

void tarn_alias_init(struct tarn_alias *alias, const double *weights, size_t count,
                     struct tarn_arena *arena)
{
    assert(count > 0 && count <= 1u << 24);
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    TARN_AUTO_FREE double *share = tarn_alloc_array(count, sizeof *share);
    TARN_AUTO_FREE uint32_t *small = tarn_alloc_array(count, sizeof *small);
    TARN_AUTO_FREE uint32_t *large = tarn_alloc_array(count, sizeof *large);
    size_t small_count = 0, large_count = 0;
    alias->count = (uint32_t)count;
    alias->slots = tarn_arena_array(arena, count, sizeof *alias->slots);
    for (size_t i = 0; i < count; i++) {
        share[i] = weights[i] * (double)count / total;
        alias->slots[i] = (struct tarn_alias_slot){UINT32_MAX, (uint32_t)i};
        if (share[i] < 1)
            small[small_count++] = (uint32_t)i;
        else
            large[large_count++] = (uint32_t)i;
    }
    while (small_count > 0 && large_count > 0) {
        uint32_t poor = small[--small_count];
        uint32_t rich = large[large_count - 1];
        double keep = share[poor] > 0 ? share[poor] * 4294967296.0 : 0;
        alias->slots[poor].keep = keep < 4294967295.0 ? (uint32_t)keep : UINT32_MAX;
        alias->slots[poor].other = rich;
        share[rich] -= 1 - share[poor];
        if (share[rich] < 1) {
            large_count--;
            small[small_count++] = rich;
        }
    }
}
