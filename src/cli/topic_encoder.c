/* cli/topic_encoder.c -- see topic_encoder.h. The registry is read once, at the start: what is
 * written by one command follows one version of the schema. */
#include "cli/topic_encoder.h"

#include "broker/registry/registry.h"
#include "broker/registry/wire_format.h"

enum { ENCODED_MAX_BYTES = 1 << 30 };

struct tarn_topic_encoder {
    struct tarn_schema *schema;
    int32_t id;
};

enum tarn_status tarn_topic_encoder_open(struct tarn_topics *topics, const char *topic,
                                         struct tarn_topic_encoder **ret_encoder,
                                         struct tarn_error *err)
{
    struct tarn_registry_store store;
    struct tarn_topic_encoder found = {0};
    tarn_registry_topic_store(topics, &store);
    struct tarn_registry *registry = tarn_registry_open(&store);
    TARN_AUTO_FREE char *subject = tarn_format("%s-value", topic);
    enum tarn_status status =
        tarn_registry_latest(registry, subject, &found.id, &found.schema, err);
    tarn_registry_close(registry);
    if (status == TARN_NOT_FOUND)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "writing to '%s' by its schema: none is registered for '%s'; register one "
                         "with POST /subjects/%s/versions at the schema registry",
                         topic, subject, subject);
    if (status != TARN_OK)
        return status;
    *ret_encoder = tarn_alloc(sizeof **ret_encoder);
    **ret_encoder = found;
    return TARN_OK;
}

void tarn_topic_encoder_close(struct tarn_topic_encoder *encoder)
{
    if (!encoder)
        return;
    tarn_schema_unref(encoder->schema);
    free(encoder);
}

enum tarn_status tarn_topic_encode(const struct tarn_topic_encoder *encoder, struct tarn_text text,
                                   struct tarn_arena *arena, struct tarn_text *ret_bytes,
                                   struct tarn_error *err)
{
    TARN_BUFFER(out, ENCODED_MAX_BYTES);
    json_error_t problem = {0};
    json_t *json =
        json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &problem);
    if (!json)
        return tarn_fail(err, TARN_INVALID, "the value is no JSON: %s", problem.text);
    tarn_wire_format_write_id(&out, encoder->id);
    enum tarn_status status = tarn_schema_encode(encoder->schema, json, &out, err);
    json_decref(json);
    TARN_TRY(status);
    TARN_TRY(tarn_buffer_check(&out, "an encoded value", err));
    char *copy = tarn_arena_alloc(arena, out.len + 1);
    memcpy(copy, tarn_buffer_str(&out), out.len);
    *ret_bytes = (struct tarn_text){copy, out.len};
    return TARN_OK;
}
