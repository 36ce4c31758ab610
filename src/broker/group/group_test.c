/* broker/group/group_test.c -- every transition of a group, by hand and with a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "broker/group/fake_log.h"
#include "broker/group/group.h"
#include "broker/protocol/messages.h"

enum { SESSION_MS = 10000, REBALANCE_MS = 60000, TEXT_MAX = 120, ANSWERS_MAX = 64 };

/* What became of one join or sync. */
struct answer {
    int count; /* of times it was answered */
    int16_t error;
    int32_t generation;
    int32_t member_count;
    bool skip_assignment;
    char id[TEXT_MAX], leader[TEXT_MAX], protocol[TEXT_MAX], assignment[TEXT_MAX];
    char members[8][TEXT_MAX], metadata[8][TEXT_MAX];
};

static struct tarn_log log_;
static struct tarn_timers timers;
static struct tarn_groups *groups;
static struct tarn_group_options options;
static struct tarn_arena *arena;
static bool closing; /* answers that come now are for tests that are over */

static void open_groups(void)
{
    struct tarn_world world = {&log_, &timers, fake_start, fake_stop, fake_now_ms, &timers};
    struct tarn_error err;
    assert_int_equal(tarn_groups_open(&world, &options, &groups, &err), TARN_OK);
}

static int set_up(void **state)
{
    (void)state;
    fake_log_release(&log_);
    timers.count = 0;
    (void)fake_world(&log_, &timers);
    tarn_group_options_init(&options);
    options.initial_delay_ms = 0;
    arena = tarn_arena_new();
    closing = false;
    open_groups();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    closing = true;
    tarn_groups_free(groups);
    assert_int_equal(timers.count, 0); /* nothing is left that could fire */
    fake_log_release(&log_);
    free(timers.waiting);
    timers = (struct tarn_timers){0};
    tarn_arena_free(arena);
    return 0;
}

static void restart(void)
{
    tarn_groups_free(groups);
    open_groups();
}

static void keep(char out[TEXT_MAX], struct tarn_text text)
{
    snprintf(out, TEXT_MAX, "%.*s", TARN_TEXT_ARGS(text));
}

static void on_join(void *context, const struct tarn_join_group_response *response)
{
    struct answer *answer = context;
    if (closing)
        return;
    answer->count++;
    answer->error = response->error_code;
    answer->generation = response->generation_id;
    answer->member_count = response->members_count;
    answer->skip_assignment = response->skip_assignment;
    keep(answer->id, response->member_id);
    keep(answer->leader, response->leader);
    keep(answer->protocol, response->protocol_name);
    for (int32_t i = 0; i < response->members_count && i < 8; i++) {
        keep(answer->members[i], response->members[i].member_id);
        keep(answer->metadata[i], response->members[i].metadata);
    }
}

static void on_sync(void *context, const struct tarn_sync_group_response *response)
{
    struct answer *answer = context;
    if (closing)
        return;
    answer->count++;
    answer->error = response->error_code;
    keep(answer->protocol, response->protocol_name);
    keep(answer->assignment, response->assignment);
}

struct joining {
    const char *group, *id, *instance, *type, *protocols; /* "range:a,roundrobin:b" */
    int16_t version;
    int32_t session_ms;
};

static void join_with(const struct joining *with, struct answer *answer)
{
    char id[TEXT_MAX];
    snprintf(id, sizeof id, "%s", with->id ? with->id : ""); /* it may be the answer's own */
    *answer = (struct answer){0};
    memcpy(answer->id, id, sizeof id); /* to know it by while it is parked */
    struct tarn_join_group_request request;
    tarn_join_group_request_init(&request);
    request.group_id = tarn_text_of(with->group ? with->group : "g");
    request.member_id = tarn_text_of(id);
    if (with->instance)
        request.group_instance_id = tarn_text_of(with->instance);
    request.protocol_type = tarn_text_of(with->type ? with->type : "consumer");
    request.session_timeout_ms = with->session_ms ? with->session_ms : SESSION_MS;
    request.rebalance_timeout_ms = REBALANCE_MS;
    struct tarn_join_group_request_protocol protocols[4];
    request.protocols = protocols;
    struct tarn_text rest = tarn_text_of(with->protocols ? with->protocols : "range:m");
    struct tarn_text part;
    while (rest.len > 0 && tarn_text_split(&rest, ',', &part)) {
        tarn_text_split(&part, ':', &protocols[request.protocols_count].name);
        protocols[request.protocols_count++].metadata = part;
    }
    struct tarn_group_client client = {TARN_TEXT("client"), "/127.0.0.1",
                                       with->version ? with->version : 5};
    tarn_groups_join(groups, &client, &request, on_join, answer);
}

/* As clients do it: asks for an id first, then joins with it. The answer may be still to come. */
static void join_new(struct answer *answer)
{
    join_with(&(struct joining){0}, answer);
    assert_int_equal(answer->count, 1);
    assert_int_equal(answer->error, TARN_KAFKA_MEMBER_ID_REQUIRED);
    join_with(&(struct joining){.id = answer->id}, answer);
}

static void join_again(const char *id, struct answer *answer)
{
    join_with(&(struct joining){.id = id}, answer);
}

