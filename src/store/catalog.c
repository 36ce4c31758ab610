/* store/catalog.c -- see catalog.h. */
#include "store/catalog.h"

#include <string.h>

static const char select_one[] =
    "SELECT table_namespace, table_name, metadata_location, iceberg_type FROM iceberg_tables "
    "WHERE catalog_name = 'tarn' AND table_namespace = ?1 AND table_name = ?2";
static const char select_all[] =
    "SELECT table_namespace, table_name, metadata_location, iceberg_type FROM iceberg_tables "
    "WHERE catalog_name = 'tarn' AND (?1 IS NULL OR table_namespace = ?1) "
    "ORDER BY table_namespace, table_name";
static const char insert_one[] =
    "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
    "iceberg_type) VALUES ('tarn', ?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
static const char swap_one[] =
    "UPDATE iceberg_tables SET metadata_location = ?1, previous_metadata_location = ?2 "
    "WHERE catalog_name = 'tarn' AND table_namespace = ?3 AND table_name = ?4 "
    "AND metadata_location = ?2";
static const char delete_one[] =
    "DELETE FROM iceberg_tables WHERE catalog_name = 'tarn' AND table_namespace = ?1 AND "
    "table_name = ?2";
static const char rename_one[] =
    "UPDATE OR IGNORE iceberg_tables SET table_namespace = ?3, table_name = ?4 "
    "WHERE catalog_name = 'tarn' AND table_namespace = ?1 AND table_name = ?2";
static const char insert_namespace[] =
    "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, "
    "property_value) VALUES ('tarn', ?1, 'exists', 'true') ON CONFLICT DO NOTHING";
static const char select_namespaces[] =
    "SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = 'tarn' "
    "UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = 'tarn' ORDER BY 1";

static struct tarn_catalog_entry read_entry(struct tarn_statement *statement,
                                            struct tarn_arena *arena)
{
    const char *texts[4];
    for (int i = 0; i < 4; i++) {
        const char *text = tarn_column_str(statement, i);
        texts[i] = tarn_arena_strdup(arena, text ? text : "");
    }
    return (struct tarn_catalog_entry){texts[0], texts[1], texts[2], strcmp(texts[3], "VIEW") == 0};
}

enum tarn_status tarn_catalog_get(struct tarn_state *state, const char *ns, const char *name,
                                  struct tarn_arena *arena, bool *ret_found,
                                  struct tarn_catalog_entry *ret_entry, struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, select_one, &statement, err));
    tarn_bind_str(statement, 1, ns);
    tarn_bind_str(statement, 2, name);
    bool row;
    TARN_TRY(tarn_statement_step(statement, &row, err));
    if (row)
        *ret_entry = read_entry(statement, arena);
    *ret_found = row;
    return TARN_OK;
}

enum tarn_status tarn_catalog_list(struct tarn_state *state, const char *ns,
                                   struct tarn_arena *arena,
                                   struct tarn_catalog_entry **ret_entries, size_t *ret_count,
                                   struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_AUTO_FREE struct tarn_catalog_entry *entries = NULL;
    size_t count = 0, cap = 0;
    TARN_TRY(tarn_statement_begin(state, select_all, &statement, err));
    tarn_bind_str(statement, 1, ns);
    for (;;) {
        bool row;
        TARN_TRY(tarn_statement_step(statement, &row, err));
        if (!row)
            break;
        TARN_RESERVE(entries, cap, count + 1);
        entries[count++] = read_entry(statement, arena);
    }
    *ret_entries = tarn_arena_array(arena, count, sizeof **ret_entries);
    if (count > 0)
        memcpy(*ret_entries, entries, count * sizeof *entries);
    *ret_count = count;
    return TARN_OK;
}

enum tarn_status tarn_catalog_add_namespace(struct tarn_state *state, const char *ns,
                                            struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, insert_namespace, &statement, err));
    tarn_bind_str(statement, 1, ns);
    return tarn_statement_finish(statement, NULL, err);
}

