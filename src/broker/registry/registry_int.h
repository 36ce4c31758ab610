/* broker/registry/registry_int.h -- the registry's state and what its files share.
 *
 * Two locks. `writing` is held by whoever changes the registry, from the first look at the state to
 * the last appended record. `state` guards memory and is never held while the store is called or a
 * schema is parsed, so that the broker's thread may take it. Only apply (state.c) changes memory,
 * and what it applies is a record, so replay and life are one code. */
#ifndef TARN_BROKER_REGISTRY_REGISTRY_INT_H
#define TARN_BROKER_REGISTRY_REGISTRY_INT_H

#include <pthread.h>

#include "broker/registry/registry.h"

enum { TARN_GUID_TEXT_BYTES = 37 };

/* What an id stands for; shared by the versions that have it. */
struct tarn_registry_content {
    int32_t id;
    uint8_t guid[16];
    enum tarn_schema_type type;
    char *text;
    json_t *references;          /* array, maybe empty */
    json_t *metadata, *rule_set; /* NULL: none */
    struct tarn_schema *parsed;  /* NULL until somebody asks */
    size_t uses;
};

struct tarn_registry_version {
    int32_t version;
    bool is_deleted;
    struct tarn_registry_content *content;
};

struct tarn_registry_subject {
    char *name;
    struct tarn_registry_version *versions; /* ascending */
    size_t count, cap;
};

/* config or mode of a subject, a context (":.c:") or everything (""). */
struct tarn_registry_setting {
    char *subject;
    json_t *config; /* NULL: none */
    char *mode;     /* NULL: none */
};

struct tarn_registry {
    struct tarn_registry_store store;
    bool is_loaded; /* guarded by `writing` */
    pthread_mutex_t writing, state;
    struct tarn_registry_subject *subjects; /* sorted by name */
    size_t subject_count, subject_cap;
    struct tarn_registry_content **contents; /* sorted by id */
    size_t content_count, content_cap;
    struct tarn_registry_setting *settings;
    size_t setting_count, setting_cap;
    char **contexts;
    size_t context_count, context_cap;
    int32_t max_id;
};

/* An answer that is an error, as Confluent's registry gives it. */
struct tarn_registry_problem {
    int http;
    int code;
    char *message; /* in the caller's arena */
};
bool tarn_registry_problem(struct tarn_registry_problem *problem, struct tarn_arena *arena,
                           int code, const char *format, ...) TARN_PRINTF(4, 5); /* always false */

/* ---- state.c: call with `state` held ---- */
void tarn_registry_apply(void *registry, struct tarn_text key, struct tarn_text value);
struct tarn_registry_subject *tarn_registry_find(struct tarn_registry *registry, const char *name);
struct tarn_registry_version *tarn_registry_find_version(struct tarn_registry *registry,
                                                         const char *name, int32_t version);
/* The newest version that is not deleted. */
struct tarn_registry_version *tarn_registry_find_latest(struct tarn_registry *registry,
                                                        const char *name);
bool tarn_registry_has_versions(struct tarn_registry *registry, const char *name,
                                bool with_deleted);
struct tarn_registry_content *tarn_registry_find_id(struct tarn_registry *registry, int32_t id);
struct tarn_registry_content *tarn_registry_find_guid(struct tarn_registry *registry,
                                                      const uint8_t guid[16]);
struct tarn_registry_setting *tarn_registry_setting(struct tarn_registry *registry,
                                                    const char *subject);
/* Whether a version that counts (deleted ones only `with_deleted`) references this one; when
 * `except` is not NULL, from another subject than it. */
bool tarn_registry_is_referenced(struct tarn_registry *registry, const char *subject,
                                 int32_t version, bool with_deleted, const char *except);
void tarn_registry_release_state(struct tarn_registry *registry);

/* ---- record.c ---- */
char *tarn_guid_text(const uint8_t guid[16], char out[TARN_GUID_TEXT_BYTES]);
bool tarn_guid_parse(struct tarn_text text, uint8_t guid[16]);
void tarn_registry_guid(struct tarn_text text, const json_t *references, const json_t *metadata,
                        const json_t *rule_set, uint8_t guid[16]);
