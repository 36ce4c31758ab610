/* broker/log/log_test.c -- appending, reading, reopening, producers and transactions, copying into
 * segments, deleting. */
#include "broker/log/log_fixture.h"

static void append_read_reopen(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    assert_true(tarn_log_recovery(fixture.log)->clean);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    uint64_t position;
    assert_int_equal(fixture_append(&fixture, partition, (struct fixture_batch){.count = 3}, NULL),
                     0);
    assert_int_equal(
        fixture_append(&fixture, partition, (struct fixture_batch){.count = 2}, &position), 3);
    assert_int_equal(fixture_sync(&fixture, position), TARN_OK);
    fixture_put(&fixture, "topic/a", "one");
    fixture_put(&fixture, "topic/b", "two");
    assert_int_equal(tarn_partition_end_offset(partition), 5);
    assert_int_equal(fixture_count(&fixture, partition, 0, 1), 5);
    assert_int_equal(fixture_count(&fixture, partition, 4, 1 << 20), 2); /* the whole batch */

    struct tarn_read read;
    TARN_BUFFER(bytes, 1 << 20);
    assert_int_equal(tarn_partition_read(partition, 6, 6, 100, true, &bytes, &read, &fixture.err),
                     TARN_NOT_FOUND);
    assert_int_equal(tarn_partition_read(partition, 5, 5, 100, true, &bytes, &read, &fixture.err),
                     TARN_OK);
    assert_int_equal(read.batch_count, 0);

    for (int round = 0; round < 3; round++) {
        fixture_close(&fixture);
        fixture_open(&fixture);
        assert_true(tarn_log_recovery(fixture.log)->clean);
        partition = fixture_partition(&fixture, 0);
        assert_int_equal(tarn_partition_end_offset(partition), 5 + round);
        assert_int_equal(fixture_count(&fixture, partition, 0, 1 << 20), 5 + round);
        struct tarn_text value = tarn_journal_get(fixture.log, TARN_TEXT("topic/b"));
        assert_true(tarn_text_is(value, "two"));
        assert_int_equal(fixture_append(&fixture, partition, (struct fixture_batch){0}, NULL),
                         5 + round);
        assert_int_equal(tarn_log_leader_epoch(fixture.log), 0);
    }
    fixture_release(&fixture);
}

static bool count_key(void *context, struct tarn_text key, struct tarn_text value)
{
    (void)value;
    assert_true(tarn_text_starts(key, "b/"));
    return ++*(int *)context < 100;
}

static void journal(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    for (int i = 0; i < 300; i++) {
        char key[32];
        snprintf(key, sizeof key, "%c/%03d", "abc"[i % 3], i);
        fixture_put(&fixture, key, key);
    }
    struct tarn_commit *commit = tarn_commit_begin(fixture.log);
    tarn_commit_delete(commit, TARN_TEXT("b/001"));
    tarn_commit_delete(commit, TARN_TEXT("b/none"));
    tarn_commit_put(commit, TARN_TEXT("b/004"), TARN_TEXT(""));
    uint64_t position;
    assert_int_equal(tarn_commit_write(commit, &position, &fixture.err), TARN_OK);
    for (int round = 0; round < 3; round++) {
        int count = 0;
        tarn_journal_each(fixture.log, TARN_TEXT("b/"), count_key, &count);
        assert_int_equal(count, 99);
        assert_null(tarn_journal_get(fixture.log, TARN_TEXT("b/001")).data);
        assert_int_equal(tarn_journal_get(fixture.log, TARN_TEXT("b/004")).len, 0);
        assert_non_null(tarn_journal_get(fixture.log, TARN_TEXT("b/004")).data);
        assert_int_equal(tarn_journal_count(fixture.log), 299);
        if (round == 1)
            assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
        fixture_close(&fixture);
        fixture_open(&fixture);
    }
    commit = tarn_commit_begin(fixture.log);
    tarn_commit_put(commit, TARN_TEXT(""), TARN_TEXT("no key"));
    assert_int_equal(tarn_commit_write(commit, &position, &fixture.err), TARN_TOO_LARGE);
    fixture_release(&fixture);
}

