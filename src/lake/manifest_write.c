/* lake/manifest_write.c -- encoding of manifests and manifest lists, see manifest.h.
 *
 * The Avro schema is built as JSON with the spec's field ids; the record encoder below writes the
 * same fields in the same order. Required fields are plain, optional ones are ["null", T] with
 * default null: other engines insist on both. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lake/avro.h"
#include "lake/manifest.h"

/* ---- schemas ---- */

static json_t *field(const char *name, int id, json_t *type)
{
    return json_pack("{s:s, s:o, s:i}", "name", name, "type", type, "field-id", id);
}

static json_t *optional(const char *name, int id, json_t *type)
{
    return json_pack("{s:s, s:[s, o], s:n, s:i}", "name", name, "type", "null", type, "default",
                     "field-id", id);
}

static json_t *plain(const char *name)
{
    return json_string(name);
}

/* Iceberg's form of a map with int keys: an array of key-value records (spec, Appendix A, Avro). */
static json_t *int_map(int key_id, int value_id, const char *value_type)
{
    json_t *record = json_pack(
        "{s:s, s:o, s:[o, o]}", "type", "record", "name", json_sprintf("k%d_v%d", key_id, value_id),
        "fields", field("key", key_id, plain("int")), field("value", value_id, plain(value_type)));
    return json_pack("{s:s, s:s, s:o}", "type", "array", "logicalType", "map", "items", record);
}

static json_t *list_of(const char *item_type, int element_id)
{
    return json_pack("{s:s, s:s, s:i}", "type", "array", "items", item_type, "element-id",
                     element_id);
}

static size_t decimal_bytes(int precision)
{
    /* smallest n with 2^(8n-1) > 10^p */
    static const unsigned char bytes_for[] = {1,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                                              6,  6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11,
                                              11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
    return bytes_for[precision];
}

static json_t *partition_type(const struct tarn_iceberg_type *type)
{
    switch ((int)type->kind) {
    case TARN_ICEBERG_BOOLEAN:
        return plain("boolean");
    case TARN_ICEBERG_INT:
        return plain("int");
    case TARN_ICEBERG_LONG:
        return plain("long");
    case TARN_ICEBERG_FLOAT:
        return plain("float");
    case TARN_ICEBERG_DOUBLE:
        return plain("double");
    case TARN_ICEBERG_DATE:
        return json_pack("{s:s, s:s}", "type", "int", "logicalType", "date");
    case TARN_ICEBERG_TIME:
        return json_pack("{s:s, s:s}", "type", "long", "logicalType", "time-micros");
    case TARN_ICEBERG_TIMESTAMP:
    case TARN_ICEBERG_TIMESTAMPTZ:
        return json_pack("{s:s, s:s, s:b}", "type", "long", "logicalType", "timestamp-micros",
                         "adjust-to-utc", type->kind == TARN_ICEBERG_TIMESTAMPTZ);
    case TARN_ICEBERG_UUID:
        return json_pack("{s:s, s:s, s:i, s:s}", "type", "fixed", "name", "uuid_fixed", "size", 16,
                         "logicalType", "uuid");
    case TARN_ICEBERG_DECIMAL:
        return json_pack("{s:s, s:o, s:i, s:s, s:i, s:i}", "type", "fixed", "name",
                         json_sprintf("decimal_%d_%d", type->precision, type->scale), "size",
                         (int)decimal_bytes(type->precision), "logicalType", "decimal", "precision",
                         type->precision, "scale", type->scale);
    case TARN_ICEBERG_FIXED:
        return json_pack("{s:s, s:o, s:i}", "type", "fixed", "name",
                         json_sprintf("fixed_%d", type->length), "size", type->length);
    case TARN_ICEBERG_BINARY:
        return plain("bytes");
    default:
        return plain("string");
    }
}

/* Avro names are [A-Za-z_][A-Za-z0-9_]*; others are written as Iceberg's reference implementation
 * does (_x2E for '.'). */
static void avro_name(const char *name, char out[512])
{
    size_t len = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p && len < 500; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        bool digit = *p >= '0' && *p <= '9';
        if (letter || (digit && len > 0))
            out[len++] = (char)*p;
        else if (digit)
            len += (size_t)snprintf(out + len, 8, "_%c", *p);
        else
            len += (size_t)snprintf(out + len, 8, "_x%X", *p);
    }
    out[len] = 0;
}