/* Each appends one record and applies it. Call with `writing` held and `state` not. */
CHECKED enum tarn_status tarn_registry_write_schema(struct tarn_registry *registry,
                                                    const char *subject, int32_t version,
                                                    const struct tarn_registry_content *content,
                                                    bool is_deleted, struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_erase_schema(struct tarn_registry *registry,
                                                    const char *subject, int32_t version,
                                                    struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_write_deleted(struct tarn_registry *registry,
                                                     const char *subject, int32_t version,
                                                     struct tarn_error *err);
/* json NULL: a tombstone. `kind` is "CONFIG" or "MODE". */
CHECKED enum tarn_status tarn_registry_write_setting(struct tarn_registry *registry,
                                                     const char *kind, const char *subject,
                                                     const json_t *json, struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_write_context(struct tarn_registry *registry,
                                                     const char *context, struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_write_cleared(struct tarn_registry *registry,
                                                     const char *subject, struct tarn_error *err);

/* ---- subject.c: names and contexts ---- */
/* ":.:s" is "s"; ":.c" is ":.c:". */
const char *tarn_subject_normal(const char *subject, struct tarn_arena *arena);
/* "." or ".c". */
const char *tarn_subject_context(const char *subject, struct tarn_arena *arena);
/* What is behind the context. */
const char *tarn_subject_bare(const char *subject);
/* A reference's subject seen from the one that holds it. */
const char *tarn_subject_beside(const char *parent, const char *subject, struct tarn_arena *arena);
bool tarn_subject_is_valid(const char *subject);

/* ---- settings.c ---- */
struct tarn_registry_rules {
    const char *level; /* "BACKWARD", ... */
    bool normalize;
    bool validates_new;
};
struct tarn_registry_rules tarn_registry_rules_of(struct tarn_registry *registry,
                                                  const char *subject, struct tarn_arena *arena);
const char *tarn_registry_mode_of(struct tarn_registry *registry, const char *subject,
                                  struct tarn_arena *arena);
bool tarn_registry_is_writable(struct tarn_registry *registry, const char *subject,
                               struct tarn_arena *arena, struct tarn_registry_problem *problem);
/* What applies to `subject`, with what is inherited when `in_scope`; NULL: nothing is set. The
 * caller drops the reference. */
json_t *tarn_registry_config(struct tarn_registry *registry, const char *subject, bool in_scope,
                             struct tarn_arena *arena);
bool tarn_registry_put_config(struct tarn_registry *registry, const char *subject,
                              const json_t *request, struct tarn_arena *arena, json_t **ret_config,
                              struct tarn_registry_problem *problem);
bool tarn_registry_delete_config(struct tarn_registry *registry, const char *subject,
                                 struct tarn_arena *arena, json_t **ret_config,
                                 struct tarn_registry_problem *problem);
bool tarn_registry_put_mode(struct tarn_registry *registry, const char *subject, const char *mode,
                            bool is_forced, struct tarn_arena *arena,
                            struct tarn_registry_problem *problem);
bool tarn_registry_delete_mode(struct tarn_registry *registry, const char *subject,
                               bool is_recursive, struct tarn_arena *arena, const char **ret_mode,
                               struct tarn_registry_problem *problem);

/* ---- register.c ---- */
struct tarn_registry_request {
    struct tarn_text text;
    enum tarn_schema_type type;
    const json_t *references; /* array or NULL */
    const json_t *metadata, *rule_set;
    int32_t version; /* 0: the next */
    int32_t id;      /* -1: a new one */
};
struct tarn_registry_result {
    const char *subject;
    int32_t version; /* 0: not said */
    int32_t id;
    bool is_deleted;
    uint8_t guid[16];
    enum tarn_schema_type type;
    struct tarn_text text;
    json_t *references, *metadata,
        *rule_set; /* counted; released by tarn_registry_result_release */
};
void tarn_registry_result_fill(struct tarn_registry_result *result, const char *subject,
                               const struct tarn_registry_version *version,
                               struct tarn_arena *arena);
void tarn_registry_result_release(struct tarn_registry_result *result);
/* Takes the newest records of others in; call with `writing` held. */
bool tarn_registry_catch_up(struct tarn_registry *registry, struct tarn_arena *arena,
                            struct tarn_registry_problem *problem);
bool tarn_registry_add(struct tarn_registry *registry, const char *subject,
                       const struct tarn_registry_request *request, bool normalize, bool is_forced,
                       struct tarn_arena *arena, struct tarn_registry_result *ret_result,
                       struct tarn_registry_problem *problem);
bool tarn_registry_lookup(struct tarn_registry *registry, const char *subject,
                          const struct tarn_registry_request *request, bool normalize,
                          bool with_deleted, struct tarn_arena *arena,
                          struct tarn_registry_result *ret_result,
                          struct tarn_registry_problem *problem);
/* Against `version` (0: as registering would). */
bool tarn_registry_test(struct tarn_registry *registry, const char *subject, int32_t version,
                        const struct tarn_registry_request *request, bool normalize,
                        struct tarn_schema_messages *messages,
                        struct tarn_registry_problem *problem);
/* Parses with its references and remembers; counted for the caller. */
CHECKED enum tarn_status tarn_registry_parse(struct tarn_registry *registry, const char *subject,
                                             enum tarn_schema_type type, struct tarn_text text,
                                             const json_t *references, bool is_new,
                                             struct tarn_schema **ret_schema,
                                             struct tarn_error *err);
CHECKED enum tarn_status tarn_registry_parsed(struct tarn_registry *registry, int32_t id,
                                              const char *subject, struct tarn_schema **ret_schema,
                                              struct tarn_error *err);

/* ---- delete.c ---- */
bool tarn_registry_delete_version(struct tarn_registry *registry, const char *subject,
                                  int32_t version, bool is_permanent, struct tarn_arena *arena,
                                  int32_t *ret_version, struct tarn_registry_problem *problem);
bool tarn_registry_delete_subject(struct tarn_registry *registry, const char *subject,
                                  bool is_permanent, struct tarn_arena *arena,
                                  int32_t **ret_versions, size_t *ret_count,
                                  struct tarn_registry_problem *problem);
bool tarn_registry_store_problem(struct tarn_registry_problem *problem, struct tarn_arena *arena,
                                 const struct tarn_error *err);

#endif
