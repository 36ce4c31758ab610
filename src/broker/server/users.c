/* broker/server/users.c -- see users.h. Journal values: version i8 = 1, iterations i32, then salt,
 * stored key and server key as bytes (Kafka's wire forms). */
#include "broker/server/users.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/hash.h"
#include "broker/broker.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/protocol/wire.h"

enum {
    VALUE_VERSION = 1,
    VALUE_MAX_BYTES = 4096,
    SALT_BYTES = 24,
    PREFIX_BYTES = 7 /* "user/1/" */
};

struct user {
    char *name;
    struct tarn_scram_credential credential;
};

struct tarn_users {
    struct tarn_log *log;
    const struct tarn_broker_options *options;
    struct user *users; /* in order of name and mechanism */
    size_t count, cap;
};

/* ---- arithmetic ---- */

static const EVP_MD *digest_of(enum tarn_scram_mechanism mechanism)
{
    return mechanism == TARN_SCRAM_SHA_512 ? EVP_sha512() : EVP_sha256();
}

size_t tarn_scram_key_bytes(enum tarn_scram_mechanism mechanism)
{
    return mechanism == TARN_SCRAM_SHA_512 ? 64 : 32;
}

void tarn_scram_salt_password(enum tarn_scram_mechanism mechanism, struct tarn_text password,
                              struct tarn_text salt, int32_t iterations,
                              uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES])
{
    int done = PKCS5_PBKDF2_HMAC(password.data, (int)password.len, (const uint8_t *)salt.data,
                                 (int)salt.len, iterations, digest_of(mechanism),
                                 (int)tarn_scram_key_bytes(mechanism), ret_key);
    assert(done == 1);
}

void tarn_scram_hmac(enum tarn_scram_mechanism mechanism, struct tarn_text key,
                     struct tarn_text bytes, uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES])
{
    unsigned len = 0;
    HMAC(digest_of(mechanism), key.data, (int)key.len, (const uint8_t *)bytes.data, bytes.len,
         ret_key, &len);
}

void tarn_scram_hash(enum tarn_scram_mechanism mechanism, struct tarn_text bytes,
                     uint8_t ret_key[TARN_SCRAM_KEY_MAX_BYTES])
{
    unsigned len = 0;
    int done = EVP_Digest(bytes.data, bytes.len, ret_key, &len, digest_of(mechanism), NULL);
    assert(done == 1);
}

void tarn_scram_credential_make(enum tarn_scram_mechanism mechanism, struct tarn_text salt,
                                int32_t iterations, struct tarn_text salted_password,
                                struct tarn_scram_credential *ret_credential)
{
    uint8_t client_key[TARN_SCRAM_KEY_MAX_BYTES];
    assert(salt.len <= TARN_SCRAM_SALT_MAX_BYTES);
    *ret_credential = (struct tarn_scram_credential){.mechanism = mechanism,
                                                     .iterations = iterations,
                                                     .salt_len = salt.len,
                                                     .key_len = tarn_scram_key_bytes(mechanism)};
    memcpy(ret_credential->salt, salt.data, salt.len);
    tarn_scram_hmac(mechanism, salted_password, TARN_TEXT("Client Key"), client_key);
    tarn_scram_hash(mechanism,
                    (struct tarn_text){(const char *)client_key, ret_credential->key_len},
                    ret_credential->stored_key);
    tarn_scram_hmac(mechanism, salted_password, TARN_TEXT("Server Key"),
                    ret_credential->server_key);
}

static void make_from_password(enum tarn_scram_mechanism mechanism, struct tarn_text password,
                               struct tarn_text salt, int32_t iterations,
                               struct tarn_scram_credential *ret_credential)
{
    uint8_t salted[TARN_SCRAM_KEY_MAX_BYTES];
    tarn_scram_salt_password(mechanism, password, salt, iterations, salted);
    tarn_scram_credential_make(
        mechanism, salt, iterations,
        (struct tarn_text){(const char *)salted, tarn_scram_key_bytes(mechanism)}, ret_credential);
}

/* ---- in memory ---- */

static int order_of(const struct user *user, struct tarn_text name,
                    enum tarn_scram_mechanism mechanism)
{
    size_t len = strlen(user->name), common = len < name.len ? len : name.len;
    int order = memcmp(user->name, name.data, common);
    if (order == 0)
        order = (len > name.len) - (len < name.len);
    return order ? order : (int)user->credential.mechanism - (int)mechanism;
}

