/* broker/group/groups.c -- all groups: opening, finding, listing, describing, deleting. */
#include <ctype.h>

#include "broker/group/group_int.h"
#include "broker/protocol/messages.h"

void tarn_group_options_init(struct tarn_group_options *options)
{
    *options = (struct tarn_group_options){
        .session_timeout_min_ms = 6000,
        .session_timeout_max_ms = 30 * 60 * 1000,
        .new_member_timeout_ms = 5 * 60 * 1000,
        .max_size = INT32_MAX,
        .initial_delay_ms = 15,
        .metadata_max_bytes = 4096,
        .offsets_retention_ms = 7LL * 24 * 3600 * 1000,
        .check_interval_ms = 10 * 60 * 1000,
    };
}

static const char *const state_names[] = {
    [TARN_GROUP_EMPTY] = "Empty",
    [TARN_GROUP_PREPARING] = "PreparingRebalance",
    [TARN_GROUP_COMPLETING] = "CompletingRebalance",
    [TARN_GROUP_STABLE] = "Stable",
};

const char *tarn_group_state_name(enum tarn_group_state state)
{
    return state_names[state];
}

struct tarn_group *tarn_group_find(struct tarn_groups *groups, struct tarn_text id)
{
    return tarn_text_map_get(&groups->map, id);
}

struct tarn_group *tarn_group_add(struct tarn_groups *groups, struct tarn_text id)
{
    struct tarn_group *group = tarn_alloc(sizeof *group);
    group->groups = groups;
    group->id = tarn_own(id.data ? id : TARN_TEXT(""));
    group->state_ms = tarn_world_now_ms(&groups->world);
    tarn_text_map_put(&groups->map, group->id, group);
    return group;
}

