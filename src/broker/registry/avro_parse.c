/* broker/registry/avro_parse.c -- Avro schemas from JSON: names and namespaces, aliases, defaults.
 *
 * What Avro's Java parser takes is taken, what it refuses is refused, since the ids of schemas are
 * shared with programs that use it. */
#include "broker/registry/avro.h"

#include <strings.h>

const char *const tarn_avro_kind_names[] = {
    [TARN_AVRO_NULL] = "null",   [TARN_AVRO_BOOLEAN] = "boolean", [TARN_AVRO_INT] = "int",
    [TARN_AVRO_LONG] = "long",   [TARN_AVRO_FLOAT] = "float",     [TARN_AVRO_DOUBLE] = "double",
    [TARN_AVRO_BYTES] = "bytes", [TARN_AVRO_STRING] = "string",   [TARN_AVRO_RECORD] = "record",
    [TARN_AVRO_ENUM] = "enum",   [TARN_AVRO_FIXED] = "fixed",     [TARN_AVRO_ARRAY] = "array",
    [TARN_AVRO_MAP] = "map",     [TARN_AVRO_UNION] = "union"};

struct parser {
    struct tarn_schema *schema;
    struct tarn_avro_schema *avro;
    struct tarn_error *err;
    const char *space; /* the enclosing namespace; NULL: none */
    int depth;
    size_t nodes;
    bool is_new;
};

static enum tarn_status parse_node(struct parser *p, const json_t *json,
                                   const struct tarn_avro **ret_node);

const char *tarn_avro_branch_name(const struct tarn_avro *node)
{
    return tarn_avro_is_named(node) ? node->full_name : tarn_avro_kind_names[node->kind];
}

static struct tarn_avro *new_node(struct parser *p, enum tarn_avro_kind kind, const json_t *source)
{
    struct tarn_avro *node = tarn_arena_alloc(p->schema->arena, sizeof *node);
    node->kind = kind;
    node->source = json_is_object(source) ? source : NULL;
    return node;
}

static bool is_name(const char *text)
{
    if (!*text || (*text >= '0' && *text <= '9'))
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (!(*c == '_' || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
              (*c >= 'A' && *c <= 'Z') || *c >= 0x80))
            return false;
    return true;
}

/* Full name of `name` seen from `space`, and its two halves. */
static enum tarn_status split_name(struct parser *p, const char *name, const char *space,
                                   struct tarn_avro *node)
{
    struct tarn_arena *arena = p->schema->arena;
    const char *dot = strrchr(name, '.');
    if (dot) {
        space = tarn_arena_strndup(arena, name, (size_t)(dot - name));
        name = tarn_arena_strdup(arena, dot + 1);
    }
    if (!is_name(name))
        return tarn_fail(p->err, TARN_INVALID, "Illegal character in: %s", name);
    node->name = name;
    node->space = space && *space ? space : NULL;
    node->full_name = node->space ? tarn_arena_format(arena, "%s.%s", node->space, name) : name;
    return TARN_OK;
}

static struct tarn_avro *find_named(const struct parser *p, const char *full_name)
{
    for (size_t i = 0; i < p->avro->named_count; i++)
        if (strcmp(p->avro->named[i]->full_name, full_name) == 0)
            return p->avro->named[i];
    return NULL;
}

static int primitive_kind(const char *name)
{
    for (int kind = TARN_AVRO_NULL; kind <= TARN_AVRO_STRING; kind++)
        if (strcmp(name, tarn_avro_kind_names[kind]) == 0)
            return kind;
    return -1;
}

