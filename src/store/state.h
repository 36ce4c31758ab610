/* store/state.h -- the project's SQLite state file: catalog pointers, loads, runs, results.
 *
 * Opened in WAL mode with synchronous=FULL, so a committed transaction survives a crash and any
 * number of processes read while one writes. A tarn_state is thread-safe through one lock:
 * transactions are short, and nothing slow runs inside one. Every concern has a file of its own
 * beside this one with one typed function per statement, and its tables in
 * store/migrations/NNN_<concern>.sql. */
#ifndef TARN_STORE_STATE_H
#define TARN_STORE_STATE_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

struct tarn_state;
struct tarn_statement;

/* Opens or creates the file and brings its schema up to date. CONFIG when the file was written by a
 * newer Tarn; CORRUPT when it is no SQLite file. */
CHECKED enum tarn_status tarn_state_open(const char *path, struct tarn_state **ret_state,
                                         struct tarn_error *err);
void tarn_state_close(struct tarn_state *state); /* NULL is fine */
/* CORRUPT with what SQLite found when the file is damaged. Reads all of it. */
CHECKED enum tarn_status tarn_state_check(struct tarn_state *state, struct tarn_error *err);
const char *tarn_state_library_version(void); /* "3.40.1" */
const char *tarn_state_path(const struct tarn_state *state);

/* Runs `work` inside one IMMEDIATE transaction: committed when it returns TARN_OK, otherwise rolled
 * back. Waits up to 30 s for another process's transaction. Calls nest: the inner one joins the
 * outer transaction. */
CHECKED enum tarn_status tarn_state_transaction(struct tarn_state *state,
                                                enum tarn_status (*work)(struct tarn_state *state,
                                                                         void *context,
                                                                         struct tarn_error *err),
                                                void *context, struct tarn_error *err);

/* Statements for the files in this folder only. A statement is prepared once per state and SQL
 * text; `begin` takes the state's lock and `end` releases it (also after a failure), so keep what
 * is between short. */
CHECKED enum tarn_status tarn_statement_begin(struct tarn_state *state, const char *sql,
                                              struct tarn_statement **ret_statement,
                                              struct tarn_error *err);
void tarn_statement_end(struct tarn_statement *statement);                      /* NULL is fine */
void tarn_bind_int(struct tarn_statement *statement, int index, int64_t value); /* from 1 */
void tarn_bind_double(struct tarn_statement *statement, int index, double value);
void tarn_bind_str(struct tarn_statement *statement, int index,
                   const char *text); /* NULL binds NULL */
void tarn_bind_text(struct tarn_statement *statement, int index, struct tarn_text text);
/* *ret_row: a row is there to read; false at the end. */
CHECKED enum tarn_status tarn_statement_step(struct tarn_statement *statement, bool *ret_row,
                                             struct tarn_error *err);
/* Steps to the end and drops rows; *ret_changed (may be NULL) is the number of rows changed. */
CHECKED enum tarn_status tarn_statement_finish(struct tarn_statement *statement,
                                               int64_t *ret_changed, struct tarn_error *err);
int64_t tarn_column_int(struct tarn_statement *statement, int index); /* from 0 */
double tarn_column_double(struct tarn_statement *statement, int index);
bool tarn_column_is_null(struct tarn_statement *statement, int index);
/* Valid until the next step or end; NULL for NULL. */
const char *tarn_column_str(struct tarn_statement *statement, int index);
int64_t tarn_state_last_id(struct tarn_state *state);

static inline void tarn_auto_statement_(struct tarn_statement **statement)
{
    tarn_statement_end(*statement);
}
#define TARN_AUTO_STATEMENT __attribute__((cleanup(tarn_auto_statement_)))

#endif
