/* cli/report_data.h -- what a report's queries gave, and values as text for people. */
#ifndef TARN_CLI_REPORT_DATA_H
#define TARN_CLI_REPORT_DATA_H

#include "cli/report_spec.h"
#include "engine/session.h"

struct tarn_report_cell {
    const char *text; /* as SQL prints it; NULL for NULL */
    const char *json; /* as JSON */
    double number;    /* of a number */
};
struct tarn_report_rows {
    size_t column_count, row_count;
    const char **names;
    const struct tarn_type **types;
    struct tarn_report_cell *cells; /* row by row */
    bool more;                      /* than the limit */
};

/* Works out the parameters in order; `sets` are NAME=VALUE texts. */
CHECKED enum tarn_status tarn_report_parameters(struct tarn_report *report,
                                                struct tarn_session *session,
                                                const char *const *sets, size_t set_count,
                                                struct tarn_arena *arena, struct tarn_error *err);
/* Runs a section's SQL; an error names the report's file and line. */
CHECKED enum tarn_status tarn_report_query(const struct tarn_report *report,
                                           const struct tarn_report_section *section,
                                           struct tarn_session *session, struct tarn_arena *arena,
                                           struct tarn_report_rows *ret, struct tarn_error *err);
int tarn_report_find(const struct tarn_report_rows *rows, const char *name);
const struct tarn_report_cell *tarn_report_at(const struct tarn_report_rows *rows, size_t row,
                                              size_t column);
/* The value as people read it: "$1,234.50", "12.3 %"; "–" for NULL. */
const char *tarn_report_value(const struct tarn_report_cell *cell, const struct tarn_type *type,
                              enum tarn_report_format format, const char *currency,
                              struct tarn_arena *arena);
/* The text with {{ column }} replaced by the first row's values. */
CHECKED enum tarn_status tarn_report_text(const struct tarn_report_section *section,
                                          const struct tarn_report_rows *rows,
                                          struct tarn_arena *arena, const char **ret,
                                          struct tarn_error *err);

#endif
