/* model/selectors.c -- selectors.yml: selections with a name. A definition is a text as on the
 * command line, {method, value, ...}, {method: value}, or a union or intersection of definitions
 * with an `exclude` among them. */
#include "model/select_int.h"

#include "base/file.h"
#include "model/context.h"

enum { DEPTH_MAX = 20 };

static enum tarn_status define(struct selector *s, const struct tarn_yaml *yaml, bool *set,
                               struct tarn_error *err);

static void subtract(struct selector *s, bool *set, const bool *less)
{
    for (size_t i = 0; i < s->count; i++)
        set[i] = set[i] && !less[i];
}

/* What any of the definitions selects. */
static enum tarn_status unite(struct selector *s, const struct tarn_yaml *list, bool *set,
                              struct tarn_error *err)
{
    if (list->kind != TARN_YAML_LIST)
        return tarn_yaml_fail(list, err, "`exclude` is a list of definitions");
    for (size_t i = 0; i < list->count; i++) {
        bool *own = select_new_set(s);
        TARN_TRY(define(s, list->items[i], own, err));
        for (size_t k = 0; k < s->count; k++)
            set[k] = set[k] || own[k];
    }
    return TARN_OK;
}

static enum tarn_status combine(struct selector *s, const struct tarn_yaml *list, bool intersects,
                                bool *set, struct tarn_error *err)
{
    bool *less = select_new_set(s);
    bool first = true;
    if (list->kind != TARN_YAML_LIST)
        return tarn_yaml_fail(list, err, "`%s` is a list of definitions",
                              intersects ? "intersection" : "union");
    for (size_t i = 0; i < list->count; i++) {
        const struct tarn_yaml *exclude = tarn_yaml_get(list->items[i], "exclude");
        if (exclude && list->items[i]->count == 1) {
            TARN_TRY(unite(s, exclude, less, err));
            continue;
        }
        bool *own = select_new_set(s);
        TARN_TRY(define(s, list->items[i], own, err));
        for (size_t k = 0; k < s->count; k++)
            set[k] = first ? own[k] : intersects ? set[k] && own[k] : set[k] || own[k];
        first = false;
    }
    subtract(s, set, less);
    return TARN_OK;
}

static enum tarn_status depth_of(const struct tarn_yaml *yaml, const char *flag, const char *key,
                                 const char **ret_before, int64_t *ret_depth,
                                 struct tarn_error *err)
{
    bool wanted = false;
    TARN_TRY(tarn_yaml_bool(yaml, flag, &wanted, err));
    TARN_TRY(tarn_yaml_int(yaml, key, 0, 1000000, ret_depth, err));
    *ret_before = wanted ? "+" : "";
    return TARN_OK;
}

static const char *depth_text(struct selector *s, int64_t depth)
{
    return depth >= 0 ? tarn_arena_format(s->arena, "%lld", (long long)depth) : "";
}

/* {method: tag, value: nightly, children: true, parents_depth: 2, ...} */
static enum tarn_status define_method(struct selector *s, const struct tarn_yaml *yaml, bool *set,
                                      struct tarn_error *err)
{
    static const char *const keys[] = {"method",
                                       "value",
                                       "children",
                                       "parents",
                                       "children_depth",
                                       "parents_depth",
                                       "exclude",
                                       "childrens_parents",
                                       "indirect_selection",
                                       NULL};
    static const char *const modes[] = {"eager", "cautious", "buildable", "empty", NULL};
    const char *method, *value, *before, *after;
    int64_t parents = -1, children = -1;
    bool relatives = false, found;
    int mode = TARN_INDIRECT_EAGER;
    TARN_TRY(tarn_yaml_expect_keys(yaml, "a definition", keys, err));
    TARN_TRY(tarn_yaml_str_required(yaml, "method", &method, err));
    TARN_TRY(tarn_yaml_str_required(yaml, "value", &value, err));
    TARN_TRY(depth_of(yaml, "parents", "parents_depth", &before, &parents, err));
    TARN_TRY(depth_of(yaml, "children", "children_depth", &after, &children, err));
    TARN_TRY(tarn_yaml_bool(yaml, "childrens_parents", &relatives, err));
    TARN_TRY(tarn_yaml_choice(yaml, "indirect_selection", modes, &mode, err));
    if (strcmp(method, "selector") == 0) {
        TARN_TRY(select_by_selector(s, value, set, &found, err));
    } else {
        const char *text = tarn_arena_format(s->arena, "%s%s%s%s:%s%s%s", relatives ? "@" : "",
                                             *before ? depth_text(s, parents) : "", before, method,
                                             value, after, *after ? depth_text(s, children) : "");
        if (select_word(s, text, (enum tarn_indirect)mode, set, err) != TARN_OK)
            return tarn_error_wrap(err, "%s:%d", yaml->file, yaml->line);
    }
    const struct tarn_yaml *exclude = tarn_yaml_get(yaml, "exclude");
    bool *less = select_new_set(s);
    if (exclude)
        TARN_TRY(unite(s, exclude, less, err));
    subtract(s, set, less);
    return TARN_OK;
}

