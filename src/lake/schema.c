/* lake/schema.c -- Iceberg schemas and their JSON, see schema.h. The meeting with DuckDB's types is
 * schema_duckdb.c. */
#include "lake/schema.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/session.h"

enum { DEPTH_MAX = 32, TYPE_TEXT_MAX_BYTES = 1 << 20, FIELD_ID_MAX = 2147483447 };

static const struct {
    const char *name;
    const char *duckdb;
} primitives[] = {
    [TARN_ICEBERG_BOOLEAN] = {"boolean", "BOOLEAN"},
    [TARN_ICEBERG_INT] = {"int", "INTEGER"},
    [TARN_ICEBERG_LONG] = {"long", "BIGINT"},
    [TARN_ICEBERG_FLOAT] = {"float", "FLOAT"},
    [TARN_ICEBERG_DOUBLE] = {"double", "DOUBLE"},
    [TARN_ICEBERG_DATE] = {"date", "DATE"},
    [TARN_ICEBERG_TIME] = {"time", "TIME"},
    [TARN_ICEBERG_TIMESTAMP] = {"timestamp", "TIMESTAMP"},
    [TARN_ICEBERG_TIMESTAMPTZ] = {"timestamptz", "TIMESTAMP WITH TIME ZONE"},
    [TARN_ICEBERG_STRING] = {"string", "VARCHAR"},
    [TARN_ICEBERG_UUID] = {"uuid", "UUID"},
    [TARN_ICEBERG_BINARY] = {"binary", "BLOB"},
};

static enum tarn_status parse_type(const json_t *json, struct tarn_arena *arena, int depth,
                                   const struct tarn_iceberg_type **ret_type,
                                   struct tarn_error *err);

static bool parse_decimal(const char *name, struct tarn_iceberg_type *type)
{
    int end = 0;
    if (sscanf(name, "decimal ( %d , %d )%n", &type->precision, &type->scale, &end) < 2 ||
        end == 0 || name[end] != 0)
        return false;
    type->kind = TARN_ICEBERG_DECIMAL;
    return type->precision >= 1 && type->precision <= 38 && type->scale >= 0 &&
           type->scale <= type->precision;
}

static bool parse_fixed(const char *name, struct tarn_iceberg_type *type)
{
    int end = 0;
    if (sscanf(name, "fixed [ %d ]%n", &type->length, &end) < 1 || end == 0 || name[end] != 0)
        return false;
    type->kind = TARN_ICEBERG_FIXED;
    return type->length >= 0;
}

static enum tarn_status parse_primitive(const char *name, struct tarn_iceberg_type *type,
                                        struct tarn_error *err)
{
    for (size_t kind = 0; kind < TARN_COUNT(primitives); kind++)
        if (strcmp(name, primitives[kind].name) == 0) {
            type->kind = (enum tarn_iceberg_kind)kind;
            return TARN_OK;
        }
    if (parse_decimal(name, type) || parse_fixed(name, type))
        return TARN_OK;
    return tarn_fail(err, TARN_UNSUPPORTED, "the type '%.60s' is none of Iceberg format version 2",
                     name);
}

static enum tarn_status parse_id(const json_t *json, const char *key, int *ret_id,
                                 struct tarn_error *err)
{
    const json_t *value = json_object_get(json, key);
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id > FIELD_ID_MAX)
        return tarn_fail(err, TARN_INVALID, "a field of the schema has no valid '%s'", key);
    *ret_id = (int)id;
    return TARN_OK;
}

static enum tarn_status parse_child(const json_t *json, const char *name, struct tarn_arena *arena,
                                    int depth, struct tarn_iceberg_field *field,
                                    struct tarn_error *err)
{
    char key[32];
    field->name = name;
    snprintf(key, sizeof key, "%s-id", name);
    TARN_TRY(parse_id(json, key, &field->id, err));
    snprintf(key, sizeof key, "%s-required", name);
    field->required = json_is_true(json_object_get(json, key)) || strcmp(name, "key") == 0;
    return parse_type(json_object_get(json, name), arena, depth + 1, &field->type, err);
}

