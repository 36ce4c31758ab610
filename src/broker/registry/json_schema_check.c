/* broker/registry/json_schema_check.c -- whether a newer JSON Schema takes everything an older one
 * took: Confluent's difference rules, with open, closed and partially open content models.
 *
 * A difference is compatible or not by its kind alone (the table below), and compatible ones are
 * never told, so only the others are made. Pairs of nodes are remembered as in avro_check.c: one
 * that is being compared counts as fine, each is compared at most twice. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdio.h>

#include "base/hash.h"
#include "broker/registry/json_schema.h"

#define KEYWORD "The keyword at path '%s' in the %%s schema is not present in the %%s schema"
#define MORE_THAN                                                                                  \
    "The value at path '%s' in the %%s schema is more than its value in the %%s schema"
#define LESS_THAN                                                                                  \
    "The value at path '%s' in the %%s schema is less than its value in the %%s schema"
#define CHANGED "The value at path '%s' is different between the %%s and %%s schema"
#define FEWER                                                                                      \
    "An array or combined type at path '%s' has fewer elements in the %%s schema than the %%s "    \
    "schema"
#define LONGER                                                                                     \
    "An array or combined type at path '%s' has more elements in the %%s schema than the %%s "     \
    "schema"
#define OTHER "A type at path '%s' is different between the %%s schema and the %%s schema"
#define OPENED                                                                                     \
    "The %%s schema has an open content model and has a property or item at path '%s' which is "   \
    "missing in the %%s schema"
#define CLOSED                                                                                     \
    "The %%s has a closed content model and is missing a property or item present at path '%s' "   \
    "in the %%s schema"
#define UNCOVERED_REMOVED                                                                          \
    "A property or item is missing in the %%s schema but present at path '%s' in the %%s schema "  \
    "and is not covered by its partially open content model"
#define UNCOVERED_ADDED                                                                            \
    "The %%s schema has a property or item at path '%s' which is missing in the %%s schema and "   \
    "is "                                                                                          \
    "not covered by its partially open content model"
#define UNOPEN                                                                                     \
    "The %%s schema has an unopen content model and has a required property at path '%s' which "   \
    "is "                                                                                          \
    "missing in the %%s schema"

/* The incompatible kinds and their words. */
static const struct kind {
    const char *name, *words;
} kinds[] = {
    {"SCHEMA_ADDED", ""},
    {"TYPE_NARROWED", OTHER},
    {"TYPE_CHANGED", OTHER},
    {"MAX_LENGTH_ADDED", KEYWORD},
    {"MAX_LENGTH_DECREASED", LESS_THAN},
    {"MIN_LENGTH_ADDED", KEYWORD},
    {"MIN_LENGTH_INCREASED", MORE_THAN},
    {"PATTERN_ADDED", KEYWORD},
    {"PATTERN_CHANGED", CHANGED},
    {"MAXIMUM_ADDED", KEYWORD},
    {"MAXIMUM_DECREASED", LESS_THAN},
    {"MINIMUM_ADDED", KEYWORD},
    {"MINIMUM_INCREASED", MORE_THAN},
    {"EXCLUSIVE_MAXIMUM_ADDED", KEYWORD},
    {"EXCLUSIVE_MAXIMUM_DECREASED", LESS_THAN},
    {"EXCLUSIVE_MINIMUM_ADDED", KEYWORD},
    {"EXCLUSIVE_MINIMUM_INCREASED", MORE_THAN},
    {"MULTIPLE_OF_ADDED", KEYWORD},
    {"MULTIPLE_OF_EXPANDED", MORE_THAN},
    {"MULTIPLE_OF_CHANGED", CHANGED},
    {"REQUIRED_ATTRIBUTE_ADDED", KEYWORD},
    {"MAX_PROPERTIES_ADDED", KEYWORD},
    {"MAX_PROPERTIES_DECREASED", LESS_THAN},
    {"MIN_PROPERTIES_ADDED", KEYWORD},
    {"MIN_PROPERTIES_INCREASED", MORE_THAN},
    {"ADDITIONAL_PROPERTIES_REMOVED", KEYWORD},
    {"ADDITIONAL_PROPERTIES_NARROWED", FEWER},
    {"UNEVALUATED_PROPERTIES_REMOVED", KEYWORD},
    {"UNEVALUATED_PROPERTIES_NARROWED", FEWER},
    {"DEPENDENCY_ARRAY_ADDED", KEYWORD},
    {"DEPENDENCY_ARRAY_EXTENDED", LONGER},
    {"DEPENDENCY_ARRAY_CHANGED", CHANGED},
    {"DEPENDENCY_SCHEMA_ADDED", KEYWORD},
    {"REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", OPENED},
    {"REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL", OPENED},
    {"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", OPENED},
    {"REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", UNOPEN},
    {"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", CLOSED},
    {"PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", UNCOVERED_REMOVED},
    {"PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", UNCOVERED_ADDED},
    {"MAX_ITEMS_ADDED", KEYWORD},
    {"MAX_ITEMS_DECREASED", LESS_THAN},
    {"MIN_ITEMS_ADDED", KEYWORD},
    {"MIN_ITEMS_INCREASED", MORE_THAN},
    {"MAX_CONTAINS_ADDED", KEYWORD},
    {"MAX_CONTAINS_DECREASED", LESS_THAN},
    {"MIN_CONTAINS_ADDED", KEYWORD},
    {"MIN_CONTAINS_INCREASED", MORE_THAN},
    {"UNIQUE_ITEMS_ADDED", KEYWORD},
    {"ADDITIONAL_ITEMS_REMOVED", KEYWORD},
    {"ADDITIONAL_ITEMS_NARROWED", FEWER},
    {"UNEVALUATED_ITEMS_REMOVED", KEYWORD},
    {"UNEVALUATED_ITEMS_NARROWED", FEWER},
    {"ITEM_ADDED_TO_OPEN_CONTENT_MODEL", OPENED},
    {"ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", CLOSED},
    {"ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", UNCOVERED_REMOVED},
    {"ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", UNCOVERED_ADDED},
    {"ENUM_ARRAY_NARROWED", FEWER},
    {"ENUM_ARRAY_CHANGED", OTHER},
    {"COMBINED_TYPE_CHANGED", OTHER},
    {"COMBINED_TYPE_SUBSCHEMAS_CHANGED", OTHER},
    {"PRODUCT_TYPE_EXTENDED", LONGER},
    {"SUM_TYPE_NARROWED", FEWER},
    {"NOT_TYPE_EXTENDED", LONGER},
};

