/* source/synthetic/expression_draw.c -- evaluates expressions over a batch, a column at a time. */
#include <ctype.h>

#include "base/clock.h"
#include "base/random.h"
#include "source/synthetic/expression_int.h"
#include "source/synthetic/format.h"
#include "source/synthetic/plan.h"
#include "source/synthetic/real.h"

typedef struct tarn_synth_vector vector;
typedef struct tarn_synth_batch batch_t;
typedef const struct tarn_expression expression;

static const int64_t day_us = 86400 * 1000000LL;

static vector *draw(expression *e, batch_t *batch)
{
    return tarn_expression_draw(e, batch);
}

static vector *vector_for(expression *e, batch_t *batch)
{
    vector *out = tarn_synth_vector_new(batch->scratch, e->type, batch->count);
    out->scale = e->scale;
    return out;
}

static void merge_nulls(batch_t *batch, vector *out, const vector *in)
{
    if (!in->nulls)
        return;
    uint8_t *nulls = tarn_synth_vector_nulls(batch->scratch, out, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        nulls[i] |= in->nulls[i];
}

static vector *draw_literal(expression *e, batch_t *batch)
{
    vector *out = vector_for(e, batch);
    for (size_t i = 0; i < batch->count; i++) {
        if (e->type == TARN_SYNTH_TEXT)
            out->texts[i] = e->text;
        else if (e->type == TARN_SYNTH_REAL)
            out->reals[i] = e->real;
        else
            out->ints[i] = e->integer;
    }
    if (e->op == OP_NULL)
        memset(tarn_synth_vector_nulls(batch->scratch, out, batch->count), 1, batch->count);
    return out;
}

static vector *draw_place(expression *e, batch_t *batch)
{
    const struct tarn_synth_entity *entity = batch->entity;
    const struct tarn_synth_plan *plan = entity->outer ? NULL : entity->plan;
    vector *out = vector_for(e, batch);
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t row = batch->rows[i];
        uint8_t stream = plan && plan->streams ? plan->streams[row] : 0;
        if (e->op == OP_ROW)
            out->ints[i] = (int64_t)row + 1;
        else if (e->op == OP_STREAM)
            out->texts[i] = tarn_text_of(entity->outer ? "" : entity->streams[stream].name);
        else if (e->op == OP_SLOT)
            out->ints[i] = entity->outer ? 0 : (int64_t)(row % (uint64_t)entity->streams[0].count);
        else if (entity->outer)
            out->ints[i] = (int64_t)(row % TARN_SYNTH_LIST_MAX) + 1;
        else
            out->ints[i] = plan->children && plan->parents
                               ? (int64_t)(row - plan->children[plan->parents[row]]) + 1
                               : 1;
    }
    return out;
}

static vector *draw_outer(expression *e, batch_t *batch)
{
    vector *in = draw(e->args[0], batch->outer);
    vector *out = vector_for(e, batch);
    uint8_t *nulls = in->nulls ? tarn_synth_vector_nulls(batch->scratch, out, batch->count) : NULL;
    if (in->targets)
        out->targets = tarn_scratch_array(batch->scratch, batch->count, sizeof *out->targets);
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t at = batch->outer_at[i];
        if (e->type == TARN_SYNTH_TEXT)
            out->texts[i] = in->texts[at];
        else
            out->ints[i] = in->ints[at]; /* doubles are as wide */
        if (nulls)
            nulls[i] = in->nulls[at];
        if (out->targets)
            out->targets[i] = in->targets[at];
    }
    return out;
}

