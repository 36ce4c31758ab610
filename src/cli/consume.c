/* cli/consume.c -- `tarn consume`: prints the records of a topic. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/topic_access.h"
#include "cli/topic_filter.h"
#include "cli/topic_print.h"

static const char help[] =
    "Usage: tarn consume TOPIC [options]\n"
    "\n"
    "Prints the records of a topic, one a line, up to its present end; with --follow also those "
    "to\n"
    "come.\n"
    "\n"
    "  --from PLACE        beginning (default), end, an offset, -N (records before the end) or a\n"
    "                      time (UTC, 2026-03-01T12:30)\n"
    "  --until PLACE       the same; stops before it (default: end)\n"
    "  -f, --follow        goes on until Ctrl-C\n"
    "  -p, --partition N   only this one\n"
    "  -g, --group NAME    reads as a member of this group and commits what was printed; --from\n"
    "                      only counts where the group has not committed anything\n"
    "  --format FORMAT     raw (default): the value; json: one object for each record; hex; avro:\n"
    "                      json with what a registered schema encoded decoded\n"
    "  -K, --key-separator SEP   raw: the key and SEP before the value\n"
    "  --where PREDICATE   only records for which this SQL is true; columns topic, partition,\n"
    "                      \"offset\", timestamp, key, value (JSON: value.field), value_text, "
    "headers\n"
    "  -n, --limit N       at most this many\n"
    "  --uncommitted       also records of transactions that are open or were aborted\n"
    "\n" TARN_TOPIC_ACCESS_HELP TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn consume orders --from -10 --json\n"
    "  tarn consume orders --follow --where \"value.amount > 100 AND (value->>'status') = "
    "'paid'\"\n";

enum { BATCH_RECORDS = 10000, WAIT_MS = 200, OUT_BYTES_MAX = 512 << 20, PARTITIONS_MAX = 10000 };

struct arguments {
    struct tarn_common common;
    struct tarn_topic_access access;
    struct tarn_strings words;
    const char *from, *until, *group, *format, *key_separator, *where;
    int64_t partition, limit;
    bool follow, uncommitted;
};

/* What it reads: up to `until` of each partition. */
struct range {
    int32_t partition;
    int64_t from, until;
    bool is_done;
};

struct consumer {
    const struct arguments *a;
    const char *topic;
    struct tarn_topics *topics;
    struct tarn_topic_reader *reader;
    struct tarn_topic_decoder *decoder;
    struct tarn_topic_filter *filter;
    enum tarn_topic_format format;
    struct tarn_topic_place from, until;
    struct tarn_arena *arena;
    struct range *ranges; /* by order of partitions */
    size_t range_count;
    int64_t printed;
};

/* ---- what to read ---- */

static enum tarn_status find_ranges(struct consumer *c, struct tarn_error *err)
{
    struct tarn_topic_info info;
    TARN_TRY(tarn_topic_find(c->topics, c->topic, c->arena, &info, err));
    c->ranges = tarn_arena_array(c->arena, info.partition_count + 1, sizeof *c->ranges);
    for (size_t i = 0; i < info.partition_count; i++) {
        struct range *range = &c->ranges[c->range_count];
        range->partition = info.partitions[i].partition;
        if (c->a->partition >= 0 && range->partition != c->a->partition)
            continue;
        TARN_TRY(tarn_topic_place_find(c->topics, c->topic, range->partition, &c->from,
                                       &range->from, err));
        range->until = INT64_MAX;
        if (!c->a->follow || c->a->until)
            TARN_TRY(tarn_topic_place_find(c->topics, c->topic, range->partition, &c->until,
                                           &range->until, err));
        /* an offset further on than the end is waited for */
        if (c->a->until && c->until.kind == TARN_PLACE_OFFSET)
            range->until = c->until.value;
        range->is_done = range->from >= range->until;
        c->range_count++;
    }
    if (c->range_count == 0)
        return tarn_fail(err, TARN_NOT_FOUND, "topic '%s' has no partition %d (it has %zu)",
                         c->topic, (int)c->a->partition, info.partition_count);
    return TARN_OK;
}

