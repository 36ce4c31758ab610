/* ingest/json_record.c -- checks JSON records and finds their top-level fields. See json_record.h.
 */
#include "ingest/json_record.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ingest/json_int.h"

struct parse {
    const char *at, *end;
    const char *why; /* NULL while all is well */
};

static bool fail(struct parse *p, const char *why)
{
    if (!p->why)
        p->why = why;
    return false;
}

static void space(struct parse *p)
{
    p->at = tarn_json_skip_space(p->at, p->end);
}

/* Moves to the next byte of a string that is a quote, a backslash or a control character. */
static inline const char *string_special(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i b = _mm_loadu_si128((const void *)at);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(b, quote), _mm_cmpeq_epi8(b, slash)),
                                   _mm_cmpeq_epi8(_mm_min_epu8(b, control), b));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + __builtin_ctz(mask);
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at > 0x1f)
        at++;
    return at;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hex digits as a number, -1 when they are not. */
static int hex_4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static bool escape(struct parse *p)
{
    if (p->end - p->at < 2)
        return fail(p, "a string is not closed");
    char c = p->at[1];
    if (c == 'u') {
        if (hex_4(p->at + 2, p->end) < 0)
            return fail(p, "\\u needs four hexadecimal digits");
        p->at += 6;
        return true;
    }
    if (!c || !strchr("\"\\/bfnrt", c))
        return fail(p, "an unknown escape in a string");
    p->at += 2;
    return true;
}

/* At the opening quote; leaves p->at behind the closing one. */
static bool string(struct parse *p, struct tarn_text *ret_inside, bool *ret_escaped)
{
    const char *from = ++p->at;
    *ret_escaped = false;
    for (;;) {
        p->at = string_special(p->at, p->end);
        if (p->at == p->end)
            return fail(p, "a string is not closed");
        if (*p->at == '"')
            break;
        if (*p->at != '\\')
            return fail(p, "a control character in a string");
        *ret_escaped = true;
        if (!escape(p))
            return false;
    }
    *ret_inside = (struct tarn_text){from, (size_t)(p->at - from)};
    p->at++;
    return true;
}

static size_t digits(struct parse *p)
{
    const char *from = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return (size_t)(p->at - from);
}

static bool number(struct parse *p)
{
    if (*p->at == '-')
        p->at++;
    const char *from = p->at;
    size_t whole = digits(p);
    if (whole == 0 || (whole > 1 && *from == '0'))
        return fail(p, "not a JSON value");
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (digits(p) == 0)
            return fail(p, "a number ends in its point");
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        if (digits(p) == 0)
            return fail(p, "a number has no exponent behind its e");
    }
    return true;
}

static bool word(struct parse *p, const char *wanted)
{
    size_t len = strlen(wanted);
    if ((size_t)(p->end - p->at) < len || memcmp(p->at, wanted, len) != 0)
        return fail(p, "not a JSON value");
    p->at += len;
    return true;
}

/* A string, number or word; *ret_kind says which. */
static bool scalar(struct parse *p, enum tarn_json_kind *ret_kind, struct tarn_text *ret_inside,
                   bool *ret_escaped)
{
    const char *from = p->at;
    bool ok;
    switch (*from) {
    case '"':
        *ret_kind = TARN_JSON_KIND_STRING;
        return string(p, ret_inside, ret_escaped);
    case 't':
    case 'f':
        *ret_kind = TARN_JSON_KIND_BOOLEAN;
        ok = word(p, *from == 't' ? "true" : "false");
        break;
    case 'n':
        *ret_kind = TARN_JSON_KIND_NULL;
        ok = word(p, "null");
        break;
    default:
        *ret_kind = TARN_JSON_KIND_NUMBER;
        ok = number(p);
    }
    *ret_escaped = false;
    *ret_inside = (struct tarn_text){from, (size_t)(p->at - from)};
    return ok;
}

static bool key(struct parse *p, struct tarn_text *ret_key, bool *ret_escaped)
{
    space(p);
    if (p->at == p->end || *p->at != '"')
        return fail(p, "a key in quotes was expected");
    if (!string(p, ret_key, ret_escaped))
        return false;
    space(p);
    if (p->at == p->end || *p->at != ':')
        return fail(p, "':' was expected behind a key");
    p->at++;
    return true;
}

