/* broker/log/log.c -- opening and closing, and the owner's loop. */
#include "broker/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum {
    WAL_FIRST_BYTES = 1024 * 1024,
    WAL_MAX_BYTES = 64 * 1024 * 1024,
    WAL_BACKLOG_FILES = 24,
    WAL_BACKLOG_MAX = 32,
    COMMIT_META_MAX_BYTES = 256 * 1024 * 1024,
};
static const int64_t producer_expiry_ms = 24 * 3600 * 1000;

void tarn_log_options_init(struct tarn_log_options *options)
{
    *options = (struct tarn_log_options){.durable = true};
}

static void fill_in(struct tarn_log_options *options)
{
    if (options->wal_first_bytes == 0)
        options->wal_first_bytes = WAL_FIRST_BYTES;
    if (options->wal_max_bytes == 0)
        options->wal_max_bytes = WAL_MAX_BYTES;
    if (options->wal_max_bytes < options->wal_first_bytes)
        options->wal_max_bytes = options->wal_first_bytes;
    if (options->wal_backlog_files == 0)
        options->wal_backlog_files = WAL_BACKLOG_FILES;
    if (options->wal_backlog_files > WAL_BACKLOG_MAX)
        options->wal_backlog_files = WAL_BACKLOG_MAX;
    if (options->producer_expiry_ms == 0)
        options->producer_expiry_ms = producer_expiry_ms;
    if (!options->io)
        options->io = &tarn_log_io_system;
}

static enum tarn_status make_folder(struct tarn_log *log, const char *path, struct tarn_error *err)
{
    if (tarn_directory_exists(path))
        return TARN_OK;
    if (log->io->make_folder(log->io->context, path) != 0)
        return tarn_fail_errno(err, "making the folder %s", path);
    return TARN_OK;
}

static enum tarn_status make_folders(struct tarn_log *log, struct tarn_error *err)
{
    if (log->options.read_only) {
        if (!tarn_directory_exists(log->folder))
            return tarn_fail(err, TARN_NOT_FOUND, "opening %s: there is no such folder",
                             log->folder);
        return TARN_OK;
    }
    TARN_TRY(tarn_directory_make(log->folder, err));
    TARN_TRY(make_folder(log, log->wal_folder, err));
    return make_folder(log, log->data_folder, err);
}

