/* broker/handler/schema_check.c -- see schema_check.h. */
#include "broker/handler/schema_check.h"

#include "broker/broker.h"

enum { DECOMPRESSED_MAX_BYTES = 128 << 20 };

static enum tarn_record_verdict check_record(struct tarn_request *request,
                                             const struct tarn_topic *topic,
                                             const struct tarn_record *record)
{
    enum tarn_record_verdict verdict = TARN_RECORD_TAKEN;
    if (topic->settings.key_schema_validation)
        verdict = tarn_broker_check_record(request->broker, topic->name_text, true, record->key);
    if (verdict == TARN_RECORD_TAKEN && topic->settings.value_schema_validation)
        verdict = tarn_broker_check_record(request->broker, topic->name_text, false, record->value);
    return verdict;
}

static void refuse(struct tarn_request *request, struct tarn_batch_check *check, int32_t index)
{
    if (!check->errors)
        check->errors = tarn_arena_array(request->arena, (size_t)check->batch.record_count,
                                         sizeof *check->errors);
    check->errors[check->error_count++] = (struct tarn_record_error){
        .index = index,
        .message = "its key or value carries no schema id that is registered for this topic"};
}

enum tarn_kafka_error tarn_check_schemas(struct tarn_request *request,
                                         const struct tarn_topic *topic,
                                         struct tarn_batch_check *check, struct tarn_error *err)
{
    TARN_AUTO(tarn_record_reader_release) struct tarn_record_reader reader = {0};
    struct tarn_record record;
    bool more = false;
    if (!topic->settings.key_schema_validation && !topic->settings.value_schema_validation)
        return TARN_KAFKA_NONE;
    if (tarn_record_reader_init(&reader, &check->batch, DECOMPRESSED_MAX_BYTES, err) != TARN_OK)
        return TARN_KAFKA_CORRUPT_MESSAGE;
    for (int32_t index = 0;; index++) {
        if (tarn_record_next(&reader, &record, &more, err) != TARN_OK)
            return TARN_KAFKA_CORRUPT_MESSAGE;
        if (!more)
            break;
        enum tarn_record_verdict verdict = check_record(request, topic, &record);
        if (verdict == TARN_RECORD_UNDECIDED) {
            (void)tarn_fail(err, TARN_CONFLICT, "the schema registry is still starting: try again");
            return TARN_KAFKA_LEADER_NOT_AVAILABLE;
        }
        if (verdict == TARN_RECORD_REFUSED)
            refuse(request, check, index);
    }
    if (check->error_count == 0)
        return TARN_KAFKA_NONE;
    (void)tarn_fail(err, TARN_INVALID,
                    "Log record validation failed: topic %s takes only records whose schema is "
                    "registered",
                    topic->name);
    return TARN_KAFKA_INVALID_RECORD;
}
