/* model/select.c -- see select.h. Each word becomes a set of nodes (a bool per node): what its
 * method matches, its neighbours in the graph, and the tests of what was matched. */
#include "model/select.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "model/project.h"
#include "model/select_int.h"

/* --- reading a word */

struct method {
    const char *name;
    bool (*matches)(struct selector *s, const struct tarn_model_node *node, const struct word *w);
};

static size_t depth_of(const char *digits, size_t len)
{
    return len == 0 ? SIZE_MAX : (size_t)strtoul(digits, NULL, 10);
}

static const char *default_method(const char *value)
{
    size_t len = strlen(value);
    if (strchr(value, '/'))
        return "path";
    if ((len > 4 &&
         (strcmp(value + len - 4, ".sql") == 0 || strcmp(value + len - 4, ".csv") == 0)) ||
        (len > 3 && strcmp(value + len - 3, ".py") == 0) ||
        (len > 4 && (strcmp(value + len - 4, ".yml") == 0)))
        return "file";
    return "fqn";
}

/* --- methods */

static bool equals(const char *pattern, const char *text)
{
    if (!text)
        return false;
    return strpbrk(pattern, "*?[") ? tarn_text_glob(pattern, text) : strcmp(pattern, text) == 0;
}

/* "staging.stg_orders" against [shop, staging, stg_orders], with or without the package. */
static bool fqn_prefix(const char *const *fqn, size_t count, const char *value)
{
    size_t at = 0;
    struct tarn_text rest = tarn_text_of(value), part;
    while (tarn_text_split(&rest, '.', &part)) {
        char pattern[256];
        if (at >= count || part.len >= sizeof pattern)
            return false;
        memcpy(pattern, part.data, part.len);
        pattern[part.len] = 0;
        if (!equals(pattern, fqn[at++]))
            return false;
    }
    return true;
}

static bool by_fqn(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    (void)s;
    if (node->fqn_count == 0)
        return false;
    if (equals(w->value, node->fqn[node->fqn_count - 1]) || equals(w->value, node->name) ||
        strcmp(w->value, node->unique_id) == 0)
        return true;
    return fqn_prefix(node->fqn, node->fqn_count, w->value) ||
           fqn_prefix(node->fqn + 1, node->fqn_count - 1, w->value);
}

static bool value_matches(struct selector *s, struct tarn_value value, const char *pattern)
{
    if (tarn_value_is(value, TARN_VALUE_LIST)) {
        for (size_t i = 0; i < tarn_list_count(value); i++)
            if (value_matches(s, tarn_list_at(value, i), pattern))
                return true;
        return false;
    }
    if (tarn_value_is(value, TARN_VALUE_DICT))
        return tarn_dict_get_str(value, pattern).kind != TARN_VALUE_UNDEFINED;
    if (tarn_value_is(value, TARN_VALUE_BOOL))
        return strcasecmp(pattern, value.as.boolean ? "true" : "false") == 0;
    if (tarn_value_is_nothing(value))
        return false;
    TARN_BUFFER(text, 1 << 16);
    tarn_value_print(value, &text);
    return equals(pattern, tarn_buffer_str(&text));
}

static bool by_tag(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    if (value_matches(s, tarn_node_config(node, "tags"), w->value))
        return true;
    for (size_t i = 0; i < node->column_count; i++)
        if (value_matches(s, node->columns[i].tags, w->value))
            return true;
    return false;
}

static bool by_path(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    (void)s;
    size_t len = strlen(w->value);
    while (len > 1 && w->value[len - 1] == '/')
        len--;
    const char *value = strncmp(w->value, "./", 2) == 0 ? w->value + 2 : w->value;
    len -= (size_t)(value - w->value);
    const char *path = node->original_path;
    if (!node->package->is_root)
        return false;
    if (strpbrk(value, "*?[")) {
        if (tarn_text_glob(value, path))
            return true;
        TARN_AUTO_FREE char *below = tarn_format("%.*s/*", (int)len, value);
        return tarn_text_glob(below, path);
    }
    return strncmp(path, value, len) == 0 && (path[len] == '/' || path[len] == 0);
}

static bool by_file(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    (void)s;
    const char *slash = strrchr(node->original_path, '/');
    const char *name = slash ? slash + 1 : node->original_path;
    if (equals(w->value, name))
        return true;
    const char *dot = strrchr(name, '.');
    return dot && strlen(w->value) == (size_t)(dot - name) &&
           strncmp(name, w->value, (size_t)(dot - name)) == 0;
}

static bool by_package(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    if (strcmp(w->value, "this") == 0)
        return node->package == s->project->packages[0];
    return equals(w->value, node->package->name);
}

