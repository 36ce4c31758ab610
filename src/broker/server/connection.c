/* broker/server/connection.c -- one client's connection: bytes in, requests out. Loop thread.
 *
 * Received bytes lie in a block of the pool. Requests are taken from it in place; a block is given
 * back as soon as nothing of it is left to read, so a silent connection holds no memory for it. A
 * request that does not fit is moved to a larger block, which grows only as its bytes arrive: a
 * length alone makes nobody allocate. A connection whose peer does not read its answers, or that
 * has too much in flight, is not read from until that is better. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/server/sasl.h"
#include "broker/server/server_int.h"
#include "broker/server/tls.h"

enum {
    LENGTH_BYTES = 4,
    GROWTH = 16, /* a block is at most that many times larger than what has arrived */
    UNAUTHENTICATED_MAX_BYTES = 512 << 10,
    READS_PER_TURN = 4, /* with TLS: OpenSSL gives 16 KiB at most at a time */
};

static void on_ready(uv_poll_t *poll, int status, int events);

/* ---- in and out of the server's list, which is in order of last activity ---- */

static void unlink_connection(struct tarn_connection *connection)
{
    struct tarn_server *server = connection->server;
    *(connection->older ? &connection->older->newer : &server->oldest) = connection->newer;
    *(connection->newer ? &connection->newer->older : &server->newest) = connection->older;
}

static void link_newest(struct tarn_connection *connection)
{
    struct tarn_server *server = connection->server;
    connection->older = server->newest;
    connection->newer = NULL;
    *(server->newest ? &server->newest->newer : &server->oldest) = connection;
    server->newest = connection;
}

void connection_touch(struct tarn_connection *connection)
{
    connection->active_ms = (int64_t)uv_now(connection->server->loop);
    if (connection->server->newest == connection)
        return;
    unlink_connection(connection);
    link_newest(connection);
}

/* ---- opening ---- */

static void address_text(const struct sockaddr_storage *address, char *out, size_t size,
                         int *ret_port)
{
    out[0] = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
        *ret_port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        *ret_port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, (socklen_t)size);
        else
            inet_ntop(AF_INET6, &v6->sin6_addr, out, (socklen_t)size);
    }
}

static void note_addresses(struct tarn_connection *connection)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    int port = 0;
    connection->peer[0] = '/';
    if (getpeername(connection->fd, (struct sockaddr *)&address, &len) == 0)
        address_text(&address, connection->peer + 1, sizeof connection->peer - 1, &port);
    len = sizeof address;
    if (getsockname(connection->fd, (struct sockaddr *)&address, &len) == 0)
        address_text(&address, connection->local_host, sizeof connection->local_host,
                     &connection->local_port);
    /* many clients cannot take "::1" and a port apart */
    if (strcmp(connection->local_host, "::1") == 0)
        snprintf(connection->local_host, sizeof connection->local_host, "localhost");
}

void connection_open(struct listener *listener, int fd)
{
    struct tarn_server *server = listener->server;
    struct tarn_connection *connection = tarn_alloc(sizeof *connection);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->server = server;
    connection->listener = listener;
    connection->fd = fd;
    connection->block_bytes = RECEIVE_BLOCK_BYTES;
    connection->principal = tarn_strdup("User:ANONYMOUS");
    note_addresses(connection);
    if (listener->tls)
        connection->tls = tls_new(listener->tls, fd);
    if (listener->sasl)
        connection->sasl = sasl_new(tarn_broker_users(server->broker));
    link_newest(connection);
    connection->active_ms = (int64_t)uv_now(server->loop);
    server->connection_count++;
    uv_poll_init_socket(server->loop, &connection->poll, fd);
    connection->poll.data = connection;
    connection->events = UV_READABLE;
    uv_poll_start(&connection->poll, UV_READABLE, on_ready);
    server_watch_idle(server);
}

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
    struct tarn_connection *connection = handle->data;
    free(connection->principal);
    free(connection);
}

static void drop_requests(struct tarn_connection *connection)
{
    struct entry *entry = connection->first;
    connection->first = connection->last = NULL;
    while (entry) {
        struct entry *next = entry->next;
        entry_cancel(entry);
        entry = next;
    }
}

static void leave_dirty(struct tarn_connection *connection)
{
    struct tarn_connection **at = &connection->server->dirty;
    while (*at && *at != connection)
        at = &(*at)->next_dirty;
    if (*at)
        *at = connection->next_dirty;
}

