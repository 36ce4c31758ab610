/* model/unit_test.c -- see unit_test.h: reads unit tests and runs them. */
#include "model/unit_test.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "model/compile.h"
#include "model/project.h"
#include "model/relation.h"
#include "model/worker.h"

enum { SQL_BYTES_MAX = 64 << 20, SHOWN_ROWS = 10 };

/* --- reading */

static enum tarn_status check_entry(const struct tarn_yaml *yaml, struct tarn_error *err)
{
    static const char *const keys[] = {"name",        "model",     "given",   "expect",
                                       "description", "overrides", "config",  "versions",
                                       "tags",        "meta",      "enabled", NULL};
    static const char *const row_keys[] = {"input", "rows", "format", "fixture", NULL};
    const struct tarn_yaml *given, *expect;
    TARN_TRY(tarn_yaml_expect_keys(yaml, "a unit test", keys, err));
    TARN_TRY(tarn_yaml_list(yaml, "given", &given, err));
    for (size_t i = 0; given && i < given->count; i++) {
        const char *input;
        TARN_TRY(tarn_yaml_expect_keys(given->items[i], "an entry of given", row_keys, err));
        TARN_TRY(tarn_yaml_str_required(given->items[i], "input", &input, err));
    }
    TARN_TRY(tarn_yaml_map(yaml, "expect", &expect, err));
    if (!expect)
        return tarn_yaml_fail(yaml, err, "a unit test needs `expect`, a map with `rows`");
    return tarn_yaml_expect_keys(expect, "expect", row_keys, err);
}

enum tarn_status tarn_model_add_unit_test(struct tarn_model_context *context,
                                          const struct tarn_model_package *package,
                                          const char *path, const struct tarn_yaml *yaml,
                                          struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    const char *name, *model;
    if (yaml->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(yaml, err, "a unit test is a map with name, model, given and expect");
    TARN_TRY(tarn_yaml_str_required(yaml, "name", &name, err));
    TARN_TRY(tarn_yaml_str_required(yaml, "model", &model, err));
    TARN_TRY(check_entry(yaml, err));
    struct tarn_model_node *node = tarn_model_node_new(project, TARN_NODE_UNIT_TEST, package, name);
    node->unique_id =
        tarn_arena_format(project->arena, "unit_test.%s.%s.%s", package->name, model, name);
    node->original_path = path;
    node->path = tarn_model_path_below(package, path);
    node->fqn = tarn_model_fqn(project->arena, package, node->path, 2, &node->fqn_count);
    node->fqn[node->fqn_count++] = model;
    node->fqn[node->fqn_count++] = name;
    node->file_key_name = name;
    node->yaml = yaml;
    TARN_TRY(tarn_yaml_str(yaml, "description", &node->description, err));
    TARN_TRY(tarn_model_yaml_value(NULL, project->heap, yaml, NULL, &node->extra, err));
    TARN_BUFFER(text, SQL_BYTES_MAX);
    tarn_value_print_repr(node->extra, &text);
    tarn_sha256_hex(tarn_buffer_text(&text), node->checksum);
    tarn_model_add_ref(node, (struct tarn_model_ref){NULL, model, NULL});
    struct tarn_model_patch patch = {.yaml = yaml, .package = package, .path = path};
    TARN_TRY(tarn_model_config_node(project, context, node, &patch, err));
    return tarn_model_node_add(project, node, err);
}

/* --- running */

struct unit {
    struct tarn_model_worker *w;
    struct tarn_model_node *test, *model;
    struct tarn_model_fixture *fixtures;
    size_t count;
    struct tarn_buffer ctes;
    struct tarn_error *err;
};

static enum tarn_status fail_test(const struct unit *u, enum tarn_status status, const char *text)
{
    return tarn_fail(u->err, status, "%s:%d: %s", u->test->yaml->file, u->test->yaml->line, text);
}

/* Which node `ref('orders')`, `source('shop', 'orders')` or `this` means. */
static enum tarn_status find_input(struct unit *u, const char *input,
                                   const struct tarn_model_node **ret_node)
{
    struct tarn_model_context *context = &u->w->context;
    TARN_BUFFER(out, 1 << 16);
    tarn_model_context_begin(context, u->model, true);
    context->referred = NULL;
    TARN_AUTO_FREE char *text = tarn_format("{{ %s }}", input);
    TARN_TRY(tarn_model_render_text(context, "input", 1, tarn_text_of(text), &out, u->err));
    if (!context->referred)
        return tarn_fail(u->err, TARN_CONFIG,
                         "it is none of ref('model'), source('source', 'table') and this");
    *ret_node = context->referred;
    return TARN_OK;
}

static const char **type_texts(const struct tarn_column *columns, size_t count,
                               struct tarn_arena *arena)
{
    const char **types = tarn_arena_array(arena, count + 1, sizeof *types);
    for (size_t i = 0; i < count; i++)
        types[i] = tarn_type_text(columns[i].type, arena);
    return types;
}

static const char **names_of(const struct tarn_column *columns, size_t count,
                             struct tarn_arena *arena)
{
    const char **names = tarn_arena_array(arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = columns[i].name;
    return names;
}

/* Every column that the rows name has to be one of the table's. */
static enum tarn_status check_columns(const struct tarn_unit_rows *rows, const char **names,
                                      size_t count, const char *of, struct tarn_error *err)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        bool found = false;
        for (size_t k = 0; k < count; k++)
            found |= strcasecmp(rows->columns[i], names[k]) == 0;
        if (found)
            continue;
        const char *nearest = tarn_text_nearest(rows->columns[i], names, count);
        return tarn_fail(err, TARN_CONFIG, "%s has no column '%s'%s%s%s", of, rows->columns[i],
                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : "");
    }
    return TARN_OK;
}

