/* broker/handler/acls.c -- DescribeAcls, CreateAcls, DeleteAcls: the entries of server/acl.h as
 * clients see and change them. Changes are answered when they are durable. */
#include "broker/broker.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/protocol/messages.h"
#include "broker/server/acl.h"

/* Of one request; each is held against all entries. */
enum { ENTRIES_MAX = 10000, FILTERS_MAX = 1000 };

/* ---- DescribeAcls ---- */

typedef struct tarn_describe_acls_response_resource resource_out;

static bool same_resource(const resource_out *resource, const struct tarn_acl *acl)
{
    return resource->resource_type == acl->resource_type &&
           resource->pattern_type == acl->pattern_type &&
           tarn_text_equal(resource->resource_name, acl->resource_name);
}

/* Entries come in order of resource, so those of one stand together. */
static void list_acls(struct tarn_request *request, const struct tarn_acl **found, size_t count,
                      struct tarn_describe_acls_response *response)
{
    struct tarn_describe_acls_response_acl *acls =
        tarn_arena_array(request->arena, count + 1, sizeof *acls);
    response->resources = tarn_arena_array(request->arena, count + 1, sizeof *response->resources);
    resource_out *resource = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!resource || !same_resource(resource, found[i])) {
            resource = &response->resources[response->resources_count++];
            *resource = (resource_out){.resource_type = found[i]->resource_type,
                                       .resource_name = found[i]->resource_name,
                                       .pattern_type = found[i]->pattern_type,
                                       .acls = &acls[i]};
        }
        acls[i] = (struct tarn_describe_acls_response_acl){
            found[i]->principal, found[i]->host, found[i]->operation, found[i]->permission};
        resource->acls_count++;
    }
}

void tarn_handle_describe_acls(struct tarn_request *request)
{
    const struct tarn_describe_acls_request *body = request->body;
    struct tarn_describe_acls_response response;
    const struct tarn_acl **found;
    tarn_describe_acls_response_init(&response);
    response.error_message = (struct tarn_text){NULL, 0};
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE)) {
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        response.error_message = TARN_TEXT("Not allowed on the cluster.");
        tarn_request_reply(request, &response);
        return;
    }
    const struct tarn_acl filter = {
        .resource_type = body->resource_type_filter,
        .pattern_type = body->pattern_type_filter,
        .operation = body->operation,
        .permission = body->permission_type,
        .resource_name = body->resource_name_filter,
        .principal = body->principal_filter,
        .host = body->host_filter,
    };
    size_t count =
        tarn_acls_find(tarn_broker_acls(request->broker), &filter, request->arena, &found);
    list_acls(request, found, count, &response);
    tarn_request_reply(request, &response);
}

/* ---- CreateAcls ---- */

