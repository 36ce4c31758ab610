/* model/select_state.c -- state: and result: selection, against the artifacts of an earlier run.
 *
 * Both manifests are compared as they are written, the earlier one's and what would be written now;
 * of configurations only keys that both have, so that one that dbt wrote can be compared, too. */
#include "base/file.h"
#include "model/runner.h"
#include "model/select_int.h"

enum { MANIFEST_BYTES_MAX = 1 << 30 };

/* --- reading */

static enum tarn_status read_json(const char *path, json_t **ret, struct tarn_error *err)
{
    TARN_BUFFER(text, MANIFEST_BYTES_MAX);
    json_error_t problem;
    TARN_TRY(tarn_file_read(path, &text, err));
    *ret = json_loadb(tarn_buffer_str(&text), text.len, 0, &problem);
    if (!*ret)
        return tarn_fail(err, TARN_CONFIG, "reading %s:%d: %s", path, problem.line, problem.text);
    return TARN_OK;
}

static const char *folder_of(struct selector *s)
{
    const char *folder = s->state_folder ? s->state_folder : s->project->target_path;
    return folder[0] == '/' ? folder
                            : tarn_arena_format(s->arena, "%s/%s", s->project->directory, folder);
}

static enum tarn_status load_manifests(struct selector *s, const struct word *w,
                                       struct tarn_error *err)
{
    if (s->old)
        return TARN_OK;
    if (!s->state_folder)
        return tarn_fail(err, TARN_USAGE,
                         "the selection '%s' compares with an earlier run: say with --state DIR "
                         "where its manifest.json is",
                         w->text);
    TARN_AUTO_FREE char *path = tarn_path_join(folder_of(s), "manifest.json");
    if (read_json(path, &s->old, err) != TARN_OK)
        return tarn_error_wrap(err, "the selection '%s'", w->text);
    TARN_BUFFER(text, MANIFEST_BYTES_MAX);
    tarn_model_manifest_json(s->project, NULL, &text);
    s->current = json_loadb(tarn_buffer_str(&text), text.len, 0, NULL);
    if (!s->current)
        return tarn_fail(err, TARN_INTERNAL, "the project's own manifest cannot be read");
    return TARN_OK;
}

enum tarn_status select_state_load(struct selector *s, const struct word *w, struct tarn_error *err)
{
    static const char *const states[] = {"modified", "new", "old", "unmodified", NULL};
    static const char *const parts[] = {
        "body", "configs", "relation", "macros", "contract", "persisted_descriptions", NULL};
    if (strcmp(w->method, "result") == 0) {
        TARN_AUTO_FREE char *path = tarn_path_join(folder_of(s), "run_results.json");
        if (!s->results && read_json(path, &s->results, err) != TARN_OK)
            return tarn_error_wrap(err, "the selection '%s'", w->text);
        return TARN_OK;
    }
    if (strcmp(w->method, "state") != 0)
        return TARN_OK;
    bool known = false;
    for (size_t i = 0; states[i]; i++)
        known |= strcmp(w->value, states[i]) == 0;
    for (size_t i = 0; strncmp(w->value, "modified.", 9) == 0 && parts[i]; i++)
        known |= strcmp(w->value + 9, parts[i]) == 0;
    if (!known)
        return tarn_fail(err, TARN_USAGE,
                         "the selection '%s': a state is new, old, unmodified or modified, "
                         "modified.body, .configs, .relation, .macros, .contract or "
                         ".persisted_descriptions",
                         w->text);
    return load_manifests(s, w, err);
}

void select_state_release(struct selector *s)
{
    json_decref(s->old);
    json_decref(s->current);
    json_decref(s->results);
}

/* --- comparing */

static json_t *node_in(json_t *manifest, const char *id)
{
    static const char *const sections[] = {"nodes", "sources", "exposures", "unit_tests"};
    json_t *found = NULL;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !found; i++)
        found = json_object_get(json_object_get(manifest, sections[i]), id);
    return found;
}

static bool differs(json_t *a, json_t *b, const char *key)
{
    json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    bool empty = (!x || json_is_null(x)) && (!y || json_is_null(y));
    return !empty && !(x && y && json_equal(x, y));
}