static enum tarn_status open_reader(struct consumer *c, struct tarn_error *err)
{
    struct tarn_topic_reader_options options = {
        .group = c->a->group,
        .reads_uncommitted = c->a->uncommitted,
        .reset = c->from.kind == TARN_PLACE_END ? TARN_RESET_LATEST : TARN_RESET_EARLIEST,
    };
    TARN_TRY(tarn_topic_reader_open(c->topics, &options, &c->reader, err));
    if (c->a->group)
        return tarn_topic_reader_subscribe(c->reader, &c->topic, 1, err);
    struct tarn_topic_offset *starts = tarn_arena_array(c->arena, c->range_count, sizeof *starts);
    size_t count = 0;
    for (size_t i = 0; i < c->range_count; i++)
        if (!c->ranges[i].is_done)
            starts[count++] = (struct tarn_topic_offset){.topic = c->topic,
                                                         .partition = c->ranges[i].partition,
                                                         .offset = c->ranges[i].from};
    return tarn_topic_reader_assign(c->reader, starts, count, err);
}

static struct range *find_range(struct consumer *c, int32_t partition)
{
    for (size_t i = 0; i < c->range_count; i++)
        if (c->ranges[i].partition == partition)
            return &c->ranges[i];
    return NULL;
}

/* ---- reading ---- */

