/* broker/topics/topic_config.c -- the table of topic configs and what follows from it.
 *
 * Names, defaults and limits: Apache Kafka's documentation, "Topic Configs" of 4.1. Those that have
 * no meaning on one node (replication throttles, tiered storage, index sizes) are kept and shown,
 * so that tools which set them work, and change nothing. */
#include "broker/topics/topic_config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define UNLIMITED INT64_MAX
#define UNUSED SIZE_MAX /* kept and shown only */
#define AT(field) offsetof(struct tarn_topic_settings, field)

enum kind {
    KIND_LONG,
    KIND_BOOLEAN,
    KIND_RATIO,
    KIND_CLEANUP,
    KIND_COMPRESSION,
    KIND_TIMESTAMP,
    KIND_TEXT,
};

struct definition {
    struct tarn_topic_config config;
    enum kind kind;
    int64_t min, max;
    size_t offset;
};

/* clang-format off */
static const struct definition definitions[] = {
    {{"cleanup.policy", "log.cleanup.policy", TARN_CONFIG_LIST, "delete",
      "What happens to old records: delete, compact (the last one of each key stays), or both."},
     KIND_CLEANUP, 0, 0, AT(cleanup_policy)},
    {{"compression.gzip.level", "compression.gzip.level", TARN_CONFIG_INT, "-1",
      "Level for gzip, when compression.type is gzip."}, KIND_LONG, -1, 9, UNUSED},
    {{"compression.lz4.level", "compression.lz4.level", TARN_CONFIG_INT, "9",
      "Level for lz4, when compression.type is lz4."}, KIND_LONG, 1, 17, UNUSED},
    {{"compression.type", "compression.type", TARN_CONFIG_STRING, "producer",
      "How batches are stored: producer (as they came), uncompressed, gzip, snappy, lz4 or zstd."},
     KIND_COMPRESSION, 0, 0, AT(compression_type)},
    {{"compression.zstd.level", "compression.zstd.level", TARN_CONFIG_INT, "3",
      "Level for zstd, when compression.type is zstd."}, KIND_LONG, -131072, 22, UNUSED},
    {{"confluent.key.schema.validation", NULL, TARN_CONFIG_BOOLEAN, "false",
      "Records are refused whose key does not carry an id that the schema registry knows."},
     KIND_BOOLEAN, 0, 0, AT(key_schema_validation)},
    {{"confluent.value.schema.validation", NULL, TARN_CONFIG_BOOLEAN, "false",
      "Records are refused whose value does not carry an id that the schema registry knows."},
     KIND_BOOLEAN, 0, 0, AT(value_schema_validation)},
    {{"delete.retention.ms", "log.cleaner.delete.retention.ms", TARN_CONFIG_LONG, "86400000",
      "How long a tombstone stays in a compacted topic after it was cleaned."},
     KIND_LONG, 0, UNLIMITED, AT(delete_retention_ms)},
    {{"file.delete.delay.ms", "log.segment.delete.delay.ms", TARN_CONFIG_LONG, "60000",
      "How long a deleted segment's file stays."}, KIND_LONG, 0, UNLIMITED, AT(file_delete_delay_ms)},
    {{"flush.messages", "log.flush.interval.messages", TARN_CONFIG_LONG, "9223372036854775807",
      "Sync after that many records, also without acks=all."}, KIND_LONG, 1, UNLIMITED, AT(flush_messages)},
    {{"flush.ms", "log.flush.interval.ms", TARN_CONFIG_LONG, "9223372036854775807",
      "Sync after that time, also without acks=all."}, KIND_LONG, 0, UNLIMITED, AT(flush_ms)},
    {{"follower.replication.throttled.replicas", NULL, TARN_CONFIG_LIST, "",
      "No meaning on one node."}, KIND_TEXT, 0, 0, UNUSED},
    {{"index.interval.bytes", "log.index.interval.bytes", TARN_CONFIG_INT, "4096",
      "No meaning here: every batch is indexed."}, KIND_LONG, 0, INT32_MAX, UNUSED},
    {{"leader.replication.throttled.replicas", NULL, TARN_CONFIG_LIST, "",
      "No meaning on one node."}, KIND_TEXT, 0, 0, UNUSED},
    {{"local.retention.bytes", "log.local.retention.bytes", TARN_CONFIG_LONG, "-2",
      "No meaning without tiered storage."}, KIND_LONG, -2, UNLIMITED, UNUSED},
    {{"local.retention.ms", "log.local.retention.ms", TARN_CONFIG_LONG, "-2",
      "No meaning without tiered storage."}, KIND_LONG, -2, UNLIMITED, UNUSED},
    {{"max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", TARN_CONFIG_LONG, "9223372036854775807",
      "A record is compacted after that time at the latest."}, KIND_LONG, 1, UNLIMITED, AT(max_compaction_lag_ms)},
    {{"max.message.bytes", "message.max.bytes", TARN_CONFIG_INT, "1048588",
      "The largest batch that is taken, as it comes (compressed)."}, KIND_LONG, 0, INT32_MAX, AT(max_message_bytes)},
    {{"message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", TARN_CONFIG_LONG, "3600000",
      "How far ahead of the broker's clock a producer's timestamp may be."},
     KIND_LONG, 0, UNLIMITED, AT(timestamp_after_max_ms)},
    {{"message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", TARN_CONFIG_LONG,
      "9223372036854775807", "How far behind the broker's clock a producer's timestamp may be."},
     KIND_LONG, 0, UNLIMITED, AT(timestamp_before_max_ms)},
    {{"message.timestamp.type", "log.message.timestamp.type", TARN_CONFIG_STRING, "CreateTime",
      "CreateTime (the producer's) or LogAppendTime (the broker's)."}, KIND_TIMESTAMP, 0, 0, AT(log_append_time)},
    {{"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", TARN_CONFIG_DOUBLE, "0.5",
      "How much of a compacted partition has to be new before it is cleaned."},
     KIND_RATIO, 0, 1, AT(min_cleanable_dirty_ratio)},
    {{"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", TARN_CONFIG_LONG, "0",
      "A record is not compacted before that time."}, KIND_LONG, 0, UNLIMITED, AT(min_compaction_lag_ms)},
    {{"min.insync.replicas", "min.insync.replicas", TARN_CONFIG_INT, "1",
      "Replicas that acks=all waits for; there is one."}, KIND_LONG, 1, INT32_MAX, AT(min_insync_replicas)},
    {{"preallocate", "log.preallocate", TARN_CONFIG_BOOLEAN, "false",
      "No meaning here: the write-ahead log is always preallocated."}, KIND_BOOLEAN, 0, 0, UNUSED},
    {{"remote.log.copy.disable", NULL, TARN_CONFIG_BOOLEAN, "false",
      "No meaning without tiered storage."}, KIND_BOOLEAN, 0, 0, UNUSED},
    {{"remote.log.delete.on.disable", NULL, TARN_CONFIG_BOOLEAN, "false",
      "No meaning without tiered storage."}, KIND_BOOLEAN, 0, 0, UNUSED},
    {{"remote.storage.enable", NULL, TARN_CONFIG_BOOLEAN, "false",
      "No meaning without tiered storage."}, KIND_BOOLEAN, 0, 0, UNUSED},
    {{"retention.bytes", "log.retention.bytes", TARN_CONFIG_LONG, "-1",
      "Old segments go when the partition is larger; -1: no limit."}, KIND_LONG, -1, UNLIMITED, AT(retention_bytes)},
    {{"retention.ms", "log.retention.ms", TARN_CONFIG_LONG, "604800000",
      "Segments go when their newest record is older; -1: no limit."}, KIND_LONG, -1, UNLIMITED, AT(retention_ms)},
    {{"segment.bytes", "log.segment.bytes", TARN_CONFIG_INT, "1073741824",
      "Size of one segment file."}, KIND_LONG, 14, INT32_MAX, AT(segment_bytes)},
    {{"segment.index.bytes", "log.index.size.max.bytes", TARN_CONFIG_INT, "10485760",
      "No meaning here: indexes grow as they need."}, KIND_LONG, 4, INT32_MAX, UNUSED},
    {{"segment.jitter.ms", "log.roll.jitter.ms", TARN_CONFIG_LONG, "0",
      "No meaning here: segments are not rolled all at once."}, KIND_LONG, 0, UNLIMITED, UNUSED},
    {{"segment.ms", "log.roll.ms", TARN_CONFIG_LONG, "604800000",
      "A segment is closed after that time."}, KIND_LONG, 1, UNLIMITED, AT(segment_ms)},
    {{"unclean.leader.election.enable", "unclean.leader.election.enable", TARN_CONFIG_BOOLEAN, "false",
      "No meaning on one node."}, KIND_BOOLEAN, 0, 0, UNUSED},
};
/* clang-format on */

