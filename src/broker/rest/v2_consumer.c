/* broker/rest/v2_consumer.c -- the v2 API's consumer instances: a reader that lives between
 * requests.
 *
 * An instance is used by one request at a time (its lock). Instances that nobody asked for longer
 * than the timeout are closed by the next request for any of them; so no timer runs, and a proxy
 * that nobody uses stays asleep. */
#include "broker/rest/rest_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"

enum {
    CONSUMERS_MAX = 1000,
    FETCH_DEFAULT_MS = 1000,
    FETCH_MAX_MS = 30000,
    FETCH_DEFAULT_BYTES = 1 << 20,
    FETCH_MAX_BYTES = 16 << 20,
    POLL_RECORDS = 500,
    OFFSETS_MAX = 10000
};

struct tarn_rest_consumer {
    char *group, *name;
    enum tarn_rest_format format;
    struct tarn_topic_reader *reader;
    char **topics; /* subscribed */
    size_t topic_count;
    pthread_mutex_t using;
    int users; /* requests that have or wait for it; guarded by the list's lock */
    bool is_gone;
    int64_t used_us;
    struct tarn_rest_consumer *next;
};

static void free_topics(struct tarn_rest_consumer *consumer)
{
    for (size_t i = 0; i < consumer->topic_count; i++)
        free(consumer->topics[i]);
    free(consumer->topics);
    consumer->topics = NULL;
    consumer->topic_count = 0;
}

static void free_consumer(struct tarn_rest_consumer *consumer)
{
    tarn_topic_reader_close(consumer->reader);
    free_topics(consumer);
    pthread_mutex_destroy(&consumer->using);
    free(consumer->group);
    free(consumer->name);
    free(consumer);
}

/* Takes those out of the list that are too old, and returns them; call with the list's lock. */
static struct tarn_rest_consumer *take_expired(struct tarn_rest *rest)
{
    struct tarn_rest_consumer *expired = NULL, **at = &rest->consumers;
    int64_t oldest_us = tarn_monotonic_us() - rest->options.instance_timeout_ms * 1000;
    while (*at) {
        struct tarn_rest_consumer *consumer = *at;
        if (consumer->users || consumer->used_us > oldest_us) {
            at = &consumer->next;
            continue;
        }
        *at = consumer->next;
        consumer->next = expired;
        expired = consumer;
    }
    return expired;
}

static void free_list(struct tarn_rest_consumer *list)
{
    while (list) {
        struct tarn_rest_consumer *next = list->next;
        free_consumer(list);
        list = next;
    }
}

static struct tarn_rest_consumer *find(struct tarn_rest *rest, const char *group, const char *name)
{
    struct tarn_rest_consumer *consumer = rest->consumers;
    while (consumer && (strcmp(consumer->group, group) != 0 || strcmp(consumer->name, name) != 0))
        consumer = consumer->next;
    return consumer;
}

/* The instance of the path, for this request alone; otherwise replies and is NULL. */
static struct tarn_rest_consumer *begin(struct tarn_http_request *request)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    pthread_mutex_lock(&rest->consuming);
    struct tarn_rest_consumer *expired = take_expired(rest);
    struct tarn_rest_consumer *consumer =
        find(rest, tarn_http_path_str(request, "group"), tarn_http_path_str(request, "instance"));
    if (consumer)
        consumer->users++;
    pthread_mutex_unlock(&rest->consuming);
    free_list(expired);
    if (!consumer) {
        tarn_rest_fail_code(request, 40403, "Consumer instance not found.");
        return NULL;
    }
    pthread_mutex_lock(&consumer->using);
    return consumer;
}

static void end(struct tarn_http_request *request, struct tarn_rest_consumer *consumer)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    pthread_mutex_unlock(&consumer->using);
    pthread_mutex_lock(&rest->consuming);
    consumer->used_us = tarn_monotonic_us();
    bool is_last = --consumer->users == 0 && consumer->is_gone;
    pthread_mutex_unlock(&rest->consuming);
    if (is_last)
        free_consumer(consumer);
}

