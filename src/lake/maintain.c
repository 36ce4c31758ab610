/* lake/maintain.c -- expiry of snapshots, compaction and the orphan sweep, see lake.h.
 *
 * Files are removed only after the commit that stops naming them, and only when nothing that
 * remains names them. */
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lake/write_int.h"

enum { DEFAULT_SMALL_BYTES = 32 << 20, SWEEP_AGE_S = 24 * 3600, MAINTAIN_TRIES = 20 };
#define FIVE_DAYS_US (5LL * 24 * 3600 * 1000000)

/* ---- sets of paths ---- */

struct path_set {
    const char **paths;
    size_t count, cap;
    bool sorted;
};

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Texts stay the caller's. */
static void set_add(struct path_set *set, const char *location)
{
    const char *path = location ? tarn_location_path(location) : NULL;
    if (!path)
        return;
    TARN_RESERVE(set->paths, set->cap, set->count + 1);
    set->paths[set->count++] = path;
    set->sorted = false;
}

static bool set_has(struct path_set *set, const char *path)
{
    if (!set->sorted && set->count > 1)
        qsort(set->paths, set->count, sizeof *set->paths, compare_paths);
    set->sorted = true;
    return set->count > 0 &&
           bsearch(&path, set->paths, set->count, sizeof path, compare_paths) != NULL;
}

/* Everything that a snapshot needs: its list, manifests, and live files. */
static enum tarn_status add_snapshot_files(struct lake_scope *scope,
                                           const struct tarn_metadata *metadata,
                                           const struct tarn_snapshot *snapshot,
                                           struct path_set *set, struct tarn_error *err)
{
    const struct tarn_manifest_file *manifests;
    size_t manifest_count;
    set_add(set, snapshot->manifest_list);
    TARN_TRY(lake_load_manifests(scope, snapshot, &manifests, &manifest_count, err));
    for (size_t i = 0; i < manifest_count; i++) {
        const struct tarn_entry *entries;
        size_t count;
        set_add(set, manifests[i].location);
        TARN_TRY(lake_load_entries(scope, metadata, &manifests[i], &entries, &count, err));
        for (size_t e = 0; e < count; e++)
            if (entries[e].status != TARN_ENTRY_DELETED)
                set_add(set, entries[e].file->location);
    }
    return TARN_OK;
}

static void remove_file(const char *path, struct tarn_lake_maintenance *done)
{
    struct stat info;
    if (stat(path, &info) != 0 || unlink(path) != 0)
        return; /* gone already, or the next sweep's */
    done->files_removed++;
    done->bytes_removed += info.st_size;
}

/* ---- expiry ---- */

/* Snapshots that go, oldest first, in `scope`'s arena. */
static size_t choose_expired(struct lake_scope *scope, const struct tarn_metadata *metadata,
                             int64_t older_than_us, int keep_min, int64_t **ret_ids)
{
    int64_t limit_ms = (older_than_us ? older_than_us : tarn_now_us() - FIVE_DAYS_US) / 1000;
    size_t keep = keep_min > 0 ? (size_t)keep_min : 1, count = 0;
    int64_t *ids = tarn_arena_array(scope->arena, metadata->snapshot_count, sizeof *ids);
    for (size_t i = 0; i + keep < metadata->snapshot_count; i++)
        if (metadata->snapshots[i].timestamp_ms < limit_ms &&
            &metadata->snapshots[i] != metadata->snapshot)
            ids[count++] = metadata->snapshots[i].id;
    *ret_ids = ids;
    return count;
}

static enum tarn_status remove_unneeded(struct lake_scope *scope,
                                        const struct tarn_metadata *before,
                                        const struct tarn_metadata *after,
                                        struct tarn_lake_maintenance *done, struct tarn_error *err)
{
    struct path_set old = {0}, kept = {0};
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < after->snapshot_count && status == TARN_OK; i++)
        status = add_snapshot_files(scope, after, &after->snapshots[i], &kept, err);
    for (size_t i = 0; i < before->snapshot_count && status == TARN_OK; i++)
        if (!tarn_metadata_snapshot(after, before->snapshots[i].id))
            status = add_snapshot_files(scope, before, &before->snapshots[i], &old, err);
    const char *previous = "";
    (void)set_has(&old, previous); /* sorts */
    for (size_t i = 0; i < old.count && status == TARN_OK; i++) {
        if (strcmp(old.paths[i], previous) != 0 && !set_has(&kept, old.paths[i]))
            remove_file(old.paths[i], done);
        previous = old.paths[i];
    }
    free(old.paths);
    free(kept.paths);
    return status;
}

