/* lake/prepare.c -- the first half of a write: from a query to data files, see write_int.h. Nothing
 * is visible yet. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/write_int.h"

struct lake_change *lake_change_new(const char *ns, const char *name)
{
    struct tarn_arena *arena = tarn_arena_new();
    struct lake_change *change = tarn_alloc(sizeof *change);
    change->arena = arena;
    change->ns = tarn_arena_strdup(arena, ns);
    change->name = tarn_arena_strdup(arena, name);
    tarn_buffer_init(&change->metadata_text, TARN_METADATA_MAX_BYTES);
    return change;
}

void lake_change_free(struct lake_change *change, bool remove_files)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->added_count && remove_files; i++)
        unlink(tarn_location_path(change->added[i]->location));
    tarn_metadata_unref((struct tarn_metadata *)(uintptr_t)change->base);
    tarn_buffer_release(&change->metadata_text);
    json_decref(change->metadata_json);
    free(change->added);
    free(change->written);
    tarn_arena_free(change->arena);
    free(change);
}

static struct tarn_lake_property *copy_properties(const struct tarn_lake_property *properties,
                                                  size_t count, struct tarn_arena *arena)
{
    struct tarn_lake_property *copy = tarn_arena_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct tarn_lake_property){
            tarn_arena_strdup(arena, properties[i].key),
            properties[i].value ? tarn_arena_strdup(arena, properties[i].value) : NULL};
    return copy;
}

static void keep_texts(const struct tarn_lake_write *write, struct lake_change *change)
{
    struct tarn_lake_property *properties =
        copy_properties(write->properties, write->property_count, change->arena);
    change->property_count = write->property_count;
    if (write->comment)
        properties[change->property_count++] = (struct tarn_lake_property){
            "comment", tarn_arena_strdup(change->arena, write->comment)};
    change->properties = properties;
    change->summary = copy_properties(write->summary, write->summary_count, change->arena);
    change->summary_count = write->summary_count;
}

/* The table as it is now, or none. */
static enum tarn_status load_base(struct lake_scope *scope, const struct tarn_lake_write *write,
                                  struct lake_change *change, struct tarn_error *err)
{
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(scope->lake->state, write->ns, write->name, scope->arena, &found,
                              &entry, err));
    if (found && entry.is_view)
        return tarn_fail(err, TARN_EXISTS,
                         "writing the table %s.%s: there is a view of that name; drop it first",
                         write->ns, write->name);
    if (found && write->must_create)
        return tarn_fail(err, TARN_EXISTS, "creating the table %s.%s: it is there already",
                         write->ns, write->name);
    if (!found && (write->must_exist || write->mode == TARN_LAKE_DELETE))
        return lake_not_found(scope->lake, write->ns, write->name, err);
    change->folder = lake_folder(scope->lake, write->ns, write->name, change->arena);
    if (!found)
        return TARN_OK;
    const struct tarn_metadata *metadata;
    TARN_TRY(lake_load_metadata(scope, entry.location, &metadata, err));
    change->base = tarn_metadata_ref(metadata);
    change->folder = tarn_arena_strdup(change->arena, metadata->location);
    return TARN_OK;
}

static enum tarn_status make_folders(struct tarn_lake *lake, const struct lake_change *change,
                                     struct tarn_error *err)
{
    TARN_AUTO_FREE char *data = tarn_path_join(change->folder, "data");
    TARN_AUTO_FREE char *metadata = tarn_path_join(change->folder, "metadata");
    if (change->base && tarn_directory_exists(data) && tarn_directory_exists(metadata))
        return TARN_OK;
    TARN_AUTO_FREE char *ns =
        tarn_strndup(change->folder, (size_t)(tarn_path_name(change->folder) - change->folder) - 1);
    TARN_TRY(tarn_directory_make(data, err));
    TARN_TRY(tarn_directory_make(metadata, err));
    TARN_TRY(tarn_directory_sync(change->folder, err));
    TARN_TRY(tarn_directory_sync(ns, err));
    return tarn_directory_sync(lake->root, err);
}

/* The query without what may stand behind it: it goes into a subquery. */
static struct tarn_text bare_query(const char *query)
{
    struct tarn_text text = tarn_text_trim(tarn_text_of(query));
    while (text.len > 0 && text.data[text.len - 1] == ';') {
        text.len--;
        text = tarn_text_trim(text);
    }
    return text;
}

static char *shaped_select(const struct lake_shape *shape, struct tarn_text query,
                           struct tarn_arena *arena)
{
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < shape->schema.field_count; i++) {
        const struct tarn_iceberg_field *field = &shape->schema.fields[i];
        bool cast = !shape->sources[i] || shape->casts[i];
        tarn_buffer_append_str(&sql, i ? ", " : "");
        tarn_buffer_append_str(&sql, cast ? "CAST(" : "");
        if (shape->sources[i])
            tarn_sql_identifier(&sql, shape->sources[i]);
        else
            tarn_buffer_append_str(&sql, "NULL");
        if (cast) {
            tarn_buffer_append_str(&sql, " AS ");
            tarn_iceberg_duckdb_write(field->type, &sql);
            tarn_buffer_append_char(&sql, ')');
        }
        tarn_buffer_append_str(&sql, " AS ");
        tarn_sql_identifier(&sql, field->name);
    }
    tarn_buffer_append_str(&sql, " FROM (");
    tarn_buffer_append_text(&sql, query);
    tarn_buffer_append_str(&sql, "\n) AS tarn_query");
    return tarn_arena_strndup(arena, tarn_buffer_str(&sql), sql.len);
}

