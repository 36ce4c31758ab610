/* model/plan.h -- the order of a run: tasks that wait for others, and those that are ready.
 *
 * Not thread-safe: the runner calls it under its lock. */
#ifndef TARN_MODEL_PLAN_H
#define TARN_MODEL_PLAN_H

#include "model/node.h"

struct tarn_model_task {
    struct tarn_model_node *node;
    size_t position; /* in dependency order: of several ready tasks the lowest goes first */
    size_t waiting;  /* tasks that have to end before */
    size_t ready_at; /* place among the ready ones; SIZE_MAX when not ready */
    struct tarn_model_task **next;
    size_t next_count, next_cap;
    const struct tarn_model_node *blocked_by; /* who failed before it; NULL: nobody */
};

struct tarn_model_plan {
    struct tarn_model_task *tasks;
    size_t count;
    struct tarn_model_task **by_node; /* by node index; NULL: not part of the run */
    struct tarn_model_task **ready;   /* a heap by position */
    size_t ready_count;
};

/* Tasks for the chosen nodes. A task waits for its nearest chosen ancestors, also through nodes
 * that were not chosen. `tests_block` (build): the children of a node wait for its tests too, and a
 * model waits for its unit tests. */
void tarn_model_plan_init(struct tarn_model_plan *plan, const struct tarn_model_project *project,
                          const bool *chosen, bool tests_block);
void tarn_model_plan_release(struct tarn_model_plan *plan);
/* The ready task with the lowest position, no longer ready; NULL when none is. */
struct tarn_model_task *tarn_model_plan_take(struct tarn_model_plan *plan);
/* The task of a node when it is ready, otherwise NULL. */
struct tarn_model_task *tarn_model_plan_ready(const struct tarn_model_plan *plan,
                                              const struct tarn_model_node *node);
void tarn_model_plan_remove(struct tarn_model_plan *plan, struct tarn_model_task *task);
/* The task ended: who waited only for it becomes ready, blocked when it failed. */
void tarn_model_plan_done(struct tarn_model_plan *plan, struct tarn_model_task *task, bool failed);

#endif