static enum tarn_status expire_once(struct lake_scope *scope, const char *ns, const char *name,
                                    int64_t older_than_us, int keep_min,
                                    struct tarn_lake_maintenance *done, struct tarn_error *err)
{
    const struct tarn_metadata *before, *after;
    int64_t *ids;
    TARN_TRY(lake_load_table(scope, ns, name, &before, err));
    size_t count = choose_expired(scope, before, older_than_us, keep_min, &ids);
    if (count == 0)
        return TARN_OK;
    struct tarn_lake_commit *commit = tarn_lake_begin(scope->lake);
    struct lake_change *change = lake_change_new(ns, name);
    change->base = tarn_metadata_ref(before);
    change->folder = tarn_arena_strdup(change->arena, before->location);
    change->expired = tarn_arena_array(change->arena, count, sizeof *change->expired);
    memcpy(change->expired, ids, count * sizeof *ids);
    change->expired_count = count;
    enum tarn_status status = lake_commit_add(commit, change, err);
    if (status == TARN_OK)
        status = tarn_lake_finish(commit, NULL, NULL, err);
    tarn_lake_commit_free(commit);
    TARN_TRY(status);
    TARN_TRY(lake_load_table(scope, ns, name, &after, err));
    done->snapshots_expired += (int64_t)(before->snapshot_count - after->snapshot_count);
    return remove_unneeded(scope, before, after, done, err);
}

enum tarn_status tarn_lake_expire(struct tarn_lake *lake, const char *ns, const char *name,
                                  int64_t older_than_us, int keep_min,
                                  struct tarn_lake_maintenance *ret_done, struct tarn_error *err)
{
    struct tarn_lake_maintenance done = {0};
    enum tarn_status status = TARN_CONFLICT;
    for (int i = 0; i < MAINTAIN_TRIES && status == TARN_CONFLICT; i++) {
        LAKE_SCOPE(scope, lake);
        status = expire_once(&scope, ns, name, older_than_us, keep_min, &done, err);
    }
    if (ret_done)
        *ret_done = done;
    return status;
}

/* ---- compaction ---- */

struct compacting {
    struct lake_scope *scope;
    struct tarn_session *session;
    const struct tarn_metadata *base;
    struct lake_change *change;
    int64_t small_bytes;
    struct tarn_error *err;
};

/* The live files to merge: the small ones, or all of them when there are delete files to apply.
 * Fewer than two gain nothing. */
static size_t choose_files(const struct compacting *c, struct lake_plan *plan)
{
    size_t count = 0;
    bool all = plan->delete_count > 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        const struct tarn_data_file *file = plan->files[i]->file;
        bool current_spec = file->spec_id == c->base->spec->id;
        if (all || (file->size_bytes < c->small_bytes && current_spec))
            plan->files[count++] = plan->files[i];
    }
    plan->file_count = count;
    return all || count > 1 ? count : 0;
}

static enum tarn_status compact_files(const struct compacting *c, const struct lake_plan *plan)
{
    struct lake_change *change = c->change;
    TARN_BUFFER(sql, LAKE_SQL_MAX_BYTES);
    const struct tarn_lake_write write = {.ns = change->ns, .name = change->name};
    change->schema = *c->base->schema;
    change->last_column_id = c->base->last_column_id;
    TARN_TRY(lake_spec_of(&write, change, c->err));
    TARN_TRY(
        lake_relation_write(c->scope, c->session, c->base, c->base->schema, plan, &sql, c->err));
    TARN_TRY(lake_copy(c->session, change, tarn_buffer_str(&sql), NULL, &change->rows, c->err));
    change->removed = tarn_arena_array(change->arena, plan->file_count, sizeof *change->removed);
    for (size_t i = 0; i < plan->file_count; i++)
        change->removed[change->removed_count++] =
            tarn_arena_strdup(change->arena, plan->files[i]->file->location);
    change->operation = "replace";
    change->must_match_base = plan->delete_count > 0;
    change->drop_deletes = plan->delete_count > 0;
    return TARN_OK;
}

static enum tarn_status compact_once(struct compacting *c, struct tarn_lake_maintenance *done,
                                     bool *ret_any)
{
    struct lake_plan plan;
    TARN_TRY(lake_plan_files(c->scope, c->base, c->base->snapshot, NULL, 0, &plan, c->err));
    done->files_before = done->files_after = (int64_t)plan.file_count;
    *ret_any = choose_files(c, &plan) > 0;
    if (!*ret_any)
        return TARN_OK;
    TARN_TRY(compact_files(c, &plan));
    done->files_after += (int64_t)c->change->added_count - (int64_t)plan.file_count;
    return TARN_OK;
}

