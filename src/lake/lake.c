/* lake/lake.c -- opening a lake, names, and what there is in it, see lake.h. */
#include "lake/lake_int.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum tarn_status tarn_lake_open(struct tarn_state *state, const char *root,
                                struct tarn_lake **ret_lake, struct tarn_error *err)
{
    char absolute[PATH_MAX];
    TARN_AUTO_FREE char *locks = tarn_path_join(root, ".lock");
    TARN_TRY(tarn_directory_make(locks, err));
    if (!realpath(root, absolute))
        return tarn_fail_errno(err, "opening the lake %s", root);
    struct tarn_lake *lake = tarn_alloc(sizeof *lake);
    lake->state = state;
    lake->root = tarn_strdup(absolute);
    pthread_mutex_init(&lake->cache_lock, NULL);
    pthread_mutex_init(&lake->gate_lock, NULL);
    pthread_mutex_init(&lake->attach_lock, NULL);
    pthread_cond_init(&lake->gate_open, NULL);
    *ret_lake = lake;
    return TARN_OK;
}

void tarn_lake_close(struct tarn_lake *lake)
{
    if (!lake)
        return;
    lake_cache_free(lake);
    lake_gates_free(lake);
    lake_attached_free(lake);
    pthread_mutex_destroy(&lake->cache_lock);
    pthread_mutex_destroy(&lake->gate_lock);
    pthread_mutex_destroy(&lake->attach_lock);
    pthread_cond_destroy(&lake->gate_open);
    free(lake->root);
    free(lake);
}

/* ---- names ---- */

enum tarn_status lake_check_name(const char *ns, const char *name, struct tarn_error *err)
{
    const char *const parts[] = {ns, name};
    for (size_t i = 0; i < TARN_COUNT(parts); i++) {
        struct tarn_text text = tarn_text_of(parts[i]);
        if (text.len == 0)
            return tarn_fail(err, TARN_INVALID, "a table needs a namespace and a name; got '%s.%s'",
                             ns ? ns : "", name ? name : "");
        if (text.len > LAKE_NAME_MAX_BYTES || tarn_utf8_valid_prefix(text) != text.len)
            return tarn_fail(err, TARN_INVALID,
                             "the name '%.60s...' is longer than %d bytes or not valid UTF-8",
                             parts[i], LAKE_NAME_MAX_BYTES);
    }
    return TARN_OK;
}

static void write_folder_name(struct tarn_buffer *out, const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '_' || *p == '-' ||
                     (*p == '.' && p != (const unsigned char *)name);
        if (plain)
            tarn_buffer_append_char(out, (char)*p);
        else
            tarn_buffer_printf(out, "~%02X", *p);
    }
}

char *lake_folder(struct tarn_lake *lake, const char *ns, const char *name,
                  struct tarn_arena *arena)
{
    TARN_BUFFER(path, PATH_MAX * 2);
    tarn_buffer_printf(&path, "%s/", lake->root);
    write_folder_name(&path, ns);
    tarn_buffer_append_char(&path, '/');
    write_folder_name(&path, name);
    return tarn_arena_strdup(arena, tarn_buffer_str(&path));
}

