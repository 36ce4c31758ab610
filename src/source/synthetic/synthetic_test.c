/* source/synthetic/synthetic_test.c -- sources from YAML to bytes: fields, expressions, references,
 * files, golden hashes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "source/synthetic/plan.h"
#include "source/synthetic/write.h"

#define HEAD "source: s\ntype: synthetic\nseed: 7\nperiod: {until: 2026-01-31, days: 31}\n"

struct source {
    struct tarn_arena *arena;
    struct tarn_synth_spec *spec;
    struct tarn_scratch scratch;
    struct tarn_error err;
};

static enum tarn_status open_source(struct source *source, const char *yaml, unsigned threads)
{
    struct tarn_synth_options options = {.scale = 1};
    *source = (struct source){.arena = tarn_arena_new()};
    TARN_TRY(tarn_synth_spec_parse(tarn_text_of(yaml), "test.yml", &options, source->arena,
                                   &source->spec, &source->err));
    return tarn_synth_plan_make(source->spec, threads, &source->err);
}

static void must_open(struct source *source, const char *yaml, unsigned threads)
{
    if (open_source(source, yaml, threads) != TARN_OK)
        fail_msg("%s", source->err.text);
}

static void close_source(struct source *source)
{
    tarn_synth_plan_release(source->spec);
    tarn_scratch_release(&source->scratch);
    tarn_arena_free(source->arena);
}

static const struct tarn_synth_vector *column(struct source *source, const char *entity_name,
                                              const char *field_name, size_t *ret_count)
{
    struct tarn_synth_entity *entity;
    struct tarn_synth_field *field;
    const struct tarn_yaml nowhere = {.file = "test.yml"};
    assert_int_equal(
        tarn_synth_find_entity(source->spec, &nowhere, entity_name, &entity, &source->err),
        TARN_OK);
    assert_int_equal(tarn_synth_find_field(entity, &nowhere, field_name, &field, &source->err),
                     TARN_OK);
    *ret_count = entity->plan->rows;
    return tarn_synth_column(
        tarn_synth_batch_range(entity, &source->scratch, 0, entity->plan->rows), field);
}

#define ENTITY(rows, fields)                                                                       \
    HEAD "entities:\n  a:\n    rows: " rows "\n    fields:\n      id: {sequence: 1}\n" fields

static void expressions_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *wanted; /* of the first row, whose id is 1 */
    } cases[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"0.10 + 0.2", "0.30"},
        {"12.99 * 3", "38.97"},
        {"round(2.345, 2)", "2.35"},
        {"round(-2.5)", "-3"},
        {"7 / 2", "3.5"},
        {"floor(-0.5)", "-1"},
        {"min(3, 2.50)", "2.50"},
        {"max(id, 5)", "5"},
        {"abs(-1.5)", "1.5"},
        {"if(id = 1 and not false, 'yes', 'no')", "yes"},
        {"if(id in (2, 3), 'yes', 'no')", "no"},
        {"if(id <> 1 or id >= 2, 1, 2.5)", "2.5"},
        {"coalesce(null, id, 9)", "1"},
        {"if(is_null(null), 'n', 'v')", "n"},
        {"upper('stra\xc3\x9f\x65')", "STRA\xc3\x9f"
                                      "E"},
        {"slug('J\xc3\xb6rg van D\xc3\xa9nis-3')", "jorgvandenis3"},
        {"title('de la CRUZ')", "De La Cruz"},
        {"-id * 4", "-4"},
        {"hours(2)", "7200000000"},
        {"row", "1"},
        {"sqrt(16) + exp(0) + log(1) + pow(2, 3)", "13.0"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        char yaml[1000];
        snprintf(yaml, sizeof yaml, ENTITY("3", "      x: {expression: \"%s\"}\n"), cases[i].text);
        struct source source;
        size_t count;
        if (open_source(&source, yaml, 1) != TARN_OK)
            fail_msg("%s: %s", cases[i].text, source.err.text);
        const struct tarn_synth_vector *x = column(&source, "a", "x", &count);
        assert_int_equal(count, 3);
        char out[100];
        *tarn_synth_put_value(out, x, 0) = 0;
        assert_string_equal(out, cases[i].wanted);
        close_source(&source);
    }
}

