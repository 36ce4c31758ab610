/* broker/registry/avro_write.c -- Avro schemas as text, member for member as Avro's Java library
 * writes them (Schema.toString): this text is what the registry stores and hashes. */
#include <stdio.h>

#include "broker/registry/avro.h"

struct writer {
    struct tarn_buffer *out;
    enum tarn_avro_form form;
    const char *space; /* names of this namespace are written short */
    bool *written;     /* by ordinal: defined further up */
};

static void write_node(struct writer *w, const struct tarn_avro *node);

static void put_key(struct writer *w, const char *key)
{
    const char *last = w->out->len ? w->out->data + w->out->len - 1 : "";
    if (*last != '{')
        tarn_buffer_append_char(w->out, ',');
    tarn_json_string_write(w->out, tarn_text_of(key));
    tarn_buffer_append_char(w->out, ':');
}

static void put_str(struct writer *w, const char *key, const char *value)
{
    put_key(w, key);
    tarn_json_string_write(w->out, tarn_text_of(value));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_one_of(const char *key, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(key, *names) == 0)
            return true;
    return false;
}

/* What an object has besides what the specification names; logical types first when normal. */
static void put_properties(struct writer *w, const json_t *source, const char *const *reserved)
{
    static const char *const logical[] = {"logicalType", "precision", "scale", NULL};
    size_t count = json_object_size(source), used = 0;
    TARN_AUTO_FREE const char **keys = tarn_alloc_array(count + 1, sizeof *keys);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)source, key, value) {
        if (!is_one_of(key, reserved))
            keys[used++] = key;
    }
    if (w->form == TARN_AVRO_NORMAL) {
        qsort(keys, used, sizeof *keys, by_text);
        for (const char *const *first = logical; *first; first++) {
            if (!is_one_of(*first, reserved) && json_object_get(source, *first)) {
                put_key(w, *first);
                tarn_json_value_write(w->out, json_object_get(source, *first), true);
            }
        }
    }
    for (size_t i = 0; i < used; i++) {
        if (w->form == TARN_AVRO_NORMAL && is_one_of(keys[i], logical))
            continue;
        put_key(w, keys[i]);
        tarn_json_value_write(w->out, json_object_get(source, keys[i]),
                              w->form == TARN_AVRO_NORMAL);
    }
}

