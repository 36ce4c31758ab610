/* broker/topic_cluster_writer.c -- writing to a cluster: records, deliveries, transactions. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "broker/topic_cluster_int.h"

enum { FULL_WAIT_MS = 100, RETRY_WAIT_MS = 50, FIXED_ARGUMENTS = 7 };

struct cluster_writer {
    struct tarn_topic_writer base;
    rd_kafka_t *client;
    int64_t timeout_ms;
    rd_kafka_vu_t *arguments; /* of rd_kafka_produceva; grows with headers */
    size_t argument_cap;
};

static struct cluster_writer *writer_of(struct tarn_topic_writer *writer)
{
    return (struct cluster_writer *)writer;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct tarn_topic_delivery delivery = {
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->err ? -1 : message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
        .status = tarn_cluster_status(message->err),
        .error = message->err ? rd_kafka_err2str(message->err) : NULL,
        .opaque = message->_private,
    };
    if (delivery.offset < 0)
        delivery.offset = -1;
    tarn_topic_writer_tell(opaque, &delivery);
}

static enum tarn_status configure(rd_kafka_conf_t *conf,
                                  const struct tarn_topic_writer_options *options,
                                  struct tarn_error *err)
{
    static const char *const acks[] = {"all", "1", "0"};
    TARN_TRY(tarn_cluster_set(conf, "acks", acks[options->acks], err));
    TARN_TRY(tarn_cluster_set(conf, "compression.type", options->compression, err));
    /* as Kafka's own clients do, so that equal keys meet in one partition whoever wrote them */
    TARN_TRY(tarn_cluster_set(conf, "partitioner", "murmur2_random", err));
    TARN_TRY(tarn_cluster_set_int(conf, "linger.ms", options->linger_ms, err));
    TARN_TRY(tarn_cluster_set_int(conf, "batch.size", (int64_t)options->batch_bytes, err));
    TARN_TRY(tarn_cluster_set_int(conf, "queue.buffering.max.kbytes",
                                  (int64_t)(options->buffer_bytes + 1023) / 1024, err));
    /* the bytes are the limit; the count would be the lower one for small records */
    TARN_TRY(tarn_cluster_set_int(conf, "queue.buffering.max.messages", INT_MAX, err));
    TARN_TRY(tarn_cluster_set(conf, "enable.idempotence", options->is_idempotent ? "true" : "false",
                              err));
    if (!options->transactional_id)
        return tarn_cluster_set_int(conf, "message.timeout.ms", options->delivery_timeout_ms, err);
    TARN_TRY(tarn_cluster_set(conf, "transactional.id", options->transactional_id, err));
    return tarn_cluster_set_int(conf, "transaction.timeout.ms", options->transaction_timeout_ms,
                                err);
}

/* What an error of a transaction call leaves behind; retries what may be retried, within bounds. */
static enum tarn_status settle(struct cluster_writer *writer, rd_kafka_error_t *error,
                               const char *what, struct tarn_error *err)
{
    if (error && rd_kafka_error_is_fatal(error))
        writer->base.state = TARN_WRITER_FAILED;
    else if (error && rd_kafka_error_txn_requires_abort(error))
        writer->base.state = TARN_WRITER_MUST_ABORT;
    return tarn_cluster_fail_object(err, error, "%s", what);
}

