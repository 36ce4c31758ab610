/* broker/log/producer.c -- what a partition knows of its producers: the last five batches of each,
 * epochs, open transactions, and which transactions were aborted.
 *
 * Rules as in Kafka's ProducerStateManager, ProducerAppendInfo and ProducerStateEntry. The state
 * follows from the batches in the log; checkpoints carry it over the files that are gone. */
#include "broker/log/log_int.h"

static size_t slot_of(const struct producer_table *table, int64_t id)
{
    uint64_t hash = (uint64_t)id * 0x9e3779b97f4a7c15ull;
    return (size_t)(hash >> 32) & (table->cap - 1);
}

struct producer *producer_find(const struct tarn_partition *partition, int64_t id)
{
    const struct producer_table *table = &partition->producers;
    if (table->count == 0)
        return NULL;
    for (size_t i = slot_of(table, id); table->slots[i]; i = (i + 1) & (table->cap - 1)) {
        if (table->slots[i]->id == id)
            return table->slots[i];
    }
    return NULL;
}

static void table_insert(struct producer_table *table, struct producer *producer)
{
    size_t i = slot_of(table, producer->id);
    while (table->slots[i])
        i = (i + 1) & (table->cap - 1);
    table->slots[i] = producer;
    table->count++;
}

/* A table of `cap` slots with the producers for which `keep` says so; frees the others. */
static void table_rebuild(struct producer_table *table, size_t cap,
                          bool (*keep)(const struct producer *producer, int64_t time_ms),
                          int64_t time_ms)
{
    struct producer_table old = *table;
    *table = (struct producer_table){.cap = cap, .slots = tarn_alloc_array(cap, sizeof(void *))};
    for (size_t i = 0; i < old.cap; i++) {
        if (!old.slots[i])
            continue;
        if (!keep || keep(old.slots[i], time_ms))
            table_insert(table, old.slots[i]);
        else
            free(old.slots[i]);
    }
    free(old.slots);
}

struct producer *producer_add(struct tarn_partition *partition, int64_t id)
{
    struct producer_table *table = &partition->producers;
    if (table->count * 2 >= table->cap)
        table_rebuild(table, table->cap ? table->cap * 2 : 4, NULL, 0);
    struct producer *producer = tarn_alloc(sizeof *producer);
    *producer = (struct producer){.id = id,
                                  .last_timestamp = -1,
                                  .transaction_start = -1,
                                  .last_offset = -1,
                                  .coordinator_epoch = -1,
                                  .epoch = -1};
    table_insert(table, producer);
    return producer;
}

static bool touched_since(const struct producer *producer, int64_t time_ms)
{
    return producer->transaction_start >= 0 || producer->touched_ms > time_ms;
}

void producers_expire(struct tarn_partition *partition, int64_t now_ms)
{
    struct producer_table *table = &partition->producers;
    int64_t limit = now_ms - partition->log->options.producer_expiry_ms;
    for (size_t i = 0; i < table->cap; i++) {
        if (table->slots[i] && !touched_since(table->slots[i], limit)) {
            table_rebuild(table, table->cap, touched_since, limit);
            return;
        }
    }
}

void producers_free(struct tarn_partition *partition)
{
    for (size_t i = 0; i < partition->producers.cap; i++)
        free(partition->producers.slots[i]);
    free(partition->producers.slots);
    partition->producers = (struct producer_table){0};
}

/* ---- appending ---- */

static void begin_transaction(struct tarn_partition *partition, struct producer *producer,
                              int64_t first_offset)
{
    producer->transaction_start = first_offset;
    TARN_RESERVE(partition->open, partition->open_cap, partition->open_count + 1);
    partition->open[partition->open_count++] =
        (struct open_transaction){producer->id, first_offset};
}

static void end_transaction(struct tarn_partition *partition, struct producer *producer,
                            int64_t marker_offset, bool committed)
{
    if (producer->transaction_start < 0)
        return;
    if (!committed) {
        TARN_RESERVE(partition->aborted, partition->aborted_cap, partition->aborted_count + 1);
        partition->aborted[partition->aborted_count++] =
            (struct tarn_aborted){producer->id, producer->transaction_start, marker_offset};
    }
    producer->transaction_start = -1;
    size_t i = 0;
    while (partition->open[i].producer_id != producer->id)
        i++;
    memmove(partition->open + i, partition->open + i + 1,
            (--partition->open_count - i) * sizeof *partition->open);
}

