/* broker/server/dispatch.c -- from the bytes of one request to the call of its handler. Loop
 * thread. */
#include <stdio.h>

#include "base/log.h"
#include "broker/handler/handlers.h"
#include "broker/server/sasl.h"
#include "broker/server/server_int.h"

/* Small requests are copied, so that one which waits for long does not keep a large block from
 * being used again. */
static struct tarn_text keep_bytes(struct entry *entry, struct tarn_block *block,
                                   struct tarn_text bytes)
{
    if (bytes.len <= REQUEST_COPY_MAX_BYTES)
        return (struct tarn_text){tarn_arena_strndup(entry->request.arena, bytes.data, bytes.len),
                                  bytes.len};
    entry->block = tarn_block_ref(block);
    entry->held_bytes = bytes.len;
    entry->connection->held_bytes += bytes.len;
    return bytes;
}

static void refuse(struct entry *entry, const struct tarn_request_header *header, const char *what)
{
    char reason[160];
    snprintf(reason, sizeof reason, "%s (API key %d, version %d)", what, header->api_key,
             header->api_version);
    tarn_request_close(&entry->request, reason);
}

/* ApiVersions of a version from the future is answered in version 0 with the error, so that the
 * client can choose (KIP-511). The handler sees version 0 and no body. */
static bool is_future_api_versions(const struct tarn_api *api, int16_t version)
{
    return api->key == TARN_API_API_VERSIONS && !tarn_api_serves(api, version);
}

static bool has_expired(const struct tarn_connection *connection)
{
    return connection->expires_ms > 0 &&
           (int64_t)uv_now(connection->server->loop) > connection->expires_ms;
}

void dispatch(struct tarn_connection *connection, struct tarn_block *block, const char *data,
              size_t len)
{
    struct entry *entry = entry_new(connection);
    struct tarn_request *request = &entry->request;
    struct tarn_error err = {0};
    struct tarn_wire_reader reader;
    struct tarn_request_header header;
    const struct tarn_api *api = NULL;
    tarn_wire_reader_init(&reader, keep_bytes(entry, block, (struct tarn_text){data, len}));
    if (tarn_request_header_decode(&reader, &header, &api, &err) != TARN_OK) {
        tarn_request_close(request, err.text);
        return;
    }
    const struct tarn_handler *handler = api ? tarn_handler_find(header.api_key) : NULL;
    if (!handler) {
        refuse(entry, &header, "it asked for an API that is not offered");
        return;
    }
    request->api_key = header.api_key;
    request->api_version = header.api_version;
    request->correlation_id = header.correlation_id;
    request->client_id = header.client_id;
    if (connection->sasl && !handler->before_authentication &&
        !connection_authenticated(connection)) {
        refuse(entry, &header, "it did not say who it is (SASL)");
        return;
    }
    if (!handler->before_authentication && has_expired(connection)) {
        tarn_request_close(request, "it did not say again who it is (SASL) in time");
        return;
    }
    if (is_future_api_versions(api, header.api_version)) {
        request->api_version = 0;
        handler->handle(request);
        return;
    }
    if (!tarn_api_serves(api, header.api_version)) {
        refuse(entry, &header, "it asked for a version that is not offered");
        return;
    }
    void *body = tarn_arena_alloc(request->arena, api->request->size_bytes);
    if (tarn_message_decode(api->request, &reader, header.api_version, request->arena, body,
                            &err) != TARN_OK) {
        tarn_request_close(request, err.text);
        return;
    }
    request->body = body;
    handler->handle(request);
}

void dispatch_token(struct tarn_connection *connection, const char *bytes, size_t len)
{
    struct entry *entry = entry_new(connection);
    struct tarn_request *request = &entry->request;
    struct tarn_text answer;
    enum sasl_result result =
        sasl_step(connection->sasl, (struct tarn_text){bytes, len}, request->arena, &answer);
    if (result == SASL_FAILED) {
        tarn_request_close(request, answer.data);
        return;
    }
    if (result == SASL_DONE)
        request_authenticated(request, sasl_user(connection->sasl));
    tarn_wire_write_bytes(&entry->out, answer);
    entry->out_bytes = entry->out.len;
    tarn_request_finish(request);
}
