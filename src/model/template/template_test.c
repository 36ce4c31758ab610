/* model/template/template_test.c -- templates against what jinja2 itself makes of them
 * (test/data/jinja_vectors.json, written by make_jinja_vectors.py beside it), then what only dbt
 * has: return(), native values, blocks, modules, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "base/file.h"
#include "model/template/template.h"

enum { OUTPUT_BYTES_MAX = 16 * 1024 * 1024 };

/* The sources' own folder is known from this file; tests run in the build folder. */
static char *data_path(const char *name)
{
    const char *here = __FILE__;
    size_t folder = (size_t)(tarn_path_name(here) - here);
    return tarn_format("%.*s../../../test/data/%s", (int)folder, here, name);
}

static void set_names(struct tarn_template_run *run, struct tarn_text json)
{
    struct tarn_error err;
    struct tarn_value context, key, value;
    struct tarn_heap *heap = tarn_template_run_heap(run);
    assert_int_equal(tarn_value_from_json(heap, json, &context, &err), TARN_OK);
    for (size_t i = 0; i < tarn_dict_count(context); i++) {
        tarn_dict_at(context, i, &key, &value);
        tarn_template_run_set(run, tarn_value_cstr(heap, key), value);
    }
    tarn_template_run_set(run, "modules", tarn_template_modules(heap));
}

static enum tarn_status render(struct tarn_template_run *run, const char *source,
                               struct tarn_buffer *out, struct tarn_error *err)
{
    struct tarn_template *tmpl;
    TARN_TRY(tarn_template_parse("t.sql", tarn_text_of(source), NULL, &tmpl, err));
    enum tarn_status status = tarn_template_render(run, tmpl, out, err);
    tarn_template_free(tmpl);
    return status;
}

static void expect_output(const char *source, const char *wanted)
{
    struct tarn_error err = {0};
    TARN_BUFFER(out, OUTPUT_BYTES_MAX);
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    set_names(run, TARN_TEXT("{}"));
    if (render(run, source, &out, &err) != TARN_OK)
        fail_msg("%s: %s", source, err.text);
    assert_string_equal(tarn_buffer_str(&out), wanted);
    tarn_template_run_free(run);
}

static void expect_error(const char *source, const char *wanted)
{
    struct tarn_error err = {0};
    TARN_BUFFER(out, OUTPUT_BYTES_MAX);
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    set_names(run, TARN_TEXT("{}"));
    if (render(run, source, &out, &err) == TARN_OK)
        fail_msg("%s: no error but '%s'", source, tarn_buffer_str(&out));
    if (!strstr(err.text, wanted))
        fail_msg("%s: '%s' is not in '%s'", source, wanted, err.text);
    tarn_template_run_free(run);
}

/* --- jinja2's vectors
 * --------------------------------------------------------------------------------------------------------
 */

static bool vector_holds(json_t *vector, struct tarn_text context)
{
    struct tarn_error err = {0};
    TARN_BUFFER(out, OUTPUT_BYTES_MAX);
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    set_names(run, context);
    const char *source = json_string_value(json_object_get(vector, "template"));
    const char *output = json_string_value(json_object_get(vector, "output"));
    const char *error = json_string_value(json_object_get(vector, "error"));
    enum tarn_status status = render(run, source, &out, &err);
    bool holds = output ? status == TARN_OK && strcmp(tarn_buffer_str(&out), output) == 0
                        : status != TARN_OK && (!json_is_true(json_object_get(vector, "exact")) ||
                                                strstr(err.text, error));
    if (!holds)
        print_error("%s\n  wanted %s%s\n  got    %s\n", source, output ? "" : "error ",
                    output ? output : error, status == TARN_OK ? tarn_buffer_str(&out) : err.text);
    tarn_template_run_free(run);
    return holds;
}

