/* ingest/declare.c -- what the files in sources/ say about reading an entity's files.
 *
 * Only the keys that matter for reading are looked at here; a source of type synthetic has many
 * more, which its generator checks. */
#include "base/file.h"
#include "ingest/landing.h"
#include "project/project.h"

struct reading {
    struct tarn_arena *arena;
    struct tarn_declared *items;
    size_t count, cap;
};

static enum tarn_status read_columns(const struct tarn_yaml *entity, struct tarn_arena *arena,
                                     struct tarn_declared *declared, struct tarn_error *err)
{
    const struct tarn_yaml *columns = NULL;
    TARN_TRY(tarn_yaml_list(entity, "columns", &columns, err));
    if (!columns)
        return TARN_OK;
    declared->columns = tarn_arena_array(arena, columns->count + 1, sizeof *declared->columns);
    for (size_t i = 0; i < columns->count; i++) {
        const struct tarn_yaml *name = columns->items[i];
        if (!name->text || name->kind == TARN_YAML_NULL)
            return tarn_yaml_fail(name, err, "a column is a name, not %s",
                                  tarn_yaml_kind_name(name->kind));
        declared->columns[declared->column_count++] = name->text;
    }
    declared->table_columns = declared->columns;
    declared->table_column_count = declared->column_count;
    return TARN_OK;
}

/* What a synthetic source can write: its fields, and what a change of its schema calls them. Which
 * of them there are depends on the period that is generated; the table has all. */
static enum tarn_status read_synthetic_columns(const struct tarn_yaml *entity,
                                               struct tarn_arena *arena,
                                               struct tarn_declared *declared,
                                               struct tarn_error *err)
{
    const struct tarn_yaml *fields = tarn_yaml_get(entity, "fields");
    const struct tarn_yaml *faults = tarn_yaml_get(entity, "faults");
    size_t most = (fields ? fields->count : 0) + (faults ? faults->count : 0);
    declared->table_columns = tarn_arena_array(arena, most + 1, sizeof *declared->table_columns);
    for (size_t i = 0; fields && fields->kind == TARN_YAML_MAP && i < fields->count; i++) {
        bool hidden = false;
        TARN_TRY(tarn_yaml_bool(fields->items[i], "hidden", &hidden, err));
        if (!hidden)
            declared->table_columns[declared->table_column_count++] = tarn_yaml_key(fields, i);
    }
    for (size_t i = 0; faults && faults->kind == TARN_YAML_LIST && i < faults->count; i++) {
        const struct tarn_yaml *name = tarn_yaml_get(faults->items[i], "rename_to");
        if (name && name->text)
            declared->table_columns[declared->table_column_count++] = name->text;
    }
    return TARN_OK;
}

static enum tarn_status read_delimiter(const struct tarn_yaml *files,
                                       struct tarn_declared *declared, struct tarn_error *err)
{
    const char *text = NULL;
    TARN_TRY(tarn_yaml_str(files, "delimiter", &text, err));
    if (text && (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0))
        text = "\t";
    if (text && (strlen(text) != 1 || strchr("\"\r\n", text[0])))
        return tarn_yaml_fail(
            tarn_yaml_get(files, "delimiter"), err,
            "`delimiter` is one character, such as \",\", \";\", \"|\" or \"tab\"");
    declared->delimiter = text ? text[0] : 0;
    return TARN_OK;
}

static enum tarn_status read_files(const struct tarn_yaml *files, bool strict,
                                   struct tarn_declared *declared, struct tarn_error *err)
{
    static const char *const formats[] = {"csv", "json", "ndjson", "parquet", NULL};
    static const char *const encodings[] = {"detect", "utf-8", "utf-16", "latin-1", NULL};
    static const char *const keys[] = {"format", "encoding", "delimiter", "header", NULL};
    int format = TARN_FORMAT_UNKNOWN, encoding = TARN_ENCODING_DETECT;
    if (strict && files)
        TARN_TRY(tarn_yaml_expect_keys(files, "files", keys, err));
    TARN_TRY(tarn_yaml_choice(files, "format", formats, &format, err));
    TARN_TRY(tarn_yaml_choice(files, "encoding", encodings, &encoding, err));
    declared->format = (enum tarn_format)format;
    declared->encoding = (enum tarn_encoding)encoding;
    bool header = true;
    TARN_TRY(tarn_yaml_bool(files, "header", &header, err));
    declared->header = tarn_yaml_get(files, "header") || !strict ? header : -1;
    return read_delimiter(files, declared, err);
}

static enum tarn_status read_source(const char *path, struct reading *reading,
                                    struct tarn_error *err)
{
    static const char *const entity_keys[] = {"files", "columns", "description", NULL};
    const struct tarn_yaml *root = NULL, *entities = NULL;
    const char *source = NULL, *type = "files";
    TARN_TRY(tarn_yaml_read(path, reading->arena, &root, err));
    TARN_TRY(tarn_yaml_str_required(root, "source", &source, err));
    TARN_TRY(tarn_yaml_str(root, "type", &type, err));
    TARN_TRY(tarn_yaml_map(root, "entities", &entities, err));
    const bool strict = strcmp(type, "files") == 0;
    for (size_t i = 0; entities && i < entities->count; i++) {
        const struct tarn_yaml *entity = entities->items[i], *files = NULL;
        struct tarn_declared declared = {
            .source = source, .entity = tarn_yaml_key(entities, i), .header = -1};
        if (strict && entity->kind != TARN_YAML_NULL)
            TARN_TRY(tarn_yaml_expect_keys(entity, "an entity", entity_keys, err));
        TARN_TRY(tarn_yaml_map(entity, "files", &files, err));
        TARN_TRY(read_files(files, strict, &declared, err));
        if (strict)
            TARN_TRY(read_columns(entity, reading->arena, &declared, err));
        else
            TARN_TRY(read_synthetic_columns(entity, reading->arena, &declared, err));
        TARN_RESERVE(reading->items, reading->cap, reading->count + 1);
        reading->items[reading->count++] = declared;
    }
    return TARN_OK;
}

enum tarn_status tarn_declarations_read(const struct tarn_project *project,
                                        struct tarn_arena *arena, struct tarn_declarations *ret,
                                        struct tarn_error *err)
{
    struct tarn_file_list list;
    struct reading reading = {.arena = arena};
    TARN_TRY(tarn_directory_list(tarn_project_path(project, "sources"), ".yml", arena, &list, err));
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < list.count && status == TARN_OK; i++)
        status = read_source(list.paths[i], &reading, err);
    ret->count = reading.count;
    ret->items = tarn_arena_array(arena, reading.count + 1, sizeof *ret->items);
    if (reading.count > 0)
        memcpy(ret->items, reading.items, reading.count * sizeof *ret->items);
    free(reading.items);
    return status;
}

const struct tarn_declared *tarn_declarations_find(const struct tarn_declarations *declarations,
                                                   const char *source, const char *entity)
{
    for (size_t i = 0; i < declarations->count; i++) {
        const struct tarn_declared *declared = &declarations->items[i];
        if (strcmp(declared->entity, entity) == 0 &&
            (strcmp(declared->source, source) == 0 || strcmp(source, "files") == 0))
            return declared;
    }
    return NULL;
}
