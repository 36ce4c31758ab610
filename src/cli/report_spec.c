/* cli/report_spec.c -- see report_spec.h. */
#include "cli/report_spec.h"

#include <string.h>

#include "base/file.h"

static const char *const format_names[] = {"money", "integer", "number", "percent",
                                           "date",  "text",    NULL};

enum tarn_report_format tarn_report_format_parse(struct tarn_text text)
{
    for (int i = 0; format_names[i]; i++)
        if (tarn_text_is(text, format_names[i]))
            return (enum tarn_report_format)i;
    return TARN_VALUE_BY_TYPE;
}

static enum tarn_status read_column(const struct tarn_yaml *map, const char *name,
                                    struct tarn_report_column *column, struct tarn_error *err)
{
    static const char *const keys[] = {"title", "format", "bar", "hide", NULL};
    int format = TARN_VALUE_BY_TYPE;
    *column = (struct tarn_report_column){.name = name, .title = name};
    TARN_TRY(tarn_yaml_expect_keys(map, "a column of a report", keys, err));
    TARN_TRY(tarn_yaml_str(map, "title", &column->title, err));
    TARN_TRY(tarn_yaml_choice(map, "format", format_names, &format, err));
    TARN_TRY(tarn_yaml_bool(map, "bar", &column->bar, err));
    TARN_TRY(tarn_yaml_bool(map, "hide", &column->hide, err));
    column->format = (enum tarn_report_format)format;
    return TARN_OK;
}

static enum tarn_status read_section(const struct tarn_yaml *map, struct tarn_arena *arena,
                                     struct tarn_report_section *section, struct tarn_error *err)
{
    enum { DEFAULT_LIMIT = 50, LIMIT_MAX = 1000000 };
    static const char *const keys[] = {"title",   "layout", "sql",  "note", "limit",
                                       "columns", "empty",  "text", NULL};
    static const char *const layouts[] = {"kpi", "table", "text", NULL};
    int layout = TARN_REPORT_TABLE;
    const struct tarn_yaml *columns = NULL;
    *section = (struct tarn_report_section){.node = map, .limit = DEFAULT_LIMIT};
    TARN_TRY(tarn_yaml_expect_keys(map, "a section of a report", keys, err));
    TARN_TRY(tarn_yaml_str(map, "title", &section->title, err));
    TARN_TRY(tarn_yaml_choice(map, "layout", layouts, &layout, err));
    TARN_TRY(tarn_yaml_str(map, "sql", &section->sql, err));
    TARN_TRY(tarn_yaml_str(map, "note", &section->note, err));
    TARN_TRY(tarn_yaml_str(map, "empty", &section->empty, err));
    TARN_TRY(tarn_yaml_str(map, "text", &section->text, err));
    TARN_TRY(tarn_yaml_int(map, "limit", 1, LIMIT_MAX, &section->limit, err));
    TARN_TRY(tarn_yaml_map(map, "columns", &columns, err));
    section->layout = (enum tarn_report_layout)layout;
    if (!section->sql && layout != TARN_REPORT_TEXT)
        return tarn_yaml_fail(map, err, "the section has no `sql`");
    if (!section->text && layout == TARN_REPORT_TEXT)
        return tarn_yaml_fail(map, err, "the text section has no `text`");
    section->column_count = columns ? columns->count : 0;
    section->columns = tarn_arena_array(arena, section->column_count + 1, sizeof *section->columns);
    for (size_t i = 0; i < section->column_count; i++)
        TARN_TRY(
            read_column(columns->items[i], tarn_yaml_key(columns, i), &section->columns[i], err));
    return TARN_OK;
}

static enum tarn_status read_parameters(const struct tarn_yaml *map, struct tarn_arena *arena,
                                        struct tarn_report *report, struct tarn_error *err)
{
    report->parameter_count = map ? map->count : 0;
    report->parameters =
        tarn_arena_array(arena, report->parameter_count + 1, sizeof *report->parameters);
    for (size_t i = 0; i < report->parameter_count; i++) {
        const char *name = tarn_yaml_key(map, i);
        report->parameters[i].name = name;
        TARN_TRY(tarn_yaml_str_required(map, name, &report->parameters[i].expression, err));
    }
    return TARN_OK;
}

static enum tarn_status read_report(const struct tarn_yaml *root, struct tarn_arena *arena,
                                    struct tarn_report *report, struct tarn_error *err)
{
    static const char *const keys[] = {"title",      "description", "currency",
                                       "parameters", "sections",    NULL};
    const struct tarn_yaml *parameters = NULL, *sections = NULL;
    *report = (struct tarn_report){.currency = ""};
    TARN_TRY(tarn_yaml_expect_keys(root, "a report", keys, err));
    TARN_TRY(tarn_yaml_str_required(root, "title", &report->title, err));
    TARN_TRY(tarn_yaml_str(root, "description", &report->description, err));
    TARN_TRY(tarn_yaml_str(root, "currency", &report->currency, err));
    TARN_TRY(tarn_yaml_map(root, "parameters", &parameters, err));
    TARN_TRY(tarn_yaml_list(root, "sections", &sections, err));
    TARN_TRY(read_parameters(parameters, arena, report, err));
    if (!sections || sections->count == 0)
        return tarn_yaml_fail(root, err, "the report has no `sections`");
    report->section_count = sections->count;
    report->sections = tarn_arena_array(arena, sections->count, sizeof *report->sections);
    for (size_t i = 0; i < sections->count; i++)
        TARN_TRY(read_section(sections->items[i], arena, &report->sections[i], err));
    return TARN_OK;
}

static const char *stem(const char *path, struct tarn_arena *arena)
{
    const char *file = tarn_path_name(path);
    return tarn_arena_strndup(arena, file, strlen(file) - strlen(".yml"));
}

/* The report that is meant, or NOT_FOUND with those that there are. NULL means the only one. */
static enum tarn_status find_report(const struct tarn_project *project, const char *name,
                                    struct tarn_arena *arena, const char **ret_path,
                                    struct tarn_error *err)
{
    struct tarn_file_list list;
    TARN_BUFFER(names, 2000);
    const char *folder = tarn_project_path(project, "reports");
    TARN_TRY(tarn_directory_list(folder, ".yml", arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        const char *stem_i = stem(list.paths[i], arena);
        if (name ? strcmp(name, stem_i) == 0 : list.count == 1) {
            *ret_path = list.paths[i];
            return TARN_OK;
        }
        tarn_buffer_printf(&names, "%s%s", i ? ", " : "", stem_i);
    }
    if (list.count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "there are no reports in %s", folder);
    if (!name)
        return tarn_fail(err, TARN_USAGE, "say which report; there are: %s",
                         tarn_buffer_str(&names));
    return tarn_fail(err, TARN_NOT_FOUND, "there is no report '%s' in %s; there are: %s", name,
                     folder, tarn_buffer_str(&names));
}

enum tarn_status tarn_report_read(const struct tarn_project *project, const char *name,
                                  struct tarn_arena *arena, struct tarn_report *ret,
                                  struct tarn_error *err)
{
    const struct tarn_yaml *root;
    const char *path = NULL;
    TARN_TRY(find_report(project, name, arena, &path, err));
    TARN_TRY(tarn_yaml_read(path, arena, &root, err));
    if (root->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(root, err, "a report is a map with title and sections");
    return read_report(root, arena, ret, err);
}

const struct tarn_report_column *tarn_report_column(const struct tarn_report_section *section,
                                                    const char *name)
{
    for (size_t i = 0; i < section->column_count; i++)
        if (strcmp(section->columns[i].name, name) == 0)
            return &section->columns[i];
    return NULL;
}
