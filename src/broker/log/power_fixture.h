/* broker/log/power_fixture.h -- files that lose what was not synced when the power goes.
 *
 * Stands between the log and the system: every call is made for real, and beside it a model is kept
 * of what the disk holds for certain: the bytes as of each file's last sync, and the names as of
 * each folder's last sync. An image of the disk after a power failure is that, plus any part of
 * what was not synced: 512 bytes at a time, each with even odds, and likewise each changed name. */
#ifndef TARN_BROKER_LOG_POWER_FIXTURE_H
#define TARN_BROKER_LOG_POWER_FIXTURE_H

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/log/io.h"
#include "broker/log/log_fixture.h"

enum { POWER_FDS = 1024, POWER_SECTOR = 512 };

struct power_write {
    int64_t at;
    size_t len;
    uint8_t *bytes;
};
struct power_file {
    uint8_t *durable;
    size_t durable_len, durable_cap;
    struct power_write *writes; /* since the last sync */
    size_t write_count, write_cap;
};
struct power_name {
    char *path;
    struct power_file *now, *durable;
};
struct power {
    pthread_mutex_t mutex;
    struct tarn_log_io io;
    struct power_file *files[4096];
    size_t file_count;
    struct power_name *names;
    size_t name_count, name_cap;
    struct power_file *fds[POWER_FDS];
    uint64_t random;
    uint64_t syncs;
    /* Called with the mutex held, before every sync takes effect. */
    void (*at_sync)(void *context);
    void *at_sync_context;
};

static inline bool power_coin(struct power *power)
{
    power->random = power->random * 6364136223846793005u + 1442695040888963407u;
    return power->random >> 63;
}

static inline void power_apply(uint8_t **bytes, size_t *len, size_t *cap, int64_t at,
                               const uint8_t *from, size_t count)
{
    size_t end = (size_t)at + count;
    if (end > *len) {
        TARN_RESERVE(*bytes, *cap, end);
        memset(*bytes + *len, 0, end - *len);
        *len = end;
    }
    memcpy(*bytes + at, from, count);
}

static inline void power_make_durable(struct power_file *file)
{
    for (size_t i = 0; i < file->write_count; i++) {
        struct power_write *write = &file->writes[i];
        power_apply(&file->durable, &file->durable_len, &file->durable_cap, write->at, write->bytes,
                    write->len);
        free(write->bytes);
    }
    file->write_count = 0;
}

static inline struct power_name *power_name(struct power *power, const char *path)
{
    for (size_t i = 0; i < power->name_count; i++) {
        if (strcmp(power->names[i].path, path) == 0)
            return &power->names[i];
    }
    TARN_RESERVE(power->names, power->name_cap, power->name_count + 1);
    power->names[power->name_count] = (struct power_name){.path = tarn_strdup(path)};
    return &power->names[power->name_count++];
}

static inline int power_open(void *context, const char *path, int flags)
{
    struct power *power = context;
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        return fd;
    assert_true(fd < POWER_FDS);
    pthread_mutex_lock(&power->mutex);
    struct power_name *name = power_name(power, path);
    if (!name->now || (flags & O_TRUNC)) {
        assert_true(power->file_count < TARN_COUNT(power->files));
        name->now = power->files[power->file_count++] = tarn_alloc(sizeof(struct power_file));
    }
    power->fds[fd] = name->now;
    pthread_mutex_unlock(&power->mutex);
    return fd;
}

static inline int power_close(void *context, int fd)
{
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    power->fds[fd] = NULL;
    int result = close(fd);
    pthread_mutex_unlock(&power->mutex);
    return result;
}

static inline ssize_t power_pread(void *context, int fd, void *into, size_t len, int64_t at)
{
    (void)context;
    return pread(fd, into, len, at);
}

static inline ssize_t power_pwritev(void *context, int fd, const struct iovec *pieces, int count,
                                    int64_t at)
{
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    ssize_t done = pwritev(fd, pieces, count, at);
    struct power_file *file = power->fds[fd];
    for (ssize_t left = done, i = 0; left > 0; i++) {
        size_t len = pieces[i].iov_len < (size_t)left ? pieces[i].iov_len : (size_t)left;
        TARN_RESERVE(file->writes, file->write_cap, file->write_count + 1);
        struct power_write *write = &file->writes[file->write_count++];
        *write = (struct power_write){at, len, tarn_alloc(len)};
        memcpy(write->bytes, pieces[i].iov_base, len);
        at += (int64_t)len;
        left -= (ssize_t)len;
    }
    pthread_mutex_unlock(&power->mutex);
    return done;
}

static inline int power_allocate(void *context, int fd, int64_t size)
{
    struct power *power = context;
    uint8_t zero = 0;
    pthread_mutex_lock(&power->mutex);
    int result = posix_fallocate(fd, 0, size);
    struct power_file *file = power->fds[fd];
    TARN_RESERVE(file->writes, file->write_cap, file->write_count + 1);
    struct power_write *write = &file->writes[file->write_count++];
    *write = (struct power_write){size - 1, 1, tarn_alloc(1)};
    memcpy(write->bytes, &zero, 1);
    pthread_mutex_unlock(&power->mutex);
    return result ? -1 : 0;
}

