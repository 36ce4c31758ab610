/* broker/registry/register.c -- adding versions, finding them again, testing compatibility. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/registry/registry_int.h"

enum { OLD_SCHEMA_SHOWN_MAX = 10 * 1024, REFERENCES_MAX = 500 };

bool tarn_registry_problem(struct tarn_registry_problem *problem, struct tarn_arena *arena,
                           int code, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    problem->code = code;
    problem->http = code >= 10000 ? code / 100 : code;
    problem->message = tarn_arena_strdup(arena, len < 0 ? "out of memory" : text);
    free(text);
    return false;
}

bool tarn_registry_store_problem(struct tarn_registry_problem *problem, struct tarn_arena *arena,
                                 const struct tarn_error *err)
{
    return tarn_registry_problem(problem, arena, 50001, "Error while writing to the topic %s: %s",
                                 TARN_REGISTRY_TOPIC, err->text);
}

bool tarn_registry_catch_up(struct tarn_registry *registry, struct tarn_arena *arena,
                            struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    if (registry->store.replay(registry->store.context, tarn_registry_apply, registry, &err) ==
        TARN_OK)
        return true;
    return tarn_registry_store_problem(problem, arena, &err);
}

void tarn_registry_result_fill(struct tarn_registry_result *result, const char *subject,
                               const struct tarn_registry_version *version,
                               struct tarn_arena *arena)
{
    const struct tarn_registry_content *content = version->content;
    *result =
        (struct tarn_registry_result){.subject = tarn_arena_strdup(arena, subject),
                                      .version = version->version,
                                      .id = content->id,
                                      .is_deleted = version->is_deleted,
                                      .type = content->type,
                                      .text = tarn_text_of(tarn_arena_strdup(arena, content->text)),
                                      .references = json_incref(content->references),
                                      .metadata = json_incref(content->metadata),
                                      .rule_set = json_incref(content->rule_set)};
    memcpy(result->guid, content->guid, sizeof result->guid);
}

void tarn_registry_result_release(struct tarn_registry_result *result)
{
    json_decref(result->references);
    json_decref(result->metadata);
    json_decref(result->rule_set);
    result->references = result->metadata = result->rule_set = NULL;
}

/* ---- references ---- */

struct resolver {
    struct tarn_registry *registry;
    struct tarn_arena *arena;
    struct tarn_schema_dependency *found;
    size_t count;
    const char *seen[REFERENCES_MAX]; /* "subject/version" */
    size_t seen_count;
    int depth;
    struct tarn_error *err;
};

static enum tarn_status resolve(struct resolver *r, const char *subject, const json_t *references);

static enum tarn_status resolve_one(struct resolver *r, const char *parent, const json_t *reference)
{
    const char *name = json_string_value(json_object_get(reference, "name"));
    const char *subject = json_string_value(json_object_get(reference, "subject"));
    int32_t version = (int32_t)json_integer_value(json_object_get(reference, "version"));
    if (!name || !subject)
        return tarn_fail(r->err, TARN_INVALID, "a reference needs a name, a subject and a version");
    subject = tarn_subject_beside(parent, subject, r->arena);
    const char *key = tarn_arena_format(r->arena, "%s/%d/%s", subject, version, name);
    for (size_t i = 0; i < r->seen_count; i++)
        if (strcmp(r->seen[i], key) == 0)
            return TARN_OK;
    if (r->seen_count == REFERENCES_MAX)
        return tarn_fail(r->err, TARN_INVALID, "more than %d references", REFERENCES_MAX);
    r->seen[r->seen_count++] = key;
    pthread_mutex_lock(&r->registry->state);
    const struct tarn_registry_version *found =
        version == -1 ? tarn_registry_find_latest(r->registry, subject)
                      : tarn_registry_find_version(r->registry, subject, version);
    struct tarn_text text = {NULL, 0};
    json_t *references = NULL;
    if (found) {
        text = tarn_text_of(tarn_arena_strdup(r->arena, found->content->text));
        references = json_incref(found->content->references);
    }
    pthread_mutex_unlock(&r->registry->state);
    if (!found)
        return tarn_fail(r->err, TARN_INVALID,
                         "No schema reference found for subject \"%s\" and version %d", subject,
                         version);
    enum tarn_status status = resolve(r, subject, references);
    json_decref(references);
    if (status == TARN_OK)
        r->found[r->count++] =
            (struct tarn_schema_dependency){tarn_text_of(tarn_arena_strdup(r->arena, name)), text};
    return status;
}

