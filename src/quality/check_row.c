/* quality/check_row.c -- expectations on the values of one column. `unexpected` may be NULL for a
 * NULL value: only true counts. */
#include <string.h>

#include "quality/check.h"

enum { SQL_MAX_BYTES = 4 << 20 };

/* Sets `unexpected` by formatting with the column's value. */
#define UNEXPECTED(check, ...)                                                                     \
    ((check)->unexpected = tarn_arena_format((check)->arena, __VA_ARGS__))

enum tarn_status tarn_build_not_null(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    check->counted = NULL;
    UNEXPECTED(check, "(%s) IS NULL", c.sql);
    return TARN_OK;
}

enum tarn_status tarn_build_null(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    check->counted = NULL;
    UNEXPECTED(check, "(%s) IS NOT NULL", c.sql);
    return TARN_OK;
}

enum tarn_status tarn_build_unique(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    check->keys = tarn_arena_array(check->arena, 1, sizeof *check->keys);
    check->keys[0] = c.sql;
    check->key_count = 1;
    check->integer_key = tarn_type_is_integer(c.type->id) && c.type->id != TARN_TYPE_HUGEINT &&
                         c.type->id != TARN_TYPE_UHUGEINT;
    return TARN_OK;
}

static enum tarn_status build_set(struct tarn_check *check, bool inside, struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *values;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    TARN_TRY(tarn_check_literals(check, tarn_expectation_arg(check->e, "value_set"), c.type,
                                 &values, err));
    if (inside && strcmp(values, "(NULL)") == 0)
        UNEXPECTED(check, "(%s) IS NOT NULL", c.sql); /* nothing is in an empty set */
    else
        UNEXPECTED(check, "(%s) %s %s", c.sql, inside ? "NOT IN" : "IN", values);
    return TARN_OK;
}

enum tarn_status tarn_build_in_set(struct tarn_check *check, struct tarn_error *err)
{
    return build_set(check, true, err);
}

enum tarn_status tarn_build_not_in_set(struct tarn_check *check, struct tarn_error *err)
{
    return build_set(check, false, err);
}

enum tarn_status tarn_build_between(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *within;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    tarn_check_comparable(check, &c);
    TARN_TRY(tarn_check_bounds(check, c.sql, c.type, &within, err));
    check->counted = c.sql;
    UNEXPECTED(check, "NOT %s", within);
    return TARN_OK;
}

static const struct tarn_type whole_number = {.id = TARN_TYPE_BIGINT};

static const char *length_of(struct tarn_check *check, const struct tarn_check_column *c)
{
    return tarn_value_class_of(c->type) == TARN_VALUE_TEXT
               ? tarn_arena_format(check->arena, "length(%s)", c->sql)
               : tarn_arena_format(check->arena, "length(CAST(%s AS VARCHAR))", c->sql);
}

enum tarn_status tarn_build_length_between(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *within;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    TARN_TRY(tarn_check_bounds(check, length_of(check, &c), &whole_number, &within, err));
    UNEXPECTED(check, "NOT %s", within);
    return TARN_OK;
}

enum tarn_status tarn_build_length_equal(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    UNEXPECTED(check, "%s <> %lld", length_of(check, &c),
               (long long)tarn_expectation_arg(check->e, "value")->integer);
    return TARN_OK;
}

/* ---- patterns ---- */

static const char *text_of(struct tarn_check *check, const struct tarn_check_column *c)
{
    return tarn_value_class_of(c->type) == TARN_VALUE_TEXT
               ? c->sql
               : tarn_arena_format(check->arena, "CAST(%s AS VARCHAR)", c->sql);
}

/* One of the patterns as a condition on the value. */
static void append_pattern(struct tarn_check *check, struct tarn_buffer *out, const char *value,
                           const char *pattern, bool is_regex)
{
    tarn_buffer_printf(out, is_regex ? "regexp_matches(%s, %s)" : "(%s LIKE %s)", value,
                       tarn_check_quoted(check, pattern));
}

/* `pattern` names a text or a list of texts. With `wanted` a value must match (any of them, or all
 * with match_on: all), otherwise none of them. */
static enum tarn_status build_pattern(struct tarn_check *check, const char *parameter,
                                      bool is_regex, bool wanted, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    const struct tarn_yaml *patterns = tarn_expectation_arg(check->e, parameter);
    const char *match_on = tarn_check_text(check, "match_on");
    if (match_on && strcmp(match_on, "any") != 0 && strcmp(match_on, "all") != 0)
        return tarn_yaml_fail(tarn_expectation_arg(check->e, "match_on"), err,
                              "match_on must be any or all, not '%s'", match_on);
    bool all = wanted && match_on && strcmp(match_on, "all") == 0;
    const char *value = text_of(check, &c);
    TARN_BUFFER(matches, SQL_MAX_BYTES);
    if (patterns->kind != TARN_YAML_LIST)
        append_pattern(check, &matches, value, patterns->text, is_regex);
    for (size_t i = 0; patterns->kind == TARN_YAML_LIST && i < patterns->count; i++) {
        tarn_buffer_append_str(&matches, i == 0 ? "" : all ? " AND " : " OR ");
        append_pattern(check, &matches, value, patterns->items[i]->text, is_regex);
    }
    if (matches.len == 0)
        return tarn_yaml_fail(patterns, err, "%s needs at least one pattern", check->e->type->name);
    TARN_TRY(tarn_buffer_check(&matches, "the patterns", err));
    UNEXPECTED(check, "%s(%s)", wanted ? "NOT " : "", tarn_buffer_str(&matches));
    return TARN_OK;
}

