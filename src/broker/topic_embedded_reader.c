/* broker/topic_embedded_reader.c -- reading from the broker in this process: what is read, where it
 * stands, polls. */
#include <string.h>

#include "base/clock.h"
#include "broker/log/partition.h"
#include "broker/topic_embedded_reader_int.h"
#include "broker/topics/catalog.h"

enum { RESOLVE_RETRY_US = 500000 };

static const struct tarn_text nothing = {NULL, 0};

/* ---- places ---- */

struct resolving {
    struct tarn_embedded_reader *reader;
    struct tarn_in_part *missing; /* the first whose partition is not there */
};

/* Turns "beginning" and "end" into numbers. */
static void resolve_ends(struct tarn_broker *broker, void *context)
{
    struct resolving *resolving = context;
    struct tarn_embedded_reader *reader = resolving->reader;
    for (size_t i = 0; i < reader->part_count; i++) {
        struct tarn_in_part *part = &reader->parts[i];
        if (part->position != TARN_OFFSET_BEGINNING && part->position != TARN_OFFSET_END)
            continue;
        const struct tarn_topic *topic =
            tarn_catalog_find(tarn_broker_catalog(broker), tarn_text_of(part->topic));
        const struct tarn_partition *partition = tarn_topic_partition(topic, part->partition);
        if (!partition) {
            resolving->missing = part;
            continue;
        }
        if (part->position == TARN_OFFSET_BEGINNING)
            part->position = tarn_partition_start_offset(partition);
        else if (reader->reads_uncommitted)
            part->position = tarn_partition_end_offset(partition);
        else
            part->position = tarn_partition_last_stable_offset(partition);
        part->fetch_offset = part->position;
    }
}

static bool is_open(const struct tarn_in_part *part, int64_t now_us)
{
    return part->position < 0 && part->retry_us <= now_us;
}

/* Where the group stands, or what the reset rule says. */
static enum tarn_status resolve_committed(struct tarn_embedded_reader *reader,
                                          struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_offset *offsets =
        tarn_arena_array(arena, reader->part_count + 1, sizeof *offsets);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < reader->part_count; i++)
        if (reader->parts[i].position == TARN_OFFSET_COMMITTED)
            offsets[count++] = (struct tarn_topic_offset){.topic = reader->parts[i].topic,
                                                          .partition = reader->parts[i].partition,
                                                          .offset = TARN_OFFSET_NONE};
    if (count > 0 && reader->base.group)
        TARN_TRY(tarn_embedded_committed(reader->base.topics, reader->base.group, arena, offsets,
                                         count, err));
    for (size_t i = 0; i < reader->part_count; i++) {
        struct tarn_in_part *part = &reader->parts[i];
        if (part->position != TARN_OFFSET_COMMITTED)
            continue;
        int64_t offset = offsets[at++].offset;
        if (offset >= 0)
            part->position = part->fetch_offset = offset;
        else if (reader->reset == TARN_RESET_FAIL)
            part->position = TARN_OFFSET_NONE;
        else
            part->position =
                reader->reset == TARN_RESET_EARLIEST ? TARN_OFFSET_BEGINNING : TARN_OFFSET_END;
    }
    return TARN_OK;
}

static enum tarn_status resolve(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    int64_t now_us = tarn_monotonic_us();
    bool open = false;
    for (size_t i = 0; i < reader->part_count; i++)
        open |= is_open(&reader->parts[i], now_us);
    if (!open)
        return TARN_OK;
    struct resolving resolving = {.reader = reader};
    TARN_TRY(resolve_committed(reader, err));
    TARN_TRY(tarn_embedded_call(reader->base.topics, resolve_ends, &resolving, err));
    const struct tarn_in_part *none = NULL;
    for (size_t i = 0; i < reader->part_count; i++) {
        struct tarn_in_part *part = &reader->parts[i];
        if (part->position < 0)
            part->retry_us = now_us + RESOLVE_RETRY_US;
        if (part->position == TARN_OFFSET_NONE)
            none = part;
    }
    if (resolving.missing)
        return tarn_embedded_fail(err, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, nothing,
                                  "reading from %s[%d]", resolving.missing->topic,
                                  (int)resolving.missing->partition);
    if (none)
        return tarn_fail(err, TARN_INVALID, "reading from %s[%d]: the group has no offset there",
                         none->topic, (int)none->partition);
    return TARN_OK;
}

