/* broker/handler/topic_changes.c -- DeleteTopics, CreatePartitions, DeleteRecords: what changes
 * topics that are there. Answered when the change is durable. */
#include "broker/broker.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/handler/twice.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/protocol/messages.h"

static enum tarn_kafka_error refuse(struct tarn_error *err, enum tarn_kafka_error error,
                                    const char *reason)
{
    (void)tarn_fail(err, TARN_INVALID, "%s", reason);
    return error;
}

static struct tarn_text message_of(struct tarn_request *request, enum tarn_kafka_error error,
                                   const struct tarn_error *err)
{
    if (error == TARN_KAFKA_NONE)
        return (struct tarn_text){NULL, 0};
    return tarn_text_of(err->text[0] ? tarn_arena_strdup(request->arena, err->text)
                                     : tarn_kafka_error_text((int16_t)error));
}

/* ---- DeleteTopics ---- */

/* Versions up to 5 have names alone; this makes them look like version 6. */
static int32_t wanted_topics(struct tarn_request *request,
                             struct tarn_delete_topics_request_topic **ret_topics)
{
    enum { TOPICS_SINCE = 6 };
    const struct tarn_delete_topics_request *body = request->body;
    *ret_topics = body->topics;
    if (request->api_version >= TOPICS_SINCE)
        return body->topics_count;
    *ret_topics =
        tarn_arena_array(request->arena, (size_t)body->topic_names_count + 1, sizeof **ret_topics);
    for (int32_t i = 0; i < body->topic_names_count; i++)
        (*ret_topics)[i].name = body->topic_names[i];
    return body->topic_names_count;
}

static bool *deleted_twice(struct tarn_request *request,
                           const struct tarn_delete_topics_request_topic *topics, int32_t count)
{
    enum { BY_NAME, BY_ID };
    struct tarn_naming *names = tarn_arena_array(request->arena, (size_t)count + 1, sizeof *names);
    for (int32_t i = 0; i < count; i++) {
        const struct tarn_delete_topics_request_topic *topic = &topics[i];
        struct tarn_text id = {(const char *)topic->topic_id.bytes, sizeof topic->topic_id.bytes};
        names[i] = (struct tarn_naming){topic->name.data ? topic->name : id,
                                        topic->name.data ? BY_NAME : BY_ID, 0};
    }
    return tarn_named_twice(request->arena, names, (size_t)count);
}

static enum tarn_kafka_error delete_topic(struct tarn_request *request,
                                          const struct tarn_delete_topics_request_topic *wanted,
                                          struct tarn_delete_topics_response_topic *out,
                                          struct tarn_error *err)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    struct tarn_topic *topic;
    bool by_id = !wanted->name.data;
    if (!by_id && !tarn_uuid16_is_zero(&wanted->topic_id))
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "A topic is given by name or by id.");
    enum tarn_kafka_error error = tarn_topic_for_request(request, TARN_ACL_DELETE, by_id,
                                                         &wanted->topic_id, wanted->name, &topic);
    if (error != TARN_KAFKA_NONE)
        return error;
    out->topic_id = topic->id;
    struct tarn_text name = topic->name_text; /* goes with the topic */
    out->name =
        (struct tarn_text){tarn_arena_strndup(request->arena, name.data, name.len), name.len};
    return tarn_catalog_remove(catalog, topic, err);
}

