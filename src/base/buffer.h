/* base/buffer.h -- growing bytes that cannot exist without a limit.
 *
 * Appending over the limit sets `overflow` and drops the bytes; the owner asks tarn_buffer_check
 * once at the end instead of after every append. Always NUL-terminated behind `len`. */
#ifndef TARN_BASE_BUFFER_H
#define TARN_BASE_BUFFER_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct tarn_buffer {
    char *data;
    size_t len;
    size_t cap;
    size_t max_bytes;
    bool overflow;
};

void tarn_buffer_init(struct tarn_buffer *buffer, size_t max_bytes);
void tarn_buffer_release(struct tarn_buffer *buffer); /* usable with TARN_AUTO */
void tarn_buffer_clear(struct tarn_buffer *buffer);   /* keeps the memory and the limit */
void tarn_buffer_append(struct tarn_buffer *buffer, const void *bytes, size_t len);
void tarn_buffer_append_text(struct tarn_buffer *buffer, struct tarn_text text);
void tarn_buffer_append_str(struct tarn_buffer *buffer, const char *text);
void tarn_buffer_append_char(struct tarn_buffer *buffer, char c);
void tarn_buffer_printf(struct tarn_buffer *buffer, const char *format, ...) TARN_PRINTF(2, 3);
/* TOO_LARGE, naming `what`, when any append did not fit. */
CHECKED enum tarn_status tarn_buffer_check(const struct tarn_buffer *buffer, const char *what,
                                           struct tarn_error *err);
/* Makes room for `len` more bytes and returns where to put them; NULL over the limit.
 * The caller adds what it wrote to buffer->len. */
char *tarn_buffer_room(struct tarn_buffer *buffer, size_t len);
/* "" when empty. Valid until the next append. */
const char *tarn_buffer_str(const struct tarn_buffer *buffer);
/* Hands over the memory (free with free()) and leaves the buffer empty. */
char *tarn_buffer_take(struct tarn_buffer *buffer);

static inline struct tarn_text tarn_buffer_text(const struct tarn_buffer *buffer)
{
    return (struct tarn_text){tarn_buffer_str(buffer), buffer->len};
}

#define TARN_BUFFER(name, max)                                                                     \
    __attribute__((cleanup(tarn_buffer_release))) struct tarn_buffer name = {.max_bytes = (max)}

#endif
