/* broker/registry/avro_check.c -- whether a reader's Avro schema can read what a writer's wrote
 * (Avro specification, "Schema Resolution"), with the reasons and places that Avro's Java library
 * (SchemaCompatibility) gives, as Confluent's registry words them. */
#include <stdio.h>

#include "base/hash.h"
#include "broker/registry/avro.h"

/* What is known of a pair. One that is being compared counts as fine, which ends cycles; each pair
 * is compared at most twice (silently, to choose a branch, and aloud), which bounds the work. */
enum verdict { UNKNOWN, COMPARING, FINE, BAD_UNSAID, BAD };

struct pair {
    const struct tarn_avro *reader, *writer;
    enum verdict verdict;
};

struct check {
    struct tarn_schema_messages *messages;
    bool is_silent; /* only the verdict is wanted */
    struct tarn_arena *arena;
    struct pair *pairs; /* open addressing */
    size_t pair_count, pair_cap;
    int depth;
};

static bool check_pair(struct check *check, const struct tarn_avro *reader,
                       const struct tarn_avro *writer, const char *path);

static struct pair *slot_of(const struct check *check, const struct tarn_avro *reader,
                            const struct tarn_avro *writer)
{
    const void *key[2] = {reader, writer};
    size_t mask = check->pair_cap - 1;
    size_t slot = tarn_hash64((struct tarn_text){(const char *)key, sizeof key}) & mask;
    while (check->pairs[slot].reader &&
           (check->pairs[slot].reader != reader || check->pairs[slot].writer != writer))
        slot = (slot + 1) & mask;
    return &check->pairs[slot];
}

static struct pair *find_pair(struct check *check, const struct tarn_avro *reader,
                              const struct tarn_avro *writer)
{
    if (2 * (check->pair_count + 1) > check->pair_cap) {
        struct pair *old = check->pairs;
        size_t old_cap = check->pair_cap;
        check->pair_cap = old_cap ? 2 * old_cap : 64;
        check->pairs = tarn_arena_array(check->arena, check->pair_cap, sizeof *old);
        for (size_t i = 0; i < old_cap; i++)
            if (old[i].reader)
                *slot_of(check, old[i].reader, old[i].writer) = old[i];
    }
    struct pair *pair = slot_of(check, reader, writer);
    if (!pair->reader) {
        *pair = (struct pair){reader, writer, UNKNOWN};
        check->pair_count++;
    }
    return pair;
}

static const char *below(struct check *check, const char *path, const char *step)
{
    return tarn_arena_format(check->arena, "%s/%s", path, step);
}

static const char *step_of(struct check *check, const char *path, size_t index)
{
    return tarn_arena_format(check->arena, "%s/%zu", path, index);
}

static bool differ(struct check *check, const char *kind, const char *description,
                   const char *additional)
{
    if (!check->is_silent)
        tarn_schema_add_message(check->messages,
                                "{errorType:'%s', description:'%s', additionalInfo:'%s'}", kind,
                                description, additional);
    return false;
}

static const char *upper(struct check *check, const struct tarn_avro *node)
{
    char *name = tarn_arena_strdup(check->arena, tarn_avro_kind_names[node->kind]);
    for (char *c = name; *c; c++)
        *c = (char)(*c - 'a' + 'A');
    return name;
}

static const char *shown(const char *path)
{
    return *path ? path : "/";
}

static bool mismatch(struct check *check, const struct tarn_avro *reader,
                     const struct tarn_avro *writer, const char *path)
{
    return differ(check, "TYPE_MISMATCH",
                  tarn_arena_format(check->arena,
                                    "The type (path '%s') of a field in the %%s schema does not "
                                    "match with the %%s schema",
                                    shown(path)),
                  tarn_arena_format(check->arena,
                                    "reader type: %s not compatible with writer type: %s",
                                    upper(check, reader), upper(check, writer)));
}

