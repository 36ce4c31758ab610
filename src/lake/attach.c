/* lake/attach.c -- tables and views of the lake as views of a DuckDB session, see lake.h.
 *
 * Views belong to the engine, so that all its sessions see them; what is attached is remembered per
 * engine, and nothing is done when the pointer has not moved. DuckDB looks a view's columns up when
 * it is used, so a view over a table keeps working when the table is attached anew. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lake/lake_int.h"

struct lake_attached {
    uint64_t engine;
    char *view;  /* "schema"."name", quoted */
    char *state; /* metadata location, snapshot and filters */
};

void lake_attached_free(struct tarn_lake *lake)
{
    for (size_t i = 0; i < lake->attached_count; i++) {
        free(lake->attached[i].view);
        free(lake->attached[i].state);
    }
    free(lake->attached);
}

static struct lake_attached *find_attached(struct tarn_lake *lake, uint64_t engine,
                                           const char *view)
{
    for (size_t i = 0; i < lake->attached_count; i++)
        if (lake->attached[i].engine == engine && strcmp(lake->attached[i].view, view) == 0)
            return &lake->attached[i];
    return NULL;
}

static bool is_current(struct tarn_lake *lake, uint64_t engine, const char *view, const char *state)
{
    pthread_mutex_lock(&lake->attach_lock);
    const struct lake_attached *found = find_attached(lake, engine, view);
    bool current = found && found->state && strcmp(found->state, state) == 0;
    pthread_mutex_unlock(&lake->attach_lock);
    return current;
}

/* With the lock held. `state` NULL: not attached. */
static void remember(struct tarn_lake *lake, uint64_t engine, const char *view, const char *state)
{
    struct lake_attached *found = find_attached(lake, engine, view);
    if (!found) {
        TARN_RESERVE(lake->attached, lake->attached_cap, lake->attached_count + 1);
        found = &lake->attached[lake->attached_count++];
        *found = (struct lake_attached){engine, tarn_strdup(view), NULL};
    }
    free(found->state);
    found->state = state ? tarn_strdup(state) : NULL;
}

static char *qualified(struct tarn_session *session, const char *schema, const char *name,
                       struct tarn_arena *arena)
{
    const char *catalog = tarn_engine_catalog(tarn_session_engine(session));
    return tarn_arena_format(arena, "%s.%s%s%s", tarn_sql_identifier_in(arena, catalog),
                             tarn_sql_identifier_in(arena, schema), name ? "." : "",
                             name ? tarn_sql_identifier_in(arena, name) : "");
}

/* Two sessions that change the same view at once make one of them fail; the lock below keeps this
 * process's from doing so, and a statement that lost against a caller's own DDL is tried again. */
static enum tarn_status run_ddl(struct tarn_session *session, const char *sql,
                                struct tarn_error *err)
{
    enum { TRIES = 5 };
    enum tarn_status status = TARN_OK;
    for (int i = 0; i < TRIES; i++) {
        status = tarn_session_run(session, sql, NULL, err);
        if (status == TARN_OK || !strstr(err->text, "write-write conflict"))
            break;
    }
    return status;
}

static enum tarn_status create_view(struct tarn_lake *lake, struct tarn_session *session,
                                    const char *schema, const char *name, const char *select,
                                    const char *state, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    uint64_t engine = tarn_engine_identity(tarn_session_engine(session));
    const char *view = qualified(session, schema, name, arena);
    TARN_AUTO_FREE char *sql = tarn_format("CREATE OR REPLACE VIEW %s AS %s", view, select);
    TARN_AUTO_FREE char *schema_sql =
        tarn_format("CREATE SCHEMA IF NOT EXISTS %s", qualified(session, schema, NULL, arena));
    struct tarn_error scratch = {0};
    err = err ? err : &scratch;
    pthread_mutex_lock(&lake->attach_lock);
    enum tarn_status status = run_ddl(session, sql, err);
    if (status == TARN_SQL && strstr(err->text, "Schema with name")) {
        status = run_ddl(session, schema_sql, err);
        if (status == TARN_OK)
            status = run_ddl(session, sql, err);
    }
    remember(lake, engine, view, status == TARN_OK ? state : NULL);
    pthread_mutex_unlock(&lake->attach_lock);
    return status;
}

