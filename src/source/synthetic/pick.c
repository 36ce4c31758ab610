/* source/synthetic/pick.c -- see pick.h. */
#include "source/synthetic/pick.h"

#include <assert.h>

#include "base/memory.h"
#include "base/random.h"
#include "source/synthetic/real.h"

uint64_t tarn_permute(uint64_t index, uint64_t count, uint64_t key)
{
    if (count < 2)
        return index;
    unsigned bits = 64 - (unsigned)__builtin_clzll(count - 1);
    unsigned half = (bits + 1) / 2;
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = index >> half, right = index & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (tarn_draw(key + round, right) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= count);
    return index;
}

void tarn_pick_init(struct tarn_pick *pick, uint64_t key, size_t count, double s)
{
    assert(count > 0 && count < UINT32_MAX);
    *pick = (struct tarn_pick){.count = count};
    pick->sums = tarn_alloc_array(count, sizeof *pick->sums);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = 1;
        if (s > 0)
            weight = tarn_real_pow((double)(tarn_permute(i, count, key) + 1), -s);
        sum += (uint64_t)(weight * 0x1.0p30) + 1;
        pick->sums[i] = sum;
    }
    pick->guide_count = count;
    pick->step = sum / count + 1;
    pick->guide = tarn_alloc_array(count, sizeof *pick->guide);
    size_t row = 0;
    for (size_t j = 0; j < count; j++) {
        while (row + 1 < count && pick->sums[row] <= j * pick->step)
            row++;
        pick->guide[j] = (uint32_t)row;
    }
}

void tarn_pick_release(struct tarn_pick *pick)
{
    free(pick->sums);
    free(pick->guide);
    *pick = (struct tarn_pick){0};
}

size_t tarn_pick_draw(const struct tarn_pick *pick, uint64_t draw, size_t active)
{
    uint64_t at = tarn_draw_below(draw, pick->sums[active - 1]);
    size_t row = pick->guide[at / pick->step];
    while (pick->sums[row] <= at)
        row++;
    return row;
}
