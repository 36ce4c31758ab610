/* lake/snapshot.c -- a change as a new snapshot: manifests, manifest list and summary (Iceberg
 * spec, "Snapshots", "Manifests", "Snapshot Summary"), see write_int.h.
 *
 * A manifest that loses no file is carried over as it is. One that does is written again with those
 * files DELETED and the rest EXISTING. Manifests without live files are left out of the next list,
 * and many small ones are merged. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "lake/write_int.h"

enum { MERGE_MANIFESTS_FROM = 100, MERGE_MANIFEST_BYTES = 8 << 20, SNAPSHOTS_MAX = 1000 };

struct building {
    struct lake_scope *scope;
    struct lake_change *change;
    const struct tarn_metadata *current; /* NULL: the table is new */
    struct tarn_metadata_edit *edit;
    int64_t snapshot_id, sequence_number;
    struct tarn_iceberg_schema schema;
    struct tarn_spec spec; /* of the added files */
    struct tarn_manifest_file *manifests;
    size_t manifest_count;
    struct {
        int64_t files, rows, bytes;
    } added, removed;
    int64_t removed_delete_files, partitions;
    struct tarn_error *err;
};

enum tarn_status lake_write_file(struct lake_change *change, const char *path,
                                 struct tarn_text bytes, struct tarn_error *err)
{
    TARN_TRY(tarn_file_create_unsynced(path, bytes, err));
    TARN_RESERVE(change->written, change->written_cap, change->written_count + 1);
    change->written[change->written_count++] = path;
    return TARN_OK;
}

/* ---- what the edit says by now ---- */

static void read_schema(struct building *b)
{
    b->schema = b->change->schema_changed || !b->current ? b->change->schema : *b->current->schema;
    b->schema.id = (int)json_integer_value(json_object_get(b->edit->json, "current-schema-id"));
}

/* The spec that the added files have, with the ids that the edit gave it. */
static void read_spec(struct building *b)
{
    const json_t *specs = json_object_get(b->edit->json, "partition-specs");
    const json_t *fields = NULL;
    b->spec.id = (int)json_integer_value(json_object_get(b->edit->json, "default-spec-id"));
    if (b->change->base &&
        !b->change
             ->spec_changed) /* the spec it was prepared with may not be the default any more */
        b->spec.id = b->change->base->spec->id;
    for (size_t i = 0; i < json_array_size(specs); i++)
        if (json_integer_value(json_object_get(json_array_get(specs, i), "spec-id")) == b->spec.id)
            fields = json_object_get(json_array_get(specs, i), "fields");
    b->spec.field_count = b->change->spec_count;
    b->spec.fields = tarn_arena_array(b->scope->arena, b->spec.field_count, sizeof *b->spec.fields);
    for (size_t i = 0; i < b->spec.field_count; i++) {
        const struct tarn_spec_want *want = &b->change->spec_fields[i];
        struct tarn_spec_field *f = &b->spec.fields[i];
        *f = (struct tarn_spec_field){
            .source_id = want->source_id, .name = want->name, .transform = want->transform};
        f->field_id =
            (int)json_integer_value(json_object_get(json_array_get(fields, i), "field-id"));
        f->source = tarn_iceberg_field_by_id(&b->change->schema, want->source_id);
        f->result = f->source ? tarn_transform_result(f->transform, f->source->type) : NULL;
    }
}

/* ---- writing manifests ---- */

static enum tarn_status write_manifest(struct building *b, const struct tarn_entry *entries,
                                       size_t count, const struct tarn_spec *spec, bool is_deletes)
{
    char uuid[TARN_UUID_BYTES];
    TARN_BUFFER(bytes, TARN_MANIFEST_MAX_BYTES);
    struct tarn_manifest_file *manifest = &b->manifests[b->manifest_count];
    TARN_TRY(tarn_manifest_write(entries, count, &b->schema, spec, is_deletes, &bytes, b->err));
    const char *path = tarn_arena_format(b->change->arena, "%s/metadata/%s-m0.avro",
                                         b->change->folder, tarn_uuid(uuid));
    TARN_TRY(lake_write_file(b->change, path, tarn_buffer_text(&bytes), b->err));
    tarn_manifest_describe(entries, count, spec, b->sequence_number, b->scope->arena, manifest);
    manifest->location = tarn_arena_format(b->change->arena, "file://%s", path);
    manifest->length = (int64_t)bytes.len;
    manifest->is_deletes = is_deletes;
    manifest->sequence_number = b->sequence_number;
    manifest->added_snapshot_id = b->snapshot_id;
    b->manifest_count++;
    return TARN_OK;
}