static enum tarn_status parse_reference(struct parser *p, const char *name, const json_t *source,
                                        const struct tarn_avro **ret_node)
{
    int kind = primitive_kind(name);
    if (kind >= 0) {
        *ret_node = new_node(p, (enum tarn_avro_kind)kind, source);
        return TARN_OK;
    }
    const struct tarn_avro *node = NULL;
    if (p->space && !strchr(name, '.'))
        node = find_named(p, tarn_arena_format(p->schema->arena, "%s.%s", p->space, name));
    if (!node)
        node = find_named(p, name);
    if (!node)
        return tarn_fail(p->err, TARN_INVALID, "Undefined name: \"%s\"", name);
    *ret_node = node;
    return TARN_OK;
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The strings of an array member; none when it is missing. */
static enum tarn_status parse_strings(struct parser *p, const json_t *object, const char *key,
                                      const char ***ret_items, size_t *ret_count)
{
    const json_t *array = json_object_get(object, key), *item;
    if (!array)
        return TARN_OK;
    if (!json_is_array(array))
        return tarn_fail(p->err, TARN_INVALID, "%s not an array: it must hold strings", key);
    *ret_items = tarn_arena_array(p->schema->arena, json_array_size(array) + 1, sizeof(char *));
    size_t i;
    json_array_foreach (array, i, item) {
        if (!json_is_string(item))
            return tarn_fail(p->err, TARN_INVALID, "%s has an item that is not a string", key);
        (*ret_items)[(*ret_count)++] = json_string_value(item);
    }
    return TARN_OK;
}

static enum tarn_status parse_aliases(struct parser *p, const json_t *json, struct tarn_avro *node)
{
    TARN_TRY(parse_strings(p, json, "aliases", &node->aliases, &node->alias_count));
    for (size_t i = 0; i < node->alias_count; i++)
        if (!strchr(node->aliases[i], '.') && node->space)
            node->aliases[i] =
                tarn_arena_format(p->schema->arena, "%s.%s", node->space, node->aliases[i]);
    return TARN_OK;
}

/* Name, namespace, aliases, doc; and makes the name known, before what is inside is parsed. */
static enum tarn_status parse_name(struct parser *p, const json_t *json, struct tarn_avro *node)
{
    const char *name = string_of(json, "name"), *space = string_of(json, "namespace");
    if (!name)
        return tarn_fail(p->err, TARN_INVALID, "No name in schema: a %s needs one",
                         tarn_avro_kind_names[node->kind]);
    TARN_TRY(split_name(p, name, space ? space : p->space, node));
    if (primitive_kind(node->full_name) >= 0)
        return tarn_fail(p->err, TARN_INVALID, "Schemas may not be named after primitives: %s",
                         node->full_name);
    if (find_named(p, node->full_name))
        return tarn_fail(p->err, TARN_INVALID, "Can't redefine: %s", node->full_name);
    if (p->avro->named_count == TARN_AVRO_NAMES_MAX)
        return tarn_fail(p->err, TARN_INVALID, "more than %d named types", TARN_AVRO_NAMES_MAX);
    TARN_TRY(parse_aliases(p, json, node));
    node->doc = string_of(json, "doc");
    TARN_RESERVE(p->avro->named, p->avro->named_cap, p->avro->named_count + 1);
    node->ordinal = p->avro->named_count;
    p->avro->named[p->avro->named_count++] = node;
    return TARN_OK;
}

static bool is_in_range(const json_t *json, int64_t min, int64_t max)
{
    return json_is_integer(json) && json_integer_value(json) >= min &&
           json_integer_value(json) <= max;
}

static bool fits(const struct tarn_avro *type, const json_t *json, int depth);

static bool fits_inside(const struct tarn_avro *type, const json_t *json, int depth)
{
    const char *key;
    json_t *value;
    size_t i;
    if (type->kind == TARN_AVRO_ARRAY) {
        json_array_foreach (json, i, value)
            if (!fits(type->item, value, depth))
                return false;
        return json_is_array(json);
    }
    if (!json_is_object(json))
        return false;
    if (type->kind == TARN_AVRO_MAP) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, value)
            if (!fits(type->item, value, depth))
                return false;
        return true;
    }
    for (i = 0; i < type->field_count; i++) {
        const struct tarn_avro_field *field = &type->fields[i];
        const json_t *given = json_object_get(json, field->name);
        if (!given)
            given = field->default_value;
        if (!given || !fits(field->type, given, depth))
            return false;
    }
    return true;
}

