/* broker/handler/config_resource.h -- what DescribeConfigs, AlterConfigs and
 * IncrementalAlterConfigs share: which resources there are and who may see or change them. */
#ifndef TARN_BROKER_HANDLER_CONFIG_RESOURCE_H
#define TARN_BROKER_HANDLER_CONFIG_RESOURCE_H

#include "broker/server/request.h"
#include "broker/topics/catalog.h"

/* Kafka's codes (ConfigResource.Type). */
enum tarn_config_resource_type {
    TARN_CONFIG_RESOURCE_TOPIC = 2,
    TARN_CONFIG_RESOURCE_BROKER = 4,
    TARN_CONFIG_RESOURCE_BROKER_LOGGER = 8,
    TARN_CONFIG_RESOURCE_GROUP = 32,
};

struct tarn_config_resource {
    int8_t type;
    struct tarn_text name;
    struct tarn_topic *topic; /* of a topic */
    struct tarn_text stored;  /* of a broker or group: its key in stored_config.h */
};

/* Finds what a request names. INVALID_REQUEST for another kind or broker, INVALID_GROUP_ID,
 * UNKNOWN_TOPIC_OR_PARTITION, or what the client may not do; the reason in err. */
enum tarn_kafka_error tarn_config_resource_find(struct tarn_request *request, int8_t type,
                                                struct tarn_text name, bool to_alter,
                                                struct tarn_config_resource *ret_resource,
                                                struct tarn_error *err);

#endif