/* Opens the container at p->at: pushes it, and for an object reads the first key. Closes it at once
 * when it is empty. */
static bool open_container(struct parse *p, char *stack, size_t *depth)
{
    if (*depth == TARN_JSON_NESTING_MAX)
        return fail(p, "nested deeper than 256 levels");
    stack[(*depth)++] = *p->at++;
    space(p);
    char close = stack[*depth - 1] == '{' ? '}' : ']';
    if (p->at < p->end && *p->at == close) {
        p->at++;
        (*depth)--;
        return true;
    }
    struct tarn_text ignored;
    bool escaped;
    return stack[*depth - 1] == '[' || key(p, &ignored, &escaped);
}

/* Behind a value inside a container: a comma (and the next key), or its end. Sets *ret_more when
 * another value follows. */
static bool behind_value(struct parse *p, char *stack, size_t *depth, bool *ret_more)
{
    *ret_more = false;
    while (*depth > 0) {
        space(p);
        if (p->at == p->end)
            return fail(p, "the record ends inside an object or array");
        char open = stack[*depth - 1];
        if (*p->at == ',') {
            struct tarn_text ignored;
            bool escaped;
            p->at++;
            *ret_more = true;
            return open == '[' || key(p, &ignored, &escaped);
        }
        if (*p->at != (open == '{' ? '}' : ']'))
            return fail(p, "',' or the closing bracket was expected");
        p->at++;
        (*depth)--;
    }
    return true;
}

/* An object or array with all that is in it, without recursion. */
static bool nested(struct parse *p)
{
    char stack[TARN_JSON_NESTING_MAX];
    size_t depth = 0;
    bool more = true;
    while (more) {
        space(p);
        if (p->at == p->end)
            return fail(p, "the record ends where a value was expected");
        if (*p->at == '{' || *p->at == '[') {
            size_t before = depth;
            if (!open_container(p, stack, &depth))
                return false;
            if (depth > before)
                continue;
        } else {
            struct tarn_text ignored;
            bool escaped;
            enum tarn_json_kind kind;
            if (!scalar(p, &kind, &ignored, &escaped))
                return false;
        }
        if (!behind_value(p, stack, &depth, &more))
            return false;
    }
    return true;
}

static bool field_value(struct parse *p, struct tarn_json_field *field)
{
    space(p);
    if (p->at == p->end)
        return fail(p, "the record ends where a value was expected");
    if (*p->at != '{' && *p->at != '[')
        return scalar(p, &field->kind, &field->value, &field->value_escaped);
    const char *from = p->at;
    field->kind = *from == '{' ? TARN_JSON_KIND_OBJECT : TARN_JSON_KIND_ARRAY;
    field->value_escaped = false;
    bool ok = nested(p);
    field->value = (struct tarn_text){from, (size_t)(p->at - from)};
    return ok;
}

static bool object(struct parse *p, struct tarn_json_field *fields, size_t max, size_t *ret_count)
{
    if (p->at == p->end || *p->at != '{')
        return fail(p, "the record is not a JSON object");
    p->at++;
    space(p);
    if (p->at < p->end && *p->at == '}') {
        p->at++;
        return true;
    }
    for (;;) {
        struct tarn_json_field spare, *field = *ret_count < max ? &fields[*ret_count] : &spare;
        if (!key(p, &field->key, &field->key_escaped) || !field_value(p, field))
            return false;
        if (++*ret_count > TARN_JSON_KEYS_MAX)
            return fail(p, "more than 4096 keys in one record");
        space(p);
        if (p->at == p->end)
            return fail(p, "the record ends inside an object or array");
        char c = *p->at++;
        if (c == '}')
            return true;
        if (c != ',') {
            p->at--;
            return fail(p, "',' or '}' was expected");
        }
    }
}

