/* broker/registry/json_schema_check.c -- whether a newer JSON Schema takes everything an older one
 * took: Confluent's difference rules. What stands in objects and arrays is json_schema_content.c.
 *
 * A difference is compatible or not by its kind alone (the table below), and compatible ones are
 * never told, so only the others are made. Pairs of nodes are remembered as in avro_check.c: one
 * that is being compared counts as fine, each is compared at most twice. */
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "broker/registry/json_schema_check_int.h"

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

struct tarn_js_pair {
    const struct tarn_js *old, *fresh;
    enum verdict verdict;
};

bool tarn_js_differ(struct tarn_js_check_state *check, const char *name, const char *path)
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

const char *tarn_js_below(struct tarn_js_check_state *check, const char *path, const char *step)
{
    return tarn_arena_format(check->arena, "%s%s%s", path, path[1] == '/' && !path[2] ? "" : "/",
                             step);
}

const char *tarn_js_place(struct tarn_js_check_state *check, const char *path, const char *step,
                          size_t index)
{
    return tarn_js_below(check, path, tarn_arena_format(check->arena, "%s/%zu", step, index));
}

static bool would_fit(struct tarn_js_check_state *check, const struct tarn_js *old,
                      const struct tarn_js *fresh)
{
    bool was_silent = check->is_silent;
    check->is_silent = true;
    bool fine = tarn_js_compare(check, old, fresh, "#/");
    check->is_silent = was_silent;
    return fine;
}

const json_t *tarn_js_keyword(const struct tarn_js *node, const char *name)
{
    return json_object_get(node->source, name);
}

static bool number_of(const struct tarn_js *node, const char *name, double *ret_value)
{
    const json_t *value = tarn_js_keyword(node, name);
    if (!json_is_number(value))
        return false;
    *ret_value = json_number_value(value);
    return true;
}

bool tarn_js_compare_limit(struct tarn_js_check_state *check, const struct tarn_js *old,
                           const struct tarn_js *fresh, const char *name, const char *stem,
                           bool is_upper, const char *path)
{
    double before, after;
    if (!number_of(fresh, name, &after))
        return true;
    const char *at = tarn_js_below(check, path, name);
    if (!number_of(old, name, &before))
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_ADDED", stem), at);
    if (is_upper && after < before)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_DECREASED", stem), at);
    if (!is_upper && after > before)
        return tarn_js_differ(check, tarn_arena_format(check->arena, "%s_INCREASED", stem), at);
    return true;
}

static bool compare_strings(struct tarn_js_check_state *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    const char *before = json_string_value(tarn_js_keyword(old, "pattern"));
    const char *after = json_string_value(tarn_js_keyword(fresh, "pattern"));
    bool fine = tarn_js_compare_limit(check, old, fresh, "maxLength", "MAX_LENGTH", true, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "minLength", "MIN_LENGTH", false, path);
    if (after && !before)
        return tarn_js_differ(check, "PATTERN_ADDED", tarn_js_below(check, path, "pattern"));
    if (after && strcmp(before, after) != 0)
        return tarn_js_differ(check, "PATTERN_CHANGED", tarn_js_below(check, path, "pattern"));
    return fine;
}

static bool is_multiple(double value, double of)
{
    if (of == 0)
        return false;
    double ratio = value / of;
    return fabs(ratio - round(ratio)) < 1e-9 * fmax(1, fabs(ratio));
}

