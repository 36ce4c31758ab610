/* broker/log/compact.c -- keeps the last record of each key (cleanup.policy=compact).
 *
 * As Kafka's cleaner: the keys of the new part are mapped to their last offsets, then all segments
 * from the first on are written anew without records whose key has a later offset in the map.
 * Records of aborted transactions go at once. Tombstones and transaction markers stay for
 * delete.retention.ms after they were first compacted; when that ends stands in the batch
 * (attribute bit 6, in place of the base timestamp), so that it survives. Offsets never change. The
 * last batch of a producer stays, empty if need be: Kafka's clients rely on its sequence number.
 *
 * Keys are known by 16 bytes of their SHA-256, so a map of 64 MiB holds two million of them; what
 * does not fit is left for the next time. */
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "broker/log/job.h"

enum {
    HASH_BYTES = 16,
    MAP_MAX_SLOTS = 1 << 22,
    MAP_FIRST_SLOTS = 1 << 10,
    PLAIN_MAX_BYTES = 256 * 1024 * 1024,
    FAILED_PAUSE_MS = 60 * 1000,
};

/* ---- the map ---- */

struct slot {
    uint8_t hash[HASH_BYTES];
    int64_t offset; /* + 1; 0: free */
};
struct key_map {
    struct slot *slots;
    size_t cap, count;
};

static void hash_key(struct tarn_text key, uint8_t out[HASH_BYTES])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)key.data, key.len, digest);
    memcpy(out, digest, HASH_BYTES);
}

static struct slot *find_slot(const struct key_map *map, const uint8_t hash[HASH_BYTES])
{
    size_t at = (size_t)le64_get(hash) & (map->cap - 1);
    while (map->slots[at].offset != 0 && memcmp(map->slots[at].hash, hash, HASH_BYTES) != 0)
        at = (at + 1) & (map->cap - 1);
    return &map->slots[at];
}

static void map_grow(struct key_map *map)
{
    struct key_map old = *map;
    map->cap = old.cap ? old.cap * 2 : MAP_FIRST_SLOTS;
    map->slots = tarn_alloc_array(map->cap, sizeof *map->slots);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].offset != 0)
            *find_slot(map, old.slots[i].hash) = old.slots[i];
    }
    free(old.slots);
}

/* False when there is no room for one more key. */
static bool map_put(struct key_map *map, struct tarn_text key, int64_t offset)
{
    if (map->count * 2 >= map->cap) {
        if (map->cap == MAP_MAX_SLOTS)
            return false;
        map_grow(map);
    }
    uint8_t hash[HASH_BYTES];
    hash_key(key, hash);
    struct slot *slot = find_slot(map, hash);
    if (slot->offset == 0) {
        map->count++;
        memcpy(slot->hash, hash, HASH_BYTES);
    }
    slot->offset = offset + 1;
    return true;
}

/* The last offset of the key among the new records; -1 when there is none. */
static int64_t map_get(const struct key_map *map, struct tarn_text key)
{
    uint8_t hash[HASH_BYTES];
    hash_key(key, hash);
    return map->cap ? find_slot(map, hash)->offset - 1 : -1;
}

/* ---- reading the old segments ---- */

struct cleaner {
    struct tarn_log *log;
    struct compaction *compaction;
    struct key_map map;
    bool map_full;
    /* the segment being read */
    const struct segment *segment;
    char *path;
    int fd;
    uint32_t position;
    uint8_t *bytes;
    size_t bytes_cap;
    /* the segment being written */
    struct segment_writer writer;
    bool writing;
    struct tarn_buffer plain, packed; /* a batch that is put together anew */
};

static enum tarn_status open_old(struct cleaner *cleaner, const struct segment *segment,
                                 struct tarn_error *err)
{
    cleaner->segment = segment;
    cleaner->position = 0;
    cleaner->path = segment_path(cleaner->log, cleaner->compaction->partition_id,
                                 segment->base_offset, segment->generation, "log");
    cleaner->fd = cleaner->log->io->open(cleaner->log->io->context, cleaner->path, O_RDONLY);
    if (cleaner->fd < 0)
        return tarn_fail_errno(err, "opening %s", cleaner->path);
    return TARN_OK;
}

static void close_old(struct cleaner *cleaner)
{
    if (cleaner->fd >= 0)
        cleaner->log->io->close(cleaner->log->io->context, cleaner->fd);
    cleaner->fd = -1;
    free(cleaner->path);
    cleaner->path = NULL;
}

