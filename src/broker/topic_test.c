/* broker/topic_test.c -- one suite for every place that topics live in: librdkafka against its mock
 * cluster, a broker of this process directly, the same through librdkafka, and whatever broker
 * TARN_TEST_BROKER names (host:port; then that one alone).
 *
 * The mock knows no admin calls and hands out aborted records, so some tests need a real broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "broker/broker.h"
#include "broker/topic.h"

enum { WAIT_MS = 30000, BATCH = 100 };

struct place {
    const char *name;
    const char *address;        /* NULL: this process hosts a mock */
    bool is_broker;             /* a real one */
    struct tarn_broker *broker; /* of this process; NULL: another's, or a mock */
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct tarn_topics *topics;
    struct place *beside; /* another way to the same broker; NULL: there is none */
    struct tarn_arena *arena;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        struct tarn_error err = {0};                                                               \
        enum tarn_status ok_status_ = (call);                                                      \
        if (ok_status_ != TARN_OK)                                                                 \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)
#define FAILS(call, wanted)                                                                        \
    do {                                                                                           \
        struct tarn_error err = {0};                                                               \
        assert_int_equal((call), (wanted));                                                        \
        assert_true(err.text[0] != 0);                                                             \
    } while (0)
#define NEEDS_BROKER(place)                                                                        \
    do {                                                                                           \
        if (!(place)->is_broker)                                                                   \
            skip();                                                                                \
    } while (0)

/* A name that no earlier run of the tests has used; in the place's arena. */
static const char *make_name(struct place *place, const char *what)
{
    char id[TARN_UUID_BYTES];
    return tarn_arena_format(place->arena, "%s-%.8s", what, tarn_uuid(id));
}

static const char *make_topic(struct place *place, const char *what, int partitions)
{
    const char *name = make_name(place, what);
    if (place->mock)
        rd_kafka_mock_topic_create(place->mock, name, partitions, 1);
    else
        OK(tarn_topic_create(place->topics, name, partitions, 1, NULL, 0, &err));
    return name;
}

static struct tarn_topic_writer *open_writer(struct place *place,
                                             const struct tarn_topic_writer_options *options)
{
    struct tarn_topic_writer *writer = NULL;
    OK(tarn_topic_writer_open(place->topics, options, &writer, &err));
    return writer;
}

static struct tarn_topic_reader *open_reader(struct place *place,
                                             const struct tarn_topic_reader_options *options)
{
    struct tarn_topic_reader *reader = NULL;
    OK(tarn_topic_reader_open(place->topics, options, &reader, &err));
    return reader;
}

static void write_numbers(struct tarn_topic_writer *writer, const char *topic, int32_t partition,
                          int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[32];
        struct tarn_topic_record record = {
            .topic = topic, .partition = partition, .timestamp_ms = -1};
        snprintf(value, sizeof value, "%d", i);
        record.value = tarn_text_of(value);
        OK(tarn_topic_write(writer, &record, &err));
    }
}

static void fill(struct place *place, const char *topic, int32_t partition, int count)
{
    struct tarn_topic_writer *writer = open_writer(place, &(struct tarn_topic_writer_options){0});
    write_numbers(writer, topic, partition, 0, count);
    OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    tarn_topic_writer_close(writer);
}

static void assign(struct tarn_topic_reader *reader, const char *topic, int32_t partition,
                   int64_t offset)
{
    struct tarn_topic_offset start = {.topic = topic, .partition = partition, .offset = offset};
    OK(tarn_topic_reader_assign(reader, &start, 1, &err));
}

/* The next `count` values as numbers, joined by spaces: "3 4 5". */
static const char *read_numbers(struct place *place, struct tarn_topic_reader *reader, size_t count)
{
    TARN_BUFFER(text, 1 << 20);
    for (int tries = 0; count > 0 && tries < 300; tries++) {
        struct tarn_topic_records records;
        OK(tarn_topic_reader_poll(reader, count, 100, &records, &err));
        for (size_t i = 0; i < records.count; i++)
            tarn_buffer_printf(&text, "%s%.*s", text.len ? " " : "",
                               TARN_TEXT_ARGS(records.items[i].value));
        count -= records.count;
    }
    assert_int_equal(count, 0);
    return tarn_arena_strdup(place->arena, tarn_buffer_str(&text));
}