static inline int power_sync(void *context, int fd)
{
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    power->syncs++;
    if (power->at_sync)
        power->at_sync(power->at_sync_context);
    power_make_durable(power->fds[fd]);
    pthread_mutex_unlock(&power->mutex);
    return 0;
}

static inline int power_sync_all(void *context, int fd)
{
    (void)fd;
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    power->syncs++;
    if (power->at_sync)
        power->at_sync(power->at_sync_context);
    for (size_t i = 0; i < power->file_count; i++)
        power_make_durable(power->files[i]);
    for (size_t i = 0; i < power->name_count; i++)
        power->names[i].durable = power->names[i].now;
    pthread_mutex_unlock(&power->mutex);
    return 0;
}

static inline int power_sync_folder(void *context, const char *path)
{
    struct power *power = context;
    size_t len = strlen(path);
    pthread_mutex_lock(&power->mutex);
    power->syncs++;
    if (power->at_sync)
        power->at_sync(power->at_sync_context);
    for (size_t i = 0; i < power->name_count; i++) {
        struct power_name *name = &power->names[i];
        if (strncmp(name->path, path, len) == 0 && name->path[len] == '/' &&
            !strchr(name->path + len + 1, '/'))
            name->durable = name->now;
    }
    pthread_mutex_unlock(&power->mutex);
    return 0;
}

static inline int power_rename(void *context, const char *from, const char *to)
{
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    int result = rename(from, to);
    if (result == 0) {
        struct power_file *file = power_name(power, from)->now;
        power_name(power, from)->now = NULL;
        power_name(power, to)->now = file;
    }
    pthread_mutex_unlock(&power->mutex);
    return result;
}

static inline int power_remove(void *context, const char *path)
{
    struct power *power = context;
    pthread_mutex_lock(&power->mutex);
    int result = remove(path);
    if (result == 0)
        power_name(power, path)->now = NULL;
    pthread_mutex_unlock(&power->mutex);
    return result;
}

static inline int power_make_folder(void *context, const char *path)
{
    (void)context;
    return mkdir(path, 0755);
}

static inline void power_init(struct power *power, uint64_t seed)
{
    memset(power, 0, sizeof *power);
    power->random = seed;
    pthread_mutex_init(&power->mutex, NULL);
    power->io = (struct tarn_log_io){
        .context = power,
        .open = power_open,
        .close = power_close,
        .pread = power_pread,
        .pwritev = power_pwritev,
        .allocate = power_allocate,
        .sync = power_sync,
        .sync_all = power_sync_all,
        .sync_folder = power_sync_folder,
        .rename = power_rename,
        .remove = power_remove,
        .make_folder = power_make_folder,
    };
}

static inline void power_release(struct power *power)
{
    for (size_t i = 0; i < power->file_count; i++) {
        struct power_file *file = power->files[i];
        for (size_t j = 0; j < file->write_count; j++)
            free(file->writes[j].bytes);
        free(file->writes);
        free(file->durable);
        free(file);
    }
    for (size_t i = 0; i < power->name_count; i++)
        free(power->names[i].path);
    free(power->names);
    pthread_mutex_destroy(&power->mutex);
}

/* What of the file is on disk after the failure, into `path`. */
static inline void power_write_file(struct power *power, const struct power_file *file,
                                    const char *path)
{
    size_t len = file->durable_len, cap = len;
    uint8_t *bytes = tarn_alloc(len);
    if (len > 0)
        memcpy(bytes, file->durable, len);
    for (size_t i = 0; i < file->write_count; i++) {
        const struct power_write *write = &file->writes[i];
        for (size_t done = 0; done < write->len;) {
            size_t part = POWER_SECTOR - ((size_t)write->at + done) % POWER_SECTOR;
            if (part > write->len - done)
                part = write->len - done;
            if (power_coin(power))
                power_apply(&bytes, &len, &cap, write->at + (int64_t)done, write->bytes + done,
                            part);
            done += part;
        }
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    free(bytes);
}

/* The disk after a power failure now, as `to`; the log's folder was `from`. Mutex held. */
static inline void power_image(struct power *power, const char *from, const char *to)
{
    struct tarn_error err;
    for (size_t i = 0; i < power->name_count; i++) {
        struct power_name *name = &power->names[i];
        struct power_file *file = name->durable;
        if (name->now != name->durable && power_coin(power))
            file = name->now;
        if (!file)
            continue;
        assert_memory_equal(name->path, from, strlen(from));
        TARN_AUTO_FREE char *path = tarn_format("%s%s", to, name->path + strlen(from));
        TARN_AUTO_FREE char *folder = tarn_strdup(path);
        *strrchr(folder, '/') = 0;
        assert_int_equal(tarn_directory_make(folder, &err), TARN_OK);
        power_write_file(power, file, path);
    }
}

#endif
