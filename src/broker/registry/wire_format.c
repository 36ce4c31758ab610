/* broker/registry/wire_format.c -- see wire_format.h. */
#include "broker/registry/wire_format.h"

static int32_t read_int32(const char *data)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | (uint8_t)data[i];
    return (int32_t)value;
}

struct tarn_wire_format tarn_wire_format_parse(struct tarn_text bytes)
{
    struct tarn_wire_format format = {.kind = TARN_WIRE_PLAIN, .payload = bytes};
    if (bytes.data && bytes.len >= TARN_WIRE_PREFIX_BYTES && bytes.data[0] == 0) {
        format.kind = TARN_WIRE_ID;
        format.id = read_int32(bytes.data + 1);
        format.payload = (struct tarn_text){bytes.data + TARN_WIRE_PREFIX_BYTES,
                                            bytes.len - TARN_WIRE_PREFIX_BYTES};
    } else if (bytes.data && bytes.len >= TARN_WIRE_GUID_PREFIX_BYTES && bytes.data[0] == 1) {
        format.kind = TARN_WIRE_GUID;
        memcpy(format.guid, bytes.data + 1, sizeof format.guid);
        format.payload = (struct tarn_text){bytes.data + TARN_WIRE_GUID_PREFIX_BYTES,
                                            bytes.len - TARN_WIRE_GUID_PREFIX_BYTES};
    }
    return format;
}

struct tarn_wire_format tarn_wire_format_read(const struct tarn_topic_record *record, bool is_key)
{
    const char *name = is_key ? TARN_WIRE_HEADER_KEY : TARN_WIRE_HEADER_VALUE;
    struct tarn_text bytes = is_key ? record->key : record->value;
    for (size_t i = 0; i < record->header_count; i++) {
        if (!tarn_text_is(record->headers[i].key, name))
            continue;
        struct tarn_wire_format format = tarn_wire_format_parse(record->headers[i].value);
        if (format.kind == TARN_WIRE_PLAIN || format.payload.len != 0)
            break;
        format.payload = bytes;
        format.in_header = true;
        return format;
    }
    return tarn_wire_format_parse(bytes);
}

void tarn_wire_format_write_id(struct tarn_buffer *out, int32_t id)
{
    tarn_buffer_append_char(out, 0);
    for (int shift = 24; shift >= 0; shift -= 8)
        tarn_buffer_append_char(out, (char)((uint32_t)id >> shift));
}

static bool read_varint(struct tarn_text *rest, int32_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35 && rest->len; shift += 7) {
        uint8_t byte = (uint8_t)*rest->data;
        *rest = (struct tarn_text){rest->data + 1, rest->len - 1};
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (value > UINT32_MAX)
            return false;
        *ret_value = (int32_t)((uint32_t)value >> 1) ^ -(int32_t)(value & 1);
        return true;
    }
    return false;
}

bool tarn_wire_format_indexes(struct tarn_text payload, int32_t indexes[TARN_WIRE_INDEXES_MAX],
                              size_t *ret_count, struct tarn_text *ret_rest)
{
    int32_t count;
    if (!payload.data || !read_varint(&payload, &count) || count < 0 ||
        count > TARN_WIRE_INDEXES_MAX)
        return false;
    indexes[0] = 0;
    for (int32_t i = 0; i < count; i++)
        if (!read_varint(&payload, &indexes[i]) || indexes[i] < 0)
            return false;
    *ret_count = count ? (size_t)count : 1;
    *ret_rest = payload;
    return true;
}

static void write_varint(struct tarn_buffer *out, int32_t value)
{
    uint32_t zigzag = ((uint32_t)value << 1) ^ (uint32_t)(value >> 31);
    for (; zigzag >= 0x80; zigzag >>= 7)
        tarn_buffer_append_char(out, (char)(0x80 | (zigzag & 0x7f)));
    tarn_buffer_append_char(out, (char)zigzag);
}

void tarn_wire_format_write_indexes(struct tarn_buffer *out, const int32_t *indexes, size_t count)
{
    if (count == 1 && indexes[0] == 0) {
        tarn_buffer_append_char(out, 0);
        return;
    }
    write_varint(out, (int32_t)count);
    for (size_t i = 0; i < count; i++)
        write_varint(out, indexes[i]);
}
