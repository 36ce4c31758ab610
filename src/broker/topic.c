/* broker/topic.c -- the one interface over all places: checks what callers pass, then calls the
 * place. Nothing here knows where topics live. */
#include "broker/topic.h"

#include <assert.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/topic_int.h"

enum tarn_status tarn_topics_open(const struct tarn_topics_options *options,
                                  struct tarn_topics **ret_topics, struct tarn_error *err)
{
    struct tarn_topics_options filled = *options;
    if (!filled.address || !*filled.address)
        return tarn_fail(err, TARN_CONFIG,
                         "there is no broker address; give host:port, e.g. localhost:9092");
    if (!filled.client_id)
        filled.client_id = "tarn";
    if (filled.timeout_ms <= 0)
        filled.timeout_ms = TARN_TOPICS_TIMEOUT_MS;
    if (strcmp(filled.address, "offline") == 0)
        return tarn_topics_open_offline(&filled, ret_topics, err);
    if (strcmp(filled.address, "embedded") == 0)
        return tarn_topics_open_embedded(&filled, ret_topics, err);
    return tarn_topics_open_cluster(&filled, ret_topics, err);
}

void tarn_topics_close(struct tarn_topics *topics)
{
    if (topics)
        topics->ops->close(topics);
}

const char *tarn_topics_address(const struct tarn_topics *topics)
{
    return topics->address;
}

static enum tarn_status unsupported(const struct tarn_topics *topics, const char *what,
                                    struct tarn_error *err)
{
    return tarn_fail(err, TARN_UNSUPPORTED, "%s: not possible %s, where the files are only read",
                     what, topics->address);
}

/* ---- writing ---- */

enum tarn_status tarn_topic_writer_open(struct tarn_topics *topics,
                                        const struct tarn_topic_writer_options *options,
                                        struct tarn_topic_writer **ret_writer,
                                        struct tarn_error *err)
{
    struct tarn_topic_writer_options filled = *options;
    if (!topics->ops->writer_open)
        return unsupported(topics, "writing to topics", err);
    if (filled.transactional_id || filled.is_idempotent) {
        if (filled.acks != TARN_ACKS_ALL)
            return tarn_fail(err, TARN_CONFIG, "an idempotent writer needs acks=all");
        filled.is_idempotent = true;
    }
    if (filled.transaction_timeout_ms <= 0)
        filled.transaction_timeout_ms = TARN_WRITER_TRANSACTION_MS;
    if (filled.batch_bytes == 0)
        filled.batch_bytes = TARN_WRITER_BATCH_BYTES;
    if (filled.buffer_bytes == 0)
        filled.buffer_bytes = TARN_WRITER_BUFFER_BYTES;
    if (filled.delivery_timeout_ms <= 0)
        filled.delivery_timeout_ms = TARN_WRITER_DELIVERY_MS;
    if (!filled.compression)
        filled.compression = "none";
    struct tarn_topic_writer *writer;
    TARN_TRY(topics->ops->writer_open(topics, &filled, &writer, err));
    writer->topics = topics;
    writer->delivered = filled.delivered;
    writer->context = filled.context;
    writer->is_transactional = filled.transactional_id != NULL;
    *ret_writer = writer;
    return TARN_OK;
}

void tarn_topic_writer_close(struct tarn_topic_writer *writer)
{
    if (writer)
        writer->ops->close(writer);
}

void tarn_topic_writer_tell(struct tarn_topic_writer *writer,
                            const struct tarn_topic_delivery *delivery)
{
    if (delivery->status != TARN_OK && writer->first_failure.status == TARN_OK)
        (void)tarn_fail(&writer->first_failure, delivery->status, "writing to %s[%d]: %s",
                        delivery->topic, (int)delivery->partition, delivery->error);
    if (writer->delivered)
        writer->delivered(writer->context, delivery);
}

enum tarn_status tarn_topic_writer_failure(struct tarn_topic_writer *writer, struct tarn_error *err)
{
    enum tarn_status status = writer->first_failure.status;
    if (status != TARN_OK && err)
        *err = writer->first_failure;
    writer->first_failure = (struct tarn_error){0};
    return status;
}

