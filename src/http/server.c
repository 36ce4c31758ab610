/* http/server.c -- libmicrohttpd's side: the socket thread's callbacks, routing, the listener. */
#include "http/server_int.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BODY_DEFAULT_BYTES = 8 << 20,
    WORKERS_DEFAULT = 8,
    CONNECTIONS_DEFAULT = 1000,
    IDLE_DEFAULT_S = 120,
    BACKLOG = 128
};

/* A request target is ASCII without spaces (RFC 3986); the rest of it is percent-encoded. */
static bool is_printable(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            return false;
    return true;
}

/* Called with the raw request target, before anything is decoded: here a request begins. */
static void *begin_request(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct tarn_http_reply *reply = tarn_alloc(sizeof *reply);
    struct tarn_http_request *request = &reply->request;
    reply->server = context;
    reply->connection = connection;
    request->reply = reply;
    request->context = reply->server->options.context;
    request->arena = tarn_arena_new();
    const char *copy = tarn_arena_strdup(request->arena, uri);
    const char *question = strchr(copy, '?');
    request->path = (struct tarn_text){copy, question ? (size_t)(question - copy) : strlen(copy)};
    if (question)
        request->query = tarn_text_of(question + 1);
    reply->uri_is_bad = !is_printable(copy) ||
                        !tarn_http_query_parse(request->query, request->arena,
                                               &request->query_params, &request->query_param_count);
    return reply;
}

static void end_request(void *context, struct MHD_Connection *connection, void **request_context,
                        enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    (void)why;
    struct tarn_http_reply *reply = *request_context;
    if (!reply)
        return;
    assert(reply->stage != TARN_HTTP_QUEUED);
    for (struct tarn_http_deferred *deferred = reply->deferred; deferred; deferred = deferred->next)
        deferred->release(deferred->pointer);
    if (reply->response)
        MHD_destroy_response(reply->response);
    tarn_buffer_release(&reply->body);
    tarn_arena_free(reply->request.arena);
    free(reply);
    *request_context = NULL;
}

/* libmicrohttpd would decode the path in place; it is decoded here, segment by segment. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    struct tarn_http_request *request = context;
    char *copy = tarn_arena_strdup(request->arena, value ? value : "");
    for (char *c = copy; *c; c++) /* so that a header can be quoted in JSON */
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    request->headers[request->header_count++] = (struct tarn_http_param){
        tarn_text_of(tarn_arena_strdup(request->arena, name)), tarn_text_of(copy)};
    return MHD_YES;
}

static void copy_headers(struct tarn_http_reply *reply)
{
    int count = MHD_get_connection_values(reply->connection, MHD_HEADER_KIND, NULL, NULL);
    if (count <= 0)
        return;
    reply->request.headers =
        tarn_arena_array(reply->request.arena, (size_t)count, sizeof *reply->request.headers);
    (void)MHD_get_connection_values(reply->connection, MHD_HEADER_KIND, add_header,
                                    &reply->request);
}