/* Collects what is referenced, deepest first. */
static enum tarn_status resolve(struct resolver *r, const char *subject, const json_t *references)
{
    const json_t *reference;
    size_t i;
    if (r->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(r->err, TARN_INVALID, "references deeper than %d", TARN_SCHEMA_DEPTH_MAX);
    r->depth++;
    json_array_foreach (references, i, reference) {
        TARN_TRY(resolve_one(r, subject, reference));
    }
    r->depth--;
    return TARN_OK;
}

enum tarn_status tarn_registry_parse(struct tarn_registry *registry, const char *subject,
                                     enum tarn_schema_type type, struct tarn_text text,
                                     const json_t *references, bool is_new,
                                     struct tarn_schema **ret_schema, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct resolver *resolver = tarn_arena_alloc(arena, sizeof *resolver);
    resolver->registry = registry;
    resolver->arena = arena;
    resolver->err = err;
    resolver->found = tarn_arena_array(arena, REFERENCES_MAX, sizeof *resolver->found);
    enum tarn_status status = resolve(resolver, subject, references);
    if (status == TARN_OK)
        status = tarn_schema_parse(type, text, resolver->found, resolver->count, is_new, ret_schema,
                                   err);
    if (status == TARN_OK)
        return TARN_OK;
    return tarn_error_wrap(err, "Invalid schema of type %s, details", tarn_schema_type_name(type));
}

enum tarn_status tarn_registry_parsed(struct tarn_registry *registry, int32_t id,
                                      const char *subject, struct tarn_schema **ret_schema,
                                      struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_content *content = tarn_registry_find_id(registry, id);
    struct tarn_schema *parsed =
        content && content->parsed ? tarn_schema_ref(content->parsed) : NULL;
    struct tarn_text text = {NULL, 0};
    json_t *references = NULL;
    enum tarn_schema_type type = TARN_SCHEMA_AVRO;
    if (content && !parsed) {
        text = tarn_text_of(tarn_arena_strdup(arena, content->text));
        references = json_incref(content->references);
        type = content->type;
    }
    pthread_mutex_unlock(&registry->state);
    if (!content)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "looking up schema %d: the registry does not know this id", id);
    enum tarn_status status = TARN_OK;
    if (!parsed)
        status =
            tarn_registry_parse(registry, subject, type, text, references, false, &parsed, err);
    json_decref(references);
    if (status != TARN_OK)
        return status;
    pthread_mutex_lock(&registry->state);
    struct tarn_registry_content *now = tarn_registry_find_id(registry, id);
    if (now && !now->parsed)
        now->parsed = tarn_schema_ref(parsed);
    pthread_mutex_unlock(&registry->state);
    *ret_schema = parsed;
    return TARN_OK;
}

/* ---- compatibility ---- */

/* Replaces the two %s of a message by the roles of reader and writer. */
static char *with_roles(struct tarn_arena *arena, const char *message, const char *reader,
                        const char *writer)
{
    const char *first = strstr(message, "%s"), *second = first ? strstr(first + 2, "%s") : NULL;
    if (!first)
        return tarn_arena_strdup(arena, message);
    if (!second)
        return tarn_arena_format(arena, "%.*s%s%s", (int)(first - message), message, reader,
                                 first + 2);
    return tarn_arena_format(arena, "%.*s%s%.*s%s%s", (int)(first - message), message, reader,
                             (int)(second - first - 2), first + 2, writer, second + 2);
}

static void test_direction(const struct tarn_schema *reader, const struct tarn_schema *writer,
                           const char *reader_role, const char *writer_role,
                           struct tarn_schema_messages *messages)
{
    struct tarn_schema_messages found = {.arena = messages->arena};
    (void)tarn_schema_can_read(reader, writer, &found);
    for (size_t i = 0; i < found.count; i++)
        tarn_schema_add_message(
            messages, "%s", with_roles(messages->arena, found.items[i], reader_role, writer_role));
}

