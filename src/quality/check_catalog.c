/* quality/check_catalog.c -- expectations that the table's columns alone decide, and the one that
 * is a query of its own. */
#include <string.h>

#include "base/json_writer.h"
#include "quality/check.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static const char *take_json(struct tarn_check *check, struct tarn_buffer *out)
{
    return tarn_arena_strdup(check->arena, tarn_buffer_str(out));
}

/* ---- types ---- */

/* Names that other engines and libraries give a type. */
static const char *duckdb_name(const char *type)
{
    static const char *const names[][2] = {
        {"str", "VARCHAR"},
        {"object", "VARCHAR"},
        {"string", "VARCHAR"},
        {"StringType", "VARCHAR"},
        {"StringType()", "VARCHAR"},
        {"int64", "BIGINT"},
        {"int32", "INTEGER"},
        {"IntegerType", "INTEGER"},
        {"LongType", "BIGINT"},
        {"float64", "DOUBLE"},
        {"float32", "FLOAT"},
        {"DoubleType", "DOUBLE"},
        {"FloatType", "FLOAT"},
        {"bool", "BOOLEAN"},
        {"BooleanType", "BOOLEAN"},
        {"datetime64[ns]", "TIMESTAMP_NS"},
        {"datetime64[us]", "TIMESTAMP"},
        {"TimestampType", "TIMESTAMP"},
        {"DateType", "DATE"},
    };
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        if (strcmp(names[i][0], type) == 0)
            return names[i][1];
    return type;
}

/* Whether the column's type is the one that `wanted` names; DECIMAL without digits is any DECIMAL.
 */
static enum tarn_status has_type(struct tarn_check *check, const struct tarn_check_column *c,
                                 const struct tarn_yaml *wanted, bool *ret_has,
                                 struct tarn_error *err)
{
    const char *name = duckdb_name(wanted->text);
    struct tarn_column *columns;
    size_t count;
    const char *sql = tarn_arena_format(check->arena, "SELECT try_cast(NULL AS %s)", name);
    if (tarn_session_describe(check->table->session, sql, check->arena, &columns, &count, err) !=
        TARN_OK)
        return tarn_yaml_fail(wanted, err,
                              "there is no type '%s'; it must be one of DuckDB's, such as BIGINT, "
                              "DECIMAL(18,2), VARCHAR, DATE or TIMESTAMP",
                              wanted->text);
    bool any_decimal = strcasecmp(name, "decimal") == 0 || strcasecmp(name, "numeric") == 0;
    *ret_has =
        any_decimal ? c->type->id == TARN_TYPE_DECIMAL : tarn_type_equal(c->type, columns[0].type);
    return TARN_OK;
}

static enum tarn_status build_type(struct tarn_check *check, const struct tarn_yaml *types,
                                   struct tarn_error *err)
{
    struct tarn_check_column c;
    TARN_TRY(tarn_check_main_column(check, &c, err));
    size_t count = types->kind == TARN_YAML_LIST ? types->count : 1;
    for (size_t i = 0; i < count && !check->catalog_holds; i++)
        TARN_TRY(has_type(check, &c, types->kind == TARN_YAML_LIST ? types->items[i] : types,
                          &check->catalog_holds, err));
    TARN_BUFFER(type, TEXT_MAX_BYTES);
    TARN_BUFFER(json, TEXT_MAX_BYTES);
    tarn_type_write(c.type, &type);
    struct tarn_json_writer w = tarn_json_writer(&json, 0);
    tarn_json_text(&w, tarn_buffer_text(&type));
    check->observed_json = take_json(check, &json);
    return TARN_OK;
}

enum tarn_status tarn_build_of_type(struct tarn_check *check, struct tarn_error *err)
{
    return build_type(check, tarn_expectation_arg(check->e, "type_"), err);
}

enum tarn_status tarn_build_in_type_list(struct tarn_check *check, struct tarn_error *err)
{
    return build_type(check, tarn_expectation_arg(check->e, "type_list"), err);
}

/* ---- columns ---- */

static void observe_columns(struct tarn_check *check)
{
    TARN_BUFFER(json, TEXT_MAX_BYTES);
    struct tarn_json_writer w = tarn_json_writer(&json, 0);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < check->table->column_count; i++)
        tarn_json_str(&w, check->table->columns[i].name);
    tarn_json_array_end(&w);
    check->observed_json = take_json(check, &json);
}

