/* broker/registry/proto_parse.c -- .proto files: messages, enums, fields, and what names mean.
 *
 * Names are resolved as protoc does: from the innermost scope outwards, in this file and in the
 * ones that references bring; the well-known types of google/protobuf are built in. */
#include "broker/registry/proto.h"

const char *const tarn_pb_kind_names[] = {
    [TARN_PB_DOUBLE] = "double",   [TARN_PB_FLOAT] = "float",       [TARN_PB_INT32] = "int32",
    [TARN_PB_INT64] = "int64",     [TARN_PB_UINT32] = "uint32",     [TARN_PB_UINT64] = "uint64",
    [TARN_PB_SINT32] = "sint32",   [TARN_PB_SINT64] = "sint64",     [TARN_PB_FIXED32] = "fixed32",
    [TARN_PB_FIXED64] = "fixed64", [TARN_PB_SFIXED32] = "sfixed32", [TARN_PB_SFIXED64] = "sfixed64",
    [TARN_PB_BOOL] = "bool",       [TARN_PB_STRING] = "string",     [TARN_PB_BYTES] = "bytes",
    [TARN_PB_MESSAGE] = NULL,      [TARN_PB_GROUP] = NULL,          [TARN_PB_ENUM] = NULL};

/* What schemas import without a reference. */
static const char well_known[] =
    "syntax = \"proto3\"; package google.protobuf;"
    "message Timestamp { int64 seconds = 1; int32 nanos = 2; }"
    "message Duration { int64 seconds = 1; int32 nanos = 2; }"
    "message Any { string type_url = 1; bytes value = 2; }"
    "message Empty { }"
    "message FieldMask { repeated string paths = 1; }"
    "message DoubleValue { double value = 1; } message FloatValue { float value = 1; }"
    "message Int64Value { int64 value = 1; } message UInt64Value { uint64 value = 1; }"
    "message Int32Value { int32 value = 1; } message UInt32Value { uint32 value = 1; }"
    "message BoolValue { bool value = 1; } message StringValue { string value = 1; }"
    "message BytesValue { bytes value = 1; }"
    "enum NullValue { NULL_VALUE = 0; }"
    "message Struct { map<string, Value> fields = 1; }"
    "message ListValue { repeated Value values = 1; }"
    "message Value { oneof kind { NullValue null_value = 1; double number_value = 2;"
    " string string_value = 3; bool bool_value = 4; Struct struct_value = 5;"
    " ListValue list_value = 6; } }";
static const char confluent_decimal[] =
    "syntax = \"proto3\"; package confluent.type;"
    "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }";

struct named {
    const char *full_name;
    struct tarn_pb_message *message; /* or */
    struct tarn_pb_enum *values;
};

/* A field whose type's name is not resolved yet. */
struct pending {
    struct tarn_pb_message *message;
    size_t field;
    const char *scope;
    struct pending *next;
};

struct parser {
    struct tarn_schema *schema;
    struct tarn_error *err;
    struct tarn_pb_lexer lexer;
    struct tarn_pb_token token; /* the next one */
    bool is_proto3;
    const char *package;
    struct named *named;
    size_t named_count, named_cap;
    struct pending *pending;
    int depth;
};

static enum tarn_status advance(struct parser *p)
{
    return tarn_pb_next(&p->lexer, &p->token, p->err);
}

static bool sees(const struct parser *p, const char *text)
{
    return p->token.kind != TARN_PB_TEXT && tarn_text_is(p->token.text, text);
}

static enum tarn_status unexpected(struct parser *p, const char *wanted)
{
    return tarn_fail(p->err, TARN_INVALID, "line %d: expected %s, not %s%.*s", p->token.line,
                     wanted, p->token.kind == TARN_PB_END ? "the end" : "",
                     TARN_TEXT_ARGS(p->token.text));
}

static enum tarn_status expect(struct parser *p, const char *symbol)
{
    return sees(p, symbol) ? advance(p) : unexpected(p, symbol);
}

static char *keep(struct parser *p, struct tarn_text text)
{
    return tarn_arena_strndup(p->schema->arena, text.data, text.len);
}

