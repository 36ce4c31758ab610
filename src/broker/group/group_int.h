/* broker/group/group_int.h -- what the files of the group coordinator share.
 *
 *   groups.c          the map of groups, opening, listing, describing, deleting
 *   member.c          members of a group, their votes, the leader
 *   join.c            JoinGroup and the join phase of a rebalance
 *   sync.c            SyncGroup, Heartbeat, LeaveGroup, session timeouts
 *   offsets.c         commit, fetch, delete, retention
 *   pending.c         offsets of open transactions
 *   group_journal.c   keys and values in the journal */
#ifndef TARN_BROKER_GROUP_GROUP_INT_H
#define TARN_BROKER_GROUP_GROUP_INT_H

#include "base/text_map.h"
#include "broker/group/group.h"
#include "broker/log/log.h"

/* Keys of the journal hold 1,024 bytes: the group, a topic (249) and what is around them. */
enum { TARN_GROUP_ID_MAX_BYTES = 640 };

enum tarn_group_state {
    TARN_GROUP_EMPTY,
    TARN_GROUP_PREPARING,
    TARN_GROUP_COMPLETING,
    TARN_GROUP_STABLE,
};

struct tarn_group_protocol {
    struct tarn_text name, metadata;
};

struct tarn_member {
    struct tarn_group *group;
    struct tarn_text id;
    struct tarn_text instance_id; /* data NULL: a dynamic member */
    struct tarn_text client_id, client_host;
    int32_t rebalance_timeout_ms, session_timeout_ms;
    struct tarn_group_protocol *protocols; /* in order of preference */
    size_t protocol_count;
    struct tarn_text assignment;
    bool is_new;            /* has not got through a join phase yet */
    bool owes_sync;         /* has not asked for its assignment in this generation */
    tarn_join_answer *join; /* NULL: no join is parked */
    void *join_context;
    tarn_sync_answer *sync;
    void *sync_context;
    struct tarn_timer session;
};

struct tarn_offset {
    int32_t partition;
    int32_t leader_epoch; /* -1: not known */
    int64_t offset;
    int64_t commit_ms;
    uint64_t
        order; /* of the commit among all offsets: a transaction's does not replace a later one */
    struct tarn_text metadata;
};
struct tarn_offset_topic {
    struct tarn_text name;
    struct tarn_offset *offsets; /* by partition */
    size_t count, capacity;
};

struct tarn_group {
    struct tarn_groups *groups;
    struct tarn_text id;
    enum tarn_group_state state;
    bool gathers;  /* in PREPARING: the initial delay of its first generation runs */
    bool newcomer; /* somebody new has come while it ran */
    int32_t generation;
    int64_t state_ms;                         /* wall clock of the last change of state */
    struct tarn_text protocol_type, protocol; /* data NULL: none */
    struct tarn_member *leader;               /* NULL: none */
    struct tarn_member **members;             /* as they came */
    size_t member_count, member_capacity;
    struct tarn_member **pending; /* ids given to new members, who have not come back with them */
    size_t pending_count, pending_capacity;
    bool topics_known; /* what its members subscribe to */
    struct tarn_text *topics;
    size_t topic_count;
    struct tarn_offset_topic *offsets; /* by name */
    size_t offset_topic_count, offset_topic_capacity;
    size_t held;                 /* offsets of open transactions */
    struct tarn_timer phase;     /* the end of the join phase, then of the sync phase */
    struct tarn_timer retention; /* the next look at what has expired */
};

/* An offset of an open transaction. */
struct tarn_pending_offset {
    struct tarn_group *group;
    int64_t producer_id;
    struct tarn_text topic;
    struct tarn_offset offset;
};

struct tarn_groups {
    struct tarn_world world;
    struct tarn_group_options options;
    struct tarn_text_map map;
    uint64_t order; /* the last one given */
    struct tarn_pending_offset *held;
    size_t held_count, held_capacity;
};

/* Copies that belong to the caller; NULL stays NULL, other texts end in NUL. */
struct tarn_text tarn_own(struct tarn_text text);
void tarn_disown(struct tarn_text *text);
void tarn_own_again(struct tarn_text *text, struct tarn_text value); /* replaces */

/* groups.c */
struct tarn_group *tarn_group_find(struct tarn_groups *groups, struct tarn_text id);
struct tarn_group *tarn_group_add(struct tarn_groups *groups, struct tarn_text id);
void tarn_group_remove(struct tarn_group *group); /* from memory */
void tarn_group_enter(struct tarn_group *group, enum tarn_group_state state);
const char *tarn_group_state_name(enum tarn_group_state state);

/* member.c */
struct tarn_member *tarn_member_new(struct tarn_group *group, struct tarn_text id);
void tarn_member_free(struct tarn_member *member);
struct tarn_member *tarn_member_find(const struct tarn_group *group, struct tarn_text id);
struct tarn_member *tarn_member_find_static(const struct tarn_group *group,
                                            struct tarn_text instance_id);
