/* lake/metadata_edit.c -- changes to table metadata, see metadata.h.
 *
 * An edit shares every part of the base's JSON that it does not change: the object is copied one
 * level deep, and an array that is added to is copied before. The base stays as it is. */
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "lake/metadata.h"

/* The array under `key`, safe to change: a copy of the base's, or a new one. */
static json_t *own_array(struct tarn_metadata_edit *edit, const char *key)
{
    json_t *old = json_object_get(edit->json, key);
    json_t *own = json_is_array(old) ? json_copy(old) : json_array();
    json_object_set_new(edit->json, key, own);
    return own;
}

static json_t *own_object(struct tarn_metadata_edit *edit, const char *key)
{
    json_t *old = json_object_get(edit->json, key);
    json_t *own = json_is_object(old) ? json_copy(old) : json_object();
    json_object_set_new(edit->json, key, own);
    return own;
}

static json_t *unpartitioned_spec(void)
{
    return json_pack("{s:i, s:[]}", "spec-id", 0, "fields");
}

struct tarn_metadata_edit tarn_metadata_create(const char *location,
                                               const struct tarn_iceberg_schema *schema,
                                               int last_column_id)
{
    char uuid[TARN_UUID_BYTES];
    struct tarn_iceberg_schema first = *schema;
    first.id = 0;
    json_t *json = json_object();
    json_object_set_new(json, "format-version", json_integer(2));
    json_object_set_new(json, "table-uuid", json_string(tarn_uuid(uuid)));
    json_object_set_new(json, "location", json_sprintf("file://%s", location));
    json_object_set_new(json, "last-sequence-number", json_integer(0));
    json_object_set_new(json, "last-updated-ms", json_integer(0));
    json_object_set_new(json, "last-column-id", json_integer(last_column_id));
    json_object_set_new(json, "schemas", json_pack("[o]", tarn_iceberg_schema_json(&first)));
    json_object_set_new(json, "current-schema-id", json_integer(0));
    json_object_set_new(json, "partition-specs", json_pack("[o]", unpartitioned_spec()));
    json_object_set_new(json, "default-spec-id", json_integer(0));
    json_object_set_new(json, "last-partition-id", json_integer(999));
    json_object_set_new(json, "sort-orders", json_pack("[{s:i, s:[]}]", "order-id", 0, "fields"));
    json_object_set_new(json, "default-sort-order-id", json_integer(0));
    json_object_set_new(json, "properties", json_object());
    json_object_set_new(json, "refs", json_object());
    json_object_set_new(json, "snapshots", json_array());
    json_object_set_new(json, "snapshot-log", json_array());
    json_object_set_new(json, "metadata-log", json_array());
    return (struct tarn_metadata_edit){json, NULL};
}

struct tarn_metadata_edit tarn_metadata_edit(const struct tarn_metadata *base)
{
    json_t *json = json_copy((json_t *)(uintptr_t)base->json);
    if (base->format_version <
        2) { /* spec, "Version 2": writers upgrade by leaving v1's own fields out */
        json_object_set_new(json, "format-version", json_integer(2));
        json_object_set_new(json, "last-sequence-number", json_integer(base->last_sequence_number));
        json_object_set_new(json, "last-partition-id", json_integer(base->last_partition_id));
        json_object_del(json, "schema");
        json_object_del(json, "partition-spec");
    }
    return (struct tarn_metadata_edit){json, base};
}

void tarn_metadata_edit_release(struct tarn_metadata_edit *edit)
{
    json_decref(edit->json);
    edit->json = NULL;
}

int tarn_metadata_set_schema(struct tarn_metadata_edit *edit,
                             const struct tarn_iceberg_schema *schema, int last_column_id)
{
    json_int_t before = json_integer_value(json_object_get(edit->json, "last-column-id"));
    if (last_column_id > before)
        json_object_set_new(edit->json, "last-column-id", json_integer(last_column_id));
    json_t *schemas = own_array(edit, "schemas");
    json_t *wanted = tarn_iceberg_schema_json(schema);
    json_int_t id = -1, max_id = -1;
    for (size_t i = 0; i < json_array_size(schemas) && id < 0; i++) {
        json_t *have = json_array_get(schemas, i);
        json_int_t have_id = json_integer_value(json_object_get(have, "schema-id"));
        max_id = have_id > max_id ? have_id : max_id;
        if (json_equal(json_object_get(have, "fields"), json_object_get(wanted, "fields")))
            id = have_id;
    }
    if (id < 0) {
        id = max_id + 1;
        json_object_set_new(wanted, "schema-id", json_integer(id));
        json_array_append(schemas, wanted);
    }
    json_decref(wanted);
    json_object_set_new(edit->json, "current-schema-id", json_integer(id));
    return (int)id;
}

