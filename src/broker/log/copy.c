/* broker/log/copy.c -- moves the batches of full write-ahead files into the partitions' segments.
 *
 * All full files go in one job, so that each segment is synced once; with many partitions the whole
 * file system is synced instead. Afterwards the owner swaps runs for segments, and a checkpoint
 * makes the write-ahead files free. */
#include <stdio.h>

#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum {
    WINDOW_BYTES = 256 * 1024,
    GAP_MAX_BYTES = 4096,
    SYNC_ALL_ITEMS = 128,      /* from here on one sync of everything is cheaper */
    JOB_MAX_BYTES = 256 << 20, /* then its files are free again before more are copied */
    STEP_BYTES = 4 << 20,      /* between looks whether others need the machine */
};
static const int64_t default_segment_bytes = (int64_t)1 << 30;
static const int64_t default_segment_ms = (int64_t)7 * 24 * 3600 * 1000;

/* ---- owner ---- */

static void gather_runs(struct tarn_partition *partition, struct copy_item *item,
                        uint64_t last_file)
{
    for (size_t i = 0; i < partition->run_count; i++) {
        struct run *run = partition->runs[i];
        if (run->file->number > last_file)
            break;
        run->in_job = true;
        TARN_RESERVE(item->runs, item->run_cap, item->run_count + 1);
        item->runs[item->run_count++] = run;
    }
}

static void add_item(struct job *job, struct tarn_partition *partition)
{
    TARN_RESERVE(job->items, job->item_cap, job->item_count + 1);
    struct copy_item *item = &job->items[job->item_count++];
    const struct tarn_topic_settings *settings = partition->settings;
    *item = (struct copy_item){
        .partition_id = partition->id,
        .segment_bytes = settings ? settings->segment_bytes : default_segment_bytes,
        .segment_ms = settings ? settings->segment_ms : default_segment_ms,
    };
    gather_runs(partition, item, job->last_file);
    if (partition->segment_count > 0 && !partition->segments[partition->segment_count - 1].in_job) {
        TARN_RESERVE(item->segments, item->segment_cap, 1);
        item->segments[item->segment_count++] = partition->segments[partition->segment_count - 1];
        item->segments[0].fd = item->segments[0].index_fd = -1;
        item->extends = true;
        partition->segments[partition->segment_count - 1].in_job = true; /* not to be dropped */
    }
}

/* The partitions with something in a full file; NULL when no file is full. */
struct job *copy_job_new(struct tarn_log *log)
{
    struct wal_file *last = NULL;
    uint64_t bytes = 0;
    for (struct wal_file *file = log->oldest; file && file != log->current; file = file->next) {
        if (file->copied)
            continue;
        if (last && bytes + file->end > JOB_MAX_BYTES)
            break;
        bytes += file->end;
        last = file;
    }
    if (!last)
        return NULL;
    struct job *job = tarn_alloc(sizeof *job);
    job->kind = JOB_COPY;
    job->last_file = last->number;
    job->now_ms = tarn_log_now_ms(log);
    for (size_t i = 0; i < log->by_id_cap; i++) {
        struct tarn_partition *partition = log->by_id[i];
        if (partition && partition->run_count > 0 &&
            partition->runs[0]->file->number <= job->last_file)
            add_item(job, partition);
    }
    return job;
}

/* Replaces the last segment by its longer self, adds the new ones, and forgets the runs. */
static void apply_item(struct tarn_partition *partition, struct copy_item *item)
{
    for (size_t i = 0; i < item->segment_count; i++) {
        if (i == 0 && item->extends) {
            struct segment *last = &partition->segments[partition->segment_count - 1];
            item->segments[0].fd = last->fd;
            item->segments[0].index_fd = last->index_fd;
            partition->size_bytes += (int64_t)item->segments[0].size_bytes - last->size_bytes;
            *last = item->segments[0];
            continue;
        }
        TARN_RESERVE(partition->segments, partition->segment_cap, partition->segment_count + 1);
        partition->segments[partition->segment_count++] = item->segments[i];
        partition->size_bytes += item->segments[i].size_bytes;
    }
    size_t runs = 0;
    while (runs < partition->run_count && partition->runs[runs]->in_job) {
        partition->size_bytes -= partition->runs[runs]->size_bytes;
        runs++;
    }
    partition->run_count -= runs;
    memmove(partition->runs, partition->runs + runs,
            partition->run_count * sizeof *partition->runs);
    partition->hint_offset = -1;
}

static void free_runs(struct copy_item *item, bool copied)
{
    for (size_t i = 0; i < item->run_count; i++) {
        item->runs[i]->in_job = false;
        if (copied || item->runs[i]->orphaned)
            run_free(item->runs[i]);
    }
}

/* Files that the partition does not want any more, because it went or its records did. */
static void discard_new(struct tarn_log *log, struct copy_item *item)
{
    for (size_t i = item->extends; i < item->segment_count; i++)
        segment_discard(log, item->partition_id, &item->segments[i]);
    TARN_RESERVE(log->garbage, log->garbage_cap, log->garbage_count + 1);
    log->garbage[log->garbage_count++] = partition_folder(log, item->partition_id);
}

