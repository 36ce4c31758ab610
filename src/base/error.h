/* base/error.h -- every outcome in the program; the edges translate from this one list.
 *
 * A function that can fail returns enum tarn_status and takes `struct tarn_error *err` last. Its
 * outputs are untouched on failure. Nobody below an edge (a command, a task, a request) logs or
 * exits. */
#ifndef TARN_BASE_ERROR_H
#define TARN_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define CHECKED __attribute__((warn_unused_result))
#define TARN_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

#define TARN_STATUS_MAP(X)                                                                         \
    /* name           kafka http exit retry  text */                                               \
    X(OK, 0, 200, 0, false, "ok")                                                                  \
    X(CHECKS_FAILED, -1, 200, 1, false, "checks failed")                                           \
    X(USAGE, 42, 400, 2, false, "usage error")                                                     \
    X(CONFIG, 42, 400, 2, false, "configuration error")                                            \
    X(INVALID, 42, 400, 3, false, "invalid input")                                                 \
    X(NOT_FOUND, 3, 404, 2, false, "not found")                                                    \
    X(EXISTS, 36, 409, 3, false, "already exists")                                                 \
    X(CONFLICT, -1, 409, 3, true, "lost a race with another writer")                               \
    X(TOO_LARGE, 10, 413, 3, false, "over a limit")                                                \
    X(UNSUPPORTED, 35, 501, 3, false, "not supported")                                             \
    X(CORRUPT, 2, 500, 3, false, "damaged data")                                                   \
    X(SQL, -1, 400, 3, false, "SQL error")                                                         \
    X(IO, 56, 500, 3, true, "i/o failed")                                                          \
    X(NO_SPACE, 56, 507, 3, false, "no space left")                                                \
    X(PERMISSION, 29, 403, 3, false, "permission denied")                                          \
    X(TIMEOUT, 7, 504, 3, true, "timed out")                                                       \
    X(CANCELLED, -1, 499, 3, false, "cancelled")                                                   \
    X(INTERNAL, -1, 500, 3, false, "internal error")

enum tarn_status {
#define X(name, kafka, http, exit_code, retry, text) TARN_##name,
    TARN_STATUS_MAP(X)
#undef X
};

/* What went wrong, in words for the person who has to mend it:
 * "what was being done, to what (file:line, table, row): what was wrong; what to do". */
struct tarn_error {
    enum tarn_status status;
    char text[4000]; /* NUL-terminated; ends in "..." when it was longer */
};

/* Fills *err (when not NULL) and returns `status`. */
enum tarn_status tarn_fail(struct tarn_error *err, enum tarn_status status, const char *format, ...)
    TARN_PRINTF(3, 4);

/* Like tarn_fail, with ": <strerror(errno)>" appended and the status that fits errno
 * (NOT_FOUND, PERMISSION, NO_SPACE, EXISTS, otherwise IO). */
enum tarn_status tarn_fail_errno(struct tarn_error *err, const char *format, ...) TARN_PRINTF(2, 3);

/* Puts "<context>: " before the text that is there and returns err->status: for a caller that knows
 * what was being done while the callee knew what was wrong. */
enum tarn_status tarn_error_wrap(struct tarn_error *err, const char *format, ...) TARN_PRINTF(2, 3);

const char *tarn_status_name(enum tarn_status status); /* "NOT_FOUND" */
const char *tarn_status_text(enum tarn_status status);
int tarn_status_exit_code(enum tarn_status status);
int tarn_status_http(enum tarn_status status);
bool tarn_status_retriable(enum tarn_status status);

/* Returns from the calling function when the expression is not TARN_OK. */
#define TARN_TRY(expression)                                                                       \
    do {                                                                                           \
        enum tarn_status try_status_ = (expression);                                               \
        if (try_status_ != TARN_OK)                                                                \
            return try_status_;                                                                    \
    } while (0)

#endif
