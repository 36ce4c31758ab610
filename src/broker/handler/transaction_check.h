/* broker/handler/transaction_check.h -- whether a transactional batch belongs to an open
 * transaction. */
#ifndef TARN_BROKER_HANDLER_TRANSACTION_CHECK_H
#define TARN_BROKER_HANDLER_TRANSACTION_CHECK_H

#include "broker/protocol/error_code.h"
#include "broker/server/request.h"

struct tarn_record_batch;
struct tarn_topic;

/* For a batch of a Produce request; NONE for one that is not transactional. From version 12 on the
 * partition becomes part of the transaction by this. */
enum tarn_kafka_error tarn_check_transaction(struct tarn_request *request,
                                             const struct tarn_topic *topic, int32_t partition,
                                             const struct tarn_record_batch *batch,
                                             struct tarn_error *err);

#endif
