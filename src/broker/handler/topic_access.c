/* broker/handler/topic_access.c -- see topic_access.h. */
#include "broker/handler/topic_access.h"

#include "base/clock.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/log/log.h"

enum tarn_kafka_error tarn_topic_for_request(struct tarn_request *request,
                                             enum tarn_acl_operation operation, bool by_id,
                                             const struct tarn_uuid16 *id, struct tarn_text name,
                                             struct tarn_topic **ret_topic)
{
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    struct tarn_topic *topic =
        by_id ? tarn_catalog_find_id(catalog, id) : tarn_catalog_find(catalog, name);
    *ret_topic = NULL;
    if (by_id && !topic)
        return TARN_KAFKA_UNKNOWN_TOPIC_ID;
    if (!tarn_request_may(request, operation, TARN_RESOURCE_TOPIC, topic ? topic->name_text : name))
        return TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    if (!topic)
        return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    *ret_topic = topic;
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_topic_auto_create(struct tarn_request *request, struct tarn_text name,
                                             struct tarn_topic **ret_topic)
{
    const struct tarn_broker_options *options = tarn_broker_options(request->broker);
    struct tarn_error err = {0};
    if (tarn_topic_name_fault(name))
        return TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    if (!options->auto_create_topics)
        return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (!tarn_request_may_cluster(request, TARN_ACL_CREATE) &&
        !tarn_request_may(request, TARN_ACL_CREATE, TARN_RESOURCE_TOPIC, name))
        return TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    enum tarn_kafka_error error = tarn_catalog_create(tarn_broker_catalog(request->broker), name,
                                                      options->partitions, NULL, ret_topic, &err);
    if (error == TARN_KAFKA_NONE)
        tarn_log(TARN_LOG_INFO, "created a topic because a client asked for it",
                 TARN_LOG_STR("topic", (*ret_topic)->name),
                 TARN_LOG_INT("partitions", options->partitions));
    else
        tarn_log(TARN_LOG_WARN, "could not create a topic that a client asked for",
                 TARN_LOG_STR("reason", err.text));
    return error;
}

int32_t tarn_topic_operations(struct tarn_request *request, struct tarn_text name)
{
    static const enum tarn_acl_operation operations[] = {
        TARN_ACL_READ,  TARN_ACL_WRITE,    TARN_ACL_CREATE,           TARN_ACL_DELETE,
        TARN_ACL_ALTER, TARN_ACL_DESCRIBE, TARN_ACL_DESCRIBE_CONFIGS, TARN_ACL_ALTER_CONFIGS,
    };
    int32_t bits = 0;
    for (size_t i = 0; i < TARN_COUNT(operations); i++)
        if (tarn_request_may(request, operations[i], TARN_RESOURCE_TOPIC, name))
            bits |= 1 << operations[i];
    return bits;
}

enum tarn_kafka_error tarn_check_leader_epoch(struct tarn_request *request, int32_t epoch)
{
    int32_t ours = tarn_log_leader_epoch(tarn_broker_log(request->broker));
    if (epoch < 0 || epoch == ours)
        return TARN_KAFKA_NONE;
    return epoch < ours ? TARN_KAFKA_FENCED_LEADER_EPOCH : TARN_KAFKA_UNKNOWN_LEADER_EPOCH;
}

void tarn_log_storage_failure(const struct tarn_error *err)
{
    enum { QUIET_US = 5 * 1000 * 1000 };
    static _Thread_local int64_t last_us;
    int64_t now = tarn_monotonic_us();
    if (last_us && now - last_us < QUIET_US)
        return;
    last_us = now;
    tarn_log(TARN_LOG_ERROR, "the broker's log took no records", TARN_LOG_STR("reason", err->text));
}
