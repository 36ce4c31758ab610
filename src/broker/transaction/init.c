/* broker/transaction/init.c -- InitProducerId: who may go on with a transactional id, and as whom.
 *
 * A new producer gets the next epoch, which fences the one before. A producer that goes on after an
 * error says which epoch it had (KIP-360): it gets the next one only if nobody came in between, and
 * a retry of the same request gets the same answer. When the epochs of an id are used up, a new
 * producer id takes its place. */
#include "broker/transaction/transaction_int.h"

bool tarn_epoch_is_exhausted(int16_t epoch)
{
    return epoch >= INT16_MAX - 1; /* the last one is kept for fencing */
}

bool tarn_producer_id_next(struct tarn_transactions *transactions, int64_t *ret_id,
                           uint64_t *ret_position)
{
    if (transactions->next_producer_id >= transactions->block_end) {
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        struct tarn_commit *commit = tarn_commit_begin(transactions->world.log);
        int64_t block_end = transactions->block_end + TARN_PRODUCER_ID_BLOCK;
        tarn_producer_ids_put(commit, arena, block_end);
        if (!tarn_transaction_write(commit, "setting producer ids aside", TARN_TEXT(""),
                                    &transactions->block_position))
            return false;
        transactions->next_producer_id = transactions->block_end;
        transactions->block_end = block_end;
    }
    *ret_id = transactions->next_producer_id++;
    if (transactions->block_position > *ret_position)
        *ret_position = transactions->block_position;
    return true;
}

static bool may_go_on(const struct tarn_transaction *transaction,
                      const struct tarn_transaction_producer *producer)
{
    return transaction->epoch < 0 || producer->id == transaction->producer_id ||
           (producer->id == transaction->previous_producer_id &&
            tarn_epoch_is_exhausted(producer->epoch));
}

/* Sets the ids and epochs of `next` as Kafka's prepareIncrementProducerEpoch and
 * prepareProducerIdRotation do. */
static enum tarn_kafka_error choose_epoch(struct tarn_transaction *next,
                                          const struct tarn_transaction_producer *producer,
                                          uint64_t *ret_position)
{
    bool goes_on = producer->id >= 0;
    bool retries = goes_on && next->epoch >= 0 && producer->epoch != next->epoch;
    if (retries)
        return producer->epoch == next->last_epoch ? TARN_KAFKA_NONE : TARN_KAFKA_PRODUCER_FENCED;
    int16_t last_epoch = goes_on ? next->epoch : -1;
    if (tarn_epoch_is_exhausted(next->epoch)) {
        int64_t id;
        if (!tarn_producer_id_next(next->transactions, &id, ret_position))
            return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
        next->previous_producer_id = next->producer_id;
        next->producer_id = id;
        next->epoch = 0;
    } else {
        next->epoch++;
    }
    next->last_epoch = last_epoch;
    return TARN_KAFKA_NONE;
}

/* What the producer before left open is aborted under an epoch that fences it everywhere. */
static enum tarn_kafka_error fence(struct tarn_transaction *transaction,
                                   const struct tarn_transaction_producer *producer)
{
    if (producer->id >= 0 && producer->epoch != transaction->epoch)
        return TARN_KAFKA_PRODUCER_FENCED;
    struct tarn_transaction next = *transaction;
    next.epoch = (int16_t)(transaction->epoch + 1);
    next.last_epoch = -1;
    next.state = TARN_TRANSACTION_ABORTED;
    next.bumps = false;
    uint64_t position;
    return tarn_transaction_finish(transaction, next.epoch, false, &next, &position)
               ? TARN_KAFKA_NONE
               : TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
}

static enum tarn_kafka_error save_init(struct tarn_transaction *transaction,
                                       const struct tarn_transaction *next, uint64_t *ret_position)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(transaction->transactions->world.log);
    tarn_transaction_put(commit, arena, next);
    uint64_t position;
    if (!tarn_transaction_write(commit, "starting a producer", transaction->id, &position))
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    transaction->state = next->state;
    transaction->bumps = next->bumps;
    transaction->producer_id = next->producer_id;
    transaction->previous_producer_id = next->previous_producer_id;
    transaction->epoch = next->epoch;
    transaction->last_epoch = next->last_epoch;
    transaction->timeout_ms = next->timeout_ms;
    transaction->start_ms = next->start_ms;
    transaction->update_ms = next->update_ms;
    tarn_transaction_watch(transaction);
    *ret_position = position;
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error init_known(struct tarn_transaction *transaction,
                                        const struct tarn_transaction_producer *producer,
                                        int32_t timeout_ms, uint64_t *ret_position)
{
    if (producer->id >= 0 && !may_go_on(transaction, producer))
        return TARN_KAFKA_PRODUCER_FENCED;
    struct tarn_transaction_producer goes_on = *producer;
    if (transaction->state == TARN_TRANSACTION_ONGOING) {
        enum tarn_kafka_error error = fence(transaction, producer);
        if (error != TARN_KAFKA_NONE)
            return error;
        if (goes_on.id >= 0)
            goes_on.epoch = transaction->epoch; /* it was the one that fenced itself */
    }
    struct tarn_transaction next = *transaction;
    enum tarn_kafka_error error = choose_epoch(&next, &goes_on, ret_position);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (next.last_epoch >= 0)
        next.last_epoch = producer->epoch;
    next.state = TARN_TRANSACTION_EMPTY;
    next.bumps = false;
    next.timeout_ms = timeout_ms;
    next.start_ms = -1;
    next.update_ms = tarn_world_now_ms(&transaction->transactions->world);
    return save_init(transaction, &next, ret_position);
}

static enum tarn_kafka_error init_transactional(struct tarn_transactions *transactions,
                                                const struct tarn_transaction_producer *producer,
                                                int32_t timeout_ms, int64_t *ret_id,
                                                int16_t *ret_epoch, uint64_t *ret_position)
{
    struct tarn_text id = producer->transactional_id;
    struct tarn_transaction *transaction = tarn_transaction_find(transactions, id);
    bool is_new = !transaction;
    if (is_new) {
        int64_t producer_id;
        if (!tarn_producer_id_next(transactions, &producer_id, ret_position))
            return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
        transaction = tarn_transaction_add(transactions, id);
        transaction->producer_id = producer_id;
    }
    enum tarn_kafka_error error = init_known(transaction, producer, timeout_ms, ret_position);
    if (error == TARN_KAFKA_NONE) {
        *ret_id = transaction->producer_id;
        *ret_epoch = transaction->epoch;
    } else if (is_new) {
        tarn_transaction_remove(transaction);
    }
    return error;
}

enum tarn_kafka_error tarn_transactions_init(struct tarn_transactions *transactions,
                                             const struct tarn_transaction_producer *producer,
                                             int32_t timeout_ms, int64_t *ret_id,
                                             int16_t *ret_epoch, uint64_t *ret_position)
{
    *ret_position = 0;
    if (!producer->transactional_id.data) {
        if (!tarn_producer_id_next(transactions, ret_id, ret_position))
            return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
        *ret_epoch = 0;
        return TARN_KAFKA_NONE;
    }
    if (producer->transactional_id.len == 0 ||
        producer->transactional_id.len > TARN_TRANSACTIONAL_ID_MAX_BYTES ||
        (producer->id < 0) != (producer->epoch < 0))
        return TARN_KAFKA_INVALID_REQUEST;
    if (timeout_ms <= 0 || timeout_ms > transactions->options.max_timeout_ms)
        return TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT;
    return init_transactional(transactions, producer, timeout_ms, ret_id, ret_epoch, ret_position);
}
