/* model/properties.c -- the YAML files beside the models: sources and exposures become nodes, what
 * is said about models, seeds, snapshots and macros is kept as a patch until they are found. */
#include "model/project.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "model/context.h"
#include "model/unit_test.h"

enum { DOCS_BYTES_MAX = 16 << 20, DESCRIPTION_BYTES_MAX = 1 << 20 };

/* What a properties file may have at its top; a warning for the rest. */
static const char *const file_keys[] = {
    "version",         "models",        "seeds",      "snapshots", "sources",    "exposures",
    "macros",          "analyses",      "data_tests", "tests",     "unit_tests", "groups",
    "semantic_models", "saved_queries", "metrics",    "functions", "anchors",
};
static const char *const node_keys[] = {
    "name",
    "description",
    "docs",
    "config",
    "tests",
    "data_tests",
    "columns",
    "meta",
    "tags",
    "constraints",
    "versions",
    "latest_version",
    "access",
    "group",
    "time_spine",
    "deprecation_date",
    "relation",
    "identifier",
    "v",
    "defined_in",
    "arguments",
    "quote_columns",
    "enabled",
    "primary_key",
    "include",
    "exclude",
    "database",
    "schema",
    "external",
    "quoting",
    "freshness",
    "loaded_at_field",
    "loaded_at_query",
    "loader",
    NULL,
};
static const char *const column_keys[] = {
    "name", "description", "meta",    "data_type",   "tests",       "data_tests",
    "tags", "quote",       "config",  "constraints", "policy_tags", "granularity",
    "docs", "type",        "codegen", NULL,
};

static void warn_keys(struct tarn_model_project *project, const struct tarn_yaml *map,
                      const char *what, const char *const *keys)
{
    struct tarn_error unknown = {0};
    if (map->kind == TARN_YAML_MAP && tarn_yaml_expect_keys(map, what, keys, &unknown) != TARN_OK)
        tarn_model_warn(project, "%s", unknown.text);
}

const char *tarn_model_path_below(const struct tarn_model_package *package,
                                  const char *original_path)
{
    for (size_t kind = 0; kind < TARN_COUNT(package->paths); kind++) {
        for (const char **folder = package->paths[kind]; folder && *folder; folder++) {
            size_t len = strlen(*folder);
            if (strncmp(original_path, *folder, len) == 0 && original_path[len] == '/')
                return original_path + len + 1;
        }
    }
    return original_path;
}

const char **tarn_model_fqn(struct tarn_arena *arena, const struct tarn_model_package *package,
                            const char *path, size_t more, size_t *ret_count)
{
    size_t count = 1;
    for (const char *p = path; *p; p++)
        count += *p == '/';
    const char **fqn = tarn_arena_array(arena, count + more + 1, sizeof *fqn);
    size_t at = 0;
    fqn[at++] = package->name;
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
        fqn[at++] = tarn_arena_strndup(arena, path, (size_t)(slash - path));
    *ret_count = at;
    return fqn;
}

/* --- docs blocks */

static bool may_have_docs(struct tarn_text text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] != '{' || text.data[i + 1] != '%')
            continue;
        size_t at = i + 2;
        while (at < text.len && (text.data[at] == '-' || text.data[at] == ' '))
            at++;
        if (text.len - at > 4 && strncmp(text.data + at, "docs", 4) == 0)
            return true;
    }
    return false;
}

static void add_docs(struct tarn_model_project *project, const struct tarn_model_package *package,
                     const char *path, const struct tarn_template_block *block)
{
    struct tarn_model_docs *docs = tarn_arena_alloc(project->arena, sizeof *docs);
    struct tarn_text text = tarn_text_trim(block->body);
    const char *full = tarn_arena_format(project->arena, "%s.%s", package->name, block->name);
    *docs = (struct tarn_model_docs){
        .name = block->name,
        .unique_id = tarn_arena_format(project->arena, "doc.%s", full),
        .path = path,
        .contents = tarn_arena_strndup(project->arena, text.data, text.len),
        .package = package,
    };
    TARN_RESERVE(project->doc_list, project->doc_cap, project->doc_count + 1);
    project->doc_list[project->doc_count++] = docs;
    tarn_name_map_put(&project->docs, full, docs);
    if (!tarn_name_map_get(&project->docs, docs->name))
        tarn_name_map_put(&project->docs, docs->name, docs);
}

