/* broker/group/group.h -- the group coordinator: members, generations, committed offsets.
 *
 * A state machine without sockets, on the loop thread. Classic groups as Kafka runs them: Empty ->
 * PreparingRebalance -> CompletingRebalance -> Stable, members with session timeouts, static
 * members, votes for the protocol. The initial rebalance delay is a blink, not Kafka's three
 * seconds: enough for consumers that are started together.
 *
 * What lasts is in the log's journal: one key per group ("group/<id>": generation, protocol,
 * members and their assignments, as of the last Stable or Empty) and one per offset
 * ("offset/..."), so that after a restart members go on with the ids they have. Membership is
 * answered when it is written; what a power cut takes of it, members mend by joining again. Offsets
 * are answered when they are durable: functions that store some say which log position to wait
 * for. */
#ifndef TARN_BROKER_GROUP_GROUP_H
#define TARN_BROKER_GROUP_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/group/world.h"
#include "broker/protocol/error_code.h"

struct tarn_commit;
struct tarn_groups;
struct tarn_join_group_request;
struct tarn_join_group_response;
struct tarn_sync_group_request;
struct tarn_sync_group_response;
struct tarn_heartbeat_request;
struct tarn_leave_group_request;
struct tarn_leave_group_response;
struct tarn_describe_groups_response_group;
struct tarn_list_groups_request;
struct tarn_list_groups_response;

struct tarn_group_options {
    int32_t session_timeout_min_ms; /* group.min.session.timeout.ms, 6 s */
    int32_t session_timeout_max_ms; /* group.max.session.timeout.ms, 30 min */
    int32_t new_member_timeout_ms;  /* how long a new member may wait in its first join, 5 min */
    int32_t max_size;               /* group.max.size, no limit */
    /* group.initial.rebalance.delay.ms, 15 ms: a group's first generation waits this long for
     * others who start at the same time, and again for as long as somebody new comes meanwhile; 0:
     * not at all. */
    int32_t initial_delay_ms;
    int32_t metadata_max_bytes;   /* offset.metadata.max.bytes, 4096 */
    int64_t offsets_retention_ms; /* offsets.retention.minutes, 7 d */
    int64_t check_interval_ms; /* offsets.retention.check.interval.ms, 10 min: when groups that hold
                                  nothing go */
};
void tarn_group_options_init(struct tarn_group_options *options);

/* Reads groups and offsets out of the journal; members have one session timeout to come back.
 * `world` is copied. Errors: CORRUPT, naming the group. */
CHECKED enum tarn_status tarn_groups_open(const struct tarn_world *world,
                                          const struct tarn_group_options *options,
                                          struct tarn_groups **ret_groups, struct tarn_error *err);
/* Answers what is parked with COORDINATOR_NOT_AVAILABLE. NULL is fine. */
void tarn_groups_free(struct tarn_groups *groups);

/* Who asks. */
struct tarn_group_client {
    struct tarn_text client_id;
    const char *host;    /* "/127.0.0.1" */
    int16_t api_version; /* of the request: it decides some answers */
};

/* Called once per join or sync, at once or later; the response and what it points to live during
 * the call only. */
typedef void tarn_join_answer(void *context, const struct tarn_join_group_response *response);
typedef void tarn_sync_answer(void *context, const struct tarn_sync_group_response *response);

void tarn_groups_join(struct tarn_groups *groups, const struct tarn_group_client *client,
                      const struct tarn_join_group_request *request, tarn_join_answer *answer,
                      void *context);
void tarn_groups_sync(struct tarn_groups *groups, const struct tarn_sync_group_request *request,
                      tarn_sync_answer *answer, void *context);
enum tarn_kafka_error tarn_groups_heartbeat(struct tarn_groups *groups,
                                            const struct tarn_heartbeat_request *request);
/* Fills *ret_response with one answer per member of the request (a request of version 0 to 2 has
 * one member, in member_id); what it points to is the request's or the arena's. */
void tarn_groups_leave(struct tarn_groups *groups, const struct tarn_leave_group_request *request,
                       struct tarn_arena *arena, struct tarn_leave_group_response *ret_response);

/* How one group looks; unknown groups are "Dead" (and GROUP_ID_NOT_FOUND from version 6 on). Texts
 * point into the group: use them before anything else happens. */
