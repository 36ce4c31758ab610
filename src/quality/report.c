/* quality/report.c -- results as text for a terminal: a block per table, a line per expectation. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "quality/runner.h"

enum { NUMBER_BYTES = 32, SHOWN_SAMPLES = 3, SHOWN_BYTES = 40, RULE_WIDTH = 46 };

/* 1234567 as 1,234,567. */
static const char *grouped(int64_t value, char out[NUMBER_BYTES])
{
    char digits[NUMBER_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value < 0 ? -value : value);
    char *at = out;
    if (value < 0)
        *at++ = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = 0;
    return out;
}

/* Bytes that a terminal shows as columns, near enough: UTF-8 continuation bytes count nothing. */
static void pad(struct tarn_buffer *out, const char *text, int width)
{
    int used = 0;
    for (const char *at = text; *at; at++)
        used += ((unsigned char)*at & 0xC0) != 0x80;
    tarn_buffer_printf(out, "%s%*s", text, used < width ? width - used : 0, "");
}

static void write_samples(struct tarn_buffer *out, const struct tarn_outcome *o)
{
    const char *lead = ": ";
    for (size_t i = 0; i < o->sample_count && i < SHOWN_SAMPLES; i++) {
        const char *value = o->samples[i].value_json;
        if (strcmp(value, "null") == 0)
            continue;
        size_t len = strlen(value);
        size_t keep = len > SHOWN_BYTES ? SHOWN_BYTES : len;
        while (keep < len && keep > 0 && ((unsigned char)value[keep] & 0xC0) == 0x80)
            keep--;
        tarn_buffer_printf(out, "%s%.*s%s", lead, (int)keep, value, len > keep ? "..." : "");
        lead = ", ";
    }
}

static void write_finding(struct tarn_buffer *out, const struct tarn_outcome *o)
{
    char a[NUMBER_BYTES], b[NUMBER_BYTES];
    enum tarn_check_shape shape = o->check->e->type->shape;
    if (shape == TARN_SHAPE_AGGREGATE || shape == TARN_SHAPE_CATALOG) {
        if (o->observed_text)
            tarn_buffer_printf(out, "observed %.120s", o->observed_text);
    } else if (o->unexpected_count == 0) {
        tarn_buffer_printf(out, "%s", grouped(o->considered_count, a));
    } else if (shape == TARN_SHAPE_QUERY) {
        tarn_buffer_printf(out, "%s rows", grouped(o->unexpected_count, a));
        write_samples(out, o);
    } else {
        tarn_buffer_printf(out, "%s of %s (%.3g %%)", grouped(o->unexpected_count, a),
                           grouped(o->considered_count, b),
                           100.0 * (double)o->unexpected_count / (double)o->considered_count);
        write_samples(out, o);
    }
}

static void write_outcome(struct tarn_buffer *out, const struct tarn_outcome *o, bool quarantine)
{
    bool warn = o->check->e->severity == TARN_SEVERITY_WARN;
    const char *mark = o->success ? "ok  " : warn ? "warn" : quarantine ? "held" : "FAIL";
    tarn_buffer_printf(out, "  %s  ", mark);
    pad(out, o->check->e->rule, RULE_WIDTH);
    tarn_buffer_append_str(out, "  ");
    write_finding(out, o);
    tarn_buffer_append_char(out, '\n');
}

static void write_suite(struct tarn_buffer *out, const struct tarn_suite_report *s)
{
    char a[NUMBER_BYTES], b[NUMBER_BYTES];
    size_t good = 0;
    for (size_t i = 0; i < s->count; i++)
        good += s->outcomes[i].success;
    tarn_buffer_printf(out, "%s.%s  (%s)  %zu of %zu expectations hold, %.3f s\n", s->suite->ns,
                       s->suite->table, s->suite->name, good, s->count, (double)s->micros / 1e6);
    for (size_t i = 0; i < s->count; i++)
        write_outcome(out, &s->outcomes[i], s->suite->quarantine);
    if (s->suite->quarantine)
        tarn_buffer_printf(out, "  quarantine.%s: %s records, %s rows taken out\n", s->suite->table,
                           grouped(s->quarantine_records, a), grouped(s->quarantine_rows, b));
    tarn_buffer_append_char(out, '\n');
}

static void write_reconcile(struct tarn_buffer *out, const struct tarn_reconcile_report *r)
{
    char text[NUMBER_BYTES];
    tarn_buffer_printf(out, "  %s  ", r->success ? "ok  " : "FAIL");
    pad(out, r->reconcile->name, 44);
    for (size_t i = 0; i < TARN_RECONCILE_PARTS; i++) {
        if (i >= TARN_RECONCILE_QUARANTINED && !r->reconcile->parts[i])
            continue;
        const char *sign = i == TARN_RECONCILE_IN ? "  " : i == TARN_RECONCILE_OUT ? " = " : " + ";
        tarn_buffer_printf(out, "%s%s %s", sign, grouped(r->parts[i], text),
                           tarn_reconcile_part_names[i]);
    }
    if (!r->success)
        tarn_buffer_printf(out, "; %s rows %s",
                           grouped(r->difference < 0 ? -r->difference : r->difference, text),
                           r->difference > 0 ? "are missing" : "are too many");
    tarn_buffer_append_char(out, '\n');
}

static void write_cell(struct tarn_buffer *out, double value)
{
    if (value < 0)
        tarn_buffer_printf(out, "  %12s", "-");
    else
        tarn_buffer_printf(out, "  %12.5f", value);
}

static void write_scores(struct tarn_buffer *out, const struct tarn_quality_report *report)
{
    static const char *const names[] = {
#define X(name, text, weight) text,
        TARN_DIMENSION_MAP(X)
#undef X
    };
    char rows[NUMBER_BYTES];
    pad(out, "scores", 34);
    tarn_buffer_printf(out, "%14s", "rows");
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_buffer_printf(out, "  %12s", names[i]);
    tarn_buffer_printf(out, "  %12s\n", "overall");
    for (size_t i = 0; i < report->score_count; i++) {
        const struct tarn_table_score *s = &report->scores[i];
        char table[256];
        snprintf(table, sizeof table, "%s.%s", s->ns, s->table);
        tarn_buffer_append_str(out, "  ");
        pad(out, table, 32);
        tarn_buffer_printf(out, "%14s", grouped(s->rows, rows));
        for (size_t k = 0; k < TARN_DIMENSION_COUNT; k++)
            write_cell(out, s->dimensions[k]);
        write_cell(out, s->overall);
        tarn_buffer_append_char(out, '\n');
    }
}

void tarn_quality_write_text(const struct tarn_quality_report *report, struct tarn_buffer *out)
{
    for (size_t i = 0; i < report->suite_count; i++)
        write_suite(out, &report->suites[i]);
    if (report->reconcile_count > 0)
        tarn_buffer_append_str(out, "counts\n");
    for (size_t i = 0; i < report->reconcile_count; i++)
        write_reconcile(out, &report->reconciles[i]);
    if (report->reconcile_count > 0)
        tarn_buffer_append_char(out, '\n');
    if (report->score_count > 0)
        write_scores(out, report);
}
