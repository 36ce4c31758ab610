/* broker/log/log_int.h -- what the parts of the log share; private to broker/log.
 *
 * Owner thread: everything, unless it says otherwise. The background thread never touches a
 * partition: it is handed jobs (job.h) with copies, and with runs of write-ahead files that are
 * full and so do not change any more. */
#ifndef TARN_BROKER_LOG_LOG_INT_H
#define TARN_BROKER_LOG_LOG_INT_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "broker/log/bytes.h"
#include "broker/log/io.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/log/record_batch.h"
#include "broker/topics/topic_config.h"

struct job;

/* Where one batch, or several small ones side by side, lies in a file. 32 bytes, on disk
 * little-endian in this order (segment.h). */
struct extent {
    int64_t base_offset;
    int64_t max_timestamp;
    uint32_t position;
    uint32_t size_bytes;
    uint32_t offset_count; /* to the end of its last batch */
    uint32_t batch_count;
};
static inline int64_t extent_end(const struct extent *extent)
{
    return extent->base_offset + extent->offset_count;
}

/* ---- write-ahead files (wal.c) ---- */

struct wal_file {
    struct wal_file *next; /* newer */
    uint64_t number;
    uint64_t first_sequence, last_sequence; /* last 0: empty */
    char *path;
    int fd;
    uint32_t salt;
    uint32_t capacity;
    uint32_t end; /* where the next commit goes */
    bool copied;  /* everything in it is in segments */
    int64_t opened_ms;
};

/* The batches of one partition in one write-ahead file. */
struct run {
    struct wal_file *file;
    struct extent *extents;
    uint32_t count, cap;
    int64_t size_bytes;
    bool in_job;   /* the background thread reads it */
    bool orphaned; /* the partition went meanwhile: the job's end frees it */
};

/* ---- segments (segment.c) ---- */

struct segment {
    int64_t base_offset, end_offset; /* end: behind the last record that was ever in it */
    int64_t max_timestamp;           /* -1: none */
    int64_t created_ms;              /* when its first batch was written, for segment.ms */
    int64_t cleaned_ms;              /* of the earliest delete horizon in it; INT64_MAX: none */
    uint64_t generation;             /* part of the file name; new after compaction */
    uint32_t size_bytes, extent_count;
    int fd, index_fd; /* -1: not open */
    bool in_job;
};

/* ---- producers and transactions (producer.c) ---- */

enum { PRODUCER_BATCHES = 5 };
struct producer_batch {
    int64_t last_offset;
    int64_t timestamp;
    int32_t last_sequence;
    int32_t offset_delta;
};
struct producer {
    int64_t id;
    int64_t last_timestamp;
    int64_t touched_ms; /* wall clock of its last commit, for expiry */
    int64_t transaction_start;
    int64_t last_offset; /* of its last data batch; -1 */
    int32_t coordinator_epoch;
    int16_t epoch;
    int16_t batch_count;
    struct producer_batch batches[PRODUCER_BATCHES]; /* oldest first */
};
struct producer_table {
    struct producer **slots;
    size_t cap, count;
};
struct open_transaction {
    int64_t producer_id, first_offset;
};
struct epoch_start {
    int32_t epoch;
    int64_t start_offset;
};

struct tarn_partition {
    struct tarn_log *log;
    struct tarn_partition *next_in_bucket;
    const struct tarn_topic_settings *settings;
    void *user;
    uint8_t topic_id[16];
    int32_t number;
    uint32_t id; /* never used again */
    int64_t start_offset, end_offset;
    int64_t size_bytes;

    int64_t unflushed;    /* records since flush.messages last asked for a sync */
    uint64_t commit_mark; /* the commit that has appended to it and not been written */
    int64_t pending_end;

    struct segment *segments; /* by offset */
    size_t segment_count, segment_cap;
    struct run **runs; /* by offset, behind the segments */
    size_t run_count, run_cap;

    struct producer_table producers;
    struct open_transaction *open; /* by first offset */
    size_t open_count, open_cap;
    struct tarn_aborted *aborted; /* by last offset */
    size_t aborted_count, aborted_cap;
    struct epoch_start *epochs;
    size_t epoch_count, epoch_cap;

