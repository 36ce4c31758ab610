/* broker/topic_embedded_member.c -- an embedded reader as a member of its group: it joins, syncs
 * and beats like any client's consumer, beside which it may share a group.
 *
 * Joins and syncs go on while poll waits; heartbeats run on the loop's thread, so that a reader
 * that takes its time with a batch stays a member, up to five minutes. */
#include <regex.h>
#include <string.h>

#include "base/clock.h"
#include "broker/group/group.h"
#include "broker/topic_embedded_reader_int.h"
#include "broker/topics/catalog.h"

enum {
    JOIN_VERSION = 9,
    SYNC_VERSION = 5,
    LEAVE_VERSION = 5,
    BEAT_MAX_MS = 3000,
    BEATS_PER_SESSION = 3,
    POLL_MAX_MS = 300000, /* max.poll.interval.ms */
    RETRY_US = 200000,
    LOOK_US = 5000000, /* for topics that came or grew */
};

static const struct tarn_text nothing = {NULL, 0};

enum stage { STAGE_OUTSIDE, STAGE_JOINING, STAGE_SYNCING, STAGE_STABLE };

struct tarn_in_member {
    struct tarn_embedded_reader *reader;
    char **topics;
    regex_t *patterns; /* of the topics that begin with '^' */
    size_t topic_count;
    char *instance_id, *member_id;
    int64_t session_timeout_ms;
    int32_t generation;
    enum stage stage;
    bool is_leader;
    struct tarn_question question;
    int64_t retry_us, look_us;
    uint64_t seen; /* of the topics at the last join */
    /* loop thread */
    struct tarn_timer beat;
    /* under the mutex */
    int16_t beat_code;
    int64_t polled_us;
};

/* ---- heartbeats ---- */

static struct tarn_text text_or_null(const char *text)
{
    return text ? tarn_text_of(text) : nothing;
}

static int64_t beat_interval_ms(const struct tarn_in_member *member)
{
    int64_t interval = member->session_timeout_ms / BEATS_PER_SESSION;
    return interval < BEAT_MAX_MS ? interval : BEAT_MAX_MS;
}

/* The member's texts change only while the timer is stopped. */
static void on_beat(struct tarn_timer *timer)
{
    struct tarn_in_member *member = TARN_TIMER_OWNER(timer, struct tarn_in_member, beat);
    struct tarn_bell *bell = &member->reader->bell;
    struct tarn_broker *broker = member->reader->embedded->broker;
    struct tarn_heartbeat_request request;
    tarn_heartbeat_request_init(&request);
    request.group_id = tarn_text_of(member->reader->base.group);
    request.generation_id = member->generation;
    request.member_id = tarn_text_of(member->member_id);
    request.group_instance_id = text_or_null(member->instance_id);
    pthread_mutex_lock(&bell->mutex);
    bool is_polled = tarn_monotonic_us() - member->polled_us < POLL_MAX_MS * 1000LL;
    pthread_mutex_unlock(&bell->mutex);
    if (!is_polled)
        return;
    enum tarn_kafka_error code = tarn_groups_heartbeat(tarn_broker_groups(broker), &request);
    tarn_timer_start(tarn_broker_timers(broker), timer, beat_interval_ms(member), on_beat);
    if (code == TARN_KAFKA_NONE)
        return;
    pthread_mutex_lock(&bell->mutex);
    member->beat_code = (int16_t)code;
    pthread_cond_broadcast(&bell->rung);
    pthread_mutex_unlock(&bell->mutex);
}

static void start_beating(struct tarn_broker *broker, void *context)
{
    struct tarn_in_member *member = context;
    tarn_timer_start(tarn_broker_timers(broker), &member->beat, beat_interval_ms(member), on_beat);
}

static void stop_beating(struct tarn_broker *broker, void *context)
{
    tarn_timer_stop(tarn_broker_timers(broker), &((struct tarn_in_member *)context)->beat);
}

/* ---- topics ---- */

struct names {
    struct tarn_arena *arena;
    char **names;
    int32_t *counts;
    size_t count;
};

