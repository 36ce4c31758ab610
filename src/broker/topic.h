/* broker/topic.h -- topics as the rest of Tarn reads and writes them, wherever they live.
 *
 * One interface over three places: the broker inside this process (straight to its handlers, no
 * socket), any Kafka cluster (through librdkafka), and the files of an embedded broker that is not
 * running. Semantics are Kafka's in all three: offsets, groups, transactions, configs mean the
 * same, and the same tests run on each.
 *
 * Threads. A tarn_topics may be used from any number of threads at once. A writer or a reader
 * belongs to one thread at a time; only tarn_topic_reader_wake may be called from another.
 * Callbacks run inside a call on the caller's own thread. Memory. What a function returns lives in
 * the arena it was given; a polled batch lives until the next poll, seek or close of its reader.
 * Texts passed in are copied before the call returns. A writer holds at most `buffer_bytes`, a
 * reader at most about twice `fetch_bytes`. Close readers and writers before their tarn_topics, and
 * that before the broker behind it. */
#ifndef TARN_BROKER_TOPIC_H
#define TARN_BROKER_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct tarn_broker;
struct tarn_topics;
struct tarn_topic_writer;
struct tarn_topic_reader;

/* Places in a partition that are not numbers yet. */
enum {
    TARN_OFFSET_END = -1,       /* behind the last record */
    TARN_OFFSET_BEGINNING = -2, /* the first record that is still there */
    TARN_OFFSET_COMMITTED = -3, /* where the group stands; its reset rule when it stands nowhere */
    TARN_OFFSET_NONE = -1001,   /* unknown, nothing committed */
};

/* ---- connecting ---- */

/* One client property by librdkafka's name: security.protocol, sasl.mechanisms, sasl.username, ...
 */
struct tarn_topic_property {
    const char *name;
    const char *value;
};

struct tarn_topics_options {
    /* "embedded": `broker` of this process.
     * "offline": the files in `directory` (<data>/broker), no broker running.
     * "host:port[,host:port...]": a cluster. */
    const char *address;
    struct tarn_broker *broker;
    const char *directory;
    bool read_only; /* offline: changes nothing in the files, and cannot write */
    /* The cluster's client; ignored by the other two. */
    const struct tarn_topic_property *properties;
    size_t property_count;
    const char *client_id; /* NULL: "tarn" */
    int64_t timeout_ms;    /* the longest that one admin call waits; 0: 30 s */
};

/* Errors: CONFIG for a wrong property; IO or TIMEOUT when no broker of the cluster answers, naming
 * the address; NOT_FOUND without files; CONFLICT when a broker runs on the files (offline). */
CHECKED enum tarn_status tarn_topics_open(const struct tarn_topics_options *options,
                                          struct tarn_topics **ret_topics, struct tarn_error *err);
void tarn_topics_close(struct tarn_topics *topics); /* NULL is fine */
/* "embedded", "offline", or the cluster's address. */
const char *tarn_topics_address(const struct tarn_topics *topics);

/* ---- records ---- */

struct tarn_topic_header {
    struct tarn_text key;
    struct tarn_text value; /* data NULL: null */
};

struct tarn_topic_record {
    const char *topic;
    int32_t partition;      /* writing: -1 chooses by key, or spreads */
    int64_t offset;         /* writing: ignored */
    int64_t timestamp_ms;   /* since 1970, UTC; writing: -1 means now */
    bool is_append_time;    /* the broker's clock instead of the writer's */
    struct tarn_text key;   /* data NULL: null */
    struct tarn_text value; /* data NULL: null (a tombstone on a compacted topic) */
    const struct tarn_topic_header *headers;
    size_t header_count;
    void *opaque; /* writing: handed back with the delivery */
};

/* ---- writing ---- */

struct tarn_topic_delivery {
    const char *topic;
    int32_t partition;
    int64_t offset; /* -1 when it failed, or when it is not known (acks 0) */
    int64_t timestamp_ms;
    enum tarn_status status;
    const char *error; /* NULL when delivered */
    void *opaque;
};
typedef void (*tarn_topic_delivered)(void *context, const struct tarn_topic_delivery *delivery);

enum tarn_topic_acks {
    TARN_ACKS_ALL = 0, /* on disk */
    TARN_ACKS_LEADER,  /* written, not synced */
    TARN_ACKS_NONE,    /* sent */
};