static bool by_source(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    (void)s;
    if (node->kind != TARN_NODE_SOURCE)
        return false;
    const char *parts[] = {node->package->name, node->source_name, node->name};
    return equals(w->value, node->source_name) || fqn_prefix(parts + 1, 2, w->value) ||
           fqn_prefix(parts, 3, w->value) || strcmp(w->value, "*") == 0;
}

static bool by_exposure(struct selector *s, const struct tarn_model_node *node,
                        const struct word *w)
{
    (void)s;
    return node->kind == TARN_NODE_EXPOSURE && equals(w->value, node->name);
}

static bool by_config(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    struct tarn_value value = node->config;
    struct tarn_text rest = tarn_text_of(w->argument ? w->argument : ""), part;
    if (rest.len == 0)
        return false;
    if (strcmp(w->argument, "materialized") == 0)
        return node->kind != TARN_NODE_SOURCE && node->kind != TARN_NODE_EXPOSURE &&
               equals(w->value, tarn_node_materialized(node));
    while (tarn_text_split(&rest, '.', &part)) {
        if (!tarn_value_is(value, TARN_VALUE_DICT))
            return false;
        value = tarn_dict_get_text(value, part);
    }
    return value_matches(s, value, w->value);
}

static bool by_resource_type(struct selector *s, const struct tarn_model_node *node,
                             const struct word *w)
{
    (void)s;
    return strcmp(w->value, tarn_node_kind_name(node->kind)) == 0;
}

static bool by_test_name(struct selector *s, const struct tarn_model_node *node,
                         const struct word *w)
{
    (void)s;
    return node->kind == TARN_NODE_TEST && node->is_generic && equals(w->value, node->test_name);
}

static bool by_test_type(struct selector *s, const struct tarn_model_node *node,
                         const struct word *w)
{
    (void)s;
    if (node->kind == TARN_NODE_UNIT_TEST)
        return strcmp(w->value, "unit") == 0;
    if (node->kind != TARN_NODE_TEST)
        return false;
    if (strcmp(w->value, "generic") == 0 || strcmp(w->value, "schema") == 0)
        return node->is_generic;
    if (strcmp(w->value, "singular") == 0)
        return !node->is_generic;
    return strcmp(w->value, "data") == 0;
}

static bool by_version(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    (void)s;
    if (strcmp(w->value, "none") == 0)
        return node->kind == TARN_NODE_MODEL && !node->version;
    if (strcmp(w->value, "latest") == 0)
        return node->version && node->is_latest;
    if (strcmp(w->value, "old") == 0)
        return node->version && !node->is_latest;
    return false;
}

static bool by_access(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    struct tarn_value access = tarn_node_config(node, "access");
    if (node->kind != TARN_NODE_MODEL)
        return false;
    return tarn_value_is_nothing(access) ? strcmp(w->value, "protected") == 0
                                         : value_matches(s, access, w->value);
}

static bool by_group(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    return value_matches(s, tarn_node_config(node, "group"), w->value);
}

static const struct method methods[] = {
    {"fqn", by_fqn},
    {"name", by_fqn},
    {"tag", by_tag},
    {"path", by_path},
    {"file", by_file},
    {"package", by_package},
    {"source", by_source},
    {"exposure", by_exposure},
    {"config", by_config},
    {"resource_type", by_resource_type},
    {"test_name", by_test_name},
    {"test_type", by_test_type},
    {"version", by_version},
    {"access", by_access},
    {"group", by_group},
    {"state", select_by_state},
    {"result", select_by_result},
    {NULL, NULL},
};

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; methods[i].name; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

