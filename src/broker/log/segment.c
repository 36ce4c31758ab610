/* broker/log/segment.c -- a partition's files: BASE-GENERATION.log, record batches one behind the
 * other as they were produced, and .index beside it, an extent of 32 bytes (struct extent,
 * little-endian) for each batch, or for several small ones that fill 4 KiB together.
 *
 * How much of both counts stands in the checkpoint: what lies behind it was never finished, and is
 * overwritten. A generation is used once, so files are never replaced under a reader. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum { OUT_BYTES = 256 * 1024, EXTENT_MERGE_BYTES = 4096, INDEX_FLUSH_BYTES = 64 * 1024 };

char *segment_path(const struct tarn_log *log, uint32_t partition_id, int64_t base_offset,
                   uint64_t generation, const char *suffix)
{
    return tarn_format("%s/%u/%020lld-%llu.%s", log->data_folder, partition_id,
                       (long long)base_offset, (unsigned long long)generation, suffix);
}

void extent_encode(const struct extent *extent, uint8_t out[EXTENT_BYTES])
{
    le64_put(out, (uint64_t)extent->base_offset);
    le64_put(out + 8, (uint64_t)extent->max_timestamp);
    le32_put(out + 16, extent->position);
    le32_put(out + 20, extent->size_bytes);
    le32_put(out + 24, extent->offset_count);
    le32_put(out + 28, extent->batch_count);
}

void extent_decode(const uint8_t in[EXTENT_BYTES], struct extent *ret_extent)
{
    *ret_extent = (struct extent){
        .base_offset = (int64_t)le64_get(in),
        .max_timestamp = (int64_t)le64_get(in + 8),
        .position = le32_get(in + 16),
        .size_bytes = le32_get(in + 20),
        .offset_count = le32_get(in + 24),
        .batch_count = le32_get(in + 28),
    };
}

/* ---- reading: owner ---- */

void segment_close(struct tarn_log *log, struct segment *segment)
{
    if (segment->fd >= 0)
        log->io->close(log->io->context, segment->fd);
    if (segment->index_fd >= 0)
        log->io->close(log->io->context, segment->index_fd);
    segment->fd = segment->index_fd = -1;
}

static void add_garbage(struct tarn_log *log, char *path)
{
    TARN_RESERVE(log->garbage, log->garbage_cap, log->garbage_count + 1);
    log->garbage[log->garbage_count++] = path;
}

/* Closes it and has its files removed when no checkpoint names them any more. */
void segment_discard(struct tarn_log *log, uint32_t partition_id, struct segment *segment)
{
    segment_close(log, segment);
    if (log->options.read_only)
        return;
    add_garbage(log,
                segment_path(log, partition_id, segment->base_offset, segment->generation, "log"));
    add_garbage(
        log, segment_path(log, partition_id, segment->base_offset, segment->generation, "index"));
    retention_note(log, tarn_log_now_ms(log) + SOON_MS);
}

/* Keeps the number of open files within a limit: the one opened first goes first. */
static void limit_open(struct tarn_log *log, const struct tarn_partition *partition,
                       const struct segment *segment)
{
    size_t cap = TARN_COUNT(log->open_ring);
    if (log->open_count == cap) {
        struct open_segment old = log->open_ring[log->open_first];
        log->open_first = (log->open_first + 1) % cap;
        log->open_count--;
        struct tarn_partition *owner =
            old.partition_id < log->by_id_cap ? log->by_id[old.partition_id] : NULL;
        for (size_t i = 0; owner && i < owner->segment_count; i++) {
            if (owner->segments[i].base_offset == old.base_offset)
                segment_close(log, &owner->segments[i]);
        }
    }
    log->open_ring[(log->open_first + log->open_count++) % cap] =
        (struct open_segment){partition->id, segment->base_offset};
}

static int open_file(struct tarn_partition *partition, const struct segment *segment,
                     const char *suffix, struct tarn_error *err)
{
    struct tarn_log *log = partition->log;
    TARN_AUTO_FREE char *path =
        segment_path(log, partition->id, segment->base_offset, segment->generation, suffix);
    int fd = log->io->open(log->io->context, path, O_RDONLY);
    if (fd < 0)
        (void)tarn_fail_errno(err, "opening %s", path);
    return fd;
}

