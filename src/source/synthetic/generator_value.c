/* source/synthetic/generator_value.c -- generators of plain values: numbers, sequences, UUIDs,
 * choices, maps. */
#include <stdio.h>

#include "base/random.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/format.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/real.h"
#include "source/synthetic/spec_int.h"

typedef struct tarn_synth_vector vector;
typedef struct tarn_synth_batch batch_t;
typedef const struct tarn_synth_field field_t;

static void *own_new(struct tarn_synth_field *field, size_t size_bytes)
{
    return field->own = tarn_arena_alloc(field->entity->spec->arena, size_bytes);
}

/* ---- numbers ---- */

struct number {
    struct tarn_distribution distribution;
    const struct tarn_synth_field *like; /* correlated with it; NULL: with nothing */
    double rho;
};

static enum tarn_status read_like(struct tarn_synth_field *field, struct number *own,
                                  struct tarn_error *err)
{
    const struct tarn_yaml *like = tarn_yaml_get(field->node, "like");
    if (!like)
        return TARN_OK;
    struct tarn_synth_field *other;
    TARN_TRY(tarn_synth_find_field(field->entity, like, like->text ? like->text : "", &other, err));
    TARN_TRY(tarn_synth_field_resolve(other, err));
    const struct number *others = other->own;
    if (other->generator != &tarn_synth_number || others->like ||
        !tarn_distribution_has_quantile(&others->distribution) ||
        !tarn_distribution_has_quantile(&own->distribution))
        return tarn_yaml_fail(
            like, err,
            "`like` joins two fields with continuous distributions (uniform, normal, "
            "lognormal, exponential, pareto, weibull, geometric)");
    own->rho = 0.5;
    own->like = other;
    return tarn_yaml_double(field->node, "rho", -1, 1, &own->rho, err);
}

static enum tarn_status number_resolve(struct tarn_synth_field *field,
                                       const struct tarn_yaml *value, struct tarn_error *err)
{
    (void)value;
    struct number *own = own_new(field, sizeof *own);
    TARN_TRY(
        tarn_synth_read_distribution(field->entity->spec, field->node, 1, &own->distribution, err));
    enum tarn_distribution_kind kind = own->distribution.kind;
    int64_t decimals = -1;
    bool whole = kind == TARN_DISTRIBUTION_POISSON || kind == TARN_DISTRIBUTION_GEOMETRIC ||
                 kind == TARN_DISTRIBUTION_ZIPF;
    TARN_TRY(tarn_yaml_bool(field->node, "whole", &whole, err));
    TARN_TRY(tarn_yaml_int(field->node, "decimals", 0, 9, &decimals, err));
    field->scale = decimals > 0 ? (uint8_t)decimals : 0;
    field->type = decimals > 0             ? TARN_SYNTH_DECIMAL
                  : whole || decimals == 0 ? TARN_SYNTH_INT
                                           : TARN_SYNTH_REAL;
    return read_like(field, own, err);
}

static double open_unit(uint64_t draw)
{
    return ((double)(draw >> 12) + 0.5) * 0x1.0p-52;
}

/* Gaussian copula: both fields see normal variables whose correlation is rho. */
static void draw_like(field_t *field, const struct number *own, batch_t *batch, double *out)
{
    double rest = __builtin_sqrt(1 - own->rho * own->rho);
    for (size_t i = 0; i < batch->count; i++) {
        double theirs =
            tarn_real_normal_quantile(open_unit(tarn_draw(own->like->key, batch->rows[i])));
        double mine = tarn_real_normal_quantile(open_unit(tarn_draw(field->key, batch->rows[i])));
        double p = tarn_real_normal_cdf(own->rho * theirs + rest * mine);
        out[i] = tarn_distribution_quantile(&own->distribution, p);
    }
}

