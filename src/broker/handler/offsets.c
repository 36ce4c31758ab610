/* broker/handler/offsets.c -- OffsetCommit, OffsetFetch, OffsetDelete. */
#include "broker/broker.h"
#include "broker/group/group.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/handler/offset_entries.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"
#include "broker/topics/catalog.h"

static bool may_group(struct tarn_request *request, enum tarn_acl_operation operation,
                      struct tarn_text group_id)
{
    return tarn_request_may(request, operation, TARN_RESOURCE_GROUP, group_id);
}

enum tarn_kafka_error tarn_check_offset_entry(struct tarn_request *request, struct tarn_text topic,
                                              int32_t partition)
{
    if (!tarn_request_may(request, TARN_ACL_READ, TARN_RESOURCE_TOPIC, topic))
        return TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    const struct tarn_topic *known = tarn_catalog_find(tarn_broker_catalog(request->broker), topic);
    return tarn_topic_partition(known, partition) ? TARN_KAFKA_NONE
                                                  : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

void tarn_fail_offset_entries(struct tarn_offset_entry *entries, size_t count,
                              enum tarn_kafka_error error)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error == TARN_KAFKA_NONE)
            entries[i].error = error;
    }
}

/* ---- OffsetCommit ---- */

static size_t read_commit(struct tarn_request *request, struct tarn_offset_entry **ret_entries)
{
    const struct tarn_offset_commit_request *body = request->body;
    size_t count = 0;
    for (int32_t t = 0; t < body->topics_count; t++)
        count += (size_t)body->topics[t].partitions_count;
    struct tarn_offset_entry *entries =
        tarn_arena_array(request->arena, count + 1, sizeof *entries);
    size_t at = 0;
    for (int32_t t = 0; t < body->topics_count; t++) {
        const struct tarn_offset_commit_request_topic *topic = &body->topics[t];
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct tarn_offset_commit_request_partition *partition = &topic->partitions[i];
            entries[at++] = (struct tarn_offset_entry){
                .topic = topic->name,
                .partition = partition->partition_index,
                .offset = partition->committed_offset,
                .leader_epoch = partition->committed_leader_epoch,
                .metadata = partition->committed_metadata,
                .commit_ms = -1,
                .error = tarn_check_offset_entry(request, topic->name, partition->partition_index),
            };
        }
    }
    *ret_entries = entries;
    return count;
}

static struct tarn_offset_commit_response *write_commit(struct tarn_request *request,
                                                        const struct tarn_offset_entry *entries)
{
    const struct tarn_offset_commit_request *body = request->body;
    struct tarn_offset_commit_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_offset_commit_response_init(response);
    response->topics_count = body->topics_count > 0 ? body->topics_count : 0;
    response->topics = tarn_arena_array(request->arena, (size_t)response->topics_count + 1,
                                        sizeof *response->topics);
    for (int32_t t = 0; t < response->topics_count; t++) {
        struct tarn_offset_commit_response_topic *topic = &response->topics[t];
        tarn_offset_commit_response_topic_init(topic);
        topic->name = body->topics[t].name;
        topic->partitions_count = body->topics[t].partitions_count;
        topic->partitions = tarn_arena_array(request->arena, (size_t)topic->partitions_count + 1,
                                             sizeof *topic->partitions);
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            topic->partitions[i].partition_index = entries->partition;
            topic->partitions[i].error_code = (int16_t)entries->error;
            entries++;
        }
    }
    return response;
}

void tarn_handle_offset_commit(struct tarn_request *request)
{
    const struct tarn_offset_commit_request *body = request->body;
    struct tarn_offset_entry *entries;
    size_t count = read_commit(request, &entries);
    uint64_t position = 0;
    enum tarn_kafka_error error = TARN_KAFKA_NONE;
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        good += entries[i].error == TARN_KAFKA_NONE;
    if (!may_group(request, TARN_ACL_READ, body->group_id)) {
        for (size_t i = 0; i < count; i++)
            entries[i].error = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    } else if (good > 0 || count == 0) {
        struct tarn_group_commit commit = {
            .group_id = body->group_id,
            .member_id = body->member_id,
            .instance_id = body->group_instance_id,
            .generation_id = body->generation_id_or_member_epoch,
            .api_version = request->api_version,
        };
        error = tarn_groups_commit(tarn_broker_groups(request->broker), &commit, entries, count,
                                   &position);
    }
    if (error != TARN_KAFKA_NONE)
        tarn_fail_offset_entries(entries, count, error);
    tarn_request_reply_at(request, position, write_commit(request, entries));
}

/* ---- OffsetFetch ---- */

/* The answer of one group in the form of version 8; older versions take it apart. */
typedef struct tarn_offset_fetch_response_group group_answer;
typedef struct tarn_offset_fetch_response_group_topic topic_answer;
typedef struct tarn_offset_fetch_response_group_partition partition_answer;

