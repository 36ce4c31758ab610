/* test/fuzz/kafka_message.c -- requests and responses from the network: the first byte chooses the
 * message, the second its version, the rest is its body. What can be read is written and read
 * again, and must come out the same; the same bytes are also taken for a request with its header.
 */
#include <assert.h>

#include "base/memory.h"
#include "broker/protocol/message_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX_BYTES = 1 << 24 };

static struct tarn_text encode(const struct tarn_message *message, int16_t version,
                               const void *body, struct tarn_arena *arena)
{
    struct tarn_wire_writer writer;
    tarn_wire_writer_init(&writer, OUTPUT_MAX_BYTES);
    tarn_message_encode(message, &writer, version, body);
    assert(!writer.fault);
    struct tarn_text bytes = {tarn_arena_alloc(arena, writer.len + 1), writer.len};
    tarn_wire_writer_copy(&writer, (char *)bytes.data);
    tarn_wire_writer_release(&writer);
    return bytes;
}

/* NULL when the bytes are not such a message. */
static void *decode(const struct tarn_message *message, int16_t version, struct tarn_text bytes,
                    struct tarn_arena *arena)
{
    void *body = tarn_arena_alloc(arena, message->size_bytes);
    struct tarn_wire_reader reader;
    struct tarn_error err;
    tarn_wire_reader_init(&reader, bytes);
    return tarn_message_decode(message, &reader, version, arena, body, &err) == TARN_OK ? body
                                                                                        : NULL;
}

static void check_body(const struct tarn_message *message, int16_t version, struct tarn_text bytes,
                       struct tarn_arena *arena)
{
    void *body = decode(message, version, bytes, arena);
    if (!body)
        return;
    /* The input may have unknown tags, numbers in more bytes than needed and the like, so the first
     * output is what the second is held against. */
    struct tarn_text once = encode(message, version, body, arena);
    void *again = decode(message, version, once, arena);
    assert(again);
    struct tarn_text twice = encode(message, version, again, arena);
    assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

static void check_request(struct tarn_text bytes, struct tarn_arena *arena)
{
    struct tarn_wire_reader reader;
    struct tarn_request_header header;
    const struct tarn_api *api;
    struct tarn_error err;
    tarn_wire_reader_init(&reader, bytes);
    if (tarn_request_header_decode(&reader, &header, &api, &err) != TARN_OK || !api ||
        !tarn_api_serves(api, header.api_version))
        return;
    struct tarn_text body = {bytes.data + reader.at, tarn_wire_left(&reader)};
    check_body(api->request, header.api_version, body, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct tarn_message *message = tarn_message_list[data[0] % tarn_message_list_count];
    int versions = message->max_version - message->min_version + 1;
    int16_t version = (int16_t)(message->min_version + data[1] % versions);
    struct tarn_arena *arena = tarn_arena_new();
    check_body(message, version, (struct tarn_text){(const char *)data + 2, size - 2}, arena);
    check_request((struct tarn_text){(const char *)data, size}, arena);
    tarn_arena_free(arena);
    return 0;
}
