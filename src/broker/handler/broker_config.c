/* broker/handler/broker_config.c -- see broker_config.h.
 *
 * Names and types: Apache Kafka's documentation, "Broker Configs" of 4.1. The list holds what
 * clients and consoles look at, what is fixed here by having one node, and the broker's side of
 * every topic config. */
#include "broker/handler/broker_config.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "broker/broker.h"

enum { OWN_MAX = 64, LIST_TEXT_MAX_BYTES = 64 * 1024 };

struct listing {
    struct tarn_broker_config *items;
    size_t count;
    struct tarn_arena *arena;
};

/* What does not depend on how the broker was started. */
static const struct tarn_broker_config fixed[] = {
    {"authorizer.class.name", TARN_CONFIG_STRING, "", "Access control lists are built in.", false,
     true},
    {"background.threads", TARN_CONFIG_INT, "1", "One thread copies, compacts and deletes.", false,
     false},
    {"broker.rack", TARN_CONFIG_STRING, "", "There is one broker.", false, true},
    {"controlled.shutdown.enable", TARN_CONFIG_BOOLEAN, "true",
     "The broker answers what is in flight before it stops.", false, true},
    {"default.replication.factor", TARN_CONFIG_INT, "1", "There is one broker.", false, true},
    {"delete.topic.enable", TARN_CONFIG_BOOLEAN, "true", "Topics can be deleted.", false, true},
    {"group.initial.rebalance.delay.ms", TARN_CONFIG_INT, "0",
     "A new group's first rebalance is not delayed.", false, true},
    {"group.max.session.timeout.ms", TARN_CONFIG_INT, "1800000",
     "The longest session timeout that a member may ask for.", false, true},
    {"group.max.size", TARN_CONFIG_INT, "2147483647", "Members that a group may have.", false,
     true},
    {"group.min.session.timeout.ms", TARN_CONFIG_INT, "6000",
     "The shortest session timeout that a member may ask for.", false, true},
    {"inter.broker.protocol.version", TARN_CONFIG_STRING, "4.1-IV1",
     "The release whose versions of the protocol are offered.", false, true},
    {"log.cleaner.enable", TARN_CONFIG_BOOLEAN, "true", "Compacted topics are cleaned.", false,
     true},
    {"max.incremental.fetch.session.cache.slots", TARN_CONFIG_INT, "0",
     "Fetch sessions are answered without state.", false, true},
    {"num.io.threads", TARN_CONFIG_INT, "1", "One thread serves all requests.", false, true},
    {"num.network.threads", TARN_CONFIG_INT, "1", "One thread serves all connections.", false,
     true},
    {"offset.metadata.max.bytes", TARN_CONFIG_INT, "4096",
     "The longest metadata that an offset may be committed with.", false, true},
    {"offsets.retention.check.interval.ms", TARN_CONFIG_LONG, "600000",
     "How often old offsets are looked for.", false, true},
    {"offsets.retention.minutes", TARN_CONFIG_INT, "10080",
     "How long a group without members keeps its offsets.", false, true},
    {"offsets.topic.num.partitions", TARN_CONFIG_INT, "1", "Offsets are kept in the journal.",
     false, true},
    {"offsets.topic.replication.factor", TARN_CONFIG_SHORT, "1", "There is one broker.", false,
     true},
    {"process.roles", TARN_CONFIG_LIST, "broker,controller", "This process is both.", false, true},
    {"producer.id.expiration.ms", TARN_CONFIG_INT, "86400000",
     "How long an idempotent producer that sends nothing is remembered.", false, true},
    {"queued.max.requests", TARN_CONFIG_INT, "500", "Requests are not queued by number.", false,
     true},
    {"sasl.enabled.mechanisms", TARN_CONFIG_LIST, "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
     "What SASL listeners offer.", false, true},
    {"transaction.max.timeout.ms", TARN_CONFIG_INT, "900000",
     "The longest timeout that a transaction may ask for.", false, true},
    {"transaction.state.log.replication.factor", TARN_CONFIG_SHORT, "1", "There is one broker.",
     false, true},
    {"transactional.id.expiration.ms", TARN_CONFIG_INT, "604800000",
     "How long a transactional id that is not used is remembered.", false, true},
};

/* Consumer groups: Kafka's GroupConfig. */
static const struct tarn_broker_config of_groups[] = {
    {"consumer.heartbeat.interval.ms", TARN_CONFIG_INT, "5000",
     "How often members of a group of the new protocol are heard.", false, false},
    {"consumer.session.timeout.ms", TARN_CONFIG_INT, "45000",
     "When a silent member of a group of the new protocol is taken out.", false, false},
};

size_t tarn_group_config_list(const struct tarn_broker_config **ret_list)
{
    *ret_list = of_groups;
    return TARN_COUNT(of_groups);
}

static void add(struct listing *listing, const char *name, enum tarn_config_type type,
                const char *value, const char *documentation)
{
    listing->items[listing->count++] =
        (struct tarn_broker_config){name, type, value, documentation, true, true};
}

