/* broker/topics/catalog.h -- the topics: names, ids, partitions, configs. Loop thread.
 *
 * A topic is one key of the journal ("topic/<name>") and comes into being with one commit of the
 * log, so it is there whole or not at all. Names and ids are found by
 * binary search; `tarn_catalog_at` goes through them in order of name. */
#ifndef TARN_BROKER_TOPICS_CATALOG_H
#define TARN_BROKER_TOPICS_CATALOG_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/wire.h"
#include "broker/topics/topic_config.h"

struct tarn_catalog;
struct tarn_log;
struct tarn_partition;

enum { TARN_TOPIC_NAME_MAX_BYTES = 249, TARN_TOPIC_PARTITIONS_MAX = 10000 };

struct tarn_topic {
    char *name;
    struct tarn_text name_text; /* the same */
    struct tarn_uuid16 id;
    int32_t partition_count;
    struct tarn_partition **partitions;    /* of the log, by number */
    struct tarn_topic_settings settings;   /* the effective configs, as numbers */
    struct tarn_topic_overrides overrides; /* what was set on the topic itself, as texts */
    bool internal;
};

CHECKED enum tarn_status tarn_catalog_open(struct tarn_log *log, struct tarn_catalog **ret_catalog,
                                           struct tarn_error *err);
void tarn_catalog_free(struct tarn_catalog *catalog); /* NULL is fine */

/* NULL when there is none. A topic's memory lives until it is deleted. */
struct tarn_topic *tarn_catalog_find(struct tarn_catalog *catalog, struct tarn_text name);
struct tarn_topic *tarn_catalog_find_id(struct tarn_catalog *catalog, const struct tarn_uuid16 *id);
/* NULL when the topic has no such partition. */
static inline struct tarn_partition *tarn_topic_partition(const struct tarn_topic *topic,
                                                          int32_t number)
{
    return topic && number >= 0 && number < topic->partition_count ? topic->partitions[number]
                                                                   : NULL;
}
size_t tarn_catalog_count(const struct tarn_catalog *catalog);
struct tarn_topic *tarn_catalog_at(struct tarn_catalog *catalog,
                                   size_t index); /* in order of name */

/* What is wrong with a name, in Kafka's words, or NULL. */
const char *tarn_topic_name_fault(struct tarn_text name);

/* All of these: TARN_KAFKA_NONE, or the code that the client gets, with the reason in err->text. A
 * topic is visible at once; it is durable with the log's next sync. */
enum tarn_kafka_error tarn_catalog_check_new(struct tarn_catalog *catalog, struct tarn_text name,
                                             int32_t partition_count,
                                             const struct tarn_topic_overrides *overrides,
                                             struct tarn_error *err);
enum tarn_kafka_error tarn_catalog_create(struct tarn_catalog *catalog, struct tarn_text name,
                                          int32_t partition_count,
                                          const struct tarn_topic_overrides *overrides,
                                          struct tarn_topic **ret_topic, struct tarn_error *err);
/* The topic and its records are gone; parked fetches are told by the log. */
enum tarn_kafka_error tarn_catalog_remove(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                          struct tarn_error *err);
/* To `partition_count` in all. */
enum tarn_kafka_error tarn_catalog_grow(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                        int32_t partition_count, struct tarn_error *err);
/* Replaces what is set on the topic. */
enum tarn_kafka_error tarn_catalog_configure(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                             const struct tarn_topic_overrides *overrides,
                                             struct tarn_error *err);

/* Called after a topic came, changed or went (then with gone = true, before its memory goes):
 * groups drop offsets. */
void tarn_catalog_watch(struct tarn_catalog *catalog,
                        void (*changed)(void *context, struct tarn_topic *topic, bool gone),
                        void *context);

#endif
