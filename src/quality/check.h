/* quality/check.h -- an expectation bound to a table: the SQL that measures it.
 *
 * Binding resolves column names against the table, types the literals by the column's type and lets
 * the expectation's build function write SQL fragments. Nothing is run except DESCRIBEs of `value`
 * and `as` expressions. quality/measure.c fuses the fragments of all checks into few queries. */
#ifndef TARN_QUALITY_CHECK_H
#define TARN_QUALITY_CHECK_H

#include "engine/session.h"
#include "quality/suite.h"

/* The relation that is checked. */
struct tarn_check_table {
    struct tarn_session *session;
    const char *ns, *name; /* ns may be NULL */
    const char *sql;       /* "ns"."name" */
    struct tarn_column *columns;
    size_t column_count;
};

/* Looks the table's columns up. */
CHECKED enum tarn_status tarn_check_table_open(struct tarn_session *session, const char *ns,
                                               const char *name, struct tarn_arena *arena,
                                               struct tarn_check_table *ret_table,
                                               struct tarn_error *err);

/* Fragments are expressions over the table's columns. Which are set depends on the type's shape. */
struct tarn_check {
    const struct tarn_expectation *e;
    const struct tarn_check_table *table;
    struct tarn_arena *arena;

    const char *rows;   /* condition on the rows that are looked at; NULL: all of them */
    const char *source; /* SUBQUERY to scan instead of the table; NULL: the table */

    /* ROW, UNIQUE, REFERENCE */
    const char *column_name; /* as shown: "a" or "a, b"; NULL: no column */
    const char *shown;       /* SQL value that is shown for a row; NULL: nothing to show */
    const char *shown_text;  /* the same as VARCHAR */
    const char *counted;     /* not NULL for rows that are considered; NULL: every row is */
    const char *unexpected;  /* ROW: true for an unexpected row; false or NULL otherwise */

    /* UNIQUE, REFERENCE */
    const char **keys; /* key expressions */
    size_t key_count;
    const char *parent; /* REFERENCE: SELECT of the valid keys */
    bool integer_key;   /* one key, of an integer type */

    /* AGGREGATE */
    const char *observed; /* SQL aggregate that is shown */
    const char *holds;    /* SQL aggregate that is true when the expectation holds */
    const char *score;    /* SQL aggregate between 0 and 1, or NULL */

    /* CATALOG */
    const char *observed_json;
    bool catalog_holds;

    /* QUERY */
    const char *query;
};

CHECKED enum tarn_status tarn_check_bind(const struct tarn_expectation *e,
                                         const struct tarn_check_table *table,
                                         struct tarn_arena *arena, struct tarn_check *ret_check,
                                         struct tarn_error *err);

/* ---- for build functions (quality/check_*.c) ---- */

struct tarn_check_column {
    const char *name;             /* as in the table */
    const char *raw;              /* quoted */
    const char *sql;              /* the value: `value`, `null_values` and `as` applied */
    const struct tarn_type *type; /* of sql */
};

enum tarn_value_class {
    TARN_VALUE_TEXT,
    TARN_VALUE_NUMBER,
    TARN_VALUE_TEMPORAL,
    TARN_VALUE_BOOLEAN,
    TARN_VALUE_OTHER,
};
enum tarn_value_class tarn_value_class_of(const struct tarn_type *type);

/* The column that `node` names. CONFIG with the nearest column. */
CHECKED enum tarn_status tarn_check_column(struct tarn_check *check, const struct tarn_yaml *node,
                                           struct tarn_check_column *ret_column,
                                           struct tarn_error *err);
/* The argument `column` of the expectation; also sets column_name, shown and counted. */
CHECKED enum tarn_status tarn_check_main_column(struct tarn_check *check,
                                                struct tarn_check_column *ret_column,
                                                struct tarn_error *err);
/* The columns of a list argument; sets column_name and shown. */
CHECKED enum tarn_status tarn_check_columns(struct tarn_check *check, const struct tarn_yaml *list,
                                            struct tarn_check_column **ret_columns,
                                            size_t *ret_count, struct tarn_error *err);
/* A plain value as an SQL literal that compares with `type` without an error at run time. */
CHECKED enum tarn_status tarn_check_literal(struct tarn_check *check, const struct tarn_yaml *node,
                                            const struct tarn_type *type, const char **ret_sql,
                                            struct tarn_error *err);
/* "(lit, lit, ...)" of a list of values, NULLs left out; "(NULL)" when nothing is left. */
CHECKED enum tarn_status tarn_check_literals(struct tarn_check *check, const struct tarn_yaml *list,
                                             const struct tarn_type *type, const char **ret_sql,
                                             struct tarn_error *err);
/* The condition that `sql` is within min_value, max_value, strict_min and strict_max; "true" when
 * none is given. */
