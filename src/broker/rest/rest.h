/* broker/rest/rest.h -- the REST proxy: topics over HTTP for places where only HTTP gets through.
 *
 * Confluent's shapes: v3 (clusters, topics, partitions, configs, records, consumer groups and lags)
 * and v2 (produce, consumer instances). It talks to the broker through broker/topic.h only, so it
 * serves the embedded broker and a cluster alike. */
#ifndef TARN_BROKER_REST_REST_H
#define TARN_BROKER_REST_REST_H

#include "broker/registry/registry.h"
#include "broker/topic.h"

struct tarn_rest;

struct tarn_rest_options {
    /* Gives the topics; called for each request, so that the first one may open them. */
    enum tarn_status (*topics)(void *context, struct tarn_topics **ret_topics,
                               struct tarn_error *err);
    void *context;
    struct tarn_registry *registry; /* NULL: AVRO, JSONSCHEMA and PROTOBUF data are refused */
    const char *host;               /* NULL: 127.0.0.1 */
    uint16_t port;                  /* 0: a free one */
    const char *cluster_id;         /* NULL: "tarn" */
    const char *broker_host;        /* what GET .../brokers tells; NULL: 127.0.0.1 */
    uint16_t broker_port;
    int64_t instance_timeout_ms; /* v2 consumers that nobody asked for so long go with the next
                                    request; 0: 5 min */
};

CHECKED enum tarn_status tarn_rest_open(const struct tarn_rest_options *options,
                                        struct tarn_rest **ret_rest, struct tarn_error *err);
uint16_t tarn_rest_port(const struct tarn_rest *rest);
void tarn_rest_close(struct tarn_rest *rest); /* NULL is fine */

#endif