static enum tarn_status parse_fields(const json_t *list, struct tarn_arena *arena, int depth,
                                     struct tarn_iceberg_field **ret_fields, size_t *ret_count,
                                     struct tarn_error *err)
{
    if (!json_is_array(list))
        return tarn_fail(err, TARN_INVALID, "a struct of the schema has no list of fields");
    size_t count = json_array_size(list);
    struct tarn_iceberg_field *fields = tarn_arena_array(arena, count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *doc = json_string_value(json_object_get(json, "doc"));
        if (!name)
            return tarn_fail(err, TARN_INVALID, "a field of the schema has no name");
        fields[i].name = tarn_arena_strdup(arena, name);
        fields[i].doc = doc ? tarn_arena_strdup(arena, doc) : NULL;
        fields[i].required = json_is_true(json_object_get(json, "required"));
        TARN_TRY(parse_id(json, "id", &fields[i].id, err));
        TARN_TRY(parse_type(json_object_get(json, "type"), arena, depth + 1, &fields[i].type, err));
    }
    *ret_fields = fields;
    *ret_count = count;
    return TARN_OK;
}

static enum tarn_status parse_nested(const json_t *json, struct tarn_arena *arena, int depth,
                                     struct tarn_iceberg_type *type, struct tarn_error *err)
{
    const char *name = json_string_value(json_object_get(json, "type"));
    if (name && strcmp(name, "struct") == 0) {
        type->kind = TARN_ICEBERG_STRUCT;
        return parse_fields(json_object_get(json, "fields"), arena, depth, &type->fields,
                            &type->field_count, err);
    }
    bool list = name && strcmp(name, "list") == 0;
    if (!list && !(name && strcmp(name, "map") == 0))
        return tarn_fail(err, TARN_UNSUPPORTED,
                         "the type '%.60s' is none of Iceberg format version 2",
                         name ? name : "(none)");
    type->kind = list ? TARN_ICEBERG_LIST : TARN_ICEBERG_MAP;
    type->field_count = list ? 1 : 2;
    type->fields = tarn_arena_array(arena, 2, sizeof *type->fields);
    TARN_TRY(parse_child(json, list ? "element" : "key", arena, depth, &type->fields[0], err));
    return list ? TARN_OK : parse_child(json, "value", arena, depth, &type->fields[1], err);
}

static enum tarn_status parse_type(const json_t *json, struct tarn_arena *arena, int depth,
                                   const struct tarn_iceberg_type **ret_type,
                                   struct tarn_error *err)
{
    if (depth > DEPTH_MAX)
        return tarn_fail(err, TARN_INVALID, "the schema is nested more than %d deep", DEPTH_MAX);
    struct tarn_iceberg_type *type = tarn_arena_alloc(arena, sizeof *type);
    if (json_is_string(json))
        TARN_TRY(parse_primitive(json_string_value(json), type, err));
    else
        TARN_TRY(parse_nested(json, arena, depth, type, err));
    *ret_type = type;
    return TARN_OK;
}

enum tarn_status tarn_iceberg_schema_parse(const json_t *json, struct tarn_arena *arena,
                                           struct tarn_iceberg_schema *ret_schema,
                                           struct tarn_error *err)
{
    struct tarn_iceberg_schema schema = {0};
    const json_t *id = json_object_get(json, "schema-id");
    if (id &&
        (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT_MAX))
        return tarn_fail(err, TARN_INVALID, "'schema-id' is no valid number");
    schema.id = (int)json_integer_value(id);
    TARN_TRY(parse_fields(json_object_get(json, "fields"), arena, 0, &schema.fields,
                          &schema.field_count, err));
    *ret_schema = schema;
    return TARN_OK;
}

/* ---- writing ---- */

static json_t *fields_json(const struct tarn_iceberg_field *fields, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *field = json_object();
        json_object_set_new(field, "id", json_integer(fields[i].id));
        json_object_set_new(field, "name", json_string(fields[i].name));
        json_object_set_new(field, "required", json_boolean(fields[i].required));
        json_object_set_new(field, "type", tarn_iceberg_type_json(fields[i].type));
        if (fields[i].doc && fields[i].doc[0])
            json_object_set_new(field, "doc", json_string(fields[i].doc));
        json_array_append_new(list, field);
    }
    return list;
}

