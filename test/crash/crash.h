/* crash/crash.h -- kills the broker under load, again and again, and checks what it promised.
 *
 *   broker_crash TARN FOLDER ROUNDS [SEED]
 *
 * broker.c starts and kills `tarn broker`; load.c keeps clients of librdkafka going over all
 * restarts and writes down what was acknowledged to them; check.c reads what is there and compares.
 * Every record holds a number, counted up for each partition (for each transaction in "atomic").
 *
 *   plain   acks=all; may hold repetitions, but whatever was acknowledged is at its offset
 *   exact   idempotent: number N is at offset N, no more and no less
 *   atomic  transactions of six records in two partitions, with an offset of the group "workers";
 *           every third one is aborted
 *   latest  compacted: the newest number of each key is there */
#ifndef TARN_TEST_CRASH_H
#define TARN_TEST_CRASH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

enum {
    PARTITIONS = 2,
    KEYS = 16,
    RECORDS_PER_PART = 3, /* of a transaction, in each of its partitions */
    TRANSACTIONS_MAX = 1 << 20,
    PATIENCE_MS = 60000
};

enum outcome { OUTCOME_UNKNOWN, OUTCOME_COMMITTED, OUTCOME_ABORTED };

/* What was acknowledged, in order: number[i] lies at offset[i]. */
struct acks {
    int64_t *numbers, *offsets;
    size_t count, cap;
};

/* What the clients were told; under the mutex. */
struct promises {
    pthread_mutex_t mutex;
    struct acks plain[PARTITIONS], exact[PARTITIONS];
    int64_t latest[KEYS];
    uint8_t outcomes[TRANSACTIONS_MAX];
    int64_t transactions, committed, aborted, unknown, newest_commit;
    int64_t group_offsets[PARTITIONS], group_commits, group_records;
};
extern struct promises promises;

void lock_promises(void);
void unlock_promises(void);
/* Says what is wrong and ends the program; the folder stays. */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t now_ms(void);

/* ---- broker.c ---- */

void broker_start(const char *tarn, const char *folder);
/* Starts it and kills it `after_ms` later, ready or not. */
void broker_start_in_vain(const char *tarn, const char *folder, int after_ms);
void broker_kill(void);
void broker_stop(void);
const char *broker_address(void);
/* Lines of its log that hold `text`. */
int broker_log_count(const char *folder, const char *text);

/* ---- load.c ---- */

void load_make_topics(void);
void load_start(void);
/* Lets everything end that was begun. */
void load_stop(void);
rd_kafka_t *client_new(rd_kafka_type_t type, const char *const *settings);

/* ---- check.c ---- */

struct checker;
struct checker *checker_new(void);
/* Reads on until all that was acknowledged when it was called has been seen. */
void checker_catch_up(struct checker *checker);
void checker_free(struct checker *checker);
/* When nothing runs any more: all of it, from the start. */
void check_everything(void);

#endif
