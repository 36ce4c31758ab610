/* broker/handler/scram_credentials.c -- DescribeUserScramCredentials and AlterUserScramCredentials:
 * users by SCRAM. */
#include "broker/broker.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"
#include "broker/server/users.h"

/* ---- describing ---- */

static void describe_user(struct tarn_request *request, struct tarn_text name,
                          struct tarn_describe_user_scram_credentials_response_result *out)
{
    static const enum tarn_scram_mechanism mechanisms[] = {TARN_SCRAM_SHA_256, TARN_SCRAM_SHA_512};
    struct tarn_users *users = tarn_broker_users(request->broker);
    tarn_describe_user_scram_credentials_response_result_init(out);
    out->user = name;
    out->credential_infos =
        tarn_arena_array(request->arena, TARN_COUNT(mechanisms), sizeof *out->credential_infos);
    out->credential_infos_count = 0;
    for (size_t i = 0; i < TARN_COUNT(mechanisms); i++) {
        const struct tarn_scram_credential *credential =
            tarn_users_find(users, name, mechanisms[i]);
        if (!credential)
            continue;
        out->credential_infos[out->credential_infos_count++] =
            (struct tarn_describe_user_scram_credentials_response_credential_info){
                .mechanism = (int8_t)mechanisms[i], .iterations = credential->iterations};
    }
    if (out->credential_infos_count > 0)
        return;
    out->error_code = TARN_KAFKA_RESOURCE_NOT_FOUND;
    out->error_message = tarn_text_of(tarn_arena_format(
        request->arena, "Attempt to describe a user credential that does not exist: %.*s",
        TARN_TEXT_ARGS(name)));
}

static bool asked_twice(const struct tarn_describe_user_scram_credentials_request *body,
                        int32_t index)
{
    for (int32_t i = 0; i < body->users_count; i++)
        if (i != index && tarn_text_equal(body->users[i].name, body->users[index].name))
            return true;
    return false;
}

static void describe_named(struct tarn_request *request,
                           struct tarn_describe_user_scram_credentials_response *response)
{
    const struct tarn_describe_user_scram_credentials_request *body = request->body;
    response->results =
        tarn_arena_array(request->arena, (size_t)body->users_count, sizeof *response->results);
    response->results_count = body->users_count;
    for (int32_t i = 0; i < body->users_count; i++) {
        describe_user(request, body->users[i].name, &response->results[i]);
        if (!asked_twice(body, i))
            continue;
        response->results[i].error_code = TARN_KAFKA_DUPLICATE_RESOURCE;
        response->results[i].error_message =
            TARN_TEXT("Cannot describe SCRAM credentials for the same user twice.");
        response->results[i].credential_infos_count = 0;
    }
}

void tarn_handle_describe_user_scram_credentials(struct tarn_request *request)
{
    const struct tarn_describe_user_scram_credentials_request *body = request->body;
    struct tarn_describe_user_scram_credentials_response response;
    struct tarn_text *names = NULL;
    tarn_describe_user_scram_credentials_response_init(&response);
    response.results_count = 0;
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    } else if (body->users_count > 0) {
        describe_named(request, &response);
    } else {
        size_t count = tarn_users_names(tarn_broker_users(request->broker), request->arena, &names);
        response.results = tarn_arena_array(request->arena, count, sizeof *response.results);
        response.results_count = (int32_t)count;
        for (size_t i = 0; i < count; i++)
            describe_user(request, names[i], &response.results[i]);
    }
    tarn_request_reply(request, &response);
}

/* ---- altering ---- */

struct alteration {
    struct tarn_text user;
    int16_t error;
    const char *message;
};

static bool mechanism_known(int8_t mechanism)
{
    return mechanism == TARN_SCRAM_SHA_256 || mechanism == TARN_SCRAM_SHA_512;
}

static void fail(struct alteration *alteration, enum tarn_kafka_error error, const char *message)
{
    alteration->error = (int16_t)error;
    alteration->message = message;
}

static bool changed_twice(const struct tarn_alter_user_scram_credentials_request *body,
                          struct tarn_text user, int8_t mechanism)
{
    int times = 0;
    for (int32_t i = 0; i < body->deletions_count; i++)
        times += body->deletions[i].mechanism == mechanism &&
                 tarn_text_equal(body->deletions[i].name, user);
    for (int32_t i = 0; i < body->upsertions_count; i++)
        times += body->upsertions[i].mechanism == mechanism &&
                 tarn_text_equal(body->upsertions[i].name, user);
    return times > 1;
}

