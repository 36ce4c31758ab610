/* broker/topics/catalog.c -- the topics in memory and in the journal; see catalog.h.
 *
 * Journal: key "topic/<name>", value: version i8 = 1, id 16 bytes, partition count i32, overrides:
 * count i32, then name and value as strings each (Kafka's wire forms). Two arrays hold the topics,
 * in order of name and of id. */
#include "broker/topics/catalog.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"

enum { VALUE_VERSION = 1, VALUE_MAX_BYTES = 1 << 20, WATCHERS_MAX = 4 };

struct watcher {
    void (*changed)(void *context, struct tarn_topic *topic, bool gone);
    void *context;
};

struct tarn_catalog {
    struct tarn_log *log;
    struct tarn_topic **by_name, **by_id;
    size_t count, name_cap, id_cap;
    struct watcher watchers[WATCHERS_MAX];
    size_t watcher_count;
};

/* ---- looking up ---- */

static int compare_text(struct tarn_text a, struct tarn_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first place whose name is not below `name`. */
static size_t name_place(const struct tarn_catalog *catalog, struct tarn_text name)
{
    size_t low = 0, high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_text(catalog->by_name[middle]->name_text, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t id_place(const struct tarn_catalog *catalog, const struct tarn_uuid16 *id)
{
    size_t low = 0, high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(catalog->by_id[middle]->id.bytes, id->bytes, sizeof id->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tarn_topic *tarn_catalog_find(struct tarn_catalog *catalog, struct tarn_text name)
{
    size_t place = name_place(catalog, name);
    return place < catalog->count && tarn_text_equal(catalog->by_name[place]->name_text, name)
               ? catalog->by_name[place]
               : NULL;
}

struct tarn_topic *tarn_catalog_find_id(struct tarn_catalog *catalog, const struct tarn_uuid16 *id)
{
    size_t place = id_place(catalog, id);
    return place < catalog->count && tarn_uuid16_equal(&catalog->by_id[place]->id, id)
               ? catalog->by_id[place]
               : NULL;
}

size_t tarn_catalog_count(const struct tarn_catalog *catalog)
{
    return catalog->count;
}

struct tarn_topic *tarn_catalog_at(struct tarn_catalog *catalog, size_t index)
{
    assert(index < catalog->count);
    return catalog->by_name[index];
}

static void insert(struct tarn_catalog *catalog, struct tarn_topic *topic)
{
    size_t name = name_place(catalog, topic->name_text), id = id_place(catalog, &topic->id);
    size_t moved_names = catalog->count - name, moved_ids = catalog->count - id;
    TARN_RESERVE(catalog->by_name, catalog->name_cap, catalog->count + 1);
    TARN_RESERVE(catalog->by_id, catalog->id_cap, catalog->count + 1);
    memmove(&catalog->by_name[name + 1], &catalog->by_name[name], moved_names * sizeof topic);
    memmove(&catalog->by_id[id + 1], &catalog->by_id[id], moved_ids * sizeof topic);
    catalog->by_name[name] = topic;
    catalog->by_id[id] = topic;
    catalog->count++;
}

static void take_out(struct tarn_catalog *catalog, const struct tarn_topic *topic)
{
    size_t name = name_place(catalog, topic->name_text), id = id_place(catalog, &topic->id);
    catalog->count--;
    memmove(&catalog->by_name[name], &catalog->by_name[name + 1],
            (catalog->count - name) * sizeof topic);
    memmove(&catalog->by_id[id], &catalog->by_id[id + 1], (catalog->count - id) * sizeof topic);
}

/* ---- one topic ---- */

static bool is_internal(struct tarn_text name)
{
    return tarn_text_is(name, "__consumer_offsets") || tarn_text_is(name, "__transaction_state") ||
           tarn_text_is(name, "__share_group_state");
}

static struct tarn_topic *topic_new(struct tarn_text name, const struct tarn_uuid16 *id,
                                    int32_t partition_count)
{
    struct tarn_topic *topic = tarn_alloc(sizeof *topic);
    topic->name = tarn_strndup(name.data, name.len);
    topic->name_text = (struct tarn_text){topic->name, name.len};
    topic->id = *id;
    topic->partition_count = partition_count;
    topic->partitions = tarn_alloc_array((size_t)partition_count, sizeof *topic->partitions);
    topic->internal = is_internal(name);
    return topic;
}

static void topic_free(struct tarn_topic *topic)
{
    if (!topic)
        return;
    tarn_topic_overrides_release(&topic->overrides);
    free(topic->partitions);
    free(topic->name);
    free(topic);
}

static char *key_of(struct tarn_text name, struct tarn_text *ret_key)
{
    char *key = tarn_format("topic/%.*s", TARN_TEXT_ARGS(name));
    *ret_key = tarn_text_of(key);
    return key;
}

static void encode_topic(const struct tarn_topic *topic, int32_t partition_count,
                         const struct tarn_topic_overrides *overrides, struct tarn_wire_writer *out)
{
    int32_t set = 0;
    for (size_t i = 0; i < tarn_topic_config_count(); i++)
        set += overrides->values[i] != NULL;
    tarn_wire_write_int8(out, VALUE_VERSION);
    tarn_wire_write_uuid(out, &topic->id);
    tarn_wire_write_int32(out, partition_count);
    tarn_wire_write_int32(out, set);
    for (size_t i = 0; i < tarn_topic_config_count(); i++) {
        if (!overrides->values[i])
            continue;
        tarn_wire_write_string(out, tarn_text_of(tarn_topic_config_at(i)->name));
        tarn_wire_write_string(out, tarn_text_of(overrides->values[i]));
    }
}

/* Adds the topic's key to the commit and writes it. */
static enum tarn_status write_topic(struct tarn_commit *commit, const struct tarn_topic *topic,
                                    int32_t partition_count,
                                    const struct tarn_topic_overrides *overrides,
                                    struct tarn_error *err)
{
    TARN_AUTO(tarn_wire_writer_release) struct tarn_wire_writer out;
    uint64_t position;
    struct tarn_text key;
    TARN_AUTO_FREE char *key_bytes = key_of(topic->name_text, &key);
    tarn_wire_writer_init(&out, VALUE_MAX_BYTES);
    encode_topic(topic, partition_count, overrides, &out);
    enum tarn_status status = tarn_wire_writer_check(&out, "a topic's configuration", err);
    if (status != TARN_OK) {
        tarn_commit_abandon(commit);
        return status;
    }
    TARN_AUTO_FREE char *value = tarn_alloc(out.len);
    tarn_wire_writer_copy(&out, value);
    tarn_commit_put(commit, key, (struct tarn_text){value, out.len});
    return tarn_commit_write(commit, &position, err);
}

/* ---- opening ---- */

struct loading {
    struct tarn_catalog *catalog;
    struct tarn_error *err;
    enum tarn_status status;
};

static enum tarn_status decode_topic(struct tarn_catalog *catalog, struct tarn_text name,
                                     struct tarn_text value, struct tarn_topic **ret_topic,
                                     struct tarn_error *err)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, value);
    if (tarn_wire_read_int8(&reader) != VALUE_VERSION)
        tarn_wire_fail(&reader, "a version that this release does not know");
    struct tarn_uuid16 id = tarn_wire_read_uuid(&reader);
    int32_t partition_count = tarn_wire_read_int32(&reader);
    if (partition_count < 1 || partition_count > TARN_TOPIC_PARTITIONS_MAX)
        tarn_wire_fail(&reader, "an impossible number of partitions");
    TARN_TRY(tarn_wire_reader_check(&reader, "a topic of the journal", err));
    struct tarn_topic *topic = topic_new(name, &id, partition_count);
    *ret_topic = topic;
    int32_t set = tarn_wire_read_int32(&reader);
    for (int32_t i = 0; i < set && !reader.fault; i++) {
        struct tarn_text config = tarn_wire_read_string(&reader);
        struct tarn_text text = tarn_wire_read_string(&reader);
        /* a config that a later release took away is forgotten */
        if (!reader.fault && tarn_topic_config_index(config) < TARN_TOPIC_CONFIGS_MAX)
            TARN_TRY(tarn_topic_overrides_set(&topic->overrides, config, text, err));
    }
    TARN_TRY(tarn_wire_reader_check(&reader, "a topic of the journal", err));
    TARN_TRY(tarn_topic_settings_make(&topic->overrides, &topic->settings, err));
    for (int32_t i = 0; i < partition_count; i++) {
        topic->partitions[i] = tarn_log_find_partition(catalog->log, id.bytes, i);
        if (!topic->partitions[i])
            return tarn_fail(err, TARN_CORRUPT, "partition %d is missing from the log", i);
        tarn_partition_configure(topic->partitions[i], &topic->settings);
    }
    return TARN_OK;
}

static bool load_topic(void *context, struct tarn_text key, struct tarn_text value)
{
    struct loading *loading = context;
    struct tarn_text name = {key.data + strlen("topic/"), key.len - strlen("topic/")};
    struct tarn_topic *topic = NULL;
    loading->status = decode_topic(loading->catalog, name, value, &topic, loading->err);
    if (loading->status != TARN_OK) {
        loading->status = tarn_error_wrap(loading->err, "reading topic %.*s", TARN_TEXT_ARGS(name));
        topic_free(topic);
        return false;
    }
    insert(loading->catalog, topic);
    return true;
}

enum tarn_status tarn_catalog_open(struct tarn_log *log, struct tarn_catalog **ret_catalog,
                                   struct tarn_error *err)
{
    struct tarn_catalog *catalog = tarn_alloc(sizeof *catalog);
    struct loading loading = {.catalog = catalog, .err = err, .status = TARN_OK};
    catalog->log = log;
    tarn_journal_each(log, TARN_TEXT("topic/"), load_topic, &loading);
    if (loading.status != TARN_OK) {
        tarn_catalog_free(catalog);
        return loading.status;
    }
    *ret_catalog = catalog;
    return TARN_OK;
}

void tarn_catalog_free(struct tarn_catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < catalog->count; i++)
        topic_free(catalog->by_name[i]);
    free(catalog->by_name);
    free(catalog->by_id);
    free(catalog);
}

void tarn_catalog_watch(struct tarn_catalog *catalog,
                        void (*changed)(void *context, struct tarn_topic *topic, bool gone),
                        void *context)
{
    assert(catalog->watcher_count < WATCHERS_MAX);
    catalog->watchers[catalog->watcher_count++] = (struct watcher){changed, context};
}

static void tell(struct tarn_catalog *catalog, struct tarn_topic *topic, bool gone)
{
    for (size_t i = 0; i < catalog->watcher_count; i++)
        catalog->watchers[i].changed(catalog->watchers[i].context, topic, gone);
}

/* ---- changing ---- */

static bool name_byte_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

const char *tarn_topic_name_fault(struct tarn_text name)
{
    if (name.len == 0)
        return "the empty string is not allowed";
    if (tarn_text_is(name, ".") || tarn_text_is(name, ".."))
        return "'.' or '..' is not allowed";
    if (name.len > TARN_TOPIC_NAME_MAX_BYTES)
        return "the length is longer than the max allowed length 249";
    for (size_t i = 0; i < name.len; i++)
        if (!name_byte_ok(name.data[i]))
            return "it contains one or more characters other than ASCII alphanumerics, '.', '_' "
                   "and '-'";
    return NULL;
}

/* Metric names of Kafka's tools take '.' and '_' for the same, so two topics may not differ in that
 * alone. */
static const struct tarn_topic *colliding(struct tarn_catalog *catalog, struct tarn_text name)
{
    if (!memchr(name.data, '.', name.len) && !memchr(name.data, '_', name.len))
        return NULL;
    for (size_t i = 0; i < catalog->count; i++) {
        struct tarn_text other = catalog->by_name[i]->name_text;
        size_t at = 0;
        if (other.len != name.len)
            continue;
        while (at < name.len && (other.data[at] == '.' ? '_' : other.data[at]) ==
                                    (name.data[at] == '.' ? '_' : name.data[at]))
            at++;
        if (at == name.len)
            return catalog->by_name[i];
    }
    return NULL;
}

enum tarn_kafka_error tarn_catalog_check_new(struct tarn_catalog *catalog, struct tarn_text name,
                                             int32_t partition_count,
                                             const struct tarn_topic_overrides *overrides,
                                             struct tarn_error *err)
{
    struct tarn_topic_settings settings;
    const char *fault = tarn_topic_name_fault(name);
    if (fault) {
        (void)tarn_fail(err, TARN_INVALID, "Topic name is invalid: %s", fault);
        return TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    if (tarn_catalog_find(catalog, name)) {
        (void)tarn_fail(err, TARN_EXISTS, "Topic '%.*s' already exists.", TARN_TEXT_ARGS(name));
        return TARN_KAFKA_TOPIC_ALREADY_EXISTS;
    }
    const struct tarn_topic *other = colliding(catalog, name);
    if (other) {
        (void)tarn_fail(err, TARN_INVALID, "Topic '%.*s' collides with existing topic: %s",
                        TARN_TEXT_ARGS(name), other->name);
        return TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    if (partition_count < 1 || partition_count > TARN_TOPIC_PARTITIONS_MAX) {
        (void)tarn_fail(err, TARN_INVALID,
                        "Number of partitions was set to an invalid value: %d is not from 1 to %d.",
                        partition_count, TARN_TOPIC_PARTITIONS_MAX);
        return TARN_KAFKA_INVALID_PARTITIONS;
    }
    if (tarn_topic_settings_make(overrides, &settings, err) != TARN_OK)
        return TARN_KAFKA_INVALID_CONFIG;
    return TARN_KAFKA_NONE;
}

/* What a client gets when the log would not take a change. */
static enum tarn_kafka_error storage_error(enum tarn_status status)
{
    return status == TARN_OK ? TARN_KAFKA_NONE : TARN_KAFKA_KAFKA_STORAGE_ERROR;
}

enum tarn_kafka_error tarn_catalog_create(struct tarn_catalog *catalog, struct tarn_text name,
                                          int32_t partition_count,
                                          const struct tarn_topic_overrides *overrides,
                                          struct tarn_topic **ret_topic, struct tarn_error *err)
{
    enum tarn_kafka_error error =
        tarn_catalog_check_new(catalog, name, partition_count, overrides, err);
    if (error != TARN_KAFKA_NONE)
        return error;
    struct tarn_uuid16 id = tarn_uuid16_random();
    struct tarn_topic *topic = topic_new(name, &id, partition_count);
    if (overrides)
        tarn_topic_overrides_copy(&topic->overrides, overrides);
    if (tarn_topic_settings_make(&topic->overrides, &topic->settings, err) != TARN_OK) {
        topic_free(topic);
        return TARN_KAFKA_INVALID_CONFIG;
    }
    struct tarn_commit *commit = tarn_commit_begin(catalog->log);
    for (int32_t i = 0; i < partition_count; i++)
        topic->partitions[i] = tarn_commit_create_partition(commit, id.bytes, i, &topic->settings);
    error = storage_error(write_topic(commit, topic, partition_count, &topic->overrides, err));
    if (error != TARN_KAFKA_NONE) {
        topic_free(topic);
        return error;
    }
    insert(catalog, topic);
    if (ret_topic)
        *ret_topic = topic;
    tell(catalog, topic, false);
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_catalog_remove(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                          struct tarn_error *err)
{
    struct tarn_commit *commit = tarn_commit_begin(catalog->log);
    struct tarn_text key;
    uint64_t position;
    TARN_AUTO_FREE char *key_bytes = key_of(topic->name_text, &key);
    for (int32_t i = 0; i < topic->partition_count; i++)
        tarn_commit_delete_partition(commit, topic->partitions[i]);
    tarn_commit_delete(commit, key);
    enum tarn_kafka_error error = storage_error(tarn_commit_write(commit, &position, err));
    if (error != TARN_KAFKA_NONE)
        return error;
    take_out(catalog, topic);
    tell(catalog, topic, true);
    topic_free(topic);
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_catalog_grow(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                        int32_t partition_count, struct tarn_error *err)
{
    if (partition_count <= topic->partition_count || partition_count > TARN_TOPIC_PARTITIONS_MAX) {
        (void)tarn_fail(err, TARN_INVALID,
                        "The topic %s currently has %d partition(s); %d would not be an increase, "
                        "or is above %d.",
                        topic->name, topic->partition_count, partition_count,
                        TARN_TOPIC_PARTITIONS_MAX);
        return TARN_KAFKA_INVALID_PARTITIONS;
    }
    struct tarn_partition **partitions =
        tarn_realloc_array(topic->partitions, (size_t)partition_count, sizeof *partitions);
    topic->partitions = partitions;
    struct tarn_commit *commit = tarn_commit_begin(catalog->log);
    for (int32_t i = topic->partition_count; i < partition_count; i++)
        partitions[i] = tarn_commit_create_partition(commit, topic->id.bytes, i, &topic->settings);
    enum tarn_kafka_error error =
        storage_error(write_topic(commit, topic, partition_count, &topic->overrides, err));
    if (error != TARN_KAFKA_NONE)
        return error;
    topic->partition_count = partition_count;
    tell(catalog, topic, false);
    return TARN_KAFKA_NONE;
}

enum tarn_kafka_error tarn_catalog_configure(struct tarn_catalog *catalog, struct tarn_topic *topic,
                                             const struct tarn_topic_overrides *overrides,
                                             struct tarn_error *err)
{
    struct tarn_topic_settings settings;
    if (tarn_topic_settings_make(overrides, &settings, err) != TARN_OK)
        return TARN_KAFKA_INVALID_CONFIG;
    struct tarn_commit *commit = tarn_commit_begin(catalog->log);
    enum tarn_kafka_error error =
        storage_error(write_topic(commit, topic, topic->partition_count, overrides, err));
    if (error != TARN_KAFKA_NONE)
        return error;
    struct tarn_topic_overrides old = topic->overrides;
    topic->overrides = (struct tarn_topic_overrides){{NULL}};
    tarn_topic_overrides_copy(&topic->overrides,
                              overrides); /* before the old ones go: they may be the same */
    tarn_topic_overrides_release(&old);
    topic->settings = settings;
    for (int32_t i = 0; i < topic->partition_count; i++)
        tarn_partition_configure(topic->partitions[i], &topic->settings);
    tell(catalog, topic, false);
    return TARN_KAFKA_NONE;
}