enum tarn_status lake_not_found(struct tarn_lake *lake, const char *ns, const char *name,
                                struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_catalog_entry *entries;
    size_t count;
    TARN_TRY(tarn_catalog_list(lake->state, NULL, arena, &entries, &count, err));
    const char **names = tarn_arena_array(arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = tarn_arena_format(arena, "%s.%s", entries[i].ns, entries[i].name);
    const char *wanted = tarn_arena_format(arena, "%s.%s", ns, name);
    const char *nearest = tarn_text_nearest(wanted, names, count);
    return tarn_fail(err, TARN_NOT_FOUND,
                     "there is no table or view %s%s%s%s; `tarn tables` lists them", wanted,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* ---- what there is ---- */

enum tarn_status tarn_lake_list(struct tarn_lake *lake, const char *ns, struct tarn_arena *arena,
                                struct tarn_lake_list *ret_list, struct tarn_error *err)
{
    struct tarn_catalog_entry *entries;
    size_t count;
    TARN_TRY(tarn_catalog_list(lake->state, ns, arena, &entries, &count, err));
    ret_list->entries = tarn_arena_array(arena, count, sizeof *ret_list->entries);
    ret_list->count = count;
    for (size_t i = 0; i < count; i++)
        ret_list->entries[i] =
            (struct tarn_lake_entry){entries[i].ns, entries[i].name, entries[i].is_view};
    return TARN_OK;
}

enum tarn_status tarn_lake_namespaces(struct tarn_lake *lake, struct tarn_arena *arena,
                                      const char ***ret_names, size_t *ret_count,
                                      struct tarn_error *err)
{
    return tarn_catalog_namespaces(lake->state, arena, ret_names, ret_count, err);
}

enum tarn_status tarn_lake_create_namespace(struct tarn_lake *lake, const char *ns,
                                            struct tarn_error *err)
{
    TARN_TRY(lake_check_name(ns, "t", err));
    return tarn_catalog_add_namespace(lake->state, ns, err);
}

enum tarn_status tarn_lake_kind_of(struct tarn_lake *lake, const char *ns, const char *name,
                                   enum tarn_lake_kind *ret_kind, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(lake->state, ns, name, arena, &found, &entry, err));
    *ret_kind = !found ? TARN_LAKE_NOTHING : entry.is_view ? TARN_LAKE_VIEW : TARN_LAKE_TABLE;
    return TARN_OK;
}

/* ---- describe ---- */

static void describe_columns(const struct tarn_iceberg_schema *schema, struct tarn_arena *arena,
                             struct tarn_lake_table *table)
{
    table->column_count = schema->field_count;
    table->columns = tarn_arena_array(arena, schema->field_count, sizeof *table->columns);
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct tarn_iceberg_field *field = &schema->fields[i];
        table->columns[i] = (struct tarn_lake_column){
            .id = field->id,
            .name = tarn_arena_strdup(arena, field->name),
            .type = tarn_iceberg_type_text(field->type, arena),
            .duckdb_type = tarn_iceberg_duckdb_text(field->type, arena),
            .doc = tarn_arena_strdup(arena, field->doc ? field->doc : ""),
            .required = field->required,
        };
    }
}

static void describe_partition(const struct tarn_spec *spec, struct tarn_arena *arena,
                               struct tarn_lake_table *table)
{
    table->partition_count = spec->field_count;
    table->partition = tarn_arena_array(arena, spec->field_count, sizeof *table->partition);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_spec_field *field = &spec->fields[i];
        table->partition[i] = (struct tarn_lake_partition_field){
            .name = tarn_arena_strdup(arena, field->name),
            .column = tarn_arena_strdup(arena, field->source ? field->source->name : "(dropped)"),
            .transform = tarn_transform_text(field->transform, arena),
        };
    }
}

static struct tarn_lake_snapshot describe_snapshot(const struct tarn_snapshot *snapshot,
                                                   struct tarn_arena *arena)
{
    const char *operation = json_string_value(json_object_get(snapshot->summary, "operation"));
    TARN_AUTO_FREE char *summary =
        snapshot->summary ? json_dumps(snapshot->summary, JSON_COMPACT) : NULL;
    return (struct tarn_lake_snapshot){
        .id = snapshot->id,
        .parent_id = snapshot->parent_id,
        .sequence_number = snapshot->sequence_number,
        .time_us = snapshot->timestamp_ms * 1000,
        .operation = tarn_arena_strdup(arena, operation ? operation : ""),
        .added_rows = tarn_snapshot_counter(snapshot, "added-records"),
        .deleted_rows = tarn_snapshot_counter(snapshot, "deleted-records"),
        .total_rows = tarn_snapshot_counter(snapshot, "total-records"),
        .total_files = tarn_snapshot_counter(snapshot, "total-data-files"),
        .summary_json = tarn_arena_strdup(arena, summary ? summary : "{}"),
    };
}

static void describe_properties(const struct tarn_metadata *metadata, struct tarn_arena *arena,
                                struct tarn_lake_table *table)
{
    json_t *properties = json_object_get(metadata->json, "properties");
    const char *key;
    json_t *value;
    table->properties =
        tarn_arena_array(arena, json_object_size(properties), sizeof *table->properties);
    json_object_foreach (properties, key, value) {
        const char *text = json_string_value(value);
        table->properties[table->property_count++] = (struct tarn_lake_property){
            tarn_arena_strdup(arena, key), tarn_arena_strdup(arena, text ? text : "")};
    }
}

