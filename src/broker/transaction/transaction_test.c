/* broker/transaction/transaction_test.c -- every transition of a transactional id, by hand and with
 * a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/group/fake_log.h"
#include "broker/protocol/messages.h"
#include "broker/topics/catalog.h"
#include "broker/transaction/transaction.h"

enum { TIMEOUT_MS = 60000 };

static struct tarn_log log_;
static struct tarn_timers timers;
static struct tarn_groups *groups;
static struct tarn_transactions *transactions;
static struct tarn_transaction_options options;
static struct tarn_arena *arena;

/* One topic "t" of two partitions; the partitions are only told apart by their addresses. */
static char partition_bytes[2];
static struct tarn_partition *partitions[2] = {
    (struct tarn_partition *)(void *)&partition_bytes[0],
    (struct tarn_partition *)(void *)&partition_bytes[1]};
static struct tarn_topic topic = {.partition_count = 2, .partitions = partitions};
static bool topic_deleted;

struct tarn_topic *tarn_catalog_find(struct tarn_catalog *catalog, struct tarn_text name)
{
    (void)catalog;
    return !topic_deleted && tarn_text_is(name, "t") ? &topic : NULL;
}

static void open_all(void)
{
    struct tarn_world world = {&log_, &timers, fake_start, fake_stop, fake_now_ms, &timers};
    struct tarn_group_options group_options;
    tarn_group_options_init(&group_options);
    struct tarn_error err;
    assert_int_equal(tarn_groups_open(&world, &group_options, &groups, &err), TARN_OK);
    assert_int_equal(tarn_transactions_open(&world, &options, groups, NULL, &transactions, &err),
                     TARN_OK);
}

static void close_all(void)
{
    tarn_transactions_free(transactions);
    tarn_groups_free(groups);
    assert_int_equal(timers.count, 0);
}

static int set_up(void **state)
{
    (void)state;
    fake_log_release(&log_);
    (void)fake_world(&log_, &timers);
    tarn_transaction_options_init(&options);
    arena = tarn_arena_new();
    topic_deleted = false;
    open_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_all();
    fake_log_release(&log_);
    free(timers.waiting);
    timers = (struct tarn_timers){0};
    tarn_arena_free(arena);
    return 0;
}

static void restart(void)
{
    close_all();
    open_all();
}

/* ---- asking ---- */

static uint64_t last_position;

static int init_as(const char *id, int64_t producer_id, int16_t epoch, int32_t timeout_ms,
                   struct tarn_transaction_producer *ret_producer)
{
    struct tarn_transaction_producer producer = {tarn_text_of(id), producer_id, epoch};
    *ret_producer = producer;
    return (int)tarn_transactions_init(transactions, &producer, timeout_ms, &ret_producer->id,
                                       &ret_producer->epoch, &last_position);
}

static struct tarn_transaction_producer start(const char *id)
{
    struct tarn_transaction_producer producer;
    assert_int_equal(init_as(id, -1, -1, TIMEOUT_MS, &producer), TARN_KAFKA_NONE);
    return producer;
}

static int add(const struct tarn_transaction_producer *producer, int32_t partition)
{
    struct tarn_transaction_partition wanted = {TARN_TEXT("t"), partition};
    return (int)tarn_transactions_add_partitions(transactions, producer, &wanted, 1);
}

static int produce(const struct tarn_transaction_producer *producer, int32_t partition, bool adds)
{
    struct tarn_transaction_partition wanted = {TARN_TEXT("t"), partition};
    return (int)tarn_transactions_check_produce(transactions, producer, &wanted, adds);
}

static int end(struct tarn_transaction_producer *producer, bool committed, bool bump)
{
    int64_t id;
    int16_t epoch;
    int error = (int)tarn_transactions_end(transactions, producer, committed, bump, &id, &epoch,
                                           &last_position);
    if (error == TARN_KAFKA_NONE && bump) {
        producer->id = id;
        producer->epoch = epoch;
    }
    return error;
}

static int send_offset(const struct tarn_transaction_producer *producer, int64_t offset, bool adds)
{
    struct tarn_group_commit commit = {.group_id = TARN_TEXT("g"), .generation_id = -1};
    struct tarn_offset_entry entry = {
        .topic = TARN_TEXT("t"), .offset = offset, .leader_epoch = -1, .commit_ms = -1};
    enum tarn_kafka_error error =
        tarn_transactions_commit_offsets(transactions, producer, &commit, &entry, 1, adds);
    return (int)(error ? error : entry.error);
}

