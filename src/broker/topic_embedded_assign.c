/* broker/topic_embedded_assign.c -- what consumers of a group tell each other: subscriptions and
 * assignments (Kafka's ConsumerProtocol), and how a leader shares partitions out: "range" and
 * "roundrobin" with the same result as Kafka's own assignors, since a group's leader may be any
 * client. */
#include <string.h>

#include "broker/topic_embedded_reader_int.h"
#include "broker/topics/catalog.h"

enum { BLOB_VERSION = 1, BLOB_MAX_BYTES = 16 << 20 };

static struct tarn_text write_blob(const struct tarn_message *message, const void *from,
                                   struct tarn_arena *arena)
{
    __attribute__((cleanup(tarn_wire_writer_release))) struct tarn_wire_writer out;
    tarn_wire_writer_init(&out, BLOB_MAX_BYTES);
    tarn_wire_write_int16(&out, BLOB_VERSION);
    tarn_message_encode(message, &out, BLOB_VERSION, from);
    char *bytes = tarn_arena_alloc(arena, out.len + 1);
    tarn_wire_writer_copy(&out, bytes);
    return (struct tarn_text){bytes, out.len};
}

/* A version that is newer than ours begins like the newest one we know. */
static int16_t read_version(struct tarn_wire_reader *reader, const struct tarn_message *message)
{
    int16_t version = tarn_wire_read_int16(reader);
    return version > message->max_version ? message->max_version : version;
}

struct tarn_text tarn_subscription_encode(const char *const *topics, size_t count,
                                          struct tarn_arena *arena)
{
    struct tarn_consumer_protocol_subscription subscription;
    tarn_consumer_protocol_subscription_init(&subscription);
    subscription.topics = tarn_arena_array(arena, count + 1, sizeof *subscription.topics);
    subscription.topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        subscription.topics[i] = tarn_text_of(topics[i]);
    return write_blob(&tarn_consumer_protocol_subscription_message, &subscription, arena);
}

enum tarn_status tarn_assignment_decode(struct tarn_text bytes, struct tarn_arena *arena,
                                        struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                        struct tarn_error *err)
{
    const struct tarn_message *message = &tarn_consumer_protocol_assignment_message;
    struct tarn_consumer_protocol_assignment assignment;
    struct tarn_wire_reader reader;
    size_t count = 0;
    *ret_offsets = tarn_arena_array(arena, 1, sizeof **ret_offsets);
    *ret_count = 0;
    if (bytes.len == 0)
        return TARN_OK;
    tarn_wire_reader_init(&reader, bytes);
    int16_t version = read_version(&reader, message);
    TARN_TRY(tarn_message_decode(message, &reader, version, arena, &assignment, err));
    for (int32_t t = 0; t < assignment.assigned_partitions_count; t++)
        count += (size_t)assignment.assigned_partitions[t].partitions_count;
    struct tarn_topic_offset *offsets = tarn_arena_array(arena, count + 1, sizeof *offsets);
    count = 0;
    for (int32_t t = 0; t < assignment.assigned_partitions_count; t++)
        for (int32_t i = 0; i < assignment.assigned_partitions[t].partitions_count; i++)
            offsets[count++] = (struct tarn_topic_offset){
                .topic = tarn_arena_text(arena, assignment.assigned_partitions[t].topic),
                .partition = assignment.assigned_partitions[t].partitions[i],
                .offset = TARN_OFFSET_COMMITTED};
    *ret_offsets = offsets;
    *ret_count = count;
    return TARN_OK;
}

/* ---- the leader's work ---- */

struct member {
    struct tarn_text id, instance_id;
    struct tarn_consumer_protocol_subscription subscription;
    struct tarn_consumer_protocol_assignment_assigned_partition *assigned; /* one per topic */
};

struct topic {
    struct tarn_text name;
    int32_t partition_count;
};

struct sharing {
    struct tarn_arena *arena;
    struct member *members;
    size_t member_count;
    struct topic *topics; /* sorted by name */
    size_t topic_count;
};