/* Whether a default fits its type; a union's may fit any branch. */
static bool fits(const struct tarn_avro *type, const json_t *json, int depth)
{
    if (depth == 0)
        return false;
    switch (type->kind) {
    case TARN_AVRO_NULL:
        return json_is_null(json);
    case TARN_AVRO_BOOLEAN:
        return json_is_boolean(json);
    case TARN_AVRO_INT:
        return is_in_range(json, INT32_MIN, INT32_MAX);
    case TARN_AVRO_LONG:
        return json_is_integer(json);
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
        return json_is_number(json);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING:
    case TARN_AVRO_ENUM:
    case TARN_AVRO_FIXED:
        return json_is_string(json);
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
    case TARN_AVRO_RECORD:
        return fits_inside(type, json, depth - 1);
    case TARN_AVRO_UNION:
        for (size_t i = 0; i < type->branch_count; i++)
            if (fits(type->branches[i], json, depth - 1))
                return true;
        return false;
    }
    return false;
}

static enum tarn_status parse_field(struct parser *p, const struct tarn_avro *record,
                                    const json_t *json, struct tarn_avro_field *field)
{
    const char *name = string_of(json, "name");
    const json_t *type = json_object_get(json, "type");
    if (!name)
        return tarn_fail(p->err, TARN_INVALID, "No field name in record %s", record->full_name);
    if (!is_name(name))
        return tarn_fail(p->err, TARN_INVALID, "Illegal character in: %s", name);
    if (!type)
        return tarn_fail(p->err, TARN_INVALID, "No field type: field %s of record %s", name,
                         record->full_name);
    field->name = name;
    field->doc = string_of(json, "doc");
    field->source = json;
    field->default_value = json_object_get(json, "default");
    if (parse_node(p, type, &field->type) != TARN_OK)
        return tarn_error_wrap(p->err, "field %s", name);
    if (p->is_new && field->default_value &&
        !fits(field->type, field->default_value, TARN_SCHEMA_DEPTH_MAX)) {
        TARN_BUFFER(text, 200);
        tarn_json_value_write(&text, field->default_value, false);
        return tarn_fail(p->err, TARN_INVALID, "Invalid default for field %s: %s not a %s", name,
                         tarn_buffer_str(&text), tarn_avro_branch_name(field->type));
    }
    const char *order = string_of(json, "order");
    if (order && strcasecmp(order, "ascending") != 0 && strcasecmp(order, "descending") != 0 &&
        strcasecmp(order, "ignore") != 0)
        return tarn_fail(p->err, TARN_INVALID, "field %s: unknown order \"%s\"", name, order);
    if (order && strcasecmp(order, "ascending") != 0)
        field->order = strcasecmp(order, "ignore") == 0 ? "ignore" : "descending";
    return parse_strings(p, json, "aliases", &field->aliases, &field->alias_count);
}

static enum tarn_status parse_record(struct parser *p, const json_t *json, struct tarn_avro *record)
{
    TARN_TRY(parse_name(p, json, record));
    const json_t *fields = json_object_get(json, "fields"), *field;
    if (!json_is_array(fields))
        return tarn_fail(p->err, TARN_INVALID, "Record has no fields: %s", record->full_name);
    const char *outer = p->space;
    p->space = record->space;
    struct tarn_avro_field *parsed =
        tarn_arena_array(p->schema->arena, json_array_size(fields) + 1, sizeof *parsed);
    size_t i;
    json_array_foreach (fields, i, field) {
        TARN_TRY(parse_field(p, record, field, &parsed[i]));
        for (size_t other = 0; other < i; other++)
            if (strcmp(parsed[other].name, parsed[i].name) == 0)
                return tarn_fail(p->err, TARN_INVALID, "Duplicate field %s in record %s",
                                 parsed[i].name, record->full_name);
    }
    record->fields = parsed;
    record->field_count = json_array_size(fields);
    p->space = outer;
    return TARN_OK;
}