static void wrong_expressions_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"1 +", "expected a value"},
        {"(1", "expected )"},
        {"'open", "no closing quote"},
        {"id = 'a'", "must be of one kind"},
        {"'a' < 'b'", "must be of one kind"},
        {"roundd(1)", "did you mean round()?"},
        {"round(1, 2, 3)", "too many arguments"},
        {"if(1, 2, 3)", "is a condition"},
        {"upper(1)", "takes text"},
        {"1 2", "did not expect"},
        {"id.name", "only a reference"},
        {"sum(b, 1)", "no entity 'b'"},
        {"x", "depends on itself"},
    };
    for (size_t i = 0; i < TARN_COUNT(cases); i++) {
        char yaml[1000];
        snprintf(yaml, sizeof yaml, ENTITY("3", "      x: {expression: \"%s\"}\n"), cases[i].text);
        struct source source;
        assert_int_equal(open_source(&source, yaml, 1), TARN_CONFIG);
        assert_non_null(strstr(source.err.text, "test.yml:10"));
        if (!strstr(source.err.text, cases[i].message))
            fail_msg("%s: %s", cases[i].text, source.err.text);
        close_source(&source);
    }
}

static void correlated_fields_correlate(void **state)
{
    (void)state;
    struct source source;
    size_t n;
    must_open(&source,
              ENTITY("50000", "      x: {normal: {mean: 5, sd: 2}}\n"
                              "      y: {normal: {mean: 1, sd: 3}, like: x, rho: 0.8}\n"
                              "      z: {exponential: 2, like: x, rho: -0.5}\n"),
              1);
    const double *x = column(&source, "a", "x", &n)->reals,
                 *y = column(&source, "a", "y", &n)->reals;
    const double *z = column(&source, "a", "z", &n)->reals;
    double xy = 0, zs = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - 5) / 2 * (y[i] - 1) / 3;
        zs += z[i];
    }
    assert_true(fabs(xy / (double)n - 0.8) < 0.02);
    assert_true(fabs(zs / (double)n - 2) < 0.05);
    close_source(&source);
}

static const char shop[] =
    HEAD "machines:\n"
         "  life:\n"
         "    unit: days\n"
         "    states: {new: {dwell: 2, next: {done: 1}}, done: null}\n"
         "entities:\n"
         "  people:\n"
         "    rows: {count: 300, existing: {share: 0.5, days: 100}}\n"
         "    fields:\n"
         "      id: {sequence: 1, prefix: P, pad: 4}\n"
         "      _first: {words: first_names, hidden: true}\n"
         "      name: {template: \"{_first} no. {row:05}\"}\n"
         "      born: {arrival: true}\n"
         "      _until: {expression: \"born + days(20)\", hidden: true}\n"
         "  orders:\n"
         "    rows: 4000\n"
         "    files: {format: csv, by: week, daily: 2}\n"
         "    fields:\n"
         "      id: {sequence: 1}\n"
         "      person: {reference: people, skew: 0.9, alive_until: _until}\n"
         "      person_name: {expression: person.name}\n"
         "      at: {arrival: true}\n"
         "      state: {machine: life, from: at}\n"
         "      total: {expression: \"sum(items, price * quantity)\"}\n"
         "      lines: {expression: count(items)}\n"
         "      note: {choice: {\"a,b\": 1, \"say \\\"x\\\"\": 1}, nulls: 0.5}\n"
         "    faults:\n"
         "      - {fault: duplicate_same, rate: 0.05}\n"
         "      - {fault: negative, column: total, rate: 0.05}\n"
         "      - {fault: orphan, column: person, rate: 0.05}\n"
         "      - {fault: late_file, rate: 0.3, days: [1, 4]}\n"
         "  items:\n"
         "    rows: {of: orders, count: {poisson: 2}}\n"
         "    files: {format: ndjson, by: all}\n"
         "    fields:\n"
         "      id: {sequence: 1}\n"
         "      order: {expression: orders.id}\n"
         "      number: {expression: ordinal}\n"
         "      quantity: {geometric: 0.5, min: 1}\n"
         "      price: {lognormal: {median: 10, sigma: 1}, decimals: 2, min: 0.5}\n";

