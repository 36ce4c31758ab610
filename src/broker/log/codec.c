/* broker/log/codec.c -- what producers compress with: gzip, snappy, lz4, zstd.
 *
 * Snappy comes raw or in the framing of snappy-java (0x82 SNAPPY 0, version i32, compatible i32,
 * then blocks: size i32 big-endian, raw snappy); both are read, the framing is written, as Java and
 * librdkafka read it. LZ4 frames are written with independent blocks: Java reads no others. */
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "broker/log/bytes.h"
#include "broker/log/record_batch.h"

enum { STEP_BYTES = 64 * 1024, SNAPPY_BLOCK_BYTES = 32 * 1024 };

static const uint8_t snappy_magic[16] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                         0,    0,   0,   1,   0,   0,   0,   1};

static enum tarn_status damaged(struct tarn_error *err, const char *codec, const char *what)
{
    return tarn_fail(err, TARN_CORRUPT, "decompressing a record batch (%s): %s", codec, what);
}

/* Room for the next piece of output: as much as the limit allows, at least a byte. */
static char *next_room(struct tarn_buffer *into, size_t *ret_len)
{
    size_t left = into->max_bytes > into->len ? into->max_bytes - into->len : 0;
    size_t spare = into->cap > into->len + 1 ? into->cap - into->len - 1 : 0;
    size_t want = spare >= STEP_BYTES / 4 ? spare : STEP_BYTES;
    if (want > left)
        want = left;
    *ret_len = want;
    return tarn_buffer_room(into, want ? want : 1);
}

static enum tarn_status over_limit(const struct tarn_buffer *into, struct tarn_error *err)
{
    return tarn_fail(err, TARN_TOO_LARGE, "a decompressed record batch is over %zu bytes",
                     into->max_bytes);
}

static enum tarn_status gunzip(struct tarn_text input, struct tarn_buffer *into,
                               struct tarn_error *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)input.data, .avail_in = (uInt)input.len};
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return tarn_fail(err, TARN_INTERNAL, "starting zlib: %s", stream.msg ? stream.msg : "");
    enum tarn_status status = TARN_OK;
    for (int result = Z_OK; status == TARN_OK;) {
        if (result == Z_STREAM_END) {
            if (stream.avail_in == 0)
                break;
            inflateReset(&stream); /* gzip members may follow each other */
        }
        size_t len;
        char *room = next_room(into, &len);
        if (!room) {
            status = over_limit(into, err);
            break;
        }
        stream.next_out = (Bytef *)room;
        stream.avail_out = (uInt)len;
        result = inflate(&stream, Z_NO_FLUSH);
        into->len += len - stream.avail_out;
        if ((result != Z_OK && result != Z_STREAM_END) ||
            (result == Z_OK && stream.avail_in == 0 && stream.avail_out > 0))
            status = damaged(err, "gzip", stream.msg ? stream.msg : "the data end too early");
    }
    inflateEnd(&stream);
    return status;
}

static enum tarn_status unsnappy_block(struct tarn_text input, struct tarn_buffer *into,
                                       struct tarn_error *err)
{
    size_t len;
    if (snappy_uncompressed_length(input.data, input.len, &len) != SNAPPY_OK)
        return damaged(err, "snappy", "a block has no length");
    char *room = tarn_buffer_room(into, len);
    if (!room)
        return over_limit(into, err);
    if (snappy_uncompress(input.data, input.len, room, &len) != SNAPPY_OK)
        return damaged(err, "snappy", "a block is not valid");
    into->len += len;
    return TARN_OK;
}

static enum tarn_status unsnappy(struct tarn_text input, struct tarn_buffer *into,
                                 struct tarn_error *err)
{
    if (input.len < sizeof snappy_magic || memcmp(input.data, snappy_magic, 8) != 0)
        return unsnappy_block(input, into, err);
    for (size_t at = sizeof snappy_magic; at < input.len;) {
        if (input.len - at < 4)
            return damaged(err, "snappy", "the data end in a block's size");
        uint32_t len = be32_get(input.data + at);
        at += 4;
        if (len > input.len - at)
            return damaged(err, "snappy", "a block is longer than the data");
        TARN_TRY(unsnappy_block((struct tarn_text){input.data + at, len}, into, err));
        at += len;
    }
    return TARN_OK;
}

static enum tarn_status unlz4(struct tarn_text input, struct tarn_buffer *into,
                              struct tarn_error *err)
{
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return tarn_fail(err, TARN_INTERNAL, "starting lz4 failed");
    enum tarn_status status = TARN_OK;
    size_t at = 0, hint = 1;
    while (hint != 0 || at < input.len) {
        size_t out_len, in_len = input.len - at;
        char *room = next_room(into, &out_len);
        if (!room) {
            status = over_limit(into, err);
            break;
        }
        size_t room_len = out_len;
        hint = LZ4F_decompress(context, room, &out_len, input.data + at, &in_len, NULL);
        if (LZ4F_isError(hint)) {
            status = damaged(err, "lz4", LZ4F_getErrorName(hint));
            break;
        }
        at += in_len;
        into->len += out_len;
        if (hint != 0 && at == input.len && out_len < room_len) {
            status = damaged(err, "lz4", "the data end too early");
            break;
        }
    }
    LZ4F_freeDecompressionContext(context);
    return status;
}

