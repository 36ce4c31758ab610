/* lake/manifest.h -- manifests and manifest lists (Iceberg spec, "Manifests", "Manifest Lists"):
 * structs, Avro both ways.
 *
 * Field ids and which fields are optional are the spec's for format version 2. Readers also take
 * version 1 files, whose missing fields have the spec's defaults. */
#ifndef TARN_LAKE_MANIFEST_H
#define TARN_LAKE_MANIFEST_H

#include "base/buffer.h"
#include "base/memory.h"
#include "lake/metadata.h"

enum { TARN_MANIFEST_MAX_BYTES = 256 << 20 };

enum tarn_content {
    TARN_CONTENT_DATA,
    TARN_CONTENT_POSITION_DELETES,
    TARN_CONTENT_EQUALITY_DELETES
};
enum tarn_entry_status { TARN_ENTRY_EXISTING, TARN_ENTRY_ADDED, TARN_ENTRY_DELETED };

/* What is known of one column in one file; -1: not known. */
struct tarn_column_stats {
    int field_id;
    int64_t size_bytes, value_count, null_count, nan_count;
    struct tarn_text lower, upper; /* data NULL: not known */
};
struct tarn_data_file {
    enum tarn_content content;
    const char *location; /* as written: URI or path */
    const char *format;   /* "PARQUET" */
    int spec_id;
    struct tarn_text *partition; /* one per field of the spec; data NULL is null */
    size_t partition_count;
    int64_t record_count;
    int64_t size_bytes;
    struct tarn_column_stats *stats; /* by field id */
    size_t stats_count;
    struct tarn_text key_metadata; /* data NULL: none */
    int64_t *split_offsets;
    size_t split_count;
    int *equality_ids;
    size_t equality_count;
    int sort_order_id;           /* -1: none */
    const char *referenced_file; /* NULL: none */
};
struct tarn_entry {
    enum tarn_entry_status status;
    int64_t snapshot_id;
    int64_t sequence_number; /* -1 in an ADDED entry that is to inherit it */
    int64_t file_sequence_number;
    const struct tarn_data_file *file;
};

/* Summary of one partition field over a manifest. */
struct tarn_field_summary {
    bool contains_null;
    int contains_nan;              /* 0, 1, or -1 when not known */
    struct tarn_text lower, upper; /* data NULL: none */
};
struct tarn_manifest_file {
    const char *location;
    int64_t length;
    int spec_id;
    bool is_deletes;
    int64_t sequence_number, min_sequence_number, added_snapshot_id;
    int64_t added_files, existing_files, deleted_files; /* -1 when a version 1 list does not say */
    int64_t added_rows, existing_rows, deleted_rows;
    struct tarn_field_summary *partitions;
    size_t partition_count;
    struct tarn_text key_metadata;
};

/* Decodes a manifest; `metadata` gives specs and types, `manifest` what entries inherit. The
 * entries live in `arena`, and so must `bytes`. */
CHECKED enum tarn_status
tarn_manifest_read(struct tarn_text bytes, const struct tarn_manifest_file *manifest,
                   const struct tarn_metadata *metadata, struct tarn_arena *arena,
                   struct tarn_entry **ret_entries, size_t *ret_count, struct tarn_error *err);
/* Appends the manifest's bytes. All entries have the spec `spec`; `schema` is the table's at the
 * time. */
CHECKED enum tarn_status tarn_manifest_write(const struct tarn_entry *entries, size_t count,
                                             const struct tarn_iceberg_schema *schema,
                                             const struct tarn_spec *spec, bool is_deletes,
                                             struct tarn_buffer *out, struct tarn_error *err);
/* Counts, sequence numbers and partition summaries of entries that were written as a manifest.
 * Location, length and sequence_number are the caller's. */
void tarn_manifest_describe(const struct tarn_entry *entries, size_t count,
                            const struct tarn_spec *spec, int64_t sequence_number,
                            struct tarn_arena *arena, struct tarn_manifest_file *ret_manifest);

CHECKED enum tarn_status tarn_manifest_list_read(struct tarn_text bytes, const char *path,
                                                 struct tarn_arena *arena,
                                                 struct tarn_manifest_file **ret_manifests,
                                                 size_t *ret_count, struct tarn_error *err);
CHECKED enum tarn_status tarn_manifest_list_write(const struct tarn_manifest_file *manifests,
                                                  size_t count, int64_t snapshot_id,
                                                  int64_t parent_id, int64_t sequence_number,
                                                  struct tarn_buffer *out, struct tarn_error *err);

/* Statistics of one column; NULL when nothing is known. */
const struct tarn_column_stats *tarn_data_file_stats(const struct tarn_data_file *file,
                                                     int field_id);

#endif
