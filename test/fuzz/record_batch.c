/* test/fuzz/record_batch.c -- record batches as clients send them. The first byte chooses the
 * topic's settings; length, magic and CRC of the first batch are put right, because hardly any
 * damaged input would get past them. What is accepted has as many records as it says. */
#include <assert.h>

#include "base/memory.h"
#include "broker/log/record_batch.h"
#include "broker/topics/topic_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAIN_MAX_BYTES = 1 << 20, ZSTD_VERSION = 7 };

static void put_int32(char *at, uint32_t value)
{
    for (int i = 4; i-- > 0; value >>= 8)
        at[i] = (char)value;
}

static void put_right(char *bytes, size_t len)
{
    if (len < TARN_BATCH_HEADER_BYTES)
        return;
    put_int32(bytes + 8, (uint32_t)len - 12);
    bytes[16] = 2;
    put_int32(bytes + 17, tarn_crc32c(0, bytes + TARN_BATCH_CRC_START, len - TARN_BATCH_CRC_START));
}

static bool walk(const struct tarn_record_batch *batch)
{
    struct tarn_record_reader reader;
    struct tarn_record record;
    struct tarn_error err;
    bool more = true;
    int32_t count = 0;
    if (tarn_record_reader_init(&reader, batch, PLAIN_MAX_BYTES, &err) != TARN_OK)
        return false;
    enum tarn_status status;
    while ((status = tarn_record_next(&reader, &record, &more, &err)) == TARN_OK && more) {
        struct tarn_text headers = record.headers, key, value;
        for (count++; tarn_record_header(&headers, &key, &value);)
            ;
    }
    tarn_record_reader_release(&reader);
    assert(status != TARN_OK || count == batch->record_count);
    return status == TARN_OK;
}

static void settings_of(uint8_t choice, struct tarn_topic_settings *ret)
{
    struct tarn_topic_overrides overrides = {{0}};
    struct tarn_error err;
    enum tarn_status status = tarn_topic_settings_make(&overrides, ret, &err);
    assert(status == TARN_OK);
    if (choice & 1)
        ret->cleanup_policy = TARN_CLEANUP_COMPACT;
    ret->log_append_time = choice & 2;
    if (choice & 4)
        ret->timestamp_before_max_ms = ret->timestamp_after_max_ms = 1000;
    ret->compression_type = (choice >> 3) % (TARN_TOPIC_COMPRESSION_ZSTD + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct tarn_text records = {tarn_strndup((const char *)data + 1, size - 1), size - 1};
    put_right((char *)records.data, records.len);
    struct tarn_record_batch batch;
    struct tarn_error err;
    if (tarn_batch_parse(records, &batch, &err) == TARN_OK)
        (void)walk(&batch);

    struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_settings settings;
    struct tarn_batch_check check = {.log_append_time = 0};
    settings_of(data[0], &settings);
    if (tarn_batch_validate(records, &settings, ZSTD_VERSION, 1700000000000, arena, &check, &err) ==
        TARN_KAFKA_NONE) {
        assert(tarn_batch_crc_ok(&check.batch));
        assert(check.batch.record_count == check.batch.last_offset_delta + 1);
        if (check.rewritten)
            assert(tarn_batch_codec(&check.batch) != TARN_CODEC_NONE || walk(&check.batch));
    }
    tarn_arena_free(arena);
    free((char *)records.data);
    return 0;
}
