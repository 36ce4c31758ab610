/* store/model.c -- see model.h. */
#include "store/model.h"

enum tarn_status tarn_model_run_put(struct tarn_state *state, const struct tarn_model_run_row *row,
                                    struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(
        state,
        "INSERT OR REPLACE INTO model_run (run_id, unique_id, status, row_count, snapshot_id, "
        "started_us, ended_us) VALUES (?1, ?2, ?3, nullif(?4, -1), nullif(?5, 0), ?6, ?7)",
        &statement, err));
    tarn_bind_str(statement, 1, row->run_id);
    tarn_bind_str(statement, 2, row->unique_id);
    tarn_bind_str(statement, 3, row->status);
    tarn_bind_int(statement, 4, row->rows < 0 ? -1 : row->rows);
    tarn_bind_int(statement, 5, row->snapshot_id);
    tarn_bind_int(statement, 6, row->started_us);
    tarn_bind_int(statement, 7, row->ended_us);
    return tarn_statement_finish(statement, NULL, err);
}

enum tarn_status tarn_model_run_find(struct tarn_state *state, const char *run_id,
                                     const char *unique_id, bool *ret_found, int64_t *ret_rows,
                                     struct tarn_error *err)
{
    TARN_AUTO_STATEMENT struct tarn_statement *statement = NULL;
    TARN_TRY(tarn_statement_begin(state,
                                  "SELECT coalesce(row_count, -1) FROM model_run "
                                  "WHERE run_id = ?1 AND unique_id = ?2 AND status = 'success'",
                                  &statement, err));
    tarn_bind_str(statement, 1, run_id);
    tarn_bind_str(statement, 2, unique_id);
    bool row;
    TARN_TRY(tarn_statement_step(statement, &row, err));
    *ret_found = row;
    *ret_rows = row ? tarn_column_int(statement, 0) : -1;
    return TARN_OK;
}
