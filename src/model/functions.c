/* model/functions.c -- the functions of dbt's context: ref, source, var, statement, log and so on.
 */
#include "model/context_int.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/progress.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "model/graph.h"
#include "model/project.h"
#include "model/relation.h"
#include "model/table.h"

enum { TEXT_BYTES_MAX = 32 << 20, STATEMENT_BYTES_MAX = 64 << 20 };

#define CONTEXT(call) ((struct tarn_model_context *)(call)->userdata)

const char *tarn_context_text(const struct tarn_call *call, struct tarn_value value)
{
    return tarn_value_is_nothing(value) ? NULL : tarn_value_cstr(call->heap, value);
}

/* --- ref and source */

static enum tarn_status read_ref(struct tarn_call *call, struct tarn_model_ref *ref,
                                 struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_arena *arena = context->execute ? context->arena : context->project->arena;
    if (call->arg_count < 1 || call->arg_count > 2)
        return tarn_fail(err, TARN_CONFIG,
                         "ref() takes a model, or a package and a model; %zu arguments were given",
                         call->arg_count);
    for (size_t i = 0; i < call->arg_count; i++)
        if (!tarn_value_is_string(call->args[i]))
            return tarn_fail(err, TARN_CONFIG, "ref() takes the name of a model as text, not %s",
                             tarn_value_type_name(call->args[i]));
    struct tarn_text name = tarn_value_text(call->args[call->arg_count - 1]);
    struct tarn_text package = tarn_value_text(call->args[0]);
    ref->name = tarn_arena_strndup(arena, name.data, name.len);
    ref->package =
        call->arg_count == 2 ? tarn_arena_strndup(arena, package.data, package.len) : NULL;
    struct tarn_value version = tarn_call_arg(call, 99, "version");
    if (version.kind == TARN_VALUE_UNDEFINED)
        version = tarn_call_arg(call, 99, "v");
    ref->version = tarn_value_is_nothing(version)
                       ? NULL
                       : tarn_arena_strdup(arena, tarn_value_cstr(call->heap, version));
    return TARN_OK;
}

static struct tarn_value placeholder(struct tarn_call *call)
{
    struct tarn_model_node *node = CONTEXT(call)->node;
    struct tarn_relation relation =
        node ? tarn_relation_of_node(node) : (struct tarn_relation){.identifier = "unknown"};
    return tarn_relation_value(call->heap, &relation);
}

static bool is_parent(const struct tarn_model_node *node, const struct tarn_model_node *parent)
{
    for (size_t i = 0; i < node->parents.count; i++)
        if (node->parents.items[i] == parent)
            return true;
    return node == parent;
}

/* A ref that the parser did not see would run before what it reads from. */
static enum tarn_status check_known(const struct tarn_model_context *context,
                                    const struct tarn_model_node *parent, const char *what,
                                    struct tarn_error *err)
{
    const struct tarn_model_node *node = context->node;
    if (!node || is_parent(node, parent))
        return TARN_OK;
    return tarn_fail(err, TARN_CONFIG,
                     "%s is not a known parent of '%s': the parser did not reach it, as it stands "
                     "in a branch that is only taken while running; add this line to the model: "
                     "-- depends_on: {{ %s }}",
                     what, node->name, what);
}

/* While a unit test compiles its model, every table is one that it gives. */
static enum tarn_status stand_in(struct tarn_model_context *context,
                                 const struct tarn_model_node *node, const char *what,
                                 struct tarn_value *ret, struct tarn_error *err)
{
    if (tarn_context_fixture(context, node, ret))
        return TARN_OK;
    return tarn_fail(err, TARN_CONFIG,
                     "the unit test gives no rows for %s, which the model reads; add "
                     "`- input: %s` with `rows: []` or some rows to `given`",
                     what, what);
}

