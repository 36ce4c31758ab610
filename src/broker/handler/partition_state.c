/* broker/handler/partition_state.c -- OffsetForLeaderEpoch and DescribeProducers: what a partition
 * knows of its past leaders and of its producers. */
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/protocol/messages.h"

/* ---- OffsetForLeaderEpoch ---- */

static void find_epoch_end(struct tarn_request *request, struct tarn_partition *partition,
                           int32_t epoch,
                           struct tarn_offset_for_leader_epoch_response_partition *out)
{
    /* The epoch that clients are told now may have no batch yet. */
    if (epoch == tarn_log_leader_epoch(tarn_broker_log(request->broker))) {
        out->leader_epoch = epoch;
        out->end_offset = tarn_partition_end_offset(partition);
    } else {
        tarn_partition_epoch_end(partition, epoch, &out->leader_epoch, &out->end_offset);
    }
}

static void answer_epochs(struct tarn_request *request,
                          const struct tarn_offset_for_leader_epoch_request_topic *wanted,
                          struct tarn_offset_for_leader_epoch_response_topic *out)
{
    struct tarn_topic *topic;
    enum tarn_kafka_error found =
        tarn_topic_for_request(request, TARN_ACL_DESCRIBE, false, NULL, wanted->topic, &topic);
    out->topic = wanted->topic;
    out->partitions_count = wanted->partitions_count;
    out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                       sizeof *out->partitions);
    for (int32_t i = 0; i < wanted->partitions_count; i++) {
        const struct tarn_offset_for_leader_epoch_request_partition *one = &wanted->partitions[i];
        struct tarn_offset_for_leader_epoch_response_partition *answer = &out->partitions[i];
        tarn_offset_for_leader_epoch_response_partition_init(answer);
        answer->partition = one->partition;
        struct tarn_partition *partition =
            found == TARN_KAFKA_NONE ? tarn_topic_partition(topic, one->partition) : NULL;
        enum tarn_kafka_error error = found;
        if (error == TARN_KAFKA_NONE)
            error = partition ? tarn_check_leader_epoch(request, one->current_leader_epoch)
                              : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        if (error == TARN_KAFKA_NONE)
            find_epoch_end(request, partition, one->leader_epoch, answer);
        answer->error_code = (int16_t)error;
    }
}

void tarn_handle_offset_for_leader_epoch(struct tarn_request *request)
{
    const struct tarn_offset_for_leader_epoch_request *body = request->body;
    struct tarn_offset_for_leader_epoch_response response;
    tarn_offset_for_leader_epoch_response_init(&response);
    response.topics_count = body->topics_count;
    response.topics =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *response.topics);
    for (int32_t i = 0; i < body->topics_count; i++)
        answer_epochs(request, &body->topics[i], &response.topics[i]);
    tarn_request_reply(request, &response);
}

/* ---- DescribeProducers ---- */

/* Of one topic in one request: producers are many times as long as the number that asks for them.
 */
enum { PARTITIONS_MAX = 10000 };

struct listing {
    struct tarn_describe_producers_response_active_producer *items;
    int32_t count, room;
};

static bool count_producer(void *context, const struct tarn_producer *producer)
{
    (void)producer;
    ((struct listing *)context)->room++;
    return true;
}

static bool list_producer(void *context, const struct tarn_producer *producer)
{
    struct listing *listing = context;
    listing->items[listing->count++] = (struct tarn_describe_producers_response_active_producer){
        .producer_id = producer->producer_id,
        .producer_epoch = producer->epoch,
        .last_sequence = producer->last_sequence,
        .last_timestamp = producer->last_timestamp,
        .coordinator_epoch = producer->coordinator_epoch,
        .current_txn_start_offset = producer->transaction_start,
    };
    return listing->count < listing->room;
}

static void list_producers(struct tarn_request *request, const struct tarn_partition *partition,
                           struct tarn_describe_producers_response_partition *out)
{
    struct listing listing = {NULL, 0, 0};
    tarn_partition_each_producer(partition, count_producer, &listing);
    listing.items =
        tarn_arena_array(request->arena, (size_t)listing.room + 1, sizeof *listing.items);
    tarn_partition_each_producer(partition, list_producer, &listing);
    out->active_producers = listing.items;
    out->active_producers_count = listing.count;
}

static void answer_producers(struct tarn_request *request,
                             const struct tarn_describe_producers_request_topic *wanted,
                             struct tarn_describe_producers_response_topic *out)
{
    struct tarn_topic *topic;
    enum tarn_kafka_error found =
        tarn_topic_for_request(request, TARN_ACL_READ, false, NULL, wanted->name, &topic);
    out->name = wanted->name;
    out->partitions_count = wanted->partition_indexes_count;
    out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partition_indexes_count + 1,
                                       sizeof *out->partitions);
    for (int32_t i = 0; i < wanted->partition_indexes_count; i++) {
        struct tarn_describe_producers_response_partition *answer = &out->partitions[i];
        tarn_describe_producers_response_partition_init(answer);
        answer->partition_index = wanted->partition_indexes[i];
        const struct tarn_partition *partition =
            found == TARN_KAFKA_NONE && i < PARTITIONS_MAX
                ? tarn_topic_partition(topic, answer->partition_index)
                : NULL;
        if (partition)
            list_producers(request, partition, answer);
        else
            answer->error_code =
                (int16_t)(found == TARN_KAFKA_NONE ? TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : found);
    }
}

void tarn_handle_describe_producers(struct tarn_request *request)
{
    const struct tarn_describe_producers_request *body = request->body;
    struct tarn_describe_producers_response response;
    tarn_describe_producers_response_init(&response);
    response.topics_count = body->topics_count;
    response.topics =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *response.topics);
    for (int32_t i = 0; i < body->topics_count; i++)
        answer_producers(request, &body->topics[i], &response.topics[i]);
    tarn_request_reply(request, &response);
}
