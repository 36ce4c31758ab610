/* broker/handler/describe_configs.c -- DescribeConfigs: every config of a topic, the broker or a
 * group with value, where it comes from, what lies beneath it, type and meaning; and
 * ListConfigResources: what there is to ask for. */
#include "broker/broker.h"
#include "broker/handler/broker_config.h"
#include "broker/handler/config_resource.h"
#include "broker/handler/handlers.h"
#include "broker/handler/stored_config.h"
#include "broker/log/journal.h"
#include "broker/protocol/messages.h"

typedef struct tarn_describe_configs_response_config config_out;
typedef struct tarn_describe_configs_response_synonym synonym_out;

enum {
    SYNONYMS_MAX = 3,
    RESOURCES_MAX = 20000, /* of one request: an answer is a hundred times as large */
};

struct describing {
    struct tarn_request *request;
    const struct tarn_describe_configs_request *body;
    const struct tarn_describe_configs_request_resource *wanted;
    struct tarn_describe_configs_response_result *out;
};

/* Without a list of keys, or with an empty one, all are wanted. */
static bool is_wanted(const struct describing *describing, struct tarn_text name)
{
    const struct tarn_describe_configs_request_resource *wanted = describing->wanted;
    for (int32_t i = 0; i < wanted->configuration_keys_count; i++) {
        if (tarn_text_equal(wanted->configuration_keys[i], name))
            return true;
    }
    return wanted->configuration_keys_count <= 0;
}

static void make_room(struct describing *describing, size_t count)
{
    describing->out->configs =
        tarn_arena_array(describing->request->arena, count + 1, sizeof *describing->out->configs);
}

/* The next config of the answer; NULL when it is not wanted. */
static config_out *add(struct describing *describing, struct tarn_text name,
                       enum tarn_config_type type, const char *documentation)
{
    if (!is_wanted(describing, name))
        return NULL;
    config_out *config = &describing->out->configs[describing->out->configs_count++];
    tarn_describe_configs_response_config_init(config);
    config->name = name;
    config->config_type = (int8_t)type;
    config->documentation = describing->body->include_documentation ? tarn_text_of(documentation)
                                                                    : (struct tarn_text){NULL, 0};
    if (describing->body->include_synonyms)
        config->synonyms =
            tarn_arena_array(describing->request->arena, SYNONYMS_MAX, sizeof *config->synonyms);
    return config;
}

/* One layer, from the top down: the first decides, all are synonyms. */
static void layer(config_out *config, struct tarn_text name, struct tarn_text value,
                  enum tarn_config_source source)
{
    if (!value.data)
        return;
    if (!config->value.data) {
        config->value = value;
        config->config_source = (int8_t)source;
    }
    if (config->synonyms)
        config->synonyms[config->synonyms_count++] = (synonym_out){name, value, (int8_t)source};
}

static config_out *start(config_out *config)
{
    if (config)
        config->value = (struct tarn_text){NULL, 0};
    return config;
}

static void describe_topic(struct describing *describing, const struct tarn_topic *topic)
{
    struct tarn_arena *arena = describing->request->arena;
    make_room(describing, tarn_topic_config_count());
    for (size_t i = 0; i < tarn_topic_config_count(); i++) {
        const struct tarn_topic_config *known = tarn_topic_config_at(i);
        struct tarn_text name = tarn_text_of(known->name);
        config_out *config = start(add(describing, name, known->type, known->documentation));
        if (!config)
            continue;
        const char *set = topic->overrides.values[i];
        layer(config, name, tarn_text_of(set ? tarn_arena_strdup(arena, set) : NULL),
              TARN_CONFIG_OF_TOPIC);
        layer(config, tarn_text_of(known->broker_name ? known->broker_name : known->name),
              tarn_text_of(known->fallback), TARN_CONFIG_DEFAULT);
    }
}

/* What was set that the lists do not know: it is kept and shown all the same. */
static void describe_unknown(struct describing *describing, const struct tarn_stored_config *set,
                             enum tarn_config_source source)
{
    int32_t known = describing->out->configs_count;
    for (size_t i = 0; i < set->count; i++) {
        bool listed = false;
        for (int32_t k = 0; k < known && !listed; k++)
            listed = tarn_text_equal(describing->out->configs[k].name, set->pairs[i].name);
        config_out *config = listed
                                 ? NULL
                                 : start(add(describing, set->pairs[i].name, TARN_CONFIG_STRING,
                                             "This broker knows no such config; it is only kept."));
        if (config)
            layer(config, set->pairs[i].name, set->pairs[i].value, source);
    }
}

