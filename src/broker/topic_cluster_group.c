/* broker/topic_cluster_group.c -- consumer groups of a cluster: state, members, offsets, lag. */
#include <stdio.h>
#include <string.h>

#include "broker/topic_cluster_int.h"

enum { WHAT_BYTES = 300 };

static enum tarn_status group_error(struct tarn_error *err, const rd_kafka_error_t *error,
                                    const char *what)
{
    if (!error || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TARN_OK;
    return tarn_fail(err, tarn_cluster_status(rd_kafka_error_code(error)), "%s: %s", what,
                     rd_kafka_error_string(error));
}

static const char *copy_or_null(struct tarn_arena *arena, const char *text)
{
    return text && *text ? tarn_arena_strdup(arena, text) : NULL;
}

/* ---- list ---- */

static void start_list(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                       rd_kafka_queue_t *queue)
{
    (void)context;
    rd_kafka_ListConsumerGroups(client, options, queue);
}

static int by_group(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_group *)a)->name,
                  ((const struct tarn_topic_group *)b)->name);
}

enum tarn_status tarn_cluster_group_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                         struct tarn_topic_group **ret_groups, size_t *ret_count,
                                         struct tarn_error *err)
{
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
                                           .start = start_list,
                                           .what = "listing consumer groups"};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    const rd_kafka_ListConsumerGroups_result_t *result =
        rd_kafka_event_ListConsumerGroups_result(event);
    size_t error_count, count;
    const rd_kafka_error_t **errors =
        rd_kafka_ListConsumerGroups_result_errors(result, &error_count);
    const rd_kafka_ConsumerGroupListing_t **valid =
        rd_kafka_ListConsumerGroups_result_valid(result, &count);
    enum tarn_status status = error_count > 0 ? group_error(err, errors[0], request.what) : TARN_OK;
    struct tarn_topic_group *groups = tarn_arena_array(arena, count + 1, sizeof *groups);
    for (size_t i = 0; i < count; i++)
        groups[i] = (struct tarn_topic_group){
            .name = tarn_arena_strdup(arena, rd_kafka_ConsumerGroupListing_group_id(valid[i])),
            .state =
                rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(valid[i])),
            .protocol_type =
                rd_kafka_ConsumerGroupListing_is_simple_consumer_group(valid[i]) ? "" : "consumer",
        };
    rd_kafka_event_destroy(event);
    TARN_TRY(status);
    qsort(groups, count, sizeof *groups, by_group);
    *ret_groups = groups;
    *ret_count = count;
    return TARN_OK;
}

/* ---- describe ---- */

static void start_describe(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                           rd_kafka_queue_t *queue)
{
    const char *group = context;
    rd_kafka_DescribeConsumerGroups(client, &group, 1, options, queue);
}

static void copy_member(const rd_kafka_MemberDescription_t *from, struct tarn_arena *arena,
                        struct tarn_topic_group_member *into)
{
    const rd_kafka_topic_partition_list_t *assigned =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(from));
    *into = (struct tarn_topic_group_member){
        .member_id = tarn_arena_strdup(arena, rd_kafka_MemberDescription_consumer_id(from)),
        .instance_id = copy_or_null(arena, rd_kafka_MemberDescription_group_instance_id(from)),
        .client_id = tarn_arena_strdup(arena, rd_kafka_MemberDescription_client_id(from)),
        .host = tarn_arena_strdup(arena, rd_kafka_MemberDescription_host(from)),
    };
    if (assigned) {
        into->assigned = tarn_cluster_offsets(assigned, arena);
        into->assigned_count = (size_t)assigned->cnt;
    }
}

static void copy_group(const rd_kafka_ConsumerGroupDescription_t *from, struct tarn_arena *arena,
                       struct tarn_topic_group_info *into)
{
    into->group.state =
        rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(from));
    into->group.protocol_type =
        rd_kafka_ConsumerGroupDescription_is_simple_consumer_group(from) ? "" : "consumer";
    const char *assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(from);
    into->assignor = assignor ? tarn_arena_strdup(arena, assignor) : "";
    into->member_count = rd_kafka_ConsumerGroupDescription_member_count(from);
    into->members = tarn_arena_array(arena, into->member_count + 1, sizeof *into->members);
    for (size_t i = 0; i < into->member_count; i++)
        copy_member(rd_kafka_ConsumerGroupDescription_member(from, i), arena, &into->members[i]);
}

