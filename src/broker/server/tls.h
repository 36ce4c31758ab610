/* broker/server/tls.h -- TLS on a connection's socket with OpenSSL. Loop thread. */
#ifndef TARN_BROKER_SERVER_TLS_H
#define TARN_BROKER_SERVER_TLS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct tarn_listener_options;
struct tls;
struct tls_context;

/* Reads the certificate and key. CONFIG when they are missing or do not fit. */
CHECKED enum tarn_status tls_context_open(const struct tarn_listener_options *options,
                                          struct tls_context **ret_context, struct tarn_error *err);
void tls_context_free(struct tls_context *context); /* NULL is fine */

struct tls *tls_new(struct tls_context *context, int fd);
void tls_free(struct tls *tls); /* NULL is fine */
/* Like recv and send on a non-blocking socket: -1 with errno EAGAIN when it would block. A
 * handshake happens in them; `tls_wants_write` says that a read waits for room to write. */
ssize_t tls_read(struct tls *tls, void *into, size_t len);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t len);
bool tls_wants_write(const struct tls *tls);
/* Decrypted bytes that are waiting, for which the socket will not become readable. */
bool tls_pending(const struct tls *tls);
/* The subject of the client's certificate ("CN=alice,O=x"), NULL without one; free with free(). */
char *tls_peer_name(const struct tls *tls);

#endif
