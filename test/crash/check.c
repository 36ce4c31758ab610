/* crash/check.c -- see crash.h: what is there against what was promised.
 *
 * A checker reads committed records of "plain", "exact" and "atomic" on and on; an offset that is
 * no longer there is an error (auto.offset.reset). */
#include "crash.h"

enum { POLL_MS = 100 };

struct part {
    int64_t *numbers; /* by offset; -1: not seen */
    size_t cap;
    int64_t next;   /* offset */
    size_t checked; /* of the acks */
};
struct checker {
    rd_kafka_t *client;
    struct part plain[PARTITIONS], exact[PARTITIONS], atomic[PARTITIONS];
    uint8_t *counts[PARTITIONS]; /* of records, by transaction */
    int64_t newest[PARTITIONS];  /* transaction that was seen */
    int64_t checked;             /* transactions below it are done with */
};

/* What has to have been seen when the checker is done. */
struct goal {
    size_t plain[PARTITIONS], exact[PARTITIONS];
    int64_t transactions, newest_commit, group_offsets[PARTITIONS];
};

static struct goal take_goal(void)
{
    struct goal goal;
    lock_promises();
    for (int i = 0; i < PARTITIONS; i++) {
        goal.plain[i] = promises.plain[i].count;
        goal.exact[i] = promises.exact[i].count;
        goal.group_offsets[i] = promises.group_offsets[i];
    }
    goal.newest_commit = promises.newest_commit;
    goal.transactions = promises.newest_commit + 1;
    unlock_promises();
    return goal;
}

