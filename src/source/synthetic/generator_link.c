/* source/synthetic/generator_link.c -- generators that join rows: arrival times, references, state
 * machines, lists. */
#include <stdio.h>

#include "base/random.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/link.h"
#include "source/synthetic/plan.h"
#include "source/synthetic/real.h"
#include "source/synthetic/spec_int.h"

typedef struct tarn_synth_vector vector;
typedef struct tarn_synth_batch batch_t;
typedef const struct tarn_synth_field field_t;

static const int64_t day_us = 86400 * 1000000LL;

static enum tarn_status expect_true(const struct tarn_yaml *value, const char *name,
                                    struct tarn_error *err)
{
    if (value->kind == TARN_YAML_BOOL && value->boolean)
        return TARN_OK;
    return tarn_yaml_fail(value, err, "write `%s: true`", name);
}

static int64_t time_of(const batch_t *batch, size_t i)
{
    if (batch->times)
        return batch->times[i];
    return tarn_synth_row_time(batch->entity, batch->rows[i]);
}

/* ---- arrival: when the row happens ---- */

static enum tarn_status arrival_resolve(struct tarn_synth_field *field,
                                        const struct tarn_yaml *value, struct tarn_error *err)
{
    static const char *const types[] = {"time", "date", NULL};
    int type = 0;
    TARN_TRY(tarn_yaml_choice(field->node, "type", types, &type, err));
    field->type = type == 0 ? TARN_SYNTH_TIME : TARN_SYNTH_DATE;
    field->plain = true;
    if (field->entity->outer)
        return tarn_yaml_fail(value, err, "rows of a list have `at: true` instead of an arrival");
    return expect_true(value, "arrival", err);
}

static vector *arrival_draw(batch_t *batch, field_t *field)
{
    vector *out = tarn_synth_vector_new(batch->scratch, field->type, batch->count);
    const int64_t *times = batch->entity->plan->times;
    for (size_t i = 0; i < batch->count; i++)
        out->ints[i] =
            times ? times[batch->rows[i]] : tarn_synth_row_time(batch->entity, batch->rows[i]);
    for (size_t i = 0; field->type == TARN_SYNTH_DATE && i < batch->count; i++)
        out->ints[i] /= day_us;
    return out;
}

const struct tarn_synth_generator tarn_synth_arrival = {.name = "arrival",
                                                        .keys = {"type"},
                                                        .cheap = true,
                                                        .resolve = arrival_resolve,
                                                        .draw = arrival_draw};

/* ---- references ---- */

enum { ALIVE_ATTEMPTS = 24 };

static enum tarn_status reference_resolve(struct tarn_synth_field *field,
                                          const struct tarn_yaml *value, struct tarn_error *err)
{
    struct tarn_synth_entity *entity = field->entity, *target;
    struct tarn_synth_reference *own = tarn_arena_alloc(entity->spec->arena, sizeof *own);
    field->own = own;
    TARN_TRY(
        tarn_synth_find_entity(entity->spec, value, value->text ? value->text : "", &target, err));
    if (target == entity)
        return tarn_yaml_fail(value, err, "an entity cannot refer to itself");
    TARN_TRY(tarn_yaml_double(field->node, "skew", 0, 4, &own->zipf, err));
    TARN_TRY(tarn_yaml_double(field->node, "together", 0, 1, &own->together, err));
    if (own->together > 0 && (entity->outer || entity->stream_count != 1 ||
                              entity->streams[0].kind != TARN_SYNTH_ROWS_OF))
        return tarn_yaml_fail(value, err, "`together` is for entities whose rows are `of` another");
    TARN_TRY(tarn_synth_field_resolve(target->key_field, err));
    const struct tarn_yaml *alive = tarn_yaml_get(field->node, "alive_until");
    if (alive) {
        struct tarn_synth_field *until;
        TARN_TRY(tarn_synth_find_field(target, alive, alive->text ? alive->text : "", &until, err));
        TARN_TRY(tarn_synth_field_resolve(until, err));
        if (until->type != TARN_SYNTH_TIME)
            return tarn_yaml_fail(alive, err, "alive_until must be a field that holds a time");
        until->kept = until->kept_early = true;
        own->alive_until = until;
    }
    own->target = target;
    field->target = target;
    field->type = target->key_field->type;
    field->scale = target->key_field->scale;
    field->plain = target->key_field->plain;
    if (!target->key_field->generator->cheap)
        target->key_field->kept = true;
    return TARN_OK;
}

