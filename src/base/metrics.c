/* base/metrics.c -- see metrics.h. */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tarn_counter *registry; /* sorted by name */

static void register_counter(struct tarn_counter *counter)
{
    pthread_mutex_lock(&registry_lock);
    if (!atomic_load(&counter->registered)) {
        struct tarn_counter **at = &registry;
        while (*at && strcmp((*at)->name, counter->name) < 0)
            at = &(*at)->next;
        counter->next = *at;
        *at = counter;
        atomic_store(&counter->registered, 1);
    }
    pthread_mutex_unlock(&registry_lock);
}

void tarn_counter_add(struct tarn_counter *counter, int64_t amount)
{
    if (!atomic_load_explicit(&counter->registered, memory_order_relaxed))
        register_counter(counter);
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

void tarn_metrics_write(struct tarn_buffer *out)
{
    pthread_mutex_lock(&registry_lock);
    for (struct tarn_counter *c = registry; c; c = c->next)
        tarn_buffer_printf(out, "# HELP %s %s\n# TYPE %s counter\n%s %" PRId64 "\n", c->name,
                           c->help, c->name, c->name, atomic_load(&c->value));
    pthread_mutex_unlock(&registry_lock);
}
