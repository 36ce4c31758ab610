/* broker/registry/wire_format.h -- how a record says which schema its bytes follow.
 *
 * Confluent's serializers put in front of the payload: a zero byte and the schema's id (int32, big
 * endian), or a byte 1 and the schema's 16-byte GUID; newer ones leave the payload alone and put
 * either (with its leading byte) into the header __key_schema_id or __value_schema_id. Protobuf
 * payloads go on with message indexes: a zig-zag varint count and that many zig-zag varints, where
 * the single byte 0 stands for the first message. */
#ifndef TARN_BROKER_REGISTRY_WIRE_FORMAT_H
#define TARN_BROKER_REGISTRY_WIRE_FORMAT_H

#include "base/buffer.h"
#include "base/text.h"
#include "broker/topic.h"

enum tarn_wire_format_kind { TARN_WIRE_PLAIN, TARN_WIRE_ID, TARN_WIRE_GUID };

#define TARN_WIRE_HEADER_KEY "__key_schema_id"
#define TARN_WIRE_HEADER_VALUE "__value_schema_id"

enum { TARN_WIRE_PREFIX_BYTES = 5, TARN_WIRE_GUID_PREFIX_BYTES = 17 };

struct tarn_wire_format {
    enum tarn_wire_format_kind kind; /* PLAIN: no schema is named, payload is everything */
    int32_t id;
    uint8_t guid[16];
    struct tarn_text payload; /* inside the given bytes */
    bool in_header;
};

/* Reads one side of a record; a header wins over a prefix. Never fails: what does not look like a
 * prefix is PLAIN. */
struct tarn_wire_format tarn_wire_format_read(const struct tarn_topic_record *record, bool is_key);
/* The same for bytes without headers. */
struct tarn_wire_format tarn_wire_format_parse(struct tarn_text bytes);
/* Appends the prefix of an id. */
void tarn_wire_format_write_id(struct tarn_buffer *out, int32_t id);

/* Message indexes at the start of a Protobuf payload; false when they are not there whole or deeper
 * than TARN_WIRE_INDEXES_MAX. *ret_rest is what follows. */
enum { TARN_WIRE_INDEXES_MAX = 32 };
bool tarn_wire_format_indexes(struct tarn_text payload, int32_t indexes[TARN_WIRE_INDEXES_MAX],
                              size_t *ret_count, struct tarn_text *ret_rest);
void tarn_wire_format_write_indexes(struct tarn_buffer *out, const int32_t *indexes, size_t count);

#endif
