/* crash/load.c -- see crash.h: clients that go on over all restarts. */
#include "crash.h"

enum {
    SEND_WINDOW = 8,
    EXACT_WINDOW = 50,
    BIG_BYTES = 200000,
    POLL_MS = 5,
    TRY_MS = 1000,
    ABORTED_EVERY = 3
};

static atomic_bool stopping;
static pthread_t threads[5];

/* ---- clients ---- */

static void note_ack(struct acks *acks, int64_t number, int64_t offset)
{
    if (acks->count == acks->cap) {
        acks->cap = acks->cap ? acks->cap * 2 : 1024;
        acks->numbers = realloc(acks->numbers, acks->cap * sizeof *acks->numbers);
        acks->offsets = realloc(acks->offsets, acks->cap * sizeof *acks->offsets);
    }
    acks->numbers[acks->count] = number;
    acks->offsets[acks->count++] = offset;
}

static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    (void)client;
    (void)context;
    const char *topic = rd_kafka_topic_name(message->rkt);
    if (strcmp(topic, "atomic") == 0)
        return; /* how its transaction ended is what counts */
    if (message->err)
        give_up("a record of %s was not taken: %s", topic, rd_kafka_err2str(message->err));
    int64_t number = atoll(message->payload);
    lock_promises();
    if (strcmp(topic, "plain") == 0)
        note_ack(&promises.plain[message->partition], number, message->offset);
    else if (strcmp(topic, "exact") == 0)
        note_ack(&promises.exact[message->partition], number, message->offset);
    else
        promises.latest[number % KEYS] = number;
    unlock_promises();
}

rd_kafka_t *client_new(rd_kafka_type_t type, const char *const *settings)
{
    static const char *const common[] = {"reconnect.backoff.ms",
                                         "5",
                                         "reconnect.backoff.max.ms",
                                         "20",
                                         "log_level",
                                         "0",
                                         "topic.metadata.refresh.interval.ms",
                                         "1000",
                                         NULL};
    char problem[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", broker_address(), problem, sizeof problem))
        give_up("%s", problem);
    for (int i = 0; common[i]; i += 2)
        if (rd_kafka_conf_set(conf, common[i], common[i + 1], problem, sizeof problem))
            give_up("%s", problem);
    for (int i = 0; settings[i]; i += 2)
        if (rd_kafka_conf_set(conf, settings[i], settings[i + 1], problem, sizeof problem))
            give_up("%s", problem);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    rd_kafka_t *client = rd_kafka_new(type, conf, problem, sizeof problem);
    if (!client)
        give_up("%s", problem);
    return client;
}

/* ---- topics ---- */

static rd_kafka_NewTopic_t *new_topic(const char *name, int partitions, const char *const *settings)
{
    char problem[512];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, partitions, 1, problem, sizeof problem);
    for (int i = 0; settings[i]; i += 2)
        rd_kafka_NewTopic_set_config(topic, settings[i], settings[i + 1]);
    return topic;
}

