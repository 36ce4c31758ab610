/* model/macros.c -- macros by name: the project's, its packages', and those that are part of the
 * program (dbt's own and the most used of dbt_utils, for projects without that package). */
#include "model/project.h"

#include "base/file.h"
#include "macros_sql.h"
#include "model/context.h"

static const struct {
    const char *package, *path, *source;
} built_in[] = {
    {"dbt", "macros/tests.sql", tests_sql},
    {"dbt", "macros/cross_database.sql", cross_database_sql},
    {"dbt", "macros/adapter.sql", adapter_sql},
    {"dbt_utils", "macros/dbt_utils.sql", dbt_utils_sql},
    {"dbt_utils", "macros/dbt_utils_tests.sql", dbt_utils_tests_sql},
};

enum { MACRO_FILE_BYTES_MAX = 16 << 20 };

enum tarn_status tarn_model_parse_template(struct tarn_model_project *project, const char *name,
                                           struct tarn_text source, unsigned first_line,
                                           struct tarn_template **ret_template,
                                           struct tarn_error *err)
{
    struct tarn_template_options options = {.hide_macros = true, .first_line = first_line};
    TARN_TRY(tarn_template_parse(name, source, &options, ret_template, err));
    TARN_RESERVE(project->templates, project->template_cap, project->template_count + 1);
    project->templates[project->template_count++] = *ret_template;
    return TARN_OK;
}

static void add_macro(struct tarn_model_project *project, struct tarn_model_macro *macro)
{
    const char *full =
        tarn_arena_format(project->arena, "%s.%s", macro->package->name, macro->name);
    TARN_RESERVE(project->macros, project->macro_cap, project->macro_count + 1);
    project->macros[project->macro_count++] = macro;
    tarn_name_map_put(&project->macro_by_name, full, macro);
    if (macro->package->is_root)
        tarn_name_map_put(&project->root_macros, macro->name, macro);
    /* packages are read in order of precedence: who comes first keeps the plain name */
    if (!tarn_name_map_get(&project->macro_by_name, macro->name))
        tarn_name_map_put(&project->macro_by_name, macro->name, macro);
}

static bool is_macro(enum tarn_template_block_kind kind)
{
    return kind == TARN_BLOCK_MACRO || kind == TARN_BLOCK_TEST ||
           kind == TARN_BLOCK_MATERIALIZATION;
}

static enum tarn_status read_source(struct tarn_model_project *project,
                                    const struct tarn_model_package *package, const char *path,
                                    struct tarn_text source, struct tarn_error *err)
{
    struct tarn_template *tmpl;
    TARN_TRY(tarn_model_parse_template(project, path, source, 1, &tmpl, err));
    for (size_t i = 0; i < tarn_template_block_count(tmpl); i++) {
        const struct tarn_template_block *block = tarn_template_block_at(tmpl, i);
        if (!is_macro(block->kind))
            continue;
        const char *full =
            tarn_arena_format(project->arena, "%s.%s", package->name, block->macro_name);
        const struct tarn_model_macro *same = tarn_name_map_get(&project->macro_by_name, full);
        if (same && !package->is_built_in)
            return tarn_fail(err, TARN_CONFIG,
                             "%s:%u: the macro '%s' is defined twice: first in %s:%u", path,
                             block->line, block->macro_name, same->path, same->block->line);
        struct tarn_model_macro *macro = tarn_arena_alloc(project->arena, sizeof *macro);
        *macro = (struct tarn_model_macro){
            .name = block->macro_name,
            .unique_id = tarn_arena_format(project->arena, "macro.%s", full),
            .package = package,
            .path = path,
            .tmpl = tmpl,
            .block = block,
            .description = "",
        };
        add_macro(project, macro);
    }
    return TARN_OK;
}

static enum tarn_status read_file(struct tarn_model_project *project,
                                  const struct tarn_model_package *package, const char *file,
                                  struct tarn_error *err)
{
    TARN_BUFFER(source, MACRO_FILE_BYTES_MAX);
    TARN_TRY(tarn_file_read(file, &source, err));
    const char *path = tarn_arena_strdup(project->arena, file + strlen(package->root) + 1);
    const char *text = tarn_arena_strndup(project->arena, tarn_buffer_str(&source), source.len);
    return read_source(project, package, path, (struct tarn_text){text, source.len}, err);
}

