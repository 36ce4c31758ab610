/* schedule/dag.c -- see dag.h. A task's type is one line of the table `types`. */
#include "schedule/dag.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

enum {
    TYPE_KEYS_MAX = 4,
    HOUR_MS = 3600 * 1000,
    WEEK_MS = 7 * 24 * HOUR_MS,
    PARALLEL_MAX = 1000,
};

enum word_kind {
    WORDS, /* text or list of texts: behind the flag, or as they are without one */
    FLAG,  /* true adds the flag */
    SHELL, /* text: by /bin/sh; list: a program and its arguments */
};

/* A key of a task that becomes words of its command line. */
struct type_key {
    const char *name;
    const char *flag; /* NULL: none */
    enum word_kind kind;
    bool required;
};

struct task_type {
    const char *name;
    const char *command[5]; /* of tarn; NULL: a program of its own */
    bool takes_vars;
    struct type_key keys[TYPE_KEYS_MAX];
};

#define SELECTION                                                                                  \
    {"select", "--select", WORDS, false},                                                          \
    {                                                                                              \
        "exclude", "--exclude", WORDS, false                                                       \
    }

static const struct task_type types[] = {
    {"generate", {"generate"}, false, {{"source", NULL, WORDS, false}}},
    {"ingest", {"ingest"}, false, {{"source", NULL, WORDS, false}}},
    {"quality",
     /* a retry or a resumed run replaces the results of its own task */
     {"quality", "run", "--unless-unchanged", "--run-id", "${TARN_RUN_ID}.${TARN_TASK}"},
     false,
     {{"layer", "--layer", WORDS, false},
      {"suite", "--suite", WORDS, false},
      {"table", "--table", WORDS, false},
      {"full", "--full", FLAG, false}}},
    {"score", {"quality", "score"}, false, {{0}}},
    {"seed", {"seed"}, true, {SELECTION, {"full_refresh", "--full-refresh", FLAG, false}}},
    {"build", {"build"}, true, {SELECTION, {"full_refresh", "--full-refresh", FLAG, false}}},
    {"run", {"run"}, true, {SELECTION, {"full_refresh", "--full-refresh", FLAG, false}}},
    {"test", {"test"}, true, {SELECTION}},
    {"report",
     {"report"},
     false,
     {{"report", NULL, WORDS, true}, {"output", "--output", WORDS, false}}},
    {"sql", {"sql"}, false, {{"sql", NULL, WORDS, false}, {"file", "--file", WORDS, false}}},
    {"command", {0}, false, {{"command", NULL, SHELL, true}}},
};

static const char *const common_keys[] = {
    "type", "needs", "retries", "retry_delay", "retry_delay_max", "timeout", "trigger",
    "pool", "env",   "vars",    "args",        "description",
};
static const char *const trigger_names[] = {"all_success", "all_done", NULL};

bool tarn_duration_parse(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}, {"", 1000}};
    struct tarn_text all = tarn_text_trim(tarn_text_of(text));
    size_t digits = 0;
    while (digits < all.len && strchr("0123456789.", all.data[digits]))
        digits++;
    struct tarn_text unit = tarn_text_trim((struct tarn_text){all.data + digits, all.len - digits});
    double value;
    if (digits == 0 || !tarn_text_to_double((struct tarn_text){all.data, digits}, &value))
        return false;
    for (size_t i = 0; i < TARN_COUNT(units); i++)
        if (tarn_text_is(unit, units[i].unit) && value * units[i].ms < 1e15) {
            *ret_ms = (int64_t)(value * units[i].ms + 0.5);
            return true;
        }
    return false;
}

/* What the readers of one dag share. */
struct reader {
    struct tarn_arena *arena;
    struct tarn_dag *dag;
    const struct tarn_yaml *root;
    const struct tarn_yaml *task_nodes;
    struct tarn_dag_task *tasks;
    struct tarn_error *err;
};