static void child_json(json_t *json, const struct tarn_iceberg_field *field, bool with_required)
{
    char key[32];
    snprintf(key, sizeof key, "%s-id", field->name);
    json_object_set_new(json, key, json_integer(field->id));
    json_object_set_new(json, field->name, tarn_iceberg_type_json(field->type));
    snprintf(key, sizeof key, "%s-required", field->name);
    if (with_required)
        json_object_set_new(json, key, json_boolean(field->required));
}

json_t *tarn_iceberg_type_json(const struct tarn_iceberg_type *type)
{
    if (type->kind == TARN_ICEBERG_DECIMAL)
        return json_sprintf("decimal(%d, %d)", type->precision, type->scale);
    if (type->kind == TARN_ICEBERG_FIXED)
        return json_sprintf("fixed[%d]", type->length);
    if (!tarn_iceberg_is_nested(type))
        return json_string(primitives[type->kind].name);
    json_t *json = json_object();
    const char *name = type->kind == TARN_ICEBERG_STRUCT ? "struct"
                       : type->kind == TARN_ICEBERG_LIST ? "list"
                                                         : "map";
    json_object_set_new(json, "type", json_string(name));
    if (type->kind == TARN_ICEBERG_STRUCT) {
        json_object_set_new(json, "fields", fields_json(type->fields, type->field_count));
        return json;
    }
    child_json(json, &type->fields[0], type->kind == TARN_ICEBERG_LIST);
    if (type->kind == TARN_ICEBERG_MAP)
        child_json(json, &type->fields[1], true);
    return json;
}

json_t *tarn_iceberg_schema_json(const struct tarn_iceberg_schema *schema)
{
    json_t *json = json_object();
    json_object_set_new(json, "type", json_string("struct"));
    json_object_set_new(json, "schema-id", json_integer(schema->id));
    json_object_set_new(json, "fields", fields_json(schema->fields, schema->field_count));
    return json;
}

static void type_text(const struct tarn_iceberg_type *type, struct tarn_buffer *out)
{
    if (type->kind == TARN_ICEBERG_DECIMAL) {
        tarn_buffer_printf(out, "decimal(%d, %d)", type->precision, type->scale);
    } else if (type->kind == TARN_ICEBERG_FIXED) {
        tarn_buffer_printf(out, "fixed[%d]", type->length);
    } else if (type->kind == TARN_ICEBERG_STRUCT) {
        tarn_buffer_append_str(out, "struct<");
        for (size_t i = 0; i < type->field_count; i++) {
            tarn_buffer_printf(out, "%s%s: ", i ? ", " : "", type->fields[i].name);
            type_text(type->fields[i].type, out);
        }
        tarn_buffer_append_char(out, '>');
    } else if (tarn_iceberg_is_nested(type)) {
        tarn_buffer_append_str(out, type->kind == TARN_ICEBERG_LIST ? "list<" : "map<");
        type_text(type->fields[0].type, out);
        if (type->kind == TARN_ICEBERG_MAP) {
            tarn_buffer_append_str(out, ", ");
            type_text(type->fields[1].type, out);
        }
        tarn_buffer_append_char(out, '>');
    } else {
        tarn_buffer_append_str(out, primitives[type->kind].name);
    }
}

char *tarn_iceberg_type_text(const struct tarn_iceberg_type *type, struct tarn_arena *arena)
{
    TARN_BUFFER(text, TYPE_TEXT_MAX_BYTES);
    type_text(type, &text);
    return tarn_arena_strndup(arena, tarn_buffer_str(&text), text.len);
}

void tarn_iceberg_duckdb_write(const struct tarn_iceberg_type *type, struct tarn_buffer *out)
{
    switch (type->kind) {
    case TARN_ICEBERG_DECIMAL:
        tarn_buffer_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
        return;
    case TARN_ICEBERG_FIXED:
        tarn_buffer_append_str(out, "BLOB");
        return;
    case TARN_ICEBERG_LIST:
        tarn_iceberg_duckdb_write(type->fields[0].type, out);
        tarn_buffer_append_str(out, "[]");
        return;
    case TARN_ICEBERG_MAP:
        tarn_buffer_append_str(out, "MAP(");
        tarn_iceberg_duckdb_write(type->fields[0].type, out);
        tarn_buffer_append_str(out, ", ");
        tarn_iceberg_duckdb_write(type->fields[1].type, out);
        tarn_buffer_append_char(out, ')');
        return;
    case TARN_ICEBERG_STRUCT:
        tarn_buffer_append_str(out, "STRUCT(");
        for (size_t i = 0; i < type->field_count; i++) {
            tarn_buffer_append_str(out, i ? ", " : "");
            tarn_sql_identifier(out, type->fields[i].name);
            tarn_buffer_append_char(out, ' ');
            tarn_iceberg_duckdb_write(type->fields[i].type, out);
        }
        tarn_buffer_append_char(out, ')');
        return;
    case TARN_ICEBERG_BOOLEAN:
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_TIME:
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
    case TARN_ICEBERG_STRING:
    case TARN_ICEBERG_UUID:
    case TARN_ICEBERG_BINARY:
        tarn_buffer_append_str(out, primitives[type->kind].duckdb);
        return;
    }
}

