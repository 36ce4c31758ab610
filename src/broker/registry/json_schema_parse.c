/* broker/registry/json_schema_parse.c -- JSON Schemas from JSON: keywords, references.
 *
 * References are resolved inside the schema, by "$id", "$anchor" and JSON pointers, and to the
 * schemas that the registry's references name; nothing is fetched from anywhere. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/hash.h"
#include "broker/registry/json_schema.h"
#include "http/uri.h"

struct document {
    struct tarn_text name; /* "" for the schema itself */
    const json_t *json;
};

/* Parsed nodes by where they came from, so that references and cycles share them. */
struct known {
    const json_t *json;
    const struct tarn_js *node;
};

struct pending {
    struct tarn_js *node;
    const char *target;
    const json_t *document;
    struct pending *next;
};

struct parser {
    struct tarn_schema *schema;
    struct tarn_error *err;
    struct document *documents;
    size_t document_count;
    const json_t *document; /* the one being parsed */
    struct known *known;    /* open addressing */
    size_t known_count, known_cap;
    struct pending *pending;
    int depth;
    int searches; /* by id or anchor: each looks through everything */
};

enum { SEARCHES_MAX = 500 };

static enum tarn_status parse_node(struct parser *p, const json_t *json,
                                   const struct tarn_js **ret_node);

static struct known *slot_of(const struct parser *p, const json_t *json)
{
    size_t mask = p->known_cap - 1;
    size_t slot = tarn_hash64((struct tarn_text){(const char *)&json, sizeof json}) & mask;
    while (p->known[slot].json && p->known[slot].json != json)
        slot = (slot + 1) & mask;
    return &p->known[slot];
}

static void remember(struct parser *p, const json_t *json, const struct tarn_js *node)
{
    if (2 * (p->known_count + 1) > p->known_cap) {
        struct known *old = p->known;
        size_t old_cap = p->known_cap;
        p->known_cap = old_cap ? 2 * old_cap : 256;
        p->known = tarn_arena_array(p->schema->arena, p->known_cap, sizeof *old);
        for (size_t i = 0; i < old_cap; i++)
            if (old[i].json)
                *slot_of(p, old[i].json) = old[i];
    }
    struct known *slot = slot_of(p, json);
    p->known_count += slot->json == NULL;
    *slot = (struct known){json, node};
}

static struct tarn_js *new_node(struct parser *p, enum tarn_js_kind kind, const json_t *source)
{
    struct tarn_js *node = tarn_arena_alloc(p->schema->arena, sizeof *node);
    node->kind = kind;
    node->source = json_is_object(source) ? source : NULL;
    return node;
}

/* ---- references ---- */

static const json_t *find_anchor(const json_t *json, const char *name)
{
    const char *key, *anchor = json_string_value(json_object_get(json, "$anchor"));
    const char *id = json_string_value(json_object_get(json, "$id"));
    json_t *value;
    size_t i;
    const json_t *found = NULL;
    if (!id)
        id = json_string_value(json_object_get(json, "id"));
    if ((anchor && strcmp(anchor, name) == 0) || (id && *id == '#' && strcmp(id + 1, name) == 0))
        return json;
    if (json_is_object(json)) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
            if ((found = find_anchor(value, name)))
                break;
        }
    } else {
        json_array_foreach (json, i, value) {
            if ((found = find_anchor(value, name)))
                break;
        }
    }
    return found;
}

static const json_t *find_pointer(const json_t *json, const char *pointer, struct tarn_arena *arena)
{
    struct tarn_text rest = tarn_text_of(pointer), step, decoded;
    (void)tarn_text_split(&rest, '/', &step); /* what is before the first slash is empty */
    while (json && tarn_text_split(&rest, '/', &step)) {
        if (!tarn_http_decode(step, false, arena, &decoded))
            return NULL;
        char *key = tarn_arena_alloc(arena, decoded.len + 1);
        size_t len = 0;
        for (size_t i = 0; i < decoded.len; i++) {
            bool is_escape = decoded.data[i] == '~' && i + 1 < decoded.len;
            key[len++] = !is_escape ? decoded.data[i] : decoded.data[++i] == '1' ? '/' : '~';
        }
        int64_t index;
        if (json_is_array(json))
            json = tarn_text_to_int64((struct tarn_text){key, len}, &index) && index >= 0
                       ? json_array_get(json, (size_t)index)
                       : NULL;
        else
            json = json_object_get(json, key);
    }
    return json;
}

