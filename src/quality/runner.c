/* quality/runner.c -- see runner.h. */
#include "quality/runner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/pool.h"
#include "store/quality.h"

enum { SAMPLES = 20, SAMPLES_COMPLETE = 100000 };

struct run {
    const struct tarn_quality *quality;
    const struct tarn_quality_options *options;
    struct tarn_arena *arena;
    struct tarn_quality_report *report;
    const char *words;       /* of the chosen suites */
    const char *fingerprint; /* NULL: nothing to compare with other runs */
    const char *problems;    /* of tables that could not be attached */
};

/* ---- what to run ---- */

static bool is_table(const struct tarn_suite *suite, const char *dotted)
{
    size_t len = strlen(suite->ns);
    return strncmp(dotted, suite->ns, len) == 0 && dotted[len] == '.' &&
           strcmp(dotted + len + 1, suite->table) == 0;
}

static bool is_chosen(const struct tarn_suite *suite, const struct tarn_quality_options *options)
{
    return (!options->suite || strcmp(suite->name, options->suite) == 0) &&
           (!options->table || is_table(suite, options->table)) &&
           (!options->layer || strcmp(suite->layer, options->layer) == 0);
}

/* A reconciliation is chosen by layer, or by its name as if it were a suite; not by table. */
static bool is_reconcile_chosen(const struct tarn_reconcile *reconcile,
                                const struct tarn_quality_options *options)
{
    if (options->table)
        return false;
    if (options->suite)
        return strcmp(reconcile->name, options->suite) == 0;
    return !options->layer || (reconcile->layer && strcmp(reconcile->layer, options->layer) == 0);
}

