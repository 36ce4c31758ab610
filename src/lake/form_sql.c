/* lake/form_sql.c -- data files of one form as SQL, see form.h.
 *
 * The source reads the stored types, so that DuckDB's casts widen plain values and leave members
 * out that are no longer asked for; the columns over it give nested values the table's members:
 * struct_pack for structs, list_transform for lists, both for maps, NULL for what a file lacks. */
#include "lake/form.h"

/* ---- the columns ---- */

struct rebuilding {
    struct tarn_buffer *sql;
    int depth; /* of lambdas, for their parameters' names */
};

static void rebuild(struct rebuilding *r, const struct tarn_iceberg_type *type,
                    const struct tarn_iceberg_type *stored, const char *value);

static void write_null(const struct tarn_iceberg_type *type, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "CAST(NULL AS ");
    tarn_iceberg_duckdb_write(type, sql);
    tarn_buffer_append_char(sql, ')');
}

static char *member_of(const char *value, const char *name)
{
    TARN_BUFFER(text, LAKE_SQL_MAX_BYTES);
    tarn_buffer_printf(&text, "struct_extract(%s, ", value);
    tarn_sql_literal(&text, tarn_text_of(name));
    tarn_buffer_append_char(&text, ')');
    return tarn_strdup(tarn_buffer_str(&text));
}

static void rebuild_struct(struct rebuilding *r, const struct tarn_iceberg_type *type,
                           const struct tarn_iceberg_type *stored, const char *value)
{
    tarn_buffer_printf(r->sql, "CASE WHEN %s IS NOT NULL THEN struct_pack(", value);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct tarn_iceberg_field *field = &type->fields[i], *found = NULL;
        for (size_t j = 0; j < stored->field_count && !found; j++)
            if (stored->fields[j].id == field->id)
                found = &stored->fields[j];
        tarn_buffer_append_str(r->sql, i ? ", " : "");
        tarn_sql_identifier(r->sql, field->name);
        tarn_buffer_append_str(r->sql, " := ");
        if (found) {
            TARN_AUTO_FREE char *member = member_of(value, found->name);
            rebuild(r, field->type, found->type, member);
        } else {
            write_null(field->type, r->sql);
        }
    }
    tarn_buffer_append_str(r->sql, ") END");
}

/* The items of a list expression. */
static void rebuild_items(struct rebuilding *r, const struct tarn_iceberg_type *type,
                          const struct tarn_iceberg_type *stored, const char *list)
{
    if (tarn_iceberg_type_equal(type, stored, true)) {
        tarn_buffer_append_str(r->sql, list);
        return;
    }
    TARN_AUTO_FREE char *item = tarn_format("item_%d", ++r->depth);
    tarn_buffer_printf(r->sql, "list_transform(%s, lambda %s: ", list, item);
    rebuild(r, type, stored, item);
    tarn_buffer_append_char(r->sql, ')');
    r->depth--;
}

static void rebuild_map(struct rebuilding *r, const struct tarn_iceberg_type *type,
                        const struct tarn_iceberg_type *stored, const char *value)
{
    TARN_AUTO_FREE char *keys = tarn_format("map_keys(%s)", value);
    TARN_AUTO_FREE char *values = tarn_format("map_values(%s)", value);
    tarn_buffer_append_str(r->sql, "map(");
    rebuild_items(r, type->fields[0].type, stored->fields[0].type, keys);
    tarn_buffer_append_str(r->sql, ", ");
    rebuild_items(r, type->fields[1].type, stored->fields[1].type, values);
    tarn_buffer_append_char(r->sql, ')');
}

/* Appends the stored value as one of the table's type. */
static void rebuild(struct rebuilding *r, const struct tarn_iceberg_type *type,
                    const struct tarn_iceberg_type *stored, const char *value)
{
    if (tarn_iceberg_type_equal(type, stored, true))
        tarn_buffer_append_str(r->sql, value);
    else if (type->kind == TARN_ICEBERG_STRUCT)
        rebuild_struct(r, type, stored, value);
    else if (type->kind == TARN_ICEBERG_LIST)
        rebuild_items(r, type->fields[0].type, stored->fields[0].type, value);
    else
        rebuild_map(r, type, stored, value);
}

