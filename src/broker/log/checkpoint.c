/* broker/log/checkpoint.c -- the whole state in memory as one file, `checkpoint`.
 *
 * It holds everything that the commits up to `sequence` have done. Recovery then reads the
 * write-ahead files from number `wal` on: of commits up to `sequence` it only takes where their
 * batches lie, the later ones it applies. The file is written after those commits have been synced,
 * and replaced whole. Little-endian:
 *   "TARNCKP1", length u64 of all, crc u32 of what follows, then sequence u64, wal u64, leader
 * epoch u32, next partition u32, next generation u64, journal count u64 {key, value: length u32,
 * bytes}, partition count u64 {as in put_partition}. */
#include "base/file.h"
#include "broker/log/job.h"
#include "broker/log/log_int.h"

enum { CHECKPOINT_HEADER_BYTES = 20 };
#define CHECKPOINT_MAX_BYTES ((size_t)2 << 30)
static const char magic[8] = {'T', 'A', 'R', 'N', 'C', 'K', 'P', '1'};

static void put32(struct tarn_buffer *into, uint32_t value)
{
    uint8_t bytes[4];
    le32_put(bytes, value);
    tarn_buffer_append(into, bytes, sizeof bytes);
}

static void put64(struct tarn_buffer *into, int64_t value)
{
    uint8_t bytes[8];
    le64_put(bytes, (uint64_t)value);
    tarn_buffer_append(into, bytes, sizeof bytes);
}

static bool put_key(void *context, struct tarn_text key, struct tarn_text value)
{
    struct tarn_buffer *into = context;
    put32(into, (uint32_t)key.len);
    put32(into, (uint32_t)value.len);
    tarn_buffer_append_text(into, key);
    tarn_buffer_append_text(into, value);
    return true;
}

static void put_segment(struct tarn_buffer *into, const struct segment *segment)
{
    put64(into, segment->base_offset);
    put64(into, segment->end_offset);
    put64(into, segment->max_timestamp);
    put64(into, segment->created_ms);
    put64(into, segment->cleaned_ms);
    put64(into, (int64_t)segment->generation);
    put32(into, segment->size_bytes);
    put32(into, segment->extent_count);
}

static void put_producer(struct tarn_buffer *into, const struct producer *producer)
{
    put64(into, producer->id);
    put64(into, producer->last_timestamp);
    put64(into, producer->touched_ms);
    put64(into, producer->transaction_start);
    put64(into, producer->last_offset);
    put32(into, (uint32_t)producer->coordinator_epoch);
    put32(into, (uint16_t)producer->epoch | (uint32_t)producer->batch_count << 16);
    for (int i = 0; i < producer->batch_count; i++) {
        put64(into, producer->batches[i].last_offset);
        put64(into, producer->batches[i].timestamp);
        put32(into, (uint32_t)producer->batches[i].last_sequence);
        put32(into, (uint32_t)producer->batches[i].offset_delta);
    }
}

static void put_partition(struct tarn_buffer *into, const struct tarn_partition *partition)
{
    put32(into, partition->id);
    tarn_buffer_append(into, partition->topic_id, 16);
    put32(into, (uint32_t)partition->number);
    put64(into, partition->start_offset);
    put64(into, partition->end_offset);
    put64(into, partition->cleaned_end);
    put64(into, (int64_t)partition->segment_count);
    for (size_t i = 0; i < partition->segment_count; i++)
        put_segment(into, &partition->segments[i]);
    put64(into, (int64_t)partition->epoch_count);
    for (size_t i = 0; i < partition->epoch_count; i++) {
        put32(into, (uint32_t)partition->epochs[i].epoch);
        put64(into, partition->epochs[i].start_offset);
    }
    put64(into, (int64_t)partition->aborted_count);
    for (size_t i = 0; i < partition->aborted_count; i++) {
        put64(into, partition->aborted[i].producer_id);
        put64(into, partition->aborted[i].first_offset);
        put64(into, partition->aborted[i].last_offset);
    }
    put64(into, (int64_t)partition->producers.count);
    for (size_t i = 0; i < partition->producers.cap; i++) {
        if (partition->producers.slots[i])
            put_producer(into, partition->producers.slots[i]);
    }
}

