/* lake/form.c -- which forms a table's files have, see form.h. The SQL that reads them is
 * form_sql.c. */
#include "lake/form.h"

#include <string.h>
#include <strings.h>

#include "lake/footer.h"

#define NAME_MAPPING "schema.name-mapping.default"

/* ---- what the history says ---- */

bool lake_has_foreign_snapshots(const struct tarn_metadata *metadata)
{
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const json_t *writer = json_object_get(metadata->snapshots[i].summary, "engine-name");
        if (!json_is_string(writer) || strcmp(json_string_value(writer), "tarn") != 0)
            return true;
    }
    return false;
}

/* Also those of snapshots that were forgotten. */
static bool may_have_foreign_files(const struct tarn_metadata *metadata)
{
    bool from_the_first = metadata->snapshot_count == 0;
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        from_the_first |= metadata->snapshots[i].sequence_number == 1;
    return !from_the_first || lake_has_foreign_snapshots(metadata);
}

static const struct tarn_iceberg_field *member_by_id(const struct tarn_iceberg_type *type, int id)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].id == id)
            return &type->fields[i];
    return NULL;
}

static const struct tarn_iceberg_field *member_by_name(const struct tarn_iceberg_type *type,
                                                       const char *name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (strcasecmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

/* Whether a value written as `from` is read right by a cast to `to`, which goes by the names of
 * members: each name means the same field in both, and structs share one at least. */
static bool casts_by_name(const struct tarn_iceberg_type *from, const struct tarn_iceberg_type *to)
{
    size_t shared = 0;
    if (from->kind != to->kind)
        return !tarn_iceberg_is_nested(from) && !tarn_iceberg_is_nested(to);
    for (size_t i = 0; i < to->field_count; i++) {
        const struct tarn_iceberg_field *field = &to->fields[i];
        const struct tarn_iceberg_field *old = member_by_id(from, field->id);
        if (old != member_by_name(from, field->name) || (old && strcmp(old->name, field->name)))
            return false;
        if (old && !casts_by_name(old->type, field->type))
            return false;
        shared += old != NULL;
    }
    return shared > 0 || !tarn_iceberg_is_nested(to);
}

static bool follows(const struct tarn_iceberg_schema *old, const struct tarn_iceberg_schema *schema)
{
    const struct tarn_iceberg_type before = {.fields = old->fields,
                                             .field_count = old->field_count};
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct tarn_iceberg_field *field = member_by_id(&before, schema->fields[i].id);
        if (field && tarn_iceberg_is_nested(schema->fields[i].type) &&
            !casts_by_name(field->type, schema->fields[i].type))
            return false;
    }
    return true;
}

/* Other writers put members into files under names that Avro allows. */
static bool members_are_plain(const struct tarn_iceberg_type *type)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    for (size_t i = 0; i < type->field_count; i++) {
        const char *name = type->fields[i].name;
        if ((name[0] >= '0' && name[0] <= '9') || name[strspn(name, plain)] ||
            !members_are_plain(type->fields[i].type))
            return false;
    }
    return true;
}

/* Schema ids count up from 0: a gap is a schema that was forgotten. */
static bool history_is_whole(const struct tarn_metadata *metadata)
{
    for (size_t i = 0; i < metadata->schema_count; i++)
        if (metadata->schemas[i].id >= (int)metadata->schema_count)
            return false;
    return true;
}

static bool needs_footers(const struct tarn_metadata *metadata,
                          const struct tarn_iceberg_schema *schema)
{
    bool foreign = may_have_foreign_files(metadata);
    bool nested = false;
    if (tarn_metadata_property(metadata, NAME_MAPPING))
        return true; /* there may be files without field ids */
    for (size_t i = 0; i < schema->field_count; i++) {
        nested |= tarn_iceberg_is_nested(schema->fields[i].type);
        if (foreign && !members_are_plain(schema->fields[i].type))
            return true;
    }
    if (!nested)
        return false;
    for (size_t i = 0; i < metadata->schema_count; i++)
        if (!follows(&metadata->schemas[i], schema))
            return true;
    return !history_is_whole(metadata);
}

/* ---- what a footer says ---- */

struct forming {
    const char *path;
    struct tarn_arena *arena;
    struct tarn_error *err;
};

static enum tarn_status stored_type(const struct forming *f, const char *column,
                                    const struct tarn_iceberg_type *type,
                                    const struct lake_footer_field *found,
                                    const struct tarn_iceberg_type **ret_stored);

