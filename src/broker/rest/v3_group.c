/* broker/rest/v3_group.c -- consumer groups, their members and lags in the v3 API. */
#include <ctype.h>

#include "broker/rest/rest_int.h"

/* "PreparingRebalance" as "PREPARING_REBALANCE". */
static const char *state_name(struct tarn_arena *arena, const char *state)
{
    char *out = tarn_arena_alloc(arena, 2 * strlen(state) + 1), *at = out;
    for (const char *c = state; *c; c++) {
        if (isupper((unsigned char)*c) && c != state)
            *at++ = '_';
        *at++ = (char)toupper((unsigned char)*c);
    }
    return out;
}

static const char *group_path(const struct tarn_http_request *request, const char *name)
{
    return tarn_arena_format(request->arena, "/consumer-groups/%s",
                             tarn_http_encode(tarn_text_of(name), request->arena).data);
}

static json_t *group_json(const struct tarn_http_request *request,
                          const struct tarn_topic_group *group, const char *assignor)
{
    const char *path = group_path(request, group->name);
    json_t *json =
        tarn_rest_resource(request, "KafkaConsumerGroup", path,
                           tarn_arena_format(request->arena, "/consumer-group=%s", group->name));
    json_object_set_new(json, "consumer_group_id", json_string(group->name));
    json_object_set_new(json, "is_simple",
                        json_boolean(!group->protocol_type || !*group->protocol_type));
    json_object_set_new(json, "partition_assignor", json_string(assignor ? assignor : ""));
    json_object_set_new(json, "state",
                        json_string(state_name(request->arena, group->state ? group->state : "")));
    tarn_rest_relate(request, json, "coordinator", "/brokers/1");
    tarn_rest_relate(request, json, "consumer",
                     tarn_arena_format(request->arena, "%s/consumers", path));
    tarn_rest_relate(request, json, "lag_summary",
                     tarn_arena_format(request->arena, "%s/lag-summary", path));
    return json;
}

