/* ingest/infer.h -- what type a column of texts has, and the texts as values of that type.
 *
 * A column gets the narrowest type that at least 99 % of its non-empty values fit; the few that do
 * not fit are rescued as text beside it, so a column of a million numbers is not lost to one "n/a".
 * Only forms that mean one thing everywhere count: 2026-03-01 is a date, 01/03/2026 is text; 00123
 * is text, because a number would lose its zeros. */
#ifndef TARN_INGEST_INFER_H
#define TARN_INGEST_INFER_H

#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/type.h"

enum tarn_value_class {
    TARN_CLASS_EMPTY,
    TARN_CLASS_BOOLEAN,   /* true or false, in any case */
    TARN_CLASS_BIGINT,    /* -12; no leading zeros, no plus sign */
    TARN_CLASS_DECIMAL,   /* -12.50 with at most 18 digits, at most 9 of them behind the point */
    TARN_CLASS_DOUBLE,    /* longer ones, and 1e5 */
    TARN_CLASS_DATE,      /* 2026-03-01 */
    TARN_CLASS_TIMESTAMP, /* 2026-03-01T12:34[:56[.123456]][Z], or with a space */
    TARN_CLASS_TEXT,
    TARN_CLASS_COUNT,
};

/* White space around a value does not count. `ret_scale` (may be NULL): digits behind the point. */
enum tarn_value_class tarn_value_classify(struct tarn_text text, int *ret_whole_digits,
                                          int *ret_scale);

struct tarn_guess {
    int64_t counts[TARN_CLASS_COUNT];
    int whole_digits, scale; /* the most seen in numbers */
};
void tarn_guess_add(struct tarn_guess *guess, struct tarn_text text);
void tarn_guess_merge(struct tarn_guess *into, const struct tarn_guess *from);
/* The column's type as SQL: "BIGINT", "DECIMAL(18,2)", ... VARCHAR when there are no values. */
const char *tarn_guess_type(const struct tarn_guess *guess, struct tarn_arena *arena);

/* Writes the text as a value of the vector's type into `row`; false (and NULL in the cell) when it
 * does not fit. Takes BOOLEAN, integers, DECIMAL up to 18 digits, DOUBLE, FLOAT, DATE, TIMESTAMP;
 * nothing fits another type. Text that is empty or white space is NULL and fits. */
bool tarn_value_store(struct tarn_vector *vector, size_t row, struct tarn_text text);
/* Whether tarn_value_store knows the type. */
bool tarn_value_storable(const struct tarn_type *type);

#endif