/* The subschema whose "$id" is `id`, whole or by its last part. */
static const json_t *find_id(const json_t *json, struct tarn_text wanted)
{
    const char *key, *id = json_string_value(json_object_get(json, "$id"));
    json_t *value;
    size_t i;
    const json_t *found = NULL;
    if (!id)
        id = json_string_value(json_object_get(json, "id"));
    if (id) {
        struct tarn_text text = tarn_text_of(id);
        if (text.len && text.data[text.len - 1] == '#')
            text.len--;
        bool is_tail = text.len > wanted.len && text.data[text.len - wanted.len - 1] == '/' &&
                       memcmp(text.data + text.len - wanted.len, wanted.data, wanted.len) == 0;
        if (tarn_text_equal(text, wanted) || is_tail)
            return json;
    }
    if (json_is_object(json)) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
            if ((found = find_id(value, wanted)))
                break;
        }
    } else {
        json_array_foreach (json, i, value) {
            if ((found = find_id(value, wanted)))
                break;
        }
    }
    return found;
}

static const json_t *find_document(const struct parser *p, struct tarn_text name)
{
    const json_t *found = NULL;
    for (size_t i = 0; i < p->document_count && !found; i++)
        if (p->documents[i].name.len && tarn_text_equal(p->documents[i].name, name))
            found = p->documents[i].json;
    for (size_t i = 0; i < p->document_count && !found; i++)
        found = find_id(p->documents[i].json, name);
    return found;
}

static enum tarn_status resolve(struct parser *p, const struct pending *pending)
{
    const char *hash = strchr(pending->target, '#');
    struct tarn_text name = {pending->target,
                             hash ? (size_t)(hash - pending->target) : strlen(pending->target)};
    const json_t *document = name.len ? find_document(p, name) : pending->document;
    const json_t *json = document;
    bool is_search = name.len || (hash && hash[1] && hash[1] != '/');
    if (is_search && ++p->searches > SEARCHES_MAX)
        return tarn_fail(p->err, TARN_INVALID, "more than %d $ref by name", SEARCHES_MAX);
    if (document && hash && hash[1] == '/')
        json = find_pointer(document, hash + 1, p->schema->arena);
    else if (document && hash && hash[1])
        json = find_anchor(document, hash + 1);
    if (!json)
        return tarn_fail(p->err, TARN_INVALID,
                         "Unresolved $ref '%s': it leads to nothing in this schema or its "
                         "references, and nothing is fetched from elsewhere",
                         pending->target);
    p->document = document;
    return parse_node(p, json, &pending->node->inner);
}

/* ---- keywords ---- */

static enum tarn_status expect(struct parser *p, bool fine, const char *keyword, const char *what)
{
    return fine ? TARN_OK : tarn_fail(p->err, TARN_INVALID, "\"%s\" must be %s", keyword, what);
}

static enum tarn_status parse_list(struct parser *p, const json_t *array, const char *keyword,
                                   const struct tarn_js ***ret_nodes, size_t *ret_count)
{
    TARN_TRY(expect(p, json_is_array(array), keyword, "an array of schemas"));
    const json_t *item;
    size_t i;
    *ret_nodes = tarn_arena_array(p->schema->arena, json_array_size(array) + 1, sizeof **ret_nodes);
    json_array_foreach (array, i, item) {
        TARN_TRY(parse_node(p, item, &(*ret_nodes)[i]));
    }
    *ret_count = json_array_size(array);
    return TARN_OK;
}