/* The rules that both kinds share; true when there is nothing to object to. */
static bool check(struct tarn_request *request, struct tarn_text user, int8_t mechanism,
                  struct alteration *alteration)
{
    alteration->user = user;
    if (!tarn_request_may_cluster(request, TARN_ACL_ALTER))
        fail(alteration, TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED, "Authorization failed.");
    else if (user.len == 0)
        fail(alteration, TARN_KAFKA_UNACCEPTABLE_CREDENTIAL, "Username must not be empty");
    else if (!mechanism_known(mechanism))
        fail(alteration, TARN_KAFKA_UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism");
    else if (changed_twice(request->body, user, mechanism))
        fail(alteration, TARN_KAFKA_DUPLICATE_RESOURCE,
             "A user credential cannot be altered twice in the same request");
    return alteration->error == TARN_KAFKA_NONE;
}

static void
delete_credential(struct tarn_request *request,
                  const struct tarn_alter_user_scram_credentials_request_deletion *wanted,
                  struct alteration *alteration)
{
    struct tarn_error err = {0};
    if (!check(request, wanted->name, wanted->mechanism, alteration))
        return;
    enum tarn_status status = tarn_users_delete(tarn_broker_users(request->broker), wanted->name,
                                                (enum tarn_scram_mechanism)wanted->mechanism, &err);
    if (status == TARN_NOT_FOUND)
        fail(alteration, TARN_KAFKA_RESOURCE_NOT_FOUND,
             "Attempt to delete a user credential that does not exist");
    else if (status != TARN_OK)
        fail(alteration, TARN_KAFKA_KAFKA_STORAGE_ERROR,
             tarn_arena_strdup(request->arena, err.text));
}

static void put_credential(struct tarn_request *request,
                           const struct tarn_alter_user_scram_credentials_request_upsertion *wanted,
                           struct alteration *alteration)
{
    struct tarn_scram_credential credential;
    struct tarn_error err = {0};
    if (!check(request, wanted->name, wanted->mechanism, alteration))
        return;
    enum tarn_scram_mechanism mechanism = (enum tarn_scram_mechanism)wanted->mechanism;
    if (wanted->iterations < TARN_SCRAM_ITERATIONS_MIN)
        fail(alteration, TARN_KAFKA_UNACCEPTABLE_CREDENTIAL, "Too few iterations");
    else if (wanted->iterations > TARN_SCRAM_ITERATIONS_MAX)
        fail(alteration, TARN_KAFKA_UNACCEPTABLE_CREDENTIAL, "Too many iterations");
    else if (wanted->salt.len == 0 || wanted->salt.len > TARN_SCRAM_SALT_MAX_BYTES ||
             wanted->salted_password.len != tarn_scram_key_bytes(mechanism))
        fail(alteration, TARN_KAFKA_UNACCEPTABLE_CREDENTIAL,
             "The salt or the salted password has a wrong length");
    if (alteration->error != TARN_KAFKA_NONE)
        return;
    tarn_scram_credential_make(mechanism, wanted->salt, wanted->iterations, wanted->salted_password,
                               &credential);
    if (tarn_users_put(tarn_broker_users(request->broker), wanted->name, &credential, &err) !=
        TARN_OK)
        fail(alteration, TARN_KAFKA_KAFKA_STORAGE_ERROR,
             tarn_arena_strdup(request->arena, err.text));
}

/* One result per user, with the first error of its changes. */
static void add_result(struct tarn_alter_user_scram_credentials_response *response,
                       const struct alteration *alteration)
{
    struct tarn_alter_user_scram_credentials_response_result *out = NULL;
    for (int32_t i = 0; i < response->results_count && !out; i++)
        if (tarn_text_equal(response->results[i].user, alteration->user))
            out = &response->results[i];
    if (!out) {
        out = &response->results[response->results_count++];
        tarn_alter_user_scram_credentials_response_result_init(out);
        out->user = alteration->user;
    }
    if (out->error_code != TARN_KAFKA_NONE || alteration->error == TARN_KAFKA_NONE)
        return;
    out->error_code = alteration->error;
    out->error_message = tarn_text_of(alteration->message);
}

static void on_sync_failed(void *context)
{
    struct tarn_alter_user_scram_credentials_response *response = context;
    for (int32_t i = 0; i < response->results_count; i++)
        if (response->results[i].error_code == TARN_KAFKA_NONE)
            response->results[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
}

void tarn_handle_alter_user_scram_credentials(struct tarn_request *request)
{
    const struct tarn_alter_user_scram_credentials_request *body = request->body;
    struct tarn_alter_user_scram_credentials_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    int32_t deletions = body->deletions_count > 0 ? body->deletions_count : 0;
    int32_t upsertions = body->upsertions_count > 0 ? body->upsertions_count : 0;
    tarn_alter_user_scram_credentials_response_init(response);
    response->results = tarn_arena_array(request->arena, (size_t)deletions + (size_t)upsertions,
                                         sizeof *response->results);
    response->results_count = 0;
    for (int32_t i = 0; i < deletions; i++) {
        struct alteration alteration = {.error = TARN_KAFKA_NONE};
        delete_credential(request, &body->deletions[i], &alteration);
        add_result(response, &alteration);
    }
    for (int32_t i = 0; i < upsertions; i++) {
        struct alteration alteration = {.error = TARN_KAFKA_NONE};
        put_credential(request, &body->upsertions[i], &alteration);
        add_result(response, &alteration);
    }
    tarn_request_reply_durable(request, response, on_sync_failed);
}
