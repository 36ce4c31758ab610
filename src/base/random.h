/* base/random.h -- counter-based random draws: value = f(seed, table, row, column).
 *
 * Any value can be computed alone, in any order, on any thread. Nothing here keeps state or touches
 * libm, so the same inputs give the same bits on every compiler and machine. The mix is
 * splitmix64's finaliser (Steele, Lea, Flood 2014). */
#ifndef TARN_BASE_RANDOM_H
#define TARN_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t tarn_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* A stream key for one column of one table; compute it once and draw rows from it. */
static inline uint64_t tarn_draw_key(uint64_t seed, uint64_t table, uint64_t column)
{
    return tarn_mix64(tarn_mix64(seed + 0x9e3779b97f4a7c15ULL * (table + 1)) +
                      0xd1342543de82ef95ULL * (column + 1));
}

/* 64 random bits for `row`. */
static inline uint64_t tarn_draw(uint64_t key, uint64_t row)
{
    return tarn_mix64(key + 0x9e3779b97f4a7c15ULL * (row + 1));
}

/* Uniform in [0, n), n > 0, by the multiply-shift method (bias below n / 2^64). */
static inline uint64_t tarn_draw_below(uint64_t draw, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)draw * n) >> 64);
}

/* Uniform double in [0, 1) with 53 bits; exact arithmetic, so equal everywhere. */
static inline double tarn_draw_unit(uint64_t draw)
{
    return (double)(draw >> 11) * 0x1.0p-53;
}

#endif
