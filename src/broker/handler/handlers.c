/* broker/handler/handlers.c -- the table of handlers; see handlers.h. */
#include "broker/handler/handlers.h"

#include "base/memory.h"
#include "broker/protocol/api.h"

static const struct tarn_handler handlers[] = {
    [TARN_API_PRODUCE] = {tarn_handle_produce, false},
    [TARN_API_FETCH] = {tarn_handle_fetch, false},
    [TARN_API_LIST_OFFSETS] = {tarn_handle_list_offsets, false},
    [TARN_API_METADATA] = {tarn_handle_metadata, false},
    [TARN_API_API_VERSIONS] = {tarn_handle_api_versions, true},
    [TARN_API_CREATE_TOPICS] = {tarn_handle_create_topics, false},
    [TARN_API_DELETE_TOPICS] = {tarn_handle_delete_topics, false},
    [TARN_API_DELETE_RECORDS] = {tarn_handle_delete_records, false},
    [TARN_API_OFFSET_FOR_LEADER_EPOCH] = {tarn_handle_offset_for_leader_epoch, false},
    [TARN_API_CREATE_PARTITIONS] = {tarn_handle_create_partitions, false},
    [TARN_API_DESCRIBE_PRODUCERS] = {tarn_handle_describe_producers, false},
};

const struct tarn_handler *tarn_handler_find(int16_t api_key)
{
    if (api_key < 0 || (size_t)api_key >= TARN_COUNT(handlers) || !handlers[api_key].handle)
        return NULL;
    return &handlers[api_key];
}
