/* quality/expectation.c -- the table of expectations. Names and parameters of those that Great
 * Expectations has are its own (great_expectations/expectations/core); the others follow its
 * manner. */
#include "quality/expectation.h"

#include <string.h>

#include "quality/check.h"

const char *const tarn_quality_kinds[] = {
#define X(name, text) [TARN_KIND_##name] = text,
    TARN_QUALITY_KIND_MAP(X)
#undef X
        [TARN_KIND_COUNT] = NULL};

/* clang-format off */
#define COLUMN {"column", NULL, TARN_PARAMETER_COLUMN, true}
#define COLUMNS {"column_list", "columns", TARN_PARAMETER_COLUMNS, true}
#define COLUMN_A {"column_A", "a", TARN_PARAMETER_COLUMN, true}
#define COLUMN_B {"column_B", "b", TARN_PARAMETER_COLUMN, true}
#define IGNORE {"ignore_row_if", NULL, TARN_PARAMETER_TEXT, false}
#define BOUNDS {"min_value", "min", TARN_PARAMETER_BOUND, false}, {"max_value", "max", TARN_PARAMETER_BOUND, false}, \
    {"strict_min", NULL, TARN_PARAMETER_BOOLEAN, false}, {"strict_max", NULL, TARN_PARAMETER_BOOLEAN, false}
#define VALUES {"value_set", "values", TARN_PARAMETER_VALUES, true}
#define REGEX {"regex", NULL, TARN_PARAMETER_TEXT, true}
#define REGEXES {"regex_list", "regexes", TARN_PARAMETER_TEXTS, true}
#define LIKE {"like_pattern", "pattern", TARN_PARAMETER_TEXT, true}
#define LIKES {"like_pattern_list", "patterns", TARN_PARAMETER_TEXTS, true}
#define MATCH_ON {"match_on", NULL, TARN_PARAMETER_TEXT, false}
#define STRICTLY {"strictly", NULL, TARN_PARAMETER_BOOLEAN, false}
#define ORDER_BY {"order_by", NULL, TARN_PARAMETER_TEXT, false}