static enum tarn_status cannot_map(const struct forming *f, const char *column, const char *why)
{
    return tarn_fail(f->err, TARN_UNSUPPORTED,
                     "reading %s: its column \"%s\" %s, so that its members cannot be told apart; "
                     "rewrite the table with the engine that wrote it",
                     f->path, column, why);
}

static const struct lake_footer_field *found_by_id(const struct lake_footer_field *fields,
                                                   size_t count, int id)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].id == id)
            return &fields[i];
    return NULL;
}

static bool any_id(const struct lake_footer_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].id >= 0)
            return true;
    return false;
}

/* The members that the file has, under its names. Where it has none of the type's, one that nobody
 * asked for is read as text: whether the struct is NULL must be known. */
static enum tarn_status stored_struct(const struct forming *f, const char *column,
                                      const struct lake_footer_field *found,
                                      struct tarn_iceberg_type *type)
{
    static const struct tarn_iceberg_type text = {.kind = TARN_ICEBERG_STRING};
    const struct tarn_iceberg_field *wanted = type->fields;
    size_t wanted_count = type->field_count;
    if (!any_id(found->fields, found->field_count))
        return cannot_map(f, column, "is a struct without field ids");
    type->fields = tarn_arena_array(f->arena, wanted_count + 1, sizeof *type->fields);
    type->field_count = 0;
    for (size_t i = 0; i < wanted_count; i++) {
        const struct lake_footer_field *member =
            found_by_id(found->fields, found->field_count, wanted[i].id);
        if (!member)
            continue;
        struct tarn_iceberg_field *stored = &type->fields[type->field_count++];
        *stored = wanted[i];
        stored->name = member->name;
        TARN_TRY(stored_type(f, column, wanted[i].type, member, &stored->type));
    }
    if (type->field_count == 0)
        type->fields[type->field_count++] =
            (struct tarn_iceberg_field){.id = -1, .name = found->fields[0].name, .type = &text};
    return TARN_OK;
}

/* How the file stores the wanted type. */
static enum tarn_status stored_type(const struct forming *f, const char *column,
                                    const struct tarn_iceberg_type *type,
                                    const struct lake_footer_field *found,
                                    const struct tarn_iceberg_type **ret_stored)
{
    static const enum lake_footer_kind kinds[] = {[TARN_ICEBERG_STRUCT] = LAKE_FOOTER_STRUCT,
                                                  [TARN_ICEBERG_LIST] = LAKE_FOOTER_LIST,
                                                  [TARN_ICEBERG_MAP] = LAKE_FOOTER_MAP};
    enum lake_footer_kind kind =
        tarn_iceberg_is_nested(type) ? kinds[type->kind] : LAKE_FOOTER_LEAF;
    if (kind != found->kind)
        return cannot_map(f, column, "is built otherwise than the table says");
    *ret_stored = type;
    if (kind == LAKE_FOOTER_LEAF)
        return TARN_OK;
    struct tarn_iceberg_type *stored = tarn_arena_alloc(f->arena, sizeof *stored);
    *stored = *type;
    *ret_stored = stored;
    if (kind == LAKE_FOOTER_STRUCT)
        return stored_struct(f, column, found, stored);
    stored->fields = tarn_arena_array(f->arena, type->field_count, sizeof *stored->fields);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct lake_footer_field *child = &found->fields[i];
        stored->fields[i] = type->fields[i];
        if (child->id >= 0 && child->id != type->fields[i].id)
            return cannot_map(f, column, "has other field ids than the table");
        TARN_TRY(stored_type(f, column, type->fields[i].type, child, &stored->fields[i].type));
    }
    return TARN_OK;
}

static enum tarn_status form_of(const struct forming *f, const struct tarn_iceberg_schema *schema,
                                const struct lake_footer *footer, bool by_name,
                                struct lake_form *form)
{
    form->stored = *schema;
    form->stored.fields =
        tarn_arena_array(f->arena, schema->field_count, sizeof *form->stored.fields);
    form->names =
        by_name ? tarn_arena_array(f->arena, schema->field_count + 1, sizeof *form->names) : NULL;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct tarn_iceberg_field *field = &form->stored.fields[i];
        *field = schema->fields[i];
        const struct lake_footer_field *found =
            found_by_id(footer->fields, footer->field_count, field->id);
        if (!found)
            continue; /* NULL, as for every column that came later */
        if (by_name)
            form->names[i] = found->name;
        TARN_TRY(stored_type(f, field->name, schema->fields[i].type, found, &field->type));
    }
    return TARN_OK;
}