/* Ends the request on the consumer and replies with what came of it. */
static void finish(struct tarn_http_request *request, struct tarn_rest_consumer *consumer,
                   enum tarn_status status, const struct tarn_error *err)
{
    end(request, consumer);
    if (status == TARN_OK)
        tarn_rest_reply_nothing(request);
    else
        tarn_rest_fail(request, err);
}

/* ---- creating and deleting ---- */

static bool is_true(const json_t *value)
{
    const char *text = json_string_value(value);
    return json_is_true(value) || (text && strcmp(text, "true") == 0);
}

static enum tarn_status open_consumer(struct tarn_topics *topics, const json_t *body,
                                      const char *group, struct tarn_rest_consumer **ret_consumer,
                                      struct tarn_error *err)
{
    const char *format = json_string_value(json_object_get(body, "format"));
    const char *reset = json_string_value(json_object_get(body, "auto.offset.reset"));
    const json_t *commits = json_object_get(body, "auto.commit.enable");
    enum tarn_rest_format parsed = TARN_REST_BINARY;
    if (format && !tarn_rest_format_parse(tarn_text_of(format), &parsed))
        return tarn_fail(err, TARN_INVALID,
                         "Invalid format type: \"%s\" is none of binary, json, "
                         "avro, jsonschema, protobuf",
                         format);
    const struct tarn_topic_reader_options options = {
        .group = group,
        .reset = !reset || strcmp(reset, "latest") == 0 ? TARN_RESET_LATEST
                 : strcmp(reset, "none") == 0           ? TARN_RESET_FAIL
                                                        : TARN_RESET_EARLIEST,
        .commits_by_itself = !commits || is_true(commits)};
    struct tarn_topic_reader *reader;
    TARN_TRY(tarn_topic_reader_open(topics, &options, &reader, err));
    struct tarn_rest_consumer *consumer = tarn_alloc(sizeof *consumer);
    consumer->format = parsed;
    consumer->group = tarn_strdup(group);
    consumer->reader = reader;
    consumer->used_us = tarn_monotonic_us();
    pthread_mutex_init(&consumer->using, NULL);
    *ret_consumer = consumer;
    return TARN_OK;
}

/* False when there is one of this name, or too many. */
static bool add_consumer(struct tarn_rest *rest, struct tarn_rest_consumer *consumer,
                         const char *name)
{
    size_t count = 0;
    char uuid[TARN_UUID_BYTES];
    pthread_mutex_lock(&rest->consuming);
    consumer->name = name ? tarn_strdup(name)
                          : tarn_format("rest-consumer-%llu-%s",
                                        (unsigned long long)++rest->next_consumer, tarn_uuid(uuid));
    for (struct tarn_rest_consumer *other = rest->consumers; other; other = other->next)
        count++;
    bool fits = count < CONSUMERS_MAX && !find(rest, consumer->group, consumer->name);
    if (fits) {
        consumer->next = rest->consumers;
        rest->consumers = consumer;
    }
    pthread_mutex_unlock(&rest->consuming);
    return fits;
}

static void create_consumer(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_rest_consumer *consumer;
    const char *group = tarn_http_path_str(request, "group");
    const json_t *body = tarn_rest_body(request, true);
    struct tarn_topics *topics = body ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return;
    if (open_consumer(topics, body, group, &consumer, &err) != TARN_OK) {
        tarn_rest_fail_code(request, err.status == TARN_INVALID ? 42204 : 50002, "%s", err.text);
        return;
    }
    if (!add_consumer(tarn_rest_of(request), consumer,
                      json_string_value(json_object_get(body, "name")))) {
        free_consumer(consumer);
        tarn_rest_fail_code(request, 40902,
                            "Consumer with specified consumer ID already exists in the specified "
                            "consumer group.");
        return;
    }
    struct tarn_text host = tarn_http_header(request, "Host");
    const char *uri = tarn_arena_format(
        request->arena, "http://%.*s/consumers/%s/instances/%s", (int)host.len,
        host.data ? host.data : "", tarn_http_encode(tarn_text_of(group), request->arena).data,
        tarn_http_encode(tarn_text_of(consumer->name), request->arena).data);
    tarn_rest_reply_v2(request,
                       json_pack("{s:s,s:s}", "instance_id", consumer->name, "base_uri", uri));
}

