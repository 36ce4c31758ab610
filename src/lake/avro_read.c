/* lake/avro_read.c -- decoding of Avro container files, see avro.h.
 *
 * Two passes: the header's schema becomes a tree of types, then each block's records are decoded by
 * walking it. A bad file is CORRUPT whatever is in it: lengths are checked against what is left,
 * counts against the bytes that so many items need at least, and nesting against a limit. */
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "lake/avro.h"

enum {
    SYNC_BYTES = 16,
    DEPTH_MAX = 32,
    NAMED_MAX = 256,
    VALUES_PER_BYTE = 64,
    DECODED_MAX_BYTES = 256 << 20
};

struct cursor {
    const unsigned char *at;
    size_t left;
    const char *path;
    struct tarn_arena *arena;
    struct tarn_error *err;
    size_t *budget; /* values that may still be decoded: records may nest without taking bytes */
};

static enum tarn_status corrupt(const struct cursor *c, const char *what)
{
    return tarn_fail(
        c->err, TARN_CORRUPT,
        "reading the Avro file %s: %s; restore the file from a backup, or go back to an "
        "older snapshot of the table",
        c->path, what);
}

static enum tarn_status read_long(struct cursor *c, int64_t *ret_value)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (c->left == 0)
            return corrupt(c, "it ends in the middle of a number");
        unsigned char byte = *c->at++;
        c->left--;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return TARN_OK;
        }
    }
    return corrupt(c, "a number is longer than 64 bits");
}

static enum tarn_status read_fixed(struct cursor *c, size_t len, struct tarn_text *ret_bytes)
{
    if (len > c->left)
        return corrupt(c, "it ends in the middle of a value");
    *ret_bytes = (struct tarn_text){(const char *)c->at, len};
    c->at += len;
    c->left -= len;
    return TARN_OK;
}

static enum tarn_status read_bytes(struct cursor *c, struct tarn_text *ret_bytes)
{
    int64_t len;
    TARN_TRY(read_long(c, &len));
    if (len < 0)
        return corrupt(c, "a length is negative");
    return read_fixed(c, (uint64_t)len > c->left ? c->left + 1 : (size_t)len, ret_bytes);
}

/* Count of the next block of an array or map; 0 ends it. Every item takes at least one byte. */
static enum tarn_status read_block_count(struct cursor *c, size_t *ret_count)
{
    int64_t count, skipped;
    TARN_TRY(read_long(c, &count));
    if (count < 0) {
        if (count == INT64_MIN)
            return corrupt(c, "a count is out of range");
        count = -count;
        TARN_TRY(read_long(c, &skipped));
    }
    if ((uint64_t)count > c->left)
        return corrupt(c, "a list claims more items than the file has bytes");
    *ret_count = (size_t)count;
    return TARN_OK;
}

/* ---- schema ---- */

struct compiler {
    struct cursor *cursor;
    const struct tarn_avro_type *named[NAMED_MAX];
    size_t named_count;
};

static const char *const primitive_names[] = {
    [TARN_AVRO_NULL] = "null",   [TARN_AVRO_BOOLEAN] = "boolean", [TARN_AVRO_INT] = "int",
    [TARN_AVRO_LONG] = "long",   [TARN_AVRO_FLOAT] = "float",     [TARN_AVRO_DOUBLE] = "double",
    [TARN_AVRO_BYTES] = "bytes", [TARN_AVRO_STRING] = "string",
};

static enum tarn_status compile(struct compiler *k, const json_t *json, int depth,
                                const struct tarn_avro_type **ret_type);

static struct tarn_avro_type *new_type(struct compiler *k, enum tarn_avro_kind kind,
                                       size_t field_count)
{
    struct tarn_avro_type *type = tarn_arena_alloc(k->cursor->arena, sizeof *type);
    type->kind = kind;
    type->field_count = field_count;
    type->fields = tarn_arena_array(k->cursor->arena, field_count, sizeof *type->fields);
    return type;
}

static enum tarn_status compile_name(struct compiler *k, const char *name,
                                     const struct tarn_avro_type **ret_type)
{
    for (size_t kind = 0; kind < TARN_COUNT(primitive_names); kind++)
        if (strcmp(name, primitive_names[kind]) == 0) {
            *ret_type = new_type(k, (enum tarn_avro_kind)kind, 0);
            return TARN_OK;
        }
    for (size_t i = 0; i < k->named_count; i++)
        if (strcmp(name, k->named[i]->name) == 0) {
            *ret_type = k->named[i];
            return TARN_OK;
        }
    return corrupt(k->cursor, "its schema names an unknown type");
}

