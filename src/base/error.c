/* base/error.c -- formatting of errors and the translation of a status to what each edge needs. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_row {
    const char *name;
    const char *text;
    int http;
    int exit_code;
    bool retriable;
};

static const struct status_row status_rows[] = {
#define X(name, kafka, http, exit_code, retry, text)                                               \
    [TARN_##name] = {#name, text, http, exit_code, retry},
    TARN_STATUS_MAP(X)
#undef X
};

static void mark_truncated(struct tarn_error *err, int wanted)
{
    if (wanted >= (int)sizeof err->text)
        memcpy(err->text + sizeof err->text - 4, "...", 4);
}

enum tarn_status tarn_fail(struct tarn_error *err, enum tarn_status status, const char *format, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, format);
    err->status = status;
    mark_truncated(err, vsnprintf(err->text, sizeof err->text, format, args));
    va_end(args);
    return status;
}

static enum tarn_status status_of_errno(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return TARN_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return TARN_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TARN_NO_SPACE;
    case EEXIST:
        return TARN_EXISTS;
    case ETIMEDOUT:
        return TARN_TIMEOUT;
    default:
        return TARN_IO;
    }
}

enum tarn_status tarn_fail_errno(struct tarn_error *err, const char *format, ...)
{
    int code = errno;
    enum tarn_status status = status_of_errno(code);
    if (!err)
        return status;
    char what[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return tarn_fail(err, status, "%s: %s", what, strerror(code));
}

enum tarn_status tarn_error_wrap(struct tarn_error *err, const char *format, ...)
{
    if (!err)
        return TARN_INTERNAL;
    char context[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    mark_truncated(err, snprintf(err->text, sizeof err->text, "%s: %s", context, inner));
    return err->status;
}

const char *tarn_status_name(enum tarn_status status)
{
    return status_rows[status].name;
}

const char *tarn_status_text(enum tarn_status status)
{
    return status_rows[status].text;
}

int tarn_status_exit_code(enum tarn_status status)
{
    return status_rows[status].exit_code;
}

int tarn_status_http(enum tarn_status status)
{
    return status_rows[status].http;
}

bool tarn_status_retriable(enum tarn_status status)
{
    return status_rows[status].retriable;
}
