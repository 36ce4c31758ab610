/* base/pool.c -- see pool.h. Threads take the next index from a shared counter. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/memory.h"

unsigned tarn_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}

struct loop {
    _Atomic size_t next;
    size_t count;
    void (*work)(void *context, size_t index);
    void *context;
};

static void *run_loop(void *argument)
{
    struct loop *loop = argument;
    for (;;) {
        size_t index = atomic_fetch_add(&loop->next, 1);
        if (index >= loop->count)
            return NULL;
        loop->work(loop->context, index);
    }
}

void tarn_parallel_for(unsigned threads, size_t count, void (*work)(void *context, size_t index),
                       void *context)
{
    struct loop loop = {.count = count, .work = work, .context = context};
    size_t helpers = threads > 1 && count > 1 ? threads - 1 : 0;
    if (helpers > count - (count > 0))
        helpers = count - 1;
    TARN_AUTO_FREE pthread_t *ids = tarn_alloc_array(helpers + 1, sizeof *ids);
    size_t started = 0;
    while (started < helpers && pthread_create(&ids[started], NULL, run_loop, &loop) == 0)
        started++; /* fewer threads than wanted is only slower */
    run_loop(&loop);
    for (size_t i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
}
