/* cli/sql.c -- `tarn sql`: queries over the lake's tables. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/lake_query.h"
#include "cli/table_print.h"

static const char help[] =
    "Usage: tarn sql \"SELECT ...\" [options]\n"
    "       tarn sql -f FILE [options]         also from standard input: tarn sql < FILE\n"
    "\n"
    "Runs DuckDB SQL over the lake; a table is NAMESPACE.NAME (`tarn tables`). Several statements\n"
    "are separated by ';'. It only reads: the lake is written by models and `tarn ingest`.\n"
    "\n"
    "  --format FORMAT     table (default), csv, json or markdown\n"
    "  --limit N           most rows shown (default: 100 of a table, all otherwise; 0: all)\n"
    "  --at WHEN           tables as they were at a time (2026-03-01, 2026-03-01T12:30) or "
    "snapshot\n"
    "  -f, --file FILE     reads the statements from a file\n"
    "\n" TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn sql \"FROM bronze.orders LIMIT 5\"\n"
    "  tarn sql \"SELECT status, count(*) FROM bronze.orders GROUP BY ALL\" --format csv\n";

enum { DEFAULT_LIMIT = 100, SQL_BYTES_MAX = 64 << 20 };

struct arguments {
    struct tarn_common common;
    const char *format, *at, *file;
    int64_t limit;
    struct tarn_strings statements;
};

static enum tarn_status read_stdin(struct tarn_buffer *sql, struct tarn_error *err)
{
    char piece[1 << 14];
    ssize_t got;
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        tarn_buffer_append(sql, piece, (size_t)got);
    if (got < 0)
        return tarn_fail_errno(err, "reading standard input");
    return tarn_buffer_check(sql, "the statements", err);
}

static enum tarn_status read_statements(const struct arguments *args, struct tarn_buffer *sql,
                                        struct tarn_error *err)
{
    if (args->file && args->statements.count > 0)
        return tarn_fail(err, TARN_USAGE, "the SQL comes from --file or as an argument, not both");
    if (args->file)
        return tarn_file_read(args->file, sql, err);
    for (size_t i = 0; i < args->statements.count; i++) {
        tarn_buffer_append_str(sql, args->statements.items[i]);
        tarn_buffer_append_str(sql, ";");
    }
    if (args->statements.count > 0)
        return tarn_buffer_check(sql, "the statements", err);
    if (isatty(STDIN_FILENO))
        return tarn_fail(err, TARN_USAGE,
                         "there is nothing to run; give the SQL as an argument, with -f FILE or on "
                         "standard input");
    return read_stdin(sql, err);
}

static enum tarn_status run_one(struct tarn_session *session, struct tarn_text statement,
                                enum tarn_print_format format, int64_t limit,
                                struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_AUTO_FREE char *sql = tarn_strndup(statement.data, statement.len);
    TARN_TRY(tarn_lake_query_check(statement, err));
    TARN_TRY(tarn_session_query(session, sql, NULL, 0, &result, err));
    if (!tarn_result_has_rows(result))
        return TARN_OK;
    return tarn_print_result(result, format, limit, stdout, NULL, err);
}

static enum tarn_status run_all(struct tarn_workspace *ws, const struct arguments *args,
                                struct tarn_text all, enum tarn_print_format format,
                                struct tarn_lake_at at, struct tarn_error *err)
{
    struct tarn_session *session;
    struct tarn_text statement;
    int64_t limit = args->limit;
    if (limit < 0)
        limit = format == TARN_PRINT_TABLE || format == TARN_PRINT_MARKDOWN ? DEFAULT_LIMIT : 0;
    TARN_TRY(tarn_lake_query_open(ws, at, NULL, &session, err));
    enum tarn_status status = TARN_OK;
    for (size_t n = 0; status == TARN_OK && tarn_sql_next(&all, &statement); n++) {
        if (n > 0)
            putchar('\n');
        status = run_one(session, statement, format, limit > 0 ? limit : -1, err);
    }
    tarn_session_close(session);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments args = {.limit = -1};
    const struct tarn_option options[] = {
        {"format", 0, TARN_OPTION_STR, &args.format},
        {"limit", 'n', TARN_OPTION_INT, &args.limit},
        {"at", 0, TARN_OPTION_STR, &args.at},
        {"file", 'f', TARN_OPTION_STR, &args.file},
    };
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    struct tarn_workspace ws;
    struct tarn_lake_at at = {0};
    enum tarn_print_format format = TARN_PRINT_TABLE;
    enum tarn_status status = tarn_options_parse(argc, argv, &args.common, options,
                                                 TARN_COUNT(options), &args.statements, err);
    if (args.common.json)
        format = TARN_PRINT_JSON;
    if (status == TARN_OK)
        status = tarn_print_format_parse(args.format, &format, err);
    if (status == TARN_OK && args.at)
        status = tarn_at_parse(args.at, &at, err);
    if (status == TARN_OK)
        status = read_statements(&args, &sql, err);
    if (status == TARN_OK)
        status = tarn_workspace_open_existing(&args.common, &ws, err);
    if (status == TARN_OK) {
        status = run_all(&ws, &args, tarn_buffer_text(&sql), format, at, err);
        tarn_workspace_close(&ws);
    }
    tarn_strings_release(&args.statements);
    return status;
}

const struct tarn_command tarn_command_sql = {
    .name = "sql",
    .summary = "query the lake",
    .help = help,
    .run = run,
};
