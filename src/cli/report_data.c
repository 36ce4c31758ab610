/* cli/report_data.c -- see report_data.h. */
#include "cli/report_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"

enum { SQL_BYTES_MAX = 1 << 20 };

typedef enum tarn_status replace_function(void *context, struct tarn_text name,
                                          struct tarn_buffer *out, struct tarn_error *err);

/* Copies the text with every {{ name }} handed to `replace`. */
static enum tarn_status fill_in(const char *text, replace_function *replace, void *context,
                                struct tarn_buffer *out, struct tarn_error *err)
{
    const char *at = text, *open;
    while ((open = strstr(at, "{{")) != NULL) {
        const char *close = strstr(open, "}}");
        if (!close)
            break;
        tarn_buffer_append(out, at, (size_t)(open - at));
        struct tarn_text name =
            tarn_text_trim((struct tarn_text){open + 2, (size_t)(close - open - 2)});
        TARN_TRY(replace(context, name, out, err));
        at = close + 2;
    }
    tarn_buffer_append_str(out, at);
    return tarn_buffer_check(out, "a report's text", err);
}

/* ---- parameters
 * ----------------------------------------------------------------------------------------- */

static enum tarn_status put_parameter(void *context, struct tarn_text name, struct tarn_buffer *out,
                                      struct tarn_error *err)
{
    const struct tarn_report *report = context;
    for (size_t i = 0; i < report->parameter_count; i++) {
        const struct tarn_report_parameter *parameter = &report->parameters[i];
        if (!tarn_text_is(name, parameter->name))
            continue;
        if (parameter->value)
            tarn_sql_literal(out, tarn_text_of(parameter->value));
        else
            tarn_buffer_append_str(out, "NULL");
        return TARN_OK;
    }
    return tarn_fail(err, TARN_CONFIG, "the report has no parameter '%.*s'", TARN_TEXT_ARGS(name));
}

static const char *value_set(const char *const *sets, size_t count, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncmp(sets[i], name, len) == 0 && sets[i][len] == '=')
            return sets[i] + len + 1;
    return NULL;
}

static enum tarn_status check_sets(const struct tarn_report *report, const char *const *sets,
                                   size_t count, struct tarn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(sets[i], "=");
        bool known = false;
        for (size_t j = 0; j < report->parameter_count; j++)
            known |= strlen(report->parameters[j].name) == len &&
                     strncmp(report->parameters[j].name, sets[i], len) == 0;
        if (!known || sets[i][len] != '=')
            return tarn_fail(err, TARN_USAGE,
                             "--set takes NAME=VALUE with one of the report's parameters, not '%s'",
                             sets[i]);
    }
    return TARN_OK;
}

static enum tarn_status compute(const struct tarn_report *report,
                                struct tarn_report_parameter *parameter,
                                struct tarn_session *session, struct tarn_arena *arena,
                                struct tarn_error *err)
{
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    TARN_BUFFER(value, SQL_BYTES_MAX);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    size_t rows;
    tarn_buffer_append_str(&sql, "SELECT ");
    TARN_TRY(fill_in(parameter->expression, put_parameter, (void *)(uintptr_t)report, &sql, err));
    TARN_TRY(tarn_session_fetch(session, tarn_buffer_str(&sql), &result, err));
    TARN_TRY(tarn_result_next(result, &rows, err));
    if (rows == 0)
        return TARN_OK;
    struct tarn_vector vector = tarn_result_vector(result, 0);
    if (tarn_vector_is_null(&vector, 0))
        return TARN_OK;
    tarn_vector_format(&vector, 0, &value);
    parameter->value = tarn_arena_strdup(arena, tarn_buffer_str(&value));
    return TARN_OK;
}

enum tarn_status tarn_report_parameters(struct tarn_report *report, struct tarn_session *session,
                                        const char *const *sets, size_t set_count,
                                        struct tarn_arena *arena, struct tarn_error *err)
{
    TARN_TRY(check_sets(report, sets, set_count, err));
    for (size_t i = 0; i < report->parameter_count; i++) {
        struct tarn_report_parameter *parameter = &report->parameters[i];
        parameter->value = value_set(sets, set_count, parameter->name);
        if (!parameter->value && compute(report, parameter, session, arena, err) != TARN_OK)
            return tarn_error_wrap(err, "working out the parameter %s", parameter->name);
    }
    return TARN_OK;
}

/* ---- rows
 * -----------------------------------------------------------------------------------------------
 */

static struct tarn_report_cell read_cell(struct tarn_vector *vector, size_t row,
                                         struct tarn_buffer *scratch, struct tarn_arena *arena)
{
    struct tarn_report_cell cell = {.json = "null", .number = NAN};
    if (tarn_vector_is_null(vector, row))
        return cell;
    tarn_buffer_clear(scratch);
    tarn_vector_format(vector, row, scratch);
    cell.text = tarn_arena_strdup(arena, tarn_buffer_str(scratch));
    tarn_buffer_clear(scratch);
    struct tarn_json_writer w = tarn_json_writer(scratch, 0);
    tarn_vector_json(vector, row, &w);
    cell.json = tarn_arena_strdup(arena, tarn_buffer_str(scratch));
    if (tarn_type_is_number(vector->type->id))
        cell.number = tarn_vector_double(vector, row);
    return cell;
}

static void read_head(struct tarn_result *result, struct tarn_arena *arena,
                      struct tarn_report_rows *ret)
{
    ret->column_count = tarn_result_column_count(result);
    ret->names = tarn_arena_array(arena, ret->column_count + 1, sizeof *ret->names);
    ret->types = tarn_arena_array(arena, ret->column_count + 1, sizeof *ret->types);
    for (size_t i = 0; i < ret->column_count; i++) {
        struct tarn_type *type = tarn_arena_alloc(arena, sizeof *type);
        *type = *tarn_result_type(result, i); /* children are not looked at */
        ret->names[i] = tarn_arena_strdup(arena, tarn_result_name(result, i));
        ret->types[i] = type;
    }
}