static enum tarn_status read_docs_file(struct tarn_model_project *project,
                                       const struct tarn_model_package *package, const char *file,
                                       struct tarn_error *err)
{
    TARN_BUFFER(source, DOCS_BYTES_MAX);
    TARN_TRY(tarn_file_read(file, &source, err));
    if (!may_have_docs(tarn_buffer_text(&source)))
        return TARN_OK;
    const char *path = tarn_arena_strdup(project->arena, file + strlen(package->root) + 1);
    const char *text = tarn_arena_strndup(project->arena, tarn_buffer_str(&source), source.len);
    struct tarn_template *tmpl;
    TARN_TRY(tarn_model_parse_template(project, path, (struct tarn_text){text, source.len}, 1,
                                       &tmpl, err));
    for (size_t i = 0; i < tarn_template_block_count(tmpl); i++) {
        const struct tarn_template_block *block = tarn_template_block_at(tmpl, i);
        if (block->kind == TARN_BLOCK_DOCS)
            add_docs(project, package, path, block);
    }
    return TARN_OK;
}

/* --- patches */

struct reader {
    struct tarn_model_project *project;
    struct tarn_model_context *context;
    const struct tarn_model_package *package;
    const char *path; /* below the package root */
};

static const char *patch_key(struct tarn_arena *arena, const char *kind,
                             const struct tarn_model_package *package, const char *name)
{
    return tarn_arena_format(arena, "%s:%s:%s", kind, package->name, name);
}

struct tarn_model_patch *tarn_model_patch_find(const struct tarn_model_project *project,
                                               const char *kind,
                                               const struct tarn_model_package *package,
                                               const char *name)
{
    TARN_AUTO_FREE char *key = tarn_format("%s:%s:%s", kind, package->name, name);
    return tarn_name_map_get(&project->patches, key);
}

static const char *version_text(const struct tarn_yaml *version)
{
    const struct tarn_yaml *v = tarn_yaml_get(version, "v");
    return v ? v->text : NULL;
}

/* Each entry of `versions` belongs to a file: name_v2.sql, name.v2.sql or what defined_in says. */
static enum tarn_status add_versions(struct reader *r, const struct tarn_yaml *yaml,
                                     const char *name, struct tarn_error *err)
{
    const struct tarn_yaml *versions, *latest = tarn_yaml_get(yaml, "latest_version");
    TARN_TRY(tarn_yaml_list(yaml, "versions", &versions, err));
    if (!versions || versions->count == 0)
        return TARN_OK;
    const char *latest_text = latest && latest->text ? latest->text : NULL;
    for (size_t i = 0; i < versions->count && !(latest && latest->text); i++) {
        const char *v = version_text(versions->items[i]);
        if (v && (!latest_text || strtod(v, NULL) > strtod(latest_text, NULL)))
            latest_text = v;
    }
    for (size_t i = 0; i < versions->count; i++) {
        const struct tarn_yaml *version = versions->items[i];
        const char *v = version_text(version), *defined_in = NULL;
        if (!v)
            return tarn_yaml_fail(version, err, "a version of the model '%s' needs `v`", name);
        TARN_TRY(tarn_yaml_str(version, "defined_in", &defined_in, err));
        struct tarn_model_patch *patch = tarn_arena_alloc(r->project->arena, sizeof *patch);
        *patch = (struct tarn_model_patch){
            .yaml = version,
            .package = r->package,
            .path = r->path,
            .model_yaml = yaml,
            .name = name,
            .version = v,
            .is_latest = latest_text && strcmp(latest_text, v) == 0,
        };
        const char *stems[] = {
            defined_in ? defined_in : tarn_arena_format(r->project->arena, "%s_v%s", name, v),
            tarn_arena_format(r->project->arena, "%s.v%s", name, v),
            patch->is_latest ? name : NULL,
        };
        for (size_t k = 0; k < TARN_COUNT(stems); k++) {
            if (!stems[k])
                continue;
            const char *key =
                tarn_arena_format(r->project->arena, "%s:%s", r->package->name, stems[k]);
            if (k < 2 || !tarn_name_map_get(&r->project->versions, key))
                tarn_name_map_put(&r->project->versions, key, patch);
        }
    }
    return TARN_OK;
}

