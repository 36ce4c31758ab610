/* ingest/json_cut.c -- cuts JSON text into pieces of whole records. See json_record.h.
 *
 * Lines are cut at line ends, which JSON strings cannot contain. Elements of arrays and sequences
 * are crossed by counting brackets outside strings, without checking more than that. */
#include <string.h>

#include "ingest/json_int.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

const char *tarn_json_skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p + 1;
    }
    return NULL;
}

/* Behind the bracket that closes the one at p; NULL when the text ends before. */
static const char *skip_brackets(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        char c = *p;
        if (c == '"') {
            p = skip_string(p, end);
            if (!p)
                return NULL;
            continue;
        }
        p++;
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && --depth == 0)
            return p;
    }
    return NULL;
}

const char *tarn_json_skip_element(const char *p, const char *end, bool in_array)
{
    if (*p == '{' || *p == '[')
        p = skip_brackets(p, end);
    /* a bare value, or whatever wrongly follows a bracketed one, lasts until the separator */
    while (p && p < end) {
        if (in_array ? *p == ',' || *p == ']' : is_space(*p) || *p == '{')
            break;
        p = *p == '"' ? skip_string(p, end) : p + 1;
    }
    return p;
}

enum tarn_json_layout tarn_json_detect(struct tarn_text text)
{
    const char *end = text.data + text.len, *p = tarn_json_skip_space(text.data, end);
    if (p < end && *p == '[')
        return TARN_JSON_ARRAY;
    const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    const char *stop = newline ? newline : end;
    if (p == stop || *p != '{')
        return TARN_JSON_LINES;
    const char *close = skip_brackets(p, stop);
    return close && tarn_json_skip_space(close, stop) == stop ? TARN_JSON_LINES
                                                              : TARN_JSON_SEQUENCE;
}

void tarn_json_cut_from(struct tarn_json_cutter *cutter, enum tarn_json_layout layout,
                        struct tarn_text text)
{
    *cutter = (struct tarn_json_cutter){
        .layout = layout, .text = text, .line = 1, .piece_bytes = TARN_PIECE_BYTES};
}

static void take(struct tarn_json_cutter *c, const char *from, const char *to, const char *bad,
                 struct tarn_piece *ret)
{
    *ret = (struct tarn_piece){{from, (size_t)(to - from)}, c->line, bad};
    const char *end = c->text.data + c->text.len;
    c->text = (struct tarn_text){to, (size_t)(end - to)};
}

static bool cut_lines(struct tarn_json_cutter *c, struct tarn_piece *ret)
{
    const char *start = c->text.data, *end = start + c->text.len;
    if (start == end)
        return false;
    const char *last = end - 1;
    if (c->text.len > c->piece_bytes) {
        last = memrchr(start, '\n', c->piece_bytes);
        if (!last)
            last = memchr(start + c->piece_bytes, '\n', c->text.len - c->piece_bytes);
        last = last ? last : end - 1;
    }
    bool too_long = last + 1 - start > TARN_RECORD_BYTES_MAX;
    take(c, start, last + 1, too_long ? "the record is longer than 16 MiB" : NULL, ret);
    c->line += tarn_text_count(ret->text, '\n');
    return true;
}

/* Where the next element starts, or NULL at the end of the array or text. */
static const char *next_element(struct tarn_json_cutter *c, const char *p, const char *end)
{
    p = tarn_json_skip_space(p, end);
    if (c->layout == TARN_JSON_ARRAY && !c->started) {
        c->started = true;
        p = p < end ? tarn_json_skip_space(p + 1, end) : p;
    } else if (c->layout == TARN_JSON_ARRAY && p < end && *p == ',') {
        p = tarn_json_skip_space(p + 1, end);
    }
    if (c->layout == TARN_JSON_ARRAY && p < end && *p == ']' && !c->ended) {
        c->ended = true;
        c->text = (struct tarn_text){p + 1, (size_t)(end - p - 1)};
        return NULL;
    }
    c->text = (struct tarn_text){p, (size_t)(end - p)};
    return p < end ? p : NULL;
}

/* What is behind the last element: nothing, or one record that cannot be read. */
static bool cut_rest(struct tarn_json_cutter *c, struct tarn_piece *ret)
{
    const char *end = c->text.data + c->text.len;
    const char *p = tarn_json_skip_space(c->text.data, end);
    bool open = c->layout == TARN_JSON_ARRAY && !c->ended;
    if (p == end && !open)
        return false;
    c->ended = true;
    take(c, p, end, open ? "the array is not closed: the file is cut off" : "text behind the array",
         ret);
    return true;
}

static bool cut_elements(struct tarn_json_cutter *c, struct tarn_piece *ret)
{
    const bool in_array = c->layout == TARN_JSON_ARRAY;
    const char *end = c->text.data + c->text.len, *before = c->text.data;
    const char *start = c->ended ? NULL : next_element(c, c->text.data, end);
    if (!start)
        return cut_rest(c, ret);
    if (!in_array)
        c->line += tarn_text_count((struct tarn_text){before, (size_t)(start - before)}, '\n');
    const char *stop = start, *p = start;
    int64_t elements = 0;
    while (p && p < end && (size_t)(stop - start) < c->piece_bytes && !(in_array && *p == ']')) {
        p = tarn_json_skip_element(p, end, in_array);
        if (!p || p - start > TARN_RECORD_BYTES_MAX)
            break;
        elements++;
        stop = p;
        p = tarn_json_skip_space(p, end);
        if (in_array && p < end && *p == ',')
            p = tarn_json_skip_space(p + 1, end);
    }
    const char *bad = NULL;
    if (elements == 0) {
        bad = p ? "the record is longer than 16 MiB" : "the file ends inside a record";
        stop = p ? p : end;
        c->ended = !p;
        elements = 1;
    }
    take(c, start, stop, bad, ret);
    c->line += in_array ? elements : tarn_text_count(ret->text, '\n');
    return true;
}

bool tarn_json_cut(struct tarn_json_cutter *cutter, struct tarn_piece *ret_piece)
{
    return cutter->layout == TARN_JSON_LINES ? cut_lines(cutter, ret_piece)
                                             : cut_elements(cutter, ret_piece);
}