enum tarn_status tarn_topic_write(struct tarn_topic_writer *writer,
                                  const struct tarn_topic_record *record, struct tarn_error *err)
{
    if (writer->is_transactional && !writer->is_in_transaction)
        return tarn_fail(err, TARN_INVALID, "writing to %s: no transaction was begun",
                         record->topic);
    return writer->ops->write(writer, record, err);
}

void tarn_topic_writer_poll(struct tarn_topic_writer *writer, int64_t timeout_ms)
{
    writer->ops->poll(writer, timeout_ms);
}

enum tarn_status tarn_topic_writer_flush(struct tarn_topic_writer *writer, int64_t timeout_ms,
                                         struct tarn_error *err)
{
    TARN_TRY(writer->ops->flush(writer, timeout_ms, err));
    return tarn_topic_writer_failure(writer, err);
}

enum tarn_topic_writer_state tarn_topic_writer_state(const struct tarn_topic_writer *writer)
{
    return writer->state;
}

static enum tarn_status check_transaction(const struct tarn_topic_writer *writer, const char *what,
                                          bool inside, struct tarn_error *err)
{
    if (!writer->is_transactional)
        return tarn_fail(err, TARN_INVALID, "%s: the writer has no transactional id", what);
    if (writer->is_in_transaction != inside)
        return tarn_fail(err, TARN_INVALID, "%s: %s", what,
                         inside ? "no transaction was begun" : "a transaction is open");
    return TARN_OK;
}

enum tarn_status tarn_topic_writer_begin(struct tarn_topic_writer *writer, struct tarn_error *err)
{
    TARN_TRY(check_transaction(writer, "beginning a transaction", false, err));
    TARN_TRY(writer->ops->begin(writer, err));
    writer->is_in_transaction = true;
    return TARN_OK;
}

enum tarn_status tarn_topic_writer_send_offsets(struct tarn_topic_writer *writer,
                                                struct tarn_topic_reader *reader,
                                                const struct tarn_topic_offset *offsets,
                                                size_t count, struct tarn_error *err)
{
    static const char what[] = "putting offsets into a transaction";
    TARN_TRY(check_transaction(writer, what, true, err));
    if (!reader->group)
        return tarn_fail(err, TARN_INVALID, "%s: the reader has no group", what);
    assert(reader->topics == writer->topics);
    return writer->ops->send_offsets(writer, reader, offsets, count, err);
}

enum tarn_status tarn_topic_writer_commit(struct tarn_topic_writer *writer, struct tarn_error *err)
{
    TARN_TRY(check_transaction(writer, "committing", true, err));
    TARN_TRY(writer->ops->commit(writer, err));
    writer->is_in_transaction = false;
    writer->first_failure = (struct tarn_error){0};
    return TARN_OK;
}

enum tarn_status tarn_topic_writer_abort(struct tarn_topic_writer *writer, struct tarn_error *err)
{
    TARN_TRY(check_transaction(writer, "aborting a transaction", true, err));
    TARN_TRY(writer->ops->abort(writer, err));
    writer->is_in_transaction = false;
    writer->first_failure = (struct tarn_error){0};
    return TARN_OK;
}

/* ---- reading ---- */

enum tarn_status tarn_topic_reader_open(struct tarn_topics *topics,
                                        const struct tarn_topic_reader_options *options,
                                        struct tarn_topic_reader **ret_reader,
                                        struct tarn_error *err)
{
    struct tarn_topic_reader_options filled = *options;
    if (filled.session_timeout_ms <= 0)
        filled.session_timeout_ms = TARN_READER_SESSION_MS;
    if (filled.fetch_bytes == 0)
        filled.fetch_bytes = TARN_READER_FETCH_BYTES;
    if (filled.commits_by_itself && !filled.group)
        return tarn_fail(err, TARN_CONFIG, "a reader without a group cannot commit by itself");
    struct tarn_topic_reader *reader;
    TARN_TRY(topics->ops->reader_open(topics, &filled, &reader, err));
    reader->topics = topics;
    reader->group = filled.group ? tarn_strdup(filled.group) : NULL;
    reader->rebalanced = filled.rebalanced;
    reader->context = filled.context;
    *ret_reader = reader;
    return TARN_OK;
}

