/* engine/session.c -- see session.h.
 *
 * A stream needs a prepared statement, and DuckDB binds and optimises it again when it starts as
 * soon as it reads a file. What gives few rows is therefore run directly. */
#include "engine/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "engine/engine_int.h"

enum { SQL_MAX_BYTES = 64 << 20, SLEEP_MIN_NS = 20 * 1000, SLEEP_MAX_NS = 500 * 1000 };

struct tarn_session {
    struct tarn_engine *engine;
    duckdb_connection connection;
};

struct tarn_result {
    struct tarn_session *session;
    char *traced_sql; /* NULL when nothing is traced */
    int64_t start_us;
    int64_t start_cpu_us;
    struct tarn_arena *arena;            /* types and names */
    duckdb_prepared_statement statement; /* of a stream */
    duckdb_result result;
    duckdb_data_chunk chunk;
    size_t column_count;
    struct tarn_column *columns;
};

static enum tarn_status set_option(duckdb_config config, const char *name, const char *value,
                                   struct tarn_error *err)
{
    if (duckdb_set_config(config, name, value) == DuckDBError)
        return tarn_fail(err, TARN_CONFIG, "opening DuckDB: it does not take %s = %s", name, value);
    return TARN_OK;
}

static enum tarn_status set_limits(duckdb_config config, const struct tarn_engine_options *options,
                                   const char *temp_directory, unsigned threads,
                                   struct tarn_error *err)
{
    char text[40];
    snprintf(text, sizeof text, "%u", threads);
    TARN_TRY(set_option(config, "threads", text, err));
    TARN_TRY(set_option(config, "external_threads", text, err)); /* see helper.c */
    if (options->memory_limit_bytes) {
        snprintf(text, sizeof text, "%" PRIu64 "KiB", options->memory_limit_bytes / 1024);
        TARN_TRY(set_option(config, "memory_limit", text, err));
    }
    if (options->max_temp_bytes) {
        snprintf(text, sizeof text, "%" PRIu64 "KiB", options->max_temp_bytes / 1024);
        TARN_TRY(set_option(config, "max_temp_directory_size", text, err));
    }
    TARN_TRY(set_option(config, "temp_directory", temp_directory, err));
    TARN_TRY(set_option(config, "autoinstall_known_extensions", "false", err));
    return set_option(config, "autoload_known_extensions", "false", err);
}

/* A directory of its own per process, so that two processes never remove each other's spill files.
 */
static char *spill_directory(const struct tarn_engine_options *options)
{
    const char *base = options->temp_directory ? options->temp_directory : getenv("TMPDIR");
    char unique[TARN_UUID_BYTES];
    return tarn_format("%s/tarn-spill-%.8s", base && *base ? base : "/tmp", tarn_uuid(unique));
}

static enum tarn_status open_database(const struct tarn_engine_options *options,
                                      struct tarn_engine *engine, struct tarn_error *err)
{
    duckdb_config config = NULL;
    if (duckdb_create_config(&config) == DuckDBError)
        return tarn_fail(err, TARN_INTERNAL, "opening DuckDB: no configuration object");
    enum tarn_status status =
        set_limits(config, options, engine->spill_directory, engine->threads, err);
    char *message = NULL;
    if (status == TARN_OK &&
        duckdb_open_ext(NULL, &engine->database, config, &message) == DuckDBError)
        status = tarn_fail(err, TARN_CONFIG, "opening DuckDB: %s", message ? message : "unknown");
    duckdb_free(message);
    duckdb_destroy_config(&config);
    return status;
}

static enum tarn_status attach_catalog(struct tarn_engine *engine, struct tarn_error *err)
{
    struct tarn_session *session;
    TARN_BUFFER(sql, 4096);
    tarn_buffer_append_str(&sql, "ATTACH ':memory:' AS ");
    tarn_sql_identifier(&sql, engine->catalog);
    TARN_TRY(tarn_buffer_check(&sql, "the catalog name", err));
    engine->bare = true;
    TARN_TRY(tarn_session_open(engine, &session, err));
    enum tarn_status status = tarn_session_run(session, tarn_buffer_str(&sql), NULL, err);
    tarn_session_close(session);
    engine->bare = false;
    return status;
}

