/* broker/group/join.c -- JoinGroup, and the join phase of a rebalance.
 *
 * PreparingRebalance parks joins until every member has asked to join again, or the largest
 * rebalance timeout of the members is over; dynamic members who have not come are then out. The
 * new generation's leader gets everybody's metadata, the others only learn who leads. */
#include "base/hash.h"
#include "broker/group/group_int.h"
#include "broker/protocol/messages.h"

/* ---- answers ---- */

/* Answers a parked join; without one it does nothing. */
static void answer(struct tarn_member *member, const struct tarn_join_group_response *response)
{
    tarn_join_answer *callback = member->join;
    if (!callback)
        return;
    member->join = NULL;
    callback(member->join_context, response);
}

static void answer_error(tarn_join_answer *callback, void *context, enum tarn_kafka_error error,
                         struct tarn_text member_id)
{
    struct tarn_join_group_response response;
    tarn_join_group_response_init(&response);
    response.error_code = (int16_t)error;
    response.member_id = member_id;
    callback(context, &response);
}

void tarn_group_answer_join(struct tarn_member *member, enum tarn_kafka_error error,
                            struct tarn_text member_id)
{
    tarn_join_answer *callback = member->join;
    member->join = NULL;
    if (callback)
        answer_error(callback, member->join_context, error, member_id);
}

static void describe_generation(const struct tarn_member *member,
                                struct tarn_join_group_response *ret_response)
{
    const struct tarn_group *group = member->group;
    tarn_join_group_response_init(ret_response);
    ret_response->generation_id = group->generation;
    ret_response->protocol_type = group->protocol_type;
    ret_response->protocol_name = group->protocol;
    ret_response->leader = group->leader ? group->leader->id : TARN_TEXT("");
    ret_response->member_id = member->id;
}

/* What every member sent for the chosen protocol; for the leader's eyes. */
static void list_members(const struct tarn_group *group, struct tarn_arena *arena,
                         struct tarn_join_group_response *response)
{
    response->members = tarn_arena_array(arena, group->member_count, sizeof *response->members);
    response->members_count = (int32_t)group->member_count;
    for (size_t i = 0; i < group->member_count; i++) {
        tarn_join_group_response_member_init(&response->members[i]);
        response->members[i].member_id = group->members[i]->id;
        response->members[i].group_instance_id = group->members[i]->instance_id;
        response->members[i].metadata = tarn_member_metadata(group->members[i], group->protocol);
    }
}

static void answer_generation(struct tarn_member *member)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_join_group_response response;
    describe_generation(member, &response);
    if (member == member->group->leader)
        list_members(member->group, arena, &response);
    answer(member, &response);
}

/* ---- the join phase ---- */

static void remove_absent_members(struct tarn_group *group)
{
    for (size_t i = group->member_count; i-- > 0;) {
        if (!group->members[i]->join && !group->members[i]->instance_id.data)
            tarn_member_remove(group->members[i]);
    }
}

/* The leader has to be somebody who is here. False when nobody is. */
static bool elect(struct tarn_group *group)
{
    if (group->leader && group->leader->join)
        return true;
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->join) {
            group->leader = group->members[i];
            return true;
        }
    }
    return false;
}

static void become_empty(struct tarn_group *group)
{
    tarn_disown(&group->protocol);
    tarn_group_learn_topics(group);
    tarn_group_enter(group, TARN_GROUP_EMPTY);
    (void)tarn_group_save(group); /* memory is right; the log line says the rest */
    tarn_world_stop(&group->groups->world, &group->retention);
    tarn_group_watch_retention(group);
}

static void on_join_timeout(struct tarn_timer *timer);

static void complete_join(struct tarn_group *group)
{
    const struct tarn_world *world = &group->groups->world;
    tarn_world_stop(world, &group->phase);
    group->gathers = false;
    remove_absent_members(group);
    if (!elect(group) && group->member_count > 0) {
        /* Only static members that are away: they keep their places. */
        tarn_world_start(world, &group->phase, tarn_group_rebalance_timeout_ms(group),
                         on_join_timeout);
        return;
    }
    group->generation++;
    if (group->member_count == 0) {
        become_empty(group);
        return;
    }
    tarn_own_again(&group->protocol, tarn_group_vote(group));
    tarn_group_learn_topics(group);
    tarn_group_enter(group, TARN_GROUP_COMPLETING);
    for (size_t i = 0; i < group->member_count; i++) {
        struct tarn_member *member = group->members[i];
        member->is_new = false;
        member->owes_sync = true;
        tarn_member_expect(member, member->session_timeout_ms);
    }
    tarn_group_expect_syncs(group);
    for (size_t i = 0; i < group->member_count; i++)
        answer_generation(group->members[i]);
}