    int64_t late_until_ms;    /* records arrived that were too old already: they stay till then */
    int64_t cleaned_end;      /* compaction has been up to here */
    int64_t compact_after_ms; /* it failed: not before then */

    /* Where the last read stopped: its segment and extent. */
    int64_t hint_offset;
    size_t hint_segment;
    uint32_t hint_extent;
};

/* ---- commits (commit.c) ---- */

enum commit_op {
    OP_APPEND = 1,
    OP_PUT = 2,
    OP_DELETE = 3,
    OP_CREATE = 4,
    OP_DROP = 5,
    OP_DELETE_BEFORE = 6,
    OP_CLEAN_CLOSE = 7,
};
enum { MARKER_BYTES = TARN_BATCH_HEADER_BYTES + 17 };
struct pending_append {
    struct tarn_partition *partition;
    struct tarn_record_batch batch; /* with its new base offset and leader epoch */
    bool is_marker;
    uint8_t marker[MARKER_BYTES]; /* its bytes, then */
};
struct tarn_commit {
    struct tarn_log *log;
    uint64_t mark;
    bool open;
    bool too_large;
    struct tarn_buffer meta; /* entry header and operations */
    uint32_t op_count;
    struct pending_append *appends;
    size_t append_count, append_cap;
    struct tarn_partition **created, **dropped;
    size_t created_count, created_cap, dropped_count, dropped_cap;
    uint8_t *headers; /* patched batch headers, 61 bytes each */
    size_t headers_cap;
    struct iovec *pieces;
    size_t pieces_cap;
};

/* ---- the journal (journal.c) ---- */

struct journal;
struct journal *journal_new(void);
void journal_free(struct journal *journal);
void journal_put(struct journal *journal, struct tarn_text key, struct tarn_text value);
void journal_remove(struct journal *journal, struct tarn_text key);
void journal_each(struct journal *journal, struct tarn_text prefix,
                  bool (*callback)(void *context, struct tarn_text key, struct tarn_text value),
                  void *context);
size_t journal_bytes(const struct journal *journal);

/* ---- the log ---- */

struct waiter {
    uint64_t position;
    tarn_durable_callback *callback; /* NULL: cancelled */
    void *context;
};

/* Between the owner, the sync thread and the background thread; all under `mutex`. */
struct sync_state {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* for the sync thread */
    pthread_cond_t done; /* for whoever waits for a position */
    pthread_t thread;
    bool started, stop, busy;
    uint64_t wanted;
    /* Files with commits that are not synced yet, oldest first; the last one is being written. */
    int files[64];
    size_t file_count;
    struct tarn_error error;
};

/* One thread for what commits wait for in the end, one for compaction, started when first needed.
 */
enum lane { LANE_COPY, LANE_PREPARE, LANE_COMPACT, LANE_COUNT };
struct background {
    struct tarn_log *log;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    pthread_t thread;
    bool started, stop;
    struct job *queued, *running, *finished; /* at most one each */
};

struct tarn_log {
    struct tarn_log_options options;
    const struct tarn_log_io *io;
    char *folder, *wal_folder, *data_folder;
    int lock_fd;
    struct tarn_log_recovery recovery;
    int32_t leader_epoch;
    uint32_t next_partition_id;
    bool folders_unsynced; /* they are new: the first file syncs them, too */
    _Atomic uint64_t next_generation;

    struct tarn_partition **buckets;
    size_t bucket_count, partition_count;
    struct tarn_partition **by_id; /* index: id; NULL when deleted */
    size_t by_id_cap;
    struct journal *journal;
    struct tarn_commit commit;
    uint64_t marks;

    struct wal_file *oldest, *current; /* current NULL: none to write to yet */
    struct wal_file *spares;           /* recycled or prepared */
    uint64_t next_wal_number, next_wal_name;
    uint64_t next_sequence;
    uint32_t next_wal_bytes;
    size_t full_files; /* not free for use again yet */

    _Atomic uint64_t written, durable;
    _Atomic uint64_t written_bytes; /* ever, to tell how much is going on */
    uint64_t looked_bytes; /* how much it was when copying last looked, and when that was */
    int64_t looked_us;
    _Atomic bool hurry;  /* copying must not wait for a quiet moment any more */
    _Atomic bool failed; /* a sync failed; sync.error says how */
    _Atomic bool woken;
    pthread_mutex_t wake_mutex;
    pthread_cond_t wake_cond;
    struct sync_state sync;
    struct waiter *waiters; /* a ring */
    size_t waiter_cap, waiter_first, waiter_count;

