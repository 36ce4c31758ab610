/* model/unit_rows.c -- the rows of a unit test: maps, CSV or SQL, in the YAML file or in a file
 * below tests/fixtures. See unit_test.h. */
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "engine/session.h"
#include "model/unit_test.h"

enum { TEXT_BYTES_MAX = 16 << 20, ROWS_MAX = 100000 };

struct reading {
    struct tarn_arena *arena;
    struct tarn_unit_rows *rows;
    struct tarn_error *err;
};

static const char *literal(struct tarn_arena *arena, struct tarn_text text)
{
    TARN_BUFFER(out, TEXT_BYTES_MAX);
    tarn_sql_literal(&out, text);
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}

/* --- maps */

static const char *literal_of(struct tarn_arena *arena, struct tarn_value value)
{
    if (tarn_value_is_nothing(value))
        return "NULL";
    if (tarn_value_is_string(value))
        return literal(arena, tarn_value_text(value));
    TARN_BUFFER(text, TEXT_BYTES_MAX);
    tarn_value_print(value, &text); /* lists and maps read as DuckDB's own text for them */
    return literal(arena, tarn_buffer_text(&text));
}

static size_t column_at(struct reading *r, struct tarn_text name)
{
    struct tarn_unit_rows *rows = r->rows;
    for (size_t i = 0; i < rows->column_count; i++)
        if (tarn_text_is(name, rows->columns[i]))
            return i;
    rows->columns[rows->column_count] = tarn_arena_strndup(r->arena, name.data, name.len);
    return rows->column_count++;
}

static enum tarn_status read_maps(struct reading *r, struct tarn_value list)
{
    struct tarn_value key, value;
    size_t most = 0, count = tarn_list_count(list);
    for (size_t i = 0; i < count; i++) {
        if (!tarn_value_is(tarn_list_at(list, i), TARN_VALUE_DICT))
            return tarn_fail(r->err, TARN_CONFIG,
                             "row %zu is no map of column and value, such as {id: 1, name: x}",
                             i + 1);
        most += tarn_dict_count(tarn_list_at(list, i));
    }
    r->rows->columns = tarn_arena_array(r->arena, most + 1, sizeof *r->rows->columns);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tarn_dict_count(tarn_list_at(list, i)); k++) {
            tarn_dict_at(tarn_list_at(list, i), k, &key, &value);
            (void)column_at(r, tarn_value_text(key));
        }
    size_t width = r->rows->column_count;
    r->rows->cells = tarn_arena_array(r->arena, count * width + 1, sizeof *r->rows->cells);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tarn_dict_count(tarn_list_at(list, i)); k++) {
            tarn_dict_at(tarn_list_at(list, i), k, &key, &value);
            r->rows->cells[i * width + column_at(r, tarn_value_text(key))] =
                literal_of(r->arena, value);
        }
    r->rows->count = count;
    return TARN_OK;
}

/* --- CSV */

/* The next field of the record at *text; *ret_last when the record ends behind it. An empty field
 * without quotes is NULL, as in dbt. */
static const char *next_field(struct tarn_text *text, struct tarn_buffer *field, bool *ret_last,
                              bool *ret_quoted)
{
    bool inside = false;
    tarn_buffer_clear(field);
    *ret_quoted = false;
    size_t i = 0;
    for (; i < text->len; i++) {
        char c = text->data[i];
        if (c == '"' && inside && i + 1 < text->len && text->data[i + 1] == '"')
            i++;
        else if (c == '"') {
            inside = !inside;
            *ret_quoted = true;
            continue;
        } else if (!inside && (c == ',' || c == '\n'))
            break;
        tarn_buffer_append_char(field, c);
    }
    *ret_last = i >= text->len || text->data[i] == '\n';
    size_t used = i < text->len ? i + 1 : i;
    text->data += used;
    text->len -= used;
    return tarn_buffer_str(field);
}

static enum tarn_status read_csv(struct reading *r, struct tarn_text text)
{
    TARN_BUFFER(field, TEXT_BYTES_MAX);
    struct tarn_unit_rows *rows = r->rows;
    bool last = false, quoted;
    size_t most = 1, cap = 0;
    const char **cells = NULL;
    text = tarn_text_trim(text);
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == ',';
    rows->columns = tarn_arena_array(r->arena, most + 1, sizeof *rows->columns);
    while (text.len > 0 && !last) {
        struct tarn_text name =
            tarn_text_trim(tarn_text_of(next_field(&text, &field, &last, &quoted)));
        rows->columns[rows->column_count++] = tarn_arena_strndup(r->arena, name.data, name.len);
    }
    while (text.len > 0) {
        size_t at = 0;
        TARN_RESERVE(cells, cap, (rows->count + 1) * rows->column_count + 1);
        for (last = false; !last; at++) {
            next_field(&text, &field, &last, &quoted);
            struct tarn_text value =
                quoted ? tarn_buffer_text(&field) : tarn_text_trim(tarn_buffer_text(&field));
            if (at < rows->column_count)
                cells[rows->count * rows->column_count + at] =
                    value.len == 0 && !quoted ? "NULL" : literal(r->arena, value);
        }
        if (at != rows->column_count) {
            free(cells);
            return tarn_fail(r->err, TARN_CONFIG, "CSV row %zu has %zu fields and the header %zu",
                             rows->count + 1, at, rows->column_count);
        }
        rows->count++;
    }
    rows->cells =
        tarn_arena_array(r->arena, rows->count * rows->column_count + 1, sizeof *rows->cells);
    if (rows->count > 0)
        memcpy(rows->cells, cells, rows->count * rows->column_count * sizeof *cells);
    free(cells);
    return TARN_OK;
}

