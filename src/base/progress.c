/* base/progress.c -- see progress.h. The live line belongs to the step that moved last. */
#include "base/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { REDRAW_US = 80 * 1000 };

struct tarn_progress {
    pthread_mutex_t lock;
    bool quiet;
    bool terminal;
    bool live_line; /* an unfinished line stands on the terminal */
    int64_t last_draw_us;
};

struct tarn_progress_step {
    struct tarn_progress *progress;
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

static void clear_live_line(struct tarn_progress *progress)
{
    if (progress->live_line)
        fputs("\r\033[K", stderr);
    progress->live_line = false;
}

void tarn_progress_free(struct tarn_progress *progress)
{
    if (!progress)
        return;
    clear_live_line(progress);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

static void draw(struct tarn_progress_step *step)
{
    struct tarn_progress *progress = step->progress;
    int64_t now = tarn_monotonic_us();
    if (progress->quiet || !progress->terminal || now - progress->last_draw_us < REDRAW_US)
        return;
    progress->last_draw_us = now;
    clear_live_line(progress);
    double seconds = (double)(now - step->start_us) / 1e6;
    if (step->total)
        fprintf(stderr, "  \033[36m…\033[0m %-28s %3.0f %%  %.1f s", step->label,
                100.0 * (double)step->done / (double)step->total, seconds);
    else
        fprintf(stderr, "  \033[36m…\033[0m %-28s %.1f s", step->label, seconds);
    fflush(stderr);
    progress->live_line = true;
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
    progress->last_draw_us = 0;
    draw(step);
    pthread_mutex_unlock(&progress->lock);
    return step;
}

void tarn_progress_advance(struct tarn_progress_step *step, uint64_t done_units)
{
    if (!step)
        return;
    pthread_mutex_lock(&step->progress->lock);
    step->done += done_units;
    draw(step);
    pthread_mutex_unlock(&step->progress->lock);
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
    if (!progress->quiet) {
        clear_live_line(progress);
        const char *mark = progress->terminal ? (ok ? "\033[32m✓\033[0m" : "\033[31m✗\033[0m")
                                              : (ok ? "ok  " : "FAIL");
        fprintf(stderr, "  %s %-28s %-44s %6.2f s\n", mark, step->label, detail, seconds);
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
    clear_live_line(progress);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
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