static int64_t pick_target(const struct tarn_synth_reference *own, uint64_t draw, uint64_t active,
                           int64_t time)
{
    const struct tarn_synth_vector *until = NULL;
    if (own->alive_until)
        until = own->target->plan->kept[own->alive_until->index];
    size_t row = tarn_pick_draw(&own->pick, draw, active);
    for (int attempt = 1; until && until->ints[row] < time && attempt < ALIVE_ATTEMPTS; attempt++) {
        draw = tarn_mix64(draw + 0x9e3779b97f4a7c15ULL);
        row = tarn_pick_draw(&own->pick, draw, active);
    }
    return (int64_t)row;
}

/* What is bought together: rows 2k and 2k + 1 of the target are companions, and a row that is not
 * the first of its siblings takes, `together` of the time, the companion of what the first one
 * took. */
static int64_t pick_companion(const struct tarn_synth_reference *own, field_t *field, uint64_t row,
                              uint64_t active, int64_t time, int64_t target)
{
    const struct tarn_synth_plan *plan = field->entity->plan;
    uint64_t first = plan->children ? plan->children[plan->parents[row]] : row;
    uint64_t coin = tarn_mix64(tarn_draw(field->key, row) ^ 0xbb67ae8584caa73bULL);
    if (row == first || tarn_draw_unit(coin) >= own->together)
        return target;
    int64_t companion = pick_target(own, tarn_draw(field->key, first), active, time) ^ 1;
    return companion < (int64_t)active ? companion : target;
}

static vector *reference_draw(batch_t *batch, field_t *field)
{
    const struct tarn_synth_reference *own = field->own;
    const struct tarn_synth_plan *plan = own->target->plan;
    const int64_t *times = batch->times ? NULL : batch->entity->plan->times;
    int64_t *targets = tarn_scratch_array(batch->scratch, batch->count + 1, sizeof *targets);
    uint64_t active = 0;
    int64_t last = 0;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t time = times ? times[batch->rows[i]] : time_of(batch, i);
        if (i == 0 || time < last || time - last > day_us)
            active = tarn_synth_rows_until(own->target, time);
        while (active < plan->rows && plan->times[active] <= time)
            active++;
        last = time;
        targets[i] = active == 0
                         ? -1
                         : pick_target(own, tarn_draw(field->key, batch->rows[i]), active, time);
        if (own->together > 0 && active > 0)
            targets[i] = pick_companion(own, field, batch->rows[i], active, time, targets[i]);
    }
    vector *keys = tarn_synth_gather(batch, own->target->key_field, targets);
    vector *out = tarn_scratch_alloc(batch->scratch, sizeof *out);
    *out = *keys;
    out->targets = targets;
    return out;
}

const struct tarn_synth_generator tarn_synth_reference = {
    .name = "reference",
    .keys = {"skew", "alive_until", "together"},
    .resolve = reference_resolve,
    .draw = reference_draw,
};

/* ---- state machines ---- */

struct machine_field {
    const struct tarn_synth_machine *machine;
    const struct tarn_expression *from;
};

static enum tarn_status parse_time(struct tarn_synth_field *field, const struct tarn_yaml *node,
                                   const char *what, const struct tarn_expression **ret,
                                   struct tarn_error *err)
{
    if (!node || !node->text)
        return tarn_yaml_fail(node ? node : field->node, err, "%s needs a time field here", what);
    TARN_TRY(tarn_expression_parse(tarn_text_of(node->text), node, field->entity, field->name, ret,
                                   err));
    if (tarn_expression_type(*ret) != TARN_SYNTH_TIME)
        return tarn_yaml_fail(node, err, "%s needs a time, this is something else", what);
    return TARN_OK;
}

static enum tarn_status machine_resolve(struct tarn_synth_field *field,
                                        const struct tarn_yaml *value, struct tarn_error *err)
{
    struct machine_field *own = tarn_arena_alloc(field->entity->spec->arena, sizeof *own);
    field->own = own;
    TARN_TRY(tarn_synth_find_machine(field->entity->spec, value, value->text ? value->text : "",
                                     &own->machine, err));
    TARN_TRY(
        parse_time(field, tarn_yaml_get(field->node, "from"), "machine (`from`)", &own->from, err));
    field->type = TARN_SYNTH_TEXT;
    field->plain = true;
    return TARN_OK;
}

