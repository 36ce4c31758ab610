/* broker/topic_int.h -- what each place for topics implements: tables of functions behind topic.h.
 *
 * A connection, writer or reader of a place starts with the struct of its kind below. An entry that
 * is NULL is not supported there (files that are only read cannot be written). Arguments are
 * checked before they arrive here. */
#ifndef TARN_BROKER_TOPIC_INT_H
#define TARN_BROKER_TOPIC_INT_H

#include "broker/topic.h"

enum {
    TARN_TOPICS_TIMEOUT_MS = 30000,
    TARN_WRITER_BATCH_BYTES = 1000000,
    TARN_WRITER_BUFFER_BYTES = 64 << 20,
    TARN_WRITER_DELIVERY_MS = 120000,
    TARN_WRITER_TRANSACTION_MS = 60000,
    TARN_READER_FETCH_BYTES = 4 << 20,
    TARN_READER_SESSION_MS = 45000,
    TARN_READER_COMMIT_MS = 5000,
};

struct tarn_topics_ops {
    void (*close)(struct tarn_topics *topics);
    enum tarn_status (*writer_open)(struct tarn_topics *topics,
                                    const struct tarn_topic_writer_options *options,
                                    struct tarn_topic_writer **ret_writer, struct tarn_error *err);
    enum tarn_status (*reader_open)(struct tarn_topics *topics,
                                    const struct tarn_topic_reader_options *options,
                                    struct tarn_topic_reader **ret_reader, struct tarn_error *err);
    enum tarn_status (*list)(struct tarn_topics *topics, struct tarn_arena *arena,
                             struct tarn_topic_info **ret_topics, size_t *ret_count,
                             struct tarn_error *err);
    enum tarn_status (*find)(struct tarn_topics *topics, const char *name, struct tarn_arena *arena,
                             struct tarn_topic_info *ret_topic, struct tarn_error *err);
    enum tarn_status (*describe)(struct tarn_topics *topics, const char *name,
                                 struct tarn_arena *arena, struct tarn_topic_info *ret_topic,
                                 struct tarn_error *err);
    enum tarn_status (*create)(struct tarn_topics *topics, const char *name, int32_t partitions,
                               int16_t replicas, const struct tarn_topic_config_entry *configs,
                               size_t config_count, struct tarn_error *err);
    enum tarn_status (*delete)(struct tarn_topics *topics, const char *name,
                               struct tarn_error *err);
    enum tarn_status (*add_partitions)(struct tarn_topics *topics, const char *name, int32_t total,
                                       struct tarn_error *err);
    enum tarn_status (*alter)(struct tarn_topics *topics, const char *name,
                              const struct tarn_topic_config_entry *configs, size_t count,
                              struct tarn_error *err);
    enum tarn_status (*delete_records)(struct tarn_topics *topics, const char *name,
                                       int32_t partition, int64_t offset, struct tarn_error *err);
    enum tarn_status (*watermarks)(struct tarn_topics *topics, const char *name, int32_t partition,
                                   int64_t *ret_start, int64_t *ret_end, struct tarn_error *err);
    enum tarn_status (*offset_at)(struct tarn_topics *topics, const char *name, int32_t partition,
                                  int64_t time_ms, int64_t *ret_offset, struct tarn_error *err);
    enum tarn_status (*group_list)(struct tarn_topics *topics, struct tarn_arena *arena,
                                   struct tarn_topic_group **ret_groups, size_t *ret_count,
                                   struct tarn_error *err);
    enum tarn_status (*group_describe)(struct tarn_topics *topics, const char *group,
                                       struct tarn_arena *arena,
                                       struct tarn_topic_group_info *ret_info,
                                       struct tarn_error *err);
    enum tarn_status (*group_reset)(struct tarn_topics *topics, const char *group,
                                    const struct tarn_topic_offset *offsets, size_t count,
                                    struct tarn_error *err);
    enum tarn_status (*group_delete)(struct tarn_topics *topics, const char *group,
                                     struct tarn_error *err);
};

struct tarn_topics {
    const struct tarn_topics_ops *ops;
    char *address;
    char *client_id;
    int64_t timeout_ms;
};