static enum tarn_status unzstd(struct tarn_text input, struct tarn_buffer *into,
                               struct tarn_error *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return tarn_fail(err, TARN_INTERNAL, "starting zstd failed");
    enum tarn_status status = TARN_OK;
    ZSTD_inBuffer in = {input.data, input.len, 0};
    size_t hint = 1;
    while (hint != 0 || in.pos < in.size) {
        size_t len;
        char *room = next_room(into, &len);
        if (!room) {
            status = over_limit(into, err);
            break;
        }
        ZSTD_outBuffer out = {room, len, 0};
        hint = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(hint)) {
            status = damaged(err, "zstd", ZSTD_getErrorName(hint));
            break;
        }
        into->len += out.pos;
        if (hint != 0 && in.pos == in.size && out.pos < out.size) {
            status = damaged(err, "zstd", "the data end too early");
            break;
        }
    }
    ZSTD_freeDCtx(context);
    return status;
}

static enum tarn_status decompress(enum tarn_codec codec, struct tarn_text input,
                                   struct tarn_buffer *into, struct tarn_error *err)
{
    if (codec == TARN_CODEC_GZIP)
        return gunzip(input, into, err);
    if (codec == TARN_CODEC_SNAPPY)
        return unsnappy(input, into, err);
    if (codec == TARN_CODEC_LZ4)
        return unlz4(input, into, err);
    if (codec == TARN_CODEC_ZSTD)
        return unzstd(input, into, err);
    if (codec != TARN_CODEC_NONE)
        return tarn_fail(err, TARN_UNSUPPORTED, "a record batch has codec %d", (int)codec);
    tarn_buffer_append_text(into, input);
    return tarn_buffer_check(into, "a record batch", err);
}

/* What was written into a buffer's room ends in a NUL like everything else in buffers. */
static enum tarn_status terminated(struct tarn_buffer *into, enum tarn_status status)
{
    if (into->data)
        into->data[into->len] = 0;
    return status;
}

enum tarn_status tarn_codec_decompress(enum tarn_codec codec, struct tarn_text input,
                                       struct tarn_buffer *into, struct tarn_error *err)
{
    return terminated(into, decompress(codec, input, into, err));
}

static enum tarn_status gzip(struct tarn_text input, struct tarn_buffer *into,
                             struct tarn_error *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)input.data, .avail_in = (uInt)input.len};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return tarn_fail(err, TARN_INTERNAL, "starting zlib: %s", stream.msg ? stream.msg : "");
    size_t bound = deflateBound(&stream, input.len);
    char *room = tarn_buffer_room(into, bound);
    if (room) {
        stream.next_out = (Bytef *)room;
        stream.avail_out = (uInt)bound;
        deflate(&stream, Z_FINISH);
        into->len += bound - stream.avail_out;
    }
    deflateEnd(&stream);
    return tarn_buffer_check(into, "a compressed record batch", err);
}

static enum tarn_status snappy(struct tarn_text input, struct tarn_buffer *into,
                               struct tarn_error *err)
{
    tarn_buffer_append(into, snappy_magic, sizeof snappy_magic);
    for (size_t at = 0; at < input.len; at += SNAPPY_BLOCK_BYTES) {
        size_t len = input.len - at < SNAPPY_BLOCK_BYTES ? input.len - at : SNAPPY_BLOCK_BYTES;
        size_t packed = snappy_max_compressed_length(len);
        char *room = tarn_buffer_room(into, packed + 4);
        if (!room)
            break;
        snappy_compress(input.data + at, len, room + 4, &packed);
        be32_put(room, (uint32_t)packed);
        into->len += packed + 4;
    }
    return tarn_buffer_check(into, "a compressed record batch", err);
}

static enum tarn_status lz4(struct tarn_text input, struct tarn_buffer *into,
                            struct tarn_error *err)
{
    LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent}};
    size_t bound = LZ4F_compressFrameBound(input.len, &preferences);
    char *room = tarn_buffer_room(into, bound);
    if (!room)
        return tarn_buffer_check(into, "a compressed record batch", err);
    size_t len = LZ4F_compressFrame(room, bound, input.data, input.len, &preferences);
    if (LZ4F_isError(len))
        return tarn_fail(err, TARN_INTERNAL, "compressing with lz4: %s", LZ4F_getErrorName(len));
    into->len += len;
    return TARN_OK;
}

static enum tarn_status zstd(struct tarn_text input, struct tarn_buffer *into,
                             struct tarn_error *err)
{
    size_t bound = ZSTD_compressBound(input.len);
    char *room = tarn_buffer_room(into, bound);
    if (!room)
        return tarn_buffer_check(into, "a compressed record batch", err);
    size_t len = ZSTD_compress(room, bound, input.data, input.len, ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(len))
        return tarn_fail(err, TARN_INTERNAL, "compressing with zstd: %s", ZSTD_getErrorName(len));
    into->len += len;
    return TARN_OK;
}

static enum tarn_status compress_with(enum tarn_codec codec, struct tarn_text input,
                                      struct tarn_buffer *into, struct tarn_error *err)
{
    if (codec == TARN_CODEC_GZIP)
        return gzip(input, into, err);
    if (codec == TARN_CODEC_SNAPPY)
        return snappy(input, into, err);
    if (codec == TARN_CODEC_LZ4)
        return lz4(input, into, err);
    if (codec == TARN_CODEC_ZSTD)
        return zstd(input, into, err);
    tarn_buffer_append_text(into, input);
    return tarn_buffer_check(into, "a record batch", err);
}

enum tarn_status tarn_codec_compress(enum tarn_codec codec, struct tarn_text input,
                                     struct tarn_buffer *into, struct tarn_error *err)
{
    return terminated(into, compress_with(codec, input, into, err));
}
