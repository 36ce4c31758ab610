/* broker/log/apply.c -- what a commit does to the state in memory, when it is written and when it
 * is read back after a restart. The operations' layout is in commit.c. */
#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum { ID_GAP_MAX = 1 << 20 };

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *take(struct reader *reader, size_t len)
{
    if (reader->bad || len > (size_t)(reader->end - reader->at)) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *bytes = reader->at;
    reader->at += len;
    return bytes;
}

static uint32_t take32(struct reader *reader)
{
    const uint8_t *bytes = take(reader, 4);
    return bytes ? le32_get(bytes) : 0;
}

static uint64_t take64(struct reader *reader)
{
    const uint8_t *bytes = take(reader, 8);
    return bytes ? le64_get(bytes) : 0;
}

static struct tarn_text take_text(struct reader *reader, size_t len)
{
    const uint8_t *bytes = take(reader, len);
    return (struct tarn_text){(const char *)bytes, bytes ? len : 0};
}

static struct tarn_partition *partition_of(struct tarn_log *log, uint32_t id)
{
    return id < log->by_id_cap ? log->by_id[id] : NULL;
}

static void add_epoch(struct tarn_partition *partition, int32_t epoch, int64_t start_offset)
{
    size_t count = partition->epoch_count;
    if (count > 0 && partition->epochs[count - 1].epoch >= epoch)
        return;
    TARN_RESERVE(partition->epochs, partition->epoch_cap, count + 1);
    partition->epochs[partition->epoch_count++] = (struct epoch_start){epoch, start_offset};
}

struct append {
    uint32_t size;
    int64_t base_offset, max_timestamp;
    uint32_t last_offset_delta;
    int32_t leader_epoch;
    uint32_t crc;
};

static struct append take_append(struct reader *reader)
{
    struct append append = {.size = take32(reader)};
    append.base_offset = (int64_t)take64(reader);
    append.max_timestamp = (int64_t)take64(reader);
    append.last_offset_delta = take32(reader);
    append.leader_epoch = (int32_t)take32(reader);
    append.crc = take32(reader);
    return append;
}

static bool fits(const struct append *append, const struct tarn_record_batch *batch)
{
    return batch->size_bytes == append->size && batch->base_offset == append->base_offset &&
           append->max_timestamp == (tarn_batch_is_control(batch) ? -1 : batch->max_timestamp) &&
           (uint32_t)batch->last_offset_delta == append->last_offset_delta &&
           batch->leader_epoch == append->leader_epoch && batch->crc == append->crc;
}

static void add_extent(struct tarn_partition *partition, struct wal_file *file,
                       const struct append *append, uint32_t position)
{
    if (append->base_offset + (int64_t)append->last_offset_delta < partition->start_offset)
        return;
    struct extent extent = {
        .base_offset = append->base_offset,
        .max_timestamp = append->max_timestamp,
        .position = position,
        .size_bytes = append->size,
        .offset_count = append->last_offset_delta + 1,
        .batch_count = 1,
    };
    run_add(partition_run(partition, file), &extent);
    partition->size_bytes += append->size;
    retention_arrived(partition, append->max_timestamp);
}

/* Where a batch is in a file that has not been copied; what is in segments is known from there. */
static bool in_segments(const struct tarn_partition *partition, int64_t base_offset)
{
    size_t count = partition->segment_count;
    return count > 0 && base_offset < partition->segments[count - 1].end_offset;
}

static void apply_append(struct tarn_partition *partition, struct wal_file *file,
                         const struct entry *entry, const struct append *append, uint32_t position,
                         const struct tarn_record_batch *batch)
{
    struct tarn_log *log = partition->log;
    if (!in_segments(partition, append->base_offset))
        add_extent(partition, file, append, position);
    if (entry->known)
        return;
    partition->end_offset = append->base_offset + (int64_t)append->last_offset_delta + 1;
    add_epoch(partition, append->leader_epoch, append->base_offset);
    if (append->leader_epoch > log->leader_epoch)
        log->leader_epoch = append->leader_epoch;
    producer_append(partition, batch, entry->time_ms);
}

