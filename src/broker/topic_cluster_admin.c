/* broker/topic_cluster_admin.c -- topics of a cluster: listing, creating, changing, their offsets.
 */
#include <stdio.h>
#include <string.h>

#include "broker/topic_cluster_int.h"

enum { PROBLEM_BYTES = 512, WHAT_BYTES = 300 };

static struct tarn_cluster *cluster_of(struct tarn_topics *topics)
{
    return (struct tarn_cluster *)topics;
}

enum tarn_status tarn_cluster_run(struct tarn_topics *topics,
                                  const struct tarn_cluster_request *request,
                                  rd_kafka_event_t **ret_event, struct tarn_error *err)
{
    rd_kafka_t *client = cluster_of(topics)->admin;
    char problem[PROBLEM_BYTES];
    int timeout_ms = tarn_cluster_timeout(topics->timeout_ms);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, request->op);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, problem, sizeof problem);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    request->start(client, request->context, options, queue);
    /* the request has a timeout of its own, so its event comes */
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, -1);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        enum tarn_status status = tarn_fail(err, tarn_cluster_status(code), "%s: %s", request->what,
                                            rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        return status;
    }
    *ret_event = event;
    return TARN_OK;
}

static enum tarn_status result_error(struct tarn_error *err, rd_kafka_resp_err_t code,
                                     const char *text, const char *what)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TARN_OK;
    return tarn_fail(err, tarn_cluster_status(code), "%s: %s", what,
                     text && *text ? text : rd_kafka_err2str(code));
}

static enum tarn_status topic_result(rd_kafka_event_t *event, const rd_kafka_topic_result_t **items,
                                     size_t count, const char *what, struct tarn_error *err)
{
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; status == TARN_OK && i < count; i++)
        status = result_error(err, rd_kafka_topic_result_error(items[i]),
                              rd_kafka_topic_result_error_string(items[i]), what);
    rd_kafka_event_destroy(event);
    return status;
}

/* ---- metadata ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_info *)a)->name,
                  ((const struct tarn_topic_info *)b)->name);
}

static void copy_topic(const struct rd_kafka_metadata_topic *from, struct tarn_arena *arena,
                       struct tarn_topic_info *into)
{
    *into = (struct tarn_topic_info){.name = tarn_arena_strdup(arena, from->topic)};
    into->is_internal = strncmp(from->topic, "__", 2) == 0;
    into->partition_count = (size_t)from->partition_cnt;
    into->partitions = tarn_arena_array(arena, into->partition_count + 1, sizeof *into->partitions);
    for (size_t i = 0; i < into->partition_count; i++) {
        const struct rd_kafka_metadata_partition *partition = &from->partitions[i];
        into->partitions[i] = (struct tarn_topic_partition_info){
            .partition = partition->id,
            .leader = partition->leader,
            .replica_count = partition->replica_cnt,
            .in_sync_count = partition->isr_cnt,
        };
    }
}

enum tarn_status tarn_cluster_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                   struct tarn_topic_info **ret_topics, size_t *ret_count,
                                   struct tarn_error *err)
{
    const struct rd_kafka_metadata *metadata;
    TARN_TRY(tarn_cluster_fail(err,
                               rd_kafka_metadata(cluster_of(topics)->admin, 1, NULL, &metadata,
                                                 tarn_cluster_timeout(topics->timeout_ms)),
                               "listing the topics of %s", topics->address));
    size_t count = (size_t)metadata->topic_cnt;
    struct tarn_topic_info *list = tarn_arena_array(arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++)
        copy_topic(&metadata->topics[i], arena, &list[i]);
    rd_kafka_metadata_destroy(metadata);
    qsort(list, count, sizeof *list, by_name);
    *ret_topics = list;
    *ret_count = count;
    return TARN_OK;
}

enum tarn_status tarn_cluster_find(struct tarn_topics *topics, const char *name,
                                   struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                   struct tarn_error *err)
{
    rd_kafka_t *client = cluster_of(topics)->admin;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, name, NULL);
    if (!handle)
        return tarn_cluster_fail(err, rd_kafka_last_error(), "looking for topic '%s'", name);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(client, 0, handle, &metadata, tarn_cluster_timeout(topics->timeout_ms));
    rd_kafka_topic_destroy(handle);
    TARN_TRY(tarn_cluster_fail(err, code, "looking for topic '%s'", name));
    if (metadata->topic_cnt > 0)
        code = metadata->topics[0].err;
    if (metadata->topic_cnt == 0)
        code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        copy_topic(&metadata->topics[0], arena, ret_topic);
    rd_kafka_metadata_destroy(metadata);
    if (tarn_cluster_status(code) == TARN_NOT_FOUND)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no topic '%s'; `tarn topics` lists them",
                         name);
    return tarn_cluster_fail(err, code, "looking for topic '%s'", name);
}

/* ---- configs ---- */