static json_t *partition_record(const struct tarn_spec *spec)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < spec->field_count; i++) {
        static const struct tarn_iceberg_type unknown = {.kind = TARN_ICEBERG_STRING};
        const struct tarn_spec_field *f = &spec->fields[i];
        char name[512];
        avro_name(f->name, name);
        json_array_append_new(
            fields, optional(name, f->field_id, partition_type(f->result ? f->result : &unknown)));
    }
    return json_pack("{s:s, s:s, s:o}", "type", "record", "name", "r102", "fields", fields);
}

static json_t *data_file_record(const struct tarn_spec *spec)
{
    json_t *fields = json_array();
    json_array_append_new(fields, field("content", 134, plain("int")));
    json_array_append_new(fields, field("file_path", 100, plain("string")));
    json_array_append_new(fields, field("file_format", 101, plain("string")));
    json_array_append_new(fields, field("partition", 102, partition_record(spec)));
    json_array_append_new(fields, field("record_count", 103, plain("long")));
    json_array_append_new(fields, field("file_size_in_bytes", 104, plain("long")));
    json_array_append_new(fields, optional("column_sizes", 108, int_map(117, 118, "long")));
    json_array_append_new(fields, optional("value_counts", 109, int_map(119, 120, "long")));
    json_array_append_new(fields, optional("null_value_counts", 110, int_map(121, 122, "long")));
    json_array_append_new(fields, optional("nan_value_counts", 137, int_map(138, 139, "long")));
    json_array_append_new(fields, optional("lower_bounds", 125, int_map(126, 127, "bytes")));
    json_array_append_new(fields, optional("upper_bounds", 128, int_map(129, 130, "bytes")));
    json_array_append_new(fields, optional("key_metadata", 131, plain("bytes")));
    json_array_append_new(fields, optional("split_offsets", 132, list_of("long", 133)));
    json_array_append_new(fields, optional("equality_ids", 135, list_of("int", 136)));
    json_array_append_new(fields, optional("sort_order_id", 140, plain("int")));
    json_array_append_new(fields, optional("referenced_data_file", 143, plain("string")));
    return json_pack("{s:s, s:s, s:o}", "type", "record", "name", "r2", "fields", fields);
}

