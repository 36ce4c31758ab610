/* quality/check.c -- see check.h: columns, literals and bounds, which all build functions share. */
#include "quality/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { SQL_MAX_BYTES = 16 << 20 };

enum tarn_status tarn_check_table_open(struct tarn_session *session, const char *ns,
                                       const char *name, struct tarn_arena *arena,
                                       struct tarn_check_table *ret_table, struct tarn_error *err)
{
    struct tarn_check_table table = {.session = session, .ns = ns, .name = name};
    const char *quoted = tarn_sql_identifier_in(arena, name);
    table.sql =
        ns ? tarn_arena_format(arena, "%s.%s", tarn_sql_identifier_in(arena, ns), quoted) : quoted;
    const char *sql = tarn_arena_format(arena, "SELECT * FROM %s", table.sql);
    TARN_TRY(tarn_session_describe(session, sql, arena, &table.columns, &table.column_count, err));
    *ret_table = table;
    return TARN_OK;
}

enum tarn_value_class tarn_value_class_of(const struct tarn_type *type)
{
    if (type->id == TARN_TYPE_VARCHAR || type->id == TARN_TYPE_ENUM)
        return TARN_VALUE_TEXT;
    if (type->id == TARN_TYPE_BOOLEAN)
        return TARN_VALUE_BOOLEAN;
    if (tarn_type_is_number(type->id))
        return TARN_VALUE_NUMBER;
    if (type->id >= TARN_TYPE_DATE && type->id <= TARN_TYPE_TIME_TZ)
        return TARN_VALUE_TEMPORAL;
    return TARN_VALUE_OTHER;
}

/* ---- columns ---- */

static const struct tarn_column *find_column(const struct tarn_check_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static enum tarn_status fail_no_column(const struct tarn_check *check, const struct tarn_yaml *node,
                                       struct tarn_error *err)
{
    const struct tarn_check_table *table = check->table;
    const char **names = tarn_arena_array(check->arena, table->column_count + 1, sizeof *names);
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    const char *nearest = tarn_text_nearest(node->text, names, table->column_count);
    TARN_BUFFER(all, 1500);
    for (size_t i = 0; !nearest && i < table->column_count; i++)
        tarn_buffer_printf(&all, "%s%s", i ? ", " : "", names[i]);
    return tarn_yaml_fail(node, err, "%s%s%s has no column '%s'; %s%s%s",
                          table->ns ? table->ns : "", table->ns ? "." : "", table->name, node->text,
                          nearest ? "did you mean '" : "it has ",
                          nearest ? nearest : tarn_buffer_str(&all), nearest ? "'?" : "");
}

/* The type of an expression over the table's columns. */
static enum tarn_status type_of(struct tarn_check *check, const char *expression,
                                const struct tarn_yaml *node, const struct tarn_type **ret_type,
                                struct tarn_error *err)
{
    struct tarn_column *columns;
    size_t count;
    const char *sql =
        tarn_arena_format(check->arena, "SELECT (%s) FROM %s", expression, check->table->sql);
    if (tarn_session_describe(check->table->session, sql, check->arena, &columns, &count, err) !=
        TARN_OK) {
        TARN_AUTO_FREE char *text = tarn_strdup(err ? err->text : "");
        return tarn_yaml_fail(node, err, "the expression (%s) is not valid SQL here: %s",
                              expression, text);
    }
    *ret_type = columns[0].type;
    return TARN_OK;
}

/* NULL for the texts that count as missing. */
static const char *without_null_values(struct tarn_check *check, const char *sql)
{
    const struct tarn_expectation *e = check->e;
    for (size_t i = 0; i < e->null_value_count; i++)
        sql = tarn_arena_format(check->arena, "nullif(%s, %s)", sql,
                                tarn_sql_literal_in(check->arena, e->null_values[i]));
    return sql;
}

enum tarn_status tarn_check_column(struct tarn_check *check, const struct tarn_yaml *node,
                                   struct tarn_check_column *ret_column, struct tarn_error *err)
{
    const struct tarn_expectation *e = check->e;
    const struct tarn_column *column = find_column(check->table, node->text);
    if (!column)
        return fail_no_column(check, node, err);
    struct tarn_check_column c = {.name = column->name,
                                  .raw = tarn_sql_identifier_in(check->arena, column->name),
                                  .type = column->type};
    c.sql = c.raw;
    if (e->value) {
        c.sql = tarn_arena_format(check->arena, "(%s)", e->value);
        TARN_TRY(type_of(check, c.sql, node, &c.type, err));
    }
    if (e->null_value_count && c.type->id == TARN_TYPE_VARCHAR)
        c.sql = without_null_values(check, c.sql);
    if (e->as) {
        c.sql = tarn_arena_format(check->arena, "try_cast(%s AS %s)", c.sql, e->as);
        TARN_TRY(type_of(check, c.sql, node, &c.type, err));
    }
    *ret_column = c;
    return TARN_OK;
}

enum tarn_status tarn_check_main_column(struct tarn_check *check,
                                        struct tarn_check_column *ret_column,
                                        struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_column(check, tarn_expectation_arg(check->e, "column"), &c, err));
    check->column_name = c.name;
    check->shown = c.raw;
    check->shown_text = tarn_arena_format(check->arena, "CAST(%s AS VARCHAR)", c.raw);
    check->counted = c.sql;
    *ret_column = c;
    return TARN_OK;
}