/* ---- writing and reading ---- */

static void check_text(struct tarn_text text, const char *wanted)
{
    if (wanted)
        assert_true(text.data && tarn_text_is(text, wanted));
    else
        assert_null(text.data);
}

static void test_record_comes_back_whole(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "whole", 1);
    struct tarn_topic_writer *writer = open_writer(place, &(struct tarn_topic_writer_options){0});
    const struct tarn_topic_header headers[] = {{TARN_TEXT("source"), TARN_TEXT("shop")},
                                                {TARN_TEXT("empty"), TARN_TEXT("")},
                                                {TARN_TEXT("none"), {NULL, 0}}};
    struct tarn_topic_record record = {
        .topic = topic,
        .timestamp_ms = 1234567890123,
        .key = TARN_TEXT("k"),
        .value = TARN_TEXT("v\0w"),
        .headers = headers,
        .header_count = 3,
    };
    OK(tarn_topic_write(writer, &record, &err));
    OK(tarn_topic_write(writer, &(struct tarn_topic_record){.topic = topic, .timestamp_ms = -1},
                        &err));
    OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    tarn_topic_writer_close(writer);

    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    assign(reader, topic, 0, TARN_OFFSET_BEGINNING);
    struct tarn_topic_records records = {0};
    for (int tries = 0; records.count == 0 && tries < 300; tries++)
        OK(tarn_topic_reader_poll(reader, 1, 100, &records, &err));
    assert_int_equal(records.count, 1);
    const struct tarn_topic_record *got = &records.items[0];
    assert_string_equal(got->topic, topic);
    assert_int_equal(got->partition, 0);
    assert_int_equal(got->offset, 0);
    assert_true(got->timestamp_ms == 1234567890123);
    check_text(got->key, "k");
    assert_int_equal(got->value.len, 3);
    assert_int_equal(got->header_count, 3);
    assert_true(tarn_text_is(got->headers[0].key, "source"));
    check_text(got->headers[0].value, "shop");
    check_text(got->headers[1].value, "");
    check_text(got->headers[2].value, NULL);
    for (records.count = 0; records.count == 0;)
        OK(tarn_topic_reader_poll(reader, 1, 100, &records, &err));
    check_text(records.items[0].key, NULL);
    check_text(records.items[0].value, NULL);
    assert_true(records.items[0].timestamp_ms > 1700000000000);
    tarn_topic_reader_close(reader);
}

static void count_delivery(void *context, const struct tarn_topic_delivery *delivery)
{
    int64_t *sum = context;
    assert_int_equal(delivery->status, TARN_OK);
    sum[0]++;
    sum[1] += delivery->offset;
    sum[2] += (int64_t)(intptr_t)delivery->opaque;
}

static void test_deliveries_are_told(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "told", 1);
    int64_t sum[3] = {0};
    struct tarn_topic_writer *writer =
        open_writer(place, &(struct tarn_topic_writer_options){
                               .delivered = count_delivery, .context = sum, .is_idempotent = true});
    for (intptr_t i = 0; i < BATCH; i++) {
        struct tarn_topic_record record = {.topic = topic, .timestamp_ms = -1, .opaque = (void *)i};
        OK(tarn_topic_write(writer, &record, &err));
    }
    OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    assert_int_equal(sum[0], BATCH);
    assert_int_equal(sum[1], BATCH * (BATCH - 1) / 2);
    assert_int_equal(sum[2], BATCH * (BATCH - 1) / 2);
    tarn_topic_writer_close(writer);
}

static void test_equal_keys_meet(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "keys", 8);
    struct tarn_topic_writer *writer = open_writer(place, &(struct tarn_topic_writer_options){0});
    for (int i = 0; i < 5; i++) {
        struct tarn_topic_record record = {.topic = topic, .partition = -1, .timestamp_ms = -1};
        record.key = TARN_TEXT("21");
        record.value = TARN_TEXT("1");
        OK(tarn_topic_write(writer, &record, &err));
    }
    OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    tarn_topic_writer_close(writer);
    /* murmur2("21") = -973932308, without its sign 1173551340, modulo 8: where Java's client puts
     * it */
    int64_t start, end;
    OK(tarn_topic_watermarks(place->topics, topic, 4, &start, &end, &err));
    assert_int_equal(end, 5);
}

