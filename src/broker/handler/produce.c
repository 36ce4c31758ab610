/* broker/handler/produce.c -- Produce: checks every partition's batch, then writes all that are
 * fine in one commit.
 *
 * First everything that may commit by itself (topics on demand, transactions of version 2) or fail,
 * then one commit, because the log takes one at a time. acks=1 is answered after the write,
 * acks=all after the sync, acks=0 never: there an error closes the connection, which is all that
 * such a producer can be told. */
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/handler/produce_wait.h"
#include "broker/handler/schema_check.h"
#include "broker/handler/topic_access.h"
#include "broker/handler/transaction_check.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/log/record_batch.h"
#include "broker/protocol/messages.h"

enum { ACKS_ALL = -1, ACKS_NONE = 0, ACKS_ONE = 1, TOPIC_IDS_SINCE = 13, RECORD_ERRORS_SINCE = 8 };

/* A batch that has passed its checks. */
struct accepted {
    struct tarn_partition *partition;
    struct tarn_batch_check check;
    struct tarn_produce_response_partition *out;
};

struct produce {
    struct tarn_request *request;
    struct tarn_produce_response response;
    struct accepted *accepted;
    size_t accepted_count;
    bool failed; /* some partition */
};

static void fail(struct produce *produce, struct tarn_produce_response_partition *out,
                 enum tarn_kafka_error error, const char *reason)
{
    out->error_code = (int16_t)error;
    out->base_offset = -1;
    out->log_append_time_ms = -1;
    out->log_start_offset = -1;
    if (reason && reason[0])
        out->error_message = tarn_text_of(tarn_arena_strdup(produce->request->arena, reason));
    produce->failed = true;
}

/* ---- checking ---- */

static void copy_record_errors(struct produce *produce, const struct tarn_batch_check *check,
                               struct tarn_produce_response_partition *out)
{
    if (check->error_count <= 0)
        return;
    out->record_errors = tarn_arena_array(produce->request->arena, (size_t)check->error_count,
                                          sizeof *out->record_errors);
    out->record_errors_count = check->error_count;
    for (int32_t i = 0; i < check->error_count; i++) {
        tarn_produce_response_record_error_init(&out->record_errors[i]);
        out->record_errors[i].batch_index = check->errors[i].index;
        out->record_errors[i].batch_index_error_message = tarn_text_of(check->errors[i].message);
    }
}

static void check_batch(struct produce *produce, struct tarn_topic *topic,
                        struct tarn_partition *partition, struct tarn_text records,
                        struct tarn_produce_response_partition *out)
{
    struct tarn_request *request = produce->request;
    struct accepted *accepted = &produce->accepted[produce->accepted_count];
    struct tarn_duplicate duplicate = {-1, -1};
    struct tarn_error err = {0};
    *accepted = (struct accepted){.partition = partition, .out = out};
    enum tarn_kafka_error error = tarn_batch_validate(
        records, &topic->settings, request->api_version, tarn_broker_now_ms(request->broker),
        request->arena, &accepted->check, &err);
    if (error == TARN_KAFKA_NONE)
        error = tarn_check_schemas(request, topic, &accepted->check, &err);
    if (error == TARN_KAFKA_NONE)
        error = tarn_check_transaction(request, topic, out->index, &accepted->check.batch, &err);
    if (error == TARN_KAFKA_NONE)
        error = tarn_partition_check_producer(partition, &accepted->check.batch, &duplicate, &err);
    if (error != TARN_KAFKA_NONE) {
        fail(produce, out, error, err.text);
        copy_record_errors(produce, &accepted->check, out);
        return;
    }
    out->log_start_offset = tarn_partition_start_offset(partition);
    if (duplicate.base_offset >= 0) {
        out->base_offset = duplicate.base_offset;
        out->log_append_time_ms = duplicate.timestamp;
        return;
    }
    out->log_append_time_ms = accepted->check.log_append_time;
    produce->accepted_count++;
}

static enum tarn_kafka_error find_topic(struct tarn_request *request,
                                        const struct tarn_produce_request_topic *wanted,
                                        struct tarn_topic **ret_topic)
{
    bool by_id = request->api_version >= TOPIC_IDS_SINCE;
    enum tarn_kafka_error error = tarn_topic_for_request(
        request, TARN_ACL_WRITE, by_id, &wanted->topic_id, wanted->name, ret_topic);
    if (error == TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION && !by_id)
        error = tarn_topic_auto_create(request, wanted->name, ret_topic);
    if (error == TARN_KAFKA_NONE && (*ret_topic)->internal)
        error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    return error;
}

