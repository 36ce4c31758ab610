/* model/generic_test.c -- see generic_test.h. */
#include "model/generic_test.h"

#include <ctype.h>
#include <stdlib.h>

#include "model/context_int.h"
#include "model/project.h"
#include "model/relation.h"

enum { NAME_BYTES_MAX = 1 << 20, SHORT_NAME_MAX = 63, ARGUMENTS_MAX = 64 };

/* Keys of a test that configure it instead of being handed to its macro. */
static const char *const config_keys[] = {
    "severity", "tags",     "enabled",   "where",          "limit",
    "warn_if",  "error_if", "fail_calc", "store_failures", "store_failures_as",
    "meta",     "database", "schema",    "alias",          "group"};

/* --- names */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted_keys(struct tarn_arena *arena, struct tarn_value dict, size_t *ret_count)
{
    size_t count = tarn_dict_count(dict);
    const char **keys = tarn_arena_array(arena, count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        struct tarn_value key, value;
        tarn_dict_at(dict, i, &key, &value);
        struct tarn_text text = tarn_value_text(key);
        keys[i] = tarn_arena_strndup(arena, text.data, text.len);
    }
    qsort(keys, count, sizeof *keys, compare_names);
    *ret_count = count;
    return keys;
}

/* Everything that is no letter, digit or underscore becomes one underscore. */
static void append_clean(struct tarn_buffer *out, struct tarn_value value, bool *first)
{
    TARN_BUFFER(text, NAME_BYTES_MAX);
    tarn_value_print(value, &text);
    tarn_buffer_append_str(out, *first ? "" : "__");
    *first = false;
    bool gap = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool word = c < 128 && (isalnum(c) || c == '_');
        if (word)
            tarn_buffer_append_char(out, (char)c);
        else if (!gap)
            tarn_buffer_append_char(out, '_');
        gap = !word;
    }
}

static void append_parts(struct tarn_buffer *out, struct tarn_value value, bool *first)
{
    struct tarn_value key, item;
    if (tarn_value_is(value, TARN_VALUE_DICT)) {
        for (size_t i = 0; i < tarn_dict_count(value); i++) {
            tarn_dict_at(value, i, &key, &item);
            append_clean(out, item, first);
        }
    } else if (tarn_value_is(value, TARN_VALUE_LIST)) {
        for (size_t i = 0; i < tarn_list_count(value); i++)
            append_clean(out, tarn_list_at(value, i), first);
    } else {
        append_clean(out, value, first);
    }
}

void tarn_model_test_names(struct tarn_arena *arena, const char *test, const char *on,
                           struct tarn_value kwargs, const char **ret_full, const char **ret_short)
{
    TARN_BUFFER(unique, NAME_BYTES_MAX);
    size_t count;
    bool first = true;
    const char **keys = sorted_keys(arena, kwargs, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i], "model") != 0)
            append_parts(&unique, tarn_dict_get_str(kwargs, keys[i]), &first);
    char *full = tarn_arena_format(arena, "%s_%s_%s", test, on, tarn_buffer_str(&unique));
    *ret_full = *ret_short = full;
    if (strlen(full) <= SHORT_NAME_MAX)
        return;
    char hex[TARN_MD5_HEX_BYTES];
    tarn_md5_hex(tarn_text_of(full), hex);
    char *identifier = tarn_arena_format(arena, "%s_%s", test, on);
    *ret_short = tarn_arena_format(arena, "%.30s_%s", identifier, hex);
}

/* The value with all scalars as text and keys sorted: what dbt hashes for the node's id. */
static struct tarn_value hashable(struct tarn_heap *heap, struct tarn_arena *arena,
                                  struct tarn_value value)
{
    if (tarn_value_is(value, TARN_VALUE_DICT)) {
        size_t count;
        const char **keys = sorted_keys(arena, value, &count);
        struct tarn_value dict = tarn_value_dict(heap);
        for (size_t i = 0; i < count; i++)
            tarn_dict_put_str(dict, keys[i],
                              hashable(heap, arena, tarn_dict_get_str(value, keys[i])));
        return dict;
    }
    if (tarn_value_is(value, TARN_VALUE_LIST)) {
        struct tarn_value list = tarn_value_list(heap);
        for (size_t i = 0; i < tarn_list_count(value); i++)
            tarn_list_append(list, hashable(heap, arena, tarn_list_at(value, i)));
        return list;
    }
    return tarn_value_to_string(heap, value);
}