static const char *number(struct listing *listing, int64_t value)
{
    return tarn_arena_format(listing->arena, "%lld", (long long)value);
}

static const char *flag(bool value)
{
    return value ? "true" : "false";
}

/* "PLAINTEXT://:9092,SASL_SSL://:9093" */
static const char *listener_text(struct tarn_broker *broker, struct tarn_arena *arena)
{
    const struct tarn_broker_options *options = tarn_broker_options(broker);
    TARN_BUFFER(text, LIST_TEXT_MAX_BYTES);
    for (size_t i = 0; i < tarn_broker_listener_count(broker); i++) {
        const char *host = options->listeners[i].host;
        tarn_buffer_printf(&text, "%s%s://%s:%d", i ? "," : "",
                           tarn_broker_listener_name(broker, i), host ? host : "",
                           tarn_broker_listener_port(broker, i));
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&text));
}

static const char *super_user_text(const struct tarn_broker_options *options,
                                   struct tarn_arena *arena)
{
    TARN_BUFFER(text, LIST_TEXT_MAX_BYTES);
    for (size_t i = 0; i < options->super_user_count; i++)
        tarn_buffer_printf(&text, "%s%s", i ? ";" : "", options->super_users[i]);
    return tarn_arena_strdup(arena, tarn_buffer_str(&text));
}

static void add_started_with(struct tarn_request *request, struct listing *listing)
{
    const struct tarn_broker_options *options = tarn_broker_options(request->broker);
    const char *node = number(listing, TARN_BROKER_NODE_ID);
    const char *listeners = listener_text(request->broker, listing->arena);
    add(listing, "advertised.listeners", TARN_CONFIG_STRING, listeners,
        "Clients are told the address that they connected to, unless another was given.");
    add(listing, "allow.everyone.if.no.acl.found", TARN_CONFIG_BOOLEAN,
        flag(options->allow_if_no_acl), "Whether a resource without an entry is open to all.");
    add(listing, "auto.create.topics.enable", TARN_CONFIG_BOOLEAN,
        flag(options->auto_create_topics), "Topics that are asked for are created.");
    add(listing, "broker.id", TARN_CONFIG_INT, node, "The number of the only broker.");
    add(listing, "connections.max.idle.ms", TARN_CONFIG_LONG,
        number(listing, options->idle_timeout_ms), "When a silent connection is closed.");
    add(listing, "connections.max.reauth.ms", TARN_CONFIG_LONG, number(listing, options->reauth_ms),
        "How long it holds what a client said of who it is (SASL); 0: for the whole connection.");
    add(listing, "listeners", TARN_CONFIG_STRING, listeners, "Where the broker listens.");
    add(listing, "log.dir", TARN_CONFIG_STRING, options->folder, "Where records are kept.");
    add(listing, "log.dirs", TARN_CONFIG_STRING, options->folder, "Where records are kept.");
    add(listing, "max.connections", TARN_CONFIG_INT, number(listing, options->connections_max),
        "Connections at one time.");
    add(listing, "node.id", TARN_CONFIG_INT, node, "The number of the only broker.");
    add(listing, "num.partitions", TARN_CONFIG_INT, number(listing, options->partitions),
        "Partitions of a topic that is created without a number.");
    add(listing, "socket.request.max.bytes", TARN_CONFIG_INT,
        number(listing, options->request_max_bytes), "The largest request.");
    add(listing, "super.users", TARN_CONFIG_STRING, super_user_text(options, listing->arena),
        "Who may do everything.");
}

static bool is_listed(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->items[i].name, name) == 0)
            return true;
    }
    return false;
}

/* What a topic has when nothing is set on it. */
static void add_of_topics(struct listing *listing)
{
    for (size_t i = 0; i < tarn_topic_config_count(); i++) {
        const struct tarn_topic_config *config = tarn_topic_config_at(i);
        if (config->broker_name && !is_listed(listing, config->broker_name))
            listing->items[listing->count++] =
                (struct tarn_broker_config){.name = config->broker_name,
                                            .type = config->type,
                                            .value = config->fallback,
                                            .documentation = config->documentation};
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct tarn_broker_config *)a)->name,
                  ((const struct tarn_broker_config *)b)->name);
}

size_t tarn_broker_config_list(struct tarn_request *request, struct tarn_broker_config **ret_list)
{
    struct listing listing = {NULL, 0, request->arena};
    listing.items =
        tarn_arena_array(request->arena, OWN_MAX + TARN_TOPIC_CONFIGS_MAX, sizeof *listing.items);
    _Static_assert(TARN_COUNT(fixed) + 16 <= OWN_MAX, "room for all configs of the broker");
    memcpy(listing.items, fixed, sizeof fixed);
    listing.count = TARN_COUNT(fixed);
    add_started_with(request, &listing);
    add_of_topics(&listing);
    qsort(listing.items, listing.count, sizeof *listing.items, compare_names);
    *ret_list = listing.items;
    return listing.count;
}
