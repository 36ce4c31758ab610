/* source/synthetic/pick.h -- which parent a child belongs to: Zipf-skewed choice among the parents
 * that exist by then.
 *
 * Every parent gets one of the Zipf weights rank^-s, with its rank given by a pseudo-random
 * permutation, so popularity has nothing to do with age. Cumulative weights in order of birth let a
 * choice be limited to those born before a moment; a guide table makes it constant time. Weights
 * are integers: choices do not depend on rounding. */
#ifndef TARN_SOURCE_SYNTHETIC_PICK_H
#define TARN_SOURCE_SYNTHETIC_PICK_H

#include <stddef.h>
#include <stdint.h>

struct tarn_pick {
    size_t count;
    uint64_t *sums;  /* sums[i]: weight of rows 0..i */
    uint32_t *guide; /* guide[j]: first row whose sum is above j * step */
    size_t guide_count;
    uint64_t step;
};

/* `s` 0 is uniform. At most 2^32 - 1 rows. */
void tarn_pick_init(struct tarn_pick *pick, uint64_t key, size_t count, double s);
void tarn_pick_release(struct tarn_pick *pick);
/* A row below `active` (1 <= active <= count). */
size_t tarn_pick_draw(const struct tarn_pick *pick, uint64_t draw, size_t active);

/* A permutation of [0, count) that can be asked for one place at a time (Feistel network with cycle
 * walking). */
uint64_t tarn_permute(uint64_t index, uint64_t count, uint64_t key);

#endif
