/* broker/handler/create_topics.c -- CreateTopics: validates as Kafka does, creates, answers when it
 * is durable. */
#include "base/log.h"
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/handler/twice.h"
#include "broker/log/log.h"
#include "broker/protocol/messages.h"

enum { DEFAULT = -1, SOURCE_TOPIC = 1, SOURCE_DEFAULT = 5 };

struct creation {
    struct tarn_request *request;
    struct tarn_create_topics_response response;
};

static enum tarn_kafka_error refuse(struct tarn_error *err, enum tarn_kafka_error error,
                                    const char *reason)
{
    (void)tarn_fail(err, TARN_INVALID, "%s", reason);
    return error;
}

/* ---- partitions and replicas ---- */

static bool names_this_node_alone(const struct tarn_create_topics_request_assignment *assignment)
{
    for (int32_t i = 0; i < assignment->broker_ids_count; i++)
        if (assignment->broker_ids[i] != TARN_BROKER_NODE_ID)
            return false;
    return assignment->broker_ids_count == 1;
}

static enum tarn_kafka_error
assigned_partitions(const struct tarn_create_topics_request_topic *wanted, struct tarn_arena *arena,
                    int32_t *ret_count, struct tarn_error *err)
{
    int32_t count = wanted->assignments_count;
    bool *seen = tarn_arena_array(arena, (size_t)count, sizeof *seen);
    if (wanted->num_partitions != DEFAULT || wanted->replication_factor != DEFAULT)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST,
                      "Both numPartitions or replicationFactor and replicasAssignments were set. "
                      "Both cannot be used "
                      "at the same time.");
    for (int32_t i = 0; i < count; i++) {
        int32_t index = wanted->assignments[i].partition_index;
        if (index < 0 || index >= count || seen[index])
            return refuse(err, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
                          "The partitions of the assignment are not numbered from 0 without gaps.");
        if (!names_this_node_alone(&wanted->assignments[i]))
            return refuse(
                err, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
                "The assignment names brokers that do not exist: there is one, number 1.");
        seen[index] = true;
    }
    *ret_count = count;
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error partition_count(struct tarn_request *request,
                                             const struct tarn_create_topics_request_topic *wanted,
                                             int32_t *ret_count, struct tarn_error *err)
{
    if (wanted->assignments_count > 0)
        return assigned_partitions(wanted, request->arena, ret_count, err);
    *ret_count = wanted->num_partitions == DEFAULT
                     ? tarn_broker_options(request->broker)->partitions
                     : wanted->num_partitions;
    if (*ret_count < 1)
        return refuse(err, TARN_KAFKA_INVALID_PARTITIONS,
                      "Number of partitions was set to an invalid non-positive value.");
    if (wanted->replication_factor < 1 && wanted->replication_factor != DEFAULT)
        return refuse(err, TARN_KAFKA_INVALID_REPLICATION_FACTOR,
                      "Replication factor must be larger than 0, or -1.");
    if (wanted->replication_factor > 1) {
        TARN_AUTO_FREE char *name = tarn_strndup(wanted->name.data, wanted->name.len);
        tarn_log(TARN_LOG_WARN, "there is one broker: a topic's replication factor was taken as 1",
                 TARN_LOG_STR("topic", name),
                 TARN_LOG_INT("replication_factor", wanted->replication_factor));
    }
    return TARN_KAFKA_NONE;
}

/* ---- configs ---- */

static enum tarn_kafka_error read_configs(const struct tarn_create_topics_request_topic *wanted,
                                          struct tarn_topic_overrides *overrides,
                                          struct tarn_error *err)
{
    for (int32_t i = 0; i < wanted->configs_count; i++) {
        const struct tarn_create_topics_request_config *config = &wanted->configs[i];
        if (!config->value.data)
            return refuse(err, TARN_KAFKA_INVALID_CONFIG,
                          "Null value not supported for topic configs.");
        if (tarn_topic_overrides_set(overrides, config->name, config->value, err) != TARN_OK)
            return TARN_KAFKA_INVALID_CONFIG;
    }
    return TARN_KAFKA_NONE;
}

