/* broker/topic_embedded_writer.c -- writing to the broker in this process: records in, deliveries
 * out. */
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "broker/protocol/error_code.h"
#include "broker/topic_embedded_writer_int.h"
#include "broker/topics/catalog.h"

enum {
    METADATA_VERSION = 12,
    RECORD_OVERHEAD_BYTES = 64,
    HEADER_OVERHEAD_BYTES = 10,
    SPARE_MAX_BYTES = 4 << 20,
    IN_FLIGHT_MAX = 5,
};

/* ---- topics ---- */

struct looked_up {
    const char *name;
    int32_t partition_count;
    int64_t max_message_bytes;
};

static void look_up(struct tarn_broker *broker, void *context)
{
    struct looked_up *looked_up = context;
    const struct tarn_topic *topic =
        tarn_catalog_find(tarn_broker_catalog(broker), tarn_text_of(looked_up->name));
    looked_up->partition_count = topic ? topic->partition_count : 0;
    looked_up->max_message_bytes = topic ? topic->settings.max_message_bytes : 0;
}

/* Makes the topic when the broker makes topics that are used. */
static enum tarn_status make_topic(struct tarn_embedded_writer *writer, const char *name,
                                   struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_metadata_request request;
    struct tarn_metadata_request_topic topic;
    void *answer;
    tarn_metadata_request_init(&request);
    tarn_metadata_request_topic_init(&topic);
    topic.name = tarn_text_of(name);
    request.topics = &topic;
    request.topics_count = 1;
    request.allow_auto_topic_creation = true;
    TARN_TRY(tarn_embedded_ask(&writer->embedded->base, TARN_API_METADATA, METADATA_VERSION,
                               &request, arena, &answer, err));
    const struct tarn_metadata_response *response = answer;
    return tarn_embedded_fail(err, response->topics[0].error_code, (struct tarn_text){NULL, 0},
                              "writing to topic %s", name);
}

static enum tarn_status refresh(struct tarn_embedded_writer *writer, struct tarn_out_topic *topic,
                                struct tarn_error *err)
{
    struct looked_up found = {.name = topic->name};
    TARN_TRY(tarn_embedded_call(&writer->embedded->base, look_up, &found, err));
    if (found.partition_count == 0) {
        TARN_TRY(make_topic(writer, topic->name, err));
        TARN_TRY(tarn_embedded_call(&writer->embedded->base, look_up, &found, err));
    }
    size_t count = (size_t)found.partition_count;
    if (count > topic->partition_count) {
        topic->partitions = tarn_realloc_array(topic->partitions, count, sizeof *topic->partitions);
        for (size_t i = topic->partition_count; i < count; i++) {
            topic->partitions[i] = tarn_alloc(sizeof **topic->partitions);
            topic->partitions[i]->topic = topic->name;
            topic->partitions[i]->number = (int32_t)i;
        }
        topic->partition_count = count;
    }
    topic->batch_bytes = writer->batch_bytes;
    if (found.max_message_bytes > 0 && (size_t)found.max_message_bytes < topic->batch_bytes)
        topic->batch_bytes = (size_t)found.max_message_bytes;
    return TARN_OK;
}

static enum tarn_status find_topic(struct tarn_embedded_writer *writer, const char *name,
                                   struct tarn_out_topic **ret_topic, struct tarn_error *err)
{
    struct tarn_out_topic *topic = writer->topics;
    while (topic && strcmp(topic->name, name) != 0)
        topic = topic->next;
    if (!topic) {
        topic = tarn_alloc(sizeof *topic);
        topic->name = tarn_strdup(name);
        topic->next = writer->topics;
        writer->topics = topic;
    }
    *ret_topic = topic;
    return topic->partition_count > 0 ? TARN_OK : refresh(writer, topic, err);
}

