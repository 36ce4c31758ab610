/* broker/registry/topic_store.c -- the registry's records in the topic _schemas, through the one
 * interface for topics, so the same on the embedded broker and on a cluster. */
#include "base/clock.h"
#include "broker/registry/registry.h"

enum { POLL_RECORDS = 1000, POLL_MS = 1000, REPLAY_LIMIT_MS = 60000, WRITE_LIMIT_MS = 20000 };

struct topic_store {
    struct tarn_topics *topics;
    struct tarn_topic_reader *reader;
    struct tarn_topic_writer *writer; /* opened by the first append */
    int64_t next;                     /* the first offset that was not handed over */
    int64_t *own;                     /* offsets that were appended here and not read back yet */
    size_t own_count, own_cap;
};

static void delivered(void *context, const struct tarn_topic_delivery *delivery)
{
    struct topic_store *store = context;
    if (delivery->status != TARN_OK || delivery->offset < 0)
        return;
    TARN_RESERVE(store->own, store->own_cap, store->own_count + 1);
    store->own[store->own_count++] = delivery->offset;
}

static enum tarn_status ensure_topic(struct tarn_topics *topics, struct tarn_error *err)
{
    const struct tarn_topic_config_entry compacted = {.name = "cleanup.policy", .value = "compact"};
    enum tarn_status status =
        tarn_topic_create(topics, TARN_REGISTRY_TOPIC, 1, -1, &compacted, 1, err);
    return status == TARN_EXISTS ? TARN_OK : status;
}

static enum tarn_status append(void *context, struct tarn_text key, struct tarn_text value,
                               struct tarn_error *err)
{
    struct topic_store *store = context;
    if (!store->writer) {
        const struct tarn_topic_writer_options options = {.acks = TARN_ACKS_ALL,
                                                          .is_idempotent = true,
                                                          .delivery_timeout_ms = WRITE_LIMIT_MS,
                                                          .delivered = delivered,
                                                          .context = store};
        TARN_TRY(ensure_topic(store->topics, err));
        TARN_TRY(tarn_topic_writer_open(store->topics, &options, &store->writer, err));
    }
    const struct tarn_topic_record record = {.topic = TARN_REGISTRY_TOPIC,
                                             .partition = 0,
                                             .timestamp_ms = -1,
                                             .key = key,
                                             .value = value};
    TARN_TRY(tarn_topic_write(store->writer, &record, err));
    return tarn_topic_writer_flush(store->writer, WRITE_LIMIT_MS, err);
}

static enum tarn_status open_reader(struct topic_store *store, struct tarn_error *err)
{
    const struct tarn_topic_reader_options options = {.reset = TARN_RESET_EARLIEST};
    const struct tarn_topic_offset from = {
        .topic = TARN_REGISTRY_TOPIC, .partition = 0, .offset = TARN_OFFSET_BEGINNING};
    struct tarn_topic_reader *reader = NULL;
    TARN_TRY(tarn_topic_reader_open(store->topics, &options, &reader, err));
    enum tarn_status status = tarn_topic_reader_assign(reader, &from, 1, err);
    if (status == TARN_OK)
        store->reader = reader;
    else
        tarn_topic_reader_close(reader);
    return status;
}

static bool is_own(const struct topic_store *store, int64_t offset)
{
    for (size_t i = 0; i < store->own_count; i++)
        if (store->own[i] == offset)
            return true;
    return false;
}

/* The registry applies what it appends itself, so those records are passed over here. */
static enum tarn_status
replay(void *context, void (*apply)(void *registry, struct tarn_text key, struct tarn_text value),
       void *registry, struct tarn_error *err)
{
    struct topic_store *store = context;
    int64_t start, end, deadline_us = tarn_monotonic_us() + REPLAY_LIMIT_MS * 1000LL;
    enum tarn_status status =
        tarn_topic_watermarks(store->topics, TARN_REGISTRY_TOPIC, 0, &start, &end, err);
    if (status == TARN_NOT_FOUND) /* the first append makes the topic */
        return TARN_OK;
    if (status == TARN_OK && !store->reader && end > start)
        status = open_reader(store, err);
    if (status != TARN_OK)
        return status;
    if (store->next < start)
        store->next = start;
    while (store->next < end) {
        struct tarn_topic_records records;
        if (tarn_monotonic_us() > deadline_us)
            return tarn_fail(err, TARN_TIMEOUT,
                             "reading the topic %s: stuck at offset %lld of %lld",
                             TARN_REGISTRY_TOPIC, (long long)store->next, (long long)end);
        TARN_TRY(tarn_topic_reader_poll(store->reader, POLL_RECORDS, POLL_MS, &records, err));
        for (size_t i = 0; i < records.count; i++) {
            if (!is_own(store, records.items[i].offset))
                apply(registry, records.items[i].key, records.items[i].value);
            store->next = records.items[i].offset + 1;
        }
        int64_t position; /* compaction leaves gaps, also at the end */
        TARN_TRY(tarn_topic_reader_position(store->reader, TARN_REGISTRY_TOPIC, 0, &position, err));
        if (position > store->next)
            store->next = position;
    }
    store->own_count = 0;
    return TARN_OK;
}

static void close_store(void *context)
{
    struct topic_store *store = context;
    tarn_topic_reader_close(store->reader);
    tarn_topic_writer_close(store->writer);
    free(store->own);
    free(store);
}

void tarn_registry_topic_store(struct tarn_topics *topics, struct tarn_registry_store *ret_store)
{
    struct topic_store *store = tarn_alloc(sizeof *store);
    store->topics = topics;
    *ret_store = (struct tarn_registry_store){append, replay, close_store, store};
}
