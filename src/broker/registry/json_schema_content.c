/* broker/registry/json_schema_content.c -- the part of json_schema_check.c that is about what may
 * stand in objects and arrays: open, closed and partially open content models. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "broker/registry/json_schema_check_int.h"

/* ---- objects ---- */

static const struct tarn_js *find_member(const struct tarn_js_member *members, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, name) == 0)
            return members[i].schema;
    return NULL;
}

static const struct tarn_js *property(const struct tarn_js *node, const char *name)
{
    return find_member(node->properties, node->property_count, name);
}

static bool requires(const struct tarn_js *node, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach (tarn_js_keyword(node, "required"), i, item) {
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    }
    return false;
}

static bool has_default(const struct tarn_js *node)
{
    return tarn_js_keyword(node, "default") != NULL;
}

static bool is_open(const struct tarn_js *node)
{
    return !node->forbids_more && !node->more && !node->pattern_count &&
           (!node->unevaluated || node->unevaluated->kind == TARN_JS_ANY);
}

static bool matches(const char *pattern, const char *name)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
    if (!compiled)
        return false;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(compiled, NULL);
    pcre2_set_match_limit(limits, 100000); /* patterns come from outside */
    bool found =
        pcre2_match(compiled, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0, data, limits) >= 0;
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(compiled);
    return found;
}

/* What a partially open content model says of a property or, with name NULL, of an item. */
static const struct tarn_js *covering(const struct tarn_js *node, const char *name)
{
    for (size_t i = 0; name && i < node->pattern_count; i++)
        if (matches(node->patterns[i].name, name))
            return node->patterns[i].schema;
    if (node->more)
        return node->more;
    if (!node->forbids_more && node->unevaluated && node->unevaluated->kind != TARN_JS_ANY &&
        node->unevaluated->kind != TARN_JS_NONE)
        return node->unevaluated;
    return NULL;
}