    struct background lanes[LANE_COUNT];
    char **garbage; /* files to remove after the next checkpoint */
    size_t garbage_count, garbage_cap;
    bool checkpoint_wanted;
    _Atomic bool closing;  /* no new jobs; those that run give up */
    uint64_t checkpointed; /* the last commit that the checkpoint has */
    struct tarn_error job_error;
    int64_t retry_ms;         /* a failed background job is tried again then */
    int64_t prepare_after_ms; /* preparing a file failed: not before then */
    int64_t deadline_ms;      /* -1: nothing to look after */
    int64_t flush_due_ms;     /* a topic's flush.ms asks for a sync then; -1 */
    uint64_t flush_position;  /* the last commit that a topic's flush.messages wants synced */
    uint32_t dirtiest_id;     /* of the partition to compact next; UINT32_MAX: none */
    bool clean_now;           /* tarn_log_settle(clean) */
    /* Partitions with open segment files, the one opened first at the front of the ring. */
    struct open_segment {
        uint32_t partition_id;
        int64_t base_offset;
    } open_ring[128];
    size_t open_first, open_count;
};

/* wal.c */
enum { WAL_HEADER_BYTES = 64, ENTRY_HEADER_BYTES = 32, COMMIT_MAX_BYTES = 1 << 30 };
CHECKED enum tarn_status wal_write(struct tarn_log *log, struct iovec *pieces, int count,
                                   uint32_t len, struct tarn_error *err);
/* Makes sure that `len` bytes fit into log->current, taking the next file when they do not. */
CHECKED enum tarn_status wal_make_room(struct tarn_log *log, uint32_t len, struct tarn_error *err);
void wal_file_free(struct tarn_log *log, struct wal_file *file);
CHECKED enum tarn_status wal_file_create(struct tarn_log *log, uint64_t number, uint32_t capacity,
                                         bool prewrite, struct wal_file **ret_file,
                                         struct tarn_error *err);
void wal_recycle(struct tarn_log *log);
/* Gives spare files up when nothing has needed one for a while. */
void wal_shrink(struct tarn_log *log);
void wal_close_current(struct tarn_log *log);
bool wal_header_read(const uint8_t header[WAL_HEADER_BYTES], struct wal_file *file);

/* commit.c */
/* Applies a commit's operations; `batch(context, i)` is the i-th appended batch, and `position`
 * where the first of them lies. With `known`, the state has all of it already but where batches
 * lie. */
struct entry {
    const uint8_t *operations;
    size_t operations_len;
    uint32_t count;
    uint32_t batches_at;
    int64_t time_ms;
    bool known;
    bool check_only; /* only whether operations and batches fit together */
};
CHECKED enum tarn_status entry_apply(struct tarn_log *log, struct wal_file *file,
                                     const struct entry *entry,
                                     bool (*batch)(void *context, size_t index, uint32_t position,
                                                   struct tarn_record_batch *ret_batch),
                                     void *context, struct tarn_error *err);
/* The last commit of a log that was closed as it should be. */
CHECKED enum tarn_status write_clean_close(struct tarn_log *log, struct tarn_error *err);
void commit_release(struct tarn_commit *commit);
void log_changed(struct tarn_log *log, struct tarn_partition *partition, bool gone);

/* partition.c */
struct tarn_partition *partition_new(struct tarn_log *log, uint32_t id, const uint8_t topic_id[16],
                                     int32_t number);
void partition_free(struct tarn_partition *partition);
void partition_link(struct tarn_partition *partition);
void partition_unlink(struct tarn_partition *partition);
struct run *partition_run(struct tarn_partition *partition, struct wal_file *file);
void run_add(struct run *run, const struct extent *extent);
void run_free(struct run *run);
void partition_drop_before(struct tarn_partition *partition, int64_t offset);
char *partition_folder(const struct tarn_log *log, uint32_t id);

