/* broker/registry/proto_decode.c -- Protobuf's binary encoding as proto3's JSON mapping, in which
 * 64-bit numbers are texts and bytes are base64. Fields without presence are written with their
 * default. The well-known types are written as the messages that they are.
 *
 * The bytes come from outside. The fields of a message come in any order and repeated ones may be
 * spread, so they are listed first, sorted by field, and then written. */
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "broker/registry/proto.h"
#include "broker/registry/wire_format.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_START = 3, WIRE_END = 4, WIRE_32 = 5 };

struct item {
    size_t field; /* place in the message */
    size_t order;
    int wire;
    uint64_t number;
    struct tarn_text bytes;
};

struct cursor {
    const uint8_t *at, *end;
};

struct reader {
    struct tarn_buffer *out;
    struct tarn_error *err;
    int depth;
};

static bool read_varint(struct cursor *c, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *ret_value = value;
        return true;
    }
    return false;
}

static bool read_fixed(struct cursor *c, int size, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (c->end - c->at < size)
        return false;
    for (int i = size; i-- > 0;)
        value = value << 8 | c->at[i];
    c->at += size;
    *ret_value = value;
    return true;
}

/* Passes over a group to its end; *ret_len is the length without the end's tag. */
static bool skip_group(struct cursor *c, uint64_t number, size_t *ret_len)
{
    const uint8_t *start = c->at;
    uint64_t open[TARN_SCHEMA_DEPTH_MAX], tag, ignored;
    int depth = 0;
    open[depth++] = number;
    for (;;) {
        const uint8_t *before = c->at;
        if (!read_varint(c, &tag))
            return false;
        int wire = (int)(tag & 7);
        bool fine = true;
        if (wire == WIRE_START && depth < TARN_SCHEMA_DEPTH_MAX)
            open[depth++] = tag >> 3;
        else if (wire == WIRE_END)
            fine = open[--depth] == tag >> 3;
        else if (wire == WIRE_VARINT)
            fine = read_varint(c, &ignored);
        else if (wire == WIRE_64 || wire == WIRE_32)
            fine = read_fixed(c, wire == WIRE_64 ? 8 : 4, &ignored);
        else if (wire == WIRE_BYTES &&
                 (fine = read_varint(c, &ignored) && ignored <= (uint64_t)(c->end - c->at)))
            c->at += ignored;
        else
            fine = false;
        if (!fine)
            return false;
        if (depth == 0) {
            *ret_len = (size_t)(before - start);
            return true;
        }
    }
}

static bool read_item(struct cursor *c, struct item *item, uint64_t number)
{
    size_t len;
    uint64_t size;
    item->bytes = (struct tarn_text){(const char *)c->at, 0};
    if (item->wire == WIRE_VARINT)
        return read_varint(c, &item->number);
    if (item->wire == WIRE_64 || item->wire == WIRE_32)
        return read_fixed(c, item->wire == WIRE_64 ? 8 : 4, &item->number);
    if (item->wire == WIRE_START) {
        if (!skip_group(c, number, &len))
            return false;
        item->bytes.len = len;
        return true;
    }
    if (item->wire != WIRE_BYTES || !read_varint(c, &size) || size > (uint64_t)(c->end - c->at))
        return false;
    item->bytes = (struct tarn_text){(const char *)c->at, (size_t)size};
    c->at += size;
    return true;
}

static int by_field(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->field != y->field)
        return x->field < y->field ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* All known fields of a message, sorted; the caller frees. False for bytes that are no message. */
static bool list_items(const struct tarn_pb_message *message, struct tarn_text bytes,
                       struct item **ret_items, size_t *ret_count)
{
    struct cursor c = {(const uint8_t *)bytes.data, (const uint8_t *)bytes.data + bytes.len};
    size_t count = 0, cap = 0, hint = 0;
    struct item *items = NULL;
    bool fine = true;
    TARN_RESERVE(items, cap, 1);
    while (fine && c.at < c.end) {
        uint64_t tag;
        struct item item = {0};
        fine = read_varint(&c, &tag) && tag >> 3 >= 1 && tag >> 3 <= TARN_PB_NUMBER_MAX;
        if (!fine)
            break;
        item.wire = (int)(tag & 7);
        fine = read_item(&c, &item, tag >> 3);
        size_t tried = 0; /* fields mostly come in order, so the search goes on where it ended */
        while (tried < message->field_count && (uint64_t)message->fields[hint].number != tag >> 3) {
            hint = (hint + 1) % message->field_count;
            tried++;
        }
        if (!fine || tried == message->field_count)
            continue; /* unknown fields are left out */
        item.field = hint;
        item.order = count;
        TARN_RESERVE(items, cap, count + 1);
        items[count++] = item;
    }
    if (count)
        qsort(items, count, sizeof *items, by_field);
    *ret_items = items;
    *ret_count = count;
    return fine;
}