/* The next batch of the segment; *ret_more is false at its end. */
static enum tarn_status next_batch(struct cleaner *cleaner, struct tarn_record_batch *ret_batch,
                                   bool *ret_more, struct tarn_error *err)
{
    uint8_t header[TARN_BATCH_HEADER_BYTES];
    const struct tarn_log_io *io = cleaner->log->io;
    *ret_more = cleaner->position < cleaner->segment->size_bytes;
    if (!*ret_more)
        return TARN_OK;
    if (atomic_load(&cleaner->log->closing))
        return tarn_fail(err, TARN_CANCELLED, "the log is being closed");
    TARN_TRY(tarn_io_read(io, cleaner->fd, header, sizeof header, cleaner->position, cleaner->path,
                          err));
    uint64_t size = (uint64_t)be32_get(header + 8) + 12;
    if (size < sizeof header || size > cleaner->segment->size_bytes - cleaner->position)
        return tarn_fail(err, TARN_CORRUPT, "compacting %s: the batch at byte %u is damaged",
                         cleaner->path, cleaner->position);
    TARN_RESERVE(cleaner->bytes, cleaner->bytes_cap, (size_t)size);
    TARN_TRY(tarn_io_read(io, cleaner->fd, cleaner->bytes, (size_t)size, cleaner->position,
                          cleaner->path, err));
    struct tarn_text bytes = {(char *)cleaner->bytes, (size_t)size};
    TARN_TRY(tarn_batch_parse(bytes, ret_batch, err));
    if (!tarn_batch_crc_ok(ret_batch))
        return tarn_fail(err, TARN_CORRUPT, "compacting %s: the batch at byte %u has a wrong CRC",
                         cleaner->path, cleaner->position);
    cleaner->position += (uint32_t)size;
    return TARN_OK;
}

static bool was_aborted(const struct compaction *compaction, const struct tarn_record_batch *batch)
{
    if (!tarn_batch_is_transactional(batch) || tarn_batch_is_control(batch))
        return false;
    for (size_t i = 0; i < compaction->aborted_count; i++) {
        const struct tarn_aborted *aborted = &compaction->aborted[i];
        if (aborted->producer_id == batch->producer_id &&
            aborted->first_offset <= batch->base_offset &&
            batch->base_offset < aborted->last_offset)
            return true;
    }
    return false;
}

/* ---- first pass: where the keys of new records were last ---- */

static enum tarn_status map_batch(struct cleaner *cleaner, const struct tarn_record_batch *batch,
                                  struct tarn_error *err)
{
    struct compaction *compaction = cleaner->compaction;
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    TARN_TRY(tarn_record_reader_init(&reader, batch, PLAIN_MAX_BYTES, err));
    for (;;) {
        struct tarn_record record;
        bool more;
        TARN_TRY(tarn_record_next(&reader, &record, &more, err));
        if (!more)
            break;
        if (record.offset < compaction->cleaned_end || !record.key.data)
            continue;
        if (!map_put(&cleaner->map, record.key, record.offset)) {
            cleaner->map_full = true;
            return TARN_OK;
        }
        compaction->mapped_end = record.offset + 1;
    }
    return TARN_OK;
}

static enum tarn_status map_segment(struct cleaner *cleaner, struct tarn_error *err)
{
    for (;;) {
        struct tarn_record_batch batch;
        bool more;
        TARN_TRY(next_batch(cleaner, &batch, &more, err));
        if (!more || cleaner->map_full)
            return TARN_OK;
        if (tarn_batch_last_offset(&batch) < cleaner->compaction->cleaned_end ||
            tarn_batch_is_control(&batch) || was_aborted(cleaner->compaction, &batch))
            continue;
        TARN_TRY(map_batch(cleaner, &batch, err));
    }
}

static enum tarn_status map_keys(struct cleaner *cleaner, struct tarn_error *err)
{
    struct compaction *compaction = cleaner->compaction;
    compaction->mapped_end = compaction->cleaned_end;
    for (size_t i = 0; i < compaction->old_count && !cleaner->map_full; i++) {
        if (compaction->old[i].end_offset <= compaction->cleaned_end)
            continue;
        enum tarn_status status = open_old(cleaner, &compaction->old[i], err);
        if (status == TARN_OK)
            status = map_segment(cleaner, err);
        close_old(cleaner);
        TARN_TRY(status);
        if (!cleaner->map_full)
            compaction->mapped_end = compaction->old[i].end_offset;
    }
    return TARN_OK;
}