/* One earlier version under a level; true when it is fine. */
static bool test_pair(const char *level, const struct tarn_schema *fresh,
                      const struct tarn_schema *old, int32_t version,
                      struct tarn_schema_messages *messages)
{
    size_t before = messages->count;
    bool is_full = strncmp(level, "FULL", 4) == 0;
    if (is_full || strncmp(level, "FORWARD", 7) == 0)
        test_direction(old, fresh, "old", "new", messages);
    size_t middle = messages->count;
    if (is_full || strncmp(level, "BACKWARD", 8) == 0)
        test_direction(fresh, old, "new", "old", messages);
    bool tells_old = messages->count > (is_full ? middle : before);
    if (tells_old && tarn_schema_type(fresh) == tarn_schema_type(old)) {
        struct tarn_text text = tarn_schema_text(old);
        tarn_schema_add_message(messages, "{oldSchemaVersion: %d}", version);
        if (text.len <= OLD_SCHEMA_SHOWN_MAX)
            tarn_schema_add_message(messages, "{oldSchema: '%.*s'}", TARN_TEXT_ARGS(text));
        else
            tarn_schema_add_message(messages, "{oldSchema: <truncated> '%.*s...'}",
                                    OLD_SCHEMA_SHOWN_MAX, text.data);
    }
    return messages->count == before;
}

struct earlier {
    int32_t version, id;
};

/* Live versions of a subject, newest first. */
static struct earlier *live_versions(struct tarn_registry *registry, const char *name,
                                     struct tarn_arena *arena, size_t *ret_count)
{
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    struct earlier *found =
        tarn_arena_array(arena, (subject ? subject->count : 0) + 1, sizeof *found);
    size_t count = 0;
    for (size_t i = subject ? subject->count : 0; i-- > 0;)
        if (!subject->versions[i].is_deleted)
            found[count++] =
                (struct earlier){subject->versions[i].version, subject->versions[i].content->id};
    pthread_mutex_unlock(&registry->state);
    *ret_count = count;
    return found;
}

static void test_against(struct tarn_registry *registry, const char *subject, const char *level,
                         const struct tarn_schema *fresh, const struct earlier *earlier,
                         size_t count, struct tarn_schema_messages *messages)
{
    struct tarn_error err;
    bool is_transitive = strstr(level, "_TRANSITIVE") != NULL;
    if (strcmp(level, "NONE") == 0)
        return;
    for (size_t i = 0; i < count && messages->count == 0 && (i == 0 || is_transitive); i++) {
        struct tarn_schema *old;
        if (tarn_registry_parsed(registry, earlier[i].id, subject, &old, &err) != TARN_OK) {
            tarn_schema_add_message(messages, "%s", err.text);
            break;
        }
        (void)test_pair(level, fresh, old, earlier[i].version, messages);
        tarn_schema_unref(old);
    }
    if (messages->count)
        tarn_schema_add_message(messages, "{validateFields: 'false', compatibility: '%s'}", level);
}

/* ---- adding ---- */

static bool check_mode(struct tarn_registry *registry, const char *subject,
                       const struct tarn_registry_request *request, struct tarn_arena *arena,
                       struct tarn_registry_problem *problem)
{
    const char *mode = tarn_registry_mode_of(registry, subject, arena);
    const char *context = tarn_subject_context(subject, arena);
    const char *shown = strcmp(context, ".") == 0 ? "" : tarn_arena_format(arena, ":%s:", context);
    if (!tarn_registry_is_writable(registry, subject, arena, problem))
        return false;
    if (request->id >= 0 && strcmp(mode, "IMPORT") != 0)
        return tarn_registry_problem(problem, arena, 42205,
                                     "Subject %s in context %s is not in import mode", subject,
                                     shown);
    if (request->id < 0 && strcmp(mode, "READWRITE") != 0)
        return tarn_registry_problem(problem, arena, 42205,
                                     "Subject %s in context %s is not in read-write mode", subject,
                                     shown);
    return true;
}