enum tarn_status tarn_check_columns(struct tarn_check *check, const struct tarn_yaml *list,
                                    struct tarn_check_column **ret_columns, size_t *ret_count,
                                    struct tarn_error *err)
{
    size_t count = list->kind == TARN_YAML_LIST ? list->count : 1;
    struct tarn_check_column *columns = tarn_arena_array(check->arena, count + 1, sizeof *columns);
    TARN_BUFFER(names, 1 << 16);
    TARN_BUFFER(shown, SQL_MAX_BYTES);
    TARN_BUFFER(text, SQL_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_yaml *node = list->kind == TARN_YAML_LIST ? list->items[i] : list;
        TARN_TRY(tarn_check_column(check, node, &columns[i], err));
        const char *comma = i ? ", " : "";
        tarn_buffer_printf(&names, "%s%s", comma, columns[i].name);
        tarn_buffer_append_str(&shown, comma);
        tarn_sql_identifier(&shown, columns[i].name);
        tarn_buffer_printf(&shown, " := %s", columns[i].raw);
        tarn_buffer_printf(&text, "%scoalesce(CAST(%s AS VARCHAR), '')", comma, columns[i].raw);
    }
    check->column_name = tarn_arena_strdup(check->arena, tarn_buffer_str(&names));
    check->shown = tarn_arena_format(check->arena, "struct_pack(%s)", tarn_buffer_str(&shown));
    check->shown_text =
        tarn_arena_format(check->arena, "concat_ws(', ', %s)", tarn_buffer_str(&text));
    *ret_columns = columns;
    *ret_count = count;
    return TARN_OK;
}

void tarn_check_comparable(struct tarn_check *check, struct tarn_check_column *column)
{
    static const struct tarn_type real = {.id = TARN_TYPE_DOUBLE};
    static const struct tarn_type moment = {.id = TARN_TYPE_TIMESTAMP};
    const struct tarn_yaml *bound = tarn_expectation_arg(check->e, "min_value");
    if (!bound)
        bound = tarn_expectation_arg(check->e, "max_value");
    if (!bound || tarn_value_class_of(column->type) != TARN_VALUE_TEXT)
        return;
    int64_t time_us;
    struct tarn_text text = {bound->text, bound->text_len};
    if (bound->kind == TARN_YAML_INT || bound->kind == TARN_YAML_FLOAT) {
        column->sql = tarn_arena_format(check->arena, "try_cast(%s AS DOUBLE)", column->sql);
        column->type = &real;
    } else if (tarn_time_parse(text, &time_us)) {
        column->sql = tarn_arena_format(check->arena, "try_cast(%s AS TIMESTAMP)", column->sql);
        column->type = &moment;
    }
}

/* ---- literals ---- */

/* Digits, sign, point and exponent only, so that it means in SQL what it means in YAML. */
static bool is_plain_number(const char *text)
{
    return text[0] && strspn(text, "0123456789+-.eE") == strlen(text);
}

static const char *number_literal(struct tarn_check *check, const struct tarn_yaml *node)
{
    double value;
    if (node->kind == TARN_YAML_INT)
        return tarn_arena_format(check->arena, "%" PRId64, node->integer);
    struct tarn_text text = tarn_text_trim((struct tarn_text){node->text, node->text_len});
    if (!tarn_text_to_double(text, &value) || !(value - value == 0)) /* inf and nan are no bounds */
        return NULL;
    const char *plain = tarn_arena_strndup(check->arena, text.data, text.len);
    return is_plain_number(plain) ? plain : tarn_arena_format(check->arena, "%.17g", value);
}

