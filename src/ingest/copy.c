/* ingest/copy.c -- a person's own files into landing/files/<table>/<today>/. */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "ingest/ingest.h"
#include "store/load.h"

/* The name below landing/ of a file that lies there already, otherwise NULL. */
static const char *below_landing(const char *root, const char *path, struct tarn_arena *arena)
{
    char root_buffer[PATH_MAX], path_buffer[PATH_MAX];
    if (!realpath(root, root_buffer) || !realpath(path, path_buffer))
        return NULL;
    size_t len = strlen(root_buffer);
    bool below = strncmp(path_buffer, root_buffer, len) == 0 && path_buffer[len] == '/';
    return below ? tarn_arena_strdup(arena, path_buffer + len + 1) : NULL;
}

/* "orders" of /tmp/Orders.csv.gz */
static const char *entity_of(const char *path, struct tarn_arena *arena)
{
    const char *name = tarn_path_name(path);
    const char *dot = strchr(name + (name[0] == '.'), '.');
    return tarn_entity_name((struct tarn_text){name, dot ? (size_t)(dot - name) : strlen(name)},
                            arena);
}

/* The file's own name, with '_' for each byte that is not UTF-8: it becomes a value of _file. */
static const char *name_in_landing(const char *path, struct tarn_arena *arena)
{
    char *name = tarn_arena_strdup(arena, tarn_path_name(path));
    size_t len = strlen(name), at = 0;
    while ((at += tarn_utf8_valid_prefix((struct tarn_text){name + at, len - at})) < len)
        name[at] = '_';
    return name;
}

/* A name that is free in the folder: orders.csv, orders-2.csv, ... */
static const char *free_name(const char *root, const char *folder, const char *name,
                             struct tarn_arena *arena)
{
    const char *dot = strchr(name + (name[0] == '.'), '.');
    size_t stem = dot ? (size_t)(dot - name) : strlen(name);
    const char *candidate = tarn_arena_format(arena, "%s/%s", folder, name);
    for (int n = 2;; n++) {
        const char *path = tarn_arena_format(arena, "%s/%s", root, candidate);
        if (!tarn_file_exists(path))
            return candidate;
        candidate =
            tarn_arena_format(arena, "%s/%.*s-%d%s", folder, (int)stem, name, n, dot ? dot : "");
    }
}

enum tarn_status tarn_ingest_copy(const struct tarn_ingest *ingest, const char *path,
                                  const char *table, struct tarn_arena *arena,
                                  const char **ret_name, const char **ret_known,
                                  struct tarn_error *err)
{
    const char *root = tarn_project_data_path(ingest->project, "landing");
    const char *entity =
        table ? tarn_entity_name(tarn_text_of(table), arena) : entity_of(path, arena);
    char date[TARN_TIME_TEXT_BYTES], sha256[TARN_SHA256_HEX_BYTES];
    struct tarn_load *earlier;
    struct stat info;
    if (stat(path, &info) != 0)
        return tarn_fail_errno(err, "loading %s", path);
    if (!S_ISREG(info.st_mode))
        return tarn_fail(err, TARN_INVALID, "loading %s: it is not a regular file", path);
    *ret_known = NULL;
    *ret_name = below_landing(root, path, arena);
    if (*ret_name)
        return TARN_OK;
    TARN_TRY(tarn_sha256_file(path, sha256, err));
    TARN_TRY(tarn_load_of_content(ingest->state, entity, sha256, arena, &earlier, err));
    if (earlier && !(ingest->retry && strcmp(earlier->status, "rejected") == 0)) {
        *ret_known = *ret_name = earlier->file;
        return TARN_OK;
    }
    tarn_date_format(tarn_now_us() / INT64_C(86400000000), date);
    const char *folder = tarn_arena_format(arena, "files/%s/%s", entity, date);
    TARN_TRY(tarn_directory_make(tarn_arena_format(arena, "%s/%s", root, folder), err));
    const char *name = free_name(root, folder, name_in_landing(path, arena), arena);
    TARN_TRY(tarn_file_copy(path, tarn_arena_format(arena, "%s/%s", root, name), err));
    *ret_name = name;
    return TARN_OK;
}
