/* lake/alter.c -- changes without data: columns, properties, drop and rename, see lake.h. */
#include <string.h>
#include <strings.h>

#include "engine/source.h"
#include "lake/write_int.h"

struct altering {
    const char *ns, *name;
    const struct tarn_metadata *base;
    struct tarn_iceberg_schema schema;
    int last_column_id;
    struct lake_change *change;
    struct tarn_lake_property *properties;
    struct tarn_arena *arena;
    struct tarn_error *err;
};

static enum tarn_status refuse(const struct altering *a, const char *column, const char *why)
{
    return tarn_fail(a->err, TARN_INVALID, "altering %s.%s: the column \"%s\" %s", a->ns, a->name,
                     column, why);
}

/* The field at the place where it can be changed; the schema's fields are this altering's own copy.
 */
static struct tarn_iceberg_field *find(const struct altering *a, const char *column)
{
    return tarn_iceberg_field_find(&a->schema, column);
}

static enum tarn_status parse_type(const struct altering *a, const struct tarn_lake_change *change,
                                   const struct tarn_iceberg_type **ret_type)
{
    const struct tarn_type *type = change->type ? tarn_type_parse(a->arena, change->type) : NULL;
    int last_id = a->last_column_id;
    if (!type)
        return tarn_fail(
            a->err, TARN_INVALID,
            "altering %s.%s: '%s' is no type for the column \"%s\"; write a plain DuckDB type such "
            "as BIGINT, VARCHAR or DECIMAL(18,2)",
            a->ns, a->name, change->type ? change->type : "", change->column);
    return tarn_iceberg_type_of(type, change->column, &last_id, a->arena, ret_type, a->err);
}

static enum tarn_status add_column(struct altering *a, const struct tarn_lake_change *change)
{
    const struct tarn_iceberg_type *type;
    if (find(a, change->column))
        return refuse(a, change->column, "is there already");
    TARN_TRY(parse_type(a, change, &type));
    a->schema.fields[a->schema.field_count++] = (struct tarn_iceberg_field){
        .id = ++a->last_column_id,
        .name = tarn_arena_strdup(a->arena, change->column),
        .doc = change->doc ? tarn_arena_strdup(a->arena, change->doc) : NULL,
        .type = type,
    };
    return TARN_OK;
}

static bool is_partitioned_by(const struct altering *a, int field_id)
{
    for (size_t i = 0; i < a->base->spec->field_count; i++)
        if (a->base->spec->fields[i].source_id == field_id &&
            a->base->spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            return true;
    return false;
}

static enum tarn_status drop_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct tarn_iceberg_field *field = find(a, change->column);
    if (is_partitioned_by(a, field->id))
        return refuse(a, change->column, "is what the table is partitioned by");
    if (a->schema.field_count == 1)
        return refuse(a, change->column, "is the last one");
    size_t at = (size_t)(field - a->schema.fields);
    memmove(field, field + 1, (--a->schema.field_count - at) * sizeof *field);
    return TARN_OK;
}

static enum tarn_status rename_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct tarn_iceberg_field *field = find(a, change->column);
    if (!change->new_name || !change->new_name[0])
        return refuse(a, change->column, "needs a new name");
    struct tarn_iceberg_field *taken = find(a, change->new_name);
    if (taken && taken != field)
        return refuse(a, change->new_name, "is there already");
    field->name = tarn_arena_strdup(a->arena, change->new_name);
    return TARN_OK;
}

static enum tarn_status widen_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct tarn_iceberg_field *field = find(a, change->column);
    const struct tarn_iceberg_type *type;
    TARN_TRY(parse_type(a, change, &type));
    if (tarn_iceberg_type_equal(field->type, type, false))
        return TARN_OK;
    if (!tarn_iceberg_can_promote(field->type, type))
        return tarn_fail(a->err, TARN_INVALID,
                         "altering %s.%s: the column \"%s\" cannot go from %s to %s; Iceberg "
                         "widens int to long, "
                         "float to double and a decimal to more digits",
                         a->ns, a->name, change->column,
                         tarn_iceberg_type_text(field->type, a->arena),
                         tarn_iceberg_type_text(type, a->arena));
    field->type = type;
    return TARN_OK;
}

