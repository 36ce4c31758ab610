/* ingest/csv_cut.c -- cuts CSV text into pieces of whole records; the grammar is in csv.h.
 *
 * Between quotes the text is crossed with memchr and memrchr, so that a file without quotes is cut
 * at memory speed under the lock that the reading threads share. */
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ingest/csv.h"

int64_t tarn_text_count(struct tarn_text text, char wanted)
{
    int64_t count = 0;
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i needle = _mm_set1_epi8(wanted), zero = _mm_setzero_si128();
    while (i + 16 <= text.len) {
        enum { ROUNDS_MAX = 255 }; /* a counter per byte, which must not wrap */
        size_t rounds = (text.len - i) / 16;
        __m128i counters = zero;
        rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
        for (size_t round = 0; round < rounds; round++, i += 16)
            counters = _mm_sub_epi8(
                counters, _mm_cmpeq_epi8(_mm_loadu_si128((const void *)(text.data + i)), needle));
        __m128i sums = _mm_sad_epu8(counters, zero);
        count += _mm_cvtsi128_si64(sums) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
    }
#endif
    for (; i < text.len; i++)
        count += text.data[i] == wanted;
    return count;
}

struct walk {
    const struct tarn_csv_dialect *dialect;
    size_t piece_bytes;
    const char *start, *end;
    const char *safe; /* end of the last whole record */
    const char *bad;
};

static const char *find(const char *from, const char *to, char wanted)
{
    return from < to ? memchr(from, wanted, (size_t)(to - from)) : NULL;
}

static const char *find_last(const char *from, const char *to, char wanted)
{
    return from < to ? memrchr(from, wanted, (size_t)(to - from)) : NULL;
}

static const char *min_pointer(const char *base, size_t offset, const char *end)
{
    return (size_t)(end - base) < offset ? end : base + offset;
}

static bool ends_field(const struct walk *w, const char *p)
{
    return p == w->end || *p == w->dialect->delimiter || *p == w->dialect->newline || *p == '\r';
}

/* The closing quote of the field that was opened just before `from`; NULL when it cannot be told.
 */
static const char *find_close(struct walk *w, const char *from)
{
    const char quote = w->dialect->quote;
    const char *limit = min_pointer(w->safe, TARN_RECORD_BYTES_MAX, w->end);
    const char *p = from;
    while ((p = find(p, limit, quote)) != NULL) {
        if (p + 1 == w->end || p[1] != quote)
            break;
        p += 2;
    }
    if (!p) {
        w->bad = limit == w->end ? "a quoted field is never closed"
                                 : "a quoted field is not closed within 16 MiB";
        return NULL;
    }
    if (!ends_field(w, p + 1) && find(from, p, w->dialect->newline)) {
        w->bad = "a quoted field is not closed on its line, and the next quote closes nothing";
        return NULL;
    }
    return p;
}

/* Moves w->safe behind the last record that ends within about w->piece_bytes, at least one; or
 * leaves it and says in w->bad why the first record cannot be read. */
static void walk(struct walk *w)
{
    const char *p = w->start, *window = min_pointer(w->start, w->piece_bytes, w->end);
    for (;;) {
        const char *quote = w->dialect->quote ? find(p, window, w->dialect->quote) : NULL;
        const char *stop = quote ? quote : window;
        const char *newline = find_last(p, stop, w->dialect->newline);
        if (newline)
            w->safe = newline + 1;
        if (quote) {
            if (quote != w->safe && quote[-1] != w->dialect->delimiter) {
                p = quote + 1;
                continue;
            }
            const char *close = find_close(w, quote + 1);
            if (!close)
                return;
            p = close + 1;
            if (p < window)
                continue;
        }
        if (w->end - w->safe <= TARN_RECORD_BYTES_MAX && p >= w->end)
            w->safe = w->end; /* the last record has no line end */
        if (!quote && window == w->end && w->end - w->safe <= TARN_RECORD_BYTES_MAX)
            w->safe = w->end;
        if (w->safe > w->start)
            return;
        if ((p > window ? p : window) - w->safe >= TARN_RECORD_BYTES_MAX) {
            w->bad = "the record is longer than 16 MiB";
            return;
        }
        p = quote ? p : window;
        window = min_pointer(p, w->piece_bytes, w->end);
    }
}

bool tarn_csv_cut(struct tarn_csv_cutter *cutter, struct tarn_piece *ret_piece)
{
    if (cutter->text.len == 0)
        return false;
    const char *start = cutter->text.data, *end = start + cutter->text.len;
    struct walk w = {.dialect = &cutter->dialect,
                     .piece_bytes = cutter->piece_bytes ? cutter->piece_bytes : TARN_PIECE_BYTES,
                     .start = start,
                     .end = end,
                     .safe = start};
    walk(&w);
    const char *stop = w.safe;
    if (stop == start) {
        const char *newline = find(start, end, cutter->dialect.newline);
        stop = newline ? newline + 1 : end;
    }
    *ret_piece = (struct tarn_piece){.text = {start, (size_t)(stop - start)},
                                     .line = cutter->line,
                                     .bad = w.safe == start ? w.bad : NULL};
    cutter->line += tarn_text_count(ret_piece->text, cutter->dialect.newline);
    cutter->text = (struct tarn_text){stop, (size_t)(end - stop)};
    return true;
}
