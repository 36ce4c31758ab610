/* SCRAM's arithmetic on RFC 7677's example, and whole exchanges as a client has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "broker/broker.h"
#include "broker/log/log_fixture.h"
#include "broker/server/sasl.h"
#include "broker/server/users.h"

static void sasl_release(struct sasl **sasl)
{
    sasl_free(*sasl);
}

static struct tarn_text bytes_of(const void *bytes, size_t len)
{
    return (struct tarn_text){bytes, len};
}

static void test_the_example_of_rfc_7677(void **state)
{
    (void)state;
    static const char auth_message[] =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)"
        "hNlF$k0";
    uint8_t salt[18], salted[TARN_SCRAM_KEY_MAX_BYTES], signature[TARN_SCRAM_KEY_MAX_BYTES];
    char text[64];
    struct tarn_scram_credential credential;
    EVP_DecodeBlock(salt, (const unsigned char *)"W22ZaJ0SNY7soEsUEjb6gQ==", 24);
    tarn_scram_salt_password(TARN_SCRAM_SHA_256, TARN_TEXT("pencil"), bytes_of(salt, 16), 4096,
                             salted);
    tarn_scram_credential_make(TARN_SCRAM_SHA_256, bytes_of(salt, 16), 4096, bytes_of(salted, 32),
                               &credential);
    tarn_scram_hmac(TARN_SCRAM_SHA_256, bytes_of(credential.server_key, 32),
                    tarn_text_of(auth_message), signature);
    EVP_EncodeBlock((unsigned char *)text, signature, 32);
    assert_string_equal(text, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

static enum sasl_result step(struct sasl *sasl, struct tarn_text token, struct tarn_arena *arena,
                             struct tarn_text *ret_answer)
{
    *ret_answer = (struct tarn_text){NULL, 0};
    return sasl_step(sasl, token, arena, ret_answer);
}

/* What a client does: two messages, the second with the proof of the password. */
static enum sasl_result log_in(struct tarn_users *users, enum tarn_scram_mechanism mechanism,
                               const char *name, const char *password)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(sasl_release) struct sasl *sasl = sasl_new(users);
    struct tarn_text answer;
    char nonce[128], salt_text[512], proof_text[128];
    uint8_t salt[400], salted[64], key[64], stored[64], signature[64];
    int iterations;
    size_t len = tarn_scram_key_bytes(mechanism);
    const char *bare = tarn_arena_format(arena, "n=%s,r=abc", name);
    assert_true(sasl_begin(
        sasl, tarn_text_of(mechanism == TARN_SCRAM_SHA_256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512"),
        false));
    if (step(sasl, tarn_text_of(tarn_arena_format(arena, "n,,%s", bare)), arena, &answer) !=
        SASL_MORE)
        return SASL_FAILED;
    const char *first = tarn_arena_strndup(arena, answer.data, answer.len);
    assert_int_equal(sscanf(first, "r=%127[^,],s=%511[^,],i=%d", nonce, salt_text, &iterations), 3);
    int salt_len = EVP_DecodeBlock(salt, (const unsigned char *)salt_text, (int)strlen(salt_text));
    tarn_scram_salt_password(mechanism, tarn_text_of(password), bytes_of(salt, (size_t)salt_len),
                             iterations, salted);
    tarn_scram_hmac(mechanism, bytes_of(salted, len), TARN_TEXT("Client Key"), key);
    tarn_scram_hash(mechanism, bytes_of(key, len), stored);
    /* librdkafka 2.0 sends its own part of the nonce twice */
    const char *twice = mechanism == TARN_SCRAM_SHA_512 ? "abc" : "";
    const char *final = tarn_arena_format(arena, "c=biws,r=%s%s", twice, nonce);
    const char *message = tarn_arena_format(arena, "%s,%s,%s", bare, first, final);
    tarn_scram_hmac(mechanism, bytes_of(stored, len), tarn_text_of(message), signature);
    for (size_t i = 0; i < len; i++)
        key[i] ^= signature[i];
    EVP_EncodeBlock((unsigned char *)proof_text, key, (int)len);
    enum sasl_result result = step(
        sasl, tarn_text_of(tarn_arena_format(arena, "%s,p=%s", final, proof_text)), arena, &answer);
    if (result == SASL_DONE)
        assert_true(tarn_text_starts(answer, "v="));
    return result;
}

static void open_users(struct fixture *fixture, const struct tarn_broker_options *options,
                       struct tarn_users **ret_users)
{
    struct tarn_error err = {0};
    fixture_open(fixture);
    if (tarn_users_open(fixture->log, options, ret_users, &err) != TARN_OK)
        fail_msg("%s", err.text);
}

