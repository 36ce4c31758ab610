/* model/select_test.c -- which nodes a selection means, and in which order a plan lets them run. */
#include "model/project_fixture.h"

#include "model/plan.h"
#include "model/select.h"

/* seed -> a -> b -> c, a -> d; tests on a and b, one between b and d */
static const struct fixture_file files[] = {
    {"dbt_project.yml", "name: shop\nmodels: {shop: {low: {+tags: [low]}}}\n"},
    {"seeds/seed.csv", "id\n1\n"},
    {"models/low/a.sql", "select * from {{ ref('seed') }}"},
    {"models/low/b.sql",
     "{{ config(tags=['x'], materialized='table') }} select * from {{ ref('a') }}"},
    {"models/c.sql", "select * from {{ ref('b') }}"},
    {"models/d.sql", "select * from {{ ref('a') }}"},
    {"models/s.yml",
     "models:\n  - {name: a, columns: [{name: id, tests: [unique]}]}\n"
     "  - {name: b, columns: [{name: id, tests: [not_null, {relationships: {to: \"ref('d')\", "
     "field: id}}]}]}\n"},
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void assert_selected(struct tarn_model_project *project, const char *select,
                            const char *exclude, unsigned kinds, const char *want)
{
    struct tarn_selection selection = {.select = &select,
                                       .select_count = select != NULL,
                                       .exclude = &exclude,
                                       .exclude_count = exclude != NULL};
    bool chosen[64];
    struct tarn_error err = {0};
    const char *names[64];
    size_t count = 0;
    TARN_BUFFER(have, 10000);
    assert_int_equal(tarn_model_select(project, &selection, kinds, chosen, &err), TARN_OK);
    for (size_t i = 0; i < project->nodes.count; i++)
        if (chosen[i])
            names[count++] = project->nodes.items[i]->name;
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&have, "%s%s", i ? " " : "", names[i]);
    assert_string_equal(tarn_buffer_str(&have), want);
}

static struct tarn_model_project *load(void)
{
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    if (fixture_load(files, TARN_COUNT(files), NULL, &project, &err) != TARN_OK)
        fail_msg("%s", err.text);
    return project;
}

static void selection(void **state)
{
    const unsigned nodes = 1u << TARN_NODE_MODEL | 1u << TARN_NODE_SEED;
    const unsigned tests = 1u << TARN_NODE_TEST;
    static const struct {
        const char *select, *exclude, *want;
    } cases[] = {
        {NULL, NULL, "a b c d seed"},
        {"a", NULL, "a"},
        {"a+", NULL, "a b c d"},
        {"a+1", NULL, "a b d"},
        {"+c", NULL, "a b c seed"},
        {"1+c", NULL, "b c"},
        {"2+c", NULL, "a b c"},
        {"+b+", NULL, "a b c seed"},
        {"@d", NULL, "a b d seed"}, /* b by the test between them, as in dbt */
        {"@b", NULL, "a b c d seed"},
        {"tag:low", NULL, "a b"},
        {"tag:low,tag:x", NULL, "b"},
        {"tag:x d", NULL, "b d"},
        {"low", NULL, "a b"},
        {"low.*", NULL, "a b"},
        {"shop.low.a", NULL, "a"},
        {"path:models/low", NULL, "a b"},
        {"models/low", NULL, "a b"},
        {"models/low/a.sql", NULL, "a"},
        {"file:a.sql", NULL, "a"},
        {"[cd]", NULL, "c d"},
        {"resource_type:seed", NULL, "seed"},
        {"config.materialized:table", NULL, "b"},
        {"package:shop", "tag:low", "c d seed"},
        {"a+", "b+", "a d"},
        {"noth*", NULL, ""},
    };
    (void)state;
    struct tarn_model_project *project = load();
    for (size_t i = 0; i < TARN_COUNT(cases); i++)
        assert_selected(project, cases[i].select, cases[i].exclude, nodes, cases[i].want);
    assert_selected(project, "a", NULL, tests, "unique_a_id");
    assert_selected(project, "d", NULL, tests, "relationships_b_id__id__ref_d_");
    assert_selected(project, "test_type:generic", "test_name:unique", tests,
                    "not_null_b_id relationships_b_id__id__ref_d_");
    assert_selected(project, "c", NULL, tests, "");
    assert_true(project->warning_count > 0);
    tarn_model_project_free(project);
}

static void bad_words(void **state)
{
    static const char *const words[] = {"tga:x", "tag:", "@a+", "+", "a,"};
    (void)state;
    struct tarn_model_project *project = load();
    for (size_t i = 0; i < 4; i++) {
        struct tarn_selection one = {.select = &words[i], .select_count = 1};
        struct tarn_error err = {0};
        bool chosen[64];
        assert_int_equal(tarn_model_select(project, &one, ~0u, chosen, &err), TARN_USAGE);
        assert_non_null(strstr(err.text, words[i]));
    }
    tarn_model_project_free(project);
}

static size_t place_of(struct tarn_model_plan *plan, const struct tarn_model_project *project,
                       const char *failing, const char **order, const char **blocked)
{
    size_t count = 0;
    (void)project;
    for (struct tarn_model_task *task; (task = tarn_model_plan_take(plan)); count++) {
        order[count] = task->node->name;
        blocked[count] = task->blocked_by ? task->blocked_by->name : NULL;
        tarn_model_plan_done(
            plan, task, task->blocked_by || (failing && strcmp(task->node->name, failing) == 0));
    }
    return count;
}

static size_t find(const char *const *order, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(order[i], name) == 0)
            return i;
    fail_msg("%s did not run", name);
    return 0;
}

static void tests_stand_between(void **state)
{
    const char *order[64], *blocked[64];
    bool chosen[64];
    struct tarn_model_plan plan;
    (void)state;
    struct tarn_model_project *project = load();
    for (size_t i = 0; i < project->nodes.count; i++)
        chosen[i] = true;
    tarn_model_plan_init(&plan, project, chosen, true);
    size_t count = place_of(&plan, project, "unique_a_id", order, blocked);
    assert_int_equal(count, project->nodes.count);
    assert_true(find(order, count, "unique_a_id") < find(order, count, "b"));
    assert_string_equal(blocked[find(order, count, "b")], "unique_a_id");
    assert_string_equal(blocked[find(order, count, "d")], "unique_a_id");
    assert_non_null(blocked[find(order, count, "c")]);
    assert_null(blocked[find(order, count, "a")]);
    tarn_model_plan_release(&plan);
    tarn_model_project_free(project);
}

/* c waits for the seed although what is between them does not run. */
static void order_through_the_unselected(void **state)
{
    const char *order[64], *blocked[64];
    bool chosen[64] = {false};
    struct tarn_model_plan plan;
    (void)state;
    struct tarn_model_project *project = load();
    chosen[fixture_node(project, "seed")->index] = true;
    chosen[fixture_node(project, "c")->index] = true;
    tarn_model_plan_init(&plan, project, chosen, true);
    size_t count = place_of(&plan, project, "seed", order, blocked);
    assert_int_equal(count, 2);
    assert_string_equal(order[0], "seed");
    assert_string_equal(blocked[1], "seed");
    tarn_model_plan_release(&plan);
    tarn_model_project_free(project);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selection),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(tests_stand_between),
        cmocka_unit_test(order_through_the_unselected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
