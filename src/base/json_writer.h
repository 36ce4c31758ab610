/* base/json_writer.h -- writes JSON (RFC 8259) into a buffer; commas and escapes are its business.
 *
 *   tarn_json_object_begin(&w); tarn_json_key(&w, "rows"); tarn_json_int(&w, 3);
 * tarn_json_object_end(&w);
 *
 * Text that is not valid UTF-8 is written with U+FFFD for each bad byte. Asserts on misuse (a value
 * without a key inside an object). Reading JSON is jansson's. */
#ifndef TARN_BASE_JSON_WRITER_H
#define TARN_BASE_JSON_WRITER_H

#include "base/buffer.h"

enum { TARN_JSON_DEPTH_MAX = 64 };

struct tarn_json_writer {
    struct tarn_buffer *buffer;
    int depth;
    int indent; /* spaces per level, 0 for one line */
    bool has_items[TARN_JSON_DEPTH_MAX];
    bool after_key;
};

struct tarn_json_writer tarn_json_writer(struct tarn_buffer *buffer, int indent);
void tarn_json_object_begin(struct tarn_json_writer *w);
void tarn_json_object_end(struct tarn_json_writer *w);
void tarn_json_array_begin(struct tarn_json_writer *w);
void tarn_json_array_end(struct tarn_json_writer *w);
void tarn_json_key(struct tarn_json_writer *w, const char *key);
void tarn_json_key_text(struct tarn_json_writer *w, struct tarn_text key);
void tarn_json_str(struct tarn_json_writer *w, const char *text); /* NULL writes null */
void tarn_json_text(struct tarn_json_writer *w, struct tarn_text text);
void tarn_json_int(struct tarn_json_writer *w, int64_t value);
void tarn_json_double(struct tarn_json_writer *w, double value); /* NaN and infinities write null */
void tarn_json_bool(struct tarn_json_writer *w, bool value);
void tarn_json_null(struct tarn_json_writer *w);
/* Bytes that are JSON already. */
void tarn_json_raw(struct tarn_json_writer *w, struct tarn_text json);

/* Key and value in one call. */
void tarn_json_put_str(struct tarn_json_writer *w, const char *key, const char *text);
void tarn_json_put_int(struct tarn_json_writer *w, const char *key, int64_t value);
void tarn_json_put_double(struct tarn_json_writer *w, const char *key, double value);
void tarn_json_put_bool(struct tarn_json_writer *w, const char *key, bool value);

#endif
