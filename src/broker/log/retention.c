/* broker/log/retention.c -- what is dropped over time: segments over retention.ms or
 * retention.bytes, and which partition is compacted next.
 *
 * Nothing ticks: each look notes when the next thing is due, and the owner's timer is set to that.
 * Only what is in segments can be compacted or counted against retention.bytes; a tail that has
 * grown to a segment's size or age makes the log close its write-ahead file, so that it is copied.
 */
#include "broker/log/job.h"
#include "broker/log/log_int.h"

void retention_note(struct tarn_log *log, int64_t due_ms)
{
    if (log->deadline_ms < 0 || due_ms < log->deadline_ms)
        log->deadline_ms = due_ms;
}

/* due = a + b, or never when that is beyond what 64 bits hold. */
static void note_sum(struct tarn_log *log, int64_t a, int64_t b)
{
    int64_t due;
    if (!__builtin_add_overflow(a, b, &due))
        retention_note(log, due);
}

static int64_t newest_in(const struct segment *segment)
{
    return segment->max_timestamp >= 0 ? segment->max_timestamp : segment->created_ms;
}

static bool older_than(int64_t timestamp, int64_t age_ms, int64_t now_ms)
{
    int64_t due;
    return !__builtin_add_overflow(timestamp, age_ms, &due) && due < now_ms;
}

static int64_t newest_in_run(const struct run *run)
{
    int64_t newest = -1;
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->extents[i].max_timestamp > newest)
            newest = run->extents[i].max_timestamp;
    }
    return newest >= 0 ? newest : run->file->opened_ms;
}

void retention_arrived(struct tarn_partition *partition, int64_t max_timestamp)
{
    if (!partition->settings || partition->settings->retention_ms < 0 || max_timestamp < 0)
        return;
    int64_t now_ms = tarn_log_now_ms(partition->log);
    if (older_than(max_timestamp, partition->settings->retention_ms, now_ms))
        partition->late_until_ms = now_ms + LATE_MS;
}

/* Where the log starts when everything that is too old in front is gone. */
static int64_t start_by_time(struct tarn_partition *partition, int64_t now_ms)
{
    int64_t keep_ms = partition->settings->retention_ms, start = partition->start_offset;
    struct tarn_log *log = partition->log;
    if (keep_ms < 0)
        return start;
    if (partition->late_until_ms > now_ms) {
        retention_note(log, partition->late_until_ms);
        return start;
    }
    for (size_t i = 0; i < partition->segment_count; i++) {
        const struct segment *segment = &partition->segments[i];
        if (!older_than(newest_in(segment), keep_ms, now_ms)) {
            note_sum(log, newest_in(segment), keep_ms + 1);
            return start;
        }
        start = segment->end_offset;
    }
    for (size_t i = 0; i < partition->run_count; i++) {
        const struct run *run = partition->runs[i];
        if (run->file == log->current) {
            note_sum(log,
                     run->extents[0].max_timestamp >= 0 ? run->extents[0].max_timestamp
                                                        : run->file->opened_ms,
                     keep_ms + SOON_MS);
            if (!older_than(newest_in_run(run), keep_ms, now_ms))
                return start;
        } else if (!older_than(newest_in_run(run), keep_ms, now_ms)) {
            note_sum(log, newest_in_run(run), keep_ms + 1);
            return start;
        }
        start = extent_end(&run->extents[run->count - 1]);
    }
    return start;
}

static int64_t start_by_size(const struct tarn_partition *partition, int64_t start)
{
    int64_t keep = partition->settings->retention_bytes, size = partition->size_bytes;
    if (keep < 0)
        return start;
    for (size_t i = 0; i < partition->segment_count; i++) {
        const struct segment *segment = &partition->segments[i];
        if (size - segment->size_bytes < keep)
            break;
        size -= segment->size_bytes;
        if (segment->end_offset > start)
            start = segment->end_offset;
    }
    return start;
}

static void drop_old(struct tarn_partition *partition, int64_t now_ms)
{
    int64_t start = start_by_size(partition, start_by_time(partition, now_ms));
    int64_t stable = tarn_partition_last_stable_offset(partition);
    if (start > stable)
        start = stable; /* an open transaction keeps its records */
    if (start <= partition->start_offset)
        return;
    partition_drop_before(partition, start);
    partition->log->checkpoint_wanted = true;
    log_changed(partition->log, partition, false);
}

