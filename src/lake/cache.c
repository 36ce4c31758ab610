/* lake/cache.c -- loading and caching of metadata, manifest lists and manifests, see lake_int.h.
 *
 * All of them are immutable once written, so a cached one never goes stale; the oldest leave when
 * there are too many. */
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "lake/lake_int.h"

enum { METADATA_MAX = 256, BLOB_BYTES_MAX = 16 << 20 };

struct lake_blob {
    char *location;
    struct tarn_arena *arena;
    struct tarn_buffer bytes;
    struct tarn_manifest_file *manifests; /* of a manifest list */
    struct tarn_entry *entries;           /* of a manifest */
    size_t count;
    _Atomic int references;
};

static void blob_unref(struct lake_blob *blob)
{
    if (atomic_fetch_sub(&blob->references, 1) != 1)
        return;
    tarn_arena_free(blob->arena);
    tarn_buffer_release(&blob->bytes);
    free(blob->location);
    free(blob);
}

void lake_scope_init(struct lake_scope *scope, struct tarn_lake *lake)
{
    *scope = (struct lake_scope){.lake = lake, .arena = tarn_arena_new()};
}

void lake_scope_release(struct lake_scope *scope)
{
    for (size_t i = 0; i < scope->blob_count; i++)
        blob_unref(scope->blobs[i]);
    for (size_t i = 0; i < scope->metadata_count; i++)
        tarn_metadata_unref(scope->metadata[i]);
    free(scope->blobs);
    free(scope->metadata);
    tarn_arena_free(scope->arena);
    *scope = (struct lake_scope){0};
}

/* ---- metadata ---- */

static const struct tarn_metadata *hold_metadata(struct lake_scope *scope,
                                                 struct tarn_metadata *metadata)
{
    TARN_RESERVE(scope->metadata, scope->metadata_cap, scope->metadata_count + 1);
    scope->metadata[scope->metadata_count++] = metadata;
    return metadata;
}

/* A new reference, or NULL. */
static struct tarn_metadata *cached_metadata(struct tarn_lake *lake, const char *path)
{
    struct tarn_metadata *found = NULL;
    pthread_mutex_lock(&lake->cache_lock);
    for (size_t i = lake->metadata_count; i > 0 && !found; i--) {
        if (strcmp(lake->metadata[i - 1]->path, path) != 0)
            continue;
        struct tarn_metadata *metadata = lake->metadata[i - 1];
        memmove(&lake->metadata[i - 1], &lake->metadata[i],
                (lake->metadata_count - i) * sizeof metadata);
        lake->metadata[lake->metadata_count - 1] = metadata;
        found = tarn_metadata_ref(metadata);
    }
    pthread_mutex_unlock(&lake->cache_lock);
    return found;
}

static void cache_metadata(struct tarn_lake *lake, const struct tarn_metadata *metadata)
{
    struct tarn_metadata *oldest = NULL;
    pthread_mutex_lock(&lake->cache_lock);
    if (lake->metadata_count == METADATA_MAX) {
        oldest = lake->metadata[0];
        memmove(lake->metadata, lake->metadata + 1, --lake->metadata_count * sizeof oldest);
    }
    TARN_RESERVE(lake->metadata, lake->metadata_cap, lake->metadata_count + 1);
    lake->metadata[lake->metadata_count++] = tarn_metadata_ref(metadata);
    pthread_mutex_unlock(&lake->cache_lock);
    tarn_metadata_unref(oldest);
}

void lake_remember_metadata(struct tarn_lake *lake, json_t *json, const char *path)
{
    struct tarn_metadata *metadata;
    struct tarn_error ignored; /* only costs the next reader a parse, and an error there */
    if (tarn_metadata_of(json, path, &metadata, &ignored) != TARN_OK)
        return;
    cache_metadata(lake, metadata);
    tarn_metadata_unref(metadata);
}