/* The table of a node as the rendered node may see it: all of it, a batch, or nothing. */
static struct tarn_value relation_of(struct tarn_call *call, const struct tarn_model_node *node)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_relation relation = tarn_relation_of_node(node);
    const char *event_time = tarn_node_config_str(node, "event_time", NULL, context->arena);
    if (context->empty)
        relation.filter = "false";
    else if (context->batch && event_time)
        relation.filter = tarn_model_batch_filter(context->batch, event_time, context->arena);
    return tarn_relation_value(call->heap, &relation);
}

static enum tarn_status ref(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    struct tarn_model_ref wanted;
    TARN_TRY(read_ref(call, &wanted, err));
    if (!context->execute) {
        if (context->node)
            tarn_model_add_ref(context->node, wanted);
        *ret = placeholder(call);
        return TARN_OK;
    }
    struct tarn_model_node *node;
    TARN_TRY(tarn_model_find_ref(context->project, context->package, &wanted, &node, err));
    char what[300];
    snprintf(what, sizeof what, "ref('%s')", wanted.name);
    TARN_TRY(check_known(context, node, what, err));
    context->referred = node;
    if (context->stand_ins)
        return stand_in(context, node, what, ret, err);
    if (tarn_node_is_ephemeral(node)) {
        bool seen = false;
        for (size_t i = 0; i < context->ctes.count && !seen; i++)
            seen = context->ctes.items[i] == node;
        if (!seen)
            tarn_model_nodes_add(&context->ctes, node);
        *ret = tarn_relation_cte(call->heap, node->name);
        return TARN_OK;
    }
    *ret = relation_of(call, node);
    return TARN_OK;
}

static enum tarn_status source(struct tarn_call *call, struct tarn_value *ret,
                               struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    if (call->arg_count != 2 || !tarn_value_is_string(call->args[0]) ||
        !tarn_value_is_string(call->args[1]))
        return tarn_fail(err, TARN_CONFIG,
                         "source() takes two texts: the source's name and the table's name");
    struct tarn_arena *arena = context->execute ? context->arena : context->project->arena;
    struct tarn_text name = tarn_value_text(call->args[0]), table = tarn_value_text(call->args[1]);
    struct tarn_model_source_ref wanted = {tarn_arena_strndup(arena, name.data, name.len),
                                           tarn_arena_strndup(arena, table.data, table.len)};
    if (!context->execute) {
        if (context->node)
            tarn_model_add_source_ref(context->node, wanted);
        *ret = placeholder(call);
        return TARN_OK;
    }
    struct tarn_model_node *node;
    TARN_TRY(tarn_model_find_source(context->project, &wanted, &node, err));
    context->referred = node;
    if (context->stand_ins) {
        char what[600];
        snprintf(what, sizeof what, "source('%s', '%s')", wanted.source, wanted.table);
        return stand_in(context, node, what, ret, err);
    }
    *ret = relation_of(call, node);
    return TARN_OK;
}

static enum tarn_status doc(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_model_project *project = CONTEXT(call)->project;
    if (call->arg_count < 1 || call->arg_count > 2)
        return tarn_fail(err, TARN_CONFIG, "doc() takes the name of a docs block");
    const char *name = tarn_context_text(call, call->args[call->arg_count - 1]);
    const char *full = name;
    if (call->arg_count == 2)
        full = tarn_value_cstr(call->heap,
                               tarn_value_format(call->heap, "%s.%s",
                                                 tarn_value_cstr(call->heap, call->args[0]), name));
    const struct tarn_model_docs *docs = tarn_name_map_get(&project->docs, full ? full : "");
    if (!docs) {
        const char *nearest = tarn_name_map_nearest(&project->docs, full ? full : "");
        return tarn_fail(err, TARN_CONFIG, "there is no docs block '%s'%s%s%s", full ? full : "",
                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : "");
    }
    *ret = tarn_value_str_ref(docs->contents);
    return TARN_OK;
}

/* --- var, env_var */