/* One step: the dwell in the state, then the next one. Steps draw from their own counter. */
static uint32_t machine_step(const struct tarn_synth_machine *machine, uint32_t state, uint64_t key,
                             uint64_t step, int64_t *time)
{
    const struct tarn_synth_machine_state *now = &machine->states[state];
    *time += (int64_t)tarn_distribution_draw_one(&now->dwell, tarn_draw(key, 2 * step));
    return now->next[tarn_alias_draw(&now->next_alias, tarn_draw(key, 2 * step + 1))];
}

static vector *machine_draw(batch_t *batch, field_t *field)
{
    const struct machine_field *own = field->own;
    const vector *from = tarn_expression_draw(own->from, batch);
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    int64_t end = batch->entity->spec->to_day * day_us;
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t key = tarn_draw(field->key, batch->rows[i]);
        int64_t time = from->ints[i];
        uint32_t state = own->machine->start;
        for (uint64_t step = 0; own->machine->states[state].next_count > 0 && step < 1000; step++) {
            uint32_t next = machine_step(own->machine, state, key, step, &time);
            if (time >= end)
                break;
            state = next;
        }
        out->texts[i] = tarn_text_of(own->machine->states[state].name);
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_machine_generator = {
    .name = "machine", .keys = {"from"}, .resolve = machine_resolve, .draw = machine_draw};

/* ---- lists: the walk of a machine, one inner row per state ---- */

struct list {
    struct tarn_synth_entity *inner;
    const struct tarn_synth_machine *machines[TARN_SYNTH_STREAMS_MAX]; /* by stream */
    const struct tarn_expression *start;
    const struct tarn_expression *until; /* NULL, or where the last step falls (null: nowhere) */
    int64_t most;
    const struct tarn_yaml *skip; /* names of states that leave no row; NULL: none */
};

static bool is_skipped(const struct list *own, const char *state)
{
    for (size_t i = 0; own->skip && i < own->skip->count; i++)
        if (own->skip->items[i]->text && strcmp(own->skip->items[i]->text, state) == 0)
            return true;
    return false;
}

static enum tarn_status list_machines(struct tarn_synth_field *field, struct list *own,
                                      const struct tarn_yaml *node, struct tarn_error *err)
{
    struct tarn_synth_entity *entity = field->entity;
    if (!node)
        return tarn_yaml_fail(field->node, err, "a list needs `machine`");
    for (size_t s = 0; s < entity->stream_count; s++) {
        const struct tarn_yaml *name = node;
        if (node->kind == TARN_YAML_MAP)
            name = tarn_yaml_get(node, entity->streams[s].name);
        if (!name || !name->text)
            return tarn_yaml_fail(
                node, err, "machine must be a name, or a name for each stream ('%s' is missing)",
                entity->streams[s].name);
        TARN_TRY(tarn_synth_find_machine(entity->spec, name, name->text, &own->machines[s], err));
    }
    return TARN_OK;
}

static enum tarn_status list_resolve(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                     struct tarn_error *err)
{
    static const char *const keys[] = {"machine", "start", "until", "most", "skip", "fields", NULL};
    struct list *own = tarn_arena_alloc(field->entity->spec->arena, sizeof *own);
    field->own = own;
    field->type = TARN_SYNTH_LIST;
    TARN_TRY(tarn_yaml_expect_keys(value, "a list", keys, err));
    if (field->entity->outer)
        return tarn_yaml_fail(value, err, "a list within a list is not supported");
    TARN_TRY(list_machines(field, own, tarn_yaml_get(value, "machine"), err));
    TARN_TRY(parse_time(field, tarn_yaml_get(value, "start"), "list (`start`)", &own->start, err));
    const struct tarn_yaml *until = tarn_yaml_get(value, "until");
    if (until)
        TARN_TRY(parse_time(field, until, "list (`until`)", &own->until, err));
    TARN_TRY(tarn_yaml_list(value, "skip", &own->skip, err));
    own->most = 30;
    TARN_TRY(tarn_yaml_int(value, "most", 1, TARN_SYNTH_LIST_MAX, &own->most, err));
    return tarn_synth_add_inner(field, tarn_yaml_get(value, "fields"), &own->inner, err);
}

struct walk {
    size_t count;
    uint8_t states[TARN_SYNTH_LIST_MAX];
    int64_t times[TARN_SYNTH_LIST_MAX];
};

static void walk_machine(const struct list *own, const struct tarn_synth_machine *machine,
                         uint64_t key, int64_t start, struct walk *walk)
{
    uint32_t state = machine->start;
    int64_t time = start;
    walk->count = 0;
    for (uint64_t step = 0; (int64_t)walk->count < own->most; step++) {
        if (!is_skipped(own, machine->states[state].name)) {
            walk->states[walk->count] = (uint8_t)state;
            walk->times[walk->count++] = time;
        }
        if (machine->states[state].next_count == 0)
            break;
        state = machine_step(machine, state, key, step, &time);
    }
}

/* Stretches the times so that the last step falls on `until`. */
static void stretch(struct walk *walk, int64_t start, int64_t until)
{
    int64_t length = walk->times[walk->count - 1] - start;
    for (size_t k = 0; k < walk->count; k++) {
        double share = length > 0 ? (double)(walk->times[k] - start) / (double)length
                                  : (double)k / (double)walk->count;
        walk->times[k] = start + (int64_t)(share * (double)(until - start));
    }
    walk->times[walk->count - 1] = until;
}

static vector *list_draw(batch_t *batch, field_t *field)
{
    const struct list *own = field->own;
    size_t n = batch->count, most = n * (size_t)own->most;
    const uint8_t *streams = batch->entity->plan->streams;
    const vector *start = tarn_expression_draw(own->start, batch);
    const vector *until = own->until ? tarn_expression_draw(own->until, batch) : NULL;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_LIST, n);
    out->starts = tarn_scratch_array(batch->scratch, n + 1, sizeof *out->starts);
    uint64_t *rows = tarn_scratch_array(batch->scratch, most + 1, sizeof *rows);
    uint32_t *outer_at = tarn_scratch_array(batch->scratch, most + 1, sizeof *outer_at);
    uint8_t *states = tarn_scratch_array(batch->scratch, most + 1, 1);
    int64_t *times = tarn_scratch_array(batch->scratch, most + 1, sizeof *times);
    const struct tarn_synth_machine **machines =
        tarn_scratch_array(batch->scratch, most + 1, sizeof *machines);
    uint32_t total = 0;
    for (size_t i = 0; i < n; i++) {
        struct walk walk;
        const struct tarn_synth_machine *machine =
            own->machines[streams ? streams[batch->rows[i]] : 0];
        walk_machine(own, machine, tarn_draw(field->key, batch->rows[i]), start->ints[i], &walk);
        if (until && walk.count > 0 && !(until->nulls && until->nulls[i]))
            stretch(&walk, start->ints[i], until->ints[i]);
        out->starts[i] = total;
        for (size_t k = 0; k < walk.count; k++, total++) {
            rows[total] = batch->rows[i] * TARN_SYNTH_LIST_MAX + k;
            outer_at[total] = (uint32_t)i;
            states[total] = walk.states[k];
            times[total] = walk.times[k] / 1000000 * 1000000;
            machines[total] = machine;
        }
    }
    out->starts[n] = total;
    out->items = tarn_synth_batch_new(own->inner, batch->scratch, rows, total);
    out->items->outer = batch;
    out->items->outer_at = outer_at;
    out->items->states = states;
    out->items->times = times;
    out->items->machines = machines;
    return out;
}

