/* broker/log/io.h -- the calls through which the log changes and reads its files.
 *
 * One table, so that tests can make the n-th call fail and can drop what was not synced when the
 * power goes. Every function is like the system call of its name: -1 with errno on failure. They
 * are called from all threads of the log. */
#ifndef TARN_BROKER_LOG_IO_H
#define TARN_BROKER_LOG_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/text.h"

struct tarn_log_io {
    void *context;
    int (*open)(void *context, const char *path, int flags); /* mode 0644, O_CLOEXEC added */
    int (*close)(void *context, int fd);
    ssize_t (*pread)(void *context, int fd, void *into, size_t len, int64_t at);
    ssize_t (*pwritev)(void *context, int fd, const struct iovec *pieces, int count, int64_t at);
    int (*allocate)(void *context, int fd, int64_t size); /* posix_fallocate(0, size) */
    int (*sync)(void *context, int fd);                   /* fdatasync */
    int (*sync_all)(void *context, int fd); /* syncfs: everything on its file system */
    int (*sync_folder)(void *context, const char *path);
    int (*rename)(void *context, const char *from, const char *to);
    int (*remove)(void *context, const char *path); /* a file or an empty folder */
    int (*make_folder)(void *context, const char *path);
};

extern const struct tarn_log_io tarn_log_io_system;

/* All of it or an error; short counts are continued. `pieces` is used up. */
CHECKED enum tarn_status tarn_io_write(const struct tarn_log_io *io, int fd, struct iovec *pieces,
                                       int count, int64_t at, const char *path,
                                       struct tarn_error *err);
CHECKED enum tarn_status tarn_io_read(const struct tarn_log_io *io, int fd, void *into, size_t len,
                                      int64_t at, const char *path, struct tarn_error *err);
/* Writes `path` anew: temporary file beside it, sync, rename, folder sync. */
CHECKED enum tarn_status tarn_io_replace(const struct tarn_log_io *io, const char *folder,
                                         const char *name, struct tarn_text bytes, bool durable,
                                         struct tarn_error *err);

#endif
