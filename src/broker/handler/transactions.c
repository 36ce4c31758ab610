/* broker/handler/transactions.c -- InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn,
 * TxnOffsetCommit, DescribeTransactions, ListTransactions. */
#include "broker/broker.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/handler/offset_entries.h"
#include "broker/protocol/messages.h"
#include "broker/server/acl.h"
#include "broker/server/request.h"
#include "broker/topics/catalog.h"
#include "broker/transaction/transaction.h"

static bool may(struct tarn_request *request, enum tarn_acl_operation operation,
                struct tarn_text transactional_id)
{
    return tarn_request_may(request, operation, TARN_RESOURCE_TRANSACTIONAL_ID, transactional_id);
}

/* Versions before `since` know PRODUCER_FENCED by another name. */
static int16_t code_for(const struct tarn_request *request, enum tarn_kafka_error error,
                        int16_t since)
{
    if (error == TARN_KAFKA_PRODUCER_FENCED && request->api_version < since)
        error = TARN_KAFKA_INVALID_PRODUCER_EPOCH;
    return (int16_t)error;
}

/* ---- InitProducerId ---- */

/* An idempotent producer needs no right of its own when it may write to any topic. */
static bool may_be_idempotent(struct tarn_request *request)
{
    return tarn_request_may_cluster(request, TARN_ACL_IDEMPOTENT_WRITE) ||
           tarn_acls_allow_some(tarn_broker_acls(request->broker), request->principal,
                                request->client_host, TARN_ACL_WRITE, TARN_RESOURCE_TOPIC);
}

void tarn_handle_init_producer_id(struct tarn_request *request)
{
    const struct tarn_init_producer_id_request *body = request->body;
    struct tarn_init_producer_id_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_init_producer_id_response_init(response);
    struct tarn_transaction_producer producer = {body->transactional_id, body->producer_id,
                                                 body->producer_epoch};
    int64_t id = -1;
    int16_t epoch = -1;
    uint64_t position = 0;
    enum tarn_kafka_error error;
    if (body->transactional_id.data && !may(request, TARN_ACL_WRITE, body->transactional_id))
        error = TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    else if (!body->transactional_id.data && !may_be_idempotent(request))
        error = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    else
        error = tarn_transactions_init(tarn_broker_transactions(request->broker), &producer,
                                       body->transaction_timeout_ms, &id, &epoch, &position);
    response->error_code = code_for(request, error, 4);
    response->producer_id = id;
    response->producer_epoch = epoch;
    tarn_request_reply_at(request, position, response);
}

/* ---- AddPartitionsToTxn ---- */

