/* broker/handler/alter_configs.c -- AlterConfigs (replaces all that is set on a resource) and
 * IncrementalAlterConfigs (changes one by one). Answered when the change is durable. */
#include "base/buffer.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/handler/broker_config.h"
#include "broker/handler/config_resource.h"
#include "broker/handler/durable_reply.h"
#include "broker/handler/handlers.h"
#include "broker/handler/stored_config.h"
#include "broker/handler/topic_access.h"
#include "broker/handler/twice.h"
#include "broker/protocol/messages.h"

enum { LIST_MAX_BYTES = 32 * 1024 };

enum operation { SET = 0, DELETE = 1, APPEND = 2, SUBTRACT = 3 }; /* Kafka's AlterConfigOp */

struct change {
    struct tarn_text name, value;
    int8_t operation;
};

/* What one request wants of one resource. */
struct wish {
    int8_t type;
    struct tarn_text name;
    const struct change *changes;
    int32_t count;
    bool replaces; /* what is not named goes back to its default */
    bool validate_only;
    int16_t error; /* the answer; the message is null without an error */
    struct tarn_text message;
};

static enum tarn_kafka_error refuse(struct tarn_error *err, enum tarn_kafka_error error,
                                    const char *what, struct tarn_text name)
{
    (void)tarn_fail(err, TARN_INVALID, "%s: %.*s", what, TARN_TEXT_ARGS(name));
    return error;
}

/* ---- one value ---- */

static bool list_has(struct tarn_text list, struct tarn_text item)
{
    struct tarn_text part;
    while (tarn_text_split(&list, ',', &part)) {
        if (tarn_text_equal(tarn_text_trim(part), item))
            return true;
    }
    return false;
}

static void add_item(struct tarn_buffer *list, struct tarn_text item)
{
    item = tarn_text_trim(item);
    if (item.len == 0)
        return;
    if (list->len > 0)
        tarn_buffer_append_char(list, ',');
    tarn_buffer_append_text(list, item);
}

/* `old` with the items of `value` added, or without them. */
static struct tarn_text edit_list(struct tarn_arena *arena, struct tarn_text old,
                                  const struct change *change)
{
    TARN_BUFFER(list, LIST_MAX_BYTES);
    struct tarn_text part, rest = old;
    while (tarn_text_split(&rest, ',', &part)) {
        if (change->operation == APPEND || !list_has(change->value, tarn_text_trim(part)))
            add_item(&list, part);
    }
    rest = change->value;
    while (change->operation == APPEND && tarn_text_split(&rest, ',', &part)) {
        if (!list_has(old, tarn_text_trim(part)))
            add_item(&list, part);
    }
    return tarn_text_of(tarn_arena_strdup(arena, tarn_buffer_str(&list)));
}

/* The value after the change, data NULL: not set any more. `now` is what holds before it. */
static enum tarn_kafka_error new_value(struct tarn_arena *arena, const struct change *change,
                                       enum tarn_config_type type, struct tarn_text now,
                                       struct tarn_text *ret_value, struct tarn_error *err)
{
    *ret_value = (struct tarn_text){NULL, 0};
    if (change->operation == DELETE)
        return TARN_KAFKA_NONE;
    if (!change->value.data)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "A config needs a value that is not null",
                      change->name);
    switch (change->operation) {
    case SET:
        *ret_value = change->value;
        return TARN_KAFKA_NONE;
    case APPEND:
    case SUBTRACT:
        if (type != TARN_CONFIG_LIST)
            return refuse(err, TARN_KAFKA_INVALID_CONFIG,
                          "Only to lists can be added, and only from them be taken", change->name);
        *ret_value = edit_list(arena, now, change);
        return TARN_KAFKA_NONE;
    default:
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "There is no such operation on a config",
                      change->name);
    }
}

/* ---- topics ---- */

