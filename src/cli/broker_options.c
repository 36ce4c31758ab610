/* cli/broker_options.c -- see broker_options.h. */
#include "cli/broker_options.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum {
    WAL_MIN_BYTES = 16 << 10,
    WAL_MAX_BYTES = 1 << 30,
    DEFAULT_PORT = 9092,
    DEFAULT_REGISTRY_PORT = 8081,
    DEFAULT_REST_PORT = 8082,
    REBALANCE_DELAY_MAX_MS = 60000,
    PORT_UNSAID = -2,
    PORT_MAX = 65535
};

/* The arguments as they were given; -1, NULL and false: not. */
struct arguments {
    int64_t port, partitions, rebalance_delay, reauth, registry_port, rest_port, wal_bytes;
    const char *advertise, *certificate, *key, *client_ca, *durability;
    bool authorize, allow_if_no_acl, no_auto_create;
    struct tarn_strings listeners, users, super_users;
};

/* ---- addresses ---- */

/* "HOST:PORT" or "[::1]:PORT"; an empty host is NULL. */
static bool parse_address(struct tarn_arena *arena, const char *text, const char **ret_host,
                          int *ret_port)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !tarn_text_to_int64(tarn_text_of(colon + 1), &port) || port < 0 ||
        port > PORT_MAX)
        return false;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    *ret_host = len > 0 ? tarn_arena_strndup(arena, text, len) : NULL;
    *ret_port = (int)port;
    return true;
}

static bool parse_listener(struct tarn_arena *arena, const char *text,
                           struct tarn_listener_options *ret_listener)
{
    static const struct {
        const char *prefix;
        enum tarn_listener_security security;
    } kinds[] = {
        {"PLAINTEXT://", TARN_LISTENER_PLAINTEXT},
        {"SSL://", TARN_LISTENER_SSL},
        {"SASL_PLAINTEXT://", TARN_LISTENER_SASL_PLAINTEXT},
        {"SASL_SSL://", TARN_LISTENER_SASL_SSL},
    };
    for (size_t i = 0; i < TARN_COUNT(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) != 0)
            continue;
        *ret_listener = (struct tarn_listener_options){.security = kinds[i].security};
        return parse_address(arena, text + len, &ret_listener->host, &ret_listener->port);
    }
    return false;
}

static enum tarn_status fail_listener(struct tarn_error *err, const char *text)
{
    return tarn_fail(err, TARN_USAGE,
                     "a listener is SECURITY://HOST:PORT with PLAINTEXT, SSL, SASL_PLAINTEXT or "
                     "SASL_SSL, such as "
                     "PLAINTEXT://localhost:9092, not '%s'",
                     text);
}

static enum tarn_status add_listener(struct tarn_broker_setup *setup,
                                     struct tarn_listener_options *listeners, const char *text,
                                     struct tarn_error *err)
{
    if (setup->options.listener_count == TARN_BROKER_LISTENERS_MAX)
        return tarn_fail(err, TARN_USAGE, "a broker has at most %d listeners",
                         TARN_BROKER_LISTENERS_MAX);
    if (!parse_listener(setup->arena, text, &listeners[setup->options.listener_count]))
        return fail_listener(err, text);
    setup->options.listener_count++;
    return TARN_OK;
}

/* ---- users ---- */

static void add_user(struct tarn_broker_setup *setup, const char *name, const char *password)
{
    struct tarn_user_options *users =
        tarn_arena_array(setup->arena, setup->options.user_count + 1, sizeof *users);
    if (setup->options.user_count > 0)
        memcpy(users, setup->options.users, setup->options.user_count * sizeof *users);
    users[setup->options.user_count++] = (struct tarn_user_options){
        tarn_arena_strdup(setup->arena, name), tarn_arena_strdup(setup->arena, password)};
    setup->options.users = users;
}

/* "alice" and "User:alice" are the same. */
static void add_super_user(struct tarn_broker_setup *setup, const char *name)
{
    struct tarn_broker_options *options = &setup->options;
    const char **names =
        tarn_arena_array(setup->arena, options->super_user_count + 1, sizeof *names);
    if (options->super_user_count > 0)
        memcpy(names, options->super_users, options->super_user_count * sizeof *names);
    names[options->super_user_count++] =
        tarn_arena_format(setup->arena, "%s%s", strchr(name, ':') ? "" : "User:", name);
    options->super_users = names;
}

/* ---- tarn.yml ---- */

static const char *const yaml_keys[] = {"listeners",
                                        "advertise",
                                        "certificate",
                                        "key",
                                        "client_ca",
                                        "users",
                                        "super_users",
                                        "authorize",
                                        "allow_if_no_acl",
                                        "partitions",
                                        "auto_create_topics",
                                        "durability",
                                        "rebalance_delay_ms",
                                        "reauth_ms",
                                        "address",
                                        "properties", /* those of its clients (topic_access.h) */
                                        NULL};