static enum tarn_status lock(struct tarn_log *log, struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(log->folder, "lock");
    bool reading = log->options.read_only;
    log->lock_fd = open(path, (reading ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0644);
    if (log->lock_fd < 0 && reading && errno == ENOENT)
        return TARN_OK; /* a folder that was copied without it */
    if (log->lock_fd < 0)
        return tarn_fail_errno(err, "opening %s", path);
    if (flock(log->lock_fd, (reading ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return tarn_fail(err, TARN_CONFLICT,
                             "opening %s: a running broker has it open; stop that one first",
                             log->folder);
        return tarn_fail_errno(err, "locking %s", path);
    }
    return TARN_OK;
}

static void init_sync(struct tarn_log *log)
{
    pthread_mutex_init(&log->sync.mutex, NULL);
    pthread_cond_init(&log->sync.work, NULL);
    pthread_cond_init(&log->sync.done, NULL);
    background_init(log);
    pthread_mutex_init(&log->wake_mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&log->wake_cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void release_sync(struct tarn_log *log)
{
    pthread_mutex_destroy(&log->sync.mutex);
    pthread_cond_destroy(&log->sync.work);
    pthread_cond_destroy(&log->sync.done);
    background_release(log);
    pthread_mutex_destroy(&log->wake_mutex);
    pthread_cond_destroy(&log->wake_cond);
}

static struct tarn_log *log_new(const struct tarn_log_options *options)
{
    struct tarn_log *log = tarn_alloc(sizeof *log);
    log->options = *options;
    fill_in(&log->options);
    log->io = log->options.io;
    log->folder = tarn_strdup(options->folder);
    log->options.folder = log->folder;
    log->wal_folder = tarn_path_join(log->folder, "wal");
    log->data_folder = tarn_path_join(log->folder, "data");
    log->lock_fd = -1;
    log->deadline_ms = log->flush_due_ms = -1;
    log->dirtiest_id = UINT32_MAX;
    log->next_partition_id = 1;
    log->next_generation = 1;
    log->next_wal_bytes = log->options.wal_first_bytes;
    log->journal = journal_new();
    tarn_buffer_init(&log->commit.meta, COMMIT_META_MAX_BYTES);
    init_sync(log);
    return log;
}

static void free_files(struct tarn_log *log, struct wal_file *file)
{
    while (file) {
        struct wal_file *next = file->next;
        wal_file_free(log, file);
        file = next;
    }
}

static void log_free(struct tarn_log *log)
{
    for (size_t i = 0; i < log->by_id_cap; i++) {
        if (log->by_id[i])
            partition_free(log->by_id[i]);
    }
    for (size_t i = 0; i < log->garbage_count; i++)
        free(log->garbage[i]);
    free(log->garbage);
    free(log->by_id);
    free(log->buckets);
    journal_free(log->journal);
    commit_release(&log->commit);
    free_files(log, log->oldest);
    free_files(log, log->spares);
    if (log->lock_fd >= 0)
        close(log->lock_fd);
    free(log->waiters);
    free(log->folder);
    free(log->wal_folder);
    free(log->data_folder);
    release_sync(log);
    free(log);
}

static enum tarn_status open_log(struct tarn_log *log, struct tarn_error *err)
{
    TARN_TRY(make_folders(log, err));
    TARN_TRY(lock(log, err));
    TARN_TRY(recovery_run(log, err));
    if (log->options.read_only)
        return TARN_OK;
    log->folders_unsynced = log->next_wal_name == 1; /* no file was ever made */
    TARN_TRY(sync_start(log, err));
    TARN_TRY(background_start(log, LANE_COPY, err));
    background_poll(log);
    return TARN_OK;
}

static void stop_threads(struct tarn_log *log)
{
    background_stop(log);
    sync_stop(log);
}

enum tarn_status tarn_log_open(const struct tarn_log_options *options, struct tarn_log **ret_log,
                               struct tarn_error *err)
{
    struct tarn_log *log = log_new(options);
    enum tarn_status status = open_log(log, err);
    if (status != TARN_OK) {
        stop_threads(log);
        log_free(log);
        return status;
    }
    *ret_log = log;
    return TARN_OK;
}

void tarn_log_close(struct tarn_log *log)
{
    if (!log)
        return;
    if (log->commit.open)
        tarn_commit_abandon(&log->commit);
    struct tarn_error err;
    if (!log->options.read_only && !atomic_load(&log->failed) &&
        write_clean_close(log, &err) == TARN_OK && log->options.durable)
        (void)!sync_wait(log, log->next_sequence - 1, &err);
    stop_threads(log);
    deliver_durable(log, true);
    log_free(log);
}

const struct tarn_log_recovery *tarn_log_recovery(const struct tarn_log *log)
{
    return &log->recovery;
}

int64_t tarn_log_now_ms(const struct tarn_log *log)
{
    if (log->options.clock_ms)
        return log->options.clock_ms(log->options.clock_context);
    return tarn_now_us() / 1000;
}

int32_t tarn_log_leader_epoch(const struct tarn_log *log)
{
    return log->leader_epoch;
}

enum tarn_status tarn_log_health(const struct tarn_log *log, struct tarn_error *err)
{
    if (!atomic_load(&log->failed))
        return TARN_OK;
    /* Set before `failed`, and not changed afterwards. */
    return tarn_fail(
        err, TARN_IO,
        "%s; what was written since the last sync may be lost, so nothing is taken any "
        "more: look after the disk and start again",
        log->sync.error.text);
}

uint64_t tarn_log_disk_bytes(const struct tarn_log *log)
{
    uint64_t bytes = 0;
    for (const struct wal_file *file = log->oldest; file; file = file->next)
        bytes += file->capacity;
    for (const struct wal_file *file = log->spares; file; file = file->next)
        bytes += file->capacity;
    for (size_t i = 0; i < log->by_id_cap; i++) {
        const struct tarn_partition *partition = log->by_id[i];
        for (size_t j = 0; partition && j < partition->segment_count; j++)
            bytes += partition->segments[j].size_bytes +
                     (uint64_t)partition->segments[j].extent_count * EXTENT_BYTES;
    }
    return bytes;
}

void log_changed(struct tarn_log *log, struct tarn_partition *partition, bool gone)
{
    if (log->options.changed)
        log->options.changed(log->options.changed_context, partition, gone);
}

/* ---- the loop ---- */

void tarn_log_poll(struct tarn_log *log)
{
    atomic_store(&log->woken, false);
    deliver_durable(log, false);
    if (log->options.read_only)
        return;
    if (log->deadline_ms >= 0 && tarn_log_now_ms(log) >= log->deadline_ms)
        retention_run(log);
    if (log->flush_due_ms >= 0 && tarn_log_now_ms(log) >= log->flush_due_ms) {
        log->flush_due_ms = -1;
        tarn_log_request_sync(log);
    }
    background_poll(log);
}

int64_t tarn_log_next_deadline_ms(const struct tarn_log *log)
{
    if (log->flush_due_ms >= 0 && (log->deadline_ms < 0 || log->flush_due_ms < log->deadline_ms))
        return log->flush_due_ms;
    return log->deadline_ms;
}

bool tarn_log_wait(struct tarn_log *log, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&log->wake_mutex);
    int result = 0;
    while (!atomic_load(&log->woken) && result == 0)
        result = pthread_cond_timedwait(&log->wake_cond, &log->wake_mutex, &until);
    bool woken = atomic_load(&log->woken);
    pthread_mutex_unlock(&log->wake_mutex);
    tarn_log_poll(log);
    return woken;
}

static enum tarn_status settle(struct tarn_log *log, struct tarn_error *err)
{
    if (log->current && log->current->last_sequence > 0)
        wal_close_current(log);
    log->checkpoint_wanted = true;
    log->job_error = (struct tarn_error){0};
    log->retry_ms = 0;
    bool looked = false;
    for (;;) {
        for (int lane = 0; lane < LANE_COUNT; lane++)
            background_wait(log, (enum lane)lane);
        background_poll(log);
        TARN_TRY(tarn_log_health(log, err));
        if (log->job_error.status != TARN_OK) {
            *err = log->job_error;
            return err->status;
        }
        if (!background_idle(log)) {
            looked = false;
            continue;
        }
        if (looked)
            return TARN_OK;
        retention_run(log); /* what is in segments now */
        looked = true;
        background_poll(log);
    }
}

enum tarn_status tarn_log_settle(struct tarn_log *log, bool clean, struct tarn_error *err)
{
    if (log->options.read_only)
        return tarn_fail(err, TARN_PERMISSION, "settling %s: it is open for reading only",
                         log->folder);
    log->clean_now = clean;
    enum tarn_status status = settle(log, err);
    log->clean_now = false;
    return status;
}
