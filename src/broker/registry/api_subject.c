/* broker/registry/api_subject.c -- /subjects and /compatibility. */
#include "broker/registry/api_int.h"

json_t *tarn_api_version_json(const struct tarn_registry_result *result)
{
    char guid[TARN_GUID_TEXT_BYTES];
    json_t *json = json_object();
    if (result->subject)
        json_object_set_new(json, "subject", json_string(result->subject));
    if (result->version)
        json_object_set_new(json, "version", json_integer(result->version));
    json_object_set_new(json, "id", json_integer(result->id));
    json_object_set_new(json, "guid", json_string(tarn_guid_text(result->guid, guid)));
    json_object_set_new(json, "schemaType", json_string(tarn_schema_type_name(result->type)));
    if (json_array_size(result->references))
        json_object_set(json, "references", result->references);
    if (result->metadata)
        json_object_set(json, "metadata", result->metadata);
    if (result->rule_set)
        json_object_set(json, "ruleSet", result->rule_set);
    json_object_set_new(json, "schema", json_stringn(result->text.data, result->text.len));
    if (result->is_deleted)
        json_object_set_new(json, "deleted", json_true());
    return json;
}

/* Whether subjectPrefix= takes a name: ":*:p" in every context, "p" in the default one. */
static bool has_prefix(const char *name, struct tarn_text prefix)
{
    if (tarn_text_starts(prefix, ":*:")) {
        prefix = (struct tarn_text){prefix.data + 3, prefix.len - 3};
        name = tarn_subject_bare(name);
    } else if (!tarn_text_starts(prefix, ":.") && name[0] == ':') {
        return false;
    }
    return strlen(name) >= prefix.len && memcmp(name, prefix.data, prefix.len) == 0;
}

static void list_subjects(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    struct tarn_text prefix = TARN_TEXT(":*:");
    (void)tarn_http_query_param(request, "subjectPrefix", &prefix);
    bool only_deleted = tarn_http_query_flag(request, "deletedOnly");
    bool with_deleted = only_deleted || tarn_http_query_flag(request, "deleted");
    json_t *names = json_array();
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < registry->subject_count; i++) {
        const char *name = registry->subjects[i].name;
        bool is_live = tarn_registry_find_latest(registry, name) != NULL;
        if ((is_live ? !only_deleted : with_deleted) && has_prefix(name, prefix))
            json_array_append_new(names, json_string(name));
    }
    pthread_mutex_unlock(&registry->state);
    tarn_api_reply_page(request, names);
}

static void lookup(struct tarn_http_request *request)
{
    struct tarn_registry_request schema;
    struct tarn_registry_result result = {0};
    struct tarn_registry_problem problem;
    if (!tarn_api_schema(request, &schema))
        return;
    if (!tarn_registry_lookup(tarn_api_registry(request), tarn_api_subject(request), &schema,
                              tarn_http_query_flag(request, "normalize"),
                              tarn_http_query_flag(request, "deleted"), request->arena, &result,
                              &problem)) {
        tarn_api_fail(request, &problem);
        return;
    }
    tarn_api_reply(request, tarn_api_version_json(&result));
    tarn_registry_result_release(&result);
}

static void delete_subject(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    int32_t *versions;
    size_t count;
    if (!tarn_registry_delete_subject(tarn_api_registry(request), tarn_api_subject(request),
                                      tarn_http_query_flag(request, "permanent"), request->arena,
                                      &versions, &count, &problem)) {
        tarn_api_fail(request, &problem);
        return;
    }
    json_t *deleted = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(deleted, json_integer(versions[i]));
    tarn_api_reply(request, deleted);
}

static void list_versions(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    const char *name = tarn_api_subject(request);
    bool only_deleted = tarn_http_query_flag(request, "deletedOnly");
    bool with_deleted = only_deleted || tarn_http_query_flag(request, "deleted");
    json_t *versions = json_array();
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    for (size_t i = 0; subject && i < subject->count; i++)
        if (subject->versions[i].is_deleted ? with_deleted : !only_deleted)
            json_array_append_new(versions, json_integer(subject->versions[i].version));
    pthread_mutex_unlock(&registry->state);
    if (json_array_size(versions)) {
        tarn_api_reply_page(request, versions);
        return;
    }
    json_decref(versions);
    tarn_api_fail_code(request, 40401, "Subject '%s' not found.", name);
}