enum tarn_status tarn_catalog_insert(struct tarn_state *state,
                                     const struct tarn_catalog_entry *entry, struct tarn_error *err)
{
    TARN_TRY(tarn_catalog_add_namespace(state, entry->ns, err));
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, insert_one, &statement, err));
    tarn_bind_str(statement, 1, entry->ns);
    tarn_bind_str(statement, 2, entry->name);
    tarn_bind_str(statement, 3, entry->location);
    tarn_bind_str(statement, 4, entry->is_view ? "VIEW" : "TABLE");
    int64_t changed;
    TARN_TRY(tarn_statement_finish(statement, &changed, err));
    if (changed == 0)
        return tarn_fail(err, TARN_EXISTS, "creating %s.%s: a table or view of that name is there",
                         entry->ns, entry->name);
    return TARN_OK;
}

enum tarn_status tarn_catalog_swap(struct tarn_state *state, const struct tarn_catalog_entry *entry,
                                   const char *old_location, bool *ret_swapped,
                                   struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, swap_one, &statement, err));
    tarn_bind_str(statement, 1, entry->location);
    tarn_bind_str(statement, 2, old_location);
    tarn_bind_str(statement, 3, entry->ns);
    tarn_bind_str(statement, 4, entry->name);
    int64_t changed;
    TARN_TRY(tarn_statement_finish(statement, &changed, err));
    *ret_swapped = changed == 1;
    return TARN_OK;
}

enum tarn_status tarn_catalog_delete(struct tarn_state *state, const char *ns, const char *name,
                                     struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, delete_one, &statement, err));
    tarn_bind_str(statement, 1, ns);
    tarn_bind_str(statement, 2, name);
    return tarn_statement_finish(statement, NULL, err);
}

struct renaming {
    const char *ns, *name, *new_ns, *new_name;
};

static enum tarn_status rename_in_transaction(struct tarn_state *state, void *context,
                                              struct tarn_error *err)
{
    const struct renaming *r = context;
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(state, r->ns, r->name, arena, &found, &entry, err));
    if (!found)
        return tarn_fail(err, TARN_NOT_FOUND, "renaming %s.%s: there is no such table or view",
                         r->ns, r->name);
    TARN_TRY(tarn_catalog_add_namespace(state, r->new_ns, err));
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state, rename_one, &statement, err));
    tarn_bind_str(statement, 1, r->ns);
    tarn_bind_str(statement, 2, r->name);
    tarn_bind_str(statement, 3, r->new_ns);
    tarn_bind_str(statement, 4, r->new_name);
    int64_t changed;
    TARN_TRY(tarn_statement_finish(statement, &changed, err));
    if (changed == 0)
        return tarn_fail(err, TARN_EXISTS, "renaming %s.%s to %s.%s: that name is taken", r->ns,
                         r->name, r->new_ns, r->new_name);
    return TARN_OK;
}

enum tarn_status tarn_catalog_rename(struct tarn_state *state, const char *ns, const char *name,
                                     const char *new_ns, const char *new_name,
                                     struct tarn_error *err)
{
    struct renaming renaming = {ns, name, new_ns, new_name};
    return tarn_state_transaction(state, rename_in_transaction, &renaming, err);
}

enum tarn_status tarn_catalog_namespaces(struct tarn_state *state, struct tarn_arena *arena,
                                         const char ***ret_names, size_t *ret_count,
                                         struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_AUTO_FREE const char **names = NULL;
    size_t count = 0, cap = 0;
    TARN_TRY(tarn_statement_begin(state, select_namespaces, &statement, err));
    for (;;) {
        bool row;
        TARN_TRY(tarn_statement_step(statement, &row, err));
        if (!row)
            break;
        TARN_RESERVE(names, cap, count + 1);
        names[count++] = tarn_arena_strdup(arena, tarn_column_str(statement, 0));
    }
    *ret_names = tarn_arena_array(arena, count, sizeof **ret_names);
    if (count > 0)
        memcpy(*ret_names, names, count * sizeof *names);
    *ret_count = count;
    return TARN_OK;
}
