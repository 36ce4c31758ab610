/* base/log.c -- see log.h. */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static _Atomic int current_level = -1;

void tarn_log_set_level(enum tarn_log_level level)
{
    atomic_store(&current_level, (int)level);
}

enum tarn_log_level tarn_log_level(void)
{
    int level = atomic_load(&current_level);
    if (level >= 0)
        return (enum tarn_log_level)level;
    level = TARN_LOG_WARN;
    const char *wanted = getenv("TARN_LOG");
    for (int i = 0; wanted && i < 4; i++)
        if (strcmp(wanted, level_names[i]) == 0)
            level = i;
    atomic_store(&current_level, level);
    return (enum tarn_log_level)level;
}

static void format_text(struct tarn_buffer *line, enum tarn_log_level level, const char *message,
                        const struct tarn_log_field *fields, size_t count)
{
    char time[TARN_TIME_TEXT_BYTES];
    tarn_time_format(tarn_now_us(), time);
    tarn_buffer_printf(line, "%.8s %-5s %s", time + 11, level_names[level], message);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text)
            tarn_buffer_printf(line, "  %s=%s", fields[i].name, fields[i].text);
        else
            tarn_buffer_printf(line, "  %s=%lld", fields[i].name, fields[i].number);
    }
}

static void format_json(struct tarn_buffer *line, enum tarn_log_level level, const char *message,
                        const struct tarn_log_field *fields, size_t count)
{
    char time[TARN_TIME_TEXT_BYTES];
    struct tarn_json_writer w = tarn_json_writer(line, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "time", tarn_time_format(tarn_now_us(), time));
    tarn_json_put_str(&w, "level", level_names[level]);
    tarn_json_put_str(&w, "message", message);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text)
            tarn_json_put_str(&w, fields[i].name, fields[i].text);
        else
            tarn_json_put_int(&w, fields[i].name, fields[i].number);
    }
    tarn_json_object_end(&w);
}

void tarn_log_fields(enum tarn_log_level level, const char *message,
                     const struct tarn_log_field *fields, size_t count)
{
    if (level < tarn_log_level())
        return;
    TARN_BUFFER(line, 1 << 20);
    if (isatty(STDERR_FILENO))
        format_text(&line, level, message, fields, count);
    else
        format_json(&line, level, message, fields, count);
    tarn_buffer_append_char(&line, '\n');
    ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
    (void)ignored; /* nowhere left to report a failing standard error */
}
