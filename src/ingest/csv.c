/* ingest/csv.c -- takes pieces of CSV text apart into fields. See csv.h.
 *
 * 64 bytes at a time are compared with the delimiter, the quote and the line end; the outcome is a
 * bit mask, and the parser walks its set bits, so that the bytes between are never looked at one by
 * one. */
#include "ingest/csv.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

#if defined(__SSE2__)
static uint64_t mark_16(const char *bytes, __m128i delimiter, __m128i quote, __m128i newline)
{
    __m128i b = _mm_loadu_si128((const void *)bytes);
    __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(b, delimiter),
                                _mm_or_si128(_mm_cmpeq_epi8(b, quote), _mm_cmpeq_epi8(b, newline)));
    return (unsigned)_mm_movemask_epi8(hits);
}
#endif

static uint64_t mark_block(const char *bytes, const struct tarn_csv_dialect *d)
{
    uint64_t marks = 0;
    const char quote = d->quote ? d->quote : d->delimiter;
#if defined(__SSE2__)
    const __m128i delimiters = _mm_set1_epi8(d->delimiter), quotes = _mm_set1_epi8(quote),
                  newlines = _mm_set1_epi8(d->newline);
    for (int i = 0; i < BLOCK; i += 16)
        marks |= mark_16(bytes + i, delimiters, quotes, newlines) << i;
#else
    for (int i = 0; i < BLOCK; i++)
        marks |= (uint64_t)(bytes[i] == d->delimiter || bytes[i] == quote || bytes[i] == d->newline)
                 << i;
#endif
    return marks;
}

/* Marks of the block at r->block; bytes behind the end are never read. */
static uint64_t load_marks(const struct tarn_csv_reader *r)
{
    size_t left = (size_t)(r->end - r->block);
    if (left >= BLOCK)
        return mark_block(r->block, &r->dialect);
    char copy[BLOCK] = {0};
    memcpy(copy, r->block, left);
    return mark_block(copy, &r->dialect) & ((UINT64_C(1) << left) - 1);
}

static inline const char *next_mark(struct tarn_csv_reader *r)
{
    while (r->marks == 0) {
        if (r->end - r->block <= BLOCK)
            return NULL;
        r->block += BLOCK;
        r->marks = load_marks(r);
    }
    int bit = __builtin_ctzll(r->marks);
    r->marks &= r->marks - 1;
    return r->block + bit;
}

void tarn_text_marks(struct tarn_text text, bool *ret_beyond_ascii, bool *ret_nul)
{
    unsigned beyond = 0, nul = 0;
    size_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= text.len; i += 16) {
        __m128i bytes = _mm_loadu_si128((const void *)(text.data + i));
        beyond |= (unsigned)_mm_movemask_epi8(bytes);
        nul |= (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    }
#endif
    for (; i < text.len; i++) {
        beyond |= (unsigned char)text.data[i] & 0x80;
        nul |= text.data[i] == 0;
    }
    *ret_beyond_ascii = beyond != 0;
    *ret_nul = nul != 0;
}

void tarn_csv_read(struct tarn_csv_reader *reader, const struct tarn_csv_dialect *dialect,
                   const struct tarn_piece *piece)
{
    *reader = (struct tarn_csv_reader){.dialect = *dialect,
                                       .at = piece->text.data,
                                       .end = piece->text.data + piece->text.len,
                                       .block = piece->text.data,
                                       .line = piece->line};
    tarn_text_marks(piece->text, &reader->check_utf8, &reader->check_nul);
    if (piece->text.len > 0)
        reader->marks = load_marks(reader);
}

struct parse {
    struct tarn_csv_reader *reader;
    struct tarn_csv_field *fields;
    size_t max;
    struct tarn_csv_record *record;
};

static inline void add_field(struct parse *p, const char *from, const char *to, bool quoted,
                             bool escaped)
{
    if (p->record->count < p->max)
        p->fields[p->record->count] =
            (struct tarn_csv_field){from, (uint32_t)(to - from), quoted, escaped};
    p->record->count++;
}