enum tarn_status tarn_in_assign(struct tarn_embedded_reader *reader,
                                const struct tarn_topic_offset *offsets, size_t count,
                                struct tarn_error *err)
{
    (void)err;
    tarn_in_fetch_drop(reader);
    struct tarn_arena *arena = tarn_arena_new();
    reader->parts = tarn_realloc_array(reader->parts, count + 1, sizeof *reader->parts);
    reader->part_count = count;
    for (size_t i = 0; i < count; i++)
        reader->parts[i] =
            (struct tarn_in_part){.topic = tarn_arena_strdup(arena, offsets[i].topic),
                                  .partition = offsets[i].partition,
                                  .position = offsets[i].offset,
                                  .fetch_offset = offsets[i].offset,
                                  .visible_end = -1};
    tarn_arena_free(reader->part_arena);
    reader->part_arena = arena;
    return TARN_OK;
}

static struct tarn_in_part *find_part(struct tarn_embedded_reader *reader, const char *topic,
                                      int32_t partition)
{
    for (size_t i = 0; i < reader->part_count; i++)
        if (reader->parts[i].partition == partition && strcmp(reader->parts[i].topic, topic) == 0)
            return &reader->parts[i];
    return NULL;
}

static enum tarn_status need_part(struct tarn_embedded_reader *reader, const char *topic,
                                  int32_t partition, const char *what,
                                  struct tarn_in_part **ret_part, struct tarn_error *err)
{
    *ret_part = find_part(reader, topic, partition);
    if (!*ret_part)
        return tarn_fail(err, TARN_NOT_FOUND, "%s %s[%d]: the reader does not read it", what, topic,
                         (int)partition);
    return TARN_OK;
}

static enum tarn_status reader_assign(struct tarn_topic_reader *base,
                                      const struct tarn_topic_offset *offsets, size_t count,
                                      struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct tarn_error later;
    tarn_in_member_leave(reader);
    TARN_TRY(tarn_in_assign(reader, offsets, count, err));
    if (resolve(reader, &later) != TARN_OK) /* what is wrong is told by poll */
        for (size_t i = 0; i < reader->part_count; i++)
            reader->parts[i].retry_us = 0;
    return TARN_OK;
}

static enum tarn_status reader_assignment(struct tarn_topic_reader *base, struct tarn_arena *arena,
                                          struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                          struct tarn_error *err)
{
    const struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    (void)err;
    struct tarn_topic_offset *offsets =
        tarn_arena_array(arena, reader->part_count + 1, sizeof *offsets);
    for (size_t i = 0; i < reader->part_count; i++)
        offsets[i] = (struct tarn_topic_offset){
            .topic = tarn_arena_strdup(arena, reader->parts[i].topic),
            .partition = reader->parts[i].partition,
            .offset = reader->parts[i].position >= 0 ? reader->parts[i].position : TARN_OFFSET_NONE,
        };
    *ret_offsets = offsets;
    *ret_count = reader->part_count;
    return TARN_OK;
}

static enum tarn_status reader_seek(struct tarn_topic_reader *base, const char *topic,
                                    int32_t partition, int64_t offset, struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct tarn_in_part *part;
    TARN_TRY(need_part(reader, topic, partition, "seeking in", &part, err));
    tarn_in_fetch_drop(reader);
    part->position = part->fetch_offset = offset;
    part->retry_us = 0;
    return offset < 0 ? resolve(reader, err) : TARN_OK;
}

static enum tarn_status reader_pause(struct tarn_topic_reader *base, const char *topic,
                                     int32_t partition, bool is_paused, struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct tarn_in_part *part;
    TARN_TRY(need_part(reader, topic, partition, "pausing", &part, err));
    if (part->is_paused != is_paused)
        tarn_in_fetch_drop(reader);
    part->is_paused = is_paused;
    return TARN_OK;
}

static enum tarn_status reader_position(struct tarn_topic_reader *base, const char *topic,
                                        int32_t partition, int64_t *ret_offset,
                                        struct tarn_error *err)
{
    const struct tarn_in_part *part = find_part(tarn_embedded_reader_of(base), topic, partition);
    (void)err;
    *ret_offset = part && part->position >= 0 ? part->position : TARN_OFFSET_NONE;
    return TARN_OK;
}

struct visible {
    const struct tarn_embedded_reader *reader;
    const struct tarn_in_part *part;
    int64_t start, end; /* -1: it is gone */
};

static void find_visible(struct tarn_broker *broker, void *context)
{
    struct visible *visible = context;
    const struct tarn_topic *topic =
        tarn_catalog_find(tarn_broker_catalog(broker), tarn_text_of(visible->part->topic));
    const struct tarn_partition *partition = tarn_topic_partition(topic, visible->part->partition);
    visible->end = -1;
    if (!partition)
        return;
    visible->start = tarn_partition_start_offset(partition);
    visible->end = visible->reader->reads_uncommitted
                       ? tarn_partition_end_offset(partition)
                       : tarn_partition_last_stable_offset(partition);
}

