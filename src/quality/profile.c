/* quality/profile.c -- see profile.h. Every figure is asked for as text, so that one SELECT serves
 * all types; only candidates for a key or a set of values cost a query of their own. */
#include "quality/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"

enum { SQL_MAX_BYTES = 16 << 20, CELL_MAX_BYTES = 1 << 16, LONGEST_SHOWN = 40 };

/* The figures of a column, in the order of the SELECT. */
enum figure {
    COUNT,
    DISTINCT,
    MIN,
    MAX,
    MEAN,
    STDEV,
    QUARTILES,
    MIN_LENGTH,
    MAX_LENGTH,
    AS_BIGINT,
    AS_DECIMAL,
    AS_DATE,
    AS_TIMESTAMP,
    FIGURES
};

/* printf formats with the quoted column for every %1$s; which classes of types have the figure. */
static const struct {
    const char *sql;
    bool text, number, temporal, any;
} figures[FIGURES] = {
    [COUNT] = {"count(%1$s)", .any = true},
    [DISTINCT] = {"approx_count_distinct(%1$s)", .any = true},
    [MIN] = {"min(%1$s)", .text = true, .number = true, .temporal = true},
    [MAX] = {"max(%1$s)", .text = true, .number = true, .temporal = true},
    [MEAN] = {"round(avg(%1$s), 6)", .number = true},
    [STDEV] = {"round(stddev_samp(%1$s), 6)", .number = true},
    [QUARTILES] = {"array_to_string([approx_quantile(%1$s, 0.25), approx_quantile(%1$s, 0.5), "
                   "approx_quantile(%1$s, 0.75)], ', ')",
                   .number = true},
    [MIN_LENGTH] = {"min(length(%1$s))", .text = true},
    [MAX_LENGTH] = {"max(length(%1$s))", .text = true},
    [AS_BIGINT] = {"count_if(try_cast(%1$s AS BIGINT) IS NOT NULL AND NOT contains(%1$s, '.'))",
                   .text = true},
    [AS_DECIMAL] = {"count(try_cast(%1$s AS DECIMAL(18, 4)))", .text = true},
    [AS_DATE] = {"count_if(length(%1$s) = 10 AND try_cast(%1$s AS DATE) IS NOT NULL)",
                 .text = true},
    [AS_TIMESTAMP] = {"count(try_cast(%1$s AS TIMESTAMP))", .text = true},
};

static bool has_figure(const struct tarn_type *type, enum figure figure)
{
    enum tarn_value_class class = tarn_value_class_of(type);
    return figures[figure].any || (figures[figure].text && type->id == TARN_TYPE_VARCHAR) ||
           (figures[figure].number && class == TARN_VALUE_NUMBER) ||
           (figures[figure].temporal && class == TARN_VALUE_TEMPORAL);
}

