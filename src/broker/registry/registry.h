/* broker/registry/registry.h -- the schema registry: subjects, versions, ids, compatibility.
 *
 * Its state is a replay of the compacted topic _schemas, in the records that Confluent's registry
 * writes, so either can take over the other's topic. It reaches that topic through two functions
 * (tarn_registry_store). Thread-safe: writers take turns, readers only wait for memory, never for
 * the topic; what the broker asks while it appends records (tarn_registry_accepts) may therefore be
 * asked on the broker's own thread. */
#ifndef TARN_BROKER_REGISTRY_REGISTRY_H
#define TARN_BROKER_REGISTRY_REGISTRY_H

#include "broker/registry/schema.h"
#include "broker/topic.h"

#define TARN_REGISTRY_TOPIC "_schemas"

/* Where the records are kept. */
struct tarn_registry_store {
    /* Returns when the record is durable; value.data NULL is a tombstone. */
    enum tarn_status (*append)(void *context, struct tarn_text key, struct tarn_text value,
                               struct tarn_error *err);
    /* Hands over, in order, every record that it has not handed over yet, up to the topic's end. */
    enum tarn_status (*replay)(void *context,
                               void (*apply)(void *registry, struct tarn_text key,
                                             struct tarn_text value),
                               void *registry, struct tarn_error *err);
    void (*close)(void *context);
    void *context;
};

/* The store behind `topics`: the first append makes _schemas (one partition, compacted) when it is
 * not there. */
void tarn_registry_topic_store(struct tarn_topics *topics, struct tarn_registry_store *ret_store);

struct tarn_registry;
/* Takes the store over and asks it nothing yet: the first request, or tarn_registry_load, replays
 * it. So a registry that nobody uses costs nothing. */
struct tarn_registry *tarn_registry_open(const struct tarn_registry_store *store);
/* Replays the store when that has not been done. Not on the broker's own thread. */
CHECKED enum tarn_status tarn_registry_load(struct tarn_registry *registry, struct tarn_error *err);
void tarn_registry_close(struct tarn_registry *registry); /* NULL is fine */

/* The schema of an id (wire_format.h), counted for the caller; NOT_FOUND. */
CHECKED enum tarn_status tarn_registry_schema(struct tarn_registry *registry, int32_t id,
                                              struct tarn_schema **ret_schema,
                                              struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_schema_of_guid(struct tarn_registry *registry,
                                                      const uint8_t guid[16],
                                                      struct tarn_schema **ret_schema,
                                                      struct tarn_error *err);
/* The id and schema of a subject's newest version; NOT_FOUND. */
CHECKED enum tarn_status tarn_registry_latest(struct tarn_registry *registry, const char *subject,
                                              int32_t *ret_id, struct tarn_schema **ret_schema,
                                              struct tarn_error *err);
/* Registers `text` (without references) under `subject` as POST /subjects/S/versions does. */
CHECKED enum tarn_status tarn_registry_register(struct tarn_registry *registry, const char *subject,
                                                enum tarn_schema_type type, struct tarn_text text,
                                                int32_t *ret_id, struct tarn_error *err);

/* The check at produce time (topic configs confluent.key.schema.validation and
 * confluent.value.schema.validation): whether `bytes` name a schema that is registered under
 * "<topic>-key" or "<topic>-value". Null is accepted, as it is a tombstone. Neither allocates nor
 * waits for I/O. The registry must have been loaded; until then nothing but null is accepted. */
bool tarn_registry_accepts(struct tarn_registry *registry, struct tarn_text topic, bool is_key,
                           struct tarn_text bytes);

/* Serves Confluent's REST API. host NULL: 127.0.0.1; port 0: a free one. */
struct tarn_http_server;
CHECKED enum tarn_status tarn_registry_serve(struct tarn_registry *registry, const char *host,
                                             uint16_t port, struct tarn_http_server **ret_server,
                                             struct tarn_error *err);

#endif
