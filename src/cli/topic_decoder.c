/* cli/topic_decoder.c -- values that name a schema of the registry, as JSON (topic_print.h).
 *
 * The registry's topic is read once, on the first value that names a schema; schemas are few, so
 * those that were used are kept in a list. */
#include <string.h>

#include "broker/registry/registry.h"
#include "broker/registry/wire_format.h"
#include "cli/topic_print.h"

struct tarn_topic_decoder {
    struct tarn_topics *topics;
    struct tarn_registry *registry; /* NULL until it is needed */
};

enum tarn_status tarn_topic_decoder_open(struct tarn_topics *topics,
                                         struct tarn_topic_decoder **ret_decoder,
                                         struct tarn_error *err)
{
    (void)err;
    struct tarn_topic_decoder *decoder = tarn_alloc(sizeof *decoder);
    decoder->topics = topics;
    *ret_decoder = decoder;
    return TARN_OK;
}

void tarn_topic_decoder_close(struct tarn_topic_decoder *decoder)
{
    if (!decoder)
        return;
    tarn_registry_close(decoder->registry);
    free(decoder);
}

static enum tarn_status find_schema(struct tarn_topic_decoder *decoder,
                                    const struct tarn_wire_format *wire,
                                    struct tarn_schema **ret_schema, struct tarn_error *err)
{
    if (!decoder->registry) {
        struct tarn_registry_store store;
        tarn_registry_topic_store(decoder->topics, &store);
        decoder->registry = tarn_registry_open(&store);
    }
    return wire->kind == TARN_WIRE_ID
               ? tarn_registry_schema(decoder->registry, wire->id, ret_schema, err)
               : tarn_registry_schema_of_guid(decoder->registry, wire->guid, ret_schema, err);
}

enum tarn_status tarn_topic_decode(struct tarn_topic_decoder *decoder,
                                   const struct tarn_topic_record *record, bool is_key,
                                   struct tarn_buffer *json, struct tarn_error *err)
{
    struct tarn_text bytes = is_key ? record->key : record->value;
    struct tarn_wire_format wire = {.kind = TARN_WIRE_PLAIN};
    if (decoder && bytes.data)
        wire = tarn_wire_format_read(record, is_key);
    if (wire.kind == TARN_WIRE_PLAIN) {
        tarn_topic_text_json(bytes, json);
        return TARN_OK;
    }
    struct tarn_schema *schema;
    TARN_TRY(find_schema(decoder, &wire, &schema, err));
    enum tarn_status status = tarn_schema_decode(schema, wire.payload, json, err);
    tarn_schema_unref(schema);
    return status;
}
