/* broker/protocol/wire.c -- reading and writing the primitive types.
 *
 * A writer's owned bytes live in blocks that hang in a list, the newest first; a chunk is a stretch
 * of one block, or of somebody else's memory. */
#include "broker/protocol/wire.h"

#include "base/hash.h"
#include "base/memory.h"

enum {
    ROOM_MAX_BYTES = 64,
    FIRST_BLOCK_BYTES = 1024,
    LAST_BLOCK_BYTES = 64 * 1024,
    BORROW_MIN_BYTES = 512, /* a shorter copy is cheaper than one more chunk for the kernel */
};

/* ---- uuid ---- */

bool tarn_uuid16_is_zero(const struct tarn_uuid16 *uuid)
{
    static const struct tarn_uuid16 zero;
    return tarn_uuid16_equal(uuid, &zero);
}

char *tarn_uuid16_text(const struct tarn_uuid16 *uuid, char out[TARN_UUID16_TEXT_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    int have = 0;
    char *at = out;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        bits = bits << 8 | uuid->bytes[i];
        for (have += 8; have >= 6; have -= 6)
            *at++ = digits[bits >> (have - 6) & 63];
    }
    *at++ = digits[bits << (6 - have) & 63];
    *at = '\0';
    return out;
}

struct tarn_uuid16 tarn_uuid16_random(void)
{
    struct tarn_uuid16 uuid;
    char text[TARN_UUID16_TEXT_BYTES];
    do {
        tarn_random_bytes(uuid.bytes, sizeof uuid.bytes);
        uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
        uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    } while (tarn_uuid16_text(&uuid, text)[0] ==
             '-'); /* a command line would take it for an option */
    return uuid;
}

/* ---- reading ---- */

void tarn_wire_fail(struct tarn_wire_reader *reader, const char *fault)
{
    if (!reader->fault) {
        reader->fault = fault;
        reader->fault_at = reader->at;
    }
    reader->at = reader->len;
}

enum tarn_status tarn_wire_reader_check(const struct tarn_wire_reader *reader, const char *what,
                                        struct tarn_error *err)
{
    if (!reader->fault)
        return TARN_OK;
    return tarn_fail(err, TARN_CORRUPT, "reading %s: %s at byte %zu of %zu", what, reader->fault,
                     reader->fault_at, reader->len);
}

/* The next `len` bytes, or NULL after noting a fault. */
static const uint8_t *take(struct tarn_wire_reader *reader, size_t len)
{
    if (len > tarn_wire_left(reader)) {
        tarn_wire_fail(reader, "cut off");
        return NULL;
    }
    const uint8_t *at = reader->data + reader->at;
    reader->at += len;
    return at;
}

static uint64_t take_number(struct tarn_wire_reader *reader, size_t len)
{
    const uint8_t *at = take(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; at && i < len; i++)
        value = value << 8 | at[i];
    return value;
}

bool tarn_wire_read_bool(struct tarn_wire_reader *reader)
{
    return take_number(reader, 1) != 0;
}

int8_t tarn_wire_read_int8(struct tarn_wire_reader *reader)
{
    return (int8_t)take_number(reader, 1);
}

int16_t tarn_wire_read_int16(struct tarn_wire_reader *reader)
{
    return (int16_t)take_number(reader, 2);
}

int32_t tarn_wire_read_int32(struct tarn_wire_reader *reader)
{
    return (int32_t)take_number(reader, 4);
}

int64_t tarn_wire_read_int64(struct tarn_wire_reader *reader)
{
    return (int64_t)take_number(reader, 8);
}

