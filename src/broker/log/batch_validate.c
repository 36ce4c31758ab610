/* broker/log/batch_validate.c -- what a client sent, checked as Kafka checks it (LogValidator,
 * UnifiedLog.analyzeAndValidateRecords), in its order and with its codes.
 *
 * The usual batch passes through: header checks, CRC, and a walk over its records. Compressed
 * records are only opened when a rule asks for it: a compacted topic, a header whose largest
 * timestamp is out of range, or another codec of the topic. */
#include "broker/log/bytes.h"
#include "broker/log/record_batch.h"
#include "broker/topics/topic_config.h"

enum { PLAIN_MAX_BYTES = 256 * 1024 * 1024, RECORD_ERRORS_MAX = 100 };

struct validation {
    const struct tarn_topic_settings *settings;
    int64_t now_ms;
    struct tarn_arena *arena;
    struct tarn_batch_check *check;
    struct tarn_error *err;
    int64_t max_timestamp; /* of the records, when they were walked */
    enum tarn_kafka_error record_error;
};

static enum tarn_kafka_error refuse(struct tarn_error *err, enum tarn_kafka_error code,
                                    const char *text)
{
    (void)tarn_fail(err, TARN_INVALID, "%s", text);
    return code;
}

static enum tarn_kafka_error check_shape(struct tarn_text records, int64_t max_message_bytes,
                                         struct tarn_record_batch *batch, struct tarn_error *err)
{
    if (records.len == 0)
        return refuse(err, TARN_KAFKA_INVALID_RECORD,
                      "a Produce request needs at least one record batch per partition");
    if (records.len >= 17 && (uint8_t)records.data[16] < 2)
        return refuse(err, TARN_KAFKA_INVALID_RECORD,
                      "Produce takes record batches of magic 2 (Kafka 0.11 and later) only");
    if (tarn_batch_parse(records, batch, err) != TARN_OK)
        return TARN_KAFKA_CORRUPT_MESSAGE;
    if (batch->size_bytes != records.len)
        return refuse(err, TARN_KAFKA_INVALID_RECORD,
                      "a Produce request takes exactly one record batch per partition");
    if (batch->base_offset != 0)
        return refuse(err, TARN_KAFKA_INVALID_RECORD, "a new batch has to have base offset 0");
    if (batch->size_bytes > max_message_bytes) {
        (void)tarn_fail(err, TARN_TOO_LARGE,
                        "a batch of %u bytes is over the topic's max.message.bytes of %lld",
                        batch->size_bytes, (long long)max_message_bytes);
        return TARN_KAFKA_MESSAGE_TOO_LARGE;
    }
    if (!tarn_batch_crc_ok(batch))
        return refuse(err, TARN_KAFKA_CORRUPT_MESSAGE, "a batch's CRC does not fit its bytes");
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error check_header(const struct tarn_record_batch *batch,
                                          int16_t produce_version, struct tarn_error *err)
{
    if (batch->record_count <= 0 || batch->last_offset_delta < 0 ||
        batch->last_offset_delta != batch->record_count - 1)
        return refuse(err, TARN_KAFKA_INVALID_RECORD,
                      "a batch's number of records does not fit its last offset");
    if (tarn_batch_is_control(batch))
        return refuse(err, TARN_KAFKA_INVALID_RECORD, "clients may not write control records");
    if (batch->producer_id >= 0 && batch->base_sequence < 0)
        return refuse(err, TARN_KAFKA_INVALID_RECORD,
                      "a batch with a producer id has no sequence number");
    if (tarn_batch_codec(batch) > TARN_CODEC_ZSTD)
        return refuse(err, TARN_KAFKA_CORRUPT_MESSAGE, "a batch has an unknown codec");
    if (tarn_batch_codec(batch) == TARN_CODEC_ZSTD && produce_version < 7)
        return refuse(err, TARN_KAFKA_UNSUPPORTED_COMPRESSION_TYPE,
                      "zstd needs Produce version 7 or later");
    if (batch->attributes & TARN_BATCH_LOG_APPEND_TIME)
        return refuse(err, TARN_KAFKA_INVALID_TIMESTAMP,
                      "a producer may not set the timestamp type LogAppendTime");
    return TARN_KAFKA_NONE;
}

static bool timestamp_fits(const struct validation *validation, int64_t timestamp)
{
    const struct tarn_topic_settings *settings = validation->settings;
    int64_t age;
    if (settings->log_append_time || timestamp == -1)
        return true;
    if (__builtin_sub_overflow(validation->now_ms, timestamp, &age))
        return false;
    return age <= settings->timestamp_before_max_ms &&
           (age > 0 || age == INT64_MIN || -age <= settings->timestamp_after_max_ms);
}

static void add_error(struct validation *validation, enum tarn_kafka_error code, int32_t index,
                      const char *message)
{
    struct tarn_batch_check *check = validation->check;
    if (validation->record_error == TARN_KAFKA_NONE)
        validation->record_error = code;
    if (check->error_count == RECORD_ERRORS_MAX)
        return;
    if (!check->errors)
        check->errors =
            tarn_arena_array(validation->arena, RECORD_ERRORS_MAX, sizeof *check->errors);
    check->errors[check->error_count++] = (struct tarn_record_error){index, message};
}

static void check_record(struct validation *validation, const struct tarn_record *record,
                         int32_t index)
{
    if ((validation->settings->cleanup_policy & TARN_CLEANUP_COMPACT) && !record->key.data)
        add_error(validation, TARN_KAFKA_INVALID_RECORD, index,
                  "Compacted topic cannot accept message without key.");
    else if (!timestamp_fits(validation, record->timestamp))
        add_error(validation, TARN_KAFKA_INVALID_TIMESTAMP, index,
                  tarn_arena_format(validation->arena,
                                    "Timestamp %lld of message is out of range: now is %lld.",
                                    (long long)record->timestamp, (long long)validation->now_ms));
    if (record->timestamp > validation->max_timestamp)
        validation->max_timestamp = record->timestamp;
}

static enum tarn_kafka_error walk(struct validation *validation,
                                  const struct tarn_record_batch *batch)
{
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    enum tarn_status status =
        tarn_record_reader_init(&reader, batch, PLAIN_MAX_BYTES, validation->err);
    struct tarn_record record;
    bool more = true;
    while (status == TARN_OK) {
        status = tarn_record_next(&reader, &record, &more, validation->err);
        if (status != TARN_OK || !more)
            break;
        if (record.offset != batch->base_offset + reader.index - 1)
            return refuse(validation->err, TARN_KAFKA_INVALID_RECORD,
                          "a batch's records are not numbered one after the other");
        check_record(validation, &record, reader.index - 1);
    }
    if (status == TARN_TOO_LARGE)
        return TARN_KAFKA_MESSAGE_TOO_LARGE;
    if (status != TARN_OK)
        return tarn_batch_codec(batch) == TARN_CODEC_NONE ? TARN_KAFKA_INVALID_RECORD
                                                          : TARN_KAFKA_CORRUPT_MESSAGE;
    if (validation->record_error != TARN_KAFKA_NONE)
        return refuse(validation->err, validation->record_error,
                      validation->check->errors[0].message);
    return TARN_KAFKA_NONE;
}

/* The codec that the topic asks for; the batch's own with "producer". */
static enum tarn_codec wanted_codec(const struct tarn_topic_settings *settings,
                                    const struct tarn_record_batch *batch)
{
    if (settings->compression_type == TARN_TOPIC_COMPRESSION_PRODUCER)
        return tarn_batch_codec(batch);
    return (enum tarn_codec)(settings->compression_type - TARN_TOPIC_COMPRESSION_NONE);
}

/* The batch again, with other records behind the same header. */
static enum tarn_kafka_error recompress(struct validation *validation, enum tarn_codec codec,
                                        struct tarn_record_batch *batch)
{
    TARN_BUFFER(plain, PLAIN_MAX_BYTES);
    TARN_BUFFER(packed, PLAIN_MAX_BYTES);
    struct tarn_text records = {(const char *)batch->bytes + TARN_BATCH_HEADER_BYTES,
                                batch->size_bytes - TARN_BATCH_HEADER_BYTES};
    if (tarn_codec_decompress(tarn_batch_codec(batch), records, &plain, validation->err) != TARN_OK)
        return TARN_KAFKA_CORRUPT_MESSAGE;
    tarn_buffer_append(&packed, batch->bytes, TARN_BATCH_HEADER_BYTES);
    if (tarn_codec_compress(codec, tarn_buffer_text(&plain), &packed, validation->err) != TARN_OK ||
        packed.len > INT32_MAX)
        return TARN_KAFKA_MESSAGE_TOO_LARGE;
    uint8_t *copy = (uint8_t *)tarn_arena_strndup(validation->arena, packed.data, packed.len);
    batch->bytes = copy;
    batch->size_bytes = (uint32_t)packed.len;
    batch->attributes = (int16_t)((batch->attributes & ~TARN_BATCH_CODEC) | (int)codec);
    be32_put(copy + 8, batch->size_bytes - 12);
    validation->check->rewritten = true;
    return TARN_KAFKA_NONE;
}

/* Puts the header's numbers that may have changed into bytes of our own, and the CRC of the result.
 */
static void rewrite_header(struct validation *validation, struct tarn_record_batch *batch)
{
    uint8_t *copy = (uint8_t *)(uintptr_t)batch->bytes;
    if (!validation->check->rewritten)
        copy = (uint8_t *)tarn_arena_strndup(validation->arena, (const char *)batch->bytes,
                                             batch->size_bytes);
    be16_put(copy + 21, (uint16_t)batch->attributes);
    be64_put(copy + 35, (uint64_t)batch->max_timestamp);
    batch->crc =
        tarn_crc32c(0, copy + TARN_BATCH_CRC_START, batch->size_bytes - TARN_BATCH_CRC_START);
    be32_put(copy + 17, batch->crc);
    batch->bytes = copy;
    validation->check->rewritten = true;
}

static bool needs_walk(const struct validation *validation, const struct tarn_record_batch *batch,
                       enum tarn_codec wanted)
{
    return tarn_batch_codec(batch) == TARN_CODEC_NONE || tarn_batch_codec(batch) != wanted ||
           (validation->settings->cleanup_policy & TARN_CLEANUP_COMPACT) ||
           !timestamp_fits(validation, batch->max_timestamp) ||
           !timestamp_fits(validation, batch->base_timestamp);
}

enum tarn_kafka_error
tarn_batch_validate(struct tarn_text records, const struct tarn_topic_settings *settings,
                    int16_t produce_version, int64_t now_ms, struct tarn_arena *arena,
                    struct tarn_batch_check *ret_check, struct tarn_error *err)
{
    *ret_check = (struct tarn_batch_check){.log_append_time = -1};
    struct validation validation = {.settings = settings,
                                    .now_ms = now_ms,
                                    .arena = arena,
                                    .check = ret_check,
                                    .err = err,
                                    .max_timestamp = -1};
    struct tarn_record_batch batch;
    enum tarn_kafka_error code = check_shape(records, settings->max_message_bytes, &batch, err);
    if (code == TARN_KAFKA_NONE)
        code = check_header(&batch, produce_version, err);
    if (code != TARN_KAFKA_NONE)
        return code;

    enum tarn_codec wanted = wanted_codec(settings, &batch);
    int64_t max_timestamp = batch.max_timestamp;
    if (needs_walk(&validation, &batch, wanted)) {
        code = walk(&validation, &batch);
        if (code != TARN_KAFKA_NONE)
            return code;
        max_timestamp = validation.max_timestamp;
    }
    if (wanted != tarn_batch_codec(&batch)) {
        code = recompress(&validation, wanted, &batch);
        if (code != TARN_KAFKA_NONE)
            return code;
        if (batch.size_bytes > settings->max_message_bytes)
            return refuse(err, TARN_KAFKA_MESSAGE_TOO_LARGE,
                          "a batch is over the topic's max.message.bytes in the topic's codec");
    }
    if (settings->log_append_time) {
        batch.attributes |= TARN_BATCH_LOG_APPEND_TIME;
        max_timestamp = ret_check->log_append_time = now_ms;
    }
    if (ret_check->rewritten || settings->log_append_time || max_timestamp != batch.max_timestamp) {
        batch.max_timestamp = max_timestamp;
        rewrite_header(&validation, &batch);
    }
    ret_check->batch = batch;
    return TARN_KAFKA_NONE;
}