static enum tarn_status parse_members(struct parser *p, const json_t *object, const char *keyword,
                                      struct tarn_js_member **ret_members, size_t *ret_count)
{
    const char *key;
    json_t *value;
    if (!object)
        return TARN_OK;
    TARN_TRY(expect(p, json_is_object(object), keyword, "an object of schemas"));
    struct tarn_js_member *members =
        tarn_arena_array(p->schema->arena, json_object_size(object) + 1, sizeof *members);
    size_t count = 0;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        if (json_is_array(value)) /* a dependency on properties; compared as it stands */
            continue;
        members[count].name = key;
        if (parse_node(p, value, &members[count++].schema) != TARN_OK)
            return tarn_error_wrap(p->err, "%s/%s", keyword, key);
    }
    *ret_members = members;
    *ret_count = count;
    return TARN_OK;
}

static enum tarn_status check_pattern(struct parser *p, const char *pattern)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
    if (!compiled)
        return tarn_fail(p->err, TARN_INVALID, "the pattern %s is no regular expression, at %zu",
                         pattern, (size_t)at);
    pcre2_code_free(compiled);
    return TARN_OK;
}

/* additionalProperties, additionalItems: true, false or a schema. */
static enum tarn_status parse_more(struct parser *p, const json_t *json, struct tarn_js *node)
{
    if (!json || json_is_true(json))
        return TARN_OK;
    node->forbids_more = json_is_false(json);
    return node->forbids_more ? TARN_OK : parse_node(p, json, &node->more);
}

static enum tarn_status parse_unevaluated(struct parser *p, const json_t *json,
                                          struct tarn_js *node)
{
    return json ? parse_node(p, json, &node->unevaluated) : TARN_OK;
}

static enum tarn_status parse_object(struct parser *p, const json_t *json, struct tarn_js *node)
{
    const json_t *required = json_object_get(json, "required"), *name;
    size_t i;
    TARN_TRY(parse_members(p, json_object_get(json, "properties"), "properties", &node->properties,
                           &node->property_count));
    TARN_TRY(parse_members(p, json_object_get(json, "patternProperties"), "patternProperties",
                           &node->patterns, &node->pattern_count));
    for (i = 0; i < node->pattern_count; i++)
        TARN_TRY(check_pattern(p, node->patterns[i].name));
    const json_t *dependent = json_object_get(json, "dependentSchemas");
    TARN_TRY(parse_members(p, dependent ? dependent : json_object_get(json, "dependencies"),
                           "dependencies", &node->dependencies, &node->dependency_count));
    if (required && !json_is_boolean(required)) { /* draft 3 had booleans */
        TARN_TRY(expect(p, json_is_array(required), "required", "an array of names"));
        json_array_foreach (required, i, name) {
            TARN_TRY(expect(p, json_is_string(name), "required", "an array of names"));
        }
    }
    TARN_TRY(parse_unevaluated(p, json_object_get(json, "unevaluatedProperties"), node));
    return parse_more(p, json_object_get(json, "additionalProperties"), node);
}

static enum tarn_status parse_array(struct parser *p, const json_t *json, struct tarn_js *node)
{
    const json_t *items = json_object_get(json, "items");
    const json_t *prefix = json_object_get(json, "prefixItems");
    TARN_TRY(parse_unevaluated(p, json_object_get(json, "unevaluatedItems"), node));
    if (prefix) { /* since 2020-12 "items" is what follows */
        TARN_TRY(parse_list(p, prefix, "prefixItems", &node->items, &node->item_count));
        return parse_more(p, items, node);
    }
    if (json_is_array(items))
        TARN_TRY(parse_list(p, items, "items", &node->items, &node->item_count));
    else if (items)
        TARN_TRY(parse_node(p, items, &node->all_items));
    return parse_more(p, json_object_get(json, "additionalItems"), node);
}

/* ---- one object: its parts ---- */

enum { PARTS_MAX = 24 };

struct parts {
    const struct tarn_js *nodes[PARTS_MAX];
    size_t count;
};