static enum tarn_status read_name(struct parser *p, const char **ret_name)
{
    if (p->token.kind != TARN_PB_NAME)
        return unexpected(p, "a name");
    *ret_name = keep(p, p->token.text);
    return advance(p);
}

/* "a.b.C", also with a leading dot. */
static enum tarn_status read_full_name(struct parser *p, const char **ret_name)
{
    TARN_BUFFER(name, 4096);
    if (sees(p, ".")) {
        tarn_buffer_append_char(&name, '.');
        TARN_TRY(advance(p));
    }
    for (;;) {
        if (p->token.kind != TARN_PB_NAME)
            return unexpected(p, "a name");
        tarn_buffer_append_text(&name, p->token.text);
        TARN_TRY(advance(p));
        if (!sees(p, "."))
            break;
        tarn_buffer_append_char(&name, '.');
        TARN_TRY(advance(p));
    }
    TARN_TRY(tarn_buffer_check(&name, "a name", p->err));
    *ret_name = keep(p, tarn_buffer_text(&name));
    return TARN_OK;
}

static enum tarn_status read_number(struct parser *p, int64_t min, int64_t max, int32_t *ret_number)
{
    bool is_negative = sees(p, "-");
    if (is_negative)
        TARN_TRY(advance(p));
    if (p->token.kind != TARN_PB_NUMBER)
        return unexpected(p, "a number");
    char *end, *text = keep(p, p->token.text);
    int64_t number = strtoll(text, &end, 0);
    if (is_negative)
        number = -number;
    if (*end || number < min || number > max)
        return tarn_fail(p->err, TARN_INVALID, "line %d: the number %s is out of range",
                         p->token.line, text);
    *ret_number = (int32_t)number;
    return advance(p);
}

/* Passes over a statement up to its ';' or its block. */
static enum tarn_status skip_statement(struct parser *p)
{
    int depth = 0;
    for (;;) {
        if (p->token.kind == TARN_PB_END)
            return unexpected(p, "; or }");
        bool opens = sees(p, "{"), closes = sees(p, "}"), ends = sees(p, ";");
        depth += opens - closes;
        if (depth < 0)
            return unexpected(p, ";");
        TARN_TRY(advance(p));
        if (depth == 0 && (ends || closes)) {
            if (closes && sees(p, ";"))
                return advance(p);
            return TARN_OK;
        }
    }
}

static const char *inside(struct parser *p, const char *scope, const char *name)
{
    return *scope ? tarn_arena_format(p->schema->arena, "%s.%s", scope, name) : name;
}

static enum tarn_status make_known(struct parser *p, struct named named)
{
    if (p->named_count == TARN_PB_TYPES_MAX)
        return tarn_fail(p->err, TARN_INVALID, "more than %d types", TARN_PB_TYPES_MAX);
    TARN_RESERVE(p->named, p->named_cap, p->named_count + 1);
    p->named[p->named_count++] = named;
    return TARN_OK;
}

/* Arrays in the arena that double. */
static void *grown(struct parser *p, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap ? 2 * *cap : 8;
    void *more = tarn_arena_array(p->schema->arena, *cap, size);
    if (count)
        memcpy(more, items, count * size);
    return more;
}

static struct tarn_pb_field *add_field(struct parser *p, struct tarn_pb_message *message)
{
    message->fields = grown(p, message->fields, message->field_count, &message->field_cap,
                            sizeof *message->fields);
    return &message->fields[message->field_count++];
}

static struct tarn_pb_message *add_message(struct parser *p, struct tarn_pb_message *parent,
                                           const char *name, const char *scope)
{
    struct tarn_pb_message *message = tarn_arena_alloc(p->schema->arena, sizeof *message);
    message->name = name;
    message->full_name = inside(p, scope, name);
    message->package = p->package;
    message->has_presence = !p->is_proto3;
    parent->messages = grown(p, parent->messages, parent->message_count, &parent->message_cap,
                             sizeof *parent->messages);
    parent->messages[parent->message_count++] = message;
    return message;
}

/* ---- fields ---- */