static void test_large_writes_wait_for_room(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "room", 1);
    enum { RECORDS = 200, BYTES = 20000 };
    struct tarn_topic_writer *writer =
        open_writer(place, &(struct tarn_topic_writer_options){.buffer_bytes = 10 * BYTES});
    TARN_AUTO_FREE char *value = tarn_alloc(BYTES);
    for (int i = 0; i < RECORDS; i++) {
        struct tarn_topic_record record = {
            .topic = topic, .timestamp_ms = -1, .value = {value, BYTES}};
        OK(tarn_topic_write(writer, &record, &err));
    }
    OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    tarn_topic_writer_close(writer);
    int64_t start, end;
    OK(tarn_topic_watermarks(place->topics, topic, 0, &start, &end, &err));
    assert_int_equal(end, RECORDS);
}

static void test_unknown_partition_is_told(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "unknown", 1);
    struct tarn_topic_writer *writer = open_writer(place, &(struct tarn_topic_writer_options){0});
    struct tarn_topic_record record = {.topic = topic, .partition = 7, .timestamp_ms = -1};
    struct tarn_error err = {0};
    enum tarn_status status = tarn_topic_write(writer, &record, &err);
    if (status == TARN_OK)
        status = tarn_topic_writer_flush(writer, WAIT_MS, &err);
    assert_int_equal(status, TARN_NOT_FOUND);
    tarn_topic_writer_close(writer);
}

/* ---- places in a partition ---- */

static void test_reader_starts_where_told(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "start", 2);
    fill(place, topic, 1, 10);
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    int64_t position, lag;
    assign(reader, topic, 1, 7);
    assert_string_equal(read_numbers(place, reader, 2), "7 8");
    OK(tarn_topic_reader_position(reader, topic, 1, &position, &err));
    assert_int_equal(position, 9);
    OK(tarn_topic_reader_lag(reader, topic, 1, &lag, &err));
    assert_int_equal(lag, 1);
    OK(tarn_topic_reader_seek(reader, topic, 1, 4, &err));
    assert_string_equal(read_numbers(place, reader, 2), "4 5");
    assign(reader, topic, 1, TARN_OFFSET_END);
    struct tarn_topic_records records;
    OK(tarn_topic_reader_poll(reader, BATCH, 500, &records, &err));
    assert_int_equal(records.count, 0);
    tarn_topic_reader_close(reader);
}

static void test_paused_partition_is_silent(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "pause", 1);
    fill(place, topic, 0, 3);
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    struct tarn_topic_records records;
    assign(reader, topic, 0, 0);
    assert_string_equal(read_numbers(place, reader, 1), "0");
    OK(tarn_topic_reader_pause(reader, topic, 0, true, &err));
    OK(tarn_topic_reader_poll(reader, BATCH, 300, &records, &err));
    assert_int_equal(records.count, 0);
    OK(tarn_topic_reader_pause(reader, topic, 0, false, &err));
    assert_string_equal(read_numbers(place, reader, 2), "1 2");
    tarn_topic_reader_close(reader);
}

static void *wake(void *reader)
{
    tarn_topic_reader_wake(reader);
    return NULL;
}

static void test_wake_ends_a_poll(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "wake", 1);
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    struct tarn_topic_records records;
    pthread_t thread;
    assign(reader, topic, 0, 0);
    pthread_create(&thread, NULL, wake, reader);
    OK(tarn_topic_reader_poll(reader, 1, -1, &records, &err)); /* would wait for ever */
    assert_int_equal(records.count, 0);
    pthread_join(thread, NULL);
    tarn_topic_reader_close(reader);
}

/* ---- groups ---- */

struct seen {
    size_t assigned, revoked;
};

static void see_rebalance(void *context, struct tarn_topic_reader *reader, bool revoked,
                          const struct tarn_topic_offset *partitions, size_t count)
{
    (void)reader;
    (void)partitions;
    struct seen *seen = context;
    *(revoked ? &seen->revoked : &seen->assigned) += count;
}

