/* broker/broker.c -- ties the parts of one broker together: loop, log, catalog, coordinators,
 * server.
 *
 * Opening happens on the caller's thread; from tarn_broker_run or tarn_broker_start on, everything
 * belongs to the loop's thread. Two handles wake it from elsewhere: `wake` (the log's threads) and
 * `called` (tarn_broker_call, stop). */
#include "broker/broker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/broker_int.h"
#include "broker/group/group.h"
#include "broker/handler/fetch_wait.h"
#include "broker/handler/produce_wait.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/protocol/wire.h"
#include "broker/server/acl.h"
#include "broker/server/server.h"
#include "broker/server/timers.h"
#include "broker/server/users.h"
#include "broker/topics/catalog.h"
#include "broker/transaction/transaction.h"

enum { DRAIN_TIMEOUT_MS = 5000 };

struct call {
    struct call *next;
    void (*function)(struct tarn_broker *broker, void *context);
    void *context;
    bool *done; /* NULL: nobody waits, the call frees itself */
    bool *ran;
};

enum life { LIFE_OPEN, LIFE_RUNNING, LIFE_STOPPED };

struct tarn_broker {
    struct tarn_broker_options options; /* texts in the arena */
    struct tarn_arena *arena;
    uv_loop_t loop;
    bool has_loop, has_handles, has_thread;
    uv_async_t wake, called;
    struct tarn_timers *timers;
    struct tarn_timer log_timer;
    struct tarn_log *log;
    struct tarn_catalog *catalog;
    struct tarn_fetch_waits *fetch_waits;
    struct tarn_produce_waits *produce_waits;
    struct tarn_groups *groups;
    struct tarn_transactions *transactions;
    struct tarn_acls *acls;
    struct tarn_users *users;
    struct tarn_server *server;
    tarn_record_check *record_check;
    void *record_check_context;
    char cluster_id[TARN_UUID16_TEXT_BYTES];
    char address[32];
    pthread_t thread;
    atomic_bool stop_wanted;
    /* for tarn_broker_call */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct call *first_call, *last_call;
    enum life life;
    pthread_t loop_thread;
};

/* ---- options ---- */

static int64_t system_clock_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void tarn_broker_options_init(struct tarn_broker_options *options)
{
    *options = (struct tarn_broker_options){
        .durability = TARN_DURABILITY_SYNC,
        .auto_create_topics = true,
        .partitions = 1,
        .rebalance_delay_ms = 15,
        .request_max_bytes = 100 << 20,
        .connections_max = 10000,
        .idle_timeout_ms = 10 * 60 * 1000,
        .half_request_timeout_ms = 30 * 1000,
        .output_max_bytes = 8 << 20,
    };
}

static const char *copy_text(struct tarn_arena *arena, const char *text)
{
    return text ? tarn_arena_strdup(arena, text) : NULL;
}

static void copy_options(struct tarn_broker *broker, const struct tarn_broker_options *from)
{
    struct tarn_arena *arena = broker->arena;
    struct tarn_broker_options *to = &broker->options;
    struct tarn_listener_options *listeners =
        tarn_arena_array(arena, from->listener_count, sizeof *listeners);
    struct tarn_user_options *users = tarn_arena_array(arena, from->user_count, sizeof *users);
    const char **super_users = tarn_arena_array(arena, from->super_user_count, sizeof *super_users);
    *to = *from;
    to->folder = copy_text(arena, from->folder);
    for (size_t i = 0; i < from->listener_count; i++) {
        listeners[i] = from->listeners[i];
        listeners[i].name = copy_text(arena, listeners[i].name);
        listeners[i].host = copy_text(arena, listeners[i].host);
        listeners[i].advertised_host = copy_text(arena, listeners[i].advertised_host);
        listeners[i].certificate = copy_text(arena, listeners[i].certificate);
        listeners[i].key = copy_text(arena, listeners[i].key);
        listeners[i].client_ca = copy_text(arena, listeners[i].client_ca);
    }
    for (size_t i = 0; i < from->user_count; i++)
        users[i] = (struct tarn_user_options){copy_text(arena, from->users[i].name),
                                              copy_text(arena, from->users[i].password)};
    for (size_t i = 0; i < from->super_user_count; i++)
        super_users[i] = copy_text(arena, from->super_users[i]);
    to->listeners = listeners;
    to->users = users;
    to->super_users = super_users;
    if (!to->clock_ms)
        to->clock_ms = system_clock_ms;
}

