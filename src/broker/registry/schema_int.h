/* broker/registry/schema_int.h -- the table of formats behind schema.h. */
#ifndef TARN_BROKER_REGISTRY_SCHEMA_INT_H
#define TARN_BROKER_REGISTRY_SCHEMA_INT_H

#include "broker/registry/schema.h"

struct tarn_schema {
    int references; /* atomic */
    enum tarn_schema_type type;
    struct tarn_arena *arena;
    json_t **documents; /* what parsed nodes point into: the dependencies, then the schema */
    size_t document_count;
    struct tarn_text text, normal, resolved;
    void *parsed; /* the format's own, in the arena */
};

struct tarn_schema_format {
    const char *name;
    /* Fills text, normal, resolved and parsed; arena and documents are released by the caller. */
    enum tarn_status (*parse)(struct tarn_schema *schema, struct tarn_text text,
                              const struct tarn_schema_dependency *dependencies, size_t count,
                              bool is_new, struct tarn_error *err);
    void (*check)(const struct tarn_schema *reader, const struct tarn_schema *writer,
                  struct tarn_schema_messages *messages);
    enum tarn_status (*decode)(const struct tarn_schema *schema, struct tarn_text payload,
                               struct tarn_buffer *json, struct tarn_error *err);
    enum tarn_status (*encode)(const struct tarn_schema *schema, const json_t *json,
                               struct tarn_buffer *payload, struct tarn_error *err);
};

extern const struct tarn_schema_format tarn_schema_format_avro;
extern const struct tarn_schema_format tarn_schema_format_json;
extern const struct tarn_schema_format tarn_schema_format_protobuf;

/* Reads JSON and keeps it with the schema. */
CHECKED enum tarn_status tarn_schema_read_json(struct tarn_schema *schema, struct tarn_text text,
                                               json_t **ret_json, struct tarn_error *err);
/* JSON in one line, members in order, or by name with `is_sorted`; numbers in their shortest form.
 */
void tarn_json_value_write(struct tarn_buffer *out, const json_t *json, bool is_sorted);
void tarn_json_string_write(struct tarn_buffer *out, struct tarn_text text);
/* A buffer's text copied into the schema's arena. */
struct tarn_text tarn_schema_keep(struct tarn_schema *schema, const struct tarn_buffer *buffer);

#endif
