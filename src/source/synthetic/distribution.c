/* source/synthetic/distribution.c -- see distribution.h. Continuous kinds invert their distribution
 * function, so that one draw is one value; discrete ones use an alias table; gamma is Marsaglia and
 * Tsang's rejection (2000). */
#include "source/synthetic/distribution.h"

#include <math.h>

#include "base/random.h"
#include "source/synthetic/real.h"

const char *const tarn_distribution_names[TARN_DISTRIBUTION_COUNT + 1] = {
#define X(name, text, a, b) text,
    TARN_DISTRIBUTION_MAP(X)
#undef X
};

const char *const tarn_distribution_parameters[TARN_DISTRIBUTION_COUNT][2] = {
#define X(name, text, a, b) {a, b},
    TARN_DISTRIBUTION_MAP(X)
#undef X
};

enum { DISCRETE_VALUES_MAX = 1 << 22 };

/* Uniform in (0, 1), never a bound. */
static double open_unit(uint64_t draw)
{
    return ((double)(draw >> 12) + 0.5) * 0x1.0p-52;
}

static void init_poisson(struct tarn_distribution *d, struct tarn_arena *arena)
{
    double spread = 9 * __builtin_sqrt(d->a) + 12;
    int64_t low = tarn_real_floor(d->a - spread);
    if (low < 0)
        low = 0;
    int64_t high = tarn_real_floor(d->a + spread);
    int64_t mode = tarn_real_floor(d->a);
    size_t count = (size_t)(high - low + 1);
    TARN_AUTO_FREE double *weights = tarn_alloc_array(count, sizeof *weights);
    weights[mode - low] = 1;
    for (int64_t k = mode; k > low; k--)
        weights[k - 1 - low] = weights[k - low] * (double)k / d->a;
    for (int64_t k = mode; k < high; k++)
        weights[k + 1 - low] = weights[k - low] * d->a / (double)(k + 1);
    d->first = (double)low;
    tarn_alias_init(&d->alias, weights, count, arena);
}

static void init_zipf(struct tarn_distribution *d, struct tarn_arena *arena)
{
    size_t count = (size_t)d->a;
    TARN_AUTO_FREE double *weights = tarn_alloc_array(count, sizeof *weights);
    for (size_t i = 0; i < count; i++)
        weights[i] = tarn_real_pow((double)(i + 1), -d->b);
    d->first = 1;
    tarn_alias_init(&d->alias, weights, count, arena);
}

/* Values up to where the tail is below 2^-50; rarer ones would never be drawn from 64 bits in
 * practice. */
static void init_geometric(struct tarn_distribution *d, struct tarn_arena *arena)
{
    enum { TABLE_MAX = 1 << 14 };
    double length = -34.657359027997264 / tarn_real_log(1 - d->a); /* 50 ln 2 */
    if (!(length < TABLE_MAX))
        return; /* drawn by inversion */
    size_t count = (size_t)length + 2;
    TARN_AUTO_FREE double *weights = tarn_alloc_array(count, sizeof *weights);
    weights[0] = d->a;
    for (size_t i = 1; i < count; i++)
        weights[i] = weights[i - 1] * (1 - d->a);
    d->first = 0;
    tarn_alias_init(&d->alias, weights, count, arena);
}

static enum tarn_status check_positive(const struct tarn_distribution *d, struct tarn_error *err)
{
    const char *const *names = tarn_distribution_parameters[d->kind];
    const double values[2] = {d->a, d->b};
    for (int i = 0; i < 2; i++)
        if (names[i] && !(values[i] > 0 && isfinite(values[i])))
            return tarn_fail(err, TARN_CONFIG, "%s must be above 0, not %g", names[i], values[i]);
    return TARN_OK;
}

