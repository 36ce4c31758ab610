/* model/microbatch.c -- dbt's incremental strategy microbatch: the model is compiled once for each
 * stretch of time (batch_size), seeing of its inputs only the rows whose event_time lies in it, and
 * the rows of all those stretches are replaced in one commit.
 *
 * The first run, or a full refresh, begins at `begin`; later ones `lookback` batches before now. */
#include <stdio.h>

#include "base/clock.h"
#include "model/worker.h"

enum { QUERY_BYTES_MAX = 256 << 20, BATCHES_MAX = 10000 };

enum size { HOUR, DAY, MONTH, YEAR };
static const char *const size_names[] = {"hour", "day", "month", "year"};

#define US_PER_HOUR INT64_C(3600000000)
#define US_PER_DAY (24 * US_PER_HOUR)

struct plan {
    const char *event_time;
    enum size size;
    int64_t start_us, end_us;
};

static int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return value - (rest < 0 ? rest + step : rest);
}

/* The start of the batch that `time_us` lies in, `more` batches on. */
static int64_t batch_start(int64_t time_us, enum size size, int64_t more)
{
    int year;
    unsigned month, day;
    if (size == HOUR || size == DAY) {
        int64_t step = size == HOUR ? US_PER_HOUR : US_PER_DAY;
        return floor_to(time_us, step) + more * step;
    }
    tarn_civil_from_days(floor_to(time_us, US_PER_DAY) / US_PER_DAY, &year, &month, &day);
    int64_t months =
        (int64_t)year * 12 + (size == MONTH ? (int)month - 1 : 0) + more * (size == MONTH ? 1 : 12);
    return tarn_days_from_civil((int)(months / 12), (unsigned)(months % 12) + 1, 1) * US_PER_DAY;
}

/* --- configuration */

static enum tarn_status fail_config(const struct tarn_model_node *node, const char *what,
                                    struct tarn_error *err)
{
    return tarn_fail(err, TARN_CONFIG, "the microbatch model '%s' needs %s in its configuration",
                     node->name, what);
}

static enum tarn_status read_config(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                    struct plan *plan, int64_t *ret_begin_us, int64_t *ret_lookback,
                                    struct tarn_error *err)
{
    struct tarn_arena *arena = w->arena;
    const char *begin = tarn_node_config_str(node, "begin", NULL, arena);
    const char *size = tarn_node_config_str(node, "batch_size", "", arena);
    struct tarn_value lookback = tarn_node_config(node, "lookback");
    size_t i = 0;
    plan->event_time = tarn_node_config_str(node, "event_time", NULL, arena);
    if (!plan->event_time)
        return fail_config(node, "event_time, the column that tells when a row happened", err);
    while (i < TARN_COUNT(size_names) && strcmp(size, size_names[i]) != 0)
        i++;
    if (i == TARN_COUNT(size_names))
        return fail_config(node, "a batch_size of hour, day, month or year", err);
    plan->size = (enum size)i;
    if (!begin || !tarn_time_parse(tarn_text_of(begin), ret_begin_us))
        return fail_config(node, "begin, the time of the first batch, such as '2026-01-01',", err);
    *ret_lookback = 1;
    if (tarn_value_is(lookback, TARN_VALUE_INT) && lookback.as.integer >= 0)
        *ret_lookback = lookback.as.integer;
    else if (!tarn_value_is_nothing(lookback))
        return fail_config(node, "a lookback that is a whole number of batches", err);
    return TARN_OK;
}

