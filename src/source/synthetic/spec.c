/* source/synthetic/spec.c -- see spec.h. Two passes: first every entity and field gets its name,
 * then each is resolved, so that declarations may stand in any order. */
#include "source/synthetic/spec.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/fault.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/spec_int.h"

static const int64_t minute_us = 60 * 1000000LL;

uint64_t tarn_synth_name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3ULL;
    return tarn_mix64(hash);
}

enum tarn_status tarn_synth_unknown(const struct tarn_yaml *node, const char *what,
                                    const char *name, const char *const *names, size_t count,
                                    struct tarn_error *err)
{
    const char *nearest = count ? tarn_text_nearest(name, names, count) : NULL;
    if (nearest)
        return tarn_yaml_fail(node, err, "there is no %s '%s'; did you mean '%s'?", what, name,
                              nearest);
    char known[600] = "";
    size_t len = 0;
    for (size_t i = 0; i < count && len < sizeof known - 80; i++)
        len +=
            (size_t)snprintf(known + len, sizeof known - len, "%s%.60s", i ? ", " : "", names[i]);
    return tarn_yaml_fail(node, err, "there is no %s '%s'; there are: %s", what, name,
                          count ? known : "none");
}

enum tarn_status tarn_synth_node_number(const struct tarn_yaml *node, const char *what, double *ret,
                                        struct tarn_error *err)
{
    if (node->kind == TARN_YAML_INT)
        *ret = (double)node->integer;
    else if (node->kind == TARN_YAML_FLOAT)
        *ret = node->real;
    else
        return tarn_yaml_fail(node, err, "%s must be a number, this is %s", what,
                              tarn_yaml_kind_name(node->kind));
    return TARN_OK;
}

enum tarn_status tarn_synth_node_date(const struct tarn_yaml *node, const char *what, int64_t *ret,
                                      struct tarn_error *err)
{
    int64_t time_us;
    if (!node->text || !tarn_time_parse(tarn_text_of(node->text), &time_us))
        return tarn_yaml_fail(node, err, "%s must be a date such as 2026-10-31", what);
    *ret = time_us / (24 * 60 * minute_us);
    return TARN_OK;
}

enum tarn_status tarn_synth_read_unit(const struct tarn_yaml *map, double otherwise, double *ret,
                                      struct tarn_error *err)
{
    static const char *const names[] = {"seconds", "minutes", "hours", "days", NULL};
    static const double factors[] = {1e6, 60e6, 3600e6, 86400e6};
    int choice = -1;
    TARN_TRY(tarn_yaml_choice(map, "unit", names, &choice, err));
    *ret = choice < 0 ? otherwise : factors[choice];
    return TARN_OK;
}

/* ---- names ---- */

#define NAMES_OF(array, count_of)                                                                  \
    TARN_AUTO_FREE const char **names = tarn_alloc_array((count_of) + 1, sizeof *names);           \
    for (size_t i = 0; i < (count_of); i++)                                                        \
        names[i] = (array)[i].name;

enum tarn_status tarn_synth_find_entity(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                        const char *name, struct tarn_synth_entity **ret,
                                        struct tarn_error *err)
{
    for (size_t i = 0; i < spec->entity_count; i++)
        if (strcmp(spec->entities[i].name, name) == 0) {
            *ret = &spec->entities[i];
            return TARN_OK;
        }
    NAMES_OF(spec->entities, spec->entity_count)
    return tarn_synth_unknown(node, "entity", name, names, spec->entity_count, err);
}

enum tarn_status tarn_synth_find_field(struct tarn_synth_entity *entity,
                                       const struct tarn_yaml *node, const char *name,
                                       struct tarn_synth_field **ret, struct tarn_error *err)
{
    for (size_t i = 0; i < entity->field_count; i++)
        if (strcmp(entity->fields[i].name, name) == 0) {
            *ret = &entity->fields[i];
            return TARN_OK;
        }
    NAMES_OF(entity->fields, entity->field_count)
    char what[120];
    snprintf(what, sizeof what, "field of %s called", entity->name);
    return tarn_synth_unknown(node, what, name, names, entity->field_count, err);
}

