/* model/graph.c -- see graph.h. */
#include "model/graph.h"

#include "model/project.h"

static bool version_matches(const struct tarn_model_node *node, const char *version)
{
    if (!node->version)
        return version == NULL;
    return version ? strcmp(node->version, version) == 0 : node->is_latest;
}

static struct tarn_model_node *choose(const struct tarn_model_nodes *nodes,
                                      const struct tarn_model_package *package,
                                      const struct tarn_model_ref *ref)
{
    struct tarn_model_node *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; nodes && i < nodes->count; i++) {
        struct tarn_model_node *node = nodes->items[i];
        if (!version_matches(node, ref->version) ||
            (ref->package && strcmp(ref->package, node->package->name) != 0))
            continue;
        int rank = node->package == package ? 3 : node->package->is_root ? 2 : 1;
        if (rank > best_rank) {
            best = node;
            best_rank = rank;
        }
    }
    return best;
}

enum tarn_status tarn_model_find_ref(const struct tarn_model_project *project,
                                     const struct tarn_model_package *package,
                                     const struct tarn_model_ref *ref,
                                     struct tarn_model_node **ret_node, struct tarn_error *err)
{
    struct tarn_model_node *node =
        choose(tarn_name_map_get(&project->by_name, ref->name), package, ref);
    if (node) {
        *ret_node = node;
        return TARN_OK;
    }
    const char *where = ref->package ? " in the package " : "";
    const char *which = ref->package ? ref->package : "";
    if (tarn_name_map_get(&project->disabled_ids, ref->name))
        return tarn_fail(err, TARN_NOT_FOUND,
                         "ref('%s')%s%s: that node is disabled; enable it or remove the ref",
                         ref->name, where, which);
    const char *nearest = tarn_name_map_nearest(&project->by_name, ref->name);
    return tarn_fail(
        err, TARN_CONFIG, "ref('%s')%s%s: there is no such model, seed or snapshot%s%s%s%s",
        ref->name, where, which, ref->version ? " with that version" : "",
        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

enum tarn_status tarn_model_find_source(const struct tarn_model_project *project,
                                        const struct tarn_model_source_ref *ref,
                                        struct tarn_model_node **ret_node, struct tarn_error *err)
{
    TARN_AUTO_FREE char *key = tarn_format("%s.%s", ref->source, ref->table);
    struct tarn_model_node *node = tarn_name_map_get(&project->sources, key);
    if (node) {
        *ret_node = node;
        return TARN_OK;
    }
    if (tarn_name_map_get(&project->disabled_ids, key))
        return tarn_fail(err, TARN_NOT_FOUND, "source('%s', '%s') is disabled", ref->source,
                         ref->table);
    const char *nearest = tarn_name_map_nearest(&project->sources, key);
    return tarn_fail(err, TARN_CONFIG,
                     "source('%s', '%s') is not declared under `sources:` in any YAML file%s%s%s",
                     ref->source, ref->table, nearest ? "; did you mean '" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

static bool has(const struct tarn_model_nodes *nodes, const struct tarn_model_node *node)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i] == node)
            return true;
    return false;
}

void tarn_model_add_parent(struct tarn_model_node *node, struct tarn_model_node *parent)
{
    if (has(&node->parents, parent))
        return;
    tarn_model_nodes_add(&node->parents, parent);
    tarn_model_nodes_add(&parent->children, node);
}

static enum tarn_status resolve_parents(struct tarn_model_project *project,
                                        struct tarn_model_node *node, struct tarn_error *err)
{
    struct tarn_model_node *found[2];
    /* all of them first: a test that misses one is left out and must not be anyone's child */
    for (size_t i = 0; i < node->ref_count; i++)
        TARN_TRY(tarn_model_find_ref(project, node->package, &node->refs[i], &found[0], err));
    for (size_t i = 0; i < node->source_ref_count; i++)
        TARN_TRY(tarn_model_find_source(project, &node->source_refs[i], &found[0], err));
    for (size_t i = 0; i < node->ref_count; i++) {
        TARN_TRY(tarn_model_find_ref(project, node->package, &node->refs[i], &found[0], err));
        tarn_model_add_parent(node, found[0]);
    }
    for (size_t i = 0; i < node->source_ref_count; i++) {
        TARN_TRY(tarn_model_find_source(project, &node->source_refs[i], &found[0], err));
        tarn_model_add_parent(node, found[0]);
    }
    return TARN_OK;
}

/* The first line on which the node's code has this name in quotes; 0 when none has. */
static unsigned line_of(const struct tarn_model_node *node, const char *name)
{
    size_t len = strlen(name);
    unsigned line = node->first_line;
    for (size_t i = 0; i + len + 1 < node->raw_code.len; i++) {
        const char *at = node->raw_code.data + i;
        line += *at == '\n';
        if ((*at == '\'' || *at == '"') && strncmp(at + 1, name, len) == 0 && at[len + 1] == *at)
            return line;
    }
    return 0;
}

/* "models/a.sql:3", where the first ref or source that leads nowhere stands. */
static const char *place_of_missing(struct tarn_model_project *project,
                                    const struct tarn_model_node *node)
{
    struct tarn_model_node *found;
    struct tarn_error ignored;
    const char *name = NULL;
    for (size_t i = 0; i < node->ref_count && !name; i++)
        if (tarn_model_find_ref(project, node->package, &node->refs[i], &found, &ignored) !=
            TARN_OK)
            name = node->refs[i].name;
    for (size_t i = 0; i < node->source_ref_count && !name; i++)
        if (tarn_model_find_source(project, &node->source_refs[i], &found, &ignored) != TARN_OK)
            name = node->source_refs[i].table;
    unsigned line = name ? line_of(node, name) : 0;
    return line ? tarn_arena_format(project->arena, "%s:%u", node->original_path, line)
                : node->original_path;
}

/* A test of something that is disabled or gone is left out with a warning, as in dbt; for anything
 * else it is an error. */
static enum tarn_status link_nodes(struct tarn_model_project *project, struct tarn_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < project->nodes.count; i++) {
        struct tarn_model_node *node = project->nodes.items[i];
        struct tarn_error missing = {0};
        if (resolve_parents(project, node, &missing) != TARN_OK) {
            bool may_miss = node->kind == TARN_NODE_TEST || node->kind == TARN_NODE_EXPOSURE ||
                            (node->kind == TARN_NODE_UNIT_TEST && missing.status == TARN_NOT_FOUND);
            if (!may_miss)
                return tarn_fail(err, TARN_CONFIG, "%s: %s '%s': %s",
                                 place_of_missing(project, node), tarn_node_kind_name(node->kind),
                                 node->name, missing.text);
            if (missing.status != TARN_NOT_FOUND)
                tarn_model_warn(project, "%s '%s' (%s) is left out: %s",
                                tarn_node_kind_name(node->kind), node->name, node->original_path,
                                missing.text);
            tarn_model_nodes_add(&project->disabled, node);
            tarn_name_map_put(&project->node_by_id, node->unique_id, NULL);
            continue;
        }
        if (node->kind == TARN_NODE_UNIT_TEST)
            node->attached = node->parents.items[0];
        node->index = kept;
        project->nodes.items[kept++] = node;
    }
    project->nodes.count = kept;
    return TARN_OK;
}