/* [@] [[N]+] [method[.argument]:] value [+[N]] */
static enum tarn_status read_word(struct selector *s, const char *text, struct word *w,
                                  struct tarn_error *err)
{
    *w = (struct word){.text = text};
    const char *at = text;
    if (*at == '@') {
        w->with_relatives = true;
        at++;
    }
    size_t digits = strspn(at, "0123456789");
    if (at[digits] == '+') {
        w->parents = true;
        w->parent_depth = depth_of(at, digits);
        at += digits + 1;
    }
    char *value = tarn_arena_strdup(s->arena, at);
    char *end = value + strlen(value), *tail = end;
    while (tail > value && isdigit((unsigned char)tail[-1]))
        tail--;
    if (tail > value && tail[-1] == '+') {
        w->children = true;
        w->child_depth = depth_of(tail, (size_t)(end - tail));
        tail[-1] = 0;
    }
    char *colon = strchr(value, ':');
    w->method = default_method(value);
    w->value = value;
    if (colon) {
        *colon = 0;
        w->method = value;
        w->value = colon + 1;
        char *dot = strchr(value, '.');
        if (dot) {
            *dot = 0;
            w->argument = dot + 1;
        }
    }
    if (!*w->value)
        return tarn_fail(err, TARN_USAGE, "the selection '%s' names nothing", text);
    if (w->with_relatives && w->children)
        return tarn_fail(err, TARN_USAGE,
                         "the selection '%s' has both @ and a + behind it; use one", text);
    if (find_method(w->method))
        return TARN_OK;
    const char *names[TARN_COUNT(methods)];
    size_t count = 0;
    for (; methods[count].name; count++)
        names[count] = methods[count].name;
    const char *nearest = tarn_text_nearest(w->method, names, count);
    return tarn_fail(err, TARN_USAGE,
                     "the selection '%s' uses the unknown method '%s'%s%s%s; methods are fqn, tag, "
                     "path, file, package, source, exposure, config.KEY, resource_type, test_name, "
                     "test_type, version, access, group, state, result",
                     text, w->method, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

/* --- the graph */

static void spread(struct selector *s, bool *set, bool up, size_t depth)
{
    struct tarn_model_nodes level = {0}, next = {0};
    for (size_t i = 0; i < s->count; i++)
        if (set[i])
            tarn_model_nodes_add(&level, s->project->nodes.items[i]);
    for (size_t d = 0; d < depth && level.count > 0; d++) {
        next.count = 0;
        for (size_t i = 0; i < level.count; i++) {
            const struct tarn_model_nodes *near =
                up ? &level.items[i]->parents : &level.items[i]->children;
            for (size_t k = 0; k < near->count; k++) {
                if (set[near->items[k]->index])
                    continue;
                set[near->items[k]->index] = true;
                tarn_model_nodes_add(&next, near->items[k]);
            }
        }
        struct tarn_model_nodes swap = level;
        level = next;
        next = swap;
    }
    free(level.items);
    free(next.items);
}

bool *select_new_set(struct selector *s)
{
    return tarn_arena_array(s->arena, s->count + 1, sizeof(bool));
}

/* A plain name that nobody has is a mistake; what a method or a pattern finds may be nothing. */
static enum tarn_status nothing_matches(struct selector *s, const char *text, const struct word *w,
                                        struct tarn_error *err)
{
    bool is_name = strcmp(w->method, "fqn") == 0 && !strpbrk(w->value, "*?[");
    const char *nearest = is_name ? tarn_name_map_nearest(&s->project->by_name, w->value) : NULL;
    const char *said = tarn_arena_format(s->arena, "the selection '%s' matches nothing%s%s%s", text,
                                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                                         nearest ? "'?" : "");
    if (is_name && s->must_exist)
        return tarn_fail(err, TARN_USAGE, "%s%s", said,
                         nearest ? "" : "; `tarn ls` shows what there is");
    tarn_model_warn(s->project, "%s", said);
    return TARN_OK;
}

static enum tarn_status set_of_word(struct selector *s, const char *text, bool *set,
                                    struct tarn_error *err)
{
    struct word w;
    bool any = false;
    TARN_TRY(read_word(s, text, &w, err));
    const struct method *method = find_method(w.method);
    TARN_TRY(select_state_load(s, &w, err));
    for (size_t i = 0; i < s->count; i++)
        any |= set[i] = method->matches(s, s->project->nodes.items[i], &w);
    if (!any)
        TARN_TRY(nothing_matches(s, text, &w, err));
    if (w.with_relatives) {
        spread(s, set, false, SIZE_MAX);
        spread(s, set, true, SIZE_MAX);
        return TARN_OK;
    }
    bool *below = select_new_set(s);
    memcpy(below, set, s->count * sizeof *set);
    if (w.parents)
        spread(s, set, true, w.parent_depth);
    if (w.children)
        spread(s, below, false, w.child_depth);
    for (size_t i = 0; i < s->count; i++)
        set[i] = set[i] || below[i];
    return TARN_OK;
}

static bool is_test(const struct tarn_model_node *node)
{
    return node->kind == TARN_NODE_TEST || node->kind == TARN_NODE_UNIT_TEST;
}

/* Eager: a test comes along when any of its parents is selected; cautious: when all are; buildable:
 * when all are, or are ancestors of what is. */
static void add_tests(struct selector *s, enum tarn_indirect indirect, bool *set)
{
    bool *with = select_new_set(s), *near = select_new_set(s);
    if (indirect == TARN_INDIRECT_EMPTY)
        return;
    memcpy(with, set, s->count * sizeof *set);
    memcpy(near, set, s->count * sizeof *set);
    if (indirect == TARN_INDIRECT_BUILDABLE)
        spread(s, near, true, SIZE_MAX);
    for (size_t i = 0; i < s->count; i++) {
        const struct tarn_model_node *node = s->project->nodes.items[i];
        bool any = false, all = true;
        for (size_t k = 0; is_test(node) && k < node->parents.count; k++) {
            size_t parent = node->parents.items[k]->index;
            any |= set[parent];
            all &= near[parent];
        }
        with[i] = with[i] || (any && (all || indirect == TARN_INDIRECT_EAGER));
    }
    memcpy(set, with, s->count * sizeof *set);
}

enum tarn_status select_word(struct selector *s, const char *text, enum tarn_indirect indirect,
                             bool *set, struct tarn_error *err)
{
    TARN_TRY(set_of_word(s, text, set, err));
    add_tests(s, indirect, set);
    return TARN_OK;
}

/* Words between commas, intersected. */
static enum tarn_status set_of_group(struct selector *s, struct tarn_text group, bool *set,
                                     struct tarn_error *err)
{
    struct tarn_text part;
    bool first = true;
    while (tarn_text_split(&group, ',', &part)) {
        bool *own = select_new_set(s);
        const char *text = tarn_arena_strndup(s->arena, part.data, part.len);
        TARN_TRY(select_word(s, text, TARN_INDIRECT_EAGER, own, err));
        for (size_t i = 0; i < s->count; i++)
            set[i] = first ? own[i] : set[i] && own[i];
        first = false;
    }
    return TARN_OK;
}

/* Groups between spaces, united. */
static enum tarn_status set_of_list(struct selector *s, const char *const *texts, size_t count,
                                    bool *set, struct tarn_error *err)
{
    for (size_t t = 0; t < count; t++) {
        struct tarn_text rest = tarn_text_of(texts[t]), group;
        while (tarn_text_split(&rest, ' ', &group)) {
            if (group.len == 0)
                continue;
            bool *own = select_new_set(s);
            TARN_TRY(set_of_group(s, group, own, err));
            for (size_t i = 0; i < s->count; i++)
                set[i] = set[i] || own[i];
        }
    }
    return TARN_OK;
}

enum tarn_status select_text(struct selector *s, const char *text, bool *set,
                             struct tarn_error *err)
{
    return set_of_list(s, &text, 1, set, err);
}

static enum tarn_status kinds_named(const char *const *names, size_t count, unsigned *ret_kinds,
                                    struct tarn_error *err)
{
    *ret_kinds = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = strcmp(names[i], "all") == 0 || strcmp(names[i], "default") == 0;
        if (known)
            *ret_kinds = UINT_MAX;
        for (unsigned k = 0; k < TARN_NODE_KINDS; k++) {
            if (strcmp(tarn_node_kind_name((enum tarn_node_kind)k), names[i]) == 0) {
                *ret_kinds |= 1u << k;
                known = true;
            }
        }
        if (!known)
            return tarn_fail(err, TARN_USAGE,
                             "'%s' is no resource type; they are model, seed, snapshot, test, "
                             "unit_test, analysis, source, exposure",
                             names[i]);
    }
    return TARN_OK;
}

/* What --select, --exclude and --selector say; without any of them the default selector, or all. */
static enum tarn_status select_nodes(struct selector *s, const struct tarn_selection *selection,
                                     bool *set, bool *excluded, struct tarn_error *err)
{
    bool found = false;
    if (selection->selector && (selection->select_count || selection->exclude_count))
        return tarn_fail(err, TARN_USAGE, "--selector says all; leave --select and --exclude away");
    if (selection->selector || (!selection->select_count && !selection->exclude_count))
        TARN_TRY(select_by_selector(s, selection->selector, set, &found, err));
    for (size_t i = 0; !found && selection->select_count == 0 && i < s->count; i++)
        set[i] = true;
    s->must_exist = true;
    TARN_TRY(set_of_list(s, selection->select, selection->select_count, set, err));
    s->must_exist = false;
    return set_of_list(s, selection->exclude, selection->exclude_count, excluded, err);
}

enum tarn_status tarn_model_select(struct tarn_model_project *project,
                                   const struct tarn_selection *selection, unsigned kinds,
                                   bool *ret_selected, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct selector s = {.project = project,
                         .arena = arena,
                         .count = project->nodes.count,
                         .state_folder = selection->state};
    bool *set = select_new_set(&s), *excluded = select_new_set(&s);
    unsigned only, without;
    enum tarn_status status = select_nodes(&s, selection, set, excluded, err);
    select_state_release(&s);
    TARN_TRY(status);
    TARN_TRY(kinds_named(selection->resource_types, selection->resource_type_count, &only, err));
    TARN_TRY(kinds_named(selection->exclude_resource_types, selection->exclude_resource_type_count,
                         &without, err));
    if (selection->resource_type_count == 0)
        only = UINT_MAX;
    for (size_t i = 0; i < s.count; i++) {
        unsigned kind = 1u << project->nodes.items[i]->kind;
        ret_selected[i] = set[i] && !excluded[i] && (kinds & only & ~without & kind);
    }
    return TARN_OK;
}