static size_t place_of(const struct tarn_users *users, struct tarn_text name,
                       enum tarn_scram_mechanism mechanism)
{
    size_t place = 0;
    while (place < users->count && order_of(&users->users[place], name, mechanism) < 0)
        place++;
    return place;
}

static struct user *find(const struct tarn_users *users, struct tarn_text name,
                         enum tarn_scram_mechanism mechanism)
{
    size_t place = place_of(users, name, mechanism);
    bool found = place < users->count && order_of(&users->users[place], name, mechanism) == 0;
    return found ? &users->users[place] : NULL;
}

static void set(struct tarn_users *users, struct tarn_text name,
                const struct tarn_scram_credential *credential)
{
    struct user *user = find(users, name, credential->mechanism);
    if (!user) {
        size_t place = place_of(users, name, credential->mechanism);
        TARN_RESERVE(users->users, users->cap, users->count + 1);
        user = &users->users[place];
        memmove(user + 1, user, (users->count - place) * sizeof *user);
        user->name = tarn_strndup(name.data, name.len);
        users->count++;
    }
    user->credential = *credential;
}

static void take_out(struct tarn_users *users, struct user *user)
{
    size_t place = (size_t)(user - users->users);
    free(user->name);
    users->count--;
    memmove(user, user + 1, (users->count - place) * sizeof *user);
}

/* ---- the journal ---- */

static bool read_credential(struct tarn_text value, enum tarn_scram_mechanism mechanism,
                            struct tarn_scram_credential *ret_credential)
{
    struct tarn_wire_reader reader;
    struct tarn_scram_credential credential = {.mechanism = mechanism,
                                               .key_len = tarn_scram_key_bytes(mechanism)};
    tarn_wire_reader_init(&reader, value);
    bool known = tarn_wire_read_int8(&reader) == VALUE_VERSION;
    credential.iterations = tarn_wire_read_int32(&reader);
    struct tarn_text salt = tarn_wire_read_bytes(&reader);
    struct tarn_text stored_key = tarn_wire_read_bytes(&reader);
    struct tarn_text server_key = tarn_wire_read_bytes(&reader);
    if (!known || reader.fault || salt.len > sizeof credential.salt ||
        stored_key.len != credential.key_len || server_key.len != credential.key_len)
        return false;
    credential.salt_len = salt.len;
    memcpy(credential.salt, salt.data, salt.len);
    memcpy(credential.stored_key, stored_key.data, stored_key.len);
    memcpy(credential.server_key, server_key.data, server_key.len);
    *ret_credential = credential;
    return true;
}

struct loading {
    struct tarn_users *users;
    char damaged[128];
};

static bool load_user(void *context, struct tarn_text key, struct tarn_text value)
{
    struct loading *loading = context;
    struct tarn_scram_credential credential;
    if (key.len <= PREFIX_BYTES ||
        !read_credential(value, (enum tarn_scram_mechanism)(key.data[5] - '0'), &credential)) {
        snprintf(loading->damaged, sizeof loading->damaged, "%.*s", TARN_TEXT_ARGS(key));
        return false;
    }
    set(loading->users, (struct tarn_text){key.data + PREFIX_BYTES, key.len - PREFIX_BYTES},
        &credential);
    return true;
}

enum tarn_status tarn_users_open(struct tarn_log *log, const struct tarn_broker_options *options,
                                 struct tarn_users **ret_users, struct tarn_error *err)
{
    struct tarn_users *users = tarn_alloc(sizeof *users);
    struct loading loading = {.users = users};
    users->log = log;
    users->options = options;
    tarn_journal_each(log, TARN_TEXT("user/"), load_user, &loading);
    if (loading.damaged[0]) {
        tarn_users_free(users);
        return tarn_fail(err, TARN_CORRUPT, "reading the broker's users: the entry %s is damaged",
                         loading.damaged);
    }
    *ret_users = users;
    return TARN_OK;
}

void tarn_users_free(struct tarn_users *users)
{
    if (!users)
        return;
    for (size_t i = 0; i < users->count; i++)
        free(users->users[i].name);
    free(users->users);
    free(users);
}

