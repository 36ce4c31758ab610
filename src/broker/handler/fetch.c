/* broker/handler/fetch.c -- Fetch: records of many partitions, at once or when there are enough of
 * them.
 *
 * Sessions (KIP-227) are answered statelessly: the session id is always 0, so clients send all
 * partitions every time. What is asked for is looked up by name or id again whenever the fetch is
 * woken, so a topic may go while it waits. */
#include "broker/broker.h"
#include "broker/broker_int.h"
#include "broker/handler/fetch_wait.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/log/log.h"
#include "broker/log/partition.h"
#include "broker/protocol/messages.h"

enum {
    TOPIC_IDS_SINCE = 13,
    READ_COMMITTED = 1,
    RESPONSE_MAX_BYTES = 55 << 20, /* fetch.max.bytes of a broker */
    READ_MAX_BYTES = 256 << 20,    /* one batch that is larger than all limits */
    SCRATCH_MIN_BYTES = 16 << 10,
    SESSION_EPOCH_FINAL = -1,
    SESSION_EPOCH_INITIAL = 0,
};

/* One partition of the request, as it stands at the moment. */
struct part {
    const struct tarn_fetch_request_partition *wanted;
    struct tarn_partition *partition; /* NULL with an error */
    enum tarn_kafka_error error;
    int64_t end_offset; /* what the client may see ends here */
    struct tarn_fetch_response_diverging_epoch *diverging;
};

struct fetch {
    struct tarn_request *request;
    const struct tarn_fetch_request *body;
    struct part *parts; /* in the request's order */
    size_t part_count;
    struct tarn_fetch_wait wait;
    bool parked;
    /* memory that the next read goes to; what is used little of is copied, so that it can be used
     * again */
    char *scratch;
    size_t scratch_bytes;
};

/* ---- what there is ---- */

static enum tarn_kafka_error check_offset(struct part *part)
{
    int64_t offset = part->wanted->fetch_offset;
    bool inside = offset >= tarn_partition_start_offset(part->partition) &&
                  offset <= tarn_partition_end_offset(part->partition);
    return inside ? TARN_KAFKA_NONE : TARN_KAFKA_OFFSET_OUT_OF_RANGE;
}

/* A client whose last records are of an epoch that ended earlier here has read what was cut off
 * since (KIP-320). */
static void check_divergence(struct fetch *fetch, struct part *part)
{
    int32_t epoch, wanted = part->wanted->last_fetched_epoch;
    int64_t end;
    part->diverging = NULL;
    if (wanted < 0)
        return;
    tarn_partition_epoch_end(part->partition, wanted, &epoch, &end);
    if (epoch < 0 || (epoch == wanted && end >= part->wanted->fetch_offset))
        return;
    part->diverging = tarn_arena_alloc(fetch->request->arena, sizeof *part->diverging);
    *part->diverging =
        (struct tarn_fetch_response_diverging_epoch){.epoch = epoch, .end_offset = end};
}

static void look_up_part(struct fetch *fetch, struct tarn_topic *topic,
                         enum tarn_kafka_error topic_error, struct part *part)
{
    part->error = topic_error;
    part->partition = tarn_topic_partition(topic, part->wanted->partition);
    part->diverging = NULL;
    if (part->error == TARN_KAFKA_NONE && !part->partition)
        part->error = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (part->error == TARN_KAFKA_NONE)
        part->error = tarn_check_leader_epoch(fetch->request, part->wanted->current_leader_epoch);
    if (part->error == TARN_KAFKA_NONE)
        part->error = check_offset(part);
    if (part->error != TARN_KAFKA_NONE)
        return;
    part->end_offset = fetch->body->isolation_level == READ_COMMITTED
                           ? tarn_partition_last_stable_offset(part->partition)
                           : tarn_partition_end_offset(part->partition);
    check_divergence(fetch, part);
}

/* Looks at all partitions; true when the answer need not wait. */
static bool look_up(struct fetch *fetch)
{
    struct tarn_request *request = fetch->request;
    bool by_id = request->api_version >= TOPIC_IDS_SINCE, ready = false;
    int64_t available = 0;
    size_t at = 0;
    for (int32_t i = 0; i < fetch->body->topics_count; i++) {
        const struct tarn_fetch_request_topic *wanted = &fetch->body->topics[i];
        struct tarn_topic *topic;
        enum tarn_kafka_error error = tarn_topic_for_request(
            request, TARN_ACL_READ, by_id, &wanted->topic_id, wanted->topic, &topic);
        for (int32_t j = 0; j < wanted->partitions_count; j++) {
            struct part *part = &fetch->parts[at++];
            part->wanted = &wanted->partitions[j];
            look_up_part(fetch, topic, error, part);
            ready |= part->error != TARN_KAFKA_NONE || part->diverging;
            if (part->error == TARN_KAFKA_NONE && part->wanted->fetch_offset < part->end_offset) {
                int64_t bytes = tarn_partition_available_bytes(
                    part->partition, part->wanted->fetch_offset, part->end_offset);
                int64_t most = part->wanted->partition_max_bytes;
                available += bytes < most ? bytes : most;
                /* there is at least a record, even when it cannot be said without reading how large
                 * it is */
                available += bytes <= 0 || most <= 0;
            }
        }
    }
    return ready || available >= fetch->body->min_bytes;
}