enum tarn_status tarn_engine_open(const struct tarn_engine_options *options,
                                  struct tarn_engine **ret_engine, struct tarn_error *err)
{
    struct tarn_engine *engine = tarn_alloc(sizeof *engine);
    engine->threads = options->threads ? options->threads : tarn_cpu_count();
    engine->spill_directory = spill_directory(options);
    engine->catalog = tarn_strdup(options->catalog ? options->catalog : "tarn");
    tarn_random_bytes(&engine->identity, sizeof engine->identity);
    pthread_mutex_init(&engine->source_lock, NULL);
    const char *trace = getenv("TARN_TRACE_SQL");
    engine->trace = trace ? fopen(trace, "ae") : NULL;
    enum tarn_status status = open_database(options, engine, err);
    tarn_helpers_start(engine);
    if (status == TARN_OK)
        status = attach_catalog(engine, err);
    if (status == TARN_OK)
        status = tarn_engine_register_source_function(engine, err);
    if (status == TARN_OK)
        status = tarn_engine_register_functions(engine, err);
    if (status != TARN_OK) {
        tarn_engine_close(engine);
        return status;
    }
    *ret_engine = engine;
    return TARN_OK;
}

void tarn_engine_close(struct tarn_engine *engine)
{
    if (!engine)
        return;
    tarn_helpers_stop(engine);
    if (engine->database)
        duckdb_close(&engine->database);
    (void)rmdir(
        engine->spill_directory); /* DuckDB empties it; it is missing when nothing spilled */
    pthread_mutex_destroy(&engine->source_lock);
    free(engine->sources);
    free(engine->spill_directory);
    free(engine->catalog);
    free(engine);
}

void tarn_engine_leave(struct tarn_engine *engine)
{
    if (engine && tarn_directory_exists(engine->spill_directory))
        tarn_engine_close(engine);
}

const char *tarn_engine_library_version(void)
{
    return duckdb_library_version();
}

unsigned tarn_engine_threads(const struct tarn_engine *engine)
{
    return engine->threads;
}

const char *tarn_engine_catalog(const struct tarn_engine *engine)
{
    return engine->catalog;
}

uint64_t tarn_engine_identity(const struct tarn_engine *engine)
{
    return engine->identity;
}

enum tarn_status tarn_session_open(struct tarn_engine *engine, struct tarn_session **ret_session,
                                   struct tarn_error *err)
{
    struct tarn_session *session = tarn_alloc(sizeof *session);
    session->engine = engine;
    if (duckdb_connect(engine->database, &session->connection) == DuckDBError) {
        free(session);
        return tarn_fail(err, TARN_INTERNAL, "opening a DuckDB session failed");
    }
    TARN_BUFFER(sql, 4096);
    tarn_buffer_append_str(&sql, "SET TimeZone = 'UTC'; SET parquet_metadata_cache = true;");
    if (!engine->bare) {
        tarn_buffer_append_str(&sql, "USE ");
        tarn_sql_identifier(&sql, engine->catalog);
    }
    enum tarn_status status = tarn_session_run(session, tarn_buffer_str(&sql), NULL, err);
    if (status != TARN_OK) {
        tarn_session_close(session);
        return status;
    }
    *ret_session = session;
    return TARN_OK;
}

void tarn_session_close(struct tarn_session *session)
{
    if (!session)
        return;
    duckdb_disconnect(&session->connection);
    free(session);
}

struct tarn_engine *tarn_session_engine(struct tarn_session *session)
{
    return session->engine;
}

void tarn_session_interrupt(struct tarn_session *session)
{
    duckdb_interrupt(session->connection);
}

enum tarn_status tarn_session_watch(struct tarn_session *session, struct tarn_error *err)
{
    return tarn_session_run(session,
                            "SET enable_progress_bar = true; SET enable_progress_bar_print = false",
                            NULL, err);
}

double tarn_session_progress(struct tarn_session *session)
{
    double percentage = duckdb_query_progress(session->connection).percentage;
    return percentage < 0 ? -1 : percentage / 100;
}