static void delete_consumer(struct tarn_http_request *request)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    struct tarn_rest_consumer *consumer = begin(request);
    if (!consumer)
        return;
    pthread_mutex_lock(&rest->consuming);
    struct tarn_rest_consumer **at = &rest->consumers;
    while (*at && *at != consumer)
        at = &(*at)->next;
    if (*at)
        *at = consumer->next;
    consumer->is_gone = true;
    pthread_mutex_unlock(&rest->consuming);
    end(request, consumer);
    tarn_rest_reply_nothing(request);
}

void tarn_rest_close_consumers(struct tarn_rest *rest)
{
    free_list(rest->consumers);
    rest->consumers = NULL;
}

/* ---- what it reads ---- */

/* {"partitions" or "offsets":[{"topic","partition"[,"offset","metadata"]}]} */
static enum tarn_status read_offsets(struct tarn_http_request *request, const json_t *list,
                                     int64_t fallback, struct tarn_topic_offset **ret_offsets,
                                     size_t *ret_count, struct tarn_error *err)
{
    size_t count = json_array_size(list), i;
    if (!json_is_array(list) || count > OFFSETS_MAX)
        return tarn_fail(err, TARN_INVALID, "the request must list its partitions");
    struct tarn_topic_offset *offsets =
        tarn_arena_array(request->arena, count + 1, sizeof *offsets);
    const json_t *item;
    json_array_foreach (list, i, item) {
        const json_t *partition = json_object_get(item, "partition");
        const json_t *offset = json_object_get(item, "offset");
        const char *metadata = json_string_value(json_object_get(item, "metadata"));
        offsets[i].topic = json_string_value(json_object_get(item, "topic"));
        if (!offsets[i].topic || !json_is_integer(partition))
            return tarn_fail(err, TARN_INVALID, "each needs a \"topic\" and a \"partition\"");
        offsets[i].partition = (int32_t)json_integer_value(partition);
        offsets[i].offset = json_is_integer(offset) ? json_integer_value(offset) : fallback;
        offsets[i].metadata = tarn_text_of(metadata);
    }
    *ret_offsets = offsets;
    *ret_count = count;
    return TARN_OK;
}

static enum tarn_status subscribe(struct tarn_http_request *request,
                                  struct tarn_rest_consumer *consumer, const json_t *body,
                                  struct tarn_error *err)
{
    const char *pattern = json_string_value(json_object_get(body, "topic_pattern"));
    const json_t *list = json_object_get(body, "topics"), *item;
    size_t count = pattern ? 1 : json_array_size(list), i;
    const char **names = tarn_arena_array(request->arena, count + 1, sizeof *names);
    if (pattern)
        names[0] = *pattern == '^' ? pattern : tarn_arena_format(request->arena, "^%s", pattern);
    json_array_foreach (list, i, item) {
        if (pattern || !json_is_string(item))
            return tarn_fail(err, TARN_INVALID,
                             "\"topics\" must be an array of names, or \"topic_pattern\" a text");
        names[i] = json_string_value(item);
    }
    if (!count)
        return tarn_fail(err, TARN_INVALID, "\"topics\" or \"topic_pattern\" is missing");
    TARN_TRY(tarn_topic_reader_subscribe(consumer->reader, names, count, err));
    free_topics(consumer);
    consumer->topics = tarn_alloc_array(count, sizeof *consumer->topics);
    for (i = 0; i < count; i++)
        consumer->topics[i] = tarn_strdup(names[i]);
    consumer->topic_count = count;
    return TARN_OK;
}