struct checker *checker_new(void)
{
    static const char *const settings[] = {"group.id",
                                           "nobody",
                                           "auto.offset.reset",
                                           "error",
                                           "enable.auto.commit",
                                           "false",
                                           "isolation.level",
                                           "read_committed",
                                           "fetch.wait.max.ms",
                                           "20",
                                           NULL};
    static const char *const topics[] = {"plain", "exact", "atomic"};
    struct checker *checker = calloc(1, sizeof *checker);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(6);
    checker->client = client_new(RD_KAFKA_CONSUMER, settings);
    rd_kafka_poll_set_consumer(checker->client);
    for (int i = 0; i < PARTITIONS; i++) {
        checker->counts[i] = calloc(TRANSACTIONS_MAX, 1);
        checker->newest[i] = -1;
        for (size_t j = 0; j < sizeof topics / sizeof *topics; j++)
            rd_kafka_topic_partition_list_add(parts, topics[j], i)->offset = 0;
    }
    rd_kafka_assign(checker->client, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    return checker;
}

void checker_free(struct checker *checker)
{
    rd_kafka_consumer_close(checker->client);
    rd_kafka_destroy(checker->client);
    for (int i = 0; i < PARTITIONS; i++) {
        free(checker->plain[i].numbers);
        free(checker->exact[i].numbers);
        free(checker->atomic[i].numbers);
        free(checker->counts[i]);
    }
    free(checker);
}

/* ---- records ---- */

static void note_record(struct part *part, const rd_kafka_message_t *message, int64_t number)
{
    if (message->offset < part->next)
        give_up("%s %d: offset %lld comes again", rd_kafka_topic_name(message->rkt),
                message->partition, (long long)message->offset);
    size_t need = (size_t)message->offset + 1;
    if (need > part->cap) {
        size_t cap = need * 2;
        part->numbers = realloc(part->numbers, cap * sizeof *part->numbers);
        memset(part->numbers + part->cap, 0xff, (cap - part->cap) * sizeof *part->numbers);
        part->cap = cap;
    }
    part->numbers[message->offset] = number;
    part->next = message->offset + 1;
}

static void take_transactional(struct checker *checker, int partition, int64_t number)
{
    if (number < checker->newest[partition])
        give_up("transaction %lld comes after %lld", (long long)number,
                (long long)checker->newest[partition]);
    checker->newest[partition] = number;
    if (++checker->counts[partition][number] > RECORDS_PER_PART)
        give_up("transaction %lld has too many records in partition %d", (long long)number,
                partition);
}

static void take_record(struct checker *checker, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    int64_t number = atoll(message->payload);
    int partition = message->partition;
    if (strcmp(topic, "plain") == 0) {
        note_record(&checker->plain[partition], message, number);
    } else if (strcmp(topic, "exact") == 0) {
        note_record(&checker->exact[partition], message, number);
        if (number != message->offset)
            give_up("number %lld of exact %d is at offset %lld: lost or twice", (long long)number,
                    partition, (long long)message->offset);
    } else {
        note_record(&checker->atomic[partition], message, number);
        take_transactional(checker, partition, number);
    }
}

/* Whether the first `goal` acknowledged records of the partition have been read; each of them has
 * to be where the broker said. */
static bool check_acks(const char *topic, int partition, struct part *part, const struct acks *acks,
                       size_t goal)
{
    bool done = true;
    lock_promises();
    for (; part->checked < goal && done; part->checked += done) {
        int64_t offset = acks->offsets[part->checked], number = acks->numbers[part->checked];
        done = offset < part->next;
        if (done && part->numbers[offset] != number)
            give_up("%s %d: number %lld was acknowledged at offset %lld, where %lld is", topic,
                    partition, (long long)number, (long long)offset,
                    (long long)part->numbers[offset]);
    }
    unlock_promises();
    return done;
}

/* Of transactions that came before one that was seen in both partitions, all is there by now. */
static void check_transactions(struct checker *checker, int64_t goal)
{
    for (; checker->checked < goal; checker->checked++) {
        int64_t number = checker->checked;
        int first = checker->counts[0][number];
        for (int i = 0; i < PARTITIONS; i++) {
            int count = checker->counts[i][number];
            if (count != first || (count != 0 && count != RECORDS_PER_PART))
                give_up("transaction %lld is there in part: %d of %d in partition %d",
                        (long long)number, count, RECORDS_PER_PART, i);
        }
        enum outcome outcome = promises.outcomes[number];
        if (outcome == OUTCOME_COMMITTED && first == 0)
            give_up("transaction %lld was committed and is lost", (long long)number);
        if (outcome == OUTCOME_ABORTED && first != 0)
            give_up("transaction %lld was aborted and is visible", (long long)number);
    }
}

/* ---- groups ---- */

static void read_offsets(const char *group, const char *topic, int64_t *ret_offsets)
{
    const char *settings[] = {"group.id", group, "isolation.level", "read_committed", NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, settings);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(parts, topic, i);
    rd_kafka_resp_err_t error = rd_kafka_committed(client, parts, PATIENCE_MS);
    for (int i = 0; i < PARTITIONS; i++) {
        if (error || parts->elems[i].err)
            give_up("offsets of %s: %s", group,
                    rd_kafka_err2str(error ? error : parts->elems[i].err));
        int64_t offset = parts->elems[i].offset;
        ret_offsets[i] = offset == RD_KAFKA_OFFSET_INVALID ? 0 : offset; /* none yet */
    }
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_destroy(client);
}

static void check_offsets(const struct goal *goal)
{
    int64_t found[PARTITIONS];
    read_offsets("readers", "exact", found);
    for (int i = 0; i < PARTITIONS; i++)
        if (found[i] < goal->group_offsets[i])
            give_up("the group's offset %lld of partition %d went back to %lld",
                    (long long)goal->group_offsets[i], i, (long long)found[i]);
    read_offsets("workers", "plain", found);
    if (found[0] <= goal->newest_commit)
        give_up("transaction %lld was committed, its offset is %lld",
                (long long)goal->newest_commit, (long long)found[0]);
    if (found[0] > 0 && promises.outcomes[found[0] - 1] == OUTCOME_ABORTED)
        give_up("the offset of transaction %lld, which was aborted, is visible",
                (long long)found[0] - 1);
}

/* ---- all of it ---- */

static bool is_whole(const struct checker *checker, int partition)
{
    int64_t newest = checker->newest[partition];
    return newest < 0 || checker->counts[partition][newest] == RECORDS_PER_PART;
}

static bool has_reached(struct checker *checker, const struct goal *goal)
{
    bool done = true;
    for (int i = 0; i < PARTITIONS; i++) {
        done &= check_acks("plain", i, &checker->plain[i], &promises.plain[i], goal->plain[i]);
        done &= check_acks("exact", i, &checker->exact[i], &promises.exact[i], goal->exact[i]);
        done &= checker->newest[i] > goal->newest_commit ||
                (checker->newest[i] == goal->newest_commit && is_whole(checker, i));
    }
    return done;
}

static void read_until(struct checker *checker, const struct goal *goal)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!has_reached(checker, goal)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(checker->client, POLL_MS);
        if (message && !message->err)
            take_record(checker, message);
        else if (message && message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
            give_up("the log has become shorter: %s", rd_kafka_message_errstr(message));
        if (message)
            rd_kafka_message_destroy(message);
        if (now_ms() > deadline)
            give_up("acknowledged records are not there: plain %lld %lld of %zu %zu, exact %lld "
                    "%lld of %zu %zu, transactions %lld %lld of %lld",
                    (long long)checker->plain[0].next, (long long)checker->plain[1].next,
                    goal->plain[0], goal->plain[1], (long long)checker->exact[0].next,
                    (long long)checker->exact[1].next, goal->exact[0], goal->exact[1],
                    (long long)checker->newest[0], (long long)checker->newest[1],
                    (long long)goal->newest_commit);
    }
    check_transactions(checker, goal->transactions);
}

