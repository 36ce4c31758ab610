/* broker/log/log.h -- the broker's storage: one write-ahead log, partitions, and a journal.
 *
 * Every change is one commit: record batches appended to any partitions, partitions created and
 * deleted, keys put into and deleted from the journal. A commit is written with one writev and is
 * there whole or not at all, also after a crash or a power failure. It is visible to readers when
 * tarn_commit_write returns and durable when the sync thread has synced it
 * (tarn_log_wait_durable).
 *
 * Threads. One owner thread (the broker's loop) calls everything in log.h, journal.h and
 * partition.h; there are no locks on its path. The log runs two threads of its own: one syncs, one
 * copies full write-ahead files into segments, compacts and deletes. When they have something to
 * report they call options.wake (from their thread); the owner then calls tarn_log_poll. Without a
 * loop (tests, commands) call tarn_log_wait instead.
 *
 * Folder:
 *   lock              held while open for writing
 *   checkpoint        state at the start of the oldest write-ahead file that is still needed
 *   wal/N.wal         the write-ahead files (wal.h), preallocated and recycled
 *   data/ID/BASE.log  a partition's segments: record batches; BASE.index beside it (segment.h)
 */
#ifndef TARN_BROKER_LOG_LOG_H
#define TARN_BROKER_LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct tarn_commit;
struct tarn_log;
struct tarn_log_io;
struct tarn_partition;
struct tarn_record_batch;
struct tarn_topic_settings;

struct tarn_log_options {
    const char *folder; /* made when missing, unless read_only */
    /* False: nothing is synced, and tarn_log_wait_durable answers at once. For tests. */
    bool durable;
    /* Reads the files of a log that nobody has open (CONFLICT otherwise); changes nothing, so a
     * commit gives PERMISSION. */
    bool read_only;
    /* Wall clock, UTC milliseconds; NULL: the system's. Called on the owner thread only. */
    int64_t (*clock_ms)(void *context);
    void *clock_context;
    /* Called from the log's threads when there is something for tarn_log_poll; must only pass the
     * word on (uv_async_send). NULL: the owner calls tarn_log_wait. */
    void (*wake)(void *context);
    void *wake_context;
    /* Called on the owner thread after a partition's start, end or last stable offset has moved,
     * and when it was deleted (then `gone`, before its memory goes): for parked fetches. Not to
     * commit in. */
    void (*changed)(void *context, struct tarn_partition *partition, bool gone);
    void *changed_context;
    /* Write-ahead files start with the first size and grow to the second under load. 0: 1 MiB, 64
     * MiB. */
    uint32_t wal_first_bytes, wal_max_bytes;
    /* Full write-ahead files that may wait to be copied before commits wait for them. 0: 24.
     * Up to two thirds of them, they wait for a moment in which little is written. */
    uint32_t wal_backlog_files;
    /* How long a producer that sends nothing is remembered. 0: 24 hours. */
    int64_t producer_expiry_ms;
    /* The files; NULL: the system's. Tests put their own here (io.h). */
    const struct tarn_log_io *io;
};

/* What opening found. */
struct tarn_log_recovery {
    bool clean;       /* the last close was complete */
    uint64_t commits; /* read back from the write-ahead files */
    uint64_t scanned_bytes;
    uint64_t cut_bytes; /* of a commit that was not written whole: never acknowledged */
    char cut[200];      /* "" or where and why, for one log line */
};

/* Fills in the defaults: durable, everything else zero. */
void tarn_log_options_init(struct tarn_log_options *options);

/* Opens and recovers. The options' pointers must live as long as the log, `folder` excepted.
 * Partitions exist afterwards (tarn_log_find_partition) but have no settings yet: nothing is
 * deleted or compacted before tarn_partition_configure. Errors: CONFLICT when another process has
 * it open; CORRUPT when a checkpoint or segment that had been made durable is damaged; IO,
 * NO_SPACE, PERMISSION. */
CHECKED enum tarn_status tarn_log_open(const struct tarn_log_options *options,
                                       struct tarn_log **ret_log, struct tarn_error *err);
/* Syncs, stops the threads and frees; waits that are left get CANCELLED. NULL is fine. */
void tarn_log_close(struct tarn_log *log);
const struct tarn_log_recovery *tarn_log_recovery(const struct tarn_log *log);
int64_t tarn_log_now_ms(const struct tarn_log *log);
/* Goes up whenever the log is opened after a crash, so that clients notice offsets that were cut
 * off. What batches get as partition leader epoch. */
int32_t tarn_log_leader_epoch(const struct tarn_log *log);
/* OK, or why commits are refused from now on: after a failed sync nothing is acknowledged any more,
 * because the kernel may have dropped what it could not write; open again to go on. */
enum tarn_status tarn_log_health(const struct tarn_log *log, struct tarn_error *err);
/* Bytes in all files: write-ahead, segments, indexes. */
uint64_t tarn_log_disk_bytes(const struct tarn_log *log);

/* ---- the owner's loop ---- */

/* Delivers what the threads have finished, and does the housekeeping that is due. Cheap. */
void tarn_log_poll(struct tarn_log *log);
/* When tarn_log_poll has to be called again without a wake, in milliseconds of tarn_log_now_ms; -1:
 * not until something changes. Ask after commits and polls. */
int64_t tarn_log_next_deadline_ms(const struct tarn_log *log);
/* Without a loop: waits up to `timeout_ms` for the threads and polls. False: nothing came. */
bool tarn_log_wait(struct tarn_log *log, int64_t timeout_ms);
/* Copies all that is in write-ahead files into segments, runs whatever retention and compaction
 * find to do (`clean`: regardless of the dirty ratio), and writes a checkpoint; waits for it. For
 * tests and `tarn topics compact`. */
