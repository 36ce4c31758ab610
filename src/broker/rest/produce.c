/* broker/rest/produce.c -- writing records: v3's stream of objects and v2's batches. */
#include <stdio.h>

#include "base/clock.h"
#include "broker/rest/rest_int.h"

enum { WRITE_LIMIT_MS = 30000 };

static void delivered(void *context, const struct tarn_topic_delivery *delivery)
{
    (void)context;
    struct tarn_rest_sent *sent = delivery->opaque;
    if (!sent)
        return;
    sent->status = delivery->status;
    sent->error = delivery->error ? "the broker did not take it" : NULL;
    sent->partition = delivery->partition;
    sent->offset = delivery->offset;
    sent->timestamp_ms = delivery->timestamp_ms;
}

static enum tarn_status open_writer(struct tarn_rest *rest, struct tarn_topics *topics,
                                    struct tarn_error *err)
{
    if (rest->writer)
        return TARN_OK;
    const struct tarn_topic_writer_options options = {.acks = TARN_ACKS_ALL,
                                                      .delivery_timeout_ms = WRITE_LIMIT_MS,
                                                      .delivered = delivered,
                                                      .context = rest};
    return tarn_topic_writer_open(topics, &options, &rest->writer, err);
}

void tarn_rest_send(struct tarn_http_request *request, struct tarn_topics *topics,
                    struct tarn_rest_sent *records, size_t count)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    struct tarn_error err;
    pthread_mutex_lock(&rest->writing);
    enum tarn_status status = open_writer(rest, topics, &err);
    for (size_t i = 0; i < count; i++) {
        struct tarn_rest_sent *sent = &records[i];
        if (sent->status != TARN_OK)
            continue;
        sent->offset = -1;
        sent->error = "it was not answered in time";
        sent->record.opaque = sent;
        enum tarn_status written =
            status == TARN_OK ? tarn_topic_write(rest->writer, &sent->record, &err) : status;
        if (written != TARN_OK) {
            sent->status = written;
            sent->error = tarn_arena_strdup(request->arena, err.text);
        }
    }
    if (rest->writer &&
        tarn_topic_writer_flush(rest->writer, WRITE_LIMIT_MS + 1000, &err) != TARN_OK) {
        for (size_t i = 0; i < count; i++)
            if (records[i].error)
                records[i].error = tarn_arena_strdup(request->arena, err.text);
        /* what is still on its way points at this request: it must not outlive it */
        tarn_topic_writer_close(rest->writer);
        rest->writer = NULL;
    }
    pthread_mutex_unlock(&rest->writing);
}

static void fail_record(struct tarn_http_request *request, struct tarn_rest_sent *sent,
                        enum tarn_status status, const char *text)
{
    sent->status = status;
    sent->error = tarn_arena_strdup(request->arena, text);
}

/* ---- v3 ---- */

struct side {
    enum tarn_rest_format format;
    bool is_there;
    size_t size;
};

/* One of "key" and "value": {"type":..,"data":..} with what says the schema. */
static enum tarn_status read_side(struct tarn_http_request *request, const char *topic,
                                  const json_t *body, bool is_key, struct side *side,
                                  struct tarn_text *ret_bytes, int32_t *ret_schema_id,
                                  struct tarn_error *err)
{
    const json_t *json = json_object_get(body, is_key ? "key" : "value");
    const char *type = json_string_value(json_object_get(json, "type"));
    struct tarn_rest_schema schema = {
        .id = (int32_t)json_integer_value(json_object_get(json, "schema_id")),
        .subject = json_string_value(json_object_get(json, "subject")),
        .text = json_string_value(json_object_get(json, "schema"))};
    *ret_bytes = (struct tarn_text){NULL, 0};
    *side = (struct side){.format = TARN_REST_AVRO, .is_there = json_is_object(json)};
    if (!json || json_is_null(json))
        return TARN_OK;
    if (!side->is_there)
        return tarn_fail(err, TARN_INVALID, "\"%s\" must be an object with \"type\" and \"data\"",
                         is_key ? "key" : "value");
    if (type && !tarn_rest_format_parse(tarn_text_of(type), &side->format))
        return tarn_fail(err, TARN_INVALID, "unknown type of data \"%s\"", type);
    TARN_TRY(tarn_rest_encode(tarn_rest_of(request), side->format, &schema, topic, is_key,
                              json_object_get(json, "data"), request->arena, ret_bytes,
                              ret_schema_id, err));
    side->size = ret_bytes->len;
    return TARN_OK;
}