static enum tarn_status missing_file(const char *what, const char *path, struct tarn_error *err)
{
    return tarn_fail(
        err, TARN_CORRUPT,
        "reading the %s %s: the file is not there; restore it from a backup, or drop the "
        "table and build it again",
        what, path);
}

enum tarn_status lake_load_metadata(struct lake_scope *scope, const char *location,
                                    const struct tarn_metadata **ret_metadata,
                                    struct tarn_error *err)
{
    const char *path = tarn_location_path(location);
    if (!path)
        return tarn_fail(err, TARN_UNSUPPORTED, "reading %s: Tarn reads tables on local disks",
                         location);
    struct tarn_metadata *metadata = cached_metadata(scope->lake, path);
    if (!metadata) {
        TARN_BUFFER(bytes, TARN_METADATA_MAX_BYTES);
        enum tarn_status status = tarn_file_read(path, &bytes, err);
        if (status == TARN_NOT_FOUND)
            return missing_file("table metadata", path, err);
        TARN_TRY(status);
        TARN_TRY(tarn_metadata_parse(tarn_buffer_text(&bytes), path, &metadata, err));
        cache_metadata(scope->lake, metadata);
    }
    *ret_metadata = hold_metadata(scope, metadata);
    return TARN_OK;
}

enum tarn_status lake_load_table(struct lake_scope *scope, const char *ns, const char *name,
                                 const struct tarn_metadata **ret_metadata, struct tarn_error *err)
{
    struct tarn_catalog_entry entry;
    bool found;
    TARN_TRY(tarn_catalog_get(scope->lake->state, ns, name, scope->arena, &found, &entry, err));
    if (!found)
        return lake_not_found(scope->lake, ns, name, err);
    if (entry.is_view)
        return tarn_fail(err, TARN_INVALID, "%s.%s is a view, a table is needed", ns, name);
    return lake_load_metadata(scope, entry.location, ret_metadata, err);
}

enum tarn_status lake_find_snapshot(const struct tarn_metadata *metadata, struct tarn_lake_at at,
                                    const char *ns, const char *name,
                                    const struct tarn_snapshot **ret_snapshot,
                                    struct tarn_error *err)
{
    const struct tarn_snapshot *snapshot = metadata->snapshot;
    char text[TARN_TIME_TEXT_BYTES];
    if (at.snapshot_id)
        snapshot = tarn_metadata_snapshot(metadata, at.snapshot_id);
    else if (at.time_us)
        snapshot = tarn_metadata_snapshot_at(metadata, at.time_us / 1000);
    if (!snapshot && at.snapshot_id)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "reading %s.%s: it has no snapshot %" PRId64
                         "; `tarn describe %s.%s` lists them",
                         ns, name, at.snapshot_id, ns, name);
    if (!snapshot && at.time_us)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "reading %s.%s as of %s: it had no snapshot yet, or it has expired; `tarn "
                         "describe %s.%s` lists them",
                         ns, name, tarn_time_format(at.time_us, text), ns, name);
    *ret_snapshot = snapshot;
    return TARN_OK;
}

/* ---- manifest lists and manifests ---- */

static struct lake_blob *hold_blob(struct lake_scope *scope, struct lake_blob *blob)
{
    TARN_RESERVE(scope->blobs, scope->blob_cap, scope->blob_count + 1);
    scope->blobs[scope->blob_count++] = blob;
    return blob;
}

static struct lake_blob *cached_blob(struct tarn_lake *lake, const char *location)
{
    struct lake_blob *found = NULL;
    pthread_mutex_lock(&lake->cache_lock);
    for (size_t i = lake->blob_count; i > 0 && !found; i--)
        if (strcmp(lake->blobs[i - 1]->location, location) == 0) {
            found = lake->blobs[i - 1];
            atomic_fetch_add(&found->references, 1);
        }
    pthread_mutex_unlock(&lake->cache_lock);
    return found;
}

