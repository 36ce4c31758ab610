/* broker/rest/v3.c -- clusters, brokers, topics, configs and partitions of the v3 API. */
#include "broker/rest/rest_int.h"

#include <inttypes.h>

#include "broker/broker.h"

const char *tarn_rest_cluster_id(const struct tarn_http_request *request)
{
    return tarn_rest_of(request)->options.cluster_id;
}

/* Links lead to where the client came in. */
static const char *url(const struct tarn_http_request *request, const char *path)
{
    struct tarn_text host = tarn_http_header(request, "Host");
    return tarn_arena_format(request->arena, "http://%.*s/v3/clusters/%s%s",
                             host.data ? (int)host.len : 9, host.data ? host.data : "localhost",
                             tarn_rest_cluster_id(request), path);
}

static const char *encoded(const struct tarn_http_request *request, const char *name)
{
    return tarn_http_encode(tarn_text_of(name), request->arena).data;
}

json_t *tarn_rest_resource(const struct tarn_http_request *request, const char *kind,
                           const char *path, const char *name)
{
    const char *id = tarn_rest_cluster_id(request);
    const char *resource = tarn_arena_format(request->arena, "crn:///kafka=%s%s", id, name);
    return json_pack("{s:s,s:{s:s,s:s},s:s}", "kind", kind, "metadata", "self", url(request, path),
                     "resource_name", resource, "cluster_id", id);
}

json_t *tarn_rest_list(const struct tarn_http_request *request, const char *kind, json_t *data)
{
    struct tarn_text host = tarn_http_header(request, "Host");
    const char *self = tarn_arena_format(request->arena, "http://%.*s%.*s", (int)host.len,
                                         host.data ? host.data : "", TARN_TEXT_ARGS(request->path));
    return json_pack("{s:s,s:{s:s,s:n},s:o}", "kind", kind, "metadata", "self", self, "next",
                     "data", data);
}

void tarn_rest_relate(const struct tarn_http_request *request, json_t *resource, const char *member,
                      const char *path)
{
    json_object_set_new(resource, member, json_pack("{s:s}", "related", url(request, path)));
}

bool tarn_rest_is_cluster(struct tarn_http_request *request)
{
    struct tarn_text id = tarn_http_path_param(request, "cluster");
    if (tarn_text_is(id, tarn_rest_cluster_id(request)))
        return true;
    tarn_rest_fail_code(request, 404, "Cluster %.*s cannot be found.", TARN_TEXT_ARGS(id));
    return false;
}

static json_t *cluster_json(const struct tarn_http_request *request)
{
    static const char *const related[][2] = {
        {"controller", "/brokers/1"},
        {"acls", "/acls"},
        {"brokers", "/brokers"},
        {"broker_configs", "/broker-configs"},
        {"consumer_groups", "/consumer-groups"},
        {"topics", "/topics"},
        {"partition_reassignments", "/topics/-/partitions/-/reassignment"}};
    json_t *json = tarn_rest_resource(request, "KafkaCluster", "", "");
    for (size_t i = 0; i < TARN_COUNT(related); i++)
        tarn_rest_relate(request, json, related[i][0], related[i][1]);
    return json;
}

static void list_clusters(struct tarn_http_request *request)
{
    json_t *data = json_array();
    json_array_append_new(data, cluster_json(request));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaClusterList", data));
}

static void get_cluster(struct tarn_http_request *request)
{
    if (tarn_rest_is_cluster(request))
        tarn_rest_reply(request, 200, cluster_json(request));
}

static json_t *broker_json(const struct tarn_http_request *request)
{
    const struct tarn_rest_options *options = &tarn_rest_of(request)->options;
    json_t *json = tarn_rest_resource(request, "KafkaBroker", "/brokers/1", "/broker=1");
    json_object_set_new(json, "broker_id", json_integer(TARN_BROKER_NODE_ID));
    json_object_set_new(json, "host",
                        json_string(options->broker_host ? options->broker_host : "127.0.0.1"));
    json_object_set_new(json, "port", json_integer(options->broker_port));
    json_object_set_new(json, "rack", json_null());
    tarn_rest_relate(request, json, "configs", "/brokers/1/configs");
    tarn_rest_relate(request, json, "partition_replicas", "/brokers/1/partition-replicas");
    return json;
}

static void list_brokers(struct tarn_http_request *request)
{
    if (!tarn_rest_is_cluster(request))
        return;
    json_t *data = json_array();
    json_array_append_new(data, broker_json(request));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaBrokerList", data));
}