static enum tarn_status read_headers(struct tarn_http_request *request, const json_t *list,
                                     struct tarn_topic_record *record, struct tarn_error *err)
{
    struct tarn_topic_header *headers =
        tarn_arena_array(request->arena, json_array_size(list) + 1, sizeof *headers);
    const json_t *item;
    size_t i;
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *value = json_string_value(json_object_get(item, "value"));
        if (!name)
            return tarn_fail(err, TARN_INVALID, "a header needs a \"name\"");
        headers[i].key = tarn_text_of(name);
        if (value)
            headers[i].value = tarn_rest_base64(value, request->arena);
        if (value && !headers[i].value.data)
            return tarn_fail(err, TARN_INVALID, "header %s: the value must be base64", name);
    }
    record->headers = headers;
    record->header_count = json_array_size(list);
    return TARN_OK;
}

static enum tarn_status read_record(struct tarn_http_request *request, const char *topic,
                                    const json_t *body, struct tarn_rest_sent *sent,
                                    struct side sides[2], struct tarn_error *err)
{
    const json_t *partition = json_object_get(body, "partition_id");
    const char *timestamp = json_string_value(json_object_get(body, "timestamp"));
    sent->record = (struct tarn_topic_record){.topic = topic, .partition = -1, .timestamp_ms = -1};
    if (json_is_integer(partition))
        sent->record.partition = (int32_t)json_integer_value(partition);
    int64_t time_us;
    if (timestamp && !tarn_time_parse(tarn_text_of(timestamp), &time_us))
        return tarn_fail(err, TARN_INVALID, "\"timestamp\" must be like 2026-01-31T12:00:00Z");
    if (timestamp)
        sent->record.timestamp_ms = time_us / 1000;
    TARN_TRY(read_headers(request, json_object_get(body, "headers"), &sent->record, err));
    TARN_TRY(read_side(request, topic, body, true, &sides[0], &sent->record.key,
                       &sent->key_schema_id, err));
    return read_side(request, topic, body, false, &sides[1], &sent->record.value,
                     &sent->value_schema_id, err);
}

static json_t *side_json(const struct side *side, int32_t schema_id)
{
    if (!side->is_there)
        return json_null();
    json_t *json = json_pack("{s:s,s:I}", "type", tarn_rest_format_name(side->format), "size",
                             (json_int_t)side->size);
    if (schema_id)
        json_object_set_new(json, "schema_id", json_integer(schema_id));
    return json;
}

static json_t *outcome_json(struct tarn_http_request *request, const struct tarn_rest_sent *sent,
                            const struct side sides[2])
{
    char time[TARN_TIME_TEXT_BYTES];
    if (sent->error) {
        int code = sent->status == TARN_NOT_FOUND                                  ? 40403
                   : sent->status == TARN_INVALID || sent->status == TARN_CONFLICT ? 422
                   : sent->status == TARN_TOO_LARGE                                ? 413
                                                                                   : 50002;
        return json_pack("{s:i,s:s}", "error_code", code, "message", sent->error);
    }
    return json_pack("{s:i,s:s,s:s,s:i,s:I,s:s,s:o,s:o}", "error_code", 200, "cluster_id",
                     tarn_rest_cluster_id(request), "topic_name", sent->record.topic,
                     "partition_id", sent->partition, "offset", (json_int_t)sent->offset,
                     "timestamp", tarn_time_format(sent->timestamp_ms * 1000, time), "key",
                     side_json(&sides[0], sent->key_schema_id), "value",
                     side_json(&sides[1], sent->value_schema_id));
}

/* The body's objects one after the other, as many as there are. */
struct stream {
    json_t *objects[TARN_REST_RECORDS_MAX];
    size_t count;
};

static void release_stream(void *pointer)
{
    struct stream *stream = pointer;
    for (size_t i = 0; i < stream->count; i++)
        json_decref(stream->objects[i]);
    free(stream);
}

