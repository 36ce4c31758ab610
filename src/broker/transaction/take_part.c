/* broker/transaction/take_part.c -- partitions, groups and offsets that become part of a
 * transaction. The first one opens it. */
#include "broker/transaction/transaction_int.h"

static struct tarn_transaction_topic *find_topic(const struct tarn_transaction *transaction,
                                                 struct tarn_text name)
{
    for (size_t i = 0; i < transaction->topic_count; i++) {
        if (tarn_text_equal(transaction->topics[i].name, name))
            return &transaction->topics[i];
    }
    return NULL;
}

bool tarn_transaction_has(const struct tarn_transaction *transaction, struct tarn_text topic,
                          int32_t partition)
{
    const struct tarn_transaction_topic *found = find_topic(transaction, topic);
    for (size_t i = 0; found && i < found->count; i++) {
        if (found->partitions[i] == partition)
            return true;
    }
    return false;
}

void tarn_transaction_note_partition(struct tarn_transaction *transaction, struct tarn_text topic,
                                     int32_t partition)
{
    if (tarn_transaction_has(transaction, topic, partition))
        return;
    struct tarn_transaction_topic *found = find_topic(transaction, topic);
    if (!found) {
        TARN_RESERVE(transaction->topics, transaction->topic_capacity,
                     transaction->topic_count + 1);
        found = &transaction->topics[transaction->topic_count++];
        *found = (struct tarn_transaction_topic){
            .name = {tarn_strndup(topic.data, topic.len), topic.len}};
    }
    TARN_RESERVE(found->partitions, found->capacity, found->count + 1);
    found->partitions[found->count++] = partition;
}

static bool has_group(const struct tarn_transaction *transaction, struct tarn_text group_id)
{
    for (size_t i = 0; i < transaction->group_count; i++) {
        if (tarn_text_equal(transaction->groups[i], group_id))
            return true;
    }
    return false;
}

void tarn_transaction_note_group(struct tarn_transaction *transaction, struct tarn_text group_id)
{
    if (has_group(transaction, group_id))
        return;
    TARN_RESERVE(transaction->groups, transaction->group_capacity, transaction->group_count + 1);
    transaction->groups[transaction->group_count++] =
        (struct tarn_text){tarn_strndup(group_id.data, group_id.len), group_id.len};
}

static void forget_topics_from(struct tarn_transaction *transaction, size_t first)
{
    for (size_t i = first; i < transaction->topic_count; i++) {
        free((char *)transaction->topics[i].name.data);
        free(transaction->topics[i].partitions);
    }
    transaction->topic_count = first;
}

static void forget_groups_from(struct tarn_transaction *transaction, size_t first)
{
    for (size_t i = first; i < transaction->group_count; i++)
        free((char *)transaction->groups[i].data);
    transaction->group_count = first;
}

void tarn_transaction_forget_parts(struct tarn_transaction *transaction)
{
    forget_topics_from(transaction, 0);
    forget_groups_from(transaction, 0);
}

/* ---- opening ---- */

/* Where the transaction stood before something was added, to go back to when the write fails. */
struct stand {
    enum tarn_transaction_state state;
    int64_t start_ms, update_ms;
    size_t topic_count, group_count;
    size_t *partition_counts; /* per topic */
};

static struct stand note_stand(const struct tarn_transaction *transaction, struct tarn_arena *arena)
{
    struct stand stand = {transaction->state,       transaction->start_ms,
                          transaction->update_ms,   transaction->topic_count,
                          transaction->group_count, NULL};
    stand.partition_counts =
        tarn_arena_array(arena, transaction->topic_count + 1, sizeof *stand.partition_counts);
    for (size_t i = 0; i < transaction->topic_count; i++)
        stand.partition_counts[i] = transaction->topics[i].count;
    return stand;
}

static void go_back(struct tarn_transaction *transaction, const struct stand *stand)
{
    forget_topics_from(transaction, stand->topic_count);
    forget_groups_from(transaction, stand->group_count);
    for (size_t i = 0; i < stand->topic_count; i++)
        transaction->topics[i].count = stand->partition_counts[i];
    transaction->state = stand->state;
    transaction->start_ms = stand->start_ms;
    transaction->update_ms = stand->update_ms;
}

static void open_transaction(struct tarn_transaction *transaction)
{
    int64_t now_ms = tarn_world_now_ms(&transaction->transactions->world);
    transaction->update_ms = now_ms;
    if (transaction->state == TARN_TRANSACTION_ONGOING)
        return;
    transaction->state = TARN_TRANSACTION_ONGOING;
    transaction->start_ms = now_ms;
}