static void sync_with(const char *id, const char *instance, int32_t generation,
                      const struct answer *leads, struct answer *answer)
{
    struct tarn_sync_group_request request;
    tarn_sync_group_request_init(&request);
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(id);
    if (instance)
        request.group_instance_id = tarn_text_of(instance);
    request.generation_id = generation;
    struct tarn_sync_group_request_assignment assignments[8];
    char parts[8][TEXT_MAX + 8];
    request.assignments = assignments;
    for (int32_t i = 0; leads && i < leads->member_count; i++) {
        snprintf(parts[i], sizeof parts[i], "for %s", leads->members[i]);
        assignments[i].member_id = tarn_text_of(leads->members[i]);
        assignments[i].assignment = tarn_text_of(parts[i]);
        request.assignments_count++;
    }
    *answer = (struct answer){0};
    tarn_groups_sync(groups, &request, on_sync, answer);
}

static int heartbeat(const char *id, const char *instance, int32_t generation)
{
    struct tarn_heartbeat_request request;
    tarn_heartbeat_request_init(&request);
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(id);
    if (instance)
        request.group_instance_id = tarn_text_of(instance);
    request.generation_id = generation;
    return (int)tarn_groups_heartbeat(groups, &request);
}

static int leave(const char *id, const char *instance)
{
    struct tarn_leave_group_request request;
    tarn_leave_group_request_init(&request);
    request.group_id = TARN_TEXT("g");
    struct tarn_leave_group_request_member member;
    tarn_leave_group_request_member_init(&member);
    member.member_id = tarn_text_of(id);
    if (instance)
        member.group_instance_id = tarn_text_of(instance);
    request.members = &member;
    request.members_count = 1;
    struct tarn_leave_group_response response;
    tarn_groups_leave(groups, &request, arena, &response);
    assert_int_equal(response.members_count, 1);
    return response.error_code ? response.error_code : response.members[0].error_code;
}

static int commit_from(const char *id, int32_t generation, const char *topic, int64_t offset)
{
    struct tarn_group_commit commit = {
        .group_id = TARN_TEXT("g"),
        .member_id = tarn_text_of(id),
        .generation_id = generation,
        .api_version = 8,
    };
    struct tarn_offset_entry entry = {
        .topic = tarn_text_of(topic), .offset = offset, .leader_epoch = 3, .commit_ms = -1};
    uint64_t position;
    enum tarn_kafka_error error = tarn_groups_commit(groups, &commit, &entry, 1, &position);
    return (int)(error ? error : entry.error);
}

static int64_t committed(const char *topic)
{
    struct tarn_offset_entry entry;
    (void)tarn_groups_fetch(groups, TARN_TEXT("g"), tarn_text_of(topic), 0, false, &entry);
    return entry.offset;
}

static struct tarn_describe_groups_response_group describe(void)
{
    struct tarn_describe_groups_response_group shown;
    tarn_groups_describe(groups, TARN_TEXT("g"), 5, arena, &shown);
    return shown;
}

static void assert_state(const char *state)
{
    struct tarn_text is = describe().group_state;
    char name[TEXT_MAX];
    keep(name, is);
    assert_string_equal(name, state);
}

/* One stable member; returns its generation. */
static int32_t settle_one(struct answer *member)
{
    struct answer sync;
    join_new(member);
    fake_pass(&timers, 0);
    assert_int_equal(member->count, 1);
    sync_with(member->id, NULL, member->generation, member, &sync);
    assert_int_equal(sync.error, TARN_KAFKA_NONE);
    return member->generation;
}

/* Two stable members, the first leads. */
static int32_t settle_two(struct answer *first, struct answer *second)
{
    struct answer sync_first, sync_second;
    settle_one(first);
    join_new(second);
    assert_int_equal(second->count, 0);
    join_again(first->id, first);
    assert_int_equal(first->count, 1);
    assert_int_equal(second->count, 1);
    sync_with(second->id, NULL, second->generation, NULL, &sync_second);
    assert_int_equal(sync_second.count, 0);
    sync_with(first->id, NULL, first->generation, first, &sync_first);
    assert_int_equal(sync_second.count, 1);
    return first->generation;
}

/* ---- joining ---- */

static void one_member(void **state)
{
    (void)state;
    struct answer join, sync;
    join_with(&(struct joining){0}, &join);
    assert_int_equal(join.error, TARN_KAFKA_MEMBER_ID_REQUIRED);
    assert_memory_equal(join.id, "client-", 7);
    assert_state("Empty");
    char id[TEXT_MAX];
    memcpy(id, join.id, sizeof id);
    join_with(&(struct joining){.id = id}, &join);
    assert_int_equal(join.count, 1);
    assert_int_equal(join.error, TARN_KAFKA_NONE);
    assert_int_equal(join.generation, 1);
    assert_string_equal(join.leader, id);
    assert_string_equal(join.protocol, "range");
    assert_int_equal(join.member_count, 1);
    assert_string_equal(join.metadata[0], "m");
    assert_state("CompletingRebalance");
    assert_int_equal(heartbeat(id, NULL, 1), TARN_KAFKA_NONE);
    sync_with(id, NULL, 1, &join, &sync);
    assert_int_equal(sync.count, 1);
    assert_string_equal(sync.assignment + 4, id);
    assert_state("Stable");
    struct tarn_describe_groups_response_group shown = describe();
    assert_int_equal(shown.members_count, 1);
    assert_true(tarn_text_is(shown.protocol_data, "range"));
    assert_true(tarn_text_is(shown.members[0].member_metadata, "m"));
    assert_true(tarn_text_is(shown.members[0].client_host, "/127.0.0.1"));
    assert_int_equal(shown.members[0].member_assignment.len, strlen(id) + 4);
}

