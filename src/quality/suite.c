/* quality/suite.c -- see suite.h. JSON is read by the YAML reader (it is a subset in all that
 * matters here), so that every mistake in either format has its file and line.
 */
#include "quality/suite.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "quality/suite_int.h"

const char *const tarn_reconcile_part_names[TARN_RECONCILE_PARTS] = {
    [TARN_RECONCILE_IN] = "in",
    [TARN_RECONCILE_OUT] = "out",
    [TARN_RECONCILE_QUARANTINED] = "quarantined",
    [TARN_RECONCILE_DUPLICATES] = "duplicates",
    [TARN_RECONCILE_HELD] = "held",
};

enum { JSON_MAX_BYTES = 64 << 20 };

static const char *const layers[] = {"bronze", "silver", "gold", NULL};

void tarn_suites_release(struct tarn_suites *suites)
{
    free(suites->suites);
    free(suites->reconciles);
    *suites = (struct tarn_suites){0};
}

const char *tarn_layer_of(const char *ns)
{
    if (strcmp(ns, "bronze") == 0)
        return "bronze";
    if (strcmp(ns, "gold") == 0 || strcmp(ns, "marts") == 0)
        return "gold";
    return "silver";
}

static enum tarn_status read_choice(const struct tarn_yaml *map, const char *key,
                                    const char *const *choices, int *ret, struct tarn_error *err)
{
    return tarn_yaml_get(map, key) ? tarn_yaml_choice(map, key, choices, ret, err) : TARN_OK;
}

/* ---- a suite ---- */

static enum tarn_status split_table(struct tarn_suite_reader *r, const struct tarn_yaml *node,
                                    const char *text, struct tarn_error *err)
{
    const char *dot = strchr(text, '.');
    if (!dot || dot == text || dot[1] == 0)
        return tarn_yaml_fail(
            node, err, "'%s' names no table; write namespace.table, such as silver.orders", text);
    r->suite->ns = tarn_arena_strndup(r->arena, text, (size_t)(dot - text));
    r->suite->table = dot + 1;
    r->suite->table_node = node;
    return TARN_OK;
}

static enum tarn_status find_table(struct tarn_suite_reader *r, const struct tarn_yaml *node,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *table = tarn_yaml_get(node, "table");
    if (!table)
        table = tarn_yaml_get(tarn_yaml_get(node, "meta"), "table");
    if (table) {
        if (!table->text)
            return tarn_yaml_fail(table, err, "table must be namespace.table, not %s",
                                  tarn_yaml_kind_name(table->kind));
        return split_table(r, table, table->text, err);
    }
    const char *first = strchr(r->suite->name, '.');
    if (!first)
        return tarn_yaml_fail(node, err,
                              "suite '%s' does not say which table it is about: add `table: "
                              "namespace.table` (in a Great Expectations file also "
                              "`\"meta\": {\"table\": ...}`)",
                              r->suite->name);
    const char *second = strchr(first + 1, '.');
    size_t len = second ? (size_t)(second - r->suite->name) : strlen(r->suite->name);
    return split_table(r, node, tarn_arena_strndup(r->arena, r->suite->name, len), err);
}

static enum tarn_status read_key(struct tarn_suite_reader *r, const struct tarn_yaml *node,
                                 struct tarn_error *err)
{
    const struct tarn_yaml *key = tarn_yaml_get(node, "key");
    if (!key)
        return TARN_OK;
    const char *expected = tarn_parameter_expected(TARN_PARAMETER_COLUMNS, key);
    if (expected)
        return tarn_yaml_fail(key, err, "key must be %s", expected);
    size_t count = key->kind == TARN_YAML_LIST ? key->count : 1;
    r->suite->key = tarn_arena_array(r->arena, count + 1, sizeof *r->suite->key);
    for (size_t i = 0; i < count; i++)
        r->suite->key[i] = key->kind == TARN_YAML_LIST ? key->items[i]->text : key->text;
    r->suite->key_count = count;
    return TARN_OK;
}

static enum tarn_status read_suite_head(struct tarn_suite_reader *r, const struct tarn_yaml *node,
                                        struct tarn_error *err)
{
    static const char *const keys[] = {"name",
                                       "table",
                                       "description",
                                       "layer",
                                       "quarantine",
                                       "key",
                                       "null_values",
                                       "where",
                                       "severity",
                                       "expectations",
                                       "parameters",
                                       "meta",
                                       "expectation_suite_name",
                                       "ge_cloud_id",
                                       "evaluation_parameters",
                                       "data_asset_type",
                                       "id",
                                       "notes",
                                       "suite_parameters",
                                       "version",
                                       NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "a suite", keys, err));
    struct tarn_suite *suite = r->suite;
    TARN_TRY(tarn_yaml_str(node, "expectation_suite_name", &suite->name, err));
    TARN_TRY(tarn_yaml_str(node, "name", &suite->name, err));
    if (!suite->name)
        return tarn_yaml_fail(node, err, "a suite needs a 'name'");
    TARN_TRY(find_table(r, node, err));
    int layer = 0;
    const char *of_namespace = tarn_layer_of(suite->ns);
    while (strcmp(layers[layer], of_namespace) != 0)
        layer++;
    TARN_TRY(read_choice(node, "layer", layers, &layer, err));
    suite->layer = layers[layer];
    TARN_TRY(tarn_yaml_str(node, "description", &suite->description, err));
    TARN_TRY(tarn_yaml_bool(node, "quarantine", &suite->quarantine, err));
    suite->meta = tarn_yaml_get(node, "meta");
    TARN_TRY(tarn_suite_read_severity(node, &r->defaults.severity, err));
    TARN_TRY(tarn_yaml_str(node, "where", &r->defaults.where, err));
    TARN_TRY(tarn_suite_read_null_values(r, node, &r->defaults, err));
    return read_key(r, node, err);
}