/* Named only once complete, so that a schema cannot contain itself. */
static enum tarn_status add_named(struct compiler *k, struct tarn_avro_type *type,
                                  const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    if (!name || k->named_count == NAMED_MAX)
        return corrupt(k->cursor, "its schema has a type without a name, or too many types");
    type->name = tarn_arena_strdup(k->cursor->arena, name);
    k->named[k->named_count++] = type;
    return TARN_OK;
}

static int int_attribute(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    json_int_t number = json_integer_value(value);
    return json_is_integer(value) && number >= 0 && number <= INT_MAX ? (int)number : -1;
}

static enum tarn_status compile_record(struct compiler *k, const json_t *json, int depth,
                                       const struct tarn_avro_type **ret_type)
{
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields))
        return corrupt(k->cursor, "a record in its schema has no fields");
    struct tarn_avro_type *type = new_type(k, TARN_AVRO_RECORD, json_array_size(fields));
    for (size_t i = 0; i < type->field_count; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        if (!name)
            return corrupt(k->cursor, "a field in its schema has no name");
        type->fields[i].name = tarn_arena_strdup(k->cursor->arena, name);
        type->fields[i].field_id = int_attribute(field, "field-id");
        TARN_TRY(compile(k, json_object_get(field, "type"), depth + 1, &type->fields[i].type));
    }
    *ret_type = type;
    return add_named(k, type, json);
}

static enum tarn_status compile_items(struct compiler *k, enum tarn_avro_kind kind,
                                      const json_t *items, int id, int depth,
                                      const struct tarn_avro_type **ret_type)
{
    struct tarn_avro_type *type = new_type(k, kind, 1);
    type->fields[0] = (struct tarn_avro_field){.name = "item", .field_id = id};
    TARN_TRY(compile(k, items, depth + 1, &type->fields[0].type));
    *ret_type = type;
    return TARN_OK;
}

static enum tarn_status compile_object(struct compiler *k, const json_t *json, int depth,
                                       const struct tarn_avro_type **ret_type)
{
    const json_t *inner = json_object_get(json, "type");
    const char *name = json_string_value(inner);
    if (!name)
        return compile(k, inner, depth + 1, ret_type);
    if (strcmp(name, "record") == 0)
        return compile_record(k, json, depth, ret_type);
    if (strcmp(name, "array") == 0)
        return compile_items(k, TARN_AVRO_ARRAY, json_object_get(json, "items"),
                             int_attribute(json, "element-id"), depth, ret_type);
    if (strcmp(name, "map") == 0)
        return compile_items(k, TARN_AVRO_MAP, json_object_get(json, "values"),
                             int_attribute(json, "value-id"), depth, ret_type);
    if (strcmp(name, "fixed") == 0 || strcmp(name, "enum") == 0) {
        bool fixed = name[0] == 'f';
        struct tarn_avro_type *type = new_type(k, fixed ? TARN_AVRO_FIXED : TARN_AVRO_ENUM, 0);
        int size = fixed ? int_attribute(json, "size") : 0;
        if (size < 0)
            return corrupt(k->cursor, "a fixed type in its schema has no size");
        type->fixed_size = (size_t)size;
        *ret_type = type;
        return add_named(k, type, json);
    }
    return compile_name(k, name, ret_type);
}

static enum tarn_status compile(struct compiler *k, const json_t *json, int depth,
                                const struct tarn_avro_type **ret_type)
{
    if (depth > DEPTH_MAX)
        return corrupt(k->cursor, "its schema is nested too deeply");
    if (json_is_string(json))
        return compile_name(k, json_string_value(json), ret_type);
    if (json_is_object(json))
        return compile_object(k, json, depth, ret_type);
    if (!json_is_array(json) || json_array_size(json) == 0)
        return corrupt(k->cursor, "its schema has a type that is no type");
    struct tarn_avro_type *type = new_type(k, TARN_AVRO_UNION, json_array_size(json));
    for (size_t i = 0; i < type->field_count; i++)
        TARN_TRY(compile(k, json_array_get(json, i), depth + 1, &type->fields[i].type));
    *ret_type = type;
    return TARN_OK;
}

static enum tarn_status read_schema(struct cursor *c, struct tarn_text text,
                                    const struct tarn_avro_type **ret_type)
{
    json_error_t where;
    json_t *json = json_loadb(text.data, text.len, 0, &where);
    if (!json)
        return corrupt(c, "its schema is not JSON");
    struct compiler compiler = {.cursor = c};
    enum tarn_status status = compile(&compiler, json, 0, ret_type);
    json_decref(json);
    if (status == TARN_OK && (*ret_type)->kind != TARN_AVRO_RECORD)
        return corrupt(c, "its schema is not a record");
    return status;
}

/* ---- values ---- */

static enum tarn_status read_value(struct cursor *c, const struct tarn_avro_type *type,
                                   struct tarn_avro_value *value);

