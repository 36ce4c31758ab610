/* broker/topic_embedded.c -- topics of the broker in this process: opening, questions to it, their
 * errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "broker/protocol/error_code.h"
#include "broker/server/local.h"
#include "broker/topic_embedded_int.h"

enum { WHAT_BYTES = 1000, ANSWER_MAX_BYTES = 256 << 20 };

/* ---- bells ---- */

void tarn_bell_init(struct tarn_bell *bell)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&bell->mutex, NULL);
    pthread_cond_init(&bell->rung, &attributes);
    pthread_condattr_destroy(&attributes);
}

void tarn_bell_release(struct tarn_bell *bell)
{
    pthread_cond_destroy(&bell->rung);
    pthread_mutex_destroy(&bell->mutex);
}

bool tarn_bell_wait(struct tarn_bell *bell, int64_t deadline_us)
{
    if (deadline_us == INT64_MAX)
        return pthread_cond_wait(&bell->rung, &bell->mutex) == 0;
    struct timespec until = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    return pthread_cond_timedwait(&bell->rung, &bell->mutex, &until) != ETIMEDOUT;
}

int64_t tarn_deadline_us(int64_t timeout_ms)
{
    int64_t now = tarn_monotonic_us();
    return timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / 1000 ? INT64_MAX
                                                                   : now + timeout_ms * 1000;
}

/* ---- questions ---- */

void tarn_question_init(struct tarn_question *question, struct tarn_embedded *embedded,
                        struct tarn_bell *bell)
{
    *question =
        (struct tarn_question){.embedded = embedded, .bell = bell, .arena = tarn_arena_new()};
}

static void give_up(struct tarn_broker *broker, void *context)
{
    struct tarn_question *question = context;
    (void)broker;
    if (question->request)
        tarn_local_cancel(question->request);
    question->request = NULL;
    question->is_answered = true;
}

void tarn_question_clear(struct tarn_question *question)
{
    struct tarn_error err;
    pthread_mutex_lock(&question->bell->mutex);
    bool waits = question->is_open && !question->is_answered;
    pthread_mutex_unlock(&question->bell->mutex);
    if (waits) /* fails when the broker has stopped: then it has been answered */
        (void)!tarn_broker_call(question->embedded->broker, give_up, question, &err);
    free(question->bytes);
    question->bytes = NULL;
    question->is_open = question->is_answered = false;
    tarn_arena_reset(question->arena);
}

void tarn_question_release(struct tarn_question *question)
{
    if (!question->arena)
        return;
    tarn_question_clear(question);
    tarn_arena_free(question->arena);
    question->arena = NULL;
}

static bool on_answer(void *context, struct tarn_request *request, const void *response)
{
    struct tarn_question *question = context;
    char *bytes = NULL;
    size_t len = 0;
    (void)request;
    if (response) {
        __attribute__((cleanup(tarn_wire_writer_release))) struct tarn_wire_writer out;
        tarn_wire_writer_init(&out, ANSWER_MAX_BYTES);
        tarn_message_encode(tarn_api_find(question->api_key)->response, &out, question->version,
                            response);
        if (!out.fault) {
            len = out.len;
            bytes = tarn_alloc(len + 1);
            tarn_wire_writer_copy(&out, bytes);
        }
    }
    pthread_mutex_lock(&question->bell->mutex);
    question->request = NULL;
    question->bytes = bytes;
    question->len = len;
    question->is_answered = true;
    pthread_cond_broadcast(&question->bell->rung);
    pthread_mutex_unlock(&question->bell->mutex);
    return false;
}

static void send_question(struct tarn_broker *broker, void *context)
{
    struct tarn_question *question = context;
    const char *client_id = question->embedded->base.client_id;
    struct tarn_request *request =
        tarn_local_send(broker, question->api_key, question->version, tarn_text_of(client_id),
                        question->body, on_answer, question);
    if (request)
        question->request = request; /* otherwise the question may be gone already */
}

enum tarn_status tarn_question_ask(struct tarn_question *question, int16_t api_key, int16_t version,
                                   const void *body, struct tarn_error *err)
{
    question->api_key = api_key;
    question->version = version;
    question->body = body;
    question->is_open = true;
    if (tarn_broker_post(question->embedded->broker, send_question, question))
        return TARN_OK;
    question->is_open = false;
    return tarn_fail(err, TARN_CANCELLED, "the broker is not running");
}

enum tarn_status tarn_question_answer(struct tarn_question *question, struct tarn_arena *arena,
                                      void **ret_response, struct tarn_error *err)
{
    const struct tarn_api *api = tarn_api_find(question->api_key);
    if (!question->bytes)
        return tarn_fail(err, TARN_CANCELLED, "the broker is not running any more");
    struct tarn_text bytes = {tarn_arena_strndup(arena, question->bytes, question->len),
                              question->len};
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, bytes);
    *ret_response = tarn_arena_alloc(arena, api->response->size_bytes);
    return tarn_message_decode(api->response, &reader, question->version, arena, *ret_response,
                               err);
}

