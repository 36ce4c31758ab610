/* broker/topic_embedded_group.c -- consumer groups of the broker in this process: state, members,
 * offsets, lag. */
#include <stdio.h>
#include <string.h>

#include "broker/topic_embedded_int.h"

enum {
    LIST_GROUPS_VERSION = 5,
    DESCRIBE_GROUPS_VERSION = 6,
    DELETE_GROUPS_VERSION = 2,
    /* by name; later versions go by topic id */
    OFFSET_COMMIT_VERSION = 9,
    OFFSET_FETCH_VERSION = 9,
    EPOCH_UNKNOWN = -1,
};

static const struct tarn_text nothing = {NULL, 0};

static struct tarn_text text_or_null(const char *text)
{
    return text ? tarn_text_of(text) : nothing;
}

/* ---- offsets ---- */

enum tarn_status tarn_embedded_commit(struct tarn_topics *topics,
                                      const struct tarn_embedded_member_id *member,
                                      const struct tarn_topic_offset *offsets, size_t count,
                                      struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_offset_commit_request request;
    void *answer;
    tarn_offset_commit_request_init(&request);
    request.group_id = tarn_text_of(member->group);
    request.generation_id_or_member_epoch = member->generation;
    request.member_id = tarn_text_of(member->member_id);
    request.group_instance_id = text_or_null(member->instance_id);
    request.topics = tarn_arena_array(arena, count + 1, sizeof *request.topics);
    request.topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct tarn_offset_commit_request_partition *partition =
            tarn_arena_alloc(arena, sizeof *partition);
        tarn_offset_commit_request_topic_init(&request.topics[i]);
        tarn_offset_commit_request_partition_init(partition);
        partition->partition_index = offsets[i].partition;
        partition->committed_offset = offsets[i].offset;
        partition->committed_leader_epoch = EPOCH_UNKNOWN;
        partition->committed_metadata =
            offsets[i].metadata.data ? offsets[i].metadata : TARN_TEXT("");
        request.topics[i].name = tarn_text_of(offsets[i].topic);
        request.topics[i].partitions = partition;
        request.topics[i].partitions_count = 1;
    }
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_OFFSET_COMMIT, OFFSET_COMMIT_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_offset_commit_response *response = answer;
    for (int32_t i = 0; i < response->topics_count; i++)
        TARN_TRY(tarn_embedded_fail(err, response->topics[i].partitions[0].error_code, nothing,
                                    "committing offsets of group '%s', %s[%d]", member->group,
                                    offsets[i].topic, (int)offsets[i].partition));
    return TARN_OK;
}

/* Topics NULL with count -1 mean all. */
static enum tarn_status fetch_offsets(struct tarn_topics *topics, const char *group,
                                      struct tarn_offset_fetch_request_group_topic *wanted,
                                      int32_t count, struct tarn_arena *arena,
                                      const struct tarn_offset_fetch_response_group **ret_group,
                                      struct tarn_error *err)
{
    struct tarn_offset_fetch_request request;
    struct tarn_offset_fetch_request_group asked;
    void *answer;
    tarn_offset_fetch_request_init(&request);
    tarn_offset_fetch_request_group_init(&asked);
    asked.group_id = tarn_text_of(group);
    asked.topics = wanted;
    asked.topics_count = count;
    request.groups = &asked;
    request.groups_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_OFFSET_FETCH, OFFSET_FETCH_VERSION, &request, arena,
                               &answer, err));
    const struct tarn_offset_fetch_response *response = answer;
    *ret_group = response->groups;
    return tarn_embedded_fail(err, response->groups[0].error_code, nothing,
                              "reading the offsets of group '%s'", group);
}

static struct tarn_topic_offset
copy_offset(const struct tarn_offset_fetch_response_group_topic *topic,
            const struct tarn_offset_fetch_response_group_partition *from, struct tarn_arena *arena)
{
    struct tarn_topic_offset offset = {
        .topic = tarn_arena_text(arena, topic->name),
        .partition = from->partition_index,
        .offset = from->committed_offset >= 0 ? from->committed_offset : TARN_OFFSET_NONE,
    };
    if (from->metadata.len > 0)
        offset.metadata = from->metadata; /* lies in the arena */
    return offset;
}

