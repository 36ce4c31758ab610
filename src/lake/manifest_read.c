/* lake/manifest_read.c -- decoding of manifests and manifest lists, see manifest.h. Fields are
 * found by Iceberg's field ids, never by position or name. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "lake/avro.h"
#include "lake/manifest.h"

struct reader {
    const char *path;
    const struct tarn_metadata *metadata;
    struct tarn_arena *arena;
    struct tarn_error *err;
};

static enum tarn_status corrupt(const struct reader *r, const char *what)
{
    return tarn_fail(
        r->err, TARN_CORRUPT,
        "reading the manifest file %s: %s; restore the file from a backup, or go back to an "
        "older snapshot of the table",
        r->path, what);
}

/* ---- values by field id ---- */

static bool is_integer(const struct tarn_avro_value *value)
{
    return value && (value->kind == TARN_AVRO_INT || value->kind == TARN_AVRO_LONG ||
                     value->kind == TARN_AVRO_BOOLEAN);
}

static int64_t get_long(const struct tarn_avro_value *record, int id, int64_t otherwise)
{
    const struct tarn_avro_value *value = tarn_avro_get(record, id);
    return is_integer(value) ? value->integer : otherwise;
}

static struct tarn_text get_bytes(const struct tarn_avro_value *record, int id)
{
    const struct tarn_avro_value *value = tarn_avro_get(record, id);
    bool bytes = value && (value->kind == TARN_AVRO_BYTES || value->kind == TARN_AVRO_STRING ||
                           value->kind == TARN_AVRO_FIXED);
    return bytes ? value->bytes : (struct tarn_text){NULL, 0};
}

/* NULL when it is not there or holds a NUL byte. */
static const char *get_string(struct reader *r, const struct tarn_avro_value *record, int id)
{
    struct tarn_text text = get_bytes(record, id);
    if (!text.data || memchr(text.data, 0, text.len))
        return NULL;
    return tarn_arena_strndup(r->arena, text.data, text.len);
}

static bool get_int(const struct tarn_avro_value *record, int id, int otherwise, int *ret_value)
{
    int64_t value = get_long(record, id, otherwise);
    *ret_value = (int)value;
    return value >= -1 && value <= INT_MAX;
}

static size_t list_count(const struct tarn_avro_value *list)
{
    return list && list->kind == TARN_AVRO_ARRAY ? list->count : 0;
}

/* ---- partition values ---- */

static struct tarn_text minimal(struct tarn_text big_endian, struct tarn_arena *arena)
{
    __int128 value;
    return tarn_bound_int128(big_endian, &value) ? tarn_bound_of_int128(value, arena)
                                                 : (struct tarn_text){NULL, 0};
}

/* An Avro value as single-value bytes (Appendix D). Unknown combinations give null, which prunes
 * nothing. */
static struct tarn_text partition_bytes(struct reader *r, const struct tarn_avro_value *value,
                                        const struct tarn_iceberg_type *type)
{
    struct tarn_text none = {NULL, 0};
    char one;
    if (!value || !type || value->kind == TARN_AVRO_NULL)
        return none;
    switch ((int)type->kind) {
    case TARN_ICEBERG_BOOLEAN:
        one = value->integer != 0;
        return (struct tarn_text){tarn_arena_strndup(r->arena, &one, 1), 1};
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_DATE:
        return is_integer(value) ? tarn_bound_of_int32((int32_t)value->integer, r->arena) : none;
    case TARN_ICEBERG_FLOAT: {
        float real = (float)value->real;
        return (struct tarn_text){tarn_arena_strndup(r->arena, (char *)&real, sizeof real),
                                  sizeof real};
    }
    case TARN_ICEBERG_DOUBLE:
        return (struct tarn_text){
            tarn_arena_strndup(r->arena, (const char *)&value->real, sizeof value->real),
            sizeof value->real};
    case TARN_ICEBERG_LONG:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        return is_integer(value) ? tarn_bound_of_int64(value->integer, r->arena) : none;
    case TARN_ICEBERG_DECIMAL:
        return minimal(value->bytes, r->arena);
    default:
        return value->bytes.data ? value->bytes : none;
    }
}

static void read_partition(struct reader *r, const struct tarn_avro_value *record,
                           const struct tarn_spec *spec, struct tarn_data_file *file)
{
    file->partition_count = spec->field_count;
    file->partition = tarn_arena_array(r->arena, spec->field_count, sizeof *file->partition);
    for (size_t i = 0; i < spec->field_count; i++)
        file->partition[i] = partition_bytes(r, tarn_avro_get(record, spec->fields[i].field_id),
                                             spec->fields[i].result);
}

/* ---- column statistics ---- */

static struct tarn_column_stats *stats_for(struct tarn_data_file *file, int64_t field_id,
                                           size_t cap)
{
    size_t at = 0;
    while (at < file->stats_count && file->stats[at].field_id < field_id)
        at++;
    if (at < file->stats_count && file->stats[at].field_id == field_id)
        return &file->stats[at];
    if (file->stats_count == cap || field_id < 0 || field_id > INT_MAX)
        return NULL;
    memmove(&file->stats[at + 1], &file->stats[at], (file->stats_count - at) * sizeof *file->stats);
    file->stats_count++;
    file->stats[at] =
        (struct tarn_column_stats){(int)field_id, -1, -1, -1, -1, {NULL, 0}, {NULL, 0}};
    return &file->stats[at];
}