static enum tarn_status read_duration(const struct tarn_yaml *map, const char *key, int64_t max_ms,
                                      int64_t *ret_ms, struct tarn_error *err)
{
    const struct tarn_yaml *node = tarn_yaml_get(map, key);
    if (!node || node->kind == TARN_YAML_NULL)
        return TARN_OK;
    int64_t ms;
    if (!node->text || !tarn_duration_parse(node->text, &ms))
        return tarn_yaml_fail(node, err, "%s is a time such as 30s, 5m or 2h%s%s%s", key,
                              node->text ? ", not '" : "", node->text ? node->text : "",
                              node->text ? "'" : "");
    if (ms > max_ms)
        return tarn_yaml_fail(node, err, "%s is %s; at most %lld s is allowed", key, node->text,
                              (long long)(max_ms / 1000));
    *ret_ms = ms;
    return TARN_OK;
}

/* A map of scalars, as texts. */
static enum tarn_status read_pairs(struct reader *r, const struct tarn_yaml *map, const char *key,
                                   const struct tarn_dag_pair *first, size_t first_count,
                                   const struct tarn_dag_pair **ret_pairs, size_t *ret_count)
{
    const struct tarn_yaml *node;
    TARN_TRY(tarn_yaml_map(map, key, &node, r->err));
    size_t count = node ? node->count : 0;
    struct tarn_dag_pair *pairs =
        tarn_arena_array(r->arena, first_count + count + 1, sizeof *pairs);
    if (first_count)
        memcpy(pairs, first, first_count * sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_yaml *value = node->items[i];
        if (!value->text && value->kind != TARN_YAML_NULL)
            return tarn_yaml_fail(value, r->err, "%s of %s is one value, not %s",
                                  tarn_yaml_key(node, i), key, tarn_yaml_kind_name(value->kind));
        pairs[first_count + i] = (struct tarn_dag_pair){
            tarn_yaml_key(node, i), value->kind == TARN_YAML_NULL ? "" : value->text};
    }
    *ret_pairs = pairs;
    *ret_count = first_count + count;
    return TARN_OK;
}

/* The texts of a scalar or a list of scalars. */
static enum tarn_status read_words(struct reader *r, const struct tarn_yaml *node, const char *key,
                                   const char **words, size_t *count)
{
    size_t items = node->kind == TARN_YAML_LIST ? node->count : 1;
    for (size_t i = 0; i < items; i++) {
        const struct tarn_yaml *item = node->kind == TARN_YAML_LIST ? node->items[i] : node;
        if (!item->text)
            return tarn_yaml_fail(item, r->err, "%s is a text or a list of texts, not %s", key,
                                  tarn_yaml_kind_name(item->kind));
        words[(*count)++] = item->text;
    }
    return TARN_OK;
}

static enum tarn_status add_key(struct reader *r, const struct tarn_yaml *task,
                                const struct type_key *key, const char **words, size_t *count)
{
    const struct tarn_yaml *node = tarn_yaml_get(task, key->name);
    if (!node || node->kind == TARN_YAML_NULL)
        return key->required
                   ? tarn_yaml_fail(task, r->err, "a task of this type needs the key %s", key->name)
                   : TARN_OK;
    if (key->kind == FLAG) {
        bool on = false;
        TARN_TRY(tarn_yaml_bool(task, key->name, &on, r->err));
        if (on)
            words[(*count)++] = key->flag;
        return TARN_OK;
    }
    if (key->kind == SHELL && node->kind != TARN_YAML_LIST) {
        words[(*count)++] = "/bin/sh";
        words[(*count)++] = "-c";
    }
    if (key->flag)
        words[(*count)++] = key->flag;
    return read_words(r, node, key->name, words, count);
}

static size_t list_length(const struct tarn_yaml *task, const char *key)
{
    const struct tarn_yaml *node = tarn_yaml_get(task, key);
    return node && node->kind == TARN_YAML_LIST ? node->count : 1;
}

static enum tarn_status read_command_line(struct reader *r, const struct tarn_yaml *node,
                                          const struct task_type *type, struct tarn_dag_task *task)
{
    size_t room = TARN_COUNT(type->command) + list_length(node, "args") + 1;
    for (size_t i = 0; i < TYPE_KEYS_MAX && type->keys[i].name; i++)
        room += list_length(node, type->keys[i].name) + 2;
    const char **words = tarn_arena_array(r->arena, room, sizeof *words);
    size_t count = 0;
    for (size_t i = 0; i < TARN_COUNT(type->command) && type->command[i]; i++)
        words[count++] = type->command[i];
    for (size_t i = 0; i < TYPE_KEYS_MAX && type->keys[i].name; i++)
        TARN_TRY(add_key(r, node, &type->keys[i], words, &count));
    TARN_TRY(add_key(r, node, &(struct type_key){"args", NULL, WORDS, false}, words, &count));
    task->words = words;
    return TARN_OK;
}