void copy_job_apply(struct tarn_log *log, struct job *job)
{
    bool copied = job->error.status == TARN_OK;
    for (size_t i = 0; i < job->item_count; i++) {
        struct copy_item *item = &job->items[i];
        struct tarn_partition *partition =
            item->partition_id < log->by_id_cap ? log->by_id[item->partition_id] : NULL;
        if (copied && partition) {
            apply_item(partition, item);
            int64_t start = partition->start_offset;
            partition->start_offset = INT64_MIN; /* look again at what lies before it */
            partition_drop_before(partition, start);
        } else if (copied) {
            discard_new(log, item);
        } else if (partition && item->extends) {
            partition->segments[partition->segment_count - 1].in_job = false;
        }
        free_runs(item, copied);
    }
    if (!copied)
        return;
    for (struct wal_file *file = log->oldest; file && file->number <= job->last_file;
         file = file->next)
        file->copied = true;
    log->checkpoint_wanted = true;
}

/* ---- background ---- */

struct copy {
    struct tarn_log *log;
    struct copy_item *item;
    struct segment_writer writer;
    bool writing;
    bool sync_each;
    char *window;
    size_t window_cap;
    uint32_t step_bytes; /* since the last look */
};

static enum tarn_status finish_segment(struct copy *copy, struct tarn_error *err)
{
    if (!copy->writing)
        return TARN_OK;
    enum tarn_status status = segment_writer_finish(&copy->writer, err);
    segment_writer_release(&copy->writer);
    copy->writing = false;
    return status;
}

static bool must_roll(const struct copy *copy, const struct run *run, const struct extent *extent)
{
    const struct copy_item *item = copy->item;
    const struct segment *last = &item->segments[item->segment_count - 1];
    int64_t largest = item->segment_bytes < INT32_MAX ? item->segment_bytes : INT32_MAX;
    return last->size_bytes > 0 && ((int64_t)last->size_bytes + extent->size_bytes > largest ||
                                    run->file->opened_ms - last->created_ms > item->segment_ms);
}

/* A segment that takes the extent next. */
static enum tarn_status choose_segment(struct copy *copy, const struct run *run,
                                       const struct extent *extent, struct tarn_error *err)
{
    struct copy_item *item = copy->item;
    if (item->segment_count == 0 || must_roll(copy, run, extent)) {
        TARN_TRY(finish_segment(copy, err));
        TARN_RESERVE(item->segments, item->segment_cap, item->segment_count + 1);
        item->segments[item->segment_count++] = (struct segment){
            .base_offset = extent->base_offset,
            .end_offset = extent->base_offset,
            .max_timestamp = -1,
            .created_ms = run->file->opened_ms,
            .cleaned_ms = INT64_MAX,
            .generation = atomic_fetch_add(&copy->log->next_generation, 1),
            .fd = -1,
            .index_fd = -1,
        };
    }
    if (copy->writing)
        return TARN_OK;
    copy->writing = true;
    return segment_writer_open(&copy->writer, copy->log, item->partition_id,
                               &item->segments[item->segment_count - 1], copy->sync_each, err);
}

/* How many extents from `first` on are read together. */
static uint32_t window_of(const struct run *run, uint32_t first, uint32_t *ret_len)
{
    uint32_t start = run->extents[first].position;
    uint32_t end = start + run->extents[first].size_bytes, next = first + 1;
    while (next < run->count && run->extents[next].position - end <= GAP_MAX_BYTES &&
           run->extents[next].position + run->extents[next].size_bytes - start <= WINDOW_BYTES) {
        end = run->extents[next].position + run->extents[next].size_bytes;
        next++;
    }
    *ret_len = end - start;
    return next;
}

static enum tarn_status copy_run(struct copy *copy, const struct run *run, struct tarn_error *err)
{
    for (uint32_t first = 0; first < run->count;) {
        uint32_t len, next = window_of(run, first, &len);
        if (len > copy->window_cap) {
            copy->window_cap = len < WINDOW_BYTES ? WINDOW_BYTES : len;
            copy->window = tarn_realloc_array(copy->window, copy->window_cap, 1);
        }
        if ((copy->step_bytes += len) > STEP_BYTES) {
            background_step_aside(copy->log);
            copy->step_bytes = 0;
        }
        uint32_t start = run->extents[first].position;
        TARN_TRY(tarn_io_read(copy->log->io, run->file->fd, copy->window, len, start,
                              run->file->path, err));
        for (; first < next; first++) {
            const struct extent *extent = &run->extents[first];
            TARN_TRY(choose_segment(copy, run, extent, err));
            TARN_TRY(segment_writer_add(&copy->writer, copy->window + (extent->position - start),
                                        extent, err));
        }
    }
    return TARN_OK;
}

static enum tarn_status copy_item(struct copy *copy, struct tarn_error *err)
{
    for (size_t i = 0; i < copy->item->run_count; i++) {
        if (atomic_load(&copy->log->closing)) /* nothing is lost: the next open starts again */
            return tarn_fail(err, TARN_CANCELLED, "the log is being closed");
        TARN_TRY(copy_run(copy, copy->item->runs[i], err));
    }
    return finish_segment(copy, err);
}

enum tarn_status copy_run_job(struct tarn_log *log, struct job *job, struct tarn_error *err)
{
    struct copy copy = {.log = log};
    copy.sync_each = job->item_count < SYNC_ALL_ITEMS;
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < job->item_count && status == TARN_OK; i++) {
        copy.item = &job->items[i];
        status = copy_item(&copy, err);
    }
    if (copy.writing)
        segment_writer_release(&copy.writer);
    free(copy.window);
    if (status == TARN_OK && !copy.sync_each && log->options.durable &&
        log->io->sync_all(log->io->context, log->lock_fd) != 0)
        status = tarn_fail_errno(err, "syncing %s", log->data_folder);
    return status;
}
