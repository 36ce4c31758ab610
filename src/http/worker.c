/* http/worker.c -- the threads that run handlers: started one by one when requests wait and none is
 * free, asleep on a condition otherwise. */
#include <assert.h>

#include "http/server_int.h"

enum { STACK_BYTES = 1 << 20 };

struct tarn_http_workers {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*run)(struct tarn_http_reply *);
    struct tarn_http_reply *first, *last;
    unsigned max_threads, started, idle, waiting;
    bool stopping;
    pthread_t threads[];
};

struct tarn_http_workers *tarn_http_workers_new(unsigned max_threads,
                                                void (*run)(struct tarn_http_reply *))
{
    struct tarn_http_workers *workers =
        tarn_alloc(sizeof *workers + max_threads * sizeof(pthread_t));
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->run = run;
    workers->max_threads = max_threads;
    return workers;
}

static struct tarn_http_reply *take(struct tarn_http_workers *workers)
{
    struct tarn_http_reply *reply = workers->first;
    workers->first = reply->next;
    if (!workers->first)
        workers->last = NULL;
    workers->waiting--;
    return reply;
}

static void *work(void *argument)
{
    struct tarn_http_workers *workers = argument;
    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        while (!workers->first && !workers->stopping) {
            workers->idle++;
            pthread_cond_wait(&workers->changed, &workers->mutex);
            workers->idle--;
        }
        if (!workers->first)
            break;
        struct tarn_http_reply *reply = take(workers);
        pthread_mutex_unlock(&workers->mutex);
        workers->run(reply);
        pthread_mutex_lock(&workers->mutex);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

/* False when the system gives no thread and there is none yet that could do the work. */
static bool start_thread(struct tarn_http_workers *workers)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&workers->threads[workers->started], &attributes, work, workers) == 0)
        workers->started++;
    pthread_attr_destroy(&attributes);
    return workers->started > 0;
}

bool tarn_http_workers_put(struct tarn_http_workers *workers, struct tarn_http_reply *reply)
{
    pthread_mutex_lock(&workers->mutex);
    bool taken = !workers->stopping;
    if (taken && workers->waiting >= workers->idle && workers->started < workers->max_threads)
        taken = start_thread(workers);
    if (taken) {
        reply->next = NULL;
        if (workers->last)
            workers->last->next = reply;
        else
            workers->first = reply;
        workers->last = reply;
        workers->waiting++;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->mutex);
    return taken;
}

void tarn_http_workers_stop(struct tarn_http_workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->started; i++)
        pthread_join(workers->threads[i], NULL);
    workers->started = 0;
}

void tarn_http_workers_free(struct tarn_http_workers *workers)
{
    if (!workers)
        return;
    assert(!workers->first);
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}