enum tarn_status tarn_synth_find_machine(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                         const char *name, const struct tarn_synth_machine **ret,
                                         struct tarn_error *err)
{
    for (size_t i = 0; i < spec->machine_count; i++)
        if (strcmp(spec->machines[i].name, name) == 0) {
            *ret = &spec->machines[i];
            return TARN_OK;
        }
    NAMES_OF(spec->machines, spec->machine_count)
    return tarn_synth_unknown(node, "machine", name, names, spec->machine_count, err);
}

enum tarn_status tarn_synth_find_season(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                        const char *name, const struct tarn_season **ret,
                                        struct tarn_error *err)
{
    for (size_t i = 0; i < spec->season_count; i++)
        if (strcmp(spec->season_names[i], name) == 0) {
            *ret = &spec->seasons[i];
            return TARN_OK;
        }
    return tarn_synth_unknown(node, "season", name, spec->season_names, spec->season_count, err);
}

/* ---- word lists ---- */

static enum tarn_status words_text(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                   const char *name, const char **ret_name, struct tarn_text *ret,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *own = tarn_yaml_get(spec->words_node, name);
    if (!own) {
        const char *builtin = tarn_words_builtin(name);
        if (!builtin) {
            size_t count = 0;
            while (tarn_words_builtin_names[count])
                count++;
            return tarn_synth_unknown(node, "word list", name, tarn_words_builtin_names, count,
                                      err);
        }
        *ret = tarn_text_of(builtin);
        *ret_name = name;
        return TARN_OK;
    }
    if (own->kind != TARN_YAML_STRING)
        return tarn_yaml_fail(own, err, "the word list %s must be the path of a text file", name);
    TARN_BUFFER(text, 64 << 20);
    TARN_AUTO_FREE char *path = tarn_path_join(spec->folder, own->text);
    if (tarn_file_read(path, &text, err) != TARN_OK)
        return tarn_error_wrap(err, "%s:%d: word list %s", own->file, own->line, name);
    *ret = (struct tarn_text){tarn_arena_strndup(spec->arena, tarn_buffer_str(&text), text.len),
                              text.len};
    *ret_name = tarn_arena_strdup(spec->arena, path);
    return TARN_OK;
}

enum tarn_status tarn_synth_find_words(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                       const char *name, const struct tarn_words **ret,
                                       struct tarn_error *err)
{
    enum { WORDS_MAX = 200 };
    const char *full_name;
    struct tarn_text text;
    TARN_TRY(words_text(spec, node, name, &full_name, &text, err));
    for (size_t i = 0; i < spec->words_count; i++)
        if (strcmp(spec->words[i]->name, full_name) == 0) {
            *ret = spec->words[i];
            return TARN_OK;
        }
    if (!spec->words)
        spec->words = tarn_arena_array(spec->arena, WORDS_MAX, sizeof *spec->words);
    if (spec->words_count == WORDS_MAX)
        return tarn_yaml_fail(node, err, "a source can use at most %d word lists", WORDS_MAX);
    struct tarn_words *words = tarn_arena_alloc(spec->arena, sizeof *words);
    TARN_TRY(tarn_words_parse(text, full_name, spec->arena, words, err));
    spec->words[spec->words_count++] = words;
    *ret = words;
    return TARN_OK;
}

/* ---- distributions and weights ---- */

bool tarn_synth_has_distribution(const struct tarn_yaml *map)
{
    for (size_t i = 0; tarn_distribution_names[i]; i++)
        if (tarn_yaml_get(map, tarn_distribution_names[i]))
            return true;
    return false;
}

static enum tarn_status read_histogram(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                       double unit, struct tarn_distribution *d,
                                       struct tarn_error *err)
{
    static const char *const keys[] = {"edges", "weights", NULL};
    const struct tarn_yaml *edges, *weights;
    TARN_TRY(tarn_yaml_expect_keys(node, "a histogram", keys, err));
    TARN_TRY(tarn_yaml_list(node, "edges", &edges, err));
    TARN_TRY(tarn_yaml_list(node, "weights", &weights, err));
    if (!edges || !weights || weights->count < 1 || edges->count != weights->count + 1)
        return tarn_yaml_fail(node, err,
                              "a histogram takes `edges` and one weight less than edges");
    double *values = tarn_arena_array(spec->arena, edges->count, sizeof *values);
    TARN_AUTO_FREE double *shares = tarn_alloc_array(weights->count, sizeof *shares);
    double total = 0;
    for (size_t i = 0; i < edges->count; i++) {
        TARN_TRY(tarn_synth_node_number(edges->items[i], "an edge", &values[i], err));
        values[i] *= unit;
        if (i > 0 && !(values[i] > values[i - 1]))
            return tarn_yaml_fail(edges->items[i], err, "edges must ascend");
    }
    for (size_t i = 0; i < weights->count; i++) {
        TARN_TRY(tarn_synth_node_number(weights->items[i], "a weight", &shares[i], err));
        if (!(shares[i] >= 0))
            return tarn_yaml_fail(weights->items[i], err, "a weight must not be negative");
        total += shares[i];
    }
    if (!(total > 0))
        return tarn_yaml_fail(weights, err, "at least one weight must be above 0");
    d->edges = values;
    tarn_alias_init(&d->alias, shares, weights->count, spec->arena);
    return TARN_OK;
}

