/* store/state.c -- see state.h. One connection per state behind a recursive lock; statements are
 * cached by their text. */
#include "store/state.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "store/migrations.h"

enum { BUSY_TIMEOUT_MS = 30000, CACHED_STATEMENTS_MAX = 256 };

struct tarn_statement {
    struct tarn_state *state;
    char *sql;
    sqlite3_stmt *prepared;
};

struct tarn_state {
    sqlite3 *db;
    char *path;
    pthread_mutex_t lock; /* recursive: a transaction's work begins statements */
    int transaction_depth;
    struct tarn_statement *cache[CACHED_STATEMENTS_MAX];
    size_t cached;
};

static enum tarn_status fail_sqlite(struct tarn_state *state, const char *what,
                                    struct tarn_error *err)
{
    int code = sqlite3_errcode(state->db);
    enum tarn_status status = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? TARN_TIMEOUT
                              : code == SQLITE_FULL                             ? TARN_NO_SPACE
                              : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? TARN_CORRUPT
                              : code == SQLITE_READONLY || code == SQLITE_PERM  ? TARN_PERMISSION
                              : code == SQLITE_CONSTRAINT                       ? TARN_EXISTS
                                                                                : TARN_IO;
    const char *remedy = status == TARN_NO_SPACE  ? "; free some space and try again"
                         : status == TARN_TIMEOUT ? "; another process held it too long: try again"
                         : status == TARN_CORRUPT ? "; `tarn doctor` tells more"
                                                  : "";
    return tarn_fail(err, status, "%s in %s: %s%s", what, state->path, sqlite3_errmsg(state->db),
                     remedy);
}

static enum tarn_status run_plain(struct tarn_state *state, const char *sql, const char *what,
                                  struct tarn_error *err)
{
    if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(state, what, err);
    return TARN_OK;
}

static enum tarn_status schema_version(struct tarn_state *state, int *ret_version,
                                       struct tarn_error *err)
{
    struct tarn_statement *statement;
    bool row = false;
    TARN_TRY(tarn_statement_begin(state, "PRAGMA user_version", &statement, err));
    enum tarn_status status = tarn_statement_step(statement, &row, err);
    if (status == TARN_OK)
        *ret_version = (int)tarn_column_int(statement, 0);
    tarn_statement_end(statement);
    return status;
}

static enum tarn_status apply_migrations(struct tarn_state *state, void *context,
                                         struct tarn_error *err)
{
    (void)context;
    int version;
    TARN_TRY(schema_version(state, &version, err));
    for (size_t i = 0; i < TARN_COUNT(tarn_migrations); i++) {
        const struct tarn_migration *migration = &tarn_migrations[i];
        if (migration->version <= version)
            continue;
        char mark[64];
        TARN_TRY(run_plain(state, migration->sql, migration->name, err));
        snprintf(mark, sizeof mark, "PRAGMA user_version = %d", migration->version);
        TARN_TRY(run_plain(state, mark, migration->name, err));
    }
    return TARN_OK;
}

static enum tarn_status migrate(struct tarn_state *state, struct tarn_error *err)
{
    int newest = tarn_migrations[TARN_COUNT(tarn_migrations) - 1].version, version;
    TARN_TRY(schema_version(state, &version, err));
    if (version > newest)
        return tarn_fail(
            err, TARN_CONFIG,
            "opening %s: it was written by a newer Tarn (schema %d, this one knows %d); "
            "use that version",
            state->path, version, newest);
    if (version == newest)
        return TARN_OK;
    return tarn_state_transaction(state, apply_migrations, NULL, err);
}

/* SQLite gives up at once, without waiting, when two processes turn to WAL at the same time or one
 * opens the file while the last other one closes it. */