static void test_vectors(void **state)
{
    (void)state;
    TARN_AUTO_FREE char *path = data_path("jinja_vectors.json");
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    if (!root)
        fail_msg("%s: %s", path, problem.text);
    TARN_AUTO_FREE char *context = json_dumps(json_object_get(root, "context"), 0);
    json_t *vectors = json_object_get(root, "vectors"), *vector;
    size_t index, wrong = 0;
    assert_true(json_array_size(vectors) >= 600);
    json_array_foreach (vectors, index, vector)
        wrong += !vector_holds(vector, tarn_text_of(context));
    json_decref(root);
    assert_int_equal(wrong, 0);
}

/* --- what dbt adds
 * ---------------------------------------------------------------------------------------------------------------
 */

static void test_return(void **state)
{
    (void)state;
    expect_output("{% macro m(x) %}text{% if x %}{{ return([x, 2]) }}{% endif %}more{% endmacro "
                  "%}{{ m(1)[0] + 1 }}|{{ m(0) }}",
                  "2|textmore");
    expect_output("{% macro m() %}{% for x in [1, 2, 3] %}{% if x == 2 %}{% do return(x) %}{% "
                  "endif %}{% endfor %}{% endmacro %}"
                  "{{ m() is integer }}",
                  "True");
    expect_output("{% macro a() %}{{ return(none) }}{% endmacro %}{% macro b() %}x{{ a() is none "
                  "}}{% endmacro %}{{ b() }}",
                  "xTrue");
    expect_output("{% macro w() %}[{{ caller() }}]{% endmacro %}{% macro m() %}{% call w() %}{{ "
                  "return(7) }}{% endcall %}y"
                  "{% endmacro %}{{ m() }}",
                  "7y");
    expect_error("{{ return(1) }}", "return() stands outside a macro");
}

static struct tarn_value native(struct tarn_template_run *run, const char *source)
{
    struct tarn_error err;
    struct tarn_template *tmpl;
    struct tarn_value value;
    assert_int_equal(tarn_template_parse("y.yml", tarn_text_of(source), NULL, &tmpl, &err),
                     TARN_OK);
    if (tarn_template_render_native(run, tmpl, &value, &err) != TARN_OK)
        value = tarn_value_str(tarn_template_run_heap(run), err.text);
    struct tarn_value copy;
    assert_int_equal(tarn_value_copy(tarn_template_run_heap(run), value, &copy, &err), TARN_OK);
    tarn_template_free(tmpl);
    return copy;
}

static void test_native(void **state)
{
    (void)state;
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    set_names(run, TARN_TEXT("{\"n\": 3, \"list\": [1, 2], \"no\": \"False\"}"));
    assert_true(tarn_value_is(native(run, "{{ n + 1 }}"), TARN_VALUE_INT));
    assert_int_equal(tarn_list_count(native(run, "{{ list }}")), 2);
    assert_true(tarn_value_is(native(run, "{{ n > 2 }}"), TARN_VALUE_BOOL));
    assert_true(tarn_value_text_is(native(run, "a{{ n }}"), "a3"));
    assert_true(tarn_value_text_is(native(run, "plain"), "plain"));
    assert_true(tarn_value_text_is(native(run, ""), ""));
    assert_true(
        tarn_value_text_is(native(run, "{{ 5 }}"), "5")); /* a constant is text, in dbt too */
    assert_true(tarn_value_is(native(run, "{{ no | as_bool }}"), TARN_VALUE_BOOL));
    assert_true(
        tarn_value_is(native(run, "{{ '[1, {\"a\": -2}]' | as_native }}"), TARN_VALUE_LIST));
    assert_true(tarn_value_is(native(run, "{{ '12' | as_number }}"), TARN_VALUE_INT));
    assert_true(tarn_value_text_is(native(run, "{{ '12' | as_text }}"), "12"));
    struct tarn_text message = tarn_value_text(native(run, "{{ 'x' | as_bool }}"));
    assert_non_null(
        memmem(message.data, message.len, "Could not convert value 'x' into type 'bool'", 44));
    tarn_template_run_free(run);
}