enum tarn_status segment_open(struct tarn_partition *partition, struct segment *segment,
                              struct tarn_error *err)
{
    if (segment->fd >= 0)
        return TARN_OK;
    limit_open(partition->log, partition, segment);
    int fd = open_file(partition, segment, "log", err);
    if (fd < 0)
        return err->status;
    int index_fd = open_file(partition, segment, "index", err);
    if (index_fd < 0) {
        partition->log->io->close(partition->log->io->context, fd);
        return err->status;
    }
    segment->fd = fd;
    segment->index_fd = index_fd;
    return TARN_OK;
}

enum tarn_status segment_extents(struct tarn_partition *partition, struct segment *segment,
                                 uint32_t first, uint32_t count, struct extent *ret_extents,
                                 struct tarn_error *err)
{
    enum { CHUNK = 64 };
    uint8_t bytes[CHUNK * EXTENT_BYTES];
    TARN_TRY(segment_open(partition, segment, err));
    for (uint32_t done = 0; done < count;) {
        uint32_t part = count - done < CHUNK ? count - done : CHUNK;
        TARN_TRY(tarn_io_read(partition->log->io, segment->index_fd, bytes, part * EXTENT_BYTES,
                              (int64_t)(first + done) * EXTENT_BYTES, "a segment's index", err));
        for (uint32_t i = 0; i < part; i++)
            extent_decode(bytes + i * EXTENT_BYTES, &ret_extents[done + i]);
        done += part;
    }
    return TARN_OK;
}

/* ---- writing: background thread ---- */

static enum tarn_status make_folder(struct segment_writer *writer, uint32_t partition_id,
                                    struct tarn_error *err)
{
    const struct tarn_log_io *io = writer->log->io;
    TARN_AUTO_FREE char *folder = partition_folder(writer->log, partition_id);
    if (io->make_folder(io->context, folder) != 0) {
        if (errno != EEXIST)
            return tarn_fail_errno(err, "making %s", folder);
    } else if (writer->sync && io->sync_folder(io->context, writer->log->data_folder) != 0) {
        return tarn_fail_errno(err, "syncing %s", writer->log->data_folder);
    }
    return TARN_OK;
}

static enum tarn_status open_files(struct segment_writer *writer, uint32_t partition_id,
                                   struct tarn_error *err)
{
    const struct tarn_log_io *io = writer->log->io;
    bool is_new = writer->segment->size_bytes == 0;
    if (is_new)
        TARN_TRY(make_folder(writer, partition_id, err));
    writer->fd = io->open(io->context, writer->path, O_RDWR | O_CREAT);
    if (writer->fd < 0)
        return tarn_fail_errno(err, "opening %s", writer->path);
    writer->index_fd = io->open(io->context, writer->index_path, O_RDWR | O_CREAT);
    if (writer->index_fd < 0)
        return tarn_fail_errno(err, "opening %s", writer->index_path);
    if (!is_new || !writer->sync)
        return TARN_OK;
    TARN_AUTO_FREE char *folder = partition_folder(writer->log, partition_id);
    if (io->sync_folder(io->context, folder) != 0)
        return tarn_fail_errno(err, "syncing %s", folder);
    return TARN_OK;
}

enum tarn_status segment_writer_open(struct segment_writer *writer, struct tarn_log *log,
                                     uint32_t partition_id, struct segment *segment, bool sync,
                                     struct tarn_error *err)
{
    *writer = (struct segment_writer){.log = log, .segment = segment, .fd = -1, .index_fd = -1};
    writer->sync = sync && log->options.durable;
    writer->path =
        segment_path(log, partition_id, segment->base_offset, segment->generation, "log");
    writer->index_path =
        segment_path(log, partition_id, segment->base_offset, segment->generation, "index");
    writer->out = tarn_realloc_array(NULL, OUT_BYTES, 1);
    tarn_buffer_init(&writer->index, 4 * INDEX_FLUSH_BYTES);
    return open_files(writer, partition_id, err);
}

static enum tarn_status flush_out(struct segment_writer *writer, struct tarn_error *err)
{
    struct iovec piece = {writer->out, writer->out_len};
    int64_t at = (int64_t)writer->segment->size_bytes - (int64_t)writer->out_len;
    TARN_TRY(tarn_io_write(writer->log->io, writer->fd, &piece, 1, at, writer->path, err));
    writer->out_len = 0;
    return TARN_OK;
}