enum tarn_status tarn_build_matches(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "regex", true, true, err);
}
enum tarn_status tarn_build_not_matches(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "regex", true, false, err);
}
enum tarn_status tarn_build_matches_list(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "regex_list", true, true, err);
}
enum tarn_status tarn_build_not_matches_list(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "regex_list", true, false, err);
}
enum tarn_status tarn_build_like(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "like_pattern", false, true, err);
}
enum tarn_status tarn_build_not_like(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "like_pattern", false, false, err);
}
enum tarn_status tarn_build_like_list(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "like_pattern_list", false, true, err);
}
enum tarn_status tarn_build_not_like_list(struct tarn_check *check, struct tarn_error *err)
{
    return build_pattern(check, "like_pattern_list", false, false, err);
}

/* ---- what text can be read as ---- */

static bool is_integer_name(const char *type)
{
    static const char *const names[] = {"TINYINT", "SMALLINT", "INTEGER",   "INT",      "BIGINT",
                                        "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                                        "INT4",    "INT8",     "LONG"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        if (strcasecmp(names[i], type) == 0)
            return true;
    return false;
}

/* DuckDB reads '12.5' as the integer 13; for a check that is a value of another type. */
static const char *fails_cast(struct tarn_check *check, const char *value, const char *type)
{
    return tarn_arena_format(check->arena,
                             is_integer_name(type)
                                 ? "(try_cast(%s AS %s) IS NULL OR contains(%s, '.'))"
                                 : "(try_cast(%s AS %s) IS NULL%.0s)",
                             value, type, value);
}

enum tarn_status tarn_build_parses_as(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    const char *type = tarn_check_text(check, "type_");
    const char *strip = tarn_check_text(check, "strip");
    struct tarn_column *columns;
    size_t count;
    const char *probe = tarn_arena_format(check->arena, "SELECT try_cast('' AS %s)", type);
    if (tarn_session_describe(check->table->session, probe, check->arena, &columns, &count, err) !=
        TARN_OK)
        return tarn_yaml_fail(tarn_expectation_arg(check->e, "type_"), err,
                              "there is no type '%s'; it must be one of DuckDB's, such as BIGINT, "
                              "DECIMAL(18,2), DATE or TIMESTAMP",
                              type);
    if (tarn_value_class_of(c.type) != TARN_VALUE_TEXT) {
        UNEXPECTED(check, "(%s) IS NOT NULL AND try_cast(%s AS %s) IS NULL", c.sql, c.sql, type);
        return TARN_OK;
    }
    const char *plain = fails_cast(check, c.sql, type);
    if (!strip) {
        UNEXPECTED(check, "(%s) IS NOT NULL AND %s", c.sql, plain);
        return TARN_OK;
    }
    /* CASE, because only it leaves the slow branch out for the rows that need it not. */
    const char *stripped = tarn_arena_format(check->arena, "regexp_replace(%s, %s, '', 'g')", c.sql,
                                             tarn_check_quoted(check, strip));
    UNEXPECTED(check, "CASE WHEN (%s) IS NOT NULL AND %s THEN %s ELSE false END", c.sql, plain,
               fails_cast(check, stripped, type));
    return TARN_OK;
}

/* A condition that is true for text in one of the two ISO formats among `formats`, by a cast that
 * is five times as fast as strptime; NULL when neither is asked for. */
static const char *is_iso_date(struct tarn_check *check, const struct tarn_yaml *formats,
                               const char *value)
{
    const char *day = NULL, *second = NULL;
    size_t count = formats->kind == TARN_YAML_LIST ? formats->count : 1;
    for (size_t i = 0; i < count; i++) {
        const char *format =
            formats->kind == TARN_YAML_LIST ? formats->items[i]->text : formats->text;
        if (strcmp(format, "%Y-%m-%d") == 0)
            day = tarn_arena_format(check->arena, "(length(%s) = 10 AND substr(%s, 8, 1) = '-')",
                                    value, value);
        if (strcmp(format, "%Y-%m-%d %H:%M:%S") == 0)
            second = tarn_arena_format(
                check->arena, "(length(%s) = 19 AND substr(%s, 11, 1) = ' ')", value, value);
    }
    if (!day && !second)
        return NULL;
    return tarn_arena_format(check->arena, "(try_cast(%s AS TIMESTAMP) IS NOT NULL AND (%s%s%s))",
                             value, day ? day : "", day && second ? " OR " : "",
                             second ? second : "");
}

enum tarn_status tarn_build_date_parses(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    const struct tarn_yaml *formats = tarn_expectation_arg(check->e, "strftime_format");
    if (tarn_value_class_of(c.type) == TARN_VALUE_TEMPORAL) {
        check->unexpected = "false";
        return TARN_OK;
    }
    TARN_BUFFER(list, SQL_MAX_BYTES);
    size_t count = formats->kind == TARN_YAML_LIST ? formats->count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct tarn_yaml *format =
            formats->kind == TARN_YAML_LIST ? formats->items[i] : formats;
        tarn_buffer_printf(&list, "%s%s", i ? ", " : "", tarn_check_quoted(check, format->text));
    }
    if (count == 0)
        return tarn_yaml_fail(formats, err, "date_parses needs at least one format");
    TARN_TRY(tarn_buffer_check(&list, "the formats", err));
    const char *value = text_of(check, &c);
    const char *iso = is_iso_date(check, formats, value);
    UNEXPECTED(check,
               "CASE WHEN (%s) IS NULL OR %s THEN false ELSE try_strptime(%s, [%s]) IS NULL END",
               c.sql, iso ? iso : "false", value, tarn_buffer_str(&list));
    return TARN_OK;
}

