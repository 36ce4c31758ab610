/* broker/topic_embedded_fetch.c -- fetches of an embedded reader and the walk through what they
 * brought: batches, records, what aborted transactions left. */
#include <string.h>

#include "base/clock.h"
#include "broker/server/local.h"
#include "broker/topic_embedded_reader_int.h"

enum {
    FETCH_VERSION = 12, /* the last by name */
    RETRY_US = 500000,
    UNPACKED_MAX_BYTES = 1 << 30,
};

static const struct tarn_text nothing = {NULL, 0};

/* ---- sending ---- */

static bool on_fetched(void *context, struct tarn_request *request, const void *response)
{
    struct tarn_in_fetch *fetch = context;
    struct tarn_bell *bell = &fetch->reader->bell;
    pthread_mutex_lock(&bell->mutex);
    fetch->parked = NULL;
    fetch->kept = response ? request : NULL;
    if (response) /* the struct itself is the handler's; what it points to stays */
        fetch->answer = *(const struct tarn_fetch_response *)response;
    fetch->is_answered = true;
    pthread_cond_broadcast(&bell->rung);
    pthread_mutex_unlock(&bell->mutex);
    return response != NULL;
}

static void send_fetch(struct tarn_broker *broker, void *context)
{
    struct tarn_in_fetch *fetch = context;
    const char *client_id = fetch->reader->embedded->base.client_id;
    struct tarn_request *parked =
        tarn_local_send(broker, TARN_API_FETCH, FETCH_VERSION, tarn_text_of(client_id), fetch->body,
                        on_fetched, fetch);
    if (parked)
        fetch->parked = parked;
}

static bool may_fetch(const struct tarn_in_part *part, int64_t now_us)
{
    return !part->is_paused && part->fetch_offset >= 0 && part->retry_us <= now_us;
}

static void add_part(struct tarn_in_fetch *fetch, const struct tarn_in_part *part)
{
    struct tarn_fetch_request_topic *topic = &fetch->body->topics[fetch->body->topics_count++];
    struct tarn_fetch_request_partition *wanted = tarn_arena_alloc(fetch->arena, sizeof *wanted);
    tarn_fetch_request_topic_init(topic);
    tarn_fetch_request_partition_init(wanted);
    wanted->partition = part->partition;
    wanted->current_leader_epoch = wanted->last_fetched_epoch = -1;
    wanted->fetch_offset = part->fetch_offset;
    wanted->log_start_offset = -1;
    wanted->partition_max_bytes = fetch->body->max_bytes;
    topic->topic = tarn_text_of(part->topic);
    topic->partitions = wanted;
    topic->partitions_count = 1;
}

/* False when there is nothing to ask for. Waits in the broker only where all ends are reached: an
 * end that is not known yet is told at once. */
static bool fill_fetch(struct tarn_embedded_reader *reader, struct tarn_in_fetch *fetch)
{
    int64_t now_us = tarn_monotonic_us();
    bool at_ends = true;
    size_t bytes = reader->fetch_bytes;
    tarn_arena_reset(fetch->arena);
    fetch->body = tarn_arena_alloc(fetch->arena, sizeof *fetch->body);
    fetch->parts = tarn_arena_array(fetch->arena, reader->part_count + 1, sizeof *fetch->parts);
    fetch->part_count = 0;
    tarn_fetch_request_init(fetch->body);
    fetch->body->replica_id = -1;
    fetch->body->min_bytes = 1;
    fetch->body->max_bytes = bytes > INT32_MAX ? INT32_MAX : (int32_t)bytes;
    fetch->body->isolation_level = !reader->reads_uncommitted;
    fetch->body->session_epoch = -1;
    fetch->body->topics =
        tarn_arena_array(fetch->arena, reader->part_count + 1, sizeof *fetch->body->topics);
    fetch->body->topics_count = 0;
    for (size_t i = 0; i < reader->part_count; i++) {
        const struct tarn_in_part *part = &reader->parts[i];
        if (!may_fetch(part, now_us))
            continue;
        at_ends &= part->was_ended && part->fetch_offset >= part->visible_end;
        fetch->parts[fetch->part_count++] = i;
        add_part(fetch, part);
    }
    fetch->body->max_wait_ms = at_ends ? INT32_MAX : 0;
    return fetch->part_count > 0;
}

