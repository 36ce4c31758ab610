/* broker/log/partition.c -- a partition's place in the log, its offsets, and its tail: the batches
 * that lie in write-ahead files. */
#include "base/hash.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

/* ---- coming and going ---- */

static size_t bucket_of(const struct tarn_log *log, const uint8_t topic_id[16], int32_t number)
{
    uint8_t key[20];
    memcpy(key, topic_id, 16);
    le32_put(key + 16, (uint32_t)number);
    return tarn_hash64((struct tarn_text){(char *)key, sizeof key}) & (log->bucket_count - 1);
}

struct tarn_partition *partition_new(struct tarn_log *log, uint32_t id, const uint8_t topic_id[16],
                                     int32_t number)
{
    struct tarn_partition *partition = tarn_alloc(sizeof *partition);
    partition->log = log;
    partition->id = id;
    partition->number = number;
    partition->hint_offset = -1;
    memcpy(partition->topic_id, topic_id, 16);
    return partition;
}

static void grow_buckets(struct tarn_log *log)
{
    size_t old_count = log->bucket_count;
    struct tarn_partition **old = log->buckets;
    log->bucket_count = old_count ? old_count * 2 : 64;
    log->buckets = tarn_alloc_array(log->bucket_count, sizeof *log->buckets);
    for (size_t i = 0; i < old_count; i++) {
        for (struct tarn_partition *at = old[i], *next; at; at = next) {
            next = at->next_in_bucket;
            size_t bucket = bucket_of(log, at->topic_id, at->number);
            at->next_in_bucket = log->buckets[bucket];
            log->buckets[bucket] = at;
        }
    }
    free(old);
}

void partition_link(struct tarn_partition *partition)
{
    struct tarn_log *log = partition->log;
    if (log->partition_count >= log->bucket_count)
        grow_buckets(log);
    size_t bucket = bucket_of(log, partition->topic_id, partition->number);
    partition->next_in_bucket = log->buckets[bucket];
    log->buckets[bucket] = partition;
    size_t old_cap = log->by_id_cap;
    TARN_RESERVE(log->by_id, log->by_id_cap, (size_t)partition->id + 1);
    memset(log->by_id + old_cap, 0, (log->by_id_cap - old_cap) * sizeof *log->by_id);
    log->by_id[partition->id] = partition;
    log->partition_count++;
}

void partition_unlink(struct tarn_partition *partition)
{
    struct tarn_log *log = partition->log;
    struct tarn_partition **at =
        &log->buckets[bucket_of(log, partition->topic_id, partition->number)];
    while (*at != partition)
        at = &(*at)->next_in_bucket;
    *at = partition->next_in_bucket;
    log->by_id[partition->id] = NULL;
    log->partition_count--;
    if (partition->segment_count > 0) {
        for (size_t i = 0; i < partition->segment_count; i++)
            segment_discard(log, partition->id, &partition->segments[i]);
        TARN_RESERVE(log->garbage, log->garbage_cap, log->garbage_count + 1);
        log->garbage[log->garbage_count++] = partition_folder(log, partition->id);
        partition->segment_count = 0;
    }
}

void run_free(struct run *run)
{
    if (run->in_job) { /* the job's end does it */
        run->orphaned = true;
        return;
    }
    free(run->extents);
    free(run);
}

void partition_free(struct tarn_partition *partition)
{
    for (size_t i = 0; i < partition->segment_count; i++)
        segment_close(partition->log, &partition->segments[i]);
    for (size_t i = 0; i < partition->run_count; i++)
        run_free(partition->runs[i]);
    producers_free(partition);
    free(partition->segments);
    free(partition->runs);
    free(partition->open);
    free(partition->aborted);
    free(partition->epochs);
    free(partition);
}

struct tarn_partition *tarn_log_find_partition(struct tarn_log *log, const uint8_t topic_id[16],
                                               int32_t number)
{
    if (log->bucket_count == 0)
        return NULL;
    struct tarn_partition *at = log->buckets[bucket_of(log, topic_id, number)];
    while (at && (at->number != number || memcmp(at->topic_id, topic_id, 16) != 0))
        at = at->next_in_bucket;
    return at;
}

void tarn_log_each_partition(struct tarn_log *log,
                             bool (*callback)(void *context, struct tarn_partition *partition),
                             void *context)
{
    for (size_t i = 0; i < log->by_id_cap; i++) {
        if (log->by_id[i] && !callback(context, log->by_id[i]))
            return;
    }
}

char *partition_folder(const struct tarn_log *log, uint32_t id)
{
    return tarn_format("%s/%u", log->data_folder, id);
}

/* ---- the tail ---- */

struct run *partition_run(struct tarn_partition *partition, struct wal_file *file)
{
    if (partition->run_count > 0 && partition->runs[partition->run_count - 1]->file == file)
        return partition->runs[partition->run_count - 1];
    struct run *run = tarn_alloc(sizeof *run);
    run->file = file;
    TARN_RESERVE(partition->runs, partition->run_cap, partition->run_count + 1);
    partition->runs[partition->run_count++] = run;
    if (partition->run_count == 1)
        retention_note(partition->log, tarn_log_now_ms(partition->log) + SOON_MS);
    return run;
}

