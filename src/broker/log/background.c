/* broker/log/background.c -- the thread that copies, writes checkpoints, prepares write-ahead files
 * and compacts: one job at a time, chosen by the owner. */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/clock.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

/* With more commits than that behind the last checkpoint, closing writes another: the next open
 * then need not check them. */
enum { RETRY_MS = 1000, CALM_BYTES_PER_MS = 20 << 10, READ_BACK_COMMITS = 500 };

/* Copying can wait for a quiet moment: below so much per look it is one. */
enum { LOOK_US = 10000, QUIET_BYTES = 1 << 20, FREE_SHARE = 8 };

static void job_free(struct tarn_log *log, struct job *job)
{
    for (size_t i = 0; i < job->item_count; i++) {
        free(job->items[i].runs);
        free(job->items[i].segments);
    }
    free(job->items);
    tarn_buffer_release(&job->blob);
    for (size_t i = 0; i < job->garbage_count; i++)
        free(job->garbage[i]);
    free(job->garbage);
    wal_file_free(log, job->prepared);
    compact_job_release(job);
    free(job);
}

/* ---- the thread ---- */

static enum tarn_status write_checkpoint(struct tarn_log *log, struct job *job,
                                         struct tarn_error *err)
{
    if (log->options.durable)
        TARN_TRY(sync_wait(log, job->sequence, err));
    TARN_TRY(tarn_buffer_check(&job->blob, "a checkpoint", err));
    TARN_TRY(tarn_io_replace(log->io, log->folder, "checkpoint", tarn_buffer_text(&job->blob),
                             log->options.durable, err));
    /* A file that cannot be removed is removed by the next recovery. */
    for (size_t i = 0; i < job->garbage_count; i++)
        (void)log->io->remove(log->io->context, job->garbage[i]);
    return TARN_OK;
}

static enum tarn_status run_job(struct tarn_log *log, struct job *job, struct tarn_error *err)
{
    switch (job->kind) {
    case JOB_COPY:
        background_step_aside(log);
        return copy_run_job(log, job, err);
    case JOB_CHECKPOINT:
        return write_checkpoint(log, job, err);
    case JOB_PREPARE:
        return wal_file_create(log, job->wal_name, job->capacity, job->prewrite, &job->prepared,
                               err);
    case JOB_COMPACT:
        return compact_run_job(log, job, err);
    }
    return TARN_OK;
}

void background_step_aside(struct tarn_log *log)
{
    while (!atomic_load(&log->hurry) && !atomic_load(&log->closing)) {
        uint64_t bytes = atomic_load(&log->written_bytes) - log->looked_bytes;
        int64_t elapsed_us = tarn_monotonic_us() - log->looked_us;
        if (elapsed_us < LOOK_US)
            return;
        log->looked_us += elapsed_us;
        log->looked_bytes += bytes;
        if (bytes / QUIET_BYTES < (uint64_t)(elapsed_us / LOOK_US))
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_US * 1000L}, NULL);
    }
}

void background_note_backlog(struct tarn_log *log)
{
    struct statvfs disk;
    uint64_t free_bytes = UINT64_MAX;
    if (log->full_files > 0 && statvfs(log->folder, &disk) == 0)
        free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t waiting_bytes = (uint64_t)log->full_files * log->next_wal_bytes;
    atomic_store(&log->hurry, log->full_files > log->options.wal_backlog_files * 2 / 3 ||
                                  waiting_bytes > free_bytes / FREE_SHARE);
}

static void *background_main(void *context)
{
    struct background *background = context;
    struct tarn_log *log = background->log;
    pthread_mutex_lock(&background->mutex);
    for (;;) {
        while (!background->queued && !background->stop)
            pthread_cond_wait(&background->work, &background->mutex);
        if (!background->queued)
            break;
        struct job *job = background->running = background->queued;
        background->queued = NULL;
        pthread_mutex_unlock(&background->mutex);
        job->error.status = run_job(log, job, &job->error);
        pthread_mutex_lock(&background->mutex);
        background->running = NULL;
        background->finished = job;
        pthread_cond_broadcast(&background->done);
        pthread_mutex_unlock(&background->mutex);
        log_wake(log);
        pthread_mutex_lock(&background->mutex);
    }
    pthread_mutex_unlock(&background->mutex);
    return NULL;
}