enum tarn_status tarn_in_fetch_send(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    if (reader->next)
        return TARN_OK;
    struct tarn_in_fetch *fetch = &reader->fetches[0];
    if (fetch->is_open)
        fetch = &reader->fetches[1];
    if (fetch->is_open || !fill_fetch(reader, fetch))
        return TARN_OK;
    fetch->is_open = true;
    fetch->is_answered = false;
    fetch->kept = NULL;
    if (!tarn_broker_post(reader->embedded->broker, send_fetch, fetch)) {
        fetch->is_open = false;
        return tarn_fail(err, TARN_CANCELLED, "the broker is not running");
    }
    reader->next = fetch;
    return TARN_OK;
}

/* ---- giving back ---- */

static void give_up(struct tarn_broker *broker, void *context)
{
    struct tarn_in_fetch *fetch = context;
    (void)broker;
    if (fetch->parked)
        tarn_local_cancel(fetch->parked);
    if (fetch->kept)
        tarn_local_release(fetch->kept);
    fetch->parked = fetch->kept = NULL;
}

static void drop_fetch(struct tarn_embedded_reader *reader, struct tarn_in_fetch *fetch)
{
    static pthread_mutex_t nobody_runs = PTHREAD_MUTEX_INITIALIZER;
    struct tarn_error err;
    if (!fetch->is_open)
        return;
    if (tarn_broker_call(reader->embedded->broker, give_up, fetch, &err) != TARN_OK) {
        pthread_mutex_lock(&nobody_runs); /* the loop has ended: it is ours to do */
        give_up(reader->embedded->broker, fetch);
        pthread_mutex_unlock(&nobody_runs);
    }
    fetch->is_open = false;
}

void tarn_in_fetch_drop(struct tarn_embedded_reader *reader)
{
    tarn_in_batch_drop(reader);
    if (reader->cursor.in_batch)
        tarn_record_reader_release(&reader->cursor.records);
    reader->cursor = (struct tarn_in_cursor){0};
    reader->next = NULL;
    drop_fetch(reader, &reader->fetches[0]);
    drop_fetch(reader, &reader->fetches[1]);
    for (size_t i = 0; i < reader->part_count; i++) {
        struct tarn_in_part *part = &reader->parts[i];
        if (part->position >= 0)
            part->fetch_offset = part->position;
        part->ends = part->was_ended = false;
    }
}

void tarn_in_batch_drop(struct tarn_embedded_reader *reader)
{
    for (size_t i = 0; i < reader->used_count; i++)
        tarn_record_reader_release(&reader->used[i]);
    reader->used_count = reader->record_count = 0;
    tarn_arena_reset(reader->arena);
    for (size_t i = 0; i < TARN_COUNT(reader->fetches); i++) { /* handed out to the end */
        struct tarn_in_fetch *fetch = &reader->fetches[i];
        if (fetch->is_open && fetch != reader->next && fetch != reader->cursor.fetch)
            drop_fetch(reader, fetch);
    }
}

/* ---- taking an answer ---- */

static enum tarn_status part_failed(struct tarn_embedded_reader *reader, struct tarn_in_part *part,
                                    int16_t code, struct tarn_error *err)
{
    part->retry_us = tarn_monotonic_us() + RETRY_US;
    if (code == TARN_KAFKA_OFFSET_OUT_OF_RANGE && reader->reset != TARN_RESET_FAIL) {
        int64_t start, end;
        TARN_TRY(tarn_embedded_watermarks(reader->base.topics, part->topic, part->partition, &start,
                                          &end, err));
        part->position = part->fetch_offset = reader->reset == TARN_RESET_EARLIEST ? start : end;
        part->retry_us = 0;
        part->was_ended = false;
        return TARN_OK;
    }
    return tarn_embedded_fail(err, code, nothing, "reading from %s[%d]", part->topic,
                              (int)part->partition);
}

