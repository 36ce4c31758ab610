/* broker/log/sync.c -- the thread that makes commits durable.
 *
 * It syncs whenever the sync before has ended and somebody waits: no timer, so that one waiter is
 * served at once, and many share a sync. Files are synced oldest first; a position counts as
 * durable only when everything before it is. After a failed sync nothing is durable any more: the
 * kernel may have dropped the pages and report success next time. */
#include <errno.h>
#include <time.h>

#include "broker/log/log_int.h"

void log_wake(struct tarn_log *log)
{
    if (atomic_exchange(&log->woken, true))
        return;
    if (log->options.wake)
        log->options.wake(log->options.wake_context);
    pthread_mutex_lock(&log->wake_mutex);
    pthread_cond_broadcast(&log->wake_cond);
    pthread_mutex_unlock(&log->wake_mutex);
}

/* With the mutex held, which is let go during the sync. */
static void sync_once(struct tarn_log *log)
{
    struct sync_state *sync = &log->sync;
    uint64_t target = atomic_load(&log->written);
    size_t count = sync->file_count;
    int fds[TARN_COUNT(sync->files)];
    for (size_t i = 0; i < count; i++)
        fds[i] = sync->files[i];
    sync->busy = true;
    pthread_mutex_unlock(&sync->mutex);

    struct tarn_error error = {0};
    for (size_t i = 0; i < count && error.status == TARN_OK; i++) {
        if (log->io->sync(log->io->context, fds[i]) != 0)
            (void)tarn_fail_errno(&error, "syncing the write-ahead log in %s", log->wal_folder);
    }

    pthread_mutex_lock(&sync->mutex);
    sync->busy = false;
    if (error.status != TARN_OK) {
        sync->error = error;
        atomic_store(&log->failed, true);
    } else {
        atomic_store(&log->durable, target);
        /* All but the last of them are full and whole on disk now. */
        size_t done = count > 0 ? count - 1 : 0;
        sync->file_count -= done;
        memmove(sync->files, sync->files + done, sync->file_count * sizeof sync->files[0]);
    }
    pthread_cond_broadcast(&sync->done);
}

static void *sync_main(void *context)
{
    struct tarn_log *log = context;
    struct sync_state *sync = &log->sync;
    pthread_mutex_lock(&sync->mutex);
    while (!sync->stop) {
        if (sync->wanted <= atomic_load(&log->durable) || atomic_load(&log->failed)) {
            pthread_cond_wait(&sync->work, &sync->mutex);
            continue;
        }
        sync_once(log);
        pthread_mutex_unlock(&sync->mutex);
        log_wake(log);
        pthread_mutex_lock(&sync->mutex);
    }
    pthread_mutex_unlock(&sync->mutex);
    return NULL;
}

enum tarn_status sync_start(struct tarn_log *log, struct tarn_error *err)
{
    if (!log->options.durable)
        return TARN_OK;
    int result = pthread_create(&log->sync.thread, NULL, sync_main, log);
    errno = result;
    if (result != 0)
        return tarn_fail_errno(err, "starting the thread that syncs %s", log->folder);
    log->sync.started = true;
    return TARN_OK;
}

void sync_stop(struct tarn_log *log)
{
    if (!log->sync.started)
        return;
    pthread_mutex_lock(&log->sync.mutex);
    log->sync.stop = true;
    pthread_cond_broadcast(&log->sync.work);
    pthread_mutex_unlock(&log->sync.mutex);
    pthread_join(log->sync.thread, NULL);
    log->sync.started = false;
}

void sync_file_added(struct tarn_log *log, int fd)
{
    if (!log->options.durable)
        return;
    pthread_mutex_lock(&log->sync.mutex);
    assert(log->sync.file_count < TARN_COUNT(log->sync.files));
    log->sync.files[log->sync.file_count++] = fd;
    pthread_mutex_unlock(&log->sync.mutex);
}

static bool is_listed(const struct sync_state *sync, int fd)
{
    for (size_t i = 0; i < sync->file_count; i++) {
        if (sync->files[i] == fd)
            return true;
    }
    return false;
}

