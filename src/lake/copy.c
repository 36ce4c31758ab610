/* lake/copy.c -- a SELECT to Parquet files with everything a manifest needs to know of them, see
 * write_int.h.
 *
 * DuckDB writes the files (COPY with FIELD_IDS and RETURN_STATS). In the files top-level columns
 * have the names that Avro allows, as the files of other Iceberg writers do; readers go by field
 * id. Bounds come as text and are encoded here. Files land directly in the table's data folder
 * under unique names; partitioned ones are moved there. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "lake/write_int.h"

#define TARGET_FILE_BYTES "134217728"
/* With the default of 100 a write to many partitions closes and opens files all the time and leaves
 * several small ones per partition. */
#define PARTITIONS_OPEN "SET GLOBAL partitioned_write_max_open_files = 1000"
enum { BOUNDED_COLUMNS_MAX = 100 };

/* ---- names in the files ---- */

static void avro_safe(const char *name, struct tarn_buffer *out)
{
    const unsigned char *p = (const unsigned char *)name;
    for (size_t i = 0; *p; i++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        bool digit = *p >= '0' && *p <= '9';
        uint32_t point = *p;
        size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
        if (len > 1)
            point = *p & (0xffu >> (len + 1));
        for (size_t b = 1; b < len && p[b]; b++)
            point = point << 6 | (p[b] & 0x3f);
        p += strnlen((const char *)p, len);
        if (letter || (digit && i > 0))
            tarn_buffer_append_char(out, (char)point);
        else if (digit)
            tarn_buffer_printf(out, "_%c", (char)point);
        else if (point < 0x10000)
            tarn_buffer_printf(out, "_x%X", point);
        else /* the two halves of UTF-16, as Java counts characters */
            tarn_buffer_printf(out, "_x%X_x%X", 0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
    }
}

/* The schema under the names that the file has; a name that would be there twice stays as it is. */
static struct tarn_iceberg_schema file_schema(const struct tarn_iceberg_schema *schema,
                                              struct tarn_arena *arena)
{
    struct tarn_iceberg_schema out = *schema;
    out.fields = tarn_arena_array(arena, schema->field_count, sizeof *out.fields);
    memcpy(out.fields, schema->fields, schema->field_count * sizeof *out.fields);
    for (size_t i = 0; i < schema->field_count; i++) {
        TARN_BUFFER(name, 1 << 20);
        avro_safe(schema->fields[i].name, &name);
        const char *safe = tarn_buffer_str(&name);
        bool taken = name.overflow;
        for (size_t j = 0; j < schema->field_count && !taken; j++)
            taken = j != i && (strcasecmp(safe, schema->fields[j].name) == 0 ||
                               strcasecmp(safe, out.fields[j].name) == 0);
        if (!taken)
            out.fields[i].name = tarn_arena_strdup(arena, safe);
    }
    return out;
}

/* ---- the statement ---- */

static const char *partition_alias(size_t i, struct tarn_arena *arena)
{
    return tarn_arena_format(arena, "__tarn_partition_%zu", i);
}

static void write_partition_columns(const struct lake_change *change, struct tarn_buffer *sql)
{
    for (size_t i = 0; i < change->spec_count; i++) {
        const struct tarn_spec_want *want = &change->spec_fields[i];
        const struct tarn_iceberg_field *source =
            tarn_iceberg_field_by_id(&change->schema, want->source_id);
        tarn_buffer_append_str(sql, ", ");
        tarn_transform_sql(want->transform, source->type,
                           tarn_sql_identifier_in(change->arena, source->name), sql);
        tarn_buffer_printf(sql, " AS %s", partition_alias(i, change->arena));
    }
}

static void write_select(const struct lake_change *change,
                         const struct tarn_iceberg_schema *in_file, const char *select,
                         const char *order_by, struct tarn_buffer *sql)
{
    tarn_buffer_append_str(sql, "SELECT ");
    for (size_t i = 0; i < in_file->field_count; i++) {
        tarn_buffer_append_str(sql, i ? ", " : "");
        tarn_sql_identifier(sql, change->schema.fields[i].name);
        tarn_buffer_append_str(sql, " AS ");
        tarn_sql_identifier(sql, in_file->fields[i].name);
    }
    write_partition_columns(change, sql);
    tarn_buffer_printf(sql, " FROM (%s\n) AS tarn_rows", select);
    if (order_by)
        tarn_buffer_printf(sql, " ORDER BY %s", order_by);
}

struct copying {
    struct tarn_session *session;
    struct lake_change *change;
    struct tarn_iceberg_schema in_file;
    const char *data_folder;
    const char *target; /* folder or file that COPY writes to */
    const char *prefix; /* of the names of the files, to find them after a failure */
    struct tarn_error *err;
};

/* DuckDB's name of the codec that the table asks for (write.parquet.compression-codec, as in
 * Iceberg's documentation); zstd when it asks for none or for one that DuckDB does not write. */
static const char *codec_of(const struct lake_change *change)
{
    static const char *const names[][2] = {{"zstd", "zstd"},     {"snappy", "snappy"},
                                           {"lz4", "lz4_raw"},   {"gzip", "gzip"},
                                           {"brotli", "brotli"}, {"uncompressed", "uncompressed"}};
    const char *wanted =
        change->base ? tarn_metadata_property(change->base, TARN_LAKE_CODEC_PROPERTY) : NULL;
    for (size_t i = 0; i < change->property_count; i++)
        if (strcmp(change->properties[i].key, TARN_LAKE_CODEC_PROPERTY) == 0)
            wanted = change->properties[i].value;
    for (size_t i = 0; wanted && i < TARN_COUNT(names); i++)
        if (strcmp(wanted, names[i][0]) == 0)
            return names[i][1];
    return "zstd";
}

static void write_options(const struct copying *c, bool ordered, struct tarn_buffer *sql)
{
    TARN_AUTO_FREE char *pattern = tarn_format("%s-{uuidv7}", c->prefix);
    json_t *json = tarn_iceberg_schema_json(&c->change->schema);
    TARN_AUTO_FREE char *schema = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    /* Dictionaries only for columns with few values: measured on raw order lines, larger ones cost
     * 30 % more time and 40 % more space than zstd over plain text. */
    tarn_buffer_printf(sql,
                       " (FORMAT parquet, COMPRESSION %s, DICTIONARY_SIZE_LIMIT 2000, "
                       "RETURN_STATS true, FIELD_IDS ",
                       codec_of(c->change));
    tarn_iceberg_field_ids_write(&c->in_file, sql);
    tarn_buffer_append_str(sql, ", KV_METADATA {\"iceberg.schema\": ");
    tarn_sql_literal(sql, tarn_text_of(schema ? schema : ""));
    tarn_buffer_append_char(sql, '}');
    if (c->change->spec_count > 0) {
        tarn_buffer_append_str(sql, ", PARTITION_BY (");
        for (size_t i = 0; i < c->change->spec_count; i++)
            tarn_buffer_printf(sql, "%s%s", i ? ", " : "", partition_alias(i, c->change->arena));
        tarn_buffer_append_char(sql, ')');
    } else if (!ordered) {
        tarn_buffer_append_str(sql, ", APPEND true, FILE_SIZE_BYTES " TARGET_FILE_BYTES);
    }
    if (c->change->spec_count > 0 || !ordered) {
        tarn_buffer_append_str(sql, ", FILENAME_PATTERN ");
        tarn_sql_literal(sql, tarn_text_of(pattern));
    }
    tarn_buffer_append_char(sql, ')');
}

/* ---- what came back ---- */

/* The next part of "a"."b ""c""", unquoted; false at the end. */
static bool next_part(struct tarn_text *path, struct tarn_buffer *part)
{
    tarn_buffer_clear(part);
    if (path->len > 0 && path->data[0] == '.') {
        path->data++;
        path->len--;
    }
    if (path->len == 0 || path->data[0] != '"')
        return false;
    size_t at = 1;
    for (; at < path->len; at++) {
        if (path->data[at] == '"') {
            if (at + 1 == path->len || path->data[at + 1] != '"')
                break;
            at++;
        }
        tarn_buffer_append_char(part, path->data[at]);
    }
    at = at < path->len ? at + 1 : path->len;
    path->data += at;
    path->len -= at;
    return true;
}

/* The leaf that a statistics path names; *ret_repeated when it lies in a list or map. */
static const struct tarn_iceberg_field *leaf_of(const struct copying *c, struct tarn_text path,
                                                size_t *ret_top, bool *ret_repeated)
{
    TARN_BUFFER(part, 1 << 16);
    const struct tarn_iceberg_field *fields = c->in_file.fields, *found = NULL;
    size_t count = c->in_file.field_count;
    *ret_repeated = false;
    while (next_part(&path, &part)) {
        const struct tarn_iceberg_field *match = NULL;
        for (size_t i = 0; i < count && !match; i++)
            if (strcmp(fields[i].name, tarn_buffer_str(&part)) == 0)
                match = &fields[i];
        if (!match)
            return NULL;
        if (!found)
            *ret_top = (size_t)(match - fields);
        *ret_repeated = *ret_repeated || (found && found->type->kind != TARN_ICEBERG_STRUCT);
        found = match;
        fields = match->type->fields;
        count = match->type->field_count;
    }
    return found && !tarn_iceberg_is_nested(found->type) ? found : NULL;
}

static struct tarn_text map_get(const struct tarn_vector *map, size_t row, const char *key)
{
    struct tarn_vector keys = tarn_vector_child(map, 0), values = tarn_vector_child(map, 1);
    size_t start, len;
    tarn_vector_range(map, row, &start, &len);
    for (size_t i = start; i < start + len; i++)
        if (tarn_text_is(tarn_vector_text(&keys, i), key))
            return tarn_vector_is_null(&values, i) ? (struct tarn_text){NULL, 0}
                                                   : tarn_vector_text(&values, i);
    return (struct tarn_text){NULL, 0};
}

static int64_t map_number(const struct tarn_vector *map, size_t row, const char *key)
{
    int64_t value;
    return tarn_text_to_int64(map_get(map, row, key), &value) ? value : -1;
}

static bool wants_bounds(const struct copying *c, const struct tarn_iceberg_field *top)
{
    char key[LAKE_NAME_MAX_BYTES + 64];
    snprintf(key, sizeof key, "write.metadata.metrics.column.%.200s", top->name);
    const char *mode = NULL;
    for (size_t i = 0; i < c->change->property_count; i++)
        if (strcmp(c->change->properties[i].key, key) == 0)
            mode = c->change->properties[i].value;
    if (!mode && c->change->base)
        mode = tarn_metadata_property(c->change->base, key);
    return !mode || (strcmp(mode, "counts") != 0 && strcmp(mode, "none") != 0);
}

static struct tarn_text bound_of(const struct copying *c, const struct tarn_iceberg_type *type,
                                 struct tarn_text text, bool upper)
{
    struct tarn_text bytes, none = {NULL, 0};
    if (!text.data || !tarn_bound_encode(type, text, c->change->arena, &bytes) ||
        !tarn_bound_shorten(type, upper, bytes, c->change->arena, &bytes))
        return none;
    return bytes;
}

static enum tarn_status read_column(const struct copying *c, struct tarn_text path,
                                    const struct tarn_vector *values, size_t row,
                                    struct tarn_data_file *file)
{
    size_t top = 0;
    bool repeated;
    const struct tarn_iceberg_field *leaf = leaf_of(c, path, &top, &repeated);
    if (!leaf)
        return TARN_OK;
    const struct tarn_iceberg_field *column = &c->change->schema.fields[top];
    struct tarn_text min = map_get(values, row, "min"), max = map_get(values, row, "max");
    if (tarn_bound_is_infinite(min) || tarn_bound_is_infinite(max)) {
        bool dated = leaf->type->kind == TARN_ICEBERG_DATE ||
                     leaf->type->kind == TARN_ICEBERG_TIMESTAMP ||
                     leaf->type->kind == TARN_ICEBERG_TIMESTAMPTZ;
        if (dated)
            return tarn_fail(
                c->err, TARN_INVALID,
                "writing %s.%s: the column \"%s\" holds infinity, which an Iceberg table cannot "
                "hold; replace it with NULL in the query",
                c->change->ns, c->change->name, column->name);
    }
    struct tarn_column_stats *stats = &file->stats[file->stats_count++];
    *stats = (struct tarn_column_stats){.field_id = leaf->id, .nan_count = -1};
    stats->size_bytes = map_number(values, row, "column_size_bytes");
    stats->value_count = map_number(values, row, "num_values");
    stats->null_count = map_number(values, row, "null_count");
    if (tarn_text_is(map_get(values, row, "has_nan"), "false"))
        stats->nan_count = 0;
    if (column->required && top < c->in_file.field_count && leaf == &c->in_file.fields[top] &&
        stats->null_count > 0)
        return tarn_fail(
            c->err, TARN_INVALID,
            "writing %s.%s: the column \"%s\" must not be NULL, the query gives %lld rows "
            "where it is",
            c->change->ns, c->change->name, column->name, (long long)stats->null_count);
    if (!repeated && top < BOUNDED_COLUMNS_MAX && wants_bounds(c, column)) {
        stats->lower = bound_of(c, leaf->type, min, false);
        stats->upper = bound_of(c, leaf->type, max, true);
    }
    return TARN_OK;
}

static int by_field_id(const void *a, const void *b)
{
    const struct tarn_column_stats *x = a, *y = b;
    return (x->field_id > y->field_id) - (x->field_id < y->field_id);
}

static enum tarn_status read_columns(const struct copying *c, const struct tarn_vector *statistics,
                                     size_t row, struct tarn_data_file *file)
{
    struct tarn_vector paths = tarn_vector_child(statistics, 0),
                       values = tarn_vector_child(statistics, 1);
    size_t start, len;
    tarn_vector_range(statistics, row, &start, &len);
    file->stats = tarn_arena_array(c->change->arena, len, sizeof *file->stats);
    for (size_t i = start; i < start + len; i++)
        TARN_TRY(read_column(c, tarn_vector_text(&paths, i), &values, i, file));
    if (file->stats_count > 1)
        qsort(file->stats, file->stats_count, sizeof *file->stats, by_field_id);
    return TARN_OK;
}

static enum tarn_status read_partition(const struct copying *c, const struct tarn_vector *keys,
                                       size_t row, struct tarn_data_file *file)
{
    const struct lake_change *change = c->change;
    file->partition_count = change->spec_count;
    file->partition = tarn_arena_array(change->arena, change->spec_count, sizeof *file->partition);
    for (size_t i = 0; i < change->spec_count; i++) {
        const struct tarn_spec_want *want = &change->spec_fields[i];
        const struct tarn_iceberg_field *source =
            tarn_iceberg_field_by_id(&change->schema, want->source_id);
        const struct tarn_iceberg_type *type = tarn_transform_result(want->transform, source->type);
        struct tarn_text text = map_get(keys, row, partition_alias(i, change->arena));
        if (text.data && !tarn_bound_encode(type, text, change->arena, &file->partition[i]))
            return tarn_fail(c->err, TARN_INVALID,
                             "writing %s.%s: the value '%.*s' of \"%s\" cannot be a partition",
                             change->ns, change->name, TARN_TEXT_ARGS(text), source->name);
    }
    return TARN_OK;
}

static enum tarn_status move_file(const struct copying *c, struct tarn_text from,
                                  const char **ret_path)
{
    const char *old = tarn_arena_strndup(c->change->arena, from.data, from.len);
    const char *path =
        tarn_arena_format(c->change->arena, "%s/%s", c->data_folder, tarn_path_name(old));
    if (strcmp(old, path) != 0)
        TARN_TRY(tarn_file_move(old, path, c->err));
    *ret_path = path;
    return TARN_OK;
}

static enum tarn_status read_file(const struct copying *c, const struct tarn_result *result,
                                  size_t row, int64_t *rows)
{
    struct lake_change *change = c->change;
    struct tarn_vector names = tarn_result_vector(result, 0),
                       counts = tarn_result_vector(result, 1);
    struct tarn_vector statistics = tarn_result_vector(result, 4),
                       keys = tarn_result_vector(result, 5);
    struct tarn_data_file *file = tarn_arena_alloc(change->arena, sizeof *file);
    file->record_count = tarn_vector_int64(&counts, row);
    if (file->record_count == 0) {
        TARN_AUTO_FREE char *empty =
            tarn_strndup(tarn_vector_text(&names, row).data, tarn_vector_text(&names, row).len);
        unlink(empty);
        return TARN_OK;
    }
    const char *path;
    TARN_TRY(move_file(c, tarn_vector_text(&names, row), &path));
    file->location = tarn_arena_format(change->arena, "file://%s", path);
    TARN_RESERVE(change->added, change->added_cap, change->added_count + 1);
    change->added[change->added_count++] =
        file; /* from here on it is removed when the commit is not finished */
    uint64_t size;
    TARN_TRY(tarn_file_size(tarn_location_path(file->location), &size, c->err));
    file->size_bytes = (int64_t)size;
    file->format = "PARQUET";
    file->sort_order_id = 0;
    *rows += file->record_count;
    TARN_TRY(read_columns(c, &statistics, row, file));
    return read_partition(c, &keys, row, file);
}

static enum tarn_status run_copy(const struct copying *c, const char *sql, int64_t *rows)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(c->session, sql, &result, c->err));
    for (;;) {
        size_t count;
        TARN_TRY(tarn_result_next(result, &count, c->err));
        if (count == 0)
            return TARN_OK;
        for (size_t i = 0; i < count; i++)
            TARN_TRY(read_file(c, result, i, rows));
    }
}