/* The spellings of a date that Python's dateutil takes and that occur in practice. */
static const char loose_date_formats[] =
    "['%Y-%m-%dT%H:%M:%S%z', '%m/%d/%Y', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M', '%d/%m/%Y', "
    "'%m-%d-%Y', '%d-%m-%Y', '%d.%m.%Y', '%Y/%m/%d', '%Y/%m/%d %H:%M:%S', '%Y%m%d', '%b %d, %Y', "
    "'%b %d %Y', '%d %b %Y', '%B %d, %Y', '%B %d %Y', '%d %B %Y', '%a %b %d %H:%M:%S %Y', "
    "'%m/%d/%y', '%d-%b-%Y', '%H:%M:%S', '%H:%M']";

enum tarn_status tarn_build_dateutil_parseable(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    const char *value = text_of(check, &c);
    UNEXPECTED(check,
               "CASE WHEN (%s) IS NOT NULL AND try_cast(%s AS TIMESTAMP) IS NULL "
               "THEN try_strptime(trim(%s), %s) IS NULL ELSE false END",
               c.sql, value, value, loose_date_formats);
    return TARN_OK;
}

enum tarn_status tarn_build_json_parseable(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    UNEXPECTED(check, "NOT json_valid(%s)", text_of(check, &c));
    return TARN_OK;
}

/* ---- order and distribution ---- */

/* Rows are compared with the one before them among those that are not missing; `order_by` says in
 * which order, by default the one they are stored in. */
static enum tarn_status build_monotonic(struct tarn_check *check, bool up, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    const char *order = tarn_check_text(check, "order_by");
    bool strictly = tarn_check_flag(check, "strictly", false);
    check->source = tarn_arena_format(
        check->arena,
        "(SELECT *, %s AS __value, lag(%s IGNORE NULLS) OVER (%s%s) AS __before FROM %s WHERE %s)",
        c.sql, c.sql, order ? "ORDER BY " : "", order ? order : "", check->table->sql,
        check->rows ? check->rows : "true");
    UNEXPECTED(check, "__value %s __before",
               up ? (strictly ? "<=" : "<") : (strictly ? ">=" : ">"));
    return TARN_OK;
}

enum tarn_status tarn_build_increasing(struct tarn_check *check, struct tarn_error *err)
{
    return build_monotonic(check, true, err);
}

enum tarn_status tarn_build_decreasing(struct tarn_check *check, struct tarn_error *err)
{
    return build_monotonic(check, false, err);
}

enum tarn_status tarn_build_z_score(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *threshold;
    static const struct tarn_type real = {.id = TARN_TYPE_DOUBLE};
    TARN_TRY(tarn_check_main_column(check, &c, err));
    TARN_TRY(tarn_check_literal(check, tarn_expectation_arg(check->e, "threshold"), &real,
                                &threshold, err));
    const char *value = tarn_value_class_of(c.type) == TARN_VALUE_NUMBER
                            ? c.sql
                            : tarn_arena_format(check->arena, "try_cast(%s AS DOUBLE)", c.sql);
    const char *where = check->rows ? check->rows : "true";
    const char *score = tarn_arena_format(
        check->arena,
        "((%s - (SELECT avg(%s) FROM %s WHERE %s)) / (SELECT stddev_samp(%s) FROM %s WHERE %s))",
        value, value, check->table->sql, where, value, check->table->sql, where);
    bool both_sides = tarn_check_flag(check, "double_sided", false);
    check->counted = value;
    UNEXPECTED(check, both_sides ? "abs(%s) >= %s" : "%s >= %s", score, threshold);
    return TARN_OK;
}