/* Murmur2 as Java's client computes it, so that equal keys meet whoever wrote them. */
static uint32_t murmur2(struct tarn_text text)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *data = (const uint8_t *)text.data;
    uint32_t h = 0x9747b28c ^ (uint32_t)text.len;
    size_t at = 0;
    for (; at + 4 <= text.len; at += 4) {
        uint32_t k = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 |
                     (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;
        k *= m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    uint32_t rest = 0;
    for (size_t i = text.len; i > at; i--)
        rest = rest << 8 | data[i - 1];
    if (text.len > at)
        h = (h ^ rest) * m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

static enum tarn_status choose_partition(struct tarn_embedded_writer *writer,
                                         const struct tarn_topic_record *record,
                                         struct tarn_out_topic **ret_topic,
                                         struct tarn_out_partition **ret_partition,
                                         struct tarn_error *err)
{
    struct tarn_out_topic *topic;
    TARN_TRY(find_topic(writer, record->topic, &topic, err));
    size_t number;
    if (record->partition >= 0)
        number = (size_t)record->partition;
    else if (record->key.data)
        number = (murmur2(record->key) & INT32_MAX) % topic->partition_count;
    else
        number = topic->sticky % topic->partition_count;
    if (number >= topic->partition_count) /* it may have grown */
        TARN_TRY(refresh(writer, topic, err));
    if (number >= topic->partition_count)
        return tarn_fail(err, TARN_NOT_FOUND, "writing to %s[%zu]: the topic has %zu partitions",
                         topic->name, number, topic->partition_count);
    *ret_topic = topic;
    *ret_partition = topic->partitions[number];
    return TARN_OK;
}

/* ---- deliveries ---- */

static void tell_batch(struct tarn_embedded_writer *writer, const struct tarn_out_batch *batch)
{
    struct tarn_topic_delivery delivery = {
        .topic = batch->partition->topic,
        .partition = batch->partition->number,
        .offset = -1,
        .timestamp_ms = batch->append_time_ms,
        .status = tarn_topic_kafka_status(batch->code),
        .error = batch->code == TARN_KAFKA_NONE ? NULL
                 : batch->reason                ? batch->reason
                                                : tarn_kafka_error_text(batch->code),
    };
    if (batch->code != TARN_KAFKA_NONE)
        tarn_embedded_writer_note(writer, batch->code);
    size_t count = writer->tells ? (size_t)batch->builder.record_count : delivery.error ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        if (writer->tells) {
            delivery.opaque = batch->written[i].opaque;
            if (batch->append_time_ms < 0)
                delivery.timestamp_ms = batch->written[i].timestamp_ms;
        }
        if (!delivery.error && batch->base_offset >= 0)
            delivery.offset = batch->base_offset + (int64_t)i;
        tarn_topic_writer_tell(&writer->base, &delivery);
    }
}

/* Takes and gives back the mutex. */
static void tell(struct tarn_embedded_writer *writer)
{
    struct tarn_out_batch *batch = writer->done.first;
    writer->done = (struct tarn_out_list){NULL, NULL};
    if (!batch)
        return;
    pthread_mutex_unlock(&writer->bell.mutex);
    for (const struct tarn_out_batch *told = batch; told; told = told->next)
        tell_batch(writer, told);
    pthread_mutex_lock(&writer->bell.mutex);
    while (batch) {
        struct tarn_out_batch *next = batch->next;
        writer->held_bytes -= batch->bytes;
        if (batch->builder.records.cap <= SPARE_MAX_BYTES && writer->held_bytes > 0) {
            batch->next = writer->spare;
            writer->spare = batch;
        } else {
            tarn_out_batch_free(batch);
        }
        batch = next;
    }
}

/* ---- writing ---- */

static size_t record_size(const struct tarn_topic_record *record)
{
    size_t bytes = record->key.len + record->value.len + RECORD_OVERHEAD_BYTES;
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->headers[i].key.len + record->headers[i].value.len + HEADER_OVERHEAD_BYTES;
    return bytes;
}

static enum tarn_status wait_for_room(struct tarn_embedded_writer *writer, size_t bytes,
                                      const char *topic, struct tarn_error *err)
{
    int64_t deadline = 0;
    tell(writer);
    while (writer->held_bytes > 0 && writer->held_bytes + bytes > writer->buffer_bytes) {
        if (deadline == 0)
            deadline = tarn_deadline_us(writer->timeout_ms);
        while (writer->open && writer->in_flight == 0)
            tarn_out_seal(writer, writer->open);
        tarn_out_send(writer);
        if (!writer->done.first && !tarn_bell_wait(&writer->bell, deadline))
            return tarn_fail(err, TARN_TIMEOUT,
                             "writing to topic %s: the records before it are still on their way",
                             topic);
        tell(writer);
    }
    return TARN_OK;
}

static void add_record(struct tarn_embedded_writer *writer, struct tarn_out_batch *batch,
                       const struct tarn_topic_record *record, size_t bytes)
{
    int64_t timestamp = record->timestamp_ms < 0 ? tarn_now_us() / 1000 : record->timestamp_ms;
    TARN_RESERVE(writer->headers, writer->header_cap, record->header_count + 1);
    for (size_t i = 0; i < record->header_count; i++)
        writer->headers[i] =
            (struct tarn_record_header_in){record->headers[i].key, record->headers[i].value};
    if (writer->tells) {
        size_t at = (size_t)batch->builder.record_count;
        TARN_RESERVE(batch->written, batch->written_cap, at + 1);
        batch->written[at] = (struct tarn_written){record->opaque, timestamp};
    }
    tarn_batch_builder_add(&batch->builder, timestamp, record->key, record->value, writer->headers,
                           (int32_t)record->header_count);
    batch->bytes += bytes;
    writer->held_bytes += bytes;
}

static enum tarn_status writer_write(struct tarn_topic_writer *base,
                                     const struct tarn_topic_record *record, struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    struct tarn_out_topic *topic;
    struct tarn_out_partition *partition;
    size_t bytes = record_size(record);
    TARN_TRY(choose_partition(writer, record, &topic, &partition, err));
    if (base->state == TARN_WRITER_FAILED)
        return tarn_fail(err, TARN_CONFLICT, "writing to topic %s: a newer writer has taken over",
                         topic->name);
    pthread_mutex_lock(&writer->bell.mutex);
    enum tarn_status status = wait_for_room(writer, bytes, topic->name, err);
    if (status == TARN_OK) {
        struct tarn_out_batch *batch = tarn_out_open(writer, partition);
        if (batch->builder.record_count > 0 &&
            tarn_batch_builder_size(&batch->builder) + bytes > topic->batch_bytes) {
            tarn_out_seal(writer, partition);
            batch = tarn_out_open(writer, partition);
            topic->sticky++;
        }
        add_record(writer, batch, record, bytes);
        tarn_out_send(writer);
        tell(writer);
    }
    pthread_mutex_unlock(&writer->bell.mutex);
    return status;
}

static void writer_poll(struct tarn_topic_writer *base, int64_t timeout_ms)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    int64_t deadline = tarn_deadline_us(timeout_ms);
    pthread_mutex_lock(&writer->bell.mutex);
    while (!writer->done.first && timeout_ms != 0 && !tarn_out_is_idle(writer) &&
           tarn_bell_wait(&writer->bell, deadline))
        ;
    tell(writer);
    pthread_mutex_unlock(&writer->bell.mutex);
}

