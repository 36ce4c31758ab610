/* model/relation.c -- see relation.h. */
#include "model/relation.h"

#include <strings.h>

#include "engine/session.h"

static const struct tarn_object_type relation_type, column_type;

static const char *heap_text(struct tarn_heap *heap, struct tarn_value value)
{
    return tarn_value_is_nothing(value) ? NULL : tarn_value_cstr(heap, value);
}

struct tarn_value tarn_relation_value(struct tarn_heap *heap, const struct tarn_relation *relation)
{
    struct tarn_relation *copy = tarn_heap_alloc(heap, sizeof *copy);
    *copy = *relation;
    return tarn_value_object(heap, &relation_type, copy);
}

const struct tarn_relation *tarn_relation_of(struct tarn_value value)
{
    return tarn_value_object_data(value, &relation_type);
}

struct tarn_relation tarn_relation_of_node(const struct tarn_model_node *node)
{
    const char *materialized = tarn_node_materialized(node);
    const char *type =
        node->kind == TARN_NODE_MODEL && strcmp(materialized, "view") == 0 ? "view" : "table";
    return (struct tarn_relation){node->database, node->schema, node->alias, type,  true,
                                  true,           true,         true,        false, NULL};
}

struct tarn_value tarn_relation_cte(struct tarn_heap *heap, const char *name)
{
    struct tarn_value text = tarn_value_format(heap, "__dbt__cte__%s", name);
    struct tarn_relation relation = {
        .identifier = tarn_value_cstr(heap, text), .type = "cte", .with_identifier = true};
    return tarn_relation_value(heap, &relation);
}

static void print_part(const struct tarn_relation *relation, const char *part,
                       struct tarn_buffer *out, bool *first)
{
    if (!*first)
        tarn_buffer_append_char(out, '.');
    *first = false;
    if (relation->quoted)
        tarn_sql_identifier(out, part);
    else
        tarn_buffer_append_str(out, part);
}

void tarn_relation_print(const struct tarn_relation *relation, struct tarn_buffer *out)
{
    bool first = true;
    bool alone = !relation->with_schema && !relation->with_identifier;
    if (relation->database && relation->with_database && (relation->database_asked || alone))
        print_part(relation, relation->database, out, &first);
    if (relation->schema && relation->with_schema)
        print_part(relation, relation->schema, out, &first);
    if (relation->identifier && relation->with_identifier)
        print_part(relation, relation->identifier, out, &first);
}

static void print(void *self, struct tarn_buffer *out)
{
    const struct tarn_relation *relation = self;
    tarn_buffer_append_str(out, relation->filter ? "(select * from " : "");
    tarn_relation_print(relation, out);
    if (relation->filter)
        tarn_buffer_printf(out, " where %s)", relation->filter);
}

static void print_repr(void *self, struct tarn_buffer *out)
{
    tarn_buffer_append_str(out, "<Relation ");
    tarn_relation_print(self, out);
    tarn_buffer_append_str(out, ">");
}

static enum tarn_status render(struct tarn_call *call, struct tarn_value *ret,
                               struct tarn_error *err)
{
    TARN_BUFFER(text, 1 << 16);
    tarn_relation_print(call->userdata, &text);
    *ret = tarn_value_text_copy(call->heap, tarn_buffer_text(&text));
    return tarn_buffer_check(&text, "the name of a relation", err);
}

/* A flag argument: unchanged when not given. */
static void flag(const struct tarn_call *call, size_t at, const char *name, bool *value)
{
    struct tarn_value given = tarn_call_arg(call, at, name);
    if (!tarn_value_is_nothing(given))
        *value = tarn_value_truth(given);
}