static enum tarn_status parse_enum(struct parser *p, const json_t *json, struct tarn_avro *node)
{
    TARN_TRY(parse_name(p, json, node));
    if (!json_is_array(json_object_get(json, "symbols")))
        return tarn_fail(p->err, TARN_INVALID, "Enum has no symbols: %s", node->full_name);
    TARN_TRY(parse_strings(p, json, "symbols", &node->symbols, &node->symbol_count));
    for (size_t i = 0; i < node->symbol_count; i++) {
        if (!is_name(node->symbols[i]))
            return tarn_fail(p->err, TARN_INVALID, "Illegal character in: %s", node->symbols[i]);
        for (size_t other = 0; other < i; other++)
            if (strcmp(node->symbols[other], node->symbols[i]) == 0)
                return tarn_fail(p->err, TARN_INVALID, "Duplicate enum symbol: %s",
                                 node->symbols[i]);
    }
    node->enum_default = string_of(json, "default");
    for (size_t i = 0; node->enum_default && i < node->symbol_count; i++)
        if (strcmp(node->symbols[i], node->enum_default) == 0)
            return TARN_OK;
    if (node->enum_default)
        return tarn_fail(p->err, TARN_INVALID,
                         "The Enum Default: %s is not in the enum symbol set of %s",
                         node->enum_default, node->full_name);
    return TARN_OK;
}

static enum tarn_status parse_fixed(struct parser *p, const json_t *json, struct tarn_avro *node)
{
    TARN_TRY(parse_name(p, json, node));
    const json_t *size = json_object_get(json, "size");
    if (!is_in_range(size, 0, INT32_MAX))
        return tarn_fail(p->err, TARN_INVALID, "Invalid or no size: fixed %s", node->full_name);
    node->size_bytes = (size_t)json_integer_value(size);
    return TARN_OK;
}

static enum tarn_status parse_items(struct parser *p, const json_t *json, const char *key,
                                    struct tarn_avro *node)
{
    const json_t *items = json_object_get(json, key);
    if (!items)
        return tarn_fail(p->err, TARN_INVALID, "%s has no %s type",
                         node->kind == TARN_AVRO_ARRAY ? "Array" : "Map", key);
    return parse_node(p, items, &node->item);
}

static enum tarn_status parse_union(struct parser *p, const json_t *json,
                                    const struct tarn_avro **ret_node)
{
    struct tarn_avro *node = new_node(p, TARN_AVRO_UNION, NULL);
    const struct tarn_avro **branches =
        tarn_arena_array(p->schema->arena, json_array_size(json) + 1, sizeof *branches);
    const json_t *branch;
    size_t i;
    json_array_foreach (json, i, branch) {
        TARN_TRY(parse_node(p, branch, &branches[i]));
        if (branches[i]->kind == TARN_AVRO_UNION)
            return tarn_fail(p->err, TARN_INVALID, "Nested union: a union may not hold a union");
        for (size_t other = 0; other < i; other++)
            if (strcmp(tarn_avro_branch_name(branches[other]),
                       tarn_avro_branch_name(branches[i])) == 0)
                return tarn_fail(p->err, TARN_INVALID, "Duplicate in union: %s",
                                 tarn_avro_branch_name(branches[i]));
    }
    node->branches = branches;
    node->branch_count = json_array_size(json);
    *ret_node = node;
    return TARN_OK;
}

static enum tarn_status parse_object(struct parser *p, const json_t *json,
                                     const struct tarn_avro **ret_node)
{
    const json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (!type)
        return tarn_fail(p->err, TARN_INVALID, "No type in a schema object");
    if (!name)
        return parse_node(p, type, ret_node);
    struct tarn_avro *node;
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0) {
        *ret_node = node = new_node(p, TARN_AVRO_RECORD, json);
        node->is_error = *name == 'e';
        return parse_record(p, json, node);
    }
    if (strcmp(name, "enum") == 0) {
        *ret_node = node = new_node(p, TARN_AVRO_ENUM, json);
        return parse_enum(p, json, node);
    }
    if (strcmp(name, "fixed") == 0) {
        *ret_node = node = new_node(p, TARN_AVRO_FIXED, json);
        return parse_fixed(p, json, node);
    }
    if (strcmp(name, "array") == 0) {
        *ret_node = node = new_node(p, TARN_AVRO_ARRAY, json);
        return parse_items(p, json, "items", node);
    }
    if (strcmp(name, "map") == 0) {
        *ret_node = node = new_node(p, TARN_AVRO_MAP, json);
        return parse_items(p, json, "values", node);
    }
    return parse_reference(p, name, json, ret_node);
}

