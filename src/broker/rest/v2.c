/* broker/rest/v2.c -- the v2 API's topics. */
#include "broker/rest/rest_int.h"

static void list_topics(struct tarn_http_request *request)
{
    struct tarn_topic_info *found;
    size_t count;
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_topics(request);
    if (!topics)
        return;
    if (tarn_topic_list(topics, request->arena, &found, &count, &err) != TARN_OK) {
        tarn_rest_fail(request, &err);
        return;
    }
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(found[i].name));
    tarn_rest_reply_v2(request, names);
}

/* The topic of the path; otherwise replies and is false. */
static bool describe(struct tarn_http_request *request, struct tarn_topic_info *ret_topic)
{
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_topics(request);
    if (!topics)
        return false;
    enum tarn_status status = tarn_topic_describe(topics, tarn_http_path_str(request, "topic"),
                                                  request->arena, ret_topic, &err);
    if (status == TARN_NOT_FOUND)
        tarn_rest_fail_code(request, 40401, "Topic not found.");
    else if (status != TARN_OK)
        tarn_rest_fail(request, &err);
    return status == TARN_OK;
}

static json_t *partition_json(const struct tarn_topic_partition_info *partition)
{
    return json_pack("{s:i,s:i,s:[{s:i,s:b,s:b}]}", "partition", partition->partition, "leader",
                     partition->leader, "replicas", "broker", partition->leader, "leader", 1,
                     "in_sync", 1);
}

static json_t *partitions_json(const struct tarn_topic_info *topic)
{
    json_t *list = json_array();
    for (size_t i = 0; i < topic->partition_count; i++)
        json_array_append_new(list, partition_json(&topic->partitions[i]));
    return list;
}

static void get_topic(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (!describe(request, &topic))
        return;
    json_t *configs = json_object();
    for (size_t i = 0; i < topic.config_count; i++)
        if (topic.configs[i].value)
            json_object_set_new(configs, topic.configs[i].name,
                                json_string(topic.configs[i].value));
    tarn_rest_reply_v2(request, json_pack("{s:s,s:o,s:o}", "name", topic.name, "configs", configs,
                                          "partitions", partitions_json(&topic)));
}

static void list_partitions(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    if (describe(request, &topic))
        tarn_rest_reply_v2(request, partitions_json(&topic));
}

/* The partition of the path; otherwise replies and is NULL. */
static const struct tarn_topic_partition_info *find_partition(struct tarn_http_request *request,
                                                              struct tarn_topic_info *ret_topic)
{
    int64_t wanted;
    if (!describe(request, ret_topic))
        return NULL;
    if (tarn_text_to_int64(tarn_http_path_param(request, "partition"), &wanted))
        for (size_t i = 0; i < ret_topic->partition_count; i++)
            if (ret_topic->partitions[i].partition == wanted)
                return &ret_topic->partitions[i];
    tarn_rest_fail_code(request, 40402, "Partition not found.");
    return NULL;
}

static void get_partition(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    const struct tarn_topic_partition_info *partition = find_partition(request, &topic);
    if (partition)
        tarn_rest_reply_v2(request, partition_json(partition));
}

static void get_offsets(struct tarn_http_request *request)
{
    struct tarn_topic_info topic;
    const struct tarn_topic_partition_info *partition = find_partition(request, &topic);
    if (partition)
        tarn_rest_reply_v2(request, json_pack("{s:I,s:I}", "beginning_offset",
                                              (json_int_t)partition->start_offset, "end_offset",
                                              (json_int_t)partition->end_offset));
}

static void list_brokers(struct tarn_http_request *request)
{
    tarn_rest_reply_v2(request, json_pack("{s:[i]}", "brokers", 1));
}

const struct tarn_http_route tarn_rest_v2_routes[] = {
    {.method = "GET", .path = "/brokers", .handler = list_brokers},
    {.method = "GET", .path = "/topics", .handler = list_topics},
    {.method = "GET", .path = "/topics/{topic}", .handler = get_topic},
    {.method = "GET", .path = "/topics/{topic}/partitions", .handler = list_partitions},
    {.method = "GET", .path = "/topics/{topic}/partitions/{partition}", .handler = get_partition},
    {.method = "GET",
     .path = "/topics/{topic}/partitions/{partition}/offsets",
     .handler = get_offsets},
};
const size_t tarn_rest_v2_route_count = TARN_COUNT(tarn_rest_v2_routes);
