/* lake/relation.c -- a set of data files as SQL, see lake_int.h.
 *
 * Columns are taken by Iceberg field id (form.h). Files that no delete file touches are one scan;
 * the others are anti-joined with their deletes (spec, "Delete Formats"): position deletes hit
 * files of the same or an older sequence number, equality deletes older ones. */
#include <string.h>
#include <strings.h>

#include "lake/form.h"

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
    return !lake_has_foreign_snapshots(metadata);
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

/* What one scan with deletes is made of. */
struct relation {
    const struct tarn_metadata *metadata;
    const struct lake_plan *plan;
    const char **paths; /* of the plan's files */
    struct lake_forms forms;
    struct tarn_arena *arena;
    struct tarn_buffer *sql;
    size_t start; /* of the relation in it */
    struct tarn_error *err;
};

/* The column that an equality delete names; one that is not read stands in the scan beside the
 * others. NULL when there never was such a column. */
static const struct tarn_iceberg_field *key_column(const struct relation *r,
                                                   struct tarn_iceberg_schema *stored, int id)
{
    for (size_t i = 0; i < stored->field_count; i++)
        if (stored->fields[i].id == id)
            return &stored->fields[i];
    for (size_t s = r->metadata->schema_count; s > 0; s--) {
        const struct tarn_iceberg_schema *schema = &r->metadata->schemas[s - 1];
        for (size_t i = 0; i < schema->field_count; i++)
            if (schema->fields[i].id == id) {
                struct tarn_iceberg_field *added = &stored->fields[stored->field_count++];
                *added = schema->fields[i];
                added->name = tarn_arena_format(r->arena, "__tarn_key_%d", id);
                return added;
            }
    }
    return NULL;
}

static enum tarn_status write_equality_filter(const struct relation *r,
                                              const struct tarn_data_file *file, const char *path,
                                              struct tarn_iceberg_schema *stored)
{
    struct tarn_iceberg_schema keys = {.field_count = file->equality_count};
    struct tarn_buffer *sql = r->sql;
    keys.fields = tarn_arena_array(r->arena, keys.field_count, sizeof *keys.fields);
    for (size_t i = 0; i < file->equality_count; i++) {
        const struct tarn_iceberg_field *field = key_column(r, stored, file->equality_ids[i]);
        if (!field || tarn_iceberg_is_nested(field->type))
            return tarn_fail(
                r->err, TARN_UNSUPPORTED,
                "reading %s: it deletes by a column that is nested or no longer there; "
                "compact the table with the engine that wrote it",
                file->location);
        keys.fields[i] = *field;
    }
    if (keys.field_count == 0)
        return tarn_fail(r->err, TARN_CORRUPT,
                         "reading %s: it is an equality delete file without columns",
                         file->location);
    tarn_buffer_append_str(sql, " AND NOT EXISTS (SELECT 1 FROM ");
    lake_read_parquet(&keys, &path, 1, sql);
    tarn_buffer_append_str(sql, " AS e WHERE ");
    for (size_t i = 0; i < keys.field_count; i++) {
        const char *column = tarn_sql_identifier_in(r->arena, keys.fields[i].name);
        tarn_buffer_printf(sql, "%se.%s IS NOT DISTINCT FROM d.%s", i ? " AND " : "", column,
                           column);
    }
    tarn_buffer_append_char(sql, ')');
    return TARN_OK;
}

/* The form with room for the columns that the deletes need. */
static struct lake_form with_keys(const struct relation *r, size_t form)
{
    struct lake_form copy = r->forms.forms[form];
    size_t keys = 0;
    for (size_t i = 0; i < r->plan->delete_count; i++)
        keys += r->plan->deletes[i]->file->equality_count;
    const struct tarn_iceberg_field *fields = copy.stored.fields;
    const char **names = copy.names;
    copy.stored.fields =
        tarn_arena_array(r->arena, copy.stored.field_count + keys, sizeof *copy.stored.fields);
    memcpy(copy.stored.fields, fields, copy.stored.field_count * sizeof *fields);
    if (names) { /* what is added is not there by name */
        copy.names = tarn_arena_array(r->arena, copy.stored.field_count + keys, sizeof *names);
        memcpy(copy.names, names, copy.stored.field_count * sizeof *names);
    }
    return copy;
}

