/* quality/runner.h -- runs a project's suites and reconciliations: measures, quarantines, scores,
 * keeps the results.
 *
 * One run: every chosen suite is bound to its table and measured; rows that fail in quarantine
 * suites replace the lake's quarantine tables (all of them in one commit); counts are reconciled;
 * results go to the state file in one transaction. Meant to be called from one thread per session.
 */
#ifndef TARN_QUALITY_RUNNER_H
#define TARN_QUALITY_RUNNER_H

#include "base/json_writer.h"
#include "base/progress.h"
#include "lake/lake.h"
#include "quality/measure.h"
#include "quality/suite.h"
#include "store/quality.h"

/* What a run works on. */
struct tarn_quality {
    struct tarn_session *session;
    struct tarn_lake *lake;         /* NULL: tables of the session, quarantine tables too */
    struct tarn_state *state;       /* NULL: results are not kept */
    struct tarn_progress *progress; /* NULL is fine */
};

enum tarn_result_format {
    TARN_RESULT_BOOLEAN_ONLY,
    TARN_RESULT_BASIC,
    TARN_RESULT_SUMMARY,
    TARN_RESULT_COMPLETE,
};
extern const char *const tarn_result_formats[]; /* ended by NULL */

struct tarn_quality_options {
    const char *suite;  /* NULL: all */
    const char *table;  /* "ns.table"; NULL: all */
    const char *layer;  /* bronze, silver, gold; NULL: all */
    const char *run_id; /* NULL: a new one */
    enum tarn_result_format format;
    bool unless_unchanged; /* an earlier run with the same suites on the same tables will do */
};

/* Scores between 0 and 1; below 0: not measured. */
struct tarn_table_score {
    const char *ns, *table;
    int64_t rows;
    double dimensions[TARN_DIMENSION_COUNT];
    double overall;
};

struct tarn_suite_report {
    const struct tarn_suite *suite;
    struct tarn_check_table table;
    struct tarn_check *checks;
    struct tarn_outcome *outcomes;
    size_t count;
    struct tarn_measure_options measured; /* how the outcomes came about */
    bool success; /* every expectation of severity error holds, or the suite quarantines */
    int64_t quarantine_records;
    int64_t quarantine_rows; /* distinct rows with severity error */
    int64_t micros;
};

struct tarn_reconcile_report {
    const struct tarn_reconcile *reconcile;
    int64_t parts[TARN_RECONCILE_PARTS];
    int64_t difference; /* in - (out + quarantined + duplicates + held) */
    bool success;
};

struct tarn_quality_report {
    const char *run_id;
    int64_t started_us, finished_us;
    bool success;
    struct tarn_suite_report *suites;
    size_t suite_count;
    struct tarn_reconcile_report *reconciles;
    size_t reconcile_count;
    struct tarn_table_score *scores;
    size_t score_count;
    /* Not NULL: nothing was measured, since that run has done so (with unless_unchanged). */
    const struct tarn_stored_input *earlier;
};

/* TARN_OK also when checks failed: see ret_report->success. USAGE when nothing fits the options.
 * Everything in the report lives in `arena`. */
CHECKED enum tarn_status
tarn_quality_run(const struct tarn_quality *quality, const struct tarn_suites *suites,
                 const struct tarn_quality_options *options, struct tarn_arena *arena,
                 struct tarn_quality_report *ret_report, struct tarn_error *err);

/* quality/result.c: Great Expectations' 1.x checkpoint result, with Tarn's reconciliations and
 * scores beside the validation results. */
void tarn_quality_write_json(const struct tarn_quality_report *report,
                             enum tarn_result_format format, struct tarn_json_writer *w);
/* One expectation's `result` object alone. */
void tarn_quality_write_result(const struct tarn_outcome *outcome, enum tarn_result_format format,
                               struct tarn_json_writer *w);
/* quality/report.c: the same for a terminal. */
void tarn_quality_write_text(const struct tarn_quality_report *report, struct tarn_buffer *out);

/* quality/dimension.c */
void tarn_table_scores(const struct tarn_suite_report *suites, size_t suite_count,
                       struct tarn_arena *arena, struct tarn_table_score **ret_scores,
                       size_t *ret_count);

#define TARN_QUARANTINE_NAMESPACE "quarantine"
/* quality/quarantine.c: replaces the quarantine tables of the suites that have one, in one commit,
 * and sets their quarantine counts. */
CHECKED enum tarn_status tarn_quarantine_write(const struct tarn_quality *quality,
                                               struct tarn_suite_report *suites, size_t suite_count,
                                               const char *run_id, int64_t checked_at_us,
                                               struct tarn_arena *arena, struct tarn_error *err);

/* quality/reconcile.c */
CHECKED enum tarn_status tarn_reconcile_check(struct tarn_session *session,
                                              const struct tarn_reconcile *reconcile,
                                              struct tarn_arena *arena,
                                              struct tarn_reconcile_report *ret_report,
                                              struct tarn_error *err);

/* quality/unchanged.c. The words are all that the chosen suites say: every table they use is named
 * in them. The fingerprint is NULL when a run's answer does not depend on its tables alone. */
CHECKED enum tarn_status tarn_quality_words(const struct tarn_quality *quality,
                                            const struct tarn_quality_report *report, bool landing,
                                            struct tarn_arena *arena, const char **ret_words,
                                            struct tarn_error *err);
CHECKED enum tarn_status tarn_quality_fingerprint(const struct tarn_quality *quality,
                                                  const struct tarn_quality_report *report,
                                                  const char *words, struct tarn_arena *arena,
                                                  const char **ret_fingerprint,
                                                  struct tarn_error *err);
/* *ret is NULL when no run with this fingerprint left the quarantine tables as they are. */
CHECKED enum tarn_status tarn_quality_earlier(const struct tarn_quality *quality, const char *words,
                                              const char *fingerprint, struct tarn_arena *arena,
                                              struct tarn_stored_input **ret,
                                              struct tarn_error *err);
/* The record of a finished run for later ones. */
CHECKED enum tarn_status tarn_quality_input(const struct tarn_quality *quality,
                                            const struct tarn_quality_report *report,
                                            const char *words, const char *fingerprint,
                                            struct tarn_arena *arena, struct tarn_stored_input *ret,
                                            struct tarn_error *err);

/* quality/landing.c: that bronze holds what was loaded. One report per entity: the records of its
 * files (in) are the rows of its bronze table (out) and of bronze.rejected_rows (quarantined). */
CHECKED enum tarn_status tarn_landing_check(const struct tarn_quality *quality,
                                            struct tarn_arena *arena,
                                            struct tarn_reconcile_report **ret_reports,
                                            size_t *ret_count, struct tarn_error *err);

#endif