static enum tarn_status find_type(struct reader *r, const struct tarn_yaml *node,
                                  const struct task_type **ret_type)
{
    const char *names[TARN_COUNT(types) + 1] = {0};
    for (size_t i = 0; i < TARN_COUNT(types); i++)
        names[i] = types[i].name;
    int index = -1;
    TARN_TRY(tarn_yaml_choice(node, "type", names, &index, r->err));
    if (index < 0)
        return tarn_yaml_fail(node, r->err,
                              "a task needs the key type (ingest, build, command, ...)");
    *ret_type = &types[index];
    return TARN_OK;
}

static enum tarn_status check_keys(struct reader *r, const struct tarn_yaml *node,
                                   const struct task_type *type)
{
    const char *keys[TARN_COUNT(common_keys) + TYPE_KEYS_MAX + 1] = {0};
    size_t count = 0;
    for (; count < TARN_COUNT(common_keys); count++)
        keys[count] = common_keys[count];
    for (size_t i = 0; i < TYPE_KEYS_MAX && type->keys[i].name; i++)
        keys[count++] = type->keys[i].name;
    const char *what = tarn_arena_format(r->arena, "a task of type %s", type->name);
    return tarn_yaml_expect_keys(node, what, keys, r->err);
}

static enum tarn_status read_pool(struct reader *r, const struct tarn_yaml *node,
                                  struct tarn_dag_task *task)
{
    const char *name = NULL;
    TARN_TRY(tarn_yaml_str(node, "pool", &name, r->err));
    task->pool = -1;
    for (size_t i = 0; name && i < r->dag->pool_count; i++)
        if (strcmp(r->dag->pools[i].name, name) == 0)
            task->pool = (int)i;
    if (name && task->pool < 0)
        return tarn_yaml_fail(tarn_yaml_get(node, "pool"), r->err,
                              "there is no pool '%s'; write it below pools, e.g. %s: 2", name,
                              name);
    return TARN_OK;
}

/* Retries, delays and timeout, from the dag's defaults or from a task. */
static enum tarn_status read_limits(struct reader *r, const struct tarn_yaml *node,
                                    struct tarn_dag_task *task)
{
    TARN_TRY(tarn_yaml_int(node, "retries", 0, TARN_DAG_RETRIES_MAX, &task->retries, r->err));
    TARN_TRY(read_duration(node, "retry_delay", WEEK_MS, &task->retry_delay_ms, r->err));
    TARN_TRY(read_duration(node, "retry_delay_max", WEEK_MS, &task->retry_delay_max_ms, r->err));
    return read_duration(node, "timeout", WEEK_MS, &task->timeout_ms, r->err);
}

static enum tarn_status read_needs(struct reader *r, const struct tarn_yaml *node,
                                   struct tarn_dag_task *task)
{
    const struct tarn_yaml *needs = tarn_yaml_get(node, "needs");
    if (!needs || needs->kind == TARN_YAML_NULL)
        return TARN_OK;
    const char **names = tarn_arena_array(r->arena, list_length(node, "needs") + 1, sizeof *names);
    size_t count = 0;
    TARN_TRY(read_words(r, needs, "needs", names, &count));
    size_t *indices = tarn_arena_array(r->arena, count + 1, sizeof *indices);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_yaml *at = needs->kind == TARN_YAML_LIST ? needs->items[i] : needs;
        struct tarn_error missing = {0};
        if (tarn_dag_task_find(r->dag, names[i], &indices[i], &missing) != TARN_OK)
            return tarn_yaml_fail(at, r->err, "%s", missing.text);
    }
    task->needs = indices;
    task->need_count = count;
    return TARN_OK;
}

