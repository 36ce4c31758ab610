/* engine/vector.c -- reads and writes values in DuckDB's vectors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "engine/duckdb_api.h"

struct tarn_vector tarn_vector_of(duckdb_vector vector, const struct tarn_type *type)
{
    return (struct tarn_vector){type, duckdb_vector_get_data(vector),
                                duckdb_vector_get_validity(vector), vector};
}

static size_t enum_index(const struct tarn_vector *v, size_t row)
{
    if (v->type->child_count <= UINT8_MAX)
        return ((const uint8_t *)v->data)[row];
    if (v->type->child_count <= UINT16_MAX)
        return ((const uint16_t *)v->data)[row];
    return ((const uint32_t *)v->data)[row];
}

static __int128 decimal_value(const struct tarn_vector *v, size_t row)
{
    if (v->type->width <= 4)
        return ((const int16_t *)v->data)[row];
    if (v->type->width <= 9)
        return ((const int32_t *)v->data)[row];
    if (v->type->width <= 18)
        return ((const int64_t *)v->data)[row];
    return ((const __int128 *)v->data)[row];
}

__int128 tarn_vector_int128(const struct tarn_vector *v, size_t row)
{
    switch ((int)v->type->id) {
    case TARN_TYPE_BOOLEAN:
    case TARN_TYPE_UTINYINT:
        return ((const uint8_t *)v->data)[row];
    case TARN_TYPE_TINYINT:
        return ((const int8_t *)v->data)[row];
    case TARN_TYPE_SMALLINT:
        return ((const int16_t *)v->data)[row];
    case TARN_TYPE_USMALLINT:
        return ((const uint16_t *)v->data)[row];
    case TARN_TYPE_INTEGER:
    case TARN_TYPE_DATE:
        return ((const int32_t *)v->data)[row];
    case TARN_TYPE_UINTEGER:
        return ((const uint32_t *)v->data)[row];
    case TARN_TYPE_UBIGINT:
        return ((const uint64_t *)v->data)[row];
    case TARN_TYPE_DECIMAL:
        return decimal_value(v, row);
    case TARN_TYPE_HUGEINT:
    case TARN_TYPE_UHUGEINT:
    case TARN_TYPE_UUID:
        return ((const __int128 *)v->data)[row];
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return (__int128)tarn_vector_double(v, row);
    default:
        return ((const int64_t *)v->data)[row];
    }
}

int64_t tarn_vector_int64(const struct tarn_vector *v, size_t row)
{
    return (int64_t)tarn_vector_int128(v, row);
}

double tarn_vector_double(const struct tarn_vector *v, size_t row)
{
    if (v->type->id == TARN_TYPE_FLOAT)
        return (double)((const float *)v->data)[row];
    if (v->type->id == TARN_TYPE_DOUBLE)
        return ((const double *)v->data)[row];
    double value = (double)tarn_vector_int128(v, row);
    return v->type->id == TARN_TYPE_DECIMAL ? value / pow(10, v->type->scale) : value;
}

struct tarn_text tarn_vector_text(const struct tarn_vector *v, size_t row)
{
    if (v->type->id == TARN_TYPE_ENUM)
        return tarn_text_of(v->type->child_names[enum_index(v, row)]);
    duckdb_string_t *string = &((duckdb_string_t *)v->data)[row];
    return (struct tarn_text){duckdb_string_t_data(string), duckdb_string_t_length(*string)};
}

struct tarn_vector tarn_vector_child(const struct tarn_vector *v, size_t i)
{
    duckdb_vector child;
    switch ((int)v->type->id) {
    case TARN_TYPE_LIST:
        child = duckdb_list_vector_get_child(v->handle);
        break;
    case TARN_TYPE_ARRAY:
        child = duckdb_array_vector_get_child(v->handle);
        break;
    case TARN_TYPE_MAP: /* a list of struct(key, value) */
        child = duckdb_struct_vector_get_child(duckdb_list_vector_get_child(v->handle), i);
        break;
    case TARN_TYPE_UNION: /* the tag stands before the members */
        child = duckdb_struct_vector_get_child(v->handle, i + 1);
        break;
    default:
        child = duckdb_struct_vector_get_child(v->handle, i);
    }
    return tarn_vector_of(child, v->type->children[i]);
}

