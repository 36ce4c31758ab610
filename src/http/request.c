/* http/request.c -- what handlers read of a request and say in reply; on a worker thread, except
 * for errors found before a handler runs. */
#include <assert.h>
#include <inttypes.h>
#include <strings.h>

#include "base/json_writer.h"
#include "http/server_int.h"

struct tarn_text tarn_http_path_param(const struct tarn_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->path_param_count; i++)
        if (tarn_text_is(request->path_params[i].name, name))
            return request->path_params[i].value;
    assert(!"the route has no such path parameter");
    return (struct tarn_text){NULL, 0};
}

const char *tarn_http_path_str(const struct tarn_http_request *request, const char *name)
{
    struct tarn_text value = tarn_http_path_param(request, name);
    return tarn_arena_strndup(request->arena, value.data, value.len);
}

bool tarn_http_query_param(const struct tarn_http_request *request, const char *name,
                           struct tarn_text *ret_value)
{
    for (size_t i = 0; i < request->query_param_count; i++) {
        if (!tarn_text_is(request->query_params[i].name, name))
            continue;
        *ret_value = request->query_params[i].value;
        return true;
    }
    return false;
}

bool tarn_http_query_flag(const struct tarn_http_request *request, const char *name)
{
    struct tarn_text value;
    return tarn_http_query_param(request, name, &value) && value.len == 4 &&
           strncasecmp(value.data, "true", 4) == 0;
}

bool tarn_http_query_int(const struct tarn_http_request *request, const char *name,
                         int64_t fallback, int64_t min, int64_t max, int64_t *ret_value)
{
    struct tarn_text text;
    int64_t value = fallback;
    if (tarn_http_query_param(request, name, &text) &&
        (!tarn_text_to_int64(text, &value) || value < min || value > max))
        return false;
    *ret_value = value;
    return true;
}

struct tarn_text tarn_http_header(const struct tarn_http_request *request, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->header_count; i++)
        if (request->headers[i].name.len == len &&
            strncasecmp(request->headers[i].name.data, name, len) == 0)
            return request->headers[i].value;
    return (struct tarn_text){NULL, 0};
}

void tarn_http_defer(struct tarn_http_request *request, void (*release)(void *), void *pointer)
{
    struct tarn_http_deferred *deferred = tarn_arena_alloc(request->arena, sizeof *deferred);
    *deferred = (struct tarn_http_deferred){release, pointer, request->reply->deferred};
    request->reply->deferred = deferred;
}

static void release_json(void *json)
{
    json_decref(json);
}

enum tarn_status tarn_http_body_json(struct tarn_http_request *request, json_t **ret_json,
                                     struct tarn_error *err)
{
    json_error_t error;
    json_t *json = json_loadb(request->body.data ? request->body.data : "", request->body.len,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json)
        return tarn_fail(err, TARN_INVALID, "reading the request body, line %d column %d: %s",
                         error.line, error.column, error.text);
    tarn_http_defer(request, release_json, json);
    *ret_json = json;
    return TARN_OK;
}

void tarn_http_reply_header(struct tarn_http_request *request, const char *name, const char *value)
{
    struct tarn_http_extra_header *header = tarn_arena_alloc(request->arena, sizeof *header);
    *header = (struct tarn_http_extra_header){tarn_arena_strdup(request->arena, name),
                                              tarn_arena_strdup(request->arena, value),
                                              request->reply->headers};
    request->reply->headers = header;
}

static void finish(struct tarn_http_request *request, int status, const char *content_type,
                   struct MHD_Response *response)
{
    struct tarn_http_reply *reply = request->reply;
    assert(response && !reply->response && "one reply for each request");
    if (content_type)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    /* a header that libmicrohttpd refuses (a line break in it) is left out rather than sent */
    for (struct tarn_http_extra_header *header = reply->headers; header; header = header->next)
        (void)MHD_add_response_header(response, header->name, header->value);
    reply->response = response;
    reply->status = (unsigned)status;
}

void tarn_http_reply(struct tarn_http_request *request, int status, const char *content_type,
                     struct tarn_text body)
{
    union {
        const void *given;
        void *wanted;
    } bytes = {.given = body.data ? body.data : ""};
    finish(request, status, content_type,
           MHD_create_response_from_buffer(body.len, bytes.wanted, MHD_RESPMEM_MUST_COPY));
}

void tarn_http_reply_json(struct tarn_http_request *request, int status, const char *content_type,
                          json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (!text) { /* a text in it was not UTF-8 */
        tarn_http_reply_error(request, 500, "HTTP 500 Internal Server Error");
        return;
    }
    finish(request, status, content_type,
           MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
    (void)position;
    const struct tarn_http_stream *stream = context;
    ssize_t count = stream->read(stream->context, out, max);
    if (count == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return count < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : count;
}

static void release_stream(void *context)
{
    struct tarn_http_stream *stream = context;
    if (stream->release)
        stream->release(stream->context);
    free(stream);
}

void tarn_http_reply_stream(struct tarn_http_request *request, int status, const char *content_type,
                            struct tarn_http_stream stream)
{
    struct tarn_http_stream *copy = tarn_alloc(sizeof *copy);
    *copy = stream;
    finish(request, status, content_type,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_stream, copy,
                                             release_stream));
}

void tarn_http_reply_error(struct tarn_http_request *request, int status, const char *message)
{
    tarn_http_error_hook hook = request->reply->server->options.error;
    if (hook) {
        hook(request, status, message);
        return;
    }
    TARN_BUFFER(text, 1 << 16);
    struct tarn_json_writer w = tarn_json_writer(&text, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_int(&w, "error_code", status);
    tarn_json_put_str(&w, "message", message);
    tarn_json_object_end(&w);
    tarn_http_reply(request, status, "application/json", tarn_buffer_text(&text));
}
