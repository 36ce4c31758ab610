/* base/file.c -- see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

static _Atomic uint64_t fault_calls;
static _Atomic uint64_t fault_at;

uint64_t tarn_file_fail_at(uint64_t nth)
{
    uint64_t calls = atomic_exchange(&fault_calls, 0);
    atomic_store(&fault_at, nth);
    return calls;
}

/* True when this call is the one that a test wants to fail. */
static bool fault_here(void)
{
    uint64_t call = atomic_fetch_add(&fault_calls, 1) + 1;
    if (call != atomic_load(&fault_at))
        return false;
    errno = EIO;
    return true;
}

char *tarn_path_join(const char *directory, const char *name)
{
    size_t len = strlen(directory);
    while (len > 1 && directory[len - 1] == '/')
        len--;
    while (name[0] == '/')
        name++;
    const char *separator = len == 0 || (len == 1 && directory[0] == '/') ? "" : "/";
    return tarn_format("%.*s%s%s", (int)len, directory, separator, name);
}

const char *tarn_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *tarn_path_extension(const char *path)
{
    const char *name = tarn_path_name(path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? dot : "";
}

bool tarn_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool tarn_directory_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum tarn_status tarn_file_size(const char *path, uint64_t *ret_size_bytes, struct tarn_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return tarn_fail_errno(err, "looking at %s", path);
    *ret_size_bytes = (uint64_t)info.st_size;
    return TARN_OK;
}

enum tarn_status tarn_directory_make(const char *path, struct tarn_error *err)
{
    TARN_AUTO_FREE char *copy = tarn_strdup(path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != 0)
            continue;
        char end = *at;
        *at = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return tarn_fail_errno(err, "making the directory %s", copy);
        *at = end;
        if (!end)
            break;
    }
    if (!tarn_directory_exists(path))
        return tarn_fail(err, TARN_EXISTS, "making the directory %s: a file is in the way", path);
    return TARN_OK;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

enum tarn_status tarn_path_remove(const char *path, struct tarn_error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return tarn_fail_errno(err, "removing %s", path);
    return TARN_OK;
}

static enum tarn_status read_descriptor(int fd, const char *path, struct tarn_buffer *into,
                                        struct tarn_error *err)
{
    enum { PIECE_BYTES = 1 << 16 };
    for (;;) {
        char piece[PIECE_BYTES];
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0)
            return tarn_fail_errno(err, "reading %s", path);
        if (got == 0)
            return tarn_buffer_check(into, path, err);
        tarn_buffer_append(into, piece, (size_t)got);
        if (into->overflow)
            return tarn_buffer_check(into, path, err);
    }
}

enum tarn_status tarn_file_read(const char *path, struct tarn_buffer *into, struct tarn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "opening %s", path);
    enum tarn_status status = read_descriptor(fd, path, into, err);
    close(fd);
    return status;
}

static int sync_descriptor(int fd)
{
    return fault_here() ? -1 : fsync(fd);
}

static enum tarn_status write_descriptor(int fd, const char *path, struct tarn_text bytes,
                                         struct tarn_error *err)
{
    while (bytes.len > 0) {
        ssize_t put = fault_here() ? -1 : write(fd, bytes.data, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return tarn_fail_errno(err, "writing %s", path);
        bytes.data += put;
        bytes.len -= (size_t)put;
    }
    return TARN_OK;
}

static enum tarn_status create_file(const char *path, struct tarn_text bytes, bool durable,
                                    struct tarn_error *err)
{
    int fd = fault_here() ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return tarn_fail_errno(err, "creating %s", path);
    enum tarn_status status = write_descriptor(fd, path, bytes, err);
    if (status == TARN_OK && durable && sync_descriptor(fd) != 0)
        status = tarn_fail_errno(err, "syncing %s to disk", path);
    if (close(fd) != 0 && status == TARN_OK)
        status = tarn_fail_errno(err, "closing %s", path);
    if (status != TARN_OK)
        unlink(path);
    return status;
}

enum tarn_status tarn_file_create(const char *path, struct tarn_text bytes, struct tarn_error *err)
{
    return create_file(path, bytes, true, err);
}

enum tarn_status tarn_file_create_unsynced(const char *path, struct tarn_text bytes,
                                           struct tarn_error *err)
{
    return create_file(path, bytes, false, err);
}

enum tarn_status tarn_file_move(const char *from, const char *to, struct tarn_error *err)
{
    if (fault_here() || rename(from, to) != 0)
        return tarn_fail_errno(err, "renaming %s to %s", from, to);
    return TARN_OK;
}

static char *parent_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return tarn_strdup(".");
    return slash == path ? tarn_strdup("/") : tarn_strndup(path, (size_t)(slash - path));
}

