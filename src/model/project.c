/* model/project.c -- see project.h: the order of loading, packages and their folders, vars. */
#include "model/project.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/context.h"

enum { PROJECT_HEAP_BYTES_MAX = 1 << 30 };

static const struct {
    const char *key, *old_key, *fallback;
} path_keys[] = {
    [TARN_PATH_MODELS] = {"model-paths", "source-paths", "models"},
    [TARN_PATH_SEEDS] = {"seed-paths", "data-paths", "seeds"},
    [TARN_PATH_MACROS] = {"macro-paths", NULL, "macros"},
    [TARN_PATH_TESTS] = {"test-paths", NULL, "tests"},
    [TARN_PATH_SNAPSHOTS] = {"snapshot-paths", NULL, "snapshots"},
    [TARN_PATH_ANALYSES] = {"analysis-paths", NULL, "analyses"},
};

/* Keys of dbt_project.yml that mean something here or to dbt; others get a warning. */
static const char *const project_keys[] = {
    "name",
    "version",
    "profile",
    "config-version",
    "model-paths",
    "seed-paths",
    "macro-paths",
    "test-paths",
    "snapshot-paths",
    "analysis-paths",
    "docs-paths",
    "asset-paths",
    "source-paths",
    "data-paths",
    "target-path",
    "packages-install-path",
    "clean-targets",
    "vars",
    "flags",
    "dispatch",
    "on-run-start",
    "on-run-end",
    "query-comment",
    "quoting",
    "require-dbt-version",
    "models",
    "seeds",
    "snapshots",
    "tests",
    "data_tests",
    "sources",
    "exposures",
    "metrics",
    "semantic-models",
    "saved-queries",
    "unit_tests",
    "analyses",
    "packages",
    "log-path",
    "dbt-cloud",
    "restrict-access",
    "modules-paths",
    "functions",
    "function-paths",
    "macros",
    "groups",
};

static enum tarn_status read_paths(struct tarn_model_project *project,
                                   struct tarn_model_package *package, struct tarn_error *err)
{
    for (size_t kind = 0; kind < TARN_COUNT(path_keys); kind++) {
        const struct tarn_yaml *list = tarn_yaml_get(package->yaml, path_keys[kind].key);
        if (!list && path_keys[kind].old_key)
            list = tarn_yaml_get(package->yaml, path_keys[kind].old_key);
        if (!list) {
            package->paths[kind] = tarn_arena_array(project->arena, 3, sizeof(char *));
            package->paths[kind][0] = path_keys[kind].fallback;
            continue;
        }
        if (list->kind != TARN_YAML_LIST)
            return tarn_yaml_fail(list, err, "%s is a list of folders, not %s", path_keys[kind].key,
                                  tarn_yaml_kind_name(list->kind));
        package->paths[kind] = tarn_arena_array(project->arena, list->count + 1, sizeof(char *));
        for (size_t i = 0; i < list->count; i++) {
            if (!list->items[i]->text)
                return tarn_yaml_fail(list->items[i], err, "a folder of %s is text, not %s",
                                      path_keys[kind].key,
                                      tarn_yaml_kind_name(list->items[i]->kind));
            char *path = tarn_arena_strdup(project->arena, list->items[i]->text);
            for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
                path[len - 1] = 0;
            package->paths[kind][i] = strncmp(path, "./", 2) == 0 ? path + 2 : path;
        }
    }
    return TARN_OK;
}

static void warn_unknown_keys(struct tarn_model_project *project, const struct tarn_yaml *yaml)
{
    for (size_t i = 0; i < yaml->count; i++) {
        const char *key = tarn_yaml_key(yaml, i);
        bool known = false;
        for (size_t k = 0; k < TARN_COUNT(project_keys) && !known; k++)
            known = strcmp(key, project_keys[k]) == 0;
        const char *nearest =
            known ? NULL : tarn_text_nearest(key, project_keys, TARN_COUNT(project_keys));
        if (!known)
            tarn_model_warn(project, "%s:%d: the key '%s' has no meaning here%s%s%s", yaml->file,
                            yaml->keys[i]->line, key, nearest ? "; did you mean '" : "",
                            nearest ? nearest : "", nearest ? "'?" : "");
    }
}