/* Parameters by name {mean: 5, sd: 2}, in order [5, 2], or a lone number for the first. */
static enum tarn_status read_parameters(const struct tarn_yaml *node, struct tarn_distribution *d,
                                        struct tarn_error *err)
{
    const char *const *names = tarn_distribution_parameters[d->kind];
    double *into[2] = {&d->a, &d->b};
    size_t wanted = names[1] ? 2 : 1;
    if (node->kind == TARN_YAML_INT || node->kind == TARN_YAML_FLOAT) {
        if (wanted != 1)
            return tarn_yaml_fail(node, err, "%s takes {%s: NUMBER, %s: NUMBER}",
                                  tarn_distribution_names[d->kind], names[0], names[1]);
        return tarn_synth_node_number(node, names[0], &d->a, err);
    }
    if (node->kind == TARN_YAML_LIST && node->count == wanted) {
        for (size_t i = 0; i < wanted; i++)
            TARN_TRY(tarn_synth_node_number(node->items[i], names[i], into[i], err));
        return TARN_OK;
    }
    const char *keys[] = {names[0], names[1], NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, tarn_distribution_names[d->kind], keys, err));
    for (size_t i = 0; i < wanted; i++) {
        const struct tarn_yaml *value = tarn_yaml_get(node, names[i]);
        if (!value)
            return tarn_yaml_fail(node, err, "%s needs `%s`", tarn_distribution_names[d->kind],
                                  names[i]);
        TARN_TRY(tarn_synth_node_number(value, names[i], into[i], err));
    }
    return TARN_OK;
}

static void apply_unit(struct tarn_distribution *d, double unit)
{
    switch (d->kind) {
    case TARN_DISTRIBUTION_NORMAL:
    case TARN_DISTRIBUTION_UNIFORM:
        d->b *= unit;
        d->a *= unit;
        break;
    case TARN_DISTRIBUTION_GAMMA:
    case TARN_DISTRIBUTION_WEIBULL:
        d->b *= unit;
        break;
    case TARN_DISTRIBUTION_CONSTANT:
    case TARN_DISTRIBUTION_LOGNORMAL:
    case TARN_DISTRIBUTION_EXPONENTIAL:
    case TARN_DISTRIBUTION_PARETO:
        d->a *= unit;
        break;
    case TARN_DISTRIBUTION_POISSON:
    case TARN_DISTRIBUTION_GEOMETRIC:
    case TARN_DISTRIBUTION_ZIPF:
    case TARN_DISTRIBUTION_HISTOGRAM:
    case TARN_DISTRIBUTION_COUNT:
        break; /* counts have no unit; a histogram's edges were multiplied when they were read */
    }
}

