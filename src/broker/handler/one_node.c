/* broker/handler/one_node.c -- what has only one answer on one node: leaders that need no election,
 * replicas that cannot move, quotas that do not exist. Consoles and tools ask for them. */
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"
#include "broker/topics/catalog.h"

/* ---- ElectLeaders ---- */

static void answer_election(struct tarn_request *request,
                            const struct tarn_elect_leaders_request_topic_partition *wanted,
                            struct tarn_elect_leaders_response_topic *out)
{
    const struct tarn_topic *topic =
        tarn_catalog_find(tarn_broker_catalog(request->broker), wanted->topic);
    out->topic = wanted->topic;
    out->partition_result_count = wanted->partitions_count;
    out->partition_result = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                             sizeof *out->partition_result);
    for (int32_t i = 0; i < wanted->partitions_count; i++) {
        struct tarn_elect_leaders_response_partition *partition = &out->partition_result[i];
        partition->partition_id = wanted->partitions[i];
        partition->error_code = tarn_topic_partition(topic, wanted->partitions[i])
                                    ? TARN_KAFKA_ELECTION_NOT_NEEDED
                                    : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        partition->error_message = tarn_text_of(tarn_kafka_error_text(partition->error_code));
    }
}

void tarn_handle_elect_leaders(struct tarn_request *request)
{
    const struct tarn_elect_leaders_request *body = request->body;
    struct tarn_elect_leaders_response response;
    tarn_elect_leaders_response_init(&response);
    if (!tarn_request_may_cluster(request, TARN_ACL_ALTER)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        tarn_request_reply(request, &response);
        return;
    }
    /* for all partitions (null), those that need no election are not in the answer */
    int32_t count = body->topic_partitions_count > 0 ? body->topic_partitions_count : 0;
    response.replica_election_results_count = count;
    response.replica_election_results = tarn_arena_array(request->arena, (size_t)count + 1,
                                                         sizeof *response.replica_election_results);
    for (int32_t i = 0; i < count; i++)
        answer_election(request, &body->topic_partitions[i], &response.replica_election_results[i]);
    tarn_request_reply(request, &response);
}

/* ---- reassignments ---- */

static enum tarn_kafka_error
reassign(const struct tarn_topic *topic,
         const struct tarn_alter_partition_reassignments_request_partition *wanted)
{
    if (!tarn_topic_partition(topic, wanted->partition_index))
        return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (wanted->replicas_count < 0)
        return TARN_KAFKA_NO_REASSIGNMENT_IN_PROGRESS; /* it was to be cancelled */
    return wanted->replicas_count == 1 && wanted->replicas[0] == TARN_BROKER_NODE_ID
               ? TARN_KAFKA_NONE
               : TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT;
}

static void
answer_reassignment(struct tarn_request *request,
                    const struct tarn_alter_partition_reassignments_request_topic *wanted,
                    struct tarn_alter_partition_reassignments_response_topic *out)
{
    const struct tarn_topic *topic =
        tarn_catalog_find(tarn_broker_catalog(request->broker), wanted->name);
    out->name = wanted->name;
    out->partitions_count = wanted->partitions_count;
    out->partitions = tarn_arena_array(request->arena, (size_t)wanted->partitions_count + 1,
                                       sizeof *out->partitions);
    for (int32_t i = 0; i < wanted->partitions_count; i++) {
        struct tarn_alter_partition_reassignments_response_partition *partition =
            &out->partitions[i];
        partition->partition_index = wanted->partitions[i].partition_index;
        partition->error_code = (int16_t)reassign(topic, &wanted->partitions[i]);
        if (partition->error_code != TARN_KAFKA_NONE)
            partition->error_message = tarn_text_of(tarn_kafka_error_text(partition->error_code));
    }
}

void tarn_handle_alter_partition_reassignments(struct tarn_request *request)
{
    const struct tarn_alter_partition_reassignments_request *body = request->body;
    struct tarn_alter_partition_reassignments_response response;
    tarn_alter_partition_reassignments_response_init(&response);
    response.error_message = (struct tarn_text){NULL, 0};
    response.allow_replication_factor_change = body->allow_replication_factor_change;
    if (tarn_request_may_cluster(request, TARN_ACL_ALTER)) {
        response.responses_count = body->topics_count;
        response.responses = tarn_arena_array(request->arena, (size_t)body->topics_count + 1,
                                              sizeof *response.responses);
        for (int32_t i = 0; i < body->topics_count; i++)
            answer_reassignment(request, &body->topics[i], &response.responses[i]);
    } else {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    }
    tarn_request_reply(request, &response);
}

void tarn_handle_list_partition_reassignments(struct tarn_request *request)
{
    struct tarn_list_partition_reassignments_response response;
    tarn_list_partition_reassignments_response_init(&response);
    response.error_message = (struct tarn_text){NULL, 0};
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE))
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    tarn_request_reply(request, &response);
}

/* ---- quotas ---- */

void tarn_handle_describe_client_quotas(struct tarn_request *request)
{
    struct tarn_describe_client_quotas_response response;
    tarn_describe_client_quotas_response_init(&response);
    response.error_message = (struct tarn_text){NULL, 0};
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE_CONFIGS)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        response.entries_count = -1;
    }
    tarn_request_reply(request, &response);
}

/* Refused in words, because a quota that is taken and not kept would be worse. */
void tarn_handle_alter_client_quotas(struct tarn_request *request)
{
    const struct tarn_alter_client_quotas_request *body = request->body;
    struct tarn_alter_client_quotas_response response;
    tarn_alter_client_quotas_response_init(&response);
    bool may = tarn_request_may_cluster(request, TARN_ACL_ALTER_CONFIGS);
    response.entries_count = body->entries_count;
    response.entries =
        tarn_arena_array(request->arena, (size_t)body->entries_count + 1, sizeof *response.entries);
    for (int32_t i = 0; i < body->entries_count; i++) {
        const struct tarn_alter_client_quotas_request_entry *wanted = &body->entries[i];
        struct tarn_alter_client_quotas_response_entry *out = &response.entries[i];
        out->error_code =
            may ? TARN_KAFKA_UNSUPPORTED_VERSION : TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        out->error_message = may ? TARN_TEXT("This broker has no quotas.")
                                 : TARN_TEXT("Not allowed on the cluster.");
        out->entity_count = wanted->entity_count;
        out->entity =
            tarn_arena_array(request->arena, (size_t)wanted->entity_count + 1, sizeof *out->entity);
        for (int32_t k = 0; k < wanted->entity_count; k++)
            out->entity[k] = (struct tarn_alter_client_quotas_response_component){
                wanted->entity[k].entity_type, wanted->entity[k].entity_name};
    }
    tarn_request_reply(request, &response);
}