/* ---- reading ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void need_scratch(struct fetch *fetch, size_t bytes)
{
    if (bytes < SCRATCH_MIN_BYTES)
        bytes = SCRATCH_MIN_BYTES;
    if (fetch->scratch && fetch->scratch_bytes >= bytes)
        return;
    fetch->scratch = tarn_request_buffer(fetch->request, bytes);
    fetch->scratch_bytes = bytes;
}

/* What was read, out of the way of the next read. */
static struct tarn_text keep(struct fetch *fetch, size_t len)
{
    if (len * 4 < fetch->scratch_bytes)
        return (struct tarn_text){tarn_arena_strndup(fetch->request->arena, fetch->scratch, len),
                                  len};
    struct tarn_text kept = {fetch->scratch, len};
    fetch->scratch = NULL;
    return kept;
}

static enum tarn_status read_records(struct fetch *fetch, const struct part *part, size_t max_bytes,
                                     bool at_least_one, struct tarn_text *ret_records,
                                     int64_t *ret_next_offset, struct tarn_error *err)
{
    size_t room = smaller(max_bytes, (size_t)tarn_partition_size_bytes(part->partition));
    for (;;) {
        struct tarn_read read = {0};
        need_scratch(fetch, room + 1);
        /* the limit keeps the buffer from growing: the memory is not its own */
        struct tarn_buffer into = {.data = fetch->scratch,
                                   .cap = fetch->scratch_bytes,
                                   .max_bytes = fetch->scratch_bytes - 1};
        *err = (struct tarn_error){0};
        enum tarn_status status =
            tarn_partition_read(part->partition, part->wanted->fetch_offset, part->end_offset,
                                (uint32_t)max_bytes, at_least_one, &into, &read, err);
        if (status == TARN_TOO_LARGE && room < READ_MAX_BYTES) {
            room = fetch->scratch_bytes * 4;
            continue;
        }
        if (status != TARN_OK)
            return status;
        *ret_next_offset = read.next_offset;
        *ret_records = keep(fetch, into.len);
        return TARN_OK;
    }
}

static enum tarn_status read_aborted(struct fetch *fetch, const struct part *part,
                                     int64_t next_offset, struct tarn_fetch_response_partition *out,
                                     struct tarn_error *err)
{
    struct tarn_aborted *aborted = NULL;
    size_t count = 0;
    out->aborted_transactions_count = -1;
    if (fetch->body->isolation_level != READ_COMMITTED)
        return TARN_OK;
    out->aborted_transactions_count = 0;
    if (out->records.len == 0)
        return TARN_OK;
    TARN_TRY(tarn_partition_aborted(part->partition, part->wanted->fetch_offset, next_offset,
                                    fetch->request->arena, &aborted, &count, err));
    out->aborted_transactions =
        tarn_arena_array(fetch->request->arena, count, sizeof *out->aborted_transactions);
    out->aborted_transactions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->aborted_transactions[i] = (struct tarn_fetch_response_aborted_transaction){
            .producer_id = aborted[i].producer_id, .first_offset = aborted[i].first_offset};
    return TARN_OK;
}

static void fail_part(struct tarn_fetch_response_partition *out, enum tarn_kafka_error error)
{
    out->error_code = (int16_t)error;
    out->high_watermark = out->last_stable_offset = out->log_start_offset = -1;
    out->aborted_transactions_count = -1;
    out->records = TARN_TEXT("");
}

/* Reads one partition into its answer; *left is what the whole answer may still grow by. */
static void answer_part(struct fetch *fetch, const struct part *part, size_t *left,
                        bool *at_least_one, struct tarn_fetch_response_partition *out)
{
    struct tarn_error err = {0};
    tarn_fetch_response_partition_init(out);
    out->partition_index = part->wanted->partition;
    out->preferred_read_replica = -1;
    if (part->error != TARN_KAFKA_NONE) {
        fail_part(out, part->error);
        return;
    }
    int64_t next_offset = part->wanted->fetch_offset;
    int32_t wanted_bytes = part->wanted->partition_max_bytes;
    size_t max_bytes = smaller(wanted_bytes > 0 ? (size_t)wanted_bytes : 0, *left);
    bool read =
        next_offset < part->end_offset && !part->diverging && (max_bytes > 0 || *at_least_one);
    out->high_watermark = tarn_partition_end_offset(part->partition);
    out->last_stable_offset = tarn_partition_last_stable_offset(part->partition);
    out->log_start_offset = tarn_partition_start_offset(part->partition);
    out->diverging_epoch = part->diverging;
    out->records = TARN_TEXT("");
    enum tarn_status status = TARN_OK;
    if (read)
        status =
            read_records(fetch, part, max_bytes, *at_least_one, &out->records, &next_offset, &err);
    if (status == TARN_OK)
        status = read_aborted(fetch, part, next_offset, out, &err);
    if (status != TARN_OK) {
        tarn_log_storage_failure(&err);
        fail_part(out, status == TARN_CORRUPT ? TARN_KAFKA_CORRUPT_MESSAGE
                                              : TARN_KAFKA_KAFKA_STORAGE_ERROR);
        return;
    }
    if (out->records.len > 0)
        *at_least_one = false;
    *left -= smaller(*left, out->records.len);
}

