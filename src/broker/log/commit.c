/* broker/log/commit.c -- gathering a commit, writing it, and what it does to the state in memory.
 *
 * Operations, little-endian, one behind the other:
 *   1 append: partition u32, size u32, base offset i64, max timestamp i64 (-1 of a marker),
 *     last offset delta u32,
 *     leader epoch u32, crc u32 (the batch's own)
 *   2 put: key length u32, value length u32, key, value      3 delete: key length u32, key
 *   4 create: partition u32, topic id 16 bytes, number i32   5 drop: partition u32
 *   6 delete before: partition u32, offset i64               7 closed
 * What is written is also what is applied: recovery runs the same code on the same bytes. */
#include "broker/log/log_int.h"

enum {
    KEY_MAX_BYTES = 1024,
    VALUE_MAX_BYTES = 16 * 1024 * 1024,
    META_KEEP_BYTES = 64 * 1024, /* larger buffers are given back after a commit */
    APPEND_BYTES = 37,
};

struct tarn_commit *tarn_commit_begin(struct tarn_log *log)
{
    struct tarn_commit *commit = &log->commit;
    assert(!commit->open);
    static const char header[ENTRY_HEADER_BYTES];
    commit->log = log;
    commit->open = true;
    commit->mark = ++log->marks;
    tarn_buffer_append(&commit->meta, header, sizeof header);
    return commit;
}

static void reset(struct tarn_commit *commit)
{
    commit->open = commit->too_large = false;
    commit->op_count = 0;
    commit->append_count = commit->created_count = commit->dropped_count = 0;
    if (commit->meta.cap > META_KEEP_BYTES)
        tarn_buffer_release(&commit->meta);
    else
        tarn_buffer_clear(&commit->meta);
    if (commit->append_cap > 4096) {
        free(commit->appends);
        commit->appends = NULL;
        commit->append_cap = 0;
    }
}

void commit_release(struct tarn_commit *commit)
{
    tarn_buffer_release(&commit->meta);
    free(commit->appends);
    free(commit->created);
    free(commit->dropped);
    free(commit->headers);
    free(commit->pieces);
}

void tarn_commit_abandon(struct tarn_commit *commit)
{
    for (size_t i = 0; i < commit->created_count; i++)
        partition_free(commit->created[i]);
    reset(commit);
}

static void put_op(struct tarn_commit *commit, enum commit_op op)
{
    tarn_buffer_append_char(&commit->meta, (char)op);
    commit->op_count++;
}

static void put32(struct tarn_commit *commit, uint32_t value)
{
    uint8_t bytes[4];
    le32_put(bytes, value);
    tarn_buffer_append(&commit->meta, bytes, sizeof bytes);
}

static void put64(struct tarn_commit *commit, uint64_t value)
{
    uint8_t bytes[8];
    le64_put(bytes, value);
    tarn_buffer_append(&commit->meta, bytes, sizeof bytes);
}

/* ---- gathering ---- */

static bool appended_by(const struct tarn_commit *commit, const struct tarn_partition *partition,
                        int64_t producer_id)
{
    for (size_t i = 0; producer_id >= 0 && i < commit->append_count; i++) {
        if (commit->appends[i].partition == partition &&
            commit->appends[i].batch.producer_id == producer_id)
            return true;
    }
    return false;
}

enum tarn_status tarn_commit_append(struct tarn_commit *commit, struct tarn_partition *partition,
                                    const struct tarn_record_batch *batch, int64_t *ret_base_offset,
                                    struct tarn_error *err)
{
    if (partition->commit_mark == commit->mark &&
        appended_by(commit, partition, batch->producer_id))
        return tarn_fail(err, TARN_INVALID,
                         "a commit has two batches of producer %lld for one partition; commit them "
                         "one after the other",
                         (long long)batch->producer_id);
    if (partition->commit_mark != commit->mark) {
        partition->commit_mark = commit->mark;
        partition->pending_end = partition->end_offset;
    }
    TARN_RESERVE(commit->appends, commit->append_cap, commit->append_count + 1);
    struct pending_append *append = &commit->appends[commit->append_count++];
    append->partition = partition;
    append->is_marker = false;
    append->batch = *batch;
    append->batch.base_offset = partition->pending_end;
    append->batch.leader_epoch = commit->log->leader_epoch;
    partition->pending_end += (int64_t)batch->last_offset_delta + 1;

