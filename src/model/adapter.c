/* model/adapter.c -- dbt's `adapter` object over the lake. What only makes sense for a warehouse
 * (transactions, grants, caches) is accepted and does nothing. */
#include "model/context_int.h"

#include <strings.h>

#include "engine/session.h"
#include "lake/lake.h"
#include "model/relation.h"

enum { STATEMENT_BYTES_MAX = 1 << 20 };

#define CONTEXT(call) ((struct tarn_model_context *)(call)->userdata)

static enum tarn_status dispatch(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    static const char *const names[] = {"macro_name", "macro_namespace", "packages", NULL};
    struct tarn_value v[3];
    TARN_TRY(tarn_call_bind(call, names, 1, v, err));
    struct tarn_model_context *context = CONTEXT(call);
    const char *name = tarn_context_text(call, v[0]);
    const char *package = tarn_context_text(call, v[1]);
    const struct tarn_model_macro *macro =
        tarn_model_dispatch(context->project, name ? name : "", package);
    if (!tarn_context_macro(context, macro, ret))
        return tarn_fail(err, TARN_CONFIG,
                         "adapter.dispatch: there is no macro duckdb__%s or default__%s%s%s%s",
                         name ? name : "", name ? name : "", package ? " in the package '" : "",
                         package ? package : "", package ? "'" : "");
    return TARN_OK;
}

static enum tarn_status quote(struct tarn_call *call, struct tarn_value *ret,
                              struct tarn_error *err)
{
    TARN_BUFFER(text, STATEMENT_BYTES_MAX);
    const char *name = tarn_context_text(call, tarn_call_arg(call, 0, "identifier"));
    tarn_sql_identifier(&text, name ? name : "");
    *ret = tarn_value_text_copy(call->heap, tarn_buffer_text(&text));
    return tarn_buffer_check(&text, "a quoted name", err);
}

static enum tarn_status type(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = tarn_value_str_ref("duckdb");
    return TARN_OK;
}

static enum tarn_status describe(struct tarn_call *call, const char *sql, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    *ret = tarn_value_list(call->heap);
    if (!context->execute || !context->world)
        return TARN_OK;
    struct tarn_column *columns;
    size_t count;
    TARN_TRY(
        tarn_session_describe(context->world->session, sql, context->arena, &columns, &count, err));
    for (size_t i = 0; i < count; i++)
        tarn_list_append(*ret, tarn_column_value(call->heap, columns[i].name,
                                                 tarn_type_text(columns[i].type, context->arena)));
    return TARN_OK;
}

/* A relation that is not there has no columns: an empty list, as in dbt. */
static enum tarn_status get_columns_in_relation(struct tarn_call *call, struct tarn_value *ret,
                                                struct tarn_error *err)
{
    struct tarn_value value = tarn_call_arg(call, 0, "relation");
    TARN_BUFFER(sql, STATEMENT_BYTES_MAX);
    tarn_buffer_append_str(&sql, "SELECT * FROM ");
    tarn_value_print(value, &sql);
    enum tarn_status status = describe(call, tarn_buffer_str(&sql), ret, err);
    if (status == TARN_SQL && strstr(err->text, "Catalog Error")) {
        *ret = tarn_value_list(call->heap);
        return TARN_OK;
    }
    return status;
}

static enum tarn_status get_columns_in_query(struct tarn_call *call, struct tarn_value *ret,
                                             struct tarn_error *err)
{
    const char *sql = tarn_context_text(call, tarn_call_arg(call, 0, "sql"));
    return describe(call, sql ? sql : "", ret, err);
}

static enum tarn_status kind_of(struct tarn_call *call, const char *schema, const char *name,
                                enum tarn_lake_kind *ret_kind, struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    *ret_kind = TARN_LAKE_NOTHING;
    if (!context->execute || !context->world || !context->world->lake || !schema || !name)
        return TARN_OK;
    return tarn_lake_kind_of(context->world->lake, schema, name, ret_kind, err);
}