static enum tarn_status parse_type(struct parser *p, const char *type, const json_t *json,
                                   struct tarn_js **ret_node)
{
    static const struct {
        const char *name;
        enum tarn_js_kind kind;
    } types[] = {{"string", TARN_JS_STRING},  {"number", TARN_JS_NUMBER},
                 {"integer", TARN_JS_NUMBER}, {"boolean", TARN_JS_BOOLEAN},
                 {"null", TARN_JS_NULL},      {"object", TARN_JS_OBJECT},
                 {"array", TARN_JS_ARRAY},    {"any", TARN_JS_ANY}};
    size_t i = 0;
    while (i < TARN_COUNT(types) && strcmp(types[i].name, type) != 0)
        i++;
    if (i == TARN_COUNT(types))
        return tarn_fail(p->err, TARN_INVALID, "unknown type \"%s\"", type);
    struct tarn_js *node = new_node(p, types[i].kind, json);
    node->is_integer = *type == 'i';
    *ret_node = node;
    if (node->kind == TARN_JS_OBJECT)
        return parse_object(p, json, node);
    if (node->kind == TARN_JS_ARRAY)
        return parse_array(p, json, node);
    return TARN_OK;
}

static enum tarn_status parse_types(struct parser *p, const json_t *json, struct parts *parts)
{
    const json_t *type = json_object_get(json, "type"), *one;
    struct tarn_js *node;
    size_t i;
    if (json_is_string(type)) {
        TARN_TRY(parse_type(p, json_string_value(type), json, &node));
        parts->nodes[parts->count++] = node;
        return TARN_OK;
    }
    TARN_TRY(expect(p, json_is_array(type), "type", "a name or an array of names"));
    struct tarn_js *any = new_node(p, TARN_JS_COMBINED, json);
    any->criterion = "anyOf";
    any->parts = tarn_arena_array(p->schema->arena, json_array_size(type) + 1, sizeof *any->parts);
    json_array_foreach (type, i, one) {
        TARN_TRY(expect(p, json_is_string(one), "type", "a name or an array of names"));
        TARN_TRY(parse_type(p, json_string_value(one), json, &node));
        any->parts[any->part_count++] = node;
    }
    parts->nodes[parts->count++] = any;
    return TARN_OK;
}

static bool has_any(const json_t *json, const char *const *keywords)
{
    for (; *keywords; keywords++)
        if (json_object_get(json, *keywords))
            return true;
    return false;
}

/* Without a type, the keywords tell which one is meant. */
static enum tarn_status parse_untyped(struct parser *p, const json_t *json, struct parts *parts)
{
    static const char *const array[] = {"items",       "additionalItems",  "minItems",
                                        "maxItems",    "uniqueItems",      "contains",
                                        "prefixItems", "unevaluatedItems", NULL};
    static const char *const object[] = {
        "properties",        "required",          "minProperties",         "maxProperties",
        "dependencies",      "patternProperties", "additionalProperties",  "propertyNames",
        "dependentRequired", "dependentSchemas",  "unevaluatedProperties", NULL};
    static const char *const number[] = {"minimum",    "maximum",          "exclusiveMinimum",
                                         "multipleOf", "exclusiveMaximum", NULL};
    static const char *const string[] = {"minLength", "maxLength", "pattern", "format", NULL};
    static const struct {
        const char *type;
        const char *const *keywords;
    } sniffed[] = {{"array", array}, {"object", object}, {"number", number}, {"string", string}};
    for (size_t i = 0; i < TARN_COUNT(sniffed); i++) {
        struct tarn_js *node;
        if (!has_any(json, sniffed[i].keywords))
            continue;
        TARN_TRY(parse_type(p, sniffed[i].type, json, &node));
        parts->nodes[parts->count++] = node;
    }
    return TARN_OK;
}

