/* broker/topic_cluster.c -- topics of a Kafka cluster through librdkafka: connecting, errors, and
 * what the other parts (topic_cluster_writer.c, _reader.c, _admin.c, _group.c) share.
 *
 * librdkafka's log lines go to our debug log; what matters of them is in the errors it returns. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "broker/topic_cluster_int.h"

enum { CONNECT_ATTEMPT_MS = 10000, FIRST_ATTEMPT_MS = 400 };

static void log_line(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    tarn_log(TARN_LOG_DEBUG, "librdkafka", TARN_LOG_STR("facility", facility),
             TARN_LOG_STR("text", text));
}

enum tarn_status tarn_cluster_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                  struct tarn_error *err)
{
    char problem[512];
    if (rd_kafka_conf_set(conf, name, value, problem, sizeof problem) == RD_KAFKA_CONF_OK)
        return TARN_OK;
    return tarn_fail(err, TARN_CONFIG, "the Kafka client property %s: %s", name, problem);
}

enum tarn_status tarn_cluster_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value,
                                      struct tarn_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return tarn_cluster_set(conf, name, text, err);
}

enum tarn_status tarn_cluster_conf(const struct tarn_cluster *cluster, rd_kafka_conf_t **ret_conf,
                                   struct tarn_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_line);
    enum tarn_status status =
        tarn_cluster_set(conf, "bootstrap.servers", cluster->base.address, err);
    if (status == TARN_OK)
        status = tarn_cluster_set(conf, "client.id", cluster->base.client_id, err);
    for (size_t i = 0; status == TARN_OK && i < cluster->property_count; i++)
        status =
            tarn_cluster_set(conf, cluster->properties[i].name, cluster->properties[i].value, err);
    if (status == TARN_OK)
        *ret_conf = conf;
    else
        rd_kafka_conf_destroy(conf);
    return status;
}

enum tarn_status tarn_cluster_client(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                     rd_kafka_t **ret_client, struct tarn_error *err)
{
    char problem[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, problem, sizeof problem);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        return tarn_fail(err, TARN_CONFIG, "making the Kafka client: %s", problem);
    }
    *ret_client = client;
    return TARN_OK;
}

/* Only codes that call for something other than INTERNAL. */
static const struct {
    rd_kafka_resp_err_t code;
    enum tarn_status status;
} statuses[] = {
    {RD_KAFKA_RESP_ERR__TRANSPORT, TARN_IO},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, TARN_IO},
    {RD_KAFKA_RESP_ERR__RESOLVE, TARN_IO},
    {RD_KAFKA_RESP_ERR__SSL, TARN_IO},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, TARN_IO},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, TARN_IO},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TARN_IO},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, TARN_IO},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, TARN_TIMEOUT},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, TARN_TIMEOUT},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, TARN_TIMEOUT},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, TARN_TIMEOUT},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, TARN_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, TARN_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, TARN_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, TARN_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, TARN_EXISTS},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, TARN_TOO_LARGE},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, TARN_TOO_LARGE},
    {RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, TARN_TOO_LARGE},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, TARN_INVALID},
    {RD_KAFKA_RESP_ERR__STATE, TARN_INVALID},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_REQUEST, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, TARN_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, TARN_CORRUPT},
    {RD_KAFKA_RESP_ERR__BAD_MSG, TARN_CORRUPT},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, TARN_UNSUPPORTED},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, TARN_UNSUPPORTED},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, TARN_PERMISSION},
    {RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR__FENCED, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TARN_CONFLICT},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, TARN_CANCELLED},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, TARN_CANCELLED},
};

enum tarn_status tarn_cluster_status(rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(statuses); i++)
        if (statuses[i].code == code)
            return statuses[i].status;
    return TARN_INTERNAL;
}

enum tarn_status tarn_topic_kafka_status(int16_t code)
{
    return tarn_cluster_status((rd_kafka_resp_err_t)code); /* those of the protocol are the same */
}

enum tarn_status tarn_cluster_fail(struct tarn_error *err, rd_kafka_resp_err_t code,
                                   const char *format, ...)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TARN_OK;
    char what[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return tarn_fail(err, tarn_cluster_status(code), "%s: %s", what, rd_kafka_err2str(code));
}

enum tarn_status tarn_cluster_fail_object(struct tarn_error *err, rd_kafka_error_t *error,
                                          const char *format, ...)
{
    if (!error)
        return TARN_OK;
    char what[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    enum tarn_status status = tarn_cluster_status(rd_kafka_error_code(error));
    (void)tarn_fail(err, status, "%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return status;
}

int tarn_cluster_timeout(int64_t timeout_ms)
{
    return timeout_ms < 0 ? -1 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

static int64_t offset_of(int64_t offset)
{
    switch (offset) {
    case TARN_OFFSET_COMMITTED:
        return RD_KAFKA_OFFSET_STORED;
    case TARN_OFFSET_NONE:
        return RD_KAFKA_OFFSET_INVALID;
    default:
        return offset; /* BEGINNING and END have librdkafka's numbers */
    }
}

rd_kafka_topic_partition_list_t *tarn_cluster_partitions(const struct tarn_topic_offset *offsets,
                                                         size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *item =
            rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition);
        item->offset = offset_of(offsets[i].offset);
        if (offsets[i].metadata.data) {
            /* librdkafka frees it with free() */
            item->metadata = tarn_strndup(offsets[i].metadata.data, offsets[i].metadata.len);
            item->metadata_size = offsets[i].metadata.len;
        }
    }
    return list;
}

struct tarn_topic_offset *tarn_cluster_offsets(const rd_kafka_topic_partition_list_t *list,
                                               struct tarn_arena *arena)
{
    struct tarn_topic_offset *offsets =
        tarn_arena_array(arena, (size_t)list->cnt + 1, sizeof *offsets);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *item = &list->elems[i];
        offsets[i].topic = tarn_arena_strdup(arena, item->topic);
        offsets[i].partition = item->partition;
        offsets[i].offset = item->offset;
        if (item->metadata)
            offsets[i].metadata =
                (struct tarn_text){tarn_arena_strndup(arena, item->metadata, item->metadata_size),
                                   item->metadata_size};
    }
    return offsets;
}

