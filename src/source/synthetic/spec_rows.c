/* source/synthetic/spec_rows.c -- the parts of a source that say when and how many: seasons, state
 * machines, streams. */
#include <stdio.h>

#include "base/text.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/spec_int.h"

static enum tarn_status read_shape(const struct tarn_yaml *map, const char *key, size_t count,
                                   double *out, struct tarn_error *err)
{
    const struct tarn_yaml *list;
    TARN_TRY(tarn_yaml_list(map, key, &list, err));
    if (!list)
        return TARN_OK;
    if (list->count != count)
        return tarn_yaml_fail(list, err, "%s needs %zu numbers, there are %zu", key, count,
                              list->count);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        TARN_TRY(tarn_synth_node_number(list->items[i], key, &out[i], err));
        if (!(out[i] >= 0))
            return tarn_yaml_fail(list->items[i], err, "%s must not be negative", key);
        total += out[i];
    }
    return total > 0 ? TARN_OK : tarn_yaml_fail(list, err, "%s are all 0", key);
}

static enum tarn_status read_spikes(struct tarn_synth_spec *spec, const struct tarn_yaml *map,
                                    struct tarn_season *season, struct tarn_error *err)
{
    static const char *const keys[] = {"name", "from", "to", "times", NULL};
    const struct tarn_yaml *list;
    TARN_TRY(tarn_yaml_list(map, "spikes", &list, err));
    if (!list)
        return TARN_OK;
    struct tarn_season_spike *spikes = tarn_arena_array(spec->arena, list->count, sizeof *spikes);
    for (size_t i = 0; i < list->count; i++) {
        const struct tarn_yaml *item = list->items[i];
        TARN_TRY(tarn_yaml_expect_keys(item, "a spike", keys, err));
        const struct tarn_yaml *from = tarn_yaml_get(item, "from"), *to = tarn_yaml_get(item, "to");
        if (!from || !to)
            return tarn_yaml_fail(item, err, "a spike needs `from` and `to`, two dates");
        TARN_TRY(tarn_synth_node_date(from, "from", &spikes[i].from_day, err));
        TARN_TRY(tarn_synth_node_date(to, "to", &spikes[i].to_day, err));
        spikes[i].times = 2;
        TARN_TRY(tarn_yaml_double(item, "times", 0, 1e6, &spikes[i].times, err));
    }
    season->spikes = spikes;
    season->spike_count = list->count;
    return TARN_OK;
}

enum tarn_status tarn_synth_read_seasons(struct tarn_synth_spec *spec, const struct tarn_yaml *map,
                                         struct tarn_error *err)
{
    static const char *const keys[] = {"hours", "weekdays", "months", "trend", "spikes", NULL};
    spec->season_count = map->count;
    spec->seasons = tarn_arena_array(spec->arena, map->count, sizeof *spec->seasons);
    spec->season_names = tarn_arena_array(spec->arena, map->count, sizeof *spec->season_names);
    for (size_t i = 0; i < map->count; i++) {
        const struct tarn_yaml *node = map->items[i];
        struct tarn_season *season = &spec->seasons[i];
        TARN_TRY(tarn_yaml_expect_keys(node, "a season", keys, err));
        spec->season_names[i] = tarn_yaml_key(map, i);
        tarn_season_flat(season);
        TARN_TRY(read_shape(node, "hours", 24, season->hour, err));
        TARN_TRY(read_shape(node, "weekdays", 7, season->weekday, err));
        TARN_TRY(read_shape(node, "months", 12, season->month, err));
        TARN_TRY(tarn_yaml_double(node, "trend", -0.99, 1000, &season->trend, err));
        TARN_TRY(read_spikes(spec, node, season, err));
    }
    return TARN_OK;
}

/* ---- machines ---- */

