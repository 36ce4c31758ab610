/* model/project_test.c -- reading a project: where configuration comes from, every way to declare a
 * test, names and ids as dbt gives them, mistakes. */
#include "model/project_fixture.h"

#include "model/compile.h"
#include "model/generic_test.h"

static const char project_yml[] = "name: shop\n"
                                  "vars: {where: eu}\n"
                                  "models:\n"
                                  "  +tags: [everywhere]\n"
                                  "  +meta: {owner: us, a: 1}\n"
                                  "  shop:\n"
                                  "    materialized: table\n"
                                  "    +pre-hook: select 1\n"
                                  "    staging:\n"
                                  "      +materialized: view\n"
                                  "      +schema: \"{{ var('where') }}_staging\"\n"
                                  "      +tags: staging\n"
                                  "      deep: {+enabled: false}\n";

static char *config_text(const struct tarn_model_node *node, const char *key)
{
    TARN_BUFFER(text, 1 << 16);
    assert_non_null(node);
    tarn_value_print(tarn_node_config(node, key), &text);
    return tarn_buffer_take(&text);
}

static void assert_config(const struct tarn_model_node *node, const char *key, const char *want)
{
    TARN_AUTO_FREE char *have = config_text(node, key);
    assert_string_equal(have, want);
}

static void configuration(void **state)
{
    const struct fixture_file files[] = {
        {"dbt_project.yml", project_yml},
        {"models/top.sql", "{{ config(materialized='incremental', tags='own', meta={'a': 2}, "
                           "post_hook='select {{ 1 }}') }} select 1 as a"},
        {"models/staging/low.sql", "select * from {{ ref('top') }}"},
        {"models/staging/deep/off.sql", "select 1"},
        {"models/m.yml", "models:\n  - name: low\n    config: {alias: lower, tags: [yml]}\n"
                         "    meta: {b: 3}\n"},
    };
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    (void)state;
    assert_int_equal(fixture_load(files, TARN_COUNT(files), NULL, &project, &err), TARN_OK);
    const struct tarn_model_node *top = fixture_node(project, "top");
    const struct tarn_model_node *low = fixture_node(project, "low");
    assert_string_equal(tarn_node_materialized(top), "incremental");
    assert_config(top, "tags", "['everywhere', 'own']");
    assert_config(top, "meta", "{'owner': 'us', 'a': 2}");
    assert_config(top, "pre-hook", "['select 1']");
    assert_config(top, "post-hook", "['select {{ 1 }}']");
    assert_string_equal(tarn_node_materialized(low), "view");
    assert_config(low, "tags", "['everywhere', 'staging', 'yml']");
    assert_config(low, "meta", "{'owner': 'us', 'a': 1, 'b': 3}");
    assert_string_equal(low->schema, "main_eu_staging");
    assert_string_equal(low->alias, "lower");
    assert_null(fixture_node(project, "off"));
    assert_int_equal(project->disabled.count, 1);
    assert_int_equal(low->parents.count, 1);
    assert_ptr_equal(low->parents.items[0], top);
    tarn_model_project_free(project);
}

static void vars_of_the_command_line_win(void **state)
{
    const struct fixture_file files[] = {
        {"dbt_project.yml", project_yml},
        {"models/staging/a.sql", "select 1"},
        {"macros/g.sql", "{% macro generate_schema_name(name, node) %} {{ name }}_{{ "
                         "node.config.materialized }} {% endmacro %}"},
    };
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    (void)state;
    assert_int_equal(fixture_load(files, TARN_COUNT(files), "{where: us}", &project, &err),
                     TARN_OK);
    assert_string_equal(fixture_node(project, "a")->schema, "us_staging_view");
    tarn_model_project_free(project);
}

/* Names and hashes as dbt 1.10 gives them to the same declarations (jaffle_shop_duckdb). */
static void test_names(void **state)
{
    const struct fixture_file files[] = {
        {"dbt_project.yml", "name: jaffle_shop\n"},
        {"models/customers.sql", "select 1 as customer_id"},
        {"models/s.yml", "models:\n  - name: customers\n    columns:\n      - name: customer_id\n"
                         "        tests: [unique, not_null]\n"},
    };
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    (void)state;
    assert_int_equal(fixture_load(files, TARN_COUNT(files), NULL, &project, &err), TARN_OK);
    assert_string_equal(fixture_node(project, "unique_customers_customer_id")->unique_id,
                        "test.jaffle_shop.unique_customers_customer_id.c5af1ff4b1");
    assert_string_equal(fixture_node(project, "not_null_customers_customer_id")->unique_id,
                        "test.jaffle_shop.not_null_customers_customer_id.5c9bf9911d");
    tarn_model_project_free(project);
}

