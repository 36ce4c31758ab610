/* broker/group/group_property_test.c -- random clients do random things to one group, and whatever
 * happens:
 *
 *   - members of one generation are told of one leader, and generations go up
 *   - a member gets exactly the bytes that the leader of its generation assigned to it
 *   - a commit is taken from members of the newest generation only
 *   - every join and sync is answered once, and once everybody is silent nothing is left
 *
 * The leader assigns "<generation>/<member>", so that bytes which went astray are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "broker/group/fake_log.h"
#include "broker/group/group.h"
#include "broker/protocol/messages.h"

enum { SEEDS = 150, STEPS = 3000, CLIENTS = 6, GENERATIONS_MAX = 4096, ID_MAX = 64 };

/* As a client sees the world; some of it is out of date. */
struct client {
    char id[ID_MAX];
    const char *instance; /* NULL: dynamic */
    int32_t generation;
    char members[CLIENTS * 4][ID_MAX]; /* when it leads */
    int32_t member_count;
    bool joining, syncing; /* waits for an answer */
};

static struct tarn_log log_;
static struct tarn_timers timers;
static struct tarn_groups *groups;
static struct tarn_group_options options;
static struct client clients[CLIENTS];
static char leaders[GENERATIONS_MAX][ID_MAX]; /* since the last restart; "": not known */
static int32_t newest;                        /* generation that anybody was told of since then */
static uint64_t draws, key;
static bool over;
static int rebalances, assigned, commits; /* that happened at all */

static uint64_t below(uint64_t n)
{
    return tarn_draw_below(tarn_draw(key, draws++), n);
}

static void open_groups(void)
{
    struct tarn_world world = {&log_, &timers, fake_start, fake_stop, fake_now_ms, &timers};
    struct tarn_error err;
    assert_int_equal(tarn_groups_open(&world, &options, &groups, &err), TARN_OK);
    memset(leaders, 0, sizeof leaders);
    newest = 0;
}

static void keep(char out[ID_MAX], struct tarn_text text)
{
    assert_true(text.len < ID_MAX);
    snprintf(out, ID_MAX, "%.*s", TARN_TEXT_ARGS(text));
}

/* ---- answers ---- */

static void check_leader(const struct tarn_join_group_response *response)
{
    int32_t generation = response->generation_id;
    assert_in_range(generation, 1, GENERATIONS_MAX - 1);
    assert_true(generation >= newest);
    newest = generation;
    /* A static leader that was replaced leads on under its new id. */
    struct tarn_text known = tarn_text_of(leaders[generation]);
    struct tarn_text instance = known;
    bool is_static = tarn_text_starts(known, "zero-") || tarn_text_starts(known, "one-");
    (void)tarn_text_split(&known, '-', &instance);
    if (leaders[generation][0] != '\0')
        assert_true(is_static ? memcmp(response->leader.data, instance.data, instance.len) == 0
                              : tarn_text_is(response->leader, leaders[generation]));
    keep(leaders[generation], response->leader);
    rebalances += response->members_count > 1;
}

static void on_join(void *context, const struct tarn_join_group_response *response)
{
    struct client *client = context;
    if (over)
        return;
    assert_true(client->joining);
    client->joining = false;
    if (response->error_code == TARN_KAFKA_NONE) {
        check_leader(response);
        keep(client->id, response->member_id);
        client->generation = response->generation_id;
        client->member_count = response->members_count;
        for (int32_t i = 0; i < response->members_count; i++)
            keep(client->members[i], response->members[i].member_id);
    } else if (response->error_code == TARN_KAFKA_MEMBER_ID_REQUIRED) {
        keep(client->id, response->member_id);
    } else {
        client->id[0] = '\0';
    }
}

static void on_sync(void *context, const struct tarn_sync_group_response *response)
{
    struct client *client = context;
    if (over)
        return;
    assert_true(client->syncing);
    client->syncing = false;
    if (response->error_code != TARN_KAFKA_NONE || response->assignment.len == 0)
        return;
    char got[2 * ID_MAX], expected[2 * ID_MAX];
    snprintf(got, sizeof got, "%.*s", TARN_TEXT_ARGS(response->assignment));
    snprintf(expected, sizeof expected, "%d/%s", client->generation, client->id);
    assigned++;
    if (!client->instance) /* a static one may have got the place of its older self */
        assert_string_equal(got, expected);
}

/* ---- what clients do ---- */

static void join(struct client *client)
{
    if (client->joining || client->syncing)
        return; /* one thing at a time, as real ones */
    struct tarn_join_group_request request;
    tarn_join_group_request_init(&request);
    struct tarn_join_group_request_protocol protocols[2] = {
        {TARN_TEXT("range"), below(4) ? TARN_TEXT("a") : TARN_TEXT("b")},
        {TARN_TEXT("sticky"), TARN_TEXT("c")}};
    char id[ID_MAX];
    memcpy(id, client->id, sizeof id);
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(below(8) ? id : "");
    if (client->instance)
        request.group_instance_id = tarn_text_of(client->instance);
    request.protocol_type = TARN_TEXT("consumer");
    request.session_timeout_ms = 10000;
    request.rebalance_timeout_ms = 30000;
    request.protocols = protocols;
    request.protocols_count = 1 + (int32_t)below(2);
    struct tarn_group_client who = {TARN_TEXT("c"), "/h", client->instance || below(4) ? 9 : 3};
    client->joining = true;
    tarn_groups_join(groups, &who, &request, on_join, client);
}

