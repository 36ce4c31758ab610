/* broker/registry/api.c -- Confluent's REST API: reading requests, answering, the server. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/registry/api_int.h"
#include "broker/registry/schema_int.h"

enum { ROUTES_MAX = 64, BODY_MAX_BYTES = 4 * TARN_SCHEMA_TEXT_MAX_BYTES, PAGE_MAX = 100000 };

void tarn_api_reply(struct tarn_http_request *request, json_t *json)
{
    tarn_http_reply_json(request, 200, TARN_REGISTRY_MEDIA, json);
}

static void reply_error(struct tarn_http_request *request, int http, int code, const char *message)
{
    TARN_BUFFER(text, 8 << 20);
    tarn_buffer_printf(&text, "{\"error_code\":%d,\"message\":", code);
    size_t len = strlen(message);
    if (tarn_utf8_valid_prefix(tarn_text_of(message)) != len)
        message = "the request is not valid UTF-8";
    tarn_json_string_write(&text, tarn_text_of(message));
    tarn_buffer_append_char(&text, '}');
    tarn_http_reply(request, http, TARN_REGISTRY_MEDIA, tarn_buffer_text(&text));
}

void tarn_api_fail(struct tarn_http_request *request, const struct tarn_registry_problem *problem)
{
    reply_error(request, problem->http, problem->code, problem->message);
}

void tarn_api_fail_code(struct tarn_http_request *request, int code, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    reply_error(request, code >= 10000 ? code / 100 : code, code, len < 0 ? "" : text);
    free(text);
}

static void http_error(struct tarn_http_request *request, int status, const char *message)
{
    reply_error(request, status, status, message);
}

const char *tarn_api_subject(const struct tarn_http_request *request)
{
    return tarn_subject_normal(tarn_http_path_str(request, "subject"), request->arena);
}

bool tarn_api_version(struct tarn_http_request *request, int32_t *ret_version)
{
    struct tarn_text text = tarn_http_path_param(request, "version");
    int64_t version;
    if (tarn_text_is(text, "latest")) {
        *ret_version = -1;
        return true;
    }
    if (tarn_text_to_int64(text, &version) && version <= INT32_MAX &&
        (version > 0 || version == -1)) {
        *ret_version = (int32_t)version;
        return true;
    }
    tarn_api_fail_code(request, 42202,
                       "The specified version '%.*s' is not a valid version id. Allowed values are "
                       "between [1, 2^31-1] and the string \"latest\"",
                       TARN_TEXT_ARGS(text));
    return false;
}

const json_t *tarn_api_body(struct tarn_http_request *request)
{
    struct tarn_error err;
    json_t *json;
    if (request->body.len == 0) {
        tarn_api_fail_code(request, 422, "the request has no body: it must be a JSON object");
        return NULL;
    }
    if (tarn_http_body_json(request, &json, &err) != TARN_OK) {
        tarn_api_fail_code(request, 400, "%s", err.text);
        return NULL;
    }
    if (!json_is_object(json)) {
        tarn_api_fail_code(request, 400, "the request body must be a JSON object");
        return NULL;
    }
    return json;
}

static bool is_reference(const json_t *reference)
{
    return json_is_string(json_object_get(reference, "name")) &&
           json_is_string(json_object_get(reference, "subject")) &&
           json_is_integer(json_object_get(reference, "version"));
}

/* NULL when the member is missing or null. */
static const json_t *member(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    return json_is_null(value) ? NULL : value;
}

static bool refuse(struct tarn_http_request *request, const char *message)
{
    tarn_api_fail_code(request, 400, "%s", message);
    return false;
}

bool tarn_api_schema(struct tarn_http_request *request, struct tarn_registry_request *ret_schema)
{
    const json_t *body = tarn_api_body(request), *reference;
    size_t i;
    if (!body)
        return false;
    const json_t *text = member(body, "schema"), *type = member(body, "schemaType");
    const json_t *references = member(body, "references");
    const json_t *version = member(body, "version"), *id = member(body, "id");
    struct tarn_registry_request schema = {.references = references,
                                           .metadata = member(body, "metadata"),
                                           .rule_set = member(body, "ruleSet"),
                                           .id = -1};
    if (text && !json_is_string(text))
        return refuse(request, "\"schema\" must be a string that holds the schema");
    if (text)
        schema.text = (struct tarn_text){json_string_value(text), json_string_length(text)};
    if (type && !(json_is_string(type) &&
                  tarn_schema_type_parse(tarn_text_of(json_string_value(type)), &schema.type))) {
        tarn_api_fail_code(request, 42201, "Invalid schema type %s",
                           json_is_string(type) ? json_string_value(type) : "");
        return false;
    }
    if (references && !json_is_array(references))
        return refuse(request, "\"references\" must be an array");
    json_array_foreach (references, i, reference) {
        if (!is_reference(reference))
            return refuse(request, "a reference needs \"name\", \"subject\" and \"version\"");
    }
    if ((version && !json_is_integer(version)) || (id && !json_is_integer(id)))
        return refuse(request, "\"version\" and \"id\" must be integers");
    if (version)
        schema.version = (int32_t)json_integer_value(version);
    if (id)
        schema.id = (int32_t)json_integer_value(id);
    *ret_schema = schema;
    return true;
}