void tarn_topic_reader_close(struct tarn_topic_reader *reader)
{
    if (!reader)
        return;
    char *group = reader->group;
    reader->ops->close(reader);
    free(group);
}

enum tarn_status tarn_topic_reader_assign(struct tarn_topic_reader *reader,
                                          const struct tarn_topic_offset *offsets, size_t count,
                                          struct tarn_error *err)
{
    return reader->ops->assign(reader, offsets, count, err);
}

enum tarn_status tarn_topic_reader_subscribe(struct tarn_topic_reader *reader,
                                             const char *const *topics, size_t count,
                                             struct tarn_error *err)
{
    if (!reader->group)
        return tarn_fail(err, TARN_INVALID, "subscribing to topics: the reader has no group");
    if (!reader->ops->subscribe)
        return unsupported(reader->topics, "subscribing to topics", err);
    return reader->ops->subscribe(reader, topics, count, err);
}

enum tarn_status tarn_topic_reader_assignment(struct tarn_topic_reader *reader,
                                              struct tarn_arena *arena,
                                              struct tarn_topic_offset **ret_offsets,
                                              size_t *ret_count, struct tarn_error *err)
{
    return reader->ops->assignment(reader, arena, ret_offsets, ret_count, err);
}

enum tarn_status tarn_topic_reader_poll(struct tarn_topic_reader *reader, size_t max_records,
                                        int64_t timeout_ms, struct tarn_topic_records *ret_records,
                                        struct tarn_error *err)
{
    assert(max_records > 0);
    return reader->ops->poll(reader, max_records, timeout_ms, ret_records, err);
}

void tarn_topic_reader_wake(struct tarn_topic_reader *reader)
{
    reader->ops->wake(reader);
}

enum tarn_status tarn_topic_reader_seek(struct tarn_topic_reader *reader, const char *topic,
                                        int32_t partition, int64_t offset, struct tarn_error *err)
{
    return reader->ops->seek(reader, topic, partition, offset, err);
}

enum tarn_status tarn_topic_reader_pause(struct tarn_topic_reader *reader, const char *topic,
                                         int32_t partition, bool is_paused, struct tarn_error *err)
{
    return reader->ops->pause(reader, topic, partition, is_paused, err);
}

enum tarn_status tarn_topic_reader_position(struct tarn_topic_reader *reader, const char *topic,
                                            int32_t partition, int64_t *ret_offset,
                                            struct tarn_error *err)
{
    return reader->ops->position(reader, topic, partition, ret_offset, err);
}

enum tarn_status tarn_topic_reader_lag(struct tarn_topic_reader *reader, const char *topic,
                                       int32_t partition, int64_t *ret_lag, struct tarn_error *err)
{
    return reader->ops->lag(reader, topic, partition, ret_lag, err);
}

static enum tarn_status check_group(const struct tarn_topic_reader *reader, const char *what,
                                    struct tarn_error *err)
{
    if (!reader->group)
        return tarn_fail(err, TARN_INVALID, "%s: the reader has no group", what);
    return TARN_OK;
}

enum tarn_status tarn_topic_reader_commit(struct tarn_topic_reader *reader,
                                          const struct tarn_topic_offset *offsets, size_t count,
                                          struct tarn_error *err)
{
    TARN_TRY(check_group(reader, "committing offsets", err));
    if (!reader->ops->commit)
        return unsupported(reader->topics, "committing offsets", err);
    return reader->ops->commit(reader, offsets, count, err);
}

enum tarn_status tarn_topic_reader_committed(struct tarn_topic_reader *reader,
                                             struct tarn_arena *arena,
                                             struct tarn_topic_offset *offsets, size_t count,
                                             struct tarn_error *err)
{
    TARN_TRY(check_group(reader, "reading committed offsets", err));
    return reader->ops->committed(reader, arena, offsets, count, err);
}