/* A parsed request: the text that would be stored and its GUID. */
struct candidate {
    struct tarn_schema *schema;
    struct tarn_text text;
    const json_t *references;
    uint8_t guid[16];
};

static bool prepare(struct tarn_registry *registry, const char *subject,
                    const struct tarn_registry_request *request, bool normalize, bool is_new,
                    struct tarn_arena *arena, struct candidate *candidate,
                    struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    if (tarn_text_trim(request->text).len == 0)
        return tarn_registry_problem(problem, arena, 42201, "Empty schema");
    enum tarn_status status =
        tarn_registry_parse(registry, subject, request->type, request->text, request->references,
                            is_new, &candidate->schema, &err);
    if (status != TARN_OK)
        return tarn_registry_problem(problem, arena, status == TARN_TOO_LARGE ? 42209 : 42201, "%s",
                                     err.text);
    candidate->text = normalize ? tarn_schema_normal_text(candidate->schema)
                                : tarn_schema_text(candidate->schema);
    candidate->references = request->references;
    tarn_registry_guid(candidate->text, request->references, request->metadata, request->rule_set,
                       candidate->guid);
    return true;
}

/* A live version (any with `with_deleted`) whose text is the candidate's, or means the same when
 * references are written out. */
static bool find_same(struct tarn_registry *registry, const char *name,
                      const struct candidate *candidate, bool with_deleted,
                      struct tarn_arena *arena, struct tarn_registry_result *ret_result)
{
    struct tarn_text resolved = tarn_schema_resolved_text(candidate->schema);
    bool has_references = json_array_size(candidate->references) > 0;
    bool found = false;
    struct tarn_error err;
    size_t count;
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    for (size_t i = subject ? subject->count : 0; !found && i-- > 0;) {
        const struct tarn_registry_version *version = &subject->versions[i];
        found = (with_deleted || !version->is_deleted) &&
                memcmp(version->content->guid, candidate->guid, 16) == 0;
        if (found)
            tarn_registry_result_fill(ret_result, name, version, arena);
    }
    pthread_mutex_unlock(&registry->state);
    if (found || has_references)
        return found;
    const struct earlier *live = live_versions(registry, name, arena, &count);
    for (size_t i = 0; i < count && !found; i++) {
        struct tarn_schema *old;
        if (tarn_registry_parsed(registry, live[i].id, name, &old, &err) != TARN_OK)
            continue;
        found = tarn_schema_type(old) == tarn_schema_type(candidate->schema) &&
                tarn_text_equal(tarn_schema_resolved_text(old), resolved);
        tarn_schema_unref(old);
        pthread_mutex_lock(&registry->state);
        const struct tarn_registry_version *version =
            found ? tarn_registry_find_version(registry, name, live[i].version) : NULL;
        found = version && !version->content->metadata && !version->content->rule_set;
        if (found)
            tarn_registry_result_fill(ret_result, name, version, arena);
        pthread_mutex_unlock(&registry->state);
    }
    return found;
}

static bool check_compatible(struct tarn_registry *registry, const char *subject, const char *level,
                             const struct candidate *candidate, struct tarn_arena *arena,
                             struct tarn_registry_problem *problem)
{
    struct tarn_schema_messages messages = {.arena = arena};
    size_t count;
    const struct earlier *live = live_versions(registry, subject, arena, &count);
    test_against(registry, subject, level, candidate->schema, live, count, &messages);
    if (!messages.count)
        return true;
    TARN_BUFFER(list, 1 << 20);
    for (size_t i = 0; i < messages.count; i++) {
        tarn_buffer_append_str(&list, i ? ", " : "[");
        tarn_buffer_append_str(&list, messages.items[i]);
    }
    tarn_buffer_append_str(&list, "]");
    return tarn_registry_problem(problem, arena, 40901,
                                 "Schema being registered is incompatible with an earlier schema "
                                 "for subject \"%s\", details: %s",
                                 subject, tarn_buffer_str(&list));
}

/* What number and id the new version gets, and which deleted version it takes over from. */
struct place {
    int32_t version, id;
    int32_t replaced; /* 0: none */
};

