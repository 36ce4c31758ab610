/* model/runner.c -- see runner.h: which node may run when, the threads that run them, and what
 * becomes of the children of a node that failed. */
#include "model/runner.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "model/plan.h"
#include "model/worker.h"
#include "store/model.h"

enum {
    THREADS_DEFAULT = 4,
    THREADS_MAX = 64,
    FUSED_MAX = 200,
    HOOK_BYTES_MAX = 16 << 20,
    LABEL_COLUMNS_MIN = 28
};

struct run {
    struct tarn_model_project *project;
    struct tarn_engine *engine;
    struct tarn_lake *lake;
    struct tarn_state *state;
    const struct tarn_model_run_options *options;
    const char *run_id;
    struct tarn_model_plan plan;
    struct tarn_model_nodes selected;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    size_t ended;
    struct tarn_progress_step *step; /* the whole run */
    bool stop;                       /* fail_fast */
    struct tarn_model_run_result *result;
};

const char *tarn_model_status_name(enum tarn_model_status status)
{
    static const char *const names[] = {
#define X(name, text) [TARN_MODEL_STATUS_##name] = text,
        TARN_MODEL_STATUS_MAP(X)
#undef X
    };
    return names[status];
}

/* --- steps of a node */

enum tarn_status tarn_worker_compile(struct tarn_model_worker *w, struct tarn_model_node *node,
                                     struct tarn_model_result *result, struct tarn_error *err)
{
    const char *sql;
    struct tarn_error ignored;
    result->compile_started_us = tarn_now_us();
    enum tarn_status status = tarn_model_compile(&w->context, node, &sql, err);
    result->compile_ended_us = tarn_now_us();
    result->execute_started_us = result->execute_ended_us = result->compile_ended_us;
    if (status != TARN_OK)
        return status;
    result->compiled = tarn_arena_strdup(w->arena, sql);
    const char *path = tarn_model_target_file(w->project, node, "compiled", w->context.arena);
    /* a target folder that cannot be written to stops compile, whose only work it is */
    status = tarn_model_write_target(path, tarn_text_of(sql),
                                     w->options->command == TARN_MODEL_COMPILE ? err : &ignored);
    return w->options->command == TARN_MODEL_COMPILE ? status : TARN_OK;
}

/* A source of the node that has no table yet: the usual reason in a new project. */
static const char *missing_source(struct tarn_model_worker *w, const struct tarn_model_node *node)
{
    for (size_t i = 0; i < node->parents.count; i++) {
        const struct tarn_model_node *source = node->parents.items[i];
        enum tarn_lake_kind kind = TARN_LAKE_TABLE;
        struct tarn_error ignored; /* only a hint is lost */
        if (source->kind == TARN_NODE_SOURCE &&
            tarn_lake_kind_of(w->lake, source->schema, source->alias, &kind, &ignored) == TARN_OK &&
            kind == TARN_LAKE_NOTHING)
            return tarn_arena_format(w->context.arena,
                                     "\n  the source %s.%s has no table yet; `tarn ingest` loads "
                                     "files into bronze tables, `tarn quality` makes those of "
                                     "quarantine",
                                     source->schema, source->alias);
    }
    return "";
}

void tarn_worker_explain(struct tarn_model_worker *w, const struct tarn_model_node *node,
                         const char *compiled, struct tarn_error *err)
{
    struct tarn_column *columns;
    size_t count;
    struct tarn_error own = {0};
    bool same = tarn_session_describe(w->session, compiled, w->context.arena, &columns, &count,
                                      &own) != TARN_OK;
    const char *text = same ? own.text : err->text;
    unsigned line = 0;
    const char *mark = same ? strstr(text, "LINE ") : NULL;
    if (mark)
        line = (unsigned)strtoul(mark + 5, NULL, 10);
    const char *path = tarn_model_target_file(w->project, node, "compiled", w->context.arena);
    size_t root = strlen(w->project->directory);
    if (strncmp(path, w->project->directory, root) == 0)
        path += root + 1;
    char *copy = tarn_arena_strdup(w->context.arena, text);
    char at[16] = "";
    if (line)
        snprintf(at, sizeof at, ":%u", line);
    tarn_fail(err, TARN_SQL, "%s\n  compiled SQL: %s%s%s", copy, path, at,
              strstr(copy, "does not exist") ? missing_source(w, node) : "");
}