/* ---- second pass: what stays ---- */

static enum tarn_status finish_segment(struct cleaner *cleaner, struct tarn_error *err)
{
    if (!cleaner->writing)
        return TARN_OK;
    enum tarn_status status = segment_writer_finish(&cleaner->writer, err);
    segment_writer_release(&cleaner->writer);
    cleaner->writing = false;
    return status;
}

static struct segment *fresh_segment(struct cleaner *cleaner)
{
    struct compaction *compaction = cleaner->compaction;
    return &compaction->fresh[compaction->fresh_count - 1];
}

static enum tarn_status start_segment(struct cleaner *cleaner, struct tarn_error *err)
{
    struct compaction *compaction = cleaner->compaction;
    TARN_RESERVE(compaction->fresh, compaction->fresh_cap, compaction->fresh_count + 1);
    compaction->fresh[compaction->fresh_count++] = (struct segment){
        .base_offset = cleaner->segment->base_offset,
        .end_offset = cleaner->segment->base_offset,
        .max_timestamp = -1,
        .created_ms = cleaner->segment->created_ms,
        .cleaned_ms = INT64_MAX,
        .generation = atomic_fetch_add(&cleaner->log->next_generation, 1),
        .fd = -1,
        .index_fd = -1,
    };
    cleaner->writing = true;
    return segment_writer_open(&cleaner->writer, cleaner->log, compaction->partition_id,
                               fresh_segment(cleaner), true, err);
}

static enum tarn_status keep_batch(struct cleaner *cleaner, const struct tarn_record_batch *batch,
                                   struct tarn_error *err)
{
    if (!cleaner->writing)
        TARN_TRY(start_segment(cleaner, err));
    struct extent extent = {
        .base_offset = batch->base_offset,
        .max_timestamp = tarn_batch_is_control(batch) ? -1 : batch->max_timestamp,
        .size_bytes = batch->size_bytes,
        .offset_count = (uint32_t)batch->last_offset_delta + 1,
        .batch_count = 1,
    };
    if ((batch->attributes & TARN_BATCH_DELETE_HORIZON) &&
        batch->base_timestamp < fresh_segment(cleaner)->cleaned_ms)
        fresh_segment(cleaner)->cleaned_ms = batch->base_timestamp;
    return segment_writer_add(&cleaner->writer, batch->bytes, &extent, err);
}

static bool is_producers_last(const struct compaction *compaction,
                              const struct tarn_record_batch *batch)
{
    for (size_t i = 0; batch->producer_id >= 0 && i < compaction->producer_count; i++) {
        if (compaction->producers[i].producer_id == batch->producer_id)
            return compaction->producers[i].last_offset == tarn_batch_last_offset(batch);
    }
    return false;
}

/* Offsets are unique within a map, so a record stays unless its key comes again later. */
static bool keep_record(const struct cleaner *cleaner, const struct tarn_record_batch *batch,
                        const struct tarn_record *record)
{
    const struct compaction *compaction = cleaner->compaction;
    if (record->offset < compaction->start_offset)
        return false;
    if (record->offset >= compaction->mapped_end)
        return true;
    if (!record->key.data || map_get(&cleaner->map, record->key) > record->offset)
        return false;
    bool over = (batch->attributes & TARN_BATCH_DELETE_HORIZON) &&
                batch->base_timestamp <= compaction->now_ms;
    return record->value.data || !over;
}

/* What is left of a batch. */
struct remains {
    int32_t count;
    int64_t max_timestamp;
    bool tombstones;
};

/* Appends the record with its timestamp counted from another base. */
static void put_record(struct tarn_buffer *into, const struct tarn_record *record,
                       int64_t base_timestamp)
{
    const uint8_t *at = (const uint8_t *)record->bytes.data, *end = at + record->bytes.len;
    int64_t len, old_delta;
    (void)varint_get(&at, end, &len); /* the reader has been here */
    uint8_t attributes = *at++;
    (void)varint_get(&at, end, &old_delta);
    uint8_t delta[VARINT_MAX_BYTES], size[VARINT_MAX_BYTES];
    size_t delta_len =
        varint_put(delta, (int64_t)((uint64_t)record->timestamp - (uint64_t)base_timestamp));
    size_t rest = (size_t)(end - at);
    tarn_buffer_append(into, size, varint_put(size, (int64_t)(1 + delta_len + rest)));
    tarn_buffer_append_char(into, (char)attributes);
    tarn_buffer_append(into, delta, delta_len);
    tarn_buffer_append(into, at, rest);
}