/* The formats stand in the table above and nowhere else. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void append_figure(struct tarn_buffer *sql, enum figure figure, const char *column)
{
    tarn_buffer_printf(sql, figures[figure].sql, column);
}
#pragma GCC diagnostic pop

static char *build_select(const struct tarn_check_table *table)
{
    struct tarn_buffer sql = {.max_bytes = SQL_MAX_BYTES};
    tarn_buffer_append_str(&sql, "SELECT CAST(count(*) AS VARCHAR)");
    for (size_t i = 0; i < table->column_count; i++) {
        TARN_BUFFER(name, CELL_MAX_BYTES);
        tarn_sql_identifier(&name, table->columns[i].name);
        for (enum figure f = 0; f < FIGURES; f++) {
            if (!has_figure(table->columns[i].type, f)) {
                tarn_buffer_append_str(&sql, ", CAST(NULL AS VARCHAR)");
                continue;
            }
            tarn_buffer_append_str(&sql, ",\n  CAST(");
            append_figure(&sql, f, tarn_buffer_str(&name));
            tarn_buffer_append_str(&sql, " AS VARCHAR)");
        }
    }
    tarn_buffer_printf(&sql, "\nFROM %s", table->sql);
    return tarn_buffer_take(&sql);
}

static const char *cell(const struct tarn_result *result, size_t column, struct tarn_arena *arena)
{
    struct tarn_vector v = tarn_result_vector(result, column);
    if (tarn_vector_is_null(&v, 0))
        return NULL;
    struct tarn_text text = tarn_vector_text(&v, 0);
    return tarn_arena_strndup(arena, text.data, text.len);
}

static int64_t whole(const char *text)
{
    int64_t value = 0;
    return text && tarn_text_to_int64(tarn_text_of(text), &value) ? value : 0;
}

static const char *narrowest(const char *const cells[FIGURES], int64_t count)
{
    if (count == 0)
        return NULL;
    if (whole(cells[AS_BIGINT]) == count)
        return "BIGINT";
    if (whole(cells[AS_DECIMAL]) == count)
        return "DECIMAL(18,4)";
    if (whole(cells[AS_DATE]) == count)
        return "DATE";
    return whole(cells[AS_TIMESTAMP]) == count ? "TIMESTAMP" : NULL;
}

static enum tarn_status read_figures(struct tarn_session *session,
                                     const struct tarn_check_table *table, struct tarn_arena *arena,
                                     struct tarn_profile *profile, struct tarn_error *err)
{
    TARN_AUTO_FREE char *sql = build_select(table);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    size_t rows;
    TARN_TRY(tarn_session_fetch(session, sql, &result, err));
    TARN_TRY(tarn_result_next(result, &rows, err));
    profile->rows = whole(cell(result, 0, arena));
    for (size_t i = 0; i < table->column_count; i++) {
        const char *cells[FIGURES];
        for (size_t f = 0; f < FIGURES; f++)
            cells[f] = cell(result, 1 + i * FIGURES + f, arena);
        profile->columns[i] = (struct tarn_column_profile){
            .name = table->columns[i].name,
            .type = table->columns[i].type,
            .count = whole(cells[COUNT]),
            .distinct = whole(cells[DISTINCT]),
            .min = cells[MIN],
            .max = cells[MAX],
            .mean = cells[MEAN],
            .stdev = cells[STDEV],
            .quartiles = cells[QUARTILES],
            .min_length = whole(cells[MIN_LENGTH]),
            .max_length = whole(cells[MAX_LENGTH]),
            .reads_as = narrowest(cells, whole(cells[COUNT])),
        };
    }
    return TARN_OK;
}

/* The approximate count is within a few percent: only a column near the number of rows is asked. */
static enum tarn_status find_key(struct tarn_session *session, const struct tarn_check_table *table,
                                 struct tarn_arena *arena, int64_t rows,
                                 struct tarn_column_profile *c, struct tarn_error *err)
{
    int64_t distinct;
    if (rows == 0 || c->count < rows || (double)c->distinct < 0.9 * (double)rows)
        return TARN_OK;
    const char *sql = tarn_arena_format(arena, "SELECT count(*) FROM (SELECT DISTINCT %s FROM %s)",
                                        tarn_sql_identifier_in(arena, c->name), table->sql);
    TARN_TRY(tarn_session_query_int(session, sql, &distinct, err));
    c->is_unique = distinct == rows;
    c->distinct = distinct;
    return TARN_OK;
}

/* All values of a text column with few of them. */
static enum tarn_status find_values(struct tarn_session *session,
                                    const struct tarn_check_table *table, struct tarn_arena *arena,
                                    struct tarn_column_profile *c, struct tarn_error *err)
{
    if (c->type->id != TARN_TYPE_VARCHAR || c->distinct > TARN_PROFILE_VALUES ||
        c->count < 10 * c->distinct || c->max_length > LONGEST_SHOWN)
        return TARN_OK;
    const char *name = tarn_sql_identifier_in(arena, c->name);
    const char *sql = tarn_arena_format(
        arena,
        "SELECT %s FROM %s WHERE %s IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT %d",
        name, table->sql, name, TARN_PROFILE_VALUES + 1);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(session, sql, &result, err));
    c->values = tarn_arena_array(arena, TARN_PROFILE_VALUES + 1, sizeof *c->values);
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        struct tarn_vector v = rows ? tarn_result_vector(result, 0) : (struct tarn_vector){0};
        for (size_t i = 0; i < rows && c->value_count <= TARN_PROFILE_VALUES; i++) {
            struct tarn_text text = tarn_vector_text(&v, i);
            c->values[c->value_count++] = tarn_arena_strndup(arena, text.data, text.len);
        }
        if (rows == 0)
            break;
    }
    if (c->value_count > TARN_PROFILE_VALUES)
        c->value_count = 0; /* more than the estimate said */
    return TARN_OK;
}

enum tarn_status tarn_profile_table(struct tarn_session *session, const char *ns,
                                    const char *table_name, struct tarn_arena *arena,
                                    struct tarn_profile *ret_profile, struct tarn_error *err)
{
    struct tarn_check_table table;
    TARN_TRY(tarn_check_table_open(session, ns, table_name, arena, &table, err));
    struct tarn_profile profile = {.ns = ns, .table = table_name};
    profile.column_count = table.column_count;
    profile.columns = tarn_arena_array(arena, table.column_count + 1, sizeof *profile.columns);
    TARN_TRY(read_figures(session, &table, arena, &profile, err));
    for (size_t i = 0; i < profile.column_count; i++) {
        TARN_TRY(find_key(session, &table, arena, profile.rows, &profile.columns[i], err));
        TARN_TRY(find_values(session, &table, arena, &profile.columns[i], err));
    }
    *ret_profile = profile;
    return TARN_OK;
}

/* ---- suggestions ---- */