/* Many files fill up, are copied and used again; everything stays readable all the time. */
static void copies_to_segments(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.settings.segment_bytes = 100 * 1000;
    fixture_open(&fixture);
    struct tarn_partition *partitions[12];
    for (int i = 0; i < 12; i++)
        partitions[i] = fixture_partition(&fixture, i);
    uint64_t position = 0;
    for (int i = 0; i < 3000; i++) {
        fixture.now_ms++;
        size_t size = i % 50 == 0 ? 20000 : (size_t)(i % 13) * 100;
        struct tarn_partition *partition = partitions[(i * 7) % (i % 2 ? 12 : 3)];
        assert_true(fixture_append(&fixture, partition,
                                   (struct fixture_batch){.value_bytes = size, .count = 1 + i % 3},
                                   &position) >= 0);
        if (i % 100 == 0)
            tarn_log_poll(fixture.log);
    }
    assert_int_equal(fixture_sync(&fixture, position), TARN_OK);
    int64_t ends[12], sizes[12];
    for (int i = 0; i < 12; i++) {
        ends[i] = tarn_partition_end_offset(partitions[i]);
        sizes[i] = tarn_partition_size_bytes(partitions[i]);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 12; i++) {
            partitions[i] = fixture_partition(&fixture, i);
            assert_int_equal(tarn_partition_end_offset(partitions[i]), ends[i]);
            assert_int_equal(tarn_partition_size_bytes(partitions[i]), sizes[i]);
            uint32_t chunk = round % 2 ? 1 << 20 : 3000;
            assert_int_equal(fixture_count(&fixture, partitions[i], 0, chunk), ends[i]);
            /* a batch of up to three may begin up to two before */
            assert_in_range(fixture_count(&fixture, partitions[i], ends[i] / 2, chunk),
                            ends[i] - ends[i] / 2, ends[i] - ends[i] / 2 + 2);
        }
        if (round == 0) {
            assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
        } else {
            fixture_close(&fixture);
            fixture_open(&fixture);
            assert_true(tarn_log_recovery(fixture.log)->clean);
        }
    }
    fixture_release(&fixture);
}

static enum tarn_kafka_error check(struct fixture *fixture, struct tarn_partition *partition,
                                   struct fixture_batch what, int64_t *ret_duplicate)
{
    struct tarn_batch_builder builder;
    struct tarn_record_batch batch = fixture_build(fixture, &builder, &what);
    struct tarn_duplicate duplicate;
    enum tarn_kafka_error code =
        tarn_partition_check_producer(partition, &batch, &duplicate, &fixture->err);
    *ret_duplicate = duplicate.base_offset;
    tarn_batch_builder_release(&builder);
    return code;
}

#define BATCH(...) ((struct fixture_batch){__VA_ARGS__})

static void producers(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    int64_t duplicate;
    for (int i = 0; i < 7; i++)
        assert_int_equal(fixture_append(&fixture, partition,
                                        BATCH(.producer_id = 9, .sequence = 3 * i, .count = 3),
                                        NULL),
                         3 * i);
    for (int round = 0; round < 4; round++) {
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .sequence = 18, .count = 3), &duplicate),
                         TARN_KAFKA_NONE);
        assert_int_equal(duplicate, 18);
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .sequence = 6, .count = 3), &duplicate),
                         TARN_KAFKA_NONE);
        assert_int_equal(duplicate, 6);
        /* the sixth from the end is not remembered */
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .sequence = 3, .count = 3), &duplicate),
                         TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .sequence = 18, .count = 2), &duplicate),
                         TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        assert_int_equal(
            check(&fixture, partition, BATCH(.producer_id = 9, .sequence = 22), &duplicate),
            TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        assert_int_equal(
            check(&fixture, partition, BATCH(.producer_id = 9, .sequence = 21), &duplicate),
            TARN_KAFKA_NONE);
        assert_int_equal(duplicate, -1);
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .epoch = 1, .sequence = 1), &duplicate),
                         TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
        assert_int_equal(check(&fixture, partition,
                               BATCH(.producer_id = 9, .epoch = 1, .sequence = 0), &duplicate),
                         TARN_KAFKA_NONE);
        assert_int_equal(
            check(&fixture, partition, BATCH(.producer_id = 8, .sequence = 77), &duplicate),
            TARN_KAFKA_NONE);
        if (round == 1)
            assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
        fixture_close(&fixture);
        fixture_open(&fixture);
        partition = fixture_partition(&fixture, 0);
    }
    /* sequences wrap */
    fixture_append(&fixture, partition,
                   BATCH(.producer_id = 5, .sequence = INT32_MAX - 1, .count = 4), NULL);
    assert_int_equal(check(&fixture, partition, BATCH(.producer_id = 5, .sequence = 2), &duplicate),
                     TARN_KAFKA_NONE);
    assert_int_equal(check(&fixture, partition,
                           BATCH(.producer_id = 5, .sequence = INT32_MAX - 1, .count = 4),
                           &duplicate),
                     TARN_KAFKA_NONE);
    assert_int_equal(duplicate, 21);
    fixture_append(&fixture, partition, BATCH(.producer_id = 9, .epoch = 2), NULL);
    assert_int_equal(
        check(&fixture, partition, BATCH(.producer_id = 9, .epoch = 1, .sequence = 5), &duplicate),
        TARN_KAFKA_INVALID_PRODUCER_EPOCH);
    fixture.now_ms += 24 * 3600 * 1000;
    assert_int_equal(
        check(&fixture, partition, BATCH(.producer_id = 9, .epoch = 1, .sequence = 5), &duplicate),
        TARN_KAFKA_NONE);
    fixture_release(&fixture);
}

