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

/* ---- finding what a path names ---- */

/* Where a field stands; it can be changed there: types on the way are this altering's own copies.
 */
struct place {
    struct tarn_iceberg_field *field; /* NULL: not found */
    struct tarn_iceberg_field **siblings;
    size_t *count;
    const struct tarn_iceberg_type *parent; /* NULL for a column */
    bool in_key;                            /* of a map */
};

static void find_among(struct place *place, const char *name)
{
    const struct tarn_iceberg_schema siblings = {.fields = *place->siblings,
                                                 .field_count = *place->count};
    place->field = tarn_iceberg_field_find(&siblings, name);
}

/* Goes into a nested field, whose type is copied with room for one member more. */
static struct place enter(const struct altering *a, const struct place *place)
{
    const struct tarn_iceberg_type *type = place->field->type;
    struct tarn_iceberg_type *own = tarn_arena_alloc(a->arena, sizeof *own);
    *own = *type;
    own->fields = tarn_arena_array(a->arena, type->field_count + 1, sizeof *own->fields);
    memcpy(own->fields, type->fields, type->field_count * sizeof *type->fields);
    place->field->type = own;
    bool is_key = place->parent && place->parent->kind == TARN_ICEBERG_MAP &&
                  place->field == &place->parent->fields[0];
    return (struct place){NULL, &own->fields, &own->field_count, own, place->in_key || is_key};
}

static struct place find_from(const struct altering *a, struct place place, const char *path)
{
    find_among(&place, path);
    if (place.field)
        return place;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        struct place outer = place;
        find_among(&outer, tarn_arena_strndup(a->arena, path, (size_t)(dot - path)));
        if (!outer.field || !tarn_iceberg_is_nested(outer.field->type))
            continue;
        struct place found = find_from(a, enter(a, &outer), dot + 1);
        if (found.field)
            return found;
    }
    return place;
}

/* A column, or "column.member" and so on; a column whose name holds the dot comes first. */
static struct place find(struct altering *a, const char *path)
{
    struct place top = {.siblings = &a->schema.fields, .count = &a->schema.field_count};
    return find_from(a, top, path);
}

/* Where a new field of this path belongs, and its name: into the struct before the last dot, when
 * there is such a one. */
static struct place find_new(struct altering *a, const char *path, const char **ret_name)
{
    struct place top = {.siblings = &a->schema.fields, .count = &a->schema.field_count};
    const char *dot = strrchr(path, '.');
    *ret_name = path;
    struct place outer =
        dot ? find(a, tarn_arena_strndup(a->arena, path, (size_t)(dot - path))) : top;
    if (outer.field && outer.field->type->kind == TARN_ICEBERG_STRUCT) {
        *ret_name = dot + 1;
        top = enter(a, &outer);
    }
    find_among(&top, *ret_name);
    return top;
}

/* ---- the changes ---- */

static enum tarn_status parse_type(const struct altering *a, const struct tarn_lake_change *change,
                                   int *last_id, const struct tarn_iceberg_type **ret_type)
{
    const struct tarn_type *type = change->type ? tarn_type_parse(a->arena, change->type) : NULL;
    if (!type)
        return tarn_fail(
            a->err, TARN_INVALID,
            "altering %s.%s: '%s' is no type for the column \"%s\"; write a plain DuckDB type such "
            "as BIGINT, VARCHAR or DECIMAL(18,2)",
            a->ns, a->name, change->type ? change->type : "", change->column);
    return tarn_iceberg_type_of(type, change->column, last_id, a->arena, ret_type, a->err);
}

static enum tarn_status add_column(struct altering *a, const struct tarn_lake_change *change)
{
    const struct tarn_iceberg_type *type;
    const char *name;
    struct place place = find_new(a, change->column, &name);
    int id = a->last_column_id + 1, last_id = id;
    if (place.field)
        return refuse(a, change->column, "is there already");
    if (!name[0])
        return refuse(a, change->column, "needs a name");
    if (place.in_key)
        return refuse(a, change->column, "would be part of a map's key, which cannot change");
    TARN_TRY(parse_type(a, change, &last_id, &type));
    a->last_column_id = last_id;
    (*place.siblings)[(*place.count)++] = (struct tarn_iceberg_field){
        .id = id,
        .name = tarn_arena_strdup(a->arena, name),
        .doc = change->doc ? tarn_arena_strdup(a->arena, change->doc) : NULL,
        .type = type,
    };
    return TARN_OK;
}

/* Members of structs have names and come and go; the element of a list and what a map is made of
 * do not. */
static enum tarn_status check_member(struct altering *a, const struct tarn_lake_change *change,
                                     const struct place *place)
{
    if (place->in_key)
        return refuse(a, change->column, "is part of a map's key, which cannot change");
    if (place->parent && place->parent->kind != TARN_ICEBERG_STRUCT)
        return refuse(a, change->column, "is what a list or map consists of");
    return TARN_OK;
}

/* By the field, or by something in it. */
static bool is_partitioned_by(const struct altering *a, const struct tarn_iceberg_field *field)
{
    const struct tarn_iceberg_schema one = {.fields = (struct tarn_iceberg_field *)(uintptr_t)field,
                                            .field_count = 1};
    for (size_t i = 0; i < a->base->spec->field_count; i++)
        if (tarn_iceberg_field_by_id(&one, a->base->spec->fields[i].source_id) &&
            a->base->spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            return true;
    return false;
}

static enum tarn_status drop_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct place place = find(a, change->column);
    TARN_TRY(check_member(a, change, &place));
    if (is_partitioned_by(a, place.field))
        return refuse(a, change->column, "is what the table is partitioned by");
    if (*place.count == 1)
        return refuse(a, change->column, "is the last one");
    size_t at = (size_t)(place.field - *place.siblings);
    memmove(place.field, place.field + 1, (--*place.count - at) * sizeof *place.field);
    return TARN_OK;
}

static enum tarn_status rename_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct place place = find(a, change->column), taken = place;
    TARN_TRY(check_member(a, change, &place));
    if (!change->new_name || !change->new_name[0])
        return refuse(a, change->column, "needs a new name");
    find_among(&taken, change->new_name);
    if (taken.field && taken.field != place.field)
        return refuse(a, change->new_name, "is there already");
    place.field->name = tarn_arena_strdup(a->arena, change->new_name);
    return TARN_OK;
}

static enum tarn_status widen_column(struct altering *a, const struct tarn_lake_change *change)
{
    struct place place = find(a, change->column);
    struct tarn_iceberg_field *field = place.field;
    const struct tarn_iceberg_type *type;
    int last_id = a->last_column_id; /* a type that only widens takes no ids */
    if (place.in_key || (place.parent && place.parent->kind == TARN_ICEBERG_MAP &&
                         field == &place.parent->fields[0]))
        return refuse(a, change->column, "is part of a map's key, which cannot change");
    TARN_TRY(parse_type(a, change, &last_id, &type));
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
    if (!find(a, change->column).field)
        return refuse(a, change->column, "is not there");
    switch (change->kind) {
    case TARN_LAKE_DROP_COLUMN:
        return drop_column(a, change);
    case TARN_LAKE_RENAME_COLUMN:
        return rename_column(a, change);
    case TARN_LAKE_WIDEN_COLUMN:
        return widen_column(a, change);
    case TARN_LAKE_DOC_COLUMN:
        find(a, change->column).field->doc =
            tarn_arena_strdup(a->arena, change->doc ? change->doc : "");
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