static enum tarn_status get_relation(struct tarn_call *call, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    static const char *const names[] = {"database", "schema", "identifier", NULL};
    struct tarn_value v[3];
    TARN_TRY(tarn_call_bind(call, names, 3, v, err));
    struct tarn_relation relation = {
        .database = tarn_context_text(call, v[0]),
        .schema = tarn_context_text(call, v[1]),
        .identifier = tarn_context_text(call, v[2]),
        .with_database = true,
        .with_schema = true,
        .with_identifier = true,
        .quoted = true,
    };
    enum tarn_lake_kind kind;
    TARN_TRY(kind_of(call, relation.schema, relation.identifier, &kind, err));
    *ret = TARN_NONE;
    if (kind == TARN_LAKE_NOTHING)
        return TARN_OK;
    relation.type = kind == TARN_LAKE_VIEW ? "view" : "table";
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status drop_relation(struct tarn_call *call, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    const struct tarn_relation *relation = tarn_relation_of(tarn_call_arg(call, 0, "relation"));
    *ret = tarn_value_str_ref("");
    if (!context->execute || !context->world || !relation || !relation->schema ||
        !relation->identifier)
        return TARN_OK;
    TARN_BUFFER(sql, STATEMENT_BYTES_MAX);
    tarn_buffer_append_str(&sql, "DROP VIEW IF EXISTS ");
    tarn_relation_print(relation, &sql);
    if (tarn_session_run(context->world->session, tarn_buffer_str(&sql), NULL, err) != TARN_OK) {
        /* a table that a hook has made in memory */
        tarn_buffer_clear(&sql);
        tarn_buffer_append_str(&sql, "DROP TABLE IF EXISTS ");
        tarn_relation_print(relation, &sql);
        TARN_TRY(tarn_session_run(context->world->session, tarn_buffer_str(&sql), NULL, err));
    }
    return tarn_lake_drop(context->world->lake, relation->schema, relation->identifier, NULL, NULL,
                          err);
}

static enum tarn_status rename_relation(struct tarn_call *call, struct tarn_value *ret,
                                        struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    const struct tarn_relation *from = tarn_relation_of(tarn_call_arg(call, 0, "from_relation"));
    const struct tarn_relation *to = tarn_relation_of(tarn_call_arg(call, 1, "to_relation"));
    *ret = tarn_value_str_ref("");
    if (!context->execute || !context->world)
        return TARN_OK;
    if (!from || !to || !from->schema || !to->schema || !from->identifier || !to->identifier)
        return tarn_fail(err, TARN_CONFIG, "adapter.rename_relation takes two relations");
    TARN_TRY(tarn_lake_rename(context->world->lake, from->schema, from->identifier, to->schema,
                              to->identifier, err));
    return tarn_lake_attach(context->world->lake, context->world->session, to->schema,
                            to->identifier, NULL, err);
}

static enum tarn_status create_schema(struct tarn_call *call, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_value value = tarn_call_arg(call, 0, "relation");
    const struct tarn_relation *relation = tarn_relation_of(value);
    const char *name = relation ? relation->schema : tarn_context_text(call, value);
    *ret = tarn_value_str_ref("");
    if (!context->execute || !context->world || !name)
        return TARN_OK;
    TARN_BUFFER(sql, STATEMENT_BYTES_MAX);
    tarn_buffer_append_str(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    tarn_sql_identifier(&sql, name);
    TARN_TRY(tarn_session_run(context->world->session, tarn_buffer_str(&sql), NULL, err));
    return tarn_lake_create_namespace(context->world->lake, name, err);
}

static enum tarn_status check_schema_exists(struct tarn_call *call, struct tarn_value *ret,
                                            struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    const char *name = tarn_context_text(call, tarn_call_arg(call, 1, "schema"));
    *ret = TARN_FALSE;
    if (!context->execute || !context->world || !name)
        return TARN_OK;
    const char **names;
    size_t count;
    TARN_TRY(tarn_lake_namespaces(context->world->lake, context->arena, &names, &count, err));
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0)
            *ret = TARN_TRUE;
    return TARN_OK;
}

static bool has_column(struct tarn_value columns, const char *name)
{
    for (size_t i = 0; i < tarn_list_count(columns); i++) {
        const struct tarn_model_column_value *column = tarn_column_of(tarn_list_at(columns, i));
        if (column && strcasecmp(column->name, name) == 0)
            return true;
    }
    return false;
}

static enum tarn_status columns_of(struct tarn_call *call, struct tarn_value relation,
                                   struct tarn_value *ret, struct tarn_error *err)
{
    TARN_BUFFER(sql, STATEMENT_BYTES_MAX);
    tarn_buffer_append_str(&sql, "SELECT * FROM ");
    tarn_value_print(relation, &sql);
    return describe(call, tarn_buffer_str(&sql), ret, err);
}

static enum tarn_status get_missing_columns(struct tarn_call *call, struct tarn_value *ret,
                                            struct tarn_error *err)
{
    struct tarn_value from, to;
    *ret = tarn_value_list(call->heap);
    TARN_TRY(columns_of(call, tarn_call_arg(call, 0, "from_relation"), &from, err));
    TARN_TRY(columns_of(call, tarn_call_arg(call, 1, "to_relation"), &to, err));
    for (size_t i = 0; i < tarn_list_count(from); i++) {
        const struct tarn_model_column_value *column = tarn_column_of(tarn_list_at(from, i));
        if (column && !has_column(to, column->name))
            tarn_list_append(*ret, tarn_list_at(from, i));
    }
    return TARN_OK;
}

static enum tarn_status execute(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    const char *sql = tarn_context_text(call, tarn_call_arg(call, 0, "sql"));
    struct tarn_value table = TARN_NONE, response = tarn_value_str_ref("OK");
    if (CONTEXT(call)->execute)
        TARN_TRY(tarn_context_query(CONTEXT(call), sql ? sql : "", &table, err));
    struct tarn_value pair[] = {response, table};
    *ret = tarn_value_tuple(call->heap, pair, 2);
    return TARN_OK;
}

static enum tarn_status list_relations(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_value first = tarn_call_arg(call, 0, "schema_relation");
    const struct tarn_relation *relation = tarn_relation_of(first);
    const char *schema =
        relation ? relation->schema : tarn_context_text(call, tarn_call_arg(call, 1, "schema"));
    *ret = tarn_value_list(call->heap);
    if (!context->execute || !context->world)
        return TARN_OK;
    struct tarn_lake_list list;
    TARN_TRY(tarn_lake_list(context->world->lake, schema, context->arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        struct tarn_relation entry = {
            .database = context->project->target.database,
            .schema = tarn_value_cstr(call->heap, tarn_value_str(call->heap, list.entries[i].ns)),
            .identifier =
                tarn_value_cstr(call->heap, tarn_value_str(call->heap, list.entries[i].name)),
            .type = list.entries[i].is_view ? "view" : "table",
            .with_database = true,
            .with_schema = true,
            .with_identifier = true,
            .quoted = true,
        };
        tarn_list_append(*ret, tarn_relation_value(call->heap, &entry));
    }
    return TARN_OK;
}

static enum tarn_status nothing(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = tarn_value_str_ref("");
    return TARN_OK;
}

static enum tarn_status no(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = TARN_FALSE;
    return TARN_OK;
}

static const struct tarn_object_method methods[] = {
    {"dispatch", dispatch},
    {"quote", quote},
    {"quote_as_configured", quote},
    {"quote_seed_column", quote},
    {"type", type},
    {"get_columns_in_relation", get_columns_in_relation},
    {"get_columns_in_query", get_columns_in_query},
    {"get_column_schema_from_query", get_columns_in_query},
    {"get_relation", get_relation},
    {"load_relation", get_relation},
    {"drop_relation", drop_relation},
    {"rename_relation", rename_relation},
    {"create_schema", create_schema},
    {"drop_schema", nothing},
    {"check_schema_exists", check_schema_exists},
    {"get_missing_columns", get_missing_columns},
    {"list_relations", list_relations},
    {"list_relations_without_caching", list_relations},
    {"execute", execute},
    {"commit", nothing},
    {"commit_if_has_connection", nothing},
    {"expand_target_column_types", nothing},
    {"cache_added", nothing},
    {"cache_dropped", nothing},
    {"cache_renamed", nothing},
    {"cache_new", nothing},
    {"clear_transaction", nothing},
    {"warn_once", nothing},
    {"is_motherduck", no},
    {"is_ducklake", no},
    {"supports", no},
    {NULL, NULL},
};

static const struct tarn_object_type adapter_type = {.name = "DuckDBAdapter", .methods = methods};

struct tarn_value tarn_context_adapter(struct tarn_model_context *context)
{
    return tarn_value_object(tarn_model_context_heap(context), &adapter_type, context);
}