    put_op(commit, OP_APPEND);
    put32(commit, partition->id);
    put32(commit, batch->size_bytes);
    put64(commit, (uint64_t)append->batch.base_offset);
    /* Markers are no records: lookups by time pass them over. */
    put64(commit, (uint64_t)(tarn_batch_is_control(batch) ? -1 : batch->max_timestamp));
    put32(commit, (uint32_t)batch->last_offset_delta);
    put32(commit, (uint32_t)append->batch.leader_epoch);
    put32(commit, batch->crc);
    *ret_base_offset = append->batch.base_offset;
    return TARN_OK;
}

/* A control batch with one record: key {i16 0, i16 type}, value {i16 0, i32 coordinator epoch}. */
static uint32_t make_marker(uint8_t *at, int64_t producer_id, int16_t producer_epoch,
                            int32_t coordinator_epoch, bool committed, int64_t now_ms)
{
    static const uint8_t record[] = {16 << 1, 0, 0, 0, 4 << 1, 0, 0, 0, 0,
                                     6 << 1,  0, 0, 0, 0,      0, 0, 0};
    uint8_t *out = at + TARN_BATCH_HEADER_BYTES;
    uint32_t size = TARN_BATCH_HEADER_BYTES + sizeof record;
    memset(at, 0, TARN_BATCH_HEADER_BYTES);
    memcpy(out, record, sizeof record);
    be16_put(out + 7, committed);
    be32_put(out + 12, (uint32_t)coordinator_epoch);
    be32_put(at + 8, size - 12);
    at[16] = 2;
    be16_put(at + 21, TARN_BATCH_TRANSACTIONAL | TARN_BATCH_CONTROL);
    be64_put(at + 27, (uint64_t)now_ms);
    be64_put(at + 35, (uint64_t)now_ms);
    be64_put(at + 43, (uint64_t)producer_id);
    be16_put(at + 51, (uint16_t)producer_epoch);
    be32_put(at + 53, (uint32_t)-1);
    be32_put(at + 57, 1);
    be32_put(at + 17, tarn_crc32c(0, at + TARN_BATCH_CRC_START, size - TARN_BATCH_CRC_START));
    return size;
}

enum tarn_status tarn_commit_append_marker(struct tarn_commit *commit,
                                           struct tarn_partition *partition, int64_t producer_id,
                                           int16_t producer_epoch, int32_t coordinator_epoch,
                                           bool committed, int64_t *ret_offset,
                                           struct tarn_error *err)
{
    uint8_t bytes[MARKER_BYTES];
    struct tarn_record_batch batch;
    uint32_t size = make_marker(bytes, producer_id, producer_epoch, coordinator_epoch, committed,
                                tarn_log_now_ms(commit->log));
    TARN_TRY(tarn_batch_parse((struct tarn_text){(char *)bytes, size}, &batch, err));
    TARN_TRY(tarn_commit_append(commit, partition, &batch, ret_offset, err));
    struct pending_append *append = &commit->appends[commit->append_count - 1];
    append->is_marker = true;
    memcpy(append->marker, bytes, size);
    return TARN_OK;
}

void tarn_commit_put(struct tarn_commit *commit, struct tarn_text key, struct tarn_text value)
{
    if (key.len == 0 || key.len > KEY_MAX_BYTES || value.len > VALUE_MAX_BYTES) {
        commit->too_large = true;
        return;
    }
    put_op(commit, OP_PUT);
    put32(commit, (uint32_t)key.len);
    put32(commit, (uint32_t)value.len);
    tarn_buffer_append_text(&commit->meta, key);
    tarn_buffer_append_text(&commit->meta, value);
}

void tarn_commit_delete(struct tarn_commit *commit, struct tarn_text key)
{
    if (key.len == 0 || key.len > KEY_MAX_BYTES)
        return; /* there is no such key */
    put_op(commit, OP_DELETE);
    put32(commit, (uint32_t)key.len);
    tarn_buffer_append_text(&commit->meta, key);
}