enum tarn_status tarn_file_replace(const char *path, struct tarn_text bytes, struct tarn_error *err)
{
    char unique[TARN_UUID_BYTES];
    TARN_AUTO_FREE char *temporary = tarn_format("%s.%s.tmp", path, tarn_uuid(unique));
    TARN_AUTO_FREE char *directory = parent_directory(path);
    TARN_TRY(tarn_file_create(temporary, bytes, err));
    if (fault_here() || rename(temporary, path) != 0) {
        enum tarn_status status = tarn_fail_errno(err, "renaming %s to %s", temporary, path);
        unlink(temporary);
        return status;
    }
    return tarn_directory_sync(directory, err);
}

static enum tarn_status copy_bytes(int in, int out, const char *from, const char *to,
                                   struct tarn_error *err)
{
    enum { PIECE_BYTES = 1 << 18 };
    TARN_AUTO_FREE char *piece = tarn_alloc(PIECE_BYTES);
    for (;;) {
        ssize_t got = read(in, piece, PIECE_BYTES);
        if (got < 0)
            return tarn_fail_errno(err, "reading %s", from);
        if (got == 0)
            break;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = fault_here() ? -1 : write(out, piece + done, (size_t)(got - done));
            if (put < 0)
                return tarn_fail_errno(err, "writing %s", to);
            done += put;
        }
    }
    return sync_descriptor(out) == 0 ? TARN_OK : tarn_fail_errno(err, "syncing %s to disk", to);
}

enum tarn_status tarn_file_copy(const char *from, const char *to, struct tarn_error *err)
{
    char unique[TARN_UUID_BYTES];
    TARN_AUTO_FREE char *directory = parent_directory(to);
    TARN_AUTO_FREE char *temporary = tarn_format("%s/.%s.tmp", directory, tarn_uuid(unique));
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return tarn_fail_errno(err, "opening %s", from);
    int out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    enum tarn_status status = out < 0 ? tarn_fail_errno(err, "creating %s", temporary)
                                      : copy_bytes(in, out, from, to, err);
    close(in);
    if (out >= 0)
        close(out);
    if (status == TARN_OK && (fault_here() || rename(temporary, to) != 0))
        status = tarn_fail_errno(err, "renaming %s to %s", temporary, to);
    if (out >= 0 && status != TARN_OK)
        unlink(temporary);
    TARN_TRY(status);
    return tarn_directory_sync(directory, err);
}

static enum tarn_status sync_path(const char *path, int flags, struct tarn_error *err)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "opening %s", path);
    enum tarn_status status = TARN_OK;
    if (sync_descriptor(fd) != 0)
        status = tarn_fail_errno(err, "syncing %s to disk", path);
    close(fd);
    return status;
}

enum tarn_status tarn_file_sync(const char *path, struct tarn_error *err)
{
    return sync_path(path, 0, err);
}

enum tarn_status tarn_directory_sync(const char *path, struct tarn_error *err)
{
    return sync_path(path, O_DIRECTORY, err);
}

struct listing {
    struct tarn_arena *arena;
    const char *suffix;
    char **paths;
    size_t count, cap;
};

static enum tarn_status list_directory(struct listing *listing, const char *directory,
                                       struct tarn_error *err)
{
    DIR *stream = opendir(directory);
    if (!stream)
        return errno == ENOENT ? TARN_OK : tarn_fail_errno(err, "listing %s", directory);
    enum tarn_status status = TARN_OK;
    struct dirent *entry;
    while (status == TARN_OK && (entry = readdir(stream))) {
        if (entry->d_name[0] == '.')
            continue;
        TARN_AUTO_FREE char *path = tarn_path_join(directory, entry->d_name);
        struct stat info;
        if (lstat(path, &info) != 0)
            continue; /* gone meanwhile */
        if (S_ISDIR(info.st_mode)) {
            status = list_directory(listing, path, err);
        } else if (S_ISREG(info.st_mode) &&
                   tarn_text_ends(tarn_text_of(entry->d_name), listing->suffix)) {
            TARN_RESERVE(listing->paths, listing->cap, listing->count + 1);
            listing->paths[listing->count++] = tarn_arena_strdup(listing->arena, path);
        }
    }
    closedir(stream);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum tarn_status tarn_directory_list(const char *directory, const char *suffix,
                                     struct tarn_arena *arena, struct tarn_file_list *ret_list,
                                     struct tarn_error *err)
{
    struct listing listing = {.arena = arena, .suffix = suffix};
    enum tarn_status status = list_directory(&listing, directory, err);
    if (status == TARN_OK) {
        if (listing.count > 0)
            qsort(listing.paths, listing.count, sizeof *listing.paths, compare_paths);
        ret_list->count = listing.count;
        ret_list->paths = tarn_arena_array(arena, listing.count, sizeof *listing.paths);
        if (listing.count > 0)
            memcpy(ret_list->paths, listing.paths, listing.count * sizeof *listing.paths);
    }
    free(listing.paths);
    return status;
}