static void apply_create(struct tarn_log *log, struct reader *reader, bool known)
{
    uint32_t id = take32(reader);
    const uint8_t *topic_id = take(reader, 16);
    int32_t number = (int32_t)take32(reader);
    if (reader->bad || known)
        return;
    struct tarn_partition *partition = NULL;
    for (size_t i = 0; i < log->commit.created_count; i++) {
        if (log->commit.created[i]->id == id)
            partition = log->commit.created[i];
    }
    if (!partition) { /* read back: ids go up, with small gaps where commits failed */
        if (id < log->next_partition_id || id - log->next_partition_id > ID_GAP_MAX) {
            reader->bad = true;
            return;
        }
        partition = partition_new(log, id, topic_id, number);
    }
    partition_link(partition);
    if (id >= log->next_partition_id)
        log->next_partition_id = id + 1;
}

static void apply_drop(struct tarn_log *log, struct reader *reader, bool known)
{
    struct tarn_partition *partition = partition_of(log, take32(reader));
    if (!partition || known)
        return;
    partition_unlink(partition);
    struct tarn_commit *commit = &log->commit;
    if (!commit->open) { /* recovery: nobody has to be told */
        partition_free(partition);
        return;
    }
    partition->commit_mark = 0;
    TARN_RESERVE(commit->dropped, commit->dropped_cap, commit->dropped_count + 1);
    commit->dropped[commit->dropped_count++] = partition;
}

static void apply_delete_before(struct tarn_log *log, struct reader *reader, bool known)
{
    struct tarn_partition *partition = partition_of(log, take32(reader));
    int64_t offset = (int64_t)take64(reader);
    if (!partition || known)
        return;
    int64_t before = partition->start_offset;
    partition_drop_before(partition, offset);
    if (log->commit.open && partition->start_offset != before)
        log_changed(log, partition, false);
}

static void apply_key(struct tarn_log *log, struct reader *reader, enum commit_op op, bool known)
{
    uint32_t key_len = take32(reader), value_len = op == OP_PUT ? take32(reader) : 0;
    struct tarn_text key = take_text(reader, key_len), value = take_text(reader, value_len);
    if (reader->bad || known)
        return;
    if (op == OP_PUT)
        journal_put(log->journal, key, value);
    else
        journal_remove(log->journal, key);
}

enum tarn_status entry_apply(struct tarn_log *log, struct wal_file *file, const struct entry *entry,
                             bool (*batch_at)(void *context, size_t index, uint32_t position,
                                              struct tarn_record_batch *ret_batch),
                             void *context, struct tarn_error *err)
{
    struct reader reader = {entry->operations, entry->operations + entry->operations_len, false};
    uint32_t position = entry->batches_at;
    size_t appends = 0;
    bool skip = entry->known || entry->check_only;
    for (uint32_t i = 0; i < entry->count && !reader.bad; i++) {
        const uint8_t *op = take(&reader, 1);
        if (!op)
            break;
        if (*op == OP_APPEND) {
            uint32_t id = take32(&reader);
            struct append append = take_append(&reader);
            struct tarn_partition *partition = partition_of(log, id);
            struct tarn_record_batch batch = {0};
            if (!reader.bad && (partition || entry->check_only) && !entry->known &&
                (!batch_at(context, appends, position, &batch) || !fits(&append, &batch)))
                reader.bad = true;
            if (!reader.bad && partition && !entry->check_only)
                apply_append(partition, file, entry, &append, position, &batch);
            position += append.size;
            appends++;
        } else if (*op == OP_PUT || *op == OP_DELETE) {
            apply_key(log, &reader, (enum commit_op) * op, skip);
        } else if (*op == OP_CREATE) {
            apply_create(log, &reader, skip);
        } else if (*op == OP_DROP) {
            apply_drop(log, &reader, skip);
        } else if (*op == OP_DELETE_BEFORE) {
            apply_delete_before(log, &reader, skip);
        } else if (*op != OP_CLEAN_CLOSE) {
            reader.bad = true;
        }
    }
    if (reader.bad)
        return tarn_fail(err, TARN_CORRUPT, "a commit in %s has operations that cannot be read",
                         file->path);
    return TARN_OK;
}
