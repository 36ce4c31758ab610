/* http/server_int.h -- what the server's files share: the life of one request.
 *
 * RECEIVING on the socket thread, QUEUED for a worker (the connection is suspended and the request
 * is the worker's alone), READY with a response that the socket thread sends, SENT. `stage` changes
 * hands under the server's mutex. */
#ifndef TARN_HTTP_SERVER_INT_H
#define TARN_HTTP_SERVER_INT_H

#include <microhttpd.h>
#include <pthread.h>

#include "base/buffer.h"
#include "http/server.h"

enum tarn_http_stage { TARN_HTTP_RECEIVING, TARN_HTTP_QUEUED, TARN_HTTP_READY, TARN_HTTP_SENT };

struct tarn_http_deferred {
    void (*release)(void *);
    void *pointer;
    struct tarn_http_deferred *next;
};

struct tarn_http_extra_header {
    const char *name, *value;
    struct tarn_http_extra_header *next;
};

struct tarn_http_reply {
    struct tarn_http_request request;
    struct tarn_http_server *server;
    struct MHD_Connection *connection;
    enum tarn_http_stage stage;
    bool uri_is_bad, body_refused;
    struct tarn_buffer body;
    size_t dropped_bytes; /* of a body over the limit */
    struct MHD_Response *response;
    unsigned status;
    struct tarn_http_extra_header *headers;
    struct tarn_http_deferred *deferred;
    struct tarn_http_reply *next; /* in the queue of the workers */
};

struct tarn_http_workers;
struct tarn_http_workers *tarn_http_workers_new(unsigned max_threads,
                                                void (*run)(struct tarn_http_reply *));
/* False when the workers are stopping: nothing was queued. */
bool tarn_http_workers_put(struct tarn_http_workers *workers, struct tarn_http_reply *reply);
/* Runs what is queued, then ends the threads. */
void tarn_http_workers_stop(struct tarn_http_workers *workers);
void tarn_http_workers_free(struct tarn_http_workers *workers);

struct tarn_http_server {
    struct MHD_Daemon *daemon;
    struct tarn_http_workers *workers;
    struct tarn_http_options options;
    pthread_mutex_t mutex; /* guards every request's stage */
    uint16_t port;
};

#endif