enum tarn_status tarn_lake_compact(struct tarn_lake *lake, struct tarn_session *session,
                                   const char *ns, const char *name, int64_t small_bytes,
                                   struct tarn_lake_maintenance *ret_done, struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    struct tarn_lake_maintenance done = {0};
    struct compacting c = {.scope = &scope,
                           .session = session,
                           .err = err,
                           .small_bytes = small_bytes > 0 ? small_bytes : DEFAULT_SMALL_BYTES};
    TARN_TRY(lake_load_table(&scope, ns, name, &c.base, err));
    struct tarn_lake_commit *commit = tarn_lake_begin(lake);
    c.change = lake_change_new(ns, name);
    c.change->base = tarn_metadata_ref(c.base);
    c.change->folder = tarn_arena_strdup(c.change->arena, c.base->location);
    bool any = false;
    enum tarn_status status = compact_once(&c, &done, &any);
    if (status == TARN_OK && any)
        status = lake_commit_add(commit, c.change, err);
    if (status != TARN_OK || !any)
        lake_change_free(c.change, true);
    else
        status = tarn_lake_finish(commit, NULL, NULL, err);
    tarn_lake_commit_free(commit);
    if (status == TARN_CONFLICT) { /* others come first; what was written is gone again */
        done.files_after = done.files_before;
        status = TARN_OK;
    }
    if (ret_done)
        *ret_done = done;
    return status;
}

/* ---- sweep ---- */

static enum tarn_status add_table_files(struct lake_scope *scope,
                                        const struct tarn_catalog_entry *entry,
                                        struct path_set *set, struct tarn_error *err)
{
    const struct tarn_metadata *metadata;
    set_add(set, tarn_arena_strdup(scope->arena, entry->location));
    if (entry->is_view)
        return TARN_OK;
    TARN_TRY(lake_load_metadata(scope, entry->location, &metadata, err));
    const json_t *log = json_object_get(metadata->json, "metadata-log");
    for (size_t i = 0; i < json_array_size(log); i++)
        set_add(set, json_string_value(json_object_get(json_array_get(log, i), "metadata-file")));
    static const char *const lists[] = {"statistics", "partition-statistics"};
    for (size_t l = 0; l < TARN_COUNT(lists); l++) {
        const json_t *list = json_object_get(metadata->json, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++)
            set_add(set,
                    json_string_value(json_object_get(json_array_get(list, i), "statistics-path")));
    }
    for (size_t i = 0; i < metadata->snapshot_count; i++)
        TARN_TRY(add_snapshot_files(scope, metadata, &metadata->snapshots[i], set, err));
    return TARN_OK;
}

/* Folders that a partitioned write left behind in data/ when it was killed; those that are not
 * empty stay. */
static void remove_empty_parents(const char *path)
{
    TARN_AUTO_FREE char *folder = tarn_strdup(path);
    if (!strstr(folder, "/data/tmp-"))
        return;
    for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
        *slash = 0;
        if (strcmp(tarn_path_name(folder), "data") == 0 || rmdir(folder) != 0)
            return;
    }
}

static bool is_old(const char *path, int64_t before_s)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_mtime <= before_s;
}

/* A table that cannot be read stops the sweep: what it needs is not known. */
static enum tarn_status collect(struct lake_scope *scope, struct path_set *reachable,
                                struct tarn_error *err)
{
    struct tarn_catalog_entry *entries;
    size_t count;
    TARN_TRY(tarn_catalog_list(scope->lake->state, NULL, scope->arena, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        if (add_table_files(scope, &entries[i], reachable, err) != TARN_OK)
            return tarn_error_wrap(err, "sweeping the lake stopped at %s.%s, nothing was removed",
                                   entries[i].ns, entries[i].name);
    return TARN_OK;
}

enum tarn_status tarn_lake_sweep(struct tarn_lake *lake, int64_t min_age_s,
                                 struct tarn_lake_maintenance *ret_done, struct tarn_error *err)
{
    LAKE_SCOPE(scope, lake);
    struct tarn_lake_maintenance done = {0};
    struct path_set reachable = {0};
    struct tarn_file_list list = {0};
    int64_t before_s = (int64_t)time(NULL) - (min_age_s < 0 ? SWEEP_AGE_S : min_age_s);
    /* listed before the pointers are read: a file that a commit adds in between is not in the list
     */
    enum tarn_status status = tarn_directory_list(lake->root, "", scope.arena, &list, err);
    if (status == TARN_OK)
        status = collect(&scope, &reachable, err);
    for (size_t i = 0; i < list.count && status == TARN_OK; i++)
        if (is_old(list.paths[i], before_s) && !set_has(&reachable, list.paths[i])) {
            remove_file(list.paths[i], &done);
            remove_empty_parents(list.paths[i]);
        }
    free(reachable.paths);
    if (status == TARN_OK && ret_done)
        *ret_done = done;
    return status;
}