enum verdict { UNKNOWN, COMPARING, FINE, BAD_UNSAID, BAD };

struct pair {
    const struct tarn_js *old, *fresh;
    enum verdict verdict;
};

struct check {
    struct tarn_schema_messages *messages;
    bool is_silent;
    struct tarn_arena *arena;
    struct pair *pairs;
    size_t pair_count, pair_cap;
    int depth;
};

static bool compare(struct check *check, const struct tarn_js *old, const struct tarn_js *fresh,
                    const char *path);

/* One incompatible difference; always false. */
static bool differ(struct check *check, const char *name, const char *path)
{
    size_t i = 0;
    while (i < TARN_COUNT(kinds) - 1 && strcmp(kinds[i].name, name) != 0)
        i++;
    if (check->is_silent)
        return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const char *words =
        *kinds[i].words ? tarn_arena_format(check->arena, kinds[i].words, path) : "";
#pragma GCC diagnostic pop
    tarn_schema_add_message(check->messages, "{errorType:\"%s\", description:\"%s'}", name, words);
    return false;
}

static const char *below(struct check *check, const char *path, const char *step)
{
    return tarn_arena_format(check->arena, "%s%s%s", path, path[1] == '/' && !path[2] ? "" : "/",
                             step);
}

static const char *place(struct check *check, const char *path, const char *step, size_t index)
{
    return below(check, path, tarn_arena_format(check->arena, "%s/%zu", step, index));
}

static bool would_fit(struct check *check, const struct tarn_js *old, const struct tarn_js *fresh)
{
    bool was_silent = check->is_silent;
    check->is_silent = true;
    bool fine = compare(check, old, fresh, "#/");
    check->is_silent = was_silent;
    return fine;
}

static const json_t *keyword(const struct tarn_js *node, const char *name)
{
    return json_object_get(node->source, name);
}

static bool number_of(const struct tarn_js *node, const char *name, double *ret_value)
{
    const json_t *value = keyword(node, name);
    if (!json_is_number(value))
        return false;
    *ret_value = json_number_value(value);
    return true;
}