size_t tarn_topic_offsets_known(struct tarn_topic_offset *offsets, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (offsets[i].offset >= 0)
            offsets[known++] = offsets[i];
    return known;
}

/* ---- topics and groups ---- */

#define CALL(function, what, ...)                                                                  \
    do {                                                                                           \
        if (!topics->ops->function)                                                                \
            return unsupported(topics, what, err);                                                 \
        return topics->ops->function(topics, __VA_ARGS__);                                         \
    } while (0)

enum tarn_status tarn_topic_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                 struct tarn_topic_info **ret_topics, size_t *ret_count,
                                 struct tarn_error *err)
{
    CALL(list, "listing topics", arena, ret_topics, ret_count, err);
}

enum tarn_status tarn_topic_find(struct tarn_topics *topics, const char *name,
                                 struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                 struct tarn_error *err)
{
    CALL(find, "looking for a topic", name, arena, ret_topic, err);
}

enum tarn_status tarn_topic_describe(struct tarn_topics *topics, const char *name,
                                     struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                     struct tarn_error *err)
{
    CALL(describe, "describing a topic", name, arena, ret_topic, err);
}

enum tarn_status tarn_topic_create(struct tarn_topics *topics, const char *name, int32_t partitions,
                                   int16_t replicas, const struct tarn_topic_config_entry *configs,
                                   size_t config_count, struct tarn_error *err)
{
    CALL(create, "creating a topic", name, partitions, replicas, configs, config_count, err);
}

enum tarn_status tarn_topic_delete(struct tarn_topics *topics, const char *name,
                                   struct tarn_error *err)
{
    CALL(delete, "deleting a topic", name, err);
}

enum tarn_status tarn_topic_add_partitions(struct tarn_topics *topics, const char *name,
                                           int32_t total, struct tarn_error *err)
{
    CALL(add_partitions, "adding partitions", name, total, err);
}

enum tarn_status tarn_topic_alter(struct tarn_topics *topics, const char *name,
                                  const struct tarn_topic_config_entry *configs, size_t count,
                                  struct tarn_error *err)
{
    CALL(alter, "changing a topic's configs", name, configs, count, err);
}

enum tarn_status tarn_topic_delete_records(struct tarn_topics *topics, const char *name,
                                           int32_t partition, int64_t offset,
                                           struct tarn_error *err)
{
    CALL(delete_records, "deleting records", name, partition, offset, err);
}

enum tarn_status tarn_topic_watermarks(struct tarn_topics *topics, const char *name,
                                       int32_t partition, int64_t *ret_start, int64_t *ret_end,
                                       struct tarn_error *err)
{
    CALL(watermarks, "reading a partition's ends", name, partition, ret_start, ret_end, err);
}

enum tarn_status tarn_topic_offset_at(struct tarn_topics *topics, const char *name,
                                      int32_t partition, int64_t time_ms, int64_t *ret_offset,
                                      struct tarn_error *err)
{
    CALL(offset_at, "finding an offset by time", name, partition, time_ms, ret_offset, err);
}

enum tarn_status tarn_topic_group_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                       struct tarn_topic_group **ret_groups, size_t *ret_count,
                                       struct tarn_error *err)
{
    CALL(group_list, "listing groups", arena, ret_groups, ret_count, err);
}

enum tarn_status tarn_topic_group_describe(struct tarn_topics *topics, const char *group,
                                           struct tarn_arena *arena,
                                           struct tarn_topic_group_info *ret_info,
                                           struct tarn_error *err)
{
    CALL(group_describe, "describing a group", group, arena, ret_info, err);
}

enum tarn_status tarn_topic_group_reset(struct tarn_topics *topics, const char *group,
                                        const struct tarn_topic_offset *offsets, size_t count,
                                        struct tarn_error *err)
{
    CALL(group_reset, "setting a group's offsets", group, offsets, count, err);
}

enum tarn_status tarn_topic_group_delete(struct tarn_topics *topics, const char *group,
                                         struct tarn_error *err)
{
    CALL(group_delete, "deleting a group", group, err);
}
