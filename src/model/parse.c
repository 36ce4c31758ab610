/* model/parse.c -- finds the files of a project and renders each once without running anything, to
 * learn its configuration and what it refers to. */
#include "model/project.h"

#include "base/file.h"
#include "model/context.h"

enum { FILE_BYTES_MAX = 16 << 20, RENDERED_BYTES_MAX = 64 << 20 };

struct tarn_model_node *tarn_model_node_new(struct tarn_model_project *project,
                                            enum tarn_node_kind kind,
                                            const struct tarn_model_package *package,
                                            const char *name)
{
    struct tarn_model_node *node = tarn_arena_alloc(project->arena, sizeof *node);
    node->kind = kind;
    node->package = package;
    node->name = name;
    node->alias = name;
    node->description = "";
    node->original_path = node->path = "";
    node->database = project->target.database;
    node->schema = project->target.schema;
    node->is_latest = true;
    node->first_line = 1;
    tarn_model_nodes_add(&project->all_nodes, node);
    return node;
}

void tarn_model_add_ref(struct tarn_model_node *node, struct tarn_model_ref ref)
{
    for (size_t i = 0; i < node->ref_count; i++) {
        const struct tarn_model_ref *old = &node->refs[i];
        if (strcmp(old->name, ref.name) == 0 && !old->package == !ref.package &&
            (!ref.package || strcmp(old->package, ref.package) == 0) &&
            !old->version == !ref.version &&
            (!ref.version || strcmp(old->version, ref.version) == 0))
            return;
    }
    TARN_RESERVE(node->refs, node->ref_cap, node->ref_count + 1);
    node->refs[node->ref_count++] = ref;
}

void tarn_model_add_source_ref(struct tarn_model_node *node, struct tarn_model_source_ref ref)
{
    for (size_t i = 0; i < node->source_ref_count; i++)
        if (strcmp(node->source_refs[i].source, ref.source) == 0 &&
            strcmp(node->source_refs[i].table, ref.table) == 0)
            return;
    TARN_RESERVE(node->source_refs, node->source_ref_cap, node->source_ref_count + 1);
    node->source_refs[node->source_ref_count++] = ref;
}

void tarn_model_add_macro(struct tarn_model_node *node, const struct tarn_model_macro *macro)
{
    for (size_t i = 0; i < node->macro_count; i++)
        if (node->macros[i] == macro)
            return;
    TARN_RESERVE(node->macros, node->macro_cap, node->macro_count + 1);
    node->macros[node->macro_count++] = macro;
}

static bool is_refable(const struct tarn_model_node *node)
{
    return node->kind == TARN_NODE_MODEL || node->kind == TARN_NODE_SEED ||
           node->kind == TARN_NODE_SNAPSHOT;
}

static const char *source_key(struct tarn_model_project *project,
                              const struct tarn_model_node *node)
{
    return tarn_arena_format(project->arena, "%s.%s", node->source_name, node->name);
}

static void add_by_name(struct tarn_model_project *project, struct tarn_model_node *node)
{
    struct tarn_model_nodes *same = tarn_name_map_get(&project->by_name, node->name);
    if (!same) {
        same = tarn_arena_alloc(project->arena, sizeof *same);
        tarn_name_map_put(&project->by_name, node->name, same);
    }
    tarn_model_nodes_add(same, node);
}