struct tarn_partition *tarn_commit_create_partition(struct tarn_commit *commit,
                                                    const uint8_t topic_id[16], int32_t number,
                                                    const struct tarn_topic_settings *settings)
{
    struct tarn_log *log = commit->log;
    struct tarn_partition *partition =
        partition_new(log, log->next_partition_id++, topic_id, number);
    partition->settings = settings;
    TARN_RESERVE(commit->created, commit->created_cap, commit->created_count + 1);
    commit->created[commit->created_count++] = partition;
    put_op(commit, OP_CREATE);
    put32(commit, partition->id);
    tarn_buffer_append(&commit->meta, topic_id, 16);
    put32(commit, (uint32_t)number);
    return partition;
}

void tarn_commit_delete_partition(struct tarn_commit *commit, struct tarn_partition *partition)
{
    put_op(commit, OP_DROP);
    put32(commit, partition->id);
}

void tarn_commit_delete_before(struct tarn_commit *commit, struct tarn_partition *partition,
                               int64_t offset)
{
    put_op(commit, OP_DELETE_BEFORE);
    put32(commit, partition->id);
    put64(commit, (uint64_t)offset);
}

/* ---- writing ---- */

static enum tarn_status check(struct tarn_commit *commit, uint64_t *ret_len, struct tarn_error *err)
{
    struct tarn_log *log = commit->log;
    TARN_TRY(tarn_log_health(log, err));
    if (log->options.read_only)
        return tarn_fail(err, TARN_PERMISSION, "writing to %s: it is open for reading only",
                         log->folder);
    if (commit->too_large)
        return tarn_fail(err, TARN_TOO_LARGE,
                         "a journal key has to have 1 to %d bytes and a value at most %d",
                         KEY_MAX_BYTES, VALUE_MAX_BYTES);
    TARN_TRY(tarn_buffer_check(&commit->meta, "a commit's operations", err));
    uint64_t len = commit->meta.len;
    for (size_t i = 0; i < commit->append_count; i++)
        len += commit->appends[i].batch.size_bytes;
    if (len > COMMIT_MAX_BYTES)
        return tarn_fail(err, TARN_TOO_LARGE, "a commit of %llu bytes is over the limit of %d",
                         (unsigned long long)len, COMMIT_MAX_BYTES);
    *ret_len = len;
    return TARN_OK;
}

static void finish_header(struct tarn_commit *commit, uint32_t len, int64_t time_ms)
{
    uint8_t *header = (uint8_t *)commit->meta.data;
    struct tarn_log *log = commit->log;
    le32_put(header, len);
    le64_put(header + 8, log->next_sequence);
    le64_put(header + 16, (uint64_t)time_ms);
    le32_put(header + 24, (uint32_t)commit->meta.len);
    le32_put(header + 28, commit->op_count);
    le32_put(header + 4, tarn_crc32c(log->current->salt, header + 8, commit->meta.len - 8));
}

/* Operations, then each batch as its patched header and the caller's bytes behind it. */
static int gather_pieces(struct tarn_commit *commit)
{
    size_t count = commit->append_count;
    TARN_RESERVE(commit->headers, commit->headers_cap, count * TARN_BATCH_HEADER_BYTES);
    TARN_RESERVE(commit->pieces, commit->pieces_cap, 1 + 2 * count);
    int pieces = 0;
    commit->pieces[pieces++] = (struct iovec){commit->meta.data, commit->meta.len};
    for (size_t i = 0; i < count; i++) {
        struct pending_append *append = &commit->appends[i];
        struct tarn_record_batch *batch = &append->batch;
        if (append->is_marker)
            batch->bytes = append->marker;
        uint8_t *header = commit->headers + i * TARN_BATCH_HEADER_BYTES;
        memcpy(header, batch->bytes, TARN_BATCH_HEADER_BYTES);
        be64_put(header, (uint64_t)batch->base_offset);
        be32_put(header + 12, (uint32_t)batch->leader_epoch);
        commit->pieces[pieces++] = (struct iovec){header, TARN_BATCH_HEADER_BYTES};
        if (batch->size_bytes > TARN_BATCH_HEADER_BYTES)
            commit->pieces[pieces++] =
                (struct iovec){(void *)(uintptr_t)(batch->bytes + TARN_BATCH_HEADER_BYTES),
                               batch->size_bytes - TARN_BATCH_HEADER_BYTES};
    }
    return pieces;
}