static enum tarn_status include(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    (void)err;
    struct tarn_relation relation = *(struct tarn_relation *)call->userdata;
    flag(call, 0, "database", &relation.with_database);
    relation.database_asked = tarn_value_truth(tarn_call_arg(call, 0, "database"));
    flag(call, 1, "schema", &relation.with_schema);
    flag(call, 2, "identifier", &relation.with_identifier);
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status quote(struct tarn_call *call, struct tarn_value *ret,
                              struct tarn_error *err)
{
    (void)err;
    struct tarn_relation relation = *(struct tarn_relation *)call->userdata;
    flag(call, 2, "identifier", &relation.quoted);
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static void take_path(struct tarn_heap *heap, struct tarn_value path,
                      struct tarn_relation *relation)
{
    if (!tarn_value_is(path, TARN_VALUE_DICT))
        return;
    struct tarn_value part = tarn_dict_get_str(path, "database");
    if (part.kind != TARN_VALUE_UNDEFINED)
        relation->database = heap_text(heap, part);
    part = tarn_dict_get_str(path, "schema");
    if (part.kind != TARN_VALUE_UNDEFINED)
        relation->schema = heap_text(heap, part);
    part = tarn_dict_get_str(path, "identifier");
    if (part.kind != TARN_VALUE_UNDEFINED)
        relation->identifier = heap_text(heap, part);
}

static enum tarn_status incorporate(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)err;
    struct tarn_relation relation = *(struct tarn_relation *)call->userdata;
    take_path(call->heap, tarn_call_arg(call, 99, "path"), &relation);
    struct tarn_value type = tarn_call_arg(call, 99, "type");
    if (type.kind != TARN_VALUE_UNDEFINED)
        relation.type = heap_text(call->heap, type);
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status replace_path(struct tarn_call *call, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    (void)err;
    struct tarn_relation relation = *(struct tarn_relation *)call->userdata;
    struct tarn_value path = tarn_value_dict(call->heap);
    for (size_t i = 0; i < call->kwarg_count; i++)
        tarn_dict_put(path, tarn_value_text_copy(call->heap, call->kwargs[i].name),
                      call->kwargs[i].value);
    take_path(call->heap, path, &relation);
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status without_identifier(struct tarn_call *call, struct tarn_value *ret,
                                           struct tarn_error *err)
{
    (void)err;
    struct tarn_relation relation = *(struct tarn_relation *)call->userdata;
    relation.with_identifier = false;
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status information_schema(struct tarn_call *call, struct tarn_value *ret,
                                           struct tarn_error *err)
{
    (void)err;
    const char *view = heap_text(call->heap, tarn_call_arg(call, 0, "view_name"));
    *ret =
        tarn_value_format(call->heap, "information_schema%s%s", view ? "." : "", view ? view : "");
    return TARN_OK;
}

static bool same_part(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcasecmp(a, b) == 0);
}

static bool relation_equal(void *self, struct tarn_value other)
{
    const struct tarn_relation *a = self, *b = tarn_relation_of(other);
    return b && same_part(a->schema, b->schema) && same_part(a->identifier, b->identifier);
}

static uint64_t relation_hash(void *self)
{
    TARN_BUFFER(text, 1 << 16);
    tarn_relation_print(self, &text);
    return tarn_hash64(tarn_buffer_text(&text));
}

static bool relation_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                         struct tarn_value *ret)
{
    const struct tarn_relation *r = self;
    bool view = r->type && strcmp(r->type, "view") == 0;
    if (tarn_text_is(name, "database"))
        *ret = tarn_value_str_ref(r->database);
    else if (tarn_text_is(name, "schema"))
        *ret = tarn_value_str_ref(r->schema);
    else if (tarn_text_is(name, "identifier") || tarn_text_is(name, "name") ||
             tarn_text_is(name, "table"))
        *ret = tarn_value_str_ref(r->identifier);
    else if (tarn_text_is(name, "type"))
        *ret = tarn_value_str_ref(r->type);
    else if (tarn_text_is(name, "is_table"))
        *ret = tarn_value_bool(r->type && strcmp(r->type, "table") == 0);
    else if (tarn_text_is(name, "is_view"))
        *ret = tarn_value_bool(view);
    else if (tarn_text_is(name, "is_cte"))
        *ret = tarn_value_bool(r->type && strcmp(r->type, "cte") == 0);
    else if (tarn_text_is(name, "View"))
        *ret = tarn_value_str_ref("view");
    else if (tarn_text_is(name, "Table"))
        *ret = tarn_value_str_ref("table");
    else if (tarn_text_is(name, "CTE"))
        *ret = tarn_value_str_ref("cte");
    else if (tarn_text_is(name, "External"))
        *ret = tarn_value_str_ref("external");
    else if (tarn_text_is(name, "path")) {
        *ret = tarn_value_dict(heap);
        tarn_dict_put_str(*ret, "database", tarn_value_str_ref(r->database));
        tarn_dict_put_str(*ret, "schema", tarn_value_str_ref(r->schema));
        tarn_dict_put_str(*ret, "identifier", tarn_value_str_ref(r->identifier));
    } else if (tarn_text_is(name, "metadata")) {
        /* how dbt_utils recognises a relation */
        *ret = tarn_value_dict(heap);
        tarn_dict_put_str(*ret, "type", tarn_value_str_ref("DuckDBRelation"));
    } else
        return false;
    return true;
}

static enum tarn_status get_key(struct tarn_call *call, struct tarn_value *ret,
                                struct tarn_error *err)
{
    (void)err;
    struct tarn_text name = tarn_value_text(tarn_call_arg(call, 0, "key"));
    if (!relation_get(call->heap, call->userdata, name, ret)) {
        *ret = tarn_call_arg(call, 1, "default");
        if (ret->kind == TARN_VALUE_UNDEFINED)
            *ret = TARN_NONE;
    }
    return TARN_OK;
}

static bool relation_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                              struct tarn_value *ret)
{
    return tarn_value_is_string(key) && relation_get(heap, self, tarn_value_text(key), ret);
}

static struct tarn_value relation_keys(struct tarn_heap *heap, void *self)
{
    static const char *const keys[] = {"database", "schema", "identifier", "type", "metadata"};
    struct tarn_value list = tarn_value_list(heap);
    (void)self;
    for (size_t i = 0; i < TARN_COUNT(keys); i++)
        tarn_list_append(list, tarn_value_str_ref(keys[i]));
    return list;
}

static const struct tarn_object_method relation_methods[] = {
    {"get", get_key},
    {"render", render},
    {"include", include},
    {"quote", quote},
    {"incorporate", incorporate},
    {"replace_path", replace_path},
    {"without_identifier", without_identifier},
    {"information_schema", information_schema},
    {NULL, NULL},
};

static const struct tarn_object_type relation_type = {
    .name = "Relation",
    .get = relation_get,
    .get_item = relation_get_item,
    .iterate = relation_keys,
    .is_mapping = true,
    .methods = relation_methods,
    .print = print,
    .print_repr = print_repr,
    .equal = relation_equal,
    .hash = relation_hash,
};

/* --- columns */

struct tarn_value tarn_column_value(struct tarn_heap *heap, const char *name, const char *type)
{
    struct tarn_model_column_value *column = tarn_heap_alloc(heap, sizeof *column);
    column->name = tarn_value_cstr(heap, tarn_value_str(heap, name));
    column->type = tarn_value_cstr(heap, tarn_value_str(heap, type));
    return tarn_value_object(heap, &column_type, column);
}

const struct tarn_model_column_value *tarn_column_of(struct tarn_value value)
{
    return tarn_value_object_data(value, &column_type);
}

static bool type_is(const char *type, const char *const *names)
{
    size_t len = strcspn(type, "(");
    for (; *names; names++)
        if (strlen(*names) == len && strncasecmp(type, *names, len) == 0)
            return true;
    return false;
}

static const char *const string_types[] = {"varchar", "text",   "character varying",
                                           "char",    "string", NULL};
static const char *const integer_types[] = {
    "tinyint",   "smallint", "integer", "int",  "bigint", "hugeint",  "utinyint",
    "usmallint", "uinteger", "ubigint", "int4", "int8",   "uhugeint", NULL};
static const char *const numeric_types[] = {"decimal", "numeric", NULL};
static const char *const float_types[] = {"float", "double", "real", "float4", "float8", NULL};

#define TYPE_TEST(function, condition)                                                             \
    static enum tarn_status function(struct tarn_call *call, struct tarn_value *ret,               \
                                     struct tarn_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        const char *type = ((struct tarn_model_column_value *)call->userdata)->type;               \
        *ret = tarn_value_bool(condition);                                                         \
        return TARN_OK;                                                                            \
    }
TYPE_TEST(is_string, type_is(type, string_types))
TYPE_TEST(is_integer, type_is(type, integer_types))
TYPE_TEST(is_numeric, type_is(type, numeric_types))
TYPE_TEST(is_float, type_is(type, float_types))
TYPE_TEST(is_number, type_is(type, integer_types) || type_is(type, numeric_types) ||
                         type_is(type, float_types))

static enum tarn_status string_size(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = tarn_value_int(256);
    return TARN_OK;
}

static bool column_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                       struct tarn_value *ret)
{
    const struct tarn_model_column_value *column = self;
    if (tarn_text_is(name, "name") || tarn_text_is(name, "column")) {
        *ret = tarn_value_str_ref(column->name);
    } else if (tarn_text_is(name, "dtype") || tarn_text_is(name, "data_type")) {
        *ret = tarn_value_str_ref(column->type);
    } else if (tarn_text_is(name, "quoted")) {
        TARN_BUFFER(text, 1 << 16);
        tarn_sql_identifier(&text, column->name);
        *ret = tarn_value_text_copy(heap, tarn_buffer_text(&text));
    } else if (tarn_text_is(name, "char_size") || tarn_text_is(name, "numeric_precision") ||
               tarn_text_is(name, "numeric_scale")) {
        *ret = TARN_NONE;
    } else {
        return false;
    }
    return true;
}

