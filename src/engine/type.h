/* engine/type.h -- SQL types and column vectors, without DuckDB's header.
 *
 * A vector is a view into one chunk: fixed-width values in `data`, a bit per row in `validity`
 * (NULL: all valid). */
#ifndef TARN_ENGINE_TYPE_H
#define TARN_ENGINE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

/* X(name, SQL text, bytes per value in a vector) */
#define TARN_TYPE_MAP(X)                                                                           \
    X(BOOLEAN, "BOOLEAN", 1)                                                                       \
    X(TINYINT, "TINYINT", 1)                                                                       \
    X(SMALLINT, "SMALLINT", 2)                                                                     \
    X(INTEGER, "INTEGER", 4)                                                                       \
    X(BIGINT, "BIGINT", 8)                                                                         \
    X(UTINYINT, "UTINYINT", 1)                                                                     \
    X(USMALLINT, "USMALLINT", 2)                                                                   \
    X(UINTEGER, "UINTEGER", 4)                                                                     \
    X(UBIGINT, "UBIGINT", 8)                                                                       \
    X(HUGEINT, "HUGEINT", 16)                                                                      \
    X(UHUGEINT, "UHUGEINT", 16)                                                                    \
    X(FLOAT, "FLOAT", 4)                                                                           \
    X(DOUBLE, "DOUBLE", 8)                                                                         \
    X(DECIMAL, "DECIMAL", 0) /* 2, 4, 8 or 16 bytes by width; unscaled integer */                  \
    X(VARCHAR, "VARCHAR", 16)                                                                      \
    X(BLOB, "BLOB", 16)                                                                            \
    X(DATE, "DATE", 4)           /* days since 1970-01-01 */                                       \
    X(TIME, "TIME", 8)           /* microseconds */                                                \
    X(TIMESTAMP, "TIMESTAMP", 8) /* microseconds since 1970 */                                     \
    X(TIMESTAMP_S, "TIMESTAMP_S", 8)                                                               \
    X(TIMESTAMP_MS, "TIMESTAMP_MS", 8)                                                             \
    X(TIMESTAMP_NS, "TIMESTAMP_NS", 8)                                                             \
    X(TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE", 8)                                                 \
    X(TIME_TZ, "TIME WITH TIME ZONE", 8)                                                           \
    X(INTERVAL, "INTERVAL", 16)                                                                    \
    X(UUID, "UUID", 16)                                                                            \
    X(ENUM, "ENUM", 0)                                                                             \
    X(LIST, "LIST", 16)                                                                            \
    X(ARRAY, "ARRAY", 0)                                                                           \
    X(STRUCT, "STRUCT", 0)                                                                         \
    X(MAP, "MAP", 16)                                                                              \
    X(UNION, "UNION", 0)                                                                           \
    X(BIT, "BIT", 16)                                                                              \
    X(SQLNULL, "NULL", 4)                                                                          \
    X(OTHER, "OTHER", 0)

enum tarn_type_id {
#define X(name, sql, bytes) TARN_TYPE_##name,
    TARN_TYPE_MAP(X)
#undef X
};

struct tarn_type {
    enum tarn_type_id id;
    uint8_t width, scale; /* DECIMAL */
    size_t array_size;    /* ARRAY */
    bool is_json;         /* VARCHAR with the alias JSON */
    size_t
        child_count; /* LIST, ARRAY: 1; MAP: 2 (key, value); STRUCT, UNION: members; ENUM: values */
    const char **child_names; /* STRUCT, UNION: members; ENUM: the values; otherwise NULL */
    const struct tarn_type **children; /* NULL for ENUM */
};

struct tarn_column {
    const char *name;
    const struct tarn_type *type;
};

/* The type as SQL that casts to it: DECIMAL(18,2), STRUCT("a" INTEGER, "b" VARCHAR[]). */
void tarn_type_write(const struct tarn_type *type, struct tarn_buffer *out);
char *tarn_type_text(const struct tarn_type *type, struct tarn_arena *arena);
bool tarn_type_equal(const struct tarn_type *a, const struct tarn_type *b);
bool tarn_type_is_integer(enum tarn_type_id id);
bool tarn_type_is_number(enum tarn_type_id id); /* integers, DECIMAL, FLOAT, DOUBLE */

struct tarn_vector {
    const struct tarn_type *type;
    void *data;
    uint64_t *validity;
    void *handle; /* the engine's own */
};

static inline bool tarn_vector_is_null(const struct tarn_vector *v, size_t row)
{
    return v->validity && !(v->validity[row >> 6] >> (row & 63) & 1);
}
/* Integers, BOOLEAN, dates, times, timestamps, and the unscaled value of a DECIMAL up to 18 digits.
 */
int64_t tarn_vector_int64(const struct tarn_vector *v, size_t row);
/* HUGEINT, wide DECIMAL, UUID (as stored), and everything tarn_vector_int64 takes. */
__int128 tarn_vector_int128(const struct tarn_vector *v, size_t row);
/* Any number as double (a DECIMAL is scaled). */
double tarn_vector_double(const struct tarn_vector *v, size_t row);
/* VARCHAR, BLOB, ENUM. Valid while the chunk is. */
struct tarn_text tarn_vector_text(const struct tarn_vector *v, size_t row);
/* STRUCT member i; LIST/ARRAY element vector (i = 0); MAP keys (0) and values (1). */
struct tarn_vector tarn_vector_child(const struct tarn_vector *v, size_t i);
/* LIST and MAP: where the row's elements stand in the child vectors. ARRAY: row * array_size. */
void tarn_vector_range(const struct tarn_vector *v, size_t row, size_t *ret_start, size_t *ret_len);
/* Any value as DuckDB's shell would print it (NULL for null, lists as [a, b], structs as {'k': v}).
 */
void tarn_vector_format(const struct tarn_vector *v, size_t row, struct tarn_buffer *out);
/* Any value as JSON (decimals as numbers, dates as strings, BLOB as hex). */
struct tarn_json_writer;
void tarn_vector_json(const struct tarn_vector *v, size_t row, struct tarn_json_writer *out);

/* For producers (engine/source.h): */
void tarn_vector_set_null(struct tarn_vector *v, size_t row);
void tarn_vector_set_text(struct tarn_vector *v, size_t row, struct tarn_text utf8);
/* The same without a copy and without a check: the bytes must be valid UTF-8, at most 4 GiB, and
 * stay where they are until the statement has ended. DuckDB's string is 16 bytes: the length and up
 * to 12 bytes of text, or the length, the first 4 bytes and a pointer. */
static inline void tarn_vector_refer_text(struct tarn_vector *v, size_t row, struct tarn_text utf8)
{
    enum { INLINE_BYTES = 12, PREFIX_BYTES = 4 };
    char *slot = (char *)v->data + row * 16;
    uint32_t len = (uint32_t)utf8.len;
    memset(slot, 0, 16);
    memcpy(slot, &len, sizeof len);
    if (len <= INLINE_BYTES) {
        memcpy(slot + sizeof len, utf8.data, len);
    } else {
        memcpy(slot + sizeof len, utf8.data, PREFIX_BYTES);
        memcpy(slot + sizeof len + PREFIX_BYTES, &utf8.data, sizeof utf8.data);
    }
}

#endif
