/* broker/handler/api_versions.c -- ApiVersions: what this broker offers. */
#include "broker/handler/handlers.h"
#include "broker/protocol/api.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"

/* Software names end up in logs and metrics of brokers, so Kafka restricts what they may look like
 * (KIP-511). */
static bool name_ok(struct tarn_text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inner = (c == '-' || c == '.') && i > 0 && i + 1 < name.len;
        if (!letter && !inner)
            return false;
    }
    return name.len > 0;
}

static void list_apis(struct tarn_request *request, struct tarn_api_versions_response *response,
                      bool only_versions)
{
    response->api_keys =
        tarn_arena_array(request->arena, tarn_api_count(), sizeof *response->api_keys);
    response->api_keys_count = 0;
    for (size_t i = 0; i < tarn_api_count(); i++) {
        const struct tarn_api *api = tarn_api_at(i);
        if (!tarn_handler_find(api->key) || (only_versions && api->key != TARN_API_API_VERSIONS))
            continue;
        struct tarn_api_versions_response_api_key *offered =
            &response->api_keys[response->api_keys_count++];
        tarn_api_versions_response_api_key_init(offered);
        offered->api_key = api->key;
        offered->min_version = api->min;
        offered->max_version = api->max;
    }
}

void tarn_handle_api_versions(struct tarn_request *request)
{
    const struct tarn_api_versions_request *body = request->body;
    struct tarn_api_versions_response response;
    tarn_api_versions_response_init(&response);
    if (!body) /* a version from the future; see dispatch.c */
        response.error_code = TARN_KAFKA_UNSUPPORTED_VERSION;
    else if (request->api_version >= 3 &&
             (!name_ok(body->client_software_name) || !name_ok(body->client_software_version)))
        response.error_code = TARN_KAFKA_INVALID_REQUEST;
    if (response.error_code != TARN_KAFKA_INVALID_REQUEST)
        list_apis(request, &response, response.error_code != TARN_KAFKA_NONE);
    tarn_request_reply(request, &response);
}
