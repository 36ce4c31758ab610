/* broker/topic_embedded_transaction.c -- transactions of an embedded writer: the same requests that
 * any producer sends, by the rules of KIP-890: a partition or group joins by being written to, and
 * each transaction's end hands out the next epoch. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "broker/topic_embedded_writer_int.h"

enum {
    INIT_VERSION = 5,
    END_VERSION = 5,
    TXN_OFFSET_COMMIT_VERSION = 5,
    RETRY_WAIT_MS = 5,
    RETRIES_MAX = 1000,
};

static const struct tarn_text nothing = {NULL, 0};

static bool may_retry(int16_t code)
{
    return code == TARN_KAFKA_CONCURRENT_TRANSACTIONS;
}

static void pause_before_retry(void)
{
    const struct timespec pause = {0, RETRY_WAIT_MS * 1000000L};
    nanosleep(&pause, NULL);
}

void tarn_embedded_writer_note(struct tarn_embedded_writer *writer, int16_t code)
{
    bool is_fenced = code == TARN_KAFKA_PRODUCER_FENCED ||
                     code == TARN_KAFKA_INVALID_PRODUCER_EPOCH ||
                     code == TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING;
    if (code == TARN_KAFKA_NONE || !writer->transactional_id)
        return;
    if (is_fenced)
        writer->base.state = TARN_WRITER_FAILED;
    else if (writer->base.state == TARN_WRITER_READY)
        writer->base.state = TARN_WRITER_MUST_ABORT;
}

/* Batches of the next epoch are numbered from 0 again. */
static void take_producer(struct tarn_embedded_writer *writer, int64_t id, int16_t epoch)
{
    if (id < 0)
        return;
    writer->producer_id = id;
    writer->producer_epoch = epoch;
    for (struct tarn_out_topic *topic = writer->topics; topic; topic = topic->next)
        for (size_t i = 0; i < topic->partition_count; i++)
            topic->partitions[i]->sequence = 0;
}

enum tarn_status tarn_embedded_producer_init(struct tarn_embedded_writer *writer,
                                             struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_init_producer_id_request request;
    const struct tarn_init_producer_id_response *response = NULL;
    tarn_init_producer_id_request_init(&request);
    request.transactional_id =
        writer->transactional_id ? tarn_text_of(writer->transactional_id) : nothing;
    request.transaction_timeout_ms = (int32_t)writer->transaction_timeout_ms;
    request.producer_id = -1;
    request.producer_epoch = -1;
    for (int tries = 0; tries < RETRIES_MAX; tries++) {
        void *answer;
        if (tries > 0)
            pause_before_retry();
        TARN_TRY(tarn_embedded_ask(&writer->embedded->base, TARN_API_INIT_PRODUCER_ID, INIT_VERSION,
                                   &request, arena, &answer, err));
        response = answer;
        if (!may_retry(response->error_code))
            break;
    }
    TARN_TRY(tarn_embedded_fail(err, response->error_code, nothing, "starting the %s writer",
                                writer->transactional_id ? "transactional" : "idempotent"));
    take_producer(writer, response->producer_id, response->producer_epoch);
    return TARN_OK;
}

enum tarn_status tarn_embedded_begin(struct tarn_topic_writer *base, struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    if (base->state == TARN_WRITER_FAILED)
        return tarn_fail(err, TARN_CONFLICT,
                         "beginning a transaction: a newer writer has taken over");
    writer->transaction_has_work = false;
    return TARN_OK;
}

static struct tarn_txn_offset_commit_request_topic *
copy_offsets(const struct tarn_topic_offset *offsets, size_t count, struct tarn_arena *arena)
{
    struct tarn_txn_offset_commit_request_topic *topics =
        tarn_arena_array(arena, count + 1, sizeof *topics);
    for (size_t i = 0; i < count; i++) {
        struct tarn_txn_offset_commit_request_partition *partition =
            tarn_arena_alloc(arena, sizeof *partition);
        tarn_txn_offset_commit_request_topic_init(&topics[i]);
        tarn_txn_offset_commit_request_partition_init(partition);
        partition->partition_index = offsets[i].partition;
        partition->committed_offset = offsets[i].offset;
        partition->committed_metadata =
            offsets[i].metadata.data ? offsets[i].metadata : TARN_TEXT("");
        topics[i].name = tarn_text_of(offsets[i].topic);
        topics[i].partitions = partition;
        topics[i].partitions_count = 1;
    }
    return topics;
}

static int16_t first_code(const struct tarn_txn_offset_commit_response *response)
{
    for (int32_t i = 0; i < response->topics_count; i++)
        if (response->topics[i].partitions[0].error_code != TARN_KAFKA_NONE)
            return response->topics[i].partitions[0].error_code;
    return TARN_KAFKA_NONE;
}