/* Where the next fetch goes on: behind the last whole batch. */
static enum tarn_status find_next(struct tarn_in_part *part, struct tarn_text records,
                                  struct tarn_error *err)
{
    while (records.len > 0) {
        struct tarn_record_batch batch;
        TARN_TRY(tarn_batch_parse(records, &batch, err));
        part->fetch_offset = tarn_batch_last_offset(&batch) + 1;
        records.data += batch.size_bytes;
        records.len -= batch.size_bytes;
    }
    return TARN_OK;
}

enum tarn_status tarn_in_fetch_take(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    struct tarn_in_fetch *fetch = reader->next;
    enum tarn_status first = TARN_OK;
    reader->next = NULL;
    if (!fetch->kept) {
        fetch->is_open = false;
        return tarn_fail(err, TARN_CANCELLED, "the broker is not running any more");
    }
    for (size_t i = 0; i < fetch->part_count; i++) {
        struct tarn_in_part *part = &reader->parts[fetch->parts[i]];
        const struct tarn_fetch_response_partition *answer =
            &fetch->answer.responses[i].partitions[0];
        struct tarn_error found = {0};
        enum tarn_status status = answer->error_code != TARN_KAFKA_NONE
                                      ? part_failed(reader, part, answer->error_code, &found)
                                      : find_next(part, answer->records, &found);
        if (status != TARN_OK && first == TARN_OK) {
            first = status;
            if (err)
                *err = found;
        }
        if (status != TARN_OK || answer->error_code != TARN_KAFKA_NONE)
            continue;
        part->visible_end =
            reader->reads_uncommitted ? answer->high_watermark : answer->last_stable_offset;
        if (answer->records.len > 0)
            part->was_ended = false;
        if (part->fetch_offset >= part->visible_end && !part->was_ended)
            part->ends = part->was_ended = true;
    }
    reader->cursor = (struct tarn_in_cursor){.fetch = fetch, .index = SIZE_MAX};
    return first;
}

/* ---- walking ---- */

static const struct tarn_fetch_response_partition *answer_of(const struct tarn_in_cursor *cursor)
{
    return &cursor->fetch->answer.responses[cursor->index].partitions[0];
}

static bool next_part(struct tarn_embedded_reader *reader)
{
    struct tarn_in_cursor *cursor = &reader->cursor;
    if (++cursor->index >= cursor->fetch->part_count) {
        cursor->fetch = NULL; /* given back with the batch */
        return false;
    }
    const struct tarn_fetch_response_partition *answer = answer_of(cursor);
    cursor->rest = answer->error_code == TARN_KAFKA_NONE ? answer->records : nothing;
    size_t aborted =
        answer->aborted_transactions_count > 0 ? (size_t)answer->aborted_transactions_count : 0;
    cursor->ended = tarn_arena_array(cursor->fetch->arena, aborted + 1, sizeof *cursor->ended);
    return true;
}

/* A batch is an aborted one's from the transaction's first offset to its marker. */
static bool is_aborted(struct tarn_in_cursor *cursor, const struct tarn_record_batch *batch)
{
    const struct tarn_fetch_response_partition *answer = answer_of(cursor);
    bool found = false;
    if (!tarn_batch_is_transactional(batch))
        return false;
    for (int32_t i = 0; i < answer->aborted_transactions_count; i++) {
        const struct tarn_fetch_response_aborted_transaction *aborted =
            &answer->aborted_transactions[i];
        if (cursor->ended[i] || aborted->producer_id != batch->producer_id ||
            aborted->first_offset > tarn_batch_last_offset(batch))
            continue;
        found = true;
        if (tarn_batch_is_control(batch))
            cursor->ended[i] = true;
    }
    return found;
}

static void pass(struct tarn_in_part *part, const struct tarn_record_batch *batch)
{
    int64_t behind = tarn_batch_last_offset(batch) + 1;
    if (part->position < behind)
        part->position = behind;
}