static enum tarn_status find_done(struct tarn_model_worker *w, const struct tarn_model_node *node,
                                  struct tarn_model_result *result, struct tarn_error *err)
{
    bool makes = node->kind == TARN_NODE_MODEL || node->kind == TARN_NODE_SEED ||
                 node->kind == TARN_NODE_SNAPSHOT;
    if (!w->options->run_id || !makes)
        return TARN_OK;
    return tarn_model_run_find(w->state, w->run_id, node->unique_id, &result->was_done,
                               &result->rows, err);
}

static enum tarn_status run_node(struct tarn_model_worker *w, struct tarn_model_node *node,
                                 struct tarn_model_result *result, struct tarn_error *err)
{
    bool compile_only = w->options->command == TARN_MODEL_COMPILE;
    result->status = TARN_MODEL_STATUS_SUCCESS;
    if (!compile_only)
        TARN_TRY(find_done(w, node, result, err));
    if (result->was_done)
        return TARN_OK;
    if (node->kind == TARN_NODE_SEED) {
        tarn_model_context_begin(&w->context, node, true);
        return compile_only ? TARN_OK : tarn_worker_materialize(w, node, result, err);
    }
    if (node->kind == TARN_NODE_UNIT_TEST)
        return tarn_worker_unit_test(w, node, result, err);
    if (node->kind == TARN_NODE_TEST && !compile_only)
        return tarn_worker_test(w, node, result, err);
    TARN_TRY(tarn_worker_compile(w, node, result, err));
    if (compile_only || node->kind == TARN_NODE_ANALYSIS || tarn_node_is_ephemeral(node))
        return TARN_OK;
    return tarn_worker_materialize(w, node, result, err);
}

static void settle(struct tarn_model_worker *w, const struct tarn_model_node *node,
                   struct tarn_model_result *result, enum tarn_status status,
                   const struct tarn_error *err)
{
    result->execute_ended_us = tarn_now_us();
    if (status == TARN_OK) {
        result->message = result->message ? result->message : "";
        return;
    }
    result->status = TARN_MODEL_STATUS_ERROR;
    result->message = tarn_arena_format(w->arena, "%s %s (%s): %s", tarn_node_kind_name(node->kind),
                                        node->name, node->original_path, err->text);
}

/* --- what a person sees */

static bool has_relation(const struct tarn_model_node *node)
{
    return node->kind != TARN_NODE_TEST && node->kind != TARN_NODE_ANALYSIS &&
           node->kind != TARN_NODE_UNIT_TEST;
}

static const char *label_of(struct tarn_arena *arena, const struct tarn_model_node *node)
{
    return has_relation(node) ? tarn_arena_format(arena, "%s.%s", node->schema, node->alias)
                              : node->name;
}

static const char *kind_of(const struct tarn_model_node *node)
{
    return node->kind == TARN_NODE_MODEL ? tarn_node_materialized(node)
                                         : tarn_node_kind_name(node->kind);
}

/* Wide enough for all relations; names of tests may be cut. */
static void begin_progress(struct run *run)
{
    size_t columns = LABEL_COLUMNS_MIN;
    for (size_t i = 0; i < run->selected.count; i++) {
        const struct tarn_model_node *node = run->selected.items[i];
        size_t len = has_relation(node) ? strlen(node->schema) + 1 + strlen(node->alias) : 0;
        columns = len > columns ? len : columns;
    }
    tarn_progress_label_columns(run->options->progress, columns);
    run->step = tarn_progress_begin(run->options->progress, "all", run->plan.count);
}

