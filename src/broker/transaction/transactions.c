/* broker/transaction/transactions.c -- all transactional ids: opening, finding, describing,
 * listing, and forgetting those that nobody has used for long. */
#include "base/log.h"
#include "broker/protocol/messages.h"
#include "broker/transaction/transaction_int.h"

void tarn_transaction_options_init(struct tarn_transaction_options *options)
{
    *options = (struct tarn_transaction_options){
        .max_timeout_ms = 15 * 60 * 1000,
        .id_expiration_ms = 7LL * 24 * 3600 * 1000,
    };
}

static const char *const state_names[] = {
    [TARN_TRANSACTION_EMPTY] = "Empty",
    [TARN_TRANSACTION_ONGOING] = "Ongoing",
    [TARN_TRANSACTION_COMMITTED] = "CompleteCommit",
    [TARN_TRANSACTION_ABORTED] = "CompleteAbort",
};

struct tarn_transaction *tarn_transaction_find(struct tarn_transactions *transactions,
                                               struct tarn_text id)
{
    return tarn_text_map_get(&transactions->map, id);
}

struct tarn_transaction *tarn_transaction_add(struct tarn_transactions *transactions,
                                              struct tarn_text id)
{
    struct tarn_transaction *transaction = tarn_alloc(sizeof *transaction);
    transaction->transactions = transactions;
    transaction->id = (struct tarn_text){tarn_strndup(id.data, id.len), id.len};
    transaction->producer_id = transaction->previous_producer_id = -1;
    transaction->epoch = transaction->last_epoch = -1;
    transaction->start_ms = -1;
    tarn_text_map_put(&transactions->map, transaction->id, transaction);
    return transaction;
}

static void free_transaction(struct tarn_transaction *transaction)
{
    tarn_world_stop(&transaction->transactions->world, &transaction->timer);
    tarn_transaction_forget_parts(transaction);
    free(transaction->topics);
    free(transaction->groups);
    free((char *)transaction->id.data);
    free(transaction);
}

void tarn_transaction_remove(struct tarn_transaction *transaction)
{
    tarn_text_map_remove(&transaction->transactions->map, transaction->id);
    free_transaction(transaction);
}

enum tarn_status tarn_transactions_open(const struct tarn_world *world,
                                        const struct tarn_transaction_options *options,
                                        struct tarn_groups *groups, struct tarn_catalog *catalog,
                                        struct tarn_transactions **ret_transactions,
                                        struct tarn_error *err)
{
    struct tarn_transactions *transactions = tarn_alloc(sizeof *transactions);
    transactions->world = *world;
    transactions->options = *options;
    transactions->groups = groups;
    transactions->catalog = catalog;
    enum tarn_status status = tarn_transactions_load(transactions, err);
    if (status != TARN_OK) {
        tarn_transactions_free(transactions);
        return status;
    }
    size_t cursor = 0;
    for (struct tarn_transaction *transaction;
         (transaction = tarn_text_map_next(&transactions->map, &cursor));)
        tarn_transaction_watch(transaction);
    *ret_transactions = transactions;
    return TARN_OK;
}

void tarn_transactions_free(struct tarn_transactions *transactions)
{
    if (!transactions)
        return;
    size_t cursor = 0;
    for (struct tarn_transaction *transaction;
         (transaction = tarn_text_map_next(&transactions->map, &cursor));) {
        tarn_text_map_remove(&transactions->map, transaction->id);
        free_transaction(transaction);
    }
    tarn_text_map_release(&transactions->map);
    free(transactions);
}

enum tarn_kafka_error tarn_transaction_check(struct tarn_transactions *transactions,
                                             const struct tarn_transaction_producer *producer,
                                             struct tarn_transaction **ret_transaction)
{
    if (producer->transactional_id.len == 0)
        return TARN_KAFKA_INVALID_REQUEST;
    struct tarn_transaction *transaction =
        tarn_transaction_find(transactions, producer->transactional_id);
    if (!transaction || transaction->producer_id != producer->id)
        return TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING;
    if (transaction->epoch != producer->epoch)
        return TARN_KAFKA_PRODUCER_FENCED;
    *ret_transaction = transaction;
    return TARN_KAFKA_NONE;
}

/* ---- time ---- */

enum { AGAIN_MS = 10000 }; /* after a write failed */

/* The producer took too long: what it wrote is aborted, and its epoch is over. */
static void on_timeout(struct tarn_timer *timer)
{
    struct tarn_transaction *transaction = TARN_TIMER_OWNER(timer, struct tarn_transaction, timer);
    struct tarn_transaction next = *transaction;
    next.epoch = (int16_t)(transaction->epoch + 1);
    next.last_epoch = -1;
    next.state = TARN_TRANSACTION_ABORTED;
    next.bumps = false;
    uint64_t position;
    if (!tarn_transaction_finish(transaction, next.epoch, false, &next, &position)) {
        tarn_world_start(&transaction->transactions->world, &transaction->timer, AGAIN_MS,
                         on_timeout);
        return;
    }
    tarn_log(TARN_LOG_INFO, "a transaction took longer than its timeout and was aborted",
             TARN_LOG_STR("transactional_id", transaction->id.data),
             TARN_LOG_INT("timeout_ms", transaction->timeout_ms));
}

