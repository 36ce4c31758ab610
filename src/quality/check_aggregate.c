/* quality/check_aggregate.c -- expectations on one figure of a column or table. The comparison is
 * part of the SQL, so that decimals and dates are compared as what they are. */
#include <string.h>

#include "quality/check.h"

enum { SQL_MAX_BYTES = 4 << 20 };

static const struct tarn_type whole_number = {.id = TARN_TYPE_BIGINT};
static const struct tarn_type real_number = {.id = TARN_TYPE_DOUBLE};

/* A figure that is NULL (of no values) is not within bounds. */
static enum tarn_status set_observed(struct tarn_check *check, const char *observed,
                                     const struct tarn_type *type, struct tarn_error *err)
{
    const char *within;
    TARN_TRY(tarn_check_bounds(check, observed, type, &within, err));
    check->observed = observed;
    check->holds = tarn_arena_format(check->arena, "coalesce(%s, false)", within);
    return TARN_OK;
}

/* ---- over the values ---- */

static enum tarn_status bind_column(struct tarn_check *check, struct tarn_check_column *c,
                                    struct tarn_error *err)
{
    TARN_TRY(tarn_check_main_column(check, c, err));
    check->counted = NULL;
    return TARN_OK;
}

/* The values of the rows that are looked at; NULL for other rows, which aggregates pass over. */
static const char *rows_of(struct tarn_check *check, const char *value)
{
    return check->rows
               ? tarn_arena_format(check->arena, "CASE WHEN %s THEN %s END", check->rows, value)
               : value;
}

/* `function` has one %s; numbers only means that text is read as numbers. */
static enum tarn_status build_figure(struct tarn_check *check, const char *function,
                                     bool numbers_only, bool keeps_type, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(bind_column(check, &c, err));
    tarn_check_comparable(check, &c);
    if (numbers_only && tarn_value_class_of(c.type) != TARN_VALUE_NUMBER) {
        c.sql = tarn_arena_format(check->arena, "try_cast(%s AS DOUBLE)", c.sql);
        c.type = &real_number;
    }
    const char *observed =
        tarn_arena_format(check->arena, "%s(%s)", function, rows_of(check, c.sql));
    return set_observed(check, observed, keeps_type ? c.type : &real_number, err);
}

enum tarn_status tarn_build_min(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "min", false, true, err);
}
enum tarn_status tarn_build_max(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "max", false, true, err);
}
enum tarn_status tarn_build_mean(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "avg", true, false, err);
}
enum tarn_status tarn_build_median(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "median", true, false, err);
}
enum tarn_status tarn_build_sum(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "sum", true, true, err);
}
enum tarn_status tarn_build_stdev(struct tarn_check *check, struct tarn_error *err)
{
    return build_figure(check, "stddev_samp", true, false, err);
}