/* An upper or lower limit that came, or became tighter. `stem` is MAX_LENGTH and so on. */
static bool compare_limit(struct check *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *name, const char *stem,
                          bool is_upper, const char *path)
{
    double before, after;
    if (!number_of(fresh, name, &after))
        return true;
    const char *at = below(check, path, name);
    if (!number_of(old, name, &before))
        return differ(check, tarn_arena_format(check->arena, "%s_ADDED", stem), at);
    if (is_upper && after < before)
        return differ(check, tarn_arena_format(check->arena, "%s_DECREASED", stem), at);
    if (!is_upper && after > before)
        return differ(check, tarn_arena_format(check->arena, "%s_INCREASED", stem), at);
    return true;
}

static bool compare_strings(struct check *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    const char *before = json_string_value(keyword(old, "pattern"));
    const char *after = json_string_value(keyword(fresh, "pattern"));
    bool fine = compare_limit(check, old, fresh, "maxLength", "MAX_LENGTH", true, path);
    fine &= compare_limit(check, old, fresh, "minLength", "MIN_LENGTH", false, path);
    if (after && !before)
        return differ(check, "PATTERN_ADDED", below(check, path, "pattern"));
    if (after && strcmp(before, after) != 0)
        return differ(check, "PATTERN_CHANGED", below(check, path, "pattern"));
    return fine;
}

static bool is_multiple(double value, double of)
{
    if (of == 0)
        return false;
    double ratio = value / of;
    return fabs(ratio - round(ratio)) < 1e-9 * fmax(1, fabs(ratio));
}

static bool compare_numbers(struct check *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    double before, after;
    bool fine = compare_limit(check, old, fresh, "maximum", "MAXIMUM", true, path);
    fine &= compare_limit(check, old, fresh, "minimum", "MINIMUM", false, path);
    fine &= compare_limit(check, old, fresh, "exclusiveMaximum", "EXCLUSIVE_MAXIMUM", true, path);
    fine &= compare_limit(check, old, fresh, "exclusiveMinimum", "EXCLUSIVE_MINIMUM", false, path);
    const char *at = below(check, path, "multipleOf");
    if (number_of(fresh, "multipleOf", &after)) {
        if (!number_of(old, "multipleOf", &before))
            fine = differ(check, "MULTIPLE_OF_ADDED", at);
        else if (after != before && is_multiple(after, before))
            fine = differ(check, "MULTIPLE_OF_EXPANDED", at);
        else if (after != before && !is_multiple(before, after))
            fine = differ(check, "MULTIPLE_OF_CHANGED", at);
    }
    if (fresh->is_integer && !old->is_integer)
        fine = differ(check, "TYPE_NARROWED", path);
    return fine;
}

static bool array_has(const json_t *array, const json_t *wanted)
{
    const json_t *item;
    size_t i;
    json_array_foreach (array, i, item) {
        if (json_equal(item, wanted) || (json_is_number(item) && json_is_number(wanted) &&
                                         json_number_value(item) == json_number_value(wanted)))
            return true;
    }
    return false;
}

static bool has_all(const json_t *array, const json_t *wanted)
{
    const json_t *item;
    size_t i;
    json_array_foreach (wanted, i, item) {
        if (!array_has(array, item))
            return false;
    }
    return true;
}

static bool compare_enums(struct check *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    const json_t *before = keyword(old, "enum"), *after = keyword(fresh, "enum");
    if (has_all(after, before))
        return true;
    return differ(check, has_all(before, after) ? "ENUM_ARRAY_NARROWED" : "ENUM_ARRAY_CHANGED",
                  below(check, path, "enum"));
}

/* ---- combinations ---- */

/* The parts without those that say the same twice. */
static size_t distinct(const struct tarn_js *node, const struct tarn_js **out)
{
    size_t count = 0;
    for (size_t i = 0; i < node->part_count; i++) {
        bool is_new = true;
        for (size_t j = 0; j < count && is_new; j++)
            is_new = !(node->parts[i] == out[j] ||
                       (node->parts[i]->kind == out[j]->kind && node->parts[i]->source &&
                        node->parts[i]->source != node->source && out[j]->source &&
                        json_equal(node->parts[i]->source, out[j]->source)));
        if (is_new)
            out[count++] = node->parts[i];
    }
    return count;
}

struct matching {
    const bool *fits; /* rows of the older, columns of the newer */
    size_t columns;
    int *row_of; /* by column; -1: free */
    bool *tried;
};

