/* model/context.c -- see context.h: the names a template sees and where each one comes from. */
#include "model/context_int.h"

#include "base/clock.h"

#include "model/project.h"
#include "model/relation.h"

/* --- unit tests */

bool tarn_context_override(struct tarn_value overrides, struct tarn_text name,
                           struct tarn_value *ret)
{
    if (!tarn_value_is(overrides, TARN_VALUE_DICT))
        return false;
    struct tarn_value value = tarn_dict_get_text(overrides, name);
    if (value.kind == TARN_VALUE_UNDEFINED)
        return false;
    *ret = value;
    return true;
}

bool tarn_context_fixture(struct tarn_model_context *context, const struct tarn_model_node *node,
                          struct tarn_value *ret)
{
    for (size_t i = 0; context->stand_ins && i < context->stand_ins->count; i++) {
        if (context->stand_ins->fixtures[i].node != node)
            continue;
        *ret = tarn_relation_cte(tarn_model_context_heap(context),
                                 context->stand_ins->fixtures[i].name);
        return true;
    }
    return false;
}

/* A macro whose result a unit test says. */
static enum tarn_status call_overridden(struct tarn_call *call, struct tarn_value *ret,
                                        struct tarn_error *err)
{
    (void)err;
    *ret = *(const struct tarn_value *)call->userdata;
    return TARN_OK;
}

static bool overridden_macro(struct tarn_model_context *context, struct tarn_text name,
                             struct tarn_value *ret)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    struct tarn_value value;
    if (!context->stand_ins || !tarn_context_override(context->stand_ins->macros, name, &value))
        return false;
    struct tarn_value *kept = tarn_heap_alloc(heap, sizeof *kept);
    *kept = value;
    *ret = tarn_value_function(heap, "overridden macro", call_overridden, kept);
    return true;
}

/* --- names that are values */

static struct tarn_value target_value(struct tarn_heap *heap,
                                      const struct tarn_model_target *target)
{
    struct tarn_value dict = tarn_value_dict(heap), key, value;
    if (tarn_value_is(target->extra, TARN_VALUE_DICT)) {
        for (size_t i = 0; i < tarn_dict_count(target->extra); i++) {
            tarn_dict_at(target->extra, i, &key, &value);
            tarn_dict_put(dict, key, value);
        }
    }
    tarn_dict_put_str(dict, "name", tarn_value_str_ref(target->name));
    tarn_dict_put_str(dict, "target_name", tarn_value_str_ref(target->name));
    tarn_dict_put_str(dict, "profile_name", tarn_value_str_ref(target->profile_name));
    tarn_dict_put_str(dict, "schema", tarn_value_str_ref(target->schema));
    tarn_dict_put_str(dict, "database", tarn_value_str_ref(target->database));
    tarn_dict_put_str(dict, "dbname", tarn_value_str_ref(target->database));
    tarn_dict_put_str(dict, "type", tarn_value_str_ref(target->type));
    tarn_dict_put_str(dict, "threads", tarn_value_int(target->threads ? target->threads : 1));
    return dict;
}

static void add_to_graph(struct tarn_heap *heap, struct tarn_value graph,
                         const struct tarn_model_node *node)
{
    if (node->kind == TARN_NODE_UNIT_TEST)
        return; /* dbt has none there */
    const char *section = node->kind == TARN_NODE_SOURCE     ? "sources"
                          : node->kind == TARN_NODE_EXPOSURE ? "exposures"
                                                             : "nodes";
    tarn_dict_put_str(tarn_dict_get_str(graph, section), node->unique_id,
                      tarn_model_node_value(heap, node));
}

/* dbt's `graph`: empty while parsing, as the nodes are not all known. Made once, in the project's
 * heap, which nobody else writes to while nodes run. */
static struct tarn_value graph_value(struct tarn_model_context *context)
{
    static const char *const sections[] = {"nodes",           "sources", "exposures",    "metrics",
                                           "semantic_models", "groups",  "saved_queries"};
    struct tarn_model_project *project = context->project;
    struct tarn_heap *heap = context->execute ? project->heap : tarn_model_context_heap(context);
    pthread_mutex_lock(&project->graph_lock);
    struct tarn_value graph = project->graph;
    if (!context->execute || !tarn_value_is(graph, TARN_VALUE_DICT)) {
        graph = tarn_value_dict(heap);
        for (size_t i = 0; i < TARN_COUNT(sections); i++)
            tarn_dict_put_str(graph, sections[i], tarn_value_dict(heap));
        for (size_t i = 0; context->execute && i < project->nodes.count; i++)
            add_to_graph(heap, graph, project->nodes.items[i]);
        if (context->execute)
            project->graph = graph;
    }
    pthread_mutex_unlock(&project->graph_lock);
    return graph;
}

