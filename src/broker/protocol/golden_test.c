/* broker/protocol/golden_test.c -- every version of every message against the bytes that Apache
 * Kafka's own client wrote (test/compat/kafka/golden.txt): decoded, encoded again, compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "broker/protocol/message_int.h"
#include "broker/protocol/messages.h"

enum { LINE_BYTES = 64 * 1024, VARIANTS = 2, VERSIONS_MAX = 32 };

static char *golden_path(void)
{
    const char *here = __FILE__;
    int folder = (int)(strrchr(here, '/') - here);
    return tarn_format("%.*s/../../../test/compat/kafka/golden.txt", folder, here);
}

static size_t message_index(const char *name)
{
    for (size_t i = 0; i < tarn_message_list_count; i++) {
        if (strcmp(tarn_message_list[i]->name, name) == 0)
            return i;
    }
    fail_msg("golden.txt has a message %s that messages.txt does not have", name);
    return 0;
}

static size_t from_hex(const char *hex, char *out)
{
    size_t len = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[len++] = (char)byte;
    return len;
}

static void round_trip(const struct tarn_message *message, int16_t version, const char *variant,
                       struct tarn_text bytes)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    void *body = tarn_arena_alloc(arena, message->size_bytes);
    struct tarn_wire_reader reader;
    struct tarn_error err;
    tarn_wire_reader_init(&reader, bytes);
    if (tarn_message_decode(message, &reader, version, arena, body, &err) != TARN_OK)
        fail_msg("%s %d %s: %s", message->name, version, variant, err.text);
    if (tarn_wire_left(&reader) > 0)
        fail_msg("%s %d %s: %zu bytes left over", message->name, version, variant,
                 tarn_wire_left(&reader));

    struct tarn_wire_writer writer;
    tarn_wire_writer_init(&writer, LINE_BYTES);
    tarn_message_encode(message, &writer, version, body);
    assert_int_equal(tarn_wire_writer_check(&writer, message->name, &err), TARN_OK);
    char *again = tarn_arena_alloc(arena, writer.len + 1);
    tarn_wire_writer_copy(&writer, again);
    if (writer.len != bytes.len || memcmp(again, bytes.data, bytes.len) != 0)
        fail_msg("%s %d %s: encoded differently", message->name, version, variant);
    tarn_wire_writer_release(&writer);
}

/* Every proper beginning of a message is refused, and names the message. */
static void cut_short(const struct tarn_message *message, int16_t version, struct tarn_text bytes)
{
    for (size_t len = 0; len < bytes.len; len++) {
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        TARN_AUTO_FREE char *exact = tarn_strndup(bytes.data, len);
        struct tarn_wire_reader reader;
        struct tarn_error err;
        tarn_wire_reader_init(&reader, (struct tarn_text){exact, len});
        assert_int_equal(tarn_message_decode(message, &reader, version, arena,
                                             tarn_arena_alloc(arena, message->size_bytes), &err),
                         TARN_CORRUPT);
        assert_non_null(strstr(err.text, message->name));
    }
}

static void kafka_bytes(void **state)
{
    (void)state;
    TARN_AUTO_FREE char *path = golden_path();
    TARN_AUTO_FREE char *line = tarn_alloc(LINE_BYTES);
    TARN_AUTO_FREE char *bytes = tarn_alloc(LINE_BYTES);
    TARN_AUTO_FREE uint8_t *seen = tarn_alloc_array(tarn_message_list_count, VERSIONS_MAX);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    while (fgets(line, LINE_BYTES, file)) {
        char name[64], variant[16];
        int version, at = 0;
        assert_int_equal(sscanf(line, "%63s %d %15s %n", name, &version, variant, &at), 3);
        size_t index = message_index(name);
        const struct tarn_message *message = tarn_message_list[index];
        struct tarn_text golden = {bytes, from_hex(line + at, bytes)};
        round_trip(message, (int16_t)version, variant, golden);
        cut_short(message, (int16_t)version, golden);
        seen[index * VERSIONS_MAX + (size_t)version]++;
    }
    fclose(file);
    for (size_t i = 0; i < tarn_message_list_count; i++) {
        const struct tarn_message *message = tarn_message_list[i];
        for (int version = message->min_version; version <= message->max_version; version++) {
            if (seen[i * VERSIONS_MAX + (size_t)version] != VARIANTS)
                fail_msg("golden.txt lacks %s version %d; run test/compat/kafka/make",
                         message->name, version);
        }
    }
}

/* The bytes of the line that begins with `start`. */
static struct tarn_text golden(struct tarn_arena *arena, const char *start)
{
    TARN_AUTO_FREE char *path = golden_path();
    char *line = tarn_arena_alloc(arena, LINE_BYTES);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, LINE_BYTES, file)) {
        if (strncmp(line, start, strlen(start)) == 0)
            break;
    }
    if (file)
        fclose(file);
    char *bytes = tarn_arena_alloc(arena, LINE_BYTES);
    return (struct tarn_text){bytes, from_hex(line + strlen(start), bytes)};
}

/* Golden.java numbers the values of a message as it fills them in, so a field that took its
 * neighbour's bytes shows. */
static void values(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_wire_reader reader;
    struct tarn_fetch_request request;
    struct tarn_error err;
    tarn_wire_reader_init(&reader, golden(arena, "fetch_request 12 full "));
    assert_int_equal(tarn_fetch_request_decode(&reader, 12, arena, &request, &err), TARN_OK);
    assert_true(tarn_text_is(request.cluster_id, "s41"));
    assert_int_equal(request.replica_id, 0x01020301);
    assert_int_equal(request.max_wait_ms, 0x01020302);
    assert_int_equal(request.min_bytes, 0x01020303);
    assert_int_equal(request.max_bytes, 0x01020304);
    assert_int_equal(request.isolation_level, 6);
    assert_int_equal(request.session_id, 0x01020306);
    assert_int_equal(request.topics_count, 2);
    assert_true(tarn_text_is(request.topics[0].topic, "s8"));
    assert_int_equal(request.topics[0].partitions_count, 2);
    const struct tarn_fetch_request_partition *partition = &request.topics[0].partitions[1];
    assert_int_equal(partition->partition, 0x0102030f);
    assert_int_equal(partition->current_leader_epoch, 0x01020310);
    assert_true(partition->fetch_offset == 0x0102030405060711);
    assert_int_equal(partition->last_fetched_epoch, 0x01020312);
    assert_true(partition->log_start_offset == 0x0102030405060713);
    assert_int_equal(partition->partition_max_bytes, 0x01020314);
    assert_true(partition->high_watermark == INT64_MAX); /* the default of what 12 does not have */
}

static void offered_versions_are_coded(void **state)
{
    (void)state;
    for (size_t i = 0; i < tarn_api_count(); i++) {
        const struct tarn_api *api = tarn_api_at(i);
        assert_ptr_equal(tarn_api_find(api->key), api);
        assert_true(api->min <= api->served_min && api->served_min <= api->max);
        assert_true(api->request->min_version <= api->served_min);
        assert_true(api->request->max_version >= api->max);
        assert_int_equal(api->request->min_version, api->response->min_version);
        assert_int_equal(api->request->max_version, api->response->max_version);
        assert_int_equal(api->request->first_flexible, api->first_flexible);
    }
    assert_null(tarn_api_find(4));
    assert_null(tarn_api_find(-1));
    assert_string_equal(tarn_api_find(TARN_API_END_TXN)->name, "EndTxn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kafka_bytes),
        cmocka_unit_test(values),
        cmocka_unit_test(offered_versions_are_coded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
