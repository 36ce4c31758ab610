/* quality/result.c -- results in Great Expectations' 1.x format (its render_to_dict of a checkpoint
 * result and of expectation validation results; expectation.py `_format_map_output`). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "quality/runner.h"

const char *const tarn_result_formats[] = {
    [TARN_RESULT_BOOLEAN_ONLY] = "BOOLEAN_ONLY",
    [TARN_RESULT_BASIC] = "BASIC",
    [TARN_RESULT_SUMMARY] = "SUMMARY",
    [TARN_RESULT_COMPLETE] = "COMPLETE",
    NULL,
};

enum { PARTIAL_MAX = 20 };

/* ---- YAML as JSON ---- */

static void write_yaml(struct tarn_json_writer *w, const struct tarn_yaml *node)
{
    switch (node->kind) {
    case TARN_YAML_NULL:
        tarn_json_null(w);
        break;
    case TARN_YAML_BOOL:
        tarn_json_bool(w, node->boolean);
        break;
    case TARN_YAML_INT:
        tarn_json_int(w, node->integer);
        break;
    case TARN_YAML_FLOAT:
        tarn_json_double(w, node->real);
        break;
    case TARN_YAML_STRING:
        tarn_json_text(w, (struct tarn_text){node->text, node->text_len});
        break;
    case TARN_YAML_LIST:
        tarn_json_array_begin(w);
        for (size_t i = 0; i < node->count; i++)
            write_yaml(w, node->items[i]);
        tarn_json_array_end(w);
        break;
    case TARN_YAML_MAP:
        tarn_json_object_begin(w);
        for (size_t i = 0; i < node->count; i++) {
            tarn_json_key(w, tarn_yaml_key(node, i));
            write_yaml(w, node->items[i]);
        }
        tarn_json_object_end(w);
        break;
    }
}

/* ---- one expectation ---- */

static void put_percent(struct tarn_json_writer *w, const char *key, int64_t part, int64_t whole)
{
    tarn_json_key(w, key);
    if (whole > 0)
        tarn_json_double(w, 100.0 * (double)part / (double)whole);
    else
        tarn_json_null(w);
}

static void write_values(struct tarn_json_writer *w, const char *key, const struct tarn_outcome *o,
                         size_t max)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < o->sample_count && i < max; i++)
        tarn_json_raw(w, tarn_text_of(o->samples[i].value_json));
    tarn_json_array_end(w);
}

static void write_indices(struct tarn_json_writer *w, const char *key, const struct tarn_outcome *o,
                          size_t max)
{
    if (o->sample_count == 0 || !o->samples[0].index_json)
        return;
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < o->sample_count && i < max; i++)
        tarn_json_raw(w, tarn_text_of(o->samples[i].index_json));
    tarn_json_array_end(w);
}

/* How often each value occurs among the first twenty, the most frequent first. */
static void write_counts(struct tarn_json_writer *w, const struct tarn_outcome *o)
{
    const char *values[PARTIAL_MAX];
    int counts[PARTIAL_MAX];
    size_t distinct = 0;
    for (size_t i = 0; i < o->sample_count && i < PARTIAL_MAX; i++) {
        size_t at = 0;
        while (at < distinct && strcmp(values[at], o->samples[i].value_json) != 0)
            at++;
        if (at == distinct) {
            values[distinct] = o->samples[i].value_json;
            counts[distinct++] = 0;
        }
        counts[at]++;
    }
    tarn_json_key(w, "partial_unexpected_counts");
    tarn_json_array_begin(w);
    for (int count = PARTIAL_MAX; count > 0; count--)
        for (size_t i = 0; i < distinct; i++) {
            if (counts[i] != count)
                continue;
            tarn_json_object_begin(w);
            tarn_json_key(w, "value");
            tarn_json_raw(w, tarn_text_of(values[i]));
            tarn_json_put_int(w, "count", count);
            tarn_json_object_end(w);
        }
    tarn_json_array_end(w);
}