static bool same_partition(const struct tarn_data_file *a, const struct tarn_data_file *b)
{
    for (size_t i = 0; i < a->partition_count && i < b->partition_count; i++)
        if (!a->partition[i].data != !b->partition[i].data ||
            (a->partition[i].data && !tarn_text_equal(a->partition[i], b->partition[i])))
            return false;
    return a->partition_count == b->partition_count;
}

static bool is_partition_replaced(const struct building *b, const struct tarn_data_file *file)
{
    for (size_t i = 0; i < b->change->added_count; i++)
        if (same_partition(file, b->change->added[i]))
            return true;
    return false;
}

static bool is_removed(const struct building *b, const struct tarn_entry *entry)
{
    const struct lake_change *change = b->change;
    if (entry->status == TARN_ENTRY_DELETED)
        return false;
    if (change->remove_all || (change->drop_deletes && entry->file->content != TARN_CONTENT_DATA))
        return true;
    if (change->replace_partitions)
        return is_partition_replaced(b, entry->file);
    for (size_t i = 0; i < change->removed_count; i++)
        if (strcmp(change->removed[i], entry->file->location) == 0)
            return true;
    return false;
}

static void count_removed(struct building *b, const struct tarn_data_file *file)
{
    if (file->content != TARN_CONTENT_DATA) {
        b->removed_delete_files++;
        return;
    }
    b->removed.files++;
    b->removed.rows += file->record_count;
    b->removed.bytes += file->size_bytes;
}

/* Writes the manifest again without the removed files; as it is when it loses none. */
static enum tarn_status filter_manifest(struct building *b,
                                        const struct tarn_manifest_file *manifest)
{
    const struct tarn_spec *spec = tarn_metadata_spec(b->current, manifest->spec_id);
    const struct tarn_entry *entries;
    size_t count, kept = 0, gone = 0;
    TARN_TRY(lake_load_entries(b->scope, b->current, manifest, &entries, &count, b->err));
    struct tarn_entry *out = tarn_arena_array(b->scope->arena, count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].status == TARN_ENTRY_DELETED)
            continue; /* only the snapshot that removed a file lists it as DELETED */
        struct tarn_entry *entry = &out[kept++];
        *entry = entries[i];
        entry->status = TARN_ENTRY_EXISTING;
        if (!is_removed(b, &entries[i]))
            continue;
        entry->status = TARN_ENTRY_DELETED;
        entry->snapshot_id = b->snapshot_id;
        count_removed(b, entry->file);
        gone++;
    }
    if (gone > 0)
        return write_manifest(b, out, kept, spec, manifest->is_deletes);
    b->manifests[b->manifest_count++] = *manifest;
    return TARN_OK;
}

static bool may_lose_files(const struct building *b)
{
    const struct lake_change *change = b->change;
    return change->remove_all || change->replace_partitions || change->removed_count > 0 ||
           change->drop_deletes;
}

static bool is_live(const struct tarn_manifest_file *manifest)
{
    return manifest->added_files != 0 || manifest->existing_files != 0; /* -1: not known */
}

static enum tarn_status check_replaced_spec(const struct building *b,
                                            const struct tarn_manifest_file *manifest)
{
    if (!b->change->replace_partitions || manifest->spec_id == b->spec.id)
        return TARN_OK;
    return tarn_fail(
        b->err, TARN_INVALID,
        "replacing partitions of %s.%s: it has files of an older partitioning; overwrite the whole "
        "table once",
        b->change->ns, b->change->name);
}

static enum tarn_status carry_over(struct building *b)
{
    const struct tarn_manifest_file *manifests = NULL;
    size_t count = 0;
    if (b->current && b->current->snapshot)
        TARN_TRY(lake_load_manifests(b->scope, b->current->snapshot, &manifests, &count, b->err));
    b->manifests = tarn_arena_array(b->scope->arena, count + 1, sizeof *b->manifests);
    for (size_t i = 0; i < count; i++) {
        if (!is_live(&manifests[i]))
            continue;
        TARN_TRY(check_replaced_spec(b, &manifests[i]));
        if (may_lose_files(b))
            TARN_TRY(filter_manifest(b, &manifests[i]));
        else
            b->manifests[b->manifest_count++] = manifests[i];
    }
    return TARN_OK;
}

/* Copy-on-write must find every file that it replaces. */
static enum tarn_status check_removed(const struct building *b)
{
    if (b->change->remove_all || b->change->replace_partitions ||
        (size_t)b->removed.files == b->change->removed_count)
        return TARN_OK;
    return tarn_fail(b->err, TARN_CONFLICT,
                     "committing %s.%s: files that it replaces are gone; run it again",
                     b->change->ns, b->change->name);
}