static enum tarn_status read_package(struct tarn_model_project *project, const char *root,
                                     bool is_root, struct tarn_error *err)
{
    struct tarn_model_package *package = tarn_arena_alloc(project->arena, sizeof *package);
    TARN_AUTO_FREE char *path = tarn_path_join(root, "dbt_project.yml");
    TARN_TRY(tarn_yaml_read(tarn_arena_strdup(project->arena, path), project->arena, &package->yaml,
                            err));
    if (package->yaml->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(package->yaml, err,
                              "the project file is a map with at least `name`, not %s",
                              tarn_yaml_kind_name(package->yaml->kind));
    package->root = tarn_arena_strdup(project->arena, root);
    package->is_root = is_root;
    package->version = "";
    TARN_TRY(tarn_yaml_str_required(package->yaml, "name", &package->name, err));
    const struct tarn_yaml *version = tarn_yaml_get(package->yaml, "version");
    if (version && version->text)
        package->version = version->text;
    const struct tarn_yaml *vars;
    TARN_TRY(tarn_yaml_map(package->yaml, "vars", &vars, err));
    if (vars)
        TARN_TRY(tarn_model_yaml_value(NULL, project->heap, vars, NULL, &package->vars, err));
    if (is_root)
        warn_unknown_keys(project, package->yaml);
    struct tarn_model_package *same = tarn_name_map_get(&project->package_by_name, package->name);
    if (same)
        return tarn_yaml_fail(package->yaml, err,
                              "there are two packages named '%s': the other is in %s",
                              package->name, same->root);
    TARN_RESERVE(project->packages, project->package_cap, project->package_count + 1);
    project->packages[project->package_count++] = package;
    tarn_name_map_put(&project->package_by_name, package->name, package);
    return read_paths(project, package, err);
}

static bool has_package_at(const struct tarn_model_project *project, const char *root)
{
    for (size_t i = 0; i < project->package_count; i++)
        if (strcmp(project->packages[i]->root, root) == 0)
            return true;
    return false;
}

/* Packages that `dbt deps` has put into the packages folder. */
static enum tarn_status read_installed(struct tarn_model_project *project, struct tarn_error *err)
{
    const char *folder = "dbt_packages";
    TARN_TRY(tarn_yaml_str(project->packages[0]->yaml, "packages-install-path", &folder, err));
    TARN_AUTO_FREE char *base = tarn_path_join(project->directory, folder);
    struct tarn_file_list files;
    TARN_TRY(tarn_directory_list(base, "dbt_project.yml", project->arena, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const char *below = files.paths[i] + strlen(base) + 1;
        const char *slash = strchr(below, '/');
        if (!slash || strcmp(slash, "/dbt_project.yml") != 0)
            continue; /* a project inside a package: its own tests */
        char *root =
            tarn_arena_strndup(project->arena, files.paths[i], (size_t)(slash - files.paths[i]));
        TARN_TRY(read_package(project, root, false, err));
    }
    return TARN_OK;
}

/* `local:` packages of packages.yml need no installation. */
static enum tarn_status read_local(struct tarn_model_project *project, struct tarn_error *err)
{
    static const char *const names[] = {"packages.yml", "dependencies.yml"};
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        TARN_AUTO_FREE char *path = tarn_path_join(project->directory, names[i]);
        if (!tarn_file_exists(path))
            continue;
        const struct tarn_yaml *root, *list;
        TARN_TRY(
            tarn_yaml_read(tarn_arena_strdup(project->arena, path), project->arena, &root, err));
        list = tarn_yaml_get(root, "packages");
        for (size_t k = 0; list && k < list->count; k++) {
            const struct tarn_yaml *local = tarn_yaml_get(list->items[k], "local");
            if (!local || !local->text)
                continue;
            TARN_AUTO_FREE char *joined = local->text[0] == '/'
                                              ? tarn_strdup(local->text)
                                              : tarn_path_join(project->directory, local->text);
            TARN_AUTO_FREE char *real = realpath(joined, NULL);
            if (!real)
                return tarn_yaml_fail(local, err, "the local package '%s' is not there",
                                      local->text);
            if (!has_package_at(project, real))
                TARN_TRY(read_package(project, real, false, err));
        }
    }
    return TARN_OK;
}

/* Says at the start what would otherwise be a puzzle later: a package that is asked for and not
 * installed. */
static enum tarn_status read_packages(struct tarn_model_project *project, struct tarn_error *err)
{
    TARN_TRY(read_package(project, project->directory, true, err));
    project->name = project->packages[0]->name;
    TARN_TRY(read_installed(project, err));
    return read_local(project, err);
}

static enum tarn_status read_vars(struct tarn_model_project *project,
                                  const struct tarn_model_options *options, struct tarn_error *err)
{
    project->cli_vars = tarn_value_dict(project->heap);
    if (options->vars && *options->vars) {
        const struct tarn_yaml *yaml;
        const char *text = tarn_arena_strdup(project->arena, options->vars);
        TARN_TRY(tarn_yaml_parse(tarn_text_of(text), "--vars", 1, project->arena, &yaml, err));
        if (yaml->kind != TARN_YAML_MAP && yaml->kind != TARN_YAML_NULL)
            return tarn_fail(err, TARN_USAGE,
                             "--vars is a map such as '{start: 2026-01-01}', not %s",
                             tarn_yaml_kind_name(yaml->kind));
        if (yaml->kind == TARN_YAML_MAP)
            TARN_TRY(
                tarn_model_yaml_value(NULL, project->heap, yaml, NULL, &project->cli_vars, err));
    }
    project->root_vars = tarn_value_is(project->packages[0]->vars, TARN_VALUE_DICT)
                             ? project->packages[0]->vars
                             : tarn_value_dict(project->heap);
    return TARN_OK;
}

static enum tarn_status read_run_hooks(struct tarn_model_project *project, const char *key,
                                       struct tarn_value *ret, struct tarn_error *err)
{
    *ret = tarn_value_list(project->heap);
    /* the project's own hooks run after those of its packages at the start, before them at the
     * end; the order among packages is not promised by dbt either */
    for (size_t i = 0; i < project->package_count; i++) {
        const struct tarn_yaml *yaml = tarn_yaml_get(project->packages[i]->yaml, key);
        if (!yaml)
            continue;
        struct tarn_value value;
        TARN_TRY(tarn_model_yaml_value(NULL, project->heap, yaml, NULL, &value, err));
        if (tarn_value_is_string(value))
            tarn_list_append(*ret, value);
        for (size_t k = 0; tarn_value_is(value, TARN_VALUE_LIST) && k < tarn_list_count(value); k++)
            tarn_list_append(*ret, tarn_list_at(value, k));
    }
    return TARN_OK;
}

static void set_flags(struct tarn_model_project *project)
{
    struct tarn_value flags = tarn_value_dict(project->heap);
    tarn_dict_put_str(flags, "FULL_REFRESH", tarn_value_bool(project->full_refresh));
    tarn_dict_put_str(flags, "WHICH", tarn_value_str(project->heap, project->command));
    tarn_dict_put_str(flags, "STORE_FAILURES", TARN_FALSE);
    tarn_dict_put_str(flags, "USE_COLORS", TARN_FALSE);
    tarn_dict_put_str(flags, "FAIL_FAST", TARN_FALSE);
    tarn_dict_put_str(flags, "EMPTY", TARN_FALSE);
    tarn_dict_put_str(flags, "DEBUG", TARN_FALSE);
    tarn_dict_put_str(flags, "INTROSPECT", TARN_TRUE);
    tarn_dict_put_str(flags, "CACHE_SELECTED_ONLY", TARN_FALSE);
    tarn_dict_put_str(flags, "PRINT", TARN_TRUE);
    tarn_dict_put_str(flags, "PROFILES_DIR", tarn_value_str_ref(project->directory));
    tarn_dict_put_str(flags, "PROJECT_DIR", tarn_value_str_ref(project->directory));
    tarn_dict_put_str(flags, "TARGET_PATH", tarn_value_str_ref(project->target_path));
    project->flags = flags;
}

static enum tarn_status load(struct tarn_model_project *project,
                             const struct tarn_model_options *options, struct tarn_error *err)
{
    TARN_TRY(read_packages(project, err));
    TARN_TRY(tarn_yaml_str(project->packages[0]->yaml, "target-path", &project->target_path, err));
    TARN_TRY(read_vars(project, options, err));
    set_flags(project);
    struct tarn_model_context context;
    tarn_model_context_init(&context, project, NULL);
    enum tarn_status status = tarn_model_read_profile(project, &context, options, err);
    if (status == TARN_OK)
        status = tarn_model_read_macros(project, err);
    if (status == TARN_OK)
        status = tarn_model_read_properties(project, &context, err);
    if (status == TARN_OK)
        status = tarn_model_read_nodes(project, &context, err);
    if (status == TARN_OK)
        status = tarn_model_make_tests(project, &context, err);
    if (status == TARN_OK)
        status = read_run_hooks(project, "on-run-start", &project->on_run_start, err);
    if (status == TARN_OK)
        status = read_run_hooks(project, "on-run-end", &project->on_run_end, err);
    tarn_model_context_release(&context);
    return status == TARN_OK ? tarn_model_link(project, err) : status;
}

enum tarn_status tarn_model_project_load(const struct tarn_model_options *options,
                                         struct tarn_model_project **ret_project,
                                         struct tarn_error *err)
{
    struct tarn_model_project *project = tarn_alloc(sizeof *project);
    project->arena = tarn_arena_new();
    project->heap = tarn_heap_new(PROJECT_HEAP_BYTES_MAX);
    pthread_mutex_init(&project->graph_lock, NULL);
    TARN_AUTO_FREE char *real = realpath(options->directory, NULL);
    project->directory = tarn_arena_strdup(project->arena, real ? real : options->directory);
    project->target_path = "target";
    project->command =
        tarn_arena_strdup(project->arena, options->command ? options->command : "build");
    project->full_refresh = options->full_refresh;
    project->started_us = tarn_now_us();
    tarn_uuid(project->invocation_id);
    enum tarn_status status = load(project, options, err);
    if (status != TARN_OK) {
        tarn_model_project_free(project);
        if (status == TARN_INVALID && err) /* what a template says of itself is the project's */
            err->status = TARN_CONFIG;
        return status == TARN_INVALID ? TARN_CONFIG : status;
    }
    *ret_project = project;
    return TARN_OK;
}

static void free_nodes(struct tarn_model_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        struct tarn_model_node *node = nodes->items[i];
        free(node->refs);
        free(node->source_refs);
        free(node->macros);
        free(node->parents.items);
        free(node->children.items);
    }
    free(nodes->items);
}

