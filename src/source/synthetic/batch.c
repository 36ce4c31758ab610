/* source/synthetic/batch.c -- see batch.h. */
#include "source/synthetic/batch.h"

#include <assert.h>

#include "base/random.h"
#include "source/synthetic/expression.h"
#include "source/synthetic/format.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/plan.h"
#include "source/synthetic/real.h"

static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
static const int64_t whole_powers[] = {1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000};

struct tarn_synth_batch *tarn_synth_batch_new(const struct tarn_synth_entity *entity,
                                              struct tarn_scratch *scratch, const uint64_t *rows,
                                              size_t count)
{
    struct tarn_synth_batch *batch = tarn_scratch_zeroed(scratch, 1, sizeof *batch);
    batch->entity = entity;
    batch->scratch = scratch;
    batch->rows = rows;
    batch->count = count;
    batch->vectors = tarn_scratch_zeroed(scratch, entity->field_count, sizeof *batch->vectors);
    return batch;
}

struct tarn_synth_batch *tarn_synth_batch_range(const struct tarn_synth_entity *entity,
                                                struct tarn_scratch *scratch, uint64_t first,
                                                size_t count)
{
    uint64_t *rows = tarn_scratch_array(scratch, count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = first + i;
    return tarn_synth_batch_new(entity, scratch, rows, count);
}

struct tarn_synth_vector *tarn_synth_vector_new(struct tarn_scratch *scratch,
                                                enum tarn_synth_type type, size_t count)
{
    struct tarn_synth_vector *vector = tarn_scratch_zeroed(scratch, 1, sizeof *vector);
    vector->type = type;
    if (type == TARN_SYNTH_TEXT)
        vector->texts = tarn_scratch_array(scratch, count + 1, sizeof *vector->texts);
    else
        vector->ints = tarn_scratch_array(scratch, count + 1, sizeof *vector->ints);
    return vector;
}

uint8_t *tarn_synth_vector_nulls(struct tarn_scratch *scratch, struct tarn_synth_vector *vector,
                                 size_t count)
{
    if (!vector->nulls)
        vector->nulls = tarn_scratch_zeroed(scratch, count + 1, 1);
    return vector->nulls;
}

const double *tarn_synth_as_reals(struct tarn_scratch *scratch,
                                  const struct tarn_synth_vector *vector, size_t count)
{
    if (vector->type == TARN_SYNTH_REAL)
        return vector->reals;
    double *out = tarn_scratch_array(scratch, count + 1, sizeof *out);
    double power = powers[vector->scale];
    for (size_t i = 0; i < count; i++)
        out[i] = (double)vector->ints[i] / power;
    return out;
}

const int64_t *tarn_synth_as_scaled(struct tarn_scratch *scratch,
                                    const struct tarn_synth_vector *vector, unsigned scale,
                                    size_t count)
{
    assert(vector->type != TARN_SYNTH_TEXT && vector->type != TARN_SYNTH_LIST);
    if (vector->type != TARN_SYNTH_REAL && vector->scale == scale)
        return vector->ints;
    int64_t *out = tarn_scratch_array(scratch, count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (vector->type == TARN_SYNTH_REAL)
            out[i] = tarn_real_round(vector->reals[i] * powers[scale]);
        else if (vector->scale < scale)
            out[i] = vector->ints[i] * whole_powers[scale - vector->scale];
        else {
            int64_t divisor = whole_powers[vector->scale - scale], half = divisor / 2;
            out[i] = (vector->ints[i] + (vector->ints[i] < 0 ? -half : half)) / divisor;
        }
    }
    return out;
}

char *tarn_synth_put_value(char *at, const struct tarn_synth_vector *vector, size_t row)
{
    if (vector->nulls && vector->nulls[row])
        return at;
    switch (vector->type) {
    case TARN_SYNTH_INT:
        return tarn_put_int(at, vector->ints[row]);
    case TARN_SYNTH_DECIMAL:
        return tarn_put_decimal(at, vector->ints[row], vector->scale);
    case TARN_SYNTH_REAL:
        return tarn_put_real(at, vector->reals[row]);
    case TARN_SYNTH_BOOL:
        return vector->ints[row] ? tarn_put_bytes(at, "true", 4) : tarn_put_bytes(at, "false", 5);
    case TARN_SYNTH_DATE:
        return tarn_put_date(at, vector->ints[row]);
    case TARN_SYNTH_TIME:
        return tarn_put_time(at, vector->ints[row]);
    case TARN_SYNTH_TEXT:
        return tarn_put_bytes(at, vector->texts[row].data, vector->texts[row].len);
    case TARN_SYNTH_LIST:
        break;
    }
    return at;
}

const struct tarn_text *tarn_synth_as_texts(struct tarn_scratch *scratch,
                                            const struct tarn_synth_vector *vector, size_t count)
{
    if (vector->type == TARN_SYNTH_TEXT && !vector->nulls)
        return vector->texts;
    struct tarn_text *out = tarn_scratch_array(scratch, count + 1, sizeof *out);
    bool text = vector->type == TARN_SYNTH_TEXT;
    char *at = text ? NULL : tarn_scratch_array(scratch, count + 1, TARN_PUT_VALUE_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (vector->nulls && vector->nulls[i]) {
            out[i] = TARN_TEXT("");
        } else if (text) {
            out[i] = vector->texts[i];
        } else {
            char *end = tarn_synth_put_value(at, vector, i);
            out[i] = (struct tarn_text){at, (size_t)(end - at)};
            at = end;
        }
    }
    return out;
}

/* ---- columns ---- */

static void put_null(struct tarn_synth_batch *batch, struct tarn_synth_vector *vector, size_t row)
{
    tarn_synth_vector_nulls(batch->scratch, vector, batch->count)[row] = 1;
    if (vector->targets)
        vector->targets[row] = -1;
}

static void apply_nulls(struct tarn_synth_batch *batch, const struct tarn_synth_field *field,
                        struct tarn_synth_vector *vector)
{
    if (field->when) {
        uint8_t *test = tarn_scratch_array(batch->scratch, batch->count + 1, 1);
        tarn_expression_test(field->when, batch, test);
        for (size_t i = 0; i < batch->count; i++)
            if (!test[i])
                put_null(batch, vector, i);
    }
    if (field->null_share > 0) {
        uint64_t key = tarn_mix64(field->key ^ 0x3c6ef372fe94f82bULL);
        for (size_t i = 0; i < batch->count; i++)
            if (tarn_draw_unit(tarn_draw(key, batch->rows[i])) < field->null_share)
                put_null(batch, vector, i);
    }
}

/* Generators may hand on a vector that belongs to another field; nulls are put into a copy. */
static struct tarn_synth_vector *own_copy(struct tarn_synth_batch *batch,
                                          const struct tarn_synth_vector *in)
{
    struct tarn_synth_vector *out = tarn_scratch_alloc(batch->scratch, sizeof *out);
    *out = *in;
    if (in->nulls) {
        out->nulls = tarn_scratch_array(batch->scratch, batch->count + 1, 1);
        memcpy(out->nulls, in->nulls, batch->count);
    }
    if (in->targets) {
        out->targets = tarn_scratch_array(batch->scratch, batch->count + 1, sizeof *out->targets);
        memcpy(out->targets, in->targets, batch->count * sizeof *out->targets);
    }
    return out;
}

struct tarn_synth_vector *tarn_synth_column(struct tarn_synth_batch *batch,
                                            const struct tarn_synth_field *field)
{
    assert(field->entity == batch->entity);
    struct tarn_synth_vector **slot = &batch->vectors[field->index];
    if (*slot)
        return *slot;
    struct tarn_synth_vector *vector = field->generator->draw(batch, field);
    if (field->when || field->null_share > 0) {
        vector = own_copy(batch, vector);
        apply_nulls(batch, field, vector);
    }
    return *slot = vector;
}

const int64_t *tarn_synth_parents(struct tarn_synth_batch *batch)
{
    if (batch->parents)
        return batch->parents;
    const struct tarn_synth_plan *plan = batch->entity->plan;
    batch->parents = tarn_scratch_array(batch->scratch, batch->count + 1, sizeof *batch->parents);
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t parent = plan->parents ? plan->parents[batch->rows[i]] : UINT32_MAX;
        batch->parents[i] = parent == UINT32_MAX ? -1 : (int64_t)parent;
    }
    return batch->parents;
}

