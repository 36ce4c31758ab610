/* quality/suite.c -- see suite.h. JSON is read by the YAML reader (it is a subset in all that
 * matters here), so that every mistake in either format has its file and line.
 *
 * An expectation line is `name: argument` with options beside it, or Great Expectations' map of
 * type and kwargs. Both end in read_arguments, which tells parameters from options by the
 * expectation's row in the table. */
#include "quality/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "quality/condition.h"

const char *const tarn_reconcile_part_names[TARN_RECONCILE_PARTS] = {
    [TARN_RECONCILE_IN] = "in",
    [TARN_RECONCILE_OUT] = "out",
    [TARN_RECONCILE_QUARANTINED] = "quarantined",
    [TARN_RECONCILE_DUPLICATES] = "duplicates",
    [TARN_RECONCILE_HELD] = "held",
};

static const char *const layers[] = {"bronze", "silver", "gold", NULL};
/* Tarn's two, then what Great Expectations calls them. */
static const char *const severities[] = {"error", "warn", "critical", "warning", "info", NULL};

/* What every expectation takes besides its parameters; the last rows are GX's and mean nothing
 * here. */
static const char *const option_names[] = {"severity",
                                           "mostly",
                                           "where",
                                           "kind",
                                           "as",
                                           "value",
                                           "null_values",
                                           "name",
                                           "description",
                                           "meta",
                                           "row_condition",
                                           "condition_parser",
                                           "result_format",
                                           "include_config",
                                           "catch_exceptions",
                                           "batch_id",
                                           "notes",
                                           "id",
                                           "rendered_content",
                                           "success_on_last_run",
                                           "expectation_context",
                                           "ge_cloud_id",
                                           "windows",
                                           NULL};

struct reader {
    struct tarn_arena *arena;
    struct tarn_suite *suite;
    size_t expectation_cap; /* only used while the suite is read */
    const struct tarn_yaml *parameters;
    struct tarn_expectation defaults;
};

void tarn_suites_release(struct tarn_suites *suites)
{
    free(suites->suites);
    free(suites->reconciles);
    *suites = (struct tarn_suites){0};
}

const char *tarn_layer_of(const char *ns)
{
    if (strcmp(ns, "bronze") == 0)
        return "bronze";
    if (strcmp(ns, "gold") == 0 || strcmp(ns, "marts") == 0)
        return "gold";
    return "silver";
}

static bool is_scalar(const struct tarn_yaml *node)
{
    return node->kind != TARN_YAML_LIST && node->kind != TARN_YAML_MAP &&
           node->kind != TARN_YAML_NULL;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* ---- arguments ---- */

static bool is_parameter_reference(const struct tarn_yaml *node)
{
    return node->kind == TARN_YAML_MAP && node->count == 1 &&
           strcmp(tarn_yaml_key(node, 0), "$PARAMETER") == 0;
}

/* {"$PARAMETER": "x"} becomes the suite's value of x. */
static enum tarn_status resolve_parameter(const struct reader *r, const struct tarn_yaml **node,
                                          struct tarn_error *err)
{
    if (!is_parameter_reference(*node))
        return TARN_OK;
    const char *name = (*node)->items[0]->text;
    const struct tarn_yaml *value = name ? tarn_yaml_get(r->parameters, name) : NULL;
    if (!value)
        return tarn_yaml_fail(*node, err,
                              "there is no parameter '%s'; give it below `parameters` (or "
                              "suite_parameters) of the suite",
                              name ? name : "");
    *node = value;
    return TARN_OK;
}

static bool all_scalars(const struct tarn_yaml *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_scalar(list->items[i]) && list->items[i]->kind != TARN_YAML_NULL)
            return false;
    return true;
}

static bool all_pairs(const struct tarn_yaml *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->kind != TARN_YAML_LIST || list->items[i]->count != 2 ||
            !all_scalars(list->items[i]))
            return false;
    return true;
}

static bool is_number(const struct tarn_yaml *node)
{
    double value;
    return node->kind == TARN_YAML_INT || node->kind == TARN_YAML_FLOAT ||
           (node->kind == TARN_YAML_STRING &&
            tarn_text_to_double((struct tarn_text){node->text, node->text_len}, &value));
}

