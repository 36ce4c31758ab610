/* broker/topic_cluster_reader.c -- reading from a cluster, alone or as a member of a group.
 *
 * A batch is collected message by message and keeps the messages until the next poll, so records
 * point into them without a copy. A rebalance that arrives while a batch is being collected is put
 * off to the next poll: the owner hears of it after it has seen the records that came before. */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "broker/topic_cluster_int.h"

enum { SLICE_MS = 100, QUEUE_KBYTES_MIN = 1024, MESSAGE_BYTES_MIN = 1000 };

struct reached {
    char *topic;
    int32_t partition;
    int64_t offset;
};

struct cluster_reader {
    struct tarn_topic_reader base;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int64_t timeout_ms;
    bool commits_by_itself;
    _Atomic bool is_woken;
    struct tarn_arena *arena; /* headers of the batch */
    rd_kafka_message_t **messages;
    struct tarn_topic_record *records;
    size_t count, message_cap, record_cap;
    struct reached
        *reached; /* ends of partitions: behind control records, which are not handed out */
    size_t reached_count, reached_cap;
    rd_kafka_resp_err_t pending_code; /* a rebalance put off to the next poll; 0: none */
    rd_kafka_topic_partition_list_t *pending;
};

static struct cluster_reader *reader_of(struct tarn_topic_reader *reader)
{
    return (struct cluster_reader *)reader;
}

rd_kafka_t *tarn_cluster_reader_client(struct tarn_topic_reader *reader)
{
    return reader_of(reader)->client;
}

/* ---- ends ---- */

static struct reached *find_reached(struct cluster_reader *reader, const char *topic,
                                    int32_t partition)
{
    for (size_t i = 0; i < reader->reached_count; i++)
        if (reader->reached[i].partition == partition &&
            strcmp(reader->reached[i].topic, topic) == 0)
            return &reader->reached[i];
    return NULL;
}

static void note_end(struct cluster_reader *reader, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    struct reached *reached = find_reached(reader, topic, message->partition);
    if (!reached) {
        TARN_RESERVE(reader->reached, reader->reached_cap, reader->reached_count + 1);
        reached = &reader->reached[reader->reached_count++];
        *reached = (struct reached){tarn_strdup(topic), message->partition, 0};
    }
    reached->offset = message->offset;
}

static void forget_ends(struct cluster_reader *reader)
{
    for (size_t i = 0; i < reader->reached_count; i++)
        free(reader->reached[i].topic);
    reader->reached_count = 0;
}

/* The position counts control records and aborted ones at a partition's end as read. */
static enum tarn_status find_positions(struct cluster_reader *reader,
                                       rd_kafka_topic_partition_list_t *list,
                                       struct tarn_error *err)
{
    TARN_TRY(tarn_cluster_fail(err, rd_kafka_position(reader->client, list),
                               "reading a reader's positions"));
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *item = &list->elems[i];
        const struct reached *end = find_reached(reader, item->topic, item->partition);
        if (end && end->offset > item->offset)
            item->offset = end->offset;
    }
    return TARN_OK;
}

/* ---- rebalances ---- */

static void rebalance(struct cluster_reader *reader, rd_kafka_resp_err_t code,
                      const rd_kafka_topic_partition_list_t *partitions)
{
    bool revoked = code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    forget_ends(reader);
    if (!revoked)
        (void)rd_kafka_assign(reader->client, partitions);
    if (reader->base.rebalanced) {
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        reader->base.rebalanced(reader->base.context, &reader->base, revoked,
                                tarn_cluster_offsets(partitions, arena), (size_t)partitions->cnt);
    }
    if (revoked)
        (void)rd_kafka_assign(reader->client, NULL);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    (void)client;
    struct cluster_reader *reader = opaque;
    if (reader->count == 0) {
        rebalance(reader, code, partitions);
        return;
    }
    reader->pending_code = code;
    reader->pending = rd_kafka_topic_partition_list_copy(partitions);
}

