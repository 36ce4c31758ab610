/* store/quality.c -- see quality.h. Writing a run again (the same id) replaces it. */
#include "store/quality.h"

enum tarn_status tarn_quality_store_run(struct tarn_state *state, const char *run_id,
                                        int64_t started_us, int64_t finished_us, bool success,
                                        struct tarn_error *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO quality_run"
                              "(run_id, started_us, finished_us, success) VALUES (?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_int(s, 2, started_us);
    tarn_bind_int(s, 3, finished_us);
    tarn_bind_int(s, 4, success);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_store_suite(struct tarn_state *state,
                                          const struct tarn_stored_suite *suite,
                                          struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_suite(run_id, suite, namespace, table_name, layer, "
        "success, evaluated, successful, quarantine_records, quarantine_rows, micros) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, suite->run_id);
    tarn_bind_str(s, 2, suite->suite);
    tarn_bind_str(s, 3, suite->ns);
    tarn_bind_str(s, 4, suite->table);
    tarn_bind_str(s, 5, suite->layer);
    tarn_bind_int(s, 6, suite->success);
    tarn_bind_int(s, 7, suite->evaluated);
    tarn_bind_int(s, 8, suite->successful);
    tarn_bind_int(s, 9, suite->quarantine_records);
    tarn_bind_int(s, 10, suite->quarantine_rows);
    tarn_bind_int(s, 11, suite->micros);
    return tarn_statement_finish(s, NULL, err);
}

static enum tarn_status store_metric(struct tarn_state *state,
                                     const struct tarn_stored_outcome *outcome,
                                     struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_metric(namespace, table_name, rule, measured_us, run_id, "
        "value) VALUES (?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, outcome->ns);
    tarn_bind_str(s, 2, outcome->table);
    tarn_bind_str(s, 3, outcome->rule);
    tarn_bind_int(s, 4, outcome->measured_us);
    tarn_bind_str(s, 5, outcome->run_id);
    tarn_bind_double(s, 6, outcome->metric);
    return tarn_statement_finish(s, NULL, err);
}

static enum tarn_status store_result(struct tarn_state *state,
                                     const struct tarn_stored_outcome *outcome,
                                     struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_result(run_id, suite, position, rule, type, column_name, "
        "kind, severity, success, element_count, considered_count, unexpected_count, result) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, outcome->run_id);
    tarn_bind_str(s, 2, outcome->suite);
    tarn_bind_int(s, 3, outcome->position);
    tarn_bind_str(s, 4, outcome->rule);
    tarn_bind_str(s, 5, outcome->type);
    tarn_bind_str(s, 6, outcome->column);
    tarn_bind_str(s, 7, outcome->kind);
    tarn_bind_str(s, 8, outcome->severity);
    tarn_bind_int(s, 9, outcome->success);
    tarn_bind_int(s, 10, outcome->element_count);
    tarn_bind_int(s, 11, outcome->considered_count);
    tarn_bind_int(s, 12, outcome->unexpected_count);
    tarn_bind_str(s, 13, outcome->result_json);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_store_outcome(struct tarn_state *state,
                                            const struct tarn_stored_outcome *outcome,
                                            struct tarn_error *err)
{
    TARN_TRY(store_result(state, outcome, err));
    return outcome->has_metric ? store_metric(state, outcome, err) : TARN_OK;
}

enum tarn_status tarn_quality_store_table_score(struct tarn_state *state, const char *run_id,
                                                int64_t measured_us, const char *ns,
                                                const char *table, int64_t rows,
                                                const double dimensions[5], double overall,
                                                struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_table_score(namespace, table_name, measured_us, run_id, "
        "row_count, completeness, uniqueness, validity, integrity, freshness, overall) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, ns);
    tarn_bind_str(s, 2, table);
    tarn_bind_int(s, 3, measured_us);
    tarn_bind_str(s, 4, run_id);
    tarn_bind_int(s, 5, rows);
    for (int i = 0; i < 6; i++) {
        double value = i < 5 ? dimensions[i] : overall;
        if (value < 0)
            tarn_bind_str(s, 6 + i, NULL);
        else
            tarn_bind_double(s, 6 + i, value);
    }
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_store_reconcile(struct tarn_state *state, const char *run_id,
                                              const char *name, const int64_t parts[5],
                                              int64_t difference, bool success,
                                              struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_reconcile(run_id, name, rows_in, rows_out, quarantined, "
        "duplicates, held, difference, success) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, run_id);
    tarn_bind_str(s, 2, name);
    for (int i = 0; i < 5; i++)
        tarn_bind_int(s, 3 + i, parts[i]);
    tarn_bind_int(s, 8, difference);
    tarn_bind_int(s, 9, success);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_store_ledger_score(struct tarn_state *state,
                                                 const struct tarn_stored_ledger_score *score,
                                                 struct tarn_error *err)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO quality_ledger_score(measured_us, entity, kind, fault, injected, "
        "found, findings, true_findings) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_int(s, 1, score->measured_us);
    tarn_bind_str(s, 2, score->entity);
    tarn_bind_str(s, 3, score->kind);
    tarn_bind_str(s, 4, score->fault);
    tarn_bind_int(s, 5, score->injected);
    tarn_bind_int(s, 6, score->found);
    tarn_bind_int(s, 7, score->findings);
    tarn_bind_int(s, 8, score->true_findings);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_store_input(struct tarn_state *state,
                                          const struct tarn_stored_input *input,
                                          struct tarn_error *err)
{
    static const char sql[] = "INSERT OR REPLACE INTO quality_input(run_id, fingerprint, output, "
                              "checks, tables, records) "
                              "VALUES (?, ?, ?, ?, ?, ?)";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, input->run_id);
    tarn_bind_str(s, 2, input->fingerprint);
    tarn_bind_str(s, 3, input->output);
    tarn_bind_int(s, 4, input->checks);
    tarn_bind_int(s, 5, input->tables);
    tarn_bind_int(s, 6, input->records);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_quality_find_input(struct tarn_state *state, const char *fingerprint,
                                         const char *output, struct tarn_arena *arena,
                                         struct tarn_stored_input **ret, struct tarn_error *err)
{
    static const char sql[] =
        "SELECT r.run_id, i.checks, i.tables, i.records, r.finished_us FROM quality_input i "
        "JOIN quality_run r USING (run_id) WHERE i.fingerprint = ? AND i.output = ? "
        "AND r.success ORDER BY r.finished_us DESC LIMIT 1";
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    bool row;
    TARN_TRY(tarn_statement_begin(state, sql, &s, err));
    tarn_bind_str(s, 1, fingerprint);
    tarn_bind_str(s, 2, output);
    TARN_TRY(tarn_statement_step(s, &row, err));
    *ret = NULL;
    if (!row)
        return TARN_OK;
    *ret = tarn_arena_alloc(arena, sizeof **ret);
    **ret = (struct tarn_stored_input){
        .run_id = tarn_arena_strdup(arena, tarn_column_str(s, 0)),
        .fingerprint = tarn_arena_strdup(arena, fingerprint),
        .output = tarn_arena_strdup(arena, output),
        .checks = tarn_column_int(s, 1),
        .tables = tarn_column_int(s, 2),
        .records = tarn_column_int(s, 3),
        .finished_us = tarn_column_int(s, 4),
    };
    return TARN_OK;
}