/* Finds the row a column, moving others aside (augmenting path); depth is at most the rows. */
static bool place_row(struct matching *m, size_t row)
{
    for (size_t column = 0; column < m->columns; column++) {
        if (!m->fits[row * m->columns + column] || m->tried[column])
            continue;
        m->tried[column] = true;
        if (m->row_of[column] < 0 || place_row(m, (size_t)m->row_of[column])) {
            m->row_of[column] = (int)row;
            return true;
        }
    }
    return false;
}

enum { COMBINED_MAX = 1000 };

/* The most parts of the older that can each be given a part of the newer that takes all it took. */
static size_t match_parts(struct check *check, const struct tarn_js **old, size_t rows,
                          const struct tarn_js **fresh, size_t columns)
{
    bool *fits = tarn_arena_alloc(check->arena, rows * columns + 1);
    struct matching m = {.fits = fits,
                         .columns = columns,
                         .row_of = tarn_arena_array(check->arena, columns + 1, sizeof(int)),
                         .tried = tarn_arena_alloc(check->arena, columns + 1)};
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            fits[row * columns + column] = would_fit(check, old[row], fresh[column]);
    for (size_t column = 0; column < columns; column++)
        m.row_of[column] = -1;
    size_t matched = 0;
    for (size_t row = 0; row < rows; row++) {
        memset(m.tried, 0, columns);
        matched += place_row(&m, row);
    }
    return matched;
}

static bool criteria_agree(const struct tarn_js *old, const struct tarn_js *fresh)
{
    bool single_old = old->part_count == 1, single_fresh = fresh->part_count == 1;
    return strcmp(old->criterion, fresh->criterion) == 0 ||
           strcmp(fresh->criterion, "anyOf") == 0 || (single_old && single_fresh) ||
           (single_old && strcmp(fresh->criterion, "oneOf") == 0) ||
           (single_fresh && strcmp(old->criterion, "allOf") == 0);
}

