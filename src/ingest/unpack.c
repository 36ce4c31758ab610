/* ingest/unpack.c -- see unpack.h. */
#include "ingest/unpack.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"

enum { PIECE_BYTES = 1 << 18 };

enum tarn_packing tarn_packing_of(struct tarn_text bytes)
{
    if (bytes.len >= 2 && memcmp(bytes.data, "\x1f\x8b", 2) == 0)
        return TARN_PACKED_GZIP;
    if (bytes.len >= 4 && memcmp(bytes.data, "\x28\xb5\x2f\xfd", 4) == 0)
        return TARN_PACKED_ZSTD;
    return TARN_PACKED_NOT;
}

enum tarn_status tarn_unpack_write(int fd, const void *bytes, size_t len, const char *path,
                                   struct tarn_error *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return tarn_fail_errno(err, "unpacking %s to a temporary file", path);
        at += done;
        len -= (size_t)done;
    }
    return TARN_OK;
}

struct unpacking {
    int fd;
    const char *path;
    uint64_t total;
    struct tarn_error *err;
};

static enum tarn_status put(struct unpacking *u, const void *bytes, size_t len)
{
    u->total += len;
    if (u->total > TARN_UNPACKED_MAX)
        return tarn_fail(u->err, TARN_INVALID, "unpacking %s: it unpacks to more than %llu GiB",
                         u->path, (unsigned long long)(TARN_UNPACKED_MAX >> 30));
    return tarn_unpack_write(u->fd, bytes, len, u->path, u->err);
}

static enum tarn_status unpack_members(struct unpacking *u, z_stream *z)
{
    TARN_AUTO_FREE unsigned char *out = tarn_alloc(PIECE_BYTES);
    size_t left = z->avail_in;
    for (;;) {
        z->next_out = out;
        z->avail_out = PIECE_BYTES;
        int outcome = inflate(z, Z_NO_FLUSH);
        TARN_TRY(put(u, out, PIECE_BYTES - z->avail_out));
        if (outcome == Z_STREAM_END && z->avail_in == 0)
            return TARN_OK;
        if (outcome == Z_STREAM_END)
            outcome = inflateReset(z); /* the next member of a concatenated file */
        if (outcome != Z_OK)
            return tarn_fail(u->err, TARN_INVALID,
                             "the gzip file is damaged or cut off at byte %zu%s%s",
                             left - z->avail_in, z->msg ? ": " : "", z->msg ? z->msg : "");
    }
}

static enum tarn_status unpack_gzip(struct unpacking *u, struct tarn_text packed)
{
    enum { GZIP_WINDOW = 15 + 16 };
    if (packed.len > UINT32_MAX)
        return tarn_fail(u->err, TARN_INVALID,
                         "a gzip file may have at most 4 GiB; unpack %s and load that", u->path);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.len};
    enum tarn_status status = inflateInit2(&z, GZIP_WINDOW) == Z_OK
                                  ? unpack_members(u, &z)
                                  : tarn_fail(u->err, TARN_INTERNAL, "starting zlib failed");
    inflateEnd(&z);
    return status;
}

static enum tarn_status unpack_frames(struct unpacking *u, ZSTD_DStream *z, struct tarn_text packed)
{
    ZSTD_inBuffer in = {packed.data, packed.len, 0};
    TARN_AUTO_FREE char *bytes = tarn_alloc(PIECE_BYTES);
    for (;;) {
        ZSTD_outBuffer out = {bytes, PIECE_BYTES, 0};
        size_t more = ZSTD_decompressStream(z, &out, &in); /* begins the next frame by itself */
        if (ZSTD_isError(more))
            return tarn_fail(u->err, TARN_INVALID, "the zstd file is damaged at byte %zu: %s",
                             in.pos, ZSTD_getErrorName(more));
        TARN_TRY(put(u, bytes, out.pos));
        if (in.pos < in.size || out.pos == out.size)
            continue;
        return more == 0 ? TARN_OK
                         : tarn_fail(u->err, TARN_INVALID, "the zstd file is cut off at byte %zu",
                                     in.pos);
    }
}

static enum tarn_status unpack_zstd(struct unpacking *u, struct tarn_text packed)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    if (!z)
        return tarn_fail(u->err, TARN_INTERNAL, "starting zstd failed");
    enum tarn_status status = unpack_frames(u, z, packed);
    ZSTD_freeDStream(z);
    return status;
}

enum tarn_status tarn_unpack(enum tarn_packing packing, struct tarn_text packed, int fd,
                             const char *path, struct tarn_error *err)
{
    struct unpacking u = {fd, path, 0, err};
    return packing == TARN_PACKED_ZSTD ? unpack_zstd(&u, packed) : unpack_gzip(&u, packed);
}
