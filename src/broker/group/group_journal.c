/* broker/group/group_journal.c -- groups and offsets as keys and values of the log's journal.
 *
 *   group/ID                                  version 1, generation, state time, protocol type and
 *                                             name, leader, members with all they sent
 *   offset/ID TOPIC partition                 version 1, offset, leader epoch, time, order,
 * metadata pending/producer_id ID TOPIC partition    the same: of a transaction that is still open
 *
 * ID and TOPIC have their length in front (16 bits); numbers are big-endian. A group without a
 * group key has offsets only: its consumers assign partitions to themselves. */
#include "base/log.h"
#include "broker/group/group_int.h"
#include "broker/log/journal.h"
#include "broker/protocol/wire.h"

enum { VALUE_VERSION = 1, VALUE_MAX_BYTES = 16 << 20 };

#define WRITER(name)                                                                               \
    TARN_AUTO(tarn_wire_writer_release)                                                            \
    struct tarn_wire_writer name;                                                                  \
    tarn_wire_writer_init(&name, VALUE_MAX_BYTES)

static struct tarn_text finish(const struct tarn_wire_writer *writer, struct tarn_arena *arena)
{
    char *bytes = tarn_arena_alloc(arena, writer->len + 1);
    tarn_wire_writer_copy(writer, bytes);
    return (struct tarn_text){bytes, writer->len};
}

/* ---- keys ---- */

static struct tarn_text group_key(struct tarn_arena *arena, struct tarn_text id)
{
    WRITER(writer);
    tarn_wire_write_span(&writer, TARN_TEXT("group/"));
    tarn_wire_write_span(&writer, id);
    return finish(&writer, arena);
}

static struct tarn_text offset_key(struct tarn_arena *arena, struct tarn_text id,
                                   struct tarn_text topic, int32_t partition)
{
    WRITER(writer);
    tarn_wire_write_span(&writer, TARN_TEXT("offset/"));
    tarn_wire_write_string(&writer, id);
    tarn_wire_write_string(&writer, topic);
    tarn_wire_write_int32(&writer, partition);
    return finish(&writer, arena);
}

static struct tarn_text pending_key(struct tarn_arena *arena, int64_t producer_id,
                                    struct tarn_text id, struct tarn_text topic, int32_t partition)
{
    WRITER(writer);
    tarn_wire_write_span(&writer, TARN_TEXT("pending/"));
    tarn_wire_write_int64(&writer, producer_id);
    tarn_wire_write_string(&writer, id);
    tarn_wire_write_string(&writer, topic);
    tarn_wire_write_int32(&writer, partition);
    return finish(&writer, arena);
}

/* ---- values ---- */

static struct tarn_text offset_value(struct tarn_arena *arena, const struct tarn_offset *offset)
{
    WRITER(writer);
    tarn_wire_write_int8(&writer, VALUE_VERSION);
    tarn_wire_write_int64(&writer, offset->offset);
    tarn_wire_write_int32(&writer, offset->leader_epoch);
    tarn_wire_write_int64(&writer, offset->commit_ms);
    tarn_wire_write_int64(&writer, (int64_t)offset->order);
    tarn_wire_write_bytes(&writer, offset->metadata);
    return finish(&writer, arena);
}

static void write_member(struct tarn_wire_writer *writer, const struct tarn_member *member)
{
    tarn_wire_write_string(writer, member->id);
    tarn_wire_write_string(writer, member->instance_id);
    tarn_wire_write_string(writer, member->client_id);
    tarn_wire_write_string(writer, member->client_host);
    tarn_wire_write_int32(writer, member->rebalance_timeout_ms);
    tarn_wire_write_int32(writer, member->session_timeout_ms);
    tarn_wire_write_count(writer, (int32_t)member->protocol_count);
    for (size_t i = 0; i < member->protocol_count; i++) {
        tarn_wire_write_string(writer, member->protocols[i].name);
        tarn_wire_write_bytes(writer, member->protocols[i].metadata);
    }
    tarn_wire_write_bytes(writer, member->assignment);
}

