/* broker/transaction/transaction.h -- the transaction coordinator: producer ids, epochs, fencing,
 * commit and abort.
 *
 * A state machine without sockets, on the loop thread. One node owns everything that a transaction
 * touches, so its end is one commit of the log: a marker in every partition, the offsets of its
 * groups, and the new state. The states PrepareCommit and PrepareAbort are therefore never there to
 * be seen, and nobody waits for markers. A timer runs only while a transaction is open.
 *
 * Journal: "transaction/<id>" is the state of one transactional id, "producer_ids" the end of the
 * block of producer ids that has been set aside: ids are given out of a block only when it is
 * durable, so none is ever given twice. */
#ifndef TARN_BROKER_TRANSACTION_TRANSACTION_H
#define TARN_BROKER_TRANSACTION_TRANSACTION_H

#include "broker/group/group.h"

struct tarn_catalog;
struct tarn_transactions;
struct tarn_describe_transactions_response_transaction_state;
struct tarn_list_transactions_request;
struct tarn_list_transactions_response;

struct tarn_transaction_options {
    int32_t max_timeout_ms;   /* transaction.max.timeout.ms, 15 min */
    int64_t id_expiration_ms; /* transactional.id.expiration.ms, 7 d */
};
void tarn_transaction_options_init(struct tarn_transaction_options *options);

/* Reads what was open out of the journal: it stays open and times out when it would have. `groups`
 * and `catalog` have to outlive it. */
CHECKED enum tarn_status tarn_transactions_open(const struct tarn_world *world,
                                                const struct tarn_transaction_options *options,
                                                struct tarn_groups *groups,
                                                struct tarn_catalog *catalog,
                                                struct tarn_transactions **ret_transactions,
                                                struct tarn_error *err);
void tarn_transactions_free(struct tarn_transactions *transactions); /* NULL is fine */

/* A producer as it names itself. */
struct tarn_transaction_producer {
    struct tarn_text transactional_id; /* data NULL: none */
    int64_t id;                        /* -1: none yet */
    int16_t epoch;
};

/* All of these return Kafka's newest code (PRODUCER_FENCED); handlers turn it into the one that old
 * versions know. *ret_position has to be durable before the answer; 0: nothing to wait for. What
 * has no position is answered at once: if a power cut takes it, it takes all that was built on it,
 * which comes later in the same log. */

/* InitProducerId: gives an id, or bumps the epoch of the transactional id's, aborting what is open.
 * `producer` has id and epoch -1, or those that it wants to go on from (KIP-360). */
enum tarn_kafka_error tarn_transactions_init(struct tarn_transactions *transactions,
                                             const struct tarn_transaction_producer *producer,
                                             int32_t timeout_ms, int64_t *ret_id,
                                             int16_t *ret_epoch, uint64_t *ret_position);

struct tarn_transaction_partition {
    struct tarn_text topic;
    int32_t partition;
};
enum tarn_kafka_error
tarn_transactions_add_partitions(struct tarn_transactions *transactions,
                                 const struct tarn_transaction_producer *producer,
                                 const struct tarn_transaction_partition *partitions, size_t count);
/* AddPartitionsToTxn v4+ with verify_only: TRANSACTION_ABORTABLE when it is not part of it. */
enum tarn_kafka_error
tarn_transactions_verify_partition(struct tarn_transactions *transactions,
                                   const struct tarn_transaction_producer *producer,
                                   const struct tarn_transaction_partition *partition);
/* For Produce of a transactional batch, before it is appended: NONE when the partition is part of
 * the open transaction of this producer, or was made so (`add`: Produce v12+, transactions of
 * version 2). Otherwise TRANSACTION_ABORTABLE (Produce below v11: INVALID_TXN_STATE),
 * PRODUCER_FENCED (Produce: INVALID_PRODUCER_EPOCH), INVALID_PRODUCER_ID_MAPPING. Nothing needs
 * waiting for: the records come later in the same log. */
enum tarn_kafka_error
tarn_transactions_check_produce(struct tarn_transactions *transactions,
                                const struct tarn_transaction_producer *producer,
                                const struct tarn_transaction_partition *partition, bool add);
enum tarn_kafka_error tarn_transactions_add_group(struct tarn_transactions *transactions,
                                                  const struct tarn_transaction_producer *producer,
                                                  struct tarn_text group_id);
/* TxnOffsetCommit; `add`: the group becomes part of the transaction (v5, transactions of version
 * 2). */
enum tarn_kafka_error
tarn_transactions_commit_offsets(struct tarn_transactions *transactions,
                                 const struct tarn_transaction_producer *producer,
                                 const struct tarn_group_commit *commit,
                                 struct tarn_offset_entry *entries, size_t count, bool add);
/* EndTxn. `bump`: version 5, transactions of version 2: the epoch goes up (or the id changes) with
 * every end. */
enum tarn_kafka_error tarn_transactions_end(struct tarn_transactions *transactions,
                                            const struct tarn_transaction_producer *producer,
                                            bool committed, bool bump, int64_t *ret_id,
                                            int16_t *ret_epoch, uint64_t *ret_position);

void tarn_transactions_describe(
    struct tarn_transactions *transactions, struct tarn_text transactional_id,
    struct tarn_arena *arena,
    struct tarn_describe_transactions_response_transaction_state *ret_state);
void tarn_transactions_list(struct tarn_transactions *transactions,
                            const struct tarn_list_transactions_request *request,
                            struct tarn_arena *arena,
                            struct tarn_list_transactions_response *ret_response);

#endif