static const char *id_hash(struct tarn_model_project *project, const struct tarn_model_node *node,
                           const char *full)
{
    char hex[TARN_MD5_HEX_BYTES];
    struct tarn_value metadata = tarn_value_dict(project->heap);
    tarn_dict_put_str(metadata, "namespace", tarn_value_str_ref(node->test_namespace));
    tarn_dict_put_str(metadata, "name", tarn_value_str_ref(node->test_name));
    tarn_dict_put_str(metadata, "kwargs", node->kwargs);
    TARN_BUFFER(text, NAME_BYTES_MAX);
    tarn_buffer_append_str(&text, full);
    tarn_value_print_repr(hashable(project->heap, project->arena, metadata), &text);
    tarn_md5_hex(tarn_buffer_text(&text), hex);
    return tarn_arena_strdup(project->arena, hex + 22);
}

/* --- reading a declaration */

struct declaration {
    struct tarn_model_context *context;
    struct tarn_model_node *on;
    const char *column; /* NULL for a test of the whole table */
    const struct tarn_yaml *yaml;
    const char *test; /* "dbt_utils.accepted_range" */
    struct tarn_value kwargs, config;
    const char *name; /* given by hand, or NULL */
    const char *description;
};

static bool is_config_key(const char *key)
{
    for (size_t i = 0; i < TARN_COUNT(config_keys); i++)
        if (strcmp(config_keys[i], key) == 0)
            return true;
    return false;
}

static enum tarn_status read_arguments(struct declaration *d, const struct tarn_yaml *map,
                                       struct tarn_error *err)
{
    struct tarn_model_project *project = d->context->project;
    struct tarn_value value;
    for (size_t i = 0; i < map->count; i++) {
        const char *key = tarn_yaml_key(map, i);
        const struct tarn_yaml *item = map->items[i];
        if (strcmp(key, "test_name") == 0 || strcmp(key, "column_name") == 0)
            continue;
        if (strcmp(key, "name") == 0 || strcmp(key, "description") == 0) {
            if (item->text && *key == 'n')
                d->name = item->text;
            else if (item->text)
                d->description = item->text;
            continue;
        }
        if (strcmp(key, "arguments") == 0 && item->kind == TARN_YAML_MAP) {
            TARN_TRY(read_arguments(d, item, err));
            continue;
        }
        bool config = is_config_key(key) || strcmp(key, "config") == 0;
        TARN_TRY(tarn_model_yaml_value(config ? d->context : NULL, project->heap, item, NULL,
                                       &value, err));
        if (strcmp(key, "config") == 0)
            tarn_model_config_merge(project->heap, d->config, value);
        else if (config)
            tarn_dict_put_str(d->config, key, value);
        else
            tarn_dict_put_str(d->kwargs, key, value);
    }
    return TARN_OK;
}