static bool choose_place(struct tarn_registry *registry, const char *name,
                         const struct tarn_registry_request *request,
                         const struct candidate *candidate, bool is_import,
                         struct tarn_arena *arena, struct place *ret_place,
                         struct tarn_registry_problem *problem)
{
    struct place place = {.version = 1};
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_subject *subject = tarn_registry_find(registry, name);
    if (subject && subject->count)
        place.version = subject->versions[subject->count - 1].version + 1;
    const struct tarn_registry_content *same = tarn_registry_find_guid(registry, candidate->guid);
    const struct tarn_registry_content *taken =
        request->id >= 0 ? tarn_registry_find_id(registry, request->id) : NULL;
    bool is_other = taken && memcmp(taken->guid, candidate->guid, 16) != 0;
    place.id = request->id >= 0 ? request->id : same ? same->id : registry->max_id + 1;
    int32_t next = place.version;
    if (request->version > 0)
        place.version = request->version;
    for (size_t i = 0; subject && i < subject->count; i++)
        if (subject->versions[i].is_deleted && subject->versions[i].content->id == place.id &&
            subject->versions[i].version < place.version)
            place.replaced = subject->versions[i].version;
    if (place.replaced && tarn_registry_is_referenced(registry, name, place.replaced, true, NULL))
        place.replaced = 0;
    pthread_mutex_unlock(&registry->state);
    if (is_other)
        return tarn_registry_problem(
            problem, arena, 42205,
            "Overwrite new schema with id %d in context %s is not permitted.", request->id,
            tarn_subject_context(name, arena));
    if (place.version != next && !is_import)
        return tarn_registry_problem(problem, arena, 42201,
                                     "Version is not one more than previous version");
    *ret_place = place;
    return true;
}

static enum tarn_status write_version(struct tarn_registry *registry, const char *subject,
                                      const struct tarn_registry_request *request,
                                      const struct candidate *candidate, struct place place,
                                      struct tarn_arena *arena, struct tarn_error *err)
{
    const char *context = tarn_subject_context(subject, arena);
    if (strcmp(context, ".") != 0)
        TARN_TRY(tarn_registry_write_context(registry, context, err));
    struct tarn_registry_content content = {
        .id = place.id,
        .type = request->type,
        .text = tarn_arena_strndup(arena, candidate->text.data, candidate->text.len),
        .references = (json_t *)(uintptr_t)candidate->references,
        .metadata = (json_t *)(uintptr_t)request->metadata,
        .rule_set = (json_t *)(uintptr_t)request->rule_set};
    memcpy(content.guid, candidate->guid, sizeof content.guid);
    if (place.replaced)
        TARN_TRY(tarn_registry_erase_schema(registry, subject, place.replaced, err));
    return tarn_registry_write_schema(registry, subject, place.version, &content, false, err);
}

static bool add_candidate(struct tarn_registry *registry, const char *subject,
                          const struct tarn_registry_request *request,
                          const struct candidate *candidate, bool is_forced,
                          struct tarn_arena *arena, struct tarn_registry_result *ret_result,
                          struct tarn_registry_problem *problem)
{
    struct tarn_error err;
    struct place place;
    struct tarn_registry_rules rules = tarn_registry_rules_of(registry, subject, arena);
    bool is_import = strcmp(tarn_registry_mode_of(registry, subject, arena), "IMPORT") == 0;
    if (request->version == 0 &&
        find_same(registry, subject, candidate, false, arena, ret_result)) {
        if (request->id < 0 || request->id == ret_result->id)
            return true;
        tarn_registry_result_release(ret_result);
    }
    if (!is_import && !is_forced &&
        !check_compatible(registry, subject, rules.level, candidate, arena, problem))
        return false;
    if (!choose_place(registry, subject, request, candidate, is_import, arena, &place, problem))
        return false;
    if (write_version(registry, subject, request, candidate, place, arena, &err) != TARN_OK)
        return tarn_registry_store_problem(problem, arena, &err);
    pthread_mutex_lock(&registry->state);
    tarn_registry_result_fill(ret_result, subject,
                              tarn_registry_find_version(registry, subject, place.version), arena);
    pthread_mutex_unlock(&registry->state);
    return true;
}

