/* lake/lake.h -- Iceberg v2 tables and views on the local file system: load, describe, write,
 * attach, maintain.
 *
 * Truth is files: <root>/<namespace>/<table>/{data,metadata}; state.db holds one pointer per table
 * or view to its current metadata JSON (the schema of Iceberg's JDBC catalog). A commit writes data
 * files, manifests, manifest list and metadata, syncs them and their directories, and then swaps
 * the pointer in one SQLite transaction. A crash before the swap leaves orphans and nothing else.
 *
 * Any number of threads and processes may use one lake at once. Readers never wait: they hold an
 * immutable snapshot. Writers to one table queue; who still loses the swap re-bases on the new
 * metadata and tries again. A struct tarn_lake is safe to share between threads. Everything that a
 * function returns lives in the arena it was given or in the object it was read from. */
#ifndef TARN_LAKE_LAKE_H
#define TARN_LAKE_LAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct tarn_lake;
struct tarn_session; /* engine/session.h */
struct tarn_state;   /* store/state.h */

/* Opens the lake below the folder `root` (made when missing), with pointers in `state`, which must
 * outlive it. */
CHECKED enum tarn_status tarn_lake_open(struct tarn_state *state, const char *root,
                                        struct tarn_lake **ret_lake, struct tarn_error *err);
void tarn_lake_close(struct tarn_lake *lake); /* NULL is fine */

/* ---- what there is
 * ---------------------------------------------------------------------------------------------- */

struct tarn_lake_entry {
    const char *ns;
    const char *name;
    bool is_view;
};
struct tarn_lake_list {
    struct tarn_lake_entry *entries; /* by namespace, then name */
    size_t count;
};
/* Tables and views of one namespace, or of all when `ns` is NULL. */
CHECKED enum tarn_status tarn_lake_list(struct tarn_lake *lake, const char *ns,
                                        struct tarn_arena *arena, struct tarn_lake_list *ret_list,
                                        struct tarn_error *err);
/* Every namespace that was created or has a table or view; sorted. */
CHECKED enum tarn_status tarn_lake_namespaces(struct tarn_lake *lake, struct tarn_arena *arena,
                                              const char ***ret_names, size_t *ret_count,
                                              struct tarn_error *err);
/* Already there is fine. Tables make their namespace themselves. */
CHECKED enum tarn_status tarn_lake_create_namespace(struct tarn_lake *lake, const char *ns,
                                                    struct tarn_error *err);

enum tarn_lake_kind { TARN_LAKE_NOTHING, TARN_LAKE_TABLE, TARN_LAKE_VIEW };
CHECKED enum tarn_status tarn_lake_kind_of(struct tarn_lake *lake, const char *ns, const char *name,
                                           enum tarn_lake_kind *ret_kind, struct tarn_error *err);

/* Which state of a table is meant. All zero: the current one. */
struct tarn_lake_at {
    int64_t snapshot_id; /* or 0 */
    int64_t time_us;     /* the snapshot that was current at this time (UTC microseconds), or 0 */
};

struct tarn_lake_column {
    int id; /* Iceberg field id */
    const char *name;
    const char *type;        /* Iceberg: "long", "decimal(18, 2)", "list<string>" */
    const char *duckdb_type; /* "BIGINT", "DECIMAL(18,2)", "VARCHAR[]" */
    const char *doc;         /* "" when none */
    bool required;
};
struct tarn_lake_partition_field {
    const char *name;      /* "_arrived_on" or "created_at_day" */
    const char *column;    /* source column */
    const char *transform; /* "identity", "day", "bucket[16]" */
};
struct tarn_lake_snapshot {
    int64_t id;
    int64_t parent_id; /* 0 when none */
    int64_t sequence_number;
    int64_t time_us;
    const char *operation; /* append, overwrite, delete, replace */
    int64_t added_rows, deleted_rows, total_rows, total_files;
    const char *summary_json; /* the whole summary as a JSON object */
};
struct tarn_lake_property {
    const char *key;
    const char *value;
};
struct tarn_lake_file {
    const char *path; /* plain path, no file:// */
    int64_t rows;
    int64_t size_bytes;
    const char *partition; /* "_arrived_on=2026-01-03", "" when unpartitioned */
};
struct tarn_lake_table {
    const char *ns, *name, *uuid, *location, *metadata_location;
    int format_version;
    struct tarn_lake_column *columns;
    size_t column_count;
    struct tarn_lake_partition_field *partition;
    size_t partition_count;
    struct tarn_lake_snapshot *snapshots; /* oldest first */
    size_t snapshot_count;
    struct tarn_lake_property *properties;
    size_t property_count;
    int64_t snapshot_id; /* the one that `at` names; 0 when the table never had one */
    int64_t rows;        /* of that snapshot, deletes not counted off */
    int64_t file_count;
    int64_t size_bytes;
};
/* NOT_FOUND names the nearest table. UNSUPPORTED for format version 3 and up. */
CHECKED enum tarn_status tarn_lake_describe(struct tarn_lake *lake, const char *ns,
                                            const char *name, struct tarn_lake_at at,
                                            struct tarn_arena *arena,
                                            struct tarn_lake_table *ret_table,
                                            struct tarn_error *err);