static enum tarn_status var(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    static const char *const names[] = {"name", "default", NULL};
    struct tarn_value v[2];
    TARN_TRY(tarn_call_bind(call, names, 1, v, err));
    struct tarn_model_context *context = CONTEXT(call);
    const char *name = tarn_context_text(call, v[0]);
    if (context->stand_ins &&
        tarn_context_override(context->stand_ins->vars, tarn_text_of(name ? name : ""), ret))
        return TARN_OK;
    *ret = tarn_model_var(context->project, context->package, name ? name : "");
    if (ret->kind != TARN_VALUE_UNDEFINED)
        return TARN_OK;
    *ret = v[1].kind == TARN_VALUE_UNDEFINED ? TARN_NONE : v[1];
    if (v[1].kind != TARN_VALUE_UNDEFINED || !context->execute)
        return TARN_OK;
    return tarn_fail(err, TARN_CONFIG,
                     "the var '%s' is not set; give it under `vars:` in dbt_project.yml, with "
                     "--vars '{%s: ...}', or as var('%s', default)",
                     name, name, name);
}

static enum tarn_status has_var(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    (void)err;
    const char *name = tarn_context_text(call, tarn_call_arg(call, 0, "var_name"));
    *ret = tarn_value_bool(
        tarn_model_var(CONTEXT(call)->project, CONTEXT(call)->package, name ? name : "").kind !=
        TARN_VALUE_UNDEFINED);
    return TARN_OK;
}

static enum tarn_status env_var(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    static const char *const names[] = {"var", "default", NULL};
    struct tarn_value v[2];
    TARN_TRY(tarn_call_bind(call, names, 1, v, err));
    const char *name = tarn_context_text(call, v[0]);
    const char *text = name ? getenv(name) : NULL;
    const struct tarn_model_stand_ins *stand_ins = CONTEXT(call)->stand_ins;
    if (stand_ins && name && tarn_context_override(stand_ins->env_vars, tarn_text_of(name), ret))
        *ret = tarn_value_to_string(call->heap, *ret);
    else if (text)
        *ret = tarn_value_str(call->heap, text);
    else if (v[1].kind != TARN_VALUE_UNDEFINED)
        *ret = v[1];
    else
        return tarn_fail(err, TARN_CONFIG,
                         "the environment variable '%s' is not set and env_var() has no default",
                         name ? name : "");
    return TARN_OK;
}

/* --- running SQL from a template */

enum tarn_status tarn_context_query(struct tarn_model_context *context, const char *sql,
                                    struct tarn_value *ret_table, struct tarn_error *err)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    if (!context->world)
        return tarn_fail(err, TARN_CONFIG, "SQL cannot run here: there is no connection");
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    /* several statements in one text: only run them; templates ask for rows of a single one */
    struct tarn_error first = {0};
    if (tarn_session_query(context->world->session, sql, NULL, 0, &result, &first) == TARN_OK)
        return tarn_table_read(heap, result, ret_table, err);
    if (strchr(sql, ';') && tarn_session_run(context->world->session, sql, NULL, err) == TARN_OK) {
        *ret_table = tarn_table_empty(heap);
        return TARN_OK;
    }
    if (err)
        *err = first;
    return first.status;
}

static void keep_result(struct tarn_call *call, struct tarn_value name, struct tarn_value table)
{
    struct tarn_value entry = tarn_value_dict(call->heap);
    tarn_dict_put_str(entry, "response", tarn_value_str_ref("OK"));
    tarn_dict_put_str(entry, "table", table);
    tarn_dict_put_str(entry, "data", tarn_table_data(table));
    tarn_dict_put(CONTEXT(call)->statements, name, entry);
}

static enum tarn_status statement(struct tarn_call *call, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    struct tarn_value name = tarn_call_arg(call, 0, "name");
    struct tarn_value caller = tarn_call_arg(call, 99, "caller"), text, table;
    *ret = tarn_value_str_ref("");
    if (!CONTEXT(call)->execute || caller.kind == TARN_VALUE_UNDEFINED)
        return TARN_OK;
    TARN_TRY(tarn_value_call(call->run, caller, NULL, 0, NULL, 0, &text, err));
    TARN_TRY(tarn_context_query(CONTEXT(call), tarn_value_cstr(call->heap, text), &table, err));
    if (!tarn_value_is_nothing(name))
        keep_result(call, name, table);
    return TARN_OK;
}