static enum tarn_status print_kept(struct consumer *c, const struct tarn_topic_records *records,
                                   const bool *keep, struct tarn_error *err)
{
    TARN_BUFFER(out, OUT_BYTES_MAX);
    for (size_t i = 0; i < records->count; i++) {
        const struct tarn_topic_record *record = &records->items[i];
        const struct range *range = find_range(c, record->partition);
        bool is_in = !range || record->offset < range->until;
        if (!is_in || (keep && !keep[i]) || (c->a->limit >= 0 && c->printed == c->a->limit))
            continue;
        TARN_TRY(tarn_topic_print(record, c->format, c->a->key_separator, c->decoder, &out, err));
        c->printed++;
    }
    if (fwrite(tarn_buffer_str(&out), 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        return tarn_fail_errno(err, "writing to standard output");
    return TARN_OK;
}

static enum tarn_status handle(struct consumer *c, const struct tarn_topic_records *records,
                               struct tarn_error *err)
{
    if (records->count == 0)
        return TARN_OK;
    TARN_AUTO_FREE bool *keep = NULL;
    if (c->filter) {
        keep = tarn_alloc_array(records->count, sizeof *keep);
        TARN_TRY(tarn_topic_filter_run(c->filter, records, keep, err));
    }
    TARN_TRY(print_kept(c, records, keep, err));
    return c->a->group ? tarn_topic_reader_commit(c->reader, NULL, 0, err) : TARN_OK;
}

/* Whether all partitions have been read as far as asked; those of a group as far as it has them. */
static enum tarn_status check_done(struct consumer *c, bool *ret_done, struct tarn_error *err)
{
    struct tarn_topic_offset *positions;
    size_t count, done = 0;
    *ret_done = c->a->limit >= 0 && c->printed == c->a->limit;
    if (*ret_done || (c->a->follow && !c->a->until))
        return TARN_OK;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_TRY(tarn_topic_reader_assignment(c->reader, arena, &positions, &count, err));
    for (size_t i = 0; i < count; i++) {
        const struct range *range = find_range(c, positions[i].partition);
        int64_t position = positions[i].offset;
        if (c->a->group && position < 0) { /* nothing read here yet: it may stand at the end */
            TARN_TRY(tarn_topic_reader_committed(c->reader, arena, &positions[i], 1, err));
            position = positions[i].offset;
        }
        done += range && (range->is_done || position >= range->until);
    }
    *ret_done = done == count && (count > 0 || !c->a->group);
    return TARN_OK;
}

static enum tarn_status read_all(struct consumer *c, struct tarn_error *err)
{
    bool is_done = false;
    TARN_TRY(check_done(c, &is_done, err));
    while (!is_done && !tarn_topic_is_interrupted()) {
        struct tarn_topic_records records;
        TARN_TRY(tarn_topic_reader_poll(c->reader, BATCH_RECORDS, WAIT_MS, &records, err));
        TARN_TRY(handle(c, &records, err));
        TARN_TRY(check_done(c, &is_done, err));
    }
    return TARN_OK;
}

static enum tarn_status consume(struct consumer *c, struct tarn_error *err)
{
    const struct arguments *a = c->a;
    if (c->format == TARN_TOPIC_AVRO)
        TARN_TRY(tarn_topic_decoder_open(c->topics, &c->decoder, err));
    if (a->where)
        TARN_TRY(tarn_topic_filter_open(a->where, c->decoder, &c->filter, err));
    TARN_TRY(find_ranges(c, err));
    TARN_TRY(open_reader(c, err));
    tarn_topic_catch_interrupt();
    return read_all(c, err);
}

static enum tarn_status prepare(struct consumer *c, struct tarn_error *err)
{
    const struct arguments *a = c->a;
    c->until.kind = TARN_PLACE_END;
    if (a->words.count != 1)
        return tarn_fail(err, TARN_USAGE, "`tarn consume` takes the name of one topic");
    if (a->group && a->partition >= 0)
        return tarn_fail(err, TARN_USAGE,
                         "the group decides who reads which partition: leave --partition out");
    c->topic = a->words.items[0];
    c->format = a->common.json ? TARN_TOPIC_JSON : TARN_TOPIC_RAW;
    TARN_TRY(tarn_topic_format_parse(a->format, &c->format, err));
    if (a->from)
        TARN_TRY(tarn_topic_place_parse(a->from, "from", &c->from, err));
    if (a->until)
        TARN_TRY(tarn_topic_place_parse(a->until, "until", &c->until, err));
    struct tarn_topic_access access = a->access;
    access.only_reads = !a->group;
    return tarn_topic_access_open(&a->common, &access, &c->topics, err);
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments a = {.partition = -1, .limit = -1};
    const struct tarn_option options[] = {
        TARN_TOPIC_ACCESS_OPTIONS(&a.access),
        {"from", 0, TARN_OPTION_STR, &a.from},
        {"until", 0, TARN_OPTION_STR, &a.until},
        {"follow", 'f', TARN_OPTION_FLAG, &a.follow},
        {"partition", 'p', TARN_OPTION_INT, &a.partition},
        {"group", 'g', TARN_OPTION_STR, &a.group},
        {"format", 0, TARN_OPTION_STR, &a.format},
        {"key-separator", 'K', TARN_OPTION_STR, &a.key_separator},
        {"where", 0, TARN_OPTION_STR, &a.where},
        {"limit", 'n', TARN_OPTION_INT, &a.limit},
        {"uncommitted", 0, TARN_OPTION_FLAG, &a.uncommitted},
    };
    struct consumer c = {.a = &a, .arena = tarn_arena_new()};
    enum tarn_status status =
        tarn_options_parse(argc, argv, &a.common, options, TARN_COUNT(options), &a.words, err);
    if (status == TARN_OK)
        status = prepare(&c, err);
    if (status == TARN_OK)
        status = consume(&c, err);
    tarn_topic_reader_close(c.reader);
    tarn_topic_filter_close(c.filter);
    tarn_topic_decoder_close(c.decoder);
    tarn_topics_close(c.topics);
    tarn_arena_free(c.arena);
    tarn_topic_access_release(&a.access);
    tarn_strings_release(&a.words);
    return status;
}

const struct tarn_command tarn_command_consume = {
    .name = "consume",
    .summary = "print the records of a topic",
    .help = help,
    .run = run,
};