static void on_join_timeout(struct tarn_timer *timer)
{
    complete_join(TARN_TIMER_OWNER(timer, struct tarn_group, phase));
}

void tarn_group_maybe_complete_join(struct tarn_group *group)
{
    if (group->state == TARN_GROUP_PREPARING && !group->gathers && tarn_group_all_joined(group))
        complete_join(group);
}

static void on_gathered(struct tarn_timer *timer)
{
    struct tarn_group *group = TARN_TIMER_OWNER(timer, struct tarn_group, phase);
    int64_t waited_ms = tarn_world_now_ms(&group->groups->world) - group->state_ms;
    if (!group->newcomer || waited_ms >= tarn_group_rebalance_timeout_ms(group)) {
        complete_join(group);
        return;
    }
    group->newcomer = false;
    tarn_world_start(&group->groups->world, &group->phase, group->groups->options.initial_delay_ms,
                     on_gathered);
}

/* Syncs that are parked belong to a generation that is over. Where the leader had assigned already,
 * those who have not asked yet may still do so (tarn_groups_sync). */
static void dismiss_syncs(struct tarn_group *group)
{
    for (size_t i = 0; i < group->member_count; i++) {
        struct tarn_member *member = group->members[i];
        if (group->state == TARN_GROUP_COMPLETING) {
            member->owes_sync = false;
            tarn_disown(&member->assignment);
        }
        tarn_group_answer_sync(member, TARN_KAFKA_REBALANCE_IN_PROGRESS);
    }
}

void tarn_group_prepare(struct tarn_group *group)
{
    const struct tarn_world *world = &group->groups->world;
    tarn_world_stop(world, &group->phase);
    dismiss_syncs(group);
    int32_t delay_ms = group->groups->options.initial_delay_ms;
    group->gathers = group->state == TARN_GROUP_EMPTY && delay_ms > 0;
    group->newcomer = false;
    tarn_group_enter(group, TARN_GROUP_PREPARING);
    if (group->gathers)
        tarn_world_start(world, &group->phase, delay_ms, on_gathered);
    else if (tarn_group_all_joined(group))
        complete_join(group);
    else
        tarn_world_start(world, &group->phase, tarn_group_rebalance_timeout_ms(group),
                         on_join_timeout);
}

void tarn_group_rebalance(struct tarn_group *group)
{
    if (group->state == TARN_GROUP_PREPARING)
        tarn_group_maybe_complete_join(group);
    else
        tarn_group_prepare(group);
}

/* ---- joining ---- */

/* One JoinGroup as it is passed down here. */
struct join {
    struct tarn_groups *groups;
    const struct tarn_group_client *client;
    const struct tarn_join_group_request *request;
    const struct tarn_group_protocol *protocols;
    size_t protocol_count;
    tarn_join_answer *answer;
    void *context;
};

static void refuse(const struct join *join, enum tarn_kafka_error error, struct tarn_text member_id)
{
    answer_error(join->answer, join->context, error, member_id);
}

/* The member is as the request says from now on, and its join is parked. A join that was parked
 * before is of a connection that the client has given up. */
static void update_member(struct tarn_member *member, const struct join *join)
{
    const struct tarn_join_group_request *request = join->request;
    tarn_member_set_protocols(member, join->protocols, join->protocol_count);
    member->rebalance_timeout_ms = request->rebalance_timeout_ms >= 0
                                       ? request->rebalance_timeout_ms
                                       : request->session_timeout_ms; /* version 0 */
    member->session_timeout_ms = request->session_timeout_ms;
    tarn_own_again(&member->client_id,
                   join->client->client_id.data ? join->client->client_id : TARN_TEXT(""));
    tarn_own_again(&member->client_host, tarn_text_of(join->client->host));
    tarn_group_answer_join(member, TARN_KAFKA_UNKNOWN_MEMBER_ID, TARN_TEXT(""));
    member->owes_sync = false; /* it has given up the generation that it was in */
    member->join = join->answer;
    member->join_context = join->context;
}

static void update_and_rebalance(struct tarn_member *member, const struct join *join)
{
    update_member(member, join);
    tarn_group_rebalance(member->group);
}