static enum tarn_status writer_flush(struct tarn_topic_writer *base, int64_t timeout_ms,
                                     struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    int64_t deadline = tarn_deadline_us(timeout_ms);
    enum tarn_status status = TARN_OK;
    pthread_mutex_lock(&writer->bell.mutex);
    writer->is_flushing = true;
    tarn_out_send(writer);
    while (!tarn_out_is_idle(writer)) {
        if (!writer->done.first && !tarn_bell_wait(&writer->bell, deadline)) {
            status = tarn_fail(err, TARN_TIMEOUT,
                               "waiting until all records are written: some are on their way");
            break;
        }
        tell(writer);
    }
    writer->is_flushing = false;
    tell(writer);
    pthread_mutex_unlock(&writer->bell.mutex);
    return status;
}

void tarn_embedded_writer_drop(struct tarn_embedded_writer *writer)
{
    pthread_mutex_lock(&writer->bell.mutex);
    while (writer->open)
        tarn_out_seal(writer, writer->open);
    while (writer->full.first) {
        struct tarn_out_batch *batch = writer->full.first;
        writer->full.first = batch->next;
        writer->held_bytes -= batch->bytes;
        tarn_out_batch_free(batch);
    }
    writer->full.last = NULL;
    while (writer->in_flight > 0) /* the broker answers all that it has taken */
        (void)tarn_bell_wait(&writer->bell, INT64_MAX);
    tell(writer);
    pthread_mutex_unlock(&writer->bell.mutex);
}

