/* broker/log/wal.c -- the write-ahead files: preallocated, written front to back, used again.
 *
 * Header, 64 bytes, little-endian: 0 "TARNWAL1", 8 number u64, 16 first sequence u64, 24 salt u32,
 * 28 crc u32 of bytes 0..27. Then commits, one behind the other:
 *   0 length u32 of all of it, 4 crc u32 of bytes 8..meta end (starting from the salt),
 *   8 sequence u64, 16 time i64 (ms), 24 meta bytes u32 (this header included), 28 operations u32,
 *   32 operations (commit.c), then the record batches of its appends.
 * A batch's bytes are covered by the batch's own CRC, which is one of the numbers in its operation.
 * The salt is new each time a file is used, so what an earlier use left behind cannot pass for a
 * commit, whatever producers wrote. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum { ZEROES_BYTES = 256 * 1024, FAST_FILL_MS = 10 * 1000 };
/* Files are kept for the next burst, but not for long. */
enum { SPARES_KEPT = 1, SHRINK_MS = 120 * 1000 };
enum { ROOM_KEPT_BYTES = 256 << 10 }; /* for commits without records */
static const char magic[8] = {'T', 'A', 'R', 'N', 'W', 'A', 'L', '1'};

void wal_file_free(struct tarn_log *log, struct wal_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        log->io->close(log->io->context, file->fd);
    free(file->path);
    free(file);
}

bool wal_header_read(const uint8_t header[WAL_HEADER_BYTES], struct wal_file *file)
{
    if (memcmp(header, magic, sizeof magic) != 0 ||
        tarn_crc32c(0, header, 28) != le32_get(header + 28))
        return false;
    file->number = le64_get(header + 8);
    file->first_sequence = le64_get(header + 16);
    file->salt = le32_get(header + 24);
    return true;
}

static enum tarn_status write_header(struct tarn_log *log, struct wal_file *file,
                                     struct tarn_error *err)
{
    uint8_t header[WAL_HEADER_BYTES] = {0};
    memcpy(header, magic, sizeof magic);
    le64_put(header + 8, file->number);
    le64_put(header + 16, file->first_sequence);
    le32_put(header + 24, file->salt);
    le32_put(header + 28, tarn_crc32c(0, header, 28));
    struct iovec piece = {header, sizeof header};
    return tarn_io_write(log->io, file->fd, &piece, 1, 0, file->path, err);
}

static enum tarn_status write_zeroes(struct tarn_log *log, struct wal_file *file,
                                     struct tarn_error *err)
{
    TARN_AUTO_FREE char *zeroes = tarn_alloc(ZEROES_BYTES);
    for (uint32_t at = 0; at < file->capacity; at += ZEROES_BYTES) {
        uint32_t left = file->capacity - at;
        struct iovec piece = {zeroes, left < ZEROES_BYTES ? left : ZEROES_BYTES};
        TARN_TRY(tarn_io_write(log->io, file->fd, &piece, 1, at, file->path, err));
    }
    if (log->options.durable && log->io->sync(log->io->context, file->fd) != 0)
        return tarn_fail_errno(err, "syncing %s", file->path);
    return TARN_OK;
}

static enum tarn_status fill_new_file(struct tarn_log *log, struct wal_file *file, bool prewrite,
                                      struct tarn_error *err)
{
    if (log->io->allocate(log->io->context, file->fd, file->capacity) != 0)
        return tarn_fail_errno(err, "reserving %u bytes for %s", file->capacity, file->path);
    if (prewrite)
        TARN_TRY(write_zeroes(log, file, err));
    if (!log->options.durable)
        return TARN_OK;
    if (log->io->sync_folder(log->io->context, log->wal_folder) != 0)
        return tarn_fail_errno(err, "syncing %s", log->wal_folder);
    if (log->folders_unsynced) { /* by the owner: other threads make later files */
        if (log->io->sync_folder(log->io->context, log->folder) != 0)
            return tarn_fail_errno(err, "syncing %s", log->folder);
        log->folders_unsynced = false;
    }
    return TARN_OK;
}

