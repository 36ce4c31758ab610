/* broker/handler/cluster.c -- DescribeCluster, DescribeLogDirs, DescribeQuorum: the one node, its
 * folder, and the vote that it wins every time. */
#include "broker/handler/cluster.h"

#include <sys/statvfs.h>

#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/protocol/messages.h"
#include "broker/topics/catalog.h"

int32_t tarn_cluster_operations(struct tarn_request *request)
{
    static const enum tarn_acl_operation operations[] = {
        TARN_ACL_CREATE,           TARN_ACL_CLUSTER_ACTION, TARN_ACL_DESCRIBE_CONFIGS,
        TARN_ACL_IDEMPOTENT_WRITE, TARN_ACL_ALTER,          TARN_ACL_DESCRIBE,
        TARN_ACL_ALTER_CONFIGS,
    };
    int32_t bits = 0;
    for (size_t i = 0; i < TARN_COUNT(operations); i++)
        if (tarn_request_may_cluster(request, operations[i]))
            bits |= 1 << operations[i];
    return bits;
}

/* ---- DescribeCluster ---- */

void tarn_handle_describe_cluster(struct tarn_request *request)
{
    enum { BROKERS = 1 }; /* the endpoint type */
    const struct tarn_describe_cluster_request *body = request->body;
    struct tarn_describe_cluster_response response;
    struct tarn_describe_cluster_response_broker node;
    tarn_describe_cluster_response_init(&response);
    tarn_describe_cluster_response_broker_init(&node);
    response.endpoint_type = body->endpoint_type;
    if (body->endpoint_type != BROKERS) {
        response.error_code = TARN_KAFKA_MISMATCHED_ENDPOINT_TYPE;
        response.error_message = TARN_TEXT("This is an endpoint for brokers, not for controllers.");
        tarn_request_reply(request, &response);
        return;
    }
    node.broker_id = TARN_BROKER_NODE_ID;
    tarn_request_advertised(request, &node.host, &node.port);
    response.brokers = &node;
    response.brokers_count = 1;
    response.cluster_id = tarn_text_of(tarn_broker_cluster_id(request->broker));
    response.controller_id = TARN_BROKER_NODE_ID;
    if (body->include_cluster_authorized_operations)
        response.cluster_authorized_operations = tarn_cluster_operations(request);
    tarn_request_reply(request, &response);
}

/* ---- DescribeLogDirs ---- */

typedef struct tarn_describe_log_dirs_response_partition partition_out;

static void add_partition(const struct tarn_topic *topic, int32_t number,
                          struct tarn_describe_log_dirs_response_topic *out)
{
    const struct tarn_partition *partition = tarn_topic_partition(topic, number);
    if (partition)
        out->partitions[out->partitions_count++] = (partition_out){
            .partition_index = number, .partition_size = tarn_partition_size_bytes(partition)};
}

static void list_all(struct tarn_request *request,
                     struct tarn_describe_log_dirs_response_result *result)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    size_t count = tarn_catalog_count(catalog);
    result->topics = tarn_arena_array(request->arena, count + 1, sizeof *result->topics);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_topic *topic = tarn_catalog_at(catalog, i);
        struct tarn_describe_log_dirs_response_topic *out = &result->topics[i];
        out->name = topic->name_text;
        out->partitions = tarn_arena_array(request->arena, (size_t)topic->partition_count,
                                           sizeof *out->partitions);
        for (int32_t k = 0; k < topic->partition_count; k++)
            add_partition(topic, k, out);
    }
    result->topics_count = (int32_t)count;
}

/* Topics and partitions that do not exist have no folder and are left out, as Kafka does. */
static void list_wanted(struct tarn_request *request,
                        struct tarn_describe_log_dirs_response_result *result)
{
    const struct tarn_describe_log_dirs_request *body = request->body;
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    result->topics =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *result->topics);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct tarn_describe_log_dirs_request_topic *wanted = &body->topics[i];
        const struct tarn_topic *topic = tarn_catalog_find(catalog, wanted->topic);
        if (!topic)
            continue;
        struct tarn_describe_log_dirs_response_topic *out = &result->topics[result->topics_count++];
        out->name = topic->name_text;
        out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                           sizeof *out->partitions);
        for (int32_t k = 0; k < wanted->partitions_count; k++)
            add_partition(topic, wanted->partitions[k], out);
    }
}

