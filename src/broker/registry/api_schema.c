/* broker/registry/api_schema.c -- /schemas: by id, by GUID, all of them. */
#include "broker/registry/api_int.h"

/* The id in the path; otherwise replies and is false. */
static bool path_id(struct tarn_http_request *request, int32_t *ret_id)
{
    int64_t id;
    if (!tarn_text_to_int64(tarn_http_path_param(request, "id"), &id) || id < INT32_MIN ||
        id > INT32_MAX) {
        tarn_api_fail_code(request, 404, "HTTP 404 Not Found");
        return false;
    }
    *ret_id = (int32_t)id;
    return true;
}

/* As a version without a subject. Call with `state` held. */
static void fill_content(struct tarn_registry_result *result, struct tarn_registry_content *content,
                         struct tarn_arena *arena)
{
    const struct tarn_registry_version version = {.content = content};
    tarn_registry_result_fill(result, "", &version, arena);
    result->subject = NULL;
}

/* Some version of the id, for ?subject= in that subject. Call with `state` held. */
static bool find_content(struct tarn_http_request *request, int32_t id,
                         struct tarn_registry_result *ret_result)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    struct tarn_registry_content *content = tarn_registry_find_id(registry, id);
    struct tarn_text wanted;
    if (!content)
        return false;
    fill_content(ret_result, content, request->arena);
    if (!tarn_http_query_param(request, "subject", &wanted))
        return true;
    const char *name = tarn_subject_normal(
        tarn_arena_strndup(request->arena, wanted.data, wanted.len), request->arena);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    for (size_t i = subject ? subject->count : 0; i-- > 0;) {
        if (subject->versions[i].content != content)
            continue;
        ret_result->subject = name;
        ret_result->version = subject->versions[i].version;
        break;
    }
    return true;
}

static bool get_content(struct tarn_http_request *request, struct tarn_registry_result *ret_result)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    int32_t id;
    if (!path_id(request, &id))
        return false;
    pthread_mutex_lock(&registry->state);
    bool found = find_content(request, id, ret_result);
    pthread_mutex_unlock(&registry->state);
    if (!found)
        tarn_api_fail_code(request, 40403, "Schema %d not found", id);
    return found;
}

/* ?format=resolved writes references out. */
static void apply_format(struct tarn_http_request *request, struct tarn_registry_result *result)
{
    struct tarn_text format;
    struct tarn_schema *schema;
    struct tarn_error err;
    if (!tarn_http_query_param(request, "format", &format) || !tarn_text_is(format, "resolved"))
        return;
    if (tarn_registry_schema(tarn_api_registry(request), result->id, &schema, &err) != TARN_OK)
        return;
    struct tarn_text text = tarn_schema_resolved_text(schema);
    result->text = tarn_text_of(tarn_arena_strndup(request->arena, text.data, text.len));
    tarn_schema_unref(schema);
}

static void reply_schema(struct tarn_http_request *request, struct tarn_registry_result *result)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    apply_format(request, result);
    json_t *json = tarn_api_version_json(result);
    json_object_del(json, "id");
    if (tarn_http_query_flag(request, "fetchMaxId")) {
        pthread_mutex_lock(&registry->state);
        json_object_set_new(json, "maxId", json_integer(registry->max_id));
        pthread_mutex_unlock(&registry->state);
    }
    tarn_api_reply(request, json);
    tarn_registry_result_release(result);
}

static void get_by_id(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (get_content(request, &result))
        reply_schema(request, &result);
}

static void get_text_by_id(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (!get_content(request, &result))
        return;
    apply_format(request, &result);
    tarn_http_reply(request, 200, TARN_REGISTRY_MEDIA, result.text);
    tarn_registry_result_release(&result);
}

/* Every (subject, version) that has the path's id. */
static void reply_places(struct tarn_http_request *request, bool names_only)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    bool with_deleted = tarn_http_query_flag(request, "deleted");
    int32_t id;
    if (!path_id(request, &id))
        return;
    json_t *places = json_array();
    pthread_mutex_lock(&registry->state);
    bool exists = tarn_registry_find_id(registry, id) != NULL;
    for (size_t i = 0; i < registry->subject_count; i++) {
        const struct tarn_registry_subject *subject = &registry->subjects[i];
        for (size_t j = 0; j < subject->count; j++) {
            const struct tarn_registry_version *version = &subject->versions[j];
            if (version->content->id != id || (version->is_deleted && !with_deleted))
                continue;
            json_array_append_new(places, names_only
                                              ? json_string(subject->name)
                                              : json_pack("{s:s,s:i}", "subject", subject->name,
                                                          "version", version->version));
            if (names_only)
                break;
        }
    }
    pthread_mutex_unlock(&registry->state);
    if (exists) {
        tarn_api_reply_page(request, places);
        return;
    }
    json_decref(places);
    tarn_api_fail_code(request, 40403, "Schema not found");
}