static void post_subscription(struct tarn_http_request *request)
{
    struct tarn_error err;
    const json_t *body = tarn_rest_body(request, false);
    struct tarn_rest_consumer *consumer = body ? begin(request) : NULL;
    if (consumer)
        finish(request, consumer, subscribe(request, consumer, body, &err), &err);
}

static void get_subscription(struct tarn_http_request *request)
{
    struct tarn_rest_consumer *consumer = begin(request);
    if (!consumer)
        return;
    json_t *topics = json_array();
    for (size_t i = 0; i < consumer->topic_count; i++)
        json_array_append_new(topics, json_string(consumer->topics[i]));
    end(request, consumer);
    tarn_rest_reply_v2(request, json_pack("{s:o}", "topics", topics));
}

static void delete_subscription(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_rest_consumer *consumer = begin(request);
    if (!consumer)
        return;
    free_topics(consumer);
    finish(request, consumer, tarn_topic_reader_assign(consumer->reader, NULL, 0, &err), &err);
}

static void post_assignments(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_topic_offset *offsets;
    size_t count;
    const json_t *body = tarn_rest_body(request, false);
    struct tarn_rest_consumer *consumer = body ? begin(request) : NULL;
    if (!consumer)
        return;
    enum tarn_status status = read_offsets(request, json_object_get(body, "partitions"),
                                           TARN_OFFSET_COMMITTED, &offsets, &count, &err);
    if (status == TARN_OK)
        status = tarn_topic_reader_assign(consumer->reader, offsets, count, &err);
    finish(request, consumer, status, &err);
}

static void get_assignments(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_topic_offset *offsets;
    size_t count = 0;
    struct tarn_rest_consumer *consumer = begin(request);
    if (!consumer)
        return;
    enum tarn_status status =
        tarn_topic_reader_assignment(consumer->reader, request->arena, &offsets, &count, &err);
    end(request, consumer);
    if (status != TARN_OK) {
        tarn_rest_fail(request, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:i}", "topic", offsets[i].topic, "partition",
                                              offsets[i].partition));
    tarn_rest_reply_v2(request, json_pack("{s:o}", "partitions", list));
}

/* Moves to the listed offsets, or to one end of the listed partitions. */
static void seek(struct tarn_http_request *request, const char *member, int64_t fallback)
{
    struct tarn_error err;
    struct tarn_topic_offset *offsets;
    size_t count = 0;
    const json_t *body = tarn_rest_body(request, false);
    struct tarn_rest_consumer *consumer = body ? begin(request) : NULL;
    if (!consumer)
        return;
    enum tarn_status status =
        read_offsets(request, json_object_get(body, member), fallback, &offsets, &count, &err);
    for (size_t i = 0; status == TARN_OK && i < count; i++)
        status = tarn_topic_reader_seek(consumer->reader, offsets[i].topic, offsets[i].partition,
                                        offsets[i].offset, &err);
    finish(request, consumer, status, &err);
}

static void post_positions(struct tarn_http_request *request)
{
    seek(request, "offsets", 0);
}

static void seek_beginning(struct tarn_http_request *request)
{
    seek(request, "partitions", TARN_OFFSET_BEGINNING);
}

static void seek_end(struct tarn_http_request *request)
{
    seek(request, "partitions", TARN_OFFSET_END);
}

/* ---- offsets ---- */

/* The body's offsets are of the last records that were processed: the next ones are committed.
 * Without a body, what was fetched. */
