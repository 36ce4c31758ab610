/* broker/protocol/message.c -- walks the tables of messages.txt: one reader and one writer for all
 * messages.
 *
 * A message is its fields in order, without names; in flexible versions every struct ends with a
 * section of tagged fields: count, then tag, size and bytes of each, tags ascending (KIP-482). */
#include "broker/protocol/message.h"

#include "base/buffer.h"
#include "broker/protocol/message_int.h"

enum { DEPTH_MAX = 16 };

/* Where a decoder stands, for the error's words. */
struct place {
    const char *field;
    int32_t item; /* -1: not inside of an array */
};

struct decoding {
    struct tarn_wire_reader *reader;
    struct tarn_arena *arena;
    int16_t version;
    bool flexible;
    size_t depth;
    struct place places[DEPTH_MAX];
};

struct encoding {
    struct tarn_wire_writer *writer;
    int16_t version;
    bool flexible;
};

static const char *name_of(const struct tarn_message_field *field)
{
    return tarn_message_names + field->name;
}

static bool has_field(const struct tarn_message_field *field, int16_t version)
{
    return version >= field->min_version && version <= field->max_version;
}

static size_t value_bytes(const struct tarn_message_field *field)
{
    switch ((enum tarn_field_type)field->type) {
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_INT8:
        return 1;
    case FIELD_INT16:
    case FIELD_UINT16:
        return 2;
    case FIELD_INT32:
        return 4;
    case FIELD_INT64:
    case FIELD_FLOAT64:
        return 8;
    case FIELD_UUID:
        return sizeof(struct tarn_uuid16);
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS:
        return sizeof(struct tarn_text);
    case FIELD_STRUCT:
        break;
    }
    return tarn_message_records[field->record].size_bytes;
}

/* An array's count stands right behind its pointer. */
static int32_t *count_of(void *pointer)
{
    return (int32_t *)((char *)pointer + sizeof(void *));
}

/* ---- defaults ---- */

static void set_number(const struct tarn_message_field *field, void *to, int64_t value)
{
    switch ((enum tarn_field_type)field->type) {
    case FIELD_BOOL:
        *(bool *)to = value != 0;
        break;
    case FIELD_INT8:
        *(int8_t *)to = (int8_t)value;
        break;
    case FIELD_INT16:
    case FIELD_UINT16:
        *(int16_t *)to = (int16_t)value;
        break;
    case FIELD_INT32:
        *(int32_t *)to = (int32_t)value;
        break;
    case FIELD_INT64:
        *(int64_t *)to = value;
        break;
    case FIELD_FLOAT64:
        *(double *)to = (double)value;
        break;
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS:
        *(struct tarn_text *)to =
            field->flags & FIELD_NULL ? (struct tarn_text){NULL, 0} : TARN_TEXT("");
        break;
    case FIELD_UUID:
    case FIELD_STRUCT:
        break; /* zero */
    }
}

/* `to` is zero already. */
static void set_default(const struct tarn_message_field *field, void *to)
{
    if (field->flags & FIELD_ARRAY)
        *count_of(to) = field->flags & FIELD_NULL ? -1 : 0;
    else
        set_number(field, to, tarn_message_defaults[field->fallback]);
}

static void set_defaults(const struct tarn_message_record *record, void *ret)
{
    memset(ret, 0, record->size_bytes);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        set_default(field, (char *)ret + field->offset);
    }
}

void tarn_message_init(const struct tarn_message *message, void *ret)
{
    tarn_message_record_init(message->record, ret);
}

void tarn_message_record_init(uint16_t record, void *ret)
{
    set_defaults(&tarn_message_records[record], ret);
}

/* ---- decoding ---- */

static void decode_record(struct decoding *decoding, const struct tarn_message_record *record,
                          void *ret);

static size_t min_record_bytes(const struct decoding *decoding,
                               const struct tarn_message_record *record);

/* The fewest bytes that a value can take, so that a count can be held against what is left. */
static size_t min_value_bytes(const struct decoding *decoding,
                              const struct tarn_message_field *field)
{
    switch ((enum tarn_field_type)field->type) {
    case FIELD_STRING:
        return decoding->flexible ? 1 : 2;
    case FIELD_BYTES:
    case FIELD_RECORDS:
        return decoding->flexible ? 1 : 4;
    case FIELD_STRUCT:
        return min_record_bytes(decoding, &tarn_message_records[field->record]);
    case FIELD_BOOL:
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_UINT16:
    case FIELD_INT32:
    case FIELD_INT64:
    case FIELD_FLOAT64:
    case FIELD_UUID:
        break;
    }
    return value_bytes(field);
}

