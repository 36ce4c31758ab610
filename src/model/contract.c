/* model/contract.c -- `contract: {enforced: true}`: the columns that a model's YAML entry declares
 * are those that its SQL gives, by name and type, or the model is not made.
 *
 * As in dbt, the order and the exact types (precision, scale) of a table are then the contract's.
 */
#include <strings.h>

#include "model/worker.h"

enum { QUERY_BYTES_MAX = 64 << 20 };

static bool is_enforced(const struct tarn_model_node *node)
{
    struct tarn_value contract = tarn_node_config(node, "contract");
    return tarn_value_is(contract, TARN_VALUE_DICT) &&
           tarn_value_truth(tarn_dict_get_str(contract, "enforced"));
}

/* The declared types as DuckDB understands them: "int" and "integer" are one. */
static enum tarn_status declared_types(struct tarn_model_worker *w,
                                       const struct tarn_model_node *node,
                                       struct tarn_column **ret_columns, struct tarn_error *err)
{
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    size_t count;
    if (node->column_count == 0)
        return tarn_fail(err, TARN_CONFIG,
                         "the contract of '%s' is enforced but declares no columns; list them with "
                         "name and data_type under `columns`",
                         node->name);
    for (size_t i = 0; i < node->column_count; i++) {
        const struct tarn_model_column *column = &node->columns[i];
        if (!column->data_type)
            return tarn_fail(err, TARN_CONFIG,
                             "the contract of '%s' gives the column '%s' no data_type", node->name,
                             column->name);
        tarn_buffer_printf(&sql, "%sCAST(NULL AS %s) AS ", i ? ", " : "SELECT ", column->data_type);
        tarn_sql_identifier(&sql, column->name);
    }
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a contract", err));
    if (tarn_session_describe(w->session, tarn_buffer_str(&sql), w->context.arena, ret_columns,
                              &count, err) != TARN_OK) {
        err->status = TARN_CONFIG; /* the types are the project's, not the model's SQL */
        return tarn_error_wrap(err, "the contract of '%s'", node->name);
    }
    return TARN_OK;
}

static size_t find(const struct tarn_column *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(columns[i].name, name) == 0)
            return i;
    return count;
}

static void note(struct tarn_buffer *out, const char *column, const char *sql, const char *contract)
{
    tarn_buffer_printf(out, "\n  %s: %s in the SQL, %s in the contract", column,
                       sql ? sql : "missing", contract ? contract : "missing");
}

static enum tarn_status compare(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                const struct tarn_column *declared, const struct tarn_column *made,
                                size_t made_count, struct tarn_error *err)
{
    struct tarn_arena *arena = w->context.arena;
    TARN_BUFFER(text, 1 << 20);
    for (size_t i = 0; i < node->column_count; i++) {
        size_t at = find(made, made_count, declared[i].name);
        if (at == made_count)
            note(&text, declared[i].name, NULL, tarn_type_text(declared[i].type, arena));
        else if (made[at].type->id != declared[i].type->id)
            note(&text, declared[i].name, tarn_type_text(made[at].type, arena),
                 tarn_type_text(declared[i].type, arena));
    }
    for (size_t i = 0; i < made_count; i++)
        if (find(declared, node->column_count, made[i].name) == node->column_count)
            note(&text, made[i].name, tarn_type_text(made[i].type, arena), NULL);
    if (text.len == 0)
        return TARN_OK;
    return tarn_fail(
        err, TARN_INVALID,
        "the contract of '%s' does not hold; change the model's SQL or the contract:%s", node->name,
        tarn_buffer_str(&text));
}

enum tarn_status tarn_worker_contract(struct tarn_model_worker *w,
                                      const struct tarn_model_node *node, const char *compiled,
                                      const char **ret_query, struct tarn_error *err)
{
    struct tarn_column *declared, *made;
    size_t count;
    *ret_query = compiled;
    if (!is_enforced(node))
        return TARN_OK;
    TARN_TRY(declared_types(w, node, &declared, err));
    TARN_TRY(tarn_session_describe(w->session, compiled, w->context.arena, &made, &count, err));
    TARN_TRY(compare(w, node, declared, made, count, err));
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    for (size_t i = 0; i < node->column_count; i++) {
        tarn_buffer_append_str(&sql, i ? ", CAST(" : "SELECT CAST(");
        tarn_sql_identifier(&sql, declared[i].name);
        tarn_buffer_printf(&sql, " AS %s) AS ", tarn_type_text(declared[i].type, w->context.arena));
        tarn_sql_identifier(&sql, declared[i].name);
    }
    tarn_buffer_printf(&sql, " FROM (\n%s\n)", compiled);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a contract", err));
    *ret_query = tarn_arena_strdup(w->context.arena, tarn_buffer_str(&sql));
    return TARN_OK;
}
