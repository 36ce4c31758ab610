/* broker/group/offsets.c -- committed offsets of a group: commit, fetch, delete, retention.
 *
 * Topics are sorted by name and partitions by number, found by bisection. Offsets expire when they
 * are `offsets_retention_ms` old: from when the group became empty, or, for topics nobody in the
 * group subscribes to and for consumers without a group, from when they were committed. */
#include "broker/group/group_int.h"

/* ---- in memory ---- */

static int compare_text(struct tarn_text a, struct tarn_text b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where `topic` is, or belongs. */
static size_t topic_place(const struct tarn_group *group, struct tarn_text topic, bool *ret_found)
{
    size_t low = 0, high = group->offset_topic_count;
    *ret_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_text(group->offsets[middle].name, topic);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t partition_place(const struct tarn_offset_topic *topic, int32_t partition,
                              bool *ret_found)
{
    size_t low = 0, high = topic->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (topic->offsets[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < topic->count && topic->offsets[low].partition == partition;
    return low;
}

struct tarn_offset *tarn_offset_find(const struct tarn_group *group, struct tarn_text topic,
                                     int32_t partition)
{
    bool found;
    size_t at = topic_place(group, topic, &found);
    if (!found)
        return NULL;
    size_t place = partition_place(&group->offsets[at], partition, &found);
    return found ? &group->offsets[at].offsets[place] : NULL;
}

static struct tarn_offset_topic *make_topic(struct tarn_group *group, struct tarn_text name)
{
    bool found;
    size_t at = topic_place(group, name, &found);
    if (found)
        return &group->offsets[at];
    TARN_RESERVE(group->offsets, group->offset_topic_capacity, group->offset_topic_count + 1);
    memmove(&group->offsets[at + 1], &group->offsets[at],
            (group->offset_topic_count - at) * sizeof *group->offsets);
    group->offsets[at] = (struct tarn_offset_topic){.name = tarn_own(name)};
    group->offset_topic_count++;
    return &group->offsets[at];
}

void tarn_offset_set(struct tarn_group *group, struct tarn_text name,
                     const struct tarn_offset *offset)
{
    struct tarn_offset_topic *topic = make_topic(group, name);
    bool found;
    size_t at = partition_place(topic, offset->partition, &found);
    if (found) {
        tarn_disown(&topic->offsets[at].metadata);
    } else {
        TARN_RESERVE(topic->offsets, topic->capacity, topic->count + 1);
        memmove(&topic->offsets[at + 1], &topic->offsets[at],
                (topic->count - at) * sizeof *topic->offsets);
        topic->count++;
    }
    topic->offsets[at] = *offset;
}

static void release_topic(struct tarn_offset_topic *topic)
{
    for (size_t i = 0; i < topic->count; i++)
        tarn_disown(&topic->offsets[i].metadata);
    free(topic->offsets);
    tarn_disown(&topic->name);
}

static void remove_topic(struct tarn_group *group, size_t at)
{
    release_topic(&group->offsets[at]);
    group->offset_topic_count--;
    memmove(&group->offsets[at], &group->offsets[at + 1],
            (group->offset_topic_count - at) * sizeof *group->offsets);
}

void tarn_offset_remove(struct tarn_group *group, struct tarn_text name, int32_t partition)
{
    bool found;
    size_t at = topic_place(group, name, &found);
    if (!found)
        return;
    struct tarn_offset_topic *topic = &group->offsets[at];
    size_t place = partition_place(topic, partition, &found);
    if (!found)
        return;
    tarn_disown(&topic->offsets[place].metadata);
    topic->count--;
    memmove(&topic->offsets[place], &topic->offsets[place + 1],
            (topic->count - place) * sizeof *topic->offsets);
    if (topic->count == 0)
        remove_topic(group, at);
}

void tarn_offsets_release(struct tarn_group *group)
{
    for (size_t i = 0; i < group->offset_topic_count; i++)
        release_topic(&group->offsets[i]);
    free(group->offsets);
    group->offsets = NULL;
    group->offset_topic_count = group->offset_topic_capacity = 0;
}

/* ---- committing ---- */

/* Whether a commit that says it comes from this member of this generation may go in. */
static enum tarn_kafka_error check_commit(const struct tarn_group *group,
                                          const struct tarn_group_commit *commit,
                                          bool transactional)
{
    if (commit->generation_id < 0 && group->state == TARN_GROUP_EMPTY)
        return TARN_KAFKA_NONE; /* a consumer without a group, or an administrator */
    if (commit->generation_id >= 0 || commit->member_id.len > 0 || commit->instance_id.data) {
        enum tarn_kafka_error error =
            tarn_member_check(group, commit->member_id, commit->instance_id);
        if (error != TARN_KAFKA_NONE)
            return error;
        if (commit->generation_id != group->generation)
            return TARN_KAFKA_ILLEGAL_GENERATION;
    } else if (!transactional) {
        return TARN_KAFKA_UNKNOWN_MEMBER_ID;
    }
    /* The member has not got its part of this generation yet, so this is of the one before. */
    if (!transactional && group->state == TARN_GROUP_COMPLETING)
        return TARN_KAFKA_REBALANCE_IN_PROGRESS;
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error unknown_group(const struct tarn_group_commit *commit,
                                           bool transactional)
{
    if (commit->generation_id < 0)
        return TARN_KAFKA_NONE; /* it comes into being with its first offset */
    return !transactional && commit->api_version >= 9 ? TARN_KAFKA_GROUP_ID_NOT_FOUND
                                                      : TARN_KAFKA_ILLEGAL_GENERATION;
}

static bool is_group_id(struct tarn_text id)
{
    return id.data && id.len <= TARN_GROUP_ID_MAX_BYTES;
}

enum tarn_kafka_error tarn_groups_check_transactional(struct tarn_groups *groups,
                                                      const struct tarn_group_commit *commit)
{
    if (!is_group_id(commit->group_id) || commit->group_id.len == 0)
        return TARN_KAFKA_INVALID_GROUP_ID;
    const struct tarn_group *group = tarn_group_find(groups, commit->group_id);
    return group ? check_commit(group, commit, true) : unknown_group(commit, true);
}

static struct tarn_offset offset_of(struct tarn_groups *groups,
                                    const struct tarn_offset_entry *entry)
{
    return (struct tarn_offset){
        .partition = entry->partition,
        .leader_epoch = entry->leader_epoch,
        .offset = entry->offset,
        .commit_ms = entry->commit_ms >= 0 ? entry->commit_ms : tarn_world_now_ms(&groups->world),
        .order = ++groups->order,
        .metadata = entry->metadata.data ? entry->metadata : TARN_TEXT(""),
    };
}

static void refuse_large_metadata(const struct tarn_groups *groups,
                                  struct tarn_offset_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error == TARN_KAFKA_NONE &&
            entries[i].metadata.len > (size_t)groups->options.metadata_max_bytes)
            entries[i].error = TARN_KAFKA_OFFSET_METADATA_TOO_LARGE;
    }
}

/* A commit is a sign of life. */
static void notice_member(const struct tarn_group *group, struct tarn_text member_id)
{
    struct tarn_member *member = tarn_member_find(group, member_id);
    if (member && (group->state == TARN_GROUP_STABLE || group->state == TARN_GROUP_PREPARING))
        tarn_member_expect(member, member->session_timeout_ms);
}

static enum tarn_kafka_error store(struct tarn_groups *groups,
                                   const struct tarn_group_commit *commit,
                                   const struct tarn_offset_entry *entries, size_t count,
                                   uint64_t *ret_position)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_offset *offsets = tarn_arena_array(arena, count + 1, sizeof *offsets);
    struct tarn_commit *log_commit = tarn_commit_begin(groups->world.log);
    size_t stored = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        offsets[i] = offset_of(groups, &entries[i]);
        tarn_offset_put(log_commit, arena, commit->group_id, entries[i].topic, &offsets[i]);
        stored++;
    }
    if (stored == 0) {
        tarn_commit_abandon(log_commit);
        return TARN_KAFKA_NONE;
    }
    if (!tarn_group_write(log_commit, "committing offsets", commit->group_id, ret_position))
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    struct tarn_group *group = tarn_group_find(groups, commit->group_id);
    if (!group)
        group = tarn_group_add(groups, commit->group_id);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        offsets[i].metadata = tarn_own(offsets[i].metadata);
        tarn_offset_set(group, entries[i].topic, &offsets[i]);
    }
    tarn_group_watch_retention(group);
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_groups_commit(struct tarn_groups *groups,
                                         const struct tarn_group_commit *commit,
                                         struct tarn_offset_entry *entries, size_t count,
                                         uint64_t *ret_position)
{
    *ret_position = 0;
    if (!is_group_id(commit->group_id))
        return TARN_KAFKA_INVALID_GROUP_ID;
    const struct tarn_group *group = tarn_group_find(groups, commit->group_id);
    enum tarn_kafka_error error =
        group ? check_commit(group, commit, false) : unknown_group(commit, false);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (group)
        notice_member(group, commit->member_id);
    refuse_large_metadata(groups, entries, count);
    return store(groups, commit, entries, count, ret_position);
}

void tarn_groups_put_pending(struct tarn_groups *groups, struct tarn_commit *commit,
                             struct tarn_arena *arena, struct tarn_text group_id,
                             int64_t producer_id, struct tarn_offset_entry *entries, size_t count)
{
    refuse_large_metadata(groups, entries, count);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        struct tarn_offset offset = offset_of(groups, &entries[i]);
        tarn_pending_put(commit, arena, group_id, producer_id, entries[i].topic, &offset);
    }
}