static enum tarn_status define(struct selector *s, const struct tarn_yaml *yaml, bool *set,
                               struct tarn_error *err)
{
    if (yaml->kind == TARN_YAML_STRING) {
        if (select_text(s, yaml->text, set, err) != TARN_OK)
            return tarn_error_wrap(err, "%s:%d", yaml->file, yaml->line);
        return TARN_OK;
    }
    if (yaml->kind != TARN_YAML_MAP || yaml->count == 0)
        return tarn_yaml_fail(yaml, err,
                              "a definition is text such as 'tag:nightly+', a map with method and "
                              "value, or a union or intersection of such, not %s",
                              tarn_yaml_kind_name(yaml->kind));
    if (tarn_yaml_get(yaml, "method"))
        return define_method(s, yaml, set, err);
    if (yaml->count != 1)
        return tarn_yaml_fail(yaml, err,
                              "a definition has one key (union, intersection or a method's name), "
                              "or `method` and `value`; '%s' stands beside '%s'",
                              tarn_yaml_key(yaml, 0), tarn_yaml_key(yaml, 1));
    const char *key = tarn_yaml_key(yaml, 0);
    if (strcmp(key, "union") == 0 || strcmp(key, "intersection") == 0)
        return combine(s, yaml->items[0], *key == 'i', set, err);
    if (!yaml->items[0]->text)
        return tarn_yaml_fail(yaml->items[0], err, "the value of the method '%s' is text", key);
    TARN_AUTO_FREE char *text = tarn_format("%s:%s", key, yaml->items[0]->text);
    if (select_word(s, text, TARN_INDIRECT_EAGER, set, err) != TARN_OK)
        return tarn_error_wrap(err, "%s:%d", yaml->file, yaml->line);
    return TARN_OK;
}

/* --- the file */

static enum tarn_status is_default(struct selector *s, const struct tarn_yaml *entry, bool *ret,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *value = tarn_yaml_get(entry, "default");
    struct tarn_model_context context;
    struct tarn_value rendered = TARN_UNDEFINED;
    *ret = false;
    if (!value)
        return TARN_OK;
    tarn_model_context_init(&context, s->project, NULL);
    enum tarn_status status = tarn_model_yaml_value(&context, tarn_model_context_heap(&context),
                                                    value, NULL, &rendered, err);
    if (status == TARN_OK)
        *ret = tarn_value_is_string(rendered)
                   ? tarn_value_text_is(rendered, "true") || tarn_value_text_is(rendered, "True")
                   : tarn_value_truth(rendered);
    tarn_model_context_release(&context);
    return status;
}

static enum tarn_status find(struct selector *s, const struct tarn_yaml *list, const char *name,
                             const struct tarn_yaml **ret_entry, struct tarn_error *err)
{
    static const char *const keys[] = {"name", "description", "definition", "default", NULL};
    const char **names = tarn_arena_array(s->arena, (list ? list->count : 0) + 1, sizeof *names);
    size_t count = 0;
    *ret_entry = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        const struct tarn_yaml *entry = list->items[i];
        bool wanted = false;
        TARN_TRY(tarn_yaml_expect_keys(entry, "a selector", keys, err));
        TARN_TRY(tarn_yaml_str_required(entry, "name", &names[count], err));
        if (!name)
            TARN_TRY(is_default(s, entry, &wanted, err));
        if (name ? strcmp(names[count], name) == 0 : wanted)
            *ret_entry = entry;
        count++;
    }
    if (*ret_entry || !name)
        return TARN_OK;
    const char *nearest = tarn_text_nearest(name, names, count);
    return tarn_fail(err, TARN_USAGE, "there is no selector '%s' in selectors.yml%s%s%s", name,
                     nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

enum tarn_status select_by_selector(struct selector *s, const char *name, bool *set,
                                    bool *ret_found, struct tarn_error *err)
{
    TARN_AUTO_FREE char *path = tarn_path_join(s->project->directory, "selectors.yml");
    const struct tarn_yaml *root = NULL, *list = NULL, *entry;
    *ret_found = false;
    if (tarn_file_exists(path)) {
        TARN_TRY(tarn_yaml_read(tarn_arena_strdup(s->arena, path), s->arena, &root, err));
        TARN_TRY(tarn_yaml_list(root, "selectors", &list, err));
    }
    TARN_TRY(find(s, list, name, &entry, err));
    if (!entry)
        return TARN_OK;
    const struct tarn_yaml *definition = tarn_yaml_get(entry, "definition");
    if (!definition)
        return tarn_yaml_fail(entry, err, "the selector needs a `definition`");
    if (s->depth >= DEPTH_MAX)
        return tarn_yaml_fail(entry, err, "the selectors go in a circle");
    *ret_found = true;
    bool must_exist = s->must_exist;
    s->must_exist = false; /* what is written once may outlive what it names */
    s->depth++;
    enum tarn_status status = define(s, definition, set, err);
    s->depth--;
    s->must_exist = must_exist;
    return status;
}
