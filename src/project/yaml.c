/* project/yaml.c -- builds the tree of yaml.h from libyaml's events; scalars are resolved as
 * PyYAML's safe loader does. */
#include "project/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/buffer.h"
#include "base/file.h"

enum { FILE_MAX_BYTES = 64 << 20, DEPTH_MAX = 128, NODES_MAX = 20 << 20, ANCHORS_MAX = 4096 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    struct tarn_arena *arena;
    const char *file;
    int line_offset;
    int depth;
    size_t nodes;
    struct {
        const char *name;
        const struct tarn_yaml *node;
    } anchors[ANCHORS_MAX];
    size_t anchor_count;
    struct tarn_error *err;
};

static enum tarn_status read_node(struct reader *r, const struct tarn_yaml **ret_node);

static enum tarn_status fail_at(struct reader *r, yaml_mark_t mark, const char *problem)
{
    return tarn_fail(r->err, TARN_CONFIG, "%s:%d:%d: %s", r->file,
                     (int)mark.line + 1 + r->line_offset, (int)mark.column + 1, problem);
}

/* Loads the next event into r->event. */
static enum tarn_status next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return TARN_OK;
    const char *problem = r->parser.problem ? r->parser.problem : "is not YAML";
    if (r->parser.error == YAML_READER_ERROR)
        return tarn_fail(r->err, TARN_CONFIG, "%s: byte %zu: %s; YAML files are UTF-8", r->file,
                         r->parser.problem_offset, problem);
    char text[400] = "";
    if (r->parser.context)
        snprintf(text, sizeof text, "%s (%s that began on line %d)", problem, r->parser.context,
                 (int)r->parser.context_mark.line + 1 + r->line_offset);
    if (r->parser.context)
        problem = text;
    if (strstr(problem, "cannot start any token") && *r->parser.buffer.pointer == '\t')
        problem = "there is a tab; YAML is indented with spaces";
    return fail_at(r, r->parser.problem_mark, problem);
}

static struct tarn_yaml *node_new(struct reader *r, enum tarn_yaml_kind kind, yaml_mark_t mark)
{
    struct tarn_yaml *node = tarn_arena_alloc(r->arena, sizeof *node);
    node->kind = kind;
    node->file = r->file;
    node->line = (int)mark.line + 1 + r->line_offset;
    node->column = (int)mark.column + 1;
    return node;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Digits of `base` with underscores; at least one digit. */
static bool parse_digits(const char *text, int base, int64_t *ret_value)
{
    int64_t value = 0;
    bool any = false;
    for (; *text; text++) {
        if (*text == '_')
            continue;
        int digit = *text >= '0' && *text <= '9'   ? *text - '0'
                    : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10
                    : *text >= 'A' && *text <= 'F' ? *text - 'A' + 10
                                                   : 99;
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
        any = true;
    }
    *ret_value = value;
    return any;
}

static bool parse_int(const char *text, int64_t *ret_value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits == '_')
        return false;
    int base = 10;
    if (digits[0] == '0' && digits[1] == 'b')
        base = 2, digits += 2;
    else if (digits[0] == '0' && digits[1] == 'x')
        base = 16, digits += 2;
    else if (digits[0] == '0' && digits[1])
        base = 8, digits += 1;
    if (!parse_digits(digits, base, ret_value))
        return false;
    if (*text == '-')
        *ret_value = -*ret_value;
    return true;
}

/* PyYAML: [-+]?(digits.digits?([eE][-+]digits)?|.digits([eE][-+]digits)?|.inf) or .nan; "1e5" is
 * text. */
static bool parse_float(const char *text, double *ret_value)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    const char *body = text + (*text == '-' || *text == '+');
    if (is_one_of(body, infinities)) {
        *ret_value = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (is_one_of(text, nans)) {
        *ret_value = NAN;
        return true;
    }
    const char *dot = strchr(body, '.');
    if (!dot || (dot == body && (dot[1] < '0' || dot[1] > '9')))
        return false;
    char copy[64];
    size_t len = 0;
    for (const char *at = text; *at; at++) {
        if (*at == '_')
            continue;
        if (!strchr("+-.0123456789eE", *at) || len + 1 >= sizeof copy)
            return false;
        if ((*at == 'e' || *at == 'E') && at[1] != '+' && at[1] != '-')
            return false;
        copy[len++] = *at;
    }
    copy[len] = 0;
    return tarn_text_to_double((struct tarn_text){copy, len}, ret_value);
}