static enum tarn_status read_rows(struct tarn_result *result, size_t limit,
                                  struct tarn_arena *arena, struct tarn_report_rows *ret,
                                  struct tarn_error *err)
{
    TARN_BUFFER(scratch, SQL_BYTES_MAX);
    size_t cap = 0;
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        for (size_t row = 0; row < rows; row++) {
            if (ret->row_count == limit) {
                ret->more = true;
                return TARN_OK;
            }
            if (ret->row_count == cap) {
                cap = cap ? cap * 2 : 16;
                struct tarn_report_cell *more =
                    tarn_arena_array(arena, cap * ret->column_count + 1, sizeof *more);
                if (ret->row_count > 0)
                    memcpy(more, ret->cells, ret->row_count * ret->column_count * sizeof *more);
                ret->cells = more;
            }
            for (size_t i = 0; i < ret->column_count; i++) {
                struct tarn_vector vector = tarn_result_vector(result, i);
                ret->cells[ret->row_count * ret->column_count + i] =
                    read_cell(&vector, row, &scratch, arena);
            }
            ret->row_count++;
        }
        if (rows == 0)
            return tarn_buffer_check(&scratch, "a value of the report", err);
    }
}

enum tarn_status tarn_report_query(const struct tarn_report *report,
                                   const struct tarn_report_section *section,
                                   struct tarn_session *session, struct tarn_arena *arena,
                                   struct tarn_report_rows *ret, struct tarn_error *err)
{
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    *ret = (struct tarn_report_rows){0};
    if (!section->sql)
        return TARN_OK;
    enum tarn_status status =
        fill_in(section->sql, put_parameter, (void *)(uintptr_t)report, &sql, err);
    if (status == TARN_OK)
        status = tarn_session_fetch(session, tarn_buffer_str(&sql), &result, err);
    if (status == TARN_OK) {
        read_head(result, arena, ret);
        status = read_rows(result, (size_t)section->limit, arena, ret, err);
    }
    if (status != TARN_OK)
        return tarn_error_wrap(err, "%s:%d: the section%s%s", section->node->file,
                               section->node->line, section->title ? " " : "",
                               section->title ? section->title : "");
    return TARN_OK;
}

int tarn_report_find(const struct tarn_report_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (strcmp(rows->names[i], name) == 0)
            return (int)i;
    return -1;
}

const struct tarn_report_cell *tarn_report_at(const struct tarn_report_rows *rows, size_t row,
                                              size_t column)
{
    return &rows->cells[row * rows->column_count + column];
}

/* ---- values
 * --------------------------------------------------------------------------------------------- */

/* "1,234.50" */
static const char *grouped(double value, int decimals, struct tarn_arena *arena)
{
    char digits[400];
    int len = snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    int whole = decimals > 0 ? len - decimals - 1 : len;
    char *out = tarn_arena_alloc(arena, (size_t)len + (size_t)len / 3 + 2);
    size_t to = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    return out;
}

const char *tarn_report_value(const struct tarn_report_cell *cell, const struct tarn_type *type,
                              enum tarn_report_format format, const char *currency,
                              struct tarn_arena *arena)
{
    if (!cell->text)
        return "–";
    if (format == TARN_VALUE_DATE && strlen(cell->text) > 10)
        return tarn_arena_strndup(arena, cell->text, 10);
    if (isnan(cell->number) || format == TARN_VALUE_TEXT || format == TARN_VALUE_DATE)
        return cell->text;
    if (format == TARN_VALUE_BY_TYPE)
        format = tarn_type_is_integer(type->id) ? TARN_VALUE_INTEGER : TARN_VALUE_NUMBER;
    int decimals = format == TARN_VALUE_INTEGER ? 0 : format == TARN_VALUE_PERCENT ? 1 : 2;
    double value = format == TARN_VALUE_PERCENT ? cell->number * 100 : cell->number;
    const char *digits = grouped(value, decimals, arena);
    bool is_zero = strspn(digits, "0.,") == strlen(digits);
    return tarn_arena_format(arena, "%s%s%s%s", value < 0 && !is_zero ? "-" : "",
                             format == TARN_VALUE_MONEY ? currency : "", digits,
                             format == TARN_VALUE_PERCENT ? " %" : "");
}

static enum tarn_status put_column(void *context, struct tarn_text name, struct tarn_buffer *out,
                                   struct tarn_error *err)
{
    const struct tarn_report_rows *rows = context;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (!tarn_text_is(name, rows->names[i]))
            continue;
        const char *text = rows->row_count > 0 ? tarn_report_at(rows, 0, i)->text : NULL;
        tarn_buffer_append_str(out, text ? text : "–");
        return TARN_OK;
    }
    return tarn_fail(err, TARN_CONFIG, "the section's sql gives no column '%.*s'",
                     TARN_TEXT_ARGS(name));
}

enum tarn_status tarn_report_text(const struct tarn_report_section *section,
                                  const struct tarn_report_rows *rows, struct tarn_arena *arena,
                                  const char **ret, struct tarn_error *err)
{
    TARN_BUFFER(out, SQL_BYTES_MAX);
    if (fill_in(section->text, put_column, (void *)(uintptr_t)rows, &out, err) != TARN_OK)
        return tarn_error_wrap(err, "%s:%d", section->node->file, section->node->line);
    *ret = tarn_arena_strdup(arena, tarn_buffer_str(&out));
    return TARN_OK;
}