/* ---- the log in the loop ---- */

static void on_log_timer(struct tarn_timer *timer)
{
    struct tarn_broker *broker = TARN_TIMER_OWNER(timer, struct tarn_broker, log_timer);
    tarn_log_poll(broker->log);
}

static void on_wake(uv_async_t *async)
{
    struct tarn_broker *broker = async->data;
    if (broker->log)
        tarn_log_poll(broker->log);
}

static void wake_from_log(void *context)
{
    struct tarn_broker *broker = context;
    uv_async_send(&broker->wake);
}

static void on_partition_changed(void *context, struct tarn_partition *partition, bool gone)
{
    struct tarn_broker *broker = context;
    if (broker->fetch_waits)
        tarn_fetch_waits_changed(broker->fetch_waits, partition, gone);
}

static void arm_log_timer(struct tarn_broker *broker)
{
    int64_t due = tarn_log_next_deadline_ms(broker->log);
    if (due < 0) {
        tarn_timer_stop(broker->timers, &broker->log_timer);
        return;
    }
    int64_t delay = due - tarn_log_now_ms(broker->log);
    int64_t due_at = (int64_t)uv_now(&broker->loop) + (delay > 0 ? delay : 0);
    /* the two clocks differ by a little from turn to turn: that alone is no reason to arm anew */
    if (tarn_timer_waits(&broker->log_timer) && llabs(broker->log_timer.due_ms - due_at) <= 2)
        return;
    tarn_timer_start(broker->timers, &broker->log_timer, delay, on_log_timer);
}

void tarn_broker_turn_ends(struct tarn_broker *broker)
{
    tarn_produce_waits_run(broker->produce_waits);
    tarn_fetch_waits_run(broker->fetch_waits);
    arm_log_timer(broker);
}

/* ---- opening ---- */

static enum tarn_status open_log(struct tarn_broker *broker, struct tarn_error *err)
{
    struct tarn_log_options options;
    tarn_log_options_init(&options);
    options.folder = broker->options.folder;
    options.durable = broker->options.durability == TARN_DURABILITY_SYNC;
    options.read_only = broker->options.read_only;
    options.clock_ms = broker->options.clock_ms;
    options.clock_context = broker->options.clock_context;
    options.wake = wake_from_log;
    options.wake_context = broker;
    options.changed = on_partition_changed;
    options.changed_context = broker;
    options.wal_max_bytes = options.wal_first_bytes = (uint32_t)broker->options.wal_bytes;
    TARN_TRY(tarn_log_open(&options, &broker->log, err));
    const struct tarn_log_recovery *recovery = tarn_log_recovery(broker->log);
    if (recovery->cut_bytes > 0)
        tarn_log(TARN_LOG_WARN,
                 "the broker's log ended in a commit that was not written whole: it was cut off",
                 TARN_LOG_INT("bytes", recovery->cut_bytes), TARN_LOG_STR("where", recovery->cut));
    if (!options.durable)
        tarn_log(
            TARN_LOG_WARN,
            "durability is none: what the broker acknowledges may be lost when the machine stops",
            TARN_LOG_STR("folder", options.folder));
    return TARN_OK;
}

static enum tarn_status make_cluster_id(struct tarn_broker *broker, struct tarn_error *err)
{
    static const struct tarn_text key = {"cluster_id", sizeof "cluster_id" - 1};
    uint64_t position;
    struct tarn_text known = tarn_journal_get(broker->log, key);
    if (known.data && known.len == TARN_UUID16_TEXT_BYTES - 1) {
        memcpy(broker->cluster_id, known.data, known.len);
        return TARN_OK;
    }
    struct tarn_uuid16 id = tarn_uuid16_random();
    tarn_uuid16_text(&id, broker->cluster_id);
    struct tarn_commit *commit = tarn_commit_begin(broker->log);
    tarn_commit_put(commit, key, tarn_text_of(broker->cluster_id));
    return tarn_commit_write(commit, &position, err);
}