static enum tarn_status check(const struct tarn_distribution *d, struct tarn_error *err)
{
    switch (d->kind) {
    case TARN_DISTRIBUTION_CONSTANT:
    case TARN_DISTRIBUTION_HISTOGRAM:
        return TARN_OK;
    case TARN_DISTRIBUTION_UNIFORM:
        if (!(d->a <= d->b))
            return tarn_fail(err, TARN_CONFIG, "from (%g) must not be above to (%g)", d->a, d->b);
        return TARN_OK;
    case TARN_DISTRIBUTION_NORMAL:
        if (!(d->b >= 0))
            return tarn_fail(err, TARN_CONFIG, "sd must not be negative, it is %g", d->b);
        return TARN_OK;
    case TARN_DISTRIBUTION_LOGNORMAL:
        if (!(d->a > 0) || !(d->b >= 0))
            return tarn_fail(err, TARN_CONFIG,
                             "median must be above 0 and sigma not below it (%g, %g)", d->a, d->b);
        return TARN_OK;
    case TARN_DISTRIBUTION_GEOMETRIC:
        if (!(d->a > 0 && d->a < 1))
            return tarn_fail(err, TARN_CONFIG, "p must be between 0 and 1, not %g", d->a);
        return TARN_OK;
    case TARN_DISTRIBUTION_POISSON:
        if (d->a > 1e9)
            return tarn_fail(err, TARN_CONFIG, "mean must be at most 1e9, not %g", d->a);
        return check_positive(d, err);
    case TARN_DISTRIBUTION_ZIPF:
        if (d->a > DISCRETE_VALUES_MAX)
            return tarn_fail(err, TARN_CONFIG, "n must be at most %d, not %g", DISCRETE_VALUES_MAX,
                             d->a);
        return check_positive(d, err);
    case TARN_DISTRIBUTION_EXPONENTIAL:
    case TARN_DISTRIBUTION_GAMMA:
    case TARN_DISTRIBUTION_PARETO:
    case TARN_DISTRIBUTION_WEIBULL:
        return check_positive(d, err);
    case TARN_DISTRIBUTION_COUNT:
        break;
    }
    return tarn_fail(err, TARN_INTERNAL, "unknown distribution");
}

enum tarn_status tarn_distribution_init(struct tarn_distribution *d, struct tarn_arena *arena,
                                        struct tarn_error *err)
{
    TARN_TRY(check(d, err));
    if (!(d->min <= d->max))
        return tarn_fail(err, TARN_CONFIG, "min (%g) must not be above max (%g)", d->min, d->max);
    if (d->kind == TARN_DISTRIBUTION_POISSON)
        init_poisson(d, arena);
    if (d->kind == TARN_DISTRIBUTION_ZIPF)
        init_zipf(d, arena);
    if (d->kind == TARN_DISTRIBUTION_GEOMETRIC)
        init_geometric(d, arena);
    return TARN_OK;
}

static double gamma_at_least_one(double shape, uint64_t draw)
{
    double d = shape - 1.0 / 3, c = 1 / (3 * __builtin_sqrt(d));
    for (uint64_t attempt = 0;; attempt++) {
        double x = tarn_real_normal_quantile(open_unit(tarn_draw(draw, 2 * attempt)));
        double v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = open_unit(tarn_draw(draw, 2 * attempt + 1));
        if (tarn_real_log(u) < 0.5 * x * x + d - d * v + d * tarn_real_log(v))
            return d * v;
    }
}

static double draw_gamma(double shape, uint64_t draw)
{
    if (shape >= 1)
        return gamma_at_least_one(shape, draw);
    double boost = tarn_real_pow(open_unit(tarn_mix64(draw ^ 0x5851f42d4c957f2dULL)), 1 / shape);
    return gamma_at_least_one(shape + 1, draw) * boost;
}

