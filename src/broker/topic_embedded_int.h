/* broker/topic_embedded_int.h -- what the parts of the embedded place share.
 *
 * Everything is a request to the broker of this process (server/local.h): the body goes to the
 * handler as a struct, no socket and no bytes in between. A request runs on the loop's thread; its
 * short answers are copied for the caller's thread by encoding them there and decoding them here,
 * fetched records are not copied. */
#ifndef TARN_BROKER_TOPIC_EMBEDDED_INT_H
#define TARN_BROKER_TOPIC_EMBEDDED_INT_H

#include <pthread.h>

#include "broker/broker.h"
#include "broker/protocol/api.h"
#include "broker/protocol/messages.h"
#include "broker/topic_int.h"

struct tarn_embedded {
    struct tarn_topics base;
    struct tarn_broker *broker;
    bool owns_broker; /* offline: it is closed with this */
};

static inline struct tarn_broker *tarn_embedded_broker(const struct tarn_topics *topics)
{
    return ((const struct tarn_embedded *)topics)->broker;
}

/* A mutex and what is waited for under it; one for each writer, reader and question. */
struct tarn_bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
};
void tarn_bell_init(struct tarn_bell *bell);
void tarn_bell_release(struct tarn_bell *bell);
/* With the mutex held; false when `deadline_us` (monotonic, INT64_MAX: never) has passed. */
bool tarn_bell_wait(struct tarn_bell *bell, int64_t deadline_us);
/* The moment `timeout_ms` from now; -1: never. */
int64_t tarn_deadline_us(int64_t timeout_ms);

/* One question whose answer may take its time. The body and what it points to live in `arena`. */
struct tarn_question {
    struct tarn_embedded *embedded;
    struct tarn_bell *bell; /* rung when the answer is there */
    struct tarn_arena *arena;
    int16_t api_key, version;
    const void *body;
    struct tarn_request *request; /* loop thread: while it waits */
    char *bytes;                  /* the answer, encoded; NULL: refused */
    size_t len;
    bool is_open, is_answered; /* under the bell's mutex */
};
void tarn_question_init(struct tarn_question *question, struct tarn_embedded *embedded,
                        struct tarn_bell *bell);
void tarn_question_release(struct tarn_question *question); /* gives up one that is open */
/* Forgets the last one; the arena is empty then. */
void tarn_question_clear(struct tarn_question *question);
/* Returns at once; the caller does not hold the mutex. CANCELLED when the broker does not run. */
CHECKED enum tarn_status tarn_question_ask(struct tarn_question *question, int16_t api_key,
                                           int16_t version, const void *body,
                                           struct tarn_error *err);
/* After is_answered: the answer in `arena`. CANCELLED when it was refused. */
CHECKED enum tarn_status tarn_question_answer(struct tarn_question *question,
                                              struct tarn_arena *arena, void **ret_response,
                                              struct tarn_error *err);
/* Asks and waits, up to the connection's timeout. */
CHECKED enum tarn_status tarn_embedded_ask(struct tarn_topics *topics, int16_t api_key,
                                           int16_t version, const void *body,
                                           struct tarn_arena *arena, void **ret_response,
                                           struct tarn_error *err);

/* Fails with the code's words (or `text` when there is one) behind the context; OK for no error. */
CHECKED enum tarn_status tarn_embedded_fail(struct tarn_error *err, int16_t code,
                                            struct tarn_text text, const char *format, ...)
    TARN_PRINTF(4, 5);

/* Runs on the loop's thread and waits for it. */
CHECKED enum tarn_status tarn_embedded_call(struct tarn_topics *topics,
                                            void (*function)(struct tarn_broker *broker,
                                                             void *context),
                                            void *context, struct tarn_error *err);

const char *tarn_arena_text(struct tarn_arena *arena, struct tarn_text text); /* with a NUL */

/* ---- admin, groups ---- */

/* The functions of topic_int.h's table that topic_embedded_admin.c has. */
enum tarn_status tarn_embedded_list(struct tarn_topics *, struct tarn_arena *,
                                    struct tarn_topic_info **, size_t *, struct tarn_error *);