static void commit(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_topic_offset *offsets = NULL;
    size_t count = 0;
    const json_t *body = tarn_rest_body(request, true);
    struct tarn_rest_consumer *consumer = body ? begin(request) : NULL;
    if (!consumer)
        return;
    enum tarn_status status = TARN_OK;
    const json_t *list = json_object_get(body, "offsets");
    if (list)
        status = read_offsets(request, list, 0, &offsets, &count, &err);
    for (size_t i = 0; status == TARN_OK && i < count; i++)
        offsets[i].offset++;
    if (status == TARN_OK)
        status = tarn_topic_reader_commit(consumer->reader, offsets, count, &err);
    finish(request, consumer, status, &err);
}

static void get_offsets(struct tarn_http_request *request)
{
    struct tarn_error err;
    struct tarn_topic_offset *offsets;
    size_t count = 0;
    const json_t *body = tarn_rest_body(request, true);
    struct tarn_rest_consumer *consumer = body ? begin(request) : NULL;
    if (!consumer)
        return;
    const json_t *wanted = json_object_get(body, "partitions");
    enum tarn_status status = wanted
                                  ? read_offsets(request, wanted, 0, &offsets, &count, &err)
                                  : tarn_topic_reader_assignment(consumer->reader, request->arena,
                                                                 &offsets, &count, &err);
    if (status == TARN_OK && count)
        status =
            tarn_topic_reader_committed(consumer->reader, request->arena, offsets, count, &err);
    end(request, consumer);
    if (status != TARN_OK) {
        tarn_rest_fail(request, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (offsets[i].offset >= 0)
            json_array_append_new(
                list,
                json_pack("{s:s,s:i,s:I,s:s%}", "topic", offsets[i].topic, "partition",
                          offsets[i].partition, "offset", (json_int_t)offsets[i].offset, "metadata",
                          offsets[i].metadata.data ? offsets[i].metadata.data : "",
                          offsets[i].metadata.len));
    tarn_rest_reply_v2(request, json_pack("{s:o}", "offsets", list));
}

/* ---- records ---- */

static enum tarn_status write_record(struct tarn_rest *rest, enum tarn_rest_format format,
                                     const struct tarn_topic_record *record,
                                     struct tarn_buffer *out, struct tarn_error *err)
{
    tarn_buffer_printf(out, "{\"topic\":\"%s\",\"key\":", record->topic);
    TARN_TRY(tarn_rest_decode(rest, format, record, true, out, err));
    tarn_buffer_append_str(out, ",\"value\":");
    TARN_TRY(tarn_rest_decode(rest, format, record, false, out, err));
    tarn_buffer_printf(out, ",\"partition\":%d,\"offset\":%lld}", record->partition,
                       (long long)record->offset);
    return TARN_OK;
}

/* Moves each partition of these records back to the first of them. */
static enum tarn_status give_back(struct tarn_rest_consumer *consumer,
                                  const struct tarn_topic_record *records, size_t count,
                                  struct tarn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (records[first].partition != records[i].partition ||
               strcmp(records[first].topic, records[i].topic) != 0)
            first++;
        if (first == i)
            TARN_TRY(tarn_topic_reader_seek(consumer->reader, records[i].topic,
                                            records[i].partition, records[i].offset, err));
    }
    return TARN_OK;
}

/* Polls until something came or the time is up; then takes what is there at once. */
static enum tarn_status fetch(struct tarn_rest *rest, struct tarn_rest_consumer *consumer,
                              int64_t timeout_ms, size_t max_bytes, struct tarn_buffer *out,
                              struct tarn_error *err)
{
    int64_t deadline_us = tarn_monotonic_us() + timeout_ms * 1000;
    size_t count = 0;
    tarn_buffer_append_char(out, '[');
    while (out->len < max_bytes) {
        struct tarn_topic_records records;
        int64_t left_ms = count ? 0 : (deadline_us - tarn_monotonic_us()) / 1000;
        TARN_TRY(tarn_topic_reader_poll(consumer->reader, POLL_RECORDS, left_ms < 0 ? 0 : left_ms,
                                        &records, err));
        for (size_t i = 0; i < records.count; i++) {
            const struct tarn_topic_record *record = &records.items[i];
            size_t before = out->len;
            if (count && before < max_bytes)
                tarn_buffer_append_char(out, ',');
            enum tarn_status status = before < max_bytes
                                          ? write_record(rest, consumer->format, record, out, err)
                                          : TARN_TOO_LARGE;
            if (status == TARN_OK) {
                count++;
                continue;
            }
            /* what does not fit, or cannot be told, comes first in the next request */
            out->len = before;
            TARN_TRY(give_back(consumer, record, records.count - i, err));
            if (status != TARN_TOO_LARGE && !count)
                return status;
            tarn_buffer_append_char(out, ']');
            return tarn_buffer_check(out, "the fetched records", err);
        }
        if (!records.count && (count || tarn_monotonic_us() >= deadline_us))
            break;
    }
    tarn_buffer_append_char(out, ']');
    return tarn_buffer_check(out, "the fetched records", err);
}

static void get_records(struct tarn_http_request *request)
{
    int64_t timeout_ms, max_bytes;
    struct tarn_error err;
    if (!tarn_http_query_int(request, "timeout", FETCH_DEFAULT_MS, 0, INT32_MAX, &timeout_ms) ||
        !tarn_http_query_int(request, "max_bytes", FETCH_DEFAULT_BYTES, 1, INT32_MAX, &max_bytes)) {
        tarn_rest_fail_code(request, 422, "\"timeout\" and \"max_bytes\" must be numbers");
        return;
    }
    struct tarn_rest_consumer *consumer = begin(request);
    if (!consumer)
        return;
    if (timeout_ms > FETCH_MAX_MS)
        timeout_ms = FETCH_MAX_MS;
    if (max_bytes > FETCH_MAX_BYTES)
        max_bytes = FETCH_MAX_BYTES;
    TARN_BUFFER(out, 4 * FETCH_MAX_BYTES);
    char type[64];
    const char *name = tarn_rest_format_name(consumer->format);
    size_t len = (size_t)snprintf(type, sizeof type, "application/vnd.kafka.%s.v2+json", name);
    for (size_t i = 0; i < len; i++)
        if (type[i] >= 'A' && type[i] <= 'Z')
            type[i] = (char)(type[i] - 'A' + 'a');
    enum tarn_status status =
        fetch(tarn_rest_of(request), consumer, timeout_ms, (size_t)max_bytes, &out, &err);
    end(request, consumer);
    if (status == TARN_OK)
        tarn_http_reply(request, 200, type, tarn_buffer_text(&out));
    else
        tarn_rest_fail_code(request, 50002, "%s", err.text);
}

#define INSTANCE "/consumers/{group}/instances/{instance}"

const struct tarn_http_route tarn_rest_consumer_routes[] = {
    {.method = "POST", .path = "/consumers/{group}", .handler = create_consumer},
    {.method = "DELETE", .path = INSTANCE, .handler = delete_consumer},
    {.method = "POST", .path = INSTANCE "/subscription", .handler = post_subscription},
    {.method = "GET", .path = INSTANCE "/subscription", .handler = get_subscription},
    {.method = "DELETE", .path = INSTANCE "/subscription", .handler = delete_subscription},
    {.method = "POST", .path = INSTANCE "/assignments", .handler = post_assignments},
    {.method = "GET", .path = INSTANCE "/assignments", .handler = get_assignments},
    {.method = "POST", .path = INSTANCE "/positions", .handler = post_positions},
    {.method = "POST", .path = INSTANCE "/positions/beginning", .handler = seek_beginning},
    {.method = "POST", .path = INSTANCE "/positions/end", .handler = seek_end},
    {.method = "POST", .path = INSTANCE "/offsets", .handler = commit},
    {.method = "GET", .path = INSTANCE "/offsets", .handler = get_offsets},
    {.method = "GET", .path = INSTANCE "/records", .handler = get_records},
};
const size_t tarn_rest_consumer_route_count = TARN_COUNT(tarn_rest_consumer_routes);