static struct tarn_progress_step *begin_step(struct run *run, const struct tarn_model_node *node)
{
    const char *label = label_of(run->result->arena, node);
    struct tarn_progress_step *step = tarn_progress_begin(run->options->progress, label, 0);
    bool is_test = node->kind == TARN_NODE_TEST || node->kind == TARN_NODE_UNIT_TEST;
    if (is_test && !run->options->verbose)
        tarn_progress_minor(step);
    return step;
}

static void end_step(struct tarn_progress_step *step, const struct tarn_model_result *result)
{
    const char *kind = kind_of(result->node);
    char rows[TARN_COUNT_TEXT_BYTES];
    switch (result->status) {
    case TARN_MODEL_STATUS_SUCCESS:
    case TARN_MODEL_STATUS_PASS:
        if (result->was_done)
            tarn_progress_end(step, true, "%s, done before", kind);
        else if (has_relation(result->node) && result->rows >= 0)
            tarn_progress_end(step, true, "%s, %s row%s", kind, tarn_count_text(result->rows, rows),
                              result->rows == 1 ? "" : "s");
        else
            tarn_progress_end(step, true, "%s", kind);
        return;
    case TARN_MODEL_STATUS_WARN:
        tarn_progress_warn(step, "%s: %s", kind, result->message);
        return;
    case TARN_MODEL_STATUS_FAIL:
        tarn_progress_end(step, false, "%s: %s", kind, result->message);
        return;
    case TARN_MODEL_STATUS_ERROR: /* the whole message stands at the end */
        tarn_progress_end(step, false, "%s failed", kind);
        return;
    case TARN_MODEL_STATUS_SKIPPED:
        tarn_progress_skip(step, "%s skipped: %s", kind, result->message);
        return;
    }
}

/* --- the threads */

static void count_result(struct tarn_model_run_result *all, const struct tarn_model_result *result)
{
    switch (result->status) {
    case TARN_MODEL_STATUS_SUCCESS:
    case TARN_MODEL_STATUS_PASS:
        all->passed++;
        break;
    case TARN_MODEL_STATUS_WARN:
        all->warned++;
        break;
    case TARN_MODEL_STATUS_ERROR:
    case TARN_MODEL_STATUS_FAIL:
        all->failed++;
        break;
    case TARN_MODEL_STATUS_SKIPPED:
        all->skipped++;
        break;
    }
}

/* With the lock. Keeps the result and frees what waited for the node. */
static void finish_locked(struct run *run, struct tarn_model_task *task,
                          const struct tarn_model_result *result)
{
    struct tarn_model_run_result *all = run->result;
    struct tarn_model_result *kept = &all->results[all->count++];
    *kept = *result;
    kept->message = tarn_arena_strdup(all->arena, result->message ? result->message : "");
    kept->compiled = result->compiled ? tarn_arena_strdup(all->arena, result->compiled) : NULL;
    count_result(all, result);
    bool failed = result->status == TARN_MODEL_STATUS_ERROR ||
                  result->status == TARN_MODEL_STATUS_FAIL ||
                  result->status == TARN_MODEL_STATUS_SKIPPED;
    if (failed && result->status != TARN_MODEL_STATUS_SKIPPED && run->options->fail_fast)
        run->stop = true;
    tarn_model_plan_done(&run->plan, task, failed);
    run->ended++;
    tarn_progress_advance(run->step, 1);
    pthread_cond_broadcast(&run->changed);
}

static void skip_locked(struct run *run, struct tarn_model_task *task)
{
    char message[600];
    struct tarn_model_result result = {.node = task->node,
                                       .status = TARN_MODEL_STATUS_SKIPPED,
                                       .rows = -1,
                                       .failures = -1,
                                       .message = message};
    if (task->blocked_by)
        snprintf(message, sizeof message, "%s '%s' did not succeed",
                 tarn_node_kind_name(task->blocked_by->kind), task->blocked_by->name);
    else
        snprintf(message, sizeof message, "the run was stopped at its first failure");
    struct tarn_progress_step *step = begin_step(run, task->node);
    end_step(step, &result);
    finish_locked(run, task, &result);
}

