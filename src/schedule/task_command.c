/* schedule/task_command.c -- see task_command.h. */
#include "schedule/task_command.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"

enum { WORD_BYTES_MAX = 1 << 20, VARS_BYTES_MAX = 1 << 20 };

/* A list of NAME=value in an arena; a later value of a name replaces the earlier one. */
struct environment {
    struct tarn_arena *arena;
    char **items;
    size_t count, cap;
};

static void set_variable(struct environment *environment, const char *name, const char *value)
{
    size_t len = strlen(name), at = 0;
    while (at < environment->count &&
           (strncmp(environment->items[at], name, len) != 0 || environment->items[at][len] != '='))
        at++;
    environment->items[at] = tarn_arena_format(environment->arena, "%s=%s", name, value);
    if (at == environment->count)
        environment->count++;
}

static const char *get_variable(const struct environment *environment, struct tarn_text name)
{
    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->items[i], name.data, name.len) == 0 &&
            environment->items[i][name.len] == '=')
            return environment->items[i] + name.len + 1;
    return NULL;
}

static char *parameter_name(struct tarn_arena *arena, const char *name)
{
    char *variable = tarn_arena_format(arena, "TARN_PARAM_%s", name);
    for (char *c = variable; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    return variable;
}

static void set_run_variables(struct environment *environment, const struct tarn_run_plan *plan,
                              const struct tarn_dag_task *task, int64_t try_number,
                              const char *summary_file)
{
    char number[32], time[TARN_TIME_TEXT_BYTES];
    set_variable(environment, "TARN", plan->program);
    set_variable(environment, "TARN_PROJECT", plan->project_directory);
    set_variable(environment, "TARN_DATA", plan->data_directory);
    set_variable(environment, "TARN_RUN_ID", plan->run.run_id);
    set_variable(environment, "TARN_DAG", plan->dag->name);
    set_variable(environment, "TARN_TASK", task->name);
    snprintf(number, sizeof number, "%lld", (long long)try_number);
    set_variable(environment, "TARN_TRY", number);
    set_variable(environment, "TARN_DATE", plan->run.logical_date);
    set_variable(environment, "TARN_INTERVAL_START",
                 tarn_time_format(plan->run.interval_start_us, time));
    set_variable(environment, "TARN_INTERVAL_END",
                 tarn_time_format(plan->run.interval_end_us, time));
    set_variable(environment, "TARN_SUMMARY_FILE", summary_file);
}

static size_t count_items(char *const *items)
{
    size_t count = 0;
    while (items[count])
        count++;
    return count;
}

static void make_environment(const struct tarn_run_plan *plan, const struct tarn_dag_task *task,
                             int64_t try_number, const char *summary_file, json_t *params,
                             struct environment *environment)
{
    size_t inherited = count_items(environ);
    size_t room = inherited + task->env_count + json_object_size(params) + 16;
    environment->items = tarn_arena_array(environment->arena, room, sizeof *environment->items);
    for (size_t i = 0; i < inherited; i++)
        environment->items[environment->count++] = environ[i];
    const char *name;
    json_t *value;
    json_object_foreach (params, name, value)
        set_variable(environment, parameter_name(environment->arena, name),
                     json_string_value(value));
    for (size_t i = 0; i < task->env_count; i++)
        set_variable(environment, task->env[i].name, task->env[i].value);
    set_run_variables(environment, plan, task, try_number, summary_file);
}

/* Replaces each ${NAME}; a `$` alone stays. */
static enum tarn_status expand(const char *word, const struct environment *environment,
                               const struct tarn_dag_task *task, char **ret_word,
                               struct tarn_error *err)
{
    TARN_BUFFER(text, WORD_BYTES_MAX);
    for (const char *at = word; *at;) {
        const char *end = strncmp(at, "${", 2) == 0 ? strchr(at, '}') : NULL;
        if (!end) {
            tarn_buffer_append_char(&text, *at++);
            continue;
        }
        struct tarn_text name = {at + 2, (size_t)(end - at - 2)};
        const char *value = get_variable(environment, name);
        if (!value)
            return tarn_fail(err, TARN_CONFIG,
                             "the task %s: '%s' names ${%.*s}, which is not in its environment; "
                             "set it below env or params",
                             task->name, word, TARN_TEXT_ARGS(name));
        tarn_buffer_append_str(&text, value);
        at = end + 1;
    }
    TARN_TRY(tarn_buffer_check(&text, "a word of a task", err));
    *ret_word = tarn_arena_strdup(environment->arena, tarn_buffer_str(&text));
    return TARN_OK;
}

static void put_scalar(struct tarn_json_writer *w, const char *value)
{
    int64_t integer;
    double real;
    struct tarn_text text = tarn_text_of(value);
    if (tarn_text_to_int64(text, &integer))
        tarn_json_int(w, integer);
    else if (strspn(value, "+-.0123456789eE") == text.len && tarn_text_to_double(text, &real))
        tarn_json_double(w, real);
    else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
        tarn_json_raw(w, text);
    else
        tarn_json_str(w, value);
}

/* The task's vars and the run's params as one JSON object; NULL when there are none. */
static enum tarn_status make_vars(const struct tarn_dag_task *task, json_t *params,
                                  struct tarn_arena *arena, char **ret_vars, struct tarn_error *err)
{
    *ret_vars = NULL;
    if (task->var_count + json_object_size(params) == 0)
        return TARN_OK;
    TARN_BUFFER(text, VARS_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 0);
    tarn_json_object_begin(&w);
    const char *name;
    json_t *value;
    json_object_foreach (params, name, value) {
        tarn_json_key(&w, name);
        put_scalar(&w, json_string_value(value));
    }
    for (size_t i = 0; i < task->var_count; i++) {
        if (json_object_get(params, task->vars[i].name))
            continue; /* what the run was given wins */
        tarn_json_key(&w, task->vars[i].name);
        put_scalar(&w, task->vars[i].value);
    }
    tarn_json_object_end(&w);
    TARN_TRY(tarn_buffer_check(&text, "the vars of a task", err));
    *ret_vars = tarn_arena_strdup(arena, tarn_buffer_str(&text));
    return TARN_OK;
}

/* What every command of tarn's own is given; returns the new count. */
static size_t add_common(const struct tarn_run_plan *plan, struct tarn_arena *arena,
                         const char **argv, size_t count)
{
    argv[count++] = "--quiet";
    argv[count++] = "--project";
    argv[count++] = plan->project_directory;
    argv[count++] = "--data";
    argv[count++] = plan->data_directory;
    if (plan->target) {
        argv[count++] = "--target";
        argv[count++] = plan->target;
    }
    if (plan->memory_limit) {
        argv[count++] = "--memory-limit";
        argv[count++] = plan->memory_limit;
    }
    if (plan->threads) {
        argv[count++] = "--threads";
        argv[count++] = tarn_arena_format(arena, "%lld", (long long)plan->threads);
    }
    return count;
}

static enum tarn_status make_argv(const struct tarn_run_plan *plan,
                                  const struct tarn_dag_task *task,
                                  const struct environment *environment, json_t *params,
                                  const char ***ret_argv, struct tarn_error *err)
{
    enum { COMMON_WORDS = 16 };
    struct tarn_arena *arena = environment->arena;
    size_t words = count_items((char *const *)task->words), count = 0;
    const char **argv = tarn_arena_array(arena, words + COMMON_WORDS, sizeof *argv);
    if (!task->is_command)
        argv[count++] = plan->program;
    for (size_t i = 0; i < words; i++) {
        char *word = NULL;
        TARN_TRY(expand(task->words[i], environment, task, &word, err));
        argv[count++] = word;
    }
    if (!task->is_command)
        count = add_common(plan, arena, argv, count);
    char *vars = NULL;
    if (task->takes_vars)
        TARN_TRY(make_vars(task, params, arena, &vars, err));
    if (vars) {
        argv[count++] = "--vars";
        argv[count++] = vars;
    }
    argv[count] = NULL;
    *ret_argv = argv;
    return TARN_OK;
}

enum tarn_status tarn_task_command_make(const struct tarn_run_plan *plan,
                                        const struct tarn_dag_task *task, int64_t try_number,
                                        const char *summary_file, struct tarn_arena *arena,
                                        struct tarn_task_command *ret_command,
                                        struct tarn_error *err)
{
    json_t *params = json_loads(plan->run.params, 0, NULL);
    if (!json_is_object(params)) {
        json_decref(params);
        return tarn_fail(err, TARN_CORRUPT, "reading the params of the run %s: '%s' is no object",
                         plan->run.run_id, plan->run.params);
    }
    struct environment environment = {.arena = arena};
    make_environment(plan, task, try_number, summary_file, params, &environment);
    const char **argv;
    enum tarn_status status = make_argv(plan, task, &environment, params, &argv, err);
    json_decref(params);
    TARN_TRY(status);
    *ret_command = (struct tarn_task_command){(char **)argv, environment.items};
    return TARN_OK;
}
