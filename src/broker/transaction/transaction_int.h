/* broker/transaction/transaction_int.h -- what the files of the transaction coordinator share.
 *
 *   transactions.c          opening, finding, describing, listing, expiry of ids
 *   init.c                  InitProducerId: producer ids, epochs, fencing
 *   take_part.c             partitions, groups and offsets that become part of a transaction
 *   end.c                   commit, abort, timeouts
 *   transaction_journal.c   keys and values in the journal */
#ifndef TARN_BROKER_TRANSACTION_TRANSACTION_INT_H
#define TARN_BROKER_TRANSACTION_TRANSACTION_INT_H

#include "base/text_map.h"
#include "broker/log/log.h"
#include "broker/transaction/transaction.h"

/* Keys of the journal hold 1,024 bytes. */
enum { TARN_TRANSACTIONAL_ID_MAX_BYTES = 1000, TARN_PRODUCER_ID_BLOCK = 1000 };

enum tarn_transaction_state {
    TARN_TRANSACTION_EMPTY,
    TARN_TRANSACTION_ONGOING,
    TARN_TRANSACTION_COMMITTED, /* CompleteCommit */
    TARN_TRANSACTION_ABORTED,   /* CompleteAbort */
};

struct tarn_transaction_topic {
    struct tarn_text name;
    int32_t *partitions;
    size_t count, capacity;
};

/* One transactional id. */
struct tarn_transaction {
    struct tarn_transactions *transactions;
    struct tarn_text id;
    enum tarn_transaction_state state;
    bool bumps; /* the last end came from a client of version 2, whose epoch goes up each time */
    int64_t producer_id;
    int64_t previous_producer_id; /* before the epochs ran out; -1: none */
    int16_t epoch;                /* -1: not given to anybody yet */
    int16_t last_epoch;           /* a retry with it gets the same answer; -1: none */
    int32_t timeout_ms;
    int64_t start_ms;  /* of the open transaction, or the last; -1: none so far */
    int64_t update_ms; /* of the last change, for the expiry of the id */
    struct tarn_transaction_topic *topics; /* what the open one wrote to */
    size_t topic_count, topic_capacity;
    struct tarn_text *groups; /* whose offsets it commits */
    size_t group_count, group_capacity;
    struct tarn_timer timer; /* timeout of what is open, otherwise expiry of the id */
};

struct tarn_transactions {
    struct tarn_world world;
    struct tarn_transaction_options options;
    struct tarn_groups *groups;
    struct tarn_catalog *catalog;
    struct tarn_text_map map;
    int64_t next_producer_id, block_end; /* ids in between are set aside */
    uint64_t block_position;             /* of the log: durable before an id is given out */
};

/* transactions.c */
struct tarn_transaction *tarn_transaction_find(struct tarn_transactions *transactions,
                                               struct tarn_text id);
struct tarn_transaction *tarn_transaction_add(struct tarn_transactions *transactions,
                                              struct tarn_text id);
void tarn_transaction_remove(struct tarn_transaction *transaction); /* from memory */
/* Starts the timer that fits the state: the timeout, or the expiry of the id. */
void tarn_transaction_watch(struct tarn_transaction *transaction);
/* INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED or NONE and the transaction. */
enum tarn_kafka_error tarn_transaction_check(struct tarn_transactions *transactions,
                                             const struct tarn_transaction_producer *producer,
                                             struct tarn_transaction **ret_transaction);

/* init.c */
/* The next id that nobody has had. False (after a log line) when no block could be set aside.
 * *ret_position is raised to what has to be durable before anybody learns of the id. */
bool tarn_producer_id_next(struct tarn_transactions *transactions, int64_t *ret_id,
                           uint64_t *ret_position);
bool tarn_epoch_is_exhausted(int16_t epoch);

/* take_part.c */
bool tarn_transaction_has(const struct tarn_transaction *transaction, struct tarn_text topic,
                          int32_t partition);
void tarn_transaction_note_partition(struct tarn_transaction *transaction, struct tarn_text topic,
                                     int32_t partition);
void tarn_transaction_note_group(struct tarn_transaction *transaction, struct tarn_text group_id);
void tarn_transaction_forget_parts(struct tarn_transaction *transaction);

/* end.c */
/* Ends what is open: markers of `marker_epoch`, offsets and the new state in one commit. `next` has
 * the producer id, epochs and state that the transactional id has afterwards. False (after a log
 * line) when it could not be written: everything is as before then. */
bool tarn_transaction_finish(struct tarn_transaction *transaction, int16_t marker_epoch,
                             bool committed, const struct tarn_transaction *next,
                             uint64_t *ret_position);

/* transaction_journal.c */
void tarn_transaction_put(struct tarn_commit *commit, struct tarn_arena *arena,
                          const struct tarn_transaction *transaction);
void tarn_transaction_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                                  const struct tarn_transaction *transaction);
void tarn_producer_ids_put(struct tarn_commit *commit, struct tarn_arena *arena, int64_t block_end);
/* Writes the commit; false after a log line. */
bool tarn_transaction_write(struct tarn_commit *commit, const char *what,
                            struct tarn_text transactional_id, uint64_t *ret_position);
CHECKED enum tarn_status tarn_transactions_load(struct tarn_transactions *transactions,
                                                struct tarn_error *err);

#endif