/* The live data files of a snapshot. */
CHECKED enum tarn_status tarn_lake_files(struct tarn_lake *lake, const char *ns, const char *name,
                                         struct tarn_lake_at at, struct tarn_arena *arena,
                                         struct tarn_lake_file **ret_files, size_t *ret_count,
                                         struct tarn_error *err);

/* ---- read: a snapshot as a DuckDB view
 * -------------------------------------------------------------------------- */

enum tarn_lake_op {
    TARN_LAKE_EQ,
    TARN_LAKE_LT,
    TARN_LAKE_LE,
    TARN_LAKE_GT,
    TARN_LAKE_GE,
    TARN_LAKE_IS_NULL,
    TARN_LAKE_NOT_NULL,
};
/* Files that cannot hold a row for which every filter is true are left out of the view; rows are
 * NOT filtered. A filter that cannot be used (unknown column, nested type, literal of another type)
 * prunes nothing. */
struct tarn_lake_filter {
    const char *column;
    enum tarn_lake_op op;
    const char
        *literal; /* as SQL would print it, without quotes: 12.50, 2026-01-03, true, any text */
};
struct tarn_lake_attach {
    struct tarn_lake_at at;
    const struct tarn_lake_filter *filters;
    size_t filter_count;
    /* Where the view goes; NULL: the table's own namespace and name. */
    const char *as_schema, *as_name;
};
/* Makes `"ns"."name"` a view in the session's DuckDB over the files of the current (or named)
 * snapshot. Cheap when it is there already and nothing was committed since. Position and equality
 * deletes of other writers are honoured. `options` may be NULL. A lake view (dbt's view) is created
 * from its SQL, after what it was attached with. */
CHECKED enum tarn_status tarn_lake_attach(struct tarn_lake *lake, struct tarn_session *session,
                                          const char *ns, const char *name,
                                          const struct tarn_lake_attach *options,
                                          struct tarn_error *err);
/* Every namespace, table and view. A view or table that cannot be attached (its own table is gone,
 * damaged metadata) does not stop the others: it is dropped from the session and its error is put
 * in *ret_problems (text lines in the arena, "" when all went well; the argument may be NULL). */
CHECKED enum tarn_status tarn_lake_attach_all(struct tarn_lake *lake, struct tarn_session *session,
                                              struct tarn_arena *arena, const char **ret_problems,
                                              struct tarn_error *err);
/* The same for those tables and views whose names stand in `text` (SQL or anything that holds it)
 * and for what these views need. Text that looks at DuckDB's own catalog gets all of them. */
CHECKED enum tarn_status tarn_lake_attach_mentioned(struct tarn_lake *lake,
                                                    struct tarn_session *session, const char *text,
                                                    struct tarn_arena *arena,
                                                    const char **ret_problems,
                                                    struct tarn_error *err);
/* What that would attach as lines "namespace.name location", equal as long as none of it changes:
 * of the namespace `ns`, or of all others. */
CHECKED enum tarn_status tarn_lake_state_of(struct tarn_lake *lake, const char *text,
                                            const char *ns, bool of_others,
                                            struct tarn_arena *arena, const char **ret_state,
                                            struct tarn_error *err);
/* The FROM-able SQL of a snapshot, "(SELECT ... FROM read_parquet(...))". The session is only asked
 * for the footers of tables whose nested columns have changed, and may be NULL for others. */
CHECKED enum tarn_status
tarn_lake_relation_sql(struct tarn_lake *lake, struct tarn_session *session, const char *ns,
                       const char *name, const struct tarn_lake_attach *options,
                       struct tarn_arena *arena, const char **ret_sql, struct tarn_error *err);

/* ---- write
 * ------------------------------------------------------------------------------------------------------
 */

