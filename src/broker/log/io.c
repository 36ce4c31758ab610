/* broker/log/io.c -- the system's calls behind io.h, and the loops around them. */
#include "broker/log/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum { PIECES_MAX = 1024 }; /* IOV_MAX */

static int system_open(void *context, const char *path, int flags)
{
    (void)context;
    return open(path, flags | O_CLOEXEC, 0644);
}

static int system_close(void *context, int fd)
{
    (void)context;
    return close(fd);
}

static ssize_t system_pread(void *context, int fd, void *into, size_t len, int64_t at)
{
    (void)context;
    return pread(fd, into, len, at);
}

static ssize_t system_pwritev(void *context, int fd, const struct iovec *pieces, int count,
                              int64_t at)
{
    (void)context;
    return pwritev(fd, pieces, count, at);
}

static int system_allocate(void *context, int fd, int64_t size)
{
    (void)context;
    int result = posix_fallocate(fd, 0, size);
    errno = result;
    return result ? -1 : 0;
}

static int system_sync(void *context, int fd)
{
    (void)context;
    return fdatasync(fd);
}

static int system_sync_all(void *context, int fd)
{
    (void)context;
    return syncfs(fd);
}

static int system_sync_folder(void *context, const char *path)
{
    (void)context;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd), saved = errno;
    close(fd);
    errno = saved;
    return result;
}

static int system_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to);
}

static int system_remove(void *context, const char *path)
{
    (void)context;
    return remove(path);
}

static int system_make_folder(void *context, const char *path)
{
    (void)context;
    return mkdir(path, 0755);
}

const struct tarn_log_io tarn_log_io_system = {
    .open = system_open,
    .close = system_close,
    .pread = system_pread,
    .pwritev = system_pwritev,
    .allocate = system_allocate,
    .sync = system_sync,
    .sync_all = system_sync_all,
    .sync_folder = system_sync_folder,
    .rename = system_rename,
    .remove = system_remove,
    .make_folder = system_make_folder,
};

enum tarn_status tarn_io_write(const struct tarn_log_io *io, int fd, struct iovec *pieces,
                               int count, int64_t at, const char *path, struct tarn_error *err)
{
    while (count > 0) {
        ssize_t done =
            io->pwritev(io->context, fd, pieces, count < PIECES_MAX ? count : PIECES_MAX, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return tarn_fail_errno(err, "writing %s", path);
        at += done;
        size_t left = (size_t)done;
        while (count > 0 && left >= pieces->iov_len) {
            left -= pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + left;
            pieces->iov_len -= left;
        }
    }
    return TARN_OK;
}

enum tarn_status tarn_io_read(const struct tarn_log_io *io, int fd, void *into, size_t len,
                              int64_t at, const char *path, struct tarn_error *err)
{
    char *out = into;
    while (len > 0) {
        ssize_t done = io->pread(io->context, fd, out, len, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return tarn_fail_errno(err, "reading %s", path);
        if (done == 0)
            return tarn_fail(err, TARN_CORRUPT, "reading %s: it ends at byte %lld, %zu too early",
                             path, (long long)at, len);
        out += done;
        at += done;
        len -= (size_t)done;
    }
    return TARN_OK;
}

static enum tarn_status write_new(const struct tarn_log_io *io, const char *path,
                                  struct tarn_text bytes, bool durable, struct tarn_error *err)
{
    int fd = io->open(io->context, path, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return tarn_fail_errno(err, "creating %s", path);
    struct iovec piece = {(void *)(uintptr_t)bytes.data, bytes.len};
    enum tarn_status status = tarn_io_write(io, fd, &piece, 1, 0, path, err);
    if (status == TARN_OK && durable && io->sync(io->context, fd) != 0)
        status = tarn_fail_errno(err, "syncing %s", path);
    io->close(io->context, fd);
    return status;
}

enum tarn_status tarn_io_replace(const struct tarn_log_io *io, const char *folder, const char *name,
                                 struct tarn_text bytes, bool durable, struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(folder, name);
    TARN_AUTO_FREE char *temporary = tarn_format("%s.new", path);
    enum tarn_status status = write_new(io, temporary, bytes, durable, err);
    if (status == TARN_OK && io->rename(io->context, temporary, path) != 0)
        status = tarn_fail_errno(err, "replacing %s", path);
    if (status != TARN_OK)
        io->remove(io->context, temporary);
    else if (durable && io->sync_folder(io->context, folder) != 0)
        status = tarn_fail_errno(err, "syncing %s", folder);
    return status;
}
