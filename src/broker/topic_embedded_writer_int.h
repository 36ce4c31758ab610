/* broker/topic_embedded_writer_int.h -- one writer of the embedded place: what its parts share.
 *
 * Records are encoded into batches on the caller's thread. A batch goes out when it is full or when
 * nothing of the writer is on its way; what is written while one request is on its way goes along
 * with the next, so batches grow with the load and nothing waits for a clock. The loop's thread
 * sends the next request itself when the last one is answered. */
#ifndef TARN_BROKER_TOPIC_EMBEDDED_WRITER_INT_H
#define TARN_BROKER_TOPIC_EMBEDDED_WRITER_INT_H

#include "broker/log/record_batch.h"
#include "broker/server/timers.h"
#include "broker/topic_embedded_int.h"

struct tarn_written { /* what a delivery says of one record */
    void *opaque;
    int64_t timestamp_ms;
};

/* One batch of one partition: being filled, on its way, or answered. */
struct tarn_out_batch {
    struct tarn_out_batch *next;
    struct tarn_out_partition *partition;
    struct tarn_batch_builder builder;
    struct tarn_record_batch sealed;
    struct tarn_written *written; /* only when somebody wants to know */
    size_t written_cap;
    size_t bytes; /* held */
    /* the answer */
    int16_t code;
    char *reason; /* NULL: the code's words */
    int64_t base_offset, append_time_ms;
};

struct tarn_out_partition {
    const char *topic;
    int32_t number;
    int32_t sequence; /* of the next batch of an idempotent writer */
    struct tarn_out_batch *open;
    struct tarn_out_partition *next_open;
};

struct tarn_out_topic {
    struct tarn_out_topic *next;
    char *name;
    struct tarn_out_partition **partitions; /* each stays until the writer is closed */
    size_t partition_count;
    size_t sticky; /* where records without a key go at the moment */
    size_t batch_bytes;
};

struct tarn_out_list {
    struct tarn_out_batch *first, *last;
};

struct tarn_embedded_writer {
    struct tarn_topic_writer base;
    struct tarn_embedded *embedded;
    struct tarn_bell bell;
    enum tarn_topic_acks acks;
    enum tarn_codec codec;
    bool is_idempotent, tells;
    char *transactional_id;
    int64_t transaction_timeout_ms, linger_ms, timeout_ms;
    size_t batch_bytes, buffer_bytes;
    size_t in_flight_max;          /* an idempotent one numbers its batches one by one */
    struct tarn_out_topic *topics; /* caller's thread, as are the two below */
    struct tarn_record_header_in *headers;
    size_t header_cap;
    /* under the mutex */
    struct tarn_out_partition *open; /* those with a batch that is being filled */
    struct tarn_out_list full, done; /* to be sent; to be told */
    struct tarn_out_batch *spare;
    size_t held_bytes, in_flight;
    bool is_flushing, linger_armed;
    struct tarn_timer linger; /* loop thread */
    int64_t producer_id;
    int16_t producer_epoch;
    bool transaction_has_work;
};

static inline struct tarn_embedded_writer *tarn_embedded_writer_of(struct tarn_topic_writer *base)
{
    return (struct tarn_embedded_writer *)base;
}

/* ---- topic_embedded_batch.c: all with the mutex held ---- */

/* The batch that is filled for a partition. */
struct tarn_out_batch *tarn_out_open(struct tarn_embedded_writer *writer,
                                     struct tarn_out_partition *partition);
/* Closes the open batch: it can be sent. */
void tarn_out_seal(struct tarn_embedded_writer *writer, struct tarn_out_partition *partition);
/* Sends what may be sent now. */
void tarn_out_send(struct tarn_embedded_writer *writer);
void tarn_out_batch_free(struct tarn_out_batch *batch);
/* Nothing is open, on its way, or to be sent. */
bool tarn_out_is_idle(const struct tarn_embedded_writer *writer);
void tarn_out_linger_stop(struct tarn_embedded_writer *writer); /* without the mutex */

/* ---- topic_embedded_transaction.c ---- */

CHECKED enum tarn_status tarn_embedded_producer_init(struct tarn_embedded_writer *writer,
                                                     struct tarn_error *err);
enum tarn_status tarn_embedded_begin(struct tarn_topic_writer *base, struct tarn_error *err);
enum tarn_status tarn_embedded_send_offsets(struct tarn_topic_writer *base,
                                            struct tarn_topic_reader *reader,
                                            const struct tarn_topic_offset *offsets, size_t count,
                                            struct tarn_error *err);
enum tarn_status tarn_embedded_commit_transaction(struct tarn_topic_writer *base,
                                                  struct tarn_error *err);
enum tarn_status tarn_embedded_abort_transaction(struct tarn_topic_writer *base,
                                                 struct tarn_error *err);
/* What a failed code leaves behind. */
void tarn_embedded_writer_note(struct tarn_embedded_writer *writer, int16_t code);
/* Drops what waits, and waits for what is on its way. */
void tarn_embedded_writer_drop(struct tarn_embedded_writer *writer);

#endif
