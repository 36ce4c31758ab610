/* broker/registry/proto_check.c -- whether a newer .proto reads what an older one wrote:
 * Confluent's difference rules. Fields are matched by number, wherever they stand in the message.
 * Compatible differences (something added, renamed, moved) are never told, so they are not made. */
#include <stdio.h>

#include "base/hash.h"
#include "broker/registry/proto.h"

struct check {
    struct tarn_schema_messages *messages;
    struct tarn_arena *arena;
    const struct tarn_pb_message **seen; /* pairs of types from two files, being compared */
    size_t seen_count, seen_cap;
    int depth;
    bool is_bad;
};

static void compare_types(struct check *check, const struct tarn_pb_message *old,
                          const struct tarn_pb_message *fresh, const char *path);
static void compare_messages(struct check *check, const struct tarn_pb_message *old,
                             const struct tarn_pb_message *fresh, const char *path);

static void differ(struct check *check, const char *kind, const char *path, const char *words)
{
    check->is_bad = true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const char *description = *words ? tarn_arena_format(check->arena, words, path) : "";
#pragma GCC diagnostic pop
    tarn_schema_add_message(check->messages, "{errorType:\"%s\", description:\"%s\"}", kind,
                            description);
}

static const char *below(struct check *check, const char *path, const char *step)
{
    return tarn_arena_format(check->arena, "%s%s%s", path, path[1] ? "/" : "", step);
}

static const char *at_number(struct check *check, const char *path,
                             const struct tarn_pb_field *field)
{
    const char *number = tarn_arena_format(check->arena, "%d", field->number);
    return below(check, field->oneof ? below(check, path, field->oneof) : path, number);
}

static const struct tarn_pb_field *find(const struct tarn_pb_message *message, int32_t number)
{
    for (size_t i = 0; i < message->field_count; i++)
        if (message->fields[i].number == number)
            return &message->fields[i];
    return NULL;
}

static bool has_oneof(const struct tarn_pb_message *message, const char *name)
{
    for (size_t i = 0; i < message->oneof_count; i++)
        if (strcmp(message->oneofs[i], name) == 0)
            return true;
    return false;
}

/* ---- one field ---- */

enum group { VARINT, SIGNED, TEXT, FIXED32, FIXED64, FLOATS, DOUBLES };

static enum group group_of(enum tarn_pb_kind kind)
{
    static const enum group groups[] = {
        [TARN_PB_DOUBLE] = DOUBLES,  [TARN_PB_FLOAT] = FLOATS,     [TARN_PB_INT32] = VARINT,
        [TARN_PB_INT64] = VARINT,    [TARN_PB_UINT32] = VARINT,    [TARN_PB_UINT64] = VARINT,
        [TARN_PB_SINT32] = SIGNED,   [TARN_PB_SINT64] = SIGNED,    [TARN_PB_FIXED32] = FIXED32,
        [TARN_PB_FIXED64] = FIXED64, [TARN_PB_SFIXED32] = FIXED32, [TARN_PB_SFIXED64] = FIXED64,
        [TARN_PB_BOOL] = VARINT,     [TARN_PB_STRING] = TEXT,      [TARN_PB_BYTES] = TEXT,
        [TARN_PB_MESSAGE] = VARINT,  [TARN_PB_GROUP] = VARINT,     [TARN_PB_ENUM] = VARINT};
    return groups[kind];
}

static bool is_message(const struct tarn_pb_field *field)
{
    return field->kind == TARN_PB_MESSAGE || field->kind == TARN_PB_GROUP;
}

/* A type's name without its package. */
static const char *local_name(const struct tarn_pb_message *message)
{
    size_t len = strlen(message->package);
    return len && strncmp(message->full_name, message->package, len) == 0 &&
                   message->full_name[len] == '.'
               ? message->full_name + len + 1
               : message->full_name;
}

static void compare_named(struct check *check, const struct tarn_pb_message *old,
                          const struct tarn_pb_message *fresh, const char *path)
{
    static const char words[] = "The type of a MESSAGE field at path '%s' in the %%s schema does "
                                "not match its type in the %%s schema";
    if (strcmp(local_name(old), local_name(fresh)) != 0) {
        differ(check, "FIELD_NAMED_TYPE_CHANGED", path, words);
        return;
    }
    for (size_t i = 0; i < check->seen_count; i += 2)
        if (check->seen[i] == old && check->seen[i + 1] == fresh)
            return;
    TARN_RESERVE(check->seen, check->seen_cap, check->seen_count + 2);
    check->seen[check->seen_count++] = old;
    check->seen[check->seen_count++] = fresh;
    bool was_bad = check->is_bad;
    check->is_bad = false;
    compare_messages(check, old, fresh, tarn_arena_format(check->arena, "#/%s", local_name(old)));
    if (check->is_bad)
        differ(check, "FIELD_NAMED_TYPE_CHANGED", path, words);
    check->is_bad |= was_bad;
}

static void compare_kinds(struct check *check, const struct tarn_pb_field *old,
                          const struct tarn_pb_field *fresh, bool with_labels, const char *path)
{
    if (old->is_map != fresh->is_map || is_message(old) != is_message(fresh)) {
        differ(check, "FIELD_KIND_CHANGED", path,
               "The type of a field at path '%s' in the %%s schema does not match the %%s schema");
    } else if (old->is_map) {
        for (int i = 0; i < 2; i++)
            compare_kinds(check, &old->message->fields[i], &fresh->message->fields[i], false, path);
    } else if (is_message(old)) {
        compare_named(check, old->message, fresh->message, path);
    } else if (group_of(old->kind) != group_of(fresh->kind)) {
        differ(check, "FIELD_SCALAR_KIND_CHANGED", path,
               "The kind of a SCALAR field at path '%s' in the %%s schema does not match its kind "
               "in the %%s schema");
    } else if (with_labels && old->label != TARN_PB_PLAIN && fresh->label != TARN_PB_PLAIN &&
               old->label != fresh->label && group_of(old->kind) != TEXT) {
        differ(check, "FIELD_NUMERIC_LABEL_CHANGED", path,
               "The label for a NUMERIC field at path '%s' in the %%s schema does not match its "
               "label in the %%s schema");
    }
}

