/* broker/rest/rest_int.h -- what the REST proxy's files share. */
#ifndef TARN_BROKER_REST_REST_INT_H
#define TARN_BROKER_REST_REST_INT_H

#include <pthread.h>

#include "broker/rest/rest.h"
#include "http/server.h"

#define TARN_REST_V2_MEDIA "application/vnd.kafka.v2+json"

enum { TARN_REST_BODY_MAX_BYTES = 16 << 20, TARN_REST_RECORDS_MAX = 10000 };

struct tarn_rest_consumer;

struct tarn_rest {
    struct tarn_rest_options options;
    struct tarn_http_server *server;
    pthread_mutex_t writing; /* one request produces at a time; the writer below it batches */
    struct tarn_topic_writer *writer;
    pthread_mutex_t consuming; /* guards the list; each consumer has a lock of its own */
    struct tarn_rest_consumer *consumers;
    uint64_t next_consumer;
};

static inline struct tarn_rest *tarn_rest_of(const struct tarn_http_request *request)
{
    return request->context;
}

/* The topics; otherwise replies and is NULL. */
struct tarn_topics *tarn_rest_topics(struct tarn_http_request *request);
/* Replies with an error in Confluent's shape; `code` tells the HTTP status too (40403: 404). */
void tarn_rest_fail_code(struct tarn_http_request *request, int code, const char *format, ...)
    TARN_PRINTF(3, 4);
/* The same from a status, for something about `topic` (may be NULL). */
void tarn_rest_fail(struct tarn_http_request *request, const struct tarn_error *err);
/* The body as an object; otherwise replies and is NULL. Empty is {} when `may_be_empty`. */
const json_t *tarn_rest_body(struct tarn_http_request *request, bool may_be_empty);
void tarn_rest_reply(struct tarn_http_request *request, int status, json_t *json);
void tarn_rest_reply_v2(struct tarn_http_request *request, json_t *json);
void tarn_rest_reply_nothing(struct tarn_http_request *request);

/* ---- data.c: one side of a record between JSON and bytes ---- */
enum tarn_rest_format {
    TARN_REST_BINARY,
    TARN_REST_JSON,
    TARN_REST_STRING,
    TARN_REST_AVRO,
    TARN_REST_JSONSCHEMA,
    TARN_REST_PROTOBUF
};
const char *tarn_rest_format_name(enum tarn_rest_format format); /* "BINARY" */
bool tarn_rest_format_parse(struct tarn_text name, enum tarn_rest_format *ret_format);

/* Which schema the data follow; all left out: the newest of "<topic>-key" or "-value". */
struct tarn_rest_schema {
    int32_t id;          /* 0: not given */
    const char *subject; /* NULL: from the topic */
    const char *text;    /* NULL: not given; otherwise registered */
};
/* JSON null becomes null (data NULL) with BINARY and STRING and without data. INVALID says why. */
CHECKED enum tarn_status tarn_rest_encode(struct tarn_rest *rest, enum tarn_rest_format format,
                                          const struct tarn_rest_schema *schema, const char *topic,
                                          bool is_key, const json_t *data, struct tarn_arena *arena,
                                          struct tarn_text *ret_bytes, int32_t *ret_schema_id,
                                          struct tarn_error *err);
/* One side of a record as JSON text. */
CHECKED enum tarn_status tarn_rest_decode(struct tarn_rest *rest, enum tarn_rest_format format,
                                          const struct tarn_topic_record *record, bool is_key,
                                          struct tarn_buffer *json, struct tarn_error *err);
/* Base64 with or without padding; NULL data when it is not. */
struct tarn_text tarn_rest_base64(const char *text, struct tarn_arena *arena);

/* ---- produce.c ---- */
struct tarn_rest_sent {
    struct tarn_topic_record record;
    int32_t key_schema_id, value_schema_id; /* 0: none */
    enum tarn_status status;
    const char *error; /* NULL: delivered, and where */
    int32_t partition;
    int64_t offset, timestamp_ms;
};
/* Writes those whose status is TARN_OK and waits for all; each gets its outcome. */
void tarn_rest_send(struct tarn_http_request *request, struct tarn_topics *topics,
                    struct tarn_rest_sent *records, size_t count);

void tarn_rest_close_consumers(struct tarn_rest *rest);

extern const struct tarn_http_route tarn_rest_v3_routes[], tarn_rest_group_routes[],
    tarn_rest_v2_routes[], tarn_rest_consumer_routes[], tarn_rest_produce_routes[];
extern const size_t tarn_rest_v3_route_count, tarn_rest_group_route_count, tarn_rest_v2_route_count,
    tarn_rest_consumer_route_count, tarn_rest_produce_route_count;

/* ---- v3.c: the envelope of v3 ---- */
/* {"kind":..,"metadata":{"self":..,"resource_name":..},"cluster_id":..}; `path` is behind
 * /v3/clusters/ID, `name` behind crn:///kafka=ID. False members are filled in by the caller. */
json_t *tarn_rest_resource(const struct tarn_http_request *request, const char *kind,
                           const char *path, const char *name);
json_t *tarn_rest_list(const struct tarn_http_request *request, const char *kind, json_t *data);
void tarn_rest_relate(const struct tarn_http_request *request, json_t *resource, const char *member,
                      const char *path);
/* Replies 404 and is false when the path names another cluster. */
bool tarn_rest_is_cluster(struct tarn_http_request *request);
const char *tarn_rest_cluster_id(const struct tarn_http_request *request);

#endif
