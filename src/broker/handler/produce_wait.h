/* broker/handler/produce_wait.h -- produce requests that wait until the log has room again.
 *
 * Records come faster than full write-ahead files are copied: the requests stand in a line, in
 * order of arrival, their connections are not read from any more when much stands there, and the
 * loop goes on with everything else. Loop thread. */
#ifndef TARN_BROKER_HANDLER_PRODUCE_WAIT_H
#define TARN_BROKER_HANDLER_PRODUCE_WAIT_H

#include <stdbool.h>
#include <stddef.h>

struct tarn_broker;
struct tarn_produce_waits;
struct tarn_request;

struct tarn_produce_waits *tarn_produce_waits_new(struct tarn_broker *broker);
void tarn_produce_waits_free(struct tarn_produce_waits *waits);
/* Puts the request at the end of the line if there is one, or no room for its records; false: it
 * may go on at once. `resume` is called when its turn has come. */
bool tarn_produce_wait(struct tarn_request *request, size_t size_bytes,
                       void (*resume)(struct tarn_request *request));
/* Lets those go on that there is room for. Before the loop sleeps. */
void tarn_produce_waits_run(struct tarn_produce_waits *waits);

#endif
