/* base/json_writer.c -- see json_writer.h. */
#include "base/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct tarn_json_writer tarn_json_writer(struct tarn_buffer *buffer, int indent)
{
    return (struct tarn_json_writer){.buffer = buffer, .indent = indent};
}

static void new_line(struct tarn_json_writer *w)
{
    if (w->indent == 0)
        return;
    tarn_buffer_append_char(w->buffer, '\n');
    for (int i = 0; i < w->depth * w->indent; i++)
        tarn_buffer_append_char(w->buffer, ' ');
}

static void before_value(struct tarn_json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (w->has_items[w->depth - 1])
        tarn_buffer_append_char(w->buffer, ',');
    w->has_items[w->depth - 1] = true;
    new_line(w);
}

static void begin(struct tarn_json_writer *w, char bracket)
{
    before_value(w);
    assert(w->depth < TARN_JSON_DEPTH_MAX);
    tarn_buffer_append_char(w->buffer, bracket);
    w->has_items[w->depth++] = false;
}

static void end(struct tarn_json_writer *w, char bracket)
{
    assert(w->depth > 0 && !w->after_key);
    bool any = w->has_items[--w->depth];
    if (any)
        new_line(w);
    tarn_buffer_append_char(w->buffer, bracket);
}

void tarn_json_object_begin(struct tarn_json_writer *w)
{
    begin(w, '{');
}

void tarn_json_object_end(struct tarn_json_writer *w)
{
    end(w, '}');
}

void tarn_json_array_begin(struct tarn_json_writer *w)
{
    begin(w, '[');
}

void tarn_json_array_end(struct tarn_json_writer *w)
{
    end(w, ']');
}

static void write_escaped(struct tarn_buffer *buffer, unsigned char c)
{
    static const char short_escapes[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                         ['\t'] = 't', ['"'] = '"',  ['\\'] = '\\'};
    char escape = c < sizeof short_escapes ? short_escapes[c] : 0;
    if (escape)
        tarn_buffer_printf(buffer, "\\%c", escape);
    else
        tarn_buffer_printf(buffer, "\\u%04x", c);
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void write_string(struct tarn_json_writer *w, struct tarn_text text)
{
    tarn_buffer_append_char(w->buffer, '"');
    while (text.len > 0) {
        size_t valid = tarn_utf8_valid_prefix(text);
        size_t start = 0;
        for (size_t i = 0; i < valid; i++) {
            if (!needs_escape((unsigned char)text.data[i]))
                continue;
            tarn_buffer_append(w->buffer, text.data + start, i - start);
            write_escaped(w->buffer, (unsigned char)text.data[i]);
            start = i + 1;
        }
        tarn_buffer_append(w->buffer, text.data + start, valid - start);
        if (valid < text.len) {
            tarn_buffer_append_str(w->buffer, "\xef\xbf\xbd");
            valid++;
        }
        text.data += valid;
        text.len -= valid;
    }
    tarn_buffer_append_char(w->buffer, '"');
}

void tarn_json_key_text(struct tarn_json_writer *w, struct tarn_text key)
{
    assert(w->depth > 0 && !w->after_key);
    before_value(w);
    write_string(w, key);
    tarn_buffer_append_str(w->buffer, w->indent ? ": " : ":");
    w->after_key = true;
}

void tarn_json_key(struct tarn_json_writer *w, const char *key)
{
    tarn_json_key_text(w, tarn_text_of(key));
}

void tarn_json_text(struct tarn_json_writer *w, struct tarn_text text)
{
    before_value(w);
    write_string(w, text);
}

void tarn_json_str(struct tarn_json_writer *w, const char *text)
{
    if (text)
        tarn_json_text(w, tarn_text_of(text));
    else
        tarn_json_null(w);
}

void tarn_json_int(struct tarn_json_writer *w, int64_t value)
{
    before_value(w);
    tarn_buffer_printf(w->buffer, "%" PRId64, value);
}

void tarn_json_double(struct tarn_json_writer *w, double value)
{
    if (!isfinite(value)) {
        tarn_json_null(w);
        return;
    }
    before_value(w);
    char digits[40];
    for (int precision = 15; precision <= 17;
         precision++) { /* the shortest that reads back equal */
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        double back;
        if (tarn_text_to_double(tarn_text_of(digits), &back) && back == value)
            break;
    }
    tarn_buffer_append_str(w->buffer, digits);
}

void tarn_json_bool(struct tarn_json_writer *w, bool value)
{
    before_value(w);
    tarn_buffer_append_str(w->buffer, value ? "true" : "false");
}

void tarn_json_null(struct tarn_json_writer *w)
{
    before_value(w);
    tarn_buffer_append_str(w->buffer, "null");
}

void tarn_json_raw(struct tarn_json_writer *w, struct tarn_text json)
{
    before_value(w);
    tarn_buffer_append_text(w->buffer, json);
}

void tarn_json_put_str(struct tarn_json_writer *w, const char *key, const char *text)
{
    tarn_json_key(w, key);
    tarn_json_str(w, text);
}

void tarn_json_put_int(struct tarn_json_writer *w, const char *key, int64_t value)
{
    tarn_json_key(w, key);
    tarn_json_int(w, value);
}

void tarn_json_put_double(struct tarn_json_writer *w, const char *key, double value)
{
    tarn_json_key(w, key);
    tarn_json_double(w, value);
}

void tarn_json_put_bool(struct tarn_json_writer *w, const char *key, bool value)
{
    tarn_json_key(w, key);
    tarn_json_bool(w, value);
}
