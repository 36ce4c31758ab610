/* lake/footer.c -- the columns of Parquet files by DuckDB's parquet_schema, see footer.h. */
#include "lake/footer.h"

#include <string.h>

enum { DEPTH_MAX = 100, SQL_MAX_BYTES = 64 << 20 };

/* One line of parquet_schema. */
struct line {
    const char *name;
    int id;
    size_t children;
    bool is_list, is_map;
};
struct lines {
    struct line *lines;
    size_t count, cap;
};

/* ---- from lines to fields ---- */

struct taking {
    const struct lines *lines;
    size_t at;
    struct tarn_arena *arena;
};

static bool take_fields(struct taking *t, size_t count, int depth,
                        struct lake_footer_field **ret_fields);

/* What stands in the repeated group of a list: the group itself where it is the element (files of
 * old writers), otherwise its only member. */
static void unwrap_list(struct lake_footer_field *list)
{
    const struct lake_footer_field *repeated = &list->fields[0];
    TARN_AUTO_FREE char *tuple = tarn_format("%s_tuple", list->name);
    bool is_element = repeated->kind != LAKE_FOOTER_STRUCT || repeated->field_count != 1 ||
                      strcmp(repeated->name, "array") == 0 || strcmp(repeated->name, tuple) == 0;
    if (!is_element)
        list->fields = repeated->fields;
    list->kind = LAKE_FOOTER_LIST;
}

static bool take_field(struct taking *t, int depth, struct lake_footer_field *field)
{
    if (t->at >= t->lines->count || depth > DEPTH_MAX)
        return false;
    const struct line *line = &t->lines->lines[t->at++];
    field->name = line->name;
    field->id = line->id;
    field->kind = line->children > 0 ? LAKE_FOOTER_STRUCT : LAKE_FOOTER_LEAF;
    field->field_count = line->children;
    if (!take_fields(t, line->children, depth + 1, &field->fields))
        return false;
    if (line->is_list && line->children == 1) {
        unwrap_list(field);
    } else if (line->is_map && line->children == 1 && field->fields[0].field_count == 2) {
        field->kind = LAKE_FOOTER_MAP;
        field->field_count = 2;
        field->fields = field->fields[0].fields;
    }
    return true;
}

static bool take_fields(struct taking *t, size_t count, int depth,
                        struct lake_footer_field **ret_fields)
{
    if (count > t->lines->count - t->at)
        return false;
    *ret_fields = tarn_arena_array(t->arena, count, sizeof **ret_fields);
    for (size_t i = 0; i < count; i++)
        if (!take_field(t, depth, &(*ret_fields)[i]))
            return false;
    return true;
}

static bool footer_of(const struct lines *lines, struct tarn_arena *arena,
                      struct lake_footer *footer)
{
    struct taking t = {.lines = lines, .at = 1, .arena = arena}; /* the first line is the root */
    if (lines->count == 0)
        return false;
    footer->field_count = lines->lines[0].children;
    return take_fields(&t, footer->field_count, 0, &footer->fields) && t.at == lines->count;
}

/* ---- from the files to lines ---- */

static char *lines_sql(const char *const *paths, size_t count, struct tarn_arena *arena)
{
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    tarn_buffer_append_str(
        &sql, "SELECT file_name, name, coalesce(field_id, -1)::BIGINT, "
              "coalesce(num_children, 0)::BIGINT, coalesce(converted_type::VARCHAR, '') = 'LIST' "
              "OR starts_with(coalesce(logical_type, ''), 'ListType'), "
              "starts_with(coalesce(converted_type::VARCHAR, ''), 'MAP') OR "
              "starts_with(coalesce(logical_type, ''), 'MapType') FROM parquet_schema([");
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(&sql, i ? ", " : "");
        tarn_sql_literal(&sql, tarn_text_of(paths[i]));
    }
    tarn_buffer_append_str(&sql, "])");
    return tarn_arena_strdup(arena, tarn_buffer_str(&sql));
}

/* The place of the path, looked for from `at` on: the lines come file by file. */
static size_t find_path(const char *const *paths, size_t count, size_t at, struct tarn_text path)
{
    for (size_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0)
        if (tarn_text_is(path, paths[at]))
            return at;
    return count;
}

static enum tarn_status read_lines(struct tarn_session *session, const char *const *paths,
                                   size_t count, struct tarn_arena *arena, struct lines *lines,
                                   struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(session, lines_sql(paths, count, arena), &result, err));
    for (size_t at = 0;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        if (rows == 0)
            return TARN_OK;
        struct tarn_vector columns[6];
        for (size_t c = 0; c < TARN_COUNT(columns); c++)
            columns[c] = tarn_result_vector(result, c);
        for (size_t row = 0; row < rows; row++) {
            struct tarn_text path = tarn_vector_text(&columns[0], row);
            struct tarn_text name = tarn_vector_text(&columns[1], row);
            at = find_path(paths, count, at, path);
            if (at == count)
                return tarn_fail(err, TARN_CORRUPT, "reading the columns of %.*s: nobody asked",
                                 (int)path.len, path.data);
            TARN_RESERVE(lines[at].lines, lines[at].cap, lines[at].count + 1);
            lines[at].lines[lines[at].count++] = (struct line){
                .name = tarn_arena_strndup(arena, name.data, name.len),
                .id = (int)tarn_vector_int64(&columns[2], row),
                .children = (size_t)tarn_vector_int64(&columns[3], row),
                .is_list = tarn_vector_int64(&columns[4], row) != 0,
                .is_map = tarn_vector_int64(&columns[5], row) != 0,
            };
        }
    }
}

enum tarn_status lake_footers_read(struct tarn_session *session, const char *const *paths,
                                   size_t count, struct tarn_arena *arena,
                                   struct lake_footer **ret_footers, struct tarn_error *err)
{
    struct lines *lines = tarn_arena_array(arena, count, sizeof *lines);
    struct lake_footer *footers = tarn_arena_array(arena, count, sizeof *footers);
    enum tarn_status status = read_lines(session, paths, count, arena, lines, err);
    for (size_t i = 0; i < count && status == TARN_OK; i++)
        if (!footer_of(&lines[i], arena, &footers[i]))
            status = tarn_fail(err, TARN_CORRUPT,
                               "reading the columns of %s: its footer is not well formed; restore "
                               "the file from a backup",
                               paths[i]);
    for (size_t i = 0; i < count; i++)
        free(lines[i].lines);
    *ret_footers = footers;
    return status;
}
