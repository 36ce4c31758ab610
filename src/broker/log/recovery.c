/* broker/log/recovery.c -- from the files to the state in memory.
 *
 * Reads the checkpoint, then the write-ahead files from the one it names, commit by commit in order
 * of sequence. The first commit that is not whole ends the log: it was never acknowledged as
 * durable, because a sync covers everything before it. After a crash writing goes on in a new file,
 * with a new salt, and only when what was found has been synced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum {
    WINDOW_BYTES = 1024 * 1024,
    KNOWN_WINDOW_BYTES = 4096, /* only operations are read, batches are passed over */
};

/* ---- the files ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = (*(struct wal_file *const *)a)->number, y = (*(struct wal_file *const *)b)->number;
    return (x > y) - (x < y);
}

struct file_list {
    struct wal_file **files;
    size_t count, cap;
};

/* A file without a valid header is a spare: number 0. */
static enum tarn_status look_at(struct tarn_log *log, const char *name, struct file_list *list,
                                struct tarn_error *err)
{
    char *end;
    uint64_t number = strtoull(name, &end, 10);
    if (end == name || strcmp(end, ".wal") != 0)
        return TARN_OK;
    if (number >= log->next_wal_name)
        log->next_wal_name = number + 1;
    struct wal_file *file = tarn_alloc(sizeof *file);
    TARN_RESERVE(list->files, list->cap, list->count + 1);
    list->files[list->count++] = file;
    file->path = tarn_path_join(log->wal_folder, name);
    file->fd =
        log->io->open(log->io->context, file->path, log->options.read_only ? O_RDONLY : O_RDWR);
    struct stat info;
    if (file->fd < 0 || fstat(file->fd, &info) != 0)
        return tarn_fail_errno(err, "opening %s", file->path);
    if (info.st_size > UINT32_MAX)
        return tarn_fail(err, TARN_CORRUPT, "%s is larger than a write-ahead file can be",
                         file->path);
    file->capacity = (uint32_t)info.st_size;
    uint8_t header[WAL_HEADER_BYTES];
    if (file->capacity < WAL_HEADER_BYTES)
        return TARN_OK;
    TARN_TRY(tarn_io_read(log->io, file->fd, header, sizeof header, 0, file->path, err));
    if (!wal_header_read(header, file))
        file->number = 0;
    return TARN_OK;
}

static enum tarn_status list_files(struct tarn_log *log, struct file_list *list,
                                   struct tarn_error *err)
{
    DIR *folder = opendir(log->wal_folder);
    if (!folder)
        return errno == ENOENT ? TARN_OK : tarn_fail_errno(err, "listing %s", log->wal_folder);
    enum tarn_status status = TARN_OK;
    for (struct dirent *entry; status == TARN_OK && (entry = readdir(folder));)
        status = look_at(log, entry->d_name, list, err);
    closedir(folder);
    if (status == TARN_OK && list->count > 1)
        qsort(list->files, list->count, sizeof *list->files, by_number);
    return status;
}

/* ---- scanning ---- */

struct scan {
    struct tarn_log *log;
    struct wal_file *file;
    uint64_t known; /* commits up to this one are in the checkpoint */
    uint8_t *window;
    size_t cap, len;
    uint32_t start; /* of the window, in the file */
    uint32_t at;    /* the commit being looked at */
    bool last_was_clean_close;
};

/* `len` bytes of the file at `position`; NULL when it ends before. */
static enum tarn_status scan_bytes(struct scan *scan, uint32_t position, size_t len,
                                   const uint8_t **ret_bytes, struct tarn_error *err)
{
    *ret_bytes = NULL;
    if (len > scan->file->capacity || position > scan->file->capacity - len)
        return TARN_OK;
    if (position < scan->start || position - scan->start + len > scan->len) {
        bool known = scan->log->next_sequence <= scan->known;
        size_t want = known ? KNOWN_WINDOW_BYTES : WINDOW_BYTES;
        if (want < len)
            want = len;
        if (want > scan->file->capacity - position)
            want = scan->file->capacity - position;
        if (want > scan->cap) {
            scan->window = tarn_realloc_array(scan->window, want, 1);
            scan->cap = want;
        }
        scan->len = 0;
        TARN_TRY(tarn_io_read(scan->log->io, scan->file->fd, scan->window, want, position,
                              scan->file->path, err));
        scan->start = position;
        scan->len = want;
    }
    *ret_bytes = scan->window + (position - scan->start);
    return TARN_OK;
}

/* One commit as it lies in the window. */
struct found {
    const uint8_t *bytes;
    uint32_t len, meta_len;
    struct entry entry;
};

static bool parse_header(const struct scan *scan, const uint8_t *header, struct found *found)
{
    found->len = le32_get(header);
    found->meta_len = le32_get(header + 24);
    if (le64_get(header + 8) != scan->log->next_sequence)
        return false;
    return found->meta_len >= ENTRY_HEADER_BYTES && found->len >= found->meta_len &&
           found->len <= COMMIT_MAX_BYTES && found->len <= scan->file->capacity - scan->at;
}

