/* lake/schema_duckdb.c -- which Iceberg type holds a DuckDB type, and whether values of one go into
 * a column of another without loss, see schema.h. */
#include <string.h>
#include <strings.h>

#include "lake/schema.h"

/* Digits that hold every value of an integer type. */
static int integer_digits(enum tarn_type_id id)
{
    switch ((int)id) {
    case TARN_TYPE_TINYINT:
    case TARN_TYPE_UTINYINT:
        return 3;
    case TARN_TYPE_SMALLINT:
    case TARN_TYPE_USMALLINT:
        return 5;
    case TARN_TYPE_INTEGER:
    case TARN_TYPE_UINTEGER:
        return 10;
    case TARN_TYPE_BIGINT:
        return 19;
    case TARN_TYPE_UBIGINT:
        return 20;
    default:
        return 38;
    }
}

static bool scalar_of(const struct tarn_type *type, struct tarn_iceberg_type *out)
{
    switch ((int)type->id) {
    case TARN_TYPE_BOOLEAN:
        out->kind = TARN_ICEBERG_BOOLEAN;
        return true;
    case TARN_TYPE_TINYINT:
    case TARN_TYPE_SMALLINT:
    case TARN_TYPE_INTEGER:
    case TARN_TYPE_UTINYINT:
    case TARN_TYPE_USMALLINT:
    case TARN_TYPE_SQLNULL: /* SELECT NULL AS x: DuckDB's own tables take INTEGER as well */
        out->kind = TARN_ICEBERG_INT;
        return true;
    case TARN_TYPE_UINTEGER:
    case TARN_TYPE_BIGINT:
        out->kind = TARN_ICEBERG_LONG;
        return true;
    case TARN_TYPE_UBIGINT:
    case TARN_TYPE_HUGEINT:
    case TARN_TYPE_UHUGEINT:
        out->kind = TARN_ICEBERG_DECIMAL;
        out->precision = integer_digits(type->id);
        return true;
    case TARN_TYPE_DECIMAL:
        out->kind = TARN_ICEBERG_DECIMAL;
        out->precision = type->width;
        out->scale = type->scale;
        return true;
    case TARN_TYPE_FLOAT:
        out->kind = TARN_ICEBERG_FLOAT;
        return true;
    case TARN_TYPE_DOUBLE:
        out->kind = TARN_ICEBERG_DOUBLE;
        return true;
    case TARN_TYPE_VARCHAR:
    case TARN_TYPE_ENUM:
        out->kind = TARN_ICEBERG_STRING;
        return true;
    case TARN_TYPE_BLOB:
        out->kind = TARN_ICEBERG_BINARY;
        return true;
    case TARN_TYPE_DATE:
        out->kind = TARN_ICEBERG_DATE;
        return true;
    case TARN_TYPE_TIME:
        out->kind = TARN_ICEBERG_TIME;
        return true;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMP_S:
    case TARN_TYPE_TIMESTAMP_MS:
    case TARN_TYPE_TIMESTAMP_NS:
        out->kind = TARN_ICEBERG_TIMESTAMP;
        return true;
    case TARN_TYPE_TIMESTAMP_TZ:
        out->kind = TARN_ICEBERG_TIMESTAMPTZ;
        return true;
    case TARN_TYPE_UUID:
        out->kind = TARN_ICEBERG_UUID;
        return true;
    default:
        return false;
    }
}

static bool is_list(const struct tarn_type *type)
{
    return type->id == TARN_TYPE_LIST || type->id == TARN_TYPE_ARRAY;
}

static enum tarn_status field_of(const struct tarn_type *type, const char *column, const char *name,
                                 int *last_id, struct tarn_arena *arena,
                                 struct tarn_iceberg_field *field, struct tarn_error *err)
{
    field->id = ++*last_id;
    field->name = tarn_arena_strdup(arena, name);
    return tarn_iceberg_type_of(type, column, last_id, arena, &field->type, err);
}

