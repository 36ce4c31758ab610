/* broker/log/record_batch.c -- headers and records of a batch; see record_batch.h.
 *
 * A record (DefaultRecord): length varint, attributes i8, timestampDelta varlong, offsetDelta
 * varint, keyLength varint (-1 null), key, valueLength varint, value, headers: count varint, then
 * key length, key, value length, value each. */
#include "broker/log/record_batch.h"

#include "broker/log/bytes.h"

int32_t tarn_batch_last_sequence(const struct tarn_record_batch *batch)
{
    if (batch->base_sequence < 0)
        return -1;
    return (int32_t)(((uint32_t)batch->base_sequence + (uint32_t)batch->last_offset_delta) &
                     INT32_MAX);
}

enum tarn_status tarn_batch_parse(struct tarn_text bytes, struct tarn_record_batch *ret_batch,
                                  struct tarn_error *err)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    if (bytes.len < 17)
        return tarn_fail(err, TARN_CORRUPT, "a record batch ends after %zu bytes", bytes.len);
    if (at[16] != 2)
        return tarn_fail(err, TARN_CORRUPT,
                         "a record batch has magic %d; 2 (Kafka 0.11 and later) is served", at[16]);
    if (bytes.len < TARN_BATCH_HEADER_BYTES)
        return tarn_fail(err, TARN_CORRUPT, "a record batch ends after %zu bytes", bytes.len);
    int64_t length = (int32_t)be32_get(at + 8);
    if (length < TARN_BATCH_HEADER_BYTES - 12 || (uint64_t)length + 12 > bytes.len)
        return tarn_fail(err, TARN_CORRUPT,
                         "a record batch says it has %lld bytes, and there are %zu",
                         (long long)length + 12, bytes.len);
    *ret_batch = (struct tarn_record_batch){
        .bytes = at,
        .size_bytes = (uint32_t)length + 12,
        .base_offset = (int64_t)be64_get(at),
        .leader_epoch = (int32_t)be32_get(at + 12),
        .crc = be32_get(at + 17),
        .attributes = (int16_t)be16_get(at + 21),
        .last_offset_delta = (int32_t)be32_get(at + 23),
        .base_timestamp = (int64_t)be64_get(at + 27),
        .max_timestamp = (int64_t)be64_get(at + 35),
        .producer_id = (int64_t)be64_get(at + 43),
        .producer_epoch = (int16_t)be16_get(at + 51),
        .base_sequence = (int32_t)be32_get(at + 53),
        .record_count = (int32_t)be32_get(at + 57),
    };
    return TARN_OK;
}

bool tarn_batch_crc_ok(const struct tarn_record_batch *batch)
{
    return tarn_crc32c(0, batch->bytes + TARN_BATCH_CRC_START,
                       batch->size_bytes - TARN_BATCH_CRC_START) == batch->crc;
}

enum tarn_status tarn_record_reader_init(struct tarn_record_reader *reader,
                                         const struct tarn_record_batch *batch, size_t max_bytes,
                                         struct tarn_error *err)
{
    *reader = (struct tarn_record_reader){.batch = *batch};
    tarn_buffer_init(&reader->plain, max_bytes);
    struct tarn_text records = {(const char *)batch->bytes + TARN_BATCH_HEADER_BYTES,
                                batch->size_bytes - TARN_BATCH_HEADER_BYTES};
    if (tarn_batch_codec(batch) == TARN_CODEC_NONE) {
        reader->rest = records;
        return TARN_OK;
    }
    enum tarn_status status =
        tarn_codec_decompress(tarn_batch_codec(batch), records, &reader->plain, err);
    if (status != TARN_OK) {
        tarn_buffer_release(&reader->plain);
        return status;
    }
    reader->rest = tarn_buffer_text(&reader->plain);
    return TARN_OK;
}

void tarn_record_reader_release(struct tarn_record_reader *reader)
{
    tarn_buffer_release(&reader->plain);
}

/* A length and that many bytes; -1 is null. */
static bool get_bytes(const uint8_t **at, const uint8_t *end, struct tarn_text *ret_text)
{
    int64_t len;
    if (!varint_get(at, end, &len) || len < -1 || len > end - *at)
        return false;
    *ret_text =
        len < 0 ? (struct tarn_text){0} : (struct tarn_text){(const char *)*at, (size_t)len};
    if (len > 0)
        *at += len;
    return true;
}

static bool skip_headers(const uint8_t **at, const uint8_t *end, int64_t count)
{
    struct tarn_text text;
    for (int64_t i = 0; i < count; i++) {
        if (!get_bytes(at, end, &text) || !text.data || !get_bytes(at, end, &text))
            return false;
    }
    return true;
}

static bool get_record(struct tarn_record_reader *reader, struct tarn_record *ret_record)
{
    const struct tarn_record_batch *batch = &reader->batch;
    const uint8_t *at = (const uint8_t *)reader->rest.data, *start = at;
    const uint8_t *end = at + reader->rest.len;
    int64_t len, timestamp_delta, offset_delta, header_count;
    if (!varint_get(&at, end, &len) || len < 1 || len > end - at)
        return false;
    end = at + len;
    at++; /* attributes: none are in use */
    struct tarn_record record;
    if (!varint_get(&at, end, &timestamp_delta) || !varint_get(&at, end, &offset_delta) ||
        !get_bytes(&at, end, &record.key) || !get_bytes(&at, end, &record.value) ||
        !varint_get(&at, end, &header_count) || header_count < 0 || header_count > INT32_MAX)
        return false;
    const uint8_t *headers = at;
    if (!skip_headers(&at, end, header_count) || at != end)
        return false;
    if (offset_delta < 0 || offset_delta > batch->last_offset_delta)
        return false;
    record.offset = (int64_t)((uint64_t)batch->base_offset + (uint64_t)offset_delta);
    record.timestamp = batch->attributes & TARN_BATCH_LOG_APPEND_TIME
                           ? batch->max_timestamp
                           : (int64_t)((uint64_t)batch->base_timestamp + (uint64_t)timestamp_delta);
    record.header_count = (int32_t)header_count;
    record.headers = (struct tarn_text){(const char *)headers, (size_t)(end - headers)};
    record.bytes = (struct tarn_text){(const char *)start, (size_t)(end - start)};
    reader->rest.data = (const char *)end;
    reader->rest.len -= (size_t)(end - start);
    *ret_record = record;
    return true;
}

enum tarn_status tarn_record_next(struct tarn_record_reader *reader, struct tarn_record *ret_record,
                                  bool *ret_more, struct tarn_error *err)
{
    if (reader->index == reader->batch.record_count) {
        if (reader->rest.len > 0)
            return tarn_fail(err, TARN_CORRUPT,
                             "a record batch has %zu bytes behind its %d records", reader->rest.len,
                             reader->batch.record_count);
        *ret_more = false;
        return TARN_OK;
    }
    if (!get_record(reader, ret_record))
        return tarn_fail(err, TARN_CORRUPT, "record %d of %d in a batch cannot be read",
                         reader->index, reader->batch.record_count);
    reader->index++;
    *ret_more = true;
    return TARN_OK;
}

bool tarn_record_header(struct tarn_text *headers, struct tarn_text *ret_key,
                        struct tarn_text *ret_value)
{
    const uint8_t *at = (const uint8_t *)headers->data, *end = at + headers->len;
    if (headers->len == 0 || !get_bytes(&at, end, ret_key) || !get_bytes(&at, end, ret_value))
        return false;
    *headers = (struct tarn_text){(const char *)at, (size_t)(end - at)};
    return true;
}