static void end_transaction(struct fixture *fixture, struct tarn_partition *partition, int64_t id,
                            bool committed)
{
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    int64_t offset;
    uint64_t position;
    assert_int_equal(
        tarn_commit_append_marker(commit, partition, id, 0, 7, committed, &offset, &fixture->err),
        TARN_OK);
    tarn_commit_put(commit, TARN_TEXT("transaction/x"), TARN_TEXT("done"));
    assert_int_equal(tarn_commit_write(commit, &position, &fixture->err), TARN_OK);
}

static void transactions(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    fixture_append(&fixture, partition, BATCH(.count = 2), NULL);
    fixture_append(&fixture, partition, BATCH(.producer_id = 1, .transactional = true, .count = 2),
                   NULL);
    fixture_append(&fixture, partition, BATCH(.producer_id = 2, .transactional = true, .count = 2),
                   NULL);
    fixture_append(&fixture, partition, BATCH(.count = 1), NULL);
    assert_int_equal(tarn_partition_last_stable_offset(partition), 2);
    int64_t duplicate;
    assert_int_equal(check(&fixture, partition, BATCH(.producer_id = 1, .sequence = 2), &duplicate),
                     TARN_KAFKA_INVALID_TXN_STATE);
    end_transaction(&fixture, partition, 1, false);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(tarn_partition_last_stable_offset(partition), 4);
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        struct tarn_aborted *aborted;
        size_t count;
        assert_int_equal(
            tarn_partition_aborted(partition, 0, 8, arena, &aborted, &count, &fixture.err),
            TARN_OK);
        assert_int_equal(count, 1);
        assert_int_equal(aborted[0].producer_id, 1);
        assert_int_equal(aborted[0].first_offset, 2);
        assert_int_equal(aborted[0].last_offset, 7);
        assert_int_equal(
            tarn_partition_aborted(partition, 0, 2, arena, &aborted, &count, &fixture.err),
            TARN_OK);
        assert_int_equal(count, 0);
        assert_int_equal(
            tarn_partition_aborted(partition, 8, 10, arena, &aborted, &count, &fixture.err),
            TARN_OK);
        assert_int_equal(count, 0);
        struct tarn_producer producer;
        assert_true(tarn_partition_producer(partition, 2, &producer));
        assert_int_equal(producer.transaction_start, 4);
        assert_true(tarn_partition_producer(partition, 1, &producer));
        assert_int_equal(producer.transaction_start, -1);
        assert_int_equal(producer.coordinator_epoch, 7);
        if (round == 1)
            assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
        fixture_close(&fixture);
        fixture_open(&fixture);
        partition = fixture_partition(&fixture, 0);
    }
    end_transaction(&fixture, partition, 2, true);
    assert_int_equal(tarn_partition_last_stable_offset(partition), 9);
    /* a marker alone fences lower epochs */
    end_transaction(&fixture, partition, 3, false);
    assert_int_equal(tarn_partition_last_stable_offset(partition), 10);
    fixture_release(&fixture);
}