static enum tarn_status check_relations(const struct tarn_model_project *project,
                                        struct tarn_error *err)
{
    TARN_AUTO(tarn_name_map_release) struct tarn_name_map taken = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    for (size_t i = 0; i < project->nodes.count; i++) {
        struct tarn_model_node *node = project->nodes.items[i];
        if ((node->kind != TARN_NODE_MODEL && node->kind != TARN_NODE_SEED &&
             node->kind != TARN_NODE_SNAPSHOT) ||
            tarn_node_is_ephemeral(node))
            continue;
        const char *key = tarn_arena_format(arena, "%s.%s", node->schema, node->alias);
        const struct tarn_model_node *same = tarn_name_map_get(&taken, key);
        if (same)
            return tarn_fail(err, TARN_CONFIG,
                             "two nodes would both be the table %s: '%s' (%s) and '%s' (%s); give "
                             "one of them another `alias` or `schema`",
                             key, same->name, same->original_path, node->name, node->original_path);
        tarn_name_map_put(&taken, key, node);
    }
    return TARN_OK;
}

/* Follows parents that are still waiting until one comes again: that is the cycle. */
static enum tarn_status fail_cycle(const struct tarn_model_project *project, const size_t *waiting,
                                   struct tarn_error *err)
{
    struct tarn_model_node *node = NULL;
    for (size_t i = 0; i < project->nodes.count && !node; i++)
        if (waiting[i] > 0)
            node = project->nodes.items[i];
    struct tarn_model_nodes path = {0};
    while (node && !has(&path, node)) {
        tarn_model_nodes_add(&path, node);
        struct tarn_model_node *next = NULL;
        for (size_t i = 0; i < node->parents.count && !next; i++)
            if (waiting[node->parents.items[i]->index] > 0)
                next = node->parents.items[i];
        node = next;
    }
    TARN_BUFFER(text, 3000);
    const struct tarn_model_node *first = node;
    for (size_t i = path.count; i > 0; i--) {
        tarn_buffer_printf(&text, "%s (%s) -> ", path.items[i - 1]->name,
                           path.items[i - 1]->original_path);
        if (path.items[i - 1] == first)
            break;
    }
    if (path.count)
        tarn_buffer_append_str(&text, path.items[path.count - 1]->name);
    free(path.items);
    return tarn_fail(err, TARN_CONFIG,
                     "the refs of these nodes go in a circle: %s; remove one of the refs",
                     tarn_buffer_str(&text));
}

struct tarn_model_node **tarn_model_order(const struct tarn_model_project *project)
{
    size_t count = project->nodes.count, done = 0, next = 0;
    struct tarn_model_node **order = tarn_alloc_array(count + 1, sizeof *order);
    size_t *waiting = tarn_alloc_array(count + 1, sizeof *waiting);
    for (size_t i = 0; i < count; i++) {
        waiting[i] = project->nodes.items[i]->parents.count;
        if (waiting[i] == 0)
            order[done++] = project->nodes.items[i];
    }
    while (next < done) {
        const struct tarn_model_node *node = order[next++];
        for (size_t i = 0; i < node->children.count; i++)
            if (--waiting[node->children.items[i]->index] == 0)
                order[done++] = node->children.items[i];
    }
    free(waiting);
    return order;
}

static enum tarn_status check_cycles(const struct tarn_model_project *project,
                                     struct tarn_error *err)
{
    struct tarn_model_node **order = tarn_model_order(project);
    size_t count = project->nodes.count, done = 0;
    size_t *waiting = tarn_alloc_array(count + 1, sizeof *waiting);
    for (size_t i = 0; i < count; i++)
        waiting[i] = 1;
    for (; done < count && order[done]; done++)
        waiting[order[done]->index] = 0;
    enum tarn_status status = done < count ? fail_cycle(project, waiting, err) : TARN_OK;
    free(waiting);
    free(order);
    return status;
}

enum tarn_status tarn_model_link(struct tarn_model_project *project, struct tarn_error *err)
{
    TARN_TRY(link_nodes(project, err));
    TARN_TRY(check_relations(project, err));
    return check_cycles(project, err);
}