static enum tarn_status write_query(struct lake_scope *scope, struct tarn_session *session,
                                    const struct tarn_lake_write *write, struct lake_change *change,
                                    struct tarn_error *err)
{
    struct tarn_text query = bare_query(write->query);
    const char *text = tarn_arena_strndup(change->arena, query.data, query.len);
    struct tarn_column *columns;
    struct lake_shape shape;
    size_t count;
    TARN_TRY(tarn_session_describe(session, text, change->arena, &columns, &count, err));
    TARN_TRY(lake_shape_of(write, change->base, columns, count, change->arena, &shape, err));
    change->schema = shape.schema;
    change->schema_changed = shape.changed;
    change->last_column_id = shape.last_column_id;
    TARN_TRY(lake_spec_of(write, change, err));
    TARN_TRY(make_folders(scope->lake, change, err));
    return lake_copy(session, change, shaped_select(&shape, query, change->arena), write->order_by,
                     &change->rows, err);
}

static enum tarn_status keep_schema(struct lake_scope *scope, const struct tarn_lake_write *write,
                                    struct lake_change *change, struct tarn_error *err)
{
    change->schema = *change->base->schema;
    change->last_column_id = change->base->last_column_id;
    if (!write->where || !write->where[0])
        return tarn_fail(err, TARN_INVALID, "deleting from %s.%s: it needs a condition", write->ns,
                         write->name);
    TARN_TRY(make_folders(scope->lake, change, err));
    return lake_spec_of(write, change, err);
}

static bool changes_properties(const struct lake_change *change)
{
    for (size_t i = 0; i < change->property_count; i++) {
        const char *have = tarn_metadata_property(change->base, change->properties[i].key);
        const char *want = change->properties[i].value;
        if (!have != !want || (have && strcmp(have, want) != 0))
            return true;
    }
    return false;
}

static void name_operation(const struct tarn_lake_write *write, struct lake_change *change)
{
    bool had_rows = change->base && change->base->snapshot;
    change->remove_all = write->mode == TARN_LAKE_OVERWRITE && had_rows;
    change->replace_partitions =
        write->mode == TARN_LAKE_REPLACE_PARTITIONS && change->added_count > 0;
    bool removes = change->remove_all || change->removed_count > 0 || change->replace_partitions;
    bool data = change->added_count > 0 || removes;
    if (data)
        change->operation = !removes ? "append" : change->added_count == 0 ? "delete" : "overwrite";
    change->nothing = !data && change->base && !change->schema_changed && !change->spec_changed &&
                      !changes_properties(change);
}

static enum tarn_status prepare_change(struct lake_scope *scope, struct tarn_session *session,
                                       const struct tarn_lake_write *write,
                                       struct lake_change *change, struct tarn_error *err)
{
    TARN_TRY(load_base(scope, write, change, err));
    change->mode = write->mode;
    keep_texts(write, change);
    if (write->mode == TARN_LAKE_DELETE)
        TARN_TRY(keep_schema(scope, write, change, err));
    else
        TARN_TRY(write_query(scope, session, write, change, err));
    if (write->mode == TARN_LAKE_UPSERT || write->mode == TARN_LAKE_DELETE ||
        write->mode == TARN_LAKE_REPLACE_WHERE)
        TARN_TRY(lake_rewrite(scope, session, write, change, err));
    name_operation(write, change);
    return TARN_OK;
}

/* What can be said before the commit; the rest is filled in by it. */
static void fill_result(const struct lake_change *change, struct tarn_lake_result *result)
{
    *result = (struct tarn_lake_result){
        .rows = change->rows,
        .deleted_rows = change->deleted_rows,
        .files = (int64_t)change->added_count,
        .created = !change->base,
        .schema_changed = change->base && change->schema_changed,
    };
    for (size_t i = 0; i < change->added_count; i++)
        result->size_bytes += change->added[i]->size_bytes;
}

enum tarn_status tarn_lake_prepare(struct tarn_lake_commit *commit, struct tarn_session *session,
                                   const struct tarn_lake_write *write,
                                   struct tarn_lake_result *ret_result, struct tarn_error *err)
{
    TARN_TRY(lake_check_name(write->ns, write->name, err));
    LAKE_SCOPE(scope, commit->lake);
    struct lake_change *change = lake_change_new(write->ns, write->name);
    enum tarn_status status = prepare_change(&scope, session, write, change, err);
    if (status == TARN_OK)
        status = lake_commit_add(commit, change, err);
    if (status != TARN_OK) {
        lake_change_free(change, true);
        return status;
    }
    change->result = ret_result;
    if (ret_result)
        fill_result(change, ret_result);
    return TARN_OK;
}
