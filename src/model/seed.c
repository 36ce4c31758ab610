/* model/seed.c -- a CSV file as a table. Types are inferred as dbt does (integer, number, date,
 * timestamp, boolean, otherwise text) unless column_types says. An empty field is NULL; the word
 * null is NULL in a column of any type but text, as with dbt on DuckDB. */
#include <stdio.h>
#include <strings.h>

#include "base/file.h"
#include "model/worker.h"

enum { QUERY_BYTES_MAX = 16 << 20, HEADER_BYTES_MAX = 4 << 20 };

struct seed {
    struct tarn_model_worker *worker;
    const struct tarn_model_node *node;
    const char **names; /* of the file's columns */
    size_t count;
    const char *delimiter;
};

/* The candidates, narrowest first. A column has the first type that all its values fit. */
static const struct {
    const char *type, *test; /* %s is the column */
} candidates[] = {
    {"integer",
     "regexp_full_match(%s, '[+-]?[0-9]{1,18}') AND try_cast(%s AS INTEGER) IS NOT NULL"},
    {"bigint", "regexp_full_match(%s, '[+-]?[0-9]{1,19}') AND try_cast(%s AS BIGINT) IS NOT NULL"},
    {"double", "regexp_full_match(%s, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?') AND "
               "try_cast(%s AS DOUBLE) IS NOT NULL"},
    {"date",
     "regexp_full_match(%s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND try_cast(%s AS DATE) IS NOT NULL"},
    {"timestamp", "regexp_full_match(%s, '[0-9]{4}-[0-9]{2}-[0-9]{2}[ "
                  "T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?"
                  "(Z|[+-][0-9]{2}(:?[0-9]{2})?)?') AND try_cast(%s AS TIMESTAMP) IS NOT NULL"},
    {"boolean", "lower(%s) IN ('true', 'false') AND %s IS NOT NULL"},
};

/* The column as text, with the word null as NULL. */
static void append_value(struct tarn_buffer *sql, const char *column)
{
    TARN_BUFFER(name, QUERY_BYTES_MAX);
    tarn_sql_identifier(&name, column);
    tarn_buffer_printf(sql, "CASE WHEN lower(%s) <> 'null' THEN %s END", tarn_buffer_str(&name),
                       tarn_buffer_str(&name));
}

static bool is_text(const char *type)
{
    static const char *const names[] = {"varchar", "text", "string", "char", "character"};
    for (size_t i = 0; type && i < TARN_COUNT(names); i++)
        if (strncasecmp(type, names[i], strlen(names[i])) == 0)
            return true;
    return type == NULL;
}

/* The file with every column as text; an empty field as NULL. */
static void append_reader(struct seed *seed, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "read_csv(");
    tarn_sql_literal(sql, tarn_text_of(seed->node->file));
    tarn_buffer_append_str(sql, ", auto_detect=false, header=true, all_varchar=true, quote='\"', "
                                "escape='\"', nullstr='', "
                                "null_padding=false, strict_mode=true, delim=");
    tarn_sql_literal(sql, tarn_text_of(seed->delimiter));
    tarn_buffer_append_str(sql, ", columns={");
    for (size_t i = 0; i < seed->count; i++) {
        tarn_buffer_append_str(sql, i ? ", " : "");
        tarn_sql_literal(sql, tarn_text_of(seed->names[i]));
        tarn_buffer_append_str(sql, ": 'VARCHAR'");
    }
    tarn_buffer_append_str(sql, "})");
}

/* One field of the header line, quotes resolved; moves *at behind it and its delimiter. */
static const char *header_field(struct tarn_arena *arena, const char **at, const char *delimiter)
{
    TARN_BUFFER(name, HEADER_BYTES_MAX);
    const char *p = *at;
    size_t len = strlen(delimiter);
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            if (*p == '"')
                p++;
            tarn_buffer_append_char(&name, *p);
        }
        if (*p == '"')
            p++;
    }
    while (*p && *p != '\n' && *p != '\r' && strncmp(p, delimiter, len) != 0)
        tarn_buffer_append_char(&name, *p++);
    *at = p;
    struct tarn_text trimmed = tarn_text_trim(tarn_buffer_text(&name));
    return tarn_arena_strndup(arena, trimmed.data, trimmed.len);
}

static enum tarn_status read_header(struct seed *seed, struct tarn_error *err)
{
    struct tarn_arena *arena = seed->worker->context.arena;
    FILE *file = fopen(seed->node->file, "rb");
    if (!file)
        return tarn_fail_errno(err, "reading the seed %s", seed->node->original_path);
    TARN_BUFFER(line, HEADER_BYTES_MAX);
    bool quoted = false;
    for (int c; (c = getc(file)) != EOF && (c != '\n' || quoted);) {
        quoted ^= c == '"';
        tarn_buffer_append_char(&line, (char)c);
    }
    fclose(file);
    TARN_TRY(tarn_buffer_check(&line, "the first line of a seed", err));
    const char *at = tarn_buffer_str(&line);
    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    if (tarn_text_trim(tarn_text_of(at)).len == 0)
        return tarn_fail(err, TARN_INVALID,
                         "the seed %s is empty: its first line has the names of the columns",
                         seed->node->original_path);
    size_t cap = strlen(at) + 2;
    seed->names = tarn_arena_array(arena, cap, sizeof *seed->names);
    for (;;) {
        const char *name = header_field(arena, &at, seed->delimiter);
        for (size_t i = 0; i < seed->count; i++)
            if (strcasecmp(seed->names[i], name) == 0)
                return tarn_fail(err, TARN_INVALID, "the seed %s has the column '%s' twice",
                                 seed->node->original_path, name);
        if (!*name)
            return tarn_fail(err, TARN_INVALID, "column %zu of the seed %s has no name",
                             seed->count + 1, seed->node->original_path);
        seed->names[seed->count++] = name;
        if (*at == 0 || *at == '\n' || *at == '\r')
            return TARN_OK;
        at += strlen(seed->delimiter);
    }
}