static enum tarn_status parse_combined(struct parser *p, const json_t *json, struct parts *parts)
{
    static const char *const criteria[] = {"allOf", "anyOf", "oneOf"};
    for (size_t i = 0; i < TARN_COUNT(criteria); i++) {
        const json_t *list = json_object_get(json, criteria[i]);
        if (!list)
            continue;
        struct tarn_js *node = new_node(p, TARN_JS_COMBINED, json);
        node->criterion = criteria[i];
        TARN_TRY(parse_list(p, list, criteria[i], &node->parts, &node->part_count));
        parts->nodes[parts->count++] = node;
    }
    const json_t *not_schema = json_object_get(json, "not");
    if (not_schema) {
        struct tarn_js *node = new_node(p, TARN_JS_NOT, json);
        TARN_TRY(parse_node(p, not_schema, &node->inner));
        parts->nodes[parts->count++] = node;
    }
    return TARN_OK;
}

static enum tarn_status parse_keywords(struct parser *p, const json_t *json, struct parts *parts)
{
    const json_t *reference = json_object_get(json, "$ref");
    if (json_is_string(reference)) {
        struct tarn_js *node = new_node(p, TARN_JS_REFERENCE, json);
        struct pending *pending = tarn_arena_alloc(p->schema->arena, sizeof *pending);
        *pending = (struct pending){node, json_string_value(reference), p->document, p->pending};
        p->pending = pending;
        parts->nodes[parts->count++] = node;
        return TARN_OK; /* what stands beside it is ignored, as up to draft 7 */
    }
    const json_t *values = json_object_get(json, "enum");
    if (values) {
        TARN_TRY(expect(p, json_is_array(values), "enum", "an array"));
        parts->nodes[parts->count++] = new_node(p, TARN_JS_ENUM, json);
    }
    TARN_TRY(parse_combined(p, json, parts));
    if (json_object_get(json, "const"))
        parts->nodes[parts->count++] = new_node(p, TARN_JS_CONST, json);
    const char *pattern = json_string_value(json_object_get(json, "pattern"));
    if (pattern)
        TARN_TRY(check_pattern(p, pattern));
    return json_object_get(json, "type") ? parse_types(p, json, parts)
                                         : parse_untyped(p, json, parts);
}

static enum tarn_status parse_schema(struct parser *p, const json_t *json,
                                     const struct tarn_js **ret_node)
{
    struct parts parts = {.count = 0};
    if (json_is_boolean(json)) {
        *ret_node = new_node(p, json_is_true(json) ? TARN_JS_ANY : TARN_JS_NONE, NULL);
        return TARN_OK;
    }
    TARN_TRY(expect(p, json_is_object(json), "schema", "an object or a boolean"));
    TARN_TRY(parse_keywords(p, json, &parts));
    if (parts.count == 0) {
        *ret_node = new_node(p, TARN_JS_ANY, json);
    } else if (parts.count == 1) {
        *ret_node = parts.nodes[0];
    } else {
        struct tarn_js *all = new_node(p, TARN_JS_COMBINED, json);
        all->criterion = "allOf";
        all->parts = tarn_arena_array(p->schema->arena, parts.count, sizeof *all->parts);
        memcpy(all->parts, parts.nodes, parts.count * sizeof *all->parts);
        all->part_count = parts.count;
        *ret_node = all;
    }
    return TARN_OK;
}