struct tarn_topic_writer_options {
    enum tarn_topic_acks acks;
    bool is_idempotent;           /* no duplicates when something is sent again */
    const char *transactional_id; /* not NULL: transactions; idempotent and acks all come with it */
    int64_t transaction_timeout_ms; /* 0: 60 s */
    const char *compression;        /* none, gzip, snappy, lz4, zstd; NULL: none */
    int64_t linger_ms;              /* how long a batch may wait for company; 0: not at all */
    size_t batch_bytes;             /* 0: 1,000,000 */
    size_t buffer_bytes;            /* 0: 64 MiB; a write waits while that much is on its way */
    int64_t delivery_timeout_ms;    /* 0: 120 s */
    tarn_topic_delivered delivered; /* called from write, poll and flush; NULL: only flush tells */
    void *context;
};

/* With a transactional id this fences earlier writers of that id and aborts what they left open. */
CHECKED enum tarn_status tarn_topic_writer_open(struct tarn_topics *topics,
                                                const struct tarn_topic_writer_options *options,
                                                struct tarn_topic_writer **ret_writer,
                                                struct tarn_error *err);
/* Drops what was not flushed and aborts an open transaction. NULL is fine. */
void tarn_topic_writer_close(struct tarn_topic_writer *writer);

/* Takes one record; it is on its way without any further call. Waits while the buffer is full.
 * Errors, at once or with the delivery: TOO_LARGE, NOT_FOUND (no such partition), INVALID (outside
 * of a transaction). */
CHECKED enum tarn_status tarn_topic_write(struct tarn_topic_writer *writer,
                                          const struct tarn_topic_record *record,
                                          struct tarn_error *err);
/* Calls `delivered` for what has become known; waits up to timeout_ms for the first. */
void tarn_topic_writer_poll(struct tarn_topic_writer *writer, int64_t timeout_ms);
/* Waits until every record written so far is delivered or has failed. Fails with the first failure
 * since the last flush, TIMEOUT when something is still on its way (timeout_ms -1: no limit). */
CHECKED enum tarn_status tarn_topic_writer_flush(struct tarn_topic_writer *writer,
                                                 int64_t timeout_ms, struct tarn_error *err);

/* Transactions: begin, write..., send_offsets..., then commit or abort. Records and offsets of one
 * transaction become visible to read_committed readers together or never. */
enum tarn_topic_writer_state {
    TARN_WRITER_READY,      /* may write, begin or commit */
    TARN_WRITER_MUST_ABORT, /* the open transaction can only be aborted; then all is well again */
    TARN_WRITER_FAILED,     /* for good (fenced by a newer writer): close it */
};
enum tarn_topic_writer_state tarn_topic_writer_state(const struct tarn_topic_writer *writer);
CHECKED enum tarn_status tarn_topic_writer_begin(struct tarn_topic_writer *writer,
                                                 struct tarn_error *err);
/* Puts the reader's offsets into the transaction as its group's: `offsets` (each the next to be
 * read), or with NULL where the reader stands. The reader has a group. */
struct tarn_topic_offset;
CHECKED enum tarn_status tarn_topic_writer_send_offsets(struct tarn_topic_writer *writer,
                                                        struct tarn_topic_reader *reader,
                                                        const struct tarn_topic_offset *offsets,
                                                        size_t count, struct tarn_error *err);
/* Flushes, then commits. A failed commit leaves the state that says what may be done. */
CHECKED enum tarn_status tarn_topic_writer_commit(struct tarn_topic_writer *writer,
                                                  struct tarn_error *err);
CHECKED enum tarn_status tarn_topic_writer_abort(struct tarn_topic_writer *writer,
                                                 struct tarn_error *err);

/* ---- reading ---- */

struct tarn_topic_offset {
    const char *topic;
    int32_t partition;
    int64_t offset;            /* or TARN_OFFSET_* */
    struct tarn_text metadata; /* committed along with the offset; data NULL: none */
};

/* When partitions come and go in a group; called from poll and close. Before `revoked` returns the
 * reader may still commit. */
typedef void (*tarn_topic_rebalanced)(void *context, struct tarn_topic_reader *reader, bool revoked,
                                      const struct tarn_topic_offset *partitions, size_t count);

enum tarn_topic_reset { TARN_RESET_EARLIEST, TARN_RESET_LATEST, TARN_RESET_FAIL };

struct tarn_topic_reader_options {
    const char *group;                /* NULL: none; then only assign */
    const char *instance_id;          /* static member; NULL: dynamic */
    enum tarn_topic_reset reset;      /* without a (valid) offset */
    bool reads_uncommitted;           /* default: only what committed transactions wrote */
    bool commits_by_itself;           /* every 5 s and on close, what poll handed out before */
    int64_t session_timeout_ms;       /* 0: 45 s */
    size_t fetch_bytes;               /* 0: 4 MiB; at least one batch comes however large it is */
    tarn_topic_rebalanced rebalanced; /* NULL: no need to know */
    void *context;
};