static enum tarn_status read_suite(const struct tarn_yaml *node, struct tarn_arena *arena,
                                   struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const parameter_keys[] = {"parameters", "suite_parameters",
                                                 "evaluation_parameters"};
    struct tarn_suite suite = {.node = node};
    struct tarn_suite_reader r = {.arena = arena, .suite = &suite, .defaults = {.mostly = 1}};
    for (size_t i = 0; i < TARN_COUNT(parameter_keys); i++)
        if (tarn_yaml_get(node, parameter_keys[i]))
            r.parameters = tarn_yaml_get(node, parameter_keys[i]);
    TARN_TRY(read_suite_head(&r, node, err));
    for (size_t i = 0; i < suites->suite_count; i++)
        if (strcmp(suites->suites[i].name, suite.name) == 0)
            return tarn_yaml_fail(node, err, "there is a suite '%s' already at %s:%d", suite.name,
                                  suites->suites[i].node->file, suites->suites[i].node->line);
    const struct tarn_yaml *list = NULL;
    TARN_TRY(tarn_yaml_list(node, "expectations", &list, err));
    if (!list)
        return tarn_yaml_fail(node, err, "suite '%s' has no 'expectations'", suite.name);
    for (size_t i = 0; i < list->count; i++)
        TARN_TRY(tarn_suite_read_expectation(&r, list->items[i], err));
    TARN_RESERVE(suites->suites, suites->suite_cap, suites->suite_count + 1);
    suites->suites[suites->suite_count++] = suite;
    return TARN_OK;
}

/* ---- reconciliations ---- */

static const char *layer_of_part(const struct tarn_yaml *part, struct tarn_arena *arena)
{
    while (part && part->kind == TARN_YAML_LIST && part->count > 0)
        part = part->items[0];
    const char *dot = part && part->text ? strchr(part->text, '.') : NULL;
    if (!dot || strchr(part->text, ' '))
        return NULL;
    return tarn_layer_of(tarn_arena_strndup(arena, part->text, (size_t)(dot - part->text)));
}

static enum tarn_status check_part(const struct tarn_yaml *part, const char *name,
                                   struct tarn_error *err)
{
    if (part->kind == TARN_YAML_STRING || part->kind == TARN_YAML_INT)
        return TARN_OK;
    if (part->kind != TARN_YAML_LIST)
        return tarn_yaml_fail(part, err,
                              "'%s' must be a table, an SQL query, a number or a list of these, "
                              "not %s",
                              name, tarn_yaml_kind_name(part->kind));
    for (size_t i = 0; i < part->count; i++)
        TARN_TRY(check_part(part->items[i], name, err));
    return TARN_OK;
}

static enum tarn_status read_reconcile(const struct tarn_yaml *node, struct tarn_arena *arena,
                                       struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const keys[] = {"name", "in",    "out",         "quarantined", "duplicates",
                                       "held", "layer", "description", NULL};
    TARN_TRY(tarn_yaml_expect_keys(node, "a reconciliation", keys, err));
    struct tarn_reconcile reconcile = {.node = node};
    TARN_TRY(tarn_yaml_str_required(node, "name", &reconcile.name, err));
    TARN_TRY(tarn_yaml_str(node, "description", &reconcile.description, err));
    for (size_t i = 0; i < TARN_RECONCILE_PARTS; i++) {
        const struct tarn_yaml *part = tarn_yaml_get(node, tarn_reconcile_part_names[i]);
        if (part)
            TARN_TRY(check_part(part, tarn_reconcile_part_names[i], err));
        reconcile.parts[i] = part;
    }
    if (!reconcile.parts[TARN_RECONCILE_IN] || !reconcile.parts[TARN_RECONCILE_OUT])
        return tarn_yaml_fail(node, err, "a reconciliation needs 'in' and 'out'");
    int layer = -1;
    TARN_TRY(read_choice(node, "layer", layers, &layer, err));
    reconcile.layer =
        layer >= 0 ? layers[layer] : layer_of_part(reconcile.parts[TARN_RECONCILE_OUT], arena);
    for (size_t i = 0; i < suites->reconcile_count; i++)
        if (strcmp(suites->reconciles[i].name, reconcile.name) == 0)
            return tarn_yaml_fail(node, err, "there is a reconciliation '%s' already at %s:%d",
                                  reconcile.name, suites->reconciles[i].node->file,
                                  suites->reconciles[i].node->line);
    TARN_RESERVE(suites->reconciles, suites->reconcile_cap, suites->reconcile_count + 1);
    suites->reconciles[suites->reconcile_count++] = reconcile;
    return TARN_OK;
}

