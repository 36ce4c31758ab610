/* broker/registry/registry.c -- opening and closing, and what other parts of the broker ask. */
#include "broker/registry/registry.h"

#include "broker/registry/registry_int.h"
#include "broker/registry/wire_format.h"

struct tarn_registry *tarn_registry_open(const struct tarn_registry_store *store)
{
    struct tarn_registry *registry = tarn_alloc(sizeof *registry);
    registry->store = *store;
    pthread_mutex_init(&registry->writing, NULL);
    pthread_mutex_init(&registry->state, NULL);
    return registry;
}

enum tarn_status tarn_registry_load(struct tarn_registry *registry, struct tarn_error *err)
{
    enum tarn_status status = TARN_OK;
    pthread_mutex_lock(&registry->writing);
    if (!registry->is_loaded)
        status =
            registry->store.replay(registry->store.context, tarn_registry_apply, registry, err);
    registry->is_loaded = status == TARN_OK;
    pthread_mutex_unlock(&registry->writing);
    if (status != TARN_OK)
        return tarn_error_wrap(err, "reading the schemas in %s", TARN_REGISTRY_TOPIC);
    return TARN_OK;
}

void tarn_registry_close(struct tarn_registry *registry)
{
    if (!registry)
        return;
    if (registry->store.close)
        registry->store.close(registry->store.context);
    tarn_registry_release_state(registry);
    pthread_mutex_destroy(&registry->state);
    pthread_mutex_destroy(&registry->writing);
    free(registry);
}

/* Some subject that has the id: its references are seen from there. */
static const char *subject_of(struct tarn_registry *registry, int32_t id, struct tarn_arena *arena)
{
    const char *found = "";
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < registry->subject_count && !*found; i++)
        for (size_t j = 0; j < registry->subjects[i].count && !*found; j++)
            if (registry->subjects[i].versions[j].content->id == id)
                found = tarn_arena_strdup(arena, registry->subjects[i].name);
    pthread_mutex_unlock(&registry->state);
    return found;
}

enum tarn_status tarn_registry_schema(struct tarn_registry *registry, int32_t id,
                                      struct tarn_schema **ret_schema, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_TRY(tarn_registry_load(registry, err));
    return tarn_registry_parsed(registry, id, subject_of(registry, id, arena), ret_schema, err);
}

enum tarn_status tarn_registry_schema_of_guid(struct tarn_registry *registry,
                                              const uint8_t guid[16],
                                              struct tarn_schema **ret_schema,
                                              struct tarn_error *err)
{
    char text[TARN_GUID_TEXT_BYTES];
    TARN_TRY(tarn_registry_load(registry, err));
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_content *content = tarn_registry_find_guid(registry, guid);
    int32_t id = content ? content->id : -1;
    pthread_mutex_unlock(&registry->state);
    if (id < 0)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "looking up schema %s: the registry does not know this GUID",
                         tarn_guid_text(guid, text));
    return tarn_registry_schema(registry, id, ret_schema, err);
}

enum tarn_status tarn_registry_latest(struct tarn_registry *registry, const char *subject,
                                      int32_t *ret_id, struct tarn_schema **ret_schema,
                                      struct tarn_error *err)
{
    TARN_TRY(tarn_registry_load(registry, err));
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_version *latest = tarn_registry_find_latest(registry, subject);
    int32_t id = latest ? latest->content->id : -1;
    pthread_mutex_unlock(&registry->state);
    if (id < 0)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "looking up subject %s: it has no schema; register one first", subject);
    TARN_TRY(tarn_registry_parsed(registry, id, subject, ret_schema, err));
    *ret_id = id;
    return TARN_OK;
}

enum tarn_status tarn_registry_register(struct tarn_registry *registry, const char *subject,
                                        enum tarn_schema_type type, struct tarn_text text,
                                        int32_t *ret_id, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_registry_problem problem;
    struct tarn_registry_result result = {0};
    const struct tarn_registry_request request = {.text = text, .type = type, .id = -1};
    TARN_TRY(tarn_registry_load(registry, err));
    if (!tarn_registry_add(registry, subject, &request, false, false, arena, &result, &problem))
        return tarn_fail(err, problem.http == 409 ? TARN_CONFLICT : TARN_INVALID,
                         "registering a schema under %s: %s", subject, problem.message);
    *ret_id = result.id;
    tarn_registry_result_release(&result);
    return TARN_OK;
}

static bool has_content(const struct tarn_registry_subject *subject,
                        const struct tarn_wire_format *format)
{
    for (size_t i = 0; i < subject->count; i++) {
        const struct tarn_registry_version *version = &subject->versions[i];
        if (format->kind == TARN_WIRE_ID ? version->content->id == format->id
                                         : memcmp(version->content->guid, format->guid, 16) == 0)
            return true;
    }
    return false;
}

bool tarn_registry_accepts(struct tarn_registry *registry, struct tarn_text topic, bool is_key,
                           struct tarn_text bytes)
{
    char name[300];
    struct tarn_wire_format format = tarn_wire_format_parse(bytes);
    if (!bytes.data)
        return true;
    if (format.kind == TARN_WIRE_PLAIN || topic.len > 249) /* no topic has a longer name */
        return false;
    memcpy(name, topic.data, topic.len);
    memcpy(name + topic.len, is_key ? "-key" : "-value", is_key ? 5 : 7);
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    bool accepts = subject && has_content(subject, &format);
    pthread_mutex_unlock(&registry->state);
    return accepts;
}
