/* quality/ledger.c -- see ledger.h. The comparison is ledger_score.sql; here its two inputs are
 * gathered and its results read. */
#include "quality/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "ledger_score_sql.h"
#include "store/quality.h"

enum { SQL_MAX_BYTES = 4 << 20, CELL_MAX_BYTES = 1 << 16 };

/* ---- findings ---- */

static void append_quarantine(struct tarn_buffer *sql, const char *name)
{
    tarn_buffer_append_str(sql, "UNION ALL SELECT ");
    tarn_sql_literal(sql, tarn_text_of(name));
    tarn_buffer_append_str(
        sql, ", _file, _line, column_name, kind, severity, rule, value FROM \"quarantine\".");
    tarn_sql_identifier(sql, name);
    tarn_buffer_append_char(sql, '\n');
}

/* Appends what a table has found; nothing when it is not a table of findings. */
static void append_findings(const struct tarn_lake_entry *entry, struct tarn_buffer *sql)
{
    if (strcmp(entry->ns, "quarantine") == 0)
        append_quarantine(sql, entry->name);
    else if (strcmp(entry->ns, "bronze") == 0 && strcmp(entry->name, "rejected_rows") == 0)
        tarn_buffer_append_str(sql, "UNION ALL SELECT entity, _file, _line, NULL, 'rejected', "
                                    "'error', reason, raw FROM bronze.rejected_rows\n");
    else if (strcmp(entry->ns, "bronze") == 0 && strcmp(entry->name, "rejected_files") == 0)
        tarn_buffer_append_str(sql, "UNION ALL SELECT entity, _file, 0, NULL, 'rejected', "
                                    "'error', reason, NULL FROM bronze.rejected_files\n");
}

static enum tarn_status make_findings(struct tarn_session *session, struct tarn_lake *lake,
                                      struct tarn_arena *arena, struct tarn_error *err)
{
    struct tarn_lake_list list;
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    tarn_buffer_append_str(
        &sql, "CREATE OR REPLACE TEMP TABLE tarn_findings AS\n"
              "SELECT NULL::VARCHAR AS entity, NULL::VARCHAR AS file, NULL::BIGINT AS line,\n"
              "  NULL::VARCHAR AS column_name, NULL::VARCHAR AS kind, NULL::VARCHAR AS severity,\n"
              "  NULL::VARCHAR AS rule, NULL::VARCHAR AS value WHERE false\n");
    TARN_TRY(tarn_lake_list(lake, NULL, arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        const struct tarn_lake_entry *entry = &list.entries[i];
        size_t len = sql.len;
        if (!entry->is_view)
            append_findings(entry, &sql);
        if (sql.len > len)
            TARN_TRY(tarn_lake_attach(lake, session, entry->ns, entry->name, NULL, err));
    }
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of the findings", err));
    return tarn_session_run(session, tarn_buffer_str(&sql), NULL, err);
}

static enum tarn_status make_faults(struct tarn_session *session, const char *path,
                                    struct tarn_error *err)
{
    if (!tarn_file_exists(path))
        return tarn_fail(err, TARN_NOT_FOUND,
                         "there is no ledger at %s; only data that `tarn generate` made can be "
                         "scored",
                         path);
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    tarn_buffer_append_str(&sql, "CREATE OR REPLACE TEMP TABLE tarn_faults AS SELECT * FROM "
                                 "read_parquet(");
    tarn_sql_literal(&sql, tarn_text_of(path));
    tarn_buffer_append_str(&sql, ")");
    return tarn_session_run(session, tarn_buffer_str(&sql), NULL, err);
}

/* ---- results ---- */

/* Rows of a query, handed one by one to `take` together with the context. */
static enum tarn_status each_row(struct tarn_session *session, const char *sql,
                                 void (*take)(void *context, const struct tarn_result *result,
                                              size_t row),
                                 void *context, struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(session, sql, &result, err));
    size_t rows;
    do {
        TARN_TRY(tarn_result_next(result, &rows, err));
        for (size_t row = 0; row < rows; row++)
            take(context, result, row);
    } while (rows > 0);
    return TARN_OK;
}

