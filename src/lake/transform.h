/* lake/transform.h -- partition transforms (Iceberg spec, "Partition Transforms", Appendix B). */
#ifndef TARN_LAKE_TRANSFORM_H
#define TARN_LAKE_TRANSFORM_H

#include "lake/bounds.h"
#include "lake/schema.h"

enum tarn_transform_kind {
    TARN_TRANSFORM_IDENTITY,
    TARN_TRANSFORM_BUCKET,
    TARN_TRANSFORM_TRUNCATE,
    TARN_TRANSFORM_YEAR,
    TARN_TRANSFORM_MONTH,
    TARN_TRANSFORM_DAY,
    TARN_TRANSFORM_HOUR,
    TARN_TRANSFORM_VOID,
    TARN_TRANSFORM_UNKNOWN, /* of a later format version: readers ignore it, writers refuse */
};
struct tarn_transform {
    enum tarn_transform_kind kind;
    int width; /* BUCKET: how many; TRUNCATE: how wide */
};

/* From the spec's text: "day", "bucket[16]". Never fails: what it does not know is UNKNOWN. */
struct tarn_transform tarn_transform_parse(const char *text);
char *tarn_transform_text(struct tarn_transform transform, struct tarn_arena *arena);
/* From a declaration: "day(created_at)", "bucket(16, id)", "region"; the column may be in double
 * quotes. INVALID says what is possible. */
CHECKED enum tarn_status tarn_transform_declared(const char *text, struct tarn_arena *arena,
                                                 struct tarn_transform *ret_transform,
                                                 const char **ret_column, struct tarn_error *err);
/* NULL when the transform does not take the type. Day gives date, which is an int as far as bytes
 * go. */
const struct tarn_iceberg_type *tarn_transform_result(struct tarn_transform transform,
                                                      const struct tarn_iceberg_type *source);
/* The transform as a DuckDB expression over `expression`, which has the source's type. */
void tarn_transform_sql(struct tarn_transform transform, const struct tarn_iceberg_type *source,
                        const char *expression, struct tarn_buffer *out);
/* Of one value as bytes (bounds.h). False when there is no such value. */
bool tarn_transform_apply(struct tarn_transform transform, const struct tarn_iceberg_type *source,
                          struct tarn_text bytes, struct tarn_arena *arena,
                          struct tarn_text *ret_bytes);
/* a <= b implies transform(a) <= transform(b). */
bool tarn_transform_is_monotonic(struct tarn_transform transform);

/* The hash of a value as Appendix B wants it; false for types that cannot be in buckets. */
bool tarn_transform_hash(const struct tarn_iceberg_type *type, struct tarn_text bytes,
                         uint32_t *ret_hash);

#endif
