/* cli/topic_print.h -- records as text: raw values, JSON lines, hex. */
#ifndef TARN_CLI_TOPIC_PRINT_H
#define TARN_CLI_TOPIC_PRINT_H

#include <stdio.h>

#include "base/buffer.h"
#include "broker/topic.h"

enum tarn_topic_format {
    TARN_TOPIC_RAW,  /* the value, with its key before it when a separator was given */
    TARN_TOPIC_JSON, /* one object for each record; values that are JSON stay JSON */
    TARN_TOPIC_HEX,  /* like JSON with key and value as hex */
    TARN_TOPIC_AVRO, /* like JSON with key and value decoded by the schema they name */
};
CHECKED enum tarn_status tarn_topic_format_parse(const char *text, enum tarn_topic_format *ret,
                                                 struct tarn_error *err);

/* Turns what schemas encoded into JSON; NULL functions of it leave bytes as they are. */
struct tarn_topic_decoder;
CHECKED enum tarn_status tarn_topic_decoder_open(struct tarn_topics *topics,
                                                 struct tarn_topic_decoder **ret_decoder,
                                                 struct tarn_error *err);
void tarn_topic_decoder_close(struct tarn_topic_decoder *decoder); /* NULL is fine */
/* Appends one side of a record as JSON; what names no schema becomes what tarn_topic_text_json
 * makes of it. NULL decoder: only that. */
CHECKED enum tarn_status tarn_topic_decode(struct tarn_topic_decoder *decoder,
                                           const struct tarn_topic_record *record, bool is_key,
                                           struct tarn_buffer *json, struct tarn_error *err);

/* Appends bytes as JSON: null, the JSON value that they are, otherwise a string. */
void tarn_topic_text_json(struct tarn_text bytes, struct tarn_buffer *json);

/* Appends one record and a newline. `key_separator` NULL: values only (RAW). */
CHECKED enum tarn_status tarn_topic_print(const struct tarn_topic_record *record,
                                          enum tarn_topic_format format, const char *key_separator,
                                          struct tarn_topic_decoder *decoder,
                                          struct tarn_buffer *out, struct tarn_error *err);

#endif