/* --- fixtures and formats */

/* tests/fixtures/NAME.csv, at any depth. */
static enum tarn_status read_fixture(const struct tarn_model_package *package, const char *name,
                                     const char *extension, struct tarn_arena *arena,
                                     struct tarn_text *ret_text, struct tarn_error *err)
{
    TARN_AUTO_FREE char *file = tarn_format("%s.%s", name, extension);
    for (const char **folder = package->paths[TARN_PATH_TESTS]; *folder; folder++) {
        TARN_AUTO_FREE char *path = tarn_format("%s/%s/fixtures", package->root, *folder);
        struct tarn_file_list files;
        TARN_TRY(tarn_directory_list(path, "", arena, &files, err));
        for (size_t i = 0; i < files.count; i++) {
            if (strcmp(tarn_path_name(files.paths[i]), file) != 0)
                continue;
            TARN_BUFFER(text, TEXT_BYTES_MAX);
            TARN_TRY(tarn_file_read(files.paths[i], &text, err));
            *ret_text = (struct tarn_text){
                tarn_arena_strndup(arena, tarn_buffer_str(&text), text.len), text.len};
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_CONFIG, "there is no fixture %s in %s/fixtures", file,
                     package->paths[TARN_PATH_TESTS][0] ? package->paths[TARN_PATH_TESTS][0]
                                                        : "tests");
}

static enum tarn_status read_text(struct reading *r, const char *format, struct tarn_text text)
{
    if (strcmp(format, "csv") == 0)
        return read_csv(r, text);
    text = tarn_text_trim(text);
    while (text.len > 0 && text.data[text.len - 1] == ';')
        text.len--;
    r->rows->sql = tarn_arena_strndup(r->arena, text.data, text.len);
    return TARN_OK;
}

enum tarn_status tarn_unit_rows_read(const struct tarn_model_package *package,
                                     struct tarn_value entry, struct tarn_arena *arena,
                                     struct tarn_unit_rows *ret_rows, struct tarn_error *err)
{
    struct reading r = {arena, ret_rows, err};
    struct tarn_value rows = tarn_dict_get_str(entry, "rows");
    struct tarn_value fixture = tarn_dict_get_str(entry, "fixture");
    struct tarn_value given = tarn_dict_get_str(entry, "format");
    const char *format = tarn_value_text_is(given, "csv")   ? "csv"
                         : tarn_value_text_is(given, "sql") ? "sql"
                                                            : "dict";
    *ret_rows = (struct tarn_unit_rows){0};
    if (!tarn_value_is_nothing(given) && !tarn_value_text_is(given, format))
        return tarn_fail(err, TARN_CONFIG, "`format` is dict, csv or sql");
    if (strcmp(format, "dict") == 0) {
        if (!tarn_value_is_nothing(fixture))
            return tarn_fail(err, TARN_CONFIG, "a fixture needs `format: csv` or `format: sql`");
        if (!tarn_value_is(rows, TARN_VALUE_LIST) && !tarn_value_is_nothing(rows))
            return tarn_fail(err, TARN_CONFIG,
                             "`rows` is a list of maps, unless `format` says csv "
                             "or sql");
        return tarn_value_is_nothing(rows) ? TARN_OK : read_maps(&r, rows);
    }
    struct tarn_text text = {"", 0};
    if (tarn_value_is_string(fixture)) {
        TARN_AUTO_FREE char *name =
            tarn_strndup(tarn_value_text(fixture).data, tarn_value_text(fixture).len);
        TARN_TRY(read_fixture(package, name, format, arena, &text, err));
    } else if (tarn_value_is_string(rows)) {
        text = tarn_value_text(rows);
    } else {
        return tarn_fail(err, TARN_CONFIG,
                         "with `format: %s`, `rows` is text, or `fixture` the name of a file",
                         format);
    }
    return read_text(&r, format, text);
}

/* --- as SQL */

static const char *cell(const struct tarn_unit_rows *rows, size_t row, const char *name)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (strcasecmp(rows->columns[i], name) == 0 && rows->cells[row * rows->column_count + i])
            return rows->cells[row * rows->column_count + i];
    return "NULL";
}

void tarn_unit_rows_write(const struct tarn_unit_rows *rows, const char *const *names,
                          const char *const *types, size_t count, struct tarn_buffer *out)
{
    for (size_t row = 0; row < (rows->count ? rows->count : 1); row++) {
        tarn_buffer_append_str(out, row ? "\nUNION ALL SELECT " : "SELECT ");
        for (size_t i = 0; i < count; i++) {
            tarn_buffer_printf(out, "%sCAST(%s AS %s) AS ", i ? ", " : "",
                               rows->count ? cell(rows, row, names[i]) : "NULL", types[i]);
            tarn_sql_identifier(out, names[i]);
        }
    }
    if (rows->count == 0)
        tarn_buffer_append_str(out, " WHERE false");
}