void checker_catch_up(struct checker *checker)
{
    struct goal goal = take_goal();
    read_until(checker, &goal);
    check_offsets(&goal);
}

/* The newest number of each key in "latest", which is compacted all the time. */
static void check_latest(void)
{
    static const char *const settings[] = {
        "group.id", "nobody", "auto.offset.reset", "error", "enable.partition.eof", "true", NULL};
    int64_t newest[KEYS] = {0}, last = -1;
    bool is_end = false;
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, settings);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_add(parts, "latest", 0)->offset = 0;
    rd_kafka_assign(client, parts);
    while (!is_end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, PATIENCE_MS);
        is_end = !message || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (message && !message->err) {
            int64_t number = atoll(message->payload);
            if (message->offset != number || number <= last)
                give_up("number %lld of latest is at offset %lld, after %lld", (long long)number,
                        (long long)message->offset, (long long)last);
            last = newest[number % KEYS] = number;
        } else if (message && !is_end) {
            give_up("reading latest: %s", rd_kafka_message_errstr(message));
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    for (int i = 0; i < KEYS; i++)
        if (newest[i] != promises.latest[i])
            give_up("key %d: %lld, not %lld", i, (long long)newest[i],
                    (long long)promises.latest[i]);
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

static void check_ends(void)
{
    int64_t low, high;
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, (const char *const[]){NULL});
    for (int i = 0; i < PARTITIONS; i++) {
        if (rd_kafka_query_watermark_offsets(client, "exact", i, &low, &high, PATIENCE_MS))
            give_up("no end offset of exact %d", i);
        if (low != 0 || high != (int64_t)promises.exact[i].count)
            give_up("exact %d: %lld to %lld, not 0 to %zu", i, (long long)low, (long long)high,
                    promises.exact[i].count);
    }
    rd_kafka_destroy(client);
}

void check_everything(void)
{
    struct checker *checker = checker_new();
    struct goal goal = take_goal();
    int64_t found[PARTITIONS];
    goal.transactions = promises.transactions;
    read_until(checker, &goal);
    check_offsets(&goal);
    read_offsets("workers", "plain", found);
    if (promises.unknown == 0 && found[0] != promises.newest_commit + 1)
        give_up("the workers' offset is %lld, not %lld", (long long)found[0],
                (long long)promises.newest_commit + 1);
    check_latest();
    check_ends();
    checker_free(checker);
}