static struct stream *read_stream(struct tarn_http_request *request, const char **ret_wrong)
{
    struct stream *stream = tarn_alloc(sizeof *stream);
    struct tarn_text rest = tarn_text_trim(request->body);
    tarn_http_defer(request, release_stream, stream);
    while (rest.len) {
        json_error_t error;
        json_t *json = NULL;
        if (stream->count < TARN_REST_RECORDS_MAX)
            json = json_loadb(rest.data, rest.len, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
        else
            snprintf(error.text, sizeof error.text, "more than %d records", TARN_REST_RECORDS_MAX);
        if (!json) {
            *ret_wrong = tarn_arena_strdup(request->arena, error.text);
            break;
        }
        stream->objects[stream->count++] = json;
        rest = tarn_text_trim(
            (struct tarn_text){rest.data + error.position, rest.len - (size_t)error.position});
    }
    return stream;
}

static void reply_outcomes(struct tarn_http_request *request, const struct tarn_rest_sent *sent,
                           struct side (*sides)[2], size_t count, const char *wrong)
{
    TARN_BUFFER(out, 64 << 20);
    int status = count == 0 ? 400 : 200;
    for (size_t i = 0; i < count; i++) {
        json_t *json = outcome_json(request, &sent[i], sides[i]);
        char *text = json_dumps(json, JSON_COMPACT);
        int code = (int)json_integer_value(json_object_get(json, "error_code"));
        if (count == 1 && code != 200)
            status = code >= 10000 ? code / 100 : code;
        tarn_buffer_append_str(&out, text ? text : "{}");
        tarn_buffer_append_str(&out, "\r\n");
        free(text);
        json_decref(json);
    }
    if (wrong) {
        json_t *json = json_pack("{s:i,s:s}", "error_code", 400, "message", wrong);
        char *text = json_dumps(json, JSON_COMPACT);
        tarn_buffer_append_str(&out, text ? text : "{\"error_code\":400}");
        free(text);
        json_decref(json);
    }
    tarn_http_reply(request, status, "application/json", tarn_buffer_text(&out));
}

static void produce_v3(struct tarn_http_request *request)
{
    const char *wrong = NULL, *topic = tarn_http_path_str(request, "topic");
    struct tarn_topics *topics = tarn_rest_is_cluster(request) ? tarn_rest_topics(request) : NULL;
    if (!topics)
        return;
    struct stream *stream = read_stream(request, &wrong);
    if (!stream->count && !wrong)
        wrong = "the request has no body: it must hold one or more records as JSON objects";
    struct tarn_rest_sent *sent = tarn_arena_array(request->arena, stream->count + 1, sizeof *sent);
    struct side(*sides)[2] = tarn_arena_array(request->arena, stream->count + 1, sizeof *sides);
    for (size_t i = 0; i < stream->count; i++) {
        struct tarn_error err;
        enum tarn_status status =
            read_record(request, topic, stream->objects[i], &sent[i], sides[i], &err);
        if (status != TARN_OK)
            fail_record(request, &sent[i], TARN_INVALID, err.text);
    }
    tarn_rest_send(request, topics, sent, stream->count);
    reply_outcomes(request, sent, sides, stream->count, wrong);
}

/* ---- v2 ---- */

/* The format that "application/vnd.kafka.json.v2+json" names. */
static bool media_format(struct tarn_http_request *request, enum tarn_rest_format *ret_format)
{
    struct tarn_text type = tarn_http_header(request, "Content-Type");
    const char prefix[] = "application/vnd.kafka.";
    if (type.data && tarn_text_starts(type, prefix)) {
        struct tarn_text rest = {type.data + sizeof prefix - 1, type.len - sizeof prefix + 1};
        struct tarn_text name;
        if (tarn_text_split(&rest, '.', &name) && tarn_rest_format_parse(name, ret_format))
            return true;
    }
    tarn_rest_fail_code(request, 415,
                        "HTTP 415 Unsupported Media Type: records come as "
                        "application/vnd.kafka.binary.v2+json, ...json.v2+json or "
                        "...avro.v2+json");
    return false;
}

static void read_schemas(const json_t *body, struct tarn_rest_schema schemas[2])
{
    schemas[0] = (struct tarn_rest_schema){
        .id = (int32_t)json_integer_value(json_object_get(body, "key_schema_id")),
        .text = json_string_value(json_object_get(body, "key_schema"))};
    schemas[1] = (struct tarn_rest_schema){
        .id = (int32_t)json_integer_value(json_object_get(body, "value_schema_id")),
        .text = json_string_value(json_object_get(body, "value_schema"))};
}

static enum tarn_status read_v2(struct tarn_http_request *request, enum tarn_rest_format format,
                                struct tarn_rest_schema schemas[2], const char *topic,
                                int32_t partition, const json_t *item, struct tarn_rest_sent *sent,
                                struct tarn_error *err)
{
    struct tarn_rest *rest = tarn_rest_of(request);
    const json_t *given = json_object_get(item, "partition");
    const json_t *key = json_object_get(item, "key");
    if (json_is_integer(given))
        partition = (int32_t)json_integer_value(given);
    sent->record =
        (struct tarn_topic_record){.topic = topic, .partition = partition, .timestamp_ms = -1};
    if (key && !json_is_null(key))
        TARN_TRY(tarn_rest_encode(rest, format, &schemas[0], topic, true, key, request->arena,
                                  &sent->record.key, &sent->key_schema_id, err));
    TARN_TRY(tarn_rest_encode(rest, format, &schemas[1], topic, false,
                              json_object_get(item, "value"), request->arena, &sent->record.value,
                              &sent->value_schema_id, err));
    for (int side = 0; side < 2; side++) { /* a schema is registered by the first record only */
        int32_t id = side ? sent->value_schema_id : sent->key_schema_id;
        if (id)
            schemas[side] = (struct tarn_rest_schema){.id = id};
    }
    return TARN_OK;
}

static json_t *offset_json(const struct tarn_rest_sent *sent)
{
    if (sent->error)
        return json_pack("{s:n,s:n,s:i,s:s}", "partition", "offset", "error_code",
                         tarn_status_retriable(sent->status) ? 2 : 1, "error", sent->error);
    return json_pack("{s:i,s:I,s:n,s:n}", "partition", sent->partition, "offset",
                     (json_int_t)sent->offset, "error_code", "error");
}

static void produce_v2(struct tarn_http_request *request, int32_t partition)
{
    enum tarn_rest_format format;
    const json_t *body = media_format(request, &format) ? tarn_rest_body(request, false) : NULL;
    struct tarn_topics *topics = body ? tarn_rest_topics(request) : NULL;
    const json_t *list = json_object_get(body, "records"), *item;
    size_t count = json_array_size(list), i;
    if (!topics)
        return;
    if (!json_is_array(list) || count > TARN_REST_RECORDS_MAX) {
        tarn_rest_fail_code(request, 422, "\"records\" must be an array of at most %d records",
                            TARN_REST_RECORDS_MAX);
        return;
    }
    struct tarn_rest_schema schemas[2];
    struct tarn_rest_sent *sent = tarn_arena_array(request->arena, count + 1, sizeof *sent);
    read_schemas(body, schemas);
    json_array_foreach (list, i, item) {
        struct tarn_error err;
        if (read_v2(request, format, schemas, tarn_http_path_str(request, "topic"), partition, item,
                    &sent[i], &err) != TARN_OK) {
            tarn_rest_fail_code(request, 42205, "record %zu: %s", i, err.text);
            return;
        }
    }
    tarn_rest_send(request, topics, sent, count);
    json_t *offsets = json_array();
    for (i = 0; i < count; i++)
        json_array_append_new(offsets, offset_json(&sent[i]));
    json_t *reply =
        json_pack("{s:o,s:n,s:n}", "offsets", offsets, "key_schema_id", "value_schema_id");
    if (schemas[0].id)
        json_object_set_new(reply, "key_schema_id", json_integer(schemas[0].id));
    if (schemas[1].id)
        json_object_set_new(reply, "value_schema_id", json_integer(schemas[1].id));
    tarn_rest_reply_v2(request, reply);
}

static void produce_to_topic(struct tarn_http_request *request)
{
    produce_v2(request, -1);
}

static void produce_to_partition(struct tarn_http_request *request)
{
    int64_t partition;
    if (tarn_text_to_int64(tarn_http_path_param(request, "partition"), &partition) &&
        partition >= 0 && partition <= INT32_MAX)
        produce_v2(request, (int32_t)partition);
    else
        tarn_rest_fail_code(request, 40402, "Partition not found.");
}

const struct tarn_http_route tarn_rest_produce_routes[] = {
    {.method = "POST",
     .path = "/v3/clusters/{cluster}/topics/{topic}/records",
     .handler = produce_v3},
    {.method = "POST", .path = "/topics/{topic}", .handler = produce_to_topic},
    {.method = "POST",
     .path = "/topics/{topic}/partitions/{partition}",
     .handler = produce_to_partition},
};
const size_t tarn_rest_produce_route_count = TARN_COUNT(tarn_rest_produce_routes);