CHECKED enum tarn_status tarn_log_settle(struct tarn_log *log, bool clean, struct tarn_error *err);

/* ---- commits ----
 *
 *   struct tarn_commit *commit = tarn_commit_begin(log);
 *   tarn_commit_append(commit, partition, &batch, &base_offset, err)
 *   tarn_commit_put(commit, key, value);
 *   tarn_commit_write(commit, &position, err)
 *
 * One commit at a time. All bytes handed in stay the caller's and have to live until
 * tarn_commit_write returns; nothing is visible before. */

/* Never NULL; the same memory is used again for every commit. */
struct tarn_commit *tarn_commit_begin(struct tarn_log *log);
/* Appends one batch that tarn_batch_validate (from clients) or tarn_batch_builder (our own) gave;
 * its base offset and leader epoch are filled in on the way without touching the caller's bytes. A
 * batch with a producer id changes the producer's state and transactions as Kafka's does (a
 * transactional batch begins a transaction, a control batch ends it); ask
 * tarn_partition_check_producer first, no check is made here. A commit takes at most one batch per
 * producer and partition: INVALID otherwise. */
CHECKED enum tarn_status tarn_commit_append(struct tarn_commit *commit,
                                            struct tarn_partition *partition,
                                            const struct tarn_record_batch *batch,
                                            int64_t *ret_base_offset, struct tarn_error *err);
/* Appends the marker that ends the transaction of (producer_id, producer_epoch) in this partition.
 * Also without an open transaction: it then fences lower epochs. */
CHECKED enum tarn_status tarn_commit_append_marker(struct tarn_commit *commit,
                                                   struct tarn_partition *partition,
                                                   int64_t producer_id, int16_t producer_epoch,
                                                   int32_t coordinator_epoch, bool committed,
                                                   int64_t *ret_offset, struct tarn_error *err);
/* Keys are 1 to 1,024 bytes, values up to 16 MiB: TOO_LARGE comes from tarn_commit_write. The last
 * change of a key in a commit counts. */
void tarn_commit_put(struct tarn_commit *commit, struct tarn_text key, struct tarn_text value);
void tarn_commit_delete(struct tarn_commit *commit, struct tarn_text key);
/* The partition `number` of the topic; usable (and findable) after tarn_commit_write. The pointer
 * is dead when the commit is abandoned or fails. `settings` as in tarn_partition_configure. */
struct tarn_partition *tarn_commit_create_partition(struct tarn_commit *commit,
                                                    const uint8_t topic_id[16], int32_t number,
                                                    const struct tarn_topic_settings *settings);
/* The partition and its records are gone after tarn_commit_write, and the pointer with them. */
void tarn_commit_delete_partition(struct tarn_commit *commit, struct tarn_partition *partition);
/* Records below `offset` are gone for readers after the write, from disk some time later.
 * Offsets outside [start, end] are clamped. */
void tarn_commit_delete_before(struct tarn_commit *commit, struct tarn_partition *partition,
                               int64_t offset);
/* Writes everything; *ret_position is for tarn_log_wait_durable. The commit is over afterwards,
 * whatever the outcome; on an error nothing of it happened. Errors: NO_SPACE and IO (readers go on,
 * and the next commit may succeed), IO after a failed sync (no commit succeeds any more),
 * TOO_LARGE, PERMISSION. May wait for the background thread when it lags by
 * options.wal_backlog_files. */
CHECKED enum tarn_status tarn_commit_write(struct tarn_commit *commit, uint64_t *ret_position,
                                           struct tarn_error *err);
void tarn_commit_abandon(struct tarn_commit *commit);
/* Whether a commit of that size would not have to wait. When it would, records had better come
 * later: after some tarn_log_poll there is room again. */
bool tarn_log_has_room(const struct tarn_log *log, size_t size_bytes);

/* ---- durability ---- */

typedef void tarn_durable_callback(void *context, enum tarn_status status);
/* Calls back on the owner thread, in order of position, when the commit at `position` and all
 * before it are on disk: OK; IO when the sync failed (the outcome is unknown then); CANCELLED when
 * the log is closed. Called within this call when it is durable already. */
void tarn_log_wait_durable(struct tarn_log *log, uint64_t position, tarn_durable_callback *callback,
                           void *context);
/* Forgets all waits with this context; their callbacks are not called. */
void tarn_log_cancel_wait(struct tarn_log *log, void *context);
/* The position up to which everything is on disk, and the last one written. */
uint64_t tarn_log_durable_position(const struct tarn_log *log);
uint64_t tarn_log_position(const struct tarn_log *log);
/* Asks for a sync without waiting for it. */
void tarn_log_request_sync(struct tarn_log *log);
/* The last commit that reached a topic's flush.messages: it has to be on disk before anybody is
 * told of it, as Kafka does it. A sync for it is under way already. */
uint64_t tarn_log_flush_position(const struct tarn_log *log);

/* ---- partitions ---- */

/* NULL when there is none. Hash lookup: the catalog keeps the pointers. */
struct tarn_partition *tarn_log_find_partition(struct tarn_log *log, const uint8_t topic_id[16],
                                               int32_t number);
/* In no order; callback returns false to stop. */
void tarn_log_each_partition(struct tarn_log *log,
                             bool (*callback)(void *context, struct tarn_partition *partition),
                             void *context);

#endif
