/* cli/report_spec.h -- a report as reports/NAME.yml says it; the format is in docs/reports.md. */
#ifndef TARN_CLI_REPORT_SPEC_H
#define TARN_CLI_REPORT_SPEC_H

#include "project/project.h"

enum tarn_report_layout { TARN_REPORT_KPI, TARN_REPORT_TABLE, TARN_REPORT_TEXT };
enum tarn_report_format {
    TARN_VALUE_MONEY,
    TARN_VALUE_INTEGER,
    TARN_VALUE_NUMBER,
    TARN_VALUE_PERCENT,
    TARN_VALUE_DATE,
    TARN_VALUE_TEXT,
    TARN_VALUE_BY_TYPE,
};
/* BY_TYPE when the text is none of the formats. */
enum tarn_report_format tarn_report_format_parse(struct tarn_text text);

struct tarn_report_column {
    const char *name, *title;
    enum tarn_report_format format;
    bool bar, hide;
};
struct tarn_report_section {
    const struct tarn_yaml *node;
    const char *title, *sql, *note, *empty, *text;
    enum tarn_report_layout layout;
    int64_t limit;
    struct tarn_report_column *columns;
    size_t column_count;
};
struct tarn_report_parameter {
    const char *name;
    const char *expression;
    const char *value; /* once it is known */
};
struct tarn_report {
    const char *title, *description, *currency;
    struct tarn_report_parameter *parameters;
    size_t parameter_count;
    struct tarn_report_section *sections;
    size_t section_count;
};

/* No name (NULL) means the only report. NOT_FOUND names the reports there are. */
CHECKED enum tarn_status tarn_report_read(const struct tarn_project *project, const char *name,
                                          struct tarn_arena *arena, struct tarn_report *ret,
                                          struct tarn_error *err);
const struct tarn_report_column *tarn_report_column(const struct tarn_report_section *section,
                                                    const char *name);

#endif