static vector *draw_arithmetic(expression *e, batch_t *batch)
{
    vector *a = draw(e->args[0], batch), *b = draw(e->args[1], batch);
    vector *out = vector_for(e, batch);
    size_t n = batch->count;
    if (e->type == TARN_SYNTH_REAL) {
        const double *x = tarn_synth_as_reals(batch->scratch, a, n);
        const double *y = tarn_synth_as_reals(batch->scratch, b, n);
        for (size_t i = 0; i < n; i++)
            out->reals[i] = e->op == OP_ADD        ? x[i] + y[i]
                            : e->op == OP_SUBTRACT ? x[i] - y[i]
                            : e->op == OP_MULTIPLY ? x[i] * y[i]
                            : y[i] != 0            ? x[i] / y[i]
                                                   : 0;
    } else {
        bool same = e->op != OP_MULTIPLY && e->type == TARN_SYNTH_DECIMAL;
        const int64_t *x = same ? tarn_synth_as_scaled(batch->scratch, a, e->scale, n) : a->ints;
        const int64_t *y = same ? tarn_synth_as_scaled(batch->scratch, b, e->scale, n) : b->ints;
        for (size_t i = 0; i < n; i++) {
            int64_t *to = &out->ints[i];
            bool over = e->op == OP_ADD        ? __builtin_add_overflow(x[i], y[i], to)
                        : e->op == OP_SUBTRACT ? __builtin_sub_overflow(x[i], y[i], to)
                                               : __builtin_mul_overflow(x[i], y[i], to);
            if (over)
                *to = INT64_MAX;
        }
    }
    merge_nulls(batch, out, a);
    merge_nulls(batch, out, b);
    return out;
}

static vector *draw_comparison(expression *e, batch_t *batch)
{
    vector *a = draw(e->args[0], batch), *b = draw(e->args[1], batch);
    vector *out = vector_for(e, batch);
    size_t n = batch->count;
    if (a->type == TARN_SYNTH_TEXT) {
        for (size_t i = 0; i < n; i++)
            out->ints[i] = tarn_text_equal(a->texts[i], b->texts[i]);
    } else if (a->type == TARN_SYNTH_REAL || b->type == TARN_SYNTH_REAL) {
        const double *x = tarn_synth_as_reals(batch->scratch, a, n);
        const double *y = tarn_synth_as_reals(batch->scratch, b, n);
        for (size_t i = 0; i < n; i++)
            out->ints[i] = e->op == OP_LESS ? x[i] < y[i] : x[i] == y[i];
    } else {
        unsigned scale = a->scale > b->scale ? a->scale : b->scale;
        const int64_t *x = tarn_synth_as_scaled(batch->scratch, a, scale, n);
        const int64_t *y = tarn_synth_as_scaled(batch->scratch, b, scale, n);
        for (size_t i = 0; i < n; i++)
            out->ints[i] = e->op == OP_LESS ? x[i] < y[i] : x[i] == y[i];
    }
    merge_nulls(batch, out, a);
    merge_nulls(batch, out, b);
    return out;
}

static vector *draw_logic(expression *e, batch_t *batch)
{
    size_t n = batch->count;
    uint8_t *a = tarn_scratch_array(batch->scratch, n, 1), *b = NULL;
    tarn_expression_test(e->args[0], batch, a);
    if (e->arg_count > 1) {
        b = tarn_scratch_array(batch->scratch, n, 1);
        tarn_expression_test(e->args[1], batch, b);
    }
    vector *out = vector_for(e, batch);
    for (size_t i = 0; i < n; i++)
        out->ints[i] = e->op == OP_NOT ? !a[i] : e->op == OP_AND ? a[i] && b[i] : a[i] || b[i];
    return out;
}

/* The argument in the result's type: numbers are brought to one scale. */
static vector *as_type(expression *e, batch_t *batch, vector *in)
{
    if (in->type == e->type && in->scale == e->scale)
        return in;
    vector *out = tarn_scratch_alloc(batch->scratch, sizeof *out);
    *out = *in;
    out->type = e->type;
    out->scale = e->scale;
    if (e->type == TARN_SYNTH_REAL)
        out->reals = (double *)tarn_synth_as_reals(batch->scratch, in, batch->count);
    else if (e->type != TARN_SYNTH_TEXT)
        out->ints = (int64_t *)tarn_synth_as_scaled(batch->scratch, in, e->scale, batch->count);
    return out;
}

static vector *argument(expression *e, batch_t *batch, size_t i)
{
    if (e->args[i]->op != OP_NULL)
        return as_type(e, batch, draw(e->args[i], batch));
    vector *null = vector_for(e, batch);
    memset(null->ints, 0,
           batch->count * (e->type == TARN_SYNTH_TEXT ? sizeof *null->texts : sizeof *null->ints));
    memset(tarn_synth_vector_nulls(batch->scratch, null, batch->count), 1, batch->count);
    return null;
}

