/* http/http_test.c -- a real server on a free port, spoken to byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "http/server.h"

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int inside;
    bool open;
};

static void hello(struct tarn_http_request *request)
{
    struct tarn_text name = tarn_http_path_param(request, "name");
    struct tarn_text greeting = TARN_TEXT("hello");
    (void)tarn_http_query_param(request, "greeting", &greeting);
    char *text = tarn_arena_format(request->arena, "%.*s %.*s", TARN_TEXT_ARGS(greeting),
                                   TARN_TEXT_ARGS(name));
    tarn_http_reply_header(request, "X-Seen", "yes");
    tarn_http_reply(request, 200, "text/plain", tarn_text_of(text));
}

static void echo(struct tarn_http_request *request)
{
    tarn_http_reply(request, 200, tarn_http_header(request, "content-type").data, request->body);
}

static void json(struct tarn_http_request *request)
{
    json_t *value;
    struct tarn_error err;
    if (tarn_http_body_json(request, &value, &err) != TARN_OK)
        tarn_http_reply_error(request, 422, err.text);
    else
        tarn_http_reply_json(request, 201, "application/json",
                             json_pack("{s:i}", "size", (int)json_object_size(value)));
}

static ssize_t count_down(void *context, char *out, size_t max)
{
    int *left = context;
    if (*left == 0)
        return 0;
    (*left)--;
    return snprintf(out, max, "%d\n", *left);
}

static void stream(struct tarn_http_request *request)
{
    int *left = tarn_alloc(sizeof *left);
    *left = 3;
    tarn_http_reply_stream(request, 200, "text/plain",
                           (struct tarn_http_stream){count_down, free, left});
}

static void blocked(struct tarn_http_request *request)
{
    struct gate *gate = request->context;
    pthread_mutex_lock(&gate->mutex);
    gate->inside++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    tarn_http_reply(request, 204, NULL, (struct tarn_text){NULL, 0});
}

static const struct tarn_http_route routes[] = {
    {.method = "GET", .path = "/hello/{name}", .handler = hello},
    {.method = "POST", .path = "/echo", .handler = echo, .body_max_bytes = 100},
    {.method = "PUT", .path = "/json", .handler = json},
    {.method = "DELETE", .path = "/json", .handler = json},
    {.method = "GET", .path = "/stream", .handler = stream},
    {.method = "GET", .path = "/blocked", .handler = blocked},
};

static struct tarn_http_server *open_server(struct gate *gate)
{
    struct tarn_error err;
    struct tarn_http_server *server = NULL;
    const struct tarn_http_options options = {
        .routes = routes, .route_count = TARN_COUNT(routes), .context = gate, .worker_max = 3};
    assert_int_equal(tarn_http_server_open(&options, &server, &err), TARN_OK);
    return server;
}

static int connect_to(const struct tarn_http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(tarn_http_server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `end` has been seen or the server closes; the text is the caller's. */
static char *hear(int fd, const char *end)
{
    TARN_BUFFER(heard, 1 << 20);
    char piece[4096];
    while (!end || !strstr(tarn_buffer_str(&heard), end)) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got <= 0)
            break;
        tarn_buffer_append(&heard, piece, (size_t)got);
    }
    tarn_buffer_append_str(&heard, "");
    return tarn_buffer_take(&heard);
}

/* One request on a connection of its own. */
static char *ask(const struct tarn_http_server *server, const char *head, const char *body)
{
    int fd = connect_to(server);
    TARN_AUTO_FREE char *text =
        tarn_format("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/x\r\n"
                    "Content-Length: %zu\r\n\r\n%s",
                    head, strlen(body), body);
    say(fd, text);
    char *heard = hear(fd, NULL);
    close(fd);
    return heard;
}

static void expect(const struct tarn_http_server *server, const char *head, const char *body,
                   const char *start, const char *end)
{
    TARN_AUTO_FREE char *heard = ask(server, head, body);
    if (!tarn_text_starts(tarn_text_of(heard), start) || !tarn_text_ends(tarn_text_of(heard), end))
        fail_msg("%s: expected %s ... %s, got:\n%s", head, start, end, heard);
}