static void get_broker(struct tarn_http_request *request)
{
    if (!tarn_rest_is_cluster(request))
        return;
    if (tarn_text_is(tarn_http_path_param(request, "broker"), "1"))
        tarn_rest_reply(request, 200, broker_json(request));
    else
        tarn_rest_fail_code(request, 404, "Broker not found: this broker is one node, number 1");
}

/* ACLs are kept by the broker and not told here: an empty list, as of a cluster without any. */
static void list_acls(struct tarn_http_request *request)
{
    if (tarn_rest_is_cluster(request))
        tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaAclList", json_array()));
}

static json_t *topic_json(const struct tarn_http_request *request,
                          const struct tarn_topic_info *topic)
{
    const char *path =
        tarn_arena_format(request->arena, "/topics/%s", encoded(request, topic->name));
    json_t *json = tarn_rest_resource(request, "KafkaTopic", path,
                                      tarn_arena_format(request->arena, "/topic=%s", topic->name));
    json_object_set_new(json, "topic_name", json_string(topic->name));
    json_object_set_new(json, "is_internal", json_boolean(topic->is_internal));
    json_object_set_new(
        json, "replication_factor",
        json_integer(topic->partition_count ? topic->partitions[0].replica_count : 1));
    json_object_set_new(json, "partitions_count", json_integer((json_int_t)topic->partition_count));
    tarn_rest_relate(request, json, "partitions",
                     tarn_arena_format(request->arena, "%s/partitions", path));
    tarn_rest_relate(request, json, "configs",
                     tarn_arena_format(request->arena, "%s/configs", path));
    tarn_rest_relate(request, json, "partition_reassignments",
                     tarn_arena_format(request->arena, "%s/partitions/-/reassignment", path));
    json_object_set_new(json, "authorized_operations", json_array());
    return json;
}

