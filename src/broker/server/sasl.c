/* broker/server/sasl.c -- see sasl.h. A failed exchange says the same whatever was wrong, so that
 * nobody learns which users there are. */
#include "broker/server/sasl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "broker/server/users.h"

enum { NONCE_BYTES = 18, NONCE_TEXT_BYTES = 25, NAME_MAX_BYTES = 1024 };

enum state { STATE_NEW, STATE_FIRST, STATE_FINAL, STATE_DONE, STATE_FAILED };

struct sasl {
    struct tarn_users *users;
    const char *mechanism;
    bool bare;
    enum state state;
    char *user;
    char *known_user; /* who it has to be again; NULL the first time */
    /* SCRAM, between the client's two messages */
    struct tarn_scram_credential credential;
    char *first_bare, *server_first, *nonce;
    const char *server_nonce; /* the end of nonce, which is ours */
    struct tarn_text gs2;     /* within first */
    char *first;
};

const char *const sasl_mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};

struct sasl *sasl_new(struct tarn_users *users)
{
    struct sasl *sasl = tarn_alloc(sizeof *sasl);
    sasl->users = users;
    return sasl;
}

static void forget_exchange(struct sasl *sasl)
{
    free(sasl->first_bare);
    free(sasl->server_first);
    free(sasl->nonce);
    free(sasl->first);
    sasl->first_bare = sasl->server_first = sasl->nonce = sasl->first = NULL;
}

void sasl_free(struct sasl *sasl)
{
    if (!sasl)
        return;
    forget_exchange(sasl);
    free(sasl->user);
    free(sasl->known_user);
    free(sasl);
}

bool sasl_begin(struct sasl *sasl, struct tarn_text mechanism, bool bare)
{
    if (sasl->state != STATE_NEW)
        return false;
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (!tarn_text_is(mechanism, sasl_mechanisms[i]))
            continue;
        sasl->mechanism = sasl_mechanisms[i];
        sasl->state = STATE_FIRST;
        sasl->bare = bare;
        return true;
    }
    return false;
}

bool sasl_begin_again(struct sasl *sasl, struct tarn_text mechanism)
{
    if (sasl->state != STATE_DONE || !tarn_text_is(mechanism, sasl->mechanism))
        return false;
    forget_exchange(sasl);
    free(sasl->known_user);
    sasl->known_user = sasl->user;
    sasl->user = NULL;
    sasl->bare = false;
    sasl->state = STATE_FIRST;
    return true;
}

bool sasl_begun(const struct sasl *sasl)
{
    return sasl->state == STATE_FIRST || sasl->state == STATE_FINAL;
}

bool sasl_is_bare(const struct sasl *sasl)
{
    return sasl->bare && sasl_begun(sasl);
}

bool sasl_done(const struct sasl *sasl)
{
    return sasl->state == STATE_DONE;
}

const char *sasl_user(const struct sasl *sasl)
{
    return sasl->user;
}

static enum sasl_result fail(struct sasl *sasl, struct tarn_arena *arena,
                             struct tarn_text *ret_answer)
{
    sasl->state = STATE_FAILED;
    *ret_answer = tarn_text_of(tarn_arena_format(arena,
                                                 "Authentication failed during authentication due "
                                                 "to invalid credentials with SASL mechanism %s",
                                                 sasl->mechanism));
    return SASL_FAILED;
}

/* Whoever says again who they are has to be the same. */
static bool has_changed(const struct sasl *sasl, struct tarn_text user)
{
    return sasl->known_user && !tarn_text_is(user, sasl->known_user);
}

/* ---- PLAIN: authzid NUL user NUL password ---- */