enum tarn_lake_mode {
    TARN_LAKE_APPEND,
    TARN_LAKE_OVERWRITE,          /* the query's rows become the whole table */
    TARN_LAKE_REPLACE_PARTITIONS, /* partitions in which the query has rows are replaced, others
                                     stay */
    TARN_LAKE_UPSERT, /* rows whose `keys` equal a row of the query go, then the query's rows are
                       * added (dbt: delete+insert, and merge when the query holds whole rows). NULL
                       * keys match nothing. Only files with matching rows are rewritten. */
    TARN_LAKE_REPLACE_WHERE, /* rows for which `where` is true go, then the query's rows are added
                              */
    TARN_LAKE_DELETE,        /* rows for which `where` is true go; `query` is not used */
};
/* How a query whose columns are not the table's is taken. Columns go by name (not case); types are
 * cast to the table's where nothing can be lost, and int->long, float->double,
 * decimal(p)->decimal(p+) widen the table except under FAIL. */
enum tarn_lake_schema_policy {
    TARN_LAKE_SCHEMA_FAIL,   /* INVALID with the list of differences (dbt on_schema_change: fail) */
    TARN_LAKE_SCHEMA_IGNORE, /* unknown columns are dropped from the write, missing ones are NULL */
    TARN_LAKE_SCHEMA_ADD,    /* new columns are added, missing ones are NULL (append_new_columns) */
    TARN_LAKE_SCHEMA_SYNC,   /* new columns are added, missing ones dropped (sync_all_columns); with
                              * OVERWRITE the   table takes the query's columns, order and types
                              * whatever they are */
};
/* Table property: the codec of new data files (zstd when not set). */
#define TARN_LAKE_CODEC_PROPERTY "write.parquet.compression-codec"
struct tarn_lake_doc {
    const char *column;
    const char *doc;
};
struct tarn_lake_write {
    const char *ns, *name;
    const char *query; /* one SELECT, run on the session */
    enum tarn_lake_mode mode;
    enum tarn_lake_schema_policy schema;
    bool must_exist;  /* NOT_FOUND instead of creating the table */
    bool must_create; /* EXISTS instead of writing to a table that is there */
    /* "day(created_at)", "month(x)", "year(x)", "hour(x)", "bucket(16, id)", "truncate(4, name)",
     * "region". For an existing table NULL keeps its spec; another spec is set for new files
     * (OVERWRITE included). */
    const char *const *partition_by;
    size_t partition_count;
    const char *order_by;    /* SQL; sorts rows within the write, so that bounds prune; or NULL */
    const char *const *keys; /* UPSERT */
    size_t key_count;
    const char *where; /* DELETE, REPLACE_WHERE: a condition over the table's columns; UPSERT: only
                        * rows of the table for which this is true are replaced (dbt
                        * incremental_predicates), or NULL */
    const struct tarn_lake_doc *docs; /* column descriptions; unknown columns are ignored */
    size_t doc_count;
    const char *comment;                         /* table property "comment", or NULL */
    const struct tarn_lake_property *properties; /* set on the table */
    size_t property_count;
    const struct tarn_lake_property *summary; /* recorded with the snapshot: run id, load id */
    size_t summary_count;
};
struct tarn_lake_result {
    int64_t snapshot_id; /* 0 when the table has none yet (created empty) */
    int64_t rows;        /* rows of the query */
    int64_t deleted_rows;
    int64_t files; /* files added */
    int64_t size_bytes;
    bool created;
    bool schema_changed;
};
/* Runs inside the SQLite transaction that moves the pointers: what it writes through `state` and
 * the tables become visible together or not at all. May run again when a commit is retried, after
 * its first effects were rolled back. */
typedef enum tarn_status tarn_lake_also(void *context, struct tarn_state *state,
                                        struct tarn_error *err);

/* Writes and commits one table. `also` may be NULL. CONFLICT only when another writer kept changing
 * the same rows. The session's view of the table is NOT refreshed: call tarn_lake_attach.
 * `ret_result` may be NULL. */
CHECKED enum tarn_status tarn_lake_write(struct tarn_lake *lake, struct tarn_session *session,
                                         const struct tarn_lake_write *write, tarn_lake_also *also,
                                         void *context, struct tarn_lake_result *ret_result,
                                         struct tarn_error *err);

/* Several tables in one transaction: begin, prepare each (data files are written, nothing is
 * visible), finish. One prepared write per table. Preparing from several threads at once is fine
 * when each has its own session. */
struct tarn_lake_commit;
struct tarn_lake_commit *tarn_lake_begin(struct tarn_lake *lake);
CHECKED enum tarn_status tarn_lake_prepare(struct tarn_lake_commit *commit,
                                           struct tarn_session *session,
                                           const struct tarn_lake_write *write,
                                           struct tarn_lake_result *ret_result,
                                           struct tarn_error *err);
