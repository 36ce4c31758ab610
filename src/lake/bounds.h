/* lake/bounds.h -- single values as bytes (Iceberg spec, Appendix D) and what is done with them:
 * lower and upper bounds of columns, partition values, the literals of filters. */
#ifndef TARN_LAKE_BOUNDS_H
#define TARN_LAKE_BOUNDS_H

#include "base/memory.h"
#include "base/text.h"
#include "lake/schema.h"

/* The value that DuckDB prints as `text`, as bytes in `arena`. False when it is no value of the
 * type, has no Iceberg form (infinity, NaN) or the type is nested. */
bool tarn_bound_encode(const struct tarn_iceberg_type *type, struct tarn_text text,
                       struct tarn_arena *arena, struct tarn_text *ret_bytes);
/* True for what DuckDB prints for dates and timestamps without end; Iceberg has no form for them.
 */
bool tarn_bound_is_infinite(struct tarn_text text);
/* Shortens strings and binaries to 16 characters or bytes. An upper bound is incremented when it
 * was cut; false when that is impossible, and there is no bound then. -0.0 and 0.0 become the one
 * that bounds both. */
bool tarn_bound_shorten(const struct tarn_iceberg_type *type, bool upper, struct tarn_text bytes,
                        struct tarn_arena *arena, struct tarn_text *ret_bytes);
/* -1, 0, 1 in the order of the type. *ret_known is false when one of them is no value of the type.
 * Bounds written before a column was widened are shorter; that is understood (spec, "Schema
 * Evolution"). */
int tarn_bound_compare(const struct tarn_iceberg_type *type, struct tarn_text a, struct tarn_text b,
                       bool *ret_known);
/* For people: 2026-01-03, 12.50. */
char *tarn_bound_text(const struct tarn_iceberg_type *type, struct tarn_text bytes,
                      struct tarn_arena *arena);

/* Integers of the encodings above; false when the length is wrong. */
bool tarn_bound_int64(struct tarn_text bytes, int64_t *ret_value); /* 4 or 8 bytes, little-endian */
bool tarn_bound_int128(struct tarn_text bytes,
                       __int128 *ret_value); /* up to 16 bytes, big-endian */
struct tarn_text tarn_bound_of_int32(int32_t value, struct tarn_arena *arena);
struct tarn_text tarn_bound_of_int64(int64_t value, struct tarn_arena *arena);
/* Minimal two's complement, big-endian: decimals. */
struct tarn_text tarn_bound_of_int128(__int128 value, struct tarn_arena *arena);

#endif