/* With the lock: the next task, and when it is a simple test, others of the same table with it. */
static size_t take_locked(struct run *run, const struct tarn_model_worker *w,
                          struct tarn_model_task **taken)
{
    for (;;) {
        struct tarn_model_task *task = tarn_model_plan_take(&run->plan);
        if (!task)
            return 0;
        if (task->blocked_by || run->stop) {
            skip_locked(run, task);
            continue;
        }
        taken[0] = task;
        if (task->node->kind != TARN_NODE_TEST || run->options->command == TARN_MODEL_COMPILE ||
            !tarn_worker_can_fuse(w, task->node))
            return 1;
        size_t count = 1;
        struct tarn_model_node *on = task->node->attached;
        for (size_t i = 0; i < on->children.count && count < FUSED_MAX; i++) {
            struct tarn_model_task *other =
                tarn_model_plan_ready(&run->plan, on->children.items[i]);
            if (other && !other->blocked_by && other->node->kind == TARN_NODE_TEST &&
                other->node->attached == on && tarn_worker_can_fuse(w, other->node)) {
                tarn_model_plan_remove(&run->plan, other);
                taken[count++] = other;
            }
        }
        return count;
    }
}

static void run_taken(struct tarn_model_worker *w, struct tarn_model_task **tasks, size_t count,
                      struct tarn_model_result *results)
{
    struct tarn_error err = {0};
    struct tarn_model_node *nodes[FUSED_MAX];
    const struct tarn_model_result empty = {.rows = -1, .failures = -1, .thread = w->number};
    for (size_t i = 0; i < count; i++) {
        nodes[i] = tasks[i]->node;
        results[i] = empty;
        results[i].node = nodes[i];
        results[i].compile_started_us = results[i].compile_ended_us =
            results[i].execute_started_us = results[i].execute_ended_us = tarn_now_us();
    }
    if (count > 1 && tarn_worker_test_fused(w, nodes, count, results, &err) == TARN_OK)
        return;
    /* alone, or one of them spoils the statement for all: each by itself then */
    for (size_t i = 0; i < count; i++) {
        err = (struct tarn_error){0};
        results[i] = empty;
        results[i].node = nodes[i];
        results[i].compile_started_us = results[i].compile_ended_us =
            results[i].execute_started_us = results[i].execute_ended_us = tarn_now_us();
        settle(w, nodes[i], &results[i], run_node(w, nodes[i], &results[i], &err), &err);
    }
}

static void work(struct run *run, struct tarn_model_worker *w)
{
    struct tarn_model_task *taken[FUSED_MAX];
    struct tarn_progress_step *steps[FUSED_MAX];
    struct tarn_model_result *results = tarn_alloc_array(FUSED_MAX, sizeof *results);
    pthread_mutex_lock(&run->lock);
    while (run->ended < run->plan.count) {
        size_t count = take_locked(run, w, taken);
        if (count == 0) {
            if (run->ended < run->plan.count)
                pthread_cond_wait(&run->changed, &run->lock);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            steps[i] = begin_step(run, taken[i]->node);
        pthread_mutex_unlock(&run->lock);
        run_taken(w, taken, count, results);
        for (size_t i = 0; i < count; i++)
            end_step(steps[i], &results[i]);
        pthread_mutex_lock(&run->lock);
        for (size_t i = 0; i < count; i++)
            finish_locked(run, taken[i], &results[i]);
        tarn_arena_reset(w->arena);
    }
    pthread_mutex_unlock(&run->lock);
    free(results);
}

static enum tarn_status worker_open(struct run *run, unsigned number, struct tarn_model_worker *w,
                                    struct tarn_error *err)
{
    *w = (struct tarn_model_worker){
        .project = run->project,
        .lake = run->lake,
        .state = run->state,
        .options = run->options,
        .run_id = run->run_id,
        .number = number,
    };
    TARN_TRY(tarn_session_open(run->engine, &w->session, err));
    w->world = (struct tarn_model_world){run->lake, w->session, run->options->progress};
    tarn_model_context_init(&w->context, run->project, &w->world);
    w->context.selected = &run->selected;
    w->context.empty = run->options->empty;
    w->arena = tarn_arena_new();
    return TARN_OK;
}

static void worker_close(struct tarn_model_worker *w)
{
    if (!w->session)
        return;
    tarn_model_context_release(&w->context);
    tarn_session_close(w->session);
    tarn_arena_free(w->arena);
}

struct thread {
    struct run *run;
    unsigned number;
    pthread_t id;
};

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    struct tarn_model_worker worker = {0};
    struct tarn_error err = {0};
    /* the first worker is the caller's; a further one that cannot start leaves the work to it */
    if (worker_open(thread->run, thread->number, &worker, &err) == TARN_OK)
        work(thread->run, &worker);
    else
        tarn_log(TARN_LOG_WARN, "a thread could not start", TARN_LOG_STR("error", err.text));
    worker_close(&worker);
    return NULL;
}

