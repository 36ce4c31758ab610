/* cli/report.c -- `tarn report`: figures for people from the project's reports/. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/lake_query.h"
#include "cli/report_data.h"
#include "cli/table_print.h"

static const char help[] =
    "Usage: tarn report [NAME] [options]\n"
    "\n"
    "Runs the queries of reports/NAME.yml and prints the answer for people. NAME may be left out "
    "when\n"
    "there is only one.\n"
    "\n"
    "  --format FORMAT     text (default), markdown or csv\n"
    "  --set NAME=VALUE    sets one of the report's parameters, e.g. --set day=2026-03-01\n"
    "  --at WHEN           over the tables as they were at a time or snapshot\n"
    "  --output FILE       writes to a file instead\n"
    "\n" TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn report daily_kpi\n"
    "  tarn report weekly_summary --format markdown --output summary.md\n";

struct output {
    FILE *file;
    enum tarn_print_format format;
    bool colour;
    const struct tarn_report *report;
    struct tarn_arena *arena;
};

enum paint { BOLD, GREEN, RED, GREY };

static void paint(const struct output *out, enum paint paint, const char *text)
{
    static const char *const codes[] = {"\033[1m", "\033[32m", "\033[31m", "\033[90m"};
    fprintf(out->file, "%s%s%s", out->colour ? codes[paint] : "", text,
            out->colour ? "\033[0m" : "");
}

static void spaces(const struct output *out, size_t count)
{
    while (count-- > 0)
        fputc(' ', out->file);
}

/* ---- kpi
 * ---------------------------------------------------------------------------------------------- */

struct kpi {
    const char *label, *value, *change, *note;
    int direction; /* 1 good news, -1 bad, 0 neither */
};

static const char *text_at(const struct tarn_report_rows *rows, size_t row, const char *name)
{
    int at = tarn_report_find(rows, name);
    return at < 0 ? NULL : tarn_report_at(rows, row, (size_t)at)->text;
}

/* "▲ 3.2 %" against the figure before, and whether that is good. */
static void add_change(const struct output *out, const struct tarn_report_rows *rows, size_t row,
                       double value, struct kpi *kpi)
{
    int at = tarn_report_find(rows, "previous");
    double before = at < 0 ? NAN : tarn_report_at(rows, row, (size_t)at)->number;
    if (isnan(before) || isnan(value) || before == 0)
        return;
    const char *good = text_at(rows, row, "good");
    double change = (value - before) / fabs(before) * 100;
    bool up = change > 0;
    kpi->change = fabs(change) < 0.05
                      ? "= 0.0 %"
                      : tarn_arena_format(out->arena, "%s %.1f %%", up ? "▲" : "▼", fabs(change));
    if (fabs(change) >= 0.05)
        kpi->direction = (up == !(good && strcmp(good, "down") == 0)) ? 1 : -1;
}

static struct kpi kpi_of_row(const struct output *out, const struct tarn_report_rows *rows,
                             size_t row)
{
    const size_t value_at = (size_t)tarn_report_find(rows, "value");
    const struct tarn_report_cell *value = tarn_report_at(rows, row, value_at);
    const char *format = text_at(rows, row, "format"), *label = text_at(rows, row, "label");
    struct kpi kpi = {.label = label ? label : "", .change = "", .note = ""};
    kpi.value = tarn_report_value(value, rows->types[value_at],
                                  format ? tarn_report_format_parse(tarn_text_of(format))
                                         : TARN_VALUE_BY_TYPE,
                                  out->report->currency, out->arena);
    const char *note = text_at(rows, row, "note");
    kpi.note = note ? note : "";
    add_change(out, rows, row, value->number, &kpi);
    return kpi;
}

static struct kpi kpi_of_column(const struct output *out, const struct tarn_report_section *section,
                                const struct tarn_report_rows *rows, size_t column)
{
    const struct tarn_report_column *wanted = tarn_report_column(section, rows->names[column]);
    return (struct kpi){.label = wanted ? wanted->title : rows->names[column],
                        .value =
                            tarn_report_value(tarn_report_at(rows, 0, column), rows->types[column],
                                              wanted ? wanted->format : TARN_VALUE_BY_TYPE,
                                              out->report->currency, out->arena),
                        .change = "",
                        .note = ""};
}

static struct kpi *kpis_of(const struct output *out, const struct tarn_report_section *section,
                           const struct tarn_report_rows *rows, size_t *ret_count)
{
    bool by_row = tarn_report_find(rows, "label") >= 0 && tarn_report_find(rows, "value") >= 0;
    size_t count = by_row ? rows->row_count : rows->row_count > 0 ? rows->column_count : 0;
    struct kpi *kpis = tarn_arena_array(out->arena, count + 1, sizeof *kpis);
    for (size_t i = 0; i < count; i++)
        kpis[i] = by_row ? kpi_of_row(out, rows, i) : kpi_of_column(out, section, rows, i);
    *ret_count = count;
    return kpis;
}

