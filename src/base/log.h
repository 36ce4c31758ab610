/* base/log.h -- structured log lines on standard error: text on a terminal, one JSON object a line
 * elsewhere.
 *
 *   tarn_log(TARN_LOG_INFO, "committed", TARN_LOG_STR("table", table), TARN_LOG_INT("rows", rows));
 *
 * Only edges log. Thread-safe: a line is one write. The level is one of the two mutable globals of
 * the program. */
#ifndef TARN_BASE_LOG_H
#define TARN_BASE_LOG_H

#include "base/error.h"

enum tarn_log_level { TARN_LOG_DEBUG, TARN_LOG_INFO, TARN_LOG_WARN, TARN_LOG_ERROR };

void tarn_log_set_level(
    enum tarn_log_level level); /* default WARN; TARN_LOG=debug|info|warn|error sets it */
enum tarn_log_level tarn_log_level(void);
struct tarn_log_field {
    const char *name;
    const char *text; /* NULL: the number is meant */
    long long number;
};
void tarn_log_fields(enum tarn_log_level level, const char *message,
                     const struct tarn_log_field *fields, size_t count);
#define TARN_LOG_STR(name, value) ((struct tarn_log_field){(name), (value) ? (value) : "", 0})
#define TARN_LOG_INT(name, value) ((struct tarn_log_field){(name), NULL, (long long)(value)})
#define tarn_log(level, message, ...)                                                              \
    tarn_log_fields((level), (message), (struct tarn_log_field[]){__VA_ARGS__},                    \
                    sizeof((struct tarn_log_field[]){__VA_ARGS__}) /                               \
                        sizeof(struct tarn_log_field))

#endif
