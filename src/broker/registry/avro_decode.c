/* broker/registry/avro_decode.c -- Avro's binary encoding as Avro's JSON encoding: unions tagged
 * with their branch's name, bytes as ISO-8859-1 text (Avro specification, "JSON Encoding").
 *
 * The bytes come from outside: every length is checked against what is left. Blocks of items that
 * take no bytes (nulls) are bounded by a named limit, since no byte pays for them. */
#include <math.h>
#include <stdio.h>

#include "broker/registry/avro.h"

enum { FREE_ITEMS_MAX = 100000 };

struct reader {
    const uint8_t *at, *end;
    struct tarn_buffer *out;
    struct tarn_error *err;
    int depth;
    size_t free_items;
};

static enum tarn_status cut_short(struct reader *r, const char *what)
{
    return tarn_fail(r->err, TARN_CORRUPT, "the bytes end inside of a %s", what);
}

static enum tarn_status read_long(struct reader *r, int64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->at == r->end)
            return cut_short(r, "number");
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return TARN_OK;
        }
    }
    return tarn_fail(r->err, TARN_CORRUPT, "a number has more than 64 bits");
}

static enum tarn_status read_bytes(struct reader *r, int64_t len, const char *what,
                                   struct tarn_text *ret_bytes)
{
    if (len < 0 || len > r->end - r->at)
        return tarn_fail(r->err, TARN_CORRUPT, "a %s of %lld bytes where %lld are left", what,
                         (long long)len, (long long)(r->end - r->at));
    *ret_bytes = (struct tarn_text){(const char *)r->at, (size_t)len};
    r->at += len;
    return TARN_OK;
}

static void write_latin1(struct tarn_buffer *out, struct tarn_text bytes)
{
    TARN_BUFFER(text, 2 * bytes.len + 8);
    for (size_t i = 0; i < bytes.len; i++) {
        char encoded[4];
        size_t len = tarn_utf8_encode((uint8_t)bytes.data[i], encoded);
        tarn_buffer_append(&text, encoded, len);
    }
    tarn_json_string_write(out, tarn_buffer_text(&text));
}

static void write_number(struct tarn_buffer *out, double value, bool is_float)
{
    char digits[40];
    if (!isfinite(value)) { /* JSON has no such numbers; Avro's libraries write these names */
        tarn_buffer_append_str(out, isnan(value) ? "\"NaN\""
                                    : value > 0  ? "\"Infinity\""
                                                 : "\"-Infinity\"");
        return;
    }
    for (int precision = is_float ? 6 : 15; precision <= 17; precision++) {
        double back;
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (tarn_text_to_double(tarn_text_of(digits), &back) &&
            (is_float ? (float)back == (float)value : back == value))
            break;
    }
    tarn_buffer_append_str(out, digits);
    if (!strpbrk(digits, ".e"))
        tarn_buffer_append_str(out, ".0");
}

static enum tarn_status read_number(struct reader *r, const struct tarn_avro *type)
{
    struct tarn_text bytes;
    bool is_float = type->kind == TARN_AVRO_FLOAT;
    TARN_TRY(read_bytes(r, is_float ? 4 : 8, is_float ? "float" : "double", &bytes));
    uint64_t bits = 0;
    for (size_t i = bytes.len; i-- > 0;)
        bits = bits << 8 | (uint8_t)bytes.data[i];
    if (is_float) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        write_number(r->out, (double)value, true);
    } else {
        double value;
        memcpy(&value, &bits, sizeof value);
        write_number(r->out, value, false);
    }
    return TARN_OK;
}

static enum tarn_status read_string(struct reader *r, const struct tarn_avro *type)
{
    int64_t len;
    struct tarn_text bytes;
    bool is_text = type->kind == TARN_AVRO_STRING;
    TARN_TRY(read_long(r, &len));
    TARN_TRY(read_bytes(r, len, is_text ? "string" : "bytes", &bytes));
    if (!is_text)
        write_latin1(r->out, bytes);
    else if (tarn_utf8_valid_prefix(bytes) != bytes.len)
        return tarn_fail(r->err, TARN_CORRUPT, "a string is not UTF-8");
    else
        tarn_json_string_write(r->out, bytes);
    return TARN_OK;
}

static enum tarn_status read_int(struct reader *r, const struct tarn_avro *type)
{
    int64_t value;
    TARN_TRY(read_long(r, &value));
    if (type->kind == TARN_AVRO_INT && (value < INT32_MIN || value > INT32_MAX))
        return tarn_fail(r->err, TARN_CORRUPT, "an int has more than 32 bits");
    tarn_buffer_printf(r->out, "%lld", (long long)value);
    return TARN_OK;
}

static enum tarn_status read_value(struct reader *r, const struct tarn_avro *type);

static enum tarn_status read_record(struct reader *r, const struct tarn_avro *type)
{
    tarn_buffer_append_char(r->out, '{');
    for (size_t i = 0; i < type->field_count; i++) {
        if (i)
            tarn_buffer_append_char(r->out, ',');
        tarn_json_string_write(r->out, tarn_text_of(type->fields[i].name));
        tarn_buffer_append_char(r->out, ':');
        if (read_value(r, type->fields[i].type) != TARN_OK)
            return tarn_error_wrap(r->err, "field %s", type->fields[i].name);
    }
    tarn_buffer_append_char(r->out, '}');
    return TARN_OK;
}