static void replies(void **state)
{
    (void)state;
    struct tarn_http_server *server = open_server(NULL);
    expect(server, "GET /hello/a%2Fb?greeting=good%20day", "", "HTTP/1.1 200 ", "good day a/b");
    expect(server, "HEAD /hello/you", "", "HTTP/1.1 200 ", "\r\n\r\n");
    expect(server, "POST /echo", "some bytes", "HTTP/1.1 200 ", "\r\n\r\nsome bytes");
    expect(server, "PUT /json", "{\"a\":1}", "HTTP/1.1 201 ", "{\"size\":1}");
    expect(server, "PUT /json", "{", "HTTP/1.1 422 ", "}");
    expect(server, "GET /stream", "", "HTTP/1.1 200 ",
           "2\r\n2\n\r\n2\r\n1\n\r\n2\r\n0\n\r\n0\r\n\r\n");
    tarn_http_server_close(server);
}

static void errors(void **state)
{
    (void)state;
    struct tarn_http_server *server = open_server(NULL);
    expect(server, "GET /nowhere", "", "HTTP/1.1 404 ",
           "{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}");
    expect(server, "GET /hello/%zz", "", "HTTP/1.1 400 ", "}");
    expect(server, "GET /hello/x?a=%", "", "HTTP/1.1 400 ", "}");
    TARN_AUTO_FREE char *wrong = ask(server, "POST /hello/x", "");
    assert_non_null(strstr(wrong, "HTTP/1.1 405 "));
    assert_non_null(strstr(wrong, "Allow: GET, HEAD, OPTIONS\r\n"));
    TARN_AUTO_FREE char *options = ask(server, "OPTIONS /json", "");
    assert_non_null(strstr(options, "HTTP/1.1 204 "));
    assert_non_null(strstr(options, "Allow: PUT, DELETE, OPTIONS\r\n"));
    tarn_http_server_close(server);
}

static void limits_bodies(void **state)
{
    (void)state;
    struct tarn_http_server *server = open_server(NULL);
    char large[150];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    expect(server, "POST /echo", large, "HTTP/1.1 413 ", "}");
    int fd = connect_to(server); /* a length that is not announced */
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    TARN_AUTO_FREE char *chunk = tarn_format("%zx\r\n%s\r\n0\r\n\r\n", strlen(large), large);
    say(fd, chunk);
    TARN_AUTO_FREE char *heard = hear(fd, "\r\n\r\n");
    if (*heard) /* or the connection was closed on it */
        assert_non_null(strstr(heard, "HTTP/1.1 413 "));
    close(fd);
    tarn_http_server_close(server);
}

static void keeps_alive_in_order(void **state)
{
    (void)state;
    struct tarn_http_server *server = open_server(NULL);
    int fd = connect_to(server);
    say(fd, "GET /hello/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/2 HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    TARN_AUTO_FREE char *heard = hear(fd, "hello 3");
    const char *first = strstr(heard, "hello 1"), *second = strstr(heard, "hello 2");
    assert_true(first && second && first < second && strstr(second, "hello 3"));
    close(fd);
    tarn_http_server_close(server);
}

/* Slow handlers hold up nobody, and a server that closes lets them end. */
static void blocks_nobody(void **state)
{
    (void)state;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};
    struct tarn_http_server *server = open_server(&gate);
    int slow[2];
    for (int i = 0; i < 2; i++) {
        slow[i] = connect_to(server);
        say(slow[i], "GET /blocked HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    pthread_mutex_lock(&gate.mutex);
    while (gate.inside < 2)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    expect(server, "GET /hello/x", "", "HTTP/1.1 200 ", "hello x");
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    for (int i = 0; i < 2; i++) {
        TARN_AUTO_FREE char *heard = hear(slow[i], "\r\n\r\n");
        assert_non_null(strstr(heard, "HTTP/1.1 204 "));
        close(slow[i]);
    }
    int fd = connect_to(server); /* left hanging in the middle of a request */
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf");
    tarn_http_server_close(server);
    close(fd);
}

static void port_is_taken(void **state)
{
    (void)state;
    struct tarn_http_server *server = open_server(NULL), *second = NULL;
    struct tarn_error err;
    const struct tarn_http_options options = {
        .routes = routes, .route_count = 1, .port = tarn_http_server_port(server)};
    assert_int_not_equal(tarn_http_server_open(&options, &second, &err), TARN_OK);
    assert_null(second);
    assert_non_null(strstr(err.text, "port 0 takes a free one"));
    tarn_http_server_close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),       cmocka_unit_test(errors),
        cmocka_unit_test(limits_bodies), cmocka_unit_test(keeps_alive_in_order),
        cmocka_unit_test(blocks_nobody), cmocka_unit_test(port_is_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