static void test_group_goes_on_where_it_stood(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "group", 1), *group = make_name(place, "group");
    struct seen seen = {0};
    const struct tarn_topic_reader_options options = {
        .group = group, .session_timeout_ms = 6000, .rebalanced = see_rebalance, .context = &seen};
    fill(place, topic, 0, 6);
    struct tarn_topic_reader *reader = open_reader(place, &options);
    OK(tarn_topic_reader_subscribe(reader, &topic, 1, &err));
    assert_string_equal(read_numbers(place, reader, 2), "0 1");
    OK(tarn_topic_reader_commit(reader, NULL, 0, &err));
    assert_string_equal(read_numbers(place, reader, 1), "2");
    tarn_topic_reader_close(reader);
    assert_int_equal(seen.assigned, 1);
    assert_int_equal(seen.revoked, 1);

    reader = open_reader(place, &options);
    OK(tarn_topic_reader_subscribe(reader, &topic, 1, &err));
    assert_string_equal(read_numbers(place, reader, 2), "2 3");
    struct tarn_topic_offset mark = {
        .topic = topic, .partition = 0, .offset = 5, .metadata = TARN_TEXT("a note")};
    OK(tarn_topic_reader_commit(reader, &mark, 1, &err));
    struct tarn_topic_offset found = {.topic = topic};
    OK(tarn_topic_reader_committed(reader, place->arena, &found, 1, &err));
    assert_int_equal(found.offset, 5);
    if (place->is_broker) /* the mock forgets it */
        assert_true(tarn_text_is(found.metadata, "a note"));
    tarn_topic_reader_close(reader);
}

static size_t assigned_count(struct place *place, struct tarn_topic_reader *reader)
{
    struct tarn_topic_offset *parts;
    size_t count;
    OK(tarn_topic_reader_assignment(reader, place->arena, &parts, &count, &err));
    return count;
}

/* Polls both in turn until each has its share of four partitions. */
static void share(struct place *place, struct tarn_topic_reader *one, struct tarn_topic_reader *two,
                  size_t ones, size_t twos)
{
    struct tarn_topic_records records;
    for (int tries = 0; tries < 600; tries++) {
        OK(tarn_topic_reader_poll(one, BATCH, 50, &records, &err));
        if (two)
            OK(tarn_topic_reader_poll(two, BATCH, 50, &records, &err));
        if (assigned_count(place, one) == ones && (!two || assigned_count(place, two) == twos))
            return;
    }
    fail_msg("the members did not get %zu and %zu partitions", ones, twos);
}

static void test_members_share_partitions(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *topic = make_topic(place, "share", 4), *group = make_name(place, "share");
    const char *pattern = tarn_arena_format(place->arena, "^%s", topic);
    const struct tarn_topic_reader_options options = {.group = group, .session_timeout_ms = 6000};
    struct tarn_topic_reader *one = open_reader(place, &options);
    OK(tarn_topic_reader_subscribe(one, &topic, 1, &err));
    share(place, one, NULL, 4, 0);
    struct tarn_topic_reader *two = open_reader(place->beside ? place->beside : place, &options);
    OK(tarn_topic_reader_subscribe(two, &pattern, 1, &err));
    share(place, one, two, 2, 2);
    tarn_topic_reader_close(one);
    share(place, two, NULL, 4, 0);
    tarn_topic_reader_close(two);
}

static void test_compressed_batches_come_back(void **state)
{
    static const char *const codecs[] = {"gzip", "snappy", "lz4", "zstd"};
    struct place *place = *state;
    const char *topic = make_topic(place, "packed", 1);
    struct tarn_topic_reader *reader =
        open_reader(place, &(struct tarn_topic_reader_options){.fetch_bytes = 1000});
    enum { EACH = 500 };
    for (size_t i = 0; i < TARN_COUNT(codecs); i++) {
        struct tarn_topic_writer *writer = open_writer(
            place, &(struct tarn_topic_writer_options){
                       .compression = codecs[i], .linger_ms = 5, .is_idempotent = true});
        write_numbers(writer, topic, 0, (int)i * EACH, (int)(i + 1) * EACH);
        OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
        tarn_topic_writer_close(writer);
    }
    assign(reader, topic, 0, TARN_OFFSET_BEGINNING);
    const char *numbers = read_numbers(place, reader, EACH * TARN_COUNT(codecs));
    TARN_BUFFER(wanted, 1 << 20);
    for (size_t i = 0; i < EACH * TARN_COUNT(codecs); i++)
        tarn_buffer_printf(&wanted, "%s%zu", i ? " " : "", i);
    assert_string_equal(numbers, tarn_buffer_str(&wanted));
    tarn_topic_reader_close(reader);
}