static enum tarn_status commit(struct tarn_users *users, struct tarn_text name,
                               enum tarn_scram_mechanism mechanism,
                               const struct tarn_scram_credential *credential,
                               struct tarn_error *err)
{
    TARN_AUTO_FREE char *key = tarn_format("user/%d/%.*s", (int)mechanism, TARN_TEXT_ARGS(name));
    TARN_AUTO(tarn_wire_writer_release) struct tarn_wire_writer out;
    char value[VALUE_MAX_BYTES];
    uint64_t position;
    tarn_wire_writer_init(&out, sizeof value);
    struct tarn_commit *commit = tarn_commit_begin(users->log);
    if (credential) {
        struct tarn_text stored_key = {(const char *)credential->stored_key, credential->key_len};
        struct tarn_text server_key = {(const char *)credential->server_key, credential->key_len};
        tarn_wire_write_int8(&out, VALUE_VERSION);
        tarn_wire_write_int32(&out, credential->iterations);
        tarn_wire_write_bytes(
            &out, (struct tarn_text){(const char *)credential->salt, credential->salt_len});
        tarn_wire_write_bytes(&out, stored_key);
        tarn_wire_write_bytes(&out, server_key);
        tarn_wire_writer_copy(&out, value);
        tarn_commit_put(commit, tarn_text_of(key), (struct tarn_text){value, out.len});
    } else {
        tarn_commit_delete(commit, tarn_text_of(key));
    }
    return tarn_commit_write(commit, &position, err);
}

enum tarn_status tarn_users_put(struct tarn_users *users, struct tarn_text name,
                                const struct tarn_scram_credential *credential,
                                struct tarn_error *err)
{
    TARN_TRY(commit(users, name, credential->mechanism, credential, err));
    set(users, name, credential);
    return TARN_OK;
}

enum tarn_status tarn_users_delete(struct tarn_users *users, struct tarn_text name,
                                   enum tarn_scram_mechanism mechanism, struct tarn_error *err)
{
    struct user *user = find(users, name, mechanism);
    if (!user)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no such user");
    TARN_TRY(commit(users, name, mechanism, NULL, err));
    take_out(users, user);
    return TARN_OK;
}

/* ---- asking ---- */

/* A user of the options becomes a credential in memory when somebody asks for it. */
static const struct tarn_scram_credential *derive(struct tarn_users *users, struct tarn_text name,
                                                  enum tarn_scram_mechanism mechanism)
{
    for (size_t i = 0; i < users->options->user_count; i++) {
        const struct tarn_user_options *option = &users->options->users[i];
        if (!tarn_text_is(name, option->name))
            continue;
        char salt[SALT_BYTES];
        struct tarn_scram_credential credential;
        tarn_random_bytes(salt, sizeof salt);
        make_from_password(mechanism, tarn_text_of(option->password),
                           (struct tarn_text){salt, sizeof salt}, TARN_SCRAM_ITERATIONS_MIN,
                           &credential);
        set(users, name, &credential);
        return &find(users, name, mechanism)->credential;
    }
    return NULL;
}

const struct tarn_scram_credential *tarn_users_find(struct tarn_users *users, struct tarn_text name,
                                                    enum tarn_scram_mechanism mechanism)
{
    struct user *user = find(users, name, mechanism);
    return user ? &user->credential : derive(users, name, mechanism);
}

static bool password_fits(const struct tarn_scram_credential *credential, struct tarn_text password)
{
    struct tarn_scram_credential offered;
    if (!credential)
        return false;
    make_from_password(credential->mechanism, password,
                       (struct tarn_text){(const char *)credential->salt, credential->salt_len},
                       credential->iterations, &offered);
    return CRYPTO_memcmp(offered.stored_key, credential->stored_key, credential->key_len) == 0;
}

bool tarn_users_password_ok(struct tarn_users *users, struct tarn_text name,
                            struct tarn_text password)
{
    return password_fits(tarn_users_find(users, name, TARN_SCRAM_SHA_256), password) ||
           password_fits(tarn_users_find(users, name, TARN_SCRAM_SHA_512), password);
}

size_t tarn_users_names(struct tarn_users *users, struct tarn_arena *arena,
                        struct tarn_text **ret_names)
{
    size_t count = 0;
    struct tarn_text *names = tarn_arena_array(arena, users->count, sizeof *names);
    for (size_t i = 0; i < users->count; i++)
        if (count == 0 || !tarn_text_is(names[count - 1], users->users[i].name))
            names[count++] = tarn_text_of(tarn_arena_strdup(arena, users->users[i].name));
    *ret_names = names;
    return count;
}
