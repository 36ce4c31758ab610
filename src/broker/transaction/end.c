/* broker/transaction/end.c -- commit and abort: everything in one commit of the log, so that a
 * reader, a group and the coordinator never disagree, whenever the machine dies. */
#include "base/log.h"
#include "broker/topics/catalog.h"
#include "broker/transaction/transaction_int.h"

/* A partition that is gone by now needs no marker. */
static enum tarn_status put_markers(const struct tarn_transaction *transaction,
                                    struct tarn_commit *commit, int16_t epoch, bool committed,
                                    struct tarn_error *err)
{
    const struct tarn_transactions *transactions = transaction->transactions;
    int32_t coordinator_epoch = tarn_log_leader_epoch(transactions->world.log);
    for (size_t t = 0; t < transaction->topic_count; t++) {
        const struct tarn_transaction_topic *part = &transaction->topics[t];
        const struct tarn_topic *topic = tarn_catalog_find(transactions->catalog, part->name);
        for (size_t i = 0; i < part->count; i++) {
            struct tarn_partition *partition = tarn_topic_partition(topic, part->partitions[i]);
            int64_t offset;
            if (partition)
                TARN_TRY(tarn_commit_append_marker(commit, partition, transaction->producer_id,
                                                   epoch, coordinator_epoch, committed, &offset,
                                                   err));
        }
    }
    return TARN_OK;
}

bool tarn_transaction_finish(struct tarn_transaction *transaction, int16_t marker_epoch,
                             bool committed, const struct tarn_transaction *next,
                             uint64_t *ret_position)
{
    struct tarn_transactions *transactions = transaction->transactions;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_transaction after = *next;
    after.topic_count = after.group_count = 0;
    after.update_ms = tarn_world_now_ms(&transactions->world);
    struct tarn_commit *commit = tarn_commit_begin(transactions->world.log);
    struct tarn_error err;
    if (put_markers(transaction, commit, marker_epoch, committed, &err) != TARN_OK) {
        tarn_commit_abandon(commit);
        tarn_log(TARN_LOG_ERROR, "a transaction could not be ended",
                 TARN_LOG_STR("transactional_id", transaction->id.data),
                 TARN_LOG_STR("error", err.text));
        return false;
    }
    int64_t producer_id = transaction->producer_id; /* `next` may have another */
    tarn_groups_put_end(transactions->groups, commit, arena, producer_id, committed);
    tarn_transaction_put(commit, arena, &after);
    if (!tarn_transaction_write(commit, "ending a transaction", transaction->id, ret_position))
        return false;
    tarn_groups_keep_end(transactions->groups, producer_id, committed);
    tarn_transaction_forget_parts(transaction);
    transaction->state = after.state;
    transaction->bumps = after.bumps;
    transaction->producer_id = after.producer_id;
    transaction->previous_producer_id = after.previous_producer_id;
    transaction->epoch = after.epoch;
    transaction->last_epoch = after.last_epoch;
    transaction->update_ms = after.update_ms;
    tarn_transaction_watch(transaction);
    return true;
}

/* A client of version 2 whose answer got lost asks again with the epoch it had. */
static bool is_retry(const struct tarn_transaction *transaction,
                     const struct tarn_transaction_producer *producer)
{
    if (!transaction->bumps || transaction->state == TARN_TRANSACTION_ONGOING)
        return false;
    bool overflowed = transaction->previous_producer_id == producer->id &&
                      tarn_epoch_is_exhausted(producer->epoch) && transaction->epoch == 0;
    return overflowed ||
           (transaction->producer_id == producer->id && transaction->epoch == producer->epoch + 1);
}

/* The answer when nothing is open; NONE: as it was asked for, or (`*ret_bump_only`) an abort of
 * nothing, which version 2 uses to get a new epoch. */
static enum tarn_kafka_error check_ended(const struct tarn_transaction *transaction, bool committed,
                                         bool bump, bool retry, bool *ret_bump_only)
{
    bool same =
        transaction->state == (committed ? TARN_TRANSACTION_COMMITTED : TARN_TRANSACTION_ABORTED);
    *ret_bump_only = false;
    if (!bump || retry)
        return same ? TARN_KAFKA_NONE : TARN_KAFKA_INVALID_TXN_STATE;
    *ret_bump_only = !committed;
    return committed ? TARN_KAFKA_INVALID_TXN_STATE : TARN_KAFKA_NONE;
}

/* What the id looks like after the end. The marker's epoch is the one that the producer had, or the
 * next one for version 2, which makes records that arrive late from before fail. */
static bool plan_end(const struct tarn_transaction *transaction, bool committed, bool bump,
                     struct tarn_transaction *ret_next, int16_t *ret_marker_epoch,
                     uint64_t *ret_position)
{
    *ret_next = *transaction;
    ret_next->state = committed ? TARN_TRANSACTION_COMMITTED : TARN_TRANSACTION_ABORTED;
    ret_next->bumps = bump;
    *ret_marker_epoch = transaction->epoch;
    if (!bump)
        return true;
    *ret_marker_epoch = (int16_t)(transaction->epoch + 1);
    ret_next->last_epoch = transaction->epoch;
    ret_next->epoch = *ret_marker_epoch;
    if (!tarn_epoch_is_exhausted(transaction->epoch))
        return true;
    ret_next->previous_producer_id = transaction->producer_id;
    ret_next->epoch = 0;
    return tarn_producer_id_next(transaction->transactions, &ret_next->producer_id, ret_position);
}

enum tarn_kafka_error tarn_transactions_end(struct tarn_transactions *transactions,
                                            const struct tarn_transaction_producer *producer,
                                            bool committed, bool bump, int64_t *ret_id,
                                            int16_t *ret_epoch, uint64_t *ret_position)
{
    *ret_position = 0;
    *ret_id = -1;
    *ret_epoch = -1;
    struct tarn_transaction *transaction =
        tarn_transaction_find(transactions, producer->transactional_id);
    bool retry = transaction && is_retry(transaction, producer);
    if (!retry) {
        enum tarn_kafka_error error = tarn_transaction_check(transactions, producer, &transaction);
        if (error)
            return error;
    }
    if (transaction->state != TARN_TRANSACTION_ONGOING) {
        bool bump_only;
        enum tarn_kafka_error error = check_ended(transaction, committed, bump, retry, &bump_only);
        if (error)
            return error;
        if (!bump_only) {
            *ret_id = transaction->producer_id;
            *ret_epoch = transaction->epoch;
            *ret_position = tarn_log_position(transactions->world.log);
            return TARN_KAFKA_NONE;
        }
    }
    struct tarn_transaction next;
    int16_t marker_epoch;
    if (!plan_end(transaction, committed, bump, &next, &marker_epoch, ret_position) ||
        !tarn_transaction_finish(transaction, marker_epoch, committed, &next, ret_position))
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    *ret_id = transaction->producer_id;
    *ret_epoch = transaction->epoch;
    return TARN_KAFKA_NONE;
}
