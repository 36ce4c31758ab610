/* model/plan.c -- see plan.h. */
#include "model/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "model/project.h"

/* --- the ready heap */

static void place(struct tarn_model_plan *plan, size_t at, struct tarn_model_task *task)
{
    plan->ready[at] = task;
    task->ready_at = at;
}

static void sift_up(struct tarn_model_plan *plan, size_t at)
{
    struct tarn_model_task *task = plan->ready[at];
    while (at > 0 && plan->ready[(at - 1) / 2]->position > task->position) {
        place(plan, at, plan->ready[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(plan, at, task);
}

static void sift_down(struct tarn_model_plan *plan, size_t at)
{
    struct tarn_model_task *task = plan->ready[at];
    for (size_t child; (child = 2 * at + 1) < plan->ready_count; at = child) {
        if (child + 1 < plan->ready_count &&
            plan->ready[child + 1]->position < plan->ready[child]->position)
            child++;
        if (plan->ready[child]->position > task->position)
            break;
        place(plan, at, plan->ready[child]);
    }
    place(plan, at, task);
}

static void push(struct tarn_model_plan *plan, struct tarn_model_task *task)
{
    plan->ready[plan->ready_count] = task;
    sift_up(plan, plan->ready_count++);
}

void tarn_model_plan_remove(struct tarn_model_plan *plan, struct tarn_model_task *task)
{
    size_t at = task->ready_at;
    assert(at < plan->ready_count);
    task->ready_at = SIZE_MAX;
    struct tarn_model_task *last = plan->ready[--plan->ready_count];
    if (last == task)
        return;
    place(plan, at, last);
    sift_up(plan, at);
    sift_down(plan, last->ready_at);
}

struct tarn_model_task *tarn_model_plan_take(struct tarn_model_plan *plan)
{
    if (plan->ready_count == 0)
        return NULL;
    struct tarn_model_task *task = plan->ready[0];
    tarn_model_plan_remove(plan, task);
    return task;
}

struct tarn_model_task *tarn_model_plan_ready(const struct tarn_model_plan *plan,
                                              const struct tarn_model_node *node)
{
    struct tarn_model_task *task = plan->by_node[node->index];
    return task && task->ready_at != SIZE_MAX ? task : NULL;
}

void tarn_model_plan_done(struct tarn_model_plan *plan, struct tarn_model_task *task, bool failed)
{
    for (size_t i = 0; i < task->next_count; i++) {
        struct tarn_model_task *next = task->next[i];
        if (failed && !next->blocked_by)
            next->blocked_by = task->node;
        if (--next->waiting == 0)
            push(plan, next);
    }
}

/* --- who waits for whom */

struct planner {
    struct tarn_model_plan *plan;
    const struct tarn_model_project *project;
    const bool *chosen;
    size_t *seen; /* stamp by node index */
    size_t stamp;
    struct tarn_model_nodes stack;
};

static void wait_for(struct tarn_model_task *later, struct tarn_model_task *earlier)
{
    TARN_RESERVE(earlier->next, earlier->next_cap, earlier->next_count + 1);
    earlier->next[earlier->next_count++] = later;
    later->waiting++;
}

static bool visit(struct planner *p, const struct tarn_model_node *node)
{
    if (p->seen[node->index] == p->stamp)
        return false;
    p->seen[node->index] = p->stamp;
    return true;
}

static void wait_for_parents(struct planner *p, struct tarn_model_task *task)
{
    p->stamp++;
    p->stack.count = 0;
    /* a unit test comes before its model and takes the types of what the model reads */
    bool is_unit = task->node->kind == TARN_NODE_UNIT_TEST;
    tarn_model_nodes_add(&p->stack, is_unit ? task->node->attached : task->node);
    while (p->stack.count > 0) {
        const struct tarn_model_node *node = p->stack.items[--p->stack.count];
        for (size_t i = 0; i < node->parents.count; i++) {
            struct tarn_model_node *parent = node->parents.items[i];
            if (!visit(p, parent))
                continue;
            if (p->chosen[parent->index])
                wait_for(task, p->plan->by_node[parent->index]);
            else
                tarn_model_nodes_add(&p->stack, parent);
        }
    }
}

static bool is_ancestor(struct planner *p, const struct tarn_model_node *wanted,
                        struct tarn_model_node *of)
{
    p->stamp++;
    p->stack.count = 0;
    tarn_model_nodes_add(&p->stack, of);
    while (p->stack.count > 0) {
        const struct tarn_model_node *node = p->stack.items[--p->stack.count];
        if (node == wanted)
            return true;
        for (size_t i = 0; i < node->parents.count; i++)
            if (visit(p, node->parents.items[i]))
                tarn_model_nodes_add(&p->stack, node->parents.items[i]);
    }
    return false;
}

/* The tested node after which all that the test reads is there; NULL when there is no such one:
 * then the test stands in nobody's way, as in dbt. */
static struct tarn_model_node *last_parent(struct planner *p, const struct tarn_model_node *test)
{
    for (size_t i = 0; i < test->parents.count; i++) {
        bool all = true;
        for (size_t k = 0; k < test->parents.count && all; k++)
            all = k == i || is_ancestor(p, test->parents.items[k], test->parents.items[i]);
        if (all)
            return test->parents.items[i];
    }
    return NULL;
}

static void block_children(struct planner *p, struct tarn_model_task *test)
{
    struct tarn_model_node *on = last_parent(p, test->node);
    if (!on)
        return;
    p->stamp++;
    p->stack.count = 0;
    tarn_model_nodes_add(&p->stack, on);
    while (p->stack.count > 0) {
        const struct tarn_model_node *node = p->stack.items[--p->stack.count];
        for (size_t i = 0; i < node->children.count; i++) {
            struct tarn_model_node *child = node->children.items[i];
            if (child->kind == TARN_NODE_TEST || child->kind == TARN_NODE_UNIT_TEST ||
                !visit(p, child))
                continue;
            if (p->chosen[child->index])
                wait_for(p->plan->by_node[child->index], test);
            else
                tarn_model_nodes_add(&p->stack, child);
        }
    }
}

void tarn_model_plan_init(struct tarn_model_plan *plan, const struct tarn_model_project *project,
                          const bool *chosen, bool tests_block)
{
    size_t total = project->nodes.count;
    *plan = (struct tarn_model_plan){0};
    plan->tasks = tarn_alloc_array(total + 1, sizeof *plan->tasks);
    plan->by_node = tarn_alloc_array(total + 1, sizeof(void *));
    plan->ready = tarn_alloc_array(total + 1, sizeof(void *));
    struct tarn_model_node **order = tarn_model_order(project);
    for (size_t i = 0; i < total; i++) {
        if (!chosen[order[i]->index])
            continue;
        struct tarn_model_task *task = &plan->tasks[plan->count];
        *task = (struct tarn_model_task){
            .node = order[i], .position = plan->count++, .ready_at = SIZE_MAX};
        plan->by_node[order[i]->index] = task;
    }
    free(order);
    struct planner p = {.plan = plan, .project = project, .chosen = chosen};
    p.seen = tarn_alloc_array(total + 1, sizeof *p.seen);
    for (size_t i = 0; i < plan->count; i++)
        wait_for_parents(&p, &plan->tasks[i]);
    for (size_t i = 0; tests_block && i < plan->count; i++)
        if (plan->tasks[i].node->kind == TARN_NODE_TEST)
            block_children(&p, &plan->tasks[i]);
    for (size_t i = 0; tests_block && i < plan->count; i++) {
        const struct tarn_model_node *unit = plan->tasks[i].node;
        if (unit->kind == TARN_NODE_UNIT_TEST && chosen[unit->attached->index])
            wait_for(plan->by_node[unit->attached->index], &plan->tasks[i]);
    }
    free(p.seen);
    free(p.stack.items);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->tasks[i].waiting == 0)
            push(plan, &plan->tasks[i]);
}

void tarn_model_plan_release(struct tarn_model_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->tasks[i].next);
    free(plan->tasks);
    free(plan->by_node);
    free(plan->ready);
    *plan = (struct tarn_model_plan){0};
}