static size_t min_record_bytes(const struct decoding *decoding,
                               const struct tarn_message_record *record)
{
    size_t total = decoding->flexible ? 1 : 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        if (field->tag >= 0 || !has_field(field, decoding->version))
            continue;
        if (field->flags & FIELD_ARRAY)
            total += decoding->flexible ? 1 : 4;
        else if (field->type == FIELD_STRUCT)
            total += 1;
        else
            total += min_value_bytes(decoding, field);
    }
    return total ? total : 1;
}

static void refuse_null(struct decoding *decoding, const struct tarn_message_field *field)
{
    if (decoding->version < field->null_from)
        tarn_wire_fail(decoding->reader, "null where a value has to be");
}

static void decode_text(struct decoding *decoding, const struct tarn_message_field *field,
                        bool null_allowed, struct tarn_text *ret)
{
    struct tarn_wire_reader *reader = decoding->reader;
    *ret = decoding->flexible            ? tarn_wire_read_compact(reader)
           : field->type == FIELD_STRING ? tarn_wire_read_string(reader)
                                         : tarn_wire_read_bytes(reader);
    if (ret->data)
        return;
    if (null_allowed)
        refuse_null(decoding, field);
    else
        tarn_wire_fail(reader, "null inside of an array");
}

/* One value, or one item of an array. */
static void decode_value(struct decoding *decoding, const struct tarn_message_field *field,
                         bool item, void *to)
{
    struct tarn_wire_reader *reader = decoding->reader;
    switch ((enum tarn_field_type)field->type) {
    case FIELD_BOOL:
        *(bool *)to = tarn_wire_read_bool(reader);
        break;
    case FIELD_INT8:
        *(int8_t *)to = tarn_wire_read_int8(reader);
        break;
    case FIELD_INT16:
    case FIELD_UINT16:
        *(int16_t *)to = tarn_wire_read_int16(reader);
        break;
    case FIELD_INT32:
        *(int32_t *)to = tarn_wire_read_int32(reader);
        break;
    case FIELD_INT64:
        *(int64_t *)to = tarn_wire_read_int64(reader);
        break;
    case FIELD_FLOAT64:
        *(double *)to = tarn_wire_read_float64(reader);
        break;
    case FIELD_UUID:
        *(struct tarn_uuid16 *)to = tarn_wire_read_uuid(reader);
        break;
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS:
        decode_text(decoding, field, !item, to);
        break;
    case FIELD_STRUCT:
        decode_record(decoding, &tarn_message_records[field->record], to);
        break;
    }
}

static void decode_array(struct decoding *decoding, const struct tarn_message_field *field,
                         void *to)
{
    struct tarn_wire_reader *reader = decoding->reader;
    struct place *place = &decoding->places[decoding->depth - 1];
    size_t min_bytes = min_value_bytes(decoding, field);
    int32_t count = decoding->flexible ? tarn_wire_read_compact_count(reader, min_bytes)
                                       : tarn_wire_read_count(reader, min_bytes);
    *count_of(to) = count;
    if (count < 0)
        refuse_null(decoding, field);
    if (count <= 0)
        return;
    size_t size = value_bytes(field);
    char *items = tarn_arena_array(decoding->arena, (size_t)count, size);
    *(void **)to = items;
    for (int32_t i = 0; i < count && !reader->fault; i++) {
        place->item = i;
        decode_value(decoding, field, true, items + (size_t)i * size);
    }
}

/* A struct that is not in an array is a pointer; one that may be null begins with a byte that says
 * whether it is there. */
static void decode_struct(struct decoding *decoding, const struct tarn_message_field *field,
                          void *to)
{
    if (decoding->version >= field->null_from && tarn_wire_read_int8(decoding->reader) < 0)
        return;
    if (decoding->reader->fault)
        return;
    const struct tarn_message_record *record = &tarn_message_records[field->record];
    *(void **)to = tarn_arena_alloc(decoding->arena, record->size_bytes);
    decode_record(decoding, record, *(void **)to);
}

static void decode_field(struct decoding *decoding, const struct tarn_message_field *field,
                         void *to)
{
    decoding->places[decoding->depth++] = (struct place){name_of(field), -1};
    if (field->flags & FIELD_ARRAY)
        decode_array(decoding, field, to);
    else if (field->type == FIELD_STRUCT)
        decode_struct(decoding, field, to);
    else
        decode_value(decoding, field, false, to);
    if (!decoding->reader->fault)
        decoding->depth--; /* otherwise the place is kept for the error */
}

static const struct tarn_message_field *
find_tag(const struct decoding *decoding, const struct tarn_message_record *record, uint32_t tag)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        if (field->tag >= 0 && (uint32_t)field->tag == tag && has_field(field, decoding->version))
            return field;
    }
    return NULL;
}