static void list_names(struct tarn_broker *broker, void *context)
{
    struct names *names = context;
    struct tarn_catalog *catalog = tarn_broker_catalog(broker);
    names->count = tarn_catalog_count(catalog);
    names->names = tarn_arena_array(names->arena, names->count + 1, sizeof *names->names);
    names->counts = tarn_arena_array(names->arena, names->count + 1, sizeof *names->counts);
    for (size_t i = 0; i < names->count; i++) {
        names->names[i] = tarn_arena_strdup(names->arena, tarn_catalog_at(catalog, i)->name);
        names->counts[i] = tarn_catalog_at(catalog, i)->partition_count;
    }
}

static bool matches(const struct tarn_in_member *member, const char *name)
{
    for (size_t i = 0; i < member->topic_count; i++) {
        bool is_pattern = member->topics[i][0] == '^';
        if (is_pattern ? regexec(&member->patterns[i], name, 0, NULL, 0) == 0
                       : strcmp(member->topics[i], name) == 0)
            return true;
    }
    return false;
}

/* The names it asks for now, patterns resolved, and a number that changes when one of those topics
 * comes, grows or goes. */
static enum tarn_status find_names(struct tarn_in_member *member, struct tarn_arena *arena,
                                   const char ***ret_names, size_t *ret_count, uint64_t *ret_seen,
                                   struct tarn_error *err)
{
    struct names all = {.arena = arena};
    TARN_TRY(tarn_embedded_call(member->reader->base.topics, list_names, &all, err));
    const char **names =
        tarn_arena_array(arena, all.count + member->topic_count + 1, sizeof *names);
    size_t count = 0;
    uint64_t seen = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (!matches(member, all.names[i]))
            continue;
        names[count++] = all.names[i];
        for (const char *at = all.names[i]; *at; at++)
            seen = (seen ^ (uint8_t)*at) * 1099511628211U;
        seen = (seen ^ (uint64_t)all.counts[i]) * 1099511628211U;
    }
    for (size_t i = 0; i < member->topic_count; i++) { /* one that is not there yet may come */
        bool known = member->topics[i][0] == '^';
        for (size_t n = 0; n < count && !known; n++)
            known = strcmp(names[n], member->topics[i]) == 0;
        if (!known)
            names[count++] = member->topics[i];
    }
    *ret_names = names;
    *ret_count = count;
    *ret_seen = seen;
    return TARN_OK;
}

/* ---- stages ---- */

/* Gives the partitions up; the owner may still commit. */
static void revoke(struct tarn_in_member *member)
{
    struct tarn_embedded_reader *reader = member->reader;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_offset *parts;
    size_t count;
    struct tarn_error err;
    (void)!tarn_broker_call(reader->embedded->broker, stop_beating, member, &err);
    if (member->stage != STAGE_STABLE)
        return;
    (void)!tarn_in_commit_own(reader, &err);
    (void)!reader->base.ops->assignment(&reader->base, arena, &parts, &count, &err);
    if (reader->base.rebalanced)
        reader->base.rebalanced(reader->base.context, &reader->base, true, parts, count);
    (void)!tarn_in_assign(reader, NULL, 0, &err);
    member->stage = STAGE_OUTSIDE;
}

static void set_member_id(struct tarn_in_member *member, struct tarn_text id)
{
    free(member->member_id);
    member->member_id = tarn_strndup(id.data ? id.data : "", id.len);
}

static void start_anew(struct tarn_in_member *member, int16_t code)
{
    if (code == TARN_KAFKA_UNKNOWN_MEMBER_ID || code == TARN_KAFKA_ILLEGAL_GENERATION) {
        member->generation = -1;
        if (code == TARN_KAFKA_UNKNOWN_MEMBER_ID)
            set_member_id(member, TARN_TEXT(""));
    }
    member->stage = STAGE_OUTSIDE;
}

