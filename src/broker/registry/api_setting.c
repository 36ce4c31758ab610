/* broker/registry/api_setting.c -- /config and /mode, for everything and for one subject. */
#include "broker/registry/api_int.h"

/* "" for the routes without a subject. */
static const char *subject_of(const struct tarn_http_request *request)
{
    return request->path_param_count ? tarn_api_subject(request) : "";
}

static void get_config(struct tarn_http_request *request)
{
    const char *subject = subject_of(request);
    json_t *config =
        tarn_registry_config(tarn_api_registry(request), subject,
                             tarn_http_query_flag(request, "defaultToGlobal"), request->arena);
    if (config)
        tarn_api_reply(request, config);
    else
        tarn_api_fail_code(request, 40408,
                           "Subject '%s' does not have subject-level compatibility configured",
                           subject);
}

static void put_config(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    json_t *config;
    const json_t *body = tarn_api_body(request);
    if (!body)
        return;
    if (!tarn_registry_put_config(tarn_api_registry(request), subject_of(request), body,
                                  request->arena, &config, &problem)) {
        tarn_api_fail(request, &problem);
        return;
    }
    /* what is put is called "compatibility", what is got "compatibilityLevel" */
    json_t *level = json_incref(json_object_get(config, "compatibilityLevel"));
    json_object_del(config, "compatibilityLevel");
    if (level)
        json_object_set_new(config, "compatibility", level);
    tarn_api_reply(request, config);
}

static void delete_config(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    json_t *config;
    if (tarn_registry_delete_config(tarn_api_registry(request), subject_of(request), request->arena,
                                    &config, &problem))
        tarn_api_reply(request, config);
    else
        tarn_api_fail(request, &problem);
}

static void get_mode(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    const char *subject = subject_of(request);
    bool is_set = !*subject || tarn_http_query_flag(request, "defaultToGlobal");
    if (!is_set) {
        pthread_mutex_lock(&registry->state);
        const struct tarn_registry_setting *setting = tarn_registry_setting(registry, subject);
        is_set = setting && setting->mode;
        pthread_mutex_unlock(&registry->state);
    }
    if (is_set)
        tarn_api_reply(
            request,
            json_pack("{s:s}", "mode", tarn_registry_mode_of(registry, subject, request->arena)));
    else
        tarn_api_fail_code(request, 40409,
                           "Subject '%s' does not have subject-level mode configured", subject);
}

static void put_mode(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    const json_t *body = tarn_api_body(request);
    if (!body)
        return;
    const json_t *mode = json_object_get(body, "mode");
    if (mode && !json_is_null(mode) && !json_is_string(mode)) {
        tarn_api_fail_code(request, 400, "\"mode\" must be a string");
        return;
    }
    if (!tarn_registry_put_mode(tarn_api_registry(request), subject_of(request),
                                json_string_value(mode), tarn_http_query_flag(request, "force"),
                                request->arena, &problem)) {
        tarn_api_fail(request, &problem);
        return;
    }
    tarn_api_reply(request, json_deep_copy(body));
}

static void delete_mode(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    const char *mode;
    if (tarn_registry_delete_mode(tarn_api_registry(request), subject_of(request),
                                  tarn_http_query_flag(request, "recursive"), request->arena, &mode,
                                  &problem))
        tarn_api_reply(request, mode ? json_pack("{s:s}", "mode", mode) : json_object());
    else
        tarn_api_fail(request, &problem);
}

const struct tarn_http_route tarn_api_setting_routes[] = {
    {.method = "GET", .path = "/config", .handler = get_config},
    {.method = "PUT", .path = "/config", .handler = put_config},
    {.method = "DELETE", .path = "/config", .handler = delete_config},
    {.method = "GET", .path = "/config/{subject}", .handler = get_config},
    {.method = "PUT", .path = "/config/{subject}", .handler = put_config},
    {.method = "DELETE", .path = "/config/{subject}", .handler = delete_config},
    {.method = "GET", .path = "/mode", .handler = get_mode},
    {.method = "PUT", .path = "/mode", .handler = put_mode},
    {.method = "DELETE", .path = "/mode", .handler = delete_mode},
    {.method = "GET", .path = "/mode/{subject}", .handler = get_mode},
    {.method = "PUT", .path = "/mode/{subject}", .handler = put_mode},
    {.method = "DELETE", .path = "/mode/{subject}", .handler = delete_mode},
};
const size_t tarn_api_setting_route_count = TARN_COUNT(tarn_api_setting_routes);