static enum tarn_status turn_to_wal(struct tarn_state *state, struct tarn_error *err)
{
    int64_t deadline = tarn_monotonic_us() + BUSY_TIMEOUT_MS * 1000ll;
    for (;;) {
        enum tarn_status status =
            run_plain(state, "PRAGMA journal_mode = WAL", "opening the state", err);
        if (status != TARN_TIMEOUT || tarn_monotonic_us() > deadline)
            return status;
        sqlite3_sleep(1 + (int)(tarn_monotonic_us() % 5)); /* apart from the others */
    }
}

static enum tarn_status prepare_connection(struct tarn_state *state, struct tarn_error *err)
{
    sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS);
    TARN_TRY(turn_to_wal(state, err));
    TARN_TRY(run_plain(state, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                       "opening the state", err));
    return migrate(state, err);
}

enum tarn_status tarn_state_open(const char *path, struct tarn_state **ret_state,
                                 struct tarn_error *err)
{
    struct tarn_state *state = tarn_alloc(sizeof *state);
    state->path = tarn_strdup(path);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&state->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    enum tarn_status status = TARN_OK;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &state->db, flags, NULL) != SQLITE_OK)
        status = fail_sqlite(state, "opening the state", err);
    if (status == TARN_OK)
        status = prepare_connection(state, err);
    if (status != TARN_OK) {
        tarn_state_close(state);
        return status;
    }
    *ret_state = state;
    return TARN_OK;
}

static void statement_free(struct tarn_statement *statement)
{
    sqlite3_finalize(statement->prepared);
    free(statement->sql);
    free(statement);
}

void tarn_state_close(struct tarn_state *state)
{
    if (!state)
        return;
    for (size_t i = 0; i < state->cached; i++)
        statement_free(state->cache[i]);
    sqlite3_close(state->db);
    pthread_mutex_destroy(&state->lock);
    free(state->path);
    free(state);
}

const char *tarn_state_path(const struct tarn_state *state)
{
    return state->path;
}

static enum tarn_status run_transaction(struct tarn_state *state,
                                        enum tarn_status (*work)(struct tarn_state *, void *,
                                                                 struct tarn_error *),
                                        void *context, struct tarn_error *err)
{
    if (state->transaction_depth > 0) {
        state->transaction_depth++;
        enum tarn_status status = work(state, context, err);
        state->transaction_depth--;
        return status;
    }
    TARN_TRY(run_plain(state, "BEGIN IMMEDIATE", "starting a transaction", err));
    state->transaction_depth = 1;
    enum tarn_status status = work(state, context, err);
    state->transaction_depth = 0;
    if (status == TARN_OK)
        status = run_plain(state, "COMMIT", "committing", err);
    if (status != TARN_OK)
        (void)sqlite3_exec(state->db, "ROLLBACK", NULL, NULL,
                           NULL); /* the first error is the one to report */
    return status;
}

enum tarn_status tarn_state_transaction(struct tarn_state *state,
                                        enum tarn_status (*work)(struct tarn_state *, void *,
                                                                 struct tarn_error *),
                                        void *context, struct tarn_error *err)
{
    pthread_mutex_lock(&state->lock);
    enum tarn_status status = run_transaction(state, work, context, err);
    pthread_mutex_unlock(&state->lock);
    return status;
}

static struct tarn_statement *find_cached(struct tarn_state *state, const char *sql)
{
    for (size_t i = 0; i < state->cached; i++)
        if (!sqlite3_stmt_busy(state->cache[i]->prepared) && strcmp(state->cache[i]->sql, sql) == 0)
            return state->cache[i];
    return NULL;
}

static enum tarn_status prepare(struct tarn_state *state, const char *sql,
                                struct tarn_statement **ret_statement, struct tarn_error *err)
{
    sqlite3_stmt *prepared;
    if (sqlite3_prepare_v3(state->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, NULL) !=
        SQLITE_OK)
        return fail_sqlite(state, "preparing a statement", err);
    struct tarn_statement *statement = tarn_alloc(sizeof *statement);
    *statement = (struct tarn_statement){state, tarn_strdup(sql), prepared};
    if (state->cached == CACHED_STATEMENTS_MAX)
        statement_free(state->cache[--state->cached]);
    state->cache[state->cached++] = statement;
    *ret_statement = statement;
    return TARN_OK;
}