/* The model's SQL over the rows that were given so far. Without its macros' overrides it is the SQL
 * of a first run, which is_incremental() says. */
static enum tarn_status compile_model(struct unit *u, bool with_macros, const char **ret_sql)
{
    struct tarn_model_context *context = &u->w->context;
    struct tarn_value overrides = tarn_dict_get_str(u->test->extra, "overrides");
    struct tarn_model_stand_ins stand_ins = {.fixtures = u->fixtures, .count = u->count};
    if (tarn_value_is(overrides, TARN_VALUE_DICT)) {
        stand_ins.macros = with_macros ? tarn_dict_get_str(overrides, "macros") : TARN_UNDEFINED;
        stand_ins.vars = tarn_dict_get_str(overrides, "vars");
        stand_ins.env_vars = tarn_dict_get_str(overrides, "env_vars");
    }
    const char *compiled;
    context->stand_ins = &stand_ins;
    enum tarn_status status = tarn_model_compile(context, u->model, &compiled, u->err);
    context->stand_ins = NULL;
    if (status != TARN_OK)
        return tarn_error_wrap(u->err, "%s:%d", u->test->yaml->file, u->test->yaml->line);
    TARN_BUFFER(whole, SQL_BYTES_MAX);
    if (u->ctes.len > 0)
        tarn_model_inject_ctes(tarn_text_of(compiled), tarn_buffer_text(&u->ctes), &whole);
    else
        tarn_buffer_append_str(&whole, compiled);
    TARN_TRY(tarn_buffer_check(&whole, "the SQL of a unit test", u->err));
    *ret_sql = tarn_arena_strdup(u->w->arena, tarn_buffer_str(&whole));
    return TARN_OK;
}

/* The SQL whose columns an input has: its table's, or for `this` before the first run the model's.
 */
