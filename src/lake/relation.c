/* lake/relation.c -- a set of data files as SQL, see lake_int.h.
 *
 * Columns are taken by Iceberg field id (read_parquet's schema argument), so renamed, widened,
 * added and dropped columns need nothing else. Files that no delete file touches are one scan; the
 * others are anti-joined with their deletes (spec, "Delete Formats"): position deletes hit files of
 * the same or an older sequence number, equality deletes older ones. */
#include <string.h>
#include <strings.h>

#include "lake/lake_int.h"

static void write_field_map(const struct tarn_iceberg_schema *schema, struct tarn_buffer *sql)
{
    TARN_BUFFER(type, LAKE_SQL_MAX_BYTES);
    tarn_buffer_append_str(sql, "MAP {");
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_buffer_clear(&type);
        tarn_iceberg_duckdb_write(schema->fields[i].type, &type);
        tarn_buffer_printf(sql, "%s%d: {name: ", i ? ", " : "", schema->fields[i].id);
        tarn_sql_literal(sql, tarn_text_of(schema->fields[i].name));
        tarn_buffer_append_str(sql, ", type: ");
        tarn_sql_literal(sql, tarn_buffer_text(&type));
        tarn_buffer_append_str(sql, ", default_value: NULL}");
    }
    tarn_buffer_append_char(sql, '}');
}

static void write_paths(const char *const *paths, size_t count, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "read_parquet([");
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(sql, i ? ", " : "");
        tarn_sql_literal(sql, tarn_text_of(paths[i]));
    }
    tarn_buffer_append_str(sql, "], hive_partitioning = false");
}

static void write_schema(const struct tarn_iceberg_schema *schema, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, ", schema = ");
    write_field_map(schema, sql);
}

void lake_read_parquet(const struct tarn_iceberg_schema *schema, const char *const *paths,
                       size_t count, struct tarn_buffer *sql)
{
    write_paths(paths, count, sql);
    write_schema(schema, sql);
    tarn_buffer_append_char(sql, ')');
}

/* Names that stand in the files as they are (copy.c writes others in an escaped form). */
static bool names_are_plain(const struct tarn_iceberg_schema *schema)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct tarn_iceberg_field *field = &schema->fields[i];
        bool digit_first = field->name[0] >= '0' && field->name[0] <= '9';
        if (digit_first || field->name[strspn(field->name, plain)] ||
            tarn_iceberg_is_nested(field->type))
            return false;
    }
    return true;
}

/* Whether every file has just the columns and types of the one schema there ever was. Then the
 * field map says nothing that the names do not, and leaving it out halves the time that DuckDB
 * takes to bind the table. */
static bool files_follow_schema(const struct tarn_metadata *metadata)
{
    if (metadata->schema_count != 1 || !names_are_plain(metadata->schema))
        return false;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const char *writer =
            json_string_value(json_object_get(metadata->snapshots[i].summary, "engine-name"));
        if (!writer || strcmp(writer, "tarn") != 0)
            return false;
    }
    return true;
}

static void write_columns(const struct tarn_iceberg_schema *schema, const char *prefix,
                          struct tarn_buffer *sql)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_buffer_printf(sql, "%s%s", i ? ", " : "", prefix);
        tarn_sql_identifier(sql, schema->fields[i].name);
    }
}

static void write_empty(const struct tarn_iceberg_schema *schema, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_buffer_append_str(sql, i ? ", CAST(NULL AS " : "CAST(NULL AS ");
        tarn_iceberg_duckdb_write(schema->fields[i].type, sql);
        tarn_buffer_append_str(sql, ") AS ");
        tarn_sql_identifier(sql, schema->fields[i].name);
    }
    tarn_buffer_append_str(sql, " LIMIT 0");
}

static enum tarn_status path_of(const struct tarn_data_file *file, const char **ret_path,
                                struct tarn_error *err)
{
    *ret_path = tarn_location_path(file->location);
    if (!*ret_path)
        return tarn_fail(err, TARN_UNSUPPORTED, "reading %s: Tarn reads files on local disks",
                         file->location);
    if (strcasecmp(file->format, "parquet") != 0)
        return tarn_fail(
            err, TARN_UNSUPPORTED,
            "reading %s: it is of the format %s, Tarn reads Parquet; rewrite the table with "
            "'write.format.default' = 'parquet'",
            file->location, file->format);
    return TARN_OK;
}

static bool same_partition(const struct tarn_data_file *a, const struct tarn_data_file *b)
{
    if (a->spec_id != b->spec_id || a->partition_count != b->partition_count)
        return false;
    for (size_t i = 0; i < a->partition_count; i++) {
        if (!a->partition[i].data != !b->partition[i].data)
            return false;
        if (a->partition[i].data && !tarn_text_equal(a->partition[i], b->partition[i]))
            return false;
    }
    return true;
}

static bool applies(const struct tarn_entry *deletes, const struct tarn_entry *data)
{
    const struct tarn_data_file *file = deletes->file;
    if (file->content == TARN_CONTENT_POSITION_DELETES)
        return deletes->sequence_number >= data->sequence_number &&
               (same_partition(file, data->file) || file->partition_count == 0) &&
               (!file->referenced_file || strcmp(file->referenced_file, data->file->location) == 0);
    return deletes->sequence_number > data->sequence_number &&
           (file->partition_count == 0 || same_partition(file, data->file));
}

/* Rows whose position stands in the delete files. The location in them may be a URI or a plain
 * path. */
