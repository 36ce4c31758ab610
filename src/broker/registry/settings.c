/* broker/registry/settings.c -- compatibility and mode: of a subject, of its context, of all. */
#include <strings.h>

#include "broker/registry/registry_int.h"

/* The places a setting is looked for: the subject, ":.c:", and "" for everything. */
static size_t scopes(const char *subject, struct tarn_arena *arena, const char *out[3])
{
    size_t count = 0;
    if (*subject)
        out[count++] = subject;
    const char *context = tarn_subject_context(subject, arena);
    if (strcmp(context, ".") != 0 && *tarn_subject_bare(subject))
        out[count++] = tarn_arena_format(arena, ":%s:", context);
    if (*subject)
        out[count++] = "";
    else
        out[count++] = subject;
    return count;
}

json_t *tarn_registry_config(struct tarn_registry *registry, const char *subject, bool in_scope,
                             struct tarn_arena *arena)
{
    const char *places[3];
    size_t count = scopes(subject, arena, places);
    json_t *merged = NULL;
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < (in_scope ? count : 1); i++) {
        const struct tarn_registry_setting *setting = tarn_registry_setting(registry, places[i]);
        if (!setting || !setting->config)
            continue;
        if (!merged)
            merged = json_object();
        json_object_update_missing(merged, setting->config);
    }
    pthread_mutex_unlock(&registry->state);
    if (!*subject || in_scope) { /* everything has a level */
        if (!merged)
            merged = json_object();
        if (!json_object_get(merged, "compatibilityLevel"))
            json_object_set_new(merged, "compatibilityLevel", json_string("BACKWARD"));
    }
    return merged;
}

struct tarn_registry_rules tarn_registry_rules_of(struct tarn_registry *registry,
                                                  const char *subject, struct tarn_arena *arena)
{
    json_t *config = tarn_registry_config(registry, subject, true, arena);
    const char *level = json_string_value(json_object_get(config, "compatibilityLevel"));
    struct tarn_registry_rules rules = {
        .level = tarn_arena_strdup(arena, level ? level : "BACKWARD"),
        .normalize = json_is_true(json_object_get(config, "normalize")),
        .validates_new = !json_is_false(json_object_get(config, "validateNewSchemas"))};
    json_decref(config);
    return rules;
}

const char *tarn_registry_mode_of(struct tarn_registry *registry, const char *subject,
                                  struct tarn_arena *arena)
{
    const char *places[3], *mode = "READWRITE";
    size_t count = scopes(subject, arena, places);
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_setting *all = tarn_registry_setting(registry, "");
    bool is_overridden = all && all->mode && strcmp(all->mode, "READONLY_OVERRIDE") == 0;
    for (size_t i = 0; i < count; i++) {
        const struct tarn_registry_setting *setting =
            is_overridden ? all : tarn_registry_setting(registry, places[i]);
        if (!setting || !setting->mode)
            continue;
        mode = tarn_arena_strdup(arena, setting->mode);
        break;
    }
    pthread_mutex_unlock(&registry->state);
    return mode;
}

bool tarn_registry_is_writable(struct tarn_registry *registry, const char *subject,
                               struct tarn_arena *arena, struct tarn_registry_problem *problem)
{
    const char *mode = tarn_registry_mode_of(registry, subject, arena);
    if (strncmp(mode, "READONLY", 8) != 0)
        return true;
    const char *context = tarn_subject_context(subject, arena);
    return tarn_registry_problem(
        problem, arena, 42205, "Subject %s in context %s%s%s is in read-only mode", subject,
        strcmp(context, ".") == 0 ? "" : ":", strcmp(context, ".") == 0 ? "" : context,
        strcmp(context, ".") == 0 ? "" : ":");
}

static const char *known_level(const char *level)
{
    static const char *const levels[] = {"NONE",
                                         "BACKWARD",
                                         "FORWARD",
                                         "FULL",
                                         "BACKWARD_TRANSITIVE",
                                         "FORWARD_TRANSITIVE",
                                         "FULL_TRANSITIVE"};
    for (size_t i = 0; level && i < TARN_COUNT(levels); i++)
        if (strcasecmp(level, levels[i]) == 0)
            return levels[i];
    return NULL;
}