static void run_threads(struct run *run, struct tarn_model_worker *first)
{
    unsigned wanted = run->options->threads          ? run->options->threads
                      : run->project->target.threads ? run->project->target.threads
                                                     : THREADS_DEFAULT;
    wanted = wanted > THREADS_MAX ? THREADS_MAX : wanted;
    wanted = run->plan.count < wanted ? (unsigned)run->plan.count : wanted;
    struct thread threads[THREADS_MAX];
    unsigned count = 0;
    for (unsigned i = 1; i < wanted; i++) {
        threads[count] = (struct thread){.run = run, .number = i + 1};
        if (pthread_create(&threads[count].id, NULL, thread_main, &threads[count]) == 0)
            count++;
    }
    work(run, first);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i].id, NULL);
}

/* --- the whole run */

static unsigned kinds_of(enum tarn_model_command command)
{
    switch (command) {
    case TARN_MODEL_BUILD:
        return 1u << TARN_NODE_MODEL | 1u << TARN_NODE_SEED | 1u << TARN_NODE_SNAPSHOT |
               1u << TARN_NODE_TEST | 1u << TARN_NODE_UNIT_TEST;
    case TARN_MODEL_RUN:
        return 1u << TARN_NODE_MODEL;
    case TARN_MODEL_TEST:
        return 1u << TARN_NODE_TEST | 1u << TARN_NODE_UNIT_TEST;
    case TARN_MODEL_SEED:
        return 1u << TARN_NODE_SEED;
    case TARN_MODEL_SNAPSHOT:
        return 1u << TARN_NODE_SNAPSHOT;
    case TARN_MODEL_COMPILE:
        break;
    }
    return 1u << TARN_NODE_MODEL | 1u << TARN_NODE_TEST | 1u << TARN_NODE_ANALYSIS |
           1u << TARN_NODE_SNAPSHOT;
}

static enum tarn_status run_hook_list(struct tarn_model_worker *w, struct tarn_value hooks,
                                      const char *name, struct tarn_error *err)
{
    for (size_t i = 0; tarn_value_is(hooks, TARN_VALUE_LIST) && i < tarn_list_count(hooks); i++) {
        TARN_BUFFER(sql, HOOK_BYTES_MAX);
        struct tarn_value results = w->context.results;
        tarn_model_context_begin(&w->context, NULL, true);
        w->context.results = results;
        if (tarn_model_render_text(&w->context, name, 1, tarn_value_text(tarn_list_at(hooks, i)),
                                   &sql, err) != TARN_OK)
            return tarn_error_wrap(err, "%s hook %zu of dbt_project.yml", name, i + 1);
        if (tarn_text_trim(tarn_buffer_text(&sql)).len == 0)
            continue;
        if (tarn_session_run(w->session, tarn_buffer_str(&sql), NULL, err) != TARN_OK)
            return tarn_error_wrap(err, "%s hook %zu of dbt_project.yml", name, i + 1);
    }
    return TARN_OK;
}