static void test_reader_without_group_cannot_commit(void **state)
{
    struct place *place = *state;
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    FAILS(tarn_topic_reader_commit(reader, NULL, 0, &err), TARN_INVALID);
    tarn_topic_reader_close(reader);
}

static void test_group_is_described_and_reset(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *topic = make_topic(place, "lag", 2), *group = make_name(place, "lag");
    fill(place, topic, 1, 9);
    struct tarn_topic_offset marks[] = {{.topic = topic, .partition = 0, .offset = 0},
                                        {.topic = topic, .partition = 1, .offset = 4}};
    OK(tarn_topic_group_reset(place->topics, group, marks, 2, &err));
    struct tarn_topic_group_info info;
    OK(tarn_topic_group_describe(place->topics, group, place->arena, &info, &err));
    assert_string_equal(info.group.state, "Empty");
    assert_int_equal(info.offset_count, 2);
    assert_int_equal(info.offsets[1].committed, 4);
    assert_int_equal(info.offsets[1].lag, 5);
    marks[1].offset = TARN_OFFSET_END;
    OK(tarn_topic_group_reset(place->topics, group, marks, 2, &err));
    OK(tarn_topic_group_describe(place->topics, group, place->arena, &info, &err));
    assert_int_equal(info.offsets[1].lag, 0);

    struct tarn_topic_group *groups;
    size_t count, found = 0;
    OK(tarn_topic_group_list(place->topics, place->arena, &groups, &count, &err));
    for (size_t i = 0; i < count; i++)
        found += strcmp(groups[i].name, group) == 0;
    assert_int_equal(found, 1);
    OK(tarn_topic_group_delete(place->topics, group, &err));
    FAILS(tarn_topic_group_describe(place->topics, group, place->arena, &info, &err),
          TARN_NOT_FOUND);
}

static void test_group_with_members_is_not_reset(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *topic = make_topic(place, "busy", 1), *group = make_name(place, "busy");
    fill(place, topic, 0, 1);
    struct tarn_topic_reader *reader =
        open_reader(place, &(struct tarn_topic_reader_options){.group = group});
    OK(tarn_topic_reader_subscribe(reader, &topic, 1, &err));
    (void)read_numbers(place, reader, 1);
    struct tarn_topic_group_info info;
    OK(tarn_topic_group_describe(place->topics, group, place->arena, &info, &err));
    assert_string_equal(info.group.state, "Stable");
    assert_int_equal(info.member_count, 1);
    assert_int_equal(info.members[0].assigned_count, 1);
    assert_string_equal(info.offsets[0].member_id, info.members[0].member_id);
    struct tarn_topic_offset mark = {.topic = topic, .offset = 0};
    FAILS(tarn_topic_group_reset(place->topics, group, &mark, 1, &err), TARN_CONFLICT);
    FAILS(tarn_topic_group_delete(place->topics, group, &err), TARN_CONFLICT);
    tarn_topic_reader_close(reader);
}

/* ---- transactions ---- */