/* What is wrong with the argument's shape: the text that was expected, NULL when it is fine. */
static const char *expected_instead(enum tarn_parameter_type type, const struct tarn_yaml *node)
{
    switch (type) {
    case TARN_PARAMETER_COLUMN:
        return is_scalar(node) ? NULL : "a column's name";
    case TARN_PARAMETER_BOUND:
        return is_scalar(node) && node->kind != TARN_YAML_BOOL ? NULL : "a number, date or text";
    case TARN_PARAMETER_TEXT:
        return is_scalar(node) ? NULL : "text";
    case TARN_PARAMETER_COLUMNS:
    case TARN_PARAMETER_TEXTS:
        return is_scalar(node) || (node->kind == TARN_YAML_LIST && all_scalars(node))
                   ? NULL
                   : "a list of names or texts";
    case TARN_PARAMETER_VALUES:
        return node->kind == TARN_YAML_LIST && all_scalars(node) ? NULL : "a list of plain values";
    case TARN_PARAMETER_PAIRS:
        return node->kind == TARN_YAML_LIST && all_pairs(node) ? NULL : "a list of pairs [a, b]";
    case TARN_PARAMETER_NUMBER:
        return is_number(node) ? NULL : "a number";
    case TARN_PARAMETER_INTEGER:
        return node->kind == TARN_YAML_INT ? NULL : "a whole number";
    case TARN_PARAMETER_BOOLEAN:
        return node->kind == TARN_YAML_BOOL ? NULL : "true or false";
    case TARN_PARAMETER_MAP:
        return node->kind == TARN_YAML_MAP ? NULL : "a map";
    }
    return "something else";
}

static enum tarn_status set_argument(const struct reader *r, struct tarn_expectation *e, int at,
                                     const struct tarn_yaml *node, struct tarn_error *err)
{
    if (node->kind == TARN_YAML_NULL)
        return TARN_OK; /* GX writes every parameter, with null for those not given */
    TARN_TRY(resolve_parameter(r, &node, err));
    const struct tarn_parameter *parameter = &e->type->parameters[at];
    const char *expected = expected_instead(parameter->type, node);
    if (expected)
        return tarn_yaml_fail(node, err, "'%s' of %s must be %s, not %s",
                              parameter->alias ? parameter->alias : parameter->name, e->type->name,
                              expected, tarn_yaml_kind_name(node->kind));
    e->args[at] = node;
    return TARN_OK;
}

static enum tarn_status read_null_values(const struct reader *r, const struct tarn_yaml *map,
                                         struct tarn_expectation *e, struct tarn_error *err)
{
    const struct tarn_yaml *list = tarn_yaml_get(map, "null_values");
    if (!list)
        return TARN_OK;
    if (list->kind != TARN_YAML_LIST || !all_scalars(list))
        return tarn_yaml_fail(list, err, "null_values must be a list of texts such as [\"\", NA]");
    e->null_values = tarn_arena_array(r->arena, list->count + 1, sizeof *e->null_values);
    e->null_value_count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->text)
            e->null_values[e->null_value_count++] = list->items[i]->text;
    return TARN_OK;
}

static enum tarn_severity severity_of(int choice)
{
    return choice == 0 || choice == 2 ? TARN_SEVERITY_ERROR : TARN_SEVERITY_WARN;
}

static enum tarn_status read_choice(const struct tarn_yaml *map, const char *key,
                                    const char *const *choices, int *ret, struct tarn_error *err)
{
    return tarn_yaml_get(map, key) ? tarn_yaml_choice(map, key, choices, ret, err) : TARN_OK;
}