static enum tarn_status fail_nothing(const struct tarn_suites *suites,
                                     const struct tarn_quality_options *options,
                                     struct tarn_arena *arena, struct tarn_error *err)
{
    if (suites->suite_count + suites->reconcile_count == 0)
        return tarn_fail(err, TARN_USAGE,
                         "this project has no suites; write them to quality/*.yml "
                         "(docs/quality.md), or start with `tarn quality suggest TABLE`");
    const char **names = tarn_arena_array(arena, suites->suite_count + 1, sizeof *names);
    for (size_t i = 0; i < suites->suite_count; i++)
        names[i] = options->suite ? suites->suites[i].name
                                  : tarn_arena_format(arena, "%s.%s", suites->suites[i].ns,
                                                      suites->suites[i].table);
    const char *wanted = options->suite ? options->suite : options->table ? options->table : "";
    const char *nearest = tarn_text_nearest(wanted, names, suites->suite_count);
    if (options->layer && !options->suite && !options->table)
        return tarn_fail(err, TARN_USAGE, "no suite is of layer '%s'", options->layer);
    return tarn_fail(
        err, TARN_USAGE, "no suite %s '%s'%s%s%s", options->suite ? "is called" : "is about table",
        wanted, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* ---- one suite ---- */

static enum tarn_status fail_no_table(const struct run *r, const struct tarn_suite *suite,
                                      struct tarn_error *err)
{
    struct tarn_lake_list list = {0};
    struct tarn_error other;
    const char *nearest = NULL;
    enum tarn_lake_kind kind = TARN_LAKE_NOTHING;
    struct tarn_lake *lake = r->quality->lake;
    if (lake && tarn_lake_kind_of(lake, suite->ns, suite->table, &kind, &other) == TARN_OK &&
        kind != TARN_LAKE_NOTHING) { /* there, but it cannot be read: say why */
        TARN_TRY(tarn_lake_attach(lake, r->quality->session, suite->ns, suite->table, NULL, err));
        return tarn_error_wrap(err, "suite '%s' on %s.%s", suite->name, suite->ns, suite->table);
    }
    if (r->quality->lake &&
        tarn_lake_list(r->quality->lake, NULL, r->arena, &list, &other) == TARN_OK) {
        const char **names = tarn_arena_array(r->arena, list.count + 1, sizeof *names);
        for (size_t i = 0; i < list.count; i++)
            names[i] =
                tarn_arena_format(r->arena, "%s.%s", list.entries[i].ns, list.entries[i].name);
        nearest = tarn_text_nearest(tarn_arena_format(r->arena, "%s.%s", suite->ns, suite->table),
                                    names, list.count);
    }
    return tarn_yaml_fail(
        suite->table_node, err,
        "suite '%s': there is no table %s.%s%s%s%s; `tarn tables` lists them, `tarn "
        "build` makes those of models",
        suite->name, suite->ns, suite->table, nearest ? "; did you mean '" : "",
        nearest ? nearest : "", nearest ? "'?" : "");
}

static enum tarn_status check_key(const struct run *r, const struct tarn_suite_report *s,
                                  struct tarn_error *err)
{
    for (size_t i = 0; i < s->suite->key_count; i++) {
        bool found = false;
        for (size_t k = 0; k < s->table.column_count; k++)
            found |= strcmp(s->table.columns[k].name, s->suite->key[i]) == 0;
        if (!found)
            return tarn_yaml_fail(tarn_yaml_get(s->suite->node, "key"), err,
                                  "%s.%s has no column '%s'", s->suite->ns, s->suite->table,
                                  s->suite->key[i]);
    }
    (void)r;
    return TARN_OK;
}

static enum tarn_status bind_suite(struct run *r, struct tarn_suite_report *s,
                                   struct tarn_error *err)
{
    const struct tarn_suite *suite = s->suite;
    if (tarn_check_table_open(r->quality->session, suite->ns, suite->table, r->arena, &s->table,
                              err) != TARN_OK)
        return fail_no_table(r, suite, err);
    TARN_TRY(check_key(r, s, err));
    s->count = suite->expectation_count;
    s->checks = tarn_arena_array(r->arena, s->count + 1, sizeof *s->checks);
    s->outcomes = tarn_arena_array(r->arena, s->count + 1, sizeof *s->outcomes);
    for (size_t i = 0; i < s->count; i++)
        TARN_TRY(tarn_check_bind(&suite->expectations[i], &s->table, r->arena, &s->checks[i], err));
    return TARN_OK;
}

static enum tarn_status run_suite(struct run *r, struct tarn_suite_report *s,
                                  struct tarn_error *err)
{
    int64_t start = tarn_monotonic_us();
    s->measured = (struct tarn_measure_options){
        .sample_max = r->options->format == TARN_RESULT_COMPLETE ? SAMPLES_COMPLETE : SAMPLES,
        .suite_id = (size_t)(s - r->report->suites),
        .collect = s->suite->quarantine,
        .index = s->suite->key,
        .index_count = s->suite->key_count,
    };
    if (tarn_measure(s->checks, s->count, &s->measured, r->arena, s->outcomes, err) != TARN_OK)
        return tarn_error_wrap(err, "suite '%s' on %s.%s", s->suite->name, s->suite->ns,
                               s->suite->table);
    s->success = true;
    for (size_t i = 0; i < s->count && !s->suite->quarantine; i++)
        s->success &=
            s->outcomes[i].success || s->outcomes[i].check->e->severity == TARN_SEVERITY_WARN;
    s->micros = tarn_monotonic_us() - start;
    return TARN_OK;
}

/* In a quarantine suite only what cannot be put aside row by row still counts. */
static void judge_quarantine_suite(struct tarn_suite_report *s)
{
    for (size_t i = 0; i < s->count && s->suite->quarantine; i++) {
        const struct tarn_outcome *o = &s->outcomes[i];
        bool put_aside = tarn_outcome_is_collected(o);
        s->success &= o->success || put_aside || o->check->e->severity == TARN_SEVERITY_WARN;
    }
}

/* Suites are measured side by side: most tables are too small to keep the cores busy alone. */
struct measuring {
    struct run *run;
    pthread_mutex_t lock; /* arena, status, err */
    enum tarn_status status;
    struct tarn_error *err;
};

/* The outcome of one suite joins the others'; the first error is the run's. */
static void join_suite(struct measuring *m, struct tarn_arena *arena, enum tarn_status status,
                       const struct tarn_error *err)
{
    pthread_mutex_lock(&m->lock);
    tarn_arena_adopt(m->run->arena, arena);
    if (status != TARN_OK && m->status == TARN_OK) {
        m->status = status;
        if (m->err)
            *m->err = *err;
    }
    pthread_mutex_unlock(&m->lock);
}

static void measure_suite(void *context, size_t index)
{
    struct measuring *m = context;
    struct tarn_suite_report *s = &m->run->report->suites[index];
    const struct tarn_quality *quality = m->run->quality;
    struct tarn_arena *arena = tarn_arena_new();
    struct run own = *m->run;
    struct tarn_error err;
    char label[300];
    own.arena = arena;
    snprintf(label, sizeof label, "quality %s.%s", s->suite->ns, s->suite->table);
    struct tarn_progress_step *step = tarn_progress_begin(quality->progress, label, 0);
    enum tarn_status status =
        tarn_session_open(tarn_session_engine(quality->session), &s->table.session, &err);
    if (status == TARN_OK) {
        status = run_suite(&own, s, &err);
        tarn_session_close(s->table.session);
    }
    s->table.session = quality->session;
    judge_quarantine_suite(s);
    tarn_progress_end(step, status == TARN_OK && s->success, "%zu expectations", s->count);
    join_suite(m, arena, status, &err);
}

static enum tarn_status run_suites(struct run *r, struct tarn_error *err)
{
    struct tarn_quality_report *report = r->report;
    for (size_t i = 0; i < report->suite_count; i++)
        TARN_TRY(bind_suite(r, &report->suites[i], err));
    if (r->problems && r->problems[0]) /* of tables that suites refer to; their own fail above */
        tarn_progress_say(r->quality->progress, "%s", r->problems);
    struct measuring m = {.run = r, .status = TARN_OK, .err = err};
    pthread_mutex_init(&m.lock, NULL);
    tarn_parallel_for(tarn_engine_threads(tarn_session_engine(r->quality->session)),
                      report->suite_count, measure_suite, &m);
    pthread_mutex_destroy(&m.lock);
    TARN_TRY(m.status);
    return tarn_quarantine_write(r->quality, report->suites, report->suite_count, report->run_id,
                                 report->started_us, r->arena, err);
}

static bool checks_landing(const struct run *r)
{
    const struct tarn_quality_options *o = r->options;
    return !o->suite && !o->table && (!o->layer || strcmp(o->layer, "bronze") == 0) &&
           r->quality->lake && r->quality->state;
}

/* The project's own reconciliations, then that bronze holds what was loaded. */
static enum tarn_status run_reconciles(struct run *r, struct tarn_error *err)
{
    struct tarn_quality_report *report = r->report;
    for (size_t i = 0; i < report->reconcile_count; i++)
        TARN_TRY(tarn_reconcile_check(r->quality->session, report->reconciles[i].reconcile,
                                      r->arena, &report->reconciles[i], err));
    if (!checks_landing(r))
        return TARN_OK;
    struct tarn_reconcile_report *landing, *all;
    size_t count;
    TARN_TRY(tarn_landing_check(r->quality, r->arena, &landing, &count, err));
    all = tarn_arena_array(r->arena, report->reconcile_count + count + 1, sizeof *all);
    memcpy(all, report->reconciles, report->reconcile_count * sizeof *all);
    memcpy(all + report->reconcile_count, landing, count * sizeof *all);
    report->reconciles = all;
    report->reconcile_count += count;
    return TARN_OK;
}

/* ---- keeping results ---- */

static enum tarn_status keep_outcome(struct tarn_state *state,
                                     const struct tarn_quality_report *report,
                                     const struct tarn_suite_report *s, size_t at,
                                     struct tarn_error *err)
{
    const struct tarn_outcome *o = &s->outcomes[at];
    const struct tarn_expectation *e = o->check->e;
    TARN_BUFFER(json, 64 << 20);
    struct tarn_json_writer w = tarn_json_writer(&json, 0);
    tarn_quality_write_result(o, TARN_RESULT_SUMMARY, &w);
    struct tarn_stored_outcome stored = {
        .run_id = report->run_id,
        .suite = s->suite->name,
        .position = (int64_t)at,
        .ns = s->suite->ns,
        .table = s->suite->table,
        .rule = e->rule,
        .type = e->type->gx_name,
        .column = o->check->column_name,
        .kind = tarn_quality_kinds[e->kind],
        .severity = tarn_severity_name(e->severity),
        .success = o->success,
        .element_count = o->element_count,
        .considered_count = o->considered_count,
        .unexpected_count = o->unexpected_count,
        .result_json = json.overflow ? "{}" : tarn_buffer_str(&json),
        .measured_us = report->started_us,
        .has_metric = true,
        .metric = (double)o->unexpected_count,
    };
    enum tarn_check_shape shape = e->type->shape;
    if (shape == TARN_SHAPE_AGGREGATE || shape == TARN_SHAPE_CATALOG) {
        stored.has_metric = o->has_number;
        stored.metric = o->number;
    }
    return tarn_quality_store_outcome(state, &stored, err);
}

static enum tarn_status keep_suite(struct tarn_state *state,
                                   const struct tarn_quality_report *report,
                                   const struct tarn_suite_report *s, struct tarn_error *err)
{
    int64_t successful = 0;
    for (size_t i = 0; i < s->count; i++)
        successful += s->outcomes[i].success;
    struct tarn_stored_suite stored = {
        .run_id = report->run_id,
        .suite = s->suite->name,
        .ns = s->suite->ns,
        .table = s->suite->table,
        .layer = s->suite->layer,
        .success = s->success,
        .evaluated = (int64_t)s->count,
        .successful = successful,
        .quarantine_records = s->quarantine_records,
        .quarantine_rows = s->quarantine_rows,
        .micros = s->micros,
    };
    TARN_TRY(tarn_quality_store_suite(state, &stored, err));
    for (size_t i = 0; i < s->count; i++)
        TARN_TRY(keep_outcome(state, report, s, i, err));
    return TARN_OK;
}

static enum tarn_status keep_report(struct tarn_state *state,
                                    const struct tarn_quality_report *report,
                                    struct tarn_error *err)
{
    TARN_TRY(tarn_quality_store_run(state, report->run_id, report->started_us, report->finished_us,
                                    report->success, err));
    for (size_t i = 0; i < report->suite_count; i++)
        TARN_TRY(keep_suite(state, report, &report->suites[i], err));
    for (size_t i = 0; i < report->reconcile_count; i++) {
        const struct tarn_reconcile_report *r = &report->reconciles[i];
        TARN_TRY(tarn_quality_store_reconcile(state, report->run_id, r->reconcile->name, r->parts,
                                              r->difference, r->success, err));
    }
    for (size_t i = 0; i < report->score_count; i++) {
        const struct tarn_table_score *s = &report->scores[i];
        TARN_TRY(tarn_quality_store_table_score(state, report->run_id, report->started_us, s->ns,
                                                s->table, s->rows, s->dimensions, s->overall, err));
    }
    return TARN_OK;
}

/* ---- a run ---- */

/* A quarantine table holds the records of all suites that write it: who runs one runs the others.
 */
static bool shares_quarantine(const struct tarn_suites *suites, size_t at,
                              const struct tarn_quality_options *options)
{
    const struct tarn_suite *suite = &suites->suites[at];
    for (size_t i = 0; suite->quarantine && i < suites->suite_count; i++)
        if (suites->suites[i].quarantine && strcmp(suites->suites[i].table, suite->table) == 0 &&
            is_chosen(&suites->suites[i], options))
            return true;
    return false;
}

static void choose(struct run *r, const struct tarn_suites *suites)
{
    struct tarn_quality_report *report = r->report;
    report->suites = tarn_arena_array(r->arena, suites->suite_count + 1, sizeof *report->suites);
    report->reconciles =
        tarn_arena_array(r->arena, suites->reconcile_count + 1, sizeof *report->reconciles);
    for (size_t i = 0; i < suites->suite_count; i++)
        if (is_chosen(&suites->suites[i], r->options) || shares_quarantine(suites, i, r->options))
            report->suites[report->suite_count++].suite = &suites->suites[i];
    for (size_t i = 0; i < suites->reconcile_count; i++)
        if (is_reconcile_chosen(&suites->reconciles[i], r->options))
            report->reconciles[report->reconcile_count++].reconcile = &suites->reconciles[i];
}

/* Only what the chosen suites name: the rest of a large lake need not be read. */
static enum tarn_status attach_lake(struct run *r, struct tarn_error *err)
{
    return r->quality->lake ? tarn_lake_attach_mentioned(r->quality->lake, r->quality->session,
                                                         r->words, r->arena, &r->problems, err)
                            : TARN_OK;
}

static void release(struct tarn_quality_report *report)
{
    for (size_t i = 0; i < report->suite_count; i++)
        if (report->suites[i].outcomes)
            tarn_measure_release(report->suites[i].outcomes, report->suites[i].count,
                                 &report->suites[i].measured);
}

static void judge(struct tarn_quality_report *report)
{
    report->success = true;
    for (size_t i = 0; i < report->suite_count; i++)
        report->success &= report->suites[i].success;
    for (size_t i = 0; i < report->reconcile_count; i++)
        report->success &= report->reconciles[i].success;
}

struct keeping {
    const struct tarn_quality_report *report;
    const struct tarn_stored_input *input; /* NULL: none */
};

static enum tarn_status keep(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct keeping *keeping = context;
    TARN_TRY(keep_report(state, keeping->report, err));
    return keeping->input ? tarn_quality_store_input(state, keeping->input, err) : TARN_OK;
}

static enum tarn_status keep_run(struct run *r, struct tarn_error *err)
{
    struct tarn_stored_input input;
    struct keeping keeping = {r->report, NULL};
    if (!r->quality->state)
        return TARN_OK;
    if (r->fingerprint) {
        TARN_TRY(tarn_quality_input(r->quality, r->report, r->words, r->fingerprint, r->arena,
                                    &input, err));
        keeping.input = &input;
    }
    return tarn_state_transaction(r->quality->state, keep, &keeping, err);
}

static enum tarn_status run_chosen(struct run *r, struct tarn_error *err)
{
    struct tarn_quality_report *report = r->report;
    TARN_TRY(attach_lake(r, err));
    enum tarn_status status = run_suites(r, err);
    if (status == TARN_OK)
        status = run_reconciles(r, err);
    release(report);
    TARN_TRY(status);
    judge(report);
    tarn_table_scores(report->suites, report->suite_count, r->arena, &report->scores,
                      &report->score_count);
    report->finished_us = tarn_now_us();
    return keep_run(r, err);
}

/* Whether a run has answered the question before. The pointers are read before anything else: what
 * changes from here on gives another fingerprint the next time. */
static enum tarn_status look_back(struct run *r, struct tarn_error *err)
{
    struct tarn_quality_report *report = r->report;
    struct tarn_stored_input *earlier = NULL;
    TARN_TRY(tarn_quality_words(r->quality, report, checks_landing(r), r->arena, &r->words, err));
    TARN_TRY(
        tarn_quality_fingerprint(r->quality, report, r->words, r->arena, &r->fingerprint, err));
    if (r->fingerprint && r->options->unless_unchanged)
        TARN_TRY(
            tarn_quality_earlier(r->quality, r->words, r->fingerprint, r->arena, &earlier, err));
    if (earlier) {
        report->earlier = earlier;
        report->run_id = earlier->run_id;
        report->finished_us = earlier->finished_us;
        report->success = true;
    }
    return TARN_OK;
}

enum tarn_status tarn_quality_run(const struct tarn_quality *quality,
                                  const struct tarn_suites *suites,
                                  const struct tarn_quality_options *options,
                                  struct tarn_arena *arena, struct tarn_quality_report *ret_report,
                                  struct tarn_error *err)
{
    char id[TARN_UUID_BYTES];
    struct tarn_quality_report report = {.started_us = tarn_now_us()};
    struct run r = {.quality = quality, .options = options, .arena = arena, .report = &report};
    report.run_id = tarn_arena_strdup(arena, options->run_id ? options->run_id : tarn_uuid(id));
    choose(&r, suites);
    if (report.suite_count + report.reconcile_count == 0)
        return fail_nothing(suites, options, arena, err);
    TARN_TRY(look_back(&r, err));
    if (!report.earlier)
        TARN_TRY(run_chosen(&r, err));
    *ret_report = report;
    return TARN_OK;
}