static void test_users_of_the_options_and_of_the_journal(void **state)
{
    (void)state;
    static const struct tarn_user_options given[] = {{"a=b,c", "one"}};
    const struct tarn_broker_options options = {.users = given, .user_count = 1};
    struct tarn_scram_credential credential;
    struct fixture fixture;
    struct tarn_users *users;
    struct tarn_error err = {0};
    uint8_t salted[64];
    fixture_init(&fixture);
    open_users(&fixture, &options, &users);
    /* names are escaped in messages */
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_256, "a=3Db=2Cc", "one"), SASL_DONE);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_512, "a=3Db=2Cc", "one"), SASL_DONE);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_256, "a=3Db=2Cc", "two"), SASL_FAILED);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_256, "nobody", "one"), SASL_FAILED);
    tarn_scram_salt_password(TARN_SCRAM_SHA_512, TARN_TEXT("secret"),
                             TARN_TEXT("an eighteen b salt"), 5000, salted);
    tarn_scram_credential_make(TARN_SCRAM_SHA_512, TARN_TEXT("an eighteen b salt"), 5000,
                               bytes_of(salted, 64), &credential);
    assert_int_equal(tarn_users_put(users, TARN_TEXT("eve"), &credential, &err), TARN_OK);
    tarn_users_free(users);
    fixture_close(&fixture);
    open_users(&fixture, &options, &users);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_512, "eve", "secret"), SASL_DONE);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_512, "eve", "Secret"), SASL_FAILED);
    assert_int_equal(log_in(users, TARN_SCRAM_SHA_256, "eve", "secret"), SASL_FAILED);
    assert_true(tarn_users_password_ok(users, TARN_TEXT("eve"), TARN_TEXT("secret")));
    assert_int_equal(tarn_users_delete(users, TARN_TEXT("eve"), TARN_SCRAM_SHA_512, &err), TARN_OK);
    assert_false(tarn_users_password_ok(users, TARN_TEXT("eve"), TARN_TEXT("secret")));
    assert_int_equal(tarn_users_delete(users, TARN_TEXT("eve"), TARN_SCRAM_SHA_512, &err),
                     TARN_NOT_FOUND);
    tarn_users_free(users);
    fixture_release(&fixture);
}

static void test_damaged_messages_fail(void **state)
{
    (void)state;
    static const struct tarn_user_options given[] = {{"u", "p"}};
    const struct tarn_broker_options options = {.users = given, .user_count = 1};
    static const struct {
        const char *mechanism;
        struct tarn_text token;
    } cases[] = {
        {"PLAIN", {"", 0}},
        {"PLAIN", {"u\0p", 3}},
        {"PLAIN", {"\0u\0", 3}},
        {"PLAIN", {"\0\0p", 3}},
        {"PLAIN", {"other\0u\0p", 9}},
        {"SCRAM-SHA-256", {"", 0}},
        {"SCRAM-SHA-256", {"n,,", 3}},
        {"SCRAM-SHA-256", {"p=tls-unique,,n=u,r=a", 21}},
        {"SCRAM-SHA-256", {"n,,r=a,n=u", 10}},
        {"SCRAM-SHA-256", {"n,,n=,r=a", 9}},
        {"SCRAM-SHA-256", {"n,,n=u,r=", 9}},
        {"SCRAM-SHA-512", {"n,,n=u\0,r=x", 11}},
    };
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct fixture fixture;
    struct tarn_users *users;
    struct tarn_text answer;
    fixture_init(&fixture);
    open_users(&fixture, &options, &users);
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        struct sasl *sasl = sasl_new(users);
        assert_true(sasl_begin(sasl, tarn_text_of(cases[i].mechanism), false));
        assert_false(sasl_begin(sasl, tarn_text_of(cases[i].mechanism), false));
        assert_int_equal(step(sasl, cases[i].token, arena, &answer), SASL_FAILED);
        assert_false(sasl_done(sasl));
        sasl_free(sasl);
    }
    struct sasl *sasl = sasl_new(users);
    assert_false(sasl_begin(sasl, TARN_TEXT("GSSAPI"), false));
    assert_true(sasl_begin(sasl, TARN_TEXT("SCRAM-SHA-256"), true));
    assert_true(sasl_is_bare(sasl));
    assert_int_equal(step(sasl, TARN_TEXT("n,,n=u,r=x"), arena, &answer), SASL_MORE);
    assert_int_equal(step(sasl, TARN_TEXT("c=biws,r=x,p=AAAA"), arena, &answer), SASL_FAILED);
    sasl_free(sasl);
    tarn_users_free(users);
    fixture_release(&fixture);
}

static void test_the_same_user_says_it_again(void **state)
{
    (void)state;
    static const struct tarn_user_options users_[] = {{"alice", "a"}, {"bob", "b"}};
    const struct tarn_broker_options options = {.users = users_, .user_count = 2};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct fixture fixture;
    struct tarn_users *users;
    struct tarn_text answer;
    fixture_init(&fixture);
    open_users(&fixture, &options, &users);
    struct tarn_text alice = {"\0alice\0a", 8}, bob = {"\0bob\0b", 6};
    TARN_AUTO(sasl_release) struct sasl *sasl = sasl_new(users);
    assert_true(sasl_begin(sasl, TARN_TEXT("PLAIN"), false));
    assert_false(sasl_begin_again(sasl, TARN_TEXT("PLAIN"))); /* not done yet */
    assert_int_equal(step(sasl, alice, arena, &answer), SASL_DONE);
    assert_false(sasl_begin_again(sasl, TARN_TEXT("SCRAM-SHA-256")));
    assert_true(sasl_begin_again(sasl, TARN_TEXT("PLAIN")));
    assert_false(sasl_done(sasl));
    assert_int_equal(step(sasl, alice, arena, &answer), SASL_DONE);
    assert_string_equal(sasl_user(sasl), "alice");
    assert_true(sasl_begin_again(sasl, TARN_TEXT("PLAIN")));
    assert_int_equal(step(sasl, bob, arena, &answer), SASL_FAILED);
    assert_false(sasl_done(sasl));
    tarn_users_free(users);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_rfc_7677),
        cmocka_unit_test(test_users_of_the_options_and_of_the_journal),
        cmocka_unit_test(test_damaged_messages_fail),
        cmocka_unit_test(test_the_same_user_says_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
