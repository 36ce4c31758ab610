/* lake/schema.h -- Iceberg's types and schemas: from and to JSON, from and to DuckDB's types, field
 * ids, evolution.
 *
 * Iceberg spec, "Schemas and Data Types", Appendix C. Only what format version 2 has; newer types
 * are UNSUPPORTED by name. Everything lives in the arena it was made in and is immutable once
 * handed out. */
#ifndef TARN_LAKE_SCHEMA_H
#define TARN_LAKE_SCHEMA_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "engine/type.h"

enum tarn_iceberg_kind {
    TARN_ICEBERG_BOOLEAN,
    TARN_ICEBERG_INT,
    TARN_ICEBERG_LONG,
    TARN_ICEBERG_FLOAT,
    TARN_ICEBERG_DOUBLE,
    TARN_ICEBERG_DATE,
    TARN_ICEBERG_TIME,
    TARN_ICEBERG_TIMESTAMP,
    TARN_ICEBERG_TIMESTAMPTZ,
    TARN_ICEBERG_STRING,
    TARN_ICEBERG_UUID,
    TARN_ICEBERG_BINARY,
    TARN_ICEBERG_FIXED,
    TARN_ICEBERG_DECIMAL,
    TARN_ICEBERG_STRUCT,
    TARN_ICEBERG_LIST, /* fields[0] is the element */
    TARN_ICEBERG_MAP,  /* fields[0] is the key, fields[1] the value */
};

struct tarn_iceberg_type {
    enum tarn_iceberg_kind kind;
    int precision, scale; /* DECIMAL */
    int length;           /* FIXED */
    struct tarn_iceberg_field *fields;
    size_t field_count;
};
struct tarn_iceberg_field {
    int id;
    const char *name;
    const char *doc; /* NULL when none */
    bool required;
    const struct tarn_iceberg_type *type;
};
struct tarn_iceberg_schema {
    int id;
    struct tarn_iceberg_field *fields;
    size_t field_count;
};

/* INVALID or UNSUPPORTED without naming the file: the caller wraps. */
CHECKED enum tarn_status tarn_iceberg_schema_parse(const json_t *json, struct tarn_arena *arena,
                                                   struct tarn_iceberg_schema *ret_schema,
                                                   struct tarn_error *err);
json_t *tarn_iceberg_schema_json(const struct tarn_iceberg_schema *schema); /* caller decrefs */
json_t *tarn_iceberg_type_json(const struct tarn_iceberg_type *type);

/* "long", "decimal(18, 2)", "list<struct<a: int>>" */
char *tarn_iceberg_type_text(const struct tarn_iceberg_type *type, struct tarn_arena *arena);
/* The DuckDB type that holds it, as SQL. */
void tarn_iceberg_duckdb_write(const struct tarn_iceberg_type *type, struct tarn_buffer *out);
char *tarn_iceberg_duckdb_text(const struct tarn_iceberg_type *type, struct tarn_arena *arena);
bool tarn_iceberg_is_nested(const struct tarn_iceberg_type *type);
bool tarn_iceberg_type_equal(const struct tarn_iceberg_type *a, const struct tarn_iceberg_type *b,
                             bool with_ids);

/* The Iceberg type for a DuckDB type; nested fields take ids ++*last_id. UNSUPPORTED, naming
 * `column`, for what has no form (INTERVAL, BIT, UNION, TIME WITH TIME ZONE). */
CHECKED enum tarn_status tarn_iceberg_type_of(const struct tarn_type *type, const char *column,
                                              int *last_id, struct tarn_arena *arena,
                                              const struct tarn_iceberg_type **ret_type,
                                              struct tarn_error *err);
/* True when the DuckDB type is stored as it is: no cast needed before COPY. */
bool tarn_iceberg_stored_as(const struct tarn_type *from, const struct tarn_iceberg_type *to);

enum tarn_iceberg_fit {
    TARN_ICEBERG_SAME,  /* or goes in by a cast that loses nothing (or fails loudly) */
    TARN_ICEBERG_WIDER, /* *ret_wider holds both; Iceberg allows the promotion */
    TARN_ICEBERG_CLASH,
};
/* How values of a DuckDB type go into an existing column. `ret_wider` keeps the existing ids. New
 * members of structs count as wider and get ids ++*last_id. */
enum tarn_iceberg_fit tarn_iceberg_fit_of(const struct tarn_type *from,
                                          const struct tarn_iceberg_type *to, int *last_id,
                                          struct tarn_arena *arena,
                                          const struct tarn_iceberg_type **ret_wider);
/* int->long, float->double, decimal to more digits of the same scale (spec, "Schema Evolution"). */
bool tarn_iceberg_can_promote(const struct tarn_iceberg_type *from,
                              const struct tarn_iceberg_type *to);

/* Column by name, exactly, otherwise ignoring ASCII case; NULL when there is none. */
struct tarn_iceberg_field *tarn_iceberg_field_find(const struct tarn_iceberg_schema *schema,
                                                   const char *name);
/* By id at any depth; NULL when there is none. */
const struct tarn_iceberg_field *tarn_iceberg_field_by_id(const struct tarn_iceberg_schema *schema,
                                                          int id);
int tarn_iceberg_max_id(const struct tarn_iceberg_schema *schema);
/* Appends the FIELD_IDS option's value for COPY: {"a": 1, "l": {__duckdb_field_id: 2, element: 3}}.
 */
void tarn_iceberg_field_ids_write(const struct tarn_iceberg_schema *schema,
                                  struct tarn_buffer *out);

#endif