static void show_offset(partition_answer *shown, const struct tarn_offset_entry *entry)
{
    tarn_offset_fetch_response_group_partition_init(shown);
    shown->partition_index = entry->partition;
    shown->committed_offset = entry->offset;
    shown->committed_leader_epoch = entry->leader_epoch;
    shown->metadata = entry->metadata;
    shown->error_code = (int16_t)entry->error;
}

static bool may_topic(struct tarn_request *request, struct tarn_text topic)
{
    return tarn_request_may(request, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, topic);
}

static void fetch_all(struct tarn_request *request, bool require_stable, group_answer *answer)
{
    struct tarn_offset_entry *entries;
    size_t count = tarn_groups_fetch_all(tarn_broker_groups(request->broker), answer->group_id,
                                         require_stable, request->arena, &entries);
    answer->topics = tarn_arena_array(request->arena, count + 1, sizeof *answer->topics);
    answer->topics_count = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && tarn_text_equal(entries[end].topic, entries[i].topic))
            end++;
        if (may_topic(request, entries[i].topic)) {
            topic_answer *topic = &answer->topics[answer->topics_count++];
            tarn_offset_fetch_response_group_topic_init(topic);
            topic->name = entries[i].topic;
            topic->partitions =
                tarn_arena_array(request->arena, end - i, sizeof *topic->partitions);
            topic->partitions_count = (int32_t)(end - i);
            for (size_t p = i; p < end; p++)
                show_offset(&topic->partitions[p - i], &entries[p]);
        }
        i = end;
    }
}

static void fetch_topic(struct tarn_request *request, struct tarn_text group_id,
                        struct tarn_text name, const int32_t *partitions, int32_t count,
                        bool require_stable, topic_answer *answer)
{
    bool allowed = may_topic(request, name);
    tarn_offset_fetch_response_group_topic_init(answer);
    answer->name = name;
    answer->partitions_count = count > 0 ? count : 0;
    answer->partitions = tarn_arena_array(request->arena, (size_t)answer->partitions_count + 1,
                                          sizeof *answer->partitions);
    for (int32_t i = 0; i < answer->partitions_count; i++) {
        struct tarn_offset_entry entry = {.partition = partitions[i],
                                          .offset = -1,
                                          .leader_epoch = -1,
                                          .metadata = TARN_TEXT(""),
                                          .error = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED};
        if (allowed)
            (void)tarn_groups_fetch(tarn_broker_groups(request->broker), group_id, name,
                                    partitions[i], require_stable, &entry); /* also in the entry */
        show_offset(&answer->partitions[i], &entry);
    }
}

static group_answer *new_answer(struct tarn_request *request, struct tarn_text group_id,
                                int32_t topic_count)
{
    group_answer *answer = tarn_arena_alloc(request->arena, sizeof *answer);
    tarn_offset_fetch_response_group_init(answer);
    answer->group_id = group_id;
    answer->topics_count = topic_count > 0 ? topic_count : 0;
    answer->topics =
        tarn_arena_array(request->arena, (size_t)answer->topics_count + 1, sizeof *answer->topics);
    return answer;
}

static void fetch_batch(struct tarn_request *request, struct tarn_offset_fetch_response *response)
{
    const struct tarn_offset_fetch_request *body = request->body;
    response->groups_count = body->groups_count > 0 ? body->groups_count : 0;
    response->groups = tarn_arena_array(request->arena, (size_t)response->groups_count + 1,
                                        sizeof *response->groups);
    for (int32_t g = 0; g < response->groups_count; g++) {
        const struct tarn_offset_fetch_request_group *group = &body->groups[g];
        group_answer *answer = new_answer(request, group->group_id, group->topics_count);
        if (!may_group(request, TARN_ACL_DESCRIBE, group->group_id)) {
            answer->topics_count = 0;
            answer->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
        } else if (group->topics_count < 0) {
            fetch_all(request, body->require_stable, answer);
        } else {
            for (int32_t t = 0; t < group->topics_count; t++)
                fetch_topic(request, group->group_id, group->topics[t].name,
                            group->topics[t].partition_indexes,
                            group->topics[t].partition_indexes_count, body->require_stable,
                            &answer->topics[t]);
        }
        response->groups[g] = *answer;
    }
}