static enum tarn_status write_deleted_file(const struct relation *r, size_t at)
{
    const struct tarn_entry *data = r->plan->files[at];
    const char **positions = tarn_arena_array(r->arena, r->plan->delete_count, sizeof *positions);
    struct lake_form form = with_keys(r, r->forms.of[at]);
    struct tarn_buffer *sql = r->sql;
    size_t position_count = 0;
    TARN_BUFFER(filter, LAKE_SQL_MAX_BYTES); /* it decides which columns the scan has */
    struct relation filtering = *r;
    filtering.sql = &filter;
    for (size_t i = 0; i < r->plan->delete_count; i++) {
        const struct tarn_entry *deletes = r->plan->deletes[i];
        const char *path;
        if (!applies(deletes, data))
            continue;
        TARN_TRY(path_of(deletes->file, &path, r->err));
        if (deletes->file->content == TARN_CONTENT_POSITION_DELETES)
            positions[position_count++] = path;
        else
            TARN_TRY(write_equality_filter(&filtering, deletes->file, path, &form.stored));
    }
    if (position_count > 0)
        write_position_filter(r->paths[at], data->file->location, positions, position_count,
                              &filter);
    tarn_buffer_append_str(sql, "SELECT ");
    lake_form_columns_write(&r->forms, r->forms.of[at], "d.", sql);
    tarn_buffer_append_str(sql, " FROM ");
    lake_form_source_write(&form, &r->paths[at], 1, false, sql);
    tarn_buffer_append_str(sql, " AS d WHERE true");
    tarn_buffer_append_text(sql, tarn_buffer_text(&filter));
    return tarn_buffer_check(&filter, "the SQL of a table's deletes", r->err);
}

static bool is_touched(const struct tarn_entry *data, const struct lake_plan *plan)
{
    for (size_t i = 0; i < plan->delete_count; i++)
        if (applies(plan->deletes[i], data))
            return true;
    return false;
}

/* The files of one form that no delete touches; returns how many there are. */
static size_t write_clean_files(const struct relation *r, size_t form, bool follow_schema)
{
    const char **paths = tarn_arena_array(r->arena, r->plan->file_count, sizeof *paths);
    size_t count = 0;
    for (size_t i = 0; i < r->plan->file_count; i++)
        if (r->forms.of[i] == form && !is_touched(r->plan->files[i], r->plan))
            paths[count++] = r->paths[i];
    if (count == 0)
        return 0;
    tarn_buffer_append_str(r->sql, r->sql->len > r->start ? " UNION ALL SELECT " : "SELECT ");
    lake_form_columns_write(&r->forms, form, "", r->sql);
    tarn_buffer_append_str(r->sql, " FROM ");
    if (follow_schema)
        lake_read_as_named(paths, count, r->sql);
    else
        lake_form_source_write(&r->forms.forms[form], paths, count, false, r->sql);
    return count;
}

enum tarn_status lake_relation_write(struct lake_scope *scope, struct tarn_session *session,
                                     const struct tarn_metadata *metadata,
                                     const struct tarn_iceberg_schema *schema,
                                     const struct lake_plan *plan, struct tarn_buffer *sql,
                                     struct tarn_error *err)
{
    struct relation r = {.metadata = metadata,
                         .plan = plan,
                         .arena = scope->arena,
                         .sql = sql,
                         .start = sql->len,
                         .err = err};
    bool follow_schema = files_follow_schema(metadata);
    size_t clean = 0;
    r.paths = tarn_arena_array(r.arena, plan->file_count, sizeof *r.paths);
    for (size_t i = 0; i < plan->file_count; i++)
        TARN_TRY(path_of(plan->files[i]->file, &r.paths[i], err));
    TARN_TRY(lake_forms_of(session, metadata, schema, r.paths, plan->file_count, r.arena, &r.forms,
                           err));
    for (size_t form = 0; form < r.forms.count; form++)
        clean += write_clean_files(&r, form, follow_schema);
    for (size_t i = 0; i < plan->file_count && clean < plan->file_count; i++) {
        if (!is_touched(plan->files[i], plan))
            continue;
        tarn_buffer_append_str(sql, sql->len > r.start ? " UNION ALL " : "");
        TARN_TRY(write_deleted_file(&r, i));
    }
    if (sql->len == r.start)
        write_empty(schema, sql);
    return tarn_buffer_check(sql, "the SQL of a table (too many files; compact it)", err);
}