static bool check_names(struct check *check, const struct tarn_avro *reader,
                        const struct tarn_avro *writer, const char *path)
{
    if (strcmp(reader->name, writer->name) == 0)
        return true;
    for (size_t i = 0; i < reader->alias_count; i++)
        if (strcmp(reader->aliases[i], writer->full_name) == 0)
            return true;
    return differ(check, "NAME_MISMATCH",
                  tarn_arena_format(check->arena,
                                    "The name of the schema has changed (path '%s/name')", path),
                  tarn_arena_format(check->arena, "expected: %s", writer->full_name));
}

static bool check_fixed(struct check *check, const struct tarn_avro *reader,
                        const struct tarn_avro *writer, const char *path)
{
    bool fine = check_names(check, reader, writer, path);
    if (reader->size_bytes == writer->size_bytes)
        return fine;
    return differ(check, "FIXED_SIZE_MISMATCH",
                  tarn_arena_format(check->arena,
                                    "The size of FIXED type field at path '%s/size' in the %%s "
                                    "schema does not match with the %%s schema",
                                    path),
                  tarn_arena_format(check->arena, "expected: %zu, found: %zu", writer->size_bytes,
                                    reader->size_bytes));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_symbol(const struct tarn_avro *node, const char *symbol)
{
    for (size_t i = 0; i < node->symbol_count; i++)
        if (strcmp(node->symbols[i], symbol) == 0)
            return true;
    return false;
}

static bool check_symbols(struct check *check, const struct tarn_avro *reader,
                          const struct tarn_avro *writer, const char *path)
{
    bool fine = check_names(check, reader, writer, path);
    const char **missing =
        tarn_arena_array(check->arena, writer->symbol_count + 1, sizeof *missing);
    size_t count = 0;
    for (size_t i = 0; i < writer->symbol_count; i++)
        if (!has_symbol(reader, writer->symbols[i]))
            missing[count++] = writer->symbols[i];
    if (count == 0 || reader->enum_default)
        return fine;
    qsort(missing, count, sizeof *missing, by_text);
    const char *list = "";
    for (size_t i = 0; i < count; i++)
        list = tarn_arena_format(check->arena, "%s%s%s", list, i ? ", " : "", missing[i]);
    list = tarn_arena_format(check->arena, "[%s]", list);
    return differ(check, "MISSING_ENUM_SYMBOLS",
                  tarn_arena_format(check->arena,
                                    "The %%s schema is missing enum symbols '%s' at path "
                                    "'%s/symbols' in the %%s schema",
                                    list, path),
                  list);
}

static const struct tarn_avro_field *find_field(const struct tarn_avro *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static const struct tarn_avro_field *writer_field(const struct tarn_avro *writer,
                                                  const struct tarn_avro_field *field)
{
    const struct tarn_avro_field *found = find_field(writer, field->name);
    for (size_t i = 0; !found && i < field->alias_count; i++)
        found = find_field(writer, field->aliases[i]);
    return found;
}

static bool check_record(struct check *check, const struct tarn_avro *reader,
                         const struct tarn_avro *writer, const char *path)
{
    bool fine = check_names(check, reader, writer, path);
    const char *fields = below(check, path, "fields");
    for (size_t i = 0; i < reader->field_count; i++) {
        const struct tarn_avro_field *field = &reader->fields[i];
        const struct tarn_avro_field *written = writer_field(writer, field);
        const char *place = step_of(check, fields, i);
        if (written)
            fine &= check_pair(check, field->type, written->type, below(check, place, "type"));
        else if (!field->default_value && field->type->enum_default)
            fine &= check_pair(check, field->type, writer, below(check, place, "type"));
        else if (!field->default_value)
            fine = differ(check, "READER_FIELD_MISSING_DEFAULT_VALUE",
                          tarn_arena_format(check->arena,
                                            "The field '%s' at path '%s' in the %%s schema has no "
                                            "default value and is missing in the %%s schema",
                                            field->name, place),
                          field->name);
    }
    return fine;
}

static bool lacks_branch(struct check *check, const struct tarn_avro *writer, const char *path)
{
    return differ(check, "MISSING_UNION_BRANCH",
                  tarn_arena_format(check->arena,
                                    "The %%s schema is missing a type inside a union field at path "
                                    "'%s' in the %%s schema",
                                    shown(path)),
                  tarn_arena_format(check->arena, "reader union lacking writer type: %s",
                                    upper(check, writer)));
}

/* The verdict alone. */
static bool would_fit(struct check *check, const struct tarn_avro *reader,
                      const struct tarn_avro *writer)
{
    bool was_silent = check->is_silent;
    check->is_silent = true;
    bool fine = check_pair(check, reader, writer, "");
    check->is_silent = was_silent;
    return fine;
}

static bool check_reader_union(struct check *check, const struct tarn_avro *reader,
                               const struct tarn_avro *writer, const char *path)
{
    for (size_t i = 0; i < reader->branch_count; i++)
        if (would_fit(check, reader->branches[i], writer))
            return true;
    return lacks_branch(check, writer, path);
}

static bool check_unions(struct check *check, const struct tarn_avro *reader,
                         const struct tarn_avro *writer, const char *path)
{
    bool fine = true;
    for (size_t i = 0; i < writer->branch_count; i++)
        if (!would_fit(check, reader, writer->branches[i]))
            fine = lacks_branch(check, writer->branches[i], step_of(check, path, i));
    return fine;
}

/* Schemas of different kinds: promotions, and unions on one side. */
static bool check_kinds(struct check *check, const struct tarn_avro *reader,
                        const struct tarn_avro *writer, const char *path)
{
    bool fine = true;
    if (writer->kind == TARN_AVRO_UNION) {
        for (size_t i = 0; i < writer->branch_count; i++)
            fine &= check_pair(check, reader, writer->branches[i], path);
        return fine;
    }
    if (reader->kind == TARN_AVRO_UNION)
        return check_reader_union(check, reader, writer, path);
    bool widens = reader->kind >= TARN_AVRO_LONG && reader->kind <= TARN_AVRO_DOUBLE &&
                  writer->kind >= TARN_AVRO_INT && writer->kind < reader->kind;
    bool is_text = (reader->kind == TARN_AVRO_BYTES && writer->kind == TARN_AVRO_STRING) ||
                   (reader->kind == TARN_AVRO_STRING && writer->kind == TARN_AVRO_BYTES);
    return widens || is_text || mismatch(check, reader, writer, path);
}

static bool check_same_kind(struct check *check, const struct tarn_avro *reader,
                            const struct tarn_avro *writer, const char *path)
{
    if (reader->kind == TARN_AVRO_RECORD)
        return check_record(check, reader, writer, path);
    if (reader->kind == TARN_AVRO_ENUM)
        return check_symbols(check, reader, writer, path);
    if (reader->kind == TARN_AVRO_FIXED)
        return check_fixed(check, reader, writer, path);
    if (reader->kind == TARN_AVRO_UNION)
        return check_unions(check, reader, writer, path);
    if (reader->kind == TARN_AVRO_ARRAY)
        return check_pair(check, reader->item, writer->item, below(check, path, "items"));
    if (reader->kind == TARN_AVRO_MAP)
        return check_pair(check, reader->item, writer->item, below(check, path, "values"));
    return true;
}

static bool check_pair(struct check *check, const struct tarn_avro *reader,
                       const struct tarn_avro *writer, const char *path)
{
    enum verdict known = find_pair(check, reader, writer)->verdict;
    if (known == COMPARING || known == FINE)
        return true;
    if (known == BAD || (known == BAD_UNSAID && check->is_silent))
        return false;
    if (check->depth > 20 * TARN_SCHEMA_DEPTH_MAX)
        return differ(check, "TYPE_MISMATCH", "The schemas are too deeply nested to compare", "");
    find_pair(check, reader, writer)->verdict = COMPARING;
    check->depth++;
    bool fine = reader->kind == writer->kind ? check_same_kind(check, reader, writer, path)
                                             : check_kinds(check, reader, writer, path);
    check->depth--;
    find_pair(check, reader, writer)->verdict = fine ? FINE : check->is_silent ? BAD_UNSAID : BAD;
    return fine;
}

void tarn_avro_check(const struct tarn_schema *reader, const struct tarn_schema *writer,
                     struct tarn_schema_messages *messages)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct check check = {.messages = messages, .arena = arena};
    (void)check_pair(&check, tarn_avro_of(reader)->root, tarn_avro_of(writer)->root, "");
}