/* ---- files ---- */

static enum tarn_status read_document(const struct tarn_yaml *root, struct tarn_arena *arena,
                                      struct tarn_suites *suites, struct tarn_error *err)
{
    static const char *const keys[] = {"suites", "reconcile", "version", NULL};
    if (root->kind == TARN_YAML_NULL)
        return TARN_OK;
    if (root->kind == TARN_YAML_MAP && tarn_yaml_get(root, "expectations"))
        return read_suite(root, arena, suites, err);
    TARN_TRY(tarn_yaml_expect_keys(root, "a quality file", keys, err));
    const struct tarn_yaml *list = NULL, *reconciles = NULL;
    TARN_TRY(tarn_yaml_list(root, "suites", &list, err));
    TARN_TRY(tarn_yaml_list(root, "reconcile", &reconciles, err));
    for (size_t i = 0; list && i < list->count; i++)
        TARN_TRY(read_suite(list->items[i], arena, suites, err));
    for (size_t i = 0; reconciles && i < reconciles->count; i++)
        TARN_TRY(read_reconcile(reconciles->items[i], arena, suites, err));
    return TARN_OK;
}

enum tarn_status tarn_suites_parse(struct tarn_text text, const char *name,
                                   struct tarn_arena *arena, struct tarn_suites *suites,
                                   struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(tarn_yaml_parse(text, name, 1, arena, &root, err));
    return read_document(root, arena, suites, err);
}

static bool is_quality_file(const char *path)
{
    const char *extension = tarn_path_extension(path);
    return strcmp(extension, ".yml") == 0 || strcmp(extension, ".yaml") == 0 ||
           strcmp(extension, ".json") == 0;
}

/* Value of four hex digits, -1 when they are none. */
static int hex4(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] ? strchr(digits, at[i] | 0x20) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

/* JSON writes a character beyond U+FFFF as two escapes, which YAML does not know: replaces each
 * such pair by its UTF-8. The text only gets shorter, so this is done in place. */
static void join_surrogates(struct tarn_buffer *json)
{
    char *out = json->data;
    for (const char *at = json->data; at && *at;) {
        int high = at[0] == '\\' && at[1] == 'u' ? hex4(at + 2) : -1;
        bool pair = high >= 0xD800 && high < 0xDC00 && at[6] == '\\' && at[7] == 'u';
        int low = pair ? hex4(at + 8) : -1;
        if (low >= 0xDC00 && low < 0xE000) {
            unsigned code = 0x10000u + (((unsigned)high - 0xD800u) << 10) + (unsigned)low - 0xDC00u;
            *out++ = (char)(0xF0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3F));
            *out++ = (char)(0x80 | (code >> 6 & 0x3F));
            *out++ = (char)(0x80 | (code & 0x3F));
            at += 12;
            continue;
        }
        if (at[0] == '\\' && at[1]) /* an escaped backslash starts no escape */
            *out++ = *at++;
        *out++ = *at++;
    }
    if (out) {
        json->len = (size_t)(out - json->data);
        *out = 0;
    }
}

static enum tarn_status read_file(const char *path, struct tarn_arena *arena,
                                  const struct tarn_yaml **ret_root, struct tarn_error *err)
{
    if (strcmp(tarn_path_extension(path), ".json") != 0)
        return tarn_yaml_read(path, arena, ret_root, err);
    TARN_BUFFER(text, JSON_MAX_BYTES);
    TARN_TRY(tarn_file_read(path, &text, err));
    join_surrogates(&text);
    return tarn_yaml_parse(tarn_buffer_text(&text), path, 1, arena, ret_root, err);
}

enum tarn_status tarn_suites_read(const char *directory, struct tarn_arena *arena,
                                  struct tarn_suites *ret_suites, struct tarn_error *err)
{
    struct tarn_file_list files;
    struct tarn_suites suites = {0};
    TARN_TRY(tarn_directory_list(directory, "", arena, &files, err));
    for (size_t i = 0; i < files.count; i++) {
        const struct tarn_yaml *root;
        enum tarn_status status = TARN_OK;
        if (!is_quality_file(files.paths[i]))
            continue;
        status = read_file(files.paths[i], arena, &root, err);
        if (status == TARN_OK)
            status = read_document(root, arena, &suites, err);
        if (status != TARN_OK) {
            tarn_suites_release(&suites);
            return status;
        }
    }
    *ret_suites = suites;
    return TARN_OK;
}