void load_make_topics(void)
{
    static const char *const kept[] = {"segment.bytes", "1048576", NULL};
    static const char *const compacted[] = {
        "segment.bytes", "65536", "min.cleanable.dirty.ratio", "0.01", "cleanup.policy",
        "compact",       NULL};
    static const char *const none[] = {NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, none);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *topics[] = {
        new_topic("plain", PARTITIONS, kept), new_topic("exact", PARTITIONS, kept),
        new_topic("atomic", PARTITIONS, kept), new_topic("latest", 1, compacted)};
    size_t count = sizeof topics / sizeof *topics;
    rd_kafka_CreateTopics(client, topics, count, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENCE_MS);
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **made = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_topic_result_error(made[i]))
            give_up("creating %s: %s", rd_kafka_topic_result_name(made[i]),
                    rd_kafka_topic_result_error_string(made[i]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy_array(topics, sizeof topics / sizeof *topics);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

/* ---- producers ---- */

static void send_number(rd_kafka_t *client, const char *topic, int partition, int64_t number,
                        const char *key, size_t bytes)
{
    static const char padding[BIG_BYTES];
    char *value = malloc(bytes + 32);
    int len = snprintf(value, 32, "%lld ", (long long)number);
    memcpy(value + len, padding, bytes);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        error = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                  RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
                                  RD_KAFKA_V_VALUE(value, (size_t)len + bytes),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(client, POLL_MS);
    }
    if (error)
        give_up("sending to %s: %s", topic, rd_kafka_err2str(error));
    free(value);
}

static void finish(rd_kafka_t *client)
{
    if (rd_kafka_flush(client, PATIENCE_MS))
        give_up("records were not taken within %d s", PATIENCE_MS / 1000);
    rd_kafka_destroy(client);
}

/* Keeps `window` records on their way; every 64th of those of "plain" is big, so that a kill may
 * come in the middle of a write. */
static void *send_plain(void *context)
{
    static const char *const settings[] = {
        "acks", "all", "linger.ms", "1", "retries", "1000000", "retry.backoff.ms", "10", NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, settings);
    int64_t number = 0;
    (void)context;
    while (!atomic_load(&stopping)) {
        for (; rd_kafka_outq_len(client) < SEND_WINDOW; number++)
            send_number(client, "plain", (int)(number % PARTITIONS), number, NULL,
                        number % 64 == 0 ? BIG_BYTES : 100);
        rd_kafka_poll(client, POLL_MS);
    }
    finish(client);
    return NULL;
}

static void *send_exact(void *context)
{
    static const char *const settings[] = {
        "enable.idempotence", "true", "linger.ms", "1", "retry.backoff.ms", "10",
        "compression.codec",  "lz4",  NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, settings);
    int64_t number = 0;
    (void)context;
    while (!atomic_load(&stopping)) {
        for (; rd_kafka_outq_len(client) < EXACT_WINDOW; number++)
            for (int i = 0; i < PARTITIONS; i++)
                send_number(client, "exact", i, number, NULL, 200);
        rd_kafka_poll(client, POLL_MS);
    }
    finish(client);
    return NULL;
}

static void *send_latest(void *context)
{
    static const char *const settings[] = {"enable.idempotence", "true", "linger.ms", "2",
                                           "retry.backoff.ms",   "10",   NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, settings);
    int64_t number = 0;
    char key[16];
    (void)context;
    while (!atomic_load(&stopping)) {
        for (; rd_kafka_outq_len(client) < SEND_WINDOW; number++) {
            snprintf(key, sizeof key, "%d", (int)(number % KEYS));
            send_number(client, "latest", 0, number, key, 300);
        }
        rd_kafka_poll(client, POLL_MS);
    }
    finish(client);
    return NULL;
}

/* ---- transactions ---- */

/* Repeats `call` while it may be repeated (librdkafka 2.0 waits in vain for records that are purged
 * while the broker goes away, and goes on when it is asked again); the error that is left, to be
 * destroyed, or NULL. */
#define UNTIL_DONE(error, call)                                                                    \
    do {                                                                                           \
        error = call;                                                                              \
        if (!error || !rd_kafka_error_is_retriable(error))                                         \
            break;                                                                                 \
        rd_kafka_error_destroy(error);                                                             \
    } while (true)

static rd_kafka_t *transactional_new(void)
{
    static const char *const settings[] = {
        "transactional.id",       "worker", "linger.ms", "0", "retry.backoff.ms", "10",
        "transaction.timeout.ms", "60000",  NULL};
    rd_kafka_error_t *error;
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, settings);
    UNTIL_DONE(error, rd_kafka_init_transactions(client, PATIENCE_MS));
    if (error)
        give_up("init_transactions: %s", rd_kafka_error_string(error));
    return client;
}

static rd_kafka_error_t *fill_transaction(rd_kafka_t *client, int64_t number)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(client);
    if (error)
        return error;
    for (int i = 0; i < RECORDS_PER_PART; i++)
        for (int partition = 0; partition < PARTITIONS; partition++)
            send_number(client, "atomic", partition, number, NULL, 100);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, "plain", 0)->offset = number + 1;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new("workers");
    UNTIL_DONE(error, rd_kafka_send_offsets_to_transaction(client, offsets, group, PATIENCE_MS));
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_consumer_group_metadata_destroy(group);
    return error;
}