static void write_map_result(const struct tarn_outcome *o, enum tarn_result_format format,
                             struct tarn_json_writer *w)
{
    int64_t missing = o->element_count - o->considered_count;
    tarn_json_put_int(w, "element_count", o->element_count);
    tarn_json_put_int(w, "unexpected_count", o->unexpected_count);
    put_percent(w, "unexpected_percent", o->unexpected_count, o->considered_count);
    write_values(w, "partial_unexpected_list", o, PARTIAL_MAX);
    if (o->check->counted) {
        tarn_json_put_int(w, "missing_count", missing);
        put_percent(w, "missing_percent", missing, o->element_count);
        put_percent(w, "unexpected_percent_total", o->unexpected_count, o->element_count);
        put_percent(w, "unexpected_percent_nonmissing", o->unexpected_count, o->considered_count);
    }
    if (format < TARN_RESULT_SUMMARY)
        return;
    write_indices(w, "partial_unexpected_index_list", o, PARTIAL_MAX);
    write_counts(w, o);
    if (format < TARN_RESULT_COMPLETE)
        return;
    write_values(w, "unexpected_list", o, o->sample_count);
    write_indices(w, "unexpected_index_list", o, o->sample_count);
    if (o->condition) {
        const char *relation = o->check->source ? o->check->source : o->check->table->sql;
        TARN_BUFFER(sql, 1 << 20);
        tarn_buffer_printf(&sql, "SELECT * FROM %s WHERE %s", relation, o->condition);
        tarn_json_put_str(w, "unexpected_index_query", tarn_buffer_str(&sql));
    }
}

void tarn_quality_write_result(const struct tarn_outcome *o, enum tarn_result_format format,
                               struct tarn_json_writer *w)
{
    enum tarn_check_shape shape = o->check->e->type->shape;
    tarn_json_object_begin(w);
    if (format > TARN_RESULT_BOOLEAN_ONLY) {
        if (shape == TARN_SHAPE_ROW || shape == TARN_SHAPE_UNIQUE || shape == TARN_SHAPE_REFERENCE)
            write_map_result(o, format, w);
        else if (o->observed_json) {
            tarn_json_key(w, "observed_value");
            tarn_json_raw(w, tarn_text_of(o->observed_json));
        }
        if (shape == TARN_SHAPE_QUERY && format >= TARN_RESULT_SUMMARY) {
            tarn_json_key(w, "details");
            tarn_json_object_begin(w);
            write_values(w, "unexpected_rows", o, o->sample_count);
            tarn_json_object_end(w);
        }
    }
    tarn_json_object_end(w);
}

static void write_config(const struct tarn_expectation *e, struct tarn_json_writer *w)
{
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "type", e->type->gx_name);
    tarn_json_key(w, "kwargs");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < tarn_expectation_parameter_count(e->type); i++)
        if (e->args[i]) {
            tarn_json_key(w, e->type->parameters[i].name);
            write_yaml(w, e->args[i]);
        }
    if (e->mostly < 1)
        tarn_json_put_double(w, "mostly", e->mostly);
    if (e->where)
        tarn_json_put_str(w, "row_condition", e->where);
    tarn_json_object_end(w);
    tarn_json_key(w, "meta");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "rule", e->rule);
    tarn_json_put_str(w, "kind", tarn_quality_kinds[e->kind]);
    for (size_t i = 0; e->meta && e->meta->kind == TARN_YAML_MAP && i < e->meta->count; i++) {
        const char *key = tarn_yaml_key(e->meta, i);
        if (strcmp(key, "rule") == 0 || strcmp(key, "kind") == 0)
            continue;
        tarn_json_key(w, key);
        write_yaml(w, e->meta->items[i]);
    }
    tarn_json_object_end(w);
    tarn_json_put_str(w, "severity", e->severity == TARN_SEVERITY_WARN ? "warning" : "critical");
    if (e->description)
        tarn_json_put_str(w, "description", e->description);
    tarn_json_object_end(w);
}

static void write_outcome(const struct tarn_outcome *o, enum tarn_result_format format,
                          struct tarn_json_writer *w)
{
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "success", o->success);
    tarn_json_key(w, "expectation_config");
    write_config(o->check->e, w);
    tarn_json_key(w, "result");
    tarn_quality_write_result(o, format, w);
    tarn_json_key(w, "meta");
    tarn_json_object_begin(w);
    tarn_json_object_end(w);
    tarn_json_key(w, "exception_info");
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "raised_exception", false);
    tarn_json_put_str(w, "exception_traceback", NULL);
    tarn_json_put_str(w, "exception_message", NULL);
    tarn_json_object_end(w);
    tarn_json_object_end(w);
}

/* ---- a suite, a run ---- */