static void test_transaction_is_seen_whole_or_not(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "txn", 1), *id = make_name(place, "txn");
    struct tarn_topic_writer *writer =
        open_writer(place, &(struct tarn_topic_writer_options){.transactional_id = id});
    struct tarn_topic_record record = {.topic = topic, .timestamp_ms = -1};
    FAILS(tarn_topic_write(writer, &record, &err), TARN_INVALID);
    OK(tarn_topic_writer_begin(writer, &err));
    write_numbers(writer, topic, 0, 0, 2);
    OK(tarn_topic_writer_commit(writer, &err));
    OK(tarn_topic_writer_begin(writer, &err));
    write_numbers(writer, topic, 0, 100, 105);
    OK(tarn_topic_writer_abort(writer, &err));
    assert_int_equal(tarn_topic_writer_state(writer), TARN_WRITER_READY);
    OK(tarn_topic_writer_begin(writer, &err));
    write_numbers(writer, topic, 0, 2, 4);
    OK(tarn_topic_writer_commit(writer, &err));
    tarn_topic_writer_close(writer);

    NEEDS_BROKER(place);
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    assign(reader, topic, 0, 0);
    assert_string_equal(read_numbers(place, reader, 4), "0 1 2 3");
    int64_t position = 0, start, end;
    OK(tarn_topic_watermarks(place->topics, topic, 0, &start, &end, &err));
    for (int tries = 0; position < end && tries < 300; tries++) { /* behind the last marker */
        struct tarn_topic_records records;
        OK(tarn_topic_reader_poll(reader, BATCH, 100, &records, &err));
        assert_int_equal(records.count, 0);
        OK(tarn_topic_reader_position(reader, topic, 0, &position, &err));
    }
    assert_int_equal(position, end);
    tarn_topic_reader_close(reader);
}

static void test_offsets_go_with_the_transaction(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "move", 1), *group = make_name(place, "move");
    fill(place, topic, 0, 5);
    struct tarn_topic_writer *writer = open_writer(
        place, &(struct tarn_topic_writer_options){.transactional_id = make_name(place, "move")});
    struct tarn_topic_reader *reader =
        open_reader(place, &(struct tarn_topic_reader_options){.group = group});
    OK(tarn_topic_reader_subscribe(reader, &topic, 1, &err));
    (void)read_numbers(place, reader, 3);
    struct tarn_topic_offset found = {.topic = topic};
    OK(tarn_topic_writer_begin(writer, &err));
    OK(tarn_topic_writer_send_offsets(writer, reader, NULL, 0, &err));
    OK(tarn_topic_writer_commit(writer, &err));
    OK(tarn_topic_reader_committed(reader, place->arena, &found, 1, &err));
    assert_int_equal(found.offset, place->is_broker ? 3 : found.offset);
    tarn_topic_reader_close(reader);
    tarn_topic_writer_close(writer);
}

static void test_newer_writer_fences_the_older(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *topic = make_topic(place, "fence", 1), *id = make_name(place, "fence");
    const struct tarn_topic_writer_options options = {.transactional_id = id};
    struct tarn_topic_writer *older = open_writer(place, &options);
    OK(tarn_topic_writer_begin(older, &err));
    write_numbers(older, topic, 0, 0, 1);
    OK(tarn_topic_writer_flush(older, WAIT_MS, &err));
    struct tarn_topic_writer *newer = open_writer(place, &options);
    struct tarn_error fenced = {0};
    assert_int_not_equal(tarn_topic_writer_commit(older, &fenced), TARN_OK);
    assert_int_equal(tarn_topic_writer_state(older), TARN_WRITER_FAILED);
    tarn_topic_writer_close(older);
    OK(tarn_topic_writer_begin(newer, &err));
    write_numbers(newer, topic, 0, 1, 2);
    OK(tarn_topic_writer_commit(newer, &err));
    tarn_topic_writer_close(newer);
    struct tarn_topic_reader *reader = open_reader(place, &(struct tarn_topic_reader_options){0});
    assign(reader, topic, 0, 0);
    assert_string_equal(read_numbers(place, reader, 1), "1");
    tarn_topic_reader_close(reader);
}

/* ---- topics ---- */

static const char *config_value(const struct tarn_topic_info *info, const char *name)
{
    for (size_t i = 0; i < info->config_count; i++)
        if (strcmp(info->configs[i].name, name) == 0)
            return info->configs[i].value;
    return NULL;
}