static enum tarn_status write_added(struct building *b)
{
    struct lake_change *change = b->change;
    if (change->added_count == 0)
        return TARN_OK;
    struct tarn_entry *entries =
        tarn_arena_array(b->scope->arena, change->added_count, sizeof *entries);
    for (size_t i = 0; i < change->added_count; i++) {
        change->added[i]->spec_id = b->spec.id;
        entries[i] =
            (struct tarn_entry){TARN_ENTRY_ADDED, b->snapshot_id, -1, -1, change->added[i]};
        b->added.files++;
        b->added.rows += change->added[i]->record_count;
        b->added.bytes += change->added[i]->size_bytes;
        bool first = true;
        for (size_t j = 0; j < i && first && i < 1000; j++)
            first = !same_partition(change->added[i], change->added[j]);
        b->partitions += first;
    }
    return write_manifest(b, entries, change->added_count, &b->spec, false);
}

/* ---- merging ---- */

static bool is_mergeable(const struct building *b, const struct tarn_manifest_file *manifest,
                         int spec_id)
{
    return !manifest->is_deletes && manifest->spec_id == spec_id &&
           manifest->length < MERGE_MANIFEST_BYTES / 2 && manifest->deleted_files == 0 &&
           manifest->added_snapshot_id != b->snapshot_id;
}

static enum tarn_status merge(struct building *b, const struct tarn_spec *spec)
{
    struct tarn_manifest_file *old = b->manifests;
    size_t old_count = b->manifest_count, total = 0, at = 0;
    for (size_t i = 0; i < old_count; i++)
        if (is_mergeable(b, &old[i], spec->id))
            total += (size_t)(old[i].added_files + old[i].existing_files);
    struct tarn_entry *all = tarn_arena_array(b->scope->arena, total, sizeof *all);
    b->manifests = tarn_arena_array(b->scope->arena, old_count + 1, sizeof *b->manifests);
    b->manifest_count = 0;
    for (size_t i = 0; i < old_count; i++) {
        const struct tarn_entry *entries;
        size_t count;
        if (!is_mergeable(b, &old[i], spec->id)) {
            b->manifests[b->manifest_count++] = old[i];
            continue;
        }
        TARN_TRY(lake_load_entries(b->scope, b->current, &old[i], &entries, &count, b->err));
        for (size_t e = 0; e < count && at < total; e++) {
            all[at] = entries[e];
            all[at++].status = TARN_ENTRY_EXISTING;
        }
    }
    return write_manifest(b, all, at, spec, false);
}

static enum tarn_status merge_small(struct building *b)
{
    for (size_t s = 0; b->current && s < b->current->spec_count; s++) {
        const struct tarn_spec *spec = &b->current->specs[s];
        size_t small = 0;
        for (size_t i = 0; i < b->manifest_count; i++)
            small += is_mergeable(b, &b->manifests[i], spec->id);
        if (small >= MERGE_MANIFESTS_FROM)
            TARN_TRY(merge(b, spec));
    }
    return TARN_OK;
}

/* ---- the snapshot ---- */

static void put_counter(json_t *summary, const char *key, int64_t value, bool always)
{
    if (value != 0 || always)
        json_object_set_new(summary, key, json_sprintf("%" PRId64, value));
}

static json_t *summary_json(const struct building *b)
{
    const struct lake_change *change = b->change;
    const struct tarn_snapshot *parent = b->current ? b->current->snapshot : NULL;
    bool emptied = change->remove_all;
    json_t *summary = json_object();
    json_object_set_new(summary, "operation", json_string(change->operation));
    put_counter(summary, "added-data-files", b->added.files, false);
    put_counter(summary, "added-records", b->added.rows, false);
    put_counter(summary, "added-files-size", b->added.bytes, false);
    put_counter(summary, "deleted-data-files", b->removed.files, false);
    put_counter(summary, "deleted-records", b->removed.rows, false);
    put_counter(summary, "removed-files-size", b->removed.bytes, false);
    put_counter(summary, "removed-delete-files", b->removed_delete_files, false);
    put_counter(summary, "changed-partition-count", b->partitions, b->added.files > 0);
    int64_t rows = emptied ? 0 : tarn_snapshot_counter(parent, "total-records") - b->removed.rows;
    int64_t bytes =
        emptied ? 0 : tarn_snapshot_counter(parent, "total-files-size") - b->removed.bytes;
    int64_t files =
        emptied ? 0 : tarn_snapshot_counter(parent, "total-data-files") - b->removed.files;
    int64_t deletes = tarn_snapshot_counter(parent, "total-delete-files") - b->removed_delete_files;
    put_counter(summary, "total-records", rows + b->added.rows, true);
    put_counter(summary, "total-files-size", bytes + b->added.bytes, true);
    put_counter(summary, "total-data-files", files + b->added.files, true);
    put_counter(summary, "total-delete-files", emptied || deletes < 0 ? 0 : deletes, true);
    json_object_set_new(summary, "engine-name", json_string("tarn"));
    json_object_set_new(summary, "engine-version", json_string(TARN_VERSION));
    for (size_t i = 0; i < change->summary_count; i++)
        if (change->summary[i].value)
            json_object_set_new(summary, change->summary[i].key,
                                json_string(change->summary[i].value));
    return summary;
}