/* The options that stand in `map` (an expectation's braces, the line beside it, or GX's meta). */
static enum tarn_status read_options(const struct reader *r, const struct tarn_yaml *map,
                                     struct tarn_expectation *e, bool value_is_option,
                                     struct tarn_error *err)
{
    int severity = e->severity, kind = e->kind;
    TARN_TRY(read_choice(map, "severity", severities, &severity, err));
    if (tarn_yaml_get(map, "kind") && tarn_yaml_get(map, "kind")->kind == TARN_YAML_NULL)
        kind = TARN_KIND_NULL; /* `kind: null`, which YAML takes for nothing */
    else
        TARN_TRY(read_choice(map, "kind", tarn_quality_kinds, &kind, err));
    e->severity = severity_of(severity);
    e->kind = (enum tarn_quality_kind)kind;
    const char *where = NULL, *parser = NULL;
    if (tarn_yaml_get(map, "mostly") && tarn_yaml_get(map, "mostly")->kind != TARN_YAML_NULL) {
        const struct tarn_yaml *node = tarn_yaml_get(map, "mostly");
        TARN_TRY(resolve_parameter(r, &node, err));
        if (!tarn_text_to_double(tarn_text_of(node->text), &e->mostly) || e->mostly < 0 ||
            e->mostly > 1)
            return tarn_yaml_fail(node, err, "mostly must be a fraction between 0 and 1");
    }
    if (tarn_yaml_get(map, "row_condition") &&
        tarn_yaml_get(map, "row_condition")->kind != TARN_YAML_NULL) {
        TARN_TRY(tarn_yaml_str(map, "row_condition", &where, err));
        if (tarn_yaml_get(map, "condition_parser") && tarn_yaml_get(map, "condition_parser")->text)
            parser = tarn_yaml_get(map, "condition_parser")->text;
        where = tarn_condition_sql(r->arena, where, parser);
    }
    TARN_TRY(tarn_yaml_str(map, "where", &where, err));
    if (where)
        e->where = e->where ? tarn_arena_format(r->arena, "(%s) AND (%s)", e->where, where) : where;
    TARN_TRY(tarn_yaml_str(map, "as", &e->as, err));
    if (value_is_option)
        TARN_TRY(tarn_yaml_str(map, "value", &e->value, err));
    TARN_TRY(tarn_yaml_str(map, "name", &e->rule, err));
    if (tarn_yaml_get(map, "description") && tarn_yaml_get(map, "description")->text)
        e->description = tarn_yaml_get(map, "description")->text;
    if (tarn_yaml_get(map, "meta"))
        e->meta = tarn_yaml_get(map, "meta");
    return read_null_values(r, map, e, err);
}

static enum tarn_status fail_unknown(const struct tarn_yaml *key, const struct tarn_expectation *e,
                                     struct tarn_error *err)
{
    const char *names[TARN_PARAMETER_MAX * 2 + 32];
    size_t count = 0;
    for (size_t i = 0; i < tarn_expectation_parameter_count(e->type); i++) {
        names[count++] = e->type->parameters[i].name;
        if (e->type->parameters[i].alias)
            names[count++] = e->type->parameters[i].alias;
    }
    for (size_t i = 0; option_names[i]; i++)
        names[count++] = option_names[i];
    const char *nearest = tarn_text_nearest(key->text, names, count);
    return tarn_yaml_fail(key, err, "%s does not take '%s'%s%s%s", e->type->name, key->text,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "");
}

/* `map` holds parameters and options. *ret_columns is set when the one column is given as a list.
 */
static enum tarn_status read_arguments(const struct reader *r, const struct tarn_yaml *map,
                                       struct tarn_expectation *e,
                                       const struct tarn_yaml **ret_columns, struct tarn_error *err)
{
    bool one_column = e->type->parameters[0].type == TARN_PARAMETER_COLUMN;
    for (size_t i = 0; i < map->count; i++) {
        const char *key = tarn_yaml_key(map, i);
        int at = tarn_expectation_parameter(e->type, key);
        bool is_column = one_column && (at == 0 || strcmp(key, "columns") == 0);
        if (is_column && map->items[i]->kind == TARN_YAML_LIST)
            *ret_columns = map->items[i];
        else if (at >= 0)
            TARN_TRY(set_argument(r, e, at, map->items[i], err));
        else if (!is_among(key, option_names))
            return fail_unknown(map->keys[i], e, err);
    }
    bool value_is_option = tarn_expectation_parameter(e->type, "value") < 0;
    return read_options(r, map, e, value_is_option, err);
}