static void decode_tags(struct decoding *decoding, const struct tarn_message_record *record,
                        void *ret)
{
    struct tarn_wire_reader *reader = decoding->reader;
    int64_t last = -1;
    for (uint32_t left = tarn_wire_read_uvarint(reader); left > 0 && !reader->fault; left--) {
        uint32_t tag = tarn_wire_read_uvarint(reader);
        uint32_t size = tarn_wire_read_uvarint(reader);
        if (!reader->fault && tag <= last)
            tarn_wire_fail(reader, "a tag twice, or out of order");
        last = tag;
        const struct tarn_message_field *field = find_tag(decoding, record, tag);
        size_t begin = reader->at, whole = reader->len;
        (void)tarn_wire_read_span(reader, size); /* is it there, and unknown tags are passed over */
        if (reader->fault || !field)
            continue;
        reader->len = reader->at; /* the field may not read on behind its size */
        reader->at = begin;
        decode_field(decoding, field, (char *)ret + field->offset);
        if (reader->at != reader->len)
            tarn_wire_fail(reader, "a tagged field shorter than its size");
        reader->len = whole;
        if (reader->fault)
            reader->at = whole;
    }
}

static void decode_record(struct decoding *decoding, const struct tarn_message_record *record,
                          void *ret)
{
    set_defaults(record, ret);
    for (size_t i = 0; i < record->field_count && !decoding->reader->fault; i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        if (field->tag < 0 && has_field(field, decoding->version))
            decode_field(decoding, field, (char *)ret + field->offset);
    }
    if (decoding->flexible && !decoding->reader->fault)
        decode_tags(decoding, record, ret);
}

static enum tarn_status fail_at(const struct decoding *decoding, const struct tarn_message *message,
                                struct tarn_error *err)
{
    TARN_BUFFER(path, 1024);
    tarn_buffer_printf(&path, "%s version %d", message->name, decoding->version);
    for (size_t i = 0; i < decoding->depth; i++) {
        const struct place *place = &decoding->places[i];
        tarn_buffer_printf(&path, "%s%s", i == 0 ? ", field " : ".", place->field);
        if (place->item >= 0)
            tarn_buffer_printf(&path, "[%d]", place->item);
    }
    return tarn_wire_reader_check(decoding->reader, tarn_buffer_str(&path), err);
}

enum tarn_status tarn_message_decode(const struct tarn_message *message,
                                     struct tarn_wire_reader *reader, int16_t version,
                                     struct tarn_arena *arena, void *ret, struct tarn_error *err)
{
    if (version < message->min_version || version > message->max_version)
        return tarn_fail(err, TARN_UNSUPPORTED, "reading %s: version %d is not one of %d to %d",
                         message->name, version, message->min_version, message->max_version);
    struct decoding decoding = {.reader = reader,
                                .arena = arena,
                                .version = version,
                                .flexible = version >= message->first_flexible};
    decode_record(&decoding, &tarn_message_records[message->record], ret);
    return reader->fault ? fail_at(&decoding, message, err) : TARN_OK;
}

/* ---- encoding ---- */

static void encode_record(struct encoding *encoding, const struct tarn_message_record *record,
                          const char *from);

static void encode_text(struct encoding *encoding, const struct tarn_message_field *field,
                        struct tarn_text text, bool item)
{
    struct tarn_wire_writer *writer = encoding->writer;
    if (!text.data && (item || encoding->version < field->null_from))
        text = TARN_TEXT("");
    if (field->type == FIELD_RECORDS && text.data) {
        if (encoding->flexible)
            tarn_wire_write_uvarint(writer, (uint32_t)text.len + 1);
        else
            tarn_wire_write_int32(writer, (int32_t)text.len);
        tarn_wire_write_borrowed(writer, text);
    } else if (encoding->flexible) {
        tarn_wire_write_compact(writer, text);
    } else if (field->type == FIELD_STRING) {
        tarn_wire_write_string(writer, text);
    } else {
        tarn_wire_write_bytes(writer, text);
    }
}

static void encode_value(struct encoding *encoding, const struct tarn_message_field *field,
                         bool item, const char *from)
{
    struct tarn_wire_writer *writer = encoding->writer;
    switch ((enum tarn_field_type)field->type) {
    case FIELD_BOOL:
        tarn_wire_write_bool(writer, *(const bool *)from);
        break;
    case FIELD_INT8:
        tarn_wire_write_int8(writer, *(const int8_t *)from);
        break;
    case FIELD_INT16:
    case FIELD_UINT16:
        tarn_wire_write_int16(writer, *(const int16_t *)from);
        break;
    case FIELD_INT32:
        tarn_wire_write_int32(writer, *(const int32_t *)from);
        break;
    case FIELD_INT64:
        tarn_wire_write_int64(writer, *(const int64_t *)from);
        break;
    case FIELD_FLOAT64:
        tarn_wire_write_float64(writer, *(const double *)from);
        break;
    case FIELD_UUID:
        tarn_wire_write_uuid(writer, (const struct tarn_uuid16 *)from);
        break;
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_RECORDS:
        encode_text(encoding, field, *(const struct tarn_text *)from, item);
        break;
    case FIELD_STRUCT:
        encode_record(encoding, &tarn_message_records[field->record], from);
        break;
    }
}