/* Puts the records that stay into cleaner->plain, with timestamps from `base_timestamp`. */
static enum tarn_status filter_records(struct cleaner *cleaner,
                                       const struct tarn_record_batch *batch,
                                       int64_t base_timestamp, struct remains *remains,
                                       struct tarn_error *err)
{
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    TARN_TRY(tarn_record_reader_init(&reader, batch, PLAIN_MAX_BYTES, err));
    *remains = (struct remains){.max_timestamp = -1};
    tarn_buffer_clear(&cleaner->plain);
    for (;;) {
        struct tarn_record record;
        bool more;
        TARN_TRY(tarn_record_next(&reader, &record, &more, err));
        if (!more)
            break;
        if (!keep_record(cleaner, batch, &record))
            continue;
        remains->count++;
        remains->tombstones = remains->tombstones || (!record.value.data && record.key.data);
        if (record.timestamp > remains->max_timestamp)
            remains->max_timestamp = record.timestamp;
        if (batch->attributes & TARN_BATCH_LOG_APPEND_TIME)
            tarn_buffer_append_text(&cleaner->plain, record.bytes);
        else
            put_record(&cleaner->plain, &record, base_timestamp);
    }
    return tarn_buffer_check(&cleaner->plain, "a batch being compacted", err);
}

/* Writes the batch's header with what has changed, and cleaner->plain behind it. */
static enum tarn_status write_remains(struct cleaner *cleaner, const struct tarn_record_batch *old,
                                      const struct remains *remains, int16_t attributes,
                                      int64_t base_timestamp, struct tarn_error *err)
{
    struct tarn_buffer *out = &cleaner->packed;
    tarn_buffer_clear(out);
    tarn_buffer_append(out, old->bytes, TARN_BATCH_HEADER_BYTES);
    if (remains->count == 0)
        attributes = (int16_t)(attributes & ~TARN_BATCH_CODEC);
    if (remains->count > 0)
        TARN_TRY(tarn_codec_compress((enum tarn_codec)(attributes & TARN_BATCH_CODEC),
                                     tarn_buffer_text(&cleaner->plain), out, err));
    uint8_t *header = (uint8_t *)out->data;
    be32_put(header + 8, (uint32_t)out->len - 12);
    be16_put(header + 21, (uint16_t)attributes);
    be64_put(header + 27, (uint64_t)base_timestamp);
    if (!(attributes & TARN_BATCH_LOG_APPEND_TIME))
        be64_put(header + 35, (uint64_t)remains->max_timestamp);
    be32_put(header + 57, (uint32_t)remains->count);
    be32_put(header + 17,
             tarn_crc32c(0, header + TARN_BATCH_CRC_START, out->len - TARN_BATCH_CRC_START));
    struct tarn_record_batch batch;
    TARN_TRY(tarn_batch_parse(tarn_buffer_text(out), &batch, err));
    return keep_batch(cleaner, &batch, err);
}

/* Markers stay until the horizon that their first compaction has set. */
static enum tarn_status clean_marker(struct cleaner *cleaner, const struct tarn_record_batch *batch,
                                     struct tarn_error *err)
{
    const struct compaction *compaction = cleaner->compaction;
    if (tarn_batch_last_offset(batch) < compaction->start_offset)
        return TARN_OK;
    if (batch->attributes & TARN_BATCH_DELETE_HORIZON)
        return batch->base_timestamp <= compaction->now_ms ? TARN_OK
                                                           : keep_batch(cleaner, batch, err);
    if (batch->base_offset >= compaction->mapped_end)
        return keep_batch(cleaner, batch, err);
    int64_t horizon = compaction->now_ms + compaction->delete_retention_ms;
    struct remains remains = {.count = 1, .max_timestamp = batch->max_timestamp};
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    struct tarn_record record;
    bool more;
    TARN_TRY(tarn_record_reader_init(&reader, batch, PLAIN_MAX_BYTES, err));
    TARN_TRY(tarn_record_next(&reader, &record, &more, err));
    tarn_buffer_clear(&cleaner->plain);
    if (!more)
        return TARN_OK;
    put_record(&cleaner->plain, &record, horizon);
    return write_remains(cleaner, batch, &remains,
                         (int16_t)(batch->attributes | TARN_BATCH_DELETE_HORIZON), horizon, err);
}