static bool batch_in_window(void *context, size_t index, uint32_t position,
                            struct tarn_record_batch *ret_batch)
{
    (void)index;
    struct scan *scan = context;
    size_t at = position - scan->start;
    struct tarn_error err;
    if (position < scan->start || at >= scan->len)
        return false;
    struct tarn_text bytes = {(const char *)scan->window + at, scan->len - at};
    return tarn_batch_parse(bytes, ret_batch, &err) == TARN_OK;
}

/* Batches follow each other to the commit's end, and each is whole. */
static bool batches_whole(const struct found *found)
{
    uint32_t at = found->meta_len;
    while (at < found->len) {
        struct tarn_record_batch batch;
        struct tarn_error err;
        struct tarn_text bytes = {(const char *)found->bytes + at, found->len - at};
        if (tarn_batch_parse(bytes, &batch, &err) != TARN_OK || !tarn_batch_crc_ok(&batch))
            return false;
        at += batch.size_bytes;
    }
    return true;
}

/* The commit at scan->at; found->bytes is NULL when there is none that is whole. */
static enum tarn_status find_commit(struct scan *scan, struct found *found, struct tarn_error *err)
{
    const uint8_t *bytes;
    found->bytes = NULL;
    TARN_TRY(scan_bytes(scan, scan->at, ENTRY_HEADER_BYTES, &bytes, err));
    if (!bytes || !parse_header(scan, bytes, found))
        return TARN_OK;
    bool known = scan->log->next_sequence <= scan->known;
    TARN_TRY(scan_bytes(scan, scan->at, known ? found->meta_len : found->len, &bytes, err));
    if (!bytes ||
        tarn_crc32c(scan->file->salt, bytes + 8, found->meta_len - 8) != le32_get(bytes + 4))
        return TARN_OK;
    found->bytes = bytes;
    found->entry = (struct entry){
        .operations = bytes + ENTRY_HEADER_BYTES,
        .operations_len = found->meta_len - ENTRY_HEADER_BYTES,
        .count = le32_get(bytes + 28),
        .batches_at = scan->at + found->meta_len,
        .time_ms = (int64_t)le64_get(bytes + 16),
        .known = known,
    };
    if (known)
        return TARN_OK;
    struct entry check = found->entry;
    check.check_only = true;
    struct tarn_error ignored;
    if (!batches_whole(found) ||
        entry_apply(scan->log, scan->file, &check, batch_in_window, scan, &ignored) != TARN_OK)
        found->bytes = NULL;
    return TARN_OK;
}

static enum tarn_status scan_file(struct scan *scan, struct tarn_error *err)
{
    struct tarn_log *log = scan->log;
    scan->len = 0;
    scan->at = WAL_HEADER_BYTES;
    for (;;) {
        struct found found;
        TARN_TRY(find_commit(scan, &found, err));
        if (!found.bytes)
            break;
        TARN_TRY(entry_apply(log, scan->file, &found.entry, batch_in_window, scan, err));
        scan->last_was_clean_close =
            found.entry.count == 1 && found.entry.operations[0] == OP_CLEAN_CLOSE;
        scan->file->last_sequence = log->next_sequence++;
        scan->at += found.len;
        log->recovery.commits++;
    }
    scan->file->end = scan->at;
    log->recovery.scanned_bytes += scan->at;
    return TARN_OK;
}

/* Says what is cut off behind the last whole commit, if anything had been begun there. */
static enum tarn_status note_cut(struct scan *scan, struct tarn_error *err)
{
    struct tarn_log *log = scan->log;
    const uint8_t *header;
    TARN_TRY(scan_bytes(scan, scan->at, ENTRY_HEADER_BYTES, &header, err));
    if (!header || le64_get(header + 8) != log->next_sequence)
        return TARN_OK;
    uint32_t len = le32_get(header);
    log->recovery.cut_bytes = len;
    snprintf(log->recovery.cut, sizeof log->recovery.cut,
             "commit %llu of %u bytes at byte %u of %s was not written whole",
             (unsigned long long)log->next_sequence, len, scan->at,
             tarn_path_name(scan->file->path));
    return TARN_OK;
}

static void add_spare(struct tarn_log *log, struct wal_file *file)
{
    if (log->options.read_only) {
        wal_file_free(log, file);
        return;
    }
    file->next = log->spares;
    log->spares = file;
}

/* Behind a place where the log was cut off: nothing in it was ever acknowledged. */
static void discard_file(struct tarn_log *log, struct wal_file *file)
{
    if (!log->options.read_only)
        log->io->remove(log->io->context, file->path);
    wal_file_free(log, file);
}

static void link_last(struct tarn_log *log, struct wal_file *file)
{
    struct wal_file **at = &log->oldest;
    while (*at)
        at = &(*at)->next;
    *at = file;
}