struct tarn_member *tarn_member_find_pending(const struct tarn_group *group, struct tarn_text id);
void tarn_member_add(struct tarn_group *group, struct tarn_member *member);
void tarn_member_add_pending(struct tarn_group *group, struct tarn_member *member);
/* Takes it out and frees it; the leader is then the member that has been there longest. */
void tarn_member_remove(struct tarn_member *member);
void tarn_member_remove_pending(struct tarn_member *member);
/* UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or NONE. */
enum tarn_kafka_error tarn_member_check(const struct tarn_group *group, struct tarn_text id,
                                        struct tarn_text instance_id);
void tarn_member_set_protocols(struct tarn_member *member,
                               const struct tarn_group_protocol *protocols, size_t count);
/* What it sent for the protocol; data NULL when it does not know it. */
struct tarn_text tarn_member_metadata(const struct tarn_member *member, struct tarn_text protocol);
/* Whether somebody with these protocols can be in the group. */
bool tarn_group_supports(const struct tarn_group *group, struct tarn_text type,
                         const struct tarn_group_protocol *protocols, size_t count);
/* The protocol with the most votes among those that all members know. */
struct tarn_text tarn_group_vote(const struct tarn_group *group);
bool tarn_group_all_joined(const struct tarn_group *group);
int32_t tarn_group_rebalance_timeout_ms(const struct tarn_group *group);
bool tarn_group_is_consumer(const struct tarn_group *group);
/* Reads the topics out of the members' subscriptions (Kafka's ConsumerProtocolSubscription). */
void tarn_group_learn_topics(struct tarn_group *group);
void tarn_group_forget_topics(struct tarn_group *group);
bool tarn_group_subscribes(const struct tarn_group *group, struct tarn_text topic);

/* join.c */
/* A member came or went, or changed its mind: begins a rebalance, or ends its join phase when
 * everybody is there. */
void tarn_group_rebalance(struct tarn_group *group);
void tarn_group_prepare(struct tarn_group *group);
void tarn_group_maybe_complete_join(struct tarn_group *group);
void tarn_group_answer_join(struct tarn_member *member, enum tarn_kafka_error error,
                            struct tarn_text member_id);

/* sync.c */
void tarn_member_expect(struct tarn_member *member, int32_t timeout_ms); /* a sign of life */
void tarn_group_answer_sync(struct tarn_member *member, enum tarn_kafka_error error);
void tarn_group_expect_syncs(struct tarn_group *group);

/* offsets.c */
struct tarn_offset *tarn_offset_find(const struct tarn_group *group, struct tarn_text topic,
                                     int32_t partition);
/* Takes over offset->metadata. */
void tarn_offset_set(struct tarn_group *group, struct tarn_text topic,
                     const struct tarn_offset *offset);
void tarn_offset_remove(struct tarn_group *group, struct tarn_text topic, int32_t partition);
void tarn_offsets_release(struct tarn_group *group);
/* The group may have something that expires: sees to it that it does. */
void tarn_group_watch_retention(struct tarn_group *group);

/* pending.c */
bool tarn_offset_held(const struct tarn_group *group, struct tarn_text topic, int32_t partition);
/* What open transactions hold for one partition of the group, or (topic.data NULL) for all of them
 * is dropped, from the journal with `commit` and from memory without. */
void tarn_pending_drop(struct tarn_group *group, struct tarn_text topic, int32_t partition,
                       struct tarn_commit *commit, struct tarn_arena *arena);
void tarn_pending_forget_topic(struct tarn_groups *groups, struct tarn_text topic); /* in memory */
void tarn_pending_release(struct tarn_groups *groups);
void tarn_pending_add(struct tarn_group *group, int64_t producer_id, struct tarn_text topic,
                      const struct tarn_offset *offset);

/* group_journal.c */
void tarn_group_put(struct tarn_commit *commit, struct tarn_arena *arena,
                    const struct tarn_group *group);
void tarn_group_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                            const struct tarn_group *group);
/* In a commit of its own; false (after a log line) when that failed. */
bool tarn_group_save(struct tarn_group *group);
void tarn_offset_put(struct tarn_commit *commit, struct tarn_arena *arena,
                     struct tarn_text group_id, struct tarn_text topic,
                     const struct tarn_offset *offset);
void tarn_offset_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                             struct tarn_text group_id, struct tarn_text topic, int32_t partition);
void tarn_pending_put(struct tarn_commit *commit, struct tarn_arena *arena,
                      struct tarn_text group_id, int64_t producer_id, struct tarn_text topic,
                      const struct tarn_offset *offset);
void tarn_pending_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                              const struct tarn_pending_offset *pending);
/* Writes the commit; false after a log line naming `what`. */
bool tarn_group_write(struct tarn_commit *commit, const char *what, struct tarn_text group_id,
                      uint64_t *ret_position);
CHECKED enum tarn_status tarn_groups_load(struct tarn_groups *groups, struct tarn_error *err);

#endif
