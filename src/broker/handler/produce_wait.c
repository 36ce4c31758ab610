/* broker/handler/produce_wait.c -- the line of produce requests; see produce_wait.h. */
#include "broker/handler/produce_wait.h"

#include "base/memory.h"
#include "broker/broker_int.h"
#include "broker/log/log.h"
#include "broker/server/request.h"

struct produce_wait {
    struct produce_wait *next, *previous;
    struct tarn_request *request;
    size_t size_bytes;
    void (*resume)(struct tarn_request *request);
};

struct tarn_produce_waits {
    struct tarn_broker *broker;
    struct produce_wait *first, *last;
};

struct tarn_produce_waits *tarn_produce_waits_new(struct tarn_broker *broker)
{
    struct tarn_produce_waits *waits = tarn_alloc(sizeof *waits);
    waits->broker = broker;
    return waits;
}

void tarn_produce_waits_free(struct tarn_produce_waits *waits)
{
    free(waits);
}

static void leave(struct tarn_produce_waits *waits, struct produce_wait *wait)
{
    *(wait->previous ? &wait->previous->next : &waits->first) = wait->next;
    *(wait->next ? &wait->next->previous : &waits->last) = wait->previous;
}

static void on_cancel(struct tarn_request *request, void *context)
{
    leave(tarn_broker_produce_waits(request->broker), context);
}

bool tarn_produce_wait(struct tarn_request *request, size_t size_bytes,
                       void (*resume)(struct tarn_request *request))
{
    struct tarn_produce_waits *waits = tarn_broker_produce_waits(request->broker);
    if (!waits->first && tarn_log_has_room(tarn_broker_log(request->broker), size_bytes))
        return false;
    struct produce_wait *wait = tarn_arena_alloc(request->arena, sizeof *wait);
    *wait = (struct produce_wait){
        .previous = waits->last, .request = request, .size_bytes = size_bytes, .resume = resume};
    *(waits->last ? &waits->last->next : &waits->first) = wait;
    waits->last = wait;
    tarn_request_on_cancel(request, on_cancel, wait);
    return true;
}

void tarn_produce_waits_run(struct tarn_produce_waits *waits)
{
    while (waits->first &&
           tarn_log_has_room(tarn_broker_log(waits->broker), waits->first->size_bytes)) {
        struct produce_wait *wait = waits->first;
        leave(waits, wait);
        tarn_request_on_cancel(wait->request, NULL, NULL);
        wait->resume(wait->request);
    }
}