static json_t *spec_field_json(const struct tarn_spec_want *want, json_int_t field_id)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    json_t *json = json_object();
    json_object_set_new(json, "source-id", json_integer(want->source_id));
    json_object_set_new(json, "field-id", json_integer(field_id));
    json_object_set_new(json, "name", json_string(want->name));
    json_object_set_new(json, "transform",
                        json_string(tarn_transform_text(want->transform, arena)));
    return json;
}

/* Equal but for the field id (spec, "Partition Evolution"). */
static bool same_field(const json_t *have, const json_t *wanted)
{
    static const char *const keys[] = {"source-id", "name", "transform"};
    for (size_t i = 0; i < TARN_COUNT(keys); i++)
        if (!json_equal(json_object_get(have, keys[i]), json_object_get(wanted, keys[i])))
            return false;
    return true;
}

static json_int_t reused_field_id(const json_t *specs, const json_t *wanted)
{
    for (size_t i = 0; i < json_array_size(specs); i++) {
        const json_t *fields = json_object_get(json_array_get(specs, i), "fields");
        for (size_t f = 0; f < json_array_size(fields); f++)
            if (same_field(json_array_get(fields, f), wanted))
                return json_integer_value(json_object_get(json_array_get(fields, f), "field-id"));
    }
    return -1;
}

static json_t *wanted_fields(struct tarn_metadata_edit *edit, const json_t *specs,
                             const struct tarn_spec_want *fields, size_t count)
{
    json_int_t last = json_integer_value(json_object_get(edit->json, "last-partition-id"));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *field = spec_field_json(&fields[i], 0);
        json_int_t id = reused_field_id(specs, field);
        json_object_set_new(field, "field-id", json_integer(id >= 0 ? id : ++last));
        json_array_append_new(list, field);
    }
    json_object_set_new(edit->json, "last-partition-id", json_integer(last));
    return list;
}

void tarn_metadata_set_spec(struct tarn_metadata_edit *edit, const struct tarn_spec_want *fields,
                            size_t count)
{
    json_t *specs = own_array(edit, "partition-specs");
    if (!edit->base) /* a new table starts with the spec it is declared with */
        json_array_clear(specs);
    json_t *wanted = wanted_fields(edit, specs, fields, count);
    json_int_t id = -1, max_id = -1;
    for (size_t i = 0; i < json_array_size(specs) && id < 0; i++) {
        const json_t *have = json_array_get(specs, i);
        json_int_t have_id = json_integer_value(json_object_get(have, "spec-id"));
        max_id = have_id > max_id ? have_id : max_id;
        if (json_equal(json_object_get(have, "fields"), wanted))
            id = have_id;
    }
    if (id < 0) {
        id = max_id + 1;
        json_array_append_new(specs, json_pack("{s:I, s:O}", "spec-id", id, "fields", wanted));
    }
    json_decref(wanted);
    json_object_set_new(edit->json, "default-spec-id", json_integer(id));
}

void tarn_metadata_set_property(struct tarn_metadata_edit *edit, const char *key, const char *value)
{
    json_t *properties = own_object(edit, "properties");
    if (value)
        json_object_set_new(properties, key, json_string(value));
    else
        json_object_del(properties, key);
}