void run_add(struct run *run, const struct extent *extent)
{
    if (run->count == run->cap) {
        run->cap = run->cap ? run->cap * 2 : 4;
        run->extents = tarn_realloc_array(run->extents, run->cap, sizeof *run->extents);
    }
    run->extents[run->count++] = *extent;
    run->size_bytes += extent->size_bytes;
}

/* Takes the first `gone` of `count` items off the front. */
static size_t drop_front(void *items, size_t count, size_t gone, size_t size_bytes)
{
    if (gone > 0)
        memmove(items, (char *)items + gone * size_bytes, (count - gone) * size_bytes);
    return count - gone;
}

static void drop_segments(struct tarn_partition *partition)
{
    size_t gone = 0;
    while (gone < partition->segment_count &&
           partition->segments[gone].end_offset <= partition->start_offset &&
           !partition->segments[gone].in_job) {
        partition->size_bytes -= partition->segments[gone].size_bytes;
        segment_discard(partition->log, partition->id, &partition->segments[gone]);
        gone++;
    }
    if (gone == 0)
        return;
    partition->segment_count = drop_front(partition->segments, partition->segment_count, gone,
                                          sizeof *partition->segments);
    partition->hint_offset = -1;
}

static void drop_runs(struct tarn_partition *partition)
{
    size_t gone = 0;
    while (gone < partition->run_count) {
        struct run *run = partition->runs[gone];
        if (extent_end(&run->extents[run->count - 1]) > partition->start_offset)
            break;
        partition->size_bytes -= run->size_bytes;
        run_free(run);
        gone++;
    }
    partition->run_count =
        drop_front(partition->runs, partition->run_count, gone, sizeof *partition->runs);
}

static void drop_history(struct tarn_partition *partition)
{
    size_t gone = 0;
    while (gone < partition->aborted_count &&
           partition->aborted[gone].last_offset < partition->start_offset)
        gone++;
    partition->aborted_count =
        drop_front(partition->aborted, partition->aborted_count, gone, sizeof *partition->aborted);
    gone = 0;
    while (gone + 1 < partition->epoch_count &&
           partition->epochs[gone + 1].start_offset <= partition->start_offset)
        gone++;
    partition->epoch_count =
        drop_front(partition->epochs, partition->epoch_count, gone, sizeof *partition->epochs);
}

void partition_drop_before(struct tarn_partition *partition, int64_t offset)
{
    if (offset > partition->end_offset)
        offset = partition->end_offset;
    if (offset <= partition->start_offset)
        return;
    partition->start_offset = offset;
    if (partition->cleaned_end < offset)
        partition->cleaned_end = offset;
    drop_segments(partition);
    drop_runs(partition);
    drop_history(partition);
}

/* ---- what others ask ---- */

void tarn_partition_configure(struct tarn_partition *partition,
                              const struct tarn_topic_settings *settings)
{
    partition->settings = settings;
    retention_note(partition->log, tarn_log_now_ms(partition->log) + SOON_MS);
}

const struct tarn_topic_settings *tarn_partition_settings(const struct tarn_partition *partition)
{
    return partition->settings;
}

const uint8_t *tarn_partition_topic_id(const struct tarn_partition *partition)
{
    return partition->topic_id;
}

int32_t tarn_partition_number(const struct tarn_partition *partition)
{
    return partition->number;
}

struct tarn_log *tarn_partition_log(const struct tarn_partition *partition)
{
    return partition->log;
}

void tarn_partition_set_user(struct tarn_partition *partition, void *user)
{
    partition->user = user;
}

void *tarn_partition_user(const struct tarn_partition *partition)
{
    return partition->user;
}

int64_t tarn_partition_start_offset(const struct tarn_partition *partition)
{
    return partition->start_offset;
}

int64_t tarn_partition_end_offset(const struct tarn_partition *partition)
{
    return partition->end_offset;
}

int64_t tarn_partition_last_stable_offset(const struct tarn_partition *partition)
{
    if (partition->open_count == 0)
        return partition->end_offset;
    int64_t first = partition->open[0].first_offset;
    return first > partition->start_offset ? first : partition->start_offset;
}

int64_t tarn_partition_size_bytes(const struct tarn_partition *partition)
{
    return partition->size_bytes;
}

int32_t tarn_partition_leader_epoch(const struct tarn_partition *partition)
{
    return partition->epoch_count ? partition->epochs[partition->epoch_count - 1].epoch : -1;
}

void tarn_partition_epoch_end(const struct tarn_partition *partition, int32_t epoch,
                              int32_t *ret_epoch, int64_t *ret_end_offset)
{
    *ret_epoch = -1;
    *ret_end_offset = -1;
    for (size_t i = 0; i < partition->epoch_count; i++) {
        if (partition->epochs[i].epoch > epoch)
            break;
        *ret_epoch = partition->epochs[i].epoch;
        *ret_end_offset = i + 1 < partition->epoch_count ? partition->epochs[i + 1].start_offset
                                                         : partition->end_offset;
    }
}