void tarn_vector_range(const struct tarn_vector *v, size_t row, size_t *ret_start, size_t *ret_len)
{
    if (v->type->id == TARN_TYPE_ARRAY) {
        *ret_start = row * v->type->array_size;
        *ret_len = v->type->array_size;
        return;
    }
    const duckdb_list_entry *entry = &((const duckdb_list_entry *)v->data)[row];
    *ret_start = entry->offset;
    *ret_len = entry->length;
}

static void format_int128(__int128 value, unsigned scale, struct tarn_buffer *out)
{
    char digits[48];
    size_t at = sizeof digits;
    bool negative = value < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    unsigned written = 0;
    do {
        if (scale && written == scale)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        written++;
    } while (rest > 0 || written <= scale);
    if (negative)
        digits[--at] = '-';
    tarn_buffer_append(out, digits + at, sizeof digits - at);
}

static void format_uhugeint(unsigned __int128 value, struct tarn_buffer *out)
{
    char digits[48];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    tarn_buffer_append(out, digits + at, sizeof digits - at);
}

static void format_double(double value, int digits_min, int digits_max, struct tarn_buffer *out)
{
    if (!isfinite(value)) {
        tarn_buffer_append_str(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    char text[40];
    for (int precision = digits_min; precision <= digits_max; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        double back;
        if (tarn_text_to_double(tarn_text_of(text), &back) &&
            (digits_max < 10 ? (float)back == (float)value : back == value))
            break;
    }
    tarn_buffer_append_str(out, text);
    if (!strpbrk(text, ".e"))
        tarn_buffer_append_str(out, ".0");
}

static void format_time(int64_t micros, struct tarn_buffer *out)
{
    int64_t seconds = micros / 1000000;
    tarn_buffer_printf(out, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                       (int)(seconds % 60));
    int fraction = (int)(micros % 1000000);
    if (!fraction)
        return;
    char text[8];
    int len = snprintf(text, sizeof text, "%06d", fraction);
    while (text[len - 1] == '0')
        len--;
    tarn_buffer_printf(out, ".%.*s", len, text);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static void format_timestamp(int64_t micros, struct tarn_buffer *out)
{
    if (micros == INT64_MAX || micros == -INT64_MAX) {
        tarn_buffer_append_str(out, micros > 0 ? "infinity" : "-infinity");
        return;
    }
    int64_t day_us = 86400000000LL, days = floor_div(micros, day_us);
    char date[TARN_TIME_TEXT_BYTES];
    tarn_buffer_printf(out, "%s ", tarn_date_format(days, date));
    format_time(micros - days * day_us, out);
}

static void format_interval(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    const duckdb_interval *interval = &((const duckdb_interval *)v->data)[row];
    const char *space = "";
    struct {
        int64_t amount;
        const char *unit;
    } parts[] = {
        {interval->months / 12, "year"}, {interval->months % 12, "month"}, {interval->days, "day"}};
    for (size_t i = 0; i < TARN_COUNT(parts); i++) {
        if (parts[i].amount == 0)
            continue;
        tarn_buffer_printf(out, "%s%" PRId64 " %s%s", space, parts[i].amount, parts[i].unit,
                           parts[i].amount == 1 || parts[i].amount == -1 ? "" : "s");
        space = " ";
    }
    if (interval->micros == 0 && *space)
        return;
    tarn_buffer_append_str(out, space);
    if (interval->micros < 0)
        tarn_buffer_append_char(out, '-');
    format_time(interval->micros < 0 ? -interval->micros : interval->micros, out);
}

static void format_uuid(__int128 stored, struct tarn_buffer *out)
{
    /* DuckDB flips the highest bit so that UUIDs sort as signed integers */
    unsigned __int128 value = (unsigned __int128)stored ^ ((unsigned __int128)1 << 127);
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            tarn_buffer_append_char(out, '-');
        tarn_buffer_append_char(out, "0123456789abcdef"[(int)(value >> (124 - 4 * i)) & 15]);
    }
}

static void format_blob(struct tarn_text bytes, struct tarn_buffer *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c >= 32 && c < 127 && c != '\\' && c != '\'' && c != '"')
            tarn_buffer_append_char(out, (char)c);
        else
            tarn_buffer_printf(out, "\\x%02X", c);
    }
}

