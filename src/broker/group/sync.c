/* broker/group/sync.c -- SyncGroup, Heartbeat, LeaveGroup, and what happens when a member is silent
 * for too long. */
#include "broker/group/group_int.h"
#include "broker/protocol/messages.h"

/* ---- session timeouts ---- */

/* A member that waits for the others cannot send heartbeats; a new one may still be gone. */
static bool is_excused(const struct tarn_member *member)
{
    return !member->is_new && (member->join || member->sync);
}

static void on_silence(struct tarn_timer *timer)
{
    struct tarn_member *member = TARN_TIMER_OWNER(timer, struct tarn_member, session);
    struct tarn_group *group = member->group;
    if (tarn_member_find_pending(group, member->id) == member) {
        tarn_member_remove_pending(member);
        tarn_group_maybe_complete_join(group);
        return;
    }
    if (is_excused(member))
        return;
    tarn_group_answer_join(member, TARN_KAFKA_UNKNOWN_MEMBER_ID, TARN_TEXT(""));
    tarn_member_remove(member);
    tarn_group_rebalance(group);
}

void tarn_member_expect(struct tarn_member *member, int32_t timeout_ms)
{
    tarn_world_start(&member->group->groups->world, &member->session, timeout_ms, on_silence);
}

/* ---- the sync phase ---- */

void tarn_group_answer_sync(struct tarn_member *member, enum tarn_kafka_error error)
{
    tarn_sync_answer *callback = member->sync;
    if (!callback)
        return;
    member->sync = NULL;
    struct tarn_sync_group_response response;
    tarn_sync_group_response_init(&response);
    response.error_code = (int16_t)error;
    if (error == TARN_KAFKA_NONE) {
        response.protocol_type = member->group->protocol_type;
        response.protocol_name = member->group->protocol;
        response.assignment = member->assignment.data ? member->assignment : TARN_TEXT("");
    }
    callback(member->sync_context, &response);
}

static bool owes_syncs(const struct tarn_group *group)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->owes_sync)
            return true;
    }
    return false;
}

/* Members that joined but never asked for their assignment are out. */
static void on_sync_timeout(struct tarn_timer *timer)
{
    struct tarn_group *group = TARN_TIMER_OWNER(timer, struct tarn_group, phase);
    if (!owes_syncs(group))
        return;
    for (size_t i = group->member_count; i-- > 0;) {
        if (group->members[i]->owes_sync)
            tarn_member_remove(group->members[i]);
    }
    tarn_group_prepare(group);
}

void tarn_group_expect_syncs(struct tarn_group *group)
{
    tarn_world_start(&group->groups->world, &group->phase, tarn_group_rebalance_timeout_ms(group),
                     on_sync_timeout);
}

static void settle_sync(struct tarn_member *member)
{
    struct tarn_group *group = member->group;
    member->owes_sync = false;
    if (group->state != TARN_GROUP_PREPARING && !owes_syncs(group))
        tarn_world_stop(&group->groups->world, &group->phase);
}

static struct tarn_text assignment_of(const struct tarn_sync_group_request *request,
                                      struct tarn_text member_id)
{
    for (int32_t i = 0; i < request->assignments_count; i++) {
        if (tarn_text_equal(request->assignments[i].member_id, member_id))
            return request->assignments[i].assignment;
    }
    return TARN_TEXT("");
}

