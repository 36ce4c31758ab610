/* broker/server/request.h -- one request of a connection, from its decoded body to its answer.
 *
 * The dispatcher decodes the body by the table of protocol/api.h and calls the handler of the API
 * key. A new handler is one function in its family's file and one row in the table of
 * handler/handlers.c:
 *
 *   [TARN_API_HEARTBEAT] = {tarn_handle_heartbeat},
 *
 *   void tarn_handle_heartbeat(struct tarn_request *request)
 *   {
 *       const struct tarn_heartbeat_request *body = request->body;
 *       struct tarn_heartbeat_response response = {.error_code = TARN_KAFKA_NONE};
 *       tarn_request_reply(request, &response);
 *   }
 *
 * Every request is answered exactly once, by tarn_request_reply, tarn_request_finish or
 * tarn_request_close, in the handler or any time later on the loop thread; the answer is encoded
 * in that call, so it may point to the stack, to the request's arena, to the body, or to memory
 * that lives as long as the topic. The request is gone after the call, unless the handler's own
 * code says otherwise. Answers leave a connection in the order of its requests, however late one of
 * them comes. A request that is parked for long (a join, a fetch) gives a cancel function: it is
 * called when the connection closes or the broker stops hard, takes the request off whatever it
 * waits in, and does not answer. A parked request without one has to be answered all the same; the
 * answer is dropped then. */
#ifndef TARN_BROKER_SERVER_REQUEST_H
#define TARN_BROKER_SERVER_REQUEST_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/protocol/error_code.h"

struct tarn_broker;
struct tarn_connection;

struct tarn_request {
    struct tarn_broker *broker;
    struct tarn_arena *arena; /* until the answer has been sent */
    const void *body; /* struct tarn_<api>_request, decoded; texts point into the request's bytes */
    int16_t api_key;
    int16_t api_version;
    int32_t correlation_id;
    struct tarn_text client_id; /* data NULL: null */
    const char *principal;      /* "User:ANONYMOUS", "User:alice" */
    const char *client_host;    /* "/127.0.0.1", as Kafka's group descriptions show it */
};

/* Encodes `response` (struct tarn_<api>_response) in the request's version and queues it. */
void tarn_request_reply(struct tarn_request *request, const void *response);
/* No answer at all: Produce with acks=0. */
void tarn_request_finish(struct tarn_request *request);
/* Closes the connection after a log line: for what has no answer in the protocol. */
void tarn_request_close(struct tarn_request *request, const char *reason);
/* For a request that is kept after its handler has returned; see above. NULL takes it back. */
void tarn_request_on_cancel(struct tarn_request *request,
                            void (*cancel)(struct tarn_request *request, void *context),
                            void *context);

/* `size_bytes` of memory that is not cleared, as records are read into; it goes when the answer has
 * been sent. */
void *tarn_request_buffer(struct tarn_request *request, size_t size_bytes);

/* Host and port that the answer should tell this client to connect to. */
void tarn_request_advertised(struct tarn_request *request, struct tarn_text *ret_host,
                             int32_t *ret_port);

/* Kafka's operations and resource types, with its codes (AclOperation, ResourceType). */
enum tarn_acl_operation {
    TARN_ACL_ANY = 1,
    TARN_ACL_ALL = 2,
    TARN_ACL_READ = 3,
    TARN_ACL_WRITE = 4,
    TARN_ACL_CREATE = 5,
    TARN_ACL_DELETE = 6,
    TARN_ACL_ALTER = 7,
    TARN_ACL_DESCRIBE = 8,
    TARN_ACL_CLUSTER_ACTION = 9,
    TARN_ACL_DESCRIBE_CONFIGS = 10,
    TARN_ACL_ALTER_CONFIGS = 11,
    TARN_ACL_IDEMPOTENT_WRITE = 12,
};
enum tarn_resource_type {
    TARN_RESOURCE_ANY = 1,
    TARN_RESOURCE_TOPIC = 2,
    TARN_RESOURCE_GROUP = 3,
    TARN_RESOURCE_CLUSTER = 4,
    TARN_RESOURCE_TRANSACTIONAL_ID = 5,
    TARN_RESOURCE_DELEGATION_TOKEN = 6,
    TARN_RESOURCE_USER = 7,
};
/* Whether this client may do that; always when no authorizer is on. The cluster's name is
 * "kafka-cluster". */
bool tarn_request_may(struct tarn_request *request, enum tarn_acl_operation operation,
                      enum tarn_resource_type type, struct tarn_text name);
bool tarn_request_may_cluster(struct tarn_request *request, enum tarn_acl_operation operation);

#endif