static void old_clients_get_no_id_first(void **state)
{
    (void)state;
    struct answer join;
    join_with(&(struct joining){.version = 3}, &join);
    assert_int_equal(join.error, TARN_KAFKA_NONE);
    assert_int_equal(join.generation, 1);
}

static void the_first_generation_waits_for_others_who_start(void **state)
{
    (void)state;
    options.initial_delay_ms = 15;
    restart();
    struct answer a, b, late;
    join_new(&a);
    fake_pass(&timers, 14);
    join_with(&(struct joining){0}, &b); /* asks for an id: one is on the way */
    fake_pass(&timers, 1);
    assert_int_equal(a.count, 0);
    join_with(&(struct joining){.id = b.id}, &b);
    fake_pass(&timers, 14);
    assert_int_equal(a.count, 0);
    fake_pass(&timers, 16);
    assert_int_equal(a.count, 1);
    assert_int_equal(b.count, 1);
    assert_int_equal(a.member_count, 2);
    assert_int_equal(b.member_count, 0); /* the leader's business */
    assert_string_equal(b.leader, a.id);
    assert_int_equal(a.generation, 1);
    join_new(&late); /* from now on, a rebalance like any other */
    join_again(a.id, &a);
    join_again(b.id, &b);
    assert_int_equal(late.generation, 2);
}