void tarn_groups_keep_pending(struct tarn_groups *groups, struct tarn_text group_id,
                              int64_t producer_id, const struct tarn_offset_entry *entries,
                              size_t count)
{
    struct tarn_group *group = tarn_group_find(groups, group_id);
    if (!group)
        group = tarn_group_add(groups, group_id);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        struct tarn_offset offset = offset_of(groups, &entries[i]);
        tarn_pending_add(group, producer_id, entries[i].topic, &offset);
    }
    tarn_group_watch_retention(group);
}

/* ---- fetching ---- */

static void show(const struct tarn_group *group, struct tarn_text topic,
                 const struct tarn_offset *offset, bool require_stable,
                 struct tarn_offset_entry *ret_entry)
{
    *ret_entry = (struct tarn_offset_entry){.topic = topic,
                                            .partition = offset->partition,
                                            .offset = offset->offset,
                                            .leader_epoch = offset->leader_epoch,
                                            .metadata = offset->metadata,
                                            .commit_ms = offset->commit_ms};
    if (require_stable && tarn_offset_held(group, topic, offset->partition)) {
        ret_entry->offset = -1;
        ret_entry->leader_epoch = -1;
        ret_entry->metadata = TARN_TEXT("");
        ret_entry->error = TARN_KAFKA_UNSTABLE_OFFSET_COMMIT;
    }
}

