/* broker/protocol/message_test.c -- what golden bytes do not show: tags that nobody knows, damage,
 * limits, defaults, headers, the writer's chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/protocol/api.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/messages.h"

#define BYTES(literal) TARN_TEXT(literal)

static struct tarn_wire_reader reader_of(struct tarn_text bytes)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, bytes);
    return reader;
}

/* Decodes Heartbeat 4: group "g", generation 7, member "m", no instance, then `tags`. */
static enum tarn_status heartbeat(struct tarn_text bytes, struct tarn_heartbeat_request *ret,
                                  struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_wire_reader reader = reader_of(bytes);
    return tarn_heartbeat_request_decode(&reader, 4, arena, ret, err);
}

static void unknown_tags(void **state)
{
    (void)state;
    struct tarn_heartbeat_request request;
    struct tarn_error err;
    assert_int_equal(heartbeat(BYTES("\2g\0\0\0\7\2m\0\2\3\2ab\x90\1\0"), &request, &err), TARN_OK);
    assert_int_equal(request.generation_id, 7);
    assert_int_equal(heartbeat(BYTES("\2g\0\0\0\7\2m\0\2\3\2ab\3\0"), &request, &err),
                     TARN_CORRUPT);
    assert_string_equal(err.text, "reading heartbeat_request version 4: a tag twice, or out of "
                                  "order at byte 16 of 16");
    assert_int_equal(heartbeat(BYTES("\2g\0\0\0\7\2m\0\1\3\5ab"), &request, &err), TARN_CORRUPT);
    assert_int_equal(heartbeat(BYTES("\2g\0\0\0\7\2m\0\xff\xff\xff\xff\x0f"), &request, &err),
                     TARN_CORRUPT);
}

static void refused(void **state)
{
    (void)state;
    struct tarn_heartbeat_request request = {.generation_id = 99};
    struct tarn_error err;
    assert_int_equal(heartbeat(BYTES("\0\0\0\0\7\2m\0\0"), &request, &err), TARN_CORRUPT);
    assert_string_equal(err.text, "reading heartbeat_request version 4, field group_id: null where "
                                  "a value has to be at byte 1 of 9");
    assert_int_equal(heartbeat(BYTES("\xff\xff\xff\xff\x1f"), &request, &err), TARN_CORRUPT);
    assert_string_equal(err.text, "reading heartbeat_request version 4, field group_id: a varint "
                                  "is too large at byte 5 of 5");

    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_wire_reader reader = reader_of(BYTES("x"));
    assert_int_equal(tarn_heartbeat_request_decode(&reader, 5, arena, &request, &err),
                     TARN_UNSUPPORTED);
}

/* The place of a fault inside of arrays is named; a count is held against the bytes that are left
 * before anything is allocated. */
static void counts(void **state)
{
    (void)state;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_delete_records_request request;
    struct tarn_error err;
    struct tarn_wire_reader reader =
        reader_of(BYTES("\0\0\0\2\0\1a\0\0\0\0\0\1b\x7f\xff\xff\xff\0\0\0\0"));
    assert_int_equal(tarn_delete_records_request_decode(&reader, 0, arena, &request, &err),
                     TARN_CORRUPT);
    assert_string_equal(err.text, "reading delete_records_request version 0, field "
                                  "topics[1].partitions: a count of more items than there are "
                                  "bytes for at byte 18 of 22");
    reader = reader_of(BYTES("\xff\xff\xff\xfe"));
    assert_int_equal(tarn_delete_records_request_decode(&reader, 0, arena, &request, &err),
                     TARN_CORRUPT);
    reader = reader_of(BYTES("\xff\xff\xff\xff\0\0\0\0"));
    assert_int_equal(tarn_delete_records_request_decode(&reader, 0, arena, &request, &err),
                     TARN_CORRUPT);
    assert_non_null(strstr(err.text, "field topics: null"));
}

static void defaults(void **state)
{
    (void)state;
    struct tarn_fetch_response_partition partition;
    tarn_fetch_response_partition_init(&partition);
    assert_true(partition.last_stable_offset == -1 && partition.preferred_read_replica == -1);
    assert_null(partition.diverging_epoch);

    struct tarn_api_versions_response response;
    tarn_api_versions_response_init(&response);
    assert_true(response.finalized_features_epoch == -1);
    struct tarn_wire_writer writer;
    tarn_wire_writer_init(&writer, 1024);
    tarn_api_versions_response_encode(&writer, 3, &response);
    assert_int_equal(writer.len, 8); /* no tag is sent */
    response.finalized_features_epoch = 0;
    tarn_api_versions_response_encode(&writer, 3, &response);
    assert_int_equal(writer.len, 8 + 8 + 1 + 1 + 8);
    tarn_wire_writer_release(&writer);

    struct tarn_metadata_request metadata;
    tarn_metadata_request_init(&metadata);
    assert_true(metadata.allow_auto_topic_creation);
}

