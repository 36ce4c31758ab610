/* broker/handler/durable_reply.h -- answers that promise something wait until it is on disk. */
#ifndef TARN_BROKER_HANDLER_DURABLE_REPLY_H
#define TARN_BROKER_HANDLER_DURABLE_REPLY_H

#include "broker/server/request.h"

/* Answers with `response` (in the request's arena) when all that was committed so far is durable.
 * When the sync fails, `failed` puts the error into the response first. */
void tarn_request_reply_durable(struct tarn_request *request, void *response,
                                void (*failed)(void *response));

/* The same for what was committed up to `position` (0: answers now). When the sync fails the
 * connection is closed: what became of the request is not known. */
void tarn_request_reply_at(struct tarn_request *request, uint64_t position, void *response);

#endif