static enum tarn_kafka_error change_topic_config(struct tarn_arena *arena,
                                                 const struct change *change,
                                                 struct tarn_topic_overrides *overrides,
                                                 struct tarn_error *err)
{
    size_t index = tarn_topic_config_index(change->name);
    if (index == TARN_TOPIC_CONFIGS_MAX)
        return refuse(err, TARN_KAFKA_INVALID_CONFIG, "There is no such topic config",
                      change->name);
    const struct tarn_topic_config *known = tarn_topic_config_at(index);
    const char *set = overrides->values[index];
    struct tarn_text value;
    enum tarn_kafka_error error = new_value(arena, change, known->type,
                                            tarn_text_of(set ? set : known->fallback), &value, err);
    if (error == TARN_KAFKA_NONE &&
        tarn_topic_overrides_set(overrides, change->name, value, err) != TARN_OK)
        error = TARN_KAFKA_INVALID_CONFIG;
    return error;
}

static enum tarn_kafka_error alter_topic(struct tarn_request *request, const struct wish *wish,
                                         struct tarn_topic *topic, struct tarn_error *err)
{
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides overrides = {{NULL}};
    struct tarn_topic_settings settings;
    if (!wish->replaces)
        tarn_topic_overrides_copy(&overrides, &topic->overrides);
    for (int32_t i = 0; i < wish->count; i++) {
        enum tarn_kafka_error error =
            change_topic_config(request->arena, &wish->changes[i], &overrides, err);
        if (error != TARN_KAFKA_NONE)
            return error;
    }
    if (tarn_topic_settings_make(&overrides, &settings, err) != TARN_OK)
        return TARN_KAFKA_INVALID_CONFIG;
    return wish->validate_only ? TARN_KAFKA_NONE
                               : tarn_catalog_configure(tarn_broker_catalog(request->broker), topic,
                                                        &overrides, err);
}

/* ---- the broker and groups ---- */

static const struct tarn_broker_config *find_config(const struct tarn_broker_config *list,
                                                    size_t count, struct tarn_text name)
{
    for (size_t i = 0; i < count; i++) {
        if (tarn_text_is(name, list[i].name))
            return &list[i];
    }
    return NULL;
}

/* A default of topics takes what the topic's config takes. */
static enum tarn_kafka_error check_topic_default(struct tarn_text name, struct tarn_text value,
                                                 struct tarn_error *err)
{
    TARN_AUTO(tarn_topic_overrides_release) struct tarn_topic_overrides scratch = {{NULL}};
    for (size_t i = 0; i < tarn_topic_config_count(); i++) {
        const struct tarn_topic_config *known = tarn_topic_config_at(i);
        if (known->broker_name && tarn_text_is(name, known->broker_name) &&
            tarn_topic_overrides_set(&scratch, tarn_text_of(known->name), value, err) != TARN_OK)
            return TARN_KAFKA_INVALID_CONFIG;
    }
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error check_number(const struct tarn_broker_config *known,
                                          struct tarn_text value, struct tarn_error *err)
{
    int64_t number;
    if (known->type == TARN_CONFIG_INT && value.data &&
        (!tarn_text_to_int64(value, &number) || number < 1 || number > INT32_MAX))
        return refuse(err, TARN_KAFKA_INVALID_CONFIG, "Takes a whole number from 1 to 2147483647",
                      tarn_text_of(known->name));
    return TARN_KAFKA_NONE;
}

static enum tarn_kafka_error change_stored(struct tarn_request *request, const struct wish *wish,
                                           const struct change *change,
                                           const struct tarn_broker_config *list, size_t list_count,
                                           struct tarn_stored_config *config,
                                           struct tarn_error *err)
{
    bool of_group = wish->type == TARN_CONFIG_RESOURCE_GROUP;
    const struct tarn_broker_config *known = find_config(list, list_count, change->name);
    if (!known && of_group)
        return refuse(err, TARN_KAFKA_INVALID_CONFIG, "There is no such group config",
                      change->name);
    if (known && known->read_only)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST, "Cannot be changed while the broker runs",
                      change->name);
    struct tarn_text value, now = tarn_stored_config_get(config, change->name);
    if (!now.data && known)
        now = tarn_text_of(known->value);
    enum tarn_kafka_error error = new_value(
        request->arena, change, known ? known->type : TARN_CONFIG_STRING, now, &value, err);
    if (error == TARN_KAFKA_NONE && of_group)
        error = check_number(known, value, err);
    else if (error == TARN_KAFKA_NONE && value.data)
        error = check_topic_default(change->name, value, err);
    if (error == TARN_KAFKA_NONE)
        tarn_stored_config_set(config, request->arena, change->name, value);
    return error;
}

