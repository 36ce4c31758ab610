/* cli/topics.c -- `tarn topics`: what topics there are, and making, changing and deleting them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/topic_access.h"

static const char help[] =
    "Usage: tarn topics [list] [options]\n"
    "       tarn topics describe TOPIC\n"
    "       tarn topics create TOPIC [--partitions N] [--replicas N] [--config NAME=VALUE ...]\n"
    "       tarn topics alter TOPIC [--partitions N] [--config NAME=VALUE ...] [--unset NAME ...]\n"
    "       tarn topics trim TOPIC --partition N --before OFFSET|end\n"
    "       tarn topics delete TOPIC ...\n"
    "\n"
    "Works on the embedded broker and on any Kafka cluster.\n"
    "\n"
    "  --partitions N      how many (alter: how many there are to be in all)\n"
    "  --replicas N        how many copies (default: the broker's)\n"
    "  --config N=V ...    e.g. cleanup.policy=compact retention.ms=86400000\n"
    "  --unset NAME ...    back to the broker's default\n"
    "  --before OFFSET     deletes the records before it\n"
    "  --all               list and describe: internal topics and default configs, too\n"
    "\n" TARN_TOPIC_ACCESS_HELP TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn topics create orders --partitions 4 --config retention.ms=604800000\n"
    "  tarn topics describe orders --json\n";

struct arguments {
    struct tarn_common common;
    struct tarn_topic_access access;
    int64_t partitions, replicas, partition;
    const char *before;
    struct tarn_strings configs, unset, words;
    bool all;
    struct tarn_arena *arena;
};

enum { JSON_BYTES_MAX = 1 << 28 };

/* ---- printing ---- */

static void put_partitions(struct tarn_json_writer *w, const struct tarn_topic_info *topic)
{
    tarn_json_key(w, "partitions");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < topic->partition_count; i++) {
        const struct tarn_topic_partition_info *partition = &topic->partitions[i];
        tarn_json_object_begin(w);
        tarn_json_put_int(w, "partition", partition->partition);
        tarn_json_put_int(w, "leader", partition->leader);
        tarn_json_put_int(w, "replicas", partition->replica_count);
        tarn_json_put_int(w, "in_sync", partition->in_sync_count);
        tarn_json_put_int(w, "start", partition->start_offset);
        tarn_json_put_int(w, "end", partition->end_offset);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
}

static void put_configs(struct tarn_json_writer *w, const struct tarn_topic_info *topic, bool all)
{
    tarn_json_key(w, "configs");
    tarn_json_object_begin(w);
    for (size_t i = 0; i < topic->config_count; i++)
        if (all || !topic->configs[i].is_default)
            tarn_json_put_str(w, topic->configs[i].name, topic->configs[i].value);
    tarn_json_object_end(w);
}

