/* broker/handler/handlers.c -- the table of handlers; see handlers.h. */
#include "broker/handler/handlers.h"

#include "base/memory.h"
#include "broker/protocol/api.h"

static const struct tarn_handler handlers[] = {
    [TARN_API_PRODUCE] = {tarn_handle_produce, false},
    [TARN_API_FETCH] = {tarn_handle_fetch, false},
    [TARN_API_LIST_OFFSETS] = {tarn_handle_list_offsets, false},
    [TARN_API_METADATA] = {tarn_handle_metadata, false},
    [TARN_API_SASL_HANDSHAKE] = {tarn_handle_sasl_handshake, true},
    [TARN_API_SASL_AUTHENTICATE] = {tarn_handle_sasl_authenticate, true},
    [TARN_API_DESCRIBE_USER_SCRAM_CREDENTIALS] = {tarn_handle_describe_user_scram_credentials,
                                                  false},
    [TARN_API_ALTER_USER_SCRAM_CREDENTIALS] = {tarn_handle_alter_user_scram_credentials, false},
    [TARN_API_API_VERSIONS] = {tarn_handle_api_versions, true},
    [TARN_API_CREATE_TOPICS] = {tarn_handle_create_topics, false},
    [TARN_API_DELETE_TOPICS] = {tarn_handle_delete_topics, false},
    [TARN_API_DELETE_RECORDS] = {tarn_handle_delete_records, false},
    [TARN_API_OFFSET_FOR_LEADER_EPOCH] = {tarn_handle_offset_for_leader_epoch, false},
    [TARN_API_DESCRIBE_CONFIGS] = {tarn_handle_describe_configs, false},
    [TARN_API_ALTER_CONFIGS] = {tarn_handle_alter_configs, false},
    [TARN_API_INCREMENTAL_ALTER_CONFIGS] = {tarn_handle_incremental_alter_configs, false},
    [TARN_API_DESCRIBE_CLUSTER] = {tarn_handle_describe_cluster, false},
    [TARN_API_DESCRIBE_LOG_DIRS] = {tarn_handle_describe_log_dirs, false},
    [TARN_API_DESCRIBE_QUORUM] = {tarn_handle_describe_quorum, false},
    [TARN_API_DESCRIBE_TOPIC_PARTITIONS] = {tarn_handle_describe_topic_partitions, false},
    [TARN_API_ELECT_LEADERS] = {tarn_handle_elect_leaders, false},
    [TARN_API_ALTER_PARTITION_REASSIGNMENTS] = {tarn_handle_alter_partition_reassignments, false},
    [TARN_API_LIST_PARTITION_REASSIGNMENTS] = {tarn_handle_list_partition_reassignments, false},
    [TARN_API_DESCRIBE_CLIENT_QUOTAS] = {tarn_handle_describe_client_quotas, false},
    [TARN_API_ALTER_CLIENT_QUOTAS] = {tarn_handle_alter_client_quotas, false},
    [TARN_API_DESCRIBE_ACLS] = {tarn_handle_describe_acls, false},
    [TARN_API_CREATE_ACLS] = {tarn_handle_create_acls, false},
    [TARN_API_DELETE_ACLS] = {tarn_handle_delete_acls, false},
    [TARN_API_LIST_CONFIG_RESOURCES] = {tarn_handle_list_config_resources, false},
    [TARN_API_CREATE_PARTITIONS] = {tarn_handle_create_partitions, false},
    [TARN_API_DESCRIBE_PRODUCERS] = {tarn_handle_describe_producers, false},
    [TARN_API_FIND_COORDINATOR] = {tarn_handle_find_coordinator, false},
    [TARN_API_JOIN_GROUP] = {tarn_handle_join_group, false},
    [TARN_API_SYNC_GROUP] = {tarn_handle_sync_group, false},
    [TARN_API_HEARTBEAT] = {tarn_handle_heartbeat, false},
    [TARN_API_LEAVE_GROUP] = {tarn_handle_leave_group, false},
    [TARN_API_DESCRIBE_GROUPS] = {tarn_handle_describe_groups, false},
    [TARN_API_LIST_GROUPS] = {tarn_handle_list_groups, false},
    [TARN_API_DELETE_GROUPS] = {tarn_handle_delete_groups, false},
    [TARN_API_OFFSET_COMMIT] = {tarn_handle_offset_commit, false},
    [TARN_API_OFFSET_FETCH] = {tarn_handle_offset_fetch, false},
    [TARN_API_OFFSET_DELETE] = {tarn_handle_offset_delete, false},
    [TARN_API_INIT_PRODUCER_ID] = {tarn_handle_init_producer_id, false},
    [TARN_API_ADD_PARTITIONS_TO_TXN] = {tarn_handle_add_partitions_to_txn, false},
    [TARN_API_ADD_OFFSETS_TO_TXN] = {tarn_handle_add_offsets_to_txn, false},
    [TARN_API_END_TXN] = {tarn_handle_end_txn, false},
    [TARN_API_TXN_OFFSET_COMMIT] = {tarn_handle_txn_offset_commit, false},
    [TARN_API_DESCRIBE_TRANSACTIONS] = {tarn_handle_describe_transactions, false},
    [TARN_API_LIST_TRANSACTIONS] = {tarn_handle_list_transactions, false},
};

const struct tarn_handler *tarn_handler_find(int16_t api_key)
{
    if (api_key < 0 || (size_t)api_key >= TARN_COUNT(handlers) || !handlers[api_key].handle)
        return NULL;
    return &handlers[api_key];
}