static bool compare_combined(struct check *check, const struct tarn_js *old,
                             const struct tarn_js *fresh, const char *path)
{
    if (!criteria_agree(old, fresh))
        return differ(check, "COMBINED_TYPE_CHANGED", path);
    if (old->part_count > COMBINED_MAX || fresh->part_count > COMBINED_MAX)
        return differ(check, "COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
    const struct tarn_js **before =
        tarn_arena_array(check->arena, old->part_count + 1, sizeof *before);
    const struct tarn_js **after =
        tarn_arena_array(check->arena, fresh->part_count + 1, sizeof *after);
    size_t rows = distinct(old, before), columns = distinct(fresh, after);
    bool fine = true;
    if (rows < columns && strcmp(fresh->criterion, "allOf") == 0)
        fine = differ(check, "PRODUCT_TYPE_EXTENDED", path);
    if (rows > columns && strcmp(old->criterion, "allOf") != 0)
        fine = differ(check, "SUM_TYPE_NARROWED", path);
    if (match_parts(check, before, rows, after, columns) < (rows < columns ? rows : columns))
        fine = differ(check, "COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
    return fine;
}

/* One side is a combination and the other is not: true when that alone settles it. */
static bool fits_a_part(struct check *check, const struct tarn_js *old, const struct tarn_js *fresh)
{
    bool is_sum = fresh->kind == TARN_JS_COMBINED;
    const struct tarn_js *combined = is_sum ? fresh : old;
    bool is_all = strcmp(combined->criterion, "allOf") == 0;
    if (combined->part_count != 1 && is_all == is_sum)
        return false;
    for (size_t i = 0; i < combined->part_count; i++)
        if (would_fit(check, is_sum ? old : old->parts[i], is_sum ? fresh->parts[i] : fresh))
            return true;
    return false;
}

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
    json_array_foreach (keyword(node, "required"), i, item) {
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    }
    return false;
}

static bool has_default(const struct tarn_js *node)
{
    return keyword(node, "default") != NULL;
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

static bool property_removed(struct check *check, const struct tarn_js *was,
                             const struct tarn_js *fresh, const char *name, const char *path)
{
    if (is_open(fresh))
        return true;
    const struct tarn_js *cover = covering(fresh, name);
    if (cover)
        return compare(check, was, cover, path) ||
               differ(check, "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path);
    return was->kind == TARN_JS_NONE ||
           differ(check, "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path);
}

static bool property_added(struct check *check, const struct tarn_js *old,
                           const struct tarn_js *fresh, const struct tarn_js *added,
                           const char *name, const char *path)
{
    bool is_required = requires(fresh, name), fine = true;
    if (is_open(old)) {
        if (added->kind == TARN_JS_ANY)
            return true;
        return differ(check,
                      !is_required ? "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"
                      : has_default(added)
                          ? "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL"
                          : "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
                      path);
    }
    const struct tarn_js *cover = covering(old, name);
    if (cover)
        fine = compare(check, cover, added, path) ||
               differ(check, "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path);
    if (is_required && !has_default(added))
        fine = differ(check, "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", path);
    return fine;
}

static bool compare_properties(struct check *check, const struct tarn_js *old,
                               const struct tarn_js *fresh, const char *path)
{
    bool fine = true;
    for (size_t i = 0; i < old->property_count; i++) {
        const char *name = old->properties[i].name;
        const struct tarn_js *now = property(fresh, name);
        if (now && requires(fresh, name) && !requires(old, name) && !has_default(now))
            fine = differ(check, "REQUIRED_ATTRIBUTE_ADDED",
                          below(check, below(check, path, "required"), name));
    }
    const char *properties = below(check, path, "properties");
    for (size_t i = 0; i < old->property_count; i++) {
        const char *name = old->properties[i].name, *at = below(check, properties, name);
        const struct tarn_js *was = old->properties[i].schema, *now = property(fresh, name);
        fine &= now ? compare(check, was, now, at) : property_removed(check, was, fresh, name, at);
    }
    for (size_t i = 0; i < fresh->property_count; i++) {
        const char *name = fresh->properties[i].name;
        if (!property(old, name))
            fine &= property_added(check, old, fresh, fresh->properties[i].schema, name,
                                   below(check, properties, name));
    }
    return fine;
}

/* Dependencies on properties: arrays in "dependencies" or in "dependentRequired". */
static const json_t *dependency_list(const struct tarn_js *node, const char *name)
{
    const json_t *list = json_object_get(keyword(node, "dependentRequired"), name);
    if (!list)
        list = json_object_get(keyword(node, "dependencies"), name);
    return json_is_array(list) ? list : NULL;
}

static bool compare_dependency_lists(struct check *check, const struct tarn_js *old,
                                     const struct tarn_js *fresh, const char *path)
{
    static const char *const keywords[] = {"dependentRequired", "dependencies"};
    bool fine = true;
    for (size_t i = 0; i < TARN_COUNT(keywords); i++) {
        const char *name;
        json_t *now;
        json_object_foreach ((json_t *)(uintptr_t)keyword(fresh, keywords[i]), name, now) {
            const json_t *was = dependency_list(old, name);
            const char *at = below(check, below(check, path, "dependencies"), name);
            if (!json_is_array(now) || (was && has_all(was, now)))
                continue;
            fine = differ(check,
                          !was                ? "DEPENDENCY_ARRAY_ADDED"
                          : has_all(now, was) ? "DEPENDENCY_ARRAY_EXTENDED"
                                              : "DEPENDENCY_ARRAY_CHANGED",
                          at);
        }
    }
    return fine;
}

static bool compare_dependencies(struct check *check, const struct tarn_js *old,
                                 const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_dependency_lists(check, old, fresh, path);
    for (size_t i = 0; i < fresh->dependency_count; i++) {
        const char *name = fresh->dependencies[i].name;
        const char *at = below(check, below(check, path, "dependencies"), name);
        const struct tarn_js *was = find_member(old->dependencies, old->dependency_count, name);
        fine &= was ? compare(check, was, fresh->dependencies[i].schema, at)
                    : differ(check, "DEPENDENCY_SCHEMA_ADDED", at);
    }
    return fine;
}

/* additionalProperties and additionalItems, unevaluated...: `stem` is ADDITIONAL_ITEMS and so on.
 */
static bool compare_more(struct check *check, const struct tarn_js *old,
                         const struct tarn_js *fresh, const char *stem, const char *path)
{
    if (fresh->forbids_more && !old->forbids_more)
        return differ(check, tarn_arena_format(check->arena, "%s_REMOVED", stem), path);
    if (old->forbids_more != fresh->forbids_more || !fresh->more)
        return true;
    if (!old->more)
        return differ(check, tarn_arena_format(check->arena, "%s_NARROWED", stem), path);
    return compare(check, old->more, fresh->more, path);
}

static bool compare_unevaluated(struct check *check, const struct tarn_js *old,
                                const struct tarn_js *fresh, const char *stem, const char *path)
{
    const struct tarn_js *was = old->unevaluated, *now = fresh->unevaluated;
    bool was_none = was && was->kind == TARN_JS_NONE, is_none = now && now->kind == TARN_JS_NONE;
    bool was_any = was && was->kind == TARN_JS_ANY;
    if (!now || was_none || now->kind == TARN_JS_ANY)
        return true;
    if (is_none)
        return differ(check, tarn_arena_format(check->arena, "%s_REMOVED", stem), path);
    if (!was || was_any)
        return differ(check, tarn_arena_format(check->arena, "%s_NARROWED", stem), path);
    return compare(check, was, now, path);
}

static bool compare_objects(struct check *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_properties(check, old, fresh, path);
    fine &= compare_dependencies(check, old, fresh, path);
    fine &= compare_more(check, old, fresh, "ADDITIONAL_PROPERTIES",
                         below(check, path, "additionalProperties"));
    fine &= compare_unevaluated(check, old, fresh, "UNEVALUATED_PROPERTIES",
                                below(check, path, "unevaluatedProperties"));
    fine &= compare_limit(check, old, fresh, "maxProperties", "MAX_PROPERTIES", true, path);
    fine &= compare_limit(check, old, fresh, "minProperties", "MIN_PROPERTIES", false, path);
    return fine;
}

/* ---- arrays ---- */

static bool item_removed(struct check *check, const struct tarn_js *was,
                         const struct tarn_js *fresh, const char *path)
{
    if (is_open(fresh))
        return true;
    const struct tarn_js *cover = covering(fresh, NULL);
    if (cover)
        return compare(check, was, cover, path) ||
               differ(check, "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path);
    return was->kind == TARN_JS_NONE ||
           differ(check, "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", path);
}

static bool item_added(struct check *check, const struct tarn_js *old, const struct tarn_js *added,
                       const char *path)
{
    if (is_open(old))
        return added->kind == TARN_JS_ANY ||
               differ(check, "ITEM_ADDED_TO_OPEN_CONTENT_MODEL", path);
    const struct tarn_js *cover = covering(old, NULL);
    return !cover || compare(check, cover, added, path) ||
           differ(check, "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path);
}

static bool compare_items(struct check *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    bool fine = true;
    if (fresh->all_items)
        fine = old->all_items
                   ? compare(check, old->all_items, fresh->all_items, below(check, path, "items"))
                   : differ(check, "SCHEMA_ADDED", below(check, path, "items"));
    for (size_t i = 0; i < old->item_count || i < fresh->item_count; i++) {
        const char *at = place(check, path, "items", i);
        if (i >= fresh->item_count)
            fine &= item_removed(check, old->items[i], fresh, at);
        else if (i >= old->item_count)
            fine &= item_added(check, old, fresh->items[i], at);
        else
            fine &= compare(check, old->items[i], fresh->items[i], at);
    }
    return fine;
}

static bool compare_arrays(struct check *check, const struct tarn_js *old,
                           const struct tarn_js *fresh, const char *path)
{
    bool fine = compare_items(check, old, fresh, path);
    fine &=
        compare_more(check, old, fresh, "ADDITIONAL_ITEMS", below(check, path, "additionalItems"));
    fine &= compare_unevaluated(check, old, fresh, "UNEVALUATED_ITEMS",
                                below(check, path, "unevaluatedItems"));
    fine &= compare_limit(check, old, fresh, "maxItems", "MAX_ITEMS", true, path);
    fine &= compare_limit(check, old, fresh, "minItems", "MIN_ITEMS", false, path);
    fine &= compare_limit(check, old, fresh, "maxContains", "MAX_CONTAINS", true, path);
    fine &= compare_limit(check, old, fresh, "minContains", "MIN_CONTAINS", false, path);
    if (json_is_true(keyword(fresh, "uniqueItems")) && !json_is_true(keyword(old, "uniqueItems")))
        fine = differ(check, "UNIQUE_ITEMS_ADDED", below(check, path, "uniqueItems"));
    return fine;
}

/* ---- any two ---- */

static bool are_bytes(const struct tarn_js *a, const struct tarn_js *b)
{
    const char *first = json_string_value(keyword(a, "connect.type"));
    const char *second = json_string_value(keyword(b, "connect.type"));
    return first && second && strcmp(first, "bytes") == 0 && strcmp(second, "bytes") == 0;
}

static bool compare_kinds(struct check *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    if ((old->kind == TARN_JS_COMBINED) != (fresh->kind == TARN_JS_COMBINED) &&
        fits_a_part(check, old, fresh))
        return true;
    if (old->kind != fresh->kind)
        return old->kind == TARN_JS_NONE || fresh->kind == TARN_JS_ANY || are_bytes(old, fresh) ||
               differ(check, "TYPE_CHANGED", path);
    if (old->kind == TARN_JS_STRING)
        return compare_strings(check, old, fresh, path);
    if (old->kind == TARN_JS_NUMBER)
        return compare_numbers(check, old, fresh, path);
    if (old->kind == TARN_JS_ENUM)
        return compare_enums(check, old, fresh, path);
    if (old->kind == TARN_JS_CONST)
        return json_equal(keyword(old, "const"), keyword(fresh, "const")) ||
               differ(check, "ENUM_ARRAY_CHANGED", below(check, path, "const"));
    if (old->kind == TARN_JS_COMBINED)
        return compare_combined(check, old, fresh, path);
    if (old->kind == TARN_JS_NOT)
        return would_fit(check, fresh->inner, old->inner) ||
               differ(check, "NOT_TYPE_EXTENDED", below(check, path, "not"));
    if (old->kind == TARN_JS_OBJECT)
        return compare_objects(check, old, fresh, path);
    if (old->kind == TARN_JS_ARRAY)
        return compare_arrays(check, old, fresh, path);
    return true;
}

static struct pair *slot_of(const struct check *check, const struct tarn_js *old,
                            const struct tarn_js *fresh)
{
    const void *key[2] = {old, fresh};
    size_t mask = check->pair_cap - 1;
    size_t slot = tarn_hash64((struct tarn_text){(const char *)key, sizeof key}) & mask;
    while (check->pairs[slot].old &&
           (check->pairs[slot].old != old || check->pairs[slot].fresh != fresh))
        slot = (slot + 1) & mask;
    return &check->pairs[slot];
}

static struct pair *find_pair(struct check *check, const struct tarn_js *old,
                              const struct tarn_js *fresh)
{
    if (2 * (check->pair_count + 1) > check->pair_cap) {
        struct pair *all = check->pairs;
        size_t cap = check->pair_cap;
        check->pair_cap = cap ? 2 * cap : 64;
        check->pairs = tarn_arena_array(check->arena, check->pair_cap, sizeof *all);
        for (size_t i = 0; i < cap; i++)
            if (all[i].old)
                *slot_of(check, all[i].old, all[i].fresh) = all[i];
    }
    struct pair *pair = slot_of(check, old, fresh);
    if (!pair->old) {
        *pair = (struct pair){old, fresh, UNKNOWN};
        check->pair_count++;
    }
    return pair;
}

static const struct tarn_js *behind_references(const struct tarn_js *node)
{
    while (node->kind == TARN_JS_REFERENCE)
        node = node->inner;
    return node;
}

static bool compare(struct check *check, const struct tarn_js *old, const struct tarn_js *fresh,
                    const char *path)
{
    old = behind_references(old);
    fresh = behind_references(fresh);
    enum verdict known = find_pair(check, old, fresh)->verdict;
    if (known == COMPARING || known == FINE)
        return true;
    if (known == BAD || (known == BAD_UNSAID && check->is_silent))
        return false;
    if (check->depth > 10 * TARN_SCHEMA_DEPTH_MAX)
        return differ(check, "TYPE_CHANGED", path);
    find_pair(check, old, fresh)->verdict = COMPARING;
    check->depth++;
    bool fine = compare_kinds(check, old, fresh, path);
    check->depth--;
    find_pair(check, old, fresh)->verdict = fine ? FINE : check->is_silent ? BAD_UNSAID : BAD;
    return fine;
}

void tarn_js_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                   struct tarn_schema_messages *messages)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct check check = {.messages = messages, .arena = arena};
    (void)compare(&check, tarn_js_root(writer), tarn_js_root(reader), "#/");
}
