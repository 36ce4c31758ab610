/* broker/server/local.c -- see local.h. The requests stand in a list of the server, so that those
 * which wait hear of its end. */
#include "broker/server/local.h"

#include <assert.h>

#include "broker/handler/handlers.h"
#include "broker/server/server_int.h"

struct tarn_request *tarn_local_send(struct tarn_broker *broker, int16_t api_key, int16_t version,
                                     struct tarn_text client_id, const void *body,
                                     tarn_local_answered *answered, void *context)
{
    struct tarn_server *server = tarn_broker_server(broker);
    if (server->draining) {
        (void)answered(context, NULL, NULL);
        return NULL;
    }
    struct entry *entry = entry_new_local(server, answered, context);
    struct tarn_request *request = &entry->request;
    bool was_answered = false;
    request->api_key = api_key;
    request->api_version = version;
    request->client_id = client_id;
    request->body = body;
    entry->local.was_answered = &was_answered;
    tarn_handler_find(api_key)->handle(request);
    if (was_answered)
        return NULL;
    entry->local.was_answered = NULL;
    return request;
}

void tarn_local_cancel(struct tarn_request *request)
{
    struct entry *entry = (struct entry *)(void *)request;
    assert(entry->cancel);
    entry->cancel(request, entry->cancel_context);
    tarn_local_release(request);
}

void tarn_local_release(struct tarn_request *request)
{
    struct entry *entry = (struct entry *)(void *)request;
    local_leave(entry);
    entry_free(tarn_broker_server(request->broker), entry);
}

bool local_answered(struct entry *entry, const void *response)
{
    struct local local = entry->local;
    local_leave(entry);
    if (local.was_answered)
        *local.was_answered = true;
    return local.answered(local.context, &entry->request, response);
}

void local_enter(struct entry *entry)
{
    struct tarn_server *server = tarn_broker_server(entry->request.broker);
    entry->local.next = server->local;
    entry->local.previous = NULL;
    if (server->local)
        server->local->local.previous = entry;
    server->local = entry;
}

void local_leave(struct entry *entry)
{
    struct local *local = &entry->local;
    struct tarn_server *server = tarn_broker_server(entry->request.broker);
    if (local->previous)
        local->previous->local.next = local->next;
    else if (server->local == entry)
        server->local = local->next;
    if (local->next)
        local->next->local.previous = local->previous;
    local->next = local->previous = NULL;
}

void local_drain(struct tarn_server *server)
{
    for (struct entry *entry = server->local; entry;) {
        struct entry *next = entry->local.next;
        if (entry->cancel) { /* what waits for the disk is answered still */
            entry->cancel(&entry->request, entry->cancel_context);
            tarn_request_reply(&entry->request, NULL);
        }
        entry = next;
    }
}
