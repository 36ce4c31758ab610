/* store/load.c -- see load.h. */
#include "store/load.h"

#define LOAD_COLUMNS                                                                               \
    "file, entity, load_id, sha256, format, status, reason, size_bytes, modified_us, rows, "       \
    "rejected, started_us, finished_us"

static char *text(struct tarn_statement *s, int index, struct tarn_arena *arena)
{
    const char *value = tarn_column_str(s, index);
    return value ? tarn_arena_strdup(arena, value) : NULL;
}

static struct tarn_load load_of_row(struct tarn_statement *s, struct tarn_arena *arena)
{
    return (struct tarn_load){
        .file = text(s, 0, arena),
        .entity = text(s, 1, arena),
        .load_id = text(s, 2, arena),
        .sha256 = text(s, 3, arena),
        .format = text(s, 4, arena),
        .status = text(s, 5, arena),
        .reason = text(s, 6, arena),
        .size_bytes = tarn_column_int(s, 7),
        .modified_us = tarn_column_int(s, 8),
        .rows = tarn_column_int(s, 9),
        .rejected = tarn_column_int(s, 10),
        .started_us = tarn_column_int(s, 11),
        .finished_us = tarn_column_int(s, 12),
    };
}

static enum tarn_status one(struct tarn_statement *s, struct tarn_arena *arena,
                            struct tarn_load **ret, struct tarn_error *err)
{
    bool row;
    TARN_TRY(tarn_statement_step(s, &row, err));
    *ret = NULL;
    if (row) {
        *ret = tarn_arena_alloc(arena, sizeof **ret);
        **ret = load_of_row(s, arena);
    }
    return TARN_OK;
}

enum tarn_status tarn_load_of_file(struct tarn_state *state, const char *file,
                                   struct tarn_arena *arena, struct tarn_load **ret,
                                   struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(
        tarn_statement_begin(state, "SELECT " LOAD_COLUMNS " FROM loads WHERE file = ?1", &s, err));
    tarn_bind_str(s, 1, file);
    return one(s, arena, ret, err);
}

enum tarn_status tarn_load_of_content(struct tarn_state *state, const char *entity,
                                      const char *sha256, struct tarn_arena *arena,
                                      struct tarn_load **ret, struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "SELECT " LOAD_COLUMNS
                                  " FROM loads WHERE entity = ?1 AND sha256 = ?2"
                                  " AND status <> 'duplicate'",
                                  &s, err));
    tarn_bind_str(s, 1, entity);
    tarn_bind_str(s, 2, sha256);
    return one(s, arena, ret, err);
}

enum tarn_status tarn_load_record(struct tarn_state *state, const struct tarn_load *load,
                                  struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "INSERT INTO loads (" LOAD_COLUMNS ") VALUES"
                                  " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                                  &s, err));
    const char *const texts[] = {load->file,   load->entity, load->load_id, load->sha256,
                                 load->format, load->status, load->reason};
    const int64_t numbers[] = {load->size_bytes, load->modified_us, load->rows,
                               load->rejected,   load->started_us,  load->finished_us};
    int index = 0;
    for (size_t i = 0; i < TARN_COUNT(texts); i++)
        tarn_bind_str(s, ++index, texts[i]);
    for (size_t i = 0; i < TARN_COUNT(numbers); i++)
        tarn_bind_int(s, ++index, numbers[i]);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_load_forget(struct tarn_state *state, const char *file,
                                  struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(state, "DELETE FROM loads WHERE file = ?1", &s, err));
    tarn_bind_str(s, 1, file);
    return tarn_statement_finish(s, NULL, err);
}

enum tarn_status tarn_load_list(struct tarn_state *state, struct tarn_arena *arena,
                                struct tarn_load **ret_loads, size_t *ret_count,
                                struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *s = NULL;
    TARN_TRY(tarn_statement_begin(
        state, "SELECT " LOAD_COLUMNS " FROM loads ORDER BY load_id, file", &s, err));
    TARN_AUTO_FREE struct tarn_load *loads = NULL;
    size_t count = 0, cap = 0;
    for (bool row = true;;) {
        TARN_TRY(tarn_statement_step(s, &row, err));
        if (!row)
            break;
        TARN_RESERVE(loads, cap, count + 1);
        loads[count++] = load_of_row(s, arena);
    }
    struct tarn_load *kept = tarn_arena_array(arena, count + 1, sizeof *kept);
    if (count > 0)
        memcpy(kept, loads, count * sizeof *kept);
    *ret_loads = kept;
    *ret_count = count;
    return TARN_OK;
}
