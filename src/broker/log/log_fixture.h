/* broker/log/log_fixture.h -- what the tests of the log share: a folder, a clock that stands still
 * until it is moved, settings, and batches with telling contents. */
#ifndef TARN_BROKER_LOG_LOG_FIXTURE_H
#define TARN_BROKER_LOG_LOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/log/record_batch.h"
#include "broker/topics/topic_config.h"

struct fixture {
    char folder[64];
    int64_t now_ms;
    struct tarn_log_options options;
    struct tarn_topic_settings settings;
    struct tarn_log *log;
    struct tarn_error err;
};

static inline int64_t fixture_clock(void *context)
{
    return ((struct fixture *)context)->now_ms;
}

static inline void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/tarn-log-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->now_ms = 1700000000000;
    tarn_log_options_init(&fixture->options);
    fixture->options.folder = fixture->folder;
    fixture->options.clock_ms = fixture_clock;
    fixture->options.clock_context = fixture;
    fixture->options.wal_first_bytes = 64 * 1024;
    fixture->options.wal_max_bytes = 256 * 1024;
    struct tarn_topic_overrides overrides = {{0}};
    assert_int_equal(tarn_topic_settings_make(&overrides, &fixture->settings, &fixture->err),
                     TARN_OK);
}

static inline void fixture_open(struct fixture *fixture)
{
    if (tarn_log_open(&fixture->options, &fixture->log, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
}

static inline void fixture_close(struct fixture *fixture)
{
    tarn_log_close(fixture->log);
    fixture->log = NULL;
}

static inline void fixture_release(struct fixture *fixture)
{
    fixture_close(fixture);
    assert_int_equal(tarn_path_remove(fixture->folder, &fixture->err), TARN_OK);
}

static const uint8_t fixture_topic[16] = "a topic's id ..";

static inline struct tarn_partition *fixture_partition(struct fixture *fixture, int32_t number)
{
    struct tarn_partition *found = tarn_log_find_partition(fixture->log, fixture_topic, number);
    if (found) {
        tarn_partition_configure(found, &fixture->settings);
        return found;
    }
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    struct tarn_partition *partition =
        tarn_commit_create_partition(commit, fixture_topic, number, &fixture->settings);
    uint64_t position;
    if (tarn_commit_write(commit, &position, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
    return partition;
}

struct fixture_batch {
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
    bool transactional;
    int32_t count;      /* records; 0: 1 */
    size_t value_bytes; /* of each record; 0: a short text */
    int64_t timestamp;  /* 0: the fixture's clock */
    const char *key;    /* NULL: "key N" */
    const char *value;  /* "": null */
    enum tarn_codec codec;
};

/* The batch points into the builder. */
static inline struct tarn_record_batch fixture_build(struct fixture *fixture,
                                                     struct tarn_batch_builder *builder,
                                                     const struct fixture_batch *what)
{
    struct tarn_record_batch batch;
    tarn_batch_builder_init(builder, what->codec, 64 << 20);
    if (what->producer_id > 0) {
        builder->producer_id = what->producer_id;
        builder->producer_epoch = what->epoch;
        builder->base_sequence = what->sequence;
    }
    builder->attributes = what->transactional ? TARN_BATCH_TRANSACTIONAL : 0;
    int64_t timestamp = what->timestamp ? what->timestamp : fixture->now_ms;
    for (int32_t i = 0; i < (what->count ? what->count : 1); i++) {
        char key[32], short_value[32];
        snprintf(key, sizeof key, "key %d", i);
        snprintf(short_value, sizeof short_value, "value %d", i);
        char *value = tarn_alloc(what->value_bytes + sizeof short_value);
        memset(value, 'v', what->value_bytes);
        strcpy(value + what->value_bytes, short_value);
        struct tarn_text text = tarn_text_of(what->value ? what->value : value);
        if (what->value && !*what->value)
            text = (struct tarn_text){0};
        tarn_batch_builder_add(builder, timestamp + i, tarn_text_of(what->key ? what->key : key),
                               text, NULL, 0);
        free(value);
    }
    if (tarn_batch_builder_finish(builder, &batch, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
    return batch;
}

/* Commits one batch; -1 and the error in fixture->err when that fails. */
static inline int64_t fixture_append(struct fixture *fixture, struct tarn_partition *partition,
                                     struct fixture_batch what, uint64_t *ret_position)
{
    struct tarn_batch_builder builder;
    struct tarn_record_batch batch = fixture_build(fixture, &builder, &what);
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    int64_t offset = -1;
    uint64_t position = 0;
    if (tarn_commit_append(commit, partition, &batch, &offset, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
    if (tarn_commit_write(commit, &position, &fixture->err) != TARN_OK)
        offset = -1;
    if (ret_position)
        *ret_position = position;
    tarn_batch_builder_release(&builder);
    return offset;
}

static inline void fixture_put(struct fixture *fixture, const char *key, const char *value)
{
    struct tarn_commit *commit = tarn_commit_begin(fixture->log);
    uint64_t position;
    tarn_commit_put(commit, tarn_text_of(key), tarn_text_of(value));
    if (tarn_commit_write(commit, &position, &fixture->err) != TARN_OK)
        fail_msg("%s", fixture->err.text);
}

static inline void fixture_durable(void *context, enum tarn_status status)
{
    *(int *)context = (int)status;
}

/* Waits until the position is durable; the status. */
static inline int fixture_sync(struct fixture *fixture, uint64_t position)
{
    int status = -1;
    tarn_log_wait_durable(fixture->log, position, fixture_durable, &status);
    while (status < 0)
        tarn_log_wait(fixture->log, 10000);
    return status;
}

/* Reads from `offset` to the end, batch by batch with `max_bytes` each time, checks CRCs and that
 * offsets go up, and returns how many records were there. */
static inline int64_t fixture_count(struct fixture *fixture, struct tarn_partition *partition,
                                    int64_t offset, uint32_t max_bytes)
{
    int64_t records = 0, end = tarn_partition_end_offset(partition);
    TARN_BUFFER(bytes, 64 << 20);
    while (offset < end) {
        struct tarn_read read;
        tarn_buffer_clear(&bytes);
        if (tarn_partition_read(partition, offset, end, max_bytes, true, &bytes, &read,
                                &fixture->err) != TARN_OK)
            fail_msg("%s", fixture->err.text);
        if (read.batch_count == 0)
            break;
        assert_int_equal(read.size_bytes, bytes.len);
        struct tarn_record_batch batch;
        for (size_t at = 0; at < bytes.len; at += batch.size_bytes) {
            struct tarn_text rest = {bytes.data + at, bytes.len - at};
            assert_int_equal(tarn_batch_parse(rest, &batch, &fixture->err), TARN_OK);
            assert_true(tarn_batch_crc_ok(&batch));
            assert_true(tarn_batch_last_offset(&batch) >= offset);
            offset = tarn_batch_last_offset(&batch) + 1;
            records += batch.record_count;
        }
        assert_int_equal(read.next_offset, offset);
    }
    return records;
}

#endif