/* ---- one expectation ---- */

static const char *name_rule(const struct reader *r, const struct tarn_expectation *e)
{
    TARN_BUFFER(name, 4096);
    const char *separator = "";
    for (size_t i = 0; i < tarn_expectation_parameter_count(e->type); i++) {
        const struct tarn_yaml *arg = e->args[i];
        enum tarn_parameter_type type = e->type->parameters[i].type;
        if (!arg || (type != TARN_PARAMETER_COLUMN && type != TARN_PARAMETER_COLUMNS))
            continue;
        if (arg->kind != TARN_YAML_LIST)
            tarn_buffer_printf(&name, "%s%s", separator, arg->text);
        for (size_t k = 0; arg->kind == TARN_YAML_LIST && k < arg->count; k++)
            tarn_buffer_printf(&name, "%s%s", k ? ", " : separator, arg->items[k]->text);
        separator = ", ";
    }
    if (name.len == 0 && strcmp(e->type->name, "column_exists") == 0)
        tarn_buffer_append_str(&name, e->args[0]->text);
    return name.len ? tarn_arena_format(r->arena, "%s(%s)", e->type->name, tarn_buffer_str(&name))
                    : e->type->name;
}

static bool rule_is_taken(const struct tarn_suite *suite, const char *rule)
{
    for (size_t i = 0; i < suite->expectation_count; i++)
        if (strcmp(suite->expectations[i].rule, rule) == 0)
            return true;
    return false;
}

static enum tarn_status check_required(const struct tarn_expectation *e, struct tarn_error *err)
{
    for (size_t i = 0; i < tarn_expectation_parameter_count(e->type); i++) {
        const struct tarn_parameter *parameter = &e->type->parameters[i];
        if (parameter->required && !e->args[i])
            return tarn_yaml_fail(e->node, err, "%s needs '%s'", e->type->name,
                                  parameter->alias ? parameter->alias : parameter->name);
    }
    bool has_bounds = tarn_expectation_parameter(e->type, "min_value") >= 0;
    if (has_bounds && e->type->shape == TARN_SHAPE_ROW && !tarn_expectation_arg(e, "min_value") &&
        !tarn_expectation_arg(e, "max_value"))
        return tarn_yaml_fail(e->node, err, "%s needs 'min' or 'max'", e->type->name);
    return TARN_OK;
}

static enum tarn_status add_expectation(struct reader *r, struct tarn_expectation e,
                                        struct tarn_error *err)
{
    TARN_TRY(check_required(&e, err));
    const char *given = e.rule;
    e.rule = given ? given : name_rule(r, &e);
    if (given && rule_is_taken(r->suite, given) && e.args[0] && e.args[0]->text)
        e.rule = tarn_arena_format(r->arena, "%s(%s)", given, e.args[0]->text);
    const char *base = e.rule;
    for (int n = 2; rule_is_taken(r->suite, e.rule); n++)
        e.rule = tarn_arena_format(r->arena, "%s #%d", base, n);
    struct tarn_suite *suite = r->suite;
    if (suite->expectation_count == r->expectation_cap) {
        size_t cap = r->expectation_cap ? r->expectation_cap * 2 : 16;
        struct tarn_expectation *bigger = tarn_arena_array(r->arena, cap, sizeof *bigger);
        if (suite->expectation_count)
            memcpy(bigger, suite->expectations, suite->expectation_count * sizeof *bigger);
        suite->expectations = bigger;
        r->expectation_cap = cap;
    }
    suite->expectations[suite->expectation_count++] = e;
    return TARN_OK;
}

static enum tarn_status add_per_column(struct reader *r, struct tarn_expectation e,
                                       const struct tarn_yaml *columns, struct tarn_error *err)
{
    for (size_t i = 0; i < columns->count; i++) {
        TARN_TRY(set_argument(r, &e, 0, columns->items[i], err));
        TARN_TRY(add_expectation(r, e, err));
    }
    return TARN_OK;
}

