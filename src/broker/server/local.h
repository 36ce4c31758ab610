/* broker/server/local.h -- requests of this process itself: handled like those of a connection, but
 * no bytes lie between: the body goes to the handler as it is, the answer comes back as it is.
 * Loop thread.
 *
 * Access rules do not apply to them: whoever is in the process has the files anyway. */
#ifndef TARN_BROKER_SERVER_LOCAL_H
#define TARN_BROKER_SERVER_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct tarn_broker;
struct tarn_request;

/* Called once, inside of tarn_local_send or later. `response` (struct tarn_<api>_response, in the
 * version that was asked for) lives until this returns; with true the request and all that the
 * response points to are kept until tarn_local_release. NULL: it was refused, or the broker stops.
 */
typedef bool tarn_local_answered(void *context, struct tarn_request *request, const void *response);

/* `body` (struct tarn_<api>_request) and what it points to have to stay until the answer. Returns
 * NULL when it has been answered already. */
struct tarn_request *tarn_local_send(struct tarn_broker *broker, int16_t api_key, int16_t version,
                                     struct tarn_text client_id, const void *body,
                                     tarn_local_answered *answered, void *context);
/* A fetch, join or sync that waits: no answer will come. */
void tarn_local_cancel(struct tarn_request *request);
void tarn_local_release(struct tarn_request *request);

#endif