static void remove_leftovers(const struct copying *c)
{
    struct tarn_error
        ignored; /* what cannot be removed here is an orphan, which the sweep removes */
    struct tarn_file_list list;
    if (tarn_directory_list(c->data_folder, "", c->change->arena, &list, &ignored) != TARN_OK)
        return;
    for (size_t i = 0; i < list.count; i++)
        if (tarn_text_starts(tarn_text_of(tarn_path_name(list.paths[i])), c->prefix))
            unlink(list.paths[i]);
}

enum tarn_status lake_copy(struct tarn_session *session, struct lake_change *change,
                           const char *select, const char *order_by, int64_t *ret_rows,
                           struct tarn_error *err)
{
    char uuid[TARN_UUID_BYTES];
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    struct copying c = {.session = session, .change = change, .err = err};
    bool partitioned = change->spec_count > 0;
    c.in_file = file_schema(&change->schema, change->arena);
    c.prefix = tarn_arena_strndup(change->arena, tarn_uuid(uuid), 8);
    c.data_folder = tarn_arena_format(change->arena, "%s/data", change->folder);
    c.target = partitioned ? tarn_arena_format(change->arena, "%s/tmp-%s", c.data_folder, uuid)
               : order_by  ? tarn_arena_format(change->arena, "%s/%s.parquet", c.data_folder, uuid)
                           : c.data_folder;
    tarn_buffer_append_str(&sql, "COPY (");
    write_select(change, &c.in_file, select, order_by, &sql);
    tarn_buffer_append_str(&sql, ") TO ");
    tarn_sql_literal(&sql, tarn_text_of(c.target));
    write_options(&c, order_by != NULL, &sql);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a write", err));
    *ret_rows = 0;
    if (partitioned)
        TARN_TRY(tarn_session_run(session, PARTITIONS_OPEN, NULL, err));
    enum tarn_status status = run_copy(&c, tarn_buffer_str(&sql), ret_rows);
    struct tarn_error ignored; /* an empty folder tree, or orphans for the sweep */
    if (partitioned && tarn_path_remove(c.target, &ignored) != TARN_OK)
        ignored.text[0] = 0;
    if (status != TARN_OK)
        remove_leftovers(&c);
    return status;
}