static void write_position_filter(const char *path, const char *location,
                                  const char *const *deletes, size_t count, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, " AND d.file_row_number NOT IN (SELECT pos FROM read_parquet([");
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(sql, i ? ", " : "");
        tarn_sql_literal(sql, tarn_text_of(deletes[i]));
    }
    tarn_buffer_append_str(sql, "], hive_partitioning = false, schema = MAP {2147483546: {name: "
                                "'file_path', type: 'VARCHAR', "
                                "default_value: NULL}, 2147483545: {name: 'pos', type: 'BIGINT', "
                                "default_value: NULL}}) WHERE file_path IN (");
    tarn_sql_literal(sql, tarn_text_of(path));
    tarn_buffer_append_str(sql, ", ");
    tarn_sql_literal(sql, tarn_text_of(location));
    tarn_buffer_append_str(sql, "))");
}

static enum tarn_status write_equality_filter(const struct tarn_metadata *metadata,
                                              const struct tarn_data_file *file, const char *path,
                                              struct tarn_arena *arena, struct tarn_buffer *sql,
                                              struct tarn_error *err)
{
    struct tarn_iceberg_schema keys = {.field_count = file->equality_count};
    keys.fields = tarn_arena_array(arena, keys.field_count, sizeof *keys.fields);
    for (size_t i = 0; i < file->equality_count; i++) {
        const struct tarn_iceberg_field *field =
            tarn_iceberg_field_by_id(metadata->schema, file->equality_ids[i]);
        if (!field || !tarn_iceberg_field_find(metadata->schema, field->name))
            return tarn_fail(
                err, TARN_UNSUPPORTED,
                "reading %s: it deletes by a column that is nested or no longer there; "
                "compact the table with the engine that wrote it",
                file->location);
        keys.fields[i] = *field;
    }
    if (keys.field_count == 0)
        return tarn_fail(err, TARN_CORRUPT,
                         "reading %s: it is an equality delete file without columns",
                         file->location);
    tarn_buffer_append_str(sql, " AND NOT EXISTS (SELECT 1 FROM ");
    lake_read_parquet(&keys, &path, 1, sql);
    tarn_buffer_append_str(sql, " AS e WHERE ");
    for (size_t i = 0; i < keys.field_count; i++) {
        const char *column = tarn_sql_identifier_in(arena, keys.fields[i].name);
        tarn_buffer_printf(sql, "%se.%s IS NOT DISTINCT FROM d.%s", i ? " AND " : "", column,
                           column);
    }
    tarn_buffer_append_char(sql, ')');
    return TARN_OK;
}

static enum tarn_status
write_deleted_file(struct lake_scope *scope, const struct tarn_metadata *metadata,
                   const struct tarn_iceberg_schema *schema, const struct tarn_entry *data,
                   const struct lake_plan *plan, struct tarn_buffer *sql, struct tarn_error *err)
{
    const char **positions = tarn_arena_array(scope->arena, plan->delete_count, sizeof *positions);
    const char *path;
    size_t position_count = 0;
    TARN_TRY(path_of(data->file, &path, err));
    tarn_buffer_append_str(sql, "SELECT ");
    write_columns(schema, "d.", sql);
    tarn_buffer_append_str(sql, " FROM ");
    lake_read_parquet(metadata->schema, &path, 1, sql);
    tarn_buffer_append_str(sql, " AS d WHERE true");
    for (size_t i = 0; i < plan->delete_count; i++) {
        const struct tarn_entry *deletes = plan->deletes[i];
        const char *delete_path;
        if (!applies(deletes, data))
            continue;
        TARN_TRY(path_of(deletes->file, &delete_path, err));
        if (deletes->file->content == TARN_CONTENT_POSITION_DELETES)
            positions[position_count++] = delete_path;
        else
            TARN_TRY(write_equality_filter(metadata, deletes->file, delete_path, scope->arena, sql,
                                           err));
    }
    if (position_count > 0)
        write_position_filter(path, data->file->location, positions, position_count, sql);
    return TARN_OK;
}

static bool is_touched(const struct tarn_entry *data, const struct lake_plan *plan)
{
    for (size_t i = 0; i < plan->delete_count; i++)
        if (applies(plan->deletes[i], data))
            return true;
    return false;
}

enum tarn_status lake_relation_write(struct lake_scope *scope, const struct tarn_metadata *metadata,
                                     const struct tarn_iceberg_schema *schema,
                                     const struct lake_plan *plan, struct tarn_buffer *sql,
                                     struct tarn_error *err)
{
    const char **paths = tarn_arena_array(scope->arena, plan->file_count, sizeof *paths);
    size_t clean = 0, parts = 0;
    for (size_t i = 0; i < plan->file_count; i++)
        if (!is_touched(plan->files[i], plan))
            TARN_TRY(path_of(plan->files[i]->file, &paths[clean++], err));
    if (clean > 0) {
        tarn_buffer_append_str(sql, "SELECT ");
        write_columns(schema, "", sql);
        tarn_buffer_append_str(sql, " FROM ");
        write_paths(paths, clean, sql);
        if (!files_follow_schema(metadata))
            write_schema(schema, sql);
        tarn_buffer_append_char(sql, ')');
        parts++;
    }
    for (size_t i = 0; i < plan->file_count && clean < plan->file_count; i++) {
        if (!is_touched(plan->files[i], plan))
            continue;
        tarn_buffer_append_str(sql, parts++ ? " UNION ALL " : "");
        TARN_TRY(write_deleted_file(scope, metadata, schema, plan->files[i], plan, sql, err));
    }
    if (parts == 0)
        write_empty(schema, sql);
    return tarn_buffer_check(sql, "the SQL of a table (too many files; compact it)", err);
}
