/* lake/write_int.h -- private to src/lake: a write between its data files and its commit.
 *
 * lake_prepare_* writes data files and says what is to change (a struct lake_change); commit.c
 * turns one or more changes into metadata on top of whatever is current and moves the pointers. */
#ifndef TARN_LAKE_WRITE_INT_H
#define TARN_LAKE_WRITE_INT_H

#include "lake/lake_int.h"

struct lake_change {
    struct lake_change *next;
    struct tarn_arena *arena;
    const char *ns, *name;
    enum tarn_lake_mode mode;
    const char *folder; /* the table's location */
    const struct tarn_metadata
        *base;             /* what it was prepared against; NULL: the table is new. A reference */
    const char *operation; /* of the snapshot; NULL: no snapshot (change without data) */
    bool must_match_base;  /* CONFLICT when the table changed since: the input was read from it */

    bool schema_changed, spec_changed;
    struct tarn_iceberg_schema schema; /* the one that files were written with */
    int last_column_id;
    struct tarn_spec_want *spec_fields; /* of the files written; also when the spec is the base's */
    size_t spec_count;

    struct tarn_data_file **added;
    size_t added_count, added_cap;
    bool remove_all;         /* every live file */
    bool replace_partitions; /* live files in the partitions of added ones */
    const char **removed;    /* locations of live files that go */
    size_t removed_count;
    bool drop_deletes; /* the delete files go as well: everything was rewritten */

    int64_t *expired; /* snapshots to forget */
    size_t expired_count;
    const struct tarn_lake_property *properties;
    size_t property_count;
    const struct tarn_lake_property *summary;
    size_t summary_count;
    int64_t rows, deleted_rows;
    bool nothing; /* no pointer moves: an append of no rows */

    /* of the last attempt to commit */
    const char *new_location, *old_location;
    struct tarn_buffer metadata_text;
    json_t *metadata_json; /* the same, decoded */
    const char **written;  /* metadata files of this attempt, to remove when it is lost */
    size_t written_count, written_cap;
    const char **dropped; /* metadata files that fell out of the log */
    size_t dropped_count;
    int64_t snapshot_id;
    struct tarn_lake_result *result; /* the caller's, or NULL */
};

struct tarn_lake_commit {
    struct tarn_lake *lake;
    pthread_mutex_t lock; /* changes may be prepared from several threads */
    struct lake_change *changes;
    bool keep_files; /* finished, or nobody knows whether */
};

struct lake_change *lake_change_new(const char *ns, const char *name);
/* Removes its data files when `remove_files`. */
void lake_change_free(struct lake_change *change, bool remove_files);
CHECKED enum tarn_status lake_commit_add(struct tarn_lake_commit *commit,
                                         struct lake_change *change, struct tarn_error *err);

/* ---- shape.c: how the query's columns become the table's ---- */

struct lake_shape {
    struct tarn_iceberg_schema schema; /* the table's after the write */
    const char **sources;              /* per field: the query's column, NULL writes NULL */
    bool *casts;                       /* per field: the query's type is another */
    bool changed;                      /* the schema is new or not the base's */
    int last_column_id;
};
CHECKED enum tarn_status lake_shape_of(const struct tarn_lake_write *write,
                                       const struct tarn_metadata *base,
                                       const struct tarn_column *columns, size_t count,
                                       struct tarn_arena *arena, struct lake_shape *ret_shape,
                                       struct tarn_error *err);
/* Sets spec_fields and spec_changed of the change. */
CHECKED enum tarn_status lake_spec_of(const struct tarn_lake_write *write,
                                      struct lake_change *change, struct tarn_error *err);

/* ---- copy.c: a SELECT to Parquet files ---- */

/* Writes the rows of `select`, whose columns are those of change->schema in order and type, and
 * adds the files to the change. *ret_rows is how many. */
CHECKED enum tarn_status lake_copy(struct tarn_session *session, struct lake_change *change,
                                   const char *select, const char *order_by, int64_t *ret_rows,
                                   struct tarn_error *err);

/* ---- snapshot.c ---- */

/* Creates a metadata file of this attempt; it is synced later, with the others. */
CHECKED enum tarn_status lake_write_file(struct lake_change *change, const char *path,
                                         struct tarn_text bytes, struct tarn_error *err);
/* Writes manifests and list for the change on top of `current` (NULL: a new table) and adds the
 * snapshot to the edit. */
CHECKED enum tarn_status lake_build_snapshot(struct lake_scope *scope, struct lake_change *change,
                                             const struct tarn_metadata *current,
                                             struct tarn_metadata_edit *edit,
                                             struct tarn_error *err);

/* ---- rewrite.c: UPSERT and DELETE ---- */

CHECKED enum tarn_status lake_rewrite(struct lake_scope *scope, struct tarn_session *session,
                                      const struct tarn_lake_write *write,
                                      struct lake_change *change, struct tarn_error *err);

#endif
