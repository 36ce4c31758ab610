/* lake/view.c -- Iceberg views (Iceberg view spec, format version 1): one SQL text of dialect
 * duckdb per version.
 *
 * A view is one metadata JSON file; replacing it writes a new file with the versions so far (the
 * last ten) and swaps the pointer. */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "lake/lake_int.h"

enum { VIEW_MAX_BYTES = 16 << 20, VERSIONS_KEPT = 10, SWAP_TRIES = 20 };

static enum tarn_status corrupt(const char *path, const char *what, struct tarn_error *err)
{
    return tarn_fail(
        err, TARN_CORRUPT,
        "reading the view metadata %s: %s; restore the file from a backup, or build the view "
        "again",
        path, what);
}

static enum tarn_status read_json(const char *location, json_t **ret_json, struct tarn_error *err)
{
    const char *path = tarn_location_path(location);
    if (!path)
        return tarn_fail(err, TARN_UNSUPPORTED, "reading %s: Tarn reads views on local disks",
                         location);
    TARN_BUFFER(bytes, VIEW_MAX_BYTES);
    enum tarn_status status = tarn_file_read(path, &bytes, err);
    if (status == TARN_NOT_FOUND)
        return corrupt(path, "the file is not there", err);
    TARN_TRY(status);
    json_error_t where;
    *ret_json = json_loadb(tarn_buffer_str(&bytes), bytes.len, 0, &where);
    return *ret_json ? TARN_OK : corrupt(path, "it is not valid JSON", err);
}

static const json_t *current_version(const json_t *json)
{
    const json_t *versions = json_object_get(json, "versions");
    const json_t *wanted = json_object_get(json, "current-version-id");
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        if (json_equal(json_object_get(version, "version-id"), wanted))
            return version;
    }
    return NULL;
}

static const char *duckdb_sql(const json_t *json)
{
    const json_t *list = json_object_get(current_version(json), "representations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *dialect = json_string_value(json_object_get(item, "dialect"));
        if (dialect && strcmp(dialect, "duckdb") == 0)
            return json_string_value(json_object_get(item, "sql"));
    }
    return NULL;
}

enum tarn_status lake_view_sql(const struct tarn_catalog_entry *entry, struct tarn_arena *arena,
                               const char **ret_sql, struct tarn_error *err)
{
    json_t *json;
    TARN_TRY(read_json(entry->location, &json, err));
    const char *sql = duckdb_sql(json);
    *ret_sql = sql ? tarn_arena_strdup(arena, sql) : NULL;
    bool versioned = current_version(json) != NULL;
    json_decref(json);
    if (sql)
        return TARN_OK;
    if (versioned)
        return tarn_fail(err, TARN_UNSUPPORTED,
                         "reading the view %s.%s: it has no SQL in the dialect duckdb", entry->ns,
                         entry->name);
    return corrupt(entry->location, "it has no current version", err);
}

enum tarn_status tarn_lake_get_view(struct tarn_lake *lake, const char *ns, const char *name,
                                    struct tarn_arena *arena, const char **ret_sql,
                                    struct tarn_error *err)
{
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(lake->state, ns, name, arena, &found, &entry, err));
    if (!found)
        return lake_not_found(lake, ns, name, err);
    if (!entry.is_view)
        return tarn_fail(err, TARN_INVALID, "%s.%s is a table, a view is needed", ns, name);
    return lake_view_sql(&entry, arena, ret_sql, err);
}

/* ---- writing ---- */

