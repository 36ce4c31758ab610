/* base/progress.h -- what a person sees while something takes time.
 *
 * On a terminal: one live line per running step (the eight oldest), replaced by a line with the
 * outcome; elsewhere: one log-like line per finished step on standard error, nothing else. Silent
 * when made with `quiet`. Thread-safe. */
#ifndef TARN_BASE_PROGRESS_H
#define TARN_BASE_PROGRESS_H

#include <stdint.h>

#include "base/error.h"

struct tarn_progress;
struct tarn_progress_step;

/* `quiet` for --json and tests. */
struct tarn_progress *tarn_progress_new(bool quiet);
void tarn_progress_free(struct tarn_progress *progress); /* NULL is fine */
/* How wide labels are, where that is known beforehand. */
void tarn_progress_label_columns(struct tarn_progress *progress, size_t columns);
/* A step with `total` units of work (0 when unknown). All functions below accept a NULL progress or
 * step. */
struct tarn_progress_step *tarn_progress_begin(struct tarn_progress *progress, const char *label,
                                               uint64_t total);
/* Says right after its begin that the step is one of hundreds: a terminal shows it only when it
 * warns or fails. */
void tarn_progress_minor(struct tarn_progress_step *step);
void tarn_progress_advance(struct tarn_progress_step *step, uint64_t done_units);
/* Ends and frees the step; the detail ("100,000 orders, 3 files") stands behind the label. */
void tarn_progress_end(struct tarn_progress_step *step, bool ok, const char *detail_format, ...)
    TARN_PRINTF(3, 4);
/* The same for a step that ended well but deserves a look, and for one that was not done. */
void tarn_progress_warn(struct tarn_progress_step *step, const char *detail_format, ...)
    TARN_PRINTF(2, 3);
void tarn_progress_skip(struct tarn_progress_step *step, const char *detail_format, ...)
    TARN_PRINTF(2, 3);
/* Ends and frees a step of which no line is to stay. */
void tarn_progress_drop(struct tarn_progress_step *step);
/* A plain line between the steps. */
void tarn_progress_say(struct tarn_progress *progress, const char *format, ...) TARN_PRINTF(2, 3);

/* One line on what the command did ("100,000 orders, 12 files"), for the scheduler that started it:
 * written to the file named by TARN_SUMMARY_FILE, nothing without one. The last call of a process
 * counts; a summary that cannot be written is left out. */
void tarn_summary_write(const char *format, ...) TARN_PRINTF(1, 2);

#endif