static enum tarn_status columns_query(struct unit *u, const struct tarn_model_node *node,
                                      const char **ret_sql)
{
    enum tarn_lake_kind kind = TARN_LAKE_TABLE;
    if (node == u->model)
        TARN_TRY(tarn_lake_kind_of(u->w->lake, node->schema, node->alias, &kind, u->err));
    if (kind == TARN_LAKE_NOTHING)
        return compile_model(u, false, ret_sql);
    TARN_BUFFER(sql, 1 << 16);
    struct tarn_relation relation = tarn_relation_of_node(node);
    tarn_buffer_append_str(&sql, "SELECT * FROM ");
    tarn_relation_print(&relation, &sql);
    *ret_sql = tarn_arena_strdup(u->w->arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

/* Rows that are no SQL take the columns and types of the table that they stand for. */
static enum tarn_status write_table_rows(struct unit *u, const struct tarn_unit_rows *rows,
                                         const struct tarn_model_node *node,
                                         struct tarn_buffer *out)
{
    struct tarn_arena *arena = u->w->arena;
    struct tarn_column *columns;
    size_t count;
    if (tarn_node_is_ephemeral(node))
        return tarn_fail(u->err, TARN_CONFIG,
                         "the model is ephemeral, so there is no table to take the types from; "
                         "write its rows with `format: sql`");
    const char *query;
    TARN_TRY(columns_query(u, node, &query));
    if (tarn_session_describe(u->w->session, query, arena, &columns, &count, u->err) != TARN_OK)
        return tarn_error_wrap(u->err,
                               "its columns and types are taken from %s.%s, which has to "
                               "be there first (`tarn build` makes it)",
                               node->schema, node->alias);
    const char **names = names_of(columns, count, arena);
    TARN_TRY(check_columns(rows, names, count, node->name, u->err));
    tarn_unit_rows_write(rows, names, type_texts(columns, count, arena), count, out);
    return TARN_OK;
}

static enum tarn_status add_input(struct unit *u, struct tarn_value entry, const char *input)
{
    const struct tarn_model_node *node;
    struct tarn_unit_rows rows;
    TARN_TRY(find_input(u, input, &node));
    for (size_t i = 0; i < u->count; i++)
        if (u->fixtures[i].node == node)
            return tarn_fail(u->err, TARN_CONFIG, "it is given twice");
    TARN_TRY(tarn_unit_rows_read(u->test->package, entry, u->w->arena, &rows, u->err));
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    if (rows.sql)
        tarn_buffer_append_str(&sql, rows.sql);
    else
        TARN_TRY(write_table_rows(u, &rows, node, &sql));
    const char *name = tarn_arena_format(u->w->arena, "%zu__%s", u->count + 1, node->name);
    u->fixtures[u->count++] = (struct tarn_model_fixture){node, name};
    tarn_buffer_append_str(&u->ctes, u->ctes.len ? ", " : "");
    TARN_AUTO_FREE char *cte = tarn_format("__dbt__cte__%s", name);
    tarn_sql_identifier(&u->ctes, cte);
    tarn_buffer_printf(&u->ctes, " as (\n%s\n)", tarn_buffer_str(&sql));
    return tarn_buffer_check(&u->ctes, "the rows of a unit test", u->err);
}

static enum tarn_status add_inputs(struct unit *u)
{
    struct tarn_value given = tarn_dict_get_str(u->test->extra, "given");
    size_t count = tarn_value_is(given, TARN_VALUE_LIST) ? tarn_list_count(given) : 0;
    u->fixtures = tarn_arena_array(u->w->arena, count + 1, sizeof *u->fixtures);
    for (size_t i = 0; i < 2 * count; i++) { /* `this` last: its types may follow from the others */
        struct tarn_value entry = tarn_list_at(given, i % count);
        struct tarn_text text = tarn_text_trim(tarn_value_text(tarn_dict_get_str(entry, "input")));
        const char *input = tarn_arena_strndup(u->w->arena, text.data, text.len);
        if ((strcmp(input, "this") == 0) != (i >= count))
            continue;
        if (add_input(u, entry, input) != TARN_OK)
            return tarn_error_wrap(u->err, "%s:%d: the input %s", u->test->yaml->file,
                                   u->test->yaml->line, input);
    }
    return TARN_OK;
}

/* One row per difference, with its side. Columns are those that are expected, all when none are. */
static enum tarn_status write_comparison(struct unit *u, const char *compiled,
                                         struct tarn_buffer *sql)
{
    struct tarn_arena *arena = u->w->arena;
    struct tarn_column *columns;
    size_t count, wanted = 0;
    struct tarn_unit_rows rows;
    TARN_BUFFER(expected, SQL_BYTES_MAX);
    struct tarn_value expect = tarn_dict_get_str(u->test->extra, "expect");
    if (tarn_unit_rows_read(u->test->package, expect, arena, &rows, u->err) != TARN_OK)
        return tarn_error_wrap(u->err, "%s:%d: expect", u->test->yaml->file, u->test->yaml->line);
    TARN_TRY(tarn_session_describe(u->w->session, compiled, arena, &columns, &count, u->err));
    const char **names = names_of(columns, count, arena),
               **types = type_texts(columns, count, arena);
    if (rows.sql) {
        struct tarn_column *own;
        TARN_TRY(tarn_session_describe(u->w->session, rows.sql, arena, &own, &rows.column_count,
                                       u->err));
        rows.columns = names_of(own, rows.column_count, arena);
    }
    if (check_columns(&rows, names, count, u->model->name, u->err) != TARN_OK)
        return tarn_error_wrap(u->err, "%s:%d: expect", u->test->yaml->file, u->test->yaml->line);
    TARN_BUFFER(list, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        bool is_wanted = rows.column_count == 0;
        for (size_t k = 0; k < rows.column_count; k++)
            is_wanted |= strcasecmp(rows.columns[k], names[i]) == 0;
        if (!is_wanted)
            continue;
        names[wanted] = names[i];
        types[wanted] = types[i];
        tarn_buffer_append_str(&list, wanted++ ? ", " : "");
        tarn_sql_identifier(&list, names[i]);
    }
    if (rows.sql)
        tarn_buffer_printf(&expected, "SELECT %s FROM (%s\n)", tarn_buffer_str(&list), rows.sql);
    else
        tarn_unit_rows_write(&rows, names, types, wanted, &expected);
    tarn_buffer_printf(
        sql,
        "WITH tarn_actual AS MATERIALIZED (SELECT %s FROM (%s\n)),\ntarn_expected AS MATERIALIZED "
        "(%s)\nSELECT 'missing', CAST(d AS VARCHAR) FROM (FROM tarn_expected EXCEPT ALL FROM "
        "tarn_actual) AS d\nUNION ALL\nSELECT 'unexpected', CAST(d AS VARCHAR) FROM (FROM "
        "tarn_actual EXCEPT ALL FROM tarn_expected) AS d",
        tarn_buffer_str(&list), compiled, tarn_buffer_str(&expected));
    return tarn_buffer_check(sql, "the SQL of a unit test", u->err);
}

static enum tarn_status compare(struct unit *u, const char *sql, struct tarn_model_result *result)
{
    TARN_AUTO_RESULT struct tarn_result *answer = NULL;
    TARN_BUFFER(shown, 1 << 20);
    result->failures = 0;
    TARN_TRY(tarn_session_query(u->w->session, sql, NULL, 0, &answer, u->err));
    for (size_t rows;;) {
        TARN_TRY(tarn_result_next(answer, &rows, u->err));
        if (rows == 0)
            break;
        struct tarn_vector side = tarn_result_vector(answer, 0),
                           text = tarn_result_vector(answer, 1);
        for (size_t i = 0; i < rows; i++, result->failures++) {
            struct tarn_text s = tarn_vector_text(&side, i), t = tarn_vector_text(&text, i);
            if (result->failures < SHOWN_ROWS)
                tarn_buffer_printf(&shown, "\n    %.*s %.*s", TARN_TEXT_ARGS(s), TARN_TEXT_ARGS(t));
        }
    }
    result->status = result->failures ? TARN_MODEL_STATUS_FAIL : TARN_MODEL_STATUS_PASS;
    result->message = "";
    if (result->failures)
        result->message = tarn_arena_format(
            u->w->arena, "%lld row%s not as expected:%s%s", (long long)result->failures,
            result->failures == 1 ? " is" : "s are", tarn_buffer_str(&shown),
            result->failures > SHOWN_ROWS ? "\n    ..." : "");
    return TARN_OK;
}

static enum tarn_status run(struct unit *u, struct tarn_model_result *result)
{
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    const char *compiled;
    TARN_TRY(add_inputs(u));
    TARN_TRY(compile_model(u, true, &compiled));
    result->compiled = compiled;
    result->compile_ended_us = result->execute_started_us = tarn_now_us();
    struct tarn_error ignored; /* the file is for people to look at */
    const char *path = tarn_model_target_file(u->w->project, u->test, "compiled", u->w->arena);
    if (tarn_model_write_target(path, tarn_text_of(compiled), &ignored) != TARN_OK)
        ignored.text[0] = 0;
    enum tarn_status status = write_comparison(u, compiled, &sql);
    if (status == TARN_OK)
        status = compare(u, tarn_buffer_str(&sql), result);
    if (status == TARN_SQL)
        tarn_worker_explain(u->w, u->test, compiled, u->err);
    return status;
}

enum tarn_status tarn_worker_unit_test(struct tarn_model_worker *w, struct tarn_model_node *test,
                                       struct tarn_model_result *result, struct tarn_error *err)
{
    struct unit u = {.w = w,
                     .test = test,
                     .model = test->attached,
                     .ctes = {.max_bytes = SQL_BYTES_MAX},
                     .err = err};
    if (!u.model || u.model->kind != TARN_NODE_MODEL)
        return fail_test(&u, TARN_CONFIG, "a unit test is about a model");
    int64_t started = tarn_monotonic_us();
    result->compile_started_us = tarn_now_us();
    enum tarn_status status = run(&u, result);
    result->sql_us = tarn_monotonic_us() - started;
    tarn_buffer_release(&u.ctes);
    return status;
}