static enum sasl_result step_plain(struct sasl *sasl, struct tarn_text token,
                                   struct tarn_arena *arena, struct tarn_text *ret_answer)
{
    const char *end = token.data + token.len;
    const char *first = token.len ? memchr(token.data, 0, token.len) : NULL;
    const char *second = first ? memchr(first + 1, 0, (size_t)(end - first - 1)) : NULL;
    if (!second)
        return fail(sasl, arena, ret_answer);
    struct tarn_text authzid = {token.data, (size_t)(first - token.data)};
    struct tarn_text user = {first + 1, (size_t)(second - first - 1)};
    struct tarn_text password = {second + 1, (size_t)(end - second - 1)};
    bool other = authzid.len > 0 && !tarn_text_equal(authzid, user);
    if (user.len == 0 || user.len > NAME_MAX_BYTES || other || has_changed(sasl, user) ||
        !tarn_users_password_ok(sasl->users, user, password))
        return fail(sasl, arena, ret_answer);
    sasl->user = tarn_strndup(user.data, user.len);
    sasl->state = STATE_DONE;
    *ret_answer = TARN_TEXT("");
    return SASL_DONE;
}

/* ---- SCRAM ---- */

static char *base64(struct tarn_arena *arena, const void *bytes, size_t len)
{
    char *out = tarn_arena_alloc(arena, len / 3 * 4 + 5);
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
    return out;
}

/* Decodes into `out`, whose size has to be the exact result; false otherwise. */
static bool unbase64(struct tarn_text text, uint8_t *out, size_t len)
{
    uint8_t decoded[2 * TARN_SCRAM_KEY_MAX_BYTES];
    if (text.len % 4 != 0 || text.len / 4 * 3 > sizeof decoded)
        return false;
    int got = EVP_DecodeBlock(decoded, (const unsigned char *)text.data, (int)text.len);
    size_t padding = tarn_text_ends(text, "==") ? 2 : tarn_text_ends(text, "=") ? 1 : 0;
    if (got < 0 || (size_t)got - padding != len)
        return false;
    memcpy(out, decoded, len);
    return true;
}

/* The attribute `name` at the front of *rest ("r=..."), which moves behind it. */
static bool attribute(struct tarn_text *rest, char name, struct tarn_text *ret_value)
{
    struct tarn_text part;
    if (!tarn_text_split(rest, ',', &part) || part.len < 2 || part.data[0] != name ||
        part.data[1] != '=')
        return false;
    *ret_value = (struct tarn_text){part.data + 2, part.len - 2};
    return true;
}

/* "=2C" is a comma and "=3D" an equals sign in names. */
static char *unescape_name(struct tarn_text name)
{
    char *out = tarn_alloc(name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool escaped = name.data[i] == '=' && i + 2 < name.len;
        if (escaped && memcmp(name.data + i, "=2C", 3) == 0)
            out[len++] = ',';
        else if (escaped && memcmp(name.data + i, "=3D", 3) == 0)
            out[len++] = '=';
        else {
            out[len++] = name.data[i];
            continue;
        }
        i += 2;
    }
    return out;
}

static enum tarn_scram_mechanism scram_mechanism(const struct sasl *sasl)
{
    return strcmp(sasl->mechanism, "SCRAM-SHA-512") == 0 ? TARN_SCRAM_SHA_512 : TARN_SCRAM_SHA_256;
}

/* "n,[a=authzid],n=user,r=nonce[,extensions]" -> "r=nonce...,s=salt,i=iterations" */
static enum sasl_result scram_first(struct sasl *sasl, struct tarn_text token,
                                    struct tarn_arena *arena, struct tarn_text *ret_answer)
{
    struct tarn_text binding, authzid, name, nonce, rest;
    char random[NONCE_BYTES];
    sasl->first = tarn_strndup(token.data, token.len);
    rest = (struct tarn_text){sasl->first, token.len};
    if (!tarn_text_split(&rest, ',', &binding) || !tarn_text_split(&rest, ',', &authzid) ||
        !(tarn_text_is(binding, "n") || tarn_text_is(binding, "y")))
        return fail(sasl, arena, ret_answer);
    sasl->gs2 = (struct tarn_text){sasl->first, token.len - rest.len};
    sasl->first_bare = tarn_strndup(rest.data, rest.len);
    if (!attribute(&rest, 'n', &name) || !attribute(&rest, 'r', &nonce) || name.len == 0 ||
        name.len > NAME_MAX_BYTES || memchr(name.data, 0, name.len) || nonce.len == 0)
        return fail(sasl, arena, ret_answer);
    free(sasl->user);
    sasl->user = unescape_name(name);
    const struct tarn_scram_credential *known =
        tarn_users_find(sasl->users, tarn_text_of(sasl->user), scram_mechanism(sasl));
    if (!known || has_changed(sasl, tarn_text_of(sasl->user)))
        return fail(sasl, arena, ret_answer);
    sasl->credential = *known;
    tarn_random_bytes(random, sizeof random);
    sasl->nonce =
        tarn_format("%.*s%s", TARN_TEXT_ARGS(nonce), base64(arena, random, sizeof random));
    sasl->server_nonce = sasl->nonce + nonce.len;
    sasl->server_first =
        tarn_format("r=%s,s=%s,i=%d", sasl->nonce, base64(arena, known->salt, known->salt_len),
                    known->iterations);
    sasl->state = STATE_FINAL;
    *ret_answer = tarn_text_of(tarn_arena_strdup(arena, sasl->server_first));
    return SASL_MORE;
}

