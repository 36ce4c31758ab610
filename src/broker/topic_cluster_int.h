/* broker/topic_cluster_int.h -- what the parts of the librdkafka place share.
 *
 * One rd_kafka_t serves admin calls and offset queries; each writer and reader has one of its own.
 */
#ifndef TARN_BROKER_TOPIC_CLUSTER_INT_H
#define TARN_BROKER_TOPIC_CLUSTER_INT_H

#include <librdkafka/rdkafka.h>

#include "broker/topic_int.h"

struct tarn_cluster {
    struct tarn_topics base;
    struct tarn_topic_property *properties; /* of the caller, for writers and readers to come */
    size_t property_count;
    rd_kafka_t *admin;
};

/* Whether all of "host:port,..." refuse connections: nobody listens there. */
bool tarn_cluster_is_refused(const char *addresses);

/* A configuration with the address and the caller's properties; the caller of this frees it unless
 * a client has taken it. */
CHECKED enum tarn_status tarn_cluster_conf(const struct tarn_cluster *cluster,
                                           rd_kafka_conf_t **ret_conf, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_set(rd_kafka_conf_t *conf, const char *name,
                                          const char *value, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_set_int(rd_kafka_conf_t *conf, const char *name,
                                              int64_t value, struct tarn_error *err);
/* Takes the configuration over, also when it fails. */
CHECKED enum tarn_status tarn_cluster_client(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                             rd_kafka_t **ret_client, struct tarn_error *err);

/* librdkafka's and the broker's codes as one of ours. */
enum tarn_status tarn_cluster_status(rd_kafka_resp_err_t code);
/* Fails with the code's words behind the context; OK for no error. */
CHECKED enum tarn_status tarn_cluster_fail(struct tarn_error *err, rd_kafka_resp_err_t code,
                                           const char *format, ...) TARN_PRINTF(3, 4);
/* The same for an error object, which it frees; NULL is OK. */
CHECKED enum tarn_status tarn_cluster_fail_object(struct tarn_error *err, rd_kafka_error_t *error,
                                                  const char *format, ...) TARN_PRINTF(3, 4);
/* -1 means no limit; librdkafka counts in int. */
int tarn_cluster_timeout(int64_t timeout_ms);
/* Offsets as librdkafka's list; the caller destroys it. */
rd_kafka_topic_partition_list_t *tarn_cluster_partitions(const struct tarn_topic_offset *offsets,
                                                         size_t count);
/* And back, with texts in `arena`. */
struct tarn_topic_offset *tarn_cluster_offsets(const rd_kafka_topic_partition_list_t *list,
                                               struct tarn_arena *arena);

CHECKED enum tarn_status tarn_cluster_writer_open(struct tarn_topics *topics,
                                                  const struct tarn_topic_writer_options *options,
                                                  struct tarn_topic_writer **ret_writer,
                                                  struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_reader_open(struct tarn_topics *topics,
                                                  const struct tarn_topic_reader_options *options,
                                                  struct tarn_topic_reader **ret_reader,
                                                  struct tarn_error *err);
/* The client of a reader, for the group's metadata that transactions carry. */
rd_kafka_t *tarn_cluster_reader_client(struct tarn_topic_reader *reader);

CHECKED enum tarn_status tarn_cluster_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                           struct tarn_topic_info **ret_topics, size_t *ret_count,
                                           struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_find(struct tarn_topics *topics, const char *name,
                                           struct tarn_arena *arena,
                                           struct tarn_topic_info *ret_topic,
                                           struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_describe(struct tarn_topics *topics, const char *name,
                                               struct tarn_arena *arena,
                                               struct tarn_topic_info *ret_topic,
                                               struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_create(struct tarn_topics *topics, const char *name,
                                             int32_t partitions, int16_t replicas,
                                             const struct tarn_topic_config_entry *configs,
                                             size_t config_count, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_delete(struct tarn_topics *topics, const char *name,
                                             struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_add_partitions(struct tarn_topics *topics, const char *name,
                                                     int32_t total, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_alter(struct tarn_topics *topics, const char *name,
                                            const struct tarn_topic_config_entry *configs,
                                            size_t count, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_delete_records(struct tarn_topics *topics, const char *name,
                                                     int32_t partition, int64_t offset,
                                                     struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_watermarks(struct tarn_topics *topics, const char *name,
                                                 int32_t partition, int64_t *ret_start,
                                                 int64_t *ret_end, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_offset_at(struct tarn_topics *topics, const char *name,
                                                int32_t partition, int64_t time_ms,
                                                int64_t *ret_offset, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_group_list(struct tarn_topics *topics,
                                                 struct tarn_arena *arena,
                                                 struct tarn_topic_group **ret_groups,
                                                 size_t *ret_count, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_group_describe(struct tarn_topics *topics, const char *group,
                                                     struct tarn_arena *arena,
                                                     struct tarn_topic_group_info *ret_info,
                                                     struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_group_reset(struct tarn_topics *topics, const char *group,
                                                  const struct tarn_topic_offset *offsets,
                                                  size_t count, struct tarn_error *err);
CHECKED enum tarn_status tarn_cluster_group_delete(struct tarn_topics *topics, const char *group,
                                                   struct tarn_error *err);

/* Runs one admin request: makes the options and the queue, calls `start`, waits for its event.
 * *ret_event is the caller's to destroy. */
struct tarn_cluster_request {
    rd_kafka_admin_op_t op;
    void (*start)(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                  rd_kafka_queue_t *queue);
    void *context;
    const char *what; /* for the error: "creating topic 'orders'" */
};
CHECKED enum tarn_status tarn_cluster_run(struct tarn_topics *topics,
                                          const struct tarn_cluster_request *request,
                                          rd_kafka_event_t **ret_event, struct tarn_error *err);

#endif