/* A text that is equal when the view would be. */
static char *state_of(const char *location, const struct tarn_lake_attach *options,
                      struct tarn_arena *arena)
{
    TARN_BUFFER(text, LAKE_SQL_MAX_BYTES);
    tarn_buffer_append_str(&text, location);
    if (options)
        tarn_buffer_printf(&text, "|%" PRId64 "|%" PRId64, options->at.snapshot_id,
                           options->at.time_us);
    for (size_t i = 0; options && i < options->filter_count; i++) {
        const struct tarn_lake_filter *f = &options->filters[i];
        tarn_buffer_printf(&text, "|%s|%d|%s", f->column, (int)f->op, f->literal ? f->literal : "");
    }
    return tarn_arena_strdup(arena, tarn_buffer_str(&text));
}

/* Appends the SELECT over a table's snapshot. */
static enum tarn_status table_select(struct lake_scope *scope, struct tarn_session *session,
                                     const char *ns, const char *name, const char *location,
                                     const struct tarn_lake_attach *options,
                                     struct tarn_buffer *sql, struct tarn_error *err)
{
    static const struct tarn_lake_attach current = {0};
    options = options ? options : &current;
    const struct tarn_metadata *metadata;
    const struct tarn_snapshot *snapshot = NULL;
    struct lake_predicate *predicates;
    struct lake_plan plan;
    size_t count;
    TARN_TRY(lake_load_metadata(scope, location, &metadata, err));
    TARN_TRY(lake_find_snapshot(metadata, options->at, ns, name, &snapshot, err));
    const struct tarn_iceberg_schema *schema = lake_schema_at(metadata, snapshot);
    lake_compile_filters(schema, options->filters, options->filter_count, scope->arena, &predicates,
                         &count);
    TARN_TRY(lake_plan_files(scope, metadata, snapshot, predicates, count, &plan, err));
    return lake_relation_write(scope, session, metadata, schema, &plan, sql, err);
}

enum tarn_status tarn_lake_relation_sql(struct tarn_lake *lake, struct tarn_session *session,
                                        const char *ns, const char *name,
                                        const struct tarn_lake_attach *options,
                                        struct tarn_arena *arena, const char **ret_sql,
                                        struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(lake->state, ns, name, scope.arena, &found, &entry, err));
    if (!found)
        return lake_not_found(lake, ns, name, err);
    tarn_buffer_append_char(&sql, '(');
    if (entry.is_view) {
        const char *view_sql;
        TARN_TRY(lake_view_sql(&entry, scope.arena, &view_sql, err));
        tarn_buffer_append_str(&sql, view_sql);
        tarn_buffer_append_char(&sql, '\n'); /* the view may end in a comment */
    } else {
        TARN_TRY(table_select(&scope, session, ns, name, entry.location, options, &sql, err));
    }
    tarn_buffer_append_char(&sql, ')');
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a table", err));
    *ret_sql = tarn_arena_strdup(arena, tarn_buffer_str(&sql));
    return TARN_OK;
}

static enum tarn_status attach_entry(struct tarn_lake *lake, struct tarn_session *session,
                                     const struct tarn_catalog_entry *entry,
                                     const struct tarn_lake_attach *options, struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    const char *schema = options && options->as_schema ? options->as_schema : entry->ns;
    const char *name = options && options->as_name ? options->as_name : entry->name;
    const char *state = state_of(entry->location, options, scope.arena);
    uint64_t engine = tarn_engine_identity(tarn_session_engine(session));
    if (is_current(lake, engine, qualified(session, schema, name, scope.arena), state))
        return TARN_OK;
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    if (entry->is_view) {
        const char *view_sql;
        TARN_TRY(lake_view_sql(entry, scope.arena, &view_sql, err));
        tarn_buffer_append_str(&sql, view_sql);
    } else {
        TARN_TRY(table_select(&scope, session, entry->ns, entry->name, entry->location, options,
                              &sql, err));
    }
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a table", err));
    if (create_view(lake, session, schema, name, tarn_buffer_str(&sql), state, err) != TARN_OK)
        return tarn_error_wrap(err, "attaching %s.%s", entry->ns, entry->name);
    return TARN_OK;
}

