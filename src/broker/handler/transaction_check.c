/* broker/handler/transaction_check.c -- see transaction_check.h. */
#include "broker/handler/transaction_check.h"

#include "broker/broker.h"
#include "broker/log/record_batch.h"
#include "broker/protocol/messages.h"
#include "broker/topics/catalog.h"
#include "broker/transaction/transaction.h"

enum { ABORTABLE_SINCE = 11, TRANSACTIONS_2_SINCE = 12 };

enum tarn_kafka_error tarn_check_transaction(struct tarn_request *request,
                                             const struct tarn_topic *topic, int32_t partition,
                                             const struct tarn_record_batch *batch,
                                             struct tarn_error *err)
{
    const struct tarn_produce_request *body = request->body;
    if (!tarn_batch_is_transactional(batch))
        return TARN_KAFKA_NONE;
    if (!body->transactional_id.data) {
        (void)tarn_fail(err, TARN_INVALID,
                        "a transactional batch in a request without a transactional id");
        return TARN_KAFKA_INVALID_REQUEST;
    }
    struct tarn_transaction_producer producer = {.transactional_id = body->transactional_id,
                                                 .id = batch->producer_id,
                                                 .epoch = batch->producer_epoch};
    struct tarn_transaction_partition wanted = {.topic = topic->name_text, .partition = partition};
    enum tarn_kafka_error error =
        tarn_transactions_check_produce(tarn_broker_transactions(request->broker), &producer,
                                        &wanted, request->api_version >= TRANSACTIONS_2_SINCE);
    if (error == TARN_KAFKA_PRODUCER_FENCED) /* producers know the old code for it here */
        return TARN_KAFKA_INVALID_PRODUCER_EPOCH;
    if (error == TARN_KAFKA_TRANSACTION_ABORTABLE && request->api_version < ABORTABLE_SINCE)
        return TARN_KAFKA_INVALID_TXN_STATE;
    return error;
}