static struct tarn_value selected_value(struct tarn_model_context *context)
{
    struct tarn_value list = tarn_value_list(tarn_model_context_heap(context));
    for (size_t i = 0; context->selected && i < context->selected->count; i++)
        tarn_list_append(list, tarn_value_str_ref(context->selected->items[i]->unique_id));
    return list;
}

static struct tarn_value node_hooks(struct tarn_model_context *context, const char *key)
{
    struct tarn_value hooks = context->node ? tarn_node_config(context->node, key) : TARN_UNDEFINED;
    return tarn_value_is(hooks, TARN_VALUE_LIST)
               ? hooks
               : tarn_value_list(tarn_model_context_heap(context));
}

static struct tarn_value this_value(struct tarn_model_context *context)
{
    struct tarn_value given;
    if (!context->node)
        return TARN_NONE;
    context->referred = context->node;
    if (tarn_context_fixture(context, context->node, &given))
        return given;
    struct tarn_relation relation = tarn_relation_of_node(context->node);
    return tarn_relation_value(tarn_model_context_heap(context), &relation);
}

/* context['name'] and context.get('name'): whatever the template itself would see. */
static bool context_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                        struct tarn_value *ret)
{
    struct tarn_model_context *context = self;
    *ret = tarn_template_run_get(context->run,
                                 tarn_value_cstr(heap, tarn_value_text_copy(heap, name)));
    return ret->kind != TARN_VALUE_UNDEFINED;
}

static enum tarn_status context_get_call(struct tarn_call *call, struct tarn_value *ret,
                                         struct tarn_error *err)
{
    (void)err;
    struct tarn_text name = tarn_value_text(tarn_call_arg(call, 0, "key"));
    if (!context_get(call->heap, call->userdata, name, ret)) {
        *ret = tarn_call_arg(call, 1, "default");
        if (ret->kind == TARN_VALUE_UNDEFINED)
            *ret = TARN_NONE;
    }
    return TARN_OK;
}

static bool context_contains(void *self, struct tarn_value item)
{
    struct tarn_value ignored;
    return context_get(tarn_model_context_heap(self), self, tarn_value_text(item), &ignored);
}

static const struct tarn_object_method context_methods[] = {{"get", context_get_call},
                                                            {NULL, NULL}};
static const struct tarn_object_type context_type = {
    .name = "dict", .get = context_get, .methods = context_methods, .contains = context_contains};

static struct tarn_value builtins_value(struct tarn_model_context *context)
{
    static const char *const names[] = {"ref", "source", "var", "env_var"};
    struct tarn_value dict = tarn_value_dict(tarn_model_context_heap(context)), value;
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        if (tarn_context_function(context, tarn_text_of(names[i]), &value))
            tarn_dict_put_str(dict, names[i], value);
    tarn_dict_put_str(dict, "config", tarn_context_config(context));
    return dict;
}

static struct tarn_value model_value(struct tarn_model_context *context)
{
    if (!context->node)
        return TARN_NONE;
    struct tarn_heap *heap = tarn_model_context_heap(context);
    struct tarn_value model = tarn_model_node_value(heap, context->node);
    if (context->batch) {
        struct tarn_value batch = tarn_value_dict(heap);
        char id[TARN_TIME_TEXT_BYTES];
        tarn_dict_put_str(batch, "id",
                          tarn_value_str(heap, tarn_time_format(context->batch->start_us, id)));
        tarn_dict_put_str(batch, "event_time_start",
                          tarn_value_datetime(heap, context->batch->start_us, true));
        tarn_dict_put_str(batch, "event_time_end",
                          tarn_value_datetime(heap, context->batch->end_us, true));
        tarn_dict_put_str(model, "batch", batch);
    }
    return model;
}

static struct tarn_value started_value(struct tarn_model_context *context)
{
    return tarn_value_datetime(tarn_model_context_heap(context), context->project->started_us,
                               true);
}