enum tarn_status tarn_check_literal(struct tarn_check *check, const struct tarn_yaml *node,
                                    const struct tarn_type *type, const char **ret_sql,
                                    struct tarn_error *err)
{
    if (node->kind == TARN_YAML_NULL) {
        *ret_sql = "NULL";
        return TARN_OK;
    }
    const char *quoted = tarn_sql_literal_in(check->arena, node->text);
    TARN_BUFFER(type_text, 1 << 16);
    tarn_type_write(type, &type_text);
    const char *sql = NULL;
    switch (tarn_value_class_of(type)) {
    case TARN_VALUE_TEXT:
        sql = quoted;
        break;
    case TARN_VALUE_NUMBER:
        sql = number_literal(check, node);
        break;
    case TARN_VALUE_BOOLEAN:
        if (node->kind == TARN_YAML_BOOL)
            sql = node->boolean ? "true" : "false";
        else if (node->kind == TARN_YAML_INT && (node->integer == 0 || node->integer == 1))
            sql = node->integer ? "true" : "false";
        break;
    case TARN_VALUE_TEMPORAL:
    case TARN_VALUE_OTHER:
        sql =
            tarn_arena_format(check->arena, "CAST(%s AS %s)", quoted, tarn_buffer_str(&type_text));
        break;
    }
    if (!sql)
        return tarn_yaml_fail(node, err, "'%s' is no value to compare with %s", node->text,
                              tarn_buffer_str(&type_text));
    *ret_sql = sql;
    return TARN_OK;
}

enum tarn_status tarn_check_literals(struct tarn_check *check, const struct tarn_yaml *list,
                                     const struct tarn_type *type, const char **ret_sql,
                                     struct tarn_error *err)
{
    TARN_BUFFER(out, SQL_MAX_BYTES);
    for (size_t i = 0; i < list->count; i++) {
        const char *literal;
        if (list->items[i]->kind == TARN_YAML_NULL)
            continue;
        TARN_TRY(tarn_check_literal(check, list->items[i], type, &literal, err));
        tarn_buffer_printf(&out, "%s%s", out.len ? ", " : "(", literal);
    }
    tarn_buffer_append_str(&out, out.len ? ")" : "(NULL)");
    TARN_TRY(tarn_buffer_check(&out, "the list of values", err));
    *ret_sql = tarn_arena_strdup(check->arena, tarn_buffer_str(&out));
    return TARN_OK;
}

enum tarn_status tarn_check_bounds(struct tarn_check *check, const char *sql,
                                   const struct tarn_type *type, const char **ret_sql,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *min = tarn_expectation_arg(check->e, "min_value");
    const struct tarn_yaml *max = tarn_expectation_arg(check->e, "max_value");
    const char *low = NULL, *high = NULL;
    if (min)
        TARN_TRY(tarn_check_literal(check, min, type, &low, err));
    if (max)
        TARN_TRY(tarn_check_literal(check, max, type, &high, err));
    const char *above = tarn_check_flag(check, "strict_min", false) ? ">" : ">=";
    const char *below = tarn_check_flag(check, "strict_max", false) ? "<" : "<=";
    if (low && high && above[1] && below[1]) /* looks at the value once, which may be a cast */
        *ret_sql = tarn_arena_format(check->arena, "(%s BETWEEN %s AND %s)", sql, low, high);
    else if (low && high)
        *ret_sql = tarn_arena_format(check->arena, "(%s %s %s AND %s %s %s)", sql, above, low, sql,
                                     below, high);
    else if (low || high)
        *ret_sql = tarn_arena_format(check->arena, "(%s %s %s)", sql, low ? above : below,
                                     low ? low : high);
    else
        *ret_sql = "true";
    return TARN_OK;
}

/* ---- arguments ---- */

const char *tarn_check_text(const struct tarn_check *check, const char *name)
{
    const struct tarn_yaml *node = tarn_expectation_arg(check->e, name);
    return node ? node->text : NULL;
}

bool tarn_check_flag(const struct tarn_check *check, const char *name, bool by_default)
{
    const struct tarn_yaml *node = tarn_expectation_arg(check->e, name);
    return node ? node->boolean : by_default;
}

const char *tarn_check_quoted(const struct tarn_check *check, const char *text)
{
    return tarn_sql_literal_in(check->arena, text);
}

const char *tarn_check_relation(struct tarn_arena *arena, const char *dotted)
{
    const char *dot = strchr(dotted, '.');
    if (!dot)
        return tarn_sql_identifier_in(arena, dotted);
    const char *ns = tarn_arena_strndup(arena, dotted, (size_t)(dot - dotted));
    return tarn_arena_format(arena, "%s.%s", tarn_sql_identifier_in(arena, ns),
                             tarn_sql_identifier_in(arena, dot + 1));
}

enum tarn_status tarn_check_bind(const struct tarn_expectation *e,
                                 const struct tarn_check_table *table, struct tarn_arena *arena,
                                 struct tarn_check *ret_check, struct tarn_error *err)
{
    struct tarn_check check = {.e = e, .table = table, .arena = arena, .rows = e->where};
    TARN_TRY(e->type->build(&check, err));
    *ret_check = check;
    return TARN_OK;
}