static void add_member(struct tarn_group *group, struct tarn_text id, const struct join *join)
{
    struct tarn_member *member = tarn_member_new(group, id);
    member->instance_id = tarn_own(join->request->group_instance_id);
    member->is_new = true;
    update_member(member, join);
    if (group->member_count == 0)
        tarn_own_again(&group->protocol_type, join->request->protocol_type);
    struct tarn_member *pending = tarn_member_find_pending(group, id);
    tarn_member_add(group, member);
    group->newcomer = true;
    if (pending)
        tarn_member_remove_pending(pending); /* `id` may be its text: not used any more */
    tarn_member_expect(member, group->groups->options.new_member_timeout_ms);
    tarn_group_rebalance(group);
}

/* A static member is back under a new id while the group is stable: nothing changes for the others,
 * so it gets its old place and assignment without a rebalance. */
static void answer_replacement(struct tarn_member *member, const struct join *join,
                               struct tarn_text old_leader)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_join_group_response response;
    describe_generation(member, &response);
    bool leads = member == member->group->leader;
    if (join->client->api_version >= 9) {
        if (leads)
            list_members(member->group, arena, &response);
        response.skip_assignment = leads;
    } else {
        /* Old clients would take an assignment of their own making for the group's when they
         * learn that they lead: they are told of the leader that was. */
        response.leader = old_leader;
    }
    answer(member, &response);
}

static void replace_static_member(struct tarn_member *member, struct tarn_text new_id,
                                  const struct join *join)
{
    struct tarn_group *group = member->group;
    tarn_group_answer_join(member, TARN_KAFKA_FENCED_INSTANCE_ID, member->id);
    tarn_group_answer_sync(member, TARN_KAFKA_FENCED_INSTANCE_ID);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_text old_leader =
        tarn_text_of(tarn_arena_strndup(arena, group->leader->id.data, group->leader->id.len));
    tarn_own_again(&member->id, new_id);
    update_member(member, join);
    tarn_member_expect(member, member->session_timeout_ms);
    if (group->state == TARN_GROUP_STABLE &&
        tarn_text_equal(tarn_group_vote(group), group->protocol)) {
        tarn_group_learn_topics(group);
        if (tarn_group_save(group))
            answer_replacement(member, join, old_leader);
        else
            tarn_group_answer_join(member, TARN_KAFKA_COORDINATOR_NOT_AVAILABLE, TARN_TEXT(""));
        return;
    }
    /* In CompletingRebalance the leader may be assigning to the old id right now: start over. */
    tarn_group_rebalance(group);
}

static struct tarn_text new_member_id(const struct join *join, struct tarn_arena *arena)
{
    char uuid[TARN_UUID_BYTES];
    struct tarn_text prefix = join->request->group_instance_id.data
                                  ? join->request->group_instance_id
                                  : join->client->client_id;
    return tarn_text_of(
        tarn_arena_format(arena, "%.*s-%s", TARN_TEXT_ARGS(prefix), tarn_uuid(uuid)));
}

static void join_unknown(struct tarn_group *group, const struct join *join)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_text id = new_member_id(join, arena);
    struct tarn_text instance_id = join->request->group_instance_id;
    struct tarn_member *known =
        instance_id.data ? tarn_member_find_static(group, instance_id) : NULL;
    if (known) {
        replace_static_member(known, id, join);
    } else if (!instance_id.data && join->client->api_version >= 4) {
        /* It has to come back with the id, so that members who time out in their first join do not
         * fill the group (KIP-394). */
        struct tarn_member *pending = tarn_member_new(group, id);
        tarn_member_add_pending(group, pending);
        group->newcomer = true;
        tarn_member_expect(pending, join->request->session_timeout_ms);
        refuse(join, TARN_KAFKA_MEMBER_ID_REQUIRED, id);
    } else {
        add_member(group, id, join);
    }
}

static bool same_protocols(const struct tarn_member *member, const struct join *join)
{
    if (member->protocol_count != join->protocol_count)
        return false;
    for (size_t i = 0; i < join->protocol_count; i++) {
        if (!tarn_text_equal(member->protocols[i].name, join->protocols[i].name) ||
            !tarn_text_equal(member->protocols[i].metadata, join->protocols[i].metadata))
            return false;
    }
    return true;
}

