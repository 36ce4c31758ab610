/* broker/topics/topic_config.h -- what can be set on a topic: one table of names, types, defaults
 * and limits, from which validation, DescribeConfigs and the help are made. Names and defaults are
 * Kafka's (TopicConfig). */
#ifndef TARN_BROKER_TOPICS_TOPIC_CONFIG_H
#define TARN_BROKER_TOPICS_TOPIC_CONFIG_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum tarn_cleanup_policy { TARN_CLEANUP_DELETE = 1, TARN_CLEANUP_COMPACT = 2 }; /* bits */
enum tarn_topic_compression {
    TARN_TOPIC_COMPRESSION_PRODUCER, /* as the producer sent it */
    TARN_TOPIC_COMPRESSION_NONE,
    TARN_TOPIC_COMPRESSION_GZIP,
    TARN_TOPIC_COMPRESSION_SNAPPY,
    TARN_TOPIC_COMPRESSION_LZ4,
    TARN_TOPIC_COMPRESSION_ZSTD,
};

/* The effective values. */
struct tarn_topic_settings {
    int32_t cleanup_policy; /* bits of tarn_cleanup_policy */
    int32_t compression_type;
    int64_t delete_retention_ms;
    int64_t file_delete_delay_ms;
    int64_t flush_messages;
    int64_t flush_ms;
    int64_t max_compaction_lag_ms;
    int64_t max_message_bytes;
    bool log_append_time; /* message.timestamp.type */
    int64_t timestamp_before_max_ms;
    int64_t timestamp_after_max_ms;
    double min_cleanable_dirty_ratio;
    int64_t min_compaction_lag_ms;
    int64_t min_insync_replicas;
    int64_t retention_bytes;
    int64_t retention_ms;
    int64_t segment_bytes;
    int64_t segment_ms;
    bool value_schema_validation; /* confluent.value.schema.validation: a value carries a registered
                                     id */
    bool key_schema_validation;
};

enum tarn_config_type { /* Kafka's codes (ConfigDef.Type as DescribeConfigs reports it) */
                        TARN_CONFIG_BOOLEAN = 1,
                        TARN_CONFIG_STRING = 2,
                        TARN_CONFIG_INT = 3,
                        TARN_CONFIG_SHORT = 4,
                        TARN_CONFIG_LONG = 5,
                        TARN_CONFIG_DOUBLE = 6,
                        TARN_CONFIG_LIST = 7,
};

struct tarn_topic_config {
    const char *name;
    const char *broker_name; /* the synonym in a broker's configs; NULL: none */
    enum tarn_config_type type;
    const char *fallback; /* the default, as text */
    const char *documentation;
};

enum { TARN_TOPIC_CONFIGS_MAX = 40 };
/* In order of name. */
size_t tarn_topic_config_count(void);
const struct tarn_topic_config *tarn_topic_config_at(size_t index);
/* TARN_TOPIC_CONFIGS_MAX when there is no such config. */
size_t tarn_topic_config_index(struct tarn_text name);

/* What is set, by index in the table; data NULL: not set. */
struct tarn_topic_overrides {
    char *values[TARN_TOPIC_CONFIGS_MAX];
};
void tarn_topic_overrides_release(
    struct tarn_topic_overrides *overrides); /* usable with TARN_AUTO */
void tarn_topic_overrides_copy(struct tarn_topic_overrides *into,
                               const struct tarn_topic_overrides *from);
/* Sets one after checking it; data NULL takes it back. INVALID with Kafka's kind of words
 * otherwise. */
CHECKED enum tarn_status tarn_topic_overrides_set(struct tarn_topic_overrides *overrides,
                                                  struct tarn_text name, struct tarn_text value,
                                                  struct tarn_error *err);
/* Checks what depends on several and turns it into numbers. */
CHECKED enum tarn_status tarn_topic_settings_make(const struct tarn_topic_overrides *overrides,
                                                  struct tarn_topic_settings *ret_settings,
                                                  struct tarn_error *err);

#endif
