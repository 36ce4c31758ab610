/* broker/log/read.c -- batches from segments and from the tail, and lookups by time.
 *
 * A cursor walks the extents of a partition in order of offset, wherever they lie. A read takes as
 * many of them as lie close together with one pread, straight into the caller's buffer, and moves
 * together what other partitions' batches have kept apart. */
#include <limits.h>

#include "broker/log/log_int.h"

enum {
    CACHE_EXTENTS = 64,
    SPAN_EXTENTS = 128,
    GAP_MAX_BYTES = 1024, /* cheaper to read over than to read twice */
    PLAIN_MAX_BYTES = 256 * 1024 * 1024,
};

struct cursor {
    struct tarn_partition *partition;
    size_t segment;  /* segment_count: in the tail */
    uint32_t extent; /* of the segment or the run */
    size_t run;
    struct extent cache[CACHE_EXTENTS]; /* of `cache_segment`, from cache_first */
    size_t cache_segment;
    uint32_t cache_first, cache_count;
};

static bool in_segments(const struct cursor *cursor)
{
    return cursor->segment < cursor->partition->segment_count;
}

/* Position of the first extent of a segment that ends behind `offset`; its count if none does. */
static enum tarn_status find_in_segment(struct cursor *cursor, int64_t offset,
                                        struct tarn_error *err)
{
    struct segment *segment = &cursor->partition->segments[cursor->segment];
    uint32_t low = 0, high = segment->extent_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct extent extent;
        TARN_TRY(segment_extents(cursor->partition, segment, middle, 1, &extent, err));
        if (extent_end(&extent) <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    cursor->extent = low;
    return TARN_OK;
}

static void find_in_runs(struct cursor *cursor, int64_t offset)
{
    struct tarn_partition *partition = cursor->partition;
    size_t low = 0, high = partition->run_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct run *run = partition->runs[middle];
        if (extent_end(&run->extents[run->count - 1]) <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    cursor->run = low;
    cursor->extent = 0;
    if (low == partition->run_count)
        return;
    struct run *run = partition->runs[low];
    uint32_t first = 0, last = run->count;
    while (first < last) {
        uint32_t middle = first + (last - first) / 2;
        if (extent_end(&run->extents[middle]) <= offset)
            first = middle + 1;
        else
            last = middle;
    }
    cursor->extent = first;
}

static enum tarn_status cursor_seek(struct cursor *cursor, struct tarn_partition *partition,
                                    int64_t offset, struct tarn_error *err)
{
    cursor->partition = partition;
    cursor->run = 0;
    cursor->cache_count = 0;
    size_t count = partition->segment_count;
    if (partition->hint_offset == offset && partition->hint_segment < count) {
        cursor->segment = partition->hint_segment;
        cursor->extent = partition->hint_extent;
        return TARN_OK;
    }
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (partition->segments[middle].end_offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    cursor->segment = low;
    if (low < count)
        return find_in_segment(cursor, offset, err);
    find_in_runs(cursor, offset);
    return TARN_OK;
}

static enum tarn_status fill_cache(struct cursor *cursor, struct segment *segment,
                                   struct tarn_error *err)
{
    uint32_t left = segment->extent_count - cursor->extent;
    uint32_t count = left < CACHE_EXTENTS ? left : CACHE_EXTENTS;
    TARN_TRY(
        segment_extents(cursor->partition, segment, cursor->extent, count, cursor->cache, err));
    cursor->cache_segment = cursor->segment;
    cursor->cache_first = cursor->extent;
    cursor->cache_count = count;
    return TARN_OK;
}

struct place {
    struct extent extent;
    int fd;
};

/* The extent that the cursor is at; *ret_more is false behind the last one. */
static enum tarn_status cursor_peek(struct cursor *cursor, struct place *ret_place, bool *ret_more,
                                    struct tarn_error *err)
{
    struct tarn_partition *partition = cursor->partition;
    while (in_segments(cursor)) {
        struct segment *segment = &partition->segments[cursor->segment];
        if (cursor->extent < segment->extent_count) {
            if (cursor->cache_count == 0 || cursor->cache_segment != cursor->segment ||
                cursor->extent - cursor->cache_first >= cursor->cache_count)
                TARN_TRY(fill_cache(cursor, segment, err));
            TARN_TRY(segment_open(partition, segment, err));
            ret_place->extent = cursor->cache[cursor->extent - cursor->cache_first];
            ret_place->fd = segment->fd;
            *ret_more = true;
            return TARN_OK;
        }
        cursor->segment++;
        cursor->extent = 0;
    }
    while (cursor->run < partition->run_count) {
        struct run *run = partition->runs[cursor->run];
        if (cursor->extent < run->count) {
            ret_place->extent = run->extents[cursor->extent];
            ret_place->fd = run->file->fd;
            *ret_more = true;
            return TARN_OK;
        }
        cursor->run++;
        cursor->extent = 0;
    }
    *ret_more = false;
    return TARN_OK;
}

/* ---- spans ---- */

/* Extents of one file, close together. */
struct span {
    int fd;
    uint32_t count, size_bytes;
    struct {
        uint32_t position, size_bytes;
        int64_t base_offset;
    } pieces[SPAN_EXTENTS];
};

static uint32_t span_end(const struct span *span)
{
    return span->pieces[span->count - 1].position + span->pieces[span->count - 1].size_bytes;
}

static bool span_takes(const struct span *span, const struct place *place)
{
    if (span->count == 0)
        return true;
    uint32_t end = span_end(span);
    return span->count < SPAN_EXTENTS && place->fd == span->fd && place->extent.position >= end &&
           place->extent.position - end <= GAP_MAX_BYTES;
}

static void span_add(struct span *span, const struct place *place)
{
    span->fd = place->fd;
    span->pieces[span->count].position = place->extent.position;
    span->pieces[span->count].size_bytes = place->extent.size_bytes;
    span->pieces[span->count].base_offset = place->extent.base_offset;
    span->count++;
    span->size_bytes += place->extent.size_bytes;
}

static enum tarn_status damaged(const struct tarn_partition *partition, int64_t offset,
                                struct tarn_error *err)
{
    return tarn_fail(err, TARN_CORRUPT,
                     "reading partition folder %s/%u: there is no record batch where offset %lld "
                     "should be; the file is damaged",
                     partition->log->data_folder, partition->id, (long long)offset);
}

/* Appends the span's batches to `into`. */
static enum tarn_status span_read(const struct tarn_partition *partition, struct span *span,
                                  struct tarn_buffer *into, struct tarn_error *err)
{
    if (span->count == 0)
        return TARN_OK;
    uint32_t start = span->pieces[0].position, len = span_end(span) - start;
    char *room = tarn_buffer_room(into, len);
    if (!room)
        return tarn_buffer_check(into, "what a fetch may return", err);
    TARN_TRY(
        tarn_io_read(partition->log->io, span->fd, room, len, start, "a partition's file", err));
    char *out = room;
    for (uint32_t i = 0; i < span->count; i++) {
        const char *in = room + (span->pieces[i].position - start);
        if (span->pieces[i].size_bytes < TARN_BATCH_HEADER_BYTES ||
            (int64_t)be64_get(in) != span->pieces[i].base_offset)
            return damaged(partition, span->pieces[i].base_offset, err);
        if (in != out)
            memmove(out, in, span->pieces[i].size_bytes);
        out += span->pieces[i].size_bytes;
    }
    into->len += span->size_bytes;
    into->data[into->len] = 0;
    span->count = span->size_bytes = 0;
    return TARN_OK;
}

/* ---- reading ---- */

/* Removes batches in front of `offset` and those at or behind `end_offset` from what was appended
 * at `start`; only extents of several small batches have any. */
struct limits {
    int64_t offset, end_offset;
    uint32_t max_bytes;
    bool at_least_one;
};

static enum tarn_status trim(struct tarn_partition *partition, struct tarn_buffer *into,
                             size_t start, const struct limits *limits, struct tarn_read *read,
                             struct tarn_error *err)
{
    size_t at = start, first = start;
    *read = (struct tarn_read){.next_offset = limits->offset};
    struct tarn_record_batch batch;
    while (at < into->len) {
        struct tarn_text rest = {into->data + at, into->len - at};
        if (tarn_batch_parse(rest, &batch, err) != TARN_OK)
            return damaged(partition, read->next_offset, err);
        if (batch.base_offset >= limits->end_offset)
            break;
        if (tarn_batch_last_offset(&batch) < limits->offset) {
            at += batch.size_bytes;
            first = at;
            continue;
        }
        bool must = read->batch_count == 0 && limits->at_least_one;
        if (at - first + batch.size_bytes > limits->max_bytes && !must)
            break;
        at += batch.size_bytes;
        read->batch_count++;
        read->next_offset = tarn_batch_last_offset(&batch) + 1;
    }
    read->size_bytes = (uint32_t)(at - first);
    if (first > start)
        memmove(into->data + start, into->data + first, at - first);
    into->len = start + read->size_bytes;
    if (into->data)
        into->data[into->len] = 0;
    return TARN_OK;
}

static void keep_hint(const struct cursor *cursor, int64_t next_offset)
{
    struct tarn_partition *partition = cursor->partition;
    if (!in_segments(cursor))
        return;
    partition->hint_offset = next_offset;
    partition->hint_segment = cursor->segment;
    partition->hint_extent = cursor->extent;
}

/* Whole extents, so that up to an extent of small batches too much is read at both ends. */
static enum tarn_status read_extents(struct cursor *cursor, const struct limits *limits,
                                     struct tarn_buffer *into, int64_t *ret_end,
                                     struct tarn_error *err)
{
    struct span span = {.count = 0, .size_bytes = 0};
    struct place place;
    uint64_t total = 0;
    bool more;
    for (;; cursor->extent++) {
        /* The next segment's files may take the place of this one's among the open files. */
        if (in_segments(cursor) &&
            cursor->extent >= cursor->partition->segments[cursor->segment].extent_count)
            TARN_TRY(span_read(cursor->partition, &span, into, err));
        TARN_TRY(cursor_peek(cursor, &place, &more, err));
        if (!more || place.extent.base_offset >= limits->end_offset ||
            (total > 0 && total >= limits->max_bytes))
            break;
        bool must = total == 0 && limits->at_least_one;
        if (total + place.extent.size_bytes > limits->max_bytes && !must &&
            place.extent.batch_count == 1)
            break;
        if (!span_takes(&span, &place))
            TARN_TRY(span_read(cursor->partition, &span, into, err));
        span_add(&span, &place);
        total += place.extent.size_bytes;
        *ret_end = extent_end(&place.extent);
    }
    return span_read(cursor->partition, &span, into, err);
}

enum tarn_status tarn_partition_read(struct tarn_partition *partition, int64_t offset,
                                     int64_t end_offset, uint32_t max_bytes, bool at_least_one,
                                     struct tarn_buffer *into, struct tarn_read *ret_read,
                                     struct tarn_error *err)
{
    if (offset < partition->start_offset || offset > partition->end_offset)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "offset %lld is outside of the partition's %lld to %lld",
                         (long long)offset, (long long)partition->start_offset,
                         (long long)partition->end_offset);
    struct cursor cursor;
    size_t start = into->len;
    int64_t end = offset;
    TARN_TRY(cursor_seek(&cursor, partition, offset, err));
    struct limits limits = {offset, end_offset, max_bytes, at_least_one};
    enum tarn_status status = read_extents(&cursor, &limits, into, &end, err);
    struct tarn_read read;
    if (status == TARN_OK)
        status = trim(partition, into, start, &limits, &read, err);
    if (status != TARN_OK) {
        into->len = start;
        return status;
    }
    if (read.next_offset == end)
        keep_hint(&cursor, read.next_offset);
    *ret_read = read;
    return TARN_OK;
}

int64_t tarn_partition_available_bytes(const struct tarn_partition *partition, int64_t offset,
                                       int64_t end_offset)
{
    enum { ENOUGH = 64 * 1024 * 1024 };
    int64_t bytes = 0;
    for (size_t i = partition->run_count; i-- > 0;) {
        const struct run *run = partition->runs[i];
        if (run->extents[0].base_offset >= offset &&
            extent_end(&run->extents[run->count - 1]) <= end_offset) {
            bytes += run->size_bytes;
            continue;
        }
        for (uint32_t j = run->count; j-- > 0;) {
            if (extent_end(&run->extents[j]) <= offset || bytes > ENOUGH)
                return bytes;
            if (run->extents[j].base_offset < end_offset)
                bytes += run->extents[j].size_bytes;
        }
    }
    for (size_t i = partition->segment_count; i-- > 0 && bytes <= ENOUGH;) {
        const struct segment *segment = &partition->segments[i];
        if (segment->end_offset <= offset)
            break;
        if (segment->base_offset < end_offset) /* at least this share of it, roughly */
            bytes += offset <= segment->base_offset && segment->end_offset <= end_offset
                         ? segment->size_bytes
                         : 1;
    }
    return bytes;
}

/* ---- lookups by time ---- */

/* The first record of the extent with a timestamp of at least `timestamp_ms`. */
static enum tarn_status find_in_extent(struct tarn_partition *partition, const struct place *place,
                                       int64_t timestamp_ms, int64_t end_offset,
                                       struct tarn_timestamp_offset *found, struct tarn_error *err)
{
    TARN_BUFFER(bytes, INT32_MAX);
    struct span span = {.count = 0, .size_bytes = 0};
    span_add(&span, place);
    TARN_TRY(span_read(partition, &span, &bytes, err));
    struct tarn_record_batch batch;
    for (size_t at = 0; at < bytes.len; at += batch.size_bytes) {
        TARN_TRY(
            tarn_batch_parse((struct tarn_text){bytes.data + at, bytes.len - at}, &batch, err));
        if (batch.max_timestamp < timestamp_ms || tarn_batch_is_control(&batch))
            continue;
        TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
        TARN_TRY(tarn_record_reader_init(&reader, &batch, PLAIN_MAX_BYTES, err));
        struct tarn_record record;
        bool more = true;
        for (;;) {
            TARN_TRY(tarn_record_next(&reader, &record, &more, err));
            if (!more)
                break;
            if (record.timestamp >= timestamp_ms && record.offset >= partition->start_offset) {
                if (record.offset < end_offset)
                    *found = (struct tarn_timestamp_offset){record.offset, record.timestamp,
                                                            batch.leader_epoch};
                return TARN_OK;
            }
        }
    }
    return TARN_OK;
}

enum tarn_status tarn_partition_find_timestamp(struct tarn_partition *partition,
                                               int64_t timestamp_ms, int64_t end_offset,
                                               struct tarn_timestamp_offset *ret_found,
                                               struct tarn_error *err)
{
    struct tarn_timestamp_offset found = {-1, -1, -1};
    struct cursor cursor;
    TARN_TRY(cursor_seek(&cursor, partition, partition->start_offset, err));
    while (found.offset < 0) {
        if (in_segments(&cursor) &&
            partition->segments[cursor.segment].max_timestamp < timestamp_ms) {
            cursor.segment++;
            cursor.extent = 0;
            continue;
        }
        struct place place;
        bool more;
        TARN_TRY(cursor_peek(&cursor, &place, &more, err));
        if (!more || place.extent.base_offset >= end_offset)
            break;
        if (place.extent.max_timestamp >= timestamp_ms)
            TARN_TRY(find_in_extent(partition, &place, timestamp_ms, end_offset, &found, err));
        cursor.extent++;
    }
    *ret_found = found;
    return TARN_OK;
}

static int64_t largest_timestamp(const struct tarn_partition *partition)
{
    int64_t largest = -1;
    for (size_t i = 0; i < partition->segment_count; i++) {
        if (partition->segments[i].max_timestamp > largest)
            largest = partition->segments[i].max_timestamp;
    }
    for (size_t i = 0; i < partition->run_count; i++) {
        for (uint32_t j = 0; j < partition->runs[i]->count; j++) {
            if (partition->runs[i]->extents[j].max_timestamp > largest)
                largest = partition->runs[i]->extents[j].max_timestamp;
        }
    }
    return largest;
}

enum tarn_status tarn_partition_max_timestamp(struct tarn_partition *partition,
                                              struct tarn_timestamp_offset *ret_found,
                                              struct tarn_error *err)
{
    int64_t largest = largest_timestamp(partition);
    if (largest < 0) {
        *ret_found = (struct tarn_timestamp_offset){-1, -1, -1};
        return TARN_OK;
    }
    return tarn_partition_find_timestamp(partition, largest, partition->end_offset, ret_found, err);
}