enum tarn_kafka_error tarn_groups_fetch(struct tarn_groups *groups, struct tarn_text group_id,
                                        struct tarn_text topic, int32_t partition,
                                        bool require_stable, struct tarn_offset_entry *ret_entry)
{
    static const struct tarn_offset none = {.offset = -1, .leader_epoch = -1, .commit_ms = -1};
    struct tarn_offset missing = none;
    missing.partition = partition;
    missing.metadata = TARN_TEXT("");
    const struct tarn_group *group = tarn_group_find(groups, group_id);
    const struct tarn_offset *offset = group ? tarn_offset_find(group, topic, partition) : NULL;
    if (group)
        show(group, topic, offset ? offset : &missing, require_stable, ret_entry);
    else
        *ret_entry = (struct tarn_offset_entry){topic, partition,      -1, -1, TARN_TEXT(""),
                                                -1,    TARN_KAFKA_NONE};
    return ret_entry->error;
}

size_t tarn_groups_fetch_all(struct tarn_groups *groups, struct tarn_text group_id,
                             bool require_stable, struct tarn_arena *arena,
                             struct tarn_offset_entry **ret_entries)
{
    const struct tarn_group *group = tarn_group_find(groups, group_id);
    size_t count = 0;
    for (size_t t = 0; group && t < group->offset_topic_count; t++)
        count += group->offsets[t].count;
    *ret_entries = tarn_arena_array(arena, count + 1, sizeof **ret_entries);
    size_t at = 0;
    for (size_t t = 0; group && t < group->offset_topic_count; t++) {
        const struct tarn_offset_topic *topic = &group->offsets[t];
        for (size_t i = 0; i < topic->count; i++)
            show(group, topic->name, &topic->offsets[i], require_stable, &(*ret_entries)[at++]);
    }
    return count;
}