/* producer.c */
struct producer *producer_find(const struct tarn_partition *partition, int64_t id);
void producer_append(struct tarn_partition *partition, const struct tarn_record_batch *batch,
                     int64_t time_ms);
struct producer *producer_add(struct tarn_partition *partition, int64_t id);
void producers_free(struct tarn_partition *partition);
void producers_expire(struct tarn_partition *partition, int64_t now_ms);

/* sync.c */
CHECKED enum tarn_status sync_start(struct tarn_log *log, struct tarn_error *err);
void sync_stop(struct tarn_log *log);
void sync_file_added(struct tarn_log *log, int fd);
void sync_written(struct tarn_log *log, uint64_t sequence);
void sync_want(struct tarn_log *log, uint64_t position);
/* Any thread. */
CHECKED enum tarn_status sync_wait(struct tarn_log *log, uint64_t position, struct tarn_error *err);
void sync_file_gone(struct tarn_log *log, int fd);
bool log_refuses(struct tarn_log *log, struct tarn_error *err);
void deliver_durable(struct tarn_log *log, bool closing);
void log_wake(struct tarn_log *log);

/* segment.c */
enum { EXTENT_BYTES = 32 };
char *segment_path(const struct tarn_log *log, uint32_t partition_id, int64_t base_offset,
                   uint64_t generation, const char *suffix);
void segment_close(struct tarn_log *log, struct segment *segment);
void segment_discard(struct tarn_log *log, uint32_t partition_id, struct segment *segment);
void extent_encode(const struct extent *extent, uint8_t out[EXTENT_BYTES]);
void extent_decode(const uint8_t in[EXTENT_BYTES], struct extent *ret_extent);
CHECKED enum tarn_status segment_open(struct tarn_partition *partition, struct segment *segment,
                                      struct tarn_error *err);
/* Extents [first, first + count) of the index. */
CHECKED enum tarn_status segment_extents(struct tarn_partition *partition, struct segment *segment,
                                         uint32_t first, uint32_t count, struct extent *ret_extents,
                                         struct tarn_error *err);

/* Appends batches to a segment's files. Any thread. */
struct segment_writer {
    struct tarn_log *log;
    struct segment *segment;
    char *path, *index_path;
    int fd, index_fd;
    bool sync;
    char *out; /* what is not written yet lies before segment->size_bytes */
    size_t out_len;
    struct tarn_buffer index; /* extents that are not written yet */
    struct extent last;       /* still growing; batch_count 0: none */
};
CHECKED enum tarn_status segment_writer_open(struct segment_writer *writer, struct tarn_log *log,
                                             uint32_t partition_id, struct segment *segment,
                                             bool sync, struct tarn_error *err);
CHECKED enum tarn_status segment_writer_add(struct segment_writer *writer, const void *bytes,
                                            const struct extent *extent, struct tarn_error *err);
/* Writes what is left, and syncs. */
CHECKED enum tarn_status segment_writer_finish(struct segment_writer *writer,
                                               struct tarn_error *err);
void segment_writer_release(struct segment_writer *writer);

/* checkpoint.c */
void checkpoint_encode(struct tarn_log *log, struct tarn_buffer *into);
CHECKED enum tarn_status checkpoint_read(struct tarn_log *log, uint64_t *ret_sequence,
                                         uint64_t *ret_wal_number, struct tarn_error *err);

/* recovery.c */
CHECKED enum tarn_status recovery_run(struct tarn_log *log, struct tarn_error *err);

/* background.c */
void background_init(struct tarn_log *log);
CHECKED enum tarn_status background_start(struct tarn_log *log, enum lane lane,
                                          struct tarn_error *err);
/* Lets running jobs end, takes their results in, and writes a last checkpoint if those need one. */
void background_stop(struct tarn_log *log);
void background_release(struct tarn_log *log);
/* Applies what the threads have finished and gives them the next jobs. */
void background_poll(struct tarn_log *log);
/* Waits until a lane has finished what it is doing. */
void background_wait(struct tarn_log *log, enum lane lane);
bool background_idle(struct tarn_log *log);
/* The copying thread: waits while much is being written, unless somebody waits for it. */
void background_step_aside(struct tarn_log *log);
/* Whether so much waits to be copied that it must go on now. */
void background_note_backlog(struct tarn_log *log);

#endif