enum tarn_status tarn_iceberg_type_of(const struct tarn_type *type, const char *column,
                                      int *last_id, struct tarn_arena *arena,
                                      const struct tarn_iceberg_type **ret_type,
                                      struct tarn_error *err)
{
    struct tarn_iceberg_type *out = tarn_arena_alloc(arena, sizeof *out);
    if (scalar_of(type, out)) {
        *ret_type = out;
        return TARN_OK;
    }
    bool map = type->id == TARN_TYPE_MAP, record = type->id == TARN_TYPE_STRUCT;
    if ((!is_list(type) && !map && !record) || type->child_count == 0)
        return tarn_fail(err, TARN_UNSUPPORTED,
                         "the column \"%s\" is of type %s, which Iceberg cannot hold; cast it, for "
                         "example to VARCHAR",
                         column, tarn_type_text(type, arena));
    out->kind = map ? TARN_ICEBERG_MAP : record ? TARN_ICEBERG_STRUCT : TARN_ICEBERG_LIST;
    out->field_count = type->child_count;
    out->fields = tarn_arena_array(arena, out->field_count, sizeof *out->fields);
    for (size_t i = 0; i < out->field_count; i++) {
        const char *name = record ? type->child_names[i] : !map ? "element" : i ? "value" : "key";
        TARN_TRY(field_of(type->children[i], column, name, last_id, arena, &out->fields[i], err));
    }
    if (map)
        out->fields[0].required = true;
    *ret_type = out;
    return TARN_OK;
}

bool tarn_iceberg_stored_as(const struct tarn_type *from, const struct tarn_iceberg_type *to)
{
    TARN_BUFFER(have, 1 << 20);
    TARN_BUFFER(want, 1 << 20);
    tarn_type_write(from, &have);
    tarn_iceberg_duckdb_write(to, &want);
    return !from->is_json && tarn_text_equal(tarn_buffer_text(&have), tarn_buffer_text(&want));
}

bool tarn_iceberg_can_promote(const struct tarn_iceberg_type *from,
                              const struct tarn_iceberg_type *to)
{
    if (from->kind == TARN_ICEBERG_DECIMAL && to->kind == TARN_ICEBERG_DECIMAL)
        return from->scale == to->scale && to->precision >= from->precision;
    return (from->kind == TARN_ICEBERG_INT && to->kind == TARN_ICEBERG_LONG) ||
           (from->kind == TARN_ICEBERG_FLOAT && to->kind == TARN_ICEBERG_DOUBLE);
}

/* A cast that DuckDB checks value by value, or that cannot lose anything. */
static bool casts_safely(const struct tarn_type *from, const struct tarn_iceberg_type *natural,
                         const struct tarn_iceberg_type *to)
{
    bool from_integer = tarn_type_is_integer(from->id) || from->id == TARN_TYPE_BOOLEAN;
    switch ((int)to->kind) {
    case TARN_ICEBERG_STRING:
        return true;
    case TARN_ICEBERG_INT:
    case TARN_ICEBERG_LONG:
        return from_integer || (from->id == TARN_TYPE_DECIMAL && from->scale == 0) ||
               from->id == TARN_TYPE_VARCHAR;
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
        return tarn_type_is_number(from->id) &&
               !(from->id == TARN_TYPE_DOUBLE && to->kind == TARN_ICEBERG_FLOAT);
    case TARN_ICEBERG_DECIMAL:
        return from_integer || (from->id == TARN_TYPE_DECIMAL && from->scale <= to->scale);
    case TARN_ICEBERG_TIMESTAMP:
        return natural->kind == TARN_ICEBERG_DATE;
    case TARN_ICEBERG_UUID:
    case TARN_ICEBERG_DATE:
    case TARN_ICEBERG_BOOLEAN:
        return from->id == TARN_TYPE_VARCHAR;
    default:
        return false;
    }
}