static void settle_pending(struct cluster_reader *reader)
{
    if (!reader->pending)
        return;
    rd_kafka_topic_partition_list_t *partitions = reader->pending;
    reader->pending = NULL;
    rebalance(reader, reader->pending_code, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
}

/* ---- batches ---- */

/* What the last poll handed out counts as read now: the next commit may include it. */
static void store_offsets(struct cluster_reader *reader)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    if (reader->commits_by_itself && reader->count > 0 &&
        rd_kafka_assignment(reader->client, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)find_positions(reader, list, NULL);
        /* what was revoked meanwhile is refused, and is the next owner's to read again */
        (void)rd_kafka_offsets_store(reader->client, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
}

static void drop_batch(struct cluster_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        rd_kafka_message_destroy(reader->messages[i]);
    reader->count = 0;
    tarn_arena_reset(reader->arena);
}

static void read_headers(struct cluster_reader *reader, rd_kafka_message_t *message,
                         struct tarn_topic_record *record)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size_t count = rd_kafka_header_cnt(headers);
    struct tarn_topic_header *items = tarn_arena_array(reader->arena, count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t len;
        (void)rd_kafka_header_get_all(headers, i, &name, &value, &len);
        items[i] = (struct tarn_topic_header){tarn_text_of(name), {value, len}};
    }
    record->headers = items;
    record->header_count = count;
}

static void add_message(struct cluster_reader *reader, rd_kafka_message_t *message)
{
    TARN_RESERVE(reader->messages, reader->message_cap, reader->count + 1);
    TARN_RESERVE(reader->records, reader->record_cap, reader->count + 1);
    struct tarn_topic_record *record = &reader->records[reader->count];
    rd_kafka_timestamp_type_t type;
    *record = (struct tarn_topic_record){
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    record->is_append_time = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
    read_headers(reader, message, record);
    reader->messages[reader->count++] = message;
}

/* Errors that pass by themselves, because the client goes on trying. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__PARTITION_EOF || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
}

static enum tarn_status message_error(const rd_kafka_message_t *message, struct tarn_error *err)
{
    const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : "the group's topics";
    return tarn_fail(err, tarn_cluster_status(message->err), "reading from %s[%d]: %s", topic,
                     (int)message->partition, rd_kafka_message_errstr(message));
}

/* Waits for the first message in slices, so that a wake between two of them is not missed. */
static rd_kafka_message_t *first_message(struct cluster_reader *reader, int64_t timeout_ms)
{
    int64_t deadline = tarn_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        if (atomic_exchange(&reader->is_woken, false))
            return NULL;
        int64_t left_ms = (deadline - tarn_monotonic_us()) / 1000;
        int64_t slice = timeout_ms < 0 || left_ms > SLICE_MS ? SLICE_MS : left_ms > 0 ? left_ms : 0;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, (int)slice);
        if (message || (timeout_ms >= 0 && left_ms <= 0))
            return message;
    }
}

static enum tarn_status reader_poll(struct tarn_topic_reader *base, size_t max_records,
                                    int64_t timeout_ms, struct tarn_topic_records *ret_records,
                                    struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    enum tarn_status status = TARN_OK;
    store_offsets(reader);
    drop_batch(reader);
    settle_pending(reader);
    rd_kafka_message_t *message = first_message(reader, timeout_ms);
    while (message) {
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            add_message(reader, message);
        else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            note_end(reader, message);
        else if (!is_passing(message->err) && reader->count == 0)
            status = message_error(message, err);
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_message_destroy(message);
        if (status != TARN_OK || reader->pending || reader->count == max_records)
            break;
        message = rd_kafka_consumer_poll(reader->client, 0);
    }
    if (status == TARN_OK)
        *ret_records = (struct tarn_topic_records){reader->records, reader->count};
    return status;
}

static void reader_wake(struct tarn_topic_reader *base)
{
    struct cluster_reader *reader = reader_of(base);
    atomic_store(&reader->is_woken, true);
    rd_kafka_queue_yield(reader->queue);
}

/* ---- what it reads ---- */

static enum tarn_status reader_assign(struct tarn_topic_reader *base,
                                      const struct tarn_topic_offset *offsets, size_t count,
                                      struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    drop_batch(reader);
    forget_ends(reader);
    (void)rd_kafka_unsubscribe(reader->client);
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(offsets, count);
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return tarn_cluster_fail(err, code, "assigning partitions to a reader");
}