static void get_subjects_of_id(struct tarn_http_request *request)
{
    reply_places(request, true);
}

static void get_versions_of_id(struct tarn_http_request *request)
{
    reply_places(request, false);
}

/* The content of the path's GUID; otherwise replies and is false. */
static bool get_content_of_guid(struct tarn_http_request *request,
                                struct tarn_registry_result *ret_result)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    struct tarn_text text = tarn_http_path_param(request, "guid");
    uint8_t guid[16];
    struct tarn_registry_content *content = NULL;
    if (tarn_guid_parse(text, guid)) {
        pthread_mutex_lock(&registry->state);
        content = tarn_registry_find_guid(registry, guid);
        if (content)
            fill_content(ret_result, content, request->arena);
        pthread_mutex_unlock(&registry->state);
    }
    if (!content)
        tarn_api_fail_code(request, 40403, "Schema %.*s not found", TARN_TEXT_ARGS(text));
    return content != NULL;
}

static void get_by_guid(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (get_content_of_guid(request, &result))
        reply_schema(request, &result);
}

static void get_ids_of_guid(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (!get_content_of_guid(request, &result))
        return;
    tarn_api_reply(request, json_pack("[{s:s,s:i}]", "context", ".", "id", result.id));
    tarn_registry_result_release(&result);
}

static void add_versions(struct tarn_http_request *request,
                         const struct tarn_registry_subject *subject, json_t *all)
{
    bool with_deleted = tarn_http_query_flag(request, "deleted");
    bool latest_only = tarn_http_query_flag(request, "latestOnly");
    json_t *newest = NULL;
    for (size_t i = 0; i < subject->count; i++) {
        struct tarn_registry_result result;
        if (subject->versions[i].is_deleted && !with_deleted)
            continue;
        tarn_registry_result_fill(&result, subject->name, &subject->versions[i], request->arena);
        json_t *json = tarn_api_version_json(&result);
        tarn_registry_result_release(&result);
        if (latest_only) {
            json_decref(newest);
            newest = json;
        } else {
            json_array_append_new(all, json);
        }
    }
    if (newest)
        json_array_append_new(all, newest);
}

static void list_schemas(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    struct tarn_text prefix = TARN_TEXT("");
    (void)tarn_http_query_param(request, "subjectPrefix", &prefix);
    bool in_all = tarn_text_starts(prefix, ":*:");
    if (in_all)
        prefix = (struct tarn_text){prefix.data + 3, prefix.len - 3};
    json_t *all = json_array();
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < registry->subject_count; i++) {
        const struct tarn_registry_subject *subject = &registry->subjects[i];
        const char *name = in_all ? tarn_subject_bare(subject->name) : subject->name;
        if (strlen(name) >= prefix.len && memcmp(name, prefix.data, prefix.len) == 0)
            add_versions(request, subject, all);
    }
    pthread_mutex_unlock(&registry->state);
    tarn_api_reply_page(request, all);
}

static void list_types(struct tarn_http_request *request)
{
    tarn_api_reply(request, json_pack("[s,s,s]", "JSON", "PROTOBUF", "AVRO"));
}

const struct tarn_http_route tarn_api_schema_routes[] = {
    {.method = "GET", .path = "/schemas", .handler = list_schemas},
    {.method = "GET", .path = "/schemas/types", .handler = list_types},
    {.method = "GET", .path = "/schemas/ids/{id}", .handler = get_by_id},
    {.method = "GET", .path = "/schemas/ids/{id}/schema", .handler = get_text_by_id},
    {.method = "GET", .path = "/schemas/ids/{id}/subjects", .handler = get_subjects_of_id},
    {.method = "GET", .path = "/schemas/ids/{id}/versions", .handler = get_versions_of_id},
    {.method = "GET", .path = "/schemas/guids/{guid}", .handler = get_by_guid},
    {.method = "GET", .path = "/schemas/guids/{guid}/ids", .handler = get_ids_of_guid},
};
const size_t tarn_api_schema_route_count = TARN_COUNT(tarn_api_schema_routes);