/* quantile_ranges: {quantiles: [0.1, 0.5], value_ranges: [[0, 3], [2, null]]} */
enum tarn_status tarn_build_quantiles(struct tarn_check *check, struct tarn_error *err)
{
    static const char *const keys[] = {"quantiles", "value_ranges", NULL};
    struct tarn_check_column c;
    const struct tarn_yaml *ranges = tarn_expectation_arg(check->e, "quantile_ranges");
    const struct tarn_yaml *quantiles = NULL, *limits = NULL;
    TARN_TRY(bind_column(check, &c, err));
    TARN_TRY(tarn_yaml_expect_keys(ranges, "quantile_ranges", keys, err));
    TARN_TRY(tarn_yaml_list(ranges, "quantiles", &quantiles, err));
    TARN_TRY(tarn_yaml_list(ranges, "value_ranges", &limits, err));
    if (!quantiles || !limits || quantiles->count != limits->count || quantiles->count == 0)
        return tarn_yaml_fail(ranges, err,
                              "quantile_ranges needs 'quantiles' and as many 'value_ranges'");
    const char *value = rows_of(check, c.sql);
    if (tarn_value_class_of(c.type) == TARN_VALUE_TEXT)
        value = tarn_arena_format(check->arena, "try_cast(%s AS DOUBLE)", value);
    TARN_BUFFER(list, SQL_MAX_BYTES);
    TARN_BUFFER(holds, SQL_MAX_BYTES);
    for (size_t i = 0; i < quantiles->count; i++) {
        const char *fraction;
        TARN_TRY(tarn_check_literal(check, quantiles->items[i], &real_number, &fraction, err));
        const char *quantile =
            tarn_arena_format(check->arena, "quantile_disc(%s, %s)", value, fraction);
        tarn_buffer_printf(&list, "%s%s", i ? ", " : "", quantile);
        const struct tarn_yaml *range = limits->items[i];
        if (range->kind != TARN_YAML_LIST || range->count != 2)
            return tarn_yaml_fail(range, err, "a range of values is [least, most]");
        for (size_t k = 0; k < 2; k++) {
            const char *limit;
            if (range->items[k]->kind == TARN_YAML_NULL)
                continue;
            TARN_TRY(tarn_check_literal(check, range->items[k], &real_number, &limit, err));
            tarn_buffer_printf(&holds, "%s%s %s %s", holds.len ? " AND " : "", quantile,
                               k ? "<=" : ">=", limit);
        }
    }
    check->observed = tarn_arena_format(check->arena, "[%s]", tarn_buffer_str(&list));
    check->holds = tarn_arena_format(check->arena, "coalesce(%s, false)",
                                     holds.len ? tarn_buffer_str(&holds) : "true");
    return TARN_OK;
}

enum tarn_status tarn_build_non_null_proportion(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(bind_column(check, &c, err));
    const char *total =
        check->rows ? tarn_arena_format(check->arena, "count_if(%s)", check->rows) : "count(*)";
    const char *observed =
        tarn_arena_format(check->arena, "count(%s) / nullif(%s, 0)", rows_of(check, c.sql), total);
    return set_observed(check, tarn_arena_format(check->arena, "(%s)", observed), &real_number,
                        err);
}

/* ---- over the distinct values ---- */

/* Scans (value AS __value, rows with it AS __rows) instead of the table. */
static enum tarn_status bind_distinct(struct tarn_check *check, struct tarn_check_column *c,
                                      struct tarn_error *err)
{
    TARN_TRY(bind_column(check, c, err));
    check->source =
        tarn_arena_format(check->arena,
                          "(SELECT %s AS __value, count(*) AS __rows FROM %s WHERE "
                          "(%s) IS NOT NULL%s%s%s GROUP BY 1)",
                          c->sql, check->table->sql, c->sql, check->rows ? " AND (" : "",
                          check->rows ? check->rows : "", check->rows ? ")" : "");
    check->rows = NULL;
    return TARN_OK;
}

enum tarn_status tarn_build_unique_count(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(bind_distinct(check, &c, err));
    return set_observed(check, "count(*)", &whole_number, err);
}

enum tarn_status tarn_build_unique_proportion(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(bind_distinct(check, &c, err));
    return set_observed(check, "(count(*) / nullif(sum(__rows), 0))", &real_number, err);
}

/* The distinct values, the first thousand in order: what is shown for expectations on sets. */
static const char observed_values[] = "min(__value, 1000)";

/* inside: every value of the column is in the set; contains: every value of the set is in the
 * column. */
static enum tarn_status build_distinct(struct tarn_check *check, bool inside, bool contains,
                                       struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *values;
    TARN_TRY(bind_distinct(check, &c, err));
    TARN_TRY(tarn_check_literals(check, tarn_expectation_arg(check->e, "value_set"), c.type,
                                 &values, err));
    const char *size = "0";
    if (strcmp(values, "(NULL)") != 0) /* the set may name a value twice */
        size = tarn_arena_format(check->arena, "len(list_distinct([%.*s]))",
                                 (int)strlen(values) - 2, values + 1);
    const char *outside = tarn_arena_format(
        check->arena, "coalesce(count_if((__value IN %s) IS NOT TRUE), 0) = 0", values);
    const char *found =
        tarn_arena_format(check->arena, "coalesce(count_if(__value IN %s), 0) = %s", values, size);
    check->observed = observed_values;
    check->holds = tarn_arena_format(check->arena, "(%s) AND (%s)", inside ? outside : "true",
                                     contains ? found : "true");
    return TARN_OK;
}