static enum tarn_status next_batch(struct tarn_embedded_reader *reader, struct tarn_in_part *part,
                                   struct tarn_error *err)
{
    struct tarn_in_cursor *cursor = &reader->cursor;
    struct tarn_record_batch batch;
    TARN_TRY(tarn_batch_parse(cursor->rest, &batch, err));
    cursor->rest.data += batch.size_bytes;
    cursor->rest.len -= batch.size_bytes;
    bool hidden = !reader->reads_uncommitted && is_aborted(cursor, &batch);
    if (hidden || tarn_batch_is_control(&batch)) {
        pass(part, &batch);
        return TARN_OK;
    }
    TARN_TRY(tarn_record_reader_init(&cursor->records, &batch, UNPACKED_MAX_BYTES, err));
    cursor->in_batch = true;
    return TARN_OK;
}

static void read_headers(struct tarn_embedded_reader *reader, const struct tarn_record *from,
                         struct tarn_topic_record *into)
{
    struct tarn_topic_header *headers =
        tarn_arena_array(reader->arena, (size_t)from->header_count, sizeof *headers);
    struct tarn_text rest = from->headers;
    into->headers = headers;
    while (into->header_count < (size_t)from->header_count &&
           tarn_record_header(&rest, &headers[into->header_count].key,
                              &headers[into->header_count].value))
        into->header_count++;
}

static void add_record(struct tarn_embedded_reader *reader, const struct tarn_in_part *part,
                       const struct tarn_record *from)
{
    TARN_RESERVE(reader->records, reader->record_cap, reader->record_count + 1);
    struct tarn_topic_record *into = &reader->records[reader->record_count++];
    *into = (struct tarn_topic_record){
        .topic = part->topic,
        .partition = part->partition,
        .offset = from->offset,
        .timestamp_ms = from->timestamp,
        .is_append_time = reader->cursor.records.batch.attributes & TARN_BATCH_LOG_APPEND_TIME,
        .key = from->key,
        .value = from->value,
    };
    if (from->header_count > 0)
        read_headers(reader, from, into);
}

/* The batch is through; what it was unpacked to stays until the records are given back. */
static void end_batch(struct tarn_embedded_reader *reader, struct tarn_in_part *part)
{
    struct tarn_in_cursor *cursor = &reader->cursor;
    pass(part, &cursor->records.batch);
    cursor->in_batch = false;
    if (!cursor->records.plain.data)
        return;
    TARN_RESERVE(reader->used, reader->used_cap, reader->used_count + 1);
    reader->used[reader->used_count++] = cursor->records;
}

/* A batch that cannot be read is passed over once its error is told. */
static enum tarn_status fail_batch(struct tarn_embedded_reader *reader, struct tarn_in_part *part,
                                   enum tarn_status status, struct tarn_error *err)
{
    if (reader->cursor.in_batch)
        end_batch(reader, part);
    else
        reader->cursor.rest = nothing;
    (void)tarn_error_wrap(err, "reading from %s[%d]", part->topic, (int)part->partition);
    return status;
}

enum tarn_status tarn_in_collect(struct tarn_embedded_reader *reader, size_t max,
                                 struct tarn_error *err)
{
    struct tarn_in_cursor *cursor = &reader->cursor;
    while (cursor->fetch && reader->record_count < max) {
        if (!cursor->in_batch && cursor->rest.len == 0) {
            (void)next_part(reader);
            continue;
        }
        struct tarn_in_part *part = &reader->parts[cursor->fetch->parts[cursor->index]];
        enum tarn_status status = TARN_OK;
        if (!cursor->in_batch) {
            status = next_batch(reader, part, err);
        } else {
            struct tarn_record record;
            bool more;
            status = tarn_record_next(&cursor->records, &record, &more, err);
            if (status == TARN_OK && !more) {
                end_batch(reader, part);
            } else if (status == TARN_OK && record.offset >= part->position) {
                add_record(reader, part, &record);
                part->position = record.offset + 1;
            }
        }
        if (status != TARN_OK)
            return fail_batch(reader, part, status, err);
    }
    return TARN_OK;
}
