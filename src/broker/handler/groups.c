/* broker/handler/groups.c -- JoinGroup, SyncGroup, Heartbeat, LeaveGroup, DescribeGroups,
 * ListGroups, DeleteGroups: from the wire to the group coordinator and back.
 *
 * Joins and syncs may be parked for as long as a rebalance takes. They stay with the coordinator
 * also when their connection closes: the member counts until its session times out, as in Kafka. */
#include "broker/broker.h"
#include "broker/group/group.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/protocol/messages.h"
#include "broker/server/request.h"
#include "broker/server/timers.h"

static bool may(struct tarn_request *request, enum tarn_acl_operation operation,
                struct tarn_text group_id)
{
    return tarn_request_may(request, operation, TARN_RESOURCE_GROUP, group_id);
}

/* ---- members ---- */

/* A join or sync that the coordinator holds; the request is NULL once its connection is gone. */
struct parked {
    struct tarn_request *request;
};

static void on_gone(struct tarn_request *request, void *context)
{
    (void)request;
    ((struct parked *)context)->request = NULL;
}

static struct parked *park(struct tarn_request *request)
{
    struct parked *parked = tarn_alloc(sizeof *parked);
    parked->request = request;
    tarn_request_on_cancel(request, on_gone, parked);
    return parked;
}

static void answer(struct parked *parked, const void *response)
{
    if (parked->request) {
        tarn_request_on_cancel(parked->request, NULL, NULL);
        tarn_request_reply(parked->request, response);
    }
    free(parked);
}

static void answer_join(void *context, const struct tarn_join_group_response *response)
{
    answer(context, response);
}

void tarn_handle_join_group(struct tarn_request *request)
{
    const struct tarn_join_group_request *body = request->body;
    if (!may(request, TARN_ACL_READ, body->group_id)) {
        struct tarn_join_group_response response;
        tarn_join_group_response_init(&response);
        response.error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
        tarn_request_reply(request, &response);
        return;
    }
    struct tarn_group_client client = {request->client_id, request->client_host,
                                       request->api_version};
    tarn_groups_join(tarn_broker_groups(request->broker), &client, body, answer_join,
                     park(request));
}

static void answer_sync(void *context, const struct tarn_sync_group_response *response)
{
    answer(context, response);
}

void tarn_handle_sync_group(struct tarn_request *request)
{
    const struct tarn_sync_group_request *body = request->body;
    if (!may(request, TARN_ACL_READ, body->group_id)) {
        struct tarn_sync_group_response response;
        tarn_sync_group_response_init(&response);
        response.error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
        tarn_request_reply(request, &response);
        return;
    }
    tarn_groups_sync(tarn_broker_groups(request->broker), body, answer_sync, park(request));
}

void tarn_handle_heartbeat(struct tarn_request *request)
{
    const struct tarn_heartbeat_request *body = request->body;
    struct tarn_heartbeat_response response;
    tarn_heartbeat_response_init(&response);
    response.error_code =
        (int16_t)(may(request, TARN_ACL_READ, body->group_id)
                      ? tarn_groups_heartbeat(tarn_broker_groups(request->broker), body)
                      : TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
    tarn_request_reply(request, &response);
}

void tarn_handle_leave_group(struct tarn_request *request)
{
    const struct tarn_leave_group_request *body = request->body;
    struct tarn_leave_group_response response;
    if (may(request, TARN_ACL_READ, body->group_id)) {
        tarn_groups_leave(tarn_broker_groups(request->broker), body, request->arena, &response);
    } else {
        tarn_leave_group_response_init(&response);
        response.error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    if (request->api_version < 3 && response.error_code == TARN_KAFKA_NONE)
        response.error_code = response.members_count > 0 ? response.members[0].error_code
                                                         : TARN_KAFKA_UNKNOWN_MEMBER_ID;
    tarn_request_reply(request, &response);
}

/* ---- looking ---- */

static int32_t authorized_operations(struct tarn_request *request, struct tarn_text group_id)
{
    static const enum tarn_acl_operation operations[] = {TARN_ACL_READ, TARN_ACL_DELETE,
                                                         TARN_ACL_DESCRIBE};
    int32_t bits = 0;
    for (size_t i = 0; i < TARN_COUNT(operations); i++) {
        if (may(request, operations[i], group_id))
            bits |= 1 << operations[i];
    }
    return bits;
}

void tarn_handle_describe_groups(struct tarn_request *request)
{
    const struct tarn_describe_groups_request *body = request->body;
    struct tarn_describe_groups_response response;
    tarn_describe_groups_response_init(&response);
    int32_t count = body->groups_count > 0 ? body->groups_count : 0;
    response.groups = tarn_arena_array(request->arena, (size_t)count + 1, sizeof *response.groups);
    response.groups_count = count;
    for (int32_t i = 0; i < count; i++) {
        struct tarn_describe_groups_response_group *shown = &response.groups[i];
        if (!may(request, TARN_ACL_DESCRIBE, body->groups[i])) {
            tarn_describe_groups_response_group_init(shown);
            shown->group_id = body->groups[i];
            shown->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
            continue;
        }
        tarn_groups_describe(tarn_broker_groups(request->broker), body->groups[i],
                             request->api_version, request->arena, shown);
        if (body->include_authorized_operations && shown->error_code == TARN_KAFKA_NONE)
            shown->authorized_operations = authorized_operations(request, body->groups[i]);
    }
    tarn_request_reply(request, &response);
}

void tarn_handle_list_groups(struct tarn_request *request)
{
    struct tarn_list_groups_response response;
    tarn_list_groups_response_init(&response);
    tarn_groups_list(tarn_broker_groups(request->broker), request->body, request->arena, &response);
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE)) {
        int32_t kept = 0;
        for (int32_t i = 0; i < response.groups_count; i++) {
            if (may(request, TARN_ACL_DESCRIBE, response.groups[i].group_id))
                response.groups[kept++] = response.groups[i];
        }
        response.groups_count = kept;
    }
    tarn_request_reply(request, &response);
}

/* ---- deleting ---- */

void tarn_handle_delete_groups(struct tarn_request *request)
{
    const struct tarn_delete_groups_request *body = request->body;
    struct tarn_delete_groups_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_delete_groups_response_init(response);
    int32_t count = body->groups_names_count > 0 ? body->groups_names_count : 0;
    response->results =
        tarn_arena_array(request->arena, (size_t)count + 1, sizeof *response->results);
    response->results_count = count;
    uint64_t position = 0;
    tarn_timers_run_due(tarn_broker_timers(request->broker)); /* whose members are gone is empty */
    for (int32_t i = 0; i < count; i++) {
        struct tarn_text group_id = body->groups_names[i];
        tarn_delete_groups_response_result_init(&response->results[i]);
        response->results[i].group_id = group_id;
        response->results[i].error_code =
            (int16_t)(may(request, TARN_ACL_DELETE, group_id)
                          ? tarn_groups_delete(tarn_broker_groups(request->broker), group_id,
                                               &position)
                          : TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
    }
    tarn_request_reply_at(request, position, response);
}