static void list_groups(struct tarn_http_request *request)
{
    struct tarn_topic_group *groups;
    size_t count;
    struct tarn_error err;
    struct tarn_topics *topics = tarn_rest_is_cluster(request) ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return;
    if (tarn_topic_group_list(topics, request->arena, &groups, &count, &err) != TARN_OK) {
        tarn_rest_fail(request, &err);
        return;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(data, group_json(request, &groups[i], NULL));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaConsumerGroupList", data));
}

/* The group of the path; otherwise replies and is false. */
static bool describe(struct tarn_http_request *request, struct tarn_topic_group_info *ret_info)
{
    struct tarn_error err;
    const char *name = tarn_http_path_str(request, "group");
    struct tarn_topics *topics = tarn_rest_is_cluster(request) ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return false;
    enum tarn_status status =
        tarn_topic_group_describe(topics, name, request->arena, ret_info, &err);
    if (status == TARN_NOT_FOUND)
        tarn_rest_fail_code(request, 404, "Consumer group %s cannot be found.", name);
    else if (status != TARN_OK)
        tarn_rest_fail(request, &err);
    return status == TARN_OK;
}

static void get_group(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    if (describe(request, &info))
        tarn_rest_reply(request, 200, group_json(request, &info.group, info.assignor));
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *consumer_json(const struct tarn_http_request *request, const char *group,
                             const struct tarn_topic_group_member *member)
{
    const char *path =
        tarn_arena_format(request->arena, "%s/consumers/%s", group_path(request, group),
                          tarn_http_encode(tarn_text_of(member->member_id), request->arena).data);
    json_t *json =
        tarn_rest_resource(request, "KafkaConsumer", path,
                           tarn_arena_format(request->arena, "/consumer-group=%s/consumer=%s",
                                             group, member->member_id));
    json_object_set_new(json, "consumer_group_id", json_string(group));
    json_object_set_new(json, "consumer_id", json_string(member->member_id));
    json_object_set_new(json, "instance_id", text_or_null(member->instance_id));
    json_object_set_new(json, "client_id", text_or_null(member->client_id));
    tarn_rest_relate(request, json, "assignments",
                     tarn_arena_format(request->arena, "%s/assignments", path));
    return json;
}

static void list_consumers(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    if (!describe(request, &info))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < info.member_count; i++)
        json_array_append_new(data, consumer_json(request, info.group.name, &info.members[i]));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaConsumerList", data));
}

static const struct tarn_topic_group_member *find_member(struct tarn_http_request *request,
                                                         struct tarn_topic_group_info *ret_info)
{
    const char *id = tarn_http_path_str(request, "consumer");
    if (!describe(request, ret_info))
        return NULL;
    for (size_t i = 0; i < ret_info->member_count; i++)
        if (strcmp(ret_info->members[i].member_id, id) == 0)
            return &ret_info->members[i];
    tarn_rest_fail_code(request, 404, "Consumer %s cannot be found.", id);
    return NULL;
}

static void get_consumer(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    const struct tarn_topic_group_member *member = find_member(request, &info);
    if (member)
        tarn_rest_reply(request, 200, consumer_json(request, info.group.name, member));
}

static void list_assignments(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    const struct tarn_topic_group_member *member = find_member(request, &info);
    if (!member)
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < member->assigned_count; i++) {
        const struct tarn_topic_offset *assigned = &member->assigned[i];
        const char *path =
            tarn_arena_format(request->arena, "%s/consumers/%s/assignments/%s/partitions/%d",
                              group_path(request, info.group.name), member->member_id,
                              assigned->topic, assigned->partition);
        json_t *json = tarn_rest_resource(
            request, "KafkaConsumerAssignment", path,
            tarn_arena_format(request->arena, "/consumer-group=%s", info.group.name));
        json_object_set_new(json, "consumer_group_id", json_string(info.group.name));
        json_object_set_new(json, "consumer_id", json_string(member->member_id));
        json_object_set_new(json, "topic_name", json_string(assigned->topic));
        json_object_set_new(json, "partition_id", json_integer(assigned->partition));
        json_array_append_new(data, json);
    }
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaConsumerAssignmentList", data));
}

/* ---- lags ---- */

static const struct tarn_topic_group_member *member_of(const struct tarn_topic_group_info *info,
                                                       const char *id)
{
    for (size_t i = 0; id && i < info->member_count; i++)
        if (strcmp(info->members[i].member_id, id) == 0)
            return &info->members[i];
    return NULL;
}

static json_t *lag_json(const struct tarn_http_request *request,
                        const struct tarn_topic_group_info *info,
                        const struct tarn_topic_group_offset *offset)
{
    const struct tarn_topic_group_member *member = member_of(info, offset->member_id);
    const char *path =
        tarn_arena_format(request->arena, "%s/lags/%s/partitions/%d",
                          group_path(request, info->group.name), offset->topic, offset->partition);
    json_t *json = tarn_rest_resource(
        request, "KafkaConsumerLag", path,
        tarn_arena_format(request->arena, "/consumer-group=%s/lag=%s/partition=%d",
                          info->group.name, offset->topic, offset->partition));
    json_object_set_new(json, "consumer_group_id", json_string(info->group.name));
    json_object_set_new(json, "topic_name", json_string(offset->topic));
    json_object_set_new(json, "partition_id", json_integer(offset->partition));
    json_object_set_new(json, "current_offset", json_integer(offset->committed));
    json_object_set_new(json, "log_end_offset", json_integer(offset->end_offset));
    json_object_set_new(json, "lag", json_integer(offset->lag));
    json_object_set_new(json, "consumer_id", json_string(member ? member->member_id : ""));
    json_object_set_new(json, "instance_id", text_or_null(member ? member->instance_id : NULL));
    json_object_set_new(json, "client_id",
                        json_string(member && member->client_id ? member->client_id : ""));
    return json;
}