static enum tarn_status flush_index(struct segment_writer *writer, struct tarn_error *err)
{
    struct segment *segment = writer->segment;
    struct iovec piece = {writer->index.data, writer->index.len};
    TARN_TRY(tarn_io_write(writer->log->io, writer->index_fd, &piece, 1,
                           (int64_t)segment->extent_count * EXTENT_BYTES, writer->index_path, err));
    segment->extent_count += (uint32_t)(writer->index.len / EXTENT_BYTES);
    tarn_buffer_clear(&writer->index);
    return TARN_OK;
}

static enum tarn_status add_index(struct segment_writer *writer, const struct extent *extent,
                                  struct tarn_error *err)
{
    struct extent *last = &writer->last;
    int64_t offsets = extent_end(extent) - last->base_offset;
    if (last->batch_count > 0 && last->size_bytes + extent->size_bytes <= EXTENT_MERGE_BYTES &&
        offsets <= UINT32_MAX) {
        last->size_bytes += extent->size_bytes;
        last->offset_count = (uint32_t)offsets;
        last->batch_count += extent->batch_count;
        if (extent->max_timestamp > last->max_timestamp)
            last->max_timestamp = extent->max_timestamp;
        return TARN_OK;
    }
    if (last->batch_count > 0) {
        uint8_t bytes[EXTENT_BYTES];
        extent_encode(last, bytes);
        tarn_buffer_append(&writer->index, bytes, sizeof bytes);
        if (writer->index.len >= INDEX_FLUSH_BYTES)
            TARN_TRY(flush_index(writer, err));
    }
    *last = *extent;
    last->position = writer->segment->size_bytes;
    return TARN_OK;
}

static enum tarn_status put_bytes(struct segment_writer *writer, const char *bytes, size_t len,
                                  struct tarn_error *err)
{
    if (writer->out_len + len > OUT_BYTES)
        TARN_TRY(flush_out(writer, err));
    writer->segment->size_bytes += (uint32_t)len;
    if (len > OUT_BYTES) { /* straight through */
        struct iovec piece = {(void *)(uintptr_t)bytes, len};
        return tarn_io_write(writer->log->io, writer->fd, &piece, 1,
                             (int64_t)writer->segment->size_bytes - (int64_t)len, writer->path,
                             err);
    }
    memcpy(writer->out + writer->out_len, bytes, len);
    writer->out_len += len;
    return TARN_OK;
}

enum tarn_status segment_writer_add(struct segment_writer *writer, const void *bytes,
                                    const struct extent *extent, struct tarn_error *err)
{
    struct segment *segment = writer->segment;
    TARN_TRY(add_index(writer, extent, err));
    TARN_TRY(put_bytes(writer, bytes, extent->size_bytes, err));
    if (extent->max_timestamp > segment->max_timestamp)
        segment->max_timestamp = extent->max_timestamp;
    segment->end_offset = extent_end(extent);
    return TARN_OK;
}

enum tarn_status segment_writer_finish(struct segment_writer *writer, struct tarn_error *err)
{
    const struct tarn_log_io *io = writer->log->io;
    if (writer->last.batch_count > 0) {
        uint8_t bytes[EXTENT_BYTES];
        extent_encode(&writer->last, bytes);
        tarn_buffer_append(&writer->index, bytes, sizeof bytes);
        writer->last.batch_count = 0;
    }
    if (writer->index.len > 0)
        TARN_TRY(flush_index(writer, err));
    if (writer->out_len > 0)
        TARN_TRY(flush_out(writer, err));
    if (writer->sync && io->sync(io->context, writer->fd) != 0)
        return tarn_fail_errno(err, "syncing %s", writer->path);
    if (writer->sync && io->sync(io->context, writer->index_fd) != 0)
        return tarn_fail_errno(err, "syncing %s", writer->index_path);
    return TARN_OK;
}

void segment_writer_release(struct segment_writer *writer)
{
    const struct tarn_log_io *io = writer->log->io;
    if (writer->fd >= 0)
        io->close(io->context, writer->fd);
    if (writer->index_fd >= 0)
        io->close(io->context, writer->index_fd);
    free(writer->path);
    free(writer->index_path);
    free(writer->out);
    tarn_buffer_release(&writer->index);
}