static size_t wider(size_t width, const char *text)
{
    size_t own = tarn_text_width(tarn_text_of(text));
    return own > width ? own : width;
}

static void print_kpis(const struct output *out, const struct kpi *kpis, size_t count)
{
    size_t label = 0, value = 0, change = 0;
    for (size_t i = 0; i < count; i++) {
        label = wider(label, kpis[i].label);
        value = wider(value, kpis[i].value);
        change = wider(change, kpis[i].change);
    }
    for (size_t i = 0; i < count; i++) {
        const struct kpi *kpi = &kpis[i];
        bool has_note = kpi->note[0] != 0, has_change = kpi->change[0] != 0;
        fprintf(out->file, "  %s", kpi->label);
        spaces(out, label - tarn_text_width(tarn_text_of(kpi->label)) + 3 + value -
                        tarn_text_width(tarn_text_of(kpi->value)));
        paint(out, BOLD, kpi->value);
        if (has_change || has_note)
            spaces(out, 3 + change - tarn_text_width(tarn_text_of(kpi->change)));
        if (has_change)
            paint(out, kpi->direction > 0 ? GREEN : kpi->direction < 0 ? RED : GREY, kpi->change);
        if (has_note) {
            spaces(out, 3);
            paint(out, GREY, kpi->note);
        }
        fputc('\n', out->file);
    }
}

static void print_kpi_section(const struct output *out, const struct tarn_report_section *section,
                              const struct tarn_report_rows *rows)
{
    size_t count;
    const struct kpi *kpis = kpis_of(out, section, rows, &count);
    if (out->format == TARN_PRINT_TABLE) {
        print_kpis(out, kpis, count);
        return;
    }
    struct tarn_table *table = tarn_table_new(out->arena);
    tarn_table_column(table, "Figure", false);
    tarn_table_column(table, "Value", true);
    tarn_table_column(table, "Change", true);
    tarn_table_column(table, "Note", false);
    for (size_t i = 0; i < count; i++) {
        tarn_table_cell(table, kpis[i].label);
        tarn_table_cell(table, kpis[i].value);
        tarn_table_cell(table, kpis[i].change);
        tarn_table_cell(table, kpis[i].note);
    }
    tarn_table_write(table, out->format, 0, out->file);
}

/* ---- tables
 * -------------------------------------------------------------------------------------------- */

static double largest(const struct tarn_report_rows *rows, size_t column)
{
    double most = 0;
    for (size_t row = 0; row < rows->row_count; row++) {
        double value = tarn_report_at(rows, row, column)->number;
        most = value > most ? value : most;
    }
    return most;
}

/* Up to 16 blocks, in eighths. */
static const char *bar(const struct output *out, double value, double most)
{
    enum { BLOCKS = 16, EIGHTHS = 8 };
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (isnan(value) || value <= 0 || most <= 0)
        return "";
    int eighths = (int)lround(value / most * BLOCKS * EIGHTHS);
    char *text = tarn_arena_alloc(out->arena, (size_t)(BLOCKS + 1) * 4);
    for (int i = 0; i < eighths / EIGHTHS; i++)
        strcat(text, "█");
    strcat(text, parts[eighths % EIGHTHS]);
    return text;
}

static void print_table_section(const struct output *out, const struct tarn_report_section *section,
                                const struct tarn_report_rows *rows)
{
    struct tarn_table *table = tarn_table_new(out->arena);
    const bool raw = out->format == TARN_PRINT_CSV;
    const size_t n = rows->column_count;
    const struct tarn_report_column **wanted = tarn_arena_array(out->arena, n + 1, sizeof *wanted);
    for (size_t i = 0; i < n; i++) {
        wanted[i] = tarn_report_column(section, rows->names[i]);
        if (wanted[i] && wanted[i]->hide)
            continue;
        tarn_table_column(table, wanted[i] && !raw ? wanted[i]->title : rows->names[i],
                          tarn_type_is_number(rows->types[i]->id));
        if (wanted[i] && wanted[i]->bar && !raw)
            tarn_table_column(table, "", false);
    }
    for (size_t row = 0; row < rows->row_count; row++) {
        for (size_t i = 0; i < n; i++) {
            const struct tarn_report_cell *cell = tarn_report_at(rows, row, i);
            if (wanted[i] && wanted[i]->hide)
                continue;
            tarn_table_cell(
                table, raw ? cell->text
                           : tarn_report_value(cell, rows->types[i],
                                               wanted[i] ? wanted[i]->format : TARN_VALUE_BY_TYPE,
                                               out->report->currency, out->arena));
            if (wanted[i] && wanted[i]->bar && !raw)
                tarn_table_cell(table, bar(out, cell->number, largest(rows, i)));
        }
    }
    tarn_table_write(table, out->format, 1, out->file);
    if (rows->more && !raw)
        fprintf(out->file,
                out->format == TARN_PRINT_TABLE ? "  … the first %zu\n" : "\n*The first %zu.*\n",
                rows->row_count);
}