static void resolve_plain(struct tarn_yaml *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"yes",  "Yes", "YES", "true", "True",
                                        "TRUE", "on",  "On",  "ON",   NULL};
    static const char *const falses[] = {"no",    "No",  "NO",  "false", "False",
                                         "FALSE", "off", "Off", "OFF",   NULL};
    const char *text = node->text;
    if (strlen(text) != node->text_len) /* a NUL inside */
        return;
    if (is_one_of(text, nulls)) {
        node->kind = TARN_YAML_NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        node->kind = TARN_YAML_BOOL;
        node->boolean = is_one_of(text, trues);
    } else if (parse_int(text, &node->integer)) {
        node->kind = TARN_YAML_INT;
        node->real = (double)node->integer;
    } else if (parse_float(text, &node->real)) {
        node->kind = TARN_YAML_FLOAT;
    }
}

static enum tarn_status read_scalar(struct reader *r, const struct tarn_yaml **ret_node)
{
    struct tarn_yaml *node = node_new(r, TARN_YAML_STRING, r->event.start_mark);
    const char *tag = (const char *)r->event.data.scalar.tag;
    node->text_len = r->event.data.scalar.length;
    node->text =
        tarn_arena_strndup(r->arena, (const char *)r->event.data.scalar.value, node->text_len);
    node->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE || (tag && tag[0]);
    if (!node->quoted)
        resolve_plain(node);
    *ret_node = node;
    return TARN_OK;
}

struct items {
    const struct tarn_yaml **values;
    const struct tarn_yaml **keys;
    size_t count, value_cap, key_cap;
};

static void items_add(struct items *items, const struct tarn_yaml *key,
                      const struct tarn_yaml *value)
{
    TARN_RESERVE(items->values, items->value_cap, items->count + 1);
    TARN_RESERVE(items->keys, items->key_cap, items->count + 1);
    items->keys[items->count] = key;
    items->values[items->count++] = value;
}

static size_t items_find(const struct items *items, const char *key)
{
    for (size_t i = 0; i < items->count; i++)
        if (items->keys[i]->text && strcmp(items->keys[i]->text, key) == 0)
            return i;
    return items->count;
}

static void items_finish(struct items *items, struct tarn_yaml *node, struct tarn_arena *arena)
{
    node->count = items->count;
    node->items = tarn_arena_array(arena, items->count, sizeof *node->items);
    if (items->count > 0)
        memcpy(node->items, items->values, items->count * sizeof *node->items);
    if (node->kind == TARN_YAML_MAP) {
        node->keys = tarn_arena_array(arena, items->count, sizeof *node->keys);
        if (items->count > 0)
            memcpy(node->keys, items->keys, items->count * sizeof *node->keys);
    }
    free(items->values);
    free(items->keys);
}

static enum tarn_status read_list(struct reader *r, struct items *items)
{
    for (;;) {
        TARN_TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return TARN_OK;
        const struct tarn_yaml *item;
        TARN_TRY(read_node(r, &item));
        items_add(items, NULL, item);
    }
}