static enum tarn_status reader_lag(struct tarn_topic_reader *base, const char *topic,
                                   int32_t partition, int64_t *ret_lag, struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct tarn_in_part *part;
    TARN_TRY(need_part(reader, topic, partition, "reading the lag of", &part, err));
    struct visible visible = {.reader = reader, .part = part};
    TARN_TRY(tarn_embedded_call(base->topics, find_visible, &visible, err));
    if (visible.end < 0)
        return tarn_embedded_fail(err, TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, nothing,
                                  "reading the ends of %s[%d]", topic, (int)partition);
    int64_t position = part->position > visible.start ? part->position : visible.start;
    *ret_lag = visible.end > position ? visible.end - position : 0;
    return TARN_OK;
}

/* ---- commits ---- */

static enum tarn_status reader_commit(struct tarn_topic_reader *base,
                                      const struct tarn_topic_offset *offsets, size_t count,
                                      struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    if (!offsets) {
        struct tarn_topic_offset *here;
        TARN_TRY(reader_assignment(base, arena, &here, &count, err));
        count = tarn_topic_offsets_known(here, count);
        offsets = here;
    }
    if (count == 0)
        return TARN_OK;
    struct tarn_embedded_member_id member = tarn_embedded_reader_member(base);
    return tarn_embedded_commit(base->topics, &member, offsets, count, err);
}

enum tarn_status tarn_in_commit_own(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    if (!reader->commits_by_itself)
        return TARN_OK;
    reader->committed_us = tarn_monotonic_us();
    return reader_commit(&reader->base, NULL, 0, err);
}

static enum tarn_status reader_committed(struct tarn_topic_reader *base, struct tarn_arena *arena,
                                         struct tarn_topic_offset *offsets, size_t count,
                                         struct tarn_error *err)
{
    return tarn_embedded_committed(base->topics, base->group, arena, offsets, count, err);
}

/* ---- polls ---- */

/* An end that was reached is told once, by an empty poll. */
static bool take_ends(struct tarn_embedded_reader *reader)
{
    bool ends = false;
    for (size_t i = 0; i < reader->part_count; i++) {
        ends |= reader->parts[i].ends;
        reader->parts[i].ends = false;
    }
    return ends;
}

/* When something is to be done although nothing arrives. */
static int64_t due_us(const struct tarn_embedded_reader *reader, int64_t deadline)
{
    int64_t now_us = tarn_monotonic_us();
    for (size_t i = 0; i < reader->part_count; i++)
        if (reader->parts[i].retry_us > now_us && reader->parts[i].retry_us < deadline)
            deadline = reader->parts[i].retry_us;
    if (reader->commits_by_itself &&
        reader->committed_us + TARN_READER_COMMIT_MS * 1000LL < deadline)
        deadline = reader->committed_us + TARN_READER_COMMIT_MS * 1000LL;
    int64_t member = reader->member ? tarn_in_member_due_us(reader->member) : INT64_MAX;
    return member < deadline ? member : deadline;
}

enum arrival { ARRIVED_NOTHING, ARRIVED_WAKE, ARRIVED_FETCH, ARRIVED_OTHER };

static enum arrival wait_for_arrival(struct tarn_embedded_reader *reader, int64_t deadline)
{
    enum arrival arrival = ARRIVED_NOTHING;
    int64_t until = due_us(reader, deadline);
    pthread_mutex_lock(&reader->bell.mutex);
    for (;;) {
        if (reader->is_woken)
            arrival = ARRIVED_WAKE;
        else if (reader->member && tarn_in_member_is_due(reader->member))
            arrival = ARRIVED_OTHER;
        else if (reader->next && reader->next->is_answered)
            arrival = ARRIVED_FETCH;
        if (arrival != ARRIVED_NOTHING || !tarn_bell_wait(&reader->bell, until))
            break;
    }
    if (arrival == ARRIVED_WAKE)
        reader->is_woken = false;
    pthread_mutex_unlock(&reader->bell.mutex);
    if (arrival == ARRIVED_NOTHING && until < deadline)
        return ARRIVED_OTHER;
    return arrival;
}

static enum tarn_status upkeep(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    if (reader->commits_by_itself &&
        tarn_monotonic_us() - reader->committed_us >= TARN_READER_COMMIT_MS * 1000LL) {
        struct tarn_error ignored; /* a rebalance: whoever gets the partitions goes on */
        (void)!tarn_in_commit_own(reader, &ignored);
    }
    if (reader->member)
        TARN_TRY(tarn_in_member_step(reader, err));
    return resolve(reader, err);
}

