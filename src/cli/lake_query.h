/* cli/lake_query.h -- SQL over the lake for a person: its tables attached, reading only. */
#ifndef TARN_CLI_LAKE_QUERY_H
#define TARN_CLI_LAKE_QUERY_H

#include "cli/workspace.h"

/* "2026-03-01", "2026-03-01 12:00" or a snapshot id as the state of a table; a date alone means its
 * end. USAGE when it is neither. */
CHECKED enum tarn_status tarn_at_parse(const char *text, struct tarn_lake_at *ret,
                                       struct tarn_error *err);

/* A session with the lake's tables as they were at `at` (all zero: now). Tables that did not exist
 * then are left out; problems with single tables are told on standard error. `text` is all the SQL
 * to come, so that only the tables it names are attached; NULL when that is not known. */
CHECKED enum tarn_status tarn_lake_query_open(struct tarn_workspace *workspace,
                                              struct tarn_lake_at at, const char *text,
                                              struct tarn_session **ret_session,
                                              struct tarn_error *err);

/* USAGE unless the statement only reads (SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE, SHOW,
 * EXPLAIN, PIVOT, SET, ...); says who writes the lake instead. */
CHECKED enum tarn_status tarn_lake_query_check(struct tarn_text statement, struct tarn_error *err);

/* The next statement of `*rest` (separated by ';' outside quotes and comments), without white space
 * around; false at the end. */
bool tarn_sql_next(struct tarn_text *rest, struct tarn_text *ret_statement);

#endif
