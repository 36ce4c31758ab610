/* cli/topic_encoder.h -- JSON to what a schema of the registry makes of it, for `tarn produce`. */
#ifndef TARN_CLI_TOPIC_ENCODER_H
#define TARN_CLI_TOPIC_ENCODER_H

#include "base/memory.h"
#include "broker/topic.h"

struct tarn_topic_encoder;

/* Takes the newest schema of the subject "<topic>-value" from the registry's topic; NOT_FOUND. */
CHECKED enum tarn_status tarn_topic_encoder_open(struct tarn_topics *topics, const char *topic,
                                                 struct tarn_topic_encoder **ret_encoder,
                                                 struct tarn_error *err);
void tarn_topic_encoder_close(struct tarn_topic_encoder *encoder); /* NULL is fine */
/* The schema's id and the value in its binary form, in the arena. INVALID: it is no JSON, or which
 * field of it does not fit. */
CHECKED enum tarn_status tarn_topic_encode(const struct tarn_topic_encoder *encoder,
                                           struct tarn_text json, struct tarn_arena *arena,
                                           struct tarn_text *ret_bytes, struct tarn_error *err);

#endif