static enum tarn_status count_files(struct lake_scope *scope, const struct tarn_metadata *metadata,
                                    const struct tarn_snapshot *snapshot,
                                    struct tarn_lake_table *table, struct tarn_error *err)
{
    struct lake_plan plan;
    TARN_TRY(lake_plan_files(scope, metadata, snapshot, NULL, 0, &plan, err));
    table->file_count = (int64_t)plan.file_count;
    for (size_t i = 0; i < plan.file_count; i++) {
        table->rows += plan.files[i]->file->record_count;
        table->size_bytes += plan.files[i]->file->size_bytes;
    }
    return TARN_OK;
}

const struct tarn_iceberg_schema *lake_schema_at(const struct tarn_metadata *metadata,
                                                 const struct tarn_snapshot *snapshot)
{
    const struct tarn_iceberg_schema *schema = NULL;
    if (snapshot && snapshot != metadata->snapshot && snapshot->schema_id >= 0)
        schema = tarn_metadata_schema(metadata, snapshot->schema_id);
    return schema ? schema : metadata->schema;
}

enum tarn_status tarn_lake_describe(struct tarn_lake *lake, const char *ns, const char *name,
                                    struct tarn_lake_at at, struct tarn_arena *arena,
                                    struct tarn_lake_table *ret_table, struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    const struct tarn_metadata *metadata;
    const struct tarn_snapshot *snapshot = NULL;
    TARN_TRY(lake_load_table(&scope, ns, name, &metadata, err));
    TARN_TRY(lake_find_snapshot(metadata, at, ns, name, &snapshot, err));
    struct tarn_lake_table table = {
        .ns = tarn_arena_strdup(arena, ns),
        .name = tarn_arena_strdup(arena, name),
        .uuid = tarn_arena_strdup(arena, metadata->uuid),
        .location = tarn_arena_strdup(arena, metadata->location),
        .metadata_location = tarn_arena_strdup(arena, metadata->path),
        .format_version = metadata->format_version,
        .snapshot_id = snapshot ? snapshot->id : 0,
        .snapshot_count = metadata->snapshot_count,
    };
    describe_columns(lake_schema_at(metadata, snapshot), arena, &table);
    describe_partition(metadata->spec, arena, &table);
    describe_properties(metadata, arena, &table);
    table.snapshots = tarn_arena_array(arena, table.snapshot_count, sizeof *table.snapshots);
    for (size_t i = 0; i < table.snapshot_count; i++)
        table.snapshots[i] = describe_snapshot(&metadata->snapshots[i], arena);
    TARN_TRY(count_files(&scope, metadata, snapshot, &table, err));
    *ret_table = table;
    return TARN_OK;
}

static const char *partition_text(const struct tarn_metadata *metadata,
                                  const struct tarn_data_file *file, struct tarn_arena *arena)
{
    const struct tarn_spec *spec = tarn_metadata_spec(metadata, file->spec_id);
    TARN_BUFFER(text, LAKE_SQL_MAX_BYTES);
    for (size_t i = 0; spec && i < file->partition_count; i++) {
        const struct tarn_spec_field *field = &spec->fields[i];
        bool known = file->partition[i].data && field->result;
        tarn_buffer_printf(&text, "%s%s=%s", i ? "/" : "", field->name,
                           known ? tarn_bound_text(field->result, file->partition[i], arena)
                                 : "null");
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&text));
}

enum tarn_status tarn_lake_files(struct tarn_lake *lake, const char *ns, const char *name,
                                 struct tarn_lake_at at, struct tarn_arena *arena,
                                 struct tarn_lake_file **ret_files, size_t *ret_count,
                                 struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    const struct tarn_metadata *metadata;
    const struct tarn_snapshot *snapshot = NULL;
    struct lake_plan plan;
    TARN_TRY(lake_load_table(&scope, ns, name, &metadata, err));
    TARN_TRY(lake_find_snapshot(metadata, at, ns, name, &snapshot, err));
    TARN_TRY(lake_plan_files(&scope, metadata, snapshot, NULL, 0, &plan, err));
    struct tarn_lake_file *files = tarn_arena_array(arena, plan.file_count, sizeof *files);
    for (size_t i = 0; i < plan.file_count; i++) {
        const struct tarn_data_file *file = plan.files[i]->file;
        const char *path = tarn_location_path(file->location);
        files[i] = (struct tarn_lake_file){
            .path = tarn_arena_strdup(arena, path ? path : file->location),
            .rows = file->record_count,
            .size_bytes = file->size_bytes,
            .partition = partition_text(metadata, file, arena),
        };
    }
    *ret_files = files;
    *ret_count = plan.file_count;
    return TARN_OK;
}