/* DuckDB says what kind of error it was in the first words; the rest is good as it is. */
static enum tarn_status fail_sql(const char *message, struct tarn_error *err)
{
    static const struct {
        const char *prefix;
        enum tarn_status status;
    } kinds[] = {
        {"INTERRUPT", TARN_CANCELLED},
        {"Out of Memory Error", TARN_TOO_LARGE},
        {"IO Error: Could not write", TARN_NO_SPACE},
        {"IO Error", TARN_IO},
    };
    const char *text = message ? message : "unknown error";
    enum tarn_status status = TARN_SQL;
    for (size_t i = 0; i < TARN_COUNT(kinds) && status == TARN_SQL; i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            status = kinds[i].status;
    return tarn_fail(err, status, "%s", text);
}

static enum tarn_status bind_params(duckdb_prepared_statement statement,
                                    const struct tarn_param *params, size_t count,
                                    struct tarn_error *err)
{
    idx_t wanted = duckdb_nparams(statement);
    if (wanted != count)
        return tarn_fail(err, TARN_SQL, "the statement takes %llu parameters, %zu were given",
                         (unsigned long long)wanted, count);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_param *p = &params[i];
        duckdb_state state = DuckDBError;
        switch (p->kind) {
        case TARN_PARAM_NULL:
            state = duckdb_bind_null(statement, i + 1);
            break;
        case TARN_PARAM_INT:
            state = duckdb_bind_int64(statement, i + 1, p->integer);
            break;
        case TARN_PARAM_DOUBLE:
            state = duckdb_bind_double(statement, i + 1, p->real);
            break;
        case TARN_PARAM_TEXT:
            state = duckdb_bind_varchar_length(statement, i + 1, p->text.data, p->text.len);
            break;
        case TARN_PARAM_BLOB:
            state = duckdb_bind_blob(statement, i + 1, p->text.data, p->text.len);
            break;
        }
        if (state == DuckDBError)
            return tarn_fail(err, TARN_SQL, "parameter %zu cannot be bound", i + 1);
    }
    return TARN_OK;
}

static void fill_columns(struct tarn_result *result)
{
    result->column_count = duckdb_column_count(&result->result);
    result->columns =
        tarn_arena_array(result->arena, result->column_count, sizeof *result->columns);
    for (size_t i = 0; i < result->column_count; i++) {
        duckdb_logical_type type = duckdb_column_logical_type(&result->result, i);
        result->columns[i] = (struct tarn_column){
            tarn_arena_strdup(result->arena, duckdb_column_name(&result->result, i)),
            tarn_type_from_duckdb(type, result->arena)};
        duckdb_destroy_logical_type(&type);
    }
}

/* CPU time of the whole process: a statement's own when nothing else runs. */
static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Lines with the times, then the statement: the trace is a script that a shell takes. */
static void trace(const struct tarn_result *result)
{
    FILE *out = result->session->engine->trace;
    double seconds = (double)(tarn_monotonic_us() - result->start_us) / 1e6;
    double cpu_seconds = (double)(cpu_us() - result->start_cpu_us) / 1e6;
    fprintf(out, "-- @ %.6f s\n-- cpu %.6f s\n%s;\n", seconds, cpu_seconds, result->traced_sql);
    fflush(out);
}

/* Works on the statement until its first rows are there. duckdb_execute_pending would spin while
 * other threads have all of its tasks; with several sessions on few cores that burns the time that
 * those threads need. */
static enum tarn_status wait_until_ready(duckdb_pending_result pending, struct tarn_error *err)
{
    long sleep_ns = SLEEP_MIN_NS;
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return fail_sql(duckdb_pending_error(pending), err);
        if (duckdb_pending_execution_is_finished(state))
            return TARN_OK;
        if (state != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            sleep_ns = SLEEP_MIN_NS;
            continue;
        }
        nanosleep(&(struct timespec){.tv_nsec = sleep_ns}, NULL);
        sleep_ns = sleep_ns < SLEEP_MAX_NS ? sleep_ns * 2 : SLEEP_MAX_NS;
    }
}