enum tarn_status tarn_embedded_ask(struct tarn_topics *topics, int16_t api_key, int16_t version,
                                   const void *body, struct tarn_arena *arena, void **ret_response,
                                   struct tarn_error *err)
{
    struct tarn_bell bell;
    struct tarn_question question;
    tarn_bell_init(&bell);
    tarn_question_init(&question, (struct tarn_embedded *)topics, &bell);
    enum tarn_status status = tarn_question_ask(&question, api_key, version, body, err);
    if (status == TARN_OK) {
        /* all that is asked this way is answered: at the latest when the broker stops */
        pthread_mutex_lock(&bell.mutex);
        while (!question.is_answered)
            (void)tarn_bell_wait(&bell, INT64_MAX);
        pthread_mutex_unlock(&bell.mutex);
        status = tarn_question_answer(&question, arena, ret_response, err);
    }
    tarn_question_release(&question);
    tarn_bell_release(&bell);
    return status;
}

enum tarn_status tarn_embedded_call(struct tarn_topics *topics,
                                    void (*function)(struct tarn_broker *broker, void *context),
                                    void *context, struct tarn_error *err)
{
    return tarn_broker_call(tarn_embedded_broker(topics), function, context, err);
}

enum tarn_status tarn_embedded_fail(struct tarn_error *err, int16_t code, struct tarn_text text,
                                    const char *format, ...)
{
    if (code == TARN_KAFKA_NONE)
        return TARN_OK;
    char what[WHAT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (text.len == 0)
        text = tarn_text_of(tarn_kafka_error_text(code));
    return tarn_fail(err, tarn_topic_kafka_status(code), "%s: %.*s", what, TARN_TEXT_ARGS(text));
}

const char *tarn_arena_text(struct tarn_arena *arena, struct tarn_text text)
{
    return tarn_arena_strndup(arena, text.data ? text.data : "", text.len);
}

/* ---- opening ---- */

static void embedded_close(struct tarn_topics *topics)
{
    struct tarn_embedded *embedded = (struct tarn_embedded *)topics;
    if (embedded->owns_broker)
        tarn_broker_close(embedded->broker);
    free(topics->address);
    free(topics->client_id);
    free(embedded);
}

#define READS                                                                                      \
    .close = embedded_close, .reader_open = tarn_embedded_reader_open, .list = tarn_embedded_list, \
    .find = tarn_embedded_find, .describe = tarn_embedded_describe,                                \
    .watermarks = tarn_embedded_watermarks, .offset_at = tarn_embedded_offset_at,                  \
    .group_list = tarn_embedded_group_list, .group_describe = tarn_embedded_group_describe

static const struct tarn_topics_ops read_only_ops = {READS};
static const struct tarn_topics_ops embedded_ops = {
    READS,
    .writer_open = tarn_embedded_writer_open,
    .create = tarn_embedded_create,
    .delete = tarn_embedded_delete,
    .add_partitions = tarn_embedded_add_partitions,
    .alter = tarn_embedded_alter,
    .delete_records = tarn_embedded_delete_records,
    .group_reset = tarn_embedded_group_reset,
    .group_delete = tarn_embedded_group_delete,
};

static struct tarn_topics *make(const struct tarn_topics_options *options,
                                struct tarn_broker *broker, bool owns_broker)
{
    struct tarn_embedded *embedded = tarn_alloc(sizeof *embedded);
    embedded->base.ops = options->read_only ? &read_only_ops : &embedded_ops;
    embedded->base.address = tarn_strdup(options->address);
    embedded->base.client_id = tarn_strdup(options->client_id);
    embedded->base.timeout_ms = options->timeout_ms;
    embedded->broker = broker;
    embedded->owns_broker = owns_broker;
    return &embedded->base;
}

enum tarn_status tarn_topics_open_embedded(const struct tarn_topics_options *options,
                                           struct tarn_topics **ret_topics, struct tarn_error *err)
{
    if (!options->broker)
        return tarn_fail(err, TARN_CONFIG, "there is no broker in this process");
    *ret_topics = make(options, options->broker, false);
    return TARN_OK;
}

enum tarn_status tarn_topics_open_offline(const struct tarn_topics_options *options,
                                          struct tarn_topics **ret_topics, struct tarn_error *err)
{
    if (!tarn_directory_exists(options->directory))
        return tarn_fail(err, TARN_NOT_FOUND,
                         "there are no files of a broker in %s; `tarn broker` makes them",
                         options->directory);
    struct tarn_broker_options broker_options;
    struct tarn_broker *broker;
    tarn_broker_options_init(&broker_options);
    broker_options.folder = options->directory;
    broker_options.auto_create_topics = false;
    broker_options.read_only = options->read_only;
    TARN_TRY(tarn_broker_open(&broker_options, &broker, err));
    enum tarn_status status = tarn_broker_start(broker, err);
    if (status != TARN_OK) {
        tarn_broker_close(broker);
        return status;
    }
    *ret_topics = make(options, broker, true);
    return TARN_OK;
}