static enum tarn_status parse_node(struct parser *p, const json_t *json,
                                   const struct tarn_js **ret_node)
{
    const struct tarn_js *known = p->known_cap ? slot_of(p, json)->node : NULL;
    if (known && !json_is_boolean(json)) { /* true and false are the same value everywhere */
        *ret_node = known;
        return TARN_OK;
    }
    if (p->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(p->err, TARN_INVALID, "schemas nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    if (p->known_count == TARN_JS_NODES_MAX)
        return tarn_fail(p->err, TARN_INVALID, "more than %d schemas", TARN_JS_NODES_MAX);
    p->depth++;
    enum tarn_status status = parse_schema(p, json, ret_node);
    p->depth--;
    if (status == TARN_OK)
        remember(p, json, *ret_node);
    return status;
}

/* A chain of references that comes back to itself means nothing. */
static enum tarn_status check_reference_chain(struct parser *p, const struct pending *pending)
{
    const struct tarn_js *node = pending->node;
    for (int steps = 0; node && node->kind == TARN_JS_REFERENCE; steps++, node = node->inner)
        if (steps > TARN_SCHEMA_DEPTH_MAX)
            return tarn_fail(p->err, TARN_INVALID, "$ref '%s' only leads back to itself",
                             pending->target);
    return TARN_OK;
}

static enum tarn_status parse_all(struct parser *p, struct tarn_text text,
                                  const struct tarn_schema_dependency *dependencies, size_t count,
                                  json_t **ret_json)
{
    p->documents = tarn_arena_array(p->schema->arena, count + 1, sizeof *p->documents);
    for (size_t i = 0; i <= count; i++) {
        json_t *json;
        TARN_TRY(tarn_schema_read_json(p->schema, i < count ? dependencies[i].text : text, &json,
                                       p->err));
        struct tarn_text name = i < count ? dependencies[i].name : (struct tarn_text){"", 0};
        name.data = tarn_arena_strndup(p->schema->arena, name.data, name.len);
        p->documents[p->document_count++] = (struct document){name, json};
        *ret_json = json;
    }
    p->document = *ret_json;
    const struct tarn_js *root;
    TARN_TRY(parse_node(p, *ret_json, &root));
    p->schema->parsed = (void *)(uintptr_t)root;
    struct pending *done = NULL;
    while (p->pending) {
        struct pending *next = p->pending;
        p->pending = next->next;
        TARN_TRY(resolve(p, next));
        next->next = done;
        done = next;
    }
    for (; done; done = done->next)
        TARN_TRY(check_reference_chain(p, done));
    return TARN_OK;
}

enum tarn_status tarn_js_parse(struct tarn_schema *schema, struct tarn_text text,
                               const struct tarn_schema_dependency *dependencies, size_t count,
                               bool is_new, struct tarn_error *err)
{
    (void)is_new;
    json_t *json;
    struct parser parser = {.schema = schema, .err = err};
    TARN_TRY(parse_all(&parser, text, dependencies, count, &json));
    TARN_BUFFER(stored, 8 * TARN_SCHEMA_TEXT_MAX_BYTES);
    TARN_BUFFER(normal, 8 * TARN_SCHEMA_TEXT_MAX_BYTES);
    tarn_json_value_write(&stored, json, false);
    tarn_json_value_write(&normal, json, true);
    TARN_TRY(tarn_buffer_check(&stored, "a schema", err));
    TARN_TRY(tarn_buffer_check(&normal, "a schema", err));
    schema->text = schema->resolved = tarn_schema_keep(schema, &stored);
    schema->normal = tarn_schema_keep(schema, &normal);
    return TARN_OK;
}

/* Values are JSON as they are. */
static enum tarn_status decode(const struct tarn_schema *schema, struct tarn_text payload,
                               struct tarn_buffer *out, struct tarn_error *err)
{
    (void)schema;
    json_error_t error;
    json_t *json = json_loadb(payload.data ? payload.data : "", payload.len,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json)
        return tarn_fail(err, TARN_CORRUPT, "decoding JSON, column %d: %s", error.column,
                         error.text);
    tarn_json_value_write(out, json, false);
    json_decref(json);
    return tarn_buffer_check(out, "a value as JSON", err);
}

static enum tarn_status encode(const struct tarn_schema *schema, const json_t *json,
                               struct tarn_buffer *payload, struct tarn_error *err)
{
    (void)schema;
    tarn_json_value_write(payload, json, false);
    return tarn_buffer_check(payload, "a value as JSON", err);
}

const struct tarn_schema_format tarn_schema_format_json = {.name = "JSON",
                                                           .parse = tarn_js_parse,
                                                           .check = tarn_js_check,
                                                           .decode = decode,
                                                           .encode = encode};