static void format_list(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    size_t start, len;
    tarn_vector_range(v, row, &start, &len);
    bool map = v->type->id == TARN_TYPE_MAP;
    struct tarn_vector keys = tarn_vector_child(v, 0);
    struct tarn_vector values = tarn_vector_child(v, map ? 1 : 0);
    tarn_buffer_append_char(out, map ? '{' : '[');
    for (size_t i = start; i < start + len; i++) {
        tarn_buffer_append_str(out, i > start ? ", " : "");
        if (map) {
            tarn_vector_format(&keys, i, out);
            tarn_buffer_append_char(out, '=');
        }
        tarn_vector_format(&values, i, out);
    }
    tarn_buffer_append_char(out, map ? '}' : ']');
}

static void format_struct(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    tarn_buffer_append_char(out, '{');
    for (size_t i = 0; i < v->type->child_count; i++) {
        struct tarn_vector child = tarn_vector_child(v, i);
        tarn_buffer_printf(out, "%s'%s': ", i ? ", " : "", v->type->child_names[i]);
        tarn_vector_format(&child, row, out);
    }
    tarn_buffer_append_char(out, '}');
}

static void format_union(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    duckdb_vector tags = duckdb_struct_vector_get_child(v->handle, 0);
    struct tarn_vector member =
        tarn_vector_child(v, ((const uint8_t *)duckdb_vector_get_data(tags))[row]);
    tarn_vector_format(&member, row, out);
}

static int64_t to_micros(const struct tarn_vector *v, size_t row)
{
    int64_t value = ((const int64_t *)v->data)[row];
    switch ((int)v->type->id) {
    case TARN_TYPE_TIMESTAMP_S:
        return value * 1000000;
    case TARN_TYPE_TIMESTAMP_MS:
        return value * 1000;
    case TARN_TYPE_TIMESTAMP_NS:
        return floor_div(value, 1000);
    default:
        return value;
    }
}

static void format_as_text(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    char date[TARN_TIME_TEXT_BYTES];
    switch ((int)v->type->id) {
    case TARN_TYPE_BOOLEAN:
        tarn_buffer_append_str(out, tarn_vector_int64(v, row) ? "true" : "false");
        break;
    case TARN_TYPE_DATE:
        tarn_buffer_append_str(out, tarn_date_format(tarn_vector_int64(v, row), date));
        break;
    case TARN_TYPE_TIME:
        format_time(tarn_vector_int64(v, row), out);
        break;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMP_S:
    case TARN_TYPE_TIMESTAMP_MS:
    case TARN_TYPE_TIMESTAMP_NS:
        format_timestamp(to_micros(v, row), out);
        break;
    case TARN_TYPE_TIMESTAMP_TZ:
        format_timestamp(to_micros(v, row), out);
        tarn_buffer_append_str(out, "+00");
        break;
    case TARN_TYPE_INTERVAL:
        format_interval(v, row, out);
        break;
    case TARN_TYPE_UUID:
        format_uuid(tarn_vector_int128(v, row), out);
        break;
    case TARN_TYPE_BLOB:
        format_blob(tarn_vector_text(v, row), out);
        break;
    case TARN_TYPE_FLOAT:
        format_double(tarn_vector_double(v, row), 6, 9, out);
        break;
    case TARN_TYPE_DOUBLE:
        format_double(tarn_vector_double(v, row), 15, 17, out);
        break;
    case TARN_TYPE_UHUGEINT:
        format_uhugeint((unsigned __int128)tarn_vector_int128(v, row), out);
        break;
    case TARN_TYPE_SQLNULL:
        tarn_buffer_append_str(out, "NULL");
        break;
    default:
        if (tarn_type_is_number(v->type->id))
            format_int128(tarn_vector_int128(v, row), v->type->scale, out);
        else
            tarn_buffer_append_str(out, "?");
    }
}