CHECKED enum tarn_status tarn_topic_reader_open(struct tarn_topics *topics,
                                                const struct tarn_topic_reader_options *options,
                                                struct tarn_topic_reader **ret_reader,
                                                struct tarn_error *err);
void tarn_topic_reader_close(struct tarn_topic_reader *reader); /* leaves the group; NULL is fine */

/* Reads exactly these partitions from these offsets; replaces what was assigned or subscribed. */
CHECKED enum tarn_status tarn_topic_reader_assign(struct tarn_topic_reader *reader,
                                                  const struct tarn_topic_offset *offsets,
                                                  size_t count, struct tarn_error *err);
/* Shares the topics with the other members of its group. A name that starts with '^' is a regular
 * expression over topic names. Not for offline. */
CHECKED enum tarn_status tarn_topic_reader_subscribe(struct tarn_topic_reader *reader,
                                                     const char *const *topics, size_t count,
                                                     struct tarn_error *err);
/* What it reads now, each with its position; in `arena`. */
CHECKED enum tarn_status tarn_topic_reader_assignment(struct tarn_topic_reader *reader,
                                                      struct tarn_arena *arena,
                                                      struct tarn_topic_offset **ret_offsets,
                                                      size_t *ret_count, struct tarn_error *err);

struct tarn_topic_records {
    const struct tarn_topic_record *items; /* in order of offset within a partition */
    size_t count;
};

/* The next records, up to max_records; waits up to timeout_ms (-1: no limit) for the first. None
 * and TARN_OK: nothing came in time, it was woken, or it reached the end of a partition. Positions
 * move behind what is returned, and at the end of a partition behind what nobody gets to see
 * (markers of transactions, aborted records). Errors: NOT_FOUND (topic deleted), INVALID (offset
 * out of range with TARN_RESET_FAIL), CORRUPT, IO; the reader stays usable. */
CHECKED enum tarn_status tarn_topic_reader_poll(struct tarn_topic_reader *reader,
                                                size_t max_records, int64_t timeout_ms,
                                                struct tarn_topic_records *ret_records,
                                                struct tarn_error *err);
/* From any thread: the poll that waits, or the next one, returns at once. */
void tarn_topic_reader_wake(struct tarn_topic_reader *reader);

CHECKED enum tarn_status tarn_topic_reader_seek(struct tarn_topic_reader *reader, const char *topic,
                                                int32_t partition, int64_t offset,
                                                struct tarn_error *err);
CHECKED enum tarn_status tarn_topic_reader_pause(struct tarn_topic_reader *reader,
                                                 const char *topic, int32_t partition,
                                                 bool is_paused, struct tarn_error *err);
/* The offset that poll returns next; TARN_OFFSET_NONE before it is known. */
CHECKED enum tarn_status tarn_topic_reader_position(struct tarn_topic_reader *reader,
                                                    const char *topic, int32_t partition,
                                                    int64_t *ret_offset, struct tarn_error *err);
/* How many offsets lie between the position and the end that this reader may see (the last stable
 * offset, or the end when it reads uncommitted). */
CHECKED enum tarn_status tarn_topic_reader_lag(struct tarn_topic_reader *reader, const char *topic,
                                               int32_t partition, int64_t *ret_lag,
                                               struct tarn_error *err);
/* Commits the group's offsets (each the next to be read) and waits until they are durable; NULL
 * commits where the reader stands. CONFLICT: the partitions belong to another member by now. */
CHECKED enum tarn_status tarn_topic_reader_commit(struct tarn_topic_reader *reader,
                                                  const struct tarn_topic_offset *offsets,
                                                  size_t count, struct tarn_error *err);
/* What the group has committed; TARN_OFFSET_NONE where nothing. Fills in offset and metadata. */
CHECKED enum tarn_status tarn_topic_reader_committed(struct tarn_topic_reader *reader,
                                                     struct tarn_arena *arena,
                                                     struct tarn_topic_offset *offsets,
                                                     size_t count, struct tarn_error *err);

/* ---- topics ---- */

struct tarn_topic_partition_info {
    int32_t partition;
    int32_t leader; /* -1: none */
    int32_t replica_count, in_sync_count;
    int64_t start_offset, end_offset; /* of tarn_topic_describe only */
};

struct tarn_topic_config_entry {
    const char *name;
    const char *value;  /* NULL: sensitive, or (altering) back to its default */
    const char *source; /* "topic", "broker", "default"; NULL when altering */
    bool is_default, is_read_only;
};

struct tarn_topic_info {
    const char *name;
    char id[37]; /* UUID; "" when the cluster does not tell */
    bool is_internal;
    struct tarn_topic_partition_info *partitions;
    size_t partition_count;
    struct tarn_topic_config_entry *configs; /* of tarn_topic_describe only; sorted by name */
    size_t config_count;
};