static void start_describe(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                           rd_kafka_queue_t *queue)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, context);
    rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
    rd_kafka_ConfigResource_destroy(resource);
}

static const char *source_name(rd_kafka_ConfigSource_t source)
{
    if (source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
        return "topic";
    return source == RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG ? "default" : "broker";
}

static int by_config_name(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_config_entry *)a)->name,
                  ((const struct tarn_topic_config_entry *)b)->name);
}

static void copy_configs(const rd_kafka_ConfigResource_t *resource, struct tarn_arena *arena,
                         struct tarn_topic_info *into)
{
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resource, &into->config_count);
    into->configs = tarn_arena_array(arena, into->config_count + 1, sizeof *into->configs);
    for (size_t i = 0; i < into->config_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        rd_kafka_ConfigSource_t source = rd_kafka_ConfigEntry_source(entries[i]);
        into->configs[i] = (struct tarn_topic_config_entry){
            .name = tarn_arena_strdup(arena, rd_kafka_ConfigEntry_name(entries[i])),
            .value = value ? tarn_arena_strdup(arena, value) : NULL,
            .source = source_name(source),
            .is_default = source != RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG,
            .is_read_only = rd_kafka_ConfigEntry_is_read_only(entries[i]) > 0,
        };
    }
    qsort(into->configs, into->config_count, sizeof *into->configs, by_config_name);
}

static enum tarn_status describe_configs(struct tarn_topics *topics, const char *name,
                                         struct tarn_arena *arena, struct tarn_topic_info *into,
                                         struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "reading the configs of topic '%s'", name);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
                                           .start = start_describe,
                                           .context = (void *)name,
                                           .what = what};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    size_t count;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    enum tarn_status status =
        count == 0 ? tarn_fail(err, TARN_INTERNAL, "%s: the broker answered with nothing", what)
                   : result_error(err, rd_kafka_ConfigResource_error(resources[0]),
                                  rd_kafka_ConfigResource_error_string(resources[0]), what);
    if (status == TARN_OK)
        copy_configs(resources[0], arena, into);
    rd_kafka_event_destroy(event);
    return status;
}

enum tarn_status tarn_cluster_describe(struct tarn_topics *topics, const char *name,
                                       struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                       struct tarn_error *err)
{
    struct tarn_topic_info info;
    TARN_TRY(tarn_cluster_find(topics, name, arena, &info, err));
    for (size_t i = 0; i < info.partition_count; i++) {
        struct tarn_topic_partition_info *partition = &info.partitions[i];
        TARN_TRY(tarn_cluster_watermarks(topics, name, partition->partition,
                                         &partition->start_offset, &partition->end_offset, err));
    }
    TARN_TRY(describe_configs(topics, name, arena, &info, err));
    *ret_topic = info;
    return TARN_OK;
}

static void start_alter(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                        rd_kafka_queue_t *queue)
{
    rd_kafka_ConfigResource_t *resource = context;
    rd_kafka_AlterConfigs(client, &resource, 1, options, queue);
}

