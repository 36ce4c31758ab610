/* lake/commit.c -- the second half of a write: prepared changes on top of what is current, and the
 * swap, see lake.h.
 *
 * Order (a crash before the last step leaves orphans only): data files are synced; then, in the
 * writers' queue of every table, manifests, manifest list and metadata JSON are written, synced,
 * their directories synced, and the pointers of all tables move in one SQLite transaction, together
 * with what the caller adds. Who loses the swap writes the metadata again on top of the new state;
 * data files stay. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "lake/write_int.h"

enum { COMMIT_TRIES = 50, WRITE_TRIES = 20, TABLES_MAX = 1000 };

TARN_COUNTER(commits, "tarn_lake_commits_total", "Lake commits that moved a pointer.");
TARN_COUNTER(lost, "tarn_lake_commit_retries_total",
             "Lake commits that lost a race and were tried again.");

struct tarn_lake_commit *tarn_lake_begin(struct tarn_lake *lake)
{
    struct tarn_lake_commit *commit = tarn_alloc(sizeof *commit);
    commit->lake = lake;
    pthread_mutex_init(&commit->lock, NULL);
    return commit;
}

void tarn_lake_commit_free(struct tarn_lake_commit *commit)
{
    if (!commit)
        return;
    while (commit->changes) {
        struct lake_change *change = commit->changes;
        commit->changes = change->next;
        lake_change_free(change, !commit->keep_files);
    }
    pthread_mutex_destroy(&commit->lock);
    free(commit);
}

static int by_table(const struct lake_change *a, const struct lake_change *b)
{
    int order = strcmp(a->ns, b->ns);
    return order ? order : strcmp(a->name, b->name);
}

/* Sorted by table, so that commits of several tables queue in one order and never wait for each
 * other in a ring. */
enum tarn_status lake_commit_add(struct tarn_lake_commit *commit, struct lake_change *change,
                                 struct tarn_error *err)
{
    enum tarn_status status = TARN_OK;
    pthread_mutex_lock(&commit->lock);
    struct lake_change **at = &commit->changes;
    while (*at && by_table(*at, change) < 0)
        at = &(*at)->next;
    if (*at && by_table(*at, change) == 0) {
        status = tarn_fail(err, TARN_INVALID, "writing %s.%s twice in one commit", change->ns,
                           change->name);
    } else {
        change->next = *at;
        *at = change;
    }
    pthread_mutex_unlock(&commit->lock);
    return status;
}

/* ---- syncing ---- */

static enum tarn_status sync_data(const struct lake_change *change, struct tarn_error *err)
{
    if (change->added_count == 0)
        return TARN_OK;
    TARN_AUTO_FREE char *folder = tarn_path_join(change->folder, "data");
    for (size_t i = 0; i < change->added_count; i++)
        TARN_TRY(tarn_file_sync(tarn_location_path(change->added[i]->location), err));
    return tarn_directory_sync(folder, err);
}

static enum tarn_status sync_metadata(const struct lake_change *change, struct tarn_error *err)
{
    if (change->written_count == 0)
        return TARN_OK;
    TARN_AUTO_FREE char *folder = tarn_path_join(change->folder, "metadata");
    for (size_t i = 0; i < change->written_count; i++)
        TARN_TRY(tarn_file_sync(change->written[i], err));
    return tarn_directory_sync(folder, err);
}

static void remove_written(struct lake_change *change)
{
    for (size_t i = 0; i < change->written_count; i++)
        unlink(change->written[i]);
    change->written_count = 0;
}

/* ---- one attempt ---- */

static enum tarn_status load_current(struct lake_scope *scope, struct lake_change *change,
                                     const struct tarn_metadata **ret_metadata,
                                     struct tarn_error *err)
{
    struct tarn_catalog_entry entry;
    bool found;
    *ret_metadata = NULL;
    TARN_TRY(tarn_catalog_get(scope->lake->state, change->ns, change->name, scope->arena, &found,
                              &entry, err));
    if (!found && change->base)
        return tarn_fail(err, TARN_CONFLICT, "committing %s.%s: the table was dropped meanwhile",
                         change->ns, change->name);
    if (!found)
        return TARN_OK;
    if (entry.is_view || !change->base)
        return tarn_fail(err, TARN_CONFLICT,
                         "committing %s.%s: another writer created it meanwhile", change->ns,
                         change->name);
    change->old_location = tarn_arena_strdup(change->arena, entry.location);
    return lake_load_metadata(scope, entry.location, ret_metadata, err);
}

