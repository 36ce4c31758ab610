/* broker/server/server_int.h -- what the files of this folder share: servers, connections, requests
 * in flight. */
#ifndef TARN_BROKER_SERVER_SERVER_INT_H
#define TARN_BROKER_SERVER_SERVER_INT_H

#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

#include "broker/broker.h"
#include "broker/broker_int.h"
#include "broker/protocol/api.h"
#include "broker/protocol/wire.h"
#include "broker/server/block.h"
#include "broker/server/local.h"
#include "broker/server/request.h"
#include "broker/server/server.h"
#include "broker/server/timers.h"

enum {
    RECEIVE_BLOCK_BYTES = 64 << 10,    /* the first block of a connection that begins to send */
    RECEIVE_BLOCK_MAX_BYTES = 2 << 20, /* what is taken for a connection that sends much */
    REQUEST_COPY_MAX_BYTES =
        4 << 10,                    /* smaller requests do not hold on to the block they came in */
    CONNECTION_IN_FLIGHT_MAX = 256, /* unanswered requests of one connection */
    CONNECTION_HELD_MAX_BYTES = 64 << 20, /* received bytes that unanswered requests point into */
    SPARE_ENTRIES_MAX = 64,
    PEER_TEXT_BYTES = 64,
    LISTENER_SOCKETS = 2, /* "localhost" is two addresses */
};

struct tls_context;
struct tls;
struct sasl;
struct listener;

struct listening_socket {
    uv_poll_t poll;
    struct listener *listener;
    int fd; /* -1: not open */
};

struct listener {
    struct tarn_server *server;
    char *name, *host;
    int port;
    char *advertised_host; /* NULL: the address that the client connected to */
    int advertised_port;   /* 0: the port that the client connected to */
    bool sasl;
    struct tls_context *tls; /* NULL: plain */
    struct listening_socket sockets[LISTENER_SOCKETS];
};

struct tarn_server {
    struct tarn_broker *broker;
    uv_loop_t *loop;
    const struct tarn_broker_options *options;
    struct tarn_timers *timers;
    struct tarn_blocks *blocks;
    struct listener *listeners;
    size_t listener_count;
    struct tarn_connection *oldest, *newest; /* by last activity */
    size_t connection_count;
    struct tarn_connection *dirty; /* have answers to send or room again for requests */
    uv_prepare_t flush;
    struct tarn_timer idle, trim, accept_again, drain;
    struct entry *local; /* of this process, not answered yet */
    struct entry *spare; /* for the next requests */
    size_t spare_count;
    bool refused_logged; /* too many connections: said once until there is room again */
    bool draining;
    void (*drained)(void *context);
    void *drained_context;
};

struct tarn_connection {
    struct tarn_server *server;
    struct listener *listener;
    struct tarn_connection *older, *newer, *next_dirty;
    uv_poll_t poll;
    int fd;
    int events; /* what poll waits for */
    bool is_dirty, closed;
    bool paused; /* not read from: too much in flight, or stopping */
    bool
        left_requests; /* whole requests may lie in the block that were not taken because of that */
    bool ends;         /* closed once what it was sent is out */
    bool named;        /* the client's certificate has been looked at */
    struct tls *tls;   /* NULL: plain */
    struct sasl *sasl; /* NULL: nobody has to say who they are */
    /* received and not yet dispatched: in->data[in_start .. in_end) */
    struct tarn_block *in;
    size_t in_start, in_end;
    size_t block_bytes; /* size of the next block */
    int64_t active_ms;  /* loop clock: something was received or sent */
    /* requests in order of arrival */
    struct entry *first, *last;
    int in_flight;
    size_t held_bytes, output_bytes;
    char peer[PEER_TEXT_BYTES];       /* "/127.0.0.1" */
    char local_host[PEER_TEXT_BYTES]; /* what to advertise */
    int local_port;
    char *principal;
    int64_t expires_ms; /* loop clock: who it is has to be said again until then; 0: never */
};

/* Who asked, when it was not a connection. */
struct local {
    tarn_local_answered *answered; /* NULL: a connection did */
    void *context;
    bool *was_answered; /* while tarn_local_send runs */
    struct entry *next, *previous;
};

/* One request from dispatch until its answer has left. */
struct entry {
    struct tarn_request request;
    struct tarn_connection *connection; /* NULL: it is gone, the answer will be dropped */
    struct local local;
    struct entry *next;
    struct tarn_block
        *block; /* the received bytes that the body points into; NULL: a copy in the arena */
    struct tarn_block *buffers; /* of tarn_request_buffer */
    size_t held_bytes;
    struct tarn_wire_writer out;
    size_t out_bytes;             /* of the answer, with its length */
    size_t out_chunk, out_offset; /* sent so far */
    bool answered, waits;         /* waits: the handler has returned without an answer */
    void (*cancel)(struct tarn_request *request, void *context);
    void *cancel_context;
};

/* connection.c */
void connection_open(struct listener *listener, int fd);
void connection_close(struct tarn_connection *connection,
                      const char *reason);                /* reason NULL: nothing to log */
void connection_mark(struct tarn_connection *connection); /* to be served before the loop sleeps */
void connection_serve(
    struct tarn_connection *connection); /* sends, then goes on with what has been received */
bool connection_idle(
    const struct tarn_connection *connection); /* nothing in flight or to be sent */
bool connection_authenticated(const struct tarn_connection *connection);
void connection_touch(struct tarn_connection *connection); /* something happened on it */

/* server.c */
void server_watch_idle(struct tarn_server *server);   /* a connection has a deadline */
void server_watch_memory(struct tarn_server *server); /* memory was given back to the pool */
void server_connection_gone(struct tarn_server *server);

/* entry.c */
struct entry *entry_new(struct tarn_connection *connection);
void entry_free(struct tarn_server *server, struct entry *entry);
void entry_cancel(struct entry *entry); /* its connection is gone */
void entries_trim(struct tarn_server *server);
struct entry *entry_new_local(struct tarn_server *server, tarn_local_answered *answered,
                              void *context);

/* local.c */
void local_enter(struct entry *entry);
void local_leave(struct entry *entry);
bool local_answered(struct entry *entry, const void *response); /* true: the entry is kept */
void local_drain(struct tarn_server *server);                   /* gives up what waits */

/* For handler/sasl.c; NULL on a listener without SASL. */
struct sasl *request_sasl(struct tarn_request *request);
void request_authenticated(struct tarn_request *request, const char *user);
/* The client has to have said it again by then; 0: never. */
void request_expires(struct tarn_request *request, int64_t lifetime_ms);
void request_close_after_answer(struct tarn_request *request);

/* dispatch.c: one whole request without its length; `block` is where it lies. */
void dispatch(struct tarn_connection *connection, struct tarn_block *block, const char *bytes,
              size_t len);
/* One bare SASL token (SaslHandshake of version 0). */
void dispatch_token(struct tarn_connection *connection, const char *bytes, size_t len);

/* listener.c */
CHECKED enum tarn_status listener_open(struct listener *listener,
                                       const struct tarn_listener_options *options,
                                       struct tarn_error *err);
void listener_accept(struct listener *listener, bool on);
void listener_close(struct listener *listener); /* the sockets; handles close with the loop */
void listener_release(struct listener *listener);

/* output.c: 1 all sent, 0 the socket is full, -1 the connection is broken */
int output_flush(struct tarn_connection *connection);

#endif
