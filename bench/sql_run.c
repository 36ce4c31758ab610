/* bench/sql_run.c -- the peer of the pipeline bench: plain DuckDB, one connection, a script of SQL
 * statements.
 *
 *   sql_run DATABASE SCRIPT [--threads N] [--memory-limit SIZE]
 *
 * DATABASE is a .duckdb file (made when missing), as somebody typing the SQL would use. A line "--
 * @ label" begins a step; each step's time goes to standard output as "seconds<TAB>label". */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "sql_run: %s: %s\n", what, why ? why : "unknown");
    return 3;
}

static int run_statement(duckdb_connection connection, duckdb_extracted_statements statements,
                         idx_t i)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_result result = {0};
    if (duckdb_prepare_extracted_statement(connection, statements, i, &statement) == DuckDBError)
        return fail("preparing", duckdb_prepare_error(statement));
    if (duckdb_execute_prepared(statement, &result) == DuckDBError)
        return fail("running", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
    return 0;
}

static int run_step(duckdb_connection connection, const char *label, const char *sql)
{
    duckdb_extracted_statements statements = NULL;
    idx_t count = duckdb_extract_statements(connection, sql, &statements);
    if (count == 0 && duckdb_extract_statements_error(statements))
        return fail(label, duckdb_extract_statements_error(statements));
    int64_t start = tarn_monotonic_us();
    int code = 0;
    for (idx_t i = 0; i < count && code == 0; i++)
        code = run_statement(connection, statements, i);
    duckdb_destroy_extracted(&statements);
    printf("%.4f\t%s\n", (double)(tarn_monotonic_us() - start) / 1e6, label);
    fflush(stdout);
    return code ? fail(label, "failed") : 0;
}

static int run_script(duckdb_connection connection, char *script)
{
    for (char *at = strstr(script, "-- @ "); at;) {
        char *next = strstr(at + 5, "\n-- @ ");
        if (next)
            *next++ = 0;
        char *line_end = strchr(at, '\n');
        if (line_end) {
            *line_end = 0;
            int code = run_step(connection, at + 5, line_end + 1);
            if (code != 0)
                return code;
        }
        at = next;
    }
    return 0;
}

static int set_up(duckdb_config config, int argc, char **argv)
{
    for (int i = 3; i + 1 < argc; i += 2) {
        const char *name = strcmp(argv[i], "--threads") == 0 ? "threads" : "memory_limit";
        if (duckdb_set_config(config, name, argv[i + 1]) == DuckDBError)
            return fail(argv[i], argv[i + 1]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fail("usage", "sql_run DATABASE SCRIPT [--threads N] [--memory-limit SIZE]");
    struct tarn_error err;
    TARN_BUFFER(script, 64 << 20);
    if (tarn_file_read(argv[2], &script, &err) != TARN_OK)
        return fail(argv[2], err.text);
    duckdb_config config;
    duckdb_database database;
    duckdb_connection connection;
    char *message = NULL;
    duckdb_create_config(&config);
    int code = set_up(config, argc, argv);
    if (code == 0 && duckdb_open_ext(argv[1], &database, config, &message) == DuckDBError)
        return fail(argv[1], message);
    duckdb_destroy_config(&config);
    if (code == 0) {
        duckdb_connect(database, &connection);
        /* where Tarn's checks keep their working tables */
        if (duckdb_query(connection, "ATTACH ':memory:' AS memory", NULL) == DuckDBError)
            return fail(argv[1], "attaching a database in memory failed");
        code = run_script(connection, script.data);
        duckdb_disconnect(&connection);
        duckdb_close(&database);
    }
    return code;
}