static void writer_chunks(void **state)
{
    (void)state;
    char records[4096], out[8192];
    struct tarn_error err;
    memset(records, 'r', sizeof records);
    struct tarn_wire_writer writer;
    tarn_wire_writer_init(&writer, sizeof out);
    char *size = tarn_wire_room(&writer, 4);
    tarn_wire_write_int16(&writer, -2);
    tarn_wire_write_borrowed(&writer, (struct tarn_text){records, sizeof records});
    tarn_wire_write_borrowed(&writer, BYTES("short"));
    tarn_wire_write_span(&writer, (struct tarn_text){records, 2000}); /* more than a block */
    tarn_wire_put_int32(size, (int32_t)writer.len - 4);
    assert_ptr_equal(writer.chunks[1].iov_base, records);
    assert_int_equal(writer.len, 4 + 2 + 4096 + 5 + 2000);
    tarn_wire_writer_copy(&writer, out);
    assert_memory_equal(out, "\0\0\x17\xd7\xff\xferr", 8);
    assert_memory_equal(out + 6 + 4096, "shortrr", 7);

    tarn_wire_write_span(&writer, (struct tarn_text){records, sizeof records});
    assert_int_equal(tarn_wire_writer_check(&writer, "an answer", &err), TARN_TOO_LARGE);
    assert_string_equal(err.text, "writing an answer: too many bytes (limit 8192 bytes)");
    tarn_wire_writer_clear(&writer);
    tarn_wire_write_varint(&writer, -65);
    tarn_wire_write_varlong(&writer, INT64_MIN);
    tarn_wire_write_string(&writer, (struct tarn_text){NULL, 0});
    tarn_wire_writer_copy(&writer, out);
    assert_int_equal(writer.len, 2 + 10 + 2);
    struct tarn_wire_reader reader = reader_of((struct tarn_text){out, writer.len});
    assert_int_equal(tarn_wire_read_varint(&reader), -65);
    assert_true(tarn_wire_read_varlong(&reader) == INT64_MIN);
    assert_null(tarn_wire_read_string(&reader).data);
    assert_int_equal(tarn_wire_reader_check(&reader, "it", &err), TARN_OK);

    tarn_wire_writer_clear(&writer);
    tarn_wire_write_string(&writer, (struct tarn_text){records, 32768});
    assert_int_equal(tarn_wire_writer_check(&writer, "a name", &err), TARN_TOO_LARGE);
    tarn_wire_writer_release(&writer);
}

static void headers(void **state)
{
    (void)state;
    const struct tarn_api *api;
    struct tarn_request_header header;
    struct tarn_error err;
    /* ApiVersions 3 as librdkafka sends it: classic client id, then tags */
    struct tarn_wire_reader reader = reader_of(BYTES("\0\x12\0\3\0\0\0\1\0\7rdkafka\0\2a"));
    assert_int_equal(tarn_request_header_decode(&reader, &header, &api, &err), TARN_OK);
    assert_int_equal(api->key, TARN_API_API_VERSIONS);
    assert_true(tarn_text_is(header.client_id, "rdkafka"));
    assert_int_equal(tarn_wire_left(&reader), 2);

    struct tarn_wire_writer writer;
    tarn_wire_writer_init(&writer, 100);
    tarn_response_header_encode(&writer, api, 3, 1);
    assert_int_equal(writer.len, 4); /* clients crash over one byte more */
    tarn_response_header_encode(&writer, tarn_api_find(TARN_API_METADATA), 9, 1);
    assert_int_equal(writer.len, 4 + 5);
    tarn_wire_writer_release(&writer);

    reader = reader_of(BYTES("\x7f\0\0\1\0\0\0\1\xff\xff"));
    assert_int_equal(tarn_request_header_decode(&reader, &header, &api, &err), TARN_OK);
    assert_null(api);
    assert_null(header.client_id.data);
    reader = reader_of(BYTES("\0\x12\0\3\0\0\0"));
    assert_int_equal(tarn_request_header_decode(&reader, &header, &api, &err), TARN_CORRUPT);
}

static void ids(void **state)
{
    (void)state;
    char text[TARN_UUID16_TEXT_BYTES];
    struct tarn_uuid16 id = {{0xff, 0xfe, 0xfd, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
    assert_string_equal(tarn_uuid16_text(&id, text), "__79AAECAwQFBgcICQoLDA");
    struct tarn_uuid16 one = tarn_uuid16_random(), other = tarn_uuid16_random();
    assert_false(tarn_uuid16_is_zero(&one));
    assert_false(tarn_uuid16_equal(&one, &other));
}

static void error_codes(void **state)
{
    (void)state;
    assert_string_equal(tarn_kafka_error_name(3), "UNKNOWN_TOPIC_OR_PARTITION");
    assert_string_equal(tarn_kafka_error_name(133), "SHARE_SESSION_LIMIT_REACHED");
    assert_string_equal(tarn_kafka_error_name(134), "UNKNOWN_SERVER_ERROR");
    assert_string_equal(tarn_kafka_error_name(-2), "UNKNOWN_SERVER_ERROR");
    assert_true(tarn_kafka_error_retriable(TARN_KAFKA_NOT_COORDINATOR));
    assert_false(tarn_kafka_error_retriable(TARN_KAFKA_REBALANCE_IN_PROGRESS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_tags), cmocka_unit_test(refused),
        cmocka_unit_test(counts),       cmocka_unit_test(defaults),
        cmocka_unit_test(headers),      cmocka_unit_test(writer_chunks),
        cmocka_unit_test(ids),          cmocka_unit_test(error_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
