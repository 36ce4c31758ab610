/* broker/handler/list_offsets.c -- ListOffsets: offsets by time, and the special times of the
 * protocol. */
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/protocol/messages.h"

enum {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_MAX = -3,            /* the record with the largest timestamp; since version 7 */
    TIME_EARLIEST_LOCAL = -4, /* with tiered storage: the first that is here; since version 8 */
    TIME_LATEST_TIERED = -5,  /* with tiered storage: the last that is there; since version 9 */
    READ_COMMITTED = 1,
};

static int64_t visible_end(const struct tarn_partition *partition, int8_t isolation_level)
{
    return isolation_level == READ_COMMITTED ? tarn_partition_last_stable_offset(partition)
                                             : tarn_partition_end_offset(partition);
}

static enum tarn_kafka_error by_time(struct tarn_request *request, struct tarn_partition *partition,
                                     int64_t timestamp,
                                     struct tarn_list_offsets_response_partition *out)
{
    const struct tarn_list_offsets_request *body = request->body;
    struct tarn_timestamp_offset found = {-1, -1, -1};
    struct tarn_error err = {0};
    enum tarn_status status =
        timestamp == TIME_MAX
            ? tarn_partition_max_timestamp(partition, &found, &err)
            : tarn_partition_find_timestamp(partition, timestamp,
                                            visible_end(partition, body->isolation_level), &found,
                                            &err);
    if (status != TARN_OK)
        return TARN_KAFKA_KAFKA_STORAGE_ERROR;
    out->offset = found.offset;
    out->timestamp = found.timestamp;
    out->leader_epoch = found.offset < 0 ? -1 : found.leader_epoch;
    return TARN_KAFKA_NONE;
}

static bool time_known(int64_t timestamp, int16_t version)
{
    if (timestamp == TIME_LATEST_TIERED)
        return version >= 9;
    if (timestamp == TIME_EARLIEST_LOCAL)
        return version >= 8;
    if (timestamp == TIME_MAX)
        return version >= 7;
    return timestamp >= TIME_EARLIEST;
}

static enum tarn_kafka_error find_offset(struct tarn_request *request,
                                         struct tarn_partition *partition,
                                         const struct tarn_list_offsets_request_partition *wanted,
                                         struct tarn_list_offsets_response_partition *out)
{
    const struct tarn_list_offsets_request *body = request->body;
    enum tarn_kafka_error error = tarn_check_leader_epoch(request, wanted->current_leader_epoch);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (!time_known(wanted->timestamp, request->api_version))
        return TARN_KAFKA_UNSUPPORTED_VERSION;
    int32_t epoch = tarn_log_leader_epoch(tarn_broker_log(request->broker));
    switch (wanted->timestamp) {
    case TIME_LATEST:
        out->offset = visible_end(partition, body->isolation_level);
        out->leader_epoch = epoch;
        return TARN_KAFKA_NONE;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL: {
        int64_t end;
        out->offset = tarn_partition_start_offset(partition);
        tarn_partition_epoch_end(partition, 0, &out->leader_epoch, &end);
        if (out->leader_epoch < 0)
            out->leader_epoch = epoch;
        return TARN_KAFKA_NONE;
    }
    case TIME_LATEST_TIERED:
        return TARN_KAFKA_NONE; /* nothing is tiered: offset -1 */
    default:
        return by_time(request, partition, wanted->timestamp, out);
    }
}

static void answer_topic(struct tarn_request *request,
                         const struct tarn_list_offsets_request_topic *wanted,
                         struct tarn_list_offsets_response_topic *out)
{
    struct tarn_topic *topic;
    enum tarn_kafka_error topic_error =
        tarn_topic_for_request(request, TARN_ACL_DESCRIBE, false, NULL, wanted->name, &topic);
    out->name = wanted->name;
    out->partitions_count = wanted->partitions_count > 0 ? wanted->partitions_count : 0;
    out->partitions =
        tarn_arena_array(request->arena, (size_t)out->partitions_count, sizeof *out->partitions);
    for (int32_t i = 0; i < out->partitions_count; i++) {
        struct tarn_list_offsets_response_partition *answer = &out->partitions[i];
        struct tarn_partition *partition =
            tarn_topic_partition(topic, wanted->partitions[i].partition_index);
        enum tarn_kafka_error error = topic_error;
        tarn_list_offsets_response_partition_init(answer);
        answer->partition_index = wanted->partitions[i].partition_index;
        answer->offset = answer->timestamp = -1;
        if (error == TARN_KAFKA_NONE)
            error = partition ? find_offset(request, partition, &wanted->partitions[i], answer)
                              : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        answer->error_code = (int16_t)error;
    }
}

void tarn_handle_list_offsets(struct tarn_request *request)
{
    const struct tarn_list_offsets_request *body = request->body;
    struct tarn_list_offsets_response response;
    tarn_list_offsets_response_init(&response);
    response.topics_count = body->topics_count > 0 ? body->topics_count : 0;
    response.topics =
        tarn_arena_array(request->arena, (size_t)response.topics_count, sizeof *response.topics);
    for (int32_t i = 0; i < response.topics_count; i++)
        answer_topic(request, &body->topics[i], &response.topics[i]);
    tarn_request_reply(request, &response);
}
