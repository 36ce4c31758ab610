/* quality/check_rows.c -- row-wise expectations on several columns, on any condition, and on
 * another table. */
#include <string.h>

#include "quality/check.h"

enum { SQL_MAX_BYTES = 4 << 20 };

static const char *const ignore_pair[] = {"both_values_are_missing", "either_value_is_missing",
                                          "neither", NULL};
static const char *const ignore_row[] = {"all_values_are_missing", "any_value_is_missing", "never",
                                         NULL};

/* Sets `counted` from ignore_row_if: rows with all (the default), any or no missing values are left
 * out. The two lists above are GX's words for pairs and for lists of columns. */
static enum tarn_status set_ignored(struct tarn_check *check,
                                    const struct tarn_check_column *columns, size_t count,
                                    const char *const *words, struct tarn_error *err)
{
    const struct tarn_yaml *node = tarn_expectation_arg(check->e, "ignore_row_if");
    const char *word = node ? node->text : words[0];
    if (strcmp(word, words[2]) == 0)
        return TARN_OK;
    bool any = strcmp(word, words[1]) == 0;
    if (!any && strcmp(word, words[0]) != 0)
        return tarn_yaml_fail(node, err, "ignore_row_if must be %s, %s or %s, not '%s'", words[0],
                              words[1], words[2], word);
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&sql, "%s%s IS NOT NULL",
                           i == 0 ? ""
                           : any  ? " AND "
                                  : " OR ",
                           columns[i].sql);
    check->counted =
        tarn_arena_format(check->arena, "CASE WHEN %s THEN 1 END", tarn_buffer_str(&sql));
    return TARN_OK;
}

/* A considered row for which `good` is not true. */
static void set_unexpected(struct tarn_check *check, const char *good)
{
    check->unexpected =
        check->counted ? tarn_arena_format(check->arena, "(%s) IS NOT NULL AND (%s) IS NOT TRUE",
                                           check->counted, good)
                       : tarn_arena_format(check->arena, "(%s) IS NOT TRUE", good);
}

enum tarn_status tarn_build_compound_unique(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column *columns;
    TARN_TRY(tarn_check_columns(check, tarn_expectation_arg(check->e, "column_list"), &columns,
                                &check->key_count, err));
    check->keys = tarn_arena_array(check->arena, check->key_count, sizeof *check->keys);
    for (size_t i = 0; i < check->key_count; i++)
        check->keys[i] = columns[i].sql;
    return set_ignored(check, columns, check->key_count, ignore_row, err);
}

/* ---- another table ---- */

/* `to` is ns.table.column, or ns.table with `field`. */
static enum tarn_status split_target(struct tarn_check *check, const char **ret_relation,
                                     const struct tarn_yaml **ret_column, struct tarn_error *err)
{
    const struct tarn_yaml *to = tarn_expectation_arg(check->e, "to");
    const struct tarn_yaml *field = tarn_expectation_arg(check->e, "field");
    const char *relation = to->text;
    if (!field) {
        const char *dot = strrchr(to->text, '.');
        if (!dot || dot == to->text || dot[1] == 0)
            return tarn_yaml_fail(to, err,
                                  "'to' must be namespace.table.column, or namespace.table with "
                                  "'field', not '%s'",
                                  to->text);
        struct tarn_yaml *column = tarn_arena_alloc(check->arena, sizeof *column);
        *column = *to;
        column->text = dot + 1;
        column->text_len = strlen(dot + 1);
        field = column;
        relation = tarn_arena_strndup(check->arena, to->text, (size_t)(dot - to->text));
    }
    *ret_relation = relation;
    *ret_column = field;
    return TARN_OK;
}

static enum tarn_status open_parent(struct tarn_check *check, const char *relation,
                                    struct tarn_check_table *ret_parent, struct tarn_error *err)
{
    const char *dot = strchr(relation, '.');
    const char *ns =
        dot ? tarn_arena_strndup(check->arena, relation, (size_t)(dot - relation)) : NULL;
    if (tarn_check_table_open(check->table->session, ns, dot ? dot + 1 : relation, check->arena,
                              ret_parent, err) != TARN_OK)
        return tarn_yaml_fail(tarn_expectation_arg(check->e, "to"), err,
                              "there is no table %s for the foreign key", relation);
    return TARN_OK;
}

/* Keys of different kinds (a number in Parquet, text in CSV) are compared as text. */
static bool is_comparable(const struct tarn_type *a, const struct tarn_type *b)
{
    return tarn_type_equal(a, b) || (tarn_type_is_number(a->id) && tarn_type_is_number(b->id));
}

enum tarn_status tarn_build_foreign_key(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column child, parent_column;
    struct tarn_check_table parent;
    const struct tarn_yaml *field = NULL;
    const char *relation = NULL;
    TARN_TRY(tarn_check_main_column(check, &child, err));
    TARN_TRY(split_target(check, &relation, &field, err));
    TARN_TRY(open_parent(check, relation, &parent, err));
    struct tarn_expectation plain = *check->e;
    plain.value = NULL; /* an expression over the child's columns means nothing in the parent */
    struct tarn_check other = {.e = &plain, .table = &parent, .arena = check->arena};
    TARN_TRY(tarn_check_column(&other, field, &parent_column, err));
    const char *key = child.sql, *parent_key = parent_column.sql;
    bool as_text = !is_comparable(child.type, parent_column.type);
    if (as_text) {
        key = tarn_arena_format(check->arena, "CAST(%s AS VARCHAR)", key);
        parent_key = tarn_arena_format(check->arena, "CAST(%s AS VARCHAR)", parent_key);
    }
    const char *where = tarn_check_text(check, "to_where");
    check->keys = tarn_arena_array(check->arena, 1, sizeof *check->keys);
    check->keys[0] = key;
    check->key_count = 1;
    check->parent = tarn_arena_format(
        check->arena, "SELECT %s FROM %s WHERE (%s) IS NOT NULL%s%s%s", parent_key, parent.sql,
        parent_key, where ? " AND (" : "", where ? where : "", where ? ")" : "");
    return TARN_OK;
}

