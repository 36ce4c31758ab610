/* broker/rest/rest.c -- the server, errors, bodies. */
#include "broker/rest/rest_int.h"

#include <stdarg.h>
#include <stdio.h>

enum { ROUTES_MAX = 80, WORKERS_MAX = 16, INSTANCE_TIMEOUT_MS = 300000 };

static void reply_error(struct tarn_http_request *request, int http, int code, const char *message)
{
    if (tarn_utf8_valid_prefix(tarn_text_of(message)) != strlen(message))
        message = "the request is not valid UTF-8";
    bool is_v3 = tarn_text_starts(request->path, "/v3");
    tarn_http_reply_json(request, http, is_v3 ? "application/json" : TARN_REST_V2_MEDIA,
                         json_pack("{s:i,s:s}", "error_code", code, "message", message));
}

void tarn_rest_fail_code(struct tarn_http_request *request, int code, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    reply_error(request, code >= 10000 ? code / 100 : code, code, len < 0 ? "" : text);
    free(text);
}

void tarn_rest_fail(struct tarn_http_request *request, const struct tarn_error *err)
{
    int http = tarn_status_http(err->status);
    int code = err->status == TARN_NOT_FOUND                               ? 40403
               : err->status == TARN_EXISTS || err->status == TARN_INVALID ? 40002
               : http >= 500                                               ? 50002
                                                                           : http;
    tarn_rest_fail_code(request, code, "%s", err->text);
}

static void http_error(struct tarn_http_request *request, int status, const char *message)
{
    reply_error(request, status, status, message);
}

struct tarn_topics *tarn_rest_topics(struct tarn_http_request *request)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    struct tarn_topics *topics = NULL;
    struct tarn_error err;
    if (rest->options.topics(rest->options.context, &topics, &err) == TARN_OK)
        return topics;
    tarn_rest_fail(request, &err);
    return NULL;
}

const json_t *tarn_rest_body(struct tarn_http_request *request, bool may_be_empty)
{
    struct tarn_error err;
    json_t *json;
    if (request->body.len == 0 && may_be_empty) {
        json = json_object();
        tarn_http_defer(request, (void (*)(void *))json_delete, json);
        return json;
    }
    if (tarn_http_body_json(request, &json, &err) != TARN_OK) {
        tarn_rest_fail_code(request, 400, "%s", err.text);
        return NULL;
    }
    if (!json_is_object(json)) {
        tarn_rest_fail_code(request, 422, "the request body must be a JSON object");
        return NULL;
    }
    return json;
}

void tarn_rest_reply(struct tarn_http_request *request, int status, json_t *json)
{
    tarn_http_reply_json(request, status, "application/json", json);
}

void tarn_rest_reply_v2(struct tarn_http_request *request, json_t *json)
{
    tarn_http_reply_json(request, 200, TARN_REST_V2_MEDIA, json);
}

void tarn_rest_reply_nothing(struct tarn_http_request *request)
{
    tarn_http_reply(request, 204, NULL, (struct tarn_text){NULL, 0});
}

/* All routes in one table, filled once, the same by whoever comes first. */
static struct {
    pthread_mutex_t filling;
    struct tarn_http_route routes[ROUTES_MAX];
    size_t count;
} table = {.filling = PTHREAD_MUTEX_INITIALIZER};

static void add_routes(const struct tarn_http_route *routes, size_t count)
{
    for (size_t i = 0; i < count && table.count < ROUTES_MAX; i++)
        table.routes[table.count++] = routes[i];
}

static void fill_table(void)
{
    pthread_mutex_lock(&table.filling);
    if (!table.count) {
        add_routes(tarn_rest_v3_routes, tarn_rest_v3_route_count);
        add_routes(tarn_rest_group_routes, tarn_rest_group_route_count);
        add_routes(tarn_rest_produce_routes, tarn_rest_produce_route_count);
        add_routes(tarn_rest_v2_routes, tarn_rest_v2_route_count);
        add_routes(tarn_rest_consumer_routes, tarn_rest_consumer_route_count);
    }
    pthread_mutex_unlock(&table.filling);
}

enum tarn_status tarn_rest_open(const struct tarn_rest_options *options,
                                struct tarn_rest **ret_rest, struct tarn_error *err)
{
    struct tarn_rest *rest = tarn_alloc(sizeof *rest);
    rest->options = *options;
    if (!rest->options.cluster_id)
        rest->options.cluster_id = "tarn";
    if (!rest->options.instance_timeout_ms)
        rest->options.instance_timeout_ms = INSTANCE_TIMEOUT_MS;
    pthread_mutex_init(&rest->writing, NULL);
    pthread_mutex_init(&rest->consuming, NULL);
    fill_table();
    const struct tarn_http_options http = {.host = options->host,
                                           .port = options->port,
                                           .routes = table.routes,
                                           .route_count = table.count,
                                           .context = rest,
                                           .error = http_error,
                                           .worker_max = WORKERS_MAX,
                                           .body_max_bytes = TARN_REST_BODY_MAX_BYTES};
    enum tarn_status status = tarn_http_server_open(&http, &rest->server, err);
    if (status != TARN_OK) {
        tarn_rest_close(rest);
        return tarn_error_wrap(err, "starting the REST proxy");
    }
    *ret_rest = rest;
    return TARN_OK;
}

uint16_t tarn_rest_port(const struct tarn_rest *rest)
{
    return tarn_http_server_port(rest->server);
}

void tarn_rest_close(struct tarn_rest *rest)
{
    if (!rest)
        return;
    tarn_http_server_close(rest->server);
    tarn_rest_close_consumers(rest);
    tarn_topic_writer_close(rest->writer);
    pthread_mutex_destroy(&rest->writing);
    pthread_mutex_destroy(&rest->consuming);
    free(rest);
}