void background_init(struct tarn_log *log)
{
    for (int i = 0; i < LANE_COUNT; i++) {
        log->lanes[i].log = log;
        pthread_mutex_init(&log->lanes[i].mutex, NULL);
        pthread_cond_init(&log->lanes[i].work, NULL);
        pthread_cond_init(&log->lanes[i].done, NULL);
    }
}

void background_release(struct tarn_log *log)
{
    for (int i = 0; i < LANE_COUNT; i++) {
        pthread_mutex_destroy(&log->lanes[i].mutex);
        pthread_cond_destroy(&log->lanes[i].work);
        pthread_cond_destroy(&log->lanes[i].done);
    }
}

enum tarn_status background_start(struct tarn_log *log, enum lane lane, struct tarn_error *err)
{
    struct background *background = &log->lanes[lane];
    if (background->started)
        return TARN_OK;
    int result = pthread_create(&background->thread, NULL, background_main, background);
    errno = result;
    if (result != 0)
        return tarn_fail_errno(err, "starting the thread that keeps %s in order", log->folder);
    background->started = true;
    return TARN_OK;
}

/* ---- the owner's side ---- */

static struct job *checkpoint_job_new(struct tarn_log *log)
{
    struct job *job = tarn_alloc(sizeof *job);
    job->kind = JOB_CHECKPOINT;
    job->sequence = log->next_sequence - 1;
    checkpoint_encode(log, &job->blob);
    job->garbage = log->garbage;
    job->garbage_count = log->garbage_count;
    log->garbage = NULL;
    log->garbage_count = log->garbage_cap = 0;
    log->checkpoint_wanted = false;
    return job;
}

static struct job *prepare_job_new(struct tarn_log *log)
{
    const struct wal_file *file = log->current;
    if (!file || log->spares || file->end < file->capacity / 4 ||
        tarn_log_now_ms(log) < log->prepare_after_ms)
        return NULL;
    struct job *job = tarn_alloc(sizeof *job);
    job->kind = JOB_PREPARE;
    job->wal_name = log->next_wal_name++;
    job->capacity = log->next_wal_bytes;
    /* Syncs into blocks that were written before take half the time. Under load the disk has better
     * things to do, and files that were used before come back soon. */
    job->prewrite = file->end / (tarn_log_now_ms(log) - file->opened_ms + 1) < CALM_BYTES_PER_MS;
    return job;
}

static struct job *next_job(struct tarn_log *log, enum lane lane)
{
    if (lane == LANE_PREPARE)
        return prepare_job_new(log);
    if (lane == LANE_COMPACT) {
        struct tarn_partition *partition = retention_take_dirtiest(log);
        return partition ? compact_job_new(log, partition) : NULL;
    }
    struct job *job = copy_job_new(log);
    if (!job && log->checkpoint_wanted)
        job = checkpoint_job_new(log);
    if (!job && log->garbage_count > 0)
        job = checkpoint_job_new(log);
    return job;
}

static void take_back_garbage(struct tarn_log *log, struct job *job)
{
    for (size_t i = 0; i < job->garbage_count; i++) {
        TARN_RESERVE(log->garbage, log->garbage_cap, log->garbage_count + 1);
        log->garbage[log->garbage_count++] = job->garbage[i];
    }
    job->garbage_count = 0;
    log->checkpoint_wanted = true;
}