/* The columns the SQL gives; none when there is no session to ask or a type has no Iceberg form. */
static enum tarn_status view_schema(struct tarn_session *session, const char *sql,
                                    struct tarn_arena *arena, struct tarn_iceberg_schema *schema,
                                    struct tarn_error *err)
{
    *schema = (struct tarn_iceberg_schema){0};
    if (!session)
        return TARN_OK;
    struct tarn_column *columns;
    size_t count;
    int last_id = 0;
    TARN_TRY(tarn_session_describe(session, sql, arena, &columns, &count, err));
    schema->fields = tarn_arena_array(arena, count, sizeof *schema->fields);
    for (size_t i = 0; i < count; i++) {
        struct tarn_iceberg_field *field = &schema->fields[i];
        struct tarn_error
            ignored; /* a view may hold what a table cannot; the schema is for reading only */
        field->id = ++last_id;
        field->name = columns[i].name;
        static const struct tarn_iceberg_type text = {.kind = TARN_ICEBERG_STRING};
        if (tarn_iceberg_type_of(columns[i].type, columns[i].name, &last_id, arena, &field->type,
                                 &ignored))
            field->type = &text;
    }
    schema->field_count = count;
    return TARN_OK;
}

struct view_write {
    struct tarn_lake *lake;
    const char *ns, *name, *sql, *comment;
    const struct tarn_iceberg_schema *schema;
    struct tarn_arena *arena;
    tarn_lake_also *also;
    void *context;
    struct tarn_catalog_entry old, new;
    bool exists, swapped;
};

static json_t *new_view(const struct view_write *w)
{
    char uuid[TARN_UUID_BYTES];
    const char *folder = lake_folder(w->lake, w->ns, w->name, w->arena);
    json_t *json = json_object();
    json_object_set_new(json, "view-uuid", json_string(tarn_uuid(uuid)));
    json_object_set_new(json, "format-version", json_integer(1));
    json_object_set_new(json, "location", json_sprintf("file://%s", folder));
    json_object_set_new(json, "current-version-id", json_integer(0));
    json_object_set_new(json, "schemas", json_array());
    json_object_set_new(json, "versions", json_array());
    json_object_set_new(json, "version-log", json_array());
    json_object_set_new(json, "properties", json_object());
    return json;
}

static json_t *version_json(const struct view_write *w, json_int_t id, int64_t now_ms)
{
    json_t *summary =
        json_pack("{s:s, s:s}", "engine-name", "tarn", "engine-version", TARN_VERSION);
    json_t *sql = json_pack("{s:s, s:s, s:s}", "type", "sql", "sql", w->sql, "dialect", "duckdb");
    return json_pack("{s:I, s:I, s:I, s:o, s:[o], s:[s]}", "version-id", id, "timestamp-ms",
                     (json_int_t)now_ms, "schema-id", id, "summary", summary, "representations",
                     sql, "default-namespace", w->ns);
}

static void add_version(const struct view_write *w, json_t *json)
{
    json_int_t id = json_integer_value(json_object_get(json, "current-version-id")) + 1;
    int64_t now_ms = tarn_now_us() / 1000;
    struct tarn_iceberg_schema schema = *w->schema;
    schema.id = (int)id;
    json_t *versions = json_object_get(json, "versions"),
           *schemas = json_object_get(json, "schemas");
    json_t *log = json_object_get(json, "version-log");
    json_array_append_new(schemas, tarn_iceberg_schema_json(&schema));
    json_array_append_new(versions, version_json(w, id, now_ms));
    json_array_append_new(
        log, json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)now_ms, "version-id", id));
    while (json_array_size(versions) > VERSIONS_KEPT)
        json_array_remove(versions, 0);
    while (json_array_size(schemas) > VERSIONS_KEPT)
        json_array_remove(schemas, 0);
    while (json_array_size(log) > VERSIONS_KEPT)
        json_array_remove(log, 0);
    json_object_set_new(json, "current-version-id", json_integer(id));
    if (w->comment)
        json_object_set_new(json_object_get(json, "properties"), "comment",
                            json_string(w->comment));
}