void connection_close(struct tarn_connection *connection, const char *reason)
{
    struct tarn_server *server = connection->server;
    if (connection->closed)
        return;
    connection->closed = true;
    if (reason)
        tarn_log(TARN_LOG_WARN, "closed a client's connection",
                 TARN_LOG_STR("client", connection->peer + 1),
                 TARN_LOG_STR("listener", connection->listener->name),
                 TARN_LOG_STR("reason", reason));
    if (connection->is_dirty)
        leave_dirty(connection);
    unlink_connection(connection);
    server->connection_count--;
    server->refused_logged = false;
    drop_requests(connection);
    tarn_block_unref(connection->in);
    connection->in = NULL;
    sasl_free(connection->sasl);
    connection->sasl = NULL;
    tls_free(connection->tls);
    connection->tls = NULL;
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    close(connection->fd);
    server_connection_gone(server);
}

bool connection_idle(const struct tarn_connection *connection)
{
    return !connection->first;
}

bool connection_authenticated(const struct tarn_connection *connection)
{
    return !connection->sasl || sasl_done(connection->sasl);
}

/* ---- receiving ---- */

static size_t received(const struct tarn_connection *connection)
{
    return connection->in_end - connection->in_start;
}

static uint32_t next_length(const struct tarn_connection *connection)
{
    const uint8_t *at = (const uint8_t *)connection->in->data + connection->in_start;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Moves what has been received to the start of a block with room for the rest of its request, or
 * for as much of that as is reasonable after what has arrived so far. */
static void make_room(struct tarn_connection *connection)
{
    struct tarn_block *old = connection->in;
    size_t have = old ? received(connection) : 0;
    size_t need =
        have < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + (size_t)next_length(connection);
    bool fits = old && old->size - connection->in_start >= need;
    /* at the start of a block it is filled before it is left for a larger one, so each byte moves a
     * few times at most */
    if (old && connection->in_end < old->size && (fits || connection->in_start == 0))
        return;
    /* the pool's blocks are powers of two with a header inside: 64 KiB wanted should not take 128
     */
    size_t size =
        larger(connection->block_bytes - sizeof(struct tarn_block), smaller(need, have * GROWTH));
    assert(size > have);
    if (old && old->references == 1 && old->size >= size && connection->in_start > 0) {
        memmove(old->data, old->data + connection->in_start, have);
    } else {
        connection->in = tarn_block_take(connection->server->blocks, size);
        if (have > 0)
            memcpy(connection->in->data, old->data + connection->in_start, have);
        tarn_block_unref(old);
    }
    connection->in_start = 0;
    connection->in_end = have;
}

static void give_block_back(struct tarn_connection *connection)
{
    tarn_block_unref(connection->in);
    connection->in = NULL;
    connection->in_start = connection->in_end = 0;
    server_watch_memory(connection->server);
}

static bool overloaded(const struct tarn_connection *connection)
{
    return connection->in_flight >= CONNECTION_IN_FLIGHT_MAX ||
           connection->held_bytes >= CONNECTION_HELD_MAX_BYTES ||
           connection->output_bytes >= (size_t)connection->server->options->output_max_bytes;
}

/* Who has not said who it is sends short requests only. */
static uint64_t request_limit(const struct tarn_connection *connection)
{
    return connection_authenticated(connection)
               ? (uint64_t)connection->server->options->request_max_bytes
               : UNAUTHENTICATED_MAX_BYTES;
}

static void refuse_length(struct tarn_connection *connection, uint32_t length)
{
    char reason[160];
    snprintf(reason, sizeof reason,
             "it announced a request of %u bytes; the limit is %llu (is this a Kafka client?)",
             length, (unsigned long long)request_limit(connection));
    connection_close(connection, reason);
}

/* Requests of a megabyte come into blocks of two from then on, so that they need not be moved. */
static void learn_size(struct tarn_connection *connection, size_t request_bytes)
{
    size_t wanted = smaller(RECEIVE_BLOCK_MAX_BYTES, request_bytes * 2);
    while (connection->block_bytes < wanted)
        connection->block_bytes *= 2;
    if (connection->block_bytes > RECEIVE_BLOCK_BYTES &&
        request_bytes * 16 < connection->block_bytes)
        connection->block_bytes /= 2;
}

/* With a certificate of its own, a client is who that says, unless SASL says otherwise later. */
static void name_by_certificate(struct tarn_connection *connection)
{
    TARN_AUTO_FREE char *subject = NULL;
    connection->named = true;
    if (connection->tls)
        subject = tls_peer_name(connection->tls);
    if (!subject)
        return;
    free(connection->principal);
    connection->principal = tarn_format("User:%s", subject);
}

/* Takes whole requests from what has been received. */
static void take_requests(struct tarn_connection *connection)
{
    while (!connection->closed && connection->in && received(connection) >= LENGTH_BYTES) {
        connection->left_requests =
            connection->server->draining || connection->ends || overloaded(connection);
        if (connection->left_requests)
            break;
        uint32_t length = next_length(connection);
        if (length > request_limit(connection)) {
            refuse_length(connection, length);
            return;
        }
        if (received(connection) - LENGTH_BYTES < length)
            break;
        if (!connection->named)
            name_by_certificate(connection);
        struct tarn_block *block = connection->in;
        const char *bytes = block->data + connection->in_start + LENGTH_BYTES;
        connection->in_start += LENGTH_BYTES + (size_t)length;
        learn_size(connection, length);
        if (connection->sasl && sasl_is_bare(connection->sasl))
            dispatch_token(connection, bytes, length);
        else
            dispatch(connection, block, bytes, length);
    }
    if (connection->closed || !connection->in)
        return;
    if (received(connection) == 0)
        give_block_back(connection);
    else
        server_watch_idle(connection->server); /* the rest of a request has a deadline of its own */
}

/* What the socket is to be watched for now. */
static void watch(struct tarn_connection *connection, bool output_waits)
{
    connection->paused = connection->server->draining || connection->ends || overloaded(connection);
    int events =
        (connection->paused ? 0 : UV_READABLE) |
        (output_waits || (connection->tls && tls_wants_write(connection->tls)) ? UV_WRITABLE : 0);
    if (events == connection->events)
        return;
    connection->events = events;
    if (events)
        uv_poll_start(&connection->poll, events, on_ready);
    else
        uv_poll_stop(&connection->poll);
}

/* False when the connection is gone or has nothing more to say at the moment. */
static bool receive(struct tarn_connection *connection)
{
    make_room(connection);
    char *at = connection->in->data + connection->in_end;
    size_t room = connection->in->size - connection->in_end;
    ssize_t got =
        connection->tls ? tls_read(connection->tls, at, room) : recv(connection->fd, at, room, 0);
    if (got > 0) {
        connection->in_end += (size_t)got;
        connection_touch(connection);
        return true;
    }
    if (received(connection) == 0)
        give_block_back(connection);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got == 0 && connection->in)
        connection_close(connection, "it ended in the middle of a request");
    else if (got == 0 || errno == ECONNRESET || errno == EPIPE)
        connection_close(connection, NULL);
    else
        connection_close(connection, connection->tls ? "the TLS handshake or a record of it failed"
                                                     : strerror(errno));
    return false;
}

