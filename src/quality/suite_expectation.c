/* quality/suite_expectation.c -- one expectation of a suite.
 *
 * An expectation line is `name: argument` with options beside it, or Great Expectations' map of
 * type and kwargs. Both end in read_arguments, which tells parameters from options by the
 * expectation's row in the table. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "quality/condition.h"
#include "quality/suite_int.h"

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
static enum tarn_status resolve_parameter(const struct tarn_suite_reader *r,
                                          const struct tarn_yaml **node, struct tarn_error *err)
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
const char *tarn_parameter_expected(enum tarn_parameter_type type, const struct tarn_yaml *node)
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

static enum tarn_status set_argument(const struct tarn_suite_reader *r, struct tarn_expectation *e,
                                     int at, const struct tarn_yaml *node, struct tarn_error *err)
{
    if (node->kind == TARN_YAML_NULL)
        return TARN_OK; /* GX writes every parameter, with null for those not given */
    TARN_TRY(resolve_parameter(r, &node, err));
    const struct tarn_parameter *parameter = &e->type->parameters[at];
    const char *expected = tarn_parameter_expected(parameter->type, node);
    if (expected)
        return tarn_yaml_fail(node, err, "'%s' of %s must be %s, not %s",
                              parameter->alias ? parameter->alias : parameter->name, e->type->name,
                              expected, tarn_yaml_kind_name(node->kind));
    e->args[at] = node;
    return TARN_OK;
}

enum tarn_status tarn_suite_read_null_values(const struct tarn_suite_reader *r,
                                             const struct tarn_yaml *map,
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

enum tarn_status tarn_suite_read_severity(const struct tarn_yaml *map,
                                          enum tarn_severity *ret_severity, struct tarn_error *err)
{
    int choice = -1;
    if (tarn_yaml_get(map, "severity"))
        TARN_TRY(tarn_yaml_choice(map, "severity", severities, &choice, err));
    if (choice >= 0)
        *ret_severity = choice == 0 || choice == 2 ? TARN_SEVERITY_ERROR : TARN_SEVERITY_WARN;
    return TARN_OK;
}

/* The options that stand in `map` (an expectation's braces, the line beside it, or GX's meta). */
static enum tarn_status read_options(const struct tarn_suite_reader *r, const struct tarn_yaml *map,
                                     struct tarn_expectation *e, bool value_is_option,
                                     struct tarn_error *err)
{
    int kind = e->kind;
    TARN_TRY(tarn_suite_read_severity(map, &e->severity, err));
    if (tarn_yaml_get(map, "kind") && tarn_yaml_get(map, "kind")->kind == TARN_YAML_NULL)
        kind = TARN_KIND_NULL; /* `kind: null`, which YAML takes for nothing */
    else if (tarn_yaml_get(map, "kind"))
        TARN_TRY(tarn_yaml_choice(map, "kind", tarn_quality_kinds, &kind, err));
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
    return tarn_suite_read_null_values(r, map, e, err);
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
static enum tarn_status read_arguments(const struct tarn_suite_reader *r,
                                       const struct tarn_yaml *map, struct tarn_expectation *e,
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

static const char *name_rule(const struct tarn_suite_reader *r, const struct tarn_expectation *e)
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

static enum tarn_status add_expectation(struct tarn_suite_reader *r, struct tarn_expectation e,
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

static enum tarn_status add_per_column(struct tarn_suite_reader *r, struct tarn_expectation e,
                                       const struct tarn_yaml *columns, struct tarn_error *err)
{
    for (size_t i = 0; i < columns->count; i++) {
        TARN_TRY(set_argument(r, &e, 0, columns->items[i], err));
        TARN_TRY(add_expectation(r, e, err));
    }
    return TARN_OK;
}

static enum tarn_status add_from_map(struct tarn_suite_reader *r, struct tarn_expectation e,
                                     const struct tarn_yaml *map, struct tarn_error *err)
{
    const struct tarn_yaml *columns = NULL;
    e.kwargs = map;
    TARN_TRY(read_arguments(r, map, &e, &columns, err));
    return columns ? add_per_column(r, e, columns, err) : add_expectation(r, e, err);
}

/* The right side of `name: argument`. */
static enum tarn_status add_from_argument(struct tarn_suite_reader *r, struct tarn_expectation e,
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

static enum tarn_status start_expectation(const struct tarn_suite_reader *r,
                                          const struct tarn_yaml *node, const char *name,
                                          struct tarn_expectation *ret_e, struct tarn_error *err)
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

static enum tarn_status read_gx_expectation(struct tarn_suite_reader *r,
                                            const struct tarn_yaml *node,
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

enum tarn_status tarn_suite_read_expectation(struct tarn_suite_reader *r,
                                             const struct tarn_yaml *node, struct tarn_error *err)
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
