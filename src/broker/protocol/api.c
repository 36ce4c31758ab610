/* broker/protocol/api.c -- looking up APIs, and the headers of requests and responses.
 *
 * Request: api key, version, correlation id, client id (a classic string even in flexible
 * versions), tags when flexible. Response: correlation id, tags when flexible; ApiVersions never
 * has them, because a client reads it before it knows what the broker speaks. */
#include "broker/protocol/api.h"

#include "broker/protocol/message_int.h"

size_t tarn_api_count(void)
{
    return tarn_api_row_count;
}

const struct tarn_api *tarn_api_at(size_t index)
{
    return &tarn_api_rows[index];
}

const struct tarn_api *tarn_api_find(int16_t key)
{
    size_t low = 0, high = tarn_api_row_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tarn_api_rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tarn_api_row_count && tarn_api_rows[low].key == key ? &tarn_api_rows[low] : NULL;
}

enum tarn_status tarn_request_header_decode(struct tarn_wire_reader *reader,
                                            struct tarn_request_header *ret_header,
                                            const struct tarn_api **ret_api, struct tarn_error *err)
{
    struct tarn_request_header header = {.api_key = tarn_wire_read_int16(reader),
                                         .api_version = tarn_wire_read_int16(reader),
                                         .correlation_id = tarn_wire_read_int32(reader)};
    const struct tarn_api *api = tarn_api_find(header.api_key);
    header.client_id = tarn_wire_read_string(reader);
    if (api && tarn_api_serves(api, header.api_version) &&
        header.api_version >= api->first_flexible)
        tarn_wire_skip_tags(reader);
    TARN_TRY(tarn_wire_reader_check(reader, "request header", err));
    *ret_header = header;
    *ret_api = api;
    return TARN_OK;
}

void tarn_request_header_encode(struct tarn_wire_writer *writer, const struct tarn_api *api,
                                const struct tarn_request_header *header)
{
    tarn_wire_write_int16(writer, header->api_key);
    tarn_wire_write_int16(writer, header->api_version);
    tarn_wire_write_int32(writer, header->correlation_id);
    tarn_wire_write_string(writer, header->client_id);
    if (header->api_version >= api->first_flexible)
        tarn_wire_write_uvarint(writer, 0);
}

static bool response_has_tags(const struct tarn_api *api, int16_t version)
{
    return api->key != TARN_API_API_VERSIONS && version >= api->first_flexible;
}

void tarn_response_header_encode(struct tarn_wire_writer *writer, const struct tarn_api *api,
                                 int16_t version, int32_t correlation_id)
{
    tarn_wire_write_int32(writer, correlation_id);
    if (response_has_tags(api, version))
        tarn_wire_write_uvarint(writer, 0);
}

enum tarn_status tarn_response_header_decode(struct tarn_wire_reader *reader,
                                             const struct tarn_api *api, int16_t version,
                                             int32_t *ret_correlation_id, struct tarn_error *err)
{
    int32_t correlation_id = tarn_wire_read_int32(reader);
    if (response_has_tags(api, version))
        tarn_wire_skip_tags(reader);
    TARN_TRY(tarn_wire_reader_check(reader, "response header", err));
    *ret_correlation_id = correlation_id;
    return TARN_OK;
}