static void read_some(struct tarn_connection *connection)
{
    int reads = connection->tls ? READS_PER_TURN : 1;
    bool more = true;
    connection->left_requests = overloaded(connection);
    while (more && !connection->left_requests) {
        more = receive(connection);
        if (!connection->closed)
            take_requests(connection);
        if (connection->closed)
            return;
        if (--reads <= 0 && !(connection->tls && tls_pending(connection->tls)))
            break;
    }
    connection_mark(connection);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct tarn_connection *connection = poll->data;
    if (connection->closed)
        return;
    if (status < 0) {
        connection_close(connection, NULL);
        return;
    }
    if ((events & UV_WRITABLE) && connection->tls && tls_wants_write(connection->tls))
        events |= UV_READABLE;
    if (events & UV_READABLE)
        read_some(connection);
    if (!connection->closed && (events & UV_WRITABLE))
        connection_mark(connection);
}

/* ---- before the loop sleeps ---- */

void connection_mark(struct tarn_connection *connection)
{
    if (connection->is_dirty || connection->closed)
        return;
    connection->is_dirty = true;
    connection->next_dirty = connection->server->dirty;
    connection->server->dirty = connection;
}

void connection_serve(struct tarn_connection *connection)
{
    int flushed = output_flush(connection);
    if (flushed < 0) {
        connection_close(connection, NULL);
        return;
    }
    watch(connection, flushed == 0);
    if ((connection->server->draining || connection->ends) && connection_idle(connection)) {
        connection_close(connection, NULL);
        return;
    }
    if (!connection->left_requests || connection->paused)
        return;
    connection->left_requests = false;
    take_requests(connection);
    if (!connection->closed && connection->tls && tls_pending(connection->tls))
        read_some(connection);
    if (!connection->closed)
        connection_mark(connection);
}
