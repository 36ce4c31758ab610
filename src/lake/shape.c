/* lake/shape.c -- the schema and partition spec that a write leaves behind, see write_int.h.
 *
 * Columns are matched by name. What happens to those that only one side has is the schema policy's
 * business; a column that stays keeps its field id, a new one takes an id that was never used. */
#include <string.h>
#include <strings.h>

#include "lake/write_int.h"

struct shaping {
    const struct tarn_lake_write *write;
    const struct tarn_metadata *base;
    const struct tarn_column *columns;
    size_t count;
    struct tarn_arena *arena;
    struct lake_shape *shape;
    struct tarn_error *err;
};

static const char *doc_for(const struct tarn_lake_write *write, const char *column)
{
    for (size_t i = 0; i < write->doc_count; i++)
        if (strcasecmp(write->docs[i].column, column) == 0)
            return write->docs[i].doc;
    return NULL;
}

static size_t find_column(const struct shaping *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return i;
    for (size_t i = 0; i < s->count; i++)
        if (strcasecmp(s->columns[i].name, name) == 0)
            return i;
    return s->count;
}

static enum tarn_status check_columns(const struct shaping *s)
{
    if (s->count == 0)
        return tarn_fail(s->err, TARN_INVALID, "writing %s.%s: the query gives no columns",
                         s->write->ns, s->write->name);
    for (size_t i = 0; i < s->count; i++) {
        if (s->columns[i].name[0] == 0)
            return tarn_fail(
                s->err, TARN_INVALID,
                "writing %s.%s: column %zu of the query has no name; give it one with AS",
                s->write->ns, s->write->name, i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(s->columns[i].name, s->columns[j].name) == 0)
                return tarn_fail(
                    s->err, TARN_INVALID,
                    "writing %s.%s: the query gives the column \"%s\" twice (names that differ "
                    "in case only are the same); rename one with AS",
                    s->write->ns, s->write->name, s->columns[i].name);
    }
    return TARN_OK;
}

/* Appends a field to the shape, fed by the query's column `source` (or NULL). */
static struct tarn_iceberg_field *add_field(struct shaping *s, struct tarn_iceberg_field field,
                                            const struct tarn_column *source)
{
    struct lake_shape *shape = s->shape;
    size_t at = shape->schema.field_count++;
    const char *doc = doc_for(s->write, field.name);
    if (doc)
        field.doc = tarn_arena_strdup(s->arena, doc);
    shape->schema.fields[at] = field;
    shape->sources[at] = source ? source->name : NULL;
    shape->casts[at] = source && !tarn_iceberg_stored_as(source->type, field.type);
    return &shape->schema.fields[at];
}

static enum tarn_status add_new(struct shaping *s, const struct tarn_column *column)
{
    struct tarn_iceberg_field field = {.id = ++s->shape->last_column_id,
                                       .name = tarn_arena_strdup(s->arena, column->name)};
    if (tarn_iceberg_type_of(column->type, column->name, &s->shape->last_column_id, s->arena,
                             &field.type, s->err))
        return tarn_error_wrap(s->err, "writing %s.%s", s->write->ns, s->write->name);
    add_field(s, field, column);
    return TARN_OK;
}

static enum tarn_status clash(const struct shaping *s, const struct tarn_iceberg_field *field,
                              const struct tarn_column *column)
{
    return tarn_fail(
        s->err, TARN_INVALID,
        "writing %s.%s: the column \"%s\" is %s in the table and %s in the query, which does not "
        "go in without loss; cast it in the query, or rebuild the table",
        s->write->ns, s->write->name, field->name, tarn_iceberg_duckdb_text(field->type, s->arena),
        tarn_type_text(column->type, s->arena));
}

static bool replaces_all(const struct tarn_lake_write *write)
{
    return write->mode == TARN_LAKE_OVERWRITE && write->schema == TARN_LAKE_SCHEMA_SYNC;
}

/* The type that an existing column would be created with for this query column. */
static bool is_natural(struct shaping *s, const struct tarn_column *column,
                       const struct tarn_iceberg_type *type)
{
    const struct tarn_iceberg_type *natural;
    struct tarn_error ignored; /* asked again, with the error, when the column is made anew */
    int scratch_id = 0;
    return tarn_iceberg_type_of(column->type, column->name, &scratch_id, s->arena, &natural,
                                &ignored) == TARN_OK &&
           tarn_iceberg_type_equal(natural, type, false);
}