/* Positive and below 2^53: JSON readers that hold numbers as doubles must not round it. */
static int64_t new_snapshot_id(const struct tarn_metadata *current)
{
    int64_t id;
    do {
        tarn_random_bytes(&id, sizeof id);
        id &= ((int64_t)1 << 53) - 1;
    } while (id == 0 || (current && tarn_metadata_snapshot(current, id)));
    return id;
}

static enum tarn_status write_list(struct building *b, int64_t parent_id, const char **ret_location)
{
    char uuid[TARN_UUID_BYTES];
    TARN_BUFFER(bytes, TARN_MANIFEST_MAX_BYTES);
    TARN_TRY(tarn_manifest_list_write(b->manifests, b->manifest_count, b->snapshot_id, parent_id,
                                      b->sequence_number, &bytes, b->err));
    const char *path = tarn_arena_format(b->change->arena, "%s/metadata/snap-%" PRId64 "-1-%s.avro",
                                         b->change->folder, b->snapshot_id, tarn_uuid(uuid));
    *ret_location = tarn_arena_format(b->change->arena, "file://%s", path);
    return lake_write_file(b->change, path, tarn_buffer_text(&bytes), b->err);
}

static void add_snapshot(struct building *b, int64_t parent_id, const char *manifest_list)
{
    int64_t now_ms = tarn_now_us() / 1000;
    if (b->current && now_ms < b->current->last_updated_ms)
        now_ms = b->current->last_updated_ms;
    json_t *json = json_object();
    json_object_set_new(json, "snapshot-id", json_integer(b->snapshot_id));
    if (parent_id)
        json_object_set_new(json, "parent-snapshot-id", json_integer(parent_id));
    json_object_set_new(json, "sequence-number", json_integer(b->sequence_number));
    json_object_set_new(json, "timestamp-ms", json_integer(now_ms));
    json_object_set_new(json, "manifest-list", json_string(manifest_list));
    json_object_set_new(json, "summary", summary_json(b));
    json_object_set_new(json, "schema-id", json_integer(b->schema.id));
    tarn_metadata_add_snapshot(b->edit, json);
}

/* Keeps the metadata small when nobody expires snapshots: beyond a thousand the oldest are
 * forgotten, their files go with the next sweep. */
static void forget_oldest(struct building *b)
{
    size_t have = b->current ? b->current->snapshot_count : 0;
    if (have < SNAPSHOTS_MAX)
        return;
    size_t count = have - SNAPSHOTS_MAX + SNAPSHOTS_MAX / 10;
    int64_t *ids = tarn_arena_array(b->scope->arena, count, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = b->current->snapshots[i].id;
    (void)tarn_metadata_remove_snapshots(b->edit, ids, count);
}

enum tarn_status lake_build_snapshot(struct lake_scope *scope, struct lake_change *change,
                                     const struct tarn_metadata *current,
                                     struct tarn_metadata_edit *edit, struct tarn_error *err)
{
    struct building b = {
        .scope = scope, .change = change, .current = current, .edit = edit, .err = err};
    int64_t parent_id = current && current->snapshot ? current->snapshot->id : 0;
    const char *list;
    b.snapshot_id = new_snapshot_id(current);
    b.sequence_number = (current ? current->last_sequence_number : 0) + 1;
    read_schema(&b);
    read_spec(&b);
    TARN_TRY(carry_over(&b));
    TARN_TRY(check_removed(&b));
    TARN_TRY(merge_small(&b));
    TARN_TRY(write_added(&b));
    TARN_TRY(write_list(&b, parent_id, &list));
    add_snapshot(&b, parent_id, list);
    forget_oldest(&b);
    change->snapshot_id = b.snapshot_id;
    if (change->remove_all || change->replace_partitions)
        change->deleted_rows = b.removed.rows;
    return TARN_OK;
}
