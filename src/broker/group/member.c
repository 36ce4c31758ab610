/* broker/group/member.c -- the members of a group: who they are, what they vote for, who leads. */
#include "broker/group/group_int.h"
#include "broker/protocol/wire.h"

struct tarn_text tarn_own(struct tarn_text text)
{
    if (!text.data)
        return text;
    return (struct tarn_text){tarn_strndup(text.data, text.len), text.len};
}

void tarn_disown(struct tarn_text *text)
{
    free((char *)text->data);
    *text = (struct tarn_text){0};
}

void tarn_own_again(struct tarn_text *text, struct tarn_text value)
{
    struct tarn_text copy = tarn_own(value); /* first: value may point into text */
    tarn_disown(text);
    *text = copy;
}

struct tarn_member *tarn_member_new(struct tarn_group *group, struct tarn_text id)
{
    struct tarn_member *member = tarn_alloc(sizeof *member);
    member->group = group;
    member->id = tarn_own(id);
    return member;
}

static void release_protocols(struct tarn_member *member)
{
    for (size_t i = 0; i < member->protocol_count; i++) {
        tarn_disown(&member->protocols[i].name);
        tarn_disown(&member->protocols[i].metadata);
    }
    free(member->protocols);
    member->protocols = NULL;
    member->protocol_count = 0;
}

void tarn_member_free(struct tarn_member *member)
{
    tarn_world_stop(&member->group->groups->world, &member->session);
    release_protocols(member);
    tarn_disown(&member->id);
    tarn_disown(&member->instance_id);
    tarn_disown(&member->client_id);
    tarn_disown(&member->client_host);
    tarn_disown(&member->assignment);
    free(member);
}

struct tarn_member *tarn_member_find(const struct tarn_group *group, struct tarn_text id)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (tarn_text_equal(group->members[i]->id, id))
            return group->members[i];
    }
    return NULL;
}

struct tarn_member *tarn_member_find_static(const struct tarn_group *group,
                                            struct tarn_text instance_id)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->instance_id.data &&
            tarn_text_equal(group->members[i]->instance_id, instance_id))
            return group->members[i];
    }
    return NULL;
}

struct tarn_member *tarn_member_find_pending(const struct tarn_group *group, struct tarn_text id)
{
    for (size_t i = 0; i < group->pending_count; i++) {
        if (tarn_text_equal(group->pending[i]->id, id))
            return group->pending[i];
    }
    return NULL;
}

void tarn_member_add(struct tarn_group *group, struct tarn_member *member)
{
    TARN_RESERVE(group->members, group->member_capacity, group->member_count + 1);
    group->members[group->member_count++] = member;
    if (!group->leader)
        group->leader = member;
}

void tarn_member_add_pending(struct tarn_group *group, struct tarn_member *member)
{
    TARN_RESERVE(group->pending, group->pending_capacity, group->pending_count + 1);
    group->pending[group->pending_count++] = member;
}

static void take_out(struct tarn_member **members, size_t *count, const struct tarn_member *member)
{
    size_t at = 0;
    while (members[at] != member)
        at++;
    (*count)--;
    memmove(&members[at], &members[at + 1], (*count - at) * sizeof *members);
}

void tarn_member_remove(struct tarn_member *member)
{
    struct tarn_group *group = member->group;
    take_out(group->members, &group->member_count, member);
    if (group->leader == member)
        group->leader = group->member_count ? group->members[0] : NULL;
    tarn_member_free(member);
}

void tarn_member_remove_pending(struct tarn_member *member)
{
    take_out(member->group->pending, &member->group->pending_count, member);
    tarn_member_free(member);
}

enum tarn_kafka_error tarn_member_check(const struct tarn_group *group, struct tarn_text id,
                                        struct tarn_text instance_id)
{
    if (instance_id.data) {
        const struct tarn_member *known = tarn_member_find_static(group, instance_id);
        if (!known)
            return TARN_KAFKA_UNKNOWN_MEMBER_ID;
        return tarn_text_equal(known->id, id) ? TARN_KAFKA_NONE : TARN_KAFKA_FENCED_INSTANCE_ID;
    }
    return tarn_member_find(group, id) ? TARN_KAFKA_NONE : TARN_KAFKA_UNKNOWN_MEMBER_ID;
}

void tarn_member_set_protocols(struct tarn_member *member,
                               const struct tarn_group_protocol *protocols, size_t count)
{
    release_protocols(member);
    member->protocols = tarn_alloc_array(count, sizeof *member->protocols);
    member->protocol_count = count;
    for (size_t i = 0; i < count; i++) {
        member->protocols[i].name = tarn_own(protocols[i].name);
        member->protocols[i].metadata = tarn_own(protocols[i].metadata);
    }
}