/* Whether files that were written against `base` still make sense on top of `current`. */
static enum tarn_status check_base(const struct lake_change *change,
                                   const struct tarn_metadata *current, struct tarn_error *err)
{
    const struct tarn_metadata *base = change->base;
    if (!base || strcmp(base->path, current->path) == 0)
        return TARN_OK;
    bool same_table = strcmp(base->uuid, current->uuid) == 0;
    bool same_shape = base->schema->id == current->schema->id &&
                      base->last_column_id == current->last_column_id &&
                      base->spec->id == current->spec->id;
    bool needs_shape = change->schema_changed || change->spec_changed;
    bool same_rows = (base->snapshot ? base->snapshot->id : 0) ==
                     (current->snapshot ? current->snapshot->id : 0);
    if (!same_table || (needs_shape && !same_shape) || (change->must_match_base && !same_rows))
        return tarn_fail(
            err, TARN_CONFLICT,
            "committing %s.%s: another writer changed the table meanwhile; run it again",
            change->ns, change->name);
    return TARN_OK;
}

static struct tarn_metadata_edit begin_edit(const struct lake_change *change,
                                            const struct tarn_metadata *current)
{
    struct tarn_metadata_edit edit =
        current ? tarn_metadata_edit(current)
                : tarn_metadata_create(change->folder, &change->schema, change->last_column_id);
    if (current && change->schema_changed)
        tarn_metadata_set_schema(&edit, &change->schema, change->last_column_id);
    if (change->spec_changed)
        tarn_metadata_set_spec(&edit, change->spec_fields, change->spec_count);
    for (size_t i = 0; i < change->property_count; i++)
        tarn_metadata_set_property(&edit, change->properties[i].key, change->properties[i].value);
    if (change->expired_count > 0)
        (void)tarn_metadata_remove_snapshots(&edit, change->expired, change->expired_count);
    return edit;
}

static enum tarn_status write_metadata(struct lake_change *change,
                                       const struct tarn_metadata *current,
                                       struct tarn_metadata_edit *edit, struct tarn_error *err)
{
    char uuid[TARN_UUID_BYTES];
    int64_t version = 0;
    if (current) { /* 00012-<uuid>.metadata.json: the number goes up by one */
        struct tarn_text name = tarn_text_of(tarn_path_name(current->path)), number;
        if (tarn_text_split(&name, '-', &number) && tarn_text_to_int64(number, &version))
            version++;
    }
    tarn_buffer_clear(&change->metadata_text);
    TARN_TRY(tarn_metadata_finish(edit, change->arena, &change->metadata_text, &change->dropped,
                                  &change->dropped_count, err));
    json_decref(change->metadata_json);
    change->metadata_json = json_incref(edit->json);
    const char *path =
        tarn_arena_format(change->arena, "%s/metadata/%05" PRId64 "-%s.metadata.json",
                          change->folder, version, tarn_uuid(uuid));
    change->new_location = tarn_arena_format(change->arena, "file://%s", path);
    return lake_write_file(change, path, tarn_buffer_text(&change->metadata_text), err);
}

static enum tarn_status build(struct lake_scope *scope, struct lake_change *change,
                              struct tarn_error *err)
{
    const struct tarn_metadata *current;
    TARN_TRY(load_current(scope, change, &current, err));
    if (current)
        TARN_TRY(check_base(change, current, err));
    change->snapshot_id = current && current->snapshot ? current->snapshot->id : 0;
    if (change->nothing)
        return TARN_OK;
    struct tarn_metadata_edit edit = begin_edit(change, current);
    enum tarn_status status = TARN_OK;
    if (change->operation)
        status = lake_build_snapshot(scope, change, current, &edit, err);
    if (status == TARN_OK)
        status = write_metadata(change, current, &edit, err);
    tarn_metadata_edit_release(&edit);
    return status;
}

struct moving {
    struct tarn_lake_commit *commit;
    tarn_lake_also *also;
    void *context;
    bool lost;
};

