/* broker/topic_embedded_admin.c -- topics of the broker in this process: listing, creating,
 * changing, their offsets. What only looks asks the catalog and the log on the loop's thread. */
#include <stdio.h>
#include <string.h>

#include "broker/log/partition.h"
#include "broker/topic_embedded_int.h"
#include "broker/topics/catalog.h"

enum {
    METADATA_VERSION = 12,
    CREATE_TOPICS_VERSION = 7,
    DELETE_TOPICS_VERSION = 6,
    CREATE_PARTITIONS_VERSION = 3,
    DELETE_RECORDS_VERSION = 2,
    ALTER_CONFIGS_VERSION = 1,
    DESCRIBE_CONFIGS_VERSION = 4,
    LIST_OFFSETS_VERSION = 7,
    RESOURCE_TOPIC = 2,
    OPERATION_SET = 0,
    OPERATION_DELETE = 1,
    SOURCE_TOPIC = 1, /* ConfigSource */
    SOURCE_DYNAMIC_BROKER = 2,
    SOURCE_DYNAMIC_DEFAULT = 3,
    SOURCE_STATIC_BROKER = 4,
};

static const struct tarn_text nothing = {NULL, 0};

/* ---- looking ---- */

static void copy_topic(const struct tarn_metadata_response_topic *from, struct tarn_arena *arena,
                       struct tarn_topic_info *into)
{
    const uint8_t *id = from->topic_id.bytes;
    *into = (struct tarn_topic_info){.name = tarn_arena_text(arena, from->name),
                                     .is_internal = from->is_internal};
    for (size_t i = 0, at = 0; i < sizeof from->topic_id.bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            into->id[at++] = '-';
        at += (size_t)snprintf(into->id + at, sizeof into->id - at, "%02x", id[i]);
    }
    into->partition_count = (size_t)from->partitions_count;
    into->partitions = tarn_arena_array(arena, into->partition_count + 1, sizeof *into->partitions);
    for (size_t i = 0; i < into->partition_count; i++) {
        const struct tarn_metadata_response_partition *partition = &from->partitions[i];
        into->partitions[i] = (struct tarn_topic_partition_info){
            .partition = partition->partition_index,
            .leader = partition->leader_id,
            .replica_count = partition->replica_nodes_count,
            .in_sync_count = partition->isr_nodes_count,
        };
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_info *)a)->name,
                  ((const struct tarn_topic_info *)b)->name);
}

enum tarn_status tarn_embedded_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                    struct tarn_topic_info **ret_topics, size_t *ret_count,
                                    struct tarn_error *err)
{
    struct tarn_metadata_request request;
    void *answer;
    tarn_metadata_request_init(&request);
    request.topics_count = -1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_METADATA, METADATA_VERSION, &request, arena,
                               &answer, err));
    const struct tarn_metadata_response *response = answer;
    size_t count = (size_t)response->topics_count;
    struct tarn_topic_info *list = tarn_arena_array(arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        copy_topic(&response->topics[i], arena, &list[i]);
    qsort(list, count, sizeof *list, by_name);
    *ret_topics = list;
    *ret_count = count;
    return TARN_OK;
}

enum tarn_status tarn_embedded_find(struct tarn_topics *topics, const char *name,
                                    struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                    struct tarn_error *err)
{
    struct tarn_metadata_request request;
    struct tarn_metadata_request_topic topic;
    void *answer;
    tarn_metadata_request_init(&request);
    tarn_metadata_request_topic_init(&topic);
    topic.name = tarn_text_of(name);
    request.topics = &topic;
    request.topics_count = 1;
    request.allow_auto_topic_creation = false;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_METADATA, METADATA_VERSION, &request, arena,
                               &answer, err));
    const struct tarn_metadata_response *response = answer;
    int16_t code = response->topics_count > 0 ? response->topics[0].error_code
                                              : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (tarn_topic_kafka_status(code) == TARN_NOT_FOUND)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no topic '%s'; `tarn topics` lists them",
                         name);
    TARN_TRY(tarn_embedded_fail(err, code, nothing, "looking for topic '%s'", name));
    copy_topic(&response->topics[0], arena, ret_topic);
    return TARN_OK;
}

static const char *source_name(int8_t source)
{
    switch (source) {
    case SOURCE_TOPIC:
        return "topic";
    case SOURCE_DYNAMIC_BROKER:
    case SOURCE_DYNAMIC_DEFAULT:
    case SOURCE_STATIC_BROKER:
        return "broker";
    default:
        return "default";
    }
}

static int by_config_name(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_config_entry *)a)->name,
                  ((const struct tarn_topic_config_entry *)b)->name);
}

