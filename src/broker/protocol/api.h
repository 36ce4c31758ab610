/* broker/protocol/api.h -- the one table of APIs: numbers, names, versions, messages.
 *
 * `min` and `max` are what ApiVersions offers, which is what Kafka 4.1 offers, so that clients
 * which guess a broker's release from the table guess one that exists. Handlers are attached by key
 * in handler/. */
#ifndef TARN_BROKER_PROTOCOL_API_H
#define TARN_BROKER_PROTOCOL_API_H

#include "broker/protocol/message.h"

enum tarn_api_key {
    TARN_API_PRODUCE = 0,
    TARN_API_FETCH = 1,
    TARN_API_LIST_OFFSETS = 2,
    TARN_API_METADATA = 3,
    TARN_API_OFFSET_COMMIT = 8,
    TARN_API_OFFSET_FETCH = 9,
    TARN_API_FIND_COORDINATOR = 10,
    TARN_API_JOIN_GROUP = 11,
    TARN_API_HEARTBEAT = 12,
    TARN_API_LEAVE_GROUP = 13,
    TARN_API_SYNC_GROUP = 14,
    TARN_API_DESCRIBE_GROUPS = 15,
    TARN_API_LIST_GROUPS = 16,
    TARN_API_SASL_HANDSHAKE = 17,
    TARN_API_API_VERSIONS = 18,
    TARN_API_CREATE_TOPICS = 19,
    TARN_API_DELETE_TOPICS = 20,
    TARN_API_DELETE_RECORDS = 21,
    TARN_API_INIT_PRODUCER_ID = 22,
    TARN_API_OFFSET_FOR_LEADER_EPOCH = 23,
    TARN_API_ADD_PARTITIONS_TO_TXN = 24,
    TARN_API_ADD_OFFSETS_TO_TXN = 25,
    TARN_API_END_TXN = 26,
    TARN_API_TXN_OFFSET_COMMIT = 28,
    TARN_API_DESCRIBE_ACLS = 29,
    TARN_API_CREATE_ACLS = 30,
    TARN_API_DELETE_ACLS = 31,
    TARN_API_DESCRIBE_CONFIGS = 32,
    TARN_API_ALTER_CONFIGS = 33,
    TARN_API_DESCRIBE_LOG_DIRS = 35,
    TARN_API_SASL_AUTHENTICATE = 36,
    TARN_API_CREATE_PARTITIONS = 37,
    TARN_API_DELETE_GROUPS = 42,
    TARN_API_ELECT_LEADERS = 43,
    TARN_API_INCREMENTAL_ALTER_CONFIGS = 44,
    TARN_API_ALTER_PARTITION_REASSIGNMENTS = 45,
    TARN_API_LIST_PARTITION_REASSIGNMENTS = 46,
    TARN_API_OFFSET_DELETE = 47,
    TARN_API_DESCRIBE_CLIENT_QUOTAS = 48,
    TARN_API_ALTER_CLIENT_QUOTAS = 49,
    TARN_API_DESCRIBE_USER_SCRAM_CREDENTIALS = 50,
    TARN_API_ALTER_USER_SCRAM_CREDENTIALS = 51,
    TARN_API_DESCRIBE_QUORUM = 55,
    TARN_API_DESCRIBE_CLUSTER = 60,
    TARN_API_DESCRIBE_PRODUCERS = 61,
    TARN_API_DESCRIBE_TRANSACTIONS = 65,
    TARN_API_LIST_TRANSACTIONS = 66,
    TARN_API_LIST_CONFIG_RESOURCES = 74,
    TARN_API_DESCRIBE_TOPIC_PARTITIONS = 75,
};

struct tarn_api {
    int16_t key;
    const char *name; /* "OffsetForLeaderEpoch", as Kafka spells it */
    int16_t min, max; /* offered */
    int16_t
        served_min; /* a lower version gets UNSUPPORTED_VERSION though it is offered (Produce) */
    int16_t first_flexible; /* INT16_MAX: none */
    const struct tarn_message *request, *response;
};

/* In order of key. */
size_t tarn_api_count(void);
const struct tarn_api *tarn_api_at(size_t index);
/* NULL when the key is not known. */
const struct tarn_api *tarn_api_find(int16_t key);
static inline bool tarn_api_serves(const struct tarn_api *api, int16_t version)
{
    return version >= api->served_min && version <= api->max;
}

/* ---- headers ---- */

struct tarn_request_header {
    int16_t api_key;
    int16_t api_version;
    int32_t correlation_id;
    struct tarn_text client_id; /* data NULL: null */
};

/* Reads a request's header (version 1, or 2 with tags for flexible bodies); ret_api is NULL when
 * the key is not known and api->served_min..max is not checked: a header of an unknown version of
 * ApiVersions has to be answered (KIP-511). Then the tags behind the header are not read. */
CHECKED enum tarn_status tarn_request_header_decode(struct tarn_wire_reader *reader,
                                                    struct tarn_request_header *ret_header,
                                                    const struct tarn_api **ret_api,
                                                    struct tarn_error *err);
/* For clients in this process. */
void tarn_request_header_encode(struct tarn_wire_writer *writer, const struct tarn_api *api,
                                const struct tarn_request_header *header);
/* The correlation id and, for flexible versions of everything but ApiVersions, an empty set of
 * tags. */
void tarn_response_header_encode(struct tarn_wire_writer *writer, const struct tarn_api *api,
                                 int16_t version, int32_t correlation_id);
CHECKED enum tarn_status tarn_response_header_decode(struct tarn_wire_reader *reader,
                                                     const struct tarn_api *api, int16_t version,
                                                     int32_t *ret_correlation_id,
                                                     struct tarn_error *err);

#endif