static void register_version(struct tarn_http_request *request)
{
    struct tarn_registry_request schema;
    struct tarn_registry_result result = {0};
    struct tarn_registry_problem problem;
    if (!tarn_api_schema(request, &schema))
        return;
    if (!tarn_registry_add(tarn_api_registry(request), tarn_api_subject(request), &schema,
                           tarn_http_query_flag(request, "normalize"),
                           tarn_http_query_flag(request, "force"), request->arena, &result,
                           &problem)) {
        tarn_api_fail(request, &problem);
        return;
    }
    json_t *json = tarn_api_version_json(&result);
    json_object_del(json, "subject");
    tarn_api_reply(request, json);
    tarn_registry_result_release(&result);
}

/* The version that the path names; otherwise replies and is false. */
static bool find_version(struct tarn_http_request *request, struct tarn_registry_result *ret_result)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    const char *name = tarn_api_subject(request);
    bool with_deleted = tarn_http_query_flag(request, "deleted");
    int32_t number;
    if (!tarn_api_version(request, &number))
        return false;
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_version *version =
        number == -1 ? tarn_registry_find_latest(registry, name)
                     : tarn_registry_find_version(registry, name, number);
    if (version && version->is_deleted && !with_deleted)
        version = NULL;
    bool has_versions = tarn_registry_has_versions(registry, name, with_deleted);
    if (version)
        tarn_registry_result_fill(ret_result, name, version, request->arena);
    pthread_mutex_unlock(&registry->state);
    if (!version && has_versions)
        tarn_api_fail_code(request, 40402, "Version %d not found.", number);
    else if (!version)
        tarn_api_fail_code(request, 40401, "Subject '%s' not found.", name);
    return version != NULL;
}

static void get_version(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (!find_version(request, &result))
        return;
    tarn_api_reply(request, tarn_api_version_json(&result));
    tarn_registry_result_release(&result);
}

static void get_version_schema(struct tarn_http_request *request)
{
    struct tarn_registry_result result;
    if (!find_version(request, &result))
        return;
    tarn_http_reply(request, 200, TARN_REGISTRY_MEDIA, result.text);
    tarn_registry_result_release(&result);
}

static void delete_version(struct tarn_http_request *request)
{
    struct tarn_registry_problem problem;
    int32_t version;
    if (!tarn_api_version(request, &version))
        return;
    if (tarn_registry_delete_version(tarn_api_registry(request), tarn_api_subject(request), version,
                                     tarn_http_query_flag(request, "permanent"), request->arena,
                                     &version, &problem))
        tarn_api_reply(request, json_integer(version));
    else
        tarn_api_fail(request, &problem);
}

/* Ids of the schemas that reference one version, ascending, each once. */
static json_t *referencing_ids(struct tarn_registry *registry, const char *subject, int32_t version,
                               bool with_deleted, struct tarn_arena *arena)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < registry->content_count; i++) {
        const struct tarn_registry_content *content = registry->contents[i];
        const json_t *reference;
        size_t at;
        bool is_hit = false;
        json_array_foreach (content->references, at, reference) {
            const char *name = json_string_value(json_object_get(reference, "subject"));
            is_hit |= name &&
                      strcmp(tarn_subject_normal(name, arena), tarn_subject_bare(subject)) == 0 &&
                      json_integer_value(json_object_get(reference, "version")) == version;
        }
        bool is_live = false;
        for (size_t s = 0; is_hit && s < registry->subject_count && !is_live; s++)
            for (size_t v = 0; v < registry->subjects[s].count; v++)
                is_live |= registry->subjects[s].versions[v].content == content &&
                           (with_deleted || !registry->subjects[s].versions[v].is_deleted);
        if (is_live)
            json_array_append_new(ids, json_integer(content->id));
    }
    return ids;
}

static void get_referenced_by(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    struct tarn_registry_result result;
    if (!find_version(request, &result))
        return;
    pthread_mutex_lock(&registry->state);
    json_t *ids = referencing_ids(registry, result.subject, result.version,
                                  tarn_http_query_flag(request, "deleted"), request->arena);
    pthread_mutex_unlock(&registry->state);
    tarn_registry_result_release(&result);
    tarn_api_reply_page(request, ids);
}