static bool body_differs(json_t *a, json_t *b)
{
    json_t *x = json_object_get(a, "checksum"), *y = json_object_get(b, "checksum");
    if (json_is_object(x) && json_is_object(y) &&
        strcmp(json_string_value(json_object_get(x, "name")) ?: "",
               json_string_value(json_object_get(y, "name")) ?: "") == 0)
        return differs(x, y, "checksum");
    if (json_is_string(x) && json_is_string(y))
        return !json_equal(x, y);
    return differs(a, b, "raw_code");
}

static bool configs_differ(json_t *a, json_t *b)
{
    json_t *x = json_object_get(a, "config"), *y = json_object_get(b, "config"), *value;
    const char *key;
    json_object_foreach (x, key, value) {
        json_t *other = json_object_get(y, key);
        if (other && !json_equal(value, other))
            return true;
    }
    return false;
}

static bool relation_differs(json_t *a, json_t *b)
{
    return differs(a, b, "schema") || differs(a, b, "alias") || differs(a, b, "identifier");
}

static bool columns_differ(json_t *a, json_t *b, const char *key)
{
    json_t *x = json_object_get(a, "columns"), *y = json_object_get(b, "columns"), *column;
    const char *name;
    if (json_object_size(x) != json_object_size(y))
        return true;
    json_object_foreach (x, name, column) {
        json_t *other = json_object_get(y, name);
        if (!other || differs(column, other, key))
            return true;
    }
    return false;
}

static bool is_set(json_t *node, const char *config, const char *key)
{
    json_t *map = json_object_get(json_object_get(node, "config"), config);
    return json_is_true(json_object_get(map, key));
}

static bool descriptions_differ(json_t *a, json_t *b)
{
    return (is_set(a, "persist_docs", "relation") && differs(a, b, "description")) ||
           (is_set(a, "persist_docs", "columns") && columns_differ(a, b, "description"));
}

static bool contract_differs(json_t *a, json_t *b)
{
    bool enforced = is_set(a, "contract", "enforced");
    if (enforced != is_set(b, "contract", "enforced"))
        return true;
    return enforced && columns_differ(a, b, "data_type");
}

static bool macros_differ(struct selector *s, json_t *a)
{
    json_t *ids = json_object_get(json_object_get(a, "depends_on"), "macros"), *id;
    json_t *now = json_object_get(s->current, "macros"), *then = json_object_get(s->old, "macros");
    size_t i;
    json_array_foreach (ids, i, id) {
        json_t *x = json_object_get(now, json_string_value(id));
        json_t *y = json_object_get(then, json_string_value(id));
        /* dbt's own macros are other ones than the built-in ones of the same name */
        if (x && strncmp(json_string_value(id), "macro.dbt", 9) != 0 &&
            (!y || differs(x, y, "macro_sql")))
            return true;
    }
    return false;
}

/* `part` "": any of them. */
static bool is_modified(struct selector *s, json_t *now, json_t *then, const char *part)
{
    bool any = *part == 0;
    return ((any || strcmp(part, "body") == 0) && body_differs(now, then)) ||
           ((any || strcmp(part, "configs") == 0) && configs_differ(now, then)) ||
           ((any || strcmp(part, "relation") == 0) && relation_differs(now, then)) ||
           ((any || strcmp(part, "persisted_descriptions") == 0) &&
            descriptions_differ(now, then)) ||
           ((any || strcmp(part, "contract") == 0) && contract_differs(now, then)) ||
           ((any || strcmp(part, "macros") == 0) && macros_differ(s, now));
}

bool select_by_state(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    json_t *then = node_in(s->old, node->unique_id), *now = node_in(s->current, node->unique_id);
    if (strcmp(w->value, "new") == 0)
        return !then;
    if (strcmp(w->value, "old") == 0)
        return then;
    if (strcmp(w->value, "unmodified") == 0)
        return then && now && !is_modified(s, now, then, "");
    const char *part = w->value[8] == '.' ? w->value + 9 : "";
    return !then || (now && is_modified(s, now, then, part));
}

bool select_by_result(struct selector *s, const struct tarn_model_node *node, const struct word *w)
{
    json_t *results = json_object_get(s->results, "results"), *one;
    size_t i;
    json_array_foreach (results, i, one) {
        const char *id = json_string_value(json_object_get(one, "unique_id"));
        const char *status = json_string_value(json_object_get(one, "status"));
        if (id && status && strcmp(id, node->unique_id) == 0)
            return strcmp(status, w->value) == 0;
    }
    return false;
}