static void deletion_failed(void *context)
{
    struct tarn_delete_topics_response *response = context;
    for (int32_t i = 0; i < response->responses_count; i++) {
        if (response->responses[i].error_code == TARN_KAFKA_NONE)
            response->responses[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

void tarn_handle_delete_topics(struct tarn_request *request)
{
    struct tarn_delete_topics_request_topic *topics;
    int32_t count = wanted_topics(request, &topics);
    struct tarn_delete_topics_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    bool *twice = deleted_twice(request, topics, count);
    tarn_delete_topics_response_init(response);
    response->responses_count = count;
    response->responses =
        tarn_arena_array(request->arena, (size_t)count + 1, sizeof *response->responses);
    for (int32_t i = 0; i < count; i++) {
        struct tarn_delete_topics_response_topic *out = &response->responses[i];
        struct tarn_error err = {0};
        tarn_delete_topics_response_topic_init(out);
        out->name = topics[i].name;
        out->topic_id = topics[i].topic_id;
        enum tarn_kafka_error error = twice[i] ? refuse(&err, TARN_KAFKA_INVALID_REQUEST,
                                                        "The request names this topic twice.")
                                               : delete_topic(request, &topics[i], out, &err);
        out->error_code = (int16_t)error;
        out->error_message = message_of(request, error, &err);
    }
    tarn_request_reply_durable(request, response, deletion_failed);
}

/* ---- CreatePartitions ---- */

static enum tarn_kafka_error
check_assignments(const struct tarn_create_partitions_request_topic *wanted, int32_t added,
                  struct tarn_error *err)
{
    if (wanted->assignments_count < 0)
        return TARN_KAFKA_NONE;
    if (wanted->assignments_count != added) {
        (void)tarn_fail(err, TARN_INVALID, "%d partitions are added, but %d assignments given.",
                        added, wanted->assignments_count);
        return TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT;
    }
    for (int32_t i = 0; i < added; i++) {
        const struct tarn_create_partitions_request_assignment *one = &wanted->assignments[i];
        if (one->broker_ids_count != 1 || one->broker_ids[0] != TARN_BROKER_NODE_ID)
            return refuse(err, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
                          "An assignment names other brokers than the only one, number 1.");
    }
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error grow(struct tarn_request *request,
                                  const struct tarn_create_partitions_request_topic *wanted,
                                  struct tarn_error *err)
{
    const struct tarn_create_partitions_request *body = request->body;
    struct tarn_topic *topic;
    enum tarn_kafka_error error =
        tarn_topic_for_request(request, TARN_ACL_ALTER, false, NULL, wanted->name, &topic);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (wanted->count <= topic->partition_count || wanted->count > TARN_TOPIC_PARTITIONS_MAX) {
        (void)tarn_fail(err, TARN_INVALID,
                        "The topic has %d partitions; %d is not a number above that, up to %d.",
                        topic->partition_count, wanted->count, TARN_TOPIC_PARTITIONS_MAX);
        return TARN_KAFKA_INVALID_PARTITIONS;
    }
    error = check_assignments(wanted, wanted->count - topic->partition_count, err);
    if (error != TARN_KAFKA_NONE || body->validate_only)
        return error;
    return tarn_catalog_grow(tarn_broker_catalog(request->broker), topic, wanted->count, err);
}

static bool *grown_twice(struct tarn_request *request,
                         const struct tarn_create_partitions_request *body)
{
    struct tarn_naming *names =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *names);
    for (int32_t i = 0; i < body->topics_count; i++)
        names[i].name = body->topics[i].name;
    return tarn_named_twice(request->arena, names, (size_t)body->topics_count);
}

static void growth_failed(void *context)
{
    struct tarn_create_partitions_response *response = context;
    for (int32_t i = 0; i < response->results_count; i++) {
        if (response->results[i].error_code == TARN_KAFKA_NONE)
            response->results[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

void tarn_handle_create_partitions(struct tarn_request *request)
{
    const struct tarn_create_partitions_request *body = request->body;
    struct tarn_create_partitions_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    bool *twice = grown_twice(request, body);
    tarn_create_partitions_response_init(response);
    response->results_count = body->topics_count;
    response->results =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *response->results);
    for (int32_t i = 0; i < body->topics_count; i++) {
        struct tarn_create_partitions_response_result *out = &response->results[i];
        struct tarn_error err = {0};
        tarn_create_partitions_response_result_init(out);
        enum tarn_kafka_error error = twice[i] ? refuse(&err, TARN_KAFKA_INVALID_REQUEST,
                                                        "The request names this topic twice.")
                                               : grow(request, &body->topics[i], &err);
        out->name = body->topics[i].name;
        out->error_code = (int16_t)error;
        out->error_message = message_of(request, error, &err);
    }
    tarn_request_reply_durable(request, response, growth_failed);
}

/* ---- DeleteRecords ---- */

enum { UP_TO_THE_END = -1 };

/* Adds the deletion to the commit. */
static enum tarn_kafka_error
delete_records(struct tarn_commit *commit, const struct tarn_topic *topic,
               const struct tarn_delete_records_request_partition *wanted)
{
    struct tarn_partition *partition = tarn_topic_partition(topic, wanted->partition_index);
    if (!partition)
        return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (!(topic->settings.cleanup_policy & TARN_CLEANUP_DELETE))
        return TARN_KAFKA_POLICY_VIOLATION;
    int64_t end = tarn_partition_end_offset(partition);
    int64_t offset = wanted->offset == UP_TO_THE_END ? end : wanted->offset;
    if (offset < 0 || offset > end)
        return TARN_KAFKA_OFFSET_OUT_OF_RANGE;
    tarn_commit_delete_before(commit, partition, offset);
    return TARN_KAFKA_NONE;
}

static void delete_from_topic(struct tarn_request *request, struct tarn_commit *commit,
                              const struct tarn_delete_records_request_topic *wanted,
                              struct tarn_delete_records_response_topic *out)
{
    struct tarn_topic *topic;
    enum tarn_kafka_error found =
        tarn_topic_for_request(request, TARN_ACL_DELETE, false, NULL, wanted->name, &topic);
    if (found == TARN_KAFKA_NONE && topic->internal)
        found = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    out->name = wanted->name;
    out->partitions_count = wanted->partitions_count;
    out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                       sizeof *out->partitions);
    for (int32_t i = 0; i < wanted->partitions_count; i++) {
        struct tarn_delete_records_response_partition *partition = &out->partitions[i];
        enum tarn_kafka_error error = found == TARN_KAFKA_NONE
                                          ? delete_records(commit, topic, &wanted->partitions[i])
                                          : found;
        partition->partition_index = wanted->partitions[i].partition_index;
        partition->error_code = (int16_t)error;
        partition->low_watermark = -1;
    }
}

static void records_stay(void *context)
{
    struct tarn_delete_records_response *response = context;
    for (int32_t i = 0; i < response->topics_count; i++) {
        struct tarn_delete_records_response_topic *topic = &response->topics[i];
        for (int32_t k = 0; k < topic->partitions_count; k++) {
            if (topic->partitions[k].error_code != TARN_KAFKA_NONE)
                continue;
            topic->partitions[k].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
            topic->partitions[k].low_watermark = -1;
        }
    }
}

/* Where each partition begins now. */
static void fill_low_watermarks(struct tarn_request *request,
                                struct tarn_delete_records_response *response)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    for (int32_t i = 0; i < response->topics_count; i++) {
        struct tarn_delete_records_response_topic *out = &response->topics[i];
        const struct tarn_topic *topic = tarn_catalog_find(catalog, out->name);
        for (int32_t k = 0; k < out->partitions_count; k++) {
            if (out->partitions[k].error_code == TARN_KAFKA_NONE)
                out->partitions[k].low_watermark = tarn_partition_start_offset(
                    tarn_topic_partition(topic, out->partitions[k].partition_index));
        }
    }
}

void tarn_handle_delete_records(struct tarn_request *request)
{
    const struct tarn_delete_records_request *body = request->body;
    struct tarn_commit *commit = tarn_commit_begin(tarn_broker_log(request->broker));
    struct tarn_delete_records_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    struct tarn_error err;
    uint64_t position;
    tarn_delete_records_response_init(response);
    response->topics_count = body->topics_count;
    response->topics =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *response->topics);
    for (int32_t i = 0; i < body->topics_count; i++)
        delete_from_topic(request, commit, &body->topics[i], &response->topics[i]);
    if (tarn_commit_write(commit, &position, &err) == TARN_OK) {
        fill_low_watermarks(request, response);
    } else {
        tarn_log_storage_failure(&err);
        records_stay(response);
    }
    tarn_request_reply_durable(request, response, records_stay);
}