void tarn_json_parse(struct tarn_text text, struct tarn_json_field *fields, size_t max,
                     struct tarn_json_record *record)
{
    struct parse p = {text.data, text.data + text.len, NULL};
    record->count = 0;
    space(&p);
    if (object(&p, fields, max, &record->count)) {
        space(&p);
        if (p.at < p.end)
            fail(&p, "there is more behind the record's closing '}'");
    }
    record->bad = p.why;
    record->bad_at = p.why ? p.at - text.data : -1;
}

void tarn_json_read(struct tarn_json_reader *reader, enum tarn_json_layout layout,
                    const struct tarn_piece *piece)
{
    bool nul;
    *reader = (struct tarn_json_reader){.layout = layout,
                                        .at = piece->text.data,
                                        .end = piece->text.data + piece->text.len,
                                        .line = piece->line};
    tarn_text_marks(piece->text, &reader->check_utf8, &nul);
}

/* Finds the next record's extent; false at the end. */
static bool next_extent(struct tarn_json_reader *r, struct tarn_json_record *record)
{
    for (;;) {
        if (r->at >= r->end)
            return false;
        const char *start = r->at, *stop;
        if (r->layout == TARN_JSON_LINES) {
            const char *newline = memchr(start, '\n', (size_t)(r->end - start));
            stop = newline ? newline : r->end;
            r->at = newline ? newline + 1 : r->end;
            record->line = r->line++;
        } else {
            start = tarn_json_skip_space(start, r->end);
            r->line +=
                r->layout == TARN_JSON_SEQUENCE
                    ? tarn_text_count((struct tarn_text){r->at, (size_t)(start - r->at)}, '\n')
                    : 0;
            r->at = start;
            if (start == r->end)
                return false;
            if (r->layout == TARN_JSON_ARRAY && *start == ',') {
                r->at++;
                continue;
            }
            stop = tarn_json_skip_element(start, r->end, r->layout == TARN_JSON_ARRAY);
            stop = stop ? stop : r->end;
            record->line = r->line;
            record->raw = (struct tarn_text){start, (size_t)(stop - start)};
            r->line += r->layout == TARN_JSON_ARRAY ? 1 : tarn_text_count(record->raw, '\n');
            r->at = stop > start ? stop : start + 1; /* a stray separator is a record by itself */
        }
        record->raw = tarn_text_trim((struct tarn_text){start, (size_t)(stop - start)});
        if (record->raw.len > 0 || r->layout != TARN_JSON_LINES)
            return true;
    }
}

bool tarn_json_next(struct tarn_json_reader *reader, struct tarn_json_field *fields, size_t max,
                    struct tarn_json_record *ret_record)
{
    *ret_record = (struct tarn_json_record){0};
    if (!next_extent(reader, ret_record))
        return false;
    tarn_json_parse(ret_record->raw, fields, max, ret_record);
    if (reader->check_utf8 && !ret_record->bad) {
        size_t valid = tarn_utf8_valid_prefix(ret_record->raw);
        if (valid < ret_record->raw.len) {
            ret_record->bad = "the text is not valid UTF-8";
            ret_record->bad_at = (int64_t)valid;
        }
    }
    return true;
}

/* \uXXXX at p, with its second half when it is a surrogate pair; returns the bytes used. */
static size_t take_unicode(const char *p, const char *end, uint32_t *ret)
{
    int high = hex_4(p + 2, end);
    uint32_t c = high < 0 ? 0xfffd : (uint32_t)high;
    size_t used = 6;
    if (c >= 0xd800 && c <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex_4(p + 8, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *ret = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            return 12;
        }
    }
    *ret = c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
    return used;
}

size_t tarn_json_unescape(struct tarn_text text, char *out)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *p = text.data, *end = p + text.len;
    char *to = out;
    while (p < end) {
        if (*p != '\\' || end - p < 2) {
            *to++ = *p++;
            continue;
        }
        if (p[1] == 'u' && end - p >= 6) {
            uint32_t c;
            p += take_unicode(p, end, &c);
            to += tarn_utf8_encode(c, to);
            continue;
        }
        const char *name = strchr(names, p[1]);
        *to++ = name && *name ? values[name - names] : p[1];
        p += 2;
    }
    return (size_t)(to - out);
}
