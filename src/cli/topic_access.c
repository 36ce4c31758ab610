/* cli/topic_access.c -- see topic_access.h. */
#include "cli/topic_access.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define DEFAULT_BROKER "localhost:9092"

enum { PROPERTIES_MAX = 100 };

struct found {
    const char *address;
    char listener[300]; /* what address may point to */
    struct tarn_topic_property properties[PROPERTIES_MAX];
    size_t count;
};

static enum tarn_status add_property(struct found *found, const char *name, const char *value,
                                     struct tarn_error *err)
{
    if (found->count == PROPERTIES_MAX)
        return tarn_fail(err, TARN_CONFIG, "there are more than %d client properties",
                         (int)PROPERTIES_MAX);
    found->properties[found->count++] = (struct tarn_topic_property){name, value};
    return TARN_OK;
}

/* Without an address the embedded broker is meant: its first plain listener. */
static void find_listener(const struct tarn_yaml *broker, struct found *found)
{
    static const char prefix[] = "PLAINTEXT://";
    const struct tarn_yaml *list = tarn_yaml_get(broker, "listeners");
    for (size_t i = 0; list && list->kind == TARN_YAML_LIST && i < list->count; i++) {
        const char *text = list->items[i]->text;
        if (!text || strncmp(text, prefix, strlen(prefix)) != 0)
            continue;
        text += strlen(prefix);
        snprintf(found->listener, sizeof found->listener, "%s%s", *text == ':' ? "localhost" : "",
                 text);
        found->address = found->listener;
        return;
    }
}

/* `broker:` of a map: an address, or an address with properties. */
static enum tarn_status read_broker(const struct tarn_yaml *map, struct found *found,
                                    struct tarn_error *err)
{
    const struct tarn_yaml *broker = map ? tarn_yaml_get(map, "broker") : NULL;
    const struct tarn_yaml *properties = NULL;
    if (!broker)
        return TARN_OK;
    if (broker->kind != TARN_YAML_MAP)
        return tarn_yaml_str(map, "broker", &found->address, err);
    TARN_TRY(tarn_yaml_str(broker, "address", &found->address, err));
    TARN_TRY(tarn_yaml_map(broker, "properties", &properties, err));
    if (!found->address)
        find_listener(broker, found);
    for (size_t i = 0; properties && i < properties->count; i++) {
        const struct tarn_yaml *value = properties->items[i];
        if (!value->text)
            return tarn_yaml_fail(value, err, "a property of the broker's client is one value");
        TARN_TRY(add_property(found, tarn_yaml_key(properties, i), value->text, err));
    }
    return TARN_OK;
}

static enum tarn_status read_project(const struct tarn_common *common,
                                     struct tarn_project **ret_project, struct found *found,
                                     struct tarn_error *err)
{
    TARN_TRY(tarn_project_open(common->project, common->data, common->target, ret_project, err));
    TARN_TRY(read_broker((*ret_project)->root, found, err));
    return read_broker((*ret_project)->target, found, err);
}

static enum tarn_status offline_folder(const struct tarn_common *common,
                                       const struct tarn_project *project, struct tarn_arena *arena,
                                       const char **ret_folder, struct tarn_error *err)
{
    const char *data = common->data ? common->data : project ? project->data : NULL;
    if (!data)
        return tarn_fail(err, TARN_USAGE,
                         "--offline needs a project, or --data DIR with the broker's files");
    *ret_folder = tarn_arena_format(arena, "%s/broker", data);
    return TARN_OK;
}

static enum tarn_status connect(const struct tarn_common *common,
                                const struct tarn_topic_access *access,
                                const struct tarn_project *project, struct found *found,
                                struct tarn_topics **ret_topics, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_topics_options options = {.address = found->address};
    for (size_t i = 0; i < access->properties.count; i++) {
        const char *name, *value;
        TARN_TRY(tarn_topic_split_pair(access->properties.items[i], "property", arena, &name,
                                       &value, err));
        TARN_TRY(add_property(found, name, value, err));
    }
    if (access->offline) {
        if (access->broker)
            return tarn_fail(err, TARN_USAGE, "--offline works on files: leave --broker out");
        options.address = "offline";
        options.read_only = access->only_reads;
        TARN_TRY(offline_folder(common, project, arena, &options.directory, err));
    }
    if (access->broker)
        options.address = access->broker;
    if (!options.address)
        options.address = DEFAULT_BROKER;
    options.properties = found->properties;
    options.property_count = found->count;
    return tarn_topics_open(&options, ret_topics, err);
}