static void list_topics(struct tarn_http_request *request)
{
    struct tarn_topic_info *found;
    size_t count;
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_is_cluster(request) ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return;
    if (tarn_topic_list(topics, request->arena, &found, &count, &err) != TARN_OK) {
        tarn_rest_fail(request, &err);
        return;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(data, topic_json(request, &found[i]));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaTopicList", data));
}

/* The topic of the path; otherwise replies and is false. */
static bool describe(struct tarn_http_request *request, struct tarn_topic_info *ret_topic)
{
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_is_cluster(request) ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return false;
    enum tarn_status status = tarn_topic_describe(topics, tarn_http_path_str(request, "topic"),
                                                  request->arena, ret_topic, &err);
    if (status == TARN_NOT_FOUND)
        tarn_rest_fail_code(request, 40403, "This server does not host this topic-partition.");
    else if (status != TARN_OK)
        tarn_rest_fail(request, &err);
    return status == TARN_OK;
}

static void get_topic(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (describe(request, &topic))
        tarn_rest_reply(request, 200, topic_json(request, &topic));
}

/* "configs":[{"name":..,"value":..}]; otherwise replies and is false. */
static bool read_configs(struct tarn_http_request *request, const json_t *list,
                         struct tarn_topic_config_entry **ret_configs, size_t *ret_count)
{
    struct tarn_topic_config_entry *configs =
        tarn_arena_array(request->arena, json_array_size(list) + 1, sizeof *configs);
    const json_t *item;
    size_t i;
    json_array_foreach (list, i, item) {
        const char *operation = json_string_value(json_object_get(item, "operation"));
        configs[i].name = json_string_value(json_object_get(item, "name"));
        configs[i].value = json_string_value(json_object_get(item, "value"));
        if (operation && strcmp(operation, "DELETE") == 0)
            configs[i].value = NULL;
        if (!configs[i].name) {
            tarn_rest_fail_code(request, 400, "a config needs a \"name\" and a \"value\"");
            return false;
        }
    }
    *ret_configs = configs;
    *ret_count = json_array_size(list);
    return true;
}

static int64_t int_or(const json_t *body, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(body, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void create_topic(struct tarn_http_request *request)
{
    struct tarn_topic_config_entry *configs;
    size_t count;
    struct tarn_error err;
    struct tarn_topic_info topic;
    const json_t *body = tarn_rest_is_cluster(request) ? tarn_rest_body(request, false) : NULL;
    struct tarn_topics *topics = body ? tarn_rest_topics(request) : NULL;
    const char *name = json_string_value(json_object_get(body, "topic_name"));
    if (!topics || !read_configs(request, json_object_get(body, "configs"), &configs, &count))
        return;
    if (!name) {
        tarn_rest_fail_code(request, 400, "\"topic_name\" is missing");
        return;
    }
    int64_t partitions = int_or(body, "partitions_count", -1);
    int64_t replicas = int_or(body, "replication_factor", -1);
    if (partitions > INT32_MAX || partitions < -1 || replicas > INT16_MAX || replicas < -1) {
        tarn_rest_fail_code(request, 40002,
                            "\"partitions_count\" or \"replication_factor\" is out "
                            "of range");
        return;
    }
    enum tarn_status status = tarn_topic_create(topics, name, (int32_t)partitions,
                                                (int16_t)replicas, configs, count, &err);
    if (status == TARN_OK)
        status = tarn_topic_describe(topics, name, request->arena, &topic, &err);
    if (status == TARN_EXISTS)
        tarn_rest_fail_code(request, 40002, "Topic '%s' already exists.", name);
    else if (status != TARN_OK)
        tarn_rest_fail(request, &err);
    else
        tarn_rest_reply(request, 201, topic_json(request, &topic));
}

static void delete_topic(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    struct tarn_error err;
    if (!describe(request, &topic))
        return;
    struct tarn_topics *topics = tarn_rest_topics(request);
    if (!topics)
        return;
    if (tarn_topic_delete(topics, topic.name, &err) == TARN_OK)
        tarn_rest_reply_nothing(request);
    else
        tarn_rest_fail(request, &err);
}

static void grow_topic(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    struct tarn_error err;
    const json_t *body = tarn_rest_body(request, false);
    if (!body || !describe(request, &topic))
        return;
    struct tarn_topics *topics = tarn_rest_topics(request);
    int64_t total = int_or(body, "partitions_count", 0);
    if (!topics)
        return;
    if (total < 1 || total > INT32_MAX) {
        tarn_rest_fail_code(request, 40002, "\"partitions_count\" must be a positive number");
        return;
    }
    if (tarn_topic_add_partitions(topics, topic.name, (int32_t)total, &err) != TARN_OK)
        tarn_rest_fail(request, &err);
    else if (describe(request, &topic))
        tarn_rest_reply(request, 200, topic_json(request, &topic));
}

/* ---- configs ---- */

static const char *source_name(const struct tarn_topic_config_entry *config)
{
    if (config->source && strcmp(config->source, "topic") == 0)
        return "DYNAMIC_TOPIC_CONFIG";
    if (config->source && strcmp(config->source, "broker") == 0)
        return "STATIC_BROKER_CONFIG";
    return "DEFAULT_CONFIG";
}

static json_t *config_json(const struct tarn_http_request *request, const char *topic,
                           const struct tarn_topic_config_entry *config)
{
    json_t *json = tarn_rest_resource(
        request, "KafkaTopicConfig",
        tarn_arena_format(request->arena, "/topics/%s/configs/%s", encoded(request, topic),
                          encoded(request, config->name)),
        tarn_arena_format(request->arena, "/topic=%s/config=%s", topic, config->name));
    json_object_set_new(json, "topic_name", json_string(topic));
    json_object_set_new(json, "name", json_string(config->name));
    json_object_set_new(json, "value", config->value ? json_string(config->value) : json_null());
    json_object_set_new(json, "is_default", json_boolean(config->is_default));
    json_object_set_new(json, "is_read_only", json_boolean(config->is_read_only));
    json_object_set_new(json, "is_sensitive", json_boolean(!config->value));
    json_object_set_new(json, "source", json_string(source_name(config)));
    json_object_set_new(json, "synonyms", json_array());
    return json;
}

static void list_configs(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (!describe(request, &topic))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < topic.config_count; i++)
        json_array_append_new(data, config_json(request, topic.name, &topic.configs[i]));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaTopicConfigList", data));
}

static const struct tarn_topic_config_entry *find_config(struct tarn_http_request *request,
                                                         struct tarn_topic_info *ret_topic)
{
    const char *name = tarn_http_path_str(request, "name");
    if (!describe(request, ret_topic))
        return NULL;
    for (size_t i = 0; i < ret_topic->config_count; i++)
        if (strcmp(ret_topic->configs[i].name, name) == 0)
            return &ret_topic->configs[i];
    tarn_rest_fail_code(request, 404, "Config %s cannot be found for topic %s", name,
                        ret_topic->name);
    return NULL;
}

static void get_config(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    const struct tarn_topic_config_entry *config = find_config(request, &topic);
    if (config)
        tarn_rest_reply(request, 200, config_json(request, topic.name, config));
}

static void alter(struct tarn_http_request *request, const struct tarn_topic_config_entry *configs,
                  size_t count)
{
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_topics(request);
    if (!topics)
        return;
    if (tarn_topic_alter(topics, tarn_http_path_str(request, "topic"), configs, count, &err) ==
        TARN_OK)
        tarn_rest_reply_nothing(request);
    else
        tarn_rest_fail(request, &err);
}

static void put_config(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    const json_t *body = tarn_rest_body(request, false);
    if (!body || !find_config(request, &topic))
        return;
    const struct tarn_topic_config_entry config = {
        .name = tarn_http_path_str(request, "name"),
        .value = json_string_value(json_object_get(body, "value"))};
    alter(request, &config, 1);
}

static void reset_config(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (!find_config(request, &topic))
        return;
    const struct tarn_topic_config_entry config = {.name = tarn_http_path_str(request, "name")};
    alter(request, &config, 1);
}

static void alter_configs(struct tarn_http_request *request)
{
    struct tarn_topic_config_entry *configs;
    size_t count;
    const json_t *body = tarn_rest_is_cluster(request) ? tarn_rest_body(request, false) : NULL;
    if (body && read_configs(request, json_object_get(body, "data"), &configs, &count))
        alter(request, configs, count);
}

/* ---- partitions ---- */

static json_t *partition_json(const struct tarn_http_request *request, const char *topic,
                              int32_t partition)
{
    const char *path = tarn_arena_format(request->arena, "/topics/%s/partitions/%d",
                                         encoded(request, topic), partition);
    json_t *json = tarn_rest_resource(
        request, "KafkaPartition", path,
        tarn_arena_format(request->arena, "/topic=%s/partition=%d", topic, partition));
    json_object_set_new(json, "topic_name", json_string(topic));
    json_object_set_new(json, "partition_id", json_integer(partition));
    tarn_rest_relate(request, json, "leader",
                     tarn_arena_format(request->arena, "%s/replicas/1", path));
    tarn_rest_relate(request, json, "replicas",
                     tarn_arena_format(request->arena, "%s/replicas", path));
    tarn_rest_relate(request, json, "reassignment",
                     tarn_arena_format(request->arena, "%s/reassignment", path));
    return json;
}

static void list_partitions(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (!describe(request, &topic))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < topic.partition_count; i++)
        json_array_append_new(data,
                              partition_json(request, topic.name, topic.partitions[i].partition));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaPartitionList", data));
}

static void get_partition(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    int64_t partition;
    if (!describe(request, &topic))
        return;
    if (tarn_text_to_int64(tarn_http_path_param(request, "partition"), &partition) &&
        partition >= 0 && (uint64_t)partition < topic.partition_count)
        tarn_rest_reply(request, 200, partition_json(request, topic.name, (int32_t)partition));
    else
        tarn_rest_fail_code(request, 40403, "This server does not host this topic-partition.");
}

#define CLUSTER "/v3/clusters/{cluster}"
#define TOPIC CLUSTER "/topics/{topic}"

const struct tarn_http_route tarn_rest_v3_routes[] = {
    {.method = "GET", .path = "/v3/clusters", .handler = list_clusters},
    {.method = "GET", .path = CLUSTER, .handler = get_cluster},
    {.method = "GET", .path = CLUSTER "/brokers", .handler = list_brokers},
    {.method = "GET", .path = CLUSTER "/brokers/{broker}", .handler = get_broker},
    {.method = "GET", .path = CLUSTER "/acls", .handler = list_acls},
    {.method = "GET", .path = CLUSTER "/topics", .handler = list_topics},
    {.method = "POST", .path = CLUSTER "/topics", .handler = create_topic},
    {.method = "GET", .path = TOPIC, .handler = get_topic},
    {.method = "PATCH", .path = TOPIC, .handler = grow_topic},
    {.method = "DELETE", .path = TOPIC, .handler = delete_topic},
    {.method = "GET", .path = TOPIC "/configs", .handler = list_configs},
    {.method = "POST", .path = TOPIC "/configs:alter", .handler = alter_configs},
    {.method = "GET", .path = TOPIC "/configs/{name}", .handler = get_config},
    {.method = "PUT", .path = TOPIC "/configs/{name}", .handler = put_config},
    {.method = "DELETE", .path = TOPIC "/configs/{name}", .handler = reset_config},
    {.method = "GET", .path = TOPIC "/partitions", .handler = list_partitions},
    {.method = "GET", .path = TOPIC "/partitions/{partition}", .handler = get_partition},
};
const size_t tarn_rest_v3_route_count = TARN_COUNT(tarn_rest_v3_routes);