enum tarn_status tarn_synth_read_distribution(struct tarn_synth_spec *spec,
                                              const struct tarn_yaml *node, double unit,
                                              struct tarn_distribution *ret, struct tarn_error *err)
{
    struct tarn_distribution d = {.kind = TARN_DISTRIBUTION_COUNT, .min = -1e300, .max = 1e300};
    if (node->kind == TARN_YAML_INT || node->kind == TARN_YAML_FLOAT) {
        d.kind = TARN_DISTRIBUTION_CONSTANT;
        TARN_TRY(tarn_synth_node_number(node, "the value", &d.a, err));
        d.a *= unit;
        *ret = d;
        return TARN_OK;
    }
    const struct tarn_yaml *parameters = NULL;
    for (size_t i = 0; tarn_distribution_names[i]; i++) {
        const struct tarn_yaml *found = tarn_yaml_get(node, tarn_distribution_names[i]);
        if (found && parameters)
            return tarn_yaml_fail(found, err, "one distribution is enough here");
        if (found) {
            d.kind = (enum tarn_distribution_kind)i;
            parameters = found;
        }
    }
    if (!parameters)
        return tarn_yaml_fail(
            node, err,
            "expected a number or a distribution such as {lognormal: {median: 20, "
            "sigma: 0.5}}");
    if (d.kind == TARN_DISTRIBUTION_HISTOGRAM) {
        TARN_TRY(read_histogram(spec, parameters, unit, &d, err));
    } else {
        TARN_TRY(read_parameters(parameters, &d, err));
        apply_unit(&d, unit);
    }
    double min = -1e300, max = 1e300;
    TARN_TRY(tarn_yaml_double(node, "min", -1e300, 1e300, &min, err));
    TARN_TRY(tarn_yaml_double(node, "max", -1e300, 1e300, &max, err));
    d.min = min > -1e300 ? min * unit : min;
    d.max = max < 1e300 ? max * unit : max;
    if (tarn_distribution_init(&d, spec->arena, err) != TARN_OK)
        return tarn_error_wrap(err, "%s:%d: %s", parameters->file, parameters->line,
                               tarn_distribution_names[d.kind]);
    *ret = d;
    return TARN_OK;
}

enum tarn_status tarn_synth_read_weights(struct tarn_synth_spec *spec, const struct tarn_yaml *node,
                                         const struct tarn_yaml ***ret_values,
                                         struct tarn_alias *ret_alias, struct tarn_error *err)
{
    bool weighted = node->kind == TARN_YAML_MAP;
    if ((!weighted && node->kind != TARN_YAML_LIST) || node->count == 0)
        return tarn_yaml_fail(
            node, err, "expected values with weights, {card: 60, cash: 40}, or a list [a, b]");
    TARN_AUTO_FREE double *weights = tarn_alloc_array(node->count, sizeof *weights);
    double total = 0;
    for (size_t i = 0; i < node->count; i++) {
        weights[i] = 1;
        if (weighted)
            TARN_TRY(tarn_synth_node_number(node->items[i], "a weight", &weights[i], err));
        if (!(weights[i] >= 0))
            return tarn_yaml_fail(node->items[i], err, "a weight must not be negative");
        total += weights[i];
    }
    if (!(total > 0))
        return tarn_yaml_fail(node, err, "at least one weight must be above 0");
    tarn_alias_init(ret_alias, weights, node->count, spec->arena);
    *ret_values = weighted ? node->keys : node->items;
    return TARN_OK;
}

/* ---- entities ---- */

/* Names become folders and files. */
static enum tarn_status check_name(const struct tarn_yaml *node, const char *what, const char *name,
                                   struct tarn_error *err)
{
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (name[0] && !name[good] && good <= 100)
        return TARN_OK;
    return tarn_yaml_fail(
        node, err, "the name of %s is made of letters, digits and _ (at most 100), not '%.120s'",
        what, name);
}

static enum tarn_status declare_fields(struct tarn_synth_entity *entity,
                                       const struct tarn_yaml *fields, struct tarn_error *err)
{
    if (!fields || fields->kind != TARN_YAML_MAP || fields->count == 0)
        return tarn_yaml_fail(fields ? fields : entity->node, err,
                              "%s needs `fields`, a map of field names", entity->name);
    if (fields->count > TARN_SYNTH_FIELDS_MAX)
        return tarn_yaml_fail(fields, err, "an entity has at most %d fields",
                              TARN_SYNTH_FIELDS_MAX);
    struct tarn_arena *arena = entity->spec->arena;
    entity->field_count = fields->count;
    entity->fields = tarn_arena_array(arena, fields->count, sizeof *entity->fields);
    for (size_t i = 0; i < fields->count; i++) {
        struct tarn_synth_field *field = &entity->fields[i];
        field->name = tarn_yaml_key(fields, i);
        TARN_TRY(check_name(fields->keys[i], "a field", field->name, err));
        field->node = fields->items[i];
        field->entity = entity;
        field->index = i;
        field->key =
            tarn_draw_key(entity->spec->seed, entity->key, tarn_synth_name_hash(field->name));
    }
    return TARN_OK;
}