/* The marker: key {version i16, type i16 (0 abort, 1 commit)}, value {version i16, coordinator
 * epoch i32}. */
static void append_marker(struct tarn_partition *partition, struct producer *producer,
                          const struct tarn_record_batch *batch)
{
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    struct tarn_record record;
    struct tarn_error err;
    bool more = false;
    if (tarn_record_reader_init(&reader, batch, 1024, &err) != TARN_OK ||
        tarn_record_next(&reader, &record, &more, &err) != TARN_OK || !more || record.key.len < 4)
        return;
    int type = be16_get(record.key.data + 2);
    if (type > 1)
        return;
    if (batch->producer_epoch != producer->epoch) {
        producer->epoch = batch->producer_epoch;
        producer->batch_count = 0;
    }
    if (record.value.len >= 6)
        producer->coordinator_epoch = (int32_t)be32_get(record.value.data + 2);
    producer->last_timestamp = record.timestamp;
    end_transaction(partition, producer, batch->base_offset, type == 1);
}

static void append_data(struct tarn_partition *partition, struct producer *producer,
                        const struct tarn_record_batch *batch)
{
    if (batch->producer_epoch != producer->epoch) {
        producer->epoch = batch->producer_epoch;
        producer->batch_count = 0;
    }
    if (batch->base_sequence >= 0) {
        if (producer->batch_count == PRODUCER_BATCHES) {
            memmove(producer->batches, producer->batches + 1,
                    (PRODUCER_BATCHES - 1) * sizeof *producer->batches);
            producer->batch_count--;
        }
        producer->batches[producer->batch_count++] =
            (struct producer_batch){.last_offset = tarn_batch_last_offset(batch),
                                    .timestamp = batch->max_timestamp,
                                    .last_sequence = tarn_batch_last_sequence(batch),
                                    .offset_delta = batch->last_offset_delta};
    }
    producer->last_timestamp = batch->max_timestamp;
    producer->last_offset = tarn_batch_last_offset(batch);
    if (tarn_batch_is_transactional(batch) && producer->transaction_start < 0)
        begin_transaction(partition, producer, batch->base_offset);
}

void producer_append(struct tarn_partition *partition, const struct tarn_record_batch *batch,
                     int64_t time_ms)
{
    if (batch->producer_id < 0)
        return;
    struct producer *producer = producer_find(partition, batch->producer_id);
    if (!producer)
        producer = producer_add(partition, batch->producer_id);
    producer->touched_ms = time_ms;
    if (tarn_batch_is_control(batch))
        append_marker(partition, producer, batch);
    else
        append_data(partition, producer, batch);
}

/* ---- checking ---- */

static int32_t first_sequence(const struct producer_batch *batch)
{
    return (int32_t)(((uint32_t)batch->last_sequence - (uint32_t)batch->offset_delta) & INT32_MAX);
}

static bool find_duplicate(const struct producer *producer, const struct tarn_record_batch *batch,
                           struct tarn_duplicate *duplicate)
{
    if (producer->epoch != batch->producer_epoch)
        return false;
    for (int i = 0; i < producer->batch_count; i++) {
        const struct producer_batch *known = &producer->batches[i];
        if (known->last_sequence == tarn_batch_last_sequence(batch) &&
            first_sequence(known) == batch->base_sequence) {
            duplicate->base_offset = known->last_offset - known->offset_delta;
            duplicate->timestamp = known->timestamp;
            return true;
        }
    }
    return false;
}