_Static_assert(TARN_COUNT(definitions) <= TARN_TOPIC_CONFIGS_MAX,
               "more configs than overrides hold");

size_t tarn_topic_config_count(void)
{
    return TARN_COUNT(definitions);
}

const struct tarn_topic_config *tarn_topic_config_at(size_t index)
{
    assert(index < TARN_COUNT(definitions));
    return &definitions[index].config;
}

size_t tarn_topic_config_index(struct tarn_text name)
{
    for (size_t i = 0; i < TARN_COUNT(definitions); i++)
        if (tarn_text_is(name, definitions[i].config.name))
            return i;
    return TARN_TOPIC_CONFIGS_MAX;
}

/* What one value means; which member depends on the kind. */
struct value {
    int64_t number;
    double ratio;
};

static bool parse_cleanup(struct tarn_text text, int64_t *ret_bits)
{
    int64_t bits = 0;
    struct tarn_text part;
    while (tarn_text_split(&text, ',', &part)) {
        part = tarn_text_trim(part);
        if (tarn_text_is(part, "delete"))
            bits |= TARN_CLEANUP_DELETE;
        else if (tarn_text_is(part, "compact"))
            bits |= TARN_CLEANUP_COMPACT;
        else if (part.len > 0)
            return false;
    }
    *ret_bits = bits;
    return bits != 0;
}

