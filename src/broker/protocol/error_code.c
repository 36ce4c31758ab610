/* broker/protocol/error_code.c -- the list of error codes as a table. */
#include "broker/protocol/error_code.h"

#include <stddef.h>

#include "base/memory.h"

struct error_row {
    const char *name;
    const char *text;
    bool retriable;
};

/* Codes run from -1 without a gap, so a row stands at code + 1. */
static const struct error_row rows[] = {
#define X(code, name, retriable, text) [(code) + 1] = {#name, text, retriable},
    TARN_KAFKA_ERROR_MAP(X)
#undef X
};

static const struct error_row *row_of(int16_t code)
{
    return code < -1 || (size_t)(code + 1) >= TARN_COUNT(rows) ? &rows[0] : &rows[code + 1];
}

const char *tarn_kafka_error_name(int16_t code)
{
    return row_of(code)->name;
}

const char *tarn_kafka_error_text(int16_t code)
{
    return row_of(code)->text;
}

bool tarn_kafka_error_retriable(int16_t code)
{
    return row_of(code)->retriable;
}