static bool proof_fits(const struct sasl *sasl, struct tarn_text auth_message,
                       struct tarn_text proof)
{
    const struct tarn_scram_credential *credential = &sasl->credential;
    uint8_t signature[TARN_SCRAM_KEY_MAX_BYTES], client_key[TARN_SCRAM_KEY_MAX_BYTES];
    uint8_t hash[TARN_SCRAM_KEY_MAX_BYTES];
    if (!unbase64(proof, client_key, credential->key_len))
        return false;
    tarn_scram_hmac(credential->mechanism,
                    (struct tarn_text){(const char *)credential->stored_key, credential->key_len},
                    auth_message, signature);
    for (size_t i = 0; i < credential->key_len; i++)
        client_key[i] ^= signature[i];
    tarn_scram_hash(credential->mechanism,
                    (struct tarn_text){(const char *)client_key, credential->key_len}, hash);
    return CRYPTO_memcmp(hash, credential->stored_key, credential->key_len) == 0;
}

/* "c=header,r=nonce,p=proof" -> "v=signature". Of the nonce only our part is compared, as Kafka
 * does: librdkafka 2.0 sends its own part twice. The proof covers all of it. */
static enum sasl_result scram_final(struct sasl *sasl, struct tarn_text token,
                                    struct tarn_arena *arena, struct tarn_text *ret_answer)
{
    struct tarn_text rest = token, channel, nonce;
    const struct tarn_scram_credential *credential = &sasl->credential;
    uint8_t signature[TARN_SCRAM_KEY_MAX_BYTES];
    const char *proof = NULL;
    for (size_t i = 0; i + 3 <= token.len; i++)
        if (memcmp(token.data + i, ",p=", 3) == 0)
            proof = token.data + i;
    if (!proof || !attribute(&rest, 'c', &channel) || !attribute(&rest, 'r', &nonce) ||
        !tarn_text_is(channel, base64(arena, sasl->gs2.data, sasl->gs2.len)) ||
        !tarn_text_ends(nonce, sasl->server_nonce))
        return fail(sasl, arena, ret_answer);
    struct tarn_text without_proof = {token.data, (size_t)(proof - token.data)};
    struct tarn_text proof_text = {proof + 3, token.len - without_proof.len - 3};
    struct tarn_text auth_message = tarn_text_of(tarn_arena_format(
        arena, "%s,%s,%.*s", sasl->first_bare, sasl->server_first, TARN_TEXT_ARGS(without_proof)));
    if (!proof_fits(sasl, auth_message, proof_text))
        return fail(sasl, arena, ret_answer);
    tarn_scram_hmac(credential->mechanism,
                    (struct tarn_text){(const char *)credential->server_key, credential->key_len},
                    auth_message, signature);
    *ret_answer = tarn_text_of(
        tarn_arena_format(arena, "v=%s", base64(arena, signature, credential->key_len)));
    sasl->state = STATE_DONE;
    return SASL_DONE;
}

enum sasl_result sasl_step(struct sasl *sasl, struct tarn_text token, struct tarn_arena *arena,
                           struct tarn_text *ret_answer)
{
    if (strcmp(sasl->mechanism, "PLAIN") == 0)
        return step_plain(sasl, token, arena, ret_answer);
    return sasl->state == STATE_FINAL ? scram_final(sasl, token, arena, ret_answer)
                                      : scram_first(sasl, token, arena, ret_answer);
}