static void answer(struct fetch *fetch)
{
    struct tarn_arena *arena = fetch->request->arena;
    struct tarn_fetch_response response;
    int32_t max_bytes = fetch->body->max_bytes;
    size_t left = smaller(max_bytes > 0 ? (size_t)max_bytes : 0, RESPONSE_MAX_BYTES), at = 0;
    bool at_least_one = true;
    tarn_fetch_response_init(&response);
    response.responses_count = fetch->body->topics_count > 0 ? fetch->body->topics_count : 0;
    response.responses =
        tarn_arena_array(arena, (size_t)response.responses_count, sizeof *response.responses);
    for (int32_t i = 0; i < response.responses_count; i++) {
        const struct tarn_fetch_request_topic *wanted = &fetch->body->topics[i];
        struct tarn_fetch_response_topic *out = &response.responses[i];
        tarn_fetch_response_topic_init(out);
        out->topic = wanted->topic;
        out->topic_id = wanted->topic_id;
        out->partitions_count = wanted->partitions_count > 0 ? wanted->partitions_count : 0;
        out->partitions =
            tarn_arena_array(arena, (size_t)out->partitions_count, sizeof *out->partitions);
        for (int32_t j = 0; j < out->partitions_count; j++)
            answer_part(fetch, &fetch->parts[at++], &left, &at_least_one, &out->partitions[j]);
    }
    tarn_request_reply(fetch->request, &response);
}

/* ---- waiting ---- */

static void on_woken(struct tarn_fetch_wait *wait, bool timed_out)
{
    struct fetch *fetch = TARN_TIMER_OWNER(wait, struct fetch, wait);
    if (!look_up(fetch) && !timed_out)
        return;
    tarn_fetch_wait_leave(wait);
    answer(fetch);
}

static void on_cancel(struct tarn_request *request, void *context)
{
    struct fetch *fetch = context;
    (void)request;
    tarn_fetch_wait_leave(&fetch->wait);
}

static void park(struct fetch *fetch)
{
    struct tarn_request *request = fetch->request;
    struct tarn_partition **partitions =
        tarn_arena_array(request->arena, fetch->part_count, sizeof(*partitions));
    size_t count = 0;
    for (size_t i = 0; i < fetch->part_count; i++)
        if (fetch->parts[i].partition)
            partitions[count++] = fetch->parts[i].partition;
    tarn_request_on_cancel(request, on_cancel, fetch);
    tarn_fetch_wait_park(tarn_broker_fetch_waits(request->broker), &fetch->wait, partitions, count,
                         request->arena, fetch->body->max_wait_ms, on_woken);
}

static enum tarn_kafka_error check_session(const struct tarn_fetch_request *body)
{
    if (body->session_epoch == SESSION_EPOCH_INITIAL || body->session_epoch == SESSION_EPOCH_FINAL)
        return TARN_KAFKA_NONE;
    return body->session_id == 0 ? TARN_KAFKA_INVALID_FETCH_SESSION_EPOCH
                                 : TARN_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
}

static void refuse(struct tarn_request *request, enum tarn_kafka_error error)
{
    struct tarn_fetch_response response;
    tarn_fetch_response_init(&response);
    response.error_code = (int16_t)error;
    response.responses_count = 0;
    tarn_request_reply(request, &response);
}

void tarn_handle_fetch(struct tarn_request *request)
{
    const struct tarn_fetch_request *body = request->body;
    enum tarn_kafka_error error = check_session(body);
    if (error != TARN_KAFKA_NONE) {
        refuse(request, error);
        return;
    }
    struct fetch *fetch = tarn_arena_alloc(request->arena, sizeof *fetch);
    fetch->request = request;
    fetch->body = body;
    for (int32_t i = 0; i < body->topics_count; i++)
        fetch->part_count +=
            body->topics[i].partitions_count > 0 ? (size_t)body->topics[i].partitions_count : 0;
    fetch->parts = tarn_arena_array(request->arena, fetch->part_count, sizeof *fetch->parts);
    if (look_up(fetch) || body->max_wait_ms <= 0 || fetch->part_count == 0)
        answer(fetch);
    else
        park(fetch);
}