static void put_strings(struct writer *w, const char *key, const char *const *items, size_t count,
                        bool is_sorted)
{
    TARN_AUTO_FREE const char **sorted = tarn_alloc_array(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = items[i];
    if (is_sorted)
        qsort(sorted, count, sizeof *sorted, by_text);
    put_key(w, key);
    tarn_buffer_append_char(w->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            tarn_buffer_append_char(w->out, ',');
        tarn_json_string_write(w->out, tarn_text_of(sorted[i]));
    }
    tarn_buffer_append_char(w->out, ']');
}

/* A full name as it is written inside `space`. */
static const char *short_name(const char *full_name, const char *space)
{
    const char *dot = strrchr(full_name, '.');
    size_t len = dot ? (size_t)(dot - full_name) : 0;
    return dot && space && strlen(space) == len && strncmp(full_name, space, len) == 0 ? dot + 1
                                                                                       : full_name;
}

static void put_name(struct writer *w, const struct tarn_avro *node)
{
    put_str(w, "name", node->name);
    bool same = node->space && w->space && strcmp(node->space, w->space) == 0;
    if ((node->space && !same) || (!node->space && w->space))
        put_str(w, "namespace", node->space ? node->space : "");
    if (node->doc)
        put_str(w, "doc", node->doc);
}

static void put_aliases(struct writer *w, const struct tarn_avro *node)
{
    if (!node->alias_count)
        return;
    TARN_AUTO_FREE const char **names = tarn_alloc_array(node->alias_count, sizeof *names);
    for (size_t i = 0; i < node->alias_count; i++)
        names[i] = short_name(node->aliases[i], node->space);
    put_strings(w, "aliases", names, node->alias_count, w->form == TARN_AVRO_NORMAL);
}

static void write_field(struct writer *w, const struct tarn_avro_field *field)
{
    static const char *const reserved[] = {"default", "doc",     "name", "order",
                                           "type",    "aliases", NULL};
    tarn_buffer_append_char(w->out, '{');
    put_str(w, "name", field->name);
    put_key(w, "type");
    write_node(w, field->type);
    if (field->doc)
        put_str(w, "doc", field->doc);
    if (field->default_value) {
        put_key(w, "default");
        tarn_json_value_write(w->out, field->default_value, false);
    }
    if (field->order)
        put_str(w, "order", field->order);
    if (field->alias_count)
        put_strings(w, "aliases", field->aliases, field->alias_count, w->form == TARN_AVRO_NORMAL);
    put_properties(w, field->source, reserved);
    tarn_buffer_append_char(w->out, '}');
}

static void put_fields(struct writer *w, const struct tarn_avro *record)
{
    const char *outer = w->space;
    w->space = record->space;
    put_key(w, "fields");
    tarn_buffer_append_char(w->out, '[');
    for (size_t i = 0; i < record->field_count; i++) {
        if (i)
            tarn_buffer_append_char(w->out, ',');
        write_field(w, &record->fields[i]);
    }
    tarn_buffer_append_char(w->out, ']');
    w->space = outer;
}

static const char *const schema_reserved[] = {"doc",       "fields",  "items",   "name",
                                              "namespace", "size",    "symbols", "values",
                                              "type",      "aliases", NULL};
static const char *const enum_reserved[] = {"default", "doc",       "fields",  "items",
                                            "name",    "namespace", "size",    "symbols",
                                            "values",  "type",      "aliases", NULL};

static void write_named(struct writer *w, const struct tarn_avro *node)
{
    tarn_buffer_append_char(w->out, '{');
    put_str(w, "type", node->is_error ? "error" : tarn_avro_kind_names[node->kind]);
    put_name(w, node);
    if (node->kind == TARN_AVRO_RECORD) {
        put_fields(w, node);
    } else if (node->kind == TARN_AVRO_ENUM) {
        put_strings(w, "symbols", node->symbols, node->symbol_count, false);
        if (node->enum_default)
            put_str(w, "default", node->enum_default);
    } else {
        put_key(w, "size");
        tarn_buffer_printf(w->out, "%zu", node->size_bytes);
    }
    put_properties(w, node->source, node->kind == TARN_AVRO_ENUM ? enum_reserved : schema_reserved);
    put_aliases(w, node);
    tarn_buffer_append_char(w->out, '}');
}

static bool has_properties(const struct tarn_avro *node)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)node->source, key, value)
        if (!is_one_of(key, schema_reserved))
            return true;
    return false;
}

static void write_node(struct writer *w, const struct tarn_avro *node)
{
    if (tarn_avro_is_named(node)) {
        if (w->written[node->ordinal]) {
            tarn_json_string_write(w->out, tarn_text_of(short_name(node->full_name, w->space)));
            return;
        }
        w->written[node->ordinal] = true;
        write_named(w, node);
    } else if (node->kind == TARN_AVRO_UNION) {
        tarn_buffer_append_char(w->out, '[');
        for (size_t i = 0; i < node->branch_count; i++) {
            if (i)
                tarn_buffer_append_char(w->out, ',');
            write_node(w, node->branches[i]);
        }
        tarn_buffer_append_char(w->out, ']');
    } else if (node->item || has_properties(node)) {
        tarn_buffer_append_char(w->out, '{');
        put_str(w, "type", tarn_avro_kind_names[node->kind]);
        if (node->item) {
            put_key(w, node->kind == TARN_AVRO_ARRAY ? "items" : "values");
            write_node(w, node->item);
        }
        put_properties(w, node->source, schema_reserved);
        tarn_buffer_append_char(w->out, '}');
    } else {
        tarn_json_string_write(w->out, tarn_text_of(tarn_avro_kind_names[node->kind]));
    }
}

void tarn_avro_write(const struct tarn_avro_schema *schema, enum tarn_avro_form form,
                     struct tarn_buffer *out)
{
    TARN_AUTO_FREE bool *written = tarn_alloc_array(schema->named_count + 1, sizeof *written);
    for (size_t i = 0; i < schema->dependency_names; i++)
        written[i] = form != TARN_AVRO_RESOLVED;
    struct writer writer = {.out = out, .form = form, .written = written};
    write_node(&writer, schema->root);
}