static enum tarn_kafka_error check_partition(struct tarn_request *request, struct tarn_text topic,
                                             int32_t partition)
{
    if (!tarn_request_may(request, TARN_ACL_WRITE, TARN_RESOURCE_TOPIC, topic))
        return TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    const struct tarn_topic *known = tarn_catalog_find(tarn_broker_catalog(request->broker), topic);
    return tarn_topic_partition(known, partition) ? TARN_KAFKA_NONE
                                                  : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

/* One partition that cannot be added keeps all of them out. */
static enum tarn_kafka_error add_partitions(struct tarn_request *request,
                                            const struct tarn_transaction_partition *partitions,
                                            enum tarn_kafka_error *errors, size_t count)
{
    const struct tarn_add_partitions_to_txn_request *body = request->body;
    struct tarn_transaction_producer producer = {body->v3_and_below_transactional_id,
                                                 body->v3_and_below_producer_id,
                                                 body->v3_and_below_producer_epoch};
    if (!may(request, TARN_ACL_WRITE, producer.transactional_id))
        return TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    bool all_good = true;
    for (size_t i = 0; i < count; i++) {
        errors[i] = check_partition(request, partitions[i].topic, partitions[i].partition);
        all_good &= errors[i] == TARN_KAFKA_NONE;
    }
    if (all_good)
        return tarn_transactions_add_partitions(tarn_broker_transactions(request->broker),
                                                &producer, partitions, count);
    for (size_t i = 0; i < count; i++) {
        if (errors[i] == TARN_KAFKA_NONE)
            errors[i] = TARN_KAFKA_OPERATION_NOT_ATTEMPTED;
    }
    return TARN_KAFKA_NONE;
}

void tarn_handle_add_partitions_to_txn(struct tarn_request *request)
{
    const struct tarn_add_partitions_to_txn_request *body = request->body;
    struct tarn_add_partitions_to_txn_response response;
    tarn_add_partitions_to_txn_response_init(&response);
    int32_t topics = body->v3_and_below_topics_count > 0 ? body->v3_and_below_topics_count : 0;
    size_t count = 0;
    for (int32_t t = 0; t < topics; t++)
        count += (size_t)body->v3_and_below_topics[t].partitions_count;
    struct tarn_transaction_partition *partitions =
        tarn_arena_array(request->arena, count + 1, sizeof *partitions);
    enum tarn_kafka_error *errors = tarn_arena_array(request->arena, count + 1, sizeof *errors);
    size_t at = 0;
    for (int32_t t = 0; t < topics; t++) {
        for (int32_t i = 0; i < body->v3_and_below_topics[t].partitions_count; i++)
            partitions[at++] = (struct tarn_transaction_partition){
                body->v3_and_below_topics[t].name, body->v3_and_below_topics[t].partitions[i]};
    }
    enum tarn_kafka_error error = add_partitions(request, partitions, errors, count);
    response.results_by_topic_v3_and_below = tarn_arena_array(
        request->arena, (size_t)topics + 1, sizeof *response.results_by_topic_v3_and_below);
    response.results_by_topic_v3_and_below_count = topics;
    at = 0;
    for (int32_t t = 0; t < topics; t++) {
        struct tarn_add_partitions_to_txn_response_topic *topic =
            &response.results_by_topic_v3_and_below[t];
        tarn_add_partitions_to_txn_response_topic_init(topic);
        topic->name = body->v3_and_below_topics[t].name;
        topic->results_by_partition_count = body->v3_and_below_topics[t].partitions_count;
        topic->results_by_partition =
            tarn_arena_array(request->arena, (size_t)topic->results_by_partition_count + 1,
                             sizeof *topic->results_by_partition);
        for (int32_t i = 0; i < topic->results_by_partition_count; i++, at++) {
            topic->results_by_partition[i].partition_index = partitions[at].partition;
            topic->results_by_partition[i].partition_error_code =
                code_for(request, error != TARN_KAFKA_NONE ? error : errors[at], 2);
        }
    }
    tarn_request_reply(request, &response);
}

/* ---- AddOffsetsToTxn, EndTxn ---- */

void tarn_handle_add_offsets_to_txn(struct tarn_request *request)
{
    const struct tarn_add_offsets_to_txn_request *body = request->body;
    struct tarn_add_offsets_to_txn_response response;
    tarn_add_offsets_to_txn_response_init(&response);
    struct tarn_transaction_producer producer = {body->transactional_id, body->producer_id,
                                                 body->producer_epoch};
    enum tarn_kafka_error error;
    if (!may(request, TARN_ACL_WRITE, body->transactional_id))
        error = TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    else if (!tarn_request_may(request, TARN_ACL_READ, TARN_RESOURCE_GROUP, body->group_id))
        error = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    else
        error = tarn_transactions_add_group(tarn_broker_transactions(request->broker), &producer,
                                            body->group_id);
    response.error_code = code_for(request, error, 2);
    tarn_request_reply(request, &response);
}

void tarn_handle_end_txn(struct tarn_request *request)
{
    const struct tarn_end_txn_request *body = request->body;
    struct tarn_end_txn_response *response = tarn_arena_alloc(request->arena, sizeof *response);
    tarn_end_txn_response_init(response);
    struct tarn_transaction_producer producer = {body->transactional_id, body->producer_id,
                                                 body->producer_epoch};
    uint64_t position = 0;
    enum tarn_kafka_error error = TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    if (may(request, TARN_ACL_WRITE, body->transactional_id))
        error = tarn_transactions_end(tarn_broker_transactions(request->broker), &producer,
                                      body->committed, request->api_version >= 5,
                                      &response->producer_id, &response->producer_epoch, &position);
    response->error_code = code_for(request, error, 2);
    tarn_request_reply_at(request, position, response);
}

/* ---- TxnOffsetCommit ---- */

static size_t read_offsets(struct tarn_request *request, struct tarn_offset_entry **ret_entries)
{
    const struct tarn_txn_offset_commit_request *body = request->body;
    size_t count = 0;
    for (int32_t t = 0; t < body->topics_count; t++)
        count += (size_t)body->topics[t].partitions_count;
    *ret_entries = tarn_arena_array(request->arena, count + 1, sizeof **ret_entries);
    struct tarn_offset_entry *entry = *ret_entries;
    for (int32_t t = 0; t < body->topics_count; t++) {
        const struct tarn_txn_offset_commit_request_topic *topic = &body->topics[t];
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct tarn_txn_offset_commit_request_partition *from = &topic->partitions[i];
            *entry++ = (struct tarn_offset_entry){
                .topic = topic->name,
                .partition = from->partition_index,
                .offset = from->committed_offset,
                .leader_epoch = from->committed_leader_epoch,
                .metadata = from->committed_metadata,
                .commit_ms = -1,
                .error = tarn_check_offset_entry(request, topic->name, from->partition_index),
            };
        }
    }
    return count;
}