enum tarn_status tarn_model_node_add(struct tarn_model_project *project,
                                     struct tarn_model_node *node, struct tarn_error *err)
{
    if (!tarn_node_config_bool(node, "enabled", true)) {
        tarn_model_nodes_add(&project->disabled, node);
        tarn_name_map_put(&project->disabled_ids,
                          node->kind == TARN_NODE_SOURCE ? source_key(project, node) : node->name,
                          node);
        return TARN_OK;
    }
    const struct tarn_model_node *same = tarn_name_map_get(&project->node_by_id, node->unique_id);
    const struct tarn_model_nodes *named = tarn_name_map_get(&project->by_name, node->name);
    for (size_t i = 0; !same && is_refable(node) && named && i < named->count; i++)
        if (named->items[i]->package == node->package && !named->items[i]->version &&
            !node->version)
            same = named->items[i];
    if (same && node->kind == TARN_NODE_TEST)
        return TARN_OK; /* the same test declared twice is one test */
    if (same)
        return tarn_fail(err, TARN_CONFIG,
                         "there are two nodes named '%s': %s and %s; ref('%s') could mean either, "
                         "rename one of them",
                         node->name, same->original_path, node->original_path, node->name);
    node->index = project->nodes.count;
    tarn_model_nodes_add(&project->nodes, node);
    tarn_name_map_put(&project->node_by_id, node->unique_id, node);
    if (is_refable(node))
        add_by_name(project, node);
    if (node->kind == TARN_NODE_SOURCE)
        tarn_name_map_put(&project->sources, source_key(project, node), node);
    return TARN_OK;
}

static enum tarn_status render_once(struct tarn_model_context *context,
                                    struct tarn_model_node *node, struct tarn_error *err)
{
    if (!tarn_template_has_tags(node->raw_code))
        return TARN_OK;
    TARN_BUFFER(out, RENDERED_BYTES_MAX);
    tarn_model_context_begin(context, node, false);
    enum tarn_status status = tarn_template_render(context->run, node->tmpl, &out, err);
    if (status != TARN_OK)
        return tarn_error_wrap(err, "reading the %s '%s'", tarn_node_kind_name(node->kind),
                               node->name);
    return TARN_OK;
}

/* Hooks may refer to models too. */
static enum tarn_status render_hooks(struct tarn_model_context *context,
                                     struct tarn_model_node *node, struct tarn_error *err)
{
    static const char *const keys[] = {"pre-hook", "post-hook"};
    for (size_t k = 0; k < TARN_COUNT(keys); k++) {
        struct tarn_value hooks = tarn_node_config(node, keys[k]);
        for (size_t i = 0; tarn_value_is(hooks, TARN_VALUE_LIST) && i < tarn_list_count(hooks);
             i++) {
            struct tarn_value hook = tarn_list_at(hooks, i);
            if (tarn_value_is(hook, TARN_VALUE_DICT))
                hook = tarn_dict_get_str(hook, "sql");
            TARN_BUFFER(out, RENDERED_BYTES_MAX);
            TARN_TRY(tarn_model_render_text(context, keys[k], 1, tarn_value_text(hook), &out, err));
        }
    }
    return TARN_OK;
}

static const char *plural_of(enum tarn_node_kind kind)
{
    switch (kind) {
    case TARN_NODE_SEED:
        return "seeds";
    case TARN_NODE_SNAPSHOT:
        return "snapshots";
    case TARN_NODE_ANALYSIS:
        return "analyses";
    case TARN_NODE_TEST:
        return "data_tests";
    case TARN_NODE_MODEL:
    case TARN_NODE_SOURCE:
    case TARN_NODE_EXPOSURE:
    case TARN_NODE_UNIT_TEST:
        break;
    }
    return "models";
}

static enum tarn_status finish_node(struct tarn_model_project *project,
                                    struct tarn_model_context *context,
                                    struct tarn_model_node *node, struct tarn_model_patch *patch,
                                    struct tarn_error *err)
{
    if (!patch)
        patch = tarn_model_patch_find(project, plural_of(node->kind), node->package, node->name);
    TARN_TRY(render_once(context, node, err));
    if (patch) {
        patch->is_used = true;
        TARN_TRY(tarn_model_patch_node(project, context, patch, node, err));
    }
    TARN_TRY(tarn_model_config_node(project, context, node, patch, err));
    TARN_TRY(render_hooks(context, node, err));
    return tarn_model_node_add(project, node, err);
}

