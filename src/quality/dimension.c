/* quality/dimension.c -- scores of a table from the expectations on it. Counts of all expectations
 * of a dimension are pooled, so that a column with few values weighs little. */
#include <string.h>

#include "quality/runner.h"

struct pool {
    double good;
    double all;
};

static const double weights[] = {
#define X(name, text, weight) [TARN_DIMENSION_##name] = weight,
    TARN_DIMENSION_MAP(X)
#undef X
};

static void add_outcome(struct pool pools[TARN_DIMENSION_COUNT], const struct tarn_outcome *o)
{
    enum tarn_dimension dimension = o->check->e->type->dimension;
    if (dimension == TARN_DIMENSION_NONE)
        return;
    double all = (double)o->considered_count;
    double bad = (double)o->unexpected_count;
    if (dimension == TARN_DIMENSION_UNIQUENESS)
        bad = (double)o->surplus_count;
    if (dimension == TARN_DIMENSION_FRESHNESS) {
        all = 1;
        bad = 1 - o->score;
    }
    pools[dimension].all += all;
    pools[dimension].good += all - bad;
}

static void set_score(struct tarn_table_score *score, const struct pool pools[TARN_DIMENSION_COUNT])
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < TARN_DIMENSION_COUNT; i++) {
        score->dimensions[i] = pools[i].all > 0 ? pools[i].good / pools[i].all : -1;
        if (score->dimensions[i] < 0)
            continue;
        sum += weights[i] * score->dimensions[i];
        weight += weights[i];
    }
    score->overall = weight > 0 ? sum / weight : -1;
}

static bool is_first_of_table(const struct tarn_suite_report *suites, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(suites[i].suite->ns, suites[at].suite->ns) == 0 &&
            strcmp(suites[i].suite->table, suites[at].suite->table) == 0)
            return false;
    return true;
}

void tarn_table_scores(const struct tarn_suite_report *suites, size_t suite_count,
                       struct tarn_arena *arena, struct tarn_table_score **ret_scores,
                       size_t *ret_count)
{
    struct tarn_table_score *scores = tarn_arena_array(arena, suite_count + 1, sizeof *scores);
    size_t count = 0;
    for (size_t i = 0; i < suite_count; i++) {
        if (!is_first_of_table(suites, i))
            continue;
        struct pool pools[TARN_DIMENSION_COUNT] = {0};
        struct tarn_table_score score = {.ns = suites[i].suite->ns,
                                         .table = suites[i].suite->table};
        for (size_t k = i; k < suite_count; k++) {
            if (strcmp(suites[k].suite->ns, score.ns) != 0 ||
                strcmp(suites[k].suite->table, score.table) != 0)
                continue;
            for (size_t n = 0; n < suites[k].count; n++) {
                const struct tarn_outcome *o = &suites[k].outcomes[n];
                add_outcome(pools, o);
                if (o->table_rows > score.rows)
                    score.rows = o->table_rows;
            }
        }
        set_score(&score, pools);
        scores[count++] = score;
    }
    *ret_scores = scores;
    *ret_count = count;
}