/* Copies row i of `in`, or null when it is null there; returns whether it had a value. */
static bool take_row(batch_t *batch, vector *out, const vector *in, size_t i)
{
    if (out->type == TARN_SYNTH_TEXT)
        out->texts[i] = in->texts[i];
    else
        out->ints[i] = in->ints[i];
    bool null = in->nulls && in->nulls[i];
    if (null || out->nulls)
        tarn_synth_vector_nulls(batch->scratch, out, batch->count)[i] = null;
    if (out->targets)
        out->targets[i] = in->targets && !null ? in->targets[i] : -1;
    return !null;
}

static vector *draw_choice(expression *e, batch_t *batch)
{
    size_t n = batch->count, first = e->op == OP_IF ? 1 : 0;
    vector *args[TARN_EXPRESSION_ARGS_MAX];
    uint8_t *test = NULL;
    if (e->op == OP_IF) {
        test = tarn_scratch_array(batch->scratch, n, 1);
        tarn_expression_test(e->args[0], batch, test);
    }
    for (size_t k = first; k < e->arg_count; k++)
        args[k] = argument(e, batch, k);
    vector *out = vector_for(e, batch);
    if (e->target)
        out->targets = tarn_scratch_array(batch->scratch, n, sizeof *out->targets);
    for (size_t i = 0; i < n; i++) {
        if (test) {
            (void)take_row(batch, out, args[test[i] ? 1 : 2], i);
            continue;
        }
        for (size_t k = 0; k < e->arg_count; k++)
            if (take_row(batch, out, args[k], i))
                break;
    }
    return out;
}

static vector *draw_extreme(expression *e, batch_t *batch)
{
    vector *a = argument(e, batch, 0), *b = argument(e, batch, 1);
    vector *out = vector_for(e, batch);
    bool min = e->op == OP_MIN;
    for (size_t i = 0; i < batch->count; i++) {
        if (e->type == TARN_SYNTH_REAL)
            out->reals[i] = (a->reals[i] < b->reals[i]) == min ? a->reals[i] : b->reals[i];
        else
            out->ints[i] = (a->ints[i] < b->ints[i]) == min ? a->ints[i] : b->ints[i];
    }
    merge_nulls(batch, out, a);
    merge_nulls(batch, out, b);
    return out;
}

static double real_function(int variant, double x, double y)
{
    switch ((enum tarn_real_function)variant) {
    case REAL_EXP:
        return tarn_real_exp(x);
    case REAL_LOG:
        return tarn_real_log(x);
    case REAL_SQRT:
        return x > 0 ? __builtin_sqrt(x) : 0;
    case REAL_POW:
        return tarn_real_pow(x, y);
    }
    return 0;
}