static enum tarn_status move_pointers(struct tarn_state *state, void *context,
                                      struct tarn_error *err)
{
    struct moving *m = context;
    m->lost = false;
    for (struct lake_change *change = m->commit->changes; change; change = change->next) {
        struct tarn_catalog_entry entry = {change->ns, change->name, change->new_location, false};
        bool swapped = true;
        if (change->nothing)
            continue;
        enum tarn_status status =
            change->base ? tarn_catalog_swap(state, &entry, change->old_location, &swapped, err)
                         : tarn_catalog_insert(state, &entry, err);
        if (!swapped || status == TARN_EXISTS) {
            m->lost = true;
            return tarn_fail(err, TARN_CONFLICT, "committing %s.%s: others keep changing it",
                             change->ns, change->name);
        }
        TARN_TRY(status);
    }
    return m->also ? m->also(m->context, state, err) : TARN_OK;
}

static enum tarn_status attempt(struct tarn_lake_commit *commit, struct moving *m,
                                bool *reached_swap, struct tarn_error *err)
{
    LAKE_SCOPE(scope, commit->lake);
    for (struct lake_change *change = commit->changes; change; change = change->next)
        TARN_TRY(build(&scope, change, err));
    for (struct lake_change *change = commit->changes; change; change = change->next)
        TARN_TRY(sync_metadata(change, err));
    *reached_swap = true;
    return tarn_state_transaction(commit->lake->state, move_pointers, m, err);
}

/* ---- the whole ---- */

static size_t take_turns(struct tarn_lake_commit *commit, struct lake_turn **turns)
{
    size_t count = 0;
    for (struct lake_change *change = commit->changes; change && count < TABLES_MAX;
         change = change->next)
        if (!change->nothing)
            turns[count++] = lake_turn_begin(commit->lake, change->ns, change->name);
    return count;
}

static void finish_change(struct tarn_lake *lake, struct lake_change *change)
{
    if (change->result)
        change->result->snapshot_id = change->snapshot_id;
    if (change->result)
        change->result->deleted_rows = change->deleted_rows;
    if (change->nothing)
        return;
    tarn_counter_add(&commits, 1);
    lake_remember_metadata(lake, json_incref(change->metadata_json),
                           tarn_location_path(change->new_location));
    for (size_t i = 0; i < change->dropped_count; i++)
        unlink(change->dropped[i]);
}

enum tarn_status tarn_lake_finish(struct tarn_lake_commit *commit, tarn_lake_also *also,
                                  void *context, struct tarn_error *err)
{
    struct moving m = {commit, also, context, false};
    struct tarn_error scratch;
    enum tarn_status status = TARN_OK;
    bool reached_swap = false;
    err = err ? err : &scratch;
    for (struct lake_change *change = commit->changes; change && status == TARN_OK;
         change = change->next)
        status = sync_data(change, err);
    TARN_TRY(status);
    TARN_AUTO_FREE struct lake_turn **turns = tarn_alloc_array(TABLES_MAX, sizeof *turns);
    size_t turn_count = take_turns(commit, turns);
    for (int i = 0; i < COMMIT_TRIES; i++) {
        reached_swap = m.lost = false;
        status = attempt(commit, &m, &reached_swap, err);
        bool again = status == TARN_CONFLICT && m.lost;
        if (status == TARN_OK || (reached_swap && !again && status != TARN_CONFLICT))
            break; /* after an error in the transaction nobody knows: metadata files stay */
        for (struct lake_change *change = commit->changes; change; change = change->next)
            remove_written(change);
        if (!again)
            break;
        tarn_counter_add(&lost, 1);
    }
    while (turn_count > 0)
        lake_turn_end(commit->lake, turns[--turn_count]);
    /* the error of the caller's own work or of SQLite before COMMIT leaves the data files to be
     * removed; an i/o error may come after the commit became durable */
    commit->keep_files = status == TARN_OK || (reached_swap && status == TARN_IO);
    for (struct lake_change *change = commit->changes; change && status == TARN_OK;
         change = change->next)
        finish_change(commit->lake, change);
    return status;
}

enum tarn_status tarn_lake_write(struct tarn_lake *lake, struct tarn_session *session,
                                 const struct tarn_lake_write *write, tarn_lake_also *also,
                                 void *context, struct tarn_lake_result *ret_result,
                                 struct tarn_error *err)
{
    enum tarn_status status = TARN_CONFLICT;
    for (int i = 0; i < WRITE_TRIES && status == TARN_CONFLICT; i++) {
        struct tarn_lake_commit *commit = tarn_lake_begin(lake);
        status = tarn_lake_prepare(commit, session, write, ret_result, err);
        if (status == TARN_OK)
            status = tarn_lake_finish(commit, also, context, err);
        tarn_lake_commit_free(commit);
    }
    return status;
}