struct finder {
    struct tarn_model_project *project;
    struct tarn_model_context *context;
    const struct tarn_model_package *package;
    const char *folder;
};

static enum tarn_status read_code(struct tarn_model_project *project, const char *file,
                                  struct tarn_text *ret_code, struct tarn_error *err)
{
    TARN_BUFFER(source, FILE_BYTES_MAX);
    TARN_TRY(tarn_file_read(file, &source, err));
    struct tarn_text text = tarn_buffer_text(&source);
    if (tarn_text_starts(text, "\xef\xbb\xbf"))
        text = (struct tarn_text){text.data + 3, text.len - 3};
    /* dbt drops white space around the file's text; the line numbers stay right for what is before
     */
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.len--;
    *ret_code =
        (struct tarn_text){tarn_arena_strndup(project->arena, text.data, text.len), text.len};
    return TARN_OK;
}

static struct tarn_model_node *new_file_node(struct finder *f, enum tarn_node_kind kind,
                                             const char *file, const char *name)
{
    struct tarn_arena *arena = f->project->arena;
    struct tarn_model_node *node = tarn_model_node_new(f->project, kind, f->package, name);
    node->file = file;
    node->original_path = file + strlen(f->package->root) + 1;
    node->path = node->original_path + strlen(f->folder) + 1;
    node->fqn = tarn_model_fqn(arena, f->package, node->path, 2, &node->fqn_count);
    node->fqn[node->fqn_count++] = name;
    node->unique_id =
        tarn_arena_format(arena, "%s.%s.%s", tarn_node_kind_name(kind), f->package->name, name);
    return node;
}

static const char *stem_of(struct tarn_arena *arena, const char *file)
{
    const char *name = tarn_path_name(file), *extension = tarn_path_extension(file);
    return tarn_arena_strndup(arena, name, strlen(name) - strlen(extension));
}

static void set_version(struct tarn_arena *arena, struct tarn_model_node *node,
                        const struct tarn_model_patch *patch)
{
    node->name = patch->name;
    node->version = patch->version;
    node->is_latest = patch->is_latest;
    node->fqn[node->fqn_count - 1] = patch->name;
    node->fqn[node->fqn_count++] = tarn_arena_format(arena, "v%s", patch->version);
    node->unique_id = tarn_arena_format(arena, "model.%s.%s.v%s", node->package->name, patch->name,
                                        patch->version);
}

static enum tarn_status add_sql_file(struct finder *f, enum tarn_node_kind kind, const char *file,
                                     struct tarn_error *err)
{
    struct tarn_arena *arena = f->project->arena;
    const char *stem = stem_of(arena, file);
    struct tarn_model_node *node = new_file_node(f, kind, file, stem);
    struct tarn_model_patch *patch = NULL;
    if (kind == TARN_NODE_MODEL) {
        const char *key = tarn_arena_format(arena, "%s:%s", f->package->name, stem);
        patch = tarn_name_map_get(&f->project->versions, key);
        if (patch)
            set_version(arena, node, patch);
    }
    TARN_TRY(read_code(f->project, file, &node->raw_code, err));
    tarn_sha256_hex(node->raw_code, node->checksum);
    if (tarn_template_has_tags(node->raw_code))
        TARN_TRY(tarn_model_parse_template(f->project, node->original_path, node->raw_code, 1,
                                           &node->tmpl, err));
    if (kind == TARN_NODE_TEST)
        node->file_key_name = node->name;
    return finish_node(f->project, f->context, node, patch, err);
}

static enum tarn_status add_seed(struct finder *f, const char *file, struct tarn_error *err)
{
    struct tarn_model_node *node =
        new_file_node(f, TARN_NODE_SEED, file, stem_of(f->project->arena, file));
    TARN_TRY(tarn_sha256_file(file, node->checksum, err));
    return finish_node(f->project, f->context, node, NULL, err);
}

