/* broker/handler/config_resource.c -- see config_resource.h. */
#include "broker/handler/config_resource.h"

#include "broker/broker.h"

enum { GROUP_NAME_MAX_BYTES = 900 /* a journal key holds it */ };

static enum tarn_kafka_error refuse(struct tarn_error *err, enum tarn_kafka_error error,
                                    const char *reason)
{
    (void)tarn_fail(err, TARN_INVALID, "%s", reason);
    return error;
}

static enum tarn_kafka_error find_topic(struct tarn_request *request, bool to_alter,
                                        struct tarn_config_resource *resource,
                                        struct tarn_error *err)
{
    enum tarn_acl_operation operation =
        to_alter ? TARN_ACL_ALTER_CONFIGS : TARN_ACL_DESCRIBE_CONFIGS;
    if (!tarn_request_may(request, operation, TARN_RESOURCE_TOPIC, resource->name))
        return refuse(err, TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED, "Not allowed on this topic.");
    const char *fault = tarn_topic_name_fault(resource->name);
    if (fault) {
        (void)tarn_fail(err, TARN_INVALID, "Not a name for a topic: %s.", fault);
        return TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    resource->topic = tarn_catalog_find(tarn_broker_catalog(request->broker), resource->name);
    return resource->topic
               ? TARN_KAFKA_NONE
               : refuse(err, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "There is no such topic.");
}

static enum tarn_kafka_error find_broker(struct tarn_request *request, bool to_alter,
                                         struct tarn_config_resource *resource,
                                         struct tarn_error *err)
{
    int64_t id;
    if (!tarn_request_may_cluster(request,
                                  to_alter ? TARN_ACL_ALTER_CONFIGS : TARN_ACL_DESCRIBE_CONFIGS))
        return refuse(err, TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED, "Not allowed on the cluster.");
    if (resource->name.len > 0 &&
        (!tarn_text_to_int64(resource->name, &id) || id != TARN_BROKER_NODE_ID)) {
        (void)tarn_fail(err, TARN_INVALID, "There is one broker, and its number is %d, not %.*s.",
                        TARN_BROKER_NODE_ID, TARN_TEXT_ARGS(resource->name));
        return TARN_KAFKA_INVALID_REQUEST;
    }
    resource->stored = tarn_text_of(
        tarn_arena_format(request->arena, "broker/%.*s", TARN_TEXT_ARGS(resource->name)));
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error find_group(struct tarn_request *request, bool to_alter,
                                        struct tarn_config_resource *resource,
                                        struct tarn_error *err)
{
    if (!tarn_request_may(request, to_alter ? TARN_ACL_ALTER_CONFIGS : TARN_ACL_DESCRIBE_CONFIGS,
                          TARN_RESOURCE_GROUP, resource->name))
        return refuse(err, TARN_KAFKA_GROUP_AUTHORIZATION_FAILED, "Not allowed on this group.");
    if (resource->name.len == 0 || resource->name.len > GROUP_NAME_MAX_BYTES)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "A group's name has 1 to 900 bytes.");
    resource->stored = tarn_text_of(
        tarn_arena_format(request->arena, "group/%.*s", TARN_TEXT_ARGS(resource->name)));
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_config_resource_find(struct tarn_request *request, int8_t type,
                                                struct tarn_text name, bool to_alter,
                                                struct tarn_config_resource *ret_resource,
                                                struct tarn_error *err)
{
    *ret_resource = (struct tarn_config_resource){.type = type, .name = name};
    switch (type) {
    case TARN_CONFIG_RESOURCE_TOPIC:
        return find_topic(request, to_alter, ret_resource, err);
    case TARN_CONFIG_RESOURCE_BROKER:
    case TARN_CONFIG_RESOURCE_BROKER_LOGGER:
        return find_broker(request, to_alter, ret_resource, err);
    case TARN_CONFIG_RESOURCE_GROUP:
        return find_group(request, to_alter, ret_resource, err);
    default:
        (void)tarn_fail(err, TARN_INVALID, "Resources of type %d have no configs here.", type);
        return TARN_KAFKA_INVALID_REQUEST;
    }
}