/* ---- the report
 * ----------------------------------------------------------------------------------------- */

static void print_title(const struct output *out)
{
    const struct tarn_report *report = out->report;
    size_t width = tarn_text_width(tarn_text_of(report->title));
    if (out->format == TARN_PRINT_CSV)
        return;
    if (out->format == TARN_PRINT_MARKDOWN) {
        fprintf(out->file, "# %s\n", report->title);
        if (report->description)
            fprintf(out->file, "\n%s\n", report->description);
        return;
    }
    fputc('\n', out->file);
    paint(out, BOLD, report->title);
    fputc('\n', out->file);
    while (width-- > 0)
        fputs("═", out->file);
    fputc('\n', out->file);
    if (report->description)
        fprintf(out->file, "%s\n", report->description);
}

static void print_heading(const struct output *out, const struct tarn_report_section *section)
{
    fputc('\n', out->file);
    if (!section->title)
        return;
    if (out->format == TARN_PRINT_TABLE)
        paint(out, BOLD, section->title);
    else
        fprintf(out->file, "%s%s", out->format == TARN_PRINT_MARKDOWN ? "## " : "", section->title);
    fputs(out->format == TARN_PRINT_MARKDOWN ? "\n\n" : "\n", out->file);
}

static enum tarn_status print_section(const struct output *out, struct tarn_session *session,
                                      const struct tarn_report_section *section,
                                      struct tarn_error *err)
{
    struct tarn_report_rows rows;
    TARN_TRY(tarn_report_query(out->report, section, session, out->arena, &rows, err));
    print_heading(out, section);
    const char *indent = out->format == TARN_PRINT_TABLE ? "  " : "";
    if (section->layout == TARN_REPORT_TEXT) {
        const char *text;
        TARN_TRY(tarn_report_text(section, &rows, out->arena, &text, err));
        fprintf(out->file, "%s%s\n", indent, text);
    } else if (rows.row_count == 0) {
        fprintf(out->file, "%s%s\n", indent, section->empty ? section->empty : "Nothing.");
    } else if (section->layout == TARN_REPORT_KPI) {
        print_kpi_section(out, section, &rows);
    } else {
        print_table_section(out, section, &rows);
    }
    if (section->note && out->format != TARN_PRINT_CSV) {
        fprintf(out->file, "%s", out->format == TARN_PRINT_MARKDOWN ? "\n" : "  ");
        paint(out, GREY, section->note);
        fputc('\n', out->file);
    }
    return TARN_OK;
}

static enum tarn_status json_section(const struct output *out, struct tarn_session *session,
                                     const struct tarn_report_section *section,
                                     struct tarn_json_writer *w, struct tarn_error *err)
{
    struct tarn_report_rows rows;
    static const char *const layouts[] = {"kpi", "table", "text"};
    TARN_TRY(tarn_report_query(out->report, section, session, out->arena, &rows, err));
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "title", section->title);
    tarn_json_put_str(w, "layout", layouts[section->layout]);
    if (section->layout == TARN_REPORT_TEXT) {
        const char *text;
        TARN_TRY(tarn_report_text(section, &rows, out->arena, &text, err));
        tarn_json_put_str(w, "text", text);
    }
    tarn_json_key(w, "rows");
    tarn_json_array_begin(w);
    for (size_t row = 0; row < rows.row_count; row++) {
        tarn_json_object_begin(w);
        for (size_t i = 0; i < rows.column_count; i++) {
            tarn_json_key(w, rows.names[i]);
            tarn_json_raw(w, tarn_text_of(tarn_report_at(&rows, row, i)->json));
        }
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    tarn_json_object_end(w);
    return TARN_OK;
}

static enum tarn_status print_json(const struct output *out, struct tarn_session *session,
                                   struct tarn_error *err)
{
    const struct tarn_report *report = out->report;
    TARN_BUFFER(json, 1 << 28);
    struct tarn_json_writer w =
        tarn_json_writer(&json, 0); /* one of the lines of `tarn up --json` */
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "title", report->title);
    tarn_json_key(&w, "parameters");
    tarn_json_object_begin(&w);
    for (size_t i = 0; i < report->parameter_count; i++)
        tarn_json_put_str(&w, report->parameters[i].name, report->parameters[i].value);
    tarn_json_object_end(&w);
    tarn_json_key(&w, "sections");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < report->section_count; i++)
        TARN_TRY(json_section(out, session, &report->sections[i], &w, err));
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    TARN_TRY(tarn_buffer_check(&json, "the report", err));
    fprintf(out->file, "%s\n", tarn_buffer_str(&json));
    return TARN_OK;
}

