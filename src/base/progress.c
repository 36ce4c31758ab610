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

enum { REDRAW_US = 80 * 1000, LIVE_LINES_MAX = 8 };
enum { COLUMNS_DEFAULT = 80, COLUMNS_MAX = 100 }; /* times far from their labels are hard to read */
enum { LABEL_COLUMNS = 28, DETAIL_COLUMNS = 44 }; /* unless more is known */
enum { DETAIL_COLUMNS_MIN = 20 };
enum { COUNTED_MAX = 10000 }; /* of more units than that, only the share is shown */
enum { AROUND_COLUMNS = 20 }; /* margin, mark, gaps and the seconds */

enum outcome { OUTCOME_OK, OUTCOME_WARN, OUTCOME_FAILED, OUTCOME_SKIPPED };
static const struct {
    const char *on_terminal;
    const char *elsewhere;
} marks[] = {
    [OUTCOME_OK] = {"\033[32m✓\033[0m", "ok  "},
    [OUTCOME_WARN] = {"\033[33m!\033[0m", "warn"},
    [OUTCOME_FAILED] = {"\033[31m✗\033[0m", "FAIL"},
    [OUTCOME_SKIPPED] = {"\033[2m-\033[0m", "skip"},
};

struct tarn_progress {
    pthread_mutex_t lock;
    bool quiet;
    bool terminal;
    int label_columns;
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
    bool minor;
};

struct tarn_progress *tarn_progress_new(bool quiet)
{
    struct tarn_progress *progress = tarn_alloc(sizeof *progress);
    pthread_mutex_init(&progress->lock, NULL);
    progress->quiet = quiet;
    progress->label_columns = LABEL_COLUMNS;
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

void tarn_progress_label_columns(struct tarn_progress *progress, size_t columns)
{
    if (progress)
        progress->label_columns = columns < COLUMNS_MAX ? (int)columns : COLUMNS_MAX;
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
    int columns = COLUMNS_DEFAULT;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    return columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
}

/* The columns of labels and details on a terminal, side by side within its width. */
static int label_columns(const struct tarn_progress *progress, int columns)
{
    int most = columns - AROUND_COLUMNS - DETAIL_COLUMNS_MIN;
    int wanted = progress->label_columns < most ? progress->label_columns : most;
    return wanted > 1 ? wanted : 1;
}

static int detail_columns(const struct tarn_progress *progress, int columns)
{
    int left = columns - AROUND_COLUMNS - label_columns(progress, columns);
    return left > 1 ? left : 1;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int count_characters(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += begins_character(*text);
    return count;
}

/* The text in exactly `width` columns: filled up, or cut with "…". */
static void put_cell(const char *text, int width)
{
    int count = count_characters(text);
    if (count <= width) {
        fprintf(stderr, "%s%*s", text, width - count, "");
        return;
    }
    const char *end = text;
    for (int left = width; *end && (left > 1 || !begins_character(*end)); end++)
        left -= begins_character(*end);
    fprintf(stderr, "%.*s…", (int)(end - text), text);
}

/* Never longer than the terminal is wide, since a line that wraps could not be cleared. */
static void draw_step(const struct tarn_progress_step *step, int64_t now, int columns)
{
    double seconds = (double)(now - step->start_us) / 1e6;
    char share[64] = "";
    if (step->total > 0 && step->total < COUNTED_MAX)
        snprintf(share, sizeof share, "%" PRIu64 " of %" PRIu64, step->done, step->total);
    else if (step->total) /* more than was foreseen may have been done */
        snprintf(share, sizeof share, "%3.0f %%",
                 step->done < step->total ? 100.0 * (double)step->done / (double)step->total : 100);
    fputs("  \033[36m…\033[0m ", stderr);
    put_cell(step->label, label_columns(step->progress, columns));
    fputs("  ", stderr);
    put_cell(share, detail_columns(step->progress, columns));
    fprintf(stderr, "  %7.1f s\n", seconds);
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
        if (step->minor)
            continue;
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

void tarn_progress_minor(struct tarn_progress_step *step)
{
    if (step)
        step->minor = true;
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

/* A failure's detail is never cut: it says what was wrong. */
static void put_outcome(const struct tarn_progress_step *step, enum outcome outcome,
                        const char *detail)
{
    double seconds = (double)(tarn_monotonic_us() - step->start_us) / 1e6;
    if (step->progress->terminal) {
        int columns = terminal_columns();
        fprintf(stderr, "  %s ", marks[outcome].on_terminal);
        put_cell(step->label, label_columns(step->progress, columns));
        fputs("  ", stderr);
        if (outcome == OUTCOME_FAILED &&
            count_characters(detail) > detail_columns(step->progress, columns))
            fputs(detail, stderr);
        else
            put_cell(detail, detail_columns(step->progress, columns));
    } else {
        fprintf(stderr, "  %s %-*s %-*s", marks[outcome].elsewhere, step->progress->label_columns,
                step->label, outcome == OUTCOME_SKIPPED ? 0 : DETAIL_COLUMNS, detail);
    }
    if (outcome == OUTCOME_SKIPPED)
        fputc('\n', stderr);
    else
        fprintf(stderr, "  %7.2f s\n", seconds);
}

static void unlink_and_free(struct tarn_progress_step *step)
{
    struct tarn_progress_step **at = &step->progress->oldest;
    while (*at != step)
        at = &(*at)->next;
    *at = step->next;
    free(step->label);
    free(step);
}

static void end_step(struct tarn_progress_step *step, enum outcome outcome,
                     const char *detail_format, va_list args)
{
    if (!step)
        return;
    struct tarn_progress *progress = step->progress;
    char detail[1000];
    vsnprintf(detail, sizeof detail, detail_format, args);
    bool well = outcome == OUTCOME_OK || outcome == OUTCOME_SKIPPED;
    pthread_mutex_lock(&progress->lock);
    if (!progress->quiet && !(progress->terminal && step->minor && well)) {
        clear_live_lines(progress);
        put_outcome(step, outcome, detail);
        progress->last_draw_us = 0;
    }
    unlink_and_free(step);
    draw(progress);
    pthread_mutex_unlock(&progress->lock);
}

void tarn_progress_drop(struct tarn_progress_step *step)
{
    if (!step)
        return;
    struct tarn_progress *progress = step->progress;
    pthread_mutex_lock(&progress->lock);
    clear_live_lines(progress);
    progress->last_draw_us = 0;
    unlink_and_free(step);
    draw(progress);
    pthread_mutex_unlock(&progress->lock);
}

void tarn_progress_end(struct tarn_progress_step *step, bool ok, const char *detail_format, ...)
{
    va_list args;
    va_start(args, detail_format);
    end_step(step, ok ? OUTCOME_OK : OUTCOME_FAILED, detail_format, args);
    va_end(args);
}

void tarn_progress_warn(struct tarn_progress_step *step, const char *detail_format, ...)
{
    va_list args;
    va_start(args, detail_format);
    end_step(step, OUTCOME_WARN, detail_format, args);
    va_end(args);
}

void tarn_progress_skip(struct tarn_progress_step *step, const char *detail_format, ...)
{
    va_list args;
    va_start(args, detail_format);
    end_step(step, OUTCOME_SKIPPED, detail_format, args);
    va_end(args);
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