/* All pointers move, and `also` takes effect, or nothing does. Retries lost races itself, except
 * that UPSERT, DELETE and REPLACE_PARTITIONS whose input changed meanwhile give CONFLICT: begin
 * again. An empty commit just runs `also`. */
CHECKED enum tarn_status tarn_lake_finish(struct tarn_lake_commit *commit, tarn_lake_also *also,
                                          void *context, struct tarn_error *err);
/* Frees it; data files of a commit that did not finish are removed. NULL is fine. */
void tarn_lake_commit_free(struct tarn_lake_commit *commit);

/* ---- change without data
 * ---------------------------------------------------------------------------------------- */

enum tarn_lake_change_kind {
    TARN_LAKE_ADD_COLUMN,    /* column, type (DuckDB type), doc */
    TARN_LAKE_DROP_COLUMN,   /* column */
    TARN_LAKE_RENAME_COLUMN, /* column, new_name */
    TARN_LAKE_WIDEN_COLUMN,  /* column, type */
    TARN_LAKE_DOC_COLUMN,    /* column, doc */
    TARN_LAKE_SET_PROPERTY,  /* column = key, type = value (NULL removes it) */
};
/* `column` is a column or, by dots, something in one: "address.city", "items.element.price" of a
 * list, "by_day.value.n" of a map. A name that holds dots itself is found first. */
struct tarn_lake_change {
    enum tarn_lake_change_kind kind;
    const char *column;
    const char *new_name; /* without the path */
    const char *type;
    const char *doc;
};
/* All changes or none. INVALID for what Iceberg does not allow (narrowing, a name that is there
 * already). */
CHECKED enum tarn_status tarn_lake_alter(struct tarn_lake *lake, const char *ns, const char *name,
                                         const struct tarn_lake_change *changes, size_t count,
                                         struct tarn_error *err);
/* Creates or replaces a view with this DuckDB SQL; `session` (may be NULL) is asked for its
 * columns, which then stand in the view's schema. A table of that name gives EXISTS. `also` as in
 * tarn_lake_write. */
CHECKED enum tarn_status tarn_lake_set_view(struct tarn_lake *lake, struct tarn_session *session,
                                            const char *ns, const char *name, const char *sql,
                                            const char *comment, tarn_lake_also *also,
                                            void *context, struct tarn_error *err);
CHECKED enum tarn_status tarn_lake_get_view(struct tarn_lake *lake, const char *ns,
                                            const char *name, struct tarn_arena *arena,
                                            const char **ret_sql, struct tarn_error *err);
/* Removes a table or view from the catalog, and its files with the next orphan sweep. Missing is
 * fine. */
CHECKED enum tarn_status tarn_lake_drop(struct tarn_lake *lake, const char *ns, const char *name,
                                        tarn_lake_also *also, void *context,
                                        struct tarn_error *err);
/* The folder keeps its old name: locations inside the metadata are absolute. EXISTS when the new
 * name is taken. */
CHECKED enum tarn_status tarn_lake_rename(struct tarn_lake *lake, const char *ns, const char *name,
                                          const char *new_ns, const char *new_name,
                                          struct tarn_error *err);

/* ---- maintain
 * ---------------------------------------------------------------------------------------------------
 */

struct tarn_lake_maintenance {
    int64_t snapshots_expired;
    int64_t files_removed; /* data, manifests, lists, metadata */
    int64_t bytes_removed;
    int64_t files_before, files_after; /* compaction */
};
/* Forgets snapshots older than `older_than_us` (a UTC time; 0: five days ago), keeps at least
 * `keep_min` (0: 1), and removes the files that only they used. */
CHECKED enum tarn_status tarn_lake_expire(struct tarn_lake *lake, const char *ns, const char *name,
                                          int64_t older_than_us, int keep_min,
                                          struct tarn_lake_maintenance *ret_done,
                                          struct tarn_error *err);
/* Merges files below `small_bytes` (0: 32 MiB) within their partition into files of about 128 MiB,
 * rows unchanged (operation `replace`), and applies other writers' delete files. Gives way: when
 * another commit touched the same files nothing is changed and the result says so (files_before ==
 * files_after). */
CHECKED enum tarn_status tarn_lake_compact(struct tarn_lake *lake, struct tarn_session *session,
                                           const char *ns, const char *name, int64_t small_bytes,
                                           struct tarn_lake_maintenance *ret_done,
                                           struct tarn_error *err);
/* Removes files below the root that no table's metadata reaches and that are older than `min_age_s`
 * (< 0: 24 hours). */
CHECKED enum tarn_status tarn_lake_sweep(struct tarn_lake *lake, int64_t min_age_s,
                                         struct tarn_lake_maintenance *ret_done,
                                         struct tarn_error *err);

#endif