/* A result to be; from here until it is freed the session counts as busy. `sql` is for the trace.
 */
static struct tarn_result *begin(struct tarn_session *session, const char *sql)
{
    struct tarn_result *result = tarn_alloc(sizeof *result);
    result->session = session;
    result->traced_sql = session->engine->trace ? tarn_strdup(sql) : NULL;
    result->start_us = tarn_monotonic_us();
    result->start_cpu_us = cpu_us();
    result->arena = tarn_arena_new();
    tarn_helpers_enter(session->engine);
    return result;
}

/* Runs a prepared statement as a stream; destroys the statement in every case. */
static enum tarn_status start(struct tarn_session *session, duckdb_prepared_statement statement,
                              const char *sql, struct tarn_result **ret_result,
                              struct tarn_error *err)
{
    struct tarn_result *result = begin(session, sql);
    result->statement = statement;
    duckdb_pending_result pending = NULL;
    enum tarn_status status = TARN_OK;
    if (duckdb_pending_prepared_streaming(statement, &pending) == DuckDBError)
        status = fail_sql(pending ? duckdb_pending_error(pending) : duckdb_prepare_error(statement),
                          err);
    else
        status = wait_until_ready(pending, err);
    if (status == TARN_OK && duckdb_execute_pending(pending, &result->result) == DuckDBError)
        status = fail_sql(duckdb_result_error(&result->result), err);
    duckdb_destroy_pending(&pending);
    if (status != TARN_OK) {
        tarn_result_free(result);
        return status;
    }
    fill_columns(result);
    *ret_result = result;
    return TARN_OK;
}

enum tarn_status tarn_session_fetch(struct tarn_session *session, const char *sql,
                                    struct tarn_result **ret_result, struct tarn_error *err)
{
    struct tarn_result *result = begin(session, sql);
    if (duckdb_query(session->connection, sql, &result->result) == DuckDBError) {
        enum tarn_status status = fail_sql(duckdb_result_error(&result->result), err);
        tarn_result_free(result);
        return status;
    }
    fill_columns(result);
    *ret_result = result;
    return TARN_OK;
}

enum tarn_status tarn_session_run(struct tarn_session *session, const char *sql,
                                  uint64_t *ret_changed, struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(session, sql, &result, err));
    if (ret_changed)
        *ret_changed = tarn_result_changed(result);
    return TARN_OK;
}

enum tarn_status tarn_session_runf(struct tarn_session *session, struct tarn_error *err,
                                   const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return tarn_fail(err, TARN_TOO_LARGE, "formatting a statement failed");
    enum tarn_status status = tarn_session_run(session, text, NULL, err);
    free(text);
    return status;
}

static enum tarn_status prepare(struct tarn_session *session, const char *sql,
                                duckdb_prepared_statement *ret_statement, struct tarn_error *err)
{
    duckdb_prepared_statement statement = NULL;
    if (duckdb_prepare(session->connection, sql, &statement) == DuckDBError) {
        enum tarn_status status = fail_sql(duckdb_prepare_error(statement), err);
        duckdb_destroy_prepare(&statement);
        return status;
    }
    *ret_statement = statement;
    return TARN_OK;
}

enum tarn_status tarn_session_query(struct tarn_session *session, const char *sql,
                                    const struct tarn_param *params, size_t param_count,
                                    struct tarn_result **ret_result, struct tarn_error *err)
{
    duckdb_prepared_statement statement;
    TARN_TRY(prepare(session, sql, &statement, err));
    enum tarn_status status = bind_params(statement, params, param_count, err);
    if (status != TARN_OK) {
        duckdb_destroy_prepare(&statement);
        return status;
    }
    return start(session, statement, sql, ret_result, err);
}

enum tarn_status tarn_session_query_int(struct tarn_session *session, const char *sql,
                                        int64_t *ret_value, struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(session, sql, &result, err));
    size_t rows;
    TARN_TRY(tarn_result_next(result, &rows, err));
    if (rows != 1 || result->column_count != 1)
        return tarn_fail(err, TARN_SQL, "a query for one value gave %zu rows of %zu columns", rows,
                         result->column_count);
    struct tarn_vector value = tarn_result_vector(result, 0);
    *ret_value = tarn_vector_is_null(&value, 0) ? 0 : tarn_vector_int64(&value, 0);
    return TARN_OK;
}