static enum tarn_status find_state(const struct tarn_synth_machine *machine,
                                   const struct tarn_yaml *node, const char *name, uint32_t *ret,
                                   struct tarn_error *err)
{
    TARN_AUTO_FREE const char **names = tarn_alloc_array(machine->count, sizeof *names);
    for (size_t i = 0; i < machine->count; i++) {
        names[i] = machine->states[i].name;
        if (strcmp(names[i], name) == 0) {
            *ret = (uint32_t)i;
            return TARN_OK;
        }
    }
    return tarn_synth_unknown(node, "state", name, names, machine->count, err);
}

static enum tarn_status read_state(struct tarn_synth_spec *spec, struct tarn_synth_machine *machine,
                                   struct tarn_synth_machine_state *state,
                                   const struct tarn_yaml *node, double unit,
                                   struct tarn_error *err)
{
    static const char *const keys[] = {"dwell", "next", NULL};
    state->dwell = (struct tarn_distribution){.kind = TARN_DISTRIBUTION_CONSTANT};
    if (node->kind == TARN_YAML_NULL)
        return TARN_OK;
    TARN_TRY(tarn_yaml_expect_keys(node, "a state", keys, err));
    const struct tarn_yaml *dwell = tarn_yaml_get(node, "dwell"),
                           *next = tarn_yaml_get(node, "next");
    if (dwell)
        TARN_TRY(tarn_synth_read_distribution(spec, dwell, unit, &state->dwell, err));
    if (!next)
        return TARN_OK;
    const struct tarn_yaml **names;
    TARN_TRY(tarn_synth_read_weights(spec, next, &names, &state->next_alias, err));
    uint32_t *targets = tarn_arena_array(spec->arena, next->count, sizeof *targets);
    for (size_t i = 0; i < next->count; i++)
        TARN_TRY(
            find_state(machine, names[i], names[i]->text ? names[i]->text : "", &targets[i], err));
    state->next = targets;
    state->next_count = next->count;
    return TARN_OK;
}

static enum tarn_status read_machine(struct tarn_synth_spec *spec,
                                     struct tarn_synth_machine *machine,
                                     const struct tarn_yaml *node, struct tarn_error *err)
{
    static const char *const keys[] = {"start", "unit", "states", NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "a machine", keys, err));
    const struct tarn_yaml *states;
    TARN_TRY(tarn_yaml_map(node, "states", &states, err));
    if (!states || states->count == 0 || states->count > 200)
        return tarn_yaml_fail(node, err, "a machine needs 1 to 200 `states`");
    double unit;
    TARN_TRY(tarn_synth_read_unit(node, 3600e6, &unit, err));
    machine->count = states->count;
    machine->states = tarn_arena_array(spec->arena, states->count, sizeof *machine->states);
    for (size_t i = 0; i < states->count; i++)
        machine->states[i].name = tarn_yaml_key(states, i);
    for (size_t i = 0; i < states->count; i++)
        TARN_TRY(read_state(spec, machine, &machine->states[i], states->items[i], unit, err));
    const struct tarn_yaml *start = tarn_yaml_get(node, "start");
    machine->start = 0;
    if (start)
        return find_state(machine, start, start->text ? start->text : "", &machine->start, err);
    return TARN_OK;
}

enum tarn_status tarn_synth_read_machines(struct tarn_synth_spec *spec, const struct tarn_yaml *map,
                                          struct tarn_error *err)
{
    spec->machine_count = map->count;
    spec->machines = tarn_arena_array(spec->arena, map->count, sizeof *spec->machines);
    for (size_t i = 0; i < map->count; i++) {
        spec->machines[i].name = tarn_yaml_key(map, i);
        TARN_TRY(read_machine(spec, &spec->machines[i], map->items[i], err));
    }
    return TARN_OK;
}

/* ---- streams ---- */