static void creation_failed(void *context)
{
    struct tarn_create_acls_response *response = context;
    for (int32_t i = 0; i < response->results_count; i++) {
        if (response->results[i].error_code == TARN_KAFKA_NONE)
            response->results[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

/* What is wrong with each is said; the others are created in one commit. */
static void create_acls(struct tarn_request *request, struct tarn_create_acls_response *response)
{
    const struct tarn_create_acls_request *body = request->body;
    struct tarn_acl *acls =
        tarn_arena_array(request->arena, (size_t)body->creations_count + 1, sizeof *acls);
    struct tarn_error err;
    size_t count = 0;
    for (int32_t i = 0; i < body->creations_count; i++) {
        const struct tarn_create_acls_request_creation *wanted = &body->creations[i];
        acls[count] = (struct tarn_acl){
            .resource_type = wanted->resource_type,
            .pattern_type = wanted->resource_pattern_type,
            .operation = wanted->operation,
            .permission = wanted->permission_type,
            .resource_name = wanted->resource_name,
            .principal = wanted->principal,
            .host = wanted->host,
        };
        const char *fault = i < ENTRIES_MAX ? tarn_acl_fault(&acls[count])
                                            : "One request may create 10,000 entries.";
        if (fault) {
            response->results[i].error_code = TARN_KAFKA_INVALID_REQUEST;
            response->results[i].error_message = tarn_text_of(fault);
        } else {
            count++;
        }
    }
    if (tarn_acls_create(tarn_broker_acls(request->broker), acls, count, &err) != TARN_OK) {
        tarn_log_storage_failure(&err);
        creation_failed(response);
    }
}

void tarn_handle_create_acls(struct tarn_request *request)
{
    const struct tarn_create_acls_request *body = request->body;
    struct tarn_create_acls_response *response = tarn_arena_alloc(request->arena, sizeof *response);
    tarn_create_acls_response_init(response);
    response->results_count = body->creations_count;
    response->results = tarn_arena_array(request->arena, (size_t)body->creations_count + 1,
                                         sizeof *response->results);
    if (tarn_request_may_cluster(request, TARN_ACL_ALTER)) {
        create_acls(request, response);
    } else {
        for (int32_t i = 0; i < response->results_count; i++)
            response->results[i].error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    }
    tarn_request_reply_durable(request, response, creation_failed);
}

/* ---- DeleteAcls ---- */

typedef struct tarn_delete_acls_response_filter_result filter_result;

static struct tarn_text copy(struct tarn_arena *arena, struct tarn_text text)
{
    return (struct tarn_text){tarn_arena_strndup(arena, text.data, text.len), text.len};
}

/* The entries go before the answer does, so their texts are copied. */
static void fill_matches(struct tarn_arena *arena, const struct tarn_acl **found, size_t count,
                         filter_result *out)
{
    out->matching_acls = tarn_arena_array(arena, count + 1, sizeof *out->matching_acls);
    out->matching_acls_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->matching_acls[i] = (struct tarn_delete_acls_response_acl){
            .resource_type = found[i]->resource_type,
            .resource_name = copy(arena, found[i]->resource_name),
            .pattern_type = found[i]->pattern_type,
            .principal = copy(arena, found[i]->principal),
            .host = copy(arena, found[i]->host),
            .operation = found[i]->operation,
            .permission_type = found[i]->permission,
        };
}

static void deletion_failed(void *context)
{
    struct tarn_delete_acls_response *response = context;
    for (int32_t i = 0; i < response->filter_results_count; i++) {
        filter_result *result = &response->filter_results[i];
        if (result->error_code == TARN_KAFKA_NONE)
            result->error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

/* Filter by filter: what one took is not there for the next. */
static void delete_matching(struct tarn_request *request,
                            const struct tarn_delete_acls_request_filter *wanted,
                            filter_result *out)
{
    struct tarn_acls *acls = tarn_broker_acls(request->broker);
    const struct tarn_acl **found;
    struct tarn_error err;
    const struct tarn_acl filter = {
        .resource_type = wanted->resource_type_filter,
        .pattern_type = wanted->pattern_type_filter,
        .operation = wanted->operation,
        .permission = wanted->permission_type,
        .resource_name = wanted->resource_name_filter,
        .principal = wanted->principal_filter,
        .host = wanted->host_filter,
    };
    size_t count = tarn_acls_find(acls, &filter, request->arena, &found);
    fill_matches(request->arena, found, count, out);
    if (tarn_acls_delete(acls, found, count, &err) != TARN_OK) {
        tarn_log_storage_failure(&err);
        out->error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
        out->matching_acls_count = 0;
    }
}

void tarn_handle_delete_acls(struct tarn_request *request)
{
    const struct tarn_delete_acls_request *body = request->body;
    struct tarn_delete_acls_response *response = tarn_arena_alloc(request->arena, sizeof *response);
    bool may = tarn_request_may_cluster(request, TARN_ACL_ALTER);
    tarn_delete_acls_response_init(response);
    response->filter_results_count = body->filters_count;
    response->filter_results = tarn_arena_array(request->arena, (size_t)body->filters_count + 1,
                                                sizeof *response->filter_results);
    for (int32_t i = 0; i < body->filters_count; i++) {
        filter_result *result = &response->filter_results[i];
        if (!may) {
            result->error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        } else if (i < FILTERS_MAX) {
            delete_matching(request, &body->filters[i], result);
        } else {
            result->error_code = TARN_KAFKA_INVALID_REQUEST;
            result->error_message = TARN_TEXT("One request may have 1,000 filters.");
        }
    }
    tarn_request_reply_durable(request, response, deletion_failed);
}