/* ---- values ---- */

static int wire_of(enum tarn_pb_kind kind)
{
    if (kind == TARN_PB_STRING || kind == TARN_PB_BYTES || kind == TARN_PB_MESSAGE)
        return WIRE_BYTES;
    if (kind == TARN_PB_GROUP)
        return WIRE_START;
    if (kind == TARN_PB_DOUBLE || kind == TARN_PB_FIXED64 || kind == TARN_PB_SFIXED64)
        return WIRE_64;
    if (kind == TARN_PB_FLOAT || kind == TARN_PB_FIXED32 || kind == TARN_PB_SFIXED32)
        return WIRE_32;
    return WIRE_VARINT;
}

static void write_real(struct tarn_buffer *out, double value, bool is_float)
{
    char digits[40];
    if (!isfinite(value)) {
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

static void write_enum(struct tarn_buffer *out, const struct tarn_pb_enum *values, int32_t number)
{
    for (size_t i = 0; i < values->value_count; i++) {
        if (values->values[i].number != number)
            continue;
        tarn_json_string_write(out, tarn_text_of(values->values[i].name));
        return;
    }
    tarn_buffer_printf(out, "%d", number);
}

static void write_number(struct tarn_buffer *out, const struct tarn_pb_field *field, uint64_t bits)
{
    double real;
    float narrow;
    uint32_t low = (uint32_t)bits;
    int64_t zigzag = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
    switch (field->kind) {
    case TARN_PB_DOUBLE:
        memcpy(&real, &bits, sizeof real);
        write_real(out, real, false);
        break;
    case TARN_PB_FLOAT:
        memcpy(&narrow, &low, sizeof narrow);
        write_real(out, (double)narrow, true);
        break;
    case TARN_PB_INT32:
    case TARN_PB_SFIXED32:
        tarn_buffer_printf(out, "%d", (int32_t)low);
        break;
    case TARN_PB_UINT32:
    case TARN_PB_FIXED32:
        tarn_buffer_printf(out, "%u", low);
        break;
    case TARN_PB_SINT32:
        tarn_buffer_printf(out, "%d", (int32_t)zigzag);
        break;
    case TARN_PB_INT64:
    case TARN_PB_SFIXED64:
        tarn_buffer_printf(out, "\"%lld\"", (long long)bits);
        break;
    case TARN_PB_UINT64:
    case TARN_PB_FIXED64:
        tarn_buffer_printf(out, "\"%llu\"", (unsigned long long)bits);
        break;
    case TARN_PB_SINT64:
        tarn_buffer_printf(out, "\"%lld\"", (long long)zigzag);
        break;
    case TARN_PB_BOOL:
        tarn_buffer_append_str(out, bits ? "true" : "false");
        break;
    case TARN_PB_ENUM:
        write_enum(out, field->values, (int32_t)low);
        break;
    case TARN_PB_STRING:
    case TARN_PB_BYTES:
    case TARN_PB_MESSAGE:
    case TARN_PB_GROUP:
        break; /* have bytes, not a number */
    }
}

static void write_base64(struct tarn_buffer *out, struct tarn_text bytes)
{
    TARN_AUTO_FREE unsigned char *text = tarn_alloc(4 * (bytes.len / 3 + 1) + 1);
    EVP_EncodeBlock(text, (const unsigned char *)bytes.data, (int)bytes.len);
    tarn_json_string_write(out, tarn_text_of((const char *)text));
}

static enum tarn_status write_message(struct reader *r, const struct tarn_pb_message *message,
                                      struct tarn_text bytes);

static enum tarn_status write_value(struct reader *r, const struct tarn_pb_field *field,
                                    const struct item *item)
{
    if (item->wire != wire_of(field->kind))
        return tarn_fail(r->err, TARN_CORRUPT, "field %s has the wire type %d", field->name,
                         item->wire);
    if (field->kind == TARN_PB_MESSAGE || field->kind == TARN_PB_GROUP) {
        if (write_message(r, field->message, item->bytes) != TARN_OK)
            return tarn_error_wrap(r->err, "field %s", field->name);
    } else if (field->kind == TARN_PB_BYTES) {
        write_base64(r->out, item->bytes);
    } else if (field->kind == TARN_PB_STRING) {
        if (tarn_utf8_valid_prefix(item->bytes) != item->bytes.len)
            return tarn_fail(r->err, TARN_CORRUPT, "field %s is not UTF-8", field->name);
        tarn_json_string_write(r->out, item->bytes);
    } else {
        write_number(r->out, field, item->number);
    }
    return tarn_buffer_check(r->out, "a value as JSON", r->err);
}

/* A packed list: numbers one after the other. */
static enum tarn_status write_packed(struct reader *r, const struct tarn_pb_field *field,
                                     const struct item *item, bool *is_first)
{
    struct cursor c = {(const uint8_t *)item->bytes.data,
                       (const uint8_t *)item->bytes.data + item->bytes.len};
    while (c.at < c.end) {
        struct item one = {.wire = wire_of(field->kind)};
        if (!read_item(&c, &one, 0))
            return tarn_fail(r->err, TARN_CORRUPT,
                             "field %s: a packed list that ends inside of a "
                             "number",
                             field->name);
        if (!*is_first)
            tarn_buffer_append_char(r->out, ',');
        *is_first = false;
        TARN_TRY(write_value(r, field, &one));
    }
    return TARN_OK;
}

static enum tarn_status write_list(struct reader *r, const struct tarn_pb_field *field,
                                   const struct item *items, size_t count)
{
    bool is_first = true;
    tarn_buffer_append_char(r->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (items[i].wire == WIRE_BYTES && wire_of(field->kind) != WIRE_BYTES) {
            TARN_TRY(write_packed(r, field, &items[i], &is_first));
            continue;
        }
        if (!is_first)
            tarn_buffer_append_char(r->out, ',');
        is_first = false;
        TARN_TRY(write_value(r, field, &items[i]));
    }
    tarn_buffer_append_char(r->out, ']');
    return TARN_OK;
}

static void write_default(struct tarn_buffer *out, const struct tarn_pb_field *field)
{
    if (field->kind == TARN_PB_STRING || field->kind == TARN_PB_BYTES)
        tarn_buffer_append_str(out, "\"\"");
    else if (field->kind == TARN_PB_MESSAGE || field->kind == TARN_PB_GROUP)
        tarn_buffer_append_str(out, "{}");
    else if (field->kind == TARN_PB_ENUM)
        write_enum(out, field->values, field->values->values[0].number);
    else
        write_number(out, field, 0);
}

/* The last one of a side of a map's entry counts; a missing one is its default. */
static enum tarn_status write_side(struct reader *r, const struct tarn_pb_field *field,
                                   const struct item *items, size_t count, size_t side)
{
    const struct item *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (items[i].field == side)
            found = &items[i];
    if (found)
        return write_value(r, field, found);
    write_default(r->out, field);
    return TARN_OK;
}

static enum tarn_status write_entry(struct reader *r, const struct tarn_pb_message *entry,
                                    const struct item *items, size_t count)
{
    TARN_BUFFER(key, 1 << 20);
    struct reader into_key = {&key, r->err, r->depth};
    TARN_TRY(write_side(&into_key, &entry->fields[0], items, count, 0));
    /* keys are texts in JSON, whatever they are in the map */
    if (key.len && *key.data == '"')
        tarn_buffer_append_text(r->out, tarn_buffer_text(&key));
    else
        tarn_json_string_write(r->out, tarn_buffer_text(&key));
    tarn_buffer_append_char(r->out, ':');
    return write_side(r, &entry->fields[1], items, count, 1);
}

static enum tarn_status write_map(struct reader *r, const struct tarn_pb_field *field,
                                  const struct item *entries, size_t entry_count)
{
    tarn_buffer_append_char(r->out, '{');
    for (size_t i = 0; i < entry_count; i++) {
        struct item *items;
        size_t count;
        bool fine = entries[i].wire == WIRE_BYTES &&
                    list_items(field->message, entries[i].bytes, &items, &count);
        if (entries[i].wire != WIRE_BYTES)
            return tarn_fail(r->err, TARN_CORRUPT, "field %s: no entry of a map", field->name);
        if (i)
            tarn_buffer_append_char(r->out, ',');
        enum tarn_status status =
            fine ? write_entry(r, field->message, items, count)
                 : tarn_fail(r->err, TARN_CORRUPT, "field %s: no entry of a map", field->name);
        free(items);
        TARN_TRY(status);
    }
    tarn_buffer_append_char(r->out, '}');
    return TARN_OK;
}

/* Whether a field that did not come is shown with its default. */
static bool is_shown_unset(const struct tarn_pb_message *message, const struct tarn_pb_field *field)
{
    if (field->label == TARN_PB_REPEATED)
        return true;
    return !message->has_presence && field->label == TARN_PB_PLAIN && !field->oneof &&
           field->kind != TARN_PB_MESSAGE && field->kind != TARN_PB_GROUP;
}

static enum tarn_status write_fields(struct reader *r, const struct tarn_pb_message *message,
                                     const struct item *items, size_t count)
{
    size_t at = 0;
    bool is_first = true;
    for (size_t i = 0; i < message->field_count; i++) {
        const struct tarn_pb_field *field = &message->fields[i];
        size_t from = at;
        while (at < count && items[at].field == i)
            at++;
        if (at == from && !is_shown_unset(message, field))
            continue;
        if (!is_first)
            tarn_buffer_append_char(r->out, ',');
        is_first = false;
        tarn_json_string_write(r->out, tarn_text_of(field->json_name));
        tarn_buffer_append_char(r->out, ':');
        if (field->is_map)
            TARN_TRY(write_map(r, field, items + from, at - from));
        else if (field->label == TARN_PB_REPEATED)
            TARN_TRY(write_list(r, field, items + from, at - from));
        else if (at == from)
            write_default(r->out, field);
        else
            TARN_TRY(write_value(r, field, &items[at - 1]));
    }
    return TARN_OK;
}

static enum tarn_status write_message(struct reader *r, const struct tarn_pb_message *message,
                                      struct tarn_text bytes)
{
    struct item *items;
    size_t count;
    if (r->depth == TARN_SCHEMA_DEPTH_MAX)
        return tarn_fail(r->err, TARN_CORRUPT, "messages nested deeper than %d levels",
                         TARN_SCHEMA_DEPTH_MAX);
    r->depth++;
    bool fine = list_items(message, bytes, &items, &count);
    enum tarn_status status =
        fine ? TARN_OK
             : tarn_fail(r->err, TARN_CORRUPT, "the bytes are no message %s", message->full_name);
    tarn_buffer_append_char(r->out, '{');
    if (status == TARN_OK)
        status = write_fields(r, message, items, count);
    tarn_buffer_append_char(r->out, '}');
    free(items);
    r->depth--;
    return status;
}

enum tarn_status tarn_pb_decode(const struct tarn_schema *schema, struct tarn_text payload,
                                struct tarn_buffer *json, struct tarn_error *err)
{
    int32_t indexes[TARN_WIRE_INDEXES_MAX];
    size_t count;
    struct tarn_text rest;
    if (!tarn_wire_format_indexes(payload, indexes, &count, &rest))
        return tarn_fail(err, TARN_CORRUPT, "decoding Protobuf: the message indexes are not whole");
    const struct tarn_pb_message *message = &tarn_pb_of(schema)->types;
    for (size_t i = 0; i < count; i++) {
        if ((size_t)indexes[i] >= message->message_count)
            return tarn_fail(err, TARN_CORRUPT, "decoding Protobuf: the schema has no message %d",
                             indexes[i]);
        message = message->messages[indexes[i]];
    }
    struct reader reader = {.out = json, .err = err};
    if (write_message(&reader, message, rest) != TARN_OK)
        return tarn_error_wrap(err, "decoding Protobuf");
    return tarn_buffer_check(json, "a value as JSON", err);
}