/* ---- deleting ---- */

enum tarn_kafka_error tarn_groups_delete_offsets(struct tarn_groups *groups,
                                                 struct tarn_text group_id,
                                                 struct tarn_offset_entry *entries, size_t count,
                                                 uint64_t *ret_position)
{
    *ret_position = 0;
    if (group_id.len == 0)
        return TARN_KAFKA_INVALID_GROUP_ID;
    struct tarn_group *group = tarn_group_find(groups, group_id);
    if (!group)
        return TARN_KAFKA_GROUP_ID_NOT_FOUND;
    if (group->state != TARN_GROUP_EMPTY && !tarn_group_is_consumer(group))
        return TARN_KAFKA_NON_EMPTY_GROUP;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(groups->world.log);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error == TARN_KAFKA_NONE && tarn_group_subscribes(group, entries[i].topic))
            entries[i].error = TARN_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC;
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        tarn_offset_put_nothing(commit, arena, group_id, entries[i].topic, entries[i].partition);
        tarn_pending_drop(group, entries[i].topic, entries[i].partition, commit, arena);
    }
    if (!tarn_group_write(commit, "deleting offsets", group_id, ret_position))
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].error != TARN_KAFKA_NONE)
            continue;
        tarn_offset_remove(group, entries[i].topic, entries[i].partition);
        tarn_pending_drop(group, entries[i].topic, entries[i].partition, NULL, NULL);
    }
    return TARN_KAFKA_NONE;
}

static void forget_group_topic(struct tarn_group *group, struct tarn_text name)
{
    bool found;
    size_t at = topic_place(group, name, &found);
    if (!found)
        return;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(group->groups->world.log);
    for (size_t i = 0; i < group->offsets[at].count; i++)
        tarn_offset_put_nothing(commit, arena, group->id, name,
                                group->offsets[at].offsets[i].partition);
    uint64_t position;
    if (tarn_group_write(commit, "dropping a deleted topic's offsets", group->id, &position))
        remove_topic(group, at);
}

/* A transaction that is still open must not bring the topic's offsets back. */
static void forget_held(struct tarn_groups *groups, struct tarn_text topic)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(groups->world.log);
    size_t dropped = 0;
    for (size_t i = 0; i < groups->held_count; i++) {
        if (!tarn_text_equal(groups->held[i].topic, topic))
            continue;
        tarn_pending_put_nothing(commit, arena, &groups->held[i]);
        dropped++;
    }
    uint64_t position;
    if (dropped == 0)
        tarn_commit_abandon(commit);
    else if (tarn_group_write(commit, "dropping a deleted topic's offsets", TARN_TEXT(""),
                              &position))
        tarn_pending_forget_topic(groups, topic);
}

void tarn_groups_forget_topic(struct tarn_groups *groups, struct tarn_text topic)
{
    size_t cursor = 0;
    forget_held(groups, topic);
    for (struct tarn_group *group; (group = tarn_text_map_next(&groups->map, &cursor));)
        forget_group_topic(group, topic);
}

/* ---- retention ---- */