enum tarn_status tarn_embedded_find(struct tarn_topics *, const char *, struct tarn_arena *,
                                    struct tarn_topic_info *, struct tarn_error *);
enum tarn_status tarn_embedded_describe(struct tarn_topics *, const char *, struct tarn_arena *,
                                        struct tarn_topic_info *, struct tarn_error *);
enum tarn_status tarn_embedded_create(struct tarn_topics *, const char *, int32_t, int16_t,
                                      const struct tarn_topic_config_entry *, size_t,
                                      struct tarn_error *);
enum tarn_status tarn_embedded_delete(struct tarn_topics *, const char *, struct tarn_error *);
enum tarn_status tarn_embedded_add_partitions(struct tarn_topics *, const char *, int32_t,
                                              struct tarn_error *);
enum tarn_status tarn_embedded_alter(struct tarn_topics *, const char *,
                                     const struct tarn_topic_config_entry *, size_t,
                                     struct tarn_error *);
enum tarn_status tarn_embedded_delete_records(struct tarn_topics *, const char *, int32_t, int64_t,
                                              struct tarn_error *);
enum tarn_status tarn_embedded_watermarks(struct tarn_topics *, const char *, int32_t, int64_t *,
                                          int64_t *, struct tarn_error *);
enum tarn_status tarn_embedded_offset_at(struct tarn_topics *, const char *, int32_t, int64_t,
                                         int64_t *, struct tarn_error *);
/* Those of topic_embedded_group.c. */
enum tarn_status tarn_embedded_group_list(struct tarn_topics *, struct tarn_arena *,
                                          struct tarn_topic_group **, size_t *,
                                          struct tarn_error *);
enum tarn_status tarn_embedded_group_describe(struct tarn_topics *, const char *,
                                              struct tarn_arena *, struct tarn_topic_group_info *,
                                              struct tarn_error *);
enum tarn_status tarn_embedded_group_reset(struct tarn_topics *, const char *,
                                           const struct tarn_topic_offset *, size_t,
                                           struct tarn_error *);
enum tarn_status tarn_embedded_group_delete(struct tarn_topics *, const char *,
                                            struct tarn_error *);

/* Who commits: generation -1 and an empty member outside of a group. */
struct tarn_embedded_member_id {
    const char *group;
    int32_t generation;
    const char *member_id;
    const char *instance_id; /* NULL: none */
};
/* Who the reader is in its group (the texts live as long as the membership). */
struct tarn_embedded_member_id tarn_embedded_reader_member(struct tarn_topic_reader *reader);

CHECKED enum tarn_status tarn_embedded_commit(struct tarn_topics *topics,
                                              const struct tarn_embedded_member_id *member,
                                              const struct tarn_topic_offset *offsets, size_t count,
                                              struct tarn_error *err);
/* Fills in offset (TARN_OFFSET_NONE: nothing) and metadata (in `arena`). */
CHECKED enum tarn_status tarn_embedded_committed(struct tarn_topics *topics, const char *group,
                                                 struct tarn_arena *arena,
                                                 struct tarn_topic_offset *offsets, size_t count,
                                                 struct tarn_error *err);
/* The assigned partitions in a member's ConsumerProtocolAssignment. */
CHECKED enum tarn_status tarn_assignment_decode(struct tarn_text bytes, struct tarn_arena *arena,
                                                struct tarn_topic_offset **ret_offsets,
                                                size_t *ret_count, struct tarn_error *err);

CHECKED enum tarn_status tarn_embedded_writer_open(struct tarn_topics *topics,
                                                   const struct tarn_topic_writer_options *options,
                                                   struct tarn_topic_writer **ret_writer,
                                                   struct tarn_error *err);
CHECKED enum tarn_status tarn_embedded_reader_open(struct tarn_topics *topics,
                                                   const struct tarn_topic_reader_options *options,
                                                   struct tarn_topic_reader **ret_reader,
                                                   struct tarn_error *err);

#endif