CHECKED enum tarn_status tarn_check_bounds(struct tarn_check *check, const char *sql,
                                           const struct tarn_type *type, const char **ret_sql,
                                           struct tarn_error *err);
/* For text columns with number or date bounds: reads the text as that; otherwise leaves it. */
void tarn_check_comparable(struct tarn_check *check, struct tarn_check_column *column);
/* Text of an argument (a scalar); NULL when it was not given. */
const char *tarn_check_text(const struct tarn_check *check, const char *name);
bool tarn_check_flag(const struct tarn_check *check, const char *name, bool by_default);
const char *tarn_check_quoted(const struct tarn_check *check, const char *text);
/* A table named "ns.table" or "table" as quoted SQL. */
const char *tarn_check_relation(struct tarn_arena *arena, const char *dotted);

#define TARN_CHECK_BUILD(name)                                                                     \
    enum tarn_status name(struct tarn_check *check, struct tarn_error *err)

/* quality/check_row.c */
TARN_CHECK_BUILD(tarn_build_not_null);
TARN_CHECK_BUILD(tarn_build_null);
TARN_CHECK_BUILD(tarn_build_unique);
TARN_CHECK_BUILD(tarn_build_compound_unique);
TARN_CHECK_BUILD(tarn_build_in_set);
TARN_CHECK_BUILD(tarn_build_not_in_set);
TARN_CHECK_BUILD(tarn_build_between);
TARN_CHECK_BUILD(tarn_build_length_between);
TARN_CHECK_BUILD(tarn_build_length_equal);
TARN_CHECK_BUILD(tarn_build_matches);
TARN_CHECK_BUILD(tarn_build_not_matches);
TARN_CHECK_BUILD(tarn_build_matches_list);
TARN_CHECK_BUILD(tarn_build_not_matches_list);
TARN_CHECK_BUILD(tarn_build_like);
TARN_CHECK_BUILD(tarn_build_not_like);
TARN_CHECK_BUILD(tarn_build_like_list);
TARN_CHECK_BUILD(tarn_build_not_like_list);
TARN_CHECK_BUILD(tarn_build_parses_as);
TARN_CHECK_BUILD(tarn_build_date_parses);
TARN_CHECK_BUILD(tarn_build_dateutil_parseable);
TARN_CHECK_BUILD(tarn_build_json_parseable);
TARN_CHECK_BUILD(tarn_build_increasing);
TARN_CHECK_BUILD(tarn_build_decreasing);
TARN_CHECK_BUILD(tarn_build_z_score);
/* quality/check_rows.c: several columns, other tables */
TARN_CHECK_BUILD(tarn_build_foreign_key);
TARN_CHECK_BUILD(tarn_build_condition);
TARN_CHECK_BUILD(tarn_build_pair_equal);
TARN_CHECK_BUILD(tarn_build_pair_greater);
TARN_CHECK_BUILD(tarn_build_pair_in_set);
TARN_CHECK_BUILD(tarn_build_unique_within_record);
TARN_CHECK_BUILD(tarn_build_multicolumn_sum);
/* quality/check_aggregate.c */
TARN_CHECK_BUILD(tarn_build_min);
TARN_CHECK_BUILD(tarn_build_max);
TARN_CHECK_BUILD(tarn_build_mean);
TARN_CHECK_BUILD(tarn_build_median);
TARN_CHECK_BUILD(tarn_build_sum);
TARN_CHECK_BUILD(tarn_build_stdev);
TARN_CHECK_BUILD(tarn_build_quantiles);
TARN_CHECK_BUILD(tarn_build_unique_count);
TARN_CHECK_BUILD(tarn_build_unique_proportion);
TARN_CHECK_BUILD(tarn_build_non_null_proportion);
TARN_CHECK_BUILD(tarn_build_distinct_in_set);
TARN_CHECK_BUILD(tarn_build_distinct_contain);
TARN_CHECK_BUILD(tarn_build_distinct_equal);
TARN_CHECK_BUILD(tarn_build_most_common);
TARN_CHECK_BUILD(tarn_build_fresh);
TARN_CHECK_BUILD(tarn_build_row_count_between);
TARN_CHECK_BUILD(tarn_build_row_count_equal);
TARN_CHECK_BUILD(tarn_build_row_count_equal_table);
/* quality/check_catalog.c */
TARN_CHECK_BUILD(tarn_build_of_type);
TARN_CHECK_BUILD(tarn_build_in_type_list);
TARN_CHECK_BUILD(tarn_build_column_count_between);
TARN_CHECK_BUILD(tarn_build_column_count_equal);
TARN_CHECK_BUILD(tarn_build_columns_ordered);
TARN_CHECK_BUILD(tarn_build_columns_set);
TARN_CHECK_BUILD(tarn_build_column_exists);
TARN_CHECK_BUILD(tarn_build_no_rows);

#endif
