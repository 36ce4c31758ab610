/* broker/registry/delete.c -- soft deletion (a version keeps its number and id) and hard. */
#include "broker/registry/registry_int.h"

static const char *key_text(struct tarn_arena *arena, const char *subject, int32_t version)
{
    return tarn_arena_format(arena, "{magic=1,keytype=SCHEMA,subject=%s,version=%d}", subject,
                             version);
}

static bool is_referenced(struct tarn_registry *registry, const char *subject, int32_t version,
                          bool with_deleted, const char *except, struct tarn_arena *arena,
                          struct tarn_registry_problem *problem)
{
    if (!tarn_registry_is_referenced(registry, subject, version, with_deleted, except))
        return false;
    (void)tarn_registry_problem(problem, arena, 42206,
                                "One or more references exist to the schema %s.",
                                key_text(arena, subject, version));
    return true;
}

/* Whether the version may go; call with `state` held. */
static bool may_delete(struct tarn_registry *registry, const char *subject, int32_t *version,
                       bool is_permanent, struct tarn_arena *arena,
                       struct tarn_registry_problem *problem)
{
    const struct tarn_registry_version *found =
        *version == -1 ? tarn_registry_find_latest(registry, subject)
                       : tarn_registry_find_version(registry, subject, *version);
    if (!found && !tarn_registry_find(registry, subject))
        return tarn_registry_problem(problem, arena, 40401, "Subject '%s' not found.", subject);
    if (!found)
        return tarn_registry_problem(problem, arena, 40402, "Version %d not found.", *version);
    *version = found->version;
    if (!is_permanent && found->is_deleted)
        return tarn_registry_problem(
            problem, arena, 40406,
            "Subject '%s' Version %d was soft deleted.Set permanent=true to delete permanently",
            subject, *version);
    if (is_referenced(registry, subject, *version, is_permanent, NULL, arena, problem))
        return false;
    if (is_permanent && !found->is_deleted)
        return tarn_registry_problem(problem, arena, 40407,
                                     "Subject '%s' Version %d was not deleted first before being "
                                     "permanently deleted",
                                     subject, *version);
    return true;
}

/* A subject without versions keeps no settings. */
static enum tarn_status drop_settings(struct tarn_registry *registry, const char *subject,
                                      struct tarn_error *err)
{
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_setting *setting = tarn_registry_setting(registry, subject);
    bool is_empty = !tarn_registry_find(registry, subject);
    bool has_mode = is_empty && setting && setting->mode;
    bool has_config = is_empty && setting && setting->config;
    pthread_mutex_unlock(&registry->state);
    if (has_mode)
        TARN_TRY(tarn_registry_write_setting(registry, "MODE", subject, NULL, err));
    if (has_config)
        TARN_TRY(tarn_registry_write_setting(registry, "CONFIG", subject, NULL, err));
    return TARN_OK;
}

/* Writes the version again, marked as deleted, from a copy: applying the record replaces it. */
static enum tarn_status mark_deleted(struct tarn_registry *registry, const char *subject,
                                     int32_t version, struct tarn_arena *arena,
                                     struct tarn_error *err)
{
    pthread_mutex_lock(&registry->state);
    struct tarn_registry_content content =
        *tarn_registry_find_version(registry, subject, version)->content;
    content.text = tarn_arena_strdup(arena, content.text);
    json_t *references = json_incref(content.references);
    json_t *metadata = json_incref(content.metadata), *rule_set = json_incref(content.rule_set);
    pthread_mutex_unlock(&registry->state);
    enum tarn_status status =
        tarn_registry_write_schema(registry, subject, version, &content, true, err);
    json_decref(references);
    json_decref(metadata);
    json_decref(rule_set);
    return status;
}

bool tarn_registry_delete_version(struct tarn_registry *registry, const char *subject,
                                  int32_t version, bool is_permanent, struct tarn_arena *arena,
                                  int32_t *ret_version, struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem);
    if (fine) {
        pthread_mutex_lock(&registry->state);
        fine = may_delete(registry, subject, &version, is_permanent, arena, problem);
        pthread_mutex_unlock(&registry->state);
    }
    fine = fine && tarn_registry_is_writable(registry, subject, arena, problem);
    if (fine) {
        enum tarn_status status = is_permanent
                                      ? tarn_registry_erase_schema(registry, subject, version, &err)
                                      : mark_deleted(registry, subject, version, arena, &err);
        if (status == TARN_OK)
            status = drop_settings(registry, subject, &err);
        fine = status == TARN_OK || tarn_registry_store_problem(problem, arena, &err);
    }
    pthread_mutex_unlock(&registry->writing);
    if (fine)
        *ret_version = version;
    return fine;
}

/* The versions that would go; call with `state` held. */
static bool list_deletable(struct tarn_registry *registry, const char *name, bool is_permanent,
                           struct tarn_arena *arena, int32_t **ret_versions, size_t *ret_count,
                           struct tarn_registry_problem *problem)
{
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    if (!subject)
        return tarn_registry_problem(problem, arena, 40401, "Subject '%s' not found.", name);
    if (!is_permanent && !tarn_registry_find_latest(registry, name))
        return tarn_registry_problem(
            problem, arena, 40404,
            "Subject '%s' was soft deleted.Set permanent=true to delete permanently", name);
    int32_t *versions = tarn_arena_array(arena, subject->count, sizeof *versions);
    size_t count = 0;
    for (size_t i = 0; i < subject->count; i++) {
        if (subject->versions[i].is_deleted && !is_permanent)
            continue;
        int32_t version = subject->versions[i].version;
        if (is_referenced(registry, name, version, is_permanent, name, arena, problem))
            return false;
        if (is_permanent && !subject->versions[i].is_deleted)
            return tarn_registry_problem(
                problem, arena, 40405,
                "Subject '%s' was not deleted first before being permanently deleted", name);
        versions[count++] = version;
    }
    *ret_versions = versions;
    *ret_count = count;
    return true;
}

bool tarn_registry_delete_subject(struct tarn_registry *registry, const char *subject,
                                  bool is_permanent, struct tarn_arena *arena,
                                  int32_t **ret_versions, size_t *ret_count,
                                  struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    int32_t *versions = NULL;
    size_t count = 0;
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem) &&
                tarn_registry_is_writable(registry, subject, arena, problem);
    if (fine) {
        pthread_mutex_lock(&registry->state);
        fine = list_deletable(registry, subject, is_permanent, arena, &versions, &count, problem);
        pthread_mutex_unlock(&registry->state);
    }
    enum tarn_status status = TARN_OK;
    if (fine && !is_permanent)
        status = tarn_registry_write_deleted(registry, subject, versions[count - 1], &err);
    for (size_t i = count; fine && is_permanent && status == TARN_OK && i-- > 0;)
        status = tarn_registry_erase_schema(registry, subject, versions[i], &err);
    if (fine && status == TARN_OK)
        status = drop_settings(registry, subject, &err);
    pthread_mutex_unlock(&registry->writing);
    if (!fine)
        return false;
    if (status != TARN_OK)
        return tarn_registry_store_problem(problem, arena, &err);
    *ret_versions = versions;
    *ret_count = count;
    return true;
}