struct collector {
    struct tarn_arena *arena;
    struct tarn_ledger_score *score;
    size_t cap;
    struct tarn_ledger_example *examples;
    size_t example_count;
};

static const char *text_at(struct collector *c, const struct tarn_result *result, size_t column,
                           size_t row)
{
    struct tarn_vector v = tarn_result_vector(result, column);
    if (tarn_vector_is_null(&v, row))
        return "";
    struct tarn_text text = tarn_vector_text(&v, row);
    return tarn_arena_strndup(c->arena, text.data, text.len);
}

static int64_t int_at(const struct tarn_result *result, size_t column, size_t row)
{
    struct tarn_vector v = tarn_result_vector(result, column);
    return tarn_vector_is_null(&v, row) ? 0 : (int64_t)tarn_vector_int128(&v, row);
}

/* Room for one more item in an array that lives in the arena. */
static void *grow(struct collector *c, void *items, size_t count, size_t size_bytes)
{
    if (count < c->cap)
        return items;
    c->cap = c->cap ? c->cap * 2 : 32;
    void *bigger = tarn_arena_array(c->arena, c->cap, size_bytes);
    if (count)
        memcpy(bigger, items, count * size_bytes);
    return bigger;
}

static void take_recall(void *context, const struct tarn_result *result, size_t row)
{
    struct collector *c = context;
    struct tarn_ledger_score *score = c->score;
    score->recall = grow(c, score->recall, score->recall_count, sizeof *score->recall);
    struct tarn_ledger_recall recall = {
        .entity = text_at(c, result, 0, row),
        .kind = text_at(c, result, 1, row),
        .fault = text_at(c, result, 2, row),
        .structural = int_at(result, 3, row) != 0,
        .injected = int_at(result, 4, row),
        .found = int_at(result, 5, row),
    };
    if (recall.structural) {
        score->structural_injected += recall.injected;
        score->structural_found += recall.found;
    }
    score->recall[score->recall_count++] = recall;
}

static void take_precision(void *context, const struct tarn_result *result, size_t row)
{
    struct collector *c = context;
    struct tarn_ledger_score *score = c->score;
    score->precision = grow(c, score->precision, score->precision_count, sizeof *score->precision);
    struct tarn_ledger_precision precision = {
        .entity = text_at(c, result, 0, row),
        .kind = text_at(c, result, 1, row),
        .findings = int_at(result, 2, row),
        .true_findings = int_at(result, 3, row),
    };
    score->findings += precision.findings;
    score->true_findings += precision.true_findings;
    score->precision[score->precision_count++] = precision;
}

static void take_example(void *context, const struct tarn_result *result, size_t row)
{
    struct collector *c = context;
    c->examples = grow(c, c->examples, c->example_count, sizeof *c->examples);
    c->examples[c->example_count++] = (struct tarn_ledger_example){
        .entity = text_at(c, result, 0, row),
        .file = text_at(c, result, 1, row),
        .line = int_at(result, 2, row),
        .column = text_at(c, result, 3, row),
        .kind = text_at(c, result, 4, row),
        .what = text_at(c, result, 5, row),
        .value = text_at(c, result, 6, row),
    };
}

static enum tarn_status read_examples(struct tarn_session *session, struct tarn_arena *arena,
                                      const char *sql, struct tarn_ledger_example **ret_examples,
                                      size_t *ret_count, struct tarn_error *err)
{
    struct collector c = {.arena = arena};
    const char *limited = tarn_arena_format(arena, "%s LIMIT %d", sql, TARN_LEDGER_EXAMPLES);
    TARN_TRY(each_row(session, limited, take_example, &c, err));
    *ret_examples = c.examples;
    *ret_count = c.example_count;
    return TARN_OK;
}