static bool property_removed(struct tarn_js_check_state *check, const struct tarn_js *was,
                             const struct tarn_js *fresh, const char *name, const char *path)
{
    if (is_open(fresh))
        return true;
    const struct tarn_js *cover = covering(fresh, name);
    if (cover)
        return tarn_js_compare(check, was, cover, path) ||
               tarn_js_differ(check, "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                              path);
    return was->kind == TARN_JS_NONE ||
           tarn_js_differ(check, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path);
}

static bool property_added(struct tarn_js_check_state *check, const struct tarn_js *old,
                           const struct tarn_js *fresh, const struct tarn_js *added,
                           const char *name, const char *path)
{
    bool is_required = requires(fresh, name), fine = true;
    if (is_open(old)) {
        if (added->kind == TARN_JS_ANY)
            return true;
        return tarn_js_differ(check,
                              !is_required ? "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"
                              : has_default(added)
                                  ? "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL"
                                  : "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
                              path);
    }
    const struct tarn_js *cover = covering(old, name);
    if (cover)
        fine = tarn_js_compare(check, cover, added, path) ||
               tarn_js_differ(check, "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                              path);
    if (is_required && !has_default(added))
        fine = tarn_js_differ(check, "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", path);
    return fine;
}

static bool compare_properties(struct tarn_js_check_state *check, const struct tarn_js *old,
                               const struct tarn_js *fresh, const char *path)
{
    bool fine = true;
    for (size_t i = 0; i < old->property_count; i++) {
        const char *name = old->properties[i].name;
        const struct tarn_js *now = property(fresh, name);
        if (now && requires(fresh, name) && !requires(old, name) && !has_default(now))
            fine =
                tarn_js_differ(check, "REQUIRED_ATTRIBUTE_ADDED",
                               tarn_js_below(check, tarn_js_below(check, path, "required"), name));
    }
    const char *properties = tarn_js_below(check, path, "properties");
    for (size_t i = 0; i < old->property_count; i++) {
        const char *name = old->properties[i].name, *at = tarn_js_below(check, properties, name);
        const struct tarn_js *was = old->properties[i].schema, *now = property(fresh, name);
        fine &= now ? tarn_js_compare(check, was, now, at)
                    : property_removed(check, was, fresh, name, at);
    }
    for (size_t i = 0; i < fresh->property_count; i++) {
        const char *name = fresh->properties[i].name;
        if (!property(old, name))
            fine &= property_added(check, old, fresh, fresh->properties[i].schema, name,
                                   tarn_js_below(check, properties, name));
    }
    return fine;
}

/* Dependencies on properties: arrays in "dependencies" or in "dependentRequired". */
static const json_t *dependency_list(const struct tarn_js *node, const char *name)
{
    const json_t *list = json_object_get(tarn_js_keyword(node, "dependentRequired"), name);
    if (!list)
        list = json_object_get(tarn_js_keyword(node, "dependencies"), name);
    return json_is_array(list) ? list : NULL;
}

static bool compare_dependency_lists(struct tarn_js_check_state *check, const struct tarn_js *old,
                                     const struct tarn_js *fresh, const char *path)
{
    static const char *const keywords[] = {"dependentRequired", "dependencies"};
    bool fine = true;
    for (size_t i = 0; i < TARN_COUNT(keywords); i++) {
        const char *name;
        json_t *now;
        json_object_foreach ((json_t *)(uintptr_t)tarn_js_keyword(fresh, keywords[i]), name, now) {
            const json_t *was = dependency_list(old, name);
            const char *at = tarn_js_below(check, tarn_js_below(check, path, "dependencies"), name);
            if (!json_is_array(now) || (was && tarn_js_has_all(was, now)))
                continue;
            fine = tarn_js_differ(check,
                                  !was                        ? "DEPENDENCY_ARRAY_ADDED"
                                  : tarn_js_has_all(now, was) ? "DEPENDENCY_ARRAY_EXTENDED"
                                                              : "DEPENDENCY_ARRAY_CHANGED",
                                  at);
        }
    }
    return fine;
}

static bool compare_dependencies(struct tarn_js_check_state *check, const struct tarn_js *old,
                                 const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_dependency_lists(check, old, fresh, path);
    for (size_t i = 0; i < fresh->dependency_count; i++) {
        const char *name = fresh->dependencies[i].name;
        const char *at = tarn_js_below(check, tarn_js_below(check, path, "dependencies"), name);
        const struct tarn_js *was = find_member(old->dependencies, old->dependency_count, name);
        fine &= was ? tarn_js_compare(check, was, fresh->dependencies[i].schema, at)
                    : tarn_js_differ(check, "DEPENDENCY_SCHEMA_ADDED", at);
    }
    return fine;
}

/* additionalProperties and additionalItems, unevaluated...: `stem` is ADDITIONAL_ITEMS and so on.
 */
static bool compare_more(struct tarn_js_check_state *check, const struct tarn_js *old,
                         const struct tarn_js *fresh, const char *stem, const char *path)
{
    if (fresh->forbids_more && !old->forbids_more)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_REMOVED", stem), path);
    if (old->forbids_more != fresh->forbids_more || !fresh->more)
        return true;
    if (!old->more)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_NARROWED", stem), path);
    return tarn_js_compare(check, old->more, fresh->more, path);
}

static bool compare_unevaluated(struct tarn_js_check_state *check, const struct tarn_js *old,
                                const struct tarn_js *fresh, const char *stem, const char *path)
{
    const struct tarn_js *was = old->unevaluated, *now = fresh->unevaluated;
    bool was_none = was && was->kind == TARN_JS_NONE, is_none = now && now->kind == TARN_JS_NONE;
    bool was_any = was && was->kind == TARN_JS_ANY;
    if (!now || was_none || now->kind == TARN_JS_ANY)
        return true;
    if (is_none)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_REMOVED", stem), path);
    if (!was || was_any)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_NARROWED", stem), path);
    return tarn_js_compare(check, was, now, path);
}

bool tarn_js_compare_objects(struct tarn_js_check_state *check, const struct tarn_js *old,
                             const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_properties(check, old, fresh, path);
    fine &= compare_dependencies(check, old, fresh, path);
    fine &= compare_more(check, old, fresh, "ADDITIONAL_PROPERTIES",
                         tarn_js_below(check, path, "additionalProperties"));
    fine &= compare_unevaluated(check, old, fresh, "UNEVALUATED_PROPERTIES",
                                tarn_js_below(check, path, "unevaluatedProperties"));
    fine &= tarn_js_compare_limit(check, old, fresh, "maxProperties", "MAX_PROPERTIES", true, path);
    fine &=
        tarn_js_compare_limit(check, old, fresh, "minProperties", "MIN_PROPERTIES", false, path);
    return fine;
}

/* ---- arrays ---- */

static bool item_removed(struct tarn_js_check_state *check, const struct tarn_js *was,
                         const struct tarn_js *fresh, const char *path)
{
    if (is_open(fresh))
        return true;
    const struct tarn_js *cover = covering(fresh, NULL);
    if (cover)
        return tarn_js_compare(check, was, cover, path) ||
               tarn_js_differ(check, "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                              path);
    return was->kind == TARN_JS_NONE ||
           tarn_js_differ(check, "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", path);
}

static bool item_added(struct tarn_js_check_state *check, const struct tarn_js *old,
                       const struct tarn_js *added, const char *path)
{
    if (is_open(old))
        return added->kind == TARN_JS_ANY ||
               tarn_js_differ(check, "ITEM_ADDED_TO_OPEN_CONTENT_MODEL", path);
    const struct tarn_js *cover = covering(old, NULL);
    return !cover || tarn_js_compare(check, cover, added, path) ||
           tarn_js_differ(check, "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path);
}

static bool compare_items(struct tarn_js_check_state *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    bool fine = true;
    if (fresh->all_items)
        fine = old->all_items
                   ? tarn_js_compare(check, old->all_items, fresh->all_items,
                                     tarn_js_below(check, path, "items"))
                   : tarn_js_differ(check, "SCHEMA_ADDED", tarn_js_below(check, path, "items"));
    for (size_t i = 0; i < old->item_count || i < fresh->item_count; i++) {
        const char *at = tarn_js_place(check, path, "items", i);
        if (i >= fresh->item_count)
            fine &= item_removed(check, old->items[i], fresh, at);
        else if (i >= old->item_count)
            fine &= item_added(check, old, fresh->items[i], at);
        else
            fine &= tarn_js_compare(check, old->items[i], fresh->items[i], at);
    }
    return fine;
}

bool tarn_js_compare_arrays(struct tarn_js_check_state *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_items(check, old, fresh, path);
    fine &= compare_more(check, old, fresh, "ADDITIONAL_ITEMS",
                         tarn_js_below(check, path, "additionalItems"));
    fine &= compare_unevaluated(check, old, fresh, "UNEVALUATED_ITEMS",
                                tarn_js_below(check, path, "unevaluatedItems"));
    fine &= tarn_js_compare_limit(check, old, fresh, "maxItems", "MAX_ITEMS", true, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "minItems", "MIN_ITEMS", false, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "maxContains", "MAX_CONTAINS", true, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "minContains", "MIN_CONTAINS", false, path);
    if (json_is_true(tarn_js_keyword(fresh, "uniqueItems")) &&
        !json_is_true(tarn_js_keyword(old, "uniqueItems")))
        fine =
            tarn_js_differ(check, "UNIQUE_ITEMS_ADDED", tarn_js_below(check, path, "uniqueItems"));
    return fine;
}