double tarn_wire_read_float64(struct tarn_wire_reader *reader)
{
    uint64_t bits = take_number(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct tarn_uuid16 tarn_wire_read_uuid(struct tarn_wire_reader *reader)
{
    struct tarn_uuid16 uuid = {{0}};
    const uint8_t *at = take(reader, sizeof uuid.bytes);
    if (at)
        memcpy(uuid.bytes, at, sizeof uuid.bytes);
    return uuid;
}

/* A varint of at most `bits` bits. */
static uint64_t take_varint(struct tarn_wire_reader *reader, int bits)
{
    uint64_t value = 0;
    for (int shift = 0; shift < bits; shift += 7) {
        const uint8_t *at = take(reader, 1);
        if (!at)
            return 0;
        int room = bits - shift;
        if (room < 7 && (*at & 0x7f) >> room) {
            tarn_wire_fail(reader, "a varint is too large");
            return 0;
        }
        value |= (uint64_t)(*at & 0x7f) << shift;
        if (*at < 0x80)
            return value;
    }
    tarn_wire_fail(reader, "a varint is too long");
    return 0;
}

uint32_t tarn_wire_read_uvarint(struct tarn_wire_reader *reader)
{
    return (uint32_t)take_varint(reader, 32);
}

int32_t tarn_wire_read_varint(struct tarn_wire_reader *reader)
{
    uint32_t value = (uint32_t)take_varint(reader, 32);
    return (int32_t)(value >> 1 ^ -(value & 1));
}

int64_t tarn_wire_read_varlong(struct tarn_wire_reader *reader)
{
    uint64_t value = take_varint(reader, 64);
    return (int64_t)(value >> 1 ^ -(value & 1));
}

struct tarn_text tarn_wire_read_span(struct tarn_wire_reader *reader, size_t len)
{
    const uint8_t *at = take(reader, len);
    return at ? (struct tarn_text){(const char *)at, len} : TARN_TEXT("");
}

static struct tarn_text read_sized(struct tarn_wire_reader *reader, int64_t len)
{
    if (len == -1)
        return (struct tarn_text){NULL, 0};
    if (len < -1) {
        tarn_wire_fail(reader, "a negative length");
        return TARN_TEXT("");
    }
    return tarn_wire_read_span(reader, (size_t)len);
}

struct tarn_text tarn_wire_read_string(struct tarn_wire_reader *reader)
{
    return read_sized(reader, tarn_wire_read_int16(reader));
}

struct tarn_text tarn_wire_read_bytes(struct tarn_wire_reader *reader)
{
    return read_sized(reader, tarn_wire_read_int32(reader));
}

struct tarn_text tarn_wire_read_compact(struct tarn_wire_reader *reader)
{
    return read_sized(reader, (int64_t)tarn_wire_read_uvarint(reader) - 1);
}

static int32_t check_count(struct tarn_wire_reader *reader, int64_t count, size_t min_item_bytes)
{
    if (count < -1)
        tarn_wire_fail(reader, "a negative count");
    else if (count > 0 && (uint64_t)count > tarn_wire_left(reader) / min_item_bytes)
        tarn_wire_fail(reader, "a count of more items than there are bytes for");
    return reader->fault ? 0 : (int32_t)count;
}

int32_t tarn_wire_read_count(struct tarn_wire_reader *reader, size_t min_item_bytes)
{
    return check_count(reader, tarn_wire_read_int32(reader), min_item_bytes);
}

int32_t tarn_wire_read_compact_count(struct tarn_wire_reader *reader, size_t min_item_bytes)
{
    return check_count(reader, (int64_t)tarn_wire_read_uvarint(reader) - 1, min_item_bytes);
}

void tarn_wire_skip_tags(struct tarn_wire_reader *reader)
{
    for (uint32_t left = tarn_wire_read_uvarint(reader); left > 0 && !reader->fault; left--) {
        tarn_wire_read_uvarint(reader);
        take(reader, tarn_wire_read_uvarint(reader));
    }
}

/* ---- writing ---- */

struct tarn_wire_block {
    struct tarn_wire_block *older;
    size_t len, cap;
    char bytes[];
};

void tarn_wire_writer_init(struct tarn_wire_writer *writer, size_t max_bytes)
{
    *writer = (struct tarn_wire_writer){.max_bytes = max_bytes};
}

static void free_blocks(struct tarn_wire_block *block)
{
    while (block) {
        struct tarn_wire_block *older = block->older;
        free(block);
        block = older;
    }
}

void tarn_wire_writer_release(struct tarn_wire_writer *writer)
{
    free_blocks(writer->block);
    free(writer->chunks);
    *writer = (struct tarn_wire_writer){.max_bytes = writer->max_bytes};
}

void tarn_wire_writer_clear(struct tarn_wire_writer *writer)
{
    if (writer->block) {
        free_blocks(writer->block->older);
        writer->block->older = NULL;
        writer->block->len = 0;
    }
    writer->chunk_count = writer->len = 0;
    writer->joins = false;
    writer->fault = NULL;
}

enum tarn_status tarn_wire_writer_check(const struct tarn_wire_writer *writer, const char *what,
                                        struct tarn_error *err)
{
    if (!writer->fault)
        return TARN_OK;
    return tarn_fail(err, TARN_TOO_LARGE, "writing %s: %s (limit %zu bytes)", what, writer->fault,
                     writer->max_bytes);
}

void tarn_wire_writer_copy(const struct tarn_wire_writer *writer, char *out)
{
    for (size_t i = 0; i < writer->chunk_count; i++) {
        memcpy(out, writer->chunks[i].iov_base, writer->chunks[i].iov_len);
        out += writer->chunks[i].iov_len;
    }
}

/* Counts `len` more bytes; false when they are dropped or only counted. */
static bool admit(struct tarn_wire_writer *writer, size_t len)
{
    if (writer->fault)
        return false;
    if (len > writer->max_bytes - writer->len) {
        writer->fault = "too many bytes";
        return false;
    }
    writer->len += len;
    return !writer->counting;
}

static void add_chunk(struct tarn_wire_writer *writer, const char *at, size_t len)
{
    TARN_RESERVE(writer->chunks, writer->chunk_cap, writer->chunk_count + 1);
    writer->chunks[writer->chunk_count++] = (struct iovec){.iov_base = (char *)at, .iov_len = len};
}

static void add_block(struct tarn_wire_writer *writer)
{
    size_t cap = writer->block ? writer->block->cap * 2 : FIRST_BLOCK_BYTES;
    if (cap > LAST_BLOCK_BYTES)
        cap = LAST_BLOCK_BYTES;
    struct tarn_wire_block *block = malloc(sizeof *block + cap);
    if (!block)
        abort(); /* as base/memory.h: running out for small things ends the process */
    *block = (struct tarn_wire_block){.older = writer->block, .cap = cap};
    writer->block = block;
    writer->joins = false;
}

/* `len` owned bytes that fit into the block; the bytes are counted already. */
static char *grow(struct tarn_wire_writer *writer, size_t len)
{
    char *at = writer->block->bytes + writer->block->len;
    writer->block->len += len;
    if (writer->joins) {
        writer->chunks[writer->chunk_count - 1].iov_len += len;
    } else {
        add_chunk(writer, at, len);
        writer->joins = true;
    }
    return at;
}

char *tarn_wire_room(struct tarn_wire_writer *writer, size_t len)
{
    if (!admit(writer, len))
        return NULL;
    if (!writer->block || writer->block->cap - writer->block->len < len)
        add_block(writer);
    return grow(writer, len);
}

static void put_number(struct tarn_wire_writer *writer, uint64_t value, size_t len)
{
    char *at = tarn_wire_room(writer, len);
    for (size_t i = len; at && i-- > 0; value >>= 8)
        at[i] = (char)value;
}

void tarn_wire_put_int32(char *at, int32_t value)
{
    uint32_t bits = (uint32_t)value;
    for (int i = 4; at && i-- > 0; bits >>= 8)
        at[i] = (char)bits;
}

void tarn_wire_write_bool(struct tarn_wire_writer *writer, bool value)
{
    put_number(writer, value, 1);
}

void tarn_wire_write_int8(struct tarn_wire_writer *writer, int8_t value)
{
    put_number(writer, (uint8_t)value, 1);
}

void tarn_wire_write_int16(struct tarn_wire_writer *writer, int16_t value)
{
    put_number(writer, (uint16_t)value, 2);
}

void tarn_wire_write_int32(struct tarn_wire_writer *writer, int32_t value)
{
    put_number(writer, (uint32_t)value, 4);
}

void tarn_wire_write_int64(struct tarn_wire_writer *writer, int64_t value)
{
    put_number(writer, (uint64_t)value, 8);
}

void tarn_wire_write_float64(struct tarn_wire_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(writer, bits, 8);
}

void tarn_wire_write_uuid(struct tarn_wire_writer *writer, const struct tarn_uuid16 *value)
{
    char *at = tarn_wire_room(writer, sizeof value->bytes);
    if (at)
        memcpy(at, value->bytes, sizeof value->bytes);
}

static void put_varint(struct tarn_wire_writer *writer, uint64_t value)
{
    char bytes[10];
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (char)(value | 0x80);
    bytes[len++] = (char)value;
    char *at = tarn_wire_room(writer, len);
    if (at)
        memcpy(at, bytes, len);
}

void tarn_wire_write_uvarint(struct tarn_wire_writer *writer, uint32_t value)
{
    put_varint(writer, value);
}

void tarn_wire_write_varint(struct tarn_wire_writer *writer, int32_t value)
{
    put_varint(writer, (uint32_t)value << 1 ^ (uint32_t)(value >> 31));
}

void tarn_wire_write_varlong(struct tarn_wire_writer *writer, int64_t value)
{
    put_varint(writer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void tarn_wire_write_span(struct tarn_wire_writer *writer, struct tarn_text bytes)
{
    if (!admit(writer, bytes.len))
        return;
    while (bytes.len > 0) {
        if (!writer->block || writer->block->len == writer->block->cap)
            add_block(writer);
        size_t room = writer->block->cap - writer->block->len;
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(grow(writer, len), bytes.data, len);
        bytes.data += len;
        bytes.len -= len;
    }
}

void tarn_wire_write_borrowed(struct tarn_wire_writer *writer, struct tarn_text bytes)
{
    if (bytes.len < BORROW_MIN_BYTES) {
        tarn_wire_write_span(writer, bytes);
    } else if (admit(writer, bytes.len)) {
        add_chunk(writer, bytes.data, bytes.len);
        writer->joins = false;
    }
}

void tarn_wire_write_string(struct tarn_wire_writer *writer, struct tarn_text text)
{
    if (text.len > INT16_MAX && !writer->fault)
        writer->fault = "a string above 32,767 bytes";
    tarn_wire_write_int16(writer, text.data ? (int16_t)text.len : -1);
    tarn_wire_write_span(writer, text);
}

void tarn_wire_write_bytes(struct tarn_wire_writer *writer, struct tarn_text bytes)
{
    tarn_wire_write_int32(writer, bytes.data ? (int32_t)bytes.len : -1);
    tarn_wire_write_span(writer, bytes);
}

void tarn_wire_write_compact(struct tarn_wire_writer *writer, struct tarn_text bytes)
{
    tarn_wire_write_uvarint(writer, bytes.data ? (uint32_t)bytes.len + 1 : 0);
    tarn_wire_write_span(writer, bytes);
}

void tarn_wire_write_count(struct tarn_wire_writer *writer, int32_t count)
{
    tarn_wire_write_int32(writer, count);
}

void tarn_wire_write_compact_count(struct tarn_wire_writer *writer, int32_t count)
{
    tarn_wire_write_uvarint(writer, (uint32_t)(count + 1));
}