struct tarn_topic_writer_ops {
    void (*close)(struct tarn_topic_writer *writer);
    enum tarn_status (*write)(struct tarn_topic_writer *writer,
                              const struct tarn_topic_record *record, struct tarn_error *err);
    void (*poll)(struct tarn_topic_writer *writer, int64_t timeout_ms);
    enum tarn_status (*flush)(struct tarn_topic_writer *writer, int64_t timeout_ms,
                              struct tarn_error *err);
    enum tarn_status (*begin)(struct tarn_topic_writer *writer, struct tarn_error *err);
    enum tarn_status (*send_offsets)(struct tarn_topic_writer *writer,
                                     struct tarn_topic_reader *reader,
                                     const struct tarn_topic_offset *offsets, size_t count,
                                     struct tarn_error *err);
    enum tarn_status (*commit)(struct tarn_topic_writer *writer, struct tarn_error *err);
    enum tarn_status (*abort)(struct tarn_topic_writer *writer, struct tarn_error *err);
};

struct tarn_topic_writer {
    const struct tarn_topic_writer_ops *ops;
    struct tarn_topics *topics;
    tarn_topic_delivered delivered;
    void *context;
    bool is_transactional;
    bool is_in_transaction;
    enum tarn_topic_writer_state state;
    struct tarn_error first_failure; /* of a delivery since the last flush; TARN_OK: none */
};

/* Tells the owner, and remembers the first failure for flush. */
void tarn_topic_writer_tell(struct tarn_topic_writer *writer,
                            const struct tarn_topic_delivery *delivery);
/* The first failure since the last call. */
CHECKED enum tarn_status tarn_topic_writer_failure(struct tarn_topic_writer *writer,
                                                   struct tarn_error *err);

struct tarn_topic_reader_ops {
    void (*close)(struct tarn_topic_reader *reader);
    enum tarn_status (*assign)(struct tarn_topic_reader *reader,
                               const struct tarn_topic_offset *offsets, size_t count,
                               struct tarn_error *err);
    enum tarn_status (*subscribe)(struct tarn_topic_reader *reader, const char *const *topics,
                                  size_t count, struct tarn_error *err);
    enum tarn_status (*assignment)(struct tarn_topic_reader *reader, struct tarn_arena *arena,
                                   struct tarn_topic_offset **ret_offsets, size_t *ret_count,
                                   struct tarn_error *err);
    enum tarn_status (*poll)(struct tarn_topic_reader *reader, size_t max_records,
                             int64_t timeout_ms, struct tarn_topic_records *ret_records,
                             struct tarn_error *err);
    void (*wake)(struct tarn_topic_reader *reader);
    enum tarn_status (*seek)(struct tarn_topic_reader *reader, const char *topic, int32_t partition,
                             int64_t offset, struct tarn_error *err);
    enum tarn_status (*pause)(struct tarn_topic_reader *reader, const char *topic,
                              int32_t partition, bool is_paused, struct tarn_error *err);
    enum tarn_status (*position)(struct tarn_topic_reader *reader, const char *topic,
                                 int32_t partition, int64_t *ret_offset, struct tarn_error *err);
    enum tarn_status (*lag)(struct tarn_topic_reader *reader, const char *topic, int32_t partition,
                            int64_t *ret_lag, struct tarn_error *err);
    enum tarn_status (*commit)(struct tarn_topic_reader *reader,
                               const struct tarn_topic_offset *offsets, size_t count,
                               struct tarn_error *err);
    enum tarn_status (*committed)(struct tarn_topic_reader *reader, struct tarn_arena *arena,
                                  struct tarn_topic_offset *offsets, size_t count,
                                  struct tarn_error *err);
};

struct tarn_topic_reader {
    const struct tarn_topic_reader_ops *ops;
    struct tarn_topics *topics;
    char *group; /* NULL: none */
    tarn_topic_rebalanced rebalanced;
    void *context;
};

CHECKED enum tarn_status tarn_topics_open_offline(const struct tarn_topics_options *options,
                                                  struct tarn_topics **ret_topics,
                                                  struct tarn_error *err);

CHECKED enum tarn_status tarn_topics_open_embedded(const struct tarn_topics_options *options,
                                                   struct tarn_topics **ret_topics,
                                                   struct tarn_error *err);

/* What a code of the protocol is as one of ours; the same in every place. */
enum tarn_status tarn_topic_kafka_status(int16_t code);
/* One row for each partition that is committed or assigned to a member of `info`, sorted. */
void tarn_topic_group_join(struct tarn_topic_group_info *info,
                           const struct tarn_topic_offset *committed, size_t count,
                           struct tarn_arena *arena);

/* Moves the entries whose offset is known to the front and returns how many they are. */
size_t tarn_topic_offsets_known(struct tarn_topic_offset *offsets, size_t count);

/* The places. */
CHECKED enum tarn_status tarn_topics_open_cluster(const struct tarn_topics_options *options,
                                                  struct tarn_topics **ret_topics,
                                                  struct tarn_error *err);

#endif