static enum tarn_status read_score(struct tarn_session *session, struct tarn_arena *arena,
                                   struct tarn_ledger_score *score, struct tarn_error *err)
{
    struct collector recall = {.arena = arena, .score = score};
    struct collector precision = {.arena = arena, .score = score};
    TARN_TRY(each_row(session,
                      "SELECT * FROM tarn_recall ORDER BY structural DESC, entity, kind, fault",
                      take_recall, &recall, err));
    TARN_TRY(each_row(session, "SELECT * FROM tarn_precision ORDER BY entity, kind", take_precision,
                      &precision, err));
    TARN_TRY(read_examples(session, arena,
                           "SELECT entity, file, line, column_name, kind, fault, damaged FROM "
                           "tarn_fault_keys WHERE fault_id NOT IN (SELECT fault_id FROM "
                           "tarn_pairs) ORDER BY structural DESC, entity, kind, file, line",
                           &score->misses, &score->miss_count, err));
    return read_examples(session, arena,
                         "SELECT entity, file, line, column_name, kind, rule, value FROM "
                         "tarn_finding_keys WHERE finding_id NOT IN (SELECT finding_id FROM "
                         "tarn_pairs) ORDER BY entity, kind, file, line",
                         &score->alarms, &score->alarm_count, err);
}

enum tarn_status tarn_ledger_compare(struct tarn_session *session, struct tarn_lake *lake,
                                     const char *faults_path, struct tarn_arena *arena,
                                     struct tarn_ledger_score *ret_score, struct tarn_error *err)
{
    struct tarn_ledger_score score = {0};
    TARN_TRY(make_faults(session, faults_path, err));
    TARN_TRY(make_findings(session, lake, arena, err));
    TARN_TRY(tarn_session_run(session, ledger_score_sql, NULL, err));
    TARN_TRY(read_score(session, arena, &score, err));
    *ret_score = score;
    return TARN_OK;
}

double tarn_ledger_recall(const struct tarn_ledger_score *score)
{
    return score->structural_injected
               ? (double)score->structural_found / (double)score->structural_injected
               : 1;
}

double tarn_ledger_precision(const struct tarn_ledger_score *score)
{
    return score->findings ? (double)score->true_findings / (double)score->findings : 1;
}

/* ---- keeping ---- */

static enum tarn_status keep(struct tarn_state *state, void *context, struct tarn_error *err)
{
    const struct tarn_ledger_score *score = context;
    int64_t now = tarn_now_us();
    for (size_t i = 0; i < score->recall_count; i++) {
        const struct tarn_ledger_recall *r = &score->recall[i];
        struct tarn_stored_ledger_score row = {.measured_us = now,
                                               .entity = r->entity,
                                               .kind = r->kind,
                                               .fault = r->fault,
                                               .injected = r->injected,
                                               .found = r->found};
        TARN_TRY(tarn_quality_store_ledger_score(state, &row, err));
    }
    for (size_t i = 0; i < score->precision_count; i++) {
        const struct tarn_ledger_precision *p = &score->precision[i];
        struct tarn_stored_ledger_score row = {.measured_us = now,
                                               .entity = p->entity,
                                               .kind = p->kind,
                                               .fault = "", /* findings know the kind only */
                                               .findings = p->findings,
                                               .true_findings = p->true_findings};
        TARN_TRY(tarn_quality_store_ledger_score(state, &row, err));
    }
    return TARN_OK;
}

enum tarn_status tarn_ledger_keep(struct tarn_state *state, const struct tarn_ledger_score *score,
                                  struct tarn_error *err)
{
    return tarn_state_transaction(state, keep, (void *)score, err);
}

/* ---- output ---- */

static double share(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 1;
}

static void write_examples(struct tarn_json_writer *w, const char *key,
                           const struct tarn_ledger_example *examples, size_t count)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_ledger_example *e = &examples[i];
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "entity", e->entity);
        tarn_json_put_str(w, "file", e->file);
        tarn_json_put_int(w, "line", e->line);
        tarn_json_put_str(w, "column", e->column);
        tarn_json_put_str(w, "kind", e->kind);
        tarn_json_put_str(w, strcmp(key, "misses") == 0 ? "fault" : "rule", e->what);
        tarn_json_put_str(w, "value", e->value);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
}