static void free_group(struct tarn_group *group)
{
    const struct tarn_world *world = &group->groups->world;
    tarn_world_stop(world, &group->phase);
    tarn_world_stop(world, &group->retention);
    for (size_t i = 0; i < group->member_count; i++) {
        tarn_group_answer_join(group->members[i], TARN_KAFKA_COORDINATOR_NOT_AVAILABLE,
                               group->members[i]->id);
        tarn_group_answer_sync(group->members[i], TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
        tarn_member_free(group->members[i]);
    }
    for (size_t i = 0; i < group->pending_count; i++)
        tarn_member_free(group->pending[i]);
    free(group->members);
    free(group->pending);
    tarn_group_forget_topics(group);
    tarn_offsets_release(group);
    tarn_disown(&group->protocol_type);
    tarn_disown(&group->protocol);
    tarn_disown(&group->id);
    free(group);
}

void tarn_group_remove(struct tarn_group *group)
{
    tarn_pending_drop(group, (struct tarn_text){0}, 0, NULL, NULL);
    tarn_text_map_remove(&group->groups->map, group->id);
    free_group(group);
}

void tarn_group_enter(struct tarn_group *group, enum tarn_group_state state)
{
    group->state = state;
    group->state_ms = tarn_world_now_ms(&group->groups->world);
}

enum tarn_status tarn_groups_open(const struct tarn_world *world,
                                  const struct tarn_group_options *options,
                                  struct tarn_groups **ret_groups, struct tarn_error *err)
{
    struct tarn_groups *groups = tarn_alloc(sizeof *groups);
    groups->world = *world;
    groups->options = *options;
    enum tarn_status status = tarn_groups_load(groups, err);
    if (status != TARN_OK) {
        tarn_groups_free(groups);
        return status;
    }
    size_t cursor = 0;
    for (struct tarn_group *group; (group = tarn_text_map_next(&groups->map, &cursor));) {
        for (size_t i = 0; i < group->member_count; i++)
            tarn_member_expect(group->members[i], group->members[i]->session_timeout_ms);
        tarn_group_learn_topics(group);
        tarn_group_watch_retention(group);
    }
    *ret_groups = groups;
    return TARN_OK;
}

void tarn_groups_free(struct tarn_groups *groups)
{
    if (!groups)
        return;
    tarn_pending_release(groups);
    size_t cursor = 0;
    for (struct tarn_group *group; (group = tarn_text_map_next(&groups->map, &cursor));) {
        tarn_text_map_remove(&groups->map, group->id);
        free_group(group);
    }
    tarn_text_map_release(&groups->map);
    free(groups);
}

/* ---- describing ---- */

static void describe_members(const struct tarn_group *group, struct tarn_arena *arena,
                             struct tarn_describe_groups_response_group *ret_group)
{
    bool stable = group->state == TARN_GROUP_STABLE;
    ret_group->members_count = (int32_t)group->member_count;
    ret_group->members =
        tarn_arena_array(arena, group->member_count + 1, sizeof *ret_group->members);
    for (size_t i = 0; i < group->member_count; i++) {
        const struct tarn_member *member = group->members[i];
        struct tarn_describe_groups_response_member *shown = &ret_group->members[i];
        tarn_describe_groups_response_member_init(shown);
        shown->member_id = member->id;
        shown->group_instance_id = member->instance_id;
        shown->client_id = member->client_id;
        shown->client_host = member->client_host;
        if (stable)
            shown->member_metadata = tarn_member_metadata(member, group->protocol);
        shown->member_assignment = member->assignment;
    }
}

void tarn_groups_describe(struct tarn_groups *groups, struct tarn_text group_id,
                          int16_t api_version, struct tarn_arena *arena,
                          struct tarn_describe_groups_response_group *ret_group)
{
    tarn_describe_groups_response_group_init(ret_group);
    ret_group->group_id = group_id;
    const struct tarn_group *group = tarn_group_find(groups, group_id);
    if (!group) {
        ret_group->group_state = TARN_TEXT("Dead");
        if (api_version >= 6) {
            ret_group->error_code = TARN_KAFKA_GROUP_ID_NOT_FOUND;
            ret_group->error_message = tarn_text_of(
                tarn_arena_format(arena, "Group %.*s not found.", TARN_TEXT_ARGS(group_id)));
        }
        return;
    }
    ret_group->group_state = tarn_text_of(tarn_group_state_name(group->state));
    ret_group->protocol_type = group->protocol_type.data ? group->protocol_type : TARN_TEXT("");
    if (group->state == TARN_GROUP_STABLE)
        ret_group->protocol_data = group->protocol;
    describe_members(group, arena, ret_group);
}

static bool equal_ignoring_case(struct tarn_text a, const char *b)
{
    for (size_t i = 0; i < a.len; i++) {
        if (tolower((unsigned char)a.data[i]) != tolower((unsigned char)b[i]))
            return false; /* also at the end of b */
    }
    return b[a.len] == '\0';
}

/* An empty filter lets everything through. */
static bool passes(const struct tarn_text *filter, int32_t count, const char *value)
{
    for (int32_t i = 0; i < count; i++) {
        if (equal_ignoring_case(filter[i], value))
            return true;
    }
    return count <= 0;
}

void tarn_groups_list(struct tarn_groups *groups, const struct tarn_list_groups_request *request,
                      struct tarn_arena *arena, struct tarn_list_groups_response *ret_response)
{
    ret_response->groups =
        tarn_arena_array(arena, groups->map.count + 1, sizeof *ret_response->groups);
    ret_response->groups_count = 0;
    if (!passes(request->types_filter, request->types_filter_count, "classic"))
        return;
    size_t cursor = 0;
    for (const struct tarn_group *group; (group = tarn_text_map_next(&groups->map, &cursor));) {
        const char *state = tarn_group_state_name(group->state);
        if (!passes(request->states_filter, request->states_filter_count, state))
            continue;
        struct tarn_list_groups_response_group *listed =
            &ret_response->groups[ret_response->groups_count++];
        tarn_list_groups_response_group_init(listed);
        listed->group_id = group->id;
        listed->protocol_type = group->protocol_type.data ? group->protocol_type : TARN_TEXT("");
        listed->group_state = tarn_text_of(state);
        listed->group_type = TARN_TEXT("classic");
    }
}

/* ---- deleting ---- */

static void put_group_gone(struct tarn_group *group, struct tarn_commit *commit,
                           struct tarn_arena *arena)
{
    tarn_group_put_nothing(commit, arena, group);
    for (size_t t = 0; t < group->offset_topic_count; t++) {
        const struct tarn_offset_topic *topic = &group->offsets[t];
        for (size_t i = 0; i < topic->count; i++)
            tarn_offset_put_nothing(commit, arena, group->id, topic->name,
                                    topic->offsets[i].partition);
    }
    tarn_pending_drop(group, (struct tarn_text){0}, 0, commit, arena);
}

enum tarn_kafka_error tarn_groups_delete(struct tarn_groups *groups, struct tarn_text group_id,
                                         uint64_t *ret_position)
{
    struct tarn_group *group = tarn_group_find(groups, group_id);
    if (!group)
        return TARN_KAFKA_GROUP_ID_NOT_FOUND;
    if (group->state != TARN_GROUP_EMPTY)
        return TARN_KAFKA_NON_EMPTY_GROUP;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(groups->world.log);
    put_group_gone(group, commit, arena);
    if (!tarn_group_write(commit, "deleting", group_id, ret_position))
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    tarn_group_remove(group);
    return TARN_KAFKA_NONE;
}