/* The old config with what the request says; null takes a member away. */
static json_t *merge_config(json_t *old, const json_t *request)
{
    json_t *merged = old ? json_deep_copy(old) : json_object(), *value;
    const char *key;
    json_object_foreach ((json_t *)(uintptr_t)request, key, value) {
        const char *name = strcmp(key, "compatibility") == 0 ? "compatibilityLevel" : key;
        if (json_is_null(value))
            json_object_del(merged, name);
        else if (strcmp(name, "compatibilityLevel") == 0)
            json_object_set_new(merged, name, json_string(known_level(json_string_value(value))));
        else
            json_object_set(merged, name, value);
    }
    return merged;
}

static bool write_config(struct tarn_registry *registry, const char *subject, const json_t *config,
                         struct tarn_arena *arena, struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    if (tarn_registry_write_setting(registry, "CONFIG", subject, config, &err) == TARN_OK)
        return true;
    return tarn_registry_store_problem(problem, arena, &err);
}

bool tarn_registry_put_config(struct tarn_registry *registry, const char *subject,
                              const json_t *request, struct tarn_arena *arena, json_t **ret_config,
                              struct tarn_registry_problem *problem)
{
    const json_t *level = json_object_get(request, "compatibility");
    if (!level)
        level = json_object_get(request, "compatibilityLevel");
    if (level && !json_is_null(level) && !known_level(json_string_value(level)))
        return tarn_registry_problem(
            problem, arena, 42203,
            "Invalid compatibility level. Valid values are none, backward, forward, full, "
            "backward_transitive, forward_transitive, and full_transitive");
    if (!tarn_subject_is_valid(subject))
        return tarn_registry_problem(problem, arena, 42208,
                                     "The specified subject '%s' is not a valid.", subject);
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem) &&
                tarn_registry_is_writable(registry, subject, arena, problem);
    if (fine) {
        pthread_mutex_lock(&registry->state);
        const struct tarn_registry_setting *setting = tarn_registry_setting(registry, subject);
        json_t *merged = merge_config(setting ? setting->config : NULL, request);
        pthread_mutex_unlock(&registry->state);
        fine = write_config(registry, subject, merged, arena, problem);
        if (fine)
            *ret_config = merged;
        else
            json_decref(merged);
    }
    pthread_mutex_unlock(&registry->writing);
    return fine;
}

bool tarn_registry_delete_config(struct tarn_registry *registry, const char *subject,
                                 struct tarn_arena *arena, json_t **ret_config,
                                 struct tarn_registry_problem *problem)
{
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem);
    json_t *config = fine ? tarn_registry_config(registry, subject, false, arena) : NULL;
    if (fine && !config)
        fine = tarn_registry_problem(problem, arena, 40401, "Subject '%s' not found.", subject);
    fine = fine && tarn_registry_is_writable(registry, subject, arena, problem) &&
           write_config(registry, subject, NULL, arena, problem);
    pthread_mutex_unlock(&registry->writing);
    if (fine)
        *ret_config = config;
    else
        json_decref(config);
    return fine;
}

static bool is_below(const char *name, const char *subject)
{
    if (strcmp(name, subject) == 0)
        return true;
    bool is_context = !*tarn_subject_bare(subject);
    if (!is_context)
        return false;
    return *subject ? strncmp(name, subject, strlen(subject)) == 0 : name[0] != ':';
}

/* IMPORT starts from nothing: no live versions, and the deleted ones go for good. */
static bool clear_for_import(struct tarn_registry *registry, const char *subject,
                             struct tarn_arena *arena, struct tarn_registry_problem *problem)
{
    struct erased {
        const char *subject;
        int32_t version;
    } * erased;
    size_t count = 0, total = 0;
    struct tarn_error err;
    bool has_live = false;
    pthread_mutex_lock(&registry->state);
    for (size_t i = 0; i < registry->subject_count; i++)
        total += registry->subjects[i].count;
    erased = tarn_arena_array(arena, total + 1, sizeof *erased);
    for (size_t i = 0; i < registry->subject_count; i++) {
        const struct tarn_registry_subject *other = &registry->subjects[i];
        for (size_t j = 0; is_below(other->name, subject) && j < other->count; j++) {
            has_live |= !other->versions[j].is_deleted;
            erased[count++] =
                (struct erased){tarn_arena_strdup(arena, other->name), other->versions[j].version};
        }
    }
    pthread_mutex_unlock(&registry->state);
    if (has_live)
        return tarn_registry_problem(problem, arena, 42205,
                                     "Cannot import since found existing subjects");
    for (size_t i = 0; i < count; i++)
        if (tarn_registry_erase_schema(registry, erased[i].subject, erased[i].version, &err) !=
            TARN_OK)
            return tarn_registry_store_problem(problem, arena, &err);
    if (tarn_registry_write_cleared(registry, subject, &err) != TARN_OK)
        return tarn_registry_store_problem(problem, arena, &err);
    return true;
}