static enum tarn_status parse_node(struct parser *p, const json_t *json,
                                   const struct tarn_avro **ret_node)
{
    if (p->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(p->err, TARN_INVALID, "types nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    if (++p->nodes > TARN_AVRO_NODES_MAX)
        return tarn_fail(p->err, TARN_INVALID, "more than %d types", TARN_AVRO_NODES_MAX);
    p->depth++;
    enum tarn_status status;
    if (json_is_string(json))
        status = parse_reference(p, json_string_value(json), NULL, ret_node);
    else if (json_is_object(json))
        status = parse_object(p, json, ret_node);
    else if (json_is_array(json))
        status = parse_union(p, json, ret_node);
    else
        status = tarn_fail(p->err, TARN_INVALID, "a schema is a name, an object or an array");
    p->depth--;
    return status;
}

static struct tarn_text text_in_form(struct tarn_schema *schema, enum tarn_avro_form form)
{
    TARN_BUFFER(out, 16 * TARN_SCHEMA_TEXT_MAX_BYTES);
    tarn_avro_write(schema->parsed, form, &out);
    return tarn_schema_keep(schema, &out);
}

static enum tarn_status parse_all(struct parser *p, struct tarn_text text,
                                  const struct tarn_schema_dependency *dependencies, size_t count)
{
    json_t *json;
    const struct tarn_avro *node;
    for (size_t i = 0; i < count; i++) {
        p->space = NULL;
        TARN_TRY(tarn_schema_read_json(p->schema, dependencies[i].text, &json, p->err));
        if (parse_node(p, json, &node) != TARN_OK)
            return tarn_error_wrap(p->err, "reference %.*s", TARN_TEXT_ARGS(dependencies[i].name));
    }
    p->avro->dependency_names = p->avro->named_count;
    p->space = NULL;
    TARN_TRY(tarn_schema_read_json(p->schema, text, &json, p->err));
    return parse_node(p, json, &p->avro->root);
}

enum tarn_status tarn_avro_parse(struct tarn_schema *schema, struct tarn_text text,
                                 const struct tarn_schema_dependency *dependencies, size_t count,
                                 bool is_new, struct tarn_error *err)
{
    struct tarn_avro_schema *avro = tarn_arena_alloc(schema->arena, sizeof *avro);
    struct parser parser = {.schema = schema, .avro = avro, .err = err, .is_new = is_new};
    enum tarn_status status = parse_all(&parser, text, dependencies, count);
    struct tarn_avro **grown = avro->named;
    if (status == TARN_OK && avro->named_count) {
        avro->named = tarn_arena_array(schema->arena, avro->named_count, sizeof *avro->named);
        memcpy(avro->named, grown, avro->named_count * sizeof *grown);
    }
    free(grown);
    if (status != TARN_OK)
        return status;
    schema->parsed = avro;
    schema->text = text_in_form(schema, TARN_AVRO_AS_STORED);
    schema->normal = text_in_form(schema, TARN_AVRO_NORMAL);
    schema->resolved = text_in_form(schema, TARN_AVRO_RESOLVED);
    return TARN_OK;
}

const struct tarn_schema_format tarn_schema_format_avro = {.name = "AVRO",
                                                           .parse = tarn_avro_parse,
                                                           .check = tarn_avro_check,
                                                           .decode = tarn_avro_decode,
                                                           .encode = tarn_avro_encode};
