/* broker/registry/api_int.h -- the HTTP API's files share how requests are read and answered. */
#ifndef TARN_BROKER_REGISTRY_API_INT_H
#define TARN_BROKER_REGISTRY_API_INT_H

#include "broker/registry/registry_int.h"
#include "http/server.h"

#define TARN_REGISTRY_MEDIA "application/vnd.schemaregistry.v1+json"

static inline struct tarn_registry *tarn_api_registry(const struct tarn_http_request *request)
{
    return request->context;
}

void tarn_api_reply(struct tarn_http_request *request, json_t *json);
void tarn_api_fail(struct tarn_http_request *request, const struct tarn_registry_problem *problem);
void tarn_api_fail_code(struct tarn_http_request *request, int code, const char *format, ...)
    TARN_PRINTF(3, 4);
/* The path's {subject}, in its normal form. */
const char *tarn_api_subject(const struct tarn_http_request *request);
/* "latest" and "-1" are -1. Otherwise replies 42202 and is false. */
bool tarn_api_version(struct tarn_http_request *request, int32_t *ret_version);
/* The body as an object; otherwise replies and is NULL. */
const json_t *tarn_api_body(struct tarn_http_request *request);
/* A schema in the body; otherwise replies and is false. */
bool tarn_api_schema(struct tarn_http_request *request, struct tarn_registry_request *ret_schema);
/* Replies with the part of the array that offset= and limit= ask for. */
void tarn_api_reply_page(struct tarn_http_request *request, json_t *array);

extern const struct tarn_http_route tarn_api_schema_routes[], tarn_api_subject_routes[],
    tarn_api_setting_routes[];
extern const size_t tarn_api_schema_route_count, tarn_api_subject_route_count,
    tarn_api_setting_route_count;
/* A version as the API shows it. */
json_t *tarn_api_version_json(const struct tarn_registry_result *result);

#endif
