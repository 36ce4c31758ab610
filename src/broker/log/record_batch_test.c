/* broker/log/record_batch_test.c -- CRC-32C, codecs, records, and what Kafka refuses. */
#include "broker/log/bytes.h"
#include "broker/log/log_fixture.h"

static void crc(void **state)
{
    (void)state;
    /* RFC 3720, B.4 */
    uint8_t bytes[32] = {0};
    assert_int_equal(tarn_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(tarn_crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(tarn_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(tarn_crc32c(0, "123456789", 9), 0xe3069283);
    enum { LEN = 20000 };
    uint8_t *large = tarn_alloc(LEN);
    for (int i = 0; i < LEN; i++)
        large[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t len = 0; len < LEN; len += len < 500 ? 1 : 331) {
        size_t at = len % 9;
        uint32_t expected = tarn_crc32c_portable(0, large + at, len - (len > at ? at : len));
        assert_int_equal(tarn_crc32c(0, large + at, len - (len > at ? at : len)), expected);
        assert_int_equal(
            tarn_crc32c(tarn_crc32c(0, large, len / 2), large + len / 2, len - len / 2),
            tarn_crc32c_portable(0, large, len));
    }
    free(large);
}

static void codecs_round_trip(void **state)
{
    (void)state;
    struct tarn_error err;
    static const size_t sizes[] = {0, 1, 100, 32768, 32769, 700000};
    for (size_t i = 0; i < TARN_COUNT(sizes); i++) {
        char *text = tarn_alloc(sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++)
            text[j] = (char)(j % 251 * (j >> 12));
        struct tarn_text input = {text, sizes[i]};
        for (int codec = TARN_CODEC_NONE; codec <= TARN_CODEC_ZSTD; codec++) {
            TARN_BUFFER(packed, 2000000);
            TARN_BUFFER(plain, 700000);
            assert_int_equal(tarn_codec_compress((enum tarn_codec)codec, input, &packed, &err),
                             TARN_OK);
            assert_int_equal(tarn_codec_decompress((enum tarn_codec)codec,
                                                   tarn_buffer_text(&packed), &plain, &err),
                             TARN_OK);
            assert_true(tarn_text_equal(tarn_buffer_text(&plain), input));
            if (sizes[i] < 2)
                continue;
            /* over the limit, and cut off */
            TARN_BUFFER(small, sizes[i] - 1);
            assert_int_equal(tarn_codec_decompress((enum tarn_codec)codec,
                                                   tarn_buffer_text(&packed), &small, &err),
                             TARN_TOO_LARGE);
            if (codec == TARN_CODEC_NONE)
                continue;
            tarn_buffer_clear(&plain);
            struct tarn_text half = {packed.data, packed.len - 1 - packed.len / 5};
            assert_int_equal(tarn_codec_decompress((enum tarn_codec)codec, half, &plain, &err),
                             TARN_CORRUPT);
        }
        free(text);
    }
    /* raw snappy without the framing: "a" */
    TARN_BUFFER(plain, 100);
    assert_int_equal(tarn_codec_decompress(TARN_CODEC_SNAPPY,
                                           (struct tarn_text){"\x03\x08"
                                                              "abc",
                                                              5},
                                           &plain, &err),
                     TARN_OK);
    assert_string_equal(tarn_buffer_str(&plain), "abc");
}

static void records(void **state)
{
    (void)state;
    struct tarn_error err;
    for (int codec = TARN_CODEC_NONE; codec <= TARN_CODEC_ZSTD; codec++) {
        TARN_AUTO(tarn_batch_builder_release) struct tarn_batch_builder builder;
        tarn_batch_builder_init(&builder, (enum tarn_codec)codec, 100000);
        struct tarn_record_header_in headers[] = {{TARN_TEXT("h"), TARN_TEXT("1")},
                                                  {TARN_TEXT("none"), {NULL, 0}}};
        tarn_batch_builder_add(&builder, 1000, TARN_TEXT("key"), TARN_TEXT("value"), headers, 2);
        tarn_batch_builder_add(&builder, 900, (struct tarn_text){0}, (struct tarn_text){0}, NULL,
                               0);
        tarn_batch_builder_add(&builder, 5000, TARN_TEXT(""), TARN_TEXT(""), NULL, 0);
        struct tarn_record_batch batch;
        assert_int_equal(tarn_batch_builder_finish(&builder, &batch, &err), TARN_OK);
        assert_true(tarn_batch_crc_ok(&batch));
        assert_int_equal(batch.record_count, 3);
        assert_int_equal(batch.base_timestamp, 1000);
        assert_int_equal(batch.max_timestamp, 5000);
        batch.base_offset = 70;
        TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader;
        struct tarn_record record;
        bool more;
        assert_int_equal(tarn_record_reader_init(&reader, &batch, 100000, &err), TARN_OK);
        assert_int_equal(tarn_record_next(&reader, &record, &more, &err), TARN_OK);
        assert_true(tarn_text_is(record.key, "key") && tarn_text_is(record.value, "value"));
        struct tarn_text key, value;
        assert_true(tarn_record_header(&record.headers, &key, &value));
        assert_true(tarn_text_is(key, "h") && tarn_text_is(value, "1"));
        assert_true(tarn_record_header(&record.headers, &key, &value));
        assert_true(tarn_text_is(key, "none") && !value.data);
        assert_false(tarn_record_header(&record.headers, &key, &value));
        assert_int_equal(tarn_record_next(&reader, &record, &more, &err), TARN_OK);
        assert_true(!record.key.data && !record.value.data);
        assert_int_equal(record.offset, 71);
        assert_int_equal(record.timestamp, 900);
        assert_int_equal(tarn_record_next(&reader, &record, &more, &err), TARN_OK);
        assert_true(record.key.data && record.key.len == 0);
        assert_int_equal(tarn_record_next(&reader, &record, &more, &err), TARN_OK);
        assert_false(more);
    }
}

/* One batch from a client, damaged in one way. */
struct refusal {
    const char *what;
    int at, bytes; /* header field to overwrite; bytes 0: none */
    int64_t value;
    bool keep_crc;
    enum tarn_kafka_error code;
};

static enum tarn_kafka_error validate(struct fixture *fixture, struct tarn_text records,
                                      int16_t version, struct tarn_arena *arena,
                                      struct tarn_batch_check *check)
{
    return tarn_batch_validate(records, &fixture->settings, version, fixture->now_ms, arena, check,
                               &fixture->err);
}

static void damage(uint8_t *bytes, size_t len, const struct refusal *refusal)
{
    if (refusal->bytes == 1)
        bytes[refusal->at] = (uint8_t)refusal->value;
    else if (refusal->bytes == 2)
        be16_put(bytes + refusal->at, (uint16_t)refusal->value);
    else if (refusal->bytes == 4)
        be32_put(bytes + refusal->at, (uint32_t)refusal->value);
    else if (refusal->bytes == 8)
        be64_put(bytes + refusal->at, (uint64_t)refusal->value);
    if (!refusal->keep_crc)
        be32_put(bytes + 17, tarn_crc32c(0, bytes + 21, len - 21));
}

static void refusals(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    static const struct refusal rows[] = {
        {"nothing wrong", 0, 0, 0, false, TARN_KAFKA_NONE},
        {"base offset", 0, 8, 5, false, TARN_KAFKA_INVALID_RECORD},
        {"length too large", 8, 4, 4000, true, TARN_KAFKA_CORRUPT_MESSAGE},
        {"length negative", 8, 4, -1, true, TARN_KAFKA_CORRUPT_MESSAGE},
        {"length too small", 8, 4, 60, true, TARN_KAFKA_INVALID_RECORD},
        {"magic 1", 16, 1, 1, true, TARN_KAFKA_INVALID_RECORD},
        {"magic 3", 16, 1, 3, true, TARN_KAFKA_CORRUPT_MESSAGE},
        {"crc", 17, 4, 1, true, TARN_KAFKA_CORRUPT_MESSAGE},
        {"a byte of a record", 70, 1, 1, true, TARN_KAFKA_CORRUPT_MESSAGE},
        {"control", 21, 2, 32, false, TARN_KAFKA_INVALID_RECORD},
        {"log append time", 21, 2, 8, false, TARN_KAFKA_INVALID_TIMESTAMP},
        {"unknown codec", 21, 2, 5, false, TARN_KAFKA_CORRUPT_MESSAGE},
        {"gzip that is none", 21, 2, 1, false, TARN_KAFKA_NONE}, /* not looked into */
        {"last offset delta", 23, 4, 7, false, TARN_KAFKA_INVALID_RECORD},
        {"last offset delta negative", 23, 4, -3, false, TARN_KAFKA_INVALID_RECORD},
        {"no sequence", 43, 8, 77, false, TARN_KAFKA_INVALID_RECORD},
        {"count", 57, 4, 0, false, TARN_KAFKA_INVALID_RECORD},
        {"timestamp in the far future", 27, 8, 1800000000000, false, TARN_KAFKA_INVALID_TIMESTAMP},
    };
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    for (size_t i = 0; i < TARN_COUNT(rows); i++) {
        struct tarn_batch_builder builder;
        struct fixture_batch what = {.count = 3};
        struct tarn_record_batch batch = fixture_build(&fixture, &builder, &what);
        struct tarn_batch_check check;
        damage((uint8_t *)builder.records.data, batch.size_bytes, &rows[i]);
        enum tarn_kafka_error code =
            validate(&fixture, tarn_buffer_text(&builder.records), 9, arena, &check);
        if (code != rows[i].code)
            fail_msg("%s: %d", rows[i].what, code);
        tarn_batch_builder_release(&builder);
    }
    struct tarn_batch_check check;
    assert_int_equal(validate(&fixture, TARN_TEXT(""), 9, arena, &check),
                     TARN_KAFKA_INVALID_RECORD);
    fixture_release(&fixture);
}

static void rules_of_the_topic(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    for (int codec = TARN_CODEC_NONE; codec <= TARN_CODEC_ZSTD; codec++) {
        TARN_AUTO(tarn_batch_builder_release) struct tarn_batch_builder builder;
        tarn_batch_builder_init(&builder, (enum tarn_codec)codec, 100000);
        int64_t now = fixture.now_ms;
        tarn_batch_builder_add(&builder, now - 10, TARN_TEXT("k"), TARN_TEXT("v"), NULL, 0);
        tarn_batch_builder_add(&builder, now - 20, (struct tarn_text){0}, TARN_TEXT("v"), NULL, 0);
        struct tarn_record_batch batch;
        struct tarn_batch_check check;
        assert_int_equal(tarn_batch_builder_finish(&builder, &batch, &fixture.err), TARN_OK);
        struct tarn_text bytes = {(const char *)batch.bytes, batch.size_bytes};
        struct tarn_topic_settings plain = fixture.settings;

        assert_int_equal(validate(&fixture, bytes, 6, arena, &check),
                         codec == TARN_CODEC_ZSTD ? TARN_KAFKA_UNSUPPORTED_COMPRESSION_TYPE
                                                  : TARN_KAFKA_NONE);
        assert_int_equal(validate(&fixture, bytes, 7, arena, &check), TARN_KAFKA_NONE);
        assert_false(check.rewritten);
        assert_ptr_equal(check.batch.bytes, batch.bytes);

        fixture.settings.cleanup_policy = TARN_CLEANUP_COMPACT;
        assert_int_equal(validate(&fixture, bytes, 9, arena, &check), TARN_KAFKA_INVALID_RECORD);
        assert_int_equal(check.error_count, 1);
        assert_int_equal(check.errors[0].index, 1);
        fixture.settings = plain;

        fixture.settings.timestamp_before_max_ms = 15;
        assert_int_equal(validate(&fixture, bytes, 9, arena, &check),
                         codec ? TARN_KAFKA_NONE : TARN_KAFKA_INVALID_TIMESTAMP);
        fixture.settings.timestamp_before_max_ms = 5;
        assert_int_equal(validate(&fixture, bytes, 9, arena, &check), TARN_KAFKA_INVALID_TIMESTAMP);
        assert_int_equal(check.error_count, 2);
        fixture.settings = plain;

        fixture.settings.max_message_bytes = batch.size_bytes - 1;
        assert_int_equal(validate(&fixture, bytes, 9, arena, &check), TARN_KAFKA_MESSAGE_TOO_LARGE);
        fixture.settings = plain;

        fixture.settings.log_append_time = true;
        assert_int_equal(validate(&fixture, bytes, 9, arena, &check), TARN_KAFKA_NONE);
        assert_int_equal(check.log_append_time, now);
        assert_int_equal(check.batch.max_timestamp, now);
        assert_true(check.batch.attributes & TARN_BATCH_LOG_APPEND_TIME);
        assert_true(tarn_batch_crc_ok(&check.batch));
        fixture.settings = plain;

        for (int wanted = TARN_TOPIC_COMPRESSION_NONE; wanted <= TARN_TOPIC_COMPRESSION_ZSTD;
             wanted++) {
            fixture.settings.compression_type = wanted;
            assert_int_equal(validate(&fixture, bytes, 9, arena, &check), TARN_KAFKA_NONE);
            assert_int_equal(tarn_batch_codec(&check.batch), wanted - TARN_TOPIC_COMPRESSION_NONE);
            assert_true(tarn_batch_crc_ok(&check.batch));
            TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader;
            struct tarn_record record;
            bool more;
            assert_int_equal(tarn_record_reader_init(&reader, &check.batch, 10000, &fixture.err),
                             TARN_OK);
            assert_int_equal(tarn_record_next(&reader, &record, &more, &fixture.err), TARN_OK);
            assert_true(tarn_text_is(record.key, "k"));
        }
        fixture.settings = plain;
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc),      cmocka_unit_test(codecs_round_trip),  cmocka_unit_test(records),
        cmocka_unit_test(refusals), cmocka_unit_test(rules_of_the_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
