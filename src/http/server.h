/* http/server.h -- a small HTTP/1.1 server: one table of routes, handlers that see a whole request.
 *
 * One thread (libmicrohttpd, epoll) does all socket work; handlers run on a few worker threads that
 * are started when they are first needed. So a handler may block, a slow one holds up nobody, and
 * an idle server neither wakes up nor holds more than one small thread. Requests own an arena; what
 * a handler puts there needs no free path. Bodies are collected up to a named limit before the
 * handler runs. HEAD, OPTIONS, 404 and 405 with Allow follow from the table. */
#ifndef TARN_HTTP_SERVER_H
#define TARN_HTTP_SERVER_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/uri.h"

struct tarn_http_server;
struct tarn_http_reply;
struct tarn_http_route;

/* What a handler reads. Everything lives until the reply has been sent. */
struct tarn_http_request {
    struct tarn_arena *arena;
    void *context;                       /* the server's `context` */
    const struct tarn_http_route *route; /* NULL while an error is answered before routing */
    struct tarn_text method;
    struct tarn_text path; /* raw, without the query */
    struct tarn_text query;
    struct tarn_text body;
    struct tarn_http_param path_params[TARN_HTTP_PATH_PARAMS_MAX];
    size_t path_param_count;
    struct tarn_http_param *query_params;
    size_t query_param_count;
    struct tarn_http_param *headers;
    size_t header_count;
    struct tarn_http_reply *reply;
};

/* One line of the table. The first route that fits is taken, so fixed paths stand before patterns.
 */
struct tarn_http_route {
    const char *method; /* "GET" serves HEAD as well */
    const char *path;   /* "/subjects/{subject}/versions"; see tarn_http_path_match */
    /* Runs on a worker thread and calls one of tarn_http_reply*, exactly once. */
    void (*handler)(struct tarn_http_request *request);
    size_t body_max_bytes; /* 0: the server's limit */
};

/* Answers a request that no handler sees (400, 404, 405, 413) or that fails with a status. */
typedef void (*tarn_http_error_hook)(struct tarn_http_request *request, int status,
                                     const char *message);

struct tarn_http_options {
    const char *host; /* NULL: 127.0.0.1 only; "::" or "0.0.0.0" for all */
    uint16_t port;    /* 0: any free one */
    const struct tarn_http_route *routes;
    size_t route_count;
    void *context;
    tarn_http_error_hook error; /* NULL: {"error_code": 404, "message": "..."} */
    size_t body_max_bytes;      /* 0: 8 MiB */
    unsigned worker_max;        /* 0: 8 */
    unsigned connection_max;    /* 0: 1000 */
    unsigned idle_timeout_s;    /* 0: 120 */
};

/* Listens and returns at once. `options` are copied, the routes are not. */
CHECKED enum tarn_status tarn_http_server_open(const struct tarn_http_options *options,
                                               struct tarn_http_server **ret_server,
                                               struct tarn_error *err);
uint16_t tarn_http_server_port(const struct tarn_http_server *server);
/* Takes no more connections, lets running handlers end, closes. NULL is fine. */
void tarn_http_server_close(struct tarn_http_server *server);

/* A path parameter, which must be in the route's path. */
struct tarn_text tarn_http_path_param(const struct tarn_http_request *request, const char *name);
/* NUL-terminated copy in the request's arena. */
const char *tarn_http_path_str(const struct tarn_http_request *request, const char *name);
/* The first query parameter of this name; false, and *ret_value untouched, when there is none. */
bool tarn_http_query_param(const struct tarn_http_request *request, const char *name,
                           struct tarn_text *ret_value);
/* "true" (in any case) is true; anything else, or none, is false. */
bool tarn_http_query_flag(const struct tarn_http_request *request, const char *name);
/* `fallback` when it is missing; false when it is no number in [min, max]. */
bool tarn_http_query_int(const struct tarn_http_request *request, const char *name,
                         int64_t fallback, int64_t min, int64_t max, int64_t *ret_value);
/* A header by its name in any case; data NULL when there is none. */
struct tarn_text tarn_http_header(const struct tarn_http_request *request, const char *name);
/* Calls release(pointer) when the request ends: for what an arena cannot own. */
void tarn_http_defer(struct tarn_http_request *request, void (*release)(void *), void *pointer);
/* The body as JSON, owned by the request. INVALID says where it is wrong. */
CHECKED enum tarn_status tarn_http_body_json(struct tarn_http_request *request, json_t **ret_json,
                                             struct tarn_error *err);

/* Adds a header to the coming reply. */
void tarn_http_reply_header(struct tarn_http_request *request, const char *name, const char *value);
/* Replies with a copy of `body`. */
void tarn_http_reply(struct tarn_http_request *request, int status, const char *content_type,
                     struct tarn_text body);
/* Takes over the reference to `json` (any value). */
void tarn_http_reply_json(struct tarn_http_request *request, int status, const char *content_type,
                          json_t *json);

/* A body that is made while it is sent. `read` fills up to `max` bytes and returns how many, 0 at
 * the end, -1 to break the connection off; it runs on the socket thread and must not block.
 * `release` is called once, also when the client goes away. */
struct tarn_http_stream {
    ssize_t (*read)(void *context, char *out, size_t max);
    void (*release)(void *context);
    void *context;
};
void tarn_http_reply_stream(struct tarn_http_request *request, int status, const char *content_type,
                            struct tarn_http_stream stream);
/* Through the error hook. */
void tarn_http_reply_error(struct tarn_http_request *request, int status, const char *message);

#endif