static void on_expiry(struct tarn_timer *timer)
{
    struct tarn_transaction *transaction = TARN_TIMER_OWNER(timer, struct tarn_transaction, timer);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(transaction->transactions->world.log);
    tarn_transaction_put_nothing(commit, arena, transaction);
    uint64_t position;
    if (tarn_transaction_write(commit, "dropping an unused id", transaction->id, &position))
        tarn_transaction_remove(transaction);
    else
        tarn_world_start(&transaction->transactions->world, &transaction->timer, AGAIN_MS,
                         on_expiry);
}

void tarn_transaction_watch(struct tarn_transaction *transaction)
{
    const struct tarn_transactions *transactions = transaction->transactions;
    int64_t now_ms = tarn_world_now_ms(&transactions->world);
    if (transaction->state == TARN_TRANSACTION_ONGOING)
        tarn_world_start(&transactions->world, &transaction->timer,
                         transaction->start_ms + transaction->timeout_ms - now_ms, on_timeout);
    else
        tarn_world_start(&transactions->world, &transaction->timer,
                         transaction->update_ms + transactions->options.id_expiration_ms - now_ms,
                         on_expiry);
}

/* ---- looking ---- */

void tarn_transactions_describe(
    struct tarn_transactions *transactions, struct tarn_text transactional_id,
    struct tarn_arena *arena,
    struct tarn_describe_transactions_response_transaction_state *ret_state)
{
    tarn_describe_transactions_response_transaction_state_init(ret_state);
    ret_state->transactional_id = transactional_id;
    const struct tarn_transaction *transaction =
        tarn_transaction_find(transactions, transactional_id);
    if (!transaction) {
        ret_state->error_code =
            (int16_t)(transactional_id.len == 0 ? TARN_KAFKA_INVALID_REQUEST
                                                : TARN_KAFKA_TRANSACTIONAL_ID_NOT_FOUND);
        return;
    }
    ret_state->producer_id = transaction->producer_id;
    ret_state->producer_epoch = transaction->epoch;
    ret_state->transaction_state = tarn_text_of(state_names[transaction->state]);
    ret_state->transaction_timeout_ms = transaction->timeout_ms;
    ret_state->transaction_start_time_ms = transaction->start_ms;
    ret_state->topics_count = (int32_t)transaction->topic_count;
    ret_state->topics =
        tarn_arena_array(arena, transaction->topic_count + 1, sizeof *ret_state->topics);
    for (size_t i = 0; i < transaction->topic_count; i++) {
        tarn_describe_transactions_response_topic_init(&ret_state->topics[i]);
        ret_state->topics[i].topic = transaction->topics[i].name;
        ret_state->topics[i].partitions = transaction->topics[i].partitions;
        ret_state->topics[i].partitions_count = (int32_t)transaction->topics[i].count;
    }
}

static bool passes(const struct tarn_transactions *transactions,
                   const struct tarn_list_transactions_request *request,
                   const struct tarn_transaction *transaction)
{
    bool state_fits = request->state_filters_count <= 0;
    for (int32_t i = 0; i < request->state_filters_count; i++)
        state_fits |= tarn_text_is(request->state_filters[i], state_names[transaction->state]);
    bool producer_fits = request->producer_id_filters_count <= 0;
    for (int32_t i = 0; i < request->producer_id_filters_count; i++)
        producer_fits |= request->producer_id_filters[i] == transaction->producer_id;
    int64_t lasts_ms = tarn_world_now_ms(&transactions->world) - transaction->start_ms;
    bool duration_fits = request->duration_filter < 0 ||
                         (transaction->start_ms >= 0 && lasts_ms > request->duration_filter);
    return state_fits && producer_fits && duration_fits;
}

static bool is_state(struct tarn_text name)
{
    /* Kafka's names, also of states that are never seen here. */
    static const char *const names[] = {
        "Empty",          "Ongoing",       "PrepareCommit",    "PrepareAbort",
        "CompleteCommit", "CompleteAbort", "PrepareEpochFence"};
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        if (tarn_text_is(name, names[i]))
            return true;
    }
    return false;
}

void tarn_transactions_list(struct tarn_transactions *transactions,
                            const struct tarn_list_transactions_request *request,
                            struct tarn_arena *arena,
                            struct tarn_list_transactions_response *ret_response)
{
    size_t filters = request->state_filters_count > 0 ? (size_t)request->state_filters_count : 0;
    ret_response->unknown_state_filters =
        tarn_arena_array(arena, filters + 1, sizeof *ret_response->unknown_state_filters);
    ret_response->unknown_state_filters_count = 0;
    for (size_t i = 0; i < filters; i++) {
        if (!is_state(request->state_filters[i]))
            ret_response->unknown_state_filters[ret_response->unknown_state_filters_count++] =
                request->state_filters[i];
    }
    ret_response->transaction_states = tarn_arena_array(arena, transactions->map.count + 1,
                                                        sizeof *ret_response->transaction_states);
    ret_response->transaction_states_count = 0;
    size_t cursor = 0;
    for (const struct tarn_transaction *transaction;
         (transaction = tarn_text_map_next(&transactions->map, &cursor));) {
        if (!passes(transactions, request, transaction))
            continue;
        struct tarn_list_transactions_response_transaction_state *listed =
            &ret_response->transaction_states[ret_response->transaction_states_count++];
        tarn_list_transactions_response_transaction_state_init(listed);
        listed->transactional_id = transaction->id;
        listed->producer_id = transaction->producer_id;
        listed->transaction_state = tarn_text_of(state_names[transaction->state]);
    }
}
