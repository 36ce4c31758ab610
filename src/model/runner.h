/* model/runner.h -- runs a dbt project over the lake: `tarn build`, run, test, seed, snapshot and
 * compile.
 *
 * Nodes run in parallel, each after its parents; with `build`, a node's tests run right after it
 * and stand between it and its children. Each table commits to the lake by itself, together with a
 * row that says so: a run that is given the id of an earlier one leaves out what that one
 * committed. */
#ifndef TARN_MODEL_RUNNER_H
#define TARN_MODEL_RUNNER_H

#include "base/progress.h"
#include "model/project.h"
#include "model/select.h"

struct tarn_engine;
struct tarn_lake;
struct tarn_state;

enum tarn_model_command {
    TARN_MODEL_BUILD, /* seeds, models, snapshots and tests */
    TARN_MODEL_RUN,   /* models */
    TARN_MODEL_TEST,  /* tests */
    TARN_MODEL_SEED,  /* seeds */
    TARN_MODEL_SNAPSHOT,
    TARN_MODEL_COMPILE, /* only writes target/compiled */
};

/* dbt's words: a node that makes something succeeds or fails, a test passes, warns or fails. */
#define TARN_MODEL_STATUS_MAP(X)                                                                   \
    X(SUCCESS, "success")                                                                          \
    X(ERROR, "error")                                                                              \
    X(PASS, "pass")                                                                                \
    X(WARN, "warn")                                                                                \
    X(FAIL, "fail")                                                                                \
    X(SKIPPED, "skipped")

enum tarn_model_status {
#define X(name, text) TARN_MODEL_STATUS_##name,
    TARN_MODEL_STATUS_MAP(X)
#undef X
};
const char *tarn_model_status_name(enum tarn_model_status status);

struct tarn_model_result {
    struct tarn_model_node *node;
    enum tarn_model_status status;
    bool was_done;        /* committed by an earlier attempt of this run */
    const char *message;  /* "" when there is nothing to say */
    const char *compiled; /* NULL when it was not compiled */
    int64_t rows;         /* below 0: not known */
    int64_t failures;     /* of a test; below 0: none counted */
    int64_t snapshot_id;
    unsigned thread;
    int64_t compile_started_us, compile_ended_us, execute_started_us, execute_ended_us;
    int64_t sql_us, commit_us; /* of the execution: the query, and making it visible */
};

struct tarn_model_run_options {
    enum tarn_model_command command;
    const struct tarn_selection *selection;
    bool fail_fast;
    bool verbose; /* a terminal keeps the lines of tests that pass, too */
    bool store_failures;
    bool empty; /* models see no rows: a dry run that makes every table, empty */
    bool has_event_start, has_event_end; /* which batches of microbatch models are made */
    int64_t event_start_us, event_end_us;
    unsigned threads;               /* 0: the profile's, or 4 */
    const char *run_id;             /* NULL: a new one */
    struct tarn_progress *progress; /* NULL: silent */
};

struct tarn_model_run_result {
    struct tarn_arena *arena;          /* owns the rest */
    struct tarn_model_result *results; /* in the order in which they ended */
    size_t count;
    size_t passed, warned, failed, skipped;
    const char *run_id;
    int64_t started_us, ended_us;
};

/* TARN_OK also when nodes failed: see `failed`. Errors: what keeps the run from happening at all.
 * The artifacts are written. Free the result's arena. */
CHECKED enum tarn_status tarn_model_run(struct tarn_model_project *project,
                                        struct tarn_engine *engine, struct tarn_lake *lake,
                                        struct tarn_state *state,
                                        const struct tarn_model_run_options *options,
                                        struct tarn_model_run_result *ret_result,
                                        struct tarn_error *err);

/* manifest.c and run_results.c: target/manifest.json, target/run_results.json. `result` gives the
 * manifest the compiled SQL; it may be NULL. */
CHECKED enum tarn_status tarn_model_write_manifest(const struct tarn_model_project *project,
                                                   const struct tarn_model_run_result *result,
                                                   struct tarn_error *err);
void tarn_model_manifest_json(const struct tarn_model_project *project,
                              const struct tarn_model_run_result *result, struct tarn_buffer *out);
void tarn_model_run_results_json(const struct tarn_model_project *project,
                                 const struct tarn_model_run_result *result,
                                 struct tarn_buffer *out);
CHECKED enum tarn_status tarn_model_write_run_results(const struct tarn_model_project *project,
                                                      const struct tarn_model_run_result *result,
                                                      struct tarn_error *err);

#endif