/* When an offset expires; INT64_MAX: not while things are as they are. */
static int64_t expiry_ms(const struct tarn_group *group, struct tarn_text topic,
                         const struct tarn_offset *offset)
{
    int64_t retention_ms = group->groups->options.offsets_retention_ms;
    if (tarn_offset_held(group, topic, offset->partition) || tarn_group_subscribes(group, topic))
        return INT64_MAX;
    if (!group->protocol_type.data)
        return offset->commit_ms + retention_ms;
    if (group->state == TARN_GROUP_EMPTY)
        return group->state_ms + retention_ms;
    if (tarn_group_is_consumer(group) && group->topics_known && group->state == TARN_GROUP_STABLE)
        return offset->commit_ms + retention_ms;
    return INT64_MAX;
}

static int64_t next_expiry_ms(const struct tarn_group *group)
{
    int64_t next = INT64_MAX;
    for (size_t t = 0; t < group->offset_topic_count; t++) {
        const struct tarn_offset_topic *topic = &group->offsets[t];
        for (size_t i = 0; i < topic->count; i++) {
            int64_t at = expiry_ms(group, topic->name, &topic->offsets[i]);
            next = at < next ? at : next;
        }
    }
    return next;
}

/* Nobody is in it, and it holds nothing. */
static bool is_idle(const struct tarn_group *group)
{
    return group->state == TARN_GROUP_EMPTY && group->pending_count == 0 && group->held == 0 &&
           group->offset_topic_count == 0;
}

static void expire_offsets(struct tarn_group *group, int64_t now_ms)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(group->groups->world.log);
    struct tarn_offset_entry *gone = NULL;
    size_t gone_count = 0, gone_capacity = 0;
    for (size_t t = 0; t < group->offset_topic_count; t++) {
        const struct tarn_offset_topic *topic = &group->offsets[t];
        for (size_t i = 0; i < topic->count; i++) {
            if (expiry_ms(group, topic->name, &topic->offsets[i]) > now_ms)
                continue;
            int32_t partition = topic->offsets[i].partition;
            tarn_offset_put_nothing(commit, arena, group->id, topic->name, partition);
            TARN_RESERVE(gone, gone_capacity, gone_count + 1);
            gone[gone_count++] = (struct tarn_offset_entry){
                .topic = tarn_text_of(tarn_arena_strndup(arena, topic->name.data, topic->name.len)),
                .partition = partition};
        }
    }
    uint64_t position;
    if (gone_count == 0)
        tarn_commit_abandon(commit);
    else if (!tarn_group_write(commit, "expiring offsets", group->id, &position))
        gone_count = 0; /* again at the next look */
    for (size_t i = 0; i < gone_count; i++)
        tarn_offset_remove(group, gone[i].topic, gone[i].partition);
    free(gone);
}

/* True when the group went. */
static bool expire_group(struct tarn_group *group)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(group->groups->world.log);
    tarn_group_put_nothing(commit, arena, group);
    uint64_t position;
    if (!tarn_group_write(commit, "dropping", group->id, &position))
        return false;
    tarn_group_remove(group);
    return true;
}

static void on_retention(struct tarn_timer *timer)
{
    struct tarn_group *group = TARN_TIMER_OWNER(timer, struct tarn_group, retention);
    expire_offsets(group, tarn_world_now_ms(&group->groups->world));
    /* A group that never had any has had its interval of grace with this timer. */
    if (is_idle(group) && expire_group(group))
        return;
    tarn_group_watch_retention(group);
}

void tarn_group_watch_retention(struct tarn_group *group)
{
    const struct tarn_groups *groups = group->groups;
    if (tarn_timer_waits(&group->retention))
        return; /* it looks again then; a commit only puts things off */
    int64_t next_ms = next_expiry_ms(group);
    int64_t delay_ms;
    if (next_ms != INT64_MAX)
        delay_ms = next_ms - tarn_world_now_ms(&groups->world);
    else if (group->state == TARN_GROUP_EMPTY && group->held == 0)
        delay_ms = groups->options.check_interval_ms;
    else
        return; /* asked again when that changes */
    tarn_world_start(&groups->world, &group->retention, delay_ms < 1 ? 1 : delay_ms, on_retention);
}