void tarn_model_project_free(struct tarn_model_project *project)
{
    if (!project)
        return;
    for (size_t i = 0; i < project->by_name.cap; i++) {
        struct tarn_model_nodes *nodes = project->by_name.entries[i].value;
        if (nodes)
            free(nodes->items);
    }
    free_nodes(&project->all_nodes);
    free(project->nodes.items);
    free(project->disabled.items);
    struct tarn_name_map *maps[] = {&project->node_by_id,      &project->by_name,
                                    &project->sources,         &project->disabled_ids,
                                    &project->macro_by_name,   &project->root_macros,
                                    &project->package_by_name, &project->docs,
                                    &project->patches,         &project->versions};
    for (size_t i = 0; i < TARN_COUNT(maps); i++)
        tarn_name_map_release(maps[i]);
    for (size_t i = 0; i < project->template_count; i++)
        tarn_template_free(project->templates[i]);
    free(project->templates);
    free(project->packages);
    free(project->macros);
    free(project->doc_list);
    free(project->warnings);
    pthread_mutex_destroy(&project->graph_lock);
    tarn_heap_free(project->heap);
    tarn_arena_free(project->arena);
    free(project);
}

static struct tarn_value var_of_package(struct tarn_value vars, const char *package,
                                        const char *name)
{
    struct tarn_value own = tarn_dict_get_str(vars, package);
    return tarn_value_is(own, TARN_VALUE_DICT) ? tarn_dict_get_str(own, name) : TARN_UNDEFINED;
}

struct tarn_value tarn_model_var(const struct tarn_model_project *project,
                                 const struct tarn_model_package *package, const char *name)
{
    struct tarn_value value = tarn_dict_get_str(project->cli_vars, name);
    if (value.kind == TARN_VALUE_UNDEFINED && package)
        value = var_of_package(project->root_vars, package->name, name);
    if (value.kind == TARN_VALUE_UNDEFINED)
        value = tarn_dict_get_str(project->root_vars, name);
    if (value.kind == TARN_VALUE_UNDEFINED && package && !package->is_root &&
        tarn_value_is(package->vars, TARN_VALUE_DICT)) {
        value = var_of_package(package->vars, package->name, name);
        if (value.kind == TARN_VALUE_UNDEFINED)
            value = tarn_dict_get_str(package->vars, name);
    }
    return value;
}