static bool compare_numbers(struct tarn_js_check_state *check, const struct tarn_js *old,
                            const struct tarn_js *fresh, const char *path)
{
    double before, after;
    bool fine = tarn_js_compare_limit(check, old, fresh, "maximum", "MAXIMUM", true, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "minimum", "MINIMUM", false, path);
    fine &= tarn_js_compare_limit(check, old, fresh, "exclusiveMaximum", "EXCLUSIVE_MAXIMUM", true,
                                  path);
    fine &= tarn_js_compare_limit(check, old, fresh, "exclusiveMinimum", "EXCLUSIVE_MINIMUM", false,
                                  path);
    const char *at = tarn_js_below(check, path, "multipleOf");
    if (number_of(fresh, "multipleOf", &after)) {
        if (!number_of(old, "multipleOf", &before))
            fine = tarn_js_differ(check, "MULTIPLE_OF_ADDED", at);
        else if (after != before && is_multiple(after, before))
            fine = tarn_js_differ(check, "MULTIPLE_OF_EXPANDED", at);
        else if (after != before && !is_multiple(before, after))
            fine = tarn_js_differ(check, "MULTIPLE_OF_CHANGED", at);
    }
    if (fresh->is_integer && !old->is_integer)
        fine = tarn_js_differ(check, "TYPE_NARROWED", path);
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

bool tarn_js_has_all(const json_t *array, const json_t *wanted)
{
    const json_t *item;
    size_t i;
    json_array_foreach (wanted, i, item) {
        if (!array_has(array, item))
            return false;
    }
    return true;
}

static bool compare_enums(struct tarn_js_check_state *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    const json_t *before = tarn_js_keyword(old, "enum"), *after = tarn_js_keyword(fresh, "enum");
    if (tarn_js_has_all(after, before))
        return true;
    return tarn_js_differ(
        check, tarn_js_has_all(before, after) ? "ENUM_ARRAY_NARROWED" : "ENUM_ARRAY_CHANGED",
        tarn_js_below(check, path, "enum"));
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
static size_t match_parts(struct tarn_js_check_state *check, const struct tarn_js **old,
                          size_t rows, const struct tarn_js **fresh, size_t columns)
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

static bool compare_combined(struct tarn_js_check_state *check, const struct tarn_js *old,
                             const struct tarn_js *fresh, const char *path)
{
    if (!criteria_agree(old, fresh))
        return tarn_js_differ(check, "COMBINED_TYPE_CHANGED", path);
    if (old->part_count > COMBINED_MAX || fresh->part_count > COMBINED_MAX)
        return tarn_js_differ(check, "COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
    const struct tarn_js **before =
        tarn_arena_array(check->arena, old->part_count + 1, sizeof *before);
    const struct tarn_js **after =
        tarn_arena_array(check->arena, fresh->part_count + 1, sizeof *after);
    size_t rows = distinct(old, before), columns = distinct(fresh, after);
    bool fine = true;
    if (rows < columns && strcmp(fresh->criterion, "allOf") == 0)
        fine = tarn_js_differ(check, "PRODUCT_TYPE_EXTENDED", path);
    if (rows > columns && strcmp(old->criterion, "allOf") != 0)
        fine = tarn_js_differ(check, "SUM_TYPE_NARROWED", path);
    if (match_parts(check, before, rows, after, columns) < (rows < columns ? rows : columns))
        fine = tarn_js_differ(check, "COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
    return fine;
}

/* One side is a combination and the other is not: true when that alone settles it. */
static bool fits_a_part(struct tarn_js_check_state *check, const struct tarn_js *old,
                        const struct tarn_js *fresh)
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

/* ---- any two ---- */

static bool are_bytes(const struct tarn_js *a, const struct tarn_js *b)
{
    const char *first = json_string_value(tarn_js_keyword(a, "connect.type"));
    const char *second = json_string_value(tarn_js_keyword(b, "connect.type"));
    return first && second && strcmp(first, "bytes") == 0 && strcmp(second, "bytes") == 0;
}

static bool compare_kinds(struct tarn_js_check_state *check, const struct tarn_js *old,
                          const struct tarn_js *fresh, const char *path)
{
    if ((old->kind == TARN_JS_COMBINED) != (fresh->kind == TARN_JS_COMBINED) &&
        fits_a_part(check, old, fresh))
        return true;
    if (old->kind != fresh->kind)
        return old->kind == TARN_JS_NONE || fresh->kind == TARN_JS_ANY || are_bytes(old, fresh) ||
               tarn_js_differ(check, "TYPE_CHANGED", path);
    if (old->kind == TARN_JS_STRING)
        return compare_strings(check, old, fresh, path);
    if (old->kind == TARN_JS_NUMBER)
        return compare_numbers(check, old, fresh, path);
    if (old->kind == TARN_JS_ENUM)
        return compare_enums(check, old, fresh, path);
    if (old->kind == TARN_JS_CONST)
        return json_equal(tarn_js_keyword(old, "const"), tarn_js_keyword(fresh, "const")) ||
               tarn_js_differ(check, "ENUM_ARRAY_CHANGED", tarn_js_below(check, path, "const"));
    if (old->kind == TARN_JS_COMBINED)
        return compare_combined(check, old, fresh, path);
    if (old->kind == TARN_JS_NOT)
        return would_fit(check, fresh->inner, old->inner) ||
               tarn_js_differ(check, "NOT_TYPE_EXTENDED", tarn_js_below(check, path, "not"));
    if (old->kind == TARN_JS_OBJECT)
        return tarn_js_compare_objects(check, old, fresh, path);
    if (old->kind == TARN_JS_ARRAY)
        return tarn_js_compare_arrays(check, old, fresh, path);
    return true;
}

static struct tarn_js_pair *slot_of(const struct tarn_js_check_state *check,
                                    const struct tarn_js *old, const struct tarn_js *fresh)
{
    const void *key[2] = {old, fresh};
    size_t mask = check->pair_cap - 1;
    size_t slot = tarn_hash64((struct tarn_text){(const char *)key, sizeof key}) & mask;
    while (check->pairs[slot].old &&
           (check->pairs[slot].old != old || check->pairs[slot].fresh != fresh))
        slot = (slot + 1) & mask;
    return &check->pairs[slot];
}

static struct tarn_js_pair *find_pair(struct tarn_js_check_state *check, const struct tarn_js *old,
                                      const struct tarn_js *fresh)
{
    if (2 * (check->pair_count + 1) > check->pair_cap) {
        struct tarn_js_pair *all = check->pairs;
        size_t cap = check->pair_cap;
        check->pair_cap = cap ? 2 * cap : 64;
        check->pairs = tarn_arena_array(check->arena, check->pair_cap, sizeof *all);
        for (size_t i = 0; i < cap; i++)
            if (all[i].old)
                *slot_of(check, all[i].old, all[i].fresh) = all[i];
    }
    struct tarn_js_pair *pair = slot_of(check, old, fresh);
    if (!pair->old) {
        *pair = (struct tarn_js_pair){old, fresh, UNKNOWN};
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

bool tarn_js_compare(struct tarn_js_check_state *check, const struct tarn_js *old,
                     const struct tarn_js *fresh, const char *path)
{
    old = behind_references(old);
    fresh = behind_references(fresh);
    enum verdict known = find_pair(check, old, fresh)->verdict;
    if (known == COMPARING || known == FINE)
        return true;
    if (known == BAD || (known == BAD_UNSAID && check->is_silent))
        return false;
    if (check->depth > 10 * TARN_SCHEMA_DEPTH_MAX)
        return tarn_js_differ(check, "TYPE_CHANGED", path);
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
    struct tarn_js_check_state check = {.messages = messages, .arena = arena};
    (void)tarn_js_compare(&check, tarn_js_root(writer), tarn_js_root(reader), "#/");
}