static enum tarn_kafka_error alter_stored(struct tarn_request *request, const struct wish *wish,
                                          struct tarn_text stored, struct tarn_error *err)
{
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct tarn_stored_config config = {NULL, 0, 0};
    const struct tarn_broker_config *list;
    struct tarn_broker_config *of_broker;
    size_t count;
    if (wish->type == TARN_CONFIG_RESOURCE_GROUP) {
        count = tarn_group_config_list(&list);
    } else {
        count = tarn_broker_config_list(request, &of_broker);
        list = of_broker;
    }
    if (!wish->replaces &&
        tarn_stored_config_read(log, stored, request->arena, &config, err) != TARN_OK)
        return TARN_KAFKA_UNKNOWN_SERVER_ERROR;
    for (int32_t i = 0; i < wish->count; i++) {
        enum tarn_kafka_error error =
            change_stored(request, wish, &wish->changes[i], list, count, &config, err);
        if (error != TARN_KAFKA_NONE)
            return error;
    }
    if (wish->validate_only)
        return TARN_KAFKA_NONE;
    if (tarn_stored_config_write(log, stored, &config, err) != TARN_OK) {
        tarn_log_storage_failure(err);
        return TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
    if (wish->type == TARN_CONFIG_RESOURCE_BROKER && wish->count > 0)
        tarn_log(TARN_LOG_WARN,
                 "configs of the broker were set by a client: they are kept and "
                 "shown, and change nothing",
                 TARN_LOG_STR("principal", request->principal));
    return TARN_KAFKA_NONE;
}

/* ---- requests ---- */

static enum tarn_kafka_error alter(struct tarn_request *request, const struct wish *wish,
                                   struct tarn_error *err)
{
    struct tarn_config_resource resource;
    struct tarn_naming *names =
        tarn_arena_array(request->arena, (size_t)wish->count + 1, sizeof *names);
    for (int32_t i = 0; i < wish->count; i++)
        names[i].name = wish->changes[i].name;
    bool *twice = tarn_named_twice(request->arena, names, (size_t)wish->count);
    for (int32_t i = 0; i < wish->count; i++) {
        if (twice[i])
            return refuse(err, TARN_KAFKA_INVALID_REQUEST, "The request names a config twice",
                          wish->changes[i].name);
    }
    enum tarn_kafka_error error =
        tarn_config_resource_find(request, wish->type, wish->name, true, &resource, err);
    if (error != TARN_KAFKA_NONE)
        return error;
    if (wish->type == TARN_CONFIG_RESOURCE_BROKER_LOGGER)
        return refuse(err, TARN_KAFKA_INVALID_REQUEST,
                      "What is logged is decided when the broker starts", wish->name);
    return resource.topic ? alter_topic(request, wish, resource.topic, err)
                          : alter_stored(request, wish, resource.stored, err);
}

/* Does what each wish says, unless another one names the same resource. */
static void alter_all(struct tarn_request *request, struct wish *wishes, size_t count)
{
    struct tarn_naming *names = tarn_arena_array(request->arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = (struct tarn_naming){wishes[i].name, wishes[i].type, 0};
    bool *twice = tarn_named_twice(request->arena, names, count);
    for (size_t i = 0; i < count; i++) {
        struct wish *wish = &wishes[i];
        struct tarn_error err = {0};
        wish->error = (int16_t)(twice[i] ? refuse(&err, TARN_KAFKA_INVALID_REQUEST,
                                                  "The request names a resource twice", wish->name)
                                         : alter(request, wish, &err));
        if (wish->error != TARN_KAFKA_NONE)
            wish->message = tarn_text_of(tarn_arena_strdup(request->arena, err.text));
    }
}

static void alter_failed(void *context)
{
    struct tarn_alter_configs_response *response = context;
    for (int32_t i = 0; i < response->responses_count; i++) {
        if (response->responses[i].error_code == TARN_KAFKA_NONE)
            response->responses[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

void tarn_handle_alter_configs(struct tarn_request *request)
{
    const struct tarn_alter_configs_request *body = request->body;
    size_t count = (size_t)body->resources_count;
    struct wish *wishes = tarn_arena_array(request->arena, count + 1, sizeof *wishes);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_alter_configs_request_resource *resource = &body->resources[i];
        struct change *changes =
            tarn_arena_array(request->arena, (size_t)resource->configs_count + 1, sizeof *changes);
        for (int32_t k = 0; k < resource->configs_count; k++)
            changes[k] =
                (struct change){resource->configs[k].name, resource->configs[k].value, SET};
        wishes[i] = (struct wish){.type = resource->resource_type,
                                  .name = resource->resource_name,
                                  .changes = changes,
                                  .count = resource->configs_count,
                                  .replaces = true,
                                  .validate_only = body->validate_only};
    }
    alter_all(request, wishes, count);
    struct tarn_alter_configs_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_alter_configs_response_init(response);
    response->responses_count = body->resources_count;
    response->responses = tarn_arena_array(request->arena, count + 1, sizeof *response->responses);
    for (size_t i = 0; i < count; i++)
        response->responses[i] =
            (struct tarn_alter_configs_response_resource){.error_code = wishes[i].error,
                                                          .error_message = wishes[i].message,
                                                          .resource_type = wishes[i].type,
                                                          .resource_name = wishes[i].name};
    tarn_request_reply_durable(request, response, alter_failed);
}

static void incremental_alter_failed(void *context)
{
    struct tarn_incremental_alter_configs_response *response = context;
    for (int32_t i = 0; i < response->responses_count; i++) {
        if (response->responses[i].error_code == TARN_KAFKA_NONE)
            response->responses[i].error_code = TARN_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

void tarn_handle_incremental_alter_configs(struct tarn_request *request)
{
    const struct tarn_incremental_alter_configs_request *body = request->body;
    size_t count = (size_t)body->resources_count;
    struct wish *wishes = tarn_arena_array(request->arena, count + 1, sizeof *wishes);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_incremental_alter_configs_request_resource *resource =
            &body->resources[i];
        struct change *changes =
            tarn_arena_array(request->arena, (size_t)resource->configs_count + 1, sizeof *changes);
        for (int32_t k = 0; k < resource->configs_count; k++)
            changes[k] = (struct change){resource->configs[k].name, resource->configs[k].value,
                                         resource->configs[k].config_operation};
        wishes[i] = (struct wish){.type = resource->resource_type,
                                  .name = resource->resource_name,
                                  .changes = changes,
                                  .count = resource->configs_count,
                                  .validate_only = body->validate_only};
    }
    alter_all(request, wishes, count);
    struct tarn_incremental_alter_configs_response *response =
        tarn_arena_alloc(request->arena, sizeof *response);
    tarn_incremental_alter_configs_response_init(response);
    response->responses_count = body->resources_count;
    response->responses = tarn_arena_array(request->arena, count + 1, sizeof *response->responses);
    for (size_t i = 0; i < count; i++)
        response->responses[i] = (struct tarn_incremental_alter_configs_response_resource){
            .error_code = wishes[i].error,
            .error_message = wishes[i].message,
            .resource_type = wishes[i].type,
            .resource_name = wishes[i].name};
    tarn_request_reply_durable(request, response, incremental_alter_failed);
}
