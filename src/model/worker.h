/* model/worker.h -- one thread of a run and the steps of a node, shared by runner.c, materialize.c,
 * incremental.c, snapshot.c, seed.c and test_run.c. */
#ifndef TARN_MODEL_WORKER_H
#define TARN_MODEL_WORKER_H

#include "engine/session.h"
#include "lake/lake.h"
#include "model/compile.h"
#include "model/runner.h"
#include "store/state.h"

struct tarn_model_worker {
    struct tarn_model_project *project;
    struct tarn_lake *lake;
    struct tarn_state *state;
    struct tarn_session *session;
    struct tarn_model_world world;
    struct tarn_model_context context;
    const struct tarn_model_run_options *options;
    const char *run_id;
    struct tarn_arena *arena; /* until the run ends: messages and SQL in results */
    unsigned number;
};

/* Compiles the node, writes target/compiled/..., and fills result->compiled and its times. */
CHECKED enum tarn_status tarn_worker_compile(struct tarn_model_worker *worker,
                                             struct tarn_model_node *node,
                                             struct tarn_model_result *result,
                                             struct tarn_error *err);
/* microbatch.c: the rows of all batches as one query, and the condition on the rows of the table
 * that they replace. Both live in the worker's arena. */
bool tarn_worker_is_microbatch(const struct tarn_model_node *node);
CHECKED enum tarn_status tarn_worker_plan_microbatch(struct tarn_model_worker *worker,
                                                     struct tarn_model_node *node, bool is_first,
                                                     const char **ret_query, const char **ret_where,
                                                     struct tarn_error *err);
/* contract.c: checks an enforced contract; *ret_query gives its columns in its order and types,
 * without a contract it is `compiled`. INVALID names every column that differs. */
CHECKED enum tarn_status tarn_worker_contract(struct tarn_model_worker *worker,
                                              const struct tarn_model_node *node,
                                              const char *compiled, const char **ret_query,
                                              struct tarn_error *err);
/* unit_test.c */
CHECKED enum tarn_status tarn_worker_unit_test(struct tarn_model_worker *worker,
                                               struct tarn_model_node *test,
                                               struct tarn_model_result *result,
                                               struct tarn_error *err);
/* Says where in the compiled file an SQL error is: DuckDB's LINE counts from the node's own SQL
 * only when the statement was not wrapped, so the SQL is bound once more by itself. */
void tarn_worker_explain(struct tarn_model_worker *worker, const struct tarn_model_node *node,
                         const char *compiled, struct tarn_error *err);

/* Makes the table or view of a model, seed or snapshot that has been compiled, hooks included. */
CHECKED enum tarn_status tarn_worker_materialize(struct tarn_model_worker *worker,
                                                 struct tarn_model_node *node,
                                                 struct tarn_model_result *result,
                                                 struct tarn_error *err);
/* Begin, prepare, finish; records the node as done in the same transaction, attaches the table. */
CHECKED enum tarn_status tarn_worker_commit(struct tarn_model_worker *worker,
                                            const struct tarn_model_node *node,
                                            struct tarn_lake_write *write,
                                            struct tarn_model_result *result,
                                            struct tarn_error *err);
/* incremental.c: the write for a model that has a table already. `arena` holds what it points to.
 */
CHECKED enum tarn_status tarn_worker_plan_incremental(struct tarn_model_worker *worker,
                                                      const struct tarn_model_node *node,
                                                      const char *compiled,
                                                      struct tarn_lake_write *write,
                                                      struct tarn_error *err);
/* seed.c: reads the CSV into a temporary table and gives the SELECT that types it. */
CHECKED enum tarn_status tarn_worker_read_seed(struct tarn_model_worker *worker,
                                               const struct tarn_model_node *node,
                                               const char **ret_query, struct tarn_error *err);
/* snapshot.c: the SELECT of the whole new snapshot table. */
CHECKED enum tarn_status tarn_worker_plan_snapshot(struct tarn_model_worker *worker,
                                                   const struct tarn_model_node *node,
                                                   const char *compiled, bool exists,
                                                   const char **ret_query, struct tarn_error *err);

/* test_run.c: whether a test looks like it only counts rows of its table for which a condition is
 * true (or is unique), so that it can share a scan with others of the same table. */
bool tarn_worker_can_fuse(const struct tarn_model_worker *worker,
                          const struct tarn_model_node *test);
/* Runs `count` tests of one table as one statement. A failure is that of all of them. */
CHECKED enum tarn_status tarn_worker_test_fused(struct tarn_model_worker *worker,
                                                struct tarn_model_node *const *tests, size_t count,
                                                struct tarn_model_result *results,
                                                struct tarn_error *err);
CHECKED enum tarn_status tarn_worker_test(struct tarn_model_worker *worker,
                                          struct tarn_model_node *test,
                                          struct tarn_model_result *result, struct tarn_error *err);

#endif