/* The oldest write-ahead file that recovery has to read. */
static uint64_t first_needed(const struct tarn_log *log)
{
    for (const struct wal_file *file = log->oldest; file; file = file->next) {
        if (!file->copied)
            return file->number;
    }
    return log->next_wal_number;
}

void checkpoint_encode(struct tarn_log *log, struct tarn_buffer *into)
{
    tarn_buffer_init(into, CHECKPOINT_MAX_BYTES);
    tarn_buffer_append(into, magic, sizeof magic);
    put64(into, 0);
    put32(into, 0);
    put64(into, (int64_t)log->next_sequence - 1);
    put64(into, (int64_t)first_needed(log));
    put32(into, (uint32_t)log->leader_epoch);
    put32(into, log->next_partition_id);
    put64(into, (int64_t)atomic_load(&log->next_generation));
    put64(into, (int64_t)tarn_journal_count(log));
    journal_each(log->journal, (struct tarn_text){"", 0}, put_key, into);
    put64(into, (int64_t)log->partition_count);
    int64_t now_ms = tarn_log_now_ms(log);
    for (size_t i = 0; i < log->by_id_cap; i++) {
        if (!log->by_id[i])
            continue;
        producers_expire(log->by_id[i], now_ms);
        put_partition(into, log->by_id[i]);
    }
    if (into->overflow)
        return;
    le64_put(into->data + 8, into->len);
    le32_put(into->data + 16, tarn_crc32c(0, into->data + CHECKPOINT_HEADER_BYTES,
                                          into->len - CHECKPOINT_HEADER_BYTES));
}

/* ---- reading ---- */

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

static int64_t take64(struct reader *reader)
{
    const uint8_t *bytes = take(reader, 8);
    return bytes ? (int64_t)le64_get(bytes) : 0;
}

/* A number of things of at least `size` bytes each that are still to come. */
static size_t take_count(struct reader *reader, size_t size)
{
    uint64_t count = (uint64_t)take64(reader);
    if (reader->bad || count > (uint64_t)(reader->end - reader->at) / size)
        reader->bad = true;
    return reader->bad ? 0 : (size_t)count;
}

static struct segment take_segment(struct reader *reader)
{
    struct segment segment = {.fd = -1, .index_fd = -1};
    segment.base_offset = take64(reader);
    segment.end_offset = take64(reader);
    segment.max_timestamp = take64(reader);
    segment.created_ms = take64(reader);
    segment.cleaned_ms = take64(reader);
    segment.generation = (uint64_t)take64(reader);
    segment.size_bytes = take32(reader);
    segment.extent_count = take32(reader);
    return segment;
}

static void take_producer(struct reader *reader, struct tarn_partition *partition)
{
    struct producer *producer = producer_add(partition, take64(reader));
    producer->last_timestamp = take64(reader);
    producer->touched_ms = take64(reader);
    producer->transaction_start = take64(reader);
    producer->last_offset = take64(reader);
    producer->coordinator_epoch = (int32_t)take32(reader);
    uint32_t epoch_and_count = take32(reader);
    producer->epoch = (int16_t)(epoch_and_count & 0xffff);
    producer->batch_count = (int16_t)(epoch_and_count >> 16);
    if (producer->batch_count > PRODUCER_BATCHES) {
        producer->batch_count = 0;
        reader->bad = true;
    }
    for (int i = 0; i < producer->batch_count; i++) {
        producer->batches[i].last_offset = take64(reader);
        producer->batches[i].timestamp = take64(reader);
        producer->batches[i].last_sequence = (int32_t)take32(reader);
        producer->batches[i].offset_delta = (int32_t)take32(reader);
    }
}

static int by_first_offset(const void *a, const void *b)
{
    int64_t x = ((const struct open_transaction *)a)->first_offset;
    int64_t y = ((const struct open_transaction *)b)->first_offset;
    return (x > y) - (x < y);
}

/* Open transactions follow from the producers. */
static void collect_open(struct tarn_partition *partition)
{
    for (size_t i = 0; i < partition->producers.cap; i++) {
        const struct producer *producer = partition->producers.slots[i];
        if (!producer || producer->transaction_start < 0)
            continue;
        TARN_RESERVE(partition->open, partition->open_cap, partition->open_count + 1);
        partition->open[partition->open_count++] =
            (struct open_transaction){producer->id, producer->transaction_start};
    }
    if (partition->open_count > 1)
        qsort(partition->open, partition->open_count, sizeof *partition->open, by_first_offset);
}