/* A request without a schema means the newest one, with other metadata. */
static struct tarn_registry_request filled(struct tarn_registry *registry, const char *subject,
                                           const struct tarn_registry_request *request,
                                           struct tarn_arena *arena, json_t **ret_references)
{
    struct tarn_registry_request full = *request;
    *ret_references = NULL;
    if (tarn_text_trim(request->text).len)
        return full;
    pthread_mutex_lock(&registry->state);
    const struct tarn_registry_version *latest = tarn_registry_find_latest(registry, subject);
    if (latest) {
        full.text = tarn_text_of(tarn_arena_strdup(arena, latest->content->text));
        full.type = latest->content->type;
        full.references = *ret_references = json_incref(latest->content->references);
    }
    pthread_mutex_unlock(&registry->state);
    return full;
}

bool tarn_registry_add(struct tarn_registry *registry, const char *subject,
                       const struct tarn_registry_request *request, bool normalize, bool is_forced,
                       struct tarn_arena *arena, struct tarn_registry_result *ret_result,
                       struct tarn_registry_problem *problem)
{
    if (!tarn_subject_is_valid(subject) || !*tarn_subject_bare(subject))
        return tarn_registry_problem(problem, arena, 42208,
                                     "The specified subject '%s' is not a valid.", subject);
    struct candidate candidate = {0};
    json_t *references;
    pthread_mutex_lock(&registry->writing);
    struct tarn_registry_rules rules = tarn_registry_rules_of(registry, subject, arena);
    struct tarn_registry_request full = filled(registry, subject, request, arena, &references);
    bool fine =
        tarn_registry_catch_up(registry, arena, problem) &&
        check_mode(registry, subject, &full, arena, problem) &&
        prepare(registry, subject, &full, normalize || rules.normalize,
                full.id < 0 && rules.validates_new, arena, &candidate, problem) &&
        add_candidate(registry, subject, &full, &candidate, is_forced, arena, ret_result, problem);
    pthread_mutex_unlock(&registry->writing);
    tarn_schema_unref(candidate.schema);
    json_decref(references);
    return fine;
}

bool tarn_registry_lookup(struct tarn_registry *registry, const char *subject,
                          const struct tarn_registry_request *request, bool normalize,
                          bool with_deleted, struct tarn_arena *arena,
                          struct tarn_registry_result *ret_result,
                          struct tarn_registry_problem *problem)
{
    struct candidate candidate = {0};
    struct tarn_registry_rules rules = tarn_registry_rules_of(registry, subject, arena);
    pthread_mutex_lock(&registry->state);
    bool exists = tarn_registry_has_versions(registry, subject, with_deleted);
    pthread_mutex_unlock(&registry->state);
    if (!exists)
        return tarn_registry_problem(problem, arena, 40401, "Subject '%s' not found.", subject);
    if (!prepare(registry, subject, request, normalize || rules.normalize, false, arena, &candidate,
                 problem))
        return false;
    bool found = find_same(registry, subject, &candidate, with_deleted, arena, ret_result);
    tarn_schema_unref(candidate.schema);
    return found || tarn_registry_problem(problem, arena, 40403, "Schema not found");
}

bool tarn_registry_test(struct tarn_registry *registry, const char *subject, int32_t version,
                        const struct tarn_registry_request *request, bool normalize,
                        struct tarn_schema_messages *messages,
                        struct tarn_registry_problem *problem)
{
    struct tarn_arena *arena = messages->arena;
    struct candidate candidate = {0};
    size_t count;
    struct tarn_registry_rules rules = tarn_registry_rules_of(registry, subject, arena);
    struct earlier *earlier = live_versions(registry, subject, arena, &count);
    if (version == -1 && count)
        count = 1;
    if (version > 0) {
        size_t at = 0;
        while (at < count && earlier[at].version != version)
            at++;
        if (at == count)
            return tarn_registry_problem(problem, arena, 40402, "Version %d not found.", version);
        earlier += at;
        count = 1;
    }
    if (!prepare(registry, subject, request, normalize || rules.normalize, rules.validates_new,
                 arena, &candidate, problem))
        return false;
    test_against(registry, subject, rules.level, candidate.schema, earlier, count, messages);
    tarn_schema_unref(candidate.schema);
    return true;
}