/* JSON text is YAML text. */
static void append_quoted(struct tarn_buffer *out, const char *text)
{
    struct tarn_json_writer w = tarn_json_writer(out, 0);
    tarn_json_str(&w, text);
}

static void append_columns(const struct tarn_profile *p, const char *expectation,
                           bool (*fits)(const struct tarn_profile *p,
                                        const struct tarn_column_profile *c),
                           struct tarn_buffer *out)
{
    const char *separator = "";
    for (size_t i = 0; i < p->column_count; i++) {
        if (!fits(p, &p->columns[i]))
            continue;
        if (!separator[0])
            tarn_buffer_printf(out, "      - %s: [", expectation);
        tarn_buffer_append_str(out, separator);
        append_quoted(out, p->columns[i].name);
        separator = ", ";
    }
    if (separator[0])
        tarn_buffer_append_str(out, "]\n");
}

/* Columns such as _file and _line, which ingestion adds. */
static bool is_added(const struct tarn_column_profile *c)
{
    return c->name[0] == '_';
}

static bool is_complete(const struct tarn_profile *p, const struct tarn_column_profile *c)
{
    return p->rows > 0 && c->count == p->rows && !is_added(c);
}

static bool is_named_as_key(const struct tarn_column_profile *c)
{
    size_t len = strlen(c->name);
    return (len >= 2 && strcasecmp(c->name + len - 2, "id") == 0) || strcasestr(c->name, "key") ||
           strcasestr(c->name, "uuid");
}

/* Only what looks like a key: figures and texts of a small table are often unique by chance. */
static bool is_key(const struct tarn_profile *p, const struct tarn_column_profile *c)
{
    (void)p;
    return c->is_unique && is_named_as_key(c);
}

static void append_column(const struct tarn_column_profile *c, struct tarn_buffer *out)
{
    bool bounded = c->min && c->max && c->type->id != TARN_TYPE_VARCHAR && !is_named_as_key(c);
    if (c->value_count > 0 && !c->is_unique) {
        tarn_buffer_append_str(out, "      - in_set: {column: ");
        append_quoted(out, c->name);
        tarn_buffer_append_str(out, ", values: [");
        for (size_t i = 0; i < c->value_count; i++) {
            tarn_buffer_append_str(out, i ? ", " : "");
            append_quoted(out, c->values[i]);
        }
        tarn_buffer_append_str(out, "]}\n");
    } else if (c->reads_as) {
        tarn_buffer_append_str(out, "      - parses_as: {column: ");
        append_quoted(out, c->name);
        tarn_buffer_printf(out, ", type: \"%s\"}\n", c->reads_as);
    } else if (bounded) {
        tarn_buffer_append_str(out, "      - between: {column: ");
        append_quoted(out, c->name);
        tarn_buffer_append_str(out, ", min: ");
        append_quoted(out, c->min);
        tarn_buffer_append_str(out, ", max: ");
        append_quoted(out, c->max);
        tarn_buffer_append_str(out, "}\n");
    } else if (c->type->id == TARN_TYPE_VARCHAR && c->max_length > 0) {
        tarn_buffer_append_str(out, "      - length_between: {column: ");
        append_quoted(out, c->name);
        tarn_buffer_printf(out, ", min: %" PRId64 ", max: %" PRId64 "}\n", c->min_length,
                           c->max_length);
    }
}

void tarn_profile_suggest(const struct tarn_profile *p, struct tarn_buffer *out)
{
    tarn_buffer_printf(out,
                       "# What held for the %" PRId64
                       " rows of %s.%s when this was written: widen or drop what was chance.\n"
                       "suites:\n  - name: ",
                       p->rows, p->ns, p->table);
    TARN_BUFFER(name, CELL_MAX_BYTES);
    tarn_buffer_printf(&name, "%s_%s", p->ns, p->table);
    append_quoted(out, tarn_buffer_str(&name));
    tarn_buffer_clear(&name);
    tarn_buffer_printf(&name, "%s.%s", p->ns, p->table);
    tarn_buffer_append_str(out, "\n    table: ");
    append_quoted(out, tarn_buffer_str(&name));
    tarn_buffer_append_str(out, "\n    expectations:\n");
    if (p->rows > 0)
        tarn_buffer_append_str(out, "      - row_count_between: {min: 1}\n");
    tarn_buffer_append_str(out, "      - columns_set: {exact: false, columns: [");
    for (size_t i = 0; i < p->column_count; i++) {
        tarn_buffer_append_str(out, i ? ", " : "");
        append_quoted(out, p->columns[i].name);
    }
    tarn_buffer_append_str(out, "]}\n");
    append_columns(p, "not_null", is_complete, out);
    append_columns(p, "unique", is_key, out);
    for (size_t i = 0; i < p->column_count; i++)
        if (!is_added(&p->columns[i]))
            append_column(&p->columns[i], out);
}