static void note_outcome(int64_t number, enum outcome outcome)
{
    lock_promises();
    promises.outcomes[number] = (uint8_t)outcome;
    promises.transactions = number + 1;
    promises.committed += outcome == OUTCOME_COMMITTED;
    promises.aborted += outcome == OUTCOME_ABORTED;
    promises.unknown += outcome == OUTCOME_UNKNOWN;
    if (outcome == OUTCOME_COMMITTED)
        promises.newest_commit = number;
    unlock_promises();
}

/* False: the client is of no more use, and how the transaction ended is not known. */
static bool do_transaction(rd_kafka_t *client, int64_t number)
{
    bool commit = number % ABORTED_EVERY != 1;
    rd_kafka_error_t *error = fill_transaction(client, number);
    if (!error && commit)
        UNTIL_DONE(error, rd_kafka_commit_transaction(client, TRY_MS));
    if (!error && commit) {
        note_outcome(number, OUTCOME_COMMITTED);
        return true;
    }
    bool hopeless = error && !rd_kafka_error_txn_requires_abort(error);
    rd_kafka_error_destroy(error);
    if (!hopeless) {
        /* librdkafka 2.0 uses the sequence numbers of purged records again: those that had been
         * written would count as the next transaction's */
        rd_kafka_flush(client, PATIENCE_MS);
        UNTIL_DONE(error, rd_kafka_abort_transaction(client, TRY_MS));
        hopeless = error != NULL;
        rd_kafka_error_destroy(error);
    }
    note_outcome(number, hopeless ? OUTCOME_UNKNOWN : OUTCOME_ABORTED);
    return !hopeless;
}

static void *do_transactions(void *context)
{
    rd_kafka_t *client = transactional_new();
    (void)context;
    for (int64_t number = 0; !atomic_load(&stopping) && number < TRANSACTIONS_MAX; number++) {
        if (do_transaction(client, number))
            continue;
        rd_kafka_destroy(client);
        client = transactional_new();
    }
    rd_kafka_destroy(client);
    return NULL;
}

/* ---- a group ---- */

/* What was committed before may not come again; what was not may, but nothing is left out. */
static void check_group_record(const rd_kafka_message_t *message, int64_t *next)
{
    int64_t number = atoll(message->payload);
    if (message->offset != number)
        give_up("number %lld of exact %d is at offset %lld", (long long)number, message->partition,
                (long long)message->offset);
    if (number > *next || number < promises.group_offsets[message->partition])
        give_up("the group got %lld of partition %d, not %lld; committed: %lld", (long long)number,
                message->partition, (long long)*next,
                (long long)promises.group_offsets[message->partition]);
    *next = number + 1;
}

static void commit_group(rd_kafka_t *client, const int64_t *next)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(offsets, "exact", i)->offset = next[i];
    bool committed = rd_kafka_commit(client, offsets, 0) == RD_KAFKA_RESP_ERR_NO_ERROR;
    lock_promises();
    for (int i = 0; i < PARTITIONS && committed; i++)
        if (offsets->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            promises.group_offsets[i] = next[i];
    promises.group_commits += committed;
    unlock_promises();
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void *read_in_group(void *context)
{
    static const char *const settings[] = {"group.id",
                                           "readers",
                                           "auto.offset.reset",
                                           "earliest",
                                           "enable.auto.commit",
                                           "false",
                                           "session.timeout.ms",
                                           "10000",
                                           "heartbeat.interval.ms",
                                           "200",
                                           "fetch.wait.max.ms",
                                           "20",
                                           NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, settings);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    int64_t next[PARTITIONS] = {0}, unsaid = 0;
    (void)context;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_add(topics, "exact", RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(client, topics);
    while (!atomic_load(&stopping)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, POLL_MS);
        if (message && !message->err) {
            check_group_record(message, &next[message->partition]);
            promises.group_records++;
            unsaid++;
        }
        if (unsaid >= 100 || (!message && unsaid > 0)) {
            commit_group(client, next);
            unsaid = 0;
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_destroy(client);
    return NULL;
}

/* ---- all of them ---- */

static void *(*const work[])(void *) = {send_plain, send_exact, send_latest, do_transactions,
                                        read_in_group};

void load_start(void)
{
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        pthread_create(&threads[i], NULL, work[i], NULL);
}

void load_stop(void)
{
    atomic_store(&stopping, true);
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        pthread_join(threads[i], NULL);
}