static enum tarn_status run_query(struct tarn_call *call, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    *ret = TARN_NONE;
    if (!CONTEXT(call)->execute)
        return TARN_OK;
    const char *sql = tarn_context_text(call, tarn_call_arg(call, 0, "sql"));
    TARN_TRY(tarn_context_query(CONTEXT(call), sql ? sql : "", ret, err));
    keep_result(call, tarn_value_str_ref("run_query_statement"), *ret);
    return TARN_OK;
}

static enum tarn_status load_result(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)err;
    struct tarn_value found =
        tarn_dict_get(CONTEXT(call)->statements, tarn_call_arg(call, 0, "name"));
    *ret = found.kind == TARN_VALUE_UNDEFINED ? TARN_NONE : found;
    return TARN_OK;
}

static enum tarn_status store_result(struct tarn_call *call, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    (void)err;
    struct tarn_value table = tarn_call_arg(call, 2, "agate_table");
    if (table.kind == TARN_VALUE_UNDEFINED)
        table = TARN_NONE;
    keep_result(call, tarn_call_arg(call, 0, "name"), table);
    *ret = tarn_value_str_ref("");
    return TARN_OK;
}

static enum tarn_status is_incremental(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    struct tarn_model_context *context = CONTEXT(call);
    const struct tarn_model_node *node = context->node;
    *ret = TARN_FALSE;
    if (!context->execute || !context->world || !node || context->stand_ins ||
        strcmp(tarn_node_materialized(node), "incremental") != 0 ||
        tarn_node_config_bool(node, "full_refresh", context->project->full_refresh))
        return TARN_OK;
    enum tarn_lake_kind kind;
    TARN_TRY(tarn_lake_kind_of(context->world->lake, node->schema, node->alias, &kind, err));
    *ret = tarn_value_bool(kind == TARN_LAKE_TABLE);
    return TARN_OK;
}

/* --- text, output */

static enum tarn_status log_line(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)err;
    struct tarn_model_context *context = CONTEXT(call);
    const char *text = tarn_context_text(call, tarn_call_arg(call, 0, "msg"));
    bool info = tarn_value_truth(tarn_call_arg(call, 1, "info"));
    *ret = tarn_value_str_ref("");
    if (info && context->execute && context->world)
        tarn_progress_say(context->world->progress, "%s", text ? text : "None");
    else
        tarn_log(info ? TARN_LOG_INFO : TARN_LOG_DEBUG, text ? text : "None",
                 TARN_LOG_STR("node", context->node ? context->node->unique_id : ""));
    return TARN_OK;
}

static enum tarn_status print(struct tarn_call *call, struct tarn_value *ret,
                              struct tarn_error *err)
{
    (void)err;
    const char *text = tarn_context_text(call, tarn_call_arg(call, 0, "msg"));
    *ret = tarn_value_str_ref("");
    if (CONTEXT(call)->execute && CONTEXT(call)->world)
        tarn_progress_say(CONTEXT(call)->world->progress, "%s", text ? text : "None");
    return TARN_OK;
}

static enum tarn_status render(struct tarn_call *call, struct tarn_value *ret,
                               struct tarn_error *err)
{
    TARN_BUFFER(out, TEXT_BYTES_MAX);
    struct tarn_value text = tarn_call_arg(call, 0, "text");
    TARN_TRY(
        tarn_model_render_text(CONTEXT(call), "render()", 1, tarn_value_text(text), &out, err));
    *ret = tarn_value_text_copy(call->heap, tarn_buffer_text(&out));
    return TARN_OK;
}