static void reply_offsets(struct tarn_request *request, const struct tarn_offset_entry *entries)
{
    const struct tarn_txn_offset_commit_request *body = request->body;
    struct tarn_txn_offset_commit_response response;
    tarn_txn_offset_commit_response_init(&response);
    response.topics_count = body->topics_count > 0 ? body->topics_count : 0;
    response.topics = tarn_arena_array(request->arena, (size_t)response.topics_count + 1,
                                       sizeof *response.topics);
    for (int32_t t = 0; t < response.topics_count; t++) {
        struct tarn_txn_offset_commit_response_topic *topic = &response.topics[t];
        tarn_txn_offset_commit_response_topic_init(topic);
        topic->name = body->topics[t].name;
        topic->partitions_count = body->topics[t].partitions_count;
        topic->partitions = tarn_arena_array(request->arena, (size_t)topic->partitions_count + 1,
                                             sizeof *topic->partitions);
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            topic->partitions[i].partition_index = entries->partition;
            topic->partitions[i].error_code = (int16_t)entries->error;
            entries++;
        }
    }
    tarn_request_reply(request, &response);
}

static enum tarn_kafka_error commit_offsets(struct tarn_request *request,
                                            struct tarn_offset_entry *entries, size_t count)
{
    const struct tarn_txn_offset_commit_request *body = request->body;
    if (!may(request, TARN_ACL_WRITE, body->transactional_id))
        return TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    if (!tarn_request_may(request, TARN_ACL_READ, TARN_RESOURCE_GROUP, body->group_id))
        return TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    struct tarn_transaction_producer producer = {body->transactional_id, body->producer_id,
                                                 body->producer_epoch};
    struct tarn_group_commit commit = {
        .group_id = body->group_id,
        .member_id = body->member_id,
        .instance_id = body->group_instance_id,
        .generation_id = body->generation_id,
        .api_version = request->api_version,
    };
    enum tarn_kafka_error error =
        tarn_transactions_commit_offsets(tarn_broker_transactions(request->broker), &producer,
                                         &commit, entries, count, request->api_version >= 5);
    if (error == TARN_KAFKA_PRODUCER_FENCED)
        return TARN_KAFKA_INVALID_PRODUCER_EPOCH; /* here in every version, as in Produce */
    if (error == TARN_KAFKA_TRANSACTION_ABORTABLE && request->api_version < 4)
        return TARN_KAFKA_INVALID_TXN_STATE;
    return error;
}

void tarn_handle_txn_offset_commit(struct tarn_request *request)
{
    struct tarn_offset_entry *entries;
    size_t count = read_offsets(request, &entries);
    enum tarn_kafka_error error = commit_offsets(request, entries, count);
    if (error != TARN_KAFKA_NONE)
        tarn_fail_offset_entries(entries, count, error);
    reply_offsets(request, entries);
}

/* ---- looking ---- */

void tarn_handle_describe_transactions(struct tarn_request *request)
{
    const struct tarn_describe_transactions_request *body = request->body;
    struct tarn_describe_transactions_response response;
    tarn_describe_transactions_response_init(&response);
    int32_t count = body->transactional_ids_count > 0 ? body->transactional_ids_count : 0;
    response.transaction_states =
        tarn_arena_array(request->arena, (size_t)count + 1, sizeof *response.transaction_states);
    response.transaction_states_count = count;
    for (int32_t i = 0; i < count; i++) {
        struct tarn_describe_transactions_response_transaction_state *shown =
            &response.transaction_states[i];
        if (may(request, TARN_ACL_DESCRIBE, body->transactional_ids[i])) {
            tarn_transactions_describe(tarn_broker_transactions(request->broker),
                                       body->transactional_ids[i], request->arena, shown);
        } else {
            tarn_describe_transactions_response_transaction_state_init(shown);
            shown->transactional_id = body->transactional_ids[i];
            shown->error_code = TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        }
    }
    tarn_request_reply(request, &response);
}

void tarn_handle_list_transactions(struct tarn_request *request)
{
    struct tarn_list_transactions_response response;
    tarn_list_transactions_response_init(&response);
    tarn_transactions_list(tarn_broker_transactions(request->broker), request->body, request->arena,
                           &response);
    int32_t kept = 0;
    for (int32_t i = 0; i < response.transaction_states_count; i++) {
        if (may(request, TARN_ACL_DESCRIBE, response.transaction_states[i].transactional_id))
            response.transaction_states[kept++] = response.transaction_states[i];
    }
    response.transaction_states_count = kept;
    tarn_request_reply(request, &response);
}