static bool plain_value(struct tarn_model_context *context, struct tarn_text name,
                        struct tarn_value *ret)
{
    const struct tarn_model_project *project = context->project;
    const struct tarn_model_node *node = context->node;
    if (tarn_text_is(name, "execute"))
        *ret = tarn_value_bool(context->execute);
    else if (tarn_text_is(name, "project_name"))
        *ret = tarn_value_str_ref(project->name);
    else if (tarn_text_is(name, "invocation_id"))
        *ret = tarn_value_str_ref(project->invocation_id);
    else if (tarn_text_is(name, "dbt_version"))
        *ret = tarn_value_str_ref("1.10.0");
    else if (tarn_text_is(name, "thread_id"))
        *ret = tarn_value_str_ref("Thread-1");
    else if (tarn_text_is(name, "schema"))
        *ret = tarn_value_str_ref(node ? node->schema : project->target.schema);
    else if (tarn_text_is(name, "database"))
        *ret = tarn_value_str_ref(node ? node->database : project->target.database);
    else if (tarn_text_is(name, "flags"))
        *ret = project->flags;
    else if (tarn_text_is(name, "schemas") || tarn_text_is(name, "database_schemas"))
        *ret = tarn_value_list(tarn_model_context_heap(context));
    else if (tarn_text_is(name, "results"))
        *ret = context->results;
    else
        return false;
    return true;
}

static bool made_value(struct tarn_model_context *context, struct tarn_text name,
                       struct tarn_value *ret)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    if (tarn_text_is(name, "target") || tarn_text_is(name, "env"))
        *ret = target_value(heap, &context->project->target);
    else if (tarn_text_is(name, "config"))
        *ret = tarn_context_config(context);
    else if (tarn_text_is(name, "adapter"))
        *ret = tarn_context_adapter(context);
    else if (tarn_text_is(name, "exceptions"))
        *ret = tarn_context_exceptions(context);
    else if (tarn_text_is(name, "api"))
        *ret = tarn_relation_api(heap);
    else if (tarn_text_is(name, "this"))
        *ret = this_value(context);
    else if (tarn_text_is(name, "model"))
        *ret = model_value(context);
    else if (tarn_text_is(name, "graph"))
        *ret = graph_value(context);
    else if (tarn_text_is(name, "modules"))
        *ret = tarn_template_modules(heap);
    else if (tarn_text_is(name, "run_started_at"))
        *ret = started_value(context);
    else if (tarn_text_is(name, "builtins"))
        *ret = builtins_value(context);
    else if (tarn_text_is(name, "context"))
        *ret = tarn_value_object(heap, &context_type, context);
    else if (tarn_text_is(name, "selected_resources"))
        *ret = selected_value(context);
    else if (tarn_text_is(name, "pre_hooks"))
        *ret = node_hooks(context, "pre-hook");
    else if (tarn_text_is(name, "post_hooks"))
        *ret = node_hooks(context, "post-hook");
    else
        return false;
    return true;
}

/* --- macros */

bool tarn_context_macro(struct tarn_model_context *context, const struct tarn_model_macro *macro,
                        struct tarn_value *ret)
{
    if (!macro || !tarn_template_macro_value(context->run, macro->tmpl, macro->name, ret))
        return false;
    if (!context->execute && context->node)
        tarn_model_add_macro(context->node, macro);
    return true;
}

struct namespace
{
    struct tarn_model_context *context;
    const struct tarn_model_package *package;
};

/* dbt_utils.star, dbt.type_string: the macros of a package by its name. */
static bool namespace_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                          struct tarn_value *ret)
{
    struct namespace *ns = self;
    TARN_BUFFER(full, 4096);
    (void)heap;
    tarn_buffer_printf(&full, "%s.%.*s", ns->package->name, TARN_TEXT_ARGS(name));
    if (overridden_macro(ns->context, tarn_buffer_text(&full), ret))
        return true;
    const struct tarn_model_macro *macro =
        tarn_name_map_get(&ns->context->project->macro_by_name, tarn_buffer_str(&full));
    if (tarn_context_macro(ns->context, macro, ret))
        return true;
    return ns->package->is_built_in && tarn_context_function(ns->context, name, ret);
}

static bool namespace_contains(void *self, struct tarn_value item)
{
    struct tarn_value ignored;
    return namespace_get(NULL, self, tarn_value_text(item), &ignored);
}