static enum tarn_status read_task(struct reader *r, const struct tarn_yaml *node,
                                  struct tarn_dag_task *task)
{
    const struct task_type *type = NULL;
    if (node->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(node, r->err, "the task %s is a map with the key type, not %s",
                              task->name, tarn_yaml_kind_name(node->kind));
    TARN_TRY(find_type(r, node, &type));
    TARN_TRY(check_keys(r, node, type));
    task->type = type->name;
    task->is_command = type->command[0] == NULL;
    task->takes_vars = type->takes_vars;
    TARN_TRY(read_limits(r, node, task));
    TARN_TRY(read_pool(r, node, task));
    TARN_TRY(read_pairs(r, node, "vars", NULL, 0, &task->vars, &task->var_count));
    TARN_TRY(read_pairs(r, node, "env", task->env, task->env_count, &task->env, &task->env_count));
    int trigger = TARN_DAG_ALL_SUCCESS;
    TARN_TRY(tarn_yaml_choice(node, "trigger", trigger_names, &trigger, r->err));
    task->trigger = (enum tarn_dag_trigger)trigger;
    if (task->var_count && !task->takes_vars)
        return tarn_yaml_fail(tarn_yaml_get(node, "vars"), r->err,
                              "a task of type %s takes no vars; use env", type->name);
    TARN_TRY(read_needs(r, node, task));
    return read_command_line(r, node, type, task);
}

/* A name is part of file names and of what a person types. */
static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return len > 0 && len <= 100 && name[len] == 0 && name[0] != '.' && name[0] != '-';
}

static enum tarn_status read_tasks(struct reader *r)
{
    const struct tarn_yaml *tasks, *defaults;
    TARN_TRY(tarn_yaml_map(r->root, "tasks", &tasks, r->err));
    TARN_TRY(tarn_yaml_map(r->root, "defaults", &defaults, r->err));
    if (!tasks || tasks->count == 0)
        return tarn_yaml_fail(r->root, r->err, "a dag needs the key tasks with at least one task");
    if (tasks->count > TARN_DAG_TASKS_MAX)
        return tarn_yaml_fail(tasks, r->err, "a dag has at most %d tasks, not %zu",
                              TARN_DAG_TASKS_MAX, tasks->count);
    struct tarn_dag_task defaulted = {
        .retry_delay_ms = 1000, .retry_delay_max_ms = 300 * 1000, .timeout_ms = 6 * HOUR_MS};
    if (defaults) {
        static const char *const keys[] = {"retries", "retry_delay", "retry_delay_max", "timeout",
                                           NULL};
        TARN_TRY(tarn_yaml_expect_keys(defaults, "defaults", keys, r->err));
        TARN_TRY(read_limits(r, defaults, &defaulted));
    }
    TARN_TRY(read_pairs(r, r->root, "env", NULL, 0, &defaulted.env, &defaulted.env_count));
    r->tasks = tarn_arena_array(r->arena, tasks->count, sizeof *r->tasks);
    r->task_nodes = tasks;
    for (size_t i = 0; i < tasks->count; i++) {
        r->tasks[i] = defaulted;
        r->tasks[i].name = tarn_yaml_key(tasks, i);
        if (!is_name(r->tasks[i].name))
            return tarn_yaml_fail(tasks->keys[i], r->err,
                                  "'%s' is no name for a task: letters, digits, _ - and . only",
                                  r->tasks[i].name);
    }
    r->dag->tasks = r->tasks;
    r->dag->task_count = tasks->count;
    for (size_t i = 0; i < tasks->count; i++)
        TARN_TRY(read_task(r, tasks->items[i], &r->tasks[i]));
    return TARN_OK;
}

/* Depth first; `path` holds the tasks between the start and here. */
static bool find_cycle(const struct tarn_dag *dag, size_t index, char *marks, size_t *path,
                       size_t *depth)
{
    enum { NEW, OPEN, DONE };
    path[(*depth)++] = index;
    if (marks[index] == OPEN)
        return true;
    if (marks[index] == NEW) {
        marks[index] = OPEN;
        const struct tarn_dag_task *task = &dag->tasks[index];
        for (size_t i = 0; i < task->need_count; i++)
            if (find_cycle(dag, task->needs[i], marks, path, depth))
                return true;
        marks[index] = DONE;
    }
    (*depth)--;
    return false;
}