static enum tarn_status reader_subscribe(struct tarn_topic_reader *base, const char *const *topics,
                                         size_t count, struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    drop_batch(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return tarn_cluster_fail(err, code, "subscribing to topics as group %s", base->group);
}

static enum tarn_status positions(struct cluster_reader *reader,
                                  rd_kafka_topic_partition_list_t **ret_list,
                                  struct tarn_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    TARN_TRY(tarn_cluster_fail(err, rd_kafka_assignment(reader->client, &list),
                               "reading a reader's assignment"));
    enum tarn_status status = find_positions(reader, list, err);
    if (status == TARN_OK)
        *ret_list = list;
    else
        rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static enum tarn_status reader_assignment(struct tarn_topic_reader *base, struct tarn_arena *arena,
                                          struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                          struct tarn_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    TARN_TRY(positions(reader_of(base), &list, err));
    *ret_offsets = tarn_cluster_offsets(list, arena);
    *ret_count = (size_t)list->cnt;
    rd_kafka_topic_partition_list_destroy(list);
    return TARN_OK;
}

static enum tarn_status reader_position(struct tarn_topic_reader *base, const char *topic,
                                        int32_t partition, int64_t *ret_offset,
                                        struct tarn_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_add(list, topic, partition);
    enum tarn_status status = find_positions(reader_of(base), list, err);
    if (status == TARN_OK)
        *ret_offset = item->offset >= 0 ? item->offset : TARN_OFFSET_NONE;
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* A partition that is not being fetched yet cannot be sought; then it is assigned anew, along with
 * the others where they stand. */
static enum tarn_status assign_at(struct cluster_reader *reader, const char *topic,
                                  int32_t partition, int64_t offset, struct tarn_error *err)
{
    rd_kafka_topic_partition_list_t *list;
    TARN_TRY(positions(reader, &list, err));
    rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_find(list, topic, partition);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (item) {
        item->offset = offset;
        code = rd_kafka_assign(reader->client, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return tarn_cluster_fail(err, code, "seeking in %s[%d]", topic, (int)partition);
}

static enum tarn_status reader_seek(struct tarn_topic_reader *base, const char *topic,
                                    int32_t partition, int64_t offset, struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    struct tarn_topic_offset target = {.topic = topic, .partition = partition, .offset = offset};
    drop_batch(reader);
    struct reached *reached = find_reached(reader, topic, partition);
    if (reached)
        reached->offset = 0;
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(&target, 1);
    offset = list->elems[0].offset;
    rd_kafka_error_t *error =
        rd_kafka_seek_partitions(reader->client, list, tarn_cluster_timeout(reader->timeout_ms));
    bool sought = !error && list->elems[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    if (error)
        rd_kafka_error_destroy(error);
    return sought ? TARN_OK : assign_at(reader, topic, partition, offset, err);
}

static enum tarn_status reader_pause(struct tarn_topic_reader *base, const char *topic,
                                     int32_t partition, bool is_paused, struct tarn_error *err)
{
    rd_kafka_t *client = reader_of(base)->client;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code = is_paused ? rd_kafka_pause_partitions(client, list)
                                         : rd_kafka_resume_partitions(client, list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = list->elems[0].err;
    rd_kafka_topic_partition_list_destroy(list);
    return tarn_cluster_fail(err, code, "pausing %s[%d]", topic, (int)partition);
}

static enum tarn_status reader_lag(struct tarn_topic_reader *base, const char *topic,
                                   int32_t partition, int64_t *ret_lag, struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    int64_t position, start, end;
    TARN_TRY(reader_position(base, topic, partition, &position, err));
    TARN_TRY(tarn_cluster_fail(
        err,
        rd_kafka_query_watermark_offsets(reader->client, topic, partition, &start, &end,
                                         tarn_cluster_timeout(reader->timeout_ms)),
        "reading the ends of %s[%d]", topic, (int)partition));
    if (position < start)
        position = start;
    *ret_lag = end > position ? end - position : 0;
    return TARN_OK;
}

/* ---- commits ---- */

static enum tarn_status reader_commit(struct tarn_topic_reader *base,
                                      const struct tarn_topic_offset *offsets, size_t count,
                                      struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    if (!offsets) {
        struct tarn_topic_offset *here;
        TARN_TRY(reader_assignment(base, arena, &here, &count, err));
        count = tarn_topic_offsets_known(here, count);
        offsets = here;
    }
    if (count == 0)
        return TARN_OK;
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(offsets, count);
    rd_kafka_resp_err_t code = rd_kafka_commit(reader->client, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
    return tarn_cluster_fail(err, code, "committing offsets of group %s", base->group);
}

static enum tarn_status reader_committed(struct tarn_topic_reader *base, struct tarn_arena *arena,
                                         struct tarn_topic_offset *offsets, size_t count,
                                         struct tarn_error *err)
{
    struct cluster_reader *reader = reader_of(base);
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(offsets, count);
    rd_kafka_resp_err_t code =
        rd_kafka_committed(reader->client, list, tarn_cluster_timeout(reader->timeout_ms));
    struct tarn_topic_offset *found = tarn_cluster_offsets(list, arena);
    rd_kafka_topic_partition_list_destroy(list);
    TARN_TRY(tarn_cluster_fail(err, code, "reading the offsets of group %s", base->group));
    for (size_t i = 0; i < count; i++) {
        offsets[i].offset = found[i].offset >= 0 ? found[i].offset : TARN_OFFSET_NONE;
        offsets[i].metadata = found[i].metadata;
    }
    return TARN_OK;
}

/* ---- open and close ---- */

static void reader_close(struct tarn_topic_reader *base)
{
    struct cluster_reader *reader = reader_of(base);
    store_offsets(reader);
    drop_batch(reader);
    settle_pending(reader);
    (void)rd_kafka_consumer_close(reader->client);
    rd_kafka_queue_destroy(reader->queue);
    rd_kafka_destroy(reader->client);
    tarn_arena_free(reader->arena);
    forget_ends(reader);
    free(reader->reached);
    free(reader->messages);
    free(reader->records);
    free(reader);
}

static enum tarn_status configure(rd_kafka_conf_t *conf,
                                  const struct tarn_topic_reader_options *options,
                                  struct tarn_error *err)
{
    static const char *const resets[] = {"earliest", "latest", "error"};
    int64_t fetch_bytes = (int64_t)options->fetch_bytes;
    if (fetch_bytes < MESSAGE_BYTES_MIN)
        fetch_bytes = MESSAGE_BYTES_MIN;
    int64_t queue_kbytes = fetch_bytes / 1024;
    if (queue_kbytes < QUEUE_KBYTES_MIN)
        queue_kbytes = QUEUE_KBYTES_MIN;
    char group[TARN_UUID_BYTES];
    /* librdkafka wants a group in any case; one that nobody joins leaves nothing behind */
    TARN_TRY(tarn_cluster_set(conf, "group.id", options->group ? options->group : tarn_uuid(group),
                              err));
    if (options->instance_id)
        TARN_TRY(tarn_cluster_set(conf, "group.instance.id", options->instance_id, err));
    TARN_TRY(tarn_cluster_set(conf, "auto.offset.reset", resets[options->reset], err));
    TARN_TRY(tarn_cluster_set(conf, "isolation.level",
                              options->reads_uncommitted ? "read_uncommitted" : "read_committed",
                              err));
    TARN_TRY(tarn_cluster_set(conf, "enable.auto.offset.store", "false", err));
    TARN_TRY(tarn_cluster_set(conf, "enable.auto.commit",
                              options->commits_by_itself ? "true" : "false", err));
    TARN_TRY(tarn_cluster_set_int(conf, "auto.commit.interval.ms", TARN_READER_COMMIT_MS, err));
    TARN_TRY(tarn_cluster_set_int(conf, "session.timeout.ms", options->session_timeout_ms, err));
    TARN_TRY(tarn_cluster_set_int(conf, "fetch.message.max.bytes", fetch_bytes, err));
    TARN_TRY(tarn_cluster_set_int(conf, "queued.max.messages.kbytes", queue_kbytes, err));
    TARN_TRY(tarn_cluster_set(conf, "enable.partition.eof", "true", err));
    return tarn_cluster_set(conf, "allow.auto.create.topics", "false", err);
}

static const struct tarn_topic_reader_ops reader_ops = {
    .close = reader_close,
    .assign = reader_assign,
    .subscribe = reader_subscribe,
    .assignment = reader_assignment,
    .poll = reader_poll,
    .wake = reader_wake,
    .seek = reader_seek,
    .pause = reader_pause,
    .position = reader_position,
    .lag = reader_lag,
    .commit = reader_commit,
    .committed = reader_committed,
};

enum tarn_status tarn_cluster_reader_open(struct tarn_topics *topics,
                                          const struct tarn_topic_reader_options *options,
                                          struct tarn_topic_reader **ret_reader,
                                          struct tarn_error *err)
{
    rd_kafka_conf_t *conf;
    TARN_TRY(tarn_cluster_conf((struct tarn_cluster *)topics, &conf, err));
    enum tarn_status status = configure(conf, options, err);
    if (status != TARN_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    struct cluster_reader *reader = tarn_alloc(sizeof *reader);
    reader->base.ops = &reader_ops;
    reader->timeout_ms = topics->timeout_ms;
    reader->commits_by_itself = options->commits_by_itself;
    rd_kafka_conf_set_opaque(conf, reader);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    status = tarn_cluster_client(RD_KAFKA_CONSUMER, conf, &reader->client, err);
    if (status != TARN_OK) {
        free(reader);
        return status;
    }
    (void)rd_kafka_poll_set_consumer(reader->client);
    reader->queue = rd_kafka_queue_get_consumer(reader->client);
    reader->arena = tarn_arena_new();
    *ret_reader = &reader->base;
    return TARN_OK;
}