void tarn_groups_describe(struct tarn_groups *groups, struct tarn_text group_id,
                          int16_t api_version, struct tarn_arena *arena,
                          struct tarn_describe_groups_response_group *ret_group);
void tarn_groups_list(struct tarn_groups *groups, const struct tarn_list_groups_request *request,
                      struct tarn_arena *arena, struct tarn_list_groups_response *ret_response);
/* GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or NONE and the group and its offsets are gone once
 * *ret_position is durable. */
enum tarn_kafka_error tarn_groups_delete(struct tarn_groups *groups, struct tarn_text group_id,
                                         uint64_t *ret_position);

/* ---- offsets ---- */

struct tarn_group_commit {
    struct tarn_text group_id, member_id;
    struct tarn_text instance_id; /* data NULL: none */
    int32_t generation_id;        /* -1: not as a member */
    int16_t api_version;          /* of OffsetCommit; not used for transactions */
};
struct tarn_offset_entry {
    struct tarn_text topic;
    int32_t partition;
    int64_t offset;
    int32_t leader_epoch;        /* -1: not known */
    struct tarn_text metadata;   /* data NULL: none */
    int64_t commit_ms;           /* set by reading; when committing, -1: now */
    enum tarn_kafka_error error; /* entries that have one are left alone; set per entry */
};

/* Stores offsets of one group in one commit of the log. Returns an error for all of them (unknown
 * member, illegal generation, ...) or NONE, and then some entries may have errors of their own.
 * *ret_position is what has to be durable before the answer; 0: nothing. */
enum tarn_kafka_error tarn_groups_commit(struct tarn_groups *groups,
                                         const struct tarn_group_commit *commit,
                                         struct tarn_offset_entry *entries, size_t count,
                                         uint64_t *ret_position);
/* NONE also when there is no offset: then *ret_entry has offset -1. UNSTABLE_OFFSET_COMMIT when
 * `require_stable` and a transaction holds one back. Texts point into the group. */
enum tarn_kafka_error tarn_groups_fetch(struct tarn_groups *groups, struct tarn_text group_id,
                                        struct tarn_text topic, int32_t partition,
                                        bool require_stable, struct tarn_offset_entry *ret_entry);
/* All offsets of a group, sorted by topic and partition, in the arena (texts point into the group);
 * entries that a transaction holds back have UNSTABLE_OFFSET_COMMIT when `require_stable`. */
size_t tarn_groups_fetch_all(struct tarn_groups *groups, struct tarn_text group_id,
                             bool require_stable, struct tarn_arena *arena,
                             struct tarn_offset_entry **ret_entries);
/* Drops offsets (entries name topic and partition). GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or NONE
 * with GROUP_SUBSCRIBED_TO_TOPIC on entries. */
enum tarn_kafka_error tarn_groups_delete_offsets(struct tarn_groups *groups,
                                                 struct tarn_text group_id,
                                                 struct tarn_offset_entry *entries, size_t count,
                                                 uint64_t *ret_position);
/* Drops what is committed for a topic that is gone. */
void tarn_groups_forget_topic(struct tarn_groups *groups, struct tarn_text topic);

/* ---- for the transaction coordinator ----
 *
 * `put` functions add to a commit of the log, with memory from `arena` that has to live until it is
 * written; `keep` functions then do the same in memory. */

/* Whether this member may commit in a transaction (KIP-447), as Kafka decides it. */
enum tarn_kafka_error tarn_groups_check_transactional(struct tarn_groups *groups,
                                                      const struct tarn_group_commit *commit);
/* Offsets that wait for the end of the transaction of `producer_id`; entries with an error are left
 * out. */
void tarn_groups_put_pending(struct tarn_groups *groups, struct tarn_commit *commit,
                             struct tarn_arena *arena, struct tarn_text group_id,
                             int64_t producer_id, struct tarn_offset_entry *entries, size_t count);
void tarn_groups_keep_pending(struct tarn_groups *groups, struct tarn_text group_id,
                              int64_t producer_id, const struct tarn_offset_entry *entries,
                              size_t count);
/* The end of that transaction: pending offsets become the group's, unless newer ones were committed
 * meanwhile, or go. */
void tarn_groups_put_end(struct tarn_groups *groups, struct tarn_commit *commit,
                         struct tarn_arena *arena, int64_t producer_id, bool committed);
void tarn_groups_keep_end(struct tarn_groups *groups, int64_t producer_id, bool committed);

#endif