static void spoil(struct tarn_csv_record *record, const char *why, int64_t at)
{
    if (record->bad)
        return;
    record->bad = why;
    record->bad_at = at;
}

/* `open` is the opening quote. True when the field closed as it should and was added. */
static bool quoted_field(struct parse *p, const char *open)
{
    struct tarn_csv_reader *r = p->reader;
    bool escaped = false;
    const char *mark;
    while ((mark = next_mark(r)) != NULL) {
        r->line += *mark == r->dialect.newline;
        if (*mark != r->dialect.quote)
            continue;
        if (mark + 1 == r->end || mark[1] != r->dialect.quote)
            break;
        escaped = true;
        (void)next_mark(r); /* the second of the two quotes */
    }
    if (!mark) {
        spoil(p->record, "a quoted field is never closed", open - p->record->raw.data);
        return false;
    }
    const char *behind = mark + 1;
    bool cr = behind < r->end && *behind == '\r' &&
              (behind + 1 == r->end || behind[1] == r->dialect.newline);
    if (behind == r->end || cr || *behind == r->dialect.delimiter ||
        *behind == r->dialect.newline) {
        add_field(p, open + 1, mark, true, escaped);
        return true;
    }
    spoil(p->record, "there is text behind a closing quote", behind - p->record->raw.data);
    return false;
}

/* Adds the record's fields; returns where its text ends (the line end or the piece's end). */
static const char *parse_fields(struct parse *p)
{
    struct tarn_csv_reader *r = p->reader;
    const char *from = r->at, *mark;
    bool done = false; /* the field at `from` was quoted and is added already */
    while ((mark = next_mark(r)) != NULL) {
        const char c = *mark;
        if (c == r->dialect.delimiter) {
            if (!done)
                add_field(p, from, mark, false, false);
            done = false;
            from = mark + 1;
        } else if (c == r->dialect.newline) {
            break;
        } else if (mark == from) {
            done = quoted_field(p, mark);
        }
    }
    const char *end = mark ? mark : r->end, *text_end = end;
    if (text_end > r->at && text_end[-1] == '\r' && r->dialect.newline != '\r')
        text_end--;
    if (!done)
        add_field(p, from, text_end > from ? text_end : from, false, false);
    r->line += mark != NULL;
    r->at = mark ? mark + 1 : r->end;
    return text_end;
}

static void check_bytes(const struct tarn_csv_reader *r, struct tarn_csv_record *record)
{
    if (r->check_nul) {
        const char *nul = memchr(record->raw.data, 0, record->raw.len);
        if (nul)
            spoil(record, "there is a zero byte", nul - record->raw.data);
    }
    if (r->check_utf8) {
        size_t valid = tarn_utf8_valid_prefix(record->raw);
        if (valid < record->raw.len)
            spoil(record, "the text is not valid UTF-8", (int64_t)valid);
    }
}

bool tarn_csv_next(struct tarn_csv_reader *reader, struct tarn_csv_field *fields, size_t max,
                   struct tarn_csv_record *ret_record)
{
    if (reader->at >= reader->end)
        return false;
    *ret_record =
        (struct tarn_csv_record){.raw = {reader->at, 0}, .line = reader->line, .bad_at = -1};
    struct parse parse = {reader, fields, max, ret_record};
    const char *end = parse_fields(&parse);
    ret_record->raw.len = (size_t)(end - ret_record->raw.data);
    ret_record->blank = ret_record->raw.len == 0;
    if (reader->check_nul || reader->check_utf8)
        check_bytes(reader, ret_record);
    return true;
}

size_t tarn_csv_unescape(const struct tarn_csv_field *field, char quote, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < field->len; i++) {
        out[len++] = field->data[i];
        if (field->data[i] == quote)
            i++; /* the second of the two */
    }
    return len;
}