static enum tarn_status clean_data(struct cleaner *cleaner, const struct tarn_record_batch *batch,
                                   struct tarn_error *err)
{
    struct compaction *compaction = cleaner->compaction;
    struct remains remains = {.max_timestamp = -1};
    int64_t base_timestamp = batch->base_timestamp;
    int16_t attributes = batch->attributes;
    tarn_buffer_clear(&cleaner->plain);
    if (!was_aborted(compaction, batch))
        TARN_TRY(filter_records(cleaner, batch, base_timestamp, &remains, err));
    if (remains.tombstones && !(attributes & TARN_BATCH_DELETE_HORIZON) &&
        batch->base_offset < compaction->mapped_end) {
        base_timestamp = compaction->now_ms + compaction->delete_retention_ms;
        attributes |= TARN_BATCH_DELETE_HORIZON;
        TARN_TRY(filter_records(cleaner, batch, base_timestamp, &remains, err));
    }
    if (remains.count == batch->record_count && attributes == batch->attributes)
        return remains.count > 0 || is_producers_last(compaction, batch)
                   ? keep_batch(cleaner, batch, err)
                   : TARN_OK;
    if (remains.count == 0 && !is_producers_last(compaction, batch))
        return TARN_OK;
    return write_remains(cleaner, batch, &remains, attributes, base_timestamp, err);
}

static enum tarn_status clean_segment(struct cleaner *cleaner, struct tarn_error *err)
{
    for (;;) {
        struct tarn_record_batch batch;
        bool more;
        TARN_TRY(next_batch(cleaner, &batch, &more, err));
        if (!more)
            break;
        if (tarn_batch_is_control(&batch))
            TARN_TRY(clean_marker(cleaner, &batch, err));
        else
            TARN_TRY(clean_data(cleaner, &batch, err));
    }
    struct compaction *compaction = cleaner->compaction;
    if (compaction->fresh_count > 0)
        fresh_segment(cleaner)->end_offset = cleaner->segment->end_offset;
    return TARN_OK;
}

/* Small neighbours are put together up to segment.bytes. */
static bool has_room_for(struct cleaner *cleaner, const struct segment *next)
{
    const struct segment *fresh = fresh_segment(cleaner);
    return (int64_t)fresh->size_bytes + next->size_bytes <= cleaner->compaction->segment_bytes &&
           next->end_offset - fresh->base_offset < INT32_MAX;
}

static enum tarn_status write_segments(struct cleaner *cleaner, struct tarn_error *err)
{
    struct compaction *compaction = cleaner->compaction;
    for (size_t i = 0; i < compaction->old_count; i++) {
        if (cleaner->writing && !has_room_for(cleaner, &compaction->old[i]))
            TARN_TRY(finish_segment(cleaner, err));
        enum tarn_status status = open_old(cleaner, &compaction->old[i], err);
        if (status == TARN_OK)
            status = clean_segment(cleaner, err);
        close_old(cleaner);
        TARN_TRY(status);
    }
    return finish_segment(cleaner, err);
}

enum tarn_status compact_run_job(struct tarn_log *log, struct job *job, struct tarn_error *err)
{
    struct cleaner cleaner = {.log = log, .compaction = &job->compaction, .fd = -1};
    tarn_buffer_init(&cleaner.plain, PLAIN_MAX_BYTES);
    tarn_buffer_init(&cleaner.packed, PLAIN_MAX_BYTES);
    enum tarn_status status = map_keys(&cleaner, err);
    if (status == TARN_OK)
        status = write_segments(&cleaner, err);
    if (cleaner.writing)
        segment_writer_release(&cleaner.writer);
    free(cleaner.map.slots);
    free(cleaner.bytes);
    tarn_buffer_release(&cleaner.plain);
    tarn_buffer_release(&cleaner.packed);
    return status;
}

/* ---- owner ---- */

static void gather_producers(struct tarn_partition *partition, struct compaction *compaction)
{
    const struct producer_table *table = &partition->producers;
    compaction->producers = tarn_alloc_array(table->count, sizeof *compaction->producers);
    for (size_t i = 0; i < table->cap; i++) {
        if (table->slots[i])
            compaction->producers[compaction->producer_count++] =
                (struct producer_end){table->slots[i]->id, table->slots[i]->last_offset};
    }
}