enum tarn_status tarn_build_distinct_in_set(struct tarn_check *check, struct tarn_error *err)
{
    return build_distinct(check, true, false, err);
}
enum tarn_status tarn_build_distinct_contain(struct tarn_check *check, struct tarn_error *err)
{
    return build_distinct(check, false, true, err);
}
enum tarn_status tarn_build_distinct_equal(struct tarn_check *check, struct tarn_error *err)
{
    return build_distinct(check, true, true, err);
}

enum tarn_status tarn_build_most_common(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    const char *values;
    TARN_TRY(bind_distinct(check, &c, err));
    TARN_TRY(tarn_check_literals(check, tarn_expectation_arg(check->e, "value_set"), c.type,
                                 &values, err));
    check->source = tarn_arena_format(
        check->arena,
        "(SELECT * FROM (SELECT *, max(__rows) OVER () AS __most FROM %s) WHERE __rows = __most)",
        check->source);
    check->observed = observed_values;
    bool ties_okay = tarn_check_flag(check, "ties_okay", false);
    check->holds =
        tarn_arena_format(check->arena,
                          ties_okay ? "coalesce(count_if(__value IN %s), 0) > 0"
                                    : "count(*) = 1 AND coalesce(count_if(__value IN %s), 0) = 1",
                          values);
    return TARN_OK;
}

/* ---- age ---- */

enum tarn_status tarn_build_fresh(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(bind_column(check, &c, err));
    const char *as_of = tarn_check_text(check, "as_of");
    const char *now = as_of ? tarn_arena_format(check->arena, "CAST((%s) AS TIMESTAMP)", as_of)
                            : "CAST(timezone('UTC', now()) AS TIMESTAMP)";
    const char *newest =
        tarn_arena_format(check->arena, "max(try_cast(%s AS TIMESTAMP))", rows_of(check, c.sql));
    const char *age = tarn_arena_format(check->arena, "(epoch(%s) - epoch(%s))", now, newest);
    const char *limit =
        tarn_arena_format(check->arena, "epoch(CAST(%s AS INTERVAL))",
                          tarn_check_quoted(check, tarn_check_text(check, "max_age")));
    check->observed = newest;
    check->holds = tarn_arena_format(check->arena, "coalesce(%s <= %s, false)", age, limit);
    check->score = tarn_arena_format(check->arena,
                                     "coalesce(CASE WHEN %s <= %s THEN 1.0 ELSE %s / %s END, 0.0)",
                                     age, limit, limit, age);
    return TARN_OK;
}

/* ---- rows ---- */

static const char *row_count(const struct tarn_check *check)
{
    return check->rows ? tarn_arena_format(check->arena, "coalesce(count_if(%s), 0)", check->rows)
                       : "count(*)";
}

enum tarn_status tarn_build_row_count_between(struct tarn_check *check, struct tarn_error *err)
{
    return set_observed(check, row_count(check), &whole_number, err);
}

enum tarn_status tarn_build_row_count_equal(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    check->observed = row_count(check);
    check->holds = tarn_arena_format(check->arena, "%s = %lld", check->observed,
                                     (long long)tarn_expectation_arg(check->e, "value")->integer);
    return TARN_OK;
}

enum tarn_status tarn_build_row_count_equal_table(struct tarn_check *check, struct tarn_error *err)
{
    const char *name = tarn_check_text(check, "other_table_name");
    const char *other = tarn_arena_format(check->arena, "(SELECT count(*) FROM %s)",
                                          tarn_check_relation(check->arena, name));
    const char *own = row_count(check);
    (void)err;
    check->observed =
        tarn_arena_format(check->arena, "struct_pack(\"self\" := %s, other := %s)", own, other);
    check->holds = tarn_arena_format(check->arena, "%s = %s", own, other);
    return TARN_OK;
}