/* Writes what `commit` holds and the transaction as it is now. */
static enum tarn_kafka_error save(struct tarn_transaction *transaction, struct tarn_commit *commit,
                                  struct tarn_arena *arena, const struct stand *stand)
{
    tarn_transaction_put(commit, arena, transaction);
    uint64_t position;
    if (!tarn_transaction_write(commit, "adding to a transaction", transaction->id, &position)) {
        go_back(transaction, stand);
        return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (stand->state != TARN_TRANSACTION_ONGOING)
        tarn_transaction_watch(transaction);
    return TARN_KAFKA_NONE;
}

/* ---- partitions ---- */

static bool has_all(const struct tarn_transaction *transaction,
                    const struct tarn_transaction_partition *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!tarn_transaction_has(transaction, partitions[i].topic, partitions[i].partition))
            return false;
    }
    return true;
}

static enum tarn_kafka_error add_partitions(struct tarn_transaction *transaction,
                                            const struct tarn_transaction_partition *partitions,
                                            size_t count)
{
    if (transaction->state == TARN_TRANSACTION_ONGOING && has_all(transaction, partitions, count))
        return TARN_KAFKA_NONE;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct stand stand = note_stand(transaction, arena);
    open_transaction(transaction);
    for (size_t i = 0; i < count; i++)
        tarn_transaction_note_partition(transaction, partitions[i].topic, partitions[i].partition);
    return save(transaction, tarn_commit_begin(transaction->transactions->world.log), arena,
                &stand);
}

enum tarn_kafka_error
tarn_transactions_add_partitions(struct tarn_transactions *transactions,
                                 const struct tarn_transaction_producer *producer,
                                 const struct tarn_transaction_partition *partitions, size_t count)
{
    struct tarn_transaction *transaction;
    enum tarn_kafka_error error = tarn_transaction_check(transactions, producer, &transaction);
    return error ? error : add_partitions(transaction, partitions, count);
}

enum tarn_kafka_error
tarn_transactions_verify_partition(struct tarn_transactions *transactions,
                                   const struct tarn_transaction_producer *producer,
                                   const struct tarn_transaction_partition *partition)
{
    struct tarn_transaction *transaction;
    enum tarn_kafka_error error = tarn_transaction_check(transactions, producer, &transaction);
    if (error)
        return error;
    return transaction->state == TARN_TRANSACTION_ONGOING &&
                   tarn_transaction_has(transaction, partition->topic, partition->partition)
               ? TARN_KAFKA_NONE
               : TARN_KAFKA_TRANSACTION_ABORTABLE;
}

enum tarn_kafka_error
tarn_transactions_check_produce(struct tarn_transactions *transactions,
                                const struct tarn_transaction_producer *producer,
                                const struct tarn_transaction_partition *partition, bool add)
{
    return add ? tarn_transactions_add_partitions(transactions, producer, partition, 1)
               : tarn_transactions_verify_partition(transactions, producer, partition);
}

/* ---- groups ---- */

enum tarn_kafka_error tarn_transactions_add_group(struct tarn_transactions *transactions,
                                                  const struct tarn_transaction_producer *producer,
                                                  struct tarn_text group_id)
{
    struct tarn_transaction *transaction;
    enum tarn_kafka_error error = tarn_transaction_check(transactions, producer, &transaction);
    if (error)
        return error;
    if (group_id.len == 0 || group_id.len > 1024)
        return TARN_KAFKA_INVALID_GROUP_ID;
    if (transaction->state == TARN_TRANSACTION_ONGOING && has_group(transaction, group_id))
        return TARN_KAFKA_NONE;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct stand stand = note_stand(transaction, arena);
    open_transaction(transaction);
    tarn_transaction_note_group(transaction, group_id);
    return save(transaction, tarn_commit_begin(transactions->world.log), arena, &stand);
}

enum tarn_kafka_error
tarn_transactions_commit_offsets(struct tarn_transactions *transactions,
                                 const struct tarn_transaction_producer *producer,
                                 const struct tarn_group_commit *group_commit,
                                 struct tarn_offset_entry *entries, size_t count, bool add)
{
    struct tarn_transaction *transaction;
    enum tarn_kafka_error error = tarn_transaction_check(transactions, producer, &transaction);
    if (error)
        return error;
    struct tarn_text group_id = group_commit->group_id;
    bool belongs =
        transaction->state == TARN_TRANSACTION_ONGOING && has_group(transaction, group_id);
    if (!belongs && !add)
        return TARN_KAFKA_TRANSACTION_ABORTABLE;
    error = tarn_groups_check_transactional(transactions->groups, group_commit);
    if (error)
        return error;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct stand stand = note_stand(transaction, arena);
    open_transaction(transaction);
    tarn_transaction_note_group(transaction, group_id);
    struct tarn_commit *commit = tarn_commit_begin(transactions->world.log);
    tarn_groups_put_pending(transactions->groups, commit, arena, group_id, transaction->producer_id,
                            entries, count);
    error = save(transaction, commit, arena, &stand);
    if (error == TARN_KAFKA_NONE)
        tarn_groups_keep_pending(transactions->groups, group_id, transaction->producer_id, entries,
                                 count);
    return error;
}