/* This librdkafka only has the request that replaces all configs of a topic, so those that were set
 * before go along. */
static rd_kafka_ConfigResource_t *merged_configs(const struct tarn_topic_info *info,
                                                 const struct tarn_topic_config_entry *configs,
                                                 size_t count)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, info->name);
    for (size_t i = 0; i < info->config_count; i++) {
        bool is_replaced = info->configs[i].is_default || !info->configs[i].value;
        for (size_t n = 0; n < count; n++)
            is_replaced |= strcmp(configs[n].name, info->configs[i].name) == 0;
        if (!is_replaced)
            (void)rd_kafka_ConfigResource_set_config(resource, info->configs[i].name,
                                                     info->configs[i].value);
    }
    for (size_t n = 0; n < count; n++)
        if (configs[n].value)
            (void)rd_kafka_ConfigResource_set_config(resource, configs[n].name, configs[n].value);
    return resource;
}

enum tarn_status tarn_cluster_alter(struct tarn_topics *topics, const char *name,
                                    const struct tarn_topic_config_entry *configs, size_t count,
                                    struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_info info = {.name = name};
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "changing the configs of topic '%s'", name);
    TARN_TRY(describe_configs(topics, name, arena, &info, err));
    rd_kafka_ConfigResource_t *resource = merged_configs(&info, configs, count);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_ALTERCONFIGS,
                                           .start = start_alter,
                                           .context = resource,
                                           .what = what};
    rd_kafka_event_t *event;
    enum tarn_status status = tarn_cluster_run(topics, &request, &event, err);
    rd_kafka_ConfigResource_destroy(resource);
    TARN_TRY(status);
    size_t result_count;
    const rd_kafka_ConfigResource_t **results = rd_kafka_AlterConfigs_result_resources(
        rd_kafka_event_AlterConfigs_result(event), &result_count);
    if (result_count > 0)
        status = result_error(err, rd_kafka_ConfigResource_error(results[0]),
                              rd_kafka_ConfigResource_error_string(results[0]), what);
    rd_kafka_event_destroy(event);
    return status;
}

/* ---- create, delete, grow ---- */

static void start_create(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                         rd_kafka_queue_t *queue)
{
    rd_kafka_NewTopic_t *topic = context;
    rd_kafka_CreateTopics(client, &topic, 1, options, queue);
}

enum tarn_status tarn_cluster_create(struct tarn_topics *topics, const char *name,
                                     int32_t partitions, int16_t replicas,
                                     const struct tarn_topic_config_entry *configs,
                                     size_t config_count, struct tarn_error *err)
{
    char problem[PROBLEM_BYTES], what[WHAT_BYTES];
    snprintf(what, sizeof what, "creating topic '%s'", name);
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, partitions, replicas, problem, sizeof problem);
    if (!topic)
        return tarn_fail(err, TARN_INVALID, "%s: %s", what, problem);
    for (size_t i = 0; i < config_count; i++)
        (void)rd_kafka_NewTopic_set_config(topic, configs[i].name, configs[i].value);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_CREATETOPICS,
                                           .start = start_create,
                                           .context = topic,
                                           .what = what};
    rd_kafka_event_t *event;
    enum tarn_status status = tarn_cluster_run(topics, &request, &event, err);
    rd_kafka_NewTopic_destroy(topic);
    TARN_TRY(status);
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    return topic_result(event, results, count, what, err);
}

static void start_delete(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                         rd_kafka_queue_t *queue)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(context);
    rd_kafka_DeleteTopics(client, &topic, 1, options, queue);
    rd_kafka_DeleteTopic_destroy(topic);
}

enum tarn_status tarn_cluster_delete(struct tarn_topics *topics, const char *name,
                                     struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "deleting topic '%s'", name);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_DELETETOPICS,
                                           .start = start_delete,
                                           .context = (void *)name,
                                           .what = what};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    return topic_result(event, results, count, what, err);
}