static void rows_refer_to_older_living_rows(void **state)
{
    (void)state;
    struct source source;
    size_t n, people;
    must_open(&source, shop, 2);
    const struct tarn_synth_vector *person = column(&source, "orders", "person", &n);
    const int64_t *at = column(&source, "orders", "at", &n)->ints;
    const int64_t *born = column(&source, "people", "born", &people)->ints;
    size_t alive = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(person->targets[i] >= 0 && person->targets[i] < (int64_t)people);
        assert_true(born[person->targets[i]] <= at[i]);
        alive += at[i] - born[person->targets[i]] <= 20 * 86400 * 1000000LL;
    }
    assert_true(alive > n * 95 / 100);
    const struct tarn_synth_vector *total = column(&source, "orders", "total", &n);
    const int64_t *lines = column(&source, "orders", "lines", &n)->ints;
    size_t items, row = 0;
    const int64_t *price = column(&source, "items", "price", &items)->ints;
    const int64_t *quantity = column(&source, "items", "quantity", &items)->ints;
    const int64_t *number = column(&source, "items", "number", &items)->ints;
    for (size_t i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int64_t k = 0; k < lines[i]; k++, row++) {
            assert_int_equal(number[row], k + 1);
            sum += price[row] * quantity[row];
        }
        assert_int_equal(total->ints[i], sum);
    }
    assert_int_equal(row, items);
    close_source(&source);
}

static void siblings_choose_companions(void **state)
{
    (void)state;
    struct source source;
    must_open(
        &source,
        HEAD
        "entities:\n"
        "  goods:\n    rows: {count: 400, existing: {share: 1}}\n    fields: {id: {sequence: 1}}\n"
        "  orders:\n    rows: 3000\n    fields: {id: {sequence: 1}}\n"
        "  items:\n    rows: {of: orders, count: 3}\n"
        "    fields: {id: {sequence: 1}, good: {reference: goods, together: 0.5}}\n",
        1);
    size_t n, companions = 0;
    const int64_t *good = column(&source, "items", "good", &n)->targets;
    for (size_t i = 0; i < n; i++)
        companions += i % 3 > 0 && good[i] == (good[i - i % 3] ^ 1);
    assert_int_equal(n, 9000);
    assert_true(companions > 2850 && companions < 3200);
    close_source(&source);
}

static void files_cover_every_row_once(void **state)
{
    (void)state;
    struct source source;
    must_open(&source, shop, 1);
    const struct tarn_synth_plan *plan = source.spec->entities[1].plan;
    assert_int_equal(plan->file_count, 7); /* five weeks in part or whole, then two days */
    uint64_t row = 0;
    size_t late = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        assert_int_equal(plan->files[i].first, row);
        row = plan->files[i].end;
        late += plan->files[i].late;
        assert_true(plan->files[i].arrived_day < source.spec->to_day);
    }
    assert_int_equal(row, plan->rows);
    assert_int_equal(late, 2);
    assert_true(plan->extra_count > 100);
    for (size_t i = 0; i < plan->extra_count; i++)
        assert_true(plan->extras[i].after >= plan->extras[i].row);
    close_source(&source);
}

/* The hash of all files of the source's text entities, written into a folder that is removed again.
 */