static int compare(struct tarn_text a, struct tarn_text b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Static members by their instance id, so that they get the same after a restart. */
static int by_member(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    bool a_static = a->instance_id.len > 0, b_static = b->instance_id.len > 0;
    if (a_static != b_static)
        return a_static ? -1 : 1;
    return a_static ? compare(a->instance_id, b->instance_id) : compare(a->id, b->id);
}

static int by_topic(const void *left, const void *right)
{
    const struct topic *a = left, *b = right;
    return compare(a->name, b->name);
}

static bool wants(const struct member *member, struct tarn_text topic)
{
    for (int32_t i = 0; i < member->subscription.topics_count; i++)
        if (tarn_text_equal(member->subscription.topics[i], topic))
            return true;
    return false;
}

static void give(struct member *member, size_t topic, int32_t partition)
{
    struct tarn_consumer_protocol_assignment_assigned_partition *into = &member->assigned[topic];
    into->partitions[into->partitions_count++] = partition;
}

/* Per topic: neighbouring partitions to each member, the first ones get one more. */
static void share_ranges(struct sharing *sharing)
{
    for (size_t t = 0; t < sharing->topic_count; t++) {
        const struct topic *topic = &sharing->topics[t];
        int32_t takers = 0, at = 0, nth = 0;
        for (size_t m = 0; m < sharing->member_count; m++)
            takers += wants(&sharing->members[m], topic->name);
        for (size_t m = 0; m < sharing->member_count; m++) {
            if (!wants(&sharing->members[m], topic->name))
                continue;
            int32_t share =
                topic->partition_count / takers + (nth++ < topic->partition_count % takers ? 1 : 0);
            for (int32_t i = 0; i < share; i++)
                give(&sharing->members[m], t, at++);
        }
    }
}

/* All partitions of all topics in turn. */
static void share_in_turn(struct sharing *sharing)
{
    size_t turn = 0;
    for (size_t t = 0; t < sharing->topic_count; t++) {
        const struct topic *topic = &sharing->topics[t];
        for (int32_t p = 0; p < topic->partition_count; p++) {
            for (size_t tries = 0; tries < sharing->member_count; tries++) {
                struct member *member = &sharing->members[turn++ % sharing->member_count];
                if (!wants(member, topic->name))
                    continue;
                give(member, t, p);
                break;
            }
        }
    }
}

static enum tarn_status read_members(struct sharing *sharing,
                                     const struct tarn_join_group_response *joined,
                                     struct tarn_error *err)
{
    const struct tarn_message *message = &tarn_consumer_protocol_subscription_message;
    sharing->member_count = (size_t)joined->members_count;
    sharing->members =
        tarn_arena_array(sharing->arena, sharing->member_count + 1, sizeof *sharing->members);
    for (size_t i = 0; i < sharing->member_count; i++) {
        const struct tarn_join_group_response_member *from = &joined->members[i];
        struct member *into = &sharing->members[i];
        struct tarn_wire_reader reader;
        into->id = from->member_id;
        into->instance_id = from->group_instance_id;
        tarn_wire_reader_init(&reader, from->metadata);
        int16_t version = read_version(&reader, message);
        TARN_TRY(tarn_message_decode(message, &reader, version, sharing->arena, &into->subscription,
                                     err));
    }
    qsort(sharing->members, sharing->member_count, sizeof *sharing->members, by_member);
    return TARN_OK;
}

static void find_topics(struct tarn_broker *broker, void *context)
{
    struct sharing *sharing = context;
    for (size_t i = 0; i < sharing->topic_count; i++) {
        const struct tarn_topic *topic =
            tarn_catalog_find(tarn_broker_catalog(broker), sharing->topics[i].name);
        sharing->topics[i].partition_count = topic ? topic->partition_count : 0;
    }
}

static void collect_topics(struct sharing *sharing)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < sharing->member_count; i++)
        count += (size_t)sharing->members[i].subscription.topics_count;
    sharing->topics = tarn_arena_array(sharing->arena, count + 1, sizeof *sharing->topics);
    count = 0;
    for (size_t i = 0; i < sharing->member_count; i++)
        for (int32_t t = 0; t < sharing->members[i].subscription.topics_count; t++)
            sharing->topics[count++].name = sharing->members[i].subscription.topics[t];
    qsort(sharing->topics, count, sizeof *sharing->topics, by_topic);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || by_topic(&sharing->topics[kept - 1], &sharing->topics[i]) != 0)
            sharing->topics[kept++] = sharing->topics[i];
    sharing->topic_count = kept;
}

static void prepare_shares(struct sharing *sharing)
{
    for (size_t m = 0; m < sharing->member_count; m++) {
        struct member *member = &sharing->members[m];
        member->assigned =
            tarn_arena_array(sharing->arena, sharing->topic_count + 1, sizeof *member->assigned);
        for (size_t t = 0; t < sharing->topic_count; t++) {
            tarn_consumer_protocol_assignment_assigned_partition_init(&member->assigned[t]);
            member->assigned[t].topic = sharing->topics[t].name;
            member->assigned[t].partitions =
                tarn_arena_array(sharing->arena, (size_t)sharing->topics[t].partition_count + 1,
                                 sizeof *member->assigned[t].partitions);
            member->assigned[t].partitions_count = 0;
        }
    }
}

static struct tarn_text write_share(const struct sharing *sharing, struct member *member)
{
    struct tarn_consumer_protocol_assignment assignment;
    int32_t kept = 0;
    tarn_consumer_protocol_assignment_init(&assignment);
    for (size_t t = 0; t < sharing->topic_count; t++)
        if (member->assigned[t].partitions_count > 0)
            member->assigned[kept++] = member->assigned[t];
    assignment.assigned_partitions = member->assigned;
    assignment.assigned_partitions_count = kept;
    return write_blob(&tarn_consumer_protocol_assignment_message, &assignment, sharing->arena);
}

enum tarn_status tarn_assign_members(struct tarn_topics *topics,
                                     const struct tarn_join_group_response *joined,
                                     struct tarn_arena *arena, struct tarn_sync_group_request *into,
                                     struct tarn_error *err)
{
    struct sharing sharing = {.arena = arena};
    TARN_TRY(read_members(&sharing, joined, err));
    collect_topics(&sharing);
    TARN_TRY(tarn_embedded_call(topics, find_topics, &sharing, err));
    prepare_shares(&sharing);
    if (tarn_text_is(joined->protocol_name, "roundrobin"))
        share_in_turn(&sharing);
    else
        share_ranges(&sharing);
    into->assignments =
        tarn_arena_array(arena, sharing.member_count + 1, sizeof *into->assignments);
    into->assignments_count = (int32_t)sharing.member_count;
    for (size_t i = 0; i < sharing.member_count; i++) {
        tarn_sync_group_request_assignment_init(&into->assignments[i]);
        into->assignments[i].member_id = sharing.members[i].id;
        into->assignments[i].assignment = write_share(&sharing, &sharing.members[i]);
    }
    return TARN_OK;
}
