/* source/synthetic/format.h -- values as text, fast: each function writes at `at` and returns what
 * is behind it.
 *
 * The caller guarantees room: TARN_PUT_VALUE_BYTES for a number, date or time; 2 * len + 2 for CSV
 * text, 6 * len + 2 for JSON text. */
#ifndef TARN_SOURCE_SYNTHETIC_FORMAT_H
#define TARN_SOURCE_SYNTHETIC_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { TARN_PUT_VALUE_BYTES = 40 };

char *tarn_put_int(char *at, int64_t value);
/* With leading zeros up to `digits`. */
char *tarn_put_padded(char *at, uint64_t value, unsigned digits);
/* An unscaled decimal: 1299 with scale 2 is 12.99. */
char *tarn_put_decimal(char *at, int64_t value, unsigned scale);
/* At most six decimals, no exponent below 1e12, the same bytes everywhere. */
char *tarn_put_real(char *at, double value);
char *tarn_put_date(char *at, int64_t days);    /* 2026-10-31 */
char *tarn_put_time(char *at, int64_t time_us); /* 2026-10-31 14:05:09 */
char *tarn_put_csv(char *at, struct tarn_text text);
char *tarn_put_json(char *at, struct tarn_text text); /* with the quotes */

static inline char *tarn_put_bytes(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

/* No byte of it needs quoting in CSV or escaping in JSON. */
bool tarn_text_is_plain(struct tarn_text text);

#endif