static enum tarn_iceberg_fit fit_scalar(const struct tarn_type *from,
                                        const struct tarn_iceberg_type *to,
                                        struct tarn_arena *arena,
                                        const struct tarn_iceberg_type **ret_wider)
{
    struct tarn_iceberg_type *natural = tarn_arena_alloc(arena, sizeof *natural);
    if (!scalar_of(from, natural))
        return TARN_ICEBERG_CLASH;
    if (tarn_iceberg_type_equal(natural, to, false) || from->id == TARN_TYPE_SQLNULL)
        return TARN_ICEBERG_SAME;
    if (tarn_iceberg_can_promote(to, natural)) {
        *ret_wider = natural;
        return TARN_ICEBERG_WIDER;
    }
    if (to->kind == TARN_ICEBERG_DECIMAL && tarn_type_is_integer(from->id)) {
        int digits = integer_digits(from->id) + to->scale;
        if (digits > to->precision && digits <= 38) {
            *natural = *to;
            natural->precision = digits;
            *ret_wider = natural;
            return TARN_ICEBERG_WIDER;
        }
    }
    return casts_safely(from, natural, to) ? TARN_ICEBERG_SAME : TARN_ICEBERG_CLASH;
}

static size_t member_at(const struct tarn_iceberg_type *record, const char *name)
{
    size_t at = 0;
    while (at < record->field_count && strcasecmp(record->fields[at].name, name) != 0)
        at++;
    return at;
}

static enum tarn_iceberg_fit fit_children(const struct tarn_type *from,
                                          const struct tarn_iceberg_type *to, int *last_id,
                                          struct tarn_arena *arena,
                                          const struct tarn_iceberg_type **ret_wider)
{
    bool record = to->kind == TARN_ICEBERG_STRUCT;
    struct tarn_iceberg_type *wider = tarn_arena_alloc(arena, sizeof *wider);
    *wider = *to;
    wider->fields =
        tarn_arena_array(arena, to->field_count + from->child_count, sizeof *wider->fields);
    memcpy(wider->fields, to->fields, to->field_count * sizeof *to->fields);
    enum tarn_iceberg_fit fit = TARN_ICEBERG_SAME;
    for (size_t i = 0; i < from->child_count; i++) {
        size_t at = record ? member_at(to, from->child_names[i]) : i;
        if (at == to->field_count) { /* a new member */
            struct tarn_iceberg_field *added = &wider->fields[wider->field_count++];
            if (field_of(from->children[i], "", from->child_names[i], last_id, arena, added, NULL))
                return TARN_ICEBERG_CLASH;
            fit = TARN_ICEBERG_WIDER;
            continue;
        }
        enum tarn_iceberg_fit inner = tarn_iceberg_fit_of(from->children[i], to->fields[at].type,
                                                          last_id, arena, &wider->fields[at].type);
        if (inner == TARN_ICEBERG_CLASH)
            return inner;
        fit = inner > fit ? inner : fit;
    }
    if (fit == TARN_ICEBERG_WIDER)
        *ret_wider = wider;
    return fit;
}

enum tarn_iceberg_fit tarn_iceberg_fit_of(const struct tarn_type *from,
                                          const struct tarn_iceberg_type *to, int *last_id,
                                          struct tarn_arena *arena,
                                          const struct tarn_iceberg_type **ret_wider)
{
    if (!tarn_iceberg_is_nested(to))
        return fit_scalar(from, to, arena, ret_wider);
    if (from->id == TARN_TYPE_SQLNULL)
        return TARN_ICEBERG_SAME;
    bool matches = (to->kind == TARN_ICEBERG_LIST && is_list(from)) ||
                   (to->kind == TARN_ICEBERG_MAP && from->id == TARN_TYPE_MAP) ||
                   (to->kind == TARN_ICEBERG_STRUCT && from->id == TARN_TYPE_STRUCT);
    return matches ? fit_children(from, to, last_id, arena, ret_wider) : TARN_ICEBERG_CLASH;
}
