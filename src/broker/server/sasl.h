/* broker/server/sasl.h -- who a client says it is: the state of one connection's SASL exchange.
 * Loop thread. */
#ifndef TARN_BROKER_SERVER_SASL_H
#define TARN_BROKER_SERVER_SASL_H

#include <stdbool.h>

struct sasl;
struct tarn_broker;

struct sasl *sasl_new(struct tarn_broker *broker);
void sasl_free(struct sasl *sasl); /* NULL is fine */
bool sasl_done(const struct sasl *sasl);

#endif
