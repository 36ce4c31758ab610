/* cli/quality.c -- `tarn quality`: checks the project's suites. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/workspace.h"
#include "quality/ledger.h"
#include "quality/profile.h"
#include "quality/runner.h"

enum { OUTPUT_MAX_BYTES = 1 << 30 };

static const char *const layers[] = {"bronze", "silver", "gold", NULL};

struct quality_arguments {
    struct tarn_common common;
    struct tarn_quality_options options;
    const char *format;
    const char *show;
    const char *min_recall, *min_precision;
    bool full;
    bool unless_unchanged;
};

static enum tarn_status choice(const char *option, const char *value, const char *const *choices,
                               int *ret_at, struct tarn_error *err)
{
    size_t count = 0;
    for (; choices[count]; count++)
        if (strcasecmp(choices[count], value) == 0) {
            *ret_at = (int)count;
            return TARN_OK;
        }
    TARN_BUFFER(all, 1000);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", choices[i]);
    return tarn_fail(err, TARN_USAGE, "--%s is %s, not '%s'", option, tarn_buffer_str(&all), value);
}

static enum tarn_status check_arguments(struct quality_arguments *a, struct tarn_error *err)
{
    int at = TARN_RESULT_SUMMARY;
    if (a->format)
        TARN_TRY(choice("result-format", a->format, tarn_result_formats, &at, err));
    a->options.format = (enum tarn_result_format)at;
    if (a->options.layer) {
        TARN_TRY(choice("layer", a->options.layer, layers, &at, err));
        a->options.layer = layers[at];
    }
    return TARN_OK;
}

static void print_report(const struct tarn_quality_report *report,
                         const struct quality_arguments *a)
{
    TARN_BUFFER(out, OUTPUT_MAX_BYTES);
    if (a->common.json) {
        struct tarn_json_writer w = tarn_json_writer(&out, 2);
        tarn_quality_write_json(report, a->options.format, &w);
        tarn_buffer_append_char(&out, '\n');
    } else {
        tarn_quality_write_text(report, &out);
    }
    fwrite(tarn_buffer_str(&out), 1, out.len, stdout);
}

static enum tarn_status fail_checks(const struct tarn_quality_report *report,
                                    struct tarn_error *err)
{
    size_t suites = 0, counts = 0;
    for (size_t i = 0; i < report->suite_count; i++)
        suites += !report->suites[i].success;
    for (size_t i = 0; i < report->reconcile_count; i++)
        counts += !report->reconciles[i].success;
    return tarn_fail(err, TARN_CHECKS_FAILED,
                     "%zu of %zu suites failed and %zu of %zu counts do not add up; the lines "
                     "marked FAIL say where",
                     suites, report->suite_count, counts, report->reconcile_count);
}

static void summarise(const struct tarn_quality_report *report)
{
    size_t evaluated = 0;
    int64_t records = 0;
    for (size_t i = 0; i < report->suite_count; i++) {
        evaluated += report->suites[i].count;
        records += report->suites[i].quarantine_records;
    }
    char held[TARN_COUNT_TEXT_BYTES];
    tarn_summary_write("%zu checks on %zu table%s%s%s%s", evaluated, report->score_count,
                       report->score_count == 1 ? "" : "s", records ? ", " : "",
                       records ? tarn_count_text(records, held) : "", records ? " held back" : "");
}

/* Nothing was measured: says whose results stand. */
static void print_earlier(const struct tarn_stored_input *earlier)
{
    char time[TARN_TIME_TEXT_BYTES], held[TARN_COUNT_TEXT_BYTES];
    printf("Unchanged since run %s of %s: the same suites on the same tables.\n"
           "Its results stand: %" PRId64 " checks on %" PRId64 " tables, %s records held back. "
           "--full checks again.\n",
           earlier->run_id, tarn_time_format(earlier->finished_us, time), earlier->checks,
           earlier->tables, tarn_count_text(earlier->records, held));
    tarn_summary_write("unchanged: %" PRId64 " checks%s%s%s", earlier->checks,
                       earlier->records ? ", " : "", earlier->records ? held : "",
                       earlier->records ? " held back" : "");
}