static void sync(struct client *client)
{
    if (client->joining || client->syncing)
        return;
    struct tarn_sync_group_request request;
    tarn_sync_group_request_init(&request);
    char id[ID_MAX];
    memcpy(id, client->id, sizeof id);
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(id);
    if (client->instance)
        request.group_instance_id = tarn_text_of(client->instance);
    request.generation_id = client->generation;
    struct tarn_sync_group_request_assignment assignments[CLIENTS * 4];
    char bytes[CLIENTS * 4][2 * ID_MAX];
    for (int32_t i = 0; i < client->member_count; i++) {
        snprintf(bytes[i], sizeof bytes[i], "%d/%s", client->generation, client->members[i]);
        assignments[i].member_id = tarn_text_of(client->members[i]);
        assignments[i].assignment = tarn_text_of(bytes[i]);
    }
    request.assignments = assignments;
    request.assignments_count = client->member_count;
    client->syncing = true;
    tarn_groups_sync(groups, &request, on_sync, client);
}

static void beat(struct client *client)
{
    struct tarn_heartbeat_request request;
    tarn_heartbeat_request_init(&request);
    request.group_id = TARN_TEXT("g");
    request.member_id = tarn_text_of(client->id);
    if (client->instance)
        request.group_instance_id = tarn_text_of(client->instance);
    request.generation_id = client->generation;
    enum tarn_kafka_error error = tarn_groups_heartbeat(groups, &request);
    if (error == TARN_KAFKA_REBALANCE_IN_PROGRESS && below(2))
        join(client);
    else if (error == TARN_KAFKA_UNKNOWN_MEMBER_ID || error == TARN_KAFKA_FENCED_INSTANCE_ID)
        if (!client->joining && !client->syncing)
            client->id[0] = '\0';
}

static void leave(struct client *client, struct tarn_arena *arena)
{
    struct tarn_leave_group_request request;
    tarn_leave_group_request_init(&request);
    struct tarn_leave_group_request_member member;
    tarn_leave_group_request_member_init(&member);
    char id[ID_MAX];
    memcpy(id, client->id, sizeof id);
    member.member_id = tarn_text_of(id);
    request.group_id = TARN_TEXT("g");
    request.members = &member;
    request.members_count = 1;
    struct tarn_leave_group_response response;
    tarn_groups_leave(groups, &request, arena, &response);
}

static void commit(const struct client *client)
{
    struct tarn_group_commit wanted = {.group_id = TARN_TEXT("g"),
                                       .member_id = tarn_text_of(client->id),
                                       .generation_id = client->generation,
                                       .api_version = 8};
    if (client->instance)
        wanted.instance_id = tarn_text_of(client->instance);
    struct tarn_offset_entry entry = {
        .topic = TARN_TEXT("t"), .offset = (int64_t)draws, .leader_epoch = -1, .commit_ms = -1};
    uint64_t position;
    if (client->id[0] == '\0' || client->generation <= 0)
        return;
    if (tarn_groups_commit(groups, &wanted, &entry, 1, &position) != TARN_KAFKA_NONE)
        return;
    commits++;
    if (newest > 0)
        assert_int_equal(client->generation, newest);
}

static void restart(void)
{
    over = true; /* connections break: nobody hears these answers */
    tarn_groups_free(groups);
    over = false;
    for (int i = 0; i < CLIENTS; i++)
        clients[i].joining = clients[i].syncing = false;
    open_groups();
}

static void step(struct tarn_arena *arena)
{
    struct client *client = &clients[below(CLIENTS)];
    uint64_t what = below(100);
    if (what < 35)
        join(client);
    else if (what < 65)
        sync(client);
    else if (what < 80)
        beat(client);
    else if (what < 88)
        commit(client);
    else if (what < 91)
        leave(client, arena);
    else if (what < 99)
        fake_pass(&timers, (int64_t)below(4000));
    else if (below(4) == 0)
        restart();
}

static void run(uint64_t seed)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    key = tarn_draw_key(seed, 0, 0);
    draws = 0;
    (void)fake_world(&log_, &timers);
    tarn_group_options_init(&options);
    options.initial_delay_ms = below(2) ? 500 : 0;
    options.max_size = below(3) ? INT32_MAX : 3;
    open_groups();
    memset(clients, 0, sizeof clients);
    clients[0].instance = below(2) ? "zero" : NULL;
    clients[1].instance = below(2) ? "one" : NULL;
    for (int i = 0; i < STEPS; i++)
        step(arena);
    /* Everybody stops. New members have five minutes, and every rebalance its time. */
    fake_pass(&timers, 3600 * 1000);
    for (int i = 0; i < CLIENTS; i++) {
        assert_false(clients[i].joining);
        assert_false(clients[i].syncing);
    }
    struct tarn_describe_groups_response_group shown;
    tarn_groups_describe(groups, TARN_TEXT("g"), 5, arena, &shown);
    assert_int_equal(shown.members_count, 0);
    over = true;
    tarn_groups_free(groups);
    over = false;
    assert_int_equal(timers.count, 0);
    fake_log_release(&log_);
}

static void whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed);
    assert_true(rebalances > 1000 && assigned > 1000 && commits > 1000);
    free(timers.waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_happens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
