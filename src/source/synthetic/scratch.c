/* source/synthetic/scratch.c -- see scratch.h. */
#include "source/synthetic/scratch.h"

#include <assert.h>

#include "base/memory.h"

enum { BLOCK_BYTES = 1 << 20 };

struct tarn_scratch_block {
    struct tarn_scratch_block *next;
    size_t size;
    _Alignas(16) char data[];
};

void tarn_scratch_reset(struct tarn_scratch *scratch)
{
    scratch->current = scratch->first;
    scratch->used = 0;
}

void tarn_scratch_release(struct tarn_scratch *scratch)
{
    for (struct tarn_scratch_block *block = scratch->first, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *scratch = (struct tarn_scratch){0};
}

static struct tarn_scratch_block *block_new(size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct tarn_scratch_block *block =
        tarn_realloc_array(NULL, 1, tarn_size_add(sizeof *block, size));
    block->next = NULL;
    block->size = size;
    return block;
}

char *tarn_scratch_room(struct tarn_scratch *scratch, size_t most)
{
    scratch->used = (scratch->used + 15) & ~(size_t)15;
    if (!scratch->first)
        scratch->first = scratch->current = block_new(most);
    while (scratch->used > scratch->current->size ||
           scratch->current->size - scratch->used < most) {
        if (!scratch->current->next)
            scratch->current->next = block_new(most);
        scratch->current = scratch->current->next;
        scratch->used = 0;
    }
    return scratch->current->data + scratch->used;
}

void tarn_scratch_keep(struct tarn_scratch *scratch, size_t len)
{
    assert(scratch->current->size - scratch->used >= len);
    scratch->used += len;
}

void *tarn_scratch_alloc(struct tarn_scratch *scratch, size_t size_bytes)
{
    char *memory = tarn_scratch_room(scratch, size_bytes);
    tarn_scratch_keep(scratch, size_bytes);
    return memory;
}

void *tarn_scratch_array(struct tarn_scratch *scratch, size_t count, size_t size_bytes)
{
    return tarn_scratch_alloc(scratch, tarn_size_mul(count, size_bytes));
}

void *tarn_scratch_zeroed(struct tarn_scratch *scratch, size_t count, size_t size_bytes)
{
    void *memory = tarn_scratch_array(scratch, count, size_bytes);
    memset(memory, 0, count * size_bytes);
    return memory;
}

struct tarn_text tarn_scratch_copy(struct tarn_scratch *scratch, struct tarn_text text)
{
    char *copy = tarn_scratch_room(scratch, text.len);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    tarn_scratch_keep(scratch, text.len);
    return (struct tarn_text){copy, text.len};
}