static enum tarn_status describe_broker(struct describing *describing,
                                        const struct tarn_config_resource *resource,
                                        struct tarn_error *err)
{
    struct tarn_request *request = describing->request;
    struct tarn_log *log = tarn_broker_log(request->broker);
    struct tarn_stored_config own, all;
    struct tarn_broker_config *list;
    TARN_TRY(tarn_stored_config_read(log, TARN_TEXT("broker/"), request->arena, &all, err));
    if (resource->name.len == 0) { /* what is set for all brokers, and nothing else */
        make_room(describing, all.count);
        describe_unknown(describing, &all, TARN_CONFIG_OF_ALL_BROKERS);
        return TARN_OK;
    }
    TARN_TRY(tarn_stored_config_read(log, resource->stored, request->arena, &own, err));
    size_t count = tarn_broker_config_list(request, &list);
    make_room(describing, count + own.count + all.count);
    for (size_t i = 0; i < count; i++) {
        struct tarn_text name = tarn_text_of(list[i].name);
        config_out *config = start(add(describing, name, list[i].type, list[i].documentation));
        if (!config)
            continue;
        config->read_only = list[i].read_only;
        layer(config, name, tarn_stored_config_get(&own, name), TARN_CONFIG_OF_BROKER);
        layer(config, name, tarn_stored_config_get(&all, name), TARN_CONFIG_OF_ALL_BROKERS);
        layer(config, name, tarn_text_of(list[i].value),
              list[i].configured ? TARN_CONFIG_STATIC : TARN_CONFIG_DEFAULT);
    }
    describe_unknown(describing, &own, TARN_CONFIG_OF_BROKER);
    describe_unknown(describing, &all, TARN_CONFIG_OF_ALL_BROKERS);
    return TARN_OK;
}

static void describe_logger(struct describing *describing)
{
    make_room(describing, 1);
    config_out *config = start(add(describing, TARN_TEXT("root"), TARN_CONFIG_STRING,
                                   "The level below which nothing is logged."));
    if (config)
        layer(config, config->name, TARN_TEXT("INFO"), TARN_CONFIG_OF_LOGGER);
}

static enum tarn_status describe_group(struct describing *describing,
                                       const struct tarn_config_resource *resource,
                                       struct tarn_error *err)
{
    const struct tarn_broker_config *list;
    struct tarn_stored_config own;
    size_t count = tarn_group_config_list(&list);
    TARN_TRY(tarn_stored_config_read(tarn_broker_log(describing->request->broker), resource->stored,
                                     describing->request->arena, &own, err));
    make_room(describing, count);
    for (size_t i = 0; i < count; i++) {
        struct tarn_text name = tarn_text_of(list[i].name);
        config_out *config = start(add(describing, name, list[i].type, list[i].documentation));
        if (!config)
            continue;
        layer(config, name, tarn_stored_config_get(&own, name), TARN_CONFIG_OF_GROUP);
        layer(config, name, tarn_text_of(list[i].value), TARN_CONFIG_DEFAULT);
    }
    return TARN_OK;
}

static enum tarn_kafka_error describe(struct describing *describing, struct tarn_error *err)
{
    struct tarn_config_resource resource;
    enum tarn_status status = TARN_OK;
    enum tarn_kafka_error error =
        tarn_config_resource_find(describing->request, describing->wanted->resource_type,
                                  describing->wanted->resource_name, false, &resource, err);
    if (error != TARN_KAFKA_NONE)
        return error;
    switch ((enum tarn_config_resource_type)resource.type) {
    case TARN_CONFIG_RESOURCE_TOPIC:
        describe_topic(describing, resource.topic);
        break;
    case TARN_CONFIG_RESOURCE_BROKER:
        status = describe_broker(describing, &resource, err);
        break;
    case TARN_CONFIG_RESOURCE_BROKER_LOGGER:
        describe_logger(describing);
        break;
    case TARN_CONFIG_RESOURCE_GROUP:
        status = describe_group(describing, &resource, err);
        break;
    }
    return status == TARN_OK ? TARN_KAFKA_NONE : TARN_KAFKA_UNKNOWN_SERVER_ERROR;
}

static enum tarn_kafka_error too_many(struct tarn_error *err)
{
    (void)tarn_fail(err, TARN_TOO_LARGE, "One request may ask for %d resources.", RESOURCES_MAX);
    return TARN_KAFKA_INVALID_REQUEST;
}

