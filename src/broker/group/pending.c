/* broker/group/pending.c -- offsets that were committed in transactions that are still open. There
 * are few at any time, so they are one list. */
#include "broker/group/group_int.h"

bool tarn_offset_held(const struct tarn_group *group, struct tarn_text topic, int32_t partition)
{
    const struct tarn_groups *groups = group->groups;
    for (size_t i = 0; group->held > 0 && i < groups->held_count; i++) {
        const struct tarn_pending_offset *held = &groups->held[i];
        if (held->group == group && held->offset.partition == partition &&
            tarn_text_equal(held->topic, topic))
            return true;
    }
    return false;
}

static void release(struct tarn_pending_offset *held)
{
    tarn_disown(&held->topic);
    tarn_disown(&held->offset.metadata);
}

void tarn_pending_release(struct tarn_groups *groups)
{
    for (size_t i = 0; i < groups->held_count; i++)
        release(&groups->held[i]);
    free(groups->held);
    groups->held = NULL;
    groups->held_count = groups->held_capacity = 0;
}

static struct tarn_pending_offset *find(struct tarn_group *group, int64_t producer_id,
                                        struct tarn_text topic, int32_t partition)
{
    struct tarn_groups *groups = group->groups;
    for (size_t i = 0; i < groups->held_count; i++) {
        struct tarn_pending_offset *held = &groups->held[i];
        if (held->group == group && held->producer_id == producer_id &&
            held->offset.partition == partition && tarn_text_equal(held->topic, topic))
            return held;
    }
    return NULL;
}

void tarn_pending_add(struct tarn_group *group, int64_t producer_id, struct tarn_text topic,
                      const struct tarn_offset *offset)
{
    struct tarn_groups *groups = group->groups;
    struct tarn_pending_offset *held = find(group, producer_id, topic, offset->partition);
    if (held) {
        tarn_disown(&held->offset.metadata);
    } else {
        TARN_RESERVE(groups->held, groups->held_capacity, groups->held_count + 1);
        held = &groups->held[groups->held_count++];
        *held = (struct tarn_pending_offset){group, producer_id, tarn_own(topic), *offset};
        group->held++;
    }
    held->offset = *offset;
    held->offset.metadata = tarn_own(offset->metadata);
}

/* Order does not matter: the last one takes the place. */
static void take_out(struct tarn_groups *groups, size_t at)
{
    groups->held[at].group->held--;
    release(&groups->held[at]);
    groups->held[at] = groups->held[--groups->held_count];
}

void tarn_pending_drop(struct tarn_group *group, struct tarn_text topic, int32_t partition,
                       struct tarn_commit *commit, struct tarn_arena *arena)
{
    struct tarn_groups *groups = group->groups;
    for (size_t i = groups->held_count; i-- > 0;) {
        const struct tarn_pending_offset *held = &groups->held[i];
        if (held->group != group)
            continue;
        if (topic.data &&
            (held->offset.partition != partition || !tarn_text_equal(held->topic, topic)))
            continue;
        if (commit)
            tarn_pending_put_nothing(commit, arena, held);
        else
            take_out(groups, i);
    }
}

void tarn_pending_forget_topic(struct tarn_groups *groups, struct tarn_text topic)
{
    for (size_t i = groups->held_count; i-- > 0;) {
        if (tarn_text_equal(groups->held[i].topic, topic))
            take_out(groups, i);
    }
}

/* A later commit outside of the transaction stays. */
static bool is_newer(const struct tarn_pending_offset *held)
{
    const struct tarn_offset *present =
        tarn_offset_find(held->group, held->topic, held->offset.partition);
    return !present || held->offset.order > present->order;
}

void tarn_groups_put_end(struct tarn_groups *groups, struct tarn_commit *commit,
                         struct tarn_arena *arena, int64_t producer_id, bool committed)
{
    for (size_t i = 0; i < groups->held_count; i++) {
        const struct tarn_pending_offset *held = &groups->held[i];
        if (held->producer_id != producer_id)
            continue;
        tarn_pending_put_nothing(commit, arena, held);
        if (committed && is_newer(held))
            tarn_offset_put(commit, arena, held->group->id, held->topic, &held->offset);
    }
}

void tarn_groups_keep_end(struct tarn_groups *groups, int64_t producer_id, bool committed)
{
    for (size_t i = groups->held_count; i-- > 0;) {
        struct tarn_pending_offset *held = &groups->held[i];
        if (held->producer_id != producer_id)
            continue;
        struct tarn_group *group = held->group;
        if (committed && is_newer(held)) {
            tarn_offset_set(group, held->topic, &held->offset);
            held->offset.metadata = (struct tarn_text){0}; /* handed over */
        }
        take_out(groups, i);
        tarn_group_watch_retention(group);
    }
}