static struct tarn_text group_value(struct tarn_arena *arena, const struct tarn_group *group)
{
    WRITER(writer);
    tarn_wire_write_int8(&writer, VALUE_VERSION);
    tarn_wire_write_int32(&writer, group->generation);
    tarn_wire_write_int64(&writer, group->state_ms);
    tarn_wire_write_string(&writer, group->protocol_type);
    tarn_wire_write_string(&writer, group->protocol);
    tarn_wire_write_string(&writer, group->leader ? group->leader->id : (struct tarn_text){0});
    tarn_wire_write_count(&writer, (int32_t)group->member_count);
    for (size_t i = 0; i < group->member_count; i++)
        write_member(&writer, group->members[i]);
    return finish(&writer, arena);
}

void tarn_group_put(struct tarn_commit *commit, struct tarn_arena *arena,
                    const struct tarn_group *group)
{
    tarn_commit_put(commit, group_key(arena, group->id), group_value(arena, group));
}

void tarn_group_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                            const struct tarn_group *group)
{
    tarn_commit_delete(commit, group_key(arena, group->id));
}

void tarn_offset_put(struct tarn_commit *commit, struct tarn_arena *arena,
                     struct tarn_text group_id, struct tarn_text topic,
                     const struct tarn_offset *offset)
{
    tarn_commit_put(commit, offset_key(arena, group_id, topic, offset->partition),
                    offset_value(arena, offset));
}

void tarn_offset_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                             struct tarn_text group_id, struct tarn_text topic, int32_t partition)
{
    tarn_commit_delete(commit, offset_key(arena, group_id, topic, partition));
}

void tarn_pending_put(struct tarn_commit *commit, struct tarn_arena *arena,
                      struct tarn_text group_id, int64_t producer_id, struct tarn_text topic,
                      const struct tarn_offset *offset)
{
    tarn_commit_put(commit, pending_key(arena, producer_id, group_id, topic, offset->partition),
                    offset_value(arena, offset));
}

void tarn_pending_put_nothing(struct tarn_commit *commit, struct tarn_arena *arena,
                              const struct tarn_pending_offset *held)
{
    tarn_commit_delete(commit, pending_key(arena, held->producer_id, held->group->id, held->topic,
                                           held->offset.partition));
}

bool tarn_group_write(struct tarn_commit *commit, const char *what, struct tarn_text group_id,
                      uint64_t *ret_position)
{
    struct tarn_error err;
    if (tarn_commit_write(commit, ret_position, &err) == TARN_OK)
        return true;
    TARN_AUTO_FREE char *name = tarn_strndup(group_id.data ? group_id.data : "", group_id.len);
    tarn_log(TARN_LOG_ERROR, "a group's state could not be written", TARN_LOG_STR("doing", what),
             TARN_LOG_STR("group", name), TARN_LOG_STR("error", err.text));
    return false;
}

bool tarn_group_save(struct tarn_group *group)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_commit *commit = tarn_commit_begin(group->groups->world.log);
    tarn_group_put(commit, arena, group);
    uint64_t position;
    return tarn_group_write(commit, "storing its members", group->id, &position);
}

/* ---- reading it back ---- */

struct load {
    struct tarn_groups *groups;
    enum tarn_status status;
    struct tarn_error *err;
};

static struct tarn_text behind(struct tarn_text key, const char *prefix)
{
    size_t len = strlen(prefix);
    return (struct tarn_text){key.data + len, key.len - len};
}

/* False when the reader met something that is not as it was written. */
static bool is_whole(struct load *load, const struct tarn_wire_reader *reader, int8_t version,
                     const char *what)
{
    load->status = tarn_wire_reader_check(reader, what, load->err);
    if (load->status == TARN_OK && version != VALUE_VERSION)
        load->status = tarn_fail(load->err, TARN_UNSUPPORTED,
                                 "reading %s: it has version %d, which this program does not know; "
                                 "open the folder with the program that wrote it",
                                 what, version);
    return load->status == TARN_OK;
}

static void read_member(struct tarn_wire_reader *reader, struct tarn_group *group,
                        struct tarn_text leader)
{
    struct tarn_member *member = tarn_member_new(group, tarn_wire_read_string(reader));
    member->instance_id = tarn_own(tarn_wire_read_string(reader));
    member->client_id = tarn_own(tarn_wire_read_string(reader));
    member->client_host = tarn_own(tarn_wire_read_string(reader));
    member->rebalance_timeout_ms = tarn_wire_read_int32(reader);
    member->session_timeout_ms = tarn_wire_read_int32(reader);
    int32_t count = tarn_wire_read_count(reader, 6);
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_group_protocol *protocols =
        tarn_arena_array(arena, (size_t)(count > 0 ? count : 0) + 1, sizeof *protocols);
    for (int32_t i = 0; i < count; i++) {
        protocols[i].name = tarn_wire_read_string(reader);
        protocols[i].metadata = tarn_wire_read_bytes(reader);
    }
    tarn_member_set_protocols(member, protocols, count > 0 ? (size_t)count : 0);
    member->assignment = tarn_own(tarn_wire_read_bytes(reader));
    tarn_member_add(group, member);
    if (leader.data && tarn_text_equal(leader, member->id))
        group->leader = member;
}