enum tarn_status tarn_embedded_send_offsets(struct tarn_topic_writer *base,
                                            struct tarn_topic_reader *reader,
                                            const struct tarn_topic_offset *offsets, size_t count,
                                            struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    if (!offsets) {
        struct tarn_topic_offset *here;
        TARN_TRY(tarn_topic_reader_assignment(reader, arena, &here, &count, err));
        count = tarn_topic_offsets_known(here, count);
        offsets = here;
    }
    if (count == 0)
        return TARN_OK;
    struct tarn_embedded_member_id member = tarn_embedded_reader_member(reader);
    struct tarn_txn_offset_commit_request request;
    tarn_txn_offset_commit_request_init(&request);
    request.transactional_id = tarn_text_of(writer->transactional_id);
    request.group_id = tarn_text_of(member.group);
    request.producer_id = writer->producer_id;
    request.producer_epoch = writer->producer_epoch;
    request.generation_id = member.generation;
    request.member_id = tarn_text_of(member.member_id);
    request.group_instance_id = member.instance_id ? tarn_text_of(member.instance_id) : nothing;
    request.topics = copy_offsets(offsets, count, arena);
    request.topics_count = (int32_t)count;
    int16_t code = TARN_KAFKA_NONE;
    for (int tries = 0; tries < RETRIES_MAX; tries++) {
        void *answer;
        if (tries > 0)
            pause_before_retry();
        TARN_TRY(tarn_embedded_ask(base->topics, TARN_API_TXN_OFFSET_COMMIT,
                                   TXN_OFFSET_COMMIT_VERSION, &request, arena, &answer, err));
        code = first_code(answer);
        if (!may_retry(code))
            break;
    }
    tarn_embedded_writer_note(writer, code);
    TARN_TRY(tarn_embedded_fail(err, code, nothing, "putting offsets into a transaction"));
    writer->transaction_has_work = true;
    return TARN_OK;
}

static bool has_written(const struct tarn_embedded_writer *writer)
{
    for (const struct tarn_out_topic *topic = writer->topics; topic; topic = topic->next)
        for (size_t i = 0; i < topic->partition_count; i++)
            if (topic->partitions[i]->sequence > 0)
                return true;
    return false;
}

static enum tarn_status end(struct tarn_embedded_writer *writer, bool is_committed,
                            const char *what, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_end_txn_request request;
    const struct tarn_end_txn_response *response = NULL;
    /* the broker has not heard of a transaction that nothing was put into; one whose only batch
     * was refused may have got to it all the same */
    if (!writer->transaction_has_work && !has_written(writer) &&
        (is_committed || writer->base.state == TARN_WRITER_READY))
        return TARN_OK;
    tarn_end_txn_request_init(&request);
    request.transactional_id = tarn_text_of(writer->transactional_id);
    request.producer_id = writer->producer_id;
    request.producer_epoch = writer->producer_epoch;
    request.committed = is_committed;
    for (int tries = 0; tries < RETRIES_MAX; tries++) {
        void *answer;
        if (tries > 0)
            pause_before_retry();
        TARN_TRY(tarn_embedded_ask(&writer->embedded->base, TARN_API_END_TXN, END_VERSION, &request,
                                   arena, &answer, err));
        response = answer;
        if (!may_retry(response->error_code))
            break;
    }
    tarn_embedded_writer_note(writer, response->error_code);
    TARN_TRY(tarn_embedded_fail(err, response->error_code, nothing, "%s", what));
    take_producer(writer, response->producer_id, response->producer_epoch);
    return TARN_OK;
}

enum tarn_status tarn_embedded_commit_transaction(struct tarn_topic_writer *base,
                                                  struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    TARN_TRY(base->ops->flush(base, -1, err));
    if (base->state == TARN_WRITER_MUST_ABORT) {
        if (base->first_failure.status != TARN_OK && err)
            *err = base->first_failure;
        return base->first_failure.status != TARN_OK
                   ? base->first_failure.status
                   : tarn_fail(err, TARN_CONFLICT,
                               "committing a transaction: it can only be aborted");
    }
    if (base->state == TARN_WRITER_FAILED)
        return tarn_fail(err, TARN_CONFLICT,
                         "committing a transaction: a newer writer has taken over");
    return end(writer, true, "committing a transaction", err);
}

enum tarn_status tarn_embedded_abort_transaction(struct tarn_topic_writer *base,
                                                 struct tarn_error *err)
{
    struct tarn_embedded_writer *writer = tarn_embedded_writer_of(base);
    if (base->state == TARN_WRITER_FAILED)
        return tarn_fail(err, TARN_CONFLICT,
                         "aborting a transaction: a newer writer has taken over");
    tarn_embedded_writer_drop(writer);
    TARN_TRY(end(writer, false, "aborting a transaction", err));
    base->state = TARN_WRITER_READY;
    return TARN_OK;
}
