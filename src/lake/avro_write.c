/* lake/avro_write.c -- encoding of Avro values and container files, see avro.h.
 *
 * Floating point is stored little-endian, which is how the machines that this builds for hold it.
 */
#include <string.h>
#include <zlib.h>

#include "base/hash.h"
#include "lake/avro.h"

enum { SYNC_BYTES = 16, DEFLATE_FROM_BYTES = 16 * 1024, FILE_MAX_BYTES = 1 << 30 };

void tarn_avro_put_long(struct tarn_buffer *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    unsigned char bytes[10];
    size_t len = 0;
    while (zigzag >= 0x80) {
        bytes[len++] = (unsigned char)(zigzag | 0x80);
        zigzag >>= 7;
    }
    bytes[len++] = (unsigned char)zigzag;
    tarn_buffer_append(out, bytes, len);
}

void tarn_avro_put_bool(struct tarn_buffer *out, bool value)
{
    tarn_buffer_append_char(out, value ? 1 : 0);
}

void tarn_avro_put_float(struct tarn_buffer *out, float value)
{
    tarn_buffer_append(out, &value, sizeof value);
}

void tarn_avro_put_double(struct tarn_buffer *out, double value)
{
    tarn_buffer_append(out, &value, sizeof value);
}

void tarn_avro_put_bytes(struct tarn_buffer *out, struct tarn_text bytes)
{
    tarn_avro_put_long(out, (int64_t)bytes.len);
    tarn_buffer_append_text(out, bytes);
}

void tarn_avro_put_str(struct tarn_buffer *out, const char *text)
{
    tarn_avro_put_bytes(out, tarn_text_of(text));
}

/* Raw deflate (no zlib header), as Avro wants it. */
static bool deflate_into(struct tarn_buffer *out, struct tarn_text bytes)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&stream, bytes.len);
    char *room = tarn_buffer_room(out, bound);
    bool done = false;
    if (room) {
        stream.next_in = (unsigned char *)(uintptr_t)bytes.data;
        stream.avail_in = (unsigned)bytes.len;
        stream.next_out = (unsigned char *)room;
        stream.avail_out = (unsigned)bound;
        done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
        out->len += done ? stream.total_out : 0;
    }
    deflateEnd(&stream);
    return done;
}

static void put_meta(struct tarn_buffer *out, const char *key, struct tarn_text value)
{
    tarn_avro_put_str(out, key);
    tarn_avro_put_bytes(out, value);
}

enum tarn_status tarn_avro_file_write(struct tarn_buffer *out, const char *schema_json,
                                      const struct tarn_avro_meta *meta, size_t meta_count,
                                      struct tarn_text records, size_t record_count,
                                      struct tarn_error *err)
{
    TARN_BUFFER(packed, FILE_MAX_BYTES);
    bool deflated = records.len >= DEFLATE_FROM_BYTES && records.len < FILE_MAX_BYTES / 2 &&
                    deflate_into(&packed, records);
    struct tarn_text body = deflated ? tarn_buffer_text(&packed) : records;
    char sync[SYNC_BYTES];
    tarn_random_bytes(sync, sizeof sync);

    tarn_buffer_append(out, "Obj\x01", 4);
    tarn_avro_put_long(out, (int64_t)meta_count + 2);
    put_meta(out, "avro.schema", tarn_text_of(schema_json));
    put_meta(out, "avro.codec", tarn_text_of(deflated ? "deflate" : "null"));
    for (size_t i = 0; i < meta_count; i++)
        put_meta(out, meta[i].key, meta[i].value);
    tarn_avro_put_long(out, 0);
    tarn_buffer_append(out, sync, sizeof sync);
    if (record_count > 0) {
        tarn_avro_put_long(out, (int64_t)record_count);
        tarn_avro_put_bytes(out, body);
        tarn_buffer_append(out, sync, sizeof sync);
    }
    return tarn_buffer_check(out, "an Avro file", err);
}