static enum tarn_status read_item(struct reader *r, const struct tarn_avro *type, bool is_first)
{
    if (!is_first)
        tarn_buffer_append_char(r->out, ',');
    if (type->kind == TARN_AVRO_MAP) {
        static const struct tarn_avro key = {.kind = TARN_AVRO_STRING};
        TARN_TRY(read_string(r, &key));
        tarn_buffer_append_char(r->out, ':');
    }
    const uint8_t *before = r->at;
    TARN_TRY(read_value(r, type->item));
    if (r->at == before && type->kind == TARN_AVRO_ARRAY && ++r->free_items > FREE_ITEMS_MAX)
        return tarn_fail(r->err, TARN_CORRUPT, "more than %d items that take no bytes",
                         FREE_ITEMS_MAX);
    return TARN_OK;
}

static enum tarn_status read_blocks(struct reader *r, const struct tarn_avro *type)
{
    bool is_first = true;
    tarn_buffer_append_char(r->out, type->kind == TARN_AVRO_MAP ? '{' : '[');
    for (;;) {
        int64_t count, size;
        TARN_TRY(read_long(r, &count));
        if (count == 0)
            break;
        if (count < 0) {
            TARN_TRY(read_long(r, &size)); /* for skipping; the items tell as well */
            if (count == INT64_MIN)
                return tarn_fail(r->err, TARN_CORRUPT, "a block has too many items");
            count = -count;
        }
        for (int64_t i = 0; i < count; i++) {
            TARN_TRY(read_item(r, type, is_first));
            is_first = false;
            if (r->out->overflow)
                return tarn_buffer_check(r->out, "a value as JSON", r->err);
        }
    }
    tarn_buffer_append_char(r->out, type->kind == TARN_AVRO_MAP ? '}' : ']');
    return TARN_OK;
}

static enum tarn_status read_union(struct reader *r, const struct tarn_avro *type)
{
    int64_t index;
    TARN_TRY(read_long(r, &index));
    if (index < 0 || (uint64_t)index >= type->branch_count)
        return tarn_fail(r->err, TARN_CORRUPT, "branch %lld of a union that has %zu",
                         (long long)index, type->branch_count);
    const struct tarn_avro *branch = type->branches[index];
    if (branch->kind == TARN_AVRO_NULL)
        return read_value(r, branch);
    tarn_buffer_append_char(r->out, '{');
    tarn_json_string_write(r->out, tarn_text_of(tarn_avro_branch_name(branch)));
    tarn_buffer_append_char(r->out, ':');
    TARN_TRY(read_value(r, branch));
    tarn_buffer_append_char(r->out, '}');
    return TARN_OK;
}

static enum tarn_status read_enum(struct reader *r, const struct tarn_avro *type)
{
    int64_t index;
    TARN_TRY(read_long(r, &index));
    if (index < 0 || (uint64_t)index >= type->symbol_count)
        return tarn_fail(r->err, TARN_CORRUPT, "symbol %lld of enum %s, which has %zu",
                         (long long)index, type->full_name, type->symbol_count);
    tarn_json_string_write(r->out, tarn_text_of(type->symbols[index]));
    return TARN_OK;
}

static enum tarn_status read_boolean(struct reader *r)
{
    if (r->at == r->end)
        return cut_short(r, "boolean");
    if (*r->at > 1)
        return tarn_fail(r->err, TARN_CORRUPT, "a boolean is neither 0 nor 1");
    tarn_buffer_append_str(r->out, *r->at++ ? "true" : "false");
    return TARN_OK;
}

static enum tarn_status read_fixed(struct reader *r, const struct tarn_avro *type)
{
    struct tarn_text bytes;
    TARN_TRY(read_bytes(r, (int64_t)type->size_bytes, "fixed", &bytes));
    write_latin1(r->out, bytes);
    return TARN_OK;
}

static enum tarn_status read_any(struct reader *r, const struct tarn_avro *type)
{
    switch (type->kind) {
    case TARN_AVRO_NULL:
        tarn_buffer_append_str(r->out, "null");
        return TARN_OK;
    case TARN_AVRO_BOOLEAN:
        return read_boolean(r);
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
        return read_int(r, type);
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
        return read_number(r, type);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING:
        return read_string(r, type);
    case TARN_AVRO_RECORD:
        return read_record(r, type);
    case TARN_AVRO_ENUM:
        return read_enum(r, type);
    case TARN_AVRO_FIXED:
        return read_fixed(r, type);
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
        return read_blocks(r, type);
    case TARN_AVRO_UNION:
        return read_union(r, type);
    }
    return tarn_fail(r->err, TARN_INTERNAL, "an unknown kind of type");
}

static enum tarn_status read_value(struct reader *r, const struct tarn_avro *type)
{
    if (r->depth == 2 * TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(r->err, TARN_CORRUPT, "the value is nested deeper than %d levels",
                         2 * TARN_SCHEMA_DEPTH_MAX);
    r->depth++;
    enum tarn_status status = read_any(r, type);
    r->depth--;
    return status;
}

enum tarn_status tarn_avro_decode(const struct tarn_schema *schema, struct tarn_text payload,
                                  struct tarn_buffer *json, struct tarn_error *err)
{
    const uint8_t *start = (const uint8_t *)(payload.data ? payload.data : "");
    struct reader reader = {.at = start, .end = start + payload.len, .out = json, .err = err};
    if (read_value(&reader, tarn_avro_of(schema)->root) != TARN_OK)
        return tarn_error_wrap(err, "decoding Avro at byte %zu", (size_t)(reader.at - start));
    if (reader.at != reader.end)
        return tarn_fail(err, TARN_CORRUPT, "decoding Avro: %zu bytes are left over",
                         (size_t)(reader.end - reader.at));
    return tarn_buffer_check(json, "a value as JSON", err);
}
