/* broker/server/server.c -- all connections of one broker: deadlines, memory, the turn of the loop,
 * stopping.
 *
 * What a turn of the loop has to send is sent in a prepare handle, right before the loop sleeps, so
 * the answers to many requests of a connection leave in one call. No timer runs while there is
 * nothing to wait for: the idle timer is armed for the oldest connection only, the memory timer
 * once after a burst. */
#include "broker/server/server.h"

#include <assert.h>

#include "base/log.h"
#include "broker/server/server_int.h"

enum { TRIM_DELAY_MS = 1000 };

/* ---- deadlines ---- */

/* When this connection has to be looked at, and why it is to be closed when that has come. */
static int64_t deadline(const struct tarn_connection *connection, const char **ret_reason)
{
    const struct tarn_broker_options *options = connection->server->options;
    int64_t due = connection->active_ms + options->idle_timeout_ms;
    *ret_reason = NULL;
    if (connection->first && connection->first->answered)
        *ret_reason = "it does not read its answers";
    if (connection->in && !connection->paused) { /* it keeps the beginning of a request */
        int64_t half_due = connection->active_ms + options->half_request_timeout_ms;
        if (half_due < due) {
            *ret_reason = "the rest of its request did not come";
            due = half_due;
        }
    }
    return due;
}

static bool may_expire(const struct tarn_connection *connection)
{
    return !connection->first || connection->first->answered;
}

static void on_idle(struct tarn_timer *timer)
{
    struct tarn_server *server = TARN_TIMER_OWNER(timer, struct tarn_server, idle);
    int64_t now = (int64_t)uv_now(server->loop);
    int64_t next = INT64_MAX;
    for (struct tarn_connection *connection = server->oldest; connection;) {
        struct tarn_connection *newer = connection->newer;
        const char *reason = NULL;
        int64_t due = deadline(connection, &reason);
        if (due <= now && may_expire(connection))
            connection_close(connection, reason);
        else if (due <= now)
            next = next < now + server->options->idle_timeout_ms
                       ? next
                       : now + server->options->idle_timeout_ms;
        else
            next = next < due ? next : due;
        connection = newer;
    }
    if (next != INT64_MAX)
        tarn_timer_start(server->timers, &server->idle, next - now, on_idle);
}

void server_watch_idle(struct tarn_server *server)
{
    const struct tarn_broker_options *options = server->options;
    int64_t delay = options->half_request_timeout_ms < options->idle_timeout_ms
                        ? options->half_request_timeout_ms
                        : options->idle_timeout_ms;
    int64_t due = (int64_t)uv_now(server->loop) + delay;
    if (!tarn_timer_waits(&server->idle) || server->idle.due_ms > due)
        tarn_timer_start(server->timers, &server->idle, delay, on_idle);
}

static void on_trim(struct tarn_timer *timer)
{
    struct tarn_server *server = TARN_TIMER_OWNER(timer, struct tarn_server, trim);
    entries_trim(server);
    tarn_blocks_trim(server->blocks);
}

void server_watch_memory(struct tarn_server *server)
{
    int64_t now = (int64_t)uv_now(server->loop);
    if (server->draining)
        return;
    /* moved on while traffic goes on, but not for every request */
    if (!tarn_timer_waits(&server->trim) || server->trim.due_ms - now < TRIM_DELAY_MS / 2)
        tarn_timer_start(server->timers, &server->trim, TRIM_DELAY_MS, on_trim);
}

/* ---- the turn of the loop ---- */

static void on_turn_ends(uv_prepare_t *prepare)
{
    struct tarn_server *server = prepare->data;
    tarn_broker_turn_ends(server->broker);
    while (server->dirty) {
        struct tarn_connection *connection = server->dirty;
        server->dirty = connection->next_dirty;
        connection->is_dirty = false;
        connection_serve(connection);
    }
}

/* ---- life ---- */

