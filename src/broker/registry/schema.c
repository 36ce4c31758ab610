/* broker/registry/schema.c -- what the three formats share: the table, references, messages. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "broker/registry/schema_int.h"

enum { JSON_DEPTH_MAX = 5 * TARN_SCHEMA_DEPTH_MAX, DOCUMENTS_MAX = 1000 };

static const struct tarn_schema_format *const formats[] = {
    [TARN_SCHEMA_AVRO] = &tarn_schema_format_avro,
    [TARN_SCHEMA_JSON] = &tarn_schema_format_json,
    [TARN_SCHEMA_PROTOBUF] = &tarn_schema_format_protobuf,
};

const char *tarn_schema_type_name(enum tarn_schema_type type)
{
    return formats[type]->name;
}

bool tarn_schema_type_parse(struct tarn_text name, enum tarn_schema_type *ret_type)
{
    for (size_t i = 0; i < TARN_COUNT(formats); i++) {
        if (!tarn_text_is(name, formats[i]->name))
            continue;
        *ret_type = (enum tarn_schema_type)i;
        return true;
    }
    return false;
}

static void free_schema(struct tarn_schema *schema)
{
    for (size_t i = 0; i < schema->document_count; i++)
        json_decref(schema->documents[i]);
    free(schema->documents);
    tarn_arena_free(schema->arena);
    free(schema);
}

enum tarn_status tarn_schema_parse(enum tarn_schema_type type, struct tarn_text text,
                                   const struct tarn_schema_dependency *dependencies, size_t count,
                                   bool is_new, struct tarn_schema **ret_schema,
                                   struct tarn_error *err)
{
    if (text.len > TARN_SCHEMA_TEXT_MAX_BYTES)
        return tarn_fail(err, TARN_TOO_LARGE, "parsing a schema: it has %zu bytes, at most %d fit",
                         text.len, TARN_SCHEMA_TEXT_MAX_BYTES);
    if (count >= DOCUMENTS_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "parsing a schema: more than %d references",
                         DOCUMENTS_MAX);
    struct tarn_schema *schema = tarn_alloc(sizeof *schema);
    schema->references = 1;
    schema->type = type;
    schema->arena = tarn_arena_new();
    schema->documents = tarn_alloc_array(count + 1, sizeof *schema->documents);
    enum tarn_status status = formats[type]->parse(schema, text, dependencies, count, is_new, err);
    if (status != TARN_OK) {
        free_schema(schema);
        return status;
    }
    *ret_schema = schema;
    return TARN_OK;
}

struct tarn_schema *tarn_schema_ref(struct tarn_schema *schema)
{
    __atomic_add_fetch(&schema->references, 1, __ATOMIC_RELAXED);
    return schema;
}

void tarn_schema_unref(struct tarn_schema *schema)
{
    if (schema && __atomic_sub_fetch(&schema->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_schema(schema);
}

enum tarn_schema_type tarn_schema_type(const struct tarn_schema *schema)
{
    return schema->type;
}

struct tarn_text tarn_schema_text(const struct tarn_schema *schema)
{
    return schema->text;
}

struct tarn_text tarn_schema_normal_text(const struct tarn_schema *schema)
{
    return schema->normal;
}

struct tarn_text tarn_schema_resolved_text(const struct tarn_schema *schema)
{
    return schema->resolved;
}

void tarn_schema_add_message(struct tarn_schema_messages *messages, const char *format, ...)
{
    if (messages->count == TARN_SCHEMA_MESSAGES_MAX)
        return;
    if (messages->count == messages->cap) {
        size_t cap = messages->cap ? 2 * messages->cap : 8;
        char **items = tarn_arena_array(messages->arena, cap, sizeof *items);
        for (size_t i = 0; i < messages->count; i++)
            items[i] = messages->items[i];
        messages->items = items;
        messages->cap = cap;
    }
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    messages->items[messages->count++] =
        tarn_arena_strndup(messages->arena, len < 0 ? "" : text, len < 0 ? 0 : (size_t)len);
    free(text);
}

bool tarn_schema_can_read(const struct tarn_schema *reader, const struct tarn_schema *writer,
                          struct tarn_schema_messages *messages)
{
    size_t before = messages->count;
    if (reader->type != writer->type)
        tarn_schema_add_message(messages, "Incompatible because of different schema type");
    else
        formats[reader->type]->check(reader, writer, messages);
    return messages->count == before;
}

enum tarn_status tarn_schema_decode(const struct tarn_schema *schema, struct tarn_text payload,
                                    struct tarn_buffer *json, struct tarn_error *err)
{
    return formats[schema->type]->decode(schema, payload, json, err);
}

enum tarn_status tarn_schema_encode(const struct tarn_schema *schema, const json_t *json,
                                    struct tarn_buffer *payload, struct tarn_error *err)
{
    return formats[schema->type]->encode(schema, json, payload, err);
}

static bool is_deeper(const json_t *json, int left)
{
    if (left == 0)
        return true;
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(json)) {
        json_object_foreach ((json_t *)(uintptr_t)json, key, value)
            if (is_deeper(value, left - 1))
                return true;
    } else if (json_is_array(json)) {
        json_array_foreach (json, i, value)
            if (is_deeper(value, left - 1))
                return true;
    }
    return false;
}

enum tarn_status tarn_schema_read_json(struct tarn_schema *schema, struct tarn_text text,
                                       json_t **ret_json, struct tarn_error *err)
{
    json_error_t error;
    json_t *json =
        json_loadb(text.data ? text.data : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json)
        return tarn_fail(err, TARN_INVALID, "line %d column %d: %s", error.line, error.column,
                         error.text);
    schema->documents[schema->document_count++] = json;
    if (is_deeper(json, JSON_DEPTH_MAX))
        return tarn_fail(err, TARN_INVALID, "it is nested deeper than %d levels", JSON_DEPTH_MAX);
    *ret_json = json;
    return TARN_OK;
}

struct tarn_text tarn_schema_keep(struct tarn_schema *schema, const struct tarn_buffer *buffer)
{
    return (struct tarn_text){
        tarn_arena_strndup(schema->arena, tarn_buffer_str(buffer), buffer->len), buffer->len};
}