static void encode_array(struct encoding *encoding, const struct tarn_message_field *field,
                         const char *from)
{
    int32_t count = *count_of((void *)from);
    if (count < 0)
        count = encoding->version >= field->null_from ? -1 : 0;
    if (encoding->flexible)
        tarn_wire_write_compact_count(encoding->writer, count);
    else
        tarn_wire_write_count(encoding->writer, count);
    const char *items = *(const char *const *)from;
    size_t size = value_bytes(field);
    for (int32_t i = 0; i < count; i++)
        encode_value(encoding, field, true, items + (size_t)i * size);
}

static void encode_struct(struct encoding *encoding, const struct tarn_message_field *field,
                          const char *from)
{
    const struct tarn_message_record *record = &tarn_message_records[field->record];
    const char *value = *(const char *const *)from;
    bool may_be_null = encoding->version >= field->null_from;
    if (may_be_null)
        tarn_wire_write_int8(encoding->writer, value ? 1 : -1);
    if (value) {
        encode_record(encoding, record, value);
    } else if (!may_be_null) {
        char *defaults = tarn_alloc(record->size_bytes);
        set_defaults(record, defaults);
        encode_record(encoding, record, defaults);
        free(defaults);
    }
}

static void encode_field(struct encoding *encoding, const struct tarn_message_field *field,
                         const char *from)
{
    if (field->flags & FIELD_ARRAY)
        encode_array(encoding, field, from);
    else if (field->type == FIELD_STRUCT)
        encode_struct(encoding, field, from);
    else
        encode_value(encoding, field, false, from);
}

/* Whether a tagged field's value is the default, which is not sent. */
static bool is_default(const struct tarn_message_field *field, const char *from)
{
    union {
        char bytes[16];
        int64_t align;
        void *pointer;
    } unset = {{0}};
    if (field->flags & FIELD_ARRAY)
        return field->flags & FIELD_NULL ? *count_of((void *)from) < 0
                                         : *count_of((void *)from) <= 0;
    if (field->type == FIELD_STRUCT)
        return !*(const void *const *)from;
    if (field->type == FIELD_STRING || field->type == FIELD_BYTES || field->type == FIELD_RECORDS) {
        const struct tarn_text *text = (const struct tarn_text *)from;
        return field->flags & FIELD_NULL ? !text->data : text->len == 0;
    }
    set_number(field, unset.bytes, tarn_message_defaults[field->fallback]);
    return memcmp(unset.bytes, from, value_bytes(field)) == 0;
}

static void encode_tag(struct encoding *encoding, const struct tarn_message_field *field,
                       const char *from)
{
    /* The size stands before the bytes, so they are counted first. */
    struct tarn_wire_writer counter = {.max_bytes = INT32_MAX, .counting = true};
    struct encoding counting = *encoding;
    counting.writer = &counter;
    encode_field(&counting, field, from);
    tarn_wire_write_uvarint(encoding->writer, (uint32_t)field->tag);
    tarn_wire_write_uvarint(encoding->writer, (uint32_t)counter.len);
    encode_field(encoding, field, from);
}

static void encode_tags(struct encoding *encoding, const struct tarn_message_record *record,
                        const char *from)
{
    const struct tarn_message_field *set[8];
    uint32_t count = 0;
    for (size_t i = 0; i < record->field_count && count < TARN_COUNT(set); i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        if (field->tag >= 0 && has_field(field, encoding->version) &&
            !is_default(field, from + field->offset))
            set[count++] = field;
    }
    tarn_wire_write_uvarint(encoding->writer, count);
    for (uint32_t i = 0; i < count; i++)
        encode_tag(encoding, set[i], from + set[i]->offset);
}

static void encode_record(struct encoding *encoding, const struct tarn_message_record *record,
                          const char *from)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct tarn_message_field *field = &tarn_message_fields[record->first_field + i];
        if (field->tag < 0 && has_field(field, encoding->version))
            encode_field(encoding, field, from + field->offset);
    }
    if (encoding->flexible)
        encode_tags(encoding, record, from);
}

void tarn_message_encode(const struct tarn_message *message, struct tarn_wire_writer *writer,
                         int16_t version, const void *from)
{
    struct encoding encoding = {
        .writer = writer, .version = version, .flexible = version >= message->first_flexible};
    encode_record(&encoding, &tarn_message_records[message->record], from);
}
