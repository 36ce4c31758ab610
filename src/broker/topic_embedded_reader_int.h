/* broker/topic_embedded_reader_int.h -- one reader of the embedded place: what its parts share.
 *
 * Two fetches: one whose records are handed out, one that is on its way meanwhile or waits at the
 * ends of the partitions (parked in the broker, nothing polls). Fetched bytes are not copied:
 * records point into them, or into what a compressed batch was unpacked to. */
#ifndef TARN_BROKER_TOPIC_EMBEDDED_READER_INT_H
#define TARN_BROKER_TOPIC_EMBEDDED_READER_INT_H

#include "broker/log/record_batch.h"
#include "broker/server/timers.h"
#include "broker/topic_embedded_int.h"

/* One partition that is read. */
struct tarn_in_part {
    const char *topic; /* in the reader's part arena */
    int32_t partition;
    int64_t position;     /* of the next record to hand out; or TARN_OFFSET_* before it is known */
    int64_t fetch_offset; /* of the next fetch */
    int64_t visible_end;  /* as the last answer said; -1: not known */
    int64_t retry_us;     /* not asked again before: it failed */
    bool is_paused;
    bool ends;      /* the end has been reached, and nobody was told */
    bool was_ended; /* it has been told of this end */
};

/* One Fetch and its answer. */
struct tarn_in_fetch {
    struct tarn_embedded_reader *reader;
    struct tarn_arena *arena; /* the request; caller's thread while it is not open */
    struct tarn_fetch_request *body;
    size_t *parts; /* of the body's topics, in order */
    size_t part_count;
    bool is_open;                      /* sent, and its answer not dropped */
    bool is_answered, is_refused;      /* under the mutex */
    struct tarn_request *parked;       /* loop thread: while it waits */
    struct tarn_request *kept;         /* holds the answer */
    struct tarn_fetch_response answer; /* what it points to lives with it */
};

/* Where the walk through an answer stands. */
struct tarn_in_cursor {
    struct tarn_in_fetch *fetch; /* NULL: there is none */
    size_t index;                /* of its parts */
    struct tarn_text rest;       /* batches of the part that are left */
    bool *ended;                 /* of the part's aborted transactions: their markers were passed */
    bool in_batch;
    struct tarn_record_reader records;
};

struct tarn_in_member;

struct tarn_embedded_reader {
    struct tarn_topic_reader base;
    struct tarn_embedded *embedded;
    struct tarn_bell bell;
    enum tarn_topic_reset reset;
    bool reads_uncommitted, commits_by_itself;
    size_t fetch_bytes;
    struct tarn_arena *part_arena;
    struct tarn_in_part *parts;
    size_t part_count;
    struct tarn_in_fetch fetches[2];
    struct tarn_in_cursor cursor;
    struct tarn_in_fetch *next; /* the one on its way; NULL: none */
    struct tarn_arena *arena;   /* of the batch that was handed out */
    struct tarn_topic_record *records;
    size_t record_count, record_cap;
    struct tarn_record_reader *used; /* what the handed out records point into */
    size_t used_count, used_cap;
    int64_t committed_us;          /* last commit by itself */
    struct tarn_in_member *member; /* NULL: not subscribed */
    bool is_woken;                 /* under the mutex */
};

static inline struct tarn_embedded_reader *tarn_embedded_reader_of(struct tarn_topic_reader *base)
{
    return (struct tarn_embedded_reader *)base;
}

/* ---- topic_embedded_fetch.c ---- */

/* Asks for what comes next, unless a fetch is open or there is nothing to read. */
CHECKED enum tarn_status tarn_in_fetch_send(struct tarn_embedded_reader *reader,
                                            struct tarn_error *err);
/* Forgets all that was fetched and not handed out. */
void tarn_in_fetch_drop(struct tarn_embedded_reader *reader);
/* Makes the answered fetch the one that is handed out. Fails with the first partition's error. */
CHECKED enum tarn_status tarn_in_fetch_take(struct tarn_embedded_reader *reader,
                                            struct tarn_error *err);
/* Adds records to the batch, up to `max` in all. */
CHECKED enum tarn_status tarn_in_collect(struct tarn_embedded_reader *reader, size_t max,
                                         struct tarn_error *err);
/* Gives back what the last batch pointed into. */
void tarn_in_batch_drop(struct tarn_embedded_reader *reader);

/* ---- topic_embedded_reader.c ---- */

/* Replaces what is read; offsets may be TARN_OFFSET_*. */
CHECKED enum tarn_status tarn_in_assign(struct tarn_embedded_reader *reader,
                                        const struct tarn_topic_offset *offsets, size_t count,
                                        struct tarn_error *err);
/* Commits where it stands, if it does so by itself. */
CHECKED enum tarn_status tarn_in_commit_own(struct tarn_embedded_reader *reader,
                                            struct tarn_error *err);

/* ---- topic_embedded_member.c ---- */

CHECKED enum tarn_status tarn_in_member_join(struct tarn_embedded_reader *reader,
                                             const char *const *topics, size_t count,
                                             const char *instance_id, int64_t session_timeout_ms,
                                             struct tarn_error *err);
/* Takes what has been answered and asks on; from poll. */
CHECKED enum tarn_status tarn_in_member_step(struct tarn_embedded_reader *reader,
                                             struct tarn_error *err);
/* With the mutex held: there is something for step to do. */
bool tarn_in_member_is_due(const struct tarn_in_member *member);
int64_t tarn_in_member_due_us(const struct tarn_in_member *member);
void tarn_in_member_leave(struct tarn_embedded_reader *reader);

/* ---- topic_embedded_assign.c ---- */

/* A ConsumerProtocolSubscription; in `arena`. */
struct tarn_text tarn_subscription_encode(const char *const *topics, size_t count,
                                          struct tarn_arena *arena);
/* What the leader says to each member: by `strategy` ("range", "roundrobin"). */
CHECKED enum tarn_status tarn_assign_members(struct tarn_topics *topics,
                                             const struct tarn_join_group_response *joined,
                                             struct tarn_arena *arena,
                                             struct tarn_sync_group_request *into,
                                             struct tarn_error *err);

#endif