static bool own_batch(void *context, size_t index, uint32_t position,
                      struct tarn_record_batch *ret_batch)
{
    (void)position;
    *ret_batch = ((struct tarn_commit *)context)->appends[index].batch;
    return true;
}

static enum tarn_status write_all(struct tarn_commit *commit, int64_t time_ms,
                                  struct tarn_error *err)
{
    struct tarn_log *log = commit->log;
    uint64_t len;
    TARN_TRY(check(commit, &len, err));
    TARN_TRY(wal_make_room(log, (uint32_t)len, err));
    finish_header(commit, (uint32_t)len, time_ms);
    return wal_write(log, commit->pieces, gather_pieces(commit), (uint32_t)len, err);
}

/* flush.messages and flush.ms: a sync that no producer asks for. */
static void note_flush(struct tarn_commit *commit, const struct pending_append *append)
{
    struct tarn_log *log = commit->log;
    struct tarn_partition *partition = append->partition;
    const struct tarn_topic_settings *settings = partition->settings;
    int64_t due_ms;
    if (!settings || !log->options.durable)
        return;
    partition->unflushed += (int64_t)append->batch.last_offset_delta + 1;
    if (partition->unflushed >= settings->flush_messages) {
        partition->unflushed = 0;
        log->flush_position = log->next_sequence - 1;
        tarn_log_request_sync(log);
    }
    if (settings->flush_ms != INT64_MAX &&
        !__builtin_add_overflow(tarn_log_now_ms(log), settings->flush_ms, &due_ms) &&
        (log->flush_due_ms < 0 || due_ms < log->flush_due_ms))
        log->flush_due_ms = due_ms;
}

static void tell(struct tarn_commit *commit)
{
    struct tarn_log *log = commit->log;
    for (size_t i = 0; i < commit->append_count; i++) {
        struct tarn_partition *partition = commit->appends[i].partition;
        note_flush(commit, &commit->appends[i]);
        if (partition->commit_mark != commit->mark)
            continue; /* told, or deleted in this commit */
        partition->commit_mark = 0;
        log_changed(log, partition, false);
    }
}

enum tarn_status tarn_commit_write(struct tarn_commit *commit, uint64_t *ret_position,
                                   struct tarn_error *err)
{
    struct tarn_log *log = commit->log;
    int64_t time_ms = tarn_log_now_ms(log);
    enum tarn_status status = write_all(commit, time_ms, err);
    if (status != TARN_OK) {
        tarn_commit_abandon(commit);
        return status;
    }
    struct entry entry = {
        .operations = (const uint8_t *)commit->meta.data + ENTRY_HEADER_BYTES,
        .operations_len = commit->meta.len - ENTRY_HEADER_BYTES,
        .count = commit->op_count,
        .time_ms = time_ms,
    };
    uint64_t batches_len = 0;
    for (size_t i = 0; i < commit->append_count; i++)
        batches_len += commit->appends[i].batch.size_bytes;
    entry.batches_at = log->current->end - (uint32_t)batches_len;
    *ret_position = log->next_sequence++;
    sync_written(log, *ret_position);
    status = entry_apply(log, log->current, &entry, own_batch, commit, err);
    assert(status == TARN_OK); /* we have written these operations ourselves */
    tell(commit);
    for (size_t i = 0; i < commit->dropped_count; i++) {
        log_changed(log, commit->dropped[i], true);
        partition_free(commit->dropped[i]);
    }
    reset(commit);
    return TARN_OK;
}

enum tarn_status write_clean_close(struct tarn_log *log, struct tarn_error *err)
{
    if (log->next_sequence == 1)
        return TARN_OK; /* nothing was ever written */
    struct tarn_commit *commit = tarn_commit_begin(log);
    put_op(commit, OP_CLEAN_CLOSE);
    uint64_t position;
    return tarn_commit_write(commit, &position, err);
}