/* An existing column meets the query's column of the same name. */
static enum tarn_status keep_field(struct shaping *s, struct tarn_iceberg_field field,
                                   const struct tarn_column *column)
{
    const struct tarn_iceberg_type *wider = NULL;
    enum tarn_iceberg_fit fit =
        tarn_iceberg_fit_of(column->type, field.type, &s->shape->last_column_id, s->arena, &wider);
    bool may_widen = s->write->schema != TARN_LAKE_SCHEMA_FAIL;
    if (replaces_all(s->write)) { /* the table follows the query: another type is another column */
        if (fit == TARN_ICEBERG_WIDER && is_natural(s, column, wider))
            field.type = wider;
        else if (!is_natural(s, column, field.type))
            return add_new(s, column);
        field.name = tarn_arena_strdup(s->arena, column->name);
    } else if (fit == TARN_ICEBERG_CLASH || (fit == TARN_ICEBERG_WIDER && !may_widen)) {
        return clash(s, &field, column);
    } else if (fit == TARN_ICEBERG_WIDER) {
        field.type = wider;
    }
    add_field(s, field, column);
    return TARN_OK;
}

static enum tarn_status differ(const struct shaping *s)
{
    TARN_BUFFER(text, 2000);
    for (size_t i = 0; i < s->count; i++)
        if (!tarn_iceberg_field_find(s->base->schema, s->columns[i].name))
            tarn_buffer_printf(&text, "%sonly the query has \"%s\"", text.len ? ", " : "",
                               s->columns[i].name);
    for (size_t i = 0; i < s->base->schema->field_count; i++)
        if (find_column(s, s->base->schema->fields[i].name) == s->count)
            tarn_buffer_printf(&text, "%sonly the table has \"%s\"", text.len ? ", " : "",
                               s->base->schema->fields[i].name);
    if (text.len == 0 && !text.overflow)
        return TARN_OK;
    return tarn_fail(
        s->err, TARN_INVALID,
        "writing %s.%s: its columns have changed: %s; allow it (on_schema_change) or rebuild "
        "the table",
        s->write->ns, s->write->name, tarn_buffer_str(&text));
}

/* The table's columns first, in its order, then the query's new ones. */
static enum tarn_status shape_onto_table(struct shaping *s)
{
    const struct tarn_iceberg_schema *table = s->base->schema;
    bool drops = s->write->schema == TARN_LAKE_SCHEMA_SYNC;
    bool adds = drops || s->write->schema == TARN_LAKE_SCHEMA_ADD;
    if (s->write->schema == TARN_LAKE_SCHEMA_FAIL)
        TARN_TRY(differ(s));
    for (size_t i = 0; i < table->field_count; i++) {
        size_t at = find_column(s, table->fields[i].name);
        if (at < s->count)
            TARN_TRY(keep_field(s, table->fields[i], &s->columns[at]));
        else if (!drops)
            add_field(s, table->fields[i], NULL);
    }
    for (size_t i = 0; i < s->count && adds; i++)
        if (!tarn_iceberg_field_find(table, s->columns[i].name))
            TARN_TRY(add_new(s, &s->columns[i]));
    return TARN_OK;
}

/* The query's columns in the query's order. */
static enum tarn_status shape_onto_query(struct shaping *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct tarn_iceberg_field *have =
            s->base ? tarn_iceberg_field_find(s->base->schema, s->columns[i].name) : NULL;
        TARN_TRY(have ? keep_field(s, *have, &s->columns[i]) : add_new(s, &s->columns[i]));
    }
    return TARN_OK;
}

static bool schema_differs(const struct tarn_iceberg_schema *a, const struct tarn_iceberg_schema *b)
{
    json_t *x = tarn_iceberg_schema_json(a), *y = tarn_iceberg_schema_json(b);
    bool equal = json_equal(json_object_get(x, "fields"), json_object_get(y, "fields"));
    json_decref(x);
    json_decref(y);
    return !equal;
}