static bool parse_choice(struct tarn_text text, const char *const *choices, size_t count,
                         int64_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (tarn_text_is(text, choices[i])) {
            *ret_index = (int64_t)i;
            return true;
        }
    }
    return false;
}

static bool parse(const struct definition *definition, struct tarn_text text, struct value *ret)
{
    static const char *const booleans[] = {"false", "true"};
    static const char *const timestamps[] = {"CreateTime", "LogAppendTime"};
    static const char *const codecs[] = {"producer", "uncompressed", "gzip",
                                         "snappy",   "lz4",          "zstd"};
    switch (definition->kind) {
    case KIND_LONG:
        return tarn_text_to_int64(tarn_text_trim(text), &ret->number) &&
               ret->number >= definition->min && ret->number <= definition->max;
    case KIND_BOOLEAN:
        return parse_choice(text, booleans, TARN_COUNT(booleans), &ret->number);
    case KIND_RATIO:
        return tarn_text_to_double(text, &ret->ratio) && ret->ratio >= 0 && ret->ratio <= 1;
    case KIND_CLEANUP:
        return parse_cleanup(text, &ret->number);
    case KIND_COMPRESSION:
        return parse_choice(text, codecs, TARN_COUNT(codecs), &ret->number);
    case KIND_TIMESTAMP:
        return parse_choice(text, timestamps, TARN_COUNT(timestamps), &ret->number);
    case KIND_TEXT:
        return true;
    }
    return false;
}

static const char *expected(enum kind kind)
{
    switch (kind) {
    case KIND_LONG:
        return "a whole number";
    case KIND_BOOLEAN:
        return "true or false";
    case KIND_RATIO:
        return "a number from 0 to 1";
    case KIND_CLEANUP:
        return "delete, compact, or both with a comma between";
    case KIND_COMPRESSION:
        return "producer, uncompressed, gzip, snappy, lz4 or zstd";
    case KIND_TIMESTAMP:
        return "CreateTime or LogAppendTime";
    case KIND_TEXT:
        break;
    }
    return "a text";
}