static void test_syntaxes(void **state)
{
    const struct fixture_file files[] = {
        {"dbt_project.yml", "name: shop\n"},
        {"models/a.sql", "select 1 as id"},
        {"models/s.yml", "models:\n"
                         "  - name: a\n"
                         "    columns:\n"
                         "      - name: id\n"
                         "        tests:\n"
                         "          - unique\n"
                         "          - not_null: {severity: warn, where: id > 0}\n"
                         "          - accepted_values: {values: [1, 2], config: {severity: warn}}\n"
                         "        data_tests:\n"
                         "          - accepted_values:\n"
                         "              arguments: {values: [3], quote: false}\n"
                         "              name: by_name\n"
                         "          - test_name: relationships\n"
                         "            arguments: {to: ref('a'), field: id}\n"
                         "            config: {enabled: false}\n"
                         "          - dbt_utils.accepted_range: {min_value: 0}\n"},
    };
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    (void)state;
    assert_int_equal(fixture_load(files, TARN_COUNT(files), NULL, &project, &err), TARN_OK);
    assert_non_null(fixture_node(project, "unique_a_id"));
    assert_config(fixture_node(project, "not_null_a_id"), "severity", "warn");
    assert_config(fixture_node(project, "not_null_a_id"), "where", "id > 0");
    assert_config(fixture_node(project, "accepted_values_a_id__1__2"), "severity", "warn");
    const struct tarn_model_node *named = fixture_node(project, "by_name");
    assert_non_null(named);
    assert_true(tarn_value_is(tarn_dict_get_str(named->kwargs, "values"), TARN_VALUE_LIST));
    assert_null(fixture_node(project, "relationships_a_id__id__ref_a_"));
    const struct tarn_model_node *range = fixture_node(project, "dbt_utils_accepted_range_a_id__0");
    assert_non_null(range);
    assert_string_equal(range->test_namespace, "dbt_utils");
    tarn_model_project_free(project);
}

static void long_names(void **state)
{
    const char *full, *brief;
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO_HEAP struct tarn_heap *heap = tarn_heap_new(1 << 20);
    struct tarn_value kwargs = tarn_value_dict(heap), values = tarn_value_list(heap);
    tarn_list_append(values, tarn_value_str_ref("credit card"));
    tarn_list_append(values, tarn_value_str_ref("bank-transfer, or other things"));
    tarn_dict_put_str(kwargs, "values", values);
    tarn_dict_put_str(kwargs, "column_name", tarn_value_str_ref("method"));
    tarn_model_test_names(arena, "accepted_values", "stg_payments", kwargs, &full, &brief);
    assert_string_equal(full, "accepted_values_stg_payments_method__credit_card__bank_transfer_or_"
                              "other_things");
    assert_int_equal(strlen(brief), strlen("accepted_values_stg_payments") + 1 + 32);
    assert_memory_equal(brief, "accepted_values_stg_payments_", 29);
}

static void ctes(void **state)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"select 1", "with c as (x)\nselect 1"},
        {"with a as (y) select 1", "with c as (x), a as (y) select 1"},
        {"-- with love\nWITH RECURSIVE a as (y) select 1",
         "-- with love\nWITH RECURSIVE c as (x), a as (y) select 1"},
        {"/* with */ select 'with'", "/* with */ with c as (x)\nselect 'with'"},
        {"without_from", "with c as (x)\nwithout_from"},
    };
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        TARN_BUFFER(out, 1000);
        tarn_model_inject_ctes(tarn_text_of(cases[i].sql), TARN_TEXT("c as (x)"), &out);
        assert_string_equal(tarn_buffer_str(&out), cases[i].want);
    }
}

static void mistakes(void **state)
{
    static const struct {
        const char *path, *text, *message;
    } cases[] = {
        {"models/a.sql", "select * from {{ ref('b') }}", "ref('b')"},
        {"models/a.sql", "select * from {{ ref('a') }}", "circle"},
        {"models/a.sql", "{{ ref() }}", "ref() takes"},
        {"models/s.yml", "models:\n  - nme: a\n", "s.yml:2"},
        {"models/s.yml", "models: {a: 1}\n", "s.yml:1"},
        {"models/s.yml", "sources:\n  - name: s\n    tables:\n      - 3\n", "s.yml:4"},
        {"macros/a.sql", "{% macro a() %}{% endmacro %}\n{% macro a() %}{% endmacro %}",
         "defined twice"},
        {"macros/a.sql", "{% macro a( %}", "macros/a.sql:1"},
    };
    (void)state;
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        const struct fixture_file files[] = {{"dbt_project.yml", "name: shop\n"},
                                             {cases[i].path, cases[i].text}};
        struct tarn_model_project *project = NULL;
        struct tarn_error err = {0};
        assert_int_not_equal(fixture_load(files, 2, NULL, &project, &err), TARN_OK);
        if (!strstr(err.text, cases[i].message))
            fail_msg("case %zu: '%s' has no '%s'", i, err.text, cases[i].message);
    }
}

static void versions(void **state)
{
    const struct fixture_file files[] = {
        {"dbt_project.yml", "name: shop\n"},
        {"models/m_v1.sql", "select 1 as a"},
        {"models/m_v2.sql", "select 1 as a"},
        {"models/new.sql", "select * from {{ ref('m') }}"},
        {"models/old.sql", "select * from {{ ref('m', v=1) }}"},
        {"models/s.yml", "models:\n  - name: m\n    columns: [{name: a, tests: [not_null]}]\n"
                         "    versions: [{v: 1}, {v: 2}]\n"},
    };
    struct tarn_model_project *project;
    struct tarn_error err = {0};
    (void)state;
    assert_int_equal(fixture_load(files, TARN_COUNT(files), NULL, &project, &err), TARN_OK);
    assert_string_equal(fixture_node(project, "new")->parents.items[0]->unique_id,
                        "model.shop.m.v2");
    assert_string_equal(fixture_node(project, "old")->parents.items[0]->alias, "m_v1");
    assert_non_null(fixture_node(project, "not_null_m_v1_a"));
    tarn_model_project_free(project);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration), cmocka_unit_test(vars_of_the_command_line_win),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_syntaxes),
        cmocka_unit_test(long_names),    cmocka_unit_test(ctes),
        cmocka_unit_test(mistakes),      cmocka_unit_test(versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