static void cluster_free(struct tarn_topics *topics)
{
    struct tarn_cluster *cluster = (struct tarn_cluster *)topics;
    if (cluster->admin)
        rd_kafka_destroy(cluster->admin);
    for (size_t i = 0; i < cluster->property_count; i++) {
        free((char *)cluster->properties[i].name);
        free((char *)cluster->properties[i].value);
    }
    free(cluster->properties);
    free(cluster->base.address);
    free(cluster->base.client_id);
    free(cluster);
}

static const struct tarn_topics_ops cluster_ops = {
    .close = cluster_free,
    .writer_open = tarn_cluster_writer_open,
    .reader_open = tarn_cluster_reader_open,
    .list = tarn_cluster_list,
    .find = tarn_cluster_find,
    .describe = tarn_cluster_describe,
    .create = tarn_cluster_create,
    .delete = tarn_cluster_delete,
    .add_partitions = tarn_cluster_add_partitions,
    .alter = tarn_cluster_alter,
    .delete_records = tarn_cluster_delete_records,
    .watermarks = tarn_cluster_watermarks,
    .offset_at = tarn_cluster_offset_at,
    .group_list = tarn_cluster_group_list,
    .group_describe = tarn_cluster_group_describe,
    .group_reset = tarn_cluster_group_reset,
    .group_delete = tarn_cluster_group_delete,
};

/* Asks for the brokers, so that a wrong address is told now and not by the first read. */
static enum tarn_status check_reachable(struct tarn_cluster *cluster, struct tarn_error *err)
{
    const struct rd_kafka_metadata *metadata;
    int64_t timeout = cluster->base.timeout_ms < CONNECT_ATTEMPT_MS ? cluster->base.timeout_ms
                                                                    : CONNECT_ATTEMPT_MS;
    int64_t first = timeout < FIRST_ATTEMPT_MS ? timeout : FIRST_ATTEMPT_MS;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(cluster->admin, 0, NULL, &metadata, tarn_cluster_timeout(first));
    /* librdkafka goes on trying where every address refuses */
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && timeout > first &&
        !tarn_cluster_is_refused(cluster->base.address))
        code = rd_kafka_metadata(cluster->admin, 0, NULL, &metadata,
                                 tarn_cluster_timeout(timeout - first));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        return TARN_OK;
    }
    enum tarn_status status = tarn_cluster_status(code);
    return tarn_fail(err, status,
                     "connecting to the broker at %s: %s; is it running, and is the "
                     "address right?",
                     cluster->base.address,
                     code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT
                         ? "nobody answers"
                         : rd_kafka_err2str(code));
}

static enum tarn_status connect_admin(struct tarn_cluster *cluster, struct tarn_error *err)
{
    rd_kafka_conf_t *conf;
    TARN_TRY(tarn_cluster_conf(cluster, &conf, err));
    /* ends of partitions are meant as they are, not as a read_committed consumer sees them */
    enum tarn_status status = tarn_cluster_set(conf, "isolation.level", "read_uncommitted", err);
    if (status == TARN_OK)
        status = tarn_cluster_set(conf, "allow.auto.create.topics", "false", err);
    if (status != TARN_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    /* a consumer without a group: unlike a producer it may say how it sees transactions */
    TARN_TRY(tarn_cluster_client(RD_KAFKA_CONSUMER, conf, &cluster->admin, err));
    return check_reachable(cluster, err);
}

enum tarn_status tarn_topics_open_cluster(const struct tarn_topics_options *options,
                                          struct tarn_topics **ret_topics, struct tarn_error *err)
{
    struct tarn_cluster *cluster = tarn_alloc(sizeof *cluster);
    cluster->base.ops = &cluster_ops;
    cluster->base.address = tarn_strdup(options->address);
    cluster->base.client_id = tarn_strdup(options->client_id);
    cluster->base.timeout_ms = options->timeout_ms;
    cluster->properties =
        tarn_alloc_array(options->property_count + 1, sizeof *cluster->properties);
    for (size_t i = 0; i < options->property_count; i++) {
        cluster->properties[i].name = tarn_strdup(options->properties[i].name);
        cluster->properties[i].value = tarn_strdup(options->properties[i].value);
    }
    cluster->property_count = options->property_count;
    enum tarn_status status = connect_admin(cluster, err);
    if (status == TARN_OK)
        *ret_topics = &cluster->base;
    else
        cluster_free(&cluster->base);
    return status;
}