static enum tarn_status poll_once(struct tarn_embedded_reader *reader, size_t max_records,
                                  int64_t deadline, bool *ret_again, struct tarn_error *err)
{
    *ret_again = false;
    TARN_TRY(upkeep(reader, err));
    enum tarn_status status = tarn_in_collect(reader, max_records, err);
    if (reader->record_count > 0) {
        if (status != TARN_OK)
            *err = (struct tarn_error){0}; /* told again when those before it are through */
        return TARN_OK;
    }
    TARN_TRY(status);
    if (!reader->cursor.fetch && take_ends(reader))
        return TARN_OK;
    TARN_TRY(tarn_in_fetch_send(reader, err));
    switch (wait_for_arrival(reader, deadline)) {
    case ARRIVED_FETCH:
        TARN_TRY(tarn_in_fetch_take(reader, err));
        TARN_TRY(tarn_in_fetch_send(reader, err));
        *ret_again = true;
        break;
    case ARRIVED_OTHER:
        *ret_again = true;
        break;
    case ARRIVED_WAKE:
    case ARRIVED_NOTHING:
        break;
    }
    return TARN_OK;
}

static enum tarn_status reader_poll(struct tarn_topic_reader *base, size_t max_records,
                                    int64_t timeout_ms, struct tarn_topic_records *ret_records,
                                    struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    int64_t deadline = tarn_deadline_us(timeout_ms);
    bool again = true;
    while (again) {
        tarn_in_batch_drop(reader);
        TARN_TRY(poll_once(reader, max_records, deadline, &again, err));
    }
    *ret_records = (struct tarn_topic_records){reader->records, reader->record_count};
    return TARN_OK;
}

static void reader_wake(struct tarn_topic_reader *base)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    pthread_mutex_lock(&reader->bell.mutex);
    reader->is_woken = true;
    pthread_cond_broadcast(&reader->bell.rung);
    pthread_mutex_unlock(&reader->bell.mutex);
}

/* ---- open and close ---- */

struct opened {
    struct tarn_embedded_reader reader;
    char *instance_id;
    int64_t session_timeout_ms;
};

static enum tarn_status reader_subscribe(struct tarn_topic_reader *base, const char *const *topics,
                                         size_t count, struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct opened *opened = (struct opened *)reader;
    tarn_in_member_leave(reader);
    TARN_TRY(tarn_in_assign(reader, NULL, 0, err));
    return tarn_in_member_join(reader, topics, count, opened->instance_id,
                               opened->session_timeout_ms, err);
}

static void reader_close(struct tarn_topic_reader *base)
{
    struct tarn_embedded_reader *reader = tarn_embedded_reader_of(base);
    struct tarn_error err;
    if (!reader->member)
        (void)!tarn_in_commit_own(reader, &err);
    tarn_in_member_leave(reader);
    tarn_in_fetch_drop(reader);
    for (size_t i = 0; i < TARN_COUNT(reader->fetches); i++)
        tarn_arena_free(reader->fetches[i].arena);
    tarn_arena_free(reader->part_arena);
    tarn_arena_free(reader->arena);
    tarn_bell_release(&reader->bell);
    free(reader->parts);
    free(reader->records);
    free(reader->used);
    free(((struct opened *)reader)->instance_id);
    free(reader);
}

static const struct tarn_topic_reader_ops reader_ops = {
    .close = reader_close,
    .assign = reader_assign,
    .subscribe = reader_subscribe,
    .assignment = reader_assignment,
    .poll = reader_poll,
    .wake = reader_wake,
    .seek = reader_seek,
    .pause = reader_pause,
    .position = reader_position,
    .lag = reader_lag,
    .commit = reader_commit,
    .committed = reader_committed,
};

enum tarn_status tarn_embedded_reader_open(struct tarn_topics *topics,
                                           const struct tarn_topic_reader_options *options,
                                           struct tarn_topic_reader **ret_reader,
                                           struct tarn_error *err)
{
    struct opened *opened = tarn_alloc(sizeof *opened);
    struct tarn_embedded_reader *reader = &opened->reader;
    (void)err;
    opened->instance_id = options->instance_id ? tarn_strdup(options->instance_id) : NULL;
    opened->session_timeout_ms = options->session_timeout_ms;
    reader->base.ops = &reader_ops;
    reader->embedded = (struct tarn_embedded *)topics;
    tarn_bell_init(&reader->bell);
    reader->reset = options->reset;
    reader->reads_uncommitted = options->reads_uncommitted;
    reader->commits_by_itself = options->commits_by_itself;
    reader->fetch_bytes = options->fetch_bytes;
    reader->part_arena = tarn_arena_new();
    reader->arena = tarn_arena_new();
    reader->committed_us = tarn_monotonic_us();
    for (size_t i = 0; i < TARN_COUNT(reader->fetches); i++) {
        reader->fetches[i].reader = reader;
        reader->fetches[i].arena = tarn_arena_new();
    }
    *ret_reader = &reader->base;
    return TARN_OK;
}
