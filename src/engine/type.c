/* engine/type.c -- types: from and to DuckDB's, as SQL text, parsed from SQL text. */
#include "engine/type.h"

#include <stdio.h>
#include <strings.h>

#include "engine/duckdb_api.h"
#include "engine/session.h"
#include "engine/source.h"

static const struct {
    enum tarn_type_id id;
    duckdb_type duckdb;
} type_pairs[] = {
    {TARN_TYPE_BOOLEAN, DUCKDB_TYPE_BOOLEAN},
    {TARN_TYPE_TINYINT, DUCKDB_TYPE_TINYINT},
    {TARN_TYPE_SMALLINT, DUCKDB_TYPE_SMALLINT},
    {TARN_TYPE_INTEGER, DUCKDB_TYPE_INTEGER},
    {TARN_TYPE_BIGINT, DUCKDB_TYPE_BIGINT},
    {TARN_TYPE_UTINYINT, DUCKDB_TYPE_UTINYINT},
    {TARN_TYPE_USMALLINT, DUCKDB_TYPE_USMALLINT},
    {TARN_TYPE_UINTEGER, DUCKDB_TYPE_UINTEGER},
    {TARN_TYPE_UBIGINT, DUCKDB_TYPE_UBIGINT},
    {TARN_TYPE_HUGEINT, DUCKDB_TYPE_HUGEINT},
    {TARN_TYPE_UHUGEINT, DUCKDB_TYPE_UHUGEINT},
    {TARN_TYPE_FLOAT, DUCKDB_TYPE_FLOAT},
    {TARN_TYPE_DOUBLE, DUCKDB_TYPE_DOUBLE},
    {TARN_TYPE_DECIMAL, DUCKDB_TYPE_DECIMAL},
    {TARN_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR},
    {TARN_TYPE_BLOB, DUCKDB_TYPE_BLOB},
    {TARN_TYPE_DATE, DUCKDB_TYPE_DATE},
    {TARN_TYPE_TIME, DUCKDB_TYPE_TIME},
    {TARN_TYPE_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP},
    {TARN_TYPE_TIMESTAMP_S, DUCKDB_TYPE_TIMESTAMP_S},
    {TARN_TYPE_TIMESTAMP_MS, DUCKDB_TYPE_TIMESTAMP_MS},
    {TARN_TYPE_TIMESTAMP_NS, DUCKDB_TYPE_TIMESTAMP_NS},
    {TARN_TYPE_TIMESTAMP_TZ, DUCKDB_TYPE_TIMESTAMP_TZ},
    {TARN_TYPE_TIME_TZ, DUCKDB_TYPE_TIME_TZ},
    {TARN_TYPE_INTERVAL, DUCKDB_TYPE_INTERVAL},
    {TARN_TYPE_UUID, DUCKDB_TYPE_UUID},
    {TARN_TYPE_ENUM, DUCKDB_TYPE_ENUM},
    {TARN_TYPE_LIST, DUCKDB_TYPE_LIST},
    {TARN_TYPE_ARRAY, DUCKDB_TYPE_ARRAY},
    {TARN_TYPE_STRUCT, DUCKDB_TYPE_STRUCT},
    {TARN_TYPE_MAP, DUCKDB_TYPE_MAP},
    {TARN_TYPE_UNION, DUCKDB_TYPE_UNION},
    {TARN_TYPE_BIT, DUCKDB_TYPE_BIT},
    {TARN_TYPE_SQLNULL, DUCKDB_TYPE_SQLNULL},
};

static const char *const type_sql[] = {
#define X(name, sql, bytes) [TARN_TYPE_##name] = sql,
    TARN_TYPE_MAP(X)
#undef X
};

static enum tarn_type_id id_from_duckdb(duckdb_type type)
{
    for (size_t i = 0; i < TARN_COUNT(type_pairs); i++)
        if (type_pairs[i].duckdb == type)
            return type_pairs[i].id;
    return TARN_TYPE_OTHER;
}

static void set_children(struct tarn_type *type, size_t count, struct tarn_arena *arena)
{
    type->child_count = count;
    type->children = tarn_arena_array(arena, count, sizeof *type->children);
    type->child_names = tarn_arena_array(arena, count, sizeof *type->child_names);
}

/* Takes over `child`. */
static void set_child(struct tarn_type *type, size_t i, char *name, duckdb_logical_type child,
                      struct tarn_arena *arena)
{
    if (name)
        type->child_names[i] = tarn_arena_strdup(arena, name);
    duckdb_free(name);
    type->children[i] = tarn_type_from_duckdb(child, arena);
    duckdb_destroy_logical_type(&child);
}

static void copy_enum_values(struct tarn_type *type, duckdb_logical_type from,
                             struct tarn_arena *arena)
{
    type->child_count = duckdb_enum_dictionary_size(from);
    type->child_names = tarn_arena_array(arena, type->child_count, sizeof *type->child_names);
    for (size_t i = 0; i < type->child_count; i++) {
        char *value = duckdb_enum_dictionary_value(from, i);
        type->child_names[i] = tarn_arena_strdup(arena, value);
        duckdb_free(value);
    }
}