enum tarn_status tarn_embedded_committed(struct tarn_topics *topics, const char *group,
                                         struct tarn_arena *arena,
                                         struct tarn_topic_offset *offsets, size_t count,
                                         struct tarn_error *err)
{
    struct tarn_offset_fetch_request_group_topic *wanted =
        tarn_arena_array(arena, count + 1, sizeof *wanted);
    const struct tarn_offset_fetch_response_group *found;
    for (size_t i = 0; i < count; i++) {
        tarn_offset_fetch_request_group_topic_init(&wanted[i]);
        wanted[i].name = tarn_text_of(offsets[i].topic);
        wanted[i].partition_indexes = &offsets[i].partition;
        wanted[i].partition_indexes_count = 1;
    }
    TARN_TRY(fetch_offsets(topics, group, wanted, (int32_t)count, arena, &found, err));
    for (size_t i = 0; i < count && (int32_t)i < found->topics_count; i++) {
        struct tarn_topic_offset offset =
            copy_offset(&found->topics[i], found->topics[i].partitions, arena);
        offsets[i].offset = offset.offset;
        offsets[i].metadata = offset.metadata;
    }
    return TARN_OK;
}

static enum tarn_status all_committed(struct tarn_topics *topics, const char *group,
                                      struct tarn_arena *arena,
                                      struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                      struct tarn_error *err)
{
    const struct tarn_offset_fetch_response_group *found;
    TARN_TRY(fetch_offsets(topics, group, NULL, -1, arena, &found, err));
    size_t count = 0;
    for (int32_t t = 0; t < found->topics_count; t++)
        count += (size_t)found->topics[t].partitions_count;
    struct tarn_topic_offset *offsets = tarn_arena_array(arena, count + 1, sizeof *offsets);
    count = 0;
    for (int32_t t = 0; t < found->topics_count; t++)
        for (int32_t i = 0; i < found->topics[t].partitions_count; i++)
            offsets[count++] =
                copy_offset(&found->topics[t], &found->topics[t].partitions[i], arena);
    *ret_offsets = offsets;
    *ret_count = count;
    return TARN_OK;
}

/* ---- listing, describing ---- */

static int by_group(const void *a, const void *b)
{
    return strcmp(((const struct tarn_topic_group *)a)->name,
                  ((const struct tarn_topic_group *)b)->name);
}

enum tarn_status tarn_embedded_group_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                          struct tarn_topic_group **ret_groups, size_t *ret_count,
                                          struct tarn_error *err)
{
    struct tarn_list_groups_request request;
    void *answer;
    tarn_list_groups_request_init(&request);
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_LIST_GROUPS, LIST_GROUPS_VERSION, &request, arena,
                               &answer, err));
    const struct tarn_list_groups_response *response = answer;
    TARN_TRY(tarn_embedded_fail(err, response->error_code, nothing, "listing consumer groups"));
    size_t count = (size_t)response->groups_count;
    struct tarn_topic_group *groups = tarn_arena_array(arena, count + 1, sizeof *groups);
    for (size_t i = 0; i < count; i++)
        groups[i] = (struct tarn_topic_group){
            .name = tarn_arena_text(arena, response->groups[i].group_id),
            .state = tarn_arena_text(arena, response->groups[i].group_state),
            .protocol_type = tarn_arena_text(arena, response->groups[i].protocol_type),
        };
    qsort(groups, count, sizeof *groups, by_group);
    *ret_groups = groups;
    *ret_count = count;
    return TARN_OK;
}

static enum tarn_status copy_member(const struct tarn_describe_groups_response_member *from,
                                    struct tarn_arena *arena, struct tarn_topic_group_member *into,
                                    struct tarn_error *err)
{
    *into = (struct tarn_topic_group_member){
        .member_id = tarn_arena_text(arena, from->member_id),
        .instance_id = from->group_instance_id.len > 0
                           ? tarn_arena_text(arena, from->group_instance_id)
                           : NULL,
        .client_id = tarn_arena_text(arena, from->client_id),
        .host = tarn_arena_text(arena, from->client_host),
    };
    if (from->member_assignment.len == 0)
        return TARN_OK;
    return tarn_assignment_decode(from->member_assignment, arena, &into->assigned,
                                  &into->assigned_count, err);
}