static enum tarn_status declare_entity(struct tarn_synth_spec *spec,
                                       struct tarn_synth_entity *entity, struct tarn_error *err)
{
    static const char *const keys[] = {"rows",   "key",         "files", "fields",
                                       "faults", "description", NULL};
    TARN_TRY(tarn_yaml_expect_keys(entity->node, "an entity", keys, err));
    TARN_TRY(check_name(entity->node, "an entity", entity->name, err));
    entity->spec = spec;
    entity->key = tarn_synth_name_hash(entity->name);
    TARN_TRY(declare_fields(entity, tarn_yaml_get(entity->node, "fields"), err));
    entity->key_field = &entity->fields[0];
    const struct tarn_yaml *key = tarn_yaml_get(entity->node, "key");
    if (!key)
        return TARN_OK;
    if (key->kind != TARN_YAML_STRING)
        return tarn_yaml_fail(key, err, "key must be the name of a field");
    return tarn_synth_find_field(entity, key, key->text, &entity->key_field, err);
}

enum tarn_status tarn_synth_add_inner(struct tarn_synth_field *list, const struct tarn_yaml *fields,
                                      struct tarn_synth_entity **ret, struct tarn_error *err)
{
    struct tarn_synth_entity *outer = list->entity;
    struct tarn_synth_spec *spec = outer->spec;
    if (outer->outer)
        return tarn_yaml_fail(list->node, err, "a list within a list is not supported");
    struct tarn_synth_entity *inner = tarn_arena_alloc(spec->arena, sizeof *inner);
    inner->name = tarn_arena_format(spec->arena, "%s.%s", outer->name, list->name);
    inner->node = list->node;
    inner->spec = spec;
    inner->outer = outer;
    inner->key = tarn_synth_name_hash(inner->name);
    TARN_TRY(declare_fields(inner, fields, err));
    inner->key_field = &inner->fields[0];
    for (size_t i = 0; i < inner->field_count; i++)
        TARN_TRY(tarn_synth_field_resolve(&inner->fields[i], err));
    *ret = inner;
    return TARN_OK;
}

static enum tarn_status read_when(struct tarn_synth_field *field, struct tarn_error *err)
{
    const struct tarn_yaml *when = tarn_yaml_get(field->node, "when");
    if (!when)
        return TARN_OK;
    if (!when->text)
        return tarn_yaml_fail(when, err, "when must be an expression");
    TARN_TRY(tarn_expression_parse(
        tarn_text_of(when->text), when, field->entity,
        tarn_arena_format(field->entity->spec->arena, "%s.when", field->name), &field->when, err));
    if (tarn_expression_type(field->when) != TARN_SYNTH_BOOL)
        return tarn_yaml_fail(when, err, "when must be a condition (true or false)");
    return TARN_OK;
}

static enum tarn_status check_field_keys(const struct tarn_synth_field *field,
                                         const struct tarn_synth_generator *generator,
                                         const char *chosen, struct tarn_error *err)
{
    const char *keys[16] = {chosen, "hidden", "when", "nulls", "description"};
    size_t count = 5;
    for (size_t i = 0; i < TARN_COUNT(generator->keys) && generator->keys[i]; i++)
        keys[count++] = generator->keys[i];
    keys[count] = NULL;
    char what[120];
    snprintf(what, sizeof what, "a field made by %s", chosen);
    return tarn_yaml_expect_keys(field->node, what, keys, err);
}

