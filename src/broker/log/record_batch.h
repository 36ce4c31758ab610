/* broker/log/record_batch.h -- Kafka's record batch, magic 2: parse, validate, walk, build.
 *
 * Layout, big-endian (Kafka protocol, "Record Batch"; org.apache.kafka DefaultRecordBatch):
 *   0 baseOffset i64, 8 batchLength i32 (bytes behind it), 12 partitionLeaderEpoch i32, 16 magic
 * i8, 17 crc u32 (CRC-32C of byte 21 to the end), 21 attributes i16, 23 lastOffsetDelta i32, 27
 * baseTimestamp i64, 35 maxTimestamp i64, 43 producerId i64, 51 producerEpoch i16, 53 baseSequence
 * i32, 57 recordsCount i32, 61 records Offset and leader epoch lie outside the CRC: a broker fills
 * them in and passes the rest through. Any thread; nothing here keeps state. */
#ifndef TARN_BROKER_LOG_RECORD_BATCH_H
#define TARN_BROKER_LOG_RECORD_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/protocol/error_code.h"

struct tarn_topic_settings;

enum {
    TARN_BATCH_HEADER_BYTES = 61,
    TARN_BATCH_CRC_START = 21,
    TARN_BATCH_CODEC = 7, /* attributes */
    TARN_BATCH_LOG_APPEND_TIME = 8,
    TARN_BATCH_TRANSACTIONAL = 16,
    TARN_BATCH_CONTROL = 32,
    TARN_BATCH_DELETE_HORIZON = 64,
};

enum tarn_codec { /* the attributes' codes */
                  TARN_CODEC_NONE,
                  TARN_CODEC_GZIP,
                  TARN_CODEC_SNAPPY,
                  TARN_CODEC_LZ4,
                  TARN_CODEC_ZSTD,
};

/* One batch: its header as numbers and where its bytes are (borrowed). */
struct tarn_record_batch {
    const uint8_t *bytes;
    uint32_t size_bytes; /* header and records */
    int64_t base_offset;
    int32_t leader_epoch;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
};

static inline int64_t tarn_batch_last_offset(const struct tarn_record_batch *batch)
{
    return batch->base_offset + batch->last_offset_delta;
}
static inline enum tarn_codec tarn_batch_codec(const struct tarn_record_batch *batch)
{
    return (enum tarn_codec)(batch->attributes & TARN_BATCH_CODEC);
}
static inline bool tarn_batch_is_control(const struct tarn_record_batch *batch)
{
    return batch->attributes & TARN_BATCH_CONTROL;
}
static inline bool tarn_batch_is_transactional(const struct tarn_record_batch *batch)
{
    return batch->attributes & TARN_BATCH_TRANSACTIONAL;
}
/* Sequences wrap from INT32_MAX to 0; -1 without a producer. */
int32_t tarn_batch_last_sequence(const struct tarn_record_batch *batch);

/* CRC-32C (Castagnoli), RFC 3720 B.4; `crc` is 0 at first and then the result so far. Uses the
 * CPU's instruction in three lanes where there is one. */
uint32_t tarn_crc32c(uint32_t crc, const void *bytes, size_t len);
/* The same without the CPU's help; what the other is tested against. */
uint32_t tarn_crc32c_portable(uint32_t crc, const void *bytes, size_t len);

/* Reads the header of the first batch in `bytes`; the rest of `bytes` may hold more. CORRUPT when
 * it is not a whole batch of magic 2; the CRC is not looked at. */
CHECKED enum tarn_status tarn_batch_parse(struct tarn_text bytes,
                                          struct tarn_record_batch *ret_batch,
                                          struct tarn_error *err);
bool tarn_batch_crc_ok(const struct tarn_record_batch *batch);

/* ---- from clients ---- */

struct tarn_record_error {
    int32_t index;
    const char *message; /* in the arena */
};
/* What became of a batch that a client sent. */
struct tarn_batch_check {
    struct tarn_record_batch batch;   /* to append; its bytes are the request's or the arena's */
    int64_t log_append_time;          /* -1 with CreateTime */
    struct tarn_record_error *errors; /* per record, for INVALID_RECORD and INVALID_TIMESTAMP */
    int32_t error_count;
    bool rewritten; /* recompressed, or its timestamps replaced */
};
/* Does all that Kafka's LogValidator does with the records of one partition of a Produce request:
 * exactly one batch of magic 2 (INVALID_RECORD otherwise), its CRC and counts, no
 * control batch, sequences, size, timestamps, keys on compacted topics; replaces timestamps for
 * LogAppendTime and recompresses when the topic names another codec. `produce_version` below 7 may
 * not use zstd. Records are walked when they are not compressed or a rule needs it. NONE or the
 * code to answer with, the reason in err. Allocates in `arena` only what it rewrites. */
