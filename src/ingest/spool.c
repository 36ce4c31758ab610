/* ingest/spool.c -- see spool.h. A record is its four numbers, then the two texts. */
#include "ingest/spool.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

struct tarn_spool {
    FILE *file;
    pthread_mutex_t lock;
    int64_t count;
    struct tarn_buffer scratch;
};

struct head {
    uint64_t file;
    int64_t line;
    uint64_t reason_len, raw_len;
};

enum { RAW_BYTES_MAX = TARN_REJECT_RAW_BYTES * 4 + 64 };

enum tarn_status tarn_spool_open(const char *directory, struct tarn_spool **ret,
                                 struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_format("%s/tarn-rejects-XXXXXX", directory);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(err, "making a temporary file in %s", directory);
    (void)unlink(path); /* at worst the name stays behind in the temporary folder */
    FILE *file = fdopen(fd, "w+b");
    if (!file) {
        close(fd);
        return tarn_fail_errno(err, "opening a temporary file in %s", directory);
    }
    struct tarn_spool *spool = tarn_alloc(sizeof *spool);
    spool->file = file;
    pthread_mutex_init(&spool->lock, NULL);
    tarn_buffer_init(&spool->scratch, (size_t)RAW_BYTES_MAX * 2);
    *ret = spool;
    return TARN_OK;
}

void tarn_spool_close(struct tarn_spool *spool)
{
    if (!spool)
        return;
    (void)fclose(spool->file); /* temporary: nothing to lose */
    pthread_mutex_destroy(&spool->lock);
    tarn_buffer_release(&spool->scratch);
    free(spool);
}

int64_t tarn_spool_count(struct tarn_spool *spool)
{
    return spool->count;
}

/* Appends the start of the record as valid UTF-8, bad bytes as \xHH. */
static void append_raw(struct tarn_buffer *out, struct tarn_text raw)
{
    bool cut = raw.len > TARN_REJECT_RAW_BYTES;
    if (cut)
        raw.len = TARN_REJECT_RAW_BYTES;
    while (raw.len > 0) {
        size_t valid = tarn_utf8_valid_prefix(raw);
        const char *nul = memchr(raw.data, 0, valid);
        valid = nul ? (size_t)(nul - raw.data) : valid;
        tarn_buffer_append(out, raw.data, valid);
        if (valid < raw.len && !(cut && raw.len - valid < 4)) /* a character that the cut split */
            tarn_buffer_printf(out, "\\x%02X", (unsigned char)raw.data[valid]);
        valid += valid < raw.len;
        raw = (struct tarn_text){raw.data + valid, raw.len - valid};
    }
    if (cut)
        tarn_buffer_append_str(out, "...");
}

static enum tarn_status write_record(struct tarn_spool *spool, const struct tarn_reject *reject,
                                     struct tarn_error *err)
{
    struct tarn_buffer *raw = &spool->scratch;
    tarn_buffer_clear(raw);
    append_raw(raw, reject->raw);
    struct head head = {reject->file, reject->line, reject->reason.len, raw->len};
    if (fwrite(&head, sizeof head, 1, spool->file) != 1 ||
        fwrite(reject->reason.data, 1, reject->reason.len, spool->file) != reject->reason.len ||
        fwrite(tarn_buffer_str(raw), 1, raw->len, spool->file) != raw->len)
        return tarn_fail_errno(err, "keeping a rejected record in a temporary file");
    spool->count++;
    return TARN_OK;
}

enum tarn_status tarn_spool_add(struct tarn_spool *spool, const struct tarn_reject *reject,
                                struct tarn_error *err)
{
    pthread_mutex_lock(&spool->lock);
    enum tarn_status status = write_record(spool, reject, err);
    pthread_mutex_unlock(&spool->lock);
    return status;
}

enum tarn_status tarn_spool_rewind(struct tarn_spool *spool, struct tarn_error *err)
{
    if (fflush(spool->file) != 0 || fseek(spool->file, 0, SEEK_SET) != 0)
        return tarn_fail_errno(err, "reading rejected records back");
    return TARN_OK;
}

enum tarn_status tarn_spool_next(struct tarn_spool *spool, struct tarn_reject *ret, bool *ret_more,
                                 struct tarn_error *err)
{
    struct head head;
    *ret_more = false;
    if (fread(&head, sizeof head, 1, spool->file) != 1) {
        if (ferror(spool->file))
            return tarn_fail_errno(err, "reading rejected records back");
        return TARN_OK;
    }
    size_t len = head.reason_len + head.raw_len;
    tarn_buffer_clear(&spool->scratch);
    char *room = tarn_buffer_room(&spool->scratch, len);
    if (!room || fread(room, 1, len, spool->file) != len)
        return tarn_fail(err, TARN_IO,
                         "reading rejected records back: the temporary file is short");
    *ret = (struct tarn_reject){
        head.file, head.line, {room, head.reason_len}, {room + head.reason_len, head.raw_len}};
    *ret_more = true;
    return TARN_OK;
}