enum tarn_status tarn_statement_begin(struct tarn_state *state, const char *sql,
                                      struct tarn_statement **ret_statement, struct tarn_error *err)
{
    pthread_mutex_lock(&state->lock);
    struct tarn_statement *statement = find_cached(state, sql);
    enum tarn_status status = statement ? TARN_OK : prepare(state, sql, &statement, err);
    if (status != TARN_OK) {
        pthread_mutex_unlock(&state->lock);
        return status;
    }
    *ret_statement = statement;
    return TARN_OK;
}

void tarn_statement_end(struct tarn_statement *statement)
{
    if (!statement)
        return;
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    pthread_mutex_unlock(&statement->state->lock);
}

void tarn_bind_int(struct tarn_statement *statement, int index, int64_t value)
{
    int code = sqlite3_bind_int64(statement->prepared, index, value);
    assert(code == SQLITE_OK);
    (void)code;
}

void tarn_bind_double(struct tarn_statement *statement, int index, double value)
{
    int code = sqlite3_bind_double(statement->prepared, index, value);
    assert(code == SQLITE_OK);
    (void)code;
}

void tarn_bind_text(struct tarn_statement *statement, int index, struct tarn_text text)
{
    int code = sqlite3_bind_text64(statement->prepared, index, text.data, text.len,
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    assert(code == SQLITE_OK || code == SQLITE_TOOBIG);
    (void)code;
}

void tarn_bind_str(struct tarn_statement *statement, int index, const char *text)
{
    if (text)
        tarn_bind_text(statement, index, tarn_text_of(text));
    else
        sqlite3_bind_null(statement->prepared, index);
}

enum tarn_status tarn_statement_step(struct tarn_statement *statement, bool *ret_row,
                                     struct tarn_error *err)
{
    int code = sqlite3_step(statement->prepared);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail_sqlite(statement->state, "running a statement", err);
    *ret_row = code == SQLITE_ROW;
    return TARN_OK;
}

enum tarn_status tarn_statement_finish(struct tarn_statement *statement, int64_t *ret_changed,
                                       struct tarn_error *err)
{
    bool row;
    do {
        TARN_TRY(tarn_statement_step(statement, &row, err));
    } while (row);
    if (ret_changed)
        *ret_changed = sqlite3_changes64(statement->state->db);
    return TARN_OK;
}

int64_t tarn_column_int(struct tarn_statement *statement, int index)
{
    return sqlite3_column_int64(statement->prepared, index);
}

double tarn_column_double(struct tarn_statement *statement, int index)
{
    return sqlite3_column_double(statement->prepared, index);
}

bool tarn_column_is_null(struct tarn_statement *statement, int index)
{
    return sqlite3_column_type(statement->prepared, index) == SQLITE_NULL;
}

const char *tarn_column_str(struct tarn_statement *statement, int index)
{
    return (const char *)sqlite3_column_text(statement->prepared, index);
}

int64_t tarn_state_last_id(struct tarn_state *state)
{
    return sqlite3_last_insert_rowid(state->db);
}

const char *tarn_state_library_version(void)
{
    return sqlite3_libversion();
}

enum tarn_status tarn_state_check(struct tarn_state *state, struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    bool row = false;
    TARN_TRY(tarn_statement_begin(state, "PRAGMA integrity_check(1)", &s, err));
    TARN_TRY(tarn_statement_step(s, &row, err));
    const char *found = row ? tarn_column_str(s, 0) : NULL;
    if (!found || strcmp(found, "ok") != 0)
        return tarn_fail(err, TARN_CORRUPT, "checking %s: %s", state->path,
                         found ? found : "no answer");
    return TARN_OK;
}
