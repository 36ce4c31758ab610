/* base/memory.h -- allocation that does not return NULL, size arithmetic that does not wrap,
 * arenas.
 *
 * Lifetimes are process, connection, request and run; the last two use an arena, so their code has
 * no free paths. Running out of memory for small things ends the process with a message and exit
 * code 3: work runs in child processes and every commit is atomic, so nothing is lost. What
 * outsiders can make large goes through base/buffer.h, which has a limit and an error. */
#ifndef TARN_BASE_MEMORY_H
#define TARN_BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

/* Like calloc/realloc/strdup, never NULL. Free with free(). */
void *tarn_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *tarn_alloc_array(size_t count, size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *tarn_realloc_array(void *old, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull));
char *tarn_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *tarn_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *tarn_format(const char *format, ...) TARN_PRINTF(1, 2)
    __attribute__((malloc, returns_nonnull));

/* Grows *items (capacity *cap) so that it holds at least `need` items of `size_bytes`; doubles. */
void tarn_reserve(void **items, size_t *cap, size_t need, size_t size_bytes);
#define TARN_RESERVE(items, cap, need)                                                             \
    tarn_reserve((void **)&(items), &(cap), (need), sizeof *(items))

/* Sums and products that end the process instead of wrapping. */
size_t tarn_size_add(size_t a, size_t b);
size_t tarn_size_mul(size_t a, size_t b);

struct tarn_arena;
struct tarn_arena *tarn_arena_new(void);
void tarn_arena_free(struct tarn_arena *arena);  /* NULL is fine */
void tarn_arena_reset(struct tarn_arena *arena); /* forgets all, keeps the first block */
/* Moves all that `from` holds into `into` and frees `from`: for threads that each filled an arena
 * of their own. */
void tarn_arena_adopt(struct tarn_arena *into, struct tarn_arena *from);
/* Zeroed, 16-byte aligned, lives until reset or free. */
void *tarn_arena_alloc(struct tarn_arena *arena, size_t size_bytes)
    __attribute__((returns_nonnull));
void *tarn_arena_array(struct tarn_arena *arena, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull));
char *tarn_arena_strdup(struct tarn_arena *arena, const char *text);
char *tarn_arena_strndup(struct tarn_arena *arena, const char *text, size_t len);
char *tarn_arena_format(struct tarn_arena *arena, const char *format, ...) TARN_PRINTF(2, 3);

/* Locals that release themselves: TARN_AUTO_FREE char *path = ...; */
static inline void tarn_auto_free_(void *pointer)
{
    free(*(void **)pointer);
}
static inline void tarn_auto_arena_(struct tarn_arena **arena)
{
    tarn_arena_free(*arena);
}
#define TARN_AUTO_FREE __attribute__((cleanup(tarn_auto_free_)))
#define TARN_AUTO_ARENA __attribute__((cleanup(tarn_auto_arena_)))
#define TARN_AUTO(release) __attribute__((cleanup(release)))

#define TARN_COUNT(array) (sizeof(array) / sizeof *(array))

#endif