static void column_print(void *self, struct tarn_buffer *out)
{
    const struct tarn_model_column_value *column = self;
    tarn_buffer_printf(out, "<Column %s (%s)>", column->name, column->type);
}

static bool column_equal(void *self, struct tarn_value other)
{
    const struct tarn_model_column_value *a = self, *b = tarn_column_of(other);
    return b && strcasecmp(a->name, b->name) == 0 && strcasecmp(a->type, b->type) == 0;
}

static uint64_t column_hash(void *self)
{
    const struct tarn_model_column_value *column = self;
    return tarn_hash64(tarn_text_of(column->name));
}

static const struct tarn_object_method column_methods[] = {
    {"is_string", is_string},
    {"is_integer", is_integer},
    {"is_numeric", is_numeric},
    {"is_float", is_float},
    {"is_number", is_number},
    {"string_size", string_size},
    {NULL, NULL},
};

static const struct tarn_object_type column_type = {
    .name = "Column",
    .get = column_get,
    .methods = column_methods,
    .print = column_print,
    .equal = column_equal,
    .hash = column_hash,
};

/* --- api */

static enum tarn_status create_relation(struct tarn_call *call, struct tarn_value *ret,
                                        struct tarn_error *err)
{
    static const char *const names[] = {"database",     "schema",         "identifier", "type",
                                        "quote_policy", "include_policy", "**rest",     NULL};
    struct tarn_value v[7];
    TARN_TRY(tarn_call_bind(call, names, 0, v, err));
    struct tarn_relation relation = {
        .database = heap_text(call->heap, v[0]),
        .schema = heap_text(call->heap, v[1]),
        .identifier = heap_text(call->heap, v[2]),
        .type = heap_text(call->heap, v[3]),
        .with_database = true,
        .with_schema = true,
        .with_identifier = true,
        .quoted = true,
    };
    *ret = tarn_relation_value(call->heap, &relation);
    return TARN_OK;
}