/* `<<`: entries of the merged map (or of each map in a list) that are not there yet. */
static enum tarn_status merge(struct reader *r, struct items *items, const struct tarn_yaml *from)
{
    if (from->kind == TARN_YAML_LIST) {
        for (size_t i = 0; i < from->count; i++)
            TARN_TRY(merge(r, items, from->items[i]));
        return TARN_OK;
    }
    if (from->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(from, r->err, "the merge key << takes a map or a list of maps");
    for (size_t i = 0; i < from->count; i++)
        if (!from->keys[i]->text || items_find(items, from->keys[i]->text) == items->count)
            items_add(items, from->keys[i], from->items[i]);
    return TARN_OK;
}

static enum tarn_status read_map(struct reader *r, struct items *items)
{
    struct {
        const struct tarn_yaml *node;
    } merges[16];
    size_t merge_count = 0;
    for (;;) {
        TARN_TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        const struct tarn_yaml *key, *value;
        TARN_TRY(read_node(r, &key));
        if (!key->text)
            return tarn_yaml_fail(key, r->err, "a key is text, not %s",
                                  tarn_yaml_kind_name(key->kind));
        TARN_TRY(next(r));
        TARN_TRY(read_node(r, &value));
        if (!key->quoted && strcmp(key->text, "<<") == 0 && merge_count < TARN_COUNT(merges)) {
            merges[merge_count++].node = value;
            continue;
        }
        size_t at = items_find(items, key->text);
        if (at < items->count)
            items->values[at] = value; /* a duplicate key: the last wins, as in PyYAML */
        else
            items_add(items, key, value);
    }
    for (size_t i = 0; i < merge_count; i++)
        TARN_TRY(merge(r, items, merges[i].node));
    return TARN_OK;
}

static enum tarn_status read_collection(struct reader *r, bool map,
                                        const struct tarn_yaml **ret_node)
{
    struct tarn_yaml *node = node_new(r, map ? TARN_YAML_MAP : TARN_YAML_LIST, r->event.start_mark);
    if (++r->depth > DEPTH_MAX)
        return tarn_yaml_fail(node, r->err, "nested deeper than %d levels", DEPTH_MAX);
    struct items items = {0};
    enum tarn_status status = map ? read_map(r, &items) : read_list(r, &items);
    items_finish(&items, node, r->arena);
    r->depth--;
    *ret_node = node;
    return status;
}

static enum tarn_status read_alias(struct reader *r, const struct tarn_yaml **ret_node)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    for (size_t i = r->anchor_count; i-- > 0;) {
        if (strcmp(r->anchors[i].name, name) == 0) {
            *ret_node = r->anchors[i].node;
            return TARN_OK;
        }
    }
    return fail_at(r, r->event.start_mark,
                   "this alias names an anchor that does not stand before it");
}