void lake_form_columns_write(const struct lake_forms *forms, size_t form, const char *prefix,
                             struct tarn_buffer *sql)
{
    const struct tarn_iceberg_schema *stored = &forms->forms[form].stored;
    struct rebuilding r = {sql, 0};
    for (size_t i = 0; i < forms->schema->field_count; i++) {
        const struct tarn_iceberg_field *field = &forms->schema->fields[i];
        TARN_BUFFER(column, LAKE_SQL_MAX_BYTES);
        tarn_buffer_append_str(&column, prefix);
        tarn_sql_identifier(&column, field->name);
        tarn_buffer_append_str(sql, i ? ", " : "");
        rebuild(&r, field->type, stored->fields[i].type, tarn_buffer_str(&column));
        if (!tarn_iceberg_type_equal(field->type, stored->fields[i].type, true)) {
            tarn_buffer_append_str(sql, " AS ");
            tarn_sql_identifier(sql, field->name);
        }
    }
}

/* ---- the source ---- */

static void write_paths(const char *const *paths, size_t count, bool with_file,
                        struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "read_parquet([");
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(sql, i ? ", " : "");
        tarn_sql_literal(sql, tarn_text_of(paths[i]));
    }
    tarn_buffer_append_str(sql, "], hive_partitioning = false");
    if (with_file)
        tarn_buffer_append_str(sql, ", filename = '" LAKE_FILE_COLUMN "'");
}

static void write_field_map(const struct tarn_iceberg_schema *schema, struct tarn_buffer *sql)
{
    TARN_BUFFER(type, LAKE_SQL_MAX_BYTES);
    tarn_buffer_append_str(sql, ", schema = MAP {");
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

/* Files without field ids. They are one SELECT more: their names may be others than the table's. */
static void write_by_name(const struct lake_form *form, const char *const *paths, size_t count,
                          bool with_file, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "(SELECT ");
    for (size_t i = 0; i < form->stored.field_count; i++) {
        tarn_buffer_append_str(sql, "CAST(");
        if (form->names[i])
            tarn_sql_identifier(sql, form->names[i]);
        else
            tarn_buffer_append_str(sql, "NULL");
        tarn_buffer_append_str(sql, " AS ");
        tarn_iceberg_duckdb_write(form->stored.fields[i].type, sql);
        tarn_buffer_append_str(sql, ") AS ");
        tarn_sql_identifier(sql, form->stored.fields[i].name);
        tarn_buffer_append_str(sql, ", ");
    }
    tarn_buffer_append_str(sql, with_file ? LAKE_FILE_COLUMN : "file_row_number");
    tarn_buffer_append_str(sql, " FROM ");
    write_paths(paths, count, with_file, sql);
    tarn_buffer_append_str(sql, "))");
}

void lake_form_source_write(const struct lake_form *form, const char *const *paths, size_t count,
                            bool with_file, struct tarn_buffer *sql)
{
    if (form->names) {
        write_by_name(form, paths, count, with_file, sql);
        return;
    }
    write_paths(paths, count, with_file, sql);
    write_field_map(&form->stored, sql);
    tarn_buffer_append_char(sql, ')');
}

void lake_read_parquet(const struct tarn_iceberg_schema *schema, const char *const *paths,
                       size_t count, struct tarn_buffer *sql)
{
    const struct lake_form form = {.stored = *schema};
    lake_form_source_write(&form, paths, count, false, sql);
}

void lake_read_as_named(const char *const *paths, size_t count, struct tarn_buffer *sql)
{
    write_paths(paths, count, false, sql);
    tarn_buffer_append_char(sql, ')');
}

/* ---- both ---- */

enum tarn_status lake_scan_write(struct tarn_session *session, const struct tarn_metadata *metadata,
                                 const struct tarn_iceberg_schema *schema, const char *const *paths,
                                 size_t count, struct tarn_arena *arena, struct tarn_buffer *sql,
                                 struct tarn_error *err)
{
    struct lake_forms forms;
    const char **of_form = tarn_arena_array(arena, count, sizeof *of_form);
    TARN_TRY(lake_forms_of(session, metadata, schema, paths, count, arena, &forms, err));
    tarn_buffer_append_char(sql, '(');
    for (size_t f = 0; f < forms.count; f++) {
        size_t chosen = 0;
        for (size_t i = 0; i < count; i++)
            if (forms.of[i] == f)
                of_form[chosen++] = paths[i];
        tarn_buffer_append_str(sql, f ? " UNION ALL SELECT " : "SELECT ");
        lake_form_columns_write(&forms, f, "", sql);
        tarn_buffer_append_str(sql, ", " LAKE_FILE_COLUMN " FROM ");
        lake_form_source_write(&forms.forms[f], of_form, chosen, true, sql);
    }
    tarn_buffer_append_char(sql, ')');
    return tarn_buffer_check(sql, "the SQL of a table (too many files; compact it)", err);
}