bool tarn_distribution_has_quantile(const struct tarn_distribution *d)
{
    switch (d->kind) {
    case TARN_DISTRIBUTION_UNIFORM:
    case TARN_DISTRIBUTION_NORMAL:
    case TARN_DISTRIBUTION_LOGNORMAL:
    case TARN_DISTRIBUTION_EXPONENTIAL:
    case TARN_DISTRIBUTION_GEOMETRIC:
    case TARN_DISTRIBUTION_PARETO:
    case TARN_DISTRIBUTION_WEIBULL:
        return true;
    case TARN_DISTRIBUTION_CONSTANT:
    case TARN_DISTRIBUTION_POISSON:
    case TARN_DISTRIBUTION_GAMMA:
    case TARN_DISTRIBUTION_ZIPF:
    case TARN_DISTRIBUTION_HISTOGRAM:
    case TARN_DISTRIBUTION_COUNT:
        break;
    }
    return false;
}

static double clamp(const struct tarn_distribution *d, double x)
{
    return x < d->min ? d->min : x > d->max ? d->max : x;
}

static double invert(const struct tarn_distribution *d, double p)
{
    switch (d->kind) {
    case TARN_DISTRIBUTION_UNIFORM:
        return d->a + p * (d->b - d->a);
    case TARN_DISTRIBUTION_NORMAL:
        return d->a + d->b * tarn_real_normal_quantile(p);
    case TARN_DISTRIBUTION_LOGNORMAL:
        return d->a * tarn_real_exp(d->b * tarn_real_normal_quantile(p));
    case TARN_DISTRIBUTION_EXPONENTIAL:
        return -d->a * tarn_real_log(1 - p);
    case TARN_DISTRIBUTION_GEOMETRIC:
        return (double)tarn_real_floor(tarn_real_log(1 - p) / tarn_real_log(1 - d->a));
    case TARN_DISTRIBUTION_PARETO:
        return d->a * tarn_real_pow(1 - p, -1 / d->b);
    case TARN_DISTRIBUTION_WEIBULL:
        return d->b * tarn_real_pow(-tarn_real_log(1 - p), 1 / d->a);
    case TARN_DISTRIBUTION_CONSTANT:
    case TARN_DISTRIBUTION_POISSON:
    case TARN_DISTRIBUTION_GAMMA:
    case TARN_DISTRIBUTION_ZIPF:
    case TARN_DISTRIBUTION_HISTOGRAM:
    case TARN_DISTRIBUTION_COUNT:
        break;
    }
    return d->a;
}

double tarn_distribution_quantile(const struct tarn_distribution *d, double p)
{
    double least = 0x1.0p-53;
    return clamp(d, invert(d, p < least ? least : p > 1 - least ? 1 - least : p));
}

/* HISTOGRAM has edges instead of values to its slots. */
static bool is_table(const struct tarn_distribution *d)
{
    return d->alias.count > 0 && d->kind != TARN_DISTRIBUTION_HISTOGRAM;
}

double tarn_distribution_draw_one(const struct tarn_distribution *d, uint64_t draw)
{
    if (d->kind == TARN_DISTRIBUTION_CONSTANT)
        return d->a;
    if (is_table(d))
        return clamp(d, d->first + tarn_alias_draw(&d->alias, draw));
    if (d->kind == TARN_DISTRIBUTION_GAMMA)
        return clamp(d, d->b * draw_gamma(d->a, draw));
    if (d->kind == TARN_DISTRIBUTION_HISTOGRAM) {
        uint32_t slot = tarn_alias_draw(&d->alias, draw);
        double within = open_unit(tarn_mix64(draw ^ 0x2545f4914f6cdd1dULL));
        return clamp(d, d->edges[slot] + within * (d->edges[slot + 1] - d->edges[slot]));
    }
    return clamp(d, invert(d, open_unit(draw)));
}

void tarn_distribution_draw(const struct tarn_distribution *d, uint64_t key, const uint64_t *rows,
                            size_t count, double *out)
{
    if (is_table(d)) {
        for (size_t i = 0; i < count; i++)
            out[i] = clamp(d, d->first + tarn_alias_draw(&d->alias, tarn_draw(key, rows[i])));
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = tarn_distribution_draw_one(d, tarn_draw(key, rows[i]));
}
