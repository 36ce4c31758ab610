/* lake/metadata.h -- the table metadata JSON (Iceberg spec, "Table Metadata", Appendix C): decode,
 * change, encode.
 *
 * A struct tarn_metadata is immutable and counted by reference; it keeps the JSON it came from, so
 * that a change keeps whatever other writers put there. A change is an edit: begin from one
 * metadata (or none), apply, encode. */
#ifndef TARN_LAKE_METADATA_H
#define TARN_LAKE_METADATA_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "lake/schema.h"
#include "lake/transform.h"

enum { TARN_METADATA_MAX_BYTES = 512 << 20, TARN_METADATA_LOG_MAX = 20 };

struct tarn_spec_field {
    int source_id;
    int field_id;
    const char *name;
    struct tarn_transform transform;
    const struct tarn_iceberg_field *source; /* NULL when no schema has the column any more */
    const struct tarn_iceberg_type
        *result; /* type of the partition value; NULL when it cannot be known */
};
struct tarn_spec {
    int id;
    struct tarn_spec_field *fields;
    size_t field_count;
};
struct tarn_snapshot {
    int64_t id;
    int64_t parent_id; /* 0 when none */
    int64_t sequence_number;
    int64_t timestamp_ms;
    int schema_id;             /* -1 when not given */
    const char *manifest_list; /* as written: URI or path */
    const json_t *summary;
};
struct tarn_metadata {
    const char *path; /* plain path of the metadata file */
    int format_version;
    const char *uuid;
    const char *location; /* plain path of the table's folder */
    int64_t last_sequence_number;
    int64_t last_updated_ms;
    int last_column_id;
    int last_partition_id;
    struct tarn_iceberg_schema *schemas;
    size_t schema_count;
    const struct tarn_iceberg_schema *schema; /* current */
    struct tarn_spec *specs;
    size_t spec_count;
    const struct tarn_spec *spec;    /* default */
    struct tarn_snapshot *snapshots; /* by time */
    size_t snapshot_count;
    const struct tarn_snapshot *snapshot; /* current, NULL when none */
    const json_t *json;
};

/* CORRUPT names `path` and what to do; UNSUPPORTED for format versions other than 1 and 2. */
CHECKED enum tarn_status tarn_metadata_parse(struct tarn_text bytes, const char *path,
                                             struct tarn_metadata **ret_metadata,
                                             struct tarn_error *err);
/* The same from JSON that is decoded already, which it takes over (also when it fails). */
CHECKED enum tarn_status tarn_metadata_of(json_t *json, const char *path,
                                          struct tarn_metadata **ret_metadata,
                                          struct tarn_error *err);
struct tarn_metadata *tarn_metadata_ref(const struct tarn_metadata *metadata);
void tarn_metadata_unref(struct tarn_metadata *metadata); /* NULL is fine */

const struct tarn_snapshot *tarn_metadata_snapshot(const struct tarn_metadata *metadata,
                                                   int64_t id);
/* The snapshot that was current at this time, by the snapshot log; NULL when there was none yet. */
const struct tarn_snapshot *tarn_metadata_snapshot_at(const struct tarn_metadata *metadata,
                                                      int64_t timestamp_ms);
const struct tarn_spec *tarn_metadata_spec(const struct tarn_metadata *metadata, int id);
const struct tarn_iceberg_schema *tarn_metadata_schema(const struct tarn_metadata *metadata,
                                                       int id);
const char *tarn_metadata_property(const struct tarn_metadata *metadata, const char *key);
/* A counter of the summary ("total-records"), 0 when it is not there. */
int64_t tarn_snapshot_counter(const struct tarn_snapshot *snapshot, const char *key);

/* "file:///a/b" and "file:/a/b" give "/a/b"; a plain path is returned as it is; NULL for any other
 * scheme. */
const char *tarn_location_path(const char *location);

/* ---- change ---- */

struct tarn_metadata_edit {
    json_t *json;
    const struct tarn_metadata *base; /* NULL for a new table */
};
/* A new table with this schema (ids assigned) and the unpartitioned spec. `location` is a plain
 * absolute path. */
struct tarn_metadata_edit tarn_metadata_create(const char *location,
                                               const struct tarn_iceberg_schema *schema,
                                               int last_column_id);
struct tarn_metadata_edit tarn_metadata_edit(const struct tarn_metadata *base);
void tarn_metadata_edit_release(struct tarn_metadata_edit *edit);
/* Makes this the current schema, under the id of an equal one when there is one. Returns its id. */
int tarn_metadata_set_schema(struct tarn_metadata_edit *edit,
                             const struct tarn_iceberg_schema *schema, int last_column_id);
struct tarn_spec_want {
    int source_id;
    const char *name;
    struct tarn_transform transform;
};
/* Makes this the default partition spec, reusing an equal one and the ids of equal fields. */
void tarn_metadata_set_spec(struct tarn_metadata_edit *edit, const struct tarn_spec_want *fields,
                            size_t count);
void tarn_metadata_set_property(struct tarn_metadata_edit *edit, const char *key,
                                const char *value); /* NULL removes */
/* Takes over `snapshot_json`; it becomes current (branch main). */
void tarn_metadata_add_snapshot(struct tarn_metadata_edit *edit, json_t *snapshot_json);
/* Forgets snapshots by id; the current one and those that a ref names stay. Returns how many went.
 */
size_t tarn_metadata_remove_snapshots(struct tarn_metadata_edit *edit, const int64_t *ids,
                                      size_t count);
/* Stamps, logs the base's file, and appends the JSON. Files that fell out of the log are put in
 * *ret_dropped as plain paths in the arena. */
CHECKED enum tarn_status tarn_metadata_finish(struct tarn_metadata_edit *edit,
                                              struct tarn_arena *arena, struct tarn_buffer *out,
                                              const char ***ret_dropped, size_t *ret_dropped_count,
                                              struct tarn_error *err);

#endif
