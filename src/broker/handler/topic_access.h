/* broker/handler/topic_access.h -- what the handlers of topics share: finding, creating on demand,
 * rights. */
#ifndef TARN_BROKER_HANDLER_TOPIC_ACCESS_H
#define TARN_BROKER_HANDLER_TOPIC_ACCESS_H

#include "broker/server/request.h"
#include "broker/topics/catalog.h"

/* The topic that a request means: by id where `by_id`, otherwise by name. UNKNOWN_TOPIC_ID,
 * UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED (only for names: an id tells nobody's
 * name). */
enum tarn_kafka_error tarn_topic_for_request(struct tarn_request *request,
                                             enum tarn_acl_operation operation, bool by_id,
                                             const struct tarn_uuid16 *id, struct tarn_text name,
                                             struct tarn_topic **ret_topic);
/* Creates a topic with the broker's defaults because somebody uses it; needs the option and the
 * right. */
enum tarn_kafka_error tarn_topic_auto_create(struct tarn_request *request, struct tarn_text name,
                                             struct tarn_topic **ret_topic);
/* The bits of AclOperation that this client may do on the topic, as Metadata shows them. */
int32_t tarn_topic_operations(struct tarn_request *request, struct tarn_text name);
/* FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when a client's idea of the epoch is not ours; -1: it
 * has none. */
enum tarn_kafka_error tarn_check_leader_epoch(struct tarn_request *request, int32_t epoch);
/* The log refused a commit: said in the broker's log, though not for every request of a full disk.
 */
void tarn_log_storage_failure(const struct tarn_error *err);

#endif