const struct tarn_synth_generator tarn_synth_list = {
    .name = "list", .resolve = list_resolve, .draw = list_draw};

static enum tarn_status step_resolve(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                     struct tarn_error *err)
{
    bool state = field->generator == &tarn_synth_state;
    field->type = state ? TARN_SYNTH_TEXT : TARN_SYNTH_TIME;
    field->plain = true;
    if (!field->entity->outer)
        return tarn_yaml_fail(value, err, "`%s` belongs into the fields of a list",
                              field->generator->name);
    return expect_true(value, field->generator->name, err);
}

static vector *state_draw(batch_t *batch, field_t *field)
{
    (void)field;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        out->texts[i] = tarn_text_of(batch->machines[i]->states[batch->states[i]].name);
    return out;
}

const struct tarn_synth_generator tarn_synth_state = {
    .name = "state", .resolve = step_resolve, .draw = state_draw};

static vector *at_draw(batch_t *batch, field_t *field)
{
    (void)field;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TIME, batch->count);
    memcpy(out->ints, batch->times, batch->count * sizeof *out->ints);
    return out;
}

const struct tarn_synth_generator tarn_synth_at = {
    .name = "at", .resolve = step_resolve, .draw = at_draw};

const struct tarn_synth_entity *tarn_synth_list_inner(const struct tarn_synth_field *field)
{
    return ((const struct list *)field->own)->inner;
}
