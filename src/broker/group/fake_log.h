/* broker/group/fake_log.h -- for unit tests of the coordinators: a log in memory whose commits can
 * be made to fail, a clock that is turned by hand, and timers of that clock.
 *
 * Include it in one file of the test: it defines the functions of log.h and journal.h that
 * coordinators call. What a commit holds is visible after tarn_commit_write only, as in the real
 * one. */
#ifndef TARN_BROKER_GROUP_FAKE_LOG_H
#define TARN_BROKER_GROUP_FAKE_LOG_H

#include "base/memory.h"
#include "broker/group/world.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"

struct fake_pair {
    struct tarn_text key, value; /* value.data NULL: deleted */
};
struct fake_marker {
    struct tarn_partition *partition;
    int64_t producer_id;
    int16_t epoch;
    bool committed;
};
struct tarn_commit {
    struct tarn_log *log;
    struct fake_pair *pairs;
    size_t count, capacity;
    size_t marker_count; /* of log->markers, not written yet */
};
struct tarn_log {
    struct fake_pair *pairs;
    size_t count, capacity;
    struct fake_marker *markers;
    size_t marker_count, marker_capacity;
    struct tarn_commit commit;
    bool committing;
    bool failing; /* every commit fails */
    uint64_t position;
};

static void fake_text_free(struct tarn_text text)
{
    free((char *)text.data);
}

static struct tarn_text fake_text_copy(struct tarn_text text)
{
    return (struct tarn_text){text.data ? tarn_strndup(text.data, text.len) : NULL, text.len};
}

struct tarn_commit *tarn_commit_begin(struct tarn_log *log)
{
    assert_false(log->committing); /* one at a time */
    log->committing = true;
    log->commit.log = log;
    log->commit.count = log->commit.marker_count = 0;
    return &log->commit;
}

static void fake_add(struct tarn_commit *commit, struct tarn_text key, struct tarn_text value)
{
    assert_true(key.len > 0 && key.len <= 1024);
    TARN_RESERVE(commit->pairs, commit->capacity, commit->count + 1);
    commit->pairs[commit->count++] = (struct fake_pair){key, value};
}

void tarn_commit_put(struct tarn_commit *commit, struct tarn_text key, struct tarn_text value)
{
    fake_add(commit, key, value);
}

void tarn_commit_delete(struct tarn_commit *commit, struct tarn_text key)
{
    fake_add(commit, key, (struct tarn_text){0});
}

enum tarn_status tarn_commit_append_marker(struct tarn_commit *commit,
                                           struct tarn_partition *partition, int64_t producer_id,
                                           int16_t producer_epoch, int32_t coordinator_epoch,
                                           bool committed, int64_t *ret_offset,
                                           struct tarn_error *err)
{
    struct tarn_log *log = commit->log;
    (void)coordinator_epoch, (void)err;
    TARN_RESERVE(log->markers, log->marker_capacity, log->marker_count + commit->marker_count + 1);
    log->markers[log->marker_count + commit->marker_count++] =
        (struct fake_marker){partition, producer_id, producer_epoch, committed};
    *ret_offset = 0;
    return TARN_OK;
}

static struct fake_pair *fake_find(struct tarn_log *log, struct tarn_text key)
{
    for (size_t i = 0; i < log->count; i++) {
        if (tarn_text_equal(log->pairs[i].key, key))
            return &log->pairs[i];
    }
    return NULL;
}

static void fake_apply(struct tarn_log *log, const struct fake_pair *pair)
{
    struct fake_pair *known = fake_find(log, pair->key);
    if (known) {
        fake_text_free(known->key);
        fake_text_free(known->value);
        *known = log->pairs[--log->count];
    }
    if (!pair->value.data)
        return;
    TARN_RESERVE(log->pairs, log->capacity, log->count + 1);
    log->pairs[log->count++] =
        (struct fake_pair){fake_text_copy(pair->key), fake_text_copy(pair->value)};
}