void tarn_topic_overrides_release(struct tarn_topic_overrides *overrides)
{
    for (size_t i = 0; i < TARN_TOPIC_CONFIGS_MAX; i++) {
        free(overrides->values[i]);
        overrides->values[i] = NULL;
    }
}

void tarn_topic_overrides_copy(struct tarn_topic_overrides *into,
                               const struct tarn_topic_overrides *from)
{
    for (size_t i = 0; i < TARN_TOPIC_CONFIGS_MAX; i++)
        into->values[i] = from->values[i] ? tarn_strdup(from->values[i]) : NULL;
}

static enum tarn_status fail_value(const struct definition *definition, struct tarn_text value,
                                   struct tarn_error *err)
{
    if (definition->kind == KIND_LONG)
        return tarn_fail(err, TARN_INVALID,
                         "Invalid value %.*s for configuration %s: it takes a whole number from "
                         "%lld to %lld",
                         TARN_TEXT_ARGS(value), definition->config.name, (long long)definition->min,
                         (long long)definition->max);
    return tarn_fail(err, TARN_INVALID, "Invalid value %.*s for configuration %s: it takes %s",
                     TARN_TEXT_ARGS(value), definition->config.name, expected(definition->kind));
}

enum tarn_status tarn_topic_overrides_set(struct tarn_topic_overrides *overrides,
                                          struct tarn_text name, struct tarn_text value,
                                          struct tarn_error *err)
{
    size_t index = tarn_topic_config_index(name);
    if (index == TARN_TOPIC_CONFIGS_MAX)
        return tarn_fail(err, TARN_INVALID, "Unknown topic config name: %.*s",
                         TARN_TEXT_ARGS(name));
    struct value parsed;
    if (value.data && !parse(&definitions[index], value, &parsed))
        return fail_value(&definitions[index], value, err);
    free(overrides->values[index]);
    overrides->values[index] = value.data ? tarn_strndup(value.data, value.len) : NULL;
    return TARN_OK;
}

static void store(const struct definition *definition, const struct value *value,
                  struct tarn_topic_settings *settings)
{
    char *at = (char *)settings + definition->offset;
    switch (definition->kind) {
    case KIND_LONG:
        memcpy(at, &value->number, sizeof value->number);
        break;
    case KIND_BOOLEAN:
    case KIND_TIMESTAMP:
        *(bool *)at = value->number != 0;
        break;
    case KIND_RATIO:
        memcpy(at, &value->ratio, sizeof value->ratio);
        break;
    case KIND_CLEANUP:
    case KIND_COMPRESSION: {
        int32_t number = (int32_t)value->number;
        memcpy(at, &number, sizeof number);
        break;
    }
    case KIND_TEXT:
        break;
    }
}

enum tarn_status tarn_topic_settings_make(const struct tarn_topic_overrides *overrides,
                                          struct tarn_topic_settings *ret_settings,
                                          struct tarn_error *err)
{
    struct tarn_topic_settings settings = {0};
    for (size_t i = 0; i < TARN_COUNT(definitions); i++) {
        const struct definition *definition = &definitions[i];
        const char *text =
            overrides && overrides->values[i] ? overrides->values[i] : definition->config.fallback;
        struct value value = {0};
        if (!parse(definition, tarn_text_of(text), &value))
            return fail_value(definition, tarn_text_of(text), err);
        if (definition->offset != UNUSED)
            store(definition, &value, &settings);
    }
    if (settings.max_compaction_lag_ms < settings.min_compaction_lag_ms)
        return tarn_fail(err, TARN_INVALID,
                         "conflict topic config setting min.compaction.lag.ms (%lld) > "
                         "max.compaction.lag.ms (%lld)",
                         (long long)settings.min_compaction_lag_ms,
                         (long long)settings.max_compaction_lag_ms);
    *ret_settings = settings;
    return TARN_OK;
}