static bool bound_holds(const struct tarn_check *check, const char *name, const char *strict,
                        double count, double sign)
{
    const struct tarn_yaml *bound = tarn_expectation_arg(check->e, name);
    double limit;
    if (!bound || !tarn_text_to_double(tarn_text_of(bound->text), &limit))
        return true;
    double over = (count - limit) * sign;
    return tarn_check_flag(check, strict, false) ? over > 0 : over >= 0;
}

static void observe_count(struct tarn_check *check)
{
    check->observed_json = tarn_arena_format(check->arena, "%zu", check->table->column_count);
}

enum tarn_status tarn_build_column_count_between(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    double count = (double)check->table->column_count;
    observe_count(check);
    check->catalog_holds = bound_holds(check, "min_value", "strict_min", count, 1) &&
                           bound_holds(check, "max_value", "strict_max", count, -1);
    return TARN_OK;
}

enum tarn_status tarn_build_column_count_equal(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    observe_count(check);
    check->catalog_holds =
        tarn_expectation_arg(check->e, "value")->integer == (int64_t)check->table->column_count;
    return TARN_OK;
}

static const struct tarn_yaml *item(const struct tarn_yaml *list, size_t i)
{
    return list->kind == TARN_YAML_LIST ? list->items[i] : list;
}

static size_t item_count(const struct tarn_yaml *list)
{
    return list->kind == TARN_YAML_LIST ? list->count : 1;
}

enum tarn_status tarn_build_columns_ordered(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    const struct tarn_yaml *list = tarn_expectation_arg(check->e, "column_list");
    observe_columns(check);
    check->catalog_holds = item_count(list) == check->table->column_count;
    for (size_t i = 0; check->catalog_holds && i < item_count(list); i++)
        check->catalog_holds = strcmp(item(list, i)->text, check->table->columns[i].name) == 0;
    return TARN_OK;
}

static bool table_has(const struct tarn_check_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

static bool list_has(const struct tarn_yaml *list, const char *name)
{
    for (size_t i = 0; i < item_count(list); i++)
        if (strcmp(item(list, i)->text, name) == 0)
            return true;
    return false;
}

enum tarn_status tarn_build_columns_set(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    const struct tarn_yaml *list = tarn_expectation_arg(check->e, "column_set");
    observe_columns(check);
    check->catalog_holds = true;
    for (size_t i = 0; i < item_count(list); i++)
        check->catalog_holds &= table_has(check->table, item(list, i)->text);
    /* 0.18 compares exactly by default, 1.x does not */
    bool exact = tarn_check_flag(check, "exact_match", !check->e->is_gx1);
    for (size_t i = 0; exact && i < check->table->column_count; i++)
        check->catalog_holds &= list_has(list, check->table->columns[i].name);
    return TARN_OK;
}

enum tarn_status tarn_build_column_exists(struct tarn_check *check, struct tarn_error *err)
{
    (void)err;
    const char *name = tarn_check_text(check, "column");
    const struct tarn_yaml *index = tarn_expectation_arg(check->e, "column_index");
    check->column_name = name;
    check->catalog_holds = false;
    for (size_t i = 0; i < check->table->column_count; i++)
        if (strcmp(check->table->columns[i].name, name) == 0)
            check->catalog_holds = !index || index->integer == (int64_t)i;
    return TARN_OK;
}

/* ---- a query of its own ---- */

enum tarn_status tarn_build_no_rows(struct tarn_check *check, struct tarn_error *err)
{
    const struct tarn_yaml *node = tarn_expectation_arg(check->e, "unexpected_rows_query");
    TARN_BUFFER(sql, TEXT_MAX_BYTES);
    struct tarn_text rest = tarn_text_trim((struct tarn_text){node->text, node->text_len});
    while (rest.len > 0 && (rest.data[rest.len - 1] == ';' || rest.data[rest.len - 1] == '\n'))
        rest.len--;
    static const char batch[] = "{batch}";
    while (rest.len > 0) {
        const char *at = memmem(rest.data, rest.len, batch, sizeof batch - 1);
        size_t before = at ? (size_t)(at - rest.data) : rest.len;
        tarn_buffer_append(&sql, rest.data, before);
        if (at)
            tarn_buffer_append_str(&sql, check->table->sql);
        size_t used = at ? before + sizeof batch - 1 : before;
        rest = (struct tarn_text){rest.data + used, rest.len - used};
    }
    TARN_TRY(tarn_buffer_check(&sql, "the query", err));
    check->query = take_json(check, &sql);
    return TARN_OK;
}
