/* broker/server/server.h -- the listeners and connections of one broker. Loop thread. */
#ifndef TARN_BROKER_SERVER_SERVER_H
#define TARN_BROKER_SERVER_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tarn_broker;
struct tarn_server;

/* Binds the listeners of the broker's options; accepts nothing yet. */
CHECKED enum tarn_status tarn_server_open(struct tarn_broker *broker,
                                          struct tarn_server **ret_server, struct tarn_error *err);
void tarn_server_start(struct tarn_server *server);
/* Accepts and reads no more, cancels what is parked, answers what is in flight; then calls
 * `drained`. What is not answered after `timeout_ms` is cut off. */
void tarn_server_drain(struct tarn_server *server, int64_t timeout_ms,
                       void (*drained)(void *context), void *context);
/* Closes all handles; the loop has to run until they are closed before tarn_server_free. */
void tarn_server_close(struct tarn_server *server);
void tarn_server_free(struct tarn_server *server); /* NULL is fine */

size_t tarn_server_listener_count(const struct tarn_server *server);
const char *tarn_server_listener_name(const struct tarn_server *server, size_t index);
int tarn_server_listener_port(const struct tarn_server *server, size_t index);

#endif