static enum tarn_status describe_configs(struct tarn_topics *topics, const char *name,
                                         struct tarn_arena *arena, struct tarn_topic_info *info,
                                         struct tarn_error *err)
{
    struct tarn_describe_configs_request request;
    struct tarn_describe_configs_request_resource resource;
    void *answer;
    tarn_describe_configs_request_init(&request);
    tarn_describe_configs_request_resource_init(&resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = tarn_text_of(name);
    resource.configuration_keys_count = -1;
    request.resources = &resource;
    request.resources_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION,
                               &request, arena, &answer, err));
    const struct tarn_describe_configs_response *response = answer;
    const struct tarn_describe_configs_response_result *result = response->results;
    TARN_TRY(tarn_embedded_fail(err, result->error_code, result->error_message,
                                "reading the configs of topic '%s'", name));
    info->config_count = (size_t)result->configs_count;
    info->configs = tarn_arena_array(arena, info->config_count + 1, sizeof *info->configs);
    for (size_t i = 0; i < info->config_count; i++) {
        const struct tarn_describe_configs_response_config *config = &result->configs[i];
        info->configs[i] = (struct tarn_topic_config_entry){
            .name = tarn_arena_text(arena, config->name),
            .value = config->value.data ? tarn_arena_text(arena, config->value) : NULL,
            .source = source_name(config->config_source),
            .is_default = config->config_source != SOURCE_TOPIC,
            .is_read_only = config->read_only,
        };
    }
    qsort(info->configs, info->config_count, sizeof *info->configs, by_config_name);
    return TARN_OK;
}

struct ends {
    const char *name;
    int32_t partition; /* -1: all, into `info` */
    struct tarn_topic_info *info;
    int64_t start, end;
    bool is_found;
};

static void find_ends(struct tarn_broker *broker, void *context)
{
    struct ends *ends = context;
    const struct tarn_topic *topic =
        tarn_catalog_find(tarn_broker_catalog(broker), tarn_text_of(ends->name));
    for (size_t i = 0; ends->info && i < ends->info->partition_count; i++) {
        struct tarn_topic_partition_info *into = &ends->info->partitions[i];
        const struct tarn_partition *partition = tarn_topic_partition(topic, into->partition);
        if (partition) {
            into->start_offset = tarn_partition_start_offset(partition);
            into->end_offset = tarn_partition_end_offset(partition);
        }
    }
    const struct tarn_partition *partition = tarn_topic_partition(topic, ends->partition);
    ends->is_found = partition != NULL;
    if (partition) {
        ends->start = tarn_partition_start_offset(partition);
        ends->end = tarn_partition_end_offset(partition);
    }
}

enum tarn_status tarn_embedded_describe(struct tarn_topics *topics, const char *name,
                                        struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                        struct tarn_error *err)
{
    TARN_TRY(tarn_embedded_find(topics, name, arena, ret_topic, err));
    struct ends ends = {.name = name, .partition = -1, .info = ret_topic};
    TARN_TRY(tarn_embedded_call(topics, find_ends, &ends, err));
    return describe_configs(topics, name, arena, ret_topic, err);
}

enum tarn_status tarn_embedded_watermarks(struct tarn_topics *topics, const char *name,
                                          int32_t partition, int64_t *ret_start, int64_t *ret_end,
                                          struct tarn_error *err)
{
    struct ends ends = {.name = name, .partition = partition};
    TARN_TRY(tarn_embedded_call(topics, find_ends, &ends, err));
    int16_t code = ends.is_found ? TARN_KAFKA_NONE : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    TARN_TRY(
        tarn_embedded_fail(err, code, nothing, "reading the ends of %s[%d]", name, (int)partition));
    *ret_start = ends.start;
    *ret_end = ends.end;
    return TARN_OK;
}

enum tarn_status tarn_embedded_offset_at(struct tarn_topics *topics, const char *name,
                                         int32_t partition, int64_t time_ms, int64_t *ret_offset,
                                         struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_list_offsets_request request;
    struct tarn_list_offsets_request_topic topic;
    struct tarn_list_offsets_request_partition wanted;
    int64_t start;
    void *answer;
    tarn_list_offsets_request_init(&request);
    tarn_list_offsets_request_topic_init(&topic);
    tarn_list_offsets_request_partition_init(&wanted);
    wanted.partition_index = partition;
    wanted.timestamp = time_ms;
    topic.name = tarn_text_of(name);
    topic.partitions = &wanted;
    topic.partitions_count = 1;
    request.replica_id = -1;
    request.topics = &topic;
    request.topics_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_LIST_OFFSETS, LIST_OFFSETS_VERSION, &request, arena,
                               &answer, err));
    const struct tarn_list_offsets_response *response = answer;
    const struct tarn_list_offsets_response_partition *found = response->topics[0].partitions;
    TARN_TRY(tarn_embedded_fail(err, found->error_code, nothing,
                                "finding the offset by time in %s[%d]", name, (int)partition));
    *ret_offset = found->offset;
    if (found->offset >= 0)
        return TARN_OK;
    return tarn_embedded_watermarks(topics, name, partition, &start, ret_offset, err);
}

