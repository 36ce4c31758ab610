/* cli/topic_filter.h -- a SQL predicate over records, computed by DuckDB batch by batch.
 *
 * Columns: topic, partition, "offset", timestamp (UTC), key, value (JSON; NULL when it is none),
 * value_text, headers (JSON object). A field of a JSON value is value.field, and value->>'field' as
 * text. */
#ifndef TARN_CLI_TOPIC_FILTER_H
#define TARN_CLI_TOPIC_FILTER_H

#include "cli/topic_print.h"

struct tarn_topic_filter;
/* USAGE when the predicate is wrong, with DuckDB's words. */
CHECKED enum tarn_status tarn_topic_filter_open(const char *predicate,
                                                struct tarn_topic_decoder *decoder,
                                                struct tarn_topic_filter **ret_filter,
                                                struct tarn_error *err);
void tarn_topic_filter_close(struct tarn_topic_filter *filter); /* NULL is fine */
/* Sets keep[i] for each record of the batch. */
CHECKED enum tarn_status tarn_topic_filter_run(struct tarn_topic_filter *filter,
                                               const struct tarn_topic_records *records, bool *keep,
                                               struct tarn_error *err);

#endif