static char *manifest_schema(const struct tarn_spec *spec)
{
    json_t *json = json_pack("{s:s, s:s, s:[o, o, o, o, o]}", "type", "record", "name",
                             "manifest_entry", "fields", field("status", 0, plain("int")),
                             optional("snapshot_id", 1, plain("long")),
                             optional("sequence_number", 3, plain("long")),
                             optional("file_sequence_number", 4, plain("long")),
                             field("data_file", 2, data_file_record(spec)));
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static char *manifest_list_schema(void)
{
    json_t *summary = json_pack("{s:s, s:s, s:[o, o, o, o]}", "type", "record", "name", "r508",
                                "fields", field("contains_null", 509, plain("boolean")),
                                optional("contains_nan", 518, plain("boolean")),
                                optional("lower_bound", 510, plain("bytes")),
                                optional("upper_bound", 511, plain("bytes")));
    json_t *summaries =
        json_pack("{s:s, s:o, s:i}", "type", "array", "items", summary, "element-id", 508);
    static const struct {
        const char *name;
        int id;
        const char *type;
    } plain_fields[] = {
        {"manifest_path", 500, "string"},     {"manifest_length", 501, "long"},
        {"partition_spec_id", 502, "int"},    {"content", 517, "int"},
        {"sequence_number", 515, "long"},     {"min_sequence_number", 516, "long"},
        {"added_snapshot_id", 503, "long"},   {"added_files_count", 504, "int"},
        {"existing_files_count", 505, "int"}, {"deleted_files_count", 506, "int"},
        {"added_rows_count", 512, "long"},    {"existing_rows_count", 513, "long"},
        {"deleted_rows_count", 514, "long"},
    };
    json_t *fields = json_array();
    for (size_t i = 0; i < TARN_COUNT(plain_fields); i++)
        json_array_append_new(
            fields, field(plain_fields[i].name, plain_fields[i].id, plain(plain_fields[i].type)));
    json_array_append_new(fields, optional("partitions", 507, summaries));
    json_array_append_new(fields, optional("key_metadata", 519, plain("bytes")));
    json_t *json =
        json_pack("{s:s, s:s, s:o}", "type", "record", "name", "manifest_file", "fields", fields);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

/* ---- values ---- */

/* Writes the branch of an optional field; false when the value is null. */
static bool put_present(struct tarn_buffer *out, bool present)
{
    tarn_avro_put_long(out, present ? 1 : 0);
    return present;
}

static void put_optional_long(struct tarn_buffer *out, int64_t value)
{
    if (put_present(out, value >= 0))
        tarn_avro_put_long(out, value);
}

static void put_optional_bytes(struct tarn_buffer *out, struct tarn_text bytes)
{
    if (put_present(out, bytes.data != NULL))
        tarn_avro_put_bytes(out, bytes);
}

static void put_decimal(struct tarn_buffer *out, struct tarn_text minimal, int precision)
{
    size_t size = decimal_bytes(precision);
    char fill = minimal.len > 0 && (signed char)minimal.data[0] < 0 ? (char)0xff : 0;
    for (size_t i = minimal.len; i < size; i++)
        tarn_buffer_append_char(out, fill);
    tarn_buffer_append(out, minimal.data, minimal.len < size ? minimal.len : size);
}

static void put_partition(struct tarn_buffer *out, const struct tarn_spec_field *f,
                          struct tarn_text bytes)
{
    int64_t integer = 0;
    if (!put_present(out, bytes.data != NULL))
        return;
    switch (f->result ? (int)f->result->kind : (int)TARN_ICEBERG_STRING) {
    case TARN_ICEBERG_BOOLEAN:
    case TARN_ICEBERG_FLOAT:
    case TARN_ICEBERG_DOUBLE:
    case TARN_ICEBERG_UUID:
    case TARN_ICEBERG_FIXED:
        tarn_buffer_append_text(out, bytes); /* the same bytes in both */
        break;
    case TARN_ICEBERG_DECIMAL:
        put_decimal(out, bytes, f->result->precision);
        break;
    case TARN_ICEBERG_STRING:
    case TARN_ICEBERG_BINARY:
        tarn_avro_put_bytes(out, bytes);
        break;
    default:
        (void)tarn_bound_int64(bytes, &integer); /* a wrong length was refused by the reader */
        tarn_avro_put_long(out, integer);
        break;
    }
}

static int64_t stat_number(const struct tarn_column_stats *stats, size_t map)
{
    const int64_t numbers[] = {stats->size_bytes, stats->value_count, stats->null_count,
                               stats->nan_count};
    return numbers[map];
}

/* Maps 0 to 3 hold numbers, 4 lower and 5 upper bounds. */
static bool stat_known(const struct tarn_column_stats *stats, size_t map)
{
    if (map < 4)
        return stat_number(stats, map) >= 0;
    return (map == 4 ? stats->lower : stats->upper).data != NULL;
}

static void put_stat_map(struct tarn_buffer *out, const struct tarn_data_file *file, size_t map)
{
    int64_t known = 0;
    for (size_t i = 0; i < file->stats_count; i++)
        known += stat_known(&file->stats[i], map);
    if (!put_present(out, known > 0))
        return;
    tarn_avro_put_long(out, known);
    for (size_t i = 0; i < file->stats_count; i++) {
        const struct tarn_column_stats *stats = &file->stats[i];
        if (!stat_known(stats, map))
            continue;
        tarn_avro_put_long(out, stats->field_id);
        if (map < 4)
            tarn_avro_put_long(out, stat_number(stats, map));
        else
            tarn_avro_put_bytes(out, map == 4 ? stats->lower : stats->upper);
    }
    tarn_avro_put_long(out, 0);
}

static void put_lists(struct tarn_buffer *out, const struct tarn_data_file *file)
{
    if (put_present(out, file->split_count > 0)) {
        tarn_avro_put_long(out, (int64_t)file->split_count);
        for (size_t i = 0; i < file->split_count; i++)
            tarn_avro_put_long(out, file->split_offsets[i]);
        tarn_avro_put_long(out, 0);
    }
    if (put_present(out, file->equality_count > 0)) {
        tarn_avro_put_long(out, (int64_t)file->equality_count);
        for (size_t i = 0; i < file->equality_count; i++)
            tarn_avro_put_long(out, file->equality_ids[i]);
        tarn_avro_put_long(out, 0);
    }
}

static void put_data_file(struct tarn_buffer *out, const struct tarn_data_file *file,
                          const struct tarn_spec *spec)
{
    tarn_avro_put_long(out, file->content);
    tarn_avro_put_str(out, file->location);
    tarn_avro_put_str(out, file->format);
    for (size_t i = 0; i < spec->field_count; i++)
        put_partition(out, &spec->fields[i], file->partition[i]);
    tarn_avro_put_long(out, file->record_count);
    tarn_avro_put_long(out, file->size_bytes);
    for (size_t map = 0; map < 6; map++)
        put_stat_map(out, file, map);
    put_optional_bytes(out, file->key_metadata);
    put_lists(out, file);
    put_optional_long(out, file->sort_order_id);
    if (put_present(out, file->referenced_file != NULL))
        tarn_avro_put_str(out, file->referenced_file);
}

static void put_entry(struct tarn_buffer *out, const struct tarn_entry *entry,
                      const struct tarn_spec *spec)
{
    bool inherits = entry->status == TARN_ENTRY_ADDED;
    tarn_avro_put_long(out, entry->status);
    put_optional_long(out, entry->snapshot_id);
    put_optional_long(out, inherits ? -1 : entry->sequence_number);
    put_optional_long(out, inherits ? -1 : entry->file_sequence_number);
    put_data_file(out, entry->file, spec);
}

static char *spec_fields_json(const struct tarn_spec *spec)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    json_t *list = json_array();
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_spec_field *f = &spec->fields[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s}", "source-id", f->source_id,
                                              "field-id", f->field_id, "name", f->name, "transform",
                                              tarn_transform_text(f->transform, arena)));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

