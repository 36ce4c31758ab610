/* engine/session.h -- DuckDB as Tarn uses it: an in-memory compute engine over files.
 *
 * An engine is one DuckDB instance (limits, threads, catalog); a session is one connection and
 * belongs to one thread at a time. Any number of sessions run at once; each sees the others'
 * committed views. Results stream in chunks: a session has at most one open result, and running
 * anything else on it ends that result; small results are better fetched whole, which binds the
 * statement once instead of twice. Nothing here is ever the truth: no .duckdb file is written.
 * This folder is the only one that includes duckdb.h. */
#ifndef TARN_ENGINE_SESSION_H
#define TARN_ENGINE_SESSION_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "engine/type.h"

struct tarn_engine;
struct tarn_session;
struct tarn_result;

struct tarn_engine_options {
    uint64_t memory_limit_bytes; /* 0: 60 % of the machine's memory, DuckDB's share */
    unsigned threads;            /* 0: all cores this process may use */
    const char *temp_directory;  /* where queries spill; NULL: $TMPDIR or /tmp */
    uint64_t max_temp_bytes;     /* 0: 90 % of what is free there */
    const char *catalog; /* name of the database in SQL ("tarn"."silver"."t"); NULL: "tarn" */
};

/* With TARN_TRACE_SQL=FILE in the environment every statement is appended to FILE with its time. */
CHECKED enum tarn_status tarn_engine_open(const struct tarn_engine_options *options,
                                          struct tarn_engine **ret_engine, struct tarn_error *err);
void tarn_engine_close(struct tarn_engine *engine); /* all sessions closed before; NULL is fine */
/* Instead of closing it at the end of a process that ends with _exit: DuckDB takes some 15 ms to
 * give back memory that goes anyway. Spill files are removed. */
void tarn_engine_leave(struct tarn_engine *engine);
/* "v1.5.6" */
const char *tarn_engine_library_version(void);
unsigned tarn_engine_threads(const struct tarn_engine *engine);
const char *tarn_engine_catalog(const struct tarn_engine *engine);
/* Tells this engine from every other one that this process ever opens. */
uint64_t tarn_engine_identity(const struct tarn_engine *engine);

CHECKED enum tarn_status tarn_session_open(struct tarn_engine *engine,
                                           struct tarn_session **ret_session,
                                           struct tarn_error *err);
void tarn_session_close(struct tarn_session *session); /* NULL is fine */
struct tarn_engine *tarn_session_engine(struct tarn_session *session);
/* From any thread: the running statement ends with CANCELLED within milliseconds. */
void tarn_session_interrupt(struct tarn_session *session);
/* From here on tarn_session_progress tells how far a statement is. Not on from the start, since the
 * watching costs many short statements a fifth of their time. */
CHECKED enum tarn_status tarn_session_watch(struct tarn_session *session, struct tarn_error *err);
/* From any thread: 0 to 1 for the running statement, below 0 when unknown. */
double tarn_session_progress(struct tarn_session *session);

/* A bound parameter ($1, $2, ... or ?). */
struct tarn_param {
    enum {
        TARN_PARAM_NULL,
        TARN_PARAM_INT,
        TARN_PARAM_DOUBLE,
        TARN_PARAM_TEXT,
        TARN_PARAM_BLOB
    } kind;
    int64_t integer;
    double real;
    struct tarn_text text;
};
#define TARN_PARAM_I(value) ((struct tarn_param){.kind = TARN_PARAM_INT, .integer = (value)})
#define TARN_PARAM_T(value) ((struct tarn_param){.kind = TARN_PARAM_TEXT, .text = (value)})
#define TARN_PARAM_S(value) TARN_PARAM_T(tarn_text_of(value))

/* Runs every statement of `sql` (separated by ';') and drops their results. SQL errors carry
 * DuckDB's text with its LINE marker. *ret_changed (may be NULL) is the row count that the last
 * statement reports as changed. */
CHECKED enum tarn_status tarn_session_run(struct tarn_session *session, const char *sql,
                                          uint64_t *ret_changed, struct tarn_error *err);
/* Formats identifiers with %s already quoted by the caller, then runs it. For statements whose only
 * variable parts are identifiers, paths or numbers quoted with
 * tarn_sql_identifier/tarn_sql_literal. */
CHECKED enum tarn_status tarn_session_runf(struct tarn_session *session, struct tarn_error *err,
                                           const char *format, ...) TARN_PRINTF(3, 4);
/* Starts one statement; rows come with tarn_result_next. Free the result before closing the
 * session. */
CHECKED enum tarn_status tarn_session_query(struct tarn_session *session, const char *sql,
                                            const struct tarn_param *params, size_t param_count,
                                            struct tarn_result **ret_result,
                                            struct tarn_error *err);
/* The same for a result that is known to be small: it is kept in memory as a whole, and starting it
 * takes half the time. */
CHECKED enum tarn_status tarn_session_fetch(struct tarn_session *session, const char *sql,
                                            struct tarn_result **ret_result,
                                            struct tarn_error *err);
/* One value as int64 from a query that gives one row and one column; NULL counts as 0. */
CHECKED enum tarn_status tarn_session_query_int(struct tarn_session *session, const char *sql,
                                                int64_t *ret_value, struct tarn_error *err);
/* Result columns of a statement without running it, in `arena`. */
CHECKED enum tarn_status tarn_session_describe(struct tarn_session *session, const char *sql,
                                               struct tarn_arena *arena,
                                               struct tarn_column **ret_columns, size_t *ret_count,
                                               struct tarn_error *err);

void tarn_result_free(
    struct tarn_result *result); /* NULL is fine; usable through TARN_AUTO_RESULT */
size_t tarn_result_column_count(const struct tarn_result *result);
const char *tarn_result_name(const struct tarn_result *result, size_t column);
const struct tarn_type *tarn_result_type(const struct tarn_result *result, size_t column);
/* False: the statement gives no rows by nature (DDL, SET, COPY without RETURN_STATS gives a count
 * row). */
bool tarn_result_has_rows(const struct tarn_result *result);
uint64_t tarn_result_changed(const struct tarn_result *result);
/* Loads the next chunk (up to 2048 rows); *ret_rows is 0 at the end. Vectors and texts of the
 * previous chunk end. */
CHECKED enum tarn_status tarn_result_next(struct tarn_result *result, size_t *ret_rows,
                                          struct tarn_error *err);
struct tarn_vector tarn_result_vector(const struct tarn_result *result, size_t column);

static inline void tarn_auto_result_(struct tarn_result **result)
{
    tarn_result_free(*result);
}
#define TARN_AUTO_RESULT __attribute__((cleanup(tarn_auto_result_)))

/* Appends "identifier" with doubled quotes. The only way a name enters SQL. */
void tarn_sql_identifier(struct tarn_buffer *sql, const char *name);
/* Appends 'literal' with doubled quotes. */
void tarn_sql_literal(struct tarn_buffer *sql, struct tarn_text text);
char *tarn_sql_identifier_in(struct tarn_arena *arena, const char *name);
char *tarn_sql_literal_in(struct tarn_arena *arena, const char *text);

#endif
