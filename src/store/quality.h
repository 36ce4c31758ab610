/* store/quality.h -- quality runs in the state file: suites, results, metric series, table scores,
 * reconciliations, ledger scores. Call inside one tarn_state_transaction per run. */
#ifndef TARN_STORE_QUALITY_H
#define TARN_STORE_QUALITY_H

#include "store/state.h"

struct tarn_stored_suite {
    const char *run_id, *suite, *ns, *table, *layer;
    bool success;
    int64_t evaluated, successful;
    int64_t quarantine_records, quarantine_rows;
    int64_t micros;
};

struct tarn_stored_outcome {
    const char *run_id, *suite;
    int64_t position;
    const char *ns, *table, *rule, *type, *column, *kind, *severity;
    bool success;
    int64_t element_count, considered_count, unexpected_count;
    const char *result_json;
    int64_t measured_us;
    bool has_metric; /* also a point of the rule's series */
    double metric;
};

struct tarn_stored_ledger_score {
    int64_t measured_us;
    const char *entity, *kind, *fault;
    int64_t injected, found, findings, true_findings;
};

/* What a run worked on, see quality/unchanged.c. */
struct tarn_stored_input {
    const char *run_id, *fingerprint, *output;
    int64_t checks, tables, records;
    int64_t finished_us; /* of the run; not written */
};

CHECKED enum tarn_status tarn_quality_store_run(struct tarn_state *state, const char *run_id,
                                                int64_t started_us, int64_t finished_us,
                                                bool success, struct tarn_error *err);
CHECKED enum tarn_status tarn_quality_store_suite(struct tarn_state *state,
                                                  const struct tarn_stored_suite *suite,
                                                  struct tarn_error *err);
CHECKED enum tarn_status tarn_quality_store_outcome(struct tarn_state *state,
                                                    const struct tarn_stored_outcome *outcome,
                                                    struct tarn_error *err);
/* `dimensions`: completeness, uniqueness, validity, integrity, freshness; below 0 stores NULL. */
CHECKED enum tarn_status tarn_quality_store_table_score(struct tarn_state *state,
                                                        const char *run_id, int64_t measured_us,
                                                        const char *ns, const char *table,
                                                        int64_t rows, const double dimensions[5],
                                                        double overall, struct tarn_error *err);
/* `parts`: in, out, quarantined, duplicates, held. */
CHECKED enum tarn_status tarn_quality_store_reconcile(struct tarn_state *state, const char *run_id,
                                                      const char *name, const int64_t parts[5],
                                                      int64_t difference, bool success,
                                                      struct tarn_error *err);
CHECKED enum tarn_status tarn_quality_store_ledger_score(
    struct tarn_state *state, const struct tarn_stored_ledger_score *score, struct tarn_error *err);
CHECKED enum tarn_status tarn_quality_store_input(struct tarn_state *state,
                                                  const struct tarn_stored_input *input,
                                                  struct tarn_error *err);
/* The latest successful run with this fingerprint and output; *ret is NULL when there is none. */
CHECKED enum tarn_status tarn_quality_find_input(struct tarn_state *state, const char *fingerprint,
                                                 const char *output, struct tarn_arena *arena,
                                                 struct tarn_stored_input **ret,
                                                 struct tarn_error *err);

#endif