static vector *draw_numeric(expression *e, batch_t *batch)
{
    size_t n = batch->count;
    vector *a = draw(e->args[0], batch), *out = vector_for(e, batch);
    const double *x = tarn_synth_as_reals(batch->scratch, a, n);
    const int64_t *scaled =
        e->op == OP_ROUND ? tarn_synth_as_scaled(batch->scratch, a, e->scale, n) : a->ints;
    const double *y = e->op == OP_REAL && e->arg_count > 1
                          ? tarn_synth_as_reals(batch->scratch, draw(e->args[1], batch), n)
                          : x;
    for (size_t i = 0; i < n; i++) {
        if (e->op == OP_REAL)
            out->reals[i] = real_function(e->variant, x[i], y[i]);
        else if (e->op == OP_ROUND)
            out->ints[i] = scaled[i];
        else if (e->op == OP_FLOOR)
            out->ints[i] = tarn_real_floor(x[i]);
        else if (e->op == OP_DURATION)
            out->ints[i] = tarn_real_round(x[i] * e->variant) * 1000000;
        else if (e->type == TARN_SYNTH_REAL)
            out->reals[i] = e->op == OP_NEGATE || a->reals[i] < 0 ? -a->reals[i] : a->reals[i];
        else
            out->ints[i] = e->op == OP_NEGATE || a->ints[i] < 0 ? -a->ints[i] : a->ints[i];
    }
    merge_nulls(batch, out, a);
    return out;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t time_part(int variant, int64_t days, int64_t within_us)
{
    int year;
    unsigned month, day;
    tarn_civil_from_days(days, &year, &month, &day);
    switch ((enum tarn_time_part)variant) {
    case PART_YEAR:
        return year;
    case PART_MONTH:
        return month;
    case PART_DAY:
        return day;
    case PART_WEEKDAY:
        return ((days + 3) % 7 + 7) % 7 + 1;
    case PART_HOUR:
        return within_us / (3600 * 1000000LL);
    }
    return 0;
}

static vector *draw_clock(expression *e, batch_t *batch)
{
    vector *a = draw(e->args[0], batch), *out = vector_for(e, batch);
    int64_t first_day = batch->entity->spec->from_day;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t value = a->ints[i];
        int64_t days = a->type == TARN_SYNTH_DATE ? value : floor_div(value, day_us);
        int64_t within = a->type == TARN_SYNTH_DATE ? 0 : value - days * day_us;
        if (e->op == OP_DATE_OF)
            out->ints[i] = days;
        else if (e->op == OP_SEASON)
            out->reals[i] = tarn_season_day_rate(e->season, first_day, days);
        else
            out->ints[i] = time_part(e->variant, days, within);
    }
    merge_nulls(batch, out, a);
    return out;
}

static vector *draw_random(expression *e, batch_t *batch)
{
    vector *out = vector_for(e, batch);
    const double *p = NULL;
    if (e->op == OP_CHANCE)
        p = tarn_synth_as_reals(batch->scratch, draw(e->args[0], batch), batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t bits = tarn_draw(e->key, batch->rows[i]);
        if (p)
            out->ints[i] = tarn_draw_unit(bits) < p[i];
        else if (e->op == OP_UNIFORM)
            out->reals[i] = tarn_draw_unit(bits);
        else
            out->reals[i] = tarn_real_normal_quantile(((double)(bits >> 12) + 0.5) * 0x1.0p-52);
    }
    return out;
}

static vector *draw_children(expression *e, batch_t *batch)
{
    const struct tarn_synth_plan *plan = e->child->plan;
    size_t n = batch->count, total = 0;
    vector *out = vector_for(e, batch);
    for (size_t i = 0; i < n; i++) {
        uint64_t row = batch->rows[i];
        size_t count = (size_t)(plan->children[row + 1] - plan->children[row]);
        out->ints[i] = (int64_t)count;
        total += count;
    }
    if (e->op == OP_COUNT)
        return out;
    uint64_t *rows = tarn_scratch_array(batch->scratch, total + 1, sizeof *rows);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t r = plan->children[batch->rows[i]]; r < plan->children[batch->rows[i] + 1];
             r++)
            rows[at++] = r;
    batch_t *children = tarn_synth_batch_new(e->child, batch->scratch, rows, total);
    vector *values = draw(e->args[0], children);
    at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count = (size_t)out->ints[i];
        int64_t sum = 0;
        double real = 0;
        for (; count > 0; count--, at++) {
            if (values->nulls && values->nulls[at])
                continue;
            if (e->type == TARN_SYNTH_REAL)
                real += values->reals[at];
            else
                sum += values->ints[at];
        }
        if (e->type == TARN_SYNTH_REAL)
            out->reals[i] = real;
        else
            out->ints[i] = sum;
    }
    return out;
}

/* ---- text functions ---- */

/* The ASCII letter nearest to a Latin letter of two bytes in UTF-8 (U+00C0 to U+017F), 0 beyond. */
static char plain_letter(unsigned code)
{
    static const char letters[] =
        "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnoooooxouuuuyty"
        "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
        "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
    return code >= 0xC0 && code <= 0x17F ? letters[code - 0xC0] : 0;
}