static const char blocks_source[] =
    "{% macro m(a, b=[1, 2], c='x') %}body{% endmacro %}\n"
    "{% test positive(model, column_name) %}select{% endtest %}\n"
    "{%- materialization view, adapter='duckdb' -%}\n v {% endmaterialization %}\n"
    "{% snapshot s %}select {{ 1 }}{% endsnapshot %}\n"
    "{% docs d %}Text with {{ braces {% and }} all{% enddocs %}";

static void test_blocks(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_template *tmpl;
    assert_int_equal(tarn_template_parse("b.sql", tarn_text_of(blocks_source), NULL, &tmpl, &err),
                     TARN_OK);
    assert_int_equal(tarn_template_block_count(tmpl), 5);
    const struct tarn_template_block *macro = tarn_template_block_find(tmpl, "m");
    assert_int_equal(macro->argument_count, 3);
    assert_null(macro->arguments[0].default_source);
    assert_string_equal(macro->arguments[1].default_source, "[1, 2]");
    assert_string_equal(macro->arguments[2].default_source, "'x'");
    assert_true(tarn_text_is(macro->body, "body"));
    assert_true(tarn_text_is(macro->source, "{% macro m(a, b=[1, 2], c='x') %}body{% endmacro %}"));
    assert_int_equal(tarn_template_block_find(tmpl, "test_positive")->kind, TARN_BLOCK_TEST);
    assert_int_equal(tarn_template_block_find(tmpl, "test_positive")->line, 2);
    const struct tarn_template_block *view =
        tarn_template_block_find(tmpl, "materialization_view_duckdb");
    assert_string_equal(view->adapter, "duckdb");
    assert_int_equal(view->supported_language_count, 1);
    assert_string_equal(view->supported_languages[0], "sql");
    assert_true(tarn_text_is(tarn_template_block_find(tmpl, "s")->body, "select {{ 1 }}"));
    assert_true(tarn_text_is(tarn_template_block_find(tmpl, "d")->body,
                             "Text with {{ braces {% and }} all"));
    tarn_template_free(tmpl);
}

static bool resolve_over(void *userdata, struct tarn_template_run *run, struct tarn_text name,
                         struct tarn_value *ret)
{
    (void)run;
    if (!tarn_text_is(name, "inner"))
        return false;
    *ret = *(struct tarn_value *)userdata;
    return true;
}

static void test_macro_calls(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_template *tmpl;
    const struct tarn_template_options options = {.hide_macros = true};
    const char *source = "{% macro inner() %}own{% endmacro %}{% macro outer(a, b=2) %}{{ inner() "
                         "}}{{ a }}{{ b }}{% endmacro %}";
    assert_int_equal(tarn_template_parse("m.sql", tarn_text_of(source), &options, &tmpl, &err),
                     TARN_OK);
    struct tarn_value override = {0}, result, arg = tarn_value_int(1);
    struct tarn_template_run_options with_override = {.resolve = resolve_over,
                                                      .userdata = &override};
    struct tarn_template_run *runs[] = {tarn_template_run_new(NULL),
                                        tarn_template_run_new(&with_override)};
    override = tarn_value_namespace(tarn_template_run_heap(runs[1]));
    assert_int_equal(
        tarn_template_call_macro(runs[0], tmpl, "outer", &arg, 1, NULL, 0, &result, &err), TARN_OK);
    assert_true(tarn_value_text_is(result, "own12"));
    assert_int_equal(
        tarn_template_call_macro(runs[1], tmpl, "outer", &arg, 1, NULL, 0, &result, &err),
        TARN_INVALID);
    assert_non_null(strstr(err.text, "'Namespace' object is not callable"));
    assert_non_null(strstr(err.text, "in macro outer (m.sql:1)"));
    assert_int_equal(
        tarn_template_call_macro(runs[0], tmpl, "none", NULL, 0, NULL, 0, &result, &err),
        TARN_NOT_FOUND);
    for (size_t i = 0; i < 2; i++)
        tarn_template_run_free(runs[i]);
    tarn_template_free(tmpl);
}

