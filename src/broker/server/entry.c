/* broker/server/entry.c -- the life of one request: see request.h for the rules. Loop thread. */
#include <assert.h>
#include <limits.h>

#include "base/log.h"
#include "broker/server/acl.h"
#include "broker/server/server_int.h"

enum { RESPONSE_MAX_BYTES = INT_MAX };

static struct entry *entry_of(struct tarn_request *request)
{
    return (struct entry *)(void *)request;
}

static struct entry *take(struct tarn_server *server)
{
    struct entry *entry = server->spare;
    if (entry) {
        server->spare = entry->next;
        server->spare_count--;
        entry->next = NULL;
    } else {
        entry = tarn_alloc(sizeof *entry);
        entry->request.arena = tarn_arena_new();
        tarn_wire_writer_init(&entry->out, RESPONSE_MAX_BYTES);
    }
    entry->request.broker = server->broker;
    return entry;
}

struct entry *entry_new_local(struct tarn_server *server, tarn_local_answered *answered,
                              void *context)
{
    struct entry *entry = take(server);
    entry->local = (struct local){.answered = answered, .context = context};
    entry->request.principal = "User:tarn";
    entry->request.client_host = "/localhost";
    local_enter(entry);
    return entry;
}

struct entry *entry_new(struct tarn_connection *connection)
{
    struct tarn_server *server = connection->server;
    struct entry *entry = take(server);
    entry->connection = connection;
    entry->request.principal = connection->principal;
    entry->request.client_host = connection->peer;
    if (connection->last)
        connection->last->next = entry;
    else
        connection->first = entry;
    connection->last = entry;
    connection->in_flight++;
    return entry;
}

static void destroy(struct entry *entry)
{
    tarn_wire_writer_release(&entry->out);
    tarn_arena_free(entry->request.arena);
    free(entry);
}

static void release_memory(struct entry *entry)
{
    tarn_block_unref(entry->block);
    entry->block = NULL;
    while (entry->buffers) {
        struct tarn_block *next = entry->buffers->next;
        tarn_block_unref(entry->buffers);
        entry->buffers = next;
    }
}

void entry_free(struct tarn_server *server, struct entry *entry)
{
    release_memory(entry);
    if (server->spare_count >= SPARE_ENTRIES_MAX) {
        destroy(entry);
        return;
    }
    struct tarn_arena *arena = entry->request.arena;
    struct tarn_wire_writer out = entry->out;
    tarn_arena_reset(arena);
    tarn_wire_writer_clear(&out);
    *entry = (struct entry){.request = {.arena = arena}, .out = out, .next = server->spare};
    server->spare = entry;
    server->spare_count++;
}

void entries_trim(struct tarn_server *server)
{
    while (server->spare) {
        struct entry *next = server->spare->next;
        destroy(server->spare);
        server->spare = next;
    }
    server->spare_count = 0;
}

void entry_cancel(struct entry *entry)
{
    struct tarn_server *server = entry->connection->server;
    entry->connection = NULL;
    /* what the connection owned goes with it */
    entry->request.principal = "";
    entry->request.client_host = "";
    if (entry->answered) {
        entry_free(server, entry);
        return;
    }
    if (!entry->cancel)
        return; /* whoever holds it will answer, and the answer is dropped then */
    entry->cancel(&entry->request, entry->cancel_context);
    entry_free(server, entry);
}

/* After an answer: sends it before the loop sleeps, or drops it when nobody is there any more. */
static void finished(struct entry *entry)
{
    assert(!entry->answered);
    entry->answered = true;
    entry->cancel = NULL;
    struct tarn_connection *connection = entry->connection;
    if (!connection) {
        entry_free(tarn_broker_server(entry->request.broker), entry);
        return;
    }
    connection->in_flight--;
    connection->held_bytes -= entry->held_bytes;
    connection->output_bytes += entry->out_bytes;
    connection_mark(connection);
}

static void encode(struct entry *entry, const void *response)
{
    const struct tarn_api *api = tarn_api_find(entry->request.api_key);
    char *length = tarn_wire_room(&entry->out, 4);
    tarn_response_header_encode(&entry->out, api, entry->request.api_version,
                                entry->request.correlation_id);
    tarn_message_encode(api->response, &entry->out, entry->request.api_version, response);
    entry->out_bytes = entry->out.len;
    tarn_wire_put_int32(length, (int32_t)(entry->out.len - 4));
}