static enum tarn_status describe_members(struct tarn_topics *topics, const char *group,
                                         struct tarn_arena *arena,
                                         struct tarn_topic_group_info *into, struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "describing group '%s'", group);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
                                           .start = start_describe,
                                           .context = (void *)group,
                                           .what = what};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    size_t count;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &count);
    enum tarn_status status = TARN_OK;
    if (count > 0)
        status = group_error(err, rd_kafka_ConsumerGroupDescription_error(groups[0]), what);
    if (count > 0 && status == TARN_OK)
        copy_group(groups[0], arena, into);
    rd_kafka_event_destroy(event);
    return status;
}

static void start_offsets(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                          rd_kafka_queue_t *queue)
{
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(context, NULL);
    rd_kafka_ListConsumerGroupOffsets(client, &request, 1, options, queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
}

/* What the group has committed; in `arena`. */
static enum tarn_status committed_offsets(struct tarn_topics *topics, const char *group,
                                          struct tarn_arena *arena,
                                          struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                          struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "reading the offsets of group '%s'", group);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
                                           .start = start_offsets,
                                           .context = (void *)group,
                                           .what = what};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    size_t count;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    enum tarn_status status = TARN_OK;
    *ret_count = 0;
    if (count > 0)
        status = group_error(err, rd_kafka_group_result_error(groups[0]), what);
    if (count > 0 && status == TARN_OK) {
        const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
        *ret_offsets = tarn_cluster_offsets(list, arena);
        *ret_count = (size_t)list->cnt;
    }
    rd_kafka_event_destroy(event);
    return status;
}

static struct tarn_topic_group_offset *offset_row(struct tarn_topic_group_info *info,
                                                  const char *topic, int32_t partition)
{
    for (size_t i = 0; i < info->offset_count; i++)
        if (info->offsets[i].partition == partition && strcmp(info->offsets[i].topic, topic) == 0)
            return &info->offsets[i];
    struct tarn_topic_group_offset *row = &info->offsets[info->offset_count++];
    *row = (struct tarn_topic_group_offset){
        .topic = topic, .partition = partition, .committed = TARN_OFFSET_NONE};
    return row;
}

static int by_partition(const void *left, const void *right)
{
    const struct tarn_topic_group_offset *a = left, *b = right;
    int order = strcmp(a->topic, b->topic);
    return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

void tarn_topic_group_join(struct tarn_topic_group_info *info,
                           const struct tarn_topic_offset *committed, size_t count,
                           struct tarn_arena *arena)
{
    size_t rows = count;
    for (size_t m = 0; m < info->member_count; m++)
        rows += info->members[m].assigned_count;
    info->offsets = tarn_arena_array(arena, rows + 1, sizeof *info->offsets);
    for (size_t i = 0; i < count; i++) {
        struct tarn_topic_group_offset *row =
            offset_row(info, committed[i].topic, committed[i].partition);
        row->committed = committed[i].offset >= 0 ? committed[i].offset : TARN_OFFSET_NONE;
        row->metadata = committed[i].metadata;
    }
    for (size_t m = 0; m < info->member_count; m++)
        for (size_t i = 0; i < info->members[m].assigned_count; i++)
            offset_row(info, info->members[m].assigned[i].topic,
                       info->members[m].assigned[i].partition)
                ->member_id = info->members[m].member_id;
    qsort(info->offsets, info->offset_count, sizeof *info->offsets, by_partition);
}

static void find_lag(struct tarn_topics *topics, struct tarn_topic_group_offset *row)
{
    int64_t start, end;
    row->end_offset = row->lag = -1;
    if (tarn_cluster_watermarks(topics, row->topic, row->partition, &start, &end, NULL) != TARN_OK)
        return;
    row->end_offset = end;
    if (row->committed >= 0)
        row->lag = end > row->committed ? end - row->committed : 0;
}

enum tarn_status tarn_cluster_group_describe(struct tarn_topics *topics, const char *group,
                                             struct tarn_arena *arena,
                                             struct tarn_topic_group_info *ret_info,
                                             struct tarn_error *err)
{
    struct tarn_topic_group_info info = {.group.name = tarn_arena_strdup(arena, group)};
    struct tarn_topic_offset *committed = NULL;
    size_t count;
    TARN_TRY(describe_members(topics, group, arena, &info, err));
    TARN_TRY(committed_offsets(topics, group, arena, &committed, &count, err));
    bool is_dead = !info.group.state || strcmp(info.group.state, "Dead") == 0;
    if (is_dead && count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no group '%s'; `tarn groups` lists them",
                         group);
    tarn_topic_group_join(&info, committed, count, arena);
    for (size_t i = 0; i < info.offset_count; i++)
        find_lag(topics, &info.offsets[i]);
    *ret_info = info;
    return TARN_OK;
}

/* ---- reset, delete ---- */

struct reset {
    const char *group;
    rd_kafka_topic_partition_list_t *list;
};

static void start_reset(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                        rd_kafka_queue_t *queue)
{
    struct reset *reset = context;
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(reset->group, reset->list);
    rd_kafka_AlterConsumerGroupOffsets(client, &request, 1, options, queue);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
}

/* Turns "beginning" and "end" into the numbers they are now. */
static enum tarn_status resolve(struct tarn_topics *topics, rd_kafka_topic_partition_list_t *list,
                                struct tarn_error *err)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *item = &list->elems[i];
        int64_t start, end;
        if (item->offset >= 0)
            continue;
        TARN_TRY(tarn_cluster_watermarks(topics, item->topic, item->partition, &start, &end, err));
        item->offset = item->offset == TARN_OFFSET_BEGINNING ? start : end;
    }
    return TARN_OK;
}