static void take_history(struct reader *reader, struct tarn_partition *partition)
{
    size_t epochs = take_count(reader, 12);
    TARN_RESERVE(partition->epochs, partition->epoch_cap, epochs);
    for (size_t i = 0; i < epochs; i++) {
        partition->epochs[i].epoch = (int32_t)take32(reader);
        partition->epochs[i].start_offset = take64(reader);
    }
    partition->epoch_count = epochs;
    size_t aborted = take_count(reader, 24);
    TARN_RESERVE(partition->aborted, partition->aborted_cap, aborted);
    for (size_t i = 0; i < aborted; i++) {
        partition->aborted[i].producer_id = take64(reader);
        partition->aborted[i].first_offset = take64(reader);
        partition->aborted[i].last_offset = take64(reader);
    }
    partition->aborted_count = aborted;
    size_t producers = take_count(reader, 48);
    for (size_t i = 0; i < producers; i++)
        take_producer(reader, partition);
    collect_open(partition);
}

static void take_partition(struct reader *reader, struct tarn_log *log)
{
    uint32_t id = take32(reader);
    const uint8_t *topic_id = take(reader, 16);
    int32_t number = (int32_t)take32(reader);
    if (reader->bad || id >= log->next_partition_id) {
        reader->bad = true;
        return;
    }
    struct tarn_partition *partition = partition_new(log, id, topic_id, number);
    partition_link(partition);
    partition->start_offset = take64(reader);
    partition->end_offset = take64(reader);
    partition->cleaned_end = take64(reader);
    size_t segments = take_count(reader, 56);
    TARN_RESERVE(partition->segments, partition->segment_cap, segments);
    for (size_t i = 0; i < segments; i++) {
        partition->segments[i] = take_segment(reader);
        partition->size_bytes += partition->segments[i].size_bytes;
    }
    partition->segment_count = segments;
    take_history(reader, partition);
}

static void take_journal(struct reader *reader, struct tarn_log *log)
{
    size_t keys = take_count(reader, 8);
    for (size_t i = 0; i < keys && !reader->bad; i++) {
        uint32_t key_len = take32(reader), value_len = take32(reader);
        const uint8_t *key = take(reader, key_len), *value = take(reader, value_len);
        if (!reader->bad)
            journal_put(log->journal, (struct tarn_text){(const char *)key, key_len},
                        (struct tarn_text){(const char *)value, value_len});
    }
}

static bool is_whole(const struct tarn_buffer *bytes)
{
    return bytes->len >= CHECKPOINT_HEADER_BYTES && memcmp(bytes->data, magic, sizeof magic) == 0 &&
           le64_get(bytes->data + 8) == bytes->len &&
           le32_get(bytes->data + 16) == tarn_crc32c(0, bytes->data + CHECKPOINT_HEADER_BYTES,
                                                     bytes->len - CHECKPOINT_HEADER_BYTES);
}

enum tarn_status checkpoint_read(struct tarn_log *log, uint64_t *ret_sequence,
                                 uint64_t *ret_wal_number, struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(log->folder, "checkpoint");
    *ret_sequence = *ret_wal_number = 0;
    if (!tarn_file_exists(path))
        return TARN_OK;
    TARN_BUFFER(bytes, CHECKPOINT_MAX_BYTES);
    TARN_TRY(tarn_file_read(path, &bytes, err));
    struct reader reader = {(const uint8_t *)bytes.data + CHECKPOINT_HEADER_BYTES,
                            (const uint8_t *)bytes.data + bytes.len, false};
    if (is_whole(&bytes)) {
        *ret_sequence = (uint64_t)take64(&reader);
        *ret_wal_number = (uint64_t)take64(&reader);
        log->leader_epoch = (int32_t)take32(&reader);
        log->next_partition_id = take32(&reader);
        atomic_store(&log->next_generation, (uint64_t)take64(&reader));
        take_journal(&reader, log);
        size_t partitions = take_count(&reader, 56);
        for (size_t i = 0; i < partitions && !reader.bad; i++)
            take_partition(&reader, log);
    } else {
        reader.bad = true;
    }
    if (reader.bad)
        return tarn_fail(err, TARN_CORRUPT,
                         "reading %s: it is damaged; restore the folder from a backup", path);
    return TARN_OK;
}