static enum tarn_status check_cycles(struct reader *r)
{
    const struct tarn_dag *dag = r->dag;
    char *marks = tarn_arena_alloc(r->arena, dag->task_count);
    size_t *path = tarn_arena_array(r->arena, dag->task_count + 2, sizeof *path);
    for (size_t i = 0; i < dag->task_count; i++) {
        size_t depth = 0;
        if (!find_cycle(dag, i, marks, path, &depth))
            continue;
        size_t start = 0; /* the cycle begins where its last task stood first */
        while (path[start] != path[depth - 1])
            start++;
        TARN_BUFFER(text, 2000);
        for (size_t at = start; at < depth; at++)
            tarn_buffer_printf(&text, "%s%s", at > start ? " needs " : "",
                               dag->tasks[path[at]].name);
        return tarn_yaml_fail(r->task_nodes->items[path[start]], r->err,
                              "tasks need each other in a circle: %s", tarn_buffer_str(&text));
    }
    return TARN_OK;
}

static enum tarn_status read_pools(struct reader *r)
{
    const struct tarn_yaml *pools;
    TARN_TRY(tarn_yaml_map(r->root, "pools", &pools, r->err));
    size_t count = pools ? pools->count : 0;
    struct tarn_dag_pool *list = tarn_arena_array(r->arena, count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct tarn_dag_pool){tarn_yaml_key(pools, i), 1};
        TARN_TRY(tarn_yaml_int(pools, list[i].name, 1, PARALLEL_MAX, &list[i].slots, r->err));
    }
    r->dag->pools = list;
    r->dag->pool_count = count;
    return TARN_OK;
}

static enum tarn_status read_schedule(struct reader *r)
{
    struct tarn_dag *dag = r->dag;
    const char *zone = "UTC";
    struct tarn_error wrong = {0};
    TARN_TRY(tarn_yaml_str(r->root, "schedule", &dag->schedule, r->err));
    TARN_TRY(tarn_yaml_str(r->root, "timezone", &zone, r->err));
    if (dag->schedule && tarn_cron_parse(dag->schedule, &dag->cron, &wrong) != TARN_OK)
        return tarn_yaml_fail(tarn_yaml_get(r->root, "schedule"), r->err, "%s", wrong.text);
    dag->scheduled = dag->schedule != NULL;
    if (tarn_timezone_open(zone, r->arena, &dag->timezone, &wrong) != TARN_OK)
        return tarn_yaml_fail(tarn_yaml_get(r->root, "timezone"), r->err, "%s", wrong.text);
    return TARN_OK;
}

static char *name_of_file(const char *path, struct tarn_arena *arena)
{
    const char *name = tarn_path_name(path);
    return tarn_arena_strndup(arena, name, strlen(name) - strlen(tarn_path_extension(name)));
}

static enum tarn_status read_dag(struct reader *r)
{
    static const char *const keys[] = {"name",  "description", "schedule", "timezone",
                                       "pools", "params",      "report",   "max_parallel",
                                       "tasks", "defaults",    "env",      NULL};
    struct tarn_dag *dag = r->dag;
    TARN_TRY(tarn_yaml_expect_keys(r->root, "a dag", keys, r->err));
    TARN_TRY(tarn_yaml_str(r->root, "name", &dag->name, r->err));
    TARN_TRY(tarn_yaml_str(r->root, "description", &dag->description, r->err));
    TARN_TRY(tarn_yaml_str(r->root, "report", &dag->report, r->err));
    if (!is_name(dag->name))
        return tarn_yaml_fail(r->root, r->err,
                              "'%s' is no name for a dag: letters, digits, _ - and . only",
                              dag->name);
    TARN_TRY(tarn_yaml_int(r->root, "max_parallel", 1, PARALLEL_MAX, &dag->max_parallel, r->err));
    TARN_TRY(read_schedule(r));
    TARN_TRY(read_pools(r));
    TARN_TRY(read_pairs(r, r->root, "params", NULL, 0, &dag->params, &dag->param_count));
    TARN_TRY(read_tasks(r));
    return check_cycles(r);
}