static enum tarn_status attach_lake(struct run *run, struct tarn_model_worker *w,
                                    struct tarn_error *err)
{
    const char *problems = "";
    TARN_TRY(tarn_lake_attach_all(run->lake, w->session, w->context.arena, &problems, err));
    if (problems && *problems)
        tarn_log(TARN_LOG_WARN, "some tables could not be attached",
                 TARN_LOG_STR("problems", problems));
    TARN_BUFFER(sql, 1 << 16);
    tarn_buffer_append_str(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    tarn_sql_identifier(&sql, run->project->target.schema);
    return tarn_session_run(w->session, tarn_buffer_str(&sql), NULL, err);
}

static enum tarn_status run_all(struct run *run, struct tarn_error *err)
{
    struct tarn_model_worker first = {0};
    bool hooks = run->options->command != TARN_MODEL_COMPILE;
    enum tarn_status status = worker_open(run, 1, &first, err);
    if (status == TARN_OK)
        status = attach_lake(run, &first, err);
    first.context.results = TARN_UNDEFINED;
    if (status == TARN_OK && hooks)
        status = run_hook_list(&first, run->project->on_run_start, "on-run-start", err);
    if (status == TARN_OK) {
        begin_progress(run);
        run_threads(run, &first);
        tarn_progress_drop(run->step);
    }
    if (status == TARN_OK && hooks)
        status = run_hook_list(&first, run->project->on_run_end, "on-run-end", err);
    worker_close(&first);
    return status;
}

static enum tarn_status choose_nodes(struct run *run, struct tarn_error *err)
{
    static const struct tarn_selection everything = {0};
    struct tarn_model_project *project = run->project;
    const struct tarn_selection *selection =
        run->options->selection ? run->options->selection : &everything;
    bool *chosen = tarn_alloc_array(project->nodes.count + 1, sizeof *chosen);
    enum tarn_status status =
        tarn_model_select(project, selection, kinds_of(run->options->command), chosen, err);
    for (size_t i = 0; status == TARN_OK && i < project->nodes.count; i++) {
        /* an ephemeral model has no table of its own: it is part of who refers to it */
        if (tarn_node_is_ephemeral(project->nodes.items[i]) &&
            run->options->command != TARN_MODEL_COMPILE)
            chosen[i] = false;
        if (chosen[i])
            tarn_model_nodes_add(&run->selected, project->nodes.items[i]);
    }
    if (status == TARN_OK)
        tarn_model_plan_init(&run->plan, project, chosen,
                             run->options->command == TARN_MODEL_BUILD);
    free(chosen);
    return status;
}

enum tarn_status tarn_model_run(struct tarn_model_project *project, struct tarn_engine *engine,
                                struct tarn_lake *lake, struct tarn_state *state,
                                const struct tarn_model_run_options *options,
                                struct tarn_model_run_result *ret_result, struct tarn_error *err)
{
    struct tarn_model_run_result result = {.arena = tarn_arena_new(), .started_us = tarn_now_us()};
    struct run run = {
        .project = project,
        .engine = engine,
        .lake = lake,
        .state = state,
        .options = options,
        .run_id = options->run_id ? options->run_id : project->invocation_id,
        .result = &result,
    };
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.changed, NULL);
    result.run_id = tarn_arena_strdup(result.arena, run.run_id);
    enum tarn_status status = choose_nodes(&run, err);
    if (status == TARN_OK) {
        result.results = tarn_arena_array(result.arena, run.plan.count + 1, sizeof *result.results);
        status = run_all(&run, err);
    }
    result.ended_us = tarn_now_us();
    if (status == TARN_OK)
        status = tarn_model_write_manifest(project, &result, err);
    if (status == TARN_OK)
        status = tarn_model_write_run_results(project, &result, err);
    tarn_model_plan_release(&run.plan);
    free(run.selected.items);
    pthread_cond_destroy(&run.changed);
    pthread_mutex_destroy(&run.lock);
    if (status != TARN_OK) {
        tarn_arena_free(result.arena);
        return status;
    }
    *ret_result = result;
    return TARN_OK;
}
