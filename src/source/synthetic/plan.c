/* source/synthetic/plan.c -- see plan.h. */
#include "source/synthetic/plan.h"

#include "base/pool.h"
#include "base/random.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/fault.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/link.h"
#include "source/synthetic/plan_int.h"
#include "source/synthetic/real.h"
#include "source/synthetic/spec_int.h"

static const int64_t day_us = 86400 * 1000000LL;
static const uint64_t rows_limit = UINT32_MAX - 1;

int64_t tarn_synth_row_time(const struct tarn_synth_entity *entity, uint64_t row)
{
    const struct tarn_synth_plan *plan = entity->plan;
    if (plan->times)
        return plan->times[row];
    return tarn_synth_row_time(entity->streams[0].other, plan->parents[row]);
}

uint64_t tarn_synth_rows_until(const struct tarn_synth_entity *entity, int64_t time_us)
{
    uint64_t low = 0, high = entity->plan->rows;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (tarn_synth_row_time(entity, middle) <= time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- order of dependence ---- */

struct ordering {
    struct tarn_synth_spec *spec;
    uint8_t *state; /* 1: being visited, 2: done */
    struct tarn_synth_entity **order;
    size_t count;
};

static enum tarn_status visit(struct ordering *o, struct tarn_synth_entity *entity,
                              struct tarn_error *err);

/* True when the rows follow from numbers in the file alone, so that others may be counted `per`
 * this entity before it is planned. */
static bool count_is_declared(const struct tarn_synth_entity *entity)
{
    for (size_t i = 0; i < entity->stream_count; i++)
        if (entity->streams[i].kind != TARN_SYNTH_ROWS_COUNT &&
            entity->streams[i].kind != TARN_SYNTH_ROWS_EVERY)
            return false;
    return true;
}

static enum tarn_status visit_targets(struct ordering *o, const struct tarn_synth_entity *entity,
                                      struct tarn_error *err)
{
    for (size_t i = 0; i < entity->field_count; i++) {
        const struct tarn_synth_field *field = &entity->fields[i];
        if (field->generator == &tarn_synth_reference)
            TARN_TRY(visit(o, field->target, err));
        if (field->generator == &tarn_synth_list)
            TARN_TRY(visit_targets(o, tarn_synth_list_inner(field), err));
    }
    return TARN_OK;
}

static enum tarn_status visit(struct ordering *o, struct tarn_synth_entity *entity,
                              struct tarn_error *err)
{
    uint8_t *state = &o->state[entity->index];
    if (*state == 2)
        return TARN_OK;
    if (*state == 1)
        return tarn_yaml_fail(entity->node, err,
                              "the entity %s depends on itself through other entities",
                              entity->name);
    *state = 1;
    for (size_t i = 0; i < entity->stream_count; i++) {
        const struct tarn_synth_stream *stream = &entity->streams[i];
        if (stream->kind == TARN_SYNTH_ROWS_OF ||
            (stream->kind == TARN_SYNTH_ROWS_PER && !count_is_declared(stream->other)))
            TARN_TRY(visit(o, stream->other, err));
    }
    TARN_TRY(visit_targets(o, entity, err));
    *state = 2;
    o->order[o->count++] = entity;
    return TARN_OK;
}

/* ---- rows of one stream ---- */

struct stream_rows {
    size_t count;
    int64_t *times;    /* NULL: the parent's */
    uint32_t *parents; /* NULL: none */
};

static enum tarn_status check_rows(const struct tarn_synth_entity *entity, double rows,
                                   struct tarn_error *err)
{
    if (rows <= (double)rows_limit)
        return TARN_OK;
    return tarn_yaml_fail(entity->node, err,
                          "%s would have %.0f rows, more than the %llu that fit; lower "
                          "the scale",
                          entity->name, rows, (unsigned long long)rows_limit);
}

static double declared_rows(const struct tarn_synth_spec *spec,
                            const struct tarn_synth_stream *stream)
{
    if (stream->kind == TARN_SYNTH_ROWS_EVERY)
        return (double)(uint64_t)stream->count * (double)(spec->to_day - spec->from_day);
    double rows = stream->count * (stream->grows ? spec->scale : 1);
    return rows > 0 && rows < 1 ? 1 : rows;
}

/* How many rows an entity has that others are counted by. */
static double rows_of(const struct tarn_synth_entity *entity)
{
    if (entity->plan)
        return (double)entity->plan->rows;
    double rows = 0;
    for (size_t i = 0; i < entity->stream_count; i++)
        rows += declared_rows(entity->spec, &entity->streams[i]);
    return rows;
}

static enum tarn_status plan_counted(struct tarn_synth_entity *entity,
                                     const struct tarn_synth_stream *stream, uint64_t key,
                                     struct stream_rows *out, struct tarn_error *err)
{
    const struct tarn_synth_spec *spec = entity->spec;
    double rows = stream->kind == TARN_SYNTH_ROWS_PER ? stream->ratio * rows_of(stream->other)
                                                      : declared_rows(spec, stream);
    if (rows > 0 && rows < 1)
        rows = 1;
    TARN_TRY(check_rows(entity, rows, err));
    struct tarn_season flat;
    tarn_season_flat(&flat);
    out->count = (size_t)tarn_real_round(rows);
    out->times = tarn_alloc_array(out->count + 1, sizeof *out->times);
    size_t before = (size_t)tarn_real_round(stream->existing_share * (double)out->count);
    tarn_season_times(&flat, tarn_mix64(key + 1), spec->from_day - stream->existing_days,
                      spec->from_day, before, out->times);
    tarn_season_times(stream->season ? stream->season : &flat, key, spec->from_day, spec->to_day,
                      out->count - before, out->times + before);
    return TARN_OK;
}

static enum tarn_status plan_every(struct tarn_synth_entity *entity,
                                   const struct tarn_synth_stream *stream, struct stream_rows *out,
                                   struct tarn_error *err)
{
    const struct tarn_synth_spec *spec = entity->spec;
    uint64_t per_day = (uint64_t)stream->count;
    TARN_TRY(check_rows(entity, declared_rows(spec, stream), err));
    out->count = (size_t)(spec->to_day - spec->from_day) * per_day;
    out->times = tarn_alloc_array(out->count + 1, sizeof *out->times);
    for (size_t i = 0; i < out->count; i++)
        out->times[i] = (spec->from_day + (int64_t)(i / per_day)) * day_us;
    return TARN_OK;
}

/* How many children each of the parents [first, first + count) has. */
static void draw_children(const struct tarn_synth_stream *stream, uint64_t key,
                          struct tarn_scratch *scratch, uint64_t first, size_t count, uint32_t *out)
{
    tarn_scratch_reset(scratch);
    struct tarn_synth_batch *batch = tarn_synth_batch_range(stream->other, scratch, first, count);
    double *drawn = tarn_scratch_array(scratch, count + 1, sizeof *drawn);
    tarn_distribution_draw(&stream->children, key, batch->rows, count, drawn);
    uint8_t *test = NULL;
    if (stream->when) {
        test = tarn_scratch_array(scratch, count + 1, 1);
        tarn_expression_test(stream->when, batch, test);
    }
    for (size_t i = 0; i < count; i++)
        out[i] = drawn[i] < 0.5 || (test && !test[i]) ? 0 : (uint32_t)tarn_real_round(drawn[i]);
}

static enum tarn_status plan_children(struct tarn_synth_entity *entity,
                                      const struct tarn_synth_stream *stream, uint64_t key,
                                      struct stream_rows *out, struct tarn_error *err)
{
    size_t parents = stream->other->plan->rows;
    TARN_AUTO_FREE uint32_t *counts = tarn_alloc_array(parents + 1, sizeof *counts);
    struct tarn_scratch scratch = {0};
    uint64_t total = 0;
    for (size_t at = 0; at < parents; at += TARN_SYNTH_BATCH_ROWS) {
        size_t n = parents - at < TARN_SYNTH_BATCH_ROWS ? parents - at : TARN_SYNTH_BATCH_ROWS;
        draw_children(stream, key, &scratch, at, n, counts + at);
        for (size_t i = 0; i < n; i++)
            total += counts[at + i];
    }
    tarn_scratch_release(&scratch);
    TARN_TRY(check_rows(entity, (double)total, err));
    out->count = total;
    out->parents = tarn_alloc_array(total + 1, sizeof *out->parents);
    if (stream->has_gap)
        out->times = tarn_alloc_array(total + 1, sizeof *out->times);
    uint64_t gap_key = tarn_mix64(key + 2);
    size_t row = 0;
    for (size_t p = 0; p < parents; p++)
        for (uint32_t k = 0; k < counts[p]; k++, row++) {
            out->parents[row] = (uint32_t)p;
            if (!out->times)
                continue;
            int64_t gap = 0;
            if (stream->gap.kind != TARN_DISTRIBUTION_CONSTANT || stream->gap.a != 0)
                gap = (int64_t)tarn_distribution_draw_one(&stream->gap, tarn_draw(gap_key, row));
            gap = gap / 1000000 * 1000000;
            out->times[row] = tarn_synth_row_time(stream->other, p) + (stream->before ? -gap : gap);
        }
    return TARN_OK;
}

/* ---- all streams of an entity, merged by time ---- */

struct order {
    int64_t time;
    uint32_t row;
    uint8_t stream;
};

static int compare_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void merge_streams(struct tarn_synth_entity *entity, struct stream_rows *streams)
{
    struct tarn_synth_plan *plan = entity->plan;
    struct order *order = tarn_alloc_array(plan->rows + 1, sizeof *order);
    bool parents = false;
    size_t at = 0;
    for (size_t s = 0; s < entity->stream_count; s++) {
        parents = parents || streams[s].parents;
        for (size_t i = 0; i < streams[s].count; i++)
            order[at++] = (struct order){streams[s].times[i], (uint32_t)i, (uint8_t)s};
    }
    qsort(order, plan->rows, sizeof *order, compare_order);
    plan->times = tarn_alloc_array(plan->rows + 1, sizeof *plan->times);
    plan->streams = tarn_alloc_array(plan->rows + 1, 1);
    if (parents)
        plan->parents = tarn_alloc_array(plan->rows + 1, sizeof *plan->parents);
    for (size_t i = 0; i < plan->rows; i++) {
        const struct stream_rows *stream = &streams[order[i].stream];
        plan->times[i] = order[i].time;
        plan->streams[i] = order[i].stream;
        if (parents)
            plan->parents[i] = stream->parents ? stream->parents[order[i].row] : UINT32_MAX;
    }
    free(order);
}

static void index_children(struct tarn_synth_entity *entity)
{
    struct tarn_synth_plan *plan = entity->plan;
    size_t parents = entity->streams[0].other->plan->rows;
    plan->children = tarn_alloc_array(parents + 1, sizeof *plan->children);
    size_t row = 0;
    for (size_t p = 0; p < parents; p++) {
        plan->children[p] = row;
        while (row < plan->rows && plan->parents[row] == p)
            row++;
    }
    plan->children[parents] = row;
}

static enum tarn_status plan_rows(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    struct stream_rows streams[TARN_SYNTH_STREAMS_MAX] = {{0}};
    struct tarn_synth_plan *plan = entity->plan;
    enum tarn_status status = TARN_OK;
    for (size_t s = 0; s < entity->stream_count && status == TARN_OK; s++) {
        const struct tarn_synth_stream *stream = &entity->streams[s];
        uint64_t key = tarn_draw_key(entity->spec->seed, entity->key, 0x0a11e5ULL + s);
        if (stream->kind == TARN_SYNTH_ROWS_OF)
            status = plan_children(entity, stream, key, &streams[s], err);
        else if (stream->kind == TARN_SYNTH_ROWS_EVERY)
            status = plan_every(entity, stream, &streams[s], err);
        else
            status = plan_counted(entity, stream, key, &streams[s], err);
        plan->rows += streams[s].count;
    }
    if (status == TARN_OK)
        status = check_rows(entity, (double)plan->rows, err);
    bool merged = entity->stream_count > 1 || entity->streams[0].has_gap;
    if (status == TARN_OK && merged) {
        merge_streams(entity, streams);
    } else if (status == TARN_OK) {
        plan->times = streams[0].times;
        plan->parents = streams[0].parents;
        streams[0] = (struct stream_rows){0};
        if (plan->parents)
            index_children(entity);
    }
    for (size_t s = 0; s < entity->stream_count; s++) {
        free(streams[s].times);
        free(streams[s].parents);
    }
    return status;
}

/* ---- references and kept columns ---- */

static enum tarn_status prepare_references(struct tarn_synth_entity *entity,
                                           const struct tarn_synth_entity *outer,
                                           struct tarn_error *err)
{
    for (size_t i = 0; i < entity->field_count; i++) {
        struct tarn_synth_field *field = &entity->fields[i];
        if (field->generator == &tarn_synth_list)
            TARN_TRY(prepare_references((struct tarn_synth_entity *)tarn_synth_list_inner(field),
                                        entity, err));
        if (field->generator != &tarn_synth_reference)
            continue;
        struct tarn_synth_reference *own = field->own;
        const struct tarn_synth_plan *target = own->target->plan;
        if (target->rows == 0 || !target->times)
            return tarn_yaml_fail(field->node, err,
                                  "%s can refer only to an entity that has rows and times "
                                  "of its own; %s has not",
                                  field->name, own->target->name);
        if (outer->plan->rows > 0 && tarn_synth_row_time(outer, 0) < target->times[0])
            return tarn_yaml_fail(
                field->node, err,
                "the first %s happens before the first %s, so it has nothing to refer to; "
                "give %s `existing: {share: 0.5, days: 365}`",
                outer->name, own->target->name, own->target->name);
        tarn_pick_init(&own->pick, field->key, target->rows, own->zipf);
    }
    return TARN_OK;
}

struct keeping {
    const struct tarn_synth_field *field;
    struct tarn_synth_vector *into;
    void **memory; /* per batch */
};

static void keep_texts(struct keeping *k, size_t at, size_t n, const struct tarn_synth_vector *in,
                       size_t index)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += in->nulls && in->nulls[i] ? 0 : in->texts[i].len;
    char *bytes = tarn_alloc(total);
    k->memory[index] = bytes;
    for (size_t i = 0; i < n; i++) {
        size_t len = in->nulls && in->nulls[i] ? 0 : in->texts[i].len;
        memcpy(bytes, in->texts[i].data, len);
        k->into->texts[at + i] = (struct tarn_text){bytes, len};
        bytes += len;
    }
}

static void keep_batch(void *context, size_t index)
{
    struct keeping *k = context;
    const struct tarn_synth_plan *plan = k->field->entity->plan;
    size_t at = index * TARN_SYNTH_BATCH_ROWS;
    size_t n = plan->rows - at < TARN_SYNTH_BATCH_ROWS ? plan->rows - at : TARN_SYNTH_BATCH_ROWS;
    struct tarn_scratch scratch = {0};
    struct tarn_synth_batch *batch = tarn_synth_batch_range(k->field->entity, &scratch, at, n);
    const struct tarn_synth_vector *in = tarn_synth_column(batch, k->field);
    if (in->type == TARN_SYNTH_TEXT)
        keep_texts(k, at, n, in, index);
    else
        memcpy(k->into->ints + at, in->ints, n * sizeof *in->ints);
    if (in->nulls)
        memcpy(k->into->nulls + at, in->nulls, n);
    if (k->into->targets && in->targets)
        memcpy(k->into->targets + at, in->targets, n * sizeof *in->targets);
    tarn_scratch_release(&scratch);
}

static void keep_field(const struct tarn_synth_field *field, unsigned threads)
{
    struct tarn_synth_plan *plan = field->entity->plan;
    if (plan->kept[field->index])
        return;
    struct tarn_synth_vector *into = tarn_alloc(sizeof *into);
    size_t batches = (plan->rows + TARN_SYNTH_BATCH_ROWS - 1) / TARN_SYNTH_BATCH_ROWS;
    into->type = field->type;
    into->scale = field->scale;
    into->nulls = tarn_alloc_array(plan->rows + 1, 1);
    if (field->target)
        into->targets = tarn_alloc_array(plan->rows + 1, sizeof *into->targets);
    if (field->type == TARN_SYNTH_TEXT) {
        into->texts = tarn_alloc_array(plan->rows + 1, sizeof *into->texts);
        TARN_RESERVE(plan->kept_memory, plan->kept_memory_cap, plan->kept_memory_count + batches);
        memset(plan->kept_memory + plan->kept_memory_count, 0, batches * sizeof(void *));
    } else {
        into->ints = tarn_alloc_array(plan->rows + 1, sizeof *into->ints);
    }
    struct keeping k = {field, into, plan->kept_memory + plan->kept_memory_count};
    if (field->type == TARN_SYNTH_TEXT)
        plan->kept_memory_count += batches;
    tarn_parallel_for(threads, batches, keep_batch, &k);
    plan->kept[field->index] = into;
}

static void keep_fields(struct tarn_synth_entity *entity, unsigned threads, bool early)
{
    for (size_t i = 0; i < entity->field_count; i++)
        if (entity->fields[i].kept && (!early || entity->fields[i].kept_early))
            keep_field(&entity->fields[i], threads);
}

/* ---- all of it ---- */

static enum tarn_status plan_entity(struct tarn_synth_entity *entity, unsigned threads,
                                    struct tarn_error *err)
{
    struct tarn_arena *arena = entity->spec->arena;
    entity->plan = tarn_arena_alloc(arena, sizeof *entity->plan);
    TARN_TRY(plan_rows(entity, err));
    entity->plan->kept =
        tarn_arena_array(arena, entity->field_count, sizeof(struct tarn_synth_vector *));
    TARN_TRY(prepare_references(entity, entity, err));
    keep_fields(entity, threads, true);
    return TARN_OK;
}

enum tarn_status tarn_synth_plan_make(struct tarn_synth_spec *spec, unsigned threads,
                                      struct tarn_error *err)
{
    struct ordering ordering = {.spec = spec};
    ordering.state = tarn_arena_array(spec->arena, spec->entity_count, 1);
    ordering.order = tarn_arena_array(spec->arena, spec->entity_count, sizeof *ordering.order);
    for (size_t i = 0; i < spec->entity_count; i++)
        TARN_TRY(visit(&ordering, &spec->entities[i], err));
    for (size_t i = 0; i < spec->entity_count; i++)
        TARN_TRY(plan_entity(ordering.order[i], threads, err));
    for (size_t i = 0; i < spec->entity_count; i++)
        keep_fields(ordering.order[i], threads, false);
    for (size_t i = 0; i < spec->entity_count; i++)
        TARN_TRY(tarn_synth_plan_files(ordering.order[i], err));
    return TARN_OK;
}

static void release_references(const struct tarn_synth_entity *entity)
{
    for (size_t i = 0; i < entity->field_count; i++) {
        const struct tarn_synth_field *field = &entity->fields[i];
        if (field->generator == &tarn_synth_list)
            release_references(tarn_synth_list_inner(field));
        if (field->generator == &tarn_synth_reference)
            tarn_pick_release(&((struct tarn_synth_reference *)field->own)->pick);
    }
}

static void release_kept(struct tarn_synth_vector *kept)
{
    if (!kept)
        return;
    free(kept->nulls);
    free(kept->ints);
    free(kept->targets);
    free(kept);
}

void tarn_synth_plan_release(struct tarn_synth_spec *spec)
{
    for (size_t i = 0; spec && i < spec->entity_count; i++) {
        struct tarn_synth_entity *entity = &spec->entities[i];
        struct tarn_synth_plan *plan = entity->plan;
        if (!plan)
            continue;
        release_references(entity);
        for (size_t k = 0; plan->kept && k < entity->field_count; k++)
            release_kept(plan->kept[k]);
        for (size_t k = 0; k < plan->kept_memory_count; k++)
            free(plan->kept_memory[k]);
        free(plan->kept_memory);
        free(plan->times);
        free(plan->streams);
        free(plan->parents);
        free(plan->children);
        free(plan->extras);
        entity->plan = NULL;
    }
}