static enum tarn_status create_column(struct tarn_call *call, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    static const char *const names[] = {"name", "label_or_dtype", "**rest", NULL};
    struct tarn_value v[3];
    TARN_TRY(tarn_call_bind(call, names, 2, v, err));
    *ret = tarn_column_value(call->heap, tarn_value_cstr(call->heap, v[0]),
                             tarn_value_cstr(call->heap, v[1]));
    return TARN_OK;
}

static enum tarn_status translate_type(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    static const char *const labels[][2] = {{"string", "varchar"},      {"text", "varchar"},
                                            {"timestamp", "timestamp"}, {"float", "float8"},
                                            {"integer", "int"},         {"boolean", "boolean"}};
    (void)err;
    *ret = tarn_call_arg(call, 0, "dtype");
    const char *wanted = heap_text(call->heap, *ret);
    for (size_t i = 0; wanted && i < TARN_COUNT(labels); i++)
        if (strcasecmp(labels[i][0], wanted) == 0)
            *ret = tarn_value_str_ref(labels[i][1]);
    return TARN_OK;
}

static enum tarn_status string_type(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)err;
    *ret = tarn_value_format(call->heap, "character varying(%s)",
                             tarn_value_cstr(call->heap, tarn_call_arg(call, 0, "size")));
    return TARN_OK;
}

static bool relation_class_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                               struct tarn_value *ret)
{
    static const struct tarn_relation none;
    (void)self;
    return relation_get(heap, (void *)&none, name, ret) && !tarn_value_is(*ret, TARN_VALUE_NONE);
}

static const struct tarn_object_method relation_class_methods[] = {{"create", create_relation},
                                                                   {NULL, NULL}};
static const struct tarn_object_type relation_class = {.name = "type",
                                                       .get = relation_class_get,
                                                       .methods = relation_class_methods,
                                                       .call = create_relation};
static const struct tarn_object_method column_class_methods[] = {{"create", create_column},
                                                                 {"translate_type", translate_type},
                                                                 {"string_type", string_type},
                                                                 {NULL, NULL}};
static const struct tarn_object_type column_class = {
    .name = "type", .methods = column_class_methods, .call = create_column};

struct tarn_value tarn_relation_api(struct tarn_heap *heap)
{
    struct tarn_value api = tarn_value_dict(heap);
    tarn_dict_put_str(api, "Relation", tarn_value_object(heap, &relation_class, NULL));
    tarn_dict_put_str(api, "Column", tarn_value_object(heap, &column_class, NULL));
    return api;
}