static enum tarn_status tojson(struct tarn_call *call, struct tarn_value *ret,
                               struct tarn_error *err)
{
    TARN_BUFFER(out, TEXT_BYTES_MAX);
    struct tarn_value fallback = tarn_call_arg(call, 1, "default");
    struct tarn_value_json_options options = {
        .sort_keys = tarn_value_truth(tarn_call_arg(call, 2, "sort_keys"))};
    enum tarn_status status =
        tarn_value_to_json(tarn_call_arg(call, 0, "value"), &options, &out, err);
    if (status != TARN_OK && fallback.kind != TARN_VALUE_UNDEFINED) {
        *ret = fallback;
        return TARN_OK;
    }
    *ret = tarn_value_text_copy(call->heap, tarn_buffer_text(&out));
    return status;
}

static enum tarn_status fromjson(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)err;
    struct tarn_error bad;
    struct tarn_value fallback = tarn_call_arg(call, 1, "default");
    if (tarn_value_from_json(call->heap, tarn_value_text(tarn_call_arg(call, 0, "string")), ret,
                             &bad) != TARN_OK)
        *ret = fallback.kind == TARN_VALUE_UNDEFINED ? TARN_NONE : fallback;
    return TARN_OK;
}

static enum tarn_status fromyaml(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)err;
    struct tarn_error bad;
    struct tarn_value fallback = tarn_call_arg(call, 1, "default");
    const struct tarn_yaml *yaml;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    if (tarn_yaml_parse(tarn_value_text(tarn_call_arg(call, 0, "value")), "fromyaml()", 1, arena,
                        &yaml, &bad) != TARN_OK ||
        tarn_model_yaml_value(NULL, call->heap, yaml, NULL, ret, &bad) != TARN_OK)
        *ret = fallback.kind == TARN_VALUE_UNDEFINED ? TARN_NONE : fallback;
    return TARN_OK;
}

static enum tarn_status local_md5(struct tarn_call *call, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    struct tarn_text text = tarn_value_text(tarn_call_arg(call, 0, "value"));
    char hex[TARN_MD5_HEX_BYTES];
    *ret = tarn_value_str(call->heap, tarn_md5_hex(text, hex));
    (void)err;
    return TARN_OK;
}