void tarn_ledger_write_json(const struct tarn_ledger_score *score, struct tarn_json_writer *w)
{
    tarn_json_object_begin(w);
    tarn_json_put_double(w, "recall", tarn_ledger_recall(score));
    tarn_json_put_double(w, "precision", tarn_ledger_precision(score));
    tarn_json_put_int(w, "structural_injected", score->structural_injected);
    tarn_json_put_int(w, "structural_found", score->structural_found);
    tarn_json_put_int(w, "findings", score->findings);
    tarn_json_put_int(w, "true_findings", score->true_findings);
    tarn_json_key(w, "faults");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < score->recall_count; i++) {
        const struct tarn_ledger_recall *r = &score->recall[i];
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "entity", r->entity);
        tarn_json_put_str(w, "kind", r->kind);
        tarn_json_put_str(w, "fault", r->fault);
        tarn_json_put_bool(w, "structural", r->structural);
        tarn_json_put_int(w, "injected", r->injected);
        tarn_json_put_int(w, "found", r->found);
        tarn_json_put_double(w, "recall", share(r->found, r->injected));
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    tarn_json_key(w, "finding_kinds");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < score->precision_count; i++) {
        const struct tarn_ledger_precision *p = &score->precision[i];
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "entity", p->entity);
        tarn_json_put_str(w, "kind", p->kind);
        tarn_json_put_int(w, "findings", p->findings);
        tarn_json_put_int(w, "true_findings", p->true_findings);
        tarn_json_put_double(w, "precision", share(p->true_findings, p->findings));
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    write_examples(w, "misses", score->misses, score->miss_count);
    write_examples(w, "false_alarms", score->alarms, score->alarm_count);
    tarn_json_object_end(w);
}

static void print_faults(const struct tarn_ledger_score *score, bool structural,
                         struct tarn_buffer *out)
{
    for (size_t i = 0; i < score->recall_count; i++) {
        const struct tarn_ledger_recall *r = &score->recall[i];
        if (r->structural == structural)
            tarn_buffer_printf(out, "  %-22s %-10s %-18s %10" PRId64 " %10" PRId64 "  %8.4f\n",
                               r->entity, r->kind, r->fault, r->injected, r->found,
                               share(r->found, r->injected));
    }
}

static void print_examples(const char *title, const struct tarn_ledger_example *examples,
                           size_t count, struct tarn_buffer *out)
{
    tarn_buffer_printf(out, "\n%s%s\n", title, count ? "" : ": none");
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(out, "  %s:%" PRId64 "  %s  %s %s  '%.60s'\n", examples[i].file,
                           examples[i].line, examples[i].column, examples[i].kind, examples[i].what,
                           examples[i].value);
    if (count == TARN_LEDGER_EXAMPLES)
        tarn_buffer_printf(out, "  (the first %d)\n", TARN_LEDGER_EXAMPLES);
}

void tarn_ledger_write_text(const struct tarn_ledger_score *score, bool show_misses,
                            bool show_alarms, struct tarn_buffer *out)
{
    tarn_buffer_printf(out, "structural faults\n  %-22s %-10s %-18s %10s %10s  %8s\n", "entity",
                       "kind", "fault", "injected", "found", "recall");
    print_faults(score, true, out);
    tarn_buffer_append_str(out, "\nsoft faults (not every one can or need be found)\n");
    print_faults(score, false, out);
    tarn_buffer_printf(out, "\nfindings\n  %-22s %-10s %10s %10s  %9s\n", "entity", "kind",
                       "findings", "true", "precision");
    for (size_t i = 0; i < score->precision_count; i++) {
        const struct tarn_ledger_precision *p = &score->precision[i];
        tarn_buffer_printf(out, "  %-22s %-10s %10" PRId64 " %10" PRId64 "  %9.4f\n", p->entity,
                           p->kind, p->findings, p->true_findings,
                           share(p->true_findings, p->findings));
    }
    if (show_misses)
        print_examples("missed", score->misses, score->miss_count, out);
    if (show_alarms)
        print_examples("false alarms", score->alarms, score->alarm_count, out);
    tarn_buffer_printf(
        out,
        "\nrecall %.4f (%" PRId64 " of %" PRId64 " structural faults), precision %.4f (%" PRId64
        " of %" PRId64 " findings)\n",
        tarn_ledger_recall(score), score->structural_found, score->structural_injected,
        tarn_ledger_precision(score), score->true_findings, score->findings);
}