static enum tarn_status read_folder(struct tarn_model_project *project,
                                    const struct tarn_model_package *package, const char *folder,
                                    struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(package->root, folder);
    struct tarn_file_list files;
    TARN_TRY(tarn_directory_list(path, ".sql", project->arena, &files, err));
    for (size_t i = 0; i < files.count; i++)
        TARN_TRY(read_file(project, package, files.paths[i], err));
    return TARN_OK;
}

static enum tarn_status read_package(struct tarn_model_project *project,
                                     const struct tarn_model_package *package,
                                     struct tarn_error *err)
{
    for (const char **folder = package->paths[TARN_PATH_MACROS]; *folder; folder++)
        TARN_TRY(read_folder(project, package, *folder, err));
    /* generic tests may stand beside the singular ones */
    for (const char **folder = package->paths[TARN_PATH_TESTS]; *folder; folder++) {
        TARN_AUTO_FREE char *generic = tarn_path_join(*folder, "generic");
        TARN_TRY(read_folder(project, package, generic, err));
    }
    return TARN_OK;
}

static struct tarn_model_package *built_in_package(struct tarn_model_project *project,
                                                   const char *name)
{
    struct tarn_model_package *package = tarn_name_map_get(&project->package_by_name, name);
    if (package)
        return package;
    package = tarn_arena_alloc(project->arena, sizeof *package);
    *package =
        (struct tarn_model_package){.name = name, .version = "", .root = "", .is_built_in = true};
    TARN_RESERVE(project->packages, project->package_cap, project->package_count + 1);
    project->packages[project->package_count++] = package;
    tarn_name_map_put(&project->package_by_name, name, package);
    return package;
}

enum tarn_status tarn_model_read_macros(struct tarn_model_project *project, struct tarn_error *err)
{
    for (size_t i = 0; i < project->package_count; i++)
        TARN_TRY(read_package(project, project->packages[i], err));
    for (size_t i = 0; i < TARN_COUNT(built_in); i++) {
        struct tarn_model_package *package = built_in_package(project, built_in[i].package);
        if (package->is_built_in)
            TARN_TRY(read_source(project, package, built_in[i].path,
                                 tarn_text_of(built_in[i].source), err));
    }
    return TARN_OK;
}

static const struct tarn_model_macro *find_in(const struct tarn_model_project *project,
                                              const char *package, const char *name)
{
    static const char *const prefixes[] = {"duckdb__", "default__"};
    for (size_t i = 0; i < TARN_COUNT(prefixes); i++) {
        TARN_AUTO_FREE char *full = tarn_format("%s.%s%s", package, prefixes[i], name);
        const struct tarn_model_macro *macro = tarn_name_map_get(&project->macro_by_name, full);
        if (macro)
            return macro;
    }
    return NULL;
}

/* `dispatch:` of dbt_project.yml for a namespace; NULL when it says nothing. */
static const struct tarn_yaml *search_order(const struct tarn_model_project *project,
                                            const char *package)
{
    const struct tarn_yaml *list = tarn_yaml_get(project->packages[0]->yaml, "dispatch");
    for (size_t i = 0; list && list->kind == TARN_YAML_LIST && i < list->count; i++) {
        const struct tarn_yaml *name = tarn_yaml_get(list->items[i], "macro_namespace");
        if (name && name->text && strcmp(name->text, package) == 0)
            return tarn_yaml_get(list->items[i], "search_order");
    }
    return NULL;
}

const struct tarn_model_macro *tarn_model_dispatch(const struct tarn_model_project *project,
                                                   const char *name, const char *package)
{
    const struct tarn_yaml *order = package ? search_order(project, package) : NULL;
    const struct tarn_model_macro *macro = NULL;
    for (size_t i = 0; order && i < order->count && !macro; i++)
        if (order->items[i]->text)
            macro = find_in(project, order->items[i]->text, name);
    if (!macro && !order)
        macro = find_in(project, project->name, name);
    if (!macro && package)
        macro = find_in(project, package, name);
    for (size_t i = 1; i < project->package_count && !macro; i++)
        macro = find_in(project, project->packages[i]->name, name);
    return macro;
}