static void refusals(void **state)
{
    (void)state;
    struct answer answer, member;
    join_with(&(struct joining){.group = ""}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_INVALID_GROUP_ID);
    join_with(&(struct joining){.session_ms = 10}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_INVALID_SESSION_TIMEOUT);
    join_with(&(struct joining){.id = "nobody"}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
    join_with(&(struct joining){.protocols = ""}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    settle_one(&member);
    join_with(&(struct joining){.id = "nobody"}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
    join_with(&(struct joining){.type = "connect"}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    join_with(&(struct joining){.protocols = "sticky:x"}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    join_with(&(struct joining){.instance = "i", .id = member.id}, &answer);
    assert_int_equal(answer.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void votes_decide_on_the_protocol(void **state)
{
    (void)state;
    struct answer a, b, c;
    join_with(&(struct joining){.version = 3, .protocols = "range:1,rr:2,only:3"}, &a);
    join_with(&(struct joining){.version = 3, .protocols = "rr:4,range:5"}, &b);
    join_with(&(struct joining){.version = 3, .protocols = "rr:6,range:7"}, &c);
    char id[TEXT_MAX];
    memcpy(id, a.id, sizeof id);
    join_with(&(struct joining){.id = id, .protocols = "range:1,rr:2,only:3"}, &a);
    assert_string_equal(a.protocol, "rr");
    assert_string_equal(c.protocol, "rr");
    assert_string_equal(a.metadata[0], "2");
    assert_string_equal(a.metadata[1], "4");
    assert_int_equal(a.generation, 2);
}

static void second_member_rebalances(void **state)
{
    (void)state;
    struct answer a, b, sync;
    settle_one(&a);
    join_new(&b);
    assert_state("PreparingRebalance");
    assert_int_equal(b.count, 0);
    assert_int_equal(heartbeat(a.id, NULL, 1), TARN_KAFKA_REBALANCE_IN_PROGRESS);
    sync_with(a.id, NULL, 1, NULL, &sync);
    assert_int_equal(sync.error, TARN_KAFKA_REBALANCE_IN_PROGRESS);
    /* The old generation may still commit. */
    assert_int_equal(commit_from(a.id, 1, "t", 5), TARN_KAFKA_NONE);
    join_again(a.id, &a);
    assert_int_equal(a.generation, 2);
    assert_int_equal(b.generation, 2);
    assert_int_equal(a.member_count, 2);
    assert_string_equal(b.leader, a.id);
    assert_int_equal(commit_from(a.id, 1, "t", 6), TARN_KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit_from(a.id, 2, "t", 6), TARN_KAFKA_REBALANCE_IN_PROGRESS);
    sync_with(b.id, NULL, 2, NULL, &sync);
    assert_int_equal(sync.count, 0);
    struct answer lead;
    sync_with(a.id, NULL, 2, &a, &lead);
    assert_int_equal(sync.count, 1);
    assert_string_equal(sync.assignment + 4, b.id);
    assert_string_equal(lead.assignment + 4, a.id);
    assert_int_equal(commit_from(b.id, 2, "t", 7), TARN_KAFKA_NONE);
    assert_int_equal(committed("t"), 7);
}

static void rejoining_when_stable(void **state)
{
    (void)state;
    struct answer a, b, again;
    settle_two(&a, &b);
    join_again(b.id, &again); /* nothing new from a follower */
    assert_int_equal(again.count, 1);
    assert_int_equal(again.generation, 2);
    assert_int_equal(again.member_count, 0);
    assert_state("Stable");
    join_with(&(struct joining){.id = b.id, .protocols = "range:new"}, &again);
    assert_int_equal(again.count, 0);
    assert_state("PreparingRebalance");
    join_again(a.id, &a);
    assert_int_equal(again.generation, 3);
    struct answer sync;
    sync_with(a.id, NULL, 3, &a, &sync);
    join_again(a.id, &again); /* the leader's wish */
    assert_state("PreparingRebalance");
}

static void a_sync_after_the_next_join_gets_its_part(void **state)
{
    (void)state;
    struct answer a, b, lead, late;
    settle_one(&a);
    join_new(&b);
    join_again(a.id, &a);
    sync_with(a.id, NULL, 2, &a, &lead);
    join_again(a.id, &lead); /* a cooperative leader that has given something up */
    assert_state("PreparingRebalance");
    sync_with(b.id, NULL, 2, NULL, &late);
    assert_int_equal(late.error, TARN_KAFKA_NONE);
    assert_string_equal(late.assignment + 4, b.id);
    sync_with(b.id, NULL, 2, NULL, &late); /* once */
    assert_int_equal(late.error, TARN_KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(heartbeat(b.id, NULL, 2), TARN_KAFKA_REBALANCE_IN_PROGRESS);
    join_again(b.id, &b);
    assert_int_equal(lead.generation, 3);
    assert_int_equal(b.generation, 3);
    sync_with(b.id, NULL, 2, NULL, &late);
    assert_int_equal(late.error, TARN_KAFKA_ILLEGAL_GENERATION);
}

static void an_unassigned_generation_ends_without_parts(void **state)
{
    (void)state;
    struct answer a, b, c, late;
    settle_one(&a);
    join_new(&b);
    join_again(a.id, &a);
    assert_state("CompletingRebalance");
    join_new(&c);
    sync_with(b.id, NULL, 2, NULL, &late);
    assert_int_equal(late.error, TARN_KAFKA_REBALANCE_IN_PROGRESS);
}

static void rejoining_while_completing(void **state)
{
    (void)state;
    struct answer a, b, again;
    settle_one(&a);
    join_new(&b);
    join_again(a.id, &a);
    assert_state("CompletingRebalance");
    join_again(a.id, &again); /* the answer got lost */
    assert_int_equal(again.count, 1);
    assert_int_equal(again.generation, 2);
    assert_int_equal(again.member_count, 2);
    struct answer parked;
    sync_with(b.id, NULL, 2, NULL, &parked);
    join_with(&(struct joining){.id = a.id, .protocols = "range:new"}, &again);
    assert_state("PreparingRebalance");
    assert_int_equal(parked.error, TARN_KAFKA_REBALANCE_IN_PROGRESS);
}

static void absent_members_are_out_after_the_rebalance_timeout(void **state)
{
    (void)state;
    struct answer a, b, c;
    settle_two(&a, &b);
    join_new(&c);
    join_again(b.id, &b);
    for (int i = 0; i < 10; i++) { /* the first sends heartbeats, but does not join */
        fake_pass(&timers, REBALANCE_MS / 10 - 1);
        assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_REBALANCE_IN_PROGRESS);
        assert_int_equal(b.count, 0);
    }
    fake_pass(&timers, 100);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.generation, 3);
    assert_string_equal(b.leader, b.id);
    assert_int_equal(b.member_count, 2);
    assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void pending_ids_hold_up_a_rebalance_until_they_expire(void **state)
{
    (void)state;
    struct answer a, ghost, b;
    settle_one(&a);
    join_with(&(struct joining){0}, &ghost); /* gets an id and is never seen again */
    join_new(&b);
    join_again(a.id, &a);
    assert_int_equal(a.count, 0);
    fake_pass(&timers, SESSION_MS);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.generation, 2);
    join_with(&(struct joining){.id = ghost.id}, &ghost);
    assert_int_equal(ghost.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

/* ---- silence and leaving ---- */

static void silent_members_are_out(void **state)
{
    (void)state;
    struct answer a, b;
    settle_two(&a, &b);
    fake_pass(&timers, SESSION_MS - 1);
    assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_NONE);
    fake_pass(&timers, 1);
    assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(heartbeat(b.id, NULL, 2), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    fake_pass(&timers, SESSION_MS);
    assert_state("Empty");
    assert_int_equal(describe().members_count, 0);
}

static void commits_are_signs_of_life(void **state)
{
    (void)state;
    struct answer a;
    settle_one(&a);
    for (int i = 0; i < 5; i++) {
        fake_pass(&timers, SESSION_MS - 1);
        assert_int_equal(commit_from(a.id, 1, "t", i), TARN_KAFKA_NONE);
    }
    assert_state("Stable");
}

static void parked_members_need_no_heartbeat(void **state)
{
    (void)state;
    struct answer a, b, c;
    settle_two(&a, &b);
    join_new(&c);
    join_again(b.id, &b);
    for (int i = 0; i < 5; i++) {
        fake_pass(&timers, SESSION_MS - 1);
        (void)heartbeat(a.id, NULL, 2);
    }
    assert_int_equal(b.count, 0);
    join_again(a.id, &a);
    assert_int_equal(a.member_count, 3);
}

static void new_members_may_not_wait_for_ever(void **state)
{
    (void)state;
    options.new_member_timeout_ms = 20000;
    restart();
    struct answer a, b;
    settle_one(&a);
    join_new(&b);
    for (int i = 0; i < 3; i++) {
        fake_pass(&timers, SESSION_MS - 1);
        (void)heartbeat(a.id, NULL, 1);
    }
    assert_int_equal(b.count, 1);
    assert_int_equal(b.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void members_that_never_sync_are_out(void **state)
{
    (void)state;
    struct answer a, b, sync;
    settle_one(&a);
    join_new(&b);
    join_again(a.id, &a);
    sync_with(a.id, NULL, 2, &a, &sync);
    assert_state("Stable");
    for (int i = 0; i < 7; i++) { /* heartbeats alone do not help */
        fake_pass(&timers, SESSION_MS - 1);
        (void)heartbeat(a.id, NULL, 2);
        (void)heartbeat(b.id, NULL, 2);
    }
    assert_state("PreparingRebalance");
    assert_int_equal(heartbeat(b.id, NULL, 2), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    join_again(a.id, &a);
    assert_int_equal(a.member_count, 1);
    assert_int_equal(a.generation, 3);
}

static void a_late_sync_gets_the_assignment(void **state)
{
    (void)state;
    struct answer a, b, lead, late;
    settle_one(&a);
    join_new(&b);
    join_again(a.id, &a);
    sync_with(a.id, NULL, 2, &a, &lead);
    sync_with(b.id, NULL, 2, NULL, &late);
    assert_string_equal(late.assignment + 4, b.id);
    sync_with(b.id, NULL, 1, NULL, &late);
    assert_int_equal(late.error, TARN_KAFKA_ILLEGAL_GENERATION);
    sync_with("nobody", NULL, 2, NULL, &late);
    assert_int_equal(late.error, TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void leaving(void **state)
{
    (void)state;
    struct answer a, b, parked;
    settle_two(&a, &b);
    assert_int_equal(leave("nobody", NULL), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(leave(a.id, NULL), TARN_KAFKA_NONE);
    assert_state("PreparingRebalance");
    join_again(b.id, &b);
    assert_string_equal(b.leader, b.id);
    join_with(&(struct joining){0}, &parked);
    assert_int_equal(leave(parked.id, NULL), TARN_KAFKA_NONE); /* an id that was not used yet */
    assert_int_equal(leave(b.id, NULL), TARN_KAFKA_NONE);
    assert_state("Empty");
    assert_int_equal(leave(b.id, NULL), TARN_KAFKA_UNKNOWN_MEMBER_ID);
}

static void a_full_group(void **state)
{
    (void)state;
    options.max_size = 1;
    restart();
    struct answer a, b;
    settle_one(&a);
    join_with(&(struct joining){0}, &b);
    assert_int_equal(b.error, TARN_KAFKA_GROUP_MAX_SIZE_REACHED);
    assert_int_equal(heartbeat(a.id, NULL, 1), TARN_KAFKA_NONE);
}

/* ---- static members ---- */

static void join_static(const char *id, const char *instance, int16_t version,
                        const char *protocols, struct answer *answer)
{
    join_with(
        &(struct joining){
            .id = id, .instance = instance, .version = version, .protocols = protocols},
        answer);
}

static void settle_static(struct answer *a, struct answer *b)
{
    struct answer sync;
    join_static(NULL, "one", 5, NULL, a);
    sync_with(a->id, "one", 1, a, &sync);
    join_static(NULL, "two", 5, NULL, b);
    join_static(a->id, "one", 5, NULL, a);
    sync_with(a->id, "one", 2, a, &sync);
    sync_with(b->id, "two", 2, NULL, &sync);
    assert_int_equal(sync.error, TARN_KAFKA_NONE);
    assert_state("Stable");
}

static void static_members_come_back_without_a_rebalance(void **state)
{
    (void)state;
    struct answer a, b, back, sync;
    settle_static(&a, &b);
    assert_memory_equal(a.id, "one-", 4);
    join_static(NULL, "two", 5, NULL, &back);
    assert_int_equal(back.error, TARN_KAFKA_NONE);
    assert_int_equal(back.generation, 2);
    assert_string_not_equal(back.id, b.id);
    assert_state("Stable");
    sync_with(back.id, "two", 2, NULL, &sync);
    assert_string_equal(sync.assignment + 4, b.id); /* what the leader gave to its place */
    assert_int_equal(heartbeat(b.id, "two", 2), TARN_KAFKA_FENCED_INSTANCE_ID);
    sync_with(b.id, "two", 2, NULL, &sync);
    assert_int_equal(sync.error, TARN_KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(leave(b.id, "two"), TARN_KAFKA_FENCED_INSTANCE_ID);
    join_static(b.id, "two", 5, NULL, &b);
    assert_int_equal(b.error, TARN_KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(heartbeat(back.id, "two", 2), TARN_KAFKA_NONE);
    restart(); /* the new id lasts */
    assert_int_equal(heartbeat(back.id, "two", 2), TARN_KAFKA_NONE);
}

static void a_static_leader_comes_back(void **state)
{
    (void)state;
    struct answer a, b, back;
    settle_static(&a, &b);
    join_static(NULL, "one", 8, NULL, &back); /* would assign if it were told that it leads */
    assert_string_equal(back.leader, a.id);
    assert_int_equal(back.member_count, 0);
    char id[TEXT_MAX];
    memcpy(id, back.id, sizeof id);
    join_static(NULL, "one", 9, NULL, &back);
    assert_true(back.skip_assignment);
    assert_string_equal(back.leader, back.id);
    assert_int_equal(back.member_count, 2);
    assert_string_not_equal(back.id, id);
    assert_state("Stable");
}

static void a_static_member_with_a_new_mind_rebalances(void **state)
{
    (void)state;
    struct answer a, b, back, sync;
    join_static(NULL, "one", 5, "range:1,rr:2", &a);
    sync_with(a.id, "one", 1, &a, &sync);
    join_static(NULL, "one", 5, "rr:2", &back);
    assert_int_equal(back.count, 1); /* it is alone: the rebalance is over at once */
    assert_int_equal(back.generation, 2);
    assert_string_equal(back.protocol, "rr");
    (void)b;
}

static void a_replaced_member_that_waits_is_fenced(void **state)
{
    (void)state;
    struct answer a, b, parked, back;
    settle_static(&a, &b);
    join_static(a.id, "one", 5, "range:new", &parked);
    assert_int_equal(parked.count, 0);
    join_static(NULL, "one", 5, NULL, &back);
    assert_int_equal(parked.error, TARN_KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(back.count, 0);
    join_static(b.id, "two", 5, NULL, &b);
    assert_int_equal(back.error, TARN_KAFKA_NONE);
    assert_int_equal(back.generation, 3);
}

static void absent_static_members_keep_their_place(void **state)
{
    (void)state;
    struct answer a, b, again;
    join_with(&(struct joining){.instance = "one", .session_ms = 600000}, &a);
    struct answer sync;
    sync_with(a.id, "one", 1, &a, &sync);
    join_with(&(struct joining){.instance = "two", .session_ms = 600000}, &b);
    assert_int_equal(b.count, 0);
    fake_pass(&timers, REBALANCE_MS);
    assert_int_equal(b.count, 1);
    assert_string_equal(b.leader, b.id);
    assert_int_equal(b.member_count, 2);
    assert_int_equal(leave("", "one"), TARN_KAFKA_NONE); /* by an administrator */
    assert_int_equal(leave("", "one"), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    join_with(&(struct joining){.id = b.id, .instance = "two", .session_ms = 600000}, &again);
    assert_int_equal(again.member_count, 1);
}

/* ---- offsets ---- */

static void consumers_without_a_group_commit(void **state)
{
    (void)state;
    assert_int_equal(commit_from("", -1, "t", 41), TARN_KAFKA_NONE);
    assert_int_equal(committed("t"), 41);
    assert_int_equal(committed("other"), -1);
    assert_int_equal(commit_from("m", 4, "t", 42), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    assert_state("Empty");
    restart();
    assert_int_equal(committed("t"), 41);
    struct answer a;
    settle_one(&a);
    assert_int_equal(commit_from("", -1, "t", 43), TARN_KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(committed("t"), 41);
}

static void commits_to_a_group_that_is_not_there(void **state)
{
    (void)state;
    struct tarn_group_commit commit = {
        .group_id = TARN_TEXT("none"), .member_id = TARN_TEXT("m"), .generation_id = 1};
    struct tarn_offset_entry entry = {.topic = TARN_TEXT("t")};
    uint64_t position;
    commit.api_version = 8;
    assert_int_equal(tarn_groups_commit(groups, &commit, &entry, 1, &position),
                     TARN_KAFKA_ILLEGAL_GENERATION);
    commit.api_version = 9;
    assert_int_equal(tarn_groups_commit(groups, &commit, &entry, 1, &position),
                     TARN_KAFKA_GROUP_ID_NOT_FOUND);
}

static void metadata_has_a_limit(void **state)
{
    (void)state;
    char text[4097];
    memset(text, 'x', sizeof text);
    struct tarn_group_commit commit = {.group_id = TARN_TEXT("g"), .generation_id = -1};
    struct tarn_offset_entry entries[2] = {
        {.topic = TARN_TEXT("t"),
         .partition = 1,
         .offset = 7,
         .commit_ms = -1,
         .metadata = {text, 4097}},
        {.topic = TARN_TEXT("t"),
         .partition = 2,
         .offset = 8,
         .commit_ms = -1,
         .metadata = {text, 4096}},
    };
    uint64_t position;
    assert_int_equal(tarn_groups_commit(groups, &commit, entries, 2, &position), TARN_KAFKA_NONE);
    assert_int_equal(entries[0].error, TARN_KAFKA_OFFSET_METADATA_TOO_LARGE);
    assert_int_equal(entries[1].error, TARN_KAFKA_NONE);
    restart();
    struct tarn_offset_entry *all;
    assert_int_equal(tarn_groups_fetch_all(groups, TARN_TEXT("g"), true, arena, &all), 1);
    assert_int_equal(all[0].partition, 2);
    assert_int_equal(all[0].offset, 8);
    assert_int_equal(all[0].metadata.len, 4096);
}

static void a_full_disk_changes_nothing(void **state)
{
    (void)state;
    struct answer a, sync;
    assert_int_equal(commit_from("", -1, "t", 1), TARN_KAFKA_NONE);
    log_.failing = true;
    assert_int_equal(commit_from("", -1, "t", 2), TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(committed("t"), 1);
    uint64_t position;
    assert_int_equal(tarn_groups_delete(groups, TARN_TEXT("g"), &position),
                     TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    join_new(&a);
    sync_with(a.id, NULL, a.generation, &a, &sync);
    assert_int_equal(sync.count, 1);
    assert_int_equal(sync.error, TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_state("PreparingRebalance");
    log_.failing = false;
    join_again(a.id, &a);
    sync_with(a.id, NULL, a.generation, &a, &sync);
    assert_int_equal(sync.error, TARN_KAFKA_NONE);
    assert_state("Stable");
}

/* Kafka's ConsumerProtocolSubscription of one topic "t": version 0, one topic, no user data. */
static const char subscription[] = "range:\0\0\0\0\0\1\0\1t\xff\xff\xff\xff";

static void join_subscribed(const char *id, struct answer *answer)
{
    struct tarn_join_group_request request;
    tarn_join_group_request_init(&request);
    struct tarn_join_group_request_protocol protocol = {
        TARN_TEXT("range"), {subscription + 6, sizeof subscription - 7}};
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(id);
    request.protocol_type = TARN_TEXT("consumer");
    request.session_timeout_ms = SESSION_MS;
    request.rebalance_timeout_ms = REBALANCE_MS;
    request.protocols = &protocol;
    request.protocols_count = 1;
    struct tarn_group_client client = {TARN_TEXT("client"), "/127.0.0.1", 3};
    *answer = (struct answer){0};
    tarn_groups_join(groups, &client, &request, on_join, answer);
}

static int delete_offset(const char *topic)
{
    struct tarn_offset_entry entry = {.topic = tarn_text_of(topic)};
    uint64_t position;
    enum tarn_kafka_error error =
        tarn_groups_delete_offsets(groups, TARN_TEXT("g"), &entry, 1, &position);
    return (int)(error ? error : entry.error);
}

static void offsets_of_subscribed_topics_stay(void **state)
{
    (void)state;
    struct answer a, sync;
    assert_int_equal(delete_offset("t"), TARN_KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(commit_from("", -1, "old", 3), TARN_KAFKA_NONE);
    join_subscribed("", &a);
    sync_with(a.id, NULL, 1, &a, &sync);
    assert_int_equal(commit_from(a.id, 1, "t", 9), TARN_KAFKA_NONE);
    assert_int_equal(delete_offset("t"), TARN_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    assert_int_equal(delete_offset("old"), TARN_KAFKA_NONE);
    assert_int_equal(committed("old"), -1);
    assert_int_equal(committed("t"), 9);
    restart(); /* the subscription is known again */
    assert_int_equal(delete_offset("t"), TARN_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    assert_int_equal(committed("old"), -1);
    assert_int_equal(leave(a.id, NULL), TARN_KAFKA_NONE);
    assert_int_equal(delete_offset("t"), TARN_KAFKA_NONE);
}

static void offsets_expire(void **state)
{
    (void)state;
    struct answer a;
    settle_one(&a);
    int64_t day_ms = 24LL * 3600 * 1000;
    assert_int_equal(commit_from(a.id, 1, "t", 1), TARN_KAFKA_NONE);
    for (int64_t passed = 0; passed < 10 * day_ms; passed += 5000) { /* while it is used */
        fake_pass(&timers, 5000);
        assert_int_equal(heartbeat(a.id, NULL, 1), TARN_KAFKA_NONE);
    }
    assert_int_equal(committed("t"), 1);
    assert_int_equal(leave(a.id, NULL), TARN_KAFKA_NONE);
    fake_pass(&timers, 7 * day_ms - 1);
    assert_int_equal(committed("t"), 1);
    restart();
    fake_pass(&timers, 1);
    assert_int_equal(committed("t"), -1);
    fake_pass(&timers, options.check_interval_ms);
    assert_state("Dead");
    assert_int_equal(log_.count, 0);
    assert_int_equal(timers.count, 0); /* and the broker sleeps */
}

static void groups_that_hold_nothing_go(void **state)
{
    (void)state;
    struct answer a;
    join_with(&(struct joining){0}, &a);
    assert_state("Empty");
    fake_pass(&timers, options.check_interval_ms);
    assert_state("Dead");
    assert_int_equal(timers.count, 0);
}

static void deleting_a_group(void **state)
{
    (void)state;
    struct answer a;
    uint64_t position;
    assert_int_equal(tarn_groups_delete(groups, TARN_TEXT("g"), &position),
                     TARN_KAFKA_GROUP_ID_NOT_FOUND);
    settle_one(&a);
    assert_int_equal(commit_from(a.id, 1, "t", 1), TARN_KAFKA_NONE);
    assert_int_equal(tarn_groups_delete(groups, TARN_TEXT("g"), &position),
                     TARN_KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(leave(a.id, NULL), TARN_KAFKA_NONE);
    assert_int_equal(tarn_groups_delete(groups, TARN_TEXT("g"), &position), TARN_KAFKA_NONE);
    assert_int_equal(log_.count, 0);
    assert_state("Dead");
    struct tarn_describe_groups_response_group shown;
    tarn_groups_describe(groups, TARN_TEXT("g"), 6, arena, &shown);
    assert_int_equal(shown.error_code, TARN_KAFKA_GROUP_ID_NOT_FOUND);
}

static void a_deleted_topic_takes_its_offsets_along(void **state)
{
    (void)state;
    assert_int_equal(commit_from("", -1, "t", 1), TARN_KAFKA_NONE);
    assert_int_equal(commit_from("", -1, "u", 2), TARN_KAFKA_NONE);
    tarn_groups_forget_topic(groups, TARN_TEXT("t"));
    restart();
    assert_int_equal(committed("t"), -1);
    assert_int_equal(committed("u"), 2);
}

/* ---- looking, restarting ---- */

static int32_t listed(const char *state_filter, const char *type_filter)
{
    struct tarn_list_groups_request request;
    struct tarn_list_groups_response response;
    tarn_list_groups_request_init(&request);
    tarn_list_groups_response_init(&response);
    struct tarn_text states = tarn_text_of(state_filter), types = tarn_text_of(type_filter);
    request.states_filter = &states;
    request.states_filter_count = state_filter != NULL;
    request.types_filter = &types;
    request.types_filter_count = type_filter != NULL;
    tarn_groups_list(groups, &request, arena, &response);
    return response.groups_count;
}

static void listing(void **state)
{
    (void)state;
    struct answer a;
    settle_one(&a);
    join_with(&(struct joining){.group = "h"}, &a);
    assert_int_equal(listed(NULL, NULL), 2);
    assert_int_equal(listed("Stable", NULL), 1);
    assert_int_equal(listed("stable", "Classic"), 1);
    assert_int_equal(listed("Dead", NULL), 0);
    assert_int_equal(listed(NULL, "consumer"), 0);
}

static void members_go_on_after_a_restart(void **state)
{
    (void)state;
    struct answer a, b, again, sync;
    settle_two(&a, &b);
    restart();
    assert_state("Stable");
    assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_NONE);
    assert_int_equal(heartbeat(b.id, NULL, 2), TARN_KAFKA_NONE);
    assert_int_equal(commit_from(b.id, 2, "t", 3), TARN_KAFKA_NONE);
    join_again(b.id, &again);
    assert_int_equal(again.generation, 2);
    assert_string_equal(again.leader, a.id);
    sync_with(b.id, NULL, 2, NULL, &sync);
    assert_string_equal(sync.assignment + 4, b.id);
    fake_pass(&timers, SESSION_MS - 1);
    assert_int_equal(heartbeat(a.id, NULL, 2), TARN_KAFKA_NONE);
    fake_pass(&timers, 1); /* the other has not been heard of */
    assert_state("PreparingRebalance");
}

static void generations_go_up_over_a_restart(void **state)
{
    (void)state;
    struct answer a, b;
    settle_one(&a);
    assert_int_equal(leave(a.id, NULL), TARN_KAFKA_NONE);
    restart();
    assert_state("Empty");
    settle_one(&b);
    assert_int_equal(b.generation, 3); /* 2 was the empty one */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_member),
        TEST(old_clients_get_no_id_first),
        TEST(the_first_generation_waits_for_others_who_start),
        TEST(refusals),
        TEST(votes_decide_on_the_protocol),
        TEST(second_member_rebalances),
        TEST(rejoining_when_stable),
        TEST(a_sync_after_the_next_join_gets_its_part),
        TEST(an_unassigned_generation_ends_without_parts),
        TEST(rejoining_while_completing),
        TEST(absent_members_are_out_after_the_rebalance_timeout),
        TEST(pending_ids_hold_up_a_rebalance_until_they_expire),
        TEST(silent_members_are_out),
        TEST(commits_are_signs_of_life),
        TEST(parked_members_need_no_heartbeat),
        TEST(new_members_may_not_wait_for_ever),
        TEST(members_that_never_sync_are_out),
        TEST(a_late_sync_gets_the_assignment),
        TEST(leaving),
        TEST(a_full_group),
        TEST(static_members_come_back_without_a_rebalance),
        TEST(a_static_leader_comes_back),
        TEST(a_static_member_with_a_new_mind_rebalances),
        TEST(a_replaced_member_that_waits_is_fenced),
        TEST(absent_static_members_keep_their_place),
        TEST(consumers_without_a_group_commit),
        TEST(commits_to_a_group_that_is_not_there),
        TEST(metadata_has_a_limit),
        TEST(a_full_disk_changes_nothing),
        TEST(offsets_of_subscribed_topics_stay),
        TEST(offsets_expire),
        TEST(groups_that_hold_nothing_go),
        TEST(deleting_a_group),
        TEST(a_deleted_topic_takes_its_offsets_along),
        TEST(listing),
        TEST(members_go_on_after_a_restart),
        TEST(generations_go_up_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