static enum tarn_status write_file(struct view_write *w, const json_t *json, struct tarn_error *err)
{
    char uuid[TARN_UUID_BYTES];
    const char *location = json_string_value(json_object_get(json, "location"));
    const char *folder = location ? tarn_location_path(location) : NULL;
    TARN_AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    if (!text || !folder)
        return tarn_fail(err, TARN_INVALID, "writing the view %s.%s: its SQL is not valid UTF-8",
                         w->ns, w->name);
    json_int_t version = json_integer_value(json_object_get(json, "current-version-id"));
    TARN_AUTO_FREE char *directory = tarn_path_join(folder, "metadata");
    char *path = tarn_arena_format(w->arena, "%s/%05lld-%s.metadata.json", directory,
                                   (long long)version - 1, tarn_uuid(uuid));
    TARN_TRY(tarn_directory_make(directory, err));
    TARN_TRY(tarn_file_create(path, tarn_text_of(text), err));
    TARN_TRY(tarn_directory_sync(directory, err));
    TARN_TRY(tarn_directory_sync(folder, err));
    w->new = (struct tarn_catalog_entry){w->ns, w->name,
                                         tarn_arena_format(w->arena, "file://%s", path), true};
    return TARN_OK;
}

static enum tarn_status swap(struct tarn_state *state, void *context, struct tarn_error *err)
{
    struct view_write *w = context;
    if (!w->exists)
        TARN_TRY(tarn_catalog_insert(state, &w->new, err));
    else
        TARN_TRY(tarn_catalog_swap(state, &w->new, w->old.location, &w->swapped, err));
    if (w->exists && !w->swapped)
        return tarn_fail(err, TARN_CONFLICT, "replacing the view %s.%s: others keep changing it",
                         w->ns, w->name);
    return w->also ? w->also(w->context, state, err) : TARN_OK;
}

static enum tarn_status try_once(struct view_write *w, struct tarn_error *err)
{
    json_t *json = NULL;
    TARN_TRY(tarn_catalog_get(w->lake->state, w->ns, w->name, w->arena, &w->exists, &w->old, err));
    if (w->exists && !w->old.is_view)
        return tarn_fail(err, TARN_EXISTS,
                         "creating the view %s.%s: there is a table of that name; drop it first",
                         w->ns, w->name);
    if (w->exists)
        TARN_TRY(read_json(w->old.location, &json, err));
    else
        json = new_view(w);
    add_version(w, json);
    enum tarn_status status = write_file(w, json, err);
    json_decref(json);
    TARN_TRY(status);
    w->swapped = !w->exists;
    return tarn_state_transaction(w->lake->state, swap, w, err);
}

/* Nothing to do when the view is there with the same text: a rebuilt project does not grow a
 * version per run. */
static bool is_unchanged(struct view_write *w)
{
    struct tarn_error ignored;
    const char *sql;
    bool found;
    return tarn_catalog_get(w->lake->state, w->ns, w->name, w->arena, &found, &w->old, &ignored) ==
               TARN_OK &&
           found && w->old.is_view && lake_view_sql(&w->old, w->arena, &sql, &ignored) == TARN_OK &&
           strcmp(sql, w->sql) == 0;
}

static enum tarn_status run_also(struct tarn_state *state, void *context, struct tarn_error *err)
{
    struct view_write *w = context;
    return w->also(w->context, state, err);
}

enum tarn_status tarn_lake_set_view(struct tarn_lake *lake, struct tarn_session *session,
                                    const char *ns, const char *name, const char *sql,
                                    const char *comment, tarn_lake_also *also, void *context,
                                    struct tarn_error *err)
{
    TARN_TRY(lake_check_name(ns, name, err));
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_iceberg_schema schema;
    TARN_TRY(view_schema(session, sql, arena, &schema, err));
    struct view_write w = {.lake = lake,
                           .ns = ns,
                           .name = name,
                           .sql = sql,
                           .comment = comment,
                           .schema = &schema,
                           .arena = arena,
                           .also = also,
                           .context = context};
    if (is_unchanged(&w))
        return also ? tarn_state_transaction(lake->state, run_also, &w, err) : TARN_OK;
    struct lake_turn *turn = lake_turn_begin(lake, ns, name);
    enum tarn_status status = TARN_CONFLICT;
    for (int i = 0; i < SWAP_TRIES && status == TARN_CONFLICT; i++)
        status = try_once(&w, err);
    lake_turn_end(lake, turn);
    return status;
}