enum tarn_status wal_file_create(struct tarn_log *log, uint64_t name, uint32_t capacity,
                                 bool prewrite, struct wal_file **ret_file, struct tarn_error *err)
{
    struct wal_file *file = tarn_alloc(sizeof *file);
    file->path = tarn_format("%s/%020llu.wal", log->wal_folder, (unsigned long long)name);
    file->capacity = capacity;
    file->fd = log->io->open(log->io->context, file->path, O_RDWR | O_CREAT | O_TRUNC);
    enum tarn_status status = TARN_OK;
    if (file->fd < 0)
        status = tarn_fail_errno(err, "creating %s", file->path);
    else
        status = fill_new_file(log, file, prewrite, err);
    if (status != TARN_OK) {
        if (file->fd >= 0)
            log->io->remove(log->io->context, file->path);
        wal_file_free(log, file);
        return status;
    }
    *ret_file = file;
    return TARN_OK;
}

/* A spare of the wanted size, or a new file. Spares that are too small are given up. */
static enum tarn_status take_file(struct tarn_log *log, uint32_t len, struct wal_file **ret_file,
                                  struct tarn_error *err)
{
    uint32_t wanted = log->next_wal_bytes;
    while (log->spares) {
        struct wal_file *spare = log->spares;
        log->spares = spare->next;
        if (spare->capacity >= wanted) {
            *ret_file = spare;
            return TARN_OK;
        }
        log->io->remove(log->io->context, spare->path);
        wal_file_free(log, spare);
    }
    if (wanted < len + WAL_HEADER_BYTES)
        wanted = len + WAL_HEADER_BYTES;
    return wal_file_create(log, log->next_wal_name++, wanted, false, ret_file, err);
}

/* Files that fill fast get larger successors: fewer, larger copies. A file is also several times as
 * large as what a checkpoint writes, so that checkpoints stay a small part of the traffic. */
static void choose_next_size(struct tarn_log *log, const struct wal_file *full)
{
    uint64_t size = log->next_wal_bytes;
    if (tarn_log_now_ms(log) - full->opened_ms < FAST_FILL_MS)
        size *= 4;
    while (size < 4 * journal_bytes(log->journal))
        size *= 2;
    log->next_wal_bytes =
        size < log->options.wal_max_bytes ? (uint32_t)size : log->options.wal_max_bytes;
}

/* Waits while too many files wait to be copied; an error of the copying is the caller's then. */
static enum tarn_status hold_back(struct tarn_log *log, struct tarn_error *err)
{
    while (log->full_files >= log->options.wal_backlog_files) {
        background_poll(log);
        if (log->full_files < log->options.wal_backlog_files)
            break;
        if (log->job_error.status != TARN_OK) {
            *err = log->job_error;
            return tarn_error_wrap(err, "the write-ahead log is full, and copying it fails");
        }
        background_wait(log, LANE_COPY);
    }
    return TARN_OK;
}

bool tarn_log_has_room(const struct tarn_log *log, size_t size_bytes)
{
    const struct wal_file *file = log->current;
    size_t taken = log->full_files + (file != NULL);
    if (taken < log->options.wal_backlog_files || log->full_files == 0 ||
        log->job_error.status != TARN_OK || atomic_load(&log->failed))
        return true; /* or it would be told what is wrong */
    return file && (size_t)(file->capacity - file->end) >= size_bytes + ROOM_KEPT_BYTES;
}

/* Ends the current file: the next commit goes to another one. */
void wal_close_current(struct tarn_log *log)
{
    struct wal_file *file = log->current;
    if (!file)
        return;
    log->current = NULL;
    log->full_files++;
    background_note_backlog(log);
    choose_next_size(log, file);
}

