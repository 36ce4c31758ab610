/* broker/registry/proto.h -- a .proto file (proto2, proto3) as messages, enums and fields.
 *
 * Services, extensions and options that change neither the wire nor JSON are passed over by the
 * parser; the stored text keeps them, since it is written from the tokens (proto_text.c). */
#ifndef TARN_BROKER_REGISTRY_PROTO_H
#define TARN_BROKER_REGISTRY_PROTO_H

#include "broker/registry/schema_int.h"

enum tarn_pb_kind {
    TARN_PB_DOUBLE,
    TARN_PB_FLOAT,
    TARN_PB_INT32,
    TARN_PB_INT64,
    TARN_PB_UINT32,
    TARN_PB_UINT64,
    TARN_PB_SINT32,
    TARN_PB_SINT64,
    TARN_PB_FIXED32,
    TARN_PB_FIXED64,
    TARN_PB_SFIXED32,
    TARN_PB_SFIXED64,
    TARN_PB_BOOL,
    TARN_PB_STRING,
    TARN_PB_BYTES,
    TARN_PB_MESSAGE,
    TARN_PB_GROUP,
    TARN_PB_ENUM
};

enum tarn_pb_label { TARN_PB_PLAIN, TARN_PB_OPTIONAL, TARN_PB_REQUIRED, TARN_PB_REPEATED };

enum { TARN_PB_NUMBER_MAX = 536870911, TARN_PB_TYPES_MAX = 20000, TARN_PB_FIELDS_MAX = 10000 };

struct tarn_pb_message;
struct tarn_pb_enum;

struct tarn_pb_field {
    const char *name, *json_name;
    const char *type_name; /* as written */
    enum tarn_pb_label label;
    enum tarn_pb_kind kind;
    int32_t number;
    const char *oneof; /* NULL: in none */
    bool is_map;       /* message is its entry: key 1, value 2 */
    bool is_packed;
    const struct tarn_pb_message *message; /* of MESSAGE and GROUP */
    const struct tarn_pb_enum *values;     /* of ENUM */
};

struct tarn_pb_message {
    const char *name, *full_name;
    const char *package;
    bool is_map_entry, has_presence; /* presence: proto2 */
    struct tarn_pb_field *fields;
    size_t field_count, field_cap;
    const char **oneofs;
    size_t oneof_count, oneof_cap;
    struct tarn_pb_message **messages;
    size_t message_count, message_cap;
    struct tarn_pb_enum **enums;
    size_t enum_count, enum_cap;
};

struct tarn_pb_value {
    const char *name;
    int32_t number;
};

struct tarn_pb_enum {
    const char *name, *full_name;
    struct tarn_pb_value *values;
    size_t value_count, value_cap;
};

/* A file is a message without fields that holds its types. */
struct tarn_pb_file {
    const char *package; /* "" without one */
    struct tarn_pb_message types;
};

static inline const struct tarn_pb_file *tarn_pb_of(const struct tarn_schema *schema)
{
    return schema->parsed;
}

/* ---- proto_text.c ---- */
enum tarn_pb_token_kind { TARN_PB_END, TARN_PB_NAME, TARN_PB_NUMBER, TARN_PB_TEXT, TARN_PB_SYMBOL };
struct tarn_pb_token {
    enum tarn_pb_token_kind kind;
    struct tarn_text text; /* a text with its quotes */
    int line;
};
struct tarn_pb_lexer {
    const char *at, *end;
    int line;
};
/* The next token, comments passed over; INVALID for a character or a text that is none. */
CHECKED enum tarn_status tarn_pb_next(struct tarn_pb_lexer *lexer, struct tarn_pb_token *ret_token,
                                      struct tarn_error *err);
/* The text with one statement on each line and no comments. */
CHECKED enum tarn_status tarn_pb_format(struct tarn_text text, struct tarn_buffer *out,
                                        struct tarn_error *err);

extern const char *const tarn_pb_kind_names[]; /* "int32"; NULL for those without a keyword */

enum tarn_status tarn_pb_parse(struct tarn_schema *schema, struct tarn_text text,
                               const struct tarn_schema_dependency *dependencies, size_t count,
                               bool is_new, struct tarn_error *err);
void tarn_pb_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                   struct tarn_schema_messages *messages);
enum tarn_status tarn_pb_decode(const struct tarn_schema *schema, struct tarn_text payload,
                                struct tarn_buffer *json, struct tarn_error *err);
enum tarn_status tarn_pb_encode(const struct tarn_schema *schema, const json_t *json,
                                struct tarn_buffer *payload, struct tarn_error *err);

#endif