static vector *number_draw(batch_t *batch, field_t *field)
{
    const struct number *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    out->scale = field->scale;
    double *reals = out->reals;
    if (own->like)
        draw_like(field, own, batch, reals);
    else
        tarn_distribution_draw(&own->distribution, field->key, batch->rows, batch->count, reals);
    if (field->type == TARN_SYNTH_REAL)
        return out;
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    double power = powers[field->scale];
    for (size_t i = 0; i < batch->count; i++) {
        int64_t rounded = tarn_real_round(reals[i] * power);
        memcpy(&out->ints[i], &rounded, sizeof rounded);
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_number = {
    .name = "uniform", /* and every other distribution: generator.c knows */
    .keys = {"min", "max", "decimals", "whole", "like", "rho"},
    .resolve = number_resolve,
    .draw = number_draw,
};

/* ---- sequences and UUIDs ---- */

struct sequence {
    int64_t first;
    const char *prefix;
    size_t prefix_len;
    int64_t digits;
};

static enum tarn_status sequence_resolve(struct tarn_synth_field *field,
                                         const struct tarn_yaml *value, struct tarn_error *err)
{
    struct sequence *own = own_new(field, sizeof *own);
    if (value->kind != TARN_YAML_INT)
        return tarn_yaml_fail(value, err, "a sequence starts at a whole number, such as 1");
    own->first = value->integer;
    TARN_TRY(tarn_yaml_str(field->node, "prefix", &own->prefix, err));
    TARN_TRY(tarn_yaml_int(field->node, "pad", 0, 18, &own->digits, err));
    own->prefix_len = own->prefix ? strlen(own->prefix) : 0;
    field->type = own->prefix || own->digits > 0 ? TARN_SYNTH_TEXT : TARN_SYNTH_INT;
    field->plain = !own->prefix || tarn_text_is_plain(tarn_text_of(own->prefix));
    return TARN_OK;
}

static vector *sequence_draw(batch_t *batch, field_t *field)
{
    const struct sequence *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    if (field->type == TARN_SYNTH_INT) {
        for (size_t i = 0; i < batch->count; i++)
            out->ints[i] = own->first + (int64_t)batch->rows[i];
        return out;
    }
    char *at = tarn_scratch_array(batch->scratch, batch->count + 1, own->prefix_len + 20);
    for (size_t i = 0; i < batch->count; i++) {
        char *start = at;
        at = tarn_put_bytes(at, own->prefix_len ? own->prefix : "", own->prefix_len);
        at = tarn_put_padded(at, (uint64_t)own->first + batch->rows[i], (unsigned)own->digits);
        out->texts[i] = (struct tarn_text){start, (size_t)(at - start)};
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_sequence = {
    .name = "sequence",
    .keys = {"prefix", "pad"},
    .cheap = true,
    .resolve = sequence_resolve,
    .draw = sequence_draw,
};

static enum tarn_status uuid_resolve(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                     struct tarn_error *err)
{
    if (value->kind != TARN_YAML_BOOL)
        return tarn_yaml_fail(value, err, "write `uuid: true`");
    field->type = TARN_SYNTH_TEXT;
    field->plain = true;
    return TARN_OK;
}

static vector *uuid_draw(batch_t *batch, field_t *field)
{
    static const char hex[] = "0123456789abcdef";
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    char *at = tarn_scratch_array(batch->scratch, batch->count + 1, 36);
    for (size_t i = 0; i < batch->count; i++, at += 36) {
        uint64_t draw = tarn_draw(field->key, batch->rows[i]);
        uint64_t halves[2] = {draw, tarn_mix64(draw ^ batch->rows[i])};
        halves[0] = (halves[0] & ~0xf000ULL) | 0x4000ULL;           /* version 4 (RFC 9562) */
        halves[1] = (halves[1] & ~(0xcULL << 60)) | (0x8ULL << 60); /* variant 10 */
        for (int k = 0, put = 0; k < 32; k++) {
            if (k == 8 || k == 12 || k == 16 || k == 20)
                at[put++] = '-';
            at[put++] = hex[halves[k / 16] >> (60 - 4 * (k % 16)) & 15];
        }
        out->texts[i] = (struct tarn_text){at, 36};
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_uuid = {
    .name = "uuid", .cheap = true, .resolve = uuid_resolve, .draw = uuid_draw};

/* ---- typed values from YAML ---- */

struct values {
    size_t count;
    struct tarn_text *texts;
    int64_t *ints;
    double *reals;
    struct tarn_alias alias;
};

/* The common type of the scalars: all whole, all numbers, or text. */
static enum tarn_synth_type common_type(const struct tarn_yaml *const *nodes, size_t count,
                                        enum tarn_synth_type so_far)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->kind == TARN_YAML_INT)
            continue;
        if (nodes[i]->kind == TARN_YAML_FLOAT && so_far != TARN_SYNTH_TEXT)
            so_far = TARN_SYNTH_REAL;
        else if (nodes[i]->kind != TARN_YAML_FLOAT)
            so_far = TARN_SYNTH_TEXT;
    }
    return so_far;
}

static enum tarn_status take_values(struct tarn_synth_field *field, struct values *values,
                                    const struct tarn_yaml *const *nodes, size_t count,
                                    struct tarn_error *err)
{
    struct tarn_arena *arena = field->entity->spec->arena;
    values->count = count;
    values->texts = tarn_arena_array(arena, count, sizeof *values->texts);
    values->ints = tarn_arena_array(arena, count, sizeof *values->ints);
    values->reals = tarn_arena_array(arena, count, sizeof *values->reals);
    for (size_t i = 0; i < count; i++) {
        if (!nodes[i]->text)
            return tarn_yaml_fail(nodes[i], err, "expected a plain value");
        values->texts[i] = (struct tarn_text){nodes[i]->text, nodes[i]->text_len};
        values->ints[i] = nodes[i]->integer;
        values->reals[i] =
            nodes[i]->kind == TARN_YAML_INT ? (double)nodes[i]->integer : nodes[i]->real;
        field->plain = field->plain && tarn_text_is_plain(values->texts[i]);
    }
    return TARN_OK;
}

static void put_value(vector *out, size_t row, const struct values *values, size_t value)
{
    if (out->type == TARN_SYNTH_TEXT)
        out->texts[row] = values->texts[value];
    else if (out->type == TARN_SYNTH_REAL)
        out->reals[row] = values->reals[value];
    else
        out->ints[row] = values->ints[value];
}

/* Numbers with decimals are DECIMAL when the field says how many. */
static enum tarn_status apply_decimals(struct tarn_synth_field *field, struct values *sets,
                                       size_t count, struct tarn_error *err)
{
    int64_t decimals = -1;
    TARN_TRY(tarn_yaml_int(field->node, "decimals", 0, 9, &decimals, err));
    if (decimals < 0 || field->type == TARN_SYNTH_TEXT)
        return TARN_OK;
    field->type = decimals > 0 ? TARN_SYNTH_DECIMAL : TARN_SYNTH_INT;
    field->scale = (uint8_t)decimals;
    double power = 1;
    for (int64_t i = 0; i < decimals; i++)
        power *= 10;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sets[s].count; i++)
            sets[s].ints[i] = tarn_real_round(sets[s].reals[i] * power);
    return TARN_OK;
}

/* ---- choices ---- */

struct choice {
    const struct tarn_expression *by; /* NULL: one set for all */
    size_t count;
    struct tarn_text *keys;
    struct values *sets;
};

static size_t key_index(const struct tarn_text *keys, size_t count, struct tarn_text wanted,
                        size_t otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (tarn_text_equal(keys[i], wanted))
            return i;
    return otherwise;
}

static enum tarn_status parse_by(struct tarn_synth_field *field, const struct tarn_yaml *node,
                                 const struct tarn_expression **ret, struct tarn_error *err)
{
    if (!node->text)
        return tarn_yaml_fail(node, err, "expected the name of a field");
    TARN_TRY(tarn_expression_parse(tarn_text_of(node->text), node, field->entity, field->name, ret,
                                   err));
    if (tarn_expression_type(*ret) == TARN_SYNTH_LIST)
        return tarn_yaml_fail(node, err, "a list cannot be chosen by");
    return TARN_OK;
}

static enum tarn_status choice_resolve(struct tarn_synth_field *field,
                                       const struct tarn_yaml *value, struct tarn_error *err)
{
    struct choice *own = own_new(field, sizeof *own);
    struct tarn_arena *arena = field->entity->spec->arena;
    const struct tarn_yaml *by = tarn_yaml_get(field->node, "by");
    own->count = 1;
    if (by) {
        TARN_TRY(parse_by(field, by, &own->by, err));
        if (value->kind != TARN_YAML_MAP || value->count == 0)
            return tarn_yaml_fail(value, err, "a choice `by` a field maps its values to choices");
        own->count = value->count;
    }
    own->keys = tarn_arena_array(arena, own->count, sizeof *own->keys);
    own->sets = tarn_arena_array(arena, own->count, sizeof *own->sets);
    field->plain = true;
    field->type = TARN_SYNTH_INT;
    for (size_t i = 0; i < own->count; i++) {
        const struct tarn_yaml *set = by ? value->items[i] : value;
        const struct tarn_yaml **nodes;
        if (by)
            own->keys[i] = tarn_text_of(tarn_yaml_key(value, i));
        TARN_TRY(
            tarn_synth_read_weights(field->entity->spec, set, &nodes, &own->sets[i].alias, err));
        TARN_TRY(take_values(field, &own->sets[i], nodes, set->count, err));
        field->type = common_type(nodes, set->count, field->type);
    }
    return apply_decimals(field, own->sets, own->count, err);
}

static vector *choice_draw(batch_t *batch, field_t *field)
{
    const struct choice *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    out->scale = field->scale;
    const struct tarn_text *by = NULL;
    if (own->by)
        by =
            tarn_synth_as_texts(batch->scratch, tarn_expression_draw(own->by, batch), batch->count);
    const struct values *only = &own->sets[0];
    if (!by && field->type == TARN_SYNTH_TEXT) {
        for (size_t i = 0; i < batch->count; i++)
            out->texts[i] =
                only->texts[tarn_alias_draw(&only->alias, tarn_draw(field->key, batch->rows[i]))];
        return out;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct values *set = &own->sets[by ? key_index(own->keys, own->count, by[i], 0) : 0];
        put_value(out, i, set, tarn_alias_draw(&set->alias, tarn_draw(field->key, batch->rows[i])));
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_choice = {
    .name = "choice", .keys = {"by", "decimals"}, .resolve = choice_resolve, .draw = choice_draw};

/* ---- maps: one value for each value of another field ---- */

struct map {
    const struct tarn_expression *by;
    struct tarn_text *keys;
    struct values values; /* the last one is `otherwise` when there is one */
    bool otherwise;
};

static enum tarn_status map_resolve(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                    struct tarn_error *err)
{
    struct map *own = own_new(field, sizeof *own);
    struct tarn_arena *arena = field->entity->spec->arena;
    TARN_TRY(parse_by(field, value, &own->by, err));
    const struct tarn_yaml *values, *otherwise = tarn_yaml_get(field->node, "otherwise");
    TARN_TRY(tarn_yaml_map(field->node, "values", &values, err));
    if (!values || values->count == 0)
        return tarn_yaml_fail(field->node, err, "a map needs `values: {from: to, ...}`");
    size_t count = values->count + (otherwise != NULL);
    const struct tarn_yaml **nodes = tarn_arena_array(arena, count, sizeof *nodes);
    own->keys = tarn_arena_array(arena, count, sizeof *own->keys);
    for (size_t i = 0; i < values->count; i++) {
        nodes[i] = values->items[i];
        own->keys[i] = tarn_text_of(tarn_yaml_key(values, i));
    }
    if (otherwise)
        nodes[count - 1] = otherwise;
    own->otherwise = otherwise != NULL;
    field->plain = true;
    TARN_TRY(take_values(field, &own->values, nodes, count, err));
    field->type = common_type(nodes, count, TARN_SYNTH_INT);
    return apply_decimals(field, &own->values, 1, err);
}

static vector *map_draw(batch_t *batch, field_t *field)
{
    const struct map *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    out->scale = field->scale;
    const struct tarn_text *by =
        tarn_synth_as_texts(batch->scratch, tarn_expression_draw(own->by, batch), batch->count);
    size_t named = own->values.count - own->otherwise;
    for (size_t i = 0; i < batch->count; i++) {
        size_t at = key_index(own->keys, named, by[i], named);
        put_value(out, i, &own->values, at < own->values.count ? at : 0);
        if (at == own->values.count)
            tarn_synth_vector_nulls(batch->scratch, out, batch->count)[i] = 1;
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_map = {
    .name = "map",
    .keys = {"values", "otherwise", "decimals"},
    .resolve = map_resolve,
    .draw = map_draw,
};

/* ---- one value ---- */

static enum tarn_status constant_resolve(struct tarn_synth_field *field,
                                         const struct tarn_yaml *value, struct tarn_error *err)
{
    struct values *own = own_new(field, sizeof *own);
    field->plain = true;
    TARN_TRY(take_values(field, own, &value, 1, err));
    field->type = common_type(&value, 1, TARN_SYNTH_INT);
    return apply_decimals(field, own, 1, err);
}

static vector *constant_draw(batch_t *batch, field_t *field)
{
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    out->scale = field->scale;
    for (size_t i = 0; i < batch->count; i++)
        put_value(out, i, field->own, 0);
    return out;
}

const struct tarn_synth_generator tarn_synth_constant = {.name = "value",
                                                         .keys = {"decimals"},
                                                         .cheap = true,
                                                         .resolve = constant_resolve,
                                                         .draw = constant_draw};