static enum tarn_status reset_result(const rd_kafka_event_t *event, const char *what,
                                     struct tarn_error *err)
{
    size_t count;
    const rd_kafka_group_result_t **groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result((rd_kafka_event_t *)event), &count);
    if (count == 0)
        return TARN_OK;
    TARN_TRY(group_error(err, rd_kafka_group_result_error(groups[0]), what));
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *item = &list->elems[i];
        if (tarn_cluster_status(item->err) == TARN_CONFLICT)
            return tarn_fail(err, TARN_CONFLICT,
                             "%s: the group has members; stop its consumers first", what);
        TARN_TRY(tarn_cluster_fail(err, item->err, "%s, %s[%d]", what, item->topic,
                                   (int)item->partition));
    }
    return TARN_OK;
}

enum tarn_status tarn_cluster_group_reset(struct tarn_topics *topics, const char *group,
                                          const struct tarn_topic_offset *offsets, size_t count,
                                          struct tarn_error *err)
{
    if (count == 0)
        return TARN_OK;
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "setting the offsets of group '%s'", group);
    struct reset reset = {group, tarn_cluster_partitions(offsets, count)};
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
                                           .start = start_reset,
                                           .context = &reset,
                                           .what = what};
    rd_kafka_event_t *event;
    enum tarn_status status = resolve(topics, reset.list, err);
    if (status == TARN_OK)
        status = tarn_cluster_run(topics, &request, &event, err);
    rd_kafka_topic_partition_list_destroy(reset.list);
    TARN_TRY(status);
    status = reset_result(event, what, err);
    rd_kafka_event_destroy(event);
    return status;
}

static void start_delete(rd_kafka_t *client, void *context, rd_kafka_AdminOptions_t *options,
                         rd_kafka_queue_t *queue)
{
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(context);
    rd_kafka_DeleteGroups(client, &group, 1, options, queue);
    rd_kafka_DeleteGroup_destroy(group);
}

enum tarn_status tarn_cluster_group_delete(struct tarn_topics *topics, const char *group,
                                           struct tarn_error *err)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "deleting group '%s'", group);
    struct tarn_cluster_request request = {.op = RD_KAFKA_ADMIN_OP_DELETEGROUPS,
                                           .start = start_delete,
                                           .context = (void *)group,
                                           .what = what};
    rd_kafka_event_t *event;
    TARN_TRY(tarn_cluster_run(topics, &request, &event, err));
    size_t count;
    const rd_kafka_group_result_t **groups =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &count);
    enum tarn_status status = TARN_OK;
    if (count > 0)
        status = group_error(err, rd_kafka_group_result_error(groups[0]), what);
    rd_kafka_event_destroy(event);
    return status;
}