/* All topics, sorted by name, without offsets and configs. */
CHECKED enum tarn_status tarn_topic_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                         struct tarn_topic_info **ret_topics, size_t *ret_count,
                                         struct tarn_error *err);
/* One topic in the same way. NOT_FOUND; never makes it. */
CHECKED enum tarn_status tarn_topic_find(struct tarn_topics *topics, const char *name,
                                         struct tarn_arena *arena,
                                         struct tarn_topic_info *ret_topic, struct tarn_error *err);
CHECKED enum tarn_status tarn_topic_describe(struct tarn_topics *topics, const char *name,
                                             struct tarn_arena *arena,
                                             struct tarn_topic_info *ret_topic,
                                             struct tarn_error *err);
/* partitions -1, replicas -1: the broker's default. EXISTS, INVALID (name, config). Ready to be
 * written when it returns. */
CHECKED enum tarn_status tarn_topic_create(struct tarn_topics *topics, const char *name,
                                           int32_t partitions, int16_t replicas,
                                           const struct tarn_topic_config_entry *configs,
                                           size_t config_count, struct tarn_error *err);
CHECKED enum tarn_status tarn_topic_delete(struct tarn_topics *topics, const char *name,
                                           struct tarn_error *err);
/* Up to `total` partitions. */
CHECKED enum tarn_status tarn_topic_add_partitions(struct tarn_topics *topics, const char *name,
                                                   int32_t total, struct tarn_error *err);
/* Changes only the named configs. */
CHECKED enum tarn_status tarn_topic_alter(struct tarn_topics *topics, const char *name,
                                          const struct tarn_topic_config_entry *configs,
                                          size_t count, struct tarn_error *err);
/* Makes `offset` the partition's first; TARN_OFFSET_END empties it. */
CHECKED enum tarn_status tarn_topic_delete_records(struct tarn_topics *topics, const char *name,
                                                   int32_t partition, int64_t offset,
                                                   struct tarn_error *err);
CHECKED enum tarn_status tarn_topic_watermarks(struct tarn_topics *topics, const char *name,
                                               int32_t partition, int64_t *ret_start,
                                               int64_t *ret_end, struct tarn_error *err);
/* The first offset whose record is not older than `time_ms`; the end when all are older. */
CHECKED enum tarn_status tarn_topic_offset_at(struct tarn_topics *topics, const char *name,
                                              int32_t partition, int64_t time_ms,
                                              int64_t *ret_offset, struct tarn_error *err);

/* ---- groups ---- */

struct tarn_topic_group {
    const char *name;
    const char *state;         /* Empty, PreparingRebalance, CompletingRebalance, Stable, Dead */
    const char *protocol_type; /* "consumer" */
};
struct tarn_topic_group_member {
    const char *member_id, *instance_id, *client_id, *host; /* instance_id NULL: dynamic */
    struct tarn_topic_offset *assigned;                     /* offsets not set */
    size_t assigned_count;
};
struct tarn_topic_group_offset {
    const char *topic;
    int32_t partition;
    int64_t committed;  /* TARN_OFFSET_NONE: nothing */
    int64_t end_offset; /* -1: the topic is gone */
    int64_t lag;        /* -1: unknown */
    struct tarn_text metadata;
    const char *member_id; /* who reads it; NULL: nobody */
};
struct tarn_topic_group_info {
    struct tarn_topic_group group;
    const char *assignor;
    struct tarn_topic_group_member *members;
    size_t member_count;
    struct tarn_topic_group_offset *offsets; /* sorted by topic and partition */
    size_t offset_count;
};

CHECKED enum tarn_status tarn_topic_group_list(struct tarn_topics *topics, struct tarn_arena *arena,
                                               struct tarn_topic_group **ret_groups,
                                               size_t *ret_count, struct tarn_error *err);
/* NOT_FOUND when there is no such group. */
CHECKED enum tarn_status tarn_topic_group_describe(struct tarn_topics *topics, const char *group,
                                                   struct tarn_arena *arena,
                                                   struct tarn_topic_group_info *ret_info,
                                                   struct tarn_error *err);
/* Sets committed offsets of a group that has no members (CONFLICT otherwise); makes the group when
 * it is not there. TARN_OFFSET_BEGINNING and _END are understood. */
CHECKED enum tarn_status tarn_topic_group_reset(struct tarn_topics *topics, const char *group,
                                                const struct tarn_topic_offset *offsets,
                                                size_t count, struct tarn_error *err);
/* A group without members and all it committed. */
CHECKED enum tarn_status tarn_topic_group_delete(struct tarn_topics *topics, const char *group,
                                                 struct tarn_error *err);

#endif
