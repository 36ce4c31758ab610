/* broker/server/block.c -- the pool of blocks; see block.h. */
#include "broker/server/block.h"

#include <malloc.h>

#include "base/memory.h"

enum {
    CLASS_COUNT = 12,         /* 4 KiB .. 8 MiB; larger ones are not kept */
    CLASS_FIRST_SHIFT = 12,   /* 4 KiB */
    CLASS_NONE = CLASS_COUNT, /* malloc and free */
    KEPT_MAX_BYTES = 24 << 20,
};

struct tarn_blocks {
    struct tarn_block *free[CLASS_COUNT];
    size_t kept_bytes;
};

struct tarn_blocks *tarn_blocks_new(void)
{
    return tarn_alloc(sizeof(struct tarn_blocks));
}

static int class_of(size_t total_bytes)
{
    int class = 0;
    while (class < CLASS_COUNT && ((size_t)1 << (CLASS_FIRST_SHIFT + class)) < total_bytes)
        class ++;
    return class;
}

struct tarn_block *tarn_block_take(struct tarn_blocks *blocks, size_t size_bytes)
{
    size_t total = tarn_size_add(size_bytes, sizeof(struct tarn_block));
    int class = class_of(total);
    if (class < CLASS_NONE)
        total = (size_t)1 << (CLASS_FIRST_SHIFT + class);
    struct tarn_block *block = class < CLASS_NONE ? blocks->free[class] : NULL;
    if (block) {
        blocks->free[class] = block->next;
        blocks->kept_bytes -= total;
    } else {
        block = tarn_realloc_array(NULL, 1, total); /* not cleared, as tarn_alloc would */
    }
    *block = (struct tarn_block){
        .blocks = blocks, .size = total - sizeof *block, .references = 1, .size_class = class};
    return block;
}

struct tarn_block *tarn_block_ref(struct tarn_block *block)
{
    block->references++;
    return block;
}

void tarn_block_unref(struct tarn_block *block)
{
    if (!block || --block->references > 0)
        return;
    struct tarn_blocks *blocks = block->blocks;
    size_t total = block->size + sizeof *block;
    if (block->size_class == CLASS_NONE || blocks->kept_bytes + total > KEPT_MAX_BYTES) {
        free(block);
        return;
    }
    block->next = blocks->free[block->size_class];
    blocks->free[block->size_class] = block;
    blocks->kept_bytes += total;
}

bool tarn_blocks_kept(const struct tarn_blocks *blocks)
{
    return blocks->kept_bytes > 0;
}

void tarn_blocks_trim(struct tarn_blocks *blocks)
{
    for (int class = 0; class < CLASS_COUNT; class ++) {
        for (struct tarn_block *block = blocks->free[class]; block;) {
            struct tarn_block *next = block->next;
            free(block);
            block = next;
        }
        blocks->free[class] = NULL;
    }
    blocks->kept_bytes = 0;
    malloc_trim(0);
}

void tarn_blocks_free(struct tarn_blocks *blocks)
{
    if (!blocks)
        return;
    tarn_blocks_trim(blocks);
    free(blocks);
}
