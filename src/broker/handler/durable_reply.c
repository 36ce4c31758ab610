/* broker/handler/durable_reply.c -- waits for the log's sync, then answers. */
#include "broker/handler/durable_reply.h"

#include "broker/broker.h"
#include "broker/log/log.h"

struct waiting {
    struct tarn_request *request;
    void *response;
    void (*failed)(void *response);
};

static void on_durable(void *context, enum tarn_status status)
{
    struct waiting *waiting = context;
    if (status != TARN_OK)
        waiting->failed(waiting->response);
    tarn_request_reply(waiting->request, waiting->response);
}

void tarn_request_reply_durable(struct tarn_request *request, void *response,
                                void (*failed)(void *response))
{
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct waiting *waiting = tarn_arena_alloc(request->arena, sizeof *waiting);
    *waiting = (struct waiting){request, response, failed};
    tarn_log_wait_durable(log, tarn_log_position(log), on_durable, waiting);
}