static enum tarn_status join(struct tarn_in_member *member, struct tarn_error *err)
{
    struct tarn_join_group_request *request;
    const char **names;
    size_t count;
    tarn_question_clear(&member->question);
    struct tarn_arena *arena = member->question.arena;
    TARN_TRY(find_names(member, arena, &names, &count, &member->seen, err));
    member->look_us = tarn_monotonic_us() + LOOK_US;
    request = tarn_arena_alloc(arena, sizeof *request);
    tarn_join_group_request_init(request);
    request->group_id = tarn_text_of(member->reader->base.group);
    request->session_timeout_ms = (int32_t)member->session_timeout_ms;
    request->rebalance_timeout_ms = POLL_MAX_MS;
    request->member_id = tarn_text_of(tarn_arena_strdup(arena, member->member_id));
    request->group_instance_id = text_or_null(member->instance_id);
    request->protocol_type = TARN_TEXT("consumer");
    request->protocols = tarn_arena_array(arena, 2, sizeof *request->protocols);
    request->protocols_count = 2;
    struct tarn_text subscription = tarn_subscription_encode(names, count, arena);
    request->protocols[0] =
        (struct tarn_join_group_request_protocol){TARN_TEXT("range"), subscription};
    request->protocols[1] =
        (struct tarn_join_group_request_protocol){TARN_TEXT("roundrobin"), subscription};
    TARN_TRY(tarn_question_ask(&member->question, TARN_API_JOIN_GROUP, JOIN_VERSION, request, err));
    member->stage = STAGE_JOINING;
    return TARN_OK;
}

static enum tarn_status sync(struct tarn_in_member *member,
                             const struct tarn_join_group_response *joined,
                             struct tarn_arena *joined_arena, struct tarn_error *err)
{
    tarn_question_clear(&member->question);
    struct tarn_arena *arena = member->question.arena;
    tarn_arena_adopt(arena, joined_arena); /* the members' names are in both */
    struct tarn_sync_group_request *request = tarn_arena_alloc(arena, sizeof *request);
    tarn_sync_group_request_init(request);
    request->group_id = tarn_text_of(member->reader->base.group);
    request->generation_id = member->generation;
    request->member_id = joined->member_id;
    request->group_instance_id = text_or_null(member->instance_id);
    request->protocol_type = TARN_TEXT("consumer");
    request->protocol_name = joined->protocol_name;
    member->is_leader = tarn_text_equal(joined->leader, joined->member_id);
    if (member->is_leader && !joined->skip_assignment)
        TARN_TRY(tarn_assign_members(member->reader->base.topics, joined, arena, request, err));
    TARN_TRY(tarn_question_ask(&member->question, TARN_API_SYNC_GROUP, SYNC_VERSION, request, err));
    member->stage = STAGE_SYNCING;
    return TARN_OK;
}

static bool is_passing(int16_t code)
{
    return code == TARN_KAFKA_REBALANCE_IN_PROGRESS || code == TARN_KAFKA_UNKNOWN_MEMBER_ID ||
           code == TARN_KAFKA_ILLEGAL_GENERATION || code == TARN_KAFKA_MEMBER_ID_REQUIRED;
}

static enum tarn_status take_join(struct tarn_in_member *member, struct tarn_error *err)
{
    struct tarn_arena *arena = tarn_arena_new();
    void *answer;
    member->stage = STAGE_OUTSIDE;
    enum tarn_status status = tarn_question_answer(&member->question, arena, &answer, err);
    if (status != TARN_OK) {
        tarn_arena_free(arena);
        return status;
    }
    const struct tarn_join_group_response *joined = answer;
    int16_t code = joined->error_code;
    if (code == TARN_KAFKA_NONE || code == TARN_KAFKA_MEMBER_ID_REQUIRED)
        set_member_id(member, joined->member_id);
    if (code == TARN_KAFKA_NONE) {
        member->generation = joined->generation_id;
        return sync(member, joined, arena, err); /* takes the arena */
    }
    tarn_arena_free(arena);
    start_anew(member, code);
    return is_passing(code) ? TARN_OK
                            : tarn_embedded_fail(err, code, nothing, "joining group '%s'",
                                                 member->reader->base.group);
}