static enum tarn_status add_from_map(struct reader *r, struct tarn_expectation e,
                                     const struct tarn_yaml *map, struct tarn_error *err)
{
    const struct tarn_yaml *columns = NULL;
    e.kwargs = map;
    TARN_TRY(read_arguments(r, map, &e, &columns, err));
    return columns ? add_per_column(r, e, columns, err) : add_expectation(r, e, err);
}

/* The right side of `name: argument`. */
static enum tarn_status add_from_argument(struct reader *r, struct tarn_expectation e,
                                          const struct tarn_yaml *argument, struct tarn_error *err)
{
    if (argument->kind == TARN_YAML_MAP)
        return add_from_map(r, e, argument, err);
    if (argument->kind == TARN_YAML_LIST && e.type->parameters[0].type == TARN_PARAMETER_COLUMN) {
        for (size_t i = 0; i < argument->count; i++)
            TARN_TRY(add_from_argument(r, e, argument->items[i], err));
        return TARN_OK;
    }
    TARN_TRY(set_argument(r, &e, 0, argument, err));
    return add_expectation(r, e, err);
}

static enum tarn_status fail_unknown_type(const struct tarn_yaml *node, const char *name,
                                          struct tarn_error *err)
{
    const char *nearest = tarn_expectation_type_nearest(name);
    return tarn_yaml_fail(
        node, err, "there is no expectation '%s'%s%s%s; docs/quality.md lists them", name,
        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static enum tarn_status start_expectation(const struct reader *r, const struct tarn_yaml *node,
                                          const char *name, struct tarn_expectation *ret_e,
                                          struct tarn_error *err)
{
    const struct tarn_expectation_type *type = tarn_expectation_type_find(name);
    if (!type)
        return fail_unknown_type(node, name, err);
    *ret_e = r->defaults;
    ret_e->type = type;
    ret_e->kind = type->kind;
    ret_e->node = node;
    return TARN_OK;
}

static enum tarn_status read_gx_expectation(struct reader *r, const struct tarn_yaml *node,
                                            const struct tarn_yaml *type, struct tarn_error *err)
{
    static const char *const keys[] = {"type",
                                       "expectation_type",
                                       "kwargs",
                                       "meta",
                                       "id",
                                       "notes",
                                       "severity",
                                       "description",
                                       "rendered_content",
                                       "success_on_last_run",
                                       "expectation_context",
                                       "ge_cloud_id",
                                       NULL};
    static const struct tarn_yaml nothing = {.kind = TARN_YAML_MAP};
    TARN_TRY(tarn_yaml_expect_keys(node, "an expectation", keys, err));
    struct tarn_expectation e;
    if (!type->text)
        return tarn_yaml_fail(type, err, "type must be an expectation's name");
    TARN_TRY(start_expectation(r, type, type->text, &e, err));
    TARN_TRY(read_options(r, node, &e, false, err));
    const struct tarn_yaml *meta = tarn_yaml_get(node, "meta");
    if (meta && meta->kind == TARN_YAML_MAP)
        TARN_TRY(read_options(r, meta, &e, false, err));
    e.meta = meta;
    e.is_gx1 = tarn_yaml_get(node, "type") != NULL;
    const struct tarn_yaml *kwargs = NULL;
    TARN_TRY(tarn_yaml_map(node, "kwargs", &kwargs, err));
    return add_from_map(r, e, kwargs ? kwargs : &nothing, err);
}

static enum tarn_status read_expectation(struct reader *r, const struct tarn_yaml *node,
                                         struct tarn_error *err)
{
    if (node->kind == TARN_YAML_STRING) /* `- some_table_level_expectation` */
        return fail_unknown_type(node, node->text, err);
    if (node->kind != TARN_YAML_MAP || node->count == 0)
        return tarn_yaml_fail(node, err, "an expectation is `name: argument`, not %s",
                              tarn_yaml_kind_name(node->kind));
    const struct tarn_yaml *gx_type = tarn_yaml_get(node, "type");
    if (!gx_type)
        gx_type = tarn_yaml_get(node, "expectation_type");
    if (gx_type)
        return read_gx_expectation(r, node, gx_type, err);
    size_t at = node->count;
    for (size_t i = 0; i < node->count; i++) {
        if (is_among(tarn_yaml_key(node, i), option_names))
            continue;
        if (at < node->count)
            return tarn_yaml_fail(node->keys[i], err,
                                  "one line holds one expectation, here are '%s' and '%s'; start "
                                  "the second with a dash of its own",
                                  tarn_yaml_key(node, at), tarn_yaml_key(node, i));
        at = i;
    }
    if (at == node->count)
        return tarn_yaml_fail(node, err, "this line has options but names no expectation");
    struct tarn_expectation e;
    TARN_TRY(start_expectation(r, node->keys[at], tarn_yaml_key(node, at), &e, err));
    TARN_TRY(read_options(r, node, &e, true, err));
    return add_from_argument(r, e, node->items[at], err);
}

/* ---- a suite ---- */

static enum tarn_status split_table(struct reader *r, const struct tarn_yaml *node,
                                    const char *text, struct tarn_error *err)
{
    const char *dot = strchr(text, '.');
    if (!dot || dot == text || dot[1] == 0)
        return tarn_yaml_fail(
            node, err, "'%s' names no table; write namespace.table, such as silver.orders", text);
    r->suite->ns = tarn_arena_strndup(r->arena, text, (size_t)(dot - text));
    r->suite->table = dot + 1;
    r->suite->table_node = node;
    return TARN_OK;
}

static enum tarn_status find_table(struct reader *r, const struct tarn_yaml *node,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *table = tarn_yaml_get(node, "table");
    if (!table)
        table = tarn_yaml_get(tarn_yaml_get(node, "meta"), "table");
    if (table) {
        if (!table->text)
            return tarn_yaml_fail(table, err, "table must be namespace.table, not %s",
                                  tarn_yaml_kind_name(table->kind));
        return split_table(r, table, table->text, err);
    }
    const char *first = strchr(r->suite->name, '.');
    if (!first)
        return tarn_yaml_fail(node, err,
                              "suite '%s' does not say which table it is about: add `table: "
                              "namespace.table` (in a Great Expectations file also "
                              "`\"meta\": {\"table\": ...}`)",
                              r->suite->name);
    const char *second = strchr(first + 1, '.');
    size_t len = second ? (size_t)(second - r->suite->name) : strlen(r->suite->name);
    return split_table(r, node, tarn_arena_strndup(r->arena, r->suite->name, len), err);
}

static enum tarn_status read_key(struct reader *r, const struct tarn_yaml *node,
                                 struct tarn_error *err)
{
    const struct tarn_yaml *key = tarn_yaml_get(node, "key");
    if (!key)
        return TARN_OK;
    const char *expected = expected_instead(TARN_PARAMETER_COLUMNS, key);
    if (expected)
        return tarn_yaml_fail(key, err, "key must be %s", expected);
    size_t count = key->kind == TARN_YAML_LIST ? key->count : 1;
    r->suite->key = tarn_arena_array(r->arena, count + 1, sizeof *r->suite->key);
    for (size_t i = 0; i < count; i++)
        r->suite->key[i] = key->kind == TARN_YAML_LIST ? key->items[i]->text : key->text;
    r->suite->key_count = count;
    return TARN_OK;
}

static enum tarn_status read_suite_head(struct reader *r, const struct tarn_yaml *node,
                                        struct tarn_error *err)
{
    static const char *const keys[] = {"name",
                                       "table",
                                       "description",
                                       "layer",
                                       "quarantine",
                                       "key",
                                       "null_values",
                                       "where",
                                       "severity",
                                       "expectations",
                                       "parameters",
                                       "meta",
                                       "expectation_suite_name",
                                       "ge_cloud_id",
                                       "evaluation_parameters",
                                       "data_asset_type",
                                       "id",
                                       "notes",
                                       "suite_parameters",
                                       "version",
                                       NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "a suite", keys, err));
    struct tarn_suite *suite = r->suite;
    TARN_TRY(tarn_yaml_str(node, "expectation_suite_name", &suite->name, err));
    TARN_TRY(tarn_yaml_str(node, "name", &suite->name, err));
    if (!suite->name)
        return tarn_yaml_fail(node, err, "a suite needs a 'name'");
    TARN_TRY(find_table(r, node, err));
    int layer = 0;
    const char *of_namespace = tarn_layer_of(suite->ns);
    while (strcmp(layers[layer], of_namespace) != 0)
        layer++;
    TARN_TRY(read_choice(node, "layer", layers, &layer, err));
    suite->layer = layers[layer];
    TARN_TRY(tarn_yaml_str(node, "description", &suite->description, err));
    TARN_TRY(tarn_yaml_bool(node, "quarantine", &suite->quarantine, err));
    suite->meta = tarn_yaml_get(node, "meta");
    int severity = TARN_SEVERITY_ERROR;
    TARN_TRY(read_choice(node, "severity", severities, &severity, err));
    r->defaults.severity = severity_of(severity);
    TARN_TRY(tarn_yaml_str(node, "where", &r->defaults.where, err));
    TARN_TRY(read_null_values(r, node, &r->defaults, err));
    return read_key(r, node, err);
}

static enum tarn_status read_suite(const struct tarn_yaml *node, struct tarn_arena *arena,
                                   struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const parameter_keys[] = {"parameters", "suite_parameters",
                                                 "evaluation_parameters"};
    struct tarn_suite suite = {.node = node};
    struct reader r = {.arena = arena, .suite = &suite, .defaults = {.mostly = 1}};
    for (size_t i = 0; i < TARN_COUNT(parameter_keys); i++)
        if (tarn_yaml_get(node, parameter_keys[i]))
            r.parameters = tarn_yaml_get(node, parameter_keys[i]);
    TARN_TRY(read_suite_head(&r, node, err));
    for (size_t i = 0; i < suites->suite_count; i++)
        if (strcmp(suites->suites[i].name, suite.name) == 0)
            return tarn_yaml_fail(node, err, "there is a suite '%s' already at %s:%d", suite.name,
                                  suites->suites[i].node->file, suites->suites[i].node->line);
    const struct tarn_yaml *list = NULL;
    TARN_TRY(tarn_yaml_list(node, "expectations", &list, err));
    if (!list)
        return tarn_yaml_fail(node, err, "suite '%s' has no 'expectations'", suite.name);
    for (size_t i = 0; i < list->count; i++)
        TARN_TRY(read_expectation(&r, list->items[i], err));
    TARN_RESERVE(suites->suites, suites->suite_cap, suites->suite_count + 1);
    suites->suites[suites->suite_count++] = suite;
    return TARN_OK;
}

/* ---- reconciliations ---- */

static const char *layer_of_part(const struct tarn_yaml *part, struct tarn_arena *arena)
{
    while (part && part->kind == TARN_YAML_LIST && part->count > 0)
        part = part->items[0];
    const char *dot = part && part->text ? strchr(part->text, '.') : NULL;
    if (!dot || strchr(part->text, ' '))
        return NULL;
    return tarn_layer_of(tarn_arena_strndup(arena, part->text, (size_t)(dot - part->text)));
}

static enum tarn_status check_part(const struct tarn_yaml *part, const char *name,
                                   struct tarn_error *err)
{
    if (part->kind == TARN_YAML_STRING || part->kind == TARN_YAML_INT)
        return TARN_OK;
    if (part->kind != TARN_YAML_LIST)
        return tarn_yaml_fail(part, err,
                              "'%s' must be a table, an SQL query, a number or a list of these, "
                              "not %s",
                              name, tarn_yaml_kind_name(part->kind));
    for (size_t i = 0; i < part->count; i++)
        TARN_TRY(check_part(part->items[i], name, err));
    return TARN_OK;
}

static enum tarn_status read_reconcile(const struct tarn_yaml *node, struct tarn_arena *arena,
                                       struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const keys[] = {"name", "in",    "out",         "quarantined", "duplicates",
                                       "held", "layer", "description", NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "a reconciliation", keys, err));
    struct tarn_reconcile reconcile = {.node = node};
    TARN_TRY(tarn_yaml_str_required(node, "name", &reconcile.name, err));
    TARN_TRY(tarn_yaml_str(node, "description", &reconcile.description, err));
    for (size_t i = 0; i < TARN_RECONCILE_PARTS; i++) {
        const struct tarn_yaml *part = tarn_yaml_get(node, tarn_reconcile_part_names[i]);
        if (part)
            TARN_TRY(check_part(part, tarn_reconcile_part_names[i], err));
        reconcile.parts[i] = part;
    }
    if (!reconcile.parts[TARN_RECONCILE_IN] || !reconcile.parts[TARN_RECONCILE_OUT])
        return tarn_yaml_fail(node, err, "a reconciliation needs 'in' and 'out'");
    int layer = -1;
    TARN_TRY(read_choice(node, "layer", layers, &layer, err));
    reconcile.layer =
        layer >= 0 ? layers[layer] : layer_of_part(reconcile.parts[TARN_RECONCILE_OUT], arena);
    for (size_t i = 0; i < suites->reconcile_count; i++)
        if (strcmp(suites->reconciles[i].name, reconcile.name) == 0)
            return tarn_yaml_fail(node, err, "there is a reconciliation '%s' already at %s:%d",
                                  reconcile.name, suites->reconciles[i].node->file,
                                  suites->reconciles[i].node->line);
    TARN_RESERVE(suites->reconciles, suites->reconcile_cap, suites->reconcile_count + 1);
    suites->reconciles[suites->reconcile_count++] = reconcile;
    return TARN_OK;
}