static const struct tarn_object_type namespace_type = {
    .name = "dict", .get = namespace_get, .contains = namespace_contains};

static bool package_value(struct tarn_model_context *context, struct tarn_text name,
                          struct tarn_value *ret)
{
    const struct tarn_model_package *package =
        tarn_name_map_get_text(&context->project->package_by_name, name);
    if (!package)
        return false;
    struct tarn_heap *heap = tarn_model_context_heap(context);
    struct namespace *ns = tarn_heap_alloc(heap, sizeof *ns);
    *ns = (struct namespace){context, package};
    *ret = tarn_value_object(heap, &namespace_type, ns);
    return true;
}

/* The project's own macros first: a project may replace anything, also ref. */
static bool resolve(void *userdata, struct tarn_template_run *run, struct tarn_text name,
                    struct tarn_value *ret)
{
    struct tarn_model_context *context = userdata;
    struct tarn_model_project *project = context->project;
    (void)run;
    if (overridden_macro(context, name, ret))
        return true;
    const struct tarn_model_macro *macro = tarn_name_map_get_text(&project->root_macros, name);
    if (tarn_context_macro(context, macro, ret))
        return true;
    if (tarn_context_function(context, name, ret) || plain_value(context, name, ret) ||
        made_value(context, name, ret))
        return true;
    if (memchr(name.data, '.', name.len) == NULL) {
        macro = tarn_name_map_get_text(&project->macro_by_name, name);
        if (tarn_context_macro(context, macro, ret))
            return true;
    }
    return package_value(context, name, ret);
}

/* --- life */

void tarn_model_context_init(struct tarn_model_context *context, struct tarn_model_project *project,
                             const struct tarn_model_world *world)
{
    *context = (struct tarn_model_context){.project = project, .world = world};
    context->arena = tarn_arena_new();
    struct tarn_template_run_options options = {
        .resolve = resolve,
        .userdata = context,
        .lenient_undefined = world == NULL,
    };
    context->run = tarn_template_run_new(&options);
    tarn_model_context_begin(context, NULL, false);
}

void tarn_model_context_release(struct tarn_model_context *context)
{
    tarn_template_run_free(context->run);
    tarn_arena_free(context->arena);
    free(context->ctes.items);
    *context = (struct tarn_model_context){0};
}

void tarn_model_context_begin(struct tarn_model_context *context, struct tarn_model_node *node,
                              bool execute)
{
    tarn_template_run_reset(context->run);
    tarn_arena_reset(context->arena);
    context->node = node;
    context->package = node ? node->package : context->project->packages[0];
    context->execute = execute;
    context->ctes.count = 0;
    context->statements = tarn_value_dict(tarn_template_run_heap(context->run));
    context->results = TARN_UNDEFINED;
}

struct tarn_heap *tarn_model_context_heap(struct tarn_model_context *context)
{
    return tarn_template_run_heap(context->run);
}

/* --- rendering */

enum tarn_status tarn_model_render_text(struct tarn_model_context *context, const char *name,
                                        unsigned first_line, struct tarn_text text,
                                        struct tarn_buffer *out, struct tarn_error *err)
{
    if (!tarn_template_has_tags(text)) {
        tarn_buffer_append_text(out, text);
        return tarn_buffer_check(out, name, err);
    }
    struct tarn_template_options options = {.hide_macros = true, .first_line = first_line};
    struct tarn_template *tmpl;
    TARN_TRY(tarn_template_parse(name, text, &options, &tmpl, err));
    enum tarn_status status = tarn_template_render(context->run, tmpl, out, err);
    tarn_template_free(tmpl);
    return status;
}

enum tarn_status tarn_model_render_native(struct tarn_model_context *context, const char *name,
                                          struct tarn_text text, struct tarn_value *ret_value,
                                          struct tarn_error *err)
{
    if (!tarn_template_has_tags(text)) {
        *ret_value = tarn_value_text_copy(tarn_model_context_heap(context), text);
        return TARN_OK;
    }
    struct tarn_template *tmpl;
    TARN_TRY(tarn_template_parse(name, text, NULL, &tmpl, err));
    enum tarn_status status = tarn_template_render_native(context->run, tmpl, ret_value, err);
    tarn_template_free(tmpl);
    return status;
}