/* ---- changing ---- */

enum tarn_status tarn_embedded_create(struct tarn_topics *topics, const char *name,
                                      int32_t partitions, int16_t replicas,
                                      const struct tarn_topic_config_entry *configs,
                                      size_t config_count, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_create_topics_request request;
    struct tarn_create_topics_request_topic topic;
    void *answer;
    tarn_create_topics_request_init(&request);
    tarn_create_topics_request_topic_init(&topic);
    topic.name = tarn_text_of(name);
    topic.num_partitions = partitions;
    topic.replication_factor = replicas;
    topic.configs = tarn_arena_array(arena, config_count + 1, sizeof *topic.configs);
    topic.configs_count = (int32_t)config_count;
    for (size_t i = 0; i < config_count; i++) {
        topic.configs[i].name = tarn_text_of(configs[i].name);
        topic.configs[i].value = configs[i].value ? tarn_text_of(configs[i].value) : nothing;
    }
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)topics->timeout_ms;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_CREATE_TOPICS, CREATE_TOPICS_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_create_topics_response *response = answer;
    return tarn_embedded_fail(err, response->topics[0].error_code,
                              response->topics[0].error_message, "creating topic '%s'", name);
}

enum tarn_status tarn_embedded_delete(struct tarn_topics *topics, const char *name,
                                      struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_delete_topics_request request;
    struct tarn_delete_topics_request_topic topic;
    void *answer;
    tarn_delete_topics_request_init(&request);
    tarn_delete_topics_request_topic_init(&topic);
    topic.name = tarn_text_of(name);
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)topics->timeout_ms;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_DELETE_TOPICS, DELETE_TOPICS_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_delete_topics_response *response = answer;
    return tarn_embedded_fail(err, response->responses[0].error_code,
                              response->responses[0].error_message, "deleting topic '%s'", name);
}

enum tarn_status tarn_embedded_add_partitions(struct tarn_topics *topics, const char *name,
                                              int32_t total, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_create_partitions_request request;
    struct tarn_create_partitions_request_topic topic;
    void *answer;
    tarn_create_partitions_request_init(&request);
    tarn_create_partitions_request_topic_init(&topic);
    topic.name = tarn_text_of(name);
    topic.count = total;
    topic.assignments_count = -1;
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)topics->timeout_ms;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_CREATE_PARTITIONS, CREATE_PARTITIONS_VERSION,
                               &request, arena, &answer, err));
    const struct tarn_create_partitions_response *response = answer;
    return tarn_embedded_fail(err, response->results[0].error_code,
                              response->results[0].error_message, "adding partitions to topic '%s'",
                              name);
}

enum tarn_status tarn_embedded_alter(struct tarn_topics *topics, const char *name,
                                     const struct tarn_topic_config_entry *configs, size_t count,
                                     struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_incremental_alter_configs_request request;
    struct tarn_incremental_alter_configs_request_resource resource;
    void *answer;
    tarn_incremental_alter_configs_request_init(&request);
    tarn_incremental_alter_configs_request_resource_init(&resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = tarn_text_of(name);
    resource.configs = tarn_arena_array(arena, count + 1, sizeof *resource.configs);
    resource.configs_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        resource.configs[i].name = tarn_text_of(configs[i].name);
        resource.configs[i].config_operation = configs[i].value ? OPERATION_SET : OPERATION_DELETE;
        resource.configs[i].value = configs[i].value ? tarn_text_of(configs[i].value) : nothing;
    }
    request.resources = &resource;
    request.resources_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_INCREMENTAL_ALTER_CONFIGS, ALTER_CONFIGS_VERSION,
                               &request, arena, &answer, err));
    const struct tarn_incremental_alter_configs_response *response = answer;
    return tarn_embedded_fail(err, response->responses[0].error_code,
                              response->responses[0].error_message,
                              "changing the configs of topic '%s'", name);
}

enum tarn_status tarn_embedded_delete_records(struct tarn_topics *topics, const char *name,
                                              int32_t partition, int64_t offset,
                                              struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_delete_records_request request;
    struct tarn_delete_records_request_topic topic;
    struct tarn_delete_records_request_partition wanted;
    void *answer;
    tarn_delete_records_request_init(&request);
    tarn_delete_records_request_topic_init(&topic);
    tarn_delete_records_request_partition_init(&wanted);
    wanted.partition_index = partition;
    wanted.offset = offset; /* the end is -1 here and there */
    topic.name = tarn_text_of(name);
    topic.partitions = &wanted;
    topic.partitions_count = 1;
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)topics->timeout_ms;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_DELETE_RECORDS, DELETE_RECORDS_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_delete_records_response *response = answer;
    return tarn_embedded_fail(err, response->topics[0].partitions[0].error_code, nothing,
                              "deleting records of %s[%d]", name, (int)partition);
}
