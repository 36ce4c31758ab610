/* base/memory.c -- see memory.h. An arena is a list of blocks, newest first; large requests get
 * their own. */
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BLOCK_BYTES = 32 * 1024, ARENA_ALIGN = 16 };

static void out_of_memory(void) __attribute__((noreturn));
static void out_of_memory(void)
{
    static const char message[] =
        "tarn: out of memory; raise the limit or lower memory_limit in tarn.yml\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
        _exit(3);
    _exit(3);
}

size_t tarn_size_add(size_t a, size_t b)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        out_of_memory();
    return sum;
}

size_t tarn_size_mul(size_t a, size_t b)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        out_of_memory();
    return product;
}

void *tarn_alloc(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes ? size_bytes : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

void *tarn_alloc_array(size_t count, size_t size_bytes)
{
    return tarn_alloc(tarn_size_mul(count, size_bytes));
}

void *tarn_realloc_array(void *old, size_t count, size_t size_bytes)
{
    size_t bytes = tarn_size_mul(count, size_bytes);
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

char *tarn_strndup(const char *text, size_t len)
{
    char *copy = tarn_alloc(tarn_size_add(len, 1));
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *tarn_strdup(const char *text)
{
    return tarn_strndup(text, strlen(text));
}

char *tarn_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    return text;
}

void tarn_reserve(void **items, size_t *cap, size_t need, size_t size_bytes)
{
    if (need <= *cap)
        return;
    size_t wanted = *cap ? tarn_size_mul(*cap, 2) : 8;
    if (wanted < need)
        wanted = need;
    *items = tarn_realloc_array(*items, wanted, size_bytes);
    *cap = wanted;
}

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(ARENA_ALIGN) char data[];
};

struct tarn_arena {
    struct block *blocks; /* the head takes the next small request */
};

static struct block *block_new(size_t size_bytes)
{
    struct block *block = malloc(tarn_size_add(sizeof *block, size_bytes));
    if (!block)
        out_of_memory();
    block->next = NULL;
    block->used = 0;
    block->size = size_bytes;
    return block;
}

struct tarn_arena *tarn_arena_new(void)
{
    struct tarn_arena *arena = tarn_alloc(sizeof *arena);
    arena->blocks = block_new(ARENA_BLOCK_BYTES);
    return arena;
}

void tarn_arena_free(struct tarn_arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void tarn_arena_reset(struct tarn_arena *arena)
{
    struct block *block = arena->blocks;
    while (block->next) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    block->used = 0;
    arena->blocks = block;
}

void tarn_arena_adopt(struct tarn_arena *into, struct tarn_arena *from)
{
    struct block *last = from->blocks;
    while (last->next)
        last = last->next;
    last->next = into->blocks->next;
    into->blocks->next = from->blocks;
    free(from);
}

void *tarn_arena_alloc(struct tarn_arena *arena, size_t size_bytes)
{
    size_t need = tarn_size_add(size_bytes, ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct block *head = arena->blocks;
    if (need > head->size - head->used) {
        struct block *block = block_new(need > ARENA_BLOCK_BYTES / 4 ? need : ARENA_BLOCK_BYTES);
        if (block->size ==
            need) { /* a block of its own goes behind the head, which still has room */
            block->next = head->next;
            head->next = block;
        } else {
            block->next = head;
            arena->blocks = block;
        }
        head = block;
    }
    void *memory = head->data + head->used;
    head->used += need;
    return memset(memory, 0, need);
}

void *tarn_arena_array(struct tarn_arena *arena, size_t count, size_t size_bytes)
{
    return tarn_arena_alloc(arena, tarn_size_mul(count, size_bytes));
}

char *tarn_arena_strndup(struct tarn_arena *arena, const char *text, size_t len)
{
    char *copy = tarn_arena_alloc(arena, tarn_size_add(len, 1));
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *tarn_arena_strdup(struct tarn_arena *arena, const char *text)
{
    return tarn_arena_strndup(arena, text, strlen(text));
}

char *tarn_arena_format(struct tarn_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        out_of_memory();
    char *text = tarn_arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