void tarn_commit_abandon(struct tarn_commit *commit)
{
    assert_true(commit->log->committing);
    commit->log->committing = false;
}

enum tarn_status tarn_commit_write(struct tarn_commit *commit, uint64_t *ret_position,
                                   struct tarn_error *err)
{
    struct tarn_log *log = commit->log;
    tarn_commit_abandon(commit);
    if (log->failing)
        return tarn_fail(err, TARN_NO_SPACE, "the test's disk is full");
    for (size_t i = 0; i < commit->count; i++)
        fake_apply(log, &commit->pairs[i]);
    log->marker_count += commit->marker_count;
    *ret_position = ++log->position;
    return TARN_OK;
}

uint64_t tarn_log_position(const struct tarn_log *log)
{
    return log->position;
}

int32_t tarn_log_leader_epoch(const struct tarn_log *log)
{
    (void)log;
    return 0;
}

struct tarn_text tarn_journal_get(struct tarn_log *log, struct tarn_text key)
{
    const struct fake_pair *found = fake_find(log, key);
    return found ? found->value : (struct tarn_text){0};
}

void tarn_journal_each(struct tarn_log *log, struct tarn_text prefix,
                       bool (*callback)(void *context, struct tarn_text key,
                                        struct tarn_text value),
                       void *context)
{
    for (size_t i = 0; i < log->count; i++) {
        if (log->pairs[i].key.len >= prefix.len &&
            memcmp(log->pairs[i].key.data, prefix.data, prefix.len) == 0 &&
            !callback(context, log->pairs[i].key, log->pairs[i].value))
            return;
    }
}

static void fake_log_release(struct tarn_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        fake_text_free(log->pairs[i].key);
        fake_text_free(log->pairs[i].value);
    }
    free(log->pairs);
    free(log->markers);
    free(log->commit.pairs);
    *log = (struct tarn_log){0};
}

/* ---- time ---- */

struct tarn_timers {
    int64_t now_ms;
    struct tarn_timer **waiting; /* position is the index + 1 */
    size_t count, capacity;
};

static void fake_stop(struct tarn_timers *timers, struct tarn_timer *timer)
{
    if (timer->position == 0)
        return;
    struct tarn_timer *last = timers->waiting[--timers->count];
    timers->waiting[timer->position - 1] = last;
    last->position = timer->position;
    timer->position = 0;
}

static void fake_start(struct tarn_timers *timers, struct tarn_timer *timer, int64_t delay_ms,
                       void (*fire)(struct tarn_timer *timer))
{
    fake_stop(timers, timer);
    TARN_RESERVE(timers->waiting, timers->capacity, timers->count + 1);
    timers->waiting[timers->count++] = timer;
    timer->position = timers->count;
    timer->due_ms = timers->now_ms + delay_ms;
    timer->fire = fire;
}

static int64_t fake_now_ms(void *context)
{
    return ((struct tarn_timers *)context)->now_ms;
}

/* Lets that much time pass, and everything happen that is due meanwhile, in order. */
static void fake_pass(struct tarn_timers *timers, int64_t ms)
{
    int64_t end_ms = timers->now_ms + ms;
    for (;;) {
        struct tarn_timer *first = NULL;
        for (size_t i = 0; i < timers->count; i++) {
            if (timers->waiting[i]->due_ms <= end_ms &&
                (!first || timers->waiting[i]->due_ms < first->due_ms))
                first = timers->waiting[i];
        }
        if (!first)
            break;
        if (first->due_ms > timers->now_ms)
            timers->now_ms = first->due_ms;
        fake_stop(timers, first);
        first->fire(first);
    }
    timers->now_ms = end_ms;
}

static struct tarn_world fake_world(struct tarn_log *log, struct tarn_timers *timers)
{
    timers->now_ms = 1700000000000;
    return (struct tarn_world){.log = log,
                               .timers = timers,
                               .timer_start = fake_start,
                               .timer_stop = fake_stop,
                               .now_ms = fake_now_ms,
                               .clock_context = timers};
}

#endif