struct arguments {
    struct tarn_common common;
    const char *format, *at, *path;
    struct tarn_strings names, sets;
};

static enum tarn_status print_report(struct output *out, struct tarn_session *session,
                                     struct tarn_error *err)
{
    if (out->format == TARN_PRINT_JSON)
        return print_json(out, session, err);
    print_title(out);
    for (size_t i = 0; i < out->report->section_count; i++)
        TARN_TRY(print_section(out, session, &out->report->sections[i], err));
    return TARN_OK;
}

/* All the SQL of a report. */
static void append_sql(const struct tarn_report *report, const struct tarn_strings *sets,
                       struct tarn_buffer *sql)
{
    for (size_t i = 0; i < report->parameter_count; i++)
        tarn_buffer_printf(sql, "%s\n", report->parameters[i].expression);
    for (size_t i = 0; i < sets->count; i++)
        tarn_buffer_printf(sql, "%s\n", sets->items[i]);
    for (size_t i = 0; i < report->section_count; i++)
        tarn_buffer_printf(sql, "%s\n", report->sections[i].sql);
}

static enum tarn_status report_with(const struct arguments *args, struct tarn_workspace *ws,
                                    struct tarn_report *report, struct output *out,
                                    struct tarn_lake_at at, struct tarn_error *err)
{
    struct tarn_session *session;
    TARN_BUFFER(sql, 16 << 20);
    append_sql(report, &args->sets, &sql);
    TARN_TRY(tarn_buffer_check(&sql, "the report's SQL", err));
    TARN_TRY(tarn_lake_query_open(ws, at, tarn_buffer_str(&sql), &session, err));
    enum tarn_status status = tarn_report_parameters(report, session, args->sets.items,
                                                     args->sets.count, out->arena, err);
    if (status == TARN_OK)
        status = print_report(out, session, err);
    tarn_session_close(session);
    return status;
}

static enum tarn_status write_report(const struct arguments *args, struct tarn_workspace *ws,
                                     enum tarn_print_format format, struct tarn_lake_at at,
                                     struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_report report;
    const char *name = args->names.count ? args->names.items[0] : NULL;
    TARN_TRY(tarn_report_read(ws->project, name, arena, &report, err));
    FILE *file = args->path ? fopen(args->path, "we") : stdout;
    if (!file)
        return tarn_fail_errno(err, "writing the report to %s", args->path);
    struct output out = {.file = file,
                         .format = format,
                         .colour = isatty(fileno(file)) && !getenv("NO_COLOR"),
                         .report = &report,
                         .arena = arena};
    enum tarn_status status = report_with(args, ws, &report, &out, at, err);
    bool written = args->path ? fclose(file) == 0 : fflush(file) == 0;
    if (status == TARN_OK && !written)
        status =
            tarn_fail_errno(err, "writing the report to %s", args->path ? args->path : "stdout");
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments args = {0};
    const struct tarn_option options[] = {
        {"format", 'f', TARN_OPTION_STR, &args.format},
        {"at", 0, TARN_OPTION_STR, &args.at},
        {"output", 'o', TARN_OPTION_STR, &args.path},
        {"set", 0, TARN_OPTION_LIST, &args.sets},
    };
    struct tarn_workspace ws;
    struct tarn_lake_at at = {0};
    enum tarn_print_format format = TARN_PRINT_TABLE;
    enum tarn_status status = tarn_options_parse(argc, argv, &args.common, options,
                                                 TARN_COUNT(options), &args.names, err);
    if (args.common.json)
        format = TARN_PRINT_JSON;
    if (status == TARN_OK)
        status = tarn_print_format_parse(args.format, &format, err);
    if (status == TARN_OK && args.at)
        status = tarn_at_parse(args.at, &at, err);
    if (status == TARN_OK && args.names.count > 1)
        status = tarn_fail(err, TARN_USAGE, "it takes one report, not %zu", args.names.count);
    if (status == TARN_OK)
        status = tarn_workspace_open_existing(&args.common, &ws, err);
    if (status == TARN_OK) {
        status = write_report(&args, &ws, format, at, err);
        tarn_workspace_close(&ws);
    }
    tarn_strings_release(&args.names);
    tarn_strings_release(&args.sets);
    return status;
}

const struct tarn_command tarn_command_report = {
    .name = "report",
    .summary = "print one of the project's reports",
    .help = help,
    .run = run,
};