static void cache_blob(struct tarn_lake *lake, struct lake_blob *blob)
{
    size_t gone = 0;
    pthread_mutex_lock(&lake->cache_lock);
    lake->blob_bytes += blob->bytes.len;
    while (gone < lake->blob_count && lake->blob_bytes > BLOB_BYTES_MAX) {
        lake->blob_bytes -=
            lake->blobs[gone]->bytes.len; /* decoded they take some 10 times their bytes */
        blob_unref(lake->blobs[gone++]);
    }
    lake->blob_count -= gone;
    if (gone > 0)
        memmove(lake->blobs, lake->blobs + gone, lake->blob_count * sizeof *lake->blobs);
    TARN_RESERVE(lake->blobs, lake->blob_cap, lake->blob_count + 1);
    atomic_fetch_add(&blob->references, 1);
    lake->blobs[lake->blob_count++] = blob;
    pthread_mutex_unlock(&lake->cache_lock);
}

/* A blob with the file's bytes and one reference. */
static enum tarn_status read_blob(const char *location, struct lake_blob **ret_blob,
                                  struct tarn_error *err)
{
    const char *path = tarn_location_path(location);
    if (!path)
        return tarn_fail(err, TARN_UNSUPPORTED, "reading %s: Tarn reads tables on local disks",
                         location);
    struct lake_blob *blob = tarn_alloc(sizeof *blob);
    blob->location = tarn_strdup(location);
    blob->arena = tarn_arena_new();
    tarn_buffer_init(&blob->bytes, TARN_MANIFEST_MAX_BYTES);
    atomic_store(&blob->references, 1);
    enum tarn_status status = tarn_file_read(path, &blob->bytes, err);
    if (status == TARN_NOT_FOUND)
        status = missing_file("manifest file", path, err);
    if (status != TARN_OK)
        blob_unref(blob);
    else
        *ret_blob = blob;
    return status;
}

enum tarn_status lake_load_manifests(struct lake_scope *scope, const struct tarn_snapshot *snapshot,
                                     const struct tarn_manifest_file **ret_manifests,
                                     size_t *ret_count, struct tarn_error *err)
{
    struct lake_blob *blob = cached_blob(scope->lake, snapshot->manifest_list);
    if (!blob) {
        TARN_TRY(read_blob(snapshot->manifest_list, &blob, err));
        enum tarn_status status =
            tarn_manifest_list_read(tarn_buffer_text(&blob->bytes), snapshot->manifest_list,
                                    blob->arena, &blob->manifests, &blob->count, err);
        if (status != TARN_OK) {
            blob_unref(blob);
            return status;
        }
        cache_blob(scope->lake, blob);
    }
    hold_blob(scope, blob);
    *ret_manifests = blob->manifests;
    *ret_count = blob->count;
    return TARN_OK;
}

enum tarn_status lake_load_entries(struct lake_scope *scope, const struct tarn_metadata *metadata,
                                   const struct tarn_manifest_file *manifest,
                                   const struct tarn_entry **ret_entries, size_t *ret_count,
                                   struct tarn_error *err)
{
    struct lake_blob *blob = cached_blob(scope->lake, manifest->location);
    if (!blob) {
        TARN_TRY(read_blob(manifest->location, &blob, err));
        enum tarn_status status =
            tarn_manifest_read(tarn_buffer_text(&blob->bytes), manifest, metadata, blob->arena,
                               &blob->entries, &blob->count, err);
        if (status != TARN_OK) {
            blob_unref(blob);
            return status;
        }
        cache_blob(scope->lake, blob);
    }
    hold_blob(scope, blob);
    *ret_entries = blob->entries;
    *ret_count = blob->count;
    return TARN_OK;
}

void lake_cache_free(struct tarn_lake *lake)
{
    for (size_t i = 0; i < lake->metadata_count; i++)
        tarn_metadata_unref(lake->metadata[i]);
    for (size_t i = 0; i < lake->blob_count; i++)
        blob_unref(lake->blobs[i]);
    free(lake->metadata);
    free(lake->blobs);
}