static enum tarn_status read_yaml_users(struct tarn_broker_setup *setup,
                                        const struct tarn_yaml *section, struct tarn_error *err)
{
    const struct tarn_yaml *users = tarn_yaml_get(section, "users");
    const struct tarn_yaml *super_users = NULL;
    if (users && users->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(users, err, "`users` is a map of names and passwords");
    for (size_t i = 0; users && i < users->count; i++) {
        if (!users->items[i]->text)
            return tarn_yaml_fail(users->items[i], err, "a password is a text");
        add_user(setup, tarn_yaml_key(users, i), users->items[i]->text);
    }
    TARN_TRY(tarn_yaml_list(section, "super_users", &super_users, err));
    for (size_t i = 0; super_users && i < super_users->count; i++) {
        if (!super_users->items[i]->text)
            return tarn_yaml_fail(super_users->items[i], err, "a super user is a name");
        add_super_user(setup, super_users->items[i]->text);
    }
    return TARN_OK;
}

static enum tarn_status read_yaml_listeners(struct tarn_broker_setup *setup,
                                            const struct tarn_yaml *section,
                                            struct tarn_listener_options *listeners,
                                            struct tarn_error *err)
{
    const struct tarn_yaml *list = NULL;
    TARN_TRY(tarn_yaml_list(section, "listeners", &list, err));
    for (size_t i = 0; list && i < list->count; i++) {
        struct tarn_error wrong = {0};
        const char *text = list->items[i]->text;
        if (!text || add_listener(setup, listeners, text, &wrong) != TARN_OK)
            return tarn_yaml_fail(list->items[i], err, "%s",
                                  text ? wrong.text : "a listener is a text");
    }
    return TARN_OK;
}

static void take_yaml_path(const struct tarn_project *project, const char **path)
{
    if (*path && (*path)[0] != '/')
        *path = tarn_project_path(project, *path);
}

static enum tarn_status read_yaml(struct tarn_broker_setup *setup,
                                  struct tarn_listener_options *listeners,
                                  struct arguments *defaults, struct tarn_error *err)
{
    const struct tarn_project *project = setup->project;
    const struct tarn_yaml *section =
        project && project->root ? tarn_yaml_get(project->root, "broker") : NULL;
    int64_t partitions = setup->options.partitions;
    if (!section || section->kind != TARN_YAML_MAP)
        return TARN_OK; /* only an address, for clients */
    TARN_TRY(tarn_yaml_expect_keys(section, "the broker", yaml_keys, err));
    TARN_TRY(tarn_yaml_str(section, "advertise", &defaults->advertise, err));
    TARN_TRY(tarn_yaml_str(section, "certificate", &defaults->certificate, err));
    TARN_TRY(tarn_yaml_str(section, "key", &defaults->key, err));
    TARN_TRY(tarn_yaml_str(section, "client_ca", &defaults->client_ca, err));
    TARN_TRY(tarn_yaml_str(section, "durability", &defaults->durability, err));
    TARN_TRY(tarn_yaml_bool(section, "authorize", &setup->options.authorize, err));
    TARN_TRY(tarn_yaml_bool(section, "allow_if_no_acl", &setup->options.allow_if_no_acl, err));
    TARN_TRY(
        tarn_yaml_bool(section, "auto_create_topics", &setup->options.auto_create_topics, err));
    TARN_TRY(tarn_yaml_int(section, "partitions", 1, 10000, &partitions, err));
    setup->options.partitions = (int32_t)partitions;
    int64_t delay_ms = setup->options.rebalance_delay_ms;
    TARN_TRY(
        tarn_yaml_int(section, "rebalance_delay_ms", 0, REBALANCE_DELAY_MAX_MS, &delay_ms, err));
    setup->options.rebalance_delay_ms = (int32_t)delay_ms;
    TARN_TRY(tarn_yaml_int(section, "reauth_ms", 0, INT32_MAX, &setup->options.reauth_ms, err));
    take_yaml_path(project, &defaults->certificate);
    take_yaml_path(project, &defaults->key);
    take_yaml_path(project, &defaults->client_ca);
    TARN_TRY(read_yaml_users(setup, section, err));
    return read_yaml_listeners(setup, section, listeners, err);
}

/* ---- all of it ---- */

static enum tarn_status open_project(const struct tarn_common *common,
                                     struct tarn_broker_setup *setup, struct tarn_error *err)
{
    if (common->data && !common->project && !tarn_project_here()) {
        TARN_AUTO_FREE char *folder = tarn_path_join(common->data, "broker");
        setup->options.folder = tarn_arena_strdup(setup->arena, folder);
        return TARN_OK;
    }
    TARN_TRY(
        tarn_project_open(common->project, common->data, common->target, &setup->project, err));
    setup->options.folder = tarn_project_data_path(setup->project, "broker");
    return TARN_OK;
}

static enum tarn_status read_durability(const char *text, enum tarn_broker_durability *ret,
                                        struct tarn_error *err)
{
    if (!text || strcmp(text, "sync") == 0)
        *ret = TARN_DURABILITY_SYNC;
    else if (strcmp(text, "none") == 0)
        *ret = TARN_DURABILITY_NONE;
    else
        return tarn_fail(err, TARN_USAGE, "the broker's durability is sync or none, not '%s'",
                         text);
    return TARN_OK;
}

static enum tarn_status take_listeners(struct tarn_broker_setup *setup,
                                       struct tarn_listener_options *listeners,
                                       const struct arguments *arguments, struct tarn_error *err)
{
    struct tarn_broker_options *options = &setup->options;
    if (arguments->listeners.count > 0 || arguments->port >= 0)
        options->listener_count = 0;
    for (size_t i = 0; i < arguments->listeners.count; i++)
        TARN_TRY(add_listener(setup, listeners, arguments->listeners.items[i], err));
    if (options->listener_count == 0) {
        if (arguments->port > PORT_MAX)
            return tarn_fail(err, TARN_USAGE, "--port is a number up to %d", PORT_MAX);
        listeners[options->listener_count++] = (struct tarn_listener_options){
            .host = "localhost", .port = arguments->port < 0 ? DEFAULT_PORT : (int)arguments->port};
    }
    for (size_t i = 0; i < options->listener_count; i++) {
        struct tarn_listener_options *listener = &listeners[i];
        listener->certificate = arguments->certificate;
        listener->key = arguments->key;
        listener->client_ca = arguments->client_ca;
        listener->client_certificate_required =
            arguments->client_ca && listener->security == TARN_LISTENER_SSL;
        if (arguments->advertise &&
            !parse_address(setup->arena, arguments->advertise, &listener->advertised_host,
                           &listener->advertised_port))
            return tarn_fail(err, TARN_USAGE, "what is advertised is HOST:PORT, not '%s'",
                             arguments->advertise);
    }
    options->listeners = listeners;
    return TARN_OK;
}

static enum tarn_status take_users(struct tarn_broker_setup *setup,
                                   const struct arguments *arguments, struct tarn_error *err)
{
    for (size_t i = 0; i < arguments->users.count; i++) {
        const char *colon = strchr(arguments->users.items[i], ':');
        if (!colon || colon == arguments->users.items[i])
            return tarn_fail(err, TARN_USAGE, "--user is NAME:PASSWORD");
        TARN_AUTO_FREE char *name =
            tarn_strndup(arguments->users.items[i], (size_t)(colon - arguments->users.items[i]));
        add_user(setup, name, colon + 1);
    }
    for (size_t i = 0; i < arguments->super_users.count; i++)
        add_super_user(setup, arguments->super_users.items[i]);
    return TARN_OK;
}

static enum tarn_status parse_arguments(int argc, char **argv, struct tarn_common *common,
                                        struct arguments *arguments, struct tarn_error *err)
{
    const struct tarn_option options[] = {
        {"port", 'p', TARN_OPTION_INT, &arguments->port},
        {"listener", 0, TARN_OPTION_LIST, &arguments->listeners},
        {"advertise", 0, TARN_OPTION_STR, &arguments->advertise},
        {"tls-certificate", 0, TARN_OPTION_STR, &arguments->certificate},
        {"tls-key", 0, TARN_OPTION_STR, &arguments->key},
        {"tls-client-ca", 0, TARN_OPTION_STR, &arguments->client_ca},
        {"user", 0, TARN_OPTION_LIST, &arguments->users},
        {"super-user", 0, TARN_OPTION_LIST, &arguments->super_users},
        {"authorize", 0, TARN_OPTION_FLAG, &arguments->authorize},
        {"allow-if-no-acl", 0, TARN_OPTION_FLAG, &arguments->allow_if_no_acl},
        {"partitions", 0, TARN_OPTION_INT, &arguments->partitions},
        {"rebalance-delay", 0, TARN_OPTION_INT, &arguments->rebalance_delay},
        {"reauth", 0, TARN_OPTION_INT, &arguments->reauth},
        {"no-auto-create", 0, TARN_OPTION_FLAG, &arguments->no_auto_create},
        {"durability", 0, TARN_OPTION_STR, &arguments->durability},
        {"wal-bytes", 0, TARN_OPTION_INT, &arguments->wal_bytes},
        {"registry-port", 0, TARN_OPTION_INT, &arguments->registry_port},
        {"rest-port", 0, TARN_OPTION_INT, &arguments->rest_port},
    };
    return tarn_options_parse(argc, argv, common, options, TARN_COUNT(options), NULL, err);
}

/* With --port 0 the services are off unless they are asked for: several brokers may run then. */
static enum tarn_status take_service(int64_t given, int64_t port, int fallback, const char *option,
                                     int *ret_port, struct tarn_error *err)
{
    if (given != PORT_UNSAID && (given < -1 || given > PORT_MAX))
        return tarn_fail(err, TARN_USAGE, "--%s is a number up to %d, or -1 for none", option,
                         PORT_MAX);
    *ret_port = given != PORT_UNSAID ? (int)given : port == 0 ? TARN_SERVICE_OFF : fallback;
    return TARN_OK;
}

static void override(const char **value, const char *given)
{
    if (given)
        *value = given;
}

static enum tarn_status merge(struct tarn_broker_setup *setup,
                              struct tarn_listener_options *listeners,
                              const struct arguments *given, struct tarn_error *err)
{
    struct arguments merged = {.port = given->port, .listeners = given->listeners};
    TARN_TRY(read_yaml(setup, listeners, &merged, err));
    override(&merged.advertise, given->advertise);
    override(&merged.certificate, given->certificate);
    override(&merged.key, given->key);
    override(&merged.client_ca, given->client_ca);
    override(&merged.durability, given->durability);
    if (given->partitions == 0 || given->partitions > 10000)
        return tarn_fail(err, TARN_USAGE, "--partitions is a number from 1 to 10000");
    if (given->partitions > 0)
        setup->options.partitions = (int32_t)given->partitions;
    if (given->rebalance_delay < -1 || given->rebalance_delay > REBALANCE_DELAY_MAX_MS)
        return tarn_fail(err, TARN_USAGE, "--rebalance-delay is a number of milliseconds up to %d",
                         REBALANCE_DELAY_MAX_MS);
    if (given->rebalance_delay >= 0)
        setup->options.rebalance_delay_ms = (int32_t)given->rebalance_delay;
    if (given->reauth < -1 || given->reauth > INT32_MAX)
        return tarn_fail(err, TARN_USAGE, "--reauth is a number of milliseconds up to %d",
                         INT32_MAX);
    if (given->reauth >= 0)
        setup->options.reauth_ms = given->reauth;
    if (given->wal_bytes != 0 &&
        (given->wal_bytes < WAL_MIN_BYTES || given->wal_bytes > WAL_MAX_BYTES))
        return tarn_fail(err, TARN_USAGE, "--wal-bytes is a number from %d to %d", WAL_MIN_BYTES,
                         WAL_MAX_BYTES);
    setup->options.wal_bytes = given->wal_bytes;
    setup->options.authorize |= given->authorize;
    setup->options.allow_if_no_acl |= given->allow_if_no_acl;
    setup->options.auto_create_topics &= !given->no_auto_create;
    TARN_TRY(read_durability(merged.durability, &setup->options.durability, err));
    TARN_TRY(take_users(setup, given, err));
    TARN_TRY(take_service(given->registry_port, given->port, DEFAULT_REGISTRY_PORT, "registry-port",
                          &setup->services.registry_port, err));
    TARN_TRY(take_service(given->rest_port, given->port, DEFAULT_REST_PORT, "rest-port",
                          &setup->services.rest_port, err));
    return take_listeners(setup, listeners, &merged, err);
}

enum tarn_status tarn_broker_setup_read(int argc, char **argv, struct tarn_common *common,
                                        struct tarn_broker_setup *ret_setup, struct tarn_error *err)
{
    struct tarn_broker_setup setup = {.arena = tarn_arena_new()};
    struct arguments arguments = {.port = -1,
                                  .partitions = -1,
                                  .rebalance_delay = -1,
                                  .reauth = -1,
                                  .registry_port = PORT_UNSAID,
                                  .rest_port = PORT_UNSAID};
    tarn_broker_options_init(&setup.options);
    enum tarn_status status = parse_arguments(argc, argv, common, &arguments, err);
    if (status == TARN_OK)
        status = open_project(common, &setup, err);
    if (status == TARN_OK) {
        struct tarn_listener_options *listeners =
            tarn_arena_array(setup.arena, TARN_BROKER_LISTENERS_MAX, sizeof *listeners);
        status = merge(&setup, listeners, &arguments, err);
    }
    tarn_strings_release(&arguments.listeners);
    tarn_strings_release(&arguments.users);
    tarn_strings_release(&arguments.super_users);
    if (status != TARN_OK) {
        tarn_broker_setup_release(&setup);
        return status;
    }
    *ret_setup = setup;
    return TARN_OK;
}

void tarn_broker_setup_release(struct tarn_broker_setup *setup)
{
    tarn_project_close(setup->project);
    tarn_arena_free(setup->arena);
    *setup = (struct tarn_broker_setup){0};
}