char *tarn_iceberg_duckdb_text(const struct tarn_iceberg_type *type, struct tarn_arena *arena)
{
    TARN_BUFFER(text, TYPE_TEXT_MAX_BYTES);
    tarn_iceberg_duckdb_write(type, &text);
    return tarn_arena_strndup(arena, tarn_buffer_str(&text), text.len);
}

bool tarn_iceberg_is_nested(const struct tarn_iceberg_type *type)
{
    return type->kind == TARN_ICEBERG_STRUCT || type->kind == TARN_ICEBERG_LIST ||
           type->kind == TARN_ICEBERG_MAP;
}

bool tarn_iceberg_type_equal(const struct tarn_iceberg_type *a, const struct tarn_iceberg_type *b,
                             bool with_ids)
{
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->length != b->length || a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct tarn_iceberg_field *x = &a->fields[i], *y = &b->fields[i];
        if (strcmp(x->name, y->name) != 0 || (with_ids && x->id != y->id) ||
            !tarn_iceberg_type_equal(x->type, y->type, with_ids))
            return false;
    }
    return true;
}

/* ---- looking up ---- */

struct tarn_iceberg_field *tarn_iceberg_field_find(const struct tarn_iceberg_schema *schema,
                                                   const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    for (size_t i = 0; i < schema->field_count; i++)
        if (strcasecmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    return NULL;
}

static const struct tarn_iceberg_field *find_id(const struct tarn_iceberg_field *fields,
                                                size_t count, int id)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].id == id)
            return &fields[i];
        const struct tarn_iceberg_field *inner =
            find_id(fields[i].type->fields, fields[i].type->field_count, id);
        if (inner)
            return inner;
    }
    return NULL;
}

const struct tarn_iceberg_field *tarn_iceberg_field_by_id(const struct tarn_iceberg_schema *schema,
                                                          int id)
{
    return find_id(schema->fields, schema->field_count, id);
}

static int max_id(const struct tarn_iceberg_field *fields, size_t count)
{
    int max = 0;
    for (size_t i = 0; i < count; i++) {
        int inner = max_id(fields[i].type->fields, fields[i].type->field_count);
        int here = fields[i].id > inner ? fields[i].id : inner;
        max = here > max ? here : max;
    }
    return max;
}

int tarn_iceberg_max_id(const struct tarn_iceberg_schema *schema)
{
    return max_id(schema->fields, schema->field_count);
}

static void field_ids_write(const struct tarn_iceberg_field *fields, size_t count, int own_id,
                            struct tarn_buffer *out)
{
    tarn_buffer_append_char(out, '{');
    if (own_id >= 0)
        tarn_buffer_printf(out, "__duckdb_field_id: %d, ", own_id);
    for (size_t i = 0; i < count; i++) {
        tarn_buffer_append_str(out, i ? ", " : "");
        tarn_sql_identifier(out, fields[i].name);
        tarn_buffer_append_str(out, ": ");
        if (tarn_iceberg_is_nested(fields[i].type))
            field_ids_write(fields[i].type->fields, fields[i].type->field_count, fields[i].id, out);
        else
            tarn_buffer_printf(out, "%d", fields[i].id);
    }
    tarn_buffer_append_char(out, '}');
}

void tarn_iceberg_field_ids_write(const struct tarn_iceberg_schema *schema, struct tarn_buffer *out)
{
    field_ids_write(schema->fields, schema->field_count, -1, out);
}
