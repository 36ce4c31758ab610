/* base/progress.c -- see progress.h. The live lines stand below everything else and are cleared
 * before anything is printed. */
#include "base/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { REDRAW_US = 80 * 1000, LIVE_LINES_MAX = 8, COLUMNS_DEFAULT = 80 };

struct tarn_progress {
    pthread_mutex_t lock;
    bool quiet;
    bool terminal;
    int live_lines;                    /* unfinished lines that stand on the terminal */
    struct tarn_progress_step *oldest; /* those that run, in the order they began */
    int64_t last_draw_us;
};

struct tarn_progress_step {
    struct tarn_progress *progress;
    struct tarn_progress_step *next;
    char *label;
    uint64_t total;
    uint64_t done;
    int64_t start_us;
};

struct tarn_progress *tarn_progress_new(bool quiet)
{
    struct tarn_progress *progress = tarn_alloc(sizeof *progress);
    pthread_mutex_init(&progress->lock, NULL);
    progress->quiet = quiet;
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

/* The cursor stands below the live lines. */
static void clear_live_lines(struct tarn_progress *progress)
{
    if (progress->live_lines)
        fprintf(stderr, "\033[%dA\r\033[J", progress->live_lines);
    progress->live_lines = 0;
}

void tarn_progress_free(struct tarn_progress *progress)
{
    if (!progress)
        return;
    clear_live_lines(progress);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : COLUMNS_DEFAULT;
}

static void draw_step(const struct tarn_progress_step *step, int64_t now, int columns)
{
    double seconds = (double)(now - step->start_us) / 1e6;
    char line[300];
    if (step->total)
        snprintf(line, sizeof line, "%-28s %3.0f %%  %.1f s", step->label,
                 100.0 * (double)step->done / (double)step->total, seconds);
    else
        snprintf(line, sizeof line, "%-28s %.1f s", step->label, seconds);
    /* cut, since a line that wraps could not be cleared */
    fprintf(stderr, "  \033[36m…\033[0m %.*s\n", columns > 5 ? columns - 5 : 1, line);
}

static void draw(struct tarn_progress *progress)
{
    int64_t now = tarn_monotonic_us();
    if (progress->quiet || !progress->terminal || now - progress->last_draw_us < REDRAW_US)
        return;
    progress->last_draw_us = now;
    clear_live_lines(progress);
    int columns = terminal_columns();
    for (const struct tarn_progress_step *step = progress->oldest;
         step && progress->live_lines < LIVE_LINES_MAX; step = step->next) {
        draw_step(step, now, columns);
        progress->live_lines++;
    }
    fflush(stderr);
}

struct tarn_progress_step *tarn_progress_begin(struct tarn_progress *progress, const char *label,
                                               uint64_t total)
{
    if (!progress)
        return NULL;
    struct tarn_progress_step *step = tarn_alloc(sizeof *step);
    step->progress = progress;
    step->label = tarn_strdup(label);
    step->total = total;
    step->start_us = tarn_monotonic_us();
    pthread_mutex_lock(&progress->lock);
    struct tarn_progress_step **end = &progress->oldest;
    while (*end)
        end = &(*end)->next;
    *end = step;
    progress->last_draw_us = 0;
    draw(progress);
    pthread_mutex_unlock(&progress->lock);
    return step;
}

void tarn_progress_advance(struct tarn_progress_step *step, uint64_t done_units)
{
    if (!step)
        return;
    pthread_mutex_lock(&step->progress->lock);
    step->done += done_units;
    draw(step->progress);
    pthread_mutex_unlock(&step->progress->lock);
}

static void unlink_step(struct tarn_progress_step *step)
{
    struct tarn_progress_step **at = &step->progress->oldest;
    while (*at != step)
        at = &(*at)->next;
    *at = step->next;
}

void tarn_progress_end(struct tarn_progress_step *step, bool ok, const char *detail_format, ...)
{
    if (!step)
        return;
    struct tarn_progress *progress = step->progress;
    char detail[1000];
    va_list args;
    va_start(args, detail_format);
    vsnprintf(detail, sizeof detail, detail_format, args);
    va_end(args);
    double seconds = (double)(tarn_monotonic_us() - step->start_us) / 1e6;
    pthread_mutex_lock(&progress->lock);
    unlink_step(step);
    if (!progress->quiet) {
        clear_live_lines(progress);
        const char *mark = progress->terminal ? (ok ? "\033[32m✓\033[0m" : "\033[31m✗\033[0m")
                                              : (ok ? "ok  " : "FAIL");
        fprintf(stderr, "  %s %-28s %-44s %6.2f s\n", mark, step->label, detail, seconds);
        progress->last_draw_us = 0;
        draw(progress);
    }
    pthread_mutex_unlock(&progress->lock);
    free(step->label);
    free(step);
}

void tarn_progress_say(struct tarn_progress *progress, const char *format, ...)
{
    if (!progress || progress->quiet)
        return;
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&progress->lock);
    clear_live_lines(progress);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    progress->last_draw_us = 0;
    draw(progress);
    pthread_mutex_unlock(&progress->lock);
    va_end(args);
}

void tarn_summary_write(const char *format, ...)
{
    const char *path = getenv("TARN_SUMMARY_FILE");
    FILE *file = path && *path ? fopen(path, "we") : NULL;
    if (!file)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
}