/* Versions 1 to 7 name one group; its topics stand in the response itself. */
static void write_single(struct tarn_request *request, const group_answer *answer,
                         struct tarn_offset_fetch_response *response)
{
    response->error_code = answer->error_code;
    response->topics_count = answer->topics_count;
    response->topics = tarn_arena_array(request->arena, (size_t)answer->topics_count + 1,
                                        sizeof *response->topics);
    for (int32_t t = 0; t < answer->topics_count; t++) {
        const topic_answer *from = &answer->topics[t];
        struct tarn_offset_fetch_response_topic *topic = &response->topics[t];
        tarn_offset_fetch_response_topic_init(topic);
        topic->name = from->name;
        topic->partitions_count = from->partitions_count;
        topic->partitions = tarn_arena_array(request->arena, (size_t)from->partitions_count + 1,
                                             sizeof *topic->partitions);
        for (int32_t i = 0; i < from->partitions_count; i++)
            topic->partitions[i] = (struct tarn_offset_fetch_response_partition){
                .partition_index = from->partitions[i].partition_index,
                .committed_offset = from->partitions[i].committed_offset,
                .committed_leader_epoch = from->partitions[i].committed_leader_epoch,
                .metadata = from->partitions[i].metadata,
                .error_code = from->partitions[i].error_code,
            };
    }
}

static void refuse_partitions(group_answer *answer, enum tarn_kafka_error error)
{
    for (int32_t t = 0; t < answer->topics_count; t++) {
        for (int32_t i = 0; i < answer->topics[t].partitions_count; i++)
            answer->topics[t].partitions[i].error_code = (int16_t)error;
    }
}

static void fetch_single(struct tarn_request *request, struct tarn_offset_fetch_response *response)
{
    const struct tarn_offset_fetch_request *body = request->body;
    group_answer *answer = new_answer(request, body->group_id, body->topics_count);
    bool allowed = may_group(request, TARN_ACL_DESCRIBE, body->group_id);
    if (!allowed && request->api_version >= 2) {
        answer->topics_count = 0;
        answer->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    } else if (body->topics_count < 0) {
        fetch_all(request, body->require_stable, answer);
    } else {
        for (int32_t t = 0; t < body->topics_count; t++)
            fetch_topic(request, allowed ? body->group_id : TARN_TEXT(""), body->topics[t].name,
                        body->topics[t].partition_indexes, body->topics[t].partition_indexes_count,
                        body->require_stable, &answer->topics[t]);
        if (!allowed) /* version 1 has no place for the group's error */
            refuse_partitions(answer, TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
    }
    write_single(request, answer, response);
}

void tarn_handle_offset_fetch(struct tarn_request *request)
{
    struct tarn_offset_fetch_response response;
    tarn_offset_fetch_response_init(&response);
    if (request->api_version >= 8)
        fetch_batch(request, &response);
    else
        fetch_single(request, &response);
    tarn_request_reply(request, &response);
}

/* ---- OffsetDelete ---- */

static size_t read_delete(struct tarn_request *request, struct tarn_offset_entry **ret_entries)
{
    const struct tarn_offset_delete_request *body = request->body;
    size_t count = 0;
    for (int32_t t = 0; t < body->topics_count; t++)
        count += (size_t)body->topics[t].partitions_count;
    *ret_entries = tarn_arena_array(request->arena, count + 1, sizeof **ret_entries);
    struct tarn_offset_entry *entry = *ret_entries;
    for (int32_t t = 0; t < body->topics_count; t++) {
        for (int32_t i = 0; i < body->topics[t].partitions_count; i++) {
            entry->topic = body->topics[t].name;
            entry->partition = body->topics[t].partitions[i].partition_index;
            entry->error = tarn_check_offset_entry(request, entry->topic, entry->partition);
            entry++;
        }
    }
    return count;
}

void tarn_handle_offset_delete(struct tarn_request *request)
{
    const struct tarn_offset_delete_request *body = request->body;
    struct tarn_offset_delete_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_offset_delete_response_init(response);
    uint64_t position = 0;
    struct tarn_offset_entry *entries;
    size_t count = read_delete(request, &entries);
    enum tarn_kafka_error error =
        may_group(request, TARN_ACL_DELETE, body->group_id)
            ? tarn_groups_delete_offsets(tarn_broker_groups(request->broker), body->group_id,
                                         entries, count, &position)
            : TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    response->error_code = (int16_t)error;
    response->topics_count =
        error == TARN_KAFKA_NONE && body->topics_count > 0 ? body->topics_count : 0;
    response->topics = tarn_arena_array(request->arena, (size_t)response->topics_count + 1,
                                        sizeof *response->topics);
    for (int32_t t = 0; t < response->topics_count; t++) {
        struct tarn_offset_delete_response_topic *topic = &response->topics[t];
        tarn_offset_delete_response_topic_init(topic);
        topic->name = body->topics[t].name;
        topic->partitions_count = body->topics[t].partitions_count;
        topic->partitions = tarn_arena_array(request->arena, (size_t)topic->partitions_count + 1,
                                             sizeof *topic->partitions);
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            topic->partitions[i].partition_index = entries->partition;
            topic->partitions[i].error_code = (int16_t)entries->error;
            entries++;
        }
    }
    tarn_request_reply_at(request, position, response);
}