static const char *given_type(struct seed *seed, const char *name)
{
    struct tarn_value types = tarn_node_config(seed->node, "column_types"), key, value;
    for (size_t i = 0; tarn_value_is(types, TARN_VALUE_DICT) && i < tarn_dict_count(types); i++) {
        tarn_dict_at(types, i, &key, &value);
        struct tarn_heap *heap = tarn_model_context_heap(&seed->worker->context);
        if (strcasecmp(tarn_value_cstr(heap, key), name) == 0)
            return tarn_value_cstr(heap, value);
    }
    return NULL;
}

static void append_test(struct tarn_buffer *sql, const char *format, const char *column)
{
    for (; *format; format++) {
        if (format[0] == '%' && format[1] == 's') {
            tarn_buffer_append_str(sql, column);
            format++;
        } else {
            tarn_buffer_append_char(sql, *format);
        }
    }
}

/* One scan: for each column without a given type and each candidate, whether all values fit. */
static enum tarn_status infer(struct seed *seed, const char **types, struct tarn_error *err)
{
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    bool any = false;
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < seed->count; i++) {
        if (types[i])
            continue;
        TARN_BUFFER(column, QUERY_BYTES_MAX);
        tarn_buffer_append_char(&column, '(');
        append_value(&column, seed->names[i]);
        tarn_buffer_append_char(&column, ')');
        tarn_buffer_printf(&sql, "%scount(%s)", any ? ", " : "", tarn_buffer_str(&column));
        for (size_t k = 0; k < TARN_COUNT(candidates); k++) {
            tarn_buffer_append_str(&sql, ", coalesce(bool_and(");
            append_test(&sql, candidates[k].test, tarn_buffer_str(&column));
            tarn_buffer_printf(&sql, ") FILTER (%s IS NOT NULL), false)", tarn_buffer_str(&column));
        }
        any = true;
    }
    if (!any)
        return TARN_OK;
    tarn_buffer_append_str(&sql, " FROM temp.main.tarn_seed");
    TARN_TRY(tarn_buffer_check(&sql, "the SQL that types a seed", err));
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    size_t rows, at = 0;
    TARN_TRY(tarn_session_fetch(seed->worker->session, tarn_buffer_str(&sql), &result, err));
    TARN_TRY(tarn_result_next(result, &rows, err));
    for (size_t i = 0; i < seed->count && rows == 1; i++) {
        if (types[i])
            continue;
        struct tarn_vector vector = tarn_result_vector(result, at++);
        bool empty = tarn_vector_int64(&vector, 0) == 0;
        for (size_t k = 0; k < TARN_COUNT(candidates); k++) {
            vector = tarn_result_vector(result, at++);
            if (!types[i] && tarn_vector_int64(&vector, 0))
                types[i] = candidates[k].type;
        }
        if (empty)
            types[i] = "integer"; /* dbt's choice for a column without any value */
    }
    return TARN_OK;
}

static enum tarn_status load(struct seed *seed, struct tarn_error *err)
{
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    tarn_buffer_append_str(&sql, "CREATE OR REPLACE TEMP TABLE tarn_seed AS SELECT * FROM ");
    append_reader(seed, &sql);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL that reads a seed", err));
    if (tarn_session_run(seed->worker->session, tarn_buffer_str(&sql), NULL, err) != TARN_OK)
        return tarn_error_wrap(err, "reading the seed %s", seed->node->original_path);
    return TARN_OK;
}

enum tarn_status tarn_worker_read_seed(struct tarn_model_worker *w,
                                       const struct tarn_model_node *node, const char **ret_query,
                                       struct tarn_error *err)
{
    struct tarn_arena *arena = w->context.arena;
    struct seed seed = {.worker = w, .node = node};
    seed.delimiter = tarn_node_config_str(node, "delimiter", ",", arena);
    if (!*seed.delimiter)
        return tarn_fail(err, TARN_CONFIG, "the delimiter of the seed '%s' is empty", node->name);
    TARN_TRY(read_header(&seed, err));
    TARN_TRY(load(&seed, err));
    const char **types = tarn_arena_array(arena, seed.count, sizeof *types);
    for (size_t i = 0; i < seed.count; i++)
        types[i] = given_type(&seed, seed.names[i]);
    TARN_TRY(infer(&seed, types, err));
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    tarn_buffer_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < seed.count; i++) {
        const char *name = tarn_sql_identifier_in(arena, seed.names[i]);
        tarn_buffer_append_str(&sql, i ? ", CAST(" : "CAST(");
        if (is_text(types[i]))
            tarn_buffer_append_str(&sql, name);
        else
            append_value(&sql, seed.names[i]);
        tarn_buffer_printf(&sql, " AS %s) AS %s", types[i] ? types[i] : "VARCHAR", name);
    }
    tarn_buffer_append_str(&sql, " FROM temp.main.tarn_seed");
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a seed", err));
    *ret_query = tarn_arena_strdup(arena, tarn_buffer_str(&sql));
    return TARN_OK;
}