static const struct {
    int map_id, key_id, value_id;
} stat_maps[] = {{108, 117, 118}, {109, 119, 120}, {110, 121, 122},
                 {137, 138, 139}, {125, 126, 127}, {128, 129, 130}};

static void set_stat(struct tarn_column_stats *stats, size_t map,
                     const struct tarn_avro_value *pair, int value_id)
{
    switch (map) {
    case 0:
        stats->size_bytes = get_long(pair, value_id, -1);
        break;
    case 1:
        stats->value_count = get_long(pair, value_id, -1);
        break;
    case 2:
        stats->null_count = get_long(pair, value_id, -1);
        break;
    case 3:
        stats->nan_count = get_long(pair, value_id, -1);
        break;
    case 4:
        stats->lower = get_bytes(pair, value_id);
        break;
    default:
        stats->upper = get_bytes(pair, value_id);
        break;
    }
}

static void read_stats(struct reader *r, const struct tarn_avro_value *record,
                       struct tarn_data_file *file)
{
    size_t cap = 0;
    for (size_t m = 0; m < TARN_COUNT(stat_maps); m++)
        cap += list_count(tarn_avro_get(record, stat_maps[m].map_id));
    if (cap > 4096) /* columns beyond that are not worth a quadratic insert */
        cap = 4096;
    file->stats = tarn_arena_array(r->arena, cap, sizeof *file->stats);
    for (size_t m = 0; m < TARN_COUNT(stat_maps); m++) {
        const struct tarn_avro_value *list = tarn_avro_get(record, stat_maps[m].map_id);
        for (size_t i = 0; i < list_count(list); i++) {
            int64_t id = get_long(&list->items[i], stat_maps[m].key_id, -1);
            struct tarn_column_stats *stats = stats_for(file, id, cap);
            if (stats)
                set_stat(stats, m, &list->items[i], stat_maps[m].value_id);
        }
    }
}

/* ---- entries ---- */

static void read_lists(struct reader *r, const struct tarn_avro_value *record,
                       struct tarn_data_file *file)
{
    const struct tarn_avro_value *splits = tarn_avro_get(record, 132),
                                 *ids = tarn_avro_get(record, 135);
    file->split_count = list_count(splits);
    file->split_offsets =
        tarn_arena_array(r->arena, file->split_count, sizeof *file->split_offsets);
    for (size_t i = 0; i < file->split_count; i++)
        file->split_offsets[i] = splits->items[i].integer;
    file->equality_count = list_count(ids);
    file->equality_ids =
        tarn_arena_array(r->arena, file->equality_count, sizeof *file->equality_ids);
    for (size_t i = 0; i < file->equality_count; i++)
        file->equality_ids[i] = (int)ids->items[i].integer;
}

static enum tarn_status read_data_file(struct reader *r, const struct tarn_avro_value *record,
                                       const struct tarn_spec *spec,
                                       const struct tarn_data_file **ret_file)
{
    if (!record || record->kind != TARN_AVRO_RECORD)
        return corrupt(r, "an entry has no data_file");
    struct tarn_data_file *file = tarn_arena_alloc(r->arena, sizeof *file);
    int64_t content = get_long(record, 134, 0);
    if (content < 0 || content > 2)
        return corrupt(r, "an entry has a content that is none");
    file->content = (enum tarn_content)content;
    file->location = get_string(r, record, 100);
    file->format = get_string(r, record, 101);
    file->record_count = get_long(record, 103, -1);
    file->size_bytes = get_long(record, 104, -1);
    if (!file->location || !file->format || file->record_count < 0 || file->size_bytes < 0)
        return corrupt(
            r, "an entry has no file_path, file_format, record_count or file_size_in_bytes");
    if (tarn_avro_get(record, 144) && tarn_avro_get(record, 144)->kind != TARN_AVRO_NULL)
        return tarn_fail(
            r->err, TARN_UNSUPPORTED,
            "reading the manifest file %s: it holds deletion vectors (format version 3)", r->path);
    file->spec_id = spec->id;
    read_partition(r, tarn_avro_get(record, 102), spec, file);
    read_stats(r, record, file);
    file->key_metadata = get_bytes(record, 131);
    read_lists(r, record, file);
    if (!get_int(record, 140, -1, &file->sort_order_id))
        file->sort_order_id = -1;
    file->referenced_file = get_string(r, record, 143);
    *ret_file = file;
    return TARN_OK;
}