enum tarn_status tarn_topic_access_open(const struct tarn_common *common,
                                        const struct tarn_topic_access *access,
                                        struct tarn_topics **ret_topics, struct tarn_error *err)
{
    struct found found = {0};
    struct tarn_project *project = NULL;
    enum tarn_status status = TARN_OK;
    /* a broker can be talked to from anywhere */
    if (common->project || tarn_project_here())
        status = read_project(common, &project, &found, err);
    if (status == TARN_OK)
        status = connect(common, access, project, &found, ret_topics, err);
    tarn_project_close(project);
    return status;
}

void tarn_topic_access_release(struct tarn_topic_access *access)
{
    tarn_strings_release(&access->properties);
}

enum tarn_status tarn_topic_split_pair(const char *pair, const char *option,
                                       struct tarn_arena *arena, const char **ret_name,
                                       const char **ret_value, struct tarn_error *err)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        return tarn_fail(err, TARN_USAGE, "--%s takes NAME=VALUE, not '%s'", option, pair);
    *ret_name = tarn_arena_strndup(arena, pair, (size_t)(equals - pair));
    *ret_value = tarn_arena_strdup(arena, equals + 1);
    return TARN_OK;
}

enum tarn_status tarn_topic_place_parse(const char *text, const char *option,
                                        struct tarn_topic_place *ret_place, struct tarn_error *err)
{
    struct tarn_text whole = tarn_text_of(text);
    int64_t number;
    struct tarn_topic_place place = {0};
    if (tarn_text_is(whole, "beginning")) {
        place.kind = TARN_PLACE_BEGINNING;
    } else if (tarn_text_is(whole, "end")) {
        place.kind = TARN_PLACE_END;
    } else if (tarn_text_to_int64(whole, &number)) {
        place.kind = text[0] == '-' ? TARN_PLACE_BEFORE_END : TARN_PLACE_OFFSET;
        place.value = number < 0 ? -number : number;
    } else if (tarn_time_parse(whole, &number)) {
        place.kind = TARN_PLACE_TIME;
        place.value = (number + 999) / 1000; /* nothing older than the microsecond asked for */
    } else {
        return tarn_fail(err, TARN_USAGE,
                         "--%s takes beginning, end, an offset, -N (records before the end) or a "
                         "time such as 2026-03-01T12:30, not '%s'",
                         option, text);
    }
    *ret_place = place;
    return TARN_OK;
}

enum tarn_status tarn_topic_place_find(struct tarn_topics *topics, const char *topic,
                                       int32_t partition, const struct tarn_topic_place *place,
                                       int64_t *ret_offset, struct tarn_error *err)
{
    int64_t start, end, offset = 0;
    TARN_TRY(tarn_topic_watermarks(topics, topic, partition, &start, &end, err));
    switch (place->kind) {
    case TARN_PLACE_BEGINNING:
        offset = start;
        break;
    case TARN_PLACE_END:
        offset = end;
        break;
    case TARN_PLACE_OFFSET:
        offset = place->value;
        break;
    case TARN_PLACE_TIME:
        TARN_TRY(tarn_topic_offset_at(topics, topic, partition, place->value, &offset, err));
        break;
    case TARN_PLACE_BEFORE_END:
        offset = place->value < end ? end - place->value : 0;
        break;
    }
    *ret_offset = offset < start ? start : offset > end ? end : offset;
    return TARN_OK;
}

char *tarn_topic_time_text(int64_t time_ms, char out[40])
{
    int64_t day_ms = 86400000, days = time_ms / day_ms, rest = time_ms % day_ms;
    if (rest < 0) {
        rest += day_ms;
        days--;
    }
    tarn_date_format(days, out);
    size_t len = strlen(out);
    snprintf(out + len, 40 - len, " %02d:%02d:%02d.%03d", (int)(rest / 3600000),
             (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
    return out;
}

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

void tarn_topic_catch_interrupt(void)
{
    /* the second one ends the process as usual */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool tarn_topic_is_interrupted(void)
{
    return is_interrupted != 0;
}