static void on_topic_changed(void *context, struct tarn_topic *topic, bool gone)
{
    struct tarn_broker *broker = context;
    if (gone)
        tarn_groups_forget_topic(broker->groups, topic->name_text);
}

static enum tarn_status open_coordinators(struct tarn_broker *broker, struct tarn_error *err)
{
    struct tarn_group_options groups;
    struct tarn_transaction_options transactions;
    struct tarn_world world = {.log = broker->log,
                               .timers = broker->timers,
                               .timer_start = tarn_timer_start,
                               .timer_stop = tarn_timer_stop,
                               .now_ms = broker->options.clock_ms,
                               .clock_context = broker->options.clock_context};
    tarn_group_options_init(&groups);
    groups.initial_delay_ms = broker->options.rebalance_delay_ms;
    tarn_transaction_options_init(&transactions);
    TARN_TRY(tarn_groups_open(&world, &groups, &broker->groups, err));
    tarn_catalog_watch(broker->catalog, on_topic_changed, broker);
    return tarn_transactions_open(&world, &transactions, broker->groups, broker->catalog,
                                  &broker->transactions, err);
}

static enum tarn_status open_loop(struct tarn_broker *broker, struct tarn_error *err)
{
    int failed = uv_loop_init(&broker->loop);
    if (failed)
        return tarn_fail(err, TARN_IO, "starting the broker: no event loop: %s",
                         uv_strerror(failed));
    broker->has_loop = true;
    uv_async_init(&broker->loop, &broker->wake, on_wake);
    broker->wake.data = broker;
    broker->timers = tarn_timers_new(&broker->loop);
    return TARN_OK;
}

static void on_called(uv_async_t *async);

static void note_address(struct tarn_broker *broker)
{
    for (size_t i = 0; i < broker->options.listener_count; i++) {
        if (broker->options.listeners[i].security != TARN_LISTENER_PLAINTEXT)
            continue;
        snprintf(broker->address, sizeof broker->address, "localhost:%d",
                 tarn_server_listener_port(broker->server, i));
        return;
    }
}

static enum tarn_status open_parts(struct tarn_broker *broker, struct tarn_error *err)
{
    TARN_TRY(open_loop(broker, err));
    uv_async_init(&broker->loop, &broker->called, on_called);
    broker->called.data = broker;
    broker->has_handles = true;
    /* the sockets first: a port that is taken is found before a large log is read */
    TARN_TRY(tarn_server_open(broker, &broker->server, err));
    TARN_TRY(open_log(broker, err));
    TARN_TRY(make_cluster_id(broker, err));
    TARN_TRY(tarn_catalog_open(broker->log, &broker->catalog, err));
    TARN_TRY(tarn_acls_open(broker->log, &broker->options, &broker->acls, err));
    TARN_TRY(tarn_users_open(broker->log, &broker->options, &broker->users, err));
    broker->fetch_waits = tarn_fetch_waits_new(broker);
    broker->produce_waits = tarn_produce_waits_new(broker);
    TARN_TRY(open_coordinators(broker, err));
    note_address(broker);
    return TARN_OK;
}

enum tarn_status tarn_broker_open(const struct tarn_broker_options *options,
                                  struct tarn_broker **ret_broker, struct tarn_error *err)
{
    struct tarn_broker *broker = tarn_alloc(sizeof *broker);
    broker->arena = tarn_arena_new();
    pthread_mutex_init(&broker->lock, NULL);
    pthread_cond_init(&broker->changed, NULL);
    copy_options(broker, options);
    enum tarn_status status = open_parts(broker, err);
    if (status != TARN_OK) {
        tarn_broker_close(broker);
        return status;
    }
    *ret_broker = broker;
    return TARN_OK;
}

/* ---- running ---- */

static void set_life(struct tarn_broker *broker, enum life life)
{
    pthread_mutex_lock(&broker->lock);
    broker->life = life;
    broker->loop_thread = pthread_self();
    pthread_cond_broadcast(&broker->changed);
    pthread_mutex_unlock(&broker->lock);
}