static enum tarn_status read_entry(struct reader *r, const struct tarn_avro_value *record,
                                   const struct tarn_manifest_file *manifest,
                                   const struct tarn_spec *spec, struct tarn_entry *entry)
{
    int64_t status = get_long(record, 0, -1);
    if (status < 0 || status > 2)
        return corrupt(r, "an entry has a status that is none");
    entry->status = (enum tarn_entry_status)status;
    entry->snapshot_id = get_long(record, 1, manifest->added_snapshot_id);
    entry->sequence_number = get_long(record, 3, -1);
    entry->file_sequence_number = get_long(record, 4, -1);
    bool inherits = entry->status == TARN_ENTRY_ADDED || manifest->sequence_number == 0;
    if (entry->sequence_number < 0 && inherits)
        entry->sequence_number = manifest->sequence_number;
    if (entry->file_sequence_number < 0 && inherits)
        entry->file_sequence_number = manifest->sequence_number;
    if (entry->sequence_number < 0)
        return corrupt(r, "an entry that is not new has no sequence number");
    if (entry->file_sequence_number < 0)
        entry->file_sequence_number = entry->sequence_number;
    return read_data_file(r, tarn_avro_get(record, 2), spec, &entry->file);
}

enum tarn_status tarn_manifest_read(struct tarn_text bytes,
                                    const struct tarn_manifest_file *manifest,
                                    const struct tarn_metadata *metadata, struct tarn_arena *arena,
                                    struct tarn_entry **ret_entries, size_t *ret_count,
                                    struct tarn_error *err)
{
    struct reader r = {manifest->location, metadata, arena, err};
    const struct tarn_spec *spec = tarn_metadata_spec(metadata, manifest->spec_id);
    if (!spec)
        return corrupt(&r, "it names a partition spec that the table does not have");
    struct tarn_avro_file file;
    TARN_TRY(tarn_avro_file_read(bytes, manifest->location, arena, &file, err));
    struct tarn_entry *entries = tarn_arena_array(arena, file.record_count, sizeof *entries);
    for (size_t i = 0; i < file.record_count; i++)
        TARN_TRY(read_entry(&r, &file.records[i], manifest, spec, &entries[i]));
    *ret_entries = entries;
    *ret_count = file.record_count;
    return TARN_OK;
}

/* ---- manifest lists ---- */

static void read_summaries(struct reader *r, const struct tarn_avro_value *list,
                           struct tarn_manifest_file *manifest)
{
    manifest->partition_count = list_count(list);
    manifest->partitions =
        tarn_arena_array(r->arena, manifest->partition_count, sizeof *manifest->partitions);
    for (size_t i = 0; i < manifest->partition_count; i++) {
        struct tarn_field_summary *summary = &manifest->partitions[i];
        summary->contains_null = get_long(&list->items[i], 509, 1) != 0;
        summary->contains_nan = (int)get_long(&list->items[i], 518, -1);
        summary->lower = get_bytes(&list->items[i], 510);
        summary->upper = get_bytes(&list->items[i], 511);
    }
}

static enum tarn_status read_manifest_file(struct reader *r, const struct tarn_avro_value *record,
                                           struct tarn_manifest_file *manifest)
{
    manifest->location = get_string(r, record, 500);
    manifest->length = get_long(record, 501, -1);
    if (!manifest->location || manifest->length < 0 || !get_int(record, 502, 0, &manifest->spec_id))
        return corrupt(r, "a manifest in it has no path, length or spec");
    manifest->is_deletes = get_long(record, 517, 0) == 1;
    manifest->sequence_number = get_long(record, 515, 0);
    manifest->min_sequence_number = get_long(record, 516, 0);
    manifest->added_snapshot_id = get_long(record, 503, 0);
    manifest->added_files = get_long(record, 504, -1);
    manifest->existing_files = get_long(record, 505, -1);
    manifest->deleted_files = get_long(record, 506, -1);
    manifest->added_rows = get_long(record, 512, -1);
    manifest->existing_rows = get_long(record, 513, -1);
    manifest->deleted_rows = get_long(record, 514, -1);
    manifest->key_metadata = get_bytes(record, 519);
    read_summaries(r, tarn_avro_get(record, 507), manifest);
    return TARN_OK;
}

enum tarn_status tarn_manifest_list_read(struct tarn_text bytes, const char *path,
                                         struct tarn_arena *arena,
                                         struct tarn_manifest_file **ret_manifests,
                                         size_t *ret_count, struct tarn_error *err)
{
    struct reader r = {path, NULL, arena, err};
    struct tarn_avro_file file;
    TARN_TRY(tarn_avro_file_read(bytes, path, arena, &file, err));
    struct tarn_manifest_file *manifests =
        tarn_arena_array(arena, file.record_count, sizeof *manifests);
    for (size_t i = 0; i < file.record_count; i++)
        TARN_TRY(read_manifest_file(&r, &file.records[i], &manifests[i]));
    *ret_manifests = manifests;
    *ret_count = file.record_count;
    return TARN_OK;
}

const struct tarn_column_stats *tarn_data_file_stats(const struct tarn_data_file *file,
                                                     int field_id)
{
    for (size_t i = 0; i < file->stats_count; i++)
        if (file->stats[i].field_id == field_id)
            return &file->stats[i];
    return NULL;
}