/* ---- files without field ids (spec, "Column Projection": name mapping) ---- */

static const json_t *mapping_of(const json_t *mapping, const char *name)
{
    for (size_t i = 0; i < json_array_size(mapping); i++) {
        const json_t *names = json_object_get(json_array_get(mapping, i), "names");
        for (size_t n = 0; n < json_array_size(names); n++) {
            const char *candidate = json_string_value(json_array_get(names, n));
            if (candidate && strcmp(candidate, name) == 0)
                return json_array_get(mapping, i);
        }
    }
    return NULL;
}

static void give_ids(struct lake_footer_field *fields, size_t count, enum lake_footer_kind parent,
                     const json_t *mapping)
{
    static const char *const map_names[] = {"key", "value"};
    for (size_t i = 0; i < count; i++) {
        const char *name = parent == LAKE_FOOTER_LIST  ? "element"
                           : parent == LAKE_FOOTER_MAP ? map_names[i]
                                                       : fields[i].name;
        const json_t *entry = mapping_of(mapping, name);
        const json_t *id = json_object_get(entry, "field-id");
        if (json_is_integer(id))
            fields[i].id = (int)json_integer_value(id);
        give_ids(fields[i].fields, fields[i].field_count, fields[i].kind,
                 json_object_get(entry, "fields"));
    }
}

static enum tarn_status map_names(const struct forming *f, const struct tarn_metadata *metadata,
                                  const struct lake_footer *footer)
{
    const char *text = tarn_metadata_property(metadata, NAME_MAPPING);
    json_t *mapping = text ? json_loads(text, 0, NULL) : NULL;
    if (!json_is_array(mapping)) {
        json_decref(mapping);
        return tarn_fail(f->err, TARN_UNSUPPORTED,
                         "reading %s: its columns have no field ids, and the table no name mapping "
                         "(property '" NAME_MAPPING "') that says what they are",
                         f->path);
    }
    give_ids(footer->fields, footer->field_count, LAKE_FOOTER_STRUCT, mapping);
    json_decref(mapping);
    return TARN_OK;
}

/* ---- grouping ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_form(const struct lake_form *a, const struct lake_form *b)
{
    if (!a->names != !b->names)
        return false;
    for (size_t i = 0; i < a->stored.field_count; i++)
        if (!tarn_iceberg_type_equal(a->stored.fields[i].type, b->stored.fields[i].type, true) ||
            (a->names && !same_text(a->names[i], b->names[i])))
            return false;
    return true;
}

static size_t add_form(struct lake_forms *forms, const struct lake_form *form)
{
    for (size_t i = 0; i < forms->count; i++)
        if (same_form(&forms->forms[i], form))
            return i;
    forms->forms[forms->count] = *form;
    return forms->count++;
}

enum tarn_status lake_forms_of(struct tarn_session *session, const struct tarn_metadata *metadata,
                               const struct tarn_iceberg_schema *schema, const char *const *paths,
                               size_t count, struct tarn_arena *arena, struct lake_forms *ret_forms,
                               struct tarn_error *err)
{
    struct lake_forms forms = {.schema = schema, .count = 1};
    struct lake_footer *footers;
    forms.forms = tarn_arena_array(arena, count + 1, sizeof *forms.forms);
    forms.of = tarn_arena_array(arena, count, sizeof *forms.of);
    forms.forms[0].stored = *schema;
    *ret_forms = forms;
    if (count == 0 || !needs_footers(metadata, schema))
        return TARN_OK;
    if (!session)
        return tarn_fail(err, TARN_INVALID,
                         "reading %s: the members of its structs have changed, and finding them "
                         "takes a session",
                         metadata->location);
    TARN_TRY(lake_footers_read(session, paths, count, arena, &footers, err));
    forms.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct forming forming = {paths[i], arena, err};
        bool by_name = !any_id(footers[i].fields, footers[i].field_count);
        struct lake_form form;
        if (by_name)
            TARN_TRY(map_names(&forming, metadata, &footers[i]));
        TARN_TRY(form_of(&forming, schema, &footers[i], by_name, &form));
        forms.of[i] = add_form(&forms, &form);
    }
    *ret_forms = forms;
    return TARN_OK;
}
