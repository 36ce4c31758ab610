/* cli/groups.c -- `tarn groups`: who reads what, how far behind it is, and putting it elsewhere. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/topic_access.h"

static const char help[] =
    "Usage: tarn groups [list] [options]\n"
    "       tarn groups describe GROUP\n"
    "       tarn groups reset GROUP --topic TOPIC [...] --to PLACE | --shift N [--partition N]\n"
    "       tarn groups delete GROUP ...\n"
    "\n"
    "Consumer groups: their members, committed offsets and lag.\n"
    "\n"
    "  --topic TOPIC ...   whose offsets are reset (default: all that the group has committed)\n"
    "  --partition N       only of this partition\n"
    "  --to PLACE          beginning, end, an offset, -N (records before the end) or a time\n"
    "  --shift N           N records further, or back with -N\n"
    "  --dry-run           shows what a reset would do\n"
    "\n"
    "A group is reset and deleted while nobody reads as it.\n"
    "\n" TARN_TOPIC_ACCESS_HELP TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn groups describe billing\n"
    "  tarn groups reset billing --topic orders --to 2026-03-01T00:00\n"
    "  tarn groups reset billing --shift -100 --dry-run\n";

struct arguments {
    struct tarn_common common;
    struct tarn_topic_access access;
    struct tarn_strings topics, words;
    int64_t partition, shift;
    const char *to;
    bool dry_run;
    struct tarn_arena *arena;
};

enum { JSON_BYTES_MAX = 1 << 28 };

/* ---- list and describe ---- */

