/* broker/handler/offset_entries.h -- what OffsetCommit and TxnOffsetCommit share. */
#ifndef TARN_BROKER_HANDLER_OFFSET_ENTRIES_H
#define TARN_BROKER_HANDLER_OFFSET_ENTRIES_H

#include "broker/group/group.h"

struct tarn_request;

/* TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION or NONE. */
enum tarn_kafka_error tarn_check_offset_entry(struct tarn_request *request, struct tarn_text topic,
                                              int32_t partition);
/* Gives the error to all entries that have none yet. */
void tarn_fail_offset_entries(struct tarn_offset_entry *entries, size_t count,
                              enum tarn_kafka_error error);

#endif