/* One of this process gets what a connection would be sent. */
static bool is_local(struct entry *entry, const void *response)
{
    if (!entry->local.answered)
        return false;
    entry->cancel = NULL;
    if (!local_answered(entry, response))
        entry_free(tarn_broker_server(entry->request.broker), entry);
    return true;
}

void tarn_request_reply(struct tarn_request *request, const void *response)
{
    struct entry *entry = entry_of(request);
    struct tarn_error err = {0};
    if (is_local(entry, response))
        return;
    if (entry->connection && !entry->connection->closed) {
        encode(entry, response);
        if (tarn_wire_writer_check(&entry->out, "an answer", &err) != TARN_OK) {
            tarn_request_close(request, err.text);
            return;
        }
    }
    finished(entry);
}

void tarn_request_finish(struct tarn_request *request)
{
    if (!is_local(entry_of(request), NULL))
        finished(entry_of(request));
}

void tarn_request_close(struct tarn_request *request, const char *reason)
{
    struct entry *entry = entry_of(request);
    struct tarn_connection *connection = entry->connection;
    if (is_local(entry, NULL))
        return;
    tarn_wire_writer_clear(&entry->out);
    entry->out_bytes = 0;
    finished(entry);
    if (connection)
        connection_close(connection, reason);
}

void tarn_request_on_cancel(struct tarn_request *request,
                            void (*cancel)(struct tarn_request *request, void *context),
                            void *context)
{
    struct entry *entry = entry_of(request);
    entry->cancel = cancel;
    entry->cancel_context = context;
}

void *tarn_request_buffer(struct tarn_request *request, size_t size_bytes)
{
    struct entry *entry = entry_of(request);
    struct tarn_server *server = tarn_broker_server(request->broker);
    struct tarn_block *block = tarn_block_take(server->blocks, size_bytes);
    block->next = entry->buffers;
    entry->buffers = block;
    return block->data;
}

void tarn_request_advertised(struct tarn_request *request, struct tarn_text *ret_host,
                             int32_t *ret_port)
{
    const struct tarn_connection *connection = entry_of(request)->connection;
    *ret_host = TARN_TEXT("localhost");
    *ret_port = 0;
    if (!connection)
        return;
    const struct listener *listener = connection->listener;
    *ret_host = tarn_text_of(listener->advertised_host ? listener->advertised_host
                                                       : connection->local_host);
    *ret_port = listener->advertised_port ? listener->advertised_port : connection->local_port;
}

bool tarn_request_may(struct tarn_request *request, enum tarn_acl_operation operation,
                      enum tarn_resource_type type, struct tarn_text name)
{
    struct tarn_acls *acls = tarn_broker_acls(request->broker);
    if (entry_of(request)->local.answered)
        return true;
    return tarn_acls_allow(acls, request->principal, request->client_host, operation, type, name);
}

bool tarn_request_may_cluster(struct tarn_request *request, enum tarn_acl_operation operation)
{
    return tarn_request_may(request, operation, TARN_RESOURCE_CLUSTER, TARN_TEXT("kafka-cluster"));
}

struct sasl *request_sasl(struct tarn_request *request)
{
    return entry_of(request)->connection->sasl;
}

void request_authenticated(struct tarn_request *request, const char *user)
{
    struct tarn_connection *connection = entry_of(request)->connection;
    char *principal = tarn_format("User:%s", user);
    if (strcmp(connection->principal, principal) == 0) {
        free(principal); /* said again: requests that wait point to the old text */
        return;
    }
    free(connection->principal);
    connection->principal = principal;
    request->principal = connection->principal;
}

void request_expires(struct tarn_request *request, int64_t lifetime_ms)
{
    struct tarn_connection *connection = entry_of(request)->connection;
    int64_t now_ms = (int64_t)uv_now(connection->server->loop);
    connection->expires_ms = lifetime_ms > 0 ? now_ms + lifetime_ms : 0;
}

void request_close_after_answer(struct tarn_request *request)
{
    entry_of(request)->connection->ends = true;
}