static void writer_close(struct tarn_topic_writer *base)
{
    struct cluster_writer *writer = writer_of(base);
    base->delivered = NULL; /* what is dropped now is nobody's business any more */
    if (base->is_in_transaction && base->state != TARN_WRITER_FAILED) {
        rd_kafka_error_t *error =
            rd_kafka_abort_transaction(writer->client, tarn_cluster_timeout(writer->timeout_ms));
        if (error)
            rd_kafka_error_destroy(error); /* the broker aborts it after its timeout */
    }
    (void)rd_kafka_purge(writer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(writer->client);
    free(writer->arguments);
    free(writer);
}

static size_t add_headers(struct cluster_writer *writer, size_t count,
                          const struct tarn_topic_record *record, char **names)
{
    for (size_t i = 0; i < record->header_count; i++) {
        const struct tarn_topic_header *header = &record->headers[i];
        rd_kafka_vu_t *argument = &writer->arguments[count++];
        argument->vtype = RD_KAFKA_VTYPE_HEADER;
        argument->u.header.name = names[i];
        argument->u.header.val = header->value.data;
        argument->u.header.size = header->value.data ? (ssize_t)header->value.len : 0;
    }
    return count;
}

static size_t fill_arguments(struct cluster_writer *writer, const struct tarn_topic_record *record)
{
    TARN_RESERVE(writer->arguments, writer->argument_cap, FIXED_ARGUMENTS + record->header_count);
    rd_kafka_vu_t *a = writer->arguments;
    size_t n = 0;
    a[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic};
    a[n++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION,
                        .u.i32 = record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition};
    a[n++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
                        .u.mem = {.ptr = (void *)record->value.data, .size = record->value.len}};
    a[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
                             .u.mem = {.ptr = (void *)record->key.data, .size = record->key.len}};
    a[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP,
                             .u.i64 = record->timestamp_ms < 0 ? 0 : record->timestamp_ms};
    a[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    a[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = record->opaque};
    return n;
}

static enum tarn_status produce(struct cluster_writer *writer,
                                const struct tarn_topic_record *record, size_t count,
                                struct tarn_error *err)
{
    int64_t deadline = tarn_monotonic_us() + writer->timeout_ms * 1000;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_produceva(writer->client, writer->arguments, count);
        if (!error || rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL ||
            tarn_monotonic_us() > deadline) {
            (void)rd_kafka_poll(writer->client, 0);
            char what[300];
            snprintf(what, sizeof what, "writing to topic %s", record->topic);
            return settle(writer, error, what, err);
        }
        rd_kafka_error_destroy(error);
        (void)rd_kafka_poll(writer->client, FULL_WAIT_MS);
    }
}

static enum tarn_status writer_write(struct tarn_topic_writer *base,
                                     const struct tarn_topic_record *record, struct tarn_error *err)
{
    struct cluster_writer *writer = writer_of(base);
    size_t count = fill_arguments(writer, record);
    TARN_AUTO_ARENA struct tarn_arena *arena = NULL;
    if (record->header_count > 0) { /* their names have to end in NUL */
        arena = tarn_arena_new();
        char **names = tarn_arena_array(arena, record->header_count, sizeof *names);
        for (size_t i = 0; i < record->header_count; i++)
            names[i] =
                tarn_arena_strndup(arena, record->headers[i].key.data, record->headers[i].key.len);
        count = add_headers(writer, count, record, names);
    }
    return produce(writer, record, count, err);
}

static void writer_poll(struct tarn_topic_writer *base, int64_t timeout_ms)
{
    (void)rd_kafka_poll(writer_of(base)->client, tarn_cluster_timeout(timeout_ms));
}

static enum tarn_status writer_flush(struct tarn_topic_writer *base, int64_t timeout_ms,
                                     struct tarn_error *err)
{
    struct cluster_writer *writer = writer_of(base);
    rd_kafka_resp_err_t code =
        rd_kafka_flush(writer->client, timeout_ms < 0 ? INT_MAX : tarn_cluster_timeout(timeout_ms));
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return tarn_fail(err, TARN_TIMEOUT,
                         "waiting until all records are written: %d are still on their way",
                         rd_kafka_outq_len(writer->client));
    return tarn_cluster_fail(err, code, "waiting until all records are written");
}

static enum tarn_status writer_begin(struct tarn_topic_writer *base, struct tarn_error *err)
{
    struct cluster_writer *writer = writer_of(base);
    return settle(writer, rd_kafka_begin_transaction(writer->client), "beginning a transaction",
                  err);
}

static rd_kafka_error_t *commit_once(struct cluster_writer *writer, void *context)
{
    (void)context;
    return rd_kafka_commit_transaction(writer->client, tarn_cluster_timeout(writer->timeout_ms));
}

static rd_kafka_error_t *abort_once(struct cluster_writer *writer, void *context)
{
    (void)context;
    return rd_kafka_abort_transaction(writer->client, tarn_cluster_timeout(writer->timeout_ms));
}

struct group_offsets {
    const rd_kafka_topic_partition_list_t *list;
    const rd_kafka_consumer_group_metadata_t *metadata;
};

static rd_kafka_error_t *send_once(struct cluster_writer *writer, void *context)
{
    const struct group_offsets *group = context;
    return rd_kafka_send_offsets_to_transaction(writer->client, group->list, group->metadata,
                                                tarn_cluster_timeout(writer->timeout_ms));
}

static rd_kafka_error_t *init_once(struct cluster_writer *writer, void *context)
{
    (void)context;
    return rd_kafka_init_transactions(writer->client, tarn_cluster_timeout(writer->timeout_ms));
}

/* These calls may be repeated as they are when the error says so. */
static enum tarn_status persist(struct cluster_writer *writer,
                                rd_kafka_error_t *(*once)(struct cluster_writer *, void *),
                                void *context, const char *what, struct tarn_error *err)
{
    int64_t deadline = tarn_monotonic_us() + writer->timeout_ms * 1000;
    for (;;) {
        rd_kafka_error_t *error = once(writer, context);
        if (!error || !rd_kafka_error_is_retriable(error) || tarn_monotonic_us() > deadline)
            return settle(writer, error, what, err);
        rd_kafka_error_destroy(error);
        (void)rd_kafka_poll(writer->client, RETRY_WAIT_MS);
    }
}

static enum tarn_status writer_send_offsets(struct tarn_topic_writer *base,
                                            struct tarn_topic_reader *reader,
                                            const struct tarn_topic_offset *offsets, size_t count,
                                            struct tarn_error *err)
{
    struct cluster_writer *writer = writer_of(base);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_offset *positions = NULL;
    if (!offsets) {
        TARN_TRY(tarn_topic_reader_assignment(reader, arena, &positions, &count, err));
        count = tarn_topic_offsets_known(positions, count);
        offsets = positions;
    }
    if (count == 0)
        return TARN_OK;
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(offsets, count);
    rd_kafka_consumer_group_metadata_t *metadata =
        rd_kafka_consumer_group_metadata(tarn_cluster_reader_client(reader));
    struct group_offsets group = {list, metadata};
    enum tarn_status status =
        persist(writer, send_once, &group, "putting offsets into a transaction", err);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static enum tarn_status writer_commit(struct tarn_topic_writer *base, struct tarn_error *err)
{
    return persist(writer_of(base), commit_once, NULL, "committing a transaction", err);
}

static enum tarn_status writer_abort(struct tarn_topic_writer *base, struct tarn_error *err)
{
    struct cluster_writer *writer = writer_of(base);
    TARN_TRY(persist(writer, abort_once, NULL, "aborting a transaction", err));
    base->state = TARN_WRITER_READY;
    return TARN_OK;
}

static const struct tarn_topic_writer_ops writer_ops = {
    .close = writer_close,
    .write = writer_write,
    .poll = writer_poll,
    .flush = writer_flush,
    .begin = writer_begin,
    .send_offsets = writer_send_offsets,
    .commit = writer_commit,
    .abort = writer_abort,
};

enum tarn_status tarn_cluster_writer_open(struct tarn_topics *topics,
                                          const struct tarn_topic_writer_options *options,
                                          struct tarn_topic_writer **ret_writer,
                                          struct tarn_error *err)
{
    rd_kafka_conf_t *conf;
    TARN_TRY(tarn_cluster_conf((struct tarn_cluster *)topics, &conf, err));
    enum tarn_status status = configure(conf, options, err);
    if (status != TARN_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    struct cluster_writer *writer = tarn_alloc(sizeof *writer);
    writer->base.ops = &writer_ops;
    writer->timeout_ms = options->delivery_timeout_ms;
    rd_kafka_conf_set_opaque(conf, writer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    status = tarn_cluster_client(RD_KAFKA_PRODUCER, conf, &writer->client, err);
    if (status == TARN_OK && options->transactional_id) {
        status = persist(writer, init_once, NULL, "starting the transactional writer", err);
        if (status != TARN_OK)
            rd_kafka_destroy(writer->client);
    }
    if (status == TARN_OK)
        *ret_writer = &writer->base;
    else
        free(writer);
    return status;
}