void tarn_api_reply_page(struct tarn_http_request *request, json_t *array)
{
    int64_t offset, limit;
    if (!tarn_http_query_int(request, "offset", 0, INT32_MIN, INT32_MAX, &offset) ||
        !tarn_http_query_int(request, "limit", -1, INT32_MIN, INT32_MAX, &limit)) {
        json_decref(array);
        tarn_api_fail_code(request, 404, "HTTP 404 Not Found");
        return;
    }
    if (limit < 0 || limit > PAGE_MAX)
        limit = PAGE_MAX;
    json_t *page = json_array();
    size_t size = json_array_size(array);
    for (size_t i = offset < 0 ? 0 : (size_t)offset; i < size && limit-- > 0; i++)
        json_array_append(page, json_array_get(array, i));
    json_decref(array);
    tarn_api_reply(request, page);
}

static void get_root(struct tarn_http_request *request)
{
    tarn_api_reply(request, json_object());
}

static void get_cluster(struct tarn_http_request *request)
{
    tarn_api_reply(request, json_pack("{s:s,s:{s:[],s:{s:s,s:s}}}", "id", "", "scope", "path",
                                      "clusters", "kafka-cluster", "tarn",
                                      "schema-registry-cluster", "schema-registry"));
}

static void get_version(struct tarn_http_request *request)
{
    tarn_api_reply(request, json_pack("{s:s,s:s}", "version", TARN_VERSION, "commitId", ""));
}

static void get_contexts(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    json_t *contexts = json_pack("[s]", ".");
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < registry->context_count; i++)
        json_array_append_new(contexts, json_string(registry->contexts[i]));
    pthread_mutex_unlock(&registry->state);
    tarn_api_reply_page(request, contexts);
}

static const struct tarn_http_route own_routes[] = {
    {.method = "GET", .path = "/", .handler = get_root},
    {.method = "POST", .path = "/", .handler = get_root},
    {.method = "GET", .path = "/contexts", .handler = get_contexts},
    {.method = "GET", .path = "/v1/metadata/id", .handler = get_cluster},
    {.method = "GET", .path = "/v1/metadata/version", .handler = get_version},
};

/* All routes in one table, filled once, the same by whoever comes first; each handler is called
 * through one that loads the registry, since the first request may be the first use of it. */
static struct {
    pthread_mutex_t filling;
    struct tarn_http_route routes[ROUTES_MAX];
    void (*handlers[ROUTES_MAX])(struct tarn_http_request *request);
    size_t count;
} table = {.filling = PTHREAD_MUTEX_INITIALIZER};

static void handle(struct tarn_http_request *request)
{
    struct tarn_error err;
    if (tarn_registry_load(tarn_api_registry(request), &err) == TARN_OK)
        table.handlers[request->route - table.routes](request);
    else
        tarn_api_fail_code(request, 50001, "%s", err.text);
}

static void add_routes(const struct tarn_http_route *routes, size_t count)
{
    for (size_t i = 0; i < count && table.count < ROUTES_MAX; i++, table.count++) {
        table.routes[table.count] = routes[i];
        table.routes[table.count].handler = handle;
        table.handlers[table.count] = routes[i].handler;
    }
}

enum tarn_status tarn_registry_serve(struct tarn_registry *registry, const char *host,
                                     uint16_t port, struct tarn_http_server **ret_server,
                                     struct tarn_error *err)
{
    pthread_mutex_lock(&table.filling);
    if (!table.count) {
        add_routes(own_routes, TARN_COUNT(own_routes));
        add_routes(tarn_api_subject_routes, tarn_api_subject_route_count);
        add_routes(tarn_api_schema_routes, tarn_api_schema_route_count);
        add_routes(tarn_api_setting_routes, tarn_api_setting_route_count);
    }
    pthread_mutex_unlock(&table.filling);
    const struct tarn_http_options options = {.host = host,
                                              .port = port,
                                              .routes = table.routes,
                                              .route_count = table.count,
                                              .context = registry,
                                              .error = http_error,
                                              .body_max_bytes = BODY_MAX_BYTES};
    return tarn_http_server_open(&options, ret_server, err);
}