/* Whether the tail is as large or as old as a segment may be. */
static bool tail_is_full(struct tarn_partition *partition, int64_t now_ms)
{
    const struct tarn_topic_settings *settings = partition->settings;
    bool matters =
        (settings->cleanup_policy & TARN_CLEANUP_COMPACT) || settings->retention_bytes >= 0;
    if (!matters || partition->run_count == 0)
        return false;
    int64_t size = 0;
    for (size_t i = 0; i < partition->run_count; i++)
        size += partition->runs[i]->size_bytes;
    if (size >= settings->segment_bytes)
        return true;
    int64_t opened_ms = partition->runs[0]->file->opened_ms;
    if (older_than(opened_ms, settings->segment_ms, now_ms))
        return true;
    note_sum(partition->log, opened_ms, settings->segment_ms + 1);
    return false;
}

/* ---- compaction ---- */

/* Behind the last segment that may be compacted now: never the last one, nothing in an open
 * transaction, nothing younger than min.compaction.lag.ms. */
static size_t cleanable_count(struct tarn_partition *partition, int64_t now_ms)
{
    int64_t stable = tarn_partition_last_stable_offset(partition);
    int64_t lag_ms = partition->settings->min_compaction_lag_ms;
    size_t count = partition->segment_count;
    if (count > 0 && partition->run_count == 0 && !partition->log->clean_now)
        count--; /* nothing newer yet: it still grows */
    for (size_t i = 0; i < count; i++) {
        const struct segment *segment = &partition->segments[i];
        if (segment->in_job)
            return i;
        if (segment->end_offset > stable)
            return i;
        if (lag_ms > 0 && !older_than(newest_in(segment), lag_ms, now_ms)) {
            note_sum(partition->log, newest_in(segment), lag_ms + 1);
            return i;
        }
    }
    return count;
}

/* How much of what may be compacted has not been; 0 when nothing needs it. */
static double dirtiness(struct tarn_partition *partition, int64_t now_ms)
{
    const struct tarn_topic_settings *settings = partition->settings;
    if (partition->compact_after_ms > now_ms) {
        retention_note(partition->log, partition->compact_after_ms);
        return 0;
    }
    size_t count = cleanable_count(partition, now_ms);
    double clean = 0, dirty = 0;
    bool overdue = false, horizon = false;
    for (size_t i = 0; i < count; i++) {
        const struct segment *segment = &partition->segments[i];
        if (segment->cleaned_ms != INT64_MAX) {
            horizon = horizon || segment->cleaned_ms <= now_ms;
            if (segment->cleaned_ms > now_ms)
                retention_note(partition->log, segment->cleaned_ms);
        }
        if (segment->end_offset <= partition->cleaned_end) {
            clean += segment->size_bytes;
            continue;
        }
        dirty += segment->size_bytes;
        if (older_than(segment->created_ms, settings->max_compaction_lag_ms, now_ms))
            overdue = true;
        else
            note_sum(partition->log, segment->created_ms, settings->max_compaction_lag_ms);
    }
    double ratio = dirty > 0 ? dirty / (clean + dirty) : 0;
    if (dirty > 0 && (overdue || partition->log->clean_now))
        return 1 + ratio;
    if (ratio > 0 && ratio >= settings->min_cleanable_dirty_ratio)
        return ratio;
    return horizon && clean > 0 ? 0.0001 : 0;
}

struct tarn_partition *retention_take_dirtiest(struct tarn_log *log)
{
    uint32_t id = log->dirtiest_id;
    log->dirtiest_id = UINT32_MAX;
    struct tarn_partition *partition = id < log->by_id_cap ? log->by_id[id] : NULL;
    return partition && partition->settings ? partition : NULL;
}

size_t retention_cleanable(struct tarn_partition *partition)
{
    return cleanable_count(partition, tarn_log_now_ms(partition->log));
}

void retention_run(struct tarn_log *log)
{
    int64_t now_ms = tarn_log_now_ms(log);
    double dirtiest = 0;
    bool full = false;
    log->deadline_ms = log->retry_ms > now_ms ? log->retry_ms : -1;
    log->dirtiest_id = UINT32_MAX;
    wal_shrink(log);
    for (size_t i = 0; i < log->by_id_cap; i++) {
        struct tarn_partition *partition = log->by_id[i];
        if (!partition || !partition->settings)
            continue;
        if (partition->settings->cleanup_policy & TARN_CLEANUP_DELETE)
            drop_old(partition, now_ms);
        full = tail_is_full(partition, now_ms) || full;
        if (!(partition->settings->cleanup_policy & TARN_CLEANUP_COMPACT))
            continue;
        double dirty = dirtiness(partition, now_ms);
        if (dirty > dirtiest) {
            dirtiest = dirty;
            log->dirtiest_id = partition->id;
        }
    }
    if (full && log->current && log->current->last_sequence > 0 &&
        log->full_files < log->options.wal_backlog_files)
        wal_close_current(log);
}
