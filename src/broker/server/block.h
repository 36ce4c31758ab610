/* broker/server/block.h -- memory that bytes of connections pass through: received requests,
 * records on their way out.
 *
 * Blocks are powers of two from 4 KiB on; used ones are kept for the next, so that a busy
 * connection touches the same pages again and again, and given back to the system once nothing
 * happens (tarn_blocks_trim). Loop thread. */
#ifndef TARN_BROKER_SERVER_BLOCK_H
#define TARN_BROKER_SERVER_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct tarn_blocks;

struct tarn_block {
    struct tarn_block *next; /* for whoever holds it; the pool's while it is free */
    struct tarn_blocks *blocks;
    size_t size; /* of data */
    int references;
    int size_class;
    _Alignas(16) char data[];
};

struct tarn_blocks *tarn_blocks_new(void);
void tarn_blocks_free(struct tarn_blocks *blocks); /* all blocks have to be back */
/* At least `size_bytes`, not cleared, with one reference. */
struct tarn_block *tarn_block_take(struct tarn_blocks *blocks, size_t size_bytes);
struct tarn_block *tarn_block_ref(struct tarn_block *block);
void tarn_block_unref(struct tarn_block *block); /* NULL is fine */
/* Gives what is kept back to the system. */
void tarn_blocks_trim(struct tarn_blocks *blocks);
/* True when something is kept: worth a trim later. */
bool tarn_blocks_kept(const struct tarn_blocks *blocks);

#endif