static enum tarn_status add_patch(struct reader *r, const char *kind, const struct tarn_yaml *yaml,
                                  struct tarn_error *err)
{
    const char *name;
    struct tarn_arena *arena = r->project->arena;
    if (yaml->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(yaml, err, "an entry of `%s` is a map with a name, not %s", kind,
                              tarn_yaml_kind_name(yaml->kind));
    TARN_TRY(tarn_yaml_str_required(yaml, "name", &name, err));
    warn_keys(r->project, yaml, kind, node_keys);
    const char *key = patch_key(arena, kind, r->package, name);
    const struct tarn_model_patch *same = tarn_name_map_get(&r->project->patches, key);
    if (same)
        return tarn_yaml_fail(yaml, err,
                              "'%s' is described twice under `%s`: first at %s:%d; remove one",
                              name, kind, same->yaml->file, same->yaml->line);
    struct tarn_model_patch *patch = tarn_arena_alloc(arena, sizeof *patch);
    *patch = (struct tarn_model_patch){.yaml = yaml, .package = r->package, .path = r->path};
    tarn_name_map_put(&r->project->patches, key, patch);
    return strcmp(kind, "models") == 0 ? add_versions(r, yaml, name, err) : TARN_OK;
}

static enum tarn_status read_description(struct tarn_model_context *context,
                                         const struct tarn_yaml *yaml, const char **ret,
                                         struct tarn_error *err)
{
    const struct tarn_yaml *entry = tarn_yaml_get(yaml, "description");
    *ret = "";
    if (!entry || entry->kind == TARN_YAML_NULL || !entry->text)
        return TARN_OK;
    struct tarn_text text = {entry->text, entry->text_len};
    if (!tarn_template_has_tags(text)) {
        *ret = entry->text;
        return TARN_OK;
    }
    char name[600];
    TARN_BUFFER(out, DESCRIPTION_BYTES_MAX);
    snprintf(name, sizeof name, "%s:%d (description)", entry->file, entry->line);
    TARN_TRY(tarn_model_render_text(context, name, 1, text, &out, err));
    *ret = tarn_arena_strdup(context->project->arena, tarn_buffer_str(&out));
    return TARN_OK;
}

static enum tarn_status config_or_own(struct tarn_model_context *context,
                                      const struct tarn_yaml *yaml, const char *key,
                                      struct tarn_value fallback, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    const struct tarn_yaml *config = tarn_yaml_get(yaml, "config");
    const struct tarn_yaml *entry = tarn_yaml_get(config, key);
    if (!entry)
        entry = tarn_yaml_get(yaml, key);
    *ret = fallback;
    if (!entry || entry->kind == TARN_YAML_NULL)
        return TARN_OK;
    return tarn_model_yaml_value(context, context->project->heap, entry, NULL, ret, err);
}

static enum tarn_status read_column(struct tarn_model_context *context,
                                    const struct tarn_yaml *yaml, struct tarn_model_column *column,
                                    struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    if (yaml->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(yaml, err, "a column is a map with a name, not %s",
                              tarn_yaml_kind_name(yaml->kind));
    warn_keys(project, yaml, "a column", column_keys);
    TARN_TRY(tarn_yaml_str_required(yaml, "name", &column->name, err));
    TARN_TRY(read_description(context, yaml, &column->description, err));
    TARN_TRY(tarn_yaml_str(yaml, "data_type", &column->data_type, err));
    TARN_TRY(tarn_yaml_bool(yaml, "quote", &column->quote, err));
    TARN_TRY(
        config_or_own(context, yaml, "meta", tarn_value_dict(project->heap), &column->meta, err));
    struct tarn_value tags;
    TARN_TRY(config_or_own(context, yaml, "tags", tarn_value_list(project->heap), &tags, err));
    column->tags = tags;
    if (!tarn_value_is(tags, TARN_VALUE_LIST)) {
        column->tags = tarn_value_list(project->heap);
        tarn_list_append(column->tags, tags);
    }
    return TARN_OK;
}

static enum tarn_status patch_from(struct tarn_model_context *context, const struct tarn_yaml *yaml,
                                   struct tarn_model_node *node, struct tarn_error *err)
{
    struct tarn_model_project *project = context->project;
    const char *description;
    TARN_TRY(read_description(context, yaml, &description, err));
    if (*description)
        node->description = description;
    const struct tarn_yaml *columns;
    TARN_TRY(tarn_yaml_list(yaml, "columns", &columns, err));
    if (!columns)
        return TARN_OK;
    struct tarn_model_column *all =
        tarn_arena_array(project->arena, node->column_count + columns->count + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < columns->count; i++) {
        if (tarn_yaml_get(columns->items[i], "include"))
            continue; /* of a version: which of the model's columns it has */
        TARN_TRY(read_column(context, columns->items[i], &all[count], err));
        count++;
    }
    for (size_t i = 0; i < node->column_count; i++) {
        bool again = false;
        for (size_t k = 0; k < count; k++)
            again = again || strcmp(all[k].name, node->columns[i].name) == 0;
        if (!again)
            all[count++] = node->columns[i];
    }
    node->columns = all;
    node->column_count = count;
    return TARN_OK;
}

enum tarn_status tarn_model_patch_node(struct tarn_model_project *project,
                                       struct tarn_model_context *context,
                                       const struct tarn_model_patch *patch,
                                       struct tarn_model_node *node, struct tarn_error *err)
{
    node->patch_path =
        tarn_arena_format(project->arena, "%s://%s", patch->package->name, patch->path);
    node->yaml = patch->yaml;
    node->model_yaml = patch->model_yaml;
    if (patch->model_yaml)
        TARN_TRY(patch_from(context, patch->model_yaml, node, err));
    return patch_from(context, patch->yaml, node, err);
}

/* --- sources */

static enum tarn_status rendered_str(struct reader *r, const struct tarn_yaml *map, const char *key,
                                     const char *fallback, const char **ret, struct tarn_error *err)
{
    const struct tarn_yaml *entry = tarn_yaml_get(map, key);
    *ret = fallback;
    if (!entry || entry->kind == TARN_YAML_NULL)
        return TARN_OK;
    if (!entry->text)
        return tarn_yaml_fail(entry, err, "%s is text, not %s", key,
                              tarn_yaml_kind_name(entry->kind));
    struct tarn_value value;
    TARN_TRY(tarn_model_yaml_value(r->context, r->project->heap, entry, NULL, &value, err));
    if (!tarn_value_is_nothing(value))
        *ret = tarn_arena_strdup(r->project->arena, tarn_value_cstr(r->project->heap, value));
    return TARN_OK;
}

static enum tarn_status source_config(struct reader *r, const struct tarn_yaml *source,
                                      const struct tarn_yaml *table, struct tarn_model_node *node,
                                      struct tarn_error *err)
{
    static const char *const direct[] = {"tags",    "meta",      "enabled",
                                         "quoting", "freshness", "loaded_at_field"};
    struct tarn_heap *heap = r->project->heap;
    struct tarn_value config = tarn_value_dict(heap), value;
    TARN_TRY(tarn_model_config_inherit(r->project, r->context, r->package, "sources", node->fqn,
                                       node->fqn_count, config, err));
    const struct tarn_yaml *levels[] = {source, table};
    for (size_t l = 0; l < TARN_COUNT(levels); l++) {
        struct tarn_value own = tarn_value_dict(heap);
        for (size_t i = 0; i < TARN_COUNT(direct); i++) {
            const struct tarn_yaml *entry = tarn_yaml_get(levels[l], direct[i]);
            if (!entry)
                continue;
            TARN_TRY(tarn_model_yaml_value(r->context, heap, entry, NULL, &value, err));
            tarn_dict_put_str(own, direct[i], value);
        }
        tarn_model_config_merge(heap, config, own);
        const struct tarn_yaml *entry;
        TARN_TRY(tarn_yaml_map(levels[l], "config", &entry, err));
        if (entry) {
            TARN_TRY(tarn_model_yaml_value(r->context, heap, entry, NULL, &value, err));
            tarn_model_config_merge(heap, config, value);
        }
    }
    node->config = config;
    node->freshness = tarn_dict_get_str(config, "freshness");
    value = tarn_dict_get_str(config, "loaded_at_field");
    if (tarn_value_is_string(value))
        node->loaded_at_field = tarn_arena_strdup(r->project->arena, tarn_value_cstr(heap, value));
    return TARN_OK;
}

static enum tarn_status add_source_table(struct reader *r, const struct tarn_yaml *source,
                                         const char *source_name, const struct tarn_yaml *table,
                                         struct tarn_error *err)
{
    struct tarn_model_project *project = r->project;
    const char *name;
    if (table->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(table, err, "a table of the source '%s' is a map with a name, not %s",
                              source_name, tarn_yaml_kind_name(table->kind));
    TARN_TRY(tarn_yaml_str_required(table, "name", &name, err));
    struct tarn_model_node *node = tarn_model_node_new(project, TARN_NODE_SOURCE, r->package, name);
    node->source_name = source_name;
    node->unique_id =
        tarn_arena_format(project->arena, "source.%s.%s.%s", r->package->name, source_name, name);
    node->original_path = r->path;
    node->path = r->path;
    const char *below = tarn_model_path_below(r->package, r->path);
    node->fqn = tarn_model_fqn(project->arena, r->package, below, 2, &node->fqn_count);
    node->fqn[node->fqn_count++] = source_name;
    node->fqn[node->fqn_count++] = name;
    node->yaml = table;
    node->source_yaml = source;
    TARN_TRY(rendered_str(r, source, "schema", source_name, &node->schema, err));
    TARN_TRY(rendered_str(r, source, "database", project->target.database, &node->database, err));
    TARN_TRY(rendered_str(r, table, "identifier", name, &node->alias, err));
    TARN_TRY(rendered_str(r, source, "loader", "", &node->loader, err));
    TARN_TRY(read_description(r->context, source, &node->source_description, err));
    TARN_TRY(config_or_own(r->context, source, "meta", tarn_value_dict(project->heap),
                           &node->source_meta, err));
    TARN_TRY(source_config(r, source, table, node, err));
    TARN_TRY(patch_from(r->context, table, node, err));
    return tarn_model_node_add(project, node, err);
}

static enum tarn_status add_source(struct reader *r, const struct tarn_yaml *source,
                                   struct tarn_error *err)
{
    static const char *const keys[] = {
        "name",    "description", "database",   "schema",          "loader",    "loaded_at_field",
        "meta",    "tags",        "config",     "overrides",       "freshness", "quoting",
        "tables",  "tests",       "data_tests", "loaded_at_query", "version",   "enabled",
        "catalog", "docs",        NULL};
    const char *name;
    const struct tarn_yaml *tables;
    if (source->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(source, err, "a source is a map with a name and tables, not %s",
                              tarn_yaml_kind_name(source->kind));
    warn_keys(r->project, source, "a source", keys);
    TARN_TRY(tarn_yaml_str_required(source, "name", &name, err));
    TARN_TRY(tarn_yaml_list(source, "tables", &tables, err));
    for (size_t i = 0; tables && i < tables->count; i++)
        TARN_TRY(add_source_table(r, source, name, tables->items[i], err));
    return TARN_OK;
}

/* --- exposures: nothing runs, but they belong to the lineage */

static enum tarn_status add_exposure(struct reader *r, const struct tarn_yaml *yaml,
                                     struct tarn_error *err)
{
    struct tarn_model_project *project = r->project;
    const char *name;
    if (yaml->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(yaml, err, "an exposure is a map with a name, not %s",
                              tarn_yaml_kind_name(yaml->kind));
    TARN_TRY(tarn_yaml_str_required(yaml, "name", &name, err));
    struct tarn_model_node *node =
        tarn_model_node_new(project, TARN_NODE_EXPOSURE, r->package, name);
    node->unique_id = tarn_arena_format(project->arena, "exposure.%s.%s", r->package->name, name);
    node->original_path = r->path;
    node->path = tarn_model_path_below(r->package, r->path);
    node->fqn = tarn_model_fqn(project->arena, r->package, node->path, 1, &node->fqn_count);
    node->fqn[node->fqn_count++] = name;
    node->yaml = yaml;
    TARN_TRY(read_description(r->context, yaml, &node->description, err));
    TARN_TRY(tarn_model_yaml_value(NULL, project->heap, yaml, NULL, &node->extra, err));
    const struct tarn_yaml *depends;
    TARN_TRY(tarn_yaml_list(yaml, "depends_on", &depends, err));
    tarn_model_context_begin(r->context, node, false);
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; depends && i < depends->count && status == TARN_OK; i++) {
        TARN_BUFFER(out, DESCRIPTION_BYTES_MAX);
        char where[600], text[1000];
        snprintf(where, sizeof where, "%s:%d", yaml->file, depends->items[i]->line);
        snprintf(text, sizeof text, "{{ %s }}",
                 depends->items[i]->text ? depends->items[i]->text : "''");
        status = tarn_model_render_text(r->context, where, 1, tarn_text_of(text), &out, err);
    }
    tarn_model_context_begin(r->context, NULL, false);
    return status == TARN_OK ? tarn_model_node_add(project, node, err) : status;
}

/* --- files */

static enum tarn_status add_entry(struct reader *r, const char *key, const struct tarn_yaml *entry,
                                  struct tarn_error *err)
{
    if (strcmp(key, "sources") == 0)
        return add_source(r, entry, err);
    if (strcmp(key, "exposures") == 0)
        return add_exposure(r, entry, err);
    if (strcmp(key, "unit_tests") == 0)
        return tarn_model_add_unit_test(r->context, r->package, r->path, entry, err);
    if (strcmp(key, "models") == 0 || strcmp(key, "seeds") == 0 || strcmp(key, "snapshots") == 0 ||
        strcmp(key, "macros") == 0 || strcmp(key, "analyses") == 0)
        return add_patch(r, key, entry, err);
    return TARN_OK;
}

static enum tarn_status read_yaml_file(struct reader *r, const char *file, struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(
        tarn_yaml_read(tarn_arena_strdup(r->project->arena, file), r->project->arena, &root, err));
    if (root->kind == TARN_YAML_NULL)
        return TARN_OK;
    if (root->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(root, err,
                              "a properties file is a map (models:, sources:, ...), not %s",
                              tarn_yaml_kind_name(root->kind));
    for (size_t i = 0; i < root->count; i++) {
        const char *key = tarn_yaml_key(root, i);
        bool known = false;
        for (size_t k = 0; k < TARN_COUNT(file_keys) && !known; k++)
            known = strcmp(key, file_keys[k]) == 0;
        if (!known) {
            const char *near = tarn_text_nearest(key, file_keys, TARN_COUNT(file_keys));
            tarn_model_warn(r->project, "%s:%d: the key '%s' has no meaning here%s%s%s", root->file,
                            root->keys[i]->line, key, near ? "; did you mean '" : "",
                            near ? near : "", near ? "'?" : "");
            continue;
        }
        const struct tarn_yaml *list = root->items[i];
        if (strcmp(key, "version") == 0 || list->kind == TARN_YAML_NULL)
            continue;
        if (list->kind != TARN_YAML_LIST && strcmp(key, "anchors") != 0)
            return tarn_yaml_fail(list, err, "`%s` is a list, not %s", key,
                                  tarn_yaml_kind_name(list->kind));
        for (size_t k = 0; k < list->count; k++)
            TARN_TRY(add_entry(r, key, list->items[k], err));
    }
    return TARN_OK;
}

static bool listed_before(const struct tarn_model_package *package, size_t kind, const char *folder)
{
    for (size_t k = 0; k < kind; k++)
        for (const char **other = package->paths[k]; *other; other++)
            if (strcmp(*other, folder) == 0)
                return true;
    return false;
}

static enum tarn_status read_folder(struct reader *r, const char *folder, bool docs,
                                    struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(r->package->root, folder);
    struct tarn_file_list files;
    TARN_TRY(tarn_directory_list(path, "", r->project->arena, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const char *extension = tarn_path_extension(files.paths[i]);
        if (docs && strcmp(extension, ".md") == 0)
            TARN_TRY(read_docs_file(r->project, r->package, files.paths[i], err));
        if (docs || (strcmp(extension, ".yml") != 0 && strcmp(extension, ".yaml") != 0))
            continue;
        r->path =
            tarn_arena_strdup(r->project->arena, files.paths[i] + strlen(r->package->root) + 1);
        TARN_TRY(read_yaml_file(r, files.paths[i], err));
    }
    return TARN_OK;
}

static enum tarn_status read_package(struct reader *r, bool docs, struct tarn_error *err)
{
    const struct tarn_model_package *package = r->package;
    for (size_t kind = 0; kind < TARN_COUNT(package->paths); kind++)
        for (const char **folder = package->paths[kind]; *folder; folder++)
            if (!listed_before(package, kind, *folder))
                TARN_TRY(read_folder(r, *folder, docs, err));
    const struct tarn_yaml *extra = tarn_yaml_get(package->yaml, "docs-paths");
    for (size_t i = 0; docs && extra && extra->kind == TARN_YAML_LIST && i < extra->count; i++)
        if (extra->items[i]->text &&
            !listed_before(package, TARN_COUNT(package->paths), extra->items[i]->text))
            TARN_TRY(read_folder(r, extra->items[i]->text, true, err));
    return TARN_OK;
}

static enum tarn_status patch_macros(struct reader *r, struct tarn_error *err)
{
    for (size_t i = 0; i < r->project->macro_count; i++) {
        struct tarn_model_macro *macro = r->project->macros[i];
        struct tarn_model_patch *patch =
            tarn_model_patch_find(r->project, "macros", macro->package, macro->name);
        if (!patch)
            continue;
        patch->is_used = true;
        TARN_TRY(read_description(r->context, patch->yaml, &macro->description, err));
    }
    return TARN_OK;
}

enum tarn_status tarn_model_read_properties(struct tarn_model_project *project,
                                            struct tarn_model_context *context,
                                            struct tarn_error *err)
{
    struct reader r = {.project = project, .context = context};
    for (int docs = 1; docs >= 0; docs--) {
        for (size_t i = 0; i < project->package_count; i++) {
            r.package = project->packages[i];
            if (!r.package->is_built_in)
                TARN_TRY(read_package(&r, docs, err));
        }
    }
    return patch_macros(&r, err);
}