static void link_file(struct tarn_log *log, struct wal_file *file)
{
    file->next = NULL;
    struct wal_file **at = &log->oldest;
    while (*at)
        at = &(*at)->next;
    *at = file;
}

static enum tarn_status next_file(struct tarn_log *log, uint32_t len, struct tarn_error *err)
{
    wal_close_current(log);
    TARN_TRY(hold_back(log, err));
    struct wal_file *file;
    TARN_TRY(take_file(log, len, &file, err));
    file->number = log->next_wal_number++;
    file->first_sequence = log->next_sequence;
    file->last_sequence = 0;
    file->end = WAL_HEADER_BYTES;
    file->copied = false;
    file->opened_ms = tarn_log_now_ms(log);
    tarn_random_bytes(&file->salt, sizeof file->salt);
    enum tarn_status status = write_header(log, file, err);
    if (status != TARN_OK) {
        log->io->remove(log->io->context, file->path);
        wal_file_free(log, file);
        return status;
    }
    link_file(log, file);
    log->current = file;
    sync_file_added(log, file->fd);
    return TARN_OK;
}

enum tarn_status wal_make_room(struct tarn_log *log, uint32_t len, struct tarn_error *err)
{
    struct wal_file *file = log->current;
    /* An empty file takes a commit of any size: it grows. */
    if (file && (len <= file->capacity - file->end || file->last_sequence == 0))
        return TARN_OK;
    return next_file(log, len, err);
}

enum tarn_status wal_write(struct tarn_log *log, struct iovec *pieces, int count, uint32_t len,
                           struct tarn_error *err)
{
    struct wal_file *file = log->current;
    enum tarn_status status =
        tarn_io_write(log->io, file->fd, pieces, count, file->end, file->path, err);
    if (status != TARN_OK) {
        /* Cut off what may have been written of it. Should that fail, too, the next commit lies
         * over it, and its rest has no valid header at any place where one is looked for. */
        uint8_t zeroes[ENTRY_HEADER_BYTES] = {0};
        struct iovec piece = {zeroes, sizeof zeroes};
        (void)!tarn_io_write(log->io, file->fd, &piece, 1, file->end, file->path,
                             &(struct tarn_error){0});
        return status;
    }
    file->end += len;
    if (file->end > file->capacity)
        file->capacity = file->end;
    file->last_sequence = log->next_sequence;
    atomic_fetch_add_explicit(&log->written_bytes, len, memory_order_relaxed);
    return TARN_OK;
}

/* The file goes with the next checkpoint: removing a large one takes the file system a while. */
static void give_up(struct tarn_log *log, struct wal_file *file)
{
    TARN_RESERVE(log->garbage, log->garbage_cap, log->garbage_count + 1);
    log->garbage[log->garbage_count++] = file->path;
    file->path = NULL;
    wal_file_free(log, file);
}

/* Takes the files that are copied, and in no checkpoint's way, out of the list. */
void wal_recycle(struct tarn_log *log)
{
    while (log->oldest && log->oldest->copied) {
        struct wal_file *file = log->oldest;
        log->oldest = file->next;
        sync_file_gone(log, file->fd);
        if (file->capacity >= log->next_wal_bytes && file->capacity <= log->options.wal_max_bytes) {
            file->next = log->spares;
            log->spares = file;
        } else {
            give_up(log, file);
        }
        log->full_files--;
    }
    background_note_backlog(log);
    retention_note(log, tarn_log_now_ms(log) + SHRINK_MS);
}

void wal_shrink(struct tarn_log *log)
{
    int64_t due_ms = log->current ? log->current->opened_ms + SHRINK_MS : 0;
    struct wal_file **at = &log->spares;
    for (int i = 0; i < SPARES_KEPT && *at; i++)
        at = &(*at)->next;
    if (!*at)
        return;
    if (tarn_log_now_ms(log) < due_ms) {
        retention_note(log, due_ms);
        return;
    }
    while (*at) {
        struct wal_file *file = *at;
        *at = file->next;
        give_up(log, file);
    }
}