static enum tarn_status plan_batches(struct tarn_model_worker *w,
                                     const struct tarn_model_node *node, bool is_first,
                                     struct plan *plan, struct tarn_error *err)
{
    const struct tarn_model_run_options *o = w->options;
    int64_t begin_us, lookback;
    TARN_TRY(read_config(w, node, plan, &begin_us, &lookback, err));
    plan->end_us = o->has_event_end ? o->event_end_us : tarn_now_us();
    if (o->has_event_start)
        plan->start_us = batch_start(o->event_start_us, plan->size, 0);
    else if (is_first)
        plan->start_us = batch_start(begin_us, plan->size, 0);
    else /* at a boundary the batch that has just ended counts as the current one */
        plan->start_us = batch_start(plan->end_us - 1, plan->size, -lookback);
    if (!o->has_event_start && plan->start_us < batch_start(begin_us, plan->size, 0))
        plan->start_us = batch_start(begin_us, plan->size, 0);
    if (plan->end_us <= plan->start_us)
        return tarn_fail(err, TARN_CONFIG,
                         "the microbatch model '%s' has no batch: its time ends before it begins",
                         node->name);
    return TARN_OK;
}

static void warn_without_inputs(struct tarn_model_worker *w, const struct tarn_model_node *node)
{
    for (size_t i = 0; i < node->parents.count; i++)
        if (!tarn_value_is_nothing(tarn_node_config(node->parents.items[i], "event_time")))
            return;
    tarn_progress_say(w->options->progress,
                      "the microbatch model '%s': none of its inputs has an event_time, so every "
                      "batch reads all of their rows",
                      node->name);
}

/* --- the query */

static enum tarn_status add_batch(struct tarn_model_worker *w, struct tarn_model_node *node,
                                  const struct tarn_model_batch *batch, struct tarn_buffer *sql,
                                  struct tarn_error *err)
{
    const char *compiled;
    w->context.batch = batch;
    enum tarn_status status = tarn_model_compile(&w->context, node, &compiled, err);
    w->context.batch = NULL;
    TARN_TRY(status);
    tarn_buffer_printf(sql, "%sSELECT * FROM (\n%s\n)", sql->len ? "\nUNION ALL BY NAME\n" : "",
                       compiled);
    return tarn_buffer_check(sql, "the SQL of a microbatch model's batches", err);
}

static const char *range_sql(struct tarn_arena *arena, const char *column, int64_t start_us,
                             int64_t end_us)
{
    char from[TARN_TIME_TEXT_BYTES], to[TARN_TIME_TEXT_BYTES];
    tarn_time_format(start_us, from);
    tarn_time_format(end_us, to);
    from[strlen(from) - 1] = to[strlen(to) - 1] = 0; /* without the Z: the literal has no zone */
    return tarn_arena_format(arena, "%s >= TIMESTAMP '%s' AND %s < TIMESTAMP '%s'", column, from,
                             column, to);
}

const char *tarn_model_batch_filter(const struct tarn_model_batch *batch, const char *column,
                                    struct tarn_arena *arena)
{
    return range_sql(arena, column, batch->start_us, batch->end_us);
}

bool tarn_worker_is_microbatch(const struct tarn_model_node *node)
{
    return tarn_value_text_is(tarn_node_config(node, "incremental_strategy"), "microbatch");
}

enum tarn_status tarn_worker_plan_microbatch(struct tarn_model_worker *w,
                                             struct tarn_model_node *node, bool is_first,
                                             const char **ret_query, const char **ret_where,
                                             struct tarn_error *err)
{
    struct plan plan;
    size_t count = 0;
    TARN_BUFFER(sql, QUERY_BYTES_MAX);
    TARN_TRY(plan_batches(w, node, is_first, &plan, err));
    warn_without_inputs(w, node);
    int64_t end_us = plan.start_us;
    for (; end_us < plan.end_us; count++) {
        struct tarn_model_batch batch = {end_us, batch_start(end_us, plan.size, 1)};
        if (count == BATCHES_MAX)
            return tarn_fail(err, TARN_TOO_LARGE,
                             "the microbatch model '%s' has more than %d batches; choose a larger "
                             "batch_size, or a stretch with --event-time-start and -end",
                             node->name, BATCHES_MAX);
        TARN_TRY(add_batch(w, node, &batch, &sql, err));
        end_us = batch.end_us;
    }
    *ret_query = tarn_arena_strdup(w->arena, tarn_buffer_str(&sql));
    *ret_where = range_sql(w->arena, plan.event_time, plan.start_us, end_us);
    return TARN_OK;
}