/* `width` values per item: 1 for arrays, 2 (key, value) for maps. */
static enum tarn_status read_items(struct cursor *c, const struct tarn_avro_type *type,
                                   size_t width, struct tarn_avro_value *value)
{
    static const struct tarn_avro_type key_type = {.kind = TARN_AVRO_STRING};
    for (;;) {
        size_t count;
        TARN_TRY(read_block_count(c, &count));
        if (count == 0)
            return TARN_OK;
        struct tarn_avro_value *items =
            tarn_arena_array(c->arena, value->count + count * width, sizeof *items);
        if (value->count > 0)
            memcpy(items, value->items, value->count * sizeof *items);
        value->items = items;
        for (size_t i = 0; i < count; i++) {
            size_t left = c->left;
            if (width == 2)
                TARN_TRY(read_value(c, &key_type, &items[value->count++]));
            TARN_TRY(read_value(c, type->fields[0].type, &items[value->count++]));
            if (c->left == left)
                return corrupt(c, "a list has items without bytes");
        }
    }
}

static enum tarn_status read_record(struct cursor *c, const struct tarn_avro_type *type,
                                    struct tarn_avro_value *value)
{
    value->count = type->field_count;
    value->items = tarn_arena_array(c->arena, value->count, sizeof *value->items);
    for (size_t i = 0; i < value->count; i++)
        TARN_TRY(read_value(c, type->fields[i].type, &value->items[i]));
    return TARN_OK;
}

static enum tarn_status read_number(struct cursor *c, const struct tarn_avro_type *type,
                                    struct tarn_avro_value *value)
{
    struct tarn_text raw = {NULL, 0};
    if (type->kind == TARN_AVRO_BOOLEAN) {
        TARN_TRY(read_fixed(c, 1, &raw));
        value->integer = raw.data[0] != 0;
    } else if (type->kind == TARN_AVRO_FLOAT) {
        float real;
        TARN_TRY(read_fixed(c, sizeof real, &raw));
        memcpy(&real, raw.data, sizeof real);
        value->real = (double)real;
    } else if (type->kind == TARN_AVRO_DOUBLE) {
        TARN_TRY(read_fixed(c, sizeof value->real, &raw));
        memcpy(&value->real, raw.data, sizeof value->real);
    } else {
        TARN_TRY(read_long(c, &value->integer));
        if (type->kind == TARN_AVRO_INT && value->integer != (int32_t)value->integer)
            return corrupt(c, "an int does not fit 32 bits");
    }
    return TARN_OK;
}

static enum tarn_status read_value(struct cursor *c, const struct tarn_avro_type *type,
                                   struct tarn_avro_value *value)
{
    if (*c->budget == 0)
        return corrupt(c, "it holds far more values than bytes");
    --*c->budget;
    value->kind = type->kind;
    value->type = type;
    switch (type->kind) {
    case TARN_AVRO_NULL:
        return TARN_OK;
    case TARN_AVRO_BOOLEAN:
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
    case TARN_AVRO_ENUM:
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
        return read_number(c, type, value);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING:
        return read_bytes(c, &value->bytes);
    case TARN_AVRO_FIXED:
        return read_fixed(c, type->fixed_size, &value->bytes);
    case TARN_AVRO_RECORD:
        return read_record(c, type, value);
    case TARN_AVRO_ARRAY:
        return read_items(c, type, 1, value);
    case TARN_AVRO_MAP:
        return read_items(c, type, 2, value);
    case TARN_AVRO_UNION:
        break;
    }
    int64_t branch;
    TARN_TRY(read_long(c, &branch));
    if (branch < 0 || (uint64_t)branch >= type->field_count)
        return corrupt(c, "a union names a branch that is not there");
    return read_value(c, type->fields[branch].type, value);
}

/* ---- container ---- */

static enum tarn_status inflate_block(struct cursor *c, struct tarn_text packed,
                                      struct tarn_text *ret_bytes)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, -15) != Z_OK)
        return corrupt(c, "zlib did not start");
    TARN_BUFFER(out, DECODED_MAX_BYTES);
    stream.next_in = (unsigned char *)(uintptr_t)packed.data;
    stream.avail_in = (unsigned)packed.len;
    int code = Z_OK;
    while (code == Z_OK) {
        enum { PIECE_BYTES = 64 * 1024 };
        char *room = tarn_buffer_room(&out, PIECE_BYTES);
        if (!room)
            break;
        stream.next_out = (unsigned char *)room;
        stream.avail_out = PIECE_BYTES;
        code = inflate(&stream, Z_NO_FLUSH);
        out.len += PIECE_BYTES - stream.avail_out;
    }
    inflateEnd(&stream);
    if (code != Z_STREAM_END)
        return corrupt(c,
                       out.overflow ? "a block is larger than 256 MB" : "a block does not inflate");
    *ret_bytes = (struct tarn_text){tarn_arena_strndup(c->arena, out.data, out.len), out.len};
    return TARN_OK;
}