/* A file of snapshots holds {% snapshot name %} blocks. */
static enum tarn_status add_snapshots(struct finder *f, const char *file, struct tarn_error *err)
{
    struct tarn_text code;
    struct tarn_template *tmpl;
    TARN_TRY(read_code(f->project, file, &code, err));
    const char *path = file + strlen(f->package->root) + 1;
    TARN_TRY(tarn_model_parse_template(f->project, path, code, 1, &tmpl, err));
    for (size_t i = 0; i < tarn_template_block_count(tmpl); i++) {
        const struct tarn_template_block *block = tarn_template_block_at(tmpl, i);
        if (block->kind != TARN_BLOCK_SNAPSHOT)
            continue;
        struct tarn_model_node *node = new_file_node(f, TARN_NODE_SNAPSHOT, file, block->name);
        node->fqn[node->fqn_count - 1] = stem_of(f->project->arena, file);
        node->fqn[node->fqn_count++] = block->name;
        node->raw_code = block->body;
        node->first_line = block->body_line;
        tarn_sha256_hex(block->source, node->checksum);
        TARN_TRY(tarn_model_parse_template(f->project, path, block->body, block->body_line,
                                           &node->tmpl, err));
        TARN_TRY(finish_node(f->project, f->context, node, NULL, err));
    }
    return TARN_OK;
}

static enum tarn_status add_file(struct finder *f, enum tarn_path_kind kind, const char *file,
                                 struct tarn_error *err)
{
    const char *extension = tarn_path_extension(file);
    bool sql = strcmp(extension, ".sql") == 0;
    switch (kind) {
    case TARN_PATH_MODELS:
        if (strcmp(extension, ".py") == 0)
            return tarn_fail(
                err, TARN_UNSUPPORTED,
                "%s: models in Python cannot run here; write it in SQL, or move it out "
                "of the models folder",
                file);
        return sql ? add_sql_file(f, TARN_NODE_MODEL, file, err) : TARN_OK;
    case TARN_PATH_SEEDS:
        return strcmp(extension, ".csv") == 0 ? add_seed(f, file, err) : TARN_OK;
    case TARN_PATH_SNAPSHOTS:
        return sql ? add_snapshots(f, file, err) : TARN_OK;
    case TARN_PATH_TESTS: {
        const char *below = file + strlen(f->package->root) + strlen(f->folder) + 2;
        return sql && strncmp(below, "generic/", 8) != 0 && strncmp(below, "fixtures/", 9) != 0
                   ? add_sql_file(f, TARN_NODE_TEST, file, err)
                   : TARN_OK;
    }
    case TARN_PATH_ANALYSES:
        return sql ? add_sql_file(f, TARN_NODE_ANALYSIS, file, err) : TARN_OK;
    case TARN_PATH_MACROS:
        break;
    }
    return TARN_OK;
}

static enum tarn_status read_folder(struct finder *f, enum tarn_path_kind kind,
                                    struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(f->package->root, f->folder);
    struct tarn_file_list files;
    TARN_TRY(tarn_directory_list(path, "", f->project->arena, &files, err));
    for (size_t i = 0; i < files.count; i++)
        TARN_TRY(add_file(f, kind, files.paths[i], err));
    return TARN_OK;
}

/* --- snapshots that are nothing but YAML: `relation: ref('orders')` */

