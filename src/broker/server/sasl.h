/* broker/server/sasl.h -- who a client says it is: the state of one connection's SASL exchange.
 * Loop thread.
 *
 * PLAIN (RFC 4616), SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, 7677). Tokens come in
 * SaslAuthenticate requests, or, after a SaslHandshake of version 0, as bare frames (sasl_is_bare).
 */
#ifndef TARN_BROKER_SERVER_SASL_H
#define TARN_BROKER_SERVER_SASL_H

#include <stdbool.h>

#include "base/memory.h"
#include "base/text.h"

struct sasl;
struct tarn_broker;
struct tarn_users;

enum sasl_result { SASL_MORE, SASL_DONE, SASL_FAILED };

extern const char *const sasl_mechanisms[];
enum { SASL_MECHANISM_COUNT = 3 };

struct sasl *sasl_new(struct tarn_users *users);
void sasl_free(struct sasl *sasl); /* NULL is fine */
/* Chooses the mechanism; false when it is none of ours or one was chosen before. */
bool sasl_begin(struct sasl *sasl, struct tarn_text mechanism, bool bare);
/* The same once it is done, to say it again (KIP-368): false when the mechanism is another one. The
 * exchange is not done until it has succeeded again, for the same user. */
bool sasl_begin_again(struct sasl *sasl, struct tarn_text mechanism);
bool sasl_begun(const struct sasl *sasl);
bool sasl_is_bare(const struct sasl *sasl);
/* Takes one token; the answer is in the arena. After SASL_FAILED *ret_answer is the reason for the
 * client. */
enum sasl_result sasl_step(struct sasl *sasl, struct tarn_text token, struct tarn_arena *arena,
                           struct tarn_text *ret_answer);
bool sasl_done(const struct sasl *sasl);
const char *sasl_user(const struct sasl *sasl); /* once done */

#endif