enum tarn_status tarn_dag_read(const char *path, struct tarn_arena *arena,
                               const struct tarn_dag **ret_dag, struct tarn_error *err)
{
    struct tarn_dag *dag = tarn_arena_alloc(arena, sizeof *dag);
    dag->path = tarn_arena_strdup(arena, path);
    dag->name = name_of_file(path, arena);
    dag->description = "";
    struct reader reader = {.arena = arena, .dag = dag, .err = err};
    TARN_TRY(tarn_yaml_read(path, arena, &reader.root, err));
    TARN_TRY(read_dag(&reader));
    *ret_dag = dag;
    return TARN_OK;
}

enum tarn_status tarn_dag_task_find(const struct tarn_dag *dag, const char *name, size_t *ret_index,
                                    struct tarn_error *err)
{
    const char *names[TARN_DAG_TASKS_MAX];
    for (size_t i = 0; i < dag->task_count; i++) {
        names[i] = dag->tasks[i].name;
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return TARN_OK;
        }
    }
    const char *nearest = tarn_text_nearest(name, names, dag->task_count);
    TARN_BUFFER(all, 1000);
    for (size_t i = 0; i < dag->task_count; i++)
        tarn_buffer_printf(&all, "%s%s", i ? ", " : "", names[i]);
    if (nearest)
        return tarn_fail(err, TARN_NOT_FOUND, "the dag %s has no task '%s'; did you mean '%s'?",
                         dag->name, name, nearest);
    return tarn_fail(err, TARN_NOT_FOUND, "the dag %s has no task '%s'; it has %s", dag->name, name,
                     tarn_buffer_str(&all));
}

static enum tarn_status list_dags(const char *project_directory, struct tarn_arena *arena,
                                  struct tarn_file_list *ret_list, struct tarn_error *err)
{
    TARN_AUTO_FREE char *directory = tarn_path_join(project_directory, "dags");
    struct tarn_file_list yml, yaml;
    TARN_TRY(tarn_directory_list(directory, ".yml", arena, &yml, err));
    TARN_TRY(tarn_directory_list(directory, ".yaml", arena, &yaml, err));
    struct tarn_file_list all = {
        .paths = tarn_arena_array(arena, yml.count + yaml.count + 1, sizeof *all.paths)};
    for (size_t i = 0; i < yml.count; i++)
        all.paths[all.count++] = yml.paths[i];
    for (size_t i = 0; i < yaml.count; i++)
        all.paths[all.count++] = yaml.paths[i];
    if (all.count == 0)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "there are no dags in %s; write one as dags/daily_etl.yml with the key "
                         "tasks",
                         directory);
    *ret_list = all;
    return TARN_OK;
}

static enum tarn_status fail_no_dag(const char *name, const char **names, size_t count,
                                    struct tarn_error *err)
{
    const char *nearest = tarn_text_nearest(name, names, count);
    TARN_BUFFER(all, 1000);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&all, "%s%s", i ? ", " : "", names[i]);
    if (nearest)
        return tarn_fail(err, TARN_NOT_FOUND, "there is no dag '%s'; did you mean '%s'?", name,
                         nearest);
    return tarn_fail(err, TARN_NOT_FOUND, "there is no dag '%s'; there are %s", name,
                     tarn_buffer_str(&all));
}

/* The file of that name is tried first; a dag may also carry another name than its file. */
enum tarn_status tarn_dag_find(const char *project_directory, const char *name,
                               struct tarn_arena *arena, const struct tarn_dag **ret_dag,
                               struct tarn_error *err)
{
    struct tarn_file_list files = {0};
    TARN_TRY(list_dags(project_directory, arena, &files, err));
    const char *wanted = name ? name : "daily_etl";
    if (!name && files.count == 1)
        return tarn_dag_read(files.paths[0], arena, ret_dag, err);
    for (size_t i = 0; i < files.count; i++)
        if (strcmp(name_of_file(files.paths[i], arena), wanted) == 0)
            return tarn_dag_read(files.paths[i], arena, ret_dag, err);
    const char **names = tarn_arena_array(arena, files.count, sizeof *names);
    for (size_t i = 0; i < files.count; i++) {
        const struct tarn_dag *dag;
        TARN_TRY(tarn_dag_read(files.paths[i], arena, &dag, err));
        names[i] = dag->name;
        if (strcmp(dag->name, wanted) == 0) {
            *ret_dag = dag;
            return TARN_OK;
        }
    }
    return fail_no_dag(wanted, names, files.count, err);
}