static enum tarn_status read_when_of(struct tarn_synth_entity *entity,
                                     struct tarn_synth_stream *stream, struct tarn_error *err)
{
    const struct tarn_yaml *when = tarn_yaml_get(stream->node, "when");
    if (!when)
        return TARN_OK;
    if (!when->text)
        return tarn_yaml_fail(when, err, "when must be an expression over %s", stream->other->name);
    const char *key =
        tarn_arena_format(entity->spec->arena, "%s.%s.when", entity->name, stream->name);
    TARN_TRY(tarn_expression_parse(tarn_text_of(when->text), when, stream->other, key,
                                   &stream->when, err));
    if (tarn_expression_type(stream->when) != TARN_SYNTH_BOOL)
        return tarn_yaml_fail(when, err, "when must be a condition (true or false)");
    return TARN_OK;
}

static enum tarn_status read_of(struct tarn_synth_entity *entity, struct tarn_synth_stream *stream,
                                const struct tarn_yaml *node, struct tarn_error *err)
{
    static const char *const keys[] = {"of",    "count", "when", "before",
                                       "after", "unit",  "name", NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "rows that belong to others", keys, err));
    const char *name;
    TARN_TRY(tarn_yaml_str_required(node, "of", &name, err));
    TARN_TRY(
        tarn_synth_find_entity(entity->spec, tarn_yaml_get(node, "of"), name, &stream->other, err));
    if (stream->other == entity)
        return tarn_yaml_fail(node, err, "%s cannot be its own parent", name);
    stream->children = (struct tarn_distribution){
        .kind = TARN_DISTRIBUTION_CONSTANT, .a = 1, .min = 0, .max = 1e6};
    const struct tarn_yaml *count = tarn_yaml_get(node, "count");
    if (count)
        TARN_TRY(tarn_synth_read_distribution(entity->spec, count, 1, &stream->children, err));
    const struct tarn_yaml *before = tarn_yaml_get(node, "before"),
                           *after = tarn_yaml_get(node, "after");
    if (before && after)
        return tarn_yaml_fail(before, err, "take `before` or `after`, not both");
    if (before || after) {
        double unit;
        TARN_TRY(tarn_synth_read_unit(node, 60e6, &unit, err));
        TARN_TRY(tarn_synth_read_distribution(entity->spec, before ? before : after, unit,
                                              &stream->gap, err));
        stream->has_gap = true;
        stream->before = before != NULL;
    }
    return TARN_OK;
}

static enum tarn_status read_existing(struct tarn_synth_stream *stream,
                                      const struct tarn_yaml *node, struct tarn_error *err)
{
    static const char *const keys[] = {"share", "days", NULL};
    const struct tarn_yaml *existing;
    TARN_TRY(tarn_yaml_map(node, "existing", &existing, err));
    if (!existing)
        return TARN_OK;
    TARN_TRY(tarn_yaml_expect_keys(existing, "existing", keys, err));
    stream->existing_share = 0.5;
    stream->existing_days = 365;
    TARN_TRY(tarn_yaml_double(existing, "share", 0, 1, &stream->existing_share, err));
    return tarn_yaml_int(existing, "days", 1, 36500, &stream->existing_days, err);
}

static enum tarn_status read_season_of(struct tarn_synth_entity *entity,
                                       struct tarn_synth_stream *stream,
                                       const struct tarn_yaml *node, struct tarn_error *err)
{
    const struct tarn_yaml *season = tarn_yaml_get(node, "season");
    if (!season)
        return TARN_OK;
    if (!season->text)
        return tarn_yaml_fail(season, err, "season must be the name of one");
    return tarn_synth_find_season(entity->spec, season, season->text, &stream->season, err);
}

