/* broker/handler/broker_config.h -- the configs of the broker and of groups as Kafka names them:
 * what this broker does, said in the words that its tools look for. */
#ifndef TARN_BROKER_HANDLER_BROKER_CONFIG_H
#define TARN_BROKER_HANDLER_BROKER_CONFIG_H

#include "broker/server/request.h"
#include "broker/topics/topic_config.h"

/* Kafka's codes (ConfigSource). */
enum tarn_config_source {
    TARN_CONFIG_OF_TOPIC = 1,
    TARN_CONFIG_OF_BROKER = 2,      /* set on this broker while it ran */
    TARN_CONFIG_OF_ALL_BROKERS = 3, /* set on all brokers while they ran */
    TARN_CONFIG_STATIC = 4,         /* given when the broker was started */
    TARN_CONFIG_DEFAULT = 5,
    TARN_CONFIG_OF_LOGGER = 6,
    TARN_CONFIG_OF_GROUP = 8,
};

struct tarn_broker_config {
    const char *name;
    enum tarn_config_type type;
    const char *value; /* when nothing is set while it runs */
    const char *documentation;
    bool configured; /* the value is not a default */
    bool read_only;
};

/* All of this broker's, in order of name; memory in the request's arena. */
size_t tarn_broker_config_list(struct tarn_request *request, struct tarn_broker_config **ret_list);
/* Those of a consumer group. */
size_t tarn_group_config_list(const struct tarn_broker_config **ret_list);

#endif