static enum tarn_status apply(struct altering *a, const struct tarn_lake_change *change)
{
    if (change->kind == TARN_LAKE_SET_PROPERTY) {
        a->properties[a->change->property_count++] = (struct tarn_lake_property){
            tarn_arena_strdup(a->arena, change->column),
            change->type ? tarn_arena_strdup(a->arena, change->type) : NULL};
        return TARN_OK;
    }
    if (change->kind == TARN_LAKE_ADD_COLUMN)
        return add_column(a, change);
    if (!find(a, change->column))
        return refuse(a, change->column, "is not there");
    switch (change->kind) {
    case TARN_LAKE_DROP_COLUMN:
        return drop_column(a, change);
    case TARN_LAKE_RENAME_COLUMN:
        return rename_column(a, change);
    case TARN_LAKE_WIDEN_COLUMN:
        return widen_column(a, change);
    case TARN_LAKE_DOC_COLUMN:
        find(a, change->column)->doc = tarn_arena_strdup(a->arena, change->doc ? change->doc : "");
        return TARN_OK;
    case TARN_LAKE_ADD_COLUMN:
    case TARN_LAKE_SET_PROPERTY:
        break;
    }
    return TARN_OK;
}

static enum tarn_status alter_once(struct lake_scope *scope, struct lake_change *change,
                                   const struct tarn_lake_change *changes, size_t count,
                                   struct tarn_error *err)
{
    const struct tarn_metadata *base;
    TARN_TRY(lake_load_table(scope, change->ns, change->name, &base, err));
    struct altering a = {.ns = change->ns,
                         .name = change->name,
                         .base = base,
                         .change = change,
                         .last_column_id = base->last_column_id,
                         .arena = change->arena,
                         .err = err};
    change->base = tarn_metadata_ref(base);
    change->folder = tarn_arena_strdup(change->arena, base->location);
    a.properties = tarn_arena_array(change->arena, count, sizeof *a.properties);
    a.schema.field_count = base->schema->field_count;
    a.schema.fields =
        tarn_arena_array(change->arena, base->schema->field_count + count, sizeof *a.schema.fields);
    memcpy(a.schema.fields, base->schema->fields, a.schema.field_count * sizeof *a.schema.fields);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(apply(&a, &changes[i]));
    change->schema = a.schema;
    change->last_column_id = a.last_column_id;
    change->schema_changed = true;
    change->properties = a.properties;
    return TARN_OK;
}

enum tarn_status tarn_lake_alter(struct tarn_lake *lake, const char *ns, const char *name,
                                 const struct tarn_lake_change *changes, size_t count,
                                 struct tarn_error *err)
{
    enum { TRIES = 20 };
    enum tarn_status status = TARN_CONFLICT;
    for (int i = 0; i < TRIES && status == TARN_CONFLICT; i++) {
        LAKE_SCOPE(scope, lake);
        struct tarn_lake_commit *commit = tarn_lake_begin(lake);
        struct lake_change *change = lake_change_new(ns, name);
        status = alter_once(&scope, change, changes, count, err);
        if (status == TARN_OK)
            status = lake_commit_add(commit, change, err);
        if (status != TARN_OK)
            lake_change_free(change, false);
        else
            status = tarn_lake_finish(commit, NULL, NULL, err);
        tarn_lake_commit_free(commit);
    }
    return status;
}

/* ---- drop and rename ---- */

struct dropping {
    const char *ns, *name;
    tarn_lake_also *also;
    void *context;
};

static enum tarn_status drop_in_transaction(struct tarn_state *state, void *context,
                                            struct tarn_error *err)
{
    const struct dropping *d = context;
    TARN_TRY(tarn_catalog_delete(state, d->ns, d->name, err));
    return d->also ? d->also(d->context, state, err) : TARN_OK;
}

enum tarn_status tarn_lake_drop(struct tarn_lake *lake, const char *ns, const char *name,
                                tarn_lake_also *also, void *context, struct tarn_error *err)
{
    struct dropping dropping = {ns, name, also, context};
    TARN_TRY(tarn_state_transaction(lake->state, drop_in_transaction, &dropping, err));
    lake_detach(lake, ns, name);
    return TARN_OK;
}

enum tarn_status tarn_lake_rename(struct tarn_lake *lake, const char *ns, const char *name,
                                  const char *new_ns, const char *new_name, struct tarn_error *err)
{
    TARN_TRY(lake_check_name(new_ns, new_name, err));
    TARN_TRY(tarn_catalog_rename(lake->state, ns, name, new_ns, new_name, err));
    lake_detach(lake, ns, name);
    return TARN_OK;
}