/* Reads the files in order as long as each begins where the one before has ended. */
static enum tarn_status scan_files(struct scan *scan, struct file_list *list, uint64_t wal_number,
                                   struct tarn_error *err)
{
    struct tarn_log *log = scan->log;
    for (size_t i = 0; i < list->count; i++) {
        struct wal_file *file = list->files[i];
        list->files[i] = NULL;
        if (file->number >= log->next_wal_number)
            log->next_wal_number = file->number + 1;
        if (file->number == 0 || file->number < wal_number) {
            add_spare(log, file);
            continue;
        }
        bool first = !log->oldest;
        if (first ? file->first_sequence > scan->known + 1
                  : file->first_sequence != log->next_sequence) {
            discard_file(log, file);
            continue;
        }
        link_last(log, file);
        scan->file = file;
        if (first)
            log->next_sequence = file->first_sequence;
        TARN_TRY(scan_file(scan, err));
    }
    return TARN_OK;
}

/* ---- afterwards ---- */

/* What no checkpoint and no commit knows: left by a copy or compaction that did not end. */
static void remove_orphans(struct tarn_log *log, const char *folder, struct tarn_partition *owner)
{
    DIR *handle = opendir(folder);
    if (!handle)
        return;
    for (struct dirent *entry; (entry = readdir(handle));) {
        if (entry->d_name[0] == '.')
            continue;
        char *end;
        int64_t base_offset = strtoll(entry->d_name, &end, 10);
        uint64_t generation = *end == '-' ? strtoull(end + 1, &end, 10) : 0;
        bool known = false;
        for (size_t i = 0; owner && i < owner->segment_count; i++)
            known = known || (owner->segments[i].base_offset == base_offset &&
                              owner->segments[i].generation == generation);
        TARN_AUTO_FREE char *path = tarn_path_join(folder, entry->d_name);
        if (!known)
            log->io->remove(log->io->context, path);
    }
    closedir(handle);
    if (!owner)
        log->io->remove(log->io->context, folder);
}

static void clean_data_folder(struct tarn_log *log)
{
    DIR *handle = opendir(log->data_folder);
    if (!handle)
        return;
    for (struct dirent *entry; (entry = readdir(handle));) {
        if (entry->d_name[0] == '.')
            continue;
        uint64_t id = strtoull(entry->d_name, NULL, 10);
        TARN_AUTO_FREE char *folder = tarn_path_join(log->data_folder, entry->d_name);
        remove_orphans(log, folder, id < log->by_id_cap ? log->by_id[id] : NULL);
    }
    closedir(handle);
}

/* After a crash: what was found is made durable before anything new is, and the files are full. */
static enum tarn_status seal_found(struct tarn_log *log, struct tarn_error *err)
{
    for (struct wal_file *file = log->oldest; file; file = file->next) {
        if (log->options.durable && log->io->sync(log->io->context, file->fd) != 0)
            return tarn_fail_errno(err, "syncing %s", file->path);
        log->full_files++;
    }
    clean_data_folder(log);
    return TARN_OK;
}

static void go_on_in_last(struct tarn_log *log)
{
    for (struct wal_file *file = log->oldest; file; file = file->next) {
        sync_file_added(log, file->fd);
        file->opened_ms = tarn_log_now_ms(log);
        log->current = file;
        if (file->next)
            log->full_files++;
    }
}

static enum tarn_status finish(struct scan *scan, uint64_t known, struct tarn_error *err)
{
    struct tarn_log *log = scan->log;
    if (log->next_sequence <= known) {
        if (log->oldest)
            return tarn_fail(err, TARN_CORRUPT,
                             "reading %s: commit %llu is damaged, which the checkpoint builds on",
                             scan->file->path, (unsigned long long)log->next_sequence);
        log->next_sequence = known + 1;
    }
    if (log->oldest)
        TARN_TRY(note_cut(scan, err));
    bool empty = log->next_sequence == 1;
    log->recovery.clean = empty || (scan->last_was_clean_close && log->recovery.cut_bytes == 0);
    atomic_store(&log->written, log->next_sequence - 1);
    atomic_store(&log->durable, log->next_sequence - 1);
    if (log->options.read_only)
        return TARN_OK;
    if (log->recovery.clean) {
        go_on_in_last(log);
        return TARN_OK;
    }
    log->leader_epoch++;
    return seal_found(log, err);
}

enum tarn_status recovery_run(struct tarn_log *log, struct tarn_error *err)
{
    uint64_t known, wal_number;
    log->next_sequence = 1;
    log->next_wal_number = log->next_wal_name = 1;
    TARN_TRY(checkpoint_read(log, &known, &wal_number, err));
    log->checkpointed = known;
    if (wal_number > log->next_wal_number)
        log->next_wal_number = wal_number;
    struct file_list list = {0};
    struct scan scan = {.log = log, .known = known};
    enum tarn_status status = list_files(log, &list, err);
    if (status == TARN_OK)
        status = scan_files(&scan, &list, wal_number, err);
    if (status == TARN_OK)
        status = finish(&scan, known, err);
    for (size_t i = 0; i < list.count; i++)
        wal_file_free(log, list.files[i]);
    free(list.files);
    free(scan.window);
    return status;
}
