/* broker/handler/metadata.c -- Metadata: this broker, its topics, and where to reach them.
 *
 * A topic that is not there is created when the client allows it and is ready in the same answer,
 * leader and all: a client that is told to come back later waits for its refresh interval. */
#include "broker/broker.h"
#include "broker/handler/cluster.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/log/log.h"
#include "broker/protocol/messages.h"

enum { TOPIC_IDS_SINCE = 10, NULL_MEANS_ALL_SINCE = 1, OPERATIONS_UNKNOWN = INT32_MIN };

static int32_t *this_node(struct tarn_arena *arena)
{
    int32_t *node = tarn_arena_alloc(arena, sizeof *node);
    *node = TARN_BROKER_NODE_ID;
    return node;
}

static void describe_partitions(struct tarn_request *request, const struct tarn_topic *topic,
                                struct tarn_metadata_response_topic *out)
{
    int32_t *node = this_node(request->arena);
    int32_t epoch = tarn_log_leader_epoch(tarn_broker_log(request->broker));
    out->partitions =
        tarn_arena_array(request->arena, (size_t)topic->partition_count, sizeof *out->partitions);
    out->partitions_count = topic->partition_count;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        struct tarn_metadata_response_partition *partition = &out->partitions[i];
        tarn_metadata_response_partition_init(partition);
        partition->partition_index = i;
        partition->leader_id = TARN_BROKER_NODE_ID;
        partition->leader_epoch = epoch;
        partition->replica_nodes = partition->isr_nodes = node;
        partition->replica_nodes_count = partition->isr_nodes_count = 1;
        partition->offline_replicas_count = 0;
    }
}

static void describe_topic(struct tarn_request *request, const struct tarn_topic *topic,
                           struct tarn_metadata_response_topic *out)
{
    const struct tarn_metadata_request *body = request->body;
    out->error_code = TARN_KAFKA_NONE;
    out->name = topic->name_text;
    out->topic_id = topic->id;
    out->is_internal = topic->internal;
    describe_partitions(request, topic, out);
    if (body->include_topic_authorized_operations)
        out->topic_authorized_operations = tarn_topic_operations(request, topic->name_text);
}

static void answer_topic(struct tarn_request *request,
                         const struct tarn_metadata_request_topic *wanted,
                         struct tarn_metadata_response_topic *out)
{
    const struct tarn_metadata_request *body = request->body;
    bool by_id = request->api_version >= TOPIC_IDS_SINCE && !wanted->name.data;
    struct tarn_topic *topic;
    tarn_metadata_response_topic_init(out);
    out->name = wanted->name;
    out->topic_id = wanted->topic_id;
    enum tarn_kafka_error error = tarn_topic_for_request(request, TARN_ACL_DESCRIBE, by_id,
                                                         &wanted->topic_id, wanted->name, &topic);
    bool may_create = request->api_version < 4 || body->allow_auto_topic_creation;
    if (error == TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION && may_create)
        error = tarn_topic_auto_create(request, wanted->name, &topic);
    else if (error == TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION && tarn_topic_name_fault(wanted->name))
        error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    if (error == TARN_KAFKA_NONE)
        describe_topic(request, topic, out);
    out->error_code = (int16_t)error;
    if (by_id && error != TARN_KAFKA_NONE)
        out->name = (struct tarn_text){NULL, 0};
}

static void answer_all(struct tarn_request *request, struct tarn_metadata_response *response)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    size_t count = tarn_catalog_count(catalog);
    response->topics = tarn_arena_array(request->arena, count, sizeof *response->topics);
    response->topics_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct tarn_topic *topic = tarn_catalog_at(catalog, i);
        if (!tarn_request_may(request, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, topic->name_text))
            continue;
        struct tarn_metadata_response_topic *out = &response->topics[response->topics_count++];
        tarn_metadata_response_topic_init(out);
        describe_topic(request, topic, out);
    }
}

void tarn_handle_metadata(struct tarn_request *request)
{
    const struct tarn_metadata_request *body = request->body;
    struct tarn_metadata_response response;
    struct tarn_metadata_response_broker node;
    tarn_metadata_response_init(&response);
    tarn_metadata_response_broker_init(&node);
    node.node_id = TARN_BROKER_NODE_ID;
    tarn_request_advertised(request, &node.host, &node.port);
    response.brokers = &node;
    response.brokers_count = 1;
    response.cluster_id = tarn_text_of(tarn_broker_cluster_id(request->broker));
    response.controller_id = TARN_BROKER_NODE_ID;
    /* no array means all topics; before version 1 an empty one did */
    bool all = body->topics_count < 0 ||
               (request->api_version < NULL_MEANS_ALL_SINCE && body->topics_count == 0);
    if (all) {
        answer_all(request, &response);
    } else {
        response.topics =
            tarn_arena_array(request->arena, (size_t)body->topics_count, sizeof *response.topics);
        response.topics_count = body->topics_count;
        for (int32_t i = 0; i < body->topics_count; i++)
            answer_topic(request, &body->topics[i], &response.topics[i]);
    }
    response.cluster_authorized_operations = body->include_cluster_authorized_operations
                                                 ? tarn_cluster_operations(request)
                                                 : OPERATIONS_UNKNOWN;
    tarn_request_reply(request, &response);
}