/* Takes the calls that wait; `run` false: tells them that nothing came of it. */
static void finish_calls(struct tarn_broker *broker, bool run)
{
    pthread_mutex_lock(&broker->lock);
    struct call *call = broker->first_call;
    broker->first_call = broker->last_call = NULL;
    pthread_mutex_unlock(&broker->lock);
    while (call) {
        struct call *next =
            call->next; /* the memory is the waiting thread's: gone once it is told */
        if (run)
            call->function(broker, call->context);
        if (call->done) {
            pthread_mutex_lock(&broker->lock);
            *call->ran = run;
            *call->done = true;
            pthread_cond_broadcast(&broker->changed);
            pthread_mutex_unlock(&broker->lock);
        } else {
            if (!run) /* it was promised */
                call->function(broker, call->context);
            free(call);
        }
        call = next;
    }
}

static void on_drained(void *context)
{
    struct tarn_broker *broker = context;
    uv_stop(&broker->loop);
}

static void on_called(uv_async_t *async)
{
    struct tarn_broker *broker = async->data;
    finish_calls(broker, true);
    if (atomic_exchange(&broker->stop_wanted, false))
        tarn_server_drain(broker->server, DRAIN_TIMEOUT_MS, on_drained, broker);
}

void tarn_broker_run(struct tarn_broker *broker)
{
    set_life(broker, LIFE_RUNNING);
    tarn_server_start(broker->server);
    uv_run(&broker->loop, UV_RUN_DEFAULT);
    set_life(broker, LIFE_STOPPED);
    finish_calls(broker, false);
}

static void *run_thread(void *context)
{
    tarn_broker_run(context);
    return NULL;
}

enum tarn_status tarn_broker_start(struct tarn_broker *broker, struct tarn_error *err)
{
    int failed = pthread_create(&broker->thread, NULL, run_thread, broker);
    if (failed)
        return tarn_fail(err, TARN_IO, "starting the broker: no thread: %s", strerror(failed));
    broker->has_thread = true;
    /* so that tarn_broker_call works as soon as this has returned */
    pthread_mutex_lock(&broker->lock);
    while (broker->life == LIFE_OPEN)
        pthread_cond_wait(&broker->changed, &broker->lock);
    pthread_mutex_unlock(&broker->lock);
    return TARN_OK;
}

void tarn_broker_stop(struct tarn_broker *broker)
{
    static const bool wanted = true;
    atomic_store(&broker->stop_wanted, wanted);
    uv_async_send(&broker->called);
}

static bool queue_call(struct tarn_broker *broker, struct call *call)
{
    bool running = broker->life == LIFE_RUNNING;
    if (running) {
        if (broker->last_call)
            broker->last_call->next = call;
        else
            broker->first_call = call;
        broker->last_call = call;
        uv_async_send(&broker->called);
    }
    return running;
}

enum tarn_status tarn_broker_call(struct tarn_broker *broker,
                                  void (*function)(struct tarn_broker *broker, void *context),
                                  void *context, struct tarn_error *err)
{
    bool done = false, ran = false;
    struct call call = {.function = function, .context = context, .done = &done, .ran = &ran};
    pthread_mutex_lock(&broker->lock);
    bool inside =
        broker->life == LIFE_RUNNING && pthread_equal(broker->loop_thread, pthread_self());
    if (!inside && queue_call(broker, &call))
        while (!done)
            pthread_cond_wait(&broker->changed, &broker->lock);
    pthread_mutex_unlock(&broker->lock);
    if (inside) {
        function(broker, context);
        return TARN_OK;
    }
    return ran ? TARN_OK : tarn_fail(err, TARN_CANCELLED, "the broker is not running");
}

bool tarn_broker_post(struct tarn_broker *broker,
                      void (*function)(struct tarn_broker *broker, void *context), void *context)
{
    struct call *call = tarn_alloc(sizeof *call);
    *call = (struct call){.function = function, .context = context};
    pthread_mutex_lock(&broker->lock);
    bool queued = queue_call(broker, call);
    pthread_mutex_unlock(&broker->lock);
    if (!queued)
        free(call);
    return queued;
}

/* ---- closing ---- */