static void test_topic_life(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *name = make_name(place, "life");
    struct tarn_topic_config_entry configs[] = {{.name = "cleanup.policy", .value = "compact"},
                                                {.name = "retention.ms", .value = "1000000"}};
    struct tarn_topic_info info;
    OK(tarn_topic_create(place->topics, name, 2, -1, configs, 2, &err));
    FAILS(tarn_topic_create(place->topics, name, 2, -1, NULL, 0, &err), TARN_EXISTS);
    OK(tarn_topic_describe(place->topics, name, place->arena, &info, &err));
    assert_int_equal(info.partition_count, 2);
    assert_string_equal(config_value(&info, "cleanup.policy"), "compact");
    configs[0].value = NULL;
    OK(tarn_topic_alter(place->topics, name, configs, 1, &err));
    OK(tarn_topic_add_partitions(place->topics, name, 5, &err));
    OK(tarn_topic_describe(place->topics, name, place->arena, &info, &err));
    assert_int_equal(info.partition_count, 5);
    assert_string_equal(config_value(&info, "cleanup.policy"), "delete");
    assert_string_equal(config_value(&info, "retention.ms"), "1000000");
    OK(tarn_topic_delete(place->topics, name, &err));
    FAILS(tarn_topic_describe(place->topics, name, place->arena, &info, &err), TARN_NOT_FOUND);
    FAILS(tarn_topic_delete(place->topics, name, &err), TARN_NOT_FOUND);
    FAILS(tarn_topic_create(place->topics, "not/a name", 1, -1, NULL, 0, &err), TARN_INVALID);
}

static void test_topics_are_listed(void **state)
{
    struct place *place = *state;
    const char *topic = make_topic(place, "listed", 3);
    struct tarn_topic_info *list;
    size_t count, found = 0;
    OK(tarn_topic_list(place->topics, place->arena, &list, &count, &err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, topic) == 0)
            found = list[i].partition_count;
    assert_int_equal(found, 3);
}

static void test_records_are_deleted_and_found_by_time(void **state)
{
    struct place *place = *state;
    NEEDS_BROKER(place);
    const char *topic = make_topic(place, "times", 1);
    struct tarn_topic_writer *writer = open_writer(place, &(struct tarn_topic_writer_options){0});
    for (int i = 0; i < 10; i++) {
        struct tarn_topic_record record = {.topic = topic,
                                           .timestamp_ms = 1700000000000 + i * 1000};
        OK(tarn_topic_write(writer, &record, &err));
        OK(tarn_topic_writer_flush(writer, WAIT_MS, &err));
    }
    tarn_topic_writer_close(writer);
    int64_t offset, start, end;
    OK(tarn_topic_offset_at(place->topics, topic, 0, 1700000003500, &offset, &err));
    assert_int_equal(offset, 4);
    OK(tarn_topic_offset_at(place->topics, topic, 0, 1800000000000, &offset, &err));
    assert_int_equal(offset, 10);
    OK(tarn_topic_delete_records(place->topics, topic, 0, 6, &err));
    OK(tarn_topic_watermarks(place->topics, topic, 0, &start, &end, &err));
    assert_int_equal(start, 6);
    assert_int_equal(end, 10);
    struct tarn_topic_reader *reader =
        open_reader(place, &(struct tarn_topic_reader_options){.reset = TARN_RESET_FAIL});
    assign(reader, topic, 0, 2);
    struct tarn_error gone = {0};
    struct tarn_topic_records records;
    enum tarn_status status = TARN_OK;
    for (int tries = 0; status == TARN_OK && tries < 300; tries++)
        status = tarn_topic_reader_poll(reader, 1, 100, &records, &gone);
    assert_int_equal(status, TARN_INVALID);
    tarn_topic_reader_close(reader);
}

/* ---- places ---- */

static int open_place(void **state)
{
    struct place *place = *state;
    const char *address = place->address;
    if (!address) {
        char problem[200];
        place->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, problem, sizeof problem);
        place->mock = rd_kafka_mock_cluster_new(place->mock_client, 1);
        address = rd_kafka_mock_cluster_bootstraps(place->mock);
    }
    place->arena = tarn_arena_new();
    struct tarn_error err = {0};
    struct tarn_topics_options options = {.address = address, .broker = place->broker};
    return tarn_topics_open(&options, &place->topics, &err) == TARN_OK ? 0 : -1;
}