static const char *known_mode(const char *mode)
{
    static const char *const modes[] = {"READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT",
                                        "FORWARD"};
    for (size_t i = 0; mode && i < TARN_COUNT(modes); i++)
        if (strcasecmp(mode, modes[i]) == 0)
            return modes[i];
    return NULL;
}

static bool write_mode(struct tarn_registry *registry, const char *subject, const char *mode,
                       struct tarn_arena *arena, struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    json_t *value = mode ? json_pack("{s:s}", "mode", mode) : NULL;
    enum tarn_status status = tarn_registry_write_setting(registry, "MODE", subject, value, &err);
    json_decref(value);
    return status == TARN_OK || tarn_registry_store_problem(problem, arena, &err);
}

bool tarn_registry_put_mode(struct tarn_registry *registry, const char *subject, const char *mode,
                            bool is_forced, struct tarn_arena *arena,
                            struct tarn_registry_problem *problem)
{
    const char *known = known_mode(mode);
    if (!tarn_subject_is_valid(subject))
        return tarn_registry_problem(problem, arena, 42208,
                                     "The specified subject '%s' is not a valid.", subject);
    if (mode && !known)
        return tarn_registry_problem(
            problem, arena, 42204,
            "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.");
    if (known && strcmp(known, "FORWARD") == 0 && *subject)
        return tarn_registry_problem(problem, arena, 42204,
                                     "Forward mode only supported on global level");
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem);
    if (fine && known && strcmp(known, "IMPORT") == 0 && !is_forced &&
        strcmp(tarn_registry_mode_of(registry, subject, arena), "IMPORT") != 0)
        fine = clear_for_import(registry, subject, arena, problem);
    fine = fine && write_mode(registry, subject, known, arena, problem);
    pthread_mutex_unlock(&registry->writing);
    return fine;
}

/* The subjects below a context that have a mode of their own. */
static const char **modes_below(struct tarn_registry *registry, const char *subject,
                                struct tarn_arena *arena, size_t *ret_count)
{
    pthread_mutex_lock(&registry->state);
    const char **names = tarn_arena_array(arena, registry->setting_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < registry->setting_count; i++)
        if (registry->settings[i].mode && is_below(registry->settings[i].subject, subject) &&
            strcmp(registry->settings[i].subject, subject) != 0)
            names[count++] = tarn_arena_strdup(arena, registry->settings[i].subject);
    pthread_mutex_unlock(&registry->state);
    *ret_count = count;
    return names;
}

bool tarn_registry_delete_mode(struct tarn_registry *registry, const char *subject,
                               bool is_recursive, struct tarn_arena *arena, const char **ret_mode,
                               struct tarn_registry_problem *problem)
{
    pthread_mutex_lock(&registry->writing);
    bool fine = tarn_registry_catch_up(registry, arena, problem);
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_setting *setting = tarn_registry_setting(registry, subject);
    const char *mode = setting && setting->mode ? tarn_arena_strdup(arena, setting->mode) : NULL;
    pthread_mutex_unlock(&registry->state);
    if (!mode && !*subject)
        mode = "READWRITE";
    if (fine && !mode && !is_recursive)
        fine = tarn_registry_problem(problem, arena, 40401, "Subject '%s' not found.", subject);
    size_t count = 0;
    const char **below = is_recursive ? modes_below(registry, subject, arena, &count) : NULL;
    fine = fine && write_mode(registry, subject, NULL, arena, problem);
    for (size_t i = 0; fine && i < count; i++)
        fine = write_mode(registry, below[i], NULL, arena, problem);
    pthread_mutex_unlock(&registry->writing);
    if (fine)
        *ret_mode = mode;
    return fine;
}