void sync_file_gone(struct tarn_log *log, int fd)
{
    struct sync_state *sync = &log->sync;
    if (!log->options.durable)
        return;
    pthread_mutex_lock(&sync->mutex);
    /* a sync that runs has only files that are still in the list */
    while (sync->busy && is_listed(sync, fd))
        pthread_cond_wait(&sync->done, &sync->mutex);
    for (size_t i = 0; i < sync->file_count; i++) {
        if (sync->files[i] == fd)
            memmove(sync->files + i, sync->files + i + 1,
                    (--sync->file_count - i) * sizeof sync->files[0]);
    }
    pthread_mutex_unlock(&sync->mutex);
}

void sync_written(struct tarn_log *log, uint64_t sequence)
{
    atomic_store(&log->written, sequence);
    if (!log->options.durable)
        atomic_store(&log->durable, sequence);
}

void sync_want(struct tarn_log *log, uint64_t position)
{
    struct sync_state *sync = &log->sync;
    if (!sync->started)
        return;
    pthread_mutex_lock(&sync->mutex);
    if (position > sync->wanted) {
        sync->wanted = position;
        pthread_cond_signal(&sync->work);
    }
    pthread_mutex_unlock(&sync->mutex);
}

enum tarn_status sync_wait(struct tarn_log *log, uint64_t position, struct tarn_error *err)
{
    struct sync_state *sync = &log->sync;
    sync_want(log, position);
    pthread_mutex_lock(&sync->mutex);
    while (atomic_load(&log->durable) < position && !atomic_load(&log->failed))
        pthread_cond_wait(&sync->done, &sync->mutex);
    bool failed = atomic_load(&log->durable) < position;
    if (failed && err)
        *err = sync->error;
    pthread_mutex_unlock(&sync->mutex);
    return failed ? TARN_IO : TARN_OK;
}

/* ---- the owner's side ---- */

static void push_waiter(struct tarn_log *log, struct waiter waiter)
{
    if (log->waiter_count == log->waiter_cap) {
        size_t cap = log->waiter_cap ? log->waiter_cap * 2 : 64;
        struct waiter *larger = tarn_alloc_array(cap, sizeof *larger);
        for (size_t i = 0; i < log->waiter_count; i++)
            larger[i] = log->waiters[(log->waiter_first + i) % log->waiter_cap];
        free(log->waiters);
        log->waiters = larger;
        log->waiter_cap = cap;
        log->waiter_first = 0;
    }
    log->waiters[(log->waiter_first + log->waiter_count++) % log->waiter_cap] = waiter;
}

void tarn_log_wait_durable(struct tarn_log *log, uint64_t position, tarn_durable_callback *callback,
                           void *context)
{
    if (log->waiter_count == 0 && position <= atomic_load(&log->durable)) {
        callback(context, TARN_OK);
        return;
    }
    push_waiter(log, (struct waiter){position, callback, context});
    if (atomic_load(&log->failed))
        log_wake(log);
    else
        sync_want(log, position);
}

void tarn_log_cancel_wait(struct tarn_log *log, void *context)
{
    for (size_t i = 0; i < log->waiter_count; i++) {
        struct waiter *waiter = &log->waiters[(log->waiter_first + i) % log->waiter_cap];
        if (waiter->context == context)
            waiter->callback = NULL;
    }
}

/* Callbacks may commit and wait again, so the ring is looked at anew each time. */
void deliver_durable(struct tarn_log *log, bool closing)
{
    while (log->waiter_count > 0) {
        struct waiter waiter = log->waiters[log->waiter_first];
        enum tarn_status status = TARN_OK;
        if (waiter.position > atomic_load(&log->durable)) {
            if (atomic_load(&log->failed))
                status = TARN_IO;
            else if (closing)
                status = TARN_CANCELLED;
            else
                return;
        }
        log->waiter_first = (log->waiter_first + 1) % log->waiter_cap;
        log->waiter_count--;
        if (waiter.callback)
            waiter.callback(waiter.context, status);
    }
}

uint64_t tarn_log_durable_position(const struct tarn_log *log)
{
    return atomic_load(&log->durable);
}

uint64_t tarn_log_position(const struct tarn_log *log)
{
    return atomic_load(&log->written);
}

uint64_t tarn_log_flush_position(const struct tarn_log *log)
{
    return log->flush_position;
}

void tarn_log_request_sync(struct tarn_log *log)
{
    sync_want(log, atomic_load(&log->written));
}
