/* base/buffer.c -- see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void tarn_buffer_init(struct tarn_buffer *buffer, size_t max_bytes)
{
    *buffer = (struct tarn_buffer){.max_bytes = max_bytes};
}

void tarn_buffer_release(struct tarn_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct tarn_buffer){.max_bytes = buffer->max_bytes};
}

void tarn_buffer_clear(struct tarn_buffer *buffer)
{
    buffer->len = 0;
    buffer->overflow = false;
    if (buffer->data)
        buffer->data[0] = 0;
}

char *tarn_buffer_room(struct tarn_buffer *buffer, size_t len)
{
    if (buffer->overflow || len > buffer->max_bytes || buffer->len > buffer->max_bytes - len) {
        buffer->overflow = true;
        return NULL;
    }
    if (buffer->cap - buffer->len < len + 1 || !buffer->data) {
        size_t wanted = buffer->cap ? buffer->cap * 2 : 256;
        if (wanted < buffer->len + len + 1)
            wanted = buffer->len + len + 1;
        buffer->data = tarn_realloc_array(buffer->data, wanted, 1);
        buffer->cap = wanted;
    }
    return buffer->data + buffer->len;
}

void tarn_buffer_append(struct tarn_buffer *buffer, const void *bytes, size_t len)
{
    char *room = tarn_buffer_room(buffer, len);
    if (!room)
        return;
    if (len > 0)
        memcpy(room, bytes, len);
    buffer->len += len;
    buffer->data[buffer->len] = 0;
}

void tarn_buffer_append_text(struct tarn_buffer *buffer, struct tarn_text text)
{
    tarn_buffer_append(buffer, text.data, text.len);
}

void tarn_buffer_append_str(struct tarn_buffer *buffer, const char *text)
{
    tarn_buffer_append(buffer, text, strlen(text));
}

void tarn_buffer_append_char(struct tarn_buffer *buffer, char c)
{
    tarn_buffer_append(buffer, &c, 1);
}

void tarn_buffer_printf(struct tarn_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = len < 0 ? NULL : tarn_buffer_room(buffer, (size_t)len);
    if (room) {
        vsnprintf(room, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
}

enum tarn_status tarn_buffer_check(const struct tarn_buffer *buffer, const char *what,
                                   struct tarn_error *err)
{
    if (buffer->overflow)
        return tarn_fail(err, TARN_TOO_LARGE, "%s is over the limit of %zu bytes", what,
                         buffer->max_bytes);
    return TARN_OK;
}

const char *tarn_buffer_str(const struct tarn_buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

char *tarn_buffer_take(struct tarn_buffer *buffer)
{
    char *data = buffer->data ? buffer->data : tarn_strdup("");
    *buffer = (struct tarn_buffer){.max_bytes = buffer->max_bytes};
    return data;
}
