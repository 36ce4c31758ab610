/* source/synthetic/distribution.h -- the distributions that a project can name, drawn by counter.
 *
 * A distribution is made once from its parameters; drawing is a pure function of (key, row). */
#ifndef TARN_SOURCE_SYNTHETIC_DISTRIBUTION_H
#define TARN_SOURCE_SYNTHETIC_DISTRIBUTION_H

#include <stdbool.h>

#include "base/error.h"
#include "source/synthetic/alias.h"

/* X(name, in YAML, first parameter, second parameter) -- a NULL parameter is not taken */
#define TARN_DISTRIBUTION_MAP(X)                                                                   \
    X(CONSTANT, "constant", "value", NULL)                                                         \
    X(UNIFORM, "uniform", "from", "to")                                                            \
    X(NORMAL, "normal", "mean", "sd")                                                              \
    X(LOGNORMAL, "lognormal", "median", "sigma")                                                   \
    X(EXPONENTIAL, "exponential", "mean", NULL)                                                    \
    X(POISSON, "poisson", "mean", NULL)                                                            \
    X(GEOMETRIC, "geometric", "p", NULL)                                                           \
    X(GAMMA, "gamma", "shape", "scale")                                                            \
    X(PARETO, "pareto", "least", "alpha")                                                          \
    X(ZIPF, "zipf", "n", "s")                                                                      \
    X(WEIBULL, "weibull", "shape", "scale")                                                        \
    X(HISTOGRAM, "histogram", NULL, NULL) /* edges and weights */

enum tarn_distribution_kind {
#define X(name, text, a, b) TARN_DISTRIBUTION_##name,
    TARN_DISTRIBUTION_MAP(X)
#undef X
        TARN_DISTRIBUTION_COUNT
};

struct tarn_distribution {
    enum tarn_distribution_kind kind;
    double a, b;             /* as in the map above */
    double min, max;         /* drawn values are clamped to these */
    struct tarn_alias alias; /* POISSON, ZIPF, HISTOGRAM, GEOMETRIC; count 0: none */
    double first;            /* POISSON, ZIPF, GEOMETRIC: the value of slot 0 */
    const double *edges;     /* HISTOGRAM: slots + 1 ascending edges */
};

extern const char *const tarn_distribution_names[TARN_DISTRIBUTION_COUNT + 1]; /* ends in NULL */
extern const char *const tarn_distribution_parameters[TARN_DISTRIBUTION_COUNT][2]; /* NULL: none */

/* Checks a and b and builds the tables, in `arena`. CONFIG says which parameter is wrong. */
CHECKED enum tarn_status tarn_distribution_init(struct tarn_distribution *distribution,
                                                struct tarn_arena *arena, struct tarn_error *err);
/* out[i] from the draw of (key, rows[i]). */
void tarn_distribution_draw(const struct tarn_distribution *distribution, uint64_t key,
                            const uint64_t *rows, size_t count, double *out);
double tarn_distribution_draw_one(const struct tarn_distribution *distribution, uint64_t draw);
/* The value at cumulative probability p, for correlated fields; continuous kinds except GAMMA and
 * HISTOGRAM. */
bool tarn_distribution_has_quantile(const struct tarn_distribution *distribution);
double tarn_distribution_quantile(const struct tarn_distribution *distribution, double p);

#endif