/* ---- one message ---- */

/* An older oneof of which nothing is left may go as a whole. */
static bool is_all_gone(const struct tarn_pb_message *old, const struct tarn_pb_message *fresh,
                        const char *oneof)
{
    if (has_oneof(fresh, oneof))
        return false;
    for (size_t i = 0; i < old->field_count; i++)
        if (old->fields[i].oneof && strcmp(old->fields[i].oneof, oneof) == 0 &&
            find(fresh, old->fields[i].number))
            return false;
    return true;
}

static void field_removed(struct check *check, const struct tarn_pb_message *old,
                          const struct tarn_pb_message *fresh, const struct tarn_pb_field *field,
                          const char *path)
{
    if (field->oneof && !is_all_gone(old, fresh, field->oneof))
        differ(check, "ONEOF_FIELD_REMOVED", at_number(check, path, field),
               "The %%s schema is missing a oneof field at path '%s' in the %%s schema");
    else if (!field->oneof && field->label == TARN_PB_REQUIRED)
        differ(check, "REQUIRED_FIELD_REMOVED", at_number(check, path, field),
               "The %%s schema is missing a required field at path: '%s' in the %%s schema");
}

/* Fields that could be set together before and exclude each other now. */
static void compare_oneof(struct check *check, const struct tarn_pb_message *old,
                          const struct tarn_pb_message *fresh, const char *oneof, const char *path)
{
    size_t groups = 0, moved_in = 0;
    const char **origins = tarn_arena_array(check->arena, fresh->field_count + 1, sizeof *origins);
    size_t origin_count = 0;
    for (size_t i = 0; i < fresh->field_count; i++) {
        if (!fresh->fields[i].oneof || strcmp(fresh->fields[i].oneof, oneof) != 0)
            continue;
        const struct tarn_pb_field *was = find(old, fresh->fields[i].number);
        if (was && !was->oneof) {
            groups++;
            moved_in++;
        } else if (was) {
            size_t known = 0;
            while (known < origin_count && strcmp(origins[known], was->oneof) != 0)
                known++;
            groups += known == origin_count;
            origins[origin_count] = was->oneof;
            origin_count += known == origin_count;
        }
    }
    if (groups <= 1)
        return;
    if (moved_in > 1)
        differ(check, "MULTIPLE_FIELDS_MOVED_TO_ONEOF", below(check, path, oneof),
               "Multiple fields in the oneof at path '%s' in the %%s schema are outside a oneof in "
               "the %%s schema");
    else
        differ(check, "FIELD_MOVED_TO_EXISTING_ONEOF", below(check, path, oneof),
               "A field in the oneof at path '%s' in the %%s schema is outside an existing oneof "
               "in the %%s schema");
}

static void compare_messages(struct check *check, const struct tarn_pb_message *old,
                             const struct tarn_pb_message *fresh, const char *path)
{
    if (check->depth == 2 * TARN_SCHEMA_DEPTH_MAX)
        return;
    check->depth++;
    for (size_t i = 0; i < fresh->oneof_count; i++)
        compare_oneof(check, old, fresh, fresh->oneofs[i], path);
    for (size_t i = 0; i < old->field_count; i++) {
        const struct tarn_pb_field *now = find(fresh, old->fields[i].number);
        if (now)
            compare_kinds(check, &old->fields[i], now, true, at_number(check, path, now));
        else
            field_removed(check, old, fresh, &old->fields[i], path);
    }
    for (size_t i = 0; i < fresh->field_count; i++)
        if (fresh->fields[i].label == TARN_PB_REQUIRED && !find(old, fresh->fields[i].number))
            differ(check, "REQUIRED_FIELD_ADDED", at_number(check, path, &fresh->fields[i]),
                   "A required field  at path '%s' in the %%s schema is missing in the %%s schema");
    compare_types(check, old, fresh, path);
    check->depth--;
}

static void compare_types(struct check *check, const struct tarn_pb_message *old,
                          const struct tarn_pb_message *fresh, const char *path)
{
    for (size_t i = 0; i < old->message_count; i++) {
        const char *at = below(check, path, old->messages[i]->name);
        size_t now = 0;
        while (now < fresh->message_count &&
               strcmp(fresh->messages[now]->name, old->messages[i]->name) != 0)
            now++;
        if (now < fresh->message_count)
            compare_messages(check, old->messages[i], fresh->messages[now], at);
        else
            differ(check, "MESSAGE_REMOVED", at,
                   "The %%s schema is missing a MESSAGE type at path '%s' in the %%s schema");
    }
}

void tarn_pb_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                   struct tarn_schema_messages *messages)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct check check = {.messages = messages, .arena = arena};
    const struct tarn_pb_file *old = tarn_pb_of(writer), *fresh = tarn_pb_of(reader);
    if (strcmp(old->package, fresh->package) != 0)
        differ(&check, "PACKAGE_CHANGED", "#/",
               "The package at '%s' in the %%s schema does not match the package in the %%s "
               "schema");
    compare_types(&check, &old->types, &fresh->types, "#/");
    free(check.seen);
}