static enum tarn_status list_groups(struct tarn_topics *topics, const struct arguments *a,
                                    struct tarn_error *err)
{
    struct tarn_topic_group *groups;
    size_t count;
    TARN_TRY(tarn_topic_group_list(topics, a->arena, &groups, &count, err));
    if (a->common.json) {
        TARN_BUFFER(out, JSON_BYTES_MAX);
        struct tarn_json_writer w = tarn_json_writer(&out, 2);
        tarn_json_array_begin(&w);
        for (size_t i = 0; i < count; i++) {
            tarn_json_object_begin(&w);
            tarn_json_put_str(&w, "group", groups[i].name);
            tarn_json_put_str(&w, "state", groups[i].state);
            tarn_json_put_str(&w, "protocol", groups[i].protocol_type);
            tarn_json_object_end(&w);
        }
        tarn_json_array_end(&w);
        puts(tarn_buffer_str(&out));
        return TARN_OK;
    }
    if (count == 0) {
        puts("There are no groups yet; a consumer makes one by reading as it.");
        return TARN_OK;
    }
    struct tarn_table *table = tarn_table_new(a->arena);
    tarn_table_column(table, "group", false);
    tarn_table_column(table, "state", false);
    for (size_t i = 0; i < count; i++) {
        tarn_table_cell(table, groups[i].name);
        tarn_table_cell(table, groups[i].state);
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
    return TARN_OK;
}

static void put_number(struct tarn_json_writer *w, const char *key, int64_t value)
{
    tarn_json_key(w, key);
    if (value < 0)
        tarn_json_null(w);
    else
        tarn_json_int(w, value);
}

static void print_group_json(const struct tarn_topic_group_info *info)
{
    TARN_BUFFER(out, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "group", info->group.name);
    tarn_json_put_str(&w, "state", info->group.state);
    tarn_json_put_str(&w, "assignor", info->assignor);
    tarn_json_key(&w, "members");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < info->member_count; i++) {
        const struct tarn_topic_group_member *member = &info->members[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "member", member->member_id);
        tarn_json_put_str(&w, "instance", member->instance_id);
        tarn_json_put_str(&w, "client", member->client_id);
        tarn_json_put_str(&w, "host", member->host);
        tarn_json_put_int(&w, "partitions", (int64_t)member->assigned_count);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_key(&w, "offsets");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < info->offset_count; i++) {
        const struct tarn_topic_group_offset *row = &info->offsets[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "topic", row->topic);
        tarn_json_put_int(&w, "partition", row->partition);
        put_number(&w, "committed", row->committed);
        put_number(&w, "end", row->end_offset);
        put_number(&w, "lag", row->lag);
        tarn_json_put_str(&w, "member", row->member_id);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static void cell_number(struct tarn_table *table, int64_t value)
{
    if (value < 0)
        tarn_table_cell(table, "-");
    else
        tarn_table_cell_int(table, value);
}

static void print_offsets(const struct tarn_topic_group_info *info, struct tarn_arena *arena)
{
    struct tarn_table *table = tarn_table_new(arena);
    static const char *const names[] = {"topic", "partition", "committed", "end", "lag", "member"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], i > 0 && i < 5);
    int64_t lag = 0;
    for (size_t i = 0; i < info->offset_count; i++) {
        const struct tarn_topic_group_offset *row = &info->offsets[i];
        tarn_table_cell(table, row->topic);
        tarn_table_cell_int(table, row->partition);
        cell_number(table, row->committed);
        cell_number(table, row->end_offset);
        cell_number(table, row->lag);
        tarn_table_cell(table, row->member_id ? row->member_id : "");
        lag += row->lag > 0 ? row->lag : 0;
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
    printf("behind by %" PRId64 " records in all\n", lag);
}

static enum tarn_status describe_group(struct tarn_topics *topics, const struct arguments *a,
                                       struct tarn_error *err)
{
    struct tarn_topic_group_info info;
    TARN_TRY(tarn_topic_group_describe(topics, a->words.items[1], a->arena, &info, err));
    if (a->common.json) {
        print_group_json(&info);
        return TARN_OK;
    }
    printf("%s: %s, %zu member%s%s%s\n", info.group.name, info.group.state, info.member_count,
           info.member_count == 1 ? "" : "s", *info.assignor ? ", " : "", info.assignor);
    for (size_t i = 0; i < info.member_count; i++)
        printf("  %s (client %s, from %s): %zu partitions\n", info.members[i].member_id,
               info.members[i].client_id, info.members[i].host, info.members[i].assigned_count);
    if (info.offset_count == 0)
        puts("It has not committed any offsets.");
    else
        print_offsets(&info, a->arena);
    return TARN_OK;
}

/* ---- reset ---- */

struct reset {
    struct tarn_topics *topics;
    const struct arguments *a;
    const struct tarn_topic_place *place; /* NULL: shift */
    struct tarn_topic_group_info info;
    struct tarn_topic_offset *targets;
    size_t count, cap;
};

static int64_t committed_offset(const struct reset *reset, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < reset->info.offset_count; i++)
        if (reset->info.offsets[i].partition == partition &&
            strcmp(reset->info.offsets[i].topic, topic) == 0)
            return reset->info.offsets[i].committed;
    return TARN_OFFSET_NONE;
}

static enum tarn_status add_target(struct reset *reset, const char *topic, int32_t partition,
                                   struct tarn_error *err)
{
    if (reset->a->partition >= 0 && partition != reset->a->partition)
        return TARN_OK;
    struct tarn_topic_place shifted = {.kind = TARN_PLACE_OFFSET};
    const struct tarn_topic_place *place = reset->place;
    if (!place) {
        int64_t committed = committed_offset(reset, topic, partition);
        if (committed < 0)
            return TARN_OK; /* nothing to shift from */
        shifted.value = committed + reset->a->shift;
        place = &shifted;
    }
    int64_t offset;
    TARN_TRY(tarn_topic_place_find(reset->topics, topic, partition, place, &offset, err));
    TARN_RESERVE(reset->targets, reset->cap, reset->count + 1);
    reset->targets[reset->count++] =
        (struct tarn_topic_offset){.topic = topic, .partition = partition, .offset = offset};
    return TARN_OK;
}

static enum tarn_status add_topic(struct reset *reset, const char *topic, struct tarn_error *err)
{
    struct tarn_topic_info info;
    TARN_TRY(tarn_topic_find(reset->topics, topic, reset->a->arena, &info, err));
    for (size_t i = 0; i < info.partition_count; i++)
        TARN_TRY(add_target(reset, topic, info.partitions[i].partition, err));
    return TARN_OK;
}

static enum tarn_status find_targets(struct reset *reset, struct tarn_error *err)
{
    const struct arguments *a = reset->a;
    enum tarn_status status =
        tarn_topic_group_describe(reset->topics, a->words.items[1], a->arena, &reset->info, err);
    if (status != TARN_OK && (status != TARN_NOT_FOUND || a->topics.count == 0))
        return status; /* a group that is not there yet can be placed on named topics */
    for (size_t i = 0; i < a->topics.count; i++)
        TARN_TRY(add_topic(reset, a->topics.items[i], err));
    for (size_t i = 0; a->topics.count == 0 && i < reset->info.offset_count; i++)
        TARN_TRY(
            add_target(reset, reset->info.offsets[i].topic, reset->info.offsets[i].partition, err));
    if (reset->count == 0)
        return tarn_fail(err, TARN_USAGE,
                         "group '%s' has no such offsets to reset; name topics with --topic",
                         a->words.items[1]);
    return TARN_OK;
}

static void print_reset_json(const struct reset *reset)
{
    TARN_BUFFER(out, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&out, 2);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < reset->count; i++) {
        const struct tarn_topic_offset *target = &reset->targets[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "topic", target->topic);
        tarn_json_put_int(&w, "partition", target->partition);
        put_number(&w, "from", committed_offset(reset, target->topic, target->partition));
        tarn_json_put_int(&w, "to", target->offset);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    puts(tarn_buffer_str(&out));
}

static void print_reset(const struct reset *reset)
{
    struct tarn_table *table = tarn_table_new(reset->a->arena);
    static const char *const names[] = {"topic", "partition", "from", "to"};
    for (size_t i = 0; i < TARN_COUNT(names); i++)
        tarn_table_column(table, names[i], i > 0);
    for (size_t i = 0; i < reset->count; i++) {
        const struct tarn_topic_offset *target = &reset->targets[i];
        tarn_table_cell(table, target->topic);
        tarn_table_cell_int(table, target->partition);
        cell_number(table, committed_offset(reset, target->topic, target->partition));
        tarn_table_cell_int(table, target->offset);
    }
    tarn_table_write(table, TARN_PRINT_TABLE, 0, stdout);
}

static enum tarn_status reset_group(struct tarn_topics *topics, const struct arguments *a,
                                    struct tarn_error *err)
{
    struct reset reset = {.topics = topics, .a = a};
    struct tarn_topic_place place;
    if (!a->to == !a->shift)
        return tarn_fail(err, TARN_USAGE, "reset takes either --to PLACE or --shift N");
    if (a->to) {
        TARN_TRY(tarn_topic_place_parse(a->to, "to", &place, err));
        reset.place = &place;
    }
    enum tarn_status status = find_targets(&reset, err);
    if (status == TARN_OK && !a->dry_run)
        status = tarn_topic_group_reset(topics, a->words.items[1], reset.targets, reset.count, err);
    if (status == TARN_OK)
        (a->common.json ? print_reset_json : print_reset)(&reset);
    free(reset.targets);
    return status;
}

static enum tarn_status delete_groups(struct tarn_topics *topics, const struct arguments *a,
                                      struct tarn_error *err)
{
    for (size_t i = 1; i < a->words.count; i++) {
        TARN_TRY(tarn_topic_group_delete(topics, a->words.items[i], err));
        if (!a->common.quiet && !a->common.json)
            printf("deleted %s\n", a->words.items[i]);
    }
    return TARN_OK;
}

static const struct verb {
    const char *name;
    size_t words_min, words_max;
    enum tarn_status (*run)(struct tarn_topics *topics, const struct arguments *a,
                            struct tarn_error *err);
} verbs[] = {
    {"list", 1, 1, list_groups},
    {"describe", 2, 2, describe_group},
    {"reset", 2, 2, reset_group},
    {"delete", 2, SIZE_MAX, delete_groups},
};

static enum tarn_status work(const struct arguments *a, struct tarn_error *err)
{
    const char *wanted = a->words.count ? a->words.items[0] : "list";
    const struct verb *verb = NULL;
    for (size_t i = 0; i < TARN_COUNT(verbs); i++)
        if (strcmp(wanted, verbs[i].name) == 0)
            verb = &verbs[i];
    if (!verb)
        return tarn_fail(err, TARN_USAGE,
                         "there is no `tarn groups %s`; it is list, describe, reset or delete",
                         wanted);
    size_t count = a->words.count ? a->words.count : 1;
    if (count < verb->words_min || count > verb->words_max)
        return tarn_fail(err, TARN_USAGE, "`tarn groups %s` takes %s", wanted,
                         verb->words_max == 1 ? "no group" : "the name of a group");
    struct tarn_topics *topics;
    struct tarn_topic_access access = a->access;
    access.only_reads = verb->run == list_groups || verb->run == describe_group;
    TARN_TRY(tarn_topic_access_open(&a->common, &access, &topics, err));
    enum tarn_status status = verb->run(topics, a, err);
    tarn_topics_close(topics);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments a = {.partition = -1};
    const struct tarn_option options[] = {
        TARN_TOPIC_ACCESS_OPTIONS(&a.access),
        {"topic", 0, TARN_OPTION_LIST, &a.topics},
        {"partition", 'p', TARN_OPTION_INT, &a.partition},
        {"to", 0, TARN_OPTION_STR, &a.to},
        {"shift", 0, TARN_OPTION_INT, &a.shift},
        {"dry-run", 0, TARN_OPTION_FLAG, &a.dry_run},
    };
    a.arena = tarn_arena_new();
    enum tarn_status status =
        tarn_options_parse(argc, argv, &a.common, options, TARN_COUNT(options), &a.words, err);
    if (status == TARN_OK)
        status = work(&a, err);
    tarn_topic_access_release(&a.access);
    tarn_strings_release(&a.topics);
    tarn_strings_release(&a.words);
    tarn_arena_free(a.arena);
    return status;
}

const struct tarn_command tarn_command_groups = {
    .name = "groups",
    .summary = "consumer groups: list, describe with lag, reset, delete",
    .help = help,
    .run = run,
};