static void test_schema(struct tarn_http_request *request, int32_t version)
{
    struct tarn_registry_request schema;
    struct tarn_registry_problem problem;
    struct tarn_schema_messages messages = {.arena = request->arena};
    bool is_verbose = tarn_http_query_flag(request, "verbose");
    if (!tarn_api_schema(request, &schema))
        return;
    if (!tarn_registry_test(tarn_api_registry(request), tarn_api_subject(request), version, &schema,
                            tarn_http_query_flag(request, "normalize"), &messages, &problem)) {
        if (problem.code != 42201 || !is_verbose) {
            tarn_api_fail(request, &problem);
            return;
        }
        tarn_schema_add_message(&messages, "%s", problem.message);
    }
    json_t *json = json_pack("{s:b}", "is_compatible", messages.count == 0);
    if (is_verbose) {
        json_t *list = json_array();
        for (size_t i = 0; i < messages.count; i++)
            json_array_append_new(list, json_string(messages.items[i]));
        json_object_set_new(json, "messages", list);
    }
    tarn_api_reply(request, json);
}

static void test_all(struct tarn_http_request *request)
{
    test_schema(request, 0);
}

static void test_one(struct tarn_http_request *request)
{
    int32_t version;
    if (tarn_api_version(request, &version))
        test_schema(request, version);
}

/* The newest version that has all the given metadata properties: key=a&value=1&key=b&value=2. */
static bool has_metadata(const struct tarn_http_request *request, const json_t *metadata)
{
    const json_t *properties = json_object_get(metadata, "properties");
    size_t value_at = 0;
    for (size_t i = 0; i < request->query_param_count; i++) {
        if (!tarn_text_is(request->query_params[i].name, "key"))
            continue;
        while (value_at < request->query_param_count &&
               !tarn_text_is(request->query_params[value_at].name, "value"))
            value_at++;
        if (value_at == request->query_param_count)
            break;
        struct tarn_text key = request->query_params[i].value;
        const char *has = json_string_value(json_object_getn(properties, key.data, key.len));
        if (!has || !tarn_text_is(request->query_params[value_at++].value, has))
            return false;
    }
    return properties != NULL;
}

static void get_with_metadata(struct tarn_http_request *request)
{
    struct tarn_registry *registry = tarn_api_registry(request);
    const char *name = tarn_api_subject(request);
    bool with_deleted = tarn_http_query_flag(request, "deleted"), found = false;
    struct tarn_registry_result result;
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    bool exists = tarn_registry_has_versions(registry, name, with_deleted);
    for (size_t i = subject ? subject->count : 0; !found && i-- > 0;) {
        const struct tarn_registry_version *version = &subject->versions[i];
        found = (with_deleted || !version->is_deleted) &&
                has_metadata(request, version->content->metadata);
        if (found)
            tarn_registry_result_fill(&result, name, version, request->arena);
    }
    pthread_mutex_unlock(&registry->state);
    if (!found && !exists) {
        tarn_api_fail_code(request, 40401, "Subject '%s' not found.", name);
    } else if (!found) {
        tarn_api_fail_code(request, 40403, "Schema not found");
    } else {
        tarn_api_reply(request, tarn_api_version_json(&result));
        tarn_registry_result_release(&result);
    }
}

const struct tarn_http_route tarn_api_subject_routes[] = {
    {.method = "GET", .path = "/subjects", .handler = list_subjects},
    {.method = "POST", .path = "/subjects/{subject}", .handler = lookup},
    {.method = "DELETE", .path = "/subjects/{subject}", .handler = delete_subject},
    {.method = "GET", .path = "/subjects/{subject}/metadata", .handler = get_with_metadata},
    {.method = "GET", .path = "/subjects/{subject}/versions", .handler = list_versions},
    {.method = "POST", .path = "/subjects/{subject}/versions", .handler = register_version},
    {.method = "GET", .path = "/subjects/{subject}/versions/{version}", .handler = get_version},
    {.method = "DELETE",
     .path = "/subjects/{subject}/versions/{version}",
     .handler = delete_version},
    {.method = "GET",
     .path = "/subjects/{subject}/versions/{version}/schema",
     .handler = get_version_schema},
    {.method = "GET",
     .path = "/subjects/{subject}/versions/{version}/referencedby",
     .handler = get_referenced_by},
    {.method = "POST", .path = "/compatibility/subjects/{subject}/versions", .handler = test_all},
    {.method = "POST",
     .path = "/compatibility/subjects/{subject}/versions/{version}",
     .handler = test_one},
};
const size_t tarn_api_subject_route_count = TARN_COUNT(tarn_api_subject_routes);
