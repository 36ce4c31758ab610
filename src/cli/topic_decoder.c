/* cli/topic_decoder.c -- values that name a schema of the registry, as JSON (topic_print.h). */
#include "cli/topic_print.h"

enum tarn_status tarn_topic_decoder_open(struct tarn_topics *topics,
                                         struct tarn_topic_decoder **ret_decoder,
                                         struct tarn_error *err)
{
    (void)ret_decoder;
    return tarn_fail(err, TARN_UNSUPPORTED, "decoding Avro from %s: there is no schema registry",
                     tarn_topics_address(topics));
}

void tarn_topic_decoder_close(struct tarn_topic_decoder *decoder)
{
    (void)decoder;
}

enum tarn_status tarn_topic_decode(struct tarn_topic_decoder *decoder,
                                   const struct tarn_topic_record *record, bool is_key,
                                   struct tarn_buffer *json, struct tarn_error *err)
{
    (void)decoder;
    (void)err;
    tarn_topic_text_json(is_key ? record->key : record->value, json);
    return TARN_OK;
}
