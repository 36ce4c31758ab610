/* broker/handler/handlers.h -- which function answers which API key; the rows are in handlers.c.
 *
 * A key without a row is not offered in ApiVersions and refused when it is asked for all the same.
 */
#ifndef TARN_BROKER_HANDLER_HANDLERS_H
#define TARN_BROKER_HANDLER_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

struct tarn_request;

struct tarn_handler {
    void (*handle)(struct tarn_request *request);
    bool before_authentication; /* answered on a SASL connection that has not said who it is */
};

/* NULL when nobody answers it. */
const struct tarn_handler *tarn_handler_find(int16_t api_key);

/* The families; each row of handlers.c names one of these. */
void tarn_handle_find_coordinator(struct tarn_request *request);
void tarn_handle_join_group(struct tarn_request *request);
void tarn_handle_sync_group(struct tarn_request *request);
void tarn_handle_heartbeat(struct tarn_request *request);
void tarn_handle_leave_group(struct tarn_request *request);
void tarn_handle_describe_groups(struct tarn_request *request);
void tarn_handle_list_groups(struct tarn_request *request);
void tarn_handle_delete_groups(struct tarn_request *request);
void tarn_handle_offset_commit(struct tarn_request *request);
void tarn_handle_offset_fetch(struct tarn_request *request);
void tarn_handle_offset_delete(struct tarn_request *request);
void tarn_handle_init_producer_id(struct tarn_request *request);
void tarn_handle_add_partitions_to_txn(struct tarn_request *request);
void tarn_handle_add_offsets_to_txn(struct tarn_request *request);
void tarn_handle_end_txn(struct tarn_request *request);
void tarn_handle_txn_offset_commit(struct tarn_request *request);
void tarn_handle_describe_transactions(struct tarn_request *request);
void tarn_handle_list_transactions(struct tarn_request *request);
void tarn_handle_api_versions(struct tarn_request *request);
void tarn_handle_metadata(struct tarn_request *request);
void tarn_handle_produce(struct tarn_request *request);
void tarn_handle_fetch(struct tarn_request *request);
void tarn_handle_list_offsets(struct tarn_request *request);
void tarn_handle_create_topics(struct tarn_request *request);
void tarn_handle_delete_topics(struct tarn_request *request);
void tarn_handle_create_partitions(struct tarn_request *request);
void tarn_handle_delete_records(struct tarn_request *request);
void tarn_handle_offset_for_leader_epoch(struct tarn_request *request);
void tarn_handle_describe_producers(struct tarn_request *request);
void tarn_handle_sasl_handshake(struct tarn_request *request);
void tarn_handle_sasl_authenticate(struct tarn_request *request);
void tarn_handle_describe_user_scram_credentials(struct tarn_request *request);
void tarn_handle_alter_user_scram_credentials(struct tarn_request *request);
void tarn_handle_describe_configs(struct tarn_request *request);
void tarn_handle_alter_configs(struct tarn_request *request);
void tarn_handle_incremental_alter_configs(struct tarn_request *request);
void tarn_handle_list_config_resources(struct tarn_request *request);
void tarn_handle_describe_cluster(struct tarn_request *request);
void tarn_handle_describe_log_dirs(struct tarn_request *request);
void tarn_handle_describe_quorum(struct tarn_request *request);
void tarn_handle_describe_topic_partitions(struct tarn_request *request);
void tarn_handle_elect_leaders(struct tarn_request *request);
void tarn_handle_alter_partition_reassignments(struct tarn_request *request);
void tarn_handle_list_partition_reassignments(struct tarn_request *request);
void tarn_handle_describe_client_quotas(struct tarn_request *request);
void tarn_handle_alter_client_quotas(struct tarn_request *request);
void tarn_handle_describe_acls(struct tarn_request *request);
void tarn_handle_create_acls(struct tarn_request *request);
void tarn_handle_delete_acls(struct tarn_request *request);

#endif