static struct tarn_synth_vector *gather_kept(struct tarn_synth_batch *batch,
                                             const struct tarn_synth_vector *kept,
                                             const int64_t *targets)
{
    size_t n = batch->count;
    struct tarn_synth_vector *out = tarn_synth_vector_new(batch->scratch, kept->type, n);
    out->scale = kept->scale;
    if (kept->targets)
        out->targets = tarn_scratch_array(batch->scratch, n + 1, sizeof *out->targets);
    for (size_t i = 0; i < n; i++) {
        int64_t at = targets[i];
        bool null = at < 0 || (kept->nulls && kept->nulls[at]);
        if (null)
            tarn_synth_vector_nulls(batch->scratch, out, n)[i] = 1;
        if (kept->type == TARN_SYNTH_TEXT)
            out->texts[i] = null ? TARN_TEXT("") : kept->texts[at];
        else
            out->ints[i] = null ? 0 : kept->ints[at]; /* doubles are as wide; 0 is 0.0 */
        if (out->targets)
            out->targets[i] = null ? -1 : kept->targets[at];
    }
    return out;
}

struct tarn_synth_vector *tarn_synth_gather(struct tarn_synth_batch *batch,
                                            const struct tarn_synth_field *field,
                                            const int64_t *targets)
{
    const struct tarn_synth_plan *plan = field->entity->plan;
    if (plan->kept && plan->kept[field->index])
        return gather_kept(batch, plan->kept[field->index], targets);
    size_t n = batch->count;
    uint64_t *rows = tarn_scratch_array(batch->scratch, n + 1, sizeof *rows);
    bool missing = false;
    for (size_t i = 0; i < n; i++) {
        missing = missing || targets[i] < 0;
        rows[i] = targets[i] < 0 ? 0 : (uint64_t)targets[i];
    }
    struct tarn_synth_batch *other = tarn_synth_batch_new(field->entity, batch->scratch, rows, n);
    struct tarn_synth_vector *out = tarn_synth_column(other, field);
    if (missing) {
        out = own_copy(batch, out);
        for (size_t i = 0; i < n; i++)
            if (targets[i] < 0)
                put_null(batch, out, i);
    }
    return out;
}