static void close_loop(struct tarn_broker *broker)
{
    if (!broker->has_loop)
        return;
    if (broker->timers)
        tarn_timers_free(broker->timers);
    uv_close((uv_handle_t *)&broker->wake, NULL);
    if (broker->has_handles)
        uv_close((uv_handle_t *)&broker->called, NULL);
    uv_run(&broker->loop, UV_RUN_DEFAULT);
    uv_loop_close(&broker->loop);
}

void tarn_broker_close(struct tarn_broker *broker)
{
    if (!broker)
        return;
    if (broker->has_thread) {
        tarn_broker_stop(broker);
        pthread_join(broker->thread, NULL);
    }
    if (broker->server)
        tarn_server_close(broker->server);
    tarn_log_close(broker->log); /* answers what waits for the disk; nobody hears it any more */
    broker->log = NULL;
    tarn_transactions_free(broker->transactions);
    tarn_groups_free(broker->groups);
    tarn_fetch_waits_free(broker->fetch_waits);
    tarn_produce_waits_free(broker->produce_waits);
    tarn_acls_free(broker->acls);
    tarn_users_free(broker->users);
    tarn_catalog_free(broker->catalog);
    close_loop(broker);
    tarn_server_free(broker->server);
    pthread_mutex_destroy(&broker->lock);
    pthread_cond_destroy(&broker->changed);
    tarn_arena_free(broker->arena);
    free(broker);
}

/* ---- what others ask for ---- */

void tarn_broker_set_record_check(struct tarn_broker *broker, tarn_record_check *check,
                                  void *context)
{
    broker->record_check = check;
    broker->record_check_context = context;
}

enum tarn_record_verdict tarn_broker_check_record(struct tarn_broker *broker,
                                                  struct tarn_text topic, bool is_key,
                                                  struct tarn_text bytes)
{
    return broker->record_check
               ? broker->record_check(broker->record_check_context, topic, is_key, bytes)
               : TARN_RECORD_TAKEN;
}

size_t tarn_broker_listener_count(const struct tarn_broker *broker)
{
    return tarn_server_listener_count(broker->server);
}

const char *tarn_broker_listener_name(const struct tarn_broker *broker, size_t index)
{
    return tarn_server_listener_name(broker->server, index);
}

int tarn_broker_listener_port(const struct tarn_broker *broker, size_t index)
{
    return tarn_server_listener_port(broker->server, index);
}

const char *tarn_broker_address(const struct tarn_broker *broker)
{
    return broker->address;
}

const struct tarn_broker_options *tarn_broker_options(const struct tarn_broker *broker)
{
    return &broker->options;
}

struct uv_loop_s *tarn_broker_loop(struct tarn_broker *broker)
{
    return &broker->loop;
}

struct tarn_timers *tarn_broker_timers(struct tarn_broker *broker)
{
    return broker->timers;
}

struct tarn_log *tarn_broker_log(struct tarn_broker *broker)
{
    return broker->log;
}

struct tarn_catalog *tarn_broker_catalog(struct tarn_broker *broker)
{
    return broker->catalog;
}

struct tarn_produce_waits *tarn_broker_produce_waits(struct tarn_broker *broker)
{
    return broker->produce_waits;
}

struct tarn_fetch_waits *tarn_broker_fetch_waits(struct tarn_broker *broker)
{
    return broker->fetch_waits;
}

struct tarn_groups *tarn_broker_groups(struct tarn_broker *broker)
{
    return broker->groups;
}

struct tarn_transactions *tarn_broker_transactions(struct tarn_broker *broker)
{
    return broker->transactions;
}

struct tarn_acls *tarn_broker_acls(struct tarn_broker *broker)
{
    return broker->acls;
}

struct tarn_users *tarn_broker_users(struct tarn_broker *broker)
{
    return broker->users;
}

struct tarn_server *tarn_broker_server(struct tarn_broker *broker)
{
    return broker->server;
}

const char *tarn_broker_cluster_id(const struct tarn_broker *broker)
{
    return broker->cluster_id;
}

int64_t tarn_broker_now_ms(const struct tarn_broker *broker)
{
    return broker->options.clock_ms(broker->options.clock_context);
}