enum tarn_kafka_error
tarn_batch_validate(struct tarn_text records, const struct tarn_topic_settings *settings,
                    int16_t produce_version, int64_t now_ms, struct tarn_arena *arena,
                    struct tarn_batch_check *ret_check, struct tarn_error *err);

/* ---- records of a batch ---- */

struct tarn_record {
    int64_t offset;
    int64_t timestamp;           /* the batch's max timestamp with LogAppendTime */
    struct tarn_text key, value; /* data NULL: null */
    int32_t header_count;
    struct tarn_text headers; /* encoded; tarn_record_header reads them */
    struct tarn_text bytes;   /* the record as it is encoded, its length in front */
};
/* Walks the records of a batch, decompressing into memory of its own (at most `max_bytes` of it:
 * TOO_LARGE). Records point into the batch or that memory and live until release. */
struct tarn_record_reader {
    struct tarn_record_batch batch;
    struct tarn_buffer plain;
    struct tarn_text rest;
    int32_t index;
};
CHECKED enum tarn_status tarn_record_reader_init(struct tarn_record_reader *reader,
                                                 const struct tarn_record_batch *batch,
                                                 size_t max_bytes, struct tarn_error *err);
void tarn_record_reader_release(struct tarn_record_reader *reader); /* usable with TARN_AUTO */
/* OK with *ret_more = false behind the last record; CORRUPT when the records are not what the
 * header says. */
CHECKED enum tarn_status tarn_record_next(struct tarn_record_reader *reader,
                                          struct tarn_record *ret_record, bool *ret_more,
                                          struct tarn_error *err);
/* Takes the next header off *headers (a copy of record.headers); false when there are no more. */
bool tarn_record_header(struct tarn_text *headers, struct tarn_text *ret_key,
                        struct tarn_text *ret_value);

/* Whole contents, into an empty or used buffer; its limit applies (TOO_LARGE). gzip, snappy with
 * and without the Java framing, lz4 frames, zstd. CORRUPT when the input is damaged. */
CHECKED enum tarn_status tarn_codec_decompress(enum tarn_codec codec, struct tarn_text input,
                                               struct tarn_buffer *into, struct tarn_error *err);
CHECKED enum tarn_status tarn_codec_compress(enum tarn_codec codec, struct tarn_text input,
                                             struct tarn_buffer *into, struct tarn_error *err);

/* ---- our own batches ----
 *
 *   struct tarn_batch_builder builder;
 *   tarn_batch_builder_init(&builder, TARN_CODEC_NONE, max_bytes);
 *   tarn_batch_builder_add(&builder, timestamp, key, value, headers, header_count);
 *   tarn_batch_builder_finish(&builder, &batch, err)   the batch points into the builder
 *   tarn_batch_builder_release(&builder); */

struct tarn_record_header_in {
    struct tarn_text key, value; /* value.data NULL: null */
};
struct tarn_batch_builder {
    struct tarn_buffer records;
    struct tarn_buffer packed;
    enum tarn_codec codec;
    int16_t attributes;  /* set after init: transactional, control */
    int64_t base_offset; /* of the first record; 0 unless batches are rewritten */
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id; /* -1 unless set after init, with the two below */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count, last_offset_delta;
};
void tarn_batch_builder_init(struct tarn_batch_builder *builder, enum tarn_codec codec,
                             size_t max_bytes);
void tarn_batch_builder_release(struct tarn_batch_builder *builder); /* usable with TARN_AUTO */
/* Forgets the records and keeps the memory. */
void tarn_batch_builder_clear(struct tarn_batch_builder *builder);
void tarn_batch_builder_add(struct tarn_batch_builder *builder, int64_t timestamp_ms,
                            struct tarn_text key, struct tarn_text value,
                            const struct tarn_record_header_in *headers, int32_t header_count);
/* Encoded size so far, before compression. */
size_t tarn_batch_builder_size(const struct tarn_batch_builder *builder);
/* TOO_LARGE when the records did not fit into max_bytes. */
CHECKED enum tarn_status tarn_batch_builder_finish(struct tarn_batch_builder *builder,
                                                   struct tarn_record_batch *ret_batch,
                                                   struct tarn_error *err);

#endif
