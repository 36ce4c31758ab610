/* cli/table_print.h -- rows for people and programs: aligned tables, Markdown, CSV, JSON.
 *
 * A table collects texts and is written when its column widths are known; a query's result can also
 * be streamed, so that CSV and JSON of any size need no memory. */
#ifndef TARN_CLI_TABLE_PRINT_H
#define TARN_CLI_TABLE_PRINT_H

#include <stdio.h>

#include "base/memory.h"
#include "engine/session.h"

enum tarn_print_format {
    TARN_PRINT_TABLE,
    TARN_PRINT_MARKDOWN,
    TARN_PRINT_CSV,
    TARN_PRINT_JSON,
};
/* "table" (or "text"), "markdown", "csv", "json"; USAGE with the choices for anything else. NULL
 * leaves *ret as it is. */
CHECKED enum tarn_status tarn_print_format_parse(const char *text, enum tarn_print_format *ret,
                                                 struct tarn_error *err);

struct tarn_table;
struct tarn_table *tarn_table_new(struct tarn_arena *arena);
/* Columns first, then cells row by row. */
void tarn_table_column(struct tarn_table *table, const char *name, bool right);
/* NULL for a value that is not there. */
void tarn_table_cell(struct tarn_table *table, const char *text);
void tarn_table_cell_int(struct tarn_table *table, int64_t value); /* with thousands separated */
size_t tarn_table_rows(const struct tarn_table *table);
/* TABLE, MARKDOWN and CSV; `indent` spaces before each line of a TABLE. */
void tarn_table_write(const struct tarn_table *table, enum tarn_print_format format, int indent,
                      FILE *out);

/* Columns of a terminal that the text takes up (wide characters two, combining ones none). */
size_t tarn_text_width(struct tarn_text text);
/* "1.2 MB" */
char *tarn_size_text(int64_t bytes, char out[TARN_COUNT_TEXT_BYTES]);

/* Prints the rest of a result. At most `limit` rows (< 0: all); TABLE says when it left some out.
 * *ret_rows (may be NULL) counts those printed. */
CHECKED enum tarn_status tarn_print_result(struct tarn_result *result,
                                           enum tarn_print_format format, int64_t limit, FILE *out,
                                           int64_t *ret_rows, struct tarn_error *err);

#endif
