/* broker/handler/sasl.c -- SaslHandshake and SaslAuthenticate: a client says who it is. */
#include "broker/server/sasl.h"
#include "base/log.h"
#include "broker/handler/handlers.h"
#include "broker/protocol/messages.h"
#include "broker/server/server_int.h"

enum {
    BARE_TOKENS_VERSION = 0, /* of SaslHandshake */
    LIFETIME_VERSION = 1,    /* of SaslAuthenticate: such a client can say it again (KIP-368) */
};

/* 0: once is enough. */
static int64_t max_reauth_ms(const struct tarn_request *request)
{
    return tarn_broker_options(request->broker)->reauth_ms;
}

void tarn_handle_sasl_handshake(struct tarn_request *request)
{
    const struct tarn_sasl_handshake_request *body = request->body;
    struct sasl *sasl = request_sasl(request);
    struct tarn_sasl_handshake_response response;
    struct tarn_text mechanisms[SASL_MECHANISM_COUNT];
    tarn_sasl_handshake_response_init(&response);
    for (size_t i = 0; i < SASL_MECHANISM_COUNT; i++)
        mechanisms[i] = tarn_text_of(sasl_mechanisms[i]);
    response.mechanisms = mechanisms;
    response.mechanisms_count = SASL_MECHANISM_COUNT;
    bool bare = request->api_version == BARE_TOKENS_VERSION;
    bool again = sasl && sasl_done(sasl) && !bare && max_reauth_ms(request) > 0;
    if (!sasl || (sasl_done(sasl) && !again) || sasl_begun(sasl))
        response.error_code = TARN_KAFKA_ILLEGAL_SASL_STATE;
    else if (again ? !sasl_begin_again(sasl, body->mechanism)
                   : !sasl_begin(sasl, body->mechanism, bare))
        response.error_code = TARN_KAFKA_UNSUPPORTED_SASL_MECHANISM;
    tarn_request_reply(request, &response);
}

void tarn_handle_sasl_authenticate(struct tarn_request *request)
{
    const struct tarn_sasl_authenticate_request *body = request->body;
    struct sasl *sasl = request_sasl(request);
    struct tarn_sasl_authenticate_response response;
    tarn_sasl_authenticate_response_init(&response);
    response.auth_bytes = TARN_TEXT("");
    if (!sasl || !sasl_begun(sasl)) {
        response.error_code = TARN_KAFKA_ILLEGAL_SASL_STATE;
        response.error_message = TARN_TEXT("SaslAuthenticate request received out of order");
        tarn_request_reply(request, &response);
        return;
    }
    struct tarn_text answer;
    enum sasl_result result = sasl_step(sasl, body->auth_bytes, request->arena, &answer);
    if (result == SASL_FAILED) {
        response.error_code = TARN_KAFKA_SASL_AUTHENTICATION_FAILED;
        response.error_message = answer;
        tarn_log(TARN_LOG_WARN, "a client could not say who it is",
                 TARN_LOG_STR("client", request->client_host), TARN_LOG_STR("reason", answer.data));
        request_close_after_answer(request);
    } else {
        response.auth_bytes = answer;
        if (result == SASL_DONE) {
            request_authenticated(request, sasl_user(sasl));
            if (request->api_version >= LIFETIME_VERSION)
                response.session_lifetime_ms = max_reauth_ms(request);
            request_expires(request, response.session_lifetime_ms);
        }
    }
    tarn_request_reply(request, &response);
}