static enum tarn_status take_sync(struct tarn_in_member *member, struct tarn_error *err)
{
    struct tarn_embedded_reader *reader = member->reader;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topic_offset *parts;
    size_t count;
    void *answer;
    member->stage = STAGE_OUTSIDE;
    TARN_TRY(tarn_question_answer(&member->question, arena, &answer, err));
    const struct tarn_sync_group_response *synced = answer;
    if (synced->error_code != TARN_KAFKA_NONE) {
        start_anew(member, synced->error_code);
        return is_passing(synced->error_code)
                   ? TARN_OK
                   : tarn_embedded_fail(err, synced->error_code, nothing, "joining group '%s'",
                                        reader->base.group);
    }
    TARN_TRY(tarn_assignment_decode(synced->assignment, arena, &parts, &count, err));
    TARN_TRY(tarn_in_assign(reader, parts, count, err));
    member->stage = STAGE_STABLE;
    pthread_mutex_lock(&reader->bell.mutex);
    member->beat_code = TARN_KAFKA_NONE;
    pthread_mutex_unlock(&reader->bell.mutex);
    TARN_TRY(tarn_embedded_call(reader->base.topics, start_beating, member, err));
    if (reader->base.rebalanced)
        reader->base.rebalanced(reader->base.context, &reader->base, false, parts, count);
    return TARN_OK;
}

/* A member whose topics changed joins again; of the group's members the leader looks, and who goes
 * by patterns. */
static enum tarn_status look_for_topics(struct tarn_in_member *member, bool *ret_changed,
                                        struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char **names;
    size_t count;
    uint64_t seen;
    *ret_changed = false;
    if (tarn_monotonic_us() < member->look_us)
        return TARN_OK;
    member->look_us = tarn_monotonic_us() + LOOK_US;
    TARN_TRY(find_names(member, arena, &names, &count, &seen, err));
    *ret_changed = seen != member->seen;
    return TARN_OK;
}

static enum tarn_status stay(struct tarn_in_member *member, struct tarn_error *err)
{
    bool changed;
    pthread_mutex_lock(&member->reader->bell.mutex);
    int16_t code = member->beat_code;
    pthread_mutex_unlock(&member->reader->bell.mutex);
    TARN_TRY(look_for_topics(member, &changed, err));
    if (code == TARN_KAFKA_NONE && !changed)
        return TARN_OK;
    revoke(member);
    start_anew(member, code);
    pthread_mutex_lock(&member->reader->bell.mutex);
    member->beat_code = TARN_KAFKA_NONE;
    pthread_mutex_unlock(&member->reader->bell.mutex);
    return code == TARN_KAFKA_NONE || is_passing(code)
               ? TARN_OK
               : tarn_embedded_fail(err, code, nothing, "staying in group '%s'",
                                    member->reader->base.group);
}

static bool is_answered(struct tarn_in_member *member)
{
    pthread_mutex_lock(&member->reader->bell.mutex);
    bool answered = member->question.is_answered;
    pthread_mutex_unlock(&member->reader->bell.mutex);
    return answered;
}

enum tarn_status tarn_in_member_step(struct tarn_embedded_reader *reader, struct tarn_error *err)
{
    struct tarn_in_member *member = reader->member;
    enum tarn_status status = TARN_OK;
    pthread_mutex_lock(&reader->bell.mutex);
    member->polled_us = tarn_monotonic_us();
    pthread_mutex_unlock(&reader->bell.mutex);
    if (member->stage == STAGE_STABLE)
        status = stay(member, err);
    else if (member->stage == STAGE_JOINING && is_answered(member))
        status = take_join(member, err);
    else if (member->stage == STAGE_SYNCING && is_answered(member))
        status = take_sync(member, err);
    if (status == TARN_OK && member->stage == STAGE_OUTSIDE &&
        member->retry_us <= tarn_monotonic_us())
        status = join(member, err);
    if (status != TARN_OK)
        member->retry_us = tarn_monotonic_us() + RETRY_US;
    return status;
}