static bool serves(const struct tarn_http_route *route, struct tarn_text method)
{
    return tarn_text_is(method, route->method) ||
           (tarn_text_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* Says which methods this path knows; false when it knows none. */
static bool allow_header(struct tarn_http_request *request)
{
    const struct tarn_http_options *options = &request->reply->server->options;
    const char *allow = NULL;
    struct tarn_http_param params[TARN_HTTP_PATH_PARAMS_MAX];
    size_t count;
    for (size_t i = 0; i < options->route_count; i++) {
        const struct tarn_http_route *route = &options->routes[i];
        if (tarn_http_path_match(route->path, request->path, request->arena, params, &count) !=
            TARN_HTTP_MATCH)
            continue;
        if (allow && strstr(allow, route->method))
            continue;
        allow = allow ? tarn_arena_format(request->arena, "%s, %s", allow, route->method)
                      : route->method;
        if (strcmp(route->method, "GET") == 0)
            allow = tarn_arena_format(request->arena, "%s, HEAD", allow);
    }
    if (!allow)
        return false;
    tarn_http_reply_header(request, "Allow",
                           tarn_arena_format(request->arena, "%s, OPTIONS", allow));
    return true;
}

/* Finds the route; otherwise says why not in a reply. */
static bool route_request(struct tarn_http_request *request)
{
    const struct tarn_http_options *options = &request->reply->server->options;
    bool bad = request->reply->uri_is_bad;
    for (size_t i = 0; i < options->route_count && !bad; i++) {
        const struct tarn_http_route *route = &options->routes[i];
        if (!serves(route, request->method))
            continue;
        enum tarn_http_match match =
            tarn_http_path_match(route->path, request->path, request->arena, request->path_params,
                                 &request->path_param_count);
        bad = match == TARN_HTTP_BAD_PATH;
        if (match == TARN_HTTP_MATCH) {
            request->route = route;
            return true;
        }
    }
    request->path_param_count = 0;
    if (bad)
        tarn_http_reply_error(request, 400,
                              "HTTP 400 Bad Request: the address has a % that no two "
                              "hexadecimal digits follow, or too many parameters");
    else if (!allow_header(request))
        tarn_http_reply_error(request, 404, "HTTP 404 Not Found");
    else if (tarn_text_is(request->method, "OPTIONS"))
        tarn_http_reply(request, 204, NULL, (struct tarn_text){"", 0});
    else
        tarn_http_reply_error(request, 405, "HTTP 405 Method Not Allowed");
    return false;
}

static void reply_too_large(struct tarn_http_request *request)
{
    tarn_http_reply_error(request, 413, "HTTP 413 Request Entity Too Large");
}

/* The first call for a request: headers are there, the body is not. A reply that is made here is
 * sent before the body is read, so an announced body over the limit costs nothing. */
static void receive_headers(struct tarn_http_reply *reply, const char *method)
{
    struct tarn_http_request *request = &reply->request;
    const struct tarn_http_options *options = &reply->server->options;
    request->method = tarn_text_of(tarn_arena_strdup(request->arena, method));
    copy_headers(reply);
    tarn_buffer_init(&reply->body, options->body_max_bytes);
    if (!route_request(request)) {
        reply->stage = TARN_HTTP_READY;
        return;
    }
    if (request->route->body_max_bytes)
        reply->body.max_bytes = request->route->body_max_bytes;
    int64_t announced;
    struct tarn_text length = tarn_http_header(request, "Content-Length");
    if (length.data && tarn_text_to_int64(length, &announced) &&
        (uint64_t)announced > reply->body.max_bytes) {
        reply_too_large(request);
        reply->stage = TARN_HTTP_READY;
    }
}

/* A reply that is sent before the body costs the connection, so only then is it sent so early. */
static bool announces_body(const struct tarn_http_request *request)
{
    struct tarn_text length = tarn_http_header(request, "Content-Length");
    return tarn_http_header(request, "Transfer-Encoding").data ||
           (length.data && !tarn_text_is(length, "0"));
}

/* Keeps body bytes up to the limit and then drops them; gives up on one that never ends. */
static enum MHD_Result receive_body(struct tarn_http_reply *reply, const char *data, size_t *len)
{
    if (reply->stage == TARN_HTTP_READY) {
        *len = 0;
        return MHD_YES;
    }
    tarn_buffer_append(&reply->body, data, *len);
    if (reply->body.overflow) {
        reply->body_refused = true;
        reply->dropped_bytes += *len;
        tarn_buffer_clear(&reply->body);
    }
    *len = 0;
    return reply->dropped_bytes > reply->body.max_bytes ? MHD_NO : MHD_YES;
}

static enum tarn_http_stage stage_of(struct tarn_http_reply *reply)
{
    pthread_mutex_lock(&reply->server->mutex);
    enum tarn_http_stage stage = reply->stage;
    pthread_mutex_unlock(&reply->server->mutex);
    return stage;
}

static enum MHD_Result send_reply(struct tarn_http_reply *reply)
{
    reply->stage = TARN_HTTP_SENT;
    return MHD_queue_response(reply->connection, reply->status, reply->response);
}

/* Hands the whole request to a worker; the connection sleeps until run_handler wakes it. */
static enum MHD_Result dispatch(struct tarn_http_reply *reply)
{
    reply->request.body = tarn_buffer_text(&reply->body);
    if (reply->body_refused) {
        reply_too_large(&reply->request);
        return send_reply(reply);
    }
    reply->stage = TARN_HTTP_QUEUED;
    MHD_suspend_connection(reply->connection);
    if (tarn_http_workers_put(reply->server->workers, reply))
        return MHD_YES;
    tarn_http_reply_error(&reply->request, 503, "HTTP 503 Service Unavailable: stopping");
    reply->stage = TARN_HTTP_READY;
    MHD_resume_connection(reply->connection);
    return MHD_YES;
}

static void run_handler(struct tarn_http_reply *reply)
{
    reply->request.route->handler(&reply->request);
    assert(reply->response && "a handler replies");
    pthread_mutex_lock(&reply->server->mutex);
    reply->stage = TARN_HTTP_READY;
    pthread_mutex_unlock(&reply->server->mutex);
    MHD_resume_connection(reply->connection);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **request_context)
{
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    struct tarn_http_reply *reply = *request_context;
    if (reply->request.method.data == NULL) {
        receive_headers(reply, method);
        return reply->stage == TARN_HTTP_READY && announces_body(&reply->request)
                   ? send_reply(reply)
                   : MHD_YES;
    }
    if (*data_len)
        return receive_body(reply, data, data_len);
    switch (stage_of(reply)) {
    case TARN_HTTP_RECEIVING:
        return dispatch(reply);
    case TARN_HTTP_READY:
        return send_reply(reply);
    case TARN_HTTP_QUEUED:
    case TARN_HTTP_SENT:
        break;
    }
    return MHD_YES;
}

static int listen_at(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static enum tarn_status open_listener(const char *host, uint16_t port, int *ret_fd,
                                      struct tarn_error *err)
{
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *addresses;
    int failure = getaddrinfo(host, service, &hints, &addresses);
    if (failure)
        return tarn_fail(err, TARN_CONFIG,
                         "listening for HTTP on %s: %s; give an address of this "
                         "machine",
                         host, gai_strerror(failure));
    int fd = listen_at(addresses);
    freeaddrinfo(addresses);
    if (fd < 0)
        return tarn_fail_errno(err,
                               "listening for HTTP on %s port %u (another program may use it; "
                               "port 0 takes a free one)",
                               host, (unsigned)port);
    *ret_fd = fd;
    return TARN_OK;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void set_defaults(struct tarn_http_options *options)
{
    if (!options->host)
        options->host = "127.0.0.1";
    if (!options->body_max_bytes)
        options->body_max_bytes = BODY_DEFAULT_BYTES;
    if (!options->worker_max)
        options->worker_max = WORKERS_DEFAULT;
    if (!options->connection_max)
        options->connection_max = CONNECTIONS_DEFAULT;
    if (!options->idle_timeout_s)
        options->idle_timeout_s = IDLE_DEFAULT_S;
}

enum tarn_status tarn_http_server_open(const struct tarn_http_options *options,
                                       struct tarn_http_server **ret_server, struct tarn_error *err)
{
    int fd;
    struct tarn_http_server *server = tarn_alloc(sizeof *server);
    server->options = *options;
    set_defaults(&server->options);
    enum tarn_status status = open_listener(server->options.host, server->options.port, &fd, err);
    if (status != TARN_OK) {
        free(server);
        return status;
    }
    server->port = port_of(fd);
    server->options.host = NULL; /* the caller's text */
    pthread_mutex_init(&server->mutex, NULL);
    server->workers = tarn_http_workers_new(server->options.worker_max, run_handler);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, server->port, NULL, NULL, handle,
        server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, begin_request, server,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, server, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, server, MHD_OPTION_CONNECTION_LIMIT, server->options.connection_max,
        MHD_OPTION_CONNECTION_TIMEOUT, server->options.idle_timeout_s, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)(256 << 10), MHD_OPTION_END);
    if (!server->daemon) {
        close(fd);
        tarn_http_server_close(server);
        return tarn_fail(err, TARN_IO, "starting the HTTP server: libmicrohttpd could not start");
    }
    *ret_server = server;
    return TARN_OK;
}

uint16_t tarn_http_server_port(const struct tarn_http_server *server)
{
    return server->port;
}

void tarn_http_server_close(struct tarn_http_server *server)
{
    if (!server)
        return;
    int listener = server->daemon ? MHD_quiesce_daemon(server->daemon) : -1;
    tarn_http_workers_stop(server->workers);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (listener >= 0)
        close(listener);
    tarn_http_workers_free(server->workers);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}