enum tarn_status tarn_session_describe(struct tarn_session *session, const char *sql,
                                       struct tarn_arena *arena, struct tarn_column **ret_columns,
                                       size_t *ret_count, struct tarn_error *err)
{
    duckdb_prepared_statement statement;
    TARN_TRY(prepare(session, sql, &statement, err));
    size_t count = duckdb_prepared_statement_column_count(statement);
    struct tarn_column *columns = tarn_arena_array(arena, count, sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const char *name = duckdb_prepared_statement_column_name(statement, i);
        duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(statement, i);
        columns[i] = (struct tarn_column){tarn_arena_strdup(arena, name),
                                          tarn_type_from_duckdb(type, arena)};
        duckdb_free((void *)name);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_destroy_prepare(&statement);
    *ret_columns = columns;
    *ret_count = count;
    return TARN_OK;
}

void tarn_result_free(struct tarn_result *result)
{
    if (!result)
        return;
    if (result->traced_sql)
        trace(result);
    free(result->traced_sql);
    if (result->chunk)
        duckdb_destroy_data_chunk(&result->chunk);
    duckdb_destroy_result(&result->result);
    duckdb_destroy_prepare(&result->statement);
    tarn_helpers_leave(result->session->engine);
    tarn_arena_free(result->arena);
    free(result);
}

size_t tarn_result_column_count(const struct tarn_result *result)
{
    return result->column_count;
}

const char *tarn_result_name(const struct tarn_result *result, size_t column)
{
    return result->columns[column].name;
}

const struct tarn_type *tarn_result_type(const struct tarn_result *result, size_t column)
{
    return result->columns[column].type;
}

bool tarn_result_has_rows(const struct tarn_result *result)
{
    return duckdb_result_return_type(result->result) == DUCKDB_RESULT_TYPE_QUERY_RESULT;
}

uint64_t tarn_result_changed(const struct tarn_result *result)
{
    return duckdb_rows_changed((duckdb_result *)&result->result);
}

enum tarn_status tarn_result_next(struct tarn_result *result, size_t *ret_rows,
                                  struct tarn_error *err)
{
    if (result->chunk)
        duckdb_destroy_data_chunk(&result->chunk);
    result->chunk = duckdb_fetch_chunk(result->result);
    if (!result->chunk) {
        const char *message = duckdb_result_error(&result->result);
        if (message && *message)
            return fail_sql(message, err);
        *ret_rows = 0;
        return TARN_OK;
    }
    *ret_rows = duckdb_data_chunk_get_size(result->chunk);
    return TARN_OK;
}

struct tarn_vector tarn_result_vector(const struct tarn_result *result, size_t column)
{
    return tarn_vector_of(duckdb_data_chunk_get_vector(result->chunk, column),
                          result->columns[column].type);
}

static void quote(struct tarn_buffer *sql, struct tarn_text text, char mark)
{
    tarn_buffer_append_char(sql, mark);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == mark)
            tarn_buffer_append_char(sql, mark);
        tarn_buffer_append_char(sql, text.data[i]);
    }
    tarn_buffer_append_char(sql, mark);
}

void tarn_sql_identifier(struct tarn_buffer *sql, const char *name)
{
    quote(sql, tarn_text_of(name), '"');
}

void tarn_sql_literal(struct tarn_buffer *sql, struct tarn_text text)
{
    quote(sql, text, '\'');
}

char *tarn_sql_identifier_in(struct tarn_arena *arena, const char *name)
{
    TARN_BUFFER(out, SQL_MAX_BYTES);
    tarn_sql_identifier(&out, name);
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}

char *tarn_sql_literal_in(struct tarn_arena *arena, const char *text)
{
    TARN_BUFFER(out, SQL_MAX_BYTES);
    tarn_sql_literal(&out, tarn_text_of(text));
    return tarn_arena_strdup(arena, tarn_buffer_str(&out));
}
