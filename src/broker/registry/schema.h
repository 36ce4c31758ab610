/* broker/registry/schema.h -- one parsed schema, whatever its format: Avro, JSON Schema, Protobuf.
 *
 * Immutable once parsed, counted references, so HTTP threads, readers and writers share it. The
 * three formats are one table of functions (schema_int.h); nothing else asks which format it is.
 * Texts come from outside: depth, size and the number of named types have limits. */
#ifndef TARN_BROKER_REGISTRY_SCHEMA_H
#define TARN_BROKER_REGISTRY_SCHEMA_H

#include <jansson.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/memory.h"

enum tarn_schema_type { TARN_SCHEMA_AVRO, TARN_SCHEMA_JSON, TARN_SCHEMA_PROTOBUF };

enum {
    TARN_SCHEMA_TEXT_MAX_BYTES = 1 << 20,
    TARN_SCHEMA_DEPTH_MAX = 100,
    TARN_SCHEMA_MESSAGES_MAX = 100
};

struct tarn_schema;

/* A schema that another one names: Avro and Protobuf by type or file name, JSON Schema by URI. */
struct tarn_schema_dependency {
    struct tarn_text name;
    struct tarn_text text;
};

/* "AVRO", "JSON", "PROTOBUF". */
const char *tarn_schema_type_name(enum tarn_schema_type type);
bool tarn_schema_type_parse(struct tarn_text name, enum tarn_schema_type *ret_type);

/* Dependencies come in order: each only needs those before it. `is_new`: also checks what old
 * schemas may get away with (Avro defaults that do not fit their type). INVALID says where and why.
 */
CHECKED enum tarn_status tarn_schema_parse(enum tarn_schema_type type, struct tarn_text text,
                                           const struct tarn_schema_dependency *dependencies,
                                           size_t dependency_count, bool is_new,
                                           struct tarn_schema **ret_schema, struct tarn_error *err);
struct tarn_schema *tarn_schema_ref(struct tarn_schema *schema);
void tarn_schema_unref(struct tarn_schema *schema); /* NULL is fine */

enum tarn_schema_type tarn_schema_type(const struct tarn_schema *schema);
/* The text in the form that is stored and hashed: without white space that means nothing, with
 * references left as they are. */
struct tarn_text tarn_schema_text(const struct tarn_schema *schema);
/* The same without differences that mean nothing (order of properties, doc comments' place). */
struct tarn_text tarn_schema_normal_text(const struct tarn_schema *schema);
/* With all references written out, where the format can; otherwise like tarn_schema_text. */
struct tarn_text tarn_schema_resolved_text(const struct tarn_schema *schema);

/* Why a reader cannot read what a writer wrote: one message for each reason, in the words of
 * Confluent's registry, with the places of the reader's and the writer's name as %s. */
struct tarn_schema_messages {
    struct tarn_arena *arena;
    char **items;
    size_t count, cap;
};
void tarn_schema_add_message(struct tarn_schema_messages *messages, const char *format, ...)
    TARN_PRINTF(2, 3);
/* Adds to `messages` (nothing when all is well); false when it added something. */
bool tarn_schema_can_read(const struct tarn_schema *reader, const struct tarn_schema *writer,
                          struct tarn_schema_messages *messages);

/* A value in the schema's binary form (behind the id, wire_format.h; for Protobuf with its message
 * indexes) as JSON: Avro's JSON encoding, proto3's JSON mapping, JSON itself. CORRUPT says where.
 */
CHECKED enum tarn_status tarn_schema_decode(const struct tarn_schema *schema,
                                            struct tarn_text payload, struct tarn_buffer *json,
                                            struct tarn_error *err);
/* The other way. For Protobuf the first message of the schema, with its indexes. INVALID says which
 * field does not fit. Avro unions are taken tagged ({"string": "a"}) and, when only one branch
 * fits, plain. */
CHECKED enum tarn_status tarn_schema_encode(const struct tarn_schema *schema, const json_t *json,
                                            struct tarn_buffer *payload, struct tarn_error *err);

#endif