static enum tarn_kafka_error out_of_order(const struct tarn_record_batch *batch, int32_t last,
                                          struct tarn_error *err)
{
    (void)tarn_fail(
        err, TARN_INVALID, "producer %lld with epoch %d sent sequence %d, and the last one was %d",
        (long long)batch->producer_id, batch->producer_epoch, batch->base_sequence, last);
    return TARN_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

static enum tarn_kafka_error check_sequence(const struct producer *producer,
                                            const struct tarn_record_batch *batch,
                                            struct tarn_error *err)
{
    if (batch->producer_epoch != producer->epoch)
        return batch->base_sequence == 0 ? TARN_KAFKA_NONE : out_of_order(batch, -1, err);
    int32_t last =
        producer->batch_count ? producer->batches[producer->batch_count - 1].last_sequence : -1;
    bool next = batch->base_sequence == (int64_t)last + 1 ||
                (batch->base_sequence == 0 && last == INT32_MAX);
    return next ? TARN_KAFKA_NONE : out_of_order(batch, last, err);
}

enum tarn_kafka_error tarn_partition_check_producer(struct tarn_partition *partition,
                                                    const struct tarn_record_batch *batch,
                                                    struct tarn_duplicate *ret_duplicate,
                                                    struct tarn_error *err)
{
    *ret_duplicate = (struct tarn_duplicate){-1, -1};
    if (batch->producer_id < 0)
        return TARN_KAFKA_NONE;
    const struct producer *producer = producer_find(partition, batch->producer_id);
    struct tarn_log *log = partition->log;
    if (!producer ||
        !touched_since(producer, tarn_log_now_ms(log) - log->options.producer_expiry_ms))
        return TARN_KAFKA_NONE; /* forgotten, or new: any sequence may begin */
    if (find_duplicate(producer, batch, ret_duplicate)) {
        if (!partition->settings || !partition->settings->log_append_time)
            ret_duplicate->timestamp = -1;
        return TARN_KAFKA_NONE;
    }
    if (batch->producer_epoch < producer->epoch) {
        (void)tarn_fail(err, TARN_INVALID, "producer %lld has epoch %d, and %d has been seen",
                        (long long)batch->producer_id, batch->producer_epoch, producer->epoch);
        return TARN_KAFKA_INVALID_PRODUCER_EPOCH;
    }
    enum tarn_kafka_error code = check_sequence(producer, batch, err);
    if (code != TARN_KAFKA_NONE)
        return code;
    if (producer->transaction_start >= 0 && !tarn_batch_is_transactional(batch)) {
        (void)tarn_fail(err, TARN_INVALID,
                        "producer %lld wrote outside of its transaction, which is open since "
                        "offset %lld",
                        (long long)producer->id, (long long)producer->transaction_start);
        return TARN_KAFKA_INVALID_TXN_STATE;
    }
    return TARN_KAFKA_NONE;
}

/* ---- describing ---- */

static struct tarn_producer describe(const struct producer *producer)
{
    int count = producer->batch_count;
    return (struct tarn_producer){
        .producer_id = producer->id,
        .last_timestamp = producer->last_timestamp,
        .transaction_start = producer->transaction_start,
        .last_sequence = count ? producer->batches[count - 1].last_sequence : -1,
        .coordinator_epoch = producer->coordinator_epoch,
        .epoch = producer->epoch,
    };
}

bool tarn_partition_producer(const struct tarn_partition *partition, int64_t producer_id,
                             struct tarn_producer *ret_producer)
{
    const struct producer *producer = producer_find(partition, producer_id);
    if (!producer)
        return false;
    *ret_producer = describe(producer);
    return true;
}

void tarn_partition_each_producer(const struct tarn_partition *partition,
                                  bool (*callback)(void *context,
                                                   const struct tarn_producer *producer),
                                  void *context)
{
    for (size_t i = 0; i < partition->producers.cap; i++) {
        if (!partition->producers.slots[i])
            continue;
        struct tarn_producer producer = describe(partition->producers.slots[i]);
        if (!callback(context, &producer))
            return;
    }
}

enum tarn_status tarn_partition_aborted(struct tarn_partition *partition, int64_t from, int64_t to,
                                        struct tarn_arena *arena, struct tarn_aborted **ret_aborted,
                                        size_t *ret_count, struct tarn_error *err)
{
    (void)err;
    size_t low = 0, high = partition->aborted_count;
    while (low < high) { /* the first that ends at or behind `from` */
        size_t middle = low + (high - low) / 2;
        if (partition->aborted[middle].last_offset < from)
            low = middle + 1;
        else
            high = middle;
    }
    size_t count = 0;
    for (size_t i = low; i < partition->aborted_count; i++)
        count += partition->aborted[i].first_offset < to;
    struct tarn_aborted *found = tarn_arena_array(arena, count, sizeof *found);
    count = 0;
    for (size_t i = low; i < partition->aborted_count; i++) {
        if (partition->aborted[i].first_offset < to)
            found[count++] = partition->aborted[i];
    }
    *ret_aborted = found;
    *ret_count = count;
    return TARN_OK;
}