static void check_topic(struct produce *produce, const struct tarn_produce_request_topic *wanted,
                        struct tarn_produce_response_topic *out,
                        enum tarn_kafka_error request_error)
{
    struct tarn_request *request = produce->request;
    struct tarn_topic *topic = NULL;
    enum tarn_kafka_error topic_error =
        request_error != TARN_KAFKA_NONE ? request_error : find_topic(request, wanted, &topic);
    tarn_produce_response_topic_init(out);
    out->name = wanted->name;
    out->topic_id = wanted->topic_id;
    out->partition_responses_count =
        wanted->partition_data_count > 0 ? wanted->partition_data_count : 0;
    out->partition_responses = tarn_arena_array(
        request->arena, (size_t)out->partition_responses_count, sizeof *out->partition_responses);
    for (int32_t i = 0; i < out->partition_responses_count; i++) {
        const struct tarn_produce_request_partition *data = &wanted->partition_data[i];
        struct tarn_produce_response_partition *answer = &out->partition_responses[i];
        tarn_produce_response_partition_init(answer);
        answer->index = data->index;
        struct tarn_partition *partition = tarn_topic_partition(topic, data->index);
        if (topic_error != TARN_KAFKA_NONE)
            fail(produce, answer, topic_error, NULL);
        else if (!partition)
            fail(produce, answer, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        else
            check_batch(produce, topic, partition, data->records, answer);
    }
}

static enum tarn_kafka_error check_request(struct tarn_request *request,
                                           const struct tarn_produce_request *body)
{
    if (body->acks < ACKS_ALL || body->acks > ACKS_ONE)
        return TARN_KAFKA_INVALID_REQUIRED_ACKS;
    if (body->transactional_id.data &&
        !tarn_request_may(request, TARN_ACL_WRITE, TARN_RESOURCE_TRANSACTIONAL_ID,
                          body->transactional_id))
        return TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return TARN_KAFKA_NONE;
}

static void check_all(struct produce *produce)
{
    struct tarn_request *request = produce->request;
    const struct tarn_produce_request *body = request->body;
    struct tarn_produce_response *response = &produce->response;
    enum tarn_kafka_error error = check_request(request, body);
    size_t partitions = 0;
    response->responses_count = body->topic_data_count > 0 ? body->topic_data_count : 0;
    response->responses = tarn_arena_array(request->arena, (size_t)response->responses_count,
                                           sizeof *response->responses);
    for (int32_t i = 0; i < response->responses_count; i++)
        partitions += body->topic_data[i].partition_data_count > 0
                          ? (size_t)body->topic_data[i].partition_data_count
                          : 0;
    /* one more: a batch is checked in place and counted when it has passed */
    produce->accepted = tarn_arena_array(request->arena, partitions + 1, sizeof *produce->accepted);
    for (int32_t i = 0; i < response->responses_count; i++)
        check_topic(produce, &body->topic_data[i], &response->responses[i], error);
}

/* ---- writing ---- */

static void write_accepted(struct produce *produce)
{
    if (produce->accepted_count == 0)
        return;
    struct tarn_commit *commit = tarn_commit_begin(tarn_broker_log(produce->request->broker));
    struct tarn_error err = {0};
    uint64_t position;
    size_t appended = 0;
    for (size_t i = 0; i < produce->accepted_count; i++) {
        struct accepted *accepted = &produce->accepted[i];
        if (tarn_commit_append(commit, accepted->partition, &accepted->check.batch,
                               &accepted->out->base_offset, &err) == TARN_OK)
            produce->accepted[appended++] = *accepted;
        else
            fail(produce, accepted->out, TARN_KAFKA_INVALID_REQUEST, err.text);
    }
    produce->accepted_count = appended;
    if (appended == 0) {
        tarn_commit_abandon(commit);
        return;
    }
    if (tarn_commit_write(commit, &position, &err) == TARN_OK)
        return;
    tarn_log_storage_failure(&err);
    for (size_t i = 0; i < appended; i++)
        fail(produce, produce->accepted[i].out, TARN_KAFKA_KAFKA_STORAGE_ERROR, err.text);
}

/* ---- answering ---- */

static void on_durable(void *context, enum tarn_status status)
{
    struct produce *produce = context;
    for (int32_t i = 0; status != TARN_OK && i < produce->response.responses_count; i++) {
        struct tarn_produce_response_topic *topic = &produce->response.responses[i];
        for (int32_t j = 0; j < topic->partition_responses_count; j++)
            if (topic->partition_responses[j].error_code == TARN_KAFKA_NONE)
                fail(produce, &topic->partition_responses[j], TARN_KAFKA_KAFKA_STORAGE_ERROR,
                     "the record was written, but could not be made durable");
    }
    tarn_request_reply(produce->request, &produce->response);
}

static size_t record_bytes(const struct tarn_produce_request *body)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < body->topic_data_count; i++)
        for (int32_t j = 0; j < body->topic_data[i].partition_data_count; j++)
            bytes += body->topic_data[i].partition_data[j].records.len;
    return bytes;
}

static void serve(struct tarn_request *request)
{
    const struct tarn_produce_request *body = request->body;
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct produce *produce = tarn_arena_alloc(request->arena, sizeof *produce);
    produce->request = request;
    tarn_produce_response_init(&produce->response);
    check_all(produce);
    write_accepted(produce);
    if (body->acks == ACKS_NONE && produce->failed)
        tarn_request_close(request, "a record sent with acks=0 was refused");
    else if (body->acks == ACKS_NONE)
        tarn_request_finish(request);
    else if (body->acks == ACKS_ALL || tarn_log_flush_position(log) == tarn_log_position(log))
        tarn_log_wait_durable(log, tarn_log_position(log), on_durable, produce);
    else
        tarn_request_reply(request, &produce->response);
}

void tarn_handle_produce(struct tarn_request *request)
{
    if (!tarn_produce_wait(request, record_bytes(request->body), serve))
        serve(request);
}
