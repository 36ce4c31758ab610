/* broker/handler/durable_reply.c -- waits for the log's sync, then answers. */
#include "broker/handler/durable_reply.h"

#include "broker/broker.h"
#include "broker/log/log.h"

struct waiting {
    struct tarn_request *request;
    void *response;
    void (*failed)(void *response); /* NULL: closes the connection */
};

static void on_durable(void *context, enum tarn_status status)
{
    struct waiting *waiting = context;
    tarn_request_on_cancel(waiting->request, NULL, NULL);
    if (status != TARN_OK && !waiting->failed) {
        tarn_request_close(waiting->request, "what it asked for could not be made durable");
        return;
    }
    if (status != TARN_OK)
        waiting->failed(waiting->response);
    tarn_request_reply(waiting->request, waiting->response);
}

static void on_cancel(struct tarn_request *request, void *context)
{
    tarn_log_cancel_wait(tarn_broker_log(request->broker), context);
}

static void wait_for(struct tarn_request *request, uint64_t position, void *response,
                     void (*failed)(void *response))
{
    struct waiting *waiting = tarn_arena_alloc(request->arena, sizeof *waiting);
    *waiting = (struct waiting){request, response, failed};
    tarn_request_on_cancel(request, on_cancel, waiting);
    tarn_log_wait_durable(tarn_broker_log(request->broker), position, on_durable, waiting);
}

void tarn_request_reply_durable(struct tarn_request *request, void *response,
                                void (*failed)(void *response))
{
    wait_for(request, tarn_log_position(tarn_broker_log(request->broker)), response, failed);
}

void tarn_request_reply_at(struct tarn_request *request, uint64_t position, void *response)
{
    if (position == 0)
        tarn_request_reply(request, response);
    else
        wait_for(request, position, response, NULL);
}