char *tarn_md5_hex(struct tarn_text text, char out[TARN_MD5_HEX_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int done = EVP_Digest(text.len ? text.data : "", text.len, digest, &len, EVP_md5(), NULL);
    for (unsigned i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", done && i < len ? digest[i] : 0);
    return out;
}

/* --- containers */

static enum tarn_status make_set(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    struct tarn_value list, fallback = tarn_call_arg(call, 1, "default");
    struct tarn_error bad;
    bool strict = strcmp(call->name, "set_strict") == 0;
    if (tarn_value_to_list(call->heap, tarn_call_arg(call, 0, "value"), &list, &bad) != TARN_OK) {
        if (strict)
            return tarn_fail(err, TARN_INVALID, "%s", bad.text);
        *ret = fallback.kind == TARN_VALUE_UNDEFINED ? TARN_NONE : fallback;
        return TARN_OK;
    }
    *ret = tarn_value_set(call->heap);
    for (size_t i = 0; i < tarn_list_count(list); i++)
        tarn_dict_put(*ret, tarn_list_at(list, i), TARN_TRUE);
    return TARN_OK;
}

static enum tarn_status zip(struct tarn_call *call, struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_value lists[16], row[16];
    size_t shortest = SIZE_MAX;
    if (call->arg_count == 0 || call->arg_count > TARN_COUNT(lists))
        return tarn_fail(err, TARN_INVALID, "zip() takes 1 to 16 lists");
    for (size_t i = 0; i < call->arg_count; i++) {
        TARN_TRY(tarn_value_to_list(call->heap, call->args[i], &lists[i], err));
        size_t count = tarn_list_count(lists[i]);
        shortest = count < shortest ? count : shortest;
    }
    *ret = tarn_value_list(call->heap);
    for (size_t r = 0; r < shortest; r++) {
        for (size_t i = 0; i < call->arg_count; i++)
            row[i] = tarn_list_at(lists[i], r);
        tarn_list_append(*ret, tarn_value_tuple(call->heap, row, call->arg_count));
    }
    return TARN_OK;
}

static enum tarn_status diff_of_two_dicts(struct tarn_call *call, struct tarn_value *ret,
                                          struct tarn_error *err)
{
    (void)err;
    struct tarn_value a = tarn_call_arg(call, 0, "dict_a"), b = tarn_call_arg(call, 1, "dict_b");
    struct tarn_value key, value;
    *ret = tarn_value_dict(call->heap);
    for (size_t i = 0; tarn_value_is(a, TARN_VALUE_DICT) && i < tarn_dict_count(a); i++) {
        tarn_dict_at(a, i, &key, &value);
        struct tarn_value other =
            tarn_value_is(b, TARN_VALUE_DICT) ? tarn_dict_get(b, key) : TARN_UNDEFINED;
        struct tarn_value missing = tarn_value_list(call->heap);
        for (size_t k = 0; tarn_value_is(value, TARN_VALUE_LIST) && k < tarn_list_count(value);
             k++) {
            bool found = false;
            for (size_t m = 0; tarn_value_is(other, TARN_VALUE_LIST) && m < tarn_list_count(other);
                 m++)
                found = found || tarn_value_equal(tarn_list_at(value, k), tarn_list_at(other, m));
            if (!found)
                tarn_list_append(missing, tarn_list_at(value, k));
        }
        if (tarn_list_count(missing) > 0)
            tarn_dict_put(*ret, key, missing);
    }
    return TARN_OK;
}

static enum tarn_status try_or_compiler_error(struct tarn_call *call, struct tarn_value *ret,
                                              struct tarn_error *err)
{
    struct tarn_error bad = {0};
    if (call->arg_count < 2)
        return tarn_fail(err, TARN_INVALID, "try_or_compiler_error() takes a text and a function");
    if (tarn_value_call(call->run, call->args[1], call->args + 2, call->arg_count - 2, call->kwargs,
                        call->kwarg_count, ret, &bad) != TARN_OK)
        return tarn_fail(err, TARN_CONFIG, "%s", tarn_value_cstr(call->heap, call->args[0]));
    return TARN_OK;
}

static enum tarn_status empty_text(struct tarn_call *call, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = tarn_value_str_ref("");
    return TARN_OK;
}

static const struct tarn_object_method functions[] = {
    {"ref", ref},
    {"source", source},
    {"doc", doc},
    {"env_var", env_var},
    {"statement", statement},
    {"run_query", run_query},
    {"load_result", load_result},
    {"store_result", store_result},
    {"store_raw_result", store_result},
    {"is_incremental", is_incremental},
    {"log", log_line},
    {"print", print},
    {"render", render},
    {"tojson", tojson},
    {"fromjson", fromjson},
    {"toyaml", tojson}, /* JSON is YAML */
    {"fromyaml", fromyaml},
    {"local_md5", local_md5},
    {"set", make_set},
    {"set_strict", make_set},
    {"zip", zip},
    {"zip_strict", zip},
    {"diff_of_two_dicts", diff_of_two_dicts},
    {"try_or_compiler_error", try_or_compiler_error},
    {"write", empty_text},
    {"debug", empty_text},
    {"persist_docs", empty_text},
    {"apply_grants", empty_text},
    {NULL, NULL},
};

static const struct tarn_object_method var_methods[] = {{"has_var", has_var}, {NULL, NULL}};
static const struct tarn_object_type var_type = {
    .name = "Var", .call = var, .methods = var_methods};

bool tarn_context_function(struct tarn_model_context *context, struct tarn_text name,
                           struct tarn_value *ret)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    if (tarn_text_is(name, "var")) {
        *ret = tarn_value_object(heap, &var_type, context);
        return true;
    }
    for (size_t i = 0; functions[i].name; i++) {
        if (tarn_text_is(name, functions[i].name)) {
            *ret = tarn_value_function(heap, functions[i].name, functions[i].fn, context);
            return true;
        }
    }
    return false;
}
