/* broker/services.c -- see services.h. Requests come on the HTTP servers' threads. */
#include "broker/services.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/registry/registry.h"
#include "broker/rest/rest.h"
#include "broker/topic.h"
#include "http/server.h"

enum loading { NOT_LOADED, LOAD_RUNS, LOAD_ENDED, LOADED };

struct tarn_services {
    _Atomic int loading; /* enum loading, of the registry's schemas for checks */
    pthread_t loader;    /* unless NOT_LOADED */
    struct tarn_broker *broker;
    pthread_mutex_t mutex; /* guards the opening of what follows */
    struct tarn_topics *topics;
    struct tarn_registry_store store; /* behind the lazy one */
    bool has_store;
    struct tarn_registry *registry;
    struct tarn_http_server *registry_server;
    struct tarn_rest *rest;
};

static enum tarn_status open_topics(struct tarn_services *services, struct tarn_error *err)
{
    enum tarn_status status = TARN_OK;
    pthread_mutex_lock(&services->mutex);
    if (!services->topics) {
        const struct tarn_topics_options options = {
            .address = "embedded", .broker = services->broker, .client_id = "tarn-services"};
        status = tarn_topics_open(&options, &services->topics, err);
    }
    if (status == TARN_OK && !services->has_store) {
        tarn_registry_topic_store(services->topics, &services->store);
        services->has_store = true;
    }
    pthread_mutex_unlock(&services->mutex);
    return status;
}

static enum tarn_status give_topics(void *context, struct tarn_topics **ret_topics,
                                    struct tarn_error *err)
{
    struct tarn_services *services = context;
    TARN_TRY(open_topics(services, err));
    *ret_topics = services->topics;
    return TARN_OK;
}

static enum tarn_status append(void *context, struct tarn_text key, struct tarn_text value,
                               struct tarn_error *err)
{
    struct tarn_services *services = context;
    TARN_TRY(open_topics(services, err));
    return services->store.append(services->store.context, key, value, err);
}

static enum tarn_status
replay(void *context, void (*apply)(void *registry, struct tarn_text key, struct tarn_text value),
       void *registry, struct tarn_error *err)
{
    struct tarn_services *services = context;
    TARN_TRY(open_topics(services, err));
    return services->store.replay(services->store.context, apply, registry, err);
}

static void close_store(void *context)
{
    struct tarn_services *services = context;
    if (services->has_store)
        services->store.close(services->store.context);
    services->has_store = false;
}

static enum tarn_status open_rest(struct tarn_services *services,
                                  const struct tarn_services_options *options,
                                  struct tarn_error *err)
{
    const struct tarn_rest_options rest = {
        .topics = give_topics,
        .context = services,
        .registry = services->registry,
        .host = options->host,
        .port = (uint16_t)options->rest_port,
        .cluster_id = tarn_broker_cluster_id(services->broker),
        .broker_port = (uint16_t)tarn_broker_listener_port(services->broker, 0)};
    return tarn_rest_open(&rest, &services->rest, err);
}

/* Reads the schemas when the first record has to be checked: not before, so that a broker whose
 * topics ask for no check neither starts slower nor holds more. A failure is tried again with the
 * next record. */
static void *load_registry(void *context)
{
    struct tarn_services *services = context;
    struct tarn_error err = {0};
    enum tarn_status status = tarn_registry_load(services->registry, &err);
    if (status != TARN_OK)
        tarn_log(TARN_LOG_ERROR, "records cannot be checked: the registry's schemas were not read",
                 TARN_LOG_STR("reason", err.text));
    atomic_store(&services->loading, status == TARN_OK ? LOADED : LOAD_ENDED);
    return NULL;
}

static enum tarn_record_verdict check_record(void *context, struct tarn_text topic, bool is_key,
                                             struct tarn_text bytes)
{
    struct tarn_services *services = context;
    int loading = atomic_load(&services->loading);
    if (loading == LOADED)
        return tarn_registry_accepts(services->registry, topic, is_key, bytes)
                   ? TARN_RECORD_TAKEN
                   : TARN_RECORD_REFUSED;
    if (loading == LOAD_ENDED)
        pthread_join(services->loader, NULL); /* it has ended: this does not wait */
    if (loading != LOAD_RUNS) {
        atomic_store(&services->loading, LOAD_RUNS);
        if (pthread_create(&services->loader, NULL, load_registry, services) != 0)
            atomic_store(&services->loading, NOT_LOADED);
    }
    return TARN_RECORD_UNDECIDED;
}

enum tarn_status tarn_services_open(struct tarn_broker *broker,
                                    const struct tarn_services_options *options,
                                    struct tarn_services **ret_services, struct tarn_error *err)
{
    struct tarn_services *services = tarn_alloc(sizeof *services);
    services->broker = broker;
    pthread_mutex_init(&services->mutex, NULL);
    const struct tarn_registry_store lazy = {append, replay, close_store, services};
    services->registry = tarn_registry_open(&lazy);
    tarn_broker_set_record_check(broker, check_record, services);
    enum tarn_status status = TARN_OK;
    if (options->registry_port != TARN_SERVICE_OFF)
        status =
            tarn_registry_serve(services->registry, options->host, (uint16_t)options->registry_port,
                                &services->registry_server, err);
    if (status != TARN_OK)
        (void)tarn_error_wrap(err, "starting the schema registry");
    if (status == TARN_OK && options->rest_port != TARN_SERVICE_OFF)
        status = open_rest(services, options, err);
    if (status != TARN_OK) {
        tarn_services_close(services);
        return status;
    }
    *ret_services = services;
    return TARN_OK;
}

int tarn_services_registry_port(const struct tarn_services *services)
{
    return services->registry_server ? tarn_http_server_port(services->registry_server)
                                     : TARN_SERVICE_OFF;
}

int tarn_services_rest_port(const struct tarn_services *services)
{
    return services->rest ? tarn_rest_port(services->rest) : TARN_SERVICE_OFF;
}

struct tarn_registry *tarn_services_registry(struct tarn_services *services)
{
    return services->registry;
}

static void forget_check(struct tarn_broker *broker, void *context)
{
    (void)context;
    tarn_broker_set_record_check(broker, NULL, NULL);
}

void tarn_services_close(struct tarn_services *services)
{
    struct tarn_error err;
    if (!services)
        return;
    if (tarn_broker_call(services->broker, forget_check, NULL, &err) != TARN_OK)
        forget_check(services->broker, NULL); /* its loop does not run */
    if (atomic_load(&services->loading) != NOT_LOADED)
        pthread_join(services->loader, NULL);
    tarn_rest_close(services->rest);
    tarn_http_server_close(services->registry_server);
    tarn_registry_close(services->registry);
    tarn_topics_close(services->topics);
    pthread_mutex_destroy(&services->mutex);
    free(services);
}