enum tarn_status tarn_server_open(struct tarn_broker *broker, struct tarn_server **ret_server,
                                  struct tarn_error *err)
{
    const struct tarn_broker_options *options = tarn_broker_options(broker);
    struct tarn_server *server = tarn_alloc(sizeof *server);
    server->broker = broker;
    server->loop = tarn_broker_loop(broker);
    server->options = options;
    server->timers = tarn_broker_timers(broker);
    server->blocks = tarn_blocks_new();
    server->listeners = tarn_alloc_array(options->listener_count, sizeof *server->listeners);
    server->listener_count = options->listener_count;
    uv_prepare_init(server->loop, &server->flush);
    server->flush.data = server;
    *ret_server = server;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        listener->server = server;
        listener->sockets[0].fd = listener->sockets[1].fd = -1;
    }
    for (size_t i = 0; i < server->listener_count; i++)
        TARN_TRY(listener_open(&server->listeners[i], &options->listeners[i], err));
    return TARN_OK;
}

void tarn_server_start(struct tarn_server *server)
{
    uv_prepare_start(&server->flush, on_turn_ends);
    for (size_t i = 0; i < server->listener_count; i++)
        listener_accept(&server->listeners[i], true);
}

static void stop_listening(struct tarn_server *server)
{
    tarn_timer_stop(server->timers, &server->accept_again);
    for (size_t i = 0; i < server->listener_count; i++)
        listener_close(&server->listeners[i]);
}

static void close_connections(struct tarn_server *server)
{
    while (server->oldest)
        connection_close(server->oldest, NULL);
}

static void on_drain_timeout(struct tarn_timer *timer)
{
    struct tarn_server *server = TARN_TIMER_OWNER(timer, struct tarn_server, drain);
    tarn_log(TARN_LOG_WARN, "stopping although not everything was answered",
             TARN_LOG_INT("connections", server->connection_count));
    close_connections(server);
}

void server_connection_gone(struct tarn_server *server)
{
    if (!server->draining || server->connection_count > 0 || !server->drained)
        return;
    void (*drained)(void *context) = server->drained;
    server->drained = NULL;
    tarn_timer_stop(server->timers, &server->drain);
    drained(server->drained_context);
}

/* What waits for something that may never happen (a join, a fetch) is not waited for; what waits
 * for the disk is. */
static bool has_parked(const struct tarn_connection *connection)
{
    for (const struct entry *entry = connection->first; entry; entry = entry->next)
        if (entry->cancel)
            return true;
    return false;
}

void tarn_server_drain(struct tarn_server *server, int64_t timeout_ms,
                       void (*drained)(void *context), void *context)
{
    assert(!server->draining);
    server->draining = true;
    server->drained = drained;
    server->drained_context = context;
    stop_listening(server);
    local_drain(server);
    tarn_timer_start(server->timers, &server->drain, timeout_ms, on_drain_timeout);
    for (struct tarn_connection *connection = server->oldest; connection;) {
        struct tarn_connection *newer = connection->newer;
        if (has_parked(connection)) {
            (void)output_flush(connection); /* what can be answered before them; the client tries
                                               again otherwise */
            connection_close(connection, NULL);
        } else {
            connection_mark(connection);
        }
        connection = newer;
    }
    server_connection_gone(server); /* there may have been none */
}

void tarn_server_close(struct tarn_server *server)
{
    server->draining = true;
    server->drained = NULL;
    stop_listening(server);
    local_drain(server);
    close_connections(server);
    tarn_timer_stop(server->timers, &server->idle);
    tarn_timer_stop(server->timers, &server->trim);
    tarn_timer_stop(server->timers, &server->drain);
    uv_close((uv_handle_t *)&server->flush, NULL);
}

void tarn_server_free(struct tarn_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->listener_count; i++)
        listener_release(&server->listeners[i]);
    entries_trim(server);
    tarn_blocks_free(server->blocks);
    free(server->listeners);
    free(server);
}

size_t tarn_server_listener_count(const struct tarn_server *server)
{
    return server->listener_count;
}

const char *tarn_server_listener_name(const struct tarn_server *server, size_t index)
{
    return server->listeners[index].name;
}

int tarn_server_listener_port(const struct tarn_server *server, size_t index)
{
    return server->listeners[index].port;
}