static const struct tarn_group_protocol *find_protocol(const struct tarn_member *member,
                                                       struct tarn_text name)
{
    for (size_t i = 0; i < member->protocol_count; i++) {
        if (tarn_text_equal(member->protocols[i].name, name))
            return &member->protocols[i];
    }
    return NULL;
}

struct tarn_text tarn_member_metadata(const struct tarn_member *member, struct tarn_text protocol)
{
    const struct tarn_group_protocol *found = find_protocol(member, protocol);
    return found ? found->metadata : (struct tarn_text){0};
}

static bool all_know(const struct tarn_group *group, struct tarn_text protocol)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (!find_protocol(group->members[i], protocol))
            return false;
    }
    return true;
}

bool tarn_group_supports(const struct tarn_group *group, struct tarn_text type,
                         const struct tarn_group_protocol *protocols, size_t count)
{
    if (group->state == TARN_GROUP_EMPTY)
        return type.len > 0 && count > 0;
    if (!tarn_text_equal(group->protocol_type, type))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (all_know(group, protocols[i].name))
            return true;
    }
    return false;
}

/* Members vote for the first of their protocols that everybody knows; between equals, the one that
 * was voted for first. */
struct tarn_text tarn_group_vote(const struct tarn_group *group)
{
    struct tarn_text best = {0};
    size_t best_votes = 0;
    for (size_t i = 0; i < group->members[0]->protocol_count; i++) {
        struct tarn_text candidate = group->members[0]->protocols[i].name;
        if (!all_know(group, candidate))
            continue;
        size_t votes = 0;
        for (size_t m = 0; m < group->member_count; m++) {
            const struct tarn_member *member = group->members[m];
            size_t first = 0;
            while (!all_know(group, member->protocols[first].name))
                first++;
            votes += tarn_text_equal(member->protocols[first].name, candidate);
        }
        if (votes > best_votes) {
            best_votes = votes;
            best = candidate;
        }
    }
    return best;
}

bool tarn_group_all_joined(const struct tarn_group *group)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (!group->members[i]->join)
            return false;
    }
    return group->pending_count == 0;
}

int32_t tarn_group_rebalance_timeout_ms(const struct tarn_group *group)
{
    int32_t longest = 0;
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->rebalance_timeout_ms > longest)
            longest = group->members[i]->rebalance_timeout_ms;
    }
    return longest;
}

bool tarn_group_is_consumer(const struct tarn_group *group)
{
    return group->protocol_type.data && tarn_text_is(group->protocol_type, "consumer");
}

/* ---- subscriptions ---- */

void tarn_group_forget_topics(struct tarn_group *group)
{
    for (size_t i = 0; i < group->topic_count; i++)
        tarn_disown(&group->topics[i]);
    free(group->topics);
    group->topics = NULL;
    group->topic_count = 0;
    group->topics_known = false;
}

static bool has_topic(const struct tarn_group *group, struct tarn_text topic)
{
    for (size_t i = 0; i < group->topic_count; i++) {
        if (tarn_text_equal(group->topics[i], topic))
            return true;
    }
    return false;
}

/* All versions of a subscription begin alike: version, topics. False when it is something else. */
static bool learn_from(struct tarn_group *group, size_t *capacity, struct tarn_text metadata)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, metadata);
    int16_t version = tarn_wire_read_int16(&reader);
    int32_t count = tarn_wire_read_count(&reader, 2);
    for (int32_t i = 0; i < count; i++) {
        struct tarn_text topic = tarn_wire_read_string(&reader);
        if (reader.fault || !topic.data)
            return false;
        if (has_topic(group, topic))
            continue;
        TARN_RESERVE(group->topics, *capacity, group->topic_count + 1);
        group->topics[group->topic_count++] = tarn_own(topic);
    }
    return version >= 0 && !reader.fault && count >= 0;
}

void tarn_group_learn_topics(struct tarn_group *group)
{
    tarn_group_forget_topics(group);
    if (!tarn_group_is_consumer(group) || (group->member_count > 0 && !group->protocol.data))
        return;
    size_t capacity = 0;
    for (size_t i = 0; i < group->member_count; i++) {
        struct tarn_text metadata = tarn_member_metadata(group->members[i], group->protocol);
        if (!learn_from(group, &capacity, metadata)) {
            tarn_group_forget_topics(group);
            return;
        }
    }
    group->topics_known = true;
}

bool tarn_group_subscribes(const struct tarn_group *group, struct tarn_text topic)
{
    if (!group->topics_known)
        return tarn_group_is_consumer(group);
    return has_topic(group, topic);
}