static void close_suites(struct tarn_suites *suites)
{
    tarn_suites_release(suites);
}

static void close_session(struct tarn_session **session)
{
    tarn_session_close(*session);
}

static enum tarn_status run_suites(struct quality_arguments *a, struct tarn_error *err)
{
    TARN_AUTO(tarn_workspace_close) struct tarn_workspace workspace = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(close_suites) struct tarn_suites suites = {0};
    TARN_AUTO(close_session) struct tarn_session *session = NULL;
    struct tarn_quality_report report;
    TARN_TRY(check_arguments(a, err));
    TARN_TRY(tarn_workspace_open(&a->common, &workspace, err));
    TARN_TRY(
        tarn_suites_read(tarn_project_path(workspace.project, "quality"), arena, &suites, err));
    TARN_TRY(tarn_session_open(workspace.engine, &session, err));
    /* whoever wants all of the results, or keeps them under a name, gets a run */
    a->options.unless_unchanged =
        !a->full && !a->common.json && !a->format && (!a->options.run_id || a->unless_unchanged);
    struct tarn_quality quality = {session, workspace.lake, workspace.state, workspace.progress};
    TARN_TRY(tarn_quality_run(&quality, &suites, &a->options, arena, &report, err));
    if (report.earlier) {
        print_earlier(report.earlier);
        return TARN_OK;
    }
    print_report(&report, a);
    summarise(&report);
    return report.success ? TARN_OK : fail_checks(&report, err);
}

/* ---- score ---- */

static enum tarn_status fraction(const char *option, const char *text, double *ret_value,
                                 struct tarn_error *err)
{
    if (!text)
        return TARN_OK;
    if (!tarn_text_to_double(tarn_text_of(text), ret_value) || *ret_value < 0 || *ret_value > 1)
        return tarn_fail(err, TARN_USAGE, "--%s is a fraction between 0 and 1, not '%s'", option,
                         text);
    return TARN_OK;
}

static void print_score(const struct tarn_ledger_score *score, const struct quality_arguments *a,
                        int show)
{
    TARN_BUFFER(out, OUTPUT_MAX_BYTES);
    if (a->common.json) {
        struct tarn_json_writer w = tarn_json_writer(&out, 2);
        tarn_ledger_write_json(score, &w);
        tarn_buffer_append_char(&out, '\n');
    } else {
        tarn_ledger_write_text(score, show == 0 || show == 2, show == 1 || show == 2, &out);
    }
    fwrite(tarn_buffer_str(&out), 1, out.len, stdout);
}

static enum tarn_status score_ledger(struct quality_arguments *a, struct tarn_error *err)
{
    static const char *const shows[] = {"misses", "alarms", "all", NULL};
    TARN_AUTO(tarn_workspace_close) struct tarn_workspace workspace = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(close_session) struct tarn_session *session = NULL;
    struct tarn_ledger_score score;
    double min_recall = 0, min_precision = 0;
    int show = -1;
    TARN_TRY(fraction("min-recall", a->min_recall, &min_recall, err));
    TARN_TRY(fraction("min-precision", a->min_precision, &min_precision, err));
    if (a->show)
        TARN_TRY(choice("show", a->show, shows, &show, err));
    TARN_TRY(tarn_workspace_open(&a->common, &workspace, err));
    TARN_TRY(tarn_session_open(workspace.engine, &session, err));
    const char *path = tarn_project_data_path(workspace.project, "ledger/faults.parquet");
    TARN_TRY(tarn_ledger_compare(session, workspace.lake, path, arena, &score, err));
    TARN_TRY(tarn_ledger_keep(workspace.state, &score, err));
    print_score(&score, a, show);
    double recall = tarn_ledger_recall(&score), precision = tarn_ledger_precision(&score);
    tarn_summary_write("recall %.4f, precision %.4f", recall, precision);
    if (recall < min_recall || precision < min_precision)
        return tarn_fail(
            err, TARN_CHECKS_FAILED,
            "recall %.4f and precision %.4f, but at least %.4f and %.4f are asked for; "
            "--show all lists what was missed and what was no fault",
            recall, precision, min_recall, min_precision);
    return TARN_OK;
}

