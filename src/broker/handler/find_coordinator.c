/* broker/handler/find_coordinator.c -- FindCoordinator: it is always this broker. */
#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1 };

static enum tarn_kafka_error check(struct tarn_request *request, int8_t key_type,
                                   struct tarn_text key)
{
    if (key_type == KEY_GROUP)
        return tarn_request_may(request, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, key)
                   ? TARN_KAFKA_NONE
                   : TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    if (key_type == KEY_TRANSACTION)
        return tarn_request_may(request, TARN_ACL_DESCRIBE, TARN_RESOURCE_TRANSACTIONAL_ID, key)
                   ? TARN_KAFKA_NONE
                   : TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return TARN_KAFKA_INVALID_REQUEST;
}

static void find_one(struct tarn_request *request, int8_t key_type, struct tarn_text key,
                     struct tarn_find_coordinator_response_coordinator *ret_found)
{
    tarn_find_coordinator_response_coordinator_init(ret_found);
    ret_found->key = key;
    ret_found->host = TARN_TEXT("");
    ret_found->node_id = ret_found->port = -1;
    enum tarn_kafka_error error = check(request, key_type, key);
    ret_found->error_code = (int16_t)error;
    if (error != TARN_KAFKA_NONE) {
        ret_found->error_message = tarn_text_of(tarn_kafka_error_text((int16_t)error));
        return;
    }
    ret_found->node_id = TARN_BROKER_NODE_ID;
    tarn_request_advertised(request, &ret_found->host, &ret_found->port);
}

void tarn_handle_find_coordinator(struct tarn_request *request)
{
    const struct tarn_find_coordinator_request *body = request->body;
    struct tarn_find_coordinator_response response;
    tarn_find_coordinator_response_init(&response);
    struct tarn_find_coordinator_response_coordinator single;
    if (request->api_version < 4) {
        find_one(request, body->key_type, body->key, &single);
        response.error_code = single.error_code;
        response.error_message = single.error_message;
        response.node_id = single.node_id;
        response.host = single.host;
        response.port = single.port;
    } else {
        int32_t count = body->coordinator_keys_count > 0 ? body->coordinator_keys_count : 0;
        response.coordinators =
            tarn_arena_array(request->arena, (size_t)count + 1, sizeof *response.coordinators);
        response.coordinators_count = count;
        for (int32_t i = 0; i < count; i++)
            find_one(request, body->key_type, body->coordinator_keys[i], &response.coordinators[i]);
    }
    tarn_request_reply(request, &response);
}
