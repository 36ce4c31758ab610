/* broker/registry/avro.h -- an Avro schema as a graph of nodes (Avro specification 1.12).
 *
 * Named types are nodes that several places point at, so the graph may have cycles; everything that
 * walks it either follows data or remembers what it has seen. All of it lives in the schema's
 * arena; defaults and extra properties point into the schema's JSON. */
#ifndef TARN_BROKER_REGISTRY_AVRO_H
#define TARN_BROKER_REGISTRY_AVRO_H

#include "broker/registry/schema_int.h"

enum tarn_avro_kind {
    TARN_AVRO_NULL,
    TARN_AVRO_BOOLEAN,
    TARN_AVRO_INT,
    TARN_AVRO_LONG,
    TARN_AVRO_FLOAT,
    TARN_AVRO_DOUBLE,
    TARN_AVRO_BYTES,
    TARN_AVRO_STRING,
    TARN_AVRO_RECORD,
    TARN_AVRO_ENUM,
    TARN_AVRO_FIXED,
    TARN_AVRO_ARRAY,
    TARN_AVRO_MAP,
    TARN_AVRO_UNION
};

enum { TARN_AVRO_NAMES_MAX = 5000, TARN_AVRO_NODES_MAX = 100000 };

struct tarn_avro;

struct tarn_avro_field {
    const char *name;
    const char *doc;
    const struct tarn_avro *type;
    const json_t *default_value; /* NULL: none */
    const char *order;           /* NULL: ascending */
    const char **aliases;
    size_t alias_count;
    const json_t *source;
};

struct tarn_avro {
    enum tarn_avro_kind kind;
    bool is_error; /* a record written as "error" */
    const char *name;
    const char *space; /* NULL: none */
    const char *full_name;
    const char *doc;
    const char **aliases; /* full names */
    size_t alias_count;
    const json_t *source; /* the object it was read from; NULL for a bare name */
    struct tarn_avro_field *fields;
    size_t field_count;
    const char **symbols;
    size_t symbol_count;
    const char *enum_default;
    size_t size_bytes;
    const struct tarn_avro *item; /* of arrays and maps */
    const struct tarn_avro **branches;
    size_t branch_count;
    size_t ordinal; /* of named types: place in tarn_avro_schema.named */
};

struct tarn_avro_schema {
    const struct tarn_avro *root;
    struct tarn_avro **named;
    size_t named_count, named_cap;
    size_t dependency_names; /* the first so many come from references */
};

extern const char *const tarn_avro_kind_names[]; /* "record" */

static inline bool tarn_avro_is_named(const struct tarn_avro *node)
{
    return node->kind == TARN_AVRO_RECORD || node->kind == TARN_AVRO_ENUM ||
           node->kind == TARN_AVRO_FIXED;
}

static inline const struct tarn_avro_schema *tarn_avro_of(const struct tarn_schema *schema)
{
    return schema->parsed;
}

/* "string", or a named type's full name: what a tagged union value is called. */
const char *tarn_avro_branch_name(const struct tarn_avro *node);

enum tarn_avro_form { TARN_AVRO_AS_STORED, TARN_AVRO_NORMAL, TARN_AVRO_RESOLVED };
void tarn_avro_write(const struct tarn_avro_schema *schema, enum tarn_avro_form form,
                     struct tarn_buffer *out);

enum tarn_status tarn_avro_parse(struct tarn_schema *schema, struct tarn_text text,
                                 const struct tarn_schema_dependency *dependencies, size_t count,
                                 bool is_new, struct tarn_error *err);
void tarn_avro_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                     struct tarn_schema_messages *messages);
enum tarn_status tarn_avro_decode(const struct tarn_schema *schema, struct tarn_text payload,
                                  struct tarn_buffer *json, struct tarn_error *err);
enum tarn_status tarn_avro_encode(const struct tarn_schema *schema, const json_t *json,
                                  struct tarn_buffer *payload, struct tarn_error *err);

#endif
