/* base/text.h -- text as pointer and length, and the few things done to it everywhere. */
#ifndef TARN_BASE_TEXT_H
#define TARN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not NUL-terminated unless it says so; does not own its bytes. */
struct tarn_text {
    const char *data;
    size_t len;
};

#define TARN_TEXT(literal) ((struct tarn_text){"" literal, sizeof(literal) - 1})
/* For printf("%.*s", TARN_TEXT_ARGS(t)). */
#define TARN_TEXT_ARGS(text) (int)(text).len, (text).data

static inline struct tarn_text tarn_text_of(const char *text)
{
    return (struct tarn_text){text, text ? strlen(text) : 0};
}

bool tarn_text_equal(struct tarn_text a, struct tarn_text b);
bool tarn_text_is(struct tarn_text text, const char *literal);
bool tarn_text_starts(struct tarn_text text, const char *prefix);
bool tarn_text_ends(struct tarn_text text, const char *suffix);
struct tarn_text tarn_text_trim(struct tarn_text text); /* ASCII white space */
/* Everything before the first `separator`, and moves *rest behind it; false when *rest was used up.
 */
bool tarn_text_split(struct tarn_text *rest, char separator, struct tarn_text *ret_part);
/* The whole text as a base-10 integer; false when it is anything else or out of range. */
bool tarn_text_to_int64(struct tarn_text text, int64_t *ret_value);
bool tarn_text_to_double(struct tarn_text text, double *ret_value);
/* Bytes of valid UTF-8 at the start; equals len when all of it is valid (RFC 3629: no surrogates,
 * no overlongs). */
size_t tarn_utf8_valid_prefix(struct tarn_text text);
/* Writes a code point (up to U+10FFFF) as UTF-8 into `out`, 4 bytes at most; returns the length. */
size_t tarn_utf8_encode(uint32_t code_point, char *out);
/* "1,234,567" in `out`; returns it. */
enum { TARN_COUNT_TEXT_BYTES = 32 };
char *tarn_count_text(int64_t value, char out[TARN_COUNT_TEXT_BYTES]);
/* fnmatch-style match with * ? and [], on the whole text. */
bool tarn_text_glob(const char *pattern, const char *text);
/* Edits (insert, delete, replace, swap) between a and b; for "did you mean". */
size_t tarn_text_distance(const char *a, const char *b);
/* The nearest of `count` names when it is near enough to be a typing mistake, otherwise NULL. */
const char *tarn_text_nearest(const char *wanted, const char *const *names, size_t count);

#endif
