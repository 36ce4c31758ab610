/* broker/protocol/wire.h -- the bytes of Kafka's protocol: a reader that never leaves its span and
 * a writer that collects chunks (Kafka protocol guide, "Protocol Primitive Types").
 *
 * Numbers are big-endian. Strings, bytes and arrays have two forms: classic (16 or 32 bit length,
 * -1 is null) and compact (unsigned varint of length + 1, 0 is null), which "flexible" versions
 * use. Varints of 7 bits per byte, lowest first; those of records are zigzag.
 *
 * Both are sticky: after the first fault the reader returns zeros and the writer drops bytes, and
 * the owner asks once at the end. */
#ifndef TARN_BROKER_PROTOCOL_WIRE_H
#define TARN_BROKER_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/text.h"

struct tarn_uuid16 {
    uint8_t bytes[16];
};

static inline bool tarn_uuid16_equal(const struct tarn_uuid16 *a, const struct tarn_uuid16 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
bool tarn_uuid16_is_zero(const struct tarn_uuid16 *uuid);
/* As Kafka shows ids: URL-safe base64 without padding, 22 characters. */
enum { TARN_UUID16_TEXT_BYTES = 23 };
char *tarn_uuid16_text(const struct tarn_uuid16 *uuid, char out[TARN_UUID16_TEXT_BYTES]);
/* A random one (version 4, never one that starts with '-' as text, as Kafka's are made). */
struct tarn_uuid16 tarn_uuid16_random(void);

/* ---- reading ---- */

struct tarn_wire_reader {
    const uint8_t *data;
    size_t len;
    size_t at;
    const char *fault; /* the first thing that was wrong, NULL while all is well */
    size_t fault_at;   /* where */
};

static inline void tarn_wire_reader_init(struct tarn_wire_reader *reader, struct tarn_text bytes)
{
    *reader = (struct tarn_wire_reader){.data = (const uint8_t *)bytes.data, .len = bytes.len};
}
static inline size_t tarn_wire_left(const struct tarn_wire_reader *reader)
{
    return reader->len - reader->at;
}
/* Notes a fault at the place where the reader stands, unless there was one before; then nothing is
 * left to read. */
void tarn_wire_fail(struct tarn_wire_reader *reader, const char *fault);
/* CORRUPT "reading <what>: <fault> at byte <n> of <len>" after a fault. */
CHECKED enum tarn_status tarn_wire_reader_check(const struct tarn_wire_reader *reader,
                                                const char *what, struct tarn_error *err);

bool tarn_wire_read_bool(struct tarn_wire_reader *reader);
int8_t tarn_wire_read_int8(struct tarn_wire_reader *reader);
int16_t tarn_wire_read_int16(struct tarn_wire_reader *reader);
int32_t tarn_wire_read_int32(struct tarn_wire_reader *reader);
int64_t tarn_wire_read_int64(struct tarn_wire_reader *reader);
double tarn_wire_read_float64(struct tarn_wire_reader *reader);
struct tarn_uuid16 tarn_wire_read_uuid(struct tarn_wire_reader *reader);
uint32_t tarn_wire_read_uvarint(struct tarn_wire_reader *reader);
int32_t tarn_wire_read_varint(struct tarn_wire_reader *reader);  /* zigzag, as in records */
int64_t tarn_wire_read_varlong(struct tarn_wire_reader *reader); /* zigzag */
/* `len` bytes in place. */
struct tarn_text tarn_wire_read_span(struct tarn_wire_reader *reader, size_t len);
/* data NULL: null. An empty text has data that is not NULL. */
struct tarn_text tarn_wire_read_string(struct tarn_wire_reader *reader);  /* int16 length */
struct tarn_text tarn_wire_read_bytes(struct tarn_wire_reader *reader);   /* int32 length */
struct tarn_text tarn_wire_read_compact(struct tarn_wire_reader *reader); /* both kinds */
/* The count of an array, -1 for null. A count above what is left / `min_item_bytes` is a fault, so
 * that whoever allocates by it is bounded by the size of the message. */
int32_t tarn_wire_read_count(struct tarn_wire_reader *reader, size_t min_item_bytes);
int32_t tarn_wire_read_compact_count(struct tarn_wire_reader *reader, size_t min_item_bytes);
/* Passes over a section of tagged fields. */
void tarn_wire_skip_tags(struct tarn_wire_reader *reader);

/* ---- writing ---- */

struct tarn_wire_block;

/* Chunks in order, ready for writev or uv_write (a uv_buf_t has the layout of an iovec). Owned
 * bytes never move once written, so that a length can be filled in later. Not shared by threads. */
struct tarn_wire_writer {
    struct iovec *chunks;
    size_t chunk_count, chunk_cap;
    size_t len;       /* of all chunks */
    size_t max_bytes; /* beyond it bytes are dropped and `fault` is set */
    const char *fault;
    bool counting;                 /* only adds up `len` */
    struct tarn_wire_block *block; /* the newest; older ones hang from it */
    bool joins;                    /* the last chunk ends where the block goes on */
};

void tarn_wire_writer_init(struct tarn_wire_writer *writer, size_t max_bytes);
void tarn_wire_writer_release(struct tarn_wire_writer *writer); /* usable with TARN_AUTO */
void tarn_wire_writer_clear(struct tarn_wire_writer *writer);   /* empty again, limit kept */
/* TOO_LARGE, naming `what`, when something did not fit. */
CHECKED enum tarn_status tarn_wire_writer_check(const struct tarn_wire_writer *writer,
                                                const char *what, struct tarn_error *err);
/* All of it in one piece; `out` has room for writer->len bytes. */
void tarn_wire_writer_copy(const struct tarn_wire_writer *writer, char *out);

/* Room for `len` (at most 64) bytes that the caller fills, now or later; it does not move. NULL
 * over the limit. */
char *tarn_wire_room(struct tarn_wire_writer *writer, size_t len);
void tarn_wire_write_bool(struct tarn_wire_writer *writer, bool value);
void tarn_wire_write_int8(struct tarn_wire_writer *writer, int8_t value);
void tarn_wire_write_int16(struct tarn_wire_writer *writer, int16_t value);
void tarn_wire_write_int32(struct tarn_wire_writer *writer, int32_t value);
void tarn_wire_write_int64(struct tarn_wire_writer *writer, int64_t value);
void tarn_wire_write_float64(struct tarn_wire_writer *writer, double value);
void tarn_wire_write_uuid(struct tarn_wire_writer *writer, const struct tarn_uuid16 *value);
void tarn_wire_write_uvarint(struct tarn_wire_writer *writer, uint32_t value);
void tarn_wire_write_varint(struct tarn_wire_writer *writer, int32_t value);  /* zigzag */
void tarn_wire_write_varlong(struct tarn_wire_writer *writer, int64_t value); /* zigzag */
/* Copies the bytes. */
void tarn_wire_write_span(struct tarn_wire_writer *writer, struct tarn_text bytes);
/* Points to the bytes, which the caller keeps until the writer has been sent and cleared. Short
 * ones are copied all the same: a chunk of their own would cost more. */
void tarn_wire_write_borrowed(struct tarn_wire_writer *writer, struct tarn_text bytes);
/* data NULL writes null. A string above 32,767 bytes is a fault. */
void tarn_wire_write_string(struct tarn_wire_writer *writer, struct tarn_text text);
void tarn_wire_write_bytes(struct tarn_wire_writer *writer, struct tarn_text bytes);
void tarn_wire_write_compact(struct tarn_wire_writer *writer, struct tarn_text bytes);
void tarn_wire_write_count(struct tarn_wire_writer *writer, int32_t count); /* -1: null */
void tarn_wire_write_compact_count(struct tarn_wire_writer *writer, int32_t count);

/* Fills in a big-endian number in what tarn_wire_room gave; NULL is passed over. */
void tarn_wire_put_int32(char *at, int32_t value);

#endif