#define ROW(short_name, gx, its_kind, its_dimension, function, ...) \
    {.name = short_name, .gx_name = gx, .shape = TARN_SHAPE_ROW, .kind = TARN_KIND_##its_kind, \
     .dimension = TARN_DIMENSION_##its_dimension, .build = function, .parameters = {__VA_ARGS__}}
#define AGGREGATE(short_name, gx, function, ...) \
    {.name = short_name, .gx_name = gx, .shape = TARN_SHAPE_AGGREGATE, .kind = TARN_KIND_OTHER, \
     .dimension = TARN_DIMENSION_NONE, .build = function, .parameters = {__VA_ARGS__}}
#define CATALOG(short_name, gx, its_kind, function, ...) \
    {.name = short_name, .gx_name = gx, .shape = TARN_SHAPE_CATALOG, .kind = TARN_KIND_##its_kind, \
     .dimension = TARN_DIMENSION_NONE, .build = function, .parameters = {__VA_ARGS__}}

static const struct tarn_expectation_type types[] = {
    ROW("not_null", "expect_column_values_to_not_be_null", NULL, COMPLETENESS, tarn_build_not_null, COLUMN),
    ROW("null", "expect_column_values_to_be_null", OTHER, VALIDITY, tarn_build_null, COLUMN),
    {.name = "unique", .gx_name = "expect_column_values_to_be_unique", .shape = TARN_SHAPE_UNIQUE,
     .kind = TARN_KIND_DUPLICATE, .dimension = TARN_DIMENSION_UNIQUENESS, .build = tarn_build_unique,
     .parameters = {COLUMN}},
    {.name = "compound_unique", .gx_name = "expect_compound_columns_to_be_unique", .alias = "unique_combination",
     .shape = TARN_SHAPE_UNIQUE, .kind = TARN_KIND_DUPLICATE, .dimension = TARN_DIMENSION_UNIQUENESS,
     .build = tarn_build_compound_unique, .parameters = {COLUMNS, IGNORE}},
    ROW("in_set", "expect_column_values_to_be_in_set", SET, VALIDITY, tarn_build_in_set, COLUMN, VALUES),
    ROW("not_in_set", "expect_column_values_to_not_be_in_set", SET, VALIDITY, tarn_build_not_in_set, COLUMN, VALUES),
    ROW("between", "expect_column_values_to_be_between", RANGE, VALIDITY, tarn_build_between, COLUMN, BOUNDS),
    ROW("length_between", "expect_column_value_lengths_to_be_between", RANGE, VALIDITY, tarn_build_length_between,
        COLUMN, BOUNDS),
    ROW("length_equal", "expect_column_value_lengths_to_equal", RANGE, VALIDITY, tarn_build_length_equal, COLUMN,
        {"value", NULL, TARN_PARAMETER_INTEGER, true}),
    ROW("matches", "expect_column_values_to_match_regex", FORMAT, VALIDITY, tarn_build_matches, COLUMN, REGEX),
    ROW("not_matches", "expect_column_values_to_not_match_regex", FORMAT, VALIDITY, tarn_build_not_matches, COLUMN,
        REGEX),
    ROW("matches_list", "expect_column_values_to_match_regex_list", FORMAT, VALIDITY, tarn_build_matches_list, COLUMN,
        REGEXES, MATCH_ON),
    ROW("not_matches_list", "expect_column_values_to_not_match_regex_list", FORMAT, VALIDITY,
        tarn_build_not_matches_list, COLUMN, REGEXES),
    ROW("like", "expect_column_values_to_match_like_pattern", FORMAT, VALIDITY, tarn_build_like, COLUMN, LIKE),
    ROW("not_like", "expect_column_values_to_not_match_like_pattern", FORMAT, VALIDITY, tarn_build_not_like, COLUMN,
        LIKE),
    ROW("like_list", "expect_column_values_to_match_like_pattern_list", FORMAT, VALIDITY, tarn_build_like_list,
        COLUMN, LIKES, MATCH_ON),
    ROW("not_like_list", "expect_column_values_to_not_match_like_pattern_list", FORMAT, VALIDITY,
        tarn_build_not_like_list, COLUMN, LIKES),
    ROW("parses_as", "expect_column_values_to_parse_as_type", TYPE, VALIDITY, tarn_build_parses_as, COLUMN,
        {"type_", "type", TARN_PARAMETER_TEXT, true}, {"strip", NULL, TARN_PARAMETER_TEXT, false}),
    ROW("date_parses", "expect_column_values_to_match_strftime_format", FORMAT, VALIDITY, tarn_build_date_parses,
        COLUMN, {"strftime_format", "formats", TARN_PARAMETER_TEXTS, true}),
    ROW("dateutil_parseable", "expect_column_values_to_be_dateutil_parseable", FORMAT, VALIDITY,
        tarn_build_dateutil_parseable, COLUMN),
    ROW("json_parseable", "expect_column_values_to_be_json_parseable", FORMAT, VALIDITY, tarn_build_json_parseable,
        COLUMN),
    ROW("increasing", "expect_column_values_to_be_increasing", OTHER, VALIDITY, tarn_build_increasing, COLUMN,
        STRICTLY, ORDER_BY),
    ROW("decreasing", "expect_column_values_to_be_decreasing", OTHER, VALIDITY, tarn_build_decreasing, COLUMN,
        STRICTLY, ORDER_BY),
    ROW("z_score_below", "expect_column_value_z_scores_to_be_less_than", RANGE, VALIDITY, tarn_build_z_score, COLUMN,
        {"threshold", NULL, TARN_PARAMETER_NUMBER, true}, {"double_sided", NULL, TARN_PARAMETER_BOOLEAN, false}),
    {.name = "foreign_key", .gx_name = "expect_column_values_to_exist_in_other_table", .alias = "relationships",
     .shape = TARN_SHAPE_REFERENCE, .kind = TARN_KIND_ORPHAN, .dimension = TARN_DIMENSION_INTEGRITY,
     .build = tarn_build_foreign_key,
     .parameters = {COLUMN, {"to", NULL, TARN_PARAMETER_TEXT, true}, {"field", NULL, TARN_PARAMETER_TEXT, false},
                    {"to_where", NULL, TARN_PARAMETER_TEXT, false}}},
    ROW("condition", "expect_condition_to_be_true", OTHER, VALIDITY, tarn_build_condition,
        {"sql", "condition", TARN_PARAMETER_TEXT, true}, {"column_list", "columns", TARN_PARAMETER_COLUMNS, false}),
    ROW("pair_equal", "expect_column_pair_values_to_be_equal", OTHER, VALIDITY, tarn_build_pair_equal, COLUMN_A,
        COLUMN_B, IGNORE),
    ROW("pair_greater", "expect_column_pair_values_a_to_be_greater_than_b", RANGE, VALIDITY, tarn_build_pair_greater,
        COLUMN_A, COLUMN_B, {"or_equal", NULL, TARN_PARAMETER_BOOLEAN, false}, IGNORE),
    ROW("pair_in_set", "expect_column_pair_values_to_be_in_set", SET, VALIDITY, tarn_build_pair_in_set, COLUMN_A,
        COLUMN_B, {"value_pairs_set", "value_pairs", TARN_PARAMETER_PAIRS, true}, IGNORE),
    ROW("unique_within_record", "expect_select_column_values_to_be_unique_within_record", OTHER, VALIDITY,
        tarn_build_unique_within_record, COLUMNS, IGNORE),
    ROW("multicolumn_unique", "expect_multicolumn_values_to_be_unique", OTHER, VALIDITY,
        tarn_build_unique_within_record, COLUMNS, IGNORE),
    ROW("multicolumn_sum_equal", "expect_multicolumn_sum_to_equal", OTHER, VALIDITY, tarn_build_multicolumn_sum,
        COLUMNS, {"sum_total", NULL, TARN_PARAMETER_NUMBER, true}, IGNORE),

    AGGREGATE("min_between", "expect_column_min_to_be_between", tarn_build_min, COLUMN, BOUNDS),
    AGGREGATE("max_between", "expect_column_max_to_be_between", tarn_build_max, COLUMN, BOUNDS),
    AGGREGATE("mean_between", "expect_column_mean_to_be_between", tarn_build_mean, COLUMN, BOUNDS),
    AGGREGATE("median_between", "expect_column_median_to_be_between", tarn_build_median, COLUMN, BOUNDS),
    AGGREGATE("sum_between", "expect_column_sum_to_be_between", tarn_build_sum, COLUMN, BOUNDS),
    AGGREGATE("stdev_between", "expect_column_stdev_to_be_between", tarn_build_stdev, COLUMN, BOUNDS),
    AGGREGATE("quantiles_between", "expect_column_quantile_values_to_be_between", tarn_build_quantiles, COLUMN,
              {"quantile_ranges", NULL, TARN_PARAMETER_MAP, true},
              {"allow_relative_error", NULL, TARN_PARAMETER_TEXT, false}),
    AGGREGATE("unique_count_between", "expect_column_unique_value_count_to_be_between", tarn_build_unique_count,
              COLUMN, BOUNDS),
    AGGREGATE("unique_proportion_between", "expect_column_proportion_of_unique_values_to_be_between",
              tarn_build_unique_proportion, COLUMN, BOUNDS),
    AGGREGATE("non_null_proportion_between", "expect_column_proportion_of_non_null_values_to_be_between",
              tarn_build_non_null_proportion, COLUMN, BOUNDS),
    AGGREGATE("distinct_in_set", "expect_column_distinct_values_to_be_in_set", tarn_build_distinct_in_set, COLUMN,
              VALUES),
    AGGREGATE("distinct_contain", "expect_column_distinct_values_to_contain_set", tarn_build_distinct_contain, COLUMN,
              VALUES),
    AGGREGATE("distinct_equal", "expect_column_distinct_values_to_equal_set", tarn_build_distinct_equal, COLUMN,
              VALUES),
    AGGREGATE("most_common_in_set", "expect_column_most_common_value_to_be_in_set", tarn_build_most_common, COLUMN,
              VALUES, {"ties_okay", NULL, TARN_PARAMETER_BOOLEAN, false}),
    {.name = "fresh", .gx_name = "expect_column_max_to_be_recent", .alias = "freshness",
     .shape = TARN_SHAPE_AGGREGATE, .kind = TARN_KIND_OTHER, .dimension = TARN_DIMENSION_FRESHNESS,
     .build = tarn_build_fresh,
     .parameters = {COLUMN, {"max_age", NULL, TARN_PARAMETER_TEXT, true},
                    {"as_of", NULL, TARN_PARAMETER_TEXT, false}}},
    AGGREGATE("row_count_between", "expect_table_row_count_to_be_between", tarn_build_row_count_between, BOUNDS),
    AGGREGATE("row_count_equal", "expect_table_row_count_to_equal", tarn_build_row_count_equal,
              {"value", NULL, TARN_PARAMETER_INTEGER, true}),
    AGGREGATE("row_count_equal_table", "expect_table_row_count_to_equal_other_table",
              tarn_build_row_count_equal_table, {"other_table_name", "table", TARN_PARAMETER_TEXT, true}),

    CATALOG("of_type", "expect_column_values_to_be_of_type", TYPE, tarn_build_of_type, COLUMN,
            {"type_", "type", TARN_PARAMETER_TEXT, true}),
    CATALOG("in_type_list", "expect_column_values_to_be_in_type_list", TYPE, tarn_build_in_type_list, COLUMN,
            {"type_list", "types", TARN_PARAMETER_TEXTS, true}),
    CATALOG("column_count_between", "expect_table_column_count_to_be_between", OTHER,
            tarn_build_column_count_between, BOUNDS),
    CATALOG("column_count_equal", "expect_table_column_count_to_equal", OTHER, tarn_build_column_count_equal,
            {"value", NULL, TARN_PARAMETER_INTEGER, true}),
    CATALOG("columns_ordered", "expect_table_columns_to_match_ordered_list", OTHER, tarn_build_columns_ordered,
            {"column_list", "columns", TARN_PARAMETER_TEXTS, true}),
    CATALOG("columns_set", "expect_table_columns_to_match_set", OTHER, tarn_build_columns_set,
            {"column_set", "columns", TARN_PARAMETER_TEXTS, true},
            {"exact_match", "exact", TARN_PARAMETER_BOOLEAN, false}),
    CATALOG("column_exists", "expect_column_to_exist", OTHER, tarn_build_column_exists,
            {"column", NULL, TARN_PARAMETER_TEXT, true}, {"column_index", NULL, TARN_PARAMETER_INTEGER, false}),
    {.name = "no_rows", .gx_name = "unexpected_rows_expectation", .alias = "UnexpectedRowsExpectation",
     .shape = TARN_SHAPE_QUERY, .kind = TARN_KIND_OTHER, .dimension = TARN_DIMENSION_NONE,
     .build = tarn_build_no_rows, .parameters = {{"unexpected_rows_query", "query", TARN_PARAMETER_TEXT, true}}},
};
/* clang-format on */

const char *tarn_severity_name(enum tarn_severity severity)
{
    return severity == TARN_SEVERITY_WARN ? "warn" : "error";
}

static bool is_named(const struct tarn_expectation_type *type, const char *name)
{
    return strcmp(type->name, name) == 0 || strcmp(type->gx_name, name) == 0 ||
           (type->alias && strcmp(type->alias, name) == 0);
}

const struct tarn_expectation_type *tarn_expectation_type_find(const char *name)
{
    for (size_t i = 0; i < TARN_COUNT(types); i++)
        if (is_named(&types[i], name))
            return &types[i];
    return NULL;
}

const char *tarn_expectation_type_nearest(const char *name)
{
    bool long_form = strncmp(name, "expect", 6) == 0;
    const char *names[TARN_COUNT(types)];
    for (size_t i = 0; i < TARN_COUNT(types); i++)
        names[i] = long_form ? types[i].gx_name : types[i].name;
    return tarn_text_nearest(name, names, TARN_COUNT(types));
}

size_t tarn_expectation_type_count(void)
{
    return TARN_COUNT(types);
}

const struct tarn_expectation_type *tarn_expectation_type_at(size_t index)
{
    return &types[index];
}

size_t tarn_expectation_parameter_count(const struct tarn_expectation_type *type)
{
    size_t count = 0;
    while (count < TARN_PARAMETER_MAX && type->parameters[count].name)
        count++;
    return count;
}

int tarn_expectation_parameter(const struct tarn_expectation_type *type, const char *name)
{
    for (size_t i = 0; i < tarn_expectation_parameter_count(type); i++) {
        const struct tarn_parameter *parameter = &type->parameters[i];
        if (strcmp(parameter->name, name) == 0 ||
            (parameter->alias && strcmp(parameter->alias, name) == 0))
            return (int)i;
    }
    return -1;
}

const struct tarn_yaml *tarn_expectation_arg(const struct tarn_expectation *e, const char *name)
{
    int at = tarn_expectation_parameter(e->type, name);
    return at < 0 ? NULL : e->args[at];
}