static enum tarn_status add_yaml_snapshot(struct tarn_model_project *project,
                                          struct tarn_model_context *context,
                                          struct tarn_model_patch *patch, struct tarn_error *err)
{
    struct tarn_arena *arena = project->arena;
    const char *name, *relation;
    TARN_TRY(tarn_yaml_str_required(patch->yaml, "name", &name, err));
    TARN_TRY(tarn_yaml_str_required(patch->yaml, "relation", &relation, err));
    struct tarn_model_node *node =
        tarn_model_node_new(project, TARN_NODE_SNAPSHOT, patch->package, name);
    node->file = patch->yaml->file;
    node->original_path = patch->path;
    node->path = tarn_model_path_below(patch->package, patch->path);
    node->fqn = tarn_model_fqn(arena, patch->package, node->path, 1, &node->fqn_count);
    node->fqn[node->fqn_count++] = name;
    node->unique_id = tarn_arena_format(arena, "snapshot.%s.%s", patch->package->name, name);
    node->raw_code = tarn_text_of(tarn_arena_format(arena, "select * from {{ %s }}", relation));
    node->first_line = (unsigned)patch->yaml->line;
    tarn_sha256_hex(node->raw_code, node->checksum);
    TARN_TRY(tarn_model_parse_template(project, patch->path, node->raw_code,
                                       (unsigned)patch->yaml->line, &node->tmpl, err));
    return finish_node(project, context, node, patch, err);
}

static int by_place(const void *a, const void *b)
{
    const struct tarn_yaml *x = (*(struct tarn_model_patch *const *)a)->yaml,
                           *y = (*(struct tarn_model_patch *const *)b)->yaml;
    int order = strcmp(x->file, y->file);
    return order ? order : x->line - y->line;
}

static enum tarn_status read_yaml_snapshots(struct tarn_model_project *project,
                                            struct tarn_model_context *context,
                                            struct tarn_error *err)
{
    size_t count = 0;
    struct tarn_model_patch **found =
        tarn_arena_array(project->arena, project->patches.cap + 1, sizeof *found);
    for (size_t i = 0; i < project->patches.cap; i++) {
        struct tarn_model_patch *patch = project->patches.entries[i].value;
        if (patch && !patch->is_used &&
            strncmp(project->patches.entries[i].key, "snapshots:", 10) == 0 &&
            tarn_yaml_get(patch->yaml, "relation"))
            found[count++] = patch;
    }
    qsort(found, count, sizeof(struct tarn_model_patch *), by_place);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(add_yaml_snapshot(project, context, found[i], err));
    return TARN_OK;
}

static void warn_unused_patches(struct tarn_model_project *project)
{
    for (size_t i = 0; i < project->patches.cap; i++) {
        const struct tarn_model_patch *patch = project->patches.entries[i].value;
        const char *key = project->patches.entries[i].key;
        if (!patch || patch->is_used || strncmp(key, "macros:", 7) == 0 ||
            strncmp(key, "analyses:", 9) == 0 || tarn_yaml_get(patch->yaml, "versions"))
            continue;
        const char *name = strrchr(key, ':') + 1;
        const char *nearest = tarn_name_map_nearest(&project->by_name, name);
        tarn_model_warn(project, "%s:%d: '%s' is described and there is no such file%s%s%s",
                        patch->yaml->file, patch->yaml->line, name,
                        nearest ? "; did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "");
    }
}

enum tarn_status tarn_model_read_nodes(struct tarn_model_project *project,
                                       struct tarn_model_context *context, struct tarn_error *err)
{
    static const enum tarn_path_kind kinds[] = {TARN_PATH_MODELS, TARN_PATH_SEEDS,
                                                TARN_PATH_SNAPSHOTS, TARN_PATH_TESTS,
                                                TARN_PATH_ANALYSES};
    for (size_t p = 0; p < project->package_count; p++) {
        struct finder f = {.project = project, .context = context, .package = project->packages[p]};
        for (size_t k = 0; !f.package->is_built_in && k < TARN_COUNT(kinds); k++) {
            for (const char **folder = f.package->paths[kinds[k]]; *folder; folder++) {
                f.folder = *folder;
                TARN_TRY(read_folder(&f, kinds[k], err));
            }
        }
    }
    TARN_TRY(read_yaml_snapshots(project, context, err));
    warn_unused_patches(project);
    tarn_model_context_begin(context, NULL, false);
    return TARN_OK;
}
