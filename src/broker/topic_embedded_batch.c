/* broker/topic_embedded_batch.c -- the batches of an embedded writer, from open to answered. */
#include <string.h>

#include "broker/log/log.h"
#include "broker/server/local.h"
#include "broker/topic_embedded_writer_int.h"

enum {
    PRODUCE_VERSION = 12, /* the last by name; partitions join a transaction by being written to */
    RECORD_BATCH_MAX_BYTES = 256 << 20,
    REQUEST_BATCHES_MAX = 100,
};

/* One Produce on its way. */
struct sent {
    struct tarn_embedded_writer *writer;
    struct tarn_out_batch *batches;
    struct tarn_produce_request body;
    size_t count;
    struct tarn_produce_request_topic topics[REQUEST_BATCHES_MAX];
    struct tarn_produce_request_partition partitions[REQUEST_BATCHES_MAX];
};

static void push(struct tarn_out_list *list, struct tarn_out_batch *batch)
{
    batch->next = NULL;
    if (list->last)
        list->last->next = batch;
    else
        list->first = batch;
    list->last = batch;
}

void tarn_out_batch_free(struct tarn_out_batch *batch)
{
    tarn_batch_builder_release(&batch->builder);
    free(batch->written);
    free(batch->reason);
    free(batch);
}

struct tarn_out_batch *tarn_out_open(struct tarn_embedded_writer *writer,
                                     struct tarn_out_partition *partition)
{
    if (partition->open)
        return partition->open;
    struct tarn_out_batch *batch = writer->spare;
    if (batch) {
        writer->spare = batch->next;
        tarn_batch_builder_clear(&batch->builder);
    } else {
        batch = tarn_alloc(sizeof *batch);
        tarn_batch_builder_init(&batch->builder, writer->codec, RECORD_BATCH_MAX_BYTES);
    }
    batch->next = NULL;
    batch->partition = partition;
    batch->bytes = 0;
    batch->code = TARN_KAFKA_NONE;
    free(batch->reason);
    batch->reason = NULL;
    partition->open = batch;
    partition->next_open = writer->open;
    writer->open = partition;
    return batch;
}

static void finish(struct tarn_embedded_writer *writer, struct tarn_out_batch *batch)
{
    struct tarn_error err = {0};
    if (writer->is_idempotent) {
        batch->builder.producer_id = writer->producer_id;
        batch->builder.producer_epoch = writer->producer_epoch;
        batch->builder.base_sequence = batch->partition->sequence;
    }
    if (writer->transactional_id)
        batch->builder.attributes |= TARN_BATCH_TRANSACTIONAL;
    if (tarn_batch_builder_finish(&batch->builder, &batch->sealed, &err) != TARN_OK) {
        batch->code = TARN_KAFKA_MESSAGE_TOO_LARGE;
        batch->sealed = (struct tarn_record_batch){0};
    }
}

void tarn_out_seal(struct tarn_embedded_writer *writer, struct tarn_out_partition *partition)
{
    struct tarn_out_partition **at = &writer->open;
    while (*at != partition)
        at = &(*at)->next_open;
    *at = partition->next_open;
    struct tarn_out_batch *batch = partition->open;
    partition->open = NULL;
    /* the number of an idempotent one's batch is known when those before it are there */
    if (!writer->is_idempotent)
        finish(writer, batch);
    push(&writer->full, batch);
}

bool tarn_out_is_idle(const struct tarn_embedded_writer *writer)
{
    return !writer->open && !writer->full.first && writer->in_flight == 0;
}

/* ---- answers ---- */

static void take_answer(struct tarn_out_batch *batch,
                        const struct tarn_produce_response_partition *answer)
{
    batch->code = answer->error_code;
    batch->base_offset = answer->base_offset;
    batch->append_time_ms = answer->log_append_time_ms;
    free(batch->reason);
    batch->reason = answer->error_message.len > 0
                        ? tarn_strndup(answer->error_message.data, answer->error_message.len)
                        : NULL;
}

static bool on_produced(void *context, struct tarn_request *request, const void *response)
{
    struct sent *sent = context;
    struct tarn_embedded_writer *writer = sent->writer;
    const struct tarn_produce_response *answer = response;
    (void)request;
    pthread_mutex_lock(&writer->bell.mutex);
    for (size_t i = 0; i < sent->count; i++) {
        struct tarn_out_batch *batch = sent->batches;
        sent->batches = batch->next;
        batch->base_offset = batch->append_time_ms = -1;
        if (answer)
            take_answer(batch, &answer->responses[i].partition_responses[0]);
        else if (writer->acks != TARN_ACKS_NONE)
            batch->code = TARN_KAFKA_NETWORK_EXCEPTION;
        if (batch->code == TARN_KAFKA_NONE)
            batch->partition->sequence =
                (int32_t)(((int64_t)batch->partition->sequence + batch->builder.record_count) &
                          INT32_MAX);
        push(&writer->done, batch);
    }
    writer->in_flight--;
    tarn_out_send(writer);
    pthread_cond_broadcast(&writer->bell.rung);
    pthread_mutex_unlock(&writer->bell.mutex);
    free(sent);
    return false;
}