static enum tarn_status read_counted(struct tarn_synth_entity *entity,
                                     struct tarn_synth_stream *stream, const struct tarn_yaml *node,
                                     struct tarn_error *err)
{
    static const char *const keys[] = {"count",  "per",      "ratio", "grows",
                                       "season", "existing", "name",  NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "rows", keys, err));
    TARN_TRY(read_season_of(entity, stream, node, err));
    TARN_TRY(read_existing(stream, node, err));
    const struct tarn_yaml *per = tarn_yaml_get(node, "per");
    if (!per) {
        stream->count = -1;
        stream->grows = true;
        TARN_TRY(tarn_yaml_double(node, "count", 0, 4e9, &stream->count, err));
        TARN_TRY(tarn_yaml_bool(node, "grows", &stream->grows, err));
        if (stream->count < 0)
            return tarn_yaml_fail(
                node, err,
                "rows need `count: N`, `per: ENTITY` with `ratio`, `of: ENTITY`, or "
                "`every: day`");
        return TARN_OK;
    }
    stream->kind = TARN_SYNTH_ROWS_PER;
    stream->ratio = 1;
    TARN_TRY(tarn_yaml_double(node, "ratio", 0, 1e9, &stream->ratio, err));
    TARN_TRY(
        tarn_synth_find_entity(entity->spec, per, per->text ? per->text : "", &stream->other, err));
    if (stream->other->streams && stream->other == entity)
        return tarn_yaml_fail(per, err, "the rows of %s cannot follow from themselves",
                              entity->name);
    return TARN_OK;
}

static enum tarn_status read_stream(struct tarn_synth_entity *entity,
                                    struct tarn_synth_stream *stream, const struct tarn_yaml *node,
                                    struct tarn_error *err)
{
    static const char *const every_keys[] = {"every", "times", "name", NULL};
    static const char *const every_choices[] = {"day", NULL};
    stream->name = "";
    stream->node = node;
    if (node->kind == TARN_YAML_INT || node->kind == TARN_YAML_FLOAT) {
        stream->grows = true;
        return tarn_synth_node_number(node, "rows", &stream->count, err);
    }
    if (node->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(node, err, "rows must be a number, a map, or a list of maps");
    TARN_TRY(tarn_yaml_str(node, "name", &stream->name, err));
    if (tarn_yaml_get(node, "of")) {
        stream->kind = TARN_SYNTH_ROWS_OF;
        return read_of(entity, stream, node, err);
    }
    if (!tarn_yaml_get(node, "every"))
        return read_counted(entity, stream, node, err);
    stream->kind = TARN_SYNTH_ROWS_EVERY;
    stream->count = 1;
    int day = 0;
    TARN_TRY(tarn_yaml_expect_keys(node, "rows at fixed times", every_keys, err));
    TARN_TRY(tarn_yaml_choice(node, "every", every_choices, &day, err));
    return tarn_yaml_double(node, "times", 1, 1e6, &stream->count, err);
}

enum tarn_status tarn_synth_resolve_streams(struct tarn_synth_entity *entity,
                                            struct tarn_error *err)
{
    for (size_t i = 0; i < entity->stream_count; i++)
        if (entity->streams[i].kind == TARN_SYNTH_ROWS_OF)
            TARN_TRY(read_when_of(entity, &entity->streams[i], err));
    return TARN_OK;
}

enum tarn_status tarn_synth_read_streams(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    const struct tarn_yaml *rows = tarn_yaml_get(entity->node, "rows");
    if (!rows)
        return tarn_yaml_fail(entity->node, err, "%s needs `rows`", entity->name);
    bool many = rows->kind == TARN_YAML_LIST;
    size_t count = many ? rows->count : 1;
    if (count == 0 || count > TARN_SYNTH_STREAMS_MAX)
        return tarn_yaml_fail(rows, err, "rows come in 1 to %d streams", TARN_SYNTH_STREAMS_MAX);
    entity->streams = tarn_arena_array(entity->spec->arena, count, sizeof *entity->streams);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(read_stream(entity, &entity->streams[i], many ? rows->items[i] : rows, err));
    entity->stream_count = count;
    struct tarn_synth_entity *parent = NULL;
    for (size_t i = 0; i < count; i++) {
        if (entity->streams[i].kind != TARN_SYNTH_ROWS_OF)
            continue;
        if (parent && entity->streams[i].other != parent)
            return tarn_yaml_fail(rows, err,
                                  "all streams of an entity that have a parent share it");
        parent = entity->streams[i].other;
        if (count > 1)
            entity->streams[i].has_gap = true; /* merged by time, so it needs times of its own */
    }
    return TARN_OK;
}