enum tarn_status tarn_lake_attach(struct tarn_lake *lake, struct tarn_session *session,
                                  const char *ns, const char *name,
                                  const struct tarn_lake_attach *options, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(lake->state, ns, name, arena, &found, &entry, err));
    if (!found)
        return lake_not_found(lake, ns, name, err);
    return attach_entry(lake, session, &entry, options, err);
}

static void drop_view(struct tarn_lake *lake, struct tarn_session *session, const char *schema,
                      const char *name)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *view = qualified(session, schema, name, arena);
    TARN_AUTO_FREE char *sql = tarn_format("DROP VIEW IF EXISTS %s", view);
    struct tarn_error ignored; /* the view is not there, or a caller's table has its name */
    pthread_mutex_lock(&lake->attach_lock);
    if (tarn_session_run(session, sql, NULL, &ignored) != TARN_OK)
        ignored.text[0] = 0;
    remember(lake, tarn_engine_identity(tarn_session_engine(session)), view, NULL);
    pthread_mutex_unlock(&lake->attach_lock);
}

/* The entries of the catalog and what becomes of them. */
struct attaching {
    struct tarn_lake *lake;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_catalog_entry *entries;
    size_t count;
    bool *wanted, *done;
};

/* Attaches what `views` selects and was not done yet; returns how many it did. */
static size_t attach_pass(struct attaching *a, bool views)
{
    size_t progress = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct tarn_error ignored; /* reported by the caller when no pass gets it done */
        if (!a->wanted[i] || a->done[i] || a->entries[i].is_view != views)
            continue;
        a->done[i] = attach_entry(a->lake, a->session, &a->entries[i], NULL, &ignored) == TARN_OK;
        progress += a->done[i];
    }
    return progress;
}

/* Every namespace, also when nothing of it is wanted: SQL that names a table which is not there
 * gets told so. */
static void make_schemas(const struct attaching *a)
{
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    struct tarn_error ignored; /* attaching the first view says it again */
    for (size_t i = 0; i < a->count; i++)
        if (i == 0 || strcmp(a->entries[i].ns, a->entries[i - 1].ns) != 0)
            tarn_buffer_printf(&sql, "CREATE SCHEMA IF NOT EXISTS %s;",
                               qualified(a->session, a->entries[i].ns, NULL, a->arena));
    if (sql.len == 0 || sql.overflow)
        return;
    pthread_mutex_lock(&a->lake->attach_lock);
    (void)run_ddl(a->session, tarn_buffer_str(&sql), &ignored);
    pthread_mutex_unlock(&a->lake->attach_lock);
}

static void attach_wanted(struct attaching *a, const char **ret_problems)
{
    TARN_BUFFER(problems, 1 << 20);
    a->done = tarn_arena_array(a->arena, a->count + 1, sizeof *a->done);
    make_schemas(a);
    (void)attach_pass(a, false);
    while (attach_pass(a, true) > 0)
        continue; /* a view may need one that comes later */
    for (size_t i = 0; i < a->count; i++) {
        struct tarn_error why;
        if (!a->wanted[i] || a->done[i])
            continue;
        if (attach_entry(a->lake, a->session, &a->entries[i], NULL, &why) != TARN_OK)
            tarn_buffer_printf(&problems, "%s%s", problems.len ? "\n" : "", why.text);
        drop_view(a->lake, a->session, a->entries[i].ns, a->entries[i].name);
    }
    if (ret_problems)
        *ret_problems = tarn_arena_strdup(a->arena, tarn_buffer_str(&problems));
}

static enum tarn_status list_entries(struct attaching *a, struct tarn_error *err)
{
    TARN_TRY(tarn_catalog_list(a->lake->state, NULL, a->arena, &a->entries, &a->count, err));
    a->wanted = tarn_arena_array(a->arena, a->count + 1, sizeof *a->wanted);
    return TARN_OK;
}