static void print_topic_json(const struct tarn_topic_info *topic, bool all)
{
    TARN_BUFFER(out, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "topic", topic->name);
    if (topic->id[0])
        tarn_json_put_str(&w, "id", topic->id);
    tarn_json_put_bool(&w, "internal", topic->is_internal);
    put_partitions(&w, topic);
    put_configs(&w, topic, all);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static void print_partitions(const struct tarn_topic_info *topic, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    static const char *const names[] = {"partition", "first offset", "next offset", "records",
                                        "leader",    "replicas",     "in sync"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], true);
    for (size_t i = 0; i < topic->partition_count; i++) {
        const struct tarn_topic_partition_info *partition = &topic->partitions[i];
        tarn_table_cell_int(table, partition->partition);
        tarn_table_cell_int(table, partition->start_offset);
        tarn_table_cell_int(table, partition->end_offset);
        tarn_table_cell_int(table, partition->end_offset - partition->start_offset);
        tarn_table_cell_int(table, partition->leader);
        tarn_table_cell_int(table, partition->replica_count);
        tarn_table_cell_int(table, partition->in_sync_count);
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static void print_configs(const struct tarn_topic_info *topic, bool all, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    tarn_table_column(table, "config", false);
    tarn_table_column(table, "value", false);
    tarn_table_column(table, "set on", false);
    for (size_t i = 0; i < topic->config_count; i++) {
        const struct tarn_topic_config_entry *config = &topic->configs[i];
        if (!all && config->is_default)
            continue;
        tarn_table_cell(table, config->name);
        tarn_table_cell(table, config->value);
        tarn_table_cell(table, config->source);
    }
    if (tarn_table_rows(table) == 0) {
        puts("All configs are the broker's defaults (--all shows them).");
        return;
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

/* ---- the verbs ---- */

static void print_list(const struct arguments *a, const struct tarn_topic_info *list, size_t count)
{
    struct tarn_table *table = tarn_table_new(a->arena);
    tarn_table_column(table, "topic", false);
    tarn_table_column(table, "partitions", true);
    for (size_t i = 0; i < count; i++) {
        if (list[i].is_internal && !a->all)
            continue;
        tarn_table_cell(table, list[i].name);
        tarn_table_cell_int(table, (int64_t)list[i].partition_count);
    }
    if (tarn_table_rows(table) == 0)
        puts("There are no topics yet; `tarn topics create NAME` makes one.");
    else
        tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static enum tarn_status list_topics(struct tarn_topics *topics, const struct arguments *a,
                                    struct tarn_error *err)
{
    struct tarn_topic_info *list;
    size_t count;
    TARN_TRY(tarn_topic_list(topics, a->arena, &list, &count, err));
    if (!a->common.json) {
        print_list(a, list, count);
        return TARN_OK;
    }
    TARN_BUFFER(out, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        if (list[i].is_internal && !a->all)
            continue;
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "topic", list[i].name);
        tarn_json_put_int(&w, "partitions", (int64_t)list[i].partition_count);
        tarn_json_put_bool(&w, "internal", list[i].is_internal);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    puts(tarn_buffer_str(&out));
    return TARN_OK;
}

static enum tarn_status describe_topic(struct tarn_topics *topics, const struct arguments *a,
                                       struct tarn_error *err)
{
    struct tarn_topic_info topic;
    TARN_TRY(tarn_topic_describe(topics, a->words.items[1], a->arena, &topic, err));
    if (a->common.json) {
        print_topic_json(&topic, a->all);
        return TARN_OK;
    }
    print_partitions(&topic, a->arena);
    putchar('\n');
    print_configs(&topic, a->all, a->arena);
    return TARN_OK;
}

static enum tarn_status read_configs(const struct arguments *a,
                                     struct tarn_topic_config_entry **ret_configs,
                                     size_t *ret_count, struct tarn_error *err)
{
    size_t count = 0;
    struct tarn_topic_config_entry *configs =
        tarn_arena_array(a->arena, a->configs.count + a->unset.count + 1, sizeof *configs);
    for (size_t i = 0; i < a->configs.count; i++, count++)
        TARN_TRY(tarn_topic_split_pair(a->configs.items[i], "config", a->arena,
                                       &configs[count].name, &configs[count].value, err));
    for (size_t i = 0; i < a->unset.count; i++)
        configs[count++].name = a->unset.items[i];
    *ret_configs = configs;
    *ret_count = count;
    return TARN_OK;
}

static enum tarn_status create_topic(struct tarn_topics *topics, const struct arguments *a,
                                     struct tarn_error *err)
{
    struct tarn_topic_config_entry *configs;
    size_t count;
    TARN_TRY(read_configs(a, &configs, &count, err));
    return tarn_topic_create(topics, a->words.items[1], (int32_t)a->partitions,
                             (int16_t)a->replicas, configs, count, err);
}

static enum tarn_status alter_topic(struct tarn_topics *topics, const struct arguments *a,
                                    struct tarn_error *err)
{
    struct tarn_topic_config_entry *configs;
    size_t count;
    TARN_TRY(read_configs(a, &configs, &count, err));
    if (a->partitions < 0 && count == 0)
        return tarn_fail(err, TARN_USAGE,
                         "nothing to change: give --partitions, --config or --unset");
    if (a->partitions >= 0)
        TARN_TRY(tarn_topic_add_partitions(topics, a->words.items[1], (int32_t)a->partitions, err));
    if (count > 0)
        TARN_TRY(tarn_topic_alter(topics, a->words.items[1], configs, count, err));
    return TARN_OK;
}

static enum tarn_status trim_topic(struct tarn_topics *topics, const struct arguments *a,
                                   struct tarn_error *err)
{
    struct tarn_topic_place place;
    int64_t offset;
    if (a->partition < 0 || !a->before)
        return tarn_fail(err, TARN_USAGE, "trim takes --partition N and --before OFFSET");
    TARN_TRY(tarn_topic_place_parse(a->before, "before", &place, err));
    TARN_TRY(tarn_topic_place_find(topics, a->words.items[1], (int32_t)a->partition, &place,
                                   &offset, err));
    return tarn_topic_delete_records(topics, a->words.items[1], (int32_t)a->partition, offset, err);
}

static enum tarn_status delete_topics(struct tarn_topics *topics, const struct arguments *a,
                                      struct tarn_error *err)
{
    for (size_t i = 1; i < a->words.count; i++)
        TARN_TRY(tarn_topic_delete(topics, a->words.items[i], err));
    return TARN_OK;
}

static const struct verb {
    const char *name;
    size_t words_min, words_max;
    enum tarn_status (*run)(struct tarn_topics *topics, const struct arguments *a,
                            struct tarn_error *err);
    const char *done;
} verbs[] = {
    {"list", 1, 1, list_topics, NULL},         {"describe", 2, 2, describe_topic, NULL},
    {"create", 2, 2, create_topic, "created"}, {"alter", 2, 2, alter_topic, "changed"},
    {"trim", 2, 2, trim_topic, "trimmed"},     {"delete", 2, SIZE_MAX, delete_topics, "deleted"},
};

static enum tarn_status find_verb(const struct arguments *a, const struct verb **ret_verb,
                                  struct tarn_error *err)
{
    const char *names[TARN_COUNT(verbs)];
    const char *wanted = a->words.count ? a->words.items[0] : "list";
    for (size_t i = 0; i < TARN_COUNT(verbs); i++) {
        names[i] = verbs[i].name;
        if (strcmp(wanted, verbs[i].name) != 0)
            continue;
        size_t count = a->words.count ? a->words.count : 1;
        if (count < verbs[i].words_min || count > verbs[i].words_max)
            return tarn_fail(err, TARN_USAGE, "`tarn topics %s` takes %s", wanted,
                             verbs[i].words_max == 1 ? "no topic" : "the name of a topic");
        *ret_verb = &verbs[i];
        return TARN_OK;
    }
    const char *nearest = tarn_text_nearest(wanted, names, TARN_COUNT(verbs));
    return tarn_fail(err, TARN_USAGE,
                     "there is no `tarn topics %s`; it is list, describe, create, alter, trim or "
                     "delete%s%s%s",
                     wanted, nearest ? " (did you mean " : "", nearest ? nearest : "",
                     nearest ? "?)" : "");
}

static enum tarn_status work(const struct arguments *a, struct tarn_error *err)
{
    const struct verb *verb;
    struct tarn_topics *topics;
    struct tarn_topic_access access = a->access;
    TARN_TRY(find_verb(a, &verb, err));
    access.only_reads = !verb->done;
    TARN_TRY(tarn_topic_access_open(&a->common, &access, &topics, err));
    enum tarn_status status = verb->run(topics, a, err);
    tarn_topics_close(topics);
    if (status == TARN_OK && verb->done && !a->common.quiet && !a->common.json)
        for (size_t i = 1; i < a->words.count; i++)
            printf("%s %s\n", verb->done, a->words.items[i]);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments a = {.partitions = -1, .replicas = -1, .partition = -1};
    const struct tarn_option options[] = {
        TARN_TOPIC_ACCESS_OPTIONS(&a.access),
        {"partitions", 'p', TARN_OPTION_INT, &a.partitions},
        {"replicas", 0, TARN_OPTION_INT, &a.replicas},
        {"partition", 0, TARN_OPTION_INT, &a.partition},
        {"before", 0, TARN_OPTION_STR, &a.before},
        {"config", 'c', TARN_OPTION_LIST, &a.configs},
        {"unset", 0, TARN_OPTION_LIST, &a.unset},
        {"all", 'a', TARN_OPTION_FLAG, &a.all},
    };
    a.arena = tarn_arena_new();
    enum tarn_status status =
        tarn_options_parse(argc, argv, &a.common, options, TARN_COUNT(options), &a.words, err);
    if (status == TARN_OK)
        status = work(&a, err);
    tarn_topic_access_release(&a.access);
    tarn_strings_release(&a.configs);
    tarn_strings_release(&a.unset);
    tarn_strings_release(&a.words);
    tarn_arena_free(a.arena);
    return status;
}

const struct tarn_command tarn_command_topics = {
    .name = "topics",
    .summary = "list, create, describe, change and delete topics",
    .help = help,
    .run = run,
};
