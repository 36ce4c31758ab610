/* lake/metadata.c -- decoding of table metadata, see metadata.h. Changes are metadata_edit.c. */
#include "lake/metadata.h"

#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

struct counted {
    struct tarn_metadata metadata; /* first: a metadata pointer is a counted pointer */
    struct tarn_arena *arena;
    json_t *json;
    _Atomic int references;
};

static enum tarn_status corrupt(const char *path, const char *what, struct tarn_error *err)
{
    return tarn_fail(
        err, TARN_CORRUPT,
        "reading the table metadata %s: %s; restore the file from a backup, or point the "
        "table at an older metadata file of the same folder",
        path, what);
}

const char *tarn_location_path(const char *location)
{
    if (location[0] == '/')
        return location;
    if (strncmp(location, "file:///", 8) == 0)
        return location + 7;
    if (strncmp(location, "file:/", 6) == 0 && location[6] != '/')
        return location + 5;
    return strstr(location, "://") ? NULL : location;
}

struct tarn_metadata *tarn_metadata_ref(const struct tarn_metadata *metadata)
{
    struct counted *counted = (struct counted *)(uintptr_t)metadata;
    atomic_fetch_add(&counted->references, 1);
    return &counted->metadata;
}

void tarn_metadata_unref(struct tarn_metadata *metadata)
{
    struct counted *counted = (struct counted *)metadata;
    if (!counted || atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    json_decref(counted->json);
    tarn_arena_free(counted->arena);
    free(counted);
}

/* ---- reading fields of the JSON ---- */

static bool get_int64(const json_t *json, const char *key, int64_t *ret_value)
{
    const json_t *value = json_object_get(json, key);
    if (!json_is_integer(value))
        return false;
    *ret_value = json_integer_value(value);
    return true;
}

static bool get_int(const json_t *json, const char *key, int *ret_value)
{
    int64_t value;
    if (!get_int64(json, key, &value) || value < 0 || value > INT_MAX)
        return false;
    *ret_value = (int)value;
    return true;
}

static enum tarn_status parse_schemas(struct counted *c, struct tarn_error *err)
{
    struct tarn_metadata *m = &c->metadata;
    const json_t *list = json_object_get(c->json, "schemas");
    m->schema_count = json_array_size(list);
    m->schemas = tarn_arena_array(c->arena, m->schema_count, sizeof *m->schemas);
    for (size_t i = 0; i < m->schema_count; i++)
        if (tarn_iceberg_schema_parse(json_array_get(list, i), c->arena, &m->schemas[i], err))
            return tarn_error_wrap(err, "reading the table metadata %s", m->path);
    int current;
    if (!get_int(c->json, "current-schema-id", &current) ||
        !(m->schema = tarn_metadata_schema(m, current)))
        return corrupt(m->path, "it has no current schema", err);
    return TARN_OK;
}

static const struct tarn_iceberg_field *find_source(const struct tarn_metadata *m, int id)
{
    const struct tarn_iceberg_field *field = tarn_iceberg_field_by_id(m->schema, id);
    for (size_t i = m->schema_count; !field && i > 0; i--)
        field = tarn_iceberg_field_by_id(&m->schemas[i - 1], id);
    return field;
}

static enum tarn_status parse_spec(struct counted *c, const json_t *json, struct tarn_spec *spec,
                                   struct tarn_error *err)
{
    const json_t *fields = json_object_get(json, "fields");
    if (!get_int(json, "spec-id", &spec->id) || !json_is_array(fields))
        return corrupt(c->metadata.path, "a partition spec is not well formed", err);
    spec->field_count = json_array_size(fields);
    spec->fields = tarn_arena_array(c->arena, spec->field_count, sizeof *spec->fields);
    for (size_t i = 0; i < spec->field_count; i++) {
        const json_t *item = json_array_get(fields, i);
        struct tarn_spec_field *field = &spec->fields[i];
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *transform = json_string_value(json_object_get(item, "transform"));
        if (!name || !transform || !get_int(item, "source-id", &field->source_id))
            return corrupt(c->metadata.path, "a partition field is not well formed", err);
        if (!get_int(item, "field-id", &field->field_id))
            field->field_id = 1000 + (int)i; /* format version 1 */
        field->name = tarn_arena_strdup(c->arena, name);
        field->transform = tarn_transform_parse(transform);
        field->source = find_source(&c->metadata, field->source_id);
        if (field->source)
            field->result = tarn_transform_result(field->transform, field->source->type);
    }
    return TARN_OK;
}

static enum tarn_status parse_specs(struct counted *c, struct tarn_error *err)
{
    struct tarn_metadata *m = &c->metadata;
    const json_t *list = json_object_get(c->json, "partition-specs");
    m->spec_count = json_array_size(list);
    m->specs = tarn_arena_array(c->arena, m->spec_count, sizeof *m->specs);
    for (size_t i = 0; i < m->spec_count; i++)
        TARN_TRY(parse_spec(c, json_array_get(list, i), &m->specs[i], err));
    int id;
    if (!get_int(c->json, "default-spec-id", &id) || !(m->spec = tarn_metadata_spec(m, id)))
        return corrupt(m->path, "it has no default partition spec", err);
    return TARN_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct tarn_snapshot *x = a, *y = b;
    if (x->sequence_number != y->sequence_number)
        return x->sequence_number > y->sequence_number ? 1 : -1;
    return (x->timestamp_ms > y->timestamp_ms) - (x->timestamp_ms < y->timestamp_ms);
}

static enum tarn_status parse_snapshot(struct counted *c, const json_t *json,
                                       struct tarn_snapshot *s, struct tarn_error *err)
{
    const char *list = json_string_value(json_object_get(json, "manifest-list"));
    if (!get_int64(json, "snapshot-id", &s->id) ||
        !get_int64(json, "timestamp-ms", &s->timestamp_ms))
        return corrupt(c->metadata.path, "a snapshot is not well formed", err);
    if (!list)
        return tarn_fail(err, TARN_UNSUPPORTED,
                         "reading the table metadata %s: snapshot %" PRId64
                         " has no manifest list (a "
                         "table of 2018); rewrite it with a current engine",
                         c->metadata.path, s->id);
    if (!get_int64(json, "parent-snapshot-id", &s->parent_id))
        s->parent_id = 0;
    if (!get_int64(json, "sequence-number", &s->sequence_number))
        s->sequence_number = 0;
    if (!get_int(json, "schema-id", &s->schema_id))
        s->schema_id = -1;
    s->manifest_list = list; /* lives as long as the JSON */
    s->summary = json_object_get(json, "summary");
    return TARN_OK;
}

static enum tarn_status parse_snapshots(struct counted *c, struct tarn_error *err)
{
    struct tarn_metadata *m = &c->metadata;
    const json_t *list = json_object_get(c->json, "snapshots");
    m->snapshot_count = json_array_size(list);
    m->snapshots = tarn_arena_array(c->arena, m->snapshot_count, sizeof *m->snapshots);
    for (size_t i = 0; i < m->snapshot_count; i++)
        TARN_TRY(parse_snapshot(c, json_array_get(list, i), &m->snapshots[i], err));
    if (m->snapshot_count > 1)
        qsort(m->snapshots, m->snapshot_count, sizeof *m->snapshots, by_time);
    int64_t current = -1;
    if (!get_int64(c->json, "current-snapshot-id", &current) || current == -1)
        return TARN_OK;
    if (!(m->snapshot = tarn_metadata_snapshot(m, current)))
        return corrupt(m->path, "its current snapshot is not among its snapshots", err);
    return TARN_OK;
}

static enum tarn_status parse_head(struct counted *c, struct tarn_error *err)
{
    struct tarn_metadata *m = &c->metadata;
    if (!json_is_object(c->json) || !get_int(c->json, "format-version", &m->format_version))
        return corrupt(m->path, "it is no table metadata", err);
    if (m->format_version < 1 || m->format_version > 2)
        return tarn_fail(
            err, TARN_UNSUPPORTED,
            "reading the table metadata %s: the table is of Iceberg format version %d, Tarn "
            "reads 1 and 2; write it with 'format-version' = '2'",
            m->path, m->format_version);
    const char *location = json_string_value(json_object_get(c->json, "location"));
    const char *uuid = json_string_value(json_object_get(c->json, "table-uuid"));
    if (!location || !get_int64(c->json, "last-updated-ms", &m->last_updated_ms) ||
        !get_int(c->json, "last-column-id", &m->last_column_id))
        return corrupt(m->path, "location, last-updated-ms or last-column-id is missing", err);
    m->uuid = uuid ? uuid : "";
    m->location = tarn_location_path(location);
    if (!m->location)
        return tarn_fail(
            err, TARN_UNSUPPORTED,
            "reading the table metadata %s: the table lies at %s, Tarn reads local files", m->path,
            location);
    if (!get_int64(c->json, "last-sequence-number", &m->last_sequence_number))
        m->last_sequence_number = 0;
    if (!get_int(c->json, "last-partition-id", &m->last_partition_id))
        m->last_partition_id = 999;
    return TARN_OK;
}

static enum tarn_status parse_all(struct counted *c, struct tarn_error *err)
{
    TARN_TRY(parse_head(c, err));
    TARN_TRY(parse_schemas(c, err));
    TARN_TRY(parse_specs(c, err));
    return parse_snapshots(c, err);
}

enum tarn_status tarn_metadata_of(json_t *json, const char *path,
                                  struct tarn_metadata **ret_metadata, struct tarn_error *err)
{
    struct counted *c = tarn_alloc(sizeof *c);
    c->arena = tarn_arena_new();
    c->json = json;
    c->metadata.json = json;
    c->metadata.path = tarn_arena_strdup(c->arena, path);
    atomic_store(&c->references, 1);
    enum tarn_status status = parse_all(c, err);
    if (status != TARN_OK)
        tarn_metadata_unref(&c->metadata);
    else
        *ret_metadata = &c->metadata;
    return status;
}

enum tarn_status tarn_metadata_parse(struct tarn_text bytes, const char *path,
                                     struct tarn_metadata **ret_metadata, struct tarn_error *err)
{
    json_error_t where;
    json_t *json = json_loadb(bytes.data ? bytes.data : "", bytes.len, 0, &where);
    if (!json)
        return corrupt(path, "it is not valid JSON", err);
    return tarn_metadata_of(json, path, ret_metadata, err);
}

/* ---- looking up ---- */

const struct tarn_snapshot *tarn_metadata_snapshot(const struct tarn_metadata *metadata, int64_t id)
{
    for (size_t i = metadata->snapshot_count; i > 0; i--)
        if (metadata->snapshots[i - 1].id == id)
            return &metadata->snapshots[i - 1];
    return NULL;
}

const struct tarn_snapshot *tarn_metadata_snapshot_at(const struct tarn_metadata *metadata,
                                                      int64_t timestamp_ms)
{
    const json_t *log = json_object_get(metadata->json, "snapshot-log");
    for (size_t i = json_array_size(log); i > 0; i--) {
        int64_t at, id;
        const json_t *entry = json_array_get(log, i - 1);
        if (get_int64(entry, "timestamp-ms", &at) && get_int64(entry, "snapshot-id", &id) &&
            at <= timestamp_ms)
            return tarn_metadata_snapshot(metadata, id);
    }
    return NULL;
}

const struct tarn_spec *tarn_metadata_spec(const struct tarn_metadata *metadata, int id)
{
    for (size_t i = 0; i < metadata->spec_count; i++)
        if (metadata->specs[i].id == id)
            return &metadata->specs[i];
    return NULL;
}

const struct tarn_iceberg_schema *tarn_metadata_schema(const struct tarn_metadata *metadata, int id)
{
    for (size_t i = 0; i < metadata->schema_count; i++)
        if (metadata->schemas[i].id == id)
            return &metadata->schemas[i];
    return NULL;
}

const char *tarn_metadata_property(const struct tarn_metadata *metadata, const char *key)
{
    return json_string_value(json_object_get(json_object_get(metadata->json, "properties"), key));
}

int64_t tarn_snapshot_counter(const struct tarn_snapshot *snapshot, const char *key)
{
    int64_t value = 0;
    const char *text = snapshot ? json_string_value(json_object_get(snapshot->summary, key)) : NULL;
    return text && tarn_text_to_int64(tarn_text_of(text), &value) ? value : 0;
}