static void write_statistics(struct tarn_json_writer *w, const char *what, size_t successful,
                             size_t total)
{
    char key[64];
    tarn_json_key(w, "statistics");
    tarn_json_object_begin(w);
    snprintf(key, sizeof key, "evaluated_%s", what);
    tarn_json_put_int(w, key, (int64_t)total);
    snprintf(key, sizeof key, "successful_%s", what);
    tarn_json_put_int(w, key, (int64_t)successful);
    snprintf(key, sizeof key, "unsuccessful_%s", what);
    tarn_json_put_int(w, key, (int64_t)(total - successful));
    put_percent(w, "success_percent", (int64_t)successful, (int64_t)total);
    tarn_json_object_end(w);
}

static void write_suite(const struct tarn_quality_report *report, const struct tarn_suite_report *s,
                        enum tarn_result_format format, struct tarn_json_writer *w)
{
    char time[TARN_TIME_TEXT_BYTES];
    size_t successful = 0;
    for (size_t i = 0; i < s->count; i++)
        successful += s->outcomes[i].success;
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "success", successful == s->count);
    tarn_json_key(w, "results");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < s->count; i++)
        write_outcome(&s->outcomes[i], format, w);
    tarn_json_array_end(w);
    tarn_json_put_str(w, "suite_name", s->suite->name);
    tarn_json_key(w, "suite_parameters");
    tarn_json_object_begin(w);
    tarn_json_object_end(w);
    write_statistics(w, "expectations", successful, s->count);
    tarn_json_key(w, "meta");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "run_id", report->run_id);
    tarn_json_put_str(w, "run_time", tarn_time_format(report->started_us, time));
    TARN_BUFFER(table, 4096);
    tarn_buffer_printf(&table, "%s.%s", s->suite->ns, s->suite->table);
    tarn_json_put_str(w, "table", tarn_buffer_str(&table));
    tarn_json_put_str(w, "layer", s->suite->layer);
    tarn_json_put_bool(w, "accepted", s->success);
    tarn_json_put_bool(w, "quarantine", s->suite->quarantine);
    if (s->suite->quarantine) {
        tarn_json_put_int(w, "quarantine_records", s->quarantine_records);
        tarn_json_put_int(w, "quarantine_rows", s->quarantine_rows);
    }
    tarn_json_put_double(w, "seconds", (double)s->micros / 1e6);
    tarn_json_object_end(w);
    tarn_json_object_end(w);
}

static void write_reconcile(const struct tarn_reconcile_report *r, struct tarn_json_writer *w)
{
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "name", r->reconcile->name);
    tarn_json_put_bool(w, "success", r->success);
    for (size_t i = 0; i < TARN_RECONCILE_PARTS; i++)
        tarn_json_put_int(w, tarn_reconcile_part_names[i], r->parts[i]);
    tarn_json_put_int(w, "difference", r->difference);
    tarn_json_object_end(w);
}

static void write_score(const struct tarn_table_score *s, struct tarn_json_writer *w)
{
    static const char *const names[] = {
#define X(name, text, weight) text,
        TARN_DIMENSION_MAP(X)
#undef X
    };
    TARN_BUFFER(table, 4096);
    tarn_buffer_printf(&table, "%s.%s", s->ns, s->table);
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "table", tarn_buffer_str(&table));
    tarn_json_put_int(w, "rows", s->rows);
    for (size_t i = 0; i < TARN_DIMENSION_COUNT; i++) {
        tarn_json_key(w, names[i]);
        if (s->dimensions[i] < 0)
            tarn_json_null(w);
        else
            tarn_json_double(w, s->dimensions[i]);
    }
    tarn_json_key(w, "overall");
    if (s->overall < 0)
        tarn_json_null(w);
    else
        tarn_json_double(w, s->overall);
    tarn_json_object_end(w);
}

void tarn_quality_write_json(const struct tarn_quality_report *report,
                             enum tarn_result_format format, struct tarn_json_writer *w)
{
    size_t successful = 0;
    for (size_t i = 0; i < report->suite_count; i++)
        successful += report->suites[i].success;
    tarn_json_object_begin(w);
    tarn_json_put_bool(w, "success", report->success);
    write_statistics(w, "validations", successful, report->suite_count);
    tarn_json_put_str(w, "run_id", report->run_id);
    tarn_json_key(w, "validation_results");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < report->suite_count; i++)
        write_suite(report, &report->suites[i], format, w);
    tarn_json_array_end(w);
    tarn_json_key(w, "reconciliations");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < report->reconcile_count; i++)
        write_reconcile(&report->reconciles[i], w);
    tarn_json_array_end(w);
    tarn_json_key(w, "scores");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < report->score_count; i++)
        write_score(&report->scores[i], w);
    tarn_json_array_end(w);
    tarn_json_object_end(w);
}
