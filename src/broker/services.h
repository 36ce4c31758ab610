/* broker/services.h -- what listens beside a broker: the schema registry and the REST proxy.
 *
 * Both are clients of the broker through broker/topic.h, opened when the first request comes, so
 * that a broker whose services nobody asks neither starts slower nor holds more. */
#ifndef TARN_BROKER_SERVICES_H
#define TARN_BROKER_SERVICES_H

#include <stdint.h>

#include "base/error.h"

struct tarn_broker;
struct tarn_registry;
struct tarn_services;

enum { TARN_SERVICE_OFF = -1 };

struct tarn_services_options {
    const char *host; /* NULL: 127.0.0.1 */
    /* 0: any free one; TARN_SERVICE_OFF: does not listen. */
    int registry_port, rest_port;
};

/* Listens; the broker must serve before the first request can be answered, and be closed after the
 * services. Errors: as tarn_http_server_open. */
CHECKED enum tarn_status tarn_services_open(struct tarn_broker *broker,
                                            const struct tarn_services_options *options,
                                            struct tarn_services **ret_services,
                                            struct tarn_error *err);
/* TARN_SERVICE_OFF when it does not listen. */
int tarn_services_registry_port(const struct tarn_services *services);
int tarn_services_rest_port(const struct tarn_services *services);
struct tarn_registry *tarn_services_registry(struct tarn_services *services);
/* Lets running requests end; the broker must still serve. NULL is fine. */
void tarn_services_close(struct tarn_services *services);

#endif