static void note_call(void *userdata, const struct tarn_template_static_call *call)
{
    tarn_buffer_printf(userdata, "%.*s/%zu/%zu/%d ", TARN_TEXT_ARGS(call->name), call->arg_count,
                       call->kwarg_count, call->is_literal);
}

static void test_static_calls(void **state)
{
    (void)state;
    struct tarn_error err;
    struct tarn_template *tmpl;
    const char *source =
        "{{ config(materialized='table', tags=['a']) }}{% if x %}{{ ref('a', 'b') }}{% endif %}"
        "{% macro m() %}{{ dbt_utils.star(ref(y)) }}{% endmacro %}";
    assert_int_equal(tarn_template_parse("s.sql", tarn_text_of(source), NULL, &tmpl, &err),
                     TARN_OK);
    TARN_AUTO_HEAP struct tarn_heap *heap = tarn_heap_new(1 << 20);
    TARN_BUFFER(out, 1000);
    tarn_template_each_call(tmpl, heap, note_call, &out);
    assert_string_equal(tarn_buffer_str(&out),
                        "config/0/2/1 ref/2/0/1 dbt_utils.star/1/0/0 ref/1/0/0 ");
    tarn_template_free(tmpl);
}

static void test_lenient(void **state)
{
    (void)state;
    struct tarn_error err;
    TARN_BUFFER(out, 1000);
    struct tarn_template_run_options options = {.lenient_undefined = true};
    struct tarn_template_run *run = tarn_template_run_new(&options);
    assert_int_equal(render(run, "[{{ a.b.c() }}{{ x[1]['y'](z=2) }}]", &out, &err), TARN_OK);
    assert_string_equal(tarn_buffer_str(&out), "[]");
    assert_int_equal(render(run, "{{ a + 1 }}", &out, &err), TARN_INVALID);
    tarn_template_run_free(run);
}

static void test_modules(void **state)
{
    (void)state;
    expect_output("{{ modules.re.match('(?P<y>\\\\d{4})-(\\\\d+)', '2024-05x').groupdict() }}",
                  "{'y': '2024'}");
    expect_output("{{ modules.re.sub('(a)(b)', '\\\\2\\\\1', 'ab-ab') }} {{ modules.re.sub('x*', "
                  "'-', 'abxc') }}",
                  "ba-ba -a-b--c-");
    expect_output("{{ modules.re.split('[,;] *', 'a, b;c') }} {{ "
                  "modules.re.findall('(\\\\w)=(\\\\d)', 'a=1 b=2') }}",
                  "['a', 'b', 'c'] [('a', '1'), ('b', '2')]");
    expect_output("{{ modules.re.search('z', 'a') }} {{ modules.re.compile('B', "
                  "modules.re.IGNORECASE).search('abc').span() }}",
                  "None (1, 2)");
    expect_error("{{ modules.re.match('(', 'a') }}", "the regular expression '(' is wrong");
    expect_error("{{ modules.re.match('(a*)*b', 'a' * 5000) }}", "match limit");
    expect_output("{% set d = modules.datetime.datetime %}{{ d(2024, 2, 28, 23) + "
                  "modules.datetime.timedelta(hours=25) }}",
                  "2024-03-01 00:00:00");
    expect_output(
        "{{ (modules.datetime.date(2024, 3, 1) - modules.datetime.date(2023, 3, 1)).days }}",
        "366");
    expect_output("{{ modules.datetime.datetime.strptime('01/Mar/2024 03:04 PM', '%d/%b/%Y %I:%M "
                  "%p').isoformat() }}",
                  "2024-03-01T15:04:00");
    expect_output("{{ modules.datetime.datetime(2024, 12, 30, 1, 2, 3, 4).strftime('%Y %y %m %d %H "
                  "%I %M %S %f %j %a %b %G-W%V-%u') }}",
                  "2024 24 12 30 01 01 02 03 000004 365 Mon Dec 2025-W01-1");
    expect_output("{{ modules.datetime.datetime(2024, 1, 1, tzinfo=modules.pytz.utc) }} {{ "
                  "modules.datetime.timedelta(days=-1, minutes=5) }}",
                  "2024-01-01 00:00:00+00:00 -1 day, 0:05:00");
    expect_output("{{ modules.datetime.date(2024, 1, 2) > modules.datetime.date(2024, 1, 1) }}{{ "
                  "modules.datetime.timedelta(1).total_seconds() }}",
                  "True86400.0");
    expect_error("{{ modules.datetime.date(2024, 2, 30) }}", "day is out of range for month");
    expect_output("{{ modules.itertools.combinations([1, 2, 3], 2)|list }} {{ "
                  "modules.itertools.product('ab', [1])|list }}",
                  "[(1, 2), (1, 3), (2, 3)] [('a', 1), ('b', 1)]");
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("a\n  {{ foo.x }}", "t.sql:2:6: 'foo' is undefined");
    expect_error("{% macro m() %}\n{{ nope() }}{% endmacro %}{{ m() }}",
                 "t.sql:2:4: 'nope' is undefined\n  in macro m (t.sql:1)");
    expect_error("{% macro total() %}{% endmacro %}{{ totl() }}", "did you mean 'total'?");
    expect_error("{% if x %}\n{% endfor %}", "t.sql:2:4: Encountered unknown tag 'endfor'.");
    expect_error("{% include 'x' %}", "not supported");
}