/* Nothing changed for it, probably its first answer got lost: tell it again. */
static void tell_generation(struct tarn_member *member, const struct join *join)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_join_group_response response;
    describe_generation(member, &response);
    if (member->group->state == TARN_GROUP_COMPLETING && member == member->group->leader)
        list_members(member->group, arena, &response);
    join->answer(join->context, &response);
}

static void join_known(struct tarn_group *group, const struct join *join)
{
    struct tarn_text id = join->request->member_id;
    if (tarn_member_find_pending(group, id)) {
        if (join->request->group_instance_id.data)
            refuse(join, TARN_KAFKA_UNKNOWN_SERVER_ERROR, id); /* as Kafka: no such client */
        else
            add_member(group, id, join);
        return;
    }
    enum tarn_kafka_error error = tarn_member_check(group, id, join->request->group_instance_id);
    if (error != TARN_KAFKA_NONE) {
        refuse(join, error, id);
        return;
    }
    struct tarn_member *member = tarn_member_find(group, id);
    bool unchanged = same_protocols(member, join);
    if (group->state == TARN_GROUP_EMPTY)
        refuse(join, TARN_KAFKA_UNKNOWN_MEMBER_ID, id);
    else if (group->state == TARN_GROUP_COMPLETING && unchanged)
        tell_generation(member, join);
    else if (group->state == TARN_GROUP_STABLE && unchanged && member != group->leader)
        tell_generation(member, join);
    else
        update_and_rebalance(member, join);
}

/* Whether the group has room. While it rebalances, those who are back count: so the last to come
 * are left out when the limit was lowered. */
static bool has_room(const struct tarn_group *group, struct tarn_text member_id)
{
    const struct tarn_member *member = tarn_member_find(group, member_id);
    size_t limit = (size_t)group->groups->options.max_size;
    if (group->state == TARN_GROUP_EMPTY)
        return true;
    if (group->state != TARN_GROUP_PREPARING)
        return member || group->member_count < limit;
    size_t joined = 0;
    for (size_t i = 0; i < group->member_count; i++)
        joined += group->members[i]->join != NULL;
    return (member && member->join) || joined < limit;
}

static void join_group(struct tarn_group *group, const struct join *join)
{
    const struct tarn_join_group_request *request = join->request;
    bool unknown = request->member_id.len == 0;
    if (!has_room(group, request->member_id)) {
        struct tarn_member *member = tarn_member_find(group, request->member_id);
        struct tarn_member *pending = tarn_member_find_pending(group, request->member_id);
        if (member)
            tarn_member_remove(member);
        if (pending)
            tarn_member_remove_pending(pending);
        refuse(join, TARN_KAFKA_GROUP_MAX_SIZE_REACHED, TARN_TEXT(""));
    } else if (!tarn_group_supports(group, request->protocol_type, join->protocols,
                                    join->protocol_count)) {
        refuse(join, TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL, request->member_id);
    } else if (unknown) {
        join_unknown(group, join);
    } else {
        join_known(group, join);
    }
}

void tarn_groups_join(struct tarn_groups *groups, const struct tarn_group_client *client,
                      const struct tarn_join_group_request *request, tarn_join_answer *callback,
                      void *context)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    size_t count = request->protocols_count > 0 ? (size_t)request->protocols_count : 0;
    struct tarn_group_protocol *protocols = tarn_arena_array(arena, count + 1, sizeof *protocols);
    for (size_t i = 0; i < count; i++)
        protocols[i] = (struct tarn_group_protocol){request->protocols[i].name,
                                                    request->protocols[i].metadata};
    struct join join = {groups, client, request, protocols, count, callback, context};
    if (request->group_id.len == 0 || request->group_id.len > TARN_GROUP_ID_MAX_BYTES) {
        refuse(&join, TARN_KAFKA_INVALID_GROUP_ID, request->member_id);
        return;
    }
    if (request->session_timeout_ms < groups->options.session_timeout_min_ms ||
        request->session_timeout_ms > groups->options.session_timeout_max_ms) {
        refuse(&join, TARN_KAFKA_INVALID_SESSION_TIMEOUT, request->member_id);
        return;
    }
    struct tarn_group *group = tarn_group_find(groups, request->group_id);
    if (!group && request->member_id.len > 0) {
        refuse(&join, TARN_KAFKA_UNKNOWN_MEMBER_ID, request->member_id);
        return;
    }
    if (!group) {
        group = tarn_group_add(groups, request->group_id);
        tarn_group_watch_retention(group); /* it goes again if nothing comes of it */
    }
    join_group(group, &join);
}