/* ---- profile and suggest ---- */

static enum tarn_status profile_of(const char *dotted, struct tarn_workspace *workspace,
                                   struct tarn_session *session, struct tarn_arena *arena,
                                   struct tarn_profile *ret_profile, struct tarn_error *err)
{
    const char *dot = strchr(dotted, '.');
    if (!dot)
        return tarn_fail(err, TARN_USAGE, "'%s' names no table; write namespace.table", dotted);
    const char *ns = tarn_arena_strndup(arena, dotted, (size_t)(dot - dotted));
    TARN_TRY(tarn_lake_attach(workspace->lake, session, ns, dot + 1, NULL, err));
    return tarn_profile_table(session, ns, dot + 1, arena, ret_profile, err);
}

static void print_profile(const struct tarn_profile *p, struct tarn_arena *arena)
{
    static const char *const names[] = {"column",    "type", "missing %", "distinct", "min",
                                        "quartiles", "max",  "mean",      "stdev",    "reads as"};
    struct tarn_table *table = tarn_table_new(arena);
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], i == 2 || i == 3);
    for (size_t i = 0; i < p->column_count; i++) {
        const struct tarn_column_profile *c = &p->columns[i];
        double missing = p->rows ? 100.0 * (double)(p->rows - c->count) / (double)p->rows : 0;
        tarn_table_cell(table, c->name);
        tarn_table_cell(table, tarn_type_text(c->type, arena));
        tarn_table_cell(table, tarn_arena_format(arena, "%.2f", missing));
        tarn_table_cell_int(table, c->distinct);
        tarn_table_cell(table, c->min ? c->min : "");
        tarn_table_cell(table, c->quartiles ? c->quartiles : "");
        tarn_table_cell(table, c->max ? c->max : "");
        tarn_table_cell(table, c->mean ? c->mean : "");
        tarn_table_cell(table, c->stdev ? c->stdev : "");
        tarn_table_cell(table, c->reads_as ? c->reads_as : "");
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static void print_profile_json(const struct tarn_profile *p, struct tarn_arena *arena)
{
    TARN_BUFFER(out, OUTPUT_MAX_BYTES);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_int(&w, "rows", p->rows);
    tarn_json_key(&w, "columns");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < p->column_count; i++) {
        const struct tarn_column_profile *c = &p->columns[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "name", c->name);
        tarn_json_put_str(&w, "type", tarn_type_text(c->type, arena));
        tarn_json_put_int(&w, "missing", p->rows - c->count);
        tarn_json_put_int(&w, "distinct", c->distinct);
        tarn_json_put_bool(&w, "unique", c->is_unique);
        tarn_json_put_str(&w, "min", c->min);
        tarn_json_put_str(&w, "max", c->max);
        tarn_json_put_str(&w, "mean", c->mean);
        tarn_json_put_str(&w, "stdev", c->stdev);
        tarn_json_put_str(&w, "quartiles", c->quartiles);
        tarn_json_put_str(&w, "reads_as", c->reads_as);
        tarn_json_key(&w, "values");
        tarn_json_array_begin(&w);
        for (size_t k = 0; k < c->value_count; k++)
            tarn_json_str(&w, c->values[k]);
        tarn_json_array_end(&w);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static enum tarn_status look_at_table(struct quality_arguments *a, const char *table, bool suggest,
                                      struct tarn_error *err)
{
    TARN_AUTO(tarn_workspace_close) struct tarn_workspace workspace = {0};
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(close_session) struct tarn_session *session = NULL;
    struct tarn_profile profile;
    if (suggest && a->common.json)
        return tarn_fail(err, TARN_USAGE, "a suggested suite is YAML; leave --json away");
    TARN_TRY(tarn_workspace_open(&a->common, &workspace, err));
    TARN_TRY(tarn_session_open(workspace.engine, &session, err));
    TARN_TRY(profile_of(table, &workspace, session, arena, &profile, err));
    if (suggest) {
        TARN_BUFFER(out, OUTPUT_MAX_BYTES);
        tarn_profile_suggest(&profile, &out);
        fwrite(tarn_buffer_str(&out), 1, out.len, stdout);
    } else if (a->common.json) {
        print_profile_json(&profile, arena);
    } else {
        print_profile(&profile, arena);
    }
    return TARN_OK;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct quality_arguments a = {0};
    TARN_AUTO(tarn_strings_release) struct tarn_strings words = {0};
    const struct tarn_option options[] = {
        {"suite", 's', TARN_OPTION_STR, &a.options.suite},
        {"table", 0, TARN_OPTION_STR, &a.options.table},
        {"layer", 0, TARN_OPTION_STR, &a.options.layer},
        {"result-format", 0, TARN_OPTION_STR, &a.format},
        {"run-id", 0, TARN_OPTION_STR, &a.options.run_id},
        {"full", 0, TARN_OPTION_FLAG, &a.full},
        {"unless-unchanged", 0, TARN_OPTION_FLAG, &a.unless_unchanged},
        {"show", 0, TARN_OPTION_STR, &a.show},
        {"min-recall", 0, TARN_OPTION_STR, &a.min_recall},
        {"min-precision", 0, TARN_OPTION_STR, &a.min_precision},
    };
    TARN_TRY(tarn_options_parse(argc, argv, &a.common, options, TARN_COUNT(options), &words, err));
    if (words.count == 0 || (words.count == 1 && strcmp(words.items[0], "run") == 0))
        return run_suites(&a, err);
    if (words.count == 1 && strcmp(words.items[0], "score") == 0)
        return score_ledger(&a, err);
    bool suggest = strcmp(words.items[0], "suggest") == 0;
    if (words.count == 2 && (suggest || strcmp(words.items[0], "profile") == 0))
        return look_at_table(&a, words.items[1], suggest, err);
    return tarn_fail(err, TARN_USAGE,
                     "`tarn quality %s` is not one of run, score, profile NS.TABLE and suggest "
                     "NS.TABLE",
                     words.items[0]);
}

const struct tarn_command tarn_command_quality = {
    .name = "quality",
    .summary = "check tables against the project's expectation suites",
    .help =
        "Usage: tarn quality [run] [options]\n"
        "       tarn quality score [options]\n"
        "       tarn quality profile NS.TABLE     figures of each column\n"
        "       tarn quality suggest NS.TABLE     a suite to start from\n"
        "\n"
        "Checks the suites in quality/*.yml and *.json (docs/quality.md), puts failing rows\n"
        "into quarantine, verifies that counts add up and keeps the results.\n"
        "\n"
        "  --suite NAME           only this suite or reconciliation\n"
        "  --table NS.TABLE       only suites on this table\n"
        "  --layer LAYER          only bronze, silver or gold\n"
        "  --result-format FORMAT BOOLEAN_ONLY, BASIC, SUMMARY (default) or COMPLETE, for --json\n"
        "  --run-id ID            the id under which results are kept (default: a new one)\n"
        "  --full                 check again also when neither suites nor tables have changed\n"
        "  --unless-unchanged     with --run-id: let an earlier run's results stand all the same\n"
        "                         since a run that passed (--json and --run-id do, too)\n"
        "\n"
        "score compares quarantine and rejects with the synthetic source's ledger of faults:\n"
        "\n"
        "  --show WHAT            list misses, alarms or all\n"
        "  --min-recall R         exit 1 when fewer of the structural faults were found\n"
        "  --min-precision P      exit 1 when fewer of the findings are faults\n"
        "\n" TARN_COMMON_HELP,
    .run = run,
};
