/* broker/log/batch_builder.c -- batches of our own: markers, REST and in-process writers,
 * compaction. The header's 61 bytes stand in front of the records in the same buffer, so that an
 * uncompressed batch is finished in place. */
#include "broker/log/bytes.h"
#include "broker/log/record_batch.h"

void tarn_batch_builder_init(struct tarn_batch_builder *builder, enum tarn_codec codec,
                             size_t max_bytes)
{
    *builder = (struct tarn_batch_builder){
        .codec = codec, .producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
    tarn_buffer_init(&builder->records, max_bytes);
    tarn_buffer_init(&builder->packed, max_bytes);
    tarn_batch_builder_clear(builder);
}

void tarn_batch_builder_release(struct tarn_batch_builder *builder)
{
    tarn_buffer_release(&builder->records);
    tarn_buffer_release(&builder->packed);
}

void tarn_batch_builder_clear(struct tarn_batch_builder *builder)
{
    static const char header[TARN_BATCH_HEADER_BYTES];
    tarn_buffer_clear(&builder->records);
    tarn_buffer_append(&builder->records, header, sizeof header);
    builder->record_count = 0;
    builder->last_offset_delta = -1;
    builder->base_timestamp = builder->max_timestamp = -1;
}

size_t tarn_batch_builder_size(const struct tarn_batch_builder *builder)
{
    return builder->records.len;
}

static size_t varint_size(int64_t value)
{
    uint8_t out[VARINT_MAX_BYTES];
    return varint_put(out, value);
}

static size_t text_size(struct tarn_text text)
{
    return text.data ? varint_size((int64_t)text.len) + text.len : 1;
}

static void put_varint(struct tarn_buffer *into, int64_t value)
{
    uint8_t out[VARINT_MAX_BYTES];
    tarn_buffer_append(into, out, varint_put(out, value));
}

static void put_text(struct tarn_buffer *into, struct tarn_text text)
{
    put_varint(into, text.data ? (int64_t)text.len : -1);
    if (text.data)
        tarn_buffer_append_text(into, text);
}

void tarn_batch_builder_add(struct tarn_batch_builder *builder, int64_t timestamp_ms,
                            struct tarn_text key, struct tarn_text value,
                            const struct tarn_record_header_in *headers, int32_t header_count)
{
    if (builder->record_count == 0)
        builder->base_timestamp = timestamp_ms;
    if (builder->record_count == 0 || timestamp_ms > builder->max_timestamp)
        builder->max_timestamp = timestamp_ms;
    int64_t timestamp_delta = timestamp_ms - builder->base_timestamp;
    int32_t offset_delta = ++builder->last_offset_delta;
    builder->record_count++;

    size_t len = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + text_size(key) +
                 text_size(value) + varint_size(header_count);
    for (int32_t i = 0; i < header_count; i++)
        len += text_size(headers[i].key) + text_size(headers[i].value);

    struct tarn_buffer *into = &builder->records;
    put_varint(into, (int64_t)len);
    tarn_buffer_append_char(into, 0);
    put_varint(into, timestamp_delta);
    put_varint(into, offset_delta);
    put_text(into, key);
    put_text(into, value);
    put_varint(into, header_count);
    for (int32_t i = 0; i < header_count; i++) {
        put_text(into, headers[i].key);
        put_text(into, headers[i].value);
    }
}

static void put_header(const struct tarn_batch_builder *builder, uint8_t *at, size_t size)
{
    be64_put(at, (uint64_t)builder->base_offset);
    be32_put(at + 8, (uint32_t)size - 12);
    be32_put(at + 12, (uint32_t)-1);
    at[16] = 2;
    be16_put(at + 21, (uint16_t)((builder->attributes & ~TARN_BATCH_CODEC) | (int)builder->codec));
    be32_put(at + 23, (uint32_t)builder->last_offset_delta);
    be64_put(at + 27, (uint64_t)builder->base_timestamp);
    be64_put(at + 35, (uint64_t)builder->max_timestamp);
    be64_put(at + 43, (uint64_t)builder->producer_id);
    be16_put(at + 51, (uint16_t)builder->producer_epoch);
    be32_put(at + 53, (uint32_t)builder->base_sequence);
    be32_put(at + 57, (uint32_t)builder->record_count);
    be32_put(at + 17, tarn_crc32c(0, at + TARN_BATCH_CRC_START, size - TARN_BATCH_CRC_START));
}

enum tarn_status tarn_batch_builder_finish(struct tarn_batch_builder *builder,
                                           struct tarn_record_batch *ret_batch,
                                           struct tarn_error *err)
{
    TARN_TRY(tarn_buffer_check(&builder->records, "a record batch", err));
    struct tarn_buffer *out = &builder->records;
    if (builder->codec != TARN_CODEC_NONE) {
        out = &builder->packed;
        tarn_buffer_clear(out);
        tarn_buffer_append(out, builder->records.data, TARN_BATCH_HEADER_BYTES);
        struct tarn_text records = {builder->records.data + TARN_BATCH_HEADER_BYTES,
                                    builder->records.len - TARN_BATCH_HEADER_BYTES};
        TARN_TRY(tarn_codec_compress(builder->codec, records, out, err));
    }
    put_header(builder, (uint8_t *)out->data, out->len);
    return tarn_batch_parse(tarn_buffer_text(out), ret_batch, err);
}