/* "user_id" is "userId" in JSON. */
static const char *json_name(struct parser *p, const char *name)
{
    char *out = tarn_arena_alloc(p->schema->arena, strlen(name) + 1), *at = out;
    bool is_upper = false;
    for (; *name; name++) {
        if (*name == '_') {
            is_upper = true;
            continue;
        }
        *at++ = (char)(is_upper && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        is_upper = false;
    }
    return out;
}

/* [json_name = "x", packed = false, ...]; others are passed over. */
static enum tarn_status read_options(struct parser *p, struct tarn_pb_field *field)
{
    int depth = 0;
    if (!sees(p, "["))
        return TARN_OK;
    do {
        struct tarn_text name = p->token.text;
        bool is_own = depth == 1 && p->token.kind == TARN_PB_NAME;
        depth += sees(p, "[") || sees(p, "{") || sees(p, "(");
        depth -= sees(p, "]") || sees(p, "}") || sees(p, ")");
        if (p->token.kind == TARN_PB_END)
            return unexpected(p, "]");
        TARN_TRY(advance(p));
        if (!is_own || !sees(p, "="))
            continue;
        TARN_TRY(advance(p));
        if (field && tarn_text_is(name, "packed"))
            field->is_packed = sees(p, "true");
        if (field && tarn_text_is(name, "json_name") && p->token.kind == TARN_PB_TEXT)
            field->json_name =
                keep(p, (struct tarn_text){p->token.text.data + 1, p->token.text.len - 2});
    } while (depth > 0);
    return TARN_OK;
}

static bool scalar_kind(const char *name, enum tarn_pb_kind *ret_kind)
{
    for (int kind = TARN_PB_DOUBLE; kind <= TARN_PB_BYTES; kind++) {
        if (strcmp(name, tarn_pb_kind_names[kind]) != 0)
            continue;
        *ret_kind = (enum tarn_pb_kind)kind;
        return true;
    }
    return false;
}

/* Sets the type by its name, now or when all types are known. */
static void set_type(struct parser *p, struct tarn_pb_message *message, const char *type)
{
    struct tarn_pb_field *field = &message->fields[message->field_count - 1];
    field->type_name = type;
    if (scalar_kind(type, &field->kind))
        return;
    struct pending *pending = tarn_arena_alloc(p->schema->arena, sizeof *pending);
    *pending = (struct pending){message, message->field_count - 1, message->full_name, p->pending};
    p->pending = pending;
}

/* name = number [options], after the type. */
static enum tarn_status read_field_rest(struct parser *p, struct tarn_pb_message *message)
{
    struct tarn_pb_field *field = &message->fields[message->field_count - 1];
    TARN_TRY(read_name(p, &field->name));
    field->json_name = json_name(p, field->name);
    TARN_TRY(expect(p, "="));
    TARN_TRY(read_number(p, 1, TARN_PB_NUMBER_MAX, &field->number));
    field->is_packed = p->is_proto3 && field->label == TARN_PB_REPEATED;
    if (message->field_count > TARN_PB_FIELDS_MAX)
        return tarn_fail(p->err, TARN_INVALID, "%s has more than %d fields", message->full_name,
                         TARN_PB_FIELDS_MAX);
    for (size_t i = 0; i + 1 < message->field_count; i++)
        if (message->fields[i].number == field->number ||
            strcmp(message->fields[i].name, field->name) == 0)
            return tarn_fail(p->err, TARN_INVALID, "line %d: %s has two fields %s or numbers %d",
                             p->token.line, message->full_name, field->name, field->number);
    return read_options(p, field);
}

static enum tarn_status parse_map(struct parser *p, struct tarn_pb_message *message)
{
    const char *key, *value, *names[] = {"key", "value"};
    TARN_TRY(expect(p, "<"));
    TARN_TRY(read_full_name(p, &key));
    TARN_TRY(expect(p, ","));
    TARN_TRY(read_full_name(p, &value));
    TARN_TRY(expect(p, ">"));
    struct tarn_pb_field *field = add_field(p, message);
    field->label = TARN_PB_REPEATED;
    field->kind = TARN_PB_MESSAGE;
    field->is_map = true;
    field->type_name = "map";
    struct tarn_pb_message *entry = tarn_arena_alloc(p->schema->arena, sizeof *entry);
    *entry = (struct tarn_pb_message){.name = "Entry",
                                      .full_name = message->full_name,
                                      .package = p->package,
                                      .is_map_entry = true};
    field->message = entry;
    for (int i = 0; i < 2; i++) {
        struct tarn_pb_field *side = add_field(p, entry);
        side->name = side->json_name = names[i];
        side->number = i + 1;
        set_type(p, entry, i ? value : key);
    }
    if (entry->fields[0].kind > TARN_PB_STRING || entry->fields[0].kind <= TARN_PB_FLOAT)
        return tarn_fail(p->err, TARN_INVALID, "line %d: a map's key may not be %s", p->token.line,
                         key);
    TARN_TRY(read_field_rest(p, message));
    return expect(p, ";");
}

static enum tarn_status parse_message_body(struct parser *p, struct tarn_pb_message *message);

static enum tarn_status parse_field(struct parser *p, struct tarn_pb_message *message,
                                    enum tarn_pb_label label, const char *oneof)
{
    const char *type;
    TARN_TRY(read_full_name(p, &type));
    if (strcmp(type, "map") == 0 && sees(p, "<"))
        return parse_map(p, message);
    struct tarn_pb_field *field = add_field(p, message);
    field->label = label;
    field->oneof = oneof;
    if (strcmp(type, "group") != 0) {
        set_type(p, message, type);
        TARN_TRY(read_field_rest(p, message));
        return expect(p, ";");
    }
    size_t at = message->field_count - 1;
    TARN_TRY(read_field_rest(p, message));
    struct tarn_pb_message *group =
        add_message(p, message, message->fields[at].name, message->full_name);
    message->fields[at].kind = TARN_PB_GROUP;
    message->fields[at].type_name = group->name;
    message->fields[at].message = group;
    TARN_TRY(make_known(p, (struct named){group->full_name, group, NULL}));
    return parse_message_body(p, group);
}

static enum tarn_status parse_oneof(struct parser *p, struct tarn_pb_message *message)
{
    const char *name;
    TARN_TRY(read_name(p, &name));
    TARN_TRY(expect(p, "{"));
    message->oneofs = grown(p, message->oneofs, message->oneof_count, &message->oneof_cap,
                            sizeof *message->oneofs);
    message->oneofs[message->oneof_count++] = name;
    while (!sees(p, "}")) {
        if (sees(p, "option"))
            TARN_TRY(skip_statement(p));
        else
            TARN_TRY(parse_field(p, message, TARN_PB_PLAIN, name));
    }
    return advance(p);
}

static enum tarn_status parse_enum(struct parser *p, struct tarn_pb_message *parent,
                                   const char *scope)
{
    struct tarn_pb_enum *values = tarn_arena_alloc(p->schema->arena, sizeof *values);
    TARN_TRY(read_name(p, &values->name));
    values->full_name = inside(p, scope, values->name);
    parent->enums =
        grown(p, parent->enums, parent->enum_count, &parent->enum_cap, sizeof *parent->enums);
    parent->enums[parent->enum_count++] = values;
    TARN_TRY(make_known(p, (struct named){values->full_name, NULL, values}));
    TARN_TRY(expect(p, "{"));
    while (!sees(p, "}")) {
        struct tarn_pb_value value;
        if (sees(p, "option") || sees(p, "reserved") || sees(p, ";")) {
            TARN_TRY(skip_statement(p));
            continue;
        }
        TARN_TRY(read_name(p, &value.name));
        TARN_TRY(expect(p, "="));
        TARN_TRY(read_number(p, INT32_MIN, INT32_MAX, &value.number));
        TARN_TRY(read_options(p, NULL));
        TARN_TRY(expect(p, ";"));
        values->values = grown(p, values->values, values->value_count, &values->value_cap,
                               sizeof *values->values);
        values->values[values->value_count++] = value;
    }
    if (!values->value_count)
        return tarn_fail(p->err, TARN_INVALID, "line %d: the enum %s has no values", p->token.line,
                         values->full_name);
    return advance(p);
}

static enum tarn_status parse_message(struct parser *p, struct tarn_pb_message *parent,
                                      const char *scope)
{
    const char *name;
    TARN_TRY(read_name(p, &name));
    struct tarn_pb_message *message = add_message(p, parent, name, scope);
    TARN_TRY(make_known(p, (struct named){message->full_name, message, NULL}));
    return parse_message_body(p, message);
}

/* A statement inside of a message: a keyword may also be the name of a field's type. */
static enum tarn_status parse_member(struct parser *p, struct tarn_pb_message *message)
{
    static const char *const labels[] = {"", "optional", "required", "repeated"};
    static const char *const passed_over[] = {"option", "reserved", "extensions", "extend", ";"};
    for (size_t i = 0; i < TARN_COUNT(passed_over); i++)
        if (sees(p, passed_over[i]))
            return skip_statement(p);
    if (sees(p, "message") || sees(p, "enum") || sees(p, "oneof")) {
        char first = *p->token.text.data;
        TARN_TRY(advance(p));
        return first == 'm'   ? parse_message(p, message, message->full_name)
               : first == 'e' ? parse_enum(p, message, message->full_name)
                              : parse_oneof(p, message);
    }
    for (int label = TARN_PB_OPTIONAL; label <= TARN_PB_REPEATED; label++) {
        if (!sees(p, labels[label]))
            continue;
        TARN_TRY(advance(p));
        return parse_field(p, message, (enum tarn_pb_label)label, NULL);
    }
    return parse_field(p, message, TARN_PB_PLAIN, NULL);
}

static enum tarn_status parse_message_body(struct parser *p, struct tarn_pb_message *message)
{
    if (++p->depth > TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(p->err, TARN_INVALID, "messages nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    TARN_TRY(expect(p, "{"));
    while (!sees(p, "}"))
        TARN_TRY(parse_member(p, message));
    p->depth--;
    return advance(p);
}

/* ---- files ---- */

static enum tarn_status parse_syntax(struct parser *p)
{
    TARN_TRY(expect(p, "="));
    if (p->token.kind != TARN_PB_TEXT)
        return unexpected(p, "\"proto2\" or \"proto3\"");
    struct tarn_text quoted = {p->token.text.data + 1, p->token.text.len - 2};
    p->is_proto3 = tarn_text_is(quoted, "proto3");
    if (!p->is_proto3 && !tarn_text_is(quoted, "proto2"))
        return unexpected(p, "\"proto2\" or \"proto3\"");
    TARN_TRY(advance(p));
    return expect(p, ";");
}

static enum tarn_status parse_statement(struct parser *p, struct tarn_pb_file *file)
{
    static const char *const known[] = {"syntax", "package", "message", "enum"};
    size_t which = 0;
    while (which < TARN_COUNT(known) && !sees(p, known[which]))
        which++;
    if (which == TARN_COUNT(known)) {
        static const char *const passed_over[] = {"import", "option", "service", "extend", ";"};
        for (size_t i = 0; i < TARN_COUNT(passed_over); i++)
            if (sees(p, passed_over[i]))
                return skip_statement(p);
        return unexpected(p, "message, enum, import, option or service");
    }
    TARN_TRY(advance(p));
    if (which == 0)
        return parse_syntax(p);
    if (which == 2)
        return parse_message(p, &file->types, p->package);
    if (which == 3)
        return parse_enum(p, &file->types, p->package);
    TARN_TRY(read_full_name(p, &p->package));
    return expect(p, ";");
}

static enum tarn_status parse_file(struct parser *p, struct tarn_text text,
                                   struct tarn_pb_file *file)
{
    p->lexer = (struct tarn_pb_lexer){text.data, text.data + text.len, 1};
    p->is_proto3 = false;
    p->package = "";
    p->depth = 0;
    TARN_TRY(advance(p));
    while (p->token.kind != TARN_PB_END)
        TARN_TRY(parse_statement(p, file));
    file->package = p->package;
    return TARN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->full_name, ((const struct named *)b)->full_name);
}

static const struct named *find(const struct parser *p, const char *name)
{
    const struct named wanted = {.full_name = name};
    return bsearch(&wanted, p->named, p->named_count, sizeof wanted, by_name);
}

static enum tarn_status resolve(struct parser *p, const struct pending *pending)
{
    struct tarn_pb_field *field = &pending->message->fields[pending->field];
    const char *name = field->type_name;
    const struct named *found = *name == '.' ? find(p, name + 1) : NULL;
    size_t scope = strlen(pending->scope);
    while (!found && *name != '.') {
        found = find(p, scope ? tarn_arena_format(p->schema->arena, "%.*s.%s", (int)scope,
                                                  pending->scope, name)
                              : name);
        if (!scope)
            break;
        while (scope > 0 && pending->scope[scope - 1] != '.')
            scope--;
        scope -= scope > 0;
    }
    if (!found)
        return tarn_fail(p->err, TARN_INVALID,
                         "the type \"%s\" of the field %s of %s is not known: import its file and "
                         "give it as a reference",
                         name, field->name, pending->message->full_name);
    field->kind = found->message ? TARN_PB_MESSAGE : TARN_PB_ENUM;
    field->message = found->message;
    field->values = found->values;
    if (found->message)
        field->is_packed = false;
    return TARN_OK;
}

static enum tarn_status parse_all(struct parser *p, struct tarn_text text,
                                  const struct tarn_schema_dependency *dependencies, size_t count,
                                  struct tarn_pb_file *file)
{
    struct tarn_pb_file other = {0};
    TARN_TRY(parse_file(p, tarn_text_of(well_known), &other));
    TARN_TRY(parse_file(p, tarn_text_of(confluent_decimal), &other));
    for (size_t i = 0; i < count; i++)
        if (parse_file(p, dependencies[i].text, &other) != TARN_OK)
            return tarn_error_wrap(p->err, "reference %.*s", TARN_TEXT_ARGS(dependencies[i].name));
    TARN_TRY(parse_file(p, text, file));
    qsort(p->named, p->named_count, sizeof *p->named, by_name);
    for (size_t i = 0; i + 1 < p->named_count; i++)
        if (strcmp(p->named[i].full_name, p->named[i + 1].full_name) == 0 &&
            strncmp(p->named[i].full_name, "google.protobuf.", 16) != 0 &&
            strncmp(p->named[i].full_name, "confluent.type.", 15) != 0)
            return tarn_fail(p->err, TARN_INVALID, "the type %s is defined twice",
                             p->named[i].full_name);
    for (struct pending *pending = p->pending; pending; pending = pending->next)
        TARN_TRY(resolve(p, pending));
    if (!file->types.message_count && !file->types.enum_count)
        return tarn_fail(p->err, TARN_INVALID, "the file defines no message");
    return TARN_OK;
}

enum tarn_status tarn_pb_parse(struct tarn_schema *schema, struct tarn_text text,
                               const struct tarn_schema_dependency *dependencies, size_t count,
                               bool is_new, struct tarn_error *err)
{
    (void)is_new;
    struct tarn_pb_file *file = tarn_arena_alloc(schema->arena, sizeof *file);
    struct parser parser = {.schema = schema, .err = err};
    enum tarn_status status = parse_all(&parser, text, dependencies, count, file);
    free(parser.named);
    if (status != TARN_OK)
        return status;
    TARN_BUFFER(stored, 8 * TARN_SCHEMA_TEXT_MAX_BYTES);
    TARN_TRY(tarn_pb_format(text, &stored, err));
    schema->text = schema->normal = schema->resolved = tarn_schema_keep(schema, &stored);
    schema->parsed = file;
    return TARN_OK;
}

const struct tarn_schema_format tarn_schema_format_protobuf = {.name = "PROTOBUF",
                                                               .parse = tarn_pb_parse,
                                                               .check = tarn_pb_check,
                                                               .decode = tarn_pb_decode,
                                                               .encode = tarn_pb_encode};
