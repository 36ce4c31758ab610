/* broker/protocol/message.h -- decoding and encoding of one message by its table.
 *
 * The tables and the structs come from messages.txt; the build turns it into messages.h and
 * messages.c (generate.py). Each struct has typed functions there:
 *
 *   tarn_produce_request_decode(reader, version, arena, &request, err)
 *   tarn_produce_request_encode(writer, version, &request)
 *   tarn_produce_request_init(&request)            all fields to Kafka's defaults
 *
 * and structs inside of messages have an _init. Strings, bytes and records are struct tarn_text
 * (data NULL: null); arrays are a pointer and `<field>_count` (-1: null); a struct in a field of
 * its own is a pointer (NULL: absent); ids are struct tarn_uuid16. A decoded message points into
 * the bytes it was read from. */
#ifndef TARN_BROKER_PROTOCOL_MESSAGE_H
#define TARN_BROKER_PROTOCOL_MESSAGE_H

#include "base/memory.h"
#include "broker/protocol/wire.h"

struct tarn_message_record;

/* One kind of request, response or blob. */
struct tarn_message {
    const char *name; /* "produce_request" */
    uint16_t record;  /* of the table of structs */
    uint16_t size_bytes;
    int16_t min_version, max_version;
    int16_t first_flexible; /* INT16_MAX: none */
};

/* Reads one message of `version`; `ret` (message->size_bytes large) is set as a whole, with Kafka's
 * defaults where the version has no such field. Memory comes from `arena` and is bounded by a small
 * multiple of the bytes left. Bytes behind the message stay in the reader. Errors: UNSUPPORTED
 * (version), CORRUPT with field and place (cut off, a null or a count that cannot be). */
CHECKED enum tarn_status tarn_message_decode(const struct tarn_message *message,
                                             struct tarn_wire_reader *reader, int16_t version,
                                             struct tarn_arena *arena, void *ret,
                                             struct tarn_error *err);
/* Fields that the version does not have are left out. Null where the version does not allow it is
 * written as empty. The fields `records` are borrowed; see tarn_wire_write_borrowed. */
void tarn_message_encode(const struct tarn_message *message, struct tarn_wire_writer *writer,
                         int16_t version, const void *from);
/* Sets a struct to Kafka's defaults. */
void tarn_message_init(const struct tarn_message *message, void *ret);
/* The same for a struct inside of a message, by its number in the table of structs. */
void tarn_message_record_init(uint16_t record, void *ret);

#endif
