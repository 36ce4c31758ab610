/* store/load.h -- which landing files were loaded, with what outcome (table loads). */
#ifndef TARN_STORE_LOAD_H
#define TARN_STORE_LOAD_H

#include "store/state.h"

struct tarn_load {
    const char *file; /* below landing/ */
    const char *entity, *load_id, *sha256, *format;
    const char *status; /* loaded, rejected, duplicate */
    const char *reason; /* NULL when loaded */
    int64_t size_bytes, modified_us;
    int64_t rows, rejected;
    int64_t started_us, finished_us;
};

/* The record of a file by its path, and of the file that holds this content for the entity. *ret is
 * NULL when there is none; texts in `arena`. */
CHECKED enum tarn_status tarn_load_of_file(struct tarn_state *state, const char *file,
                                           struct tarn_arena *arena, struct tarn_load **ret,
                                           struct tarn_error *err);
CHECKED enum tarn_status tarn_load_of_content(struct tarn_state *state, const char *entity,
                                              const char *sha256, struct tarn_arena *arena,
                                              struct tarn_load **ret, struct tarn_error *err);
/* EXISTS when another process recorded the file or its content meanwhile. */
CHECKED enum tarn_status tarn_load_record(struct tarn_state *state, const struct tarn_load *load,
                                          struct tarn_error *err);
/* Forgets the record of a file, so that it can be recorded anew. */
CHECKED enum tarn_status tarn_load_forget(struct tarn_state *state, const char *file,
                                          struct tarn_error *err);
/* All records, by load id and file. */
CHECKED enum tarn_status tarn_load_list(struct tarn_state *state, struct tarn_arena *arena,
                                        struct tarn_load **ret_loads, size_t *ret_count,
                                        struct tarn_error *err);

#endif