bool tarn_in_member_is_due(const struct tarn_in_member *member)
{
    switch (member->stage) {
    case STAGE_JOINING:
    case STAGE_SYNCING:
        return member->question.is_answered;
    case STAGE_STABLE:
        return member->beat_code != TARN_KAFKA_NONE;
    case STAGE_OUTSIDE:
        return false;
    }
    return false;
}

int64_t tarn_in_member_due_us(const struct tarn_in_member *member)
{
    return member->stage == STAGE_OUTSIDE  ? member->retry_us
           : member->stage == STAGE_STABLE ? member->look_us
                                           : INT64_MAX;
}

/* ---- coming and going ---- */

static void member_free(struct tarn_in_member *member)
{
    tarn_question_release(&member->question);
    for (size_t i = 0; i < member->topic_count; i++) {
        if (member->topics[i][0] == '^')
            regfree(&member->patterns[i]);
        free(member->topics[i]);
    }
    free(member->patterns);
    free(member->topics);
    free(member->instance_id);
    free(member->member_id);
    free(member);
}

enum tarn_status tarn_in_member_join(struct tarn_embedded_reader *reader, const char *const *topics,
                                     size_t count, const char *instance_id,
                                     int64_t session_timeout_ms, struct tarn_error *err)
{
    struct tarn_in_member *member = tarn_alloc(sizeof *member);
    member->reader = reader;
    member->topics = tarn_alloc_array(count + 1, sizeof *member->topics);
    member->patterns = tarn_alloc_array(count + 1, sizeof *member->patterns);
    member->instance_id = instance_id ? tarn_strdup(instance_id) : NULL;
    member->member_id = tarn_strdup("");
    member->session_timeout_ms = session_timeout_ms;
    member->generation = -1;
    tarn_question_init(&member->question, reader->embedded, &reader->bell);
    for (size_t i = 0; i < count; i++) {
        if (topics[i][0] == '^' &&
            regcomp(&member->patterns[i], topics[i], REG_EXTENDED | REG_NOSUB) != 0) {
            member_free(member);
            return tarn_fail(err, TARN_INVALID,
                             "subscribing to topics: '%s' is not a regular expression", topics[i]);
        }
        member->topics[member->topic_count++] = tarn_strdup(topics[i]);
    }
    reader->member = member;
    return tarn_in_member_step(reader, err);
}

static void leave_group(struct tarn_in_member *member)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_leave_group_request request;
    struct tarn_leave_group_request_member leaver;
    struct tarn_error err;
    void *answer;
    tarn_leave_group_request_init(&request);
    tarn_leave_group_request_member_init(&leaver);
    leaver.member_id = tarn_text_of(member->member_id);
    request.group_id = tarn_text_of(member->reader->base.group);
    request.members = &leaver;
    request.members_count = 1;
    (void)!tarn_embedded_ask(member->reader->base.topics, TARN_API_LEAVE_GROUP, LEAVE_VERSION,
                             &request, arena, &answer, &err);
}

void tarn_in_member_leave(struct tarn_embedded_reader *reader)
{
    struct tarn_in_member *member = reader->member;
    if (!member)
        return;
    revoke(member);
    tarn_question_clear(&member->question);
    /* a static member comes back under its name; the group waits for it until its session ends */
    if (member->member_id[0] && !member->instance_id)
        leave_group(member);
    reader->member = NULL;
    member_free(member);
}

struct tarn_embedded_member_id tarn_embedded_reader_member(struct tarn_topic_reader *base)
{
    const struct tarn_in_member *member = tarn_embedded_reader_of(base)->member;
    if (!member || member->stage != STAGE_STABLE)
        return (struct tarn_embedded_member_id){
            .group = base->group, .generation = -1, .member_id = ""};
    return (struct tarn_embedded_member_id){.group = base->group,
                                            .generation = member->generation,
                                            .member_id = member->member_id,
                                            .instance_id = member->instance_id};
}