static void test_limits(void **state)
{
    (void)state;
    expect_error("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                 "macro calls are nested too deep (limit 200)");
    expect_error("{{ 'x' * 1000000000 }}", "the result would need");
    expect_error("{% set l = [1] %}{% for x in l %}{% do l.append(x) %}{% endfor %}",
                 "more memory than a render may use");
    expect_error("{{ 10 ** 30 }}", "64 bits");
    expect_error("{{ '%999999999d' % 1 }}", "over the limit");
    expect_error("{% set a = [] %}{% do a.append(a) %}{{ a|tojson }}", "levels deep");
    expect_output("{% set a = [] %}{% do a.append(a) %}{{ (a|string)|length > 0 }}{{ a == [a] }}",
                  "TrueTrue");
    TARN_BUFFER(deep, 1 << 20);
    for (int i = 0; i < 5000; i++)
        tarn_buffer_append_str(&deep, i == 0 ? "{{ 1" : "+1");
    tarn_buffer_append_str(&deep, " }}");
    expect_error(tarn_buffer_str(&deep), "chained too deep");
}

static void test_shared_values(void **state)
{
    (void)state;
    struct tarn_error err;
    TARN_BUFFER(out, 1000);
    TARN_AUTO_HEAP struct tarn_heap *project = tarn_heap_new(1 << 20);
    struct tarn_value shared = tarn_value_list(project), copy;
    tarn_list_append(shared, tarn_value_int(1));
    struct tarn_template_run *run = tarn_template_run_new(NULL);
    tarn_template_run_set(run, "shared", shared);
    assert_int_equal(render(run, "{% do shared.append(2) %}", &out, &err), TARN_INVALID);
    assert_non_null(strstr(err.text, "belongs to the project"));
    assert_int_equal(tarn_value_copy(tarn_template_run_heap(run), shared, &copy, &err), TARN_OK);
    tarn_template_run_set(run, "shared", copy);
    assert_int_equal(render(run, "{% do shared.append(2) %}{{ shared }}", &out, &err), TARN_OK);
    assert_string_equal(tarn_buffer_str(&out), "[1, 2]");
    assert_int_equal(tarn_list_count(shared), 1);
    tarn_template_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),       cmocka_unit_test(test_return),
        cmocka_unit_test(test_native),        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_macro_calls),   cmocka_unit_test(test_static_calls),
        cmocka_unit_test(test_lenient),       cmocka_unit_test(test_modules),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_shared_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
