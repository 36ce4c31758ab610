/* broker/server/listener.c -- sockets that wait for clients. Loop thread.
 *
 * An empty host listens on every address, IPv6 and IPv4 through one socket; "localhost" means both
 * ::1 and 127.0.0.1, because clients try either first. With port 0 the second socket takes the port
 * that the first one got. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/server/server_int.h"
#include "broker/server/tls.h"

enum { LISTEN_BACKLOG = 511, ACCEPTS_PER_TURN = 64, ACCEPT_PAUSE_MS = 100, PORT_TRIES = 16 };

static const char *security_name(enum tarn_listener_security security)
{
    static const char *const names[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
    return names[security];
}

static int bind_socket(const struct sockaddr *address, socklen_t len, int *ret_error)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;
    if (fd < 0) {
        *ret_error = errno;
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        bool any = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on);
    }
    if (bind(fd, address, len) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        *ret_error = errno;
        close(fd);
        return -1;
    }
    return fd;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int bind_v6(const struct in6_addr *host, int port, int *ret_error)
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_addr = *host, .sin6_port = htons((uint16_t)port)};
    return bind_socket((struct sockaddr *)&address, sizeof address, ret_error);
}

static int bind_v4(uint32_t host, int port, int *ret_error)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(host)}, .sin_port = htons((uint16_t)port)};
    return bind_socket((struct sockaddr *)&address, sizeof address, ret_error);
}

/* Machines without IPv6 listen on IPv4 alone. */
static bool without_v6(int error)
{
    return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static int bind_any(struct listener *listener, int *ret_error)
{
    int fd = bind_v6(&in6addr_any, listener->port, ret_error);
    if (fd < 0 && without_v6(*ret_error))
        fd = bind_v4(INADDR_ANY, listener->port, ret_error);
    return fd;
}

/* Fills both sockets; -1 when neither or only one of two could be had. */
static int bind_localhost(struct listener *listener, int *ret_error)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        int v4 = bind_v4(INADDR_LOOPBACK, listener->port, ret_error);
        if (v4 < 0)
            return -1;
        int v6 = bind_v6(&in6addr_loopback, bound_port(v4), ret_error);
        if (v6 >= 0 || without_v6(*ret_error)) {
            listener->sockets[1].fd = v6;
            return v4;
        }
        close(v4);
        if (listener->port != 0 || *ret_error != EADDRINUSE)
            return -1;
    }
    return -1;
}

static int bind_host(struct listener *listener, int *ret_error, const char **ret_reason)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(listener->host, NULL, &hints, &found);
    if (failed) {
        *ret_reason = gai_strerror(failed);
        return -1;
    }
    if (found->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_port =
            htons((uint16_t)listener->port);
    else
        ((struct sockaddr_in *)(void *)found->ai_addr)->sin_port = htons((uint16_t)listener->port);
    int fd = bind_socket(found->ai_addr, found->ai_addrlen, ret_error);
    freeaddrinfo(found);
    return fd;
}

static enum tarn_status fail_bind(const struct listener *listener, int error, const char *reason,
                                  struct tarn_error *err)
{
    const char *host = listener->host[0] ? listener->host : "every address";
    if (error == EADDRINUSE)
        return tarn_fail(
            err, TARN_EXISTS,
            "listening on %s, port %d: the port is taken; stop what uses it or choose another one "
            "(0: any free one)",
            host, listener->port);
    if (error)
        errno = error;
    return reason ? tarn_fail(err, TARN_CONFIG, "listening on %s, port %d: %s", host,
                              listener->port, reason)
                  : tarn_fail_errno(err, "listening on %s, port %d", host, listener->port);
}

enum tarn_status listener_open(struct listener *listener,
                               const struct tarn_listener_options *options, struct tarn_error *err)
{
    int error = 0;
    const char *reason = NULL;
    listener->name = tarn_strdup(options->name ? options->name : security_name(options->security));
    listener->host = tarn_strdup(options->host ? options->host : "");
    listener->port = options->port;
    listener->advertised_host =
        options->advertised_host ? tarn_strdup(options->advertised_host) : NULL;
    listener->advertised_port = options->advertised_port;
    listener->sasl = options->security == TARN_LISTENER_SASL_PLAINTEXT ||
                     options->security == TARN_LISTENER_SASL_SSL;
    if (options->security == TARN_LISTENER_SSL || options->security == TARN_LISTENER_SASL_SSL)
        TARN_TRY(tls_context_open(options, &listener->tls, err));
    int fd;
    if (listener->host[0] == '\0')
        fd = bind_any(listener, &error);
    else if (strcmp(listener->host, "localhost") == 0)
        fd = bind_localhost(listener, &error);
    else
        fd = bind_host(listener, &error, &reason);
    if (fd < 0)
        return fail_bind(listener, error, reason, err);
    listener->sockets[0].fd = fd;
    listener->port = bound_port(fd);
    for (int i = 0; i < LISTENER_SOCKETS; i++) {
        struct listening_socket *listening = &listener->sockets[i];
        listening->listener = listener;
        if (listening->fd < 0)
            continue;
        uv_poll_init_socket(listener->server->loop, &listening->poll, listening->fd);
        listening->poll.data = listening;
    }
    return TARN_OK;
}

static void on_accept_again(struct tarn_timer *timer)
{
    struct tarn_server *server = TARN_TIMER_OWNER(timer, struct tarn_server, accept_again);
    for (size_t i = 0; i < server->listener_count; i++)
        listener_accept(&server->listeners[i], true);
}

/* Out of file descriptors: without a pause the loop would spin on the same waiting client. */
static void pause_accepting(struct tarn_server *server, int error)
{
    tarn_log(TARN_LOG_WARN, "cannot take more connections for the moment",
             TARN_LOG_STR("reason", strerror(error)));
    for (size_t i = 0; i < server->listener_count; i++)
        listener_accept(&server->listeners[i], false);
    tarn_timer_start(server->timers, &server->accept_again, ACCEPT_PAUSE_MS, on_accept_again);
}

static bool full(struct tarn_server *server)
{
    bool is_full = server->connection_count >= (size_t)server->options->connections_max;
    if (is_full && !server->refused_logged)
        tarn_log(TARN_LOG_WARN, "a connection was refused: there are as many as are allowed",
                 TARN_LOG_INT("connections", server->connection_count));
    server->refused_logged = is_full;
    return is_full;
}

static void on_client(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct listening_socket *listening = poll->data;
    struct tarn_server *server = listening->listener->server;
    if (status < 0)
        return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(server, errno);
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        if (full(server))
            close(fd);
        else
            connection_open(listening->listener, fd);
    }
}

void listener_accept(struct listener *listener, bool on)
{
    for (int i = 0; i < LISTENER_SOCKETS; i++) {
        struct listening_socket *listening = &listener->sockets[i];
        if (listening->fd < 0)
            continue;
        if (on)
            uv_poll_start(&listening->poll, UV_READABLE, on_client);
        else
            uv_poll_stop(&listening->poll);
    }
}

void listener_close(struct listener *listener)
{
    for (int i = 0; i < LISTENER_SOCKETS; i++) {
        struct listening_socket *listening = &listener->sockets[i];
        if (listening->fd < 0)
            continue;
        if (listening->listener)
            uv_close((uv_handle_t *)&listening->poll, NULL);
        close(listening->fd);
        listening->fd = -1;
    }
}

void listener_release(struct listener *listener)
{
    tls_context_free(listener->tls);
    free(listener->name);
    free(listener->host);
    free(listener->advertised_host);
}