static void hash_files(const char *yaml, unsigned threads, char out[TARN_SHA256_HEX_BYTES])
{
    struct source source;
    must_open(&source, yaml, threads);
    char path[] = "/tmp/tarn-synthetic-XXXXXX";
    assert_true(close(mkstemp(path)) == 0);
    TARN_BUFFER(all, 64 << 20);
    for (size_t e = 0; e < source.spec->entity_count; e++) {
        const struct tarn_synth_entity *entity = &source.spec->entities[e];
        for (size_t i = 0; i < entity->plan->file_count; i++) {
            struct tarn_synth_output output = {0};
            assert_int_equal(unlink(path), 0);
            assert_int_equal(tarn_synth_write_text(entity, i, path, &output, &source.err), TARN_OK);
            tarn_buffer_printf(&all, "%s\n", entity->plan->files[i].path);
            assert_int_equal(tarn_file_read(path, &all, &source.err), TARN_OK);
            for (size_t k = 0; k < output.entry_count; k++)
                tarn_buffer_printf(
                    &all, "%llu %s %.*s>%.*s\n", (unsigned long long)output.entries[k].line,
                    output.entries[k].fault, TARN_TEXT_ARGS(output.entries[k].original),
                    TARN_TEXT_ARGS(output.entries[k].damaged));
            tarn_synth_output_release(&output);
        }
    }
    assert_int_equal(unlink(path), 0);
    tarn_sha256_hex(tarn_buffer_text(&all), out);
    close_source(&source);
}

/* Every kind of distribution in one table: a change in any last bit shows. */
static const char numbers[] =
    ENTITY("20000", "      uniform: {uniform: [0, 1]}\n"
                    "      normal: {normal: [0, 1]}\n"
                    "      lognormal: {lognormal: [9, 1.5], decimals: 4}\n"
                    "      exponential: {exponential: 3}\n"
                    "      poisson: {poisson: 40}\n"
                    "      geometric: {geometric: 0.001}\n"
                    "      gamma: {gamma: [0.7, 3]}\n"
                    "      pareto: {pareto: [1, 1.2]}\n"
                    "      zipf: {zipf: [1000, 1.1]}\n"
                    "      weibull: {weibull: [0.8, 330]}\n"
                    "      histogram: {histogram: {edges: [0, 1, 10], weights: [3, 1]}}\n"
                    "      like: {normal: [0, 1], like: normal, rho: 0.3}\n"
                    "      uuid: {uuid: true}\n"
                    "      digits: {digits: \"+## ### ####\"}\n"
                    "      city: {words: cities}\n"
                    "      at: {arrival: true}\n");

static void bytes_are_golden(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *hash;
    } golden[] = {
        {numbers, "7e3e8e55bcc0bf48ddf12776e71b0f2e894aa809538511884cd65c4380e80a09"},
        {shop, "44faf9562c4385cac74284c92814f144528906d198a3053b7e428fdf59d90dc8"},
    };
    for (size_t i = 0; i < TARN_COUNT(golden); i++) {
        char one[TARN_SHA256_HEX_BYTES], many[TARN_SHA256_HEX_BYTES];
        hash_files(golden[i].yaml, 1, one);
        hash_files(golden[i].yaml, 4, many);
        assert_string_equal(one, many);
        assert_string_equal(one, golden[i].hash);
    }
}

static void lost_keys_are_refused(void **state)
{
    (void)state;
    struct source source;
    assert_int_equal(open_source(&source,
                                 HEAD "entities:\n"
                                      "  a:\n    rows: {count: 10, existing: {share: 1}}\n"
                                      "    fields: {id: {sequence: 1}, name: {value: x}}\n"
                                      "    faults: [{fault: encoding, column: name, rate: 0.1}]\n"
                                      "  b:\n    rows: 10\n"
                                      "    fields: {id: {sequence: 1}, a: {reference: a}}\n",
                                 1),
                     TARN_CONFIG);
    assert_non_null(strstr(source.err.text, "test.yml:9"));
    assert_non_null(strstr(source.err.text, "leave orphans"));
    close_source(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_exact),
        cmocka_unit_test(wrong_expressions_say_where),
        cmocka_unit_test(correlated_fields_correlate),
        cmocka_unit_test(rows_refer_to_older_living_rows),
        cmocka_unit_test(siblings_choose_companions),
        cmocka_unit_test(files_cover_every_row_once),
        cmocka_unit_test(bytes_are_golden),
        cmocka_unit_test(lost_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