/* ---- files ---- */

static enum tarn_status read_document(const struct tarn_yaml *root, struct tarn_arena *arena,
                                      struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const keys[] = {"suites", "reconcile", "version", NULL};
    if (root->kind == TARN_YAML_NULL)
        return TARN_OK;
    if (root->kind == TARN_YAML_MAP && tarn_yaml_get(root, "expectations"))
        return read_suite(root, arena, suites, err);
    TARN_TRY(tarn_yaml_expect_keys(root, "a quality file", keys, err));
    const struct tarn_yaml *list = NULL, *reconciles = NULL;
    TARN_TRY(tarn_yaml_list(root, "suites", &list, err));
    TARN_TRY(tarn_yaml_list(root, "reconcile", &reconciles, err));
    for (size_t i = 0; list && i < list->count; i++)
        TARN_TRY(read_suite(list->items[i], arena, suites, err));
    for (size_t i = 0; reconciles && i < reconciles->count; i++)
        TARN_TRY(read_reconcile(reconciles->items[i], arena, suites, err));
    return TARN_OK;
}

enum tarn_status tarn_suites_parse(struct tarn_text text, const char *name,
                                   struct tarn_arena *arena, struct tarn_suites *suites,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(tarn_yaml_parse(text, name, 1, arena, &root, err));
    return read_document(root, arena, suites, err);
}

static bool is_quality_file(const char *path)
{
    const char *extension = tarn_path_extension(path);
    return strcmp(extension, ".yml") == 0 || strcmp(extension, ".yaml") == 0 ||
           strcmp(extension, ".json") == 0;
}

enum tarn_status tarn_suites_read(const char *directory, struct tarn_arena *arena,
                                  struct tarn_suites *ret_suites, struct tarn_error *err)
{
    struct tarn_file_list files;
    struct tarn_suites suites = {0};
    TARN_TRY(tarn_directory_list(directory, "", arena, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const struct tarn_yaml *root;
        enum tarn_status status = TARN_OK;
        if (!is_quality_file(files.paths[i]))
            continue;
        status = tarn_yaml_read(files.paths[i], arena, &root, err);
        if (status == TARN_OK)
            status = read_document(root, arena, &suites, err);
        if (status != TARN_OK) {
            tarn_suites_release(&suites);
            return status;
        }
    }
    *ret_suites = suites;
    return TARN_OK;
}
