/* lake/avro.h -- Avro object container files (Avro 1.11 specification, "Object Container Files"),
 * both ways.
 *
 *   "Obj\x01" | metadata map (avro.schema, avro.codec, ...) | 16-byte sync | blocks: count, size,
 * bytes, sync
 *
 * Writing: the caller encodes records with the tarn_avro_put_* functions and hands them over with
 * the schema's JSON. Reading: the file's own schema is compiled and every record becomes a tree of
 * values; the reader of the tree finds fields by Iceberg's field ids. Codecs null and deflate.
 * Input is never trusted: every length is checked. */
#ifndef TARN_LAKE_AVRO_H
#define TARN_LAKE_AVRO_H

#include "base/buffer.h"
#include "base/memory.h"

/* ---- write ---- */

void tarn_avro_put_long(struct tarn_buffer *out, int64_t value); /* int and long: zigzag varint */
void tarn_avro_put_bool(struct tarn_buffer *out, bool value);
void tarn_avro_put_float(struct tarn_buffer *out, float value);
void tarn_avro_put_double(struct tarn_buffer *out, double value);
void tarn_avro_put_bytes(struct tarn_buffer *out, struct tarn_text bytes); /* string and bytes */
void tarn_avro_put_str(struct tarn_buffer *out, const char *text);

struct tarn_avro_meta {
    const char *key;
    struct tarn_text value;
};
/* Appends a whole container file: `records` holds `record_count` encoded records. Deflated when
 * that pays. */
CHECKED enum tarn_status tarn_avro_file_write(struct tarn_buffer *out, const char *schema_json,
                                              const struct tarn_avro_meta *meta, size_t meta_count,
                                              struct tarn_text records, size_t record_count,
                                              struct tarn_error *err);

/* ---- read ---- */

enum tarn_avro_kind {
    TARN_AVRO_NULL,
    TARN_AVRO_BOOLEAN,
    TARN_AVRO_INT,
    TARN_AVRO_LONG,
    TARN_AVRO_FLOAT,
    TARN_AVRO_DOUBLE,
    TARN_AVRO_BYTES,
    TARN_AVRO_STRING,
    TARN_AVRO_FIXED,
    TARN_AVRO_ENUM,
    TARN_AVRO_RECORD,
    TARN_AVRO_ARRAY,
    TARN_AVRO_MAP,
    TARN_AVRO_UNION,
};

struct tarn_avro_type;
struct tarn_avro_field {
    const char *name;
    int field_id; /* -1 when the schema gives none */
    const struct tarn_avro_type *type;
};
struct tarn_avro_type {
    enum tarn_avro_kind kind;
    const char *name; /* of records, fixed and enums, otherwise NULL */
    size_t fixed_size;
    struct tarn_avro_field
        *fields; /* RECORD: fields; ARRAY, MAP: [0] the items; UNION: the branches */
    size_t field_count;
};
/* A union's value is the value of its branch. */
struct tarn_avro_value {
    enum tarn_avro_kind kind;
    const struct tarn_avro_type *type;
    int64_t integer;        /* BOOLEAN, INT, LONG, ENUM */
    double real;            /* FLOAT, DOUBLE */
    struct tarn_text bytes; /* BYTES, STRING, FIXED */
    struct tarn_avro_value
        *items; /* RECORD: one per field; ARRAY: elements; MAP: key, value, key, value ... */
    size_t count;
};
struct tarn_avro_file {
    struct tarn_avro_meta *meta;
    size_t meta_count;
    const struct tarn_avro_type *schema; /* a record */
    struct tarn_avro_value *records;
    size_t record_count;
};
/* Decodes a whole file; everything lives in `arena` (texts may point into `bytes`). CORRUPT and
 * UNSUPPORTED name `path`, which is used for nothing else. */
CHECKED enum tarn_status tarn_avro_file_read(struct tarn_text bytes, const char *path,
                                             struct tarn_arena *arena,
                                             struct tarn_avro_file *ret_file,
                                             struct tarn_error *err);
/* The field with this Iceberg id of a RECORD value, NULL when its type has none (or the value is no
 * record). */
const struct tarn_avro_value *tarn_avro_get(const struct tarn_avro_value *record, int field_id);
/* Value of a metadata key; an empty text with data NULL when it is not there. */
struct tarn_text tarn_avro_meta_get(const struct tarn_avro_file *file, const char *key);

#endif