static void start_grow(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                       rd_kafka_queue_t *queue)
{
    rd_kafka_NewPartitions_t *partitions = context;
    rd_kafka_CreatePartitions(client, &partitions, 1, options, queue);
}

enum tarn_status tarn_cluster_add_partitions(struct tarn_topics *topics, const char *name,
                                             int32_t total, struct tarn_error *err)
{
    char problem[PROBLEM_BYTES], what[WHAT_BYTES];
    snprintf(what, sizeof what, "adding partitions to topic '%s'", name);
    rd_kafka_NewPartitions_t *partitions =
        total > 0 ? rd_kafka_NewPartitions_new(name, (size_t)total, problem, sizeof problem) : NULL;
    if (!partitions)
        return tarn_fail(err, TARN_INVALID, "%s: %d is no number of partitions", what, (int)total);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
                                           .start = start_grow,
                                           .context = partitions,
                                           .what = what};
    rd_kafka_event_t *event;
    enum tarn_status status = tarn_cluster_run(topics, &request, &event, err);
    rd_kafka_NewPartitions_destroy(partitions);
    TARN_TRY(status);
    size_t count;
    const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event), &count);
    return topic_result(event, results, count, what, err);
}

/* ---- offsets ---- */

static void start_delete_records(rd_kafka_t *client, void *context,
                                 rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue)
{
    rd_kafka_DeleteRecords_t *records = rd_kafka_DeleteRecords_new(context);
    rd_kafka_DeleteRecords(client, &records, 1, options, queue);
    rd_kafka_DeleteRecords_destroy(records);
}

enum tarn_status tarn_cluster_delete_records(struct tarn_topics *topics, const char *name,
                                             int32_t partition, int64_t offset,
                                             struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "deleting records of %s[%d]", name, (int)partition);
    struct tarn_topic_offset before = {.topic = name, .partition = partition, .offset = offset};
    rd_kafka_topic_partition_list_t *list = tarn_cluster_partitions(&before, 1);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_DELETERECORDS,
                                           .start = start_delete_records,
                                           .context = list,
                                           .what = what};
    rd_kafka_event_t *event;
    enum tarn_status status = tarn_cluster_run(topics, &request, &event, err);
    rd_kafka_topic_partition_list_destroy(list);
    TARN_TRY(status);
    const rd_kafka_topic_partition_list_t *results =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    for (int i = 0; status == TARN_OK && i < results->cnt; i++)
        status = result_error(err, results->elems[i].err, NULL, what);
    rd_kafka_event_destroy(event);
    return status;
}

enum tarn_status tarn_cluster_watermarks(struct tarn_topics *topics, const char *name,
                                         int32_t partition, int64_t *ret_start, int64_t *ret_end,
                                         struct tarn_error *err)
{
    return tarn_cluster_fail(
        err,
        rd_kafka_query_watermark_offsets(cluster_of(topics)->admin, name, partition, ret_start,
                                         ret_end, tarn_cluster_timeout(topics->timeout_ms)),
        "reading the ends of %s[%d]", name, (int)partition);
}

enum tarn_status tarn_cluster_offset_at(struct tarn_topics *topics, const char *name,
                                        int32_t partition, int64_t time_ms, int64_t *ret_offset,
                                        struct tarn_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_add(list, name, partition);
    item->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(cluster_of(topics)->admin, list,
                                                          tarn_cluster_timeout(topics->timeout_ms));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = item->err;
    int64_t offset = item->offset, start;
    rd_kafka_topic_partition_list_destroy(list);
    TARN_TRY(
        tarn_cluster_fail(err, code, "finding the offset by time in %s[%d]", name, (int)partition));
    if (offset < 0) /* all records are older */
        TARN_TRY(tarn_cluster_watermarks(topics, name, partition, &start, &offset, err));
    *ret_offset = offset;
    return TARN_OK;
}