static void lookups_by_time(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    int64_t t = fixture.now_ms;
    for (int i = 0; i < 200; i++)
        fixture_append(&fixture, partition,
                       BATCH(.count = 5, .timestamp = t + i * 10, .codec = (enum tarn_codec)(i % 5),
                             .value_bytes = 300),
                       NULL);
    for (int round = 0; round < 2; round++) {
        struct tarn_timestamp_offset found;
        assert_int_equal(tarn_partition_find_timestamp(partition, 0, 1000, &found, &fixture.err),
                         TARN_OK);
        assert_int_equal(found.offset, 0);
        for (int i = 0; i < 200; i += 7) {
            assert_int_equal(tarn_partition_find_timestamp(partition, t + i * 10 + 3, 1000, &found,
                                                           &fixture.err),
                             TARN_OK);
            assert_int_equal(found.offset, i * 5 + 3);
            assert_int_equal(found.timestamp, t + i * 10 + 3);
            if (i < 199) {
                assert_int_equal(tarn_partition_find_timestamp(partition, t + i * 10 + 5, 1000,
                                                               &found, &fixture.err),
                                 TARN_OK);
                assert_int_equal(found.offset, i * 5 + 5);
            }
        }
        assert_int_equal(
            tarn_partition_find_timestamp(partition, t + 10000, 1000, &found, &fixture.err),
            TARN_OK);
        assert_int_equal(found.offset, -1);
        assert_int_equal(tarn_partition_max_timestamp(partition, &found, &fixture.err), TARN_OK);
        assert_int_equal(found.offset, 999);
        assert_int_equal(found.timestamp, t + 1994);
        assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
    }
    fixture_release(&fixture);
}

static void delete_and_retain(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.settings.segment_bytes = 10000;
    fixture.settings.retention_ms = 1000 * 1000;
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    for (int i = 0; i < 100; i++) {
        fixture.now_ms += 1000;
        fixture_append(&fixture, partition, BATCH(.value_bytes = 900), NULL);
    }
    assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
    struct tarn_commit *commit = tarn_commit_begin(fixture.log);
    uint64_t position;
    tarn_commit_delete_before(commit, partition, 25);
    assert_int_equal(tarn_commit_write(commit, &position, &fixture.err), TARN_OK);
    assert_int_equal(tarn_partition_start_offset(partition), 25);
    assert_int_equal(fixture_count(&fixture, partition, 25, 1 << 20), 75);
    fixture_close(&fixture);
    fixture_open(&fixture);
    partition = fixture_partition(&fixture, 0);
    assert_int_equal(tarn_partition_start_offset(partition), 25);

    fixture.settings.retention_bytes = 50000;
    assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
    int64_t start = tarn_partition_start_offset(partition);
    assert_in_range(start, 40, 50);
    assert_in_range(tarn_partition_size_bytes(partition), 50000, 62000);
    assert_int_equal(fixture_count(&fixture, partition, start, 1 << 20), 100 - start);

    /* nothing to do in between: a few looks at what is due lead there */
    for (int looks = 0; tarn_partition_start_offset(partition) == start; looks++) {
        assert_true(looks < 5);
        assert_true(tarn_log_next_deadline_ms(fixture.log) >= fixture.now_ms);
        fixture.now_ms = tarn_log_next_deadline_ms(fixture.log);
        tarn_log_poll(fixture.log);
    }
    assert_true(tarn_partition_end_offset(partition) > tarn_partition_start_offset(partition));
    fixture.now_ms += 10 * 1000 * 1000;
    tarn_log_poll(fixture.log);
    assert_int_equal(tarn_partition_start_offset(partition), 100);
    assert_int_equal(tarn_partition_size_bytes(partition), 0);
    assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);

    commit = tarn_commit_begin(fixture.log);
    tarn_commit_delete_partition(commit, partition);
    assert_int_equal(tarn_commit_write(commit, &position, &fixture.err), TARN_OK);
    assert_null(tarn_log_find_partition(fixture.log, fixture_topic, 0));
    assert_int_equal(tarn_log_settle(fixture.log, false, &fixture.err), TARN_OK);
    TARN_AUTO_FREE char *data = tarn_path_join(fixture.folder, "data");
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_file_list list;
    assert_int_equal(tarn_directory_list(data, "", arena, &list, &fixture.err), TARN_OK);
    assert_int_equal(list.count, 0);
    fixture_release(&fixture);
}

