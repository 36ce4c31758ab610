/* broker/handler/schema_check.h -- topics that take only records with a registered schema. */
#ifndef TARN_BROKER_HANDLER_SCHEMA_CHECK_H
#define TARN_BROKER_HANDLER_SCHEMA_CHECK_H

#include "broker/log/record_batch.h"
#include "broker/server/request.h"
#include "broker/topics/catalog.h"

/* NONE, INVALID_RECORD with the records in check->errors, or LEADER_NOT_AVAILABLE, which clients
 * try again: the registry is still reading its schemas. Topics that ask for no check cost nothing.
 */
enum tarn_kafka_error tarn_check_schemas(struct tarn_request *request,
                                         const struct tarn_topic *topic,
                                         struct tarn_batch_check *check, struct tarn_error *err);

#endif