static const char *event_anchor(const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

/* The node that the current event begins. */
static enum tarn_status read_node(struct reader *r, const struct tarn_yaml **ret_node)
{
    if (++r->nodes > NODES_MAX)
        return fail_at(r, r->event.start_mark, "more nodes than any project needs");
    const char *anchor = event_anchor(&r->event);
    anchor = anchor ? tarn_arena_strdup(r->arena, anchor) : NULL;
    yaml_mark_t mark = r->event.start_mark;
    enum tarn_status status;
    switch ((int)r->event.type) {
    case YAML_SCALAR_EVENT:
        status = read_scalar(r, ret_node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        status = read_collection(r, false, ret_node);
        break;
    case YAML_MAPPING_START_EVENT:
        status = read_collection(r, true, ret_node);
        break;
    default:
        return read_alias(r, ret_node);
    }
    if (status != TARN_OK || !anchor)
        return status;
    if (r->anchor_count == ANCHORS_MAX)
        return fail_at(r, mark, "more anchors than any project needs");
    r->anchors[r->anchor_count].name = anchor;
    r->anchors[r->anchor_count++].node = *ret_node;
    return TARN_OK;
}

static enum tarn_status read_document(struct reader *r, const struct tarn_yaml **ret_root)
{
    TARN_TRY(next(r)); /* stream start */
    TARN_TRY(next(r));
    if (r->event.type == YAML_STREAM_END_EVENT) {
        *ret_root = node_new(r, TARN_YAML_NULL, (yaml_mark_t){0});
        return TARN_OK;
    }
    TARN_TRY(next(r)); /* document start */
    const struct tarn_yaml *root;
    TARN_TRY(read_node(r, &root));
    TARN_TRY(next(r)); /* document end */
    TARN_TRY(next(r));
    if (r->event.type != YAML_STREAM_END_EVENT)
        return fail_at(r, r->event.start_mark,
                       "a second document begins here; one per file is read");
    *ret_root = root;
    return TARN_OK;
}

enum tarn_status tarn_yaml_parse(struct tarn_text text, const char *name, int first_line,
                                 struct tarn_arena *arena, const struct tarn_yaml **ret_root,
                                 struct tarn_error *err)
{
    struct reader *r = tarn_alloc(sizeof *r);
    r->arena = arena;
    r->file = tarn_arena_strdup(arena, name);
    r->line_offset = first_line - 1;
    r->err = err;
    yaml_parser_initialize(&r->parser);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.data, text.len);
    enum tarn_status status = read_document(r, ret_root);
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    free(r);
    return status;
}

enum tarn_status tarn_yaml_read(const char *path, struct tarn_arena *arena,
                                const struct tarn_yaml **ret_root, struct tarn_error *err)
{
    TARN_BUFFER(text, FILE_MAX_BYTES);
    TARN_TRY(tarn_file_read(path, &text, err));
    return tarn_yaml_parse(tarn_buffer_text(&text), path, 1, arena, ret_root, err);
}

const char *tarn_yaml_kind_name(enum tarn_yaml_kind kind)
{
    static const char *const names[] = {
        [TARN_YAML_NULL] = "nothing",   [TARN_YAML_BOOL] = "true or false",
        [TARN_YAML_INT] = "an integer", [TARN_YAML_FLOAT] = "a number",
        [TARN_YAML_STRING] = "text",    [TARN_YAML_LIST] = "a list",
        [TARN_YAML_MAP] = "a map",
    };
    return names[kind];
}

const struct tarn_yaml *tarn_yaml_get(const struct tarn_yaml *map, const char *key)
{
    if (!map || map->kind != TARN_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

const char *tarn_yaml_key(const struct tarn_yaml *map, size_t index)
{
    return map->keys[index]->text;
}

enum tarn_status tarn_yaml_fail(const struct tarn_yaml *node, struct tarn_error *err,
                                const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tarn_fail(err, TARN_CONFIG, "%s:%d: %s", node->file, node->line, text);
}

static enum tarn_status fail_key(const struct tarn_yaml *key, const char *what,
                                 const char *const *keys, struct tarn_error *err)
{
    size_t count = 0;
    while (keys[count])
        count++;
    const char *nearest = tarn_text_nearest(key->text, keys, count);
    if (nearest)
        return tarn_yaml_fail(key, err, "%s has no key '%s'; did you mean '%s'?", what, key->text,
                              nearest);
    TARN_BUFFER(list, 1500);
    for (size_t i = 0; i < count; i++)
        tarn_buffer_printf(&list, "%s%s", i ? ", " : "", keys[i]);
    return tarn_yaml_fail(key, err, "%s has no key '%s'; it takes %s", what, key->text,
                          tarn_buffer_str(&list));
}

enum tarn_status tarn_yaml_expect_keys(const struct tarn_yaml *map, const char *what,
                                       const char *const *keys, struct tarn_error *err)
{
    if (map->kind != TARN_YAML_MAP)
        return tarn_yaml_fail(map, err, "%s is a map, not %s", what,
                              tarn_yaml_kind_name(map->kind));
    for (size_t i = 0; i < map->count; i++)
        if (!is_one_of(map->keys[i]->text, keys))
            return fail_key(map->keys[i], what, keys, err);
    return TARN_OK;
}

/* The entry when it is there and not null. */
static const struct tarn_yaml *present(const struct tarn_yaml *map, const char *key)
{
    const struct tarn_yaml *value = tarn_yaml_get(map, key);
    return value && value->kind != TARN_YAML_NULL ? value : NULL;
}

static enum tarn_status fail_kind(const struct tarn_yaml *value, const char *key,
                                  const char *expected, struct tarn_error *err)
{
    return tarn_yaml_fail(value, err, "%s is %s, not %s%s%s%s", key, expected,
                          tarn_yaml_kind_name(value->kind), value->text ? " ('" : "",
                          value->text ? value->text : "", value->text ? "')" : "");
}

enum tarn_status tarn_yaml_str(const struct tarn_yaml *map, const char *key, const char **ret,
                               struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (!value)
        return TARN_OK;
    if (!value->text)
        return fail_kind(value, key, "text", err);
    *ret = value->text;
    return TARN_OK;
}

enum tarn_status tarn_yaml_str_required(const struct tarn_yaml *map, const char *key,
                                        const char **ret, struct tarn_error *err)
{
    if (!present(map, key))
        return tarn_yaml_fail(map, err, "%s is missing", key);
    return tarn_yaml_str(map, key, ret, err);
}

enum tarn_status tarn_yaml_int(const struct tarn_yaml *map, const char *key, int64_t min,
                               int64_t max, int64_t *ret, struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (!value)
        return TARN_OK;
    if (value->kind != TARN_YAML_INT)
        return fail_kind(value, key, "an integer", err);
    if (value->integer < min || value->integer > max)
        return tarn_yaml_fail(value, err, "%s is %lld, but it has to be from %lld to %lld", key,
                              (long long)value->integer, (long long)min, (long long)max);
    *ret = value->integer;
    return TARN_OK;
}

enum tarn_status tarn_yaml_double(const struct tarn_yaml *map, const char *key, double min,
                                  double max, double *ret, struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (!value)
        return TARN_OK;
    if (value->kind != TARN_YAML_INT && value->kind != TARN_YAML_FLOAT)
        return fail_kind(value, key, "a number", err);
    if (!(value->real >= min && value->real <= max))
        return tarn_yaml_fail(value, err, "%s is %s, but it has to be from %g to %g", key,
                              value->text, min, max);
    *ret = value->real;
    return TARN_OK;
}

enum tarn_status tarn_yaml_bool(const struct tarn_yaml *map, const char *key, bool *ret,
                                struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (!value)
        return TARN_OK;
    if (value->kind != TARN_YAML_BOOL)
        return fail_kind(value, key, "true or false", err);
    *ret = value->boolean;
    return TARN_OK;
}

static enum tarn_status get_collection(const struct tarn_yaml *map, const char *key,
                                       enum tarn_yaml_kind kind, const struct tarn_yaml **ret,
                                       struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (value && value->kind != kind)
        return fail_kind(value, key, tarn_yaml_kind_name(kind), err);
    *ret = value;
    return TARN_OK;
}

enum tarn_status tarn_yaml_list(const struct tarn_yaml *map, const char *key,
                                const struct tarn_yaml **ret, struct tarn_error *err)
{
    return get_collection(map, key, TARN_YAML_LIST, ret, err);
}

enum tarn_status tarn_yaml_map(const struct tarn_yaml *map, const char *key,
                               const struct tarn_yaml **ret, struct tarn_error *err)
{
    return get_collection(map, key, TARN_YAML_MAP, ret, err);
}

enum tarn_status tarn_yaml_choice(const struct tarn_yaml *map, const char *key,
                                  const char *const *choices, int *ret, struct tarn_error *err)
{
    const struct tarn_yaml *value = present(map, key);
    if (!value)
        return TARN_OK;
    size_t count = 0;
    TARN_BUFFER(list, 1500);
    for (; choices[count]; count++) {
        if (value->text && strcmp(value->text, choices[count]) == 0) {
            *ret = (int)count;
            return TARN_OK;
        }
        tarn_buffer_printf(&list, "%s%s", count ? ", " : "", choices[count]);
    }
    const char *nearest = value->text ? tarn_text_nearest(value->text, choices, count) : NULL;
    if (nearest)
        return tarn_yaml_fail(value, err, "%s cannot be '%s'; did you mean '%s'?", key, value->text,
                              nearest);
    return tarn_yaml_fail(value, err, "%s is one of %s, not %s", key, tarn_buffer_str(&list),
                          value->text ? value->text : tarn_yaml_kind_name(value->kind));
}

const char *tarn_yaml_library_version(void)
{
    return yaml_get_version_string();
}