enum tarn_status tarn_lake_attach_all(struct tarn_lake *lake, struct tarn_session *session,
                                      struct tarn_arena *arena, const char **ret_problems,
                                      struct tarn_error *err)
{
    struct attaching a = {.lake = lake, .session = session, .arena = arena};
    TARN_TRY(list_entries(&a, err));
    memset(a.wanted, true, a.count * sizeof *a.wanted);
    attach_wanted(&a, ret_problems);
    return TARN_OK;
}

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether the name stands in the text as a word of its own, in any case. */
static bool mentions(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; (at = strcasestr(at, name)); at++)
        if ((at == text || !is_word_character(at[-1])) && !is_word_character(at[len]))
            return true;
    return false;
}

/* Whether the text may use tables that it does not name. */
static bool looks_at_catalog(const char *text)
{
    static const char *const signs[] = {"information_schema", "duckdb_", "pg_",  "sqlite_master",
                                        "query_table",        "query(",  "show", "pragma"};
    for (size_t i = 0; i < TARN_COUNT(signs); i++)
        if (strcasestr(text, signs[i]))
            return true;
    return false;
}

/* Wants what the text mentions, and what the views among it mention. */
static void want_mentioned(struct attaching *a, const char *text)
{
    for (size_t i = 0; i < a->count; i++) {
        const char *view_sql;
        struct tarn_error ignored; /* attaching the view says it again */
        if (a->wanted[i] || !mentions(text, a->entries[i].name))
            continue;
        a->wanted[i] = true;
        if (a->entries[i].is_view &&
            lake_view_sql(&a->entries[i], a->arena, &view_sql, &ignored) == TARN_OK)
            want_mentioned(a, view_sql);
    }
}

static void want(struct attaching *a, const char *text)
{
    if (looks_at_catalog(text))
        memset(a->wanted, true, a->count * sizeof *a->wanted);
    else
        want_mentioned(a, text);
}

enum tarn_status tarn_lake_attach_mentioned(struct tarn_lake *lake, struct tarn_session *session,
                                            const char *text, struct tarn_arena *arena,
                                            const char **ret_problems, struct tarn_error *err)
{
    struct attaching a = {.lake = lake, .session = session, .arena = arena};
    TARN_TRY(list_entries(&a, err));
    want(&a, text);
    attach_wanted(&a, ret_problems);
    return TARN_OK;
}

enum tarn_status tarn_lake_state_of(struct tarn_lake *lake, const char *text, const char *ns,
                                    bool of_others, struct tarn_arena *arena,
                                    const char **ret_state, struct tarn_error *err)
{
    struct attaching a = {.lake = lake, .arena = arena};
    TARN_BUFFER(state, LAKE_SQL_MAX_BYTES);
    TARN_TRY(list_entries(&a, err));
    want(&a, text);
    for (size_t i = 0; i < a.count; i++)
        if (a.wanted[i] && (strcmp(a.entries[i].ns, ns) == 0) != of_others)
            tarn_buffer_printf(&state, "%s.%s %s\n", a.entries[i].ns, a.entries[i].name,
                               a.entries[i].location);
    TARN_TRY(tarn_buffer_check(&state, "the state of the tables", err));
    *ret_state = tarn_arena_strdup(arena, tarn_buffer_str(&state));
    return TARN_OK;
}

void lake_detach(struct tarn_lake *lake, const char *ns, const char *name)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *ending = tarn_arena_format(arena, ".%s.%s", tarn_sql_identifier_in(arena, ns),
                                           tarn_sql_identifier_in(arena, name));
    pthread_mutex_lock(&lake->attach_lock);
    for (size_t i = 0; i < lake->attached_count; i++)
        if (tarn_text_ends(tarn_text_of(lake->attached[i].view), ending)) {
            free(lake->attached[i].state);
            lake->attached[i].state = NULL;
        }
    pthread_mutex_unlock(&lake->attach_lock);
}