static bool load_group(void *context, struct tarn_text key, struct tarn_text value)
{
    struct load *load = context;
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, value);
    struct tarn_group *group = tarn_group_add(load->groups, behind(key, "group/"));
    int8_t version = tarn_wire_read_int8(&reader);
    group->generation = tarn_wire_read_int32(&reader);
    group->state_ms = tarn_wire_read_int64(&reader);
    group->protocol_type = tarn_own(tarn_wire_read_string(&reader));
    group->protocol = tarn_own(tarn_wire_read_string(&reader));
    struct tarn_text leader = tarn_wire_read_string(&reader);
    int32_t count = tarn_wire_read_count(&reader, 20);
    for (int32_t i = 0; i < count && !reader.fault; i++)
        read_member(&reader, group, leader);
    group->state = group->member_count ? TARN_GROUP_STABLE : TARN_GROUP_EMPTY;
    return is_whole(load, &reader, version, "a group of the journal");
}

/* Reads the rest of a key and the value of an offset; texts point into both. */
static bool read_offset(struct load *load, struct tarn_wire_reader *key, struct tarn_text value,
                        struct tarn_group **ret_group, struct tarn_text *ret_topic,
                        struct tarn_offset *ret_offset)
{
    struct tarn_text group_id = tarn_wire_read_string(key);
    *ret_topic = tarn_wire_read_string(key);
    ret_offset->partition = tarn_wire_read_int32(key);
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, value);
    int8_t version = tarn_wire_read_int8(&reader);
    ret_offset->offset = tarn_wire_read_int64(&reader);
    ret_offset->leader_epoch = tarn_wire_read_int32(&reader);
    ret_offset->commit_ms = tarn_wire_read_int64(&reader);
    ret_offset->order = (uint64_t)tarn_wire_read_int64(&reader);
    ret_offset->metadata = tarn_wire_read_bytes(&reader);
    if (!is_whole(load, key, VALUE_VERSION, "the key of an offset of the journal") ||
        !is_whole(load, &reader, version, "an offset of the journal"))
        return false;
    if (ret_offset->order > load->groups->order)
        load->groups->order = ret_offset->order;
    *ret_group = tarn_group_find(load->groups, group_id);
    if (!*ret_group)
        *ret_group = tarn_group_add(load->groups, group_id);
    return true;
}

static bool load_offset(void *context, struct tarn_text key, struct tarn_text value)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, behind(key, "offset/"));
    struct tarn_group *group;
    struct tarn_text topic;
    struct tarn_offset offset;
    if (!read_offset(context, &reader, value, &group, &topic, &offset))
        return false;
    offset.metadata = tarn_own(offset.metadata);
    tarn_offset_set(group, topic, &offset);
    return true;
}

static bool load_pending(void *context, struct tarn_text key, struct tarn_text value)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, behind(key, "pending/"));
    int64_t producer_id = tarn_wire_read_int64(&reader);
    struct tarn_group *group;
    struct tarn_text topic;
    struct tarn_offset offset;
    if (!read_offset(context, &reader, value, &group, &topic, &offset))
        return false;
    tarn_pending_add(group, producer_id, topic, &offset);
    return true;
}

enum tarn_status tarn_groups_load(struct tarn_groups *groups, struct tarn_error *err)
{
    struct load load = {groups, TARN_OK, err};
    tarn_journal_each(groups->world.log, TARN_TEXT("group/"), load_group, &load);
    if (load.status == TARN_OK)
        tarn_journal_each(groups->world.log, TARN_TEXT("offset/"), load_offset, &load);
    if (load.status == TARN_OK)
        tarn_journal_each(groups->world.log, TARN_TEXT("pending/"), load_pending, &load);
    return load.status;
}