void tarn_vector_format(const struct tarn_vector *v, size_t row, struct tarn_buffer *out)
{
    if (tarn_vector_is_null(v, row)) {
        tarn_buffer_append_str(out, "NULL");
        return;
    }
    switch ((int)v->type->id) {
    case TARN_TYPE_VARCHAR:
    case TARN_TYPE_ENUM:
        tarn_buffer_append_text(out, tarn_vector_text(v, row));
        break;
    case TARN_TYPE_LIST:
    case TARN_TYPE_ARRAY:
    case TARN_TYPE_MAP:
        format_list(v, row, out);
        break;
    case TARN_TYPE_STRUCT:
        format_struct(v, row, out);
        break;
    case TARN_TYPE_UNION:
        format_union(v, row, out);
        break;
    default:
        format_as_text(v, row, out);
    }
}

static void json_list(const struct tarn_vector *v, size_t row, struct tarn_json_writer *out)
{
    size_t start, len;
    tarn_vector_range(v, row, &start, &len);
    struct tarn_vector items = tarn_vector_child(v, 0);
    tarn_json_array_begin(out);
    for (size_t i = start; i < start + len; i++)
        tarn_vector_json(&items, i, out);
    tarn_json_array_end(out);
}

static void json_map(const struct tarn_vector *v, size_t row, struct tarn_json_writer *out)
{
    size_t start, len;
    tarn_vector_range(v, row, &start, &len);
    struct tarn_vector keys = tarn_vector_child(v, 0), values = tarn_vector_child(v, 1);
    tarn_json_object_begin(out);
    for (size_t i = start; i < start + len; i++) {
        TARN_BUFFER(key, 1 << 20);
        tarn_vector_format(&keys, i, &key);
        tarn_json_key_text(out, tarn_buffer_text(&key));
        tarn_vector_json(&values, i, out);
    }
    tarn_json_object_end(out);
}

static void json_struct(const struct tarn_vector *v, size_t row, struct tarn_json_writer *out)
{
    tarn_json_object_begin(out);
    for (size_t i = 0; i < v->type->child_count; i++) {
        struct tarn_vector child = tarn_vector_child(v, i);
        tarn_json_key(out, v->type->child_names[i]);
        tarn_vector_json(&child, row, out);
    }
    tarn_json_object_end(out);
}

void tarn_vector_json(const struct tarn_vector *v, size_t row, struct tarn_json_writer *out)
{
    if (tarn_vector_is_null(v, row)) {
        tarn_json_null(out);
        return;
    }
    enum tarn_type_id id = v->type->id;
    if (id == TARN_TYPE_LIST || id == TARN_TYPE_ARRAY) {
        json_list(v, row, out);
    } else if (id == TARN_TYPE_MAP) {
        json_map(v, row, out);
    } else if (id == TARN_TYPE_STRUCT) {
        json_struct(v, row, out);
    } else if (id == TARN_TYPE_BOOLEAN) {
        tarn_json_bool(out, tarn_vector_int64(v, row) != 0);
    } else if ((id == TARN_TYPE_FLOAT || id == TARN_TYPE_DOUBLE) &&
               !isfinite(tarn_vector_double(v, row))) {
        tarn_json_null(out);
    } else {
        TARN_BUFFER(text, 1u << 30);
        tarn_vector_format(v, row, &text);
        if (tarn_type_is_number(id))
            tarn_json_raw(out, tarn_buffer_text(&text));
        else
            tarn_json_text(out, tarn_buffer_text(&text));
    }
}

void tarn_vector_set_null(struct tarn_vector *v, size_t row)
{
    if (!v->validity) {
        duckdb_vector_ensure_validity_writable(v->handle);
        v->validity = duckdb_vector_get_validity(v->handle);
    }
    v->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

void tarn_vector_set_text(struct tarn_vector *v, size_t row, struct tarn_text utf8)
{
    duckdb_vector_assign_string_element_len(v->handle, row, utf8.data, utf8.len);
}