static char *put_slug(char *at, struct tarn_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char plain = isalnum(c) ? (char)c : 0;
        if ((c & 0xE0) == 0xC0 && i + 1 < text.len)
            plain = plain_letter((c & 0x1Fu) << 6 | ((unsigned char)text.data[++i] & 0x3Fu));
        if (plain)
            *at++ = (char)(plain | 0x20); /* digits have the bit already */
    }
    return at;
}

char *tarn_expression_put_text(char *at, struct tarn_text text, enum tarn_text_function function)
{
    if (function == TEXT_SLUG)
        return put_slug(at, text);
    bool start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool upper = function == TEXT_UPPER || (function == TEXT_TITLE && start);
        if (c >= 'a' && c <= 'z' && upper)
            c = (char)(c - 32);
        else if (c >= 'A' && c <= 'Z' && !upper)
            c = (char)(c + 32);
        start = c == ' ' || c == '-';
        *at++ = c;
    }
    return at;
}

static vector *draw_text(expression *e, batch_t *batch)
{
    vector *in = draw(e->args[0], batch), *out = vector_for(e, batch);
    size_t total = 0;
    for (size_t i = 0; i < batch->count; i++)
        total += in->nulls && in->nulls[i] ? 0 : in->texts[i].len;
    char *at = tarn_scratch_alloc(batch->scratch, total + 1);
    for (size_t i = 0; i < batch->count; i++) {
        char *start = at;
        if (!in->nulls || !in->nulls[i])
            at = tarn_expression_put_text(at, in->texts[i], (enum tarn_text_function)e->variant);
        out->texts[i] = (struct tarn_text){start, (size_t)(at - start)};
    }
    merge_nulls(batch, out, in);
    return out;
}

static vector *draw_is_null(expression *e, batch_t *batch)
{
    vector *in = draw(e->args[0], batch), *out = vector_for(e, batch);
    for (size_t i = 0; i < batch->count; i++)
        out->ints[i] = in->nulls && in->nulls[i];
    return out;
}

static vector *draw_parent(expression *e, batch_t *batch)
{
    vector *out = vector_for(e, batch);
    out->targets = (int64_t *)tarn_synth_parents(batch);
    return out;
}

struct tarn_synth_vector *tarn_expression_draw(const struct tarn_expression *e, batch_t *batch)
{
    switch (e->op) {
    case OP_LITERAL:
    case OP_NULL:
        return draw_literal(e, batch);
    case OP_FIELD:
        return tarn_synth_column(batch, e->field);
    case OP_PARENT:
        return draw_parent(e, batch);
    case OP_LOOKUP:
        return tarn_synth_gather(batch, e->field, draw(e->args[0], batch)->targets);
    case OP_OUTER:
        return draw_outer(e, batch);
    case OP_ROW:
    case OP_STREAM:
    case OP_SLOT:
    case OP_ORDINAL:
        return draw_place(e, batch);
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
        return draw_arithmetic(e, batch);
    case OP_EQUAL:
    case OP_LESS:
        return draw_comparison(e, batch);
    case OP_AND:
    case OP_OR:
    case OP_NOT:
        return draw_logic(e, batch);
    case OP_IS_NULL:
        return draw_is_null(e, batch);
    case OP_IF:
    case OP_COALESCE:
        return draw_choice(e, batch);
    case OP_MIN:
    case OP_MAX:
        return draw_extreme(e, batch);
    case OP_NEGATE:
    case OP_ABS:
    case OP_ROUND:
    case OP_FLOOR:
    case OP_REAL:
    case OP_DURATION:
        return draw_numeric(e, batch);
    case OP_TEXT:
        return draw_text(e, batch);
    case OP_DATE_OF:
    case OP_TIME_PART:
    case OP_SEASON:
        return draw_clock(e, batch);
    case OP_CHANCE:
    case OP_NORMAL:
    case OP_UNIFORM:
        return draw_random(e, batch);
    case OP_SUM:
    case OP_COUNT:
        return draw_children(e, batch);
    }
    return NULL;
}

void tarn_expression_test(const struct tarn_expression *e, batch_t *batch, uint8_t *out)
{
    const vector *in = draw(e, batch);
    for (size_t i = 0; i < batch->count; i++)
        out[i] = in->ints[i] && !(in->nulls && in->nulls[i]);
}
