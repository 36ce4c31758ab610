/* broker/log/journal.h -- the durable map of small things: topics, configs, groups, offsets,
 * transactions, ACLs, users.
 *
 * In memory as a skip list in order of key bytes; changed only by commits (tarn_commit_put,
 * tarn_commit_delete), and seen changed after tarn_commit_write. Keys begin with a prefix of their
 * owner ("topic/", "group/"). Owner thread. */
#ifndef TARN_BROKER_LOG_JOURNAL_H
#define TARN_BROKER_LOG_JOURNAL_H

#include <stdbool.h>

#include "base/text.h"

struct tarn_log;

/* data NULL when there is none. Valid until the next commit is written. */
struct tarn_text tarn_journal_get(struct tarn_log *log, struct tarn_text key);
/* All keys that start with `prefix`, in order of bytes; the callback returns false to stop. It may
 * begin a commit but not write it. */
void tarn_journal_each(struct tarn_log *log, struct tarn_text prefix,
                       bool (*callback)(void *context, struct tarn_text key,
                                        struct tarn_text value),
                       void *context);
size_t tarn_journal_count(struct tarn_log *log);

#endif