static void apply(struct tarn_log *log, struct job *job)
{
    bool ok = job->error.status == TARN_OK;
    if (job->kind == JOB_COPY) {
        copy_job_apply(log, job);
        retention_note(log, tarn_log_now_ms(log) + SOON_MS);
    } else if (job->kind == JOB_COMPACT) {
        compact_job_apply(log, job);
        retention_note(log, tarn_log_now_ms(log) + SOON_MS);
    } else if (job->kind == JOB_CHECKPOINT && ok) {
        log->checkpointed = job->sequence;
        wal_recycle(log);
    } else if (job->kind == JOB_CHECKPOINT) {
        take_back_garbage(log, job);
    } else if (job->prepared) {
        job->prepared->next = log->spares;
        log->spares = job->prepared;
        job->prepared = NULL;
    } else if (!ok) {
        log->prepare_after_ms = tarn_log_now_ms(log) + RETRY_MS;
    }
    if (job->kind == JOB_COMPACT || job->kind == JOB_PREPARE)
        return; /* nothing waits for them, and they look after their own failures */
    log->job_error = job->error;
    log->retry_ms = ok ? 0 : tarn_log_now_ms(log) + RETRY_MS;
    if (!ok)
        retention_note(log, log->retry_ms);
}

static struct job *take_finished(struct background *background, bool *ret_busy)
{
    pthread_mutex_lock(&background->mutex);
    struct job *job = background->finished;
    background->finished = NULL;
    *ret_busy = background->queued || background->running;
    pthread_mutex_unlock(&background->mutex);
    return job;
}

static void start_job(struct background *background, struct job *job)
{
    pthread_mutex_lock(&background->mutex);
    background->queued = job;
    pthread_cond_signal(&background->work);
    pthread_mutex_unlock(&background->mutex);
}

static void poll_lane(struct tarn_log *log, enum lane lane)
{
    bool busy = false;
    struct job *job = log->lanes[lane].started ? take_finished(&log->lanes[lane], &busy) : NULL;
    if (job) {
        apply(log, job);
        job_free(log, job);
    }
    if (busy || atomic_load(&log->failed) || atomic_load(&log->closing) ||
        (log->retry_ms > 0 && tarn_log_now_ms(log) < log->retry_ms))
        return;
    job = next_job(log, lane);
    if (!job)
        return;
    struct tarn_error err;
    if (background_start(log, lane, &err) == TARN_OK) {
        start_job(&log->lanes[lane], job);
        return;
    }
    job->error = err;
    apply(log, job);
    job_free(log, job);
}

void background_poll(struct tarn_log *log)
{
    for (int lane = 0; lane < LANE_COUNT; lane++)
        poll_lane(log, (enum lane)lane);
}

void background_wait(struct tarn_log *log, enum lane lane)
{
    struct background *background = &log->lanes[lane];
    atomic_store(&log->hurry, true);
    pthread_mutex_lock(&background->mutex);
    while (background->queued || background->running)
        pthread_cond_wait(&background->done, &background->mutex);
    pthread_mutex_unlock(&background->mutex);
    background_note_backlog(log);
}

bool background_idle(struct tarn_log *log)
{
    bool idle = true;
    for (int i = 0; i < LANE_COUNT; i++) {
        struct background *background = &log->lanes[i];
        pthread_mutex_lock(&background->mutex);
        idle = idle && !background->queued && !background->running && !background->finished;
        pthread_mutex_unlock(&background->mutex);
    }
    return idle;
}

static void stop_lane(struct background *background)
{
    pthread_mutex_lock(&background->mutex);
    background->stop = true;
    pthread_cond_broadcast(&background->work);
    pthread_mutex_unlock(&background->mutex);
    pthread_join(background->thread, NULL);
    background->started = false;
}

void background_stop(struct tarn_log *log)
{
    atomic_store(&log->closing, true);
    for (int i = 0; i < LANE_COUNT; i++) {
        if (log->lanes[i].started)
            background_wait(log, (enum lane)i);
    }
    background_poll(log);
    for (int i = 0; i < LANE_COUNT; i++) {
        if (log->lanes[i].started)
            stop_lane(&log->lanes[i]);
    }
    bool wanted = log->checkpoint_wanted || log->garbage_count > 0 ||
                  log->next_sequence - 1 > log->checkpointed + READ_BACK_COMMITS;
    if (!log->sync.started || atomic_load(&log->failed) || !wanted)
        return;
    struct job *job = checkpoint_job_new(log);
    job->error.status = run_job(log, job, &job->error);
    apply(log, job);
    job_free(log, job);
}