static void copy_children(struct tarn_type *type, duckdb_logical_type from,
                          struct tarn_arena *arena)
{
    switch ((int)type->id) {
    case TARN_TYPE_LIST:
        set_children(type, 1, arena);
        set_child(type, 0, NULL, duckdb_list_type_child_type(from), arena);
        break;
    case TARN_TYPE_ARRAY:
        set_children(type, 1, arena);
        type->array_size = duckdb_array_type_array_size(from);
        set_child(type, 0, NULL, duckdb_array_type_child_type(from), arena);
        break;
    case TARN_TYPE_MAP:
        set_children(type, 2, arena);
        set_child(type, 0, NULL, duckdb_map_type_key_type(from), arena);
        set_child(type, 1, NULL, duckdb_map_type_value_type(from), arena);
        break;
    case TARN_TYPE_STRUCT:
        set_children(type, duckdb_struct_type_child_count(from), arena);
        for (size_t i = 0; i < type->child_count; i++)
            set_child(type, i, duckdb_struct_type_child_name(from, i),
                      duckdb_struct_type_child_type(from, i), arena);
        break;
    case TARN_TYPE_UNION:
        set_children(type, duckdb_union_type_member_count(from), arena);
        for (size_t i = 0; i < type->child_count; i++)
            set_child(type, i, duckdb_union_type_member_name(from, i),
                      duckdb_union_type_member_type(from, i), arena);
        break;
    case TARN_TYPE_ENUM:
        copy_enum_values(type, from, arena);
        break;
    default:
        break;
    }
}

const struct tarn_type *tarn_type_from_duckdb(duckdb_logical_type from, struct tarn_arena *arena)
{
    struct tarn_type *type = tarn_arena_alloc(arena, sizeof *type);
    type->id = id_from_duckdb(duckdb_get_type_id(from));
    if (type->id == TARN_TYPE_DECIMAL) {
        type->width = duckdb_decimal_width(from);
        type->scale = duckdb_decimal_scale(from);
    }
    char *alias = duckdb_logical_type_get_alias(from);
    type->is_json = alias && strcmp(alias, "JSON") == 0;
    duckdb_free(alias);
    copy_children(type, from, arena);
    return type;
}

duckdb_logical_type tarn_type_to_duckdb(const struct tarn_type *type)
{
    if (type->id == TARN_TYPE_DECIMAL)
        return duckdb_create_decimal_type(type->width, type->scale);
    for (size_t i = 0; i < TARN_COUNT(type_pairs); i++)
        if (type_pairs[i].id == type->id)
            return duckdb_create_logical_type(type_pairs[i].duckdb);
    return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

static void write_members(const struct tarn_type *type, const char *word, struct tarn_buffer *out)
{
    tarn_buffer_printf(out, "%s(", word);
    for (size_t i = 0; i < type->child_count; i++) {
        tarn_buffer_append_str(out, i ? ", " : "");
        if (type->id == TARN_TYPE_ENUM) {
            tarn_sql_literal(out, tarn_text_of(type->child_names[i]));
            continue;
        }
        if (type->child_names[i]) {
            tarn_sql_identifier(out, type->child_names[i]);
            tarn_buffer_append_char(out, ' ');
        }
        tarn_type_write(type->children[i], out);
    }
    tarn_buffer_append_char(out, ')');
}

void tarn_type_write(const struct tarn_type *type, struct tarn_buffer *out)
{
    switch ((int)type->id) {
    case TARN_TYPE_DECIMAL:
        tarn_buffer_printf(out, "DECIMAL(%d,%d)", type->width, type->scale);
        break;
    case TARN_TYPE_LIST:
        tarn_type_write(type->children[0], out);
        tarn_buffer_append_str(out, "[]");
        break;
    case TARN_TYPE_ARRAY:
        tarn_type_write(type->children[0], out);
        tarn_buffer_printf(out, "[%zu]", type->array_size);
        break;
    case TARN_TYPE_STRUCT:
    case TARN_TYPE_MAP:
    case TARN_TYPE_UNION:
    case TARN_TYPE_ENUM:
        write_members(type, type_sql[type->id], out);
        break;
    default:
        tarn_buffer_append_str(out, type->is_json ? "JSON" : type_sql[type->id]);
    }
}

char *tarn_type_text(const struct tarn_type *type, struct tarn_arena *arena)
{
    TARN_BUFFER(out, 1 << 20);
    tarn_type_write(type, &out);
    return tarn_arena_strndup(arena, tarn_buffer_str(&out), out.len);
}

static bool names_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool tarn_type_equal(const struct tarn_type *a, const struct tarn_type *b)
{
    if (a->id != b->id || a->width != b->width || a->scale != b->scale ||
        a->array_size != b->array_size || a->child_count != b->child_count)
        return false;
    for (size_t i = 0; i < a->child_count; i++) {
        if (a->child_names && b->child_names && !names_equal(a->child_names[i], b->child_names[i]))
            return false;
        if (a->children && !tarn_type_equal(a->children[i], b->children[i]))
            return false;
    }
    return true;
}

bool tarn_type_is_integer(enum tarn_type_id id)
{
    return id >= TARN_TYPE_TINYINT && id <= TARN_TYPE_UHUGEINT;
}

bool tarn_type_is_number(enum tarn_type_id id)
{
    return tarn_type_is_integer(id) || id == TARN_TYPE_FLOAT || id == TARN_TYPE_DOUBLE ||
           id == TARN_TYPE_DECIMAL;
}

const struct tarn_type *tarn_type_parse(struct tarn_arena *arena, const char *sql)
{
    struct tarn_type *type = tarn_arena_alloc(arena, sizeof *type);
    int width, scale, end = 0;
    if (sscanf(sql, "DECIMAL(%d,%d)%n", &width, &scale, &end) == 2 && sql[end] == 0 && width > 0 &&
        width <= 38 && scale >= 0 && scale <= width) {
        *type =
            (struct tarn_type){TARN_TYPE_DECIMAL, .width = (uint8_t)width, .scale = (uint8_t)scale};
        return type;
    }
    for (size_t i = 0; i < TARN_COUNT(type_sql); i++) {
        if (strcasecmp(sql, type_sql[i]) == 0 && i < TARN_TYPE_ENUM && i != TARN_TYPE_DECIMAL) {
            type->id = (enum tarn_type_id)i;
            return type;
        }
    }
    return NULL;
}