enum tarn_status tarn_synth_field_resolve(struct tarn_synth_field *field, struct tarn_error *err)
{
    if (field->state == TARN_SYNTH_RESOLVED)
        return TARN_OK;
    if (field->state == TARN_SYNTH_RESOLVING)
        return tarn_yaml_fail(field->node, err, "the field %s depends on itself", field->name);
    field->state = TARN_SYNTH_RESOLVING;
    if (field->node->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(
            field->node, err,
            "the field %s must be a map that says how its values come about, such "
            "as {uniform: [1, 6]}",
            field->name);
    const struct tarn_yaml *value;
    TARN_TRY(tarn_synth_generator_find(field->node, field->name, &field->generator, &value, err));
    const char *chosen = NULL;
    for (size_t i = 0; i < field->node->count; i++)
        if (field->node->items[i] == value)
            chosen = tarn_yaml_key(field->node, i);
    TARN_TRY(check_field_keys(field, field->generator, chosen, err));
    TARN_TRY(tarn_yaml_bool(field->node, "hidden", &field->hidden, err));
    TARN_TRY(tarn_yaml_double(field->node, "nulls", 0, 1, &field->null_share, err));
    TARN_TRY(field->generator->resolve(field, value, err));
    TARN_TRY(read_when(field, err));
    field->state = TARN_SYNTH_RESOLVED;
    return TARN_OK;
}

static enum tarn_status read_files(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    static const char *const keys[] = {"format", "by", "daily", NULL};
    static const char *const formats[] = {"csv", "json", "ndjson", "parquet", NULL};
    static const char *const periods[] = {"day", "week", "month", "all", NULL};
    const struct tarn_yaml *node = tarn_yaml_get(entity->node, "files");
    entity->files.by = TARN_SYNTH_MONTH;
    if (!node)
        return TARN_OK;
    TARN_TRY(tarn_yaml_expect_keys(node, "files", keys, err));
    int format = TARN_SYNTH_CSV, by = TARN_SYNTH_MONTH;
    TARN_TRY(tarn_yaml_choice(node, "format", formats, &format, err));
    TARN_TRY(tarn_yaml_choice(node, "by", periods, &by, err));
    TARN_TRY(tarn_yaml_int(node, "daily", 0, 100000, &entity->files.daily_last, err));
    entity->files.format = (enum tarn_synth_format)format;
    entity->files.by = (enum tarn_synth_period)by;
    return TARN_OK;
}

static enum tarn_status resolve_entity(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    bool visible = false;
    for (size_t i = 0; i < entity->field_count; i++) {
        TARN_TRY(tarn_synth_field_resolve(&entity->fields[i], err));
        visible = visible || !entity->fields[i].hidden;
        if (entity->files.format != TARN_SYNTH_JSON && entity->files.format != TARN_SYNTH_NDJSON &&
            entity->fields[i].type == TARN_SYNTH_LIST)
            return tarn_yaml_fail(entity->fields[i].node, err,
                                  "a list can only be written as json or ndjson");
    }
    if (!visible)
        return tarn_yaml_fail(entity->node, err, "all fields of %s are hidden", entity->name);
    return tarn_synth_faults_read(entity, err);
}

/* Faults that lose keys are refused on whatever this entity refers to. */
static enum tarn_status check_faults(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    for (size_t i = 0; i < entity->stream_count; i++)
        if (entity->streams[i].kind == TARN_SYNTH_ROWS_OF)
            TARN_TRY(tarn_synth_faults_check(entity->streams[i].other, entity, err));
    for (size_t i = 0; i < entity->field_count; i++)
        if (entity->fields[i].target)
            TARN_TRY(tarn_synth_faults_check(entity->fields[i].target, entity, err));
    return TARN_OK;
}

static enum tarn_status read_period(struct tarn_synth_spec *spec, const struct tarn_yaml *root,
                                    const struct tarn_synth_options *options,
                                    struct tarn_error *err)
{
    static const char *const keys[] = {"until", "days", NULL};
    const struct tarn_yaml *period = tarn_yaml_get(root, "period");
    if (!period)
        return tarn_yaml_fail(root, err,
                              "a synthetic source needs `period: {until: DATE, days: N}`");
    TARN_TRY(tarn_yaml_expect_keys(period, "a period", keys, err));
    const struct tarn_yaml *until = tarn_yaml_get(period, "until");
    if (!until)
        return tarn_yaml_fail(period, err, "the period needs `until`, its last day");
    int64_t last, days = 365;
    TARN_TRY(tarn_synth_node_date(until, "until", &last, err));
    TARN_TRY(tarn_yaml_int(period, "days", 1, 36500, &days, err));
    if (options->days > 0)
        days = options->days;
    spec->to_day = last + 1;
    spec->from_day = spec->to_day - days;
    return TARN_OK;
}

static enum tarn_status read_entities(struct tarn_synth_spec *spec, const struct tarn_yaml *map,
                                      const struct tarn_synth_options *options,
                                      struct tarn_error *err)
{
    spec->entity_count = map->count;
    spec->entities = tarn_arena_array(spec->arena, map->count, sizeof *spec->entities);
    for (size_t i = 0; i < map->count; i++) {
        spec->entities[i].name = tarn_yaml_key(map, i);
        spec->entities[i].node = map->items[i];
        spec->entities[i].index = i;
    }
    for (size_t i = 0; i < map->count; i++)
        TARN_TRY(declare_entity(spec, &spec->entities[i], err));
    for (size_t i = 0; i < map->count; i++) {
        TARN_TRY(read_files(&spec->entities[i], err));
        TARN_TRY(tarn_synth_read_streams(&spec->entities[i], err));
    }
    for (size_t i = 0; i < map->count; i++) {
        TARN_TRY(tarn_synth_resolve_streams(&spec->entities[i], err));
        TARN_TRY(resolve_entity(&spec->entities[i], err));
    }
    for (size_t i = 0; i < map->count; i++)
        TARN_TRY(check_faults(&spec->entities[i], err));
    if (options->set_entity) {
        struct tarn_synth_entity *set;
        TARN_TRY(tarn_synth_find_entity(spec, map, options->set_entity, &set, err));
        if (set->streams[0].kind != TARN_SYNTH_ROWS_COUNT)
            return tarn_fail(
                err, TARN_USAGE,
                "--set %s: its rows follow from other entities (%s:%d); set one of those",
                set->name, set->node->file, set->node->line);
        set->streams[0].count = options->set_rows;
        set->streams[0].grows = false;
    }
    return TARN_OK;
}

static enum tarn_status read_root(struct tarn_synth_spec *spec, const struct tarn_yaml *root,
                                  const struct tarn_synth_options *options, struct tarn_error *err)
{
    static const char *const keys[] = {"source",   "type",     "description", "seed",
                                       "scale",    "period",   "words",       "seasons",
                                       "machines", "entities", NULL};
    TARN_TRY(tarn_yaml_expect_keys(root, "a synthetic source", keys, err));
    TARN_TRY(tarn_yaml_str_required(root, "source", &spec->name, err));
    TARN_TRY(check_name(tarn_yaml_get(root, "source"), "a source", spec->name, err));
    int64_t seed = 1;
    TARN_TRY(tarn_yaml_int(root, "seed", 0, INT64_MAX, &seed, err));
    spec->seed = options->seed ? *options->seed : (uint64_t)seed;
    double scale = 1;
    TARN_TRY(tarn_yaml_double(root, "scale", 1e-9, 1e9, &scale, err));
    spec->scale = scale * (options->scale > 0 ? options->scale : 1);
    TARN_TRY(read_period(spec, root, options, err));
    TARN_TRY(tarn_yaml_map(root, "words", &spec->words_node, err));
    const struct tarn_yaml *part;
    TARN_TRY(tarn_yaml_map(root, "seasons", &part, err));
    if (part)
        TARN_TRY(tarn_synth_read_seasons(spec, part, err));
    TARN_TRY(tarn_yaml_map(root, "machines", &part, err));
    if (part)
        TARN_TRY(tarn_synth_read_machines(spec, part, err));
    TARN_TRY(tarn_yaml_map(root, "entities", &part, err));
    if (!part || part->count == 0)
        return tarn_yaml_fail(root, err, "a synthetic source needs `entities`");
    return read_entities(spec, part, options, err);
}

static enum tarn_status spec_from(const struct tarn_yaml *root, const char *path,
                                  const struct tarn_synth_options *options,
                                  struct tarn_arena *arena, struct tarn_synth_spec **ret_spec,
                                  struct tarn_error *err)
{
    struct tarn_synth_spec *spec = tarn_arena_alloc(arena, sizeof *spec);
    spec->arena = arena;
    spec->file = tarn_arena_strdup(arena, path);
    const char *slash = strrchr(path, '/');
    spec->folder = slash ? tarn_arena_strndup(arena, path, (size_t)(slash - path)) : ".";
    if (root->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(root, err, "a synthetic source is a map; this is %s",
                              tarn_yaml_kind_name(root->kind));
    TARN_TRY(read_root(spec, root, options, err));
    *ret_spec = spec;
    return TARN_OK;
}

enum tarn_status tarn_synth_spec_read(const char *path, const struct tarn_synth_options *options,
                                      struct tarn_arena *arena, struct tarn_synth_spec **ret_spec,
                                      struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(tarn_yaml_read(path, arena, &root, err));
    return spec_from(root, path, options, arena, ret_spec, err);
}

enum tarn_status tarn_synth_spec_parse(struct tarn_text yaml, const char *name,
                                       const struct tarn_synth_options *options,
                                       struct tarn_arena *arena, struct tarn_synth_spec **ret_spec,
                                       struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(tarn_yaml_parse(yaml, name, 1, arena, &root, err));
    return spec_from(root, name, options, arena, ret_spec, err);
}
