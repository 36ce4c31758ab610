/* source/synthetic/scratch.h -- memory for one batch of rows: a bump allocator that keeps all its
 * blocks on reset.
 *
 * Unlike an arena it neither zeroes nor returns memory between batches, so that the inner loops
 * never reach malloc. */
#ifndef TARN_SOURCE_SYNTHETIC_SCRATCH_H
#define TARN_SOURCE_SYNTHETIC_SCRATCH_H

#include <stddef.h>

#include "base/text.h"

struct tarn_scratch_block;

struct tarn_scratch {
    struct tarn_scratch_block *first, *current;
    size_t used; /* of `current` */
};

void tarn_scratch_reset(struct tarn_scratch *scratch);
void tarn_scratch_release(struct tarn_scratch *scratch);
/* Uninitialised, 16-byte aligned, lives until reset. */
void *tarn_scratch_alloc(struct tarn_scratch *scratch, size_t size_bytes)
    __attribute__((returns_nonnull));
void *tarn_scratch_array(struct tarn_scratch *scratch, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull));
void *tarn_scratch_zeroed(struct tarn_scratch *scratch, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull));
struct tarn_text tarn_scratch_copy(struct tarn_scratch *scratch, struct tarn_text text);
/* For text of unknown length: room for at least `most` bytes, of which tarn_scratch_keep keeps the
 * first `len`. */
char *tarn_scratch_room(struct tarn_scratch *scratch, size_t most) __attribute__((returns_nonnull));
void tarn_scratch_keep(struct tarn_scratch *scratch, size_t len);

#endif