enum tarn_status tarn_manifest_write(const struct tarn_entry *entries, size_t count,
                                     const struct tarn_iceberg_schema *schema,
                                     const struct tarn_spec *spec, bool is_deletes,
                                     struct tarn_buffer *out, struct tarn_error *err)
{
    TARN_BUFFER(records, TARN_MANIFEST_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        put_entry(&records, &entries[i], spec);
    TARN_TRY(tarn_buffer_check(&records, "a manifest", err));

    json_t *schema_json = tarn_iceberg_schema_json(schema);
    TARN_AUTO_FREE char *schema_text = json_dumps(schema_json, JSON_COMPACT);
    json_decref(schema_json);
    TARN_AUTO_FREE char *spec_text = spec_fields_json(spec);
    TARN_AUTO_FREE char *avro_schema = manifest_schema(spec);
    if (!schema_text || !spec_text || !avro_schema)
        return tarn_fail(err, TARN_INVALID, "writing a manifest: a column name is not valid UTF-8");
    char schema_id[16], spec_id[16];
    snprintf(schema_id, sizeof schema_id, "%d", schema->id);
    snprintf(spec_id, sizeof spec_id, "%d", spec->id);
    struct tarn_avro_meta meta[] = {
        {"schema", tarn_text_of(schema_text)},
        {"schema-id", tarn_text_of(schema_id)},
        {"partition-spec", tarn_text_of(spec_text)},
        {"partition-spec-id", tarn_text_of(spec_id)},
        {"format-version", TARN_TEXT("2")},
        {"content", is_deletes ? TARN_TEXT("deletes") : TARN_TEXT("data")},
    };
    return tarn_avro_file_write(out, avro_schema, meta, TARN_COUNT(meta),
                                tarn_buffer_text(&records), count, err);
}

/* ---- manifest lists ---- */

static void put_summary(struct tarn_buffer *out, const struct tarn_field_summary *summary)
{
    tarn_avro_put_bool(out, summary->contains_null);
    if (put_present(out, summary->contains_nan >= 0))
        tarn_avro_put_bool(out, summary->contains_nan > 0);
    put_optional_bytes(out, summary->lower);
    put_optional_bytes(out, summary->upper);
}

static void put_manifest_file(struct tarn_buffer *out, const struct tarn_manifest_file *m)
{
    const int64_t counts[] = {m->added_files, m->existing_files, m->deleted_files,
                              m->added_rows,  m->existing_rows,  m->deleted_rows};
    tarn_avro_put_str(out, m->location);
    tarn_avro_put_long(out, m->length);
    tarn_avro_put_long(out, m->spec_id);
    tarn_avro_put_long(out, m->is_deletes ? 1 : 0);
    tarn_avro_put_long(out, m->sequence_number);
    tarn_avro_put_long(out, m->min_sequence_number);
    tarn_avro_put_long(out, m->added_snapshot_id);
    for (size_t i = 0; i < TARN_COUNT(counts); i++)
        tarn_avro_put_long(out, counts[i] < 0 ? 0 : counts[i]);
    if (put_present(out, m->partition_count > 0)) {
        tarn_avro_put_long(out, (int64_t)m->partition_count);
        for (size_t i = 0; i < m->partition_count; i++)
            put_summary(out, &m->partitions[i]);
        tarn_avro_put_long(out, 0);
    }
    put_optional_bytes(out, m->key_metadata);
}

enum tarn_status tarn_manifest_list_write(const struct tarn_manifest_file *manifests, size_t count,
                                          int64_t snapshot_id, int64_t parent_id,
                                          int64_t sequence_number, struct tarn_buffer *out,
                                          struct tarn_error *err)
{
    TARN_BUFFER(records, TARN_MANIFEST_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        put_manifest_file(&records, &manifests[i]);
    TARN_TRY(tarn_buffer_check(&records, "a manifest list", err));
    TARN_AUTO_FREE char *avro_schema = manifest_list_schema();
    char snapshot[24], parent[24] = "null", sequence[24];
    snprintf(snapshot, sizeof snapshot, "%lld", (long long)snapshot_id);
    if (parent_id > 0)
        snprintf(parent, sizeof parent, "%lld", (long long)parent_id);
    snprintf(sequence, sizeof sequence, "%lld", (long long)sequence_number);
    struct tarn_avro_meta meta[] = {
        {"snapshot-id", tarn_text_of(snapshot)},
        {"parent-snapshot-id", tarn_text_of(parent)},
        {"sequence-number", tarn_text_of(sequence)},
        {"format-version", TARN_TEXT("2")},
    };
    return tarn_avro_file_write(out, avro_schema, meta, TARN_COUNT(meta),
                                tarn_buffer_text(&records), count, err);
}

/* ---- describing what was written ---- */

static void summarize(const struct tarn_entry *entries, size_t count,
                      const struct tarn_spec_field *f, size_t at,
                      struct tarn_field_summary *summary)
{
    *summary = (struct tarn_field_summary){.contains_nan = -1};
    bool comparable = f->result != NULL;
    for (size_t i = 0; i < count; i++) {
        struct tarn_text value = entries[i].file->partition[at];
        bool known = true;
        if (!value.data) {
            summary->contains_null = true;
            continue;
        }
        if (comparable && (!summary->lower.data ||
                           tarn_bound_compare(f->result, value, summary->lower, &known) < 0))
            summary->lower = value;
        if (comparable && (!summary->upper.data ||
                           tarn_bound_compare(f->result, value, summary->upper, &known) > 0))
            summary->upper = value;
        comparable = comparable && known;
    }
    if (!comparable)
        summary->lower = summary->upper = (struct tarn_text){NULL, 0};
}

void tarn_manifest_describe(const struct tarn_entry *entries, size_t count,
                            const struct tarn_spec *spec, int64_t sequence_number,
                            struct tarn_arena *arena, struct tarn_manifest_file *ret_manifest)
{
    struct tarn_manifest_file m = {.spec_id = spec->id, .min_sequence_number = INT64_MAX};
    int64_t *files[] = {&m.existing_files, &m.added_files, &m.deleted_files};
    int64_t *rows[] = {&m.existing_rows, &m.added_rows, &m.deleted_rows};
    for (size_t i = 0; i < count; i++) {
        const struct tarn_entry *entry = &entries[i];
        int64_t own = entry->status == TARN_ENTRY_ADDED ? sequence_number : entry->sequence_number;
        ++*files[entry->status];
        *rows[entry->status] += entry->file->record_count;
        if (entry->status != TARN_ENTRY_DELETED && own < m.min_sequence_number)
            m.min_sequence_number = own;
    }
    if (m.min_sequence_number == INT64_MAX)
        m.min_sequence_number = sequence_number;
    m.partition_count = spec->field_count;
    m.partitions = tarn_arena_array(arena, spec->field_count, sizeof *m.partitions);
    for (size_t i = 0; i < spec->field_count; i++)
        summarize(entries, count, &spec->fields[i], i, &m.partitions[i]);
    *ret_manifest = m;
}