/* ---- open and close ---- */

static void writer_free(struct tarn_embedded_writer *writer)
{
    while (writer->topics) {
        struct tarn_out_topic *next = writer->topics->next;
        for (size_t i = 0; i < writer->topics->partition_count; i++)
            free(writer->topics->partitions[i]);
        free(writer->topics->partitions);
        free(writer->topics->name);
        free(writer->topics);
        writer->topics = next;
    }
    while (writer->spare) {
        struct tarn_out_batch *next = writer->spare->next;
        tarn_out_batch_free(writer->spare);
        writer->spare = next;
    }
    tarn_bell_release(&writer->bell);
    free(writer->headers);
    free(writer->transactional_id);
    free(writer);
}

static void writer_close(struct tarn_topic_writer *base)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    struct tarn_error err;
    base->delivered = NULL; /* what is dropped now is nobody's business any more */
    writer->tells = false;
    tarn_out_linger_stop(writer);
    tarn_embedded_writer_drop(writer);
    if (base->is_in_transaction && base->state != TARN_WRITER_FAILED)
        (void)!tarn_embedded_abort_transaction(base, &err); /* otherwise its timeout does */
    writer_free(writer);
}

static const struct tarn_topic_writer_ops writer_ops = {
    .close = writer_close,
    .write = writer_write,
    .poll = writer_poll,
    .flush = writer_flush,
    .begin = tarn_embedded_begin,
    .send_offsets = tarn_embedded_send_offsets,
    .commit = tarn_embedded_commit_transaction,
    .abort = tarn_embedded_abort_transaction,
};

static enum tarn_status find_codec(const char *name, enum tarn_codec *ret_codec,
                                   struct tarn_error *err)
{
    static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_codec = (enum tarn_codec)i;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_CONFIG,
                     "there is no compression '%s': none, gzip, snappy, lz4 or zstd", name);
}

enum tarn_status tarn_embedded_writer_open(struct tarn_topics *topics,
                                           const struct tarn_topic_writer_options *options,
                                           struct tarn_topic_writer **ret_writer,
                                           struct tarn_error *err)
{
    enum tarn_codec codec;
    TARN_TRY(find_codec(options->compression, &codec, err));
    struct tarn_embedded_writer *writer = tarn_alloc(sizeof *writer);
    writer->base.ops = &writer_ops;
    writer->embedded = (struct tarn_embedded *)topics;
    tarn_bell_init(&writer->bell);
    writer->acks = options->acks;
    writer->codec = codec;
    writer->is_idempotent = options->is_idempotent;
    writer->tells = options->delivered != NULL;
    writer->transactional_id =
        options->transactional_id ? tarn_strdup(options->transactional_id) : NULL;
    writer->transaction_timeout_ms = options->transaction_timeout_ms;
    writer->linger_ms = options->linger_ms;
    writer->timeout_ms = options->delivery_timeout_ms;
    writer->batch_bytes = options->batch_bytes;
    writer->buffer_bytes = options->buffer_bytes;
    writer->in_flight_max = options->is_idempotent ? 1 : IN_FLIGHT_MAX;
    writer->producer_id = -1;
    writer->producer_epoch = -1;
    enum tarn_status status =
        options->is_idempotent ? tarn_embedded_producer_init(writer, err) : TARN_OK;
    if (status != TARN_OK) {
        writer_free(writer);
        return status;
    }
    *ret_writer = &writer->base;
    return TARN_OK;
}