static void list_configs(struct tarn_request *request, const struct tarn_topic_overrides *overrides,
                         struct tarn_create_topics_response_topic *out)
{
    size_t count = tarn_topic_config_count();
    out->configs = tarn_arena_array(request->arena, count, sizeof *out->configs);
    out->configs_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct tarn_topic_config *config = tarn_topic_config_at(i);
        const char *set = overrides->values[i];
        tarn_create_topics_response_config_init(&out->configs[i]);
        out->configs[i].name = tarn_text_of(config->name);
        out->configs[i].value =
            tarn_text_of(tarn_arena_strdup(request->arena, set ? set : config->fallback));
        out->configs[i].config_source = set ? SOURCE_TOPIC : SOURCE_DEFAULT;
    }
}

/* ---- one topic ---- */

static bool *named_twice(struct tarn_request *request)
{
    const struct tarn_create_topics_request *body = request->body;
    struct tarn_naming *names =
        tarn_arena_array(request->arena, (size_t)body->topics_count + 1, sizeof *names);
    for (int32_t i = 0; i < body->topics_count; i++)
        names[i].name = body->topics[i].name;
    return tarn_named_twice(request->arena, names, (size_t)body->topics_count);
}

static enum tarn_kafka_error create(struct tarn_request *request, int32_t index, bool twice,
                                    struct tarn_topic_overrides *overrides,
                                    struct tarn_create_topics_response_topic *out,
                                    struct tarn_error *err)
{
    const struct tarn_create_topics_request *body = request->body;
    const struct tarn_create_topics_request_topic *wanted = &body->topics[index];
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    struct tarn_topic *topic = NULL;
    int32_t count = 0;
    if (twice)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "Duplicate topic in request.");
    if (!tarn_request_may_cluster(request, TARN_ACL_CREATE) &&
        !tarn_request_may(request, TARN_ACL_CREATE, TARN_RESOURCE_TOPIC, wanted->name))
        return refuse(err, TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED, "Authorization failed.");
    if (tarn_catalog_find(catalog, wanted->name))
        return tarn_catalog_check_new(catalog, wanted->name, 1, NULL, err);
    enum tarn_kafka_error error = partition_count(request, wanted, &count, err);
    if (error == TARN_KAFKA_NONE)
        error = read_configs(wanted, overrides, err);
    if (error == TARN_KAFKA_NONE && body->validate_only)
        error = tarn_catalog_check_new(catalog, wanted->name, count, overrides, err);
    else if (error == TARN_KAFKA_NONE)
        error = tarn_catalog_create(catalog, wanted->name, count, overrides, &topic, err);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (topic)
        out->topic_id = topic->id;
    out->num_partitions = count;
    out->replication_factor = 1;
    return TARN_KAFKA_NONE;
}

static void answer_topic(struct tarn_request *request, int32_t index, bool twice,
                         struct tarn_create_topics_response_topic *out)
{
    const struct tarn_create_topics_request *body = request->body;
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides overrides = {{NULL}};
    struct tarn_error err = {0};
    tarn_create_topics_response_topic_init(out);
    out->name = body->topics[index].name;
    enum tarn_kafka_error error = create(request, index, twice, &overrides, out, &err);
    out->error_code = (int16_t)error;
    out->configs_count = -1;
    if (error != TARN_KAFKA_NONE)
        out->error_message = tarn_text_of(tarn_arena_strdup(request->arena, err.text));
    else if (tarn_request_may(request, TARN_ACL_DESCRIBE_CONFIGS, TARN_RESOURCE_TOPIC, out->name))
        list_configs(request, &overrides, out);
    else
        out->topic_config_error_code = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
}

static void on_durable(void *context, enum tarn_status status)
{
    struct creation *creation = context;
    for (int32_t i = 0; status != TARN_OK && i < creation->response.topics_count; i++)
        if (creation->response.topics[i].error_code == TARN_KAFKA_NONE)
            creation->response.topics[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    tarn_request_reply(creation->request, &creation->response);
}

void tarn_handle_create_topics(struct tarn_request *request)
{
    const struct tarn_create_topics_request *body = request->body;
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct creation *creation = tarn_arena_alloc(request->arena, sizeof *creation);
    struct tarn_create_topics_response *response = &creation->response;
    bool *twice = named_twice(request);
    creation->request = request;
    tarn_create_topics_response_init(response);
    response->topics_count = body->topics_count > 0 ? body->topics_count : 0;
    response->topics =
        tarn_arena_array(request->arena, (size_t)response->topics_count, sizeof *response->topics);
    for (int32_t i = 0; i < response->topics_count; i++)
        answer_topic(request, i, twice[i], &response->topics[i]);
    tarn_log_wait_durable(log, tarn_log_position(log), on_durable, creation);
}