void tarn_handle_describe_configs(struct tarn_request *request)
{
    const struct tarn_describe_configs_request *body = request->body;
    struct tarn_describe_configs_response response;
    tarn_describe_configs_response_init(&response);
    response.results_count = body->resources_count;
    response.results = tarn_arena_array(request->arena, (size_t)body->resources_count + 1,
                                        sizeof *response.results);
    for (int32_t i = 0; i < body->resources_count; i++) {
        struct tarn_describe_configs_response_result *out = &response.results[i];
        struct describing describing = {request, body, &body->resources[i], out};
        struct tarn_error err = {0};
        out->resource_type = body->resources[i].resource_type;
        out->resource_name = body->resources[i].resource_name;
        out->error_code =
            (int16_t)(i < RESOURCES_MAX ? describe(&describing, &err) : too_many(&err));
        if (out->error_code == TARN_KAFKA_NONE)
            continue;
        out->configs_count = 0;
        out->error_message = tarn_text_of(tarn_arena_strdup(request->arena, err.text));
    }
    tarn_request_reply(request, &response);
}

/* ---- ListConfigResources ---- */

struct resources {
    struct tarn_list_config_resources_response_config_resource *items;
    int32_t count;
    size_t room;
};

static void add_resource(struct resources *resources, struct tarn_arena *arena,
                         enum tarn_config_resource_type type, struct tarn_text name)
{
    if ((size_t)resources->count == resources->room) {
        resources->room = resources->room ? resources->room * 2 : 16;
        struct tarn_list_config_resources_response_config_resource *items =
            tarn_arena_array(arena, resources->room, sizeof *items);
        if (resources->count)
            memcpy(items, resources->items, (size_t)resources->count * sizeof *items);
        resources->items = items;
    }
    resources->items[resources->count++] =
        (struct tarn_list_config_resources_response_config_resource){name, (int8_t)type};
}

struct group_listing {
    struct resources *resources;
    struct tarn_arena *arena;
};

/* Groups that something is set on. */
static bool add_group(void *context, struct tarn_text key, struct tarn_text value)
{
    struct group_listing *listing = context;
    size_t prefix = strlen("config/group/");
    (void)value;
    add_resource(listing->resources, listing->arena, TARN_CONFIG_RESOURCE_GROUP,
                 (struct tarn_text){key.data + prefix, key.len - prefix});
    return true;
}

static bool type_wanted(const struct tarn_list_config_resources_request *body,
                        enum tarn_config_resource_type type)
{
    for (int32_t i = 0; i < body->resource_types_count; i++) {
        if (body->resource_types[i] == (int8_t)type)
            return true;
    }
    return body->resource_types_count == 0;
}

static void list_resources(struct tarn_request *request, struct resources *resources)
{
    const struct tarn_list_config_resources_request *body = request->body;
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    struct tarn_text node =
        tarn_text_of(tarn_arena_format(request->arena, "%d", TARN_BROKER_NODE_ID));
    if (type_wanted(body, TARN_CONFIG_RESOURCE_TOPIC)) {
        for (size_t i = 0; i < tarn_catalog_count(catalog); i++)
            add_resource(resources, request->arena, TARN_CONFIG_RESOURCE_TOPIC,
                         tarn_catalog_at(catalog, i)->name_text);
    }
    if (type_wanted(body, TARN_CONFIG_RESOURCE_BROKER))
        add_resource(resources, request->arena, TARN_CONFIG_RESOURCE_BROKER, node);
    if (type_wanted(body, TARN_CONFIG_RESOURCE_BROKER_LOGGER))
        add_resource(resources, request->arena, TARN_CONFIG_RESOURCE_BROKER_LOGGER, node);
    if (type_wanted(body, TARN_CONFIG_RESOURCE_GROUP)) {
        struct group_listing listing = {resources, request->arena};
        tarn_journal_each(tarn_broker_log(request->broker), TARN_TEXT("config/group/"), add_group,
                          &listing);
    }
}

void tarn_handle_list_config_resources(struct tarn_request *request)
{
    enum { OTHER_TYPES_SINCE = 1 }; /* before, it was for the metrics of clients, which are none */
    struct tarn_list_config_resources_response response;
    struct resources resources = {NULL, 0, 0};
    tarn_list_config_resources_response_init(&response);
    if (!tarn_request_may_cluster(request, TARN_ACL_DESCRIBE_CONFIGS))
        response.error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    else if (request->api_version >= OTHER_TYPES_SINCE)
        list_resources(request, &resources);
    response.config_resources = resources.items;
    response.config_resources_count = resources.count;
    tarn_request_reply(request, &response);
}