/* `unique`, `unique: {..}`, `{test_name: unique, ..}` */
static enum tarn_status read_declaration(struct declaration *d, struct tarn_error *err)
{
    const struct tarn_yaml *yaml = d->yaml, *arguments = NULL;
    d->kwargs = tarn_value_dict(d->context->project->heap);
    d->config = tarn_value_dict(d->context->project->heap);
    if (d->column)
        tarn_dict_put_str(d->kwargs, "column_name", tarn_value_str_ref(d->column));
    if (yaml->kind == TARN_YAML_STRING) {
        d->test = yaml->text;
        return TARN_OK;
    }
    if (yaml->kind != TARN_YAML_MAP || yaml->count == 0)
        return tarn_yaml_fail(yaml, err,
                              "a test is a name (unique) or a map (accepted_values: {values: "
                              "[...]}), not %s",
                              tarn_yaml_kind_name(yaml->kind));
    const struct tarn_yaml *named = tarn_yaml_get(yaml, "test_name");
    if (named) {
        if (!named->text)
            return tarn_yaml_fail(named, err, "test_name is text");
        d->test = named->text;
        arguments = yaml;
    } else {
        if (yaml->count != 1)
            return tarn_yaml_fail(yaml, err,
                                  "the test '%s' stands beside the key '%s'; a test is a map with "
                                  "one key: indent what belongs to it",
                                  tarn_yaml_key(yaml, 0), tarn_yaml_key(yaml, 1));
        d->test = tarn_yaml_key(yaml, 0);
        arguments = yaml->items[0];
    }
    if (arguments->kind == TARN_YAML_NULL)
        return TARN_OK;
    if (arguments->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(arguments, err, "the arguments of the test '%s' are a map, not %s",
                              d->test, tarn_yaml_kind_name(arguments->kind));
    return read_arguments(d, arguments, err);
}

static const char *call_on(struct tarn_arena *arena, const struct tarn_model_node *on)
{
    if (on->kind == TARN_NODE_SOURCE)
        return tarn_arena_format(arena, "source('%s', '%s')", on->source_name, on->name);
    if (on->version)
        return tarn_arena_format(arena, "ref('%s', version='%s')", on->name, on->version);
    return tarn_arena_format(arena, "ref('%s')", on->name);
}

const struct tarn_model_macro *tarn_model_test_macro(const struct tarn_model_project *project,
                                                     const struct tarn_model_node *test)
{
    TARN_AUTO_FREE char *name =
        tarn_format("%s%stest_%s", test->test_namespace ? test->test_namespace : "",
                    test->test_namespace ? "." : "", test->test_name);
    return tarn_name_map_get(&project->macro_by_name, name);
}

static enum tarn_status fail_unknown(const struct declaration *d, struct tarn_model_node *node,
                                     struct tarn_error *err)
{
    struct tarn_model_project *project = d->context->project;
    TARN_AUTO(tarn_name_map_release) struct tarn_name_map names = {0};
    for (size_t i = 0; i < project->macro_count; i++)
        if (strncmp(project->macros[i]->name, "test_", 5) == 0)
            tarn_name_map_put(&names, project->macros[i]->name + 5, project->macros[i]);
    const char *nearest = tarn_name_map_nearest(&names, node->test_name);
    if (node->test_namespace && !tarn_name_map_get(&project->package_by_name, node->test_namespace))
        return tarn_yaml_fail(d->yaml, err,
                              "the test '%s' is in the package '%s', which is not installed in "
                              "dbt_packages",
                              d->test, node->test_namespace);
    return tarn_yaml_fail(d->yaml, err,
                          "there is no generic test '%s'%s%s%s; tests are macros "
                          "written {%% test %s(model, column_name) %%}",
                          d->test, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                          nearest ? "'?" : "", node->test_name);
}

static void describe(struct declaration *d, struct tarn_model_node *node)
{
    struct tarn_model_project *project = d->context->project;
    const char *full, *brief, *prefix = d->on->kind == TARN_NODE_SOURCE ? "source_" : "";
    const char *test = d->test;
    const char *dot = strchr(test, '.');
    if (dot) {
        node->test_namespace = tarn_arena_strndup(project->arena, test, (size_t)(dot - test));
        test = dot + 1;
    }
    node->test_name = test;
    const char *shown = tarn_arena_format(project->arena, "%s%s%s%s",
                                          node->test_namespace ? node->test_namespace : "",
                                          node->test_namespace ? "_" : "", prefix, test);
    const char *on =
        d->on->kind == TARN_NODE_SOURCE
            ? tarn_arena_format(project->arena, "%s_%s", d->on->source_name, d->on->name)
        : d->on->version ? tarn_arena_format(project->arena, "%s_v%s", d->on->name, d->on->version)
                         : d->on->name;
    tarn_model_test_names(project->arena, shown, on, d->kwargs, &full, &brief);
    if (d->name)
        full = brief = d->name;
    tarn_dict_put_str(
        d->kwargs, "model",
        tarn_value_str(project->heap,
                       tarn_arena_format(project->arena, "{{ get_where_subquery(%s) }}",
                                         call_on(project->arena, d->on))));
    node->name = full;
    node->file_key_name = brief;
    node->kwargs = d->kwargs;
    node->config_call = d->config;
    node->column_name = d->column;
    node->attached = d->on;
    node->is_generic = true;
    node->description = d->description ? d->description : "";
    node->unique_id = tarn_arena_format(project->arena, "test.%s.%s.%s", node->package->name, full,
                                        id_hash(project, node, full));
}

/* Where the YAML file stands decides which folder's configuration a test has. */
static void place(struct tarn_model_project *project, struct tarn_model_node *node,
                  const struct tarn_model_node *on)
{
    const char *yaml_path = on->yaml->file;
    size_t root = strlen(node->package->root);
    if (strncmp(yaml_path, node->package->root, root) == 0)
        yaml_path += root + 1;
    node->original_path = yaml_path;
    node->path = tarn_arena_format(project->arena, "%s.sql", node->file_key_name);
    const char *below = tarn_model_path_below(node->package, yaml_path);
    node->fqn = tarn_model_fqn(project->arena, node->package, below, 1, &node->fqn_count);
    node->fqn[node->fqn_count++] = node->name;
    TARN_BUFFER(code, NAME_BYTES_MAX);
    tarn_buffer_printf(&code, "{{ %s%stest_%s(**_dbt_generic_test_kwargs) }}",
                       node->test_namespace ? node->test_namespace : "",
                       node->test_namespace ? "." : "", node->test_name);
    node->raw_code =
        (struct tarn_text){tarn_arena_strdup(project->arena, tarn_buffer_str(&code)), code.len};
    tarn_sha256_hex(node->raw_code, node->checksum);
}

static enum tarn_status add_test(struct tarn_model_context *context, struct tarn_model_node *on,
                                 const char *column, const struct tarn_yaml *yaml,
                                 struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    struct declaration d = {.context = context, .on = on, .column = column, .yaml = yaml};
    TARN_TRY(read_declaration(&d, err));
    struct tarn_model_node *node = tarn_model_node_new(project, TARN_NODE_TEST, on->package, "");
    describe(&d, node);
    place(project, node, on);
    if (on->kind == TARN_NODE_SOURCE)
        tarn_model_add_source_ref(node, (struct tarn_model_source_ref){on->source_name, on->name});
    else
        tarn_model_add_ref(node, (struct tarn_model_ref){NULL, on->name, on->version});
    const struct tarn_model_macro *macro = tarn_model_test_macro(project, node);
    if (!macro)
        return fail_unknown(&d, node, err);
    tarn_model_add_macro(node, macro);
    /* rendered for its refs and config(); dbt's own four have none but their arguments' */
    TARN_BUFFER(out, NAME_BYTES_MAX);
    tarn_model_context_begin(context, node, false);
    if (tarn_model_test_render(context, node, &out, err) != TARN_OK)
        return tarn_error_wrap(err, "%s:%d: the test '%s'", yaml->file, yaml->line, d.test);
    TARN_TRY(tarn_model_config_node(project, context, node, NULL, err));
    if (tarn_value_is_nothing(tarn_node_config(node, "alias")))
        node->alias = node->file_key_name;
    return tarn_model_node_add(project, node, err);
}

static enum tarn_status add_list(struct tarn_model_context *context, struct tarn_model_node *on,
                                 const char *column, const struct tarn_yaml *map,
                                 struct tarn_error *err)
{
    static const char *const keys[] = {"data_tests", "tests"};
    for (size_t k = 0; k < TARN_COUNT(keys); k++) {
        const struct tarn_yaml *list;
        TARN_TRY(tarn_yaml_list(map, keys[k], &list, err));
        for (size_t i = 0; list && i < list->count; i++)
            TARN_TRY(add_test(context, on, column, list->items[i], err));
    }
    return TARN_OK;
}

static bool is_left_out(const struct tarn_model_node *node, const char *column)
{
    const struct tarn_yaml *columns = node->version ? tarn_yaml_get(node->yaml, "columns") : NULL;
    for (size_t i = 0; columns && i < columns->count; i++) {
        const struct tarn_yaml *exclude = tarn_yaml_get(columns->items[i], "exclude");
        for (size_t k = 0; exclude && k < exclude->count; k++)
            if (exclude->items[k]->text && strcmp(exclude->items[k]->text, column) == 0)
                return true;
    }
    return false;
}

static enum tarn_status add_tests_of(struct tarn_model_context *context,
                                     struct tarn_model_node *node, const struct tarn_yaml *yaml,
                                     struct tarn_error *err)
{
    const struct tarn_yaml *columns;
    if (!yaml)
        return TARN_OK;
    TARN_TRY(add_list(context, node, NULL, yaml, err));
    TARN_TRY(tarn_yaml_list(yaml, "columns", &columns, err));
    for (size_t i = 0; columns && i < columns->count; i++) {
        const char *name = NULL;
        bool quote = false;
        TARN_TRY(tarn_yaml_str(columns->items[i], "name", &name, err));
        TARN_TRY(tarn_yaml_bool(columns->items[i], "quote", &quote, err));
        if (!name || is_left_out(node, name))
            continue;
        if (quote)
            name = tarn_arena_format(context->project->arena, "\"%s\"", name);
        TARN_TRY(add_list(context, node, name, columns->items[i], err));
    }
    return TARN_OK;
}

enum tarn_status tarn_model_make_tests(struct tarn_model_project *project,
                                       struct tarn_model_context *context, struct tarn_error *err)
{
    size_t count = project->nodes.count; /* tests are added behind */
    for (size_t i = 0; i < count; i++) {
        struct tarn_model_node *node = project->nodes.items[i];
        if (!node->yaml || node->kind == TARN_NODE_TEST || node->kind == TARN_NODE_EXPOSURE ||
            node->kind == TARN_NODE_UNIT_TEST)
            continue;
        TARN_TRY(add_tests_of(context, node, node->yaml, err));
        TARN_TRY(add_tests_of(context, node, node->model_yaml, err));
    }
    tarn_model_context_begin(context, NULL, false);
    return TARN_OK;
}

/* --- rendering */

/* ref(...), source(...), var(...), env_var(...), doc(...) as a whole text */
static bool looks_like_call(struct tarn_text text)
{
    static const char *const names[] = {"ref", "source", "var", "env_var", "doc"};
    text = tarn_text_trim(text);
    if (text.len == 0 || text.data[text.len - 1] != ')')
        return false;
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (text.len < len + 2 || strncmp(text.data, names[i], len) != 0)
            continue;
        while (len < text.len && text.data[len] == ' ')
            len++;
        if (text.data[len] == '(')
            return true;
    }
    return false;
}

