/* broker/log/compact_test.c -- compaction keeps the last value of every key and nothing that was
 * replaced, deletes tombstones in time, drops aborted records, and never changes an offset. */
#include "broker/log/log_fixture.h"

enum { KEYS = 40 };

struct seen {
    char value[KEYS][32]; /* "": none */
    int64_t offset[KEYS];
    int64_t records, tombstones;
};

static void look_at_batch(struct fixture *fixture, const struct tarn_record_batch *batch,
                          struct seen *seen)
{
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    assert_int_equal(tarn_record_reader_init(&reader, batch, 1 << 20, &fixture->err), TARN_OK);
    for (;;) {
        struct tarn_record record;
        bool more;
        assert_int_equal(tarn_record_next(&reader, &record, &more, &fixture->err), TARN_OK);
        if (!more)
            return;
        int64_t key;
        assert_true(tarn_text_to_int64(record.key, &key));
        seen->records++;
        seen->tombstones += !record.value.data;
        seen->offset[key] = record.offset;
        snprintf(seen->value[key], sizeof seen->value[key], "%.*s",
                 TARN_TEXT_ARGS(record.value.data ? record.value : TARN_TEXT("")));
    }
}

static struct seen read_all(struct fixture *fixture, struct tarn_partition *partition)
{
    struct seen seen = {.records = 0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_BUFFER(bytes, 64 << 20);
    struct tarn_read read;
    struct tarn_aborted *aborted;
    size_t aborted_count;
    int64_t offset = tarn_partition_start_offset(partition);
    int64_t end = tarn_partition_end_offset(partition);
    assert_int_equal(
        tarn_partition_aborted(partition, 0, end, arena, &aborted, &aborted_count, &fixture->err),
        TARN_OK);
    if (tarn_partition_read(partition, offset, end, 32 << 20, true, &bytes, &read, &fixture->err) !=
        TARN_OK)
        fail_msg("%s", fixture->err.text);
    struct tarn_record_batch batch;
    for (size_t at = 0; at < bytes.len; at += batch.size_bytes) {
        struct tarn_text rest = {bytes.data + at, bytes.len - at};
        assert_int_equal(tarn_batch_parse(rest, &batch, &fixture->err), TARN_OK);
        assert_true(tarn_batch_crc_ok(&batch));
        bool hidden = tarn_batch_is_control(&batch);
        for (size_t i = 0; i < aborted_count; i++)
            hidden = hidden || (aborted[i].producer_id == batch.producer_id &&
                                aborted[i].first_offset <= batch.base_offset &&
                                batch.base_offset < aborted[i].last_offset);
        if (!hidden)
            look_at_batch(fixture, &batch, &seen);
    }
    return seen;
}

static void append_key(struct fixture *fixture, struct tarn_partition *partition, int key,
                       const char *value, int64_t producer, int32_t sequence, enum tarn_codec codec)
{
    char text[16];
    snprintf(text, sizeof text, "%d", key);
    fixture_append(fixture, partition,
                   (struct fixture_batch){.key = text,
                                          .value = value,
                                          .producer_id = producer,
                                          .sequence = sequence,
                                          .transactional = producer > 0,
                                          .codec = codec},
                   NULL);
}

static void end_transaction(struct fixture *fixture, struct tarn_partition *partition, int64_t id,
                            bool committed)
{
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    int64_t offset;
    uint64_t position;
    assert_int_equal(
        tarn_commit_append_marker(commit, partition, id, 0, 0, committed, &offset, &fixture->err),
        TARN_OK);
    assert_int_equal(tarn_commit_write(commit, &position, &fixture->err), TARN_OK);
}

static void keeps_the_last_of_each_key(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.settings.cleanup_policy = TARN_CLEANUP_COMPACT;
        fixture.settings.segment_bytes = 3000;
        fixture.settings.delete_retention_ms = 1000;
        fixture_open(&fixture);
        struct tarn_partition *partition = fixture_partition(&fixture, 0);
        char expected[KEYS][32] = {{0}};
        uint64_t random = seed;
        int32_t sequence = 0;
        for (int i = 0; i < 600; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            int key = (int)(random >> 33) % KEYS;
            enum tarn_codec codec = (enum tarn_codec)((random >> 40) % 5);
            char value[32];
            snprintf(value, sizeof value, "%d", i);
            if (random >> 60 == 0)
                value[0] = 0; /* a tombstone */
            if (random >> 61 == 1) {
                append_key(&fixture, partition, key, "aborted", 7, sequence++, codec);
                end_transaction(&fixture, partition, 7, false);
                continue;
            }
            append_key(&fixture, partition, key, value, 0, 0, codec);
            strcpy(expected[key], value);
            fixture.now_ms++;
            if (i % 150 == 149)
                assert_int_equal(tarn_log_settle(fixture.log, i % 300 == 299, &fixture.err),
                                 TARN_OK);
        }
        int64_t end = tarn_partition_end_offset(partition);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(tarn_log_settle(fixture.log, true, &fixture.err), TARN_OK);
            struct seen seen = read_all(&fixture, partition);
            for (int key = 0; key < KEYS; key++)
                assert_string_equal(seen.value[key], expected[key]);
            if (round == 2)
                assert_int_equal(seen.tombstones, 0);
            assert_true(seen.records <= KEYS);
            assert_int_equal(tarn_partition_end_offset(partition), end);
            struct tarn_producer producer;
            assert_true(tarn_partition_producer(partition, 7, &producer));
            assert_int_equal(producer.last_sequence, sequence - 1);
            fixture_close(&fixture);
            fixture_open(&fixture);
            partition = fixture_partition(&fixture, 0);
            fixture.now_ms += 2000; /* past the horizon of tombstones */
        }
        fixture_release(&fixture);
    }
}

static void offsets_stay(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.settings.cleanup_policy = TARN_CLEANUP_COMPACT;
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    for (int i = 0; i < 100; i++)
        append_key(&fixture, partition, i % 10, "x", 0, 0, TARN_CODEC_NONE);
    assert_int_equal(tarn_log_settle(fixture.log, true, &fixture.err), TARN_OK);
    struct seen seen = read_all(&fixture, partition);
    assert_int_equal(seen.records, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(seen.offset[i], 90 + i);
    /* a read in the gap finds the next batch */
    TARN_BUFFER(bytes, 1 << 20);
    struct tarn_read read;
    assert_int_equal(tarn_partition_read(partition, 50, 100, 1, true, &bytes, &read, &fixture.err),
                     TARN_OK);
    assert_int_equal(read.batch_count, 1);
    assert_int_equal((int64_t)bytes.data[7], 90);
    /* and nothing is compacted that need not be */
    fixture.settings.min_cleanable_dirty_ratio = 0.5;
    append_key(&fixture, partition, 3, "y", 0, 0, TARN_CODEC_NONE);
    assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
    assert_int_equal(read_all(&fixture, partition).records, 11);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_last_of_each_key),
        cmocka_unit_test(offsets_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