void tarn_handle_describe_log_dirs(struct tarn_request *request)
{
    const struct tarn_describe_log_dirs_request *body = request->body;
    struct tarn_describe_log_dirs_response response;
    struct tarn_describe_log_dirs_response_result result;
    struct statvfs space;
    tarn_describe_log_dirs_response_init(&response);
    tarn_describe_log_dirs_response_result_init(&result);
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        tarn_request_reply(request, &response);
        return;
    }
    const char *folder = tarn_broker_options(request->broker)->folder;
    result.log_dir = tarn_text_of(folder);
    if (statvfs(folder, &space) == 0) {
        result.total_bytes = (int64_t)(space.f_blocks * space.f_frsize);
        result.usable_bytes = (int64_t)(space.f_bavail * space.f_frsize);
    }
    if (body->topics_count < 0)
        list_all(request, &result);
    else
        list_wanted(request, &result);
    response.results = &result;
    response.results_count = 1;
    tarn_request_reply(request, &response);
}

/* ---- DescribeQuorum ---- */

typedef struct tarn_describe_quorum_response_topic quorum_topic;
typedef struct tarn_describe_quorum_response_partition quorum_partition;

static void describe_vote(struct tarn_request *request, quorum_partition *out)
{
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct tarn_describe_quorum_response_replica *voter =
        tarn_arena_alloc(request->arena, sizeof *voter);
    tarn_describe_quorum_response_replica_init(voter);
    voter->replica_id = TARN_BROKER_NODE_ID;
    voter->log_end_offset = (int64_t)tarn_log_position(log);
    voter->last_fetch_timestamp = voter->last_caught_up_timestamp =
        tarn_broker_now_ms(request->broker);
    out->leader_id = TARN_BROKER_NODE_ID;
    out->leader_epoch = tarn_log_leader_epoch(log);
    out->high_watermark = voter->log_end_offset;
    out->current_voters = voter;
    out->current_voters_count = 1;
}

static void answer_quorum(struct tarn_request *request,
                          const struct tarn_describe_quorum_request_topic *wanted,
                          quorum_topic *out)
{
    bool metadata = tarn_text_is(wanted->topic_name, "__cluster_metadata");
    out->topic_name = wanted->topic_name;
    out->partitions_count = wanted->partitions_count;
    out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                       sizeof *out->partitions);
    for (int32_t i = 0; i < wanted->partitions_count; i++) {
        quorum_partition *partition = &out->partitions[i];
        tarn_describe_quorum_response_partition_init(partition);
        partition->partition_index = wanted->partitions[i].partition_index;
        partition->error_message = (struct tarn_text){NULL, 0};
        if (metadata && partition->partition_index == 0)
            describe_vote(request, partition);
        else
            partition->error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
}

void tarn_handle_describe_quorum(struct tarn_request *request)
{
    const struct tarn_describe_quorum_request *body = request->body;
    struct tarn_describe_quorum_response response;
    struct tarn_describe_quorum_response_node node;
    struct tarn_describe_quorum_response_listener listener;
    int32_t port;
    tarn_describe_quorum_response_init(&response);
    response.error_message = (struct tarn_text){NULL, 0};
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        tarn_request_reply(request, &response);
        return;
    }
    tarn_request_advertised(request, &listener.host, &port);
    listener.name = TARN_TEXT("CONTROLLER");
    listener.port = (uint16_t)port;
    node = (struct tarn_describe_quorum_response_node){TARN_BROKER_NODE_ID, &listener, 1};
    response.nodes = &node;
    response.nodes_count = 1;
    response.topics_count = body->topics_count;
    response.topics =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *response.topics);
    for (int32_t i = 0; i < body->topics_count; i++)
        answer_quorum(request, &body->topics[i], &response.topics[i]);
    tarn_request_reply(request, &response);
}