static int close_place(void **state)
{
    struct place *place = *state;
    tarn_topics_close(place->topics);
    tarn_arena_free(place->arena);
    if (place->mock) {
        rd_kafka_mock_cluster_destroy(place->mock);
        rd_kafka_destroy(place->mock_client);
    }
    return 0;
}

static void test_nobody_answers(void **state)
{
    (void)state;
    struct tarn_topics *topics = NULL;
    struct tarn_topics_options options = {.address = "127.0.0.1:1", .timeout_ms = 500};
    FAILS(tarn_topics_open(&options, &topics, &err), TARN_IO);
    const struct tarn_topic_property wrong = {"no.such.property", "1"};
    options.properties = &wrong;
    options.property_count = 1;
    FAILS(tarn_topics_open(&options, &topics, &err), TARN_CONFIG);
}

static int run_place(struct place *place)
{
#define TEST(function) cmocka_unit_test_prestate(function, place)
    const struct CMUnitTest tests[] = {
        TEST(test_record_comes_back_whole),
        TEST(test_deliveries_are_told),
        TEST(test_equal_keys_meet),
        TEST(test_large_writes_wait_for_room),
        TEST(test_unknown_partition_is_told),
        TEST(test_reader_starts_where_told),
        TEST(test_paused_partition_is_silent),
        TEST(test_wake_ends_a_poll),
        TEST(test_group_goes_on_where_it_stood),
        TEST(test_members_share_partitions),
        TEST(test_compressed_batches_come_back),
        TEST(test_reader_without_group_cannot_commit),
        TEST(test_group_is_described_and_reset),
        TEST(test_group_with_members_is_not_reset),
        TEST(test_transaction_is_seen_whole_or_not),
        TEST(test_offsets_go_with_the_transaction),
        TEST(test_newer_writer_fences_the_older),
        TEST(test_topic_life),
        TEST(test_topics_are_listed),
        TEST(test_records_are_deleted_and_found_by_time),
    };
#undef TEST
    void *state = place, *beside = place->beside;
    if (open_place(&state) != 0 || (beside && open_place(&beside) != 0))
        return 1;
    int failed = cmocka_run_group_tests_name(place->name, tests, NULL, NULL);
    (void)close_place(&state);
    if (beside)
        (void)close_place(&beside);
    return failed;
}

/* The same broker, once without and once with a client between. */
static int run_own_broker(bool with_clients)
{
    char folder[] = "/tmp/tarn-topic-test-XXXXXX";
    const struct tarn_listener_options listener = {.host = "127.0.0.1"};
    struct tarn_broker_options options;
    struct tarn_broker *broker;
    struct tarn_error err = {0};
    tarn_broker_options_init(&options);
    options.folder = mkdtemp(folder);
    options.listeners = &listener;
    options.listener_count = 1;
    if (tarn_broker_open(&options, &broker, &err) != TARN_OK ||
        tarn_broker_start(broker, &err) != TARN_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct place embedded = {
        .name = "embedded", .address = "embedded", .is_broker = true, .broker = broker};
    struct place cluster = {
        .name = "cluster (own)", .address = tarn_broker_address(broker), .is_broker = true};
    int failed = run_place(&embedded);
    if (with_clients) {
        failed += run_place(&cluster);
        embedded.beside = &cluster; /* its members share groups with a client's */
        failed += run_place(&embedded);
        embedded.beside = NULL;
        cluster.beside = &embedded;
        failed += run_place(&cluster);
    }
    tarn_broker_close(broker);
    if (tarn_path_remove(folder, &err) != TARN_OK)
        fprintf(stderr, "%s\n", err.text);
    return failed;
}

int main(void)
{
    const char *address = getenv("TARN_TEST_BROKER");
    struct place mock = {.name = "cluster (mock)"};
    struct place broker = {.name = "cluster", .address = address, .is_broker = true};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nobody_answers)};
    if (address)
        return run_place(&broker);
    if (getenv("TARN_TEST_WITHOUT_CLIENTS")) /* ThreadSanitizer crashes on librdkafka's threads */
        return run_own_broker(false);
    return cmocka_run_group_tests(tests, NULL, NULL) + run_place(&mock) + run_own_broker(true);
}
