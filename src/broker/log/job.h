/* broker/log/job.h -- what the owner hands to the background thread; private to broker/log.
 *
 * One job at a time. A job holds copies of what it needs, and runs of full write-ahead files; the
 * owner leaves those alone until it gets the job back. */
#ifndef TARN_BROKER_LOG_JOB_H
#define TARN_BROKER_LOG_JOB_H

#include "broker/log/log_int.h"

enum job_kind { JOB_COPY, JOB_CHECKPOINT, JOB_PREPARE, JOB_COMPACT };

/* One partition's part of a copy: runs go behind segments[0], which is the partition's last segment
 * when `extends`. */
struct copy_item {
    uint32_t partition_id;
    int64_t segment_bytes, segment_ms;
    struct run **runs;
    size_t run_count, run_cap;
    struct segment *segments;
    size_t segment_count, segment_cap;
    bool extends;
};

/* Rewriting a partition's first segments without what newer records replace (compact.c). */
struct compaction {
    uint32_t partition_id;
    struct segment *old; /* copies */
    size_t old_count;
    int64_t cleaned_end;   /* records from here on are new since the last time */
    struct segment *fresh; /* what stands in their place */
    size_t fresh_count, fresh_cap;
    int64_t mapped_end; /* how far the keys of new records fitted into memory */
    int64_t start_offset, now_ms, delete_retention_ms, segment_bytes;
    struct tarn_aborted *aborted;
    size_t aborted_count;
    struct producer_end {
        int64_t producer_id, last_offset;
    } * producers; /* the last batch of each stays, empty if need be */
    size_t producer_count;
};

struct job {
    enum job_kind kind;
    struct tarn_error error;
    int64_t now_ms;
    /* JOB_COPY */
    struct copy_item *items;
    size_t item_count, item_cap;
    uint64_t last_file; /* number of the newest file that is copied */
    /* JOB_CHECKPOINT */
    struct tarn_buffer blob;
    uint64_t sequence;
    char **garbage;
    size_t garbage_count;
    /* JOB_PREPARE */
    struct wal_file *prepared;
    uint64_t wal_name;
    uint32_t capacity;
    bool prewrite;
    /* JOB_COMPACT */
    struct compaction compaction;
};

/* copy.c; any thread */
CHECKED enum tarn_status copy_run_job(struct tarn_log *log, struct job *job,
                                      struct tarn_error *err);
/* copy.c; owner */
struct job *copy_job_new(struct tarn_log *log);
void copy_job_apply(struct tarn_log *log, struct job *job);

/* compact.c */
CHECKED enum tarn_status compact_run_job(struct tarn_log *log, struct job *job,
                                         struct tarn_error *err);
struct job *compact_job_new(struct tarn_log *log, struct tarn_partition *partition);
void compact_job_apply(struct tarn_log *log, struct job *job);
void compact_job_release(struct job *job);

/* retention.c; owner. Drops what is over its time or size; when something has to be looked at again
 * is left in log->deadline_ms. */
void retention_run(struct tarn_log *log);
/* The partition that most needed compaction when retention_run last looked, once; or NULL. */
struct tarn_partition *retention_take_dirtiest(struct tarn_log *log);
/* How many of its segments, from the first on, may be compacted now. */
size_t retention_cleanable(struct tarn_partition *partition);
/* Changes are looked at together, a little later. */
enum { SOON_MS = 200, LATE_MS = 300000 };
/* Records that are older than retention.ms when they arrive stay for LATE_MS, so that somebody can
 * read them: Kafka, too, looks for old segments only every five minutes. */
void retention_arrived(struct tarn_partition *partition, int64_t max_timestamp);
void retention_note(struct tarn_log *log, int64_t due_ms);

#endif