static enum tarn_status read_meta(struct cursor *c, struct tarn_avro_file *file)
{
    for (;;) {
        size_t count;
        TARN_TRY(read_block_count(c, &count));
        if (count == 0)
            return TARN_OK;
        struct tarn_avro_meta *meta =
            tarn_arena_array(c->arena, file->meta_count + count, sizeof *meta);
        if (file->meta_count > 0)
            memcpy(meta, file->meta, file->meta_count * sizeof *meta);
        file->meta = meta;
        for (size_t i = 0; i < count; i++) {
            struct tarn_text key;
            TARN_TRY(read_bytes(c, &key));
            meta[file->meta_count].key = tarn_arena_strndup(c->arena, key.data, key.len);
            TARN_TRY(read_bytes(c, &meta[file->meta_count].value));
            file->meta_count++;
        }
    }
}

static enum tarn_status read_block(struct cursor *c, bool deflated, struct tarn_text sync,
                                   struct tarn_avro_file *file)
{
    int64_t count;
    struct tarn_text body, end;
    TARN_TRY(read_long(c, &count));
    TARN_TRY(read_bytes(c, &body));
    TARN_TRY(read_fixed(c, SYNC_BYTES, &end));
    if (!tarn_text_equal(sync, end))
        return corrupt(c, "the marker between two blocks is wrong");
    if (deflated)
        TARN_TRY(inflate_block(c, body, &body));
    if (count < 0 || (uint64_t)count > body.len)
        return corrupt(c, "a block claims more records than it has bytes");
    struct tarn_avro_value *records =
        tarn_arena_array(c->arena, file->record_count + (size_t)count, sizeof *records);
    if (file->record_count > 0)
        memcpy(records, file->records, file->record_count * sizeof *records);
    file->records = records;
    size_t budget = body.len * VALUES_PER_BYTE + VALUES_PER_BYTE;
    struct cursor inner = *c;
    inner.budget = &budget;
    inner.at = (const unsigned char *)body.data;
    inner.left = body.len;
    for (int64_t i = 0; i < count; i++)
        TARN_TRY(read_value(&inner, file->schema, &records[file->record_count++]));
    return inner.left == 0 ? TARN_OK : corrupt(c, "a block has bytes behind its last record");
}

enum tarn_status tarn_avro_file_read(struct tarn_text bytes, const char *path,
                                     struct tarn_arena *arena, struct tarn_avro_file *ret_file,
                                     struct tarn_error *err)
{
    struct cursor c = {(const unsigned char *)bytes.data, bytes.len, path, arena, err, NULL};
    struct tarn_avro_file file = {0};
    struct tarn_text magic = {NULL, 0}, sync;
    TARN_TRY(read_fixed(&c, 4, &magic));
    if (memcmp(magic.data, "Obj\x01", 4) != 0)
        return corrupt(&c, "it does not start as an Avro container does");
    TARN_TRY(read_meta(&c, &file));
    TARN_TRY(read_fixed(&c, SYNC_BYTES, &sync));
    struct tarn_text codec = tarn_avro_meta_get(&file, "avro.codec");
    bool deflated = tarn_text_is(codec, "deflate");
    if (!deflated && codec.data && !tarn_text_is(codec, "null"))
        return tarn_fail(
            err, TARN_UNSUPPORTED,
            "reading the Avro file %s: its codec is '%.*s', Tarn reads null and deflate; set "
            "write.avro.compression-codec to gzip in the engine that wrote it",
            path, TARN_TEXT_ARGS(codec));
    TARN_TRY(read_schema(&c, tarn_avro_meta_get(&file, "avro.schema"), &file.schema));
    while (c.left > 0)
        TARN_TRY(read_block(&c, deflated, sync, &file));
    *ret_file = file;
    return TARN_OK;
}

const struct tarn_avro_value *tarn_avro_get(const struct tarn_avro_value *record, int field_id)
{
    if (!record || record->kind != TARN_AVRO_RECORD)
        return NULL;
    for (size_t i = 0; i < record->count; i++)
        if (record->type->fields[i].field_id == field_id)
            return &record->items[i];
    return NULL;
}

struct tarn_text tarn_avro_meta_get(const struct tarn_avro_file *file, const char *key)
{
    for (size_t i = 0; i < file->meta_count; i++)
        if (strcmp(file->meta[i].key, key) == 0)
            return file->meta[i].value;
    return (struct tarn_text){NULL, 0};
}