enum tarn_status lake_shape_of(const struct tarn_lake_write *write,
                               const struct tarn_metadata *base, const struct tarn_column *columns,
                               size_t count, struct tarn_arena *arena, struct lake_shape *ret_shape,
                               struct tarn_error *err)
{
    size_t most = count + (base ? base->schema->field_count : 0);
    *ret_shape = (struct lake_shape){.last_column_id = base ? base->last_column_id : 0};
    ret_shape->schema.fields = tarn_arena_array(arena, most, sizeof *ret_shape->schema.fields);
    ret_shape->sources = tarn_arena_array(arena, most, sizeof *ret_shape->sources);
    ret_shape->casts = tarn_arena_array(arena, most, sizeof *ret_shape->casts);
    struct shaping s = {write, base, columns, count, arena, ret_shape, err};
    TARN_TRY(check_columns(&s));
    TARN_TRY(!base || replaces_all(write) ? shape_onto_query(&s) : shape_onto_table(&s));
    ret_shape->changed = !base || schema_differs(&ret_shape->schema, base->schema);
    if (!ret_shape->changed)
        ret_shape->schema.id = base->schema->id;
    return TARN_OK;
}

/* ---- partition spec ---- */

static enum tarn_status declared_field(const struct tarn_lake_write *write, const char *text,
                                       struct lake_change *change, struct tarn_spec_want *want,
                                       struct tarn_error *err)
{
    const char *column = "";
    if (tarn_transform_declared(text, change->arena, &want->transform, &column, err))
        return tarn_error_wrap(err, "partitioning %s.%s", write->ns, write->name);
    const struct tarn_iceberg_field *field = tarn_iceberg_field_find(&change->schema, column);
    if (!field)
        return tarn_fail(err, TARN_INVALID, "partitioning %s.%s by %s: there is no column \"%s\"",
                         write->ns, write->name, text, column);
    if (!tarn_transform_result(want->transform, field->type))
        return tarn_fail(err, TARN_INVALID,
                         "partitioning %s.%s by %s: that does not work for a column of type %s",
                         write->ns, write->name, text,
                         tarn_iceberg_duckdb_text(field->type, change->arena));
    static const char *const suffixes[] = {"",       "_bucket", "_trunc", "_year",
                                           "_month", "_day",    "_hour"};
    want->source_id = field->id;
    want->name =
        tarn_arena_format(change->arena, "%s%s", field->name, suffixes[want->transform.kind]);
    return TARN_OK;
}

static bool same_spec(const struct lake_change *change, const struct tarn_spec *spec)
{
    if (spec->field_count != change->spec_count)
        return false;
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_spec_field *have = &spec->fields[i];
        const struct tarn_spec_want *want = &change->spec_fields[i];
        if (have->source_id != want->source_id || have->transform.kind != want->transform.kind ||
            have->transform.width != want->transform.width || strcmp(have->name, want->name) != 0)
            return false;
    }
    return true;
}

static enum tarn_status spec_of_base(const struct tarn_lake_write *write,
                                     struct lake_change *change, struct tarn_error *err)
{
    const struct tarn_spec *spec = change->base->spec;
    change->spec_fields =
        tarn_arena_array(change->arena, spec->field_count, sizeof *change->spec_fields);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_spec_field *f = &spec->fields[i];
        if (f->transform.kind == TARN_TRANSFORM_UNKNOWN)
            return tarn_fail(
                err, TARN_UNSUPPORTED,
                "writing %s.%s: it is partitioned by %s of another engine, which Tarn does not "
                "write",
                write->ns, write->name, tarn_transform_text(f->transform, change->arena));
        if (!tarn_iceberg_field_by_id(&change->schema, f->source_id))
            continue; /* its column was dropped or made anew with another type */
        change->spec_fields[change->spec_count++] =
            (struct tarn_spec_want){f->source_id, f->name, f->transform};
    }
    change->spec_changed = change->spec_count != spec->field_count;
    return TARN_OK;
}

enum tarn_status lake_spec_of(const struct tarn_lake_write *write, struct lake_change *change,
                              struct tarn_error *err)
{
    if (!write->partition_by)
        return change->base ? spec_of_base(write, change, err) : TARN_OK;
    change->spec_count = write->partition_count;
    change->spec_fields =
        tarn_arena_array(change->arena, change->spec_count, sizeof *change->spec_fields);
    for (size_t i = 0; i < change->spec_count; i++)
        TARN_TRY(
            declared_field(write, write->partition_by[i], change, &change->spec_fields[i], err));
    change->spec_changed =
        change->base ? !same_spec(change, change->base->spec) : change->spec_count > 0;
    return TARN_OK;
}