static void locks_and_reads_only(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    fixture_append(&fixture, partition, BATCH(.count = 10), NULL);
    struct tarn_log *other;
    struct tarn_error err;
    assert_int_equal(tarn_log_open(&fixture.options, &other, &err), TARN_CONFLICT);
    fixture.options.read_only = true;
    assert_int_equal(tarn_log_open(&fixture.options, &other, &err), TARN_CONFLICT);
    fixture_close(&fixture);
    fixture_open(&fixture);
    partition = tarn_log_find_partition(fixture.log, fixture_topic, 0);
    assert_int_equal(fixture_count(&fixture, partition, 0, 1 << 20), 10);
    struct tarn_commit *commit = tarn_commit_begin(fixture.log);
    tarn_commit_put(commit, TARN_TEXT("a"), TARN_TEXT("b"));
    uint64_t position;
    assert_int_equal(tarn_commit_write(commit, &position, &err), TARN_PERMISSION);
    fixture_release(&fixture);
}

/* Whoever asks before each commit never waits in one, and there is room again after some polls. */
static void says_when_there_is_room(void **state)
{
    enum { ROUNDS = 5, FILES = 4, FILE_BYTES = 64 * 1024, BATCH_BYTES = 5000 };
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.options.wal_max_bytes = FILE_BYTES;
    fixture.options.wal_backlog_files = FILES;
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    int64_t count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int appended = 0;
        while (tarn_log_has_room(fixture.log, BATCH_BYTES)) {
            /* nothing is free again before the next poll */
            assert_in_range(++appended, 1, FILES * FILE_BYTES / BATCH_BYTES);
            assert_true(
                fixture_append(&fixture, partition, BATCH(.value_bytes = BATCH_BYTES), NULL) >= 0);
        }
        count += appended;
        while (!tarn_log_has_room(fixture.log, BATCH_BYTES))
            (void)tarn_log_wait(fixture.log, 1000);
    }
    assert_int_equal(tarn_partition_end_offset(partition), count);
    assert_int_equal(fixture_count(&fixture, partition, 0, 1 << 20), count);
    fixture_release(&fixture);
}

static bool becomes_durable(struct fixture *fixture, uint64_t position)
{
    for (int i = 0; i < 30 && tarn_log_durable_position(fixture->log) < position; i++)
        (void)tarn_log_wait(fixture->log, 1000);
    return tarn_log_durable_position(fixture->log) >= position;
}

/* flush.messages and flush.ms have records synced that no producer waits for. */
static void flushes_as_topics_say(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t position = 0;
    fixture_init(&fixture);
    fixture.settings.flush_messages = 10;
    fixture_open(&fixture);
    struct tarn_partition *partition = fixture_partition(&fixture, 0);
    fixture_append(&fixture, partition, BATCH(.count = 9), &position);
    assert_true(tarn_log_flush_position(fixture.log) < position);
    fixture_append(&fixture, partition, BATCH(.count = 1), &position);
    assert_int_equal(tarn_log_flush_position(fixture.log), position);
    assert_true(becomes_durable(&fixture, position));

    fixture.settings.flush_messages = INT64_MAX;
    fixture.settings.flush_ms = 500;
    fixture_append(&fixture, partition, BATCH(.count = 1), &position);
    fixture.now_ms += 400;
    fixture_append(&fixture, partition, BATCH(.count = 1), &position);
    assert_true(tarn_log_next_deadline_ms(fixture.log) <= fixture.now_ms + 100);
    fixture.now_ms += 100;
    tarn_log_poll(fixture.log);
    assert_true(becomes_durable(&fixture, position));
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_read_reopen),
        cmocka_unit_test(journal),
        cmocka_unit_test(copies_to_segments),
        cmocka_unit_test(producers),
        cmocka_unit_test(transactions),
        cmocka_unit_test(lookups_by_time),
        cmocka_unit_test(delete_and_retain),
        cmocka_unit_test(locks_and_reads_only),
        cmocka_unit_test(says_when_there_is_room),
        cmocka_unit_test(flushes_as_topics_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