static enum tarn_status evaluate(struct tarn_model_context *context, struct tarn_value value,
                                 struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    *ret = value;
    if (tarn_value_is_string(value)) {
        struct tarn_text text = tarn_value_text(value);
        if (looks_like_call(text))
            text = tarn_value_text(tarn_value_format(heap, "{{ %.*s }}", TARN_TEXT_ARGS(text)));
        return tarn_model_render_native(context, "an argument of the test", text, ret, err);
    }
    if (tarn_value_is(value, TARN_VALUE_LIST)) {
        *ret = tarn_value_list(heap);
        for (size_t i = 0; i < tarn_list_count(value); i++) {
            struct tarn_value item;
            TARN_TRY(evaluate(context, tarn_list_at(value, i), &item, err));
            tarn_list_append(*ret, item);
        }
    } else if (tarn_value_is(value, TARN_VALUE_DICT)) {
        struct tarn_value key, item;
        *ret = tarn_value_dict(heap);
        for (size_t i = 0; i < tarn_dict_count(value); i++) {
            tarn_dict_at(value, i, &key, &item);
            TARN_TRY(evaluate(context, item, &item, err));
            tarn_dict_put(*ret, key, item);
        }
    }
    return TARN_OK;
}

/* The tested table: itself, or with `where` a subquery. A project may have its own idea of that. */
static enum tarn_status model_argument(struct tarn_model_context *context,
                                       struct tarn_model_node *test, struct tarn_value text,
                                       struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_heap *heap = tarn_model_context_heap(context);
    struct tarn_value where = tarn_node_config(test, "where");
    if (tarn_name_map_get(&context->project->root_macros, "get_where_subquery"))
        return tarn_model_render_native(context, "get_where_subquery()", tarn_value_text(text), ret,
                                        err);
    struct tarn_model_node *on = test->attached;
    if (context->execute && tarn_node_is_ephemeral(on)) {
        tarn_model_nodes_add(&context->ctes, on);
        *ret = tarn_relation_cte(heap, on->name);
    } else {
        struct tarn_relation relation = tarn_relation_of_node(on);
        *ret = tarn_relation_value(heap, &relation);
    }
    if (tarn_value_truth(where))
        *ret = tarn_value_format(heap, "(select * from %s where %s) dbt_subquery",
                                 tarn_value_cstr(heap, *ret), tarn_value_cstr(heap, where));
    return TARN_OK;
}

enum tarn_status tarn_model_test_render(struct tarn_model_context *context,
                                        struct tarn_model_node *test, struct tarn_buffer *out,
                                        struct tarn_error *err)
{
    const struct tarn_model_macro *macro = tarn_model_test_macro(context->project, test);
    struct tarn_named_value arguments[ARGUMENTS_MAX];
    size_t count = tarn_dict_count(test->kwargs);
    if (count > ARGUMENTS_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "a test takes at most %d arguments", ARGUMENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct tarn_value key, value;
        tarn_dict_at(test->kwargs, i, &key, &value);
        arguments[i].name = tarn_value_text(key);
        arguments[i].value = value;
        if (tarn_text_is(arguments[i].name, "model"))
            TARN_TRY(model_argument(context, test, value, &arguments[i].value, err));
        else if (!tarn_text_is(arguments[i].name, "column_name"))
            TARN_TRY(evaluate(context, value, &arguments[i].value, err));
    }
    struct tarn_value text;
    TARN_TRY(tarn_template_call_macro(context->run, macro->tmpl, macro->name, NULL, 0, arguments,
                                      count, &text, err));
    tarn_value_print(text, out);
    return tarn_buffer_check(out, "the SQL of a test", err);
}
