/* cli/topic_print.c -- see topic_print.h. */
#include "cli/topic_print.h"

#include <jansson.h>
#include <string.h>

#include "base/json_writer.h"

enum { VALUE_BYTES_MAX = 256 << 20 };

enum tarn_status tarn_topic_format_parse(const char *text, enum tarn_topic_format *ret,
                                         struct tarn_error *err)
{
    static const char *const names[] = {"raw", "json", "hex", "avro"};
    for (size_t i = 0; text && i < TARN_COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum tarn_topic_format)i;
            return TARN_OK;
        }
    }
    if (!text)
        return TARN_OK;
    return tarn_fail(err, TARN_USAGE, "--format is raw, json, hex or avro, not '%s'", text);
}

/* Only what can be JSON is parsed to find out whether it is. */
static bool is_json(struct tarn_text bytes)
{
    struct tarn_text trimmed = tarn_text_trim(bytes);
    if (trimmed.len == 0 || !strchr("{[\"-0123456789tfn", trimmed.data[0]))
        return false;
    json_t *value =
        json_loadb(bytes.data, bytes.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    json_decref(value);
    return value != NULL && !memchr(bytes.data, '\n', bytes.len);
}

void tarn_topic_text_json(struct tarn_text bytes, struct tarn_buffer *json)
{
    struct tarn_json_writer w = tarn_json_writer(json, 0);
    if (!bytes.data)
        tarn_json_null(&w);
    else if (is_json(bytes))
        tarn_json_raw(&w, tarn_text_trim(bytes));
    else
        tarn_json_text(&w, bytes);
}

static void put_hex(struct tarn_json_writer *w, struct tarn_text bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (!bytes.data) {
        tarn_json_null(w);
        return;
    }
    TARN_BUFFER(hex, VALUE_BYTES_MAX);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        tarn_buffer_append_char(&hex, digits[byte >> 4]);
        tarn_buffer_append_char(&hex, digits[byte & 15]);
    }
    tarn_json_text(w, tarn_buffer_text(&hex));
}

static enum tarn_status put_side(struct tarn_json_writer *w, const struct tarn_topic_record *record,
                                 bool is_key, enum tarn_topic_format format,
                                 struct tarn_topic_decoder *decoder, struct tarn_error *err)
{
    tarn_json_key(w, is_key ? "key" : "value");
    if (format == TARN_TOPIC_HEX) {
        put_hex(w, is_key ? record->key : record->value);
        return TARN_OK;
    }
    TARN_BUFFER(json, VALUE_BYTES_MAX);
    TARN_TRY(tarn_topic_decode(decoder, record, is_key, &json, err));
    tarn_json_raw(w, tarn_buffer_text(&json));
    return TARN_OK;
}

static void put_headers(struct tarn_json_writer *w, const struct tarn_topic_record *record)
{
    if (record->header_count == 0)
        return;
    /* a list of pairs: a name may be there several times */
    tarn_json_key(w, "headers");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < record->header_count; i++) {
        tarn_json_array_begin(w);
        tarn_json_text(w, record->headers[i].key);
        if (record->headers[i].value.data)
            tarn_json_text(w, record->headers[i].value);
        else
            tarn_json_null(w);
        tarn_json_array_end(w);
    }
    tarn_json_array_end(w);
}

static enum tarn_status print_object(const struct tarn_topic_record *record,
                                     enum tarn_topic_format format,
                                     struct tarn_topic_decoder *decoder, struct tarn_buffer *out,
                                     struct tarn_error *err)
{
    struct tarn_json_writer w = tarn_json_writer(out, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "topic", record->topic);
    tarn_json_put_int(&w, "partition", record->partition);
    tarn_json_put_int(&w, "offset", record->offset);
    tarn_json_put_int(&w, "timestamp", record->timestamp_ms);
    TARN_TRY(put_side(&w, record, true, format, decoder, err));
    TARN_TRY(put_side(&w, record, false, format, decoder, err));
    put_headers(&w, record);
    tarn_json_object_end(&w);
    return TARN_OK;
}

enum tarn_status tarn_topic_print(const struct tarn_topic_record *record,
                                  enum tarn_topic_format format, const char *key_separator,
                                  struct tarn_topic_decoder *decoder, struct tarn_buffer *out,
                                  struct tarn_error *err)
{
    if (format != TARN_TOPIC_RAW) {
        enum tarn_status status = print_object(record, format, decoder, out, err);
        if (status != TARN_OK)
            return err ? tarn_error_wrap(err, "%s[%d] at offset %lld", record->topic,
                                         (int)record->partition, (long long)record->offset)
                       : status;
    } else {
        if (key_separator) {
            tarn_buffer_append_text(out, record->key);
            tarn_buffer_append_str(out, key_separator);
        }
        tarn_buffer_append_text(out, record->value);
    }
    tarn_buffer_append_char(out, '\n');
    return tarn_buffer_check(out, "a printed record", err);
}
