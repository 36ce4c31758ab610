/* broker/registry/state.c -- the state in memory, as a replay of records. */
#include <stdio.h>

#include "broker/registry/registry_int.h"

struct tarn_registry_subject *tarn_registry_find(struct tarn_registry *registry, const char *name)
{
    size_t low = 0, high = registry->subject_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(registry->subjects[middle].name, name);
        if (order == 0)
            return &registry->subjects[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct tarn_registry_subject *make_subject(struct tarn_registry *registry, const char *name)
{
    struct tarn_registry_subject *found = tarn_registry_find(registry, name);
    if (found)
        return found;
    size_t at = 0;
    while (at < registry->subject_count && strcmp(registry->subjects[at].name, name) < 0)
        at++;
    TARN_RESERVE(registry->subjects, registry->subject_cap, registry->subject_count + 1);
    memmove(&registry->subjects[at + 1], &registry->subjects[at],
            (registry->subject_count - at) * sizeof *registry->subjects);
    registry->subjects[at] = (struct tarn_registry_subject){.name = tarn_strdup(name)};
    registry->subject_count++;
    return &registry->subjects[at];
}

struct tarn_registry_version *tarn_registry_find_version(struct tarn_registry *registry,
                                                         const char *name, int32_t version)
{
    struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    for (size_t i = 0; subject && i < subject->count; i++)
        if (subject->versions[i].version == version)
            return &subject->versions[i];
    return NULL;
}

struct tarn_registry_version *tarn_registry_find_latest(struct tarn_registry *registry,
                                                        const char *name)
{
    struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    for (size_t i = subject ? subject->count : 0; i-- > 0;)
        if (!subject->versions[i].is_deleted)
            return &subject->versions[i];
    return NULL;
}

bool tarn_registry_has_versions(struct tarn_registry *registry, const char *name, bool with_deleted)
{
    struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    return subject && subject->count && (with_deleted || tarn_registry_find_latest(registry, name));
}

/* Where an id stands or would stand. */
static size_t id_place(const struct tarn_registry *registry, int32_t id)
{
    size_t low = 0, high = registry->content_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (registry->contents[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tarn_registry_content *tarn_registry_find_id(struct tarn_registry *registry, int32_t id)
{
    size_t at = id_place(registry, id);
    return at < registry->content_count && registry->contents[at]->id == id ? registry->contents[at]
                                                                            : NULL;
}

struct tarn_registry_content *tarn_registry_find_guid(struct tarn_registry *registry,
                                                      const uint8_t guid[16])
{
    for (size_t i = 0; i < registry->content_count; i++)
        if (memcmp(registry->contents[i]->guid, guid, 16) == 0)
            return registry->contents[i];
    return NULL;
}

static void free_content(struct tarn_registry_content *content)
{
    free(content->text);
    json_decref(content->references);
    json_decref(content->metadata);
    json_decref(content->rule_set);
    tarn_schema_unref(content->parsed);
    free(content);
}

static void drop_content(struct tarn_registry *registry, struct tarn_registry_content *content)
{
    if (--content->uses)
        return;
    size_t at = id_place(registry, content->id);
    memmove(&registry->contents[at], &registry->contents[at + 1],
            (registry->content_count - at - 1) * sizeof *registry->contents);
    registry->content_count--;
    free_content(content);
}

static const char *string_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static int32_t int_of(const json_t *json, const char *key)
{
    return (int32_t)json_integer_value(json_object_get(json, key));
}

/* The content of a SCHEMA record, found by its id or made. */
static struct tarn_registry_content *take_content(struct tarn_registry *registry,
                                                  const json_t *value)
{
    int32_t id = int_of(value, "id");
    struct tarn_registry_content *content = tarn_registry_find_id(registry, id);
    if (content) {
        content->uses++;
        return content;
    }
    const json_t *text = json_object_get(value, "schema");
    const char *type = string_of(value, "schemaType");
    content = tarn_alloc(sizeof *content);
    content->id = id;
    content->uses = 1;
    content->text = tarn_strdup(string_of(value, "schema"));
    if (*type)
        (void)tarn_schema_type_parse(tarn_text_of(type), &content->type); /* unknown: Avro */
    content->references = json_incref(json_object_get(value, "references"));
    if (!content->references)
        content->references = json_array();
    content->metadata = json_incref(json_object_get(value, "metadata"));
    content->rule_set = json_incref(json_object_get(value, "ruleSet"));
    tarn_registry_guid((struct tarn_text){content->text, json_string_length(text)},
                       content->references, content->metadata, content->rule_set, content->guid);
    size_t at = id_place(registry, id);
    TARN_RESERVE(registry->contents, registry->content_cap, registry->content_count + 1);
    memmove(&registry->contents[at + 1], &registry->contents[at],
            (registry->content_count - at) * sizeof *registry->contents);
    registry->contents[at] = content;
    registry->content_count++;
    if (id > registry->max_id)
        registry->max_id = id;
    return content;
}

static void remove_version(struct tarn_registry *registry, const char *name, int32_t version)
{
    struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    struct tarn_registry_version *gone = tarn_registry_find_version(registry, name, version);
    if (!gone)
        return;
    drop_content(registry, gone->content);
    size_t at = (size_t)(gone - subject->versions);
    memmove(gone, gone + 1, (subject->count - at - 1) * sizeof *gone);
    if (--subject->count)
        return;
    free(subject->name);
    free(subject->versions);
    at = (size_t)(subject - registry->subjects);
    memmove(subject, subject + 1, (registry->subject_count - at - 1) * sizeof *subject);
    registry->subject_count--;
}

static void apply_schema(struct tarn_registry *registry, const json_t *key, const json_t *value)
{
    const char *name = string_of(key, "subject");
    int32_t number = int_of(key, "version");
    if (!value) {
        remove_version(registry, name, number);
        return;
    }
    struct tarn_registry_content *content = take_content(registry, value);
    bool is_deleted = json_is_true(json_object_get(value, "deleted"));
    struct tarn_registry_version *version = tarn_registry_find_version(registry, name, number);
    if (version) {
        drop_content(registry, version->content);
    } else {
        struct tarn_registry_subject *subject = make_subject(registry, name);
        size_t at = subject->count;
        TARN_RESERVE(subject->versions, subject->cap, subject->count + 1);
        for (; at > 0 && subject->versions[at - 1].version > number; at--)
            subject->versions[at] = subject->versions[at - 1];
        subject->count++;
        version = &subject->versions[at];
    }
    *version = (struct tarn_registry_version){number, is_deleted, content};
}

static void apply_deleted(struct tarn_registry *registry, const json_t *value)
{
    struct tarn_registry_subject *subject =
        tarn_registry_find(registry, string_of(value, "subject"));
    for (size_t i = 0; subject && i < subject->count; i++)
        if (subject->versions[i].version <= int_of(value, "version"))
            subject->versions[i].is_deleted = true;
}

struct tarn_registry_setting *tarn_registry_setting(struct tarn_registry *registry,
                                                    const char *subject)
{
    for (size_t i = 0; i < registry->setting_count; i++)
        if (strcmp(registry->settings[i].subject, subject) == 0)
            return &registry->settings[i];
    return NULL;
}

static struct tarn_registry_setting *make_setting(struct tarn_registry *registry,
                                                  const char *subject)
{
    struct tarn_registry_setting *setting = tarn_registry_setting(registry, subject);
    if (setting)
        return setting;
    TARN_RESERVE(registry->settings, registry->setting_cap, registry->setting_count + 1);
    setting = &registry->settings[registry->setting_count++];
    *setting = (struct tarn_registry_setting){.subject = tarn_strdup(subject)};
    return setting;
}

static void apply_config(struct tarn_registry *registry, const char *subject, const json_t *value)
{
    struct tarn_registry_setting *setting = make_setting(registry, subject);
    json_decref(setting->config);
    setting->config = value ? json_deep_copy(value) : NULL;
    json_object_del(setting->config, "subject");
}

static void apply_mode(struct tarn_registry *registry, const char *subject, const json_t *value)
{
    struct tarn_registry_setting *setting = make_setting(registry, subject);
    free(setting->mode);
    setting->mode = value ? tarn_strdup(string_of(value, "mode")) : NULL;
}

static void apply_context(struct tarn_registry *registry, const char *context, bool is_there)
{
    for (size_t i = 0; i < registry->context_count; i++) {
        if (strcmp(registry->contexts[i], context) != 0)
            continue;
        if (!is_there) {
            free(registry->contexts[i]);
            registry->contexts[i] = registry->contexts[--registry->context_count];
        }
        return;
    }
    if (!is_there)
        return;
    TARN_RESERVE(registry->contexts, registry->context_cap, registry->context_count + 1);
    registry->contexts[registry->context_count++] = tarn_strdup(context);
}

/* Records that are not understood are passed over: another registry may know more kinds. */
void tarn_registry_apply(void *context, struct tarn_text key_text, struct tarn_text value_text)
{
    struct tarn_registry *registry = context;
    json_t *key = key_text.data ? json_loadb(key_text.data, key_text.len, 0, NULL) : NULL;
    json_t *value =
        value_text.data ? json_loadb(value_text.data, value_text.len, JSON_ALLOW_NUL, NULL) : NULL;
    const char *kind = string_of(key, "keytype");
    bool is_readable = !value_text.data || json_is_object(value);
    if (is_readable && strcmp(kind, "SCHEMA") == 0)
        apply_schema(registry, key, value);
    else if (is_readable && strcmp(kind, "CONFIG") == 0)
        apply_config(registry, string_of(key, "subject"), value);
    else if (is_readable && strcmp(kind, "MODE") == 0)
        apply_mode(registry, string_of(key, "subject"), value);
    else if (value && strcmp(kind, "DELETE_SUBJECT") == 0)
        apply_deleted(registry, value);
    else if (is_readable && strcmp(kind, "CONTEXT") == 0)
        apply_context(registry, string_of(key, "context"), value != NULL);
    json_decref(key);
    json_decref(value);
}

static bool references(const struct tarn_registry_content *content, const char *holder,
                       const char *subject, int32_t version, struct tarn_arena *arena)
{
    const json_t *reference;
    size_t i;
    json_array_foreach (content->references, i, reference) {
        const char *name = tarn_subject_beside(holder, string_of(reference, "subject"), arena);
        if (int_of(reference, "version") == version && strcmp(name, subject) == 0)
            return true;
    }
    return false;
}

bool tarn_registry_is_referenced(struct tarn_registry *registry, const char *subject,
                                 int32_t version, bool with_deleted, const char *except)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    for (size_t i = 0; i < registry->subject_count; i++) {
        const struct tarn_registry_subject *holder = &registry->subjects[i];
        if (except && strcmp(holder->name, except) == 0)
            continue;
        for (size_t j = 0; j < holder->count; j++)
            if ((with_deleted || !holder->versions[j].is_deleted) &&
                references(holder->versions[j].content, holder->name, subject, version, arena))
                return true;
    }
    return false;
}

void tarn_registry_release_state(struct tarn_registry *registry)
{
    for (size_t i = 0; i < registry->subject_count; i++) {
        free(registry->subjects[i].name);
        free(registry->subjects[i].versions);
    }
    for (size_t i = 0; i < registry->content_count; i++)
        free_content(registry->contents[i]);
    for (size_t i = 0; i < registry->setting_count; i++) {
        free(registry->settings[i].subject);
        free(registry->settings[i].mode);
        json_decref(registry->settings[i].config);
    }
    for (size_t i = 0; i < registry->context_count; i++)
        free(registry->contexts[i]);
    free(registry->subjects);
    free(registry->contents);
    free(registry->settings);
    free(registry->contexts);
}