static void list_lags(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    if (!describe(request, &info))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < info.offset_count; i++)
        if (info.offsets[i].committed >= 0)
            json_array_append_new(data, lag_json(request, &info, &info.offsets[i]));
    tarn_rest_reply(request, 200, tarn_rest_list(request, "KafkaConsumerLagList", data));
}

static void get_lag(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    const char *topic = tarn_http_path_str(request, "topic");
    int64_t partition = -1;
    (void)tarn_text_to_int64(tarn_http_path_param(request, "partition"), &partition);
    if (!describe(request, &info))
        return;
    for (size_t i = 0; i < info.offset_count; i++) {
        if (strcmp(info.offsets[i].topic, topic) != 0 || info.offsets[i].partition != partition)
            continue;
        tarn_rest_reply(request, 200, lag_json(request, &info, &info.offsets[i]));
        return;
    }
    tarn_rest_fail_code(request, 404, "Consumer group %s has no offset in %s-%lld.",
                        info.group.name, topic, (long long)partition);
}

static void get_lag_summary(struct tarn_http_request *request)
{
    struct tarn_topic_group_info info;
    if (!describe(request, &info))
        return;
    const struct tarn_topic_group_offset *most = NULL;
    int64_t total = 0;
    for (size_t i = 0; i < info.offset_count; i++) {
        const struct tarn_topic_group_offset *offset = &info.offsets[i];
        if (offset->committed < 0 || offset->lag < 0)
            continue;
        total += offset->lag;
        if (!most || offset->lag > most->lag)
            most = offset;
    }
    if (!most) {
        tarn_rest_fail_code(request, 404, "Consumer group %s has committed no offsets.",
                            info.group.name);
        return;
    }
    const struct tarn_topic_group_member *member = member_of(&info, most->member_id);
    json_t *json = tarn_rest_resource(
        request, "KafkaConsumerGroupLagSummary",
        tarn_arena_format(request->arena, "%s/lag-summary", group_path(request, info.group.name)),
        tarn_arena_format(request->arena, "/consumer-group=%s/lag-summary", info.group.name));
    json_object_set_new(json, "consumer_group_id", json_string(info.group.name));
    json_object_set_new(json, "max_lag_consumer_id", json_string(member ? member->member_id : ""));
    json_object_set_new(json, "max_lag_instance_id",
                        text_or_null(member ? member->instance_id : NULL));
    json_object_set_new(json, "max_lag_client_id",
                        json_string(member && member->client_id ? member->client_id : ""));
    json_object_set_new(json, "max_lag_topic_name", json_string(most->topic));
    json_object_set_new(json, "max_lag_partition_id", json_integer(most->partition));
    json_object_set_new(json, "max_lag", json_integer(most->lag));
    json_object_set_new(json, "total_lag", json_integer(total));
    tarn_rest_reply(request, 200, json);
}

#define GROUPS "/v3/clusters/{cluster}/consumer-groups"

const struct tarn_http_route tarn_rest_group_routes[] = {
    {.method = "GET", .path = GROUPS, .handler = list_groups},
    {.method = "GET", .path = GROUPS "/{group}", .handler = get_group},
    {.method = "GET", .path = GROUPS "/{group}/consumers", .handler = list_consumers},
    {.method = "GET", .path = GROUPS "/{group}/consumers/{consumer}", .handler = get_consumer},
    {.method = "GET",
     .path = GROUPS "/{group}/consumers/{consumer}/assignments",
     .handler = list_assignments},
    {.method = "GET", .path = GROUPS "/{group}/lag-summary", .handler = get_lag_summary},
    {.method = "GET", .path = GROUPS "/{group}/lags", .handler = list_lags},
    {.method = "GET",
     .path = GROUPS "/{group}/lags/{topic}/partitions/{partition}",
     .handler = get_lag},
};
const size_t tarn_rest_group_route_count = TARN_COUNT(tarn_rest_group_routes);