static int64_t committed(bool stable, enum tarn_kafka_error expected)
{
    struct tarn_offset_entry entry;
    assert_int_equal(tarn_groups_fetch(groups, TARN_TEXT("g"), TARN_TEXT("t"), 0, stable, &entry),
                     expected);
    return entry.offset;
}

static void assert_state(const char *id, const char *state)
{
    struct tarn_describe_transactions_response_transaction_state shown;
    tarn_transactions_describe(transactions, tarn_text_of(id), arena, &shown);
    char name[40];
    snprintf(name, sizeof name, "%.*s", TARN_TEXT_ARGS(shown.transaction_state));
    assert_string_equal(name, state);
}

/* ---- producer ids ---- */

static void ids_are_given_once(void **state)
{
    (void)state;
    int64_t last = -1;
    for (int i = 0; i < 2500; i++) {
        struct tarn_transaction_producer producer;
        assert_int_equal(init_as(NULL, -1, -1, 0, &producer), TARN_KAFKA_NONE);
        assert_true(producer.id > last);
        assert_int_equal(producer.epoch, 0);
        assert_true(last_position > 0); /* the block is durable before anybody has the id */
        last = producer.id;
        if (i % 700 == 699)
            restart();
    }
}

static void no_id_without_a_block(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer;
    log_.failing = true;
    assert_int_equal(init_as(NULL, -1, -1, 0, &producer), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(init_as("x", -1, -1, 1, &producer), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    log_.failing = false;
    assert_int_equal(start("x").epoch, 0);
}

static void refusals(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer;
    assert_int_equal(init_as("", -1, -1, 1, &producer), TARN_KAFKA_INVALID_REQUEST);
    assert_int_equal(init_as("x", 5, -1, 1, &producer), TARN_KAFKA_INVALID_REQUEST);
    assert_int_equal(init_as("x", -1, -1, 0, &producer), TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT);
    assert_int_equal(init_as("x", -1, -1, 900001, &producer),
                     TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT);
    assert_int_equal(init_as("x", -1, -1, 900000, &producer), TARN_KAFKA_NONE);
    producer.id += 1;
    assert_int_equal(add(&producer, 0), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    producer.transactional_id = TARN_TEXT("unknown");
    assert_int_equal(add(&producer, 0), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    producer.transactional_id = TARN_TEXT("");
    assert_int_equal(add(&producer, 0), TARN_KAFKA_INVALID_REQUEST);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_INVALID_REQUEST);
}

static void a_new_producer_fences_the_old_one(void **state)
{
    (void)state;
    struct tarn_transaction_producer old = start("x"), new = start("x");
    assert_int_equal(new.id, old.id);
    assert_int_equal(new.epoch, old.epoch + 1);
    assert_int_equal(add(&old, 0), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(end(&old, true, false), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(produce(&old, 0, true), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(add(&new, 0), TARN_KAFKA_NONE);
}

static void going_on_after_an_error(void **state)
{
    (void)state;
    struct tarn_transaction_producer first = start("x"), second, retry, third;
    assert_int_equal(init_as("x", first.id, first.epoch, TIMEOUT_MS, &second), TARN_KAFKA_NONE);
    assert_int_equal(second.epoch, first.epoch + 1);
    restart(); /* the answer got lost: the same again gives the same */
    assert_int_equal(init_as("x", first.id, first.epoch, TIMEOUT_MS, &retry), TARN_KAFKA_NONE);
    assert_int_equal(retry.epoch, second.epoch);
    third = start("x");
    assert_int_equal(init_as("x", second.id, second.epoch, TIMEOUT_MS, &retry),
                     TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(init_as("x", third.id + 1, third.epoch, TIMEOUT_MS, &retry),
                     TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(add(&third, 0), TARN_KAFKA_NONE);
}

static void epochs_run_out(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    int64_t id = producer.id;
    while (producer.epoch < INT16_MAX - 1)
        producer = start("x");
    assert_int_equal(producer.id, id);
    struct tarn_transaction_producer next, retry;
    assert_int_equal(init_as("x", id, producer.epoch, TIMEOUT_MS, &next), TARN_KAFKA_NONE);
    assert_int_not_equal(next.id, id);
    assert_int_equal(next.epoch, 0);
    assert_int_equal(init_as("x", id, producer.epoch, TIMEOUT_MS, &retry), TARN_KAFKA_NONE);
    assert_int_equal(retry.id, next.id);
    assert_int_equal(retry.epoch, 0);
}

/* ---- ends ---- */

static void commit_and_abort(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_state("x", "Empty");
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_INVALID_TXN_STATE);
    assert_int_equal(produce(&producer, 0, false), TARN_KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(add(&producer, 0), TARN_KAFKA_NONE);
    assert_int_equal(add(&producer, 1), TARN_KAFKA_NONE);
    uint64_t before = log_.position;
    assert_int_equal(add(&producer, 1), TARN_KAFKA_NONE); /* known: nothing is written */
    assert_int_equal(log_.position, before);
    assert_int_equal(produce(&producer, 0, false), TARN_KAFKA_NONE);
    assert_state("x", "Ongoing");
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(log_.position, before + 1); /* one commit for all of it */
    assert_int_equal(last_position, log_.position);
    assert_state("x", "CompleteCommit");
    assert_int_equal(log_.marker_count, 2);
    assert_ptr_equal(log_.markers[1].partition, partitions[1]);
    assert_true(log_.markers[0].committed);
    assert_int_equal(log_.markers[0].epoch, producer.epoch);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE); /* asked again */
    assert_int_equal(end(&producer, false, false), TARN_KAFKA_INVALID_TXN_STATE);
    assert_int_equal(produce(&producer, 0, false), TARN_KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(add(&producer, 1), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, false, false), TARN_KAFKA_NONE);
    assert_state("x", "CompleteAbort");
    assert_int_equal(log_.marker_count, 3);
    assert_false(log_.markers[2].committed);
}

static void a_failed_end_can_be_repeated(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    log_.failing = true;
    assert_int_equal(add(&producer, 0), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_state("x", "Empty");
    log_.failing = false;
    assert_int_equal(add(&producer, 0), TARN_KAFKA_NONE);
    assert_int_equal(send_offset(&producer, 7, true), TARN_KAFKA_NONE);
    log_.failing = true;
    assert_int_equal(add(&producer, 1), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(produce(&producer, 1, false), TARN_KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_state("x", "Ongoing");
    assert_int_equal(committed(false, TARN_KAFKA_NONE), -1);
    log_.failing = false;
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(log_.marker_count, 1);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 7);
}

static void open_transactions_outlive_a_restart(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(add(&producer, 1), TARN_KAFKA_NONE);
    assert_int_equal(send_offset(&producer, 9, true), TARN_KAFKA_NONE);
    restart();
    assert_state("x", "Ongoing");
    assert_int_equal(produce(&producer, 1, false), TARN_KAFKA_NONE);
    (void)committed(true, TARN_KAFKA_UNSTABLE_OFFSET_COMMIT);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 9);
    restart();
    assert_state("x", "CompleteCommit");
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 9);
    assert_int_equal(log_.marker_count, 1);
}

static void slow_transactions_are_aborted(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(add(&producer, 0), TARN_KAFKA_NONE);
    assert_int_equal(send_offset(&producer, 9, true), TARN_KAFKA_NONE);
    fake_pass(&timers, TIMEOUT_MS - 1000);
    restart(); /* the clock goes on */
    fake_pass(&timers, 999);
    assert_state("x", "Ongoing");
    log_.failing = true;
    fake_pass(&timers, 1);
    assert_state("x", "Ongoing"); /* not now: the disk is full */
    log_.failing = false;
    fake_pass(&timers, 10000);
    assert_state("x", "CompleteAbort");
    assert_int_equal(log_.marker_count, 1);
    assert_int_equal(log_.markers[0].epoch, producer.epoch + 1); /* fences it in the partition */
    assert_false(log_.markers[0].committed);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), -1);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(add(&producer, 0), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(start("x").epoch, producer.epoch + 2);
}

static void a_new_producer_aborts_what_is_open(void **state)
{
    (void)state;
    struct tarn_transaction_producer old = start("x"), new;
    assert_int_equal(add(&old, 0), TARN_KAFKA_NONE);
    new = start("x");
    assert_int_equal(new.epoch, old.epoch + 2); /* one for the marker that fences, one for it */
    assert_int_equal(log_.marker_count, 1);
    assert_int_equal(log_.markers[0].epoch, old.epoch + 1);
    assert_state("x", "Empty");
    assert_int_equal(end(&old, true, false), TARN_KAFKA_PRODUCER_FENCED);
    /* The same one, going on after an error. */
    assert_int_equal(add(&new, 0), TARN_KAFKA_NONE);
    struct tarn_transaction_producer again, retry;
    assert_int_equal(init_as("x", old.id, old.epoch, TIMEOUT_MS, &again),
                     TARN_KAFKA_PRODUCER_FENCED);
    assert_state("x", "Ongoing");
    assert_int_equal(init_as("x", new.id, new.epoch, TIMEOUT_MS, &again), TARN_KAFKA_NONE);
    assert_int_equal(again.epoch, new.epoch + 2);
    assert_int_equal(init_as("x", new.id, new.epoch, TIMEOUT_MS, &retry), TARN_KAFKA_NONE);
    assert_int_equal(retry.epoch, again.epoch);
}

static void a_deleted_topic_gets_no_marker(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(add(&producer, 0), TARN_KAFKA_NONE);
    topic_deleted = true;
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(log_.marker_count, 0);
}

static void unused_ids_go(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(add(&producer, 0), TARN_KAFKA_NONE);
    fake_pass(&timers, 1000);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    fake_pass(&timers, options.id_expiration_ms - 1);
    assert_state("x", "CompleteCommit");
    restart();
    fake_pass(&timers, 1);
    assert_int_equal(add(&producer, 0), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    restart();
    assert_int_equal(add(&producer, 0), TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_int_equal(timers.count, 0);
    assert_int_not_equal(start("x").id, producer.id);
}

/* ---- offsets ---- */

static void offsets_wait_for_the_end(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(send_offset(&producer, 5, false), TARN_KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(tarn_transactions_add_group(transactions, &producer, TARN_TEXT("g")),
                     TARN_KAFKA_NONE);
    assert_int_equal(send_offset(&producer, 5, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(false, TARN_KAFKA_NONE), -1);
    assert_int_equal(committed(true, TARN_KAFKA_UNSTABLE_OFFSET_COMMIT), -1);
    assert_int_equal(send_offset(&producer, 6, false), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 6);
    assert_int_equal(send_offset(&producer, 7, true), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, false, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 6);
    restart();
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 6);
}

static void a_later_commit_outside_stays(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    assert_int_equal(send_offset(&producer, 5, true), TARN_KAFKA_NONE);
    struct tarn_group_commit commit = {.group_id = TARN_TEXT("g"), .generation_id = -1};
    struct tarn_offset_entry entry = {
        .topic = TARN_TEXT("t"), .offset = 99, .leader_epoch = -1, .commit_ms = -1};
    uint64_t position;
    assert_int_equal(tarn_groups_commit(groups, &commit, &entry, 1, &position), TARN_KAFKA_NONE);
    restart(); /* the order is known afterwards, too */
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 99);
    restart();
    assert_int_equal(committed(true, TARN_KAFKA_NONE), 99);
}

static void members_of_old_generations_are_kept_out(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    struct tarn_group_commit commit = {
        .group_id = TARN_TEXT("g"), .member_id = TARN_TEXT("m"), .generation_id = 3};
    struct tarn_offset_entry entry = {.topic = TARN_TEXT("t"), .offset = 5, .commit_ms = -1};
    assert_int_equal(
        tarn_transactions_commit_offsets(transactions, &producer, &commit, &entry, 1, true),
        TARN_KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(send_offset(&producer, 1, true), TARN_KAFKA_NONE); /* makes the group */
    assert_int_equal(
        tarn_transactions_commit_offsets(transactions, &producer, &commit, &entry, 1, true),
        TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void offsets_of_a_deleted_group_do_not_come_back(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    uint64_t position;
    assert_int_equal(send_offset(&producer, 5, true), TARN_KAFKA_NONE);
    assert_int_equal(tarn_groups_delete(groups, TARN_TEXT("g"), &position), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, true, false), TARN_KAFKA_NONE);
    assert_int_equal(committed(true, TARN_KAFKA_NONE), -1);
    restart();
    assert_int_equal(committed(true, TARN_KAFKA_NONE), -1);
}

/* ---- version 2 ---- */

static void version_2_bumps_the_epoch_with_every_end(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x"), before;
    assert_int_equal(produce(&producer, 0, true), TARN_KAFKA_NONE); /* joins by writing */
    assert_state("x", "Ongoing");
    before = producer;
    assert_int_equal(end(&producer, true, true), TARN_KAFKA_NONE);
    assert_int_equal(producer.epoch, before.epoch + 1);
    assert_int_equal(log_.markers[0].epoch, before.epoch + 1);
    struct tarn_transaction_producer retry = before; /* the answer got lost */
    restart();
    assert_int_equal(end(&retry, true, true), TARN_KAFKA_NONE);
    assert_int_equal(retry.epoch, producer.epoch);
    retry = before;
    assert_int_equal(end(&retry, false, true), TARN_KAFKA_INVALID_TXN_STATE);
    assert_int_equal(produce(&before, 0, true), TARN_KAFKA_PRODUCER_FENCED);
    assert_int_equal(produce(&producer, 0, true), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, false, true), TARN_KAFKA_NONE);
    assert_int_equal(producer.epoch, before.epoch + 2);
    assert_int_equal(log_.marker_count, 2);
    assert_int_equal(end(&producer, true, true), TARN_KAFKA_INVALID_TXN_STATE);
    assert_int_equal(end(&producer, false, true), TARN_KAFKA_NONE); /* nothing open: a new epoch */
    assert_int_equal(producer.epoch, before.epoch + 3);
    assert_int_equal(log_.marker_count, 2);
}

static void version_2_changes_the_id_when_epochs_run_out(void **state)
{
    (void)state;
    struct tarn_transaction_producer producer = start("x");
    int64_t id = producer.id;
    while (producer.epoch < INT16_MAX - 1) {
        assert_int_equal(produce(&producer, 0, true), TARN_KAFKA_NONE);
        assert_int_equal(end(&producer, true, true), TARN_KAFKA_NONE);
    }
    struct tarn_transaction_producer before = producer;
    assert_int_equal(produce(&producer, 0, true), TARN_KAFKA_NONE);
    assert_int_equal(end(&producer, true, true), TARN_KAFKA_NONE);
    assert_int_not_equal(producer.id, id);
    assert_int_equal(producer.epoch, 0);
    assert_int_equal(log_.markers[log_.marker_count - 1].epoch, INT16_MAX);
    assert_int_equal(log_.markers[log_.marker_count - 1].producer_id, id);
    assert_int_equal(end(&before, true, true), TARN_KAFKA_NONE);
    assert_int_equal(before.id, producer.id);
    assert_int_equal(produce(&producer, 0, true), TARN_KAFKA_NONE);
}

static int32_t listed(const char *state_filter, int64_t lasting_ms, int32_t *ret_unknown)
{
    struct tarn_list_transactions_request request;
    struct tarn_list_transactions_response response;
    tarn_list_transactions_request_init(&request);
    tarn_list_transactions_response_init(&response);
    struct tarn_text filter = tarn_text_of(state_filter);
    request.state_filters = &filter;
    request.state_filters_count = state_filter != NULL;
    request.duration_filter = lasting_ms;
    tarn_transactions_list(transactions, &request, arena, &response);
    *ret_unknown = response.unknown_state_filters_count;
    return response.transaction_states_count;
}

static void listing(void **state)
{
    (void)state;
    int32_t unknown;
    struct tarn_transaction_producer x = start("x");
    (void)start("y");
    assert_int_equal(add(&x, 1), TARN_KAFKA_NONE);
    fake_pass(&timers, 500);
    assert_int_equal(listed(NULL, -1, &unknown), 2);
    assert_int_equal(listed("Ongoing", -1, &unknown), 1);
    assert_int_equal(listed(NULL, 400, &unknown), 1);
    assert_int_equal(listed(NULL, 600, &unknown), 0);
    assert_int_equal(listed("PrepareCommit", -1, &unknown), 0);
    assert_int_equal(unknown, 0);
    assert_int_equal(listed("Nonsense", -1, &unknown), 0);
    assert_int_equal(unknown, 1);
    struct tarn_describe_transactions_response_transaction_state shown;
    tarn_transactions_describe(transactions, TARN_TEXT("x"), arena, &shown);
    assert_int_equal(shown.topics_count, 1);
    assert_int_equal(shown.topics[0].partitions[0], 1);
    assert_int_equal(shown.transaction_timeout_ms, TIMEOUT_MS);
    tarn_transactions_describe(transactions, TARN_TEXT("z"), arena, &shown);
    assert_int_equal(shown.error_code, TARN_KAFKA_TRANSACTIONAL_ID_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_are_given_once),
        TEST(no_id_without_a_block),
        TEST(refusals),
        TEST(a_new_producer_fences_the_old_one),
        TEST(going_on_after_an_error),
        TEST(epochs_run_out),
        TEST(commit_and_abort),
        TEST(a_failed_end_can_be_repeated),
        TEST(open_transactions_outlive_a_restart),
        TEST(slow_transactions_are_aborted),
        TEST(a_new_producer_aborts_what_is_open),
        TEST(a_deleted_topic_gets_no_marker),
        TEST(unused_ids_go),
        TEST(offsets_wait_for_the_end),
        TEST(a_later_commit_outside_stays),
        TEST(members_of_old_generations_are_kept_out),
        TEST(offsets_of_a_deleted_group_do_not_come_back),
        TEST(version_2_bumps_the_epoch_with_every_end),
        TEST(version_2_changes_the_id_when_epochs_run_out),
        TEST(listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
