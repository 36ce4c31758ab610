/* broker/server/users.h -- who may log in: the users of the options, and those that clients have
 * made. Loop thread.
 *
 * What is kept of a password is what SCRAM keeps (RFC 5802): salt, iterations, two keys, from which
 * the password does not follow. Users that clients make with AlterUserScramCredentials are keys of
 * the journal: "user/1/<name>" for SCRAM-SHA-256, "user/2/<name>" for SCRAM-SHA-512. Those of the
 * options are derived when somebody logs in. */
#ifndef TARN_BROKER_SERVER_USERS_H
#define TARN_BROKER_SERVER_USERS_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct tarn_broker_options;
struct tarn_log;
struct tarn_users;

enum tarn_scram_mechanism { TARN_SCRAM_SHA_256 = 1, TARN_SCRAM_SHA_512 = 2 }; /* Kafka's codes */
enum {
    TARN_SCRAM_KEY_MAX_BYTES = 64,
    TARN_SCRAM_SALT_MAX_BYTES = 256,
    TARN_SCRAM_ITERATIONS_MIN = 4096,
    TARN_SCRAM_ITERATIONS_MAX = 16384,
};

struct tarn_scram_credential {
    enum tarn_scram_mechanism mechanism;
    int32_t iterations;
    size_t salt_len, key_len;
    uint8_t salt[TARN_SCRAM_SALT_MAX_BYTES];
    uint8_t stored_key[TARN_SCRAM_KEY_MAX_BYTES];
    uint8_t server_key[TARN_SCRAM_KEY_MAX_BYTES];
};

/* Reads the journal; `options` has to live as long. */
CHECKED enum tarn_status tarn_users_open(struct tarn_log *log,
                                         const struct tarn_broker_options *options,
                                         struct tarn_users **ret_users, struct tarn_error *err);
void tarn_users_free(struct tarn_users *users); /* NULL is fine */

/* NULL when there is no such user, or not for that mechanism. Valid until the next change. */
const struct tarn_scram_credential *tarn_users_find(struct tarn_users *users, struct tarn_text name,
                                                    enum tarn_scram_mechanism mechanism);
bool tarn_users_password_ok(struct tarn_users *users, struct tarn_text name,
                            struct tarn_text password);
/* Names of all users that the journal has, sorted, each once, in the arena. */
size_t tarn_users_names(struct tarn_users *users, struct tarn_arena *arena,
                        struct tarn_text **ret_names);

/* What a client sends: the salted password, from which the keys follow. */
void tarn_scram_credential_make(enum tarn_scram_mechanism mechanism, struct tarn_text salt,
                                int32_t iterations, struct tarn_text salted_password,
                                struct tarn_scram_credential *ret_credential);
CHECKED enum tarn_status tarn_users_put(struct tarn_users *users, struct tarn_text name,
                                        const struct tarn_scram_credential *credential,
                                        struct tarn_error *err);
CHECKED enum tarn_status tarn_users_delete(struct tarn_users *users, struct tarn_text name,
                                           enum tarn_scram_mechanism mechanism,
                                           struct tarn_error *err);

/* ---- the arithmetic of RFC 5802, for both sides ---- */

size_t tarn_scram_key_bytes(enum tarn_scram_mechanism mechanism); /* 32, 64 */
/* Hi(): PBKDF2 with HMAC. */
void tarn_scram_salt_password(enum tarn_scram_mechanism mechanism, struct tarn_text password,
                              struct tarn_text salt, int32_t iterations,
                              uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES]);
void tarn_scram_hmac(enum tarn_scram_mechanism mechanism, struct tarn_text key,
                     struct tarn_text bytes, uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES]);
void tarn_scram_hash(enum tarn_scram_mechanism mechanism, struct tarn_text bytes,
                     uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES]);

#endif
