/* lake/lake_int.h -- private to src/lake: what the lake's files share.
 *
 * Metadata, manifest lists and manifests are immutable files, so their decoded forms are cached by
 * path and counted by reference. A scope is one operation's hold on them: what it loaded stays
 * until the scope is released. */
#ifndef TARN_LAKE_LAKE_INT_H
#define TARN_LAKE_LAKE_INT_H

#include <pthread.h>

#include "base/buffer.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "lake/manifest.h"
#include "lake/metadata.h"
#include "store/catalog.h"

enum { LAKE_SQL_MAX_BYTES = 64 << 20, LAKE_NAME_MAX_BYTES = 200 };

struct lake_blob;     /* a decoded manifest list or manifest */
struct lake_gate;     /* the queue of writers to one table */
struct lake_attached; /* what is attached where */

struct tarn_lake {
    struct tarn_state *state;
    char *root;
    pthread_mutex_t cache_lock;
    struct tarn_metadata **metadata; /* newest use last */
    size_t metadata_count, metadata_cap;
    struct lake_blob **blobs; /* newest use last */
    size_t blob_count, blob_cap;
    size_t blob_bytes;
    pthread_mutex_t gate_lock;
    pthread_cond_t gate_open;
    struct lake_gate *gates;
    pthread_mutex_t attach_lock;
    struct lake_attached *attached;
    size_t attached_count, attached_cap;
};

/* ---- scopes (cache.c) ---- */

struct lake_scope {
    struct tarn_lake *lake;
    struct tarn_arena *arena;
    struct lake_blob **blobs;
    size_t blob_count, blob_cap;
    struct tarn_metadata **metadata;
    size_t metadata_count, metadata_cap;
};
void lake_scope_init(struct lake_scope *scope, struct tarn_lake *lake);
void lake_scope_release(struct lake_scope *scope);
#define LAKE_SCOPE(name, of)                                                                       \
    __attribute__((cleanup(lake_scope_release))) struct lake_scope name = {0};                     \
    lake_scope_init(&name, (of))

/* The metadata file that the URI names. */
CHECKED enum tarn_status lake_load_metadata(struct lake_scope *scope, const char *location,
                                            const struct tarn_metadata **ret_metadata,
                                            struct tarn_error *err);
/* A table by name. NOT_FOUND names the nearest; INVALID when it is a view. */
CHECKED enum tarn_status lake_load_table(struct lake_scope *scope, const char *ns, const char *name,
                                         const struct tarn_metadata **ret_metadata,
                                         struct tarn_error *err);
/* Puts metadata that was just written into the cache; takes over `json`. */
void lake_remember_metadata(struct tarn_lake *lake, json_t *json, const char *path);
/* The snapshot that `at` names; NULL when the table never had one. NOT_FOUND lists what there is.
 */
CHECKED enum tarn_status lake_find_snapshot(const struct tarn_metadata *metadata,
                                            struct tarn_lake_at at, const char *ns,
                                            const char *name,
                                            const struct tarn_snapshot **ret_snapshot,
                                            struct tarn_error *err);
CHECKED enum tarn_status lake_load_manifests(struct lake_scope *scope,
                                             const struct tarn_snapshot *snapshot,
                                             const struct tarn_manifest_file **ret_manifests,
                                             size_t *ret_count, struct tarn_error *err);
CHECKED enum tarn_status lake_load_entries(struct lake_scope *scope,
                                           const struct tarn_metadata *metadata,
                                           const struct tarn_manifest_file *manifest,
                                           const struct tarn_entry **ret_entries, size_t *ret_count,
                                           struct tarn_error *err);

/* ---- planning (plan.c) ---- */

/* A filter with its literal as bytes. */
struct lake_predicate {
    const struct tarn_iceberg_field *field;
    enum tarn_lake_op op;
    struct tarn_text literal;
};
/* Leaves out filters that cannot be used. */
void lake_compile_filters(const struct tarn_iceberg_schema *schema,
                          const struct tarn_lake_filter *filters, size_t count,
                          struct tarn_arena *arena, struct lake_predicate **ret_predicates,
                          size_t *ret_count);
bool lake_manifest_may_match(const struct tarn_manifest_file *manifest,
                             const struct tarn_spec *spec, const struct lake_predicate *predicates,
                             size_t count, struct tarn_arena *arena);
bool lake_file_may_match(const struct tarn_data_file *file, const struct tarn_spec *spec,
                         const struct lake_predicate *predicates, size_t count,
                         struct tarn_arena *arena);

struct lake_plan {
    const struct tarn_entry **files; /* live data files that may match */
    size_t file_count;
    const struct tarn_entry **deletes; /* live delete files */
    size_t delete_count;
};
/* `snapshot` may be NULL: an empty plan. */
CHECKED enum tarn_status lake_plan_files(struct lake_scope *scope,
                                         const struct tarn_metadata *metadata,
                                         const struct tarn_snapshot *snapshot,
                                         const struct lake_predicate *predicates, size_t count,
                                         struct lake_plan *ret_plan, struct tarn_error *err);

/* ---- relations (relation.c) ---- */

/* Appends "SELECT <columns of schema> FROM ..." over these data files with the deletes applied.
 * `session` is asked for footers where nested columns have changed (form.h). */
CHECKED enum tarn_status lake_relation_write(struct lake_scope *scope, struct tarn_session *session,
                                             const struct tarn_metadata *metadata,
                                             const struct tarn_iceberg_schema *schema,
                                             const struct lake_plan *plan, struct tarn_buffer *sql,
                                             struct tarn_error *err);
/* Appends "read_parquet([...], schema = MAP {...})" over files that have just this schema, or no
 * nested columns; at least one path. */
void lake_read_parquet(const struct tarn_iceberg_schema *schema, const char *const *paths,
                       size_t count, struct tarn_buffer *sql);

/* ---- names (lake.c) ---- */

/* INVALID for names that are empty or too long. */
CHECKED enum tarn_status lake_check_name(const char *ns, const char *name, struct tarn_error *err);
/* <root>/<namespace>/<table> with what a file name cannot hold as %XX. */
char *lake_folder(struct tarn_lake *lake, const char *ns, const char *name,
                  struct tarn_arena *arena);
enum tarn_status lake_not_found(struct tarn_lake *lake, const char *ns, const char *name,
                                struct tarn_error *err);

/* ---- writers' queue (gate.c) ---- */

struct lake_turn;
/* Waits for the turn on "ns.name", behind other threads of this process and, for a while, other
 * processes. Never fails: the pointer swap is what keeps commits apart; the queue only saves them
 * from losing it. */
struct lake_turn *lake_turn_begin(struct tarn_lake *lake, const char *ns, const char *name);
void lake_turn_end(struct tarn_lake *lake, struct lake_turn *turn); /* NULL is fine */
void lake_gates_free(struct tarn_lake *lake);

void lake_cache_free(struct tarn_lake *lake);
/* The columns as they were at the snapshot when an older one is asked for, otherwise the current
 * ones. */
const struct tarn_iceberg_schema *lake_schema_at(const struct tarn_metadata *metadata,
                                                 const struct tarn_snapshot *snapshot);
/* The DuckDB SQL of a view. */
CHECKED enum tarn_status lake_view_sql(const struct tarn_catalog_entry *entry,
                                       struct tarn_arena *arena, const char **ret_sql,
                                       struct tarn_error *err);
/* Forgets that it is attached anywhere. */
void lake_detach(struct tarn_lake *lake, const char *ns, const char *name);
void lake_attached_free(struct tarn_lake *lake);

#endif