static enum tarn_status describe_members(struct tarn_topics *topics, const char *group,
                                         struct tarn_arena *arena,
                                         struct tarn_topic_group_info *into, struct tarn_error *err)
{
    struct tarn_describe_groups_request request;
    struct tarn_text name = tarn_text_of(group);
    void *answer;
    tarn_describe_groups_request_init(&request);
    request.groups = &name;
    request.groups_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_DESCRIBE_GROUPS, DESCRIBE_GROUPS_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_describe_groups_response *response = answer;
    const struct tarn_describe_groups_response_group *found = response->groups;
    if (tarn_topic_kafka_status(found->error_code) == TARN_NOT_FOUND) {
        into->group.state = "Dead";
        return TARN_OK;
    }
    TARN_TRY(tarn_embedded_fail(err, found->error_code, found->error_message,
                                "describing group '%s'", group));
    into->group.state = tarn_arena_text(arena, found->group_state);
    into->group.protocol_type = tarn_arena_text(arena, found->protocol_type);
    into->assignor = tarn_arena_text(arena, found->protocol_data);
    into->member_count = (size_t)found->members_count;
    into->members = tarn_arena_array(arena, into->member_count + 1, sizeof *into->members);
    for (size_t i = 0; i < into->member_count; i++)
        TARN_TRY(copy_member(&found->members[i], arena, &into->members[i], err));
    return TARN_OK;
}

static void find_lag(struct tarn_topics *topics, struct tarn_topic_group_offset *row)
{
    int64_t start, end;
    row->end_offset = row->lag = -1;
    if (tarn_embedded_watermarks(topics, row->topic, row->partition, &start, &end, NULL) != TARN_OK)
        return;
    row->end_offset = end;
    if (row->committed >= 0)
        row->lag = end > row->committed ? end - row->committed : 0;
}

enum tarn_status tarn_embedded_group_describe(struct tarn_topics *topics, const char *group,
                                              struct tarn_arena *arena,
                                              struct tarn_topic_group_info *ret_info,
                                              struct tarn_error *err)
{
    struct tarn_topic_group_info info = {
        .group = {.name = tarn_arena_strdup(arena, group), .protocol_type = ""}, .assignor = ""};
    struct tarn_topic_offset *committed = NULL;
    size_t count;
    TARN_TRY(describe_members(topics, group, arena, &info, err));
    TARN_TRY(all_committed(topics, group, arena, &committed, &count, err));
    if (strcmp(info.group.state, "Dead") == 0 && count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no group '%s'; `tarn groups` lists them",
                         group);
    tarn_topic_group_join(&info, committed, count, arena);
    for (size_t i = 0; i < info.offset_count; i++)
        find_lag(topics, &info.offsets[i]);
    *ret_info = info;
    return TARN_OK;
}

/* ---- changing ---- */

enum tarn_status tarn_embedded_group_reset(struct tarn_topics *topics, const char *group,
                                           const struct tarn_topic_offset *offsets, size_t count,
                                           struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const struct tarn_embedded_member_id nobody = {
        .group = group, .generation = -1, .member_id = ""};
    struct tarn_topic_offset *numbers = tarn_arena_array(arena, count + 1, sizeof *numbers);
    if (count == 0)
        return TARN_OK;
    for (size_t i = 0; i < count; i++) {
        int64_t start, end;
        numbers[i] = offsets[i];
        if (offsets[i].offset >= 0)
            continue;
        TARN_TRY(tarn_embedded_watermarks(topics, offsets[i].topic, offsets[i].partition, &start,
                                          &end, err));
        numbers[i].offset = offsets[i].offset == TARN_OFFSET_BEGINNING ? start : end;
    }
    enum tarn_status status = tarn_embedded_commit(topics, &nobody, numbers, count, err);
    if (status == TARN_CONFLICT)
        return tarn_fail(
            err, TARN_CONFLICT,
            "setting the offsets of group '%s': the group has members; stop its consumers first",
            group);
    return status;
}

enum tarn_status tarn_embedded_group_delete(struct tarn_topics *topics, const char *group,
                                            struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_delete_groups_request request;
    struct tarn_text name = tarn_text_of(group);
    void *answer;
    tarn_delete_groups_request_init(&request);
    request.groups_names = &name;
    request.groups_names_count = 1;
    TARN_TRY(tarn_embedded_ask(topics, TARN_API_DELETE_GROUPS, DELETE_GROUPS_VERSION, &request,
                               arena, &answer, err));
    const struct tarn_delete_groups_response *response = answer;
    return tarn_embedded_fail(err, response->results[0].error_code, nothing, "deleting group '%s'",
                              group);
}
