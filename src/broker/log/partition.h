/* broker/log/partition.h -- one partition: offsets, reads, time lookup, producers, transactions.
 *
 * Records are read from segment files and, for what is newer, from the write-ahead files. The high
 * watermark is the end offset: there is one node. Owner thread. Partitions come and go with commits
 * (log.h). */
#ifndef TARN_BROKER_LOG_PARTITION_H
#define TARN_BROKER_LOG_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "broker/protocol/error_code.h"

struct tarn_log;
struct tarn_partition;
struct tarn_record_batch;
struct tarn_topic_settings;

/* What the settings say decides on retention, compaction and rolling from now on; NULL: nothing is
 * removed. The memory stays the caller's and has to live until the next call or the partition's
 * deletion; call again after changing it. */
void tarn_partition_configure(struct tarn_partition *partition,
                              const struct tarn_topic_settings *settings);
const struct tarn_topic_settings *tarn_partition_settings(const struct tarn_partition *partition);
const uint8_t *tarn_partition_topic_id(const struct tarn_partition *partition); /* 16 bytes */
int32_t tarn_partition_number(const struct tarn_partition *partition);
struct tarn_log *tarn_partition_log(const struct tarn_partition *partition);
/* One pointer for the owner: its list of parked fetches. */
void tarn_partition_set_user(struct tarn_partition *partition, void *user);
void *tarn_partition_user(const struct tarn_partition *partition);

/* ---- offsets ---- */

int64_t tarn_partition_start_offset(const struct tarn_partition *partition);
int64_t tarn_partition_end_offset(const struct tarn_partition *partition); /* of the next record */
/* First offset of the oldest open transaction, otherwise the end: what read_committed may see. */
int64_t tarn_partition_last_stable_offset(const struct tarn_partition *partition);
/* Bytes of record batches that are kept. */
int64_t tarn_partition_size_bytes(const struct tarn_partition *partition);
/* Epoch of the last batch; -1 when empty. Epoch `epoch` (or the largest below it) ended before
 * *ret_end_offset; both -1 when it is unknown (OffsetForLeaderEpoch). */
int32_t tarn_partition_leader_epoch(const struct tarn_partition *partition);
void tarn_partition_epoch_end(const struct tarn_partition *partition, int32_t epoch,
                              int32_t *ret_epoch, int64_t *ret_end_offset);

/* ---- reading ---- */

struct tarn_read {
    int64_t next_offset; /* behind the last batch that was read */
    uint32_t batch_count;
    uint32_t size_bytes; /* what was appended to the buffer */
};
/* Appends whole batches as they are stored, beginning with the one that contains `offset` (so its
 * first records may lie below it), until `max_bytes` or the first batch at or behind `end_offset`
 * (high watermark or last stable offset). The first batch comes even when it is larger than
 * max_bytes if `at_least_one`. `into` needs a limit of max_bytes plus the largest batch, 4 KiB
 * at least. Nothing is
 * appended at `end_offset`. Errors: NOT_FOUND when the offset is outside [start, end]; IO, CORRUPT,
 * naming file and place; TOO_LARGE when `into` cannot take it. */
CHECKED enum tarn_status tarn_partition_read(struct tarn_partition *partition, int64_t offset,
                                             int64_t end_offset, uint32_t max_bytes,
                                             bool at_least_one, struct tarn_buffer *into,
                                             struct tarn_read *ret_read, struct tarn_error *err);
/* Bytes that a read from `offset` up to `end_offset` would find, to compare with a fetch's
 * min_bytes: exact in the tail, otherwise at least what is in the tail; reads no file. */
int64_t tarn_partition_available_bytes(const struct tarn_partition *partition, int64_t offset,
                                       int64_t end_offset);

struct tarn_aborted {
    int64_t producer_id;
    int64_t first_offset;
    int64_t last_offset; /* of the abort marker */
};
/* Aborted transactions that overlap [from, to), in order of last offset. */
CHECKED enum tarn_status tarn_partition_aborted(struct tarn_partition *partition, int64_t from,
                                                int64_t to, struct tarn_arena *arena,
                                                struct tarn_aborted **ret_aborted,
                                                size_t *ret_count, struct tarn_error *err);

struct tarn_timestamp_offset {
    int64_t offset;    /* -1: there is none */
    int64_t timestamp; /* -1 likewise */
    int32_t leader_epoch;
};
/* The first record from the start whose timestamp is at least `timestamp_ms`. Below `end_offset`
 * only. */
CHECKED enum tarn_status tarn_partition_find_timestamp(struct tarn_partition *partition,
                                                       int64_t timestamp_ms, int64_t end_offset,
                                                       struct tarn_timestamp_offset *ret_found,
                                                       struct tarn_error *err);
/* The first record with the largest timestamp (ListOffsets -3). */
CHECKED enum tarn_status tarn_partition_max_timestamp(struct tarn_partition *partition,
                                                      struct tarn_timestamp_offset *ret_found,
                                                      struct tarn_error *err);

/* ---- producers ---- */

struct tarn_duplicate {
    int64_t base_offset; /* where the same batch was appended; -1: it is new */
    int64_t timestamp;   /* its append time with LogAppendTime, otherwise -1 */
};
/* Whether a batch from a client may be appended: NONE, or INVALID_PRODUCER_EPOCH,
 * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE with the reason in err. NONE with a base offset
 * in *ret_duplicate: it is there already, answer success with that offset and do not append.
 * Batches without a producer id are always fine. */
enum tarn_kafka_error tarn_partition_check_producer(struct tarn_partition *partition,
                                                    const struct tarn_record_batch *batch,
                                                    struct tarn_duplicate *ret_duplicate,
                                                    struct tarn_error *err);

struct tarn_producer {
    int64_t producer_id;
    int64_t last_timestamp;    /* of its last batch */
    int64_t transaction_start; /* offset; -1: no open transaction */
    int32_t last_sequence;     /* -1: none */
    int32_t coordinator_epoch; /* -1: no marker so far */
    int16_t epoch;
};
/* For DescribeProducers. False when the producer is not known. */
bool tarn_partition_producer(const struct tarn_partition *partition, int64_t producer_id,
                             struct tarn_producer *ret_producer);
void tarn_partition_each_producer(const struct tarn_partition *partition,
                                  bool (*callback)(void *context,
                                                   const struct tarn_producer *producer),
                                  void *context);

#endif