struct job *compact_job_new(struct tarn_log *log, struct tarn_partition *partition)
{
    size_t count = retention_cleanable(partition);
    if (count == 0)
        return NULL;
    struct job *job = tarn_alloc(sizeof *job);
    job->kind = JOB_COMPACT;
    struct compaction *compaction = &job->compaction;
    compaction->partition_id = partition->id;
    compaction->cleaned_end = partition->cleaned_end;
    compaction->start_offset = partition->start_offset;
    compaction->now_ms = tarn_log_now_ms(log);
    compaction->delete_retention_ms = partition->settings->delete_retention_ms;
    compaction->segment_bytes = partition->settings->segment_bytes;
    compaction->old = tarn_alloc_array(count, sizeof *compaction->old);
    compaction->old_count = count;
    for (size_t i = 0; i < count; i++) {
        compaction->old[i] = partition->segments[i];
        partition->segments[i].in_job = true;
    }
    compaction->aborted = tarn_alloc_array(partition->aborted_count, sizeof *compaction->aborted);
    compaction->aborted_count = partition->aborted_count;
    if (partition->aborted_count > 0)
        memcpy(compaction->aborted, partition->aborted,
               partition->aborted_count * sizeof *partition->aborted);
    gather_producers(partition, compaction);
    return job;
}

void compact_job_release(struct job *job)
{
    free(job->compaction.old);
    free(job->compaction.fresh);
    free(job->compaction.aborted);
    free(job->compaction.producers);
}

/* Puts the fresh segments in place of the old ones. */
static void swap_segments(struct tarn_partition *partition, struct compaction *compaction)
{
    size_t old_count = compaction->old_count, fresh_count = 0;
    size_t later = partition->segment_count - old_count;
    for (size_t i = 0; i < old_count; i++) {
        partition->size_bytes -= partition->segments[i].size_bytes;
        segment_discard(partition->log, partition->id, &partition->segments[i]);
    }
    struct segment *segments = tarn_alloc_array(compaction->fresh_count + later, sizeof *segments);
    for (size_t i = 0; i < compaction->fresh_count; i++) {
        segments[fresh_count++] = compaction->fresh[i];
        partition->size_bytes += compaction->fresh[i].size_bytes;
    }
    memcpy(segments + fresh_count, partition->segments + old_count, later * sizeof *segments);
    free(partition->segments);
    partition->segments = segments;
    partition->segment_count = partition->segment_cap = fresh_count + later;
    partition->hint_offset = -1;
}

/* Their records are gone, so readers need not be told of them any more. */
static void forget_aborted(struct tarn_partition *partition, int64_t cleaned_end)
{
    size_t kept = 0;
    for (size_t i = 0; i < partition->aborted_count; i++) {
        if (partition->aborted[i].last_offset >= cleaned_end)
            partition->aborted[kept++] = partition->aborted[i];
    }
    partition->aborted_count = kept;
}

static void give_up(struct tarn_log *log, struct tarn_partition *partition,
                    struct compaction *compaction)
{
    for (size_t i = 0; i < compaction->fresh_count; i++)
        segment_discard(log, compaction->partition_id, &compaction->fresh[i]);
    if (!partition)
        return;
    for (size_t i = 0; i < compaction->old_count; i++)
        partition->segments[i].in_job = false;
    partition->compact_after_ms = tarn_log_now_ms(log) + FAILED_PAUSE_MS;
}

void compact_job_apply(struct tarn_log *log, struct job *job)
{
    struct compaction *compaction = &job->compaction;
    struct tarn_partition *partition =
        compaction->partition_id < log->by_id_cap ? log->by_id[compaction->partition_id] : NULL;
    if (job->error.status != TARN_OK || !partition) {
        give_up(log, partition, compaction);
        return;
    }
    int64_t old_end = compaction->old[compaction->old_count - 1].end_offset;
    swap_segments(partition, compaction);
    forget_aborted(partition, old_end);
    if (compaction->mapped_end > partition->cleaned_end)
        partition->cleaned_end = compaction->mapped_end;
    int64_t start = partition->start_offset;
    partition->start_offset = INT64_MIN;
    partition_drop_before(partition, start);
    log->checkpoint_wanted = true;
}
