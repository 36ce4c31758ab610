/* base/file.h -- files and directories, durable where it says so.
 *
 * Tests make the n-th write, sync, rename or open-for-write of the process fail with
 * tarn_file_fail_at; every durable write of Tarn's own goes through this file. */
#ifndef TARN_BASE_FILE_H
#define TARN_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

/* Joins with exactly one '/' between the parts; free with free(). */
char *tarn_path_join(const char *directory, const char *name);
const char *tarn_path_name(const char *path);      /* the part behind the last '/' */
const char *tarn_path_extension(const char *path); /* ".csv", "" when there is none */

bool tarn_file_exists(const char *path);
bool tarn_directory_exists(const char *path);
CHECKED enum tarn_status tarn_file_size(const char *path, uint64_t *ret_size_bytes,
                                        struct tarn_error *err);
/* mkdir -p */
CHECKED enum tarn_status tarn_directory_make(const char *path, struct tarn_error *err);
/* rm -rf; a missing path is fine. */
CHECKED enum tarn_status tarn_path_remove(const char *path, struct tarn_error *err);

/* Appends the whole file to `into` (whose limit applies). */
CHECKED enum tarn_status tarn_file_read(const char *path, struct tarn_buffer *into,
                                        struct tarn_error *err);
/* Writes the bytes to `path`, which must not exist yet, and syncs the file. The directory entry is
 * durable only after tarn_directory_sync. A failure leaves no file behind. */
CHECKED enum tarn_status tarn_file_create(const char *path, struct tarn_text bytes,
                                          struct tarn_error *err);
/* The same without the sync, for a caller that writes several files and then syncs each of them. */
CHECKED enum tarn_status tarn_file_create_unsynced(const char *path, struct tarn_text bytes,
                                                   struct tarn_error *err);
/* Renames within one file system; durable after both directories are synced. */
CHECKED enum tarn_status tarn_file_move(const char *from, const char *to, struct tarn_error *err);
/* Replaces `path` atomically (temporary file, sync, rename, directory sync). */
CHECKED enum tarn_status tarn_file_replace(const char *path, struct tarn_text bytes,
                                           struct tarn_error *err);
/* Copies a file's bytes to `to`, durably: it is there whole or not at
 * all, also after a crash. The name in between starts with a dot, so listings leave it out. */
CHECKED enum tarn_status tarn_file_copy(const char *from, const char *to, struct tarn_error *err);
CHECKED enum tarn_status tarn_file_sync(const char *path, struct tarn_error *err);
CHECKED enum tarn_status tarn_directory_sync(const char *path, struct tarn_error *err);

struct tarn_file_list {
    char **paths; /* sorted; `prefix/relative` */
    size_t count;
};
/* All regular files below `directory` at any depth whose name ends in `suffix` ("" for all), sorted
 * by path, hidden names and symbolic links left out. A missing directory gives an empty list. */
CHECKED enum tarn_status tarn_directory_list(const char *directory, const char *suffix,
                                             struct tarn_arena *arena,
                                             struct tarn_file_list *ret_list,
                                             struct tarn_error *err);

/* For tests: the n-th call from now (1 = the next) of a write, sync, create or rename in this file
 * fails with EIO; 0 turns it off. Returns how many such calls there were since the last call of
 * this function. */
uint64_t tarn_file_fail_at(uint64_t nth);

#endif