/* The leader has assigned: everybody who waits gets its part. */
static void become_stable(struct tarn_group *group, const struct tarn_sync_group_request *request)
{
    for (size_t i = 0; i < group->member_count; i++) {
        struct tarn_member *member = group->members[i];
        tarn_own_again(&member->assignment, assignment_of(request, member->id));
    }
    tarn_group_enter(group, TARN_GROUP_STABLE);
    if (!tarn_group_save(group)) {
        group->state = TARN_GROUP_COMPLETING;
        for (size_t i = 0; i < group->member_count; i++)
            tarn_group_answer_sync(group->members[i], TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
        tarn_group_prepare(group);
        return;
    }
    tarn_group_watch_retention(group);
    for (size_t i = 0; i < group->member_count; i++) {
        struct tarn_member *member = group->members[i];
        if (!member->sync)
            continue;
        tarn_member_expect(member, member->session_timeout_ms);
        tarn_group_answer_sync(member, TARN_KAFKA_NONE);
    }
}

static bool differs(struct tarn_text said, struct tarn_text is)
{
    return said.data && !tarn_text_equal(said, is);
}

static enum tarn_kafka_error check_sync(const struct tarn_group *group,
                                        const struct tarn_sync_group_request *request)
{
    if (!group || group->state == TARN_GROUP_EMPTY)
        return TARN_KAFKA_UNKNOWN_MEMBER_ID;
    enum tarn_kafka_error error =
        tarn_member_check(group, request->member_id, request->group_instance_id);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (request->generation_id != group->generation)
        return TARN_KAFKA_ILLEGAL_GENERATION;
    if (differs(request->protocol_type, group->protocol_type) ||
        differs(request->protocol_name, group->protocol))
        return TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    /* Its part of a generation that the leader has assigned stays true until the next one. Kafka
     * says REBALANCE_IN_PROGRESS here; but its leaders learn of their own part only after the
     * assignment is replicated, when the others have long asked. Ours may be back with its next
     * join at once, as after a cooperative revocation, before a slower member has asked. */
    const struct tarn_member *member = tarn_member_find(group, request->member_id);
    return group->state == TARN_GROUP_PREPARING && !member->owes_sync
               ? TARN_KAFKA_REBALANCE_IN_PROGRESS
               : TARN_KAFKA_NONE;
}

void tarn_groups_sync(struct tarn_groups *groups, const struct tarn_sync_group_request *request,
                      tarn_sync_answer *callback, void *context)
{
    struct tarn_group *group = tarn_group_find(groups, request->group_id);
    enum tarn_kafka_error error =
        request->group_id.len == 0 ? TARN_KAFKA_INVALID_GROUP_ID : check_sync(group, request);
    if (error != TARN_KAFKA_NONE) {
        struct tarn_sync_group_response response;
        tarn_sync_group_response_init(&response);
        response.error_code = (int16_t)error;
        callback(context, &response);
        return;
    }
    struct tarn_member *member = tarn_member_find(group, request->member_id);
    settle_sync(member);
    /* One that asks twice has given up its first connection. */
    tarn_group_answer_sync(member, TARN_KAFKA_REBALANCE_IN_PROGRESS);
    member->sync = callback;
    member->sync_context = context;
    if (group->state != TARN_GROUP_COMPLETING)
        tarn_group_answer_sync(member, TARN_KAFKA_NONE);
    else if (member == group->leader)
        become_stable(group, request);
}

/* ---- heartbeats ---- */

enum tarn_kafka_error tarn_groups_heartbeat(struct tarn_groups *groups,
                                            const struct tarn_heartbeat_request *request)
{
    if (request->group_id.len == 0)
        return TARN_KAFKA_INVALID_GROUP_ID;
    struct tarn_group *group = tarn_group_find(groups, request->group_id);
    if (!group)
        return TARN_KAFKA_UNKNOWN_MEMBER_ID;
    enum tarn_kafka_error error =
        tarn_member_check(group, request->member_id, request->group_instance_id);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (request->generation_id != group->generation)
        return TARN_KAFKA_ILLEGAL_GENERATION;
    struct tarn_member *member = tarn_member_find(group, request->member_id);
    tarn_member_expect(member, member->session_timeout_ms);
    return group->state == TARN_GROUP_PREPARING ? TARN_KAFKA_REBALANCE_IN_PROGRESS
                                                : TARN_KAFKA_NONE;
}

/* ---- leaving ---- */

static enum tarn_kafka_error leave(struct tarn_group *group, struct tarn_text member_id,
                                   struct tarn_text instance_id, bool *member_left)
{
    if (!group)
        return TARN_KAFKA_UNKNOWN_MEMBER_ID;
    struct tarn_member *pending = tarn_member_find_pending(group, member_id);
    if (member_id.len > 0 && pending) {
        tarn_member_remove_pending(pending);
        *member_left = true;
        return TARN_KAFKA_NONE;
    }
    struct tarn_member *member;
    if (member_id.len == 0) { /* an administrator removes a static member by its instance id */
        member = instance_id.data ? tarn_member_find_static(group, instance_id) : NULL;
        if (!member)
            return TARN_KAFKA_UNKNOWN_MEMBER_ID;
    } else {
        enum tarn_kafka_error error = tarn_member_check(group, member_id, instance_id);
        if (error != TARN_KAFKA_NONE)
            return error;
        member = tarn_member_find(group, member_id);
    }
    tarn_group_answer_join(member, TARN_KAFKA_UNKNOWN_MEMBER_ID, TARN_TEXT(""));
    tarn_group_answer_sync(member, TARN_KAFKA_UNKNOWN_MEMBER_ID);
    tarn_member_remove(member);
    *member_left = true;
    return TARN_KAFKA_NONE;
}

void tarn_groups_leave(struct tarn_groups *groups, const struct tarn_leave_group_request *request,
                       struct tarn_arena *arena, struct tarn_leave_group_response *ret_response)
{
    tarn_leave_group_response_init(ret_response);
    if (request->group_id.len == 0) {
        ret_response->error_code = TARN_KAFKA_INVALID_GROUP_ID;
        return;
    }
    struct tarn_leave_group_request_member single;
    tarn_leave_group_request_member_init(&single);
    single.member_id = request->member_id;
    bool batched = request->members_count > 0;
    const struct tarn_leave_group_request_member *leaving = batched ? request->members : &single;
    int32_t count = batched ? request->members_count : request->member_id.len > 0;
    struct tarn_group *group = tarn_group_find(groups, request->group_id);
    ret_response->members =
        tarn_arena_array(arena, (size_t)count + 1, sizeof *ret_response->members);
    ret_response->members_count = count;
    bool member_left = false;
    for (int32_t i = 0; i < count; i++) {
        tarn_leave_group_response_member_init(&ret_response->members[i]);
        ret_response->members[i].member_id = leaving[i].member_id;
        ret_response->members[i].group_instance_id = leaving[i].group_instance_id;
        ret_response->members[i].error_code =
            (int16_t)leave(group, leaving[i].member_id, leaving[i].group_instance_id, &member_left);
    }
    if (member_left && group->state != TARN_GROUP_EMPTY)
        tarn_group_rebalance(group);
}