void tarn_metadata_add_snapshot(struct tarn_metadata_edit *edit, json_t *snapshot_json)
{
    json_t *id = json_object_get(snapshot_json, "snapshot-id");
    json_object_set(edit->json, "last-sequence-number",
                    json_object_get(snapshot_json, "sequence-number"));
    json_object_set(edit->json, "current-snapshot-id", id);
    json_t *main_ref = own_object(edit, "refs");
    json_object_set_new(main_ref, "main",
                        json_pack("{s:O, s:s}", "snapshot-id", id, "type", "branch"));
    json_array_append_new(own_array(edit, "snapshot-log"),
                          json_pack("{s:O, s:O}", "snapshot-id", id, "timestamp-ms",
                                    json_object_get(snapshot_json, "timestamp-ms")));
    json_array_append_new(own_array(edit, "snapshots"), snapshot_json);
}

static bool is_referenced(const json_t *json, json_int_t id)
{
    const char *name;
    json_t *ref;
    if (json_integer_value(json_object_get(json, "current-snapshot-id")) == id)
        return true;
    json_object_foreach (json_object_get(json, "refs"), name, ref)
        if (json_integer_value(json_object_get(ref, "snapshot-id")) == id)
            return true;
    return false;
}

static bool goes(const json_t *json, const json_t *entry, const int64_t *ids, size_t count)
{
    json_int_t id = json_integer_value(json_object_get(entry, "snapshot-id"));
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return !is_referenced(json, id);
    return false;
}

/* The log keeps only what comes after the last forgotten snapshot, so that time travel never finds
 * a gap (spec, "Table Metadata Fields", snapshot-log). */
static void trim_snapshot_log(struct tarn_metadata_edit *edit, const int64_t *ids, size_t count)
{
    json_t *log = own_array(edit, "snapshot-log");
    size_t keep_from = 0;
    for (size_t i = 0; i < json_array_size(log); i++)
        if (goes(edit->json, json_array_get(log, i), ids, count))
            keep_from = i + 1;
    while (keep_from-- > 0)
        json_array_remove(log, 0);
}

size_t tarn_metadata_remove_snapshots(struct tarn_metadata_edit *edit, const int64_t *ids,
                                      size_t count)
{
    trim_snapshot_log(edit, ids, count);
    json_t *snapshots = own_array(edit, "snapshots");
    size_t before = json_array_size(snapshots);
    for (size_t i = before; i > 0; i--)
        if (goes(edit->json, json_array_get(snapshots, i - 1), ids, count))
            json_array_remove(snapshots, i - 1);
    return before - json_array_size(snapshots);
}

static int append_piece(const char *piece, size_t len, void *out)
{
    tarn_buffer_append(out, piece, len);
    return 0;
}

enum tarn_status tarn_metadata_finish(struct tarn_metadata_edit *edit, struct tarn_arena *arena,
                                      struct tarn_buffer *out, const char ***ret_dropped,
                                      size_t *ret_dropped_count, struct tarn_error *err)
{
    json_t *log = own_array(edit, "metadata-log");
    int64_t now_ms = tarn_now_us() / 1000;
    if (edit->base) {
        json_array_append_new(log,
                              json_pack("{s:o, s:I}", "metadata-file",
                                        json_sprintf("file://%s", edit->base->path), "timestamp-ms",
                                        (json_int_t)edit->base->last_updated_ms));
        if (now_ms <=
            edit->base->last_updated_ms) /* a clock that went back must not make time go back */
            now_ms = edit->base->last_updated_ms;
    }
    json_object_set_new(edit->json, "last-updated-ms", json_integer(now_ms));
    size_t size = json_array_size(log);
    size_t dropped = size > TARN_METADATA_LOG_MAX ? size - TARN_METADATA_LOG_MAX : 0;
    const char **paths = tarn_arena_array(arena, dropped, sizeof *paths);
    *ret_dropped_count = 0;
    for (size_t i = 0; i < dropped; i++) {
        const char *file =
            json_string_value(json_object_get(json_array_get(log, 0), "metadata-file"));
        const char *path = file ? tarn_location_path(file) : NULL;
        if (path)
            paths[(*ret_dropped_count)++] = tarn_arena_strdup(arena, path);
        json_array_remove(log, 0);
    }
    *ret_dropped = paths;
    if (json_dump_callback(edit->json, append_piece, out, JSON_COMPACT) != 0)
        return tarn_fail(err, TARN_INVALID,
                         "writing table metadata: a name, comment or property is not valid UTF-8");
    return tarn_buffer_check(out, "table metadata", err);
}