/* ---- any condition ---- */

enum tarn_status tarn_build_condition(struct tarn_check *check, struct tarn_error *err)
{
    const char *sql = tarn_check_text(check, "sql");
    const struct tarn_yaml *list = tarn_expectation_arg(check->e, "column_list");
    struct tarn_check_column *columns;
    size_t count;
    if (list)
        TARN_TRY(tarn_check_columns(check, list, &columns, &count, err));
    check->counted = tarn_arena_format(check->arena, "CASE WHEN (%s) IS NOT NULL THEN 1 END", sql);
    check->unexpected = tarn_arena_format(check->arena, "NOT (%s)", sql);
    return TARN_OK;
}

/* ---- pairs ---- */

static enum tarn_status bind_pair(struct tarn_check *check, struct tarn_check_column pair[2],
                                  struct tarn_error *err)
{
    const struct tarn_yaml *nodes[] = {tarn_expectation_arg(check->e, "column_A"),
                                       tarn_expectation_arg(check->e, "column_B")};
    struct tarn_yaml list = {.kind = TARN_YAML_LIST, .count = 2, .items = nodes};
    struct tarn_check_column *columns;
    size_t count;
    TARN_TRY(tarn_check_columns(check, &list, &columns, &count, err));
    memcpy(pair, columns, 2 * sizeof *pair);
    return set_ignored(check, pair, 2, ignore_pair, err);
}

enum tarn_status tarn_build_pair_equal(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column pair[2];
    TARN_TRY(bind_pair(check, pair, err));
    set_unexpected(check, tarn_arena_format(check->arena, "%s = %s", pair[0].sql, pair[1].sql));
    return TARN_OK;
}

enum tarn_status tarn_build_pair_greater(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column pair[2];
    TARN_TRY(bind_pair(check, pair, err));
    const char *operator= tarn_check_flag(check, "or_equal", false) ? ">=" : ">";
    set_unexpected(check,
                   tarn_arena_format(check->arena, "%s %s %s", pair[0].sql, operator, pair[1].sql));
    return TARN_OK;
}

enum tarn_status tarn_build_pair_in_set(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column pair[2];
    TARN_TRY(bind_pair(check, pair, err));
    const struct tarn_yaml *pairs = tarn_expectation_arg(check->e, "value_pairs_set");
    TARN_BUFFER(good, SQL_MAX_BYTES);
    tarn_buffer_append_str(&good, "false");
    for (size_t i = 0; i < pairs->count; i++) {
        const char *literals[2];
        for (size_t k = 0; k < 2; k++)
            TARN_TRY(tarn_check_literal(check, pairs->items[i]->items[k], pair[k].type,
                                        &literals[k], err));
        tarn_buffer_printf(&good, " OR (%s IS NOT DISTINCT FROM %s AND %s IS NOT DISTINCT FROM %s)",
                           pair[0].sql, literals[0], pair[1].sql, literals[1]);
    }
    TARN_TRY(tarn_buffer_check(&good, "the pairs", err));
    set_unexpected(check, tarn_buffer_str(&good));
    return TARN_OK;
}

/* ---- lists of columns ---- */

enum tarn_status tarn_build_unique_within_record(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column *columns;
    size_t count;
    TARN_TRY(tarn_check_columns(check, tarn_expectation_arg(check->e, "column_list"), &columns,
                                &count, err));
    TARN_TRY(set_ignored(check, columns, count, ignore_row, err));
    TARN_BUFFER(good, SQL_MAX_BYTES);
    tarn_buffer_append_str(&good, "true");
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            tarn_buffer_printf(&good, " AND %s IS DISTINCT FROM %s", columns[i].sql,
                               columns[k].sql);
    TARN_TRY(tarn_buffer_check(&good, "the columns", err));
    set_unexpected(check, tarn_buffer_str(&good));
    return TARN_OK;
}

enum tarn_status tarn_build_multicolumn_sum(struct tarn_check *check, struct tarn_error *err)
{
    struct tarn_check_column *columns;
    size_t count;
    const char *total;
    static const struct tarn_type real = {.id = TARN_TYPE_DOUBLE};
    TARN_TRY(tarn_check_columns(check, tarn_expectation_arg(check->e, "column_list"), &columns,
                                &count, err));
    TARN_TRY(set_ignored(check, columns, count, ignore_row, err));
    TARN_TRY(
        tarn_check_literal(check, tarn_expectation_arg(check->e, "sum_total"), &real, &total, err));
    TARN_BUFFER(good, SQL_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&good,
                           tarn_value_class_of(columns[i].type) == TARN_VALUE_TEXT
                               ? "%stry_cast(%s AS DOUBLE)"
                               : "%s%s",
                           i ? " + " : "", columns[i].sql);
    tarn_buffer_printf(&good, " = %s", total);
    TARN_TRY(tarn_buffer_check(&good, "the columns", err));
    set_unexpected(check, tarn_buffer_str(&good));
    return TARN_OK;
}