static void produce(struct tarn_broker *broker, void *context)
{
    struct sent *sent = context;
    const char *client_id = sent->writer->embedded->base.client_id;
    (void)tarn_local_send(broker, TARN_API_PRODUCE, PRODUCE_VERSION, tarn_text_of(client_id),
                          &sent->body, on_produced, sent);
}

/* ---- sending ---- */

static bool has_partition(const struct sent *sent, const struct tarn_out_partition *partition)
{
    for (const struct tarn_out_batch *batch = sent->batches; batch; batch = batch->next)
        if (batch->partition == partition)
            return true;
    return false;
}

static void add_to(struct sent *sent, struct tarn_out_batch *batch)
{
    struct tarn_produce_request_topic *topic = &sent->topics[sent->count];
    struct tarn_produce_request_partition *partition = &sent->partitions[sent->count];
    struct tarn_out_batch **last = &sent->batches;
    while (*last)
        last = &(*last)->next;
    *last = batch;
    batch->next = NULL;
    tarn_produce_request_topic_init(topic);
    tarn_produce_request_partition_init(partition);
    topic->name = tarn_text_of(batch->partition->topic);
    topic->partition_data = partition;
    topic->partition_data_count = 1;
    partition->index = batch->partition->number;
    partition->records =
        (struct tarn_text){(const char *)batch->sealed.bytes, batch->sealed.size_bytes};
    sent->count++;
}

/* The first full batch of each partition, in order. */
static struct sent *collect(struct tarn_embedded_writer *writer)
{
    struct sent *sent = tarn_alloc(sizeof *sent);
    struct tarn_out_list left = {NULL, NULL};
    struct tarn_out_batch *batch = writer->full.first, *next;
    sent->writer = writer;
    tarn_produce_request_init(&sent->body);
    for (; batch; batch = next) {
        next = batch->next;
        if (sent->count == REQUEST_BATCHES_MAX || has_partition(sent, batch->partition)) {
            push(&left, batch);
            continue;
        }
        if (writer->is_idempotent)
            finish(writer, batch);
        if (batch->code == TARN_KAFKA_NONE)
            add_to(sent, batch);
        else
            push(&writer->done, batch);
    }
    writer->full = left;
    sent->body.acks = writer->acks == TARN_ACKS_ALL ? -1 : writer->acks == TARN_ACKS_LEADER ? 1 : 0;
    sent->body.timeout_ms =
        (int32_t)(writer->timeout_ms > INT32_MAX ? INT32_MAX : writer->timeout_ms);
    if (writer->transactional_id)
        sent->body.transactional_id = tarn_text_of(writer->transactional_id);
    sent->body.topic_data = sent->topics;
    sent->body.topic_data_count = (int32_t)sent->count;
    return sent;
}

static void on_linger(struct tarn_timer *timer)
{
    struct tarn_embedded_writer *writer =
        TARN_TIMER_OWNER(timer, struct tarn_embedded_writer, linger);
    pthread_mutex_lock(&writer->bell.mutex);
    while (writer->open)
        tarn_out_seal(writer, writer->open);
    writer->linger_armed = false;
    tarn_out_send(writer);
    pthread_mutex_unlock(&writer->bell.mutex);
}

static void arm_linger(struct tarn_broker *broker, void *context)
{
    struct tarn_embedded_writer *writer = context;
    tarn_timer_start(tarn_broker_timers(broker), &writer->linger, writer->linger_ms, on_linger);
}

static void stop_linger(struct tarn_broker *broker, void *context)
{
    tarn_timer_stop(tarn_broker_timers(broker), &((struct tarn_embedded_writer *)context)->linger);
}

void tarn_out_linger_stop(struct tarn_embedded_writer *writer)
{
    struct tarn_error err;
    if (writer->linger_ms > 0) /* fails when the broker has stopped: then no timer runs */
        (void)!tarn_broker_call(writer->embedded->broker, stop_linger, writer, &err);
}

void tarn_out_send(struct tarn_embedded_writer *writer)
{
    bool at_once = writer->linger_ms <= 0 || writer->is_flushing;
    if (!at_once && writer->open && !writer->linger_armed)
        writer->linger_armed = tarn_broker_post(writer->embedded->broker, arm_linger, writer);
    while (at_once && writer->in_flight == 0 && writer->open)
        tarn_out_seal(writer, writer->open);
    while (writer->full.first && writer->in_flight < writer->in_flight_max) {
        struct sent *sent = collect(writer);
        if (sent->count == 0) {
            free(sent);
            continue;
        }
        writer->in_flight++;
        if (tarn_broker_post(writer->embedded->broker, produce, sent))
            continue;
        writer->in_flight--;
        while (sent->batches) {
            struct tarn_out_batch *batch = sent->batches;
            sent->batches = batch->next;
            batch->code = TARN_KAFKA_NETWORK_EXCEPTION;
            push(&writer->done, batch);
        }
        free(sent);
    }
}
